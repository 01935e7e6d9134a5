// Gradients that keep no states, or as many as a budget holds, although the number of steps is not known ahead: what they are, and what memory they take.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Arrays, Compiled, TargetName } from './support.ts';
import { arrayNamed, compiled, root, runOn, sameBits, savedArrays } from './support.ts';

function program(text: string, precision: 'f32' | 'f64' = 'f32'): Compiled {
  return compiled({ path: join(root, 'test/way.flow'), text: `precision ${precision}\n${text}` });
}

async function gradients(made: Compiled, target: TargetName): Promise<Arrays> {
  return savedArrays(await runOn(made, target, 'run'), 'out.npz');
}

const pendulums = (steps: number, adjoint: string, unit = '2^(-15)'): string => `
use std.ode { verlet, yoshida4, exactly }
param g: real = 1.1
ode swing { state q = 1.0, v = 0.0, p = 0.3, w = 0.1
  dt(q) = v
  dt(v) = -g*sin(q) + 0.3*p - 0.2*q*p*p
  dt(p) = w
  dt(w) = -p + 0.3*q - 0.1*sin(p*q) }
fn many(starts) { let ends = [solve(swing, t: 0 .. 30, steps: ${steps}, method: exactly(verlet, ${unit}), from: { q: q }, adjoint: ${adjoint}).final for q in starts];  return mean(ends.q*ends.p) }
let one = solve(swing, t: 0 .. 30, steps: ${steps}, method: exactly(yoshida4, ${unit}), adjoint: ${adjoint}).final
run { save "out.npz" { many: gradient(many)(linspace(0.8, 1.2, 21)), one: gradient(one.q*one.v, over: g) } }`;

const wave = (steps: number, adjoint: string): string => `
use std.ode { verlet, exactly }
domain line { x: 0 .. 1 cells 300 periodic }
param c: scalar on line = 1 + 0.3*sin(2*pi*line.x)
field bump(x) = exp(-50*(x - 0.5)^2)
pde wave on line { state u: scalar = bump, dt(u) = 0
  dt(u, 2) = div(c*grad(u)) - 0.4*u^3 - 0.3*u }
let energy = integral(solve(wave, t: 0 .. ${steps}/500, steps: ${steps}, method: exactly(verlet, 2^(-15)), adjoint: ${adjoint}).final.u^2)
run { save "out.npz" { slope: gradient(energy, over: c) } }`;

describe('a way back on a grid', () => {
  test.each([
    ['members of an ensemble, f32', pendulums, 'f32', 300],
    ['members of an ensemble, f64', pendulums, 'f64', 300],
    ['a wave, f32', wave, 'f32', 150],
    ['a wave, f64', wave, 'f64', 150],
  ] as const)('has the bits of the stored states: %s', async (_name, text, precision, steps) => {
    const [back, stored] = ['reversible', 'store'].map((way) => program(text(steps, way), precision));
    if (back === undefined || stored === undefined) throw new Error('two programs');
    for (const target of ['cpu', 'interpreter'] as const)
      expect(sameBits(await gradients(back, target), await gradients(stored, target))).toBe(true);
  });

  test('needs no more memory for more steps', () => {
    const bytes = (adjoint: string, steps: number): number => program(wave(steps, adjoint)).plan.bytes;
    // Sums of f32 over more than a thousand steps are compensated.
    expect(bytes('reversible', 5000)).toBe(bytes('reversible', 1500));
    expect(bytes('reversible', 5000)).toBeLessThan(bytes('checkpoint(memory: "100 KB")', 5000));
    expect(bytes('store', 5000)).toBeGreaterThan(100 * bytes('reversible', 5000));
  });

  test('says so when the states outgrow it', async () => {
    const made = program(pendulums(50, 'reversible', '2^(-30)'));
    await expect(gradients(made, 'cpu')).rejects.toThrow(/the states have grown to .* units of the grid/);
  });
});

const reaction = (adjoint: string): string => `
use std.ode { tsit5 }
param k: real = 0.05
domain line { x: 0 .. 1 cells 100 periodic }
pde reaction on line { state u: scalar = 1 + 0.5*sin(2*pi*line.x)
  dt(u) = cos(6*t)*u^2 - 0.3*u + k*u*cos(3*t) }
let end = solve(reaction, t: 0 .. 2, method: tsit5, rtol: 1e-6, atol: 1e-6, limit: 256, adjoint: ${adjoint})
run { save "out.npz" { slope: gradient(integral(end.final.u^2), over: k) } }`;

describe('adaptive steps under a budget', () => {
  test('have the same bits under every one, and less memory under a smaller one', async () => {
    const policies = ['store', 'recompute', ...[12, 6].map((kb) => `checkpoint(memory: "${kb} KB")`)];
    const made = policies.map((policy) => program(reaction(policy)));
    const [first, ...others] = made;
    if (first === undefined) throw new Error('no programs');
    const expected = await gradients(first, 'cpu');
    expect(Math.abs(Number(arrayNamed(expected, 'slope').data[0]))).toBeGreaterThan(0.01);
    for (const other of others) expect(sameBits(await gradients(other, 'cpu'), expected)).toBe(true);
    const bytes = made.map((m) => m.plan.bytes);
    const budgets = bytes.slice(2);
    expect(budgets).toEqual([...budgets].sort((a, b) => b - a));
    expect(new Set(budgets).size).toBe(2);
    expect(Math.max(...budgets)).toBeLessThan(Number(bytes[0]));
  });
});
