import fc from 'fast-check';
import { expect, test } from 'vitest';
import { showNumber } from '../../compiler/support/number_text.ts';

test.each<[number, number | undefined, string]>([
  [0, undefined, '0'],
  [-0, undefined, '0'],
  [3, undefined, '3'],
  [1234567, undefined, '1234567'],
  [1e15, undefined, '1e15'],
  [0.1 + 0.2, undefined, '0.3'],
  [1 / 3, undefined, '0.333333'],
  [1 / 3, 2, '0.33'],
  [2.5, 1, '3'],
  [0.001, undefined, '0.001'],
  [2.4e-4, undefined, '2.4e-4'],
  [-1.5e-9, undefined, '-1.5e-9'],
  [123456.7, undefined, '123457'],
  [1234567.8, undefined, '1.23457e6'],
  [1234, 3, '1230'],
  [99.9999999, undefined, '100'],
  [NaN, undefined, 'NaN'],
  [-Infinity, undefined, '-Infinity'],
])('%d with %s digits is %s', (x, digits, text) => {
  expect(showNumber(x, digits)).toBe(text);
});

test('what is shown is the number to that many digits', () => {
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: 1, max: 17 }),
      (x, digits) => {
        expect(Number(showNumber(x, digits))).toBe(Number(x.toPrecision(digits)) + 0);
      },
    ),
  );
});
