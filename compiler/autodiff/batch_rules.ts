// The batched form of every operation with one output: the same function of n elements at once, on arrays with a leading axis of n. `args[i]` is the batched
// operand i, undefined where it is the same for all elements; at least one is there. One entry an operation; a missing one does not compile.
//
// A product with a matrix that is the same for all becomes ONE product with n times as many rows.

import { InternalError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import {
  broadcastAxes,
  cumsum,
  dot,
  gather,
  reduce,
  reshape,
  reverse,
  roll,
  scatterAdd,
  transposePerm,
} from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node, NodeOf } from '../ir/types.ts';
import type { SimpleOp } from './jvp_rules.ts';

/** undefined: the same for all elements. */
export type Batched = Node | undefined;

export type BatchRule<P extends SimpleOp> = (
  g: Graph,
  node: NodeOf<P>,
  args: readonly Batched[],
  n: number,
) => Node;

const arg = (node: { readonly args: readonly Node[] }, i = 0): Node => at(node.args, i);

/** The batched value; what is the same for all is repeated. */
export function lift(g: Graph, x: Node, image: Batched, n: number): Node {
  if (image !== undefined) return image;
  return broadcastAxes(
    g,
    x,
    [n, ...x.shape],
    x.shape.map((_, axis) => axis + 1),
  );
}

const leaf = (_g: Graph, node: { readonly op: string }): never => {
  throw new InternalError('autodiff.batch', `${node.op} has no operands to batch`);
};

const elementwise = <P extends SimpleOp>(
  g: Graph,
  node: NodeOf<P>,
  args: readonly Batched[],
  n: number,
): Node =>
  g.node(
    node.op,
    node.args.map((a, i) => lift(g, a, args[i], n)),
    node.attrs,
  );

/** The one batched operand. */
function only(args: readonly Batched[], i = 0): Node {
  const x = args[i];
  if (x === undefined) throw new InternalError('autodiff.batch', `operand ${i} is not batched`);
  return x;
}

const next = (axes: readonly number[]): number[] => axes.map((axis) => axis + 1);

