// Every wrong program of test/programs/bad has a file of the same name beside it with the messages a user gets, to the letter.
// Numbers 000 to 199 are mistakes of syntax. UPDATE_EXPECTED=1 writes the files anew: read what it wrote before it is committed.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderDiagnostics } from '../../compiler/support/render.ts';
import { syntaxCodes } from '../../compiler/syntax/codes.ts';
import { parseFile } from '../../compiler/syntax/parse.ts';

const folder = join(import.meta.dirname, '../programs/bad');
const programs = readdirSync(folder).filter((name) => /^[01]\d\d_.*\.flow$/.test(name));
const update = process.env['UPDATE_EXPECTED'] === '1';

describe('wrong programs', () => {
  it('are many', () => {
    expect(programs.length).toBeGreaterThanOrEqual(120);
  });

  it.each(programs)('%s', (name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const { diagnostics } = parseFile({ path: name, text });
    expect(diagnostics.filter((d) => d.severity === 'error').length).toBeGreaterThan(0);
    for (const { code, span, severity } of diagnostics) {
      if (severity === 'error') expect(Object.keys(syntaxCodes)).toContain(code);
      if (span) {
        expect(span.start).toBeGreaterThanOrEqual(0);
        expect(span.end).toBeGreaterThanOrEqual(span.start);
        expect(span.end).toBeLessThanOrEqual(text.length);
      }
    }
    const rendered = `${renderDiagnostics(diagnostics)}\n`;
    const expected = join(folder, name.replace(/\.flow$/, '.expected'));
    if (update || !existsSync(expected)) {
      if (!update) throw new Error(`${expected} is missing; write it with UPDATE_EXPECTED=1 and read it`);
      writeFileSync(expected, rendered);
    }
    expect(rendered).toBe(readFileSync(expected, 'utf8'));
  });

  it('show every code that is not in reserve', () => {
    const seen = new Set<string>();
    for (const name of programs) {
      const text = readFileSync(join(folder, name), 'utf8');
      for (const { code } of parseFile({ path: name, text }).diagnostics) seen.add(code);
    }
    expect(Object.keys(syntaxCodes).filter((code) => !seen.has(code))).toEqual([]);
  });
});
