// Reverse mode through `while`: the values and slopes of x*a^n for the n turns taken, wherever n lies in the blocks of the sweep (autodiff/bounded_scan.ts), the limit included; and that the sweep
// is as long as the turns, not as the limit.

import { describe, expect, test } from 'vitest';
import { batch } from '../../compiler/autodiff/batch.ts';
import { gradientOf } from '../../compiler/autodiff/operators.ts';
import * as b from '../../compiler/ir/build.ts';
import { isRegionNode, regionsOf } from '../../compiler/ir/classes.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import { makeWhile, reachable } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { at } from '../../compiler/support/lists.ts';
import { given } from './cases.ts';
import { evaluate, f64 } from './checks.ts';

/** x times a until it is at least `top`; the number of turns. */
function powers(g: Graph, x: Node, a: Node, top: Node, limit: number): readonly Node[] {
  const { carries, turns } = makeWhile(g, {
    init: [x],
    limit,
    condition: ([u]) => b.lt(g, given(u), top),
    body: (_i, [u]) => [b.mul(g, given(u), a)],
  });
  return [at(carries, 0), turns];
}

describe('the gradient of a while loop', () => {
  const limits = [5, 63, 64, 65, 100, 103];
  test.each(limits)('with at most %i turns', (limit) => {
    const g = new Graph();
    const [x, a, top] = [g.param('x', f64()), g.param('a', f64()), g.param('top', f64())];
    const [y, turns] = powers(g, x, a, top, limit);
    const slopes = gradientOf(g, given(y), [x, a]);
    const second = gradientOf(g, at(slopes, 1), [a]);
    for (const n of [0, 1, 7, 8, 9, 10, 11, 49, 62, 63, 64, 65, 99, 100, 102, 103, 200]) {
      const point = [2, 1.01, 2 * 1.01 ** (n - 0.5)].map((v) => ndarray('f64', [], [v]));
      const out = evaluate([given(y), given(turns), ...slopes, ...second], [x, a, top], point);
      const [value, count, dx, da, daa] = out.map((d) => d.data[0] ?? NaN);
      const m = Math.min(n, limit);
      expect(count).toBe(m);
      expect(value).toBeCloseTo(2 * 1.01 ** m, 10);
      expect(dx).toBeCloseTo(1.01 ** m, 10);
      expect(da).toBeCloseTo(2 * m * 1.01 ** (m - 1), 8);
      expect(daa).toBeCloseTo(2 * m * (m - 1) * 1.01 ** (m - 2), 6);
    }
  });

  test('of several elements that stop at turns of their own', () => {
    const g = new Graph();
    const [x, a, top] = [g.param('x', f64()), g.param('a', f64()), g.param('top', f64())];
    const [y] = powers(g, x, a, top, 100);
    const [xs, tops] = [g.param('xs', f64(4)), g.param('tops', f64(4))];
    const mapping = new Map([
      [x, xs],
      [top, tops],
    ]);
    const [ys] = batch(g, [given(y)], mapping, 4);
    const slopes = gradientOf(g, b.sumAll(g, given(ys)), [xs, a]);
    const turns = [0, 3, 40, 100];
    const out = evaluate(
      slopes,
      [xs, a, tops],
      [
        ndarray('f64', [4], [1, 1, 1, 1]),
        ndarray('f64', [], [1.01]),
        ndarray(
          'f64',
          [4],
          turns.map((n) => (n === 100 ? 1e9 : 1.01 ** (n - 0.5))),
        ),
      ],
    );
    turns.forEach((n, i) => expect(out[0]?.data[i]).toBeCloseTo(1.01 ** n, 10));
    expect(out[1]?.data[0]).toBeCloseTo(
      turns.reduce((s, n) => s + n * 1.01 ** (n - 1), 0),
      8,
    );
  });

  test('asks a hundred times at most whether to go on, of ten thousand turns', () => {
    const g = new Graph();
    const [x, a, top] = [g.param('x', f64()), g.param('a', f64()), g.param('top', f64())];
    const [y] = powers(g, x, a, top, 10_000);
    const lengths: number[] = [];
    const visit = (nodes: readonly Node[]): void => {
      for (const n of reachable(nodes)) {
        if (n.op === 'scan' || n.op === 'adjoint_scan') lengths.push(n.attrs.length);
        if (isRegionNode(n)) for (const [, region] of regionsOf(n)) visit(region.results);
      }
    };
    visit(gradientOf(g, given(y), [a]));
    expect(lengths.length).toBeGreaterThan(3);
    expect(Math.max(...lengths)).toBe(100);
  });
});
