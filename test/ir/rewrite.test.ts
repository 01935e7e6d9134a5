import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Graph } from '../../compiler/ir/graph.ts';
import { interpretFunction } from '../../compiler/ir/interpret.ts';
import type { NdArray } from '../../compiler/ir/interpret.ts';
import { randomFunction, randomInputs } from './random_program.ts';

export const plain = (values: Record<string, NdArray>): unknown =>
  Object.fromEntries(
    Object.entries(values).map(([name, { dtype, shape, data }]) => [
      name,
      { dtype, shape: [...shape], data: Array.from(data, (x) => x + 0) },
    ]),
  );

test('random programs have the same values with and without rewrites', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(999), { minLength: 20, maxLength: 160 }), fc.nat(), (numbers, seed) => {
      const inputs = randomInputs(seed);
      const rewritten = randomFunction(new Graph(), numbers);
      const asWritten = randomFunction(new Graph({ rewrite: false }), numbers);
      expect(plain(interpretFunction(rewritten, inputs))).toEqual(
        plain(interpretFunction(asWritten, inputs)),
      );
    }),
    { numRuns: 800 },
  );
});
