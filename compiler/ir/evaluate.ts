// The interpreter's table: for each operation that has one output and no region, the kernel of a node. One entry an operation; a missing one does not
// compile. Parameters, region operations and `project` are the machine's own business (interpret.ts).

import { at } from '../support/lists.ts';
import {
  argReduceKernel,
  argsortKernel,
  cumsumKernel,
  dotKernel,
  gatherKernel,
  reduceKernel,
  rowsOfKernel,
  scatterAddKernel,
} from './evaluate_contraction.ts';
import type { Kernel } from './evaluate_elementwise.ts';
import {
  binaryKernel,
  bitcastKernel,
  castKernel,
  compareKernel,
  copyKernel,
  randomBitsKernel,
  selectKernel,
  unaryKernel,
} from './evaluate_elementwise.ts';
import {
  broadcastKernel,
  concatKernel,
  padKernel,
  reverseKernel,
  rollKernel,
  sliceKernel,
  transposeKernel,
} from './evaluate_movement.ts';
import { stridesOf } from './ndarray.ts';
import type { BinaryOp, CompareOp, NodeOf, OpName, UnaryOp } from './types.ts';

export type EvaluatedOp = Exclude<
  OpName,
  | 'param'
  | 'scan'
  | 'adjoint_scan'
  | 'while'
  | 'cond'
  | 'custom'
  | 'transposed'
  | 'linear_solve'
  | 'check'
  | 'project'
>;

type Rule<P extends OpName> = (node: NodeOf<P>) => Kernel;

const unary: Rule<UnaryOp> = (node) => unaryKernel(node.op, node.dtype);
const binary: Rule<BinaryOp> = (node) => binaryKernel(node.op, node.dtype);
const compare: Rule<CompareOp> = (node) => compareKernel(node.op);
const copy = (): Kernel => copyKernel;

const rules: { readonly [P in EvaluatedOp]: Rule<P> } = {
  const: (node) => (out) => {
    out[0] = node.attrs.value;
  },
  literal: (node) => (out) => out.set(node.attrs.data),
  iota: (node) => {
    const { shape, axis } = node.attrs;
    const stride = at(stridesOf(shape), axis);
    const extent = at(shape, axis);
    return (out) => {
      for (let i = 0; i < out.length; i++) out[i] = Math.floor(i / stride) % extent;
    };
  },
  neg: unary,
  abs: unary,
  sign: unary,
  exp: unary,
  expm1: unary,
  log: unary,
  log1p: unary,
  sin: unary,
  cos: unary,
  tan: unary,
  asin: unary,
  acos: unary,
  atan: unary,
  sinh: unary,
  cosh: unary,
  tanh: unary,
  sqrt: unary,
  floor: unary,
  ceil: unary,
  round: unary,
  not: unary,
  add: binary,
  sub: binary,
  mul: binary,
  div: binary,
  pow: binary,
  atan2: binary,
  max: binary,
  min: binary,
  rem: binary,
  idiv: binary,
  and: binary,
  or: binary,
  xor: binary,
  shl: binary,
  shr: binary,
  eq: compare,
  ne: compare,
  lt: compare,
  le: compare,
  select: () => selectKernel,
  cast: (node) => castKernel(at(node.args, 0).dtype, node.attrs.dtype),
  bitcast: (node) => bitcastKernel(at(node.args, 0).dtype, node.attrs.dtype),
  keep: copy,
  stop_gradient: copy,
  path_mean: copy,
  random_bits: (node) => randomBitsKernel(node.attrs.word),
  reshape: copy,
  transpose: transposeKernel,
  broadcast: broadcastKernel,
  slice: sliceKernel,
  pad: padKernel,
  concat: concatKernel,
  reverse: reverseKernel,
  roll: rollKernel,
  reduce: reduceKernel,
  arg_reduce: argReduceKernel,
  argsort: argsortKernel,
  cumsum: cumsumKernel,
  dot: dotKernel,
  gather: gatherKernel,
  scatter_add: scatterAddKernel,
  rows_of: rowsOfKernel,
};

export function isEvaluated<P extends OpName>(op: P): op is P & EvaluatedOp {
  return op in rules;
}

/** The kernel of a node; everything that depends only on shapes and attributes is worked out here, once. */
export function kernelOf<P extends EvaluatedOp>(op: P, node: NodeOf<P>): Kernel {
  const rule: Rule<P> = rules[op];
  return rule(node);
}
