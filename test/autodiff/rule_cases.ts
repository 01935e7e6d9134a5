// Programs with rules of their own and linear solves: a function with a tangent rule, the same with a cotangent rule, recomputed blocks, linear systems with dense and with
// iterative solvers; each alone, in loops, branches and batches.

import { at } from '../../compiler/support/lists.ts';
import * as b from '../../compiler/ir/build.ts';
import type { Graph } from '../../compiler/ir/graph.ts';
import { makeCustom, makeLinearSolve, makeRecompute } from '../../compiler/ir/make_rules.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import { makeCond, makeScan } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { transposeLinear } from '../../compiler/autodiff/transpose.ts';
import type { Case } from './checks.ts';
import { array, f64, generator } from './checks.ts';

export const numbers = (seed: number, ...shape: number[]): NdArray => {
  const random = generator(seed);
  return array(f64(...shape), () => 0.2 + 0.8 * random());
};

/** w·x² + sin(x), whose rule is written by hand, in either form. */
export function ruled(g: Graph, mode: 'tangent' | 'cotangent', w: Node, x: Node): Node {
  const [y] = makeCustom(g, {
    name: 'f',
    args: [w, x],
    mode,
    primal: ([w, x]) => (w && x ? [plain(g, w, x)] : []),
    rule: ([w, x], _y, moves) => {
      if (w === undefined || x === undefined) return [];
      const slope = b.add(g, b.mul(g, b.mul(g, w, x), 2), b.cos(g, x));
      const square = b.mul(g, x, x);
      const [p, q] = moves;
      if (mode === 'tangent') return p && q ? [b.add(g, b.mul(g, square, p), b.mul(g, slope, q))] : [];
      return p ? [b.mul(g, square, p), b.mul(g, slope, p)] : [];
    },
    nameOf: () => 'c',
  });
  if (y === undefined) throw new Error('no output');
  return y;
}

export const plain = (g: Graph, w: Node, x: Node): Node => b.add(g, b.mul(g, w, b.mul(g, x, x)), b.sin(g, x));

/** Gauss's elimination without pivots, unrolled: A [n, n], right [n]. */
export function eliminate(g: Graph, A: Node, right: Node): Node {
  const n = at(right.shape, 0);
  let M = b.concat(g, [A, b.reshape(g, right, [n, 1])], 1);
  for (let k = 0; k < n; k++) {
    const row = b.indexAxis(g, M, 0, k);
    const pivot = b.reshape(g, b.sliceAxis(g, row, 0, k, k + 1), []);
    const scaled = b.div(g, row, b.broadcastTo(g, pivot, row.shape));
    const column = b.indexAxis(g, M, 1, k);
    const self = b.eq(g, g.iota([n], 0, 'i32'), k);
    const factor = b.select(g, self, b.zerosLike(g, column), column);
    const outer = b.mul(
      g,
      b.broadcastAxes(g, factor, [n, n + 1], [0]),
      b.broadcastAxes(g, scaled, [n, n + 1], [1]),
    );
    const put = b.select(
      g,
      b.broadcastAxes(g, self, [n, n + 1], [0]),
      b.broadcastAxes(g, scaled, [n, n + 1], [1]),
      M,
    );
    M = b.sub(g, put, outer);
  }
  return b.indexAxis(g, M, 1, n);
}

/** 30 steps of x' = x + (b - A x)/3: converges for the matrices below. */
function richardson(g: Graph, apply: (x: Node) => Node, right: Node): Node {
  const loop = makeScan(g, {
    length: 30,
    init: [b.zerosLike(g, right)],
    body: (_i, [x]) => ({
      carries: x === undefined ? [] : [b.add(g, x, b.div(g, b.sub(g, right, apply(x)), 3))],
      ys: [],
    }),
  });
  return at(loop.carries, 0);
}

/** The solution of A(k) x = right with A(k) = 3 + K/4, K = k's outer product with a fixed vector: no symmetry. */
export function solved(g: Graph, solver: 'dense' | 'iterative', K: Node, right: Node): Node {
  const n = at(right.shape, 0);
  const identity = b.cast(g, b.eq(g, g.iota([n, n], 0, 'i32'), g.iota([n, n], 1, 'i32')), 'f64');
  const A = b.add(g, b.mul(g, identity, 3), b.mul(g, K, 0.25));
  const apply = (x: Node): Node => b.matmul(g, A, x);
  const adjoint = (x: Node): Node => {
    const u = g.param('u', x);
    const [v] = transposeLinear(g, [apply(u)], [x], [u]);
    return v ?? b.zerosLike(g, x);
  };
  const one = (f: (x: Node) => Node) => (x: readonly Node[]) => [f(at(x, 0))];
  const [x] = makeLinearSolve(g, {
    right: [right],
    operator: one(apply),
    adjoint: one(adjoint),
    solve: one((r) => (solver === 'dense' ? eliminate(g, A, r) : richardson(g, apply, r))),
    adjointSolve: one((r) =>
      solver === 'dense' ? eliminate(g, b.matrixTranspose(g, A), r) : richardson(g, adjoint, r),
    ),
  });
  if (x === undefined) throw new Error('no solution');
  return x;
}

const two =
  (f: (g: Graph, p: Node, q: Node) => Node) =>
  (g: Graph, [p, q]: readonly Node[]): readonly Node[] =>
    p && q ? [f(g, p, q)] : [];

/** x → f(f(…)) three times in a loop that also sees the first argument. */
const looped =
  (f: (g: Graph, p: Node, q: Node) => Node) =>
  (g: Graph, p: Node, q: Node): Node => {
    const loop = makeScan(g, {
      length: 3,
      init: [q],
      body: (_i, [x]) => ({ carries: x ? [b.mul(g, f(g, p, x), 0.5)] : [], ys: [] }),
    });
    return at(loop.carries, 0);
  };

const chosen =
  (f: (g: Graph, p: Node, q: Node) => Node) =>
  (g: Graph, p: Node, q: Node): Node => {
    const [y] = makeCond(g, {
      predicate: b.lt(g, b.sumAll(g, q), 100),
      then: () => [f(g, p, q)],
      otherwise: () => [q],
    });
    return y ?? q;
  };

const forms = { alone: <F>(f: F): F => f, 'in a loop': looped, 'in a branch': chosen };

const functions: { readonly [name: string]: { f: (g: Graph, p: Node, q: Node) => Node; shape: number[] } } = {
  'tangent rule': { f: (g, w, x) => ruled(g, 'tangent', w, x), shape: [3] },
  'cotangent rule': { f: (g, w, x) => ruled(g, 'cotangent', w, x), shape: [3] },
  'recomputed block': {
    f: (g, w, x) =>
      at(
        makeRecompute(g, () => [plain(g, w, plain(g, w, x))]),
        0,
      ),
    shape: [3],
  },
  'dense solve': { f: (g, K, r) => solved(g, 'dense', K, r), shape: [3, 3] },
  'iterative solve': { f: (g, K, r) => solved(g, 'iterative', K, r), shape: [3, 3] },
};

export const ruleCases: { readonly [name: string]: Case } = Object.fromEntries(
  Object.entries(functions).flatMap(([name, { f, shape }]) =>
    Object.entries(forms).map(([form, wrap]): [string, Case] => [
      `${name} ${form}`,
      { inputs: [numbers(1, ...shape), numbers(2, 3)], build: two(wrap(f)) },
    ]),
  ),
);
