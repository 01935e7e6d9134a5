// What is stored, and what is computed together: a region becomes units, each one kernel (or a loop of kernels), in an order that respects their dependencies.
//
// Stored are results, operands of loops that are sequences of kernels, reductions, products and other contractions, tables, the `keep` nodes that survive thinning, and values whose
// recomputation would cost much. Everything else is computed where it is used. Then stored values of one shape join one kernel when no path between them leaves it.
//
// Invariant: the partition is a function of the region alone. Results from `core` on (outputs that a step stacks) never change how the first ones (carried values) are computed, so
// that a sweep which recomputes only the carried values runs the same kernels as the first one.
// Source: the fusion rule of the design notes (storage candidates, thinning, no storage points inside elementwise clusters).

import { InternalError } from '../support/diagnostic.ts';
import { at, get } from '../support/lists.ts';
import { classOf, flopsPerElement, isRegionNode } from '../ir/classes.ts';
import { reachable } from '../ir/region.ts';
import type { Node, Region } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import { CONSTANT, LEAD, SAME, UNIFORM, walkReads } from './reads.ts';
import type { ThreadShape } from './threads.ts';
import { bodiesOf, isBatched, threadShape } from './threads.ts';

export interface PartitionOptions {
  /** Storage buffers a kernel. */
  readonly maxBuffers: number;
  /** Operations saved by storing a value that make up for storing it. */
  readonly storeCost: number;
  /** Whether loops of few values may run inside one kernel. */
  readonly threads: boolean;
  /** Values of at most this many elements are computed by a single thread together with other such values. */
  readonly serial: number;
}

/** One stored value, or one region operation with all its outputs. */
export interface Item {
  readonly id: number;
  readonly kind: 'value' | 'copy' | 'line' | 'thread' | 'sequence' | 'product';
  /** The node computed; for `copy` the result that is stored without being a stored value itself. */
  readonly node: Node;
  /** Stored nodes this defines. */
  readonly outputs: readonly Node[];
  /** For `copy`: which result. */
  readonly result: number | undefined;
  readonly space: readonly number[];
  readonly serial: boolean;
  readonly core: boolean;
  readonly thread: ThreadShape | undefined;
  /** Leaves read, with the relation that holds for every read. */
  readonly reads: ReadonlyMap<Node, number>;
  readonly flops: number;
}

export type Unit =
  | {
      readonly kind: 'map';
      readonly space: readonly number[];
      readonly serial: boolean;
      readonly items: readonly Item[];
    }
  | { readonly kind: 'step'; readonly item: Item };

export interface RegionPlan {
  readonly region: Region;
  readonly units: readonly Unit[];
  /** Values that have a place in memory, but for parameters. */
  readonly stored: ReadonlySet<Node>;
  /** For each result the stored value it is, or undefined when a copy item writes it. */
  readonly resultValues: readonly (Node | undefined)[];
}

/** Single threads run no sums of more terms than this. */
const SERIAL_TERMS = 256;
/** Reductions of at most this many terms are part of the expressions that use them. */
const INLINE_TERMS = 8;
/** Longest chain of dependent operations in one kernel. */
const MAX_CHAIN = 300;
/** Matrix products with fewer multiplications than this are sums inside a map kernel. */
const PRODUCT_WORK = 4096;
/** `keep` is not followed where the value costs at most this many operations on at most so many arrays. */
const THIN_FLOPS = 8;
const THIN_ARRAYS = 3;

/** The node whose elements, in the same order, are those of `node`. */
export function base(node: Node): Node {
  let b = node;
  while (b.op === 'keep' || b.op === 'stop_gradient' || b.op === 'reshape') b = at(b.args, 0);
  return b;
}

function isLeaf(node: Node): boolean {
  return node.op === 'param' || node.op === 'const' || node.op === 'literal';
}

function ids(nodes: readonly Node[]): string {
  return nodes.map((n) => n.id).join();
}

/** How the region operations of a compilation run; looked up once for each. */
export class Strategies {
  private readonly known = new Map<string, ThreadShape | undefined>();

