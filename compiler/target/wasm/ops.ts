// Arithmetic on groups of lanes: the instruction selection. A Num is a number of the kernel IR held in registers: scalars (the same for all lanes of a vector), or vectors of `width` lanes; one
// register that serves all groups, or one for each of the `groups` independent points (or rows) that the code advances together. Every operation is emitted for all groups before the next
// begins, which interleaves independent work.
//
// Representation: i32, u32 and f32 use four 32-bit lanes (the low two when width = 2), f64 and i64 two 64-bit lanes. A bool is an i32 of 0 or 1 as a scalar, and as a vector a mask of
// all ones or zeros, 32 bits a lane when width = 4 and 64 bits when width = 2.

import type { BinaryOp, CompareOp, DType } from '../../ir/types.ts';
import { InternalError } from '../../support/diagnostic.ts';
import { at, range } from '../../support/lists.ts';
import type { FunctionWriter, Reg, ValueType } from './writer.ts';

/** Element types of the kernel IR, and the 64-bit integers that elementary functions work with. */
export type NumType = DType | 'i64';

export interface Num {
  readonly type: NumType;
  readonly vector: boolean;
  /** One register for all groups, or one for each. */
  readonly regs: readonly Reg[];
}

export interface LaneSetup {
  readonly width: 1 | 2 | 4;
  readonly groups: number;
  /** Whether a * b + c may be one operation (relaxed SIMD). */
  readonly fused: boolean;
}

const scalarType: { readonly [T in NumType]: ValueType } = {
  bool: 'i32',
  i32: 'i32',
  u32: 'i32',
  f32: 'f32',
  f64: 'f64',
  i64: 'i64',
};

/** Prefix of vector operations. */
const shape: { readonly [T in NumType]: string } = {
  bool: 'i32x4',
  i32: 'i32x4',
  u32: 'i32x4',
  f32: 'f32x4',
  f64: 'f64x2',
  i64: 'i64x2',
};

type Simple = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max';

export class Ops {
  constructor(
    readonly f: FunctionWriter,
    readonly setup: LaneSetup,
  ) {}

  // ---- making values

  constant(type: NumType, value: number): Num {
    return { type, vector: false, regs: [this.literal(type, value)] };
  }

  private literal(type: NumType, value: number): Reg {
    const { f } = this;
    switch (type) {
      case 'f32':
        return f.f32(value);
      case 'f64':
        return f.f64(value);
      case 'i64':
        return f.i64(BigInt(value));
      case 'bool':
        return f.i32(value === 0 ? 0 : 1);
      default:
        return f.i32(value);
    }
  }

  /** A 64-bit pattern. */
  bits64(value: bigint): Num {
    return { type: 'i64', vector: false, regs: [this.f.i64(BigInt.asIntN(64, value))] };
  }

  scalar(type: NumType, ...regs: readonly Reg[]): Num {
    return { type, vector: false, regs };
  }

  vector(type: NumType, ...regs: readonly Reg[]): Num {
    return { type, vector: true, regs };
  }

  /** The same bits as another type. */
  as(type: NumType, a: Num): Num {
    return { ...a, type };
  }

  splat(a: Num): Num {
    if (a.vector) return a;
    const regs = a.regs.map((reg) => this.splatReg(a.type, reg));
    return { type: a.type, vector: true, regs };
  }

  private splatReg(type: NumType, reg: Reg): Reg {
    const { f } = this;
    if (reg.literal !== undefined) return f.vectorConstant(type === 'bool' ? this.maskBits(reg) : reg);
    if (type !== 'bool') return f.pure(`${shape[type]}.splat`, 'v128', [reg]);
    return f.pure('i32x4.splat', 'v128', [f.pure('i32.sub', 'i32', [f.i32(0), reg])]);
  }

  private maskBits(reg: Reg): Reg {
    return this.f.i32(reg.literal === 0 ? 0 : -1);
  }

