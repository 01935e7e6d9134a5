// Constructors of kernel expressions. They take and give trees (types.ts) and fold what is known: constants, neutral elements, double casts. On indices (i32) the folding is
// complete enough that `(i + 1) - 1` and `0 * n + j` come out as the reader expects; on floats only what keeps every bit is folded (x * 1, x - 0, constants of exact operations).
// Invariant: the result type follows from the operands; operands of one operation have one type (InternalError otherwise).

import type { BinaryOp, CompareOp, DType, UnaryOp } from '../ir/types.ts';
import { InternalError } from '../support/diagnostic.ts';
import type { BufferType, Expr, Statement } from './types.ts';

export function constant(type: DType, value: number): Expr {
  return { kind: 'const', type, value };
}

/** An i32 constant. */
export function int(value: number): Expr {
  if (!Number.isInteger(value)) throw new InternalError('kernel.build', `${value} is not an integer`);
  return constant('i32', value | 0);
}

export function bool(value: boolean): Expr {
  return constant('bool', value ? 1 : 0);
}

export function variable(type: DType, name: string): Expr {
  return { kind: 'var', type, name };
}

export function uniform(index: number): Expr {
  return { kind: 'uniform', type: 'i32', index };
}

export function load(type: BufferType, buffer: number, index: Expr): Expr {
  return { kind: 'load', type, buffer, index };
}

export function local(type: DType, array: string, index: Expr): Expr {
  return { kind: 'local', type, array, index };
}

function valueOf(e: Expr): number | undefined {
  return e.kind === 'const' ? e.value : undefined;
}

/** Whether the expression is the constant `value` (of any type). Distinguishes 0 and -0. */
export function isConstant(e: Expr, value: number): boolean {
  return e.kind === 'const' && Object.is(e.value, value);
}

function isInteger(type: DType): type is 'i32' | 'u32' {
  return type === 'i32' || type === 'u32';
}

function wrap(type: 'i32' | 'u32', value: number): number {
  return type === 'i32' ? value | 0 : value >>> 0;
}

/** Structural equality. */
export function sameExpr(a: Expr, b: Expr): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.type !== b.type) return false;
  switch (a.kind) {
    case 'const':
      return b.kind === 'const' && Object.is(a.value, b.value);
    case 'var':
      return b.kind === 'var' && a.name === b.name;
    case 'uniform':
      return b.kind === 'uniform' && a.index === b.index;
    case 'load':
      return b.kind === 'load' && a.buffer === b.buffer && sameExpr(a.index, b.index);
    case 'local':
      return b.kind === 'local' && a.array === b.array && sameExpr(a.index, b.index);
    case 'unary':
      return b.kind === 'unary' && a.op === b.op && sameExpr(a.a, b.a);
    case 'binary':
      return (
        b.kind === 'binary' &&
        a.op === b.op &&
        a.rounded === b.rounded &&
        sameExpr(a.a, b.a) &&
        sameExpr(a.b, b.b)
      );
    case 'compare':
      return b.kind === 'compare' && a.op === b.op && sameExpr(a.a, b.a) && sameExpr(a.b, b.b);
    case 'select':
      return (
        b.kind === 'select' &&
        sameExpr(a.condition, b.condition) &&
        sameExpr(a.then, b.then) &&
        sameExpr(a.else, b.else)
      );
    case 'cast':
      return b.kind === 'cast' && sameExpr(a.a, b.a);
    case 'bitcast':
      return b.kind === 'bitcast' && sameExpr(a.a, b.a);
    case 'random': {
      if (b.kind !== 'random' || a.word !== b.word) return false;
      const [mine, theirs] = [
        [...a.key, ...a.counter],
        [...b.key, ...b.counter],
      ];
      return mine.length === theirs.length && mine.every((e, i) => sameOptional(e, theirs[i]));
    }
  }
}

function sameOptional(a: Expr, b: Expr | undefined): boolean {
  return b !== undefined && sameExpr(a, b);
}

export function unary(op: UnaryOp, a: Expr): Expr {
  const { type } = a;
  const x = valueOf(a);
  if (op === 'neg') {
    if (x !== undefined && type !== 'bool') return constant(type, isInteger(type) ? wrap(type, -x) : -x);
    if (a.kind === 'unary' && a.op === 'neg') return a.a;
  }
  if (op === 'not' && type === 'bool') {
    if (x !== undefined) return bool(x === 0);
    if (a.kind === 'unary' && a.op === 'not') return a.a;
  }
  return { kind: 'unary', type, op, a };
}

