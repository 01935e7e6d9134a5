// Derivatives and values between unknowns by a space scheme (types.ts: `Scheme`), in the place of the differences and means of second order of demand.ts. A scheme belongs to an axis.
//
// `stencil`: the same structure of demands as without a scheme, fluxes on faces and their differences, with longer rows of weights: div(k*grad(u)) is conservative for every scheme. The
// derivatives of a leaf at unknowns skip the faces. Weights that are opposite make differences, so that the derivative of a constant is exactly zero.
// `whole`: everything is evaluated at unknowns (collocation); n derivatives along one axis are one map of order n; faces are half a spacing away.
//
// Boundary conditions and traces on walls are evaluated as without a scheme.

import { add, keep, mul, sub } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/types.ts';
import { InternalError } from '../support/diagnostic.ts';
import { at, range, zip } from '../support/lists.ts';
import type { Evaluation } from './evaluation.ts';
import { axisIndex, replaceRange, spacing } from './grid.ts';
import { centralTerm, hasPlace, neighbours, shifted } from './neighbours.ts';
import { cyclic, timesNumber } from './stencil.ts';
import type { Diff, FieldExpr, Location, Scheme, WholeScheme } from './types.ts';

/** The scheme that derivatives along an axis follow here. */
export function schemeAlong(ev: Evaluation, axis: number): Scheme | undefined {
  return ev.mirror === undefined && ev.wall === undefined ? at(ev.context.grid.axes, axis).scheme : undefined;
}

/** A derivative at unknowns or faces. */
export function derivativeBy(scheme: Scheme, ev: Evaluation, e: Diff, location: Location): Node {
  const axis = axisIndex(ev.context.grid, e.axis, e.span);
  const { order, inner } = repeated(e);
  if (scheme.kind === 'whole') return mapped(scheme, ev, inner, location, axis, order);
  const g = ev.context.graph;
  const h = spacing(at(ev.context.grid.axes, axis));
  const place = at(location, axis);
  const direct = scheme.derivatives[order - 1];
  if (place.kind === 'centre' && direct !== undefined && centralTerm(inner, e.axis)) {
    const reach = (direct.length - 1) / 2;
    const values = neighbours(
      ev,
      inner,
      location,
      axis,
      range(direct.length).map((i) => i - reach),
    );
    return timesNumber(g, weighted(g, values, direct), h ** -order);
  }
  const reach = scheme.slope.length / 2;
  const first = place.kind === 'face' ? -reach : 1 - reach;
  const moves = range(scheme.slope.length).map((i) => i + first);
  const from = replaceRange(location, axis, {
    ...place,
    kind: place.kind === 'face' ? 'centre' : 'face',
  });
  const values =
    place.kind === 'face'
      ? neighbours(ev, e.arg, from, axis, moves)
      : shifted(ev, (there) => flux(ev, e.arg, there), hasPlace(e.arg), from, axis, moves);
  return timesNumber(g, weighted(g, values, scheme.slope), 1 / h);
}

/** Values at the other kind of place: on faces those between unknowns, at unknowns those between faces. `location` is where they are wanted. */
export function betweenBy(
  scheme: Scheme,
  ev: Evaluation,
  e: FieldExpr,
  location: Location,
  axis: number,
): Node {
  const place = at(location, axis);
  const kind = place.kind === 'face' ? 'centre' : 'face';
  if (scheme.kind === 'whole') {
    const from = replaceRange(location, axis, { kind, lo: 0, hi: at(ev.context.grid.axes, axis).count });
    const along = at(ev.context.grid.axes, axis);
    const made = scheme.apply(ev.demand(ev, e, from), axis, along, 0, kind === 'centre' ? -0.5 : 0.5);
    return cyclic(ev.context.graph, made, axis, place.lo, place.hi);
  }
  const reach = scheme.face.length / 2;
  const first = kind === 'centre' ? -reach : 1 - reach;
  const moves = range(scheme.face.length).map((i) => i + first);
  const values = neighbours(ev, e, replaceRange(location, axis, { ...place, kind }), axis, moves);
  return weighted(ev.context.graph, values, scheme.face);
}

function flux(ev: Evaluation, e: FieldExpr, location: Location): Node {
  const value = ev.demand(ev, e, location);
  return ev.context.keepFaces === true ? keep(ev.context.graph, value) : value;
}

/** How often e is differentiated along its axis, and what. */
function repeated(e: Diff): { readonly order: number; readonly inner: FieldExpr } {
  let order = 1;
  let inner = e.arg;
  while (inner.kind === 'diff' && inner.axis === e.axis) {
    order++;
    inner = inner.arg;
  }
  return { order, inner };
}

function mapped(
  scheme: WholeScheme,
  ev: Evaluation,
  inner: FieldExpr,
  location: Location,
  axis: number,
  order: number,
): Node {
  const along = at(ev.context.grid.axes, axis);
  const place = at(location, axis);
  if (!along.periodic)
    throw new InternalError('field.schemes', `a map of the whole axis ${along.name}, which has walls`);
  const all = replaceRange(location, axis, { kind: 'centre', lo: 0, hi: along.count });
  const made = scheme.apply(ev.demand(ev, inner, all), axis, along, order, place.kind === 'face' ? -0.5 : 0);
  return cyclic(ev.context.graph, made, axis, place.lo, place.hi);
}

// ---- weights

/** The sum of weights times values. Pairs around the middle with opposite weights are differences, with equal ones means, or where the weights add up to zero differences from the middle. */
export function weighted(g: Graph, values: readonly Node[], weights: readonly number[]): Node {
  const n = weights.length;
  const half = Math.floor(n / 2);
  const pairs = range(half).map((i) => ({
    below: at(values, i),
    above: at(values, n - 1 - i),
    low: at(weights, i),
    high: at(weights, n - 1 - i),
  }));
  const middle = n % 2 === 1 ? at(values, half) : undefined;
  const total = weights.reduce((a, b) => a + b, 0);
  const scale = weights.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const balanced = Math.abs(total) <= 1e-12 * scale;
  let terms: Node[];
  if (pairs.every((p) => p.low === -p.high) && (middle === undefined || at(weights, half) === 0))
    terms = pairs.map((p) => timesNumber(g, sub(g, p.above, p.below), p.high));
  else if (pairs.every((p) => p.low === p.high) && (middle === undefined || !balanced))
    terms = [
      ...pairs.map((p) => timesNumber(g, add(g, p.above, p.below), p.high)),
      ...(middle === undefined ? [] : [timesNumber(g, middle, at(weights, half))]),
    ];
  else if (balanced && middle !== undefined)
    terms = zip(values, weights).flatMap(([x, w], i) =>
      i === half || w === 0 ? [] : [mul(g, sub(g, x, middle), w)],
    );
  else terms = zip(values, weights).map(([x, w]) => timesNumber(g, x, w));
  return terms.reduce((a, b) => add(g, a, b));
}
