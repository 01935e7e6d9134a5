// The transpose of every operation that a tangent program consists of: from the cotangent of the result to the cotangents of those operands that are linear
// (active); the others are residuals, read as they are. One entry an operation; `nonlinear` marks those a tangent never passes through.
//
// Movement comes in dual pairs (slice and pad, broadcast and sum, gather and scatter_add), so the transpose of a stencil is a stencil.

import { at, range } from '../support/lists.ts';
import type { Span } from '../support/span.ts';
import {
  broadcastAxes,
  cast,
  cumsum,
  div,
  dot,
  gather,
  keep,
  matrixTranspose,
  mul,
  neg,
  pad,
  reduceSum,
  reshape,
  reverse,
  roll,
  scatterAdd,
  select,
  slice,
  sliceAxis,
  transposePerm,
} from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node, NodeOf } from '../ir/types.ts';
import type { SimpleOp } from './jvp_rules.ts';
import { NonlinearError } from './nonlinear.ts';
import type { Tangent } from './tangent.ts';

/** Cotangents of the operands; entries of operands that are not active are ignored. `active[i]`: operand i is linear. */
export type TransposeRule<P extends SimpleOp> = (
  g: Graph,
  node: NodeOf<P>,
  ct: Node,
  active: readonly boolean[],
) => readonly Tangent[];

interface NodeLike {
  readonly op: string;
  readonly id: number;
  readonly origin: Span | undefined;
}

const arg = (node: { readonly args: readonly Node[] }, i = 0): Node => at(node.args, i);

const nonlinear = (_g: Graph, node: NodeLike): never => {
  throw new NonlinearError(`%${node.id} = ${node.op} is not linear in the tangents`, node.origin);
};

function oneOf(node: NodeLike, active: readonly boolean[]): 0 | 1 {
  if (active[0] === active[1])
    throw new NonlinearError(`%${node.id} = ${node.op} of two tangents`, node.origin);
  return active[0] === true ? 0 : 1;
}

const transposeRules: { readonly [P in SimpleOp]: TransposeRule<P> } = {
  param: nonlinear,
  const: nonlinear,
  literal: nonlinear,
  iota: nonlinear,
  sign: nonlinear,
  floor: nonlinear,
  ceil: nonlinear,
  round: nonlinear,
  not: nonlinear,
  idiv: nonlinear,
  and: nonlinear,
  or: nonlinear,
  xor: nonlinear,
  shl: nonlinear,
  shr: nonlinear,
  eq: nonlinear,
  ne: nonlinear,
  lt: nonlinear,
  le: nonlinear,
  bitcast: nonlinear,
  stop_gradient: nonlinear,
  path_mean: (g, node, ct) => [g.node('path_mean', [ct, at(node.args, 1)], node.attrs), undefined],
  random_bits: nonlinear,
  arg_reduce: nonlinear,
  argsort: nonlinear,
  rows_of: nonlinear,
  abs: nonlinear,
  exp: nonlinear,
  expm1: nonlinear,
  log: nonlinear,
  log1p: nonlinear,
  sin: nonlinear,
  cos: nonlinear,
  tan: nonlinear,
  asin: nonlinear,
  acos: nonlinear,
  atan: nonlinear,
  sinh: nonlinear,
  cosh: nonlinear,
  tanh: nonlinear,
  sqrt: nonlinear,
  pow: nonlinear,
  atan2: nonlinear,
  max: nonlinear,
  min: nonlinear,
  rem: nonlinear,

  neg: (g, _node, ct) => [neg(g, ct)],
  keep: (g, _node, ct) => [keep(g, ct)],
  cast: (g, node, ct) => [cast(g, ct, arg(node).dtype)],
  add: (_g, _node, ct) => [ct, ct],
  sub: (g, _node, ct, active) => [ct, active[1] === true ? neg(g, ct) : undefined],
  mul: (g, node, ct, active) =>
    oneOf(node, active) === 0 ? [mul(g, ct, arg(node, 1)), undefined] : [undefined, mul(g, ct, arg(node, 0))],
  div: (g, node, ct, active) => {
    if (active[1] === true) return nonlinear(g, node);
    return [div(g, ct, arg(node, 1))];
  },
  select: (g, node, ct, active) => [
    undefined,
    active[1] === true ? select(g, arg(node, 0), ct, 0) : undefined,
    active[2] === true ? select(g, arg(node, 0), 0, ct) : undefined,
  ],

  reshape: (g, node, ct) => [reshape(g, ct, arg(node).shape)],
  transpose: (g, node, ct) => {
    const { perm } = node.attrs;
    return [
      transposePerm(
        g,
        ct,
        perm.map((_, axis) => perm.indexOf(axis)),
      ),
    ];
  },
  broadcast: (g, node, ct) => {
    const { axes, shape } = node.attrs;
    return [
      reduceSum(
        g,
        ct,
        range(shape.length).filter((axis) => !axes.includes(axis)),
      ),
    ];
  },
  slice: (g, node, ct) => {
    const { start, stride } = node.attrs;
    const a = arg(node);
    const low = a.shape.map((_, i) => at(start, i));
    const high = a.shape.map((extent, i) => {
      const n = at(ct.shape, i);
      return extent - at(start, i) - (n === 0 ? 0 : (n - 1) * at(stride, i) + 1);
    });
    return [
      pad(
        g,
        ct,
        low,
        high,
        stride.map((s) => s - 1),
      ),
    ];
  },
  pad: (g, node, ct) => {
    const { low, interior } = node.attrs;
    const limit = arg(node).shape.map((extent, i) =>
      extent === 0 ? at(low, i) : at(low, i) + (extent - 1) * (at(interior, i) + 1) + 1,
    );
    return [
      slice(
        g,
        ct,
        low,
        limit,
        interior.map((n) => n + 1),
      ),
    ];
  },
  concat: (g, node, ct, active) => {
    const { axis } = node.attrs;
    let start = 0;
    return node.args.map((a, i) => {
      const from = start;
      start += at(a.shape, axis);
      return active[i] === true ? sliceAxis(g, ct, axis, from, start) : undefined;
    });
  },
  reverse: (g, node, ct) => [reverse(g, ct, node.attrs.axes)],
  roll: (g, node, ct) => [roll(g, ct, node.attrs.axis, -node.attrs.shift)],

  reduce: (g, node, ct) => {
    const { kind, axes } = node.attrs;
    if (kind !== 'sum') return nonlinear(g, node);
    const a = arg(node);
    return [
      broadcastAxes(
        g,
        ct,
        a.shape,
        range(a.shape.length).filter((axis) => !axes.includes(axis)),
      ),
    ];
  },
  cumsum: (g, node, ct) => [cumsum(g, ct, node.attrs.axis, !node.attrs.reverse)],
  dot: (g, node, ct, active) =>
    oneOf(node, active) === 0
      ? [dot(g, ct, matrixTranspose(g, arg(node, 1))), undefined]
      : [undefined, dot(g, matrixTranspose(g, arg(node, 0)), ct)],
  gather: (g, node, ct) => {
    const { batch } = node.attrs;
    return [scatterAdd(g, arg(node, 1), ct, at(arg(node).shape, batch), batch)];
  },
  scatter_add: (g, node, ct) => [undefined, gather(g, ct, arg(node, 0), node.attrs.batch)],
};

export function applyTransposeRule<P extends SimpleOp>(
  g: Graph,
  node: NodeOf<P>,
  ct: Node,
  active: readonly boolean[],
): readonly Tangent[] {
  const rule: TransposeRule<P> = transposeRules[node.op];
  return rule(g, node, ct, active);
}
