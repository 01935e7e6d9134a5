// What a method finds in `sys` when the model is stochastic, and steps of such a model that are found while the solve runs. A step that is rejected must see the same path when it is tried again in parts, so there is always a Brownian path: the one given as `noise:`, or a virtual
// tree of the solve's own (stdlib/brownian.flow). Steps end at the points of its grid (`sys.grain`), where its increments are exact.
//
// Steps that are chosen by what the noise does within them are only unbiased for methods that converge path by path (Gaines & Lyons 1997): of strong order 1 at least. Euler and Maruyama's method misses terms like
// (w^2 - h)/2, whose mean is zero over steps of given lengths, but not over steps that end where w is small.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { PreparedModel } from './model.ts';
import { noiseVariances } from './noise.ts';
import { noiseClassOf } from './noise_class.ts';
import type { Clock } from './noise_processes.ts';
import { refuseProcesses } from './noise_processes.ts';
import type { Method } from '../solve/solve_parts.ts';
import { positional } from '../solve/solve_parts.ts';
import { refuseUnfit, stochasticEntries } from './stochastic_system.ts';
import type { Given } from '../builtins/registry.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array, record } from '../values/values.ts';
import type { Node } from '../../ir/types.ts';

/** What the method finds in `sys` when the model is stochastic. */
export function noisyEntries(
  ctx: Context,
  a: Given,
  model: PreparedModel,
  method: Method,
  y0: RecordValue,
  given: { readonly paths?: Value; readonly clock?: Clock } = {},
): readonly (readonly [string, Value])[] {
  const options = {
    calculus: method.calculus,
    paths: a.get('noise') ?? given.paths,
    ...(given.clock ? { clock: given.clock } : {}),
    pathsSpan: a.spanOf('noise'),
    methodSpan: a.spanOf('method'),
  };
  if (model.stochastic === undefined && options.paths !== undefined)
    failAt(ctx, 'E488', `${model.name} has no noise`, options.pathsSpan, 'leave out `noise:`');
  const entries = stochasticEntries(ctx, model, y0, options, a.span);
  refuseUnfit(ctx, model, method.needs, y0, options.methodSpan);
  refuseProcesses(ctx, model, a.get('method'), y0, options.methodSpan);
  return entries;
}

export interface Pathwise {
  readonly y0: RecordValue;
  readonly start: Node;
  readonly end: Node;
  /** The lengths of the steps do not depend on the states. */
  readonly given?: boolean;
}

export function pathwiseEntries(
  ctx: Context,
  a: Given,
  model: PreparedModel,
  method: Method,
  on: Pathwise,
): readonly (readonly [string, Value])[] {
  if (model.stochastic === undefined) return noisyEntries(ctx, a, model, method, on.y0);
  const jumps = model.noises.find((n) => n.source !== undefined && n.path === undefined);
  if (jumps !== undefined && a.get('noise') === undefined)
    failAt(
      ctx,
      'E487',
      `the noise \`${jumps.name}\` of ${model.name} is a process of its own, and steps that are found while the solve runs need Brownian paths`,
      a.span,
      'give the solve fixed steps: `steps: 200` or `dt: 1e-2`',
    );
  const own = a.get('noise') === undefined ? ownPaths(ctx, a, model, on) : undefined;
  const entries = noisyEntries(ctx, a, model, method, on.y0, own === undefined ? {} : { paths: own });
  const { order } = method;
  const additive = ['none', 'additive'].includes(noiseClassOf(ctx, model, on.y0, a.span));
  if (on.given !== true && !additive && (order === undefined || order < 1))
    failAt(
      ctx,
      'E503',
      `a method of strong order ${order ?? 'unknown'} is biased where steps are chosen by what the noise does, unless the noise is additive, which that of ${model.name} is not`,
      a.spanOf('method'),
      'use std.sde { heun, srk } or step_doubling(milstein()); or give the solve fixed steps, `steps: 200`',
    );
  const path = entries.find(([name]) => name === 'path')?.[1] ?? record([]);
  const grain = ctx.call(ctx.library('std.brownian', 'grain_of'), positional(a.span, path), a.span);
  return grain.kind === 'record' && grain.entries.size > 0 ? [...entries, ['grain', grain]] : entries;
}

/** A virtual path for every noise. */
export function ownPaths(ctx: Context, a: Given, model: PreparedModel, on: Omit<Pathwise, 'y0'>): Value {
  const variances = noiseVariances(ctx, model.noises, a.span);
  const make = ctx.library('std.brownian', 'path_of_noise');
  return record(
    model.noises
      .filter((n) => n.path === undefined)
      .map((n) => {
        const variance = variances.entries.get(n.name) ?? n.zero;
        return [
          n.name,
          ctx.call(make, positional(a.span, n.zero, variance, array(on.start), array(on.end)), a.span),
        ] as const;
      }),
  );
}
