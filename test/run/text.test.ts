// Values as text: numbers, arrays, and complex numbers as pairs.

import { expect, test } from 'vitest';
import { showValue } from '../../runtime/run/text.ts';

test('arrays by their shape, long ones by their beginning', () => {
  expect(showValue(Float64Array.of(1, 2, 3, 4), [2, 2], 'real')).toBe('[[1, 2], [3, 4]]');
  expect(
    showValue(
      Float64Array.from({ length: 20 }, (_, i) => i),
      [20],
      'int',
    ),
  ).toBe('[0, 1, 2, … (20 values)]');
  expect(showValue(Float64Array.of(1), [], 'bool')).toBe('true');
});

test('complex numbers', () => {
  expect(showValue(Float64Array.of(1.25, -2), [2], 'complex')).toBe('1.25 - 2i');
  expect(showValue(Float64Array.of(1.25, -2.125), [2], 'complex', 2)).toBe('1.3 - 2.1i');
  expect(showValue(Float64Array.of(0, 1, 2, 0), [2, 2], 'complex')).toBe('[0 + 1i, 2 + 0i]');
  expect(showValue(Float64Array.of(1, 2, 3, 4), [2, 1, 2], 'complex')).toBe('[[1 + 2i], [3 + 4i]]');
  expect(showValue(new Float64Array(40), [4, 5, 2], 'complex')).toBe(
    '[0 + 0i, 0 + 0i, 0 + 0i, … (4 × 5 values)]',
  );
  expect(showValue(Float64Array.of(0, -0), [2], 'complex')).toBe('0 - 0i');
});
