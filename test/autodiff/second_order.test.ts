// Derivatives of derivatives: every nesting of forward and reverse mode gives the same second derivatives, they are symmetric, and third derivatives are the
// symbolic ones.

import { describe, expect, test } from 'vitest';
import { at, range } from '../../compiler/support/lists.ts';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import { makeScan, reachable } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { isFloat } from '../../compiler/ir/types.ts';
import { describeAdjoints } from '../../compiler/autodiff/describe.ts';
import { jvp } from '../../compiler/autodiff/jvp.ts';
import { gradientOf, hvp, jacobianForward, jacobianReverse } from '../../compiler/autodiff/operators.ts';
import { cases, given } from './cases.ts';
import type { Case } from './checks.ts';
import {
  array,
  checkBatch,
  checkDotProduct,
  checkTaylor,
  evaluate,
  f64,
  generator,
  present,
  programOf,
} from './checks.ts';
import { loopCases, withPolicy } from './loop_cases.ts';

/** A function without symmetries: of an inverse function it makes no straight line. */
const curved = (g: Graph, y: Node): Node => b.mul(g, y, b.sin(g, b.add(g, b.mul(g, y, 0.7), 0.3)));

/** The case as a scalar: a smooth function of all float outputs. */
function scalarOf(c: Case): { g: Graph; params: readonly Node[]; floats: readonly Node[]; loss: Node } {
  const { g, params, outputs } = programOf(c);
  const terms = outputs.filter((y) => isFloat(y.dtype)).map((y) => b.sumAll(g, curved(g, y)));
  return {
    g,
    params,
    floats: params.filter((p) => isFloat(p.dtype)),
    loss: terms.reduce((s, y) => b.add(g, s, y), g.constant(0, 'f64')),
  };
}

const dot = (a: readonly NdArray[], c: readonly NdArray[]): number => {
  let sum = 0;
  a.forEach((x, i) => x.data.forEach((v, j) => (sum += v * (at(c, i).data[j] ?? NaN))));
  return sum;
};
const size = (a: readonly NdArray[]): number =>
  Math.max(0, ...a.flatMap((x) => [...x.data].map((v) => Math.abs(v))));

function close(a: readonly NdArray[], c: readonly NdArray[], tolerance: number): void {
  const scale = Math.max(size(a), 1e-300);
  a.forEach((x, i) =>
    x.data.forEach((v, j) =>
      expect(Math.abs(v - (at(c, i).data[j] ?? NaN)) / scale).toBeLessThanOrEqual(tolerance),
    ),
  );
}

function checkSecondOrder(c: Case): void {
  const { g, params, floats, loss } = scalarOf(c);
  if (floats.length === 0) return;
  const v = floats.map((p) => g.param('v', p));
  const w = floats.map((p) => g.param('w', p));
  const contracted = (gradient: readonly Node[]): Node =>
    gradient.map((d, i) => b.sumAll(g, b.mul(g, d, at(v, i)))).reduce((s, x) => b.add(g, s, x));
  const forwardOverReverse = hvp(g, loss, floats, v);
  const reverseOverReverse = gradientOf(g, contracted(gradientOf(g, loss, floats)), floats);
  const [slope] = jvp(g, [loss], floats, v);
  const reverseOverForward =
    slope === undefined ? floats.map((p) => b.zerosLike(g, p)) : gradientOf(g, slope, floats);
  const other = hvp(g, loss, floats, w);
  const random = generator(17);
  const vs = floats.map((p) => array(p, () => 2 * random() - 1));
  const ws = floats.map((p) => array(p, () => 2 * random() - 1));
  const n = floats.length;
  const out = evaluate(
    [...forwardOverReverse, ...reverseOverReverse, ...reverseOverForward, ...other],
    [...params, ...v, ...w],
    [...c.inputs, ...vs, ...ws],
  );
  const [fr, rr, rf, hw] = range(4).map((k) => out.slice(k * n, (k + 1) * n));
  if (fr === undefined || rr === undefined || rf === undefined || hw === undefined)
    throw new Error('results');
  for (const x of fr) expect(x.data.every((y) => Number.isFinite(y))).toBe(true);
  close(fr, rr, 1e-11);
  close(fr, rf, 1e-11);
  // wᵀ H v = vᵀ H w
  const [left, right] = [dot(fr, ws), dot(hw, vs)];
  expect(Math.abs(left - right)).toBeLessThanOrEqual(1e-11 * Math.max(1, Math.abs(left), size(fr)));
}

const gradientCase = (c: Case): Case => ({
  inputs: c.inputs,
  build: (g, x) => {
    const terms = c
      .build(g, x)
      .filter((y) => isFloat(y.dtype))
      .map((y) => b.sumAll(g, curved(g, y)));
    const floats = x.filter((p) => isFloat(p.dtype));
    return terms.length === 0
      ? []
      : gradientOf(
          g,
          terms.reduce((s, y) => b.add(g, s, y)),
          floats,
        );
  },
});

describe('operations', () => {
  test.each(Object.entries(cases))('%s', (_op, make) => {
    const c = make([2, 3], generator(4));
    checkSecondOrder(c);
    checkDotProduct(gradientCase(c), 5);
    checkTaylor(gradientCase(c), 6);
  });
});

