// The gradient is the same, bit for bit, whichever states of the solve are kept for it: all, none but the start, or as many as a budget of memory holds. In f32 and f64 on the CPU, in the
// interpreter, and on the GPU where there is one. And no kernel adds up by atomics, on any target.

import { describe, expect, test } from 'vitest';
import { emitWgsl } from '../../compiler/target/wgsl/emit.ts';
import type { ExampleForm } from './forms.ts';
import { forms } from './forms.ts';
import type { Arrays, Compiled, TargetName, Variation } from './support.ts';
import { compiledExample, noGpu, runOn, sameBits, savedArrays } from './support.ts';

const gpuIsMissing = (await noGpu()) !== undefined;
const quickOnGpu: readonly string[] = ['heat_sensitivity'];

function policies(form: ExampleForm): readonly string[] {
  return ['store', 'recompute', ...form.budgets.map((bytes) => `checkpoint(memory: "${bytes}")`)];
}

function withPolicy(form: ExampleForm, policy: string): Variation {
  const [method, present] = form.adjointAfter;
  const replace = [
    ...(form.replace ?? []),
    [`${method}${present}`, `${method}, adjoint: ${policy}`] as const,
  ];
  return { ...form, replace, append: form.probe };
}

function compiledWith(form: ExampleForm, policy: string, precision?: 'f64'): Compiled {
  return compiledExample(form.name, { ...withPolicy(form, policy), precision }, 'probe');
}

async function probe(program: Compiled, target: TargetName): Promise<Arrays> {
  return savedArrays(await runOn(program, target, 'probe'), 'probe.npz');
}

async function differing(
  form: ExampleForm,
  targets: readonly TargetName[],
  precision?: 'f64',
): Promise<readonly string[]> {
  const stored = new Map<TargetName, Arrays>();
  const wrong: string[] = [];
  for (const policy of policies(form)) {
    const program = compiledWith(form, policy, precision);
    for (const target of targets) {
      const result = await probe(program, target);
      const first = stored.get(target);
      if (first === undefined) stored.set(target, result);
      else if (!sameBits(result, first)) wrong.push(`${policy} on ${target}`);
    }
  }
  return wrong;
}

describe.each(forms)('$name', (form) => {
  test('the same bits under every policy', async () => {
    expect(await differing(form, ['cpu', 'interpreter'])).toEqual([]);
  });

  test('in f64 too', async () => {
    expect(await differing(form, ['cpu'], 'f64')).toEqual([]);
  });

  test.skipIf(gpuIsMissing || !quickOnGpu.includes(form.name))('on the GPU too', async () => {
    expect(await differing(form, ['gpu'])).toEqual([]);
  });

  test.skipIf(form.keeps === 'registers')('a smaller budget needs less memory', () => {
    const bytes = [...form.budgets, 'all'].map((budget) => {
      const policy = budget === 'all' ? 'store' : `checkpoint(memory: "${budget}")`;
      const [loss = '', over = ''] = form.check.split(' over ');
      const parameters = over.split(', ').map((name) => `${name}: ${name}`);
      const append = `run memory { save "g.npz" { g: gradient(${loss}, over: { ${parameters.join(', ')} }) } }`;
      const { plan } = compiledExample(form.name, { ...withPolicy(form, policy), append }, 'memory');
      return plan.buffers.reduce((sum, b) => (b.role === 'slot' ? sum + b.bytes : sum), 0);
    });
    expect([...bytes].sort((a, b) => a - b)).toEqual(bytes);
    expect(new Set(bytes).size > 1).toBe(form.keeps === 'states');
  });

  test('no atomics', () => {
    const { plan } = compiledExample(form.name, { ...form, append: form.probe }, 'probe');
    expect(plan.kernels.length).toBeGreaterThan(0);
    for (const kernel of plan.kernels) expect(emitWgsl(kernel)).not.toMatch(/atomic/);
  });
});
