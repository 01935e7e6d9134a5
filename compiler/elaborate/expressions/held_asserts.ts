// Assertions in the bodies of loops and of choices made at run time. What stands there happens several times or perhaps not, so that it has to go with a value that comes out: a variable of the loop's own, a zero that it
// carries and the assertions of its body go with. What comes out is looked at where the loop stands, or goes on with what the block around it gives.

import type { Context } from '../context.ts';
import type { Scope } from '../names/scope.ts';
import type { Value } from '../values/values.ts';
import { array } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import { assertNever } from '../../support/diagnostic.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** No name that a program can write. */
const HELD = '#held';

export type Branching = ast.ForStatement | ast.WhileStatement | ast.IfStatement;

/** Elaborates a statement that holds others, by `work`. */
export function holdingAsserts<S extends Branching>(
  ctx: Context,
  s: S,
  carrying: (s: S, close: (body: ast.BlockExpression) => ast.BlockExpression) => S,
  scope: Scope,
  work: (s: S, scope: Scope) => Value | undefined,
): Value | undefined {
  if (!asserts(s)) return work(s, scope);
  const inner = scope.child();
  const zero = array(ctx.graph.constant(0, 'i32'));
  inner.define(HELD, zero, s.span, true);
  const value = work(
    carrying(s, (body) => closed(body, s.span)),
    inner,
  );
  const held = inner.own(HELD);
  if (held?.kind === 'array' && held.node !== zero.node)
    (ctx.asserts ?? ctx.pending).push({
      condition: array(b.ge(ctx.graph, held.node, 0)),
      message: undefined,
      sides: [],
      span: s.span,
    });
  return value;
}

/** The body, which assigns the variable last. */
function closed(body: ast.BlockExpression, span: Span): ast.BlockExpression {
  const name: ast.Expression = { kind: 'name', name: HELD, span };
  return {
    ...body,
    statements: [...body.statements, { kind: 'assign', target: name, op: '=', value: name, span }],
  };
}

/** The loop with its body closed. */
export function closedBody<S extends ast.ForStatement | ast.WhileStatement>(
  s: S,
  close: (body: ast.BlockExpression) => ast.BlockExpression,
): S {
  return { ...s, body: close(s.body) };
}

/** The statement with both branches of a choice closed. */
export function closedBranches(
  s: ast.IfStatement,
  close: (body: ast.BlockExpression) => ast.BlockExpression,
): ast.IfStatement {
  const otherwise = s.else;
  return {
    ...s,
    then: close(s.then),
    ...(otherwise === undefined
      ? {}
      : { else: otherwise.kind === 'block' ? close(otherwise) : closedBranches(otherwise, close) }),
  };
}

/** Whether an assertion stands in the statement, in loops and choices inside too. */
function asserts(s: Branching | ast.BlockExpression): boolean {
  switch (s.kind) {
    case 'for':
    case 'while':
      return asserts(s.body);
    case 'if-statement':
      return asserts(s.then) || (s.else !== undefined && asserts(s.else));
    case 'block':
      return s.statements.some(
        (x) =>
          x.kind === 'assert' ||
          ((x.kind === 'for' || x.kind === 'while' || x.kind === 'if-statement') && asserts(x)),
      );
    default:
      return assertNever(s);
  }
}
