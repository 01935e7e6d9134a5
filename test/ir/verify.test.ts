import { describe, expect, test } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { makeCond, makeScan } from '../../compiler/ir/region.ts';
import type { ArrayFunction, Attributes, Node, NodeOf, OpName } from '../../compiler/ir/types.ts';
import { verifyFunction } from '../../compiler/ir/verify.ts';
import { at } from '../../compiler/support/lists.ts';

/** A small valid function to spoil, its graph and its parameters. */
function setting(): { g: Graph; x: Node; k: Node } {
  const g = new Graph();
  return { g, x: g.param('x', { dtype: 'f64', shape: [3] }), k: g.param('k', { dtype: 'f64', shape: [] }) };
}

const functionOf = (params: readonly Node[], results: readonly Node[]): ArrayFunction => ({
  name: 'f',
  inputs: params.map((_, i) => `in${i}`),
  outputs: results.map((_, i) => `out${i}`),
  region: { params, results },
});

/** A node past the builder's checks; the verifier must not rely on them. */
function forged<P extends OpName>(
  g: Graph,
  op: P,
  args: readonly Node[],
  attrs: Attributes[P],
  like: Node,
  id?: number,
): Node {
  const node: NodeOf<P> = {
    op,
    id: id ?? g.param('id', like).id,
    args,
    attrs,
    outputs: [{ dtype: like.dtype, shape: like.shape }],
    dtype: like.dtype,
    shape: like.shape,
    origin: undefined,
  };
  return node as unknown as Node;
}

const complaint = (fn: ArrayFunction): string => {
  try {
    verifyFunction(fn, 'a pass');
    return 'nothing';
  } catch (error) {
    return error instanceof Error ? error.message : 'something else';
  }
};

test('a valid function passes', () => {
  const { g, x, k } = setting();
  const { carries } = makeScan(g, {
    length: 2,
    init: [x],
    body: (_i, [p]) => ({ carries: [b.mul(g, p ?? x, k)], ys: [] }),
  });
  expect(complaint(functionOf([x, k], [...carries, x]))).toBe('nothing');
});

