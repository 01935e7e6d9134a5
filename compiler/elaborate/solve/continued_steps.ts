// Whether a method may remember what it knows of the state it ends at: the rate there, which is the first of the next step. A step that says so gives `carries: { from, to }`, the states it began and ended with. They must be the
// very states that the solve hands over and goes on with: a method around it that changes them, `after step`, or values fixed at walls would make what is remembered wrong. Then, and only then, `sys` has the part `carries`.

import type { Context } from '../context.ts';
import { conform } from '../values/conform.ts';
import { flatten } from '../values/leaves.ts';
import type { PreparedModel } from '../models/model.ts';
import { asRecord, positional } from './solve_parts.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array, bool, int, record } from '../values/values.ts';
import type { Node } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';

interface Trial {
  readonly model: PreparedModel;
  /** The method itself, without what interrupts its steps. */
  readonly method: RecordValue;
  readonly sys: RecordValue;
  readonly y0: RecordValue;
  readonly span: Span;
}

/** `sys`, with the part `carries` (and `between`, where states between steps are asked for) where steps may remember the rate behind them. One step is tried on unknown states and forgotten. */
export function withCarries(ctx: Context, trial: Trial): RecordValue {
  const { model, method, sys, y0, span } = trial;
  const [init, step] = [method.entries.get('init'), method.entries.get('step')];
  if (init === undefined || step === undefined || model.afterStep !== undefined) return sys;
  const g = ctx.graph;
  const remembering = record([...sys.entries, ['carries', bool(true)]]);
  const leaves = (v: Value): Node[] => flatten(ctx, v, span).leaves.map((l) => l.node);
  const same = (one: readonly Node[], other: readonly Node[]): boolean =>
    one.length === other.length && one.every((n, i) => n === other[i]);
  const { value: holds } = g.scope(() => {
    const ordinal = ctx.draws.ordinal;
    const shape = flatten(ctx, y0, span);
    const y = asRecord(ctx, shape.rebuild(shape.leaves.map((l, i) => g.param(`y${i}`, l.node))), span);
    const number = (name: string): Node => g.param(name, { dtype: ctx.real, shape: [] });
    const [t, h] = [number('t'), number('h')];
    const mem = ctx.call(init, positional(span, remembering, array(t), y), span);
    const k = record([
      ['i', int(0)],
      ['t', array(t)],
      ['h', array(h)],
    ]);
    const made = asRecord(ctx, ctx.call(step, positional(span, remembering, k, y, mem), span), span);
    ctx.draws.ordinal = ordinal;
    const [carried, next] = [made.entries.get('carries'), made.entries.get('y')];
    if (carried?.kind !== 'record' || next === undefined) return false;
    const [from, to] = [carried.entries.get('from'), carried.entries.get('to')];
    if (from === undefined || to === undefined) return false;
    const ends = asRecord(ctx, conform(ctx, next, y, span, 'the state after a step'), span);
    const presented = leaves(model.present(number('later'), ends));
    return same(leaves(from), leaves(y)) && same(leaves(to), leaves(ends)) && same(presented, leaves(ends));
  });
  return holds ? remembering : sys;
}
