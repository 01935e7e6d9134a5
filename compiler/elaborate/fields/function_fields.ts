// `field bump(x, y) = …`: a function of coordinates. It is evaluated where a grid demands it, or called with numbers or arrays of points.

import { partOf } from '../values/complex.ts';
import { comprehendNodes } from '../values/pointwise.ts';
import type { Context } from '../context.ts';
import { failAt, withoutAsserts } from '../context.ts';
import { toNode } from '../values/leaves.ts';
import type { Scope } from '../names/scope.ts';
import type { ComplexValue, FieldValue, Value } from '../values/values.ts';
import { array, complex, describe } from '../values/values.ts';
import { analytic } from '../../field/expression.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { FlowError, InternalError } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

export function functionField(ctx: Context, item: ast.FieldItem, scope: Scope): FieldValue | ComplexValue {
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
  const apply =
    (part: Part) =>
    (_g: unknown, coordinates: Readonly<Record<string, Node>>): Node => {
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
      const value = evaluatePointwise(ctx, item, evaluate, nodes, part);
      return value.shape.length === 0 && shape.length > 0 ? b.broadcastTo(ctx.graph, value, shape) : value;
    };
  const side = (part: Part): FieldValue => ({
    kind: 'field',
    expr: analytic(part === 'whole' ? item.name.name : `${part}(${item.name.name})`, apply(part), item.span),
    coordinates: names,
    at: (points, span) => callAt(ctx, item, evaluate, points, span, part),
  });
  return isComplex(ctx, item, () => evaluate(names.map((n) => pointParameter(ctx, n))))
    ? complex(side('re'), side('im'))
    : side('whole');
}

/** What of the values is wanted: they themselves, or a part of complex ones. */
type Part = 'whole' | 're' | 'im';

const pointParameter = (ctx: Context, name: string): Value =>
  array(ctx.graph.param(name, { dtype: ctx.real, shape: [] }));

/** Whether the function has complex values: seen by evaluating it once, where its file mentions complex numbers at all. */
function isComplex(ctx: Context, item: ast.FieldItem, evaluate: () => Value): boolean {
  if (!/\d\.?(e[+-]?\d+)?i\b|complex|fft/.test(item.span.file.text)) return false;
  const [ordinal, solves, diagnostics] = [ctx.draws.ordinal, ctx.solves.length, ctx.diagnostics.length];
  try {
    return withoutAsserts(ctx, evaluate).kind === 'complex';
  } catch (e) {
    // What is wrong with it is said where it is used.
    if (e instanceof FlowError) return false;
    throw e;
  } finally {
    ctx.draws.ordinal = ordinal;
    ctx.solves.length = solves;
    ctx.diagnostics.length = diagnostics;
  }
}

const internal = (axis: string): never => {
  throw new InternalError('elaborate.function_fields', `no coordinate ${axis}`);
};

function numberOf(ctx: Context, item: ast.FieldItem, given: Value, part: Part): Node {
  const v = part === 'whole' ? given : partOf(ctx, part, given, item.value.span);
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
  part: Part,
): Node {
  return comprehendNodes(ctx, nodes, (points) =>
    numberOf(ctx, item, evaluate(points.map((p) => array(p))), part),
  );
}

function callAt(
  ctx: Context,
  item: ast.FieldItem,
  evaluate: (values: readonly Value[]) => Value,
  points: readonly Value[],
  span: Span,
  part: Part,
): Value {
  const own = (v: Value): Value => (part === 'whole' ? v : partOf(ctx, part, v, span));
  if (points.length !== item.params.length)
    failAt(
      ctx,
      'E172',
      `the field ${item.name.name} takes ${item.params.length} coordinate(s), but is given ${points.length}`,
      span,
    );
  if (points.every((p) => p.kind === 'number')) return own(evaluate(points));
  const nodes = points.map((p) => {
    const n = toNode(ctx, p, span, `a coordinate of ${item.name.name}`);
    if (n.dtype === 'bool')
      return failAt(ctx, 'E161', `a coordinate is a number, but this is ${describe(p)}`, span);
    return isFloat(n.dtype) ? n : b.cast(ctx.graph, n, ctx.real);
  });
  const shape = nodes.find((n) => n.shape.length > 0)?.shape ?? [];
  const level = nodes.map((n) => (n.shape.length === 0 ? b.broadcastTo(ctx.graph, n, shape) : n));
  if (shape.length === 0) return own(evaluate(level.map((n) => array(n))));
  return array(evaluatePointwise(ctx, item, evaluate, level, part));
}
