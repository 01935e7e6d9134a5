// Random programs with loops, branches and integer arithmetic: forward and reverse mode agree, batches are loops, passes keep derivatives.

import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { at, range } from '../../compiler/support/lists.ts';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import { optimize } from '../../compiler/ir/passes.ts';
import type { ArrayType, Node } from '../../compiler/ir/types.ts';
import { isFloat } from '../../compiler/ir/types.ts';
import { gradientOf, hvp } from '../../compiler/autodiff/operators.ts';
import { jvp } from '../../compiler/autodiff/jvp.ts';
import { Decisions, grow, INPUT_TYPES } from '../ir/random_program.ts';
import type { Case } from './checks.ts';
import { array, checkBatch, checkDotProduct, evaluate, generator } from './checks.ts';

const decisions = fc.array(fc.nat(1000), { minLength: 100, maxLength: 400 });
const seeds = fc.integer({ min: 0, max: 2 ** 30 });

const TYPES: readonly ArrayType[] = [
  ...INPUT_TYPES.filter((t) => isFloat(t.dtype)),
  { dtype: 'f64', shape: [3, 4] },
  { dtype: 'i32', shape: [3, 4] },
  { dtype: 'i32', shape: [] },
];

/** A program of many steps on reals mostly, at a random point; all values made are outputs, so that nothing is dead. */
function caseOf(numbers: readonly number[], seed: number): Case {
  const random = generator(seed);
  const inputs = TYPES.map((type) =>
    array(type, () => (isFloat(type.dtype) ? 4 * random() - 2 : Math.floor(7 * random()) - 3)),
  );
  return {
    inputs,
    build: (g, x) => {
      const start = x.map((p) => (isFloat(p.dtype) ? b.sin(g, p) : p));
      return grow(g, start, new Decisions(numbers), 40);
    },
  };
}

/** A scalar of all real outputs, not linear in them. */
function scalar(g: Graph, outputs: readonly Node[]): Node {
  return outputs
    .filter((y) => isFloat(y.dtype))
    .map((y) => b.sumAll(g, b.sin(g, y)))
    .reduce((s, y) => b.add(g, s, y), g.constant(0, 'f64'));
}

describe('random programs', () => {
  test('the adjoint is the transpose of the tangent', () => {
    fc.assert(
      fc.property(decisions, seeds, (numbers, seed) => {
        checkDotProduct(caseOf(numbers, seed), seed, 1e-11);
      }),
      { numRuns: 60 },
    );
  });

  test('a batch is a loop over elements', () => {
    fc.assert(
      fc.property(decisions, seeds, fc.integer({ min: 1, max: 63 }), (numbers, seed, mask) => {
        const c = caseOf(numbers, seed);
        const mapped = c.inputs.map((_, i) => (mask >> i) % 2 === 1);
        const n = 2;
        const others = range(n).map((e) => caseOf(numbers, seed + e).inputs);
        const inputs = c.inputs.map((x, i) =>
          mapped[i] === true
            ? ndarray(
                x.dtype,
                [n, ...x.shape],
                others.flatMap((o) => [...at(o, i).data]),
              )
            : x,
        );
        checkBatch(c.build, inputs, mapped, n, 1e-12);
        checkBatch(
          (g, x) => {
            const floats = x.filter((p) => isFloat(p.dtype));
            return gradientOf(g, scalar(g, c.build(g, x)), floats);
          },
          inputs,
          mapped,
          n,
          1e-10,
        );
      }),
      { numRuns: 25 },
    );
  });

  test('second derivatives agree in every nesting, and passes keep them', () => {
    fc.assert(
      fc.property(decisions, seeds, (numbers, seed) => {
        const c = caseOf(numbers, seed);
        const g = new Graph();
        const params = c.inputs.map((x, i) => g.param(`x${i}`, x));
        const floats = params.filter((p) => isFloat(p.dtype));
        const loss = scalar(g, c.build(g, params));
        const v = floats.map((p) => g.param('v', p));
        const forwardOverReverse = hvp(g, loss, floats, v);
        const [slope] = jvp(g, [loss], floats, v);
        if (slope === undefined) return;
        const reverseOverForward = gradientOf(g, slope, floats);
        const random = generator(seed);
        const vs = floats.map((p) => array(p, () => 2 * random() - 1));
        const all = [...params, ...v];
        const values = [...c.inputs, ...vs];
        const out = evaluate([...forwardOverReverse, ...reverseOverForward], all, values);
        const fn = optimize(g, {
          name: 'hvp',
          inputs: all.map((_, i) => `i${i}`),
          outputs: forwardOverReverse.map((_, i) => `o${i}`),
          region: { params: all, results: forwardOverReverse },
        });
        const smaller = evaluate(fn.region.results, all, values);
        const n = floats.length;
        const size = Math.max(1, ...out.slice(0, n).flatMap((x) => [...x.data].map((y) => Math.abs(y))));
        const near = (a: NdArray, d: NdArray): void =>
          a.data.forEach((x, i) => expect(Math.abs(x - (d.data[i] ?? NaN)) / size).toBeLessThanOrEqual(1e-9));
        for (const k of range(n)) {
          near(at(out, k), at(out, n + k));
          near(at(out, k), at(smaller, k));
        }
      }),
      { numRuns: 60 },
    );
  });
});
