// A problem with everything at once: a melting front with a lumped state, a domain pinned to the front, a flux condition that depends on time and on the lumped
// state, a Dirichlet node, and the front driven by a one-sided derivative at that node. Exact: T = exp(t - x) - 1, s = t.

import { expect, it } from 'vitest';
import { add, cast, div, exp, mul, neg, reshape } from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { makeScan } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { at } from '../../compiler/support/lists.ts';
import { constrained, freeRate } from '../../compiler/field/condition.ts';
import { demandCells } from '../../compiler/field/demand.ts';
import {
  coordinate,
  diff,
  equation,
  leaf,
  map,
  plus,
  scalar,
  times,
} from '../../compiler/field/expression.ts';
import { coordinateValues, fieldContext } from '../../compiler/field/grid.ts';
import { trace } from '../../compiler/field/whole.ts';
import type { FieldExpr, Leaf } from '../../compiler/field/types.ts';
import { axis, grid, number, orders } from './support.ts';

/** The error of the front at t = 1, by the classical Runge-Kutta method. */
function frontError(n: number): number {
  const g = new Graph();
  const rod = grid(axis('xi', n, 'nodes'));
  const steps = Math.ceil((0.5 * (n - 1) ** 2) / 0.12);
  const h = 0.5 / steps;
  const over = (a: FieldExpr, b: FieldExpr): FieldExpr =>
    map('div', [a, b], (gg, [x, y]) => div(gg, x ?? 1, y ?? 1));
  const state = (t: Node, values: Node, s: Node): { T: Leaf; context: ReturnType<typeof fieldContext> } => {
    const context = fieldContext(g, rod, 'f64', { time: t });
    const flux = equation(() => plus(over(diff(T, 'xi'), scalar(s)), scalar(exp(g, t))));
    const T: Leaf = leaf(rod, 'T', values, [{ min: flux, max: equation(() => T) }]);
    return { T, context };
  };
  const rates = (t: Node, values: Node, s: Node): [Node, Node] => {
    const { T, context } = state(t, values, s);
    const slope = reshape(g, trace(context, diff(T, 'xi'), { axis: 0, side: 'max' }), []);
    const speed = neg(g, div(g, slope, s));
    const [v, front] = [scalar(speed), scalar(s)];
    const rate = plus(
      over(diff(T, 'xi', 2), times(front, front)),
      times(over(times(coordinate('xi'), v), front), diff(T, 'xi')),
    );
    return [freeRate(context, T, demandCells(context, rate)), speed];
  };
  const xi = coordinateValues(g, rod, 0, 'f64');
  const start = add(g, exp(g, add(g, mul(g, xi, -0.5), 0.5)), -1);
  const { carries } = makeScan(g, {
    length: steps,
    init: [start, g.constant(0.5, 'f64')],
    body: (index, [T, s]) => {
      if (T === undefined || s === undefined) throw new Error();
      const t = add(g, mul(g, cast(g, index, 'f64'), h), 0.5);
      const along = (k: readonly Node[], c: number): [Node, Node] => [
        add(g, T, mul(g, at(k, 0), c)),
        add(g, s, mul(g, at(k, 1), c)),
      ];
      const k1 = rates(t, T, s);
      const k2 = rates(add(g, t, h / 2), ...along(k1, h / 2));
      const k3 = rates(add(g, t, h / 2), ...along(k2, h / 2));
      const k4 = rates(add(g, t, h), ...along(k3, h));
      const sum = (i: number): Node =>
        mul(g, add(g, add(g, at(k1, i), at(k4, i)), mul(g, add(g, at(k2, i), at(k3, i)), 2)), h / 6);
      const next = add(g, T, sum(0));
      const front = add(g, s, sum(1));
      const after = state(add(g, t, h), next, front);
      return { carries: [constrained(after.context, after.T), front], ys: [] };
    },
  });
  return Math.abs(number(at(carries, 1)) - 1);
}

it('the front converges with second order, with the error constant of an independent program', () => {
  const errors = [17, 33].map(frontError);
  expect(at(errors, 0)).toBeCloseTo(3.2e-4, 5);
  expect(at(errors, 1)).toBeCloseTo(7.9e-5, 6);
  expect(at(orders(errors), 0)).toBeGreaterThan(1.9);
});
