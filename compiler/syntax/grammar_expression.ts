// The grammar of expressions and types, as Chevrotain rules that build the tree while they parse (grammar.md, "Grammar").
// LL(2) with gates that only look at what the pre-pass found out; no backtracking, no recovery: recover.ts takes a broken
// statement out and the item is parsed again. Operators are a flat list, folded by precedence (fold.ts).
// During Chevrotain's recording phase every rule runs once on dummies, so code that looks into results stands in ACTION.

import { EmbeddedActionsParser, type IToken, type ParserMethod } from 'chevrotain';
import { type Diagnostic, InternalError } from '../support/diagnostic.ts';
import type { SourceFile, Span } from '../support/span.ts';
import type * as ast from './ast.ts';
import type { SyntaxCode } from './codes.ts';
import { recordExpected } from './expected.ts';
import { type FlatPart, foldOperators } from './fold.ts';
import * as t from './tokens.ts';
import { isToken, reserved, vocabulary, word } from './tokens.ts';

const nowhere: SourceFile = { path: '', text: '' };

/** A list between brackets: its elements, and the commas that separate nothing. */
interface Listed {
  readonly elements: ast.Expression[];
  readonly comma: Span | undefined;
}

export abstract class ExpressionParser extends EmbeddedActionsParser {
  /** Of the slice being parsed; set by `start`. */
  protected file: SourceFile = nowhere;
  /** What the actions found wrong although it parsed. */
  protected problems: Diagnostic[] = [];
  /** Ranges with an open end that no index has claimed yet. */
  private openRanges = new Map<ast.Expression, Span>();
  /** Labelled terms that no equation has claimed yet. */
  protected labels = new Set<ast.LabelledExpression>();

