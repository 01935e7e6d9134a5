// The programs on which the design was measured, as array IR: what the elaborator makes of them, by hand.

import * as b from '../../compiler/ir/build.ts';
import type { Graph } from '../../compiler/ir/graph.ts';
import { makeScan } from '../../compiler/ir/region.ts';
import type { AdjointPolicy, DType, Node } from '../../compiler/ir/types.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { valueAndGradientOf } from '../../compiler/autodiff/operators.ts';

export interface Simulation {
  readonly params: readonly Node[];
  readonly final: readonly Node[];
  readonly loss: Node;
}

export interface Settings {
  readonly steps: number;
  readonly dtype?: DType;
  readonly adjoint?: AdjointPolicy;
  /** Storage hints as the elaborator gives them. */
  readonly hints?: boolean;
}

/** One step of the classical Runge-Kutta method on several states; stages and their states are marked for storage. */
export function rk4(
  g: Graph,
  states: readonly Node[],
  h: number,
  rate: (states: readonly Node[]) => readonly Node[],
  hints = true,
): Node[] {
  const mark = (x: Node): Node => (hints ? b.keep(g, x) : x);
  const moved = (k: readonly Node[], by: number): Node[] =>
    states.map((y, i) => mark(b.add(g, y, b.mul(g, at(k, i), by))));
  const k1 = rate(states).map(mark);
  const k2 = rate(moved(k1, h / 2)).map(mark);
  const k3 = rate(moved(k2, h / 2)).map(mark);
  const k4 = rate(moved(k3, h)).map(mark);
  return states.map((y, i) => {
    const inner = b.mul(g, b.add(g, at(k2, i), at(k3, i)), 2);
    return b.add(g, y, b.mul(g, b.add(g, b.add(g, at(k1, i), inner), at(k4, i)), h / 6));
  });
}

/** div(k grad u) on n x n cells of the unit square, u = 0 on the x walls, no flux through the y walls. */
function heatRate(g: Graph, n: number, u: Node, kx: Node, ky: Node): Node {
  const { dtype } = u;
  const inverse = n;
  // Dirichlet: the ghost value is the negative of the cell's.
  const west = b.neg(g, b.sliceAxis(g, u, 0, 0, 1));
  const east = b.neg(g, b.sliceAxis(g, u, 0, n - 1, n));
  const extended = b.concat(g, [west, u, east], 0);
  const dx = b.mul(
    g,
    b.sub(g, b.sliceAxis(g, extended, 0, 1, n + 2), b.sliceAxis(g, extended, 0, 0, n + 1)),
    inverse,
  );
  const fluxX = b.mul(g, kx, dx);
  const dy = b.mul(g, b.sub(g, b.sliceAxis(g, u, 1, 1, n), b.sliceAxis(g, u, 1, 0, n - 1)), inverse);
  const inner = b.mul(g, ky, dy);
  const wall = b.full(g, [n, 1], 0, dtype);
  const fluxY = b.concat(g, [wall, inner, wall], 1);
  const divX = b.sub(g, b.sliceAxis(g, fluxX, 0, 1, n + 1), b.sliceAxis(g, fluxX, 0, 0, n));
  const divY = b.sub(g, b.sliceAxis(g, fluxY, 1, 1, n + 1), b.sliceAxis(g, fluxY, 1, 0, n));
  return b.mul(g, b.add(g, divX, divY), inverse);
}

/** Heat with a conductivity field, rk4; loss: mean square distance to an observation. */
export function heat(g: Graph, n: number, s: Settings): Simulation {
  const { steps, dtype = 'f64', adjoint = { kind: 'auto' }, hints = true } = s;
  const u0 = g.param('u0', { dtype, shape: [n, n] });
  const k = g.param('k', { dtype, shape: [n, n] });
  const observed = g.param('observed', { dtype, shape: [n, n] });
  const kExtended = b.concat(g, [b.sliceAxis(g, k, 0, 0, 1), k, b.sliceAxis(g, k, 0, n - 1, n)], 0);
  const kx = b.mul(
    g,
    b.add(g, b.sliceAxis(g, kExtended, 0, 1, n + 2), b.sliceAxis(g, kExtended, 0, 0, n + 1)),
    0.5,
  );
  const ky = b.mul(g, b.add(g, b.sliceAxis(g, k, 1, 1, n), b.sliceAxis(g, k, 1, 0, n - 1)), 0.5);
  const h = 0.1 / n ** 2;
  const { carries } = makeScan(g, {
    length: steps,
    init: [u0],
    adjoint,
    body: (_i, [u]) => ({
      carries: rk4(g, [u ?? u0], h, ([x]) => [heatRate(g, n, x ?? u0, kx, ky)], hints),
      ys: [],
    }),
  });
  const difference = b.sub(g, at(carries, 0), observed);
  const loss = b.mul(g, b.sumAll(g, b.mul(g, difference, difference)), 1 / n ** 2);
  return { params: [u0, k, observed], final: carries, loss };
}

