// Values of a field between its unknowns: at points (`probe`), on another grid (`resample`), and the transpose of a probe, a point source.
//
// As everywhere, leaves and derivatives are interpolated (multilinearly between the unknowns, and between the last unknown and its ghost), functions of the
// coordinates are evaluated exactly at the place, and elementwise functions are applied to what their arguments give there. Places outside the domain are
// moved to the nearest wall; on a periodic axis they wrap.

import {
  add,
  broadcastTo,
  cast,
  concat,
  div,
  floor,
  full,
  gather,
  max,
  min,
  mul,
  padAxis,
  rem,
  reshape,
  scatterAdd,
  slice,
  sub,
  transposePerm,
} from '../ir/build.ts';
import type { Node } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import { fail, InternalError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import { demand, demandCells } from './demand.ts';
import { leaf } from './expression.ts';
import {
  alongAxis,
  cellMeasure,
  coordinateValues,
  countsOf,
  endWeights,
  firstOffset,
  sameGrid,
  shapeOf,
  spacing,
} from './grid.ts';
import { cyclic, section, splatValue } from './stencil.ts';
import type { FieldContext, FieldExpr, Grid, GridAxis, Leaf, Location } from './types.ts';

/** The unknowns and, by cells, one ghost beyond either wall: what interpolation anywhere in the domain needs. */
function sampledRange(axis: GridAxis): { readonly lo: number; readonly hi: number } {
  return axis.periodic || axis.kind === 'nodes' ? { lo: 0, hi: axis.count } : { lo: -1, hi: axis.count + 1 };
}

function sampledLocation(grid: Grid): Location {
  return grid.axes.map((axis) => ({ kind: 'centre', ...sampledRange(axis) }));
}

interface Bracket {
  /** Positions in the sampled range, i32. */
  readonly below: Node;
  readonly above: Node;
  /** 0 at `below`, 1 at `above`. */
  readonly weight: Node;
}

/** Where places (any shape) lie between the positions of the sampled range. */
function bracket(context: FieldContext, axis: GridAxis, place: Node): Bracket {
  const g = context.graph;
  const { lo, hi } = sampledRange(axis);
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

/** The same for a place known at compile time: positions as numbers. */
interface KnownBracket {
  readonly below: number;
  readonly above: number;
  readonly weight: number;
}

/** Brackets of a single point with constant coordinates, else undefined: then slices serve instead of gathers, and their adjoint is no scatter. */
function knownBrackets(grid: Grid, point: readonly Node[]): readonly KnownBracket[] | undefined {
  const found: KnownBracket[] = [];
  for (const [i, axis] of grid.axes.entries()) {
    const place = at(point, i);
    const x = place.shape.length === 0 ? splatValue(place) : undefined;
    if (x === undefined || !Number.isFinite(x)) return undefined;
    const { lo, hi } = sampledRange(axis);
    const inside = axis.periodic ? x : Math.min(Math.max(x, axis.from), axis.to);
    const position = (inside - axis.from) / spacing(axis) - lo - firstOffset(axis, 'centre');
    const whole = Math.floor(position);
    const below = axis.periodic
      ? whole - axis.count * Math.floor(whole / axis.count)
      : Math.min(Math.max(whole, 0), hi - lo - 2);
    const above = axis.periodic ? (below + 1) % axis.count : below + 1;
    found.push({ below, above, weight: axis.periodic ? position - whole : position - below });
  }
  return found;
}

/** Multilinear interpolation at a known point in values on the sampled range. */
function interpolatedAt(context: FieldContext, values: Node, brackets: readonly KnownBracket[]): Node {
  const g = context.graph;
  const corner = brackets.reduce((x, { below }, axis) => cyclic(g, x, axis, below, below + 2), values);
  const value = brackets.reduce((x, { weight }, axis) => {
    const low = section(g, x, axis, 0, 1);
    if (weight === 0) return low;
    return add(g, mul(g, low, 1 - weight), mul(g, section(g, x, axis, 1, 2), weight));
  }, corner);
  return reshape(g, value, []);
}

function between(context: FieldContext, a: Node, b: Node, weight: Node): Node {
  const g = context.graph;
  return add(g, mul(g, a, sub(g, full(g, weight.shape, 1, context.dtype), weight)), mul(g, b, weight));
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
    }
  };
  const known = knownBrackets(grid, point);
  const brackets = grid.axes.map((axis, i) => bracket(context, axis, at(point, i)));
  const indices = corners(context, brackets);
  const interpolated = (x: FieldExpr): Node => {
    const values = demand(context, x, sampledLocation(grid));
    if (known !== undefined) return interpolatedAt(context, values, known);
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
  const shape = shapeOf(sampledLocation(grid));
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
  return brackets.reduce((x, { below, above, weight }, axis) => {
    const put = (share: Node, place: number): Node =>
      padAxis(g, share, axis, place, at(shape, axis) - 1 - place);
    const low = put(mul(g, x, 1 - weight), below);
    return weight === 0 ? low : add(g, low, put(mul(g, x, weight), above));
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

// ---- from grid to grid

/**
 * The values at the unknowns of another grid with the same coordinates, linear between the unknowns of this one. Expressions made of coordinates and
 * functions of them alone are evaluated there exactly.
 */
export function resample(context: FieldContext, e: FieldExpr, target: Grid): Node {
  const g = context.graph;
  const there: FieldContext = { ...context, grid: target, memo: new Map() };
  if (sameGrid(context.grid, target)) return demandCells(context, e);
  const names = (grid: Grid): string => grid.axes.map((axis) => axis.name).join(', ');
  if (names(context.grid) !== names(target))
    return fail(
      'E315',
      `a field on ${context.grid.name} (${names(context.grid)}) cannot be resampled on ${target.name} (${names(target)})`,
      e.span,
      'both domains need the same coordinates in the same order',
    );
  const memo = new Map<FieldExpr, Node>();
  const visit = (x: FieldExpr): Node => {
    const known = memo.get(x);
    if (known !== undefined) return known;
    const value = g.withOrigin(x.span, () => {
      switch (x.kind) {
        case 'scalar':
        case 'coordinate':
        case 'analytic':
          return demandCells(there, x);
        case 'map':
          return broadcastTo(g, x.apply(g, x.args.map(visit)), countsOf(target));
        case 'leaf':
        case 'diff':
        case 'at':
        case 'harmonic':
        case 'dn':
        case 'normal':
          return regridded(context, demand(context, x, sampledLocation(context.grid)), target);
      }
    });
    memo.set(x, value);
    return value;
  };
  return visit(e);
}

/** Linear interpolation, axis by axis, of values on the sampled range. */
function regridded(context: FieldContext, values: Node, target: Grid): Node {
  const g = context.graph;
  return context.grid.axes.reduce((x, axis, i) => {
    const wanted = at(target.axes, i);
    const strided = regularSlices(context, x, axis, wanted, i);
    if (strided !== undefined) return strided;
    const { below, above, weight } = bracket(context, axis, coordinateValues(g, target, i, context.dtype));
    const rank = x.shape.length;
    const front = [i, ...range(rank).filter((j) => j !== i)];
    const back = range(rank).map((j) => (j === i ? 0 : j < i ? j + 1 : j));
    const table = transposePerm(g, x, front);
    const taken = (index: Node): Node => transposePerm(g, gather(g, table, index), back);
    const low = taken(below);
    return between(context, low, taken(above), alongAxis(g, weight, low.shape, i));
  }, values);
}

/** A target whose spacing is a whole multiple of the source's: slices with a stride, and one weight for all. Undefined otherwise. */
function regularSlices(
  context: FieldContext,
  x: Node,
  axis: GridAxis,
  wanted: GridAxis,
  index: number,
): Node | undefined {
  const g = context.graph;
  const { lo, hi } = sampledRange(axis);
  const h = spacing(axis);
  const ratio = spacing(wanted) / h;
  const stride = Math.round(ratio);
  const first =
    (wanted.from + firstOffset(wanted, 'centre') * spacing(wanted) - axis.from) / h -
    firstOffset(axis, 'centre') -
    lo;
  const last = first + ratio * (wanted.count - 1);
  const tolerance = 1e-9;
  if (stride < 1 || Math.abs(ratio - stride) * wanted.count > tolerance) return undefined;
  if (wanted.from < axis.from - tolerance * h || wanted.to > axis.to + tolerance * h) return undefined;
  const low = Math.floor(first + tolerance);
  const share = first - low;
  const exact = Math.abs(share) < tolerance;
  if (low < 0 || last + (exact ? -tolerance : 1) > hi - lo - 1 + tolerance) return undefined;
  const taken = (start: number): Node =>
    slice(
      g,
      x,
      x.shape.map((_, i) => (i === index ? start : 0)),
      x.shape.map((n, i) => (i === index ? start + stride * (wanted.count - 1) + 1 : n)),
      x.shape.map((_, i) => (i === index ? stride : 1)),
    );
  if (exact) return taken(low);
  return add(g, mul(g, taken(low), 1 - share), mul(g, taken(low + 1), share));
}
