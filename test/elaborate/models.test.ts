// Models and solves: forms of equations and states, what is saved, methods written by the user, gradients through solves under every policy.

import { describe, expect, it } from 'vitest';
import { codes, evaluate, expectClose, expectValues, flat, messages, number } from './support.ts';

const std = 'use std.ode { euler, heun, midpoint, rk4, ssprk3, leapfrog, verlet, yoshida4 }\n';
const decay = `${std}ode decay(k = 1.0) { state y = 1.0\n dt(y) = -k*y }\n`;

describe('ordinary differential equations', () => {
  it('of numbers, arrays, records of several states', async () => {
    await expectValues(
      `${decay}
ode oscillator { state q = 1.0, v = 0.0
  dt(q) = v
  dt(v) = -q }
ode matrix(A) { state x: real[2] = [1, 0]
  dt(x) = A @ x }
ode driven(w) { state x = 0.0
  let force = cos(w*t)
  dt(x) = force }
ode pair { state p = { a: 1.0, b: [1.0, 2.0] }
  dt(p) = -1.0*p }
let h = solve(oscillator, t: 0 .. pi, steps: 400, method: rk4)
let m = solve(matrix([[0.0, 1.0], [-1.0, 0.0]]), t: 0 .. pi, steps: 400, method: rk4)
`,
      [
        ['solve(decay, t: 0 .. 1, steps: 100, method: rk4).final.y', Math.exp(-1)],
        ['solve(decay(2), t: 0 .. 1, steps: 100, method: rk4).final.y', Math.exp(-2)],
        ['solve(decay(k: 3), t: 0 .. 1, dt: 0.01, method: rk4).final.y', Math.exp(-3)],
        ['h.final.q', -1],
        ['h.final.v', 0],
        ['m.final.x', [-1, 0]],
        ['solve(driven(2), t: 0 .. 1, steps: 100, method: rk4).final.x', Math.sin(2) / 2],
        ['solve(driven(2), t: 1 .. 0, steps: 100, method: rk4).final.x', (Math.sin(0) - Math.sin(2)) / 2],
        ['solve(decay, t: 0 .. 1, steps: 10, method: euler).final.y', 0.9 ** 10],
        ['solve(decay, t: 0 .. 1, steps: 10, method: euler, from: { y: 5 }).final.y', 5 * 0.9 ** 10],
        ['solve(decay, t: 0 .. 1, steps: 7, method: euler).steps', 7],
      ],
      { tolerance: 1e-6 },
    );
  });

  it('of a record as one state', async () => {
    const text = `${std}precision f64
ode pair { state p = { a: 1.0, b: [1.0, 2.0] }
  dt(p) = -1.0*p }`;
    const out = await evaluate(text, { p: 'solve(pair, t: 0 .. 1, steps: 100, method: rk4).final.p' });
    expectClose(flat(out['p.a'] ?? NaN), [Math.exp(-1)], 1e-6);
    expectClose(flat(out['p.b'] ?? NaN), [Math.exp(-1), 2 * Math.exp(-1)], 1e-6);
  });

  it('the rate may stand in a sum, with a factor, on either side', async () => {
    await expectValues(
      `${std}
param c = 2.0
ode a { state y = 1.0
  dt(y) + y = 0 }
ode b { state y = 1.0
  c*dt(y) = -y }
ode d { state y = 1.0
  -y = dt(y) }
ode e { state y = 1.0
  3*dt(y) - y = -4*y + dt(y) }
ode v { state y: real[2] = [1, 1]
  dt(y)/[1.0, 2.0] = -y }
ode two { state y = 1.0, z = 0.0
  y*dt(y) = -y^2
  dt(z) + 2*z = y }
`,
      [
        ['solve(a, t: 0 .. 1, steps: 50, method: rk4).final.y', Math.exp(-1)],
        ['solve(b, t: 0 .. 1, steps: 50, method: rk4).final.y', Math.exp(-0.5)],
        ['solve(d, t: 0 .. 1, steps: 50, method: rk4).final.y', Math.exp(-1)],
        ['solve(e, t: 0 .. 1, steps: 50, method: rk4).final.y', Math.exp(-1.5)],
        ['solve(v, t: 0 .. 1, steps: 50, method: rk4).final.y', [Math.exp(-1), Math.exp(-2)]],
        ['solve(two, t: 0 .. 1, steps: 50, method: rk4).final.z', Math.exp(-1) - Math.exp(-2)],
      ],
      { tolerance: 1e-6 },
    );
  });

  it('of second order have a rate as a state of its own', async () => {
    await expectValues(
      `${std}
ode spring(w) { state u = 1.0, dt(u) = 0.5
  dt(u, 2) = -w^2*u
  monitor energy = 0.5*dt(u)^2 + 0.5*w^2*u^2 }
ode damped { state u = 1.0
  dt(u, 2) + 2*dt(u) + u = 0 }
let s = solve(spring(2), t: 0 .. 1, steps: 200, method: leapfrog, save: every(steps: 50))
`,
      [
        ['s.final.u', Math.cos(2) + 0.25 * Math.sin(2)],
        ['s.energy.last/s.energy.first', 1],
        ['len(s.energy)', 5],
        [
          'solve(spring(2), t: 0 .. 1, steps: 200, method: yoshida4).final.u',
          Math.cos(2) + 0.25 * Math.sin(2),
        ],
        ['solve(damped, t: 0 .. 1, steps: 200, method: rk4).final.u', 2 / Math.E],
      ],
      { tolerance: 1e-4 },
    );
  });

  it('filters after a step and monitors', async () => {
    await expectValues(
      `${std}
ode fall { state y = 1.0
  dt(y) = -1
  after step { y = max(y, 0.25) }
  monitor double = 2*y
  monitor late = t }
ode wrap { state a = 0.0, n = 0.0
  dt(a) = 1
  dt(n) = 0
  after step { if a > 0.5 { a = a - 0.5; n += 1 } } }
let f = solve(fall, t: 0 .. 2, steps: 20, method: euler, save: every(steps: 10))
let w = solve(wrap, t: 0 .. 2.2, steps: 22, method: euler)
`,
      [
        ['f.y', [1, 0.25, 0.25]],
        ['f.double', [2, 0.5, 0.5]],
        ['f.late', [0, 1, 2]],
        ['f.final.double', 0.5],
        ['w.final.n', 4],
        ['w.final.a', 0.2],
      ],
      { tolerance: 1e-9 },
    );
  });
});

