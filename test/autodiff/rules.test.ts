// Rules of the user's own and linear solves: forward and reverse mode fit each other and the differences, to third order, in loops, branches and batches; a rule
// gives what differentiation of the code gives; what cannot be is refused.

import { describe, expect, test } from 'vitest';
import { at } from '../../compiler/support/lists.ts';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { makeCustom, makeRecompute } from '../../compiler/ir/make_rules.ts';
import { optimize } from '../../compiler/ir/passes.ts';
import { printFunction } from '../../compiler/ir/print.ts';
import { reachable } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { sizeOf } from '../../compiler/ir/types.ts';
import { batch } from '../../compiler/autodiff/batch.ts';
import { expandValues, ruleExpander } from '../../compiler/autodiff/expand_rules.ts';
import { jvp } from '../../compiler/autodiff/jvp.ts';
import { gradientOf } from '../../compiler/autodiff/operators.ts';
import type { Case } from './checks.ts';
import { checkBatch, checkDifferences, checkDotProduct, checkTaylor, evaluate, present } from './checks.ts';
import { numbers, plain, ruleCases, ruled, solved } from './rule_cases.ts';

/** The gradient of Σ y sin(y + 0.3) as a case: its derivatives are second derivatives. */
function gradientCase(c: Case): Case {
  return {
    inputs: c.inputs,
    build: (g, x) => {
      const loss = c
        .build(g, x)
        .map((y) => b.sumAll(g, b.mul(g, y, b.sin(g, b.add(g, y, 0.3)))))
        .reduce((s, y) => b.add(g, s, y));
      return gradientOf(g, loss, x);
    },
  };
}

/** The tangent in a fixed direction as a case. */
function tangentCase(c: Case): Case {
  return {
    inputs: c.inputs,
    build: (g, x) => {
      const directions = x.map((p) => b.cos(g, b.reshape(g, g.iota([sizeOf(p.shape)], 0, 'f64'), p.shape)));
      return jvp(g, c.build(g, x), x, directions).map(present);
    },
  };
}

describe.each(Object.entries(ruleCases))('%s', (_name, c) => {
  test('forward and reverse mode fit each other and the differences', () => {
    checkDotProduct(c, 1);
    checkDifferences(c, 2);
    checkTaylor(c, 3);
  });
  test('second and third derivatives', () => {
    checkDotProduct(gradientCase(c), 4, 1e-11);
    checkDotProduct(tangentCase(c), 5, 1e-11);
    checkDifferences(gradientCase(c), 6);
    checkDifferences(tangentCase(c), 7);
    checkDotProduct(tangentCase(gradientCase(c)), 8, 1e-10);
    checkDifferences(tangentCase(tangentCase(c)), 9, 1e-6);
  });
  test('batched', () => {
    const mapped = (k: number): Case['inputs'] =>
      c.inputs.map((x, i) => (i === k ? numbers(20 + i, 4, ...x.shape) : x));
    for (const k of [0, 1]) {
      const flags = c.inputs.map((_, i) => i === k);
      checkBatch(c.build, mapped(k), flags, 4, 1e-12);
      checkBatch(gradientCase(c).build, mapped(k), flags, 4, 1e-11);
      checkBatch(tangentCase(c).build, mapped(k), flags, 4, 1e-11);
    }
  });
});