  /** Applies an operation group by group. */
  private each(
    type: NumType,
    args: readonly Num[],
    vectorOp: string,
    scalarOp: string,
    resultType?: ValueType,
  ): Num {
    const vector = args.some((a) => a.vector);
    const operands = vector ? args.map((a) => this.splat(a)) : args;
    const count = operands.reduce((n, a) => Math.max(n, a.regs.length), 1);
    const op = vector ? vectorOp : scalarOp;
    const result = vector ? 'v128' : (resultType ?? scalarType[type]);
    const regs = range(count).map((g) =>
      this.f.pure(
        op,
        result,
        operands.map((a) => groupReg(a, g)),
      ),
    );
    return { type, vector, regs };
  }

  /** Applies a scalar operation to every lane of every group. */
  lanes(type: NumType, args: readonly Num[], apply: (...lanes: readonly Num[]) => Num): Num {
    if (!args.some((a) => a.vector)) {
      const count = args.reduce((n, a) => Math.max(n, a.regs.length), 1);
      const one = (g: number) => apply(...args.map((a) => this.scalar(a.type, groupReg(a, g))));
      return this.scalar(type, ...range(count).map((g) => at(one(g).regs, 0)));
    }
    const operands = args.map((a) => this.splat(a));
    const count = operands.reduce((n, a) => Math.max(n, a.regs.length), 1);
    const regs = range(count).map((g) => {
      const results = range(this.setup.width).map((lane) =>
        apply(...operands.map((a) => this.extract(a, g, lane))),
      );
      return this.assemble(type, results);
    });
    return this.vector(type, ...regs);
  }

  /** One lane of one group, as a scalar. */
  extract(a: Num, group: number, lane: number): Num {
    if (!a.vector) return this.scalar(a.type, groupReg(a, group));
    const { f } = this;
    const reg = groupReg(a, group);
    if (a.type === 'bool') {
      const place = this.setup.width === 2 ? lane * 2 : lane;
      const mask = f.pure(`i32x4.extract_lane ${place}`, 'i32', [reg]);
      return this.scalar('bool', f.pure('i32.and', 'i32', [mask, f.i32(1)]));
    }
    return this.scalar(a.type, f.pure(`${shape[a.type]}.extract_lane ${lane}`, scalarType[a.type], [reg]));
  }

  /** A vector of scalars, one a lane. */
  assemble(type: NumType, lanes: readonly Num[]): Reg {
    const { f } = this;
    const mask = type === 'bool';
    const value = (n: Num): Reg => {
      const reg = at(n.regs, 0);
      return mask ? f.pure('i32.sub', 'i32', [f.i32(0), reg]) : reg;
    };
    let v = f.pure(`${shape[type]}.splat`, 'v128', [value(at(lanes, 0))]);
    lanes.forEach((n, lane) => {
      if (lane === 0) return;
      const place = mask && this.setup.width === 2 ? [lane * 2, lane * 2 + 1] : [lane];
      for (const p of place) v = f.pure(`${shape[type]}.replace_lane ${p}`, 'v128', [v, value(n)]);
    });
    return v;
  }

  // ---- arithmetic

  private simple(op: Simple, a: Num, b: Num): Num {
    const { type } = a;
    return this.each(type, [a, b], `${shape[type]}.${op}`, `${scalarType[type]}.${op}`);
  }

  add(a: Num, b: Num): Num {
    return this.simple('add', a, b);
  }

  sub(a: Num, b: Num): Num {
    return this.simple('sub', a, b);
  }

  mul(a: Num, b: Num): Num {
    return this.simple('mul', a, b);
  }

  div(a: Num, b: Num): Num {
    return this.simple('div', a, b);
  }

  /** a * b + c, one operation where the engine has it. */
  fma(a: Num, b: Num, c: Num): Num {
    const { type } = c;
    const fused = this.setup.fused && (a.vector || b.vector || c.vector);
    if (!fused || (type !== 'f32' && type !== 'f64')) return this.add(this.mul(a, b), c);
    return this.each(type, [a, b, c], `${shape[type]}.relaxed_madd`, '');
  }

  /** c - a * b. */
  fnma(a: Num, b: Num, c: Num): Num {
    const { type } = c;
    const fused = this.setup.fused && (a.vector || b.vector || c.vector);
    if (!fused || (type !== 'f32' && type !== 'f64')) return this.sub(c, this.mul(a, b));
    return this.each(type, [a, b, c], `${shape[type]}.relaxed_nmadd`, '');
  }

