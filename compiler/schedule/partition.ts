// What is stored, and what is computed together: a region becomes units, each one kernel (or a loop of kernels), in an order that respects their dependencies.
//
// Stored are results, operands of loops that are sequences of kernels, reductions, products and other contractions, tables, the `keep` nodes that survive thinning, and values whose
// recomputation would cost much. Everything else is computed where it is used. Then stored values of one shape join one kernel when no path between them leaves it.
//
// Invariant: the partition is a function of the region alone. Results from `core` on (outputs that a step stacks) never change how the first ones (carried values) are computed, so
// that a sweep which recomputes only the carried values runs the same kernels as the first one.
// Source: the fusion rule of the design notes (storage candidates, thinning, no storage points inside elementwise clusters).

import { classOf, isRegionNode } from '../ir/classes.ts';
import { reachable } from '../ir/region.ts';
import type { Node, Region } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import type { Surroundings } from './fuse.ts';
import { PACKED, fuse, surroundingsOf, withinLimits } from './fuse.ts';
import type { Item } from './items.ts';
import { ItemMaker } from './items.ts';
import { StoragePoints, base } from './storage_points.ts';
import type { Strategies } from './strategies.ts';

export interface PartitionOptions {
  /** Storage buffers a kernel. */
  readonly maxBuffers: number;
  /** Operations saved by storing a value that make up for storing it. */
  readonly storeCost: number;
  /** Whether loops of few values may run inside one kernel. */
  readonly threads: boolean;
  /** Values of at most this many elements are computed by a single thread together with other such values. */
  readonly serial: number;
  /** Bytes that one binding may span; temporaries share an arena up to this size. */
  readonly maxBinding: number;
  /** Bytes of memory of its own that a thread of an ensemble may use. */
  readonly ownBytes: number;
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

/** Carried parameters of a loop, each with the result that is its next value. */
export type Carried = ReadonlyMap<Node, Node>;

/** How often a region is partitioned again because a kernel had too many buffers or repeated the work of another. */
const MAX_CUTS = 50;

/** `core`: how many results come first (all, but for loops that stack outputs). */
export function partition(
  region: Region,
  core: number,
  carried: Carried,
  strategies: Strategies,
  options: PartitionOptions,
): RegionPlan {
  const cuts = { core: new Set<Node>(), others: new Set<Node>() };
  for (let round = 0; ; round++) {
    const plan = attempt(region, core, carried, strategies, options, cuts);
    const wide = plan.items.find((item) => !withinLimits(item, plan.around));
    const cut = wide === undefined ? undefined : cutOf(wide, new Set(region.params), plan, options);
    const next = wide !== undefined && cut !== undefined ? { cut, core: wide.core } : sharedWork(plan.plan);
    if (next === undefined || round >= MAX_CUTS) return plan.plan;
    const known = next.core ? cuts.core : cuts.others;
    // A cut that changes nothing ends the search.
    if (known.has(next.cut)) return plan.plan;
    known.add(next.cut);
  }
}

interface Attempt {
  readonly plan: RegionPlan;
  readonly items: readonly Item[];
  readonly around: Surroundings;
  readonly coreStored: ReadonlySet<Node>;
}

function attempt(
  region: Region,
  core: number,
  carried: Carried,
  strategies: Strategies,
  options: PartitionOptions,
  cuts: { readonly core: ReadonlySet<Node>; readonly others: ReadonlySet<Node> },
): Attempt {
  const params = new Set(region.params);
  const points = new StoragePoints(strategies, options, params);
  for (const cut of cuts.core) points.cuts.add(cut);
  const coreNodes = new Set(points.decide(region.results.slice(0, core), new Set()));
  const coreStored = new Set(points.stored);
  let order = [...coreNodes];
  if (core < region.results.length) {
    for (const cut of cuts.others) points.cuts.add(cut);
    order = points.decide(region.results, coreNodes);
    for (const cut of cuts.others) points.stored.add(cut);
  }
  const { stored } = points;
  const made = new ItemMaker(params, coreNodes, coreStored, stored, strategies, options, points.costs);
  const resultValues: (Node | undefined)[] = [];
  region.results.forEach((result, i) => {
    const b = base(result);
    const own = i < core ? coreStored : stored;
    const isValue = !params.has(b) && own.has(b);
    resultValues.push(isValue ? b : undefined);
    if (!isValue) made.copy(result, i, i < core);
  });
  for (const node of order) made.define(node);
  const results = new Set(resultValues.filter((v) => v !== undefined));
  const around = surroundingsOf(made.items, results, carried, options);
  const units = fuse(made.items, around);
  return { plan: { region, units, stored, resultValues }, items: made.items, around, coreStored };
}

/** The largest value of much work that kernels of one kind compute more than once. */
function sharedWork(plan: RegionPlan): { readonly cut: Node; readonly core: boolean } | undefined {
  const owner = new Map<Node, number>();
  let best: { readonly cut: Node; readonly core: boolean } | undefined;
  plan.units.forEach((unit, u) => {
    if (unit.kind !== 'map' || unit.serial) return;
    for (const { dear, core } of unit.items)
      for (const node of dear) {
        const key = owner.get(node);
        const mine = core ? u : -1 - u;
        if (key === undefined) owner.set(node, mine);
        else if (key !== mine && key >= 0 === core && (best === undefined || node.id > best.cut.id))
          best = { cut: node, core };
      }
  });
  return best;
}

/** The largest part of a value that a kernel of its own can compute, where the whole reads too many arrays. */
function cutOf(
  item: Item,
  params: ReadonlySet<Node>,
  plan: Attempt,
  options: PartitionOptions,
): Node | undefined {
  if (isRegionNode(item.node)) return undefined;
  const leaves = item.core ? plan.coreStored : plan.plan.stored;
  const root = item.kind === 'copy' ? item.node : base(item.node);
  const isRead = (n: Node): boolean => params.has(n) || (leaves.has(n) && n !== root);
  const arrays = new Map<Node, ReadonlySet<Node>>();
  let best: Node | undefined;
  for (const node of reachable([root], { has: isRead })) {
    if (isRead(node)) {
      arrays.set(node, sizeOf(node.shape) > PACKED ? new Set([node]) : new Set());
      continue;
    }
    const own = new Set<Node>();
    for (const arg of node.args) for (const array of arrays.get(arg) ?? []) own.add(array);
    arrays.set(node, own);
    const usable =
      node !== root && classOf(node.op) === 'elementwise' && node.dtype !== 'bool' && base(node) === node;
    if (!usable || own.size < 2 || own.size > options.maxBuffers - 2) continue;
    if (best === undefined || own.size >= (arrays.get(best)?.size ?? 0)) best = node;
  }
  return best;
}
