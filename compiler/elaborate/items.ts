// Values of items. Functions, domains, fields and models are values as they stand; constants are evaluated once; data, parameters, states and inputs become variables of the plan; `let`
// and `loss` are evaluated at most once in every world (that is, for every choice of parameters).

import type { Context } from './context.ts';
import { failAt, inWorld, withDraws, withoutAsserts } from './context.ts';
import { itemDraws } from './random/draws.ts';
import { indexedLoss } from './runs/indexed_losses.ts';
import { itemLabel } from './names/labels.ts';
import { withMonitors } from './runs/loss_monitors.ts';
import { functionField } from './fields/function_fields.ts';
import { staticNumber, staticNumbers } from './values/leaves.ts';
import type { NamedItem, Module } from './names/scope.ts';
import { Scope } from './names/scope.ts';
import { bindPattern, named } from './names/patterns.ts';
import { bindType } from './values/types.ts';
import type { Value } from './values/values.ts';
import { describe, int, real } from './values/values.ts';
import type { Variables } from './variables.ts';
import { fromFile, weightsPath } from './layers/weights_file.ts';
import { analyticRegion } from './fields/regions.ts';
import { assertNever } from '../support/diagnostic.ts';
import type * as ast from '../syntax/ast.ts';

export function itemValue(
  ctx: Context,
  variables: Variables,
  inProgress: Set<NamedItem>,
  module: Module,
  item: NamedItem,
  name: string,
): Value {
  const replaced = ctx.world.replaced.get(item);
  if (replaced !== undefined) return replaced;
  const fixed = variables.fixed.get(item) ?? ctx.world.values.get(item);
  if (fixed !== undefined) return partOf(ctx, item, name, fixed);
  const label = item.kind === 'let' ? name : item.name.name;
  if (inProgress.has(item)) return definedByItself(ctx, [...inProgress], item);
  inProgress.add(item);
  const [frames, grid, real] = [ctx.frames.splice(0), ctx.modelGrid, ctx.real];
  const { iteration, batch, sample } = ctx;
  ctx.modelGrid = undefined;
  // Variables have the program's precision wherever they are first mentioned.
  if (item.kind !== 'let' && item.kind !== 'loss') {
    ctx.real = ctx.programReal;
    [ctx.iteration, ctx.batch, ctx.sample] = [undefined, undefined, undefined];
  }
  try {
    const scope = new Scope(module, undefined);
    const perWorld = item.kind === 'let' || item.kind === 'loss';
    const value = withDraws(ctx, itemDraws(ctx, `${module.name}:${label}`, perWorld), () => {
      const evaluated = (): Value =>
        withoutAsserts(ctx, () => evaluateItem(ctx, variables, module, item, scope));
      return perWorld ? evaluated() : inWorld(ctx, ctx.baseWorld, evaluated);
    });
    if (perWorld) ctx.world.values.set(item, value);
    else variables.fixed.set(item, value);
    return partOf(ctx, item, name, value);
  } finally {
    inProgress.delete(item);
    ctx.frames.push(...frames);
    ctx.modelGrid = grid;
    ctx.real = real;
    [ctx.iteration, ctx.batch, ctx.sample] = [iteration, batch, sample];
  }
}

/** The same message from wherever the circle is entered: it begins with the item that comes first. */
function definedByItself(ctx: Context, inProgress: readonly NamedItem[], item: NamedItem): never {
  const circle = inProgress.slice(inProgress.indexOf(item));
  const first = circle.reduce((x, y) => (y.span.start < x.span.start ? y : x), item);
  const at = circle.indexOf(first);
  const names = [...circle.slice(at), ...circle.slice(0, at), first].map(itemLabel);
  return failAt(
    ctx,
    'E400',
    circle.length === 1
      ? `\`${itemLabel(first)}\` is defined by itself`
      : `these are defined by each other: ${names.join(' -> ')}`,
    first.kind === 'let' ? first.pattern.span : first.name.span,
    'only functions may call themselves',
  );
}

function partOf(ctx: Context, item: NamedItem, name: string, value: Value): Value {
  if (item.kind !== 'let' || item.pattern.kind === 'name-pattern') return value;
  const scope = new Scope(
    {
      path: '',
      name: '',
      ast: { file: item.span.file, items: [], comments: [], span: item.span },
      items: new Map(),
      uses: new Map(),
      standard: false,
    },
    undefined,
  );
  bindPattern(ctx, item.pattern, value, scope, item.value.span, false);
  return scope.find(name)?.value ?? value;
}

function evaluateItem(
  ctx: Context,
  variables: Variables,
  module: Module,
  item: NamedItem,
  scope: Scope,
): Value {
  switch (item.kind) {
    case 'fn':
      return {
        kind: 'function',
        name: item.name.name,
        params: item.params,
        ...(item.result ? { result: item.result } : {}),
        body: item.body,
        scope,
        span: item.name.span,
        ...(item.derivative ? { derivative: item.derivative } : {}),
        ...(item.tangent ? { tangent: item.tangent } : {}),
      };
    case 'domain':
      return { kind: 'domain', item, scope };
    case 'field':
      return functionField(ctx, item, scope);
    case 'region':
      return analyticRegion(ctx, item, scope);
    case 'model':
      return { kind: 'model', item, scope };
    case 'layer':
      return { kind: 'layer', item, scope };
    case 'type-alias':
      return failAt(ctx, 'E401', `\`${item.name.name}\` is a type, not a value`, item.name.span);
    case 'let': {
      const value = named(item.pattern, ctx.evaluate(item.value, scope));
      return item.type === undefined
        ? value
        : bindType(ctx, item.type, value, scope, item.value.span, 'the value');
    }
    case 'loss':
      return lossValue(ctx, item, scope);
    case 'declaration':
      return declared(ctx, variables, module, item, scope);
    default:
      return assertNever(item);
  }
}

