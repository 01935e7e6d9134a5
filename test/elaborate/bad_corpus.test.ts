// Every wrong program of test/programs/bad from number 200 on is right in its syntax and refused by the elaborator. The file of the same name beside it holds the messages a user gets, to the
// letter, in the order of the file. A first line `# flowc --set n=3` gives settings. UPDATE_EXPECTED=1 writes the files anew: read what it wrote before it is committed.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile } from '../../compiler/driver/compile.ts';
import type { CompileHost } from '../../compiler/elaborate/context.ts';
import type { Diagnostic } from '../../compiler/support/diagnostic.ts';
import { fail } from '../../compiler/support/diagnostic.ts';
import type { Span } from '../../compiler/support/span.ts';
import { byPlace, renderDiagnostics } from '../../compiler/support/render.ts';
import { decode_value, decode_values } from '../../runtime/io/formats.ts';
import { memoryCompileHost } from './support.ts';

const folder = join(import.meta.dirname, '../programs/bad');
const programs = readdirSync(folder).filter((name) => /^[2-9]\d\d_.*\.flow$/.test(name));
const update = process.env['UPDATE_EXPECTED'] === '1';

const host: CompileHost = {
  ...memoryCompileHost(),
  readArrays: (path, span) => decode_values(path, bytesOf(path, span), span),
  readData: (path, options, span) => decode_value(path, bytesOf(path, span), { ...options, span }),
};

function bytesOf(path: string, span: Span): Uint8Array {
  const file = join(folder, path);
  return existsSync(file) ? readFileSync(file) : fail('R100', `there is no file "${path}"`, span);
}

function diagnose(name: string): readonly Diagnostic[] {
  const text = readFileSync(join(folder, name), 'utf8');
  const settings = [...(/^# flowc(.*)/.exec(text)?.[1] ?? '').matchAll(/--set (\w+)=(\S+)/g)].map(
    ([, key = '', value = '']) => [key, value] as const,
  );
  const { diagnostics } = compile({ path: name, text }, host, {
    settings: new Map(settings),
    stopAfter: 'elaborate',
  });
  return [...diagnostics].sort(byPlace);
}

describe('wrong programs', () => {
  it('are many', () => {
    expect(programs.length).toBeGreaterThanOrEqual(95);
  });

  it.each(programs)('%s', (name) => {
    const diagnostics = diagnose(name);
    expect(diagnostics.filter((d) => d.severity === 'error').length).toBeGreaterThan(0);
    for (const { span } of diagnostics) {
      if (!span) continue;
      expect(span.start).toBeGreaterThanOrEqual(0);
      expect(span.end).toBeGreaterThan(span.start);
      expect(span.end).toBeLessThanOrEqual(span.file.text.length);
    }
    const rendered = `${renderDiagnostics(diagnostics)}\n`;
    const expected = join(folder, name.replace(/\.flow$/, '.expected'));
    if (update) writeFileSync(expected, rendered);
    expect(existsSync(expected), `${expected}: write it with UPDATE_EXPECTED=1 and read it`).toBe(true);
    expect(rendered).toBe(readFileSync(expected, 'utf8'));
  });
});
