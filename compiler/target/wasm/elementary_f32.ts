// Elementary functions in float32 for vectors of four lanes: straight-line code over the operations of ops.ts. In: an argument in registers. Out: the value, and where the fast path does not hold a mask
// of the lanes that the scalar function must do. Errors are at most 2 ulp; spec/elementary_functions.md has the measured ones. Coefficients are minimax, computed in 300-bit
// arithmetic by the Remez exchange and rounded.

import { polynomial, type Fast } from './elementary_f64.ts';
import type { Num, Ops } from './ops.ts';

/** 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits. */
const MAGIC = 12582912;
const MAGIC_BITS = 0x4b400000;
const LOG2E = 1.4426950216293335;
/** ln 2 in 15 bits and the rest. */
export const LN2_HI = 0.693145751953125;
export const LN2_LO = 1.428606765330187e-6;
/** pi/2 in 13 + 13 + 13 bits and the rest. */
const PIO2 = [1.57080078125, -4.454515874385834e-6, 6.076561476220377e-11, 5.390302953474238e-15] as const;
const TWO_OVER_PI = 0.6366197466850281;

/** (exp(r) - 1 - r)/r^2 on |r| <= ln(2)/2: 2^-32. */
const EXP = [
  0.5, 0.1666666716337204, 0.04166635498404503, 0.008333273231983185, 0.0013941008364781737,
  0.0001991416938835755,
];
/** (ln(1+f) - f + f^2/2)/f^3 on sqrt(1/2)-1 .. sqrt(2)-1: 2^-30.4. */
export const LOG = [
  0.3333331048488617, -0.24999986588954926, 0.20002226531505585, -0.16669251024723053, 0.14218665659427643,
  -0.12384336441755295, 0.11872918158769608, -0.11789854615926743, 0.06915544718503952,
];
/** (sin(r)/r - 1)/r^2 and (cos(r) - 1 + r^2/2)/r^4 in r^2 for |r| <= pi/4: 2^-28, 2^-33. */
const SIN = [-0.16666655242443085, 0.008332173340022564, -0.00019516656175255775];
const COS = [0.04166664555668831, -0.001388736185617745, 2.4437729734927416e-5];
/** (tanh(x)/x - 1)/x^2 in x^2 for |x| <= 0.55: 2^-29.9. */
const TANH = [
  -0.33333319425582886, 0.13332602381706238, -0.05385385826230049, 0.021077759563922882,
  -0.006282473914325237,
];

/** Arguments up to which sine and cosine need no other path: 2^11 quarter turns. */
export const LARGEST_ANGLE = 3216;
export const SMALLEST_NORMAL = 1.1754943508222875e-38;
export const LARGEST = 3.4028234663852886e38;

export const f32 = (o: Ops, x: number): Num => o.constant('f32', x);
export const i32 = (o: Ops, x: number): Num => o.constant('i32', x);

/** Integer nearest to x * scale as f32 and i32. */
function nearest(o: Ops, x: Num, scale: number): { readonly n: Num; readonly k: Num } {
  const shifted = o.fma(x, f32(o, scale), f32(o, MAGIC));
  return { n: o.sub(shifted, f32(o, MAGIC)), k: o.sub(o.as('i32', shifted), i32(o, MAGIC_BITS)) };
}

export function powerOfTwo(o: Ops, k: Num): Num {
  return o.as('f32', o.shiftBy('shl', o.add(k, i32(o, 127)), 23));
}

export function reduceExp(o: Ops, x: Num): { readonly k: Num; readonly q: Num } {
  const { n, k } = nearest(o, x, LOG2E);
  const r = o.fnma(n, f32(o, LN2_LO), o.fnma(n, f32(o, LN2_HI), x));
  return { k, q: o.fma(o.mul(r, r), polynomial(o, r, EXP), r) };
}

export function exp(o: Ops, x: Num): Fast {
  const { k, q } = reduceExp(o, o.clamp('min', o.clamp('max', x, -104), 89));
  const half = o.shiftBy('shr_s', k, 1);
  const y = o.mul(o.add(q, f32(o, 1)), powerOfTwo(o, half));
  return { value: o.mul(y, powerOfTwo(o, o.sub(k, half))) };
}

