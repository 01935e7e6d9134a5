// Operators on numbers known at compile time and at run time, on arrays, records, tuples; precedence; ints and reals.

import { describe, expect, it } from 'vitest';
import { codes, expectValues, messages } from './support.ts';

const inputs = `
input a: real = 3.0
input b: real = -2.0
input i: int = 7
input j: int = -3
let v = [a, 2*a, b]
let w = [1.0, 2.0, 3.0]
`;

describe('arithmetic', () => {
  it('at compile time', async () => {
    await expectValues('const n = 7', [
      ['1 + 2*3', 7],
      ['2^3^2', 512],
      ['-2^2', -4],
      ['(-2)^2', 4],
      ['2^-1', 0.5],
      ['7 // 2', 3],
      ['-7 // 2', -4],
      ['-7 % 2', 1],
      ['7 % -2', -1],
      ['7.5 // 2', 3],
      ['7.5 % 2', 1.5],
      ['-7.5 % 2', 0.5],
      ['7 / 2', 3.5],
      ['1/3*3', 1],
      ['8/2/2', 2],
      ['8 - 2 - 2', 4],
      ['2*3 % 4', 2],
      ['1_000 + 1e3', 2000],
      ['n // 2 + n % 2', 4],
      ['+n', 7],
      ['- - n', 7],
      ['max(1, 2) + min(1, 2)', 3],
      ['round(2.5) + round(3.5)', 6],
      ['floor(-0.5)', -1],
      ['ceil(-0.5)', 0],
      ['int(-1.7)', -1],
      ['abs(-3) + sign(-2.0)', 2],
      ['atan2(1.0, 1.0)*4', Math.PI],
    ]);
  });

  it('at run time gives the same', async () => {
    await expectValues(inputs, [
      ['a + b*a', -3],
      ['a^b', 1 / 9],
      ['-a^2', -9],
      ['a^2^0.5', 3 ** (2 ** 0.5)],
      ['i*a*5_000_000_000', 105e9],
      ['sum(5_000_000_000*w)', 30e9],
      ['i // 2', 3],
      ['j // 2', -2],
      ['j % 2', 1],
      ['i % j', -2],
      ['i / 2', 3.5],
      ['i / 2*2', 7],
      ['a // 2', 1],
      ['b % 3', 1],
      ['b*1.25 % 3', 0.5],
      ['i + a', 10],
      ['i^2', 49],
      ['j^3', -27],
      ['2^j', 0.125],
      ['i*j', -21],
      ['b^3', -8],
      ['a^-2', 1 / 9],
      ['a^0', 1],
      ['a^0.5', Math.sqrt(3)],
      ['max(a, i)', 7],
      ['min(j, i)', -3],
      ['floor(b/3)', -1],
      ['round(a/2)', 2],
      ['round(a*0.5 + 1)', 2],
      ['ceil(a/2)', 2],
      ['int(b/1.5)', -1],
      ['abs(j)', 3],
      ['sign(b)', -1],
      ['real(i)/2', 3.5],
    ]);
  });

  it('on arrays goes element by element, scalars spread', async () => {
    await expectValues(inputs, [
      ['v + w', [4, 8, 1]],
      ['v*2', [6, 12, -4]],
      ['a - v', [0, -3, 5]],
      ['v/w', [3, 3, -2 / 3]],
      ['w^2', [1, 4, 9]],
      ['2^w', [2, 4, 8]],
      ['-w', [-1, -2, -3]],
      ['[1, 2, 3] // 2', [0, 1, 1]],
      ['[1, 2, 3] / 2', [0.5, 1, 1.5]],
      ['max(v, w)', [3, 6, 3]],
      ['max(v)', 6],
      [
        '[[1, 2], [3, 4]] + [[10, 20]]',
        [
          [11, 22],
          [13, 24],
        ],
      ],
      [
        '[[1, 2], [3, 4]] + [[10], [20]]',
        [
          [11, 12],
          [23, 24],
        ],
      ],
      ['[[1.0, 2.0], [3.0, 4.0]] @ [1.0, 1.0]', [3, 7]],
      ['[1.0, 1.0] @ [[1.0, 2.0], [3.0, 4.0]]', [4, 6]],
      ['[1, 2] @ [3, 4]', 11],
      [
        '[[1, 2], [3, 4]] @ [[0, 1], [1, 0]]',
        [
          [2, 1],
          [4, 3],
        ],
      ],
      ['w @ w + 1', 15],
      ['-w @ w', -14],
      ['sqrt(w^2)', [1, 2, 3]],
    ]);
  });
});

