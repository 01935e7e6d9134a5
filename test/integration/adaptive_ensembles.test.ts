// Ensembles whose members take steps of their own number and size: the adjoint of all of them is one kernel, one thread a member, as the solves are. The values of the interpreter, the same bits with any
// number of threads and under every policy, the derivative that finite differences give; and no step of a plan reads what all members have.

import { describe, expect, test } from 'vitest';
import type { Procedure, Step } from '../../compiler/plan/types.ts';
import type { Arrays, Compiled, TargetName } from './support.ts';
import { arrayNamed, compiled, noGpu, numberNamed, onTarget, run, sameBits, savedArrays } from './support.ts';

interface Case {
  readonly name: string;
  readonly text: string;
  /** What is differentiated. */
  readonly over: readonly string[];
  /** What is saved beside the loss. */
  readonly save: 'gradient' | 'slopes';
}

const cases: readonly Case[] = [
  {
    name: 'loops that end when they like',
    text: `
param k = 0.9
fn shrunk(a) {
  var x = a
  while x > 0.01 limit 150 quietly { x = x*k - 0.001*x*x }
  return x
}
loss l = sum([shrunk(1.0 + 0.01*i) for i in 0..103])`,
    over: ['k'],
    save: 'gradient',
  },
  {
    name: 'loops inside loops, on a grid of members',
    text: `
param k = 0.7
param c = 0.3
fn settled(a, b) {
  var x = a
  var n = 0
  while x > 0.1 limit 90 quietly {
    var y = b + 0.1*x
    while y > c limit 20 quietly { y = y*k }
    x = x*(0.8 + 0.1*y*c)
  }
  return x
}
loss l = sum([[settled(1.0 + 0.1*i, 0.5 + 0.2*j)^2 for j in 0..9] for i in 0..11])`,
    over: ['k', 'c'],
    save: 'gradient',
  },
  {
    name: 'adaptive steps',
    text: `
use std.ode { tsit5 }
param mu = 1.5
param start = 1.2
ode van_der_pol { state x = start, v = 0.0
  dt(x) = v
  dt(v) = mu*(1 - x^2)*v - x }
fn last(a) = solve(van_der_pol, t: 0 .. 2, method: tsit5, rtol: 1e-4, atol: 1e-4, limit: 200POLICY, from: { x: a, v: 0.0 }).final.x
loss l = sum([last(start + 0.01*i)^2 for i in 0..101])`,
    over: ['mu', 'start'],
    save: 'gradient',
  },
  {
    name: 'events',
    text: `
use std.ode { tsit5 }
param damp = 0.8
param g = 9.8
ode ball { state h = 1.0, v = 0.0
  dt(h) = v
  dt(v) = -g - 0.1*v
  event h = 0 falling { v = -damp*v } }
fn last(a) = solve(ball, t: 0 .. 1, method: tsit5, rtol: 1e-5, limit: 300, from: { h: a, v: 0.0 }).final.h
loss l = sum([last(1.0 + 0.01*i)^2 for i in 0..70])`,
    over: ['damp', 'g'],
    save: 'gradient',
  },
  {
    name: "Newton's method in every step",
    text: `
use std.ode { sdirk }
param mu = 3.0
ode van_der_pol { state x = 1.0, v = 0.0
  dt(x) = v
  dt(v) = mu*(1 - x^2)*v - x }
fn last(a) = solve(van_der_pol, t: 0 .. 2, method: sdirk, rtol: 1e-4, atol: 1e-4, limit: 200, from: { x: a, v: 0.0 }).final.x
loss l = sum([last(1.0 + 0.01*i)^2 for i in 0..70])`,
    over: ['mu'],
    save: 'gradient',
  },
  {
    name: 'the gradient of each member',
    text: `
use std.ode { dopri5 }
param mu = 0.7
ode growth { state x = 1.0
  dt(x) = mu*x*(1 - 0.1*x^2) }
fn last(a) = solve(growth, t: 0 .. 2, method: dopri5, rtol: 1e-4, limit: 150, from: { x: a }).final.x
let slopes = [gradient(last)(0.3 + 0.02*i) for i in 0..90]
loss l = sum(slopes^2)`,
    over: ['mu'],
    save: 'slopes',
  },
];

