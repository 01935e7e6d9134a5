// The vocabulary: one Chevrotain token type for each sign and each word that the grammar mentions, and the shape of a token.
// Chevrotain gets the tokens from our scanner, so the types carry no patterns. Words are in categories:
//   AnyWord   every name and word: what may stand after `.` and before `:`
//   Name      plain names and the words that are keywords only where the grammar expects them (`state`, `over`, `steps` …)
// Reserved words (`let`, `for` …) are in AnyWord only. See language.md §2 for the list.

import { createToken, type IToken, Lexer, type TokenType } from 'chevrotain';
import { InternalError } from '../support/diagnostic.ts';
import type { SourceFile, Span } from '../support/span.ts';
import type { StringExpression } from './ast.ts';

/** A token: Chevrotain's own fields and what the scanner and the pre-pass found out about its surroundings. */
export interface Token extends IToken {
  tokenType: TokenType;
  tokenTypeIdx: number;
  /** NFC, look-alikes replaced; `∇` is already `grad`. */
  image: string;
  startOffset: number;
  /** Inclusive, as Chevrotain wants it. */
  endOffset: number;
  /** Nothing but blanks stands before it on its line. */
  firstOnLine: boolean;
  /** Column of the first unit, from zero. */
  column: number;
  /** The other bracket of the pair; absent when unmatched and on all other tokens. */
  partner: Token | undefined;
  /** On `(`: the partner is followed by `=>` (lambda) or `in` (pattern of a generator). */
  opens: 'lambda' | 'pattern' | undefined;
  /** First token of a statement or item, as far as the tokens alone tell. */
  startsStatement: boolean;
  /** On strings: text and holes as scanned, and the expression once its holes are parsed. */
  pieces: readonly StringPiece[] | undefined;
  string: StringExpression | undefined;
  /** Made by the compiler to stand for something that was already reported: never report it again. */
  synthetic: boolean;
}

export type StringPiece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'hole'; readonly tokens: Token[]; readonly start: number; readonly end: number };

function sign(name: string, ...categories: TokenType[]): TokenType {
  return createToken({ name, pattern: Lexer.NA, categories });
}

// -------------------------------------------------------------------------------------------------------------- classes

export const AnyWord = sign('AnyWord');
/** A plain name; the category of the words that are keywords only in place. */
export const Name = sign('Name', AnyWord);
export const Num = sign('Number');
export const Str = sign('String');

// ---------------------------------------------------------------------------------------------------------------- signs

export const LParen = sign('(');
export const RParen = sign(')');
export const LBracket = sign('[');
export const RBracket = sign(']');
export const LBrace = sign('{');
/** A `{` that opens a record by what follows it (the pre-pass decides). Wherever a `{` may stand, this one may. */
export const LRecord = sign('{ of a record', LBrace);
export const RBrace = sign('}');
export const Comma = sign(',');
export const Semicolon = sign(';');
export const Colon = sign(':');
export const Dot = sign('.');
export const DotDot = sign('..');
export const Spread = sign('...');
export const Equals = sign('=');
/** `+= -= *= /=`. */
export const Update = sign('+=');
export const Arrow = sign('=>');
export const ThinArrow = sign('->');
/** Everything that stands between two operands but `..`. */
export const Infix = sign('infix operator');
/** What may stand before an operand. */
export const Prefix = sign('prefix operator');
/** `+` and `-` that are operators or prefixes. */
export const Sign = sign('+ or -', Infix, Prefix);
/** A `+` or `-` that is first on its line and not indented deeper than the statement above: it starts a statement. */
export const LeadingSign = sign('+ or - at the start of a statement', Prefix);
/** `* / // % @ ^`. */
export const Operator = sign('operator', Infix);
/** `== != < <= > >=`. */
export const Comparison = sign('comparison', Infix);

// ---------------------------------------------------------------------------------------------------------------- words

/** Reserved words that are operators as well. */
const operatorWords: Readonly<Record<string, readonly TokenType[]>> = {
  and: [Infix],
  or: [Infix],
  not: [Prefix],
};

function words<const W extends string>(
  list: readonly W[],
  category: TokenType,
): Readonly<Record<W, TokenType>> {
  const made: Partial<Record<W, TokenType>> = {};
  for (const word of list) made[word] = sign(word, category, ...(operatorWords[word] ?? []));
  return total(made, list);
}

function total<W extends string>(
  made: Partial<Record<W, TokenType>>,
  list: readonly W[],
): Record<W, TokenType> {
  const missing = list.find((word) => made[word] === undefined);
  if (missing !== undefined) throw new InternalError('tokens', `no token type for ${missing}`);
  return made as Record<W, TokenType>;
}

