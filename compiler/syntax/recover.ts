// After a syntax error: which statement is broken, and the tokens without it. The parser never tries to go on by itself; the
// broken statement is taken out and the slice is parsed again, so that the next message is about the next mistake and not about
// the consequences of this one. A broken header of a block (`for i = 0..n {`) is replaced by a whole one: the block is still read.

import { isCloser, isOpener } from './brackets.ts';
import type { Failure } from './failure.ts';
import * as t from './tokens.ts';
import { makeToken, type Token, wordType } from './tokens.ts';

/** Where a syntax error is: places in the list of tokens of the slice. */
export interface Site {
  /** Of the token that could not be; `tokens.length` at the end of the slice. */
  readonly index: number;
  /** First token of the broken statement. */
  readonly start: number;
  /** Behind its last token. */
  readonly end: number;
  /** The `{` of the innermost block around it; -1 at the top. */
  readonly block: number;
}

/** Rules that begin a statement: an error of theirs is in the statement that was to begin, not in the one before. */
const beginning: ReadonlySet<string> = new Set([
  ...['items', 'item', 'statement', 'runStatement', 'modelClause', 'layerMember', 'minimizeOption', 'axes'],
]);

/** The statement in which the token at `index` is wrong, as seen by the rule that failed. */
export function locate(tokens: readonly Token[], failure: Failure): Site {
  const { index } = failure;
  const rule = failure.rules[failure.rules.length - 1] ?? '';
  interface Frame {
    readonly open: number;
    readonly block: boolean;
    start: number;
  }
  const frames: Frame[] = [{ open: -1, block: true, start: 0 }];
  const blockFrame = () => frames.findLast((frame) => frame.block) ?? { open: -1, block: true, start: 0 };
  const limit = Math.min(index, tokens.length);
  for (let i = 0; i < limit; i++) {
    const token = tokens[i];
    if (!token) continue;
    const frame = frames[frames.length - 1];
    if (frame?.block && token.startsStatement) frame.start = i;
    if (isOpener(token)) frames.push({ open: i, block: token.tokenType === t.LBrace, start: i + 1 });
    else if (isCloser(token) && frames.length > 1) frames.pop();
  }
  const found = tokens[index];
  const frame = blockFrame();
  if (
    found?.startsStatement &&
    frames[frames.length - 1] === frame &&
    (beginning.has(rule) || failure.expected.has('}') || frame.start === index)
  )
    frame.start = index;
  const atNext =
    found?.startsStatement === true && frame.start !== index && frames[frames.length - 1] === frame;
  const end = atNext ? index : endOfStatement(tokens, frame.start, Math.max(index, frame.start));
  return { index, start: frame.start, end, block: frame.open };
}

/** Behind the statement that begins at `start` and reaches at least to `from`. */
function endOfStatement(tokens: readonly Token[], start: number, from: number): number {
  let depth = 0;
  for (let i = start; i < tokens.length; i++) {
    const token = tokens[i];
    if (!token) continue;
    if (depth === 0 && i > start && i >= from && (token.startsStatement || token.tokenType === t.Semicolon))
      return i;
    if (isOpener(token)) depth += 1;
    else if (isCloser(token)) {
      if (depth === 0) return i;
      depth -= 1;
    }
  }
  return tokens.length;
}

/** Whole headers for blocks whose own header is broken. `_` is a name, `0` a number. */
const headers: ReadonlyMap<string, readonly string[]> = new Map([
  ['fn', ['fn', '_', '(', ')']],
  ['layer', ['layer', '_', '(', ')']],
  ['pde', ['pde', '_']],
  ['ode', ['ode', '_']],
  ['sde', ['sde', '_']],
  ['domain', ['domain', '_']],
  ['loss', ['loss', '_']],
  ['run', ['run']],
  ['for', ['for', '_', 'in', '_']],
  ['while', ['while', '_']],
  ['if', ['if', '_']],
  ['boundary', ['boundary', '_']],
  ['event', ['event', 'at', '_']],
  ['minimize', ['minimize', '_', 'over', '_', 'using', '_', 'steps', '_']],
  ['maximize', ['minimize', '_', 'over', '_', 'using', '_', 'steps', '_']],
]);

const signs: ReadonlyMap<string, Token['tokenType']> = new Map([
  ['(', t.LParen],
  [')', t.RParen],
]);

/**
 * The tokens without the broken statement, or with its header replaced. `indented`: the lines behind it that are indented deeper
 * belong to it as well (a block without braces).
 */
export function withoutStatement(tokens: readonly Token[], site: Site, indented: boolean): Token[] {
  const first = tokens[site.start];
  let end = site.end;
  if (first && indented) {
    while (end < tokens.length) {
      const token = tokens[end];
      if (!token || isCloser(token)) break;
      if (token.startsStatement && token.column <= first.column) break;
      end = Math.max(endOfStatement(tokens, end, end), end + 1);
    }
  }
  const header = first && !first.synthetic && !indented ? headers.get(first.image) : undefined;
  const body = header ? blockOf(tokens, site) : -1;
  if (first && header && body >= 0) {
    const brace = tokens[body];
    if (brace) t.retype(brace, t.LBrace);
    return [
      ...tokens.slice(0, site.start),
      ...header.map((image) => standIn(image, first)),
      ...tokens.slice(body),
    ];
  }
  const kept = [...tokens.slice(0, site.start), ...tokens.slice(Math.max(end, site.start + 1))];
  return kept.length < tokens.length ? kept : tokens.slice(0, site.start);
}

/** Items whose value may stand behind `=` instead of in a block. */
const defined: ReadonlySet<string> = new Set(['fn', 'loss', 'domain', 'layer']);

/** The `{` of the statement's own block behind the error; -1 when it has none. */
function blockOf(tokens: readonly Token[], site: Site): number {
  let depth = 0;
  const value = defined.has(tokens[site.start]?.image ?? '');
  for (let i = site.start; i < site.end; i++) {
    const token = tokens[i];
    if (!token) continue;
    if (depth === 0 && value && token.tokenType === t.Equals) return -1;
    if (depth === 0 && i >= site.index && (token.tokenType === t.LBrace || token.tokenType === t.LRecord))
      return i;
    if (isOpener(token)) depth += 1;
    else if (isCloser(token)) depth -= 1;
  }
  return -1;
}

function standIn(image: string, at: Token): Token {
  const token = makeToken(signs.get(image) ?? wordType(image), image, at.startOffset, at.endOffset + 1);
  token.synthetic = true;
  token.column = at.column;
  token.startsStatement = image === at.image && at.startsStatement;
  token.firstOnLine = token.startsStatement && at.firstOnLine;
  return token;
}
