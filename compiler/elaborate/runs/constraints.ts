// `subject to { c(x) = 0; d(x) <= 0 }`. In: the clauses. Out: for the optimiser two functions of the point: eq(p), all that shall be 0, and ineq(p), all that shall not be positive, each one vector.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { Targets, View } from './goals.ts';
import { wholeView } from './goals.ts';
import { flatten, toReal } from '../values/leaves.ts';
import { operators } from '../values/operators.ts';
import type { Scope } from '../names/scope.ts';
import type { Value } from '../values/values.ts';
import { array } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { sizeOf } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

interface Side {
  /** What stands left minus what stands right, or the other way round for `>=`. */
  readonly plus: ast.Expression;
  readonly minus: ast.Expression | undefined;
  readonly span: Span;
}

interface Kind {
  readonly sides: readonly Side[];
  /** Numbers in all of them. */
  readonly width: number;
}

export interface Constrained {
  readonly eq: Kind;
  readonly ineq: Kind;
  readonly span: Span | undefined;
}

export const unconstrained: Constrained = {
  eq: { sides: [], width: 0 },
  ineq: { sides: [], width: 0 },
  span: undefined,
};

export function constraintsOf(
  ctx: Context,
  targets: Targets,
  list: readonly ast.Constraint[],
  scope: Scope,
): Constrained {
  const [first] = list;
  if (first === undefined) return unconstrained;
  const eq: Side[] = [];
  const ineq: Side[] = [];
  for (const c of list) {
    if (c.right !== undefined) {
      eq.push({ plus: c.left, minus: c.right, span: c.span });
      continue;
    }
    if (c.left.kind !== 'compare')
      return failAt(
        ctx,
        'E429',
        'a constraint is an equation or an inequality',
        c.span,
        'write c(x) = 0 or d(x) <= 0',
      );
    const { operands, ops } = c.left;
    ops.forEach((op, i) => {
      const [x, y] = [at(operands, i), at(operands, i + 1)];
      if (op === '<=' || op === '<') ineq.push({ plus: x, minus: y, span: c.span });
      else if (op === '>=' || op === '>') ineq.push({ plus: y, minus: x, span: c.span });
      else failAt(ctx, 'E429', `\`${op}\` makes no constraint`, c.span, 'write c(x) = 0 or d(x) <= 0');
    });
  }
  const kind = (sides: readonly Side[]): Kind => ({
    sides,
    width: sides.reduce((n, s) => n + sizeOf(sideNode(ctx, s, scope).shape), 0),
  });
  return targets.at(targets.now, first.span, () => ({ eq: kind(eq), ineq: kind(ineq), span: first.span }));
}

/** The constraints of one kind at p, as a vector. */
export function constraintsAt(
  ctx: Context,
  problem: {
    readonly targets: Targets;
    readonly constraints: Constrained;
    readonly scope: Scope;
    readonly span: Span;
  },
  which: 'eq' | 'ineq',
  p: Value,
  view: View,
): Value {
  const { sides } = problem.constraints[which];
  if (sides.length === 0)
    return failAt(
      ctx,
      'E429',
      which === 'eq'
        ? 'this optimiser wants equations that constrain the point, and there are none'
        : 'this optimiser wants inequalities that constrain the point, and there are none',
      problem.span,
      `write minimize … subject to { ${which === 'eq' ? 'c(x) = 0' : 'd(x) <= 0'} } using …; problem.count.${which} is their number`,
    );
  const seen = view.iteration === undefined ? wholeView : view;
  const node = problem.targets.nodeAt(seen, which, p, problem.span, () =>
    b.concat(
      ctx.graph,
      sides.map((s) => {
        const n = sideNode(ctx, s, problem.scope);
        return b.reshape(ctx.graph, n, [sizeOf(n.shape)]);
      }),
      0,
    ),
  );
  return array(node ?? ctx.graph.constant(0, ctx.real));
}

function sideNode(ctx: Context, s: Side, scope: Scope): Node {
  const plus = ctx.evaluate(s.plus, scope);
  const value =
    s.minus === undefined
      ? plus
      : ctx.elementwise(operators.sub, [plus, ctx.evaluate(s.minus, scope)], s.span);
  const flat = flatten(ctx, value, s.span).leaves;
  if (flat.length === 0) failAt(ctx, 'E429', 'a constraint is made of numbers', s.span);
  const vectors = flat.map(({ node }) => {
    const real = toReal(ctx, array(node), s.span, 'a constraint');
    return b.reshape(ctx.graph, real, [sizeOf(real.shape)]);
  });
  return vectors.length === 1 ? at(vectors, 0) : b.concat(ctx.graph, vectors, 0);
}
