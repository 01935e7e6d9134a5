// `check order strong of model using method over [16, 32, 64] on 0 .. 1`: runs the model with these numbers of steps (stdlib/orders.flow), prints the observed order and ends the run when it is not the declared one.
// Orders of ordinary equations may miss by 0.1, strong and weak orders of stochastic ones by 0.2; a higher order than declared passes.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { staticInteger, staticNumber } from '../values/leaves.ts';
import { operators } from '../values/operators.ts';
import type { Scope } from '../names/scope.ts';
import { positional } from '../solve/solve_parts.ts';
import type { RecordValue, StringValue, Value } from '../values/values.ts';
import { describe, list, number, real, text } from '../values/values.ts';
import type * as ast from '../../syntax/ast.ts';

export interface OrderCheck {
  readonly line: StringValue;
  readonly condition: Value;
  readonly message: StringValue;
}

export function orderCheck(ctx: Context, s: ast.CheckOrderStatement, scope: Scope): OrderCheck {
  const sense = s.sense?.name ?? '';
  if (!['', 'strong', 'weak'].includes(sense))
    failAt(
      ctx,
      'E494',
      `there is no order called \`${sense}\``,
      s.sense?.span ?? s.span,
      'write check order of …, check order strong of … or check order weak of …',
    );
  const model = ctx.evaluate(s.model, scope);
  if (model.kind !== 'model' && model.kind !== 'instance' && model.kind !== 'record')
    failAt(ctx, 'E371', `a model is wanted here, but this is ${describe(model)}`, s.model.span);
  const method = ctx.evaluate(s.using, scope);
  const declared = method.kind === 'record' ? declaredOrder(method, sense) : undefined;
  if (declared === undefined)
    return failAt(
      ctx,
      'E494',
      `this method declares no ${sense === 'weak' ? '`weak` order' : '`order`'} that could be checked`,
      s.using.span,
      'a method is a record { order, step }',
    );
  const counts = countsOf(ctx, ctx.evaluate(s.over, scope), s.over);
  const on = s.on === undefined ? undefined : ctx.evaluate(s.on, scope);
  if (on !== undefined && on.kind !== 'range')
    failAt(
      ctx,
      'E372',
      `an interval of time is wanted here, but this is ${describe(on)}`,
      s.on?.span ?? s.span,
      'write on 0 .. 1',
    );
  const [from, to]: readonly [Value, Value] = on?.kind === 'range' ? [on.from, on.to] : [real(0), real(1)];
  const result = ctx.call(
    ctx.library('std.orders', 'observed_order'),
    positional(s.span, model, method, list(counts.map((n) => number(n, true))), from, to, text(sense)),
    s.span,
  );
  const part = (name: string): Value =>
    (result.kind === 'record' ? result.entries.get(name) : undefined) ?? real(NaN);
  const observed = part('observed');
  const tolerance = sense === '' ? 0.1 : 0.2;
  // Written so that NaN fails.
  const condition = ctx.elementwise(operators.le, [real(declared - tolerance), observed], s.span);
  const name = sense === '' ? 'order' : `${sense} order`;
  const described: StringValue['parts'] = [
    `${name} ${declared}: observed `,
    { value: observed, digits: 3 },
    `, errors `,
    { value: part('errors'), digits: 2 },
    ` with ${counts.join(', ')} steps`,
  ];
  return {
    line: { kind: 'string', parts: ['check ', ...described] },
    condition,
    message: { kind: 'string', parts: described },
  };
}

function declaredOrder(method: RecordValue, sense: string): number | undefined {
  const value = method.entries.get(sense === 'weak' ? 'weak' : 'order');
  return value === undefined ? undefined : staticNumber(value);
}

function countsOf(ctx: Context, over: Value, e: ast.Expression): readonly number[] {
  const elements = over.kind === 'list' || over.kind === 'tuple' ? over.elements : [];
  if (elements.length < 2)
    failAt(
      ctx,
      'E494',
      `an order shows in two numbers of steps at least, but this is ${describe(over)}`,
      e.span,
      'write over [16, 32, 64]',
    );
  return elements.map((v) => staticInteger(ctx, v, e.span, 'a number of steps'));
}
