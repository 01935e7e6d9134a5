// The first place of the largest of a long list is searched in parts: the same place, the first of equals, for any length, and no thread goes through all of it.

import { describe, expect, it } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import { everyStatement } from '../../compiler/kernel/walk.ts';
import { range } from '../../compiler/support/lists.ts';
import { expectSame, functionOf } from './support.ts';

const list = (dtype: 'i32' | 'bool', data: readonly number[]): NdArray => ({
  dtype,
  shape: [data.length],
  data: dtype === 'bool' ? Uint8Array.from(data) : Int32Array.from(data),
});

describe.each(['max', 'min'] as const)('the first %s', (kind) => {
  for (const n of [513, 600, 1024, 5000])
    it(`of ${n} numbers`, async () => {
      const g = new Graph();
      const x = g.param('x', { dtype: 'i32', shape: [n] });
      const place = g.node('arg_reduce', [x], { kind, axis: 0 });
      const lists = [
        range(n).map((i) => (i * 7919) % 101),
        range(n).map(() => 3),
        range(n).map((i) => (i === n - 1 ? (kind === 'max' ? 1 : -1) : 0)),
        range(n).map((i) => (i >= n - 2 ? (kind === 'max' ? 1 : -1) : 0)),
      ];
      for (const data of lists) {
        const made = await expectSame(g, functionOf([x], [b.add(g, place, 0)]), [list('i32', data)]);
        for (const kernel of made.kernels)
          if (kernel.kind === 'map')
            everyStatement(kernel.body, (s) => {
              if (s.kind !== 'for' || s.to.kind !== 'const') return;
              expect(s.to.value).toBeLessThan(n / 4);
            });
      }
    });
  it('of a list of truths', async () => {
    const g = new Graph();
    const x = g.param('x', { dtype: 'bool', shape: [700] });
    const place = g.node('arg_reduce', [x], { kind, axis: 0 });
    for (const at of [0, 1, 350, 699])
      await expectSame(g, functionOf([x], [place]), [
        list(
          'bool',
          range(700).map((i) => ((i === at) === (kind === 'max') ? 1 : 0)),
        ),
      ]);
  });
});
