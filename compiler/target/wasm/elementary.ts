// Elementary functions of numbers in registers. In: the operation, its arguments, and the interval in which the argument is known to lie. Out: code: a call for a scalar; for vectors the fast
// path in line, and behind it, where the argument may leave its range, a call for the lanes that did.
//
// float32 vectors have fast paths of their own; powers go through float64 with short polynomials, which gives all but the last bit right.

import type { BinaryOp, UnaryOp } from '../../ir/types.ts';
import type { Expr } from '../../kernel/types.ts';
import { at, range } from '../../support/lists.ts';
import { everything, type Interval } from './affine.ts';
import * as narrow from './elementary_f32.ts';
import * as arcs from './elementary_f32_arcs.ts';
import * as wide from './elementary_f64.ts';
import { pow, powOfSingles, powSpecial } from './elementary_pow.ts';
import type { ModuleContext } from './module.ts';
import { Ops, groupReg, scalarTypeOf, type Num } from './ops.ts';

export type ElementaryUnary = Exclude<
  UnaryOp,
  'neg' | 'abs' | 'sign' | 'sqrt' | 'floor' | 'ceil' | 'round' | 'not'
>;
export type ElementaryBinary = Extract<BinaryOp, 'pow' | 'atan2'>;

/** `positive`: the argument is known to be greater than zero. */
export type ElementaryFunction = (o: Ops, x: Num, positive: boolean) => wide.Fast;

/** The one table of float64 functions, for vectors in line and for the scalar functions of a module (library.ts). */
export const inDouble: { readonly [P in ElementaryUnary]: ElementaryFunction } = {
  exp: wide.exp,
  expm1: wide.expm1,
  log: wide.log,
  log1p: wide.log1p,
  sin: wide.sin,
  cos: wide.cos,
  tan: wide.tan,
  asin: wide.asin,
  acos: wide.acos,
  atan: wide.atan,
  sinh: wide.sinh,
  cosh: wide.cosh,
  tanh: wide.tanh,
};

const inSingle: { readonly [P in ElementaryUnary]: ElementaryFunction } = {
  exp: narrow.exp,
  log: narrow.log,
  sin: narrow.sin,
  cos: narrow.cos,
  tanh: narrow.tanh,
  expm1: arcs.expm1,
  log1p: arcs.log1p,
  tan: arcs.tan,
  asin: arcs.asin,
  acos: arcs.acos,
  atan: arcs.atan,
  sinh: arcs.sinh,
  cosh: arcs.cosh,
};

/** Where a fast path needs no other beside it. */
function domain(op: ElementaryUnary, type: 'f32' | 'f64'): Interval {
  const limits = type === 'f32' ? narrow : wide;
  switch (op) {
    case 'log':
      return { lo: limits.SMALLEST_NORMAL, hi: limits.LARGEST };
    case 'log1p':
      return { lo: -0.999, hi: limits.LARGEST };
    case 'sin':
    case 'cos':
    case 'tan':
      return { lo: -limits.LARGEST_ANGLE, hi: limits.LARGEST_ANGLE };
    default:
      return everything;
  }
}

export function elementaryUnary(
  context: ModuleContext,
  ops: Ops,
  op: ElementaryUnary,
  a: Num,
  interval: Interval,
): Num {
  if (!a.vector) return ops.lanes(a.type, [a], (x) => call(context, ops, op, [x]));
  const type = a.type === 'f32' ? 'f32' : 'f64';
  const safe = domain(op, type);
  const certain = interval.lo >= safe.lo && interval.hi <= safe.hi;
  const o = whole(ops, type);
  const fast = fastUnary(o, op, a, interval.lo > 0);
  return certain ? fast.value : repaired(context, o, op, [a], fast);
}

/** float32 vectors of which only the low half is in use have the values of whole ones. */
function whole(ops: Ops, type: 'f32' | 'f64'): Ops {
  const { setup } = ops;
  return type === 'f32' && setup.width === 2 ? new Ops(ops.f, { ...setup, width: 4 }) : ops;
}

/** The fast path of vectors. The scalar functions of a module go through it too (library.ts), so that a number has the same value in a lane and alone. */
export function fastUnary(ops: Ops, op: ElementaryUnary, x: Num, positive: boolean): wide.Fast {
  return x.type === 'f32' ? inSingle[op](ops, x, positive) : inDouble[op](ops, x, positive);
}

/** The same for functions of two numbers. */
export function fastBinary(ops: Ops, op: ElementaryBinary, x: Num, y: Num): wide.Fast {
  if (x.type === 'f64') return op === 'pow' ? pow(ops, x, y) : wide.atan2(ops, x, y);
  if (op === 'atan2') return arcs.atan2(ops, x, y);
  const { value } = throughDouble(ops, [ops.splat(x), ops.splat(y)], (o, [a = x, b = y]) => ({
    value: powOfSingles(o, a, b),
  }));
  return { value, special: powSpecial(ops, x, y, 'f32') };
}

