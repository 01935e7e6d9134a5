// `monitor w = e` in a loss: a value that is computed beside it and looked at as `l.w`, in logs, prints, pictures. In an indexed loss it is the mean over the terms, as the loss is. In: the
// statements of the loss. Out: its monitors by name, kept with its value for one choice of parameters.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { NamedItem, Scope } from '../names/scope.ts';
import type { Value } from '../values/values.ts';
import { didYouMean } from '../../support/did_you_mean.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** What a loss that is being evaluated has monitored so far; `body` is its own block. */
export interface Monitoring {
  readonly body: ast.Expression;
  readonly found: Map<string, Value>;
}

/** Evaluates the body of a loss and gives its monitors. */
export function withMonitors(
  ctx: Context,
  body: ast.Expression,
  work: () => Value,
): { readonly value: Value; readonly monitors: ReadonlyMap<string, Value> } {
  const before = ctx.monitoring;
  const found = new Map<string, Value>();
  ctx.monitoring = { body, found };
  try {
    return { value: work(), monitors: found };
  } finally {
    ctx.monitoring = before;
  }
}

/** A `monitor` that stands in the block `around`. */
export function monitor(
  ctx: Context,
  s: ast.MonitorStatement,
  around: ast.BlockExpression,
  scope: Scope,
): void {
  const { monitoring } = ctx;
  if (monitoring === undefined || monitoring.body !== around)
    return failAt(
      ctx,
      'E444',
      'a `monitor` stands in a model, or in a loss outside of its loops and choices',
      s.span,
      'collect in a `var` and monitor it behind the loop',
    );
  if (monitoring.found.has(s.name.name))
    failAt(ctx, 'E152', `\`${s.name.name}\` is monitored twice`, s.name.span);
  monitoring.found.set(s.name.name, ctx.evaluate(s.value, scope));
}

/** `l.w`; undefined when the target is no loss. */
export function monitorOf(ctx: Context, e: ast.MemberExpression, scope: Scope): Value | undefined {
  const { target, name } = e;
  if (target.kind !== 'name' || scope.find(target.name) !== undefined) return undefined;
  const used = scope.module.uses.get(target.name);
  const module = scope.module.items.has(target.name) ? scope.module : used?.module;
  const item: NamedItem | undefined = module?.items.get(used?.name ?? target.name);
  if (module === undefined || item?.kind !== 'loss') return undefined;
  ctx.item(module, item, target.name);
  const monitors = ctx.world.monitors.get(item) ?? new Map<string, Value>();
  return monitors.get(name.name) ?? noMonitor(ctx, target.name, name.name, monitors, name.span);
}

function noMonitor(
  ctx: Context,
  loss: string,
  name: string,
  monitors: ReadonlyMap<string, Value>,
  span: Span,
): never {
  const guess = didYouMean(name, monitors.keys());
  return failAt(
    ctx,
    'E240',
    `the loss \`${loss}\` has no monitor \`${name}\``,
    span,
    guess !== undefined
      ? `did you mean \`${guess}\`?`
      : monitors.size > 0
        ? `it monitors ${[...monitors.keys()].join(', ')}`
        : `write monitor ${name} = … in its block`,
  );
}
