// Reductions: over all axes of an array, over one (`axis: 1`), over the leaves of a record, over the elements of a comprehension. `max` and `min` of two arguments are elementwise.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { arrayOfList, flatten, staticInteger, toNode } from '../leaves.ts';
import { isStructured } from '../lifting.ts';
import { operators } from '../operators.ts';
import type { BuiltinValue, Value } from '../values.ts';
import { array, describe, int, number } from '../values.ts';
import { define } from './registry.ts';
import type { Given } from './registry.ts';
import * as b from '../../ir/build.ts';
import type { Node, ReduceKind } from '../../ir/types.ts';
import { isFloat, sizeOf } from '../../ir/types.ts';
import { at, range } from '../../support/lists.ts';

type Kind = 'sum' | 'prod' | 'mean' | 'max' | 'min' | 'any' | 'all';

export function reductions(ctx: Context): BuiltinValue[] {
  const simple = (['sum', 'prod', 'mean', 'any', 'all'] as const).map((kind) =>
    define(ctx, kind, ['x', 'axis?'], (a) => reduceValue(ctx, kind, a.need('x'), a)),
  );
  const extreme = (['max', 'min'] as const).map((kind) =>
    define(ctx, kind, ['x', 'y?', 'axis?'], (a) => {
      const y = a.get('y');
      return y === undefined
        ? reduceValue(ctx, kind, a.need('x'), a)
        : ctx.elementwise(operators[kind], [a.need('x'), y], a.span);
    }),
  );
  const positions = (['argmax', 'argmin'] as const).map((name) =>
    define(ctx, name, ['x', 'axis?'], (a) => {
      const x = toNode(ctx, a.need('x'), a.span, name);
      const axis = axisOf(ctx, a, x);
      if (axis === undefined && x.shape.length !== 1)
        return failAt(
          ctx,
          'E260',
          `${name} of ${describe(array(x))} needs an axis`,
          a.span,
          `write ${name}(x, axis: 0)`,
        );
      return array(
        ctx.graph.node('arg_reduce', [x], { kind: name === 'argmax' ? 'max' : 'min', axis: axis ?? 0 }),
      );
    }),
  );
  return [
    ...simple,
    ...extreme,
    ...positions,
    define(ctx, 'dot', ['a', 'b'], (a) => dotValues(ctx, a.need('a'), a.need('b'), a)),
  ];
}

function axisOf(ctx: Context, a: Given, x: Node): number | undefined {
  const axis = a.get('axis');
  if (axis === undefined) return undefined;
  const n = staticInteger(ctx, axis, a.spanOf('axis'), 'an axis');
  if (n < 0 || n >= x.shape.length)
    return failAt(
      ctx,
      'E261',
      `there is no axis ${n} in ${describe(array(x))}`,
      a.spanOf('axis'),
      'axes are counted from 0',
    );
  return n;
}

function reduceValue(ctx: Context, kind: Kind, x: Value, a: Given): Value {
  if (x.kind === 'number') return x;
  if (x.kind === 'list' && arrayOfList(ctx, x) === undefined) return fold(ctx, kind, x.elements, a);
  if (x.kind === 'record' || x.kind === 'tuple') {
    if (a.get('axis') !== undefined) {
      const flat = flatten(ctx, x, a.span);
      return flat.rebuild(flat.leaves.map((l) => reduceNode(ctx, kind, l.node, a)));
    }
    const flat = flatten(ctx, x, a.span);
    const parts = flat.leaves
      .filter((l) => isFloat(l.node.dtype) || l.node.dtype !== 'bool')
      .map((l) => array(reduceNode(ctx, kind === 'mean' ? 'sum' : kind, l.node, a)));
    const total = fold(ctx, kind === 'mean' ? 'sum' : kind, parts, a);
    if (kind !== 'mean') return total;
    const count = flat.leaves.reduce((n, l) => n + sizeOf(l.node.shape), 0);
    return ctx.elementwise(operators.div, [total, number(count)], a.span);
  }
  return array(reduceNode(ctx, kind, toNode(ctx, x, a.span, kind), a));
}

/** Combines values one by one: the elements of a static list. */
function fold(ctx: Context, kind: Kind, values: readonly Value[], a: Given): Value {
  const first = values[0];
  if (first === undefined)
    return kind === 'prod'
      ? int(1)
      : kind === 'sum'
        ? int(0)
        : failAt(ctx, 'E262', `${kind} of nothing`, a.span);
  const op = {
    sum: operators.add,
    mean: operators.add,
    prod: operators.mul,
    max: operators.max,
    min: operators.min,
    any: operators.or,
    all: operators.and,
  }[kind];
  const total = values.slice(1).reduce((x, y) => ctx.elementwise(op, [x, y], a.span), first);
  return kind === 'mean' ? ctx.elementwise(operators.div, [total, number(values.length)], a.span) : total;
}

function reduceNode(ctx: Context, kind: Kind, x: Node, a: Given): Node {
  const g = ctx.graph;
  const axis = axisOf(ctx, a, x);
  const axes = axis === undefined ? range(x.shape.length) : [axis];
  const count = axes.reduce((n, i) => n * at(x.shape, i), 1);
  if ((kind === 'any' || kind === 'all') !== (x.dtype === 'bool'))
    failAt(
      ctx,
      'E161',
      x.dtype === 'bool'
        ? `${kind} wants numbers, but this holds truth values`
        : `${kind} wants truth values, but this is ${describe(array(x))}`,
      a.span,
      x.dtype === 'bool' ? 'count with sum(where(c, 1, 0))' : undefined,
    );
  if (count === 0 && (kind === 'max' || kind === 'min' || kind === 'mean'))
    failAt(ctx, 'E262', `${kind} of an array without elements`, a.span);
  if (axes.length === 0) return kind === 'mean' && !isFloat(x.dtype) ? b.cast(g, x, ctx.real) : x;
  if (kind === 'mean') {
    const real = isFloat(x.dtype) ? x : b.cast(g, x, ctx.real);
    return b.mul(g, b.reduce(g, 'sum', real, axes), 1 / count);
  }
  const op: ReduceKind = kind;
  return b.reduce(g, op, x, axes);
}

/** The inner product: over all elements of two values of one structure; of vector fields it is taken place by place. */
function dotValues(ctx: Context, x: Value, y: Value, a: Given): Value {
  const product = ctx.elementwise(operators.mul, [x, y], a.span);
  const isField = (v: Value): boolean =>
    v.kind === 'field' || ((v.kind === 'tuple' || v.kind === 'list') && v.elements.some(isField));
  if (isField(product) && isStructured(product))
    return fold(
      ctx,
      'sum',
      product.kind === 'tuple' || product.kind === 'list' ? product.elements : [product],
      a,
    );
  const flat = flatten(ctx, product, a.span);
  const leaves = flat.leaves
    .filter((l) => isFloat(l.node.dtype))
    .map((l) => array(b.sumAll(ctx.graph, l.node)));
  if (leaves.length === 0)
    return fold(
      ctx,
      'sum',
      flat.leaves.map((l) => array(b.sumAll(ctx.graph, l.node))),
      a,
    );
  return fold(ctx, 'sum', leaves, a);
}
