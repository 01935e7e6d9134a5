import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { Expr, MapKernel, Statement } from '../../compiler/kernel/types.ts';
import type { Plan, Step } from '../../compiler/plan/types.ts';
import { FlowError } from '../../compiler/support/diagnostic.ts';
import { emitWasm } from '../../compiler/target/wasm/emit.ts';
import { createCpuExecutor } from '../../runtime/cpu/executor.ts';
import { axis, buffer, makePlan, mapKernel, onCpu, variableBuffer } from '../wasm/support.ts';

const rows = 131;
const columns = 257;
const cells = rows * columns;
const f32 = (x: number) => k.constant('f32', Math.fround(x));

/** A nine-point smoothing with clamped neighbours and a nonlinear term: large enough for all threads. */
function smooth(): MapKernel {
  const near = (di: number, dj: number): Expr => {
    const i = k.binary('min', k.binary('max', k.add(axis(0), k.int(di)), k.int(0)), k.int(rows - 1));
    const j = k.binary('min', k.binary('max', k.add(axis(1), k.int(dj)), k.int(0)), k.int(columns - 1));
    return k.load('f32', 0, k.add(k.mul(i, k.int(columns)), j));
  };
  let sum: Expr = f32(0);
  for (const di of [-1, 0, 1])
    for (const dj of [-1, 0, 1]) sum = k.add(sum, k.mul(near(di, dj), f32(0.1 + 0.01 * di)));
  const value = k.add(sum, k.mul(f32(0.01), k.unary('sin', near(0, 0))));
  return mapKernel(
    [rows, columns],
    [buffer('u', 'f32', cells), buffer('v', 'f32', cells, 'write')],
    [k.store(1, k.flatIndex([axis(0), axis(1)], [rows, columns]), value)],
    [],
    'smooth',
  );
}

/** Sums of columns, and of everything. */
function sums(): readonly MapKernel[] {
  const column: Statement[] = [
    {
      kind: 'reduce',
      name: 's',
      type: 'f32',
      combine: 'sum',
      loops: [{ name: 'l', extent: rows }],
      body: [],
      value: k.load('f32', 0, k.add(k.mul(k.variable('i32', 'l'), k.int(columns)), axis(0))),
    },
    k.store(1, axis(0), k.variable('f32', 's')),
  ];
  const all: Statement[] = [
    {
      kind: 'reduce',
      name: 's',
      type: 'f32',
      combine: 'sum',
      loops: [{ name: 'l', extent: cells }],
      body: [],
      value: k.load('f32', 0, k.variable('i32', 'l')),
    },
    k.store(1, k.int(0), k.variable('f32', 's')),
  ];
  return [
    mapKernel(
      [columns],
      [buffer('u', 'f32', cells), buffer('c', 'f32', columns, 'write')],
      column,
      [],
      'columns',
    ),
    mapKernel([], [buffer('u', 'f32', cells), buffer('t', 'f32', 1, 'write')], all, [], 'total'),
  ];
}

const [U, V, C, T] = [0, 1, 2, 3];

function plan(steps: readonly Step[]): Plan {
  const buffers = [
    variableBuffer(U, 'u', 'f32', cells),
    variableBuffer(V, 'v', 'f32', cells),
    variableBuffer(C, 'c', 'f32', columns),
    variableBuffer(T, 't', 'f32', 1),
  ];
  return makePlan(buffers, [smooth(), ...sums()], { main: steps }, 'f32');
}

const dispatch = (kernel: number, ...bound: readonly number[]): Step => ({
  kind: 'dispatch',
  kernel,
  buffers: bound,
  uniforms: [],
});

const inputs = { u: Float64Array.from({ length: cells }, (_, i) => Math.sin(i * 0.37)) };

describe('threads', () => {
  it('give the same bits, whatever their number', async () => {
    const p = plan([
      {
        kind: 'loop',
        id: 1,
        count: 20,
        body: [dispatch(0, U, V), dispatch(0, V, U), dispatch(1, U, C), dispatch(2, U, T)],
      },
    ]);
    for (const strict of [true, false]) {
      const alone = await onCpu(p, inputs, { strict });
      for (const threads of [2, 5])
        expect(await onCpu(p, inputs, { strict, threads, inline: false })).toEqual(alone);
    }
  });

  it('run calls in order while the host does other things', async () => {
    const p = plan([dispatch(0, U, V), { kind: 'copy', from: whole(V), to: whole(U) }]);
    const wasm = await emitWasm(p, { variants: 'strict' });
    const executor = await createCpuExecutor({ ...p, code: { wasm } }, { threads: 2, strict: true });
    await executor.write('u', inputs.u);
    const calls = [executor.run('main', 3), executor.run('main'), executor.read('u')] as const;
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    const result = await calls[2];
    clearInterval(ticking);
    await executor.dispose();
    const again = await createCpuExecutor({ ...p, code: { wasm } }, { inline: true, strict: true });
    await again.write('u', inputs.u);
    await again.run('main', 4);
    expect(await again.read('u')).toEqual(result);
  });

  it('refuse calls after they have been ended', async () => {
    const p = plan([dispatch(0, U, V)]);
    const wasm = await emitWasm(p, { variants: 'strict' });
    const executor = await createCpuExecutor({ ...p, code: { wasm } }, { threads: 2, strict: true });
    await executor.dispose();
    await expect(executor.run('main')).rejects.toThrow(FlowError);
  });
});

function whole(buffer: number): {
  readonly buffer: number;
  readonly type: 'f32';
  readonly offset: { constant: number; terms: [] };
  readonly length: number;
} {
  return { buffer, type: 'f32', offset: { constant: 0, terms: [] }, length: cells };
}
