// Which condition belongs to which state, the messages of wrong conditions, and the unknowns that conditions fix.

import { describe, expect, it } from 'vitest';
import { mul } from '../../compiler/ir/build.ts';
import { FlowError } from '../../compiler/support/diagnostic.ts';
import { at } from '../../compiler/support/lists.ts';
import {
  assignConditions,
  constrained,
  fixedWalls,
  freeRate,
  type Condition,
} from '../../compiler/field/condition.ts';
import { demandCells } from '../../compiler/field/demand.ts';
import {
  coordinate,
  diff,
  equation,
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
import { checkGrid } from '../../compiler/field/grid.ts';
import { resample, trace } from '../../compiler/field/whole.ts';
import type { FieldContext, FieldExpr, Grid, GridAxis, Leaf, Wall } from '../../compiler/field/types.ts';
import { axis, contextOn, grid, noise, numbers } from './support.ts';

const dn = wallDerivative;
const min: Wall = { axis: 0, side: 'min' };
const yMin: Wall = { axis: 1, side: 'min' };

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof FlowError) {
      const [d] = error.diagnostics;
      return `${d?.code}: ${d?.message} | ${d?.help}`;
    }
    throw error;
  }
  return 'no error';
}

function prototypes(context: FieldContext, ...names: readonly string[]): Leaf[] {
  const shape = context.grid.axes.map((a) => a.count);
  return names.map((name) =>
    leaf(context.grid, name, context.graph.param(name, { dtype: 'f64', shape }), { kind: 'even' }),
  );
}

/** A leaf with the same condition at both ends of every axis. */
function stateWith(context: FieldContext, condition: (u: FieldExpr) => FieldExpr, name = 'T'): Leaf {
  const shape = context.grid.axes.map((a) => a.count);
  const size = shape.reduce((a, b) => a * b, 1);
  const values = context.graph.literal(Float64Array.from(noise(size)), shape, 'f64');
  const u: Leaf = leaf(
    context.grid,
    name,
    values,
    equation(() => condition(u)),
  );
  return u;
}

describe('assignment', () => {
  const plate = grid(axis('x', 4), axis('y', 5));
  it('gives every equation the state it speaks of, whatever the order', () => {
    const context = contextOn(plate);
    const [T, S] = prototypes(context, 'T', 'S');
    if (T === undefined || S === undefined) throw new Error();
    const assigned = (conditions: readonly Condition[]): readonly number[] =>
      assignConditions(context, [T, S], conditions);
    expect(
      assigned([
        { wall: min, residual: dn(S) },
        { wall: min, residual: T },
      ]),
    ).toEqual([1, 0]);
    // dn(S) = T belongs to S, T = 1 to T.
    expect(
      assigned([
        { wall: min, residual: minus(dn(S), T) },
        { wall: min, residual: T },
      ]),
    ).toEqual([1, 0]);
    // S - T = 0 must take S, because T = 1 can only take T.
    expect(
      assigned([
        { wall: min, residual: minus(T, S) },
        { wall: min, residual: T },
      ]),
    ).toEqual([1, 0]);
    expect(
      assigned([
        { wall: min, residual: T },
        { wall: yMin, residual: T },
      ]),
    ).toEqual([0, 0]);
  });
  it('a state multiplied by a vanishing component of the normal is not taken', () => {
    const context = contextOn(plate);
    const states = prototypes(context, 'u', 'v');
    const through = plus(times(at(states, 0), normal('x')), times(at(states, 1), normal('y')));
    expect(assignConditions(context, states, [{ wall: yMin, residual: through }])).toEqual([1]);
    expect(assignConditions(context, states, [{ wall: min, residual: through }])).toEqual([0]);
  });
  it('reports what cannot be assigned', () => {
    const context = contextOn(grid(axis('x', 4), axis('y', 5, 'periodic')));
    const [T] = prototypes(context, 'T');
    if (T === undefined) throw new Error();
    const assign =
      (...conditions: readonly Condition[]) =>
      () =>
        assignConditions(context, [T], conditions);
    expect(code(assign({ wall: min, residual: T }, { wall: min, residual: dn(T) }))).toMatch(
      /E302: T has a second boundary condition at x.min/,
    );
    expect(code(assign({ wall: yMin, residual: T }))).toMatch(/E303: `y` is periodic and has no boundary/);
    expect(code(assign({ wall: min, residual: coordinate('y') }))).toMatch(
      /E304: .* x.min contains no state/,
    );
  });
});

