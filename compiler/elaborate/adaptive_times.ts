// The times that an adaptive solve saves: `save: times([…])`, `times([…], hit: true)`, `every(time: 0.1)`, known at compile time.

import type { Context } from './context.ts';
import { failAt } from './context.ts';
import { staticList, staticNumber } from './leaves.ts';
import type { Given } from './builtins/registry.ts';

export interface AdaptiveTimes {
  readonly values: readonly number[];
  /** Steps are cut to end at these times. */
  readonly hit: boolean;
}

/** undefined when nothing is to be saved. */
export function adaptiveTimes(
  ctx: Context,
  a: Given,
  s0: number | undefined,
  s1: number | undefined,
): AdaptiveTimes | undefined {
  const v = a.get('save');
  const span = a.spanOf('save');
  if (v === undefined || (v.kind === 'option' && v.name === 'none')) return undefined;
  const hitWanted = v.kind === 'option' ? v.args.get('hit') : undefined;
  const hit = hitWanted?.kind === 'bool' && hitWanted.value;
  if (v.kind === 'option' && v.name === 'times') {
    const list = v.args.get('times');
    const values = list === undefined ? undefined : staticList(list);
    if (values === undefined || s0 === undefined || s1 === undefined)
      return failAt(ctx, 'E379', 'the times to save must be known at compile time', span);
    const way = s1 < s0 ? -1 : 1;
    values.forEach((x, k) => {
      const before = values[k - 1];
      if (before !== undefined && (x - before) * way <= 0)
        failAt(ctx, 'E381', `the times to save must increase, but ${x} follows ${before}`, span);
      if ((x - s0) * way < 0 || (s1 - x) * way < 0)
        failAt(ctx, 'E380', `the time ${x} to be saved does not lie in ${s0} .. ${s1}`, span);
    });
    return { values, hit };
  }
  const interval = v.kind === 'option' && v.name === 'every' ? v.args.get('time') : undefined;
  const tau = interval === undefined ? undefined : staticNumber(interval);
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
  return { values, hit };
}
