// Random models with their solves: fields on grids of one to three dimensions with walls of every kind, stochastic equations and ensembles, ordinary equations with methods that find their
// steps, draws. In: decisions. Out: the text. There is no oracle but the float64 interpreter; derivatives are compared with differences that the program takes itself.
//
// What is differentiated is `total(p)` of a record p; the run saves values, derivatives in both modes, and differences at two distances.

import { range } from '../../compiler/support/lists.ts';
import type { Decisions } from '../ir/random_program.ts';

export interface RandomModel {
  readonly text: string;
  /** Whether differences say something about the derivative: not where steps are found while the solve runs. */
  readonly smooth: boolean;
}

/** The items, then the record of what is differentiated, the direction, what is shown of a result r, and what total returns. */
interface Parts {
  readonly uses: readonly string[];
  readonly items: readonly string[];
  readonly at: string;
  readonly along: string;
  /** `fn result(p)` is given by the items. */
  readonly shown: readonly (readonly [string, string])[];
  readonly smooth: boolean;
  readonly second: boolean;
}

function program(parts: Parts): RandomModel {
  const { uses, items, at, along, shown, smooth, second } = parts;
  const total = shown.map(([, text]) => `mean(${text}^2)`).join(' + ');
  return {
    smooth,
    text: [
      ...uses,
      ...items,
      `fn total(p) { let r = result(p); return ${total} }`,
      'let f = same_draws(total)',
      `let at = ${at}`,
      `let along = ${along}`,
      'run {',
      '  let r = result(at)',
      '  let g = gradient(f)(at)',
      ...(second ? ['  let h = hvp(f, at, along)', '  let k = gradient(p => jvp(f, p, along))(at)'] : []),
      '  let d = e => (f(at + e*along) - f(at - e*along))/(2*e)',
      '  save "out.npz" {',
      `    ${shown.map(([name, text]) => `${name}: ${text}`).join(', ')}, total: f(at),`,
      `    slope: jvp(f, at, along), reverse: dot(g, along), g: flatten(g), wide: d(4e-4), narrow: d(2e-4)${second ? ', h: flatten(h), k: flatten(k)' : ''}`,
      '  }',
      '}',
    ].join('\n'),
  };
}

const METHODS = ['rk4', 'euler', 'heun', 'midpoint', 'ssprk3'];
const GRIDS = [5, 4, 3, 2, 1, 7, 8, 9, 13, 16, 17, 34];