  neg(a: Num): Num {
    // The engine makes three instructions of `neg` and `abs`, but one of these.
    if (a.vector && (a.type === 'f32' || a.type === 'f64'))
      return this.each(a.type, [a, this.signBit(a.type)], 'v128.xor', '');
    if (a.type === 'f32' || a.type === 'f64') return this.each(a.type, [a], '', `${a.type}.neg`);
    if (a.vector) return this.each(a.type, [a], `${shape[a.type]}.neg`, '');
    return this.sub(this.constant(a.type, 0), a);
  }

  private signBit(type: 'f32' | 'f64'): Num {
    return this.constant(type, -0);
  }

  abs(a: Num): Num {
    if (a.type === 'u32') return a;
    if (a.vector && (a.type === 'f32' || a.type === 'f64'))
      return this.each(a.type, [a, this.signBit(a.type)], 'v128.andnot', '');
    if (a.type === 'f32' || a.type === 'f64') return this.each(a.type, [a], '', `${a.type}.abs`);
    if (a.vector) return this.each(a.type, [a], `${shape[a.type]}.abs`, '');
    return this.select(this.compare('lt', a, this.constant(a.type, 0)), this.neg(a), a);
  }

  /** sqrt, floor, ceil, nearest of floats. */
  float(op: 'sqrt' | 'floor' | 'ceil' | 'nearest' | 'trunc', a: Num): Num {
    if (a.type !== 'f32' && a.type !== 'f64') return a;
    return this.each(a.type, [a], `${shape[a.type]}.${op}`, `${a.type}.${op}`);
  }

  max(a: Num, b: Num): Num {
    return this.extremum('max', a, b);
  }

  min(a: Num, b: Num): Num {
    return this.extremum('min', a, b);
  }

  /** x, but at least or at most c; NaN where x is. One instruction, where `max` and `min` take eight for zeros and NaN. */
  clamp(op: 'max' | 'min', x: Num, c: number): Num {
    const bound = this.constant(x.type, c);
    if (!x.vector) return this[op](x, bound);
    return this.each(x.type, [x, bound], `${shape[x.type]}.p${op}`, '');
  }

  private extremum(op: 'max' | 'min', a: Num, b: Num): Num {
    const { type } = a;
    if (type === 'f32' || type === 'f64') return this.simple(op, a, b);
    if (type === 'bool') return op === 'max' ? this.or(a, b) : this.and(a, b);
    if (a.vector || b.vector) return this.each(type, [a, b], `i32x4.${op}_${type === 'u32' ? 'u' : 's'}`, '');
    const less = this.compare('lt', a, b);
    return op === 'max' ? this.select(less, b, a) : this.select(less, a, b);
  }

  // ---- bits

  and(a: Num, b: Num): Num {
    return this.each(a.type, [a, b], 'v128.and', `${integerOf(a.type)}.and`);
  }

  or(a: Num, b: Num): Num {
    return this.each(a.type, [a, b], 'v128.or', `${integerOf(a.type)}.or`);
  }

  xor(a: Num, b: Num): Num {
    return this.each(a.type, [a, b], 'v128.xor', `${integerOf(a.type)}.xor`);
  }

  /** a and not b. */
  andnot(a: Num, b: Num): Num {
    if (a.vector || b.vector) return this.each(a.type, [a, b], 'v128.andnot', '');
    return this.and(a, this.not(b));
  }

  not(a: Num): Num {
    if (a.vector) return this.each(a.type, [a], 'v128.not', '');
    if (a.type === 'bool') return this.each('bool', [a], '', 'i32.eqz');
    return this.xor(a, a.type === 'i64' ? this.bits64(-1n) : this.constant(a.type, -1));
  }

  shift(op: 'shl' | 'shr', a: Num, b: Num): Num {
    const name = op === 'shl' ? 'shl' : a.type === 'u32' ? 'shr_u' : 'shr_s';
    return this.shiftAs(name, a, b);
  }

