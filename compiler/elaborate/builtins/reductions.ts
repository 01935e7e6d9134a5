// Reductions: over all axes of an array, over one (`axis: 1`), over the leaves of a record, over the elements of a comprehension. `max` and `min` of two arguments are elementwise.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { flatten, joined, staticInteger, toNode } from '../values/leaves.ts';
import { isStructured } from '../values/lifting.ts';
import { levelComplex, partOf, partwise } from '../values/complex.ts';
import { complexNodes, countOf, hasComplex } from '../values/complex_parts.ts';
import { operators } from '../values/operators.ts';
import type { BuiltinValue, ComplexValue, Value } from '../values/values.ts';
import { array, complex, describe, int, number } from '../values/values.ts';
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
  if (x.kind === 'list') {
    const whole = joined(ctx, x, a.span);
    return whole.kind === 'list' ? fold(ctx, kind, x.elements, a) : reduceValue(ctx, kind, whole, a);
  }
  if (x.kind === 'complex') return reduceComplex(ctx, kind, x, a);
  if (x.kind === 'record' || x.kind === 'tuple') {
    if (hasComplex(x)) return reduceComplexLeaves(ctx, kind, x, a);
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

/** Sums part by part, products by halves. Complex numbers have no order. */
function reduceComplex(ctx: Context, kind: Kind, z: ComplexValue, a: Given): Value {
  switch (kind) {
    case 'sum':
    case 'mean':
      return partwise(ctx, z, a.span, (part) => reduceValue(ctx, kind, part, a));
    case 'prod':
      return productOf(ctx, z, a);
    case 'max':
    case 'min':
    case 'any':
    case 'all':
      return failAt(
        ctx,
        'E126',
        `${kind} takes ${kind === 'max' || kind === 'min' ? 'real numbers' : 'truth values'}, but is given ${describe(z)}`,
        a.span,
        kind === 'max' || kind === 'min'
          ? 'complex numbers have no order: take it of abs(z), re(z) or im(z)'
          : 'compare them with something: z == 0',
      );
  }
}

/** The product along an axis, or of all elements: the first half times the second, again and again. */
function productOf(ctx: Context, z: ComplexValue, a: Given): Value {
  const g = ctx.graph;
  let [re, im] = complexNodes(ctx, z, a.span);
  const given = axisOf(ctx, a, re);
  if (given === undefined) {
    const count = [sizeOf(re.shape)];
    [re, im] = [b.reshape(g, re, count), b.reshape(g, im, count)];
  }
  const axis = given ?? 0;
  for (let n = at(re.shape, axis); n > 1; n = Math.ceil(n / 2)) {
    const half = Math.floor(n / 2);
    const [u, v] = [re, im];
    const part = (from: number, to: number): Value =>
      complex(array(b.sliceAxis(g, u, axis, from, to)), array(b.sliceAxis(g, v, axis, from, to)));
    const product = ctx.elementwise(operators.mul, [part(0, half), part(half, 2 * half)], a.span);
    if (product.kind !== 'complex') return product;
    const [x, y] = complexNodes(ctx, product, a.span);
    const rest = (p: Node): Node => b.sliceAxis(g, p, axis, 2 * half, n);
    [re, im] = n % 2 === 0 ? [x, y] : [b.concat(g, [x, rest(re)], axis), b.concat(g, [y, rest(im)], axis)];
  }
  if (at(re.shape, axis) === 0) {
    const left = re.shape.filter((_, k) => k !== axis);
    return complex(array(b.full(g, left, 1, ctx.real)), array(b.full(g, left, 0, ctx.real)));
  }
  return complex(array(b.indexAxis(g, re, axis, 0)), array(b.indexAxis(g, im, axis, 0)));
}

/** Over the leaves of a structure with complex ones among them. */
function reduceComplexLeaves(ctx: Context, kind: Kind, x: Value, a: Given): Value {
  const leaves = (v: Value): Value[] => {
    const w = v.kind === 'list' ? joined(ctx, v, a.span) : v;
    switch (w.kind) {
      case 'tuple':
      case 'list':
        return w.elements.flatMap(leaves);
      case 'record':
        return [...w.entries.values()].flatMap(leaves);
      case 'number':
      case 'complex':
      case 'field':
        return [w];
      case 'array':
        return w.node.dtype === 'bool' ? [] : [w];
      default:
        return [];
    }
  };
  if (a.get('axis') !== undefined) {
    const each = (v: Value): Value => reduceValue(ctx, kind, v, a);
    if (x.kind === 'tuple' || x.kind === 'list') return { ...x, elements: x.elements.map(each) };
    return x.kind === 'record'
      ? { ...x, entries: new Map([...x.entries].map(([k, e]) => [k, each(e)])) }
      : each(x);
  }
  const found = leaves(x);
  const whole = kind === 'mean' ? 'sum' : kind;
  const total = fold(
    ctx,
    whole,
    found.map((v) => reduceValue(ctx, whole, v, a)),
    a,
  );
  if (kind !== 'mean') return total;
  return ctx.elementwise(operators.div, [total, number(countOf(x))], a.span);
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
  if (hasComplex(x) || hasComplex(y)) return dotOfPairs(ctx, x, y, a);
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

/** Of complex values: the inner product of the real pairs, re(a)re(b) + im(a)im(b), real. It is the one that gradients belong to. */
function dotOfPairs(ctx: Context, x: Value, y: Value, a: Given): Value {
  const [complexX, complexY] = [x, y].map(hasComplex);
  if (complexX !== complexY)
    return failAt(
      ctx,
      'E126',
      `dot takes two real or two complex values, but is given ${describe(x)} and ${describe(y)}`,
      a.span,
      'the product without conjugates is sum(a*b) or a @ b; dot(z, w) of complex values is re(sum(conj(z)*w))',
    );
  const level = levelComplex(ctx, [x, y], a.span);
  const [re, im] = (['re', 'im'] as const).map((which) =>
    dotValues(ctx, partOf(ctx, which, level[0] ?? x, a.span), partOf(ctx, which, level[1] ?? y, a.span), a),
  );
  return re === undefined || im === undefined ? x : ctx.elementwise(operators.add, [re, im], a.span);
}
