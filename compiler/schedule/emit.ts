// From a partition to steps of a procedure: every stored value gets a location, every unit a dispatch (or a loop of them, `emit_loop.ts`).
//
// A result is computed where it shall end up. When that place still holds a parameter that somebody reads later, it is computed elsewhere and copied at the end, so that a region
// always behaves as if it read everything before it wrote anything. Kernels are lowered once for each pattern of locations (which arrays share a buffer, constant offsets, offsets
// given at run time) and found again by it: the two halves of a ping-pong loop, a sweep and its recomputation run the same kernels.

import { at, get } from '../support/lists.ts';
import type { Step } from '../plan/types.ts';
import type { BufferType } from '../kernel/types.ts';
import type { Node, NodeOf, Region } from '../ir/types.ts';
import { sameShape, sizeOf } from '../ir/types.ts';
import { CanonicalRegions } from './canonical.ts';
import { KernelLibrary } from './library.ts';
import { UNROLL } from './lower_map.ts';
import type { Item } from './items.ts';
import { isMapKind } from './items.ts';
import type { PartitionOptions, RegionPlan, Unit } from './partition.ts';
import { PACKED, isMixed, withoutOnes } from './fuse.ts';
import { partition } from './partition.ts';
import { Decisions } from './decisions.ts';
import { base } from './storage_points.ts';
import { Strategies } from './strategies.ts';
import { liveness } from './liveness.ts';
import type { LoopFacts } from './report.ts';
import { LEAD, SAME } from './reads.ts';
import type { Environment, Location, Storage } from './storage.ts';
import { bufferType, constantOffset, isCounter, sameLocation, whole } from './storage.ts';
import { isBatched, isStackedOutput } from './threads.ts';
import { Scatters } from './scatters.ts';
import { updatesPoints } from './narrow.ts';
import { emitRows } from './emit_rows.ts';
import { MapEmitter } from './emit_map.ts';
import { emitSort } from './emit_sort.ts';
import { emitProduct } from './emit_product.ts';
import { emitSequence } from './emit_loop.ts';

export class Emitter {
  readonly library = new KernelLibrary();
  readonly regions = new CanonicalRegions();
  readonly strategies: Strategies;
  readonly decisions: Decisions;
  readonly storages: Storage[] = [];
  private readonly plans = new Map<string, RegionPlan>();
  readonly scatters = new Scatters();
  private readonly maps = new MapEmitter(this);
  private readonly literals = new Map<string, Location>();
  private readonly packs = new Map<string, Storage>();
  private readonly packTops = new Map<Storage, number>();
  readonly constantData = new Map<Storage, number[]>();
  private loops = 0;
  readonly loopFacts = new Map<number, LoopFacts>();
  /** How many loops are being written around the present steps. */
  depth = 0;
  /** Prefix of kernel names: the procedure, then the loop. */
  label = 'main';
  /** Whether small variables have been moved to the packed values already. */
  packVariables = false;

  constructor(readonly options: PartitionOptions) {
    this.strategies = new Strategies(options.threads);
    this.decisions = new Decisions(this.strategies);
  }

  // ---- plans and storages

  /** `core`: how many results are carried values; `carried`: parameters whose next values they are. */
  plan(region: Region, core: number, carried: readonly Node[]): RegionPlan {
    const ids = (nodes: readonly Node[]): string => nodes.map((n) => n.id).join();
    const key = `${ids(region.params)}>${ids(region.results)}|${core}|${ids(carried)}`;
    let plan = this.plans.get(key);
    if (plan === undefined) {
      const pairs = new Map(carried.map((param, i) => [param, base(at(region.results, i))]));
      plan = partition(region, core, pairs, this.strategies, this.options);
      this.plans.set(key, plan);
    }
    return plan;
  }

  nextLoop(): number {
    return this.loops++;
  }

  storage(
    role: Storage['role'],
    name: string,
    type: BufferType,
    length: number,
    home?: readonly Step[],
    packed = false,
  ): Storage {
    const made: Storage = {
      id: this.storages.length,
      role,
      name,
      type,
      length,
      home,
      packed,
    };
    this.storages.push(made);
    return made;
  }

  /** Space for a temporary of this type; small ones share a buffer. */
  temporary(
    node: { readonly dtype: Node['dtype']; readonly shape: readonly number[] },
    name: string,
    home: readonly Step[],
  ): Location {
    const type = bufferType(node.dtype);
    const length = sizeOf(node.shape);
    if (length <= PACKED) return this.packed(type, length);
    return whole(this.storage('slot', name, type, length, home));
  }

