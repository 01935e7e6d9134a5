// Replacing items for the time of one evaluation: `with k = v { … }`, the trial points of an optimiser, the arguments of `gradient(loss, over: k)`.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { NamedItem, Scope, World } from './scope.ts';
import type { Value } from '../values/values.ts';
import { conform } from '../values/conform.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** The current world with some items replaced. What does not depend on them is evaluated again, which gives the same nodes. */
export function replaced(ctx: Context, replacements: Iterable<readonly [NamedItem, Value]>): World {
  return {
    replaced: new Map([...ctx.world.replaced, ...replacements]),
    values: new Map(),
    monitors: new Map(),
  };
}

export function replaceIn(
  ctx: Context,
  bindings: readonly { readonly path: ast.Path; readonly value: Value }[],
  scope: Scope,
): World {
  const out = new Map<NamedItem, Value>();
  for (const { path, value } of bindings) {
    const item = itemNamed(ctx, at(path.parts, 0).name, scope, path.span);
    if (path.parts.length > 1) {
      const before = out.get(item) ?? ctx.item(scope.module, item, at(path.parts, 0).name);
      out.set(
        item,
        replacePart(
          ctx,
          before,
          path.parts.slice(1).map((p) => p.name),
          value,
          path.span,
        ),
      );
    } else
      out.set(
        item,
        conform(
          ctx,
          value,
          ctx.item(scope.module, item, at(path.parts, 0).name),
          path.span,
          `\`${at(path.parts, 0).name}\``,
        ),
      );
  }
  return replaced(ctx, out);
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
