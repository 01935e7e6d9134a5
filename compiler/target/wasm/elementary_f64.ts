// Elementary functions in float64, for scalars and vectors alike: straight-line code over the operations of ops.ts. In: an argument in registers. Out: the value, and where the fast path does not
// hold (huge arguments, denormals, infinities) a mask of the lanes that the module's scalar `…_slow` function must do.
//
// Errors are at most 2 ulp over the whole range, with and without fused multiply-add; spec/elementary_functions.md has the measured ones. Polynomials are minimax in the sense stated, computed in
// 300-bit arithmetic by the Remez exchange and rounded. Reductions follow Cody and Waite; for logarithms, arc functions and the trigonometric kernels the compensated forms of
// P. T. P. Tang (TOMS 1989-1992) and W. J. Cody's tables, as W. Kahan and K. C. Ng arranged them in fdlibm.

import type { Num, Ops } from './ops.ts';

export interface Fast {
  readonly value: Num;
  /** Lanes for which `value` is not right. */
  readonly special?: Num;
}

/** 1.5 * 2^52: adding it rounds to an integer, which then stands in the low bits. */
const MAGIC = 6755399441055744;
const LOG2E = 1.4426950408889634;
/** ln 2 in 32 bits and the rest. */
const LN2_HI = 0.6931471806019545;
const LN2_LO = -4.2009150726810846e-11;
/** pi/2 in 33 + 33 + 33 bits and the rest. */
const PIO2_1 = 1.5707963267341256;
const PIO2_2 = 6.077100506303966e-11;
const PIO2_3 = 2.0222662487111665e-21;
const PIO2_4 = 8.4784276603689e-32;
/** pi/2 as a sum of two. */
export const PIO2_HI = 1.5707963267948966;
export const PIO2_LO = 6.123233995736766e-17;
const TWO_OVER_PI = 0.6366197723675814;
const PIO4_HI = 0.7853981633974483;

/** (exp(r) - 1 - r) / r^2 on |r| <= ln(2)/2, weight r: 2^-61.7. */
const EXP = [
  0.5, 0.16666666666666677, 0.0416666666666667, 0.008333333333321615, 0.0013888888888866837,
  0.00019841269886158858, 2.480158736055928e-5, 2.755724418157606e-6, 2.755724275669488e-7,
  2.5109045013822063e-8, 2.0924444311397754e-9,
];
/** (ln((1+s)/(1-s))/s - 2) / s^2 in s^2 for |s| <= 0.1716, relative: 2^-58.5. */
const LOG = [
  0.6666666666666735, 0.39999999999411096, 0.28571428743262267, 0.22222198476007016, 0.1818356973954492,
  0.15313903237525645, 0.14797507924239986,
];
/** (sin(r)/r - 1)/r^2 and (cos(r) - 1 + r^2/2)/r^4 in r^2 for |r| <= pi/4: 2^-58.0 and 2^-64.2. */
const SIN = [
  -0.16666666666666632, 0.008333333333322316, -0.00019841269829725213, 2.755731366206095e-6,
  -2.5050753265069737e-8, 1.5896504977508586e-10,
];
const COS = [
  0.0416666666666666, -0.001388888888887399, 2.4801587289394916e-5, -2.7557314326026855e-7,
  2.0875719558104006e-9, -1.1359448646435123e-11,
];
/** (asin(x)/x - 1)/x^2 in x^2 for |x| <= 1/2: 2^-59.8. */
const ASIN = [
  0.16666666666666763, 0.07499999999970094, 0.04464285717528922, 0.030381942675148044, 0.022372215909177696,
  0.0173515954478282, 0.01398101909485579, 0.011397288938948435, 0.010789342011937904, 0.0036721130435846214,
  0.021790808836266384, -0.0211169320018744, 0.03270228645130929,
];
/** (atan(x)/x - 1)/x^2 in x^2 for |x| <= 0.66: 2^-63.1. */
const ATAN = [
  -0.33333333333333326, 0.1999999999999757, -0.1428571428548016, 0.11111111099639943, -0.09090908754403512,
  0.07692301216405042, -0.06666580093648992, 0.0588151805892403, -0.05257201343680492, 0.04729939894023655,
  -0.042174987866658, 0.035941398311820104, -0.027360135755910182, 0.01676450936841734, -0.007061091726766616,
  0.0014852291780202442,
];