export function log(o: Ops, x: Num): Fast {
  const bits = o.as('i32', x);
  const k = o.shiftBy('shr_s', o.sub(bits, i32(o, 0x3f3504f3)), 23);
  const m = o.as('f32', o.sub(bits, o.shiftBy('shl', k, 23)));
  const f = o.sub(m, f32(o, 1));
  const n = o.cast('f32', k);
  const z = o.mul(f, f);
  const tail = o.fma(o.mul(z, f), polynomial(o, f, LOG), o.mul(n, f32(o, LN2_LO)));
  const low = o.fnma(z, f32(o, 0.5), tail);
  // n ln2_hi is exact; f is the larger part of the rest.
  const value = o.add(o.fma(n, f32(o, LN2_HI), f), low);
  const inside = o.and(o.compare('le', f32(o, SMALLEST_NORMAL), x), o.compare('le', x, f32(o, LARGEST)));
  return { value, special: o.not(inside) };
}

/** The rest of an angle after its number of quarter turns, which stands in the low bits of k: r, and what r has lost by rounding. */
export function reduceAngle(o: Ops, a: Num): { readonly k: Num; readonly r: Num; readonly low: Num } {
  const shifted = o.fma(a, f32(o, TWO_OVER_PI), f32(o, MAGIC));
  const n = o.sub(shifted, f32(o, MAGIC));
  // The first three products are exact, and so are the first two differences.
  const [first, second, third, fourth] = PIO2;
  const near = o.fnma(n, f32(o, second), o.fnma(n, f32(o, first), a));
  const far = o.fnma(n, f32(o, third), near);
  const r = o.fnma(n, f32(o, fourth), far);
  return {
    k: o.as('i32', shifted),
    r,
    low: o.fnma(n, f32(o, fourth), o.fnma(n, f32(o, third), o.sub(near, r))),
  };
}

/** Sine (turn 0) or cosine (turn 1), of |x|; the sine takes the sign of x, also of zero. Both of one x share all but the last two operations. */
function rotated(o: Ops, x: Num, turn: 0 | 1, positive: boolean): Fast {
  const a = positive ? x : o.abs(x);
  const { k, r } = reduceAngle(o, a);
  const z = o.mul(r, r);
  const sin = o.as('i32', o.fma(o.mul(z, r), polynomial(o, z, SIN), r));
  const cos = o.as('i32', o.fma(o.mul(z, z), polynomial(o, z, COS), o.fnma(z, f32(o, 0.5), f32(o, 1))));
  const odd = o.shiftBy('shl', k, 31);
  const exchange = o.and(o.shiftBy('shr_s', odd, 31), o.xor(sin, cos));
  const turned = o.and(o.shiftBy('shl', k, 30), i32(o, -2147483648));
  const value =
    turn === 1
      ? o.xor(o.xor(cos, exchange), o.xor(turned, odd))
      : o.xor(o.xor(sin, exchange), positive ? turned : o.xor(turned, signOf(o, x)));
  return { value: o.as('f32', value), special: o.not(o.compare('le', a, f32(o, LARGEST_ANGLE))) };
}

export function signOf(o: Ops, x: Num): Num {
  return o.and(o.as('i32', x), i32(o, -2147483648));
}

/** `positive`: x is known to be greater than zero. */
export function sin(o: Ops, x: Num, positive: boolean): Fast {
  return rotated(o, x, 0, positive);
}

export function cos(o: Ops, x: Num, positive: boolean): Fast {
  return rotated(o, x, 1, positive);
}

export function tanh(o: Ops, x: Num): Fast {
  const a = o.abs(x);
  const z = o.mul(x, x);
  const near = o.fma(o.mul(z, a), polynomial(o, z, TANH), a);
  // 1 - 2/(exp(2a) + 1); beyond 9.02 that is 1.
  const double = o.clamp('min', o.add(a, a), 20);
  const { k, q } = reduceExp(o, double);
  const e = o.mul(o.add(q, f32(o, 1)), powerOfTwo(o, k));
  const far = o.sub(f32(o, 1), o.div(f32(o, 2), o.add(e, f32(o, 1))));
  const magnitude = o.select(o.compare('lt', a, f32(o, 0.55)), near, far);
  return { value: o.as('f32', o.or(o.as('i32', magnitude), signOf(o, x))) };
}
