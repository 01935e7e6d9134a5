// `solve` without `dt:` or `steps:`: the method's error estimate decides the steps. The attempt of a step, the controller and the first step are Flow (`attempt`, `first_step` in the prelude);
// here they become a `while` towards the next time that is to be saved, inside a loop over those times.

import { conform } from './conform.ts';
import type { Context } from './context.ts';
import { failAt } from './context.ts';
import { flatten, staticInteger, staticList, staticNumber, toReal } from './leaves.ts';
import { methodSystem } from './method_system.ts';
import type { PreparedModel } from './model.ts';
import type { Given } from './builtins/registry.ts';
import type { Method } from './solve_parts.ts';
import { asRecord, eventsLogged, plainArrays, positional } from './solve_parts.ts';
import type { RecordValue, Value } from './values.ts';
import { array, describe, number, real, record } from './values.ts';
import * as b from '../ir/build.ts';
import { makeScan, makeWhile } from '../ir/region.ts';
import type { AdjointPolicy, Node } from '../ir/types.ts';
import { at } from '../support/lists.ts';

export const isAdaptive = (a: Given): boolean =>
  ['dt', 'steps', 'times'].every((name) => a.get(name) === undefined);

const DEFAULT_LIMIT = 10_000;

export function adaptiveSolve(
  ctx: Context,
  a: Given,
  model: PreparedModel,
  method: Method,
  policy: AdjointPolicy,
): Value {
  const g = ctx.graph;
  const { order } = method;
  if (order === undefined)
    return failAt(ctx, 'E385', 'adaptive steps need a method that declares its `order`', a.spanOf('method'));
  const t = a.need('t');
  if (t.kind !== 'range')
    return failAt(
      ctx,
      'E372',
      `\`t:\` is an interval of time, but this is ${describe(t)}`,
      a.spanOf('t'),
      'write t: 0 .. 1',
    );
  const [start, end] = [
    toReal(ctx, t.from, a.spanOf('t'), 'the start of time'),
    toReal(ctx, t.to, a.spanOf('t'), 'the end of time'),
  ];
  const [s0, s1] = [staticNumber(t.from), staticNumber(t.to)];
  const way = s0 !== undefined && s1 !== undefined && s1 < s0 ? -1 : 1;
  const option = (name: string, otherwise: number): Value => a.get(name) ?? real(otherwise);
  const [rtol, atol] = [option('rtol', 1e-4), option('atol', 1e-6)];
  const limitValue = a.get('limit');
  const limit =
    limitValue === undefined
      ? DEFAULT_LIMIT
      : staticInteger(ctx, limitValue, a.spanOf('limit'), 'the limit of steps');
  const sys = methodSystem(ctx, model, a.span);
  const helper = (name: string): Value =>
    ctx.prelude(name) ?? failAt(ctx, 'E150', `the prelude has no \`${name}\``, a.span);

  const y0 = model.present(start, model.initial(start, a.get('from'), a.spanOf('from')));
  const memory0 =
    method.init === undefined
      ? record([])
      : ctx.call(method.init, positional(a.span, sys, array(start), y0), a.span);
  const h0 = ctx.call(helper('first_step'), positional(a.span, sys, array(start), y0, rtol, atol), a.span);
  const state0 = record([
    ['t', array(start)],
    ['h', h0],
    ['y', y0],
    ['mem', memory0],
    ['before', real(1)],
    ['i', number(0, true)],
  ]);
  // One step is tried for what it gives; what it made is forgotten.
  const { value: trial } = g.scope(() =>
    ctx.call(
      method.step,
      positional(
        a.span,
        sys,
        record([
          ['i', number(0, true)],
          ['t', array(start)],
          ['h', real(1)],
        ]),
        y0,
        memory0,
      ),
      a.span,
    ),
  );
  if (trial.kind !== 'record' || !trial.entries.has('error'))
    return failAt(
      ctx,
      'E386',
      'adaptive steps need a method that estimates its error, and this one does not',
      a.spanOf('method'),
      'use std.ode { tsit5 } and write method: tsit5, or give the solve fixed steps, `dt:` or `steps:`',
    );
  const shape = flatten(ctx, state0, a.span);
  const init = shape.leaves.map((l) => l.node);
  const stateOf = (leaves: readonly Node[]): RecordValue => asRecord(ctx, shape.rebuild(leaves), a.span);
  const part = (s: RecordValue, name: string): Value =>
    s.entries.get(name) ?? failAt(ctx, 'E370', `the attempt of a step gives no \`${name}\``, a.span);
  const timeOf = (s: RecordValue): Node => toReal(ctx, part(s, 't'), a.span, 'time');
  const statesOf = (s: RecordValue): RecordValue => asRecord(ctx, part(s, 'y'), a.span);

  /** Steps until `stop`. */
  const advance = (leaves: readonly Node[], stop: Node): readonly Node[] => {
    const result = makeWhile(g, {
      init: leaves,
      limit,
      condition: (now) => {
        const time = timeOf(stateOf(now));
        return way > 0 ? b.lt(g, time, stop) : b.gt(g, time, stop);
      },
      body: (_turn, now) => {
        const before = stateOf(now);
        const after = asRecord(
          ctx,
          ctx.call(
            helper('attempt'),
            positional(a.span, sys, method.step, number(order), rtol, atol, before, array(stop), number(way)),
            a.span,
          ),
          a.span,
        );
        const time = timeOf(after);
        let y = model.present(
          time,
          asRecord(
            ctx,
            conform(ctx, part(after, 'y'), part(before, 'y'), a.span, 'the state after a step'),
            a.span,
          ),
        );
        if (model.afterStep !== undefined) y = model.present(time, model.afterStep(time, y));
        return flatten(
          ctx,
          conform(
            ctx,
            record([...after.entries, ['y', y] as const]),
            before,
            a.span,
            'the state after a step',
          ),
          a.span,
        ).leaves.map((l) => l.node);
      },
    });
    // The limit was reached before the time: what comes after is not a solution, and says so by not being a number.
    const reached = stateOf(result.carries);
    const arrived = b.eq(g, timeOf(reached), stop);
    const nan = b.log(g, b.sub(g, b.mul(g, timeOf(reached), 0), 1));
    const lost = (n: Node): Node =>
      b.select(g, b.broadcastTo(g, arrived, n.shape), n, b.broadcastTo(g, b.cast(g, nan, n.dtype), n.shape));
    const flat = flatten(ctx, statesOf(reached), a.span);
    return flatten(
      ctx,
      record([...reached.entries, ['y', flat.rebuild(flat.leaves.map((l) => lost(l.node)))] as const]),
      a.span,
    ).leaves.map((l) => l.node);
  };

  const seen = (s: RecordValue): Value => {
    const time = timeOf(s);
    const y = statesOf(s);
    return plainArrays(
      ctx,
      record([
        ['states', model.present(time, y)] as const,
        ['monitors', record(model.monitors(time, y))] as const,
      ]),
      a.span,
    );
  };

  const times = savedTimes(ctx, a, s0, s1);
  let leaves: readonly Node[] = init;
  const entries: (readonly [string, Value])[] = [];
  if (times !== undefined) {
    const first = flatten(ctx, seen(stateOf(init)), a.span);
    const later = times.filter((x) => x !== s0);
    const rows = makeScan(g, {
      length: later.length,
      init,
      xs: [g.literal(Float64Array.from(later), [later.length], ctx.real)],
      adjoint: policy,
      body: (_i, carries, [stop]) => {
        const next = advance(carries, stop ?? end);
        return { carries: next, ys: flatten(ctx, seen(stateOf(next)), a.span).leaves.map((l) => l.node) };
      },
    });
    leaves = rows.carries;
    const columns = first.leaves.map((l, i) =>
      later.length < times.length ? b.concat(g, [b.stack(g, [l.node]), at(rows.ys, i)], 0) : at(rows.ys, i),
    );
    const saved = asRecord(ctx, first.rebuild(columns), a.span);
    for (const name of ['states', 'monitors'])
      for (const [k, v] of asRecord(ctx, saved.entries.get(name) ?? record([]), a.span).entries)
        entries.push([k, v]);
    entries.push(['t', array(g.literal(Float64Array.from(times), [times.length], ctx.real))]);
  }
  if (times === undefined || times[times.length - 1] !== s1) leaves = advance(leaves, end);
  const last = stateOf(leaves);
  const finalStates = model.present(end, statesOf(last));
  entries.push(['final', record([...finalStates.entries, ...model.monitors(end, statesOf(last))])]);
  entries.push(['steps', part(last, 'i')]);
  if (model.events.length > 0) entries.push(...eventsLogged(part(last, 'mem')));
  const names = [...model.states.map((s) => s.name), ...model.monitorNames, 't'];
  return record(entries, (name) =>
    times === undefined && names.includes(name)
      ? `this solve keeps only the end, \`.final.${name}\`; ask for more with \`save: times([…])\` or \`save: every(time: 0.1)\``
      : `there are ${[...entries.map(([k]) => k)].join(', ')}`,
  );
}