describe.each(['tangent', 'cotangent'] as const)('a %s rule', (mode) => {
  test('gives what differentiation of the code gives, to third order', () => {
    const g = new Graph();
    const [w, x] = [g.param('w', { dtype: 'f64', shape: [] }), g.param('x', { dtype: 'f64', shape: [] })];
    const third = (f: Node): Node => {
      const first = at(gradientOf(g, f, [x]), 0);
      const second = present(at(jvp(g, [first], [x], [g.constant(1, 'f64')]), 0));
      return at(gradientOf(g, second, [w]), 0);
    };
    const values = evaluate(
      expandValues(g, [
        third(ruled(g, mode, w, x)),
        third(plain(g, w, x)),
        third(b.mul(g, w, ruled(g, mode, w, x))),
      ]),
      [w, x],
      [numbers(5), numbers(6)],
    ).map((v) => v.data[0] ?? NaN);
    // d³/dw dx² of w x² + sin x is 2; of w² x² + w sin x it is 4 w - sin x.
    expect(values[0]).toBeCloseTo(2, 13);
    expect(values[1]).toBeCloseTo(2, 13);
    const [w0, x0] = [numbers(5).data[0] ?? NaN, numbers(6).data[0] ?? NaN];
    expect(values[2]).toBeCloseTo(4 * w0 - Math.sin(x0), 12);
  });

  test('gradients of the elements of a batch that share an argument are summed', () => {
    const g = new Graph();
    const w = g.param('w', { dtype: 'f64', shape: [] });
    const x = g.param('x', { dtype: 'f64', shape: [] });
    const xs = g.param('xs', { dtype: 'f64', shape: [4] });
    const [ys] = batch(g, [ruled(g, mode, w, x)], new Map([[x, xs]]), 4);
    const gradient = gradientOf(g, b.sumAll(g, present(ys)), [w]);
    const points = numbers(7, 4);
    const [value] = evaluate(expandValues(g, gradient), [w, xs], [numbers(8), points]);
    expect(value?.data[0]).toBeCloseTo(
      [...points.data].reduce((s, v) => s + v * v, 0),
      13,
    );
  });

  test('a captured value that moves is refused by name', () => {
    const g = new Graph();
    const [k, x] = [g.param('k', { dtype: 'f64', shape: [] }), g.param('x', { dtype: 'f64', shape: [] })];
    const made = makeCustom(g, {
      name: 'h',
      args: [x],
      mode,
      primal: ([a]) => (a ? [b.mul(g, b.exp(g, k), a)] : []),
      rule: (_a, _y, [d]) => (d ? [b.mul(g, b.exp(g, k), d)] : []),
      nameOf: () => 'k',
    });
    expect(() => gradientOf(g, at(made, 0), [x])).not.toThrow();
    expect(() => gradientOf(g, at(made, 0), [x, k])).toThrow(/with respect to `k`, which h uses/);
  });
});

test('a rule that is not linear works in reverse mode as written and is refused in forward mode', () => {
  const g = new Graph();
  const x = g.param('x', { dtype: 'f64', shape: [] });
  const clipped = makeCustom(g, {
    name: 'clipped',
    args: [x],
    mode: 'cotangent',
    primal: ([a]) => (a ? [b.mul(g, a, 1)] : []),
    rule: (_a, _y, [d]) => (d ? [b.min(g, d, 1)] : []),
    nameOf: () => 'c',
  });
  const loss = b.mul(g, at(clipped, 0), 5);
  const [value] = evaluate(expandValues(g, gradientOf(g, loss, [x])), [x], [numbers(1)]);
  expect(value?.data[0]).toBe(1);
  expect(() => expandValues(g, jvp(g, [loss], [x], [g.constant(1, 'f64')]).map(present))).toThrow(
    /not linear in the cotangent/,
  );
});

test('reverse mode computes a recomputed block again, forward mode does not', () => {
  const g = new Graph();
  const [w, x] = [g.param('w', { dtype: 'f64', shape: [3] }), g.param('x', { dtype: 'f64', shape: [3] })];
  const loss = b.sumAll(
    g,
    at(
      makeRecompute(g, () => [plain(g, w, plain(g, w, x))]),
      0,
    ),
  );
  /** Sines in the finished function, and those of them in a loop of one step. */
  const sines = (result: Node): readonly number[] => {
    const region = { params: [w, x], results: [result] };
    const fn = ruleExpander(g)({ name: 'f', inputs: ['w', 'x'], outputs: ['y'], region });
    const nodes = reachable(optimize(g, fn).region.results);
    const inside = nodes.flatMap((n) => (n.op === 'scan' ? reachable(n.attrs.body.results) : []));
    const count = (list: readonly Node[]): number => list.filter((n) => n.op === 'sin').length;
    return [count(nodes), count(inside)];
  };
  expect(sines(loss)).toEqual([2, 0]);
  expect(sines(b.add(g, loss, at(gradientOf(g, b.mul(g, loss, loss), [x]), 0)))).toEqual([2, 1]);
  expect(sines(present(at(jvp(g, [loss], [x], [x]), 0)))).toEqual([1, 0]);
});

test('after expansion nothing is left of rules, and one operation is one text', () => {
  const g = new Graph();
  const [K, r] = [g.param('K', { dtype: 'f64', shape: [3, 3] }), g.param('r', { dtype: 'f64', shape: [3] })];
  const y = ruled(g, 'cotangent', r, solved(g, 'iterative', K, r));
  const [dy] = jvp(g, [b.sumAll(g, y)], [r], [r]);
  const region = { params: [K, r], results: [present(dy)] };
  const fn = { name: 'f', inputs: ['K', 'r'], outputs: ['y'], region };
  expect(printFunction(fn)).toMatch(/transposed f/);
  expect(printFunction(fn)).toMatch(/linear_solve/);
  const done = optimize(g, ruleExpander(g)(fn));
  const names = new Set(reachable(done.region.results).map((n) => n.op));
  for (const op of ['custom', 'transposed', 'linear_solve'] as const) expect(names.has(op)).toBe(false);
});