  constructor(private readonly allowed: boolean) {}

  thread(node: Node): ThreadShape | undefined {
    if (!this.allowed || !isRegionNode(node)) return undefined;
    // The bodies decide, with the shapes of what they are given.
    const bodies = bodiesOf(node).map(({ region }) => `${ids(region.params)}>${ids(region.results)}`);
    const key = `${node.op}|${bodies.join('|')}|${node.args.map((a) => a.shape.join()).join(';')}`;
    if (!this.known.has(key)) this.known.set(key, threadShape(node));
    return this.known.get(key);
  }
}

export function isProduct(node: Node): boolean {
  if (node.op !== 'dot') return false;
  const [a, b] = node.args;
  if (a === undefined || b === undefined) return false;
  return (
    sizeOf(node.shape) * at(a.shape, a.shape.length - 1) >= PRODUCT_WORK &&
    node.dtype !== 'i32' &&
    node.dtype !== 'u32'
  );
}

function termsOf(node: Node): number {
  const a = node.args[0];
  if (a === undefined) return 1;
  switch (node.op) {
    case 'reduce':
      return sizeOf(node.attrs.axes.map((axis) => at(a.shape, axis)));
    case 'dot':
      return at(a.shape, a.shape.length - 1);
    case 'arg_reduce':
    case 'cumsum':
      return at(a.shape, node.attrs.axis);
    case 'scatter_add':
      return sizeOf(a.shape.slice(node.attrs.batch));
    default:
      return 1;
  }
}

/** Decides storage for the nodes under some results. */
class Storage {
  readonly stored = new Set<Node>();

  constructor(
    private readonly strategies: Strategies,
    private readonly options: PartitionOptions,
    private readonly params: ReadonlySet<Node>,
  ) {}

  /** Adds what the results need; nodes in `settled` keep the decision they have. */
  decide(results: readonly Node[], settled: ReadonlySet<Node>): Node[] {
    const order = reachable(results, this.params);
    const costs = new Map<Node, number>();
    const chains = new Map<Node, number>();
    const must = (node: Node): void => {
      const b = base(node);
      if (isLeaf(b) || this.params.has(b)) return;
      this.stored.add(b);
      costs.set(b, 0);
      chains.set(b, 0);
    };
    for (const r of results) if (!settled.has(base(r))) must(r);
    const shifts = this.shiftUses(order, settled);
    for (const node of order) {
      if (this.params.has(node)) continue;
      if (isRegionNode(node)) {
        const thread = this.strategies.thread(node);
        node.args.forEach((arg, i) => {
          if (thread === undefined) must(arg);
          else if (this.dear(arg, at(thread.operandBits, i), costs)) must(arg);
        });
        continue;
      }
      if (node.op === 'project') {
        this.stored.add(node);
        continue;
      }
      if (!settled.has(node)) this.contraction(node, must, costs);
      if (node.op === 'keep' && !settled.has(node) && this.survives(node)) must(node);
      const cost = this.stored.has(node) ? 0 : this.costOf(node, costs);
      costs.set(node, cost);
      const chain = this.stored.has(node)
        ? 0
        : 1 + node.args.reduce((most, a) => Math.max(most, chains.get(a) ?? 0), 0);
      chains.set(node, chain);
      if (settled.has(node) || this.stored.has(node) || isLeaf(node)) continue;
      const repeated = shifts.get(node) ?? 0;
      if (chain > MAX_CHAIN || (repeated > 0 && cost * repeated > this.options.storeCost)) {
        if (node.dtype === 'bool' || classOf(node.op) === 'movement') continue;
        must(node);
      }
    }
    return order;
  }

  private costOf(node: Node, costs: ReadonlyMap<Node, number>): number {
    const flops = flopsPerElement(node);
    let cost = Number.isFinite(flops) ? flops : 1;
    const terms = termsOf(node);
    for (const arg of node.args) cost += (costs.get(arg) ?? 0) * terms;
    return Math.min(cost, 1e6);
  }

