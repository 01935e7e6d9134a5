// The Taylor test of a gradient. In: a loss along a line, L(h) = loss(p + h v), and the slope g = dL/dh at 0 that is to be judged. Out: the sweep of steps, and a verdict.
//
// With an exact gradient the remainder R(h) = |L(h) - L(0) - h g| falls as h^2; an error d of the gradient adds h |d|, which shows as slope 1 at SMALL h, right above the rounding noise.
// So the slope is fitted over the smallest steps whose remainder stands clear of the noise, and the noise is measured, not assumed: it is the remainder at steps so small that h^2
// cannot matter. A slope that is not 2 has two causes: h^3 is seen, because the second derivative is small along v or the noise leaves only large steps (which says nothing against the
// gradient), or h d is. A fit of the signed remainder by d h + b h^2 + c h^3 tells them apart. What rounding hides is called unclear, never passed.
// Source: Farrell, Ham, Funke, Rognes 2013, SIAM J. Sci. Comput. 35(4), §6.1 (Taylor remainder convergence).

import { at } from '../../compiler/support/lists.ts';

export interface TaylorPoint {
  readonly h: number;
  /** L(h). */
  readonly loss: number;
  /** |L(h) - L(0) - h g|. */
  readonly remainder: number;
  /** Whether the fit used it. */
  readonly used: boolean;
}

export interface TaylorProblem {
  readonly lossAt: (h: number) => Promise<number>;
  /** L(0). */
  readonly loss: number;
  /** g. */
  readonly slope: number;
  /** The step that changes the parameters by about their own size. */
  readonly scale: number;
  readonly precision: 'f32' | 'f64';
}

export interface TaylorResult {
  readonly verdict: 'pass' | 'linear' | 'flat' | 'unclear' | 'fail';
  /** Fitted slope, and the range of h. */
  readonly slope?: number;
  readonly from?: number;
  readonly to?: number;
  /** The slope is not 2 because of terms of higher order; the linear part is rounding. */
  readonly mixed?: boolean;
  /** Remainder, relative to h |g|, at the smallest step of the fit (or the largest step of all when nothing was fitted): bounds the relative error of the gradient. */
  readonly relative: number;
  /** Rounding noise of the loss. */
  readonly noise: number;
  /** Ascending in h. */
  readonly table: readonly TaylorPoint[];
}

interface Sample {
  readonly h: number;
  readonly loss: number;
  /** L(h) - L(0) - h g. */
  readonly signed: number;
  readonly remainder: number;
}

interface Sweep {
  /** Largest step tried at first, relative to the scale. */
  readonly first: number;
  readonly ratio: number;
  /** Steps at which the remainder is rounding alone. */
  readonly tiny: readonly number[];
  readonly rounding: number;
  /** Relative error of a gradient that rounding alone can explain. */
  readonly excusable: number;
}

const sweeps: { readonly [P in 'f32' | 'f64']: Sweep } = {
  f64: {
    first: 0.1,
    ratio: Math.sqrt(10),
    tiny: [1e-12, 2.3e-12, 4.1e-12],
    rounding: 2 ** -53,
    excusable: 1e-8,
  },
  f32: { first: 0.25, ratio: 2, tiny: [3e-6, 5.3e-6, 8.1e-6], rounding: 2 ** -24, excusable: 1e-3 },
};

/** A remainder counts when it is this many times the noise. */
const clearance = 30;
/** Remainders this many times the noise still tell a slope of 2 from one of 1. */
const nearNoise = 3;
const leastLocalSlope = 1.5;
/** A fit spans at least this factor in h, and three points. */
const narrowest = 7.9;
const leastPoints = 3;
const mostPoints = 26;
/** The slope may miss 2 by this much. */
const slopeTolerance = 0.1;
/** Beyond this share of the remainder at the smallest step, a linear term is no rounding. */
const largestLinearShare = 0.15;

