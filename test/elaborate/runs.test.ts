// Runs: minimisation with every optimiser of the library and with ones written by the user, what stands in a run, and what is refused there.

import { describe, expect, it } from 'vitest';
import { createInterpreterExecutor } from '../../compiler/driver/interpreter_executor.ts';
import { createMemoryHost, runScript } from '../../runtime/run/index.ts';
import { codes, elaborated, expectClose, flat, messages, printed, evaluate } from './support.ts';

const std = 'precision f64\nuse std.optim { gd, momentum, adam, lbfgs, levenberg_marquardt }\n';

async function run(
  text: string,
): Promise<{ lines: string[]; events: readonly { readonly event: string }[] }> {
  const program = elaborated(text);
  const host = createMemoryHost();
  await runScript(
    { name: program.name, precision: program.precision, script: program.script },
    createInterpreterExecutor(program),
    { host },
  );
  return { lines: host.events.flatMap((e) => (e.event === 'print' ? [e.text] : [])), events: host.events };
}

describe('minimize', () => {
  const cases: readonly (readonly [string, number, number])[] = [
    ['gd(lr: 0.05)', 400, 1e-4],
    ['gd(lr: k => 0.2/(1 + 0.02*k))', 200, 1e-4],
    ['adam(lr: k => if k < 100 then 0.2 else 0.02)', 300, 1e-3],
    ['momentum(lr: 0.02)', 300, 1e-3],
    ['adam(lr: 0.1)', 600, 1e-3],
    ['lbfgs()', 40, 1e-6],
    ['lbfgs(memory: 3)', 40, 1e-6],
    ['levenberg_marquardt()', 30, 1e-6],
  ];
  it.each(cases)('a quadratic by %s', async (optimiser, steps, tolerance) => {
    const { lines } = await run(`${std}
param a = 3.0
param b = [1.0, -2.0, 4.0]
loss l = (a - 1)^2 + sum((b - [0.5, 1.5, 2.5])^2) + 0.5*sum((b - a)^2)
let g = gradient(l, over: a)^2 + sum(gradient(l, over: b)^2)
run { minimize l over a, b using ${optimiser} steps ${steps}
  print "{g, digits: 17}" }`);
    expect(Number(lines[0])).toBeLessThan(tolerance);
  });

  it('Rosenbrock by lbfgs', async () => {
    const { lines } = await run(`${std}
param p = { x: -1.2, y: 1.0 }
loss l = (1 - p.x)^2 + 100*(p.y - p.x^2)^2
run { minimize l over p using lbfgs() steps 60 { log l every 20; stop when l < 1e-14 }
  print "{p.x, digits: 12}", "{p.y, digits: 12}" }`);
    const [x, y] = (lines[0] ?? '').split(' ').map(Number);
    expect(x).toBeCloseTo(1, 6);
    expect(y).toBeCloseTo(1, 6);
  });

  it('a curve fit by levenberg_marquardt, the residuals found in the form of the loss', async () => {
    for (const loss of [
      'sum((a*exp(-b*xs) - ys)^2)',
      'mean((a*exp(-b*xs) - ys)^2)',
      '0.5*norm(a*exp(-b*xs) - ys)^2',
      'sum((a*exp(-b*x) - 2*exp(-0.7*x))^2 for x in xs)',
      'sum((a*exp(-b*xs) - ys)^2)/4 + (a - 2)^2',
    ]) {
      const { lines } = await run(`${std}
let xs = linspace(0, 3, 10)
data ys = 2*exp(-0.7*xs)
param a = 1.0
param b = 0.1 in 0.01 .. 5
loss l = ${loss}
run { minimize l over a, b using levenberg_marquardt() steps 25
  print "{a, digits: 12}", "{b, digits: 12}" }`);
      const [a, b] = (lines[0] ?? '').split(' ').map(Number);
      expect(a, loss).toBeCloseTo(2, 5);
      expect(b, loss).toBeCloseTo(0.7, 5);
    }
    const text = `${std}param a = 1.0\nrun { minimize exp(a) over a using levenberg_marquardt() steps 5 }`;
    expect(codes(text)).toEqual(['E424']);
  });

  it('with an optimiser written by the user: memory, step number, several functions of the problem', async () => {
    const { lines } = await run(`${std}
fn heavy_ball(lr) = {
  init: p => { v: zeros_like(p), count: 0 },
  step: (problem, p, s) => {
    let v = 0.8*s.v - lr*problem.gradient(p)
    return (p + v, { v: v, count: s.count + 1 })
  } }
let newton = { init: p => {}, step: (problem, p, s) => {
  let g = problem.gradient(p)
  return (p - dot(g, g)/max(dot(g, problem.hvp(p, g)), 1e-30)*g, s)
} }
fn decaying(lr) = { init: p => { best: 1e9 }, step: (problem, p, s) => {
  let f = problem.value(p)
  return (p - lr/(1 + problem.step)*problem.gradient(p), { best: min(f, s.best) })
} }
param a = 3.0
param b = [1.0, 2.0]
loss l = (a - 1)^2 + sum(b^2)
run {
  minimize l over a, b using heavy_ball(0.1) steps 150
  print "{a, digits: 6} {norm(b) < 1e-4}"
  reset a, b
  minimize l over a, b using newton steps 3
  print "{a, digits: 6} {norm(b) < 1e-4}"
  reset a, b
  minimize l over a, b using decaying(0.4) steps 200
  print l < 0.1
}`);
    expect(lines[0]).toBe('1 true');
    expect(lines[1]).toBe('1 true');
    expect(lines[2]).toBe('true');
  });

  it('stays inside bounds and climbs with maximize', async () => {
    const { lines } = await run(`${std}
param k = 1.0 in 0.5 .. 2
run { maximize k*3 over k using lbfgs() steps 30
  print k > 1.99, k < 2.0000001 }`);
    expect(lines[0]).toBe('true true');
  });

  it('stops, logs, and does what stands under every', async () => {
    const { lines, events } = await run(`${std}
state seen = 0.0
param a = 8.0
loss l = a^2
run { minimize l over a using gd(lr: 0.25) steps 100 {
    log l every 2
    stop when l < 1e-3
    every 3 { seen = seen + 1;  print "a = {a}" } }
  print seen > 1, abs(a) < 0.04 }`);
    expect(lines.at(-1)).toBe('true true');
    const done = events.find((e) => e.event === 'minimized');
    expect(done).toMatchObject({ of: 100 });
    expect(events.filter((e) => e.event === 'log').length).toBeGreaterThan(2);
  });

  it('a solve as the objective', async () => {
    const { lines } = await run(`${std}
use std.ode { rk4 }
param k = 0.3 in 0.01 .. 5
ode decay { state y = 2.0
  dt(y) = -k*y }
data target = (with k = 0.8 { return solve(decay, t: 0 .. 2, steps: 40, method: rk4, save: every(steps: 10)).y })
let path = solve(decay, t: 0 .. 2, steps: 40, method: rk4, save: every(steps: 10))
loss l = mean((path.y - target)^2)
run { check gradient l over k
  minimize l over k using lbfgs() steps 20
  print "{k, digits: 8}" }`);
    expect(Number(lines[0])).toBeCloseTo(0.8, 6);
  });

  it('is refused where it makes no sense', () => {
    const bad = (goal: string, more = ''): string[] =>
      codes(
        `${std}param a = 1.0\nparam b = 2.0\nparam v = [1.0, 2.0]\nlet c = 3\ndata d = 4\n${more}\nrun { ${goal} }`,
      );
    expect(bad('minimize v over v using adam(lr: 1) steps 3')).toEqual(['E271']);
    expect(bad('minimize a^2 over a, b using adam(lr: 1) steps 3')).toEqual(['E423']);
    expect(bad('minimize a^2 over q using adam(lr: 1) steps 3')).toEqual(['E150']);
    expect(bad('minimize a^2 over c using adam(lr: 1) steps 3')).toEqual(['E420']);
    expect(bad('minimize a^2 over d using adam(lr: 1) steps 3')).toEqual(['E420']);
    expect(bad('minimize a^2 over a, a using adam(lr: 1) steps 3')).toEqual(['E421']);
    expect(bad('minimize a^2 over a using adam steps 3')).toEqual(['E433']);
    expect(bad('minimize a^2 over a using 3 steps 3')).toEqual(['E433']);
    expect(bad('minimize a^2 over a using adam(lr: 1) steps a')).toEqual(['E110']);
    expect(bad('minimize a^2 over a using adam(rate: 1) steps 3')).toEqual(['E173']);
    expect(bad('minimize a^2 over a using adam(lr: 1) steps 3 { log v every 2 }')).toEqual(['E271']);
    expect(bad('minimize a^2 over a using adam(lr: 1) steps 3 { stop when a }')).toEqual(['E192']);
    expect(
      bad('minimize a^2 over a using o steps 3', 'let o = { init: p => {}, step: (problem, p, s) => p }'),
    ).toEqual(['E434']);
    expect(
      bad(
        'minimize a^2 over a using o steps 3',
        'let o = { init: p => { a: 1 }, step: (problem, p, s) => (p, {}) }',
      ),
    ).toEqual(['E435']);
    expect(
      bad(
        'minimize a^2 over a using o steps 3',
        'let o = { init: p => {}, step: (problem, p, s) => ({ a: [1.0, 2.0] }, s) }',
      ),
    ).toEqual(['E422']);
    expect(bad('check gradient a^2 over b')).toEqual(['E423']);
    expect(bad('reset c')).toEqual(['E431']);
    expect(bad('c = 5')).toEqual(['E431']);
  });
});

