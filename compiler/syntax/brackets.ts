// Bracket matching: sets `partner` on the tokens and reports what does not match, at the opener where one is to blame.
// Runs before anything else looks at structure: an unclosed bracket would otherwise be reported a screen later as nonsense.

import type { TokenType } from 'chevrotain';
import type { Diagnostic } from '../support/diagnostic.ts';
import { lineColumn, type SourceFile } from '../support/span.ts';
import * as t from './tokens.ts';
import { tokenSpan, type Token } from './tokens.ts';

/** Nesting beyond this is refused: it would exhaust the stack of recursive passes. */
export const deepestNesting = 200;

const closing: ReadonlyMap<string, string> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
]);

export interface Faults {
  readonly diagnostics: readonly Diagnostic[];
  /** The brackets to blame: openers never closed, closers without an opener. */
  readonly tokens: readonly Token[];
}

export function isOpener(token: Token): boolean {
  return (
    token.tokenType === t.LParen ||
    token.tokenType === t.LBracket ||
    token.tokenType === t.LBrace ||
    token.tokenType === t.LRecord
  );
}

export function isCloser(token: Token): boolean {
  return token.tokenType === t.RParen || token.tokenType === t.RBracket || token.tokenType === t.RBrace;
}

/** Matches all brackets of a token list, anew. */
export function matchBrackets(file: SourceFile, tokens: readonly Token[]): Faults {
  const open: Token[] = [];
  const diagnostics: Diagnostic[] = [];
  const blamed: Token[] = [];
  const blame = (token: Token, diagnostic: Diagnostic) => {
    blamed.push(token);
    diagnostics.push(diagnostic);
  };
  for (const token of tokens) token.partner = undefined;
  const pair = (opener: Token, closer: Token) => {
    opener.partner = closer;
    closer.partner = opener;
  };
  for (const [place, token] of tokens.entries()) {
    if (isOpener(token)) {
      open.push(token);
      if (open.length === deepestNesting + 1) blame(token, tooDeep(file, token));
      continue;
    }
    if (!isCloser(token)) continue;
    const top = open[open.length - 1];
    const depth = open.findLastIndex((opener) => closing.get(opener.image) === token.image);
    const opener = open[depth];
    if (opener === undefined) {
      if (token.partner !== undefined) continue;
      if (top && sameLine(file, top, token)) {
        open.pop();
        blame(top, crossing(file, top, token));
      } else {
        blame(token, unopened(file, token));
      }
      continue;
    }
    const next = tokens[place + 1];
    if (top && top !== opener && depth === open.length - 2 && next && next.image === closing.get(top.image)) {
      // `([a)]`: the two were swapped
      blame(top, crossing(file, top, token));
      pair(top, next);
    } else {
      for (const lost of open.slice(depth + 1)) blame(lost, unclosed(file, lost));
    }
    open.length = depth;
    pair(opener, token);
  }
  if (open.length > 0) {
    const braces = open.every((opener) => opener.image === '{');
    const culprit = braces ? outdented(tokens) : undefined;
    if (culprit && open.length === 1) blame(culprit, unclosed(file, culprit));
    else for (const lost of open) blame(lost, unclosed(file, lost));
  }
  return { diagnostics, tokens: blamed };
}

export interface Repair {
  readonly diagnostic: Diagnostic;
  /** The tokens with the one wrong bracket taken out or replaced; they match. */
  readonly tokens: Token[];
}

/** Beyond this many brackets a repair is not looked for: the search is quadratic. */
const mostBrackets = 400;

/**
 * Several faults of one piece often come from one wrong bracket. Looks for a single bracket whose removal, or replacement by
 * another, makes everything match: those that are blamed first, then those on the line of the first fault, then all.
 */
