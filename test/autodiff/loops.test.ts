// Loops: exact adjoints for every kind of body, the same bits under every checkpoint policy, the same values as unrolled code, batching.

import { describe, expect, test } from 'vitest';
import { at, range } from '../../compiler/support/lists.ts';
import { forwardSteps } from '../../compiler/support/revolve.ts';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import { optimize } from '../../compiler/ir/passes.ts';
import { makeScan, reachable } from '../../compiler/ir/region.ts';
import type { AdjointPolicy, Node } from '../../compiler/ir/types.ts';
import { isFloat } from '../../compiler/ir/types.ts';
import { absorbLoops } from '../../compiler/autodiff/absorb_loops.ts';
import { describeAdjoints } from '../../compiler/autodiff/describe.ts';
import { snapshotSlots } from '../../compiler/autodiff/loops.ts';
import { gradientOf, valueAndGradientOf, valueAndJvp } from '../../compiler/autodiff/operators.ts';
import { vjp } from '../../compiler/autodiff/vjp.ts';
import { given } from './cases.ts';
import type { Case } from './checks.ts';
import {
  checkBatch,
  checkDifferences,
  checkDotProduct,
  checkTaylor,
  evaluate,
  f64,
  generator,
  present,
  programOf,
} from './checks.ts';
import type { MakeScan } from './loop_cases.ts';
import { loopCases, unrolled, withPolicy } from './loop_cases.ts';

const everything: readonly AdjointPolicy[] = [
  { kind: 'store' },
  { kind: 'recompute' },
  { kind: 'auto' },
  ...range(9).map((k): AdjointPolicy => ({ kind: 'checkpoint', bytes: 16 * (k + 1) })),
];

/** The gradient of Σ w·f with random weights. */
function gradient(c: Case): {
  g: Graph;
  params: readonly Node[];
  results: readonly Node[];
  values: readonly NdArray[];
} {
  const { g, params, outputs } = programOf(c);
  const floats = params.filter((p) => isFloat(p.dtype));
  const floatOutputs = outputs.filter((y) => isFloat(y.dtype));
  const random = generator(99);
  const weights = floatOutputs.map((y) => b.mul(g, b.cos(g, b.stopGradient(g, y)), random()));
  const results = vjp(g, floatOutputs, floats, weights).map((ct, i) => ct ?? b.zerosLike(g, at(floats, i)));
  return { g, params, results, values: evaluate(results, params, c.inputs) };
}

describe.each(Object.entries(loopCases))('%s', (_name, make) => {
  const store = withPolicy({ kind: 'store' });

  test('exact adjoint, tangent and Taylor remainder', () => {
    for (const policy of everything.slice(0, 4)) {
      checkDotProduct(make(withPolicy(policy)), 1);
      checkDifferences(make(withPolicy(policy)), 2);
      checkTaylor(make(withPolicy(policy)), 3);
    }
  });

  test('the same bits under every policy and on every run', () => {
    const reference = gradient(make(store)).values;
    for (const policy of everything) expect(gradient(make(withPolicy(policy))).values).toEqual(reference);
  });

  test('the values of unrolled code', () => {
    const loop = gradient(make(store)).values;
    const plain = gradient(make(unrolled)).values;
    loop.forEach((x, k) =>
      x.data.forEach((value, i) => {
        const other = at(plain, k).data[i] ?? NaN;
        expect(Math.abs(value - other)).toBeLessThanOrEqual(1e-13 * Math.max(1, Math.abs(value)));
      }),
    );
  });

  test('the passes of the compiler leave the gradient as it is', () => {
    const { g, params, results, values } = gradient(make(withPolicy({ kind: 'checkpoint', bytes: 48 })));
    const fn = {
      name: 'gradient',
      inputs: params.map((_, i) => `i${i}`),
      outputs: results.map((_, i) => `o${i}`),
      region: { params, results },
    };
    const smaller = optimize(g, fn);
    const inputs = make(store).inputs;
    evaluate(smaller.region.results, params, inputs).forEach((x, k) =>
      x.data.forEach((value, i) => {
        const before = at(values, k).data[i] ?? NaN;
        expect(Math.abs(value - before)).toBeLessThanOrEqual(1e-13 * Math.max(1, Math.abs(before)));
      }),
    );
  });

  test('a batch is a loop over elements, and so is the batch of its gradient', () => {
    const c = make(withPolicy({ kind: 'recompute' }));
    const random = generator(5);
    const n = 3;
    const stacks = c.inputs.map((x) =>
      ndarray(
        x.dtype,
        [n, ...x.shape],
        range(n * x.data.length).map(() => 0.2 + 0.8 * random()),
      ),
    );
    for (const mask of range(2 ** c.inputs.length).slice(1)) {
      const mapped = c.inputs.map((_, i) => (mask >> i) % 2 === 1);
      const inputs = c.inputs.map((x, i) => (mapped[i] === true ? at(stacks, i) : x));
      checkBatch(c.build, inputs, mapped, n, 1e-13);
      checkBatch(gradientBuilder(c), inputs, mapped, n, 1e-12);
    }
  });
});

