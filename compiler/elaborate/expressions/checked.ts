// `checked(x, c, "message")`: x, and the run ends with the message when c does not hold, wherever this stands: in loops, choices, comprehensions, derivatives, in the library. The place shown
// is the program's own call, not that in the library.

import type { AssertRecord, Context } from '../context.ts';
import { failAt } from '../context.ts';
import { define } from '../builtins/registry.ts';
import { flatten } from '../values/leaves.ts';
import type { Flattened } from '../values/leaves.ts';
import { placeOf } from '../runs/outputs.ts';
import { ownPlace } from '../names/own_place.ts';
import { staticText } from '../values/strings.ts';
import type { BuiltinValue, StringValue, Value } from '../values/values.ts';
import { describe } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { CheckedFunction } from '../../ir/checks.ts';
import type { Node } from '../../ir/types.ts';
import type { CheckPlan, CheckSite } from '../../plan/script.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

export function checkedBuiltin(ctx: Context): BuiltinValue {
  return define(ctx, 'checked', ['x', 'holds', 'message', 'cure?'], (a) => {
    const holds = a.need('holds');
    const message = a.need('message');
    if (message.kind !== 'string')
      return failAt(
        ctx,
        'E112',
        `a message is a string, but this is ${describe(message)}`,
        a.spanOf('message'),
      );
    if (holds.kind === 'bool' && holds.value) return a.need('x');
    const ok: Node | undefined =
      holds.kind === 'bool'
        ? ctx.graph.constant(0, 'bool')
        : holds.kind === 'array' && holds.node.dtype === 'bool' && holds.node.shape.length === 0
          ? holds.node
          : undefined;
    if (ok === undefined)
      return failAt(
        ctx,
        'E192',
        `a condition is one truth value, but this is ${describe(holds)}`,
        a.spanOf('holds'),
      );
    const cure = a.get('cure');
    const flat = flatten(ctx, a.need('x'), a.span);
    return guarded(ctx, flat, ok, message.parts, a.spanOf('message'), {
      place: placeOf(ownPlace(ctx, a.span)),
      ...(cure === undefined ? {} : { cure: staticText(ctx, cure, a.spanOf('cure'), 'the cure') }),
    });
  });
}

/** The value, that ends the run with a message of the compiler's where a condition does not hold. */
export function mustHold(
  ctx: Context,
  value: Value,
  ok: Node,
  message: string | StringValue['parts'],
  span: Span,
  cure: string,
): Value {
  const flat = flatten(ctx, value, span);
  if (flat.leaves.length === 0) return value;
  return guarded(ctx, flat, ok, typeof message === 'string' ? [message] : message, span, {
    place: placeOf(ownPlace(ctx, span)),
    cure,
  });
}

/** The value; where a condition does not hold the run is told so once, and goes on. */
export function mustBeTold(
  ctx: Context,
  value: Value,
  ok: Node,
  code: string,
  message: string,
  span: Span,
  cure: string,
): Value {
  const flat = flatten(ctx, value, span);
  if (flat.leaves.length === 0) return value;
  return guarded(ctx, flat, ok, [message], span, {
    place: placeOf(ownPlace(ctx, span)),
    cure,
    code,
    warns: true,
  });
}

/** The value, that goes with a condition. */
function guarded(
  ctx: Context,
  flat: Flattened,
  ok: Node,
  message: StringValue['parts'],
  span: Span,
  about: Omit<CheckSite, 'parts'>,
): Value {
  const shown: Node[] = [];
  const parts = message.map((p): string | number => {
    if (typeof p === 'string') return p;
    if (p.value.kind !== 'array' || p.value.node.shape.length > 0)
      return failAt(ctx, 'E112', `a message shows numbers, but this is ${describe(p.value)}`, span);
    shown.push(b.stopGradient(ctx.graph, b.cast(ctx.graph, p.value.node, ctx.real)));
    return shown.length - 1;
  });
  const site = siteOf(ctx, { parts: [...parts, ...ctx.elements], ...about });
  const values = flat.leaves.map((l) => l.node);
  const packed = values.map((v) => (v.dtype === 'bool' ? b.cast(ctx.graph, v, 'i32') : v));
  const made = b.projections(
    ctx.graph,
    ctx.graph.node('check', [...packed, ok, ...shown], {
      site,
      serial: ctx.checkCount++,
      values: values.length,
      ...(about.warns === undefined ? {} : { warns: about.warns }),
    }),
  );
  return flat.rebuild(made.map((v, i) => (at(values, i).dtype === 'bool' ? b.ne(ctx.graph, v, 0) : v)));
}

/** Values that go with the computation of others: with what is checked on the way to them, inside loops and choices too. */
export function computedWith(
  ctx: Context,
  values: readonly Node[],
  others: readonly Node[],
  span: Span,
): readonly Node[] {
  const g = ctx.graph;
  const ok = others
    .map((n) => {
      const positive = n.dtype === 'bool' ? b.reduceAll(g, 'all', n) : b.gt(g, b.reduceAll(g, 'max', n), 0);
      return b.or(g, positive, b.not(g, positive));
    })
    .reduce((x, y) => b.and(g, x, y));
  const site = siteOf(ctx, { parts: ['what was computed'], place: placeOf(ownPlace(ctx, span)) });
  return b.projections(
    g,
    g.node('check', [...values, ok], { site, serial: ctx.checkCount++, values: values.length }),
  );
}

/** The value with the assertions that stand before it; undefined when there is nothing of run time in it that could carry them. */
export function asserted(ctx: Context, value: Value, asserts: readonly AssertRecord[]): Value | undefined {
  let now = value;
  for (const { condition, message, sides, span } of asserts) {
    const flat = flatten(ctx, now, span, { keepStatic: true });
    if (flat.leaves.length === 0 || condition.kind !== 'array') return undefined;
    const words = message?.kind === 'string' ? [': ', ...message.parts] : [];
    const numbers = sides.flatMap(({ label, value: side }, i) => [
      `${i === 0 ? ': ' : ', '}${label} = `,
      { value: side },
    ]);
    const ok = b.reduceAll(ctx.graph, 'all', condition.node);
    now = guarded(ctx, flat, ok, ['assertion failed', ...words, ...numbers], span, {
      code: 'R202',
      place: placeOf(span),
    });
  }
  return now;
}

/** Equal checks at one place are one. */
function siteOf(ctx: Context, site: CheckSite): number {
  const text = JSON.stringify(site);
  const known = ctx.checkSites.findIndex((s) => JSON.stringify(s) === text);
  if (known >= 0) return known;
  ctx.checkSites.push(site);
  return ctx.checkSites.length - 1;
}

/** What the host looks at after a procedure: `variable` holds the vector of what has failed. */
export function checkPlan(
  procedure: string,
  variable: string,
  checked: CheckedFunction,
  sites: readonly CheckSite[],
): CheckPlan {
  return {
    procedure,
    variable,
    size: checked.size,
    sites: checked.sites.map(({ site, offset, shown, members }) => ({
      ...at(sites, site),
      offset,
      ...(members.length === 0
        ? {}
        : { members: members.map((word, k) => ({ word, offset: offset + 1 + shown + k })) }),
    })),
  };
}
