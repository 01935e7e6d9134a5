// Items that are computed together: stored values of one space join one kernel when no path between them leaves it, when what one reads of another is its own point's, when they have
// an array in common, and when the kernel stays within the buffers it may have.
//
// Buffers are counted as they will be bound: values that stay inside the kernel need none, small values of one type share one, a carried array that only its own point reads is
// overwritten in place, and where it matters the other temporaries share an arena.

import { InternalError } from '../support/diagnostic.ts';
import { at, get } from '../support/lists.ts';
import type { Node } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import { BYTES } from '../kernel/types.ts';
import type { Item } from './items.ts';
import { isMapKind } from './items.ts';
import type { Carried, PartitionOptions, Unit } from './partition.ts';
import { SAME, LEAD } from './reads.ts';
import { bufferType } from './storage.ts';
import { isBatched, isStackedOutput } from './threads.ts';

interface Group {
  readonly id: number;
  readonly items: Item[];
  readonly key: string;
  readonly fused: boolean;
  readonly arrays: Set<Node>;
  /** Groups this one depends on, transitively. */
  readonly before: Set<number>;
}

/** Whether `reader` may read the stored value of `other` inside one kernel. */
function readsOwn(reader: Item, value: Node): boolean {
  const bits = reader.reads.get(value) ?? 0;
  if (reader.serial) return true;
  if ((bits & SAME) !== 0 && sameSize(value.shape, reader.space)) return true;
  return (bits & LEAD) !== 0 && reader.space.length > 0 && isBatched(value.shape, reader.space);
}

function sameSize(shape: readonly number[], space: readonly number[]): boolean {
  return sizeOf(shape) === sizeOf(space);
}

/** An item may join one of so many kernels of its kind, the latest. */
const CANDIDATES = 32;

/** Small values of one type share a buffer. */
export const PACKED = 64;

/** What is known about all items of a region when buffers are counted. */
export interface Surroundings {
  readonly definedBy: ReadonlyMap<Node, Item>;
  readonly readers: ReadonlyMap<Node, readonly Item[]>;
  readonly results: ReadonlySet<Node>;
  readonly carried: Carried;
  readonly options: PartitionOptions;
}

export function surroundingsOf(
  items: readonly Item[],
  results: ReadonlySet<Node>,
  carried: Carried,
  options: PartitionOptions,
): Surroundings {
  const definedBy = new Map<Node, Item>();
  const readers = new Map<Node, Item[]>();
  for (const item of items) {
    for (const output of item.outputs) definedBy.set(output, item);
    for (const read of item.reads.keys()) {
      const list = readers.get(read);
      if (list === undefined) readers.set(read, [item]);
      else list.push(item);
    }
  }
  return { definedBy, readers, results, carried, options };
}

/** Whether one kernel for these items stays within the buffers it may have. */
function bindable(items: ReadonlySet<Item>, around: Surroundings): boolean {
  const { definedBy, readers, results, options } = around;
  const arrays = new Set<Node>();
  const packs = new Set<string>();
  let fixed = 0;
  for (const item of items) {
    for (const read of item.reads.keys()) arrays.add(read);
    for (const output of item.outputs) arrays.add(output);
    if (item.kind === 'copy') fixed++;
    for (const literal of item.literals) {
      if (sizeOf(literal.shape) <= PACKED) packs.add(`constants ${literal.dtype}`);
      else arrays.add(literal);
    }
  }
  let temporaries = 0;
  let bytes = 0;
  const types = new Set<string>();
  for (const node of arrays) {
    const definer = definedBy.get(node);
    const own = definer !== undefined && items.has(definer);
    const stacked = isStackedOutput(node);
    if (own && !results.has(node) && !stacked && (readers.get(node) ?? []).every((r) => items.has(r)))
      continue;
    const type = bufferType(node.dtype);
    if (sizeOf(node.shape) <= PACKED) packs.add(type);
    else if (definer !== undefined && !results.has(node) && !stacked) {
      temporaries++;
      bytes += sizeOf(node.shape) * BYTES[type];
      types.add(type);
    } else if (!overwrites(node, items, around)) fixed++;
  }
  const others = fixed + packs.size;
  if (others + temporaries <= options.maxBuffers) return true;
  return bytes <= options.maxBinding && others + types.size <= options.maxBuffers;
}

