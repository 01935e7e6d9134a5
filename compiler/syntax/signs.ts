// The signs of the language and the letters that stand for others: the tables of the scanner.

import type { TokenType } from 'chevrotain';
import { foreignSigns } from './foreign.ts';
import * as t from './tokens.ts';

/** Letters of other blocks that look like the ones meant: micro, increment, ohm. */
export const lookAlikes: ReadonlyMap<string, string> = new Map([
  ['\u00b5', 'μ'],
  ['\u2206', 'Δ'],
  ['\u2126', 'Ω'],
]);

const signTypes: readonly (readonly [string, TokenType])[] = [
  ['...', t.Spread],
  ['..', t.DotDot],
  ['=>', t.Arrow],
  ['->', t.ThinArrow],
  ['==', t.Comparison],
  ['!=', t.Comparison],
  ['<=', t.Comparison],
  ['>=', t.Comparison],
  ['+=', t.Update],
  ['-=', t.Update],
  ['*=', t.Update],
  ['/=', t.Update],
  ['//', t.Operator],
  ['=', t.Equals],
  ['<', t.Comparison],
  ['>', t.Comparison],
  ['+', t.Sign],
  ['-', t.Sign],
  ['*', t.Operator],
  ['/', t.Operator],
  ['%', t.Operator],
  ['@', t.Operator],
  ['^', t.Operator],
  ['(', t.LParen],
  [')', t.RParen],
  ['[', t.LBracket],
  [']', t.RBracket],
  ['{', t.LBrace],
  ['}', t.RBrace],
  [',', t.Comma],
  [';', t.Semicolon],
  [':', t.Colon],
  ['.', t.Dot],
];

export const foreignByFirst = groupByFirst(foreignSigns.map((sign) => [sign.spelling, sign] as const));
export const signByFirst = groupByFirst(signTypes.map(([spelling, type]) => [spelling, type] as const));

function groupByFirst<T>(
  entries: readonly (readonly [string, T])[],
): ReadonlyMap<string, readonly (readonly [string, T])[]> {
  const groups = new Map<string, (readonly [string, T])[]>();
  for (const entry of entries) {
    const first = entry[0].slice(0, 1);
    const group = groups.get(first);
    if (group) group.push(entry);
    else groups.set(first, [entry]);
  }
  return groups;
}
