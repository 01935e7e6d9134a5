// Draws of neighbouring turns share blocks of random words where turns run together (schedule/neighbours.ts): what they are must not depend on it. Loops of
// other lengths, forwards and backwards.

import { describe, expect, test } from 'vitest';
import {
  arrayNamed,
  compiled,
  onTarget,
  run,
  sameBits,
  savedArrays,
  type Arrays,
  type TargetName,
} from '../integration/support.ts';
import { printKernel } from '../../compiler/kernel/print.ts';

const program = (count: number): string => `
use std.random { normal, uniform, exponential }
const count = ${count}
param sigma = 0.3
param start = draw(uniform(0.5, 1.5), [70])
fn path(x0) {
  var x = x0
  for k in 0..count {
    x = x + 0.1*x*(sigma*draw(normal(0.1, 1)) - draw(exponential(2)))
    x = x + draw(uniform(-1, 1))*0.01
  }
  return x
}
data steps = [for k in 0..count { yield draw(normal(0, 1)) } for p in 0..6]
data loose = [for k in 0..count { yield draw(uniform(0, 1)) } for p in 0..6]
let ends = [path(x) for x in start]
loss total = mean(ends^2)
run { save "out.npz" { steps, loose, ends, total, by: gradient(total, over: { sigma, start }) } }
`;

const arrays = new Map<string, Promise<Arrays>>();
function saved(count: number, target: TargetName): Promise<Arrays> {
  const key = `${count} ${target}`;
  let known = arrays.get(key);
  if (known === undefined) {
    const made = compiled({ path: 'neighbours.flow', text: program(count) });
    known = onTarget(made, target, async (executor) =>
      savedArrays(await run(made, executor, 'run'), 'out.npz'),
    );
    arrays.set(key, known);
  }
  return known;
}

describe('draws in loops', () => {
  test('are computed a block for four turns', () => {
    const { plan } = compiled({ path: 'neighbours.flow', text: program(40) });
    const text = plan.kernels.map((kernel) => printKernel(kernel)).join('\n');
    expect(text).toMatch(/for q\d+ in 0\.\.10 \{/);
  });

  test('do not depend on how many turns there are', async () => {
    // Three turns are not run together; of 39 the last three are not.
    const [few, many] = [await saved(3, 'cpu'), await saved(39, 'cpu')];
    for (const name of ['steps', 'loose']) {
      const [a, b] = [arrayNamed(few, name).data, arrayNamed(many, name).data];
      for (let p = 0; p < 6; p++)
        for (let k = 0; k < 3; k++) expect(b[p * 39 + k], `${name} ${p} ${k}`).toBe(a[p * 3 + k]);
      expect(new Set(b).size).toBe(b.length);
    }
  });

  test('agree on the interpreter and on any number of threads', async () => {
    const [cpu, expected] = [await saved(39, 'cpu'), await saved(39, 'interpreter')];
    for (const [name, { data }] of expected) {
      const actual = arrayNamed(cpu, name).data;
      const largest = data.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
      for (const [i, x] of data.entries())
        expect(Math.abs((actual[i] ?? NaN) - x), `${name} ${i}`).toBeLessThan(1e-5 * largest);
    }
    expect(sameBits(cpu, await saved(39, 'cpu3'))).toBe(true);
  });
});
