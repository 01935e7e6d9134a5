// Statements of a block, in order. `return` ends the block with a value; an `if` decided at compile time elaborates only the branch taken (and may return), one decided at run time
// becomes a branch whose assignments are merged.

import { assign } from './assignment.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { functionField } from '../fields/function_fields.ts';
import { mergeBranches } from './branches.ts';
import { forStatement } from './loops.ts';
import { whileStatement } from './while_loops.ts';
import { monitor } from '../runs/loss_monitors.ts';
import { bindPattern, named } from '../names/patterns.ts';
import type { Scope } from '../names/scope.ts';
import { assignedNames } from './assigned.ts';
import { assertSides } from './asserts.ts';
import { asserted } from './checked.ts';
import { closedBody, closedBranches, holdingAsserts } from './held_asserts.ts';
import { bindType } from '../values/types.ts';
import type { Value } from '../values/values.ts';
import { describe } from '../values/values.ts';
import { assertNever } from '../../support/diagnostic.ts';
import type * as ast from '../../syntax/ast.ts';

export function block(ctx: Context, body: ast.BlockExpression, scope: Scope): Value | undefined {
  const waiting = ctx.pending.length;
  const collected = scope.findYields();
  const yielded = Array.isArray(collected) ? collected.length : 0;
  const value = statements(ctx, body, scope);
  const asserts = ctx.pending.slice(waiting);
  if (asserts.length === 0) return value;
  /** The value with the assertions of this block. */
  const carrying = (v: Value): Value => {
    const made = asserted(ctx, v, asserts);
    if (made !== undefined) ctx.pending.length = waiting;
    return made ?? v;
  };
  if (value !== undefined) return carrying(value);
  for (const name of assignedNames(body)) {
    const binding = scope.find(name);
    if (binding?.mutable === true) binding.value = carrying(binding.value);
  }
  if (Array.isArray(collected))
    collected.slice(yielded).forEach((y, i) => {
      collected[yielded + i] = { ...y, value: carrying(y.value) };
    });
  return undefined;
}

function statements(ctx: Context, body: ast.BlockExpression, scope: Scope): Value | undefined {
  for (const s of body.statements) {
    if (s.kind === 'monitor') {
      monitor(ctx, s, body, scope);
      continue;
    }
    const value = statement(ctx, s, scope);
    if (value !== undefined) return value;
  }
  return undefined;
}

function statement(
  ctx: Context,
  s: Exclude<ast.Statement, ast.MonitorStatement>,
  scope: Scope,
): Value | undefined {
  switch (s.kind) {
    case 'let': {
      const value = ctx.evaluate(s.value, scope);
      const typed =
        s.type === undefined ? value : bindType(ctx, s.type, value, scope, s.value.span, 'the value');
      bindPattern(ctx, s.pattern, named(s.pattern, typed), scope, s.value.span, s.binding === 'var');
      return undefined;
    }
    case 'return':
      return ctx.evaluate(s.value, scope);
    case 'assign':
      ctx.graph.withOrigin(s.span, () => assign(ctx, s, scope));
      return undefined;
    case 'for':
      return holdingAsserts(ctx, s, closedBody, scope, (x, inner) => forStatement(ctx, x, inner));
    case 'while':
      return holdingAsserts(ctx, s, closedBody, scope, (x, inner) => {
        whileStatement(ctx, x, inner);
        return undefined;
      });
    case 'if-statement':
      return holdingAsserts(ctx, s, closedBranches, scope, (x, inner) => ifStatement(ctx, x, inner));
    case 'yield': {
      const yields = scope.findYields();
      if (yields === undefined)
        return failAt(
          ctx,
          'E190',
          '`yield` stands outside a loop that collects',
          s.span,
          'write `let xs = for i in 0..n { …; yield x }`',
        );
      if (yields === 'chosen')
        return failAt(
          ctx,
          'E189',
          'a `yield` in a branch that is chosen at run time would not happen in every turn',
          s.span,
          'assign to a `var` in the branches and yield it behind the `if`',
        );
      yields.push({ value: ctx.evaluate(s.value, scope), span: s.span });
      return undefined;
    }
    case 'assert':
      assertSides(ctx, s, scope);
      return undefined;
    case 'field':
      scope.define(s.name.name, functionField(ctx, s, scope), s.span);
      return undefined;
    case 'break':
      return failAt(
        ctx,
        'E185',
        '`break` stands outside a loop',
        s.span,
        'it ends the `for` or `while` around it',
      );
    case 'stop':
      return failAt(ctx, 'E191', '`stop` stands in an event of a model', s.span);
    default:
      return assertNever(s);
  }
}

function ifStatement(ctx: Context, s: ast.IfStatement, scope: Scope): Value | undefined {
  const condition = ctx.evaluate(s.condition, scope);
  const otherwise = (inner: Scope): Value | undefined => {
    if (s.else === undefined) return undefined;
    return s.else.kind === 'block' ? ctx.block(s.else, inner) : ifStatement(ctx, s.else, inner);
  };
  if (condition.kind === 'bool')
    return condition.value ? ctx.block(s.then, scope.child()) : otherwise(scope.child());
  if (condition.kind !== 'array' || condition.node.dtype !== 'bool')
    return failAt(
      ctx,
      'E192',
      `a condition is a truth value, but this is ${describe(condition)}`,
      s.condition.span,
    );
  return mergeBranches(ctx, condition.node, s, (inner) => ctx.block(s.then, inner), otherwise, scope);
}
