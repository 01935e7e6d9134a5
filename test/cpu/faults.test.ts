import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { Plan } from '../../compiler/plan/types.ts';
import { FlowError } from '../../compiler/support/diagnostic.ts';
import { assembleWat } from '../wasm/assemble.ts';
import { emitWasm } from '../../compiler/target/wasm/emit.ts';
import { compileModule, engineFeatures } from '../../runtime/cpu/engine.ts';
import { createCpuExecutor } from '../../runtime/cpu/executor.ts';
import { startThreads } from '../../runtime/cpu/workers.ts';
import { axis, buffer, kernelPlan, makePlan, mapKernel, onCpu, variableBuffer } from '../wasm/support.ts';

const n = 50000;

/** v = u + 1, then back, `count` times: enough for every thread. */
function busy(count: number): Plan {
  const next = mapKernel(
    [n],
    [buffer('u', 'f64', n), buffer('v', 'f64', n, 'write')],
    [k.store(1, axis(0), k.add(k.load('f64', 0, axis(0)), k.constant('f64', 1)))],
  );
  const dispatch = (from: number, to: number) =>
    ({ kind: 'dispatch', kernel: 0, buffers: [from, to], uniforms: [] }) as const;
  const buffers = [variableBuffer(0, 'u', 'f64', n), variableBuffer(1, 'v', 'f64', n)];
  return makePlan(buffers, [next], {
    main: [{ kind: 'loop', id: 1, count, body: [dispatch(0, 1), dispatch(1, 0)] }],
  });
}

async function problemOf(action: Promise<unknown>): Promise<FlowError> {
  try {
    await action;
  } catch (error) {
    if (error instanceof FlowError) return error;
    throw error;
  }
  throw new Error('nothing went wrong');
}

describe('what the CPU target cannot do is said', () => {
  it('more than 4 GB', async () => {
    const plan = makePlan(
      [variableBuffer(0, 'path.T', 'f32', 1_500_000_000), variableBuffer(1, 'k', 'f32', 10)],
      [],
      {},
    );
    const error = await problemOf(emitWasm(plan));
    expect(error.message).toContain('this program needs 6.0 GB of memory; the CPU target can address 4 GB');
    expect(error.message).toContain('path.T (6.0 GB)');
    expect(error.diagnostics[0]?.help).toContain('checkpoint');
  });

  it('an engine without SIMD', async () => {
    const wasm = await emitWasm(busy(1), { variants: 'strict' });
    const without = { simd: false, relaxed: false, sharedMemory: true };
    expect((await problemOf(compileModule(wasm, without, false))).message).toContain('no 128-bit SIMD');
  });

  it('a number of threads that is none', async () => {
    const wasm = await emitWasm(busy(1), { variants: 'strict' });
    const plan = { ...busy(1), code: { wasm } };
    expect((await problemOf(createCpuExecutor(plan, { threads: 0 }))).message).toContain('0 threads');
  });
});

describe('engines with less', () => {
  it('run on one thread without shared memory', async () => {
    const inputs = { u: Float64Array.from({ length: n }, (_, i) => i) };
    const [whole, less] = [
      await onCpu(busy(3), inputs),
      await onCpu(busy(3), inputs, { shared: false, inline: false }),
    ];
    expect(less).toEqual(whole);
  });

  it('run the strict module where there is no fused multiply-add', async () => {
    const wasm = await emitWasm(busy(1));
    const features = { ...(await engineFeatures()), relaxed: false };
    expect((await compileModule(wasm, features, false)).variant).toBe('strict');
    expect((await compileModule(wasm, { ...features, relaxed: true }, true)).variant).toBe('strict');
  });

  it('take a memory that is not shared in the same module', async () => {
    const wasm = await emitWasm(kernelPlan(mapKernel([], [], [])), { variants: 'strict' });
    const { module } = await compileModule(wasm, { simd: true, relaxed: false, sharedMemory: false }, true);
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 65536, shared: false });
    expect(() => new WebAssembly.Instance(module, { env: { memory } })).not.toThrow();
  });
});

describe('threads that end', () => {
  it('a thread that fails ends the others, which would wait for it', async () => {
    const text = `(module
      (import "env" "memory" (memory 1 65536 shared))
      (func (export "run main") (param $thread i32) (param $threads i32)
        (if (local.get $thread) (then (unreachable)))
        (drop (memory.atomic.wait32 (i32.const 128) (i32.const 0) (i64.const -1)))))`;
    const module = new WebAssembly.Module(Uint8Array.from(await assembleWat('fault', text)));
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
    const pool = await startThreads(module, memory, 2);
    const error = await problemOf(pool.run('main', 1));
    expect(error.message).toContain('a thread of the CPU target failed');
    expect(error.message).toContain('unreachable');
    expect((await problemOf(pool.run('main', 1))).message).toContain('unreachable');
    await pool.dispose();
  });

  it('a run without end stops when the executor is disposed of', async () => {
    const plan = busy(2 ** 31 - 1);
    const wasm = await emitWasm(plan, { variants: 'strict' });
    const executor = await createCpuExecutor({ ...plan, code: { wasm } }, { threads: 2, strict: true });
    const running = problemOf(executor.run('main'));
    await new Promise((resolve) => setTimeout(resolve, 30));
    await executor.dispose();
    expect((await running).message).toContain('it was ended');
  });
});

describe('a process that uses threads', () => {
  let folder = '';
  let program = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'flowc-cpu-'));
    program = join(folder, 'child.mjs');
    const executor = fileURLToPath(new URL('../../runtime/cpu/executor.ts', import.meta.url));
    const contents = `
      import { readFileSync } from 'node:fs';
      import { createCpuExecutor } from ${JSON.stringify(executor)};
      const plan = JSON.parse(readFileSync(process.argv[2], 'utf8'));
      plan.code.wasm.binary = Uint8Array.from(plan.code.wasm.binary);
      const executor = await createCpuExecutor(plan, { threads: 2, strict: true });
      console.log('started');
      await executor.run('main');
      console.log('finished');`;
    await build({
      stdin: { contents, resolveDir: folder, loader: 'ts' },
      outfile: program,
      bundle: true,
      format: 'esm',
      platform: 'node',
    });
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function child(
    count: number,
    interrupt: boolean,
  ): Promise<{ readonly output: string; readonly signal: string | null }> {
    const plan = busy(count);
    const wasm = await emitWasm(plan, { variants: 'strict' });
    const file = join(folder, `plan${count}.json`);
    writeFileSync(file, JSON.stringify({ ...plan, code: { wasm: { ...wasm, binary: [...wasm.binary] } } }));
    const process = spawn('node', [program, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    process.stdout.on('data', (data: Buffer) => {
      output += data.toString();
      if (interrupt && output.includes('started')) process.kill('SIGINT');
    });
    return new Promise((resolve) => process.on('close', (_, signal) => resolve({ output, signal })));
  }

  it('ends by itself when the work is done, though nobody disposed of the threads', async () => {
    expect(await child(2, false)).toEqual({ output: 'started\nfinished\n', signal: null });
  });

  it('ends at an interrupt in the middle of a call', async () => {
    expect(await child(2 ** 31 - 1, true)).toEqual({ output: 'started\n', signal: 'SIGINT' });
  });
});
