// What a solve with fixed steps saves: `save: every(steps: 10)`, `every(time: 0.1)`, `times([…])` or none. In: the times of the steps. Out: blocks of steps after each of which the states are saved, or, where the saved
// times do not fall on steps in an even way, or are known at run time only, those times with the number of steps before each.
//
// Saved times between steps leave the steps as they are, unless `times(…, hit: true)` asks for steps that end there, or what a part of a step draws would not go with what the whole step draws (noise_within_steps.ts).

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { staticInteger, staticList, staticNumber, toReal } from '../values/leaves.ts';
import { positional } from './solve_parts.ts';
import type { TimeGrid } from './time_grid.ts';
import { timeGrid } from './time_grid.ts';
import type { Given } from '../builtins/registry.ts';
import { define } from '../builtins/registry.ts';
import type { Value } from '../values/values.ts';
import { array, describe, int } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

/** Blocks of steps. */
export interface SavedBlocks {
  readonly kind: 'none' | 'some';
  /** Lengths of the blocks of steps after each of which the state is saved, run by run: `count` blocks of `length` steps. */
  readonly runs: readonly { readonly length: number; readonly count: number; readonly saved: boolean }[];
  /** Step indices of the saved states. */
  readonly indices: readonly number[];
  readonly includesStart: boolean;
  /** The end is saved although no block ends a regular interval there. */
  readonly endsApart: boolean;
}

/** Times anywhere. */
export interface SavedBetween {
  readonly kind: 'between';
  readonly times: Node;
  /** For each time the steps that end before it, or, where steps end at it, at it. */
  readonly stepsBefore: Node;
  readonly onSteps: boolean;
  /** Steps end at the times within rounding only. */
  readonly nearly: boolean;
  /** A time may be the start, or is. */
  readonly mayBeStart: boolean;
}

export type SavePlan = SavedBlocks | SavedBetween;

/** More blocks of different lengths than this become a loop whose number of turns is found while it runs. */
const MOST_RUNS = 64;

/** `grid` are the steps that the solve takes, which may have to end at saved times too. */
export function savePlan(
  ctx: Context,
  a: Given,
  time: TimeGrid,
  cutsSteps: boolean,
): { readonly save: SavePlan; readonly grid: TimeGrid } {
  const v = a.get('save');
  const span = a.spanOf('save');
  const n = time.steps;
  if (v === undefined || (v.kind === 'option' && v.name === 'none')) {
    const runs = [{ length: n, count: 1, saved: false }];
    return {
      save: { kind: 'none', runs, indices: [], includesStart: false, endsApart: false },
      grid: time,
    };
  }
  const wrong = (): never =>
    failAt(
      ctx,
      'E378',
      `\`save:\` is every(steps: 10), every(time: 0.1), times([…]) or none, but this is ${describe(v)}`,
      span,
    );
  if (v.kind !== 'option') return wrong();
  const hit = v.args.get('hit');
  const cut = cutsSteps || (hit?.kind === 'bool' && hit.value);
  if (v.name === 'every') return everyPlan(ctx, v.args, time, span, cut);
  if (v.name !== 'times') return wrong();
  const list = v.args.get('times') ?? wrong();
  const known = staticList(list);
  if (known !== undefined) return knownTimes(ctx, known, time, span, cut);
  const given = toReal(ctx, list, span, 'the times to save');
  if (given.shape.length !== 1 || given.shape[0] === 0)
    return failAt(
      ctx,
      'E379',
      `the times to save are a vector of numbers, but this is ${describe(list)}`,
      span,
    );
  return anywhere(ctx, given, time, span, cut);
}

/** Between two saved states the way back takes as many steps as the way there at most; where that number is found while the program runs, steps of the same length. */
export function stepsOnTheWayBack(ctx: Context, a: Given): readonly (readonly [string, Value])[] {
  const time = timeGrid(ctx, a);
  const { save } = savePlan(ctx, a, time, false);
  if (save.kind !== 'between') return [['steps', int(Math.max(...save.runs.map((run) => run.length)))]];
  const g = ctx.graph;
  const length = b.mul(g, b.abs(g, b.sub(g, time.end, time.start)), 1 / time.steps);
  return [
    ['steps', int(time.steps)],
    // A function: what it gives is no argument that a derivative could be taken by.
    ['length', define(ctx, 'length', [], () => array(b.stopGradient(g, length)))],
  ];
}

function everyPlan(
  ctx: Context,
  args: ReadonlyMap<string, Value>,
  time: TimeGrid,
  span: Span,
  cut: boolean,
): { readonly save: SavePlan; readonly grid: TimeGrid } {
  const [steps, interval] = [args.get('steps'), args.get('time')];
  const n = time.steps;
  let m: number;
  if (steps !== undefined) m = staticInteger(ctx, steps, span, 'the interval of `every(steps: …)`');
  else if (interval !== undefined) {
    const tau = staticNumber(interval);
    const [h, t0] = [time.staticH, time.staticStart];
    if (tau === undefined || h === undefined || t0 === undefined)
      return failAt(
        ctx,
        'E379',
        'the interval to save must be known at compile time, and the start and the end of time with it',
        span,
        'write every(steps: 10), or times([…]) with as many times as you like',
      );
    if (!(tau > 0)) failAt(ctx, 'E378', `the interval of every is ${tau}`, span);
    m = tau / Math.abs(h);
    if (Math.abs(m - Math.round(m)) > 1e-4) {
      const count = Math.floor((n * Math.abs(h)) / tau + 1e-9);
      const times = Array.from({ length: count + 1 }, (_, k) => t0 + Math.sign(h) * k * tau);
      if (n - count * m > 1e-9 * n) times.push(t0 + n * h);
      return knownTimes(ctx, times, time, span, cut);
    }
    m = Math.round(m);
  } else
    return failAt(
      ctx,
      'E378',
      'every wants `steps:` or `time:`',
      span,
      'write every(steps: 10) or every(time: 0.1)',
    );
  if (m < 1) failAt(ctx, 'E378', `the interval of every is ${m}`, span);
  const indices: number[] = [];
  const blocks = Math.floor(n / m);
  for (let k = 0; k <= blocks; k++) indices.push(k * m);
  const rest = n - blocks * m;
  if (rest > 0) indices.push(n);
  const runs = [
    ...(blocks > 0 ? [{ length: m, count: blocks, saved: true }] : []),
    ...(rest > 0 ? [{ length: rest, count: 1, saved: false }] : []),
  ];
  return { save: { kind: 'some', runs, indices, includesStart: true, endsApart: rest > 0 }, grid: time };
}

