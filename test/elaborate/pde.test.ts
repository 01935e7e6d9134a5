// Partial differential equations as written in programs: kinds of states and walls, vectors, lumped states beside fields, forcing, monitors, sources, other grids.

import { describe, expect, it } from 'vitest';
import { codes, evaluate, expectValues, flat, messages } from './support.ts';

const std = 'use std.ode { euler, rk4, leapfrog }\n';
const line = `${std}domain line(n = 8) { x: 0 .. 1 cells n }\ndomain ring(n = 8) { x: 0 .. 1 cells n periodic }\n`;

describe('states', () => {
  it('scalars, vectors, lumped states beside fields', async () => {
    const out = await evaluate(
      `precision f64
${std}
domain box(n = 6) { x: 0 .. 1 cells n periodic; y: 0 .. 1 cells n periodic }
field bump(x, y) = sin(2*pi*x)*cos(2*pi*y)
pde mixed(k) on box {
  state T: scalar = bump, u: vector = (bump, 2*bump), s: real = 1.0, w: real[2] = [1, 2]
  let flux = k*grad(T)
  dt(T) = div(flux) + s
  dt(u) = lap(u) + grad(T)
  dt(s) = -integral(T)
  dt(w) = -w
  monitor mean_ = integral(T)
  monitor ux = u.x
}
let p = solve(mixed(0.01), t: 0 .. 0.01, steps: 4, method: rk4, save: every(steps: 2))
`,
      {
        T: 'p.T',
        u: 'p.u.y',
        s: 'p.s',
        w: 'p.w',
        m: 'p.mean_',
        ux: 'p.ux',
        f: 'p.final.u.x',
        final: 'p.final.T',
      },
    );
    expect(flat(out['T'] ?? []).length).toBe(3 * 36);
    expect(flat(out['u'] ?? []).length).toBe(3 * 36);
    expect(flat(out['s'] ?? []).length).toBe(3);
    expect(flat(out['w'] ?? []).length).toBe(6);
    // d/dt integral(T) = s, d/dt s = -integral(T): a circle.
    expect(flat(out['m'] ?? []).at(-1)).toBeCloseTo(Math.sin(0.01), 12);
    expect(flat(out['s'] ?? []).at(-1)).toBeCloseTo(Math.cos(0.01), 12);
    expect(flat(out['ux'] ?? []).slice(-36)).toEqual(flat(out['f'] ?? []));
    expect(flat(out['T'] ?? []).slice(-36)).toEqual(flat(out['final'] ?? []));
  });

  it('initial values: numbers, functions, coordinates, other states, arrays, from:, t', async () => {
    await expectValues(
      `${line}
param amplitude = 2.0
field f(x) = x^2
let table = grid(line, linspace(1, 8, 8))
pde a(start) on line { state u: scalar = start, v: scalar = 2*u, w: scalar = amplitude*x
  dt(u) = 0*u
  dt(v) = 0
  dt(w) = 0*x }
fn end(start) = solve(a(start), t: 0 .. 1, steps: 1, method: euler).final
fn from(y) = solve(a(1), t: 0 .. 1, steps: 1, method: euler, from: y).final
`,
      [
        ['values(end(3).u)[0]', 3],
        ['values(end(f).u)[0]', 0.0625 ** 2],
        ['values(end(f).v)[0]', 2 * 0.0625 ** 2],
        ['values(end(f).w)[7]', 2 * 0.9375],
        ['values(end(table).u)[7]', 8],
        ['values(end(f*2 + 1).u)[0]', 1 + 2 * 0.0625 ** 2],
        ['values(from({ u: f }).u)[0]', 0.0625 ** 2],
        ['values(from({ u: f }).v)[0]', 2 * 0.0625 ** 2],
        ['values(from({ v: table }).v)[3]', 4],
        ['gradient(sum(end(0).w), over: amplitude)', 4],
        ['values(end(linspace(1, 8, 8)).u)[7]', 8],
      ],
    );
    expect(
      codes(
        `${line}pde a on line { state u: scalar = [1.0, 2.0]\n dt(u) = 0 }\nlet e = solve(a, t: 0 .. 1, steps: 1, method: euler)`,
      ),
    ).toEqual(['E162']);
    expect(
      codes(
        `${line}field f(x, y) = x\npde a on line { state u: scalar = f\n dt(u) = 0 }\nlet e = solve(a, t: 0 .. 1, steps: 1, method: euler)`,
      ),
    ).toHaveLength(1);
    expect(
      codes(
        `${line}pde a on line { state u: vector = (1, 2)\n dt(u) = 0 }\nlet e = solve(a, t: 0 .. 1, steps: 1, method: euler)`,
      ),
    ).toEqual(['E160']);
  });

  it('follow the solve to another grid', async () => {
    await expectValues(
      `${line}
field f(x) = x
pde a on line { state u: scalar = f
  dt(u) = dxx(u)
  boundary x.min, x.max { dn(u) = 0 } }
pde fixed_ on line(4) { state u: scalar = f
  dt(u) = 0 }
let coarse = solve(a, on: line(3), t: 0 .. 0.01, steps: 1, method: euler, save: every(steps: 1))
`,
      [
        ['shape(coarse.u)', [2, 3]],
        ['len(solve(fixed_, t: 0 .. 1, steps: 1, method: euler).final.u)', 4],
        ['values(resample(coarse.final.u, on: line(6))).first < 0.2', 1],
      ],
    );
  });
});

