// Derivatives as functions: of numbers, arrays, records; nested; against formulas written down by hand and against differences.

import { describe, expect, it } from 'vitest';
import { codes, evaluate, expectValues, flat, messages } from './support.ts';

describe('gradient', () => {
  it('of numbers, arrays, records', async () => {
    await expectValues(
      `
input a: real = 2
param k = 3.0
let v = [1.0, 2.0, 3.0]
fn cube(x) = x^3
fn f(p) = p.a*sum(p.b^2)
`,
      [
        ['gradient(cube)(2)', 12],
        ['gradient(cube)(a)', 12],
        ['gradient(x => sum(x^2))(v)', [2, 4, 6]],
        ['gradient(f)({ a: 2.0, b: v }).a', 14],
        ['gradient(f)({ a: 2.0, b: v }).b', [4, 8, 12]],
        ['gradient(p => p[0]*p[1])((3.0, 4.0))', [4, 3]],
        ['gradient(q => f({ a: q.w, b: [q.x, q.x] }))({ w: 2.0, x: 3.0 }).x', 24],
        ['gradient(x => 5)(a)', 0],
        ['gradient(x => x*stop_gradient(x))(3.0)', 3],
        ['gradient(x => if x > 1 then x^2 else 7*x)(a)', 4],
        ['gradient(x => where(x > 1.5, x^2, 0))(a)', 4],
        ['gradient(x => max(x, 0))(a) + gradient(x => max(x, 0))(-a)', 1],
        ['gradient(x => abs(x))(-a)', -1],
        ['gradient(x => sqrt(x))(0.0)', 0],
        ['gradient(x => norm(x))([0.0, 0.0])', [0, 0]],
        ['gradient(x => norm(x))([3.0, 4.0])', [0.6, 0.8]],
        ['gradient(x => x[1]*x.last)(v)', [0, 3, 2]],
        ['gradient(x => logsumexp(x))([0.0, 0.0])', [0.5, 0.5]],
        ['gradient(x => sum(exp(x) @ v))([0.0, 0.0, 0.0])', [1, 2, 3]],
        ['gradient(x => sum([[x, 1], [2, x]] @ [x, 3.0]))(2.0)', 9],
        ['gradient(n => n.x)({ x: 2.0, n: 3 }).n', 0],
      ],
    );
  });

  it('of values over parameters', async () => {
    await expectValues(
      `
param k = 3.0
param q = { a: 1.0, b: [2.0, 3.0] }
let e = k^2*q.a
loss l = e + sum(q.b^2)
`,
      [
        ['gradient(l, over: k)', 6],
        ['gradient(e, over: q).a', 9],
        ['gradient(l, over: q).b', [4, 6]],
        ['gradient(k*gradient(l, over: k), over: k)', 12],
        ['gradient(1.0*q.a, over: k)', 0],
      ],
    );
    expect(codes('fn f(x) = x\nparam k = 1.0\nlet y = gradient(f, over: k)')).toEqual(['E274']);
  });

  it('of bounded parameters is in the value, not in the free coordinate', async () => {
    await expectValues('param k = 2.0 in 1 .. 5\nloss l = k^3', [['gradient(l, over: k)', 12]], {
      tolerance: 1e-9,
    });
  });

  it('of parameters whose values are computed, from free numbers or by `with`', async () => {
    await expectValues(
      `
param s = 1.5
param k: real[3] = [0.5, 1.0, 2.0]
param low = 1.0 in 0.1 .. 10
param steps: real[4] = [0.0, 0.2, 0.5, 1.0] via increasing(0.0, 1.0)
loss l = 2*s^2 + sum(k[0..2]) + s*k[2]
loss m = low^2 + max([low for i in 0..3]) + prod([low for i in 0..3, j in 0..2]) + steps[2]^2 + sum(steps[1..3])
fn before() { let y = m; return gradient(y + low, over: low) }
`,
      [
        ['gradient(m, over: low)', 9],
        ['gradient(m, over: { a: steps, b: low }).a[0..2]', [0, 1]],
        ['gradient(m, over: steps)[2] - 2*steps[2]', 1],
        ['gradient(m, over: steps)[1]', 1],
        ['before()', 10],
        ['with s = 2.0 { return gradient(l, over: s) }', 10],
        ['with k = [s, s, s] { return gradient(l, over: k) }', [1, 1, 1.5]],
        ['with k = [s, 2*s, 3*s] { return gradient(l, over: k) }', [1, 1, 1.5]],
        ['with k[0] = s, k[1..3] = [2*s, 3*s] { return gradient(l, over: k) }', [1, 1, 1.5]],
        ['with k = reverse(k) { return gradient(l, over: k) }', [1, 1, 1.5]],
        ['gradient(x => with k = [x, x, x] { return gradient(s^2*sum(k^2), over: k)[0] })(3.0)', 4.5],
      ],
    );
  });

  it('is refused where there is none', () => {
    expect(codes('let g = gradient(x => [x, x])(1.0)')).toEqual(['E271']);
    expect(codes('let g = gradient(x => x)({ n: 1 })')).toEqual(['E270']);
    expect(codes('let g = gradient(3)')).toEqual(['E274']);
    expect(messages('param k = 1.0\nloss l = k^2\nlet g = gradient(l)')).toContain(
      'gradient(misfit, over: k)',
    );
    expect(codes('let g = jvp(x => x, [1.0, 2.0], [1.0, 2.0, 3.0])')).toEqual(['E272']);
    expect(codes('let g = jvp(x => x.a, { a: 1.0, b: 2.0 }, 1.0)')).toEqual(['E272']);
  });
});

