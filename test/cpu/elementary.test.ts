import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { Expr } from '../../compiler/kernel/types.ts';
import { axis, buffer, kernelPlan, mapKernel, onCpu } from '../wasm/support.ts';
import { evaluate, ways, worstErrors, type Float } from './accuracy.ts';
import { exactBinary, exactUnary } from './exact.ts';

describe.each(['f64', 'f32'] as const)(
  'elementary functions are right to 2 ulp, alone as in vectors, %s',
  (type) => {
    it.each([...Object.keys(exactUnary), ...Object.keys(exactBinary)])('%s', async (op) => {
      const errors = await worstErrors(op, type, 2000);
      expect(errors).toHaveLength(ways.length);
      for (const { error, where, differing } of errors) {
        expect(error, where).toBeLessThanOrEqual(2);
        expect(differing).toEqual([]);
      }
    });
  },
);

const both = ways.flatMap((way) =>
  [false, true].map((alone) => ({ ...way, alone, name: `${way.name}${alone ? ', alone' : ''}` })),
);

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
    for (const way of both) {
      const result = await evaluate(op, type, x, undefined, way, way.alone);
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
    for (const way of both) {
      const result = await evaluate(op, type, x, y, way, way.alone);
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

describe.each(['f64', 'f32'] as const)('functions of a number and a constant, %s', (type) => {
  const x = Float64Array.from({ length: 21 }, (_, i) => Math.fround(0.05 + 0.31 * i));
  const load = k.load(type, 0, axis(0));
  const constant = k.constant(type, type === 'f32' ? Math.fround(2.7) : 2.7);
  it.each([
    ['pow', load, constant],
    ['pow', constant, load],
    ['atan2', load, constant],
    ['atan2', constant, load],
  ] as const)('%s', async (op, a, b) => {
    const value: Expr = { kind: 'binary', type, op, a, b };
    const buffers = [buffer('x', type, x.length), buffer('out', type, x.length, 'write')];
    for (const { strict } of ways) {
      const results: Float64Array[] = [];
      for (const space of [[x.length], [x.length, 1]]) {
        const plan = kernelPlan(mapKernel(space, buffers, [k.store(1, axis(0), value)]));
        results.push((await onCpu(plan, { x }, { strict })).out ?? new Float64Array());
      }
      expect(results[1]).toEqual(results[0]);
      const number = (e: Expr, i: number): number => (e.kind === 'const' ? e.value : (x[i] ?? NaN));
      x.forEach((_, i) =>
        expect(agrees(results[0]?.[i] ?? NaN, Math[op](number(a, i), number(b, i)), type)).toBe(true),
      );
    }
  });
});