describe('walls', () => {
  const model = (boundary: string, rhs = 'dxx(u)'): string =>
    `${line}field f(x) = x*(1 - x)\nparam h = 2.0\npde a on line { state u: scalar = f\n dt(u) = ${rhs}\n ${boundary} }\nlet p = solve(a, t: 0 .. 0.02, steps: 20, method: rk4, save: every(steps: 20))\n`;
  it('of every kind are differentiable in what stands in them', async () => {
    for (const [boundary, wall] of [
      ['boundary x.min, x.max { u = h*t }', 'trace(p.final.u, line.x.min) - h*0.02'],
      ['boundary x.min, x.max { dn(u) = h }', 'integral(p.final.u) - 1/6 - 2*h*0.02'],
      [
        'boundary x.min { u = 0 }\nboundary x.max { dn(u) + h*u = 0 }',
        'trace(dn(p.final.u) + h*p.final.u, line.x.max)',
      ],
      [
        'boundary x.min, x.max { h*dn(u) + u^3 = 0.1*cos(t) }',
        'trace(h*dn(p.final.u) + p.final.u^3, line.x.max) - 0.1*cos(0.02)',
      ],
    ] as const) {
      const out = await evaluate(
        `precision f64\n${model(boundary)}let d = 1e-5
let g = gradient(integral(p.final.u^2), over: h)
let fd = ((with h = h + d { return integral(p.final.u^2) }) - (with h = h - d { return integral(p.final.u^2) }))/(2*d)`,
        {
          wall,
          g: 'g',
          fd: 'fd',
        },
      );
      // The discrete 1/6 is off by h^2/12.
      expect(Math.abs(flat(out['wall'] ?? NaN)[0] ?? NaN), boundary).toBeLessThan(
        boundary.includes('dn(u) = h') ? 2e-3 : 1e-9,
      );
      expect(
        Math.abs((flat(out['g'] ?? NaN)[0] ?? NaN) - (flat(out['fd'] ?? NaN)[0] ?? NaN)),
        boundary,
      ).toBeLessThan(1e-9);
    }
  });

  it('of the second order in time, that let waves out', async () => {
    const out = await evaluate(
      `precision f64
${std}
domain line(n = 100) { x: 0 .. 1 cells n }
field bump(x) = exp(-200*(x - 0.5)^2)
pde wave on line { state u: scalar = bump
  dt(u, 2) = lap(u)
  boundary x.min, x.max { dn(u) = -dt(u) }
  monitor energy = 0.5*integral(dt(u)^2 + dx(u)^2) }
let p = solve(wave, t: 0 .. 1.2, steps: 300, method: rk4)`,
      { e: 'p.final.energy' },
    );
    expect(flat(out['e'] ?? NaN)[0]).toBeLessThan(1e-3);
  });

  it('that are missing, twice, on a periodic axis, or about nothing are said', () => {
    expect(codes(model(''))).toEqual(['E301']);
    expect(messages(model('boundary x.min { u = 0 }'))).toContain('x.max');
    expect(codes(model('boundary x.min, x.max { u = 0 }\nboundary x.max { dn(u) = 0 }'))).toEqual(['E302']);
    expect(codes(model('boundary x.min, x.max { x = 0 }'))).toEqual(['E304']);
    expect(
      codes(model('boundary x.min, x.max { u = 0 }', 'dxx(u)').replace('on line {', 'on ring {')),
    ).toEqual(['E303']);
    expect(codes(model('boundary x.min, x.max { u = 0 }\nboundary y.max { dn(u) = 0 }'))).toEqual(['E361']);
    expect(codes(model('boundary x.min, x.min { u = 0 }', '0*u'))).toEqual(['E302']);
  });
});

