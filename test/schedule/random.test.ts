// Random programs of the array IR: the plan gives what the interpreter gives, to the bit (their values are exact in float64, so the order of sums does not matter).

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../compiler/ir/graph.ts';
import { get } from '../../compiler/support/lists.ts';
import { INPUT_TYPES, randomFunction, randomInputs } from '../ir/random_program.ts';
import type { ScheduleOptions } from '../../compiler/schedule/schedule.ts';
import { expectSame } from './support.ts';

describe('schedule of random programs', () => {
  const variants: Readonly<Record<string, ScheduleOptions>> = {
    'loops inside kernels': {},
    'loops inside kernels, no serial values, 16 buffers': { serial: 0, maxBuffers: 16 },
    'loops of kernels': { threads: false },
    'loops of kernels, no serial values': { threads: false, serial: 0 },
    'six buffers a kernel': { maxBuffers: 6, serial: 4 },
    'bindings of a few elements': { threads: false, maxBinding: 100 },
    'nothing recomputed that costs': { storeCost: 0, serial: 4 },
  };
  for (const [name, options] of Object.entries(variants))
    it(`gives what the interpreter gives: ${name}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(1000), { minLength: 5, maxLength: 60 }), async (numbers) => {
          const g = new Graph();
          const fn = randomFunction(g, numbers);
          const inputs = randomInputs(numbers[0] ?? 1);
          const given = INPUT_TYPES.map((_, i) => get(new Map(Object.entries(inputs)), `in${i}`));
          const made = await expectSame(g, fn, given, options);
          const most = Math.max(0, ...made.kernels.map((k) => k.buffers.length));
          expect(most).toBeLessThanOrEqual(options.maxBuffers ?? 8);
        }),
        { numRuns: Number(process.env['RUNS'] ?? 150) },
      );
    });
});
