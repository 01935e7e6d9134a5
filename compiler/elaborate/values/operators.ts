// The elementwise operators and functions of the language: arithmetic, comparisons, logic, elementary functions. One entry each; everything else that is elementwise is written in
// Flow on top of these (stdlib/prelude.flow).

import type { Elementwise } from './elementwise.ts';
import * as b from '../../ir/build.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Node, UnaryOp } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';

type Two = (g: Graph, x: Node, y: Node) => Node;

const two =
  (f: Two) =>
  (g: Graph, nodes: readonly Node[]): Node =>
    f(g, at(nodes, 0), at(nodes, 1));
const one =
  (f: (g: Graph, x: Node) => Node) =>
  (g: Graph, nodes: readonly Node[]): Node =>
    f(g, at(nodes, 0));

const arithmetic = (
  name: string,
  operands: 'real' | 'number' | 'integer',
  compute: (x: number, y: number) => number,
  f: Two,
): Elementwise => ({ name, operands, compute: (x = 0, y = 0) => compute(x, y), build: two(f) });
const comparison = (name: string, compute: (x: number, y: number) => boolean, f: Two): Elementwise => ({
  name,
  operands: 'compare',
  truth: true,
  compute: (x = 0, y = 0) => (compute(x, y) ? 1 : 0),
  build: two(f),
});
const elementary = (name: string, op: UnaryOp, compute: (x: number) => number): Elementwise => ({
  name,
  operands: 'real',
  compute: (x = 0) => compute(x),
  build: one((g, x) => b.unary(g, op, x)),
});
const rounding = (name: string, op: UnaryOp, compute: (x: number) => number): Elementwise => ({
  name,
  operands: 'real',
  toInt: true,
  compute: (x = 0) => compute(x),
  build: one((g, x) => b.cast(g, b.unary(g, op, x), 'i32')),
});

export function roundHalfEven(x: number): number {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

export const operators = {
  add: arithmetic('+', 'number', (x, y) => x + y, b.add),
  sub: arithmetic('-', 'number', (x, y) => x - y, b.sub),
  mul: arithmetic('*', 'number', (x, y) => x * y, b.mul),
  div: arithmetic('/', 'real', (x, y) => x / y, b.div),
  idiv: arithmetic(
    '//',
    'number',
    (x, y) => Math.floor(x / y),
    (g, x, y) => (isFloat(x.dtype) ? b.floor(g, b.div(g, x, y)) : b.idiv(g, x, y)),
  ),
  rem: arithmetic('%', 'number', (x, y) => x - y * Math.floor(x / y), b.rem),
  // Of ints of 32 bits, negative ones in two's complement. A shift takes its distance modulo 32; to the right it keeps the sign.
  bit_and: arithmetic('bit_and', 'integer', (x, y) => x & y, b.and),
  bit_or: arithmetic('bit_or', 'integer', (x, y) => x | y, b.or),
  bit_xor: arithmetic('bit_xor', 'integer', (x, y) => x ^ y, b.xor),
  shift_left: arithmetic(
    'shift_left',
    'integer',
    (x, y) => x << y,
    (g, x, y) => b.shl(g, x, b.and(g, y, 31)),
  ),
  shift_right: arithmetic(
    'shift_right',
    'integer',
    (x, y) => x >> y,
    (g, x, y) => b.shr(g, x, b.and(g, y, 31)),
  ),
  pow: arithmetic('^', 'real', (x, y) => x ** y, b.pow),
  neg: { name: '-', operands: 'number', compute: (x = 0) => -x, build: one(b.neg) },
  eq: comparison('==', (x, y) => x === y, b.eq),
  ne: comparison('!=', (x, y) => x !== y, b.ne),
  lt: comparison('<', (x, y) => x < y, b.lt),
  le: comparison('<=', (x, y) => x <= y, b.le),
  gt: comparison('>', (x, y) => x > y, b.gt),
  ge: comparison('>=', (x, y) => x >= y, b.ge),
  and: { name: 'and', operands: 'bool', truth: true, compute: (x = 0, y = 0) => x * y, build: two(b.and) },
  or: {
    name: 'or',
    operands: 'bool',
    truth: true,
    compute: (x = 0, y = 0) => Math.max(x, y),
    build: two(b.or),
  },
  not: { name: 'not', operands: 'bool', truth: true, compute: (x = 0) => 1 - x, build: one(b.not) },
  where: {
    name: 'where',
    operands: 'mask',
    compute: (m = 0, x = 0, y = 0) => (m !== 0 ? x : y),
    build: (g, n) => b.select(g, at(n, 0), at(n, 1), at(n, 2)),
  },
  max: arithmetic('max', 'number', Math.max, b.max),
  min: arithmetic('min', 'number', Math.min, b.min),
  abs: { name: 'abs', operands: 'number', compute: (x = 0) => Math.abs(x), build: one(b.abs) },
  sign: { name: 'sign', operands: 'number', compute: (x = 0) => Math.sign(x), build: one(b.sign) },
  atan2: arithmetic('atan2', 'real', Math.atan2, b.atan2),
  exp: elementary('exp', 'exp', Math.exp),
  expm1: elementary('expm1', 'expm1', Math.expm1),
  log: elementary('log', 'log', Math.log),
  log1p: elementary('log1p', 'log1p', Math.log1p),
  sin: elementary('sin', 'sin', Math.sin),
  cos: elementary('cos', 'cos', Math.cos),
  tan: elementary('tan', 'tan', Math.tan),
  asin: elementary('asin', 'asin', Math.asin),
  acos: elementary('acos', 'acos', Math.acos),
  atan: elementary('atan', 'atan', Math.atan),
  sinh: elementary('sinh', 'sinh', Math.sinh),
  cosh: elementary('cosh', 'cosh', Math.cosh),
  tanh: elementary('tanh', 'tanh', Math.tanh),
  sqrt: elementary('sqrt', 'sqrt', Math.sqrt),
  floor: rounding('floor', 'floor', Math.floor),
  ceil: rounding('ceil', 'ceil', Math.ceil),
  round: rounding('round', 'round', roundHalfEven),
  int: {
    name: 'int',
    operands: 'real',
    toInt: true,
    compute: (x = 0) => Math.trunc(x),
    build: one((g, x) => b.cast(g, x, 'i32')),
  },
  real: { name: 'real', operands: 'real', compute: (x = 0) => x, build: one((_g, x) => x) },
  stop_gradient: { name: 'stop_gradient', operands: 'any', build: one(b.stopGradient) },
} satisfies Readonly<Record<string, Elementwise>>;

/** x^n for a whole n known at compile time: products, exact for negative x and with the derivative n x^(n-1). */
export function integerPower(n: number): Elementwise {
  const positive = (g: Graph, x: Node, k: number): Node => {
    if (k === 1) return x;
    const half = positive(g, x, k >> 1);
    const square = b.mul(g, half, half);
    return k % 2 === 1 ? b.mul(g, square, x) : square;
  };
  return {
    name: '^',
    exponent: n,
    operands: n >= 0 ? 'number' : 'real',
    compute: (x = 0) => x ** n,
    build: one((g, x) => {
      if (n === 0) return b.onesLike(g, x);
      const p = positive(g, x, Math.abs(n));
      return n > 0 ? p : b.div(g, b.onesLike(g, p), p);
    }),
  };
}
