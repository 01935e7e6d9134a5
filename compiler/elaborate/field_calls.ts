// Calling a field: a function of coordinates is evaluated, a grid field interpolates between its unknowns (and is differentiable in the place).

import type { Context } from './context.ts';
import { failAt } from './context.ts';
import { contextOf } from './grids.ts';
import { toReal } from './leaves.ts';
import type { CallArguments, FieldValue, Value } from './values.ts';
import { array } from './values.ts';
import { comprehendNodes } from './pointwise.ts';
import { probe } from '../field/whole.ts';
import * as b from '../ir/build.ts';
import type { Span } from '../support/span.ts';

export function callField(ctx: Context, f: FieldValue, args: CallArguments, span: Span): Value {
  const names = f.grid === undefined ? f.coordinates : f.grid.axes.map((a) => a.name);
  if (names === undefined)
    return failAt(
      ctx,
      'E312',
      'this field is no function of named coordinates, so it cannot be called',
      span,
      'write field f(x, y) = … and call that',
    );
  const positional = args.filter((a) => a.name === undefined);
  if (args.length !== names.length)
    failAt(
      ctx,
      'E172',
      `a field of ${names.join(', ')} takes ${names.length} coordinate(s), but is given ${args.length}`,
      span,
    );
  const points = names.map((n, i) => {
    const given = positional[i] ?? args.find((a) => a.name === n);
    return given ?? failAt(ctx, 'E175', `the coordinate \`${n}\` is missing`, span);
  });
  if (f.grid === undefined) {
    if (f.at === undefined) return failAt(ctx, 'E312', 'this field cannot be called', span);
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
