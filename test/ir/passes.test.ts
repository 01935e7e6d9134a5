import { describe, expect, test } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { interpretFunction } from '../../compiler/ir/interpret.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import { countNodes, cse, dce, optimize, simplify } from '../../compiler/ir/passes.ts';
import { closeRegions, makeCond, makeScan, makeWhile, reachable } from '../../compiler/ir/region.ts';
import type { ArrayFunction, Attributes, Node, NodeOf } from '../../compiler/ir/types.ts';
import { sizeOf } from '../../compiler/ir/types.ts';
import { verifyFunction } from '../../compiler/ir/verify.ts';
import { at, range } from '../../compiler/support/lists.ts';

const field = (g: Graph, name: string, shape: readonly number[] = [4]): Node =>
  g.param(name, { dtype: 'f64', shape });

function functionOf(params: readonly Node[], results: readonly Node[]): ArrayFunction {
  return {
    name: 'f',
    inputs: params.map((_, i) => `in${i}`),
    outputs: results.map((_, i) => `out${i}`),
    region: { params, results },
  };
}

function values(fn: ArrayFunction): unknown {
  const inputs = Object.fromEntries(
    fn.region.params.map((p, i) => [
      `in${i}`,
      ndarray(
        p.dtype,
        p.shape,
        range(sizeOf(p.shape)).map((k) => ((k * 3 + i) % 5) * 0.25 + 0.5),
      ),
    ]),
  );
  return interpretFunction(fn, inputs);
}

/** The pass, checked: the result is valid and has the same values. */
function checked(
  g: Graph,
  pass: (g: Graph, fn: ArrayFunction) => ArrayFunction,
  fn: ArrayFunction,
): ArrayFunction {
  const better = pass(g, fn);
  verifyFunction(better, pass.name);
  expect(values(better)).toEqual(values(fn));
  return better;
}

function loops(fn: ArrayFunction): NodeOf<'scan'>[] {
  return reachable(fn.region.results).filter((n): n is NodeOf<'scan'> & Node => n.op === 'scan');
}

const onlyLoop = (fn: ArrayFunction): NodeOf<'scan'> => {
  expect(loops(fn).length).toBe(1);
  return at(loops(fn), 0);
};

const opsOf = (results: readonly Node[]): string[] => reachable(results).map((n) => n.op);

