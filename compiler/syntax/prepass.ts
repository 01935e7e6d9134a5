// Tokens -> slices, one for each item, ready for the parser. One linear pass that settles what one token of lookahead cannot:
// brackets first (brackets.ts), where items begin, which `{` is a record, which `(` opens a lambda, where statements begin, and
// whether a `-` or `+` that is first on its line continues the line above (only when indented deeper than its statement).
// Also replaces words of other languages whose meaning is plain (`def`, `elif`, `True`). Rules: grammar.md "Lexis", traps T1, T9.

import type { Diagnostic } from '../support/diagnostic.ts';
import type { SourceFile } from '../support/span.ts';
import { isCloser, isOpener, matchBrackets, repairBrackets } from './brackets.ts';
import { replaceForeignWords } from './foreign_words.ts';
import * as t from './tokens.ts';
import { retype, type Token } from './tokens.ts';

/** The tokens of one item, and of what was found behind it that begins no item. */
export interface Slice {
  readonly tokens: Token[];
  /** False when its brackets do not match: it is reported and not parsed. */
  readonly parseable: boolean;
}

export interface Prepared {
  readonly slices: readonly Slice[];
  readonly diagnostics: readonly Diagnostic[];
  /** Those of them that are about brackets: a statement in which a bracket is wrong is not reported again. */
  readonly brackets: readonly Diagnostic[];
}

export function prepare(file: SourceFile, tokens: readonly Token[]): Prepared {
  const diagnostics: Diagnostic[] = [];
  const brackets: Diagnostic[] = [];
  const slices: Slice[] = [];
  const whole = matchBrackets(file, tokens);
  const cuts = whole.tokens.length === 0 ? cutAtItems(tokens) : cutAtMargin(tokens);
  for (const piece of cuts) {
    let kept = piece;
    let parseable = true;
    if (whole.tokens.length > 0) {
      const faults = matchBrackets(file, piece);
      const repair = faults.diagnostics.length > 1 ? repairBrackets(file, piece, faults) : undefined;
      if (repair) {
        brackets.push(repair.diagnostic);
        kept = repair.tokens;
      } else {
        brackets.push(...faults.diagnostics);
        if (faults.tokens.length > 0) kept = withoutLines(piece, faults.tokens);
      }
      parseable = matchBrackets(file, kept).tokens.length === 0;
    }
    if (parseable) {
      const replaced = replaceForeignWords(file, kept);
      diagnostics.push(...replaced.diagnostics);
      kept = replaced.tokens;
      markStructure(kept);
    }
    if (kept.length > 0) slices.push({ tokens: kept, parseable });
  }
  return { slices, diagnostics: [...brackets, ...diagnostics], brackets };
}

/** Marks for the tokens of a hole of a string: the same, without items. */
export function prepareHole(file: SourceFile, tokens: readonly Token[]): readonly Diagnostic[] {
  const faults = matchBrackets(file, tokens);
  if (faults.tokens.length === 0) markStructure(tokens);
  return faults.diagnostics;
}

// --------------------------------------------------------------------------------------------------------------- cutting

function beginsItem(tokens: readonly Token[], i: number): boolean {
  const token = tokens[i];
  const next = tokens[i + 1];
  if (!token || !next || !t.itemWords.has(token.image) || !t.isWord(token)) return false;
  const before = tokens[i - 1];
  if (!token.firstOnLine && before !== undefined && before.tokenType !== t.Semicolon) return false;
  const followers = t.isWord(next) || next.tokenType === t.Str || isBrace(next);
  // `let (a, b) = …`
  const pattern = next.tokenType === t.LParen && (token.image === 'let' || token.image === 'fn');
  return followers || pattern || t.isReserved(token.image);
}

function isBrace(token: Token): boolean {
  return token.tokenType === t.LBrace || token.tokenType === t.LRecord;
}

/** Brackets match: items begin at depth 0. */
function cutAtItems(tokens: readonly Token[]): Token[][] {
  let depth = 0;
  return cut(tokens, (token, i) => {
    const begins = depth === 0 && beginsItem(tokens, i) && !promised(tokens[i - 1]);
    if (isOpener(token)) depth += 1;
    else if (isCloser(token)) depth -= 1;
    return begins;
  });
}

/** `else` or a binary operator before a `let` cannot be; but `use` after `=` is a missing value and still begins an item. */
function promised(before: Token | undefined): boolean {
  return before?.tokenType === t.Dot;
}

/** Brackets do not match: items begin at the left margin. */
function cutAtMargin(tokens: readonly Token[]): Token[][] {
  return cut(tokens, (token, i) => token.firstOnLine && token.column === 0 && beginsItem(tokens, i));
}

