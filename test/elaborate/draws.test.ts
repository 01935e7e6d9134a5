// Random draws: what their names depend on, and what they do not depend on.

import { describe, expect, it } from 'vitest';
import { evaluate, expectTestsPass, flat, value } from './support.ts';

const use = 'precision f64\nuse std.random { uniform, normal, exponential }\n';
const draw = 'draw(uniform(0, 1), [3])';

describe('draws', () => {
  it('differ: two in one item, in two items, of one function called twice, inside and outside loops', async () => {
    const out = await evaluate(
      `${use}
fn noise() = ${draw}
data a = ${draw}
data b = ${draw}
data c = { p: ${draw}, q: ${draw} }
data d = { p: noise(), q: noise() }
data e = [noise() for i in 0..3]
fn walk() {
  let xs = for i in 0..3 { yield noise() }
  return xs
}
data f = walk()
data g = [${draw} for i in 0..2, j in 0..2]
data h = [noise() for x in [1.0, 2.0]]
data k = list(noise() for i in 0..2)[1]
let l = ${draw}
param m = ${draw}
`,
      Object.fromEntries('abcdefghklm'.split('').map((n) => [n, n])),
    );
    const all = Object.values(out).flatMap(flat);
    expect(all.length).toBeGreaterThan(50);
    expect(new Set(all).size).toBe(all.length);
    for (const x of all) {
      expect(x).toBeGreaterThan(0);
      expect(x).toBeLessThan(1);
    }
  });

  it('are the same for the same program and seed, others for another seed', async () => {
    const text = `${use}data a = ${draw}`;
    const one = await value(text, 'a', { seed: 7 });
    expect(await value(text, 'a', { seed: 7 })).toEqual(one);
    expect(await value(text, 'a', { seed: 8 })).not.toEqual(one);
    expect(await value(text, 'a', { seed: 2 ** 40 + 7 })).not.toEqual(one);
  });

  it('do not change when the file is reformatted, or when other items come and go', async () => {
    const body = `fn noise(n) { let z = draw(normal(0, 1), [n]); return z }\ndata a = noise(2) + noise(2)`;
    const other = `data first = draw(normal(0, 1), [5])\n\n# a comment\nfn noise(n) {\n  let z =\n    draw(normal(0, 1), [n])\n  return z\n}\n\ndata a =\n  noise(2)\n    + noise(2)\nlet unused = noise(3)`;
    expect(await value(use + body, 'a')).toEqual(await value(use + other, 'a'));
  });

  it('are shared by the elements of a comprehension when they stand outside of it', async () => {
    const out = await evaluate(
      `${use}data a = { let z = draw(uniform(0, 1)); return [z + 0*i for i in 0..3] }`,
      {
        a: 'a',
      },
    );
    const [x, y, z] = flat(out['a'] ?? []);
    expect(y).toBe(x);
    expect(z).toBe(x);
  });

  it('of data, parameters and states are made once; evaluations of one loss agree', async () => {
    const text = `${use}
data d = ${draw}
param k = 1.0
let z = ${draw}
loss l = sum(k*z)
`;
    const out = await evaluate(text, {
      d1: 'd',
      z1: 'z',
      same: 'sum(abs((with k = 2 { return z }) - z))',
      both: 'value_and_gradient(q => with k = q { return l })(3.0).value - 3*sum(z)',
      gradient: 'gradient(l, over: k) - sum(z)',
    });
    expect(out['same']).toBe(0);
    expect(out['both']).toBeCloseTo(0, 12);
    expect(out['gradient']).toBeCloseTo(0, 12);
  });

  it('fresh gives another sample, fixed one as in data', async () => {
    const out = await evaluate(
      `${use}fn noise() = draw(uniform(0, 1), [2])\nlet a = with fresh 0 { return noise() }\nlet b = with fresh 1 { return noise() }\nlet c = with fixed { return noise() }`,
      { a: 'a', b: 'b', c: 'c' },
    );
    expect(out['a']).not.toEqual(out['b']);
    expect(flat(out['c'] ?? []).length).toBe(2);
  });

  it('are differentiable in the parameters of the distribution', async () => {
    const out = await evaluate(
      `${use}
data z = draw(normal(0, 1), [4])
fn f(mu) = sum(draw(normal(mu, 2*mu), [4]))
let g = gradient(f)(1.5)
let v = f(1.5)
`,
      { g: 'g', v: 'v' },
    );
    expect(typeof out['g']).toBe('number');
    expect(Number.isFinite(out['g'])).toBe(true);
  });

  it('like: takes the structure of a value', async () => {
    const out = await evaluate(
      `${use}
domain line(n = 4) { x: 0 .. 1 cells n }
data a = draw(normal(0, 1), like: { p: [1.0, 2.0], q: 3.0 })
data f = resample(line.x, on: line)
data b = draw(normal(0, 1), like: f)
`,
      { p: 'a.p', q: 'a.q', b: 'values(b)' },
    );
    expect(flat(out['p'] ?? []).length).toBe(2);
    expect(typeof out['q']).toBe('number');
    expect(flat(out['b'] ?? []).length).toBe(4);
  });

  it('have the moments of their distribution', async () => {
    await expectTestsPass(`${use}
use std.stats { variance }
test "moments" {
  let z = draw(normal(1.0, 2.0), [20000])
  assert abs(mean(z) - 1) < 0.06 and abs(variance(z) - 4) < 0.2
  let u = draw(uniform(-1, 3), [20000])
  assert abs(mean(u) - 1) < 0.04 and abs(variance(u) - 16/12) < 0.04
  let e = [draw(exponential(2.0)) for i in 0..20000]
  assert abs(mean(e) - 0.5) < 0.02 and min(e) > 0
}`);
  });
});
