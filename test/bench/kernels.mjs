// How much a step of every example costs in kernels, from the schedule's report: dispatches of one time step, of one step of the reverse sweep, and of one step that it recomputes.

import { diskHost, example, exampleNames, loadCompiler, loadRuntime } from './host.mjs';

export async function run() {
  const compiler = await loadCompiler();
  const host = diskHost(await loadRuntime());
  const rows = [];
  const notes = [];
  for (const name of exampleNames()) {
    let result;
    try {
      result = compiler.compile(example(name), host, { settings: new Map() });
    } catch (trouble) {
      notes.push(`${name}: ${trouble}`);
      continue;
    }
    const { report, plan } = result;
    if (report === undefined) {
      notes.push(`${name}: ${compiler.renderDiagnostics(result.diagnostics).split('\n')[0]}`);
      continue;
    }
    for (const [procedure, dispatches] of Object.entries(report.dispatches)) {
      // The report lists loops in the order in which they are met; those around others (blocks of steps between two saved states) do not count.
      const innermost = marks(plan.procedures[procedure].steps);
      // Loops inside a kernel (`scan`) cost no dispatches; the last line of a program counts their kernels.
      const own = report.loops.filter((loop) => loop.procedure === procedure && loop.kind !== 'scan');
      if (own.length !== innermost.length)
        throw new Error(`${procedure}: the report has ${own.length} loops`);
      const loops = own.filter((loop, i) => innermost[i] && loop.steps > 1);
      const of = (kind) =>
        spread(loops.filter((loop) => loop.kind === kind).map((loop) => loop.kernelsPerStep));
      const again = spread(
        loops.filter((l) => l.kind === 'reverse').map((loop) => loop.kernelsPerForwardStep),
      );
      rows.push([name, procedure, dispatches, of('loop'), of('reverse'), again, of('while')]);
    }
    const inside = report.kernels.filter((k) => k.loops).length;
    rows.push([
      name,
      '(all)',
      `${plan.kernels.length} kernels, ${inside} of them with a loop inside`,
      '',
      '',
      '',
      '',
    ]);
  }
  return [
    {
      title: 'kernels a step',
      columns: [
        'program',
        'procedure',
        'outside loops',
        'a time step',
        'an adjoint step',
        'recomputed',
        'a turn of while',
      ],
      rows,
      notes,
    },
  ];
}

/** For every loop, in the order of the report: whether it has no loop inside. */
function marks(list) {
  return list.flatMap((step) => {
    const inner = innerBlocks(step).flatMap(marks);
    return step.kind === 'if' || innerBlocks(step).length === 0 ? inner : [inner.length === 0, ...inner];
  });
}

function innerBlocks(step) {
  switch (step.kind) {
    case 'loop':
      return [step.body];
    case 'while':
      return [step.test, step.body];
    case 'if':
      return [step.then, step.else];
    case 'reverse':
      return [step.forward, step.backward];
    default:
      return [];
  }
}

/** `4`, or `4-6` for loops that differ. */
function spread(numbers) {
  if (numbers.length === 0) return '';
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least === most ? String(least) : `${least}-${most}`;
}
