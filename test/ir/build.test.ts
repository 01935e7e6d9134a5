import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { interpret } from '../../compiler/ir/interpret.ts';
import type { NdArray } from '../../compiler/ir/interpret.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { sizeOf } from '../../compiler/ir/types.ts';
import { at } from '../../compiler/support/lists.ts';
import { element, indices } from './naive.ts';

const counting = (shape: readonly number[]): NdArray =>
  ndarray(
    'f64',
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7) % 11) - 4),
  );

function evaluate(node: Node, bindings: ReadonlyMap<Node, NdArray>): NdArray {
  return at(interpret([node], bindings), 0);
}

describe('operands', () => {
  const g = new Graph();
  const x = g.param('x', { dtype: 'f32', shape: [2, 3] });
  const s = g.param('s', { dtype: 'f32', shape: [] });
  test('a scalar is broadcast, on either side', () => {
    expect(b.add(g, x, s).shape).toEqual([2, 3]);
    expect(b.sub(g, s, x).args[0]).toBe(b.broadcastTo(g, s, [2, 3]));
    expect(b.select(g, b.lt(g, s, 0), x, s).shape).toEqual([2, 3]);
  });
  test('a number takes the type of the other operand', () => {
    expect(b.mul(g, 0.1, x).args[1]).toBe(b.full(g, [2, 3], 0.1, 'f32'));
    const i = g.param('i', { dtype: 'i32', shape: [] });
    expect(b.add(g, i, 7).dtype).toBe('i32');
    expect(b.select(g, b.lt(g, i, 0), 1, s).dtype).toBe('f32');
  });
  test('greater is less, swapped', () => {
    expect(b.gt(g, x, s)).toBe(b.lt(g, s, x));
    expect(b.ge(g, x, s)).toBe(b.le(g, s, x));
  });
  test('other shapes are an error of the compiler', () => {
    const y = g.param('y', { dtype: 'f32', shape: [3] });
    expect(() => b.add(g, x, y)).toThrow(/shapes differ: f32\[2, 3\], f32\[3\]/);
    expect(() => b.add(g, x, g.param('z', { dtype: 'f64', shape: [2, 3] }))).toThrow(/differ in type/);
    expect(() => b.add(g, 1, 2)).toThrow(/numbers alone/);
    expect(() => b.broadcastTo(g, y, [2])).toThrow(/broadcast of f32\[3\] to \[2\]/);
    expect(() => b.broadcastTo(g, x, [3])).toThrow(/broadcast/);
  });
});

test('broadcastTo follows NumPy', () => {
  const g = new Graph();
  const shapes: readonly (readonly [number[], number[]])[] = [
    [[], [2, 3]],
    [[3], [2, 3]],
    [
      [1, 3],
      [2, 3],
    ],
    [
      [2, 1],
      [2, 3],
    ],
    [
      [1, 1, 3],
      [4, 2, 3],
    ],
    [
      [2, 1, 3],
      [5, 2, 4, 3],
    ],
  ];
  for (const [from, to] of shapes) {
    const x = g.param('x', { dtype: 'f64', shape: from });
    const given = counting(from);
    const got = evaluate(b.broadcastTo(g, x, to), new Map([[x, given]]));
    const lead = to.length - from.length;
    const expected = indices(to).map((index) =>
      element(
        given,
        from.map((extent, axis) => (extent === 1 ? 0 : at(index, lead + axis))),
      ),
    );
    expect([got.shape, Array.from(got.data)]).toEqual([to, expected]);
  }
});

test('matmul of vectors, matrices and batches', () => {
  const extent = fc.integer({ min: 1, max: 4 });
  fc.assert(
    fc.property(
      extent,
      extent,
      extent,
      extent,
      fc.constantFrom(0, 1, 2),
      fc.constantFrom(0, 1, 2),
      (m, k, n, batch, ka, kb) => {
        const a = at([[k], [m, k], [batch, m, k]], ka);
        const c = at([[k], [k, n], [batch, k, n]], kb);
        const g = new Graph();
        const [x, y] = [g.param('x', { dtype: 'f64', shape: a }), g.param('y', { dtype: 'f64', shape: c })];
        const [u, v] = [counting(a), counting(c)];
        const got = evaluate(
          b.matmul(g, x, y),
          new Map([
            [x, u],
            [y, v],
          ]),
        );
        const lead = ka === 2 || kb === 2 ? [batch] : [];
        const shape = [...lead, ...(ka === 0 ? [] : [m]), ...(kb === 0 ? [] : [n])];
        const expected = indices(shape).map((index) => {
          const at0 = lead.length > 0 ? [at(index, 0)] : [];
          const i = ka === 0 ? [] : [at(index, lead.length)];
          const j = kb === 0 ? [] : [at(index, index.length - 1)];
          let sum = 0;
          for (let l = 0; l < k; l++)
            sum +=
              element(u, [...(ka === 2 ? at0 : []), ...i, l]) *
              element(v, [...(kb === 2 ? at0 : []), l, ...j]);
          return sum;
        });
        expect([got.shape, Array.from(got.data)]).toEqual([shape, expected]);
      },
    ),
    { numRuns: 120 },
  );
});

test('index, stack, pad and slice of one axis', () => {
  const g = new Graph();
  const x = g.param('x', { dtype: 'f64', shape: [2, 3] });
  const bind = new Map([[x, ndarray('f64', [2, 3], [1, 2, 3, 4, 5, 6])]]);
  const value = (node: Node): unknown => [node.shape, Array.from(evaluate(node, bind).data)];
  expect(value(b.indexAxis(g, x, 1, 1))).toEqual([[2], [2, 5]]);
  expect(value(b.stack(g, [x, b.neg(g, x)], 1))).toEqual([
    [2, 2, 3],
    [1, 2, 3, -1, -2, -3, 4, 5, 6, -4, -5, -6],
  ]);
  expect(value(b.padAxis(g, x, 0, 1, 0, 1))).toEqual([
    [4, 3],
    [0, 0, 0, 1, 2, 3, 0, 0, 0, 4, 5, 6],
  ]);
  expect(value(b.sliceAxis(g, x, 1, 0, 3, 2))).toEqual([
    [2, 2],
    [1, 3, 4, 6],
  ]);
  expect(value(b.sumAll(g, x))).toEqual([[], [21]]);
  expect(value(b.matrixTranspose(g, x))).toEqual([
    [3, 2],
    [1, 4, 2, 5, 3, 6],
  ]);
  expect(b.zerosLike(g, x)).toBe(b.full(g, [2, 3], 0, 'f64'));
});
