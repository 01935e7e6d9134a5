// The values that a kernel's run-time integers take in a plan: offsets into tapes, counters of steps. In: the procedures. Out: for each kernel and integer an interval over all its dispatches, by which
// loads at such offsets are known to stay in their buffers.

import type { Affine, Plan, Step } from '../../plan/types.ts';
import { assertNever } from '../../support/diagnostic.ts';
import type { Interval } from './affine.ts';

export function uniformRanges(plan: Plan): readonly (readonly Interval[])[] {
  const ranges: (readonly Interval[] | undefined)[] = plan.kernels.map(() => undefined);
  const visit = (steps: readonly Step[], counters: ReadonlyMap<number, Interval>): void => {
    for (const step of steps) {
      switch (step.kind) {
        case 'dispatch': {
          const known = ranges[step.kernel];
          ranges[step.kernel] = step.uniforms.map((u, i) => union(rangeOf(u, counters), known?.[i]));
          break;
        }
        case 'loop':
          visit(step.body, withCounter(counters, step.id, step.count - 1));
          break;
        case 'while': {
          visit(step.test, withCounter(counters, step.id, step.limit));
          visit(step.body, withCounter(counters, step.id, step.limit - 1));
          break;
        }
        case 'if':
          visit(step.then, counters);
          visit(step.else, counters);
          break;
        case 'reverse':
          visit(step.forward, withCounter(counters, step.id, step.length - 1));
          visit(step.backward, withCounter(counters, step.id, step.length - 1));
          break;
        case 'copy':
        case 'fill':
        case 'snapshot':
          break;
        default:
          assertNever(step);
      }
    }
  };
  for (const procedure of Object.values(plan.procedures)) visit(procedure.steps, new Map());
  return ranges.map((range) => range ?? []);
}

function withCounter(
  counters: ReadonlyMap<number, Interval>,
  id: number,
  last: number,
): ReadonlyMap<number, Interval> {
  return new Map(counters).set(id, { lo: 0, hi: Math.max(0, last) });
}

function rangeOf(affine: Affine, counters: ReadonlyMap<number, Interval>): Interval {
  let [lo, hi] = [affine.constant, affine.constant];
  for (const { loop, scale } of affine.terms) {
    const counter = counters.get(loop) ?? { lo: -Infinity, hi: Infinity };
    lo += scale > 0 ? scale * counter.lo : scale * counter.hi;
    hi += scale > 0 ? scale * counter.hi : scale * counter.lo;
  }
  return { lo, hi };
}

function union(a: Interval, b: Interval | undefined): Interval {
  return b === undefined ? a : { lo: Math.min(a.lo, b.lo), hi: Math.max(a.hi, b.hi) };
}
