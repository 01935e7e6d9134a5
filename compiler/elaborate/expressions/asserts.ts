// `assert c, "message"`: what is decided at compile time is checked now, the rest is recorded with the two sides of its comparison for the message.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { Scope } from '../names/scope.ts';
import type { Value } from '../values/values.ts';
import { describe } from '../values/values.ts';
import { showNumber } from '../../support/number_text.ts';
import type * as ast from '../../syntax/ast.ts';
import { printExpression } from '../../syntax/print.ts';

export function assertSides(ctx: Context, s: ast.AssertStatement, scope: Scope): void {
  const first = ctx.draws.ordinal;
  const condition = ctx.evaluate(s.condition, scope);
  const message = s.message === undefined ? undefined : ctx.evaluate(s.message, scope);
  if (condition.kind === 'bool') {
    if (condition.value) return;
    const words =
      message?.kind === 'string' && message.parts.every((p) => typeof p === 'string')
        ? message.parts.join('')
        : 'this does not hold';
    failAt(ctx, 'E220', `assertion failed: ${words}`, s.span, sidesNow(ctx, s.condition, scope));
  }
  if (condition.kind !== 'array' || condition.node.dtype !== 'bool')
    failAt(
      ctx,
      'E192',
      `an assertion is a truth value, but this is ${describe(condition)}`,
      s.condition.span,
    );
  const record = { condition, message, sides: sides(ctx, s.condition, scope, first), span: s.span };
  // A run or test looks at it there and then; elsewhere it goes with what is computed behind it (block.ts).
  (ctx.asserts ?? ctx.pending).push(record);
}

function comparisons(e: ast.Expression): ast.CompareExpression[] {
  if (e.kind === 'compare') return [e];
  if (e.kind === 'logical') return [...comparisons(e.left), ...comparisons(e.right)];
  return [];
}

/** The operands of the comparisons that are no literals, as numbers to be shown: evaluated again, from the same draw on. */
function sides(
  ctx: Context,
  e: ast.Expression,
  scope: Scope,
  firstDraw: number,
): { label: string; value: Value }[] {
  const out: { label: string; value: Value }[] = [];
  const behind = ctx.draws.ordinal;
  ctx.draws.ordinal = firstDraw;
  for (const c of comparisons(e)) {
    for (const operand of c.operands) {
      if (operand.kind === 'number') continue;
      const value = ctx.evaluate(operand, scope);
      if (value.kind === 'array' && value.node.shape.length === 0)
        out.push({ label: printExpression(operand), value });
    }
  }
  ctx.draws.ordinal = behind;
  return out;
}

function sidesNow(ctx: Context, e: ast.Expression, scope: Scope): string | undefined {
  const shown = comparisons(e)
    .flatMap((c) => c.operands)
    .filter((o) => o.kind !== 'number')
    .map((o) => {
      const v = ctx.evaluate(o, scope);
      return v.kind === 'number' ? `${printExpression(o)} = ${showNumber(v.value)}` : undefined;
    })
    .filter((x) => x !== undefined);
  return shown.length > 0 ? shown.join(', ') : undefined;
}
