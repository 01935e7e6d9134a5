// Special functions against values of 60 digits: in float64 in the interpreter and on the CPU, in float32 on the CPU.

import { describe, expect, test } from 'vitest';
import { specialValues } from './special_values.ts';
import type { TargetName } from './support.ts';
import { arrayNamed, compiled, runOn, savedArrays } from './support.ts';

const names = [...new Set(specialValues.map(({ call }) => call.replace(/\(.*/, '')))];

function program(precision: 'f32' | 'f64'): string {
  const data = specialValues.map(
    ({ values }, i) => `data x${i} = [${values.map(([x]) => x).join(', ')}] + 0.0`,
  );
  const saved = specialValues.map(({ call }, i) => `y${i}: ${call.replace(/\bx\)/, `x${i})`)}`);
  return `precision ${precision}\nuse std.special { ${names.join(', ')} }\n${data.join('\n')}\nrun { save "out.npz" { ${saved.join(', ')} } }\n`;
}

/** Every value that is further off than promised. */
async function broken(precision: 'f32' | 'f64', target: TargetName): Promise<readonly string[]> {
  const made = compiled({ path: 'special.flow', text: program(precision) });
  const found = savedArrays(await runOn(made, target, 'run'), 'out.npz');
  const unit = precision === 'f64' ? 2 ** -52 : 2 ** -23;
  return specialValues.flatMap(({ call, floor, ulp, ulp32, values }, i) => {
    const { data } = arrayNamed(found, `y${i}`);
    const allowed = precision === 'f64' ? ulp : ulp32;
    return values.flatMap(([x, expected], k) => {
      const scale = Math.max(Math.abs(expected), floor, precision === 'f64' ? 0 : 2 ** -126);
      const error = Math.abs((data[k] ?? NaN) - expected) / (unit * scale);
      return error <= allowed ? [] : [`${call} at ${x}: ${error.toPrecision(3)} ulp`];
    });
  });
}

describe('special functions', () => {
  test('in float64, interpreted', async () => {
    expect(await broken('f64', 'interpreter')).toEqual([]);
  });
  test('in float64 on the CPU', async () => {
    expect(await broken('f64', 'cpu')).toEqual([]);
  });
  test('in float32 on the CPU', async () => {
    expect(await broken('f32', 'cpu')).toEqual([]);
  });
});
