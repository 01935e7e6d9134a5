// Noises that are no Wiener processes. `noise N = e` in a model: e is a record of functions of the library,
//   { increment: h => … }          independent from step to step; e is asked for at the time and states of every step (jumps)
//   { path: (clock, like) => p }   with a memory: a path p, { value, increment, integral }, drawn once for the whole solve, for increments shaped like `like` (fractional noise);
//                                  clock = { from, to, steps, equal, times } are the steps of the solve
// and the rules of which methods take them: a method that says `takes: "jumps"`, `"paths"` or `"jumps, paths"` keeps its meaning where such a noise multiplies states; every method does where it does not.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { toReal } from '../values/leaves.ts';
import type { PreparedModel } from './model.ts';
import type { Noise } from './noise.ts';
import { zeroNoise } from './noise.ts';
import { noiseClassOf } from './noise_class.ts';
import { positional } from '../solve/solve_parts.ts';
import { staticText } from '../values/strings.ts';
import type { TimeGrid } from '../solve/time_grid.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array, bool, describe, int, record } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';

/** The steps of a solve, as a process with a memory sees them. */
export type Clock = RecordValue;

export function clockOf(ctx: Context, time: TimeGrid, equal: boolean): Clock {
  const all = ctx.graph.iota([time.steps + 1], 0, 'i32');
  return record([
    ['from', array(time.start)],
    ['to', array(time.end)],
    ['steps', int(time.steps)],
    ['equal', bool(equal)],
    ['times', array(time.at(all))],
  ]);
}

/** The clock of one step outside a solve. */
export function clockOfStep(ctx: Context, t: Node, h: Node): Clock {
  const g = ctx.graph;
  const later = b.add(g, t, h);
  return record([
    ['from', array(t)],
    ['to', array(later)],
    ['steps', int(1)],
    ['equal', bool(true)],
    ['times', array(b.stack(g, [t, later]))],
  ]);
}

/** The process behind a noise at (t, y). */
export function processAt(
  ctx: Context,
  model: PreparedModel,
  n: Noise,
  t: Node,
  y: RecordValue,
  span: Span,
): RecordValue {
  const source = model.sourceOf?.(n, t, y);
  if (source?.kind === 'record' && (source.entries.has('increment') || source.entries.has('path')))
    return source;
  return failAt(
    ctx,
    'E488',
    `a noise is a process { increment: h => … } or { path: (clock, like) => … }, but this is ${source === undefined ? 'none' : describe(source)}`,
    n.source?.span ?? span,
    'use std.sde { jumps, fbm } and write noise N = jumps(rate) or noise N = fbm(0.3)',
  );
}

/** The paths of the processes with a memory, by the names of their noises. */
export function pathsOfProcesses(
  ctx: Context,
  model: PreparedModel,
  y0: RecordValue,
  clock: Clock | undefined,
  span: Span,
): ReadonlyMap<string, RecordValue> {
  const out = new Map<string, RecordValue>();
  for (const n of model.noises) {
    if (n.source === undefined) continue;
    if (n.path !== undefined) {
      out.set(n.name, n.path);
      continue;
    }
    const start = toReal(ctx, clock?.entries.get('from') ?? int(0), span, 'a time');
    const path = processAt(ctx, model, n, start, y0, span).entries.get('path');
    if (path === undefined) continue;
    if (clock === undefined)
      return failAt(
        ctx,
        'E487',
        `the noise \`${n.name}\` of ${model.name} has a memory, so it is drawn for all steps at once, but the steps of this solve are found while it runs`,
        span,
        'give the solve fixed steps: `steps: 200` or `dt: 1e-2`',
      );
    const made = ctx.call(path, positional(n.source.span, clock, n.zero), n.source.span);
    if (made.kind !== 'record' || !made.entries.has('increment'))
      return failAt(
        ctx,
        'E488',
        `the path of a noise is a record { value, increment, integral }, but this is ${describe(made)}`,
        n.source.span,
      );
    out.set(n.name, made);
  }
  return out;
}

/** The model as seen by some of its noises: the others stand still. */
export function withNoises(model: PreparedModel, chosen: readonly Noise[]): PreparedModel {
  const parts = model.stochastic;
  if (parts === undefined || chosen.length === model.noises.length) return model;
  const zero = zeroNoise(model.noises);
  return {
    ...model,
    noises: chosen,
    stochastic: {
      ...parts,
      diffuse: (t, y, w) => parts.diffuse(t, y, record([...zero.entries, ...w.entries])),
    },
  };
}

/** A noise that is no Wiener process and multiplies states wants a method that says what it makes of it. */
export function refuseProcesses(
  ctx: Context,
  model: PreparedModel,
  method: Value | undefined,
  y0: RecordValue,
  span: Span,
): void {
  const others = model.noises.filter((n) => n.source !== undefined);
  if (model.stochastic === undefined || others.length === 0) return;
  const takes = method?.kind === 'record' ? method.entries.get('takes') : undefined;
  const taken = takes === undefined ? '' : staticText(ctx, takes, span, '`takes` of a method');
  for (const n of others) {
    const start = ctx.graph.constant(0, ctx.real);
    const remembers = n.path !== undefined || processAt(ctx, model, n, start, y0, span).entries.has('path');
    const kind = remembers ? 'paths' : 'jumps';
    if (taken.split(/\W+/).includes(kind)) continue;
    if (noiseClassOf(ctx, withNoises(model, [n]), y0, span) === 'additive') continue;
    failAt(
      ctx,
      'E489',
      `the noise \`${n.name}\` of ${model.name} is ${kind === 'jumps' ? 'a process with jumps' : 'no Wiener process'} and multiplies states, and this method is made for Wiener processes`,
      span,
      kind === 'jumps' ? 'use euler_maruyama' : 'use heun, or euler_maruyama',
    );
  }
}
