// The times that an adaptive solve saves: `save: times([…])`, `times([…], hit: true)`, `every(time: 0.1)`. Those of `times` may be run-time numbers: data, trained, one array for each member of an ensemble.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { staticList, staticNumber, toReal } from '../values/leaves.ts';
import { positional } from './solve_parts.ts';
import { array, describe } from '../values/values.ts';
import type { Node } from '../../ir/types.ts';
import type { Given } from '../builtins/registry.ts';

export interface AdaptiveTimes {
  /** All times. */
  readonly node: Node;
  /** Those that steps lead to: without the start, where it is known to be one. */
  readonly later: Node;
  readonly includesStart: boolean;
  /** The last one is known to be the end. */
  readonly endsAtEnd: boolean;
  /** What is known about them at compile time; run-time ones may be the start. */
  readonly known: boolean;
  /** Steps are cut to end at these times. */
  readonly hit: boolean;
}

/** undefined when nothing is to be saved. */
export function adaptiveTimes(
  ctx: Context,
  a: Given,
  ends: {
    readonly s0: number | undefined;
    readonly s1: number | undefined;
    readonly start: Node;
    readonly end: Node;
  },
): AdaptiveTimes | undefined {
  const { s0, s1 } = ends;
  const g = ctx.graph;
  const literal = (values: readonly number[]): Node =>
    g.literal(Float64Array.from(values), [values.length], ctx.real);
  const fixed = (values: readonly number[], cut: boolean): AdaptiveTimes => {
    const later = values.filter((x) => x !== s0);
    return {
      node: literal(values),
      later: literal(later),
      includesStart: later.length < values.length,
      endsAtEnd: values[values.length - 1] === s1,
      known: true,
      hit: cut,
    };
  };
  const v = a.get('save');
  const span = a.spanOf('save');
  if (v === undefined || (v.kind === 'option' && v.name === 'none')) return undefined;
  const hitWanted = v.kind === 'option' ? v.args.get('hit') : undefined;
  const hit = hitWanted?.kind === 'bool' && hitWanted.value;
  if (v.kind === 'option' && v.name === 'times') {
    const list = v.args.get('times');
    const values = list === undefined ? undefined : staticList(list);
    if (values === undefined || s0 === undefined || s1 === undefined) {
      const given = list === undefined ? undefined : toReal(ctx, list, span, 'the times to save');
      if (list === undefined || given?.shape.length !== 1 || given.shape[0] === 0)
        return failAt(
          ctx,
          'E379',
          `the times to save are a vector of numbers, but this is ${list === undefined ? 'nothing' : describe(list)}`,
          span,
        );
      const ordered = ctx.call(
        ctx.library('std.step_control', 'saved_times'),
        positional(span, array(given), array(ends.start), array(ends.end)),
        span,
      );
      const node = toReal(ctx, ordered, span, 'the times to save');
      return { node, later: node, includesStart: false, endsAtEnd: false, known: false, hit };
    }
    const way = s1 < s0 ? -1 : 1;
    values.forEach((x, k) => {
      const before = values[k - 1];
      if (before !== undefined && (x - before) * way <= 0)
        failAt(ctx, 'E381', `the times to save must increase, but ${x} follows ${before}`, span);
      if ((x - s0) * way < 0 || (s1 - x) * way < 0)
        failAt(ctx, 'E380', `the time ${x} to be saved does not lie in ${s0} .. ${s1}`, span);
    });
    return fixed(values, hit);
  }
  const interval = v.kind === 'option' && v.name === 'every' ? v.args.get('time') : undefined;
  const tau = interval === undefined ? undefined : staticNumber(interval);
  if (tau !== undefined && tau > 0 && (s0 === undefined || s1 === undefined))
    return failAt(
      ctx,
      'E378',
      'the times of `every(time: …)` are found while the program is compiled, but the ends of time are not known then',
      span,
      'write times([…]) with times made of the ends, times([T*(k/10) for k in 0..11])',
    );
  if (tau === undefined || !(tau > 0) || s0 === undefined || s1 === undefined)
    return failAt(
      ctx,
      'E378',
      'where the steps are found while the solve runs, `save:` is times([…]), every(time: 0.1) or none',
      span,
    );
  const count = Math.abs(s1 - s0) / tau;
  const values = Array.from(
    { length: Math.floor(count + 1e-9) + 1 },
    (_, k) => s0 + Math.sign(s1 - s0) * k * tau,
  );
  if (Math.abs(count - Math.round(count)) > 1e-9) values.push(s1);
  else values[values.length - 1] = s1;
  return fixed(values, hit);
}
