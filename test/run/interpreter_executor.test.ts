// The interpreter as an executor: hand-made programs, and a whole script on it: a minimisation of an exact quadratic with a checked gradient.

import { describe, expect, test } from 'vitest';
import { createInterpreterExecutor } from '../../compiler/driver/interpreter_executor.ts';
import type { InterpretedProcedure, InterpretedProgram } from '../../compiler/driver/interpreter_executor.ts';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { makeScan } from '../../compiler/ir/region.ts';
import type { ArrayType, Node } from '../../compiler/ir/types.ts';
import { at } from '../../compiler/support/lists.ts';
import { createMemoryHost } from '../../runtime/run/memory_host.ts';
import { runScript } from '../../runtime/run/run_script.ts';
import { place, script } from './fake.ts';

const real: ArrayType = { dtype: 'f64', shape: [] };
const vector = (n: number): ArrayType => ({ dtype: 'f64', shape: [n] });

/** A procedure whose inputs and outputs are called like their variables. */
function procedure(
  name: string,
  inputs: Readonly<Record<string, Node>>,
  outputs: Readonly<Record<string, Node>>,
): InterpretedProcedure {
  const same = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.map((n) => [n, n]));
  const [from, to] = [Object.keys(inputs), Object.keys(outputs)];
  const region = { params: Object.values(inputs), results: Object.values(outputs) };
  return { name, fn: { name, inputs: from, outputs: to, region }, inputs: same(from), outputs: same(to) };
}

describe('variables', () => {
  const program: InterpretedProgram = {
    variables: [
      { name: 'x', type: vector(3), initial: Float64Array.of(1, 2, 3) },
      { name: 'n', type: { dtype: 'i32', shape: [] } },
      { name: 'flag', type: { dtype: 'bool', shape: [2] } },
    ],
    procedures: [],
  };
  test('have initial contents, zeros without; bools are 0 and 1', async () => {
    const executor = createInterpreterExecutor(program);
    expect([...(await executor.read('x'))]).toEqual([1, 2, 3]);
    expect([...(await executor.read('n'))]).toEqual([0]);
    await executor.write('flag', Float64Array.of(0, 7));
    expect([...(await executor.read('flag'))]).toEqual([0, 1]);
  });
  test('are copies on both ways', async () => {
    const executor = createInterpreterExecutor(program);
    const given = Float64Array.of(4, 5, 6);
    await executor.write('x', given);
    given.fill(0);
    const read = await executor.read('x');
    read.fill(0);
    expect([...(await executor.read('x'))]).toEqual([4, 5, 6]);
  });
  test('wrong names and lengths are errors of the compiler', async () => {
    const executor = createInterpreterExecutor(program);
    await expect(executor.read('y')).rejects.toThrow(/no variable y/);
    await expect(executor.run('go')).rejects.toThrow(/no procedure go/);
    await expect(executor.write('x', Float64Array.of(1))).rejects.toThrow(/3 elements, is given 1/);
  });
});

describe('procedures', () => {
  test('read everything before they write anything', async () => {
    const g = new Graph();
    const [x, y] = [g.param('x', real), g.param('y', real)];
    const executor = createInterpreterExecutor({
      variables: [
        { name: 'x', type: real, initial: Float64Array.of(1) },
        { name: 'y', type: real, initial: Float64Array.of(2) },
      ],
      procedures: [procedure('swap', { x, y }, { x: y, y: x })],
    });
    await executor.run('swap', 3);
    expect([...(await executor.read('x')), ...(await executor.read('y'))]).toEqual([2, 1]);
  });
  test('with loops give the same when called again and again', async () => {
    const g = new Graph();
    const x = g.param('x', vector(4));
    const { carries, ys } = makeScan(g, {
      length: 5,
      init: [x],
      body: (_, [c]) => {
        const next = b.add(g, b.mul(g, c ?? x, 0.5), 1);
        return { carries: [next], ys: [next] };
      },
    });
    const executor = createInterpreterExecutor({
      variables: [
        { name: 'x', type: vector(4), initial: Float64Array.of(0, 2, 4, 8) },
        { name: 'last', type: vector(4) },
        { name: 'all', type: { dtype: 'f64', shape: [5, 4] } },
      ],
      procedures: [procedure('go', { x }, { last: at(carries, 0), all: at(ys, 0) })],
    });
    const expected = [0, 2, 4, 8].map((v) => 2 + (v - 2) / 32);
    for (let i = 0; i < 3; i++) {
      await executor.run('go', 2);
      expect([...(await executor.read('last'))]).toEqual(expected);
      expect((await executor.read('all')).subarray(16)).toEqual(Float64Array.from(expected));
    }
  });
});