/** Values of |x| up to which the reduction by pi/2 in four parts is exact: 2^20 quarter turns. */
export const LARGEST_ANGLE = 1647099;
export const SMALLEST_NORMAL = 2.2250738585072014e-308;
export const LARGEST = 1.7976931348623157e308;

const f64 = (o: Ops, x: number): Num => o.constant('f64', x);

/** Polynomial with coefficients from the constant on, in pairs of pairs (Estrin), so that the chain is short. */
export function polynomial(o: Ops, x: Num, coefficients: readonly number[]): Num {
  let terms = coefficients.map((c) => o.constant(x.type, c));
  let power = x;
  while (terms.length > 1) {
    const next: Num[] = [];
    for (let i = 0; i < terms.length; i += 2) {
      const [low, high] = [terms[i], terms[i + 1]];
      if (low !== undefined) next.push(high === undefined ? low : o.fma(high, power, low));
    }
    terms = next;
    if (terms.length > 1) power = o.mul(power, power);
  }
  return terms[0] ?? o.constant(x.type, 0);
}

/** Integer nearest to x as f64 and i64, |x| < 2^51. */
function nearest(o: Ops, x: Num, scale: number): { readonly n: Num; readonly k: Num } {
  const shifted = o.fma(x, f64(o, scale), f64(o, MAGIC));
  return { n: o.sub(shifted, f64(o, MAGIC)), k: o.sub(o.bitsOf(shifted), o.bits64(MAGIC_BITS)) };
}

const MAGIC_BITS = 0x4338000000000000n;

/** 2^k for an i64 k in the range of normal numbers. */
function powerOfTwo(o: Ops, k: Num): Num {
  return o.fromBits(o.shiftBy('shl', o.add(k, o.bits64(1023n)), 52));
}

/** y * 2^k, in two factors: right into the denormal numbers and to infinity. */
export function scale(o: Ops, y: Num, k: Num): Num {
  const half = o.shiftBy('shr_s', k, 1);
  return o.mul(o.mul(y, powerOfTwo(o, half)), powerOfTwo(o, o.sub(k, half)));
}

/** x = k ln 2 + r. */
export function reduceExp(o: Ops, x: Num): { readonly k: Num; readonly n: Num; readonly r: Num } {
  const { n, k } = nearest(o, x, LOG2E);
  return { k, n, r: o.fnma(n, f64(o, LN2_LO), o.fnma(n, f64(o, LN2_HI), x)) };
}

/** r + r^2 P(r) = exp(r) - 1 on the reduced interval. */
export function expm1Reduced(o: Ops, r: Num): Num {
  return o.fma(o.mul(r, r), polynomial(o, r, EXP), r);
}

/** exp(x) * 2^shift. */
function expShifted(o: Ops, x: Num, shift: bigint): Num {
  const inside = o.clamp('min', o.clamp('max', x, -750), 712);
  const { k, r } = reduceExp(o, inside);
  const y = o.add(expm1Reduced(o, r), f64(o, 1));
  return scale(o, y, shift === 0n ? k : o.add(k, o.bits64(shift)));
}

export function exp(o: Ops, x: Num): Fast {
  return { value: expShifted(o, x, 0n) };
}