  /** How often an element of the value is computed again because it is read through different shifts. */
  private shiftUses(order: readonly Node[], settled: ReadonlySet<Node>): Map<Node, number> {
    const uses = new Map<Node, { moved: number; direct: number; copies: number }>();
    for (const user of order) {
      if (settled.has(user)) continue;
      const kind = classOf(user.op);
      user.args.forEach((arg) => {
        if (isLeaf(arg)) return;
        const use = uses.get(arg) ?? { moved: 0, direct: 0, copies: 0 };
        if (user.op === 'broadcast') {
          const factor = sizeOf(user.shape) / Math.max(1, sizeOf(arg.shape));
          if (factor > 1) use.copies = Math.max(use.copies, factor - 1);
          else use.direct = 1;
        } else if (kind === 'movement' && user.op !== 'reshape' && user.op !== 'transpose') use.moved++;
        else if (user.op === 'reduce' || user.op === 'dot') use.copies += user.op === 'dot' ? 4 : 0;
        else use.direct = 1;
        uses.set(arg, use);
      });
    }
    return new Map(
      [...uses].map(([node, u]) => [node, Math.max(0, u.moved + u.direct - 1) + Math.min(u.copies, 16)]),
    );
  }

  private contraction(node: Node, must: (node: Node) => void, costs: ReadonlyMap<Node, number>): void {
    switch (node.op) {
      case 'reduce':
      case 'arg_reduce': {
        const inner = at(node.args, 0);
        if (termsOf(node) > INLINE_TERMS || (costs.get(inner) ?? 0) * termsOf(node) > this.options.storeCost)
          must(node);
        return;
      }
      case 'dot':
        must(node);
        if (isProduct(node)) node.args.forEach((arg) => must(movedFrom(arg)));
        return;
      case 'cumsum':
        must(node);
        return;
      case 'scatter_add':
        must(node);
        node.args.forEach((arg) => {
          if ((costs.get(arg) ?? 0) > 2) must(arg);
        });
        return;
      case 'gather':
        if ((costs.get(at(node.args, 0)) ?? 0) > 0) must(at(node.args, 0));
        return;
      default:
        return;
    }
  }

  /** An operand of a loop inside a kernel that is read in other places than the thread's own, and costs something. */
  private dear(arg: Node, bits: number, costs: ReadonlyMap<Node, number>): boolean {
    const b = base(arg);
    if (isLeaf(b) || this.params.has(b)) return false;
    if ((bits & CONSTANT) !== 0 && (bits & (LEAD | UNIFORM)) !== 0) return false;
    return (costs.get(b) ?? 0) > 4;
  }

  /** Whether a `keep` is worth a store: not when it is little work on few arrays, all at the same index. */
  private survives(keep: Node): boolean {
    const b = base(keep);
    if (this.stored.has(b) || isLeaf(b) || this.params.has(b)) return false;
    const seen = new Set<Node>();
    const arrays = new Set<Node>();
    let flops = 0;
    const stack = [b];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (seen.has(node)) continue;
      seen.add(node);
      if (this.params.has(node) || this.stored.has(node)) {
        if (sizeOf(node.shape) > 1) arrays.add(node);
        continue;
      }
      const kind = classOf(node.op);
      if (kind === 'leaf') continue;
      const scalarBroadcast = node.op === 'broadcast' && sizeOf(at(node.args, 0).shape) === 1;
      const flat = node.op === 'reshape' || scalarBroadcast;
      if (kind !== 'elementwise' && !flat) return true;
      flops += flopsPerElement(node);
      if (flops > THIN_FLOPS || arrays.size > THIN_ARRAYS) return true;
      if (!scalarBroadcast || !this.params.has(at(node.args, 0))) stack.push(...node.args);
    }
    return arrays.size > THIN_ARRAYS;
  }
}

/** The value under transpositions and broadcasts that a matrix product can follow by strides. */
export function movedFrom(node: Node): Node {
  const b = base(node);
  return b.op === 'transpose' ? base(at(b.args, 0)) : b;
}