describe('messages', () => {
  const rod = grid(axis('x', 5));
  const rate =
    (e: (u: Leaf) => FieldExpr, condition: (u: FieldExpr) => FieldExpr, where: Grid = rod) =>
    () => {
      const context = contextOn(where);
      return demandCells(context, e(stateWith(context, condition)));
    };
  it('a missing condition names the wall and shows what to write', () => {
    const context = contextOn(rod);
    const values = context.graph.literal(new Float64Array(5), [5], 'f64');
    const u = leaf(rod, 'T', values, [{ min: { kind: 'even' }, max: { kind: 'missing' } }]);
    expect(code(() => demandCells(context, laplacian(u, rod)))).toMatch(
      /E301: T needs a boundary condition at x.max \| add `boundary x.max \{ T = … \}`/,
    );
    expect(code(() => demandCells(context, times(u, u)))).toBe('no error');
  });
  it('a condition that does not determine the state', () => {
    expect(
      code(
        rate(
          (u) => laplacian(u, rod),
          () => coordinate('x'),
        ),
      ),
    ).toMatch(/E304: .* does not determine T/);
    const cancels = (u: FieldExpr): FieldExpr =>
      map('none', [u], (g, [x]) => (x ? mul(g, x, 0) : g.constant(0, 'f64')));
    expect(code(rate((u) => laplacian(u, rod), cancels))).toMatch(/E304/);
    const nodes = grid(axis('x', 5, 'nodes'));
    expect(code(rate((u) => laplacian(u, nodes), cancels, nodes))).toMatch(/E304/);
  });
  it('derivatives that a condition cannot have', () => {
    const plate = grid(axis('x', 5), axis('y', 4));
    expect(
      code(
        rate(
          (u) => laplacian(u, plate),
          (u) => plus(dn(u), diff(u, 'y')),
          plate,
        ),
      ),
    ).toMatch(/E307: .*along the wall/);
    expect(
      code(
        rate(
          (u) => laplacian(u, rod),
          (u) => diff(u, 'x', 2),
        ),
      ),
    ).toMatch(/E308: .*second derivative of T/);
  });
  it('conditions that depend on another, and conditions that contradict each other', () => {
    const context = contextOn(rod);
    const values = context.graph.literal(Float64Array.from(noise(5)), [5], 'f64');
    const free: Leaf = leaf(
      rod,
      'F',
      values,
      equation(() => dn(free)),
    );
    const bound: Leaf = leaf(
      rod,
      'B',
      values,
      equation(() => minus(dn(bound), free)),
    );
    expect(code(() => demandCells(context, laplacian(bound, rod)))).toBe('no error');
    const T: Leaf = leaf(
      rod,
      'T',
      values,
      equation(() => minus(T, S)),
    );
    const S: Leaf = leaf(
      rod,
      'S',
      values,
      equation(() => minus(S, T)),
    );
    expect(code(() => demandCells(context, laplacian(T, rod)))).toMatch(
      /E304: the boundary condition at x.min does not determine T/,
    );
  });
  it('a fixed value and a ghost that need each other', () => {
    const nodes = grid(axis('x', 5, 'nodes'));
    const context = contextOn(nodes);
    const values = context.graph.literal(Float64Array.from(noise(5)), [5], 'f64');
    const T: Leaf = leaf(
      nodes,
      'T',
      values,
      equation(() => minus(T, dn(S))),
    );
    const S: Leaf = leaf(
      nodes,
      'S',
      values,
      equation(() => plus(dn(S), T)),
    );
    expect(code(() => demandCells(context, laplacian(T, nodes)))).toMatch(
      /E309: the boundary conditions of T and S at x.min need each other/,
    );
  });
  it('unknown axes, foreign grids, dn and normal inside, too few cells', () => {
    expect(
      code(
        rate(
          (u) => diff(u, 'z'),
          (u) => u,
        ),
      ),
    ).toMatch(/E305: plate has no coordinate `z`/);
    expect(
      code(
        rate(
          (u) => dn(u),
          (u) => u,
        ),
      ),
    ).toMatch(/E311/);
    expect(
      code(
        rate(
          () => normal('x'),
          (u) => u,
        ),
      ),
    ).toMatch(/E311/);
    expect(
      code(
        rate(
          (u) => diff(u, 'x', 4),
          (u) => u,
          grid(axis('x', 1)),
        ),
      ),
    ).toMatch(/E310/);
    const other = contextOn(grid(axis('x', 6)));
    const u = stateWith(contextOn(rod, other.graph), (e) => e);
    expect(code(() => demandCells(other, u))).toMatch(/E306: T lives on plate and is used on plate/);
    const context = contextOn(rod);
    expect(
      code(() =>
        resample(
          context,
          stateWith(context, (e) => e),
          grid(axis('y', 5)),
        ),
      ),
    ).toMatch(/E315/);
  });
  it('grids on which nothing can be computed', () => {
    const check = (a: Partial<GridAxis>) => () => checkGrid(grid({ ...axis('x', 4), ...a }));
    expect(code(check({ count: -3 }))).toMatch(/E313: axis `x` of plate has -3 cells/);
    expect(code(check({ count: 2.5 }))).toMatch(/E313/);
    expect(code(check({ count: 1, kind: 'nodes' }))).toMatch(/E313.*at least 2/);
    expect(code(check({ from: 1, to: 1 }))).toMatch(/E314/);
    expect(code(check({ to: Infinity }))).toMatch(/E314/);
    expect(code(check({}))).toBe('no error');
  });
});

