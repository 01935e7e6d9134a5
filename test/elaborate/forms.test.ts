// The forms of the functional language, clause by clause: records and arrays of records, comprehensions, loops that end early or at a run-time number, assignment to elements and slices, scatters, gathers,
// integers, functions. Values by hand.

import { describe, expect, test } from 'vitest';
import { codes, expectValues } from './support.ts';

describe('records', () => {
  test('are vectors', () =>
    expectValues(
      `let r = { a: [1.0, 2.0], b: 3.0, c: { d: [[1.0, 2.0], [3.0, 4.0]] } }
       let s = 2*r + r`,
      [
        [
          's.c.d',
          [
            [3, 6],
            [9, 12],
          ],
        ],
        ['[norm(r)^2, dot(r, s), sum(r), size(r), max(abs(-r).a)]', [44, 132, 16, 7, 2]],
        ['map((x, y) => x + y, r, s).b', 12],
        [
          'unflatten(2*flatten(r), like: r).c.d',
          [
            [2, 4],
            [6, 8],
          ],
        ],
        ['max(r, 2.0).a', [2, 2]],
        ['where((r < 2).a, 1, 0)', [1, 0]],
        ['(r^2).b + sqrt({ x: 4.0 }).x', 11],
      ],
      { tolerance: 1e-12 },
    ));

  test('make arrays of records, with such inside', () =>
    expectValues(
      `let s = { x: [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], m: [1.0, 2.0, 3.0] }
       let q = [{ base: floor(p.x), w: [p.m, 2*p.m], inner: { z: [{ a: p.m*k, b: [1.0, k] } for k in 0..2] } } for p in s]
       let e = [{ let b = i*2; let c = b + 1; return { b, c } } for i in 0..4]`,
      [
        ['[q.base[1, 0], q[1].base[1], q.inner.z.a[2, 1], q[0].inner.z[1].a]', [3, 4, 3, 1]],
        ['[q.inner.z[2, 1].b[1], len(q.base), q[1..3].w[1, 1], q.last.w[0]]', [1, 3, 6, 3]],
        ['shape(q.inner.z.b)', [3, 2, 2]],
        ['[p.w[0] + sum(p.inner.z.a) for p in q]', [2, 4, 6]],
        ['e.c', [1, 3, 5, 7]],
      ],
    ));
});

describe('functions that differ from element to element', () => {
  test('are chosen by an index, or gone over', () =>
    expectValues(
      `let a = [1.0, 2.0, 4.0]
       input k: int = 2
       fn line(m) { let along = x => m*x;  return { at: x => along(x) + 1, slope: m } }
       let shifts = [x => x + a[i] for i in 0..3]
       let lines = [line(m) for m in a]
       let planes = [[(x, y) => a[i]*x + j*y for j in 0..2] for i in 0..3]
       fn total() { var s = 0.0;  for f in shifts { s += f(1.0) };  return s }
       fn grown() { var m = 1.0;  let ls = for i in 0..3 { m *= 2;  yield line(m) };  return ls }`,
      [
        ['[shifts[k](1.0), shifts[0](1.0), lines[k].at(3.0), lines[1..3][1].at(3.0)]', [5, 2, 13, 13]],
        ['[f(1.0) for f in shifts]', [2, 3, 5]],
        ['[l.at(1.0) for l in lines]', [2, 3, 5]],
        ['[planes[k, 1](3.0, 5.0), planes[1][1](3.0, 5.0)]', [17, 11]],
        ['[sum(gradient(l.at)(1.0) for l in lines), total(), grown()[k].at(1.0)]', [7, 10, 9]],
        // A list written in place: each function by itself.
        ['[{ f: x => b*x, b } for b in [1.0, 2.0]][1].f(3.0)', 6],
      ],
    ));

  test('are kept by data: computed once, with what they see', () =>
    expectValues(
      `use std.random { normal }
       param k = 2.0
       data paths = [brownian([], t: 0 .. 1, depth: 4) for p in 0..3]
       data line = { let m = 3*k;  return { at: x => m*x } }
       sde walk { state X = 0.0
         noise W
         d(X) = 2*dW }
       use std.sde { euler_maruyama }
       fn ends() = [solve(walk(), t: 0 .. 1, steps: 16, method: euler_maruyama, noise: paths[p]).final.X for p in 0..3]`,
      [
        ['line.at(2.0)', 12],
        ['gradient(line.at(2.0), over: k)', 0],
        ['max(abs(ends() - [2*p.increment(0.0, 1.0) for p in paths]))', 0],
        ['if min(abs([ends()[p] - ends()[(p + 1) % 3] for p in 0..3])) > 0 then 1 else 0', 1],
      ],
      { before: 'k = 100.0' },
    ));
});

