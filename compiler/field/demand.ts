// Demanded locations (language specification, "Locations are demanded from outside"): a field expression and the place where it is wanted become array nodes.
//
// A derivative demanded at a centre asks its argument at the two faces, demanded at a face at the two centres; anything else passes the demand on to its
// parts, down to the leaves, which alone are interpolated (linearly). Hence div(k*grad(T)) at a cell is the difference of k_face*(T_i+1 - T_i)/h: compact
// and conservative. A central difference of a leaf skips the faces: ((u_i+1 + u_i)/2 - (u_i + u_i-1)/2)/h is written (u_i+1 - u_i-1)/(2h).
//
// Along an axis with a space scheme the scheme says how (schemes.ts).
// Invariant: the node for a location has its shape, `hi - lo` an axis.

import { broadcastTo, full, keep, mul, neg } from '../ir/build.ts';
import type { Node } from '../ir/types.ts';
import { sameShape, showType } from '../ir/types.ts';
import { assertNever, fail, InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import { axisSeen, mirrored, plain, type Evaluation } from './evaluation.ts';
import { readLeaf } from './ghost.ts';
import {
  alongAxis,
  axisIndex,
  coordinatesAt,
  locationKey,
  replaceRange,
  sameGrid,
  shapeOf,
  spacing,
  unknowns,
} from './grid.ts';
import { centralTerm, hasPlace, neighbours, placeless, shifted } from './neighbours.ts';
import { betweenBy, derivativeBy, schemeAlong } from './schemes.ts';
import { transported } from './transport.ts';
import { readMirror } from './wall_solution.ts';
import { average, cyclic, difference, harmonicMean, timesNumber } from './stencil.ts';
import type { AxisRange, Diff, FieldContext, FieldExpr, Leaf, Location, Wall } from './types.ts';

/**
 * The values of an expression at a location, of its shape. With `wall`, the location is that wall and `dn` and `normal` refer to it.
 * Errors (FlowError): a boundary condition that is missing, underdetermined or circular, an unknown axis, a field of another grid, `dn` away from walls.
 */
export function demand(context: FieldContext, e: FieldExpr, location: Location, wall?: Wall): Node {
  return demandIn(evaluation(context, wall), e, location);
}

/** The values at the unknowns, shape = counts. */
export function demandCells(context: FieldContext, e: FieldExpr): Node {
  return demand(context, e, unknowns(context.grid));
}

/** The evaluation of a context, at a wall where `wall` is given. */
export function evaluation(context: FieldContext, wall?: Wall): Evaluation {
  const memo = wall === undefined ? context.memo : new Map<FieldExpr, Map<string, Node>>();
  return { context, memo, wall, mirror: undefined, pending: [], demand: demandIn };
}

function demandIn(ev: Evaluation, e: FieldExpr, location: Location): Node {
  const key = locationKey(location);
  const known = ev.memo.get(e);
  const before = known?.get(key);
  if (before !== undefined) return before;
  const node = ev.context.graph.withOrigin(e.span, () => compute(ev, e, location));
  if (!sameShape(node.shape, shapeOf(location)))
    throw new InternalError('field.demand', `${e.kind} at ${key} is ${showType(node)}`);
  const entries = known ?? ev.memo.get(e) ?? new Map<string, Node>();
  entries.set(key, node);
  ev.memo.set(e, entries);
  return node;
}

function compute(ev: Evaluation, e: FieldExpr, location: Location): Node {
  const g = ev.context.graph;
  const turned = wrappedAxis(ev, location);
  if (turned >= 0 && e.kind !== 'leaf' && !hasPlace(e)) return wrapped(ev, e, location, turned);
  switch (e.kind) {
    case 'leaf':
      return leafAt(ev, e, location);
    case 'scalar':
      return broadcastTo(g, e.node, shapeOf(location));
    case 'coordinate':
      return coordinateAt(ev, axisIndex(ev.context.grid, e.axis, e.span), location);
    case 'analytic': {
      const shape = shapeOf(location);
      const coordinates: Record<string, Node> = {};
      const { time } = ev.context;
      if (time !== undefined) coordinates['t'] = broadcastTo(g, time, shape);
      ev.context.grid.axes.forEach((axis, i) => {
        coordinates[axis.name] = coordinateAt(ev, i, location);
      });
      return broadcastTo(g, e.apply(g, coordinates), shape);
    }
    case 'map':
      return broadcastTo(
        g,
        e.apply(
          g,
          e.args.map((arg) => ev.demand(ev, arg, location)),
        ),
        shapeOf(location),
      );
    case 'diff':
      return derivative(ev, e, location);
    case 'at':
      return e.where === 'cells' ? fromCentres(ev, e, location, average) : fromFaces(ev, e.arg, location);
    case 'harmonic':
      return fromCentres(ev, e, location, harmonicMean);
    case 'dn': {
      if (ev.wall === undefined)
        return fail(
          'E311',
          'dn is the derivative along the outward normal and has a meaning at a boundary only',
          e.span,
          'inside the domain write dx, dy … or grad; on a wall write trace(dn(u), x.max) or integral(dn(u), over: x.max)',
        );
      const axis = at(ev.context.grid.axes, ev.wall.axis).name;
      const along = derivative(ev, { kind: 'diff', arg: e.arg, axis, span: e.span }, location);
      return ev.wall.side === 'min' ? neg(g, along) : along;
    }
    case 'normal': {
      const axis = axisIndex(ev.context.grid, e.axis, e.span);
      if (ev.wall === undefined)
        return fail(
          'E311',
          '`normal` has a meaning at a boundary only',
          e.span,
          'use it in a boundary condition or in integral(…, over: x.max)',
        );
      const value = ev.wall.axis !== axis ? 0 : ev.wall.side === 'min' ? -1 : 1;
      return full(g, shapeOf(location), value, ev.context.dtype);
    }
    default:
      return assertNever(e);
  }
}

// ---- leaves and coordinates

function leafAt(ev: Evaluation, leaf: Leaf, location: Location): Node {
  const { grid, graph } = ev.context;
  if (leaf.grid !== grid && !sameGrid(leaf.grid, grid))
    return fail(
      'E306',
      `${leaf.name} lives on ${leaf.grid.name} and is used on ${grid.name}`,
      leaf.span,
      `write resample(${leaf.name}, on: ${grid.name})`,
    );
  const face = location.findIndex((r) => r.kind === 'face');
  if (face >= 0) {
    const { given } = ev;
    if (given?.leaf === leaf && given.place === locationKey(location)) return given.node;
    const scheme = schemeAlong(ev, face);
    if (scheme !== undefined) return betweenBy(scheme, ev, leaf, location, face);
    const { lo, hi } = at(location, face);
    const centres = replaceRange(location, face, { kind: 'centre', lo, hi });
    const [below, above] = pair(neighbours(ev, leaf, centres, face, [-1, 0]));
    return average(graph, below, above);
  }
  const { mirror } = ev;
  if (mirror === undefined) return readLeaf(ev, leaf, location);
  if (mirror.states.has(leaf)) return readMirror(ev, mirror, leaf, location);
  const axis = mirror.wall.axis;
  const { lo, hi } = at(location, axis);
  const places = Array.from({ length: hi - lo }, (_, i) => mirrored(at(grid.axes, axis), mirror, lo + i));
  const outer = plain(ev);
  if (mirror.layer === 1) return outer.demand(outer, leaf, location);
  const parts = places.map((p) =>
    outer.demand(outer, leaf, replaceRange(location, axis, { kind: 'centre', lo: p, hi: p + 1 })),
  );
  return parts.length === 1 ? at(parts, 0) : graph.node('concat', parts, { axis });
}

function coordinateAt(ev: Evaluation, axis: number, location: Location): Node {
  const { graph, dtype } = ev.context;
  const values = coordinatesAt(graph, axisSeen(ev, axis), at(location, axis), dtype);
  return alongAxis(graph, values, shapeOf(location), axis);
}

// ---- derivatives

function derivative(ev: Evaluation, e: Diff, location: Location): Node {
  const g = ev.context.graph;
  const axis = axisIndex(ev.context.grid, e.axis, e.span);
  if (placeless(e.arg)) return full(g, shapeOf(location), 0, ev.context.dtype);
  const scheme = schemeAlong(ev, axis);
  if (scheme !== undefined) {
    if (ev.still === true) return full(g, shapeOf(location), 0, ev.context.dtype);
    const carried = scheme.kind === 'stencil' ? transported(scheme, ev, e, location, axis) : undefined;
    return carried ?? derivativeBy(scheme, ev, e, location);
  }
  if (ev.still === true && ev.wall === undefined && ev.mirror === undefined)
    return full(g, shapeOf(location), 0, ev.context.dtype);
  const h = spacing(axisSeen(ev, axis));
  const range = at(location, axis);
  if (range.kind === 'face') return timesNumber(g, acrossFace(ev, e.arg, location, axis), 1 / h);
  if (centralTerm(e.arg, e.axis)) {
    const [below, above] = pair(neighbours(ev, e.arg, location, axis, [-1, 1]));
    return timesNumber(g, difference(g, above, below), 1 / (2 * h));
  }
  // A second derivative leaves the factor 1/h of the inner one to the end.
  const { arg } = e;
  const second = arg.kind === 'diff' && arg.axis === e.axis && !placeless(arg.arg);
  const flux = (at: Location): Node => {
    const value = second ? acrossFace(ev, arg.arg, at, axis) : ev.demand(ev, arg, at);
    return ev.context.keepFaces === true ? keep(g, value) : value;
  };
  const faces = replaceRange(location, axis, { kind: 'face', lo: range.lo, hi: range.hi });
  const [below, above] = pair(shifted(ev, flux, hasPlace(arg), faces, axis, [0, 1]));
  return timesNumber(g, difference(g, above, below), second ? 1 / (h * h) : 1 / h);
}

/** The difference of the two centres beside each face, not divided by their distance. */
function acrossFace(ev: Evaluation, arg: FieldExpr, location: Location, axis: number): Node {
  const { lo, hi } = at(location, axis);
  const centres = replaceRange(location, axis, { kind: 'centre', lo, hi });
  const [below, above] = pair(neighbours(ev, arg, centres, axis, [-1, 0]));
  return difference(ev.context.graph, above, below);
}

// ---- places

/** e.arg at the unknowns; on faces the mean of the results on both sides. */
function fromCentres(
  ev: Evaluation,
  e: FieldExpr & { readonly arg: FieldExpr },
  location: Location,
  mean: typeof average,
): Node {
  const face = location.findIndex((r) => r.kind === 'face');
  if (face < 0) return ev.demand(ev, e.arg, location);
  const scheme = schemeAlong(ev, face);
  if (scheme !== undefined && mean === average) return betweenBy(scheme, ev, e, location, face);
  const { lo, hi } = at(location, face);
  const centres = replaceRange(location, face, { kind: 'centre', lo, hi });
  const [below, above] = pair(neighbours(ev, e, centres, face, [-1, 0]));
  return mean(ev.context.graph, below, above);
}

/** e on faces; at an unknown the mean of the results on all faces around it. */
function fromFaces(ev: Evaluation, e: FieldExpr, location: Location): Node {
  if (location.some((r) => r.kind === 'face')) return ev.demand(ev, e, location);
  const g = ev.context.graph;
  const means = location.map((range, axis) => {
    const scheme = schemeAlong(ev, axis);
    if (scheme !== undefined) return betweenBy(scheme, ev, e, location, axis);
    const faces = replaceRange(location, axis, { ...range, kind: 'face' });
    const [below, above] = pair(neighbours(ev, e, faces, axis, [0, 1]));
    return average(g, below, above);
  });
  const sum = means.reduce((x, y) => g.node('add', [x, y], {}));
  return means.length === 1 ? sum : mul(g, sum, 1 / means.length);
}

/** The first periodic axis demanded on other positions than 0 .. count - 1, or -1. */
function wrappedAxis(ev: Evaluation, location: Location): number {
  return location.findIndex((r, i) => {
    const { periodic, count } = at(ev.context.grid.axes, i);
    return periodic && (r.lo !== 0 || r.hi !== count);
  });
}

function wrapped(ev: Evaluation, e: FieldExpr, location: Location, axis: number): Node {
  const { kind, lo, hi } = at(location, axis);
  const whole: AxisRange = { kind, lo: 0, hi: at(ev.context.grid.axes, axis).count };
  return cyclic(ev.context.graph, ev.demand(ev, e, replaceRange(location, axis, whole)), axis, lo, hi);
}

function pair(values: readonly Node[]): readonly [Node, Node] {
  return [at(values, 0), at(values, 1)];
}
