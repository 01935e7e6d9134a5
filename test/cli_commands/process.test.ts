// The bundle as processes: Ctrl-C, what `check` loads, a machine without a GPU, and that every command ends by itself.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decode_npz } from '../../runtime/io/npz.ts';
import { decay, scratchDirectory } from './support.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
// Inside the project, so that packages outside the bundle are found; the library lies beside it, as in a release.
const folder = mkdtempSync(join(root, 'node_modules/.flowc-process-'));
const dist = join(folder, 'dist');
const command = join(dist, 'flowc.js');
const scratch = scratchDirectory();

beforeAll(() => {
  execFileSync(process.execPath, [join(root, 'build.mjs'), '--no-types', `--outdir=${dist}`]);
  symlinkSync(join(root, 'stdlib'), join(folder, 'stdlib'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  scratch.remove();
});

/** Files a module loads before its first line runs, itself included. */
function loadedAtOnce(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const imports = /(?:^|[;\n])(?:import|export)\s*(?:[^'"();]*?from\s*)?["'](\.\/[^"']+)["']/g;
  for (const match of readFileSync(file, 'utf8').matchAll(imports))
    loadedAtOnce(join(dirname(file), match[1] ?? ''), seen);
  return seen;
}

test('check loads neither kernels nor targets nor pictures', () => {
  const chunk = readdirSync(dist).find((name) =>
    /function runCheck\(/.test(readFileSync(join(dist, name), 'utf8')),
  );
  const text = [...loadedAtOnce(join(dist, chunk ?? ''))]
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const names = ['render_plot', 'printWat', 'emitWgsl', 'createGpuExecutor', 'createCpuExecutor', 'schedule'];
  expect(names.filter((name) => text.includes(`function ${name}(`))).toEqual([]);
  expect(['webgpu', 'wabt'].filter((name) => new RegExp(`from ?["']${name}["']`).test(text))).toEqual([]);
  expect(text.includes('function elaborateProgram(')).toBe(true);
});

describe('as a process', () => {
  const program = scratch.file('decay.flow', decay);

  test('a run on the CPU ends by itself with 0', () => {
    const words = ['run', program, 'run', '--target', 'cpu', '--out', scratch.path('o'), '--quiet'];
    const { status, stdout } = spawnSync(process.execPath, [command, ...words], { encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^rate 1\.\d+ of 40 steps\n$/)]);
  });

  test('without a GPU, --target gpu says so and what to do', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [command, 'run', program, 'show', '--target', 'gpu'],
      {
        encoding: 'utf8',
        env: { ...process.env, VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json' },
      },
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/error\[R04\d\][\s\S]*help/);
    expect(stderr).not.toContain('internal error');
  });

  test('a reader that has seen enough is no error', () => {
    const { status } = spawnSync('sh', [
      '-c',
      `"${process.execPath}" "${command}" build "${program}" --dump wat | head -1`,
    ]);
    expect(status).toBe(0);
  });

  test('Ctrl-C ends a fit with 130 and keeps the parameters', async () => {
    const long = scratch.file(
      'long.flow',
      decay.replace('steps 12', 'steps 100000000').replace('every 4', 'every 50'),
    );
    const out = scratch.path('long');
    const child = spawn(process.execPath, [
      command,
      'run',
      long,
      'run',
      '--target',
      'cpu',
      '--out',
      out,
      '--json',
    ]);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const before = said.includes('"step":50,');
      said += chunk.toString();
      if (!before && said.includes('"step":50,')) child.kill('SIGINT');
    });
    const status = await new Promise((done) => child.on('exit', done));
    expect(status).toBe(130);
    const events = said
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.at(-1)).toMatchObject({ event: 'end', status: 'interrupted' });
    expect(scratch.listing('long')).toEqual(['long.interrupted.npz']);
    const arrays = decode_npz(readFileSync(join(out, 'long.interrupted.npz')), '');
    const names = arrays.map((array) => array.name);
    expect(names).toEqual(expect.arrayContaining(['param.rate', 'iteration', 'checkpoint.position']));
    expect(arrays.find((array) => array.name === 'iteration')?.data[0]).toBeGreaterThanOrEqual(50);
  });

  test('Ctrl-C ends a computation that would take minutes', async () => {
    const long = scratch.file(
      'minutes.flow',
      `use std.ode { rk4 }
ode turn { state x = 1.0, y = 0.0
  dt(x) = y
  dt(y) = -x }
run { print "{solve(turn, t: 0 .. 1, steps: 2_000_000_000, method: rk4).final.x}" }
`,
    );
    const child = spawn(process.execPath, [command, 'run', long, '--target', 'cpu', '--threads', '1']);
    let said = '';
    let interrupted = 0;
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (interrupted === 0 && said.includes('running on'))
        setTimeout(() => {
          interrupted = Date.now();
          child.kill('SIGINT');
        }, 200);
    });
    const status = await new Promise((done) => child.on('exit', done));
    expect(status).toBe(130);
    expect(interrupted).toBeGreaterThan(0);
  });
});
