// Reductions, products, running sums, gathers and scatters of sizes where more than one kernel takes part.

import { describe, expect, it } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import type { ReduceKind } from '../../compiler/ir/types.ts';
import { array, f64, generator } from '../autodiff/checks.ts';
import { expectSame, functionOf } from './support.ts';

const random = generator(5);
/** Small integers: sums are exact in any order. */
const whole = (...shape: number[]) => array(f64(...shape), () => Math.floor(random() * 17) - 8);
const places = (n: number, ...shape: number[]) =>
  array({ dtype: 'i32', shape }, () => Math.floor(random() * (n + 2)) - 1);

describe('reductions', () => {
  const shapes: readonly (readonly [readonly number[], readonly number[]])[] = [
    [[5000], [0]],
    [
      [70, 90],
      [0, 1],
    ],
    [[3, 4000], [1]],
    [[4000, 3], [0]],
    [
      [40, 7, 50],
      [0, 2],
    ],
    [[2, 1500, 2], [1]],
    [[100_000], [0]],
  ];
  for (const [shape, axes] of shapes)
    for (const kind of ['sum', 'max', 'min'] as const satisfies readonly ReduceKind[])
      it(`${kind} of [${shape.join(', ')}] over ${axes.join(', ')}`, async () => {
        const g = new Graph();
        const x = g.param('x', f64(...shape));
        const made = await expectSame(g, functionOf([x], [b.reduce(g, kind, x, axes)]), [whole(...shape)]);
        for (const kernel of made.report.kernels) expect(kernel.loops).toBe(false);
      });
  it('several of one array share their kernels', async () => {
    const g = new Graph();
    const x = g.param('x', f64(64, 64));
    const y = g.param('y', f64(64, 64));
    const results = [b.sumAll(g, b.mul(g, x, y)), b.sumAll(g, b.mul(g, x, x)), b.reduceAll(g, 'max', y)];
    const made = await expectSame(g, functionOf([x, y], results), [whole(64, 64), whole(64, 64)]);
    expect(made.report.dispatches).toEqual({ f: 2 });
  });
  it('any and all', async () => {
    const g = new Graph();
    const x = g.param('x', f64(3000));
    const mask = b.lt(g, x, -7);
    const results = [b.reduceAll(g, 'any', mask), b.reduceAll(g, 'all', mask)].map((m) =>
      b.cast(g, m, 'f64'),
    );
    await expectSame(g, functionOf([x], results), [whole(3000)]);
  });
});

describe('products', () => {
  for (const [m, k, n, batch] of [
    [3, 4, 5, []],
    [40, 30, 20, []],
    [17, 33, 9, [5]],
  ] as const)
    it(`[${[...batch, m, k].join(', ')}] by [${[...batch, k, n].join(', ')}]`, async () => {
      const g = new Graph();
      const x = g.param('x', f64(...batch, m, k));
      const y = g.param('y', f64(...batch, k, n));
      const z = b.dot(g, x, y);
      const back = b.dot(g, b.matrixTranspose(g, x), z);
      await expectSame(g, functionOf([x, y], [z, back]), [whole(...batch, m, k), whole(...batch, k, n)]);
    });
  it('one matrix for a batch is not repeated in memory', async () => {
    const g = new Graph();
    const x = g.param('x', f64(6, 20, 30));
    const w = g.param('w', f64(30, 25));
    const z = b.dot(g, x, b.broadcastTo(g, w, [6, 30, 25]));
    const made = await expectSame(g, functionOf([x, w], [z]), [whole(6, 20, 30), whole(30, 25)]);
    expect(made.report.dispatches).toEqual({ f: 1 });
    expect(made.report.bytes.temporaries).toBe(0);
  });
});

describe('running sums', () => {
  for (const shape of [[7], [5000], [3, 3000], [40, 30]])
    for (const backwards of [false, true])
      it(`of [${shape.join(', ')}]${backwards ? ' from the end' : ''}`, async () => {
        const g = new Graph();
        const x = g.param('x', f64(...shape));
        const sums = shape.map((_, axis) => b.cumsum(g, b.mul(g, x, 2), axis, backwards));
        await expectSame(g, functionOf([x], sums), [whole(...shape)]);
      });
});

describe('gathers and scatters', () => {
  it('few updates: every place looks at all', async () => {
    const g = new Graph();
    const x = g.param('x', f64(30, 4));
    const i = g.param('i', { dtype: 'i32', shape: [30] });
    const made = await expectSame(g, functionOf([x, i], [b.scatterAdd(g, i, x, 12)]), [
      whole(30, 4),
      places(12, 30),
    ]);
    expect(made.report.dispatches).toEqual({ f: 1 });
  });
  it('a known index: every place has its list', async () => {
    const g = new Graph();
    const x = g.param('x', f64(900, 2));
    const index = g.literal(Float64Array.from(places(700, 900).data), [900], 'i32');
    const made = await expectSame(g, functionOf([x], [b.scatterAdd(g, index, x, 700)]), [whole(900, 2)]);
    expect(made.report.dispatches).toEqual({ f: 1 });
  });
  it('an index of run time: sorted', async () => {
    const g = new Graph();
    const x = g.param('x', f64(900, 2));
    const i = g.param('i', { dtype: 'i32', shape: [900] });
    const sum = b.scatterAdd(g, i, b.mul(g, x, 3), 700);
    const made = await expectSame(g, functionOf([x, i], [sum, b.add(g, sum, 1)]), [
      whole(900, 2),
      places(700, 900),
    ]);
    expect(made.kernels.some((kernel) => kernel.name === 'rows_place')).toBe(true);
  });
  it('a batch of scatters, sorted', async () => {
    const g = new Graph();
    const x = g.param('x', f64(3, 300, 2));
    const i = g.param('i', { dtype: 'i32', shape: [3, 300] });
    const sum = b.scatterAdd(g, i, x, 250, 1);
    await expectSame(g, functionOf([x, i], [sum]), [whole(3, 300, 2), places(250, 3, 300)]);
  });
  it('a table that is computed', async () => {
    const g = new Graph();
    const x = g.param('x', f64(50, 3));
    const i = g.param('i', { dtype: 'i32', shape: [200] });
    const table = b.add(g, b.mul(g, x, x), 1);
    await expectSame(g, functionOf([x, i], [b.gather(g, table, i)]), [whole(50, 3), places(50, 200)]);
  });
});
