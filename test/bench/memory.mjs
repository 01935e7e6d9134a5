// Memory of a gradient through 4,096 steps of heat conduction on 128 x 128 cells, as the plan predicts it, under several budgets for the states that are kept (the tape).

import { diskHost, loadCompiler, loadRuntime } from './host.mjs';

const steps = 4096;
const program = (adjoint) => `
use std.ode { euler }
const n = 128
domain plate { x: 0 .. 1 cells n; y: 0 .. 1 cells n }
field hot(x, y) = exp(-40*((x - 0.4)^2 + (y - 0.6)^2))
param start: scalar on plate = hot
param k: scalar on plate = 1.0
pde heat on plate {
  state T: scalar = start
  dt(T) = div(k*grad(T))
  boundary x.min, x.max, y.min, y.max { T = 0 }
}
let path = solve(heat, t: 0 .. ${steps}*0.15/n^2, steps: ${steps}, method: euler, adjoint: ${adjoint})
loss left = integral(path.final.T^2)
run { let by = gradient(left, over: { start, k }); print "{norm(by.start)} {norm(by.k)}" }
`;

export async function run() {
  const compiler = await loadCompiler();
  const host = diskHost(await loadRuntime());
  const rows = [];
  const notes = [];
  for (const [adjoint, budget] of [
    ['store', ''],
    ['checkpoint(memory: "16 MB")', 16e6],
    ['checkpoint(memory: "2 MB")', 2e6],
    ['recompute', ''],
  ]) {
    const { plan, diagnostics } = compiler.compile({ path: 'memory.flow', text: program(adjoint) }, host, {
      settings: new Map(),
    });
    if (plan === undefined) throw new Error(compiler.renderDiagnostics(diagnostics));
    const sweeps = Object.values(plan.procedures).flatMap((p) => reversals(p.steps));
    const tape = sweeps.reduce((bytes, s) => bytes + tapeOf(plan, s), 0);
    const again = sweeps.reduce((n, s) => n + compiler.forwardSteps(s.length, s.slots), 0);
    const within = budget === '' ? '' : tape <= budget ? 'yes' : 'NO';
    if (within === 'NO') process.exitCode = 1;
    const slots = sweeps.map((s) => s.slots).join();
    rows.push([adjoint, plan.bytes / 1e6, tape === 0 ? '' : tape / 1e6, within, slots, again, again / steps]);
  }
  return [
    {
      title: `memory of a gradient through ${steps} steps, 128² cells, f32 (one state: 0.066 MB)`,
      columns: ['adjoint', 'all MB', 'tape MB', 'within', 'states kept', 'steps again', 'a step'],
      rows,
      notes,
    },
  ];
}

function reversals(list) {
  return list.flatMap((step) => {
    switch (step.kind) {
      case 'reverse':
        return [step, ...reversals(step.forward), ...reversals(step.backward)];
      case 'loop':
        return reversals(step.body);
      case 'while':
        return [...reversals(step.test), ...reversals(step.body)];
      case 'if':
        return [...reversals(step.then), ...reversals(step.else)];
      default:
        return [];
    }
  });
}

/** The buffers of the snapshots, as large as they are in the plan. */
function tapeOf(plan, sweep) {
  return [...new Set(sweep.snapshots)].reduce(
    (bytes, id) => bytes + plan.buffers.find((b) => b.id === id).bytes,
    0,
  );
}