describe('dce of loops', () => {
  test('carries, inputs, outputs and snapshots that nobody reads go', () => {
    const g = new Graph();
    const [x, y, w] = [field(g, 'x'), field(g, 'y'), field(g, 'w', [3, 4])];
    const { carries } = makeScan(g, {
      length: 3,
      init: [x, y],
      xs: [w],
      snapshots: 3,
      body: (_i, [p, q], [s]) => ({
        carries: [b.sin(g, p ?? x), b.mul(g, q ?? y, b.add(g, p ?? x, s ?? x))],
        ys: [b.cos(g, q ?? y)],
      }),
    });
    const loop = onlyLoop(checked(g, dce, functionOf([x, y, w], [at(carries, 0)])));
    expect(loop.attrs).toMatchObject({ carries: 1, xs: 0, snapshots: 0 });
    expect([loop.args, loop.outputs.length]).toEqual([[x], 1]);
  });

  test('a carry that a living one needs lives', () => {
    const g = new Graph();
    const [x, y] = [field(g, 'x'), field(g, 'y')];
    const { carries } = makeScan(g, {
      length: 3,
      init: [x, y],
      body: (_i, [p, q]) => ({ carries: [b.add(g, p ?? x, q ?? y), b.sin(g, q ?? y)], ys: [] }),
    });
    expect(onlyLoop(checked(g, dce, functionOf([x, y], [at(carries, 0)]))).attrs.carries).toBe(2);
  });

  test('a carry passed through becomes a constant, and what depends on it is hoisted', () => {
    const g = new Graph();
    const [x, k] = [field(g, 'x'), field(g, 'k')];
    const { carries } = makeScan(g, {
      length: 3,
      init: [x, k],
      body: (_i, [p, c]) => ({ carries: [b.mul(g, p ?? x, b.exp(g, c ?? k)), c ?? k], ys: [] }),
    });
    const better = checked(g, dce, functionOf([x, k], [...carries]));
    expect(onlyLoop(better).args).toEqual([x, b.exp(g, k)]);
    expect(better.region.results[1]).toBe(k);
  });

  test('accumulators of zeros vanish, also those that depend on one another', () => {
    const g = new Graph();
    const x = field(g, 'x');
    const zero = b.zerosLike(g, x);
    const { carries, ys } = makeScan(g, {
      length: 3,
      init: [x, zero, zero, zero],
      body: (_i, [p, q, r, s]) => ({
        carries: [
          b.add(g, b.sin(g, p ?? x), q ?? x),
          b.mul(g, r ?? x, p ?? x),
          b.add(g, q ?? x, r ?? x),
          b.add(g, s ?? x, 1),
        ],
        ys: [r ?? x],
      }),
    });
    const better = checked(
      g,
      dce,
      functionOf([x], [at(carries, 0), at(carries, 2), at(ys, 0), at(carries, 3)]),
    );
    expect(onlyLoop(better).attrs.carries).toBe(2);
    expect(better.region.results.slice(1, 3)).toEqual([zero, b.full(g, [3, 4], 0, 'f64')]);
  });

  test('inputs that repeat become constants, equal ones become one', () => {
    const g = new Graph();
    const [x, w] = [field(g, 'x'), field(g, 'w', [3, 4])];
    const { carries } = makeScan(g, {
      length: 3,
      init: [x],
      xs: [w, b.full(g, [3, 4], 0, 'f64'), w, b.broadcastAxes(g, b.sin(g, x), [3, 4], [1])],
      body: (_i, [p], xs) => ({ carries: [xs.reduce((sum, s) => b.add(g, sum, s), p ?? x)], ys: [] }),
    });
    const loop = onlyLoop(checked(g, dce, functionOf([x, w], [...carries])));
    expect(loop.args).toEqual([x, w, b.sin(g, x)]);
    expect(loop.attrs.xs).toBe(1);
  });

  test('invariant work moves out, through two levels, and slices stay inside', () => {
    const g = new Graph({ rewrite: true });
    const [x, k] = [field(g, 'x'), field(g, 'k', [6])];
    // Written the way differentiation leaves it: the invariant work is done on constant parameters of the bodies.
    const inner = (p: Node, c: Node): Node =>
      at(
        makeScan(g, {
          length: 2,
          init: [p],
          body: (_j, [q]) => ({ carries: [b.mul(g, q ?? p, b.sliceAxis(g, b.exp(g, c), 0, 1, 5))], ys: [] }),
        }).carries,
        0,
      );
    const outerBody = {
      index: g.param('i', { dtype: 'i32', shape: [] }),
      p: field(g, 'p'),
      c: field(g, 'c', [6]),
    };
    const node = g.node('scan', [x, k], {
      length: 3,
      carries: 1,
      xs: 0,
      body: {
        params: [outerBody.index, outerBody.p, outerBody.c],
        results: [inner(outerBody.p, outerBody.c)],
      },
      reverse: false,
      snapshots: 0,
      adjoint: { kind: 'auto' },
    });
    const fn = functionOf([x, k], [b.project(g, node, 0)]);
    verifyFunction(fn);
    const better = checked(g, dce, fn);
    expect(onlyLoop(better).args).toEqual([x, b.exp(g, k)]);
    const body = onlyLoop(better).attrs.body;
    const innerLoop = reachable(body.results).find((n) => n.op === 'scan');
    expect(innerLoop?.args).toEqual([body.params[1], body.params[2]]);
    expect(opsOf(innerLoop?.op === 'scan' ? innerLoop.attrs.body.results : [])).toContain('slice');
  });

  test('a loop of one step is its body', () => {
    const g = new Graph();
    const [x, w] = [field(g, 'x'), field(g, 'w', [1, 4])];
    const { carries, ys, snapshots } = makeScan(g, {
      length: 1,
      init: [x],
      xs: [w],
      snapshots: 1,
      body: (i, [p], [s]) => ({
        carries: [b.add(g, b.mul(g, p ?? x, s ?? x), b.cast(g, i, 'f64'))],
        ys: [b.sin(g, p ?? x)],
      }),
    });
    const better = checked(g, dce, functionOf([x, w], [...carries, ...ys, ...snapshots]));
    expect(loops(better)).toEqual([]);
  });

  test('a loop of no steps ends where it begins', () => {
    const g = new Graph({ rewrite: false });
    const x = field(g, 'x');
    const { carries, ys, snapshots } = makeScan(g, {
      length: 0,
      init: [x],
      snapshots: 1,
      body: (_i, [p]) => ({ carries: [b.sin(g, p ?? x)], ys: [b.cos(g, p ?? x)] }),
    });
    const better = dce(g, functionOf([x], [...carries, ...ys, ...snapshots]));
    verifyFunction(better);
    expect(loops(better)).toEqual([]);
    expect(better.region.results.map((r) => r.shape)).toEqual([[4], [0, 4], [1, 4]]);
    expect(better.region.results[0]).toBe(x);
  });

  test('a function without anything to do comes back as it is', () => {
    const g = new Graph();
    const x = field(g, 'x');
    const { carries } = makeScan(g, {
      length: 3,
      init: [x],
      body: (_i, [p]) => ({ carries: [b.sin(g, p ?? x)], ys: [] }),
    });
    const fn = functionOf([x], [...carries]);
    expect([simplify(g, fn), dce(g, fn), cse(g, fn), optimize(g, fn)]).toEqual([fn, fn, fn, fn]);
    expect(optimize(g, fn)).toBe(fn);
  });
});

