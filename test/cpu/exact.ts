// Elementary functions to about 60 digits in integer arithmetic, and the error of a float64 or float32 result in units of its last place. In: float64 numbers. Out: exact reals as
// `mantissa * 2^-bits`. Series after argument reduction, nothing from Math; a reference for tests, slow and simple.

/** A real number, value = m * 2^-p. */
export interface Real {
  readonly m: bigint;
  readonly p: number;
}

const absolute = (a: bigint): bigint => (a < 0n ? -a : a);

function bitLength(a: bigint): number {
  return absolute(a).toString(2).length;
}

/** Exact value of a finite float64. */
export function fromNumber(x: number): Real {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const m = exponent === 0 ? fraction : fraction | 0x10000000000000n;
  const signed = x < 0 ? -m : m;
  const p = 1075 - Math.max(exponent, 1);
  return p >= 0 ? { m: signed, p } : { m: signed << BigInt(-p), p: 0 };
}

/** The mantissa at p bits behind the point. */
function at(a: Real, p: number): bigint {
  return p >= a.p ? a.m << BigInt(p - a.p) : a.m >> BigInt(a.p - p);
}

function mul(a: bigint, b: bigint, p: number): bigint {
  // Towards zero, so that the terms of a series reach it from either side.
  const product = a * b;
  return product < 0n ? -(-product >> BigInt(p)) : product >> BigInt(p);
}

function div(a: bigint, b: bigint, p: number): bigint {
  return (a << BigInt(p)) / b;
}

function sqrtFixed(a: bigint, p: number): bigint {
  const n = a << BigInt(p);
  if (n <= 0n) return 0n;
  let x = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const y = (x + n / x) >> 1n;
    if (y >= x) return x;
    x = y;
  }
}

const one = (p: number): bigint => 1n << BigInt(p);

/** atanh(a / b) for small a / b, as a series. */
function atanhRatio(a: bigint, b: bigint, p: number): bigint {
  let power = div(a, b, p);
  const square = mul(power, power, p);
  let sum = 0n;
  for (let k = 1n; power !== 0n; k += 2n) {
    sum += power / k;
    power = mul(power, square, p);
  }
  return sum;
}

const constants = () => {
  const ln2 = new Map<number, bigint>();
  const halfPi = new Map<number, bigint>();
  return {
    ln2(p: number): bigint {
      let value = ln2.get(p);
      if (value === undefined) ln2.set(p, (value = (2n * atanhRatio(1n, 3n, p + 20)) >> 20n));
      return value;
    },
    /** Machin: pi/4 = 4 atan(1/5) - atan(1/239). */
    halfPi(p: number): bigint {
      let value = halfPi.get(p);
      if (value === undefined) {
        const q = p + 20;
        const atanInverse = (n: bigint): bigint => {
          let power = one(q) / n;
          let sum = 0n;
          for (let k = 1n, sign = 1n; power !== 0n; k += 2n, sign = -sign) {
            sum += (sign * power) / k;
            power /= n * n;
          }
          return sum;
        };
        halfPi.set(p, (value = (8n * atanInverse(5n) - 2n * atanInverse(239n)) >> 20n));
      }
      return value;
    },
  };
};
const known = constants();

/** Bits behind the point for an argument: 230 significant ones. */
function precision(...args: readonly number[]): number {
  const smallest = Math.min(...args.map((x) => (x === 0 ? 1 : Math.abs(x))));
  return 230 + Math.max(0, 2 * Math.ceil(-Math.log2(smallest)));
}

function roundedQuotient(a: bigint, b: bigint): bigint {
  const twice = 2n * a + b;
  return twice >= 0n ? twice / (2n * b) : -((-twice + 2n * b - 1n) / (2n * b));
}

/** exp of a fixed-point number: mantissa at p bits, and an exponent of two. */
function expFixed(x: bigint, p: number): { readonly m: bigint; readonly shift: number } {
  const n = roundedQuotient(x, known.ln2(p));
  const r = x - n * known.ln2(p);
  let term = one(p);
  let sum = term;
  for (let k = 1n; term !== 0n; k++) {
    term = mul(term, r, p) / k;
    sum += term;
  }
  return { m: sum, shift: Number(n) };
}

