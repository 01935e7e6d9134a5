// What a reverse sweep through a loop costs: bytes held and steps run again. For `flowc explain`.

import { forwardSteps } from '../support/revolve.ts';
import { regionsOf } from '../ir/classes.ts';
import type { Node } from '../ir/types.ts';
import { reachable } from '../ir/region.ts';
import { bytesOfTypes } from './loops.ts';

export interface AdjointCost {
  readonly length: number;
  /** Carried states held at a time; `length` when all are stored. */
  readonly slots: number;
  /** Bytes of one carried state, of those parts that the sweep needs. */
  readonly stateBytes: number;
  /** Bytes of all states held: slots · stateBytes. */
  readonly bytes: number;
  /** Steps run forwards again, beside the loop itself and one recomputation a step inside the reverse body. */
  readonly recomputedSteps: number;
  /** How deep inside other loops' bodies: the costs are those of one turn of the loop around. */
  readonly depth: number;
}

/** The cost of an adjoint scan; undefined for any other node. */
export function describeAdjoint(node: Node, depth = 0): AdjointCost | undefined {
  if (node.op !== 'adjoint_scan') return undefined;
  const { length, slots, carries } = node.attrs;
  const stateBytes = bytesOfTypes(node.attrs.forward.params.slice(1, 1 + carries));
  return {
    length,
    slots,
    stateBytes,
    bytes: slots * stateBytes,
    recomputedSteps: forwardSteps(length, slots),
    depth,
  };
}

/** The costs of all adjoint scans that `results` need, loops inside loops included, in order of computation. */
export function describeAdjoints(results: readonly Node[], depth = 0): AdjointCost[] {
  return reachable(results).flatMap((node) => {
    const own = describeAdjoint(node, depth);
    const inner = regionsOf(node).flatMap(([, region]) => describeAdjoints(region.results, depth + 1));
    return own === undefined ? inner : [own, ...inner];
  });
}
