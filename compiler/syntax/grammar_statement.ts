// The grammar of blocks, their statements, and runs (grammar.md: block, stmt, runBlock, minOpt).
// Two statements on one line need `;`: the rule `end` demands it, the end of the block, or a token that is first on its line.

import { EMPTY_ALT, EOF, type IToken, type ParserMethod } from 'chevrotain';
import type * as ast from './ast.ts';
import { ExpressionParser } from './grammar_expression.ts';
import * as t from './tokens.ts';
import { isToken, reserved, word } from './tokens.ts';

const assignOps: ReadonlyMap<string, ast.AssignOperator> = new Map(
  (['=', '+=', '-=', '*=', '/='] as const).map((op) => [op, op]),
);

export abstract class StatementParser extends ExpressionParser {
  // ------------------------------------------------------------------------------------------------------------ helpers

  /** The word here opens a clause and is not a name that is assigned to, indexed or asked for a member. */
  protected isClause(): boolean {
    const next = this.LA(2).tokenType;
    return !(next === t.Equals || next === t.Update || next === t.Dot);
  }

  /** The word here is followed by a name on its line: `state u`, `monitor energy`, `field w`. */
  protected declares(): boolean {
    const next = this.LA(2);
    return (
      isToken(next) && t.isWord(next) && !next.firstOnLine && next.image !== 'and' && next.image !== 'or'
    );
  }

  /** The next token ends a statement: it is first on its line, closes the block, or there is none. */
  private isFresh(): boolean {
    const next = this.LA(1);
    return next.tokenType === EOF || next.tokenType === t.RBrace || (isToken(next) && next.firstOnLine);
  }

  readonly end = this.RULE('end', (): void => {
    this.OR([
      { ALT: () => this.AT_LEAST_ONE(() => this.CONSUME(t.Semicolon)) },
      { GATE: () => this.isFresh(), ALT: EMPTY_ALT() },
    ]);
  });

  /** `= e`, or a block. */
  readonly definition = this.RULE('definition', (): ast.Expression =>
    this.OR<ast.Expression>([
      {
        ALT: () => {
          this.CONSUME(t.Equals);
          return this.SUBRULE(this.expression);
        },
      },
      { ALT: () => this.SUBRULE(this.block) },
    ]),
  );

