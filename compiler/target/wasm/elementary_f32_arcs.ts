// The rarer elementary functions in float32 for vectors of four lanes: tangent, arc functions, hyperbolic functions, exp(x) - 1, ln(1 + x). Straight-line code as in elementary_f32.ts; the forms are those of
// elementary_f64.ts with shorter polynomials (relative 2^-27 and better on their intervals, minimax, rounded). In: an argument in registers. Out: the value, and where the fast path
// does not hold a mask of the lanes that the scalar function must do.

import { polynomial, type Fast } from './elementary_f64.ts';
import {
  LARGEST,
  LARGEST_ANGLE,
  LN2_HI,
  LN2_LO,
  LOG,
  f32,
  i32,
  powerOfTwo,
  reduceAngle,
  reduceExp,
  signOf,
} from './elementary_f32.ts';
import type { Num, Ops } from './ops.ts';

/** pi/2 as a sum of two. */
const PIO2_HI = 1.5707963705062866;
const PIO2_LO = -4.371139000186241e-8;
const PIO4_HI = 0.7853981852531433;

/** (tan(r)/r - 1)/r^2 in r^2 for |r| <= pi/4: 2^-27. */
const TAN = [
  0.33333349227905273, 0.13332653045654297, 0.05406106635928154, 0.02127605676651001, 0.010852184146642685,
  6.819759437348694e-5, 0.004387079272419214,
];
/** (atan(t)/t - 1)/t^2 in t^2 for |t| <= 0.4145: 2^-28. */
const ATAN = [
  -0.33333316445350647, 0.19998463988304138, -0.1424337923526764, 0.10592614114284515, -0.0607503280043602,
];
/** (asin(x)/x - 1)/x^2 in x^2 for |x| <= 1/2: 2^-30. */
const ASIN = [
  0.16666659712791443, 0.07500505447387695, 0.044516708701848984, 0.031809911131858826, 0.01442983653396368,
  0.03752938657999039,
];
/** (sinh(x)/x - 1)/x^2 in x^2 for |x| <= 1: 2^-27. */
const SINH = [0.1666666716337204, 0.008333350531756878, 0.0001983614929486066, 2.817012500599958e-6];

function withSign(o: Ops, magnitude: Num, sign: Num): Num {
  return o.as('f32', o.or(o.as('i32', magnitude), signOf(o, sign)));
}

/** Functions that are x near 0 are exactly x where that is right to half an ulp: keeps -0. */
function keepTiny(o: Ops, x: Num, value: Num): Num {
  return o.select(o.compare('lt', o.abs(x), f32(o, 1e-9)), x, value);
}

export function tan(o: Ops, x: Num): Fast {
  const { k, r, low } = reduceAngle(o, x);
  const z = o.mul(r, r);
  const rest = o.fma(o.mul(z, r), polynomial(o, z, TAN), o.fma(low, z, low));
  const t = o.add(r, rest);
  // -1/(t + lost) = q + q^2 lost with q = -1/t.
  const lost = o.add(o.sub(r, t), rest);
  const q = o.div(f32(o, -1), t);
  const cotangent = o.fma(o.mul(q, q), lost, q);
  const odd = o.as('bool', o.shiftBy('shr_s', o.shiftBy('shl', k, 31), 31));
  const value = keepTiny(o, x, o.select(odd, cotangent, t));
  return { value, special: o.not(o.compare('le', o.abs(x), f32(o, LARGEST_ANGLE))) };
}

export function expm1(o: Ops, x: Num): Fast {
  const { k, q } = reduceExp(o, o.clamp('min', o.clamp('max', x, -26), 89));
  // 2^k (q + (1 - 2^-k)), in two factors: k may be 128.
  const inverse = powerOfTwo(o, o.sub(i32(o, 0), o.min(k, i32(o, 100))));
  const sum = o.add(q, o.sub(f32(o, 1), inverse));
  const half = o.shiftBy('shr_s', k, 1);
  const value = o.mul(o.mul(sum, powerOfTwo(o, half)), powerOfTwo(o, o.sub(k, half)));
  return { value: keepTiny(o, x, value) };
}

export function log1p(o: Ops, x: Num): Fast {
  const one = f32(o, 1);
  const u = o.add(x, one);
  const bits = o.as('i32', u);
  const k = o.shiftBy('shr_s', o.sub(bits, i32(o, 0x3f3504f3)), 23);
  const m = o.as('f32', o.sub(bits, o.shiftBy('shl', k, 23)));
  // What 1 + x lost, relative to u.
  const lost = o.select(o.compare('lt', one, x), o.sub(one, o.sub(u, x)), o.sub(x, o.sub(u, one)));
  const near = o.compare('eq', k, i32(o, 0));
  const c = o.select(near, f32(o, 0), o.div(lost, u));
  const f = o.select(near, x, o.sub(m, one));
  const n = o.cast('f32', k);
  const z = o.mul(f, f);
  const tail = o.fma(o.mul(z, f), polynomial(o, f, LOG), o.fma(n, f32(o, LN2_LO), c));
  const value = o.add(o.fma(n, f32(o, LN2_HI), f), o.fnma(z, f32(o, 0.5), tail));
  const inside = o.and(o.compare('le', f32(o, -0.99999), x), o.compare('le', x, f32(o, LARGEST)));
  return { value: keepTiny(o, x, value), special: o.not(inside) };
}

