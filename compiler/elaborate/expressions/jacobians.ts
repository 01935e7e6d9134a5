// Matrices of partial derivatives of any value by any other. In: a function and a point. Out: the structure of the function's value with, in the place of each of its arrays, the structure of the point, and in the place of
// each array of that the matrix [...shape of the value's, ...shape of the point's]. Both directions are exact; the one that takes fewer turns is used, batched over unit vectors.

import { paired } from '../values/complex.ts';
import type { Context } from '../context.ts';
import { back, callOne, pointAt, warned } from './derivatives.ts';
import { flatten, joined } from '../values/leaves.ts';
import type { Value } from '../values/values.ts';
import { array, number, record } from '../values/values.ts';
import { batch } from '../../autodiff/batch.ts';
import { jvp } from '../../autodiff/jvp.ts';
import { vjp } from '../../autodiff/vjp.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat, sizeOf } from '../../ir/types.ts';
import { at, range } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

/**
 * The derivative of every part of f(x) by every part of x. Of a real part by a complex one it is the gradient, d/da + i d/db; of a complex part by a complex one df/dz = (d/da - i d/db)/2, for holomorphic
 * functions the derivative.
 */
export function jacobian(ctx: Context, f: Value, x: Value, span: Span): Value {
  return matrices(ctx, f, x, span, (blocks) => {
    const [one, other] = blocks;
    if (one === undefined) return number(0, false);
    const [a, b_] = one;
    const [c, d] = other ?? [];
    const pair = (re: Node, im: Node): Value => paired(ctx, array(re), array(im), span);
    if (a === undefined) return number(0, false);
    if (c === undefined) return b_ === undefined ? array(a) : pair(a, b_);
    if (b_ === undefined || d === undefined) return pair(a, c);
    const half = (v: Node): Node => b.mul(ctx.graph, v, 0.5);
    return pair(half(b.add(ctx.graph, a, d)), half(b.sub(ctx.graph, c, b_)));
  });
}

/** The second derivatives of a real function, of which `gradient` is the gradient: those by a complex part z = a + ib are records { re, im }, by a and by b. */
export function hessian(ctx: Context, gradient: Value, x: Value, span: Span): Value {
  const parts = (values: readonly Value[]): Value => {
    const [re, im] = values;
    if (re === undefined) return number(0, false);
    return im === undefined
      ? re
      : record([
          ['re', re],
          ['im', im],
        ]);
  };
  return matrices(ctx, gradient, x, span, (blocks) => parts(blocks.map((row) => parts(row.map(array)))));
}

/** The value f(x) with, in the place of each of its arrays, x with, in the place of each of its arrays, `entry` of the matrices of one by the other: one row and one column of them, or two where a part is complex. */
function matrices(
  ctx: Context,
  f: Value,
  x: Value,
  span: Span,
  entry: (blocks: readonly (readonly Node[])[]) => Value,
): Value {
  const point = pointAt(ctx, x, span);
  const made = callOne(ctx, f, point.value, span);
  const ys = flatten(ctx, made, span)
    .leaves.map((l) => l.node)
    .filter((n) => isFloat(n.dtype));
  const partial = partialDerivatives(ctx, ys, point.params);
  const found = back(ctx, point, warned(ctx, ys, partial.flat(), point.params));
  const columns = point.params.length;
  let next = 0;
  return overLeaves(ctx, made, span, (y) => {
    const rows = y.map((n) => {
      if (!isFloat(n.dtype)) return [];
      const first = columns * next++;
      return found.slice(first, first + columns);
    });
    let k = 0;
    return overLeaves(ctx, point.value, span, (q) => {
      const first = k;
      if (q.some((n) => isFloat(n.dtype))) k += q.length;
      return entry(
        rows.map((row, i) =>
          q.map((n, c) =>
            isFloat(n.dtype) && row.length > 0
              ? at(row, first + c)
              : b.full(ctx.graph, [...at(y, i).shape, ...n.shape], 0, ctx.real),
          ),
        ),
      );
    });
  });
}

/** The value with something else in the place of each of its arrays, in the order of `flatten`; a complex array is two. */
function overLeaves(ctx: Context, value: Value, span: Span, of: (leaf: readonly Node[]) => Value): Value {
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
        const { leaves } = flatten(ctx, v, span);
        return leaves.length === 0 ? v : of(leaves.map((l) => l.node));
      }
    }
  };
  return walk(value);
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