test('lists of records are records of arrays where those are wanted', () =>
  expectValues(
    `type Point = { x: real, y: real }
     type Pair = { a: Point, b: (Point, real) }
     const corners = 2
     type Cloud = Point[corners]
     let q = [{ x: 1.0, y: 2.0 }, { x: 4.0, y: 5.0 }]
     let typed: Point[2] = q
     let cloud: Cloud = { x: 7, y: [1.0, 2.0] }
     let pairs: Pair[3] = [{ a: { x: 1.0*i, y: 0.0 }, b: (q[0], 3.0*i) } for i in 0..3]
     input k: int = 1
     fn mass(ps: Point[n]) -> real = n*sum(ps.x)
     fn changed() { var t = q;  t[0].x = 9.0;  return t }`,
    [
      ['q.x', [1, 4]],
      ['[q[k].y, q.last.x, typed[k].x, sum(q.y), changed()[0].x, cloud.x[1]]', [5, 4, 4, 7, 9, 7]],
      ['[mass(q), mass(pairs.a), pairs[2].b[1], pairs.b[0].y[2]]', [10, 9, 6, 2]],
      ['[size(q), size(list(q, q)), len(q)]', [4, 8, 2]],
    ],
  ));

test('scan gives the prefixes of an associative function, of numbers, records and matrices, and their derivatives', () =>
  expectValues(
    `let xs = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0]
     # y[i] = a y[i - 1] + b
     let line = scan((p, q) => { a: p.a*q.a, b: q.a*p.b + q.b }, { a: 0.5*ones([5]), b: ones([5]) })
     let shear = scan((A, B) => A @ B, [[[1.0, 1.0*i], [0.0, 1.0]] for i in 0..6])
     fn last(x) = scan((a, b) => a*b, x).last
     # the line with tuples, and a mean with a number of terms
     let steps = (p, q) => (p[0]*q[0], q[0]*p[1] + q[1])
     fn ends(b) = scan(steps, (0.5*ones([5]), b))[1]
     let mixed = scan((p, q) => { n: (p.n[0] + q.n[0], max(p.n[1], q.n[1])), A: p.A @ q.A },
       { n: ([1, 1, 1], [3.0, 5.0, 4.0]), A: [[[1.0, 1.0*i], [0.0, 1.0]] for i in 0..3] })`,
    [
      ['scan(steps, ([0.5, 0.5, 0.5, 0.5, 0.5], ones([5])))[1]', [1, 1.5, 1.75, 1.875, 1.9375]],
      ['scan((p, q) => (p[0] + q[0], p[1]*q[1]), ([1, 2, 3], [complex(0.0, 1.0), 2i, 3i]))[0]', [1, 3, 6]],
      ['[mixed.n[0][2], mixed.n[1][2], mixed.A[2][0, 1]]', [3, 5, 3]],
      ['scan((p, q) => (p[0] + q[0], p[1] + q[1]), ([2.0], [3.0]))[1]', [3]],
      ['gradient(b => ends(b)[4])(ones([5]))', [0.0625, 0.125, 0.25, 0.5, 1]],
      ['jvp(ends, ones([5]), [1.0, 0.0, 0.0, 0.0, 1.0])', [1, 0.5, 0.25, 0.125, 1.0625]],
      ['[sum(scan(steps, (k*0.5*ones([3]), ones([3])))[1]) for k in 1..3]', [4.25, 6]],
      ['scan((a, b) => a + b, xs)', [3, 4, 8, 9, 14, 23, 25]],
      ['scan((a, b) => max(a, b), xs)', [3, 3, 4, 4, 5, 9, 9]],
      ['scan((a, b) => a, xs)', [3, 3, 3, 3, 3, 3, 3]],
      ['scan((a, b) => b, xs)', [3, 1, 4, 1, 5, 9, 2]],
      ['line.b', [1, 1.5, 1.75, 1.875, 1.9375]],
      ['shear[.., 0, 1]', [0, 1, 3, 6, 10, 15]],
      ['scan((a, b) => a + b, [2.0])', [2]],
      ['gradient(last)([2.0, 3.0, 5.0])', [15, 10, 6]],
      ['[scan((a, b) => a + b, k*xs)[2] for k in 1..4]', [8, 16, 24]],
    ],
  ));

