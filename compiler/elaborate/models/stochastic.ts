// A stochastic equation d(X) = f dt + g dW taken apart. Its right side is elaborated once, with symbols for dt and the increments, and must be linear in them: the drift is its derivative by dt,
// the diffusion applied to increments w is its derivative along w. Both are exact, whatever form the equation was written in.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { flatten } from '../values/leaves.ts';
import type { Noise } from './noise.ts';
import { zeroNoise } from './noise.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { record } from '../values/values.ts';
import { jvp } from '../../autodiff/jvp.ts';
import * as b from '../../ir/build.ts';
import { reachable, substitute } from '../../ir/region.ts';
import { valuesAtRandom } from '../random/random_values.ts';
import type { Node } from '../../ir/types.ts';
import { InternalError } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

/** d(X) of every state, for a step `dt` and increments `w` of the noises; a record like the states. */
export type Increment = (t: Node, y: RecordValue, dt: Node, w: RecordValue) => RecordValue;

export interface StochasticParts {
  readonly drift: (t: Node, y: RecordValue) => RecordValue;
  readonly diffuse: (t: Node, y: RecordValue, w: RecordValue) => RecordValue;
}

interface Split {
  readonly outputs: readonly Node[];
  readonly dt: Node;
  readonly w: readonly Node[];
  readonly rebuild: (nodes: readonly Node[]) => RecordValue;
}

export function stochasticParts(
  ctx: Context,
  name: string,
  noises: readonly Noise[],
  increment: Increment,
  spanOf: (state: string) => Span,
  span: Span,
): StochasticParts {
  const g = ctx.graph;
  const zero = flatten(ctx, zeroNoise(noises), span);
  let checked = false;
  let last: { readonly key: string; readonly split: Split } | undefined;

  const split = (t: Node, y: RecordValue): Split => {
    const key = [t, ...flatten(ctx, y, span).leaves.map((l) => l.node)].map((n) => n.id).join();
    if (last?.key === key) return last.split;
    const dt = g.param('dt', { dtype: ctx.real, shape: [] });
    const w = zero.leaves.map((l) => g.param(`d${l.path}`, l.node));
    const value = increment(t, y, dt, asRecord(zero.rebuild(w)));
    const flat = flatten(ctx, value, span);
    const outputs = flat.leaves.map((l) => l.node);
    if (!checked) {
      checked = true;
      verifyLinear(ctx, name, value, [dt, ...w], spanOf, span);
    }
    const made: Split = { outputs, dt, w, rebuild: (nodes) => asRecord(flat.rebuild(nodes)) };
    last = { key, split: made };
    return made;
  };
  const along = (s: Split, inputs: readonly Node[], tangents: readonly Node[]): RecordValue => {
    const made = jvp(g, s.outputs, inputs, tangents);
    return s.rebuild(made.map((n, i) => n ?? b.zerosLike(g, at(s.outputs, i))));
  };
  return {
    drift: (t, y) => {
      const s = split(t, y);
      return along(s, [s.dt], [g.constant(1, ctx.real)]);
    },
    diffuse: (t, y, w) => {
      const s = split(t, y);
      const flat = flatten(ctx, w, span).leaves.map((l, i) => {
        const like = at(s.w, i);
        return b.broadcastTo(g, b.cast(g, l.node, like.dtype), like.shape);
      });
      return along(s, s.w, flat);
    },
  };
}

/** Errors: a term without dt or an increment, a product of increments, an increment inside a function. */
function verifyLinear(
  ctx: Context,
  name: string,
  value: RecordValue,
  symbols: readonly Node[],
  spanOf: (state: string) => Span,
  span: Span,
): void {
  const g = ctx.graph;
  for (const [state, part] of value.entries) {
    const outputs = flatten(ctx, part, span).leaves.map((l) => l.node);
    const bends = symbols.some((s) =>
      reachable(jvp(g, outputs, [s], [b.onesLike(g, s)]).filter((n) => n !== undefined)).some((n) =>
        symbols.includes(n),
      ),
    );
    if (bends)
      failAt(
        ctx,
        'E482',
        `the equation of \`${state}\` in ${name} is not linear in dt and the increments of its noises`,
        spanOf(state),
        'every term is something times dt or something times an increment; dW*dW has the mean dt: write dt for it',
      );
    const still = substitute(g, outputs, new Map(symbols.map((s) => [s, b.zerosLike(g, s)])));
    const rest = valuesAtRandom(still);
    if (rest.some((numbers) => numbers.some((x) => x !== 0 && !Number.isNaN(x))))
      failAt(
        ctx,
        'E483',
        `a term in the equation of \`${state}\` in ${name} has neither dt nor an increment of a noise`,
        spanOf(state),
        'write d(X) = drift*dt + diffusion*dW',
      );
  }
}

function asRecord(v: Value): RecordValue {
  if (v.kind === 'record') return v;
  if (v.kind === 'tuple' && v.elements.length === 0) return record([]);
  throw new InternalError('elaborate.stochastic', 'states or noises that are no record');
}
