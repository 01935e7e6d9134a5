// Events of a model: `event h = 0 falling { v = -0.8*v }` where an expression crosses zero, `event at times[i] as i { … }` at given times. Here each becomes a record of functions of (t, y) for the library
// (stdlib/events.flow), which finds the times inside a step and goes on from the states that the event leaves behind:
//   { timed, times, direction, value(t, y), jump(t, y, i), stops }
// `value` is what crosses zero (0 for timetables), `direction` 1, -1 or 0 for either, `jump` the states after event number i of a timetable.

import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt, withDraws } from '../context.ts';
import { mixesLaw, withMovingLaw } from './expectations.ts';
import { define } from '../builtins/registry.ts';
import { flatten, toReal } from '../values/leaves.ts';
import type { ModelState } from './model.ts';
import { operators } from '../values/operators.ts';
import type { Scope } from '../names/scope.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array, bool, describeNode, number, record } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import type * as ast from '../../syntax/ast.ts';
import type { Span } from '../../support/span.ts';

/** What events need of their model. */
export interface EventScene {
  readonly states: readonly ModelState[];
  /** The names of the model at (t, y), and the states as they are presented. */
  readonly at: (t: Node, y: RecordValue) => { readonly scope: Scope; readonly present: RecordValue };
  readonly inModel: <T>(work: () => T) => T;
  /** The scope of the model's arguments. */
  readonly outer: Scope;
}

export function eventRecord(ctx: Context, clause: ast.EventClause, scene: EventScene): RecordValue {
  const { trigger } = clause;
  const stops = clause.body.statements.some((s) => s.kind === 'stop');
  const body = { ...clause.body, statements: clause.body.statements.filter((s) => s.kind !== 'stop') };
  const index = trigger.kind === 'timetable' ? trigger.as?.name : undefined;
  const jump = define(ctx, 'jump', ['t', 'y', 'i'], (a) =>
    scene.inModel(() => {
      const t = toReal(ctx, a.need('t'), a.span, 'a time');
      const { scope, present } = scene.at(t, recordOf(ctx, a.need('y'), a.span));
      const inner = scope.child();
      if (index !== undefined) inner.define(index, a.need('i'), clause.span);
      for (const s of scene.states) {
        const value = present.entries.get(s.name);
        if (value !== undefined) inner.define(s.name, value, s.span, true);
      }
      ctx.block(body, inner);
      return record(
        [...present.entries].map(([name, before]) => [
          name,
          conform(ctx, inner.find(name)?.value ?? before, before, clause.span, `\`${name}\` after the event`),
        ]),
      );
    }),
  );
  const common = [
    ['jump', jump],
    ['stops', bool(stops)],
  ] as const;
  const none = array(ctx.graph.literal(new Float64Array(0), [0], ctx.real));
  if (trigger.kind === 'timetable')
    return record([
      ['timed', bool(true)],
      ['times', array(timesOf(ctx, trigger, scene.outer))],
      ['direction', number(0)],
      ['value', define(ctx, 'value', ['t', 'y'], () => number(0))],
      ...common,
    ]);
  const value = define(ctx, 'value', ['t', 'y'], (a) =>
    scene.inModel(() => {
      const t = toReal(ctx, a.need('t'), a.span, 'a time');
      const y = recordOf(ctx, a.need('y'), a.span);
      const { left, right, span } = trigger.equation;
      // The time of an event on the law is that of all paths, which move together.
      const gap = withDraws(ctx, withMovingLaw(ctx.draws), () => {
        const { scope } = scene.at(t, y);
        return ctx.elementwise(operators.sub, [ctx.evaluate(left, scope), ctx.evaluate(right, scope)], span);
      });
      const node = toReal(ctx, gap, span, 'the condition of an event');
      if (node.shape.length > 0)
        failAt(
          ctx,
          'E493',
          `the condition of an event is one number that crosses zero, but this is ${describeNode(node)}`,
          span,
          'take one element, or the min or max of them',
        );
      if (mixesLaw(node, new Set(flatten(ctx, y, span).leaves.map((l) => l.node))))
        failAt(
          ctx,
          'E461',
          'the condition of this event is about a state of one path and about the mean over all paths',
          span,
          'an event happens to one path, event X = 1 { … }, or to all of them, event expect(X) = 1 { … }; keep the difference as a state, or look at it at given times',
        );
      return array(node);
    }),
  );
  const direction = trigger.direction === 'rising' ? 1 : trigger.direction === 'falling' ? -1 : 0;
  return record([
    ['timed', bool(false)],
    ['times', none],
    ['direction', number(direction)],
    ['value', value],
    ...common,
  ]);
}

/** `times[i]` as i: the array; anything else is one time, or an array of them. */
function timesOf(
  ctx: Context,
  trigger: Extract<ast.EventClause['trigger'], { readonly kind: 'timetable' }>,
  scope: Scope,
): Node {
  const { times } = trigger;
  const [entry, ...more] = times.kind === 'index' ? times.entries : [];
  const indexed =
    times.kind === 'index' &&
    more.length === 0 &&
    entry?.kind === 'at' &&
    entry.value.kind === 'name' &&
    entry.value.name === trigger.as?.name;
  const node = toReal(
    ctx,
    ctx.evaluate(indexed ? times.target : times, scope),
    times.span,
    'the times of an event',
  );
  return node.shape.length === 0 ? b.reshape(ctx.graph, node, [1]) : node;
}

function recordOf(ctx: Context, v: Value, span: Span): RecordValue {
  return v.kind === 'record' ? v : failAt(ctx, 'E370', 'the states of a model are a record', span);
}
