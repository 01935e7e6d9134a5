// Single places of arrays. Assigning to an element, and its derivative, are written with masks `position == p`:
//
//   sum over i of where(i == p, x, 0)      is x[p], or 0 where p lies outside: one read instead of n
//   x + (zeros with v added at p)          is where(i == p, x + v, x): a loop can do that in place
//
// In: the operands of a sum, or of an addition. Out: the simpler node, or undefined. p may differ between the elements of a batch (leading axes).

import { at, range } from '../support/lists.ts';
import {
  add,
  and,
  broadcastAxes,
  eq,
  full,
  ge,
  lt,
  max,
  min,
  select,
  transposePerm,
  gather,
  reduce,
} from './build.ts';
import type { Graph } from './graph.ts';
import { asOp, isZero } from './pattern.ts';
import type { Node, NodeOf } from './types.ts';

/** Condition that holds at one place along an axis. */
interface Pick {
  readonly axis: number;
  /** One place for every element of the leading axes `0 .. rank - 1`. */
  readonly place: Node;
}

/** The axis along which a node counts 0, 1, 2, … */
function counted(node: Node): number | undefined {
  if (node.op === 'iota') return node.attrs.axis;
  if (node.op !== 'broadcast') return undefined;
  const inner = at(node.args, 0);
  return inner.op === 'iota' ? at(node.attrs.axes, inner.attrs.axis) : undefined;
}

/** The value that a node repeats over all but its leading axes. */
function leading(node: Node): Node | undefined {
  const spread = asOp(node, 'broadcast');
  return spread?.attrs.axes.every((axis, i) => axis === i) === true ? at(spread.args, 0) : undefined;
}

function pickOf(mask: Node): Pick | undefined {
  if (mask.op !== 'eq') return undefined;
  const [a, b] = [at(mask.args, 0), at(mask.args, 1)];
  for (const [counter, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const axis = counted(counter);
    const place = axis === undefined ? undefined : leading(other);
    if (axis !== undefined && place?.dtype === 'i32' && place.shape.length <= axis) return { axis, place };
  }
  return undefined;
}

function conjuncts(mask: Node): Node[] {
  return mask.op === 'and' ? mask.args.flatMap(conjuncts) : [mask];
}

/** `sum(where(i == p, x, 0), axes)`; undefined where the mask is another. */
export function sumOfPicked(g: Graph, chosen: NodeOf<'select'>, axes: readonly number[]): Node | undefined {
  const [mask, x, otherwise] = [at(chosen.args, 0), at(chosen.args, 1), at(chosen.args, 2)];
  if (!isZero(otherwise) || (mask.op !== 'eq' && mask.op !== 'and')) return undefined;
  const picks = conjuncts(mask).map(pickOf);
  const held: Pick[] = [];
  for (const pick of picks) {
    // All conditions, each along an axis of its own that is summed over.
    if (pick === undefined || !axes.includes(pick.axis) || held.some((p) => p.axis === pick.axis))
      return undefined;
    if (held.concat(pick).some((p) => held.concat(pick).some((q) => q.axis < p.place.shape.length)))
      return undefined;
    held.push(pick);
  }
  // From the last axis to the first, so that those that are left keep their numbers.
  let value = x;
  let inside: Node | undefined;
  for (const { axis, place } of [...held].sort((a, b) => b.axis - a.axis)) {
    const batch = place.shape.length;
    const extent = at(value.shape, axis);
    const rest = range(value.shape.length).filter((k) => k >= batch && k !== axis);
    value = gather(g, transposePerm(g, value, [...range(batch), axis, ...rest]), place, batch);
    const within = and(g, ge(g, place, 0), lt(g, place, extent));
    const spread = (m: Node, like: Node): Node => broadcastAxes(g, m, like.shape, range(m.shape.length));
    value = select(g, spread(within, value), value, full(g, value.shape, 0, value.dtype));
    inside = within;
  }
  if (inside === undefined) return undefined;
  const gone = held.map((p) => p.axis);
  const left = axes
    .filter((axis) => !gone.includes(axis))
    .map((axis) => axis - gone.filter((h) => h < axis).length);
  return left.length === 0 ? value : reduce(g, 'sum', value, left);
}

/** `x + scatter_add(p, v)` with one place p for every element of the batch. */
export function addedAtPlace(g: Graph, x: Node, scatter: Node): Node | undefined {
  if (scatter.op !== 'scatter_add' || scatter.attrs.indexRank !== 0 || scatter.args.length > 2)
    return undefined;
  const { batch, size } = scatter.attrs;
  const [place, update] = [at(scatter.args, 0), at(scatter.args, 1)];
  const { shape } = x;
  if (size < 2) return undefined;
  const clamped = max(g, min(g, place, size - 1), 0);
  const mask = eq(g, g.iota(shape, batch, 'i32'), broadcastAxes(g, clamped, shape, range(batch)));
  const spread = broadcastAxes(
    g,
    update,
    shape,
    range(shape.length).filter((axis) => axis !== batch),
  );
  return select(g, mask, add(g, x, spread), x);
}
