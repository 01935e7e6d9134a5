import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { forwardSteps, revolveActions, snapshotPositions } from '../../compiler/support/revolve.ts';

/** Carries the schedule out on the integers (the state of step i is i) and counts; throws when an action does not fit. */
function execute(
  length: number,
  slots: number,
): { advanced: number; reversed: number; restores: number; most: number } {
  const held = new Map<number, number>();
  snapshotPositions(length, slots).forEach((step, slot) => held.set(slot, step));
  let most = held.size;
  let state: number | undefined;
  let next = length - 1;
  let advanced = 0;
  let restores = 0;
  for (const action of revolveActions(length, slots)) {
    switch (action.kind) {
      case 'restore':
        state = held.get(action.slot);
        restores++;
        if (state === undefined) throw new Error(`slot ${action.slot} is empty`);
        break;
      case 'advance':
        if (state !== action.from || action.to <= action.from) throw new Error('advance from another state');
        advanced += action.to - action.from;
        state = action.to;
        break;
      case 'store':
        if (state !== action.step || action.slot >= slots) throw new Error('store of another state');
        for (const slot of [...held.keys()]) if (slot > action.slot) held.delete(slot);
        held.set(action.slot, action.step);
        most = Math.max(most, held.size);
        break;
      case 'backward':
        if (state !== action.step || action.step !== next) throw new Error('backward out of order');
        next--;
    }
  }
  return { advanced, reversed: length - 1 - next, restores, most };
}

/** Least number of steps recomputed, by exhaustive recursion, independent of any formula. */
function bruteForce(): (length: number, slots: number) => number {
  const known = new Map<string, number>();
  /** Reverse m steps, the first of them held in the first of k slots, nothing else known. */
  const full = (m: number, k: number): number => {
    if (m <= 1) return 0;
    if (k === 1) return (m * (m - 1)) / 2;
    const key = `${m},${k}`;
    let best = known.get(key);
    if (best === undefined) {
      best = Infinity;
      for (let j = 1; j < m; j++) best = Math.min(best, j + full(m - j, k - 1) + full(j, k));
      known.set(key, best);
    }
    return best;
  };
  /** The same, when a sweep that costs nothing may fill the remaining slots. */
  const free = (m: number, k: number): number => {
    if (k === 1 || m <= 1) return full(m, k);
    let best = Infinity;
    for (let j = 1; j < m; j++) best = Math.min(best, free(m - j, k - 1) + full(j, k));
    return best;
  };
  return free;
}

describe('binomial checkpointing', () => {
  test('reverses every step once, within the slots, at the predicted cost', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1, max: 60 }), (length, slots) => {
        const run = execute(length, slots);
        expect(run.reversed).toBe(length);
        expect(run.most).toBeLessThanOrEqual(slots);
        expect(run.advanced).toBe(forwardSteps(length, slots));
      }),
      { numRuns: 300 },
    );
  });

  test('the number of recomputed steps is the least possible', () => {
    const least = bruteForce();
    for (let length = 1; length <= 26; length++)
      for (let slots = 1; slots <= Math.min(6, length); slots++)
        expect([length, slots, forwardSteps(length, slots)]).toEqual([length, slots, least(length, slots)]);
  });

  test('is the closed formula of Griewank and Walther for one step more, less the first sweep', () => {
    const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);
    for (const slots of [1, 2, 3, 5, 10])
      for (const length of [1, 7, 50, 333]) {
        if (slots >= length) continue;
        let r = 0;
        while (choose(slots + r, slots) < length + 1) r++;
        const textbook = r * (length + 1) - (r > 0 ? choose(slots + r, slots + 1) : 0);
        expect(forwardSteps(length, slots)).toBe(textbook - length);
      }
  });

  test('positions: ascending, start at 0, as many as asked for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 300 }), (length, slots) => {
        const positions = snapshotPositions(length, slots);
        expect(positions.length).toBe(Math.min(slots, length));
        expect(positions[0]).toBe(0);
        positions.forEach((step, i) => expect(step).toBeGreaterThan(positions[i - 1] ?? -1));
        expect(positions.at(-1)).toBeLessThan(length);
      }),
    );
  });

  test('one slot is quadratic, enough slots recompute nothing', () => {
    expect(forwardSteps(100, 1)).toBe(4950);
    expect(execute(100, 1).advanced).toBe(4950);
    expect(forwardSteps(100, 100)).toBe(0);
    expect([...revolveActions(4, 9)].filter((a) => a.kind === 'backward').map((a) => a.step)).toEqual([
      3, 2, 1, 0,
    ]);
  });

  test('a million steps', () => {
    const run = execute(1_000_000, 200);
    expect(run.reversed).toBe(1_000_000);
    expect(run.advanced).toBe(forwardSteps(1_000_000, 200));
    expect(run.advanced).toBeLessThan(3_000_000);
  });
});
