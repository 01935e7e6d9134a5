// Axes of numbers: round ticks, honest labels, any range of doubles.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Range, Ticks } from '../../../runtime/picture/ticks.ts';
import {
  drawable_range,
  finiteRange,
  formatNumber,
  fraction,
  log_ticks,
  nice_ticks,
  padded_range,
} from '../../../runtime/picture/ticks.ts';

/** The number a label and the note of its axis stand for. */
function valueOf(label: string, note: string): number {
  const plain = (text: string | undefined): string => (text ?? '0').replaceAll('−', '-');
  const match = /^(?:×10\^\{(.*?)\})?\s*(?:([+−]) ([\d.]+)(?:×10\^\{(.*?)\})?)?$/.exec(note);
  if (!match) throw new Error(`unreadable note "${note}"`);
  const [, power, sign, offset, offsetPower] = match;
  const base = Number(`${plain(offset)}e${plain(offsetPower)}`) * (sign === '−' ? -1 : 1);
  return Number(`${plain(label)}e${plain(power)}`) + base;
}

function expectHonest(ticks: Ticks, tolerance: number): void {
  expect(ticks.labels).toHaveLength(ticks.values.length);
  expect(new Set(ticks.labels).size).toBe(ticks.values.length);
  ticks.values.forEach((value, i) => {
    expect(Math.abs(valueOf(ticks.labels[i] ?? '', ticks.note) - value)).toBeLessThanOrEqual(tolerance);
  });
}

describe('nice_ticks', () => {
  const known: readonly (readonly [Range, number, readonly string[], string])[] = [
    [{ low: 0, high: 1 }, 6, ['0.0', '0.2', '0.4', '0.6', '0.8', '1.0'], ''],
    [{ low: 0, high: 10 }, 5, ['0', '5', '10'], ''],
    [{ low: -1, high: 1 }, 5, ['−1.0', '−0.5', '0.0', '0.5', '1.0'], ''],
    [{ low: 0.1, high: 0.7 }, 9, ['0.1', '0.2', '0.3', '0.4', '0.5', '0.6', '0.7'], ''],
    [{ low: 300, high: 340 }, 5, ['300', '310', '320', '330', '340'], ''],
    [{ low: 0, high: 4e-7 }, 6, ['0', '1', '2', '3', '4'], '×10^{−7}'],
    [{ low: 0, high: 3e5 }, 4, ['0', '1', '2', '3'], '×10^{5}'],
    [
      { low: 101325 - 0.001, high: 101325 + 0.001 },
      5,
      ['−0.0010', '−0.0005', '0.0000', '0.0005', '0.0010'],
      '+ 101325',
    ],
  ];
  test.each(known)('%j with at most %i ticks', (range, most, labels, note) => {
    const ticks = nice_ticks(range, most);
    expect(ticks.labels).toEqual(labels);
    expect(ticks.note).toBe(note);
  });

  test('0.3 is 0.3', () => {
    expect(nice_ticks({ low: 0, high: 0.5 }, 6).values).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
  });

  test('a range of any size has few, rising, round ticks inside it, and labels that say their values', () => {
    const ends = fc.tuple(
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.double({ min: 1e-6, max: 2, noNaN: true }),
      fc.integer({ min: -290, max: 300 }),
      fc.integer({ min: 2, max: 12 }),
    );
    fc.assert(
      fc.property(ends, ([low, width, exponent, most]) => {
        const scale = 10 ** exponent;
        const range = drawable_range({ low: low * scale, high: (low + width) * scale });
        const ticks = nice_ticks(range, most);
        expect(ticks.values.length).toBeGreaterThanOrEqual(1);
        expect(ticks.values.length).toBeLessThanOrEqual(Math.max(most, 7));
        const length = range.high - range.low;
        ticks.values.forEach((value, i) => {
          expect(value).toBeGreaterThanOrEqual(range.low - 1e-6 * length);
          expect(value).toBeLessThanOrEqual(range.high + 1e-6 * length);
          if (i > 0) expect(value).toBeGreaterThan(ticks.values[i - 1] ?? Infinity);
        });
        const largest = Math.max(Math.abs(range.low), Math.abs(range.high));
        expectHonest(ticks, largest * 1e-12);
      }),
      { numRuns: 400 },
    );
  });

  test('the whole range of doubles has ticks', () => {
    const ticks = nice_ticks({ low: -Number.MAX_VALUE, high: Number.MAX_VALUE }, 8);
    expect(ticks.values.every(Number.isFinite)).toBe(true);
    expect(ticks.note).toBe('×10^{308}');
    expectHonest(ticks, 1e295);
  });
});

describe('ranges', () => {
  test('only finite values count', () => {
    expect(finiteRange(Float64Array.of(NaN, 2, -Infinity, 1, Infinity))).toEqual({ low: 1, high: 2 });
    expect(finiteRange(Float64Array.of(NaN, Infinity))).toBeUndefined();
    expect(finiteRange(new Float64Array(0))).toBeUndefined();
  });

  test('one value gets a range around it, whatever it is', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const range = drawable_range({ low: value, high: value });
        expect(range.high).toBeGreaterThan(range.low);
        expect(Number.isFinite(range.low) && Number.isFinite(range.high)).toBe(true);
        if (Math.abs(value) >= 1e-300) {
          expect(range.low).toBeLessThanOrEqual(value);
          expect(range.high).toBeGreaterThanOrEqual(value);
        }
      }),
    );
  });

  test('places run from 0 to 1 without overflow', () => {
    const all = { low: -Number.MAX_VALUE, high: Number.MAX_VALUE };
    expect(fraction(-Number.MAX_VALUE, all)).toBe(0);
    expect(fraction(0, all)).toBe(0.5);
    expect(fraction(Number.MAX_VALUE, all)).toBe(1);
    expect(padded_range(all, 0.1)).toEqual(all);
    expect(fraction(NaN, { low: 0, high: 1 })).toBeNaN();
  });
});

describe('logarithmic ticks', () => {
  test('are powers of ten, thinned when there are many', () => {
    expect(log_ticks({ low: 1e-3, high: 100 }, 8).labels).toEqual([
      '10^{−3}',
      '10^{−2}',
      '10^{−1}',
      '1',
      '10',
      '100',
    ]);
    expect(log_ticks({ low: 1e-20, high: 1 }, 6).values.length).toBeLessThanOrEqual(6);
    expect(log_ticks({ low: 2, high: 7 }, 6).labels).toEqual(['2', '3', '4', '5', '6', '7']);
  });
});

test('formatNumber', () => {
  expect([0, 1, -0.125, 1234.5678, 123456, 1.2e-7, NaN, -Infinity].map(formatNumber)).toEqual([
    '0',
    '1',
    '−0.125',
    '1235',
    '1.235×10^{5}',
    '1.2×10^{−7}',
    'NaN',
    '−∞',
  ]);
});
