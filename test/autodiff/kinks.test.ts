// The rules of spec/derivatives.md at kinks and poles, each by its number, in forward and reverse mode.

import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { at } from '../../compiler/support/lists.ts';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import { makeCond, makeScan, makeWhile, reachable } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { batch } from '../../compiler/autodiff/batch.ts';
import { jvp } from '../../compiler/autodiff/jvp.ts';
import { gradientOf } from '../../compiler/autodiff/operators.ts';
import { given } from './cases.ts';
import { evaluate, f64 } from './checks.ts';

const unaryOps = [
  'neg',
  'abs',
  'exp',
  'expm1',
  'log',
  'log1p',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'sqrt',
  'floor',
  'sign',
] as const;
const binaryOps = ['add', 'sub', 'mul', 'div', 'pow', 'atan2', 'max', 'min', 'rem'] as const;

type Function1 = (g: Graph, x: Node, y: Node) => Node;

/** Both partial derivatives of an elementwise function of (x, y) at points; forward and reverse mode must agree to the bit up to the sign of zero. */
function slopes(f: Function1, points: readonly (readonly [number, number])[]): number[][] {
  const g = new Graph();
  const n = points.length;
  const x = g.param('x', f64(n));
  const y = g.param('y', f64(n));
  const z = f(g, x, y);
  const back = gradientOf(g, b.sumAll(g, z), [x, y]);
  const forth = [x, y].map((p) => jvp(g, [z], [p], [b.onesLike(g, p)])[0] ?? b.zerosLike(g, p));
  const values = evaluate(
    [...back, ...forth],
    [x, y],
    [
      ndarray(
        'f64',
        [n],
        points.map((p) => p[0]),
      ),
      ndarray(
        'f64',
        [n],
        points.map((p) => p[1]),
      ),
    ],
  ).map((a) => [...a.data].map((v) => v + 0));
  expect(values.slice(2)).toEqual(values.slice(0, 2));
  return values.slice(0, 2);
}

const at0 = (f: Function1, x: number, y = 0): number[] => slopes(f, [[x, y]]).map((s) => at(s, 0));

