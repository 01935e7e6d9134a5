// What the elementwise operations mean for one element: the definition that the interpreter and constant folding share.
//
// Floats: float64. Integers: 32 bits, wrapping; shift distances are taken modulo 32 and `shr` keeps the sign of an i32; a quotient or remainder by zero
// is 0. Casts of floats to integers truncate, saturate, and send NaN to 0. Comparisons with NaN are false but for `ne`.

import { InternalError } from '../support/diagnostic.ts';
import type { BinaryOp, CompareOp, DType, UnaryOp } from './types.ts';
import { isFloat } from './types.ts';

export type Scalar1 = (x: number) => number;
export type Scalar2 = (x: number, y: number) => number;

/** Half to even. */
export function roundHalfEven(x: number): number {
  return Math.abs(x - Math.trunc(x)) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
}

const floatUnary: { readonly [P in Exclude<UnaryOp, 'not'>]: Scalar1 } = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  sqrt: Math.sqrt,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfEven,
};

/** Wraps a float64 integer to the type; exact for |x| < 2^53. */
function wrap(dtype: DType): Scalar1 {
  return dtype === 'u32' ? (x) => x >>> 0 : (x) => x | 0;
}

export function unaryFunction(op: UnaryOp, dtype: DType): Scalar1 {
  if (isFloat(dtype)) {
    if (op === 'not') throw new InternalError('ir.scalar', 'not of a float');
    return floatUnary[op];
  }
  const to = wrap(dtype);
  switch (op) {
    case 'not':
      return dtype === 'bool' ? (x) => 1 - x : (x) => to(~x);
    case 'neg':
      return (x) => to(-x);
    case 'abs':
      return (x) => to(Math.abs(x));
    case 'sign':
      return Math.sign;
    default:
      throw new InternalError('ir.scalar', `${op} of ${dtype}`);
  }
}

type FloatBinary = Exclude<BinaryOp, 'idiv' | 'and' | 'or' | 'xor' | 'shl' | 'shr'>;
const floatBinary: { readonly [P in FloatBinary]: Scalar2 } = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  pow: (x, y) => x ** y,
  atan2: Math.atan2,
  max: (x, y) => Math.max(x, y),
  min: (x, y) => Math.min(x, y),
  rem: (x, y) => x - y * Math.floor(x / y),
};

function isFloatBinary(op: BinaryOp): op is FloatBinary {
  return op in floatBinary;
}

export function binaryFunction(op: BinaryOp, dtype: DType): Scalar2 {
  if (isFloat(dtype)) {
    if (!isFloatBinary(op)) throw new InternalError('ir.scalar', `${op} of floats`);
    return floatBinary[op];
  }
  const to = wrap(dtype);
  switch (op) {
    case 'add':
      return (x, y) => to(x + y);
    case 'sub':
      return (x, y) => to(x - y);
    case 'mul':
      return (x, y) => to(Math.imul(x, y));
    case 'max':
      return (x, y) => Math.max(x, y);
    case 'min':
      return (x, y) => Math.min(x, y);
    case 'idiv':
      return (x, y) => (y === 0 ? 0 : to(Math.floor(x / y)));
    case 'rem':
      return (x, y) => (y === 0 ? 0 : to(x - y * Math.floor(x / y)));
    case 'and':
      return (x, y) => to(x & y);
    case 'or':
      return (x, y) => to(x | y);
    case 'xor':
      return (x, y) => to(x ^ y);
    case 'shl':
      return (x, y) => to(x << y);
    case 'shr':
      return dtype === 'u32' ? (x, y) => x >>> y : (x, y) => x >> y;
    case 'div':
    case 'pow':
    case 'atan2':
      throw new InternalError('ir.scalar', `${op} of ${dtype}`);
  }
}

export const compareFunctions: { readonly [P in CompareOp]: (x: number, y: number) => 0 | 1 } = {
  eq: (x, y) => (x === y ? 1 : 0),
  ne: (x, y) => (x !== y ? 1 : 0),
  lt: (x, y) => (x < y ? 1 : 0),
  le: (x, y) => (x <= y ? 1 : 0),
};

/** Value of a cast between element types; f32 is not rounded to (constants are, by Graph.constant). */
export function castFunction(from: DType, to: DType): Scalar1 {
  switch (to) {
    case 'f32':
    case 'f64':
      return (x) => x;
    case 'bool':
      return (x) => (x !== 0 ? 1 : 0);
    case 'i32':
      return isFloat(from) ? (x) => saturate(x, -2147483648, 2147483647) : (x) => x | 0;
    case 'u32':
      return isFloat(from) ? (x) => saturate(x, 0, 4294967295) : (x) => x >>> 0;
  }
}

function saturate(x: number, low: number, high: number): number {
  return Number.isNaN(x) ? 0 : Math.min(high, Math.max(low, Math.trunc(x)));
}

/** The 32 bits of a value seen as another 32-bit type. */
export function bitcastFunction(from: DType, to: DType): Scalar1 {
  const view = new DataView(new ArrayBuffer(4));
  return (x) => {
    if (from === 'f32') view.setFloat32(0, x);
    else if (from === 'i32') view.setInt32(0, x);
    else view.setUint32(0, x);
    return to === 'f32' ? view.getFloat32(0) : to === 'i32' ? view.getInt32(0) : view.getUint32(0);
  };
}
