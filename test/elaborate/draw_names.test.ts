// What names a draw, clause by clause (spec/language.md, random numbers), and draws that a program names or estimates by itself. No test pins the value of a draw.

import { describe, expect, it } from 'vitest';
import { codes, evaluate, flat, messages, number, printed } from './support.ts';

const use =
  'precision f64\nuse std.random { uniform, normal, categorical, bernoulli, gamma, rows, permutation }\n';

/** All numbers differ. */
function expectDifferent(...numbers: number[]): void {
  expect(new Set(numbers).size).toBe(numbers.length);
}

describe('the name of a draw', () => {
  it('holds the chain of calls: two layers of dropout hide different parts, each the same ones again', async () => {
    const out = await evaluate(
      `${use}
layer dropout(n) {
  param scale = 2.0
  call(x) {
    let keep = draw(uniform(0, 1), [n])
    return where(keep < 0.5, scale*x*keep, 0)
  }
}
layer two() {
  let a = dropout(40)
  let b = dropout(40)
  call(x) = { first: a(x), second: b(x) }
}
network net = two()
let once = net(ones([40]))
`,
      { first: 'once.first', second: 'once.second', again: 'once.first' },
    );
    expect(out['first']).not.toEqual(out['second']);
    expect(out['again']).toEqual(out['first']);
    const zeros = flat(out['first'] ?? []).filter((x) => x === 0).length;
    expect(zeros).toBeGreaterThan(5);
    expect(zeros).toBeLessThan(35);
  });

  it('holds the step: evaluations in one step agree, other steps draw anew', async () => {
    const program = (steps: number): string => `${use}
param k = 1.0
loss l = k*draw(uniform(0, 1))
fn twice() = {
  init: p => { n: 0.0 },
  step: (problem, p, s) => {
    let here = problem.gradient(p)
    let there = problem.gradient(3*p)
    return (p - here - 1e6*(there - here), { n: s.n + 1 })
  } }
run { minimize l over k using twice() steps ${steps}
  print "{k, digits: 15}" }`;
    const after = async (n: number): Promise<number> => Number((await printed(program(n)))[0]);
    const [one, two] = [1 - (await after(1)), (await after(1)) - (await after(2))];
    for (const x of [one, two]) {
      expect(x).toBeGreaterThan(0);
      expect(x).toBeLessThan(1);
    }
    expectDifferent(one, two);
  });

  it('holds the turns of loops and comprehensions, nested ones too', async () => {
    const out = await evaluate(
      `${use}
fn u() = draw(uniform(0, 1))
data a = [[u() for i in 0..3] for j in 0..4]
fn loops() {
  var s = zeros([3, 4])
  for i in 0..3 { for j in 0..4 { s[i, j] = u() } }
  return s
}
data b = loops()
fn until() {
  var (x, k) = (0.0, 0)
  while x < 0.9 limit 100 { x = u(); k += 1 }
  return k
}
data c = [until() for i in 0..50]
`,
      { a: 'a', b: 'b', c: 'c' },
    );
    expectDifferent(...flat(out['a'] ?? []), ...flat(out['b'] ?? []));
    expect(new Set(flat(out['c'] ?? [])).size).toBeGreaterThan(5);
  });

  it('does not hold the layout of the file, other items, or how the draw is computed', async () => {
    const one = await number(`${use}fn f(x) = x + draw(normal(0, 1))\ndata a = f(1.0)`, 'a');
    const other = `${use}let unused = draw(normal(0, 1), [7])
# a comment
fn f(x) {
  return x
    + draw(normal(0, 1))
}
data a =
  f(1.0)`;
    expect(await number(other, 'a')).toBe(one);
  });
});

