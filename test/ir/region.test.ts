import { describe, expect, test } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { interpret } from '../../compiler/ir/interpret.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import {
  closeRegion,
  closeRegions,
  dependents,
  inlineRegion,
  makeCond,
  makeScan,
  makeWhile,
  reachable,
  substitute,
} from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { snapshotPositions } from '../../compiler/support/revolve.ts';

const vector = (g: Graph, name: string, n = 3): Node => g.param(name, { dtype: 'f64', shape: [n] });
const run = (
  results: readonly Node[],
  bindings: readonly (readonly [Node, readonly number[]])[],
): number[][] =>
  interpret(results, new Map(bindings.map(([p, v]) => [p, ndarray(p.dtype, p.shape, v)]))).map((r) =>
    Array.from(r.data),
  );

describe('walks', () => {
  test('reachable: operands before users, each once, also in a graph 100,000 deep', () => {
    const g = new Graph();
    const x = g.param('x', { dtype: 'f64', shape: [] });
    let y = x;
    for (let i = 0; i < 100_000; i++) y = b.sin(g, y);
    const order = reachable([y, b.add(g, y, x)]);
    expect(order.length).toBe(100_002);
    const position = new Map(order.map((n, i) => [n, i]));
    expect(
      order.every((n) => n.args.every((a) => (position.get(a) ?? Infinity) < (position.get(n) ?? -1))),
    ).toBe(true);
    expect(substitute(g, [y], new Map([[x, b.cos(g, x)]]))[0]?.op).toBe('sin');
  });
  test('dependents', () => {
    const g = new Graph();
    const [x, y] = [vector(g, 'x'), vector(g, 'y')];
    const [p, q] = [b.sin(g, x), b.sin(g, y)];
    const sum = b.add(g, p, q);
    expect(dependents([sum], [x])).toEqual(new Set([x, p, sum]));
  });
  test('substitute makes only what depends on the mapped nodes', () => {
    const g = new Graph();
    const [x, y] = [vector(g, 'x'), vector(g, 'y')];
    const [p, q] = [b.sin(g, x), b.cos(g, y)];
    const product = b.mul(g, p, q);
    expect(substitute(g, [product, q], new Map([[x, y]]))).toEqual([b.mul(g, b.sin(g, y), q), q]);
    expect(
      substitute(
        g,
        [product],
        new Map([
          [p, b.neg(g, p)],
          [x, y],
        ]),
      )[0],
    ).toBe(b.mul(g, b.neg(g, p), q));
    expect(
      substitute(
        g,
        [product],
        new Map([
          [x, y],
          [y, x],
        ]),
      )[0],
    ).toBe(b.mul(g, b.sin(g, y), b.cos(g, x)));
  });
});

describe('closure conversion', () => {
  const g = new Graph();
  const p = vector(g, 'p');
  const [u, v] = [vector(g, 'u'), vector(g, 'v')];

  test('captures what does not depend on the parameters, at the frontier', () => {
    const outer = b.exp(g, b.add(g, u, v));
    const { region, captured } = closeRegion(g, [p], [b.mul(g, p, outer)]);
    expect(captured).toEqual([outer]);
    expect(region.params.length).toBe(2);
    expect(inlineRegion(g, region, [p, outer])).toEqual([b.mul(g, p, outer)]);
    expect(reachable(region.results).filter((n) => n.op === 'param')).toEqual(
      [...region.params].sort((a, c) => a.id - c.id),
    );
  });
  test('constants, small literals and cheap index expressions stay inside', () => {
    const literal = g.literal(Float64Array.of(1, 2, 3), [3], 'f64');
    const grid = b.mul(g, b.add(g, g.iota([3], 0, 'f64'), 0.5), 0.1);
    const { captured } = closeRegion(g, [p], [b.add(g, b.mul(g, p, literal), b.mul(g, grid, 2))]);
    expect(captured).toEqual([]);
  });
  test('dear index expressions and large literals are operands', () => {
    const grid = g.iota([3], 0, 'f64');
    const dear = range(6).reduce((x) => b.sin(g, b.add(g, x, 1)), grid);
    const large = g.literal(
      Float64Array.from({ length: 99 }, (_, i) => i),
      [33, 3],
      'f64',
    );
    const { captured } = closeRegion(g, [p], [b.add(g, p, dear), b.mul(g, p, b.indexAxis(g, large, 0, 4))]);
    expect(new Set(captured)).toEqual(new Set([dear, large]));
  });
  test('movement is done inside, on the captured array', () => {
    const outer = b.exp(g, u);
    const { captured } = closeRegion(g, [p], [b.add(g, p, b.reverse(g, b.roll(g, outer, 0, 1), [0]))]);
    expect(captured).toEqual([outer]);
  });
  test('booleans are never captured: their operands are, or a number', () => {
    const scalarMask = b.reduce(g, 'any', b.lt(g, u, v), [0]);
    const chosen = b.select(
      g,
      b.broadcastTo(g, scalarMask, [3]),
      p,
      b.select(g, b.lt(g, u, 1), p, b.neg(g, p)),
    );
    const { captured, region } = closeRegion(g, [p], [chosen]);
    expect(new Set(captured)).toEqual(new Set([u, b.cast(g, scalarMask, 'i32')]));
    expect(region.params.every((q) => q.dtype !== 'bool')).toBe(true);
    const values: (readonly [Node, readonly number[]])[] = [
      [p, [1, 2, 3]],
      [u, [0, 5, 9]],
      [v, [-1, -1, -1]],
    ];
    expect(run(inlineRegion(g, region, [p, ...captured]), values)).toEqual(run([chosen], values));
  });
  test('several regions share the captured values, each with parameters of its own', () => {
    const outer = b.exp(g, u);
    const { regions, captured } = closeRegions(g, [
      { params: [p], results: [b.add(g, p, outer)] },
      { params: [v], results: [b.mul(g, v, outer)] },
    ]);
    expect(captured).toEqual([outer]);
    expect(at(regions, 0).params[1]).not.toBe(at(regions, 1).params[1]);
  });
  test('a result that is an outer value becomes a parameter', () => {
    const outer = b.exp(g, u);
    const { region, captured } = closeRegion(g, [p], [outer, p]);
    expect([captured, region.results]).toEqual([[outer], [region.params[1], p]]);
  });
});

