// What stands after `on`: a domain by its name, with numbers of cells or without.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { gridOf } from './domains.ts';
import { find } from '../names/names.ts';
import type { Scope } from '../names/scope.ts';
import type { DomainValue, GridValue } from '../values/values.ts';
import { describe } from '../values/values.ts';
import type { Grid } from '../../field/types.ts';
import { didYouMean } from '../../support/did_you_mean.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

function domainNamed(ctx: Context, name: string, span: Span, scope: Scope): DomainValue | GridValue {
  const value = find(ctx, name, scope);
  if (value?.kind === 'domain' || value?.kind === 'grid') return value;
  const domains = [...scope.module.items].flatMap(([n, item]) => (item.kind === 'domain' ? [n] : []));
  const guess = didYouMean(name, domains);
  return failAt(
    ctx,
    'E176',
    value === undefined
      ? `\`${name}\` is not known here`
      : `\`${name}\` is no domain: it is ${describe(value)}`,
    span,
    guess !== undefined
      ? `did you mean \`${guess}\`?`
      : domains.length > 0 || value !== undefined
        ? `${domains.length > 0 ? `domains are ${domains.join(', ')}` : 'a domain is declared like domain plate { x: 0 .. 1 cells 64 }'}`
        : `declare it: domain ${name} { x: 0 .. 1 cells 64 }`,
  );
}

/** The grid that `on plate` or `on plate(128)` names. */
export function placeGrid(ctx: Context, place: ast.Place, scope: Scope): Grid {
  const domain = domainNamed(ctx, place.name.name, place.name.span, scope);
  if (domain.kind === 'grid') return domain.grid;
  const args = (place.args ?? []).map((a) => ({
    ...(a.name ? { name: a.name.name } : {}),
    value: ctx.evaluate(a.value, scope),
    span: a.span,
  }));
  return gridOf(ctx, domain, args, place.span);
}