/** The gradient of the sum of all float outputs as a function of the inputs. */
function gradientBuilder(c: Case): Case['build'] {
  return (g, x) => {
    const outputs = c.build(g, x).filter((y) => isFloat(y.dtype));
    const total = outputs.map((y) => b.sumAll(g, y)).reduce((s, y) => b.add(g, s, y));
    return gradientOf(g, total, x);
  };
}

const ops = (results: readonly Node[], op: Node['op']): Node[] =>
  reachable(results).filter((n) => n.op === op);

/** A nonlinear loop of `length` steps over a state of 4 numbers: final state and its gradient program. */
function simulation(
  g: Graph,
  scan: MakeScan,
  length: number,
): { readonly params: readonly Node[]; readonly loss: Node } {
  const u0 = g.param('u0', { dtype: 'f64', shape: [4] });
  const k = g.param('k', { dtype: 'f64', shape: [4] });
  const { carries } = scan(g, {
    length,
    init: [u0],
    body: (_i, [u]) => ({ carries: [b.add(g, given(u), b.mul(g, b.sin(g, given(u)), k))], ys: [] }),
  });
  return { params: [u0, k], loss: b.sumAll(g, at(carries, 0)) };
}

describe('what a gradient costs', () => {
  test('the loop runs once for value and gradient, with as many snapshots as the policy says', () => {
    for (const slots of range(12).map((k) => k + 1)) {
      const g = new Graph();
      const { params, loss } = simulation(g, withPolicy({ kind: 'checkpoint', bytes: 32 * slots }), 12);
      const { value, gradient: grads } = valueAndGradientOf(g, loss, params);
      const roots = [value, ...grads];
      expect(ops(roots, 'scan').map((n) => (n.op === 'scan' ? n.attrs.snapshots : 0))).toEqual([slots]);
      expect(ops(roots, 'adjoint_scan').length).toBe(1);
      expect(describeAdjoints(roots)).toEqual([
        {
          length: 12,
          slots,
          stateBytes: 32,
          bytes: 32 * slots,
          recomputedSteps: forwardSteps(12, slots),
          depth: 0,
        },
      ]);
    }
  });

  test('a loop that is linear in what is differentiated stores nothing', () => {
    const g = new Graph();
    const c = given2(loopCases['a linear loop'])(withPolicy({ kind: 'store' }));
    const params = c.inputs.map((x, i) => g.param(`x${i}`, x));
    const outputs = c.build(g, params);
    const grads = vjp(
      g,
      outputs,
      params,
      outputs.map((y) => b.onesLike(g, y)),
    ).map(present);
    expect(ops(grads, 'adjoint_scan')).toEqual([]);
    expect(
      ops(grads, 'scan').map((n) => (n.op === 'scan' ? [n.attrs.reverse, n.attrs.snapshots] : [])),
    ).toEqual([[true, 0]]);
  });

  test('only the states that the reverse body needs are restored', () => {
    const g = new Graph();
    const c = given2(loopCases['two states of which one is needed'])(withPolicy({ kind: 'store' }));
    const params = c.inputs.map((x, i) => g.param(`x${i}`, x));
    const outputs = c.build(g, params);
    const grads = vjp(
      g,
      outputs,
      params,
      outputs.map((y) => b.onesLike(g, y)),
    ).map(present);
    // The reverse body needs u; u needs v to be recomputed, but stored states are not recomputed.
    const [cost] = describeAdjoints(grads);
    expect(cost?.slots).toBe(6);
    expect(ops(grads, 'adjoint_scan').length).toBe(1);
  });

  test('an array read at the step index has its cotangent stacked, not summed', () => {
    const g = new Graph();
    const control = g.param('control', f64(1000));
    const { carries } = makeScan(g, {
      length: 1000,
      init: [g.constant(0.3, 'f64')],
      body: (i, [u]) => ({
        carries: [b.add(g, b.sin(g, given(u)), b.mul(g, given(u), b.gather(g, control, i)))],
        ys: [],
      }),
    });
    const results = gradientOf(g, at(carries, 0), [control]);
    const [sweep] = ops(results, 'adjoint_scan');
    expect(sweep?.op === 'adjoint_scan' ? sweep.attrs.cotangents : 0).toBe(1);
    expect(sweep?.outputs.map((o) => o.shape)).toEqual([[], [1000]]);
    expect(ops(results, 'scatter_add')).toEqual([]);
    expect(sweep?.op === 'adjoint_scan' ? ops(sweep.attrs.backward.results, 'scatter_add') : []).toEqual([]);
  });

  test('policies', () => {
    expect(snapshotSlots({ kind: 'store' }, 1000, 8)).toBe(1000);
    expect(snapshotSlots({ kind: 'recompute' }, 1000, 8)).toBe(64);
    expect(snapshotSlots({ kind: 'recompute' }, 2, 8)).toBe(2);
    expect(snapshotSlots({ kind: 'checkpoint', bytes: 16e6 }, 4096, 65536)).toBe(244);
    expect(snapshotSlots({ kind: 'checkpoint', bytes: 1 }, 4096, 65536)).toBe(1);
    expect(snapshotSlots({ kind: 'auto' }, 1000, 16000)).toBe(1000);
    expect(snapshotSlots({ kind: 'auto' }, 1000, 64000)).toBe(250);
    expect(snapshotSlots({ kind: 'auto' }, 1000, 1e6)).toBe(64);
    expect(snapshotSlots({ kind: 'auto' }, 1000, 64e6)).toBe(4);
  });

  test('the size of the gradient program does not depend on the number of steps', () => {
    const size = (length: number): number => {
      const g = new Graph();
      const { params, loss } = simulation(g, withPolicy({ kind: 'recompute' }), length);
      return reachable(gradientOf(g, loss, params)).length;
    };
    expect(size(1_000_000)).toBe(size(10));
  });
});

