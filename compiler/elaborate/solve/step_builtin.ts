// `step(model, method, t, y, h)`: one step of a method outside a solve. `y` is the record of states, the result the record after the step. A method with memory starts it anew.

import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { toReal } from '../values/leaves.ts';
import { define } from '../builtins/registry.ts';
import { methodSystem } from '../models/method_system.ts';
import { clockOfStep } from '../models/noise_processes.ts';
import { noisyEntries } from '../models/pathwise.ts';
import { methodOf, modelOf } from './solve.ts';
import { asRecord, positional } from './solve_parts.ts';
import type { BuiltinValue } from '../values/values.ts';
import { array, describe, number, record } from '../values/values.ts';

export function stepBuiltin(ctx: Context): BuiltinValue {
  return define(ctx, 'step', ['model', 'method', 't', 'y', 'h', 'noise?', 'space?'], (a) => {
    const model = modelOf(ctx, a.need('model'), a);
    const method = methodOf(ctx, a, model);
    const given = a.need('y');
    if (given.kind !== 'record')
      return failAt(
        ctx,
        'E346',
        `a step starts at the record of states, but is given ${describe(given)}`,
        a.spanOf('y'),
      );
    const time = toReal(ctx, a.need('t'), a.spanOf('t'), 'the time of a step');
    const h = toReal(ctx, a.need('h'), a.spanOf('h'), 'the length of a step');
    const y = model.present(time, model.initial(time, given, a.spanOf('y')));
    const clock = clockOfStep(ctx, time, h);
    const sys = methodSystem(ctx, model, a.span, noisyEntries(ctx, a, model, method, y, { clock }));
    const mem =
      method.init === undefined
        ? record([])
        : ctx.call(method.init, positional(a.span, sys, array(time), y), a.span);
    const k = record([
      ['i', number(0, true)],
      ['t', array(time)],
      ['h', array(h)],
    ]);
    const result = asRecord(ctx, ctx.call(method.step, positional(a.span, sys, k, y, mem), a.span), a.span);
    const next =
      result.entries.get('y') ??
      failAt(
        ctx,
        'E370',
        'the `step` of a method gives a record { y, mem }, but there is no `y`',
        a.spanOf('method'),
      );
    return asRecord(ctx, conform(ctx, next, y, a.spanOf('method'), 'the state after a step'), a.span);
  });
}
