// Comprehensions, rolled and unrolled loops, what they carry and collect, `while`, branches that assign, and every form of assignment.

import { describe, expect, it } from 'vitest';
import { codes, expectValues, messages } from './support.ts';

describe('comprehensions', () => {
  it('over ranges, arrays, records, lists; one index or several', async () => {
    await expectValues(
      `
const n = 3
input m: int = 2
let xs = [1.0, 2.0, 3.0]
let ps = { x: xs, v: [xs, 2*xs, 3*xs] }
let M = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
fn f(i, j) = 10*i + j
`,
      [
        ['[i^2 for i in 0..n]', [0, 1, 4]],
        ['[i^2 for i in 2..5]', [4, 9, 16]],
        ['[i for i in m..m + 3]', [2, 3, 4]],
        ['[x*2 for x in xs]', [2, 4, 6]],
        ['[x*y for (x, y) in [(1, 2), (3, 4)]]', [2, 12]],
        [
          '[f(i, j) for i in 0..2, j in 0..3]',
          [
            [0, 1, 2],
            [10, 11, 12],
          ],
        ],
        ['[sum(p.v)*p.x for p in ps]', [6, 24, 54]],
        ['[row[1] for row in M]', [2, 5]],
        ['[sum(row) for row in M]', [6, 15]],
        [
          '[[x + y for x in xs] for y in [10.0, 20.0]]',
          [
            [11, 12, 13],
            [21, 22, 23],
          ],
        ],
        ['[x + y for x in xs, y in xs][1]', [3, 4, 5]],
        ['[sum(x*y for y in xs) for x in xs]', [6, 12, 18]],
        [
          '[{ a: x, b: [x, x] } for x in xs].b',
          [
            [1, 1],
            [2, 2],
            [3, 3],
          ],
        ],
        ['[(x, 2*x) for x in xs][1]', [2, 4, 6]],
        ['[1.0 for i in 0..n]', [1, 1, 1]],
        ['[xs[i]*xs[n - 1 - i] for i in 0..n]', [3, 4, 3]],
        ['[(if x > 1.5 then x else 0) for x in xs]', [0, 2, 3]],
        ['[i for i in 0..0]', []],
      ],
    );
  });

  it('with reductions inside and around, in gradients', async () => {
    await expectValues(
      `
let xs = [1.0, 2.0, 3.0]
fn energy(q: real[n]) = sum(0.5*(q[i + 1] - q[i])^2 for i in 0..n - 1)
fn pairs(q: real[n]) = sum(if i < j then 1/(1 + (q[i] - q[j])^2) else 0 for i in 0..n, j in 0..n)
`,
      [
        ['energy(xs)', 1],
        ['gradient(energy)(xs)', [-1, 0, 1]],
        ['pairs(xs)', 0.5 + 0.2 + 0.5],
        ['gradient(q => sum(q[i]^2*i for i in 0..3))(xs)', [0, 4, 12]],
        ['gradient(q => sum([x^3 for x in q]))(xs)', [3, 12, 27]],
        ['[gradient(q => q^3)(x) for x in xs]', [3, 12, 27]],
        ['[gradient(q => sum(x*q^2 for x in xs))(y) for y in xs]', [12, 24, 36]],
        ['gradient(k => sum(k*x for x in xs))(2.0)', 6],
        ['gradient(q => sum(q[(i + 1) % 3]*q[i] for i in 0..3))(xs)', [5, 4, 3]],
      ],
    );
  });

  it('of loops: every element runs its own', async () => {
    await expectValues(
      `
fn power(x, k) {
  var y = 1.0
  for i in 0..k { y = y*x }
  return y
}
fn root(a) {
  var x = a
  while abs(x^2 - a) > 1e-12 limit 50 { x = 0.5*(x + a/x) }
  return x
}
`,
      [
        ['[power(x, 3) for x in [1.0, 2.0, 3.0]]', [1, 8, 27]],
        ['[root(a) for a in [4.0, 9.0, 2.0]]', [2, 3, Math.SQRT2]],
        ['gradient(a => root(a))(4.0)', 0.25],
        ['[gradient(x => power(x, 3))(x) for x in [1.0, 2.0]]', [3, 12]],
      ],
      { tolerance: 1e-10 },
    );
  });

  it('whose length is not known are refused', () => {
    expect(codes('input n: int = 3\nlet x = [i for i in 0..n]')).toEqual(['E202']);
    expect(codes('let x = [i for i in 3]')).toEqual(['E200']);
    expect(codes('let x = [x => x for i in 0..3]')).toEqual(['E203']);
  });

  it('over static lists may differ in shape', async () => {
    await expectValues(
      `
let parts = list(zeros(i + 1) + i for i in 0..3)
let sizes = [2, 3]
let layers = [zeros([sizes[i], 1]) for i in [0, 1]]
`,
      [
        ['len(parts[2])', 3],
        ['sum(parts[1])', 2],
        ['len(layers[1])', 3],
        ['sum(len(p) for p in parts)', 6],
        ['[len(p) for p in parts]', [1, 2, 3]],
      ],
    );
  });
});

