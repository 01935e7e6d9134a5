// How a scatter_add is computed, always without atomics and in the order of the updates, so that its bits never change:
//
//   few updates for few places   every place looks at all updates
//   an index known now           every place has the list of its updates (sparse rows)
//   an index of run time         every place has the list of its updates, worked out at run time (emit_rows.ts)

import { at } from '../support/lists.ts';
import { interpret } from '../ir/interpret.ts';
import { reachable } from '../ir/region.ts';
import type { Node, NodeOf } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';

/** Comparisons of places with updates up to which every place looks at all updates. */
const DENSE = 2 ** 16;
/** Arrays of indices up to this size are worked out when the program is compiled. */
const LARGEST_KNOWN = 2 ** 22;

export interface KnownRows {
  readonly start: Int32Array;
  readonly list: Int32Array;
}

/** So few updates of a batch element that looking at them costs less than any list. */
const FEW = 8;

function comparisons(node: NodeOf<'scatter_add'>): number {
  const index = at(node.args, 0);
  const updates = sizeOf(index.shape.slice(node.attrs.batch));
  return updates <= FEW ? 0 : sizeOf(index.shape) * node.attrs.size;
}

function isKnown(index: Node): boolean {
  return (
    sizeOf(index.shape) <= LARGEST_KNOWN &&
    reachable([index]).every((n) => n.op !== 'param' && n.op !== 'project')
  );
}

/** Whether the lists of the places' updates are worked out at run time. */
export function needsLists(node: NodeOf<'scatter_add'>): boolean {
  return node.args.length === 2 && comparisons(node) > DENSE && !isKnown(at(node.args, 0));
}

/** The rows of scatters with known indices, worked out once for each index. */
export class Scatters {
  private readonly known = new Map<string, KnownRows | undefined>();

  rows(node: NodeOf<'scatter_add'>): KnownRows | undefined {
    if (node.args.length > 2 || comparisons(node) <= DENSE) return undefined;
    const index = at(node.args, 0);
    const key = `${index.id}|${node.attrs.batch}|${node.attrs.size}`;
    if (!this.known.has(key))
      this.known.set(key, isKnown(index) ? rowsOf(index, node.attrs.batch, node.attrs.size) : undefined);
    return this.known.get(key);
  }
}

function rowsOf(index: Node, batch: number, size: number): KnownRows {
  const { data } = at(interpret([index], new Map()), 0);
  const inner = sizeOf(index.shape.slice(batch));
  const rows = sizeOf(index.shape.slice(0, batch)) * size;
  const row = (i: number): number =>
    Math.floor(i / Math.max(1, inner)) * size + Math.max(0, Math.min(size - 1, data[i] ?? 0));
  const start = new Int32Array(rows + 1);
  for (let i = 0; i < data.length; i++) {
    const r = row(i) + 1;
    start[r] = (start[r] ?? 0) + 1;
  }
  for (let r = 1; r <= rows; r++) start[r] = (start[r] ?? 0) + (start[r - 1] ?? 0);
  const next = start.slice();
  const list = new Int32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const r = row(i);
    const place = next[r] ?? 0;
    list[place] = i;
    next[r] = place + 1;
  }
  return { start, list };
}