export function partition(
  region: Region,
  core: number,
  strategies: Strategies,
  options: PartitionOptions,
): RegionPlan {
  const params = new Set(region.params);
  const storage = new Storage(strategies, options, params);
  const coreResults = region.results.slice(0, core);
  const coreNodes = new Set(storage.decide(coreResults, new Set()));
  const coreStored = new Set(storage.stored);
  const order = core === region.results.length ? [...coreNodes] : storage.decide(region.results, coreNodes);
  const { stored } = storage;

  const made = new ItemMaker(params, coreNodes, coreStored, stored, strategies, options);
  const resultValues: (Node | undefined)[] = [];
  region.results.forEach((result, i) => {
    const b = base(result);
    const own = i < core ? coreStored : stored;
    const isValue = !params.has(b) && own.has(b);
    resultValues.push(isValue ? b : undefined);
    if (!isValue) made.copy(result, i, i < core);
  });
  for (const node of order) made.define(node);
  const units = fuse(made.items, new Set(resultValues.filter((v) => v !== undefined)), options);
  return { region, units, stored, resultValues };
}

class ItemMaker {
  readonly items: Item[] = [];

  constructor(
    private readonly params: ReadonlySet<Node>,
    private readonly coreNodes: ReadonlySet<Node>,
    private readonly coreStored: ReadonlySet<Node>,
    private readonly stored: ReadonlySet<Node>,
    private readonly strategies: Strategies,
    private readonly options: PartitionOptions,
  ) {}

  copy(result: Node, index: number, core: boolean): void {
    this.add('copy', result, [], index, core);
  }

  define(node: Node): void {
    if (this.params.has(node)) return;
    if (isRegionNode(node)) {
      this.add(
        this.strategies.thread(node) === undefined ? 'sequence' : 'thread',
        node,
        this.projections(node),
        undefined,
        this.coreNodes.has(node),
      );
      return;
    }
    if (!this.stored.has(node) || node.op === 'project') return;
    const kind = isProduct(node) ? 'product' : node.op === 'cumsum' ? 'line' : 'value';
    if (this.coreNodes.has(node) && !this.coreStored.has(node)) {
      // Computed inside the core's kernels, stored for others by a kernel of its own.
      this.add(kind, node, [node], undefined, false);
      return;
    }
    this.add(kind, node, [node], undefined, this.coreNodes.has(node));
  }

  private readonly projected = new Map<Node, Node[]>();
  private projections(node: Node): Node[] {
    if (this.projected.size === 0)
      for (const s of this.stored)
        if (s.op === 'project') {
          const of = at(s.args, 0);
          const known = this.projected.get(of);
          if (known === undefined) this.projected.set(of, [s]);
          else known.push(s);
        }
    return this.projected.get(node) ?? [];
  }

  private add(
    kind: Item['kind'],
    node: Node,
    outputs: readonly Node[],
    result: number | undefined,
    core: boolean,
  ): void {
    const thread = kind === 'thread' ? this.strategies.thread(node) : undefined;
    const space =
      thread !== undefined
        ? thread.space
        : kind === 'line' && node.op === 'cumsum'
          ? node.shape.filter((_, axis) => axis !== node.attrs.axis)
          : node.shape.filter((extent) => extent !== 1);
    const leaf = core ? this.coreStored : this.stored;
    const reads = new Map<Node, number>();
    const lead = space.length;
    const start = SAME | LEAD | CONSTANT | (lead === 0 ? UNIFORM : 0);
    let flops = 0;
    let terms = 1;
    // The item's own node is computed even where it is stored.
    const roots: (readonly [Node, number])[] = [];
    if (isRegionNode(node)) {
      node.args.forEach((arg, i) => {
        const bits = thread?.operandBits[i] ?? 0;
        roots.push([arg, bits]);
      });
    } else roots.push([kind === 'copy' ? node : base(node), start]);
    const isRead = (n: Node): boolean =>
      this.params.has(n) || (leaf.has(n) && (kind === 'copy' || n !== node));
    walkReads(
      roots,
      lead,
      (n) => isRead(n),
      (n, bits) => {
        reads.set(n, (reads.get(n) ?? ~0) & bits);
      },
      (n) => {
        const own = flopsPerElement(n);
        if (Number.isFinite(own)) flops += own;
        terms = Math.max(terms, termsOf(n));
        return true;
      },
    );
    const small =
      kind !== 'sequence' &&
      kind !== 'product' &&
      (thread !== undefined
        ? lead === 0
        : sizeOf(node.shape) <= this.options.serial && sizeOf(node.shape) * terms <= SERIAL_TERMS);
    this.items.push({
      id: this.items.length,
      kind,
      node,
      outputs,
      result,
      space: small ? [] : space,
      serial: small,
      core,
      thread,
      reads,
      flops: flops * terms,
    });
  }
}

