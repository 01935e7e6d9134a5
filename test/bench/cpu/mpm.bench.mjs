// The material point method: milliseconds of a substep, forward and with its share of a gradient, at several numbers of particles.

import { processorTime } from '../host.mjs';
import { openProgram, repeated } from './measure.mjs';
import { median } from '../table.mjs';

const sizes = [
  { n: 32, count: 1024, steps: 200, repeats: 3 },
  { n: 256, count: 100_000, steps: 10, repeats: 2 },
];

export async function run() {
  const rows = [];
  for (const { n, count, steps, repeats } of sizes)
    for (const threads of [1, undefined]) {
      const program = await openProgram('mpm', { n, count, steps }, threads === undefined ? {} : { threads });
      try {
        for (const what of ['forward', 'backward']) {
          await program.time(what);
          const times = await repeated(repeats, async () => {
            // Processor time of one thread, wall time of several.
            const began = processorTime();
            const wall = await program.time(what);
            return threads === 1 ? processorTime() - began : wall;
          });
          rows.push([
            `${count.toLocaleString('en')} particles, ${n}² cells`,
            threads === 1 ? 'one' : 'all',
            what === 'forward' ? 'forward' : 'value and gradient',
            Math.min(...times) / steps,
            median(times) / steps,
          ]);
        }
      } finally {
        await program.dispose();
      }
    }
  return [
    {
      title: 'Material point method, quadratic kernels, f32, CPU target',
      columns: ['size', 'threads', '', 'ms a substep, least', 'median'],
      rows,
    },
  ];
}
