// The gradient of every example's loss is exact. The Taylor remainder |L(h) - L(0) - h g| falls with slope 2 in a sweep over six decades of h, and reverse and forward mode give the same
// derivative along a direction, relative to the sum of the sizes of its terms:
//
//                       slope               reverse against forward
//   interpreter, CPU f64  2 ± 0.1             1e-12
//   CPU f32, GPU          as far as f32 sees  1e-5

import { describe, expect, test } from 'vitest';
import type { CheckGradientStatement } from '../../compiler/plan/script.ts';
import type { Executor } from '../../compiler/plan/types.ts';
import type { ExampleForm } from './forms.ts';
import { forms } from './forms.ts';
import type { Arrays, Compiled, TargetName } from './support.ts';
import { arrayNamed, compiledExample, noGpu, numberNamed, onTarget, run, savedArrays } from './support.ts';

const gpuIsMissing = (await noGpu()) !== undefined;
const quickOnGpu: readonly string[] = ['hare_lynx', 'heat_sensitivity'];

function compiledCheck(form: ExampleForm, precision?: 'f64'): Compiled {
  const append = `${form.probe}\nrun check { check gradient ${form.check} }`;
  return compiledExample(form.name, { ...form, append, precision }, 'check');
}

function checkOf({ plan }: Compiled): CheckGradientStatement {
  const found = (plan.script.runs['check'] ?? []).find((s) => s.kind === 'check_gradient');
  if (found === undefined) throw new Error('the run has no check');
  return found;
}

/** Slope of log(remainder) over log(h) by least squares, for h over six decades below a step that moves the parameters by their own size. */
async function slopeOverSixDecades(s: CheckGradientStatement, executor: Executor): Promise<number> {
  const number = async (variable: string): Promise<number> => (await executor.read(variable))[0] ?? NaN;
  const lossAt = async (h: number): Promise<number> => {
    await executor.write(s.h, Float64Array.of(h));
    await executor.run(s.value);
    return number(s.loss);
  };
  const loss = await lossAt(0);
  await executor.run(s.slope);
  const slope = await number(s.reverse);
  const scale = Math.min(1, await number(s.scale));
  const points: { x: number; y: number }[] = [];
  for (let exponent = -6.5; exponent <= -0.5; exponent += 0.5) {
    const h = scale * 10 ** exponent;
    points.push({ x: Math.log(h), y: Math.log(Math.abs((await lossAt(h)) - loss - h * slope)) });
  }
  const mean = (of: (p: { x: number; y: number }) => number): number =>
    points.reduce((sum, p) => sum + of(p), 0) / points.length;
  const [x, y] = [mean((p) => p.x), mean((p) => p.y)];
  return mean((p) => (p.x - x) * (p.y - y)) / mean((p) => (p.x - x) ** 2);
}

/** How far the sum of gradient * direction lies from the derivative along the direction, in units of the sum of the sizes of its terms. */
function disagreement(arrays: Arrays): number {
  let sum = 0;
  let sizes = 0;
  for (const [name, { data }] of arrays) {
    if (!name.startsWith('gradient')) continue;
    const direction = arrayNamed(arrays, name.replace('gradient', 'direction')).data;
    for (const [i, g] of data.entries()) {
      const term = g * (direction[i] ?? NaN);
      sum += term;
      sizes += Math.abs(term);
    }
  }
  expect(sizes).toBeGreaterThan(0);
  return Math.abs(sum - numberNamed(arrays, 'forward')) / sizes;
}

async function checked(program: Compiled, probe: Compiled, target: TargetName, bound: number): Promise<void> {
  await onTarget(program, target, async (executor) => {
    const { report } = await run(program, executor, 'check');
    const [check] = report.checks;
    expect(check?.verdict).toBe('pass');
    expect(Math.abs((check?.slope ?? NaN) - 2)).toBeLessThan(0.1);
    if (bound < 1e-6) {
      expect(check?.disagreement).toBeLessThan(1e-12);
      expect(Math.abs((await slopeOverSixDecades(checkOf(program), executor)) - 2)).toBeLessThan(0.1);
    }
  });
  const arrays = await onTarget(probe, target, async (executor) =>
    savedArrays(await run(probe, executor, 'probe'), 'probe.npz'),
  );
  expect(disagreement(arrays)).toBeLessThan(bound);
}

function compiledProbe(form: ExampleForm, precision?: 'f64'): Compiled {
  return compiledExample(form.name, { ...form, append: form.probe, precision }, 'probe');
}

describe.each(forms)('$name', (form) => {
  test('in the interpreter', async () => {
    await checked(compiledCheck(form), compiledProbe(form), 'interpreter', 1e-12);
  });

  test('on the CPU', async () => {
    await checked(compiledCheck(form, 'f64'), compiledProbe(form, 'f64'), 'cpu', 1e-12);
    await checked(compiledCheck(form), compiledProbe(form), 'cpu', 1e-5);
  });

  test.skipIf(gpuIsMissing || !quickOnGpu.includes(form.name))('on the GPU', async () => {
    await checked(compiledCheck(form), compiledProbe(form), 'gpu', 1e-5);
  });
});
