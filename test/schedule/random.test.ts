// Random programs of the array IR: the plan gives what the interpreter gives, to the bit (their values are exact in float64, so the order of sums does not matter).

import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { Graph } from '../../compiler/ir/graph.ts';
import { get } from '../../compiler/support/lists.ts';
import { INPUT_TYPES, randomFunction, randomInputs } from '../ir/random_program.ts';
import { expectSame } from './support.ts';

describe('schedule of random programs', () => {
  for (const [maxBuffers, threads] of [
    [8, true],
    [16, true],
    [8, false],
  ] as const)
    it(`gives what the interpreter gives: ${maxBuffers} buffers a kernel, loops ${threads ? 'inside kernels' : 'of kernels'}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(1000), { minLength: 5, maxLength: 60 }), async (numbers) => {
          const g = new Graph();
          const fn = randomFunction(g, numbers);
          const inputs = randomInputs(numbers[0] ?? 1);
          await expectSame(
            g,
            fn,
            INPUT_TYPES.map((_, i) => get(new Map(Object.entries(inputs)), `in${i}`)),
            {
              maxBuffers,
              threads,
            },
          );
        }),
        { numRuns: 4000 },
      );
    });
});
