// Trees at random, in the normal form that the parser makes (no spans to speak of): for print -> parse -> the same tree.
// Left out is what the language itself has no text for: a number that is called or indexed, a range of ranges, an empty block as
// a value, names that are reserved.

import fc, { type Arbitrary } from 'fast-check';
import type * as ast from '../../compiler/syntax/ast.ts';

export const file = { path: 'generated.flow', text: '' };
const span = { file, start: 0, end: 0 };

const names = [
  'a',
  'b',
  'x',
  'T_obs',
  'θ',
  'x₀',
  'u′',
  'data',
  'loss',
  'steps',
  'log',
  'order',
  'grad',
  'K2',
] as const;
const name = fc.constantFrom(...names);
const identifier: Arbitrary<ast.Identifier> = name.map((text) => ({ name: text, span }));
/** After `.` and before `:` reserved words are names as well. */
const anyWord: Arbitrary<ast.Identifier> = fc
  .constantFrom(...names, 'for', 'in', 'state', 'at', 'if', 'true')
  .map((text) => ({ name: text, span }));

const number: Arbitrary<ast.Expression> = fc
  .constantFrom('0', '1', '12', '1_000', '2.5', '1e-3', '0.5e6', '3i', '2.5i')
  .map((text) => {
    const imaginary = text.endsWith('i');
    const digits = imaginary ? text.slice(0, -1) : text;
    const value = Number(digits.replaceAll('_', ''));
    return { kind: 'number', value, isInteger: /^[\d_]+$/.test(digits), imaginary, text, span };
  });

function optional<K extends string, T>(key: K, value: Arbitrary<T>): Arbitrary<Partial<Record<K, T>>> {
  return fc.option(value, { nil: undefined }).map((v) => {
    const made: Partial<Record<K, T>> = {};
    if (v !== undefined) made[key] = v;
    return made;
  });
}

type Tied = {
  readonly expression: ast.Expression;
  readonly operand: ast.Expression;
  readonly callee: ast.Expression;
  readonly block: ast.BlockExpression;
  readonly statement: ast.Statement;
  readonly type: ast.TypeExpression;
};

const pattern: Arbitrary<ast.Pattern> = fc.oneof(
  { weight: 4, arbitrary: name.map((text): ast.Pattern => ({ kind: 'name-pattern', name: text, span })) },
  {
    weight: 1,
    arbitrary: fc.array(name, { minLength: 1, maxLength: 3 }).map((list): ast.Pattern => {
      const elements = list.map((text): ast.Pattern => ({ kind: 'name-pattern', name: text, span }));
      return { kind: 'tuple-pattern', elements, span };
    }),
  },
);

