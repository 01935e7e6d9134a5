// The grammar of items and models, and the parser itself (grammar.md: item, axis, modelStmt, equation).
// One parser serves all slices, one after the other: it is made once and kept by its maker (parse.ts).

import type { IRecognitionException, ParserMethod } from 'chevrotain';
import type { Diagnostic } from '../support/diagnostic.ts';
import type { SourceFile } from '../support/span.ts';
import type * as ast from './ast.ts';
import { StatementParser } from './grammar_statement.ts';
import * as t from './tokens.ts';
import { reserved, type Token, word } from './tokens.ts';

/** What came of a list of tokens: the first syntax error ends the parse; `problems` are what the actions found. */
export interface Parsed<T> {
  readonly value: T | undefined;
  readonly error: IRecognitionException | undefined;
  readonly problems: readonly Diagnostic[];
  /** The stack was exhausted by nesting. */
  readonly tooDeep: boolean;
}

const declarationKinds: ReadonlyMap<string, ast.DeclarationKind> = new Map(
  (['const', 'input', 'data', 'param', 'state', 'network', 'optimizer'] as const).map((kind) => [kind, kind]),
);

export class FlowParser extends StatementParser {
  constructor(validate = false) {
    super(validate);
    this.performSelfAnalysis();
  }

  /** Parses the tokens of a slice: items one after the other. */
  parseItems(file: SourceFile, tokens: Token[]): Parsed<ast.Item[]> {
    return this.attempt(file, tokens, () => this.items());
  }

  /** Parses the tokens of a hole of a string. */
  parseHole(file: SourceFile, tokens: Token[]): Parsed<{ value: ast.Expression; options: ast.Argument[] }> {
    return this.attempt(file, tokens, () => this.hole());
  }

  private attempt<T>(file: SourceFile, tokens: Token[], parse: () => T): Parsed<T> {
    this.start(file, tokens);
    try {
      const value = parse();
      const [error] = this.errors;
      return { value: error ? undefined : value, error, problems: this.found(), tooDeep: false };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { value: undefined, error: undefined, problems: this.found(), tooDeep: true };
    }
  }

  // -------------------------------------------------------------------------------------------------------------- items

  private readonly items = this.RULE('items', (): ast.Item[] => {
    const items: ast.Item[] = [];
    this.MANY(() => this.CONSUME(t.Semicolon));
    this.MANY1(() => {
      items.push(this.SUBRULE(this.item));
      this.SUBRULE(this.end);
    });
    return items;
  });

  private readonly item = this.RULE('item', (): ast.Item =>
    this.OR<ast.Item>([
      { ALT: () => this.SUBRULE(this.useItem) },
      { ALT: () => this.SUBRULE(this.declarationItem) },
      { ALT: () => this.SUBRULE(this.domainItem) },
      { ALT: () => this.SUBRULE(this.regionItem) },
      { ALT: () => this.SUBRULE(this.fieldItem) },
      { ALT: () => this.SUBRULE(this.typeItem) },
      { ALT: () => this.SUBRULE(this.precisionItem) },
      { ALT: () => this.SUBRULE(this.fnItem) },
      { ALT: () => this.SUBRULE(this.layerItem) },
      { ALT: () => this.SUBRULE(this.modelItem) },
      { ALT: () => this.SUBRULE(this.letItem) },
      { ALT: () => this.SUBRULE(this.lossItem) },
      { ALT: () => this.SUBRULE(this.testItem) },
      { ALT: () => this.SUBRULE(this.runItem) },
    ]),
  );