/** exp(a)/2 for a >= 0. */
function halfExp(o: Ops, a: Num): Num {
  const { k, q } = reduceExp(o, o.clamp('min', a, 91));
  const one = o.sub(k, i32(o, 1));
  const half = o.shiftBy('shr_s', one, 1);
  return o.mul(o.mul(o.add(q, f32(o, 1)), powerOfTwo(o, half)), powerOfTwo(o, o.sub(one, half)));
}

export function sinh(o: Ops, x: Num): Fast {
  const a = o.abs(x);
  const z = o.mul(x, x);
  const inner = o.fma(o.mul(z, a), polynomial(o, z, SINH), a);
  const half = halfExp(o, a);
  const outer = o.sub(half, o.div(f32(o, 0.25), half));
  return { value: withSign(o, o.select(o.compare('lt', a, f32(o, 1)), inner, outer), x) };
}

export function cosh(o: Ops, x: Num): Fast {
  const half = halfExp(o, o.abs(x));
  return { value: o.add(half, o.div(f32(o, 0.25), half)) };
}

/** z = x^2 for |x| <= 1/2, else (1 - |x|)/2 with its root s = df + c, where df^2 is exact. */
function arcParts(o: Ops, x: Num): { a: Num; big: Num; rest: Num; s: Num; df: Num; c: Num } {
  const a = o.abs(x);
  const big = o.compare('lt', f32(o, 0.5), a);
  const z = o.select(big, o.mul(o.sub(f32(o, 1), a), f32(o, 0.5)), o.mul(a, a));
  const rest = o.mul(z, polynomial(o, z, ASIN));
  const s = o.float('sqrt', z);
  const df = o.as('f32', o.and(o.as('i32', s), i32(o, -4096)));
  const c = o.div(o.sub(z, o.mul(df, df)), o.add(o.add(s, df), f32(o, 1e-30)));
  return { a, big, rest, s, df, c };
}

export function asin(o: Ops, x: Num): Fast {
  const { a, big, rest, s, df, c } = arcParts(o, x);
  const inner = o.fma(a, rest, a);
  const p = o.sub(o.mul(o.add(s, s), rest), o.sub(f32(o, PIO2_LO), o.add(c, c)));
  const q = o.sub(f32(o, PIO4_HI), o.add(df, df));
  const outer = o.sub(f32(o, PIO4_HI), o.sub(p, q));
  return { value: withSign(o, o.select(big, outer, inner), x) };
}

export function acos(o: Ops, x: Num): Fast {
  const { big, rest, s, df, c } = arcParts(o, x);
  const inner = o.sub(f32(o, PIO2_HI), o.sub(x, o.fnma(x, rest, f32(o, PIO2_LO))));
  const near = o.add(df, o.fma(rest, s, c));
  const far = o.add(s, o.sub(o.mul(rest, s), f32(o, PIO2_LO)));
  const pi = f32(o, 2 * PIO2_HI);
  const outer = o.select(o.compare('lt', x, f32(o, 0)), o.sub(pi, o.add(far, far)), o.add(near, near));
  return { value: o.select(big, outer, inner) };
}

/** high + atan(t) + low for |t| <= 0.4145. */
function atanReduced(o: Ops, t: Num, high: Num, low: Num): Num {
  const z = o.mul(t, t);
  const rest = o.fma(o.mul(t, z), polynomial(o, z, ATAN), low);
  return o.add(high, o.add(t, rest));
}

export function atan(o: Ops, x: Num): Fast {
  const a = o.abs(x);
  const [zero, one] = [f32(o, 0), f32(o, 1)];
  const big = o.compare('lt', f32(o, 2.4142136573791504), a);
  const mid = o.compare('lt', f32(o, 0.41421356797218323), a);
  // -1/a, (a-1)/(a+1) or a.
  const numerator = o.select(big, f32(o, -1), o.select(mid, o.sub(a, one), a));
  const denominator = o.select(big, a, o.select(mid, o.add(a, one), one));
  const t = o.div(numerator, denominator);
  const high = o.select(big, f32(o, PIO2_HI), o.select(mid, f32(o, PIO4_HI), zero));
  const low = o.select(big, f32(o, PIO2_LO), o.select(mid, f32(o, PIO2_LO / 2), zero));
  return { value: withSign(o, atanReduced(o, t, high, low), x) };
}

export function atan2(o: Ops, y: Num, x: Num): Fast {
  const [ax, ay] = [o.abs(x), o.abs(y)];
  const zero = f32(o, 0);
  const steep = o.compare('lt', ax, ay);
  const less = o.select(steep, ax, ay);
  const more = o.select(steep, ay, ax);
  const mid = o.compare('lt', o.mul(more, f32(o, 0.41421356797218323)), less);
  const t = o.div(o.select(mid, o.sub(less, more), less), o.select(mid, o.add(less, more), more));
  const high = o.select(mid, f32(o, PIO4_HI), zero);
  const low = o.select(mid, f32(o, PIO2_LO / 2), zero);
  const base = atanReduced(o, t, high, low);
  const upright = o.select(steep, o.sub(f32(o, PIO2_HI), o.sub(base, f32(o, PIO2_LO))), base);
  const left = o.compare('lt', o.as('i32', x), i32(o, 0));
  const turned = o.select(left, o.sub(f32(o, 2 * PIO2_HI), o.sub(upright, f32(o, 2 * PIO2_LO))), upright);
  // Zeros, infinities, NaN, and sizes whose sum or quotient leaves the range.
  const usual = o.and(o.compare('le', f32(o, 1e-30), more), o.compare('le', more, f32(o, 1e38)));
  return { value: withSign(o, turned, y), special: o.not(usual) };
}