test('elements of lists known at compile time may decide shapes', () =>
  expectValues(
    `const sizes = [2, 3, 4]
     fn total(ns) = sum(list(sum(v) for v in [n*ones([n]) for n in ns]))`,
    [
      ['[len(a) for a in [zeros([n]) for n in sizes]]', [2, 3, 4]],
      ['[total(sizes), total([1, 5])]', [29, 26]],
      ['[n^2 for n in sizes]', [4, 9, 16]],
    ],
  ));

test('comprehensions over indices, arrays, lists, several of them, with what is around', () =>
  expectValues(
    `let w = [1.0, 2.0, 3.0]
     let A = [[i*10.0 + j + w[i] for j in 0..4] for i in 0..3]
     let l = list(x => x^i for i in 0..4)`,
    [
      [
        '[A[i, j] for i in 1..3, j in 0..2]',
        [
          [12, 13],
          [23, 24],
        ],
      ],
      [
        '[x*y for x in w, y in [1.0, 10.0]]',
        [
          [1, 10],
          [2, 20],
          [3, 30],
        ],
      ],
      ['[[sum(A[i, k]*A[j, k] for k in 0..4) for j in 0..2] for i in 0..2][0, 1]', 140],
      ['[f(3.0) for f in l]', [1, 3, 9, 27]],
      ['sum(f(2.0) for f in append(l, x => 100*x))', 215],
      ['[sum(row) for row in A]', [10, 54, 98]],
    ],
  ));

