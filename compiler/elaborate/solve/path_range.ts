// The paths given to a solve as `noise:` must reach over all its time: beyond their ends they know nothing, and a line drawn on from the last two values is no noise. Paths say `from` and `to`. Those that say `grain` are
// straight between points that far apart: steps that do not end at points see less noise than there is, those within one cell none of their own.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { mustHold } from '../expressions/checked.ts';
import { staticNumber, toReal } from '../values/leaves.ts';
import type { Given } from '../builtins/registry.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';

/** Of the length of a path: what rounding may leave of a time. */
const SLACK = 1e-5;
const CURE =
  'make the path as long as the longest solve that it is given to: brownian([], t: 0 .. 2), and the same for `sampled` and `through`';

/** A time of the solve, which goes with the condition that it lies on all paths given. */
export function onPaths(ctx: Context, a: Given, time: Value): Value {
  return rangesOf(a.get('noise')).reduce<Value>((t, range) => within(ctx, a, t, range), time);
}

interface PathRange {
  readonly from: Value;
  readonly to: Value;
}

function rangesOf(noise: Value | undefined): readonly PathRange[] {
  return (noise === undefined ? [] : pathsIn(noise)).flatMap(({ entries }) => {
    const [from, to] = [entries.get('from'), entries.get('to')];
    return from === undefined || to === undefined ? [] : [{ from, to }];
  });
}

function within(ctx: Context, a: Given, time: Value, { from, to }: PathRange): Value {
  const g = ctx.graph;
  const span = a.spanOf('noise');
  const [t, start, end] = [staticNumber(time), staticNumber(from), staticNumber(to)];
  if (t !== undefined && start !== undefined && end !== undefined) {
    const slack = SLACK * Math.abs(end - start);
    return t < Math.min(start, end) - slack || t > Math.max(start, end) + slack
      ? failAt(
          ctx,
          'E488',
          `this path goes from ${start} to ${end}, but the solve wants it at t = ${t}`,
          span,
          CURE,
        )
      : time;
  }
  const node = (v: Value, what: string): Node => toReal(ctx, v, span, what);
  const [x, first, last] = [
    node(time, 'a time'),
    node(from, 'the start of a path'),
    node(to, 'the end of a path'),
  ];
  const slack = b.mul(g, b.abs(g, b.sub(g, last, first)), SLACK);
  const holds = b.and(
    g,
    b.ge(g, x, b.sub(g, b.min(g, first, last), slack)),
    b.le(g, x, b.add(g, b.max(g, first, last), slack)),
  );
  return mustHold(
    ctx,
    array(x),
    holds,
    [
      'this path goes from ',
      { value: array(first) },
      ' to ',
      { value: array(last) },
      ', but the solve wants it at t = ',
      { value: array(x) },
    ],
    span,
    CURE,
  );
}

/** Steps that are at least this many cells long lose less than a tenth of the noise where they do not end at points of the path. */
const LONG = 4;

/** Refuses equal steps of the length h, from `start` on, which the paths given are too coarse for. */
export function fineEnough(ctx: Context, a: Given, start: number | undefined, h: number | undefined): void {
  const noise = a.get('noise');
  if (h === undefined || start === undefined || noise === undefined) return;
  for (const path of pathsIn(noise)) {
    const [from, grain] = ['from', 'grain'].map((name) => {
      const v = path.entries.get(name);
      return v === undefined ? undefined : staticNumber(v);
    });
    if (from === undefined || grain === undefined) continue;
    const [cells, offset] = [Math.abs(h / grain), (start - from) / grain];
    const whole = (x: number): boolean => Math.abs(x - Math.round(x)) < 1e-3;
    if (cells >= LONG || (cells > 0.5 && whole(cells) && whole(offset))) continue;
    failAt(
      ctx,
      'E488',
      `this path is straight over ${Math.abs(grain)} of time, and steps of ${Math.abs(h)} do not end at its points: there is less noise in them than there should be`,
      a.spanOf('noise'),
      'give the path a greater `depth:` (each more halves its cells), or let the steps be whole cells: 2^depth of them, or 2^depth/2',
    );
  }
}

function pathsIn(noise: Value): readonly RecordValue[] {
  if (noise.kind !== 'record') return [];
  return noise.entries.has('increment') ? [noise] : [...noise.entries.values()].flatMap(pathsIn);
}
