// The tangent of every operation with one output, given the tangents of its operands (undefined: zero). One entry an operation; a missing one does not
// compile. What happens at kinks and poles is decided here and nowhere else, and written down in spec/derivatives.md.
//
// A rule is linear in the tangents: it only multiplies them by factors made of primal values, moves, sums, and chooses among them. `c.factor` makes such a
// factor safe where the value may be discarded by a choice (mask.ts).

import { InternalError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import {
  add,
  and,
  cast,
  concat,
  cos,
  cosh,
  div,
  dot,
  eq,
  floor,
  gather,
  log,
  lt,
  mul,
  neg,
  pow,
  reduceSum,
  reshape,
  scatterAdd,
  select,
  sign,
  sin,
  sinh,
  sliceAxis,
  sqrt,
  sub,
  abs,
  le,
  broadcastAxes,
  transposePerm,
} from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import type { ArrayType, Node, NodeOf, OpName } from '../ir/types.ts';
import { isFloat, sizeOf } from '../ir/types.ts';
import { constantValue } from './mask.ts';
import type { Tangent } from './tangent.ts';
import { materialize, negated, plus, times } from './tangent.ts';

export interface RuleContext {
  readonly g: Graph;
  /** The node at hand. */
  readonly self: Node;
  /** The factor itself, or, where the node at hand may be discarded by a choice, the factor with what is not finite replaced by 0. */
  readonly factor: (f: Node) => Node;
  /** The tangent that is to be multiplied with f, without the elements where f is the zero of a branch not taken: there it may be infinite. */
  readonly kept: (t: Node, f: Node) => Node;
  /** The tangent of an expansion of the node at hand when its operands move by `t`. It is made of parameters in place of the operands: what is made of an operand that is computed may be simplified past it. */
  readonly expand: (make: (operands: readonly Node[]) => Node, t: readonly Tangent[]) => Tangent;
}

/** Operations with several outputs, and what reads them: see jvp_regions.ts. */
export type RegionOp =
  'scan' | 'adjoint_scan' | 'while' | 'cond' | 'custom' | 'transposed' | 'linear_solve' | 'check' | 'project';
export type SimpleOp = Exclude<OpName, RegionOp>;

/** `t[i]` is the tangent of operand i; at least one is there. */
export type JvpRule<P extends OpName> = (c: RuleContext, node: NodeOf<P>, t: readonly Tangent[]) => Tangent;

const arg = (node: { readonly args: readonly Node[] }, i = 0): Node => at(node.args, i);

const zero = (): Tangent => undefined;

/** f(a) with f'(a) = factor. */
const chain =
  <P extends OpName>(factor: (g: Graph, a: Node, q: Node) => Node): JvpRule<P> =>
  (c, node, [t]) =>
    t && mul(c.g, t, c.factor(factor(c.g, arg(node), c.self)));

/** Linear in its one operand, which is operand `operand`. */
const linear =
  <P extends OpName>(operand = 0): JvpRule<P> =>
  (c, node, t) => {
    const tangent = t[operand];
    const args = node.args.map((a, i) => (i === operand ? (tangent ?? a) : a));
    return tangent && c.g.node(node.op, args, node.attrs);
  };

/** t / a; where a choice may discard it, t times a factor that is finite. */
function quotient(c: RuleContext, t: Tangent, a: Node): Tangent {
  if (t === undefined) return undefined;
  const reciprocal = (): Node => div(c.g, 1, a);
  const divisor = constantValue(a);
  if (divisor !== undefined && divisor !== 0) return div(c.g, t, a);
  const plain = reciprocal();
  const safe = c.factor(plain);
  return safe === plain ? div(c.g, t, a) : mul(c.g, t, safe);
}

/** t times a factor made of values. */
function product(c: RuleContext, t: Tangent, factor: Node): Tangent {
  return t && mul(c.g, c.kept(t, factor), c.factor(factor));
}

/** Of `condition` at every element, else 0. */
const where = (g: Graph, condition: Node, value: Node): Node => select(g, condition, value, 0);

export const jvpRules: { readonly [P in SimpleOp]: JvpRule<P> } = {
  // ---- leaves and what has no derivative
  param: zero,
  const: zero,
  literal: zero,
  iota: zero,
  sign: zero,
  floor: zero,
  ceil: zero,
  round: zero,
  not: zero,
  idiv: zero,
  and: zero,
  or: zero,
  xor: zero,
  shl: zero,
  shr: zero,
  eq: zero,
  ne: zero,
  lt: zero,
  le: zero,
  bitcast: zero,
  stop_gradient: zero,
  path_mean: (c, node, [t]) =>
    t === undefined || !node.attrs.moves
      ? undefined
      : c.g.node('path_mean', [t, at(node.args, 1)], node.attrs),
  random_bits: zero,
  arg_reduce: zero,
  argsort: zero,
  rows_of: zero,

  // ---- functions of one argument
  neg: (c, _node, [t]) => negated(c.g, t),
  abs: chain((g, a) => sign(g, a)),
  exp: chain((_g, _a, q) => q),
  expm1: chain((g, _a, q) => add(g, q, 1)),
  log: (c, node, [t]) => quotient(c, t, arg(node)),
  log1p: (c, node, [t]) => quotient(c, t, add(c.g, arg(node), 1)),
  sin: chain((g, a) => cos(g, a)),
  cos: chain((g, a) => neg(g, sin(g, a))),
  tan: chain((g, _a, q) => add(g, mul(g, q, q), 1)),
  asin: chain((g, a) => slopeOfArcsine(g, a)),
  acos: chain((g, a) => neg(g, slopeOfArcsine(g, a))),
  atan: (c, node, [t]) => quotient(c, t, add(c.g, mul(c.g, arg(node), arg(node)), 1)),
  sinh: chain((g, a) => cosh(g, a)),
  cosh: chain((g, a) => sinh(g, a)),
  tanh: chain((g, _a, q) => sub(g, 1, mul(g, q, q))),
  // Infinite slope at 0: counts as 0.
  sqrt: chain((g, a, q) => where(g, lt(g, g.constant(0, a.dtype), a), div(g, 0.5, q))),
  keep: linear(),
  cast: (c, node, [t]) => t && cast(c.g, t, node.attrs.dtype),

  // ---- functions of two arguments
  add: (c, _node, [ta, tb]) => plus(c.g, ta, tb),
  sub: (c, _node, [ta, tb]) =>
    ta !== undefined && tb !== undefined ? sub(c.g, ta, tb) : (ta ?? negated(c.g, tb)),
  mul: (c, node, [ta, tb]) => plus(c.g, product(c, ta, arg(node, 1)), product(c, tb, arg(node, 0))),
  div: (c, node, [ta, tb]) => {
    const b = arg(node, 1);
    const first = quotient(c, ta, b);
    const slope = product(c, tb, div(c.g, c.self, b));
    return first !== undefined && slope !== undefined
      ? sub(c.g, first, slope)
      : (first ?? negated(c.g, slope));
  },
  pow: (c, node, [ta, tb]) => {
    const [a, b] = [arg(node, 0), arg(node, 1)];
    return plus(
      c.g,
      ta && powerSlope(c, ta, a, b),
      tb && mul(c.g, tb, c.factor(exponentSlope(c.g, a, c.self))),
    );
  },
  atan2: (c, node, [ty, tx]) => {
    const { g } = c;
    const [y, x] = [arg(node, 0), arg(node, 1)];
    const square = add(g, mul(g, x, x), mul(g, y, y));
    // At the origin every slope is infinite.
    const origin = eq(g, square, 0);
    const over = (v: Node): Node =>
      c.factor(select(g, origin, g.constant(0, v.dtype), div(g, v, select(g, origin, 1, square))));
    return plus(g, times(g, ty, over(x)), times(g, tx, over(neg(g, y))));
  },
  max: (c, node, [ta, tb]) => chosen(c.g, le(c.g, arg(node, 1), arg(node, 0)), node, ta, tb),
  min: (c, node, [ta, tb]) => chosen(c.g, le(c.g, arg(node, 0), arg(node, 1)), node, ta, tb),
  rem: (c, node, [ta, tb]) => {
    if (!isFloat(node.dtype)) return undefined;
    const { g } = c;
    return plus(g, ta, tb && mul(g, tb, c.factor(neg(g, floor(g, div(g, arg(node, 0), arg(node, 1)))))));
  },
  select: (c, node, [, ta, tb]) => chosen(c.g, arg(node, 0), node, ta, tb),

  // ---- movement
  reshape: linear(),
  transpose: linear(),
  broadcast: linear(),
  slice: linear(),
  pad: linear(),
  reverse: linear(),
  roll: linear(),
  concat: (c, node, t) =>
    concat(
      c.g,
      node.args.map((a, i) => materialize(c.g, t[i], a)),
      node.attrs.axis,
    ),

  // ---- reductions, contractions, indexing
  reduce: (c, node, [t]) => {
    if (t === undefined) return undefined;
    switch (node.attrs.kind) {
      case 'sum':
        return reduceSum(c.g, t, node.attrs.axes);
      case 'max':
      case 'min':
        return atFirstExtreme(c.g, node, t);
      case 'prod': {
        return c.expand(([x]) => productTree(c.g, x ?? arg(node), node.attrs.axes), [t]);
      }
      case 'any':
      case 'all':
        return undefined;
    }
  },
  cumsum: linear(),
  dot: (c, node, [ta, tb]) => {
    const { g } = c;
    return plus(g, ta && dot(g, ta, c.factor(arg(node, 1))), tb && dot(g, c.factor(arg(node, 0)), tb));
  },
  gather: (c, node, [t]) => t && gather(c.g, t, arg(node, 1), node.attrs.batch),
  scatter_add: (c, node, [, t]) => t && scatterAdd(c.g, arg(node, 0), t, node.attrs.size, node.attrs.batch),
};

/** Tangent of a choice between two operands: the one chosen. */
function chosen(g: Graph, mask: Node, like: ArrayType, ta: Tangent, tb: Tangent): Tangent {
  if (ta === undefined && tb === undefined) return undefined;
  return select(g, mask, materialize(g, ta, like), materialize(g, tb, like));
}

/** 1/sqrt(1 - a²); at ±1, where it is infinite, and beyond: 0. */
function slopeOfArcsine(g: Graph, a: Node): Node {
  const inside = lt(g, abs(g, a), 1);
  const rest = select(g, inside, sub(g, 1, mul(g, a, a)), 1);
  return where(g, inside, div(g, 1, sqrt(g, rest)));
}

/** b·a^(b-1)·t; 0 at a = 0 where the slope is infinite (b < 1). */
function powerSlope(c: RuleContext, t: Node, a: Node, b: Node): Tangent {
  const { g } = c;
  const exponent = constantValue(b);
  switch (exponent) {
    case 0:
      return undefined;
    case 1:
      return t;
    case 2:
      return mul(g, t, c.factor(mul(g, 2, a)));
    default: {
      const slope = mul(g, b, pow(g, a, sub(g, b, 1)));
      if (exponent !== undefined && exponent >= 1) return mul(g, t, c.factor(slope));
      const steep = exponent === undefined ? and(g, eq(g, a, 0), lt(g, b, 1)) : eq(g, a, 0);
      return mul(g, t, c.factor(select(g, steep, 0, slope)));
    }
  }
}

/** a^b·log a; 0 where a <= 0: at 0 it is the limit for b > 0, below there is no real slope. */
function exponentSlope(g: Graph, a: Node, q: Node): Node {
  const positive = lt(g, g.constant(0, a.dtype), a);
  return where(g, positive, mul(g, q, log(g, select(g, positive, a, 1))));
}

/** The tangent at the first largest (smallest) element of those reduced over. */
function atFirstExtreme(g: Graph, node: NodeOf<'reduce'>, t: Node): Node {
  const { axes, kind } = node.attrs;
  const a = arg(node);
  const kept = range(a.shape.length).filter((axis) => !axes.includes(axis));
  // First in row-major order: merge the reduced axes, in ascending order, into one at the end.
  const merged = [...axes].sort((x, y) => x - y);
  const last = kept.length;
  const flat = (x: Node): Node =>
    reshape(g, transposePerm(g, x, [...kept, ...merged]), [
      ...node.shape,
      sizeOf(merged.map((axis) => at(a.shape, axis))),
    ]);
  const values = flat(a);
  const place = g.node('arg_reduce', [values], { kind: kind === 'max' ? 'max' : 'min', axis: last });
  const here = eq(g, g.iota(values.shape, last, 'i32'), broadcastAxes(g, place, values.shape, range(last)));
  return reduceSum(g, select(g, here, flat(t), 0), [last]);
}

/** The product over the axes by halving: the form whose derivatives of every order are right at zeros. */
function productTree(g: Graph, x: Node, axes: readonly number[]): Node {
  let now = x;
  for (const axis of axes) {
    for (let n = at(now.shape, axis); n > 1; n = at(now.shape, axis)) {
      const half = Math.floor(n / 2);
      const product = mul(g, sliceAxis(g, now, axis, 0, half), sliceAxis(g, now, axis, half, 2 * half));
      now = n % 2 === 0 ? product : concat(g, [product, sliceAxis(g, now, axis, n - 1, n)], axis);
    }
  }
  if (axes.some((axis) => now.shape[axis] === 0))
    throw new InternalError('autodiff.jvp', 'product over an empty axis');
  return reshape(
    g,
    now,
    now.shape.filter((_, i) => !axes.includes(i)),
  );
}

/** The tangent of a node with one output. */
export function applyJvpRule<P extends SimpleOp>(
  c: RuleContext,
  node: NodeOf<P>,
  t: readonly Tangent[],
): Tangent {
  const rule: JvpRule<P> = jvpRules[node.op];
  return rule(c, node, t);
}
