// Steps that are written as means of neighbours (target/wasm/means.ts): which are, and what they give.

import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import { printKernel } from '../../compiler/kernel/print.ts';
import type { Expr, KernelBuffer, MapKernel, Statement } from '../../compiler/kernel/types.ts';
import { printWat } from '../../compiler/target/wasm/emit.ts';
import { withMeans } from '../../compiler/target/wasm/means.ts';
import { axis, buffer, kernelPlan, mapKernel, onCpu, onReference } from './support.ts';

type Type = 'f32' | 'f64';

const [rows, columns] = [21, 70];
const buffers = (type: Type): readonly KernelBuffer[] => [
  buffer('u', type, rows * columns),
  buffer('v', type, rows * columns, 'write'),
];
const u = (type: Type, row: number, column: number): Expr =>
  k.load(type, 0, k.flatIndex([k.add(axis(0), k.int(row)), k.add(axis(1), k.int(column))], [rows, columns]));
const own = k.flatIndex([axis(0), axis(1)], [rows, columns]);

/** A kernel that stores e, made of the values around, where there are some on all sides, and elsewhere the value itself. */
function kernelOf(type: Type, e: Expr, before: readonly Statement[] = []): MapKernel {
  const inside = [
    k.lessThan(k.int(0), axis(0)),
    k.lessThan(axis(0), k.int(rows - 1)),
    k.lessThan(k.int(0), axis(1)),
    k.lessThan(axis(1), k.int(columns - 1)),
  ].reduce((a, b) => k.binary('and', a, b));
  return mapKernel([rows, columns], buffers(type), [
    ...before,
    k.store(1, own, k.select(inside, e, u(type, 0, 0))),
  ]);
}

const c = (type: Type, x: number): Expr => k.constant(type, type === 'f32' ? Math.fround(x) : x);

/** (a - x) - (x - b) along an axis. */
function second(type: Type, down: boolean, x = u(type, 0, 0)): Expr {
  const [a, b] = down ? [u(type, 1, 0), u(type, -1, 0)] : [u(type, 0, 1), u(type, 0, -1)];
  return k.sub(k.sub(a, x), k.sub(x, b));
}

function step(type: Type, weight: number): Expr {
  return k.add(u(type, 0, 0), k.mul(k.add(second(type, true), second(type, false)), c(type, weight)));
}

const field = {
  u: Float64Array.from({ length: rows * columns }, (_, i) => 5 + Math.sin(0.7 * i)),
};

function rewritten(e: Expr, before: readonly Statement[] = [], list = buffers('f32')): string {
  const body = [...before, k.store(1, own, e)];
  const kernel = (statements: readonly Statement[]) =>
    printKernel({ ...mapKernel([rows, columns], list, body), body: statements });
  const now = kernel(withMeans(body, list));
  return now === kernel(body) ? 'the same' : now;
}

