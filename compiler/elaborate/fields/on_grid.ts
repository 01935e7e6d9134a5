// Values as fields on a given grid.

import { paired, partOf } from '../values/complex.ts';
import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt, notYet } from '../context.ts';
import { leafOnGrid } from './grids.ts';
import type { Value } from '../values/values.ts';
import { describe, tuple } from '../values/values.ts';
import type { Grid } from '../../field/types.ts';
import * as b from '../../ir/build.ts';
import { isFloat } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';

/** A value as a field on a grid: a number everywhere, a function of coordinates at the unknowns, an array of fitting shape. */
export function onGrid(
  ctx: Context,
  value: Value,
  grid: Grid,
  kind: string,
  span: Span,
  what: string,
): Value {
  const zero = b.full(
    ctx.graph,
    grid.axes.map((a) => a.count),
    0,
    ctx.real,
  );
  const like = leafOnGrid(ctx, zero, grid);
  if (kind === 'vector') {
    const axes = grid.axes.map((a) => a.name);
    const parts =
      value.kind === 'tuple' || value.kind === 'list' ? value.elements : grid.axes.map(() => value);
    if (parts.length !== axes.length)
      return failAt(
        ctx,
        'E160',
        `${what} is a vector with ${axes.length} components, but this is ${describe(value)}`,
        span,
      );
    return tuple(
      parts.map((p) => onGrid(ctx, p, grid, 'scalar', span, what)),
      axes,
    );
  }
  if (kind === 'tensor') return notYet(ctx, 'a tensor field', span);
  const field = conform(ctx, value, like, span, what);
  if (field.kind === 'field' && field.expr.kind === 'leaf' && !isFloat(field.expr.values.dtype))
    return leafOnGrid(ctx, b.cast(ctx.graph, field.expr.values, ctx.real), grid);
  return field;
}

/** The same with both parts on the grid. */
export function complexOnGrid(
  ctx: Context,
  value: Value,
  grid: Grid,
  kind: string,
  span: Span,
  what: string,
): Value {
  const [re, im] = (['re', 'im'] as const).map((which) =>
    onGrid(ctx, partOf(ctx, which, value, span), grid, kind, span, what),
  );
  return re === undefined || im === undefined ? value : paired(ctx, re, im, span);
}
