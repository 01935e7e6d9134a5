// Powers in float64, for scalars and vectors alike: the logarithm as a sum of two numbers with a relative error of 2^-65, so that the exponential of its product with the exponent is right to
// about an ulp even where that product is 700. In: base and exponent. Out: the power, and a mask of the lanes with bases that are not positive and finite or exponents that are not finite.
// Exact products come from splitting the factors into halves (T. J. Dekker 1971), not from fused multiply-add, which an engine may carry out in two roundings.

import { polynomial, splitExponent, reduceExp, expm1Reduced, scale, type Fast } from './elementary_f64.ts';
import type { Num, Ops } from './ops.ts';

interface Pair {
  readonly high: Num;
  readonly low: Num;
}

/** (ln((1+s)/(1-s))/(2s) - 1 - z/3) / z^2 in z = s^2 <= 0.0295, relative 2^-60. */
const TAIL = [
  0.2, 0.1428571428571469, 0.1111111111082409, 0.090909091685173, 0.07692297398147405, 0.06667406658524024,
  0.05853007442209738, 0.05862704746816047,
];
const LN2_HI = 0.6931471806019545;
const LN2_LO = -4.2009150726810846e-11;
const LARGEST = 1.7976931348623157e308;

const f64 = (o: Ops, x: number): Num => o.constant('f64', x);

/** a + b and its rounding error, |a| >= |b|. */
function sum(o: Ops, a: Num, b: Num): Pair {
  const high = o.add(a, b);
  return { high, low: o.add(o.sub(a, high), b) };
}

function halves(o: Ops, a: Num): Pair {
  const high = o.fromBits(o.and(o.bitsOf(a), o.bits64(-134217728n)));
  return { high, low: o.sub(a, high) };
}

/** a * b and its rounding error. */
function product(o: Ops, a: Num, b: Num): Pair {
  const high = o.mul(a, b);
  const [x, y] = [halves(o, a), halves(o, b)];
  const first = o.sub(o.mul(x.high, y.high), high);
  const second = o.add(first, o.mul(x.high, y.low));
  const third = o.add(second, o.mul(x.low, y.high));
  return { high, low: o.add(third, o.mul(x.low, y.low)) };
}

/** ln of a positive finite number. */
function logarithm(o: Ops, x: Num): Pair {
  const denormal = o.compare('lt', x, f64(o, 2.2250738585072014e-308));
  const lifted = o.select(denormal, o.mul(x, f64(o, 2 ** 54)), x);
  const { k: exponent, m } = splitExponent(o, lifted);
  const k = o.sub(exponent, o.select(denormal, f64(o, 54), f64(o, 0)));
  // s = f / (2 + f)
  const f = o.sub(m, f64(o, 1));
  const d = sum(o, f64(o, 2), f);
  const s = o.div(f, d.high);
  const back = product(o, s, d.high);
  const rest = o.sub(o.sub(o.sub(f, back.high), back.low), o.mul(s, d.low));
  const sLow = o.div(rest, d.high);
  // z = s^2; ln(1 + f) = 2 s (1 + z (1/3 + z (1/5 + ...)))
  const square = product(o, s, s);
  const z = square.high;
  const zLow = o.add(square.low, o.mul(o.add(s, s), sLow));
  const w = o.mul(z, polynomial(o, z, TAIL));
  const c = sum(o, f64(o, 0.3333333333333333), w);
  const cLow = o.add(c.low, f64(o, 1.850371707708594e-17));
  const p = product(o, z, c.high);
  const pLow = o.add(p.low, o.add(o.mul(z, cLow), o.mul(zLow, c.high)));
  const sp = product(o, s, p.high);
  const spLow = o.add(sp.low, o.add(o.mul(s, pLow), o.mul(sLow, p.high)));
  const t = sum(o, s, sp.high);
  const tLow = o.add(t.low, o.add(spLow, sLow));
  // k ln 2 + 2 (t + tLow); |k ln 2| > |2 t| or k = 0
  const main = o.mul(k, f64(o, LN2_HI));
  const log = sum(o, main, o.add(t.high, t.high));
  const zero = o.compare('eq', k, f64(o, 0));
  const high = o.select(zero, o.add(t.high, t.high), log.high);
  const error = o.select(zero, f64(o, 0), log.low);
  const low = o.add(error, o.add(o.add(tLow, tLow), o.mul(k, f64(o, LN2_LO))));
  const total = sum(o, high, low);
  return total;
}

function clamp(o: Ops, x: Num, bound: number): Num {
  return o.clamp('min', o.clamp('max', x, -bound), bound);
}

export function pow(o: Ops, x: Num, y: Num): Fast {
  const log = logarithm(o, x);
  // Larger exponents give 0, 1 or infinity as this one does.
  const exponent = clamp(o, y, 1e30);
  const e = product(o, exponent, log.high);
  const eLow = o.add(e.low, o.mul(exponent, log.low));
  const inside = clamp(o, e.high, 760);
  const kept = o.select(o.compare('eq', inside, e.high), eLow, f64(o, 0));
  const { k, r } = reduceExp(o, inside);
  const value = scale(o, o.add(expm1Reduced(o, o.add(r, kept)), f64(o, 1)), k);
  return { value, special: powSpecial(o, x, y, 'f64') };
}

/** Bases that are not positive and finite, exponents that are not finite. */
export function powSpecial(o: Ops, x: Num, y: Num, type: 'f32' | 'f64'): Num {
  const limit = o.constant(type, type === 'f64' ? LARGEST : 3.4028234663852886e38);
  const positive = o.and(o.compare('lt', o.constant(type, 0), x), o.compare('le', x, limit));
  return o.not(o.and(positive, o.compare('le', o.abs(y), limit)));
}

/** (ln((1+s)/(1-s))/s - 2)/s^2 in s^2 for s as above: 2^-37; (exp(r) - 1 - r)/r^2 on |r| <= ln(2)/2: 2^-34. */
const SHORT_LOG = [0.6666666564129324, 0.4000033621919251, 0.28537238329399117, 0.23583568765662596];
const SHORT_EXP = [
  0.5000000077910036, 0.1666666686050076, 0.04166626992497588, 0.008333264398956089, 0.0013946074302949786,
  0.00019918361894729337,
];

/** Powers of float32 numbers that are held as float64, to about 2^-29: rounded to float32 the result is right to half an ulp and a little. The base is positive (denormal numbers of float32 are normal here). */
export function powOfSingles(o: Ops, x: Num, y: Num): Num {
  const { k, m } = splitExponent(o, x);
  const f = o.sub(m, f64(o, 1));
  const s = o.div(f, o.add(f, f64(o, 2)));
  const z = o.mul(s, s);
  const tail = o.fma(o.mul(s, z), polynomial(o, z, SHORT_LOG), o.add(s, s));
  const log = o.fma(k, f64(o, Math.LN2), tail);
  const { k: n, r } = reduceExp(o, clamp(o, o.mul(y, log), 200));
  const value = o.add(o.fma(o.mul(r, r), polynomial(o, r, SHORT_EXP), r), f64(o, 1));
  return scale(o, value, n);
}
