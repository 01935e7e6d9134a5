// The memory of an optimiser: what its `init` gives, in variables that each of its steps changes. An optimiser written where it is used begins anew with every statement; one declared with
// `optimizer opt = …` goes on, and so does its number of steps, until `reset opt`. It then belongs to the variables it was first used on.

import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { Targets } from './goals.ts';
import { flatten } from '../values/leaves.ts';
import { inOrderOf } from '../values/part_order.ts';
import type { NamedItem, Scope } from '../names/scope.ts';
import type { Value } from '../values/values.ts';
import { describe } from '../values/values.ts';
import type { OptimiserInfo, Variables } from '../variables.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** Where the memory of one statement lives. */
export interface Memory {
  readonly prefix: string;
  /** The number of the step, i32. */
  readonly step: Node;
  readonly declared: OptimiserInfo | undefined;
  readonly variables: Variables;
  /** The variables optimised. */
  readonly over: string;
}

export function memoryOf(
  ctx: Context,
  variables: Variables,
  using: ast.Expression,
  scope: Scope,
  name: string,
  targets: Targets,
  iteration: Node,
): Memory {
  const over = targets.variables.join(', ');
  const declared =
    using.kind === 'name' && scope.find(using.name) === undefined
      ? optimiserNamed(ctx, variables, using.name, scope)
      : undefined;
  if (declared === undefined) return { prefix: name, step: iteration, declared, variables, over };
  if (declared.held !== undefined && declared.held.over !== over)
    failAt(
      ctx,
      'E438',
      `\`${declared.name}\` already holds memory of ${names(declared.held.over)}, and cannot be used on ${names(over)}`,
      using.span,
      'declare an optimiser for each, or write this one where it is used: using adam(…)',
    );
  return {
    prefix: `optimizer.${declared.name}`,
    step: variables.nodeOf(declared.count),
    declared,
    variables,
    over,
  };
}

const names = (over: string): string =>
  over
    .split(', ')
    .map((v) => v.replace(/^(param|network|state)\./, ''))
    .join(', ');

/** The `optimizer` of this name, of the file or of one it uses. */
export function optimiserNamed(
  ctx: Context,
  variables: Variables,
  name: string,
  scope: Scope,
): OptimiserInfo | undefined {
  const used = scope.module.uses.get(name);
  const item: NamedItem | undefined =
    scope.module.items.get(name) ?? (used === undefined ? undefined : used.module.items.get(used.name));
  if (item?.kind !== 'declaration' || item.what !== 'optimizer') return undefined;
  const known = variables.optimisers.get(item);
  if (known !== undefined) return known;
  const prefix = variables.fresh(`optimizer.${name}`);
  const [started, count] = [`${prefix}.started`, `${prefix}.count`];
  variables.declare(ctx, started, { dtype: 'bool', shape: [] });
  variables.declare(ctx, count, { dtype: 'i32', shape: [] });
  variables.keep([started, count]);
  const forget = variables.procedure(
    `${prefix}.forget`,
    new Map([
      [started, ctx.graph.constant(0, 'bool')],
      [count, ctx.graph.constant(0, 'i32')],
    ]),
  );
  variables.setup.push(forget);
  const made: OptimiserInfo = { name, started, count, forget, held: undefined };
  variables.optimisers.set(item, made);
  return made;
}

/** `init` or `step` of an optimiser. */
export function optimiserPart(ctx: Context, optimiser: Value, key: string, using: ast.Expression): Value {
  const v = optimiser.kind === 'record' ? optimiser.entries.get(key) : undefined;
  return (
    v ??
    failAt(
      ctx,
      'E433',
      `an optimiser is a record { init, step }, but this is ${describe(optimiser)}`,
      using.span,
      optimiser.kind === 'function'
        ? `give it its arguments: using ${optimiser.name}(…)`
        : 'use std.optim { adam } and write `using adam(lr: 1e-2)`',
    )
  );
}

interface Stepped {
  readonly newLeaves: readonly Node[];
  readonly memory: readonly { readonly variable: string; readonly now: Node; readonly later: Node }[];
  /** What the variables of the memory begin with. */
  readonly start: readonly (readonly [string, Node])[];
}

