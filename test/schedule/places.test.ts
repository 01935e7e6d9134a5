// Assignments to elements in loops: in place, and only at the elements. What a step of the loop runs covers the places assigned, not the array.

import { describe, expect, it } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import { makeScan } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import type { Schedule } from '../../compiler/schedule/schedule.ts';
import type { Step } from '../../compiler/plan/types.ts';
import { gradientOf } from '../../compiler/autodiff/operators.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { array, f64, generator } from '../autodiff/checks.ts';
import { expectSame, functionOf } from './support.ts';

const N = 70_000;
const TURNS = 20;
const random = generator(5);
const numbers = (...shape: number[]): NdArray => array(f64(...shape), () => random());

/** x with the element at p replaced. */
function put(g: Graph, x: Node, p: Node, v: Node, axis = 0): Node {
  const here = b.eq(g, g.iota(x.shape, axis, 'i32'), b.broadcastTo(g, p, x.shape));
  return b.select(g, here, b.broadcastTo(g, v, x.shape), x);
}

/** What the loops of a schedule do in a turn: points of kernels, elements copied. */
function work(made: Schedule): number[] {
  const counted: number[] = [];
  const visit = (steps: readonly Step[], inside: boolean): void => {
    for (const step of steps) {
      if (step.kind === 'loop') visit(step.body, true);
      if (!inside) continue;
      if (step.kind === 'copy') counted.push(step.to.length);
      if (step.kind === 'dispatch') {
        const kernel = at(made.kernels, step.kernel);
        counted.push(kernel.kind === 'map' ? kernel.space.reduce((a, c) => a * c, 1) : Infinity);
      }
    }
  };
  for (const { steps } of Object.values(made.procedures)) visit(steps, false);
  return counted;
}

async function loop(
  body: (g: Graph, index: Node, x: Node, w: Node) => Node,
  shape: readonly number[] = [N],
  differentiate = false,
): Promise<Schedule> {
  const g = new Graph();
  const x = g.param('x', f64(...shape));
  const w = g.param('w', f64(50));
  const { carries } = makeScan(g, {
    length: TURNS,
    init: [x],
    xs: [],
    body: (index, [c]) => ({ carries: [body(g, index, c ?? x, w)], ys: [] }),
  });
  const results = differentiate
    ? gradientOf(g, b.sumAll(g, b.mul(g, at(carries, 0), at(carries, 0))), [w])
    : carries;
  return expectSame(g, functionOf([x, w], results), [numbers(...shape), numbers(50)], { tolerance: 1e-12 });
}

const weight = (g: Graph, w: Node, index: Node): Node => b.gather(g, w, b.rem(g, index, 50));

describe('assignments to elements', () => {
  it('write one element, whatever else of the array they read', async () => {
    const made = await loop((g, i, x, w) => {
      const before = b.gather(g, x, b.sub(g, i, 1));
      return put(g, x, i, b.add(g, before, weight(g, w, i)));
    });
    expect(Math.max(...work(made))).toBeLessThan(10);
  });

  it('write two elements at once', async () => {
    const made = await loop((g, i, x) => {
      const next = b.add(g, i, 1);
      return put(g, put(g, x, i, b.gather(g, x, next)), next, b.gather(g, x, i));
    });
    expect(Math.max(...work(made))).toBeLessThan(10);
  });

  it('write a row, and leave out what lies outside', async () => {
    const made = await loop(
      (g, i, x, w) => put(g, x, b.sub(g, b.mul(g, i, 40), 30), b.sliceAxis(g, w, 0, 0, 10)),
      [700, 10],
    );
    expect(Math.max(...work(made))).toBeLessThan(20);
  });

  it('under a condition', async () => {
    const made = await loop((g, i, x, w) => {
      const v = weight(g, w, i);
      return b.select(g, b.broadcastTo(g, b.lt(g, v, 0.5), x.shape), put(g, x, b.mul(g, i, 3), v), x);
    });
    expect(Math.max(...work(made))).toBeLessThan(10);
  });

  it('in a window', async () => {
    const made = await loop((g, i, x, w) => {
      const offset = b.sub(g, g.iota([N], 0, 'i32'), b.broadcastTo(g, b.mul(g, i, 2), [N]));
      const inside = b.and(g, b.ge(g, offset, 0), b.lt(g, offset, 3));
      return b.select(g, inside, b.gather(g, w, offset), x);
    });
    expect(Math.max(...work(made))).toBeLessThan(10);
  });

  it('have derivatives that touch only these elements', async () => {
    const made = await loop(
      (g, i, x, w) => put(g, x, i, b.add(g, b.mul(g, b.gather(g, x, b.sub(g, i, 1)), 0.5), weight(g, w, i))),
      [N],
      true,
    );
    expect(Math.max(...work(made))).toBeLessThan(60);
  });
});

describe('single places', () => {
  it('are read and added to without passing over the array', () => {
    for (const size of range(4)) {
      const g = new Graph();
      const x = g.param('x', f64(size + 2, 5));
      const p = g.param('p', { dtype: 'i32', shape: [] });
      const here = b.eq(g, g.iota(x.shape, 0, 'i32'), b.broadcastTo(g, p, x.shape));
      expect(b.reduceSum(g, b.select(g, here, x, 0), [0]).op).toBe('select');
      const v = g.param('v', f64(5));
      expect(b.add(g, x, b.scatterAdd(g, p, v, size + 2)).op).toBe('select');
    }
  });
});
