// Small programs of every feature (programs/*.flow). Each ends in a run that saves out.npz. A comment before the program may say `# f32 to 5e-3: …`, how far f32 may lie from float64 where
// rounding is not all, or `# cpu only: …`.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Arrays, Compiled, TargetName } from './support.ts';
import { arrayNamed, compiled, relativeDifference, root, runOn, savedArrays, varied } from './support.ts';

const folder = join(root, 'test/integration/programs');

export interface FeatureProgram {
  readonly name: string;
  readonly text: string;
  /** Largest relative difference of f32 from the interpreter. */
  readonly tolerance: number;
  readonly cpuOnly: boolean;
}

/** A hundred roundings of f32: derivatives by single numbers are sums whose terms cancel. */
const usualTolerance = 1e-5;
/** A thousand of f64. */
export const toleranceInF64 = 1e-13;

export const featurePrograms: readonly FeatureProgram[] = readdirSync(folder)
  .filter((file) => file.endsWith('.flow'))
  .sort()
  .map((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const own = /^# f32 to (\S+):/m.exec(text)?.[1];
    return {
      name: file.replace('.flow', ''),
      text,
      tolerance: own === undefined ? usualTolerance : Number(own),
      cpuOnly: /^# cpu only:/m.test(text),
    };
  });

export function compiledFeature({ name, text }: FeatureProgram, precision?: 'f64'): Compiled {
  return compiled(varied({ path: join(folder, `${name}.flow`), text }, { precision }));
}

export async function resultsOf(program: Compiled, target: TargetName): Promise<Arrays> {
  return savedArrays(await runOn(program, target, 'run'), 'out.npz');
}

/** What differs by more than the tolerance, or is not finite. */
export function disagreements(actual: Arrays, expected: Arrays, tolerance: number): readonly string[] {
  const missing = [...expected.keys()].filter((name) => !actual.has(name));
  const wrong = [...actual].flatMap(([name, array]) => {
    if (!array.data.every(Number.isFinite)) return [`${name} is not finite`];
    const difference = relativeDifference(array, arrayNamed(expected, name));
    return difference <= tolerance ? [] : [`${name} differs by ${difference.toExponential(2)}`];
  });
  return [...missing.map((name) => `${name} is missing`), ...wrong];
}
