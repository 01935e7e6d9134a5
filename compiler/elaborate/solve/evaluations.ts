// How often a solve evaluates the right side: `.evals` of its result. The functions of `sys` report what they evaluate; a step, and what comes before the first one, counts the evaluations at different times and states that
// what it gives comes from. A stage that nothing uses (the last one of an embedded pair in steps of given lengths) is never computed and does not count.
//
// A step whose evaluations stand inside loops, like Newton's method, says itself how many there were: `evals`.

import type { Context } from '../context.ts';
import { flatten } from '../values/leaves.ts';
import { define } from '../builtins/registry.ts';
import type { EvaluationCounter } from './solve_parts.ts';
import { positional } from './solve_parts.ts';
import { staticText } from '../values/strings.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { int, record } from '../values/values.ts';
import { hasParameters, reachable } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';

export function evaluationCounter(ctx: Context): EvaluationCounter {
  let found = new Map<string, readonly Node[]>();
  let depth = 0;
  let inLoop = false;
  return {
    seen: (key, given, made) => {
      if (ctx.draws.turns.length > depth) inLoop = true;
      // A rate that is another state, or a number, does not show whether the right side was evaluated.
      const told = made.filter((n) => hasParameters(n) && !given.some((x) => bare(x) === bare(n)));
      found.set(key, told);
    },
    during: (work, used) => {
      const before = { found, depth, inLoop };
      [found, depth, inLoop] = [new Map(), ctx.draws.turns.length, false];
      try {
        const made = work();
        if (inLoop) return { made, evaluations: undefined };
        const needed = new Set(found.size === 0 ? [] : reachable(used(made)));
        const counted = [...found.values()].filter(
          (told) => told.length === 0 || told.some((n) => needed.has(n)),
        );
        return { made, evaluations: counted.length };
      } finally {
        ({ found, depth, inLoop } = before);
      }
    },
  };
}

function bare(n: Node): Node {
  const [inner] = n.op === 'keep' ? n.args : [];
  return inner === undefined ? n : bare(inner);
}

/** The method with `renew(sys, t, y)`, its memory where it begins anew and the evaluations for it, and with a `step` that says how often it evaluates the right side, `evals`, where that is known. Of what a step gives the solve needs the states, the memory and, where it is judged, the error; `more` gives what
 * else is made of it. */
export function countedMethod(
  ctx: Context,
  method: RecordValue,
  counter: EvaluationCounter,
  more: (made: RecordValue, k: RecordValue, from: Value) => readonly Node[],
): RecordValue {
  const inner = method.entries.get('step');
  if (inner === undefined) return method;
  const step = define(ctx, 'step', ['sys', 'k', 'y', 'mem'], (a) => {
    const sys = a.need('sys');
    const judged = sys.kind === 'record' && sys.entries.has('tries');
    const usedParts = ['y', 'mem', ...(judged ? ['error', 'failed'] : [])];
    const [k, y] = [a.need('k'), a.need('y')];
    const { made, evaluations } = counter.during(
      () => ctx.call(inner, positional(a.span, sys, k, y, a.need('mem')), a.span),
      (value) =>
        value.kind !== 'record'
          ? []
          : [
              ...usedParts.flatMap((name) => nodesOf(ctx, value.entries.get(name) ?? record([]), a.span)),
              ...(k.kind === 'record' ? more(value, k, y) : []),
            ],
    );
    return made.kind !== 'record' || made.entries.has('evals') || evaluations === undefined
      ? made
      : record([...made.entries, ['evals', int(evaluations)]]);
  });
  const init = method.entries.get('init');
  if (init === undefined) return record([...method.entries, ['step', step]]);
  const renew = define(ctx, 'renew', ['sys', 't', 'y'], (a) => {
    const given = [a.need('sys'), a.need('t'), a.need('y')];
    const { made, evaluations } = counter.during(
      () => ctx.call(init, positional(a.span, ...given), a.span),
      (memory) => nodesOf(ctx, memory, a.span),
    );
    return record([
      ['mem', made],
      ['evals', int(evaluations ?? 0)],
    ]);
  });
  return record([...method.entries, ['step', step], ['renew', renew]]);
}

export function nodesOf(ctx: Context, v: Value, span: Span): Node[] {
  return flatten(ctx, v, span).leaves.map((l) => l.node);
}

/** The functions of `sys` that evaluate the right side, or a part of it, report to the counter. */
export function countedSystem(ctx: Context, sys: RecordValue, counter: EvaluationCounter): RecordValue {
  const reporting = (f: Value, kind: string): Value =>
    define(ctx, kind, ['t', 'y'], (a) => {
      const asked = [a.need('t'), a.need('y')];
      const nodes = asked.flatMap((v) => nodesOf(ctx, v, a.span));
      const made = ctx.call(f, positional(a.span, ...asked), a.span);
      counter.seen(`${kind}:${nodes.map((n) => n.id).join()}`, nodes, nodesOf(ctx, made, a.span));
      return made;
    });
  const rates = sys.entries.get('rhs');
  return record(
    [...sys.entries].map(([name, f]) => {
      if (f.kind !== 'builtin') return [name, f];
      if (name === 'rhs' || (name === 'drift' && f === rates)) return [name, reporting(f, 'rhs')];
      if (name === 'drift' || name === 'push' || name === 'kick') return [name, reporting(f, name)];
      if (name !== 'part') return [name, f];
      const part = define(ctx, 'part', ['label'], (a) => {
        const label = a.need('label');
        const made = ctx.call(f, positional(a.span, label), a.span);
        return reporting(made, `part ${staticText(ctx, label, a.spanOf('label'), 'the label of a part')}`);
      });
      return [name, part];
    }),
  );
}

/** What to say of a result that has no `evals`. */
export const untoldEvaluations =
  'this method evaluates the right side in loops and does not say how often: its `step` may give `evals`';
