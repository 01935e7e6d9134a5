// Every example on every target: value, gradient, forward derivative and solution agree to rounding; the same bits whatever the number of threads, and again on a second run.
//
//   compared                              largest relative difference
//   CPU, GPU (f32) and interpreter        steps * 2^-24: rounding adds up linearly at most
//   CPU and interpreter in f64            steps * 2^-53
//   1, 2 and 3 threads, a second run       none
//
// The interpreter computes an f32 program in float64, from constants rounded to f32. The GPU runs the quick ones here and all of them in gpu_examples.long.ts.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ExampleForm } from './forms.ts';
import { forms, roundingOf } from './forms.ts';
import { fullRuns } from './full_runs.ts';
import type { Arrays, Compiled, TargetName } from './support.ts';
import { arrayNamed, compiledExample, noGpu, onTarget, relativeDifference, run, runOn } from './support.ts';
import { root, sameBits, savedArrays } from './support.ts';

const gpuIsMissing = (await noGpu()) !== undefined;
/** Their shaders compile within seconds on a software driver. */
const quickOnGpu: readonly string[] = ['hare_lynx', 'heat_sensitivity'];

async function probe(program: Compiled, target: TargetName): Promise<Arrays> {
  return savedArrays(await runOn(program, target, 'probe'), 'probe.npz');
}

function compiledProbe(form: ExampleForm, precision?: 'f64'): Compiled {
  return compiledExample(form.name, { ...form, append: form.probe, precision }, 'probe');
}

function expectAgreement(actual: Arrays, expected: Arrays, tolerance: number): void {
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  const wrong = [...expected].flatMap(([name, array]) => {
    const difference = relativeDifference(arrayNamed(actual, name), array);
    return difference <= tolerance ? [] : [`${name}: ${difference.toExponential(2)}`];
  });
  expect(wrong, `differences above ${tolerance.toExponential(2)}`).toEqual([]);
}

test('every example has a form for the interpreter and is run at full size', () => {
  const examples = readdirSync(join(root, 'examples'))
    .filter((file) => file.endsWith('.flow'))
    .map((file) => file.replace('.flow', ''));
  expect(forms.map((form) => form.name).sort()).toEqual(examples.sort());
  expect([...new Set(fullRuns.map((full) => full.name))].sort()).toEqual(examples);
});

describe.each(forms)('$name', (form) => {
  test('CPU and interpreter agree; threads and reruns change no bit', async () => {
    const program = compiledProbe(form);
    const expected = await probe(program, 'interpreter');
    for (const [name, { data }] of expected) expect(data.every(Number.isFinite), name).toBe(true);
    const one = await probe(program, 'cpu');
    expectAgreement(one, expected, roundingOf(form, 'f32'));
    const [two, again] = await onTarget(program, 'cpu2', async (executor) => [
      savedArrays(await run(program, executor, 'probe'), 'probe.npz'),
      savedArrays(await run(program, executor, 'probe'), 'probe.npz'),
    ]);
    expect(sameBits(one, two ?? new Map())).toBe(true);
    expect(sameBits(one, again ?? new Map())).toBe(true);
    expect(sameBits(one, await probe(program, 'cpu3'))).toBe(true);
  });

  test('CPU and interpreter agree in f64', async () => {
    const program = compiledProbe(form, 'f64');
    const [cpu, expected] = [await probe(program, 'cpu'), await probe(program, 'interpreter')];
    expectAgreement(cpu, expected, roundingOf(form, 'f64'));
  });

  test.skipIf(gpuIsMissing || !quickOnGpu.includes(form.name))('GPU and interpreter agree', async () => {
    const program = compiledProbe(form);
    const [one, again] = await onTarget(program, 'gpu', async (executor) => [
      savedArrays(await run(program, executor, 'probe'), 'probe.npz'),
      savedArrays(await run(program, executor, 'probe'), 'probe.npz'),
    ]);
    expectAgreement(one ?? new Map(), await probe(program, 'interpreter'), roundingOf(form, 'f32'));
    expect(sameBits(one ?? new Map(), again ?? new Map())).toBe(true);
  });
});