export function randomField(d: Decisions): RandomModel {
  const rank = d.pick([2, 1, 2, 3]);
  const names = ['x', 'y', 'z'].slice(0, rank);
  const axes = names.map((name) => {
    const periodic = d.below(3) === 1;
    const nodes = !periodic && d.below(4) === 3;
    const n = Math.min(d.pick(GRIDS), rank === 3 ? 9 : 40);
    return {
      name,
      periodic,
      text: `${name}: 0 .. ${d.pick([1, 2])} ${nodes ? 'nodes' : 'cells'} ${nodes || periodic ? Math.max(n, nodes ? 3 : 2) : n}${periodic ? ' periodic' : ''}`,
    };
  });
  const two = d.below(2) === 1;
  const lumped = d.below(3) === 2;
  const coordinate = d.pick(names);
  const derivative = `d${d.pick(names)}`;
  const wave = names.map((n, i) => `sin(${2 + i}*${n} + ${0.3 + i})`).join('*');
  const term = (u: string, v: string): string =>
    d.pick([
      `k*lap(${u})`,
      `div(k*grad(${u}))`,
      `${u}*(1 - ${u})`,
      `-0.1*a*${derivative}(${u})`,
      `-${u}*${v}`,
      `0.2*sin(t + a)*${coordinate}`,
      `0.003*d${coordinate}${coordinate}(${u}^2)`,
      `-max(${u}, 0.4)*a`,
      `where(${u} > 0.2, ${u}*a, 0.1)`,
      ...(lumped ? [`s*${u}`] : []),
      ...(rank > 1 ? [`0.002*d${names[0]}${names[1]}(${u})`] : []),
      `-${derivative}(0.05*${u}*${u})`,
    ]);
  const sum = (u: string, v: string): string =>
    [`k*lap(${u})`, ...range(d.below(3)).map(() => term(u, v))].join(' + ').replaceAll('+ -', '- ');
  const states = two ? ['u', 'v'] : ['u'];
  const condition = (u: string, axis: string): string => {
    const other = names.find((n) => n !== axis) ?? 't';
    return d.pick([
      `dn(${u}) = 0`,
      `${u} = 0.3`,
      `${u} = 0.2*sin(3*${other} + t) + 0.1*a`,
      `dn(${u}) = 0.3*a*cos(${other})`,
      `dn(${u}) + 2*a*${u} = 0.5`,
      `dn(${u}) = -0.2*${u}^3`,
    ]);
  };
  const walls = axes
    .filter((a) => !a.periodic)
    .flatMap(({ name }) => {
      const clause = (where: string): string =>
        `  boundary ${where} { ${states.map((u) => condition(u, name)).join('; ')} }`;
      return d.below(2) === 0
        ? [clause(`${name}.min, ${name}.max`)]
        : [clause(`${name}.min`), clause(`${name}.max`)];
    });
  const method = d.pick(METHODS);
  const steps = d.pick([3, 1, 2, 4, 7, 11, 16]);
  const every = d.below(3) === 2 ? d.pick([1, 2, 5]) : 0;
  const scheme = d.below(5);
  const space = scheme === 3 ? ', space: central(4)' : scheme === 4 ? ', space: upwind' : '';
  const items = [
    `domain plate { ${axes.map((a) => a.text).join('; ')} }`,
    `field rough(${names.join(', ')}) = 0.5 + 0.3*${wave}`,
    `field soft(${names.join(', ')}) = 0.003 + 0.001*${wave}`,
    'param c: scalar on plate = soft',
    'param b: scalar on plate = rough',
    `pde flow(k, a, start) on plate {`,
    `  state u: scalar = start${two ? ', v: scalar = 0.4*start + 0.1' : ''}${lumped ? ', s: real = a' : ''}`,
    `  dt(u) = ${sum('u', two ? 'v' : 'u')}`,
    ...(two ? [`  dt(v) = ${sum('v', 'u')}`] : []),
    ...(lumped ? ['  dt(s) = integral(u) - s'] : []),
    ...walls,
    '  monitor content = integral(u^2)',
    ...(d.below(5) === 4 ? ['  after step { u = max(u, 0.05) }'] : []),
    '}',
    `fn result(p) = solve(flow(p.c, p.a, p.b), t: 0 .. 0.3, steps: ${steps}, method: ${method}, adjoint: auto${every > 0 ? `, save: every(steps: ${every})` : ''}${space})`,
  ];
  const shown: (readonly [string, string])[] =
    every > 0
      ? [
          ['u', 'values(r.u)'],
          ['content', 'r.content'],
        ]
      : [
          ['u', 'values(r.final.u)'],
          ['content', 'r.final.content'],
        ];
  if (two) shown.push(['v', every > 0 ? 'values(r.v)' : 'values(r.final.v)']);
  if (lumped) shown.push(['s', 'r.final.s']);
  return program({
    uses: [
      `use std.ode { ${method} }`,
      ...(scheme === 3 ? ['use std.space { central }'] : scheme === 4 ? ['use std.space { upwind }'] : []),
    ],
    items,
    at: '{ c: c, b: b, a: 0.7 }',
    along: '{ c: 0.5*c, b: 0.3 - 0.5*b, a: 0.4 }',
    shown,
    smooth: true,
    second: d.below(4) === 3,
  });
}

export function randomStochastic(d: Decisions): RandomModel {
  const scalarNoise = d.below(2) === 0;
  const size = d.pick([1, 2, 3]);
  const state = d.pick([1, 3, 5, 4]);
  const method = d.pick(['euler_maruyama', 'heun', 'milstein()', 'reversible_heun', 'srk']);
  const simple = method === 'srk' || method === 'milstein()';
  const paths = d.pick([5, 1, 3, 13, 64, 67, 130]);
  const steps = d.pick([3, 1, 2, 8, 13]);
  const every = d.below(3) === 2 ? d.pick([1, 2]) : 0;
  const drift = d
    .pick(['p.a*(0.5 - X)', 'sin(X)*p.b - X', '-X^3/(1 + X^2) + p.a*t', 'tanh(p.b*X) - p.a*cumsum(X)/5'])
    .replaceAll('p.', '');
  const noise = scalarNoise || simple ? 'noise W' : `noise W: real[${size}]`;
  const g = d.pick(['b*X', '0.3*a', '0.2*sin(X + b)', 'sqrt(0.1 + X^2)*b']);
  const diffusion =
    scalarNoise || simple
      ? `${g}*dW`
      : range(size)
          .map((i) => `${g}*${0.5 + i}*dW[${i}]`)
          .join(' + ');
  const start = state === 1 ? 'a' : `[a + 0.1*i for i in 0..${state}]`;
  const name = method.replace('()', '');
  const items = [
    'sde walk(a, b) {',
    `  state X = ${start}`,
    `  ${noise}`,
    `  d(X) = (${drift})*dt + ${diffusion}`,
    '  monitor size = sum(X^2)',
    '}',
    `fn result(p) = solve(walk(p.a, p.b), t: 0 .. 0.5, steps: ${steps}, method: ${method}, paths: ${paths}, adjoint: auto${every > 0 ? `, save: every(steps: ${every})` : ''})`,
  ];
  return program({
    uses: [`use std.sde { ${name} }`],
    items: state === 1 ? items.map((l) => l.replace('cumsum(X)/5', 'X')) : items,
    at: '{ a: 0.6, b: 0.3 }',
    along: '{ a: 0.7, b: -0.4 }',
    shown:
      every > 0
        ? [
            ['X', 'r.X'],
            ['size', 'r.size'],
          ]
        : [['X', 'r.final.X']],
    smooth: true,
    second: d.below(4) === 3,
  });
}

