// Derivatives of derivatives through whole solves: products with the Hessian of an example's loss. The Hessian is symmetric, w H v = v H w; forward over reverse (hvp) gives what forward over
// forward gives; CPU and interpreter agree.

import { describe, expect, test } from 'vitest';
import type { ExampleForm } from './forms.ts';
import { forms, roundingOf } from './forms.ts';
import type { Arrays, TargetName } from './support.ts';
import {
  arrayNamed,
  compiledExample,
  numberNamed,
  relativeDifference,
  runOn,
  savedArrays,
} from './support.ts';

/** By example: the parameters as one value, how the loss is computed from them, and a second direction. */
const points: Readonly<Record<string, readonly [string, string]>> = {
  hare_lynx: [
    '{ alpha, beta, gamma, delta, u0, v0 }',
    '{ alpha: -0.1, beta: 0.01, gamma: 0.2, delta: 0.02, u0: 3.0, v0: 1.0 }',
  ],
  heat_inversion: ['values(k)', 'cos(3*values(plate.x) + values(plate.y))'],
  wave_inversion: ['values(start)', 'cos(3*values(drum.x) + values(drum.y))'],
  burgers_control: ['{ u0: values(u0), nu: nu }', '{ u0: cos(3*values(line.x)), nu: -0.02 }'],
  heat_sensitivity: [
    '{ start: values(start), k: values(k) }',
    '{ start: cos(3*values(plate.x)), k: sin(2*values(plate.y)) }',
  ],
};

/** The lines of the probe that define `loss_at` and `direction`, and Hessian products in place of what it saves. */
function hessianProbe(form: ExampleForm): string {
  const [here = '', other = ''] = points[form.name] ?? [];
  const definitions = form.probe
    .split('\n')
    .filter((line) => /^ {2}let (loss_at|direction) = /.test(line))
    .join('\n');
  return `
run probe {
${definitions}
  let other = ${other}
  let point = ${here}
  let hv = hvp(loss_at, point, direction)
  let hw = hvp(loss_at, point, other)
  let by_forward = jvp(x => jvp(loss_at, x, other), point, direction)
  save "probe.npz" { hv, vhw: dot(direction, hw), whv: dot(other, hv), by_forward, size: norm(hv)*norm(other) }
}`;
}

async function probe(form: ExampleForm, target: TargetName): Promise<Arrays> {
  const program = compiledExample(
    form.name,
    { ...form, append: hessianProbe(form), precision: 'f64' },
    'probe',
  );
  return savedArrays(await runOn(program, target, 'probe'), 'probe.npz');
}

describe.each(forms)('the Hessian of $name', (form) => {
  test('is symmetric, the same by both modes and on both targets', async () => {
    const [interpreter, cpu] = [await probe(form, 'interpreter'), await probe(form, 'cpu')];
    for (const arrays of [interpreter, cpu]) {
      const size = numberNamed(arrays, 'size');
      expect(size).toBeGreaterThan(0);
      const whv = numberNamed(arrays, 'whv');
      expect(Math.abs(numberNamed(arrays, 'vhw') - whv)).toBeLessThan(1e-12 * size);
      expect(Math.abs(numberNamed(arrays, 'by_forward') - whv)).toBeLessThan(1e-12 * size);
    }
    for (const [name, array] of interpreter)
      if (name.startsWith('hv'))
        expect(relativeDifference(arrayNamed(cpu, name), array), name).toBeLessThan(
          4 * roundingOf(form, 'f64'),
        );
  });
});
