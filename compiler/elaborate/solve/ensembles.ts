// `solve(model, …, paths: n)` is `[solve(model, …) for path in 0..n]`: the arguments are evaluated inside, so that each path has its own draws. The result has the paths behind the times:
// `.X` is [times, paths, …], `.final.X` is [paths, …]; what all paths share (`.t`, `.steps`) stands once.

import { comprehend } from '../expressions/comprehension.ts';
import type { Context } from '../context.ts';
import { failAt, withDraws } from '../context.ts';
import { asPath } from '../models/expectations.ts';
import { flatten, staticInteger } from '../values/leaves.ts';
import type { Scope } from '../names/scope.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array, record } from '../values/values.ts';
import { hasParameters } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** Parts of a solve that have no times in front. */
const WITHOUT_TIMES = ['final', 'steps', 'rejected', 'evals', 'events', 'sum'];

/** The call of a solve with the argument `paths:` taken out, for every path. `one` evaluates what is left of the call in a scope. */
export function solvePaths(
  ctx: Context,
  paths: ast.Argument,
  scope: Scope,
  one: (inner: Scope) => Value,
  span: Span,
): Value {
  const count = staticInteger(ctx, ctx.evaluate(paths.value, scope), paths.span, 'the number of paths');
  if (count < 1)
    failAt(ctx, 'E374', `a solve follows at least one path, but ${count} are asked for`, paths.span);
  const literal = (value: number): ast.Expression => ({
    kind: 'number',
    value,
    isInteger: true,
    imaginary: false,
    text: String(value),
    span: paths.span,
  });
  const generator: ast.Generator = {
    pattern: { kind: 'name-pattern', name: '_', span: paths.span },
    source: { kind: 'range', from: literal(0), to: literal(count), span: paths.span },
    span: paths.span,
  };
  let shared = new Map<string, Value>();
  let hint: RecordValue['hint'];
  const all = comprehend(
    ctx,
    (inner) => {
      const value = withDraws(ctx, asPath(ctx.draws), () => one(inner));
      if (value.kind !== 'record') return value;
      hint = value.hint;
      shared = new Map([...value.entries].filter(([, v]) => isShared(ctx, v, span)));
      return record([...value.entries].filter(([k]) => !shared.has(k)));
    },
    [generator],
    scope,
    span,
    'path',
  );
  if (all.kind !== 'record') return all;
  const parts = new Map(
    [...all.entries].map(([k, v]) => [k, WITHOUT_TIMES.includes(k) ? v : timesFirst(ctx, v, span)] as const),
  );
  return record([...parts, ...shared], hint);
}

/** The same for every path: known without any run-time value. */
function isShared(ctx: Context, v: Value, span: Span): boolean {
  const flat = flatten(ctx, v, span, { keepStatic: true });
  return flat.leaves.every((l) => !hasParameters(l.node));
}

function timesFirst(ctx: Context, v: Value, span: Span): Value {
  const flat = flatten(ctx, v, span);
  const swapped = (n: Node): Node => {
    if (n.shape.length < 2) return n;
    const perm = n.shape.map((_, i) => (i < 2 ? 1 - i : i));
    return ctx.graph.node('transpose', [n], { perm });
  };
  const [only] = flat.leaves;
  if (v.kind === 'array' && only !== undefined) return array(swapped(only.node));
  return flat.rebuild(flat.leaves.map((l) => swapped(l.node)));
}
