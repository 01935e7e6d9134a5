// Conservation and structure: sums of divergences are boundary fluxes, wrapped stencils are what one writes by hand, ghosts are exact where they can be, and the
// programs stay small.

import { describe, expect, it } from 'vitest';
import { exp, mul, sin } from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { reachable } from '../../compiler/ir/region.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { demand, demandCells } from '../../compiler/field/demand.ts';
import {
  analytic,
  coordinate,
  diff,
  divergence,
  equation,
  gradient,
  laplacian,
  leaf,
  map,
  minus,
  normal,
  plus,
  scalar,
  scaled,
  times,
  wallDerivative,
} from '../../compiler/field/expression.ts';
import { fieldContext } from '../../compiler/field/grid.ts';
import { integral, integralOver, trace } from '../../compiler/field/whole.ts';
import type { FieldContext, FieldExpr, GhostRule, Grid, Leaf, Wall } from '../../compiler/field/types.ts';
import {
  array,
  axis,
  contextOn,
  grid,
  largest,
  largestDifference,
  noise,
  number,
  numbers,
  operations,
} from './support.ts';

/** A leaf with random values whose condition at every wall is `residual(leaf) = 0`. */
function random(
  context: FieldContext,
  name: string,
  seed: number,
  condition: (u: FieldExpr, g: Graph) => FieldExpr,
): Leaf {
  const counts = context.grid.axes.map((a) => a.count);
  const size = counts.reduce((a, b) => a * b, 1);
  const values = context.graph.literal(Float64Array.from(noise(size, seed)), counts, 'f64');
  const rule: GhostRule = equation(() => condition(u, context.graph));
  const u: Leaf = leaf(context.grid, name, values, rule);
  return u;
}

const number300 = (g: Graph, value: number): FieldExpr => scalar(g.constant(value, 'f64'));
const dirichlet = (u: FieldExpr, g: Graph): FieldExpr => minus(u, number300(g, 0.7));
const robin = (u: FieldExpr): FieldExpr => plus(wallDerivative(u), scaled(3, u));

function walls(where: Grid): Wall[] {
  return where.axes.flatMap((a, i) =>
    a.periodic ? [] : (['min', 'max'] as const).map((side) => ({ axis: i, side })),
  );
}

describe('discrete conservation', () => {
  const grids = {
    '1-D': grid(axis('x', 7, 'cells', -1, 2)),
    '2-D': grid(axis('x', 5), axis('y', 6, 'cells', 0, 3)),
    '2-D, periodic in y': grid(axis('x', 5), axis('y', 6, 'periodic')),
    '3-D': grid(axis('x', 4), axis('y', 3), axis('z', 5)),
  };
  for (const [name, where] of Object.entries(grids))
    for (const [kind, condition] of Object.entries({ dirichlet, robin }))
      it(`the integral of div(k grad u - u^2) is the flux through the walls, ${name}, ${kind}`, () => {
        const context = contextOn(where);
        const u = random(context, 'u', 1, condition);
        const k = leaf(where, 'k', random(context, 'k', 2, robin).values, { kind: 'even' });
        const flux = gradient(u, where).map((e) => minus(times(k, e), times(u, u)));
        const total = number(integral(context, divergence(flux, where)));
        const through = walls(where).map((wall) => {
          const a = at(where.axes, wall.axis).name;
          return number(integralOver(context, times(normal(a), at(flux, wall.axis)), wall));
        });
        const size = largest(through) + 1;
        expect(Math.abs(total - through.reduce((a, b) => a + b, 0))).toBeLessThan(1e-13 * size);
        if (through.length > 0) expect(Math.abs(total)).toBeGreaterThan(1e-3);
      });

  it('nothing is lost on a periodic box', () => {
    const where = grid(axis('x', 6, 'periodic'), axis('y', 5, 'periodic'));
    const context = contextOn(where);
    const u = random(context, 'u', 3, robin);
    const flux = gradient(u, where).map((e) => times(times(u, u), e));
    expect(Math.abs(number(integral(context, divergence(flux, where))))).toBeLessThan(1e-12);
  });

  it('dn at a wall is the flux that div uses there', () => {
    const where = grid(axis('x', 5), axis('y', 4));
    const context = contextOn(where);
    const u = random(context, 'u', 4, dirichlet);
    const inside = number(integral(context, laplacian(u, where)));
    const through = walls(where).map((wall) => number(integralOver(context, wallDerivative(u), wall)));
    expect(inside).toBeCloseTo(
      through.reduce((a, b) => a + b, 0),
      10,
    );
  });
});

