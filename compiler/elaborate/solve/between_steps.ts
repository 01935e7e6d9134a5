// States between the ends of two steps: those of the method's `dense(sys, k, a, b, x)`, or of its own step, shortened (stdlib/step_control.flow). For solves that find their steps and for fixed ones.
//
// A time known at run time only may be the start, where no step has been made: there are the states of the start, which move along their rate with the time.

import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { flatten } from '../values/leaves.ts';
import type { PreparedModel } from '../models/model.ts';
import type { Given } from '../builtins/registry.ts';
import type { Method } from './solve_parts.ts';
import { asRecord, positional } from './solve_parts.ts';
import { nodesOf } from './evaluations.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array, int, record } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';

/** What a step begins or ends with. */
export interface StepEnd {
  readonly y: RecordValue;
  readonly mem: Value;
}

export interface Within {
  readonly a: Given;
  readonly model: PreparedModel;
  readonly method: Method;
  readonly sys: RecordValue;
  /** `sys` for the part of the step up to a fraction of it, where that is another. */
  readonly sysUpTo?: (x: Node) => RecordValue;
  readonly start: Node;
  readonly y0: RecordValue;
  /** The step: its number, its start, its length (negative backwards). */
  readonly i: Node;
  readonly t: Node;
  readonly h: Node;
  readonly from: StepEnd;
  /** What the step led to; without it there is nothing but shortened steps. */
  readonly reached: StepEnd | undefined;
  /** The time may be the start. */
  readonly mayBeStart: boolean;
}

/** The method's own interpolant. */
export function denseOf(method: Method): Value | undefined {
  const own = method.record.entries.get('dense');
  return own?.kind === 'option' ? undefined : own;
}

/** States at a time within a step, and how often the right side is evaluated for them. */
export function statesWithin(
  ctx: Context,
  s: Within,
  time: Node,
): { readonly y: RecordValue; readonly evals: Value | undefined } {
  const g = ctx.graph;
  const { a, model, method, from, reached } = s;
  const k = record([
    ['i', array(s.i)],
    ['t', array(s.t)],
    ['h', array(s.h)],
  ]);
  const atStart = s.mayBeStart ? b.eq(g, time, s.start) : undefined;
  const fraction = b.div(g, b.sub(g, time, s.t), s.h);
  const part = atStart === undefined ? fraction : b.select(g, atStart, g.constant(0.5, ctx.real), fraction);
  const x = array(part);
  const sys = s.sysUpTo?.(part) ?? s.sys;
  const dense = denseOf(method);
  const ends = (e: StepEnd): RecordValue =>
    record([
      ['y', e.y],
      ['mem', e.mem],
    ]);
  const { made, evaluations } = method.counter.during(
    () =>
      dense === undefined || reached === undefined
        ? ctx.call(
            ctx.library('std.step_control', 'shortened'),
            positional(a.span, method.record, sys, k, ends(from), x),
            a.span,
          )
        : record([['y', ctx.call(dense, positional(a.span, sys, k, ends(from), ends(reached), x), a.span)]]),
    (value) => nodesOf(ctx, asRecord(ctx, value, a.span).entries.get('y') ?? record([]), a.span),
  );
  const { entries: found } = asRecord(ctx, made, a.span);
  const values = found.get('y') ?? record([]);
  const inside = filteredStates(
    model,
    time,
    asRecord(ctx, conform(ctx, values, from.y, a.span, 'the states between two steps'), a.span),
  );
  return {
    y: atStart === undefined ? inside : chosen(ctx, atStart, statesAtStart(ctx, s, time, inside), inside, a),
    evals:
      found.get('evals') ??
      (evaluations === undefined || (dense === undefined && !found.has('evals'))
        ? undefined
        : int(evaluations)),
  };
}

/** States at a saved time where a step ends, unless it is the start. */
export function statesAtEnd(
  ctx: Context,
  s: Pick<Within, 'a' | 'sys' | 'start' | 'y0' | 'mayBeStart'>,
  time: Node,
  states: RecordValue,
): RecordValue {
  if (!s.mayBeStart) return states;
  const atStart = b.eq(ctx.graph, time, s.start);
  return chosen(ctx, atStart, statesAtStart(ctx, s, time, states), states, s.a);
}

/** States at a time within rounding of the end of a step, which they move from along their rate, and how often the right side is evaluated for that. */
export function statesNearby(
  ctx: Context,
  { a, method, sys }: Pick<Within, 'a' | 'method' | 'sys'>,
  end: Node,
  states: RecordValue,
  time: Node,
): { readonly y: RecordValue; readonly evals: Value | undefined } {
  const { made, evaluations } = method.counter.during(
    () =>
      ctx.call(
        ctx.library('std.step_control', 'state_nearby'),
        positional(a.span, sys, array(end), states, array(time)),
        a.span,
      ),
    (value) => nodesOf(ctx, value, a.span),
  );
  return {
    y: asRecord(ctx, conform(ctx, made, states, a.span, 'the states at a saved time'), a.span),
    evals: evaluations === undefined ? undefined : int(evaluations),
  };
}

function statesAtStart(
  ctx: Context,
  { a, sys, start, y0 }: Pick<Within, 'a' | 'sys' | 'start' | 'y0'>,
  time: Node,
  like: RecordValue,
): RecordValue {
  const own = ctx.call(
    ctx.library('std.step_control', 'state_at_start'),
    positional(a.span, sys, array(start), y0, array(time)),
    a.span,
  );
  return asRecord(ctx, conform(ctx, own, like, a.span, 'the states at the start'), a.span);
}

/** States as they are after a step. */
export function filteredStates(model: PreparedModel, time: Node, states: RecordValue): RecordValue {
  const y = model.present(time, states);
  return model.afterStep === undefined ? y : model.present(time, model.afterStep(time, y));
}

/** Leaf by leaf the one or the other. */
export function chosen(ctx: Context, yes: Node, one: RecordValue, other: RecordValue, a: Given): RecordValue {
  const [x, y] = [flatten(ctx, one, a.span), flatten(ctx, other, a.span)];
  return asRecord(
    ctx,
    y.rebuild(
      y.leaves.map((l, i) =>
        b.select(ctx.graph, b.broadcastTo(ctx.graph, yes, l.node.shape), at(x.leaves, i).node, l.node),
      ),
    ),
    a.span,
  );
}
