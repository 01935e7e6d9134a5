// The surroundings of a syntax error, as the explanations ask for them: the token that could not be, the one before it, the
// statement around it, the rule that failed and what it expected. Positions are taken from the token list, never from Chevrotain
// (its end of file has none, its previous token may be a skipped one).

import type { Diagnostic } from '../support/diagnostic.ts';
import type { SourceFile, Span } from '../support/span.ts';
import { isCloser } from './brackets.ts';
import type { SyntaxCode } from './codes.ts';
import type { Failure } from './failure.ts';
import type { Site } from './recover.ts';
import * as t from './tokens.ts';
import { type Token, tokenSpan } from './tokens.ts';

export interface Explanation {
  readonly diagnostic: Diagnostic;
  /** The lines behind the statement that are indented deeper belong to it and are not parsed. */
  readonly indented: boolean;
}

/** What kind of list of statements the error is in. */
export type Surroundings =
  | 'file'
  | 'function'
  | 'run'
  | 'model'
  | 'boundary'
  | 'layer'
  | 'domain'
  | 'options'
  | 'goals'
  | 'constraints';

const surroundings: ReadonlyMap<string, Surroundings> = new Map([
  ['items', 'file'],
  ['block', 'function'],
  ['runBlock', 'run'],
  ['modelItem', 'model'],
  ['boundaryClause', 'boundary'],
  ['layerItem', 'layer'],
  ['axes', 'domain'],
  ['minimizeOption', 'options'],
  ['playStatement', 'goals'],
]);

export class Scene {
  readonly rules: readonly string[];
  /** Innermost rule. */
  readonly rule: string;
  readonly expected: ReadonlySet<string>;

  constructor(
    readonly file: SourceFile,
    readonly tokens: readonly Token[],
    readonly site: Site,
    failure: Failure,
  ) {
    this.rules = failure.rules;
    this.rule = this.rules[this.rules.length - 1] ?? '';
    this.expected = failure.expected;
  }

  /** The token `offset` places from the one that could not be. */
  near(offset: number): Token | undefined {
    return this.tokens[this.site.index + offset];
  }

  get found(): Token | undefined {
    return this.near(0);
  }

  get before(): Token | undefined {
    return this.near(-1);
  }

  /** First token of the broken statement, and those behind it. */
  first(offset = 0): Token | undefined {
    const place = this.site.start + offset;
    return place < this.site.end || place <= this.site.index ? this.tokens[place] : undefined;
  }

  /** The tokens of the statement. */
  statement(): readonly Token[] {
    return this.tokens.slice(this.site.start, this.site.end);
  }

  /** Image of the first token when it is a word. */
  get word(): string {
    const first = this.first();
    return first && t.isWord(first) ? first.image : '';
  }

  within(...rules: readonly string[]): boolean {
    return rules.includes(this.rule);
  }

  isExpecting(name: string): boolean {
    return this.expected.has(name);
  }

  surroundings(): Surroundings {
    const rule = this.rules.findLast((name) => surroundings.has(name));
    const found = surroundings.get(rule ?? '') ?? 'file';
    if (
      found === 'run' &&
      this.rules.includes('method') &&
      this.rules.lastIndexOf('method') > this.rules.lastIndexOf('runBlock')
    ) {
      return this.insideBraces() ? 'options' : 'run';
    }
    return found;
  }

  private insideBraces(): boolean {
    const open = this.tokens[this.site.block];
    const before = this.tokens.slice(0, this.site.block).findLast((token) => token.startsStatement);
    return open !== undefined && ['minimize', 'maximize', 'play'].includes(before?.image ?? '');
  }

  /** The statement is over at the token that was found: a new line, a closing bracket, `;` or the end. */
  atEnd(): boolean {
    const { found } = this;
    return !found || found.startsStatement || found.tokenType === t.Semicolon || isCloser(found);
  }

  /** The found token stands on the line of the one before. */
  sameLine(): boolean {
    return this.found !== undefined && !this.found.firstOnLine;
  }

  spanOf(token: Token): Span {
    return tokenSpan(this.file, token);
  }

  /** Just behind a token. */
  behind(token: Token): Span {
    const start = token.endOffset + 1;
    return { file: this.file, start, end: Math.min(start + 1, this.file.text.length) };
  }

  /** The found token; behind the last one at the end. */
  here(): Span {
    if (this.found && !this.found.synthetic) return this.spanOf(this.found);
    return this.before ? this.behind(this.before) : { file: this.file, start: 0, end: 0 };
  }

  /** Behind what was read last, when the next token only begins something else. */
  open(): Span {
    return this.before && this.atEnd() ? this.behind(this.before) : this.here();
  }
}

export function isOperandEnd(token: Token | undefined): boolean {
  if (!token) return false;
  const { tokenType: type, image } = token;
  if (type === t.Num || type === t.Str || isCloser(token)) return true;
  if (image === 'true' || image === 'false') return true;
  return t.isName(token);
}

export function beginsOperand(token: Token | undefined): boolean {
  if (!token) return false;
  const { tokenType: type, image } = token;
  if (type === t.Num || type === t.Str || type === t.LParen || type === t.LBracket) return true;
  if (type === t.LBrace || type === t.LRecord) return true;
  if (image === 'true' || image === 'false' || image === 'not') return true;
  return t.isName(token);
}

/** A token as it is quoted in a message. */
export function quote(token: Token): string {
  const text = token.image.length > 24 ? `${token.image.slice(0, 21)}…` : token.image;
  return `\`${text.replaceAll('\n', ' ')}\``;
}

export function explanation(
  code: SyntaxCode,
  message: string,
  span: Span,
  help?: string,
  indented = false,
): Explanation {
  const diagnostic: Diagnostic = {
    severity: 'error',
    code,
    message,
    span,
    ...(help === undefined ? {} : { help }),
  };
  return { diagnostic, indented };
}

/** An explanation, or undefined when it is not about this error. */
export type Explain = (scene: Scene) => Explanation | undefined;
