// Sums along a row whose start moves with the axes around: the lanes of the sum are not those of the axis.

import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import { axis, buffer, kernelPlan, mapKernel, onCpu, onReference } from './support.ts';

describe('a sum inside a map', () => {
  for (const [rows, columns] of [
    [32, 32],
    [5, 40],
    [1, 17],
  ] as const)
    for (const type of ['f32', 'f64'] as const)
      it(`reads its own row: ${rows} x ${columns} ${type}`, async () => {
        const column = k.variable('i32', 'k0');
        const kernel = mapKernel(
          [rows],
          [buffer('m', type, rows * columns), buffer('w', type, columns), buffer('o', type, rows, 'write')],
          [
            {
              kind: 'reduce',
              name: 's',
              type,
              combine: 'sum',
              loops: [{ name: 'k0', extent: columns }],
              body: [],
              value: k.mul(
                k.load(type, 0, k.add(k.mul(axis(0), k.int(columns)), column)),
                k.load(type, 1, column),
              ),
            },
            k.store(2, axis(0), k.variable(type, 's')),
          ],
        );
        const inputs = {
          m: Float64Array.from({ length: rows * columns }, (_, i) => (i * 7) % 13),
          w: Float64Array.from({ length: columns }, (_, i) => (i % 5) - 2),
        };
        const plan = kernelPlan(kernel);
        // Small whole numbers: every order of summation is exact.
        expect((await onCpu(plan, inputs)).o).toEqual((await onReference(plan, inputs, type)).o);
      });
});
