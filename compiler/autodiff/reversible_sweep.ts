// The backward sweep of a loop whose steps can be undone: it keeps nothing. In: a linear loop and what one backward step does (transpose_regions.ts), and `back`, which takes the states behind a
// step to those before it. Out: an ordinary scan in the other direction that carries the states of the primal loop with the cotangents, from its end to its start.
//
// The cotangents of a step are computed by the same expressions as under any other policy, at the states that `back` finds; where these are the same bits, so are the cotangents.
// Source: D. Maclaurin, D. Duvenaud, R. Adams, "Gradient-based hyperparameter optimization through reversible learning" (2015); P. Kidger et al., "Efficient and accurate gradients for neural
// SDEs" (2021), algorithm 2.

import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import { projections } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import { inlineRegion, reachable, substitute } from '../ir/region.ts';
import type { Node, NodeOf, Region } from '../ir/types.ts';
import type { ScanParts } from './loops.ts';
import type { LinearParts, Sweep } from './reverse_sweep.ts';

export function reversibleSweep(
  g: Graph,
  node: NodeOf<'scan'>,
  s: ScanParts,
  linear: LinearParts,
  sweep: Sweep,
  back: Region,
): { readonly cotangents: readonly Node[]; readonly ys: readonly Node[] } {
  const { length, reverse, adjoint } = node.attrs;
  const primal = <T>(list: readonly T[], flags: readonly boolean[]): T[] =>
    list.filter((_, i) => flags[i] !== true);
  const before = primal(s.carryParams, linear.carries);
  const states = primal(s.carryResults, linear.carries);
  const [xParams, xs] = [primal(s.xParams, linear.xs), primal(s.xs, linear.xs)];
  const [constParams, consts] = [primal(s.constParams, linear.consts), primal(s.consts, linear.consts)];
  const given = 1 + before.length + xs.length + consts.length;
  if (back.params.length !== given || back.results.length !== before.length)
    throw new InternalError('autodiff.reversible', `a step back of ${back.params.length} operands, ${given}`);

  const forward = g.node('scan', [...primal(s.init, linear.carries), ...xs, ...consts], {
    length,
    carries: before.length,
    xs: xs.length,
    body: {
      params: [s.index, ...before, ...xParams, ...constParams],
      results: [...states, ...primal(s.yResults, linear.ys)],
    },
    reverse,
    snapshots: 0,
    adjoint,
  });
  const end = projections(g, forward).slice(0, before.length);
  const after = before.map((p, i) => g.param(`after${i}`, p));
  const found = inlineRegion(g, back, [s.index, ...after, ...xParams, ...constParams]);
  const results = substitute(
    g,
    [...sweep.cotangents.map((c) => c.result), ...sweep.ys],
    new Map(before.map((p, i) => [p, at(found, i)])),
  );
  for (const n of reachable(results))
    if (sweep.linearParams.has(n))
      throw new InternalError('autodiff.reversible', 'a reverse sweep depends on a tangent');

  const M = sweep.cotangents.length;
  const backwards = g.node(
    'scan',
    [...end, ...sweep.cotangents.map((c) => c.initial), ...sweep.xs.map((x) => x.value), ...xs, ...consts],
    {
      length,
      carries: before.length + M,
      xs: sweep.xs.length + xs.length,
      body: {
        params: [
          s.index,
          ...after,
          ...sweep.cotangents.map((c) => c.param),
          ...sweep.xs.map((x) => x.param),
          ...xParams,
          ...constParams,
        ],
        results: [...found, ...results],
      },
      reverse: !reverse,
      snapshots: 0,
      adjoint: { kind: 'auto' },
    },
  );
  const out = projections(g, backwards).slice(before.length);
  return { cotangents: out.slice(0, M), ys: out.slice(M) };
}
