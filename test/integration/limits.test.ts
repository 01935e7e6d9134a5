// A `while` that comes to its limit while its condition still holds is told of: once a place, with how often and one of the elements, on every target alike; not where the program says that it is
// meant, and not again by a derivative.

import { describe, expect, test } from 'vitest';
import type { TargetName } from './support.ts';
import { createMemoryHost, runScript } from '../../runtime/run/index.ts';
import { compiled, noGpu, onTarget } from './support.ts';

const gpuIsMissing = (await noGpu()) !== undefined;

const text = `use std.ode { euler }
use std.optim { gd }
input tol = 1e-6
fn half(x) {
  var y = x
  while y > tol limit 5 { y = 0.5*y }
  return y
}
fn meant(x) {
  var y = x
  while y > tol limit 5 quietly { y = 0.5*y }
  return y
}
fn wave(x) = sum([sin(x*i) for i in 0..20])^2
fn long(x) {
  var y = x
  while max([wave(y + z) for z in [0.0, 1.0]]) > -1 limit 7 { y = 0.9*y }
  return y
}
fn broken(x) {
  var y = x
  while true limit 4 { y = 0.5*y; break when y < 0.1 }
  return y
}
ode decay { state u = 1.0
  dt(u) = -half(u) }
param k: real = 2.0
loss l = half(k)^2
run once { print "{half(1.0)} {half(1e-6)}" }
run intended { print "{meant(1.0)}" }
run reached { print "{half(3e-5)}" }
run elements { print "{[half(1e-5*4.0^i) for i in 0..4]}" }
run costly { print "{[long(1.0*i) for i in 0..6]}" }
run early { print "{broken(1.0)} {[broken(x) for x in [1.0, 4.0, 5.0]]}" }
run derivative { print "{gradient(half)(1.0)} {jvp(half, 1.5, 1.0)}" }
run both { let r = value_and_gradient(half)(1.0); print "{r.value} {r.gradient}" }
run solved { print "{solve(decay, t: 0 .. 1, method: euler, steps: 10).final.u}" }
run ensemble {
  let end = u => solve(decay, t: 0 .. 1, method: euler, steps: 10, from: { u: u }).final.u
  print "{[gradient(end)(4.0^j*1e-6) for j in 0..5]}"
}
run learnt { minimize l over k using gd(0.1) steps 6 { every 2 { print "{k}" } } }
run nested { print "{hessian(x => sum([half(x[i])^2 for i in 0..2]))([1.0, 2.0])}" }
`;

/** By run: the line of the loop, how often, and the rest of the message. */
const expected: Readonly<Record<string, readonly string[]>> = {
  once: ['6'],
  intended: [],
  reached: [],
  elements: ['6, 3 times, one of them in element 1'],
  costly: ['17, 6 times, one of them in element 0'],
  early: ['22, 2 times, one of them in element 1'],
  derivative: ['6, 2 times'],
  both: ['6'],
  solved: ['6, 10 times'],
  ensemble: ['6, 20 times, one of them in element 3'],
  learnt: ['6, 8 times'],
  nested: ['6, 2 times, one of them in element 0'],
};

const targets: readonly TargetName[] = ['interpreter', 'cpu', 'cpu2', 'gpu'];

describe('a loop that comes to its limit', () => {
  const program = compiled({ path: 'limits.flow', text });
  test.each(targets.filter((t) => t !== 'gpu' || !gpuIsMissing))('is told of by %s', async (target) => {
    await onTarget(program, target, async (executor) => {
      const { name, precision, script } = program.program;
      for (const run of Object.keys(expected)) {
        const host = createMemoryHost();
        await runScript({ name, precision, script }, executor, { host, run });
        const told = host.events.flatMap((e) =>
          e.event === 'warning' && e.code === 'R215'
            ? [`${e.line ?? '?'}${e.message.replace(/^.*condition still holds/, '')}`]
            : [],
        );
        expect(told, run).toEqual(expected[run]);
      }
    });
  });
});