  readonly expressions = this.RULE('expressions', (): ast.Expression[] => {
    const list: ast.Expression[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => list.push(this.SUBRULE(this.expression)) });
    return list;
  });

  /** Names and paths: what is optimised, reset or checked. */
  readonly targets = this.RULE('targets', (): ast.Expression[] => {
    const list: ast.Expression[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => list.push(this.SUBRULE(this.postfix)) });
    return list;
  });

  protected stringToken(): ast.StringExpression {
    return this.string(this.CONSUME(t.Str));
  }

  // ------------------------------------------------------------------------------------------------------------- blocks

  readonly block: ParserMethod<[], ast.BlockExpression> = this.RULE('block', (): ast.BlockExpression => {
    const first = this.CONSUME(t.LBrace);
    const statements: ast.Statement[] = [];
    this.MANY(() => this.CONSUME(t.Semicolon));
    this.MANY1(() => {
      statements.push(this.SUBRULE(this.statement));
      this.SUBRULE(this.end);
    });
    this.CONSUME(t.RBrace);
    return { kind: 'block', statements, span: this.spanFrom(first) };
  });

  readonly statement = this.RULE('statement', (): ast.Statement =>
    this.OR<ast.Statement>([
      { ALT: () => this.SUBRULE(this.letStatement) },
      {
        ALT: () => {
          const first = this.CONSUME(reserved.for);
          const generators = this.SUBRULE(this.generators);
          const body = this.SUBRULE(this.block);
          return { kind: 'for', generators, body, span: this.spanFrom(first) };
        },
      },
      { ALT: () => this.SUBRULE(this.whileStatement) },
      { ALT: () => this.SUBRULE(this.ifStatement) },
      {
        ALT: () => {
          const first = this.CONSUME(reserved.return);
          const value = this.SUBRULE1(this.expression);
          return { kind: 'return', value, span: this.spanFrom(first) };
        },
      },
      { ALT: () => this.SUBRULE(this.yieldStatement) },
      { ALT: () => this.SUBRULE(this.assertStatement) },
      { ALT: () => this.SUBRULE(this.breakStatement) },
      {
        GATE: () => this.stands(),
        ALT: () => ({ kind: 'stop', span: this.spanOf(this.CONSUME(word.stop)) }),
      },
      { GATE: () => this.declares(), ALT: () => this.SUBRULE(this.fieldItem) },
      { GATE: () => this.declares(), ALT: () => this.SUBRULE(this.monitorStatement) },
      { ALT: () => this.SUBRULE(this.assignStatement) },
    ]),
  );

  /** The word here is the whole statement. */
  private stands(): boolean {
    const next = this.LA(2);
    return (
      !isToken(next) || next.firstOnLine || next.tokenType === t.RBrace || next.tokenType === t.Semicolon
    );
  }

  readonly letStatement = this.RULE('letStatement', (): ast.LetStatement => {
    const first = this.OR([
      { ALT: () => this.CONSUME(reserved.let) },
      { ALT: () => this.CONSUME(reserved.var) },
    ]);
    const binding = first.image === 'var' ? 'var' : 'let';
    const pattern = this.SUBRULE(this.pattern);
    let type: ast.TypeExpression | undefined;
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      type = this.SUBRULE(this.type);
    });
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.expression);
    return { kind: 'let', binding, pattern, ...(type ? { type } : {}), value, span: this.spanFrom(first) };
  });

  private readonly whileStatement = this.RULE('whileStatement', (): ast.Statement => {
    const first = this.CONSUME(reserved.while);
    const condition = this.SUBRULE(this.expression);
    let limit: ast.Expression | undefined;
    let quietly = false;
    this.OPTION(() => {
      this.CONSUME(word.limit);
      limit = this.SUBRULE1(this.expression);
      this.OPTION1(() => {
        this.CONSUME(word.quietly);
        quietly = true;
      });
    });
    const body = this.SUBRULE(this.block);
    return {
      kind: 'while',
      condition,
      ...(limit ? { limit } : {}),
      ...(quietly ? { quietly } : {}),
      body,
      span: this.spanFrom(first),
    };
  });

  private readonly ifStatement: ParserMethod<[], ast.IfStatement> = this.RULE(
    'ifStatement',
    (): ast.IfStatement => {
      const first = this.CONSUME(reserved.if);
      const condition = this.SUBRULE(this.expression);
      const yes = this.SUBRULE(this.block);
      let no: ast.BlockExpression | ast.IfStatement | undefined;
      this.OPTION(() => {
        this.CONSUME(reserved.else);
        no = this.OR<ast.BlockExpression | ast.IfStatement>([
          { ALT: () => this.SUBRULE(this.ifStatement) },
          { ALT: () => this.SUBRULE1(this.block) },
        ]);
      });
      return {
        kind: 'if-statement',
        condition,
        then: yes,
        ...(no ? { else: no } : {}),
        span: this.spanFrom(first),
      };
    },
  );

  private readonly yieldStatement = this.RULE('yieldStatement', (): ast.Statement => {
    const first = this.CONSUME(reserved.yield);
    const value = this.SUBRULE(this.expression);
    let every: ast.Expression | undefined;
    this.OPTION({
      GATE: () => this.onThisLine(),
      DEF: () => {
        this.CONSUME(word.every);
        every = this.SUBRULE1(this.expression);
      },
    });
    return { kind: 'yield', value, ...(every ? { every } : {}), span: this.spanFrom(first) };
  });

  readonly assertStatement = this.RULE('assertStatement', (): ast.AssertStatement => {
    const first = this.CONSUME(reserved.assert);
    const condition = this.SUBRULE(this.expression);
    let message: ast.Expression | undefined;
    this.OPTION(() => {
      this.CONSUME(t.Comma);
      message = this.SUBRULE1(this.expression);
    });
    return { kind: 'assert', condition, ...(message ? { message } : {}), span: this.spanFrom(first) };
  });

  private readonly breakStatement = this.RULE('breakStatement', (): ast.Statement => {
    const first = this.CONSUME(reserved.break);
    let when: ast.Expression | undefined;
    this.OPTION({
      GATE: () => this.onThisLine(),
      DEF: () => {
        this.CONSUME(word.when);
        when = this.SUBRULE(this.expression);
      },
    });
    return { kind: 'break', ...(when ? { when } : {}), span: this.spanFrom(first) };
  });

  readonly fieldItem = this.RULE('fieldItem', (): ast.FieldItem => {
    const first = this.CONSUME(word.field);
    const name = this.identifier(this.CONSUME(t.Name));
    const params = this.SUBRULE(this.params);
    let type: ast.TypeExpression | undefined;
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      type = this.SUBRULE(this.type);
    });
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.expression);
    return { kind: 'field', name, params, ...(type ? { type } : {}), value, span: this.spanFrom(first) };
  });

  readonly monitorStatement = this.RULE('monitorStatement', (): ast.MonitorStatement => {
    const first = this.CONSUME(word.monitor);
    const name = this.identifier(this.CONSUME(t.Name));
    this.CONSUME(t.Equals);
    const value = this.SUBRULE(this.expression);
    return { kind: 'monitor', name, value, span: this.spanFrom(first) };
  });

  readonly assignStatement = this.RULE('assignStatement', (): ast.AssignStatement => {
    const first = this.LA(1);
    const target = this.SUBRULE(this.flat);
    const op = this.OR([{ ALT: () => this.CONSUME(t.Equals) }, { ALT: () => this.CONSUME(t.Update) }]);
    const value = this.SUBRULE(this.expression);
    let generators: ast.Generator[] | undefined;
    this.OPTION({
      GATE: () => this.onThisLine(),
      DEF: () => {
        this.CONSUME(reserved.for);
        generators = this.SUBRULE(this.generators);
      },
    });
    this.ACTION(() => this.checkTarget(target));
    const scatter = generators ? { generators } : {};
    return {
      kind: 'assign',
      target,
      op: assignOps.get(op.image) ?? '=',
      value,
      ...scatter,
      span: this.spanFrom(first),
    };
  });

  /** A name, a member or an index of one, or a tuple of those can be assigned to. */
  private checkTarget(target: ast.Expression): void {
    if (target.kind === 'tuple') {
      for (const element of target.elements) this.checkTarget(element);
      return;
    }
    let inner: ast.Expression = target;
    while (inner.kind === 'member' || inner.kind === 'index') inner = inner.target;
    if (inner.kind === 'name') return;
    const derivative =
      target.kind === 'call' && target.callee.kind === 'name' && ['dt', 'd'].includes(target.callee.name);
    const help = derivative
      ? 'equations stand in a `pde`, `ode` or `sde`'
      : target.kind === 'call'
        ? 'a function is declared with `fn f(x) = …`'
        : 'on the left of `=` stands a name, `a[i]`, `s.x` or a tuple of those; to compare write `==`';
    this.problem(
      'S074',
      derivative ? 'an equation cannot stand here' : 'this cannot be assigned to',
      target.span,
      help,
    );
  }

  // --------------------------------------------------------------------------------------------------------------- runs

  readonly runBlock: ParserMethod<[], ast.RunBlock> = this.RULE('runBlock', (): ast.RunBlock => {
    const first = this.CONSUME(t.LBrace);
    const statements: ast.RunStatement[] = [];
    this.MANY(() => this.CONSUME(t.Semicolon));
    this.MANY1(() => {
      statements.push(this.SUBRULE(this.runStatement));
      this.SUBRULE(this.end);
    });
    this.CONSUME(t.RBrace);
    return { kind: 'run-block', statements, span: this.spanFrom(first) };
  });

  readonly runStatement = this.RULE('runStatement', (): ast.RunStatement => {
    const clause = () => this.isClause();
    return this.OR<ast.RunStatement>([
      { ALT: () => this.SUBRULE(this.letStatement) },
      { ALT: () => this.SUBRULE(this.assertStatement) },
      {
        ALT: () => {
          const first = this.CONSUME(reserved.for);
          const generators = this.SUBRULE(this.generators);
          const body = this.SUBRULE(this.runBlock);
          return { kind: 'run-for', generators, body, span: this.spanFrom(first) };
        },
      },
      { ALT: () => this.SUBRULE(this.runIf) },
      { GATE: clause, ALT: () => this.SUBRULE(this.minimizeStatement) },
      { GATE: clause, ALT: () => this.SUBRULE(this.playStatement) },
      {
        GATE: clause,
        ALT: () => {
          const first = this.CONSUME(word.reset);
          const targets = this.SUBRULE(this.targets);
          return { kind: 'reset', targets, span: this.spanFrom(first) };
        },
      },
      {
        GATE: clause,
        ALT: () => {
          const first = this.CONSUME(word.print);
          const values = this.SUBRULE(this.expressions);
          return { kind: 'print', values, span: this.spanFrom(first) };
        },
      },
      {
        GATE: clause,
        ALT: () => {
          const first = this.CONSUME(word.save);
          const path = this.stringToken();
          const record = this.SUBRULE(this.record);
          return { kind: 'save', path, record, span: this.spanFrom(first) };
        },
      },
      { GATE: clause, ALT: () => this.SUBRULE(this.plotStatement) },
      { GATE: clause, ALT: () => this.SUBRULE(this.checkStatement) },
      { ALT: () => this.SUBRULE(this.assignStatement) },
    ]);
  });

  private readonly runIf: ParserMethod<[], ast.RunIf> = this.RULE('runIf', (): ast.RunIf => {
    const first = this.CONSUME(reserved.if);
    const condition = this.SUBRULE(this.expression);
    const yes = this.SUBRULE(this.runBlock);
    let no: ast.RunBlock | ast.RunIf | undefined;
    this.OPTION(() => {
      this.CONSUME(reserved.else);
      no = this.OR<ast.RunBlock | ast.RunIf>([
        { ALT: () => this.SUBRULE(this.runIf) },
        { ALT: () => this.SUBRULE1(this.runBlock) },
      ]);
    });
    return { kind: 'run-if', condition, then: yes, ...(no ? { else: no } : {}), span: this.spanFrom(first) };
  });

  private readonly goal = this.RULE('goal', (): ast.Goal => {
    const first = this.OR([
      { ALT: () => this.CONSUME(word.minimize) },
      { ALT: () => this.CONSUME(word.maximize) },
    ]);
    const value = this.SUBRULE(this.expression);
    this.CONSUME(word.over);
    const over = this.SUBRULE(this.targets);
    let except: ast.Expression[] = [];
    this.OPTION(() => {
      this.CONSUME(word.except);
      except = this.SUBRULE1(this.targets);
    });
    const direction = first.image === 'maximize' ? 'maximize' : 'minimize';
    return { direction, value, over, except, span: this.spanFrom(first) };
  });

  private readonly minimizeStatement = this.RULE('minimizeStatement', (): ast.RunStatement => {
    const first = this.LA(1);
    const goal = this.SUBRULE(this.goal);
    const constraints: ast.Constraint[] = [];
    this.OPTION(() => {
      this.CONSUME(word.subject);
      this.CONSUME(word.to);
      this.CONSUME(t.LBrace);
      this.MANY(() => {
        constraints.push(this.SUBRULE(this.constraint));
        this.SUBRULE(this.end);
      });
      this.CONSUME(t.RBrace);
    });
    const method = this.SUBRULE(this.method);
    return { kind: 'minimize', goal, constraints, method, span: this.spanFrom(first) };
  });

  private readonly constraint = this.RULE('constraint', (): ast.Constraint => {
    const first = this.LA(1);
    const left = this.SUBRULE(this.expression);
    let right: ast.Expression | undefined;
    this.OPTION(() => {
      this.CONSUME(t.Equals);
      right = this.SUBRULE1(this.expression);
    });
    return { left, ...(right ? { right } : {}), span: this.spanFrom(first) };
  });

  private readonly playStatement = this.RULE('playStatement', (): ast.RunStatement => {
    const first = this.CONSUME(word.play);
    const goals: ast.Goal[] = [];
    this.CONSUME(t.LBrace);
    this.MANY(() => {
      goals.push(this.SUBRULE(this.goal));
      this.SUBRULE(this.end);
    });
    this.CONSUME(t.RBrace);
    const method = this.SUBRULE(this.method);
    return { kind: 'play', goals, method, span: this.spanFrom(first) };
  });

  /** `using adam(lr: 1e-3) batch 16 steps 300 { … }`. */
  private readonly method = this.RULE('method', (): ast.Method => {
    const first = this.CONSUME(word.using);
    const using = this.SUBRULE(this.expression);
    let batch: ast.Expression | undefined;
    let accumulate: ast.Expression | undefined;
    this.OPTION(() => {
      this.CONSUME(word.batch);
      batch = this.SUBRULE1(this.expression);
    });
    this.OPTION1(() => {
      this.CONSUME(word.accumulate);
      accumulate = this.SUBRULE2(this.expression);
    });
    const unit = this.OR([{ ALT: () => this.CONSUME(word.steps) }, { ALT: () => this.CONSUME(word.epochs) }]);
    const count = this.SUBRULE3(this.expression);
    const options: ast.MinimizeOption[] = [];
    this.OPTION2(() => {
      this.CONSUME(t.LBrace);
      this.MANY(() => {
        options.push(this.SUBRULE(this.minimizeOption));
        this.SUBRULE(this.end);
      });
      this.CONSUME(t.RBrace);
    });
    return {
      using,
      ...(batch ? { batch } : {}),
      ...(accumulate ? { accumulate } : {}),
      unit: unit.image === 'epochs' ? 'epochs' : 'steps',
      count,
      options,
      span: this.spanFrom(first),
    };
  });

  private readonly minimizeOption = this.RULE('minimizeOption', (): ast.MinimizeOption => {
    const first: IToken = this.LA(1);
    return this.OR<ast.MinimizeOption>([
      {
        ALT: () => {
          this.CONSUME(word.log);
          const values = this.SUBRULE(this.expressions);
          this.CONSUME(word.every);
          const every = this.SUBRULE(this.expression);
          return { kind: 'log', values, every, span: this.spanFrom(first) };
        },
      },
      {
        ALT: () => {
          this.CONSUME(word.save);
          const path = this.stringToken();
          this.CONSUME1(word.every);
          const every = this.SUBRULE1(this.expression);
          return { kind: 'checkpoint', path, every, span: this.spanFrom(first) };
        },
      },
      {
        ALT: () => {
          this.CONSUME(word.stop);
          this.CONSUME(word.when);
          const condition = this.SUBRULE2(this.expression);
          return { kind: 'stop-when', condition, span: this.spanFrom(first) };
        },
      },
      {
        ALT: () => {
          this.CONSUME(word.keep);
          this.CONSUME(word.best);
          const value = this.SUBRULE3(this.expression);
          this.CONSUME2(word.every);
          const every = this.SUBRULE4(this.expression);
          return { kind: 'keep-best', value, every, span: this.spanFrom(first) };
        },
      },
      {
        ALT: () => {
          this.CONSUME3(word.every);
          const period = this.SUBRULE5(this.expression);
          const body = this.SUBRULE(this.runBlock);
          return { kind: 'every', period, body, span: this.spanFrom(first) };
        },
      },
    ]);
  });

  private readonly plotStatement = this.RULE('plotStatement', (): ast.RunStatement => {
    const first = this.OR([
      { ALT: () => this.CONSUME(word.plot) },
      { ALT: () => this.CONSUME(word.animate) },
    ]);
    const path = this.stringToken();
    this.CONSUME(t.Colon);
    const values = this.SUBRULE(this.expressions);
    let as: ast.Identifier | undefined;
    this.OPTION(() => {
      this.CONSUME(word.as);
      as = this.identifier(this.CONSUME(t.Name));
    });
    const what = first.image === 'animate' ? 'animate' : 'plot';
    return { kind: 'plot', what, path, values, ...(as ? { as } : {}), span: this.spanFrom(first) };
  });

  private readonly checkStatement = this.RULE('checkStatement', (): ast.RunStatement => {
    const first = this.CONSUME(word.check);
    return this.OR<ast.RunStatement>([
      {
        ALT: () => {
          this.CONSUME(word.gradient);
          const value = this.SUBRULE(this.expression);
          this.CONSUME(word.over);
          const over = this.SUBRULE(this.targets);
          return { kind: 'check-gradient', value, over, span: this.spanFrom(first) };
        },
      },
      {
        ALT: () => {
          this.CONSUME(word.order);
          let sense: ast.Identifier | undefined;
          this.OPTION({
            GATE: () => this.LA(1).tokenType !== word.of,
            DEF: () => (sense = this.identifier(this.CONSUME(t.Name))),
          });
          this.CONSUME(word.of);
          const model = this.SUBRULE1(this.expression);
          this.CONSUME(word.using);
          const using = this.SUBRULE2(this.expression);
          this.CONSUME1(word.over);
          const over = this.SUBRULE3(this.expression);
          let on: ast.Expression | undefined;
          this.OPTION1(() => {
            this.CONSUME(word.on);
            on = this.SUBRULE4(this.expression);
          });
          const named = sense ? { sense } : {};
          return {
            kind: 'check-order',
            ...named,
            model,
            using,
            over,
            ...(on ? { on } : {}),
            span: this.spanFrom(first),
          };
        },
      },
    ]);
  });
}