/** One step on fresh parameters for the memory. Where a step makes an int real or a number an array, the memory starts that way and the step is elaborated again. */
export function stepWithMemory(
  ctx: Context,
  problem: Value,
  step: Value,
  targets: Targets,
  memory0: Value,
  memory: Memory,
  span: Span,
): Stepped {
  const g = ctx.graph;
  const { declared, variables } = memory;
  const held = declared?.held;
  let begun = held === undefined ? memory0 : conform(ctx, memory0, likeHeld(variables, held), span, MEMORY);
  for (;;) {
    const shape = flatten(ctx, begun, span);
    const nodes =
      held === undefined
        ? shape.leaves.map((l) => g.param(`memory.${l.path}`, l.node))
        : held.variables.map((v) => variables.nodeOf(v));
    const result = stepOnce(ctx, problem, step, targets.now, shape.rebuild(nodes), span);
    const after = flatten(ctx, inOrderOf(result.memory, begun), span);
    if (after.leaves.length !== shape.leaves.length)
      failAt(
        ctx,
        'E435',
        `the optimiser's memory changes its structure: ${shape.leaves.map((l) => l.path).join(', ')} becomes ${after.leaves.map((l) => l.path).join(', ')}`,
        span,
      );
    let widened = false;
    const wider = shape.leaves.map((l, i) => {
      const now = at(after.leaves, i).node;
      const toReal = l.node.dtype === 'i32' && isFloat(now.dtype);
      const toArray = l.node.shape.length === 0 && now.shape.length > 0;
      if (held !== undefined || (!toReal && !toArray)) return l.node;
      widened = true;
      const real = toReal ? b.cast(g, l.node, now.dtype) : l.node;
      return toArray ? b.broadcastTo(g, real, now.shape) : real;
    });
    if (widened) {
      begun = shape.rebuild(wider);
      continue;
    }
    const later = flatten(
      ctx,
      conform(ctx, result.memory, shape.rebuild(nodes), span, MEMORY),
      span,
    ).leaves.map((l) => l.node);
    const own =
      held?.variables ?? shape.leaves.map((l, i) => `${memory.prefix}.memory.${l.path === '' ? i : l.path}`);
    if (held === undefined) {
      own.forEach((v, i) => variables.adopt(v, at(nodes, i)));
      variables.keep(own);
      if (declared !== undefined) declared.held = { over: memory.over, shape, variables: own };
    }
    const started = declared === undefined ? undefined : variables.nodeOf(declared.started);
    return {
      newLeaves: targets.leaves(result.p, span),
      memory: [
        ...own.map((variable, i) => ({ variable, now: at(nodes, i), later: at(later, i) })),
        ...(declared === undefined
          ? []
          : [{ variable: declared.count, now: memory.step, later: b.add(g, memory.step, 1) }]),
      ],
      start: [
        ...own.map((v, i): [string, Node] => {
          const init = at(shape.leaves, i).node;
          const now = at(nodes, i);
          return [
            v,
            started === undefined ? init : b.select(g, b.broadcastTo(g, started, now.shape), now, init),
          ];
        }),
        ...(declared === undefined ? [] : [[declared.started, g.constant(1, 'bool')] as const]),
      ],
    };
  }
}

const MEMORY = "the optimiser's memory";

function likeHeld(variables: Variables, held: NonNullable<OptimiserInfo['held']>): Value {
  return held.shape.rebuild(held.variables.map((v) => variables.nodeOf(v)));
}

function stepOnce(
  ctx: Context,
  problem: Value,
  step: Value,
  p: Value,
  memory: Value,
  span: ast.Expression['span'],
): { p: Value; memory: Value } {
  const result = ctx.call(
    step,
    [problem, p, memory].map((value) => ({ value, span })),
    span,
  );
  const parts = result.kind === 'tuple' || result.kind === 'list' ? result.elements : undefined;
  if (parts?.length !== 2) return failAt(ctx, 'E434', 'the `step` of an optimiser gives a pair (p, s)', span);
  return { p: at(parts, 0), memory: at(parts, 1) };
}
