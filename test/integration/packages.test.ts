// `flowc build` and `flowc exec` give what `flowc run` gives: the same bytes in every file, the same lines printed, on the CPU and on the GPU, also where neither data nor sources are any
// more. A package that was cut or changed is refused.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Bundle, Outcome } from './command.ts';
import { buildBundle, filesBelow, scratchFolder } from './command.ts';
import { noGpu } from './support.ts';

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

const program = `use std.ode { rk4 }
use std.optim { lbfgs }
use std.random { normal }
const steps = 40
input strength: real = 1.0
data measured = load("measured.csv", column: "y")
data noise = draw(normal(0, 1e-3), like: measured)
param rate: real = 0.3 in 0.01 .. 3
param start: real = 0.8
ode decay { state y = start
  dt(y) = -rate*y }
let path = solve(decay, t: 0 .. 2, steps: steps, method: rk4, save: every(time: 0.5))
loss miss = strength*sum((path.y - measured - noise)^2)
run fit {
  check gradient miss over rate, start
  minimize miss over rate, start using lbfgs(memory: 4) steps 12 { log miss every 4 }
  print "rate {rate}, start {start}"
  save "fit.npz" { rate, start, y: path.y, noise }
  save "fit.csv" { t: path.t, y: path.y, measured }
  plot "fit.png": (path.t, path.y), (path.t, measured) as line
}
run look { print "{miss}" }
`;
const measured = 'y\n1.0\n0.78\n0.61\n0.47\n0.37\n';

function inFolder(): { folder: string; run: (...words: string[]) => Outcome } {
  const { bundle, scratch } = state;
  if (bundle === undefined || scratch === undefined) throw new Error('there is no bundle');
  const folder = mkdtempSync(join(scratch, 'package-'));
  writeFileSync(join(folder, 'decay.flow'), program);
  writeFileSync(join(folder, 'measured.csv'), measured);
  return { folder, run: (...words) => bundle.run(words, { cwd: folder }) };
}

/** Contents of a folder by name. */
function contents(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    filesBelow(folder).map((name) => [name, readFileSync(join(folder, name)).toString('base64')]),
  );
}

/** What is said, but for times. */
function timeless(text: string): string {
  return text.replace(/ in .* s, .* steps\/s/g, '');
}

describe('a package does what the program does', () => {
  const targets = ['cpu', ...(gpuIsMissing ? [] : ['gpu'])];
  test.each(targets)('on the %s', (target) => {
    const { folder, run } = inFolder();
    const options = ['--target', target, '--quiet', '--seed', '7'];
    const direct = run('run', 'decay.flow', 'fit', ...options, '--out', 'direct');
    expect(direct.stderr).toBe('');
    expect(direct.status).toBe(0);
    expect(run('build', 'decay.flow', '-o', 'decay.flowpkg').status).toBe(0);
    // All that is needed lies inside.
    rmSync(join(folder, 'decay.flow'));
    rmSync(join(folder, 'measured.csv'));
    const packed = run('exec', 'decay.flowpkg', 'fit', ...options, '--out', 'packed');
    expect(packed.status).toBe(0);
    expect(timeless(packed.stdout).replaceAll('packed', 'direct')).toBe(timeless(direct.stdout));
    expect(filesBelow(join(folder, 'direct'))).toEqual(['fit.csv', 'fit.npz', 'fit.png']);
    expect(contents(join(folder, 'packed'))).toEqual(contents(join(folder, 'direct')));
  });

  test('inputs can be set, constants are fixed', () => {
    const { run } = inFolder();
    expect(run('build', 'decay.flow', '-o', 'decay.flowpkg', '--set', 'steps=80').status).toBe(0);
    const of = (...words: string[]): string =>
      run(...words, 'look', '--target', 'cpu', '--quiet').stdout.trim();
    const direct = of('run', 'decay.flow', '--set', 'steps=80', '--set', 'strength=3');
    expect(Number(direct)).toBeGreaterThan(0);
    expect(of('exec', 'decay.flowpkg', '--set', 'strength=3')).toBe(direct);
    expect(of('exec', 'decay.flowpkg')).not.toBe(direct);
    const refused = run('exec', 'decay.flowpkg', 'look', '--set', 'steps=90', '--target', 'cpu');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('error[R207]');
    expect(refused.stderr).toContain('fixed at 80');
  });

  test('the same program gives the same package', () => {
    const { folder, run } = inFolder();
    run('build', 'decay.flow', '-o', 'one.flowpkg');
    run('build', 'decay.flow', '-o', 'two.flowpkg');
    const { 'one.flowpkg': one, 'two.flowpkg': two } = contents(folder);
    expect(one?.length).toBeGreaterThan(1000);
    expect(one).toBe(two);
  });
});

describe('a package that is damaged is refused', () => {
  const damages: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
    ['cut', (bytes) => bytes.subarray(0, Math.floor(bytes.length / 2))],
    ['one byte changed', (bytes) => bytes.map((x, i) => (i === Math.floor(bytes.length / 3) ? x ^ 1 : x))],
    ['empty', () => new Uint8Array(0)],
  ];
  test.each(damages)('%s', (_name, damage) => {
    const { folder, run } = inFolder();
    run('build', 'decay.flow', '-o', 'decay.flowpkg', '--target', 'cpu');
    const file = join(folder, 'decay.flowpkg');
    writeFileSync(file, damage(readFileSync(file)));
    mkdirSync(join(folder, 'out'));
    const { status, stderr } = run('exec', 'decay.flowpkg', 'fit', '--target', 'cpu', '--out', 'out');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error\[R13[02]\]/);
    expect(filesBelow(join(folder, 'out'))).toEqual([]);
  });
});