const tied: fc.LetrecValue<Tied> = fc.letrec<Tied>((tie) => {
  const e = tie('expression');
  const block = tie('block');
  const type = tie('type');
  const generator: Arbitrary<ast.Generator> = fc
    .record({ pattern, source: fc.oneof(tie('operand'), range()) })
    .map((g) => ({ ...g, span }));
  const generators = fc.array(generator, { minLength: 1, maxLength: 2 });
  const args: Arbitrary<ast.Argument[]> = fc.array(
    fc
      .tuple(optional('name', anyWord), e, optional('generators', generators))
      .map(([named, value, over]) => ({ ...named, value, ...over, span })),
    { maxLength: 3 },
  );
  const param: Arbitrary<ast.Param> = fc
    .tuple(pattern, optional('type', type), optional('default', e))
    .map(([p, t, d]) => ({ pattern: p, ...t, ...d, span }));
  const params = fc.array(param, { maxLength: 3 });
  const bare: Arbitrary<ast.Expression> = name.map((text) => ({ kind: 'name', name: text, span }));
  function range(): Arbitrary<ast.Expression> {
    return fc
      .tuple(tie('operand'), tie('operand'))
      .map(([from, to]): ast.Expression => ({ kind: 'range', from, to, span }));
  }

  const string: Arbitrary<ast.StringExpression> = fc
    .array(fc.tuple(fc.string({ minLength: 1, maxLength: 6 }), e, args), { maxLength: 2 })
    .map((pieces): ast.StringExpression => {
      const parts = pieces.flatMap(([text, value, options]): ast.StringPart[] => {
        const named = options.filter((o) => o.name !== undefined && !o.generators);
        const clean = text.replace(/[\r\n\u2028\u2029]/g, '·');
        return [
          { kind: 'text', text: clean },
          { kind: 'hole', value, options: named, span },
        ];
      });
      return { kind: 'string', parts: parts.length > 0 ? parts : [{ kind: 'text', text: '' }], span };
    });

  const binary = fc
    .tuple(fc.constantFrom('+', '-', '*', '/', '//', '%', '@', '^'), tie('operand'), tie('operand'))
    .map(([op, left, right]): ast.Expression => ({
      kind: 'binary',
      op: op as ast.BinaryOperator,
      left,
      right,
      span,
    }));
  const compare = fc
    .tuple(
      tie('operand'),
      fc.array(fc.tuple(fc.constantFrom('==', '!=', '<', '<=', '>', '>='), tie('operand')), {
        minLength: 1,
        maxLength: 2,
      }),
    )
    .map(([first, rest]): ast.Expression => ({
      kind: 'compare',
      operands: [first, ...rest.map(([, operand]) => operand)],
      ops: rest.map(([op]) => op as ast.CompareOperator),
      span,
    }));
  const outside: Arbitrary<ast.OutsideMode> = fc.oneof(
    fc.constantFrom<ast.OutsideMode>({ kind: 'wrap' }, { kind: 'clamp' }),
    e.map((value): ast.OutsideMode => ({ kind: 'else', value })),
  );
  const indexEntry: Arbitrary<ast.IndexEntry> = fc.oneof(
    fc
      .tuple(e, optional('outside', outside))
      .map(([value, o]): ast.IndexEntry => ({ kind: 'at', value, ...o, span })),
    fc
      .tuple(optional('from', tie('operand')), optional('to', tie('operand')), optional('by', tie('operand')))
      .map(([from, to, by]): ast.IndexEntry => ({ kind: 'slice', ...from, ...to, ...by, span })),
  );
  const recordEntry: Arbitrary<ast.RecordEntry> = fc.oneof(
    {
      weight: 3,
      arbitrary: fc
        .tuple(anyWord, e)
        .map(([n, value]): ast.RecordEntry => ({ kind: 'entry', name: n, value, span })),
    },
    {
      weight: 1,
      arbitrary: name.map((n): ast.RecordEntry => ({
        kind: 'entry',
        name: { name: n, span },
        value: { kind: 'name', name: n, span },
        span,
      })),
    },
    { weight: 1, arbitrary: e.map((value): ast.RecordEntry => ({ kind: 'spread', value, span })) },
  );
  /** What `with` replaces. */
  const part: Arbitrary<(target: ast.Expression) => ast.Expression> = fc.oneof(
    anyWord.map((n) => (target: ast.Expression): ast.Expression => ({
      kind: 'member',
      target,
      name: n,
      span,
    })),
    fc
      .array(indexEntry, { minLength: 1, maxLength: 2 })
      .map((entries) => (target: ast.Expression): ast.Expression => ({
        kind: 'index',
        target,
        entries,
        span,
      })),
  );
  const place: Arbitrary<ast.Expression> = fc
    .tuple(bare, fc.array(part, { maxLength: 2 }))
    .map(([first, rest]) => rest.reduce((target, more) => more(target), first));

  const withClause: Arbitrary<ast.WithExpression['clause']> = fc.oneof(
    fc
      .array(fc.record({ target: place, value: e }), { minLength: 1, maxLength: 2 })
      .map((bindings): ast.WithExpression['clause'] => ({
        kind: 'bindings',
        bindings: bindings.map((b) => ({ ...b, span })),
      })),
    e.map((value): ast.WithExpression['clause'] => ({ kind: 'fresh', value })),
    identifier.map((n): ast.WithExpression['clause'] => ({ kind: 'precision', name: n })),
    fc.constant<ast.WithExpression['clause']>({ kind: 'fixed' }),
  );

  const callee: Arbitrary<ast.Expression> = fc.oneof(
    { depthSize: 'xsmall', withCrossShrink: true },
    bare,
    fc
      .tuple(tie('callee'), args)
      .map(([f, list]): ast.Expression => ({ kind: 'call', callee: f, args: list, span })),
    fc
      .tuple(tie('callee'), anyWord)
      .map(([target, n]): ast.Expression => ({ kind: 'member', target, name: n, span })),
    fc
      .tuple(tie('callee'), fc.array(indexEntry, { minLength: 1, maxLength: 2 }))
      .map(([target, entries]): ast.Expression => ({ kind: 'index', target, entries, span })),
  );
  const compound = [
    binary,
    fc
      .tuple(fc.constantFrom<'-' | '+'>('-', '+'), tie('operand'))
      .map(([op, operand]): ast.Expression => ({ kind: 'unary', op, operand, span })),
    fc.array(e, { maxLength: 3 }).map((elements): ast.Expression => ({ kind: 'list', elements, span })),
    fc
      .array(e, { maxLength: 3 })
      .filter((list) => list.length !== 1)
      .map((elements): ast.Expression => ({ kind: 'tuple', elements, span })),
    fc
      .array(recordEntry, { maxLength: 3 })
      .map((entries): ast.Expression => ({ kind: 'record', entries, span })),
    fc
      .tuple(e, generators)
      .map(([body, over]): ast.Expression => ({ kind: 'comprehension', body, generators: over, span })),
    block,
    block.map((body): ast.Expression => ({ kind: 'recompute', body, span })),
    tie('callee'),
  ];
  const whole = [
    fc.tuple(params, e).map(([list, body]): ast.Expression => ({ kind: 'lambda', params: list, body, span })),
    fc
      .tuple(e, e, e)
      .map(([condition, yes, no]): ast.Expression => ({ kind: 'if', condition, then: yes, else: no, span })),
    fc
      .tuple(withClause, block)
      .map(([clause, body]): ast.Expression => ({ kind: 'with', clause, body, span })),
    fc
      .tuple(generators, block)
      .map(([over, body]): ast.Expression => ({ kind: 'for-expression', generators: over, body, span })),
    compare,
    e.map((operand): ast.Expression => ({ kind: 'not', operand, span })),
    fc
      .tuple(fc.constantFrom<'and' | 'or'>('and', 'or'), e, e)
      .map(([op, left, right]): ast.Expression => ({ kind: 'logical', op, left, right, span })),
  ];

  const target: Arbitrary<ast.Expression> = fc.oneof(
    { weight: 3, arbitrary: bare },
    {
      weight: 1,
      arbitrary: fc
        .tuple(bare, fc.array(indexEntry, { minLength: 1, maxLength: 2 }))
        .map(([of, entries]): ast.Expression => ({ kind: 'index', target: of, entries, span })),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(bare, anyWord)
        .map(([of, n]): ast.Expression => ({ kind: 'member', target: of, name: n, span })),
    },
    {
      weight: 1,
      arbitrary: fc
        .array(bare, { minLength: 2, maxLength: 3 })
        .map((elements): ast.Expression => ({ kind: 'tuple', elements, span })),
    },
  );
  const assign: Arbitrary<ast.Statement> = fc
    .tuple(
      target,
      fc.constantFrom<ast.AssignOperator>('=', '+=', '-=', '*=', '/='),
      e,
      optional('generators', generators),
    )
    .map(([to, op, value, over]) => ({ kind: 'assign', target: to, op, value, ...over, span }));

  return {
    operand: fc.oneof(
      { depthSize: 'xsmall', withCrossShrink: true },
      number,
      bare,
      fc.constantFrom(true, false).map((value): ast.Expression => ({ kind: 'boolean', value, span })),
      string,
      ...compound,
    ),
    expression: fc.oneof(
      { depthSize: 'xsmall', withCrossShrink: true },
      bare,
      number,
      tie('operand'),
      ...whole,
    ),
    callee,
    block: fc
      .tuple(fc.array(tie('statement'), { maxLength: 2 }), e)
      .map(([statements, value]): ast.BlockExpression => ({
        kind: 'block',
        statements: [...statements, { kind: 'return', value, span }],
        span,
      })),
    statement: fc.oneof(
      { depthSize: 'xsmall', withCrossShrink: true },
      fc
        .tuple(fc.constantFrom<'let' | 'var'>('let', 'var'), pattern, optional('type', type), e)
        .map(([binding, p, t, value]): ast.Statement => ({
          kind: 'let',
          binding,
          pattern: p,
          ...t,
          value,
          span,
        })),
      assign,
      fc
        .tuple(e, optional('message', e))
        .map(([condition, m]): ast.Statement => ({ kind: 'assert', condition, ...m, span })),
      fc
        .tuple(e, optional('every', e))
        .map(([value, v]): ast.Statement => ({ kind: 'yield', value, ...v, span })),
      optional('when', e).map((w): ast.Statement => ({ kind: 'break', ...w, span })),
      fc.constant<ast.Statement>({ kind: 'stop', span }),
      fc.tuple(identifier, params, optional('type', type), e).map(([n, list, t, value]): ast.Statement => ({
        kind: 'field',
        name: n,
        params: list,
        ...t,
        value,
        span,
      })),
      fc.tuple(identifier, e).map(([n, value]): ast.Statement => ({ kind: 'monitor', name: n, value, span })),
      fc
        .tuple(generators, block)
        .map(([over, body]): ast.Statement => ({ kind: 'for', generators: over, body, span })),
      fc
        .tuple(e, optional('limit', e), fc.boolean(), block)
        .map(([condition, limit, q, body]): ast.Statement => ({
          kind: 'while',
          condition,
          ...limit,
          ...(limit.limit !== undefined && q ? { quietly: true } : {}),
          body,
          span,
        })),
      fc.tuple(e, block, optional('else', block)).map(([condition, yes, no]): ast.Statement => ({
        kind: 'if-statement',
        condition,
        then: yes,
        ...no,
        span,
      })),
    ),
    type: fc.oneof(
      { depthSize: 'xsmall', withCrossShrink: true },
      identifier.map((n): ast.TypeExpression => ({ kind: 'named-type', name: n, complex: false, span })),
      fc.constant<ast.TypeExpression>({
        kind: 'named-type',
        name: { name: 'scalar', span },
        complex: true,
        span,
      }),
      fc.constant<ast.TypeExpression>({
        kind: 'named-type',
        name: { name: 'complex', span },
        complex: false,
        span,
      }),
      fc
        .tuple(type, fc.array(e, { minLength: 1, maxLength: 2 }))
        .map(([element, shape]): ast.TypeExpression => ({ kind: 'array-type', element, shape, span })),
      fc
        .array(type, { maxLength: 3 })
        .filter((l) => l.length !== 1)
        .map((elements): ast.TypeExpression => ({ kind: 'tuple-type', elements, span })),
      fc
        .tuple(fc.array(type, { maxLength: 2 }), type)
        .map(([list, result]): ast.TypeExpression => ({ kind: 'function-type', params: list, result, span })),
      fc
        .array(fc.record({ name: anyWord, type }), { minLength: 1, maxLength: 2 })
        .map((fields): ast.TypeExpression => ({
          kind: 'record-type',
          fields: fields.map((f) => ({ ...f, span })),
          span,
        })),
      fc.tuple(type, identifier, args, fc.boolean()).map(([inner, n, list, both]): ast.TypeExpression => ({
        kind: 'located-type',
        type: inner,
        on: { name: n, args: list, span },
        ...(both ? { at: { name: 'faces', span } } : {}),
        span,
      })),
    ),
  };
});

