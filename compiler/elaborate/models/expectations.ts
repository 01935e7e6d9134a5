// `expect(e)` in a stochastic model: the mean of e over the paths of the solve, `solve(m, …, paths: n)`. While one path is elaborated it is an operation that stands for the mean (`path_mean`); where the paths are
// batched it becomes it, so that the ensemble advances together, whatever loops the solve is made of. Along one path the law stands still: a method's derivatives of the coefficients (Milstein's, the conversion
// between the calculi) do not differentiate the mean. Derivatives of the whole solve do.

import type { Context, DrawContext } from '../context.ts';
import { failAt } from '../context.ts';
import { flatten } from '../values/leaves.ts';
import type { Value } from '../values/values.ts';
import type { BuiltinValue } from '../values/values.ts';
import { define } from '../builtins/registry.ts';
import * as b from '../../ir/build.ts';
import { activityOf } from '../../autodiff/activity.ts';
import { regionsOf } from '../../ir/classes.ts';
import { reachable } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';

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

/** Whether values depend on `inside` through a mean of a law that stands still along one path: their derivatives by `inside` along this path would leave that out. */
export function movesLaw(values: readonly Node[], inside: ReadonlySet<Node>): boolean {
  const depends = activityOf(values, inside, [], 'value');
  const still = (n: Node): boolean => n.op === 'path_mean' && !n.attrs.moves;
  const within = (n: Node): boolean =>
    regionsOf(n).some(([, region]) => reachable(region.results).some((m) => still(m) || within(m)));
  return reachable(values).some((n) => depends.has(n) && (still(n) || within(n)));
}

/** Whether values are made of means over the paths, at any depth. */
export function hasMeans(values: readonly Node[]): boolean {
  return reachable(values).some(
    (n) => n.op === 'path_mean' || regionsOf(n).some(([, region]) => hasMeans(region.results)),
  );
}

/** Whether a value is made of means over the paths and, beside them, of `states` of the path itself. */
export function mixesLaw(value: Node, states: ReadonlySet<Node>): boolean {
  const depends = activityOf([value], states, [], 'value');
  if (!reachable([value]).some((n) => n.op === 'path_mean' && depends.has(n))) return false;
  const seen = new Set<Node>();
  const rest = [value];
  for (let n = rest.pop(); n !== undefined; n = rest.pop()) {
    if (seen.has(n)) continue;
    seen.add(n);
    if (states.has(n)) return true;
    if (n.op !== 'path_mean') rest.push(...n.args);
  }
  return false;
}
