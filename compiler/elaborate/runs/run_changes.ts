// What changes values in a run: assignment to parameters, networks, states and variables, whole or in part (`net.head = …`, `pool[3] += …`, `(a, b) = (b, a)`), and `reset`. In: the
// statement. Out: one procedure, which reads everything before it changes anything.

import { assign } from '../expressions/assignment.ts';
import { assignedNames } from '../expressions/assigned.ts';
import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { targetPath } from './goals.ts';
import { flatten } from '../values/leaves.ts';
import { operators } from '../values/operators.ts';
import { optimiserNamed } from './optimiser_memory.ts';
import { placeOf } from './outputs.ts';
import type { ScriptWriter } from './runs.ts';
import type { Scope } from '../names/scope.ts';
import type { Value } from '../values/values.ts';
import { describe } from '../values/values.ts';
import type { ParameterInfo } from '../variables.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { didYouMean } from '../../support/did_you_mean.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

const COMBINE = {
  '+=': operators.add,
  '-=': operators.sub,
  '*=': operators.mul,
  '/=': operators.div,
} as const;

export function assignInRun(w: ScriptWriter, s: ast.AssignStatement, scope: Scope): void {
  const { ctx } = w;
  const outputs = new Map<string, Node>();
  const names = assignedNames(s);
  if (s.target.kind === 'name' && s.generators === undefined) {
    const given = ctx.evaluate(s.value, scope);
    const value =
      s.op === '=' ? given : ctx.elementwise(COMBINE[s.op], [ctx.evaluate(s.target, scope), given], s.span);
    setOne(w, s.target.name, value, s, scope, outputs);
  } else {
    // As with a `var` inside a function: the names stand for their values now, and get new ones.
    const inner = scope.child();
    for (const name of names) inner.define(name, current(w, name, s, scope), s.target.span, true);
    assign(ctx, s, inner);
    for (const name of names) {
      const value = inner.own(name);
      if (value !== undefined) setOne(w, name, value, s, scope, outputs);
    }
  }
  const procedure = w.variables.procedure(`assign.${names.join('.')}`, outputs);
  w.change({ kind: 'call', procedure, place: placeOf(s.span) });
}

/** What a name that is assigned to in part has now. */
function current(w: ScriptWriter, name: string, s: ast.AssignStatement, scope: Scope): Value {
  const local = scope.find(name);
  if (local === undefined) {
    const item = trainedOrCarried(w, name, scope, s.target.span).item;
    return w.ctx.item(scope.module, item, name);
  }
  if (!local.mutable) return declaredWithLet(w.ctx, name, s.target.span);
  return local.value;
}

function declaredWithLet(ctx: Context, name: string, span: Span): never {
  return failAt(
    ctx,
    'E253',
    `\`${name}\` was declared with \`let\` and cannot be assigned`,
    span,
    `declare it with \`var ${name} = …\``,
  );
}

function setOne(
  w: ScriptWriter,
  name: string,
  value: Value,
  s: ast.AssignStatement,
  scope: Scope,
  outputs: Map<string, Node>,
): void {
  const local = scope.find(name);
  if (local !== undefined) {
    if (!local.mutable) declaredWithLet(w.ctx, name, s.target.span);
    setVariable(w, name, local.value, value, s, outputs);
    return;
  }
  const info = trainedOrCarried(w, name, scope, s.target.span);
  info.toFree(value, s.value.span).forEach((n, i) => outputs.set(at(info.variables, i), n));
}

/** A `var` of the run gets a new value, of the structure and element types that it began with. */
function setVariable(
  w: ScriptWriter,
  name: string,
  held: Value,
  value: Value,
  s: ast.AssignStatement,
  outputs: Map<string, Node>,
): void {
  const { ctx } = w;
  const before = flatten(ctx, held, s.span).leaves;
  const after = flatten(ctx, value, s.value.span).leaves;
  if (before.some((l, i) => l.node.dtype === 'i32' && isFloat(after[i]?.node.dtype ?? 'i32')))
    failAt(
      ctx,
      'E161',
      `\`${name}\` began as an int, but this is ${describe(value)}`,
      s.value.span,
      `begin with a real: var ${name} = 0.0`,
    );
  const fitted = conform(ctx, value, held, s.value.span, `\`${name}\``);
  const leaves = flatten(ctx, fitted, s.value.span).leaves;
  const count = outputs.size;
  before.forEach((l, i) => {
    const variable = w.variables.nameOf(l.node);
    const node = leaves[i]?.node;
    if (variable !== undefined && node !== undefined) outputs.set(variable, node);
  });
  if (outputs.size === count)
    failAt(
      ctx,
      'E436',
      `a \`var\` of a run holds numbers, but \`${name}\` is ${describe(held)}`,
      s.target.span,
      'give the other value another name with `let`',
    );
}

/** `reset k, net.head, opt`. */
export function resetInRun(w: ScriptWriter, s: ast.ResetStatement, scope: Scope): void {
  for (const t of s.targets) {
    const declared =
      t.kind === 'name' && scope.find(t.name) === undefined
        ? optimiserNamed(w.ctx, w.variables, t.name, scope)
        : undefined;
    if (declared !== undefined) {
      w.change({ kind: 'call', procedure: declared.forget });
      continue;
    }
    const { name, path } = targetPath(w.ctx, t, scope);
    const info = trainedOrCarried(w, name, scope, t.span);
    if (path === '') {
      w.change({ kind: 'call', procedure: info.start });
      continue;
    }
    const prefix = `${info.item.what}.${info.name}${path}`;
    const chosen = info.variables.filter(
      (v) => v === prefix || v.startsWith(`${prefix}.`) || v.startsWith(`${prefix}[`),
    );
    if (chosen.length === 0)
      failAt(w.ctx, 'E240', `\`${name}\` has no part \`${path.replace(/^\./, '')}\``, t.span);
    const all = w.variables.procedures.find((p) => p.name === info.start)?.outputs ?? new Map<string, Node>();
    const procedure = w.variables.procedure(
      `reset.${name}${path}`,
      new Map([...all].filter(([v]) => chosen.includes(v))),
    );
    w.change({ kind: 'call', procedure });
  }
}

/** The parameter, network or state of the program that a run changes. */
function trainedOrCarried(w: ScriptWriter, name: string, scope: Scope, span: Span): ParameterInfo {
  const item = scope.module.items.get(name);
  if (item !== undefined) {
    w.ctx.item(scope.module, item, name);
    const info = w.variables.parameters.get(item) ?? w.variables.states.get(item);
    if (info !== undefined) return info;
  }
  const changeable = [...scope.module.items].flatMap(([n, i]) =>
    i.kind === 'declaration' && (i.what === 'param' || i.what === 'state' || i.what === 'network') ? [n] : [],
  );
  const guess = didYouMean(name, changeable);
  return failAt(
    w.ctx,
    'E431',
    item === undefined
      ? `\`${name}\` is not known here`
      : `\`${name}\` is no parameter, network or state, so a run cannot change it`,
    span,
    guess !== undefined
      ? `did you mean \`${guess}\`?`
      : item === undefined
        ? `declare it before: var ${name} = …`
        : `declare it with \`state ${name} = …\``,
  );
}
