// Values at positions moved along an axis: what every difference and every mean is made of. Values that two neighbours share (fluxes) are evaluated once on the joined range and sliced;
// on a periodic axis once on the full range and rolled, unless they depend on the coordinates, which do not wrap.

import type { Node } from '../ir/types.ts';
import { at } from '../support/lists.ts';
import type { Evaluation } from './evaluation.ts';
import { partsOf } from './expression.ts';
import { replaceRange } from './grid.ts';
import { cyclic, section } from './stencil.ts';
import type { FieldExpr, Location } from './types.ts';

/** An expression at the positions of a range moved by each of `moves` along an axis. */
export function neighbours(
  ev: Evaluation,
  e: FieldExpr,
  location: Location,
  axis: number,
  moves: readonly number[],
): readonly Node[] {
  const simple = e.kind === 'leaf' || e.kind === 'coordinate' || e.kind === 'scalar';
  return shifted(
    ev,
    (place) => ev.demand(ev, e, place),
    simple || hasPlace(e),
    location,
    axis,
    moves,
    simple,
  );
}

/**
 * `value` at the positions of a range moved by each of `moves` (increasing). `placed`: it depends on the coordinates. `simple` values are asked for once a move, which costs no
 * arithmetic.
 */
export function shifted(
  ev: Evaluation,
  value: (location: Location) => Node,
  placed: boolean,
  location: Location,
  axis: number,
  moves: readonly number[],
  simple = false,
): readonly Node[] {
  const g = ev.context.graph;
  const { kind, lo, hi } = at(location, axis);
  const on = (from: number, to: number): Node =>
    value(replaceRange(location, axis, { kind, lo: from, hi: to }));
  const { periodic, count } = at(ev.context.grid.axes, axis);
  if (periodic && !placed) {
    const once = on(0, count);
    return moves.map((m) => cyclic(g, once, axis, lo + m, hi + m));
  }
  if (simple || periodic || hi - lo === 1) return moves.map((m) => on(lo + m, hi + m));
  const first = Math.min(...moves);
  const once = on(lo + first, hi + Math.max(...moves));
  return moves.map((m) => section(g, once, axis, m - first, m - first + hi - lo));
}

/** Whether the coordinates occur in it. */
export function hasPlace(e: FieldExpr): boolean {
  return partsOf(e).some((part) => part.kind === 'coordinate' || part.kind === 'analytic');
}

/** Whether it is one number everywhere. */
export function placeless(e: FieldExpr): boolean {
  return !partsOf(e).some(
    ({ kind }) => kind === 'leaf' || kind === 'coordinate' || kind === 'analytic' || kind === 'normal',
  );
}

/** Whether the faces can be skipped: a leaf, or derivatives of a leaf along other axes (all linear in the leaf). */
export function centralTerm(e: FieldExpr, axis: string): boolean {
  return e.kind === 'leaf' || (e.kind === 'diff' && e.axis !== axis && centralTerm(e.arg, axis));
}