const loop = (body: string): string => `fn f(x) {\n${body}\n}\ninput a: real = 2\nlet y = f(a)`;

describe('for', () => {
  it('carries the variables it assigns', async () => {
    await expectValues(
      `
fn fibonacci(n) {
  var (a, b) = (0, 1)
  for i in 0..n { (a, b) = (b, a + b) }
  return a
}
fn horner(c: real[n], x) {
  var s = 0.0
  for i in 0..n { s = s*x + c[n - 1 - i] }
  return s
}
fn double(x) {
  var s = { p: x, q: [x, 0] }
  for i in 0..3 { s.p = s.p + 1; s.q[1] = s.p }
  return s.p + sum(s.q)
}
fn nested(n) {
  var s = 0
  for i in 0..n { for j in i..i + 2 { s += j } }
  return s
}
fn grid(n, m) {
  var s = 0.0
  for i in 0..n, j in 0..m { s += i*j }
  return s
}
fn over(xs) {
  var s = 0.0
  for x in xs { s += x^2 }
  return s
}
fn over_records(ps) {
  var s = 0.0
  for p in ps { s += p.a*p.b }
  return s
}
fn unrolled() {
  var s = 0.0
  for f in [x => x, x => x^2] { s += f(3.0) }
  return s
}
`,
      [
        ['fibonacci(10)', 55],
        ['horner([1.0, 2.0, 3.0], 2.0)', 17],
        ['gradient(x => horner([1.0, 2.0, 3.0], x))(2.0)', 14],
        ['gradient(c => horner(c, 2.0))([1.0, 2.0, 3.0])', [1, 2, 4]],
        ['double(1.0)', 9],
        ['nested(4)', 16],
        ['grid(3, 3)', 9],
        ['over([1.0, 2.0, 3.0])', 14],
        ['over_records({ a: [1.0, 2.0], b: [3.0, 4.0] })', 11],
        ['unrolled()', 12],
      ],
    );
  });

  it('an int becomes real when the body makes it so', async () => {
    await expectValues(
      `
fn f(n) {
  var s = 0
  for i in 0..n { s = s + 0.5 }
  return s
}
fn g(n) {
  var s = 0
  var v = 0
  for i in 0..n { v = v + [1.0, 2.0]; s = s + sum(v) }
  return s
}
fn ints(n) {
  var s = 1
  for i in 0..n { s = 2*s }
  return s // 3
}
`,
      [
        ['f(3)', 1.5],
        ['g(2)', 9],
        ['ints(4)', 5],
      ],
    );
  });

  it('no turns leave everything as it was', async () => {
    await expectValues(
      'fn f(x) { var s = x; for i in 0..0 { s = s + 1 }; return s }\nlet y = f(3)\nlet z = for i in 0..0 { yield 1.0 }',
      [
        ['y', 3],
        ['len(z)', 0],
      ],
    );
  });

  it('as a value stacks what it yields', async () => {
    await expectValues(
      `
let squares = for i in 0..4 { yield i^2 }
fn path(s0, n) {
  var s = s0
  let xs = for i in 0..n { s = 0.5*s; yield s }
  return (xs, s)
}
fn sampled(n, k) {
  var s = 0
  let xs = for i in 0..n { s = s + i; yield s every 3 }
  return (xs, s)
}
fn records(n) {
  var s = 1.0
  return for i in 0..n { s = 2*s; yield { s: s, pair: [s, -s] } }
}
let unrolled = for x in [1.0, 2.0] { yield 3*x }
`,
      [
        ['squares', [0, 1, 4, 9]],
        ['path(8.0, 3)[0]', [4, 2, 1]],
        ['path(8.0, 3)[1]', 1],
        ['sampled(10, 3)[0]', [3, 15, 36]],
        ['sampled(10, 3)[1]', 45],
        [
          'records(2).pair',
          [
            [2, -2],
            [4, -4],
          ],
        ],
        ['unrolled', [3, 6]],
        ['gradient(s => sum(path(s, 3)[0]))(1.0)', 0.875],
      ],
    );
  });

  it('carries what is assigned in loops that yield and in blocks used as values, however deep', async () => {
    await expectValues(
      `
input k: int = 2
fn nested() {
  var u = 1.0
  let ys = for i in 0..2 { let zs = for j in 0..3 { u *= 2; yield u };  yield sum(zs) }
  return { u: u, ys: ys }
}
fn inside(c) {
  var u = 1.0
  for i in 0..3 { let a = { u += 2; return u } }
  if c { let a = for i in 0..2 { u += 10; yield u } }
  while u < 100 limit 9 { let xs = for x in [1.0, u] { u += x; yield x };  u += sum(xs) }
  return u
}
let narrow = { var u = 1.0;  for i in 0..2 { let a = with precision f64 { u = 3*u; return u } };  return u }
`,
      [
        ['nested().u', 64],
        ['nested().ys', [14, 112]],
        ['inside(k > 1)', 251],
        ['inside(k > 2)', 215],
        ['narrow', 9],
      ],
    );
  });

  it('refuses assignments that would be lost', () => {
    const lost = (text: string): string[] =>
      codes(
        `input k: int = 2\nfn f(x) { var u = x; ${text}; return u }\nlet r = f(1.0)\nlet g = gradient(f)(2.0)`,
      );
    for (const text of [
      'let a = if k > 1 then { u = 2; return x } else x',
      'let a = [{ u += 1; return u } for i in 0..3]',
      'let s = y => { u = y; return y };  for i in 0..3 { let a = s(x) }',
      'let s = y => { u = y; return y };  let a = gradient(s)(x)',
      'let a = recompute { u = 2*x; return u }',
    ])
      expect(lost(text), text).toEqual(['E258']);
    expect(lost('let a = { u = 2*x; return u }')).toEqual([]);
    expect(
      lost('let s = y => { var v = y; for i in 0..3 { v += i }; return v };  for i in 0..3 { u += s(x) }'),
    ).toEqual([]);
  });

  it('refuses what cannot be', () => {
    expect(codes(loop('var s = x\nfor i in 0..3 { if i == 1 { return s }\ns = 2*s }\nreturn s'))).toEqual([
      'E195',
    ]);
    expect(codes(loop('var s = x\nfor i in 0..3 { return s }\nreturn s'))).toEqual(['E197']);
    expect(codes(loop('var s = x\nfor i in 0..3 { s = (s, s) }\nreturn s'))).toEqual(['E199']);
    expect(codes(loop('var s = [x]\nfor i in 0..3 { s = concat(s, s) }\nreturn s'))).toEqual(['E162']);
    expect(codes(loop('let s = for i in 0..3 { let q = i }\nreturn x'))).toEqual(['E196']);
    expect(codes(loop('yield x\nreturn x'))).toEqual(['E190']);
    expect(codes(loop('let s = for i in 0..3 { yield 1.0; yield 2.0 }\nreturn x'))).toEqual(['E198']);
    expect(codes(loop('let s = x\nfor i in 0..3 { s = 2*s }\nreturn s'))).toEqual(['E253']);
    expect(codes(loop('for i in 0..3 { q = i }\nreturn x'))).toEqual(['E252']);
    expect(codes(loop('let q = 1'))).toEqual(['E140']);
  });
});

