// Strings interpolate. Holes known at compile time become text at once; run-time numbers stay holes, which only `print`, `assert` and `log` may have.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { staticNumber } from './leaves.ts';
import type { Scope } from '../names/scope.ts';
import type { StringValue, Value } from './values.ts';
import type * as ast from '../../syntax/ast.ts';
import { showNumber } from '../../support/number_text.ts';
import type { Span } from '../../support/span.ts';

export function evaluateString(ctx: Context, e: ast.StringExpression, scope: Scope): StringValue {
  const parts: (string | { value: Value; digits?: number })[] = [];
  for (const p of e.parts) {
    if (p.kind === 'text') {
      parts.push(p.text);
      continue;
    }
    const value = ctx.evaluate(p.value, scope);
    for (const o of p.options)
      if (o.name?.name !== 'digits')
        failAt(
          ctx,
          'E113',
          'a hole of a string has the option `digits` only',
          o.span,
          'write "{x, digits: 3}"',
        );
    const wanted = p.options.find((o) => o.name?.name === 'digits');
    const digits = wanted === undefined ? undefined : staticNumber(ctx.evaluate(wanted.value, scope));
    if (value.kind === 'number') parts.push(showNumber(value.value, digits));
    else if (value.kind === 'bool') parts.push(String(value.value));
    else if (value.kind === 'string') parts.push(...value.parts);
    else parts.push({ value, ...(digits === undefined ? {} : { digits }) });
  }
  return { kind: 'string', parts };
}

/** The text of a string that must be known at compile time (file names, labels). */
export function staticText(ctx: Context, v: Value, span: Span, what: string): string {
  if (v.kind === 'string' && v.parts.every((p) => typeof p === 'string')) return v.parts.join('');
  return failAt(
    ctx,
    'E112',
    `${what} is a string known at compile time`,
    span,
    v.kind === 'string'
      ? 'run-time values may stand in print, assert and log only'
      : 'write it in double quotes',
  );
}
