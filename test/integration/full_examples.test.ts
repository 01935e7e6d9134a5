// The examples at full size on the CPU target, with their assertions, files and pictures; hare and lynx in float64 too. On the GPU and at full length: gpu_examples.long.ts.

import { describe, expect, test } from 'vitest';
import { checkFullRun, fullRuns } from './full_runs.ts';
import { compiledExample, runOn } from './support.ts';

/** Of parameters found in f32, as the examples assert. */
const singleAccuracy = 5e-3;

describe.each(fullRuns)('$name, $run', (full) => {
  test('runs on the CPU', async () => {
    const program = compiledExample(full.name, full.shorter ?? {}, full.run);
    checkFullRun(full, await runOn(program, 'cpu', full.run), singleAccuracy);
  });
});

describe('hare_lynx in float64', () => {
  const [full] = fullRuns;
  test.each([
    ['interpreter', undefined],
    ['cpu', 'f64'],
  ] as const)('on the %s: the optimum to 1e-5', async (target, precision) => {
    expect(full?.name).toBe('hare_lynx');
    if (full === undefined) return;
    const program = compiledExample(full.name, { precision, replace: [['steps 30', 'steps 20']] }, full.run);
    checkFullRun(full, await runOn(program, target, full.run), 1e-5);
  });
});
