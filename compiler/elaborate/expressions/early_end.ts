// `break when c`: what follows a break happens only if the loop goes on. A body with breaks is rewritten so that a hidden variable says whether it does,
//
//   A; break when c; B     becomes     A; if c { going = false } else { B }
//
// and a loop over such a body is a `while going`.

import type * as ast from '../../syntax/ast.ts';
import type { Span } from '../../support/span.ts';

/** No name of a program can be this one. */
export const GOING = 'going on';

/** Whether a break of this very loop stands in the statements; those of loops inside are theirs. */
export function hasBreak(body: ast.BlockExpression): boolean {
  return body.statements.some(mayBreak);
}

function mayBreak(s: ast.Statement): boolean {
  if (s.kind === 'break') return true;
  if (s.kind !== 'if-statement') return false;
  return (
    hasBreak(s.then) ||
    (s.else !== undefined && (s.else.kind === 'block' ? hasBreak(s.else) : mayBreak(s.else)))
  );
}

/** The body with its breaks rewritten. */
export function withoutBreaks(body: ast.BlockExpression): ast.BlockExpression {
  const i = body.statements.findIndex(mayBreak);
  const s = body.statements[i];
  if (s === undefined) return body;
  const before = body.statements.slice(0, i);
  const rest = withoutBreaks({ ...body, statements: body.statements.slice(i + 1) });
  return { ...body, statements: [...before, ...ended(s, rest)] };
}

function ended(s: ast.Statement, rest: ast.BlockExpression): ast.Statement[] {
  if (s.kind === 'break') {
    const stop = block([assignment(s.span)], s.span);
    if (s.when === undefined) return [...stop.statements];
    return [{ kind: 'if-statement', condition: s.when, then: stop, else: rest, span: s.span }];
  }
  if (s.kind !== 'if-statement') return [s, ...rest.statements];
  const changed = branches(s);
  if (rest.statements.length === 0) return [changed];
  return [changed, { kind: 'if-statement', condition: goingOn(s.span), then: rest, span: s.span }];
}

function branches(s: ast.IfStatement): ast.IfStatement {
  return {
    ...s,
    then: withoutBreaks(s.then),
    ...(s.else === undefined
      ? {}
      : { else: s.else.kind === 'block' ? withoutBreaks(s.else) : branches(s.else) }),
  };
}

export const goingOn = (span: Span): ast.NameExpression => ({ kind: 'name', name: GOING, span });

function assignment(span: Span): ast.AssignStatement {
  return {
    kind: 'assign',
    target: goingOn(span),
    op: '=',
    value: { kind: 'boolean', value: false, span },
    span,
  };
}

const block = (statements: readonly ast.Statement[], span: Span): ast.BlockExpression => ({
  kind: 'block',
  statements,
  span,
});
