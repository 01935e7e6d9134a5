// A function of nodes, elaborated once: for parameters in place of what it is given; every call is answered by the same graph with its own nodes put in. For what a solve asks for several times with
// nothing changed but time and states: the rates in every stage of a step, the monitors in the loop, before and after it, the step itself where events interrupt it.
//
// Only for functions that leave nothing behind but their nodes: one that draws, asserts, solves or warns is elaborated every time. In a template nothing given is known at compile time, so a caller
// whose function may look at that hands over only what is not.

import type { Context } from '../context.ts';
import type { Flattened } from './leaves.ts';
import { substitute } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';

interface Template {
  readonly params: readonly Node[];
  readonly made: Flattened;
  /** How many names of draws a call takes: those of its calls and loops, which draw nothing. */
  readonly names: number;
}

/** `form` tells apart what would be elaborated differently for nodes of equal types. */
export type Templated = (given: readonly Node[], form: string) => Flattened;

/** `forms`: of how many forms there is a template; what comes later in others is elaborated every time. `fit`: whether what was made has nothing of the parameters but its leaves. */
export function templated(
  ctx: Context,
  work: (given: readonly Node[]) => Flattened,
  {
    forms = 1,
    fit = () => true,
  }: { readonly forms?: number; readonly fit?: (made: Flattened) => boolean } = {},
): Templated {
  const templates = new Map<string, Template>();
  let unfit = false;
  const traces = (): number[] => [
    ctx.asserts?.length ?? 0,
    ctx.pending.length,
    ctx.solves.length,
    ctx.diagnostics.length,
    ctx.drawn,
  ];
  const elaborated = (given: readonly Node[]): Template | undefined => {
    const params = given.map((n, i) => ctx.graph.param(`given${i}`, n));
    const [before, first] = [traces(), ctx.draws.ordinal];
    const made = work(params);
    const names = ctx.draws.ordinal - first;
    ctx.draws.ordinal = first;
    if (traces().every((n, i) => n === before[i]) && fit(made)) return { params, made, names };
    if (ctx.asserts !== undefined) ctx.asserts.length = at(before, 0);
    [ctx.pending.length, ctx.solves.length, ctx.diagnostics.length] = [
      at(before, 1),
      at(before, 2),
      at(before, 3),
    ];
    return undefined;
  };
  return (given, form) => {
    if (unfit) return work(given);
    const whole = `${form}|${given.map((n) => `${n.dtype}[${n.shape.join()}]`).join()}`;
    let template = templates.get(whole);
    if (template === undefined) {
      if (templates.size >= forms) return work(given);
      template = elaborated(given);
      if (template === undefined) {
        unfit = true;
        return work(given);
      }
      templates.set(whole, template);
    }
    const { params, made, names } = template;
    ctx.draws.ordinal += names;
    const nodes = substitute(
      ctx.graph,
      made.leaves.map((l) => l.node),
      new Map(params.map((p, i) => [p, at(given, i)])),
    );
    return { leaves: made.leaves.map((l, i) => ({ ...l, node: at(nodes, i) })), rebuild: made.rebuild };
  };
}