/** Evaluates the loss 10 to 25 times. */
export async function taylorTest(problem: TaylorProblem): Promise<TaylorResult> {
  const sweep = sweeps[problem.precision];
  const sample = async (h: number): Promise<Sample> => {
    const loss = await problem.lossAt(h);
    const signed = loss - problem.loss - h * problem.slope;
    return { h, loss, signed, remainder: Math.abs(signed) };
  };
  const tiny: Sample[] = [];
  for (const h of sweep.tiny) tiny.push(await sample(h * problem.scale));
  const noise = Math.max(
    sweep.rounding * Math.abs(problem.loss),
    ...tiny.map((s) => s.remainder).filter(Number.isFinite),
  );
  const samples = await sweepSteps(problem, sweep, sample, noise);
  return judge(problem, sweep, samples, noise);
}

async function sweepSteps(
  problem: TaylorProblem,
  sweep: Sweep,
  sample: (h: number) => Promise<Sample>,
  noise: number,
): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  const smallest = at(sweep.tiny, -1) * 4;
  let hidden = 0;
  for (let h = sweep.first; h > smallest && hidden < 2 && samples.length < mostPoints; h /= sweep.ratio) {
    const s = await sample(h * problem.scale);
    if (!Number.isFinite(s.remainder)) continue;
    hidden = s.remainder > clearance * noise ? 0 : hidden + 1;
    samples.unshift(s);
  }
  // Too little stands clear of the noise: larger steps, as long as the loss exists there.
  for (let h = sweep.first * sweep.ratio; h <= 10; h *= sweep.ratio) {
    if (wideEnough(clearOf(samples, noise))) break;
    const s = await sample(h * problem.scale);
    if (!Number.isFinite(s.remainder)) break;
    samples.push(s);
  }
  return samples;
}

/** The samples that stand clear of the noise. One between them that does not is a change of sign, which is how an error of the gradient can hide. */
function clearOf(samples: readonly Sample[], noise: number): readonly Sample[] {
  return samples.filter((s) => s.remainder > clearance * noise);
}

function wideEnough(samples: readonly Sample[]): boolean {
  return samples.length >= leastPoints && at(samples, -1).h / at(samples, 0).h >= narrowest;
}

function judge(
  problem: TaylorProblem,
  sweep: Sweep,
  samples: readonly Sample[],
  noise: number,
): TaylorResult {
  const clear = clearOf(samples, noise);
  const table = (used: readonly Sample[]): readonly TaylorPoint[] =>
    samples.map((s) => ({ h: s.h, loss: s.loss, remainder: s.remainder, used: used.includes(s) }));
  const relativeAt = (s: Sample): number => s.remainder / Math.abs(s.h * problem.slope);
  if (!wideEnough(clear)) return unfitted(problem, sweep, samples, clear, noise, table([]));

  let count = leastPoints;
  while (!wideEnough(clear.slice(0, count))) count++;
  let window: readonly Sample[] = clear.slice(0, count);
  let slope = fittedSlope(window);
  const relative = relativeAt(at(window, 0));
  if (Math.abs(slope - 2) <= slopeTolerance) {
    for (; count < clear.length; count++) {
      const wider = clear.slice(0, count + 1);
      const widerSlope = fittedSlope(wider);
      const local = fittedSlope(wider.slice(-2));
      if (Math.abs(widerSlope - 2) > slopeTolerance / 2 || Math.abs(local - 2) > 1.5 * slopeTolerance) break;
      [window, slope] = [wider, widerSlope];
    }
  }
  const second = Math.abs(slope - 2) <= slopeTolerance;
  const small = second ? undefined : smallestFalling(samples, noise);
  if (small !== undefined && linearShare(window) >= largestLinearShare) {
    window = small;
    slope = fittedSlope(small);
  }
  const mixed = !second && (small !== undefined || linearShare(window) < largestLinearShare);
  const verdict =
    second || mixed ? 'pass' : errorBound(problem, samples, noise) < sweep.excusable ? 'unclear' : 'fail';
  return {
    verdict,
    slope,
    from: at(window, 0).h,
    to: at(window, -1).h,
    mixed,
    relative,
    noise,
    table: table(window),
  };
}

