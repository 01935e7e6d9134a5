// Complex states: on a domain, with walls, in vectors, lumped; equations that mix the parts of a rate; complex functions of coordinates. Each against the same model written with real states, or a formula.

import { describe, expect, it } from 'vitest';
import { evaluate, expectClose, flat, messages, value } from './support.ts';

const head = 'precision f64\nuse std.ode { rk4 }\n';

describe('complex states', () => {
  it('of an ode turn', async () => {
    const got = await evaluate(
      `${head}ode turning(w) { state z = 1 + 0i, s: complex[2] = 1i
  dt(z) = 1i*w*z
  dt(s) = [z, -1i*w*s[1]] }
let end = solve(turning(2.0), t: 0 .. 1, method: rk4, steps: 200)
`,
      {
        z: 'end.final.z',
        s: 'end.final.s',
        slope: 'gradient(w => re(solve(turning(w), t: 0 .. 1, method: rk4, steps: 200).final.z))(2.0)',
      },
    );
    expectClose(got['z'] ?? NaN, [Math.cos(2), Math.sin(2)], 1e-9);
    expectClose(got['s'] ?? NaN, [[Math.sin(2) / 2, 1 + (1 - Math.cos(2)) / 2], [Math.sin(2), Math.cos(2)]], 1e-9); // prettier-ignore
    expectClose(got['slope'] ?? NaN, -Math.sin(2), 1e-9);
  });

  it('on a domain are what two real ones are, walls included', async () => {
    const got = await evaluate(
      `${head}domain box { x: 0 .. 1 cells 20 }
pde wave(k) on box {
  state psi: complex scalar = exp(2i*x)
  1i*dt(psi) + 0.3*dt(psi) = -0.5*dxx(psi) + abs2(psi)*psi
  boundary x.min { psi = 1 + 0.5i*t }
  boundary x.max { dn(psi) = 1i*k*psi }
  monitor mass = integral(abs2(psi))
}
pde pair(k) on box {
  state u: scalar = cos(2*x), v: scalar = sin(2*x)
  let n = u^2 + v^2
  dt(u) = (0.3*(-0.5*dxx(u) + n*u) + (-0.5*dxx(v) + n*v))/1.09
  dt(v) = (0.3*(-0.5*dxx(v) + n*v) - (-0.5*dxx(u) + n*u))/1.09
  boundary x.min { u = 1;  v = 0.5*t }
  boundary x.max { dn(u) = -k*v;  dn(v) = k*u }
  monitor mass = integral(u^2 + v^2)
}
let a = solve(wave(2.0), t: 0 .. 0.05, method: rk4, steps: 100, save: every(steps: 50))
let b = solve(pair(2.0), t: 0 .. 0.05, method: rk4, steps: 100, save: every(steps: 50))
`,
      {
        difference: 'norm(a.psi - complex(b.u, b.v))',
        size: 'norm(a.psi)',
        mass: 'norm(a.mass - b.mass)',
        shape: 'shape(a.psi)',
        probed: 'a.final.psi(0.3) - complex(b.final.u(0.3), b.final.v(0.3))',
        slopes:
          'gradient(k => solve(wave(k), t: 0 .. 0.05, method: rk4, steps: 100).final.mass)(2.0) - gradient(k => solve(pair(k), t: 0 .. 0.05, method: rk4, steps: 100).final.mass)(2.0)',
      },
    );
    expect(Math.abs(flat(got['difference'] ?? NaN)[0] ?? NaN)).toBeLessThan(1e-12);
    expect(flat(got['size'] ?? NaN)[0]).toBeGreaterThan(1);
    expectClose(got['shape'] ?? NaN, [3, 20]);
    for (const name of ['mass', 'probed', 'slopes'])
      for (const x of flat(got[name] ?? NaN)) expect(Math.abs(x), name).toBeLessThan(1e-11);
  });

  it('may be vectors and of second order', async () => {
    const got = await evaluate(
      `${head}domain ring { x: 0 .. 2*pi cells 16 periodic; y: 0 .. 2*pi cells 16 periodic }
pde mixed on ring {
  state A: complex vector = (exp(1i*x), 1i*sin(y)), u: complex scalar = exp(1i*(x + y)), dt(u) = 1i*exp(1i*(x + y))
  dt(A) = 1i*lap(A)
  dt(u, 2) = lap(u)
}
let end = solve(mixed, t: 0 .. 0.3, method: rk4, steps: 40)
const d = (2 - 2*cos(2*pi/16))/(2*pi/16)^2
`,
      {
        A: 'norm(values(end.final.A.x) - exp(-0.3i*d)*values(resample(exp(1i*ring.x), on: ring)))',
        B: 'norm(values(end.final.A.y) - 1i*exp(-0.3i*d)*values(resample(complex(sin(ring.y)), on: ring)))',
        u: 'norm(values(end.final.u) - (cos(0.3*sqrt(2*d)) + 1i*sin(0.3*sqrt(2*d))/sqrt(2*d))*values(resample(exp(1i*(ring.x + ring.y)), on: ring)))',
      },
    );
    for (const [name, v] of Object.entries(got)) expect(flat(v)[0], name).toBeLessThan(1e-7);
  });

  it('are declared: a real state does not become complex', () => {
    const text =
      'domain line { x: 0 .. 1 cells 8 periodic }\nuse std.ode { rk4 }\npde m on line { state u: scalar = exp(1i*x)\n dt(u) = 0 }\nlet s = solve(m, t: 0 .. 1, method: rk4, steps: 2)';
    expect(messages(text)).toContain('the state `u` takes real numbers');
  });
});

