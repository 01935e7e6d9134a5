// Whole programs on every target. In: the text of an example or a module of the library, perhaps with other numbers in it. Out: the compiled program, executors for the
// interpreter, the CPU with a number of threads and the GPU, and what a run printed, saved and drew. Files stay in memory.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDiskHost } from '../../compiler/cli/host.ts';
import type { CompileOptions, CompileResult } from '../../compiler/driver/compile.ts';
import { compile } from '../../compiler/driver/compile.ts';
import { createInterpreterExecutor } from '../../compiler/driver/interpreter_executor.ts';
import type { ElaboratedProgram } from '../../compiler/elaborate/program.ts';
import type { Executor, Plan } from '../../compiler/plan/types.ts';
import { FlowError, assertNever } from '../../compiler/support/diagnostic.ts';
import { renderDiagnostics, renderError } from '../../compiler/support/render.ts';
import type { SourceFile } from '../../compiler/support/span.ts';
import { emitWasm } from '../../compiler/target/wasm/emit.ts';
import { emitWgsl } from '../../compiler/target/wgsl/emit.ts';
import { createCpuExecutor } from '../../runtime/cpu/executor.ts';
import { createGpuExecutor, findAdapter, openDevice, planRequirements } from '../../runtime/gpu/index.ts';
import type { NamedArray } from '../../runtime/io/array.ts';
import { decode_npz } from '../../runtime/io/npz.ts';
import type { MemoryHost, RunReport } from '../../runtime/run/index.ts';
import { createMemoryHost, runScript } from '../../runtime/run/index.ts';

export const root = join(import.meta.dirname, '../..');

/** Where a program can run. `cpu` has one thread, `cpu2` two, `cpu3` three. */
export type TargetName = 'interpreter' | 'cpu' | 'cpu2' | 'cpu3' | 'gpu';

export interface Variation {
  /** Values of `const`s. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Text and what takes its place, wherever it stands; it must stand somewhere. */
  readonly replace?: readonly (readonly [string, string])[];
  /** Text behind the program. */
  readonly append?: string;
  readonly precision?: 'f64';
}

export interface Compiled {
  readonly program: ElaboratedProgram;
  readonly plan: Plan;
}

export function exampleSource(name: string, variation: Variation = {}): SourceFile {
  const path = join(root, 'examples', `${name}.flow`);
  return varied({ path, text: readFileSync(path, 'utf8') }, variation);
}

/** Under the name programs use, so that its own tests belong to it. */
export function librarySource(name: string): SourceFile {
  return { path: `std.${name}`, text: readFileSync(join(root, 'stdlib', `${name}.flow`), 'utf8') };
}

/** Fails when a replacement finds nothing: a test of other numbers must not turn into a test of the same ones. */
export function varied({ path, text }: SourceFile, variation: Variation): SourceFile {
  const { replace = [], append, precision } = variation;
  const replaced = replace.reduce((now, [from, to]) => {
    if (!now.includes(from)) throw new Error(`${path} has no text "${from}" to be replaced`);
    return now.replaceAll(from, to);
  }, text);
  const whole = append === undefined ? replaced : `${replaced}\n${append}\n`;
  return { path, text: precision === undefined ? whole : `precision ${precision}\n${whole}` };
}

/** Throws with the rendered messages when the program is refused. */
export function compiled(
  source: SourceFile,
  variation: Pick<Variation, 'settings'> = {},
  options: Partial<CompileOptions> = {},
): Compiled {
  const result: CompileResult = compile(source, createDiskHost(), {
    settings: new Map(Object.entries(variation.settings ?? {})),
    ...options,
  });
  const { program, plan, diagnostics } = result;
  if (program === undefined || plan === undefined)
    throw new Error(`${source.path} is refused:\n${renderDiagnostics(diagnostics)}`);
  return { program, plan };
}

/** An example in another form, compiled for one of its runs and without its tests. */
export function compiledExample(name: string, variation: Variation, run: string): Compiled {
  return compiled(exampleSource(name, variation), variation, { only: { run, tests: false } });
}