describe('while', () => {
  it('turns as long as the condition holds', async () => {
    await expectValues(
      `
fn digits(n) {
  var (k, m) = (0, n)
  while m > 0 limit 20 { m = m // 10; k = k + 1 }
  return k
}
fn limited() {
  var k = 0
  while true limit 7 { k = k + 1 }
  return k
}
fn never(x) {
  var y = x
  while y < 0 limit 10 { y = y + 1 }
  return y
}
`,
      [
        ['digits(12345)', 5],
        ['limited()', 7],
        ['never(3)', 3],
      ],
    );
    expect(messages(loop('var s = x\nwhile s { s = s - 1 }\nreturn s'))).toContain('one truth value');
  });
});

describe('branches that assign', () => {
  it('merge at run time', async () => {
    await expectValues(
      `
input a: real = 2
fn f(x) {
  var (p, q) = (0, [0.0, 0.0])
  if x > 1 { p = 1; q[0] = x } else if x > 0 { p = 2 } else { p = 3; q = q - 1 }
  return concat([1.0*p], q)
}
fn g(x) {
  var s = 0
  for i in 0..5 { if i % 2 == 0 { s += i } else { s -= 1 } }
  return s + x
}
fn heavy(x) {
  var s = x
  if x > 0 { for i in 0..10 { s = s*x } } else { s = 0 }
  return s
}
fn static(k) {
  var s = 0
  if k == 1 { return 10 } else { s = 20 }
  return s
}
`,
      [
        ['f(a)', [1, 2, 0]],
        ['f(a - 1.5)', [2, 0, 0]],
        ['f(-a)', [3, -1, -1]],
        ['g(a)', 6],
        ['heavy(a)', 2048],
        ['heavy(-a)', 0],
        ['gradient(heavy)(a)', 11 * 1024],
        ['gradient(heavy)(-a)', 0],
        ['static(1) + static(2)', 30],
      ],
    );
    expect(codes(loop('if x > 0 { return 1 }\nreturn 2'))).toEqual(['E195']);
    expect(codes('fn f(x) = if x then 1 else 2\nlet y = f([1, 2])')).toEqual(['E192']);
    expect(codes('fn f(x) = if x > 1 then 1 else 2\nlet y = f([1, 2])')).toEqual(['E193']);
    expect(codes('input x: real = 1\nlet y = if x > 1 then [1, 2] else [1, 2, 3]')).toEqual(['E194']);
  });
});

