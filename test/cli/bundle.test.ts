// The bundle as a user gets it: built afresh into a scratch folder and run as processes.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
// Inside the project, so that packages outside the bundle are found.
const folder = mkdtempSync(join(root, 'node_modules/.flowc-bundle-'));
const command = join(folder, 'flowc.js');

beforeAll(() => {
  execFileSync(process.execPath, [join(root, 'build.mjs'), '--no-types', `--outdir=${folder}`]);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function flowc(...words: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [command, ...words], { encoding: 'utf8', cwd: folder });
}

/** Files a module loads before its first line runs, itself included. */
function loadedAtOnce(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  for (const match of text.matchAll(
    /(?:^|[;\n])(?:import|export)\s*(?:[^'"();]*?from\s*)?["'](\.\/[^"']+)["']/g,
  )) {
    loadedAtOnce(join(dirname(file), match[1] ?? ''), seen);
  }
  return seen;
}

describe('the command', () => {
  test('is executable and begins with the line that finds node', () => {
    expect(readFileSync(command, 'utf8').startsWith('#!/usr/bin/env node\n')).toBe(true);
    expect(statSync(command).mode & 0o111).toBe(0o111);
  });

  test('answers --version, having loaded next to nothing', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(flowc('--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
    const bytes = [...loadedAtOnce(command)].reduce((sum, file) => sum + statSync(file).size, 0);
    expect(bytes).toBeLessThan(10_000);
  });

  test('gives 2 for wrong usage and 1 for a missing file', () => {
    expect(flowc('run').status).toBe(2);
    expect(flowc('fmt', 'nowhere.flow')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('there is no file "nowhere.flow"'),
    });
  });

  test('the doctor reports as JSON and ends by itself', () => {
    const { status, stdout } = flowc('doctor', '--json');
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.processor.cores).toBeGreaterThan(0);
    expect(report.targets.length).toBeGreaterThan(0);
  });

  test('licences of bundled packages are kept', () => {
    const text = readFileSync(join(folder, 'THIRD_PARTY_LICENSES.txt'), 'utf8');
    expect(text).toMatch(/^chevrotain .*\(Apache-2\.0\)$/m);
    expect(text).toMatch(/^commander .*\(MIT\)$/m);
  });
});
