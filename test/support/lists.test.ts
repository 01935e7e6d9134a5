import { describe, expect, it } from 'vitest';
import { InternalError } from '../../compiler/support/diagnostic.ts';
import { at, get, last, range, spoken, zip } from '../../compiler/support/lists.ts';

describe('lists', () => {
  it('give what is there and refuse what is not', () => {
    expect(at([1, 2, 3], 0)).toBe(1);
    expect(at([1, 2, 3], -1)).toBe(3);
    expect(last(['a', 'b'])).toBe('b');
    expect(() => at([1], 1)).toThrow(InternalError);
    expect(() => at([1], 0.5)).toThrow(InternalError);
    expect(() => last([])).toThrow(InternalError);
    expect(get(new Map([['a', 1]]), 'a')).toBe(1);
    expect(() => get(new Map<string, number>(), 'a')).toThrow(InternalError);
  });

  it('count, pair and speak', () => {
    expect(range(3)).toEqual([0, 1, 2]);
    expect(zip([1, 2], ['a', 'b'])).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
    expect(() => zip([1], [])).toThrow(InternalError);
    expect([spoken([]), spoken(['a']), spoken(['a', 'b', 'c'], 'or')]).toEqual(['', 'a', 'a, b or c']);
  });
});
