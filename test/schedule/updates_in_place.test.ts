// New elements in arrays that keep their places, beside arrays that do not, and of values that a kernel finds in a loop: the kernels may not read what they have overwritten. Every schedule against the interpreter.

import { describe, expect, test } from 'vitest';
import type { ScheduleOptions } from '../../compiler/schedule/schedule.ts';
import { differences, elaborated, interpreted, onCpu } from '../random/harness.ts';

const schedules: readonly ScheduleOptions[] = [
  {},
  { threads: false },
  { serial: 0 },
  { threads: false, serial: 0 },
  { threads: false, serial: 0, maxBuffers: 8 },
];

const bodies: readonly (readonly [string, string])[] = [
  [
    'one array in place and another updated twice',
    `var a = [sin(x*i) for i in 0..40]
  var b = [cos(x + i) for i in 0..40]
  for t in 0..40 {
    b[(3*t) % 40] += 0.1*b[(3*t) % 40] + 0.5*b[t]
    b[1] = b[int(abs(x)) % 40]
    a[(3*t) % 40] += 0.1*sum(a)
  }
  return sum(a) + 2*sum(b)`,
  ],
  [
    'the largest element, in one turn',
    `var b = [cos(x + i) for i in 0..2]
  for t in 0..1 { b[1 - t] = max(b) + 0.05*t }
  return sum(b)`,
  ],
  [
    'elements from elsewhere in both',
    `var a = [sin(x*i) for i in 0..20]
  var b = [cos(x + i) for i in 0..20]
  for t in 0..20 {
    a[(3*t) % 20] = 0.5*a[19 - t] + b[(t + 1) % 20]
    if b[t] > 0.1 { b[(7*t) % 20] = max(b)*a[t] }
  }
  return sum(a) + 2*sum(b)`,
  ],
];

describe('updates in place', () => {
  test.each(bodies)('%s', async (_, body) => {
    const program = elaborated(
      `input z = 0.3
fn f(x) {
  ${body}
}
run { save "out.npz" { v: f(z), g: gradient(f)(z), w: [f(z + 0.1*i) for i in 0..3] } }`,
      'f64',
    );
    if (typeof program === 'string') throw new Error(program);
    const expected = await interpreted(program);
    if (typeof expected === 'string') throw new Error(expected);
    for (const schedule of schedules) {
      const found = await onCpu(program, { schedule, strict: false, threads: 1, eager: true });
      expect(
        differences(found, expected, () => 1e-10),
        JSON.stringify(schedule),
      ).toEqual([]);
    }
  });
});