  /** A temporary with a buffer of its own whatever its size. */
  separate(
    node: { readonly dtype: Node['dtype']; readonly shape: readonly number[] },
    name: string,
    home: readonly Step[],
  ): Location {
    return whole(this.storage('slot', name, bufferType(node.dtype), sizeOf(node.shape), home));
  }

  packed(type: BufferType, length: number): Location {
    let pack = this.packs.get(type);
    if (pack === undefined) {
      pack = this.storage('slot', `small_${type}`, type, 0, undefined, true);
      this.packs.set(type, pack);
    }
    const offset = this.packTops.get(pack) ?? 0;
    this.packTops.set(pack, offset + length);
    growPack(pack, offset + length);
    return { storage: pack, offset: constantOffset(offset), dynamic: false };
  }

  /** Small values of different procedures share their places. */
  beginProcedure(label: string, packVariables: boolean): void {
    this.label = label;
    this.packTops.clear();
    this.packVariables = packVariables;
  }

  literal(data: ArrayLike<number>, type: BufferType): Location {
    const small = data.length <= PACKED;
    const key = small ? `${type}:${Array.from(data).join()}` : undefined;
    const known = key === undefined ? undefined : this.literals.get(key);
    if (known !== undefined) return known;
    let location: Location;
    if (small) {
      let pack = this.packs.get(`constant_${type}`);
      if (pack === undefined) {
        pack = this.storage('constant', `constants_${type}`, type, 0, undefined, true);
        this.packs.set(`constant_${type}`, pack);
        this.constantData.set(pack, []);
      }
      const contents = get(this.constantData, pack);
      location = { storage: pack, offset: constantOffset(contents.length), dynamic: false };
      for (const x of Array.from(data)) contents.push(x);
      growPack(pack, contents.length);
    } else {
      const storage = this.storage('constant', `literal${this.storages.length}`, type, data.length);
      this.constantData.set(storage, Array.from(data));
      location = whole(storage);
    }
    if (key !== undefined) this.literals.set(key, location);
    return location;
  }

  private readonly bigLiterals = new Map<Float64Array, Location>();
  literalNode(node: NodeOf<'literal'>): Location {
    const known = this.bigLiterals.get(node.attrs.data);
    if (known !== undefined) return known;
    const location = this.literal(node.attrs.data, bufferType(node.dtype));
    this.bigLiterals.set(node.attrs.data, location);
    return location;
  }

  // ---- regions

  /**
   * Steps that compute the results of a region into `targets` (undefined: not wanted). `environment` has a location for every parameter; the targets may lie where parameters
   * do when `hazards` says so.
   */
  region(
    plan: RegionPlan,
    parameters: Environment,
    targets: readonly (Location | undefined)[],
    block: Step[],
    hazards = false,
  ): void {
    const environment: Environment = new Map(parameters);
    const { live, lastRead } = liveness(plan, targets);
    const written = new Map<Node, Location[]>();
    const copies = new Map<number, Location>();
    const after: { from: Location; to: Location; size: number }[] = [];
    const redirect = (
      target: Location,
      type: { dtype: Node['dtype']; shape: readonly number[] },
      unit: number,
    ): Location => {
      if (!hazards || !this.blocked(plan, parameters, target, sizeOf(type.shape), unit, lastRead))
        return target;
      const temporary = this.temporary(type, `${this.label}_new`, block);
      after.push({ from: temporary, to: target, size: sizeOf(type.shape) });
      return temporary;
    };
    const unitOf = new Map<Node, number>();
    const copyUnit = new Map<number, number>();
    plan.units.forEach((unit, u) => {
      for (const item of itemsOf(unit)) {
        for (const output of item.outputs) unitOf.set(output, u);
        if (item.result !== undefined) copyUnit.set(item.result, u);
      }
    });
    targets.forEach((target, i) => {
      const result = at(plan.region.results, i);
      if (target === undefined || sizeOf(result.shape) === 0) return;
      const value = at(plan.resultValues, i);
      if (value === undefined) {
        copies.set(i, redirect(target, result, get(copyUnit, i)));
        return;
      }
      const list = written.get(value) ?? [];
      list.push(redirect(target, result, get(unitOf, value)));
      written.set(value, list);
    });
    /** What loops of kernels stack or read: tapes among it begin their buffers. */
    const sequenced = new Set<Node>();
    for (const unit of plan.units)
      if (unit.kind === 'step' && unit.item.kind === 'sequence')
        for (const node of [...unit.item.outputs, ...unit.item.reads.keys()]) sequenced.add(node);
    /** Temporaries that nobody but this region's kernels knows. */
    const own = new Set<Storage>();
    /** Values that nobody but this region reads. */
    const inner = new Set<Node>();
    for (const node of live) {
      const targets_ = written.get(node);
      if (targets_ === undefined) inner.add(node);
      const location =
        targets_?.[0] ??
        (isStackedOutput(node)
          ? this.separate(node, `${this.label}_stack`, block)
          : this.temporary(node, `${this.label}_t`, block));
      const fixed = isStackedOutput(node) && sequenced.has(node);
      if (targets_ === undefined && !location.storage.packed && !fixed) own.add(location.storage);
      environment.set(node, location);
      if (targets_ === undefined) written.set(node, [location]);
    }
    this.shareArenas(plan, environment, written, copies, own, block);
    plan.units.forEach((unit, u) => {
      const last = (node: Node): boolean => inner.has(node) && lastRead.get(node) === u;
      this.unit(unit, environment, written, copies, block, last);
    });
    for (const { from, to, size } of after) this.copy(from, to, size, block);
  }