export function elementaryBinary(
  context: ModuleContext,
  ops: Ops,
  op: ElementaryBinary,
  a: Num,
  b: Num,
  exponent: Expr,
): Num {
  if (op === 'pow' && exponent.kind === 'const') {
    const power = smallPower(ops, a, exponent.value);
    if (power !== undefined) return power;
  }
  if (!a.vector && !b.vector) return ops.lanes(a.type, [a, b], (x, y) => call(context, ops, op, [x, y]));
  const [x, y] = [ops.splat(a), ops.splat(b)];
  const o = whole(ops, a.type === 'f32' ? 'f32' : 'f64');
  return repaired(context, o, op, [x, y], op === 'pow' ? fastBinary(o, op, a, b) : fastBinary(o, op, x, y));
}

/** Powers that products give within 2 ulp. */
function smallPower(ops: Ops, a: Num, exponent: number): Num | undefined {
  switch (exponent) {
    case 0:
      return ops.constant(a.type, 1);
    case 1:
      return a;
    case 2:
      return ops.mul(a, a);
    case 3:
      return ops.mul(ops.mul(a, a), a);
    case -1:
      return ops.div(ops.constant(a.type, 1), a);
    default:
      return undefined;
  }
}

function call(
  context: ModuleContext,
  ops: Ops,
  op: ElementaryUnary | ElementaryBinary,
  args: readonly Num[],
): Num {
  const { type } = at(args, 0);
  const name = context.helper(`${op}_${type}`);
  const regs = args.map((a) => at(a.regs, 0));
  return ops.scalar(type, ops.f.pure(`call ${name}`, scalarTypeOf(type), regs));
}

/** The fast value, with the lanes of the mask done again by the scalar function. */
function repaired(
  context: ModuleContext,
  ops: Ops,
  op: ElementaryUnary | ElementaryBinary,
  args: readonly Num[],
  fast: wide.Fast,
): Num {
  const { f } = ops;
  const { value, special } = fast;
  if (special === undefined) return value;
  const name = context.helper(`${op}_${value.type}_lanes`);
  const groups = range(value.regs.length);
  const variables = groups.map((g) => f.variable('v128', op, groupReg(value, g)));
  f.if(ops.any(special), () => {
    const again = groups.map((g) =>
      f.pure(
        `call ${name}`,
        'v128',
        args.map((a) => groupReg(a, g)),
      ),
    );
    const mixed = ops.select(special, ops.vector(value.type, ...again), value);
    groups.forEach((g) => f.set(at(variables, g), groupReg(mixed, g)));
  });
  return ops.vector(value.type, ...variables.map((v) => f.get(v)));
}

/** f32 lanes as float64 and back: both halves of a vector, or its low half when only that is in use. */
function throughDouble(
  ops: Ops,
  args: readonly Num[],
  compute: (o: Ops, args: readonly Num[]) => wide.Fast,
): wide.Fast {
  const { f, setup } = ops;
  const halves = setup.width === 4 ? 2 : 1;
  const count = args.reduce((n, a) => Math.max(n, a.regs.length), 1);
  const o = new Ops(f, { width: 2, groups: count * halves, fused: setup.fused });
  const promoted = args.map((a) => {
    const regs = range(count).flatMap((g) => {
      const reg = groupReg(a, g);
      const low = f.pure('f64x2.promote_low_f32x4', 'v128', [reg]);
      if (halves === 1) return [low];
      const high = f.pure(UPPER_HALF, 'v128', [reg, reg]);
      return [low, f.pure('f64x2.promote_low_f32x4', 'v128', [high])];
    });
    return o.vector('f64', ...regs);
  });
  const { value, special } = compute(o, promoted);
  const join = (
    wideRegs: Num,
    narrowed: (reg: Num['regs'][number]) => Num['regs'][number],
    shuffle: string,
  ) =>
    range(count).map((g) => {
      const low = narrowed(groupReg(wideRegs, g * halves));
      if (halves === 1) return low;
      return f.pure(shuffle, 'v128', [low, narrowed(groupReg(wideRegs, g * halves + 1))]);
    });
  const demote = (reg: Num['regs'][number]) => f.pure('f32x4.demote_f64x2_zero', 'v128', [reg]);
  const result = ops.vector('f32', ...join(value, demote, LOWER_HALVES));
  if (special === undefined) return { value: result };
  const mask = halves === 1 ? special.regs : join(special, (reg) => reg, EVEN_LANES);
  return { value: result, special: ops.vector('bool', ...mask) };
}

const UPPER_HALF = 'i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15';
const LOWER_HALVES = 'i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23';
const EVEN_LANES = 'i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27';
