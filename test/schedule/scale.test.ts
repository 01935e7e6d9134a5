// What scheduling takes does not depend on sizes of arrays and numbers of steps, and long programs are no trouble.

import { describe, expect, it } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { makeScan } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import type { Step } from '../../compiler/plan/types.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { array, f64, generator } from '../autodiff/checks.ts';
import { heat, withGradient } from './cases.ts';
import { expectSame, functionOf, scheduleFunction } from './support.ts';

const random = generator(2);

function countSteps(steps: readonly Step[]): number {
  let n = 0;
  for (const step of steps) {
    n++;
    if (step.kind === 'loop') n += countSteps(step.body);
    if (step.kind === 'reverse') n += countSteps(step.forward) + countSteps(step.backward);
  }
  return n;
}

describe('size', () => {
  for (const adjoint of [{ kind: 'store' }, { kind: 'recompute' }] as const)
    it(`a gradient through 10,000 steps on 4096 x 4096 cells has the plan of 10 steps on 64 x 64 (${adjoint.kind})`, () => {
      const made = ([n, steps]: readonly [number, number]): { kernels: number; steps: number } => {
        const g = new Graph();
        const simulation = heat(g, n, { steps, adjoint, dtype: 'f32' });
        const { kernels, procedures } = scheduleFunction(
          g,
          functionOf(simulation.params, withGradient(g, simulation, [0, 1])),
        );
        return { kernels: kernels.length, steps: countSteps(procedures['f']?.steps ?? []) };
      };
      const small = made([64, 10]);
      const large = made([4096, 10_000]);
      // A larger sum has one level more; arenas give way to a cut, and slots of a tape to copies, where a binding cannot span them.
      expect(large.kernels).toBeLessThanOrEqual(small.kernels + 6);
      expect(large.steps).toBeLessThanOrEqual(2.5 * small.steps);
    });
});

describe('length', () => {
  const chain = (g: Graph, x: Node, n: number): Node =>
    range(n).reduce<Node>((y, i) => b.add(g, b.mul(g, y, 0.5), i % 7), x);
  it('four thousand dependent operations on a field', async () => {
    const g = new Graph();
    const x = g.param('x', f64(100));
    const made = await expectSame(g, functionOf([x], [chain(g, x, 2000)]), [array(x, random)]);
    expect(made.kernels.length).toBeLessThan(20);
  });
  it('two thousand dependent operations on a scalar, and in a loop', async () => {
    const g = new Graph();
    const x = g.param('x', f64());
    const { carries } = makeScan(g, {
      length: 3,
      init: [x],
      body: (_i, [y = x]) => ({ carries: [chain(g, y, 900)], ys: [] }),
    });
    await expectSame(g, functionOf([x], [chain(g, x, 1000), at(carries, 0)]), [array(x, random)]);
  });
  it('an ensemble with a long step', async () => {
    const g = new Graph();
    const x = g.param('x', f64(100));
    const { carries } = makeScan(g, {
      length: 3,
      init: [x],
      body: (_i, [y = x]) => ({ carries: [chain(g, y, 900)], ys: [] }),
    });
    const made = await expectSame(g, functionOf([x], [at(carries, 0)]), [array(x, random)]);
    expect(made.kernels).toHaveLength(1);
  });
  it('a thousand stencils', async () => {
    const g = new Graph();
    const x = g.param('x', f64(80));
    const y = range(1000).reduce<Node>(
      (u, i) => b.keep(g, b.sin(g, b.add(g, b.roll(g, u, 0, 1 + (i % 3)), u))),
      x,
    );
    const made = await expectSame(g, functionOf([x], [y]), [array(x, random)]);
    expect(made.report.bytes.temporaries).toBeLessThan(80 * 8 * 10);
  });
});
