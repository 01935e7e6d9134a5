// Steps a second on the GPU at hand, whatever it is (also a software one): the forward run and the gradient of heat_sensitivity on 256 x 256 cells. Wall time, because the device is no process.

// And ensembles of stochastic equations, forwards and with a gradient: a million paths on a hardware adapter, ten thousand on a software one.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { diskHost, example, loadCompiler, loadRuntime } from './host.mjs';

const programs = fileURLToPath(new URL('./cpu/programs/', import.meta.url));
const ensembles = ['ensemble_growth', 'ensemble_ou', 'ensemble_lorenz', 'lorenz', 'ensemble_lengths'];

const called = (list) => list.filter((s) => s.kind === 'call').map((s) => s.procedure);

/** Seconds of each run of an ensemble, the least of three, and the bytes of its buffers. */
async function ensemble(compiler, runtime, name, paths) {
  const path = `${programs}${name}.flow`;
  const text = readFileSync(path, 'utf8').replace(/const n = .*/, `const n = ${paths}`);
  const { plan, diagnostics } = compiler.compile({ path, text }, diskHost(runtime), {
    settings: new Map(),
    target: 'gpu',
  });
  if (plan === undefined) throw new Error(compiler.renderDiagnostics(diagnostics));
  const coded = { ...plan, code: { wgsl: plan.kernels.map((kernel) => compiler.emitWgsl(kernel)) } };
  const executor = await runtime.openExecutor(coded, 'gpu');
  try {
    for (const procedure of called(plan.script.setup)) await executor.run(procedure);
    if (plan.script.seed !== undefined) await executor.write(plan.script.seed, Float64Array.of(1, 2));
    const rows = [];
    for (const [label, list] of Object.entries(plan.script.runs)) {
      const read = anyOutput(plan, list);
      const times = [];
      for (let i = 0; i < 4; i++) {
        const began = performance.now();
        for (const procedure of called(list)) await executor.run(procedure);
        await executor.read(read);
        times.push(performance.now() - began);
      }
      const ms = Math.min(...times.slice(1));
      rows.push([`${name} ${label}`, paths, ms, (1e6 * ms) / (paths * 1000), plan.bytes / 1e6]);
    }
    return rows;
  } finally {
    await executor.dispose();
  }
}

export async function run() {
  const compiler = await loadCompiler();
  const runtime = await loadRuntime();
  const { path, text } = example('heat_sensitivity');
  const source = { path, text: text.replace('const n = 512', 'const n = 256') };
  const { plan, report, diagnostics } = compiler.compile(source, diskHost(runtime), { settings: new Map() });
  if (plan === undefined) throw new Error(compiler.renderDiagnostics(diagnostics));
  const coded = { ...plan, code: { wgsl: plan.kernels.map((kernel) => compiler.emitWgsl(kernel)) } };
  let executor;
  try {
    executor = await runtime.openExecutor(coded, 'gpu');
  } catch (trouble) {
    return [
      {
        title: 'GPU',
        columns: ['nothing measured'],
        rows: [[String(trouble.message ?? trouble).split('\n')[0]]],
      },
    ];
  }
  const rows = [];
  try {
    for (const name of called(plan.script.setup)) await executor.run(name);
    for (const [label, list] of Object.entries(plan.script.runs))
      for (const name of called(list)) {
        const steps = report.loops
          .filter((l) => l.procedure === name)
          .reduce((n, l) => Math.max(n, l.steps), 0);
        const read = anyOutput(plan, list);
        const once = async () => {
          await executor.run(name);
          await executor.read(read);
        };
        await once();
        const before = process.hrtime.bigint();
        await once();
        const seconds = Number(process.hrtime.bigint() - before) / 1e9;
        rows.push([`${label}: ${name}`, steps, seconds, (1000 * seconds) / Math.max(1, steps)]);
      }
    const paths = /llvmpipe|lavapipe|swiftshader|software/i.test(executor.description) ? 10_000 : 1_000_000;
    const many = [];
    for (const name of ensembles)
      many.push(
        ...(await ensemble(compiler, runtime, name, name === 'ensemble_lengths' ? paths / 10 : paths)),
      );
    return [
      {
        title: `GPU: ${executor.description}; ensembles, 1,000 steps (ensemble_lengths: its own)`,
        columns: ['program', 'paths', 'ms, least of 3', 'ns a step and path', 'plan, MB'],
        rows: many,
      },
      {
        title: `GPU: ${executor.description}; heat_sensitivity on 256² cells`,
        columns: ['procedure', 'steps', 'seconds', 'ms a step'],
        rows,
      },
    ];
  } finally {
    await executor.dispose();
  }
}

/** A small variable that the run prints: reading it waits for the device. */
function anyOutput(plan, list) {
  for (const statement of list)
    if (statement.kind === 'print')
      for (const part of statement.parts) if ('variable' in part) return part.variable;
  return plan.buffers.find((b) => b.role === 'variable').name;
}