describe('a step that is a mean', () => {
  for (const type of ['f32', 'f64'] as const)
    it(`gives it, ${type}`, async () => {
      const kernel = kernelOf(type, step(type, 0.2));
      const [x, weight] = [u(type, 0, 0), c(type, 0.2)];
      const sum = k.add(k.add(u(type, 1, 0), u(type, -1, 0)), k.add(u(type, 0, 1), u(type, 0, -1)));
      const mean = k.add(x, k.mul(k.sub(sum, k.mul(x, c(type, 4))), weight));
      const plan = kernelPlan(kernel);
      const means = (await onReference(kernelPlan(kernelOf(type, mean)), field, type))['v'] ?? [];
      const differences = (await onReference(plan, field, type))['v'] ?? [];
      const made = (await onCpu(plan, field, { fast: true }))['v'] ?? [];
      // Next to the border steps are made of differences.
      for (const [i, value] of made.entries()) {
        const [row, column] = [Math.floor(i / columns), i % columns];
        const inside = row > 0 && row < rows - 1 && column >= 4 && column < 64;
        expect([means[i], ...(inside ? [] : [differences[i]])], `${row}, ${column}`).toContain(value);
      }
      expect(made).not.toEqual(differences);
      const several = await onCpu(plan, field, { fast: true, threads: 3, inline: false });
      expect(several['v']).toEqual(made);
      const exact = await onReference(plan, field, 'f64');
      const fused = await onCpu(plan, field, { fast: true, strict: false });
      const unit = (type === 'f32' ? 2 ** -24 : 2 ** -53) * 6;
      for (const [i, value] of (exact['v'] ?? []).entries())
        expect(Math.abs((fused['v']?.[i] ?? NaN) - value)).toBeLessThan(4 * unit);
    });

  it('is written so only where that is asked for', async () => {
    const plan = kernelPlan(kernelOf('f32', step('f32', 0.2)));
    expect(await onCpu(plan, field)).toEqual(await onReference(plan, field));
  });

  it('takes what two vectors hold from them where it waits for loads', () => {
    const { text } = printWat(kernelPlan(kernelOf('f32', step('f32', 0.2))), true, { fast: true });
    const band = text.split('(func $test_band ')[1]?.split('(func ')[0] ?? '';
    // Two vectors of a row: the right neighbours of the first and the left ones of the second.
    expect(band.split('i8x16.shuffle').length - 1).toBe(2);
  });
});

describe('which steps are', () => {
  it('sums of second differences with positive weights, at most 1 in all', () => {
    expect(rewritten(step('f32', 0.25))).toContain('* 4');
    expect(rewritten(step('f32', 0.26))).toBe('the same');
    expect(rewritten(step('f32', -0.1))).toBe('the same');
  });

  it('with weights of their own for every axis', () => {
    const x = u('f32', 0, 0);
    const both = k.add(k.mul(second('f32', true), c('f32', 0.3)), k.mul(second('f32', false), c('f32', 0.1)));
    expect(rewritten(k.add(x, both)).split(' * 2)').length - 1, rewritten(k.add(x, both))).toBe(2);
  });

  it('not a difference to one side, nor what has other weights, nor a product that is to be rounded by itself', () => {
    const x = u('f32', 0, 0);
    const times = (e: Expr, w: number) => k.add(x, k.mul(e, c('f32', w)));
    expect(rewritten(times(k.sub(u('f32', 0, 1), x), 0.2))).toBe('the same');
    expect(rewritten(times(k.sub(k.add(u('f32', 0, 1), u('f32', 0, -1)), x), 0.2))).toBe('the same');
    const rounded = k.roundedProduct(k.add(second('f32', true), second('f32', false)), c('f32', 0.2));
    expect(rewritten(k.add(x, rounded))).toBe('the same');
  });

  it('through names, whatever else uses these', () => {
    const d = k.variable('f32', 'd');
    const bound: Statement = { kind: 'let', name: 'd', value: k.sub(u('f32', 0, 1), u('f32', 0, 0)) };
    const left = k.sub(u('f32', 0, 0), u('f32', 0, -1));
    const e = k.add(u('f32', 0, 0), k.mul(k.add(k.sub(d, left), second('f32', true)), c('f32', 0.2)));
    const text = rewritten(e, [bound, k.store(1, k.int(0), d)]);
    expect(text).toContain('let d = ');
    expect(text).toContain('* 4');
  });

  it('not where a value may have changed since its name was bound', () => {
    const writable = [buffer('u', 'f32', rows * columns, 'read_write'), ...buffers('f32').slice(1)];
    const bound: Statement = { kind: 'let', name: 'd', value: k.sub(u('f32', 0, 1), u('f32', 0, 0)) };
    const left = k.sub(u('f32', 0, 0), u('f32', 0, -1));
    const rate = k.add(k.sub(k.variable('f32', 'd'), left), second('f32', true));
    const e = k.add(u('f32', 0, 0), k.mul(rate, c('f32', 0.2)));
    expect(rewritten(e, [bound], writable)).toBe('the same');
  });
});