describe.each([true, false])('loops and branches (rewrites: %s)', (rewrite) => {
  test.each([false, true])('scan, reverse: %s', (reverse) => {
    const g = new Graph({ rewrite });
    const x = vector(g, 'x', 2);
    const xs = g.param('xs', { dtype: 'f64', shape: [5, 2] });
    const scale = vector(g, 'scale', 2);
    const { carries, ys, snapshots } = makeScan(g, {
      length: 5,
      init: [x, g.constant(0, 'i32')],
      xs: [xs],
      reverse,
      snapshots: 3,
      body: (index, [c, n], [slice]) => {
        const next = b.add(g, b.mul(g, c ?? x, scale), slice ?? x);
        return { carries: [next, b.add(g, n ?? index, index)], ys: [b.mul(g, next, 2), index] };
      },
    });
    const steps = range(10).map((i) => i + 1);
    let [state, count] = [[1, -1], 0];
    const expectedYs: number[] = new Array<number>(10).fill(0);
    const saved: number[][] = [];
    for (let k = 0; k < 5; k++) {
      const i = reverse ? 4 - k : k;
      saved.push(state);
      state = state.map((s, j) => s * at([0.5, 2], j) + at(steps, 2 * i + j));
      state.forEach((s, j) => (expectedYs[2 * i + j] = 2 * s));
      count += i;
    }
    const result = run(
      [...carries, ...ys, ...snapshots],
      [
        [x, [1, -1]],
        [xs, steps],
        [scale, [0.5, 2]],
      ],
    );
    expect(result.slice(0, 4)).toEqual([state, [count], expectedYs, [0, 1, 2, 3, 4]]);
    expect(result[4]).toEqual(snapshotPositions(5, 3).flatMap((k) => at(saved, k)));
  });

  test('a carry of bool', () => {
    const g = new Graph({ rewrite });
    const start = g.param('start', { dtype: 'bool', shape: [2] });
    const { carries, ys } = makeScan(g, {
      length: 3,
      init: [start],
      xs: [b.stack(g, [start, b.not(g, start), start])],
      body: (_i, [flag], [x]) => ({ carries: [b.xor(g, flag ?? start, x ?? start)], ys: [flag ?? start] }),
    });
    expect(at(carries, 0).dtype).toBe('bool');
    expect(run([...carries, ...ys], [[start, [1, 0]]])).toEqual([
      [1, 1],
      [1, 0, 0, 0, 0, 1],
    ]);
  });

  test('a nested scan uses values of both levels', () => {
    const g = new Graph({ rewrite });
    const a = g.param('a', { dtype: 'f64', shape: [] });
    const { carries } = makeScan(g, {
      length: 3,
      init: [a],
      body: (i, [outer]) => {
        const inner = makeScan(g, {
          length: 2,
          init: [outer ?? a],
          body: (j, [c]) => ({
            carries: [b.add(g, b.mul(g, c ?? a, a), b.cast(g, b.add(g, i, b.mul(g, j, 10)), 'f64'))],
            ys: [],
          }),
        });
        return { carries: [b.add(g, at(inner.carries, 0), outer ?? a)], ys: [] };
      },
    });
    let expected = 0.5;
    for (let i = 0; i < 3; i++) {
      let c = expected;
      for (let j = 0; j < 2; j++) c = c * 0.5 + i + 10 * j;
      expected += c;
    }
    expect(run(carries, [[a, [0.5]]])).toEqual([[expected]]);
  });

  test('while ends by its condition or its limit', () => {
    const g = new Graph({ rewrite });
    const x = g.param('x', { dtype: 'f64', shape: [] });
    const bound = g.param('bound', { dtype: 'f64', shape: [] });
    const { carries, turns } = makeWhile(g, {
      init: [x],
      limit: 10,
      condition: ([c]) => b.lt(g, c ?? x, b.mul(g, bound, 2)),
      body: (index, [c]) => [b.add(g, b.mul(g, c ?? x, 2), b.cast(g, index, 'f64'))],
    });
    const values = (start: number, top: number): number[][] =>
      run(
        [...carries, turns],
        [
          [x, [start]],
          [bound, [top]],
        ],
      );
    expect(values(1, 10)).toEqual([[27], [4]]);
    expect(values(50, 10)).toEqual([[50], [0]]);
    expect(values(0, 1e9)[1]).toEqual([10]);
  });

  test('cond computes in its branches what was asked for there', () => {
    const g = new Graph({ rewrite });
    const [x, y] = [vector(g, 'x'), vector(g, 'y')];
    const outside = b.exp(g, y);
    const build = (): readonly Node[] =>
      makeCond(g, {
        predicate: b.lt(g, b.sumAll(g, x), 0),
        then: () => [b.sin(g, b.mul(g, x, outside)), b.lt(g, x, y)],
        otherwise: () => [b.cos(g, x), b.lt(g, y, x)],
      });
    const [first, second] = [build(), build()];
    expect(second).not.toBe(first);
    const [a, mask] = first;
    const node = at(at(first, 0).args, 0);
    expect(new Set(node.args.slice(1))).toEqual(new Set([x, y, outside]));
    expect(a?.dtype).toBe('f64');
    expect(mask?.dtype).toBe('bool');
    const inputs = (sign: number): (readonly [Node, readonly number[]])[] => [
      [x, [sign, 2 * sign, sign]],
      [y, [0.5, -0.5, 0]],
    ];
    expect(run([...first, ...second], inputs(1))).toEqual(
      run([b.cos(g, x), b.lt(g, y, x), b.cos(g, x), b.lt(g, y, x)], inputs(1)),
    );
    expect(run(first, inputs(-1))).toEqual(run([b.sin(g, b.mul(g, x, outside)), b.lt(g, x, y)], inputs(-1)));
  });
});

