import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { Expr } from '../../compiler/kernel/types.ts';
import type { BinaryOp, UnaryOp } from '../../compiler/ir/types.ts';
import { axis, buffer, kernelPlan, mapKernel, onCpu } from '../wasm/support.ts';
import { exactBinary, exactUnary, ulpError } from './exact.ts';
import { samples, pairs } from './samples.ts';

type Float = 'f32' | 'f64';

/** `scalar`: one point at a time instead of in vectors. */
async function evaluate(
  op: string,
  type: Float,
  x: Float64Array,
  y: Float64Array | undefined,
  strict: boolean,
  scalar = false,
): Promise<Float64Array> {
  const n = x.length;
  const load = (b: number) => k.load(type, b, axis(0));
  const value: Expr =
    y === undefined
      ? { kind: 'unary', type, op: op as UnaryOp, a: load(0) }
      : { kind: 'binary', type, op: op as BinaryOp, a: load(0), b: load(1) };
  const buffers = [buffer('x', type, n), buffer('y', type, n), buffer('out', type, n, 'write')];
  const plan = kernelPlan(mapKernel(scalar ? [n, 1] : [n], buffers, [k.store(2, axis(0), value)]));
  const result = await onCpu(plan, { x, y: y ?? new Float64Array(n) }, { strict });
  return result.out ?? new Float64Array();
}

/** Vectors strictly and with fused operations, and scalars. */
const ways = [
  [true, false],
  [false, false],
  [true, true],
] as const;

function worst(
  result: Float64Array,
  error: (i: number) => number,
): { readonly error: number; readonly i: number } {
  let [largest, i] = [0, 0];
  for (let j = 0; j < result.length; j++) {
    const e = error(j);
    if (!(e <= largest)) [largest, i] = [e, j];
  }
  return { error: largest, i };
}

describe.each(['f64', 'f32'] as const)('elementary functions of one argument, %s', (type) => {
  it.each(Object.keys(exactUnary))('%s', async (op) => {
    const x = samples(op, type, 2000);
    const exact = exactUnary[op];
    if (exact === undefined) throw new Error(op);
    const references = [...x].map((v) => exact(v));
    for (const [strict, scalar] of ways) {
      const result = await evaluate(op, type, x, undefined, strict, scalar);
      const { error, i } = worst(result, (j) =>
        ulpError(result[j] ?? NaN, references[j] ?? { m: 0n, p: 0 }, type),
      );
      if (process.env.SHOW_ULP)
        console.log(op, type, strict, scalar, error.toFixed(3), 'at', x[i], result[i]);
      expect(error, `${op} of ${x[i]} gives ${result[i]}`).toBeLessThanOrEqual(2);
    }
  });
});

describe.each(['f64', 'f32'] as const)('elementary functions of two arguments, %s', (type) => {
  it.each(Object.keys(exactBinary))('%s', async (op) => {
    const { x, y } = pairs(op, type, 1500);
    const exact = exactBinary[op];
    if (exact === undefined) throw new Error(op);
    const references = [...x].map((v, i) => exact(v, y[i] ?? 0));
    for (const [strict, scalar] of ways) {
      const result = await evaluate(op, type, x, y, strict, scalar);
      const { error, i } = worst(result, (j) =>
        ulpError(result[j] ?? NaN, references[j] ?? { m: 0n, p: 0 }, type),
      );
      if (process.env.SHOW_ULP)
        console.log(op, type, strict, scalar, error.toFixed(3), 'at', x[i], y[i], result[i]);
      expect(error, `${op} of ${x[i]}, ${y[i]} gives ${result[i]}`).toBeLessThanOrEqual(2);
    }
  });
});

/** Arguments with results that IEEE 754 fixes, and their neighbours. */
function edges(type: Float): readonly number[] {
  const [denormal, smallest, largest] =
    type === 'f64'
      ? [5e-324, 2.2250738585072014e-308, Number.MAX_VALUE]
      : [2 ** -149, 2 ** -126, 3.4028234663852886e38];
  const positive = [
    0,
    denormal,
    3 * denormal,
    smallest,
    1e-20,
    0.5,
    1,
    1.5,
    2,
    3,
    4,
    700,
    1e5,
    1e30,
    largest,
    Infinity,
  ];
  return [NaN, ...positive.flatMap((x) => [x, -x])].map((x) => (type === 'f64' ? x : Math.fround(x)));
}

/** Equal in kind, or within two units in the last place. */
function agrees(result: number, reference: number, type: Float): boolean {
  if (Number.isNaN(reference)) return Number.isNaN(result);
  const rounded = type === 'f32' ? Math.fround(reference) : reference;
  if (rounded === 0 || !Number.isFinite(rounded)) {
    // The last finite and the smallest denormal number are as good as what lies behind them.
    const nearly =
      type === 'f32'
        ? rounded === 0
          ? 2 ** -148
          : 3.4028232e38
        : rounded === 0
          ? 1e-323
          : 1.797693134862315e308;
    if (rounded !== 0 || reference !== 0)
      return rounded === 0 ? Math.abs(result) <= nearly : result * Math.sign(rounded) >= nearly;
    return Object.is(result, rounded);
  }
  const step = Math.max(
    Math.abs(rounded) * 2 ** (type === 'f32' ? -23 : -52),
    type === 'f32' ? 2 ** -149 : 5e-324,
  );
  return Math.abs(result - rounded) <= 2 * step;
}

type UnaryFunction =
  | 'exp'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'tanh';

describe.each(['f64', 'f32'] as const)('zeros, infinities, NaN and denormal numbers, %s', (type) => {
  it.each(Object.keys(exactUnary) as UnaryFunction[])('%s', async (op) => {
    const x = Float64Array.from(edges(type));
    for (const [strict, scalar] of ways) {
      const result = await evaluate(op, type, x, undefined, strict, scalar);
      x.forEach((v, i) => {
        const reference = Math[op](v);
        expect(
          agrees(result[i] ?? NaN, reference, type),
          `${op}(${v}) = ${result[i]}, not ${reference}`,
        ).toBe(true);
      });
    }
  });

  it.each(['pow', 'atan2'] as const)('%s', async (op) => {
    const values = edges(type).filter((x) => Math.abs(x) !== 700);
    const x = Float64Array.from(values.flatMap((a) => values.map(() => a)));
    const y = Float64Array.from(values.flatMap(() => values));
    for (const [strict, scalar] of ways) {
      const result = await evaluate(op, type, x, y, strict, scalar);
      x.forEach((a, i) => {
        const b = y[i] ?? 0;
        // JavaScript has NaN for 1^NaN and (+-1)^(+-inf); IEEE 754 has 1.
        if (op === 'pow' && Math.abs(a) === 1 && !Number.isFinite(b)) {
          const one = a === 1 || !Number.isNaN(b);
          expect(result[i], `${a}^${b}`).toEqual(one ? 1 : NaN);
          return;
        }
        const reference = Math[op](a, b);
        expect(
          agrees(result[i] ?? NaN, reference, type),
          `${op}(${a}, ${b}) = ${result[i]}, not ${reference}`,
        ).toBe(true);
      });
    }
  });
});
