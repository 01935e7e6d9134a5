// The discretisation differentiates: tangents and cotangents agree, in states, coefficients and the right sides of boundary conditions; the gradient with
// respect to a boundary value is what the exact stencil says; adjoints of stencils hold no scatter.

import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { jvp } from '../../compiler/autodiff/jvp.ts';
import { vjp } from '../../compiler/autodiff/vjp.ts';
import { add, full, mul, pow, sumAll } from '../../compiler/ir/build.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import { reachable } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { sizeOf } from '../../compiler/ir/types.ts';
import { at, zip } from '../../compiler/support/lists.ts';
import { demandCells } from '../../compiler/field/demand.ts';
import {
  coordinate,
  diff,
  divergence,
  equation,
  gradient,
  leaf,
  map,
  minus,
  plus,
  scalar,
  scaled,
  times,
  wallDerivative,
} from '../../compiler/field/expression.ts';
import { integral, integralOver, trace } from '../../compiler/field/whole.ts';
import type { FieldContext, FieldExpr, Grid, Leaf } from '../../compiler/field/types.ts';
import { array, axis, contextOn, grid, noise, numbers, type AxisKind } from './support.ts';

interface Model {
  readonly context: FieldContext;
  readonly inputs: readonly Node[];
  readonly u: Leaf;
  readonly k: Leaf;
}

/** A state u, a coefficient k and a number b in the boundary conditions. */
function model(where: Grid, condition: (u: FieldExpr, b: FieldExpr) => FieldExpr): Model {
  const context = contextOn(where);
  const g = context.graph;
  const shape = where.axes.map((a) => a.count);
  const b = g.param('b', { dtype: 'f64', shape: [] });
  const u: Leaf = leaf(
    where,
    'u',
    g.param('u', { dtype: 'f64', shape }),
    equation(() => condition(u, scalar(b))),
  );
  const k = leaf(where, 'k', g.param('k', { dtype: 'f64', shape }), { kind: 'even' });
  return { context, inputs: [u.values, k.values, b], u, k };
}

const dn = wallDerivative;
const fourth = (e: FieldExpr): FieldExpr =>
  map('fourth power', [e], (g, [x]) => (x ? mul(g, pow(g, x, 4), 0.1) : g.constant(0, 'f64')));
const conditions = {
  dirichlet: (u: FieldExpr, b: FieldExpr) => minus(u, times(b, plus(coordinate('x'), coordinate('y')))),
  neumann: (u: FieldExpr, b: FieldExpr) => minus(dn(u), times(b, coordinate('x'))),
  robin: (u: FieldExpr, b: FieldExpr) =>
    plus(times(plus(b, scaled(2, coordinate('y'))), dn(u)), scaled(3, u)),
  radiation: (u: FieldExpr, b: FieldExpr) => minus(plus(dn(u), fourth(u)), b),
};

function random(node: Node, seed: number): NdArray {
  const shift = node.op === 'param' && node.attrs.name !== 'du' ? 2 : 0;
  return array(
    node.shape,
    noise(sizeOf(node.shape), seed).map((x) => x + shift),
  );
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  zip(a, b).reduce((sum, [x, y]) => sum + x * y, 0);

function outputsOf({ context, u, k }: Model): Node[] {
  const where = context.grid;
  const [x, y] = [at(where.axes, 0).name, at(where.axes, 1).name];
  return [
    demandCells(
      context,
      divergence(
        gradient(u, where).map((e) => times(k, e)),
        where,
      ),
    ),
    demandCells(context, diff(times(times(u, k), diff(u, y)), x)),
    integral(context, times(k, times(u, u))),
    ...(at(where.axes, 0).periodic
      ? []
      : [
          trace(context, times(k, dn(u)), { axis: 0, side: 'min' }),
          integralOver(context, times(u, u), { axis: 0, side: 'max' }),
        ]),
  ];
}

describe('tangents and cotangents agree', () => {
  for (const [name, condition] of Object.entries(conditions))
    it(name, () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 3, max: 5 }),
          fc.integer({ min: 3, max: 5 }),
          fc.constantFrom<AxisKind>('cells', 'nodes', 'periodic'),
          fc.constantFrom<AxisKind>('cells', 'nodes'),
          fc.integer({ min: 1, max: 1000 }),
          (nx, ny, kx, ky, seed) => {
            const m = model(grid(axis('x', nx, kx), axis('y', ny, ky)), condition);
            const g = m.context.graph;
            const outputs = outputsOf(m);
            const directions = m.inputs.map((x) => g.param('du', { dtype: 'f64', shape: x.shape }));
            const weights = outputs.map((y) => g.param('dy', { dtype: 'f64', shape: y.shape }));
            const bindings = new Map(
              [...m.inputs, ...directions, ...weights].map((node, i) => [node, random(node, seed + i)]),
            );
            const forwards = zip(jvp(g, outputs, m.inputs, directions), weights);
            const backwards = zip(vjp(g, outputs, m.inputs, weights), directions);
            const paired = (list: readonly (readonly [Node | undefined, Node])[]): number =>
              list.reduce(
                (sum, [a, b]) =>
                  sum + (a === undefined ? 0 : dot(numbers(a, bindings), numbers(b, bindings))),
                0,
              );
            const [left, right] = [paired(forwards), paired(backwards)];
            expect(Math.abs(left - right)).toBeLessThan(1e-12 * (1 + Math.abs(left)));
          },
        ),
        { numRuns: 15 },
      );
    });
});

