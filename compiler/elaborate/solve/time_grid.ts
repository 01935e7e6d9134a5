// The times of a solve with fixed steps: equal ones, from `dt:` or `steps:`, or those of `times:`, an array of run-time numbers that the result is differentiable in.

import type { Context } from '../context.ts';
import { failAt, notYet } from '../context.ts';
import { mustHold } from '../expressions/checked.ts';
import { fineEnough, onPaths } from './path_range.ts';
import { staticInteger, staticList, staticNumber, toReal } from '../values/leaves.ts';
import type { Given } from '../builtins/registry.ts';
import type { Value } from '../values/values.ts';
import { array, describe, real } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Node } from '../../ir/types.ts';
import { InternalError } from '../../support/diagnostic.ts';
import type { Span } from '../../support/span.ts';

export interface TimeGrid {
  readonly start: Node;
  readonly end: Node;
  readonly steps: number;
  /** The time before step i; for an array of indices those times. */
  readonly at: (i: Node) => Node;
  /** The length of step i, negative backwards. */
  readonly stepAt: (i: Node) => Node;
  /** All steps have one length, as far as that is known at compile time. */
  readonly even: boolean;
  /** The length of equal steps, where it is known at compile time. */
  readonly staticH: number | undefined;
  readonly staticStart: number | undefined;
  readonly staticEnd: number | undefined;
  /** The number of steps up to a time, and the part of the one around it, where that is known at compile time. */
  readonly place: ((t: number) => number) | undefined;
  /** Every time is the start and a multiple of this length. */
  readonly equalStep: Node | undefined;
}

interface EqualSteps extends Omit<TimeGrid, 'at' | 'stepAt' | 'even' | 'place' | 'equalStep'> {
  readonly h: Node;
}

function equal(ctx: Context, steps: EqualSteps): TimeGrid {
  const g = ctx.graph;
  const { h, ...rest } = steps;
  const { staticStart, staticH } = steps;
  return {
    ...rest,
    even: true,
    place:
      staticStart === undefined || staticH === undefined ? undefined : (t) => (t - staticStart) / staticH,
    equalStep: h,
    at: (i) => {
      const spread = (x: Node): Node => b.broadcastTo(g, x, i.shape);
      return b.add(g, spread(rest.start), b.mul(g, b.cast(g, i, ctx.real), spread(h)));
    },
    stepAt: () => h,
  };
}

/** `times: [t0, t1, …]`: a step between every two. */
function givenTimes(ctx: Context, a: Given, times: Value): TimeGrid {
  const g = ctx.graph;
  const other = ['t', 'dt', 'steps'].find((name) => a.get(name) !== undefined);
  if (other !== undefined)
    failAt(
      ctx,
      'E373',
      `\`times:\` gives all times of a solve, so \`${other}:\` has nothing to say`,
      a.spanOf(other),
      `leave out \`${other}:\`, or write t: 0 .. 1, steps: 100 for equal steps`,
    );
  const list = toReal(ctx, times, a.spanOf('times'), '`times:`');
  const [count] = list.shape;
  if (list.shape.length !== 1 || count === undefined || count < 2)
    return failAt(
      ctx,
      'E374',
      `\`times:\` is an array of at least two times, but this is ${describe(times)}`,
      a.spanOf('times'),
    );
  const known = staticList(times);
  const way = known === undefined ? 0 : Math.sign((known[1] ?? 0) - (known[0] ?? 0));
  known?.forEach((t, i) => {
    const before = known[i - 1];
    if (before !== undefined && !((t - before) * way > 0))
      failAt(
        ctx,
        'E381',
        `the times of a solve must increase, but ${t} follows ${before}`,
        a.spanOf('times'),
      );
  });
  const ordered = known === undefined ? inOrder(ctx, list, a.spanOf('times')) : list;
  const first = toReal(ctx, onPaths(ctx, a, timeAt(known, ordered, 0, g)), a.spanOf('times'), 'a time');
  const last = toReal(
    ctx,
    onPaths(ctx, a, timeAt(known, ordered, count - 1, g)),
    a.spanOf('times'),
    'a time',
  );
  const at = (i: Node): Node => b.gather(g, ordered, i);
  return {
    start: first,
    end: last,
    steps: count - 1,
    at,
    even: known !== undefined && areEven(known),
    stepAt: (i) => b.sub(g, at(b.add(g, i, 1)), at(i)),
    staticH: undefined,
    staticStart: known?.[0],
    staticEnd: known?.[known.length - 1],
    place: known === undefined ? undefined : (t) => placeIn(known, t),
    equalStep: undefined,
  };
}

function placeIn(times: readonly number[], t: number): number {
  const way = Math.sign((times[1] ?? 0) - (times[0] ?? 0));
  const next = Math.max(
    1,
    times.findIndex((x) => (x - t) * way >= 0),
  );
  const [from, to] = [times[next - 1] ?? 0, times[next] ?? 0];
  return next - 1 + (t - from) / (to - from);
}

