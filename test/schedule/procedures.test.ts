// Procedures over variables: results over their own inputs, kernels shared between procedures, many small variables, wide expressions, memory.

import { describe, expect, it } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { interpret } from '../../compiler/ir/interpret.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import { makeScan } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { createReferenceExecutor } from '../../compiler/plan/reference_executor.ts';
import { validatePlan } from '../../compiler/plan/validate.ts';
import type { Schedule } from '../../compiler/schedule/schedule.ts';
import { schedule } from '../../compiler/schedule/schedule.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { array, f64, generator } from '../autodiff/checks.ts';
import { heat } from './cases.ts';
import { expectSame, functionOf, planOf, procedureOf } from './support.ts';

const random = generator(11);
const numbers = (...shape: number[]): NdArray => array(f64(...shape), () => random());

/** Schedules a procedure whose output i is stored in the variable of input `over[i]`, runs it twice, and compares with the interpreter. */
async function overwrite(
  g: Graph,
  params: readonly Node[],
  results: readonly Node[],
  over: readonly number[],
): Promise<Schedule> {
  const fn = functionOf(params, results);
  const variables = params.map((p, i) => ({ name: `x${i}`, type: { dtype: p.dtype, shape: p.shape } }));
  const outputs = Object.fromEntries(results.map((_, i) => [`y${i}`, `x${at(over, i)}`]));
  const inputs = Object.fromEntries(params.map((_, i) => [`x${i}`, `x${i}`]));
  const made = schedule(g, variables, [{ name: 'f', fn, inputs, outputs }]);
  const plan = planOf(made);
  validatePlan(plan);
  const executor = createReferenceExecutor(plan, { poison: true });
  let values = params.map((p) => numbers(...p.shape));
  for (const [i, value] of values.entries()) await executor.write(`x${i}`, Float64Array.from(value.data));
  for (const turn of range(2)) {
    await executor.run('f');
    const next = interpret(results, new Map(params.map((p, i) => [p, at(values, i)])));
    values = values.map((v, i) => (over.includes(i) ? at(next, over.indexOf(i)) : v));
    for (const [i, value] of values.entries())
      expect(Array.from(await executor.read(`x${i}`)), `turn ${turn}, x${i}`).toEqual(Array.from(value.data));
  }
  return made;
}

const copies = (made: Schedule): number =>
  Object.values(made.procedures)
    .flatMap((p) => p.steps)
    .filter((s) => s.kind === 'copy').length;

describe('variables that are read and written', () => {
  it('an optimiser updates parameter and memory in place, in one kernel', async () => {
    const g = new Graph();
    const [p, m, v, gradient] = ['p', 'm', 'v', 'g'].map((name) => g.param(name, f64(300)));
    if (p === undefined || m === undefined || v === undefined || gradient === undefined)
      throw new Error('unreachable');
    const m1 = b.add(g, b.mul(g, m, 0.9), b.mul(g, gradient, 0.1));
    const v1 = b.add(g, b.mul(g, v, 0.99), b.mul(g, b.mul(g, gradient, gradient), 0.01));
    const p1 = b.sub(g, p, b.div(g, b.mul(g, m1, 0.01), b.add(g, b.sqrt(g, v1), 1e-8)));
    const made = await overwrite(g, [p, m, v, gradient], [p1, m1, v1], [0, 1, 2]);
    expect(made.report.dispatches).toEqual({ f: 1 });
    expect(copies(made)).toBe(0);
    expect(made.report.bytes.temporaries).toBe(0);
  });
  it('a stencil over itself needs another place', async () => {
    const g = new Graph();
    const u = g.param('u', f64(200));
    const made = await overwrite(g, [u], [b.sub(g, b.roll(g, u, 0, 1), b.roll(g, u, 0, -1))], [0]);
    expect(copies(made)).toBe(1);
  });
  it('two variables are exchanged', async () => {
    const g = new Graph();
    const [u, v] = [g.param('u', f64(100)), g.param('v', f64(100))];
    await overwrite(g, [u, v], [v, u], [0, 1]);
    const [s, t] = [g.param('s', f64()), g.param('t', f64())];
    await overwrite(g, [s, t], [t, s], [0, 1]);
  });
  it('an old value is read after the new one is known', async () => {
    const g = new Graph();
    const [u, w] = [g.param('u', f64(100)), g.param('w', f64(100))];
    const total = b.sumAll(g, u);
    const next = b.add(g, b.mul(g, u, 2), b.broadcastTo(g, total, [100]));
    await overwrite(g, [u, w], [next, b.add(g, b.roll(g, u, 0, 3), w)], [0, 1]);
  });
  it('scalars and small arrays', async () => {
    const g = new Graph();
    const [s, t, a] = [g.param('s', f64()), g.param('t', f64()), g.param('a', f64(20))];
    const results = [b.add(g, s, t), b.mul(g, s, t), b.roll(g, b.mul(g, a, s), 0, 1)];
    await overwrite(g, [s, t, a], results, [0, 1, 2]);
  });
  it('a loop advances the state it is given', async () => {
    for (const length of [1, 2, 3, 6]) {
      const g = new Graph();
      const [u, k] = [g.param('u', f64(90)), g.param('k', f64())];
      const { carries } = makeScan(g, {
        length,
        init: [u],
        body: (_i, [x = u]) => ({
          carries: [b.add(g, x, b.mul(g, b.sub(g, b.roll(g, x, 0, 1), x), k))],
          ys: [],
        }),
      });
      await overwrite(g, [u, k], [at(carries, 0)], [0]);
    }
  });
});

