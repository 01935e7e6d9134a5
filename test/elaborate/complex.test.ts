// Complex numbers: arithmetic and elementary functions against formulas, branch cuts and the ends of the range, derivatives against the calculus of holomorphic functions, structure (indices, loops,
// choices, records), and what is refused.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Numbers } from './support.ts';
import { evaluate, expectClose, expectValues, flat, messages, number, value } from './support.ts';

interface C {
  readonly x: number;
  readonly y: number;
}
const c = (x: number, y = 0): C => ({ x, y });
const add = (a: C, b: C): C => c(a.x + b.x, a.y + b.y);
const sub = (a: C, b: C): C => c(a.x - b.x, a.y - b.y);
const mul = (a: C, b: C): C => c(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
const div = (a: C, b: C): C => {
  const n = b.x * b.x + b.y * b.y;
  return c((a.x * b.x + a.y * b.y) / n, (a.y * b.x - a.x * b.y) / n);
};
const exp = (a: C): C => c(Math.exp(a.x) * Math.cos(a.y), Math.exp(a.x) * Math.sin(a.y));
const log = (a: C): C => c(Math.log(Math.hypot(a.x, a.y)), Math.atan2(a.y, a.x));
const scale = (s: number, a: C): C => c(s * a.x, s * a.y);
const sqrt = (a: C): C => (a.x === 0 && a.y === 0 ? a : exp(scale(0.5, log(a))));
const i = c(0, 1);
const one = c(1);
const sinh = (a: C): C => scale(0.5, sub(exp(a), exp(scale(-1, a))));
const cosh = (a: C): C => scale(0.5, add(exp(a), exp(scale(-1, a))));
const sin = (a: C): C => mul(c(0, -1), sinh(mul(i, a)));
const cos = (a: C): C => cosh(mul(i, a));
const tan = (a: C): C => div(sin(a), cos(a));
const asin = (a: C): C => mul(c(0, -1), log(add(mul(i, a), mul(sqrt(sub(one, a)), sqrt(add(one, a))))));
const atan = (a: C): C => mul(c(0, 0.5), sub(log(sub(one, mul(i, a))), log(add(one, mul(i, a)))));

/** f(z), f'(z). The derivative is left out where it is that of something else in the table. */
const functions: readonly (readonly [string, (z: C) => C, (z: C) => C])[] = [
  ['exp(z)', exp, exp],
  ['log(z)', log, (z) => div(one, z)],
  ['sqrt(z)', sqrt, (z) => div(c(0.5), sqrt(z))],
  ['sin(z)', sin, cos],
  ['cos(z)', cos, (z) => scale(-1, sin(z))],
  ['tan(z)', tan, (z) => add(one, mul(tan(z), tan(z)))],
  ['sinh(z)', sinh, cosh],
  ['cosh(z)', cosh, sinh],
  [
    'tanh(z)',
    (z) => div(sinh(z), cosh(z)),
    (z) => sub(one, mul(div(sinh(z), cosh(z)), div(sinh(z), cosh(z)))),
  ],
  ['asin(z)', asin, (z) => div(one, mul(sqrt(sub(one, z)), sqrt(add(one, z))))],
  [
    'acos(z)',
    (z) => sub(c(Math.PI / 2), asin(z)),
    (z) => div(c(-1), mul(sqrt(sub(one, z)), sqrt(add(one, z)))),
  ],
  ['atan(z)', atan, (z) => div(one, add(one, mul(z, z)))],
  ['expm1(z)', (z) => sub(exp(z), one), exp],
  ['log1p(z)', (z) => log(add(one, z)), (z) => div(one, add(one, z))],
  ['z^3', (z) => mul(z, mul(z, z)), (z) => scale(3, mul(z, z))],
  ['z^(-2)', (z) => div(one, mul(z, z)), (z) => div(c(-2), mul(z, mul(z, z)))],
  [
    'z^(0.3 - 0.7i)',
    (z) => exp(mul(c(0.3, -0.7), log(z))),
    (z) => mul(c(0.3, -0.7), div(exp(mul(c(0.3, -0.7), log(z))), z)),
  ],
  [
    '(2 - 1i)/(z - 3i)',
    (z) => div(c(2, -1), sub(z, c(0, 3))),
    (z) => div(c(-2, 1), mul(sub(z, c(0, 3)), sub(z, c(0, 3)))),
  ],
  ['2*z*(1 + 1i) - z/2 + 1', (z) => add(sub(mul(c(2, 2), z), scale(0.5, z)), one), () => c(1.5, 2)],
];

const pair = (z: C): Numbers => [z.x, z.y];
const show = (x: number): string => `(${x})`;

/** Away from zero, from the cuts of the functions above and from their poles. */
const point = fc
  .record({
    r: fc.double({ min: 0.2, max: 0.9, noNaN: true }),
    turn: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
  })
  .chain(({ r, turn }) =>
    fc
      .boolean()
      .map((down) => c(r * Math.cos(Math.PI * turn), (down ? -1 : 1) * r * Math.sin(Math.PI * turn))),
  );

describe('functions of complex numbers', () => {
  it('have the values and derivatives of the calculus', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(point, { minLength: 3, maxLength: 5 }), async (points) => {
        const z = `[${points.map((p) => `complex(${show(p.x)}, ${show(p.y)})`).join(', ')}]`;
        const entries = functions.flatMap(([text], k) => [
          [`f${k}`, `(z => ${text})(at)`],
          [`d${k}`, `jvp(z => ${text}, at, ones(${points.length}))`],
          [`e${k}`, `jvp(z => ${text}, at, 1i*ones(${points.length}))`],
          [`g${k}`, `gradient(z => sum(re(${text})))(at)`],
        ]);
        const got = await evaluate(`precision f64\ndata at = ${z}\n`, Object.fromEntries(entries));
        functions.forEach(([text, f, d], k) => {
          const of = (name: string): Numbers => got[`${name}${k}`] ?? NaN;
          expectClose(
            of('f'),
            points.map((p) => pair(f(p))),
            1e-11,
            text,
          );
          expectClose(
            of('d'),
            points.map((p) => pair(d(p))),
            1e-10,
            `derivative of ${text}`,
          );
          expectClose(
            of('e'),
            points.map((p) => pair(mul(i, d(p)))),
            1e-10,
            `derivative of ${text} along i`,
          );
          // d re(f) = re(f' dz): the gradient, d/da + i d/db, is the conjugate of f'.
          expectClose(
            of('g'),
            points.map((p) => pair(c(d(p).x, -d(p).y))),
            1e-10,
            `gradient of re ${text}`,
          );
        });
      }),
      { numRuns: 2 },
    );
  });

  it('go over the real numbers as they did', async () => {
    const got = await evaluate('precision f64\ndata x = [0.2, 0.7]\n', {
      a: 're(exp(complex(x))) - exp(x)',
      b: 'im(sqrt(complex(-x))) - sqrt(x)',
      c: 'abs(complex(x)^2.5 - x^2.5)',
    });
    for (const v of Object.values(got)) expectClose(v, [0, 0], 1e-15);
  });

  it('are computed before the program runs where the numbers are known', async () => {
    expect(await value('const w = (1 + 2i)*(3 - 1i)\n', 'w')).toEqual([5, 5]);
    expect(messages('test "t" { assert exp(1i*pi) == 1 }')).toContain('E220');
  });

  it('neither overflow nor cancel where the result does not', async () => {
    const got = await evaluate('precision f64\ndata big = 1e300\ndata small = 1e-200\n', {
      abs: 'abs(complex(big, big))/big',
      quotient: 'complex(big, big)/complex(big, -big)',
      root: 'sqrt(complex(-big, big))/1e150',
      tanh: 'tanh(complex(800, 1))',
      tiny: 'abs(complex(small, small))/small',
      log: 'log(complex(1, small))',
      nearOne: 're(log(complex(0.6 + small, 0.8)))',
      expm1: 'expm1(complex(small, small))/small',
      over: '1/complex(inf, 0.0)',
    });
    const root = sqrt(c(-1, 1));
    expectClose(got['abs'] ?? NaN, Math.SQRT2);
    expectClose(got['quotient'] ?? NaN, [0, 1]);
    expectClose(got['root'] ?? NaN, pair(root));
    expectClose(got['tanh'] ?? NaN, [1, 0]);
    expectClose(got['tiny'] ?? NaN, Math.SQRT2);
    expectClose(got['log'] ?? NaN, [0, 1e-200]);
    expect(Math.abs(flat(got['nearOne'] ?? NaN)[0] ?? NaN)).toBeLessThan(1e-16);
    expectClose(got['expm1'] ?? NaN, [1, 1]);
    expectClose(got['over'] ?? NaN, [0, 0]);
  });

  it('lie on their principal branches', async () => {
    const got = await evaluate('precision f64\ndata m = complex(-1.0, 0.0)\ndata zero = 0i\n', {
      root: 'sqrt(m)',
      log: 'log(m)',
      arg: 'arg(m)',
      below: 'sqrt(complex(-1, -1e-300))',
      power: 'zero^2.5',
      none: 'zero^(0i)',
      rootOfZero: 'sqrt(zero)',
      sign: 'sign(zero)',
      slope: 'gradient(z => abs(z))(zero)',
      cut: '[asin(complex(2.0, 0.0)), acos(complex(2.0, -0.0)), atan(2i), atan(-2i), log(conj(m)), sqrt(conj(m))]',
    });
    expectClose(got['root'] ?? NaN, [0, 1]);
    expectClose(got['log'] ?? NaN, [0, Math.PI]);
    expectClose(got['arg'] ?? NaN, Math.PI);
    expectClose(flat(got['below'] ?? NaN)[1] ?? NaN, -1);
    expectClose(got['power'] ?? NaN, [0, 0]);
    expectClose(got['none'] ?? NaN, [1, 0]);
    expectClose(got['rootOfZero'] ?? NaN, [0, 0]);
    expectClose(got['sign'] ?? NaN, [0, 0]);
    expectClose(got['slope'] ?? NaN, [0, 0]);
    // From the side of im > 0, or re > 0.
    expectClose(got['cut'] ?? NaN, [
      [Math.PI / 2, Math.acosh(2)],
      [0, -Math.acosh(2)],
      [Math.PI / 2, Math.log(3) / 2],
      [Math.PI / 2, -Math.log(3) / 2],
      [0, Math.PI],
      [0, 1],
    ]);
  });
});

