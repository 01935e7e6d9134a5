// What kind of operation a node is, and about how much work it is: the questions that closure conversion, hoisting and the rewrites ask. The operations
// are sorted once, in a total table.

import type { Node, OpName, Region } from './types.ts';
import { sizeOf } from './types.ts';

/**
 * leaf: no operands · elementwise: element i of the result needs element i of the operands only · movement: every element of the result is an element
 * of an operand or zero · contraction: sums or searches over elements · region: runs a region · rule: a computation with a derivative of
 * its own · project: reads an output of one of these.
 */
export type OpClass = 'leaf' | 'elementwise' | 'movement' | 'contraction' | 'region' | 'rule' | 'project';

const classes: { readonly [P in OpName]: OpClass } = {
  param: 'leaf',
  const: 'leaf',
  literal: 'leaf',
  iota: 'leaf',
  neg: 'elementwise',
  abs: 'elementwise',
  sign: 'elementwise',
  exp: 'elementwise',
  expm1: 'elementwise',
  log: 'elementwise',
  log1p: 'elementwise',
  sin: 'elementwise',
  cos: 'elementwise',
  tan: 'elementwise',
  asin: 'elementwise',
  acos: 'elementwise',
  atan: 'elementwise',
  sinh: 'elementwise',
  cosh: 'elementwise',
  tanh: 'elementwise',
  sqrt: 'elementwise',
  floor: 'elementwise',
  ceil: 'elementwise',
  round: 'elementwise',
  not: 'elementwise',
  add: 'elementwise',
  sub: 'elementwise',
  mul: 'elementwise',
  div: 'elementwise',
  pow: 'elementwise',
  atan2: 'elementwise',
  max: 'elementwise',
  min: 'elementwise',
  rem: 'elementwise',
  idiv: 'elementwise',
  and: 'elementwise',
  or: 'elementwise',
  xor: 'elementwise',
  shl: 'elementwise',
  shr: 'elementwise',
  eq: 'elementwise',
  ne: 'elementwise',
  lt: 'elementwise',
  le: 'elementwise',
  select: 'elementwise',
  cast: 'elementwise',
  bitcast: 'elementwise',
  keep: 'elementwise',
  stop_gradient: 'elementwise',
  path_mean: 'elementwise',
  random_bits: 'elementwise',
  reshape: 'movement',
  transpose: 'movement',
  broadcast: 'movement',
  slice: 'movement',
  pad: 'movement',
  concat: 'movement',
  reverse: 'movement',
  roll: 'movement',
  reduce: 'contraction',
  arg_reduce: 'contraction',
  argsort: 'contraction',
  cumsum: 'contraction',
  dot: 'contraction',
  gather: 'contraction',
  scatter_add: 'contraction',
  rows_of: 'contraction',
  scan: 'region',
  adjoint_scan: 'region',
  while: 'region',
  cond: 'region',
  custom: 'rule',
  transposed: 'rule',
  linear_solve: 'rule',
  check: 'rule',
  project: 'project',
};

export function classOf(op: OpName): OpClass {
  return classes[op];
}

/** Rough cost of one element of an elementwise operation, in additions. Other operations: 0 for movement and leaves, Infinity for the rest. */
export function flopsPerElement(node: Node): number {
  switch (node.op) {
    case 'exp':
    case 'expm1':
    case 'log':
    case 'log1p':
    case 'sin':
    case 'cos':
    case 'tan':
    case 'asin':
    case 'acos':
    case 'atan':
    case 'sinh':
    case 'cosh':
    case 'tanh':
    case 'atan2':
    case 'pow':
      return 10;
    case 'div':
    case 'sqrt':
    case 'rem':
    case 'idiv':
      return 4;
    case 'random_bits':
      return 120;
    case 'keep':
    case 'stop_gradient':
    case 'path_mean':
    case 'bitcast':
      return 0;
    default:
      switch (classOf(node.op)) {
        case 'elementwise':
          return 1;
        case 'leaf':
        case 'movement':
          return 0;
        default:
          return Infinity;
      }
  }
}

/** Literals up to this many elements are part of the text of a kernel; larger ones are arrays in memory. */
export const SMALL_LITERAL = 64;

export function isConstantLeaf(node: Node): boolean {
  return (
    node.op === 'const' ||
    node.op === 'iota' ||
    (node.op === 'literal' && sizeOf(node.attrs.shape) <= SMALL_LITERAL)
  );
}

export type RegionNode = Extract<Node, { readonly op: 'scan' | 'adjoint_scan' | 'while' | 'cond' }>;

export function isRegionNode(node: Node): node is RegionNode {
  return classes[node.op] === 'region';
}

/** Computations with a derivative of their own, gone before optimisation and scheduling (autodiff/expand_rules.ts), and checks, gone with them (checks.ts). */
export type RuleNode = Extract<Node, { readonly op: 'custom' | 'transposed' | 'linear_solve' | 'check' }>;

/** Everything that has regions and several outputs. */
export type CompoundNode = RegionNode | RuleNode;

export function isCompound(node: Node): node is CompoundNode {
  return classes[node.op] === 'region' || classes[node.op] === 'rule';
}

/** The regions of a node, each with its part in the operation. */
export function regionsOf(node: Node): readonly (readonly [string, Region])[] {
  switch (node.op) {
    case 'scan':
      return [['body', node.attrs.body]];
    case 'adjoint_scan':
      return [
        ['forward', node.attrs.forward],
        ['backward', node.attrs.backward],
      ];
    case 'while':
      return [
        ['condition', node.attrs.condition],
        ['body', node.attrs.body],
      ];
    case 'cond':
      return [
        ['then', node.attrs.then],
        ['else', node.attrs.else],
      ];
    case 'custom':
      return [
        ['primal', node.attrs.primal],
        ['rule', node.attrs.rule],
      ];
    case 'transposed':
      return [['map', node.attrs.map]];
    case 'linear_solve':
      return [
        ['operator', node.attrs.operator],
        ['adjoint', node.attrs.adjoint],
        ['solve', node.attrs.solve],
        ['adjointSolve', node.attrs.adjointSolve],
      ];
    default:
      return [];
  }
}
