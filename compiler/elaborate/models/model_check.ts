// Models that a program declares and never solves are looked at too: their states, equations and walls, and, when all their arguments have defaults, the right sides at their initial values.

import type { Context } from '../context.ts';
import { withDraws } from '../context.ts';
import { withAnyLaw } from './expectations.ts';
import { prepareModel } from './model.ts';
import { placeGrid } from '../fields/places.ts';
import { Scope } from '../names/scope.ts';
import type { Module } from '../names/scope.ts';
import type { InstanceValue } from '../values/values.ts';
import type * as ast from '../../syntax/ast.ts';

/** Throws FlowError. */
export function checkModel(ctx: Context, module: Module, item: ast.ModelItem): void {
  const scope = new Scope(module, undefined);
  const span = item.name.span;
  const complete = item.params.every((p) => p.default !== undefined);
  if (!complete) {
    // Arguments are unknown: what can be said without them.
    const on = item.on?.args === undefined ? item.on : undefined;
    const grid = on === undefined ? undefined : placeGrid(ctx, on, scope);
    if (item.on !== undefined && grid === undefined) return;
    const instance: InstanceValue = { kind: 'instance', item, scope, ...(grid ? { grid } : {}) };
    prepareModel(ctx, instance, span);
    return;
  }
  const instance = ctx.call({ kind: 'model', item, scope }, [], span);
  if (instance.kind !== 'instance') return;
  if (instance.grid?.exact === true) return;
  const model = prepareModel(ctx, instance, span);
  if (model.states.some((s) => s.initial === undefined && s.rateOf === undefined)) return;
  const t = ctx.graph.constant(0, ctx.real);
  const y = model.initial(t, undefined, span);
  withDraws(ctx, withAnyLaw(ctx), () => {
    model.rhs(t, y);
    model.monitors(t, y);
    model.afterStep?.(t, y);
  });
}
