// Bracket matching: sets `partner` on the tokens and reports what does not match, at the opener where one is to blame.
// Runs before anything else looks at structure: an unclosed bracket would otherwise be reported a screen later as nonsense.

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
  return !file.text.slice(a.startOffset, b.startOffset).includes('\n');
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