describe('wrapped stencils', () => {
  const n = 7;
  const where = grid(axis('x', n, 'periodic'), axis('y', 5, 'periodic'));
  const h = [1 / n, 1 / 5];
  const context = contextOn(where);
  const u = random(context, 'u', 5, robin);
  const k = random(context, 'k', 6, robin);
  const value = (v: readonly number[], i: number, j: number): number =>
    at(v, ((i + n) % n) * 5 + ((j + 5) % 5));
  const [U, K] = [numbers(u.values), numbers(k.values)];
  const byHand = (f: (i: number, j: number) => number): number[] =>
    range(n).flatMap((i) => range(5).map((j) => f(i, j)));

  it('div(k grad u)', () => {
    const e = divergence(
      gradient(u, where).map((d) => times(k, d)),
      where,
    );
    const side = (i: number, j: number, di: number, dj: number, dh: number): number =>
      (0.5 * (value(K, i, j) + value(K, i + di, j + dj)) * (value(U, i + di, j + dj) - value(U, i, j))) /
      dh ** 2;
    const expected = byHand(
      (i, j) =>
        side(i, j, 1, 0, at(h, 0)) +
        side(i, j, -1, 0, at(h, 0)) +
        side(i, j, 0, 1, at(h, 1)) +
        side(i, j, 0, -1, at(h, 1)),
    );
    expect(largestDifference(numbers(demandCells(context, e)), expected)).toBeLessThan(1e-12);
  });
  it('dx(u^2/2) is the difference of the fluxes of the mean', () => {
    const e = diff(
      map('half square', [u], (g, [x]) => (x ? mul(g, mul(g, x, x), 0.5) : g.constant(0, 'f64'))),
      'x',
    );
    const flux = (i: number, j: number): number => 0.5 * ((value(U, i, j) + value(U, i - 1, j)) / 2) ** 2;
    const expected = byHand((i, j) => (flux(i + 1, j) - flux(i, j)) / at(h, 0));
    expect(largestDifference(numbers(demandCells(context, e)), expected)).toBeLessThan(1e-13);
  });
  it('dxy', () => {
    const expected = byHand(
      (i, j) =>
        (value(U, i + 1, j + 1) - value(U, i - 1, j + 1) - value(U, i + 1, j - 1) + value(U, i - 1, j - 1)) /
        (4 * at(h, 0) * at(h, 1)),
    );
    expect(largestDifference(numbers(demandCells(context, diff(diff(u, 'y'), 'x'))), expected)).toBeLessThan(
      1e-12,
    );
  });
  it('uses roll and no concat', () => {
    const v = leaf(where, 'v', context.graph.param('v', { dtype: 'f64', shape: [n, 5] }), { kind: 'even' });
    const e = laplacian(times(v, v), where);
    const ops = reachable([demandCells(context, e)]).map((x) => x.op);
    expect(ops).toContain('roll');
    expect(ops).not.toContain('concat');
    expect(ops).not.toContain('slice');
  });
});

