// The batched form of every operation with one output: the same function of n elements at once, on arrays with a leading axis of n. `args[i]` is the image of
// operand i, with or without that axis; at least one has it. One entry an operation; a missing one does not compile.
//
// A product with a matrix that is the same for all becomes ONE product with n times as many rows.

import { InternalError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import {
  add,
  argsort,
  broadcastAxes,
  cumsum,
  div,
  dot,
  gather,
  lt,
  mul,
  reduce,
  reshape,
  reverse,
  roll,
  rowsOf,
  scatterAdd,
  select,
  sub,
  transposePerm,
} from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node, NodeOf } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import type { SimpleOp } from './jvp_rules.ts';

/** What a value becomes in a batch: an array with a leading axis of n where it differs between elements, else an array without. */
export interface Image {
  readonly value: Node;
  readonly batched: boolean;
}

export type BatchRule<P extends SimpleOp> = (
  g: Graph,
  node: NodeOf<P>,
  args: readonly Image[],
  n: number,
) => Node;

/** The value with the batch axis; what is the same for all is repeated. */
export function lift(g: Graph, { value, batched }: Image, n: number): Node {
  if (batched) return value;
  return broadcastAxes(
    g,
    value,
    [n, ...value.shape],
    value.shape.map((_, axis) => axis + 1),
  );
}

const leaf = (_g: Graph, node: { readonly op: string }): never => {
  throw new InternalError('autodiff.batch', `${node.op} has no operands to batch`);
};

const elementwise = <P extends SimpleOp>(
  g: Graph,
  node: NodeOf<P>,
  args: readonly Image[],
  n: number,
): Node =>
  g.node(
    node.op,
    args.map((a) => lift(g, a, n)),
    node.attrs,
  );

/** The one operand, which is batched. */
function only(args: readonly Image[]): Node {
  return at(args, 0).value;
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
  path_mean: (g, node, args, n) => {
    const [x, path] = [lift(g, at(args, 0), n), lift(g, at(args, 1), n)];
    if (!at(args, 1).batched) return g.node('path_mean', [x, path], node.attrs);
    // These are the paths: their mean, for each of them.
    const mean = div(g, reduce(g, 'sum', x, [0]), n);
    return broadcastAxes(g, mean, x.shape, range(x.shape.length).slice(1));
  },

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
      args.map((a) => lift(g, a, n)),
      { axis: node.attrs.axis + 1 },
    ),
  reverse: (g, node, args) => reverse(g, only(args), next(node.attrs.axes)),
  roll: (g, node, args) => roll(g, only(args), node.attrs.axis + 1, node.attrs.shift),

  reduce: (g, node, args) => reduce(g, node.attrs.kind, only(args), next(node.attrs.axes)),
  arg_reduce: (g, node, args) =>
    g.node('arg_reduce', [only(args)], { kind: node.attrs.kind, axis: node.attrs.axis + 1 }),
  argsort: (g, _node, args) => argsort(g, only(args)),
  cumsum: (g, node, args) => cumsum(g, only(args), node.attrs.axis + 1, node.attrs.reverse),
  dot: (g, _node, args) => {
    const [a, b] = [at(args, 0), at(args, 1)];
    if (a.batched && b.batched) return dot(g, a.value, b.value);
    if (a.batched) return rowsTimes(g, a.value, b.value);
    // (A b)ᵀ = bᵀ Aᵀ, so that the batch is folded into rows here too.
    return turned(g, rowsTimes(g, turned(g, b.value), turned(g, a.value)));
  },
  gather: (g, node, args, n) => {
    const { batch } = node.attrs;
    const [table, index] = [at(args, 0), at(args, 1)];
    if (table.batched) return gather(g, table.value, lift(g, index, n), batch + 1);
    // The table is shared: n times as many indices into it.
    const rank = index.value.shape.length;
    const order = [...range(batch + 1).slice(1), 0, ...range(rank).slice(batch + 1)];
    const found = gather(g, table.value, transposePerm(g, index.value, order), batch);
    return transposePerm(g, found, [batch, ...range(batch), ...range(found.shape.length).slice(batch + 1)]);
  },
  rows_of: (g, node, args, n) => {
    // The lists of all elements together, cut apart: element b's rows begin at b*rows, its indices at b*count.
    const count = sizeOf(at(node.args, 0).shape);
    const rows = at(node.shape, 0) - 1 - count;
    const together = rowsOf(g, only(args), node.attrs.size, node.attrs.batch + 1);
    const shape = [n, at(node.shape, 0)];
    const [b, k] = [g.iota(shape, 0, 'i32'), g.iota(shape, 1, 'i32')];
    const place = select(
      g,
      lt(g, k, rows + 1),
      add(g, mul(g, b, rows), k),
      add(g, mul(g, b, count), add(g, k, (n - 1) * rows)),
    );
    return sub(g, gather(g, together, place), mul(g, b, count));
  },
  scatter_add: (g, node, args, n) =>
    scatterAdd(g, lift(g, at(args, 0), n), lift(g, at(args, 1), n), node.attrs.size, node.attrs.batch + 1),
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
  args: readonly Image[],
  n: number,
): Node {
  const rule: BatchRule<P> = batchRules[node.op];
  return rule(g, node, args, n);
}
