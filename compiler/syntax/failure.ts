// A recognition exception of Chevrotain -> what failed, where: the place of the token in the slice, the rules that were open and
// the names of the tokens that could have been. Two things are put right: a missing `{` is the failure of the clause that wanted
// the block, not of the block; and where two tokens of lookahead found no kind of statement, the second token is the one to look at.

import { EOF, type IRecognitionException } from 'chevrotain';
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
  while (rules.length > 1 && bodies.has(rules[rules.length - 1] ?? '') && expected.has('{')) rules.pop();
  const rule = rules[rules.length - 1];
  const first = tokens[index];
  if (error.name === 'NoViableAltException' && first && t.isName(first)) {
    if (rule === 'statement' || rule === 'runStatement') {
      return { index: index + 1, rules: [...rules, 'assignStatement'], expected: new Set(['=']) };
    }
    if (rule === 'axes') return { index: index + 1, rules: [...rules, 'axis'], expected: new Set([':']) };
    if (rule === 'modelClause')
      return { index: index + 1, rules: [...rules, 'equation'], expected: new Set(['=']) };
  }
  return { index, rules, expected };
}