// ---- fusion of items into kernels

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

/** Small values of one type share a buffer. */
export const PACKED = 64;

function buffersOf(arrays: Iterable<Node>): number {
  const packed = new Set<string>();
  let n = 0;
  for (const node of arrays)
    if (sizeOf(node.shape) <= PACKED) packed.add(node.dtype === 'bool' ? 'u32' : node.dtype);
    else n++;
  return n + packed.size;
}

function fuse(items: readonly Item[], results: ReadonlySet<Node>, options: PartitionOptions): Unit[] {
  const definedBy = new Map<Node, Item>();
  for (const item of items) for (const output of item.outputs) definedBy.set(output, item);
  // Definitions before uses: items were made in the order of their nodes, copies first.
  const ordered = sortItems(items, definedBy);
  const readers = new Map<Node, Item[]>();
  for (const item of items)
    for (const read of item.reads.keys()) {
      const list = readers.get(read);
      if (list === undefined) readers.set(read, [item]);
      else list.push(item);
    }
  const groupOf = new Map<Item, Group>();
  const groups: Group[] = [];
  const byKey = new Map<string, Group[]>();
  /** Whether a value computed in the group (or by the item that joins it) needs no place in memory. */
  const inside = (value: Node, joining: Item, group: Group): boolean => {
    const definer = definedBy.get(value);
    if (definer === undefined || (definer !== joining && groupOf.get(definer) !== group)) return false;
    return (
      !results.has(value) &&
      (readers.get(value) ?? []).every((r) => r === joining || groupOf.get(r) === group)
    );
  };
  for (const item of ordered) {
    const dependencies = new Set<Item>();
    for (const read of item.reads.keys()) {
      const definer = definedBy.get(read);
      if (definer !== undefined && definer !== item) dependencies.add(definer);
    }
    const fusable =
      item.kind !== 'sequence' && item.kind !== 'product' && (item.kind !== 'line' || item.serial);
    const key = `${item.serial ? 'serial' : item.space.join('x')}|${item.core}`;
    let target: Group | undefined;
    let best = -1;
    if (fusable) {
      for (const group of byKey.get(key) ?? []) {
        const shared = fits(item, group, dependencies, groupOf, definedBy, options, (value, into) =>
          inside(value, item, into),
        );
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
  definedBy: ReadonlyMap<Node, Item>,
  options: PartitionOptions,
  inside: (value: Node, group: Group) => boolean,
): number {
  for (const d of dependencies) {
    const g = get(groupOf, d);
    if (g !== group && g.before.has(group.id)) return -1;
  }
  let shared = 0;
  for (const read of item.reads.keys()) {
    const definer = definedBy.get(read);
    if (definer !== undefined && groupOf.get(definer) === group) {
      if (!readsOwn(item, read)) return -1;
      shared += 2;
    } else if (group.arrays.has(read)) shared++;
  }
  if (shared === 0 && !item.serial) return -1;
  const union = new Set(group.arrays);
  for (const read of item.reads.keys()) union.add(read);
  for (const output of item.outputs) union.add(output);
  const outputs = [...group.items, item].filter((i) => i.kind === 'copy').length;
  for (const value of union) if (inside(value, group)) union.delete(value);
  if (buffersOf(union) + outputs > options.maxBuffers) return -1;
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
