// A value that decides which side of a choice is taken is the same in every kernel that computes it. The programs put it where its last bit decides: x is the difference of a value and of what was stored
// of it before. Then either side is right, but all kernels have to take the same.
//
// Elements: what one gradient says about the sides is put into the others. Loops: derivatives forwards, whose choices are made by the step, and backwards, whose choices are made by the backward step.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { printKernel } from '../../compiler/kernel/print.ts';
import { at } from '../../compiler/support/lists.ts';
import type { Arrays, Compiled } from './support.ts';
import { compiled, noGpu, numberNamed, onTarget, root, run, savedArrays } from './support.ts';
import type { TargetName } from './support.ts';

const gpuIsMissing = (await noGpu()) !== undefined;
const seeds = [0, 1, 2];

function program(text: string): Compiled {
  return compiled({ path: join(root, 'test/one_value.flow'), text });
}

/** What a program saves, with several seeds. */
async function saved(text: string, target: TargetName): Promise<readonly Arrays[]> {
  const made = program(text);
  return onTarget(made, target, async (executor) => {
    const all: Arrays[] = [];
    for (const seed of seeds) all.push(savedArrays(await run(made, executor, 'run', seed), 'out.npz'));
    return all;
  });
}

const elements = (value: string): string => `
use std.random { uniform }
const n = 67
const m = 33
data a = 1 + draw(uniform(0, 1), [n])
data b = 1 + draw(uniform(0, 1), [m])
data w = 0.5 + draw(uniform(0, 1), [n, m])
fn f(a, b) = [${value} for i in 0..n, j in 0..m]
data c = -f(a, b)
# p has a second use: the kernels of the gradients by a and b have it, that of the gradient by c has not.
fn total(a, b, c) { let p = f(a, b);  return sum(w*relu(p + c)) + 0.5*sum(p*p) }
run {
  let (ga, gb, gc) = gradient(z => total(z[0], z[1], z[2]))((a, b, c))
  let side = where(gc > 0, 1.0, 0.0)
  let (ra, rb) = gradient(z => sum(stop_gradient(side)*w*f(z[0], z[1])))((a, b))
  let (sa, sb) = gradient(z => 0.5*sum(f(z[0], z[1])^2))((a, b))
  save "out.npz" { error_a: max(abs(ga - ra - sa))/max(abs(ga)), error_b: max(abs(gb - rb - sb))/max(abs(gb)), sides: sum(side) }
}`;

const values = ['a[i]*b[j]', 'a[i]^1.7*b[j]', 'tanh(a[i]*b[j])*b[j]'];

/** Twelve steps; the value and what was stored of it stand in every one. */
const loop = (value: string, members: boolean): string => `
use std.random { uniform }
use std.ode { euler }
const n = 67
data start = 1 + draw(uniform(0, 1), [n])
data k = 1 + 0.5*draw(uniform(0, 1), [n])
data v = 2*draw(uniform(0, 1), [n]) - 1
fn shifted(y) = ${members ? 'y' : 'concat(y[1..n], y[0..1])'}
fn f(y, k) = ${value}
data kept = {
  var y = start
  let all = for t in 0..12 { let z = f(shifted(y), k);  y = 0.5*y + 0.3*cos(y);  yield z }
  return all
}
ode go(k, start, kept) {
  state y: real${members ? '' : '[n]'} = start
  dt(y) = {
    let p = f(shifted(y), k)
    let z = p - kept[int(round(t))]
    return -0.5*y + 0.3*cos(y) + 0.1*relu(z)*k - 0.1*where(z < 0, 3*z, -z) + 0.001*p
  }
}
fn end(k, start, kept) = solve(go(k, start, kept), t: 0 .. 12, steps: 12, method: euler, adjoint: recompute).final.y
fn loss_of(k) = mean(${members ? '[end(k[i], start[i], kept[0.., i]) for i in 0..n]' : 'end(k, start, kept)'}^2)
run {
  let g = gradient(k => loss_of(k))(k)
  save "out.npz" { backwards: dot(g, v), forwards: jvp(k => loss_of(k), k, v), size: norm(g)*norm(v) }
}`;

function expectOneSide(arrays: Arrays): void {
  expect(numberNamed(arrays, 'sides')).toBeGreaterThan(0);
  for (const name of ['error_a', 'error_b']) expect(numberNamed(arrays, name), name).toBeLessThan(1e-5);
}

describe('kernels of one gradient take the same sides', () => {
  test.each(values)('%s', async (value) => {
    for (const arrays of await saved(elements(value), 'cpu')) expectOneSide(arrays);
  });

  test.skipIf(gpuIsMissing)('on a GPU', async () => {
    for (const arrays of await saved(elements(at(values, 0)), 'gpu')) expectOneSide(arrays);
  });
});

describe('steps and the backward steps that run them again take the same sides', () => {
  const steps = [
    ...['k*y', 'tanh(k*y)*k', '[sum(y[i]*k[l]*y[l] for l in 0..n) for i in 0..n]/n'].map(
      (value) => [value, false] as const,
    ),
    ...['k*y', '(k*y)^1.3*k'].map((value) => [value, true] as const),
  ];
  test.each(steps)('%s, members of an ensemble: %s', async (value, members) => {
    for (const arrays of await saved(loop(value, members), 'cpu')) {
      const size = numberNamed(arrays, 'size');
      expect(size).toBeGreaterThan(0);
      const [back, forth] = ['backwards', 'forwards'].map((name) => numberNamed(arrays, name));
      expect(Math.abs((back ?? NaN) - (forth ?? NaN)) / size).toBeLessThan(1e-5);
    }
  });
});

test('what looks for numbers that are not finite decides nothing: a run has multiply-adds', () => {
  const source = {
    path: join(root, 'test/one_value.flow'),
    text: `
use std.ode { euler }
domain line { x: 0 .. 1 cells 32 }
field hot(x) = sin(3*x)
pde heat on line {
  state T: scalar = hot
  dt(T) = lap(T)
  boundary x.min, x.max { T = 0 }
}
run { print "{max(solve(heat, t: 0 .. 0.01, steps: 40, method: euler).final.T)}" }`,
  };
  const made = compiled(source, {}, { diagnose: true });
  const text = made.plan.kernels.map((kernel) => printKernel(kernel)).join('\n');
  expect(text).toContain('diagnose');
  expect(text).not.toContain('rounded(');
});
