// Which values need no variable.

import { isCompound } from '../../ir/classes.ts';
import { reachable } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { sizeOf } from '../../ir/types.ts';

/** Cheap to compute again wherever it is needed: no loop, no draw, small. */
export function isCheap(node: Node): boolean {
  if (sizeOf(node.shape) > 4096) return false;
  const work = reachable([node]);
  return (
    work.length < 48 &&
    !work.some(
      (n) =>
        n.op === 'param' ||
        isCompound(n) ||
        n.op === 'random_bits' ||
        n.op === 'dot' ||
        (n.op === 'literal' && n.attrs.data.length > 64),
    )
  );
}
