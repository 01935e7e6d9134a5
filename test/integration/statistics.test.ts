// Laws of stochastic solutions (test/programs/statistics/laws.flow), and that the numbers behind them are the same bits on every target, with any number of threads and however an ensemble is divided.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createMemoryHost, runTests } from '../../runtime/run/index.ts';
import { renderError } from '../../compiler/support/render.ts';
import {
  arrayNamed,
  compiled,
  noGpu,
  onTarget,
  root,
  run,
  sameBits,
  savedArrays,
  type Arrays,
  type TargetName,
} from './support.ts';

test('solutions of stochastic equations have their laws', async () => {
  const path = join(root, 'test/programs/statistics/laws.flow');
  const made = compiled(
    { path, text: readFileSync(path, 'utf8') },
    {},
    { only: { run: '', tests: true }, target: 'cpu' },
  );
  const { results } = await onTarget(made, 'cpu', (executor) =>
    runTests(made.plan, executor, { host: createMemoryHost(), seed: 1 }),
  );
  expect(results.length).toBeGreaterThan(5);
  for (const { name, error } of results) expect(error === undefined ? '' : renderError(error), name).toBe('');
});

/** Draws named by stream and number may be made in any parts; `ends` are those of a solve. */
const text = `
use std.sde { euler_maruyama }
use std.random { normal, uniform }
sde process { state X = 1.0
  noise W
  d(X) = -X*dt + 0.5*X*dW }
fn walk(p) {
  var x = 0.0
  for k in 0..24 { x = x + 0.3*draw(normal(0, 1), [], at: ("walk", 24*p + k))*cos(x) }
  return x
}
data numbers = [for k in 0..6 { yield draw(uniform(0, 1)) } for p in 0..70]
data jumps = [for k in 0..6 { yield if draw(uniform(0, 1)) < 0.5 then 1.0 else 0.0 } for p in 0..70]
let ends = solve(process, t: 0 .. 1, steps: 30, method: euler_maruyama, paths: 70).final.X
let whole = [walk(p) for p in 0..96]
let parts = concat([walk(p) for p in 0..48], [walk(p + 48) for p in 0..48])
run { save "out.npz" { numbers, jumps, ends, whole, parts } }
`;

test('draws and paths do not depend on targets, threads and parts', async () => {
  const made = compiled({ path: 'paths.flow', text });
  const saved = (target: TargetName): Promise<Arrays> =>
    onTarget(made, target, async (executor) => savedArrays(await run(made, executor, 'run'), 'out.npz'));
  const one = await saved('cpu');
  for (const target of ['cpu2', 'cpu3'] as const) expect(sameBits(one, await saved(target))).toBe(true);
  expect(arrayNamed(one, 'parts').data).toEqual(arrayNamed(one, 'whole').data);
  const others: TargetName[] = (await noGpu()) === undefined ? ['interpreter', 'gpu'] : ['interpreter'];
  for (const target of others) {
    const other = await saved(target);
    // Uniform numbers are bits; what follows from them rounds in its own way.
    for (const name of ['numbers', 'jumps'])
      expect(Array.from(arrayNamed(other, name).data, Math.fround), `${target} ${name}`).toEqual(
        Array.from(arrayNamed(one, name).data),
      );
    for (const name of ['ends', 'whole'])
      for (const [i, x] of arrayNamed(one, name).data.entries())
        expect(Math.abs((arrayNamed(other, name).data[i] ?? NaN) - x), `${target} ${name} ${i}`).toBeLessThan(
          2e-5 * Math.max(1, Math.abs(x)),
        );
  }
});
