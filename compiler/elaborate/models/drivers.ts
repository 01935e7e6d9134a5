// `driver X = e` in a model: a path that drives it, given and not drawn. In the model `X` is its value at the time and `dX` its increment: controlled differential equations d(z) = f(z) dX (Lyons 1998; Kidger,
// Morrill, Foster & Lyons 2020). e does not depend on states.
//   a function of time (cubic(ts, xs) of std.interp): dX = X'(t) dt, the derivative exact. Nothing is left to approximate but the ordinary equation: methods keep their order where X is smooth.
//   a path { value(t), increment(a, b) } (brownian, through, fbm): dX = X(t + h) - X(t) over a step, in stochastic models, by methods that take paths (noise_processes.ts).

import type { Context } from '../context.ts';
import { failAt, notYet } from '../context.ts';
import { forwardDerivative } from '../expressions/derivatives.ts';
import { isDifferential } from './equations.ts';
import { flatten } from '../values/leaves.ts';
import type { Noise } from './noise.ts';
import { operators } from '../values/operators.ts';
import { positional } from '../solve/solve_parts.ts';
import type { Scope } from '../names/scope.ts';
import type { Value } from '../values/values.ts';
import { array, describe, real } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

export interface Driver {
  readonly name: string;
  readonly span: Span;
  readonly valueAt: (t: Node) => Value;
  /** X'(t) dt; of a path its increments come with those of the noises. */
  readonly increment: ((t: Node, dt: Node) => Value) | undefined;
  readonly noise: Noise | undefined;
}

export const hasDrivers = (item: ast.ModelItem): boolean =>
  item.clauses.some((c) => c.kind === 'noise-clause' && c.what === 'driver');

/** Whether an equation of the model is written in differentials, d(z) = … */
export const hasDifferentials = (item: ast.ModelItem): boolean =>
  item.clauses.some((c) => c.kind === 'equation' && isDifferential(c.left));

export function driversOf(ctx: Context, item: ast.ModelItem, scope: Scope): readonly Driver[] {
  // A model that is only looked at, without its arguments, has no paths either.
  const known = (p: ast.Param): boolean =>
    p.pattern.kind !== 'name-pattern' || scope.find(p.pattern.name) !== undefined;
  if (!item.params.every(known)) return [];
  return item.clauses.flatMap((clause) =>
    clause.kind === 'noise-clause' && clause.what === 'driver'
      ? clause.entries.map((entry) => driverOf(ctx, item, entry, scope))
      : [],
  );
}

function driverOf(ctx: Context, item: ast.ModelItem, entry: ast.NoiseEntry, scope: Scope): Driver {
  const { name } = entry.name;
  const example = `write driver ${name} = cubic(times, values), with use std.interp { cubic }`;
  if (entry.on !== undefined || entry.type !== undefined)
    notYet(ctx, 'a driver with a type or on a domain', entry.span);
  const { process } = entry;
  if (process === undefined)
    return failAt(ctx, 'E463', `the driver \`${name}\` has no path`, entry.span, example);
  const { span } = process;
  const given = ctx.evaluate(process, scope);
  const called = (f: Value, t: Node): Value => ctx.call(f, positional(span, array(t)), span);
  if (given.kind === 'function' || given.kind === 'builtin')
    return {
      name,
      span,
      noise: undefined,
      valueAt: (t) => called(given, t),
      increment: (t, dt) =>
        ctx.elementwise(
          operators.mul,
          [forwardDerivative(ctx, given, array(t), real(1), span), array(dt)],
          span,
        ),
    };
  const value = given.kind === 'record' ? given.entries.get('value') : undefined;
  if (given.kind !== 'record' || value === undefined || !given.entries.has('increment'))
    return failAt(
      ctx,
      'E463',
      `a driver is a function of time or a path { value, increment }, but this is ${describe(given)}`,
      span,
      example,
    );
  if (item.what !== 'sde')
    return failAt(
      ctx,
      'E464',
      `the driver \`${name}\` of ${item.name.name} is a path without a derivative, which methods for ordinary equations cannot follow`,
      span,
      `declare the model as sde ${item.name.name} and take a method of std.sde, heun say; or drive it by a function of time, cubic(times, values)`,
    );
  const start = flatten(ctx, called(value, ctx.graph.constant(0, ctx.real)), span);
  const zero = start.rebuild(
    start.leaves.map((l) => b.zerosLike(ctx.graph, b.cast(ctx.graph, l.node, ctx.real))),
  );
  return {
    name,
    span,
    valueAt: (t) => called(value, t),
    increment: undefined,
    noise: { name, zero, variance: 1, source: process, path: given },
  };
}