describe('what is saved', () => {
  const s = (save: string, steps = 10): string =>
    `solve(decay, t: 0 .. 1, steps: ${steps}, method: euler, save: ${save})`;
  const at = (k: number, steps = 10): number => (1 - 1 / steps) ** k;
  it('every n steps, every interval, at times, nothing', async () => {
    await expectValues(decay, [
      [`${s('every(steps: 5)')}.y`, [1, at(5), at(10)]],
      [`${s('every(steps: 5)')}.t`, [0, 0.5, 1]],
      [`${s('every(steps: 4)')}.y`, [1, at(4), at(8), at(10)]],
      [`${s('every(steps: 4)')}.t`, [0, 0.4, 0.8, 1]],
      [`${s('every(steps: 1)', 3)}.y`, [1, at(1, 3), at(2, 3), at(3, 3)]],
      [`${s('every(steps: 100)')}.y`, [1, at(10)]],
      [`${s('every(time: 0.5)')}.y`, [1, at(5), at(10)]],
      [`${s('every(time: 0.3)')}.t`, [0, 0.3, 0.6, 0.9, 1]],
      [`${s('times([0.2, 0.3, 1.0])')}.y`, [at(2), at(3), at(10)]],
      [`${s('times([0, 0.5])')}.y`, [1, at(5)]],
      [`${s('times([0, 0.5])')}.final.y`, at(10)],
      [`${s('times([1.0])')}.t`, [1]],
      [`${s('none')}.final.y`, at(10)],
      [`solve(decay, t: 0 .. 1, dt: 0.3, method: euler, save: every(steps: 1)).t`, [0, 0.25, 0.5, 0.75, 1]],
    ]);
  });

  it('is said when it was not asked for, or cannot be', () => {
    expect(messages(`${decay}let y = ${s('none')}.y`)).toContain('.final.y');
    expect(codes(`${decay}let y = ${s('every(time: -0.35)')}`)).toEqual(['E378']);
    expect(codes(`${decay}let y = ${s('times([0.25, 1.1])')}`)).toEqual(['E380']);
    expect(codes(`${decay}let y = ${s('times(0.25)')}`)).toEqual(['E379']);
    expect(codes(`${decay}let y = ${s('times([0.5, 0.2])')}`)).toEqual(['E381']);
    expect(codes(`${decay}let y = ${s('every(steps: 0)')}`)).toEqual(['E378']);
    expect(codes(`${decay}let y = ${s('3')}`)).toEqual(['E378']);
    expect(codes(`${decay}let y = ${s('every()')}`)).toEqual(['E378']);
  });
});

