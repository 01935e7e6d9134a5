// The GPU beside the interpreter and the CPU, on every example: in small forms, under every policy, at full size. Minutes on a software driver: `npm run test:gpu`.

import { describe, expect, test } from 'vitest';
import type { ExampleForm } from './forms.ts';
import { forms, roundingOf } from './forms.ts';
import { checkFullRun, fullRuns } from './full_runs.ts';
import { expectLaws, lawsIn } from './laws.ts';
import { compiledFeature, disagreements, featurePrograms, resultsOf } from './programs.ts';
import type { Arrays, Compiled, TargetName, Variation } from './support.ts';
import { arrayNamed, compiled, compiledExample, noGpu, onTarget, relativeDifference } from './support.ts';
import { exampleSource, run, runOn, sameBits, savedArrays } from './support.ts';
import { createMemoryHost, runTests } from '../../runtime/run/index.ts';
import { renderError } from '../../compiler/support/render.ts';

const gpuIsMissing = (await noGpu()) !== undefined;

async function probe(program: Compiled, target: TargetName): Promise<Arrays> {
  return savedArrays(await runOn(program, target, 'probe'), 'probe.npz');
}

function compiledProbe(form: ExampleForm, more: Variation = {}): Compiled {
  return compiledExample(form.name, { ...form, ...more, append: form.probe }, 'probe');
}

describe.skipIf(gpuIsMissing).each(forms)('$name on the GPU', (form) => {
  test('agrees with the interpreter, with the same bits on a second run', async () => {
    const program = compiledProbe(form);
    const expected = await probe(program, 'interpreter');
    await onTarget(program, 'gpu', async (executor) => {
      const one = savedArrays(await run(program, executor, 'probe'), 'probe.npz');
      const two = savedArrays(await run(program, executor, 'probe'), 'probe.npz');
      expect(sameBits(one, two)).toBe(true);
      for (const [name, array] of expected)
        expect(relativeDifference(arrayNamed(one, name), array), name).toBeLessThan(roundingOf(form, 'f32'));
    });
  });

  test('gives the same bits under every policy', async () => {
    const [method, present] = form.adjointAfter;
    const policies = ['store', 'recompute', ...form.budgets.map((b) => `checkpoint(memory: "${b}")`)];
    const results: Arrays[] = [];
    for (const policy of policies) {
      const replace = [
        ...(form.replace ?? []),
        [`${method}${present}`, `${method}, adjoint: ${policy}`] as const,
      ];
      results.push(await probe(compiledProbe(form, { replace }), 'gpu'));
    }
    const [first = new Map()] = results;
    expect(policies.filter((_, i) => !sameBits(results[i] ?? new Map(), first))).toEqual([]);
  });

  test('checks its gradient', async () => {
    const append = `run check { check gradient ${form.check} }`;
    const program = compiledExample(form.name, { ...form, append }, 'check');
    const { report } = await runOn(program, 'gpu', 'check');
    expect(report.checks.map((check) => check.verdict)).toEqual(['pass']);
    expect(Math.abs((report.checks[0]?.slope ?? NaN) - 2)).toBeLessThan(0.1);
  });

  test('passes its tests', async () => {
    const program = compiled(exampleSource(form.name, {}), form, { only: { run: '', tests: true } });
    await onTarget(program, 'gpu', async (executor) => {
      const { results } = await runTests(program.plan, executor, { host: createMemoryHost() });
      expect(results.length).toBeGreaterThan(0);
      expect(results.flatMap(({ error }) => (error === undefined ? [] : [renderError(error)]))).toEqual([]);
    });
  });
});

describe.skipIf(gpuIsMissing).each(featurePrograms.filter((feature) => !feature.cpuOnly))(
  '$name on the GPU',
  (feature) => {
    test('agrees with the interpreter', async () => {
      const program = compiledFeature(feature);
      const expected = await resultsOf(program, 'interpreter');
      expect(disagreements(await resultsOf(program, 'gpu'), expected, feature.tolerance)).toEqual([]);
    });
  },
);

test.skipIf(gpuIsMissing)('solutions of stochastic equations have their laws on the GPU', async () => {
  const made = lawsIn('f32', 'gpu');
  await onTarget(made, 'gpu', (executor) => expectLaws(made, executor, [0, 1, 2, 3]));
});

describe.skipIf(gpuIsMissing).each(fullRuns)('$name at full size: $run', (full) => {
  test('on the GPU', async () => {
    const program = compiledExample(full.name, {}, full.run);
    checkFullRun(full, await runOn(program, 'gpu', full.run), 5e-3);
  });
});

describe.each(fullRuns)('$name at full length: $run', (full) => {
  test('on the CPU, two threads', async () => {
    const program = compiledExample(full.name, {}, full.run);
    checkFullRun(full, await runOn(program, 'cpu2', full.run), 5e-3);
  });
});