describe('assignment', () => {
  const body = (text: string): string => `fn f(x: real[n]) {\nvar a = x\n${text}\nreturn a\n}`;
  const cases: readonly (readonly [string, string, number | readonly number[]])[] = [
    ['an element', 'a[1] = 9', [1, 9, 3, 4]],
    ['the last', 'a[n - 1] = 9', [1, 2, 3, 9]],
    ['a slice', 'a[1..3] = [8, 9]', [1, 8, 9, 4]],
    ['a slice by a number', 'a[1..3] = 7', [1, 7, 7, 4]],
    ['every second', 'a[0..n by 2] = [8, 9]', [8, 2, 9, 4]],
    ['an open end', 'a[2..] = 0', [1, 2, 0, 0]],
    ['an open start', 'a[..2] = 0', [0, 0, 3, 4]],
    ['everything', 'a[..] = 5', [5, 5, 5, 5]],
    ['adding', 'a[1] += 10', [1, 12, 3, 4]],
    ['scaling a slice', 'a[1..3] *= 10', [1, 20, 30, 4]],
    ['the whole', 'a -= 1', [0, 1, 2, 3]],
    ['at run-time places', 'for i in 0..n { a[i] = a[i]*i }', [0, 2, 6, 12]],
    ['neighbours in turn', 'for i in 1..n { a[i] = a[i] + a[i - 1] }', [1, 3, 6, 10]],
    ['a swap', '(a[0], a[3]) = (a[3], a[0])', [4, 2, 3, 1]],
    ['a scatter', 'a[p // 2] += 10*p for p in 0..4', [11, 52, 3, 4]],
    ['a scatter of two indices', 'a[(p + q) % n] += 1 for p in 0..2, q in 0..2', [2, 4, 4, 4]],
    ['a scatter with wrap', 'a[p + 2 wrap] += 1 for p in 0..4', [2, 3, 4, 5]],
    ['a scatter that subtracts', 'a[p] -= p for p in 0..4', [1, 1, 1, 1]],
  ];
  it.each(cases)('of %s', async (_name, text, expected) => {
    await expectValues(body(text), [['f([1.0, 2.0, 3.0, 4.0])', expected]]);
  });

  it('in matrices and records', async () => {
    await expectValues(
      `
fn rows(m: real[n, k]) { var a = m; a[1] = 0; a[0, 1] = 7; return a }
fn columns(m: real[n, k]) { var a = m; a[.., 0] = [8, 9]; return a }
fn block(m: real[n, k]) { var a = m; a[0..2, 1..3] = [[1, 2], [3, 4]]; return a }
fn diagonal_(m: real[n, k]) { var a = m; for i in 0..n { a[i, i] += 10 }; return a }
fn parts(s) { var r = s; r.u.v = 5; r.w[1] = 6; return r.u.v + sum(r.w) }
fn particles(ps) { var q = ps; q[1] = { x: 9.0, v: 8.0 }; return q.x + q.v }
fn deposit(x: real[n], w: real[n]) {
  var a = zeros([4, 2])
  a[int(x[p]), j] += w[p]*j for p in 0..n, j in 0..2
  return a
}
fn rows_added(x) { var a = zeros([3, 2]); a[x[p]] += [1, 10] for p in 0..len(x); return a }
let m = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
`,
      [
        [
          'rows(m)',
          [
            [1, 7, 3],
            [0, 0, 0],
          ],
        ],
        [
          'columns(m)',
          [
            [8, 2, 3],
            [9, 5, 6],
          ],
        ],
        [
          'block(m)',
          [
            [1, 1, 2],
            [4, 3, 4],
          ],
        ],
        [
          'diagonal_(m)',
          [
            [11, 2, 3],
            [4, 15, 6],
          ],
        ],
        ['parts({ u: { v: 1 }, w: [1.0, 2.0] })', 12],
        ['particles({ x: [1.0, 2.0], v: [3.0, 4.0] })', [4, 17]],
        [
          'deposit([0.5, 0.7, 3.2], [1.0, 2.0, 3.0])',
          [
            [0, 3],
            [0, 0],
            [0, 0],
            [0, 3],
          ],
        ],
        [
          'rows_added([0, 2, 2])',
          [
            [1, 10],
            [0, 0],
            [2, 20],
          ],
        ],
        ['gradient(w => sum(deposit([0.5, 0.7, 3.2], w)^2))([1.0, 2.0, 3.0])', [6, 6, 6]],
      ],
    );
  });

  it('is refused where it cannot be', () => {
    const bad = (text: string): string[] => codes(`${body(text)}\nlet y = f([1.0, 2.0, 3.0, 4.0])`);
    expect(bad('a[4] = 1')).toEqual(['E232']);
    expect(bad('a[1..3] = [1, 2, 3]')).toEqual(['E162']);
    expect(bad('a.q = 1')).toEqual(['E250']);
    expect(bad('x[0] = 1')).toEqual(['E253']);
    expect(bad('a[p] = 1 for p in 0..3')).toEqual(['E255']);
    expect(bad('(a, x) = (a, x, x)')).toEqual(['E180']);
  });
});

