// How many iterations to hand over at once. In: how long the last batches took. Out: the length of the next, so that a batch takes about a third of a second: long enough that the host
// does not matter, short enough that Ctrl-C, logs and the progress line come soon. A batch never crosses a multiple of an interval.

/** Seconds of a batch that are aimed at. */
const targetSeconds = 0.3;
/** The length at most grows by this factor from one batch to the next: the first ones hold warm-up. */
const fastestGrowth = 4;

export interface Batches {
  /** Length of the batch that starts when `done` of `total` iterations are made. */
  next(done: number, total: number): number;
  measured(iterations: number, seconds: number): void;
}

export function createBatches(intervals: readonly number[]): Batches {
  let length = 1;
  return {
    next(done, total) {
      const boundaries = intervals.filter((n) => n > 0).map((n) => (Math.floor(done / n) + 1) * n);
      return Math.min(length, total - done, ...boundaries.map((b) => b - done));
    },
    measured(iterations, seconds) {
      const wanted = seconds > 0 ? (iterations * targetSeconds) / seconds : Infinity;
      // A batch cut short by an interval says how fast it is, but must not hold the length down.
      const most = Math.max(length, iterations) * fastestGrowth;
      length = Math.max(1, Math.floor(Math.min(wanted, most)));
    },
  };
}
