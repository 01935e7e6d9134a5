// A recognition exception of Chevrotain -> what failed, where: the place of the token in the slice, the rules that were open and
// the names of the tokens that could have been. Two things are put right: a statement without its last value fails where the next
// one begins, and a missing `{` is the failure of the clause that wanted the block, not of the block.

import { EOF, type IRecognitionException, type TokenType } from 'chevrotain';
import { separator } from './expected.ts';
import * as t from './tokens.ts';
import type { Token } from './tokens.ts';

export interface Failure {
  /** Of the token that could not be; `tokens.length` at the end of the slice. */
  readonly index: number;
  /** The open rules, outermost first. */
  readonly rules: readonly string[];
  readonly expected: ReadonlySet<string>;
}

const bodies: ReadonlySet<string> = new Set(['block', 'runBlock', 'record', 'definition']);

/** `entry` is the rule the parse began with: Chevrotain names no rule when tokens are left over. */
export function failureOf(
  tokens: readonly Token[],
  error: IRecognitionException,
  entry: 'items' | 'hole',
): Failure {
  const expected = new Set(error.message.split(separator));
  const rules = error.context.ruleStack.length > 0 ? [...error.context.ruleStack] : [entry];
  const { token } = error;
  let index = token.tokenType === EOF ? -1 : tokens.findIndex((candidate) => candidate === token);
  if (index < 0) index = tokens.length;
  const swallowed = swallowedStart(tokens, index);
  if (swallowed >= 0) return { index: swallowed, rules: [...rules, 'primary'], expected: new Set() };
  while (rules.length > 1 && bodies.has(rules[rules.length - 1] ?? '') && expected.has('{')) rules.pop();
  return { index, rules, expected };
}

/**
 * A statement that lacks its last value takes the first word of the next one for it, and fails behind that word: the place of the
 * word, or -1.
 */
function swallowedStart(tokens: readonly Token[], index: number): number {
  let start = Math.min(index, tokens.length - 1);
  while (start > 0 && tokens[start]?.startsStatement !== true) start -= 1;
  const before = tokens[start - 1];
  return start > 0 && start < index && before !== undefined && waiting.has(before.tokenType) ? start : -1;
}

/** Signs that want a value behind them. */
const waiting: ReadonlySet<TokenType> = new Set([
  ...[t.Equals, t.Update, t.Operator, t.Sign, t.LeadingSign, t.Comparison, t.Arrow, t.Comma, t.Colon, t.Dot],
]);
