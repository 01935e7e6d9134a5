// The record an optimiser gets: the problem as functions of p.
//   value gradient value_and_gradient hvp(p, v) jvp(f, …) outputs(p): the vector whose squared norm is the objective · step: the iteration

import type { Context } from './context.ts';
import { failAt } from './context.ts';
import { forwardDerivative, valueAndGradient } from './derivatives.ts';
import type { Targets } from './goals.ts';
import { objectiveAt, residualsOf } from './goals.ts';
import type { Scope } from './scope.ts';
import type { Value } from './values.ts';
import { array, number, record } from './values.ts';
import { define } from './builtins/registry.ts';
import { operators } from './operators.ts';
import type { Node } from '../ir/types.ts';
import type { Span } from '../support/span.ts';
import type * as ast from '../syntax/ast.ts';

export function problemRecord(
  ctx: Context,
  targets: Targets,
  goal: ast.Goal,
  iteration: Node,
  scope: Scope,
  span: Span,
): Value {
  const sign = (v: Value): Value =>
    goal.direction === 'maximize' ? ctx.elementwise(operators.neg, [v], span) : v;
  const value = define(ctx, 'problem.value', ['p'], (a) =>
    sign(objectiveAt(ctx, targets, goal.value, a.need('p'), scope)),
  );
  const gradient = define(
    ctx,
    'problem.gradient',
    ['p'],
    (a) => valueAndGradient(ctx, value, a.need('p'), goal.value.span).gradient,
  );
  const both = define(ctx, 'problem.value_and_gradient', ['p'], (a) => {
    const r = valueAndGradient(ctx, value, a.need('p'), goal.value.span);
    return record([
      ['value', r.value],
      ['gradient', r.gradient],
    ]);
  });
  const hvp = define(ctx, 'problem.hvp', ['p', 'v'], (a) =>
    forwardDerivative(ctx, gradient, a.need('p'), a.need('v'), goal.value.span),
  );
  const outputs = define(ctx, 'problem.outputs', ['p'], (a) => {
    const r = targets.nodeAt('residuals', a.need('p'), span, () => residualsOf(ctx, goal.value, scope));
    return r === undefined
      ? failAt(
          ctx,
          'E424',
          'this optimiser works on a sum of squares, and the objective does not have that form',
          goal.value.span,
          'write it as sum(e^2), mean(e^2), or a sum of such; or use lbfgs',
        )
      : array(r);
  });
  return record([
    ['value', value],
    ['gradient', gradient],
    ['value_and_gradient', both],
    ['hvp', hvp],
    ['outputs', outputs],
    ['cost', value],
    ['step', array(iteration)],
    ['size', number(targets.variables.length)],
  ]);
}
