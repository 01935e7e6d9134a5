// Random kernels on the device against the evaluator, to the bit; and the launch shapes: grids of two dimensions, shared reductions, matrix products.

import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import { compileKernel, kernelArray } from '../../compiler/kernel/evaluate.ts';
import { launchOf } from '../../compiler/kernel/launch.ts';
import type { Kernel, MapKernel, MatmulKernel } from '../../compiler/kernel/types.ts';
import { createGpuExecutor, type GpuDevice } from '../../runtime/gpu/index.ts';
import { kernelFromChoices, mostPoints, testBuffers, testInputs } from '../kernel/arbitrary_kernel.ts';
import { openTestDevice, planOf } from './support.ts';

const { gpu } = await openTestDevice();
afterAll(() => gpu?.dispose());

/** Runs one dispatch on the device; `inputs` by buffer name. Returns all buffers. */
async function dispatch(
  device: GpuDevice,
  kernel: Kernel,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
  uniforms: readonly number[] = [],
): Promise<Readonly<Record<string, Float64Array>>> {
  const variables = kernel.buffers.map(({ name, type, length }) => ({
    name,
    type,
    length,
    ...(inputs[name] === undefined ? {} : { initial: Array.from(inputs[name]) }),
  }));
  const plan = planOf(variables, [kernel], {
    go: [
      {
        kind: 'dispatch',
        kernel: 0,
        buffers: kernel.buffers.map((_, i) => i),
        uniforms: uniforms.map((constant) => ({ constant, terms: [] })),
      },
    ],
  });
  const executor = await createGpuExecutor(plan, device);
  await executor.run('go');
  const result: Record<string, Float64Array> = {};
  for (const { name } of kernel.buffers) result[name] = await executor.read(name);
  await executor.dispose();
  return result;
}