describe('comparisons and logic', () => {
  it('chain', async () => {
    await expectValues(inputs, [
      ['1 < 2 < 3', 1],
      ['1 < 3 < 2', 0],
      ['0 < a < 4', 1],
      ['a < a <= a', 0],
      ['1 == 1.0', 1],
      ['a == 3', 1],
      ['i != 7', 0],
      ['0 < w < 2.5', [1, 1, 0]],
      ['w == [1, 5, 3]', [1, 0, 1]],
      ['b < 0 < a', 1],
    ]);
  });

  it('and, or, not work elementwise and bind in that order', async () => {
    await expectValues(inputs, [
      ['true or true and false', 1],
      ['not false and false', 0],
      ['not (true and false)', 1],
      ['a > 0 and b > 0', 0],
      ['a > 0 or b > 0', 1],
      ['not a > 0', 0],
      ['w > 1 and w < 3', [0, 1, 0]],
      ['not w > 1', [1, 0, 0]],
      ['w > 1 or a > 0', [1, 1, 1]],
    ]);
  });

  it('do not evaluate what is decided already at compile time', async () => {
    await expectValues('let x = 1.0', [
      ['rank(x) > 0 and x[0] > 1', 0],
      ['rank(x) == 0 or x[0] > 1', 1],
    ]);
  });
});

describe('choices', () => {
  it('at compile time elaborate only the branch taken', async () => {
    await expectValues(`const n = 3\nfn f(k) = if k == 0 then [1.0] else concat(f(k - 1), [1.0*k])`, [
      ['if n > 2 then [1, 2] else 5', [1, 2]],
      ['f(n)', [1, 1, 2, 3]],
      ['if true then 1 else [1, 2][5]', 1],
    ]);
  });

  it('at run time choose a value of one structure', async () => {
    await expectValues(inputs, [
      ['if a > 0 then 1 else 2.5', 1],
      ['if a < 0 then 1 else 2.5', 2.5],
      ['if a > 0 then w else 0', [1, 2, 3]],
      ['if a < 0 then w else 0', [0, 0, 0]],
      ['(if a > 0 then { p: 1, q: w } else { p: 2, q: v }).q', [1, 2, 3]],
      ['(if a > 0 then (1, 2) else (3, 4))[1]', 2],
      ['1 + (if b > 0 then 1 else if b > -1 then 2 else 3)', 4],
      ['(if a < 0 then sum(x for x in w) else sum(x*x for x in w))', 14],
    ]);
  });

  it('where chooses element by element', async () => {
    await expectValues(inputs, [
      ['where(w > 1.5, w, -1)', [-1, 2, 3]],
      ['where(a > 0, 1, 2)', 1],
      ['where(true, 1, 2.5)', 1],
      ['where(w > 1.5, { a: 1.0, b: w }, { a: 2.0, b: -w }).b', [-1, 2, 3]],
      ['where([true, false], 1, 2)', [1, 2]],
    ]);
  });
});

describe('records and tuples are vectors', () => {
  it('leaf by leaf', async () => {
    await expectValues(
      `${inputs}
let r = { x: w, y: a, n: 4, name: "r", f: x => x }
let s = { x: 10*w, y: b, n: 4, name: "s", f: x => x }`,
      [
        ['(r + s).x', [11, 22, 33]],
        ['(r + s).y', 1],
        ['(r + s).n', 4],
        ['(2*r - 1).y', 5],
        ['(r.f)(3)', 3],
        ['(1, 2.0)*2', [2, 4]],
        ['({ a: 1.0, b: 2.0 }^2).b', 4],
        ['sqrt({ a: 4.0, b: 9.0 }).a', 2],
        ['dot({ a: 1.0, b: w }, { a: 2.0, b: w })', 16],
        ['norm({ a: 3.0, b: [4.0] })', 5],
        ['sum({ a: 3.0, b: [4.0, 5.0] })', 12],
        ['mean({ a: 3.0, b: [4.0, 5.0] })', 4],
        ['max({ a: 3.0, b: [4.0, 5.0] }, 4).b', [4, 5]],
        ['({ a: 1.0, b: 2.0 } < { a: 2.0, b: 1.0 }).a', 1],
        ['map((p, q) => p*q, { a: 2.0, b: w }, { a: 3.0, b: w }).b', [1, 4, 9]],
        ['flatten({ a: 3.0, b: [4.0, 5.0] })', [3, 4, 5]],
        ['unflatten([1.0, 2.0, 3.0], like: { a: 3.0, b: [4.0, 5.0] }).b', [2, 3]],
        ['zeros_like({ a: 3.0, b: [4.0, 5.0] }).b', [0, 0]],
        ['{ ...{ a: 1, b: 2 }, a: 5 }.a', 5],
        ['{ a: { b: { c: 4 } } }.a.b.c', 4],
      ],
    );
  });
});

