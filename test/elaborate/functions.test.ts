// Functions, arguments, type annotations that bind sizes, closures, recursion that ends at compile time, records, strings, `with`, several files, settings.

import { describe, expect, it } from 'vitest';
import { codes, evaluate, expectValues, messages, number, printed, value } from './support.ts';

describe('arguments', () => {
  it('are positional, named, left out', async () => {
    await expectValues(
      `
fn f(x, y = 10*x, z = x + y) = 100*x + y + 0.1*z
fn g(a: real, b: real = 2) = a/b
fn swap((a, b)) = (b, a)
fn none() = 5
`,
      [
        ['f(1)', 100 + 10 + 1.1],
        ['f(1, 2)', 102.3],
        ['f(1, z: 0)', 110],
        ['f(z: 0, y: 1, x: 2)', 201],
        ['f(1, y: 3, z: 0)', 103],
        ['g(1)', 0.5],
        ['g(b: 4, a: 1)', 0.25],
        ['swap((1, 2))', [2, 1]],
        ['none()', 5],
      ],
    );
  });

  it('are checked', () => {
    const f = 'fn f(x, y = 1) = x + y\n';
    expect(codes(`${f}let v = f()`)).toEqual(['E175']);
    expect(codes(`${f}let v = f(1, 2, 3)`)).toEqual(['E172']);
    expect(codes(`${f}let v = f(1, w: 3)`)).toEqual(['E173']);
    expect(codes(`${f}let v = f(1, x: 3)`)).toEqual(['E174']);
    expect(messages(`${f}let v = f(1, w: 3)`)).toContain('f(x, y = …)');
  });
});

describe('a layer with other weights', () => {
  const net = `
use std.nn { dense, mlp }
network net = dense(2, 2)
network deep = mlp([2, 2, 1], tanh)
fn fixed(l) = { ...l, W: identity(2), b: 1 }
`;
  it('is that layer, and is callable', async () => {
    await expectValues(net, [
      ['fixed(net)([2, 3])', [3, 4]],
      ['(2*fixed(net))([2, 3])', [6, 8]],
      ['{ ...deep, head: { ...deep.head, W: [[1, 0]] } }([0, 0])', [0]],
      ['{ ...fixed(net), b: 0 }.b', [0, 0]],
      ['if is_record(net) and is_list(deep.body) and not is_record(net.W) then 1 else 0', 1],
    ]);
  });

  it('has the shapes of the old ones; with further parts it is a plain record', () => {
    expect(codes(`${net}let v = { ...net, b: [1, 2, 3] }`)).toEqual(['E162']);
    expect(codes(`${net}let v = { ...net, c: 1 }([1, 2])`)).toEqual(['E170']);
    expect(codes(`${net}let v = { W: net.W, b: 1, ...net, c: 2 }([1, 2])`)).toEqual(['E170']);
  });
});