  constructor(validate: boolean) {
    super(vocabulary, {
      maxLookahead: 2,
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

  private opens(what: 'lambda' | 'pattern', ahead = 1): boolean {
    const next = this.LA(ahead);
    return isToken(next) && next.opens === what;
  }

  private isLambda(): boolean {
    return this.LA(2).tokenType === t.Arrow || this.opens('lambda');
  }

  /** `, i in` or `, (i, j) in`: the comma goes on with the generators. */
  private isGenerator(): boolean {
    return this.LA(3).tokenType === reserved.in || this.opens('pattern', 2);
  }

  /** The comma here is followed by another element, not by the closing bracket. */
  protected goesOn(): boolean {
    const next = this.LA(2).tokenType;
    return next !== t.RParen && next !== t.RBracket && next !== t.RBrace;
  }

  /** `by` in `a[0.. by 2]` is the clause, not the end of the range. */
  private isStep(): boolean {
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
  private isLabel(): boolean {
    if (this.LA(2).tokenType !== t.Colon) return false;
    const term = this.LA(3);
    return isToken(term) && !term.firstOnLine;
  }

  private range(from: ast.Expression): ast.RangeExpression | undefined {
    return from.kind === 'range' ? from : undefined;
  }

  // --------------------------------------------------------------------------------------------------------- expressions

  abstract readonly block: ParserMethod<[], ast.BlockExpression>;

  readonly expression = this.RULE('expression', (): ast.Expression =>
    this.OR<ast.Expression>([
      { GATE: () => this.isLambda(), ALT: () => this.SUBRULE(this.lambda) },
      { ALT: () => this.SUBRULE(this.ifExpression) },
      { ALT: () => this.SUBRULE(this.withExpression) },
      { ALT: () => this.SUBRULE(this.forExpression) },
      { ALT: () => this.SUBRULE(this.flat) },
    ]),
  );

  readonly lambda = this.RULE('lambda', (): ast.LambdaExpression => {
    const first = this.LA(1);
    const params = this.OR([
      {
        ALT: () => {
          const name = this.CONSUME(t.Name);
          const span = this.spanOf(name);
          const param: ast.Param = { pattern: { kind: 'name-pattern', name: name.image, span }, span };
          return [param];
        },
      },
      { ALT: () => this.SUBRULE(this.params) },
    ]);
    this.CONSUME(t.Arrow);
    const body = this.SUBRULE(this.expression);
    return { kind: 'lambda', params, body, span: this.spanFrom(first) };
  });

  readonly ifExpression = this.RULE('ifExpression', (): ast.Expression => {
    const first = this.CONSUME(reserved.if);
    const condition = this.SUBRULE(this.expression);
    this.CONSUME(reserved.then);
    const yes = this.SUBRULE1(this.expression);
    this.CONSUME(reserved.else);
    const no = this.SUBRULE2(this.expression);
    return { kind: 'if', condition, then: yes, else: no, span: this.spanFrom(first) };
  });

  readonly withExpression = this.RULE('withExpression', (): ast.Expression => {
    const first = this.CONSUME(reserved.with);
    const isBinding = () => [t.Equals, t.Dot].includes(this.LA(2).tokenType);
    const clause = this.OR<ast.WithExpression['clause']>([
      {
        GATE: () => !isBinding(),
        ALT: () => {
          this.CONSUME(word.fresh);
          return { kind: 'fresh', value: this.SUBRULE(this.expression) };
        },
      },
      {
        GATE: () => !isBinding(),
        ALT: () => {
          this.CONSUME(word.precision);
          return { kind: 'precision', name: this.identifier(this.CONSUME(t.Name)) };
        },
      },
      {
        GATE: () => !isBinding(),
        ALT: () => {
          this.CONSUME(word.fixed);
          return { kind: 'fixed' };
        },
      },
      {
        ALT: () => {
          const bindings: ast.WithBinding[] = [];
          this.AT_LEAST_ONE_SEP({
            SEP: t.Comma,
            DEF: () => {
              const start = this.LA(1);
              const target = this.SUBRULE(this.path);
              this.CONSUME(t.Equals);
              const value = this.SUBRULE1(this.expression);
              bindings.push({ target, value, span: this.spanFrom(start) });
            },
          });
          return { kind: 'bindings', bindings };
        },
      },
    ]);
    const body = this.SUBRULE(this.block);
    return { kind: 'with', clause, body, span: this.spanFrom(first) };
  });

  readonly forExpression = this.RULE('forExpression', (): ast.Expression => {
    const first = this.CONSUME(reserved.for);
    const generators = this.SUBRULE(this.generators);
    const body = this.SUBRULE(this.block);
    return { kind: 'for-expression', generators, body, span: this.spanFrom(first) };
  });

  readonly generators = this.RULE('generators', (): ast.Generator[] => {
    const list = [this.SUBRULE(this.generator)];
    this.MANY({
      GATE: () => this.isGenerator(),
      DEF: () => {
        this.CONSUME(t.Comma);
        list.push(this.SUBRULE1(this.generator));
      },
    });
    return list;
  });

  readonly generator = this.RULE('generator', (): ast.Generator => {
    const first = this.LA(1);
    const pattern = this.SUBRULE(this.pattern);
    this.CONSUME(reserved.in);
    const source = this.SUBRULE(this.expression);
    return { pattern, source, span: this.spanFrom(first) };
  });

  readonly pattern = this.RULE('pattern', (): ast.Pattern => {
    const first = this.LA(1);
    return this.OR<ast.Pattern>([
      {
        ALT: () => {
          const name = this.CONSUME(t.Name);
          return { kind: 'name-pattern', name: name.image, span: this.spanOf(name) };
        },
      },
      {
        ALT: () => {
          const elements: ast.Pattern[] = [];
          this.CONSUME(t.LParen);
          this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => elements.push(this.SUBRULE(this.pattern)) });
          this.CONSUME(t.RParen);
          return { kind: 'tuple-pattern', elements, span: this.spanFrom(first) };
        },
      },
    ]);
  });

  /** Operands and operators side by side, then folded. */
  readonly flat = this.RULE('flat', (): ast.Expression => {
    const parts: FlatPart[] = [];
    this.SUBRULE(this.operand, { ARGS: [parts] });
    this.MANY(() => {
      this.OR([
        {
          ALT: () => {
            const operator = this.CONSUME(t.Infix);
            this.ACTION(() =>
              parts.push({ kind: 'infix', image: operator.image, span: this.spanOf(operator) }),
            );
            this.SUBRULE1(this.operand, { ARGS: [parts] });
          },
        },
        {
          ALT: () => {
            const dots = this.CONSUME(t.DotDot);
            const place = parts.length;
            this.OPTION({
              GATE: () => !this.isStep(),
              DEF: () => this.SUBRULE2(this.operand, { ARGS: [parts] }),
            });
            const open = parts.length === place;
            this.ACTION(() => parts.splice(place, 0, { kind: 'range', span: this.spanOf(dots), open }));
          },
        },
      ]);
    });
    return this.ACTION(() => this.folded(parts));
  });

  private folded(parts: readonly FlatPart[]): ast.Expression {
    const only = parts.length === 1 ? parts[0] : undefined;
    if (only?.kind === 'operand') return only.value;
    const fold = foldOperators(parts, (code, message, span, help) => this.problem(code, message, span, help));
    if (!fold) throw new InternalError('parse', 'an expression without operands');
    for (const labelled of fold.labelled) this.labels.add(labelled);
    if (fold.open) this.openRanges.set(fold.value, fold.value.span);
    return fold.value;
  }

  readonly operand = this.RULE('operand', (parts: FlatPart[]): void => {
    this.OPTION({
      GATE: () => this.isLabel(),
      DEF: () => {
        const label = this.CONSUME(t.Name);
        this.CONSUME(t.Colon);
        this.ACTION(() => parts.push({ kind: 'label', label: this.identifier(label) }));
      },
    });
    this.MANY(() => {
      const prefix = this.CONSUME(t.Prefix);
      this.ACTION(() => parts.push({ kind: 'prefix', image: prefix.image, span: this.spanOf(prefix) }));
    });
    const value = this.SUBRULE(this.postfix);
    this.ACTION(() => parts.push({ kind: 'operand', value }));
  });

  readonly postfix = this.RULE('postfix', (): ast.Expression => {
    const first = this.LA(1);
    let value = this.SUBRULE(this.primary);
    this.MANY({
      GATE: () => this.LA(1).tokenType === t.Dot || (this.onThisLine() && value.kind !== 'number'),
      DEF: () => {
        value = this.OR<ast.Expression>([
          {
            ALT: () => {
              const args = this.SUBRULE(this.args);
              return { kind: 'call', callee: value, args, span: this.spanFrom(first) };
            },
          },
          {
            ALT: () => {
              const entries = this.SUBRULE(this.index);
              return { kind: 'index', target: value, entries, span: this.spanFrom(first) };
            },
          },
          {
            ALT: () => {
              this.CONSUME(t.Dot);
              const name = this.identifier(this.CONSUME(t.AnyWord));
              return { kind: 'member', target: value, name, span: this.spanFrom(first) };
            },
          },
        ]);
      },
    });
    return value;
  });

  readonly primary = this.RULE('primary', (): ast.Expression =>
    this.OR<ast.Expression>([
      { ALT: () => this.number(this.CONSUME(t.Num)) },
      { ALT: () => this.string(this.CONSUME(t.Str)) },
      { ALT: () => ({ kind: 'boolean', value: true, span: this.spanOf(this.CONSUME(reserved.true)) }) },
      { ALT: () => ({ kind: 'boolean', value: false, span: this.spanOf(this.CONSUME(reserved.false)) }) },
      { ALT: () => this.SUBRULE(this.tuple) },
      { ALT: () => this.SUBRULE(this.list) },
      { GATE: () => this.LA(1).tokenType === t.LRecord, ALT: () => this.SUBRULE(this.record) },
      { ALT: () => this.SUBRULE(this.valueBlock) },
      {
        GATE: () => this.LA(2).tokenType === t.LBrace || this.LA(2).tokenType === t.LRecord,
        ALT: () => {
          const first = this.CONSUME(word.recompute);
          const body = this.SUBRULE(this.block);
          return { kind: 'recompute', body, span: this.spanFrom(first) };
        },
      },
      {
        ALT: () => {
          const name = this.CONSUME(t.Name);
          return { kind: 'name', name: name.image, span: this.spanOf(name) };
        },
      },
    ]),
  );

  private number(token: IToken): ast.NumberExpression {
    const imaginary = token.image.endsWith('i');
    const digits = imaginary ? token.image.slice(0, -1) : token.image;
    return {
      kind: 'number',
      value: Number(digits.replaceAll('_', '')),
      isInteger: /^[\d_]+$/.test(digits),
      imaginary,
      text: token.image,
      span: this.spanOf(token),
    };
  }

  /** Its holes were parsed before the item (parse.ts). */
  protected string(token: IToken): ast.StringExpression {
    if (isToken(token) && token.string) return token.string;
    return { kind: 'string', parts: [], span: this.spanOf(token) };
  }

  /** `{ … }` as a value. `{ a = 1 }` parses as a block of assignments and means a record. */
  readonly valueBlock = this.RULE('valueBlock', (): ast.Expression => {
    const block = this.SUBRULE(this.block);
    this.ACTION(() => {
      const [first] = block.statements;
      const named = first?.kind === 'assign' && first.op === '=' && first.target.kind === 'name';
      if (named && block.statements.every((s) => s.kind === 'assign')) {
        const help = `write \`{ ${first.target.name}: … }\`; a block that computes a value ends with \`return\``;
        this.problem('S035', 'a record is written with colons', first.span, help);
      }
    });
    return block;
  });

  /** `(e)`, `()`, `(a, b)`. */
  readonly tuple = this.RULE('tuple', (): ast.Expression => {
    const first = this.CONSUME(t.LParen);
    const listed = this.SUBRULE(this.elements);
    this.CONSUME(t.RParen);
    return this.ACTION(() => this.grouped(listed, this.spanFrom(first)));
  });

  private grouped({ elements, comma }: Listed, span: Span): ast.Expression {
    const [only] = elements;
    if (elements.length !== 1 || !only) return { kind: 'tuple', elements, span };
    if (comma)
      this.problem(
        'S068',
        'there is no tuple of one element',
        comma,
        'write `(a)` or `[a]`, or the missing element',
      );
    return { ...only, span };
  }

  /** `[a, b]`, `[f(i) for i in 0..n]`. */
  readonly list = this.RULE('list', (): ast.Expression => {
    const first = this.CONSUME(t.LBracket);
    const listed = this.SUBRULE(this.elements);
    let generators: ast.Generator[] | undefined;
    this.OPTION(() => {
      this.CONSUME(reserved.for);
      generators = this.SUBRULE(this.generators);
    });
    this.CONSUME(t.RBracket);
    return this.ACTION(() => this.listOrComprehension(listed, generators, this.spanFrom(first)));
  });

  private listOrComprehension(
    { elements }: Listed,
    generators: ast.Generator[] | undefined,
    span: Span,
  ): ast.Expression {
    const [body, extra] = elements;
    if (!generators || !body) return { kind: 'list', elements, span };
    if (extra) {
      const help = 'write a tuple, `[(a, b) for i in 0..n]`, or a list of lists';
      this.problem('S068', 'a comprehension has one element', extra.span, help);
    }
    return { kind: 'comprehension', body, generators, span };
  }

  /** Expressions with commas between them; one more comma may end them. */
  private readonly elements = this.RULE('elements', (): Listed => {
    const elements: ast.Expression[] = [];
    let comma: Span | undefined;
    this.OPTION(() => {
      elements.push(this.SUBRULE(this.expression));
      this.MANY({
        GATE: () => this.goesOn(),
        DEF: () => {
          this.CONSUME(t.Comma);
          elements.push(this.SUBRULE1(this.expression));
        },
      });
      this.OPTION1(() => (comma = this.spanOf(this.CONSUME1(t.Comma))));
    });
    return { elements, comma };
  });

  readonly record = this.RULE('record', (): ast.RecordExpression => {
    const first = this.CONSUME(t.LBrace);
    const entries: ast.RecordEntry[] = [];
    this.OPTION(() => {
      entries.push(this.SUBRULE(this.entry));
      this.MANY({
        GATE: () => this.goesOn(),
        DEF: () => {
          this.CONSUME(t.Comma);
          entries.push(this.SUBRULE1(this.entry));
        },
      });
      this.OPTION1(() => this.CONSUME1(t.Comma));
    });
    this.CONSUME(t.RBrace);
    return { kind: 'record', entries, span: this.spanFrom(first) };
  });

  private readonly entry = this.RULE('entry', (): ast.RecordEntry => {
    const first = this.LA(1);
    return this.OR<ast.RecordEntry>([
      {
        ALT: () => {
          this.CONSUME(t.Spread);
          const value = this.SUBRULE(this.expression);
          return { kind: 'spread', value, span: this.spanFrom(first) };
        },
      },
      {
        GATE: () => this.LA(2).tokenType === t.Colon,
        ALT: () => {
          const name = this.identifier(this.CONSUME(t.AnyWord));
          this.CONSUME(t.Colon);
          const value = this.SUBRULE1(this.expression);
          return { kind: 'entry', name, value, span: this.spanFrom(first) };
        },
      },
      {
        ALT: () => {
          const value = this.SUBRULE2(this.expression);
          return this.ACTION(() => this.bareEntry(value, this.spanFrom(first)));
        },
      },
    ]);
  });

  private bareEntry(value: ast.Expression, span: Span): ast.RecordEntry {
    if (value.kind === 'name')
      return { kind: 'entry', name: { name: value.name, span: value.span }, value, span };
    if (value.kind === 'member') return { kind: 'entry', name: value.name, value, span };
    this.problem(
      'S069',
      'this entry of a record has no name',
      span,
      'write `name: value`; only a name or a path may stand alone',
    );
    return { kind: 'entry', name: { name: '_', span }, value, span };
  }

  readonly args = this.RULE('args', (): ast.Argument[] => {
    const args: ast.Argument[] = [];
    this.CONSUME(t.LParen);
    this.OPTION(() => {
      args.push(this.SUBRULE(this.argument));
      this.MANY({
        GATE: () => this.goesOn(),
        DEF: () => {
          this.CONSUME(t.Comma);
          args.push(this.SUBRULE1(this.argument));
        },
      });
      this.OPTION1(() => this.CONSUME1(t.Comma));
    });
    this.CONSUME(t.RParen);
    return args;
  });

  readonly argument = this.RULE('argument', (): ast.Argument => {
    const first = this.LA(1);
    let name: ast.Identifier | undefined;
    let generators: ast.Generator[] | undefined;
    this.OPTION({
      GATE: () => this.LA(2).tokenType === t.Colon,
      DEF: () => {
        name = this.identifier(this.CONSUME(t.AnyWord));
        this.CONSUME(t.Colon);
      },
    });
    const value = this.SUBRULE(this.expression);
    this.OPTION1(() => {
      this.CONSUME(reserved.for);
      generators = this.SUBRULE(this.generators);
    });
    return {
      ...(name ? { name } : {}),
      value,
      ...(generators ? { generators } : {}),
      span: this.spanFrom(first),
    };
  });

  private readonly index = this.RULE('index', (): ast.IndexEntry[] => {
    const entries: ast.IndexEntry[] = [];
    this.CONSUME(t.LBracket);
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => entries.push(this.SUBRULE(this.indexEntry)) });
    this.CONSUME(t.RBracket);
    return entries;
  });