describe('dce of the other regions', () => {
  test('adjoint_scan: states, cotangents, inputs and outputs that do not matter go', () => {
    const g = new Graph();
    const scalar = (name: string): Node => field(g, name, []);
    const [x, k, w] = [scalar('x'), scalar('k'), field(g, 'w', [5])];
    const snapshots = [field(g, 's0', [2]), field(g, 's1', [2])];
    const [i, u, v, wi] = [g.param('i', { dtype: 'i32', shape: [] }), scalar('u'), scalar('v'), scalar('wi')];
    const [j, p, q, ct, zero, wj] = [
      g.param('j', { dtype: 'i32', shape: [] }),
      scalar('p'),
      scalar('q'),
      scalar('ct'),
      scalar('z'),
      scalar('wj'),
    ];
    const { regions, captured } = closeRegions(g, [
      { params: [i, u, v, wi], results: [b.mul(g, b.sin(g, u), b.exp(g, k)), b.add(g, v, wi)] },
      {
        params: [j, p, q, ct, zero, wj],
        results: [b.mul(g, ct, b.mul(g, b.cos(g, p), k)), b.mul(g, zero, p), b.sin(g, q)],
      },
    ]);
    const attrs: Attributes['adjoint_scan'] = {
      length: 5,
      slots: 2,
      carries: 2,
      cotangents: 2,
      xs: 1,
      forward: at(regions, 0),
      backward: at(regions, 1),
    };
    const node = g.node('adjoint_scan', [...snapshots, x, g.constant(0, 'f64'), w, ...captured], attrs);
    const fn = functionOf([x, k, w, ...snapshots], [b.project(g, node, 0), b.project(g, node, 1)]);
    const better = checked(g, dce, fn);
    const made = reachable(better.region.results).find((n) => n.op === 'adjoint_scan');
    expect(made?.op === 'adjoint_scan' && made.attrs).toMatchObject({ carries: 1, cotangents: 1, xs: 0 });
    expect(better.region.results[1]).toBe(g.constant(0, 'f64'));
    expect(new Set(made?.args)).toEqual(new Set([snapshots[0], x, k, b.exp(g, k)]));
  });

  test('while: what neither the condition nor the result needs goes', () => {
    const g = new Graph();
    const [x, y, k] = [field(g, 'x', []), field(g, 'y'), field(g, 'k', [])];
    const { carries } = makeWhile(g, {
      init: [x, y, k],
      limit: 20,
      condition: ([p, , c]) => b.lt(g, p ?? x, b.mul(g, c ?? k, 9)),
      body: (_i, [p, q, c]) => [b.add(g, b.mul(g, p ?? x, 2), c ?? k), b.sin(g, q ?? y), c ?? k],
    });
    const better = checked(g, dce, functionOf([x, y, k], [at(carries, 0)]));
    const loop = reachable(better.region.results).find((n) => n.op === 'while');
    expect(loop?.op === 'while' && loop.attrs.carries).toBe(1);
    expect(new Set(loop?.args)).toEqual(new Set([x, k, b.mul(g, k, 9)]));
  });

  test('cond: operands that no branch needs go, work stays in the branches', () => {
    const g = new Graph();
    const [x, y, z] = [field(g, 'x'), field(g, 'y'), field(g, 'z')];
    const results = makeCond(g, {
      predicate: b.lt(g, b.sumAll(g, x), 3),
      operands: [x, y, z, b.zerosLike(g, x), x],
      then: ([p, q, , zero, again]) => [b.add(g, b.sin(g, p ?? x), zero ?? x), b.mul(g, q ?? x, again ?? x)],
      otherwise: ([p, q, r]) => [b.exp(g, p ?? x), b.mul(g, q ?? x, r ?? x)],
    });
    const better = checked(g, dce, functionOf([x, y, z], [at(results, 0)]));
    const node = reachable(better.region.results).find((n) => n.op === 'cond');
    expect(node?.args.slice(1)).toEqual([x]);
    expect(opsOf(better.region.results)).not.toContain('sin');
  });
});