describe('the others', () => {
  it('jvp, vjp, hvp, jacobian, hessian, value_and_gradient', async () => {
    await expectValues(
      `
let v = [1.0, 2.0]
fn f(x: real[n]) = [x[0]*x[1], x[0]^2, sin(x[1])]
fn s(x: real[n]) = x[0]^3*x[1]^2
let pulled = vjp(f, v)
let both = value_and_gradient(s)(v)
`,
      [
        ['jvp(f, v, [1.0, 10.0])', [2 + 10, 2, 10 * Math.cos(2)]],
        ['pulled.value', [2, 1, Math.sin(2)]],
        ['(pulled.pull)([1.0, 1.0, 1.0])', [4, 1 + Math.cos(2)]],
        [
          'jacobian(f)(v)',
          [
            [2, 1],
            [2, 0],
            [0, Math.cos(2)],
          ],
        ],
        [
          'jacobian(x => x[0]*x)(v)',
          [
            [2, 0],
            [2, 1],
          ],
        ],
        ['jacobian(x => sum(x^2))(v)', [2, 4]],
        ['jacobian(x => [x, x^2])(3.0)', [1, 6]],
        [
          'hessian(s)(v)',
          [
            [24, 12],
            [12, 2],
          ],
        ],
        ['hvp(s, v, [1.0, 1.0])', [36, 14]],
        ['both.value', 4],
        ['both.gradient', [12, 4]],
        ['jvp(p => p.a*p.b, { a: 2.0, b: 3.0 }, { a: 1.0, b: 10.0 })', 23],
        ['jvp(x => { a: x, b: x^2 }, 3.0, 1.0).b', 6],
        ['jvp(x => x^2, 3, 1)', 6],
      ],
    );
  });

  it('nest in any order', async () => {
    await expectValues(
      `
fn f(x) = x^4
fn g(x) = sin(x)*exp(x)
fn h(x, y) = x^2*y^3
input a: real = 0.7
`,
      [
        ['gradient(gradient(f))(2.0)', 48],
        ['gradient(gradient(gradient(f)))(2.0)', 48],
        ['gradient(gradient(gradient(gradient(f))))(2.0)', 24],
        ['jvp(gradient(f), 2.0, 1.0)', 48],
        ['gradient(x => jvp(f, x, 1.0))(2.0)', 48],
        ['jvp(x => jvp(f, x, 1.0), 2.0, 1.0)', 48],
        ['gradient(gradient(g))(a)', 2 * Math.cos(0.7) * Math.exp(0.7)],
        ['gradient(x => gradient(y => h(x, y))(x))(2.0)', 96],
        ['gradient(x => (vjp(f, x).pull)(1.0))(2.0)', 48],
        [
          'hessian(x => sum(x^3))([1.0, 2.0])',
          [
            [6, 0],
            [0, 12],
          ],
        ],
        ['gradient(x => sum(hessian(y => sum(y^4))(x)))([1.0, 2.0])', [24, 48]],
        ['gradient(x => hvp(y => y^4, x, 1.0))(2.0)', 48],
      ],
    );
  });

  it('pass through loops, choices and scatters', async () => {
    await expectValues(
      `
fn logistic(r) {
  var x = 0.3
  for i in 0..20 { x = r*x*(1 - x) }
  return x
}
fn histogram(x: real[n]) {
  var h = zeros([3])
  h[int(x[p])] += x[p]^2 for p in 0..n
  return sum(h*[1.0, 10.0, 100.0])
}
fn collected(x) {
  var s = x
  let ys = for i in 0..5 { s = s*x; yield s }
  return sum(ys)
}
fn solve_(x) {
  var y = 1.0
  while abs(y^3 - x) > 1e-13 limit 60 { y = y - (y^3 - x)/(3*y^2) }
  return y
}
let d = 1e-6
`,
      [
        ['gradient(logistic)(3.1) - (logistic(3.1 + d) - logistic(3.1 - d))/(2*d)', 0],
        ['jvp(logistic, 3.1, 1.0) - gradient(logistic)(3.1)', 0],
        [
          'gradient(gradient(logistic))(3.1) - (gradient(logistic)(3.1 + d) - gradient(logistic)(3.1 - d))/(2*d)',
          0,
        ],
        ['gradient(histogram)([0.5, 1.5, 1.2, 2.5])', [1, 30, 24, 500]],
        ['gradient(collected)(2.0)', 2 * 2 + 3 * 4 + 4 * 8 + 5 * 16 + 6 * 32],
        ['gradient(solve_)(8.0)', 1 / 12],
        ['jvp(solve_, 8.0, 1.0)', 1 / 12],
      ],
      { tolerance: 1e-6 },
    );
  });

  it('are the gradients that differences show, for every elementary function', async () => {
    const names = [
      'exp expm1 log log1p sin cos tan atan sinh cosh tanh sqrt',
      'sigmoid softplus silu gelu relu abs',
    ].flatMap((line) => line.split(' '));
    const inside = ['asin', 'acos'];
    const table = [...names.map((n) => [n, 0.8] as const), ...inside.map((n) => [n, 0.3] as const)];
    const out = await evaluate(
      'precision f64\ninput d: real = 1e-5\ninput x0: real = 0.8\ninput x1: real = 0.3',
      {
        ...Object.fromEntries(
          table.flatMap(([n, x]) => {
            const at = x === 0.8 ? 'x0' : 'x1';
            return [
              [`${n}_g`, `gradient(x => ${n}(x))(${at})`],
              [`${n}_d`, `(${n}(${at} + d) - ${n}(${at} - d))/(2*d)`],
            ];
          }),
        ),
      },
    );
    for (const [n] of table) {
      const [g] = flat(out[`${n}_g`] ?? NaN);
      const [d] = flat(out[`${n}_d`] ?? NaN);
      expect(Math.abs((g ?? NaN) - (d ?? NaN)), n).toBeLessThan(1e-8);
    }
  });
});

