// Random kernels, matrix products and reductions give WGSL that Dawn accepts: checked on its null backend, which needs no driver.

import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { UnaryOp } from '../../compiler/ir/types.ts';
import * as k from '../../compiler/kernel/build.ts';
import type { Kernel, MatmulKernel } from '../../compiler/kernel/types.ts';
import { emitWgsl } from '../../compiler/target/wgsl/emit.ts';
import { openDevice } from '../../runtime/gpu/index.ts';
import { kernelFromChoices } from '../kernel/arbitrary_kernel.ts';

const gpu = await openDevice({ backend: 'null' });
afterAll(() => gpu.dispose());

/** What Dawn has against a shader. */
async function complaints(kernel: Kernel): Promise<readonly string[]> {
  gpu.device.pushErrorScope('validation');
  const module = gpu.device.createShaderModule({ code: emitWgsl(kernel) });
  const [error, info] = await Promise.all([gpu.device.popErrorScope(), module.getCompilationInfo()]);
  return [...info.messages.map((m) => `${m.type}: ${m.message}`), ...(error === null ? [] : [error.message])];
}

describe('WGSL that Dawn accepts', () => {
  it('from random kernels', async () => {
    const choices = fc.array(fc.nat(10_000), { minLength: 40, maxLength: 500, size: 'max' });
    await fc.assert(
      fc.asyncProperty(choices, async (list) => {
        expect(await complaints(kernelFromChoices(list))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('from every function', async () => {
    const ops: readonly UnaryOp[] = [
      ...(['exp', 'expm1', 'log', 'log1p', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh'] as const),
      ...(['cosh', 'tanh', 'sqrt', 'floor', 'ceil', 'round', 'abs', 'sign', 'neg'] as const),
    ];
    const i = k.variable('i32', 'i');
    const x = k.load('f32', 0, i);
    const all = ops.map((op) => k.unary(op, x));
    const twos = (['pow', 'atan2', 'rem', 'div', 'max', 'min'] as const).map((op) => k.binary(op, x, x));
    expect(
      await complaints({
        kind: 'map',
        name: 'functions',
        buffers: [{ name: 'x', type: 'f32', length: 10, access: 'read_write' }],
        uniforms: [],
        origins: [],
        space: [10],
        axes: ['i'],
        body: [
          k.store(
            0,
            i,
            [...all, ...twos].reduce((a, b) => k.add(a, b)),
          ),
        ],
      }),
    ).toEqual([]);
  });

  it.each([
    [1, 64, 64, 64],
    [3, 33, 20, 700],
    [2, 3, 3, 3],
    [70_000, 9, 9, 9],
  ])('from products: batch %i, %i x %i x %i', async (batch, m, n, depth) => {
    const view = (buffer: number, rows: number, columns: number) => ({
      buffer,
      offset: 0,
      batchStride: rows * columns,
      rowStride: columns,
      columnStride: 1,
    });
    const kernel: MatmulKernel = {
      kind: 'matmul',
      name: 'product',
      buffers: [
        { name: 'a', type: 'f32', length: batch * m * depth, access: 'read' },
        { name: 'b', type: 'f32', length: batch * depth * n, access: 'read' },
        { name: 'c', type: 'f32', length: batch * m * n, access: 'write' },
      ],
      uniforms: ['unused'],
      origins: [],
      type: 'f32',
      batch,
      m,
      n,
      k: depth,
      a: view(0, m, depth),
      b: view(1, depth, n),
      c: view(2, m, n),
    };
    expect(await complaints(kernel)).toEqual([]);
  });
});
