// Any value as a field, and elementwise functions of fields: symbolic, evaluated where a place is demanded.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { Elementwise } from '../values/elementwise.ts';
import { checkCoordinates, gridShape, sameGrid, showGrid } from './grids.ts';
import { toNode, toReal } from '../values/leaves.ts';
import { buildElementwise } from '../values/levelling.ts';
import { map, scalar } from '../../field/expression.ts';
import type { FieldExpr, Grid } from '../../field/types.ts';
import * as b from '../../ir/build.ts';
import { sameShape } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';
import type { Value } from '../values/values.ts';
import { describe } from '../values/values.ts';

/** Any value as a field expression on `grid`; numbers stand everywhere the same. */
export function asField(ctx: Context, v: Value, span: Span, what: string, grid: Grid | undefined): FieldExpr {
  switch (v.kind) {
    case 'field':
      if (v.grid !== undefined && grid !== undefined && !sameGrid(v.grid, grid))
        return failAt(
          ctx,
          'E130',
          `${what}: a field on ${showGrid(v.grid)} meets one on ${showGrid(grid)}`,
          span,
          `carry one over with resample(f, on: ${grid.name})`,
        );
      if (grid !== undefined) checkCoordinates(ctx, v, grid, span);
      return v.expr;
    case 'number':
      return scalar(toReal(ctx, v, span, what), span);
    case 'bool':
      return scalar(toNode(ctx, v, span, what), span);
    case 'array':
      if (v.node.shape.length === 0)
        return scalar(v.node.dtype === 'bool' ? v.node : toReal(ctx, v, span, what), span);
      return failAt(
        ctx,
        'E131',
        `${what}: ${describe(v)} meets a field`,
        span,
        grid !== undefined && sameShape(v.node.shape, gridShape(grid))
          ? `say that it lies on the domain: grid(${grid.name}, a)`
          : 'take the values of the field, values(f), or put the array on its domain, grid(D, a)',
      );
    case 'complex':
      return failAt(
        ctx,
        'E126',
        `${what} takes real fields, but this is ${describe(v)}`,
        span,
        'write re(z), im(z), abs(z) or arg(z)',
      );
    default:
      return failAt(ctx, 'E131', `${what}: ${describe(v)} meets a field`, span);
  }
}

/** The grid that the fields among some values lie on. */
export function commonGrid(
  ctx: Context,
  values: readonly Value[],
  span: Span,
  what: string,
): Grid | undefined {
  let found: Grid | undefined;
  for (const v of values) {
    if (v.kind !== 'field' || v.grid === undefined) continue;
    if (found !== undefined && !sameGrid(found, v.grid))
      failAt(
        ctx,
        'E130',
        `${what}: a field on ${showGrid(found)} meets one on ${showGrid(v.grid)}`,
        span,
        `carry one over with resample(f, on: ${found.name})`,
      );
    found = v.grid;
  }
  return found;
}

export function mapFields(ctx: Context, op: Elementwise, args: readonly Value[], span: Span): Value {
  const grid = commonGrid(ctx, args, span, `\`${op.name}\``);
  const exprs = args.map((a) => asField(ctx, a, span, `\`${op.name}\``, grid));
  const expr = map(
    op.name,
    exprs,
    (g, nodes) => {
      const shape = nodes.find((n) => n.shape.length > 0)?.shape ?? [];
      return buildElementwise(
        ctx,
        op,
        nodes.map((n) => (n.shape.length === 0 ? b.broadcastTo(g, n, shape) : n)),
        span,
      );
    },
    span,
  );
  const named = args.find((a) => a.kind === 'field' && a.coordinates !== undefined);
  const coordinates = named?.kind === 'field' ? named.coordinates : undefined;
  const at =
    grid === undefined && coordinates !== undefined
      ? (points: readonly Value[], where: Span): Value => combineAt(ctx, op, args, points, where)
      : undefined;
  return {
    kind: 'field',
    expr,
    ...(grid ? { grid } : {}),
    ...(coordinates ? { coordinates } : {}),
    ...(at ? { at } : {}),
  };
}

function combineAt(
  ctx: Context,
  op: Elementwise,
  args: readonly Value[],
  points: readonly Value[],
  span: Span,
): Value {
  const values = args.map((a) => (a.kind === 'field' && a.at !== undefined ? a.at(points, span) : a));
  return ctx.elementwise(op, values, span);
}
