// A function of nodes, elaborated once: for parameters in place of what it is given; every call is answered by the same graph with its own nodes put in. For what a solve asks for several times with
// nothing changed but time and states: the rates in every stage of a step, the monitors in the loop, before and after it.
//
// Only for functions that leave nothing behind but their nodes: one that draws, asserts, solves or warns is elaborated every time. In a template nothing given is known at compile time, so a caller
// whose function may look at that hands over only what is not.

import type { Context } from '../context.ts';
import type { Flattened } from './leaves.ts';
import { substitute } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';

interface Template {
  /** Types of what is given, and what else the caller says about it. */
  readonly form: string;
  readonly params: readonly Node[];
  readonly made: Flattened;
}

/** `form` tells apart what would be elaborated differently for nodes of equal types. */
export type Templated = (given: readonly Node[], form: string) => Flattened;

export function templated(ctx: Context, work: (given: readonly Node[]) => Flattened): Templated {
  let template: Template | undefined;
  let unfit = false;
  const counts = (): number[] => [
    ctx.asserts?.length ?? 0,
    ctx.solves.length,
    ctx.diagnostics.length,
    ctx.draws.ordinal,
  ];
  return (given, form) => {
    if (unfit) return work(given);
    const whole = `${form}|${given.map((n) => `${n.dtype}[${n.shape.join()}]`).join()}`;
    if (template === undefined) {
      const params = given.map((n, i) => ctx.graph.param(`given${i}`, n));
      const before = counts();
      const made = work(params);
      if (counts().some((n, i) => n !== before[i])) {
        unfit = true;
        if (ctx.asserts !== undefined) ctx.asserts.length = at(before, 0);
        [ctx.solves.length, ctx.diagnostics.length, ctx.draws.ordinal] = [
          at(before, 1),
          at(before, 2),
          at(before, 3),
        ];
        return work(given);
      }
      template = { form: whole, params, made };
    }
    if (template.form !== whole) return work(given);
    const { params, made } = template;
    const nodes = substitute(
      ctx.graph,
      made.leaves.map((l) => l.node),
      new Map(params.map((p, i) => [p, at(given, i)])),
    );
    return { leaves: made.leaves.map((l, i) => ({ ...l, node: at(nodes, i) })), rebuild: made.rebuild };
  };
}
