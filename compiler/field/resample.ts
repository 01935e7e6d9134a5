// Fields from one grid to another with the same coordinates. As in a probe, leaves and derivatives are interpolated, functions of the coordinates are
// evaluated exactly at the unknowns of the target, and elementwise functions are applied to what their arguments give there. Axis by axis; where the target's spacing
// is a whole multiple of the source's, by slices with a stride.

import { add, broadcastTo, gather, mul, sliceAxis, transposePerm } from '../ir/build.ts';
import type { Node } from '../ir/types.ts';
import { assertNever, fail } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import { demand, demandCells } from './demand.ts';
import { alongAxis, coordinateValues, countsOf, firstOffset, sameGrid, spacing } from './grid.ts';
import { between, bracket, positionOf, sampledRange, type Reach } from './interpolation.ts';
import type { FieldContext, FieldExpr, Grid, GridAxis } from './types.ts';

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
          return regridded(context, x, target);
        default:
          return assertNever(x);
      }
    });
    memo.set(x, value);
    return value;
  };
  return visit(e);
}

/** What is below this, in spacings, is rounding: a grid point that should lie on another does. */
const TOLERANCE = 1e-9;

/** How the unknowns of a target axis lie in a source axis. */
interface Passage {
  /** The positions that are read. */
  readonly reach: Reach;
  /** By slices: every `stride`-th position from the first of the reach, and `weight` of the one above. Undefined: by gathers. */
  readonly regular: { readonly stride: number; readonly weight: number } | undefined;
}

function passage(axis: GridAxis, wanted: GridAxis): Passage {
  const h = spacing(axis);
  const step = spacing(wanted) / h;
  const first = positionOf(axis, wanted.from + firstOffset(wanted, 'centre') * spacing(wanted));
  const last = first + step * (wanted.count - 1);
  const low = Math.floor(first + TOLERANCE);
  const weight = Math.abs(first - low) < TOLERANCE ? 0 : first - low;
  const stride = wanted.count === 1 ? 1 : Math.round(step);
  const whole = sampledRange(axis);
  const inside = wanted.from >= axis.from - TOLERANCE * h && wanted.to <= axis.to + TOLERANCE * h;
  const even = stride >= 1 && (wanted.count === 1 || Math.abs(step - stride) * wanted.count < TOLERANCE);
  if (even && (inside || axis.periodic)) {
    const end = low + stride * (wanted.count - 1) + (weight === 0 ? 1 : 2);
    if (axis.periodic || (low >= whole.lo && end <= whole.hi))
      return { reach: { lo: low, hi: end }, regular: { stride, weight } };
  }
  if (axis.periodic) return { reach: whole, regular: undefined };
  // Two positions at the least, none beyond the sampled range: places outside the domain are read at its walls.
  const lo = Math.min(Math.max(low, whole.lo), whole.hi - 2);
  const hi = Math.min(Math.max(Math.ceil(last - TOLERANCE) + 1, lo + 2), whole.hi);
  return { reach: { lo, hi }, regular: undefined };
}

/** Linear interpolation, axis by axis, of the values on the positions that are read. */
function regridded(context: FieldContext, e: FieldExpr, target: Grid): Node {
  const g = context.graph;
  const passages = context.grid.axes.map((axis, i) => passage(axis, at(target.axes, i)));
  const values = demand(
    context,
    e,
    passages.map(({ reach }) => ({ kind: 'centre', ...reach })),
  );
  return passages.reduce((x, { reach, regular }, i) => {
    const axis = at(context.grid.axes, i);
    if (regular !== undefined) return strided(context, x, i, at(target.axes, i).count, regular);
    const places = coordinateValues(g, target, i, context.dtype);
    const { below, above, weight } = bracket(context, axis, places, reach);
    const rank = x.shape.length;
    const front = [i, ...range(rank).filter((j) => j !== i)];
    const back = range(rank).map((j) => (j === i ? 0 : j < i ? j + 1 : j));
    const table = transposePerm(g, x, front);
    const taken = (index: Node): Node => transposePerm(g, gather(g, table, index), back);
    const low = taken(below);
    return between(context, low, taken(above), alongAxis(g, weight, low.shape, i));
  }, values);
}

function strided(
  { graph: g }: FieldContext,
  x: Node,
  axis: number,
  count: number,
  { stride, weight }: { readonly stride: number; readonly weight: number },
): Node {
  const from = (start: number): Node =>
    sliceAxis(g, x, axis, start, start + stride * (count - 1) + 1, stride);
  if (weight === 0) return from(0);
  return add(g, mul(g, from(0), 1 - weight), mul(g, from(1), weight));
}