function cut(tokens: readonly Token[], begins: (token: Token, i: number) => boolean): Token[][] {
  const pieces: Token[][] = [];
  let current: Token[] = [];
  for (const [i, token] of tokens.entries()) {
    if (begins(token, i) && current.length > 0) {
      pieces.push(current);
      current = [];
    }
    current.push(token);
  }
  if (current.length > 0) pieces.push(current);
  return pieces;
}

/**
 * Takes out the statements whose `(` or `[` is at fault, so that the rest of the item can be parsed: from the first token of the
 * line of the bracket to the next line that is not indented deeper. A fault of a `{` leaves the piece as it is.
 */
function withoutLines(piece: readonly Token[], blamed: readonly Token[]): Token[] {
  let kept = [...piece];
  for (const fault of blamed) {
    if (fault.image === '{' || fault.image === '}') continue;
    const place = kept.indexOf(fault);
    if (place < 0) continue;
    let start = lineStart(kept, place);
    while (start > 0 && promisesMore(kept[start - 1])) start = lineStart(kept, start - 1);
    const column = kept[start]?.column ?? 0;
    let end = place + 1;
    while (end < kept.length) {
      const token = kept[end];
      if (token?.firstOnLine && token.column <= column) break;
      end += 1;
    }
    kept = [...kept.slice(0, start), ...kept.slice(end)];
  }
  return kept;
}

/** Place of the first token of the line of the token at `place`. */
function lineStart(tokens: readonly Token[], place: number): number {
  let start = place;
  while (start > 0 && tokens[start]?.firstOnLine !== true) start -= 1;
  return start;
}

/** The line that ends with this token goes on in the next. */
function promisesMore(token: Token | undefined): boolean {
  const type = token?.tokenType;
  return type === t.Equals || type === t.Operator || type === t.Sign || type === t.Comma || type === t.Arrow;
}

// ------------------------------------------------------------------------------------------------------------- structure

interface Frame {
  readonly kind: 'block' | 'record' | 'list';
  /** First token of the statement that is open in this frame. */
  statement: Token | undefined;
  /** The next token begins a statement whatever it is. */
  fresh: boolean;
}

/** Sets `opens`, `startsStatement`, the type of `{` and of leading signs. Brackets must match. */
export function markStructure(tokens: readonly Token[]): void {
  const frames: Frame[] = [{ kind: 'block', statement: undefined, fresh: true }];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    const frame = frames[frames.length - 1];
    if (!token || !frame) continue;
    if (isCloser(token)) {
      if (frames.length > 1) frames.pop();
      continue;
    }
    if (frame.kind === 'block') {
      token.startsStatement = false;
      if (token.tokenType === t.Semicolon) {
        frame.fresh = true;
        continue;
      }
      if (frame.fresh || (token.firstOnLine && !continues(tokens, i, frame.statement))) {
        token.startsStatement = true;
        frame.statement = token;
        frame.fresh = false;
        if (token.tokenType === t.Sign) retype(token, t.LeadingSign);
      }
    }
    if (token.tokenType === t.LParen) {
      const after = token.partner ? tokens[tokens.indexOf(token.partner, i) + 1] : undefined;
      token.opens = after?.tokenType === t.Arrow ? 'lambda' : after?.image === 'in' ? 'pattern' : undefined;
      frames.push({ kind: 'list', statement: undefined, fresh: false });
    } else if (token.tokenType === t.LBracket) {
      frames.push({ kind: 'list', statement: undefined, fresh: false });
    } else if (isBrace(token)) {
      const record = opensRecord(tokens, i, frame.statement);
      retype(token, record ? t.LRecord : t.LBrace);
      frames.push({ kind: record ? 'record' : 'block', statement: undefined, fresh: !record });
    }
  }
}

/** The two-token rule of records, where a value may begin; and `save "file" { … }`, `use m { … }`. */
function opensRecord(tokens: readonly Token[], i: number, statement: Token | undefined): boolean {
  if (statement?.image === 'use') return true;
  const first = tokens[i + 1];
  const second = tokens[i + 2];
  if (!first) return false;
  if (statement?.image === 'save' && tokens[i - 1]?.tokenType === t.Str && tokens[i - 2] === statement)
    return true;
  if (endsOperand(tokens[i - 1], statement)) return false;
  if (first.tokenType === t.RBrace || first.tokenType === t.Spread) return true;
  const label = t.isWord(first) || first.tokenType === t.Str || first.tokenType === t.Num;
  return label && (second?.tokenType === t.Colon || (second?.tokenType === t.Comma && t.isWord(first)));
}

