// Matrices of partial derivatives of any value by any other. In: a function and a point. Out: the structure of the function's value with, in the place of each of its arrays, the structure of the point, and in the place of
// each array of that the matrix [...shape of the value's, ...shape of the point's]. Both directions are exact; the one that takes fewer turns is used, batched over unit vectors.

import { paired } from '../values/complex.ts';
import { hasComplex } from '../values/complex_parts.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { Point } from './derivatives.ts';
import { back, callOne, pointAt } from './derivatives.ts';
import { flatten, joined } from '../values/leaves.ts';
import { operators } from '../values/operators.ts';
import type { Value } from '../values/values.ts';
import { array, describe, number } from '../values/values.ts';
import { batch } from '../../autodiff/batch.ts';
import { jvp } from '../../autodiff/jvp.ts';
import { vjp } from '../../autodiff/vjp.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat, sizeOf } from '../../ir/types.ts';
import { at, range } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

/**
 * The derivative of every part of f(x) by every part of x. Of a real function of complex numbers its rows are gradients, d/da + i d/db; of a complex function of complex numbers it is
 * df/dz = (d/da - i d/db)/2, for holomorphic ones the derivative. Complex parts of records are refused.
 */
export function jacobian(ctx: Context, f: Value, x: Value, span: Span): Value {
  const point = pointAt(ctx, x, span);
  const made = callOne(ctx, f, point.value, span);
  if (hasComplex(point.value) || hasComplex(made)) return complexJacobian(ctx, point, made, span);
  const ys = realLeaves(ctx, made, span);
  const rows = partialDerivatives(ctx, ys, point.params).map((row) => back(ctx, point, row));
  let next = 0;
  return overLeaves(ctx, made, span, (y) => {
    const row = isFloat(y.dtype) ? at(rows, next++) : [];
    let k = 0;
    return overLeaves(ctx, point.value, span, (q) =>
      array(
        isFloat(q.dtype) && row.length > 0
          ? at(row, k++)
          : b.full(ctx.graph, [...y.shape, ...q.shape], 0, ctx.real),
      ),
    );
  });
}

const realLeaves = (ctx: Context, v: Value, span: Span): Node[] =>
  flatten(ctx, v, span)
    .leaves.map((l) => l.node)
    .filter((n) => isFloat(n.dtype));

/** The value with something else in the place of each of its arrays, in the order of `flatten`. */
function overLeaves(ctx: Context, value: Value, span: Span, of: (leaf: Node) => Value): Value {
  const walk = (v: Value): Value => {
    switch (v.kind) {
      case 'tuple':
        return { ...v, elements: v.elements.map(walk) };
      case 'list': {
        const whole = joined(ctx, v, span);
        return whole.kind === 'list' ? { ...v, elements: v.elements.map(walk) } : walk(whole);
      }
      case 'record':
        return { ...v, entries: new Map([...v.entries].map(([k, e]) => [k, walk(e)])) };
      default: {
        const [leaf] = flatten(ctx, v, span).leaves;
        return leaf === undefined ? v : of(leaf.node);
      }
    }
  };
  return walk(value);
}

function complexJacobian(ctx: Context, point: Point, made: Value, span: Span): Value {
  const ys = flatten(ctx, made, span).leaves.map((l) => l.node);
  const complexIn = point.value.kind === 'complex';
  const complexOut = (made.kind === 'list' ? joined(ctx, made, span) : made).kind === 'complex';
  if (ys.length !== (complexOut ? 2 : 1) || point.params.length !== (complexIn ? 2 : 1))
    return failAt(
      ctx,
      'E273',
      `where numbers are complex, jacobian takes a function from one array to one array, but this takes ${describe(point.value)} to ${describe(made)}`,
      span,
      'by the real pairs of a record: jacobian(p => flatten(f(unflatten(p, like: x))))(flatten(x))',
    );
  const partial = partialDerivatives(ctx, ys, point.params);
  const rows = partial.map((row) => back(ctx, point, row).map(array));
  const of = (i: number, k: number): Value => at(at(rows, i), k);
  if (!complexIn) return paired(ctx, of(0, 0), of(1, 0), span);
  if (!complexOut) return paired(ctx, of(0, 0), of(0, 1), span);
  const half = (v: Value): Value => ctx.elementwise(operators.mul, [number(0.5, false), v], span);
  return paired(
    ctx,
    half(ctx.elementwise(operators.add, [of(0, 0), of(1, 1)], span)),
    half(ctx.elementwise(operators.sub, [of(1, 0), of(0, 1)], span)),
    span,
  );
}

/** [i][k]: the matrix of ys[i] by qs[k]. By columns or by rows, whichever are fewer. */
function partialDerivatives(ctx: Context, ys: readonly Node[], qs: readonly Node[]): Node[][] {
  const g = ctx.graph;
  const total = (nodes: readonly Node[]): number => nodes.reduce((n, { shape }) => n + sizeOf(shape), 0);
  const k = g.param('k', { dtype: 'i32', shape: [] });
  const unit = (like: Node): Node => {
    const size = sizeOf(like.shape);
    return b.reshape(
      g,
      b.cast(g, b.eq(g, g.iota([size], 0, 'i32'), b.broadcastTo(g, k, [size])), like.dtype),
      like.shape,
    );
  };
  /** Evaluated for every place of `like`, whose number becomes the leading axis. */
  const forAll = (nodes: readonly Node[], like: Node): Node[] => {
    const count = sizeOf(like.shape);
    return batch(g, nodes, new Map([[k, g.iota([count], 0, 'i32')]]), count);
  };
  if (total(qs) <= total(ys)) {
    const columns = qs.map((q, which) => {
      const directions = qs.map((p, i) => (i === which ? unit(p) : b.zerosLike(g, p)));
      const tangents = jvp(g, ys, qs, directions).map((t, i) => t ?? b.zerosLike(g, at(ys, i)));
      return forAll(tangents, q).map((column, i) => {
        const { shape } = at(ys, i);
        const last = b.transposePerm(g, column, [...range(shape.length).map((axis) => axis + 1), 0]);
        return b.reshape(g, last, [...shape, ...q.shape]);
      });
    });
    return ys.map((_, i) => columns.map((column) => at(column, i)));
  }
  return ys.map((y, which) => {
    const unitOfThis = ys.map((v, i) => (i === which ? unit(v) : undefined));
    const cts = vjp(g, ys, qs, unitOfThis).map((ct, i) => ct ?? b.zerosLike(g, at(qs, i)));
    return forAll(cts, y).map((r, i) => b.reshape(g, r, [...y.shape, ...at(qs, i).shape]));
  });
}
