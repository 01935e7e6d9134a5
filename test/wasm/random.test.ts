import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printStatements } from '../../compiler/kernel/print.ts';
import { kernelPlan, onCpu, onReference } from './support.ts';
import { randomKernel } from './random_kernel.ts';

const spaces: readonly (readonly number[])[] = [
  [],
  [1],
  [3],
  [7],
  [16],
  [29],
  [3, 5],
  [4, 9],
  [2, 3, 6],
  [5, 1],
];

describe.each(['f32', 'f64'] as const)('random kernels, %s', (float) => {
  it('give the bits of the evaluator', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.constantFrom(...spaces), async (seed, space) => {
        const { kernel, inputs, uniforms } = randomKernel(seed, { float, space });
        const plan = kernelPlan(kernel, uniforms);
        try {
          const [cpu, reference] = [await onCpu(plan, inputs), await onReference(plan, inputs)];
          // The evaluator rounds -0.3 to +0; the sign of zero is not compared.
          const plain = (data: Float64Array | undefined) => [...(data ?? [])].map((x) => x + 0);
          for (const name of ['p', 'q']) expect(plain(cpu[name]), name).toEqual(plain(reference[name]));
        } catch (error) {
          const lines: string[] = [];
          printStatements(kernel.body, kernel, '', lines);
          throw new Error(`space [${space.join(', ')}]\n${lines.join('\n')}\n${String(error)}`);
        }
      }),
      { numRuns: Number(process.env.RUNS ?? 60), seed: Number(process.env.SEED ?? 1) },
    );
  }, 60000);
});