/** exp(x) - 1 without care for the sign of zero. What the reduction and the sums lose is added back: for k = 1 and -1 the parts nearly cancel. */
function expm1Core(o: Ops, x: Num): Num {
  const inside = o.clamp('min', o.clamp('max', x, -60), 710);
  const { n, k } = nearest(o, inside, LOG2E);
  const first = o.fnma(n, f64(o, LN2_HI), inside);
  const second = o.mul(n, f64(o, LN2_LO));
  const r = o.sub(first, second);
  const rLow = o.sub(o.sub(first, r), second);
  const m = o.mul(o.mul(r, r), polynomial(o, r, EXP));
  const q = o.add(r, m);
  const qLow = o.add(o.add(o.sub(r, q), m), rLow);
  // 2^(k-1), so that k = 1024 has a factor; products by it are exact.
  const s = powerOfTwo(o, o.sub(k, o.bits64(1n)));
  const whole = o.sub(s, f64(o, 0.5));
  const part = o.mul(s, q);
  const t = o.add(whole, part);
  const lost = o.add(o.sub(whole, t), part);
  const sum = o.add(t, o.fma(s, qLow, lost));
  return o.add(sum, sum);
}

export function expm1(o: Ops, x: Num): Fast {
  return { value: keepTiny(o, x, expm1Core(o, x)) };
}

/** Functions that are x near 0 are exactly x where that is right to half an ulp: keeps -0 and denormal numbers. */
function keepTiny(o: Ops, x: Num, value: Num): Num {
  return o.select(o.compare('lt', o.abs(x), f64(o, 1e-17)), x, value);
}

/** x = 2^k m with m in sqrt(1/2) .. sqrt(2); k as f64. */
export function splitExponent(o: Ops, x: Num): { readonly k: Num; readonly m: Num } {
  const bits = o.bitsOf(x);
  const k = o.shiftBy('shr_s', o.sub(bits, o.bits64(0x3fe6a09e667f3bcdn)), 52);
  const m = o.fromBits(o.sub(bits, o.shiftBy('shl', k, 52)));
  return { k: o.sub(o.fromBits(o.add(k, o.bits64(MAGIC_BITS))), f64(o, MAGIC)), m };
}

/** k ln 2 + ln(1 + f) + c. */
function logReduced(o: Ops, k: Num, f: Num, c: Num | undefined): Num {
  const s = o.div(f, o.add(f, f64(o, 2)));
  const z = o.mul(s, s);
  const rest = o.mul(z, polynomial(o, z, LOG));
  const half = o.mul(o.mul(f, f), f64(o, 0.5));
  const low = c === undefined ? o.mul(k, f64(o, LN2_LO)) : o.fma(k, f64(o, LN2_LO), c);
  const small = o.fma(s, o.add(half, rest), low);
  return o.sub(o.mul(k, f64(o, LN2_HI)), o.sub(o.sub(half, small), f));
}

/** Not in low .. high, or NaN. */
function outside(o: Ops, x: Num, low: number, high: number): Num {
  return o.not(o.and(o.compare('le', f64(o, low), x), o.compare('le', x, f64(o, high))));
}

export function log(o: Ops, x: Num): Fast {
  const { k, m } = splitExponent(o, x);
  return {
    value: logReduced(o, k, o.sub(m, f64(o, 1)), undefined),
    special: outside(o, x, SMALLEST_NORMAL, LARGEST),
  };
}

export function log1p(o: Ops, x: Num): Fast {
  const one = f64(o, 1);
  const u = o.add(x, one);
  const { k, m } = splitExponent(o, u);
  // What 1 + x lost, relative to u.
  const lost = o.select(o.compare('lt', one, x), o.sub(one, o.sub(u, x)), o.sub(x, o.sub(u, one)));
  const near = o.compare('eq', k, f64(o, 0));
  const c = o.select(near, f64(o, 0), o.div(lost, u));
  const f = o.select(near, x, o.sub(m, one));
  const value = keepTiny(o, x, logReduced(o, k, f, c));
  return { value, special: outside(o, x, -0.9999999999999999, LARGEST) };
}

/** A quarter turn count and the rest of the angle as a sum r + low. */
export interface Angle {
  readonly quarters: Num;
  readonly r: Num;
  readonly low: Num;
}

