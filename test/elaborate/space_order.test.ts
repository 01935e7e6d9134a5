// Second-order convergence in space, through the language: manufactured solutions of diffusion, advection and waves in one, two and three dimensions, for every kind of wall, by cells and by nodes.

import { describe, expect, it } from 'vitest';
import { evaluate, flat } from './support.ts';

const names = ['x', 'y', 'z'];

/** A product of waves without symmetry about any wall, decaying in time, and what it is the solution of. */
function manufactured(dimension: number): {
  exact: string;
  gradient: string;
  forcing: string;
  fieldAt: (t: string) => string;
} {
  const used = names.slice(0, dimension);
  const wave = (v: string): string => `sin(1.3*${v} + 0.4)`;
  const slope = (v: string): string => `1.3*cos(1.3*${v} + 0.4)`;
  const product = (t: string): string => `exp(-${t})*${used.map(wave).join('*')}`;
  return {
    exact: product('t'),
    gradient: `(${used.map((v) => `exp(-t)*${used.map((w) => (w === v ? slope(w) : wave(w))).join('*')}`).join(', ')}${dimension === 1 ? ',' : ''})`,
    forcing: `(${dimension}*1.69 - 1)*exact`,
    fieldAt: (t) => product(t),
  };
}

interface Case {
  readonly name: string;
  readonly axis: (name: string) => string;
  readonly condition: string;
}

const dirichlet = 'u = exact';
const neumann = 'dn(u) = slope';
const robin = 'dn(u) + 2*u = slope + 2*exact';
const nonlinear = 'dn(u) + u^3 = slope + exact^3';
const cells = (n: string): string => `${n}: 0 .. 1 cells n`;
const nodes = (n: string): string => `${n}: 0 .. 1 nodes n + 1`;

const cases: readonly Case[] = [
  { name: 'Dirichlet, cells', axis: cells, condition: dirichlet },
  { name: 'Neumann, cells', axis: cells, condition: neumann },
  { name: 'Robin, cells', axis: cells, condition: robin },
  { name: 'nonlinear, cells', axis: cells, condition: nonlinear },
  { name: 'Dirichlet, nodes', axis: nodes, condition: dirichlet },
  { name: 'Neumann, nodes', axis: nodes, condition: neumann },
  { name: 'Robin, nodes', axis: nodes, condition: robin },
  { name: 'nonlinear, nodes', axis: nodes, condition: nonlinear },
];

/** The observed order of the largest error of a program with a model `m`, an end time `T` and the exact solution as field `end`. */
async function observed(
  text: string,
  resolutions: readonly number[],
  steps: (n: number) => number,
): Promise<number> {
  const out = await evaluate(
    `precision f64\nuse std.ode { rk4 }\n${text}`,
    Object.fromEntries(
      resolutions.map((n) => [
        `e${n}`,
        `max(abs(solve(m, on: box(${n}), t: 0 .. T, steps: ${steps(n)}, method: rk4).final.u - end))`,
      ]),
    ),
    { verify: false },
  );
  const errors = resolutions.map((n) => flat(out[`e${n}`] ?? NaN)[0] ?? NaN);
  const [first, last] = [errors[0] ?? NaN, errors.at(-1) ?? NaN];
  expect(last).toBeGreaterThan(0);
  return Math.log(first / last) / Math.log((resolutions.at(-1) ?? 1) / (resolutions[0] ?? 1));
}

describe.each([1, 2, 3])('diffusion in %i dimensions', (dimension) => {
  const used = names.slice(0, dimension);
  const { exact, gradient, forcing, fieldAt } = manufactured(dimension);
  const resolutions =
    [
      [16, 32, 64],
      [8, 16, 24],
      [4, 8, 12],
    ][dimension - 1] ?? [];
  it.each(cases)('$name', async ({ axis, condition }) => {
    const slope = dimension === 1 ? `normal.x*${gradient.slice(1, -2)}` : `dot(normal, ${gradient})`;
    const text = `
const T = 0.05
domain box(n) { ${used.map(axis).join('; ')} }
field start(${used.join(', ')}) = ${fieldAt('0')}
field end(${used.join(', ')}) = ${fieldAt('T')}
pde m on box(4) {
  state u: scalar = start
  let exact = ${exact}
  dt(u) = lap(u) + ${forcing}
  boundary ${used.flatMap((v) => [`${v}.min`, `${v}.max`]).join(', ')} { ${condition.replaceAll('slope', `(${slope})`)} }
}
`;
    const order = await observed(text, resolutions, (n) =>
      Math.max(2, Math.ceil(0.05 * dimension * 2 * n * n)),
    );
    expect(order).toBeGreaterThan(1.75);
    expect(order).toBeLessThan(2.7);
  });
});