  private readonly indexEntry = this.RULE('indexEntry', (): ast.IndexEntry => {
    const first = this.LA(1);
    let from: ast.Expression | undefined;
    let to: ast.Expression | undefined;
    let by: ast.Expression | undefined;
    let outside: ast.OutsideMode | undefined;
    let slice = false;
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.DotDot);
          slice = true;
          this.OPTION({ GATE: () => !this.isStep(), DEF: () => (to = this.SUBRULE(this.expression)) });
        },
      },
      {
        ALT: () => {
          const value = this.SUBRULE1(this.expression);
          from = value;
          this.ACTION(() => {
            const range = this.range(value);
            if (!range) return;
            slice = true;
            from = range.from;
            to = this.openRanges.delete(value) ? undefined : range.to;
          });
        },
      },
    ]);
    this.OPTION1(() => {
      this.OR1([
        {
          ALT: () => {
            this.CONSUME(word.by);
            by = this.SUBRULE2(this.expression);
          },
        },
        {
          ALT: () => {
            this.CONSUME(word.wrap);
            outside = { kind: 'wrap' };
          },
        },
        {
          ALT: () => {
            this.CONSUME(word.clamp);
            outside = { kind: 'clamp' };
          },
        },
        {
          ALT: () => {
            this.CONSUME(reserved.else);
            outside = { kind: 'else', value: this.SUBRULE3(this.expression) };
          },
        },
      ]);
    });
    const span = this.spanFrom(first);
    const beyond = outside ? { outside } : {};
    if (!slice && from) {
      if (by) this.problem('S079', '`by` belongs to a range', by.span, 'write `a[0..n by 2]`');
      return { kind: 'at', value: from, ...beyond, span };
    }
    return {
      kind: 'slice',
      ...(from ? { from } : {}),
      ...(to ? { to } : {}),
      ...(by ? { by } : {}),
      ...beyond,
      span,
    };
  });

  // ------------------------------------------------------------------------------------------------- parameters and types

  readonly params = this.RULE('params', (): ast.Param[] => {
    const params: ast.Param[] = [];
    this.CONSUME(t.LParen);
    this.OPTION(() => {
      params.push(this.SUBRULE(this.param));
      this.MANY({
        GATE: () => this.goesOn(),
        DEF: () => {
          this.CONSUME(t.Comma);
          params.push(this.SUBRULE1(this.param));
        },
      });
      this.OPTION1(() => this.CONSUME1(t.Comma));
    });
    this.CONSUME(t.RParen);
    return params;
  });

  private readonly param = this.RULE('parameter', (): ast.Param => {
    const first = this.LA(1);
    const pattern = this.SUBRULE(this.pattern);
    let type: ast.TypeExpression | undefined;
    let preset: ast.Expression | undefined;
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      type = this.SUBRULE(this.type);
    });
    this.OPTION1(() => {
      this.CONSUME(t.Equals);
      preset = this.SUBRULE(this.expression);
    });
    return {
      pattern,
      ...(type ? { type } : {}),
      ...(preset ? { default: preset } : {}),
      span: this.spanFrom(first),
    };
  });

  readonly type: ParserMethod<[], ast.TypeExpression> = this.RULE(
    'typeExpression',
    (): ast.TypeExpression => {
      const first = this.LA(1);
      const core = this.SUBRULE(this.typeCore);
      let type = core;
      this.OPTION({
        GATE: () => this.onThisLine(),
        DEF: () => {
          const shape: ast.Expression[] = [];
          this.CONSUME(t.LBracket);
          this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => shape.push(this.SUBRULE(this.expression)) });
          this.CONSUME(t.RBracket);
          type = { kind: 'array-type', element: core, shape, span: this.spanFrom(first) };
        },
      });
      let on: ast.Place | undefined;
      let at: ast.Identifier | undefined;
      this.OPTION1({
        GATE: () => this.onThisLine(),
        DEF: () => {
          this.CONSUME(word.on);
          on = this.SUBRULE(this.place);
        },
      });
      this.OPTION2({
        GATE: () => this.onThisLine(),
        DEF: () => {
          this.CONSUME(word.at);
          at = this.identifier(this.CONSUME(t.Name));
        },
      });
      if (!on && !at) return type;
      return {
        kind: 'located-type',
        type,
        ...(on ? { on } : {}),
        ...(at ? { at } : {}),
        span: this.spanFrom(first),
      };
    },
  );

  private readonly typeCore: ParserMethod<[], ast.TypeExpression> = this.RULE(
    'typeCore',
    (): ast.TypeExpression => {
      const first = this.LA(1);
      const compound = () => {
        const next = this.LA(2);
        return (
          isToken(next) && !next.firstOnLine && t.isName(next) && next.image !== 'on' && next.image !== 'at'
        );
      };
      return this.OR<ast.TypeExpression>([
        {
          GATE: compound,
          ALT: () => {
            this.CONSUME(word.complex);
            const name = this.identifier(this.CONSUME(t.Name));
            return { kind: 'named-type', name, complex: true, span: this.spanFrom(first) };
          },
        },
        {
          ALT: () => {
            const name = this.identifier(this.CONSUME1(t.Name));
            return { kind: 'named-type', name, complex: false, span: name.span };
          },
        },
        { ALT: () => this.SUBRULE(this.recordType) },
        {
          ALT: () => {
            const elements: ast.TypeExpression[] = [];
            let result: ast.TypeExpression | undefined;
            this.CONSUME(t.LParen);
            this.MANY_SEP({ SEP: t.Comma, DEF: () => elements.push(this.SUBRULE(this.type)) });
            this.CONSUME(t.RParen);
            this.OPTION(() => {
              this.CONSUME(t.ThinArrow);
              result = this.SUBRULE1(this.type);
            });
            const span = this.spanFrom(first);
            if (result) return { kind: 'function-type', params: elements, result, span };
            const [only] = elements;
            return elements.length === 1 && only ? only : { kind: 'tuple-type', elements, span };
          },
        },
      ]);
    },
  );

  private readonly recordType = this.RULE('recordType', (): ast.TypeExpression => {
    const first = this.CONSUME(t.LBrace);
    const fields: ast.RecordType['fields'][number][] = [];
    const field = (at: IToken, name: IToken, type: ast.TypeExpression) => {
      fields.push({ name: this.identifier(name), type, span: this.spanFrom(at) });
    };
    this.AT_LEAST_ONE_SEP({
      SEP: t.Comma,
      DEF: () => {
        const at = this.LA(1);
        const name = this.CONSUME(t.AnyWord);
        this.CONSUME(t.Colon);
        field(at, name, this.SUBRULE(this.type));
      },
    });
    this.CONSUME(t.RBrace);
    return { kind: 'record-type', fields, span: this.spanFrom(first) };
  });

  readonly place = this.RULE('place', (): ast.Place => {
    const name = this.CONSUME(t.Name);
    let args: ast.Argument[] | undefined;
    this.OPTION({ GATE: () => this.onThisLine(), DEF: () => (args = this.SUBRULE(this.args)) });
    return { name: this.identifier(name), ...(args ? { args } : {}), span: this.spanFrom(name) };
  });

  readonly path = this.RULE('path', (): ast.Path => {
    const first = this.CONSUME(t.Name);
    const parts = [this.identifier(first)];
    this.MANY(() => {
      this.CONSUME(t.Dot);
      parts.push(this.identifier(this.CONSUME(t.AnyWord)));
    });
    return { parts, span: this.spanFrom(first) };
  });

  /** A hole of a string: `{e}`, `{e, digits: 3}`. */
  readonly hole = this.RULE('hole', (): { value: ast.Expression; options: ast.Argument[] } => {
    const value = this.SUBRULE(this.expression);
    const options: ast.Argument[] = [];
    this.MANY(() => {
      this.CONSUME(t.Comma);
      const name = this.CONSUME(t.AnyWord);
      this.CONSUME(t.Colon);
      const option = this.SUBRULE1(this.expression);
      options.push({ name: this.identifier(name), value: option, span: this.spanFrom(name) });
    });
    return { value, options };
  });
}