/** a - b and what rounding took from it; a is a multiple of the last place of b, however small it has become (T. J. Dekker 1971). */
function difference(o: Ops, a: Num, b: Num): { readonly value: Num; readonly lost: Num } {
  const value = o.sub(a, b);
  return { value, lost: o.sub(o.sub(a, value), b) };
}

function reduceAngle(o: Ops, x: Num): { readonly angle: Angle; readonly special: Num } {
  const { n, k } = nearest(o, x, TWO_OVER_PI);
  // Products by the first three parts are exact, and so is the first difference; what the others lose goes into the tail.
  const first = o.fnma(n, f64(o, PIO2_1), x);
  const second = difference(o, first, o.mul(n, f64(o, PIO2_2)));
  const third = difference(o, second.value, o.mul(n, f64(o, PIO2_3)));
  const tail = o.fnma(n, f64(o, PIO2_4), o.add(second.lost, third.lost));
  const r = o.add(third.value, tail);
  const low = o.add(o.sub(third.value, r), tail);
  const special = o.not(o.compare('le', o.abs(x), f64(o, LARGEST_ANGLE)));
  return { angle: { quarters: k, r, low }, special };
}

/** r - X and w + Y are sine and cosine; their sums are left to the user, who may want what rounding loses. */
function sinCosParts(
  o: Ops,
  angle: Angle,
): { readonly r: Num; readonly x: Num; readonly w: Num; readonly y: Num } {
  const { r, low } = angle;
  const z = o.mul(r, r);
  const half = f64(o, 0.5);
  // sin(r + low) = r + low (1 - r^2/2) + r^3 S
  const v = o.mul(z, r);
  const [s0 = 0, ...rest] = SIN;
  const tail = polynomial(o, z, rest);
  const inner = o.sub(o.mul(z, o.sub(o.mul(half, low), o.mul(v, tail))), low);
  const x = o.fnma(v, f64(o, s0), inner);
  // cos(r + low) = 1 - r^2/2 + r^4 C - r low
  const hz = o.mul(half, z);
  const w = o.sub(f64(o, 1), hz);
  const small = o.fnma(r, low, o.mul(o.mul(z, z), polynomial(o, z, COS)));
  const y = o.add(o.sub(o.sub(f64(o, 1), w), hz), small);
  return { r, x, w, y };
}

/** Sine (turn 0) or cosine (turn 1) of an angle plus its quarter turns. */
export function rotated(o: Ops, angle: Angle, turn: 0 | 1): Num {
  const { r } = angle;
  const z = o.mul(r, r);
  const sin = o.fma(o.mul(z, r), polynomial(o, z, SIN), r);
  const cos = o.fma(o.mul(z, z), polynomial(o, z, COS), o.fnma(z, f64(o, 0.5), f64(o, 1)));
  const quarters = turn === 0 ? angle.quarters : o.add(angle.quarters, o.bits64(1n));
  const odd = o.compare('ne', o.and(quarters, o.bits64(1n)), o.bits64(0n));
  const sign = o.shiftBy('shl', o.and(quarters, o.bits64(2n)), 62);
  const value = o.select(odd, cos, sin);
  return o.fromBits(o.xor(o.bitsOf(value), sign));
}

export function sin(o: Ops, x: Num): Fast {
  const { angle, special } = reduceAngle(o, o.abs(x));
  // Of |x|, with the sign of x, also of zero.
  const sign = o.and(o.bitsOf(x), o.bits64(-9223372036854775808n));
  return { value: o.fromBits(o.xor(o.bitsOf(rotated(o, angle, 0)), sign)), special };
}

export function cos(o: Ops, x: Num): Fast {
  const { angle, special } = reduceAngle(o, o.abs(x));
  return { value: rotated(o, angle, 1), special };
}

