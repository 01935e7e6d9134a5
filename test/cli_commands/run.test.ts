// `flowc run`, `test`, `build`, `exec`, `check`, `explain` on programs of a few lines.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dumpStages } from '../../compiler/cli/options.ts';
import type { Scratch } from './support.ts';
import { decay, flowc, scratchDirectory } from './support.ts';

const shared: { scratch: Scratch; program: string } = { scratch: scratchDirectory(), program: '' };
beforeAll(() => {
  shared.program = shared.scratch.file('decay.flow', decay);
});
afterAll(() => shared.scratch.remove());

describe.each(['interpreter', 'cpu'] as const)('flowc run --target %s', (target) => {
  test('fits, checks, prints, saves and plots', async () => {
    const { scratch, program } = shared;
    const { status, out, err } = await flowc(
      'run',
      program,
      'run',
      '--target',
      target,
      '--out',
      scratch.path(target),
    );
    expect([status, err.split('\n')[0]]).toEqual([0, expect.stringMatching(/^running on .*\(as asked\)$/)]);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(
      /^check gradient misfit over rate: slope (2\.0\d|1\.9\d) over h = .*; forward\/reverse agree to/,
    );
    expect(lines[1]).toMatch(/^minimize misfit: 12 steps, from 0\.\d+$/);
    expect(out).toMatch(/^step 4 {2}misfit \d/m);
    expect(out).toMatch(/^rate 1\.(5|5000\d|49999\d) of 40 steps$/m);
    expect(scratch.listing(target)).toEqual(['out', 'out/decay.json', 'out/decay.png']);
    const saved = JSON.parse(readFileSync(scratch.path(`${target}/out/decay.json`), 'utf8'));
    expect(saved.rate).toBeCloseTo(1.5, 3);
    expect(saved.u).toHaveLength(5);
  });
});

describe('flowc run', () => {
  const interpreted = (...words: readonly string[]) =>
    flowc('run', shared.program, ...words, '--target', 'interpreter');

  test('takes inputs and constants from the command line', async () => {
    expect((await interpreted('show', '--set', 'start=2.5')).out).toBe('start 2.5\n');
    const { out } = await interpreted('run', '--set', 'N=20', '--out', shared.scratch.path('n'), '--quiet');
    expect(out).toBe('rate 1.5 of 20 steps\n');
  });

  test('adds neighbours up where `--fast` allows it, and only there', async () => {
    const file = shared.scratch.file(
      'heat.flow',
      `use std.ode { euler }
domain plate { x: 0 .. 1 cells 32; y: 0 .. 1 cells 32 }
field hot(x, y) = sin(3*x)*cos(2*y)
pde heat on plate { state T: scalar = hot;  dt(T) = lap(T);  boundary x.min, x.max, y.min, y.max { T = 0 } }
run { save "heat.json" { T: solve(heat, t: 0 .. 0.01, steps: 60, method: euler).final.T } }`,
    );
    const values = async (...words: readonly string[]): Promise<readonly number[]> => {
      const { status } = await flowc(
        'run',
        file,
        '--target',
        'cpu',
        '--out',
        shared.scratch.path('f'),
        ...words,
      );
      expect(status).toBe(0);
      return JSON.parse(readFileSync(shared.scratch.path('f/heat.json'), 'utf8')).T.flat();
    };
    const [plain, fast, strict] = [
      await values(),
      await values('--fast'),
      await values('--fast', '--strict'),
    ];
    expect(plain).toHaveLength(32 * 32);
    for (const other of [fast, strict]) {
      expect(other).not.toEqual(plain);
      other.forEach((value, i) => expect(Math.abs(value - (plain[i] ?? NaN))).toBeLessThan(3e-6));
    }
  });

  test('goes on from a checkpoint, the latest or the one named, and says when there is none', async () => {
    const { scratch } = shared;
    const file = scratch.file(
      'long.flow',
      `use std.optim { adam }
param k = 3.0
run { print "begin"
  minimize k^2 over k using adam(lr: 0.1) steps 10 { save "ckpt" every 4 }
  print "{k, digits: 15}" }`,
    );
    const go = (...words: readonly string[]) =>
      flowc('run', file, '--target', 'interpreter', '--quiet', '--out', scratch.path('ckpt'), ...words);
    const none = await go('--resume');
    expect([none.status, none.err]).toEqual([1, expect.stringContaining('error[R212]')]);
    const whole = await go();
    const [, end = ''] = whole.out.split('\n');
    expect((await go('--resume')).out).toBe(`${end}\n`);
    expect((await go('--resume', 'ckpt.npz')).out).toBe(`${end}\n`);
    expect((await go('--resume', '--seed', '7')).err).toContain('error[R213]');
  });

  test('asks which run, and knows their names', async () => {
    const { status, out } = await interpreted('--quiet', '--out', shared.scratch.path('q'));
    expect([status, out]).toEqual([0, 'rate 1.5 of 40 steps\n']);
    const wrong = await interpreted('shew');
    expect(wrong.status).toBe(1);
    expect(wrong.err).toContain('error[R206]: there is no run "shew"');
    expect(wrong.err).toContain('did you mean "show"?');
  });

  test('speaks JSON, one event a line', async () => {
    const { status, out, err } = await interpreted('run', '--json', '--out', shared.scratch.path('j'));
    expect([status, err]).toEqual([0, '']);
    const events = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map((event) => event.event)).toEqual([
      'start',
      'check',
      'minimize',
      ...['log', 'log', 'log', 'log'],
      'minimized',
      'print',
      'save',
      'plot',
      'end',
    ]);
    expect(events[0]).toMatchObject({ program: 'decay', run: 'run', target: 'interpreter' });
    expect(events[1]).toMatchObject({ verdict: 'pass' });
    expect(events.at(-1)).toMatchObject({ status: 'done' });
  });

  test('errors are JSON too, on standard output', async () => {
    const path = shared.scratch.file('wrong.flow', 'run { print "{nothing}" }\n');
    const { status, out } = await flowc('run', path, '--json');
    expect(status).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ ok: false, diagnostics: [{ severity: 'error', line: 1 }] });
  });
});