describe('times and steps', () => {
  it('may be run-time numbers when the number of steps is given', async () => {
    await expectValues(
      `${decay}
input T: real = 1.5
param a = 0.5
fn end(T) = solve(decay, t: 0 .. T, steps: 60, method: rk4).final.y
let p = solve(decay, t: a .. T, steps: 60, method: rk4, save: every(steps: 30))
`,
      [
        ['end(T)', Math.exp(-1.5)],
        ['gradient(end)(T)', -Math.exp(-1.5)],
        ['p.t', [0.5, 1, 1.5]],
        ['p.y.last', Math.exp(-1)],
        ['gradient(p.y.last, over: a)', Math.exp(-1)],
      ],
      { tolerance: 1e-6 },
    );
  });

  it('are checked', () => {
    const solve = (more: string): string[] =>
      codes(`${decay}input T: real = 1\nlet y = solve(decay, ${more})`);
    expect(solve('t: 0 .. 1, dt: 0.1, steps: 10, method: rk4')).toEqual(['E373']);
    expect(solve('t: 0 .. 1, steps: 0, method: rk4')).toEqual(['E374']);
    expect(solve('t: 0 .. 1, dt: 0, method: rk4')).toEqual(['E374']);
    expect(solve('t: 0 .. 0, dt: 0.1, method: rk4')).toEqual(['E374']);
    expect(solve('t: 0 .. T, dt: 0.1, method: rk4')).toEqual([]);
    expect(solve('t: 0 .. 1, dt: 0.1, method: rk4, limit: 9')).toEqual(['E384']);
    expect(solve('t: 1, dt: 0.1, method: rk4')).toEqual(['E372']);
    expect(solve('t: 0 .. 1, dt: 0.1')).toEqual(['E376']);
    expect(solve('t: 0 .. 1, dt: 0.1, method: 4')).toEqual(['E376']);
    expect(solve('dt: 0.1, method: rk4')).toEqual(['E175']);
    expect(solve('t: 0 .. 1, dt: 0.1, metod: rk4')).toEqual(['E173']);
    expect(solve('t: 0 .. 1, dt: 0.1, method: rk4, from: 3')).toEqual(['E346']);
    expect(solve('t: 0 .. 1, dt: 0.1, method: rk4, from: { z: 3 }')).toEqual(['E346']);
    expect(codes(`${decay}let y = solve(3, t: 0 .. 1, dt: 0.1, method: rk4)`)).toEqual(['E371']);
  });
});

describe('models that are not right', () => {
  const bad = (body: string, on = ''): string[] =>
    codes(
      `${std}domain line(n = 8) { x: 0 .. 1 cells n }\npde m${on} { ${body} }\nlet y = solve(m, t: 0 .. 1, steps: 2, method: euler)`,
    );
  it('are refused with a reason', () => {
    expect(bad('state y = 1.0')).toEqual(['E351']);
    expect(bad('state y = 1.0\ndt(y) = 1\ndt(y) = 2')).toEqual(['E350']);
    expect(bad('state y = 1.0\ndt(z) = 1\ndt(y) = 2')).toEqual(['E348']);
    expect(bad('state y = 1.0, y = 2.0\ndt(y) = 2')).toEqual(['E341']);
    expect(bad('state y = 1.0, z = 1.0\ndt(y) + dt(z) = 2\ndt(z) = 1')).toEqual(['E349']);
    expect(bad('state y = 1.0, dt(y) = 1.0\ndt(y) = 2')).toEqual(['E342']);
    expect(bad('let y = 1')).toEqual(['E343']);
    expect(bad('state y: scalar = 1\ndt(y) = 2')).toEqual(['E344']);
    expect(bad('state y: real\ndt(y) = 2')).toEqual(['E347']);
    expect(bad('state y = 1.0\ndt(y) - dt(y) = 2')).toEqual(['E354']);
    expect(bad('state y = 1.0\ndt(y) = dt(2*y)')).toEqual(['E352']);
    expect(bad('state y = 1.0\ndt(y) = y\nmonitor q = dt(y)')).toEqual(['E353']);
    expect(bad('state y = 1.0\ny = 2\ndt(y) = 1')).toEqual(['E090']);
    expect(bad('state y = 1.0\ndt(y, 3) = 1')).toEqual(['E090']);
    expect(bad('state y = 1.0\ndt(y) = [1.0, 2.0]')).toEqual(['E162']);
    expect(bad('state y = 1.0\ndt(y) = y\nboundary x.min { y = 0 }')).toEqual(['E360']);
    expect(bad('state y = 1.0\ndt(y) = y\nboundary z.min { y = 0 }', ' on line')).toEqual(['E361']);
    expect(bad('state y = 1.0\ndt(y) = y\nboundary x { y = 0 }', ' on line')).toEqual(['E361']);
    expect(bad('state y = 1.0\ndt(y) = y', ' on lime')).toEqual(['E176']);
  });
});