/** The wave equation dt(v) = c^2 lap(u) in a box with reflecting walls, leapfrog; loss: mean square of the final field. */
export function wave(g: Graph, n: number, s: Settings): Simulation {
  const { steps, dtype = 'f64', adjoint = { kind: 'auto' } } = s;
  const u0 = g.param('u0', { dtype, shape: [n, n] });
  const c = g.param('c', { dtype, shape: [n, n] });
  const dt = 0.5 / n;
  const c2 = b.mul(g, c, c);
  const { carries } = makeScan(g, {
    length: steps,
    init: [u0, b.zerosLike(g, u0)],
    adjoint,
    body: (_i, [u = u0, v = u0]) => {
      const x = b.concat(g, [b.sliceAxis(g, u, 0, 0, 1), u, b.sliceAxis(g, u, 0, n - 1, n)], 0);
      const y = b.concat(g, [b.sliceAxis(g, u, 1, 0, 1), u, b.sliceAxis(g, u, 1, n - 1, n)], 1);
      const sum = b.add(
        g,
        b.add(g, b.sliceAxis(g, x, 0, 0, n), b.sliceAxis(g, x, 0, 2, n + 2)),
        b.add(g, b.sliceAxis(g, y, 1, 0, n), b.sliceAxis(g, y, 1, 2, n + 2)),
      );
      const lap = b.mul(g, b.sub(g, sum, b.mul(g, u, 4)), n ** 2);
      const next = b.add(g, v, b.mul(g, b.mul(g, c2, lap), dt));
      return { carries: [b.add(g, u, b.mul(g, next, dt)), next], ys: [] };
    },
  });
  const u = at(carries, 0);
  return { params: [u0, c], final: carries, loss: b.mul(g, b.sumAll(g, b.mul(g, u, u)), 1 / n ** 2) };
}

/** Burgers' equation on a periodic line, upwind-free central flux with viscosity, ssprk3-like rk4. */
export function burgers(g: Graph, n: number, s: Settings): Simulation {
  const { steps, dtype = 'f64', adjoint = { kind: 'auto' }, hints = true } = s;
  const u0 = g.param('u0', { dtype, shape: [n] });
  const nu = g.param('nu', { dtype, shape: [] });
  const force = g.param('force', { dtype, shape: [n] });
  const h = 0.1 / n;
  const rate = (u: Node): Node => {
    const right = b.roll(g, u, 0, 1);
    const mean = b.mul(g, b.add(g, b.mul(g, u, u), b.mul(g, right, right)), 0.25);
    const flux = b.sub(g, mean, b.mul(g, nu, b.mul(g, b.sub(g, right, u), n)));
    return b.add(g, b.mul(g, b.sub(g, b.roll(g, flux, 0, -1), flux), n), force);
  };
  const { carries } = makeScan(g, {
    length: steps,
    init: [u0],
    adjoint,
    body: (_i, [u]) => ({ carries: rk4(g, [u ?? u0], h, ([x]) => [rate(x ?? u0)], hints), ys: [] }),
  });
  const u = at(carries, 0);
  return { params: [u0, nu, force], final: carries, loss: b.sumAll(g, b.mul(g, u, u)) };
}

/** Lotka-Volterra, rk4, the states at every `every`-th step against data. */
export function predators(g: Graph, s: Settings & { readonly saves: number }): Simulation {
  const { steps, saves, dtype = 'f64', adjoint = { kind: 'auto' } } = s;
  const names = ['alpha', 'beta', 'gamma', 'delta', 'u0', 'v0'];
  const params = names.map((name) => g.param(name, { dtype, shape: [] }));
  const data = ['hare', 'lynx'].map((name) => g.param(name, { dtype, shape: [saves] }));
  const [alpha, beta, gamma, delta] = params;
  if (alpha === undefined || beta === undefined || gamma === undefined || delta === undefined)
    throw new Error('unreachable');
  const h = 20 / steps;
  const rate = ([u = alpha, v = beta]: readonly Node[]): Node[] => [
    b.sub(g, b.mul(g, alpha, u), b.mul(g, b.mul(g, beta, u), v)),
    b.sub(g, b.mul(g, b.mul(g, delta, u), v), b.mul(g, gamma, v)),
  ];
  const { carries, ys } = makeScan(g, {
    length: saves,
    init: params.slice(4),
    adjoint,
    body: (_i, states) => ({
      carries: makeScan(g, {
        length: steps / saves,
        init: states,
        adjoint,
        body: (_j, inner) => ({ carries: rk4(g, inner, h, rate), ys: [] }),
      }).carries,
      ys: states,
    }),
  });
  const residuals = ys.map((y, i) => b.log(g, b.div(g, y, at(data, i))));
  const loss = residuals.map((r) => b.sumAll(g, b.mul(g, r, r))).reduce((sum, x) => b.add(g, sum, x));
  return { params: [...params, ...data], final: carries, loss };
}

/** An ensemble of Lorenz systems [members, 3], rk4. */
export function lorenz(g: Graph, members: number, s: Settings): Simulation {
  const { steps, dtype = 'f64', adjoint = { kind: 'auto' } } = s;
  const start = g.param('start', { dtype, shape: [members, 3] });
  const rho = g.param('rho', { dtype, shape: [members] });
  const rate = ([y = start]: readonly Node[]): Node[] => {
    const [p, q, r] = range(3).map((i) => b.indexAxis(g, y, 1, i));
    if (p === undefined || q === undefined || r === undefined) throw new Error('unreachable');
    return [
      b.stack(
        g,
        [
          b.mul(g, b.sub(g, q, p), 10),
          b.sub(g, b.mul(g, p, b.sub(g, rho, r)), q),
          b.sub(g, b.mul(g, p, q), b.mul(g, r, 8 / 3)),
        ],
        1,
      ),
    ];
  };
  const { carries } = makeScan(g, {
    length: steps,
    init: [start],
    adjoint,
    body: (_i, states) => ({ carries: rk4(g, states, 0.01, rate), ys: [] }),
  });
  const y = at(carries, 0);
  return { params: [start, rho], final: carries, loss: b.mul(g, b.sumAll(g, b.mul(g, y, y)), 1 / members) };
}

/** The loss and its gradient with respect to the parameters at these positions. */
export function withGradient(g: Graph, s: Simulation, over: readonly number[]): Node[] {
  const { value, gradient } = valueAndGradientOf(
    g,
    s.loss,
    over.map((i) => at(s.params, i)),
  );
  return [value, ...gradient];
}