export function randomOrdinary(d: Decisions): RandomModel {
  const adaptive = d.below(3) === 2;
  const method = adaptive
    ? d.pick(['tsit5', 'dopri5', 'bogacki_shampine', 'sdirk', 'rosenbrock'])
    : d.pick([
        'rk4',
        'implicit_midpoint',
        'implicit_euler',
        'crank_nicolson',
        'verlet',
        'yoshida4',
        'leapfrog',
        'adams_bashforth(order: 3)',
        'adams_moulton(order: 2)',
        'bdf(order: 2)',
        'dopri5',
      ]);
  const n = d.pick([1, 2, 3, 5]);
  const members = d.pick([1, 3, 5, 13, 64, 67, 130]);
  const steps = d.pick([4, 1, 2, 7, 12]);
  const event = !adaptive && d.below(4) === 3;
  const force = d.pick(['-sin(x)*a', '-a*x^3', '-a*x + 0.1*cos(2*t)', '-a*x/(1 + x^2)']);
  const every = d.below(3) === 2 && !adaptive ? d.pick([1, 2]) : 0;
  const start = n === 1 ? 'b + 0.2*c' : `[b + 0.1*i + 0.2*c for i in 0..${n}]`;
  const items = [
    'ode swing(a, b, c) {',
    `  state x = ${start}, v = ${n === 1 ? '0.1' : `zeros([${n}])`}`,
    '  dt(x) = v',
    `  dt(v) = ${force}`,
    ...(event ? [`  event t = 0.3 rising { v = -0.5*v + b }`] : []),
    '}',
    `fn one(p, c) = solve(swing(p.a, p.b, c), t: 0 .. 1, ${adaptive ? 'rtol: 1e-5, atol: 1e-7, limit: 200' : `steps: ${steps}`}, method: ${method}, adjoint: auto${every > 0 ? `, save: every(steps: ${every})` : ''}).${every > 0 ? '' : 'final.'}x`,
    members === 1
      ? 'fn result(p) = { x: one(p, 0.5) }'
      : `fn result(p) = { x: [one(p, c) for c in linspace(-1, 1, ${members})] }`,
  ];
  return program({
    uses: [`use std.ode { ${method.replace(/\(.*/, '')} }`],
    items,
    at: '{ a: 1.3, b: 0.4 }',
    along: '{ a: 0.7, b: -0.4 }',
    shown: [['x', 'r.x']],
    smooth: !adaptive && !event,
    second: d.below(4) === 3 && !adaptive,
  });
}

export function randomDraws(d: Decisions): RandomModel {
  const n = d.pick([5, 1, 3, 8, 67, 300]);
  const law = d.pick([
    'normal(0, 1)',
    'uniform(0, 1)',
    'exponential(2.0)',
    'gamma(1.5 + 0*p.a, 1.0)',
    'beta(2.0, 1.5)',
    'student_t(5.0)',
    'laplace(0, 1)',
    'gumbel(0, 1)',
  ]);
  const loop = d.pick([
    `[sum([draw(normal(0, 1)) for j in 0..3])*p.a for i in 0..${n}]`,
    `{ var x = zeros([${n}]); for i in 0..4 { x = 0.5*x + p.b*draw(normal(p.a, 1), [${n}]) }; return x }`,
    `{ var x = zeros([${n}]); for i in 0..${n} { x[i] = p.a*draw(normal(0, 1)) + (if i > 0 then 0.5*x[i - 1] else 0.0) }; return x }`,
    `[{ var s = 0.0; while s < 1 limit 20 { s += 0.05 + p.a*draw(uniform(0, 1)) }; return s } for i in 0..${n}]`,
    `draw(normal(0, 1), [${n}]) @ [[p.a*sin(1.0*i*j) for i in 0..7] for j in 0..${n}]`,
    `cumsum(sort(p.b*draw(normal(0, 1), [${n}])))`,
  ]);
  return program({
    uses: ['use std.random { normal, uniform, exponential, gamma, beta, student_t, laplace, gumbel }'],
    items: [
      'fn result(p) {',
      `  let x = p.a*draw(${law}, [${n}]) + p.b`,
      `  let y = (${loop})`,
      '  return { x: x, y: y }',
      '}',
    ],
    at: '{ a: 0.8, b: 0.3 }',
    along: '{ a: 0.7, b: -0.4 }',
    shown: [
      ['x', 'r.x'],
      ['y', 'r.y'],
    ],
    smooth: !loop.includes('while') && !loop.includes('sort'),
    second: d.below(3) === 2,
  });
}

export function randomModel(d: Decisions): RandomModel {
  return d.pick([randomField, randomStochastic, randomOrdinary, randomField, randomDraws])(d);
}