describe('loops', () => {
  test('end early', () =>
    expectValues(
      `fn first(xs, c) { var (n, s) = (0, 0.0);  for x in xs { s += x;  break when s > c;  n += 1 };  return [n, s] }
       fn inner(n) { var s = 0.0;  for i in 0..n { for j in 0..i { s += 1;  break when j == 2 } };  return s }
       fn both(c) { var s = 0.0;  for i in 0..50 { if s > c { s += 100;  break } else { s += 2 };  s += 1 };  return s }
       fn unrolled(c) { var s = 1.0;  for f in [x => 2*x, x => x + 5, x => x^2] { s = f(s);  break when s > c };  return s }
       fn at_once(x) { var s = x;  while true limit 9 { break;  s += 1 };  return s }`,
      [
        [
          '[first([1.0, 2.0, 3.0, 4.0], c) for c in [0.5, 3.0, 99.0]]',
          [
            [0, 1],
            [2, 6],
            [4, 10],
          ],
        ],
        ['[inner(n) for n in 0..6]', [0, 0, 1, 3, 6, 9]],
        ['[both(c) for c in [-1.0, 4.0]]', [100, 106]],
        ['[unrolled(c) for c in [1.0, 6.0, 100.0]]', [2, 7, 49]],
        ['at_once(3.0)', 3],
      ],
    ));

  test('end at a run-time number', () =>
    expectValues(
      `input m: int = 5
       fn count(a, b) { var s = 0.0;  for k in a..b { s += k };  return s }
       fn power(x, n) { var p = 1.0;  for k in 0..min(n, 9) { p *= x };  return p }`,
      [
        ['[count(0, m), count(2, m), count(m, 2), count(m - 2, m + 2)]', [10, 9, 0, 18]],
        ['[count(i, i*i) for i in 0..4]', [0, 0, 5, 33]],
        ['[power(2.0, m), power(2.0, 20)]', [32, 512]],
        ['[gradient(x => power(x, m))(2.0), jvp(x => count(0, m)*x, 1.0, 1.0)]', [80, 10]],
      ],
    ));

  test('yield with several indices', () =>
    expectValues(
      `fn sums() { var s = 0;  let zs = for i in 0..2, j in 0..3 { s += 1;  yield { s, p: i*j } };  return zs }`,
      [
        [
          'sums().s',
          [
            [1, 2, 3],
            [4, 5, 6],
          ],
        ],
        [
          'sums().p',
          [
            [0, 0, 0],
            [0, 1, 2],
          ],
        ],
        [
          'for x in [1.0, 2.0], y in [3.0, 4.0] { yield x*y }',
          [
            [3, 4],
            [6, 8],
          ],
        ],
      ],
    ));
});

test('elements and slices are assigned', () =>
  expectValues(
    `input k: int = 1
     fn f(i) {
       var a = zeros([4, 3])
       a[1] = [1.0, 2.0, 3.0]
       a[i, ..] += 1
       a[2..4, 1] = [7.0, 8.0]
       a[i + 1 .. i + 3, 0] = [9.0, 10.0]
       a[.., 2] *= 2
       return a
     }
     fn g(i) { var a = zeros([7]);  a[0..7 by 3] = [1.0, 2.0, 3.0];  a[i .. i + 5 by 2] += 10;  a[i - 1 wrap] = 5;  a[i + 90 clamp] = 6;  return a }
     fn beyond(i) { var a = zeros([3]);  a[i] = 1;  a[i .. i + 2] = 2;  return a }
     fn h(i) { var r = [{ x: 1.0*p, y: [1.0, 2.0]*p } for p in 0..3];  r[1] = { x: 5.0, y: [6.0, 7.0] };  r[i].x += 9;  r.y[2, 1] = -1;  return r }`,
    [
      [
        'f(k)',
        [
          [0, 0, 0],
          [2, 3, 8],
          [9, 7, 0],
          [10, 8, 0],
        ],
      ],
      [
        '[g(k), g(k - 1)]',
        [
          [5, 10, 0, 12, 0, 10, 6],
          [11, 0, 10, 2, 10, 0, 6],
        ],
      ],
      [
        '[beyond(k), beyond(k + 1), beyond(k - 2), beyond(k + 9)]',
        [
          [0, 2, 2],
          [0, 0, 2],
          [2, 0, 0],
          [0, 0, 0],
        ],
      ],
      ['h(k - 1).x', [9, 5, 2]],
      [
        'h(k).y',
        [
          [0, 0],
          [6, 7],
          [2, -1],
        ],
      ],
    ],
  ));