describe('functions of arrays', () => {
  it('reduce', async () => {
    await expectValues('let m = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]', [
      ['sum(m)', 21],
      ['sum(m, axis: 0)', [5, 7, 9]],
      ['sum(m, axis: 1)', [6, 15]],
      ['mean(m, axis: 1)', [2, 5]],
      ['max(m)', 6],
      ['min(m, axis: 0)', [1, 2, 3]],
      ['prod(m, axis: 1)', [6, 120]],
      ['argmax(m, axis: 1)', [2, 2]],
      ['argmin([3.0, 1.0, 2.0])', 1],
      ['any(m > 5)', 1],
      ['all(m > 1)', 0],
      ['any(m > 5, axis: 1)', [0, 1]],
      ['sum(1.5)', 1.5],
      ['sum([1, 2, 3])', 6],
      ['mean([1, 2])', 1.5],
      ['sum(x^2 for x in [1, 2, 3])', 14],
      ['max(i*(5 - i) for i in 0..6)', 6],
      ['mean(1.0*i for i in 0..4)', 1.5],
      ['sum(i*j for i in 0..3, j in 0..3)', 9],
      ['min(1.0*i for i in 2..5)', 2],
      ['logsumexp(x for x in [0.0, 0.0])', Math.log(2)],
      ['argmax(i % 3 for i in 0..5)', 2],
      ['norm([3.0, 4.0])', 5],
      ['dot([1.0, 2.0], [3.0, 4.0])', 11],
      ['softmax([0.0, 0.0])', [0.5, 0.5]],
    ]);
  });

  it('make and rearrange', async () => {
    await expectValues('let m = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]\nconst n = 3', [
      ['zeros([2])', [0, 0]],
      ['ones(n)', [1, 1, 1]],
      ['linspace(0, 1, 5)', [0, 0.25, 0.5, 0.75, 1]],
      ['linspace(2, 5, 1)', [2]],
      ['concat([1.0], [2.0, 3.0])', [1, 2, 3]],
      [
        'concat(m, m, axis: 1)',
        [
          [1, 2, 3, 1, 2, 3],
          [4, 5, 6, 4, 5, 6],
        ],
      ],
      [
        'reshape(m, [3, 2])',
        [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      ],
      [
        'transpose(m)',
        [
          [1, 4],
          [2, 5],
          [3, 6],
        ],
      ],
      [
        'transpose(m, axes: [0, 1])',
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
      ],
      ['cumsum([1.0, 2.0, 3.0])', [1, 3, 6]],
      [
        'identity(2)',
        [
          [1, 0],
          [0, 1],
        ],
      ],
      [
        'diagonal([1.0, 2.0])',
        [
          [1, 0],
          [0, 2],
        ],
      ],
      ['diagonal([[1.0, 2.0], [3.0, 4.0]])', [1, 4]],
      [
        'outer([1.0, 2.0], [3.0, 4.0])',
        [
          [3, 4],
          [6, 8],
        ],
      ],
      ['cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])', [0, 0, 1]],
      ['shape(m)', [2, 3]],
      ['len(m)', 2],
      ['size(m)', 6],
      ['rank(m)', 2],
      ['len(list(1, "a", x => x))', 3],
      ['clip([-1.0, 0.5, 2.0], 0, 1)', [0, 0.5, 1]],
      ['roll([1.0, 2.0, 3.0], 1)', [2, 3, 1]],
      ['reverse([1.0, 2.0, 3.0])', [3, 2, 1]],
    ]);
  });

  it('elementary functions agree with those of the host', async () => {
    const xs = [0.3, 1.7];
    const one = [
      'exp',
      'expm1',
      'log',
      'log1p',
      'sin',
      'cos',
      'tan',
      'atan',
      'sinh',
      'cosh',
      'tanh',
      'sqrt',
    ] as const;
    await expectValues('input s: real = 0.3', [
      ...one.map((f) => [`${f}([0.3, 1.7])`, xs.map((x) => Math[f](x))] as const),
      ...one.map((f) => [`${f}(s)`, Math[f](0.3)] as const),
      ...one.map((f) => [`${f}(0.3)`, Math[f](0.3)] as const),
      ['asin(s) + acos(s)', Math.PI / 2],
      ['sigmoid(0.0) + relu(-1.0) + softplus(0.0)', 0.5 + Math.log(2)],
    ]);
  });
});

describe('mismatches are refused', () => {
  it('shapes', () => {
    expect(messages('let x = [1.0, 2.0] + [1.0, 2.0, 3.0]')).toContain('[2] and [3]');
    expect(codes('let x = [1.0, 2.0] + [[1.0, 2.0], [3.0, 4.0]]')).toEqual(['E122']);
    expect(codes('let x = [[1.0, 2.0]] @ [1.0]')).toEqual(['E210']);
  });
  it('structures', () => {
    expect(codes('let x = { a: 1 } + { b: 1 }')).toEqual(['E123']);
    expect(codes('let x = (1, 2) + (1, 2, 3)')).toEqual(['E123']);
    expect(codes('let x = "a" + 1')).toEqual(['E120']);
    expect(codes('let x = true + 1')).toEqual(['E121']);
    expect(codes('input a: real = 1\nlet x = (a > 0) + 1')).toEqual(['E121']);
  });
});