const batchRules: { readonly [P in SimpleOp]: BatchRule<P> } = {
  param: leaf,
  const: leaf,
  literal: leaf,
  iota: leaf,
  neg: elementwise,
  abs: elementwise,
  sign: elementwise,
  exp: elementwise,
  expm1: elementwise,
  log: elementwise,
  log1p: elementwise,
  sin: elementwise,
  cos: elementwise,
  tan: elementwise,
  asin: elementwise,
  acos: elementwise,
  atan: elementwise,
  sinh: elementwise,
  cosh: elementwise,
  tanh: elementwise,
  sqrt: elementwise,
  floor: elementwise,
  ceil: elementwise,
  round: elementwise,
  not: elementwise,
  add: elementwise,
  sub: elementwise,
  mul: elementwise,
  div: elementwise,
  pow: elementwise,
  atan2: elementwise,
  max: elementwise,
  min: elementwise,
  rem: elementwise,
  idiv: elementwise,
  and: elementwise,
  or: elementwise,
  xor: elementwise,
  shl: elementwise,
  shr: elementwise,
  eq: elementwise,
  ne: elementwise,
  lt: elementwise,
  le: elementwise,
  select: elementwise,
  cast: elementwise,
  bitcast: elementwise,
  keep: elementwise,
  stop_gradient: elementwise,
  random_bits: elementwise,

  reshape: (g, node, args, n) => reshape(g, only(args), [n, ...node.attrs.shape]),
  transpose: (g, node, args) => transposePerm(g, only(args), [0, ...next(node.attrs.perm)]),
  broadcast: (g, node, args, n) =>
    broadcastAxes(g, only(args), [n, ...node.attrs.shape], [0, ...next(node.attrs.axes)]),
  slice: (g, node, args, n) => {
    const { start, limit, stride } = node.attrs;
    return g.node('slice', [only(args)], {
      start: [0, ...start],
      limit: [n, ...limit],
      stride: [1, ...stride],
    });
  },
  pad: (g, node, args) => {
    const { low, high, interior } = node.attrs;
    return g.node('pad', [only(args)], {
      low: [0, ...low],
      high: [0, ...high],
      interior: [0, ...interior],
    });
  },
  concat: (g, node, args, n) =>
    g.node(
      'concat',
      node.args.map((a, i) => lift(g, a, args[i], n)),
      { axis: node.attrs.axis + 1 },
    ),
  reverse: (g, node, args) => reverse(g, only(args), next(node.attrs.axes)),
  roll: (g, node, args) => roll(g, only(args), node.attrs.axis + 1, node.attrs.shift),

  reduce: (g, node, args) => reduce(g, node.attrs.kind, only(args), next(node.attrs.axes)),
  arg_reduce: (g, node, args) =>
    g.node('arg_reduce', [only(args)], { kind: node.attrs.kind, axis: node.attrs.axis + 1 }),
  cumsum: (g, node, args) => cumsum(g, only(args), node.attrs.axis + 1, node.attrs.reverse),
  dot: (g, node, [a, b]) => {
    if (a !== undefined && b !== undefined) return dot(g, a, b);
    if (a !== undefined) return rowsTimes(g, a, arg(node, 1));
    if (b === undefined) return leaf(g, node);
    // (A b)ᵀ = bᵀ Aᵀ, so that the batch is folded into rows here too.
    return turned(g, rowsTimes(g, turned(g, b), turned(g, arg(node, 0))));
  },
  gather: (g, node, [table, index], n) => {
    const { batch } = node.attrs;
    if (table !== undefined) return gather(g, table, lift(g, arg(node, 1), index, n), batch + 1);
    if (index === undefined) return leaf(g, node);
    // The table is shared: n more indices into it.
    const rank = index.shape.length;
    const inside = transposePerm(g, index, [
      ...range(batch + 1).slice(1),
      0,
      ...range(rank).slice(batch + 1),
    ]);
    const found = gather(g, arg(node, 0), inside, batch);
    return transposePerm(g, found, [batch, ...range(batch), ...range(found.shape.length).slice(batch + 1)]);
  },
  scatter_add: (g, node, [index, update], n) => {
    const { batch, size } = node.attrs;
    return scatterAdd(g, lift(g, arg(node, 0), index, n), lift(g, arg(node, 1), update, n), size, batch + 1);
  },
};

/** A transposition; one that only moves axes of one element is a reshape. */
function permute(g: Graph, x: Node, perm: readonly number[]): Node {
  const moved = perm.filter((axis) => x.shape[axis] !== 1);
  const inOrder = moved.every((axis, i) => i === 0 || at(moved, i - 1) < axis);
  return inOrder
    ? reshape(
        g,
        x,
        perm.map((axis) => at(x.shape, axis)),
      )
    : transposePerm(g, x, perm);
}

/** Swaps the last two axes. */
function turned(g: Graph, x: Node): Node {
  const rank = x.shape.length;
  return permute(g, x, [...range(rank - 2), rank - 1, rank - 2]);
}

/** a [n, ...B, m, k] times b [...B, k, p], the same for all n: one product with n·m rows. */
function rowsTimes(g: Graph, a: Node, b: Node): Node {
  const rank = a.shape.length;
  const B = rank - 3;
  const n = at(a.shape, 0);
  const [m, k] = [at(a.shape, rank - 2), at(a.shape, rank - 1)];
  const p = at(b.shape, b.shape.length - 1);
  const groups = b.shape.slice(0, -2);
  const inside = permute(g, a, [...range(B + 1).slice(1), 0, rank - 2, rank - 1]);
  const product = dot(g, reshape(g, inside, [...groups, n * m, k]), b);
  const apart = reshape(g, product, [...groups, n, m, p]);
  return permute(g, apart, [B, ...range(B), rank - 2, rank - 1]);
}

export function applyBatchRule<P extends SimpleOp>(
  g: Graph,
  node: NodeOf<P>,
  args: readonly Batched[],
  n: number,
): Node {
  const rule: BatchRule<P> = batchRules[node.op];
  return rule(g, node, args, n);
}
