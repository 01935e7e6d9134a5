// Every operation: adjoint dot product to 1e-12, forward mode against differences, Taylor remainder of second order, batching against a loop; random shapes.

import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { dot, matmul, matrixTranspose, reshape } from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import { reachable } from '../../compiler/ir/region.ts';
import { sizeOf } from '../../compiler/ir/types.ts';
import { batch } from '../../compiler/autodiff/batch.ts';
import { cases } from './cases.ts';
import { checkBatch, checkDifferences, checkDotProduct, checkTaylor, generator } from './checks.ts';

const shapes = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 });
const seeds = fc.integer({ min: 0, max: 2 ** 31 });

describe.each(Object.entries(cases))('%s', (_op, make) => {
  test('adjoint is the transpose of the tangent', () => {
    fc.assert(
      fc.property(shapes, seeds, (shape, seed) => {
        checkDotProduct(make(shape, generator(seed)), seed + 1);
      }),
      { numRuns: 30 },
    );
  });

  test('tangent is the limit of differences', () => {
    fc.assert(
      fc.property(shapes, seeds, (shape, seed) => {
        checkDifferences(make(shape, generator(seed)), seed + 1);
      }),
      { numRuns: 8 },
    );
  });

  test('Taylor remainder is of second order', () => {
    fc.assert(
      fc.property(shapes, seeds, (shape, seed) => {
        checkTaylor(make(shape, generator(seed)), seed + 1);
      }),
      { numRuns: 5 },
    );
  });

  test('a batch is a loop', () => {
    fc.assert(
      fc.property(
        shapes,
        seeds,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 7 }),
        (shape, seed, n, mask) => {
          // The same instance n times, with other numbers: data of the elements differ, what the operation is made of does not.
          const random = generator(seed);
          const one = make(shape, random);
          const mapped = one.inputs.map((_, i) => (mask >> i) % 2 === 1);
          const inputs = one.inputs.map((x, i) => (mapped[i] === true ? repeated(x, n, random) : x));
          checkBatch(one.build, inputs, mapped, n, 1e-14);
        },
      ),
      { numRuns: 15 },
    );
  });
});

/** n variations of an array: its elements in other orders, so that they stay in its range. */
function repeated(x: NdArray, n: number, random: () => number): NdArray {
  const size = sizeOf(x.shape);
  const values: number[] = [];
  for (let e = 0; e < n; e++) {
    const shift = Math.floor(random() * Math.max(1, size));
    for (let i = 0; i < size; i++) values.push(x.data[(i + shift) % size] ?? 0);
  }
  return ndarray(x.dtype, [n, ...x.shape], values);
}

test('the batch of a product with one matrix is one product of two matrices', () => {
  const g = new Graph();
  const W = g.param('W', { dtype: 'f32', shape: [5, 4] });
  const x = g.param('x', { dtype: 'f32', shape: [4] });
  const xs = g.param('xs', { dtype: 'f32', shape: [100, 4] });
  expect(batch(g, [matmul(g, W, x)], new Map([[x, xs]]), 100)).toEqual([dot(g, xs, matrixTranspose(g, W))]);
});

test('so does the batch of batches', () => {
  const g = new Graph();
  const W = g.param('W', { dtype: 'f32', shape: [5, 4] });
  const x = g.param('x', { dtype: 'f32', shape: [4] });
  const row = g.param('row', { dtype: 'f32', shape: [7, 4] });
  const all = g.param('all', { dtype: 'f32', shape: [3, 7, 4] });
  const rows = batch(g, [matmul(g, W, x)], new Map([[x, row]]), 7);
  const ys = batch(g, rows, new Map([[row, all]]), 3);
  const dots = reachable(ys).filter((n) => n.op === 'dot');
  expect(dots).toEqual([dot(g, reshape(g, all, [21, 4]), matrixTranspose(g, W))]);
});