describe('other equations', () => {
  it('periodic advection and diffusion, one to three dimensions', async () => {
    for (const dimension of [1, 2, 3]) {
      const used = names.slice(0, dimension);
      const phase = used.map((v) => `2*pi*${v}`).join(' + ');
      const text = `
const T = 0.1
domain box(n) { ${used.map((v) => `${v}: 0 .. 1 cells n periodic`).join('; ')} }
field start(${used.join(', ')}) = sin(${phase})
field end(${used.join(', ')}) = exp(-0.01*${dimension}*4*pi^2*T)*sin(${phase} - 2*pi*T)
pde m on box(4) {
  state u: scalar = start
  dt(u) + dx(u) = 0.01*lap(u)
}
`;
      const order = await observed(text, dimension === 3 ? [8, 16] : [16, 32, 64], (n) => 2 * n);
      expect(order, `${dimension}`).toBeGreaterThan(1.85);
      expect(order, `${dimension}`).toBeLessThan(2.2);
    }
  });

  it('a coefficient that varies, in conservative form, with different kinds of wall', async () => {
    // u = exp(-t) sin(1.3x + 0.4), k = 1 + x^2/2
    const text = `
const T = 0.05
domain box(n) { x: 0 .. 1 cells n }
field start(x) = sin(1.3*x + 0.4)
field end(x) = exp(-T)*sin(1.3*x + 0.4)
field k(x) = 1 + x^2/2
pde m on box(4) {
  state u: scalar = start
  let exact = exp(-t)*sin(1.3*x + 0.4)
  let slope = exp(-t)*1.3*cos(1.3*x + 0.4)
  dt(u) = div(k*grad(u)) - exact - x*slope + (1 + x^2/2)*1.69*exact
  boundary x.min { u = exact }
  boundary x.max { dn(u) = slope }
}
`;
    const order = await observed(text, [16, 32, 64], (n) => Math.ceil(0.15 * n * n));
    expect(order).toBeGreaterThan(1.9);
    expect(order).toBeLessThan(2.3);
  });

  it('waves between a wall that is held and one that is free', async () => {
    // u = sin(pi x/2) cos(pi t/2)
    const text = `
const T = 0.7
domain box(n) { x: 0 .. 1 cells n }
field start(x) = sin(pi*x/2)
field end(x) = cos(pi*T/2)*sin(pi*x/2)
pde m on box(4) {
  state u: scalar = start, dt(u) = 0
  dt(u, 2) = lap(u)
  boundary x.min { u = 0 }
  boundary x.max { dn(u) = 0 }
}
`;
    const order = await observed(text, [8, 16, 32], (n) => 4 * n);
    expect(order).toBeGreaterThan(1.85);
    expect(order).toBeLessThan(2.3);
  });

  it('a vector with a condition that mixes its components', async () => {
    // Both components obey diffusion; at the walls u.x is held and dn(u.y) = u.x.
    const text = `
const T = 0.05
domain box(n) { x: 0 .. 1 cells n; y: 0 .. 1 cells n periodic }
field a(x, y) = sin(1.3*x + 0.4)
field b(x, y) = cos(0.9*x + 0.2)
field end(x, y) = exp(-T)*cos(0.9*x + 0.2)
pde v on box(4) {
  state u: vector = (a, b)
  let ex = exp(-t)*sin(1.3*x + 0.4)
  let ey = exp(-t)*cos(0.9*x + 0.2)
  let sy = -exp(-t)*0.9*sin(0.9*x + 0.2)
  dt(u) = lap(u) + (0.69*ex, (0.81 - 1)*ey)
  boundary x.min, x.max { u.x = ex;  dn(u.y) + u.x = normal.x*sy + ex }
}
fn error(n) = max(abs(solve(v, on: box(n), t: 0 .. T, steps: n^2 // 4 + 2, method: rk4).final.u.y - end))
`;
    const out = await evaluate(`precision f64\nuse std.ode { rk4 }\n${text}`, {
      a: 'error(16)',
      b: 'error(32)',
    });
    const order = Math.log2((flat(out['a'] ?? NaN)[0] ?? NaN) / (flat(out['b'] ?? NaN)[0] ?? NaN));
    expect(order).toBeGreaterThan(1.8);
    expect(order).toBeLessThan(2.4);
  });
});
