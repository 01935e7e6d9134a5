// Order: `argsort`, and what is a gather by it. Stable, NaN last; the derivative of sorted values is that of the values at their places, ties as in the order found.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { staticInteger, toNode } from '../values/leaves.ts';
import type { BuiltinValue, Value } from '../values/values.ts';
import { array, describe, record } from '../values/values.ts';
import { define } from './registry.ts';
import type { Given } from './registry.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { at, range } from '../../support/lists.ts';

/** Rows to be sorted: the axis last. */
interface Rows {
  readonly rows: Node;
  /** Brings rows back into the order of the axes. */
  readonly back: (rows: Node) => Node;
}

export function sorting(ctx: Context): BuiltinValue[] {
  const g = ctx.graph;
  return [
    define(ctx, 'argsort', ['x', 'descending?', 'axis?'], (a) => {
      const { rows, back } = rowsOf(ctx, a);
      return array(back(orderOf(ctx, rows, isDescending(ctx, a))));
    }),
    define(ctx, 'sort', ['x', 'descending?', 'axis?'], (a) => {
      const { rows, back } = rowsOf(ctx, a);
      const order = orderOf(ctx, rows, isDescending(ctx, a));
      return array(back(b.gather(g, rows, order, rows.shape.length - 1)));
    }),
    define(ctx, 'top_k', ['x', 'k', 'axis?'], (a) => {
      const { rows, back } = rowsOf(ctx, a);
      const last = rows.shape.length - 1;
      const n = at(rows.shape, last);
      const k = staticInteger(ctx, a.need('k'), a.spanOf('k'), 'the number of elements');
      if (k < 0 || k > n)
        return failAt(ctx, 'E291', `top_k of ${n} elements takes k from 0 to ${n}, not ${k}`, a.spanOf('k'));
      const order = b.sliceAxis(g, orderOf(ctx, rows, true), last, 0, k);
      return record([
        ['values', array(back(b.gather(g, rows, order, last)))],
        ['indices', array(back(order))],
      ]);
    }),
  ];
}

function rowsOf(ctx: Context, a: Given): Rows {
  const g = ctx.graph;
  const x = toNode(ctx, a.need('x'), a.spanOf('x'), a.name);
  const rank = x.shape.length;
  if (x.dtype === 'bool' || rank === 0)
    return failAt(
      ctx,
      'E290',
      `${a.name} orders the numbers of an array, but this is ${describe(array(x))}`,
      a.spanOf('x'),
      x.dtype === 'bool' ? 'count with sum(where(c, 1, 0)), or order where(c, 1, 0)' : undefined,
    );
  const given = a.get('axis');
  if (given === undefined && rank > 1)
    failAt(
      ctx,
      'E260',
      `${a.name} of ${describe(array(x))} needs an axis`,
      a.span,
      `write ${a.name}(x, ${a.name === 'top_k' ? 'k, ' : ''}axis: 0)`,
    );
  const axis = given === undefined ? 0 : staticInteger(ctx, given, a.spanOf('axis'), 'an axis');
  if (axis < 0 || axis >= rank)
    failAt(
      ctx,
      'E261',
      `there is no axis ${axis} in ${describe(array(x))}`,
      a.spanOf('axis'),
      'axes are counted from 0',
    );
  const perm = [...range(rank).filter((i) => i !== axis), axis];
  const inverse = range(rank).map((i) => perm.indexOf(i));
  return { rows: b.transposePerm(g, x, perm), back: (rows) => b.transposePerm(g, rows, inverse) };
}

function isDescending(ctx: Context, a: Given): boolean {
  const given: Value | undefined = a.get('descending');
  if (given === undefined) return false;
  if (given.kind === 'bool') return given.value;
  return failAt(
    ctx,
    'E292',
    `\`descending\` is true or false when the program is compiled, but this is ${describe(given)}`,
    a.spanOf('descending'),
  );
}

/** Equal elements keep their order in both directions, and NaN comes last in both. */
function orderOf(ctx: Context, rows: Node, descending: boolean): Node {
  const g = ctx.graph;
  // The complement of an integer reverses the order of all of them.
  const turned = !descending ? rows : isFloat(rows.dtype) ? b.neg(g, rows) : g.node('not', [rows], {});
  return b.argsort(g, turned);
}