export const reservedWords = [
  'let',
  'var',
  'const',
  'fn',
  'use',
  'for',
  'in',
  'while',
  'if',
  'then',
  'else',
  'return',
  'yield',
  'assert',
  'break',
  'and',
  'or',
  'not',
  'true',
  'false',
  'with',
] as const;

export const placeWords = [
  ...[
    'data',
    'input',
    'param',
    'state',
    'network',
    'optimizer',
    'domain',
    'region',
    'field',
    'type',
    'precision',
  ],
  ...['layer', 'pde', 'ode', 'sde', 'loss', 'test', 'run'],
  ...['on', 'at', 'as', 'via', 'from', 'derivative', 'tangent', 'complex'],
  ...['scale', 'cells', 'nodes', 'chebyshev', 'mapped', 'periodic', 'call'],
  ...[
    'dt',
    'noise',
    'driver',
    'boundary',
    'monitor',
    'calculus',
    'after',
    'step',
    'event',
    'rising',
    'falling',
  ],
  ...['limit', 'quietly', 'every', 'when', 'stop', 'fresh', 'fixed', 'recompute', 'by', 'wrap', 'clamp'],
  ...['minimize', 'maximize', 'play', 'reset', 'print', 'save', 'plot', 'animate', 'check'],
  ...['over', 'except', 'subject', 'to', 'using', 'batch', 'accumulate', 'steps', 'epochs'],
  ...['log', 'keep', 'best', 'gradient', 'order', 'of'],
] as const;

/** Reserved words by spelling: `word.let`. */
export const reserved = words(reservedWords, AnyWord);
/** Words that are keywords only in place. */
export const word = words(placeWords, Name);

const typeOfWord: ReadonlyMap<string, TokenType> = new Map(Object.entries({ ...reserved, ...word }));

/** The token type of a name: its own when the grammar mentions it, else `Name`. */
export function wordType(name: string): TokenType {
  return typeOfWord.get(name) ?? Name;
}

const reservedSet: ReadonlySet<string> = new Set(reservedWords);
export function isReserved(name: string): boolean {
  return reservedSet.has(name);
}

/** Words with which an item begins when first on their line, at bracket depth 0, before a name, a string or `{`. */
export const itemWords: ReadonlySet<string> = new Set([
  ...[
    'let',
    'const',
    'fn',
    'use',
    'data',
    'input',
    'param',
    'state',
    'network',
    'optimizer',
    'domain',
    'region',
    'field',
  ],
  ...['type', 'precision', 'layer', 'pde', 'ode', 'sde', 'loss', 'test', 'run'],
]);

export const vocabulary: TokenType[] = [
  ...[
    AnyWord,
    Name,
    Num,
    Str,
    LParen,
    RParen,
    LBracket,
    RBracket,
    LBrace,
    LRecord,
    RBrace,
    Comma,
    Semicolon,
    Colon,
    Dot,
  ],
  ...[
    DotDot,
    Spread,
    Equals,
    Update,
    Arrow,
    ThinArrow,
    Infix,
    Prefix,
    Sign,
    LeadingSign,
    Operator,
    Comparison,
  ],
  ...Object.values(reserved),
  ...Object.values(word),
];

// -------------------------------------------------------------------------------------------------------------- helpers

/** A fresh token; `end` is exclusive. */
export function makeToken(tokenType: TokenType, image: string, start: number, end: number): Token {
  return {
    tokenType,
    tokenTypeIdx: tokenType.tokenTypeIdx ?? 0,
    image,
    startOffset: start,
    endOffset: end - 1,
    firstOnLine: false,
    column: 0,
    partner: undefined,
    opens: undefined,
    startsStatement: false,
    pieces: undefined,
    string: undefined,
    synthetic: false,
  };
}

export function retype(token: Token, tokenType: TokenType): void {
  token.tokenType = tokenType;
  token.tokenTypeIdx = tokenType.tokenTypeIdx ?? 0;
}

/** Our own token; false for Chevrotain's end of file and its recording phase. */
export function isToken(token: IToken): token is Token {
  return 'startsStatement' in token;
}

export function isWord(token: Token): boolean {
  return (
    token.tokenType === Name || (token.tokenType.CATEGORIES ?? []).some((c) => c === Name || c === AnyWord)
  );
}

/** A name or a word that may serve as one. */
export function isName(token: Token): boolean {
  return token.tokenType === Name || (token.tokenType.CATEGORIES ?? []).includes(Name);
}

export function tokenSpan(file: SourceFile, token: Token): Span {
  return { file, start: token.startOffset, end: token.endOffset + 1 };
}
