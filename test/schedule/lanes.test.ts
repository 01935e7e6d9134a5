// Loops of a batch whose elements stop by themselves: inside one kernel, where every thread ends its own.

import { describe, expect, it } from 'vitest';
import { batch } from '../../compiler/autodiff/batch.ts';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { makeWhile } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { at } from '../../compiler/support/lists.ts';
import { array, f64, generator } from '../autodiff/checks.ts';
import { expectSame, functionOf } from './support.ts';

const random = generator(3);
const numbers = (...shape: number[]) => array(f64(...shape), () => 1 + 60 * random());

/** Halves (or what `step` does) until below one; gives what is left and the turns it took. */
function shrunk(
  g: Graph,
  x: Node,
  step = (y: Node, _turn: Node): Node => b.mul(g, y, 0.5),
): readonly [Node, Node] {
  const done = makeWhile(g, {
    init: [x],
    limit: 40,
    condition: ([y]) => b.reduceAll(g, 'any', b.gt(g, y ?? x, 1)),
    body: (turn, [y]) => [step(y ?? x, turn)],
  });
  return [at(done.carries, 0), done.turns];
}

/** The results of `one`, made for a parameter of `shape`, over a leading axis of n. */
function batched(g: Graph, over: Node, one: (x: Node) => readonly Node[]): Node[] {
  const x = g.param('x', { dtype: over.dtype, shape: over.shape.slice(1) });
  return batch(g, one(x), new Map([[x, over]]), over.shape[0] ?? 0);
}

describe('a loop over elements that stop by themselves', () => {
  it('is one kernel, with the turns of each', async () => {
    const g = new Graph();
    const xs = g.param('xs', f64(100));
    const results = batched(g, xs, (x) => shrunk(g, x));
    const made = await expectSame(g, functionOf([xs], results), [numbers(100)]);
    expect(made.report.dispatches).toEqual({ f: 1 });
  });

  it('knows its turn', async () => {
    const g = new Graph();
    const xs = g.param('xs', f64(50));
    const results = batched(g, xs, (x) => shrunk(g, x, (y, turn) => b.sub(g, y, b.cast(g, turn, 'f64'))));
    const made = await expectSame(g, functionOf([xs], results), [numbers(50)]);
    expect(made.report.dispatches).toEqual({ f: 1 });
  });

  it('nested batches are one kernel too', async () => {
    const g = new Graph();
    const xs = g.param('xs', f64(12, 9));
    const results = batched(g, xs, (row) => batched(g, row, (x) => shrunk(g, x)));
    const made = await expectSame(g, functionOf([xs], results), [numbers(12, 9)]);
    expect(made.report.dispatches).toEqual({ f: 1 });
  });

  it('elements that the program keeps together stay together', async () => {
    // The loop of a row goes on while any of its numbers is above one.
    const g = new Graph();
    const xs = g.param('xs', f64(30, 5));
    await expectSame(
      g,
      functionOf(
        [xs],
        batched(g, xs, (row) => shrunk(g, row)),
      ),
      [numbers(30, 5)],
    );
  });

  it('a batch of a batch whose outer elements do not differ', async () => {
    const g = new Graph();
    const xs = g.param('xs', f64(20));
    const ys = g.param('ys', f64(6));
    const inner = batched(g, xs, (x) => [at(shrunk(g, x), 0)]);
    const results = batched(g, ys, (y) => inner.map((r) => b.mul(g, r, b.broadcastTo(g, y, [20]))));
    await expectSame(g, functionOf([xs, ys], results), [numbers(20), numbers(6)]);
  });
});
