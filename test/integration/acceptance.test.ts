// Whole programs of test/programs/good whose assertions must hold at full length, on the CPU target. Each says in its own comments what a reference found.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compiled, root, runOn, varied } from './support.ts';
import type { Variation } from './support.ts';

interface Accepted {
  readonly name: string;
  readonly variation?: Variation;
  /** Its last line. */
  readonly says: RegExp;
}

const programs: readonly Accepted[] = [{ name: 'update_rules', says: /^all four rules hold$/ }];

describe.each(programs)('$name', ({ name, variation, says }) => {
  test('does what it asserts', async () => {
    const path = join(root, 'test/programs/good', `${name}.flow`);
    const program = compiled(varied({ path, text: readFileSync(path, 'utf8') }, variation ?? {}));
    const { host } = await runOn(program, 'cpu', 'run');
    expect(host.text().split('\n').at(-1)).toMatch(says);
  });
});
