// What a method sees of a model: `sys.rhs(t, y)`, and for models whose states fall into two groups whose rates do not contain the group itself, `sys.push` (rates of the first group,
// zero for the second) and `sys.kick` (the other way round): what the symplectic methods alternate.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { conform } from '../values/conform.ts';
import { flatten, toReal } from '../values/leaves.ts';
import { ordersEntry } from './fractional_orders.ts';
import { linearEntry, needLabel } from './linear_terms.ts';
import type { PreparedModel } from './model.ts';
import { rightSide } from './right_side.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { describe, list, record, text } from '../values/values.ts';
import { staticText } from '../values/strings.ts';
import { define } from '../builtins/registry.ts';
import * as b from '../../ir/build.ts';
import { reachable } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

/** `more` are the entries of a stochastic model, which come in the place of the ones made here. */
export function methodSystem(
  ctx: Context,
  model: PreparedModel,
  span: Span,
  more: readonly (readonly [string, Value])[] = [],
): RecordValue {
  const ratesAt = rightSide(ctx, model, span);
  const rates = (t: Value, y: Value): RecordValue => {
    const states = statesOf(ctx, model, y, span);
    const time =
      t.kind === 'array'
        ? t.node
        : t.kind === 'number'
          ? ctx.graph.constant(t.value, ctx.real)
          : failAt(ctx, 'E370', `a time is a number, but this is ${describe(t)}`, span);
    return ratesAt(time, states);
  };
  const rhs = define(ctx, 'rhs', ['t', 'y'], (a) => rates(a.need('t'), a.need('y')));
  let groups: { first: ReadonlySet<string>; second: ReadonlySet<string> } | undefined;
  const part = (name: string, group: 'first' | 'second'): Value =>
    define(ctx, name, ['t', 'y'], (a) => {
      const [t, y] = [a.need('t'), a.need('y')];
      groups ??= separate(ctx, model, y, span);
      const chosen = groups[group];
      const all = rates(t, y);
      return record([...all.entries].map(([k, v]) => [k, chosen.has(k) ? v : zeros(ctx, v, span)] as const));
    });
  /** A record of states with zeros in the place of the first group. */
  const second = define(ctx, 'second', ['y'], (a) => {
    const y = a.need('y');
    groups ??= separate(ctx, model, y, span);
    const own = groups.second;
    const entries = y.kind === 'record' ? [...y.entries] : [];
    return record(entries.map(([k, v]) => [k, own.has(k) ? v : zeros(ctx, v, span)] as const));
  });
  /** The rates that the terms with a label give: `sys.part("diffusion")(t, y)`; "rest" are those without a label. */
  const labelled = define(ctx, 'part', ['label'], (a) => {
    const label = staticText(ctx, a.need('label'), a.spanOf('label'), 'the label of a part');
    if (label !== 'rest') needLabel(ctx, model, label, span);
    return define(ctx, label, ['t', 'y'], (inner) =>
      model.partOf(
        label,
        toReal(ctx, inner.need('t'), inner.span, 'a time'),
        statesOf(ctx, model, inner.need('y'), span),
      ),
    );
  });
  // Methods for stochastic models ask for these first.
  const ordinary = (name: string): readonly [string, Value] => [
    name,
    define(ctx, name, ['a', 'b?'], () =>
      failAt(
        ctx,
        'E487',
        `this method is one for stochastic models, but ${model.name} has no noise`,
        span,
        'use std.ode { rk4 } and write method: rk4; or declare the model as `sde`, with `noise W` and d(x) = …',
      ),
    ),
  ];
  return record([
    ...(model.stochastic === undefined ? [ordinary('drift'), ordinary('noise')] : []),
    ['rhs', rhs],
    ['part', labelled],
    ['labels', list(model.parts.map((p) => text(p)))],
    ['args', model.args],
    ordersEntry(ctx, model.fractional, span),
    ['linear', linearEntry(ctx, model, span)],
    ['push', part('push', 'first')],
    ['kick', part('kick', 'second')],
    ['second', second],
    ...more,
  ]);
}

function statesOf(ctx: Context, model: PreparedModel, y: Value, span: Span): RecordValue {
  return y.kind === 'record'
    ? y
    : failAt(
        ctx,
        'E370',
        `the right side of ${model.name} wants its record of states, but is given ${describe(y)}`,
        span,
      );
}

function zeros(ctx: Context, v: Value, span: Span): Value {
  const flat = flatten(ctx, v, span);
  return flat.rebuild(flat.leaves.map((l) => b.zerosLike(ctx.graph, l.node)));
}

/** Two groups of states such that no rate contains a state of its own group; the group of the first state comes first. */
function separate(
  ctx: Context,
  model: PreparedModel,
  y: Value,
  span: Span,
): { first: ReadonlySet<string>; second: ReadonlySet<string> } {
  const names = model.states.map((s) => s.name);
  const params = new Map<string, readonly Node[]>();
  const entries = y.kind === 'record' ? y.entries : new Map<string, Value>();
  const probe = record(
    names.map((n) => {
      const value = entries.get(n) ?? failAt(ctx, 'E340', `the state \`${n}\` has no value here`, span);
      const flat = flatten(ctx, value, span);
      const fresh = flat.leaves.map((l) => ctx.graph.param(n, l.node));
      params.set(n, fresh);
      return [n, conform(ctx, flat.rebuild(fresh), value, span, n)] as const;
    }),
  );
  const rates = model.rhs(ctx.graph.param('t', { dtype: ctx.real, shape: [] }), probe);
  const needs = new Map<string, Set<string>>();
  for (const [n, rate] of rates.entries) {
    const seen = new Set(reachable(flatten(ctx, rate, span).leaves.map((l) => l.node)));
    needs.set(n, new Set(names.filter((m) => (params.get(m) ?? []).some((p) => seen.has(p)))));
  }
  const colour = new Map<string, 0 | 1>();
  const paint = (n: string, c: 0 | 1): void => {
    const before = colour.get(n);
    if (before !== undefined) {
      if (before !== c) refuse(n);
      return;
    }
    colour.set(n, c);
    for (const m of names) {
      if (needs.get(n)?.has(m) === true || needs.get(m)?.has(n) === true) {
        if (m === n) refuse(n);
        paint(m, c === 0 ? 1 : 0);
      }
    }
  };
  const refuse = (n: string): never =>
    failAt(
      ctx,
      'E383',
      `this method needs two groups of states whose rates do not contain the group itself, like positions and velocities; the rate of \`${n}\` in ${model.name} does not allow that`,
      span,
      'use a general method: use std.ode { rk4 }',
    );
  names.forEach((n) => {
    if (!colour.has(n)) paint(n, 0);
  });
  const group = (c: 0 | 1): ReadonlySet<string> => new Set(names.filter((n) => colour.get(n) === c));
  if (group(1).size === 0)
    failAt(
      ctx,
      'E383',
      `this method needs positions and velocities; ${model.name} has no such pair of states`,
      span,
      `write the equation of second order, dt(${at(names, 0)}, 2) = …, or use a general method`,
    );
  return { first: group(0), second: group(1) };
}