  shiftAs(name: 'shl' | 'shr_s' | 'shr_u', a: Num, b: Num): Num {
    const scalarOp = `${scalarType[a.type]}.${name}`;
    if (!a.vector && !b.vector) return this.each(a.type, [a, b], '', scalarOp);
    if (b.vector) return this.lanes(a.type, [a, b], (x, y) => this.shiftAs(name, x, y));
    const count = Math.max(a.regs.length, b.regs.length);
    const regs = range(count).map((g) =>
      this.f.pure(`${shape[a.type]}.${name}`, 'v128', [groupReg(a, g), groupReg(b, g)]),
    );
    return this.vector(a.type, ...regs);
  }

  /** Shift by a known distance; for i64 scalars the distance is an i64. */
  shiftBy(name: 'shl' | 'shr_s' | 'shr_u', a: Num, distance: number): Num {
    const by = a.type === 'i64' && !a.vector ? this.bits64(BigInt(distance)) : this.constant('i32', distance);
    return this.shiftAs(name, a, by);
  }

  // ---- comparisons and masks

  compare(op: CompareOp, a: Num, b: Num): Num {
    const { type } = a;
    if (type === 'bool') {
      const differ = this.xor(a, b);
      if (op === 'ne') return differ;
      if (op === 'eq') return this.not(differ);
      const below = this.andnot(b, a);
      return op === 'lt' ? below : this.or(below, this.not(differ));
    }
    const vector = a.vector || b.vector;
    const signed = type === 'i32' || type === 'i64' ? '_s' : type === 'u32' ? '_u' : '';
    const name = op === 'eq' || op === 'ne' ? op : `${op}${signed}`;
    const mask = this.each('bool', [a, b], `${shape[type]}.${name}`, `${scalarType[type]}.${name}`, 'i32');
    if (vector && this.setup.width === 2 && type !== 'f64' && type !== 'i64') return this.widenMask(mask);
    return mask;
  }

  /** 32-bit masks in the low two lanes become 64-bit masks. */
  private widenMask(mask: Num): Num {
    const regs = mask.regs.map((r) => this.f.pure('i64x2.extend_low_i32x4_s', 'v128', [r]));
    return this.vector('bool', ...regs);
  }

  private narrowMask(mask: Num): Num {
    const regs = mask.regs.map((r) =>
      this.f.pure('i8x16.shuffle 0 1 2 3 8 9 10 11 0 1 2 3 8 9 10 11', 'v128', [r, r]),
    );
    return this.vector('bool', ...regs);
  }

  select(condition: Num, a: Num, b: Num): Num {
    const { type } = a;
    const [c] = condition.regs;
    if (!condition.vector && condition.regs.length === 1 && c?.literal !== undefined)
      return c.literal !== 0 ? a : b;
    if (condition.vector) {
      const wide = type === 'f64' || type === 'i64' || type === 'bool';
      const mask = this.setup.width === 2 && !wide ? this.narrowMask(condition) : condition;
      return this.each(type, [a, b, mask], this.laneSelect(wide), '');
    }
    const vector = a.vector || b.vector;
    const [x, y] = vector ? [this.splat(a), this.splat(b)] : [a, b];
    const count = Math.max(x.regs.length, y.regs.length, condition.regs.length);
    const regs = range(count).map((g) =>
      this.f.pure('select', vector ? 'v128' : scalarType[type], [
        groupReg(x, g),
        groupReg(y, g),
        groupReg(condition, g),
      ]),
    );
    return { type, vector, regs };
  }

  /** Masks have all bits of a lane or none, so the relaxed form, one instruction where `bitselect` is three, has the same bits on every machine. */
  private laneSelect(wide: boolean): string {
    if (!this.setup.fused) return 'v128.bitselect';
    return `${this.setup.width === 2 && wide ? 'i64x2' : 'i32x4'}.relaxed_laneselect`;
  }

  /** Whether any lane of any group is true, as an i32 that is not 0. */
  any(mask: Num): Reg {
    const { f } = this;
    const regs = mask.vector ? mask.regs : [...mask.regs];
    let all = at(regs, 0);
    for (const r of regs.slice(1)) all = f.pure(mask.vector ? 'v128.or' : 'i32.or', all.type, [all, r]);
    return mask.vector ? f.pure('v128.any_true', 'i32', [all]) : all;
  }

