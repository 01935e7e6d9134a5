// What a rolled loop carries from turn to turn: the `var`s assigned in its body, of the structure, types and shapes they have at the start. Where the body makes an int real or a number
// an array, the loop is elaborated again from a start of that type.

import { assignedNames, assignmentOf } from './assigned.ts';
import { complexAs } from '../values/complex.ts';
import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt, withDraws, withoutAsserts } from '../context.ts';
import { enterLoop } from '../random/draws.ts';
import { flatten } from '../values/leaves.ts';
import type { Flattened } from '../values/leaves.ts';
import type { Binding, Scope } from '../names/scope.ts';
import { staticDifference } from '../values/static_parts.ts';
import type { Value } from '../values/values.ts';
import { describe } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat, sameShape } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** One turn of a rolled loop: with draws of its own, and no place for assertions. */
export function inTurn<T>(
  ctx: Context,
  index: Node,
  extent: number,
  carried: readonly Carried[],
  work: () => T,
  counted = false,
): T {
  const bindings = carried.map((c) => c.binding);
  return withoutAsserts(ctx, () => withDraws(ctx, enterLoop(ctx, index, extent, counted), work), bindings);
}

export interface Carried {
  readonly name: string;
  readonly binding: Binding;
  /** The expression assigned to it last. */
  readonly place: Span;
}

/** Thrown in the middle of a turn when what is carried has to be real (or an array) from the start. */
export class Promotion extends Error {
  constructor(readonly initial: readonly Value[]) {
    super('a carried variable is promoted');
  }
}

/** Tries with the values as they are, and again with those that a turn asked for. */
export function promoting(
  carried: readonly Carried[],
  start: readonly Value[],
  attempt: (initial: readonly Value[]) => void,
): void {
  let initial = start;
  for (;;) {
    try {
      attempt(initial);
      return;
    } catch (e) {
      if (!(e instanceof Promotion)) throw e;
      restore(carried, start);
      initial = e.initial;
    }
  }
}

export function restore(carried: readonly Carried[], values: readonly Value[]): void {
  carried.forEach((c, i) => (c.binding.value = at(values, i)));
}

export function carriedVariables(scope: Scope, body: ast.BlockExpression): Carried[] {
  const out: Carried[] = [];
  for (const name of new Set(assignedNames(body))) {
    const binding = scope.find(name);
    if (binding !== undefined && binding.mutable)
      out.push({ name, binding, place: assignmentOf(body, name)?.value.span ?? body.span });
  }
  return out;
}

/** A body that has given a value would end its loop. */
export function noReturn(ctx: Context, returned: Value | undefined, span: Span): void {
  if (returned !== undefined)
    failAt(
      ctx,
      'E197',
      'a `return` inside a rolled loop would end it at a turn known at run time only',
      span,
      'assign to a `var` and return it after the loop; `break when c` ends the loop',
    );
}

/** What is carried to the next turn: of the structure, types and shapes it began with. */
export function carriedLeaves(ctx: Context, c: Carried, value: Value, like: Flattened): readonly Node[] {
  const found = staticDifference(ctx, like.rebuild(like.leaves.map((l) => l.node)), value);
  if (found !== undefined)
    failAt(
      ctx,
      'E199',
      `the loop changes \`${c.name}\` from ${describe(found.one)} to ${describe(found.other)}`,
      c.place,
      'a rolled loop carries numbers; functions, strings and names of parts stay as they are',
    );
  const now = flatten(ctx, value, c.place).leaves;
  like.leaves.forEach((l, i) => {
    const shape = now[i]?.node.shape ?? [];
    if (shape.length > 0 && !sameShape(shape, l.node.shape))
      failAt(
        ctx,
        'E162',
        `the loop changes the shape of \`${c.name}\` from [${l.node.shape.join(', ')}] to [${shape.join(', ')}]`,
        c.place,
        'shapes are static: make the array large enough before the loop and assign to its elements, or collect with `yield`',
      );
  });
  const fitted = conform(ctx, value, like.rebuild(like.leaves.map((l) => l.node)), c.place, `\`${c.name}\``);
  return flatten(ctx, fitted, c.place).leaves.map((l) => l.node);
}

/** The value after a turn; `promote` when the start has to be real because the turn makes it real. */
export function widen(
  ctx: Context,
  made: Value,
  begun: Value,
  span: Span,
): { value: Value; promote?: Value } {
  const after = complexAs(ctx, made, begun, span);
  const before = complexAs(ctx, begun, after, span);
  const [x, y] = [flatten(ctx, after, span), flatten(ctx, before, span)];
  if (x.leaves.length !== y.leaves.length)
    failAt(
      ctx,
      'E199',
      `the loop changes the structure of what it carries, from ${describe(before)} to ${describe(after)}`,
      span,
      'give it all its parts before the loop',
    );
  let differs = before !== begun;
  const nodes = y.leaves.map(({ node }, i) => {
    const now = at(x.leaves, i).node;
    if (isFloat(now.dtype) && !isFloat(node.dtype) && node.dtype !== 'bool') {
      differs = true;
      return b.cast(ctx.graph, spread(ctx, node, now), now.dtype);
    }
    if (node.shape.length === 0 && now.shape.length > 0) {
      differs = true;
      return spread(ctx, node, now);
    }
    return node;
  });
  return differs ? { value: after, promote: y.rebuild(nodes) } : { value: after };
}

const spread = (ctx: Context, node: Node, like: Node): Node =>
  node.shape.length === 0 && like.shape.length > 0 ? b.broadcastTo(ctx.graph, node, like.shape) : node;
