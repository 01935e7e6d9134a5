// Checks: the first failure is found wherever it stands, in loops, branches, batches and recomputed loops; what an element does not need is not held against it; values and derivatives
// do not change.

import { describe, expect, test } from 'vitest';
import { at } from '../../compiler/support/lists.ts';
import * as b from '../../compiler/ir/build.ts';
import { collectChecks } from '../../compiler/ir/checks.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { interpretFunction } from '../../compiler/ir/interpret.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import { optimize } from '../../compiler/ir/passes.ts';
import { makeCond, makeScan, makeWhile } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { verifyFunction } from '../../compiler/ir/verify.ts';
import { batch } from '../../compiler/autodiff/batch.ts';
import { gradientOf } from '../../compiler/autodiff/operators.ts';

/** x, checked to be at most `most`; shows x. */
function checked(g: Graph, x: Node, most: number, site = 0): Node {
  return b.project(g, g.node('check', [x, b.le(g, x, most), x], { site, serial: x.id, values: 1 }), 0);
}

/** Runs a function of one number; gives its value and the vector of what has failed. */
function run(
  g: Graph,
  x: Node,
  y: Node,
  value: number,
  before?: readonly number[],
): { y: number; checks: number[] } {
  const fn = { name: 'f', inputs: ['x'], outputs: ['y'], region: { params: [x], results: [y] } };
  verifyFunction(fn);
  const made = collectChecks(g, fn);
  if (made === undefined) throw new Error('nothing is checked');
  verifyFunction(made.fn);
  const done = optimize(g, made.fn);
  const out = interpretFunction(done, {
    x: ndarray('f64', [], [value]),
    checks: ndarray('f32', [made.size], [...(before ?? new Array<number>(made.size).fill(0))]),
  });
  return { y: out['y']?.data[0] ?? NaN, checks: [...(out['checks']?.data ?? [])] };
}

const scalar = (g: Graph): Node => g.param('x', { dtype: 'f64', shape: [] });
const doubled = (g: Graph, x: Node, length: number, most: number): Node =>
  at(
    makeScan(g, {
      length,
      init: [x],
      body: (_i, [c]) => ({ carries: c ? [b.mul(g, checked(g, c, most), 2)] : [], ys: [] }),
    }).carries,
    0,
  );

describe('a check', () => {
  test('that holds leaves nothing behind, and one that failed before stays', () => {
    const g = new Graph();
    const x = scalar(g);
    expect(run(g, x, checked(g, x, 3), 2)).toEqual({ y: 2, checks: [0, 0] });
    expect(run(g, x, checked(g, x, 3), 4)).toEqual({ y: 4, checks: [1, 4] });
    expect(run(g, x, checked(g, x, 3), 5, [1, 4])).toEqual({ y: 5, checks: [1, 4] });
  });
  test('in a loop shows its first failure', () => {
    const g = new Graph();
    const x = scalar(g);
    expect(run(g, x, doubled(g, x, 4, 3), 1)).toEqual({ y: 16, checks: [1, 4] });
    expect(run(g, x, doubled(g, x, 2, 3), 1)).toEqual({ y: 4, checks: [0, 0] });
  });
  test('in a while and in its condition', () => {
    const g = new Graph();
    const x = scalar(g);
    const loop = makeWhile(g, {
      init: [x],
      limit: 10,
      condition: ([c]) => b.lt(g, checked(g, c ?? x, 1e9), 20),
      body: (_i, [c]) => (c ? [b.mul(g, checked(g, c, 10), 3)] : []),
    });
    expect(run(g, x, at(loop.carries, 0), 2)).toEqual({ y: 54, checks: [1, 18] });
    expect(run(g, x, at(loop.carries, 0), 8)).toEqual({ y: 24, checks: [0, 0] });
  });
  test('in a branch counts when the branch is taken', () => {
    const g = new Graph();
    const x = scalar(g);
    const [y] = makeCond(g, {
      predicate: b.lt(g, x, 5),
      then: () => [checked(g, x, 3)],
      otherwise: () => [checked(g, b.mul(g, x, 10), 1000, 1)],
    });
    if (y === undefined) throw new Error('no value');
    expect(run(g, x, y, 4).checks).toEqual([1, 4, 0, 0]);
    expect(run(g, x, y, 6).checks).toEqual([0, 0, 0, 0]);
    expect(run(g, x, y, 600).checks).toEqual([0, 0, 1, 6000]);
  });
});

describe('in a batch', () => {
  /** Σ f(x + i) for i in 0..4. */
  const over = (g: Graph, x: Node, f: (y: Node) => Node): Node => {
    const p = scalar(g);
    const shifts = b.add(g, b.broadcastTo(g, x, [4]), g.iota([4], 0, 'f64'));
    return b.sumAll(g, at(batch(g, [f(p)], new Map([[p, shifts]]), 4), 0));
  };
  test('one element that fails is shown', () => {
    const g = new Graph();
    const x = scalar(g);
    expect(
      run(
        g,
        x,
        over(g, x, (y) => doubled(g, y, 3, 9)),
        0,
      ).checks,
    ).toEqual([1, 12]);
    expect(
      run(
        g,
        x,
        over(g, x, (y) => doubled(g, y, 2, 9)),
        0,
      ).checks,
    ).toEqual([0, 0]);
  });
  test('the branch that an element does not take is not held against it', () => {
    const g = new Graph();
    const x = scalar(g);
    const f = (y: Node): Node =>
      at(
        makeCond(g, {
          predicate: b.lt(g, y, 3),
          then: () => [doubled(g, y, 2, 4)],
          otherwise: () => [y],
        }),
        0,
      );
    expect(run(g, x, over(g, x, f), 0)).toEqual({ y: 0 + 4 + 8 + 3, checks: [0, 0] });
    expect(run(g, x, over(g, x, f), 0.5)).toEqual({ y: 2 + 6 + 10 + 3.5, checks: [1, 5] });
  });
  test('turns after the end of an element do not count', () => {
    const g = new Graph();
    const x = scalar(g);
    // 100/y grows when y falls below 1: the turn that would divide by such a y is never needed.
    const f = (y: Node): Node => {
      const loop = makeWhile(g, {
        init: [y],
        limit: 9,
        condition: ([c]) => b.gt(g, c ?? y, 1),
        body: (_i, [c]) => (c ? [b.mul(g, c, b.div(g, checked(g, b.div(g, 100, c), 99.5), 200))] : []),
      });
      return at(loop.carries, 0);
    };
    expect(run(g, x, over(g, x, f), 2).checks).toEqual([0, 0]);
  });
});

test('derivatives see through checks, and recomputed loops check once', () => {
  const g = new Graph();
  const x = scalar(g);
  const loss = doubled(g, b.mul(g, x, x), 3, 40);
  const [dx] = gradientOf(g, loss, [x]);
  if (dx === undefined) throw new Error('no gradient');
  expect(run(g, x, b.add(g, dx, b.mul(g, loss, 0.5)), 3).y).toBeCloseTo(48 + 36, 12);
  const wave = at(
    makeScan(g, {
      length: 3,
      init: [x],
      body: (_i, [c]) => ({ carries: c ? [b.sin(g, checked(g, b.mul(g, c, c), 0.5))] : [], ys: [] }),
    }).carries,
    0,
  );
  const [dw] = gradientOf(g, wave, [x]);
  if (dw === undefined) throw new Error('no gradient');
  expect(run(g, x, dw, 1).checks.slice(0, 2)).toEqual([1, 1]);
  expect(run(g, x, dw, 0.5).checks.slice(0, 2)).toEqual([0, 0]);
});
