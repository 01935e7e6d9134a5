// Calls: binding of arguments to parameters, inlining of Flow functions, and what else can be called (fields, models, domains).

import { callWithRule } from './function_rules.ts';
import { comprehension, staticListOf } from './comprehension.ts';
import { paired } from '../values/complex.ts';
import type { Context } from '../context.ts';
import { failAt, withCallChain, withDraws } from '../context.ts';
import { bindArguments } from './call_arguments.ts';
import { estimatorWord } from '../random/distributions.ts';
import { callField } from './field_calls.ts';
import { gridOf } from '../fields/domains.ts';
import { gradientOverComputed } from './gradient_over.ts';
import { solvePaths } from '../solve/ensembles.ts';
import { instantiate } from '../layers/layers.ts';
import { placeGrid } from '../fields/places.ts';
import { flatten } from '../values/leaves.ts';
import { optionNamed } from '../names/options.ts';
import type { Scope } from '../names/scope.ts';
import { bindType } from '../values/types.ts';
import type {
  CallArgument,
  CallArguments,
  ComplexPart,
  FunctionValue,
  ModelValue,
  Value,
} from '../values/values.ts';
import { describe, int } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import { sizeOf } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

const DEEPEST = 150;

/** Option words stand for themselves in the arguments that take them, whatever else has that name: `save: none`, `adjoint: store`. */
const OPTION_ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  save: ['none'],
  adjoint: ['auto', 'store', 'recompute', 'reversible', 'continuous'],
  precision: ['f32', 'f64'],
};

export function evaluateCall(ctx: Context, e: ast.CallExpression, scope: Scope): Value {
  const callee = ctx.evaluate(e.callee, scope);
  const paths = e.args.find((a) => a.name?.name === 'paths');
  if (paths !== undefined && callee.kind === 'builtin' && callee.name === 'solve') {
    const each: ast.CallExpression = { ...e, args: e.args.filter((a) => a !== paths) };
    return solvePaths(ctx, paths, scope, (inner) => evaluateCall(ctx, each, inner), e.span);
  }
  const over = e.args.find((a) => a.name?.name === 'over');
  if (over !== undefined && callee.kind === 'builtin' && callee.name === 'gradient') {
    const gradient = ctx.graph.withOrigin(e.span, () => gradientOverComputed(ctx, e, over.value, scope));
    if (gradient !== undefined) return gradient;
  }
  const args: CallArgument[] = [];
  for (const a of e.args) {
    if (a.generators !== undefined) {
      if (callee.kind === 'builtin' && callee.name === 'list')
        return staticListOf(ctx, a.value, a.generators, scope, a.span);
      args.push({ value: collected(ctx, a.value, a.generators, scope, a.span), span: a.span });
      // A reduction goes over the elements of the comprehension, not over the axes inside an element.
      const overAxis = callee.kind === 'builtin' && callee.params.includes('axis');
      if (overAxis && !e.args.some((x) => x.name?.name === 'axis'))
        args.push({ name: 'axis', value: int(0), span: a.span });
      continue;
    }
    const words = a.name === undefined ? undefined : OPTION_ARGUMENTS[a.name.name];
    const word =
      a.value.kind === 'name' && words?.includes(a.value.name) === true
        ? optionNamed(a.value.name)
        : undefined;
    const estimator =
      a.name?.name === 'estimator' && callee.kind === 'builtin' && callee.name === 'draw'
        ? estimatorWord(ctx, a.value, scope)
        : undefined;
    args.push({
      ...(a.name ? { name: a.name.name } : {}),
      value: word ?? estimator ?? withDraws(ctx, drawsOf(ctx, callee, a), () => ctx.evaluate(a.value, scope)),
      span: a.span,
    });
  }
  return ctx.graph.withOrigin(e.span, () => ctx.call(callee, args, e.span));
}

/** What a solve saves does not change the names of its draws: those of `save:` have names of their own. */
function drawsOf(ctx: Context, callee: Value, { name }: ast.Argument): Context['draws'] {
  const aside = callee.kind === 'builtin' && callee.name === 'solve' && name?.name === 'save';
  return aside ? { ...ctx.draws, path: `${ctx.draws.path}|save` } : ctx.draws;
}