describe('kinks', () => {
  test('max and min: the first operand where they are equal', () => {
    expect(at0((g, x, y) => b.max(g, x, y), 1, 1)).toEqual([1, 0]);
    expect(at0((g, x, y) => b.min(g, x, y), 1, 1)).toEqual([1, 0]);
    expect(at0((g, x, y) => b.max(g, x, y), 1, 2)).toEqual([0, 1]);
    expect(at0((g, x, y) => b.min(g, x, y), 1, 2)).toEqual([1, 0]);
    expect(at0((g, x) => b.max(g, x, 0), 0)[0]).toBe(1);
  });

  test('abs: 0 at 0', () => {
    expect(
      slopes(
        (g, x) => b.abs(g, x),
        [
          [-2, 0],
          [0, 0],
          [3, 0],
        ],
      )[0],
    ).toEqual([-1, 0, 1]);
  });

  test('sqrt, x^p with p < 1, asin, acos, atan2: 0 where the slope is infinite', () => {
    expect(at0((g, x) => b.sqrt(g, x), 0)[0]).toBe(0);
    expect(at0((g, x) => b.pow(g, x, 0.3), 0)[0]).toBe(0);
    expect(at0((g, x, y) => b.pow(g, x, y), 0, 0.3)[0]).toBe(0);
    expect(at0((g, x) => b.asin(g, x), 1)[0]).toBe(0);
    expect(at0((g, x) => b.acos(g, x), -1)[0]).toBe(0);
    expect(at0((g, x, y) => b.atan2(g, x, y), 0, 0)).toEqual([0, 0]);
  });

  test('norm of a zero vector', () => {
    const g = new Graph();
    const x = g.param('x', f64(3));
    const norm = b.sqrt(g, b.sumAll(g, b.mul(g, x, x)));
    expect([
      ...at(evaluate(gradientOf(g, norm, [x]), [x], [ndarray('f64', [3], [0, 0, 0])]), 0).data,
    ]).toEqual([0, 0, 0]);
    // The second derivative too is a number.
    const [first] = gradientOf(g, norm, [x]);
    const second = gradientOf(g, b.sumAll(g, given(first)), [x]);
    const [h] = evaluate(second, [x], [ndarray('f64', [3], [0, 0, 0])]);
    expect(h?.data.every((v) => Number.isFinite(v))).toBe(true);
  });

  test('powers: whole exponents everywhere, the exponent has no slope where the base is not positive', () => {
    expect(at0((g, x) => b.pow(g, x, 3), -2)[0]).toBe(12);
    expect(at0((g, x) => b.pow(g, x, 2), 0)[0]).toBe(0);
    expect(at0((g, x) => b.pow(g, x, 1), 0)[0]).toBe(1);
    expect(at0((g, x) => b.pow(g, x, 0), 0)[0]).toBe(0);
    expect(at0((g, x, y) => b.pow(g, x, y), 0, 0)).toEqual([0, 0]);
    expect(at0((g, x, y) => b.pow(g, x, y), 0, 2)).toEqual([0, 0]);
    expect(at0((g, x, y) => b.pow(g, x, y), 0, 1)).toEqual([1, 0]);
    expect(at0((g, x, y) => b.pow(g, x, y), -2, 3)).toEqual([12, 0]);
  });

  test('floor, ceil, round, sign: 0', () => {
    for (const op of ['floor', 'ceil', 'round', 'sign'] as const)
      expect(at0((g, x, y) => b.mul(g, b.unary(g, op, x), y), 1.5, 2)[0]).toBe(0);
  });

  test('largest and smallest of several: the first in row-major order', () => {
    const g = new Graph();
    const x = g.param('x', f64(2, 3));
    const point = ndarray('f64', [2, 3], [1, 5, 2, 5, 0, 0]);
    const by = (kind: 'max' | 'min', axes: readonly number[]): number[] => {
      const [d] = evaluate(gradientOf(g, b.sumAll(g, b.reduce(g, kind, x, axes)), [x]), [x], [point]);
      return [...given2(d).data];
    };
    expect(by('max', [0, 1])).toEqual([0, 1, 0, 0, 0, 0]);
    expect(by('max', [1, 0])).toEqual([0, 1, 0, 0, 0, 0]);
    expect(by('min', [0, 1])).toEqual([0, 0, 0, 0, 1, 0]);
    expect(by('max', [0])).toEqual([0, 1, 1, 1, 0, 0]);
    expect(by('min', [1])).toEqual([1, 0, 0, 0, 1, 0]);
  });

  test('product with zeros, to second order', () => {
    const g = new Graph();
    const x = g.param('x', f64(3));
    const p = b.reduceAll(g, 'prod', x);
    const [d] = gradientOf(g, p, [x]);
    const second = gradientOf(g, b.sumAll(g, given(d)), [x]);
    const out = evaluate([given(d), ...second], [x], [ndarray('f64', [3], [0, 2, 3])]);
    expect(out.map((a) => [...a.data])).toEqual([
      [6, 0, 0],
      [5, 3, 2],
    ]);
  });
});

test('the derivative of a product over an axis of what is repeated or joined', () => {
  const made: readonly ((g: Graph, x: Node) => Node)[] = [
    (g, x) => b.broadcastAxes(g, x, [4, 3], [0]),
    (g, x) => b.concat(g, [b.broadcastAxes(g, x, [2, 4], [1]), b.broadcastAxes(g, x, [2, 4], [1])], 0),
    (g, x) => b.reverse(g, b.broadcastAxes(g, x, [4, 5], [0]), [0, 1]),
  ];
  for (const make of made) {
    const g = new Graph();
    const x = g.param('x', f64(4));
    const value = (v: Node): Node => b.sumAll(g, b.reduce(g, 'prod', make(g, v), [0]));
    const [d] = gradientOf(g, value(x), [x]);
    const [t] = jvp(g, [value(x)], [x], [b.full(g, [4], 1, 'f64')]);
    const e = 1e-5;
    const at_ = (h: number): number =>
      evaluate(
        [value(x)],
        [x],
        [
          ndarray(
            'f64',
            [4],
            [0.7, 1.2, -0.9, 0.4].map((y) => y + h),
          ),
        ],
      )[0]?.data[0] ?? NaN;
    const [slope, gradient] = evaluate(
      [given(t), b.sumAll(g, given(d))],
      [x],
      [ndarray('f64', [4], [0.7, 1.2, -0.9, 0.4])],
    );
    const expected = (at_(e) - at_(-e)) / (2 * e);
    expect(Math.abs(expected)).toBeGreaterThan(0.1);
    expect(slope?.data[0]).toBeCloseTo(expected, 7);
    expect(gradient?.data[0]).toBeCloseTo(expected, 7);
  }
});