describe.skipIf(gpu === undefined)('kernels on the GPU', () => {
  if (gpu === undefined) return;

  it('agree with the evaluator to the bit', async () => {
    const choices = fc.array(fc.nat(10_000), { minLength: 40, maxLength: 400, size: 'max' });
    await fc.assert(
      fc.asyncProperty(choices, async (list) => {
        const kernel = kernelFromChoices(list);
        const uniforms = [list[0] ?? 0, -3];
        const state = Int32Array.from({ length: mostPoints }, (_, i) => i * 3);
        const found = await dispatch(gpu, kernel, { ...testInputs, state }, uniforms);
        const arrays = testBuffers.map((b) => kernelArray(b.type, 'f32', b.length));
        arrays[0]?.set(testInputs.ints);
        arrays[1]?.set(testInputs.words);
        arrays[2]?.set(testInputs.reals);
        arrays[6]?.set(state);
        compileKernel(kernel, 'f32')(arrays, uniforms);
        testBuffers.forEach((b, i) => {
          if (b.access === 'read') return;
          // -0 and 0 are one number.
          expect(
            Array.from(found[b.name] ?? [], (x) => x + 0),
            b.name,
          ).toEqual(Array.from(arrays[i] ?? [], (x) => x + 0));
        });
      }),
      { numRuns: 60, seed: 20261120 },
    );
  });

  it('number more workgroups than a dimension holds', async () => {
    // 65,535 workgroups of 64 are 4,194,240 points.
    const length = 4_200_001;
    const i = k.variable('i32', 'i');
    const kernel: MapKernel = {
      kind: 'map',
      name: 'long',
      buffers: [{ name: 'out', type: 'i32', length, access: 'write' }],
      uniforms: [],
      origins: [],
      space: [length],
      axes: ['i'],
      body: [k.store(0, i, k.add(k.mul(i, k.int(3)), k.int(1)))],
    };
    expect(launchOf(kernel).grid[1]).toBeGreaterThan(1);
    const { out } = await dispatch(gpu, kernel, {});
    let wrong = 0;
    out?.forEach((x, n) => (wrong += x === n * 3 + 1 ? 0 : 1));
    expect(wrong).toBe(0);
  });

  it.each([
    [1, 100_003],
    [3, 5_000],
    [40, 300],
    [2, 129],
  ])('share long reductions: %i sums over %i elements', async (rows, columns) => {
    const r = k.variable('i32', 'r');
    const element = k.load('f32', 0, k.flatIndex([r, k.variable('i32', 'c')], [rows, columns]));
    const reduce = (name: string, combine: 'sum' | 'max', loop: string) =>
      ({
        kind: 'reduce',
        name,
        type: 'f32',
        combine,
        loops: [{ name: loop, extent: columns }],
        body: [],
        value: k.load('f32', 0, k.flatIndex([r, k.variable('i32', loop)], [rows, columns])),
      }) as const;
    expect(element.type).toBe('f32');
    const kernel: MapKernel = {
      kind: 'map',
      name: 'sums',
      buffers: [
        { name: 'x', type: 'f32', length: rows * columns, access: 'read' },
        { name: 'out', type: 'f32', length: rows * 2, access: 'write' },
      ],
      uniforms: [],
      origins: [],
      space: [rows],
      axes: ['r'],
      body: [
        reduce('largest', 'max', 'a'),
        reduce('total', 'sum', 'c'),
        k.store(1, k.mul(r, k.int(2)), k.variable('f32', 'largest')),
        k.store(1, k.add(k.mul(r, k.int(2)), k.int(1)), k.variable('f32', 'total')),
      ],
    };
    expect(launchOf(kernel).strategy).toBe('workgroup');
    const x = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i * 0.7) + 0.01);
    const first = await dispatch(gpu, kernel, { x });
    for (let row = 0; row < rows; row++) {
      const line = x.subarray(row * columns, (row + 1) * columns);
      const size = line.reduce((s, v) => s + Math.abs(v), 0);
      const sum = line.reduce((s, v) => s + v, 0);
      expect(first['out']?.[2 * row]).toBe(Math.max(...line));
      expect(Math.abs((first['out']?.[2 * row + 1] ?? NaN) - sum)).toBeLessThan(size * 1e-7);
    }
    const second = await dispatch(gpu, kernel, { x });
    expect(second['out']).toEqual(first['out']);
  });

  it('sum long rows of one invocation in blocks', async () => {
    const [points, n] = [8192, 3000];
    const i = k.variable('i32', 'i');
    const kernel: MapKernel = {
      kind: 'map',
      name: 'row_sums',
      buffers: [
        { name: 'x', type: 'f32', length: n, access: 'read' },
        { name: 'out', type: 'f32', length: points, access: 'write' },
      ],
      uniforms: [],
      origins: [],
      space: [points],
      axes: ['i'],
      body: [
        {
          kind: 'reduce',
          name: 's',
          type: 'f32',
          combine: 'sum',
          loops: [{ name: 'j', extent: n }],
          body: [],
          value: k.load('f32', 0, k.variable('i32', 'j')),
        },
        k.store(1, i, k.variable('f32', 's')),
      ],
    };
    expect(launchOf(kernel).strategy).toBe('points');
    const x = new Float32Array(n).fill(0.1);
    const { out } = await dispatch(gpu, kernel, { x });
    const exact = n * Math.fround(0.1);
    expect(Math.abs((out?.[points - 1] ?? NaN) - exact) / exact).toBeLessThan(2e-6);
  });

  it.each([
    [1, 64, 64, 64, false],
    [1, 100, 37, 51, false],
    [3, 17, 33, 70, true],
    [2, 1, 300, 200, false],
    [1, 5, 1, 1000, true],
    [50, 3, 3, 3, false],
    [1, 300, 260, 40, true],
    [1, 64, 48, 1030, true],
    [2, 72, 8, 9, false],
    [2, 20, 20, 0, false],
  ])('multiply matrices: batch %i, %i x %i, k %i, transposed %s', async (batch, m, n, depth, transposed) => {
    const kernel: MatmulKernel = {
      kind: 'matmul',
      name: 'product',
      buffers: [
        { name: 'a', type: 'f32', length: Math.max(1, batch * m * depth), access: 'read' },
        { name: 'b', type: 'f32', length: Math.max(1, batch * depth * n), access: 'read' },
        { name: 'c', type: 'f32', length: batch * m * n + 2, access: 'write' },
      ],
      uniforms: [],
      origins: [],
      type: 'f32',
      batch,
      m,
      n,
      k: depth,
      a: transposed
        ? { buffer: 0, offset: 0, batchStride: m * depth, rowStride: 1, columnStride: m }
        : { buffer: 0, offset: 0, batchStride: m * depth, rowStride: depth, columnStride: 1 },
      b: { buffer: 1, offset: 0, batchStride: depth * n, rowStride: n, columnStride: 1 },
      c: { buffer: 2, offset: 2, batchStride: m * n, rowStride: n, columnStride: 1 },
    };
    // Small whole numbers: every sum is exact.
    const a = Float32Array.from({ length: Math.max(1, batch * m * depth) }, (_, i) => ((i * 7) % 11) - 5);
    const b = Float32Array.from({ length: Math.max(1, batch * depth * n) }, (_, i) => ((i * 5) % 13) - 6);
    const { c } = await dispatch(gpu, kernel, { a, b });
    const wanted = new Float32Array(batch * m * n + 2);
    compileKernel(kernel, 'f32')([a, b, wanted], []);
    expect(Array.from(c ?? [], (x) => x + 0)).toEqual(Array.from(wanted, (x) => x + 0));
  });
});
