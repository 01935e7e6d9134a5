// Codes of messages: each exists in the table, stands for one mistake, and is shown by a wrong program of the corpus unless it is in reserve.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { elaborationCodes, sharedCodes } from '../../compiler/elaborate/codes.ts';

const compiler = join(import.meta.dirname, '../../compiler');
const corpus = join(import.meta.dirname, '../programs/bad');

function sources(folder: string): string[] {
  return readdirSync(join(compiler, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== 'codes.ts')
    .map((name) => readFileSync(join(compiler, folder, name), 'utf8'));
}

/** How often each code stands in the sources. */
const raised = new Map<string, number>();
for (const text of [...sources('elaborate'), ...sources('field'), ...sources('autodiff')])
  for (const [, code = ''] of text.matchAll(/'([EW]\d{3})'/g)) raised.set(code, (raised.get(code) ?? 0) + 1);

/** Defended twice: what these say is found by an earlier check, or needs a caller that the language does not have. */
const reserve = [
  'E191',
  'E251',
  'E306',
  'E309',
  'E310',
  'E313',
  'E314',
  'E317',
  'E337',
  'E339',
  'E345',
  'E452',
];

describe('codes of elaboration', () => {
  it('all exist in the table, and the table has no others', () => {
    expect([...raised.keys()].sort()).toEqual(Object.keys(elaborationCodes).sort());
  });

  it('are raised in one place, or shared deliberately', () => {
    const several = [...raised].filter(([, times]) => times > 1).map(([code]) => code);
    expect(several.filter((code) => !sharedCodes.some((shared) => shared === code))).toEqual([]);
  });

  it('are shown by the corpus', () => {
    const shown = new Set<string>();
    for (const name of readdirSync(corpus).filter((n) => /^[2-9]\d\d_.*\.expected$/.test(n)))
      for (const [, code = ''] of readFileSync(join(corpus, name), 'utf8').matchAll(
        /^(?:error|warning)\[([EW]\d{3})\]/gm,
      ))
        shown.add(code);
    const missing = Object.keys(elaborationCodes).filter((code) => !shown.has(code));
    expect(missing.filter((code) => !reserve.includes(code))).toEqual([]);
    expect(reserve.filter((code) => shown.has(code))).toEqual([]);
  });
});