export const expression: Arbitrary<ast.Expression> = tied.expression;
export const type: Arbitrary<ast.TypeExpression> = tied.type;

// ---------------------------------------------------------------------------------------------------------------- items

const e = tied.expression;
const operand = tied.operand;
const generators: Arbitrary<ast.Generator[]> = fc.array(
  fc.record({ pattern, source: operand }).map((g) => ({ ...g, span })),
  { minLength: 1, maxLength: 2 },
);
const params: Arbitrary<ast.Param[]> = fc.array(
  fc
    .tuple(pattern, optional('type', tied.type), optional('default', e))
    .map(([p, t, d]) => ({ pattern: p, ...t, ...d, span })),
  { maxLength: 3 },
);
const text: Arbitrary<ast.StringExpression> = fc
  .constantFrom('out.npz', 'mass is conserved', 'a {brace}')
  .map((t) => ({ kind: 'string', parts: [{ kind: 'text', text: t }], span }));
const body = fc.oneof<Arbitrary<ast.Expression>[]>(
  e.filter((v) => v.kind !== 'block'),
  tied.block,
);
const lambda: Arbitrary<ast.LambdaExpression> = fc
  .tuple(params, e)
  .map(([list, value]) => ({ kind: 'lambda', params: list, body: value, span }));
const doc = optional('doc', fc.constantFrom('One line.', 'Two\nlines.'));

