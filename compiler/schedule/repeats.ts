// What a thread computes again and again when nothing inside a step is stored. A value under a sum is computed anew for every term of the sum above it: two layers of a network one inside the other are
// width^2 evaluations of the first one. In: a body of a region operation, and how many elements of an array a thread has. Out: the operations of one step, as written, and with repetitions.

import { at } from '../support/lists.ts';
import type { RegionNode } from '../ir/classes.ts';
import { flopsPerElement, isRegionNode } from '../ir/classes.ts';
import { reachable } from '../ir/region.ts';
import type { Node, Region } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import { CHAIN } from './reads.ts';

export interface Repetition {
  /** Every element once. */
  readonly once: number;
  /** As often as it is asked for. */
  readonly repeated: number;
}

/** How often an element of an array is asked for: `times` in all; `unrolled` when every index is known, so that equal ones are computed once. */
interface Asked {
  readonly times: number;
  readonly unrolled: boolean;
}

/** `elements`: those of an array that belong to one thread; `operands`: what it takes from its surroundings for an operation with regions. */
export function repetitionOf(
  body: Region,
  elements: (shape: readonly number[]) => number,
  operands: (node: RegionNode) => readonly Node[],
): Repetition {
  const asked = new Map<Node, Asked>();
  const ask = (node: Node, more: Asked): void => {
    const before = asked.get(node);
    asked.set(node, {
      times: Math.max(before?.times ?? 0, more.times),
      unrolled: (before?.unrolled ?? true) && more.unrolled,
    });
  };
  for (const r of body.results) ask(r, { times: elements(r.shape), unrolled: true });
  let [once, repeated] = [0, 0];
  for (const node of reachable(body.results).toReversed()) {
    const own = asked.get(node);
    if (own === undefined || node.op === 'param') continue;
    // Loops and branches inside are judged by themselves; what they are given is computed before them.
    if (node.op === 'project' || isRegionNode(node)) {
      for (const a of node.op === 'project' ? node.args : operands(node))
        ask(a, { times: elements(a.shape), unrolled: true });
      continue;
    }
    const terms = termsOf(node);
    const flops = flopsPerElement(node);
    const cost = Number.isFinite(flops) && terms === 1 ? flops : terms;
    const all = elements(node.shape);
    const times = own.unrolled ? Math.min(own.times, all) : Math.max(own.times, 1);
    once += cost * Math.min(times, all);
    repeated += cost * times;
    const unrolled = own.unrolled && terms <= CHAIN;
    for (const a of node.args)
      ask(a, {
        times: unrolled ? Math.min(elements(a.shape), times * terms) : times * terms,
        unrolled,
      });
  }
  return { once, repeated };
}

/** Terms of the sum that an element is, 1 when it is none. */
function termsOf(node: Node): number {
  switch (node.op) {
    case 'reduce':
    case 'arg_reduce':
      return sizeOf(at(node.args, 0).shape) / Math.max(1, sizeOf(node.shape));
    case 'dot':
      return at(at(node.args, 0).shape, -1);
    case 'cumsum':
      return at(node.shape, node.attrs.axis);
    default:
      return 1;
  }
}