  // ---- conversions

  cast(to: DType, a: Num): Num {
    const from = a.type;
    if (from === to) return a;
    if (to === 'bool') return this.compare('ne', a, this.constant(from, 0));
    if (from === 'bool') return this.fromBool(to, a);
    if (from === 'i64') throw new InternalError('wasm.ops', 'cast of i64');
    const integer = (t: DType) => t === 'i32' || t === 'u32';
    if (integer(from) && integer(to)) return this.as(to, a);
    const { width } = this.setup;
    const sign = from === 'u32' || to === 'u32' ? 'u' : 's';
    if (integer(from)) {
      const vectorOp = to === 'f64' ? `f64x2.convert_low_i32x4_${sign}` : `f32x4.convert_i32x4_${sign}`;
      return this.each(to, [a], vectorOp, `${scalarType[to]}.convert_i32_${sign}`);
    }
    if (integer(to)) {
      const vectorOp =
        from === 'f64' ? `i32x4.trunc_sat_f64x2_${sign}_zero` : `i32x4.trunc_sat_f32x4_${sign}`;
      return this.each(to, [a], vectorOp, `i32.trunc_sat_${scalarType[from]}_${sign}`);
    }
    if (a.vector && width !== 2) throw new InternalError('wasm.ops', 'f64 lanes in a vector of four');
    return to === 'f64'
      ? this.each(to, [a], 'f64x2.promote_low_f32x4', 'f64.promote_f32')
      : this.each(to, [a], 'f32x4.demote_f64x2_zero', 'f32.demote_f64');
  }

  private fromBool(to: DType, a: Num): Num {
    if (a.vector) {
      const one = this.splat(this.constant(to, 1));
      const mask = this.setup.width === 2 && to !== 'f64' ? this.narrowMask(a) : a;
      return this.each(to, [mask, one], 'v128.and', '');
    }
    if (to === 'i32' || to === 'u32') return this.as(to, a);
    return this.each(to, [a], '', `${scalarType[to]}.convert_i32_u`);
  }

  bitcast(to: DType, a: Num): Num {
    if (a.vector || scalarType[a.type] === scalarType[to]) return this.as(to, a);
    const [x, y] = [scalarType[a.type], scalarType[to]];
    return this.each(to, [a], '', `${y}.reinterpret_${x}`);
  }

  /** Bits of an f64 as i64, and back. */
  bitsOf(a: Num): Num {
    return a.vector ? this.as('i64', a) : this.each('i64', [a], '', 'i64.reinterpret_f64');
  }

  fromBits(a: Num): Num {
    return a.vector ? this.as('f64', a) : this.each('f64', [a], '', 'f64.reinterpret_i64');
  }

  // ---- integers with a floor

  /** Truncated, floored quotients and floored remainders of i32 and u32 by functions of the module that do not trap. */
  integerDivision(op: Extract<BinaryOp, 'div' | 'idiv' | 'rem'>, a: Num, b: Num): Num {
    const { type } = a;
    const [divisor] = b.regs;
    const known = b.vector || b.regs.length > 1 ? undefined : divisor?.literal;
    return this.lanes(type, [a, b], (x, y) => {
      const regs = [at(x.regs, 0), at(y.regs, 0)];
      if (type === 'u32' && known !== undefined && known !== 0)
        return this.scalar(type, this.f.pure(op === 'rem' ? 'i32.rem_u' : 'i32.div_u', 'i32', regs));
      return this.scalar(type, this.f.pure(`call $${type}_${op}`, 'i32', regs));
    });
  }
}

function integerOf(type: NumType): 'i32' | 'i64' {
  return type === 'i64' ? 'i64' : 'i32';
}

export function groupReg(a: Num, group: number): Reg {
  return at(a.regs, a.regs.length === 1 ? 0 : group);
}

export function scalarTypeOf(type: NumType): ValueType {
  return scalarType[type];
}

export function shapeOf(type: NumType): string {
  return shape[type];
}
