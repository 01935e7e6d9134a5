// Arguments of a call bound to parameters: positional ones first, then named ones, then defaults.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { bindPattern } from '../names/patterns.ts';
import type { Scope } from '../names/scope.ts';
import { bindType } from '../values/types.ts';
import type { CallArguments } from '../values/values.ts';
import { didYouMean } from '../../support/did_you_mean.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** Defines every parameter in `scope`: positional arguments first, then named ones, then defaults (which may use earlier parameters). */
export function bindArguments(
  ctx: Context,
  name: string,
  params: readonly ast.Param[],
  args: CallArguments,
  scope: Scope,
  span: Span,
): void {
  const names = params.map((p) => (p.pattern.kind === 'name-pattern' ? p.pattern.name : undefined));
  const positional = args.filter((a) => a.name === undefined);
  const signature = `${name}(${params.map((p, i) => (names[i] ?? '(…)') + (p.default ? ' = …' : '')).join(', ')})`;
  const extra = positional[params.length];
  if (extra !== undefined)
    failAt(
      ctx,
      'E172',
      `${name} takes ${params.length === 0 ? 'no arguments' : params.length === 1 ? 'one argument' : `${params.length} arguments`}, but is given ${args.length}`,
      extra.span,
      `it is declared as ${signature}`,
    );
  for (const a of args) {
    if (a.name === undefined) continue;
    const position = names.indexOf(a.name);
    if (position < 0) {
      const guess = didYouMean(
        a.name,
        names.filter((n) => n !== undefined),
      );
      failAt(
        ctx,
        'E173',
        `${name} has no argument \`${a.name}\``,
        a.span,
        guess ? `did you mean \`${guess}\`?` : `it is declared as ${signature}`,
      );
    }
    if (position < positional.length || args.filter((x) => x.name === a.name).length > 1)
      failAt(ctx, 'E174', `the argument \`${a.name}\` of ${name} is given twice`, a.span);
  }
  params.forEach((p, i) => {
    const given = positional[i] ?? args.find((a) => a.name !== undefined && a.name === names[i]);
    const value =
      given?.value ??
      (p.default === undefined
        ? failAt(
            ctx,
            'E175',
            `the argument \`${names[i] ?? 'number ' + String(i + 1)}\` of ${name} is missing`,
            span,
            `it is declared as ${signature}`,
          )
        : ctx.evaluate(p.default, scope));
    const typed =
      p.type === undefined
        ? value
        : bindType(
            ctx,
            p.type,
            value,
            scope,
            given?.span ?? p.span,
            `the argument \`${names[i] ?? ''}\` of ${name}`,
            true,
          );
    bindPattern(ctx, p.pattern, typed, scope, given?.span ?? p.span, false);
  });
}
