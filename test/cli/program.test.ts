// The command line in this process: what is wrong usage, what the options mean, what help says.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readSeed, readSetting } from '../../compiler/cli/options.ts';
import { runProgram } from '../../compiler/cli/program.ts';
import { versionText } from '../../compiler/cli/version.ts';

interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line and catches what it writes. */
async function flowc(...commandArguments: readonly string[]): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0),
  ];
  try {
    const status = await runProgram(commandArguments);
    return { status, out: out.join(''), err: err.join('') };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const scratch = { directory: '' };
beforeEach(() => {
  scratch.directory = mkdtempSync(join(tmpdir(), 'flowc-cli-'));
});
afterEach(() => {
  rmSync(scratch.directory, { recursive: true, force: true });
});

function flowFile(name: string, text: string): string {
  const path = join(scratch.directory, name);
  writeFileSync(path, text);
  return path;
}

describe('wrong usage gives 2 and says what is wrong', () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /Usage: flowc/],
    [['run'], /missing required argument 'file'/],
    [['run', 'a.flow', '--sed', '1'], /unknown option '--sed'[\s\S]*--seed/],
    [['rum', 'a.flow'], /unknown command 'rum'[\s\S]*run/],
    [['run', 'a.flow', '--set', 'N'], /--set name=value/],
    [['run', 'a.flow', '--set', '=3'], /--set name=value/],
    [['run', 'a.flow', '--set', 'N=1', '--set', 'N=2'], /"N" is set twice/],
    [['run', 'a.flow', '--seed', '-1'], /whole number/],
    [['run', 'a.flow', '--seed', '4294967296'], /whole number/],
    [['run', 'a.flow', '--target', 'tpu'], /Allowed choices are auto, gpu, cpu, interpreter/],
    [['build', 'a.flow'], /-o NAME\.flowpkg/],
    [['build', 'a.flow', '--dump', 'everything'], /Allowed choices are tokens, ast/],
    [['check', 'a.flow', 'b.flow'], /too many arguments/],
    [['fmt'], /missing required argument 'files'/],
    [['doctor', '--verbose'], /unknown option '--verbose'/],
  ];
  test.each(wrong)('flowc %j', async (words, message) => {
    const { status, err, out } = await flowc(...words);
    expect(status).toBe(2);
    expect(err).toMatch(message);
    expect(out).toBe('');
  });
});

describe('help and version', () => {
  test('help lists every command', async () => {
    const { status, out } = await flowc('--help');
    expect(status).toBe(0);
    for (const command of ['run', 'check', 'build', 'exec', 'test', 'doctor', 'fmt'])
      expect(out).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  test('help of a command lists its options', async () => {
    const { status, out } = await flowc('run', '--help');
    expect(status).toBe(0);
    for (const option of ['--set', '--seed', '--target', '--out', '--quiet', '--json', '--dump', '--verify'])
      expect(out).toContain(option);
  });

  test('the version is that of the package', async () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(versionText()).toBe(manifest.version);
    expect(await flowc('--version')).toMatchObject({ status: 0, out: `${manifest.version}\n` });
  });
});

describe('options', () => {
  test('settings keep their order and split at the first equals sign', () => {
    const settings = readSetting('net.W = [1, 2]', readSetting('mode=a=b', []));
    expect(settings).toEqual([
      { name: 'mode', text: 'a=b' },
      { name: 'net.W', text: '[1, 2]' },
    ]);
  });

  test('seeds are unsigned 32-bit integers', () => {
    expect([readSeed('0'), readSeed('4294967295')]).toEqual([0, 4294967295]);
    for (const bad of ['1.5', '', 'one', '1e3', '0x10']) expect(() => readSeed(bad)).toThrow(/whole number/);
  });
});

describe('fmt', () => {
  const untidy = 'const   N=4\nrun {print "N {N}" }\n';

  test('rewrites a file, once', async () => {
    const path = flowFile('a.flow', untidy);
    expect(await flowc('fmt', path)).toMatchObject({ status: 0, out: `formatted ${path}\n` });
    const text = readFileSync(path, 'utf8');
    expect(text).toContain('const N = 4\n');
    expect(await flowc('fmt', path)).toEqual({ status: 0, out: '', err: '' });
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  test('--check changes nothing and gives 1', async () => {
    const path = flowFile('a.flow', untidy);
    expect(await flowc('fmt', '--check', path)).toMatchObject({ status: 1, out: `would change ${path}\n` });
    expect(readFileSync(path, 'utf8')).toBe(untidy);
    await flowc('fmt', path);
    expect(await flowc('fmt', '--check', path)).toMatchObject({ status: 0, out: '' });
  });

  test('a broken file is reported and left alone, the others are done', async () => {
    const broken = flowFile('broken.flow', 'const N = (1 + \n');
    const good = flowFile('good.flow', untidy);
    const { status, out, err } = await flowc('fmt', broken, good);
    expect(status).toBe(1);
    expect(err).toContain(broken);
    expect(out).toBe(`formatted ${good}\n`);
    expect(readFileSync(broken, 'utf8')).toBe('const N = (1 + \n');
  });

  test('a missing file and one that is not text', async () => {
    const near = flowFile('heat.flow', untidy);
    const missing = await flowc('fmt', join(scratch.directory, 'heet.flow'));
    expect(missing.status).toBe(1);
    expect(missing.err).toContain(`did you mean "${near}"?`);
    const binary = join(scratch.directory, 'b.flow');
    writeFileSync(binary, Uint8Array.of(0xff, 0xfe, 0x00));
    expect(await flowc('fmt', binary)).toMatchObject({
      status: 1,
      err: expect.stringContaining('is not UTF-8 text'),
    });
  });
});
