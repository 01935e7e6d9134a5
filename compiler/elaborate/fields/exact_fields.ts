// Fields as functions: what a field expression without grid fields is at any point, callable like `field f(x) = …`, with exact derivatives.

import type { Context } from '../context.ts';
import { toReal } from '../values/leaves.ts';
import { comprehendNodes } from '../values/pointwise.ts';
import type { FieldValue, Value } from '../values/values.ts';
import { array } from '../values/values.ts';
import type { ExactPlace } from '../../field/exact.ts';
import { valueAt } from '../../field/exact.ts';
import { analytic } from '../../field/expression.ts';
import type { FieldExpr, Grid } from '../../field/types.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { fail } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

/** An expression as a function of the named coordinates. `fixed` gives others their place: the wall of a boundary condition, the start of the time. */
export function functionOf(
  ctx: Context,
  name: string,
  expr: FieldExpr,
  coordinates: readonly string[],
  span: Span | undefined,
  fixed: Readonly<Record<string, Node>> = {},
  wall?: ExactPlace['wall'],
): FieldValue {
  const valueOf = (nodes: readonly Node[]): Node =>
    comprehendNodes(
      ctx,
      nodes,
      (points) =>
        valueAt(
          {
            graph: ctx.graph,
            dtype: ctx.real,
            point: { ...fixed, ...Object.fromEntries(coordinates.map((c, i) => [c, at(points, i)])) },
            wall,
          },
          expr,
        ),
      true,
    );
  return {
    kind: 'field',
    expr: analytic(
      name,
      (g, given) => {
        const nodes = coordinates.map(
          (c) =>
            given[c] ??
            fail('E317', `${name} is a function of ${coordinates.join(', ')}; ${c} is not known here`, span),
        );
        const shape = nodes.find((n) => n.shape.length > 0)?.shape ?? [];
        return valueOf(nodes.map((n) => (n.shape.length === 0 ? b.broadcastTo(g, n, shape) : n)));
      },
      span,
    ),
    coordinates,
    at: (points, where) => called(ctx, points, where, valueOf),
  };
}

function called(
  ctx: Context,
  points: readonly Value[],
  span: Span,
  valueOf: (nodes: readonly Node[]) => Node,
): Value {
  const nodes = points.map((p) => toReal(ctx, p, span, 'a coordinate'));
  const shape = nodes.find((n) => n.shape.length > 0)?.shape ?? [];
  return array(valueOf(nodes.map((n) => (n.shape.length === 0 ? b.broadcastTo(ctx.graph, n, shape) : n))));
}

/** The coordinates of a function as a grid without cells, for the differential operators. The time is none of them. */
export function pointsOf(v: FieldValue): Grid | undefined {
  if (v.grid !== undefined || v.coordinates === undefined) return undefined;
  return {
    name: 'the coordinates',
    exact: true,
    arguments: v.coordinates,
    axes: v.coordinates
      .filter((c) => c !== 't')
      .map((name) => ({ name, from: -Infinity, to: Infinity, count: 0, kind: 'cells', periodic: false })),
  };
}
