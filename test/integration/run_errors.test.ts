// What goes wrong at run time, as a user meets it. Each program of test/programs/run_errors begins with its command line (`# $ flowc run …`; FILE is the program, at the end when it is not
// named) and is run as a process. Beside it lies what must come: exit status, files written (whole ones; none besides), standard output, standard error. `vitest -u` writes them anew.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Bundle } from './command.ts';
import { buildBundle, filesBelow, scratchFolder } from './command.ts';
import { noGpu, root } from './support.ts';

const folder = join(root, 'test/programs/run_errors');
const programs = readdirSync(folder)
  .filter((file) => file.endsWith('.flow'))
  .sort();
const gpuIsMissing = (await noGpu()) !== undefined;

const state: { bundle?: Bundle; scratch?: string } = {};
beforeAll(() => {
  state.bundle = buildBundle();
  state.scratch = scratchFolder();
}, 120_000);
afterAll(() => {
  state.bundle?.dispose();
  if (state.scratch !== undefined) rmSync(state.scratch, { recursive: true, force: true });
});

interface Invocation {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

function invocationOf(file: string): Invocation {
  const first = readFileSync(join(folder, file), 'utf8').split('\n')[0] ?? '';
  const line = /^# \$ ((?:\w+=\S+ )*)flowc (\w+)(.*)$/.exec(first);
  if (line === null) throw new Error(`${file} does not begin with its command line`);
  const [, settings = '', command = '', rest = ''] = line;
  const given = rest.trim().split(/\s+/).filter(Boolean);
  const words = given.includes('FILE') ? given.map((w) => (w === 'FILE' ? file : w)) : [...given, file];
  const env = Object.fromEntries(
    settings
      .trim()
      .split(/\s+/)
      .filter(Boolean)
      .map((setting): [string, string] => {
        const [name = '', value = ''] = setting.split('=');
        return [name, value];
      }),
  );
  return { words: [command, '--quiet', ...(words.includes('--out') ? [] : ['--out', 'out']), ...words], env };
}

/** Texts that depend on the machine, made the same on all. */
function portable(text: string, scratch: string): string {
  return text
    .replaceAll(scratch, '.')
    .replace(/the GPU \(.*\) offers at most .*/g, 'the GPU (…) offers at most …');
}

/** Runs a program of the folder in a fresh copy of it. */
function outcomeOf(file: string): string {
  const { bundle, scratch } = state;
  if (bundle === undefined || scratch === undefined) throw new Error('there is no bundle');
  const cwd = mkdtempSync(join(scratch, 'run-'));
  cpSync(join(folder, 'data'), join(cwd, 'data'), { recursive: true });
  cpSync(join(folder, file), join(cwd, file));
  mkdirSync(join(cwd, 'out'));
  const before = filesBelow(cwd);
  const { words, env } = invocationOf(file);
  const { status, stdout, stderr } = bundle.run(words, { cwd, env });
  const made = filesBelow(cwd).filter((name) => !before.includes(name));
  return portable(
    [
      `exit status ${status}`,
      ...made.map((name) => `file ${name}`),
      ...(stdout === '' ? [] : ['--- standard output', stdout.trimEnd()]),
      '--- standard error',
      stderr.trimEnd(),
      '',
    ].join('\n'),
    cwd,
  );
}

describe('trouble at run time is told with its place and its cure', () => {
  test.each(programs)('%s', async (file) => {
    const { words, env } = invocationOf(file);
    const needsGpu = words.includes('gpu') && Object.keys(env).length === 0;
    // Where Vulkan is not the way to the GPU it cannot be hidden like this.
    const hidesVulkan = 'VK_DRIVER_FILES' in env && process.platform !== 'linux';
    if ((needsGpu && gpuIsMissing) || hidesVulkan) return;
    const outcome = outcomeOf(file);
    expect(outcome).toMatch(/^exit status [12]\n/);
    expect(outcome).not.toContain('.tmp');
    expect(outcome).not.toMatch(/ at .*\.[jt]s:\d+/);
    await expect(outcome).toMatchFileSnapshot(join(folder, file.replace(/\.flow$/, '.expected')));
  });

  test('every expectation has its program', () => {
    const orphans = readdirSync(folder).filter(
      (file) => file.endsWith('.expected') && !programs.includes(file.replace(/\.expected$/, '.flow')),
    );
    expect(orphans).toEqual([]);
  });
});

test.skipIf(process.platform !== 'linux')('without a GPU, `--target auto` takes the CPU and says so', () => {
  const { bundle, scratch } = state;
  if (bundle === undefined || scratch === undefined) throw new Error('there is no bundle');
  const env = { VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent' };
  const cwd = mkdtempSync(join(scratch, 'auto-'));
  writeFileSync(join(cwd, 'program.flow'), 'const cells = 4\nrun { print "{cells}" }\n');
  const { status, stdout, stderr } = bundle.run(['run', 'program.flow'], { cwd, env });
  expect(status).toBe(0);
  expect(stdout).toBe('4\n');
  expect(stderr).toMatch(/^running on CPU: .*\(no hardware GPU: /);
});