  private readonly useItem = this.RULE('useItem', (): ast.Item => {
    const first = this.CONSUME(reserved.use);
    const source = this.OR<ast.UseItem['source']>([
      {
        ALT: () => {
          const path = this.stringToken();
          return { kind: 'file', path, span: path.span };
        },
      },
      { ALT: () => ({ kind: 'module', ...this.SUBRULE(this.path) }) },
    ]);
    const names: ast.UsedName[] = [];
    this.CONSUME(t.LBrace);
    this.OPTION(() => {
      names.push(this.SUBRULE(this.usedName));
      this.MANY({
        GATE: () => this.goesOn(),
        DEF: () => {
          this.CONSUME(t.Comma);
          names.push(this.SUBRULE1(this.usedName));
        },
      });
      this.OPTION1(() => this.CONSUME1(t.Comma));
    });
    this.CONSUME(t.RBrace);
    return { kind: 'use', source, names, span: this.spanFrom(first) };
  });

  private readonly usedName = this.RULE('usedName', (): ast.UsedName => {
    const first = this.CONSUME(t.Name);
    let as: ast.Identifier | undefined;
    this.OPTION(() => {
      this.CONSUME(word.as);
      as = this.identifier(this.CONSUME1(t.Name));
    });
    return { name: this.identifier(first), ...(as ? { as } : {}), span: this.spanFrom(first) };
  });