export function binary(op: BinaryOp, a: Expr, b: Expr): Expr {
  if (a.type !== b.type) throw new InternalError('kernel.build', `${op} of ${a.type} and ${b.type}`);
  const { type } = a;
  const folded =
    type === 'bool'
      ? foldLogical(op, a, b)
      : isInteger(type)
        ? foldInteger(op, type, a, b)
        : foldFloat(op, a, b);
  return folded ?? { kind: 'binary', type, op, a, b };
}

function foldLogical(op: BinaryOp, a: Expr, b: Expr): Expr | undefined {
  if (a.kind === 'const') return foldLogicalConstant(op, a.value !== 0, b);
  if (b.kind === 'const') return foldLogicalConstant(op, b.value !== 0, a);
  return (op === 'and' || op === 'or') && sameExpr(a, b) ? a : undefined;
}

function foldLogicalConstant(op: BinaryOp, known: boolean, other: Expr): Expr | undefined {
  if (op === 'and') return known ? other : bool(false);
  if (op === 'or') return known ? bool(true) : other;
  if (op === 'xor') return known ? unary('not', other) : other;
  return undefined;
}

function integerValue(op: BinaryOp, type: 'i32' | 'u32', x: number, y: number): number | undefined {
  switch (op) {
    case 'add':
      return wrap(type, x + y);
    case 'sub':
      return wrap(type, x - y);
    case 'mul':
      return wrap(type, Math.imul(x, y));
    case 'max':
    case 'min':
      return Math[op](x, y);
    case 'idiv':
      return y === 0 ? undefined : wrap(type, Math.floor(x / y));
    case 'rem':
      return y === 0 ? undefined : wrap(type, x - y * Math.floor(x / y));
    case 'and':
      return wrap(type, x & y);
    case 'or':
      return wrap(type, x | y);
    case 'xor':
      return wrap(type, x ^ y);
    case 'shl':
      return wrap(type, x << y);
    case 'shr':
      return type === 'u32' ? x >>> y : x >> y;
    default:
      return undefined;
  }
}

function foldInteger(op: BinaryOp, type: 'i32' | 'u32', a: Expr, b: Expr): Expr | undefined {
  const x = valueOf(a);
  const y = valueOf(b);
  if (x !== undefined && y !== undefined) {
    const value = integerValue(op, type, x, y);
    return value === undefined ? undefined : constant(type, value);
  }
  switch (op) {
    case 'add':
      if (x === 0) return b;
      if (y === 0) return a;
      if (x !== undefined) return binary('add', b, a);
      if (y !== undefined) return addConstant(type, a, y);
      return undefined;
    case 'sub':
      if (y !== undefined) return y === 0 ? a : addConstant(type, a, -y);
      return sameExpr(a, b) ? constant(type, 0) : undefined;
    case 'mul':
      if (x === 0 || y === 0) return constant(type, 0);
      if (x === 1) return b;
      if (y === 1) return a;
      if (x !== undefined) return binary('mul', b, a);
      if (y !== undefined && a.kind === 'binary' && a.op === 'mul' && a.b.kind === 'const')
        return binary('mul', a.a, constant(type, wrap(type, Math.imul(a.b.value, y))));
      return undefined;
    case 'idiv':
      return y === 1 ? a : undefined;
    case 'rem':
      return y === 1 ? constant(type, 0) : undefined;
    case 'max':
    case 'min':
      return sameExpr(a, b) ? a : undefined;
    case 'shl':
    case 'shr':
    case 'or':
    case 'xor':
      return y === 0 ? a : undefined;
    case 'and':
      return x === 0 || y === 0 ? constant(type, 0) : undefined;
    default:
      return undefined;
  }
}

/** a + c, with constants of a sum gathered at its end; i32 sums print as subtractions when the constant is negative. */
function addConstant(type: 'i32' | 'u32', a: Expr, c: number): Expr {
  let base = a;
  let sum = c;
  if (a.kind === 'binary' && a.b.kind === 'const') {
    if (a.op === 'add') [base, sum] = [a.a, a.b.value + c];
    else if (a.op === 'sub') [base, sum] = [a.a, c - a.b.value];
  }
  const value = wrap(type, sum);
  if (value === 0) return base;
  if (type === 'i32' && value < 0 && value > -2147483648)
    return { kind: 'binary', type, op: 'sub', a: base, b: constant(type, -value) };
  return { kind: 'binary', type, op: 'add', a: base, b: constant(type, value) };
}

