// The laws that solutions of stochastic equations must have (test/programs/statistics/laws.flow), on any target, in f64 or in single precision.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Executor } from '../../compiler/plan/types.ts';
import { renderError } from '../../compiler/support/render.ts';
import { createMemoryHost, runTests } from '../../runtime/run/index.ts';
import type { Compiled } from './support.ts';
import { compiled, root } from './support.ts';

const path = join(root, 'test/programs/statistics/laws.flow');

export function lawsIn(precision: 'f32' | 'f64', target: Executor['target']): Compiled {
  const text = readFileSync(path, 'utf8').replace(
    'precision f64\n',
    precision === 'f64' ? 'precision f64\n' : '\n',
  );
  return compiled({ path, text }, {}, { only: { run: '', tests: true }, target });
}

export async function expectLaws(
  { plan }: Compiled,
  executor: Executor,
  seeds: readonly number[],
): Promise<void> {
  for (const seed of seeds) {
    const { results } = await runTests(plan, executor, { host: createMemoryHost(), seed });
    expect(results.length).toBeGreaterThan(5);
    for (const { name, error } of results)
      expect(error === undefined ? '' : renderError(error), `${name}, seed ${seed}`).toBe('');
  }
}
