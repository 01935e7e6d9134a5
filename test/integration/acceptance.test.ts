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
    // Full size: 1,500 steps on 512 paths.
    name: 'controlled_sampler',
    variation: {
      replace: [
        ['128, 128', '32, 32'],
        ['weigh(512)', 'weigh(128)'],
        ['lr: 1e-3) steps 1500', 'lr: 4e-3) steps 150'],
        ['16_384', '1_024'],
        ['steps: 100', 'steps: 40'],
        ['< 0.03 ', '< 0.6 '],
        ['< 0.5 ', '< 12 '],
      ],
    },
    says: /^plotted controlled_sampler\.png$/,
  },
  {
    name: 'fractional_noise',
    variation: {
      replace: [
        ['64, 64', '16, 16'],
        ['i in 0..64', 'i in 0..8'],
        ['lr: 5e-3) batch 32 steps 800', 'lr: 1e-2) batch 8 steps 60'],
        ['< 0.08 ', '< 0.17 '],
      ],
    },
    says: /^Hurst index 0\.[34]/,
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
  {
    name: 'adjoint_sampler',
    variation: {
      replace: [
        ['batch 256 steps 800', 'batch 256 steps 150'],
        ['[160, 320, 640]', '[40, 80, 160]'],
      ],
    },
    says: /^relative error of the continuous adjoint/,
  },
  {
    name: 'score_sde',
    variation: {
      replace: [
        ['16_000', '400'],
        ['every 1600', 'every 200'],
        ['65_536', '4_096'],
        ['i in 0..2048]', 'i in 0..24]'],
        ['[generate() for i in 0..4096]', '[generate() for i in 0..128]'],
        ['steps: 500', 'steps: 100'],
        ['gap < 0.1', 'gap < 1.5'],
      ],
    },
    says: /^plotted score_sde\.png$/,
  },
  { name: 'hare_lynx', variation: { replace: [['steps 60', 'steps 40']] }, says: /^plotted hare_lynx\.png$/ },
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