describe('samples', () => {
  const text = `${use}
fn noise() = draw(uniform(0, 1))
let z = noise()
loss l = z + noise()
data j = 2
`;
  it('with fresh j another one of everything that changes from step to step, by static or run-time numbers', async () => {
    const out = await evaluate(text, {
      z: 'z',
      l: 'l',
      one: 'with fresh 1 { return l }',
      two: 'with fresh 2 { return l }',
      again: 'with fresh 2 { return l }',
      runtime: 'with fresh j { return l }',
      all: '[with fresh k { return l } for k in 0..4]',
      nested: 'with fresh 2 { return with fresh 2 { return l } }',
    });
    const of = (name: string): number => flat(out[name] ?? [])[0] ?? NaN;
    expectDifferent(of('l'), of('one'), of('two'), of('nested'));
    expect(of('again')).toBe(of('two'));
    expect(of('runtime')).toBe(of('two'));
    const all = flat(out['all'] ?? []);
    expect(all[1]).toBe(of('one'));
    expect(all[2]).toBe(of('two'));
    expectDifferent(...all, of('l'));
  });

  it('two blocks of one function differ, and data stay', async () => {
    const out = await evaluate(
      `${use}data d = draw(uniform(0, 1))
fn f() = [with fresh 1 { return draw(uniform(0, 1)) }, with fresh 1 { return draw(uniform(0, 1)) }]
let v = f()
let w = with fresh 5 { return d }`,
      { v: 'v', d: 'd', w: 'w' },
    );
    expectDifferent(...flat(out['v'] ?? []));
    expect(out['w']).toBe(out['d']);
  });

  it('with fixed one that steps do not change', async () => {
    const program = (goal: string): string => `${use}
param k = 1.0
let u = draw(uniform(0, 1))
loss l = ${goal}
run { minimize l over k using { init: p => { n: 0.0 }, step: (q, p, s) => (p - q.gradient(p), s) } steps 3
  print "{k, digits: 15} {with fixed { return u }, digits: 15}" }`;
    const [k, u] = ((await printed(program('k*(with fixed { return u })')))[0] ?? '').split(' ').map(Number);
    expect(1 - (k ?? NaN)).toBeCloseTo(3 * (u ?? NaN), 12);
    const [other] = ((await printed(program('k*u')))[0] ?? '').split(' ').map(Number);
    expect(1 - (other ?? NaN)).not.toBeCloseTo(3 * (u ?? NaN), 3);
  });

  it('at an address the same everywhere, whatever is around', async () => {
    const out = await evaluate(
      `${use}
fn increment(k) = draw(normal(0, 1), at: ("paths", k))
data a = increment(3)
data b = [increment(k) for k in 0..5]
let c = with fresh 7 { return increment(3) }
data d = draw(normal(0, 1), at: ("others", 3))
data e = [draw(normal(0, 1), at: (s, 3)) for s in 0..3]
data f = draw(normal(0, 1), at: (2, 3))
data g = draw(gamma(2.0), [4], at: ("paths", 3))
data h = draw(gamma(2.0), [4], at: ("paths", 4))
`,
      Object.fromEntries('abcdefgh'.split('').map((n) => [n, n])),
    );
    const of = (name: string): number[] => flat(out[name] ?? []);
    expect(of('b')[3]).toBe(of('a')[0]);
    expect(of('c')[0]).toBe(of('a')[0]);
    expect(of('e')[2]).toBe(of('f')[0]);
    expectDifferent(...of('b'), ...of('d'), ...of('e'), ...of('g'), ...of('h'));
  });
});

describe('draws that jump', () => {
  const program = (body: string): string => `${use}
fn play(q) { ${body} }
run { print "{gradient(play)(0.3)}" }`;

  it('have no derivative where their distribution depends on what is differentiated', () => {
    expect(codes(program('return real(draw(bernoulli(q)))'))).toEqual(['E283']);
    expect(codes(program('return [1.0, 2.0][draw(categorical([q, 1 - q]))]'))).toEqual(['E283']);
    // Through a loop, a comprehension, a choice.
    expect(
      codes(program('var x = q; for i in 0..3 { x = x + draw(bernoulli(sigmoid(x))) }; return x')),
    ).toEqual(['E283']);
    expect(codes(program('return sum([real(draw(bernoulli(q*k/4))) for k in 0..4])'))).toEqual(['E283']);
  });

  it('the message names the draw and the calls around it', () => {
    const text = messages(`${use}
fn coin(q) = draw(bernoulli(0.5*q))
fn play(q) = real(coin(q))*2
run { print "{gradient(play)(0.3)}" }`);
    expect(text).toContain('drawn in coin, called by play');
    expect(text).toContain('draw(bernoulli(0.5*q))');
  });

  it('are constants where it does not, or where the program says so', async () => {
    const text = `${use}
fn play(q) = q*(1 + draw(bernoulli(0.5))) + stop_gradient(draw(bernoulli(q)))
fn rows_of(X) = sum(draw(rows(X), [5]))`;
    const out = await evaluate(text, {
      g: 'gradient(play)(0.3)',
      rows: 'sum(gradient(rows_of)([[1.0, 2.0], [3.0, 4.0]]))',
    });
    expect([1, 2]).toContain(out['g']);
    expect(out['rows']).toBe(10);
  });

  it('with an estimator carry one', async () => {
    const text = `${use}
fn f(q) = draw(bernoulli(q), estimator: straight_through)
fn g(w) = dot([1.0, 4.0], draw(categorical(w), estimator: gumbel(0.5)))
fn h(w, e) = dot([1.0, 4.0], draw(categorical(w), estimator: e))
`;
    const out = await evaluate(text, {
      f: 'gradient(f)(0.3)',
      value: 'f(0.3)',
      g: 'sum(abs(gradient(g)([0.4, 0.6])))',
    });
    expect(out['f']).toBe(1);
    expect([0, 1]).toContain(out['value']);
    expect(Number.isFinite(out['g'])).toBe(true);
    expect(codes(`${text}run { print "{f(0.3)} {draw(normal(0, 1), estimator: score)}" }`)).toEqual(['E287']);
  });

  it('permutations have every number once, in another order each', async () => {
    const out = await evaluate(`${use}data p = draw(permutation(20))\ndata q = draw(permutation(20))`, {
      p: 'p',
      q: 'q',
    });
    const sorted = (name: string): number[] => flat(out[name] ?? []).sort((a, b) => a - b);
    expect(sorted('p')).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(sorted('q')).toEqual(sorted('p'));
    expect(out['p']).not.toEqual(out['q']);
  });
});
