// Every operator against its exact value: second order on smooth functions, exactness on the polynomials it should be exact for.

import { describe, expect, it } from 'vitest';
import { add, cos, exp, mul, sin } from '../../compiler/ir/build.ts';
import {
  advect,
  atPlace,
  coordinate,
  curl2,
  curl3,
  diff,
  divergence,
  gradient,
  harmonic,
  laplacian,
  map,
  tensorDivergence,
  times,
  vectorGradient,
} from '../../compiler/field/expression.ts';
import { facesAlong } from '../../compiler/field/grid.ts';
import type { FieldExpr, Grid, Leaf } from '../../compiler/field/types.ts';
import { at } from '../../compiler/support/lists.ts';
import { axis, grid, orders, truncation, type AxisKind, type Smooth } from './support.ts';

const TAU = 2 * Math.PI;
const need = <T>(x: T | undefined): T => {
  if (x === undefined) throw new Error('absent');
  return x;
};

/** Smooth and periodic on the unit cube, of as many coordinates as there are. */
const wave =
  (phase: number): Smooth =>
  (g, c) =>
    ['x', 'y', 'z']
      .flatMap((name, i) => (c[name] === undefined ? [] : [sin(g, add(g, mul(g, c[name], TAU), phase + i))]))
      .reduce((a, b) => mul(g, a, add(g, mul(g, b, 0.5), 1)));
const bump: Smooth = (g, c) => exp(g, cos(g, add(g, mul(g, need(c['x']), 2), need(c['y'] ?? c['x']))));
const functions = {
  u: wave(0.3),
  v: wave(1.1),
  w: wave(2.5),
  k: (g, c) => exp(g, mul(g, wave(0.9)(g, c), 0.5)),
} satisfies Record<string, Smooth>;

type Build = (u: (name: string) => Leaf, where: Grid) => FieldExpr;
const square = (e: FieldExpr): FieldExpr => map('square', [e], (g, [x]) => mul(g, need(x), need(x)));

const operators: Record<string, { readonly least: number; readonly build: Build }> = {
  dx: { least: 1, build: (u) => diff(u('u'), 'x') },
  dxx: { least: 1, build: (u) => diff(u('u'), 'x', 2) },
  'dx of dx of dx': { least: 1, build: (u) => diff(u('u'), 'x', 3) },
  dxxxx: { least: 1, build: (u) => diff(u('u'), 'x', 4) },
  'flux dx(u^2/2)': { least: 1, build: (u) => diff(square(u('u')), 'x') },
  'dx(k dx u)': { least: 1, build: (u) => diff(times(u('k'), diff(u('u'), 'x')), 'x') },
  'dx(x u), placed on faces': { least: 1, build: (u) => diff(times(coordinate('x'), square(u('u'))), 'x') },
  dxy: { least: 2, build: (u) => diff(diff(u('u'), 'y'), 'x') },
  dxxy: { least: 2, build: (u) => diff(diff(u('u'), 'y'), 'x', 2) },
  'dx(k dy u)': { least: 2, build: (u) => diff(times(u('k'), diff(u('u'), 'y')), 'x') },
  lap: { least: 1, build: (u, d) => laplacian(u('u'), d) },
  'lap lap': { least: 1, build: (u, d) => laplacian(laplacian(u('u'), d), d) },
  'div(k grad u)': {
    least: 1,
    build: (u, d) =>
      divergence(
        gradient(u('u'), d).map((e) => times(u('k'), e)),
        d,
      ),
  },
  'div(harmonic(k) grad u)': {
    least: 1,
    build: (u, d) =>
      divergence(
        gradient(u('u'), d).map((e) => times(harmonic(u('k')), e)),
        d,
      ),
  },
  'div at cells': {
    least: 1,
    build: (u, d) =>
      divergence(
        gradient(u('u'), d).map((e) => times(atPlace('cells', square(u('k'))), e)),
        d,
      ),
  },
  'at faces': { least: 1, build: (u) => atPlace('faces', square(u('u'))) },
  '|grad u|^2': {
    least: 1,
    build: (u, d) =>
      gradient(u('u'), d)
        .map(square)
        .reduce((a, b) => map('add', [a, b], (g, [x, y]) => add(g, need(x), need(y)))),
  },
  'advect of a scalar': {
    least: 2,
    build: (u, d) => advect(['u', 'v', 'w'].slice(0, d.axes.length).map(u), u('k'), d),
  },
  'div of a vector': {
    least: 2,
    build: (u, d) => divergence(['u', 'v', 'w'].slice(0, d.axes.length).map(u), d),
  },
  'div of a stress': {
    least: 2,
    build: (u, d) => {
      const v = ['u', 'v', 'w'].slice(0, d.axes.length).map(u);
      const s = vectorGradient(v, d).map((row, i) =>
        row.map((e, j) =>
          times(
            u('k'),
            map('sym', [e, at(at(vectorGradient(v, d), j), i)], (g, [a, b]) => add(g, need(a), need(b))),
          ),
        ),
      );
      return at(tensorDivergence(s, d), 1);
    },
  },
  'curl in the plane': {
    least: 2,
    build: (u, d) =>
      d.axes.length === 2 ? curl2([u('u'), u('v')], d) : at(curl3([u('u'), u('v'), u('w')], d), 2),
  },
  'curl in space': { least: 3, build: (u, d) => at(curl3([u('u'), u('v'), u('w')], d), 0) },
};