describe('adjoint_scan', () => {
  /** d/dx0 and d/da of the final x of x <- a sin(x) + w[i], by the reverse sweep at `slots` snapshots. */
  function sweep(length: number, slots: number): number[][] {
    const g = new Graph();
    const scalar = (name: string): Node => g.param(name, { dtype: 'f64', shape: [] });
    const [x0, a] = [scalar('x0'), scalar('a')];
    const w = g.param('w', { dtype: 'f64', shape: [length] });
    const { carries, snapshots } = makeScan(g, {
      length,
      init: [x0],
      xs: [w],
      snapshots: slots,
      body: (_i, [x], [wi]) => ({ carries: [b.add(g, b.mul(g, a, b.sin(g, x ?? x0)), wi ?? x0)], ys: [] }),
    });
    const index = (): Node => g.param('i', { dtype: 'i32', shape: [] });
    const [i, x, wi, j, y, ct, da, wj] = [
      index(),
      scalar('x'),
      scalar('wi'),
      index(),
      scalar('y'),
      scalar('ct'),
      scalar('da'),
      scalar('wj'),
    ];
    const { regions, captured } = closeRegions(g, [
      { params: [i, x, wi], results: [b.add(g, b.mul(g, a, b.sin(g, x)), wi)] },
      {
        params: [j, y, ct, da, wj],
        results: [
          b.mul(g, ct, b.mul(g, a, b.cos(g, y))),
          b.add(g, da, b.mul(g, ct, b.sin(g, y))),
          b.add(g, ct, b.mul(g, b.cast(g, j, 'f64'), 0)),
        ],
      },
    ]);
    const node = g.node(
      'adjoint_scan',
      [...snapshots, g.constant(1, 'f64'), g.constant(0, 'f64'), w, ...captured],
      {
        length,
        slots,
        carries: 1,
        cotangents: 2,
        xs: 1,
        forward: at(regions, 0),
        backward: at(regions, 1),
      },
    );
    return run(
      [...carries, ...b.projections(g, node)],
      [
        [x0, [0.3]],
        [a, [1.2]],
        [w, range(length).map((k) => 0.1 * k)],
      ],
    );
  }
  test('is the derivative of the loop', () => {
    const final = (x0: number, a: number): number => {
      let x = x0;
      for (let k = 0; k < 9; k++) x = a * Math.sin(x) + 0.1 * k;
      return x;
    };
    const [x, dx, da] = sweep(9, 9);
    const h = 1e-6;
    expect(x?.[0]).toBe(final(0.3, 1.2));
    expect(dx?.[0]).toBeCloseTo((final(0.3 + h, 1.2) - final(0.3 - h, 1.2)) / (2 * h), 8);
    expect(da?.[0]).toBeCloseTo((final(0.3, 1.2 + h) - final(0.3, 1.2 - h)) / (2 * h), 8);
  });
  test('gives the same bits at every number of snapshots', () => {
    const plain = sweep(11, 11);
    for (let slots = 1; slots < 11; slots++) expect(sweep(11, slots)).toEqual(plain);
  });
});