/** Tangent of an angle with its quarter turns: the quotient of sine and cosine, corrected by what their roundings lost. */
export function tangentOf(o: Ops, angle: Angle): Num {
  const { r, x, w, y } = sinCosParts(o, angle);
  const [sin, cos] = [o.sub(r, x), o.add(w, y)];
  const sinLow = o.sub(o.sub(r, sin), x);
  const cosLow = o.add(o.sub(w, cos), y);
  const odd = o.compare('ne', o.and(angle.quarters, o.bits64(1n)), o.bits64(0n));
  const above = o.select(odd, o.neg(cos), sin);
  const aboveLow = o.select(odd, o.neg(cosLow), sinLow);
  const below = o.select(odd, sin, cos);
  const belowLow = o.select(odd, sinLow, cosLow);
  const quotient = o.div(above, below);
  return o.add(quotient, o.div(o.fnma(quotient, belowLow, aboveLow), below));
}

export function tan(o: Ops, x: Num): Fast {
  const { angle, special } = reduceAngle(o, x);
  return { value: keepTiny(o, x, tangentOf(o, angle)), special };
}

function withSign(o: Ops, magnitude: Num, sign: Num): Num {
  const bit = o.and(o.bitsOf(sign), o.bits64(-9223372036854775808n));
  return o.fromBits(o.or(o.bitsOf(magnitude), bit));
}

/** The upper half of the bits of x. */
function truncated(o: Ops, x: Num): Num {
  return o.fromBits(o.and(o.bitsOf(x), o.bits64(-4294967296n)));
}

/** For |x| > 1/2: s = sqrt((1-|x|)/2) as df + c, and s^3 P(s^2). */
function arcOuter(o: Ops, z: Num): { s: Num; df: Num; c: Num } {
  const s = o.float('sqrt', z);
  const df = truncated(o, s);
  const c = o.div(o.sub(z, o.mul(df, df)), o.add(o.add(s, df), f64(o, 1e-300)));
  return { s, df, c };
}

export function asin(o: Ops, x: Num): Fast {
  const a = o.abs(x);
  const big = o.compare('lt', f64(o, 0.5), a);
  const z = o.select(big, o.mul(o.sub(f64(o, 1), a), f64(o, 0.5)), o.mul(a, a));
  const rest = o.mul(z, polynomial(o, z, ASIN));
  const inner = o.fma(a, rest, a);
  const { s, df, c } = arcOuter(o, z);
  const p = o.sub(o.mul(o.add(s, s), rest), o.sub(f64(o, PIO2_LO), o.add(c, c)));
  const q = o.sub(f64(o, PIO4_HI), o.add(df, df));
  const outer = o.sub(f64(o, PIO4_HI), o.sub(p, q));
  return { value: withSign(o, o.select(big, outer, inner), x) };
}

export function acos(o: Ops, x: Num): Fast {
  const a = o.abs(x);
  const big = o.compare('lt', f64(o, 0.5), a);
  const z = o.select(big, o.mul(o.sub(f64(o, 1), a), f64(o, 0.5)), o.mul(a, a));
  const rest = o.mul(z, polynomial(o, z, ASIN));
  const inner = o.sub(f64(o, PIO2_HI), o.sub(x, o.fnma(x, rest, f64(o, PIO2_LO))));
  const { s, df, c } = arcOuter(o, z);
  const near = o.add(df, o.fma(rest, s, c));
  const far = o.add(s, o.sub(o.mul(rest, s), f64(o, PIO2_LO)));
  const pi = f64(o, 2 * PIO2_HI);
  const outer = o.select(o.compare('lt', x, f64(o, 0)), o.sub(pi, o.add(far, far)), o.add(near, near));
  return { value: o.select(big, outer, inner) };
}

/** atan of y in 0 .. 2.42 or of its reduction, as high + (y + low). */
function atanReduced(o: Ops, y: Num, high: Num, low: Num): Num {
  const z = o.mul(y, y);
  const rest = o.mul(o.mul(y, z), polynomial(o, z, ATAN));
  return o.add(high, o.add(y, o.add(rest, low)));
}