test('scatters add: several indices, whole rows, records, the ends', () =>
  expectValues(
    `let b = [[0, 1], [1, 1], [0, 3]]
     fn f() { var m = zeros([3, 4]);  m[b[p, 0] + i, b[p, 1] + j] += 1.0*(p + 1) for p in 0..3, i in 0..2, j in 0..2;  return m }
     fn rows() { var m = ones([2, 2]);  m[b[p, 0]] -= [1.0, 10.0]*p for p in 0..3;  return m }
     fn ends() {
       var m = zeros([4])
       m[b[p, 1] + 2] += 1.0 for p in 0..3
       m[b[p, 1] + 2 wrap] += 10.0 for p in 0..3
       m[b[p, 1] - 2 clamp] += 100.0 for p in 0..3
       return m
     }
     fn both() { var r = { a: zeros([4]), b: zeros([4, 2]) };  r[b[p, 1]] += { a: 1.0, b: [p, 1.0] } for p in 0..3;  r.a[b[p, 0]] += 5 for p in 0..3;  return r }
     fn counted() { var n = [0, 0];  n[b[p, 0]] += 1 for p in 0..3;  return n }`,
    [
      // The last one of the third particle lies outside and is left out.
      [
        'f()',
        [
          [0, 1, 1, 3],
          [0, 3, 3, 3],
          [0, 2, 2, 0],
        ],
      ],
      [
        'rows()',
        [
          [-1, -19],
          [0, -9],
        ],
      ],
      ['ends()', [200, 110, 0, 22]],
      ['both().a', [10, 7, 0, 1]],
      [
        'both().b',
        [
          [0, 0],
          [1, 2],
          [0, 0],
          [2, 1],
        ],
      ],
      ['counted()', [2, 1]],
    ],
  ));

test('gathers: arrays of positions, several of them, the ends', () =>
  expectValues(
    `let A = [[10.0*i + j for j in 0..4] for i in 0..3]
     let i = [[0, 2], [1, 1]]
     let (p, q) = ([0, 2, 1], [3, 0, 9])
     let T = [[[100.0*a + 10*b + c for c in 0..2] for b in 0..3] for a in 0..2]`,
    [
      [
        'A[0, i]',
        [
          [0, 2],
          [1, 1],
        ],
      ],
      ['[A[p[k], q[k]] for k in 0..3]', [3, 20, 13]],
      ['[A[p[k] - 1, q[k] - 3 else -1.0] for k in 0..3]', [0, -1, -1]],
      ['[A[p[k] + 1 wrap, q[k] wrap] for k in 0..3]', [13, 0, 21]],
      [
        '[T[p[k]//2, .., q[k]//3] for k in 0..2]',
        [
          [1, 11, 21],
          [100, 110, 120],
        ],
      ],
      ['A[p, q][1]', [23, 20, 23]],
      ['[A[.., 1..4 by 2][2, 1], A[i[0], 0][1], A[-1 wrap, 0]]', [23, 20, 20]],
      ['A[0, p[1] .. p[1] + 2]', [2, 3]],
      // Positions beyond the ends count as the ends, each axis by itself.
      ['[A[p[k]*5, q[k] - 5] for k in 0..3]', [0, 20, 23]],
      [
        'gradient(x => sum(x[p[k], q[k]]*(k + 1) for k in 0..3))(A)',
        [
          [0, 0, 0, 1],
          [0, 0, 0, 3],
          [2, 0, 0, 0],
        ],
      ],
    ],
  ));

test('integers and their bits', () =>
  expectValues(`input n: int = -6\ninput m: int = 3`, [
    ['[7//2, -7//2, -7 % 3, int(-2.7), round(2.5), floor(-0.5), 2^10]', [3, -4, 2, -2, 2, -1, 1024]],
    ['[n//4, n % 4, n^2, int(n/4)]', [-2, 2, 36, -1]],
    [
      '[bit_and(6, 3), bit_or(6, 3), bit_xor(6, 3), shift_left(1, 4), shift_right(-16, 2)]',
      [2, 7, 5, 16, -4],
    ],
    [
      '[bit_and(n, m), bit_or(n, m), bit_xor(n, m), shift_left(n, m), shift_right(n, 1)]',
      [2, -5, -7, -48, -3],
    ],
    ['bit_xor([1, 2, 3], [3, 2, 1])', [2, 0, 2]],
  ]));

