// Every kind of step on the device against the reference executor, on integers, to the bit.

import { afterAll, describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { Expr, KernelBuffer, MapKernel } from '../../compiler/kernel/types.ts';
import { createReferenceExecutor } from '../../compiler/plan/reference_executor.ts';
import type { Affine, BufferRange, Plan, Step } from '../../compiler/plan/types.ts';
import { FlowError, InternalError } from '../../compiler/support/diagnostic.ts';
import { snapshotPositions } from '../../compiler/support/revolve.ts';
import { createGpuExecutor, openDevice } from '../../runtime/gpu/index.ts';
import { openTestDevice, planOf, type VariableSpec } from './support.ts';

const { gpu } = await openTestDevice();
afterAll(() => gpu?.dispose());

const n = 96;
const i = k.variable('i32', 'i');

function mapKernel(
  name: string,
  buffers: readonly KernelBuffer[],
  uniforms: readonly string[],
  index: Expr,
  value: Expr,
): MapKernel {
  const target = buffers.findIndex((b) => b.access !== 'read');
  return {
    kind: 'map',
    name,
    buffers,
    uniforms,
    origins: [],
    space: [n],
    axes: ['i'],
    body: [k.store(target, index, value)],
  };
}

const ints = (name: string, access: KernelBuffer['access'], length = n): KernelBuffer => ({
  name,
  type: 'i32',
  length,
  access,
});

/** x = 3 x + neighbour + step: hard to get right in the wrong order. */
const advance = mapKernel(
  'advance',
  [ints('x', 'read'), ints('y', 'write')],
  ['step'],
  i,
  k.add(
    k.add(k.mul(k.load('i32', 0, i), k.int(3)), k.uniform(0)),
    k.load('i32', 0, k.binary('rem', k.add(i, k.int(1)), k.int(n))),
  ),
);

/** acc = acc * 5 + x * (step + 1), in place. */
const reverseStep = mapKernel(
  'reverse_step',
  [ints('x', 'read'), ints('acc', 'read_write')],
  ['step'],
  i,
  k.add(k.mul(k.load('i32', 1, i), k.int(5)), k.mul(k.load('i32', 0, i), k.add(k.uniform(0), k.int(1)))),
);

/** flag = x[0] < bound. */
const test: MapKernel = {
  kind: 'map',
  name: 'test_below',
  buffers: [ints('x', 'read'), { name: 'flag', type: 'u32', length: 1, access: 'write' }],
  uniforms: ['bound'],
  origins: [],
  space: [],
  axes: [],
  body: [k.store(1, k.int(0), k.cast('u32', k.lessThan(k.load('i32', 0, k.int(0)), k.uniform(0))))],
};

const start = Array.from({ length: n }, (_, q) => (q * 37) % 101);
const variables: readonly VariableSpec[] = [
  { name: 'x', type: 'i32', length: n, initial: start },
  { name: 'y', type: 'i32', length: n },
  { name: 'acc', type: 'i32', length: n },
  { name: 'tape', type: 'i32', length: n * 40 },
  { name: 'flag', type: 'u32', length: 1 },
  { name: 'turns', type: 'i32', length: 1 },
  { name: 'reals', type: 'f32', length: n },
];
const [X, Y, ACC, TAPE, FLAG, TURNS, REALS] = [0, 1, 2, 3, 4, 5, 6];
const kernels = [advance, reverseStep, test];
const [ADVANCE, REVERSE, TEST] = [0, 1, 2];

const constant = (value: number): Affine => ({ constant: value, terms: [] });
const counter = (loop: number, scale = 1, offset = 0): Affine => ({
  constant: offset,
  terms: [{ loop, scale }],
});
const range = (buffer: number, offset: Affine = constant(0), length = n): BufferRange => ({
  buffer,
  type: buffer === REALS ? 'f32' : 'i32',
  offset,
  length,
});
const step = (from: number, to: number, at: Affine): Step => ({
  kind: 'dispatch',
  kernel: ADVANCE,
  buffers: [from, to],
  uniforms: [at],
});
const copy = (from: BufferRange, to: BufferRange): Step => ({ kind: 'copy', from, to });
/** x advances in place. */
const inPlace = (at: Affine): readonly Step[] => [step(X, Y, at), copy(range(Y), range(X))];

async function compare(plan: Plan, runs: readonly (readonly [string, number])[]): Promise<void> {
  if (gpu === undefined) return;
  const device = await createGpuExecutor(plan, gpu);
  const oracle = createReferenceExecutor(plan, { rounding: 'f32' });
  for (const [name, times] of runs) {
    await device.run(name, times);
    await oracle.run(name, times);
  }
  for (const { name } of plan.buffers) expect(await device.read(name), name).toEqual(await oracle.read(name));
  await device.dispose();
}

describe.skipIf(gpu === undefined)('steps on the GPU', () => {
  if (gpu === undefined) return;

  it('ping-pong loops, nested, with counters and copies to a tape', async () => {
    const steps: Step[] = [
      {
        kind: 'loop',
        id: 7,
        count: 5,
        body: [
          {
            kind: 'loop',
            id: 9,
            count: 4,
            body: [
              copy(
                range(X),
                range(TAPE, {
                  constant: 0,
                  terms: [
                    { loop: 7, scale: 8 * n },
                    { loop: 9, scale: 2 * n },
                  ],
                }),
              ),
              step(X, Y, counter(9)),
              step(Y, X, {
                constant: 1,
                terms: [
                  { loop: 7, scale: 10 },
                  { loop: 9, scale: -1 },
                ],
              }),
            ],
          },
        ],
      },
    ];
    await compare(planOf(variables, kernels, { go: steps }), [['go', 3]]);
  });

  it('fills with patterns, also of floats and in parts; copies inside one buffer', async () => {
    const steps: Step[] = [
      { kind: 'fill', to: range(ACC), value: -7 },
      { kind: 'fill', to: range(REALS), value: 1.5 },
      { kind: 'fill', to: { ...range(REALS), offset: constant(8), length: 5 }, value: 0 },
      {
        kind: 'loop',
        id: 0,
        count: 3,
        body: [{ kind: 'fill', to: range(TAPE, counter(0, n, 3), 10), value: 4 }],
      },
      copy(range(TAPE, constant(0), 200), range(TAPE, constant(1000), 200)),
      copy(range(TAPE, constant(0), 40), range(TAPE, constant(20), 40)),
    ];
    await compare(planOf(variables, kernels, { go: steps }), [['go', 1]]);
  });

  it.each([0, 1, 3, 50])('while with at most %i turns', async (limit) => {
    const steps: Step[] = [
      {
        kind: 'while',
        id: 3,
        limit,
        test: [{ kind: 'dispatch', kernel: TEST, buffers: [X, FLAG], uniforms: [constant(100_000)] }],
        condition: FLAG,
        body: inPlace(counter(3)),
        turns: TURNS,
      },
    ];
    await compare(planOf(variables, kernels, { go: steps }), [['go', 2]]);
  });

  it('takes the right branch, also inside loops', async () => {
    const steps: Step[] = [
      {
        kind: 'loop',
        id: 1,
        count: 6,
        body: [
          { kind: 'dispatch', kernel: TEST, buffers: [X, FLAG], uniforms: [constant(2_000)] },
          {
            kind: 'if',
            condition: FLAG,
            then: inPlace(counter(1)),
            else: [{ kind: 'fill', to: range(X), value: 11 }, ...inPlace(constant(2))],
          },
        ],
      },
    ];
    await compare(planOf(variables, kernels, { go: steps }), [['go', 1]]);
  });

  it.each([
    [1, 1],
    [13, 1],
    [13, 4],
    [40, 40],
    [39, 7],
  ])('reverses %i steps with %i snapshots: the same gradient under every schedule', async (length, slots) => {
    const steps: Step[] = [
      { kind: 'fill', to: range(ACC), value: 1 },
      {
        kind: 'loop',
        id: 0,
        count: length,
        body: [
          {
            kind: 'snapshot',
            index: counter(0),
            length,
            slots,
            state: [range(X)],
            snapshots: [TAPE],
          },
          ...inPlace(counter(0)),
        ],
      },
      {
        kind: 'reverse',
        id: 2,
        length,
        slots,
        state: [range(X)],
        snapshots: [TAPE],
        forward: inPlace(counter(2)),
        backward: [{ kind: 'dispatch', kernel: REVERSE, buffers: [X, ACC], uniforms: [counter(2)] }],
      },
    ];
    expect(snapshotPositions(length, slots)).toHaveLength(Math.min(length, slots));
    const plan = planOf(variables, kernels, { go: steps });
    await compare(plan, [['go', 1]]);
    // Against the states themselves.
    const acc = await reversedByHand(length);
    const device = await createGpuExecutor(plan, gpu);
    await device.run('go');
    expect(Array.from(await device.read('acc'))).toEqual(acc);
    await device.dispose();
  });

  it('runs 10,000 dispatches in one loop, and reruns give the same bits', async () => {
    const steps: Step[] = [
      {
        kind: 'loop',
        id: 0,
        count: 5_000,
        body: [step(X, Y, counter(0)), step(Y, X, counter(0, 3))],
      },
    ];
    const plan = planOf(variables, kernels, { go: steps });
    const results: Float64Array[] = [];
    for (let rerun = 0; rerun < 2; rerun++) {
      const device = await createGpuExecutor(plan, gpu);
      await device.run('go');
      results.push(await device.read('x'));
      await device.dispose();
    }
    expect(results[1]).toEqual(results[0]);
    const oracle = createReferenceExecutor(plan, { rounding: 'f32' });
    await oracle.run('go');
    expect(results[0]).toEqual(await oracle.read('x'));
  });

  it('has more different counters than the uniform table holds at a time', async () => {
    // 20,000 pairs against 16,384 places.
    const steps: Step[] = [
      {
        kind: 'loop',
        id: 0,
        count: 20_000,
        body: [{ kind: 'dispatch', kernel: 0, buffers: [0], uniforms: [counter(0), counter(0, 2)] }],
      },
    ];
    const sum: MapKernel = {
      kind: 'map',
      name: 'sum_counters',
      buffers: [ints('total', 'read_write', 1)],
      uniforms: ['a', 'b'],
      origins: [],
      space: [],
      axes: [],
      body: [
        k.store(
          0,
          k.int(0),
          k.add(k.mul(k.load('i32', 0, k.int(0)), k.int(3)), k.binary('xor', k.uniform(0), k.uniform(1))),
        ),
      ],
    };
    const plan = planOf([{ name: 'total', type: 'i32', length: 1 }], [sum], { go: steps });
    await compare(plan, [['go', 1]]);
  });

  it('keeps the order of writes, runs and reads that are not awaited', async () => {
    const plan = planOf(variables, kernels, { go: inPlace(constant(1)) });
    const device = await createGpuExecutor(plan, gpu);
    const reads: Promise<Float64Array>[] = [];
    for (let value = 1; value <= 3; value++) {
      void device.write('x', new Float64Array(n).fill(value));
      void device.run('go', 2);
      reads.push(device.read('x'));
    }
    // 4 v + 1, then again: 16 v + 5.
    for (const [q, read] of reads.entries())
      expect(await read).toEqual(new Float64Array(n).fill(16 * (q + 1) + 5));
    await device.dispose();
  });

  it('names kernel and line when a shader is refused', async () => {
    const plan = planOf(variables, kernels, { go: inPlace(constant(1)) });
    const broken: Plan = {
      ...plan,
      code: {
        wgsl: (plan.code.wgsl ?? []).map((text, q) => (q === 1 ? text.replace('let i =', 'lett i =') : text)),
      },
    };
    await expect(createGpuExecutor(broken, gpu)).rejects.toThrow(InternalError);
    await expect(createGpuExecutor(broken, gpu)).rejects.toThrow(/kernel reverse_step is refused:\nline \d+/);
  });

  it('refuses float64 and arrays beyond the limits before anything runs', async () => {
    const plan = planOf(variables, kernels, { go: inPlace(constant(1)) });
    await expect(createGpuExecutor({ ...plan, precision: 'f64' }, gpu)).rejects.toThrow(/R041.*float64/);
    const [first, ...rest] = plan.buffers;
    if (first === undefined) throw new Error('no buffer');
    const huge: Plan = { ...plan, buffers: [{ ...first, bytes: 400 * 2 ** 20 }, ...rest] };
    await expect(createGpuExecutor(huge, gpu)).rejects.toThrow(/R042.*400 MB/);
  });

  it('refuses a program that the memory does not suffice for, with its size and a cure', async () => {
    const plan = planOf(variables, kernels, { go: inPlace(constant(1)) });
    // 160 TB in pieces that each fit.
    const pieces = Array.from({ length: 1_000_000 }, (_, q) => ({
      id: 100 + q,
      role: 'slot' as const,
      name: 'piece',
      bytes: 160 * 2 ** 20,
    }));
    const run = createGpuExecutor(
      { ...plan, buffers: [...plan.buffers, ...pieces] },
      { ...gpu, software: true },
    );
    await expect(run).rejects.toThrow(/R043: out of memory on the GPU .* the program needs 153 TB/);
  });

  it('asks the adapter for more than the defaults only where the plan needs it', async () => {
    const larger = await openDevice({
      requirements: { storageBuffers: 9, bindingBytes: 0, bufferBytes: 300 * 2 ** 20, largest: 'tape' },
    });
    expect(larger.device.limits.maxStorageBuffersPerShaderStage).toBe(9);
    expect(larger.device.limits.maxBufferSize).toBeGreaterThanOrEqual(300 * 2 ** 20);
    larger.dispose();
    expect(gpu.device.limits.maxStorageBuffersPerShaderStage).toBe(8);
    expect(gpu.device.limits.maxStorageBufferBindingSize).toBe(128 * 2 ** 20);
    await expect(
      openDevice({
        requirements: { storageBuffers: 1_000_000, bindingBytes: 0, bufferBytes: 0, largest: '' },
      }),
    ).rejects.toThrow(/R042/);
  });

  it('says what to install when there is no such adapter', async () => {
    const missing = openDevice({ adapter: 'no such adapter' });
    await expect(missing).rejects.toThrow(/R040: no GPU adapter was found/);
    await missing.catch((error: unknown) => {
      expect(error instanceof FlowError && error.diagnostics[0]?.help).toMatch(/--target cpu/);
    });
  });

  it('refuses work after the device has been disposed of', async () => {
    const own = await openDevice();
    const device = await createGpuExecutor(planOf(variables, kernels, { go: inPlace(constant(1)) }), own);
    own.dispose();
    await expect(device.read('x')).rejects.toThrow(/disposed of/);
    await device.dispose();
  });
});

/** acc after the reverse sweep, from the states of a plain forward sweep. */
async function reversedByHand(length: number): Promise<number[]> {
  const states: number[][] = [];
  let x = start;
  for (let s = 0; s < length; s++) {
    states.push(x);
    const now = x;
    x = now.map((value, q) => (Math.imul(value, 3) + s + (now[(q + 1) % n] ?? 0)) | 0);
  }
  let acc = new Array<number>(n).fill(1);
  for (let s = length - 1; s >= 0; s--) {
    const state = states[s] ?? [];
    acc = acc.map((value, q) => (Math.imul(value, 5) + Math.imul(state[q] ?? 0, s + 1)) | 0);
  }
  return acc;
}