  /** Puts the temporaries that a kernel with too many buffers reads or writes into one buffer. */
  private shareArenas(
    plan: RegionPlan,
    environment: Environment,
    written: Map<Node, Location[]>,
    copies: ReadonlyMap<number, Location>,
    own: ReadonlySet<Storage>,
    block: Step[],
  ): void {
    const arenas = new Map<Storage, Set<Storage>>();
    for (const unit of plan.units) {
      if (unit.kind === 'step' && !isMapKind(unit.item.kind)) continue;
      const used = new Set<Storage>();
      for (const item of itemsOf(unit)) {
        for (const node of item.reads.keys()) {
          const location = environment.get(node);
          if (location !== undefined && !isCounter(location)) used.add(location.storage);
        }
        for (const output of item.outputs) for (const l of written.get(output) ?? []) used.add(l.storage);
        const copied = item.result === undefined ? undefined : copies.get(item.result);
        if (copied !== undefined) used.add(copied.storage);
      }
      if (used.size <= this.options.maxBuffers) continue;
      const byType = new Map<BufferType, Set<Storage>>();
      for (const storage of used) {
        if (!own.has(storage)) continue;
        const merged = byType.get(storage.type) ?? new Set<Storage>();
        byType.set(storage.type, merged);
        if (!merged.has(storage)) for (const member of arenas.get(storage) ?? [storage]) merged.add(member);
      }
      for (const merged of byType.values()) for (const member of merged) arenas.set(member, merged);
    }
    if (arenas.size === 0) return;
    const places = new Map<Storage, Location>();
    for (const members of new Set(arenas.values())) {
      const [first] = members;
      if (first === undefined || members.size < 2) continue;
      const arena = this.storage('slot', `${this.label}_arena`, first.type, 0, block);
      for (const member of members) {
        places.set(member, { storage: arena, offset: constantOffset(arena.length), dynamic: false });
        arena.length += Math.ceil(member.length / 64) * 64;
      }
    }
    const moved = (location: Location): Location => places.get(location.storage) ?? location;
    for (const [node, location] of environment)
      if (!isCounter(location)) environment.set(node, moved(location));
    for (const [node, list] of written) written.set(node, list.map(moved));
  }

  copy(from: Location, to: Location, length: number, block: Step[]): void {
    if (length === 0 || sameLocation(from, to)) return;
    const side = (l: Location) => ({ buffer: l.storage.id, type: l.storage.type, offset: l.offset, length });
    block.push({ kind: 'copy', from: side(from), to: side(to) });
  }

  /** Whether writing the target in unit `unit` would destroy a parameter that is still to be read. */
  private blocked(
    plan: RegionPlan,
    parameters: Environment,
    target: Location,
    size: number,
    unit: number,
    lastRead: ReadonlyMap<Node, number>,
  ): boolean {
    for (const [param, location] of parameters) {
      if (isCounter(location) || !overlap(location, sizeOf(param.shape), target, size)) continue;
      const read = lastRead.get(param);
      if (read === undefined || read < unit) continue;
      if (!sameLocation(location, target) || stillRead(plan, param, size, unit, read)) return true;
    }
    return false;
  }