describe('methods', () => {
  it('have their declared order', async () => {
    const methods = ['euler', 'heun', 'midpoint', 'rk4', 'ssprk3', 'verlet', 'leapfrog', 'yoshida4'];
    const text = `${std}precision f64
use std.stats { order }
ode logistic { state y = 0.1
  dt(y) = y*(1 - y)*(1 + 0.5*sin(t)) }
ode pendulum { state q = 1.0, v = 0.3
  dt(q) = v
  dt(v) = -sin(q) + 0.1*cos(t) }
fn end(m, n) = solve(logistic, t: 0 .. 2, steps: n, method: m).final.y
fn swing(m, n) = solve(pendulum, t: 0 .. 2, steps: n, method: m).final.q
let fine = end(rk4, 4000)
let far = swing(rk4, 4000)
`;
    const out = await evaluate(text, {
      ...Object.fromEntries(
        methods
          .slice(0, 5)
          .map((m) => [m, `order([abs(end(${m}, n) - fine) for n in [16, 32, 64]]) - ${m}.order`]),
      ),
      ...Object.fromEntries(
        methods.map((m) => [
          `${m}_p`,
          `order([abs(swing(${m}, n) - far) for n in [16, 32, 64]]) - ${m}.order`,
        ]),
      ),
    });
    for (const [k, v] of Object.entries(out)) expect(Math.abs(flat(v)[0] ?? NaN), k).toBeLessThan(0.2);
  });

  it('written by the user: explicit, with memory, with internals', async () => {
    await expectValues(
      `${decay}
let ralston = explicit((f, t, y, h) => {
  let k1 = f(t, y)
  let k2 = f(t + 2/3*h, y + 2/3*h*k1)
  return y + h/4*(k1 + 3*k2)
}, order: 2)
let ab2 = { order: 2,
  init: (sys, t, y) => { f: sys.rhs(t, y) },
  step: (sys, k, y, mem) => {
    let f = sys.rhs(k.t, y)
    return { y: y + k.h*(1.5*f - 0.5*mem.f), mem: { f: f } }
  } }
let counter = { order: 1, init: (sys, t, y) => { n: 0 },
  step: (sys, k, y, mem) => { y: y + k.h*mem.n*sys.rhs(k.t, y), mem: { n: mem.n + 1 } } }
let indexed = { order: 1, step: (sys, k, y, mem) => { y: { y: y.y + k.i*k.t }, mem: mem } }
`,
      [
        ['solve(decay, t: 0 .. 1, steps: 100, method: ralston).final.y - exp(-1)', 0],
        ['solve(decay, t: 0 .. 1, steps: 100, method: ab2).final.y - exp(-1)', 0],
        ['solve(decay, t: 0 .. 3, steps: 3, method: counter).final.y', 0],
        ['solve(decay, t: 0 .. 3, steps: 3, method: indexed).final.y - (1 + 1 + 4)', 0],
      ],
      { tolerance: 1e-4 },
    );
    expect(
      codes(
        `${decay}let m = { order: 1, step: (sys, k, y, mem) => 3 }\nlet y = solve(decay, t: 0 .. 1, steps: 2, method: m)`,
      ),
    ).toEqual(['E370']);
    expect(
      codes(
        `${decay}let m = { order: 1, step: (sys, k, y, mem) => { x: y } }\nlet y = solve(decay, t: 0 .. 1, steps: 2, method: m)`,
      ),
    ).toEqual(['E370']);
    expect(codes(`${decay}let y = solve(decay, t: 0 .. 1, steps: 2, method: leapfrog)`)).toEqual(['E383']);
  });
});

