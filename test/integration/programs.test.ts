// Small programs of every feature on every target: CPU, GPU and interpreter agree to rounding, in f32 and f64. The GPU compiles those whose shaders take a
// software driver a second; all of them in gpu_examples.long.ts.

import { describe, expect, test } from 'vitest';
import { compiledFeature, disagreements, featurePrograms, resultsOf, toleranceInF64 } from './programs.ts';
import type { Compiled } from './support.ts';
import { noGpu } from './support.ts';

const gpuIsMissing = (await noGpu()) !== undefined;
const quickOnGpu: readonly string[] = [
  'arrays',
  'branches',
  'draws',
  'ensemble',
  'exact_integers',
  'large',
  'loops',
  'scatters',
  'single_cells',
  'small_matrices',
  'sorting',
];

/** What WebGPU promises of `maxStorageBuffersPerShaderStage`. */
const buffersOfEveryGpu = 8;

describe.each(featurePrograms)('$name', (feature) => {
  let known: Compiled | undefined;
  const program = (): Compiled => (known ??= compiledFeature(feature));

  test('CPU and interpreter agree', async () => {
    const expected = await resultsOf(program(), 'interpreter');
    const one = await resultsOf(program(), 'cpu');
    expect(one.size).toBeGreaterThan(0);
    expect(disagreements(one, expected, feature.tolerance)).toEqual([]);
  });

  test('no kernel needs more arrays than every GPU offers', () => {
    const { kernels } = program().plan;
    const many = kernels.filter((kernel) => kernel.buffers.length > buffersOfEveryGpu);
    expect(many.map((kernel) => `${kernel.name}: ${kernel.buffers.length}`)).toEqual([]);
  });

  test('in f64 too', async () => {
    const wide = compiledFeature(feature, 'f64');
    const expected = await resultsOf(wide, 'interpreter');
    expect(disagreements(await resultsOf(wide, 'cpu'), expected, toleranceInF64)).toEqual([]);
  });

  test.skipIf(gpuIsMissing || !quickOnGpu.includes(feature.name))('GPU and interpreter agree', async () => {
    const expected = await resultsOf(program(), 'interpreter');
    expect(disagreements(await resultsOf(program(), 'gpu'), expected, feature.tolerance)).toEqual([]);
  });
});

describe('sums at places found at run time have the same bits', () => {
  test.each(['scatters', 'material_points'])('%s, with any number of threads and again', async (name) => {
    const feature = featurePrograms.find((f) => f.name === name);
    if (feature === undefined) throw new Error(`there is no program ${name}`);
    const program = compiledFeature(feature);
    const one = await resultsOf(program, 'cpu');
    for (const target of ['cpu2', 'cpu3', 'cpu'] as const)
      expect(disagreements(await resultsOf(program, target), one, 0)).toEqual([]);
  });
});