describe('the verifier finds', () => {
  test('a free parameter, also in a region', () => {
    const { g, x, k } = setting();
    expect(complaint(functionOf([x], [b.mul(g, x, k)]))).toMatch(
      /^a pass: invalid IR in f: f: depends on parameter k/,
    );
    const p = g.param('p', { dtype: 'f64', shape: [3] });
    const i = g.param('i', { dtype: 'i32', shape: [] });
    const attrs: Attributes['scan'] = {
      length: 2,
      carries: 1,
      xs: 0,
      body: { params: [i, p], results: [b.mul(g, p, k)] },
      reverse: false,
      snapshots: 0,
      adjoint: { kind: 'auto' },
    };
    const node = g.node('scan', [x], attrs);
    expect(complaint(functionOf([x, k], [b.project(g, node, 0)]))).toMatch(
      /body of %\d+: depends on parameter k/,
    );
  });
  test('a node older than its operand', () => {
    const { g, x } = setting();
    const y = b.sin(g, x);
    expect(complaint(functionOf([x], [forged(g, 'neg', [y], {}, x, y.id)]))).toMatch(
      /is older than its operand/,
    );
  });
  test('a type that is not the inferred one', () => {
    const { g, x, k } = setting();
    expect(complaint(functionOf([x], [forged(g, 'neg', [x], {}, k)]))).toMatch(
      /is declared \(f64\), inferred \(f64\[3\]\)/,
    );
    expect(complaint(functionOf([x, k], [forged(g, 'add', [x, k], {}, x)]))).toMatch(
      /operands differ in shape/,
    );
  });
  test('a region operation used without project', () => {
    const { g, x } = setting();
    const { carries } = makeScan(g, {
      length: 2,
      init: [x],
      body: (_i, [p]) => ({ carries: [b.sin(g, p ?? x)], ys: [] }),
    });
    const loop = at(at(carries, 0).args, 0);
    expect(complaint(functionOf([x], [loop]))).toMatch(/is a result, without project/);
    expect(complaint(functionOf([x], [forged(g, 'neg', [loop], {}, x)]))).toMatch(
      /uses scan without project/,
    );
    expect(complaint(functionOf([x], [forged(g, 'project', [x], { index: 0 }, x)]))).toMatch(
      /projects no region/,
    );
  });
  test('a bool that crosses the border of a region', () => {
    const { g, x } = setting();
    const mask = b.lt(g, x, 1);
    const p = g.param('p', { dtype: 'bool', shape: [3] });
    const region = { params: [p], results: [b.select(g, p, 1, g.constant(2, 'f64'))] };
    const node = g.node('cond', [g.constant(1, 'bool'), mask], { then: region, else: region });
    expect(complaint(functionOf([x], [forged(g, 'project', [node], { index: 0 }, x)]))).toMatch(
      /a bool crosses the border of then/,
    );
  });
  test('a constant that is no value of its type', () => {
    const { g, x, k } = setting();
    const single = g.param('s', { dtype: 'f32', shape: [] });
    const whole = g.param('n', { dtype: 'i32', shape: [] });
    expect(complaint(functionOf([], [forged(g, 'const', [], { value: 0.1 }, single)]))).toMatch(
      /0.1 is no f32/,
    );
    expect(complaint(functionOf([], [forged(g, 'const', [], { value: 2 ** 31 }, whole)]))).toMatch(
      /is no i32/,
    );
    expect(
      complaint(
        functionOf([x, k], [forged(g, 'literal', [], { data: Float64Array.of(0.5), shape: [] }, whole)]),
      ),
    ).toMatch(/holds a value that is no i32/);
  });
  test('names that are missing or given twice', () => {
    const { g, x, k } = setting();
    const fn = functionOf([x, k], [b.mul(g, x, k)]);
    expect(complaint({ ...fn, inputs: ['x'] })).toMatch(/1 input names for 2 parameters/);
    expect(complaint({ ...fn, inputs: ['x', 'x'] })).toMatch(/the name x is given twice/);
    expect(complaint({ ...fn, outputs: [] })).toMatch(/0 output names for 1 results/);
  });
  test('a parameter that is none, or listed twice', () => {
    const { g, x } = setting();
    const y = b.sin(g, x);
    expect(complaint(functionOf([x, y], [y]))).toMatch(/is listed as a parameter/);
    expect(complaint(functionOf([x, x], [y]))).toMatch(/a parameter is listed twice/);
  });
  test('steps and snapshots out of range', () => {
    const { g, x } = setting();
    const loop = (length: number, snapshots: number): string => {
      const { carries } = makeScan(g, {
        length,
        snapshots,
        init: [x],
        body: (_i, [p]) => ({ carries: [b.sin(g, p ?? x)], ys: [] }),
      });
      return complaint(functionOf([x], [...carries]));
    };
    expect(loop(3, 3)).toBe('nothing');
    expect(loop(3, 4)).toMatch(/keeps 4 of 3 states/);
    expect(loop(2.5, 0)).toMatch(/of 2.5 steps/);
  });
  test('an error in a branch inside a loop', () => {
    const { g, x, k } = setting();
    const stray = g.param('stray', { dtype: 'f64', shape: [3] });
    const { carries } = makeScan(g, {
      length: 2,
      init: [x],
      body: (_i, [p]) => ({
        carries: [
          ...makeCond(g, {
            predicate: b.lt(g, k, 1),
            then: () => [b.sin(g, p ?? x)],
            otherwise: () => [stray],
          }),
        ],
        ys: [],
      }),
    });
    expect(complaint(functionOf([x, k], [...carries]))).toMatch(/f: depends on parameter stray/);
  });
});
