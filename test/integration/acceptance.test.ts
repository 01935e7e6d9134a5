// Whole programs of test/programs/good whose assertions must hold, on the CPU target, the longer ones with fewer steps. Each says in its own comments what a reference found.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compiled, root, runOn, varied } from './support.ts';
import type { Variation } from './support.ts';

interface Accepted {
  readonly name: string;
  readonly variation?: Variation;
  /** Its last line. */
  readonly says: RegExp;
}

const programs: readonly Accepted[] = [
  { name: 'diffusion_solvers', says: /^six calls, unseen starts: / },
  { name: 'equilibrium_propagation', says: /^after the penalty 0\.\d+ degrees$/ },
  { name: 'update_rules', says: /^all four rules hold$/ },
  {
    name: 'discrete_finetune',
    variation: {
      replace: [
        ['lr: 1e-3) batch 256 steps 600', 'lr: 3e-3) batch 64 steps 250'],
        ['lr: 1e-3) steps 150', 'lr: 3e-3) steps 25'],
        ['n in 0..128]', 'n in 0..32]'],
        ['> 6.5', '> 5'],
      ],
    },
    says: /^first letters/,
  },
  {
    name: 'heston_calibration',
    variation: {
      replace: [
        ['using adam(lr: cosine(0.1, 200)) steps 200', 'using adam(lr: cosine(0.1, 150)) steps 150'],
        ['const paths = 65_536', 'const paths = 4_096'],
        ['steps: 256', 'steps: 64'],
        ['< 0.1 and', '< 0.3 and'],
      ],
    },
    says: /^plotted heston\.png$/,
  },
  {
    // Its 18,000 steps are minutes; what is looked at here is that all its parts work together.
    name: 'pinn_lab',
    variation: {
      replace: [
        ['steps = 18_000', 'steps = 12'],
        ['every 1000', 'every 4'],
        ['< 5e-2', '< 20'],
        ['const N = 1000', 'const N = 200'],
      ],
    },
    says: /^plotted pinn_lab.png$/,
  },
  {
    // A tenth of its time, with the same bounds.
    name: 'teng_heat',
    variation: {
      replace: [
        ['steps 300', 'steps 100'],
        ['march(net, 100)', 'march(net, 5)'],
        ['t: 0 .. 1, dt', 't: 0 .. 0.05, dt'],
      ],
    },
    says: /^plotted teng_heat.png$/,
  },
  { name: 'contact_gradient', says: /^to slide half a metre, push with 1\.730\d* m\/s$/ },
  {
    // 1,500 steps take minutes: here the implicit rule against differences, and that the error falls below that of the mean answer, 0.22.
    name: 'graph_solver',
    variation: {
      replace: [
        ['k in 0..320]', 'k in 0..72]'],
        ['fit(i in 0..256)', 'fit(i in 0..64)'],
        ['for i in 256..320)', 'for i in 64..72)'],
        ['batch 16 steps 1500', 'batch 8 steps 40'],
        ['error < 0.1 ', 'error < 0.2 '],
      ],
    },
    says: /^relative error on unseen networks 0\.\d+$/,
  },
  { name: 'orders_ordinary', says: /^check order 1\.2: observed/ },
  { name: 'stiff', says: /^brusselator with diffusion: \d+ steps/ },
  { name: 'orders_stochastic', says: /^check strong order 1: observed/ },
  { name: 'sp500_volatility', says: /^plotted sp500_in_a_year\.png$/ },
];

describe.each(programs)('$name', ({ name, variation, says }) => {
  test('does what it asserts', async () => {
    const path = join(root, 'test/programs/good', `${name}.flow`);
    const program = compiled(varied({ path, text: readFileSync(path, 'utf8') }, variation ?? {}));
    const { host } = await runOn(program, 'cpu', 'run');
    expect(host.text().split('\n').at(-1)).toMatch(says);
  });
});