/** The times to be saved; undefined for none. */
function savedTimes(
  ctx: Context,
  a: Given,
  s0: number | undefined,
  s1: number | undefined,
): readonly number[] | undefined {
  const v = a.get('save');
  const span = a.spanOf('save');
  if (v === undefined || (v.kind === 'option' && v.name === 'none')) return undefined;
  if (v.kind === 'option' && v.name === 'times') {
    const list = v.args.get('times');
    const times = list === undefined ? undefined : staticList(list);
    if (times === undefined || s0 === undefined || s1 === undefined)
      return failAt(ctx, 'E379', 'the times to save must be known at compile time', span);
    const way = s1 < s0 ? -1 : 1;
    times.forEach((x, k) => {
      const before = times[k - 1];
      if (before !== undefined && (x - before) * way <= 0)
        failAt(ctx, 'E381', `the times to save must increase, but ${x} follows ${before}`, span);
      if ((x - s0) * way < 0 || (s1 - x) * way < 0)
        failAt(ctx, 'E380', `the time ${x} to be saved does not lie in ${s0} .. ${s1}`, span);
    });
    return times;
  }
  const interval = v.kind === 'option' && v.name === 'every' ? v.args.get('time') : undefined;
  const tau = interval === undefined ? undefined : staticNumber(interval);
  if (tau === undefined || !(tau > 0) || s0 === undefined || s1 === undefined)
    return failAt(ctx, 'E378', 'with adaptive steps, `save:` is times([…]), every(time: 0.1) or none', span);
  const count = Math.abs(s1 - s0) / tau;
  const times = Array.from(
    { length: Math.floor(count + 1e-9) + 1 },
    (_, k) => s0 + Math.sign(s1 - s0) * k * tau,
  );
  if (Math.abs(count - Math.round(count)) > 1e-9) times.push(s1);
  else times[times.length - 1] = s1;
  return times;
}