describe('outputs of a loop', () => {
  test('that are one value are one output', () => {
    const g = new Graph();
    const x = field(g, 'x');
    const { carries, ys } = makeScan(g, {
      length: 4,
      init: [x],
      body: (_i, [p = x]) => {
        const next = b.sin(g, p);
        return { carries: [next], ys: [next, b.cos(g, p), next] };
      },
    });
    const better = checked(g, dce, functionOf([x], [at(carries, 0), ...ys]));
    const scan = onlyLoop(better);
    expect(scan.attrs.body.results.length).toBe(3);
    expect(better.region.results[1]).toBe(better.region.results[3]);
  });
});

describe('cse', () => {
  /** x <- sin(x) * k, recording what is asked for. */
  const loop = (g: Graph, x: Node, k: Node, record: (g: Graph, p: Node) => Node[], snapshots = 0) =>
    makeScan(g, {
      length: 4,
      init: [x],
      snapshots,
      body: (_i, [p]) => ({ carries: [b.mul(g, b.sin(g, p ?? x), k)], ys: record(g, p ?? x) }),
    });

  test('loops of equal bodies are one, also where places of the text tell them apart', () => {
    const g = new Graph();
    const [x, k] = [field(g, 'x'), field(g, 'k')];
    const file = { path: 'two.flow', text: '' };
    const [p, q] = [1, 2].map((start) =>
      g.withOrigin({ file, start, end: start }, () => loop(g, x, k, () => [])),
    );
    const fn = functionOf([x, k], [b.add(g, at(p?.carries ?? [], 0), at(q?.carries ?? [], 0))]);
    expect(loops(fn).length).toBe(2);
    onlyLoop(checked(g, cse, fn));
  });

  test('a loop and the same loop with snapshots and outputs are one, with both', () => {
    const g = new Graph();
    const [x, k] = [field(g, 'x'), field(g, 'k')];
    const plain = loop(g, x, k, (_, p) => [b.cos(g, p), b.exp(g, p)]);
    const saved = loop(g, x, k, (_, p) => [b.exp(g, p), b.mul(g, p, b.exp(g, x))], 4);
    const fn = functionOf(
      [x, k],
      [...plain.carries, ...saved.carries, ...plain.ys, ...saved.ys, ...saved.snapshots],
    );
    const made = onlyLoop(checked(g, cse, fn));
    expect(made.attrs.snapshots).toBe(4);
    expect(made.outputs.length).toBe(1 + 3 + 1);
  });

  test('a loop whose carries are among those of another joins it', () => {
    const g = new Graph();
    const [x, k, t] = [field(g, 'x'), field(g, 'k'), field(g, 't')];
    const small = loop(g, x, k, () => []);
    const big = makeScan(g, {
      length: 4,
      init: [t, x],
      body: (_i, [d, p]) => ({
        carries: [b.mul(g, b.mul(g, d ?? t, b.cos(g, p ?? x)), k), b.mul(g, b.sin(g, p ?? x), k)],
        ys: [],
      }),
    });
    const fn = functionOf([x, k, t], [...small.carries, ...big.carries]);
    expect(onlyLoop(checked(g, cse, fn)).attrs.carries).toBe(2);
  });

  test('loops that differ in a step, a start, a length or a direction stay two', () => {
    const g = new Graph();
    const [x, k] = [field(g, 'x'), field(g, 'k')];
    const make = (init: Node, factor: Node, length: number, reverse: boolean): Node =>
      at(
        makeScan(g, {
          length,
          init: [init],
          reverse,
          body: (i, [p]) => ({ carries: [b.add(g, b.mul(g, p ?? x, factor), b.cast(g, i, 'f64'))], ys: [] }),
        }).carries,
        0,
      );
    for (const other of [
      make(k, k, 4, false),
      make(x, b.sin(g, k), 4, false),
      make(x, k, 5, false),
      make(x, k, 4, true),
    ]) {
      const fn = functionOf([x, k], [make(x, k, 4, false), other]);
      expect(loops(checked(g, cse, fn)).length).toBe(2);
    }
  });

  test('a loop that reads what another records is not merged with it', () => {
    const g = new Graph();
    const [x, k] = [field(g, 'x'), field(g, 'k')];
    const first = loop(g, x, k, (_, p) => [b.cos(g, p)]);
    const second = makeScan(g, {
      length: 4,
      init: [x],
      xs: [at(first.ys, 0)],
      body: (_i, [p], [c]) => ({ carries: [b.mul(g, b.sin(g, p ?? x), k)], ys: [b.mul(g, p ?? x, c ?? x)] }),
    });
    const fn = functionOf([x, k], [...second.ys]);
    expect(loops(checked(g, cse, fn)).length).toBe(2);
  });

  test('branches and conditional loops of equal bodies are one', () => {
    const g = new Graph();
    const [x, k] = [field(g, 'x'), field(g, 'k', [])];
    const branch = (): Node =>
      at(
        makeCond(g, {
          predicate: b.lt(g, k, 1),
          operands: [x],
          then: ([p]) => [b.sin(g, p ?? x)],
          otherwise: ([p]) => [b.cos(g, p ?? x)],
        }),
        0,
      );
    const turns = (): Node =>
      makeWhile(g, {
        init: [k],
        limit: 9,
        condition: ([c]) => b.lt(g, c ?? k, 7),
        body: (_i, [c]) => [b.add(g, b.mul(g, c ?? k, 2), 1)],
      }).turns;
    const fn = functionOf([x, k], [b.add(g, branch(), branch()), b.add(g, turns(), turns())]);
    const better = checked(g, cse, fn);
    expect(opsOf(better.region.results).filter((op) => op === 'cond' || op === 'while').length).toBe(2);
  });

  test('inside bodies, too', () => {
    const g = new Graph();
    const [x, k] = [field(g, 'x'), field(g, 'k')];
    const outer = makeScan(g, {
      length: 2,
      init: [x],
      body: (_i, [p]) => ({
        carries: [
          b.add(
            g,
            at(loop(g, p ?? x, k, () => []).carries, 0),
            at(loop(g, p ?? x, k, (_, q) => [b.cos(g, q)]).carries, 0),
          ),
        ],
        ys: [],
      }),
    });
    const fn = functionOf([x, k], [...outer.carries]);
    const better = checked(g, optimize, fn);
    expect(opsOf(onlyLoop(better).attrs.body.results).filter((op) => op === 'scan').length).toBe(1);
    expect(countNodes(better.region.results)).toBeLessThan(countNodes(fn.region.results));
  });
});

test('a large body is optimised to a fixed point', () => {
  const g = new Graph();
  const x = field(g, 'x', [8]);
  const { carries } = makeScan(g, {
    length: 10,
    init: [x, b.zerosLike(g, x)],
    body: (_i, [p, z]) => {
      let y = p ?? x;
      for (let k = 0; k < 500; k++)
        y = b.add(g, b.mul(g, b.roll(g, y, 0, 1), 0.5), b.mul(g, b.sin(g, y), 0.25));
      return { carries: [b.add(g, y, z ?? x), b.mul(g, z ?? x, y)], ys: [] };
    },
  });
  const fn = functionOf([x], [...carries]);
  const better = checked(g, optimize, fn);
  expect(onlyLoop(better).attrs.carries).toBe(1);
  expect(optimize(g, better)).toBe(better);
});