describe('type annotations', () => {
  it('bind the sizes they name', async () => {
    await expectValues(
      `
fn middle(x: real[n]) -> real = x[n // 2]
fn product(A: real[n, m], x: real[m]) -> real[n] = A @ x
fn average(x: real[n]) {
  let h = 1/n
  return h*sum(x)
}
fn filled(n: int, x: real) -> real[n] = zeros(n) + x
fn padded(x: real[n]) -> real[n + 2] = concat([0.0], x, [0.0])
type Pair = { a: real, b: real[2] }
fn total(p: Pair) = p.a + sum(p.b)
fn apply(f: (real) -> real, x) = f(x)
`,
      [
        ['middle([1, 2, 3])', 2],
        ['product([[1, 2], [3, 4], [5, 6]], [1, 1])', [3, 7, 11]],
        ['average([1.0, 2.0, 6.0])', 3],
        ['filled(3, 2)', [2, 2, 2]],
        ['padded([1.0, 2.0])', [0, 1, 2, 0]],
        ['total({ a: 1, b: [2, 3] })', 6],
        ['apply(x => x^2, 3)', 9],
      ],
    );
  });

  it('mean the sizes found, whatever else has those names', async () => {
    await expectValues(
      `
const n = 33
const N = 2
fn length(x: real[n]) = n
fn halves(x: real[n]) -> real[N] = [sum(x[0..n // 2]), sum(x[n // 2..n])]
fn given(n, x: real[n]) = n*sum(x)
fn recursive(x: real[m]) = if m == 1 then x[0] else recursive(x[0..m // 2]) + m
let m = 5
`,
      [
        ['length([1, 2, 3])', 3],
        ['halves([1, 2, 3])', [1, 5]],
        ['given(2, [1, 2])', 6],
        ['recursive(linspace(0, 7, 8))', 14],
      ],
    );
    expect(codes('fn f(n, x: real[n]) = sum(x)\nlet v = f(3, [1, 2])')).toEqual(['E162']);
    expect(codes('const N = 2\nfn f(x) -> real[N] = x\nlet v = f([1, 2, 3])')).toEqual(['E162']);
    expect(codes('input n: int = 2\nlet v: real[n] = [1, 2]')).toEqual(['E110']);
  });

  it('are checked where written', () => {
    expect(codes('fn f(x: real[n], y: real[n]) = x + y\nlet v = f([1, 2], [1, 2, 3])')).toEqual(['E162']);
    expect(codes('fn f(x: real[2]) = x\nlet v = f([1, 2, 3])')).toEqual(['E162']);
    expect(codes('fn f(x: real) = x\nlet v = f([1, 2, 3])')).toEqual(['E162']);
    expect(codes('fn f(x: int) = x\nlet v = f(1.5)')).toEqual(['E161']);
    expect(codes('fn f(x: bool) = x\nlet v = f(1)')).toEqual(['E161']);
    expect(codes('fn f(x) -> real[2] = x\nlet v = f([1.0])')).toEqual(['E162']);
    expect(codes('fn f(g: (real) -> real) = g(1)\nlet v = f(1)')).toEqual(['E163']);
    expect(codes('fn f(p: { a: real, b: real }) = p.a\nlet v = f({ a: 1 })')).toEqual(['E160']);
    expect(codes('let x: real[3] = [1, 2]')).toEqual(['E162']);
    expect(codes('let x: rael = 1')).toEqual(['E164']);
  });

  it('make reals of ints, and arrays of numbers where the sizes are known', async () => {
    await expectValues('let x: real = 1\nparam b: real[3] = 0\nlet y: real[2, 2] = 1.5\nconst c: int = 3', [
      ['x/2', 0.5],
      ['b', [0, 0, 0]],
      [
        'y',
        [
          [1.5, 1.5],
          [1.5, 1.5],
        ],
      ],
      ['c // 2', 1],
    ]);
  });
});

describe('functions are values', () => {
  it('lambdas close over what they see', async () => {
    await expectValues(
      `
fn adder(a) = x => x + a
fn compose(f, g) = x => f(g(x))
fn twice(f) = compose(f, f)
let table = { square: x => x^2, scale: (x, k = 2) => k*x }
fn local(x) {
  let k = 3
  let f = y => { let z = k*y; return z + x }
  return f(2) + f(1)
}
`,
      [
        ['adder(2)(3)', 5],
        ['twice(twice(adder(1)))(0)', 4],
        ['(table.square)(3) + (table.scale)(2) + (table.scale)(2, k: 5)', 9 + 4 + 10],
        ['local(10)', 29],
        ['(x => x)(7)', 7],
        ['((x, y) => x - y)(7, 2)', 5],
        ['sum(f(2.0) for f in list(x => x, x => x^2))', 6],
        ['[f(2.0) for f in [x => x, x => x^2]]', [2, 4]],
      ],
    );
  });

  it('recursion ends at compile time', async () => {
    await expectValues(
      `
fn factorial(n) = if n == 0 then 1 else n*factorial(n - 1)
fn tree(x: real[n]) = if n == 1 then x[0] else tree(x[0..n // 2]) + tree(x[n // 2..n])
fn even(n) = if n == 0 then 1 else odd(n - 1)
fn odd(n) = if n == 0 then 0 else even(n - 1)
fn fibonacci(n) {
  if n < 2 { return n }
  return fibonacci(n - 1) + fibonacci(n - 2)
}
`,
      [
        ['factorial(5)', 120],
        ['tree([1.0, 2.0, 3.0, 4.0, 5.0])', 15],
        ['even(10)', 1],
        ['fibonacci(10)', 55],
      ],
    );
  });

  it('recursion without end is an error', () => {
    const text = messages('fn f(n) = f(n + 1)\nlet x = f(0)');
    expect(text).toContain('E171');
    expect(text).toContain('f calls itself without end');
  });
});

