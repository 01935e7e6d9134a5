// Binomial checkpointing: which states of a loop of `length` steps to keep in `slots` places, and in which order to recompute the others, so that every
// step can be visited backwards with the fewest recomputed steps.
//
// The setting differs from the textbook in one point: a forward sweep through ALL steps has already run (it is the loop itself) and has stored the carry-in
// of the steps `snapshotPositions`; the state it ends with is behind the last step and of no use. That is the textbook problem for length + 1 steps whose
// last one is free, so the optimum is known in closed form (`forwardSteps`).
//
// Invariants: slot 0 holds step 0 throughout; never more than `slots` states are held; every step is reversed once, from length-1 to 0.
// Source: A. Griewank, A. Walther, "Algorithm 799: revolve", ACM TOMS 26 (2000); beta(s, r) = C(s + r, s) steps are reversible with s slots when no step is
// run forward more than r times.

import { InternalError } from './diagnostic.ts';

export type RevolveAction =
  /** The current state becomes the one in `slot`. */
  | { readonly kind: 'restore'; readonly slot: number }
  /** Runs steps from .. to-1 forwards: the current state, carry-in of `from`, becomes the carry-in of `to`. */
  | { readonly kind: 'advance'; readonly from: number; readonly to: number }
  /** Copies the current state, carry-in of `step`, into `slot`. */
  | { readonly kind: 'store'; readonly slot: number; readonly step: number }
  /** Reverses `step`; the current state is its carry-in. */
  | { readonly kind: 'backward'; readonly step: number };

function check(length: number, slots: number): void {
  if (!Number.isInteger(length) || length < 0 || !Number.isInteger(slots) || slots < 1)
    throw new InternalError('revolve', `length ${length}, slots ${slots}`);
}

/** C(s + r, s), 0 for r < 0. Exact: every partial product is a binomial coefficient. */
function beta(s: number, r: number): number {
  if (r < 0) return 0;
  let value = 1;
  const [few, many] = s < r ? [s, r] : [r, s];
  for (let i = 1; i <= few; i++) value = (value * (many + i)) / i;
  return value;
}

/** The least r with beta(s, r) >= steps: how often the busiest step runs forwards. */
function repetitions(steps: number, s: number): number {
  if (s === 1) return Math.max(0, steps - 1);
  let r = 0;
  let reach = 1;
  while (reach < steps) {
    r++;
    reach = (reach * (s + r)) / r;
  }
  return r;
}

/**
 * The steps whose carry-in the first sweep stores, ascending, step 0 first: min(slots, length) of them, in the optimal places.
 * With k slots left, m steps cost t(m, k), convex in m with slope r on beta(k, r-1) < m <= beta(k, r): the optimum fills all segments up to one slope.
 */
export function snapshotPositions(length: number, slots: number): readonly number[] {
  check(length, slots);
  if (slots >= length) return Array.from({ length }, (_, step) => step);
  const r = repetitions(length + 1, slots) - 1;
  // Segment k is reversed with k slots; segment `slots` comes first in time.
  const least = segmentLengths(slots, r - 1);
  const most = segmentLengths(slots, r);
  let spare = length - least.reduce((sum, m) => sum + m, 0);
  const positions: number[] = [];
  let position = 0;
  for (let k = slots; k >= 1; k--) {
    positions.push(position);
    const floor = least[k - 1] ?? 0;
    const extra = Math.min(spare, (most[k - 1] ?? 0) - floor);
    spare -= extra;
    position += floor + extra;
  }
  return positions;
}

/** beta(k, r) for k = 1 .. slots, by Pascal's recurrence: beta(k, r) = beta(k-1, r) * (k + r) / k. */
function segmentLengths(slots: number, r: number): number[] {
  const lengths: number[] = [];
  let value = r < 0 ? 0 : 1;
  for (let k = 1; k <= slots; k++) {
    value = (value * (k + r)) / k;
    lengths.push(value);
  }
  return lengths;
}

/** The number of steps run forwards again, beside the loop itself, when `revolveActions` is carried out. */
export function forwardSteps(length: number, slots: number): number {
  check(length, slots);
  if (slots >= length) return 0;
  if (slots === 1) return (length * (length - 1)) / 2;
  const r = repetitions(length + 1, slots) - 1;
  return r * (length + 1) + 1 - beta(slots + 1, r);
}

/** The reverse sweep as actions, to be carried out with the slots filled at `snapshotPositions(length, slots)`. Lazy: O(slots) memory. */
export function* revolveActions(length: number, slots: number): Generator<RevolveAction, void, undefined> {
  check(length, slots);
  const held = [...snapshotPositions(length, slots)];
  let end = length;
  /** The step whose carry-in is the current state. */
  let state = -1;
  for (let step = held.at(-1); step !== undefined && end > 0; step = held.at(-1)) {
    const slot = held.length - 1;
    if (state !== step) yield { kind: 'restore', slot };
    state = step;
    const steps = end - step;
    const places = slots - slot;
    if (steps > 1 && places > 1) {
      const to = step + splitAt(steps, places);
      yield { kind: 'advance', from: step, to };
      yield { kind: 'store', slot: slot + 1, step: to };
      held.push(to);
      state = to;
      continue;
    }
    if (steps > 1) yield { kind: 'advance', from: step, to: end - 1 };
    end--;
    state = end;
    yield { kind: 'backward', step: end };
    if (end === step) held.pop();
  }
}

/** How far to advance before storing, when `steps` > 1 are to be reversed with `places` > 1 slots, the first of which holds their start. */
function splitAt(steps: number, places: number): number {
  const r = repetitions(steps, places);
  return Math.min(beta(places, r - 1), steps - beta(places - 1, r - 1));
}
