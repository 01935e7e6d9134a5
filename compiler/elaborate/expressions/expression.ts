// Evaluation of expressions: the switch over the syntax tree. Literals and operators are here; calls, indices, comprehensions, loops and blocks have files of their own.

import { evaluateCall } from './call.ts';
import { comprehension } from './comprehension.ts';
import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt, inWorld, withoutAsserts } from '../context.ts';
import { lookUp } from '../names/names.ts';
import { index } from '../values/indexing.ts';
import { flatten, staticNumber } from '../values/leaves.ts';
import type { Flattened } from '../values/leaves.ts';
import { forExpression } from './loops.ts';
import { monitorOf } from '../runs/loss_monitors.ts';
import { matrixProduct } from '../values/matrices.ts';
import { member } from '../values/members.ts';
import { integerPower, operators } from '../values/operators.ts';
import { LAMBDA, nameFunction } from '../names/patterns.ts';
import { inFixed, inSample } from '../random/samples.ts';
import type { Scope } from '../names/scope.ts';
import { evaluateString } from '../values/strings.ts';
import { chooseAtRunTime } from './branches.ts';
import { complex, describe, list, number, real, record, tuple } from '../values/values.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { atPrecision, precisionNamed } from '../values/precision.ts';
import { replacedItems } from './replaced_items.ts';
import { makeRecompute } from '../../ir/make_rules.ts';
import { assertNever, InternalError } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';
import type * as ast from '../../syntax/ast.ts';
import { printExpression } from '../../syntax/print.ts';

export function evaluate(ctx: Context, e: ast.Expression, scope: Scope): Value {
  switch (e.kind) {
    case 'number':
      if (e.imaginary) return complex(real(0), real(e.value));
      return number(e.value, e.isInteger);
    case 'boolean':
      return { kind: 'bool', value: e.value };
    case 'string':
      return evaluateString(ctx, e, scope);
    case 'name':
      return lookUp(ctx, e.name, e.span, scope);
    case 'unary': {
      const x = ctx.evaluate(e.operand, scope);
      return e.op === '-'
        ? ctx.graph.withOrigin(e.span, () => ctx.elementwise(operators.neg, [x], e.span))
        : x;
    }
    case 'not':
      return ctx.elementwise(operators.not, [ctx.evaluate(e.operand, scope)], e.span);
    case 'binary':
      return binary(ctx, e, scope);
    case 'compare':
      return compare(ctx, e, scope);
    case 'logical': {
      const left = ctx.evaluate(e.left, scope);
      // What is decided at compile time does not evaluate the other side: `rank(x) > 0 and x[0] > 1`.
      if (left.kind === 'bool' && left.value === (e.op === 'or')) return left;
      const right = ctx.evaluate(e.right, scope);
      if (left.kind === 'bool') return right;
      return ctx.elementwise(e.op === 'and' ? operators.and : operators.or, [left, right], e.span);
    }
    case 'range':
      return { kind: 'range', from: ctx.evaluate(e.from, scope), to: ctx.evaluate(e.to, scope) };
    case 'lambda':
      return { kind: 'function', name: LAMBDA, params: e.params, body: e.body, scope, span: e.span };
    case 'if': {
      const condition = ctx.evaluate(e.condition, scope);
      if (condition.kind === 'bool') return ctx.evaluate(condition.value ? e.then : e.else, scope);
      return chooseAtRunTime(
        ctx,
        condition,
        () => ctx.evaluate(e.then, scope.child()),
        () => ctx.evaluate(e.else, scope.child()),
        e.span,
        e.condition.span,
      );
    }
    case 'with':
      return withExpression(ctx, e, scope);
    case 'for-expression':
      return forExpression(ctx, e, scope);
    case 'comprehension':
      return comprehension(ctx, e.body, e.generators, scope, e.span);
    case 'call':
      return evaluateCall(ctx, e, scope);
    case 'index':
      return index(ctx, e, scope);
    case 'member':
      return monitorOf(ctx, e, scope) ?? member(ctx, ctx.evaluate(e.target, scope), e.name.name, e.name.span);
    case 'list':
      return list(e.elements.map((x) => ctx.evaluate(x, scope)));
    case 'tuple':
      return tuple(e.elements.map((x) => ctx.evaluate(x, scope)));
    case 'record':
      return recordValue(ctx, e, scope);
    case 'block': {
      const value = ctx.block(e, scope.child());
      return (
        value ??
        failAt(
          ctx,
          'E140',
          'this block ends without a `return`, so it has no value',
          e.span,
          'end it with `return e`',
        )
      );
    }
    case 'recompute':
      return recomputed(ctx, e, scope);
    case 'labelled':
      return ctx.evaluate(e.term, scope);
    default:
      return assertNever(e);
  }
}

/** The value of the block; reverse mode computes it again instead of keeping what is inside. */
function recomputed(ctx: Context, e: ast.RecomputeExpression, scope: Scope): Value {
  let made: Flattened | undefined;
  const nodes = makeRecompute(ctx.graph, () => {
    made = withoutAsserts(ctx, () => flatten(ctx, ctx.evaluate(e.body, scope), e.span, { keepStatic: true }));
    return made.leaves.map((l) => l.node);
  });
  if (made === undefined) throw new InternalError('elaborate.expression', 'a block without a value');
  return made.rebuild(nodes);
}

