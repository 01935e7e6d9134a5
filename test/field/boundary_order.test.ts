// Manufactured solutions: the heat equation, with variable conductivity and transport, converges with second order for every kind of boundary
// condition in one, two and three dimensions, by cells and by nodes.

import { describe, expect, it } from 'vitest';
import { add, cos, mul, pow, sin } from '../../compiler/ir/build.ts';
import {
  analytic,
  diff,
  divergence,
  gradient,
  map,
  minus,
  plus,
  scaled,
  times,
  wallDerivative,
} from '../../compiler/field/expression.ts';
import type { FieldExpr, Wall } from '../../compiler/field/types.ts';
import { axis, grid, orders, solutionError, type AxisKind, type Problem, type Smooth } from './support.ts';

const need = <T>(x: T | undefined): T => {
  if (x === undefined) throw new Error('absent');
  return x;
};

/** Positive, not symmetric, moving: no derivative vanishes at a wall. */
const solution: Smooth = (g, c) =>
  ['x', 'y', 'z']
    .flatMap((name, i) =>
      c[name] === undefined
        ? []
        : [
            add(
              g,
              sin(g, add(g, add(g, mul(g, c[name], 1.7 - 0.4 * i), mul(g, need(c['t']), 2)), 0.4 + i)),
              2,
            ),
          ],
    )
    .reduce((a, b) => mul(g, mul(g, a, b), 0.5));
const periodicSolution: Smooth = (g, c) => {
  const x = sin(g, add(g, mul(g, need(c['x']), 2 * Math.PI), need(c['t'])));
  const y = c['y'] === undefined ? undefined : cos(g, add(g, mul(g, c['y'], 1.3), need(c['t'])));
  return add(g, y === undefined ? x : mul(g, x, y), 2);
};

const conductivity = analytic('k', (g, c) => add(g, mul(g, sin(g, mul(g, need(c['x']), 3)), 0.3), 1));
const wavy = analytic('k', (g, c) => add(g, mul(g, sin(g, mul(g, need(c['x']), 2 * Math.PI)), 0.3), 1));
const heat =
  (k: FieldExpr): Problem['rate'] =>
  (u, where) =>
    plus(
      divergence(
        gradient(u, where).map((e) => times(k, e)),
        where,
      ),
      scaled(-0.5, diff(u, 'x')),
    );

const dn = wallDerivative;
type Condition = NonNullable<Problem['condition']>;
const dirichlet: Condition = (u) => u;
const neumann: Condition = (u) => dn(u);
const robin: Condition = (u) => plus(dn(u), scaled(2, u));
const flux: Condition = (u) => plus(times(conductivity, dn(u)), scaled(0.5, u));
/** Heat radiated away, k dn(u) + u^4. */
const radiation: Condition = (u) =>
  plus(
    dn(u),
    map('fourth power', [u], (g, [x]) => mul(g, pow(g, need(x), 4), 0.01)),
  );
/** A Dirichlet condition in disguise. */
const cubic: Condition = (u) => map('cube', [u], (g, [x]) => add(g, pow(g, need(x), 3), need(x)));
const mixed: Condition = (u, wall: Wall) => {
  const kinds = [dirichlet, neumann, robin, radiation];
  return need(kinds[(2 * wall.axis + (wall.side === 'min' ? 0 : 1)) % 4])(u, wall);
};
const conditions: Record<string, Condition> = { dirichlet, neumann, robin, flux, radiation, cubic, mixed };

const box = (kinds: readonly AxisKind[]) => (n: number) =>
  grid(...kinds.map((kind, i) => axis(need(['x', 'y', 'z'][i]), kind === 'nodes' ? n + 1 : n, kind, 0, 1)));

function sizesOf(rank: number): readonly number[] {
  return rank === 1 ? [16, 32, 64] : rank === 2 ? [8, 16, 32] : [6, 12];
}

function expectSecondOrder(problem: Problem, rank: number): void {
  const errors = sizesOf(rank).map((n) => solutionError(problem, n));
  const found = orders(errors);
  expect(Math.min(...found), `errors ${errors.map((e) => e.toExponential(2)).join(', ')}`).toBeGreaterThan(
    rank === 1 ? 1.85 : 1.7,
  );
  expect(errors.at(-1)).toBeLessThan(rank === 3 ? 2e-2 : 5e-3);
}

describe('boundary conditions converge with second order', () => {
  for (const [name, condition] of Object.entries(conditions))
    for (const rank of [1, 2, 3])
      for (const kind of ['cells', 'nodes'] as const)
        if (rank < 3 || ['dirichlet', 'mixed'].includes(name))
          it(`${name}, ${rank}-D, ${kind}`, () => {
            const kinds = Array.from({ length: rank }, () => kind);
            expectSecondOrder(
              {
                grid: box(kinds),
                solution,
                rate: heat(conductivity),
                condition,
                end: rank === 1 ? 0.05 : 0.03,
                step: 0.25 / rank,
              },
              rank,
            );
          });

  it('periodic, 1-D', () => {
    expectSecondOrder(
      { grid: box(['periodic']), solution: periodicSolution, rate: heat(wavy), end: 0.05, step: 0.25 },
      1,
    );
  });
  it('periodic beside Robin walls, 2-D', () => {
    expectSecondOrder(
      {
        grid: box(['periodic', 'cells']),
        solution: periodicSolution,
        rate: heat(wavy),
        condition: robin,
        end: 0.05,
        step: 0.1,
      },
      2,
    );
  });
  it('a full tensor of conductivity: mixed derivatives need the corners', () => {
    const rate: Problem['rate'] = (u) => {
      const [x, y] = [diff(u, 'x'), diff(u, 'y')];
      return plus(
        diff(plus(times(conductivity, x), scaled(0.4, y)), 'x'),
        diff(plus(scaled(0.4, x), times(conductivity, y)), 'y'),
      );
    };
    for (const condition of [dirichlet, robin])
      expectSecondOrder(
        { grid: box(['cells', 'cells']), solution, rate, condition, end: 0.03, step: 0.1 },
        2,
      );
  });
  it('the condition may contain the derivative of a product', () => {
    const condition: Condition = (u) => plus(dn(times(conductivity, u)), u);
    expectSecondOrder(
      { grid: box(['cells']), solution, rate: heat(conductivity), condition, end: 0.05, step: 0.25 },
      1,
    );
  });
  it('two conditions need no more than minus to be written', () => {
    const condition: Condition = (u) => minus(scaled(3, u), scaled(-1, dn(u)));
    expectSecondOrder(
      { grid: box(['nodes']), solution, rate: heat(conductivity), condition, end: 0.05, step: 0.25 },
      1,
    );
  });
});