export function repairBrackets(
  file: SourceFile,
  tokens: readonly Token[],
  faults: Faults,
): Repair | undefined {
  const [first] = faults.tokens;
  const brackets = tokens.filter((token) => isOpener(token) || isCloser(token));
  if (!first || brackets.length > mostBrackets) return undefined;
  const onLine = brackets.filter((token) => sameLine(file, token, first));
  for (const token of new Set([...faults.tokens, ...onLine, ...brackets])) {
    if (!balances(brackets, token, undefined)) continue;
    const diagnostic = isOpener(token) ? unclosed(file, token) : unopened(file, token);
    return { diagnostic, tokens: tokens.filter((other) => other !== token) };
  }
  for (const token of onLine) {
    for (const [image, type] of bracketTypes) {
      if (image === token.image || !balances(brackets, token, image)) continue;
      const message = `\`${token.image}\` stands where \`${image}\` would match the other brackets`;
      const span = tokenSpan(file, token);
      const other = { ...token, tokenType: type, tokenTypeIdx: type.tokenTypeIdx ?? 0, image };
      return {
        diagnostic: { severity: 'error', code: 'S022', message, span },
        tokens: tokens.map((kept) => (kept === token ? other : kept)),
      };
    }
  }
  return undefined;
}

const bracketTypes: readonly (readonly [string, TokenType])[] = [
  ['(', t.LParen],
  [')', t.RParen],
  ['[', t.LBracket],
  [']', t.RBracket],
  ['{', t.LBrace],
  ['}', t.RBrace],
];

/** Do the brackets match when `token` is left out, or is `instead`? */
function balances(brackets: readonly Token[], token: Token, instead: string | undefined): boolean {
  const open: string[] = [];
  for (const bracket of brackets) {
    const image = bracket === token ? instead : bracket.image;
    if (image === undefined) continue;
    const close = closing.get(image);
    if (close !== undefined) open.push(close);
    else if (open.pop() !== image) return false;
  }
  return open.length === 0;
}

/** With a `}` too few: the `{` whose `}` stands further left than the line that opened it is the one that lacks its own. */
function outdented(tokens: readonly Token[]): Token | undefined {
  let lineColumnNow = 0;
  const columnOfLine = new Map<Token, number>();
  for (const token of tokens) {
    if (token.firstOnLine) lineColumnNow = token.column;
    columnOfLine.set(token, lineColumnNow);
  }
  return tokens.find((token) => {
    const close = token.partner;
    return (
      token.image === '{' &&
      close !== undefined &&
      close.firstOnLine &&
      close.column < (columnOfLine.get(token) ?? 0)
    );
  });
}

function sameLine(file: SourceFile, a: Token, b: Token): boolean {
  const [start, end] = [Math.min(a.startOffset, b.startOffset), Math.max(a.startOffset, b.startOffset)];
  return !file.text.slice(start, end).includes('\n');
}

function unclosed(file: SourceFile, token: Token): Diagnostic {
  const close = closing.get(token.image) ?? '';
  const message = `\`${token.image}\` is never closed`;
  const help = token.image === '{' ? 'end the block with `}`' : `write the missing \`${close}\``;
  return { severity: 'error', code: 'S020', message, span: tokenSpan(file, token), help };
}

function unopened(file: SourceFile, token: Token): Diagnostic {
  const message = `\`${token.image}\` closes nothing`;
  return {
    severity: 'error',
    code: 'S021',
    message,
    span: tokenSpan(file, token),
    help: 'delete it, or open it before',
  };
}

function crossing(file: SourceFile, opener: Token, closer: Token): Diagnostic {
  const { line, column } = lineColumn(file, opener.startOffset);
  const wanted = closing.get(opener.image) ?? '';
  return {
    severity: 'error',
    code: 'S022',
    message: `\`${closer.image}\` does not close the \`${opener.image}\` of ${line}:${column}`,
    span: tokenSpan(file, closer),
    help: `write \`${wanted}\` here`,
  };
}

function tooDeep(file: SourceFile, token: Token): Diagnostic {
  return {
    severity: 'error',
    code: 'S023',
    message: `brackets are nested more than ${deepestNesting} deep`,
    span: tokenSpan(file, token),
    help: 'give the inner parts names with `let`',
  };
}