/** A side of an equation begins with a name: no statement begins with a brace. */
const side: Arbitrary<ast.Expression> = fc.oneof(
  tied.callee,
  fc
    .tuple(tied.callee, operand)
    .map(([left, right]): ast.Expression => ({ kind: 'binary', op: '-', left, right, span })),
);
const labelled: Arbitrary<ast.Expression> = fc
  .tuple(identifier, operand)
  .map(([label, term]) => ({ kind: 'labelled', label, term, span }));
const sum: Arbitrary<ast.Expression> = fc
  .tuple(
    fc.oneof(labelled, operand),
    fc.array(fc.tuple(fc.constantFrom<'+' | '-'>('+', '-'), fc.oneof(labelled, operand)), { maxLength: 2 }),
  )
  .map(([first, rest]) =>
    rest.reduce<ast.Expression>((left, [op, right]) => ({ kind: 'binary', op, left, right, span }), first),
  );
const equation: Arbitrary<ast.Equation> = fc
  .tuple(side, sum)
  .map(([left, right]) => ({ kind: 'equation', left, right, span }));
const plainEquation: Arbitrary<ast.Equation> = fc
  .tuple(side, operand)
  .map(([left, right]) => ({ kind: 'equation', left, right, span }));
const place: Arbitrary<ast.Place> = identifier.map((n) => ({ name: n, span }));