function given2<T>(x: T | undefined): T {
  if (x === undefined) throw new Error('missing');
  return x;
}

describe('the branch not taken never poisons', () => {
  const where =
    (f: Function1): Function1 =>
    (g, x, y) =>
      b.select(g, b.lt(g, b.zerosLike(g, x), x), f(g, x, y), 0);
  const functions: Record<string, Function1> = {
    log: (g, x) => b.log(g, x),
    sqrt: (g, x) => b.sqrt(g, x),
    '1/x': (g, x) => b.div(g, 1, x),
    'y/x': (g, x, y) => b.div(g, y, x),
    'x log x': (g, x) => b.mul(g, x, b.log(g, x)),
    'x^y': (g, x, y) => b.pow(g, x, y),
    'log of sqrt': (g, x) => b.log(g, b.sqrt(g, x)),
    'exp(1/x)': (g, x) => b.exp(g, b.div(g, 1, x)),
    'asin(1 + 1/x)': (g, x) => b.asin(g, b.add(g, b.div(g, 1, x), 1)),
    'sum of logs in a row': (g, x) => b.cumsum(g, b.log(g, b.max(g, x, 0)), 0),
    'a product of a bad and a good factor': (g, x, y) => b.mul(g, b.div(g, y, x), b.mul(g, x, b.log(g, x))),
  };
  test.each(Object.entries(functions))('%s', (_name, f) => {
    for (const x of [-1, 0]) {
      expect(at0(where(f), x, 0.5)).toEqual([0, 0]);
      // Second derivatives as well.
      const g = new Graph();
      const [p, q] = [g.param('x', f64(1)), g.param('y', f64(1))];
      const z = b.sumAll(g, where(f)(g, p, q));
      const d = gradientOf(g, z, [p, q])
        .map((n) => b.sumAll(g, n))
        .reduce((s, n) => b.add(g, s, n));
      const out = evaluate(
        gradientOf(g, d, [p, q]),
        [p, q],
        [ndarray('f64', [1], [x]), ndarray('f64', [1], [0.5])],
      );
      expect(out.map((n) => (n.data[0] ?? NaN) + 0)).toEqual([0, 0]);
    }
  });

  test('softplus written with where', () => {
    const softplus: Function1 = (g, x) =>
      b.select(g, b.lt(g, b.full(g, x.shape, 20, 'f64'), x), x, b.log1p(g, b.exp(g, x)));
    expect(at0(softplus, 1000)[0]).toBe(1);
    expect(at0(softplus, 0)[0]).toBe(0.5);
  });

  test('max as a guard', () => {
    expect(at0((g, x) => b.max(g, b.log(g, x), -3), 0)[0]).toBe(0);
    expect(at0((g, x) => b.min(g, b.div(g, 1, x), 4), 0)[0]).toBe(0);
  });

  test('inside a loop, whose result is chosen outside', () => {
    const g = new Graph();
    const x = g.param('x', f64(2));
    const { carries } = makeScan(g, {
      length: 3,
      init: [x],
      body: (_i, [u]) => ({ carries: [b.mul(g, given(u), b.log(g, given(u)))], ys: [] }),
    });
    const chosen = b.select(g, b.lt(g, g.constant(1, 'f64'), x), at(carries, 0), 0);
    const [d] = evaluate(gradientOf(g, b.sumAll(g, chosen), [x]), [x], [ndarray('f64', [2], [0, 9])]);
    expect(d?.data[0]).toBe(0);
    expect(Number.isFinite(d?.data[1] ?? NaN)).toBe(true);
  });

  test('a member of an ensemble that blows up and is discarded', () => {
    // u' = u + k·u² - 0.3·u² overflows, and infinity - infinity is NaN.
    const g = new Graph();
    const u0 = g.param('u0', f64(2));
    const k = g.param('k', f64());
    const { carries } = makeScan(g, {
      length: 40,
      init: [u0],
      body: (_i, [u]) => {
        const square = b.mul(g, given(u), given(u));
        return {
          carries: [b.sub(g, b.add(g, given(u), b.mul(g, square, k)), b.mul(g, square, 0.3))],
          ys: [],
        };
      },
    });
    const end = at(carries, 0);
    const survived = b.le(g, b.abs(g, end), 1e6);
    const grads = gradientOf(g, b.sumAll(g, b.select(g, survived, end, 0)), [u0, k]);
    const out = evaluate(
      [end, ...grads],
      [u0, k],
      [ndarray('f64', [2], [0.5, 80]), ndarray('f64', [], [0.2])],
    );
    expect(Number.isFinite(out[0]?.data[1] ?? 0)).toBe(false);
    expect(out[1]?.data[1]).toBe(0);
    expect(Number.isFinite(out[1]?.data[0] ?? NaN)).toBe(true);
    expect(Number.isFinite(out[2]?.data[0] ?? NaN)).toBe(true);
  });

  test('a choice inside the loop guards what enters it from outside', () => {
    const g = new Graph();
    const x = g.param('x', f64());
    const outside = b.log(g, x);
    const { carries } = makeScan(g, {
      length: 2,
      init: [x],
      body: (_i, [u]) => ({
        carries: [
          b.select(g, b.lt(g, g.constant(0, 'f64'), given(u)), b.mul(g, given(u), outside), given(u)),
        ],
        ys: [],
      }),
    });
    const [d] = evaluate(gradientOf(g, at(carries, 0), [x]), [x], [ndarray('f64', [], [0])]);
    expect(d?.data[0]).toBe(1);
  });

  test('branches, taken one by one or as a batch', () => {
    const g = new Graph();
    const x = g.param('x', f64());
    const [y] = makeCond(g, {
      predicate: b.lt(g, g.constant(0, 'f64'), x),
      then: () => [b.mul(g, x, b.log(g, x))],
      otherwise: () => [b.mul(g, x, 3)],
    });
    const single = gradientOf(g, given(y), [x]);
    expect([...at(evaluate(single, [x], [ndarray('f64', [], [0])]), 0).data]).toEqual([3]);
    const xs = g.param('xs', f64(3));
    const point = ndarray('f64', [3], [-1, 0, 1]);
    const mapping = new Map([[x, xs]]);
    expect([...at(evaluate(batch(g, single, mapping, 3), [xs], [point]), 0).data]).toEqual([3, 3, 1]);
    const [ys] = batch(g, [given(y)], mapping, 3);
    expect([...at(evaluate(gradientOf(g, b.sumAll(g, given(ys)), [xs]), [xs], [point]), 0).data]).toEqual([
      3, 3, 1,
    ]);
  });

  test('a while loop stands still at a singular end', () => {
    // Newton for the root of u = 1 would divide by zero if it went on.
    const g = new Graph();
    const x = g.param('x', f64());
    const { carries } = makeWhile(g, {
      init: [x],
      limit: 10,
      condition: ([u]) => b.lt(g, b.add(g, given(u), 0.25), 1),
      body: (_i, [u]) => [b.add(g, given(u), b.div(g, 0.25, b.sub(g, 1, given(u))))],
    });
    const grad = gradientOf(g, at(carries, 0), [x]);
    const [d] = evaluate(grad, [x], [ndarray('f64', [], [0.5])]);
    // One turn: u = x + 0.25/(1 - x) = 1, where 1 - u = 0; slope 1 + 0.25/(1 - x)^2 = 2.
    expect(d?.data[0]).toBe(2);
  });

  test('a branch whose derivative overflows though its values do not', () => {
    // u -> cosh(y sqrt(u)) twice: 6e306, then infinite; the product of the slopes of the first is infinite already, and meets a cotangent of zero in the second derivative.
    const g = new Graph();
    const [x, y] = [g.param('x', f64(1)), g.param('y', f64(1))];
    const step = (u: Node): Node => b.cosh(g, b.mul(g, b.sqrt(g, u), y));
    const never = b.lt(g, x, 0);
    const z = b.select(g, never, step(step(x)), b.mul(g, x, x));
    const first = gradientOf(g, b.sumAll(g, z), [x, y]);
    const total = first.map((d) => b.sumAll(g, d)).reduce((s, d) => b.add(g, s, d));
    const second = gradientOf(g, total, [x, y]);
    const out = evaluate(
      [...first, ...second],
      [x, y],
      [ndarray('f64', [1], [0.5]), ndarray('f64', [1], [1000])],
    );
    expect(out.map((d) => (d.data[0] ?? NaN) + 0)).toEqual([1, 0, 2, 0]);
  });

  test('any expression, at any bad value, in loops too', () => {
    const random1 = fc.constantFrom(...unaryOps);
    const random2 = fc.constantFrom(...binaryOps);
    const nasty = fc.constantFrom(-1, 0, 1, 0.5, 2, 1e3, -1e3);
    fc.assert(
      fc.property(
        fc.array(random1, { minLength: 6, maxLength: 6 }),
        fc.array(random2, { minLength: 6, maxLength: 6 }),
        fc.array(fc.nat(5), { minLength: 12, maxLength: 12 }),
        nasty,
        nasty,
        fc.boolean(),
        (ones, twos, picks, x, y, looped) => {
          const expression: Function1 = (g, p, q) => {
            const values = [p, q];
            ones.forEach((op, i) => {
              const pick = (k: number): Node => at(values, at(picks, k) % values.length);
              values.push(b.binary(g, at(twos, i), b.unary(g, op, pick(2 * i)), pick(2 * i + 1)));
            });
            return at(values, -1);
          };
          const f: Function1 = (g, p, q) =>
            looped
              ? at(
                  makeScan(g, {
                    length: 2,
                    init: [p],
                    body: (_i, [u]) => ({ carries: [expression(g, given(u), q)], ys: [] }),
                  }).carries,
                  0,
                )
              : expression(g, p, q);
          const g = new Graph();
          const [p, q, choice] = [g.param('x', f64(1)), g.param('y', f64(1)), g.param('c', f64(1))];
          const z = b.select(g, b.lt(g, b.zerosLike(g, p), choice), f(g, p, q), b.mul(g, choice, choice));
          const first = gradientOf(g, b.sumAll(g, z), [p, q, choice]);
          const total = first.map((d) => b.sumAll(g, d)).reduce((s, d) => b.add(g, s, d));
          const second = gradientOf(g, total, [p, q, choice]);
          const points = [x, y, -3].map((v) => ndarray('f64', [1], [v]));
          const out = evaluate([...first, ...second], [p, q, choice], points).map(
            (d) => (d.data[0] ?? NaN) + 0,
          );
          expect(out).toEqual([0, 0, -6, 0, 0, 2]);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('costs nothing where there is no choice', () => {
    const g = new Graph();
    const x = g.param('x', f64(4));
    const y = b.sumAll(g, b.div(g, b.exp(g, x), b.log(g, x)));
    const nodes = reachable(gradientOf(g, y, [x]));
    expect(nodes.some((n) => n.op === 'select' || n.op === 'le')).toBe(false);
  });

  test('nor where everything chosen from is finite', () => {
    const g = new Graph();
    const x = g.param('x', f64(4));
    const y = b.sumAll(g, b.max(g, b.mul(g, b.sin(g, x), x), 0));
    const nodes = reachable(gradientOf(g, y, [x]));
    expect(nodes.some((n) => n.op === 'abs')).toBe(false);
  });
});