function shifted(m: bigint, p: number, shift: number): Real {
  return shift > p ? { m: m << BigInt(shift - p), p: 0 } : { m, p: p - shift };
}

/** Significant part of an exponential with its exponent; `p` must hold the argument. */
function expReal(x: bigint, p: number): Real {
  const { m, shift } = expFixed(x, p);
  return shifted(m, p, shift);
}

function logFixed(x: Real, p: number): bigint {
  const k = bitLength(x.m) - x.p;
  // x / 2^k in 1/2 .. 1, times 4/3: near 1
  const m = at({ m: x.m, p: x.p + k }, p);
  const c = one(p);
  const scaledUp = (m * 4n) / 3n;
  const log43 = 2n * atanhRatio(1n, 7n, p);
  return 2n * atanhRatio(scaledUp - c, scaledUp + c, p) - log43 + BigInt(k) * known.ln2(p);
}

/** Quarter turns and the rest of the angle. */
function reduceAngle(x: number): { readonly q: number; readonly r: bigint; readonly p: number } {
  const p = precision(x) + 200;
  const wide = p + 1100;
  const value = at(fromNumber(x), wide);
  const half = known.halfPi(wide);
  const n = roundedQuotient(value, half);
  return { q: Number(((n % 4n) + 4n) % 4n), r: (value - n * half) >> 1100n, p };
}

function sinFixed(r: bigint, p: number): bigint {
  let term = r;
  let sum = r;
  const square = mul(r, r, p);
  for (let k = 2n; term !== 0n; k += 2n) {
    term = -mul(term, square, p) / (k * (k + 1n));
    sum += term;
  }
  return sum;
}

function cosFixed(r: bigint, p: number): bigint {
  let term = one(p);
  let sum = term;
  const square = mul(r, r, p);
  for (let k = 1n; term !== 0n; k += 2n) {
    term = -mul(term, square, p) / (k * (k + 1n));
    sum += term;
  }
  return sum;
}

/** atan(a / b) for b > 0, a >= 0. */
function atanRatio(a: bigint, b: bigint, p: number): bigint {
  if (a > b) return known.halfPi(p) - atanRatio(b, a, p);
  let x = div(a, b, p);
  const halvings = 4;
  for (let i = 0; i < halvings; i++) x = div(x, one(p) + sqrtFixed(one(p) + mul(x, x, p), p), p);
  let term = x;
  let sum = x;
  const square = mul(x, x, p);
  for (let k = 3n; term !== 0n; k += 2n) {
    term = -mul(term, square, p);
    sum += term / k;
  }
  return sum << BigInt(halvings);
}

function atan2Fixed(y: bigint, x: bigint, p: number): bigint {
  const quarter = y === 0n && x === 0n ? 0n : atanRatio(absolute(y), absolute(x), p);
  const upper = x < 0n ? 2n * known.halfPi(p) - quarter : quarter;
  return y < 0n ? -upper : upper;
}

type Unary = (x: number) => Real;

const trigonometric =
  (turn: 0 | 1): Unary =>
  (x) => {
    const { q, r, p } = reduceAngle(x);
    const quarter = (q + turn) % 4;
    const value = quarter % 2 === 0 ? sinFixed(r, p) : cosFixed(r, p);
    return { m: quarter >= 2 ? -value : value, p };
  };

function hyperbolic(x: number, combine: (e: bigint, inverse: bigint, p: number) => bigint): Real {
  // Enough bits behind the point for exp(-|x|) beside exp(|x|).
  const p = precision(x) + Math.ceil(3 * Math.abs(x));
  const value = at(fromNumber(x), p);
  const up = at(expReal(value, p), p);
  const down = at(expReal(-value, p), p);
  return { m: combine(up, down, p), p };
}