/** Whether the array is a carried one that the items alone read, each at its own point, and whose next value they compute: both are one buffer then. */
function overwrites(param: Node, items: ReadonlySet<Item>, around: Surroundings): boolean {
  const next = around.carried.get(param);
  if (next === undefined || sizeOf(param.shape) <= PACKED) return false;
  const definer = around.definedBy.get(next);
  if (definer === undefined || !items.has(definer)) return false;
  return (around.readers.get(param) ?? []).every((r) => items.has(r) && readsOwn(r, param));
}

/** Whether a kernel for the item alone stays within its buffers. */
export function withinLimits(item: Item, around: Surroundings): boolean {
  return !isMapKind(item.kind) || bindable(new Set([item]), around);
}

export function fuse(items: readonly Item[], around: Surroundings): Unit[] {
  const { definedBy } = around;
  // Definitions before uses: items were made in the order of their nodes, copies first.
  const ordered = sortItems(items, definedBy);
  const groupOf = new Map<Item, Group>();
  const groups: Group[] = [];
  const byKey = new Map<string, Group[]>();
  for (const item of ordered) {
    const dependencies = new Set<Item>();
    for (const read of item.reads.keys()) {
      const definer = definedBy.get(read);
      if (definer !== undefined && definer !== item) dependencies.add(definer);
    }
    const fusable = isMapKind(item.kind) && (item.kind !== 'line' || item.serial);
    const key = `${item.serial ? 'serial' : item.space.join('x')}|${item.core}`;
    let target: Group | undefined;
    let best = -1;
    if (fusable) {
      for (const group of (byKey.get(key) ?? []).slice(-CANDIDATES)) {
        const shared = fits(item, group, dependencies, groupOf, around);
        if (shared > best) {
          best = shared;
          target = group;
        }
      }
    }
    if (target === undefined) {
      target = { id: groups.length, items: [], key, fused: fusable, arrays: new Set(), before: new Set() };
      groups.push(target);
      if (fusable) {
        const list = byKey.get(key);
        if (list === undefined) byKey.set(key, [target]);
        else list.push(target);
      }
    }
    const joined = target;
    joined.items.push(item);
    groupOf.set(item, joined);
    for (const read of item.reads.keys()) joined.arrays.add(read);
    for (const output of item.outputs) joined.arrays.add(output);
    const added = new Set<number>();
    for (const d of dependencies) {
      const g = get(groupOf, d);
      if (g === joined) continue;
      added.add(g.id);
      for (const b of g.before) added.add(b);
    }
    for (const b of added) joined.before.add(b);
    if (added.size > 0)
      for (const g of groups) if (g.before.has(joined.id)) for (const b of added) g.before.add(b);
  }
  return sortGroups(groups).map((group) =>
    group.fused
      ? {
          kind: 'map',
          space: at(group.items, 0).space,
          serial: at(group.items, 0).serial,
          items: group.items,
        }
      : { kind: 'step', item: at(group.items, 0) },
  );
}

/** How many arrays the item shares with the group; negative when it cannot join. */
function fits(
  item: Item,
  group: Group,
  dependencies: ReadonlySet<Item>,
  groupOf: ReadonlyMap<Item, Group>,
  around: Surroundings,
): number {
  for (const d of dependencies) {
    const g = get(groupOf, d);
    if (g !== group && g.before.has(group.id)) return -1;
  }
  let shared = 0;
  for (const read of item.reads.keys()) {
    const definer = around.definedBy.get(read);
    if (definer !== undefined && groupOf.get(definer) === group) {
      if (!readsOwn(item, read)) return -1;
      shared += 2;
    } else if (group.arrays.has(read)) shared++;
  }
  if (shared === 0 && !item.serial) return -1;
  if (!bindable(new Set([...group.items, item]), around)) return -1;
  return shared;
}

function sortItems(items: readonly Item[], definedBy: ReadonlyMap<Node, Item>): Item[] {
  const state = new Map<Item, 'open' | 'done'>();
  const out: Item[] = [];
  const visit = (item: Item): void => {
    const known = state.get(item);
    if (known === 'done') return;
    if (known === 'open') throw new InternalError('schedule.partition', `a value depends on itself`);
    state.set(item, 'open');
    for (const read of item.reads.keys()) {
      const definer = definedBy.get(read);
      if (definer !== undefined && definer !== item) visit(definer);
    }
    state.set(item, 'done');
    out.push(item);
  };
  for (const item of [...items].sort((a, b) => a.node.id - b.node.id || a.id - b.id)) visit(item);
  return out;
}

function sortGroups(groups: readonly Group[]): Group[] {
  // What depends on more comes later: the groups before a group are a proper part of those before its dependents.
  return [...groups].sort((a, b) => a.before.size - b.before.size || a.id - b.id);
}
