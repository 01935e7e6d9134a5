// The examples in forms small enough for the interpreter: the same equations, methods, losses and run blocks on fewer cells and steps. Each has a `probe`, a run that saves what targets are
// compared by: `value` and `gradient` of the loss by reverse mode, `forward`, its derivative along `direction` by forward mode, and the solution.

import type { Variation } from './support.ts';

export interface ExampleForm extends Variation {
  readonly name: string;
  /** Steps of the solve behind the loss. */
  readonly steps: number;
  /** Text of `solve` behind which `adjoint: …` is written, and what stands there already. */
  readonly adjointAfter: readonly [string, string];
  /** What the adjoint keeps: nothing where the solve is linear in what it is differentiated by; a loop of a few numbers runs inside one kernel. */
  readonly keeps: 'states' | 'nothing' | 'registers';
  /** The loss and what it is differentiated by. */
  readonly check: string;
  /** Budgets of `checkpoint` that hold few, some and nearly all of the states. */
  readonly budgets: readonly string[];
  readonly probe: string;
}

export const forms: readonly ExampleForm[] = [
  {
    name: 'hare_lynx',
    replace: [['steps: 2000', 'steps: 200']],
    steps: 200,
    adjointAfter: ['method: rk4', ''],
    budgets: ['40 B', '200 B', '1 KB'],
    keeps: 'registers',
    check: 'misfit over alpha, beta, gamma, delta, u0, v0',
    probe: `
run probe {
  let loss_at = p => with alpha = p.alpha, beta = p.beta, gamma = p.gamma, delta = p.delta, u0 = p.u0, v0 = p.v0 { return misfit }
  let here = { alpha, beta, gamma, delta, u0, v0 }
  let direction = { alpha: 0.3, beta: -0.02, gamma: 0.4, delta: 0.01, u0: -5.0, v0: 2.0 }
  save "probe.npz" { value: misfit, gradient: gradient(misfit, over: { alpha, beta, gamma, delta, u0, v0 }), direction, forward: jvp(loss_at, here, direction), u: path.u, v: path.v }
}`,
  },
  {
    name: 'heat_inversion',
    replace: [
      ['plate(n = 64)', 'plate(n = 16)'],
      ['dt: 2e-5', 'dt: 2e-4'],
      ['save: every(steps: 100)', 'save: every(steps: 10)'],
    ],
    steps: 100,
    adjointAfter: ['method: rk4, save: every(steps: 10)', ''],
    budgets: ['4 KB', '20 KB', '60 KB'],
    keeps: 'states',
    check: 'misfit + rough over k',
    probe: `
run probe {
  let loss_at = k0 => with k = grid(plate, k0) { return misfit + rough }
  let direction = sin(7*values(plate.x))*cos(5*values(plate.y))
  save "probe.npz" { value: misfit + rough, gradient: gradient(misfit + rough, over: k), direction, forward: jvp(loss_at, values(k), direction), T: path.T, picture }
}`,
  },
  {
    name: 'wave_inversion',
    replace: [
      ['drum(n = 48)', 'drum(n = 16)'],
      ['dt: 0.5/48', 'dt: 0.5/16'],
      // A start that is not at rest: at zero the derivative by the data alone would be seen.
      ['on drum = 0\n', 'on drum = nudge\n'],
      ['field blow', 'field nudge(x, y) = 0.2*cos(3*x)*cos(2*y)\nfield blow'],
    ],
    steps: 48,
    adjointAfter: ['method: leapfrog', ''],
    budgets: ['4 KB', '20 KB', '60 KB'],
    keeps: 'nothing',
    check: 'miss over start',
    probe: `
run probe {
  let loss_at = s => with start = grid(drum, s) { return miss }
  let direction = sin(7*values(drum.x))*cos(5*values(drum.y))
  save "probe.npz" { value: miss, gradient: gradient(miss, over: start), direction, forward: jvp(loss_at, values(start), direction), u: heard.u, west: heard.west, south: heard.south }
}`,
  },
  {
    name: 'burgers_control',
    replace: [
      ['line(n = 256)', 'line(n = 96)'],
      ['dt: 2.5e-4', 'dt: 1e-3'],
      ['[50..]', '[12..]'],
    ],
    steps: 250,
    adjointAfter: ['method: ssprk3, save: every(steps: 10)', ''],
    budgets: ['2 KB', '10 KB', '60 KB'],
    keeps: 'states',
    check: 'miss over u0, nu',
    probe: `
run probe {
  let loss_at = p => with u0 = grid(line, p.u0), nu = p.nu { return miss }
  let direction = { u0: sin(7*values(line.x)), nu: 0.01 }
  save "probe.npz" { value: miss, gradient: gradient(miss, over: { u0, nu }), direction, forward: jvp(loss_at, { u0: values(u0), nu: nu }, direction), u: path.u, film }
}`,
  },
  {
    name: 'heat_sensitivity',
    settings: { n: '32' },
    replace: [
      ['1000*0.15/n^2', '100*0.15/n^2'],
      ['steps: 1000', 'steps: 100'],
    ],
    steps: 100,
    adjointAfter: ['method: euler', ', adjoint: checkpoint(memory: "64 MB")'],
    budgets: ['16 KB', '64 KB', '400 KB'],
    keeps: 'states',
    check: 'left over start, k',
    probe: `
run probe {
  let loss_at = p => with start = grid(plate, p.start), k = grid(plate, p.k) { return left }
  let direction = { start: sin(7*values(plate.x))*cos(5*values(plate.y)), k: cos(3*values(plate.x))*sin(4*values(plate.y)) }
  save "probe.npz" { value: left, gradient: gradient(left, over: { start, k }), direction, forward: jvp(loss_at, { start: values(start), k: values(k) }, direction), T: path.final.T }
}`,
  },
];

/** Rounding adds up at most linearly over the steps of a solve and its adjoint: the largest relative difference of two targets of that precision. */
export function roundingOf(form: ExampleForm, precision: 'f32' | 'f64'): number {
  return form.steps * (precision === 'f32' ? 2 ** -24 : 2 ** -53);
}
