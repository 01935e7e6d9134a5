// Steps a second on the GPU at hand, whatever it is (also a software one): the forward run and the gradient of heat_sensitivity on 256 x 256 cells. Wall time, because the device is no process.

import { diskHost, example, loadCompiler, loadRuntime } from './host.mjs';

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
    const called = (list) => list.filter((s) => s.kind === 'call').map((s) => s.procedure);
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
    return [
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
