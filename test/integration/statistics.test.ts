// Laws of stochastic solutions (test/programs/statistics/laws.flow), and that the numbers behind them are the same bits on every target, with any number of threads and however an ensemble is divided.

import { expect, test } from 'vitest';
import { emitWasm } from '../../compiler/target/wasm/emit.ts';
import { createCpuExecutor } from '../../runtime/cpu/executor.ts';
import { expectLaws, lawsIn } from './laws.ts';
import type { Arrays, Compiled, TargetName } from './support.ts';
import { arrayNamed, compiled, noGpu, onTarget, run, sameBits, savedArrays } from './support.ts';

test('solutions of stochastic equations have their laws, with and without fused multiply-adds', async () => {
  const made = lawsIn('f64', 'cpu');
  await onTarget(made, 'cpu', (executor) => expectLaws(made, executor, [1, 2, 3]));
  const code = { wasm: await emitWasm(made.plan) };
  const strict = await createCpuExecutor({ ...made.plan, code }, { threads: 2, strict: true });
  await expectLaws(made, strict, [4, 5]).finally(() => strict.dispose());
});

/** Draws named by stream and number may be made in any parts; `ends` are those of a solve, `tree` values of a path that is made anew whenever it is asked for. */
const text = `
use std.sde { euler_maruyama, brownian }
use std.random { normal, uniform }
const n = 70
sde process { state X = 1.0
  noise W
  d(X) = -X*dt + 0.5*X*dW }
fn walk(p) {
  var x = 0.0
  for k in 0..24 { x = x + 0.3*draw(normal(0, 1), [], at: ("walk", 24*p + k))*cos(x) }
  return x
}
fn named(p) {
  var node = p
  for k in 0..8 { node = 2*node + int(2*draw(uniform(0, 1), [], at: (p, node))) }
  return node
}
data numbers = [for k in 0..6 { yield draw(uniform(0, 1)) } for p in 0..n]
data jumps = [for k in 0..6 { yield if draw(uniform(0, 1)) < 0.5 then 1.0 else 0.0 } for p in 0..n]
data words = [for k in 0..6 { yield int(65536*draw(uniform(0, 1))) } for p in 0..n]
data nodes = [named(p) for p in 0..n]
let tree = [{ let W = brownian([], t: 0 .. 1, depth: 14);  return [W.value(0.37), W.increment(0.2, 0.9)] } for p in 0..n]
let ends = solve(process, t: 0 .. 1, steps: 30, method: euler_maruyama, paths: n).final.X
let whole = [walk(p) for p in 0..96]
let parts = concat([walk(p) for p in 0..48], [walk(p + 48) for p in 0..48])
run { save "out.npz" { numbers, jumps, words, nodes, tree, ends, whole, parts } }
`;

const saved = (made: Compiled, target: TargetName): Promise<Arrays> =>
  onTarget(made, target, async (executor) => savedArrays(await run(made, executor, 'run'), 'out.npz'));

test('draws and paths do not depend on targets, threads and parts', async () => {
  const made = compiled({ path: 'paths.flow', text });
  const one = await saved(made, 'cpu');
  for (const target of ['cpu2', 'cpu3'] as const) expect(sameBits(one, await saved(made, target))).toBe(true);
  expect(arrayNamed(one, 'parts').data).toEqual(arrayNamed(one, 'whole').data);
  const others: TargetName[] = (await noGpu()) === undefined ? ['interpreter', 'gpu'] : ['interpreter'];
  for (const target of others) {
    const other = await saved(made, target);
    // Uniform numbers are bits, and what is made of them in whole numbers; what follows from normal ones rounds in its own way.
    for (const name of ['numbers', 'jumps', 'words', 'nodes'])
      expect(Array.from(arrayNamed(other, name).data, Math.fround), `${target} ${name}`).toEqual(
        Array.from(arrayNamed(one, name).data),
      );
    for (const name of ['tree', 'ends', 'whole'])
      for (const [i, x] of arrayNamed(one, name).data.entries())
        expect(Math.abs((arrayNamed(other, name).data[i] ?? NaN) - x), `${target} ${name} ${i}`).toBeLessThan(
          2e-5 * Math.max(1, Math.abs(x)),
        );
  }
});

test('a path is the same in an ensemble of any size', async () => {
  const few = 33;
  const all = await saved(compiled({ path: 'paths.flow', text }), 'cpu');
  const some = await saved(
    compiled({ path: 'paths.flow', text: text.replace('const n = 70', `const n = ${few}`) }),
    'cpu2',
  );
  for (const name of ['numbers', 'jumps', 'words', 'nodes', 'tree', 'ends']) {
    const { data, shape } = arrayNamed(some, name);
    expect(shape[0], name).toBe(few);
    expect(Array.from(arrayNamed(all, name).data).slice(0, data.length), name).toEqual(Array.from(data));
  }
});

test('paths that find their steps, and derivatives of means over paths, have the same bits with any number of threads', async () => {
  const made = compiled({
    path: 'adaptive.flow',
    text: `
use std.sde { heun }
param rate = 1.0
sde process { state X = 1.0
  noise W
  d(X) = -rate*X*dt + 0.5*X*dW }
let ends = solve(process, t: 0 .. 0.5, method: heun, rtol: 3e-2, paths: 37, save: none).final.X
loss second = mean(ends^2)
run { save "out.npz" { ends, second, slope: gradient(second, over: rate) } }
`,
  });
  const one = await saved(made, 'cpu');
  for (const target of ['cpu2', 'cpu3'] as const) expect(sameBits(one, await saved(made, target))).toBe(true);
});
