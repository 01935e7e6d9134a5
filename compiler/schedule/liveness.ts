// Which stored values of a region need a place in memory, and which unit reads each value last.

import { sizeOf } from '../ir/types.ts';
import type { Node } from '../ir/types.ts';
import { UNROLL } from './lower_map.ts';
import type { Item } from './items.ts';
import type { RegionPlan, Unit } from './partition.ts';
import { isStackedOutput, restShape } from './threads.ts';

export interface Liveness {
  /** In the order in which they are computed. */
  readonly live: ReadonlySet<Node>;
  readonly lastRead: ReadonlyMap<Node, number>;
}

function itemsOf(unit: Unit): readonly Item[] {
  return unit.kind === 'map' ? unit.items : [unit.item];
}

/** A value needs a place when it is a wanted result, when another unit reads it, or when its own serial unit holds it in memory. */
export function liveness(plan: RegionPlan, targets: readonly unknown[]): Liveness {
  const wanted = new Set<Node>();
  targets.forEach((target, i) => {
    const value = plan.resultValues[i];
    if (target !== undefined && value !== undefined) wanted.add(value);
  });
  const unitOf = new Map<Node, number>();
  plan.units.forEach((unit, u) => {
    for (const item of itemsOf(unit)) for (const output of item.outputs) unitOf.set(output, u);
  });
  const lastRead = new Map<Node, number>();
  plan.units.forEach((unit, u) => {
    for (const item of itemsOf(unit))
      for (const node of item.reads.keys()) {
        lastRead.set(node, u);
        const definer = unitOf.get(node);
        if (definer === undefined) continue;
        if (definer !== u || (unit.kind === 'map' && inMemory(unit, node))) wanted.add(node);
      }
  });
  const live = new Set<Node>();
  for (const unit of plan.units)
    for (const item of itemsOf(unit))
      for (const output of item.outputs) if (wanted.has(output) && sizeOf(output.shape) > 0) live.add(output);
  return { live, lastRead };
}

/** Whether a value that its own unit reads has to be in memory for that. */
function inMemory(unit: Extract<Unit, { kind: 'map' }>, node: Node): boolean {
  if (node.op === 'project')
    return isStackedOutput(node) || sizeOf(restShape(node.shape, unit.space)) > UNROLL;
  return unit.serial && sizeOf(node.shape) > UNROLL;
}
