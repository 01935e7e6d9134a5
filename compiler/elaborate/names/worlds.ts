// Replacing items for the time of one evaluation: `with k = v { … }`, the trial points of an optimiser, the arguments of `gradient(loss, over: k)`.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { NamedItem, Scope, World } from './scope.ts';
import type { Value } from '../values/values.ts';
import { conform } from '../values/conform.ts';
import type { Span } from '../../support/span.ts';

/** The current world with some items replaced. What does not depend on them is evaluated again, which gives the same nodes. */
export function replaced(ctx: Context, replacements: Iterable<readonly [NamedItem, Value]>): World {
  return {
    replaced: new Map([...ctx.world.replaced, ...replacements]),
    values: new Map(),
    monitors: new Map(),
  };
}

export function itemNamed(ctx: Context, name: string, scope: Scope, span: Span): NamedItem {
  const item = scope.module.items.get(name);
  const what = item?.kind === 'declaration' ? item.what : undefined;
  if (item !== undefined && (what === 'param' || what === 'input' || what === 'state' || what === 'network'))
    return item;
  return failAt(
    ctx,
    'E151',
    `\`with\` replaces parameters, inputs, states and networks; \`${name}\` is none of them`,
    span,
  );
}

export function replacePart(
  ctx: Context,
  whole: Value,
  path: readonly string[],
  value: Value,
  span: Span,
): Value {
  const [head, ...rest] = path;
  if (head === undefined) return conform(ctx, value, whole, span, 'the part');
  if (whole.kind !== 'record') return failAt(ctx, 'E155', `there is no part \`${head}\` here`, span);
  const before = whole.entries.get(head);
  if (before === undefined)
    return failAt(
      ctx,
      'E155',
      `there is no part \`${head}\` here; there are ${[...whole.entries.keys()].join(', ')}`,
      span,
    );
  return {
    ...whole,
    entries: new Map([...whole.entries, [head, replacePart(ctx, before, rest, value, span)]]),
  };
}
