// Programs that combine what solves can do (test/programs/solves), each of which checks itself against an exact solution, another method, differences or a law: they hold on the CPU.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { renderError } from '../../compiler/support/render.ts';
import { createMemoryHost, runTests } from '../../runtime/run/index.ts';
import { compiled, onTarget, root } from './support.ts';

const folder = join(root, 'test/programs/solves');
const programs = readdirSync(folder).filter((file) => file.endsWith('.flow'));

test.each(programs)('%s', async (file) => {
  const path = join(folder, file);
  const program = compiled(
    { path, text: readFileSync(path, 'utf8') },
    {},
    { only: { run: '', tests: true }, diagnose: true },
  );
  expect(program.plan.script.tests.length).toBeGreaterThan(0);
  const { results } = await onTarget(program, 'cpu', (executor) =>
    runTests(program.plan, executor, { host: createMemoryHost() }),
  );
  expect(
    results.flatMap(({ ok, name, error }) =>
      ok ? [] : [`${name}: ${error === undefined ? '' : renderError(error)}`],
    ),
  ).toEqual([]);
});