function given2<T>(x: T | undefined): T {
  if (x === undefined) throw new Error('missing');
  return x;
}

describe('long sums in single precision', () => {
  const build = (length: number): { results: readonly Node[]; carried: number } => {
    const g = new Graph();
    const u0 = g.param('u0', { dtype: 'f32', shape: [] });
    const k = g.param('k', { dtype: 'f32', shape: [] });
    const { carries } = makeScan(g, {
      length,
      init: [u0],
      body: (_i, [u]) => ({ carries: [b.add(g, given(u), b.mul(g, b.sin(g, given(u)), k))], ys: [] }),
    });
    const results = gradientOf(g, at(carries, 0), [u0, k]);
    const sweep = given2(ops(results, 'adjoint_scan')[0]);
    return { results, carried: sweep.op === 'adjoint_scan' ? sweep.attrs.cotangents : 0 };
  };

  test('the accumulator of a constant is compensated beyond 1000 steps', () => {
    expect(build(1000).carried).toBe(2);
    expect(build(1001).carried).toBe(3);
  });

  test('and holds the sum to the last digit', () => {
    // The interpreter computes in float64: 0.1 added 100,000 times is off by 2e-8 without compensation.
    const g = new Graph();
    const k = g.param('k', { dtype: 'f32', shape: [] });
    const tenth = g.param('tenth', { dtype: 'f32', shape: [] });
    // The factor depends on the step in name, so that the product is not moved out of the loop.
    const inside = makeScan(g, {
      length: 100_000,
      init: [g.constant(0, 'f32')],
      body: (i, [u]) => {
        const one = b.cast(g, b.le(g, 0, i), 'f32');
        return { carries: [b.add(g, given(u), b.mul(g, k, b.mul(g, tenth, one)))], ys: [] };
      },
    });
    const [d] = evaluate(
      gradientOf(g, at(inside.carries, 0), [k]),
      [k, tenth],
      [ndarray('f32', [], [1]), ndarray('f32', [], [0.1])],
    );
    expect(Math.abs((d?.data[0] ?? NaN) - 10_000)).toBeLessThan(4e-12);
  });
});

