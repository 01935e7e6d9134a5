// Straight-line functions.

import { describe, expect, it } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { array, f64, generator } from '../autodiff/checks.ts';
import { printKernel } from '../../compiler/kernel/print.ts';
import { printPlan } from '../../compiler/plan/print.ts';
import { expectSame, functionOf, planOf } from './support.ts';

const random = generator(1);
const numbers = (...shape: number[]) => array(f64(...shape), () => random());

describe('straight-line functions', () => {
  it('a five-point stencil with ghost cells is one kernel', async () => {
    const g = new Graph();
    const u = g.param('u', f64(20, 30));
    const zero = b.full(g, [1, 30], 0, 'f64');
    const padded = b.concat(g, [zero, u, zero], 0);
    const up = b.sliceAxis(g, padded, 0, 0, 20);
    const down = b.sliceAxis(g, padded, 0, 2, 22);
    const left = b.roll(g, u, 1, -1);
    const right = b.roll(g, u, 1, 1);
    const lap = b.sub(g, b.add(g, b.add(g, up, down), b.add(g, left, right)), b.mul(g, u, 4));
    const made = await expectSame(g, functionOf([u], [b.add(g, u, b.mul(g, lap, 0.1))]), [numbers(20, 30)]);
    if (process.env['DUMP'])
      console.log(printPlan(planOf(made)), made.kernels.map((k) => printKernel(k)).join('\n'));
    expect(made.report.dispatches).toEqual({ f: 1 });
  });
});