describe('gradients', () => {
  it('with respect to a Dirichlet value is the stencil weight 2/h^2 at the cells beside the walls', () => {
    const where = grid(axis('x', 4));
    const m = model(where, (u, b) => minus(u, b));
    const g = m.context.graph;
    const rate = demandCells(m.context, diff(m.u, 'x', 2));
    const slope = jvp(g, [rate], [at(m.inputs, 2)], [g.constant(1, 'f64')])[0];
    expect(slope && numbers(slope)).toEqual([32, 0, 0, 32]);
  });
  it('with respect to a Neumann value is 1/h', () => {
    const where = grid(axis('x', 4));
    const m = model(where, (u, b) => minus(dn(u), b));
    const g = m.context.graph;
    const rate = demandCells(m.context, diff(m.u, 'x', 2));
    const slope = jvp(g, [rate], [at(m.inputs, 2)], [g.constant(1, 'f64')])[0];
    expect(slope && numbers(slope)).toEqual([4, 0, 0, 4]);
  });
  it('of a nonlinear condition is that of the implicit function', () => {
    const where = grid(axis('x', 4));
    const m = model(where, (u, b) => minus(plus(dn(u), fourth(u)), b));
    const g = m.context.graph;
    const wall = trace(m.context, m.u, { axis: 0, side: 'min' });
    const bindings = new Map(m.inputs.map((x, i) => [x, random(x, 3 + i)]));
    const b = at(m.inputs, 2);
    const slope = jvp(g, [wall], [b], [g.constant(1, 'f64')])[0];
    const value = at(numbers(wall, bindings), 0);
    // u_wall = (ghost + u)/2, dn = (ghost - u)/h: d(u_wall)/db = 1/(2/h + 0.4 u_wall^3).
    expect(slope && at(numbers(slope, bindings), 0)).toBeCloseTo(1 / (8 + 0.4 * value ** 3), 12);
  });
  it('adjoints of stencils are gathers: no scatter appears', () => {
    for (const kind of ['cells', 'nodes', 'periodic'] as const) {
      const m = model(grid(axis('x', 6, kind), axis('y', 5)), conditions.robin);
      const g = m.context.graph;
      const objective = outputsOf(m)
        .map((y) => sumAll(g, mul(g, y, y)))
        .reduce((a, b) => add(g, a, b));
      const found = vjp(g, [objective], m.inputs, [full(g, [], 1, 'f64')]);
      const ops = reachable(found.filter((x) => x !== undefined)).map((x) => x.op);
      expect(ops).not.toContain('scatter_add');
      expect(ops).not.toContain('gather');
    }
  });
  it('marked fluxes change nothing but the marks', () => {
    const where = grid(axis('x', 6), axis('y', 5, 'periodic'));
    const plain = model(where, conditions.robin);
    const e = divergence(
      gradient(plain.u, where).map((d) => times(plain.k, d)),
      where,
    );
    const marked: FieldContext = { ...plain.context, memo: new Map(), keepFaces: true };
    const [a, b] = [demandCells(plain.context, e), demandCells(marked, e)];
    expect(reachable([b]).filter((x) => x.op === 'keep').length).toBe(2);
    const bindings = new Map(plain.inputs.map((x, i) => [x, random(x, i)]));
    expect(numbers(b, bindings)).toEqual(numbers(a, bindings));
  });
});
