// A thread stores nothing inside a step: loops whose steps would compute things again and again do not run inside one kernel.

import { describe, expect, it } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { makeScan } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { sizeOf } from '../../compiler/ir/types.ts';
import { repetitionOf } from '../../compiler/schedule/repeats.ts';
import { threadShape } from '../../compiler/schedule/threads.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { f32 } from '../autodiff/checks.ts';

/** x -> a network of tanh layers of these widths, for a row of x a member. */
function network(g: Graph, x: Node, widths: readonly number[]): Node {
  return range(widths.length - 1).reduce((h, i) => {
    const W = g.param(`W${i}`, f32(at(widths, i), at(widths, i + 1)));
    const next = b.dot(g, h, W);
    return i === widths.length - 2 ? next : b.tanh(g, next);
  }, x);
}

function ensembleOf(widths: readonly number[]): Node {
  const g = new Graph();
  const x = g.param('x', f32(100, at(widths, 0)));
  const { carries } = makeScan(g, {
    length: 50,
    init: [x],
    body: (_i, [y = x]) => ({ carries: [b.add(g, y, network(g, y, widths))], ys: [] }),
  });
  return at(at(carries, 0).args, 0);
}

describe('what a thread repeats', () => {
  it('layers inside layers', () => {
    const g = new Graph();
    const x = g.param('x', f32(3));
    const y = b.reshape(g, network(g, b.reshape(g, x, [1, 3]), [3, 40, 40, 2]), [2]);
    const { once, repeated } = repetitionOf({ params: [x], results: [y] }, sizeOf, (node) => node.args);
    // products, and ten operations for a tanh
    expect(once).toBe(3 * 40 + 40 * 40 + 2 * 40 + 10 * 80);
    expect(repeated).toBe(2 * 40 + 80 * (10 + 40) + 2 * 40 * 40 * (10 + 3));
  });

  it('values at places that are known are computed once', () => {
    const g = new Graph();
    const x = g.param('x', f32(3));
    const y = b.reshape(g, network(g, b.reshape(g, x, [1, 3]), [3, 4, 4, 2]), [2]);
    const { once, repeated } = repetitionOf({ params: [x], results: [y] }, sizeOf, (node) => node.args);
    expect(repeated).toBe(once);
  });

  it('small networks run inside a kernel, wide ones step by step', () => {
    const small = ensembleOf([2, 8, 2]);
    const wide = ensembleOf([2, 128, 128, 2]);
    expect(small.op === 'scan' && threadShape(small)?.space).toEqual([100]);
    expect(wide.op === 'scan' && threadShape(wide)).toBeUndefined();
  });
});