test('cotangents of the snapshots of a loop', () => {
  // A program that reads its loop's snapshots, as a gradient program does: differentiated again it needs their cotangents.
  for (const snapshots of [1, 3, 5])
    for (const reverse of [false, true]) {
      const c: Case = {
        inputs: [ndarray('f64', [2], [0.3, 0.8]), ndarray('f64', [2], [0.5, 0.4])],
        build: (g, [u0, k]) => {
          const loop = makeScan(g, {
            length: 5,
            init: [given(u0)],
            reverse,
            snapshots,
            body: (i, [u]) => ({
              carries: [
                b.add(g, b.mul(g, b.sin(g, given(u)), given(k)), b.mul(g, b.cast(g, i, 'f64'), given(k))),
              ],
              ys: [],
            }),
          });
          return [...loop.carries, ...loop.snapshots];
        },
      };
      checkDotProduct(c, snapshots);
      checkDifferences(c, snapshots);
    }
});

describe('absorbing loops', () => {
  const step = (g: Graph): { scan: (init: Node, results?: readonly Node[]) => Node; u: Node; next: Node } => {
    const i = g.param('i', { dtype: 'i32', shape: [] });
    const u = g.param('u', { dtype: 'f64', shape: [2] });
    const next = b.sin(g, b.mul(g, u, 1.5));
    const scan = (init: Node, results: readonly Node[] = [next, b.mul(g, u, u)]): Node =>
      g.node('scan', [init], {
        length: 4,
        carries: 1,
        xs: 0,
        body: { params: [i, u], results },
        reverse: false,
        snapshots: 0,
        adjoint: { kind: 'auto' },
      });
    return { scan, u, next };
  };
  const a = { name: 'a', point: ndarray('f64', [2], [0.3, 0.7]) };
  const c = { name: 'c', point: ndarray('f64', [2], [-0.5, 1.1]) };

  const unchanged = (build: (g: Graph, x: Node, y: Node) => readonly Node[], scans: number): void => {
    const g = new Graph();
    const [x, y] = [g.param(a.name, f64(2)), g.param(c.name, f64(2))];
    const results = build(g, x, y);
    const absorbed = absorbLoops(g, results);
    expect(evaluate(absorbed, [x, y], [a.point, c.point])).toEqual(
      evaluate(results, [x, y], [a.point, c.point]),
    );
    expect(ops(absorbed, 'scan').length).toBe(scans);
  };

  test('a loop that records more absorbs one that records less', () => {
    unchanged((g, x) => {
      const { scan, next } = step(g);
      return [b.project(g, scan(x), 0), b.project(g, scan(x), 1), b.project(g, scan(x, [next]), 0)];
    }, 1);
  });

  test('not from another start', () => {
    unchanged((g, x, y) => {
      const { scan, next } = step(g);
      return [b.project(g, scan(x), 1), b.project(g, scan(y, [next]), 0)];
    }, 2);
  });

  test('not with another step', () => {
    unchanged((g, x) => {
      const { scan, u, next } = step(g);
      return [
        b.project(g, scan(x), 1),
        b.project(g, scan(x, [b.mul(g, u, 0.5)]), 0),
        b.project(g, scan(x, [next]), 0),
      ];
    }, 2);
  });

  test('not when the larger loop starts from what the smaller one gives', () => {
    const g = new Graph();
    const u0 = g.param('u0', f64(2));
    const { carries } = makeScan(g, {
      length: 4,
      init: [u0],
      body: (_i, [u]) => ({ carries: [b.sin(g, given(u))], ys: [] }),
    });
    const { values, tangents } = valueAndJvp(g, carries, [u0], carries);
    const out = evaluate([at(values, 0), present(tangents[0])], [u0], [a.point]);
    const end = [...at(out, 0).data];
    const slope = [...a.point.data].map((start) => {
      let [x, d] = [start, 1];
      for (let k = 0; k < 4; k++) [x, d] = [Math.sin(x), d * Math.cos(x)];
      return d;
    });
    at(out, 1).data.forEach((t, i) => expect(t).toBeCloseTo(at(slope, i) * at(end, i), 14));
  });

  test('value and tangent come from one loop, value, gradient and Hessian-vector product from two sweeps', () => {
    const g = new Graph();
    const { params, loss } = simulation(g, withPolicy({ kind: 'checkpoint', bytes: 96 }), 12);
    const v = params.map((p) => g.param('v', p));
    const forward = valueAndJvp(g, [loss], params, v);
    expect(ops([...forward.values, ...forward.tangents.map(present)], 'scan').length).toBe(1);
    const { value, gradient: grads } = valueAndGradientOf(g, loss, params);
    const second = valueAndJvp(g, [value, ...grads], params, v);
    const all = [...second.values, ...second.tangents.map(present)];
    expect(ops(all, 'scan').length).toBe(1);
    expect(ops(all, 'adjoint_scan').length).toBe(1);
  });
});
