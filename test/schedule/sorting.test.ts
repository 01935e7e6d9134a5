// argsort on rows of every length: stable, NaN last, infinities in order; alone, in batches, and inside loops that run in one kernel.

import { describe, expect, it } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { makeScan } from '../../compiler/ir/region.ts';
import type { DType } from '../../compiler/ir/types.ts';
import { at } from '../../compiler/support/lists.ts';
import { array, generator } from '../autodiff/checks.ts';
import { expectSame, functionOf } from './support.ts';

const random = generator(11);
const SPECIAL = [NaN, Infinity, -Infinity, 0, -0, NaN, 3, -3];
/** Many equal elements among few values, and special ones. */
const mixed = (dtype: DType, shape: readonly number[]) =>
  array({ dtype, shape }, () =>
    dtype !== 'i32' && random() < 0.2
      ? (SPECIAL[Math.floor(random() * SPECIAL.length)] ?? 0)
      : Math.floor(random() * 20) - 10,
  );

describe('argsort', () => {
  for (const dtype of ['f32', 'f64', 'i32'] as const)
    for (const shape of [
      [1],
      [2],
      [15],
      [16],
      [17],
      [33],
      [64],
      [65],
      [100],
      [1000],
      [5000],
      [7, 5],
      [3, 50],
      [2, 3, 17],
      [0],
      [4, 0],
    ])
      it(`${dtype}[${shape.join(', ')}]`, async () => {
        const g = new Graph();
        const x = g.param('x', { dtype, shape });
        const order = b.argsort(g, x);
        const results = [order, b.add(g, order, 1)];
        if (dtype === 'i32' && !shape.includes(0)) results.push(b.gather(g, x, order, shape.length - 1));
        await expectSame(g, functionOf([x], results), [mixed(dtype, shape)]);
      });

  it('of a computed value, in the kernels of a sort', async () => {
    const g = new Graph();
    const x = g.param('x', { dtype: 'f64', shape: [40] });
    const order = b.argsort(g, b.neg(g, x));
    const made = await expectSame(g, functionOf([x], [b.gather(g, x, order)]), [
      array({ dtype: 'f64', shape: [40] }, () => Math.floor(random() * 9)),
    ]);
    expect(made.kernels.map((kernel) => kernel.name)).toContain('sort_merge');
  });

  it('every step of a loop in one kernel', async () => {
    const g = new Graph();
    const x = g.param('x', { dtype: 'f64', shape: [100, 6] });
    const scan = makeScan(g, {
      length: 4,
      init: [x],
      xs: [],
      body: (step, [v]) => {
        const value = v ?? x;
        const order = b.argsort(g, value);
        const sorted = b.gather(g, value, order, 1);
        const shift = b.cast(g, b.broadcastTo(g, step, [100, 6]), 'f64');
        const odd = b.cast(g, b.rem(g, b.add(g, order, b.broadcastTo(g, step, [100, 6])), 3), 'f64');
        return { carries: [b.add(g, sorted, b.sub(g, odd, shift))], ys: [] };
      },
    });
    const made = await expectSame(g, functionOf([x], [at(scan.carries, 0)]), [
      array({ dtype: 'f64', shape: [100, 6] }, () => Math.floor(random() * 9)),
    ]);
    expect(made.kernels).toHaveLength(1);
  });
});
