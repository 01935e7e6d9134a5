// The closing line of continuous integration: it must never call a broken run a good one.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { root } from './source_scan.ts';

const scratch = { directory: '' };
beforeEach(() => {
  scratch.directory = mkdtempSync(join(tmpdir(), 'flowc-ci-'));
});
afterEach(() => {
  rmSync(scratch.directory, { recursive: true, force: true });
});

function summary(report: string): { status: number | null; lines: readonly string[] } {
  const path = join(scratch.directory, 'report.json');
  writeFileSync(path, report);
  const { status, stdout } = spawnSync(process.execPath, [join(root, 'test/ci_summary.mjs'), path], {
    encoding: 'utf8',
  });
  return { status, lines: stdout.trimEnd().split('\n') };
}

const counts = { numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, testResults: [] };

test('all passed', () => {
  expect(summary(JSON.stringify(counts))).toEqual({ status: 0, lines: ['3 passed, 0 failed'] });
});

test('failed and skipped tests are named and counted', () => {
  const testResults = [
    { name: 'a.test.ts', status: 'failed', assertionResults: [{ status: 'failed', fullName: 'sums add' }] },
  ];
  const report = { ...counts, numFailedTests: 1, numPendingTests: 2, testResults };
  expect(summary(JSON.stringify(report))).toEqual({
    status: 1,
    lines: ['failed: sums add', '2 skipped', '3 passed, 1 failed'],
  });
});

test('a file that does not load is a failure', () => {
  const report = { ...counts, testResults: [{ name: 'b.test.ts', status: 'failed', assertionResults: [] }] };
  expect(summary(JSON.stringify(report))).toEqual({
    status: 1,
    lines: ['failed to load: b.test.ts', '3 passed, 1 failed'],
  });
});

test('a run that ended before its tests is a failure', () => {
  expect(summary('').status).toBe(1);
  expect(summary('').lines.at(-1)).toBe('0 passed, 1 failed');
});
