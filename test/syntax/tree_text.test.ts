// A tree written as text and read again is the same tree, places included.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFile } from '../../compiler/syntax/parse.ts';
import { printItem } from '../../compiler/syntax/print.ts';
import { readTree, writeTree } from '../../compiler/syntax/tree_text.ts';
import { item } from './arbitrary.ts';

const root = join(import.meta.dirname, '../..');

function check(path: string, text: string): void {
  const file = { path, text };
  const { ast, diagnostics } = parseFile(file);
  expect(diagnostics).toEqual([]);
  expect(readTree(file, writeTree(ast))).toEqual(ast);
}

describe('trees as text', () => {
  for (const folder of ['stdlib', 'test/programs/good'])
    it(`bring back every file of ${folder}`, () => {
      const files = readdirSync(join(root, folder)).filter((name) => name.endsWith('.flow'));
      expect(files.length).toBeGreaterThan(3);
      for (const name of files) check(name, readFileSync(join(root, folder, name), 'utf8'));
    });

  it('bring back any item', () => {
    fc.assert(
      fc.property(item, (value) => check('printed.flow', printItem(value))),
      { numRuns: 100 },
    );
  });

  it('put places into the file they are told', () => {
    const written = writeTree(parseFile({ path: 'a.flow', text: 'let x = 1 + y\n' }).ast);
    const file = { path: 'b.flow', text: 'let x = 1 + y\n' };
    const [first] = readTree(file, written).items;
    expect(first?.span).toEqual({ file, start: 0, end: 13 });
    expect(first?.span.file).toBe(file);
  });
});