/** Times of run time, that end the run when one of them goes back; equal ones are steps of no length, with which lists of different lengths are filled up. */
function inOrder(ctx: Context, times: Node, span: Span): Node {
  const g = ctx.graph;
  const count = times.shape[0] ?? 0;
  const [earlier, later] = [b.sliceAxis(g, times, 0, 0, count - 1), b.sliceAxis(g, times, 0, 1, count)];
  const steps = b.sub(g, later, earlier);
  const forwards = b.ge(g, b.indexAxis(g, times, 0, count - 1), b.indexAxis(g, times, 0, 0));
  const ahead = b.select(g, b.broadcastTo(g, forwards, steps.shape), steps, b.neg(g, steps));
  const worst = g.node('arg_reduce', [ahead], { kind: 'min', axis: 0 });
  const holds = b.or(g, b.ge(g, b.reduceAll(g, 'min', steps), 0), b.le(g, b.reduceAll(g, 'max', steps), 0));
  const one = (list: Node): Value => array(b.gather(g, list, worst));
  const checked = mustHold(
    ctx,
    array(times),
    holds,
    [
      'the times of a solve must go one way, but ',
      { value: one(later) },
      ' follows ',
      { value: one(earlier) },
    ],
    span,
    'sort them; trained times stay in order as `via increasing(a, b)`',
  );
  return checked.kind === 'array' ? checked.node : times;
}

function areEven(times: readonly number[]): boolean {
  const h = ((times[times.length - 1] ?? 0) - (times[0] ?? 0)) / (times.length - 1);
  return times.every((t, i) => Math.abs(t - (times[0] ?? 0) - i * h) <= 1e-5 * Math.abs(h));
}

/** One of the times given. */
function timeAt(known: readonly number[] | undefined, times: Node, i: number, g: Graph): Value {
  const t = known?.[i];
  return t === undefined ? array(b.indexAxis(g, times, 0, i)) : real(t);
}

/** `t: a .. b` of a solve. */
export function timeInterval(ctx: Context, a: Given): Extract<Value, { kind: 'range' }> {
  const t = a.need('t');
  return t.kind === 'range'
    ? { ...t, from: onPaths(ctx, a, t.from), to: onPaths(ctx, a, t.to) }
    : failAt(
        ctx,
        'E372',
        `\`t:\` is an interval of time, but this is ${describe(t)}`,
        a.spanOf('t'),
        'write t: 0 .. 1',
      );
}

export function timeGrid(ctx: Context, a: Given): TimeGrid {
  const g = ctx.graph;
  const times = a.get('times');
  if (times !== undefined) return givenTimes(ctx, a, times);
  const t = timeInterval(ctx, a);
  const [s0, s1] = [staticNumber(t.from), staticNumber(t.to)];
  const start = toReal(ctx, t.from, a.spanOf('t'), 'the start of time');
  const end = toReal(ctx, t.to, a.spanOf('t'), 'the end of time');
  const [dt, steps] = [a.get('dt'), a.get('steps')];
  if (dt !== undefined && steps !== undefined)
    failAt(ctx, 'E373', '`dt:` and `steps:` are both given; one of them decides', a.spanOf('steps'));
  if (steps !== undefined) {
    const n = staticInteger(ctx, steps, a.spanOf('steps'), 'the number of steps');
    if (n < 1)
      failAt(ctx, 'E374', `a solve takes at least one step, but ${n} are asked for`, a.spanOf('steps'));
    const staticH = s0 !== undefined && s1 !== undefined ? (s1 - s0) / n : undefined;
    fineEnough(ctx, a, s0, staticH);
    const h = staticH !== undefined ? g.constant(staticH, ctx.real) : b.mul(g, b.sub(g, end, start), 1 / n);
    return equal(ctx, { start, end, h, steps: n, staticH, staticStart: s0, staticEnd: s1 });
  }
  if (dt === undefined)
    return failAt(ctx, 'E373', 'a solve with fixed steps needs `dt:` or `steps:`', a.span);
  if (dt.kind === 'option') return notYet(ctx, `dt: ${dt.name}(…)`, a.spanOf('dt'));
  const step = staticNumber(dt);
  if (step === undefined || s0 === undefined || s1 === undefined)
    throw new InternalError('time grid', 'steps whose number is known at run time only');
  if (!(Math.abs(step) > 0) || !Number.isFinite(step))
    failAt(ctx, 'E374', `the time step is ${step}`, a.spanOf('dt'));
  const span = s1 - s0;
  if (span === 0) failAt(ctx, 'E374', 'the interval of time is empty', a.spanOf('t'));
  const exact = Math.abs(span) / Math.abs(step);
  const n = Math.max(
    1,
    Math.abs(exact - Math.round(exact)) < 1e-6 * Math.max(1, exact) ? Math.round(exact) : Math.ceil(exact),
  );
  if (n > 2_000_000_000) failAt(ctx, 'E374', `this needs ${n} steps`, a.spanOf('dt'));
  fineEnough(ctx, a, s0, span / n);
  const h = g.constant(span / n, ctx.real);
  return equal(ctx, { start, end, h, steps: n, staticH: span / n, staticStart: s0, staticEnd: s1 });
}
