// Functions of whole fields: values at the unknowns, integrals over the domain and over its walls, traces on walls. Integrals use the midpoint rule by cells
// and the trapezoid rule by nodes, both of second order.

import { mul, reshape, sumAll } from '../ir/build.ts';
import type { Node } from '../ir/types.ts';
import { demand, demandCells } from './demand.ts';
import { alongAxis, cellMeasure, endWeights, wallLocation } from './grid.ts';
import type { FieldContext, FieldExpr, Wall } from './types.ts';

export { resample } from './resample.ts';
export { pointSource, probe } from './sample.ts';

/** The values at the unknowns, shape = counts. */
export const cellValues = demandCells;

/** The integral over the domain, a scalar. Over a region: of `where(region, e, 0)`. */
export function integral(context: FieldContext, e: FieldExpr): Node {
  return weighted(context, cellValues(context, e));
}

/** The integral over one wall, a scalar: with respect to length or area; on a one-dimensional grid the value there. `dn` and `normal` point outwards. */
export function integralOver(context: FieldContext, e: FieldExpr, wall: Wall): Node {
  return weighted(context, demand(context, e, wallLocation(context.grid, wall), wall), wall.axis);
}

/** The values on a wall, shape = counts of the other axes. `dn` and `normal` point outwards. */
export function trace(context: FieldContext, e: FieldExpr, wall: Wall): Node {
  const there = demand(context, e, wallLocation(context.grid, wall), wall);
  return reshape(
    context.graph,
    there,
    there.shape.filter((_, axis) => axis !== wall.axis),
  );
}

/** The sum of values times measure; `skip` is the axis of a wall. */
function weighted({ graph: g, grid, dtype }: FieldContext, values: Node, skip?: number): Node {
  let x = values;
  grid.axes.forEach((axis, i) => {
    const weights = i === skip ? undefined : endWeights(g, axis, dtype);
    if (weights !== undefined) x = mul(g, x, alongAxis(g, weights, x.shape, i));
  });
  return mul(g, sumAll(g, x), cellMeasure(grid, skip));
}
