// The programs the language was designed with: all parse without a message, and printing them is the identity up to layout.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderDiagnostics } from '../../compiler/support/render.ts';
import { parseFile } from '../../compiler/syntax/parse.ts';
import { printFile } from '../../compiler/syntax/print.ts';
import { essence } from './strip.ts';

const folder = join(import.meta.dirname, '../programs/good');
const programs = readdirSync(folder).filter((name) => name.endsWith('.flow'));

describe('programs', () => {
  it('are there', () => {
    expect(programs.length).toBeGreaterThanOrEqual(30);
  });

  it.each(programs)('%s parses, and survives printing', (name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const first = parseFile({ path: name, text });
    expect(renderDiagnostics(first.diagnostics)).toBe('');
    expect(first.ast.items.length).toBeGreaterThan(3);
    const printed = printFile(first.ast);
    const second = parseFile({ path: name, text: printed });
    expect(renderDiagnostics(second.diagnostics)).toBe('');
    expect(essence(second.ast)).toEqual(essence(first.ast));
    expect(printFile(second.ast)).toBe(printed);
  });

  it.each(programs)('every comment of %s is kept', (name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const printed = printFile(parseFile({ path: name, text }).ast);
    const words = (source: string) =>
      [...source.matchAll(/#+ ?(.*)/g)].map((m) => (m[1] ?? '').trim()).sort();
    expect(words(printed)).toEqual(words(text));
  });
});