/**
 * The smallest steps near the noise, when the remainder falls there by much more than the step: a loss with kinks, such as a mean over paths that end above or below a bound, is smooth on
 * small scales only. An error of the gradient would show there as slope 1.
 */
function smallestFalling(samples: readonly Sample[], noise: number): readonly Sample[] | undefined {
  const near = samples.filter((s) => s.remainder > nearNoise * noise).slice(0, 3);
  const falls = near.slice(1).every((s, i) => fittedSlope([at(near, i), s]) > leastLocalSlope);
  return near.length === 3 && falls ? near : undefined;
}

/** No range of steps whose remainder can be fitted. */
function unfitted(
  problem: TaylorProblem,
  sweep: Sweep,
  samples: readonly Sample[],
  clear: readonly Sample[],
  noise: number,
  table: readonly TaylorPoint[],
): TaylorResult {
  const largest = samples.at(-1);
  if (largest === undefined) return { verdict: 'unclear', relative: NaN, noise, table };
  const predicted = Math.abs(largest.h * problem.slope);
  const relative = largest.remainder / predicted;
  const result = { relative, noise, table };
  const changed = Math.abs(largest.loss - problem.loss);
  if (Math.max(predicted, changed) <= clearance * noise) return { verdict: 'flat', ...result };
  if (clear.length === 0)
    return { verdict: relative < Math.sqrt(sweep.excusable) ? 'linear' : 'unclear', ...result };
  return { verdict: 'unclear', ...result };
}

/** What the relative error of the gradient can be at most: an error d would show as h |d| at every step but one, where it may be cancelled. */
function errorBound(problem: TaylorProblem, samples: readonly Sample[], noise: number): number {
  const bounds = samples.map((s) => (s.remainder + noise) / Math.abs(s.h * problem.slope));
  return bounds.sort((a, b) => a - b)[1] ?? Infinity;
}

/**
 * |d| h / R(h) at the smallest step, with d from the least-squares fit R(h)/h = d + b h + c h^2 (signed). Rounding contributes up to about 0.1.
 */
function linearShare(samples: readonly Sample[]): number {
  const smallest = at(samples, 0);
  // In units of the smallest step and its remainder, so that the normal equations stay well scaled; weights 1/h make every scale count.
  const rows = samples.map((s) => {
    const x = s.h / smallest.h;
    return { x, y: s.signed / smallest.remainder / x, weight: 1 / (x * x) };
  });
  const sum = (power: number, withY: boolean): number =>
    rows.reduce((total, { x, y, weight }) => total + weight * x ** power * (withY ? y : 1), 0);
  const [s0, s1, s2, s3, s4] = [sum(0, false), sum(1, false), sum(2, false), sum(3, false), sum(4, false)];
  const [t0, t1, t2] = [sum(0, true), sum(1, true), sum(2, true)];
  // Cramer's rule for the constant of the 3 x 3 system.
  const determinant = s0 * (s2 * s4 - s3 * s3) - s1 * (s1 * s4 - s3 * s2) + s2 * (s1 * s3 - s2 * s2);
  const constant = t0 * (s2 * s4 - s3 * s3) - s1 * (t1 * s4 - s3 * t2) + s2 * (t1 * s3 - s2 * t2);
  return Math.abs(constant / determinant);
}

/** Least squares of log R over log h. */
function fittedSlope(samples: readonly Sample[]): number {
  const x = samples.map((s) => Math.log(s.h));
  const y = samples.map((s) => Math.log(s.remainder));
  const mean = (list: readonly number[]): number => list.reduce((sum, v) => sum + v, 0) / list.length;
  const [mx, my] = [mean(x), mean(y)];
  let above = 0;
  let below = 0;
  x.forEach((v, i) => {
    above += (v - mx) * (at(y, i) - my);
    below += (v - mx) ** 2;
  });
  return above / below;
}
