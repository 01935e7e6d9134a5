import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { Expr } from '../../compiler/kernel/types.ts';
import { axis, buffer, kernelPlan, mapKernel, onCpu, onReference } from './support.ts';

const n = 37;

function numbers(length: number, f: (i: number) => number): Float64Array {
  return Float64Array.from({ length }, (_, i) => f(i));
}

describe('map kernels', () => {
  it('advances a row with neighbours behind guards', async () => {
    const u = (index: Expr) => k.load('f32', 0, index);
    const i = axis(0);
    const left = k.select(k.lessThan(i, k.int(1)), k.constant('f32', 0), u(k.sub(i, k.int(1))));
    const right = k.select(k.lessThan(i, k.int(n - 1)), u(k.add(i, k.int(1))), k.constant('f32', 0));
    const value = k.add(
      u(i),
      k.mul(k.constant('f32', 0.1), k.sub(k.add(left, right), k.mul(k.constant('f32', 2), u(i)))),
    );
    const kernel = mapKernel(
      [n],
      [buffer('u', 'f32', n), buffer('v', 'f32', n, 'write')],
      [k.store(1, i, value)],
    );
    const plan = kernelPlan(kernel);
    const inputs = { u: numbers(n, (j) => Math.fround(Math.sin(j))) };
    const [cpu, reference] = [await onCpu(plan, inputs), await onReference(plan, inputs)];
    expect(cpu.v).toEqual(reference.v);
  });
});
