// `field bump(x, y) = …`: a function of coordinates. It is evaluated where a grid demands it, or called with numbers or arrays of points.

import { comprehendNodes } from './pointwise.ts';
import type { Context } from './context.ts';
import { failAt } from './context.ts';
import { toNode } from './leaves.ts';
import type { Scope } from './scope.ts';
import type { FieldValue, Value } from './values.ts';
import { array, describe } from './values.ts';
import { analytic } from '../field/expression.ts';
import * as b from '../ir/build.ts';
import type { Node } from '../ir/types.ts';
import { isFloat } from '../ir/types.ts';
import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import type { Span } from '../support/span.ts';
import type * as ast from '../syntax/ast.ts';

export function functionField(ctx: Context, item: ast.FieldItem, scope: Scope): FieldValue {
  const names = item.params.map((p) =>
    p.pattern.kind === 'name-pattern'
      ? p.pattern.name
      : failAt(ctx, 'E337', 'the arguments of a field are the names of coordinates', p.span),
  );
  const world = ctx.world;
  const evaluate = (values: readonly Value[]): Value => {
    const inner = scope.child();
    names.forEach((n, i) => inner.define(n, at(values, i), item.span));
    const before = ctx.world;
    ctx.world = before.replaced.size > 0 ? before : world;
    try {
      return ctx.evaluate(item.value, inner);
    } finally {
      ctx.world = before;
    }
  };
  const apply = (_g: unknown, coordinates: Readonly<Record<string, Node>>): Node => {
    const given = Object.keys(coordinates);
    const axes = names.every((n) => n in coordinates)
      ? names
      : names.length === given.length
        ? given
        : undefined;
    if (axes === undefined)
      return failAt(
        ctx,
        'E338',
        `the field ${item.name.name}(${names.join(', ')}) is wanted on a domain with the coordinates ${given.join(', ')}`,
        item.span,
        'name its arguments after the coordinates of the domain',
      );
    const nodes = axes.map((a) => coordinates[a] ?? internal(a));
    const shape = nodes[0]?.shape ?? [];
    const value = evaluatePointwise(ctx, item, evaluate, nodes);
    return value.shape.length === 0 && shape.length > 0 ? b.broadcastTo(ctx.graph, value, shape) : value;
  };
  return {
    kind: 'field',
    expr: analytic(item.name.name, apply, item.span),
    coordinates: names,
    at: (points, span) => callAt(ctx, item, evaluate, points, span),
  };
}

const internal = (axis: string): never => {
  throw new InternalError('elaborate.function_fields', `no coordinate ${axis}`);
};

function numberOf(ctx: Context, item: ast.FieldItem, v: Value): Node {
  const node = toNode(ctx, v, item.value.span, `the field ${item.name.name}`);
  if (node.dtype === 'bool' || isFloat(node.dtype)) return node;
  return b.cast(ctx.graph, node, ctx.real);
}

/** The value at arrays of coordinates: elementwise expressions directly, anything else (sums, networks) batched point by point. */
function evaluatePointwise(
  ctx: Context,
  item: ast.FieldItem,
  evaluate: (values: readonly Value[]) => Value,
  nodes: readonly Node[],
): Node {
  return comprehendNodes(ctx, nodes, (points) => numberOf(ctx, item, evaluate(points.map((p) => array(p)))));
}

function callAt(
  ctx: Context,
  item: ast.FieldItem,
  evaluate: (values: readonly Value[]) => Value,
  points: readonly Value[],
  span: Span,
): Value {
  if (points.length !== item.params.length)
    failAt(
      ctx,
      'E172',
      `the field ${item.name.name} takes ${item.params.length} coordinate(s), but is given ${points.length}`,
      span,
    );
  if (points.every((p) => p.kind === 'number')) return evaluate(points);
  const nodes = points.map((p) => {
    const n = toNode(ctx, p, span, `a coordinate of ${item.name.name}`);
    if (n.dtype === 'bool')
      return failAt(ctx, 'E161', `a coordinate is a number, but this is ${describe(p)}`, span);
    return isFloat(n.dtype) ? n : b.cast(ctx.graph, n, ctx.real);
  });
  const shape = nodes.find((n) => n.shape.length > 0)?.shape ?? [];
  const level = nodes.map((n) => (n.shape.length === 0 ? b.broadcastTo(ctx.graph, n, shape) : n));
  if (shape.length === 0) return evaluate(level.map((n) => array(n)));
  return array(evaluatePointwise(ctx, item, evaluate, level));
}
