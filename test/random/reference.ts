// Values of Flow computed straight from the generated text's own tree, without the compiler: the oracle of what a program means. In: arrays as flat lists with their shape. Out: the same.
//
// A machine may be noisy: every result of real arithmetic is then moved by a random rounding. How far the results of noisy machines lie apart is how far a right implementation may lie from
// the exact one. What a machine decides (comparisons, kinks, rounding to ints, order) is summed up in `trace`: two runs with one trace took the same branches.

import { at, range } from '../../compiler/support/lists.ts';

export interface Value {
  readonly shape: readonly number[];
  /** Row-major; truth values are 0 and 1. */
  readonly data: readonly number[];
}

export class Machine {
  trace = 0;
  private state: number;

  /** `unit`: the largest relative error of one operation. */
  constructor(
    readonly unit = 0,
    seed = 1,
  ) {
    this.state = seed >>> 0;
  }

  /** A result of real arithmetic. */
  real(x: number): number {
    if (this.unit === 0) return x;
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return x * (1 + this.unit * (this.state / 2 ** 31 - 1));
  }

  /** A decision that rounding may change. */
  decide(k: number): number {
    this.trace = (Math.imul(this.trace, 31) + k + 7) | 0;
    return k;
  }
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, e) => n * e, 1);
export const scalar = (x: number): Value => ({ shape: [], data: [x] });
export const only = (v: Value): number => at(v.data, 0);
export const full = (shape: readonly number[], x: number): Value => ({
  shape,
  data: range(sizeOf(shape)).map(() => x),
});

/** Places along every axis of the element number `flat`. */
export function placesOf(flat: number, shape: readonly number[]): number[] {
  const out = shape.map(() => 0);
  let rest = flat;
  for (let a = shape.length - 1; a >= 0; a--) {
    const extent = at(shape, a);
    out[a] = rest % extent;
    rest = Math.floor(rest / extent);
  }
  return out;
}

export const flatOf = (places: readonly number[], shape: readonly number[]): number =>
  places.reduce((flat, p, a) => flat * at(shape, a) + p, 0);

/** An array whose element at some places is what `f` says. */
export function build(shape: readonly number[], f: (places: readonly number[]) => number): Value {
  return { shape, data: range(sizeOf(shape)).map((i) => f(placesOf(i, shape))) };
}

export const element = (v: Value, places: readonly number[]): number => at(v.data, flatOf(places, v.shape));

/** Element by element; sizes 1 and numbers go along. */
export function zip(vs: readonly Value[], f: (...xs: readonly number[]) => number): Value {
  const rank = Math.max(...vs.map((v) => v.shape.length));
  const shape = range(rank).map((a) => {
    const extents = vs.filter((v) => v.shape.length === rank).map((v) => at(v.shape, a));
    return extents.find((e) => e !== 1) ?? 1;
  });
  return build(shape, (p) =>
    f(
      ...vs.map((v) =>
        v.shape.length === 0
          ? only(v)
          : element(
              v,
              p.map((i, a) => (at(v.shape, a) === 1 ? 0 : i)),
            ),
      ),
    ),
  );
}

/** The elements along the first axis, as arrays. */
export function rows(v: Value): Value[] {
  const [n = 0, ...rest] = v.shape;
  const size = sizeOf(rest);
  return range(n).map((i) => ({ shape: rest, data: v.data.slice(i * size, (i + 1) * size) }));
}

export const stack = (vs: readonly Value[], rest: readonly number[]): Value => ({
  shape: [vs.length, ...rest],
  data: vs.flatMap((v) => v.data),
});

/** One value for each line along an axis. */
export function reduceAxis(v: Value, axis: number, f: (line: readonly number[]) => number): Value {
  const shape = v.shape.filter((_, a) => a !== axis);
  return build(shape, (p) =>
    f(range(at(v.shape, axis)).map((i) => element(v, [...p.slice(0, axis), i, ...p.slice(axis)]))),
  );
}

/** Every line along an axis replaced by one of the same length. */
export function alongAxis(v: Value, axis: number, f: (line: readonly number[]) => readonly number[]): Value {
  const done = new Map<string, readonly number[]>();
  return build(v.shape, (p) => {
    const key = p.map((i, a) => (a === axis ? 0 : i)).join();
    const line =
      done.get(key) ??
      f(
        range(at(v.shape, axis)).map((i) =>
          element(
            v,
            p.map((q, a) => (a === axis ? i : q)),
          ),
        ),
      );
    done.set(key, line);
    return at(line, at(p, axis));
  });
}

export function sum(m: Machine, xs: readonly number[]): number {
  return xs.reduce((s, x) => m.real(s + x), 0);
}

/** Half to even. */
export const roundEven = (x: number): number =>
  Math.abs(x - Math.trunc(x)) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);

/** The place of the largest by `key`, the first of several; what was decided is remembered. */
export function firstLargest(m: Machine, xs: readonly number[]): number {
  let best = 0;
  xs.forEach((x, i) => {
    if (x > at(xs, best)) best = i;
  });
  return m.decide(best);
}

export function order(m: Machine, xs: readonly number[], descending: boolean): number[] {
  const sign = descending ? -1 : 1;
  const places = range(xs.length).sort((i, j) => sign * (at(xs, i) - at(xs, j)) || i - j);
  places.forEach((p) => m.decide(p));
  return places;
}

export function matmul(m: Machine, a: Value, b: Value): Value {
  const A = a.shape.length === 1 ? { shape: [1, ...a.shape], data: a.data } : a;
  const B = b.shape.length === 1 ? { shape: [...b.shape, 1], data: b.data } : b;
  const [rowsA = 0, inner = 0] = A.shape;
  const [, columns = 0] = B.shape;
  const product = build([rowsA, columns], ([i = 0, j = 0]) =>
    sum(
      m,
      range(inner).map((k) => m.real(element(A, [i, k]) * element(B, [k, j]))),
    ),
  );
  return {
    shape: [...(a.shape.length === 1 ? [] : [rowsA]), ...(b.shape.length === 1 ? [] : [columns])],
    data: product.data,
  };
}

export const wrapInt = (x: number): number => x | 0;

/** x with A x = b, by elimination; A is diagonally dominant. */
export function solved(m: Machine, A: Value, b: Value): Value {
  const n = b.data.length;
  const M = rows(A).map((r, i) => [...r.data, at(b.data, i)]);
  for (let k = 0; k < n; k++)
    for (let i = k + 1; i < n; i++) {
      const [pivot, row] = [at(M, k), at(M, i)];
      const c = m.real(at(row, k) / at(pivot, k));
      M[i] = row.map((x, j) => (j < k ? 0 : m.real(x - m.real(c * at(pivot, j)))));
    }
  const x = range(n).map(() => 0);
  for (let k = n - 1; k >= 0; k--) {
    const row = at(M, k);
    const rest = sum(
      m,
      range(n - k - 1).map((j) => m.real(at(row, k + 1 + j) * at(x, k + 1 + j))),
    );
    x[k] = m.real(m.real(at(row, n) - rest) / at(row, k));
  }
  return { shape: [n], data: x };
}
