// Calling a field: a function of coordinates is evaluated, a grid field interpolates between its unknowns (and is differentiable in the place).

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { contextOf } from '../fields/grids.ts';
import { toReal } from '../values/leaves.ts';
import type { CallArgument, CallArguments, FieldValue, Value } from '../values/values.ts';
import { array, tuple } from '../values/values.ts';
import { define } from '../builtins/registry.ts';
import { comprehendNodes } from '../values/pointwise.ts';
import { probe } from '../../field/whole.ts';
import * as b from '../../ir/build.ts';
import type { Span } from '../../support/span.ts';

export function callField(ctx: Context, f: FieldValue, args: CallArguments, span: Span): Value {
  const names = f.grid === undefined ? f.coordinates : f.grid.axes.map((a) => a.name);
  if (names === undefined)
    return failAt(
      ctx,
      'E339',
      'this field is no function of named coordinates, so it cannot be called',
      span,
      'write field f(x, y) = … and call that',
    );
  const label = f.expr.kind === 'analytic' || f.expr.kind === 'leaf' ? f.expr.name : 'field';
  const points: CallArgument[] = [];
  define(ctx, label, names, (a) => {
    for (const n of names) points.push({ value: a.need(n), span: a.spanOf(n) });
    return tuple([]);
  }).apply(args, span);
  if (f.grid === undefined) {
    if (f.at === undefined) return failAt(ctx, 'E339', 'this field cannot be called', span);
    return f.at(
      points.map((p) => p.value),
      span,
    );
  }
  const grid = f.grid;
  const nodes = points.map((p) => toReal(ctx, p.value, p.span, 'a coordinate'));
  const shape = nodes.find((n) => n.shape.length > 0)?.shape ?? [];
  const level = nodes.map((n) =>
    n.shape.length === 0 && shape.length > 0 ? b.broadcastTo(ctx.graph, n, shape) : n,
  );
  return array(comprehendNodes(ctx, level, (at) => probe(contextOf(ctx, grid), f.expr, at)));
}
