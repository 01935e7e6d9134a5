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
    let three = draw(normal(0, 1), [3])
    x = x + 0.01*three[0] - 0.02*three[1]*three[2]
  }
  return x
}
data steps = [for k in 0..count { yield draw(normal(0, 1)) } for p in 0..6]
data loose = [for k in 0..count { yield draw(uniform(0, 1)) } for p in 0..6]
data pairs = [for k in 0..count { yield draw(normal(0, 1), [2]) } for p in 0..6]
data triples = [for k in 0..count { yield draw(normal(0, 1), [3]) } for p in 0..6]
data fives = [for k in 0..count { yield draw(uniform(0, 1), [5]) } for p in 0..6]
let ends = [path(x) for x in start]
loss total = mean(ends^2)
run { save "out.npz" { steps, loose, pairs, triples, fives, ends, total, by: gradient(total, over: { sigma, start }) } }
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

  test('a few numbers drawn in every turn share blocks with those of the next turns', () => {
    const { plan } = compiled({
      path: 'noise.flow',
      text: `
use std.random { normal }
fn path(p) {
  var x = 0.0*p
  for k in 0..40 { x += sum(draw(normal(0, 1), [3])) }
  return x
}
let ends = [path(p) for p in 0..70]
run { print "{ends[0]}" }`,
    });
    const [walk] = plan.kernels
      .map((kernel) => printKernel(kernel))
      .filter((text) => text.includes('random('));
    // Three blocks of four words and six logarithms: four turns of three numbers, two of a logarithm.
    expect(walk).toMatch(/for q\d+ in 0\.\.10 \{/);
    expect(walk?.match(/random\(/g)?.length).toBe(3);
    expect(walk?.match(/log\(/g)?.length).toBe(6);
  });

  test('do not depend on how many turns there are', async () => {
    // Three turns are not run together; of 39 the last three are not.
    const [few, many] = [await saved(3, 'cpu'), await saved(39, 'cpu')];
    const sizes = { steps: 1, loose: 1, pairs: 2, triples: 3, fives: 5 };
    for (const [name, size] of Object.entries(sizes)) {
      const [a, b] = [arrayNamed(few, name).data, arrayNamed(many, name).data];
      for (let p = 0; p < 6; p++)
        for (let k = 0; k < 3 * size; k++)
          expect(b[p * 39 * size + k], `${name} ${p} ${k}`).toBe(a[p * 3 * size + k]);
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
