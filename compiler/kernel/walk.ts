// Walks over kernel expressions and statements, shared by every pass and target. In: an expression or a statement, and what to do with its parts. Out: the same shape with other parts; itself where
// nothing changes, so that passes can be compared by identity.

import { assertNever } from '../support/diagnostic.ts';
import type { Expr, Statement } from './types.ts';

/** The operands of an expression, in a fixed order. */
export function operandsOf(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case 'const':
    case 'var':
    case 'uniform':
      return [];
    case 'load':
    case 'local':
      return [e.index];
    case 'unary':
    case 'cast':
    case 'bitcast':
      return [e.a];
    case 'binary':
    case 'compare':
      return [e.a, e.b];
    case 'select':
      return [e.condition, e.then, e.else];
    case 'random':
      return [...e.key, ...e.counter];
    default:
      return assertNever(e);
  }
}

/** The expression with each operand replaced; itself when none changes. */
export function mapOperands(e: Expr, map: (operand: Expr) => Expr): Expr {
  switch (e.kind) {
    case 'const':
    case 'var':
    case 'uniform':
      return e;
    case 'load':
    case 'local': {
      const index = map(e.index);
      return index === e.index ? e : { ...e, index };
    }
    case 'unary':
    case 'cast':
    case 'bitcast': {
      const a = map(e.a);
      return a === e.a ? e : { ...e, a };
    }
    case 'binary':
    case 'compare': {
      const a = map(e.a);
      const b = map(e.b);
      return a === e.a && b === e.b ? e : { ...e, a, b };
    }
    case 'select': {
      const condition = map(e.condition);
      const then = map(e.then);
      const otherwise = map(e.else);
      return condition === e.condition && then === e.then && otherwise === e.else
        ? e
        : { ...e, condition, then, else: otherwise };
    }
    case 'random': {
      const key = e.key.map(map);
      const counter = e.counter.map(map);
      const same = key.every((x, i) => x === e.key[i]) && counter.every((x, i) => x === e.counter[i]);
      return same ? e : { ...e, key, counter };
    }
    default:
      return assertNever(e);
  }
}

/** The expression with `map` done to every part of it, operands first. */
export function mapExpr(e: Expr, map: (part: Expr) => Expr): Expr {
  return map(mapOperands(e, (operand) => mapExpr(operand, map)));
}

/** Every part of an expression, itself first. */
export function everyExpr(e: Expr, visit: (part: Expr) => void): void {
  visit(e);
  for (const operand of operandsOf(e)) everyExpr(operand, visit);
}

/** The blocks inside a statement. */
export function blocksOf(s: Statement): readonly (readonly Statement[])[] {
  switch (s.kind) {
    case 'for':
    case 'reduce':
      return [s.body];
    case 'while':
      return [s.before, s.body];
    case 'if':
      return [s.then, s.else];
    default:
      return [];
  }
}

/** The statement with other blocks. */
export function mapBlocks(s: Statement, map: (block: readonly Statement[]) => Statement[]): Statement {
  switch (s.kind) {
    case 'for':
    case 'reduce':
      return { ...s, body: map(s.body) };
    case 'while': {
      const body = map(s.body);
      return { ...s, before: map(s.before), body };
    }
    case 'if': {
      const otherwise = map(s.else);
      return { ...s, then: map(s.then), else: otherwise };
    }
    default:
      return s;
  }
}

/** The expressions directly in a statement: also those at the end of its blocks (the condition of `while`, the value of `reduce`). */
export function expressionsOf(s: Statement): readonly Expr[] {
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'assign':
    case 'reduce':
      return [s.value];
    case 'assign_local':
    case 'store':
      return [s.index, s.value];
    case 'random_block':
      return [...s.key, ...s.counter];
    case 'for':
      return [s.from, s.to];
    case 'while':
    case 'if':
      return [s.condition];
    case 'array':
      return [];
    default:
      return assertNever(s);
  }
}

/** Every statement of a block and of the blocks inside it. */
export function everyStatement(list: readonly Statement[], visit: (s: Statement) => void): void {
  for (const s of list) {
    visit(s);
    for (const inner of blocksOf(s)) everyStatement(inner, visit);
  }
}
