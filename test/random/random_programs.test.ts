// Random whole programs of Flow on all targets against an oracle that never saw the compiler, and random models. `RUNS=2000 FC_SEED=7 npx vitest run test/random` runs more, and others; a failure
// comes with the text of the smallest program found.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Decisions } from '../ir/random_program.ts';
import type { Effort, Outcome } from './harness.ts';
import { check, checkModel, differences } from './harness.ts';
import { randomModel } from './models.ts';
import { randomProgram } from './program.ts';

const runs = (few: number): number => Number(process.env['RUNS'] ?? few);
const decisions = (most: number): fc.Arbitrary<number[]> =>
  fc.array(fc.nat(1000), { minLength: 5, maxLength: most });
const effort: fc.Arbitrary<Effort> = fc.record({
  schedule: fc.nat(63),
  threads: fc.integer({ min: 0, max: 9 }).map((k) => k === 9),
  gpu: fc.constant(false),
});

/** Every program that is generated is one of the language. */
function expectRight(text: string, outcome: Outcome): void {
  const wrong = outcome.kind === 'refused' ? [`it is refused: ${outcome.message}`] : outcome.wrong;
  expect(wrong, text).toEqual([]);
}

describe('random programs', () => {
  test('mean the same to the oracle, the interpreter and the CPU, with their derivatives', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(decisions(120), effort, async (numbers, how) => {
        const program = randomProgram(new Decisions(numbers));
        const outcome = await check(program, how);
        expectRight(program.text, outcome);
        if (outcome.kind === 'done' && outcome.smooth) compared++;
      }),
      { numRuns: runs(12) },
    );
    expect(compared).toBeGreaterThan(runs(12) / 2);
  });

  test('models agree on the targets, and bit by bit with any threads, tiles and kept states', async () => {
    await fc.assert(
      fc.asyncProperty(decisions(30), effort, async (numbers, how) => {
        const model = randomModel(new Decisions(numbers));
        expectRight(model.text, await checkModel(model, how));
      }),
      { numRuns: runs(2) },
    );
  });

  test('what differs is seen', () => {
    const saved = (...data: readonly number[]) =>
      new Map([
        ['a', { name: 'a', dtype: 'f64' as const, shape: [data.length], data: Float64Array.from(data) }],
      ]);
    expect(differences(saved(1, 2), saved(1, 2), () => 0)).toEqual([]);
    expect(differences(saved(1, 2.001), saved(1, 2), () => 1e-4)).toHaveLength(1);
    expect(differences(saved(1, NaN), saved(1, 2), () => 1)).toHaveLength(1);
    expect(differences(saved(0), saved(-0), () => 0)).toHaveLength(1);
    expect(differences(saved(1), saved(1, 2), () => 1)).toHaveLength(1);
    expect(differences('it ended', saved(1), () => 1)).toEqual(['it ended']);
  });
});
