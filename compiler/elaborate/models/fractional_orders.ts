// `caputo(u, alpha) = e` in a model: the derivative of u of order alpha between 0 and 1 in the sense of Caputo stands in the place of dt(u). What a method finds of it is `sys.orders(y)`, a record like the states that holds the order of
// each: alpha, or 1 for dt. The order may be a run-time number, in which the solution is differentiable.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { fractionalCall } from './equations.ts';
import { flatten, staticNumber, toReal } from '../values/leaves.ts';
import { define } from '../builtins/registry.ts';
import type { Scope } from '../names/scope.ts';
import { asRecord } from '../solve/solve_parts.ts';
import type { BuiltinValue, RecordValue, Value } from '../values/values.ts';
import { describe, record } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import type * as ast from '../../syntax/ast.ts';
import type { Span } from '../../support/span.ts';

/** The orders of the states with a fractional derivative, by name. */
export type FractionalOrders = ReadonlyMap<string, () => Node>;

export function fractionalOrders(ctx: Context, item: ast.ModelItem, scope: Scope): FractionalOrders {
  const out = new Map<string, () => Node>();
  for (const e of item.clauses) {
    if (e.kind !== 'equation') continue;
    const call = fractionalCall(e.left);
    if (call === undefined) continue;
    out.set(call.state, () => orderOf(ctx, call.order, scope, e.left.span));
  }
  return out;
}

function orderOf(ctx: Context, order: ast.Expression | undefined, scope: Scope, span: Span): Node {
  const help = 'write caputo(u, 0.5) = …';
  if (order === undefined)
    return failAt(ctx, 'E504', '`caputo` takes a state and the order of its derivative', span, help);
  const value = ctx.evaluate(order, scope);
  const known = staticNumber(value);
  if (known !== undefined && !(known > 0 && known <= 1))
    failAt(
      ctx,
      'E504',
      `the order of a fractional derivative lies above 0 and is at most 1, but this is ${known}`,
      order.span,
      help,
    );
  const node = toReal(ctx, value, order.span, 'the order of a derivative');
  if (node.shape.length > 0)
    failAt(
      ctx,
      'E504',
      `the order of a derivative is one number, but this is ${describe(value)}`,
      order.span,
      help,
    );
  return node;
}

/** `sys.orders(y)`: a record like y. */
export function ordersEntry(ctx: Context, orders: FractionalOrders, span: Span): readonly [string, Value] {
  const g = ctx.graph;
  const made = define(ctx, 'orders', ['y'], (a) => {
    const y: RecordValue = asRecord(ctx, a.need('y'), a.span);
    return record(
      [...y.entries].map(([name, v]) => {
        const order = orders.get(name)?.() ?? g.constant(1, ctx.real);
        const flat = flatten(ctx, v, span);
        return [name, flat.rebuild(flat.leaves.map((l) => b.broadcastTo(g, order, l.node.shape)))] as const;
      }),
    );
  });
  return ['orders', made];
}

/** Outside of the left side of an equation `caputo` has no meaning. */
export function caputoBuiltin(ctx: Context): BuiltinValue {
  return define(ctx, 'caputo', ['u', 'alpha?'], (a) =>
    failAt(
      ctx,
      'E504',
      '`caputo(u, alpha)` stands alone on the left side of an equation of a model',
      a.span,
      'write caputo(u, 0.5) = …; what stands beside it goes to the right side',
    ),
  );
}

/** A fractional derivative wants a method that remembers the whole past. */
export function refuseFractional(
  ctx: Context,
  name: string,
  orders: FractionalOrders,
  method: Value,
  solve: { readonly adaptive: boolean; readonly events: boolean; readonly between?: boolean },
  span: Span,
): void {
  if (orders.size === 0) return;
  if (solve.events)
    failAt(
      ctx,
      'E504',
      `${name} has a fractional derivative, which depends on the whole past, and an event, behind which a method begins anew`,
      span,
      'write the change as a term of the right side, or take a derivative of order 1',
    );
  if (method.kind === 'record' && method.entries.has('fractional')) {
    if (solve.between === true)
      failAt(
        ctx,
        'E504',
        `${name} has a fractional derivative, whose past is known where steps end, and these times lie between them`,
        span,
        'save every(steps: 10), or give the solve the times to save among those of its steps, `times:`',
      );
    if (!solve.adaptive) return;
    failAt(
      ctx,
      'E504',
      `${name} has a fractional derivative, whose past is kept for a number of steps that is known before the solve`,
      span,
      'give the solve its steps: `steps: 200`, or `times:` for steps that grow',
    );
  }
  failAt(
    ctx,
    'E504',
    `${name} has a fractional derivative, which depends on the whole past, but this method knows only the last steps`,
    span,
    'use std.ode { caputo_l1 } and write method: caputo_l1',
  );
}