describe('conditions that need each other are solved together', () => {
  const law = {
    'a linear pair': (u: FieldExpr, v: FieldExpr, one: FieldExpr) => [
      minus(dn(u), scaled(2, v)),
      plus(plus(dn(v), u), one),
    ],
    'a surface reaction': (u: FieldExpr, v: FieldExpr, one: FieldExpr) => [
      plus(dn(u), times(u, v)),
      minus(minus(dn(v), times(u, v)), one),
    ],
    'values only': (u: FieldExpr, v: FieldExpr, one: FieldExpr) => [
      minus(plus(u, v), one),
      plus(minus(u, scaled(3, v)), one),
    ],
    'derivatives of both': (u: FieldExpr, v: FieldExpr, one: FieldExpr) => [
      minus(plus(dn(u), dn(v)), one),
      plus(minus(dn(u), scaled(3, dn(v))), u),
    ],
  };
  for (const [name, equations] of Object.entries(law))
    for (const kind of ['cells', 'nodes'] as const)
      it(`${name}, ${kind}`, () => {
        const where = grid(axis('x', 4, kind), axis('y', 3));
        const context = contextOn(where);
        const one = scalar(context.graph.constant(1, 'f64'));
        const made = (name_: string, seed: number, i: number): Leaf =>
          leaf(
            where,
            name_,
            context.graph.literal(Float64Array.from(noise(12, seed)), [4, 3], 'f64'),
            equation(() => at(equations(u, v, one), i)),
          );
        const u: Leaf = made('u', 1, 0);
        const v: Leaf = made('v', 2, 1);
        for (const side of ['min', 'max'] as const)
          for (const e of equations(u, v, one)) {
            const residual = numbers(trace(context, e, { axis: 0, side }));
            expect(Math.max(...residual.map(Math.abs))).toBeLessThan(1e-12);
          }
      });
  it('three states in a ring', () => {
    const where = grid(axis('x', 4));
    const context = contextOn(where);
    const made = (name: string, seed: number, other: () => Leaf): Leaf => {
      const own: Leaf = leaf(
        where,
        name,
        context.graph.literal(Float64Array.from(noise(4, seed)), [4], 'f64'),
        equation(() => minus(dn(own), other())),
      );
      return own;
    };
    const a: Leaf = made('a', 1, () => b);
    const b: Leaf = made('b', 2, () => c);
    const c: Leaf = made('c', 3, () => a);
    for (const [x, y] of [
      [a, b],
      [b, c],
      [c, a],
    ] as const) {
      const [residual] = numbers(trace(context, minus(dn(x), y), { axis: 0, side: 'max' }));
      expect(Math.abs(residual ?? 1)).toBeLessThan(1e-13);
    }
  });
});

