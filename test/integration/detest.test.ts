// Some problems of DETEST (test/programs/detest) by the adaptive methods: the error at the end stays within a factor of the tolerance, and the evaluations within a number, both about twice what spec/detest.md has.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { arrayNamed, compiled, onTarget, root, run, savedArrays } from './support.ts';

/** Problem, method, largest error over the tolerance, most evaluations, at 1e-6. */
const expected: readonly (readonly [string, string, number, number])[] = [
  ['A3', 'tsit5', 10, 1000],
  ['B1', 'dopri5', 13, 1800],
  ['B4', 'dop853', 60, 800],
  ['D3', 'tsit5', 120, 1800],
  ['E2', 'dopri5', 45, 2000],
];

test('problems of DETEST keep to their tolerance', async () => {
  const solved = expected.map(
    ([name, method]) =>
      `solved(problems.${name}, load("reference.json", column: "${name}"), ${method}, 1e-6)`,
  );
  const text = `precision f64
use std.ode { dopri5, tsit5, dop853 }
use "./problems.flow" { problems, solved }
run {
  let all = list(${solved.join(', ')})
  save "out.npz" { errors: [s.error for s in all], evals: [1.0*s.evals for s in all] }
}
`;
  const made = compiled({ path: join(root, 'test/programs/detest/some.flow'), text });
  const saved = await onTarget(made, 'cpu', async (executor) =>
    savedArrays(await run(made, executor, 'run'), 'out.npz'),
  );
  for (const [i, [name, method, error, evals]] of expected.entries()) {
    expect(arrayNamed(saved, 'errors').data[i], `${name} ${method}`).toBeLessThan(1e-6 * error);
    expect(arrayNamed(saved, 'evals').data[i], `${name} ${method}`).toBeLessThan(evals);
  }
});