export const exactUnary: Readonly<Record<string, Unary>> = {
  exp: (x) => {
    const p = precision(x);
    return expReal(at(fromNumber(x), p), p);
  },
  expm1: (x) => {
    const p = precision(x) + 80;
    const e = expReal(at(fromNumber(x), p), p);
    return { m: at(e, p) - one(p), p };
  },
  log: (x) => {
    const p = precision(x - 1) + 60;
    return { m: logFixed(fromNumber(x), p), p };
  },
  log1p: (x) => {
    const p = precision(x) + 60;
    const value = fromNumber(x);
    const q = Math.max(value.p, p);
    return { m: logFixed({ m: at(value, q) + one(q), p: q }, p), p };
  },
  sin: trigonometric(0),
  cos: trigonometric(1),
  tan: (x) => {
    const { q, r, p } = reduceAngle(x);
    const [s, c] = [sinFixed(r, p), cosFixed(r, p)];
    return { m: q % 2 === 0 ? div(s, c, p) : div(-c, s, p), p };
  },
  asin: (x) => {
    const p = precision(x) + 60;
    const v = at(fromNumber(x), p);
    return { m: atan2Fixed(v, sqrtFixed(one(p) - mul(v, v, p), p), p), p };
  },
  acos: (x) => {
    const p = precision(x, 1 - Math.abs(x)) + 120;
    const v = at(fromNumber(x), p);
    return { m: atan2Fixed(sqrtFixed(mul(one(p) - v, one(p) + v, p), p), v, p), p };
  },
  atan: (x) => {
    const p = precision(x) + 60 + Math.ceil(Math.max(0, Math.log2(Math.abs(x) + 1)));
    return { m: atan2Fixed(at(fromNumber(x), p), one(p), p), p };
  },
  sinh: (x) => hyperbolic(x, (e, i) => (e - i) / 2n),
  cosh: (x) => hyperbolic(x, (e, i) => (e + i) / 2n),
  tanh: (x) => hyperbolic(x, (e, i, p) => div(e - i, e + i, p)),
};

export const exactBinary: Readonly<Record<string, (x: number, y: number) => Real>> = {
  pow: (x, y) => {
    const p = precision(x - 1, y) + 100 + Math.ceil(Math.max(0, Math.log2(Math.abs(y) + 1)));
    return expReal(mul(logFixed(fromNumber(x), p), at(fromNumber(y), p), p), p);
  },
  atan2: (y, x) => {
    const p =
      precision(x, y) + 100 + Math.ceil(Math.max(0, Math.log2(Math.abs(x) + 1), Math.log2(Math.abs(y) + 1)));
    return { m: atan2Fixed(at(fromNumber(y), p), at(fromNumber(x), p), p), p };
  },
};

/** |result - exact| in units in the last place of the exact value; of the smallest denormal number below. */
export function ulpError(result: number, exact: Real, type: 'f32' | 'f64'): number {
  const [digits, lowest, highest] = type === 'f64' ? [53, -1074, 1024] : [24, -149, 128];
  const exponent = bitLength(exact.m) - exact.p; // exact in 2^(exponent-1) .. 2^exponent
  const last = Math.max(exponent - digits, lowest);
  if (!Number.isFinite(result)) {
    // The exact value rounds to infinity.
    return exponent > highest || (exponent === highest && roundsUp(exact, digits)) ? 0 : Infinity;
  }
  const r = fromNumber(result);
  const p = Math.max(exact.p, r.p, 0);
  const difference = absolute(at(r, p) - at(exact, p));
  // difference * 2^-p / 2^last, to 1/2^20
  const scale = 20 - p - last;
  const units = scale >= 0 ? difference << BigInt(scale) : difference >> BigInt(-scale);
  return Number(units) / 2 ** 20;
}

function roundsUp(exact: Real, digits: number): boolean {
  const length = bitLength(exact.m);
  if (length <= digits + 1) return false;
  const top = absolute(exact.m) >> BigInt(length - digits - 1);
  return top === (1n << BigInt(digits + 1)) - 1n;
}
