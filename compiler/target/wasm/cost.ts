// Estimated scalar operations of a body at one point: to decide whether a dispatch is worth more than one thread, and how large blocks may be. Loops of unknown length count 8 turns.

import type { Expr, Statement } from '../../kernel/types.ts';
import { assertNever } from '../../support/diagnostic.ts';
import { operandsOf } from '../../kernel/walk.ts';
import { turnsOf } from './arrays.ts';

const elementary = new Set<string>([
  'exp',
  'expm1',
  'log',
  'log1p',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'pow',
  'atan2',
]);

export function costOf(list: readonly Statement[]): number {
  return list.reduce((sum, s) => sum + statementCost(s), 0);
}

function statementCost(s: Statement): number {
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'assign':
      return expressionCost(s.value);
    case 'random_block':
      return 230 + [...s.key, ...s.counter].reduce((sum, e) => sum + expressionCost(e), 0);
    case 'array':
      return s.length / 4;
    case 'assign_local':
    case 'store':
      return 1 + expressionCost(s.index) + expressionCost(s.value);
    case 'for':
      return (turnsOf(s) ?? 8) * (1 + costOf(s.body));
    case 'while':
      return Math.min(8, s.limit) * (1 + costOf(s.before) + expressionCost(s.condition) + costOf(s.body));
    case 'if':
      return expressionCost(s.condition) + Math.max(costOf(s.then), costOf(s.else));
    case 'reduce': {
      const turns = s.loops.reduce((n, loop) => n * loop.extent, 1);
      return turns * (1 + costOf(s.body) + expressionCost(s.value));
    }
    default:
      return assertNever(s);
  }
}

export function expressionCost(e: Expr): number {
  const operands = operandsOf(e).reduce((sum, a) => sum + expressionCost(a), 0);
  if (e.type === 'i32' && e.kind === 'binary') return operands / 4 + 0.25;
  if (e.kind === 'const' || e.kind === 'var' || e.kind === 'uniform') return 0;
  if (e.kind === 'load' || e.kind === 'local') return 1 + operands / 4;
  if (e.kind === 'random') return 230 + operands;
  if ((e.kind === 'unary' || e.kind === 'binary') && elementary.has(e.op)) return 20 + operands;
  return 1 + operands;
}
