// Timed runs of programs on the CPU target, in rounds with their C references: minima and medians of what was measured side by side. In: a program, constants to set, threads. Out: milliseconds.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { diskHost, loadCompiler, loadRuntime } from '../host.mjs';
import { median } from '../table.mjs';

const programs = fileURLToPath(new URL('./programs/', import.meta.url));

/** A program of programs/ with other constants, compiled and ready: `time(run)` gives the milliseconds of one call of the run's procedure. */
export async function openProgram(name, constants, options) {
  const [compiler, runtime] = await Promise.all([loadCompiler(), loadRuntime()]);
  const path = join(programs, `${name}.flow`);
  let text = readFileSync(path, 'utf8');
  for (const [key, value] of Object.entries(constants))
    text = text.replace(new RegExp(`const ${key} = .*`), `const ${key} = ${value}`);
  const { plan, diagnostics } = compiler.compile({ path, text }, diskHost(runtime), {
    settings: new Map(),
    target: 'cpu',
    // What `flowc run` compiles.
    diagnose: true,
  });
  if (plan === undefined) throw new Error(compiler.renderDiagnostics(diagnostics));
  const wasm = await compiler.emitWasm(plan, { fast: options.fast === true });
  const executor = await runtime.openExecutor({ ...plan, code: { wasm } }, 'cpu', options);
  const called = (list) => list.flatMap((s) => (s.procedure === undefined ? [] : [s.procedure]));
  for (const procedure of called(plan.script.setup)) await executor.run(procedure);
  if (plan.script.seed !== undefined) await executor.write(plan.script.seed, Float64Array.of(1, 2));
  const procedureOf = (run) => called(plan.script.runs[run] ?? Object.values(plan.script.runs)[0])[0];
  return {
    /** Of the whole executor, and of the buffers as the plan predicts them. */
    bytes: executor.bytes,
    predicted: plan.bytes,
    async time(run) {
      const began = performance.now();
      await executor.run(procedureOf(run));
      return performance.now() - began;
    },
    /** Time of a procedure by a clock, once it has run. */
    async step(procedure, clock) {
      await executor.run(procedure);
      const began = clock();
      await executor.run(procedure);
      return clock() - began;
    },
    /** What the run's first `print` shows first. */
    async check(run) {
      const list = plan.script.runs[run] ?? Object.values(plan.script.runs)[0];
      const print = list.find((s) => s.kind === 'print');
      const part = print.parts.find((p) => 'variable' in p);
      return (await executor.read(part.variable))[0];
    },
    dispose: () => executor.dispose(),
  };
}

/** Calls the measurements in turn, `rounds` times; each gives a list of milliseconds, or undefined. */
export async function inRounds(rounds, measurements) {
  const lists = measurements.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, measure] of measurements.entries()) lists[i].push(...((await measure()) ?? []));
  return lists.map((list) =>
    list.length === 0 ? undefined : { min: Math.min(...list), median: median(list), count: list.length },
  );
}

export async function repeated(count, time) {
  const list = [];
  for (let i = 0; i < count; i++) list.push(await time());
  return list;
}

/** a / b, or a dash where there is nothing to compare with. */
export function ratio(a, b) {
  return a === undefined || b === undefined ? '-' : a.min / b.min;
}
