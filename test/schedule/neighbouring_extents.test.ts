// Values on boxes that differ by a row or a column (cells, faces, corners) in one kernel: the bits of the interpreter, in place where a loop carries them, and as few kernels as there can be.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { makeScan } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { array, f64, generator } from '../autodiff/checks.ts';
import { expectSame, functionOf } from './support.ts';

const random = generator(11);

/** Values at the faces of `axis`, with a value of the cell itself at the walls. */
function faces(g: Graph, u: Node, axis: number): Node {
  const n = at(u.shape, axis);
  const wide = b.concat(g, [b.sliceAxis(g, u, axis, 0, 1), u, b.sliceAxis(g, u, axis, n - 1, n)], axis);
  return b.sub(g, b.mul(g, b.sliceAxis(g, wide, axis, 1, n + 2), 3), b.sliceAxis(g, wide, axis, 0, n + 1));
}

/** Back to the cells. */
function cells(g: Graph, f: Node, axis: number): Node {
  const n = at(f.shape, axis);
  return b.sub(g, b.sliceAxis(g, f, axis, 1, n), b.sliceAxis(g, f, axis, 0, n - 1));
}

describe('values on neighbouring boxes', () => {
  it('cells and the faces of both axes are one kernel', async () => {
    const g = new Graph();
    const u = g.param('u', f64(12, 9));
    const results = [b.mul(g, u, 2), faces(g, u, 0), faces(g, u, 1)];
    const made = await expectSame(g, functionOf([u], results), [array(u, random)]);
    expect(made.kernels).toHaveLength(1);
  });

  it('a turned field is not mistaken for its own points', async () => {
    const g = new Graph();
    const u = g.param('u', f64(17, 16));
    const { carries } = makeScan(g, {
      length: 3,
      init: [u, b.reshape(g, u, [16, 17])],
      body: (_i, [x = u, y = u]) => ({
        carries: [b.add(g, x, b.reshape(g, y, [17, 16])), b.sub(g, y, b.reshape(g, x, [16, 17]))],
        ys: [],
      }),
    });
    await expectSame(g, functionOf([u], carries), [array(u, random)]);
  });

  it('accumulates on cells and faces in place', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 9, max: 14 }), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        async (shape, steps, both) => {
          const g = new Graph();
          const u = g.param('u', f64(...shape));
          const axes = range(shape.length);
          const { carries } = makeScan(g, {
            length: steps,
            init: [u, ...axes.map((axis) => b.mul(g, faces(g, u, axis), 0.5))],
            body: (_i, [x = u, ...sums]) => {
              const moved = axes.map((axis) => faces(g, x, axis));
              const rate = axes
                .map((axis) => cells(g, both ? at(sums, axis) : at(moved, axis), axis))
                .reduce((p, q) => b.add(g, p, q));
              return {
                carries: [
                  b.add(g, x, b.mul(g, rate, 0.01)),
                  ...axes.map((axis) => b.add(g, at(sums, axis), at(moved, axis))),
                ],
                ys: [],
              };
            },
          });
          await expectSame(g, functionOf([u], carries), [array(u, random)], { threads: false });
        },
      ),
      { numRuns: 12 },
    );
  });
});