const boxes = (kind: AxisKind, rank: number, n: number): Grid =>
  grid(...['x', 'y', 'z'].slice(0, rank).map((name, i) => axis(name, n + (i === 0 ? 0 : 2 * (i - 1)), kind)));

describe('second order', () => {
  for (const [name, { least, build }] of Object.entries(operators))
    for (const rank of [1, 2, 3])
      if (rank >= least)
        for (const kind of ['periodic', 'periodic nodes'] as const)
          it(`${name}, ${rank}-D, ${kind}`, () => {
            const sizes = rank === 3 ? [16, 32] : [16, 32, 64];
            const errors = sizes.map((n) =>
              truncation(boxes(kind, rank, n), (_, u) => build(u, boxes(kind, rank, n)), functions),
            );
            expect(Math.min(...orders(errors))).toBeGreaterThan(rank === 3 ? 1.7 : 1.8);
          });

  for (const kind of ['cells', 'nodes'] as const)
    for (const name of [
      'dx',
      'div of a vector',
      'curl in the plane',
      'advect of a scalar',
      '|grad u|^2',
      'at faces',
    ])
      it(`${name} with one-sided ends, 2-D, ${kind}`, () => {
        const errors = [16, 32, 64].map((n) =>
          truncation(boxes(kind, 2, n), (_, u) => need(operators[name]).build(u, boxes(kind, 2, n)), {
            u: bump,
            v: wave(0.2),
            k: bump,
          }),
        );
        expect(Math.min(...orders(errors))).toBeGreaterThan(1.8);
      });

  it('on faces', () => {
    const errors = [16, 32, 64].map((n) => {
      const where = boxes('cells', 2, n);
      return truncation(
        where,
        (_, u) => times(u('k'), diff(u('u'), 'x')),
        { u: wave(0), k: bump },
        facesAlong(where, 0).map((r) => (r.kind === 'face' ? { ...r, lo: 1, hi: r.hi - 1 } : r)),
      );
    });
    expect(Math.min(...orders(errors))).toBeGreaterThan(1.85);
  });
});

describe('exact on polynomials', () => {
  const parabola: Smooth = (g, c) => {
    const [x, y] = [need(c['x']), need(c['y'])];
    const linear = add(g, mul(g, x, 2), mul(g, y, -3));
    return add(
      g,
      add(g, linear, mul(g, mul(g, x, y), 4)),
      add(g, mul(g, mul(g, x, x), 5), mul(g, mul(g, y, y), -1)),
    );
  };
  for (const kind of ['cells', 'nodes'] as const) {
    for (const name of ['dx', 'dxx', 'dxy', 'lap'])
      it(`${name} of a parabola up to the walls, ${kind}`, () => {
        const where = grid(axis('x', 6, kind, -1, 2), axis('y', 5, kind));
        expect(
          truncation(where, (_, u) => need(operators[name]).build(u, where), { u: parabola }),
        ).toBeLessThan(1e-11);
      });
    it(`div(k grad u) of linear k and u, ${kind}`, () => {
      const where = grid(axis('x', 6, kind, -1, 2), axis('y', 5, kind));
      const line =
        (a: number, b: number): Smooth =>
        (g, c) =>
          add(g, mul(g, need(c['x']), a), mul(g, need(c['y']), b));
      expect(
        truncation(where, (_, u) => need(operators['div(k grad u)']).build(u, where), {
          u: line(1, 2),
          k: line(-2, 0.5),
        }),
      ).toBeLessThan(1e-11);
    });
  }
  it('the derivative of a coordinate is one, also across the seam of a periodic axis', () => {
    const where = grid(axis('x', 8, 'periodic'));
    expect(truncation(where, () => diff(coordinate('x'), 'x'), {})).toBeLessThan(1e-12);
  });
});