const declaration: Arbitrary<ast.DeclarationItem> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('const', 'input', 'data', 'state', 'network', 'optimizer'),
      identifier,
      optional('type', tied.type),
      e,
      optional('from', text),
    )
    .map(([what, n, t, value, from]): ast.DeclarationItem => ({
      kind: 'declaration',
      what: what as ast.DeclarationKind,
      name: n,
      ...t,
      value,
      ...from,
      span,
    })),
  fc
    .tuple(
      identifier,
      optional('type', tied.type),
      e,
      optional('bounds', fc.record({ kind: fc.constantFrom<'in' | 'via'>('in', 'via'), value: e })),
    )
    .map(([n, t, value, bounds]): ast.DeclarationItem => ({
      kind: 'declaration',
      what: 'param',
      name: n,
      ...t,
      value,
      ...bounds,
      span,
    })),
);

const modelClause: Arbitrary<ast.ModelClause> = fc.oneof(
  fc
    .array(
      fc
        .tuple(identifier, fc.boolean(), optional('type', tied.type), optional('initial', e))
        .map(([n, rate, t, i]): ast.StateEntry => ({ name: n, rate, ...t, ...i, span })),
      { minLength: 1, maxLength: 2 },
    )
    .map((entries): ast.ModelClause => ({ kind: 'state-clause', entries, span })),
  fc
    .array(
      fc
        .tuple(identifier, optional('on', place), optional('process', e))
        .map(([n, on, p]): ast.NoiseEntry => ({ name: n, ...on, ...p, span })),
      { minLength: 1, maxLength: 2 },
    )
    .map((entries): ast.ModelClause => ({ kind: 'noise-clause', what: 'noise', entries, span })),
  fc.array(plainEquation, { minLength: 1, maxLength: 2 }).map((equations): ast.ModelClause => ({
    kind: 'boundary',
    places: [
      {
        parts: [
          { name: 'x', span },
          { name: 'min', span },
        ],
        span,
      },
    ],
    equations,
    span,
  })),
  fc.tuple(identifier, e).map(([n, value]): ast.ModelClause => ({ kind: 'monitor', name: n, value, span })),
  identifier.map((n): ast.ModelClause => ({ kind: 'calculus', name: n, span })),
  tied.block.map((b): ast.ModelClause => ({ kind: 'after-step', body: b, span })),
  fc
    .tuple(
      plainEquation,
      optional('direction', fc.constantFrom<'rising' | 'falling'>('rising', 'falling')),
      tied.block,
    )
    .map(([q, d, b]): ast.ModelClause => ({
      kind: 'event',
      trigger: { kind: 'crossing', equation: q, ...d },
      body: b,
      span,
    })),
  fc.tuple(operand, optional('as', identifier), tied.block).map(([times, as, b]): ast.ModelClause => ({
    kind: 'event',
    trigger: { kind: 'timetable', times, ...as },
    body: b,
    span,
  })),
  fc
    .tuple(pattern, e)
    .map(([p, value]): ast.ModelClause => ({ kind: 'let', binding: 'let', pattern: p, value, span })),
  equation,
);

