// Bad input on the command line: each a clear error with code, place and cure, status 1, and no file left behind.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Scratch } from './support.ts';
import { flowc, scratchDirectory } from './support.ts';

const shared: { scratch: Scratch } = { scratch: scratchDirectory() };
beforeEach(() => {
  shared.scratch = scratchDirectory();
});
afterEach(() => shared.scratch.remove());

async function run(text: string, ...words: readonly string[]) {
  const path = shared.scratch.file('a.flow', text);
  const result = await flowc(
    'run',
    path,
    '--target',
    'interpreter',
    '--out',
    shared.scratch.path('out'),
    ...words,
  );
  return { ...result, left: shared.scratch.listing('out') };
}

const cases: readonly (readonly [string, string, RegExp])[] = [
  [
    'a missing data file',
    'data d = load("obs.csv")\nrun { print "{sum(d)}" }',
    /R100[\s\S]*obs\.csv[\s\S]*a\.flow:1:10/,
  ],
  [
    'a missing column',
    'data d = load("good.csv", column: "z")\nrun { print "{sum(d)}" }',
    /R108[\s\S]*a\.flow:1:10/,
  ],
  ['NaN in data', 'data d = load("nan.csv", column: "y")\nrun { print "{sum(d)}" }', /NaN|nan/],
  ['text in data', 'data d = load("text.csv", column: "y")\nrun { print "{sum(d)}" }', /R106/],
  ['an unknown name', 'run { print "{amplitude}" }', /amplitude[\s\S]*a\.flow:1/],
  [
    'a loss that is not scalar',
    'param k: real[3] = 1\nloss l = k*k\nrun { check gradient l over k }',
    /a\.flow:2/,
  ],
  [
    'a parameter without influence',
    'param k: real = 1\nparam m: real = 1\nloss l = k*k\nrun { check gradient l over m }',
    /\bm\b[\s\S]*a\.flow:\d/,
  ],
  [
    'an assertion',
    'param k: real = 2\nrun { assert k < 1, "k is large" }',
    /R202[\s\S]*k is large: k = 2[\s\S]*a\.flow:2:7/,
  ],
  ['NaN to be saved', 'param k: real = -1\nrun { save "k.npz" { r: log(k) } }', /R203[\s\S]*`r` is NaN/],
  ['an unknown format', 'param k: real = 1\nrun { save "k.xlsx" { k } }', /R102[\s\S]*\.xlsx/],
];

test.each(cases)('%s', async (_, text, message) => {
  shared.scratch.file('good.csv', 'x,y\n1,2\n3,4\n');
  shared.scratch.file('nan.csv', 'x,y\n1,2\n3,nan\n');
  shared.scratch.file('text.csv', 'x,y\n1,2\n3,two\n');
  const { status, err, left } = await run(`${text}\n`);
  expect(status).toBe(1);
  expect(err).toMatch(message);
  expect(err).not.toContain('internal error');
  expect(left).toEqual([]);
});

const unstable = `use std.ode { rk4 }
domain rod { x: 0 .. 1 cells 32 }
field hot(x) = exp(-40*(x - 0.4)^2)
pde heat(k) on rod {
  state T: scalar = hot
  dt(T) = k*lap(T)
  boundary x.min, x.max { T = 0 }
}
let path = solve(heat(1.0), t: 0 .. 0.5, dt: 1e-3, method: rk4, save: none)
`;

describe('an unstable step', () => {
  test.each(['interpreter', 'cpu'])('is named with state, time and limit on %s', async (target) => {
    const { status, err, left } = await run(
      `${unstable}run { save "T.npz" { T: path.final.T } }\n`,
      '--target',
      target,
    );
    expect(status).toBe(1);
    expect(err).toMatch(/error\[R201\]: `T` of heat is no longer finite after step \d+, t = 0\.0\d+/);
    expect(err).toMatch(/a\.flow:9:12/);
    // 2.785/(4/h^2) with h = 1/32 is 6.8e-4.
    expect(err).toMatch(/take dt below 6\.[78]e-4/);
    expect(left).toEqual([]);
  });
});

describe('settings', () => {
  test('of what does not exist', async () => {
    const { status, err } = await run('const N = 4\nrun { print "{N}" }\n', '--set', 'M=3');
    expect(status).toBe(1);
    expect(err).toContain('M');
    expect(err).toContain('N');
  });
  test('of wrong usage give 2', async () => {
    expect((await run('run { print "a" }\n', '--set', 'M')).status).toBe(2);
  });
});

test('a program without a run', async () => {
  const { status, err } = await run('const N = 4\n');
  expect([status, err]).toEqual([1, expect.stringContaining('R206')]);
});

test('a file that is not there', async () => {
  for (const command of ['run', 'check', 'build', 'test', 'exec', 'explain']) {
    const more = command === 'build' ? ['-o', shared.scratch.path('a.flowpkg')] : [];
    const { status, err } = await flowc(command, shared.scratch.path('nowhere.flow'), ...more);
    expect([command, status]).toEqual([command, 1]);
    expect(err).toContain('R100');
  }
});

test('an output directory that cannot be made', async () => {
  const file = shared.scratch.file('taken', 'a file');
  const path = shared.scratch.file('a.flow', 'param k: real = 1\nrun { save "k.json" { k } }\n');
  const { status, err } = await flowc('run', path, '--target', 'interpreter', '--out', file);
  expect([status, err]).toEqual([1, expect.stringContaining('R103')]);
});