/** Only what keeps every bit in float32 as in float64: x * 0 stays (NaN, sign), x + 0 stays (x = -0). */
function foldFloat(op: BinaryOp, a: Expr, b: Expr): Expr | undefined {
  switch (op) {
    case 'mul':
      if (isConstant(a, 1)) return b;
      return isConstant(b, 1) ? a : undefined;
    case 'div':
      return isConstant(b, 1) ? a : undefined;
    case 'sub':
      return isConstant(b, 0) ? a : undefined;
    case 'add':
      if (isConstant(a, -0)) return b;
      return isConstant(b, -0) ? a : undefined;
    default:
      return undefined;
  }
}

/** The product of floats rounded by itself (`rounded` in types.ts). */
export function roundedProduct(a: Expr, b: Expr): Expr {
  const product = binary('mul', a, b);
  return product.kind === 'binary' && product.op === 'mul' ? { ...product, rounded: true } : product;
}

export function compare(op: CompareOp, a: Expr, b: Expr): Expr {
  if (a.type !== b.type) throw new InternalError('kernel.build', `${op} of ${a.type} and ${b.type}`);
  const x = valueOf(a);
  const y = valueOf(b);
  if (x !== undefined && y !== undefined) {
    const value = op === 'eq' ? x === y : op === 'ne' ? x !== y : op === 'lt' ? x < y : x <= y;
    return bool(value);
  }
  if (isInteger(a.type) && sameExpr(a, b)) return bool(op === 'eq' || op === 'le');
  return { kind: 'compare', type: 'bool', op, a, b };
}

/** then where condition, else otherwise. */
export function select(condition: Expr, then: Expr, otherwise: Expr): Expr {
  if (condition.type !== 'bool' || then.type !== otherwise.type)
    throw new InternalError(
      'kernel.build',
      `select of ${condition.type}, ${then.type} and ${otherwise.type}`,
    );
  if (condition.kind === 'const') return condition.value !== 0 ? then : otherwise;
  if (sameExpr(then, otherwise)) return then;
  return { kind: 'select', type: then.type, condition, then, else: otherwise };
}

export function cast(type: DType, a: Expr): Expr {
  if (a.type === type) return a;
  if (a.kind === 'const') {
    if (type === 'bool') return bool(a.value !== 0);
    if (!isInteger(type)) return constant(type, a.value);
    const whole = Math.trunc(a.value);
    if (isInteger(a.type) || a.type === 'bool') return constant(type, wrap(type, whole));
    if (whole >= (type === 'i32' ? -2147483648 : 0) && whole <= (type === 'i32' ? 2147483647 : 4294967295))
      return constant(type, whole);
  }
  return { kind: 'cast', type, a };
}

export function bitcast(type: DType, a: Expr): Expr {
  return a.type === type ? a : { kind: 'bitcast', type, a };
}

export const add = (a: Expr, b: Expr): Expr => binary('add', a, b);
export const sub = (a: Expr, b: Expr): Expr => binary('sub', a, b);
export const mul = (a: Expr, b: Expr): Expr => binary('mul', a, b);
export const div = (a: Expr, b: Expr): Expr => binary('div', a, b);
export const and = (a: Expr, b: Expr): Expr => binary('and', a, b);
export const or = (a: Expr, b: Expr): Expr => binary('or', a, b);
export const not = (a: Expr): Expr => unary('not', a);
export const lessThan = (a: Expr, b: Expr): Expr => compare('lt', a, b);
export const atMost = (a: Expr, b: Expr): Expr => compare('le', a, b);

/** The row-major flat index of a point. */
export function flatIndex(indices: readonly Expr[], shape: readonly number[]): Expr {
  if (indices.length !== shape.length)
    throw new InternalError('kernel.build', `${indices.length} indices for rank ${shape.length}`);
  return indices.reduce<Expr>((flat, index, axis) => add(mul(flat, int(shape[axis] ?? 0)), index), int(0));
}

// ---- statements

export function let_(name: string, value: Expr): Statement {
  return { kind: 'let', name, value };
}

export function store(buffer: number, index: Expr, value: Expr): Statement {
  return { kind: 'store', buffer, index, value };
}
