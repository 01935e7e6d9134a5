// Choices made at run time: `if c then a else b` as a value, and `if c { … } else { … }` whose assignments are merged. Both branches must give values of one structure and type.
// A cheap choice becomes `select`, an expensive one a real branch of which only the side taken runs.

import { assignedNames } from './assigned.ts';
import { conform } from './conform.ts';
import type { Context } from './context.ts';
import { failAt } from './context.ts';
import { flatten } from './leaves.ts';
import type { Scope } from './scope.ts';
import type { Value } from './values.ts';
import { describe } from './values.ts';
import * as b from '../ir/build.ts';
import { makeCond, reachable } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { isFloat, sameShape } from '../ir/types.ts';
import { at } from '../support/lists.ts';
import type { Span } from '../support/span.ts';
import type * as ast from '../syntax/ast.ts';

export function chooseAtRunTime(
  ctx: Context,
  condition: Value,
  then: () => Value,
  otherwise: () => Value,
  span: Span,
): Value {
  if (condition.kind !== 'array' || condition.node.dtype !== 'bool')
    return failAt(ctx, 'E192', `a condition is a truth value, but this is ${describe(condition)}`, span);
  if (condition.node.shape.length > 0)
    return failAt(
      ctx,
      'E193',
      `the condition of \`if\` is one truth value, but this is ${describe(condition)}`,
      span,
      'choose element by element with where(mask, a, b)',
    );
  const predicate = condition.node;
  // A trial finds the common structure and type, and whether the choice is cheap; what it made is forgotten.
  const { value: trial } = ctx.graph.scope(() => {
    const like = wider(ctx, then(), otherwise(), span);
    const [x, y] = [fit(ctx, then(), like, span), fit(ctx, otherwise(), like, span)];
    return { like, cheap: isCheap([...x, ...y]) };
  });
  const shape = flatten(ctx, trial.like, span);
  const g = ctx.graph;
  if (trial.cheap) {
    const [x, y] = [fit(ctx, then(), trial.like, span), fit(ctx, otherwise(), trial.like, span)];
    return shape.rebuild(
      x.map((node, i) => b.select(g, b.broadcastTo(g, predicate, node.shape), node, at(y, i))),
    );
  }
  return shape.rebuild(
    makeCond(g, {
      predicate,
      then: () => fit(ctx, then(), trial.like, span),
      otherwise: () => fit(ctx, otherwise(), trial.like, span),
    }),
  );
}

function fit(ctx: Context, value: Value, like: Value, span: Span): Node[] {
  return flatten(ctx, conform(ctx, value, like, span, 'this branch'), span).leaves.map((l) => l.node);
}

/** Of two values the one whose leaves can hold both: real rather than int, an array rather than the scalar that spreads over it. */
function wider(ctx: Context, x: Value, y: Value, span: Span): Value {
  const [a, b2] = [flatten(ctx, x, span), flatten(ctx, y, span)];
  if (a.leaves.length !== b2.leaves.length)
    failAt(
      ctx,
      'E194',
      `the two branches differ: ${describe(x)} and ${describe(y)}`,
      span,
      'a choice made at run time gives values of one structure',
    );
  return a.rebuild(
    a.leaves.map(({ node }, i) => {
      const other = b2.leaves[i]?.node ?? node;
      const shape = node.shape.length === 0 ? other.shape : node.shape;
      if (other.shape.length > 0 && !sameShape(shape, other.shape))
        failAt(
          ctx,
          'E194',
          `the two branches differ in shape: [${node.shape.join(', ')}] and [${other.shape.join(', ')}]`,
          span,
        );
      const dtype = isFloat(node.dtype) || !isFloat(other.dtype) ? node.dtype : other.dtype;
      return b.full(ctx.graph, shape, 0, dtype);
    }),
  );
}

const CHEAP = 64;

function isCheap(results: readonly Node[]): boolean {
  const work = reachable(results);
  return (
    work.length < CHEAP &&
    !work.some((n) => n.op === 'scan' || n.op === 'while' || n.op === 'adjoint_scan' || n.op === 'dot')
  );
}

/** `if` with a run-time condition as a statement: every `var` assigned in either branch gets the value of the branch taken. */
export function mergeBranches(
  ctx: Context,
  predicate: Node,
  s: ast.IfStatement,
  then: (inner: Scope) => Value | undefined,
  otherwise: (inner: Scope) => Value | undefined,
  scope: Scope,
): Value | undefined {
  const names = assignedNames(s).filter((n) => scope.find(n)?.mutable === true);
  const before = new Map(names.map((n) => [n, scope.find(n)?.value]));
  const run = (branch: (inner: Scope) => Value | undefined): Map<string, Value | undefined> => {
    const returned = branch(scope.child());
    if (returned !== undefined)
      failAt(
        ctx,
        'E195',
        'a `return` in a branch that is chosen at run time has no place to return to',
        s.span,
        'assign to a `var` in both branches and return it after the `if`',
      );
    const after = new Map(names.map((n) => [n, scope.find(n)?.value]));
    for (const [n, v] of before) {
      const binding = scope.find(n);
      if (binding !== undefined && v !== undefined) binding.value = v;
    }
    return after;
  };
  const [x, y] = [run(then), run(otherwise)];
  for (const n of names) {
    const binding = scope.find(n);
    const [a, c] = [x.get(n), y.get(n)];
    if (binding === undefined || a === undefined || c === undefined || a === c) continue;
    binding.value = chooseAtRunTime(
      ctx,
      { kind: 'array', node: predicate },
      () => a,
      () => c,
      s.span,
    );
  }
  return undefined;
}