describe('statements of a run', () => {
  it('let keeps values, var changes, parameters and states are assigned', async () => {
    const lines = await printed(`${std}
param k = 1.0
param p = { a: 1.0, b: [1.0, 2.0] }
param q = 2.0 in 1 .. 3
state s = [0.0, 0.0]
let doubled = 2*k
run {
  let before = k
  var n = 0
  k = 5
  n = n + 1
  n += 2
  s = s + 1
  s += [1, 2]
  p = { a: 3, b: p.b + 1 }
  q = 2.5
  print "{before} {k} {doubled} {n} {s} {p.a} {p.b} {q, digits: 6}"
  reset k, p
  print "{k} {p.a}"
  k *= 4
  print k
}`);
    expect(lines).toEqual(['1 5 10 3 [2, 3] 3 [2, 3] 2.5', '1 1', '4']);
  });

  it('for and if: at compile time and at run time', async () => {
    const lines = await printed(`${std}
param k = 1.0
run {
  for i in 0..3 { k = k + i }
  for w in [0.5, 2.0] { print "{w}: {w*k}" }
  if k > 3 { print "large"; k = 0 } else { print "small" }
  if k > 3 { print "large" } else if k == 0 { print "zero" } else { print "small" }
  if 1 > 2 { print "never" } else { print "always" }
  print k
}`);
    expect(lines).toEqual(['0.5: 2', '2: 8', 'large', 'zero', 'always', '0']);
  });

  it('a var changed in branches and in repeated blocks keeps what was assigned', async () => {
    const lines = await printed(`${std}
param k = 2.0
loss l = k^2
run {
  var n = 0
  var best = { f: 100.0, at: [0.0, 0.0] }
  if k > 1 { n = 1 } else { n = 2 }
  print n
  minimize l over k using gd(lr: 0.1) steps 10 { every 2 { n += 10; if l < best.f { best = { f: l, at: [k, 1] } } } }
  print "{n} {best.f < 0.2}"
  let seen = n
  n = 0
  print "{seen} {n}"
}`);
    expect(lines).toEqual(['1', '51 true', '51 0']);
    expect(codes('run { var n = 0; n = n + 0.5 }')).toEqual(['E161']);
    expect(codes('run { var f = x => x; f = x => 2*x }')).toEqual(['E436']);
  });

  it('assert says what was compared', async () => {
    await expect(printed(`${std}param k = 1.0\nrun { assert k + 1 < 1.5, "k is {k}" }`)).rejects.toThrow(
      /k is 1/,
    );
    expect(messages('test "a" { assert 1 + 1 == 3, "sums" }')).toContain('sums');
    expect(codes('test "a" { assert 3 }')).toEqual(['E192']);
  });

  it('several runs have names; one that is asked for is elaborated alone', async () => {
    const text = 'run a { print 1 }\nrun b { print 2 }';
    expect(await printed(text, { run: 'b' })).toEqual(['2']);
    expect(codes('run a { print 1 }\nrun a { print 2 }')).toEqual(['E440']);
    expect(codes('run { print 1 }\nrun { print 2 }')).toEqual(['E440']);
  });

  it('draws of a let are made anew in each step of a minimisation', async () => {
    const lines = await printed(`${std}
use std.random { normal }
param a = 0.0
let z = draw(normal(0, 1))
loss l = (a - z)^2
run { minimize l over a using gd(lr: 0.5) steps 1
  let first = a
  minimize l over a using gd(lr: 0.5) steps 2
  print first == a }`);
    expect(lines).toEqual(['false']);
  });
});

describe('gradients of parameters with bounds and structure', () => {
  it('agree with differences through the loss', async () => {
    const text = `precision f64
param k = { a: 0.5, b: [1.0, 2.0] } in 0 .. 3
param m: real[2, 2] = 0.5
loss l = sum(m^2)*k.a + sum(exp(k.b))
let g = gradient(l, over: k)
let h = gradient(l, over: m)
`;
    const out = await evaluate(text, { a: 'g.a', b: 'g.b', h: 'h' });
    expectClose(flat(out['a'] ?? NaN), [1], 1e-9);
    expectClose(flat(out['b'] ?? NaN), [Math.E, Math.exp(2)], 1e-9);
    expectClose(flat(out['h'] ?? NaN), [0.5, 0.5, 0.5, 0.5], 1e-9);
  });
});