  /** Whether the next value of a carried parameter may be written where the parameter lies. */
  overwrites(plan: RegionPlan, param: Node, result: number): boolean {
    const value = plan.resultValues[result];
    if (value === undefined) return false;
    const unit = plan.units.findIndex((u) => itemsOf(u).some((item) => item.outputs.includes(value)));
    const writer = plan.units[unit];
    if (writer === undefined) return false;
    const read = liveness(plan, []).lastRead.get(param);
    if (read === undefined || read < unit) return true;
    if (read === unit && writer.kind === 'step' && writer.item.kind === 'sequence')
      return onlyInitial(writer.item.node, param, value);
    return !stillRead(plan, param, sizeOf(value.shape), unit, read);
  }

  private unit(
    unit: Unit,
    environment: Environment,
    written: ReadonlyMap<Node, readonly Location[]>,
    copies: ReadonlyMap<number, Location>,
    block: Step[],
    last: (node: Node) => boolean,
  ): void {
    if (unit.kind === 'map') {
      this.maps.unit(unit, environment, written, copies, block);
      return;
    }
    const { item } = unit;
    switch (item.kind) {
      case 'sequence':
        emitSequence(this, item, environment, written, block, last);
        return;
      case 'rows':
        emitRows(this, item, environment, written.get(item.node) ?? [], block);
        return;
      case 'sort':
        emitSort(this, item, environment, written.get(item.node) ?? [], block);
        return;
      case 'product':
        emitProduct(this, item, environment, written.get(item.node) ?? [], block);
        return;
      default:
        this.maps.unit(
          { kind: 'map', space: item.space, serial: item.serial, items: [item] },
          environment,
          written,
          copies,
          block,
          unit,
        );
    }
  }
}

/** Whether a parameter, read last by unit `read`, is read after its elements are overwritten by unit `unit`, each at its own point. */
function stillRead(plan: RegionPlan, param: Node, size: number, unit: number, read: number): boolean {
  if (read > unit) return true;
  const writer = at(plan.units, unit);
  if (writer.kind === 'step') return true;
  if (writer.serial) return size > UNROLL;
  // Many values of a loop inside the kernel are stored before the kernel ends.
  if (writer.items.some((item) => item.kind === 'thread') && size > UNROLL * sizeOf(writer.space))
    return true;
  if (updatesPoints(writer)) return false;
  const mixed = isMixed(writer.items);
  for (const item of writer.items) {
    const bits = item.reads.get(param);
    if (bits === undefined) continue;
    if (mixed) {
      if ((bits & SAME) === 0 || !sameShape(withoutOnes(param.shape), item.space)) return true;
      continue;
    }
    const same = (bits & SAME) !== 0 && sizeOf(param.shape) === sizeOf(writer.space);
    const lead = (bits & LEAD) !== 0 && isBatched(param.shape, writer.space) && writer.space.length > 0;
    if (!same && !(lead && sizeOf(param.shape) === size)) return true;
  }
  return false;
}

/** Whether a loop of kernels uses the parameter as the initial value of the carry that ends as `value`, and for nothing else. */
function onlyInitial(loop: Node, param: Node, value: Node): boolean {
  if (value.op !== 'project' || value.args[0] !== loop) return false;
  if (loop.op !== 'scan' && loop.op !== 'adjoint_scan') return false;
  const first = loop.op === 'scan' ? 0 : loop.attrs.carries;
  const carries = loop.op === 'scan' ? loop.attrs.carries : loop.attrs.cotangents;
  if (value.attrs.index >= carries) return false;
  return loop.args.every((arg, i) => (base(arg) === param) === (i === first + value.attrs.index));
}

function overlap(a: Location, aLength: number, b: Location, bLength: number): boolean {
  if (a.storage !== b.storage) return false;
  if (a.offset.terms.length > 0 || b.offset.terms.length > 0) return true;
  return a.offset.constant < b.offset.constant + bLength && b.offset.constant < a.offset.constant + aLength;
}

function itemsOf(unit: Unit): readonly Item[] {
  return unit.kind === 'map' ? unit.items : [unit.item];
}

/** Packs grow in powers of two, so that the kernels that use them are rarely different only in the length of the pack. */
function growPack(pack: Storage, elements: number): void {
  let length = Math.max(4096, pack.length);
  while (length < elements) length *= 2;
  pack.length = length;
}