describe('records', () => {
  it('spread, shorthand, nested', async () => {
    await expectValues(
      `
let W = 2.0
let b = 3.0
let net = { W, b }
let more = { ...net, b: 4.0, c: 5.0 }
let (p, q) = (net.W, { r: net.b })
`,
      [
        ['net.W + net.b', 5],
        ['more.W + more.b + more.c', 11],
        ['p + q.r', 5],
        ['[{ a: i, b: 2*i } for i in 0..3].b', [0, 2, 4]],
        ['[{ a: i, b: 2*i } for i in 0..3][1].b', 2],
        ['{ a: [1.0, 2.0], b: [[1.0], [2.0]] }[1].b', [2]],
        ['{ a: [1.0, 2.0], b: [3.0, 4.0] }.last.b', 4],
      ],
    );
  });
});

describe('strings', () => {
  it('interpolate at compile time', async () => {
    const lines = await printed(`
const n = 3
input x: real = 0.123456789
fn name(k) = "run_{k}"
run {
  print "{n}/{n + 1} {name(n)} {1.5} {true} \\{x}"
  print "x = {x, digits: 3}", x
  print "{[1, 2, 3]}"
  print { a: 1.5, b: [1.0, 2.0] }
}`);
    expect(lines[0]).toBe('3/4 run_3 1.5 true {x}');
    expect(lines[1]).toBe('x = 0.123 0.123457');
    expect(lines[2]).toBe('[1, 2, 3]');
    expect(lines[3]).toContain('a: 1.5');
  });

  it('choose at compile time', async () => {
    await expectValues('fn pick(kind) = if kind == "fast" then 1 else if kind != "slow" then 2 else 3', [
      ['pick("fast")', 1],
      ['pick("slow")', 3],
      ['pick("so" )', 2],
    ]);
  });

  it('file names must be known at compile time', () => {
    expect(codes('input x: real = 1\ndata d = load("a{x}.csv")')).toEqual(['E112']);
  });
});

describe('with', () => {
  it('replaces parameters, inputs and states through all calls', async () => {
    await expectValues(
      `
param k = 2.0
param r = { a: 1.0, b: 2.0 }
input s: real = 5
fn f(x) = k*x + s
let base = f(1)
`,
      [
        ['base', 7],
        ['with k = 10 { return base }', 15],
        ['with k = 10, s = 0 { return f(2) }', 20],
        ['with k = k + 1 { return k }', 3],
        ['with r = { a: 5, b: 6 } { return r.a + r.b }', 11],
        ['with r.a = 5 { return r.a + r.b }', 7],
        ['with k = 1 { return (with s = 1 { return base }) }', 2],
        ['gradient(x => with k = x { return base })(3.0)', 1],
      ],
    );
  });

  it('nothing else', () => {
    expect(codes('let a = 1\nlet b = with a = 2 { return a }')).toEqual(['E151']);
  });
});

describe('several files', () => {
  const files = {
    'tools.flow': `
const n = 4
fn double(x) = helper(x)*2
fn helper(x) = x + offset
param offset = 1.0
let size = n
`,
    'deep.flow': `use "./tools.flow" { double as twice }\nfn quadruple(x) = twice(twice(x))`,
  };
  it('names come through use, with other names through as', async () => {
    await expectValues(
      `
use "./tools.flow" { double, size as count }
use "./deep.flow" { quadruple }
use std.stats { variance as spread }
let offset = 100
`,
      [
        ['double(1)', 4],
        ['count', 4],
        ['quadruple(0)', 6],
        ['spread([1.0, 3.0])', 1],
        ['offset', 100],
      ],
      { files },
    );
  });
  it('parameters and data of the same name in two files are two', async () => {
    const other = `param k = 5.0\ndata d = [k, k]\nlet both = k + sum(d)\nstate s = 1.0\ninput i: real = 7`;
    await expectValues(
      'use "./other.flow" { both, k as theirs }\nparam k = 1.0\ndata d = [k, k, k]\nstate s = 2.0\ninput i: real = 3',
      [
        ['both', 15],
        ['k + sum(d) + s + i', 9],
        ['theirs', 5],
      ],
      { files: { 'other.flow': other }, before: 'k = 3\nreset k' },
    );
  });
  it('what does not exist is said', () => {
    expect(codes('use "./other.flow" { a }')).toEqual(['E153']);
    expect(messages('use "./tools.flow" { duble }', { files })).toContain('did you mean `double`?');
    expect(messages('use std.od { rk4 }')).toContain('std.ode');
  });
});

