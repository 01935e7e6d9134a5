import { describe, expect, it } from 'vitest';
import type { MatmulKernel, MatrixView } from '../../compiler/kernel/types.ts';
import { verifyKernel } from '../../compiler/kernel/verify.ts';
import { buffer, kernelPlan, onCpu, onReference } from './support.ts';

/** Row-major, or transposed, with an offset and a gap between the products of a batch. */
function view(
  index: number,
  rows: number,
  columns: number,
  transposed: boolean,
): { view: MatrixView; size: number } {
  const pitch = (transposed ? rows : columns) + 1;
  const size = (transposed ? columns : rows) * pitch;
  return {
    view: {
      buffer: index,
      offset: 3,
      batchStride: size + 2,
      rowStride: transposed ? 1 : pitch,
      columnStride: transposed ? pitch : 1,
    },
    size,
  };
}

const shapes: readonly (readonly [batch: number, m: number, n: number, k: number])[] = [
  [1, 4, 8, 4],
  [1, 5, 9, 7],
  [2, 13, 21, 300],
  [3, 1, 17, 9],
  [2, 17, 1, 33],
  [1, 130, 40, 20],
  [1, 40, 1100, 5],
  [2, 3, 3, 3],
  [1, 6, 6, 2],
];

describe.each(['f32', 'f64'] as const)('matrix products, %s', (type) => {
  it.each(shapes)('%i x [%i, %i] over %i', async (batch, m, n, k) => {
    for (const [ta, tb, tc] of [
      [false, false, false],
      [true, false, false],
      [false, true, true],
    ] as const) {
      const [a, b, c] = [view(0, m, k, ta), view(1, k, n, tb), view(2, m, n, tc)];
      const length = (v: typeof a) => 3 + batch * (v.size + 2);
      const kernel: MatmulKernel = {
        kind: 'matmul',
        name: 'product',
        type,
        batch,
        m,
        n,
        k,
        a: a.view,
        b: b.view,
        c: c.view,
        buffers: [
          buffer('a', type, length(a)),
          buffer('b', type, length(b)),
          buffer('c', type, length(c), 'write'),
        ],
        uniforms: [],
        origins: [],
      };
      verifyKernel(kernel);
      // Small integers: every order of summation is exact.
      const whole = (count: number, step: number) =>
        Float64Array.from({ length: count }, (_, i) => ((i * step) % 7) - 3);
      const inputs = { a: whole(length(a), 5), b: whole(length(b), 3) };
      const plan = kernelPlan(kernel);
      const reference = await onReference(plan, inputs, type);
      for (const strict of [true, false])
        expect((await onCpu(plan, inputs, { strict })).c).toEqual(reference.c);
    }
  });
});