describe('matrices of records', () => {
  it('have the structure of the value, and in it that of the point', () =>
    expectValues(
      `fn f(q) = { u: q.a*q.b, v: (sum(q.a^2), q.b^2) }
       fn e(q) = q.a[0]*q.a[1]^2*q.b^3
       let p = { a: [1.0, 2.0], b: 3.0, n: 4 }
       let J = jacobian(f)(p)
       let H = hessian(e)(p)
       # along a direction it is what forward mode says
       let d = { a: [0.3, -0.7], b: 1.1 }
       let along = jvp(f, { a: p.a, b: p.b }, d)`,
      [
        [
          'J.u.a',
          [
            [3, 0],
            [0, 3],
          ],
        ],
        ['J.u.b', [1, 2]],
        ['J.v[0].a', [2, 4]],
        ['J.v[1].b', 6],
        ['J.u.n', [0, 0]],
        ['J.u.a @ d.a + J.u.b*d.b - along.u', [0, 0]],
        ['dot(J.v[0].a, d.a) + J.v[0].b*d.b - along.v[0]', 0],
        [
          'H.a.a',
          [
            [0, 108],
            [108, 54],
          ],
        ],
        ['H.a.b - H.b.a', [0, 0]],
        ['H.b.a', [108, 108]],
        ['H.b.b', 72],
        ['jacobian(x => { s: x^2, t: sum(x) })([1.0, 2.0]).t', [1, 1]],
        ['gradient(f => sum(jacobian(x => { s: f*x^2 })([1.0, 2.0]).s))(3.0)', 6],
      ],
    ));

  it('of networks, and of functions of several arguments by the first', () =>
    expectValues(
      `layer quadratic(n) { param c: real[n] = 2
         call(x) = [dot(c, x^2), sum(x)] }
       network net = quadratic(2)
       fn f(x, k, shift = 1.0) = k*sum(x^3) + shift`,
      [
        [
          'jacobian(net)([1.0, 3.0])',
          [
            [4, 12],
            [1, 1],
          ],
        ],
        ['gradient(f)([1.0, 2.0], 5.0)', [15, 60]],
        ['value_and_gradient(f)(2.0, 5.0, shift: 7.0).value', 47],
        ['jacobian((x, k) => k*x)([1.0, 2.0], 3.0)[1]', [0, 3]],
        ['hessian(f)(2.0, 5.0)', 60],
        ['gradient(gradient(f))(2.0, 5.0)', 60],
      ],
    ));
});