it('rules handed on to new values are applied to these', () => {
  const rod = grid(axis('x', 4));
  const context = contextOn(rod);
  const g = context.graph;
  const old = stateWith(context, (e) => minus(e, scalar(g.constant(3, 'f64'))));
  const values = g.literal(Float64Array.from([1, 2, 3, 4]), [4], 'f64');
  for (const fresh of [leaf(rod, 'T', values, old.ghosts), { ...old, values }]) {
    expect(numbers(trace(context, fresh, { axis: 0, side: 'min' }))).toEqual([3]);
    expect(numbers(trace(context, dn(fresh), { axis: 0, side: 'max' }))).toEqual([-8]);
  }
});

describe('fixed unknowns', () => {
  it('are found, kept and have no rate', () => {
    const where = grid(axis('x', 4, 'nodes'), axis('y', 3));
    const context = contextOn(where);
    const one = scalar(context.graph.constant(1, 'f64'));
    const u = stateWith(context, (e) => minus(scaled(2, e), one));
    expect(fixedWalls(context, u)).toEqual([
      { axis: 0, side: 'min' },
      { axis: 0, side: 'max' },
    ]);
    const kept = numbers(constrained(context, u));
    const stored = numbers(u.values);
    expect(kept).toEqual([...[0.5, 0.5, 0.5], ...stored.slice(3, 9), ...[0.5, 0.5, 0.5]]);
    const rate = numbers(freeRate(context, u, u.values));
    expect(rate).toEqual([...[0, 0, 0], ...stored.slice(3, 9), ...[0, 0, 0]]);
    const free = stateWith(context, (e) => dn(e));
    expect(fixedWalls(context, free)).toEqual([]);
    expect(freeRate(context, free, free.values)).toBe(free.values);
    expect(constrained(context, free)).toBe(free.values);
  });
  it('a derivative at a fixed wall is one-sided of second order: exact on a parabola', () => {
    const where = grid(axis('x', 5, 'nodes'));
    const context = contextOn(where);
    const values = context.graph.literal(
      Float64Array.from([9, 1, 4, 9, 9].map((v, i) => (i === 0 || i === 4 ? v : i * i))),
      [5],
      'f64',
    );
    const x2 = map('square', [coordinate('x')], (g, [x]) =>
      x ? mul(g, mul(g, x, x), 16) : g.constant(0, 'f64'),
    );
    const u: Leaf = leaf(
      where,
      'u',
      values,
      equation(() => minus(u, x2)),
    );
    expect(numbers(trace(context, diff(u, 'x'), { axis: 0, side: 'max' }))).toEqual([32]);
    expect(numbers(trace(context, dn(u), { axis: 0, side: 'min' }))[0]).toBeCloseTo(0, 12);
    expect(numbers(demandCells(context, diff(u, 'x', 2)))).toEqual([32, 32, 32, 32, 32]);
  });
});