const goal: Arbitrary<ast.Goal> = fc
  .tuple(
    fc.constantFrom<'minimize' | 'maximize'>('minimize', 'maximize'),
    operand,
    fc.array(tied.callee, { minLength: 1, maxLength: 2 }),
    fc.array(tied.callee, { maxLength: 1 }),
  )
  .map(([direction, value, over, except]) => ({ direction, value, over, except, span }));
const option: Arbitrary<ast.MinimizeOption> = fc.oneof(
  fc
    .tuple(fc.array(e, { minLength: 1, maxLength: 2 }), e)
    .map(([values, every]): ast.MinimizeOption => ({ kind: 'log', values, every, span })),
  fc.tuple(text, e).map(([path, every]): ast.MinimizeOption => ({ kind: 'checkpoint', path, every, span })),
  e.map((condition): ast.MinimizeOption => ({ kind: 'stop-when', condition, span })),
  fc.tuple(e, e).map(([value, every]): ast.MinimizeOption => ({ kind: 'keep-best', value, every, span })),
);
const method: Arbitrary<ast.Method> = fc
  .tuple(
    e,
    optional('batch', e),
    optional('accumulate', e),
    fc.constantFrom<'steps' | 'epochs'>('steps', 'epochs'),
    e,
    fc.array(option, { maxLength: 2 }),
  )
  .map(([using, batch, accumulate, unit, count, options]) => ({
    using,
    ...batch,
    ...accumulate,
    unit,
    count,
    options,
    span,
  }));
const runStatement: Arbitrary<ast.RunStatement> = fc.oneof(
  fc
    .tuple(pattern, e)
    .map(([p, value]): ast.RunStatement => ({ kind: 'let', binding: 'let', pattern: p, value, span })),
  fc
    .tuple(
      goal,
      fc.array(
        fc
          .tuple(side, optional('right', operand))
          .map(([left, right]): ast.Constraint => ({ left, ...right, span })),
        { maxLength: 2 },
      ),
      method,
    )
    .map(([g, constraints, m]): ast.RunStatement => ({
      kind: 'minimize',
      goal: g,
      constraints,
      method: m,
      span,
    })),
  fc
    .tuple(fc.array(goal, { minLength: 1, maxLength: 2 }), method)
    .map(([goals, m]): ast.RunStatement => ({ kind: 'play', goals, method: m, span })),
  fc
    .array(tied.callee, { minLength: 1, maxLength: 2 })
    .map((targets): ast.RunStatement => ({ kind: 'reset', targets, span })),
  fc
    .array(e, { minLength: 1, maxLength: 2 })
    .map((values): ast.RunStatement => ({ kind: 'print', values, span })),
  fc
    .tuple(text, fc.array(fc.tuple(identifier, e), { minLength: 1, maxLength: 2 }))
    .map(([path, entries]): ast.RunStatement => ({
      kind: 'save',
      path,
      record: {
        kind: 'record',
        entries: entries.map(([n, value]) => ({ kind: 'entry', name: n, value, span })),
        span,
      },
      span,
    })),
  fc
    .tuple(
      fc.constantFrom<'plot' | 'animate'>('plot', 'animate'),
      text,
      fc.array(e, { minLength: 1, maxLength: 2 }),
      optional('as', identifier),
    )
    .map(([what, path, values, as]): ast.RunStatement => ({ kind: 'plot', what, path, values, ...as, span })),
  fc
    .tuple(operand, fc.array(tied.callee, { minLength: 1, maxLength: 2 }))
    .map(([value, over]): ast.RunStatement => ({ kind: 'check-gradient', value, over, span })),
  fc
    .tuple(
      optional('sense', fc.constant<ast.Identifier>({ name: 'strong', span })),
      operand,
      operand,
      operand,
      optional('on', operand),
    )
    .map(([sense, model, using, over, on]): ast.RunStatement => ({
      kind: 'check-order',
      ...sense,
      model,
      using,
      over,
      ...on,
      span,
    })),
);
const runBlock: Arbitrary<ast.RunBlock> = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: runStatement },
      {
        weight: 1,
        arbitrary: fc.tuple(generators, runStatement).map(([over, s]): ast.RunStatement => ({
          kind: 'run-for',
          generators: over,
          body: { kind: 'run-block', statements: [s], span },
          span,
        })),
      },
    ),
    { maxLength: 3 },
  )
  .map((statements) => ({ kind: 'run-block', statements, span }));

