// Lists of rows for scatters at run-time places: one digit and several, in batches, with places outside, rows without elements and one row with all of them; one list for scatters with one index.

import { describe, expect, it } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { array, f64, generator } from '../autodiff/checks.ts';
import { expectSame, functionOf } from './support.ts';

const random = generator(5);
/** Small integers: sums are exact in any order. */
const whole = (...shape: number[]) => array(f64(...shape), () => Math.floor(random() * 17) - 8);

function indices(count: number, next: (i: number) => number) {
  let i = 0;
  return array({ dtype: 'i32', shape: [count] }, () => next(i++));
}

/** Scattered all over 0 .. size - 1, and a little outside. */
const spread =
  (size: number) =>
  (i: number): number =>
    ((i * 7919 + 13 * (i % 11)) % (size + 4)) - 2;

describe('rows of an index found at run time', () => {
  it.each([
    ['few rows', 300, 400, spread(300)],
    ['rows without elements', 1000, 100, (i: number) => 500 + (i % 3)],
    ['all in one row', 200, 1500, () => 77],
    ['several digits', 5000, 3000, spread(5000)],
    ['nearly empty', 30_000, 1200, spread(30_000)],
  ] as const)('%s', async (_name, size, count, next) => {
    const g = new Graph();
    const x = g.param('x', f64(count, 2));
    const i = g.param('i', { dtype: 'i32', shape: [count] });
    const made = await expectSame(g, functionOf([x, i], [b.scatterAdd(g, i, b.mul(g, x, 2), size)]), [
      whole(count, 2),
      indices(count, next),
    ]);
    expect(made.kernels.some((kernel) => kernel.name.startsWith('rows_place'))).toBe(true);
  });

  it('one list for scatters with one index', async () => {
    const g = new Graph();
    const [x, y] = [g.param('x', f64(900, 2)), g.param('y', f64(900))];
    const i = g.param('i', { dtype: 'i32', shape: [900] });
    const results = [b.scatterAdd(g, i, x, 700), b.scatterAdd(g, i, y, 700)];
    const made = await expectSame(g, functionOf([x, y, i], results), [
      whole(900, 2),
      whole(900),
      indices(900, spread(700)),
    ]);
    const dispatched = made.procedures['f']?.steps.filter(
      (s) => s.kind === 'dispatch' && made.kernels[s.kernel]?.name === 'rows_place',
    );
    expect(dispatched?.length).toBe(1);
  });
});
