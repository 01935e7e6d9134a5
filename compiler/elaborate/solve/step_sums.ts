// What a solve adds up over its steps: `sum: { reg: s => norm(s.error) }`, and how often the right side was evaluated. A function of `sum:` sees what the method's step gave, { y, mem, error, … }, with the time `t` it began at,
// its length `h` and the states `from` it began with; what it gives is added over the steps that count (the accepted ones).

import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { flatten } from '../values/leaves.ts';
import type { Given } from '../builtins/registry.ts';
import { operators } from '../values/operators.ts';
import type { Method } from './solve_parts.ts';
import { asRecord, plainArrays, positional } from './solve_parts.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { describe, int, real, record } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';

export interface StepSums {
  /** Zeros of the structure of the sums, from what one step gives. */
  readonly zeros: (made: RecordValue) => RecordValue;
  readonly plus: (before: RecordValue, made: RecordValue) => RecordValue;
  /** What is added for a step from the states `from`. */
  readonly terms: (made: RecordValue, k: RecordValue, from: Value) => RecordValue;
}

/** What the functions of `sum:` see of a step. */
function seenStep(made: RecordValue, k: RecordValue, from: Value): RecordValue {
  return record([...made.entries, ...[...k.entries].filter(([name]) => name !== 'i'), ['from', from]]);
}

/** undefined without `sum:`. */
export function stepSums(ctx: Context, a: Given): StepSums | undefined {
  const wanted = a.get('sum');
  if (wanted === undefined) return undefined;
  const span = a.spanOf('sum');
  const example = 'write sum: { reg: s => norm(s.error) }';
  if (wanted.kind !== 'record')
    return failAt(
      ctx,
      'E501',
      `\`sum:\` is a record of functions of a step, but this is ${describe(wanted)}`,
      span,
      example,
    );
  const terms = (made: RecordValue): RecordValue =>
    record(
      [...wanted.entries].map(([name, f]) => {
        if (f.kind !== 'function' && f.kind !== 'builtin')
          failAt(ctx, 'E501', `\`${name}\` of \`sum:\` is no function of a step`, span, example);
        const term = plainArrays(ctx, ctx.call(f, positional(span, made), span), span);
        return [name, realOf(ctx, term, span)] as const;
      }),
    );
  return {
    terms: (made, k, from) => terms(seenStep(made, k, from)),
    zeros: (made) => {
      const flat = flatten(ctx, terms(made), span);
      return asRecord(ctx, flat.rebuild(flat.leaves.map((l) => b.zerosLike(ctx.graph, l.node))), span);
    },
    plus: (before, made) =>
      asRecord(
        ctx,
        conform(
          ctx,
          ctx.elementwise(operators.add, [before, terms(made)], span),
          before,
          span,
          'what is summed over the steps',
        ),
        span,
      ),
  };
}

function realOf(ctx: Context, v: Value, span: Span): Value {
  const flat = flatten(ctx, v, span);
  return flat.rebuild(
    flat.leaves.map((l) => (l.node.dtype === 'i32' ? b.cast(ctx.graph, l.node, ctx.real) : l.node)),
  );
}

/** What a solve with fixed steps carries to add up: nothing without `sum:` and for methods whose evaluations are known. */
export interface StepTally {
  readonly init: readonly Node[];
  readonly plus: (
    leaves: readonly Node[],
    made: RecordValue,
    k: RecordValue,
    from: RecordValue,
  ) => readonly Node[];
  /** `sum` and `evals` of the result: `first` evaluations before the first step and, where they are the same in every step, `each`. */
  readonly entries: (
    leaves: readonly Node[],
    first: number | undefined,
    each: number | undefined,
    steps: number,
  ) => readonly (readonly [string, Value])[];
}

/** `trial` makes one step, for the structure of what it gives. */
export function stepTally(ctx: Context, a: Given, method: Method, trial: () => RecordValue): StepTally {
  const sums = stepSums(ctx, a);
  const counted = method.record.entries.has('counted');
  let told = true;
  const zero: Value = ctx.graph.scope(() => {
    if (sums === undefined) return record([]);
    const ordinal = ctx.draws.ordinal;
    const made = trial();
    const like = record([
      ...made.entries,
      ['t', real(0)],
      ['h', real(0)],
      ['from', made.entries.get('y') ?? record([])],
    ]);
    const zeros = sums.zeros(like);
    ctx.draws.ordinal = ordinal;
    return zeros;
  }).value;
  const start = record([['sums', zero], ...(counted ? [['evals', int(0)] as const] : [])]);
  const flat = flatten(ctx, start, a.span);
  const recordOf = (leaves: readonly Node[]): RecordValue => asRecord(ctx, flat.rebuild(leaves), a.span);
  const part = (r: RecordValue, name: string): RecordValue =>
    asRecord(ctx, r.entries.get(name) ?? record([]), a.span);
  return {
    init: flat.leaves.map((l) => l.node),
    plus: (leaves, made, k, from) => {
      if (leaves.length === 0) return [];
      told &&= made.entries.has('evals');
      const before = recordOf(leaves);
      const whole = seenStep(made, k, from);
      const after = record([
        ['sums', sums === undefined ? record([]) : sums.plus(part(before, 'sums'), whole)],
        ...(counted
          ? [
              [
                'evals',
                ctx.elementwise(
                  operators.add,
                  [before.entries.get('evals') ?? int(0), made.entries.get('evals') ?? int(0)],
                  a.span,
                ),
              ] as const,
            ]
          : []),
      ]);
      return flatten(
        ctx,
        conform(ctx, after, before, a.span, 'what is summed over the steps'),
        a.span,
      ).leaves.map((l) => l.node);
    },
    entries: (leaves, first, each, steps) => {
      const all = recordOf(leaves);
      const later =
        counted && told ? all.entries.get('evals') : each === undefined ? undefined : int(each * steps);
      const evals =
        first === undefined || later === undefined || (counted && !told)
          ? undefined
          : first === 0
            ? later
            : ctx.elementwise(operators.add, [int(first), later], a.span);
      return [
        ...(evals === undefined ? [] : [['evals', evals] as const]),
        ...(sums === undefined ? [] : [['sum', part(all, 'sums')] as const]),
      ];
    },
  };
}
