// What probing and resampling share: the range of positions that linear interpolation anywhere in the domain needs, and where places lie in it. Places outside
// the domain are moved to the nearest wall; on a periodic axis they wrap.

import { add, cast, floor, full, max, min, mul, rem, sub } from '../ir/build.ts';
import type { Node } from '../ir/types.ts';
import { firstOffset, spacing } from './grid.ts';
import type { FieldContext, Grid, GridAxis, Location } from './types.ts';

export interface Reach {
  readonly lo: number;
  readonly hi: number;
}

/** The unknowns and, by cells, one ghost beyond either wall: what interpolation anywhere in the domain needs. */
export function sampledRange(axis: GridAxis): Reach {
  return axis.periodic || axis.kind === 'nodes' ? { lo: 0, hi: axis.count } : { lo: -1, hi: axis.count + 1 };
}

export function sampledLocation(grid: Grid): Location {
  return grid.axes.map((axis) => ({ kind: 'centre', ...sampledRange(axis) }));
}

export interface Bracket {
  /** Positions in the range, from 0, i32. */
  readonly below: Node;
  readonly above: Node;
  /** 0 at `below`, 1 at `above`. */
  readonly weight: Node;
}

/** A coordinate in spacings, counted from unknown 0. */
export function positionOf(axis: GridAxis, place: number): number {
  return (place - axis.from) / spacing(axis) - firstOffset(axis, 'centre');
}

/** Where places (any shape) lie between the positions of a range (by default the sampled one) of two positions or more. */
export function bracket(
  context: FieldContext,
  axis: GridAxis,
  place: Node,
  { lo, hi }: Reach = sampledRange(axis),
): Bracket {
  const g = context.graph;
  const first = axis.from + (lo + firstOffset(axis, 'centre')) * spacing(axis);
  const inside = axis.periodic ? place : min(g, max(g, place, axis.from), axis.to);
  const position = mul(g, sub(g, inside, first), 1 / spacing(axis));
  if (axis.periodic) {
    const whole = floor(g, position);
    const index = cast(g, whole, 'i32');
    const wrap = (i: Node): Node => rem(g, i, axis.count);
    return { below: wrap(index), above: wrap(add(g, index, 1)), weight: sub(g, position, whole) };
  }
  const whole = min(g, max(g, floor(g, position), 0), hi - lo - 2);
  const below = cast(g, whole, 'i32');
  return { below, above: add(g, below, 1), weight: sub(g, position, whole) };
}

/** a(1 - weight) + b weight. */
export function between(context: FieldContext, a: Node, b: Node, weight: Node): Node {
  const g = context.graph;
  return add(g, mul(g, a, sub(g, full(g, weight.shape, 1, context.dtype), weight)), mul(g, b, weight));
}