test('a script on it: checked gradient, descent, assertion, file', async () => {
  const g = new Graph();
  const [p, v, h] = [g.param('p', vector(2)), g.param('v', vector(2)), g.param('h', real)];
  const target = g.literal(Float64Array.of(1, -2), [2], 'f64');
  const lossOf = (q: Node): Node => {
    const d = b.sub(g, q, target);
    return b.sumAll(g, b.mul(g, d, d));
  };
  const gradient = b.mul(g, b.sub(g, p, target), 2);
  const slope = b.sumAll(g, b.mul(g, gradient, v));
  const iteration = g.param('iteration', { dtype: 'i32', shape: [] });
  const executor = createInterpreterExecutor({
    variables: [
      { name: 'p', type: vector(2), initial: Float64Array.of(3, 3) },
      { name: 'v', type: vector(2), initial: Float64Array.of(0.6, -0.8) },
      ...['h', 'loss', 'reverse', 'forward'].map((name) => ({ name, type: real })),
      { name: 'scale', type: real, initial: Float64Array.of(1) },
      { name: 'iteration', type: { dtype: 'i32', shape: [] } },
      { name: 'done', type: { dtype: 'bool', shape: [] } },
      { name: 'close', type: { dtype: 'bool', shape: [] } },
    ],
    procedures: [
      procedure('value', { p, v, h }, { loss: lossOf(b.add(g, p, b.mul(g, v, h))) }),
      procedure('slope', { p, v }, { reverse: slope, forward: slope }),
      procedure('objective', { p }, { loss: lossOf(p) }),
      procedure('start', {}, { iteration: g.constant(0, 'i32'), done: g.constant(0, 'bool') }),
      procedure(
        'step',
        { p, iteration },
        {
          p: b.sub(g, p, b.mul(g, gradient, 0.25)),
          iteration: b.add(g, iteration, 1),
        },
      ),
      procedure('look', { p }, { close: b.lt(g, lossOf(p), 1e-12) }),
    ],
  });
  const output = { label: 'p', variable: 'p', shape: [2], kind: 'real' } as const;
  const list = script([
    {
      kind: 'check_gradient',
      label: 'loss over p',
      value: 'value',
      h: 'h',
      loss: 'loss',
      slope: 'slope',
      reverse: 'reverse',
      forward: 'forward',
      scale: 'scale',
      place,
    },
    {
      kind: 'minimize',
      label: 'loss',
      start: 'start',
      step: 'step',
      steps: 40,
      iteration: 'iteration',
      done: 'done',
      stops: false,
      objective: { label: 'loss', procedure: 'objective', variable: 'loss' },
      logs: [],
      every: [],
      params: [output],
      checkpoints: [],
      place,
    },
    { kind: 'assert', procedure: 'look', condition: 'close', message: [], values: [], place },
    { kind: 'save', path: [{ text: 'p.csv' }], entries: [output], place },
  ]);
  const host = createMemoryHost();
  const report = await runScript({ name: 'quadratic', precision: 'f64', script: list }, executor, { host });
  expect(report.checks).toMatchObject([{ verdict: 'pass', disagreement: 0 }]);
  expect(report.checks[0]?.slope).toBeCloseTo(2, 3);
  const [x, y] = new TextDecoder().decode(host.files.get('p.csv')).trim().split(/\s+/).slice(-2).map(Number);
  expect(x).toBeCloseTo(1, 10);
  expect(y).toBeCloseTo(-2, 10);
});
