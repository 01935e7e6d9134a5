// Stencils with borders in one to three dimensions: every border, end of a row and block gives the bits of the evaluator; rewritings that keep bits keep them.

import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { Expr, MapKernel } from '../../compiler/kernel/types.ts';
import { printWat } from '../../compiler/target/wasm/emit.ts';
import { axis, buffer, kernelPlan, mapKernel, onCpu, onReference } from './support.ts';

type Type = 'f32' | 'f64';

/** u + (sum over the axes of second differences * 4096) / 32768, the ghost value the negative of the wall's; `adds`: to what the result holds. */
function diffusion(type: Type, space: readonly number[], adds: boolean, products = true): MapKernel {
  const length = space.reduce((n, e) => n * e, 1);
  const point = space.map((_, a) => axis(a));
  const value = (index: readonly Expr[]) => k.load(type, 0, k.flatIndex(index, space));
  const c = (x: number) => k.constant(type, x);
  const here = value(point);
  const beside = (a: number, shift: number): Expr => {
    const moved = point.map((i, j) => (j === a ? k.add(i, k.int(shift)) : i));
    const wall = point.map((i, j) => (j === a ? k.int(shift < 0 ? 0 : (space[a] ?? 1) - 1) : i));
    const i = axis(a);
    const inside = shift < 0 ? k.lessThan(k.int(0), i) : k.lessThan(i, k.int((space[a] ?? 1) - 1));
    return k.select(inside, value(moved), k.unary('neg', value(wall)));
  };
  const differences = space.map((_, a) => k.sub(k.sub(beside(a, 1), here), k.sub(here, beside(a, -1))));
  const rate = differences.map((d) => (products ? k.mul(d, c(4096)) : d)).reduce((a, b) => k.add(a, b));
  const next = k.add(here, products ? k.mul(rate, c(3.0517578125e-5)) : rate);
  const own = k.flatIndex(point, space);
  return mapKernel(
    space,
    [buffer('u', type, length), buffer('v', type, length, adds ? 'read_write' : 'write')],
    [k.store(1, own, adds ? k.add(k.load(type, 1, own), next) : next)],
  );
}

const fields = (kernel: MapKernel) =>
  Object.fromEntries(
    kernel.buffers.map((b, n) => [
      b.name,
      Float64Array.from({ length: b.length }, (_, i) => Math.fround(Math.sin(0.7 * i + n) * (1 + (i % 7)))),
    ]),
  );

const spaces: readonly (readonly number[])[] = [
  [300],
  [9, 16],
  [12, 37],
  [40, 4],
  [21, 66],
  [70, 9],
  [5, 6, 11],
  [9, 12, 20],
];

describe('stencils with borders', () => {
  for (const space of spaces)
    it(`[${space.join(', ')}] give the bits of the evaluator`, async () => {
      for (const type of ['f32', 'f64'] as const)
        for (const adds of [false, true]) {
          const kernel = diffusion(type, space, adds);
          const plan = kernelPlan(kernel);
          const inputs = fields(kernel);
          expect(await onCpu(plan, inputs)).toEqual(await onReference(plan, inputs, type));
        }
    });

  it('additions have the same bits as multiply-adds', async () => {
    const kernel = diffusion('f32', [21, 66], false, false);
    const plan = kernelPlan(kernel);
    expect(printWat(plan, true).text).toMatch(/relaxed_nmadd/);
    const inputs = fields(kernel);
    expect(await onCpu(plan, inputs, { strict: false })).toEqual(await onCpu(plan, inputs));
  });

  it('differences to the other side come from the next vector', () => {
    const text = printWat(kernelPlan(diffusion('f32', [21, 66], false, false)), false).text;
    const main = text.split('(func $test_band ')[1]?.split('(func ')[0] ?? '';
    // Of two vectors the second finds its left differences there.
    expect(main.split('i8x16.shuffle 12 13 14 15 16').length - 1).toBe(1);
  });

  it('powers of two leave one product a point', () => {
    const text = printWat(kernelPlan(diffusion('f32', [300], false)), false).text;
    const main = text.split('(func $test ')[1]?.split('(func ')[0] ?? '';
    const stores = main.split('v128.store').length - 1;
    expect(stores).toBeGreaterThan(0);
    expect(main.split('f32x4.mul').length - 1).toBe(stores);
  });
});
