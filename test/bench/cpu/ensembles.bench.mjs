// Ensembles of differential equations on the CPU target against C: stochastic ones forwards and with a gradient in three parameters, Lorenz' system with fixed steps and with steps of its own, and a step of
// training a neural differential equation. One thread, processor time, C too: it means the same on a busy machine. And the memory of the gradients, against storing every state of every path.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { dist, processorTime } from '../host.mjs';
import { references } from './reference.mjs';
import { inRounds, openProgram, ratio, repeated } from './measure.mjs';

const rounds = 4;
const child = fileURLToPath(new URL('./resident_child.mjs', import.meta.url));
const [paths, steps] = [100_000, 1000];

const models = [
  { title: 'geometric Brownian motion', program: 'ensemble_growth', model: 0, states: 1 },
  { title: 'Ornstein-Uhlenbeck', program: 'ensemble_ou', model: 1, states: 1 },
  { title: 'Lorenz with additive noise', program: 'ensemble_lorenz', model: 2, states: 3 },
];

/** title, program, run, C program with its arguments, repeats a round, steps of one call if the figure is for one of them */
const tasks = [
  ...models.flatMap(({ title, program, model }) =>
    ['forward', 'backward'].map((run, gradient) => ({
      title: `${title}, ${gradient === 1 ? 'value and gradient' : 'forward'}`,
      program,
      run,
      c: ['sde', model, gradient, paths, steps],
      repeats: 2,
    })),
  ),
  { title: 'Lorenz, RK4', program: 'lorenz', c: ['lorenz', paths, steps], repeats: 2 },
  ...[
    ['Lorenz, tsit5, rtol 1e-6, 10,000 of different length', 'ensemble_lengths'],
    ['bouncing balls, tsit5, rtol 1e-5, events, 10,000', 'ensemble_bounces'],
  ].flatMap(([title, program]) =>
    ['forward', 'backward'].map((run) => ({
      title: `${title}, ${run === 'backward' ? 'value and gradient' : 'forward'}`,
      program,
      run,
      repeats: 2,
    })),
  ),
];

async function timed(program, run) {
  const began = processorTime();
  await program.time(run);
  return processorTime() - began;
}

/** Largest resident set of a process that runs the program, in MB, before and after its run. */
function resident(program, run) {
  const { stdout, status } = spawnSync(process.execPath, [child, program, run], {
    env: { ...process.env, FLOWC_DIST: dist },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${program} ${run} ended with ${status}`);
  return JSON.parse(stdout);
}

export async function run() {
  const c = references();
  const rows = [];
  for (const task of tasks) {
    const program = await openProgram(task.program, {}, { threads: 1 });
    await program.time(task.run);
    const [name, ...args] = task.c ?? [];
    const reference = (kind) => async () =>
      name === undefined
        ? undefined
        : c.run(name, kind, [...args, task.repeats], 1, 'processor')?.seconds.map((s) => 1000 * s);
    const [own, native, c128] = await inRounds(rounds, [
      () => repeated(task.repeats, () => timed(program, task.run)),
      reference('native'),
      reference('c128'),
    ]);
    rows.push([task.title, own.min, own.median, ratio(own, native), ratio(own, c128)]);
    await program.dispose();
  }
  c.dispose();

  const neural = await openProgram('neural_ode', {}, { threads: 1 });
  const training = await repeated(3, () => neural.step('minimize.0.step', processorTime));
  await neural.dispose();

  const memory = models.map(({ title, program, states }) => {
    const all = (4 * paths * steps * states) / 1e6;
    const { predicted, before, after } = resident(program, 'backward');
    return [title, all, predicted, (100 * predicted) / all, after - before, (100 * (after - before)) / all];
  });
  return [
    {
      title: `ensembles, ${paths.toLocaleString('en')} paths x ${steps.toLocaleString('en')} steps, f32, CPU target, one thread, processor ms (least of ${rounds} rounds with C)`,
      columns: ['program', 'ms least', 'ms median', '× native', '× c128'],
      rows,
    },
    {
      title:
        'a step of training a neural differential equation: 2-64-64-2, RK4, 100 steps, batch 1,024, Adam',
      columns: ['threads', 'ms least'],
      rows: [['one', Math.min(...training)]],
    },
    {
      title:
        'memory of the gradients: what the plan predicts, and by how much the largest resident set grows',
      columns: ['model', 'all states, MB', 'plan, MB', '% of them', 'process, MB', '% of them'],
      rows: memory,
    },
  ];
}
