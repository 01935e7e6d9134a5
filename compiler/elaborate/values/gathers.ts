// Elements at run-time positions along several axes: one gather with one linear index, so that its transpose is one scatter. Positions outside of an axis count as its nearest end
// (each axis by itself), unless a mode says otherwise.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { PositionsIndex } from './indexing.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { sizeOf } from '../../ir/types.ts';
import { at, range } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

/** Positions along one axis of an array. */
export interface AxisPositions {
  readonly axis: number;
  readonly entry: PositionsIndex;
}

/** The position that is meant: counted round, or held at the ends when there are several axes (a single gather does that by itself). */
function meant(ctx: Context, entry: PositionsIndex, extent: number, several: boolean): Node {
  const g = ctx.graph;
  if (entry.outside?.kind === 'wrap') return b.rem(g, entry.node, extent);
  return several || entry.outside?.kind === 'clamp'
    ? b.max(g, b.min(g, entry.node, extent - 1), 0)
    : entry.node;
}

/** The row-major index over `extents` of positions along each; arrays of positions are combined in all ways: shape [...first, ...second, …]. */
export function linearIndex(
  ctx: Context,
  extents: readonly number[],
  positions: readonly PositionsIndex[],
): Node {
  const g = ctx.graph;
  const shape = positions.flatMap((p) => p.node.shape);
  let before = 0;
  let linear: Node | undefined;
  positions.forEach((p, k) => {
    const own = p.node.shape.length;
    const first = before;
    const node = b.broadcastAxes(
      g,
      meant(ctx, p, at(extents, k), positions.length > 1),
      shape,
      range(own).map((a) => a + first),
    );
    before += own;
    linear = linear === undefined ? node : b.add(g, b.mul(g, linear, at(extents, k)), node);
  });
  return linear ?? g.constant(0, 'i32');
}

/** Whether all positions lie inside: shape [...first, ...second, …]. `chosen` says which of them count. */
export function insideMask(
  ctx: Context,
  extents: readonly number[],
  positions: readonly PositionsIndex[],
  chosen: (p: PositionsIndex) => boolean,
): Node | undefined {
  const g = ctx.graph;
  const shape = positions.flatMap((p) => p.node.shape);
  let before = 0;
  let mask: Node | undefined;
  positions.forEach((p, k) => {
    const own = p.node.shape.length;
    const first = before;
    before += own;
    if (!chosen(p)) return;
    const inside = b.and(g, b.ge(g, p.node, 0), b.lt(g, p.node, at(extents, k)));
    const spread = b.broadcastAxes(
      g,
      inside,
      shape,
      range(own).map((a) => a + first),
    );
    mask = mask === undefined ? spread : b.and(g, mask, spread);
  });
  return mask;
}

/** x at run-time positions along the given axes, each replaced by the axes of its positions. */
export function takePositions(ctx: Context, x: Node, taken: readonly AxisPositions[], span: Span): Node {
  const g = ctx.graph;
  const extents = taken.map((p) => at(x.shape, p.axis));
  if (extents.includes(0)) failAt(ctx, 'E232', 'an empty axis has no elements', span);
  const entries = taken.map((p) => p.entry);
  const axes = taken.map((p) => p.axis);
  const rest = range(x.shape.length).filter((a) => !axes.includes(a));
  const front = b.transposePerm(g, x, [...axes, ...rest]);
  const table = b.reshape(g, front, [sizeOf(extents), ...rest.map((a) => at(x.shape, a))]);
  const index = linearIndex(ctx, extents, entries);
  const gathered = b.gather(g, table, index);
  // Where the axes of every index come to stand.
  const perm: number[] = [];
  const placeOf = new Map<number, readonly number[]>();
  let next = 0;
  for (const p of taken) {
    placeOf.set(
      p.axis,
      range(p.entry.node.shape.length).map((a) => a + next),
    );
    next += p.entry.node.shape.length;
  }
  rest.forEach((axis, i) => placeOf.set(axis, [next + i]));
  for (const axis of range(x.shape.length)) perm.push(...(placeOf.get(axis) ?? []));
  let result = b.transposePerm(g, gathered, perm);
  // Beyond the ends of an axis with `else` stands its value; of two such axes the first decides.
  for (const p of [...taken].reverse()) {
    const { outside } = p.entry;
    if (outside?.kind !== 'else') continue;
    const own = placeOf.get(p.axis) ?? [];
    const inside = b.and(g, b.ge(g, p.entry.node, 0), b.lt(g, p.entry.node, at(x.shape, p.axis)));
    const mask = b.broadcastAxes(
      g,
      inside,
      result.shape,
      own.map((a) => perm.indexOf(a)),
    );
    result = b.select(
      g,
      mask,
      result,
      b.cast(g, b.broadcastTo(g, outside.value, result.shape), result.dtype),
    );
  }
  return result;
}
