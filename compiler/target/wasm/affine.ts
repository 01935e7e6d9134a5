// Integer expressions as sums `constant + sum of coefficient * variable`, and the intervals they can take. Index arithmetic in kernels is of this form nearly everywhere: addresses, proofs that a
// guard always holds and the place where it begins to hold are read off it. Values are exact as long as the i32 arithmetic of the kernel does not wrap, which index arithmetic may not.

/** Terms have coefficients other than 0 and are sorted by variable. */
export interface Affine {
  readonly terms: readonly (readonly [variable: string, coefficient: number])[];
  readonly constant: number;
}

/** lo..hi, both inclusive; may be infinite. */
export interface Interval {
  readonly lo: number;
  readonly hi: number;
}

export const everything: Interval = { lo: -Infinity, hi: Infinity };

export function constantAffine(constant: number): Affine {
  return { terms: [], constant };
}

export function variableAffine(variable: string): Affine {
  return { terms: [[variable, 1]], constant: 0 };
}

/** a + scale * b. */
export function addScaled(a: Affine, b: Affine, scale: number): Affine {
  if (scale === 0) return a;
  const constant = a.constant + scale * b.constant;
  if (b.terms.length === 0) return { terms: a.terms, constant };
  const sum = new Map(a.terms);
  for (const [variable, c] of b.terms) sum.set(variable, (sum.get(variable) ?? 0) + scale * c);
  const terms = [...sum].filter(([, c]) => c !== 0).sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0));
  return { terms, constant };
}

export function scaled(a: Affine, scale: number): Affine {
  return addScaled(constantAffine(0), a, scale);
}

export function coefficient(a: Affine, variable: string): number {
  return a.terms.find(([v]) => v === variable)?.[1] ?? 0;
}

/** The affine without one variable. */
export function without(a: Affine, variable: string): Affine {
  return { terms: a.terms.filter(([v]) => v !== variable), constant: a.constant };
}

export function intervalOf(a: Affine, of: (variable: string) => Interval): Interval {
  let lo = a.constant;
  let hi = a.constant;
  for (const [variable, c] of a.terms) {
    const range = of(variable);
    lo += c > 0 ? c * range.lo : c * range.hi;
    hi += c > 0 ? c * range.hi : c * range.lo;
  }
  return { lo, hi };
}

/** Whether all of an interval is in i32, so that the value was computed without wrapping. */
export function inRange({ lo, hi }: Interval): boolean {
  return lo >= -2147483648 && hi <= 2147483647;
}

/** Whether coefficients are small enough to be exact after further sums. */
export function isExact(a: Affine): boolean {
  return Math.abs(a.constant) < 2 ** 44 && a.terms.every(([, c]) => Math.abs(c) < 2 ** 44);
}

/** a = divisor * quotient + rest with every coefficient and the constant of `rest` in 0..divisor-1. */
export function dividedBy(a: Affine, divisor: number): { readonly quotient: Affine; readonly rest: Affine } {
  const split = (c: number) => Math.floor(c / divisor);
  const terms = a.terms.map(([v, c]) => [v, split(c)] as const).filter(([, c]) => c !== 0);
  const quotient = { terms, constant: split(a.constant) };
  return { quotient, rest: addScaled(a, quotient, -divisor) };
}
