// Adaptive steps that did not come to the time asked for: the run ends and says at which time, with which step and states, and whether the limit was reached or the step became too small to move the time.
// What comes after is not a solution, and is no number.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { flatten } from '../values/leaves.ts';
import { asRecord, positional } from './solve_parts.ts';
import type { RecordValue, StringValue, Value } from '../values/values.ts';
import { array, text } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';

export interface ReachedState {
  /** What goes with the conditions. */
  readonly y: RecordValue;
  /** The states reached, which the messages show. */
  readonly reached: RecordValue;
  readonly time: Node;
  /** The length of the step that would come next. */
  readonly step: Node;
  readonly stuck: Node;
  /** Whether the time asked for was reached. */
  readonly ended: Node;
  readonly stop: Node;
  readonly limit: number;
  /** The tolerance is below what rounding of this precision allows. */
  readonly belowRounding: boolean;
  readonly model: string;
  readonly span: Span;
}

/** Numbers of the state that a message shows. */
const SHOWN = 4;

/** The states, which go with the two conditions. */
export function stoppedSteps(ctx: Context, r: ReachedState): RecordValue {
  const g = ctx.graph;
  const flat = flatten(ctx, r.y, r.span);
  const nan = b.log(g, b.sub(g, b.mul(g, r.time, 0), 1));
  const poisoned = flat.leaves.map(({ node }) =>
    isFloat(node.dtype)
      ? b.select(
          g,
          b.broadcastTo(g, r.ended, node.shape),
          node,
          b.broadcastTo(g, b.cast(g, nan, node.dtype), node.shape),
        )
      : node,
  );
  const shown = flatten(ctx, r.reached, r.span).leaves.flatMap(({ node, path }, i): StringValue['parts'] => {
    if (i >= SHOWN || !isFloat(node.dtype)) return [];
    const comma = i === 0 ? '' : ', ';
    return node.shape.length === 0
      ? [`${comma}${path} = `, { value: array(node) }]
      : [`${comma}max |${path}| = `, { value: array(b.reduceAll(g, 'max', b.abs(g, node))) }];
  });
  const more = r.belowRounding
    ? 'float32 has seven digits, and these tolerances want more: write `precision: f64` in the solve, or `precision f64` in the program; else '
    : '';
  const at: StringValue['parts'] = [{ value: array(r.time) }, ' on the way to ', { value: array(r.stop) }];
  const checked = ctx.prelude('checked') ?? failAt(ctx, 'E150', 'there is no `checked`', r.span);
  const check = (y: Value, holds: Node, parts: StringValue['parts'], cure: string): RecordValue =>
    asRecord(
      ctx,
      ctx.call(
        checked,
        [
          ...positional(r.span, y, array(holds), { kind: 'string', parts }),
          { name: 'cure', value: text(cure), span: r.span },
        ],
        r.span,
      ),
      r.span,
    );
  const moved = check(
    flat.rebuild(poisoned),
    b.not(g, r.stuck),
    [
      `the steps of ${r.model} end at t = `,
      ...at,
      ': no step, however short, keeps the tolerance, from ',
      ...shown,
    ],
    more +
      'look for a singularity, a jump or a root of a negative number in the equations there; else loosen `rtol:` and `atol:`, or take a method for stiff equations, std.ode { rosenbrock, sdirk }',
  );
  return check(
    moved,
    b.or(g, r.ended, r.stuck),
    [
      `the steps of ${r.model} reached t = `,
      ...at,
      `, within ${r.limit} attempts; the next step would be `,
      { value: array(r.step) },
      ', from ',
      ...shown,
    ],
    more +
      'raise `limit:`, loosen `rtol:` and `atol:`, or take a method for stiff equations, std.ode { rosenbrock, sdirk }',
  );
}
