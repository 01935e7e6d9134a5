// `with k = v, r.a = w, s[i] = x { … }`: the world in which items have other values, whole or in part. All values are evaluated before anything is replaced. In: the bindings. Out: a world.

import { assignTo } from './assignment.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { NamedItem, Scope, World } from '../names/scope.ts';
import { itemNamed, replaced, replacePart } from '../names/worlds.ts';
import { conform } from '../values/conform.ts';
import type { Value } from '../values/values.ts';
import type * as ast from '../../syntax/ast.ts';

export function replacedItems(ctx: Context, bindings: readonly ast.WithBinding[], scope: Scope): World {
  const given = bindings.map((binding) => ({ binding, value: ctx.evaluate(binding.value, scope) }));
  const out = new Map<NamedItem, Value>();
  for (const { binding, value } of given) {
    const { target } = binding;
    const { name, parts } = namesOf(ctx, target);
    const item = itemNamed(ctx, name, scope, target.span);
    const before = out.get(item) ?? ctx.item(scope.module, item, name);
    out.set(
      item,
      parts === undefined
        ? withElements(ctx, name, before, target, value, scope)
        : parts.length === 0
          ? conform(ctx, value, before, target.span, `\`${name}\``)
          : replacePart(ctx, before, parts, value, target.span),
    );
  }
  return replaced(ctx, out);
}

/** As with a `var`: the name stands for the value so far, and gets a new one, of the same structure and shape. */
function withElements(
  ctx: Context,
  name: string,
  before: Value,
  target: ast.Expression,
  value: Value,
  scope: Scope,
): Value {
  const inner = scope.child();
  inner.define(name, before, target.span, true, ctx.regions.length);
  assignTo(ctx, target, value, inner, target.span);
  return conform(ctx, inner.own(name) ?? before, before, target.span, `\`${name}\``);
}

/** The item, and the names of the part; none of those where elements stand in the target. */
function namesOf(
  ctx: Context,
  target: ast.Expression,
): { readonly name: string; readonly parts?: readonly string[] } {
  if (target.kind === 'name') return { name: target.name, parts: [] };
  if (target.kind === 'member') {
    const { name, parts } = namesOf(ctx, target.target);
    return parts === undefined ? { name } : { name, parts: [...parts, target.name.name] };
  }
  if (target.kind === 'index') return { name: namesOf(ctx, target.target).name };
  return failAt(
    ctx,
    'E151',
    '`with` replaces an item, a part of one or elements of one',
    target.span,
    'write a name, r.a or s[i]: with s[0] = 2 { return f() }',
  );
}
