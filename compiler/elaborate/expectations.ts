// `expect(e)` in a stochastic model: the mean of e over the paths of the solve, `solve(m, …, paths: n)`. While one path is elaborated it is an operation that stands for the mean (`path_mean`); where the paths are
// batched it becomes it, so that the ensemble advances together, whatever loops the solve is made of. Along one path the law stands still: a method's derivatives of the coefficients (Milstein's, the conversion
// between the calculi) do not differentiate the mean. Derivatives of the whole solve do.

import type { Context, DrawContext } from './context.ts';
import { failAt } from './context.ts';
import { flatten } from './leaves.ts';
import type { Value } from './values.ts';
import type { BuiltinValue } from './values.ts';
import { define } from './builtins/registry.ts';
import * as b from '../ir/build.ts';
import { activityOf } from '../autodiff/activity.ts';
import { reachable } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';

/** The draws of one path of an ensemble: their innermost turn is that of the paths. */
export function asPath(draws: DrawContext): DrawContext {
  const path = draws.turns.at(-1)?.index;
  return path === undefined ? draws : { ...draws, ensemble: { path, moves: false } };
}

/** The draws of a place where the law moves with the paths: the condition of an event, whose time is that of all paths. */
export const withMovingLaw = (draws: DrawContext): DrawContext =>
  draws.ensemble === undefined ? draws : { ...draws, ensemble: { ...draws.ensemble, moves: true } };

/** The draws of an ensemble that is not there yet: a model is looked at before it is solved. */
export const withAnyLaw = (ctx: Context): DrawContext => ({
  ...ctx.draws,
  ensemble: { path: ctx.graph.param('path', { dtype: 'u32', shape: [] }), moves: false },
});

export function expectBuiltin(ctx: Context): BuiltinValue {
  return define(ctx, 'expect', ['e'], (a): Value => {
    const { path, moves } =
      ctx.draws.ensemble ??
      failAt(
        ctx,
        'E460',
        '`expect(…)` is the mean over the paths of a solve, and there are none here',
        a.span,
        'write solve(m, …, paths: 1000), and `expect(X)` in the equations, events and monitors of m',
      );
    const flat = flatten(ctx, a.need('e'), a.spanOf('e'));
    return flat.rebuild(
      flat.leaves.map((l) => b.pathMean(ctx.graph, b.cast(ctx.graph, l.node, ctx.real), path, moves)),
    );
  });
}

/** Whether the values are reached from `inside` on ways that lead through no mean over the paths, and whether on ways that do. */
export function lawIn(
  values: readonly Node[],
  inside: ReadonlySet<Node>,
): { readonly directly: boolean; readonly means: readonly Node[] } {
  const depends = activityOf(values, inside, [], 'value');
  const means = reachable(values).filter((n) => n.op === 'path_mean' && depends.has(n));
  const seen = new Set<Node>();
  const rest = [...values];
  let directly = false;
  for (let n = rest.pop(); n !== undefined; n = rest.pop()) {
    if (seen.has(n)) continue;
    seen.add(n);
    if (inside.has(n)) directly = true;
    else if (n.op !== 'path_mean') rest.push(...n.args);
  }
  return { directly, means };
}