describe('derivatives by complex numbers', () => {
  it('of real functions agree with differences, first and second', async () => {
    const reals = [
      'abs2(z)',
      'abs(z)',
      'abs(z)^3',
      'arg(z)',
      're(z)*im(z)^2',
      'norm([z, 2*z])',
      'cos(abs(z))',
    ];
    const program = `precision f64
data at = 0.6 - 0.8i
data v = 0.3 + 0.5i
const h = 1e-5
fn check(f) {
  let d = (f(at + h*v) - f(at - h*v))/(2*h)
  let g = gradient(f)
  let dd = (g(at + h*v) - g(at - h*v))/(2*h)
  return [d - dot(g(at), v), d - jvp(f, at, v), norm(dd - hvp(f, at, v))]
}
`;
    const got = await evaluate(
      program,
      Object.fromEntries(reals.map((text, k) => [`f${k}`, `check(z => ${text})`])),
    );
    reals.forEach((text, k) => {
      for (const x of flat(got[`f${k}`] ?? NaN)) expect(Math.abs(x), text).toBeLessThan(1e-8);
    });
  });

  it('of |z| and of its square at real points, to second order', async () => {
    // |a + ib| = |a| + b^2/(2|a|) + …: the second derivative across the real axis is 1/|a|.
    expectClose(await value('precision f64\n', 'hvp(z => abs(z), 2 + 0i, 1i)'), [0, 0.5]);
    expectClose(await value('precision f64\n', 'jvp(z => jvp(z => z^4, z, 1), 1 + 1i, 1)'), [0, 24]);
  });

  it('pull is the gradient of the inner product of pairs', async () => {
    const program =
      'precision f64\ndata at = [1 + 2i, 0.5 - 1i]\ndata w = [0.3i, 2 - 1i]\nfn f(z) = [z[0]*z[1], z[0]^2]\n';
    const pull = await value(program, 'vjp(f, at).pull(w)');
    expectClose(await value(program, 'gradient(z => dot(w, f(z)))(at)'), pull);
    expectClose(await value(program, 'conj(transpose(jacobian(f)(at))) @ w'), pull);
  });

  it('jacobian: of a holomorphic function its matrix, of a real one its gradients', async () => {
    const program = 'precision f64\ndata at = [1 + 2i, 0.5 - 1i]\n';
    expectClose(await value(program, 'jacobian(z => [z[0]*z[1], z[0]^2, z[1]])(at)'), [
      [
        [0.5, -1],
        [1, 2],
      ],
      [
        [2, 4],
        [0, 0],
      ],
      [
        [0, 0],
        [1, 0],
      ],
    ]);
    // Not holomorphic: d/dz of z conj(z) is conj(z).
    expectClose(await value(program, 'jacobian(z => z*conj(z))(at[0])'), [1, -2]);
    expectClose(await value(program, 'jacobian(z => abs2(z))(at)'), [
      [
        [2, 4],
        [0, 0],
      ],
      [
        [0, 0],
        [1, -2],
      ],
    ]);
    expectClose(await value(program, 'jacobian(x => exp(1i*x))(0.0)'), [0, 1]);
  });

  it('jacobian of records with complex parts: part by part, by more unknowns than values and by fewer', async () => {
    await expectValues(
      `data z = [1 + 2i, 0.5 - 1i]
data p = { z, x: [0.3, 0.7, 0.2], n: 2 }
data v = { z: [0.1i, 0.2 - 1i], x: [1.0, 0.5, -1.0], n: 2 }
fn wide(p) = { w: p.z[0]^2*p.x[1], r: abs2(p.z[1])*p.x[0], m: p.n }
fn tall(q) = { a: [exp(1i*q.t*k) for k in 0..3], b: (q.t^2, q.c*q.t) }
let J = jacobian(wide)(p)
let T = jacobian(tall)({ t: 0.5, c: 2 - 1i })
# what J makes of a direction: a holomorphic part takes it as it is, a real one with the inner product of pairs
let pushed = jvp(wide, p, v)
let backwards = vjp(wide, p).pull({ w: 1 + 0i, r: 0.0, m: 0 })`,
      [
        ['re(J.w.z)', [1.4, 0]],
        ['im(J.w.z)', [2.8, 0]],
        ['[re(J.w.x[1]), im(J.w.x[1]), re(J.w.x[0])]', [-3, 4, 0]],
        ['re(J.r.z)', [0, 0.3]],
        ['im(J.r.z)', [0, -0.6]],
        ['J.r.x', [1.25, 0, 0]],
        ['[re(sum(J.m.z)), sum(J.m.x), size(J.m.n)]', [0, 0, 1]],
        ['abs(sum(J.w.z*v.z) + sum(J.w.x*v.x) - pushed.w)', 0],
        ['dot(J.r.z, v.z) + dot(J.r.x, v.x) - pushed.r', 0],
        ['abs(conj(J.w.z[0]) - backwards.z[0])', 0],
        ['[abs(T.a.t[2] - 2i*exp(1i)), abs(T.a.c[1])]', [0, 0]],
        ['[T.b[0].t, abs(T.b[0].c), abs(T.b[1].t - (2 - 1i)), abs(T.b[1].c - 0.5)]', [1, 0, 0, 0]],
      ],
    );
  });

  it('hessian of a real function of complex numbers: by the real pairs, and what hvp multiplies with', async () => {
    await expectValues(
      `data p = { z: [1 + 2i, 0.5 - 1i], x: 0.4 }
data v = { z: [0.3 - 1i, 2i], x: 0.7 }
fn f(p) = abs2(p.z[0]^2*p.z[1]) + p.x^2*re(p.z[0]) + sin(im(p.z[1])*p.x)
let H = hessian(f)(p)
let M = hvp(f, p, v)
let K = hessian(p => f(unflatten(p, like: v)))(flatten(p))
let r = re(v.z)
let s = im(v.z)`,
      [
        ['H.z.z.re.re @ r + H.z.z.re.im @ s + H.z.x.re*v.x - re(M.z)', [0, 0]],
        ['H.z.z.im.re @ r + H.z.z.im.im @ s + H.z.x.im*v.x - im(M.z)', [0, 0]],
        ['H.x.z.re @ r + H.x.z.im @ s + H.x.x*v.x - M.x', 0],
        ['max(abs(H.z.z.re.im - transpose(H.z.z.im.re)))', 0],
        [
          'abs(sum(K) - sum(H.z.z.re.re) - sum(H.z.z.im.im) - 2*sum(H.z.z.re.im) - 2*sum(H.z.x.re) - 2*sum(H.z.x.im) - H.x.x)',
          0,
        ],
        ['hessian(z => abs2(z)*re(z))(1 + 2i).re.im', 4],
      ],
      { tolerance: 1e-11 },
    );
  });

  it('a complex step differentiates real formulas to rounding', async () => {
    const program = 'precision f64\nfn f(x) = exp(x)/(sin(x)^3 + cos(x)^3)^0.5\n';
    const step = await number(program, 'im(f(1.5 + 1e-100i))/1e-100');
    expectClose(await number(program, 'gradient(f)(1.5)'), step, 1e-13);
    // A complex direction makes a real point complex.
    expectClose(await value(program, 'jvp(x => x^2, 3.0, 2i)'), [0, 12]);
  });
});

