// The CPU executor: runs a plan's WebAssembly. In: a plan with code for the CPU. Out: an Executor.
//
// Procedures run on worker threads (one, where one is asked for), so that the host stays free; `inline` runs them on the calling thread, for tests and for hosts without shared memory.
// Calls run one after another in the order in which they were made. The bits do not depend on the number of threads.

import type { Executor, Plan } from '../../compiler/plan/types.ts';
import { fail, InternalError } from '../../compiler/support/diagnostic.ts';
import { compileModule, engineFeatures } from './engine.ts';
import { createMemory } from './memory.ts';
import { startThreads, type ThreadPool } from './workers.ts';

export interface CpuOptions {
  /** Threads; default: all cores. */
  readonly threads?: number;
  /** No fused multiply-add: the same bits on every machine. */
  readonly strict?: boolean;
  /** Runs on the calling thread, which is blocked meanwhile. */
  readonly inline?: boolean;
  /** False: as if the engine had no shared memory; then one thread, the calling one. */
  readonly shared?: boolean;
}

export async function createCpuExecutor(plan: Plan, options: CpuOptions = {}): Promise<Executor> {
  const code = plan.code.wasm;
  if (code === undefined) throw new InternalError('cpu.executor', `${plan.name} has no code for the CPU`);
  const found = await engineFeatures();
  const features = { ...found, sharedMemory: found.sharedMemory && options.shared !== false };
  const { module, variant } = await compileModule(code, features, options.strict === true);
  const inline = options.inline === true || !features.sharedMemory;
  const threads = inline ? 1 : checkedThreads(options.threads ?? (await coreCount()));
  const memory = createMemory(plan, variant, threads, features.sharedMemory);
  const pool = inline
    ? inlinePool(module, memory.memory)
    : await startThreads(module, memory.memory, threads);
  if (!inline) prepare(module, memory.memory);
  let queue: Promise<void> = Promise.resolve();
  const after = <T>(action: () => T | Promise<T>): Promise<T> => {
    const result = queue.then(action);
    queue = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  };
  return {
    description: describe(threads, variant, features.sharedMemory),
    target: 'cpu',
    bytes: memory.bytes,
    run: (procedure, times = 1) => {
      if (plan.procedures[procedure] === undefined)
        return Promise.reject(new InternalError('cpu.executor', `no procedure ${procedure} in ${plan.name}`));
      return after(() => pool.run(procedure, times));
    },
    read: (variable) => after(() => memory.read(variable)),
    write: (variable, data) => after(() => memory.write(variable, data)),
    dispose: () => pool.dispose(),
  };
}

function describe(threads: number, variant: 'strict' | 'relaxed', shared: boolean): string {
  const how = [threads === 1 ? '1 thread' : `${threads} threads`, '128-bit SIMD'];
  if (variant === 'relaxed') how.push('fused multiply-add');
  if (!shared) how.push('no shared memory here');
  return `CPU: WebAssembly, ${how.join(', ')}`;
}

function checkedThreads(threads: number): number {
  if (!Number.isInteger(threads) || threads < 1 || threads > 256)
    fail(
      'R054',
      `${threads} threads cannot be used`,
      undefined,
      'give a whole number from 1 to 256: `--threads 4`',
    );
  return threads;
}

async function coreCount(): Promise<number> {
  if (typeof process === 'undefined') return 1;
  const { availableParallelism } = await import('node:os');
  return Math.min(256, Math.max(1, availableParallelism()));
}

function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): WebAssembly.Exports {
  return new WebAssembly.Instance(module, { env: { memory } }).exports;
}

/** Writes the module's constants to memory, once for all threads. */
function prepare(module: WebAssembly.Module, memory: WebAssembly.Memory): WebAssembly.Exports {
  const exports = instantiate(module, memory);
  exported(exports, 'prepare')();
  return exports;
}

function exported(exports: WebAssembly.Exports, name: string): (...args: readonly number[]) => void {
  const found = exports[name];
  if (typeof found !== 'function')
    throw new InternalError('cpu.executor', `the module does not export ${name}`);
  return (...args) => {
    found(...args);
  };
}

function inlinePool(module: WebAssembly.Module, memory: WebAssembly.Memory): ThreadPool {
  const exports = prepare(module, memory);
  return {
    run: async (procedure, times) => {
      const run = exported(exports, `run ${procedure}`);
      for (let i = 0; i < times; i++) run(0, 1);
    },
    dispose: async () => undefined,
  };
}