  private readonly declarationItem = this.RULE('declarationItem', (): ast.DeclarationItem => {
    const first = this.OR([
      { ALT: () => this.CONSUME(reserved.const) },
      { ALT: () => this.CONSUME(word.input) },
      { ALT: () => this.CONSUME(word.data) },
      { ALT: () => this.CONSUME(word.param) },
      { ALT: () => this.CONSUME(word.state) },
      { ALT: () => this.CONSUME(word.network) },
      { ALT: () => this.CONSUME(word.optimizer) },
    ]);
    const what = declarationKinds.get(first.image) ?? 'const';
    const name = this.identifier(this.CONSUME(t.Name));
    let type: ast.TypeExpression | undefined;
    let bounds: ast.DeclarationItem['bounds'];
    let from: ast.Expression | undefined;
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      type = this.SUBRULE(this.type);
    });
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.expression);
    this.OPTION1(() => {
      const kind = this.OR1([
        { ALT: () => this.CONSUME(reserved.in) },
        { ALT: () => this.CONSUME(word.via) },
      ]);
      bounds = { kind: kind.image === 'via' ? 'via' : 'in', value: this.SUBRULE1(this.expression) };
      if (what !== 'param') {
        const help = `write \`param ${name.name} = …\` if it is to be trained`;
        this.problem('S077', `only a \`param\` has bounds, not a \`${what}\``, this.spanOf(kind), help);
      }
    });
    this.OPTION2(() => {
      this.CONSUME(word.from);
      from = this.SUBRULE2(this.expression);
    });
    return {
      kind: 'declaration',
      what,
      name,
      ...(type ? { type } : {}),
      value,
      ...(bounds ? { bounds } : {}),
      ...(from ? { from } : {}),
      span: this.spanFrom(first),
    };
  });

  private readonly domainItem = this.RULE('domainItem', (): ast.Item => {
    const first = this.CONSUME(word.domain);
    const name = this.identifier(this.CONSUME(t.Name));
    let params: ast.Param[] = [];
    this.OPTION(() => (params = this.SUBRULE(this.params)));
    const body = this.OR<ast.DomainItem['body']>([
      {
        ALT: () => {
          this.CONSUME(t.Equals);
          return { kind: 'alias', value: this.SUBRULE(this.expression) };
        },
      },
      { ALT: () => this.SUBRULE(this.axes) },
    ]);
    return { kind: 'domain', name, params, body, span: this.spanFrom(first) };
  });

  private readonly axes = this.RULE('axes', (): ast.DomainItem['body'] => {
    const axes: ast.Axis[] = [];
    let scale: ast.Expression | undefined;
    this.CONSUME(t.LBrace);
    this.MANY(() => this.CONSUME(t.Semicolon));
    this.MANY1(() => {
      this.OR([
        {
          GATE: () => this.LA(2).tokenType !== t.Colon && this.LA(2).tokenType !== t.LBracket,
          ALT: () => {
            const again = this.CONSUME(word.scale);
            const value = this.SUBRULE(this.expression);
            if (scale)
              this.problem(
                'S078',
                '`scale` is given twice',
                this.spanOf(again),
                'one entry for each axis: `scale (1, r)`',
              );
            scale = value;
          },
        },
        { ALT: () => axes.push(this.SUBRULE(this.axis)) },
      ]);
      this.SUBRULE(this.end);
    });
    this.CONSUME(t.RBrace);
    return { kind: 'axes', axes, ...(scale ? { scale } : {}) };
  });

  private readonly axis = this.RULE('axis', (): ast.Axis => {
    const first = this.CONSUME(t.Name);
    let components: ast.Expression | undefined;
    let points: ast.Axis['points'];
    let mapped: ast.LambdaExpression | undefined;
    let periodic = false;
    this.OPTION(() => {
      this.CONSUME(t.LBracket);
      components = this.SUBRULE(this.expression);
      this.CONSUME(t.RBracket);
    });
    this.CONSUME(t.Colon);
    const interval = this.SUBRULE1(this.expression);
    this.OPTION1({
      GATE: () => this.onThisLine(),
      DEF: () => {
        const rule = this.OR<'cells' | 'nodes' | 'chebyshev'>([
          { ALT: () => (this.CONSUME(word.cells), 'cells') },
          { ALT: () => (this.CONSUME(word.nodes), 'nodes') },
          { ALT: () => (this.CONSUME(word.chebyshev), 'chebyshev') },
        ]);
        points = { rule, count: this.SUBRULE2(this.expression) };
      },
    });
    this.OPTION2({
      GATE: () => this.onThisLine(),
      DEF: () => {
        this.CONSUME(word.mapped);
        mapped = this.SUBRULE(this.lambda);
      },
    });
    this.OPTION3({
      GATE: () => this.onThisLine(),
      DEF: () => {
        this.CONSUME(word.periodic);
        periodic = true;
      },
    });
    return {
      name: this.identifier(first),
      ...(components ? { components } : {}),
      interval,
      ...(points ? { points } : {}),
      ...(mapped ? { mapped } : {}),
      periodic,
      span: this.spanFrom(first),
    };
  });

  private readonly regionItem = this.RULE('regionItem', (): ast.Item => {
    const first = this.CONSUME(word.region);
    const name = this.identifier(this.CONSUME(t.Name));
    this.CONSUME(word.on);
    const on = this.identifier(this.CONSUME1(t.Name));
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.expression);
    return { kind: 'region', name, on, value, span: this.spanFrom(first) };
  });

  private readonly typeItem = this.RULE('typeItem', (): ast.Item => {
    const first = this.CONSUME(word.type);
    const name = this.identifier(this.CONSUME(t.Name));
    this.CONSUME(t.Equals);
    const type = this.SUBRULE(this.type);
    return { kind: 'type-alias', name, type, span: this.spanFrom(first) };
  });

  private readonly precisionItem = this.RULE('precisionItem', (): ast.Item => {
    const first = this.CONSUME(word.precision);
    const name = this.identifier(this.CONSUME(t.Name));
    return { kind: 'precision', name, span: this.spanFrom(first) };
  });

  private readonly fnItem = this.RULE('fnItem', (): ast.Item => {
    const first = this.CONSUME(reserved.fn);
    const name = this.identifier(this.CONSUME(t.Name));
    const params = this.SUBRULE(this.params);
    let result: ast.TypeExpression | undefined;
    const rules: { derivative?: ast.LambdaExpression; tangent?: ast.LambdaExpression } = {};
    this.OPTION(() => {
      this.CONSUME(t.ThinArrow);
      result = this.SUBRULE(this.type);
    });
    const body = this.SUBRULE(this.definition);
    this.MANY(() => {
      const rule = this.OR([
        { ALT: () => this.CONSUME(word.derivative) },
        { ALT: () => this.CONSUME(word.tangent) },
      ]);
      const which = rule.image === 'tangent' ? 'tangent' : 'derivative';
      if (rules[which]) this.problem('S078', `\`${which}\` is given twice`, this.spanOf(rule));
      rules[which] = this.SUBRULE(this.lambda);
    });
    return {
      kind: 'fn',
      name,
      params,
      ...(result ? { result } : {}),
      body,
      ...rules,
      span: this.spanFrom(first),
    };
  });

  private readonly layerItem = this.RULE('layerItem', (): ast.Item => {
    const first = this.CONSUME(word.layer);
    const name = this.identifier(this.CONSUME(t.Name));
    const params = this.SUBRULE(this.params);
    const members: ast.LayerMember[] = [];
    this.CONSUME(t.LBrace);
    this.MANY(() => this.CONSUME(t.Semicolon));
    this.MANY1(() => {
      members.push(this.SUBRULE(this.layerMember));
      this.SUBRULE(this.end);
    });
    this.CONSUME(t.RBrace);
    return { kind: 'layer', name, params, members, span: this.spanFrom(first) };
  });

  private readonly layerMember = this.RULE('layerMember', (): ast.LayerMember => {
    const first = this.LA(1);
    return this.OR<ast.LayerMember>([
      {
        ALT: () => {
          const statement = this.SUBRULE(this.letStatement);
          this.ACTION(() => this.refuseVar(statement, 'in a layer'));
          return statement;
        },
      },
      {
        ALT: () => {
          this.CONSUME(word.call);
          const params = this.SUBRULE(this.params);
          const body = this.SUBRULE(this.definition);
          return { kind: 'call-member', params, body, span: this.spanFrom(first) };
        },
      },
      { ALT: () => this.SUBRULE(this.declarationItem) },
    ]);
  });

  private readonly letItem = this.RULE('letItem', (): ast.Item => {
    const item = this.SUBRULE(this.letStatement);
    this.ACTION(() => this.refuseVar(item, 'at the top of a file'));
    return item;
  });

  private readonly lossItem = this.RULE('lossItem', (): ast.Item => {
    const first = this.CONSUME(word.loss);
    const name = this.identifier(this.CONSUME(t.Name));
    let generators: ast.Generator[] | undefined;
    this.OPTION(() => {
      this.CONSUME(t.LParen);
      generators = this.SUBRULE(this.generators);
      this.CONSUME(t.RParen);
    });
    const body = this.SUBRULE(this.definition);
    return { kind: 'loss', name, ...(generators ? { generators } : {}), body, span: this.spanFrom(first) };
  });

  private readonly testItem = this.RULE('testItem', (): ast.Item => {
    const first = this.CONSUME(word.test);
    const name = this.stringToken();
    const body = this.SUBRULE(this.block);
    return { kind: 'test', name, body, span: this.spanFrom(first) };
  });

  private readonly runItem = this.RULE('runItem', (): ast.Item => {
    const first = this.CONSUME(word.run);
    let name: ast.Identifier | undefined;
    this.OPTION(() => (name = this.identifier(this.CONSUME(t.Name))));
    const body = this.SUBRULE(this.runBlock);
    return { kind: 'run', ...(name ? { name } : {}), body, span: this.spanFrom(first) };
  });

  // ------------------------------------------------------------------------------------------------------------- models

  private readonly modelItem = this.RULE('modelItem', (): ast.Item => {
    const first = this.OR([
      { ALT: () => this.CONSUME(word.pde) },
      { ALT: () => this.CONSUME(word.ode) },
      { ALT: () => this.CONSUME(word.sde) },
    ]);
    const what = first.image === 'ode' ? 'ode' : first.image === 'sde' ? 'sde' : 'pde';
    const name = this.identifier(this.CONSUME(t.Name));
    let params: ast.Param[] = [];
    let on: ast.Place | undefined;
    this.OPTION(() => (params = this.SUBRULE(this.params)));
    this.OPTION1(() => {
      this.CONSUME(word.on);
      on = this.SUBRULE(this.place);
    });
    const clauses: ast.ModelClause[] = [];
    this.CONSUME(t.LBrace);
    this.MANY(() => this.CONSUME(t.Semicolon));
    this.MANY1(() => {
      clauses.push(this.SUBRULE(this.modelClause));
      this.SUBRULE(this.end);
    });
    this.CONSUME(t.RBrace);
    return { kind: 'model', what, name, params, ...(on ? { on } : {}), clauses, span: this.spanFrom(first) };
  });

  readonly modelClause = this.RULE('modelClause', (): ast.ModelClause => {
    const declares = () => this.declares();
    return this.OR<ast.ModelClause>([
      { GATE: declares, ALT: () => this.SUBRULE(this.stateClause) },
      { GATE: declares, ALT: () => this.SUBRULE(this.noiseClause) },
      { GATE: declares, ALT: () => this.SUBRULE(this.boundaryClause) },
      { GATE: declares, ALT: () => this.SUBRULE(this.monitorStatement) },
      {
        GATE: declares,
        ALT: () => {
          const first = this.CONSUME(word.calculus);
          const name = this.identifier(this.CONSUME(t.Name));
          return { kind: 'calculus', name, span: this.spanFrom(first) };
        },
      },
      {
        GATE: declares,
        ALT: () => {
          const first = this.CONSUME(word.after);
          this.CONSUME(word.step);
          const body = this.SUBRULE(this.block);
          return { kind: 'after-step', body, span: this.spanFrom(first) };
        },
      },
      { GATE: () => this.isClause(), ALT: () => this.SUBRULE(this.eventClause) },
      {
        ALT: () => {
          const statement = this.SUBRULE(this.letStatement);
          this.ACTION(() => this.refuseVar(statement, 'in a model'));
          return statement;
        },
      },
      { ALT: () => this.SUBRULE(this.equation) },
    ]);
  });

  private readonly stateClause = this.RULE('stateClause', (): ast.ModelClause => {
    const first = this.CONSUME(word.state);
    const entries: ast.StateEntry[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => entries.push(this.SUBRULE(this.stateEntry)) });
    return { kind: 'state-clause', entries, span: this.spanFrom(first) };
  });

  private readonly stateEntry = this.RULE('stateEntry', (): ast.StateEntry => {
    const first = this.LA(1);
    let rate = false;
    const name = this.OR([
      {
        GATE: () => this.LA(2).tokenType === t.LParen,
        ALT: () => {
          this.CONSUME(word.dt);
          this.CONSUME(t.LParen);
          const of = this.CONSUME(t.Name);
          this.CONSUME(t.RParen);
          rate = true;
          return of;
        },
      },
      { ALT: () => this.CONSUME1(t.Name) },
    ]);
    let type: ast.TypeExpression | undefined;
    let initial: ast.Expression | undefined;
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      type = this.SUBRULE(this.type);
    });
    this.OPTION1(() => {
      this.CONSUME(t.Equals);
      initial = this.SUBRULE(this.expression);
    });
    return {
      name: this.identifier(name),
      rate,
      ...(type ? { type } : {}),
      ...(initial ? { initial } : {}),
      span: this.spanFrom(first),
    };
  });

  private readonly noiseClause = this.RULE('noiseClause', (): ast.ModelClause => {
    const first = this.OR([
      { ALT: () => this.CONSUME(word.noise) },
      { ALT: () => this.CONSUME(word.driver) },
    ]);
    const entries: ast.NoiseEntry[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => entries.push(this.SUBRULE(this.noiseEntry)) });
    const what = first.image === 'driver' ? 'driver' : 'noise';
    return { kind: 'noise-clause', what, entries, span: this.spanFrom(first) };
  });

  private readonly noiseEntry = this.RULE('noiseEntry', (): ast.NoiseEntry => {
    const first = this.CONSUME(t.Name);
    let type: ast.TypeExpression | undefined;
    let on: ast.Place | undefined;
    let process: ast.Expression | undefined;
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      type = this.SUBRULE(this.type);
    });
    this.OPTION1({
      GATE: () => this.onThisLine(),
      DEF: () => {
        this.CONSUME(word.on);
        on = this.SUBRULE(this.place);
      },
    });
    this.OPTION2(() => {
      this.CONSUME(t.Equals);
      process = this.SUBRULE(this.expression);
    });
    return {
      name: this.identifier(first),
      ...(type ? { type } : {}),
      ...(on ? { on } : {}),
      ...(process ? { process } : {}),
      span: this.spanFrom(first),
    };
  });

  private readonly boundaryClause = this.RULE('boundaryClause', (): ast.ModelClause => {
    const first = this.CONSUME(word.boundary);
    const places: ast.Path[] = [];
    const equations: ast.Equation[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => places.push(this.SUBRULE(this.path)) });
    this.CONSUME(t.LBrace);
    this.MANY(() => this.CONSUME(t.Semicolon));
    this.MANY1(() => {
      equations.push(this.SUBRULE(this.equation));
      this.SUBRULE(this.end);
    });
    this.CONSUME(t.RBrace);
    return { kind: 'boundary', places, equations, span: this.spanFrom(first) };
  });

  private readonly eventClause = this.RULE('eventClause', (): ast.ModelClause => {
    const first = this.CONSUME(word.event);
    const trigger = this.OR<ast.EventClause['trigger']>([
      { GATE: () => this.isTimetable(), ALT: () => this.SUBRULE(this.timetable) },
      { ALT: () => this.SUBRULE(this.crossing) },
    ]);
    const body = this.SUBRULE(this.block);
    return { kind: 'event', trigger, body, span: this.spanFrom(first) };
  });

  /** `event at times[i]`, and not an equation in a quantity called `at`. */
  private isTimetable(): boolean {
    const next = this.LA(2).tokenType;
    return ![t.Equals, t.Dot, t.Operator, t.Comparison].includes(next);
  }

  private readonly timetable = this.RULE('timetable', (): ast.EventClause['trigger'] => {
    this.CONSUME(word.at);
    const times = this.SUBRULE(this.expression);
    let as: ast.Identifier | undefined;
    this.OPTION(() => {
      this.CONSUME(word.as);
      as = this.identifier(this.CONSUME(t.Name));
    });
    return { kind: 'timetable', times, ...(as ? { as } : {}) };
  });

  private readonly crossing = this.RULE('crossing', (): ast.EventClause['trigger'] => {
    const equation = this.SUBRULE(this.equation);
    let direction: 'rising' | 'falling' | undefined;
    this.OPTION(() => {
      this.OR([
        { ALT: () => (this.CONSUME(word.rising), (direction = 'rising')) },
        { ALT: () => (this.CONSUME(word.falling), (direction = 'falling')) },
      ]);
    });
    return { kind: 'crossing', equation, ...(direction ? { direction } : {}) };
  });

  readonly equation: ParserMethod<[], ast.Equation> = this.RULE('equation', (): ast.Equation => {
    const first = this.LA(1);
    const left = this.SUBRULE(this.expression);
    this.CONSUME(t.Equals);
    const right = this.SUBRULE1(this.expression);
    this.ACTION(() => {
      this.claimLabels(left);
      this.claimLabels(right);
    });
    return { kind: 'equation', left, right, span: this.spanFrom(first) };
  });

  /** Labels are in place on the terms of the sums on both sides. */
  private claimLabels(side: ast.Expression): void {
    let term = side;
    while (term.kind === 'binary' && (term.op === '+' || term.op === '-')) {
      if (term.right.kind === 'labelled') this.labels.delete(term.right);
      term = term.left;
    }
    if (term.kind === 'labelled') this.labels.delete(term);
  }
}