describe('ghosts', () => {
  const where = grid(axis('x', 4));
  const halo = [{ kind: 'centre', lo: -2, hi: 6 }] as const;
  const ghostsOf = (condition: (u: FieldExpr, g: Graph) => FieldExpr, w = where): [number[], number[]] => {
    const context = contextOn(w);
    const u = random(context, 'u', 7, condition);
    return [numbers(demand(context, u, halo)), numbers(u.values)];
  };
  it('dn(u) = 0 mirrors to the bit', () => {
    const [g, u] = ghostsOf((e) => wallDerivative(e));
    expect(g).toEqual([at(u, 1), at(u, 0), ...u, at(u, 3), at(u, 2)]);
  });
  it('u = 0 reflects to the bit', () => {
    const [g, u] = ghostsOf((e) => e);
    expect(g).toEqual([-at(u, 1), -at(u, 0), ...u, -at(u, 3), -at(u, 2)]);
  });
  it('u = 0.7 gives 2*0.7 - u', () => {
    const [g, u] = ghostsOf(dirichlet);
    expect(at(g, 1)).toBeCloseTo(1.4 - at(u, 0), 14);
    expect(at(g, 0)).toBeCloseTo(1.4 - at(u, 1), 14);
  });
  it('dn(u) = c has the slope c at either end, outwards, in every layer', () => {
    const [g, u] = ghostsOf((e, graph) => minus(wallDerivative(e), scalar(graph.constant(2, 'f64'))));
    const h = 0.25;
    expect(at(g, 1)).toBeCloseTo(at(u, 0) + 2 * h, 14);
    expect(at(g, 0)).toBeCloseTo(at(u, 1) + 3 * 2 * h, 14);
    expect(at(g, 6)).toBeCloseTo(at(u, 3) + 2 * h, 14);
    expect(at(g, 7)).toBeCloseTo(at(u, 2) + 3 * 2 * h, 14);
  });
  it('by nodes: a Dirichlet value replaces the unknown, a derivative makes a ghost', () => {
    const nodes = grid(axis('x', 4, 'nodes'));
    const [fixed, v] = ghostsOf(dirichlet, nodes);
    expect(fixed.slice(2, 6)).toEqual([0.7, at(v, 1), at(v, 2), 0.7]);
    const [free, u] = ghostsOf((e) => wallDerivative(e), nodes);
    expect(free).toEqual([at(u, 2), at(u, 1), ...u, at(u, 2), at(u, 1)]);
  });
  it('a nonlinear condition holds to rounding', () => {
    const context = contextOn(where);
    const law = (e: FieldExpr, g: Graph): FieldExpr =>
      minus(
        plus(
          wallDerivative(e),
          map('exp', [e], (gg, [x]) => (x ? exp(gg, x) : g.constant(0, 'f64'))),
        ),
        scalar(g.constant(1.5, 'f64')),
      );
    const u = random(context, 'u', 8, law);
    for (const side of ['min', 'max'] as const)
      expect(largest(numbers(trace(context, law(u, context.graph), { axis: 0, side })))).toBeLessThan(1e-14);
  });
  it('conditions hold with the coordinates of the wall and other fields in them', () => {
    const plate = grid(axis('x', 4, 'cells', 1, 2), axis('y', 5, 'nodes'));
    const context = fieldContext(new Graph(), plate, 'f64', { time: new Graph().constant(0, 'f64') });
    const plain = contextOn(plate, context.graph);
    const other = random(plain, 'v', 9, (e) => wallDerivative(e));
    const wave = analytic('wave', (g, { x, y }) => (x && y ? sin(g, mul(g, x, y)) : g.constant(0, 'f64')));
    const law = (e: FieldExpr): FieldExpr =>
      minus(plus(wallDerivative(e), times(coordinate('x'), e)), times(wave, other));
    const u = random(plain, 'u', 10, law);
    for (const wall of walls(plate)) expect(largest(numbers(trace(plain, law(u), wall)))).toBeLessThan(1e-12);
  });
});

describe('size of the programs', () => {
  const heat = (where: Grid, condition: (u: FieldExpr, g: Graph) => FieldExpr): number => {
    const g = new Graph();
    const context = contextOn(where, g);
    const counts = where.axes.map((a) => a.count);
    const u: Leaf = leaf(
      where,
      'u',
      g.param('u', { dtype: 'f64', shape: counts }),
      equation(() => condition(u, g)),
    );
    const k = leaf(where, 'k', g.param('k', { dtype: 'f64', shape: counts }), { kind: 'even' });
    const e = divergence(
      gradient(u, where).map((d) => times(k, d)),
      where,
    );
    return operations([demandCells(context, e)]);
  };
  it('stays small for heat, and does not grow with the cells', () => {
    const square = (n: number): Grid => grid(axis('x', n), axis('y', n));
    const count = heat(square(64), dirichlet);
    expect(count).toBeLessThan(60);
    expect(heat(square(4096), dirichlet)).toBe(count);
    expect(heat(square(64), (u) => wallDerivative(u))).toBeLessThanOrEqual(45);
    const torus = grid(axis('x', 64, 'periodic'), axis('y', 64, 'periodic'));
    expect(heat(torus, dirichlet)).toBeLessThanOrEqual(24);
  });
});

it('binds parameters like any other node', () => {
  const where = grid(axis('x', 3));
  const context = contextOn(where);
  const p = context.graph.param('u', { dtype: 'f64', shape: [3] });
  const u = leaf(where, 'u', p, { kind: 'even' });
  const rate = demandCells(context, laplacian(u, where));
  expect(numbers(rate, new Map([[p, array([3], [1, 2, 4])]]))).toEqual([9, 9, -18]);
});
