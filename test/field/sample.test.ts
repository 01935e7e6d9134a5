// Probes, sources, traces, integrals and resampling: exact on multilinear fields, second order otherwise, transposes of each other, differentiable in
// the place.

import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { jvp } from '../../compiler/autodiff/jvp.ts';
import { add, cos, mul, sin, sumAll } from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { reachable } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { analytic, coordinate, diff, leaf, map, times } from '../../compiler/field/expression.ts';
import { coordinateValues } from '../../compiler/field/grid.ts';
import { integral, integralOver, pointSource, probe, resample, trace } from '../../compiler/field/whole.ts';
import type { FieldExpr, Grid } from '../../compiler/field/types.ts';
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
  orders,
  sampled,
  type AxisKind,
  type Smooth,
} from './support.ts';

const zero = (g: Graph): Node => g.constant(0, 'f64');
const bilinear: Smooth = (g, { x, y }) =>
  x && y ? add(g, add(g, mul(g, x, 2), mul(g, y, -3)), mul(g, mul(g, x, y), 4)) : zero(g);
const bilinearAt = (x: number, y: number): number => 2 * x - 3 * y + 4 * x * y;
const wave: Smooth = (g, { x, y }) =>
  x && y ? mul(g, sin(g, mul(g, x, 2 * Math.PI)), cos(g, mul(g, y, 2))) : zero(g);
const square = (e: FieldExpr): FieldExpr => map('square', [e], (g, [x]) => (x ? mul(g, x, x) : zero(g)));

const plate = (n: number, kinds: readonly [AxisKind, AxisKind] = ['cells', 'nodes']): Grid =>
  grid(axis('x', n, kinds[0], 0, 1), axis('y', n + 1, kinds[1], -1, 2));

describe('probe', () => {
  const points = { x: [0, 0.01, 0.37, 0.5, 0.99, 1], y: [-1, 0.2, 1.999, 0.5, 2, 0] };
  const at6 = (g: Graph): Node[] => [
    g.param('px', { dtype: 'f64', shape: [6] }),
    g.param('py', { dtype: 'f64', shape: [6] }),
  ];
  for (const kinds of [
    ['cells', 'cells'],
    ['nodes', 'cells'],
    ['nodes', 'nodes'],
  ] as const)
    it(`is exact on bilinear fields up to the walls, ${kinds.join(' and ')}`, () => {
      const context = contextOn(plate(5, kinds));
      const p = at6(context.graph);
      const bindings = new Map([
        [at(p, 0), array([6], points.x)],
        [at(p, 1), array([6], points.y)],
      ]);
      const values = numbers(probe(context, sampled(context, 'u', bilinear), p), bindings);
      const expected = points.x.map((x, i) => bilinearAt(x, at(points.y, i)));
      expect(largestDifference(values, expected)).toBeLessThan(1e-13);
    });
  it('gives the same at points known at compile time, by slices alone', () => {
    for (const kinds of [
      ['cells', 'nodes'],
      ['periodic', 'periodic nodes'],
    ] as const) {
      const context = contextOn(plate(5, kinds));
      const g = context.graph;
      const values = g.param('u', { dtype: 'f64', shape: [5, 6] });
      const u = leaf(context.grid, 'u', values, { kind: 'extrapolate' });
      const bound = array([5, 6], noise(30));
      range(6).forEach((i) => {
        const known = probe(
          context,
          u,
          [at(points.x, i), at(points.y, i)].map((c) => g.constant(c, 'f64')),
        );
        const p = [0, 1].map((k) => g.param(`p${k}`, { dtype: 'f64', shape: [] }));
        const bindings = new Map([
          [values, bound],
          [at(p, 0), array([], [at(points.x, i)])],
          [at(p, 1), array([], [at(points.y, i)])],
        ]);
        expect(number(known, bindings)).toBeCloseTo(number(probe(context, u, p), bindings), 12);
        expect(reachable([known]).some((n) => n.op === 'gather')).toBe(false);
      });
    }
  });
  it('wraps on a periodic axis and stops at walls elsewhere', () => {
    const context = contextOn(plate(6, ['periodic', 'nodes']));
    const g = context.graph;
    const u = sampled(context, 'u', wave);
    const p = (x: number, y: number): Node[] => {
      const offset = g.param('o', { dtype: 'f64', shape: [] });
      bindings.set(offset, array([], [0]));
      return [add(g, offset, x), add(g, offset, y)];
    };
    const bindings = new Map<Node, ReturnType<typeof array>>();
    const value = (x: number, y: number): number => number(probe(context, u, p(x, y)), bindings);
    expect(value(1.23, 0)).toBeCloseTo(value(0.23, 0), 13);
    expect(value(-0.77, 0)).toBeCloseTo(value(0.23, 0), 13);
    expect(value(0.98, 0)).toBeCloseTo(value(-0.02, 0), 13);
    expect(value(0.3, 5)).toBe(value(0.3, 2));
  });
  it('is second order for a product, whose factors are interpolated, and exact in coordinates', () => {
    const errors = [8, 16, 32].map((n) => {
      const context = contextOn(plate(n, ['periodic', 'cells']));
      const g = context.graph;
      const p = [g.constant(0.313, 'f64'), g.constant(0.717, 'f64')];
      const value = number(probe(context, times(coordinate('x'), square(sampled(context, 'u', wave))), p));
      return value - 0.313 * (Math.sin(2 * Math.PI * 0.313) * Math.cos(1.434)) ** 2;
    });
    expect(Math.min(...orders(errors.map(Math.abs)))).toBeGreaterThan(1.4);
    expect(Math.abs(at(errors, 2))).toBeLessThan(3e-3);
    const context = contextOn(plate(4));
    const p = [context.graph.constant(0.3, 'f64'), context.graph.constant(0.4, 'f64')];
    expect(number(probe(context, analytic('wave', wave), p))).toBeCloseTo(
      Math.sin(0.6 * Math.PI) * Math.cos(0.8),
      14,
    );
  });
  it('takes derivatives at a point, and is differentiable in the place', () => {
    const context = contextOn(plate(5, ['nodes', 'cells']));
    const g = context.graph;
    const u = sampled(context, 'u', bilinear);
    const p = [0, 1].map((k) => g.param(`p${k}`, { dtype: 'f64', shape: [] }));
    const bindings = new Map([
      [at(p, 0), array([], [0.43])],
      [at(p, 1), array([], [0.9])],
    ]);
    expect(number(probe(context, diff(u, 'x'), p), bindings)).toBeCloseTo(2 + 4 * 0.9, 12);
    const one = g.constant(1, 'f64');
    const slope = jvp(g, [probe(context, u, p)], p, [one, undefined])[0];
    expect(slope && number(slope, bindings)).toBeCloseTo(2 + 4 * 0.9, 12);
  });
});

