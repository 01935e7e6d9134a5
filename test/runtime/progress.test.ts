// Progress: what is said, when, and where.

import { describe, expect, test } from 'vitest';
import type { Progress } from '../../runtime/progress.ts';
import {
  create_progress,
  formatDuration,
  formatProgress,
  formatRate,
  rateOf,
  shorten,
} from '../../runtime/progress.ts';

/** A stream that remembers, and a clock that is set by hand. */
function stage(
  isTTY: boolean,
  quiet = false,
): { written: string[]; clock: { time: number }; progress: Progress } {
  const written: string[] = [];
  const clock = { time: 100 };
  const stream = { isTTY, columns: 60, write: (text: string) => written.push(text) };
  return { written, clock, progress: create_progress({ stream, quiet, now: () => clock.time }) };
}

describe('a terminal', () => {
  test('one line is rewritten, at most ten times a second, and ended at the end', () => {
    const { written, clock, progress } = stage(true);
    for (let done = 0; done <= 100; done += 1) {
      progress.update({ label: 'minimize misfit', done, total: 100 });
      clock.time += 0.02;
    }
    progress.finish();
    const lines = written.filter((text) => text.startsWith('\r\u001b[K'));
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.length).toBeLessThan(23);
    expect(lines.at(-1)).toContain('100/100  100 %');
    expect(written.at(-1)).toBe('\n');
    expect(written.filter((text) => text.includes('\n'))).toEqual(['\n']);
  });

  test('the line gives way to what is printed, and comes back', () => {
    const { written, clock, progress } = stage(true);
    progress.update({ label: 'a', done: 1, total: 9 });
    clock.time += 1;
    progress.update({ label: 'a', done: 2, total: 9 });
    const before = written.length;
    progress.interrupt(() => written.push('printed\n'));
    expect(written.slice(before, before + 2)).toEqual(['\r\u001b[K', 'printed\n']);
    expect(written.at(-1)).toContain('2/9');
  });

  test('a line is never longer than the terminal', () => {
    const { written, clock, progress } = stage(true);
    progress.update({ label: 'x'.repeat(100), done: 1 });
    clock.time += 1;
    progress.update({ label: 'x'.repeat(100), done: 2 });
    expect(written.at(-1)?.replace('\r\u001b[K', '')).toHaveLength(59);
  });
});

describe('a log', () => {
  test('plain lines after 2 s and then every 10 s, without control characters', () => {
    const { written, clock, progress } = stage(false);
    for (let done = 0; done <= 300; done += 1) {
      progress.update({ label: 'solve', done, total: 300 });
      clock.time += 0.1;
    }
    progress.finish();
    expect(written).toHaveLength(4);
    expect(written.every((line) => /^solve {2}\d+\/300 {2}\d+ %.*\n$/.test(line))).toBe(true);
    expect(written.at(-1)).toContain('300/300');
  });

  test('what is over in a moment leaves no line', () => {
    const { written, progress } = stage(false);
    progress.update({ label: 'solve', done: 1, total: 1 });
    progress.finish();
    expect(written).toEqual([]);
  });

  test('quiet is silent', () => {
    const { written, clock, progress } = stage(true, true);
    progress.update({ label: 'solve', done: 1, total: 2 });
    clock.time += 60;
    progress.update({ label: 'solve', done: 2, total: 2 });
    progress.finish();
    expect(written).toEqual([]);
  });
});

describe('texts', () => {
  test('durations in two units at most', () => {
    const durations = [0.04, 3.14, 9.96, 59.4, 60, 200, 3600, 7505, 100_000, Infinity];
    expect(durations.map(formatDuration)).toEqual([
      '0.0 s',
      '3.1 s',
      '10 s',
      '59 s',
      '1 min',
      '3 min 20 s',
      '1 h',
      '2 h 5 min',
      '1 d 3 h',
      'forever',
    ]);
  });

  test('rates in three digits', () => {
    expect([0.2468, 35.17, 12345, 3e9].map(formatRate)).toEqual([
      '0.247 steps/s',
      '35.2 steps/s',
      '12,300 steps/s',
      '3.00e+9 steps/s',
    ]);
  });

  test('a report has its rate, what is left, and a note', () => {
    const report = { label: 'minimize misfit', done: 120, total: 300, note: 'misfit 0.0012' };
    expect(formatProgress(report, 4, 36)).toBe(
      'minimize misfit  120/300  40 %  36 steps/s  5.0 s left  misfit 0.0012',
    );
    expect(formatProgress({ label: 'solve', done: 7 }, 4, undefined)).toBe('solve  7 steps');
    expect(formatProgress({ label: 'solve', done: 9, total: 9 }, 65, 2)).toContain('1 min 5 s in all');
  });

  test('a rate needs time and progress', () => {
    expect(rateOf([])).toBeUndefined();
    expect(rateOf([{ time: 1, done: 5 }])).toBeUndefined();
    expect(
      rateOf([
        { time: 1, done: 5 },
        { time: 3, done: 25 },
      ]),
    ).toBe(10);
  });

  test('shorten', () => {
    expect(shorten('abcdef', 4)).toBe('abc…');
    expect(shorten('abc', 4)).toBe('abc');
  });
});
