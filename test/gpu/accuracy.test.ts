// Checks every row of spec/wgsl_accuracy.md on the device, and the special values that have no ulp.

import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { BinaryOp, UnaryOp } from '../../compiler/ir/types.ts';
import * as k from '../../compiler/kernel/build.ts';
import { compileKernel } from '../../compiler/kernel/evaluate.ts';
import type { MapKernel } from '../../compiler/kernel/types.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { createGpuExecutor, type GpuDevice } from '../../runtime/gpu/index.ts';
import { openTestDevice, planOf } from './support.ts';

const { gpu } = await openTestDevice();
afterAll(() => gpu?.dispose());

const samples = 20_011;

interface Row {
  readonly op: string;
  readonly arguments: string;
  readonly bound: number;
}

const rows: readonly Row[] = readFileSync(new URL('../../spec/wgsl_accuracy.md', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => /^\| (\w+) \| (.+?) \| ([\d.]+) \|$/.exec(line))
  .flatMap((m) => (m === null ? [] : [{ op: at(m, 1), arguments: at(m, 2), bound: Number(m[3]) }]));

/** x and y of every sample (y for functions of two arguments). */
function argumentsOf(text: string): { readonly x: Float64Array; readonly y: Float64Array } {
  const numbers = [...text.matchAll(/-?\d+(?:\.\d+)?(?:e-?\d+)?/g)].map((m) => Number(m[0]));
  const [a = 0, b = 1, c = a, d = b] = numbers;
  const fill = (f: (t: number, i: number) => number) =>
    Float64Array.from({ length: samples }, (_, i) => Math.fround(f(i / (samples - 1), i)));
  const linear = (from: number, to: number) => (t: number) => from + (to - from) * t;
  const logarithmic = (from: number, to: number) => (t: number) => from * (to / from) ** t;
  /** A second argument that does not run in step with the first. */
  const shuffled = (f: (t: number) => number) => fill((_, i) => f(((i * 7919) % samples) / (samples - 1)));
  const signed = (f: (t: number) => number) => (t: number) => (t < 0.5 ? f(2 * t) : -f(2 * t - 1));
  const kind = /^[a-z ]+/.exec(text)?.[0].trim();
  switch (kind) {
    case 'linear':
      return { x: fill(linear(a, b)), y: fill(() => 0) };
    case 'log':
      return { x: fill(logarithmic(a, b)), y: fill(() => 0) };
    case 'near':
      return { x: fill(signed(logarithmic(a, b))), y: fill(() => 0) };
    case 'halves':
      return { x: fill((t) => Math.round(linear(a, b)(t) * 2) / 2), y: fill(() => 0) };
    case 'positive':
      return { x: fill(logarithmic(a, b)), y: shuffled(linear(c, d)) };
    case 'near one':
      return { x: fill(linear(a, b)), y: shuffled(linear(c, d)) };
    case 'negative':
      return {
        x: fill((t) => -logarithmic(-a, -b)(t)),
        y: shuffled((t) => Math.round(linear(c, d)(t))),
      };
    case 'plane':
      return {
        x: fill(signed(logarithmic(b * 1e-12, b))),
        y: shuffled(signed(logarithmic(b * 1e-12, b))),
      };
    default:
      throw new Error(`unknown kind of arguments: ${text}`);
  }
}

const binaryOps: readonly string[] = ['pow', 'atan2', 'div', 'rem'];

function kernelFor(op: string): MapKernel {
  const i = k.variable('i32', 'i');
  const x = k.load('f32', 0, i);
  const y = k.load('f32', 1, i);
  const value = binaryOps.includes(op) ? k.binary(op as BinaryOp, x, y) : k.unary(op as UnaryOp, x);
  const buffer = (name: string, access: 'read' | 'write') =>
    ({ name, type: 'f32', length: samples, access }) as const;
  return {
    kind: 'map',
    name: `test_${op}`,
    buffers: [buffer('x', 'read'), buffer('y', 'read'), buffer('r', 'write')],
    uniforms: [],
    origins: [],
    space: [samples],
    axes: ['i'],
    body: [k.store(2, i, value)],
  };
}

interface Result {
  readonly found: Float64Array;
  readonly wanted: Float64Array;
}

async function evaluate(device: GpuDevice, op: string, x: Float64Array, y: Float64Array): Promise<Result> {
  const kernel = kernelFor(op);
  const variables = (['x', 'y', 'r'] as const).map(
    (name) => ({ name, type: 'f32', length: samples }) as const,
  );
  const plan = planOf(variables, [kernel], {
    go: [{ kind: 'dispatch', kernel: 0, buffers: [0, 1, 2], uniforms: [] }],
  });
  const executor = await createGpuExecutor(plan, device);
  await executor.write('x', x);
  await executor.write('y', y);
  await executor.run('go');
  const found = await executor.read('r');
  await executor.dispose();
  const wanted = new Float64Array(samples);
  compileKernel(kernel)([x, y, wanted], []);
  return { found, wanted };
}

function ulp(x: number): number {
  const a = Math.abs(x);
  if (a < 2 ** -126) return 2 ** -126;
  return 2 ** (Math.floor(Math.log2(a)) - 23);
}

describe.skipIf(gpu === undefined)('elementary functions on the GPU', () => {
  if (gpu === undefined) return;

  it('has a table with every function', () => {
    expect(rows.length).toBeGreaterThan(35);
  });

  it.each(rows)('$op, $arguments: within $bound ulp', async (row) => {
    const { x, y } = argumentsOf(row.arguments);
    const { found, wanted } = await evaluate(gpu, row.op, x, y);
    let worst = 0;
    let where = 0;
    let compared = 0;
    for (const i of range(samples)) {
      const want = wanted[i] ?? NaN;
      const have = found[i] ?? NaN;
      if (Math.abs(want) >= 3.4028235e38) {
        expect(Math.abs(have), `${row.op}(${x[i]}, ${y[i]})`).toBeGreaterThan(3.4e38);
        continue;
      }
      compared++;
      const error = Math.abs(have - want) / ulp(want);
      if (!(error <= worst)) [worst, where] = [error, i];
    }
    const place = `${row.op}(${x[where]}, ${y[where]}) = ${found[where]}, should be ${wanted[where]}`;
    expect(worst, place).toBeLessThanOrEqual(row.bound);
    expect(compared).toBeGreaterThan(samples / 2);
  });

  it('has remainders with the sign of the divisor, exact while the quotient is moderate', async () => {
    const x = Float64Array.from({ length: samples }, (_, i) => Math.fround((i - samples / 2) * 0.37));
    const y = Float64Array.from({ length: samples }, (_, i) =>
      Math.fround((i % 2 === 0 ? 1 : -1) * (1 + (i % 97) * 0.11)),
    );
    const { found } = await evaluate(gpu, 'rem', x, y);
    for (const i of range(samples)) {
      const [a, b, r] = [x[i] ?? 0, y[i] ?? 1, found[i] ?? NaN];
      expect(r * Math.sign(b), `${a} rem ${b}`).toBeGreaterThanOrEqual(0);
      expect(Math.abs(r)).toBeLessThan(Math.abs(b));
      // a - r is a multiple of b.
      const turns = (a - r) / b;
      expect(Math.abs(turns - Math.round(turns)) * Math.abs(b)).toBeLessThanOrEqual(2 * ulp(b));
    }
  });

  it('gets zeros, signs and impossible arguments right', async () => {
    const cases: readonly (readonly [string, number, number, number])[] = [
      ['pow', 0, 0, 1],
      ['pow', 0, 3, 0],
      ['pow', -2, 3, -8],
      ['pow', -2, -2, 0.25],
      ['pow', 1, 1e30, 1],
      ['pow', -3, 0.5, NaN],
      ['log', -1, 0, NaN],
      ['sqrt', 0, 0, 0],
      ['asin', 1.5, 0, NaN],
      ['acos', -1.5, 0, NaN],
      ['acos', 1, 0, 0],
      ['atan2', 0, 0, 0],
      ['atan2', 0, -1, Math.PI],
      ['atan2', -1, 0, -Math.PI / 2],
      ['tanh', 1e30, 0, 1],
      ['tanh', -1e30, 0, -1],
      ['expm1', -1e30, 0, -1],
      ['exp', -1e30, 0, 0],
      ['sinh', 0, 0, 0],
      ['round', 2.5, 0, 2],
      ['round', -0.5, 0, 0],
      ['sign', 0, 0, 0],
    ];
    for (const op of new Set(cases.map(([name]) => name))) {
      const mine = cases.filter(([name]) => name === op);
      const x = new Float64Array(samples);
      const y = new Float64Array(samples);
      mine.forEach(([, a, b], i) => {
        x[i] = a;
        y[i] = b;
      });
      const { found } = await evaluate(gpu, op, x, y);
      mine.forEach(([, a, b, want], i) => {
        const have = found[i] ?? Infinity;
        const label = `${op}(${a}, ${b})`;
        if (Number.isNaN(want)) expect(have, label).toBeNaN();
        else expect(Math.abs(have - want), label).toBeLessThanOrEqual(2 * ulp(want));
      });
    }
  });

  it('hands NaN on', async () => {
    const x = new Float64Array(samples).fill(NaN);
    const y = new Float64Array(samples).fill(1.5);
    for (const op of [
      'exp',
      'expm1',
      'log',
      'log1p',
      'sin',
      'cos',
      'tan',
      'atan',
      'sinh',
      'cosh',
      'tanh',
      'pow',
    ]) {
      const { found } = await evaluate(gpu, op, x, y);
      expect(found[0], op).toBeNaN();
    }
  });
});
