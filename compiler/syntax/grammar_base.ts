// What all rules of the grammar share: the state of one parse, spans from tokens, and the gates, which look only at what the
// pre-pass found out about the next tokens.
// During Chevrotain's recording phase every rule runs once on dummies, so code that looks into results stands in ACTION.

import { EmbeddedActionsParser, type IToken } from 'chevrotain';
import type { Diagnostic } from '../support/diagnostic.ts';
import type { SourceFile, Span } from '../support/span.ts';
import type * as ast from './ast.ts';
import type { SyntaxCode } from './codes.ts';
import { recordExpected } from './expected.ts';
import { LateLookahead } from './lookahead.ts';
import * as t from './tokens.ts';
import { isToken, reserved, vocabulary, word } from './tokens.ts';

const nowhere: SourceFile = { path: '', text: '' };

export abstract class GrammarBase extends EmbeddedActionsParser {
  /** Of the slice being parsed; set by `start`. */
  protected file: SourceFile = nowhere;
  /** What the actions found wrong although it parsed. */
  protected problems: Diagnostic[] = [];
  /** Ranges with an open end that no index has claimed yet. */
  protected openRanges = new Map<ast.Expression, Span>();
  /** Labelled terms that no equation has claimed yet. */
  protected labels = new Set<ast.LabelledExpression>();

  constructor(validate: boolean) {
    super(vocabulary, {
      // one token and the gates decide everywhere; more would only lengthen the grammar's analysis
      maxLookahead: 1,
      lookaheadStrategy: new LateLookahead({ maxLookahead: 1 }),
      recoveryEnabled: false,
      skipValidations: !validate,
      errorMessageProvider: recordExpected,
    });
  }

  /** Makes the parser ready for a list of tokens. */
  protected start(file: SourceFile, tokens: t.Token[]): void {
    this.input = tokens;
    this.file = file;
    this.problems = [];
    this.openRanges = new Map();
    this.labels = new Set();
  }

  /** What the actions found wrong in the last list of tokens. */
  protected found(): Diagnostic[] {
    for (const span of this.openRanges.values()) {
      this.problem(
        'S065',
        'an open range stands only in an index',
        span,
        'write the end: `0..n`; an unbounded interval ends at `inf`',
      );
    }
    let bracketed = 0;
    for (const labelled of this.labels) {
      const { name, span } = labelled.label;
      const inBrackets = /[([,]\s*$/.test(this.file.text.slice(0, span.start));
      // the names of one list of arguments are one mistake
      if (inBrackets) bracketed += 1;
      if (bracketed > 1) continue;
      const help = inBrackets
        ? `a named argument stands in a call, \`f(${name}: …)\`; a record has braces, \`{ ${name}: … }\``
        : 'a label names one term of an equation of a model: `dt(T) = diffusion: div(k*grad(T)) + source: q`';
      this.problem('S073', `the label \`${name}:\` cannot stand here`, span, help);
    }
    return this.problems;
  }

  protected problem(code: SyntaxCode, message: string, span: Span, help?: string): void {
    this.problems.push({ severity: 'error', code, message, span, ...(help === undefined ? {} : { help }) });
  }

  /** Where names are only declared: reports a `var`. */
  protected refuseVar(statement: ast.LetStatement, where: string): void {
    if (statement.binding !== 'var') return;
    const help = 'it belongs in a function, a test or a run; here write `let`';
    this.problem('S076', `\`var\` cannot stand ${where}`, statement.span, help);
  }

  // ------------------------------------------------------------------------------------------------------------ helpers

  protected spanOf(token: IToken): Span {
    return { file: this.file, start: token.startOffset, end: (token.endOffset ?? token.startOffset) + 1 };
  }

  /** From a token to the last one consumed. */
  protected spanFrom(first: IToken): Span {
    const end = this.LA(0).endOffset ?? first.endOffset ?? first.startOffset;
    return { file: this.file, start: first.startOffset, end: end + 1 };
  }

  protected identifier(token: IToken): ast.Identifier {
    return { name: token.image, span: this.spanOf(token) };
  }

  /** The next token stands on the line of the one before. */
  protected onThisLine(): boolean {
    const next = this.LA(1);
    return isToken(next) && !next.firstOnLine;
  }

  protected opens(what: 'lambda' | 'pattern', ahead = 1): boolean {
    const next = this.LA(ahead);
    return isToken(next) && next.opens === what;
  }

  protected isLambda(): boolean {
    return this.LA(2).tokenType === t.Arrow || this.opens('lambda');
  }

  /** `, i in` or `, (i, j) in`: the comma goes on with the generators. */
  protected isGenerator(): boolean {
    return this.LA(3).tokenType === reserved.in || this.opens('pattern', 2);
  }

  /** The comma here is followed by another element, not by the closing bracket. */
  protected goesOn(): boolean {
    const next = this.LA(2).tokenType;
    return next !== t.RParen && next !== t.RBracket && next !== t.RBrace;
  }

  /** `by` in `a[0.. by 2]` is the clause, not the end of the range. */
  protected isStep(): boolean {
    if (this.LA(1).tokenType !== word.by) return false;
    const next = this.LA(2).tokenType;
    return !(
      next === t.RBracket ||
      next === t.Comma ||
      next === t.Operator ||
      next === t.Dot ||
      next === t.RParen
    );
  }

  /** `source: q`; not the name before a colon at the end of a line. */
  protected isLabel(): boolean {
    if (this.LA(2).tokenType !== t.Colon) return false;
    const term = this.LA(3);
    return isToken(term) && !term.firstOnLine;
  }
}