describe('constants, inputs and settings', () => {
  const text =
    'const n = 4\nconst h = 1/n\ninput nu: real = 0.5\ninput m: int = 3\nlet x = linspace(0, 1, n)*nu';
  it('const and input are set from outside', async () => {
    await expectValues(text, [
      ['len(x)', 4],
      ['x.last', 0.5],
      ['h', 0.25],
    ]);
    await expectValues(
      text,
      [
        ['len(x)', 8],
        ['h', 0.125],
      ],
      { settings: { n: '8' } },
    );
    expect(await value(text, 'm', { settings: {} })).toBe(3);
  });
  it('an input stays a run-time number', () => {
    expect(codes('input n: int = 3\nlet x = zeros(n)')).toEqual(['E110']);
    expect(codes('param k = 1.0\nconst c = k')).toEqual(['E403']);
    expect(codes('param k = 1.0\ninput c: real = k')).toEqual(['E404']);
  });
  it('a setting must exist and be a number', () => {
    expect(codes(text, { settings: { N: '8' } })).toEqual(['E442']);
    expect(codes(text, { settings: { n: 'eight' } })).toEqual(['E406']);
  });
});

describe('order of items', () => {
  it('does not matter', async () => {
    expect(await number('let a = b + 1\nlet b = f(2)\nfn f(x) = x*c\nconst c = 3', 'a')).toBe(7);
  });
  it('a value defined by itself is an error', () => {
    const text = messages('let a = b\nlet b = a + 1');
    expect(text).toContain('E400');
  });
});

describe('data, parameters, states', () => {
  it('get their values with nothing replaced, whatever mentions them first', async () => {
    await expectValues(
      `let y = with a = 5 { return b + g(1.0) + sum(d) }
param a = 1.0
param b = 2*a
data d = [a, a]
field g(s) = a*s`,
      [
        ['b', 2],
        ['sum(d)', 2],
        ['g(1.0)', 1],
        ['y', 9],
      ],
    );
  });

  it('a data item is evaluated before the first step, a let anew', async () => {
    const out = await evaluate(
      `
precision f64
param k = 2.0
state s = 1.0
data d = k^2
let e = k^2 + s
`,
      { d: 'd', e: 'e' },
      { before: 'k = 5\ns = 10' },
    );
    expect(out).toEqual({ d: 4, e: 35 });
  });

  it('bounds keep a parameter inside', async () => {
    const text = `
precision f64
param a = 0.5 in 0.1 .. 4
param b = 3.0 in 2.0 .. inf
param c = -1.0 in -inf .. 0
param d = [1.0, 2.0] in 0 .. 3
param e = 2.0 via { to: z => exp(z), from: k => log(k) }
run { minimize (a - 1)^2 + (b - 0)^2 + (c - 1)^2 + sum((d - 5)^2) + (e - 3)^2 over a, b, c, d, e using o steps 0 }
let o = { init: p => {}, step: (problem, p, s) => (p, s) }
`;
    const out = await evaluate(text.replace(/run .*/, ''), { a: 'a', b: 'b', c: 'c', d: 'd', e: 'e' });
    expect(flatClose(out)).toEqual({ a: 0.5, b: 3, c: -1, d: [1, 2], e: 2 });
  });
});

function flatClose(out: Record<string, unknown>): unknown {
  return JSON.parse(
    JSON.stringify(out, (_k, v: unknown) => (typeof v === 'number' ? Math.round(v * 1e9) / 1e9 : v)),
  );
}
