import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { didYouMean, editDistance } from '../../compiler/support/did_you_mean.ts';

describe('the distance', () => {
  it.each([
    ['state', 'state', 0],
    ['sate', 'state', 1],
    ['satte', 'state', 1],
    ['minimise', 'minimize', 1],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['ca', 'abc', 3],
  ])('of %s and %s is %i', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  it('is symmetric, zero for equals only, at most the longer length', () => {
    const short = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(short, short, (a, b) => {
        const d = editDistance(a, b);
        expect(editDistance(b, a)).toBe(d);
        expect(d === 0).toBe(a === b);
        expect(d).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

describe('did you mean', () => {
  it('offers the nearest within a third of the length', () => {
    expect(didYouMean('boundry', ['monitor', 'boundary', 'event'])).toBe('boundary');
    expect(didYouMean('lgo', ['log', 'lag'])).toBe('log');
    expect(didYouMean('T', ['t', 'x'])).toBe(undefined);
    expect(didYouMean('RK4', ['euler', 'rk4'])).toBe('rk4');
    expect(didYouMean('alpha', ['omega', 'gamma'])).toBe(undefined);
    expect(didYouMean('same', ['same'])).toBe(undefined);
  });
});