const policies = ['store', 'recompute', 'checkpoint(memory: "1 KB")'];

function made({ text, over, save }: Case, policy: string, precision?: 'f64'): Compiled {
  const gradient = `gradient(l, over: { ${over.map((p) => `${p}: ${p}`).join(', ')} })`;
  const differences = over.map(
    (p) => `${p}: ((with ${p} = ${p} + 1e-7 { return l }) - (with ${p} = ${p} - 1e-7 { return l }))/2e-7`,
  );
  const source = `${precision === undefined ? '' : `precision ${precision}\n`}${text.replace('POLICY', policy)}
run look { save "out.npz" ${save === 'slopes' ? '{ l, slopes }' : `{ l, g: ${gradient} }`} }
run differences { save "out.npz" { g: ${gradient}, d: { ${differences.join(', ')} } } }`;
  return compiled({ path: 'members.flow', text: source });
}

const saved = (program: Compiled, target: TargetName, name = 'look'): Promise<Arrays> =>
  onTarget(program, target, async (executor) => savedArrays(await run(program, executor, name), 'out.npz'));

function kindsOf(steps: readonly Step[]): Set<Step['kind']> {
  return new Set(steps.map((step) => step.kind));
}

describe.each(cases)('$name', (given) => {
  test('solves and adjoints are inside kernels', () => {
    const { procedures } = made(given, '').plan;
    const looks = Object.values(procedures).filter(({ name }: Procedure) => name.startsWith('look'));
    expect(looks.length).toBeGreaterThan(0);
    for (const { steps } of looks) expect([...kindsOf(steps)]).not.toContain('loop');
    for (const { steps } of looks)
      for (const kind of ['reverse', 'while', 'if'] as const) expect([...kindsOf(steps)]).not.toContain(kind);
  });

  test('the values of the interpreter', async () => {
    const program = made(given, '', 'f64');
    const expected = await saved(program, 'interpreter');
    const actual = await saved(program, 'cpu');
    for (const [name, { data }] of expected)
      for (const [i, x] of data.entries())
        expect(Math.abs((arrayNamed(actual, name).data[i] ?? NaN) - x), `${name} ${i}`).toBeLessThan(
          1e-9 * Math.max(Math.abs(x), 1),
        );
  });

  test('the same bits with any number of threads, and under every policy', async () => {
    const program = made(given, '');
    const reference = await saved(program, 'cpu');
    for (const target of ['cpu', 'cpu2', 'cpu3'] as const)
      expect(sameBits(reference, await saved(program, target)), target).toBe(true);
    if (!given.text.includes('POLICY')) return;
    for (const policy of policies)
      expect(sameBits(reference, await saved(made(given, `, adjoint: ${policy}`), 'cpu')), policy).toBe(true);
  });

  test('the derivative is near that of differences', async () => {
    // Where steps are chosen by the error, their sizes are taken as they are: the derivative is that of the solution to the tolerance of the solve.
    const arrays = await saved(made(given, '', 'f64'), 'cpu', 'differences');
    for (const name of given.over) {
      const [g, d] = [numberNamed(arrays, `g.${name}`), numberNamed(arrays, `d.${name}`)];
      expect(Math.abs(g / d - 1), `${name}: ${g} ${d}`).toBeLessThan(5e-3);
    }
  });
});

test('a GPU has the same values', async ({ skip }) => {
  if ((await noGpu()) !== undefined) skip();
  for (const given of cases.slice(0, 2)) {
    const program = made(given, '');
    const expected = await saved(program, 'cpu');
    const actual = await saved(program, 'gpu');
    for (const [name, { data }] of expected)
      for (const [i, x] of data.entries())
        expect(Math.abs((arrayNamed(actual, name).data[i] ?? NaN) - x), `${name} ${i}`).toBeLessThan(
          1e-4 * Math.max(Math.abs(x), 1),
        );
  }
});