describe('loops', () => {
  test.each(Object.entries(loopCases))('%s', (_name, make) => {
    for (const bytes of [1, 64, 1e6]) checkSecondOrder(make(withPolicy({ kind: 'checkpoint', bytes })));
    const c = gradientCase(make(withPolicy({ kind: 'checkpoint', bytes: 64 })));
    checkDotProduct(c, 5);
    checkTaylor(c, 6);
  });

  test('a Hessian-vector product keeps to the checkpoint budget: states and tangents, no tape', () => {
    const g = new Graph();
    const u0 = g.param('u0', f64(4));
    const { carries } = makeScan(g, {
      length: 100,
      init: [u0],
      adjoint: { kind: 'checkpoint', bytes: 10 * 32 },
      body: (_i, [u]) => ({ carries: [b.add(g, given(u), b.mul(g, b.sin(g, given(u)), 0.1))], ys: [] }),
    });
    const v = g.param('v', u0);
    const results = hvp(g, b.sumAll(g, at(carries, 0)), [u0], [v]);
    const costs = describeAdjoints(results);
    expect(costs.map((c) => [c.slots, c.bytes])).toEqual([[10, 10 * 64]]);
    expect(reachable(results).filter((n) => n.op === 'scan').length).toBe(1);
  });
});

describe('third derivatives of a function of one number', () => {
  type Derive = (g: Graph, y: Node, x: Node) => Node;
  const forward: Derive = (g, y, x) => present(jvp(g, [y], [x], [b.onesLike(g, x)])[0]);
  const reverse: Derive = (g, y, x) => at(gradientOf(g, y, [x]), 0);
  const functions: Record<string, { f: (g: Graph, x: Node) => Node; third: (x: number) => number }> = {
    'x^5': { f: (g, x) => b.pow(g, x, 5), third: (x) => 60 * x * x },
    'sin·exp': {
      f: (g, x) => b.mul(g, b.sin(g, x), b.exp(g, x)),
      third: (x) => 2 * Math.exp(x) * (Math.cos(x) - Math.sin(x)),
    },
    'log(1 + x²)': {
      f: (g, x) => b.log(g, b.add(g, b.mul(g, x, x), 1)),
      third: (x) => (4 * x * (x * x - 3)) / (1 + x * x) ** 3,
    },
    tanh: {
      f: (g, x) => b.tanh(g, x),
      third: (x) => {
        const s = 1 - Math.tanh(x) ** 2;
        return s * (4 * Math.tanh(x) ** 2 - 2 * s);
      },
    },
    'x^5 by a loop': {
      f: (g, x) =>
        at(
          makeScan(g, {
            length: 5,
            init: [g.constant(1, 'f64')],
            adjoint: { kind: 'checkpoint', bytes: 16 },
            body: (_i, [p]) => ({ carries: [b.mul(g, given(p), x)], ys: [] }),
          }).carries,
          0,
        ),
      third: (x) => 60 * x * x,
    },
    'product of three shifted copies': {
      f: (g, x) =>
        b.reduceAll(g, 'prod', b.add(g, b.broadcastTo(g, x, [3]), b.cast(g, g.iota([3], 0, 'i32'), 'f64'))),
      third: () => 6,
    },
  };
  test.each(Object.entries(functions))('%s', (_name, { f, third }) => {
    for (const order of range(8)) {
      const g = new Graph();
      const x = g.param('x', f64());
      let y = f(g, x);
      for (const k of range(3)) y = ((order >> k) % 2 === 0 ? forward : reverse)(g, y, x);
      for (const value of [0.7, -0.4, 1.9]) {
        const [out] = evaluate([y], [x], [ndarray('f64', [], [value])]);
        expect(out?.data[0]).toBeCloseTo(third(value), 9);
      }
    }
  });
});

describe('Jacobians', () => {
  const build = (g: Graph, x: Node): Node => {
    const A = g.literal(Float64Array.from([1, 2, 3, 4, 5, 6]), [2, 3], 'f64');
    return b.sin(g, b.matmul(g, A, b.mul(g, x, x)));
  };
  test('by columns and by rows', () => {
    const g = new Graph();
    const x = g.param('x', f64(3));
    const y = build(g, x);
    const out = evaluate(
      [jacobianForward(g, y, x), jacobianReverse(g, y, x)],
      [x],
      [ndarray('f64', [3], [0.1, 0.2, 0.3])],
    );
    const xs = [0.1, 0.2, 0.3];
    const rows = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    const exact = rows.flatMap((row) => {
      const z = row.reduce((s, a, i) => s + a * at(xs, i) ** 2, 0);
      return row.map((a, i) => Math.cos(z) * a * 2 * at(xs, i));
    });
    for (const J of out) {
      expect(J.shape).toEqual([2, 3]);
      J.data.forEach((v, i) => expect(v).toBeCloseTo(at(exact, i), 12));
    }
  });
  test('Hessian as the Jacobian of the gradient, batched', () => {
    const c: Case = {
      inputs: [
        ndarray(
          'f64',
          [4, 3],
          range(12).map((i) => 0.1 * i),
        ),
      ],
      build: (g, [x]) => {
        const loss = b.sumAll(g, build(g, given(x)));
        return [jacobianForward(g, at(gradientOf(g, loss, [given(x)]), 0), given(x))];
      },
    };
    checkBatch(c.build, c.inputs, [true], 4, 1e-13);
  });
});