describe('terms', () => {
  it('sources, regions, time, parameters, integrals and probes in the equations', async () => {
    await expectValues(
      `${line}
region left on line = x < 0.5
param q = 3.0
pde a on line { state u: scalar = 0
  dt(u) = q*cos(t)*left_ + source(at: 0.3, 2)
  let left_ = where(left, 1, 0)
  boundary x.min, x.max { dn(u) = 0 }
  monitor total = integral(u)
  monitor part = integral(u, over: left)
  monitor there = probe(u, at: 0.3) }
let p = solve(a, t: 0 .. 1, steps: 50, method: rk4)
pde b on ring { state u: scalar = 1, c: scalar = 0
  dt(u) = -integral(u)*u + probe(u, at: 0.5) - u
  dt(c) = stir: (0.5*u) + decay: -c + u }
let r = solve(b, t: 0 .. 1, steps: 50, method: rk4)
`,
      [
        ['p.final.total', 1.5 * Math.sin(1) + 2],
        ['p.final.part', 1.5 * Math.sin(1) + 2],
        ['gradient(p.final.total, over: q)', 0.5 * Math.sin(1)],
        ['values(r.final.u)[3]', 0.5],
      ],
      { tolerance: 1e-7 },
    );
  });

  it('in conservation form on the left', async () => {
    await expectValues(
      `${line}
field wave(x) = 1 + 0.1*sin(2*pi*x)
pde burgers(nu) on ring { state u: scalar = wave
  dt(u) + dx(u^2/2) = nu*dxx(u)
  monitor m = integral(u) }
pde same(nu) on ring { state u: scalar = wave
  dt(u) = -dx(u^2/2) + nu*dxx(u) }
let a = solve(burgers(0.01), t: 0 .. 0.1, steps: 20, method: rk4)
let b = solve(same(0.01), t: 0 .. 0.1, steps: 20, method: rk4)
`,
      [
        ['a.final.m', 1],
        ['max(abs(a.final.u - b.final.u))', 0],
      ],
      { tolerance: 1e-12 },
    );
  });

  it('that are no fields of this grid are refused', () => {
    const bad = (rhs: string): string[] =>
      codes(
        `${line}let other = resample(1, on: line(5))\npde a on ring { state u: scalar = 0\n dt(u) = ${rhs} }\nlet p = solve(a, t: 0 .. 1, steps: 1, method: euler)`,
      );
    expect(bad('other')).toEqual(['E130']);
    expect(bad('[1.0, 2.0]')).toEqual(['E162']);
    expect(bad('(u, u)')).toHaveLength(1);
    expect(bad('dn(u)')).toEqual(['E311']);
    expect(bad('dz(u)')).toEqual(['E305']);
    expect(bad('u > 0')).toHaveLength(1);
    expect(bad('"a"')).toHaveLength(1);
  });

  it('with the rate inside a derivative, coupled or squared are refused', () => {
    const bad = (equation: string): string[] =>
      codes(
        `${line}pde a on ring { state u: scalar = 1\n ${equation} }\nlet p = solve(a, t: 0 .. 1, steps: 1, method: euler)`,
      );
    expect(bad('dt(u) - dxx(dt(u)) = u')).toEqual(['E090']);
    expect(bad('dt(u)^2 = u')).toEqual(['E356']);
    expect(bad('dt(u) + integral(dt(u)) = u')).toEqual(['E090']);
    expect(bad('dt(u) - dt(u) = u')).toEqual(['E354']);
  });
});
