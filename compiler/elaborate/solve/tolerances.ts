// `rtol:` and `atol:` of a solve that finds its steps: an error e of a state y is as large as may be where |e| = atol + rtol |y|. Neither is negative and one of them is above 0: no step, however short, has no error at all.
// What is known when compiling is refused then, the rest when the program runs.

import { mustHold } from '../expressions/checked.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { Given } from '../builtins/registry.ts';
import { flatten, staticNumber } from '../values/leaves.ts';
import type { Value } from '../values/values.ts';
import { array, real } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';

const CURE = 'write rtol: 1e-6, atol: 1e-8: errors of a state y up to atol + rtol*|y| in a step are let pass';

/** Numbers, or for each state its own. */
export function tolerances(ctx: Context, a: Given): { readonly rtol: Value; readonly atol: Value } {
  const g = ctx.graph;
  const [rtol, atol] = [a.get('rtol') ?? real(1e-4), a.get('atol') ?? real(1e-6)];
  const place = a.get('rtol') === undefined ? 'atol' : 'rtol';
  const known = [rtol, atol].map(staticNumber);
  for (const [i, name] of ['rtol', 'atol'].entries()) {
    const v = known[i];
    if (v !== undefined && !(v >= 0))
      failAt(ctx, 'E384', `\`${name}:\` is not negative, but this is ${v}`, a.spanOf(name), CURE);
  }
  if (known[0] === 0 && known[1] === 0)
    failAt(
      ctx,
      'E384',
      'no step keeps a tolerance of 0: `rtol:` and `atol:` are both 0',
      a.spanOf(place),
      CURE,
    );
  if (known[0] !== undefined && known[1] !== undefined) return { rtol, atol };
  const nodes = (v: Value): readonly Node[] => flatten(ctx, v, a.span).leaves.map((l) => l.node);
  const least = (v: Value): Node =>
    nodes(v)
      .map((n) => b.cast(g, b.reduceAll(g, 'min', n), ctx.real))
      .reduce((x, y) => b.min(g, x, y));
  const [r, t] = [least(rtol), least(atol)];
  const holds = b.and(g, b.and(g, b.ge(g, r, 0), b.ge(g, t, 0)), b.gt(g, b.add(g, r, t), 0));
  const message = [
    'no step keeps a tolerance of rtol = ',
    { value: array(r) },
    ', atol = ',
    { value: array(t) },
  ];
  const dynamic = known[0] === undefined ? 'rtol' : 'atol';
  const checked = mustHold(ctx, dynamic === 'rtol' ? rtol : atol, holds, message, a.spanOf(dynamic), CURE);
  return dynamic === 'rtol' ? { rtol: checked, atol } : { rtol, atol: checked };
}

/** Whether errors are wanted that are smaller than rounding of float32, of states of size 1. */
export function belowRounding(ctx: Context, rtol: Value, atol: Value): boolean {
  const [r, t] = [staticNumber(rtol), staticNumber(atol)];
  return ctx.real === 'f32' && r !== undefined && t !== undefined && r + t < 2 ** -22;
}