describe('flowc test', () => {
  test('says which tests pass, and why one does not', async () => {
    const { status, out, err } = await flowc('test', shared.program);
    expect(status).toBe(1);
    expect(out).toMatch(/^ok {6}it falls {2}\(\d\.\d\d s\)$/m);
    expect(out).toMatch(/^FAILED {2}it falls by half/m);
    expect(out).toMatch(/^1 of 2 tests failed$/m);
    expect(err).toContain('error[R202]: assertion failed: too slow: now.u[1] = 0.778801');
    expect(err).toContain('decay.flow:14:');
  });

  test('takes only tests with a word in their title', async () => {
    const { status, out } = await flowc('test', shared.program, 'by half', '--target', 'interpreter');
    expect(status).toBe(1);
    expect(out).toMatch(/^1 of 1 test failed$/m);
    expect(await flowc('test', shared.program, 'nowhere')).toMatchObject({
      status: 1,
      err: expect.stringContaining('R210'),
    });
  });

  test('a file without tests', async () => {
    const path = shared.scratch.file('bare.flow', 'run { print "a" }\n');
    expect(await flowc('test', path)).toMatchObject({ status: 0, out: `no tests in ${path}\n` });
  });
});

describe('flowc build and exec', () => {
  const packed = (): string => shared.scratch.path('decay.flowpkg');
  beforeAll(async () => {
    const { status, out } = await flowc('build', shared.program, '-o', packed(), '--set', 'N=30');
    expect([status, out]).toEqual([
      0,
      expect.stringMatching(/^built .*decay\.flowpkg: \d+ kernels \(wgsl, wasm\), /),
    ]);
  });
  test.each(['cpu', 'interpreter'])('a package runs by itself on %s', async (target) => {
    const { scratch } = shared;
    const { status, out } = await flowc(
      'exec',
      packed(),
      'run',
      '--target',
      target,
      '--out',
      scratch.path('x'),
      '--quiet',
    );
    expect([status, out]).toEqual([0, expect.stringMatching(/^rate 1\.(5|5000\d|49999\d) of 30 steps\n$/)]);
  });
  test('inputs can be set, constants not', async () => {
    expect((await flowc('exec', packed(), 'show', '--set', 'start=3', '--target', 'cpu')).out).toBe(
      'start 3\n',
    );
    const { status, err } = await flowc('exec', packed(), '--set', 'N=8');
    expect(status).toBe(1);
    expect(err).toContain('the package has no input `N`: it was fixed at 30 when it was built');
    expect((await flowc('exec', packed(), '--set', 'start=much')).err).toContain('an input is a number');
  });
  test('the same program gives the same package', async () => {
    const again = shared.scratch.path('again.flowpkg');
    await flowc('build', shared.program, '-o', again, '--set', 'N=30');
    expect(readFileSync(again).equals(readFileSync(packed()))).toBe(true);
  });
  test('what is no package, or has another extension', async () => {
    expect((await flowc('exec', shared.program)).err).toContain('is no package of flowc');
    expect((await flowc('build', shared.program, '-o', 'a.zip')).err).toContain('R133');
  });
  test.each(dumpStages)('--dump %s prints that stage', async (stage) => {
    const { status, out } = await flowc('build', shared.program, '--dump', stage);
    const marks = {
      tokens: /^1:|^2:1 +/m,
      ast: /"kind": "declaration"/,
      array: /^function .*fall|^function /m,
      adjoint: /^function .*step/m,
      kernels: /^kernel /m,
      wgsl: /@compute/,
      wat: /\(module/,
      plan: /^procedure /m,
    } as const;
    expect([status, out]).toEqual([0, expect.stringMatching(marks[stage])]);
  });
});

describe('flowc check and explain', () => {
  test('a right program', async () => {
    const { program } = shared;
    expect(await flowc('check', program)).toEqual({ status: 0, out: `${program}: no errors\n`, err: '' });
    expect(JSON.parse((await flowc('check', program, '--json')).out)).toEqual({ ok: true, diagnostics: [] });
  });
  test('all errors of a wrong one, in the order of the file', async () => {
    const path = shared.scratch.file(
      'two.flow',
      'let a = sine(1)\nlet b = cosine(2)\nrun { print "{a + b}" }\n',
    );
    const { status, err } = await flowc('check', path);
    expect(status).toBe(1);
    const [first, second] = [err.indexOf('sine'), err.indexOf('cosine')];
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(first);
  });
  test('explain tells kernels a step and bytes', async () => {
    const { status, out } = await flowc('explain', shared.program, '--memory');
    expect(status).toBe(0);
    expect(out).toMatch(/^decay: f32, \d+ kernels, /);
    expect(out).toMatch(/variable {2}param\.rate/);
    const document = JSON.parse((await flowc('explain', shared.program, '--json')).out);
    expect(document).toMatchObject({ ok: true, name: 'decay', precision: 'f32' });
  });
});
