// Values of a field at points (`probe`), and the transpose: point sources.
//
// As everywhere, leaves and derivatives are interpolated (multilinearly between the unknowns, and between the last unknown and its ghost), functions of the
// coordinates are evaluated exactly at the place, and elementwise functions are applied to what their arguments give there.

import {
  add,
  broadcastTo,
  concat,
  div,
  gather,
  mul,
  padAxis,
  reshape,
  scatterAdd,
  sub,
} from '../ir/build.ts';
import type { Node } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import { assertNever, InternalError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import { demand } from './demand.ts';
import { leaf } from './expression.ts';
import { alongAxis, cellMeasure, endWeights, shapeOf } from './grid.ts';
import {
  between,
  bracket,
  positionOf,
  sampledLocation,
  sampledRange,
  type Bracket,
} from './interpolation.ts';
import { section, splatValue } from './stencil.ts';
import type { FieldContext, FieldExpr, Grid, Leaf, Location } from './types.ts';

/** The bracket of a place known at compile time: the unknown (or ghost) below it, and the weight of the one above. */
interface KnownBracket {
  readonly below: number;
  readonly weight: number;
}

/** Brackets of a single point with constant coordinates, else undefined: then slices serve instead of gathers, and their adjoint is no scatter. */
function knownBrackets(grid: Grid, point: readonly Node[]): readonly KnownBracket[] | undefined {
  const found: KnownBracket[] = [];
  for (const [i, axis] of grid.axes.entries()) {
    const place = at(point, i);
    const x = place.shape.length === 0 ? splatValue(place) : undefined;
    if (x === undefined || !Number.isFinite(x)) return undefined;
    const position = positionOf(axis, axis.periodic ? x : Math.min(Math.max(x, axis.from), axis.to));
    const { hi } = sampledRange(axis);
    const below = axis.periodic ? Math.floor(position) : Math.min(Math.floor(position), hi - 2);
    found.push({ below, weight: position - below });
  }
  return found;
}

/** Multilinear interpolation at a known point: only the corners around it are demanded. */
function interpolatedAt(context: FieldContext, e: FieldExpr, brackets: readonly KnownBracket[]): Node {
  const g = context.graph;
  const around: Location = brackets.map(({ below, weight }) => ({
    kind: 'centre',
    lo: below,
    hi: weight === 0 ? below + 1 : below + 2,
  }));
  const value = brackets.reduce(
    (x, { weight }, axis) =>
      weight === 0
        ? x
        : add(g, mul(g, section(g, x, axis, 0, 1), 1 - weight), mul(g, section(g, x, axis, 1, 2), weight)),
    demand(context, e, around),
  );
  return reshape(g, value, []);
}

/** The corners of the cells of interpolation as positions in the flattened sampled array, first axis slowest. */
function corners(context: FieldContext, brackets: readonly Bracket[]): Node[] {
  const g = context.graph;
  const shape = shapeOf(sampledLocation(context.grid));
  let indices: Node[] = [];
  brackets.forEach(({ below, above }, axis) => {
    const ends = [below, above];
    indices =
      axis === 0
        ? ends
        : indices.flatMap((index) => ends.map((end) => add(g, mul(g, index, at(shape, axis)), end)));
  });
  return indices;
}

/**
 * The field at points: one array of coordinates an axis, all of one shape (a scalar: one point), which is the shape of the result. Differentiable in the
 * places and in the field. Its adjoint in the field is a scatter.
 */
export function probe(context: FieldContext, e: FieldExpr, point: readonly Node[]): Node {
  const g = context.graph;
  const { grid } = context;
  const place = at(point, 0);
  if (point.length !== grid.axes.length)
    throw new InternalError('field.sample', `probe on ${grid.name} with ${point.length} coordinates`);
  const memo = new Map<FieldExpr, Node>();
  const visit = (x: FieldExpr): Node => {
    const known = memo.get(x);
    if (known !== undefined) return known;
    const value = g.withOrigin(x.span, () => broadcastTo(g, pointwise(x), place.shape));
    memo.set(x, value);
    return value;
  };
  const pointwise = (x: FieldExpr): Node => {
    switch (x.kind) {
      case 'scalar':
        return x.node;
      case 'coordinate': {
        const index = grid.axes.findIndex((axis) => axis.name === x.axis);
        return index < 0 ? interpolated(x) : at(point, index);
      }
      case 'analytic': {
        const coordinates: Record<string, Node> = {};
        if (context.time !== undefined) coordinates['t'] = broadcastTo(g, context.time, place.shape);
        grid.axes.forEach((axis, i) => {
          coordinates[axis.name] = at(point, i);
        });
        return x.apply(g, coordinates);
      }
      case 'map':
        return x.apply(g, x.args.map(visit));
      case 'leaf':
      case 'diff':
      case 'at':
      case 'harmonic':
      case 'dn':
      case 'normal':
        return interpolated(x);
      default:
        return assertNever(x);
    }
  };
  const known = knownBrackets(grid, point);
  const brackets = grid.axes.map((axis, i) => bracket(context, axis, at(point, i)));
  const indices = corners(context, brackets);
  const interpolated = (x: FieldExpr): Node => {
    if (known !== undefined) return interpolatedAt(context, x, known);
    const values = demand(context, x, sampledLocation(grid));
    const flat = reshape(g, values, [sizeOf(values.shape)]);
    let corner = indices.map((index) => gather(g, flat, index));
    for (const { weight } of [...brackets].reverse())
      corner = range(corner.length / 2).map((i) =>
        between(context, at(corner, 2 * i), at(corner, 2 * i + 1), weight),
      );
    return at(corner, 0);
  };
  return visit(e);
}

/**
 * Point sources: the field whose integral against any (evenly continued) field u is sum(strength*probe(u, point)); its own integral is sum(strength).
 * `strength` has the shape of the points.
 */
export function pointSource(context: FieldContext, point: readonly Node[], strength: Node): Leaf {
  const g = context.graph;
  const { grid, dtype } = context;
  const known = knownBrackets(grid, point);
  let values = known === undefined ? scattered(context, point, strength) : placed(context, known, strength);
  grid.axes.forEach((axis, i) => {
    if (sampledRange(axis).lo < 0) values = folded(context, values, i, axis.count);
    const weights = endWeights(g, axis, dtype);
    if (weights !== undefined) values = div(g, values, alongAxis(g, weights, values.shape, i));
  });
  return leaf(grid, 'point source', mul(g, values, 1 / cellMeasure(grid)), { kind: 'even' });
}

/** The shares of sources at any points, summed on the sampled range. */
function scattered(context: FieldContext, point: readonly Node[], strength: Node): Node {
  const g = context.graph;
  const brackets = context.grid.axes.map((axis, i) => bracket(context, axis, at(point, i)));
  let shares = [strength];
  for (const { weight } of brackets)
    shares = shares.flatMap((share) => {
      const above = mul(g, share, weight);
      return [sub(g, share, above), above];
    });
  const shape = shapeOf(sampledLocation(context.grid));
  const sum = corners(context, brackets)
    .map((index, i) => scatterAdd(g, index, at(shares, i), sizeOf(shape)))
    .reduce((a, b) => add(g, a, b));
  return reshape(g, sum, shape);
}

/** The shares of one source at a known point on the sampled range. */
function placed(context: FieldContext, brackets: readonly KnownBracket[], strength: Node): Node {
  const g = context.graph;
  const shape = shapeOf(sampledLocation(context.grid));
  const start = reshape(
    g,
    strength,
    shape.map(() => 1),
  );
  return brackets.reduce((x, { below, weight }, axis) => {
    const { periodic, count } = at(context.grid.axes, axis);
    const { lo } = sampledRange(at(context.grid.axes, axis));
    const put = (share: Node, position: number): Node => {
      const place = periodic ? position - count * Math.floor(position / count) : position - lo;
      return padAxis(g, share, axis, place, at(shape, axis) - 1 - place);
    };
    const low = put(mul(g, x, 1 - weight), below);
    return weight === 0 ? low : add(g, low, put(mul(g, x, weight), below + 1));
  }, start);
}

/** Adds what lies in the two ghosts of an axis to the unknowns beside them. */
function folded({ graph: g }: FieldContext, x: Node, axis: number, count: number): Node {
  const part = (lo: number, hi: number): Node => section(g, x, axis, lo, hi);
  if (count === 1) return add(g, add(g, part(0, 1), part(1, 2)), part(2, 3));
  const low = add(g, part(0, 1), part(1, 2));
  const high = add(g, part(count, count + 1), part(count + 1, count + 2));
  const middle = count > 2 ? [part(2, count)] : [];
  return concat(g, [low, ...middle, high], axis);
}
