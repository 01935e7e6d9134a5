// When a value is computed, and when it changes: const, input, data, param, state, let, loss.

import { describe, expect, it } from 'vitest';
import { createInterpreterExecutor } from '../../compiler/driver/interpreter_executor.ts';
import type { ElaboratedProgram } from '../../compiler/elaborate/program.ts';
import { createMemoryHost, runScript } from '../../runtime/run/index.ts';
import type { RunOptions } from '../../runtime/run/index.ts';
import { codes, elaborated } from './support.ts';

async function lines(program: ElaboratedProgram, options: Partial<RunOptions> = {}): Promise<string[]> {
  const host = createMemoryHost();
  const { name, precision, script } = program;
  await runScript({ name, precision, script }, createInterpreterExecutor(program), { host, ...options });
  return host.events.flatMap((e) => (e.event === 'print' ? [e.text] : []));
}

const std = 'precision f64\nuse std.optim { gd }\nuse std.random { uniform }\n';

describe('const', () => {
  const text = `${std}const N = 3\nconst M = 2*N\nrun { print len(zeros([M])), M }`;
  it('is known while compiling, and set there', async () => {
    expect(await lines(elaborated(text))).toEqual(['6 6']);
    expect(await lines(elaborated(text, { settings: { N: '5' } }))).toEqual(['10 10']);
    expect(codes(`${std}param k = 1.0\nconst c = 2*k`)).toEqual(['E403']);
  });
});

describe('input', () => {
  const text = `${std}input nu: real = 0.5\ndata d = 10*nu\nparam k = 2*nu\nlet e = nu + k\nrun { print nu, d, k, e }`;
  it('is set for a run of the compiled program, before anything is computed from it', async () => {
    const program = elaborated(text);
    expect(await lines(program)).toEqual(['0.5 5 1 1.5']);
    expect(await lines(program, { inputs: new Map([['nu', 2]]) })).toEqual(['2 20 4 6']);
    expect(await lines(program)).toEqual(['0.5 5 1 1.5']);
    expect(codes(`${std}param k = 1.0\ninput c = 2*k`)).toEqual(['E404']);
  });
});

describe('data', () => {
  it('are computed once, before the run: what they were computed from may change', async () => {
    const program = elaborated(`${std}
param k = 2.0
state s = 3.0
data d = k*s + draw(uniform(0, 1))
loss l = (k - d)^2
run {
  let before = d
  k = 7.0
  s = 0.0
  minimize l over k using gd(0.1) steps 3
  print d - before, before > 6 and before < 7
}`);
    expect(await lines(program)).toEqual(['0 true']);
  });
  it('are never differentiated, and never change', async () => {
    const program = elaborated(
      `${std}param k = 2.0\ndata d = k^2\nloss l = d*k\nrun { print gradient(l, over: k) }`,
    );
    // d is the constant 4; a derivative through it would give 12.
    expect(await lines(program)).toEqual(['4']);
    expect(codes(`${std}data d = 1.0\nrun { d = 2.0 }`)).toEqual(['E431']);
    expect(codes(`${std}data d = 1.0\nrun { minimize d^2 over d using gd(0.1) steps 2 }`)).toEqual(['E420']);
  });
  it('have draws that are made once: the same in every step, run and statement of one seed', async () => {
    const program = elaborated(`${std}
data d = draw(uniform(0, 1), [4])
param k = 0.0
state drift = 0.0
loss l = (k - d[0])^2
run { let first = d
  minimize l over k using gd(0.1) steps 4 { every 1 { drift = max(drift, norm(d - first)) } }
  print drift, "{d, digits: 17}" }`);
    const [one] = await lines(program);
    expect(one).toMatch(/^0 /);
    expect(await lines(program)).toEqual([one]);
    expect(await lines(program, { seed: 1 })).not.toEqual([one]);
  });
});

describe('param', () => {
  it('begins with its expression, whatever is computed first, is trained, assigned, and reset to the start', async () => {
    const program = elaborated(`${std}
let twice = 2*k
param k = draw(uniform(1, 2))
loss l = (k - 5)^2
run {
  let start = k
  print twice - 2*start
  minimize l over k using gd(0.5) steps 1
  print k, twice
  k = 3.0
  print twice
  reset k
  print k - start
}`);
    expect(await lines(program)).toEqual(['0', '5 10', '6', '0']);
  });
});

describe('state', () => {
  it('is changed by runs, not trained, and not differentiated by itself', async () => {
    const program = elaborated(`${std}
state s = [1.0, 2.0]
param k = 1.0
loss l = sum((k - s)^2)
run {
  minimize l over k using gd(0.25) steps 1
  print k, s
  s = s + 1
  print l, gradient(l, over: k)
  reset s
  print s
}`);
    expect(await lines(program)).toEqual(['1.5 [1, 2]', '2.5 -4', '[1, 2]']);
    expect(codes(`${std}state s = 1.0\nrun { minimize s^2 over s using gd(0.1) steps 2 }`)).toEqual(['E420']);
  });
});

describe('let and loss', () => {
  it('are what they depend on, where they are needed', async () => {
    const program = elaborated(`${std}
param k = 1.0
state s = 2.0
let a = k*s
let b = a + draw(uniform(0, 1))
loss l = (a - 3)^2
run {
  print a, l, b - b
  k = 2.0
  print a, l
  s = 5.0
  print a, l
  let kept = a
  k = 0.0
  print kept, a
}`);
    expect(await lines(program)).toEqual(['2 1 0', '4 1', '10 49', '10 0']);
  });
  it('are elaborated once for one choice of parameters: two mentions are one value', () => {
    const program = elaborated(
      `${std}param k = 1.0\nlet big = sum(exp(k*linspace(0, 1, 50)))\nrun { print big; print 2*big; print big^2 }`,
    );
    const looks = program.procedures.filter((p) => p.name.endsWith('.look'));
    expect(looks).toHaveLength(1);
    const text = looks.map((p) => p.fn.region.results.length);
    expect(text).toEqual([3]);
  });
});

describe('optimizer', () => {
  it('forgets at the start of every run', async () => {
    const program = elaborated(`${std}
use std.optim { adam }
optimizer opt = adam(0.1)
param k = 1.0
run { minimize k^2 over k using opt steps 5
  print "{k, digits: 17}" }`);
    const one = await lines(program);
    expect(await lines(program)).toEqual(one);
  });
});
