// The rate of a state at the unknowns where schemes take values against the wind: what transport.ts notes down is put in its place, with the dissipation that follows from the rate.

import { jvp } from '../autodiff/jvp.ts';
import { abs, add, mul, onesLike } from '../ir/build.ts';
import { substitute } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { at } from '../support/lists.ts';
import { evaluation } from './demand.ts';
import type { TransportTerm } from './evaluation.ts';
import { unknowns } from './grid.ts';
import type { FieldContext, FieldExpr, Grid, Leaf } from './types.ts';

/** Whether an axis of a grid has a scheme with one-sided values. */
export function takesSides(grid: Grid): boolean {
  return grid.axes.some(({ scheme }) => scheme?.kind === 'stencil' && scheme.biased !== undefined);
}

/** The values at the unknowns of `rate`, the rate of the state `own`. */
export function transportedRate(context: FieldContext, rate: FieldExpr, own: Leaf): Node {
  const g = context.graph;
  const terms: TransportTerm[] = [];
  const ev = { ...evaluation(context), memo: new Map(), transport: { own, terms } };
  const raw = ev.demand(ev, rate, unknowns(context.grid));
  const means = new Map(terms.map((t) => [t.stand, t.mean]));
  const settled = (x: Node): Node => at(substitute(g, [x], means), 0);
  return terms.reduce((sum, { stand, jump }) => {
    const [slope] = jvp(g, [raw], [stand], [onesLike(g, stand)]);
    return slope === undefined ? sum : add(g, sum, mul(g, abs(g, settled(slope)), jump));
  }, settled(raw));
}