describe('point sources', () => {
  it('are the transpose of a probe and keep their strength', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 2, max: 5 }),
        fc.constantFrom<AxisKind>('cells', 'periodic', 'periodic nodes'),
        fc.constantFrom<AxisKind>('cells', 'nodes', 'periodic'),
        fc.array(
          fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: -1, max: 2, noNaN: true })),
          {
            minLength: 1,
            maxLength: 4,
          },
        ),
        fc.boolean(),
        (nx, ny, kx, ky, places, known) => {
          const context = contextOn(grid(axis('x', nx, kx, 0, 1), axis('y', ny, ky, -1, 2)));
          const g = context.graph;
          const m = places.length;
          const single = known || m === 1;
          const shape = single ? [] : [m];
          const p = [0, 1].map((k) =>
            known ? g.constant(at(at(places, 0), k), 'f64') : g.param(`p${k}`, { dtype: 'f64', shape }),
          );
          const q = g.param('q', { dtype: 'f64', shape });
          const bindings = new Map([[q, array(shape, noise(single ? 1 : m, 4))]]);
          if (!known)
            p.forEach((node, k) =>
              bindings.set(
                node,
                array(
                  shape,
                  places.map((c) => at(c, k)),
                ),
              ),
            );
          const values = g.literal(Float64Array.from(noise(nx * ny, 2)), [nx, ny], 'f64');
          const u = leaf(context.grid, 'u', values, { kind: 'even' });
          const source = pointSource(context, p, q);
          const paired = number(integral(context, times(source, u)), bindings);
          const probed = number(sumAll(g, mul(g, q, probe(context, u, p))), bindings);
          expect(paired).toBeCloseTo(probed, 11);
          expect(number(integral(context, source), bindings)).toBeCloseTo(number(sumAll(g, q), bindings), 11);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('integrals and traces', () => {
  it('converge with second order', () => {
    const errors = [8, 16, 32].map((n) => {
      const context = contextOn(plate(n));
      const inside = number(integral(context, square(sampled(context, 'u', wave)))) - truth;
      const rim =
        number(integralOver(context, square(sampled(context, 'u', bilinear)), { axis: 1, side: 'max' })) -
        edge;
      return [Math.abs(inside), Math.abs(rim)];
    });
    for (const k of [0, 1]) expect(Math.min(...orders(errors.map((e) => at(e, k))))).toBeGreaterThan(1.9);
  });
  // ∫ sin²(2πx) dx = 1/2, ∫ cos²(2y) dy over -1 .. 2; at y = 2: (10x - 6)² over 0 .. 1.
  const truth = 0.5 * (1.5 + (Math.sin(8) + Math.sin(4)) / 8);
  const edge = (4 ** 3 + 6 ** 3) / 30;

  it('a trace is the value on the wall', () => {
    for (const kinds of [
      ['cells', 'cells'],
      ['nodes', 'nodes'],
    ] as const) {
      const context = contextOn(plate(4, kinds));
      const u = sampled(context, 'u', bilinear);
      const y = numbers(coordinateValues(context.graph, context.grid, 1, 'f64'));
      for (const [side, x] of [
        ['min', 0],
        ['max', 1],
      ] as const)
        expect(
          largestDifference(
            numbers(trace(context, u, { axis: 0, side })),
            y.map((v) => bilinearAt(x, v)),
          ),
        ).toBeLessThan(1e-13);
    }
  });
  it('the seam of a periodic axis is a place too', () => {
    const context = contextOn(plate(16, ['periodic', 'cells']));
    const u = sampled(context, 'u', wave);
    const low = numbers(trace(context, u, { axis: 0, side: 'min' }));
    expect(largestDifference(low, numbers(trace(context, u, { axis: 0, side: 'max' })))).toBe(0);
    expect(largest(low)).toBeLessThan(1e-15);
  });
});

describe('resample', () => {
  const target = (n: number): Grid => grid(axis('x', n, 'nodes', 0.1, 0.9), axis('y', n + 2, 'cells', -1, 2));
  it('is exact on bilinear fields, by slices where the grids match and by gathers elsewhere', () => {
    for (const [from, to] of [
      [plate(5), target(7)],
      [plate(6, ['nodes', 'cells']), target(4)],
      [plate(8, ['cells', 'cells']), grid(axis('x', 4), axis('y', 3, 'cells', -1, 2))],
      [plate(12, ['cells', 'cells']), grid(axis('x', 4), axis('y', 13, 'cells', -1, 2))],
      [plate(4, ['cells', 'cells']), grid(axis('x', 12), axis('y', 5, 'nodes', -1, 2))],
      [plate(9, ['nodes', 'nodes']), grid(axis('x', 5, 'nodes'), axis('y', 4, 'nodes', -1, 2))],
    ] as const) {
      const context = contextOn(from);
      const moved = numbers(resample(context, sampled(context, 'u', bilinear), to));
      const there = contextOn(to);
      expect(largestDifference(moved, numbers(sampled(there, 'u', bilinear).values))).toBeLessThan(1e-13);
    }
  });
  it('uses no gather from fine to coarse', () => {
    const fine = plate(12, ['cells', 'cells']);
    const context = contextOn(fine);
    const values = context.graph.param('u', { dtype: 'f64', shape: [12, 13] });
    const coarse = grid(axis('x', 6), axis('y', 13, 'cells', -1, 2));
    const moved = resample(context, leaf(fine, 'u', values, { kind: 'missing' }), coarse);
    expect(reachable([moved]).map((n) => n.op)).not.toContain('gather');
  });
  it('evaluates functions of the coordinates exactly on the target', () => {
    const context = contextOn(plate(4));
    const to = target(6);
    const moved = numbers(resample(context, square(analytic('wave', wave)), to));
    const there = contextOn(to);
    expect(
      largestDifference(moved, numbers(sampled(there, 'u', (g, c) => mul(g, wave(g, c), wave(g, c))).values)),
    ).toBe(0);
  });
  it('wraps', () => {
    const from = grid(axis('x', 8, 'periodic'));
    const context = contextOn(from);
    const round: Smooth = (g, { x }) => (x ? sin(g, mul(g, x, 2 * Math.PI)) : zero(g));
    const to = grid(axis('x', 5, 'periodic nodes'));
    const errors = numbers(resample(context, sampled(context, 'u', round), to)).map(
      (v, i) => v - Math.sin((2 * Math.PI * i) / 5),
    );
    expect(largest(errors)).toBeLessThan(0.08);
    const ends = resample(context, sampled(context, 'u', round), grid(axis('x', 2, 'nodes')));
    expect(largest(numbers(ends))).toBeLessThan(1e-15);
  });
});
