// Which sample a draw belongs to: `with fresh j { … }` asks for another one, `with fixed { … }` for one that does not change from step to step, `at: (stream, address)` names a draw by numbers, wherever it
// stands. All three change the names of the draws made while `work` runs, those of the items evaluated in it included; data, parameters and states keep theirs.

import type { Context } from '../context.ts';
import { failAt, inWorld, withDraws } from '../context.ts';
import { enterLoop, freshDraws } from './draws.ts';
import { toNode } from '../values/leaves.ts';
import type { BuiltinValue, Value } from '../values/values.ts';
import { describe } from '../values/values.ts';
import { replaced } from '../names/worlds.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';

/** More samples than anybody asks for. */
const SAMPLES = 2 ** 24;

/** Every `j` gives another sample; draws inside are named like those of a loop whose turn is j, and two blocks of one function differ. */
export function inSample<T>(ctx: Context, j: Value, span: Span, work: () => T): T {
  const own = whole(ctx, j, span, 'the number of a sample');
  const before = ctx.sample;
  // A sample of a sample: another odd multiplier for each.
  const sample = before === undefined ? own : b.add(ctx.graph, b.mul(ctx.graph, before, 65_599), own);
  ctx.sample = sample;
  try {
    return inWorld(ctx, replaced(ctx, []), () => withDraws(ctx, enterLoop(ctx, own, SAMPLES), work));
  } finally {
    ctx.sample = before;
  }
}

/** Draws do not depend on the step of a minimisation. */
export function inFixed<T>(ctx: Context, work: () => T): T {
  return inWorld(ctx, replaced(ctx, []), () =>
    withDraws(ctx, { ...ctx.draws, step: undefined, fixed: true }, work),
  );
}

/** `same_draws(f)`: f as it would be called here and now, wherever, in whatever loops and however often it is called. */
export function withSameDraws(ctx: Context, f: Value, span: Span): BuiltinValue {
  if (f.kind !== 'function' && f.kind !== 'builtin')
    return failAt(ctx, 'E288', `\`same_draws\` takes a function, but this is ${describe(f)}`, span);
  const here = { ...ctx.draws, path: `${ctx.draws.path}=${ctx.draws.ordinal++}`, ordinal: 0 };
  return {
    kind: 'builtin',
    name: f.name,
    params: f.kind === 'builtin' ? f.params : [],
    apply: (args, at) => withDraws(ctx, { ...here }, () => ctx.call(f, args, at)),
  };
}

/** The draw number `address` of a `stream`: a name or a whole number. */
export function atAddress<T>(ctx: Context, at: Value, span: Span, work: () => T): T {
  const parts = at.kind === 'tuple' || at.kind === 'list' ? at.elements : [];
  const [stream, address] = parts;
  if (parts.length !== 2 || stream === undefined || address === undefined)
    return failAt(
      ctx,
      'E284',
      `\`at:\` takes a stream and an address, but this is ${describe(at)}`,
      span,
      'write draw(normal(0, 1), at: ("paths", k)): the same stream and address give the same draw everywhere',
    );
  const text =
    stream.kind === 'string'
      ? stream.parts.map((p) => (typeof p === 'string' ? p : '?')).join('')
      : undefined;
  const numbers = [
    ...(text === undefined ? [whole(ctx, stream, span, 'a stream')] : []),
    whole(ctx, address, span, 'an address'),
  ];
  return withDraws(
    ctx,
    {
      ...freshDraws(text === undefined ? 'at' : `at "${text}"`),
      turns: numbers.map((n) => ({ index: b.cast(ctx.graph, n, 'u32'), extent: 2 ** 32 })),
    },
    work,
  );
}

/** A whole number, static or run-time. */
function whole(ctx: Context, v: Value, span: Span, what: string): Node {
  const node = toNode(ctx, v, span, what);
  if (node.shape.length > 0 || isFloat(node.dtype) || node.dtype === 'bool')
    failAt(
      ctx,
      'E285',
      `${what} is one whole number, but this is ${describe(v)}`,
      span,
      isFloat(node.dtype) ? 'write int(…)' : undefined,
    );
  return node;
}