function binary(ctx: Context, e: ast.BinaryExpression, scope: Scope): Value {
  const left = ctx.evaluate(e.left, scope);
  const right = ctx.evaluate(e.right, scope);
  return ctx.graph.withOrigin(e.span, () => {
    switch (e.op) {
      case '+':
        return ctx.elementwise(operators.add, [left, right], e.span);
      case '-':
        return ctx.elementwise(operators.sub, [left, right], e.span);
      case '*':
        return ctx.elementwise(operators.mul, [left, right], e.span);
      case '/':
        return ctx.elementwise(operators.div, [left, right], e.span);
      case '//':
        return ctx.elementwise(operators.idiv, [left, right], e.span);
      case '%':
        return ctx.elementwise(operators.rem, [left, right], e.span);
      case '@':
        return matrixProduct(ctx, left, right, e.span);
      case '^':
        return power(ctx, left, right, e);
      default:
        return assertNever(e.op);
    }
  });
}

function power(ctx: Context, left: Value, right: Value, e: ast.BinaryExpression): Value {
  const n = staticNumber(right);
  if (n !== undefined && Number.isInteger(n) && Math.abs(n) <= 64 && left.kind !== 'number')
    return ctx.elementwise(integerPower(n), [left], e.span);
  if (n === 0.5) return ctx.elementwise(operators.sqrt, [left], e.span);
  if (left.kind === 'number' && right.kind === 'number') {
    const integer = left.integer && right.integer && right.value >= 0;
    return number(left.value ** right.value, integer && Number.isSafeInteger(left.value ** right.value));
  }
  return ctx.elementwise(operators.pow, [left, right], e.span);
}

const internal = (message: string): never => {
  throw new InternalError('elaborate.expression', message);
};

const COMPARISONS = {
  '==': operators.eq,
  '!=': operators.ne,
  '<': operators.lt,
  '<=': operators.le,
  '>': operators.gt,
  '>=': operators.ge,
} as const;

function compare(ctx: Context, e: ast.CompareExpression, scope: Scope): Value {
  const values = e.operands.map((x) => ctx.evaluate(x, scope));
  let result: Value | undefined;
  e.ops.forEach((op, i) => {
    const [x, y] = [at(values, i), at(values, i + 1)];
    const words = wordsEqual(x, y);
    const here: Value =
      words !== undefined && (op === '==' || op === '!=')
        ? { kind: 'bool', value: words === (op === '==') }
        : ctx.elementwise(COMPARISONS[op], [x, y], e.span);
    result = result === undefined ? here : ctx.elementwise(operators.and, [result, here], e.span);
  });
  return result ?? internal('a comparison without operators');
}

/** Strings and option words compare at compile time. */
function wordsEqual(x: Value, y: Value): boolean | undefined {
  const word = (v: Value): string | undefined =>
    v.kind === 'option'
      ? v.name
      : v.kind === 'string' && v.parts.every((p) => typeof p === 'string')
        ? v.parts.join('')
        : undefined;
  const [a, b] = [word(x), word(y)];
  return a === undefined || b === undefined ? undefined : a === b;
}

function recordValue(ctx: Context, e: ast.RecordExpression, scope: Scope): Value {
  const entries = new Map<string, Value>();
  // An instance of a layer with other weights is one too: `{ ...net, b: 0 }`.
  let layer: RecordValue | undefined;
  for (const entry of e.entries) {
    const value = ctx.evaluate(entry.value, scope);
    if (entry.kind === 'entry') {
      const name = entry.name.name;
      const before = layer?.entries.get(name);
      const fitted =
        before?.kind === 'array' || before?.kind === 'complex'
          ? conform(ctx, value, before, entry.span, `\`${name}\``)
          : value;
      entries.set(name, nameFunction(fitted, name));
      if (before === undefined) layer = undefined;
      continue;
    }
    if (value.kind !== 'record')
      return failAt(ctx, 'E142', `\`...\` spreads a record, but this is ${describe(value)}`, entry.span);
    layer = entries.size === 0 && value.call !== undefined ? value : undefined;
    for (const [k, v] of value.entries) entries.set(k, v);
  }
  return layer === undefined ? record(entries) : { ...layer, entries };
}

function withExpression(ctx: Context, e: ast.WithExpression, scope: Scope): Value {
  const body = (): Value => ctx.evaluate(e.body, scope);
  switch (e.clause.kind) {
    case 'bindings': {
      return inWorld(ctx, replacedItems(ctx, e.clause.bindings, scope), body);
    }
    case 'fresh':
      return inSample(ctx, ctx.evaluate(e.clause.value, scope), e.clause.value.span, body);
    case 'fixed':
      return inFixed(ctx, body);
    case 'precision':
      return atPrecision(ctx, precisionNamed(ctx, e.clause.name.name, e.clause.name.span), body, e.span);
    default:
      return assertNever(e.clause);
  }
}

/** The text of an expression, for labels. */
export function labelOf(e: ast.Expression): string {
  if (e.kind === 'member') return e.name.name;
  return printExpression(e);
}