/** A value stands before the brace, so that it opens a block: no two values stand side by side. */
function endsOperand(before: Token | undefined, statement: Token | undefined): boolean {
  if (!before || before === statement || promising.has(before.image)) return false;
  return t.isName(before) || isCloser(before) || before.tokenType === t.Num || before.tokenType === t.Str;
}

const continuing: ReadonlySet<string> = new Set(['then', 'else', 'and', 'or', 'in']);
/** Clause words that may begin a line and belong to the statement above; names when an assignment follows. */
const clauseWords: ReadonlySet<string> = new Set([
  ...[
    'via',
    'over',
    'except',
    'using',
    'batch',
    'accumulate',
    'steps',
    'epochs',
    'subject',
    'derivative',
    'tangent',
  ],
]);
/** Words that promise something behind them when they stand behind a value. */
const promising: ReadonlySet<string> = new Set([
  ...[
    'via',
    'from',
    'over',
    'except',
    'using',
    'batch',
    'accumulate',
    'steps',
    'epochs',
    'subject',
    'to',
    'every',
    'limit',
  ],
  ...[
    'when',
    'on',
    'as',
    'at',
    'by',
    'cells',
    'nodes',
    'chebyshev',
    'best',
    'of',
    'fresh',
    'gradient',
    'derivative',
    'tangent',
  ],
]);

/** Words that begin a statement even where the line above waits for more: that line is what is wrong then. */
const statementWords: ReadonlySet<string> = new Set([
  ...['let', 'var', 'const', 'fn', 'use', 'while', 'return', 'yield', 'assert', 'break'],
]);
const namingWords: ReadonlySet<string> = new Set([
  ...[
    'state',
    'noise',
    'driver',
    'boundary',
    'monitor',
    'field',
    'minimize',
    'maximize',
    'reset',
    'print',
    'save',
    'plot',
  ],
  ...['animate', 'check', 'param', 'loss', 'data'],
]);

function beginsAnyway(token: Token, next: Token | undefined): boolean {
  if (!t.isWord(token)) return false;
  if (statementWords.has(token.image)) return true;
  if (!namingWords.has(token.image) || !next || next.firstOnLine) return false;
  return next.tokenType === t.Name || next.tokenType === t.Str;
}

/** Does the token, first on its line, go on with the statement above? */
function continues(tokens: readonly Token[], i: number, statement: Token | undefined): boolean {
  const token = tokens[i];
  const before = tokens[i - 1];
  if (!token || !before || !statement) return false;
  if (beginsAnyway(token, tokens[i + 1])) return false;
  if (isOpenEnd(before, tokens[i - 2], statement)) return true;
  const type = token.tokenType;
  if (type === t.Sign || type === t.LeadingSign) return token.column > statement.column;
  if (type === t.Operator || type === t.Comparison || type === t.Arrow || type === t.ThinArrow) return true;
  if (type === t.Comma || type === t.Dot || type === t.DotDot || type === t.Colon || type === t.Equals)
    return true;
  if (isBrace(token)) return true;
  if (continuing.has(token.image)) return true;
  if (clauseWords.has(token.image)) {
    const next = tokens[i + 1]?.tokenType;
    return next !== t.Equals && next !== t.Update && next !== t.Dot;
  }
  return false;
}

/** Statements behind which other languages write a colon. */
const colonHabit: ReadonlySet<string> = new Set([
  ...['if', 'for', 'while', 'else', 'with', 'fn', 'pde', 'ode', 'sde', 'run', 'test'],
]);

/** Does the line that ends with this token wait for more? */
function isOpenEnd(token: Token, before: Token | undefined, statement: Token): boolean {
  const type = token.tokenType;
  if (type === t.Operator || type === t.Sign || type === t.LeadingSign || type === t.Comparison) return true;
  if (type === t.Equals || type === t.Update || type === t.Arrow || type === t.ThinArrow) return true;
  if (type === t.Comma || type === t.Dot || type === t.DotDot || type === t.Spread) return true;
  if (type === t.Colon) return !colonHabit.has(statement.image);
  if (t.isReserved(token.image) && t.isWord(token)) {
    if (before?.tokenType === t.Dot) return false;
    return !['true', 'false', 'break'].includes(token.image) || token === statement;
  }
  // `as steps` at the end of a line: the clause word is a name
  if (!promising.has(token.image) || !before || token === statement || promising.has(before.image))
    return false;
  return t.isName(before) || isCloser(before) || before.tokenType === t.Num || before.tokenType === t.Str;
}