/** The elements of a comprehension over one index or several, all along one axis. */
function collected(
  ctx: Context,
  body: ast.Expression,
  generators: readonly ast.Generator[],
  scope: Scope,
  span: Span,
): Value {
  const value = comprehension(ctx, body, generators, scope, span);
  const k = generators.length;
  if (k === 1) return value;
  const flat = flatten(ctx, value, span);
  if (flat.leaves.length === 0 || flat.leaves.some((l) => l.node.shape.length < k)) return value;
  return flat.rebuild(
    flat.leaves.map(({ node }) =>
      b.reshape(ctx.graph, node, [sizeOf(node.shape.slice(0, k)), ...node.shape.slice(k)]),
    ),
  );
}

export function call(ctx: Context, callee: Value, args: CallArguments, span: Span): Value {
  switch (callee.kind) {
    case 'function':
      return callFunction(ctx, callee, args, span);
    case 'builtin':
      return callee.apply(args, span);
    case 'field':
      return callField(ctx, callee, args, span);
    case 'complex':
      if (callee.re.kind === 'field' || callee.im.kind === 'field') {
        const part = (p: ComplexPart): Value => (p.kind === 'field' ? callField(ctx, p, args, span) : p);
        return paired(ctx, part(callee.re), part(callee.im), span);
      }
      return failAt(
        ctx,
        'E170',
        `${describe(callee)} cannot be called`,
        span,
        'a product is written with `*`',
      );
    case 'model':
      return applyModel(ctx, callee, args, span);
    case 'domain':
      return { kind: 'grid', grid: gridOf(ctx, callee, args, span) };
    case 'tuple':
      return { ...callee, elements: callee.elements.map((f) => call(ctx, f, args, span)) };
    case 'layer':
      return instantiate(ctx, callee, args, span);
    case 'record': {
      if (callee.call !== undefined) return callee.call(callee, args, span);
      const inner = callee.entries.get('call');
      if (inner !== undefined) return call(ctx, inner, args, span);
      return failAt(ctx, 'E170', `${describe(callee)} cannot be called`, span);
    }
    default:
      return failAt(
        ctx,
        'E170',
        `${describe(callee)} cannot be called`,
        span,
        callee.kind === 'number' || callee.kind === 'array' ? 'a product is written with `*`' : undefined,
      );
  }
}

function callFunction(ctx: Context, f: FunctionValue, args: CallArguments, span: Span): Value {
  if (ctx.frames.length >= DEEPEST)
    failAt(
      ctx,
      'E171',
      `${f.name} calls itself without end (${DEEPEST} calls deep)`,
      span,
      'recursion has to end at compile time: by an `if` on a size, a list or a const; to repeat until a run-time condition holds, write `while c limit 100 { … }`',
    );
  const scope = f.scope.child();
  if (f.captured !== undefined) {
    const { rows, values } = f.captured;
    if (rows.length > 0)
      failAt(
        ctx,
        'E177',
        `${describe(f)} is one for each of ${rows.join(' x ')} elements, and none is chosen`,
        span,
        'take an element first: fs[k](x), paths[k].value(t), or go over them: [f(x) for f in fs]',
      );
    for (const [name, value] of values) scope.define(name, value, span);
  }
  ctx.frames.push({ name: f.name, span });
  const ordinal = ctx.draws.ordinal++;
  try {
    return withDraws(
      ctx,
      { ...ctx.draws, path: `${ctx.draws.path}/${f.name}#${ordinal}`, ordinal: 0 },
      () => {
        bindArguments(ctx, f.name, f.params, args, scope, span);
        const body = (inside: Scope): Value => {
          const result = withCallChain(ctx, () => ctx.evaluate(f.body, inside));
          return f.result === undefined
            ? result
            : bindType(ctx, f.result, result, inside, f.body.span, `the result of ${f.name}`);
        };
        return f.derivative === undefined && f.tangent === undefined
          ? body(scope)
          : callWithRule(ctx, f, scope, span, body);
      },
    );
  } finally {
    ctx.frames.pop();
  }
}

function applyModel(ctx: Context, m: ModelValue, args: CallArguments, span: Span): Value {
  const scope = m.scope.child();
  bindArguments(ctx, m.item.name.name, m.item.params, args, scope, span);
  const on = m.item.on;
  if (on === undefined) return { kind: 'instance', item: m.item, scope };
  return { kind: 'instance', item: m.item, scope, grid: placeGrid(ctx, on, scope) };
}