describe('a model as a record of functions', () => {
  it('has initial, rhs and states', async () => {
    await expectValues(
      `${decay}
ode two(k) { state u = k, v = [1.0, 2.0]
  dt(u) = -u + t
  dt(v) = u*v }
let m = two(3)
`,
      [
        ['m.initial.u', 3],
        ['m.rhs(1, m.initial).u', -2],
        ['m.rhs(0, { u: 2, v: [1, 1] }).v', [2, 2]],
        ['len(m.states)', 2],
        ['decay.rhs(0, { y: 5.0 }).y', -5],
        ['gradient(y => m.rhs(0, y).u)({ u: 2.0, v: [1.0, 1.0] }).u', -1],
        ['jacobian(u => (m.rhs(0, { u: u, v: [1.0, 2.0] })).v)(2.0)', [1, 2]],
      ],
    );
  });
});

describe('gradients through solves', () => {
  const policies = [
    'auto',
    'store',
    'recompute',
    'checkpoint(memory: "100 B")',
    'checkpoint(memory: "1 MB")',
  ];
  it('are the same, bit for bit, under every policy', async () => {
    for (const save of ['none', 'every(steps: 7)', 'times([0.5, 1.5])']) {
      const pick = save === 'none' ? 'p.final.v' : 'sum(p.v) + sum(p.q^2) + p.final.q';
      const text = (adjoint: string): string => `${std}precision f64
param w = 1.3
ode pendulum(w, q0) { state q = q0, v = 0.0
  dt(q) = v
  dt(v) = -w^2*sin(q) }
fn l(x) { let p = solve(pendulum(x.w, x.q), t: 0 .. 2, steps: 40, method: rk4, save: ${save}, adjoint: ${adjoint})
  return ${pick} }
let g = gradient(l)({ w: w, q: 0.8 })
let d = 1e-6
let differences = (l({ w: w + d, q: 0.8 }) - l({ w: w - d, q: 0.8 }))/(2*d)
`;
      const results: number[][] = [];
      for (const p of policies) {
        const out = await evaluate(text(p), { w: 'g.w', q: 'g.q', d: 'differences' });
        expectClose(flat(out['w'] ?? NaN), flat(out['d'] ?? NaN), 1e-7);
        results.push([...flat(out['w'] ?? NaN), ...flat(out['q'] ?? NaN)]);
      }
      for (const r of results) expect(r).toEqual(results[0]);
    }
  });

  it('of second order agree with differences', async () => {
    const text = `${decay}precision f64
fn l(k) = solve(decay(k), t: 0 .. 1, steps: 20, method: heun).final.y^2
let d = 1e-5
`;
    const out = await evaluate(text, {
      h: 'gradient(gradient(l))(0.7)',
      d: '(gradient(l)(0.7 + d) - gradient(l)(0.7 - d))/(2*d)',
      v: 'hvp(l, 0.7, 1.0)',
    });
    expectClose(out['h'] ?? NaN, out['d'] ?? NaN, 1e-8);
    expectClose(out['v'] ?? NaN, out['h'] ?? NaN, 1e-12);
  });

  it('an unknown policy is refused', () => {
    const bad = (adjoint: string): string[] =>
      codes(`${decay}let y = solve(decay, t: 0 .. 1, steps: 2, method: rk4, adjoint: ${adjoint})`);
    expect(bad('checkpoint(memory: "lots")')).toEqual(['E377']);
    expect(bad('3')).toEqual(['E377']);
    expect(bad('none')).toEqual(['E377']);
    expect(bad('reversible')).toEqual(['E497']);
  });
});

describe('comprehensions of solves', () => {
  it('batch them', async () => {
    await expectValues(
      `${decay}
let ends = [solve(decay(k), t: 0 .. 1, steps: 20, method: rk4).final.y for k in linspace(1, 2, 3)]
let paths = [solve(decay(k), t: 0 .. 1, steps: 4, method: euler, save: every(steps: 2)).y for k in [1.0, 2.0]]
`,
      [
        ['ends', [Math.exp(-1), Math.exp(-1.5), Math.exp(-2)]],
        [
          'paths',
          [
            [1, 0.5625, 0.31640625],
            [1, 0.25, 0.0625],
          ],
        ],
      ],
      { tolerance: 1e-6 },
    );
    expect(
      await number(
        `${decay}precision f64`,
        'sum(solve(decay(k), t: 0 .. 1, steps: 2, method: euler).final.y for k in [0.0, 2.0])',
      ),
    ).toBe(1);
  });
});