test('functions: patterns, defaults, results that are functions, static recursion, sizes', () =>
  expectValues(
    `type State = { x: real[3, 2], v: real[3, 2] }
     fn adder(n) = x => x + n
     fn pair(k) = { up: x => x + k, down: x => x - k, k: k }
     fn power(f, n) = if n == 0 then x => x else x => f(power(f, n - 1)(x))
     fn halves(v) { if len(v) <= 2 { return v };  let c = halves(v[0..len(v) by 2]);  return concat(c, c) }
     fn u((a, b), c: int = 2, d = c*2) = a + b + c + d
     fn sized(g: real[m]) -> real[m] { return g*m }
     fn total(s: State) = sum(s.x) + sum(s.v)
     fn local(a) { field f(x) = a*x^2;  return f }`,
    [
      ['[adder(2)(3), pair(5).up(1), { ...pair(2), k: 100 }.down(3), power(adder(2), 4)(1.0)]', [5, 6, 1, 9]],
      ['halves([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])', [1, 5, 1, 5, 1, 5, 1, 5]],
      ['[u((1, 2)), u((1, 2), d: 0), u((1, 2), 5)]', [9, 5, 18]],
      ['sized([1.0, 2.0])', [2, 4]],
      ['total({ x: ones([3, 2]), v: zeros([3, 2]) })', 6],
      ['local(2.0)([1.0, 3.0])', [2, 18]],
    ],
  ));

test('what a loop without a bound cannot do is said', () => {
  const program = `input n: int = 3
fn f(x) { var s = x; for i in 0..n { s = 2*s }; return s }
`;
  expect(codes(`${program}let y = gradient(f)(1.0)`)).toEqual(['E275']);
  expect(codes(`${program}let y = jvp(f, 1.0, 1.0)`)).toEqual([]);
  expect(codes('let y = bit_and(1.5, 2)')).toEqual(['E121']);
});

test('with replaces elements and slices of items, of their parts, of lists of layers, and is differentiated in the new values', () =>
  expectValues(
    `use std.nn { mlp }
     param s: real[3] = [1.0, 2.0, 3.0]
     param r = { a: [1.0, 2.0, 3.0], b: 4.0 }
     state q = [{ x: 1.0, y: 2.0 }, { x: 3.0, y: 4.0 }]
     param z: complex[2] = [complex(1.0), 2i]
     input k: int = 1
     network net = mlp([2, 3, 1], tanh)
     let total = sum(s*[1.0, 10.0, 100.0])
     let other = r.a[1]*r.b
     fn f(x) = with s[1] = x { return total^2 }`,
    [
      ['with s[0] = 7 { return total }', 327],
      ['with s[k] = 7 { return total }', 371],
      ['with s[1..3] = [5.0, 6.0] { return total }', 651],
      ['with s[k .. k + 2] = 1 { return total }', 111],
      ['with s[0] = s[2], s[2] = s[0] { return total }', 123],
      ['with s[0] = 7, s[0] = 8 { return total }', 328],
      ['with r.a[1] = 5, r.b = 2 { return other }', 10],
      ['with q[1].x = 9 { return sum(q.x) }', 10],
      ['with q[0] = { x: 5, y: 6 } { return sum(q.x) + 10*sum(q.y) }', 108],
      ['with z[0] = 3i { return im(sum(z)) }', 5],
      ['with s[0] = 7 { return with s[1] = 0 { return total } }', 307],
      ['[with s[i] = 0 { return total } for i in 0..3]', [320, 301, 21]],
      [
        'with net.body[0].W = 0*net.body[0].W, net.body[0].b[1] = 1 { return net.body[0]([1.0, 2.0])[1] }',
        Math.tanh(1),
      ],
      ['gradient(f)(2.0)', 6420],
      ['[jvp(f, 2.0, 1.0), gradient(gradient(f))(2.0)]', [6420, 200]],
      ['gradient(x => with s[0..2] = x { return total^2 })([1.0, 1.0])', [622, 6220]],
    ],
    { tolerance: 1e-12 },
  ));
