// Operands that are nodes brought to one element type and one shape. Ints become real where a real is wanted; a scalar goes with anything; arrays of equal rank go together where
// their sizes match or are 1; nothing else is silent.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { Elementwise } from './elementwise.ts';
import * as b from '../../ir/build.ts';
import type { DType, Node } from '../../ir/types.ts';
import { isFloat, sameShape } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import { describeNode } from './values.ts';

/** The node for operands that are nodes: types and shapes are levelled first. */
export function buildElementwise(ctx: Context, op: Elementwise, nodes: readonly Node[], span: Span): Node {
  return op.build(ctx.graph, broadcastAll(ctx, op.name, promote(ctx, op, nodes, span), span));
}

export const quoted = (name: string): string => `\`${name}\``;

function promote(ctx: Context, op: Elementwise, nodes: readonly Node[], span: Span): readonly Node[] {
  const g = ctx.graph;
  const wrong = (wanted: string, culprit: (n: Node) => boolean, help?: string): never =>
    failAt(
      ctx,
      'E121',
      `${quoted(op.name)} wants ${wanted}, but is given ${nodes.filter(culprit).map(describeNode).join(' and ')}`,
      span,
      help,
    );
  const isTruth = (n: Node): boolean => n.dtype === 'bool';
  const asNumber = 'write where(c, 1, 0) to count a truth value';
  const toCommon = (some: readonly Node[]): readonly Node[] => {
    if (some.some((n) => n.dtype === 'bool'))
      return some.every(isTruth) ? some : wrong('values of one kind', () => true, asNumber);
    const float = some.some((n) => isFloat(n.dtype));
    const dtype: DType = float ? ctx.real : some.every((n) => n.dtype === 'u32') ? 'u32' : 'i32';
    return some.map((n) => b.cast(g, n, dtype));
  };
  switch (op.operands) {
    case 'real': {
      if (nodes.some(isTruth)) wrong('numbers', isTruth, asNumber);
      const common = toCommon(nodes);
      return common.map((n) => (isFloat(n.dtype) ? n : b.cast(g, n, ctx.real)));
    }
    case 'number':
      if (nodes.some(isTruth)) wrong('numbers', isTruth, asNumber);
      return toCommon(nodes);
    case 'integer':
      if (nodes.some((n) => isFloat(n.dtype) || n.dtype === 'bool'))
        wrong('whole numbers', (n) => isFloat(n.dtype) || isTruth(n));
      return toCommon(nodes);
    case 'bool':
      return nodes.every(isTruth)
        ? nodes
        : wrong('truth values', (n) => !isTruth(n), 'compare numbers: x > 0');
    case 'compare':
    case 'any':
      return toCommon(nodes);
    case 'mask': {
      const [mask, ...rest] = nodes;
      if (mask === undefined || !isTruth(mask))
        return wrong('a truth value first', (n) => n === mask, 'compare numbers: where(x > 0, a, b)');
      return [mask, ...toCommon(rest)];
    }
  }
}

/** Brings shapes together: a scalar goes with anything, equal ranks where sizes match or are 1. */
export function broadcastAll(
  ctx: Context,
  name: string,
  nodes: readonly Node[],
  span: Span,
): readonly Node[] {
  const rank = Math.max(...nodes.map((n) => n.shape.length));
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) shape.push(1);
  for (const n of nodes) {
    if (n.shape.length === 0) continue;
    const clash =
      n.shape.length !== rank ||
      n.shape.some((extent, axis) => extent !== 1 && at(shape, axis) !== 1 && extent !== at(shape, axis));
    if (clash) mismatch(ctx, name, nodes, span);
    n.shape.forEach((extent, axis) => {
      if (extent !== 1) shape[axis] = extent;
    });
  }
  return nodes.map((n) => (sameShape(n.shape, shape) ? n : b.broadcastTo(ctx.graph, n, shape)));
}

function mismatch(ctx: Context, name: string, nodes: readonly Node[], span: Span): never {
  const arrays = nodes.filter((n) => n.shape.length > 0);
  const ranks = new Set(arrays.map((n) => n.shape.length));
  return failAt(
    ctx,
    'E122',
    `the shapes do not match in ${quoted(name)}: ${arrays.map((n) => `[${n.shape.join(', ')}]`).join(' and ')}`,
    span,
    ranks.size > 1
      ? 'arrays of different rank do not combine silently: write a comprehension, [f(a[i], b) for i in 0..n], or reshape one of them'
      : 'sizes must be equal, or 1 where one of them repeats',
  );
}