describe('limits', () => {
  it('many small variables share a buffer', async () => {
    const g = new Graph();
    const params = range(20).map((i) => g.param(`s${i}`, i % 3 === 0 ? f64(5) : f64()));
    const field = g.param('field', f64(200));
    const sum = params.reduce<Node>(
      (x, p) => b.add(g, x, b.broadcastTo(g, p.shape.length === 0 ? p : b.sumAll(g, p), [200])),
      field,
    );
    const results = [sum, ...params.map((p) => b.mul(g, p, 2))];
    const made = await expectSame(g, functionOf([...params, field], results), [
      ...params.map((p) => numbers(...p.shape)),
      numbers(200),
    ]);
    for (const kernel of made.kernels) expect(kernel.buffers.length).toBeLessThanOrEqual(8);
  });
  it('an expression of twenty fields is cut', async () => {
    for (const maxBuffers of [4, 8]) {
      const g = new Graph();
      const params = range(20).map((i) => g.param(`f${i}`, f64(100)));
      const product = params
        .map((p, i) => b.roll(g, p, 0, i))
        .reduce((x, p) => b.add(g, b.mul(g, x, 0.5), p));
      const made = await expectSame(
        g,
        functionOf(params, [product]),
        params.map(() => numbers(100)),
        { maxBuffers },
      );
      for (const kernel of made.kernels) expect(kernel.buffers.length).toBeLessThanOrEqual(maxBuffers);
    }
  });
  it('a kernel of one thread takes up no more than some operations', async () => {
    const g = new Graph();
    const x = g.param('x', f64(6));
    // Sums that do not depend on each other, each of a chain of operations.
    const results = range(40).map((i) => {
      let y: Node = b.add(g, x, i);
      for (const n of range(12)) y = b.sin(g, b.mul(g, y, n + 1 + i));
      return b.sumAll(g, y);
    });
    const made = await expectSame(g, functionOf([x], results), [numbers(6)], { tolerance: 1e-13 });
    const whole = 40 * 12 * 6 * 2;
    expect(made.kernels.length).toBeGreaterThan(2);
    for (const kernel of made.kernels)
      expect(JSON.stringify(kernel).split('"sin"').length).toBeLessThan(whole / 2);
  });

  it('arrays that one binding cannot span are not put together', async () => {
    const g = new Graph();
    const params = range(12).map((i) => g.param(`f${i}`, f64(100)));
    const kept = params.map((p) => b.keep(g, b.sin(g, b.sin(g, b.roll(g, p, 0, 1)))));
    const sum = kept.map((p, i) => b.roll(g, p, 0, i)).reduce((x, p) => b.add(g, x, p));
    const inputs = params.map(() => numbers(100));
    const small = await expectSame(g, functionOf(params, [sum]), inputs, { maxBinding: 1000 });
    for (const kernel of small.kernels) {
      expect(kernel.buffers.length).toBeLessThanOrEqual(8);
      for (const buffer of kernel.buffers) expect(buffer.length * 8).toBeLessThanOrEqual(1000);
    }
  });
});

describe('several procedures', () => {
  it('share kernels and memory', () => {
    const g = new Graph();
    const simulations = [10, 20, 30].map((steps) => heat(g, 24, { steps }));
    const sources = simulations.map((s, i) => procedureOf(functionOf(s.params, [s.loss], `run${i}`)));
    const variables = at(sources, 0).variables;
    const procedures = sources.map((s) => s.procedure);
    const all = schedule(g, variables, procedures);
    const one = schedule(g, variables, procedures.slice(0, 1));
    expect(all.kernels.length).toBe(one.kernels.length);
    expect(all.bytes).toBe(one.bytes);
    validatePlan(planOf(all));
  });
});