describe('indices', () => {
  it('static and run-time', async () => {
    await expectValues(
      `
input k: int = 1
let a = [1.0, 2.0, 3.0, 4.0]
let m = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
let idx = [3, 0, 0]
`,
      [
        ['a[k]', 2],
        ['a[k + 2]', 4],
        ['a[k..k + 2]', [2, 3]],
        ['a[idx]', [4, 1, 1]],
        ['a[0..4 by 2]', [1, 3]],
        ['a[1.. by 2]', [2, 4]],
        ['a.first + a.last', 5],
        ['m.last', [4, 5, 6]],
        ['m[1, 2]', 6],
        ['m[.., 1]', [2, 5]],
        ['m[k]', [4, 5, 6]],
        ['m[.., k]', [2, 5]],
        [
          'm[.., idx[1..]]',
          [
            [1, 1],
            [4, 4],
          ],
        ],
        ['m[k, 0..2]', [4, 5]],
        ['m[(1, 2)]', 6],
        ['a[k - 2 wrap]', 4],
        ['a[k + 7 wrap]', 1],
        ['a[k - 3 clamp]', 1],
        ['a[k + 9 clamp]', 4],
        ['a[k - 3 else 0.5]', 0.5],
        ['a[k else 0.5]', 2],
        ['[a[i - 1 wrap] - a[i] for i in 0..4]', [3, -1, -1, -1]],
        ['[a[i - 1 else 0] for i in 0..4]', [0, 1, 2, 3]],
        ['[a[i + 1 clamp] for i in 0..4]', [2, 3, 4, 4]],
        [
          '[m[i, j + 1 wrap] for i in 0..2, j in 0..3]',
          [
            [2, 3, 1],
            [5, 6, 4],
          ],
        ],
        [
          '[m[i - 1 else -1, j] for i in 0..2, j in 0..3]',
          [
            [-1, -1, -1],
            [1, 2, 3],
          ],
        ],
        ['a[-1..3 wrap]', [4, 1, 2, 3]],
        ['a[-1..3 else 0]', [0, 1, 2, 3]],
        ['gradient(q => sum(q[i - 1 wrap]*i for i in 0..4))(a)', [1, 2, 3, 0]],
        ['gradient(q => sum(q[idx]))(a)', [2, 0, 0, 1]],
        ['gradient(q => sum(q[k..k + 2]^2))(a)', [0, 4, 6, 0]],
      ],
    );
  });

  it('outside are refused when known', () => {
    expect(codes('let a = [1.0, 2.0]\nlet b = a[2]')).toEqual(['E232']);
    expect(messages('let a = [1.0, 2.0]\nlet b = a[-1]')).toContain('a.last');
    expect(codes('let a = [1.0, 2.0]\nlet b = a[0..3]')).toEqual(['E232']);
    expect(codes('let a = [1.0, 2.0]\nlet b = a[0, 0]')).toEqual(['E233']);
    expect(codes('let a = [1.0, 2.0]\nlet b = a[0.5]')).toEqual(['E111']);
    expect(codes('input k: int = 0\nlet a = [1.0, 2.0]\nlet b = a[0..k]')).toEqual(['E235']);
    expect(codes('let a = 1.0\nlet b = a[0]')).toEqual(['E231']);
    expect(codes('fn f(x) = x\nlet b = f[0]')).toEqual(['E231']);
  });
});
