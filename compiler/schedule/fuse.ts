// Items that are computed together: stored values of one space join one kernel when no path between them leaves it, when what one reads of another is its own point's, when they have
// an array in common, and when the kernel stays within the buffers it may have.
//
// Spaces need not be equal: cells and the faces around them differ by one row or column, and a step of an adjoint sweep works on all of them. Their kernel runs over the box that holds both, every value
// computed where it has a point.
//
// Buffers are counted as they will be bound: values that stay inside the kernel need none, small values of one type share one, a carried array that only its own point reads is
// overwritten in place, and where it matters the other temporaries share an arena.

import { InternalError } from '../support/diagnostic.ts';
import { at, get } from '../support/lists.ts';
import type { Node } from '../ir/types.ts';
import { sameShape, sizeOf } from '../ir/types.ts';
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
  readonly fused: boolean;
  readonly arrays: Set<Node>;
  /** Groups this one depends on, transitively. */
  readonly before: Set<number>;
}

/** Whether `reader` may read the stored value of another item inside one kernel; in a kernel of several spaces the value has to have the reader's. */
function readsOwn(reader: Item, value: Node, mixed: boolean): boolean {
  const bits = reader.reads.get(value) ?? 0;
  if (mixed) return (bits & SAME) !== 0 && sameShape(withoutOnes(value.shape), reader.space);
  if (reader.serial) return true;
  if ((bits & SAME) !== 0 && sameSize(value.shape, reader.space)) return true;
  return (bits & LEAD) !== 0 && reader.space.length > 0 && isBatched(value.shape, reader.space);
}

/** The smallest space that holds those of the items. */
export function boxOf(items: readonly Item[]): readonly number[] {
  const { space } = at(items, 0);
  return space.map((_, axis) => Math.max(...items.map((item) => at(item.space, axis))));
}

export function withoutOnes(shape: readonly number[]): readonly number[] {
  return shape.filter((extent) => extent !== 1);
}

export function isMixed(items: readonly Item[]): boolean {
  const [first, ...others] = items;
  return first !== undefined && others.some((item) => !sameShape(item.space, first.space));
}

/** Extents may differ by so many along an axis. */
const NEIGHBOURS = 2;

/** Whether the item's space is nearly that of the group, so that one kernel over both wastes few points. */
function isNear(item: Item, group: Group): boolean {
  if (item.serial || item.space.length === 0) return false;
  const all = [...group.items, item];
  if (all.some((other) => other.serial || (other.kind !== 'value' && other.kind !== 'copy'))) return false;
  if (all.some((other) => other.space.length !== item.space.length)) return false;
  const box = boxOf(all);
  return all.every(
    ({ space }) =>
      space.every((extent, axis) => at(box, axis) - extent <= NEIGHBOURS) &&
      4 * sizeOf(box) <= 5 * sizeOf(space),
  );
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
  const mixed = isMixed([...items]);
  return (around.readers.get(param) ?? []).every((r) => items.has(r) && readsOwn(r, param, mixed));
}

/**
 * Operations in the text of a kernel from which on no further item joins it: what targets and drivers do with a kernel grows faster than its text, and one more dispatch costs less. A sweep backwards
 * still joins its loop, whose steps then run once.
 */
const LONGEST = 500;

function tooLong(item: Item, group: Group): boolean {
  if (item.node.op === 'adjoint_scan') return false;
  return group.items.reduce((text, other) => text + other.text, item.text) > LONGEST;
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
  /** Groups with an item of a space, and of a number of axes. */
  const byKey = new Map<string, Group[]>();
  const byRank = new Map<string, Group[]>();
  for (const item of ordered) {
    const dependencies = new Set<Item>();
    for (const read of item.reads.keys()) {
      const definer = definedBy.get(read);
      if (definer !== undefined && definer !== item) dependencies.add(definer);
    }
    const fusable = isMapKind(item.kind) && (item.kind !== 'line' || item.serial);
    const key = `${item.serial ? 'serial' : item.space.join('x')}|${item.core}`;
    const nearKey = `${item.space.length}|${item.core}`;
    const bestOf = (list: readonly Group[] | undefined): Group | undefined => {
      let best = -1;
      let found: Group | undefined;
      for (const group of (list ?? []).slice(-CANDIDATES)) {
        const shared = fits(item, group, dependencies, groupOf, around);
        if (shared > best) {
          best = shared;
          found = group;
        }
      }
      return found;
    };
    const near = () => bestOf(byRank.get(nearKey)?.filter((group) => isNear(item, group)));
    const known = fusable ? (bestOf(byKey.get(key)) ?? near()) : undefined;
    const joined: Group = known ?? {
      id: groups.length,
      items: [],
      fused: fusable,
      arrays: new Set(),
      before: new Set(),
    };
    if (known === undefined) groups.push(joined);
    if (fusable) {
      enter(byKey, key, joined);
      enter(byRank, nearKey, joined);
    }
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
          space: boxOf(group.items),
          serial: at(group.items, 0).serial,
          items: group.items,
        }
      : { kind: 'step', item: at(group.items, 0) },
  );
}

function enter(map: Map<string, Group[]>, key: string, group: Group): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [group]);
  else if (!list.includes(group)) list.push(group);
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
  const mixed = isMixed([...group.items, item]);
  for (const read of item.reads.keys()) {
    const definer = around.definedBy.get(read);
    if (definer !== undefined && groupOf.get(definer) === group) {
      if (!readsOwn(item, read, mixed)) return -1;
      if (mixed && !sameShape(definer.space, item.space)) return -1;
      shared += 2;
    } else if (group.arrays.has(read)) shared++;
  }
  if ((shared === 0 && !item.serial) || tooLong(item, group)) return -1;
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
