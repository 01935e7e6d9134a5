// The grammar of expressions, as Chevrotain rules that build the tree while they parse (grammar.md, "Grammar").
// LL(1) with gates that only look at the next tokens and what the pre-pass found out; no backtracking, no recovery: recover.ts takes a broken
// statement out and the item is parsed again. Operators are a flat list, folded by precedence (fold.ts).

import type { IToken, ParserMethod } from 'chevrotain';
import { InternalError } from '../support/diagnostic.ts';
import type { Span } from '../support/span.ts';
import type * as ast from './ast.ts';
import { type FlatPart, foldOperators } from './fold.ts';
import { TypeParser } from './grammar_type.ts';
import * as t from './tokens.ts';
import { isToken, reserved, word } from './tokens.ts';

/** A list between brackets: its elements, and the comma that ends it. */
interface Listed {
  readonly elements: ast.Expression[];
  readonly comma: Span | undefined;
}

export abstract class ExpressionParser extends TypeParser {
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
              const target = this.SUBRULE(this.postfix);
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
            if (value.kind !== 'range') return;
            slice = true;
            from = value.from;
            to = this.openRanges.delete(value) ? undefined : value.to;
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