const axis: Arbitrary<ast.Axis> = fc
  .tuple(
    identifier,
    optional('components', e),
    operand,
    optional(
      'points',
      fc.record({
        rule: fc.constantFrom<'cells' | 'nodes' | 'chebyshev'>('cells', 'nodes', 'chebyshev'),
        count: e,
      }),
    ),
    optional('mapped', lambda),
    fc.boolean(),
  )
  .map(([n, components, interval, points, mapped, periodic]) => ({
    name: n,
    ...components,
    interval,
    ...points,
    ...mapped,
    periodic,
    span,
  }));

const bareItem: Arbitrary<ast.Item> = fc.oneof(
  fc
    .array(
      fc
        .tuple(identifier, optional('as', identifier))
        .map(([n, as]): ast.UsedName => ({ name: n, ...as, span })),
      { minLength: 1, maxLength: 3 },
    )
    .map((used): ast.Item => ({
      kind: 'use',
      source: {
        kind: 'module',
        parts: [
          { name: 'std', span },
          { name: 'ode', span },
        ],
        span,
      },
      names: used,
      span,
    })),
  declaration,
  fc
    .tuple(identifier, params, fc.array(axis, { minLength: 1, maxLength: 2 }))
    .map(([n, list, axes]): ast.Item => ({
      kind: 'domain',
      name: n,
      params: list,
      body: { kind: 'axes', axes },
      span,
    })),
  fc.tuple(identifier, params, operand).map(([n, list, value]): ast.Item => ({
    kind: 'domain',
    name: n,
    params: list,
    body: { kind: 'alias', value },
    span,
  })),
  fc
    .tuple(identifier, identifier, e)
    .map(([n, on, value]): ast.Item => ({ kind: 'region', name: n, on, value, span })),
  fc
    .tuple(identifier, params, optional('type', tied.type), e)
    .map(([n, list, t, value]): ast.Item => ({ kind: 'field', name: n, params: list, ...t, value, span })),
  fc.tuple(identifier, tied.type).map(([n, t]): ast.Item => ({ kind: 'type-alias', name: n, type: t, span })),
  fc
    .tuple(
      identifier,
      params,
      optional('result', tied.type),
      body,
      optional('derivative', lambda),
      optional('tangent', lambda),
    )
    .map(([n, list, result, value, d, t]): ast.Item => ({
      kind: 'fn',
      name: n,
      params: list,
      ...result,
      body: value,
      ...d,
      ...t,
      span,
    })),
  fc
    .tuple(identifier, params, fc.tuple(identifier, e), params, body)
    .map(([n, list, [w, value], inputs, b]): ast.Item => ({
      kind: 'layer',
      name: n,
      params: list,
      members: [
        { kind: 'declaration', what: 'param', name: w, value, span },
        { kind: 'call-member', params: inputs, body: b, span },
      ],
      span,
    })),
  fc
    .tuple(
      fc.constantFrom<'pde' | 'ode' | 'sde'>('pde', 'ode', 'sde'),
      identifier,
      params,
      optional('on', place),
      fc.array(modelClause, { maxLength: 3 }),
    )
    .map(([what, n, list, on, clauses]): ast.Item => ({
      kind: 'model',
      what,
      name: n,
      params: list,
      ...on,
      clauses,
      span,
    })),
  fc
    .tuple(pattern, e)
    .map(([p, value]): ast.Item => ({ kind: 'let', binding: 'let', pattern: p, value, span })),
  fc
    .tuple(identifier, optional('generators', generators), body)
    .map(([n, over, value]): ast.Item => ({ kind: 'loss', name: n, ...over, body: value, span })),
  fc.tuple(text, tied.block).map(([n, b]): ast.Item => ({ kind: 'test', name: n, body: b, span })),
  fc
    .tuple(optional('name', identifier), runBlock)
    .map(([n, b]): ast.Item => ({ kind: 'run', ...n, body: b, span })),
);

export const item: Arbitrary<ast.Item> = fc
  .tuple(bareItem, doc)
  // lines of documentation before a `use` are about the file
  .map(([made, d]) => (made.kind === 'use' ? made : { ...made, ...d }));