/** The number; its monitors are kept beside it in the current world. */
function lossValue(ctx: Context, item: ast.LossItem, scope: Scope): Value {
  const one = (inner: Scope): { value: Value; monitors: ReadonlyMap<string, Value> } =>
    withMonitors(ctx, item.body, () => lossNumber(ctx, item, ctx.evaluate(item.body, inner)));
  const made =
    item.generators === undefined ? one(scope) : indexedLoss(ctx, item, item.generators, scope, one);
  if (made.monitors.size > 0) ctx.world.monitors.set(item, made.monitors);
  return made.value;
}

function lossNumber(ctx: Context, item: ast.LossItem, value: Value): Value {
  if (value.kind === 'number' || (value.kind === 'array' && value.node.shape.length === 0)) return value;
  return failAt(
    ctx,
    'E402',
    `a loss is one number, but ${item.name.name} is ${describe(value)}`,
    item.body.span,
    value.kind === 'complex'
      ? 'a loss is real: take re(…), abs(…) or abs2(…)'
      : 'reduce it: sum(…), mean(…), norm(…), integral(…)',
  );
}

function declared(
  ctx: Context,
  variables: Variables,
  module: Module,
  item: ast.DeclarationItem,
  scope: Scope,
): Value {
  const { from } = item;
  /** The value with the numbers of the file that `from` names. */
  const read = (v: Value): Value =>
    from === undefined ? v : fromFile(ctx, item, from, v, weightsPath(ctx, from, ctx.evaluate(from, scope)));
  if (from !== undefined && item.what !== 'param' && item.what !== 'network' && item.what !== 'state')
    failAt(
      ctx,
      'E443',
      `\`from\` fills parameters, networks and states, but \`${item.name.name}\` is ${item.what === 'data' ? 'data' : `${item.what === 'input' || item.what === 'optimizer' ? 'an' : 'a'} ${item.what}`}`,
      from.span,
      `write ${item.what} ${item.name.name} = load("…")`,
    );
  const typed = (v: Value): Value =>
    item.type === undefined
      ? v
      : bindType(ctx, item.type, v, scope, item.value.span, `\`${item.name.name}\``);
  switch (item.what) {
    case 'const': {
      const set = module.standard ? undefined : ctx.settings.get(item.name.name);
      if (set !== undefined) return parseSetting(ctx, set, item);
      const value = typed(ctx.evaluate(item.value, scope));
      if (value.kind === 'array' && staticNumbers(value.node) === undefined)
        failAt(
          ctx,
          'E403',
          `\`const ${item.name.name}\` must be known at compile time`,
          item.value.span,
          'use `input` for a number given at run time, `data` for what is computed once, `let` for what depends on parameters',
        );
      return value;
    }
    case 'input': {
      const value = typed(ctx.evaluate(item.value, scope));
      const initial = staticNumber(value);
      if (initial === undefined)
        return failAt(
          ctx,
          'E404',
          `the default of \`input ${item.name.name}\` must be a number known at compile time`,
          item.value.span,
          value.kind === 'complex'
            ? 'make it of two real inputs: a + 1i*b'
            : 'what is computed from parameters is a `let`',
        );
      const integer = value.kind === 'number' ? value.integer : false;
      return variables.input(ctx, item, initial, integer && item.type !== undefined);
    }
    case 'data': {
      const value = typed(ctx.evaluate(item.value, scope));
      return variables.data(ctx, item, value);
    }
    case 'param':
      return variables.parameter(
        ctx,
        item,
        read(typed(realValue(ctx, ctx.evaluate(item.value, scope), item))),
        scope,
      );
    case 'state':
      return variables.state(ctx, item, read(typed(ctx.evaluate(item.value, scope))));
    case 'network':
      return variables.network(ctx, item, read(ctx.evaluate(item.value, scope)));
    case 'optimizer':
      return ctx.evaluate(item.value, scope);
  }
}

function realValue(ctx: Context, v: Value, item: ast.DeclarationItem): Value {
  if (v.kind === 'number') return real(v.value);
  if (v.kind === 'function' || v.kind === 'string' || v.kind === 'option')
    return failAt(ctx, 'E405', `a parameter is made of numbers, but this is ${describe(v)}`, item.value.span);
  return v;
}

export function parseSetting(ctx: Context, text: string, item: ast.DeclarationItem): Value {
  const x = Number(text);
  if (text.trim() === '' || Number.isNaN(x))
    return failAt(ctx, 'E406', `--set ${item.name.name}=${text}: this is no number`, item.name.span);
  return /^[+-]?\d+$/.test(text.trim()) ? int(x) : real(x);
}