/** Times known at compile time: in blocks where they end steps. */
function knownTimes(
  ctx: Context,
  times: readonly number[],
  time: TimeGrid,
  span: Span,
  cut: boolean,
): { readonly save: SavePlan; readonly grid: TimeGrid } {
  const literal = (): Node => ctx.graph.literal(Float64Array.from(times), [times.length], ctx.real);
  const { place, staticStart: t0, staticEnd: t1 } = time;
  if (times.length === 0) failAt(ctx, 'E379', 'there are no times to save', span);
  if (place === undefined || t0 === undefined || t1 === undefined)
    return anywhere(ctx, literal(), time, span, cut);
  const way = t1 < t0 ? -1 : 1;
  const slack = 1e-9 * (Math.abs(t0) + Math.abs(t1));
  times.forEach((t, k) => {
    const before = times[k - 1];
    if (before !== undefined && !((t - before) * way > 0))
      failAt(
        ctx,
        'E381',
        `the times to save must ${way < 0 ? 'decrease, as the time does' : 'increase'}, but ${t} follows ${before}`,
        span,
      );
    if (!((t - t0) * way >= -slack && (t1 - t) * way >= -slack))
      failAt(ctx, 'E380', `the time ${t} to be saved does not lie in ${t0} .. ${t1}`, span);
  });
  const places = times.map(place);
  const indices = places.map(Math.round);
  const onSteps = places.every((p, k) => Math.abs(p - at(indices, k)) <= 1e-4);
  if (!onSteps || indices.some((i, k) => indices[k - 1] === i))
    return anywhere(ctx, literal(), time, span, cut);
  const blocks = blocksOf(indices, time.steps);
  if (blocks !== undefined) return { save: blocks, grid: time };
  const stepsBefore = ctx.graph.literal(Float64Array.from(indices), [indices.length], 'i32');
  return {
    save: {
      kind: 'between',
      times: time.at(stepsBefore),
      stepsBefore,
      onSteps: true,
      nearly: false,
      mayBeStart: false,
    },
    grid: time,
  };
}

/** Runs of equal gaps become one loop each; undefined where there are many. */
function blocksOf(indices: readonly number[], n: number): SavedBlocks | undefined {
  const runs: { length: number; count: number; saved: boolean }[] = [];
  let before = 0;
  for (const i of indices) {
    if (i === 0) continue;
    const gap = i - before;
    const last = runs[runs.length - 1];
    if (last !== undefined && last.length === gap) runs[runs.length - 1] = { ...last, count: last.count + 1 };
    else runs.push({ length: gap, count: 1, saved: true });
    before = i;
  }
  if (before < n) runs.push({ length: n - before, count: 1, saved: false });
  return runs.length > MOST_RUNS
    ? undefined
    : { kind: 'some', runs, indices, includesStart: indices[0] === 0, endsApart: false };
}

/** Times that need not be ends of steps: found while the program runs (stdlib/step_control.flow). */
function anywhere(
  ctx: Context,
  given: Node,
  time: TimeGrid,
  span: Span,
  cut: boolean,
): { readonly save: SavedBetween; readonly grid: TimeGrid } {
  const g = ctx.graph;
  const library = (name: string, ...args: Value[]): Value =>
    ctx.call(ctx.library('std.step_control', name), positional(span, ...args), span);
  const times = toReal(
    ctx,
    library('saved_times', array(given), array(time.start), array(time.end)),
    span,
    'the times to save',
  );
  const all = array(time.at(g.iota([time.steps + 1], 0, 'i32')));
  const counted = (name: string, ...args: Value[]): Node => {
    const v = library(name, ...args);
    return v.kind === 'array' ? v.node : failAt(ctx, 'E370', 'numbers of steps are wanted', span);
  };
  if (cut) {
    const ordered = toReal(ctx, library('times_with', all, array(times)), span, 'the times of the steps');
    const { start, end, staticStart, staticEnd } = time;
    const moment = (i: Node): Node => b.gather(g, ordered, i);
    return {
      save: {
        kind: 'between',
        times,
        stepsBefore: counted('steps_up_to', array(ordered), array(times)),
        onSteps: true,
        nearly: true,
        mayBeStart: false,
      },
      grid: {
        ...{ start, end, staticStart, staticEnd },
        steps: time.steps + (given.shape[0] ?? 0),
        at: moment,
        stepAt: (i) => b.sub(g, moment(b.add(g, i, 1)), moment(i)),
        even: false,
        staticH: undefined,
        place: undefined,
        equalStep: undefined,
      },
    };
  }
  const stepsBefore =
    time.equalStep === undefined
      ? counted('steps_before', all, array(times))
      : counted(
          'equal_steps_before',
          array(time.start),
          array(time.equalStep),
          int(time.steps),
          array(times),
        );
  return {
    save: { kind: 'between', times, stepsBefore, onSteps: false, nearly: false, mayBeStart: true },
    grid: time,
  };
}
