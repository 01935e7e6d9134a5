// Which equation of a model belongs to which state, and equations with some of their terms only.

import type { Context } from '../context.ts';
import { failAt, notYet } from '../context.ts';
import { hasDifferentials, hasDrivers } from './drivers.ts';
import { equationStates, isDifferentialOf, isRateOf } from './equations.ts';
import type { ModelState } from './model.ts';
import { velocityName } from './rates.ts';
import type { Terms } from './term_labels.ts';
import { termsOf } from './term_labels.ts';
import type * as ast from '../../syntax/ast.ts';

/** The equation of every state by its name; of a second-order state that of its rate. */
export function assignEquations(
  ctx: Context,
  item: ast.ModelItem,
  states: readonly ModelState[],
  equations: readonly ast.Equation[],
): Map<string, ast.Equation> {
  const owners = new Map<string, ast.Equation>();
  for (const e of equations) {
    const determined = equationStates(e);
    const first = determined[0];
    if (first === undefined)
      return notYet(
        ctx,
        'an equation without a time derivative (a constraint, a stationary problem)',
        e.span,
      );
    const state = states.find((s) => s.name === first.state && s.rateOf === undefined);
    if (state === undefined)
      return failAt(
        ctx,
        'E348',
        `\`${first.state}\` is no state of ${item.name.name}`,
        e.left.span,
        `its states are ${states
          .filter((s) => s.rateOf === undefined)
          .map((s) => s.name)
          .join(', ')}`,
      );
    if (determined.some((d) => d.state !== first.state))
      failAt(
        ctx,
        'E349',
        `this equation has the rates of ${[...new Set(determined.map((d) => d.state))].join(' and ')}; write one equation for each`,
        e.span,
      );
    const differential = isDifferentialOf(e.left, first.state);
    if (differential && item.what !== 'sde' && !hasDrivers(item))
      failAt(
        ctx,
        'E485',
        `d(${first.state}) belongs to stochastic models`,
        e.left.span,
        `write dt(${first.state}) = …, or declare the model as sde ${item.name.name}`,
      );
    const order = Math.max(...determined.map((d) => d.order));
    if ((item.what === 'sde' || hasDifferentials(item)) && !differential && !isRateOf(e.left, first.state, 1))
      failAt(
        ctx,
        'E486',
        `an equation of a stochastic model has d(${first.state}) or dt(${first.state}) alone on its left side`,
        e.span,
        order > 1
          ? 'write an equation of second order as two of first order'
          : `write d(${first.state}) = … *dt + … *dW`,
      );
    const owned = order === 2 ? velocityName(first.state) : first.state;
    if (order > 2) notYet(ctx, `a time derivative of order ${order}`, e.span);
    if (owners.has(owned))
      failAt(
        ctx,
        'E350',
        `there is a second equation for \`${first.state}\``,
        e.span,
        'a state has one equation; add the terms up',
      );
    owners.set(owned, e);
  }
  for (const s of states) {
    const automatic = states.some((v) => v.rateOf === s.name);
    if (!automatic && !owners.has(s.name))
      failAt(
        ctx,
        'E351',
        `the state \`${s.rateOf ?? s.name}\` has no equation`,
        s.span,
        `write dt(${s.name}) = …`,
      );
  }
  return owners;
}

/** Whether nothing but the rate stands on the left side. */
export function standsAlone(e: ast.Equation, s: ModelState): boolean {
  return isRateOf(e.left, s.rateOf ?? s.name, s.rateOf === undefined ? 1 : 2);
}

/** An equation with some of its terms only. */
export function ofTerms(
  ctx: Context,
  e: ast.Equation,
  s: ModelState,
  chosen: Terms,
): ast.Equation | undefined {
  if (!standsAlone(e, s))
    return failAt(
      ctx,
      'E491',
      `the equation of \`${s.rateOf ?? s.name}\` has no parts: its rate does not stand alone on the left side`,
      e.span,
      `write dt(${s.rateOf ?? s.name}) = …`,
    );
  const right = termsOf(e.right, chosen);
  return right === undefined ? undefined : { ...e, right };
}