export function atan(o: Ops, x: Num): Fast {
  const a = o.abs(x);
  const [zero, one] = [f64(o, 0), f64(o, 1)];
  const big = o.compare('lt', f64(o, 2.414213562373095), a);
  const mid = o.compare('lt', f64(o, 0.66), a);
  // -1/a, (a-1)/(a+1) or a.
  const numerator = o.select(big, f64(o, -1), o.select(mid, o.sub(a, one), a));
  const denominator = o.select(big, a, o.select(mid, o.add(a, one), one));
  const y = o.div(numerator, denominator);
  const high = o.select(big, f64(o, PIO2_HI), o.select(mid, f64(o, PIO4_HI), zero));
  const low = o.select(big, f64(o, PIO2_LO), o.select(mid, f64(o, PIO2_LO / 2), zero));
  return { value: withSign(o, atanReduced(o, y, high, low), x) };
}

export function atan2(o: Ops, y: Num, x: Num): Fast {
  const [ax, ay] = [o.abs(x), o.abs(y)];
  const [zero, one] = [f64(o, 0), f64(o, 1)];
  const steep = o.compare('lt', ax, ay);
  const less = o.min(ax, ay);
  const more = o.max(ax, ay);
  // 0/0 is 0 and inf/inf is 1 here.
  const same = o.compare('eq', less, more);
  const zeros = o.compare('eq', more, zero);
  const mid = o.compare('lt', f64(o, 0.66), o.div(less, more));
  const halved = o.compare('lt', f64(o, 8e307), more);
  const factor = o.select(halved, f64(o, 0.25), one);
  const [l, m] = [o.mul(less, factor), o.mul(more, factor)];
  const quotient = o.div(o.select(mid, o.sub(l, m), l), o.select(mid, o.add(l, m), m));
  const t = o.select(zeros, zero, o.select(same, zero, quotient));
  const tilted = o.or(mid, o.and(same, o.not(zeros)));
  const high = o.select(tilted, f64(o, PIO4_HI), zero);
  const low = o.select(tilted, f64(o, PIO2_LO / 2), zero);
  const base = atanReduced(o, t, high, low);
  const upright = o.select(steep, o.sub(f64(o, PIO2_HI), o.sub(base, f64(o, PIO2_LO))), base);
  const left = o.compare('lt', o.bitsOf(x), o.bits64(0n));
  const turned = o.select(left, o.sub(f64(o, 2 * PIO2_HI), o.sub(upright, f64(o, 2 * PIO2_LO))), upright);
  // NaN where an argument is: less is.
  const value = withSign(o, o.select(o.compare('eq', less, less), turned, less), y);
  return { value };
}

export function sinh(o: Ops, x: Num): Fast {
  const a = o.abs(x);
  const e = expm1Core(o, o.clamp('min', a, 30));
  const inner = o.mul(f64(o, 0.5), o.add(e, o.div(e, o.add(e, f64(o, 1)))));
  const outer = expShifted(o, a, -1n);
  const value = o.select(o.compare('lt', f64(o, 22), a), outer, inner);
  return { value: keepTiny(o, x, withSign(o, value, x)) };
}

export function cosh(o: Ops, x: Num): Fast {
  const half = expShifted(o, o.abs(x), -1n);
  return { value: o.add(half, o.div(f64(o, 0.25), half)) };
}

export function tanh(o: Ops, x: Num): Fast {
  const a = o.clamp('min', o.abs(x), 22);
  const small = o.compare('lt', a, f64(o, 1));
  const two = o.add(a, a);
  const t = expm1Core(o, o.select(small, o.neg(two), two));
  const sum = o.add(t, f64(o, 2));
  const quotient = o.div(o.select(small, o.neg(t), f64(o, 2)), sum);
  const value = o.select(small, quotient, o.sub(f64(o, 1), quotient));
  return { value: keepTiny(o, x, withSign(o, value, x)) };
}