describe('complex values', () => {
  it('go through indices, slices, shapes and joins', async () => {
    const program = 'precision f64\ndata a = [1 + 2i, 3, 4i, 5 - 1i]\ndata k = 2\n';
    const got = await evaluate(program, {
      at: 'a[k]',
      last: 'a.last',
      slice: 'a[1..3]',
      wrap: '[a[i - 1 wrap] for i in 0..2]',
      outside: 'a[[0, 9] else 7i]',
      realOutside: '[1.0, 2.0][[1, 5] else 1i]',
      matrix: 'transpose(reshape(a, [2, 2]))',
      joined: 'concat(a[0..1], [2.0])',
      reversed: 'reverse(a)[0]',
      total: 'sum(a)',
      mean: 'mean(reshape(a, [2, 2]), axis: 0)',
      product: 'prod(a)',
      productAxis: 'prod(reshape(a, [2, 2]), axis: 1)',
      len: '[len(a), size(a), rank(a), size({ a, b: 1.0 })]',
      product2: '[1, 1i] @ [[1, 2], [3i, 4]]',
      adjoint: 'adjoint([[1, 2i], [3, 4]])',
      outer: 'outer([1, 1i], [1i, 2])',
      equal: '[a[0] == 1 + 2i, a[0] != 1, a[1] == 3]',
      where: 'where(re(a) > 2, a, 0)',
      inner: '[dot(a, a), norm([3i, 4])]',
      cumulative: 'cumsum([1i, 1])',
      conj: 'conj(a[0])',
    });
    expectClose(got['at'] ?? NaN, [0, 4]);
    expectClose(got['last'] ?? NaN, [5, -1]);
    expectClose(got['slice'] ?? NaN, [
      [3, 0],
      [0, 4],
    ]);
    expectClose(got['wrap'] ?? NaN, [
      [5, -1],
      [1, 2],
    ]);
    expectClose(got['outside'] ?? NaN, [
      [1, 2],
      [0, 7],
    ]);
    expectClose(got['realOutside'] ?? NaN, [
      [2, 0],
      [0, 1],
    ]);
    expectClose(got['matrix'] ?? NaN, [
      [
        [1, 2],
        [0, 4],
      ],
      [
        [3, 0],
        [5, -1],
      ],
    ]);
    expectClose(got['joined'] ?? NaN, [
      [1, 2],
      [2, 0],
    ]);
    expectClose(got['reversed'] ?? NaN, [5, -1]);
    expectClose(got['total'] ?? NaN, [9, 5]);
    expectClose(got['mean'] ?? NaN, [
      [0.5, 3],
      [4, -0.5],
    ]);
    // (1 + 2i) 3 (4i) (5 - i)
    expectClose(got['product'] ?? NaN, [-108, 84]);
    expectClose(got['productAxis'] ?? NaN, [
      [3, 6],
      [4, 20],
    ]);
    expectClose(got['len'] ?? NaN, [4, 4, 1, 5]);
    expectClose(got['product2'] ?? NaN, [
      [-2, 0],
      [2, 4],
    ]);
    expectClose(got['adjoint'] ?? NaN, [
      [
        [1, 0],
        [3, 0],
      ],
      [
        [0, -2],
        [4, 0],
      ],
    ]);
    expectClose(got['outer'] ?? NaN, [
      [
        [0, 1],
        [2, 0],
      ],
      [
        [-1, 0],
        [0, 2],
      ],
    ]);
    expectClose(got['equal'] ?? NaN, [1, 1, 1]);
    expectClose(got['where'] ?? NaN, [
      [0, 0],
      [3, 0],
      [0, 0],
      [5, -1],
    ]);
    expectClose(got['inner'] ?? NaN, [5 + 9 + 16 + 26, 5]);
    expectClose(got['cumulative'] ?? NaN, [
      [0, 1],
      [1, 1],
    ]);
    expectClose(got['conj'] ?? NaN, [1, -2]);
  });

  it('go through loops, choices, records, functions and assignment', async () => {
    const program = `precision f64
input k: int = 3
data a = [1 + 2i, 3, 4i]
fn horner(z: complex, n: int) -> complex { var p = 0; for i in 0..n { p = p*z + 1 }; return p }
fn newton(z0) { var z = z0; while abs(z^3 - 1) > 1e-13 limit 60 { z = z - (z^3 - 1)/(3*z^2) }; return z }
fn put(i) { var b = [1.0, 2.0, 3.0]; b[i] = 5i; b[0] += 1i; return b }
fn scattered() { var b = zeros(2); b[[0, 1, 0][p]] += a[p] for p in 0..3; return b }
fn sizes(z: complex[n, m]) = n*10 + m
fn chosen(c) = if c then a[0] else 2.0
fn walked(a) { var p = 1; for z in 1*a { p = p*z }; return p }
fn halves(a) { let (p, q, r) = 1*a; return q + p*r/4 - r*1.25 + 3 }
fn updated(a, k) { var b = a; b[0..2] = 7i; b[k - 1] += 5i; return b }
fn looped(n) { let xs = for i in 0..n { yield exp(1i*pi*i/2) }; return xs }
`;
    const got = await evaluate(program, {
      horner: 'horner(2i, 3)',
      newton: 'newton(complex(-0.4, 0.7))',
      each: '[newton(z) for z in [0.5 + 0i, -0.4 - 0.7i]]',
      put: 'put(k - 2)',
      scattered: 'scattered()',
      sizes: 'sizes(1i*ones([2, 3]))',
      yes: 'chosen(k > 2)',
      no: 'chosen(k > 5)',
      looped: 'looped(3)',
      record: '{ a: 1i, b: 2.0 }*2',
      flattened: 'flatten({ a: 1 + 2i, b: 3.0 })',
      back: 'unflatten([1, 2, 3], like: { a: 1i, b: 3.0 })',
      like: 'ones_like(a)',
      parts: 're({ a: 1 + 2i, b: 3.0 })',
      rows: '{ z: a, n: [[1, 2], [3, 4], [5, 6]] }[2]',
      beyond: '{ z: a, x: [1.0, 2.0, 3.0] }[[0, 7] else 2i]',
      zeros: 'zeros_like({ z: a, n: 3, x: [1.0, 2.0] })',
      pairs: 'dot({ z: a, n: 3, ok: true }, { z: a, n: 4, ok: true })',
      walked: 'walked(a)',
      halves: 'halves(a)',
      updated: 'updated(a, k)',
    });
    expectClose(got['rows.z'] ?? NaN, [0, 4]);
    expectClose(got['rows.n'] ?? NaN, [5, 6]);
    expectClose(got['beyond.z'] ?? NaN, [
      [1, 2],
      [0, 2],
    ]);
    expectClose(got['beyond.x'] ?? NaN, [
      [1, 0],
      [0, 2],
    ]);
    expect([got['zeros.n'], got['zeros.x']]).toEqual([0, [0, 0]]);
    expect(flat(got['zeros.z'] ?? NaN)).toEqual([0, 0, 0, 0, 0, 0]);
    expectClose(got['pairs'] ?? NaN, 5 + 9 + 16);
    expectClose(got['walked'] ?? NaN, [-24, 12]);
    expectClose(got['halves'] ?? NaN, [4, -4]);
    expectClose(got['updated'] ?? NaN, [
      [0, 7],
      [0, 7],
      [0, 9],
    ]);
    expectClose(got['horner'] ?? NaN, [-3, 2]);
    expectClose(got['newton'] ?? NaN, [-0.5, Math.sqrt(0.75)]);
    expectClose(got['each'] ?? NaN, [
      [1, 0],
      [-0.5, -Math.sqrt(0.75)],
    ]);
    expectClose(got['put'] ?? NaN, [
      [1, 1],
      [0, 5],
      [3, 0],
    ]);
    expectClose(got['scattered'] ?? NaN, [
      [1, 6],
      [3, 0],
    ]);
    expect(got['sizes']).toBe(23);
    expectClose(got['yes'] ?? NaN, [1, 2]);
    expectClose(got['no'] ?? NaN, [2, 0]);
    expectClose(got['looped'] ?? NaN, [
      [1, 0],
      [0, 1],
      [-1, 0],
    ]);
    expectClose(got['record.a'] ?? NaN, [0, 2]);
    expect(got['record.b']).toBe(4);
    expectClose(got['flattened'] ?? NaN, [1, 2, 3]);
    expectClose(got['back.a'] ?? NaN, [1, 2]);
    expectClose(got['like'] ?? NaN, [
      [1, 0],
      [1, 0],
      [1, 0],
    ]);
    expect([got['parts.a'], got['parts.b']]).toEqual([1, 3]);
  });

  it('descend along the gradient in a run, as real pairs', async () => {
    const program = `precision f64
use std.optim { gd, adam, lbfgs }
param z: complex[2] = [1, 2i]
data target = [3 - 1i, 0.5i]
loss miss = sum(abs2(z - target))
`;
    for (const using of ['gd(lr: 0.25) steps 40', 'lbfgs() steps 10', 'adam(lr: 0.1) steps 400']) {
      const before = `minimize miss over z using ${using}`;
      const tolerance = using.startsWith('adam') ? 1e-3 : 1e-9;
      expect(await number(program, 'norm(z - target)', { before }), using).toBeLessThan(tolerance);
    }
  });
});
