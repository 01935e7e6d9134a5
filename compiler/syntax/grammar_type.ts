// The grammar of patterns, parameters, places and types (grammar.md: pattern, params, type, place, path).

import type { IToken, ParserMethod } from 'chevrotain';
import type * as ast from './ast.ts';
import { GrammarBase } from './grammar_base.ts';
import * as t from './tokens.ts';
import { isToken, word } from './tokens.ts';

export abstract class TypeParser extends GrammarBase {
  abstract readonly expression: ParserMethod<[], ast.Expression>;
  abstract readonly args: ParserMethod<[], ast.Argument[]>;

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
}
