// Steps of a fixed length with states saved at times that need not be their ends: a loop over the saved times, and inside one over the steps up to each, whose number is found while it runs. A method with an interpolant
// (`dense`) takes the step around the time first; of any other the step up to the time is its own, shortened (between_steps.ts).

import type { Context } from '../context.ts';
import { shared } from './adjoint_choice.ts';
import type { SavedBetween } from './save_plan.ts';
import * as b from '../../ir/build.ts';
import { makeScan, makeWhile } from '../../ir/region.ts';
import type { AdjointPolicy, Node } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';

export interface BetweenSteps {
  readonly init: readonly Node[];
  readonly step: (i: Node, leaves: readonly Node[]) => readonly Node[];
  /** Steps of the solve. */
  readonly steps: number;
  readonly save: SavedBetween;
  readonly policy: AdjointPolicy;
  /** The step around a saved time is taken before its states are asked for. */
  readonly takesStep: boolean;
  /** What is saved at a time, in or at the end of step i: `after` i + 1 steps the leaves where the step is taken, else undefined. */
  readonly row: (place: {
    readonly time: Node;
    readonly i: Node;
    readonly before: readonly Node[];
    readonly after: readonly Node[] | undefined;
  }) => readonly Node[];
}

export function savedRows(
  ctx: Context,
  r: BetweenSteps,
): { readonly final: readonly Node[]; readonly rows: readonly Node[] } {
  const g = ctx.graph;
  const { save, takesStep } = r;
  const n = r.init.length;
  const count = save.times.shape[0] ?? 1;
  const share = shared(r.policy, count, r.init);
  /** Carried: the number of steps taken, the leaves and, where the step around a time is taken, those before the last. */
  const advance = (carries: readonly Node[], until: Node): readonly Node[] =>
    makeWhile(g, {
      init: carries,
      limit: r.steps,
      adjoint: share.inner,
      condition: ([i]) => b.lt(g, i ?? until, until),
      body: (_turn, now) => {
        const [i, leaves] = [at(now, 0), now.slice(1, 1 + n)];
        return [b.add(g, i, 1), ...r.step(i, leaves), ...(takesStep ? leaves : [])];
      },
    }).carries;
  const begun = [g.constant(0, 'i32'), ...r.init, ...(takesStep ? r.init : [])];
  const loop = makeScan(g, {
    length: count,
    init: begun,
    xs: [save.times, save.stepsBefore],
    adjoint: share.outer,
    body: (_j, carries, [time, before]) => {
      const target = before ?? at(begun, 0);
      const next = advance(carries, takesStep ? b.add(g, target, 1) : target);
      const [leaves, earlier] = [next.slice(1, 1 + n), next.slice(1 + n)];
      const row = r.row({
        time: time ?? save.times,
        i: takesStep ? b.sub(g, at(next, 0), 1) : at(next, 0),
        before: takesStep ? earlier : leaves,
        after: takesStep ? leaves : undefined,
      });
      return { carries: next, ys: [...row] };
    },
  });
  const final = advance(loop.carries, g.constant(r.steps, 'i32'));
  return { final: final.slice(1, 1 + n), rows: loop.ys };
}
