// Whole programs against C: the heat equation, its gradient, ensembles of ordinary and stochastic differential equations. One and all threads.

import { availableParallelism } from 'node:os';
import { references } from './reference.mjs';
import { inRounds, openProgram, ratio, repeated } from './measure.mjs';

const rounds = 3;

/** title, program, constants, run, C program and its arguments if there is one, repeats a round, what limits it */
const tasks = [
  {
    title: 'heat, 512², 1,000 steps',
    program: 'heat',
    constants: { n: 512, count: 1000 },
    c: ['heat', 512, 1000],
    repeats: 3,
    rounds: 12,
    limit: 'additions: the difference of differences takes seven operations, C takes five',
  },
  {
    title: 'the same, --fast',
    program: 'heat',
    constants: { n: 512, count: 1000 },
    fast: true,
    c: ['heat', 512, 1000],
    repeats: 3,
    rounds: 12,
    limit: 'additions and loads',
  },
  {
    title: 'heat, 2048², 100 steps',
    program: 'heat',
    constants: { n: 2048, count: 100 },
    c: ['heat', 2048, 100],
    repeats: 2,
    limit: 'the second cache',
  },
  {
    title: 'heat, 4096², 48 steps',
    program: 'heat',
    constants: { n: 4096, count: 48 },
    c: ['heat', 4096, 48],
    repeats: 2,
    limit: 'the second cache',
  },
  {
    title: 'heat value and gradient, 256², 256 steps, states stored',
    program: 'heat_gradient',
    constants: {},
    run: 'store',
    c: ['heat_gradient', 256, 256],
    repeats: 4,
    limit: 'loads; the first touch of the states',
  },
  {
    title: 'the same, states recomputed',
    program: 'heat_gradient',
    constants: {},
    run: 'recompute',
    c: ['heat_gradient', 256, 256],
    repeats: 4,
    limit: 'loads; a second forward run',
  },
  {
    title: 'Lorenz, 100,000 trajectories, 1,000 steps of RK4',
    program: 'lorenz',
    constants: {},
    c: ['lorenz', 100000, 1000],
    repeats: 1,
    limit: 'arithmetic on 128-bit vectors',
  },
  {
    title: 'geometric Brownian motion, 100,000 paths, 1,000 steps',
    program: 'gbm',
    constants: {},
    c: ['gbm', 100000, 1000],
    repeats: 1,
    limit: 'the generator (Threefry-4x32-20; the C program has a hash)',
  },
  {
    title: 'Lorenz, 10,000 trajectories, steps of their own (tsit5, rtol 1e-6), t = 0 .. 10',
    program: 'lorenz_adaptive',
    constants: {},
    repeats: 2,
    limit: 'every vector takes the steps of its busiest lane',
  },
];

export async function run() {
  const c = references();
  const rows = [];
  const notes = new Set();
  for (const task of tasks)
    for (const threads of [...new Set([1, availableParallelism()])]) {
      const program = await openProgram(task.program, task.constants, { threads, fast: task.fast });
      await program.time(task.run);
      const [name, ...args] = task.c ?? [];
      const reference = (kind) => async () =>
        name === undefined
          ? undefined
          : c.run(name, kind, [...args, task.repeats], threads)?.seconds.map((s) => 1000 * s);
      const [own, native, c128] = await inRounds(task.rounds ?? rounds, [
        () => repeated(task.repeats, () => program.time(task.run)),
        reference('native'),
        reference('c128'),
      ]);
      rows.push([task.title, threads, own.min, own.median, ratio(own, native), ratio(own, c128), task.limit]);
      if (native === undefined && name !== undefined)
        notes.add('no C compiler with OpenMP: nothing to compare with');
      await program.dispose();
    }
  c.dispose();
  return [
    {
      title: `programs on the CPU target against C (minima of ${rounds} paired rounds, 12 for the shortest)`,
      columns: ['program', 'threads', 'ms min', 'ms median', '× native', '× c128', 'limited by'],
      rows,
      notes: [...notes],
    },
  ];
}