describe('complex functions of coordinates', () => {
  it('are called, combined and put on grids', async () => {
    const program = `precision f64
domain ring { x: 0 .. 2*pi cells 8 periodic }
field wave(x, k) = exp(1i*k*x)
field plane(x) = wave(x, 2.0)*(1 + 1i)
field sums(x) = sum(exp(1i*k*x) for k in 0..3)
`;
    const got = await evaluate(program, {
      number: 'wave(0.5, 2.0)',
      points: 'plane([0.1, 0.2])',
      sums: 'sums([0.0, 0.5])',
      whole: 'abs(integral(resample(plane, on: ring)))',
      derivative:
        'norm(values(dx(resample(sin(ring.x), on: ring)*1i)) - 1i*values(dx(resample(sin(ring.x), on: ring))))',
      squared: '(plane*conj(plane))(0.3)',
    });
    expectClose(got['number'] ?? NaN, [Math.cos(1), Math.sin(1)]);
    const turned = (a: number): number[] => [Math.cos(a) - Math.sin(a), Math.cos(a) + Math.sin(a)];
    expectClose(got['points'] ?? NaN, [turned(0.2), turned(0.4)]);
    expectClose(got['sums'] ?? NaN, [
      [3, 0],
      [1 + Math.cos(0.5) + Math.cos(1), Math.sin(0.5) + Math.sin(1)],
    ]);
    expectClose(got['squared'] ?? NaN, [2, 0]);
    for (const name of ['whole', 'derivative']) expect(flat(got[name] ?? NaN)[0], name).toBeLessThan(1e-12);
  });

  it('of parameters are differentiated', async () => {
    const text =
      'precision f64\nparam k: complex = 1 + 1i\ndomain line { x: 0 .. 1 cells 50 }\nfield f(x) = exp(k*x)\nloss l = integral(abs2(resample(f, on: line)))\n';
    // |exp(kx)|^2 = exp(2 re(k) x): the gradient is real.
    const h = 1 / 50;
    const exact = Array.from({ length: 50 }, (_, i) => (i + 0.5) * h).reduce((s, x) => s + h * 2 * x * Math.exp(2 * x), 0); // prettier-ignore
    expectClose(await value(text, 'gradient(l, over: k)'), [exact, 0], 1e-10);
  });
});

describe('zero times a complex vector', () => {
  const text = `precision f64
use std.ode { tsit5, adams_bashforth, bdf }
param w: real = 2.0
ode rabi { state v: complex[2] = [1 + 0i, 0i]
  dt(v) = -1i*w*[v[1], v[0]] }`;
  it('has its shape, so that methods remember rates of complex states', async () => {
    expect(await value(text, 'shape(0.0*[1 + 0i, w*1i])[0]')).toBe(2);
    for (const method of ['adams_bashforth(order: 3)']) {
      const end = `abs(solve(rabi, t: 0 .. 1, steps: 60, method: ${method}).final.v[1] + 1i*sin(2.0))`;
      expect(Number(await value(text, end))).toBeLessThan(1e-3);
    }
    const saved =
      'abs(solve(rabi, t: 0 .. 1, method: tsit5, rtol: 1e-6, save: times([0.5])).v[0, 0] - cos(1.0))';
    expect(Number(await value(text, saved))).toBeLessThan(1e-4);
  });
});
