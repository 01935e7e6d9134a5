// Fields among the elaborator's values: one FieldContext a grid, fields made from arrays, and the arrays behind fields.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { demandCells } from '../../field/demand.ts';
import { leaf } from '../../field/expression.ts';
import { sameGrid } from '../../field/grid.ts';
import type { AxisGhosts, FieldContext, GhostRule, Grid } from '../../field/types.ts';
import type { Node } from '../../ir/types.ts';
import { fail } from '../../support/diagnostic.ts';
import type { Span } from '../../support/span.ts';
import type { FieldValue } from '../values/values.ts';

export const gridShape = (grid: Grid): readonly number[] => grid.axes.map((a) => a.count);

/** The one FieldContext of a grid in this compilation (its memo makes equal demands give one node). */
export function contextOf(ctx: Context, grid: Grid): FieldContext {
  if (grid.arguments !== undefined)
    fail(
      'E325',
      `a function of ${grid.arguments.join(', ')} has no cells to have values at`,
      ctx.graph.place(),
      'put it on a domain with resample(f, on: D), or call it at points',
    );
  if (grid.exact === true)
    fail(
      'E325',
      `${grid.name} has coordinates only: there are no cells to have values at`,
      ctx.graph.place(),
      'write `cells n` on every axis of the domain; functions of coordinates are called at points, f(0.5, t)',
    );
  const here = gridHere(ctx, grid);
  const key = `${ctx.real} ${here.name}(${here.axes.map((a) => `${a.name}:${a.from}..${a.to}:${a.kind}${a.count}${a.periodic ? 'p' : ''}${a.scheme === undefined ? '' : ` ${a.scheme.key}`}`).join(',')})`;
  const known = ctx.grids.get(key);
  if (known !== undefined) return known;
  const made: FieldContext = { graph: ctx.graph, grid: here, dtype: ctx.real, memo: new Map() };
  ctx.grids.set(key, made);
  return made;
}

/** The grid of the model around instead of an equal one: its space schemes hold for everything in its equations. */
function gridHere(ctx: Context, grid: Grid): Grid {
  const { modelGrid } = ctx;
  return modelGrid !== undefined && modelGrid !== grid && sameGrid(modelGrid, grid) ? modelGrid : grid;
}

/** A field on a grid from its values at the unknowns. Outside a model its ends are one-sided; a field made from `like` keeps its boundary rules. */
export function leafOnGrid(
  _ctx: Context,
  values: Node,
  grid: Grid,
  like?: FieldValue,
  ghosts: readonly AxisGhosts[] | GhostRule = { kind: 'extrapolate' },
  name = 'field',
): FieldValue {
  const rules =
    like !== undefined && like.expr.kind === 'leaf' && sameGrid(like.expr.grid, grid)
      ? like.expr.ghosts
      : ghosts;
  const label = like !== undefined && like.expr.kind === 'leaf' ? like.expr.name : name;
  return { kind: 'field', expr: leaf(grid, label, values, rules), grid };
}

/** A function of coordinates has as many as the grid, or those names. */
export function checkCoordinates(ctx: Context, v: FieldValue, grid: Grid, span: Span): void {
  const names = v.coordinates;
  if (names === undefined || names.length === grid.axes.length) return;
  const there = [...grid.axes.map((a) => a.name), ...(grid.exact === true ? ['t'] : [])];
  if (names.every((n) => there.includes(n))) return;
  failAt(
    ctx,
    'E338',
    `${v.expr.kind === 'analytic' ? `the field ${v.expr.name}` : 'this field'} is a function of ${names.join(', ')}, but ${grid.name} has the ${there.length === 1 ? 'coordinate' : 'coordinates'} ${there.join(', ')}`,
    span,
    'name its arguments after the coordinates of the domain',
  );
}

/** The values at the unknowns of the field's own grid, shape = counts. */
export function cellValues(ctx: Context, v: FieldValue, span: Span, grid: Grid | undefined = v.grid): Node {
  if (grid === undefined)
    return failAt(
      ctx,
      'E102',
      'this function of coordinates lies on no grid',
      span,
      'put it on a domain with resample(f, on: D), or call it with coordinates',
    );
  if (v.grid !== undefined && !sameGrid(v.grid, grid))
    return failAt(
      ctx,
      'E130',
      `a field on ${showGrid(v.grid)} is wanted on ${showGrid(grid)}`,
      span,
      `carry it over with resample(f, on: ${grid.name})`,
    );
  checkCoordinates(ctx, v, grid, span);
  return ctx.graph.withOrigin(span, () => demandCells(contextOf(ctx, grid), v.expr));
}

export function showGrid(grid: Grid): string {
  return `${grid.name}(${grid.axes.map((a) => a.count).join(' x ')})`;
}

export { sameGrid };