/** Why there is no GPU; undefined when there is one. Said once a file, so that what is skipped can be seen. */
export async function noGpu(): Promise<string | undefined> {
  try {
    await findAdapter();
    return undefined;
  } catch (trouble) {
    if (!(trouble instanceof FlowError)) throw trouble;
    const reason = trouble.diagnostics.map((d) => d.message).join('; ');
    console.warn(`GPU tests skipped: ${reason}`);
    return reason;
  }
}

/** Opens the target, does the work, and lets the target go whatever happens. */
export async function onTarget<T>(
  { program, plan }: Compiled,
  target: TargetName,
  work: (executor: Executor) => Promise<T>,
): Promise<T> {
  switch (target) {
    case 'interpreter':
      return released(createInterpreterExecutor(program), work);
    case 'cpu':
    case 'cpu2':
    case 'cpu3': {
      const code = { wasm: await emitWasm(plan) };
      const threads = target === 'cpu' ? 1 : target === 'cpu2' ? 2 : 3;
      return released(await createCpuExecutor({ ...plan, code }, { threads }), work);
    }
    case 'gpu': {
      const gpu = await openDevice({ requirements: planRequirements(plan) });
      try {
        const code = { wgsl: plan.kernels.map((kernel) => emitWgsl(kernel)) };
        return await released(await createGpuExecutor({ ...plan, code }, gpu), work);
      } finally {
        gpu.dispose();
      }
    }
    default:
      return assertNever(target);
  }
}

async function released<T>(executor: Executor, work: (executor: Executor) => Promise<T>): Promise<T> {
  try {
    return await work(executor);
  } finally {
    await executor.dispose();
  }
}

export interface RunResult {
  readonly report: RunReport;
  readonly host: MemoryHost;
}

/** Executes a run; errors of the run are thrown with their rendered text. */
export async function run(program: Compiled, executor: Executor, name: string, seed = 0): Promise<RunResult> {
  const host = createMemoryHost();
  try {
    return { report: await runScript(program.plan, executor, { host, run: name, seed }), host };
  } catch (trouble) {
    if (!(trouble instanceof FlowError)) throw trouble;
    throw new Error(`${host.text()}\n${renderError(trouble)}`, { cause: trouble });
  }
}

export async function runOn(program: Compiled, target: TargetName, name: string): Promise<RunResult> {
  return onTarget(program, target, (executor) => run(program, executor, name));
}

export type Arrays = ReadonlyMap<string, NamedArray>;

/** The arrays of an .npz file that a run saved. */
export function savedArrays({ host }: RunResult, file: string): Arrays {
  const bytes = host.files.get(file);
  if (bytes === undefined)
    throw new Error(`${file} was not saved; there is ${[...host.files.keys()].join(', ')}`);
  return new Map(decode_npz(bytes, file).map((array) => [array.name, array]));
}

export function arrayNamed(arrays: Arrays, name: string): NamedArray {
  const array = arrays.get(name);
  if (array === undefined)
    throw new Error(`there is no array ${name}; there is ${[...arrays.keys()].join(', ')}`);
  return array;
}

export function numberNamed(arrays: Arrays, name: string): number {
  return arrayNamed(arrays, name).data[0] ?? NaN;
}

/** Largest difference of two arrays, in units of the largest entry of the second. Infinite when their shapes differ or only one is finite somewhere. */
export function relativeDifference(a: NamedArray, b: NamedArray): number {
  if (a.shape.join() !== b.shape.join()) return Infinity;
  let largest = 0;
  let difference = 0;
  for (const [i, x] of a.data.entries()) {
    const y = b.data[i] ?? NaN;
    if (Object.is(x, y)) {
      if (Number.isFinite(y)) largest = Math.max(largest, Math.abs(y));
      continue;
    }
    if (!Number.isFinite(x - y)) return Infinity;
    largest = Math.max(largest, Math.abs(y));
    difference = Math.max(difference, Math.abs(x - y));
  }
  return difference === 0 ? 0 : difference / largest;
}

/** True when every bit of every array is the same. */
export function sameBits(a: Arrays, b: Arrays): boolean {
  return (
    a.size === b.size &&
    [...a].every(([name, { data }]) => {
      const other = b.get(name)?.data;
      return (
        other !== undefined && other.length === data.length && data.every((x, i) => Object.is(x, other[i]))
      );
    })
  );
}
