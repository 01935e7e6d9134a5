// Dispatches of map kernels: where the unit's arrays lie becomes a pattern, and each pattern is lowered to a kernel once.
//
// A pattern says which arrays share a buffer, constant offsets, and offsets given at run time. A kernel that would need more buffers than it may have gets copies: of arrays that are only
// read into one buffer before it, of arrays that are only written out of one buffer after it.

import { InternalError } from '../support/diagnostic.ts';
import { at, get, range } from '../support/lists.ts';
import type { Span } from '../support/span.ts';
import type { Affine, Step } from '../plan/types.ts';
import type { BufferType, KernelBuffer } from '../kernel/types.ts';
import { BYTES } from '../kernel/types.ts';
import type { Node } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import type { Emitter } from './emit.ts';
import { PACKED, boxOf, isMixed } from './fuse.ts';
import type { Item } from './items.ts';
import type { MapUnit } from './lower_map.ts';
import { lowerMapUnit } from './lower_map.ts';
import { narrowed, readsElsewhere, updatedAtPoints, updatesPoints } from './narrow.ts';
import type { Unit } from './partition.ts';
import type { Counter, Environment, Location, Storage } from './storage.ts';
import { base } from './storage_points.ts';
import { affineKey, constantOffset, isCounter, sameLocation } from './storage.ts';
import { isStacked } from './threads.ts';
import { renumber, usage } from './usage.ts';
import type { BoundBuffer, Place } from './writer.ts';
import { Writer } from './writer.ts';

/** Run-time integers that a kernel may have on every target. */
const MOST_UNIFORMS = 64;

/** What a kernel is lowered for: the places of what it reads and stores. */
interface Placed {
  readonly locals: readonly Storage[];
  readonly uniforms: readonly Affine[];
  readonly signature: string;
  readonly readPlaces: ReadonlyMap<Node, Place>;
  readonly counters: ReadonlyMap<Node, number>;
  readonly storePlaces: ReadonlyMap<Item, readonly (readonly Place[])[]>;
}

/** A kernel lowered for a pattern of locations; buffers and uniforms refer to the pattern's. */
interface Pattern {
  readonly kernel: number;
  readonly buffers: readonly (
    | { readonly local: number }
    | { readonly storage: Storage }
    | { readonly scratch: BufferType; readonly length: number }
  )[];
  readonly uniforms: readonly number[];
}

/** Thrown when a procedure has to be written with its small variables packed. */
export class TooManyBuffers extends Error {}

/** Thrown when a kernel that was to touch single elements in place, and reads elsewhere in their arrays, goes over the whole arrays: then it may not write where it reads. */
class NotNarrow extends Error {}

export function isSmallVariable(storage: Storage): boolean {
  return storage.role === 'variable' && storage.length <= PACKED;
}

type Reads = Map<Node, Location | Counter>;

interface Copy {
  readonly from: Location;
  readonly to: Location;
  readonly size: number;
}

export class MapEmitter {
  private readonly patterns = new Map<Unit, Map<string, Pattern>>();

  constructor(private readonly emitter: Emitter) {}

  unit(
    unit: MapUnit,
    environment: Environment,
    written: ReadonlyMap<Node, readonly Location[]>,
    copies: ReadonlyMap<number, Location>,
    block: Step[],
    key: Unit = unit,
  ): void {
    const wanted = unit.items.filter((item) => {
      const places =
        item.result !== undefined ? [copies.get(item.result)] : item.outputs.flatMap((o) => written.get(o));
      if (places.every((place) => place === undefined) && !isReadWithin(unit, item)) return false;
      const stored = places.some((place) => place !== undefined);
      return unit.serial || !stored || !this.zeros(item, places, block);
    });
    if (wanted.length === 0 || sizeOf(unit.space) === 0) return;
    const active: MapUnit = {
      ...unit,
      space: isMixed(unit.items) ? boxOf(wanted) : unit.space,
      items: wanted,
    };
    const own = new Set(wanted.flatMap((item) => item.outputs));
    const reads: Reads = new Map();
    for (const item of wanted)
      for (const node of item.reads.keys())
        if (!own.has(node) && sizeOf(node.shape) > 0) {
          const location = environment.get(node);
          if (location === undefined)
            throw new InternalError(
              'schedule.emit',
              `${this.emitter.label}: a value that is read has no place (${node.op})`,
            );
          reads.set(node, location);
        }
    const stores: Location[][][] = wanted.map((item) =>
      item.result !== undefined
        ? [[get(copies, item.result)]]
        : item.outputs.map((o) => [...(written.get(o) ?? [])]),
    );
    const parts = apartInPlace(active, reads, stores);
    if (parts !== undefined) {
      for (const items of parts) this.unit({ ...active, items }, environment, written, copies, block, key);
      return;
    }
    // What a loop stacks while it runs is stored once; further places are copied.
    const later: Copy[] = [];
    wanted.forEach((item, w) => {
      if (item.kind !== 'thread') return;
      item.outputs.forEach((output, o) => {
        if (output.op !== 'project' || !isStacked(item.node, output.attrs.index)) return;
        const [first, ...rest] = at(at(stores, w), o);
        if (first === undefined) return;
        for (const to of rest) later.push({ from: first, to, size: sizeOf(output.shape) });
        at(stores, w)[o] = [first];
      });
    });
    this.checkBuffers(reads, stores);
    const out = this.bundle(active, reads, stores, block);
    try {
      this.dispatchMap(active, key, reads, stores, block);
    } catch (e) {
      if (!(e instanceof NotNarrow)) throw e;
      const apart = this.apart(active, stores, block);
      this.dispatchMap(active, key, reads, stores, block);
      for (const { from, to, size } of apart) this.emitter.copy(from, to, size, block);
    }
    for (const { from, to, size } of out) this.emitter.copy(from, to, size, block);
    for (const { from, to, size } of later) this.emitter.copy(from, to, size, block);
  }

  /** Other places for everything that is stored; gives the copies to be made then. */
  private apart(unit: MapUnit, stores: Location[][][], block: Step[]): readonly Copy[] {
    return unit.items.flatMap((item, i) =>
      at(stores, i).flatMap((list, o) => {
        const node = item.result !== undefined ? item.node : at(item.outputs, o);
        return list.map((to, place) => {
          const from = this.emitter.separate(node, `${this.emitter.label}_apart`, block);
          list[place] = from;
          return { from, to, size: sizeOf(node.shape) };
        });
      }),
    );
  }

  /** Whether the item is an array of zeros, which needs no kernel. */
  private zeros(item: Item, places: readonly (Location | undefined)[], block: Step[]): boolean {
    const length = sizeOf(item.node.shape);
    if (length <= PACKED || item.kind === 'thread' || item.kind === 'line') return false;
    const value = splat(item.node);
    if (value === undefined || !Object.is(value, 0)) return false;
    for (const place of places)
      if (place !== undefined)
        block.push({
          kind: 'fill',
          to: { buffer: place.storage.id, type: place.storage.type, offset: place.offset, length },
          value,
        });
    return true;
  }

  /** When a kernel needs too many buffers and small variables are among them, the procedure is written anew with those in the packed small values. */
  private checkBuffers(
    reads: ReadonlyMap<Node, Location | Counter>,
    stores: readonly (readonly (readonly Location[])[])[],
  ): void {
    if (this.emitter.packVariables) return;
    const all = new Set<Storage>();
    for (const location of reads.values()) if (!isCounter(location)) all.add(location.storage);
    for (const lists of stores)
      for (const list of lists) for (const location of list) all.add(location.storage);
    if (all.size <= this.emitter.options.maxBuffers) return;
    if ([...all].some(isSmallVariable)) throw new TooManyBuffers();
  }

  /** Copies arrays into, or out of, shared buffers until the kernel has no more than it may have. Returns the copies to be made after it. */
  private bundle(unit: MapUnit, reads: Reads, stores: Location[][][], block: Step[]): readonly Copy[] {
    const read = new Map<Storage, Node[]>();
    for (const [node, location] of reads)
      if (!isCounter(location)) read.set(location.storage, [...(read.get(location.storage) ?? []), node]);
    const written = new Set<Storage>();
    for (const lists of stores) for (const list of lists) for (const l of list) written.add(l.storage);
    const reserved = new Set<string>();
    for (const item of unit.items) {
      if (item.kind === 'thread') reserved.add('scratch').add('positions');
      for (const literal of item.literals)
        reserved.add(sizeOf(literal.shape) > PACKED ? `literal ${literal.id}` : `constants ${literal.dtype}`);
    }
    let excess = new Set([...read.keys(), ...written]).size + reserved.size - this.emitter.options.maxBuffers;
    const after: Copy[] = [];
    if (excess <= 0) return after;
    const sizeRead = (storage: Storage): number =>
      (read.get(storage) ?? []).reduce((n, node) => n + sizeOf(node.shape), 0);
    const bySize = (a: Storage, b: Storage): number => sizeRead(a) - sizeRead(b) || a.id - b.id;
    const types = ['f32', 'f64', 'i32', 'u32'] as const;
    for (const type of types) {
      const inputs = [...read.keys()]
        .filter((s) => s.type === type && !written.has(s))
        .sort(bySize)
        .filter(this.spanned(sizeRead, type))
        .slice(0, excess + 1);
      if (excess <= 0 || inputs.length < 2) continue;
      this.shareInputs(inputs, read, reads, type, block);
      excess -= inputs.length - 1;
    }
    for (const type of types) {
      const outputs = [...written].filter((s) => s.type === type && !read.has(s)).slice(0, excess + 1);
      if (excess <= 0 || outputs.length < 2) continue;
      after.push(...this.shareOutputs(outputs, unit, stores, type, block));
      excess -= outputs.length - 1;
    }
    // Arrays that are read and written, such as one row of a stack and the next: what is read is in one shared buffer, what is written in another.
    for (const type of types) {
      const both = [...read.keys()]
        .filter((s) => s.type === type && written.has(s))
        .sort(bySize)
        .filter(this.spanned(sizeRead, type))
        .slice(0, excess + 2);
      if (excess <= 0 || both.length < 3) continue;
      this.shareInputs(both, read, reads, type, block);
      after.push(...this.shareOutputs(both, unit, stores, type, block));
      excess -= both.length - 2;
    }
    return after;
  }

  /** Copies what is read of the storages into one buffer and reads it there. */
  private shareInputs(
    storages: readonly Storage[],
    read: ReadonlyMap<Storage, readonly Node[]>,
    reads: Reads,
    type: BufferType,
    block: Step[],
  ): void {
    const nodes = storages.flatMap((storage) => get(read, storage));
    const length = nodes.reduce((n, node) => n + sizeOf(node.shape), 0);
    const shared = this.emitter.separate(
      { dtype: type, shape: [length] },
      `${this.emitter.label}_inputs`,
      block,
    );
    let offset = 0;
    for (const node of nodes) {
      const from = reads.get(node);
      if (from === undefined || isCounter(from)) continue;
      const to = { ...shared, offset: constantOffset(offset) };
      this.emitter.copy(from, to, sizeOf(node.shape), block);
      reads.set(node, to);
      offset += sizeOf(node.shape);
    }
  }

  /** Stores what goes to the storages into one buffer; gives the copies out of it. */
  private shareOutputs(
    storages: readonly Storage[],
    unit: MapUnit,
    stores: readonly (readonly Location[][])[],
    type: BufferType,
    block: Step[],
  ): readonly Copy[] {
    const moved: { readonly list: Location[]; readonly place: number; readonly size: number }[] = [];
    unit.items.forEach((item, i) => {
      at(stores, i).forEach((list, o) => {
        const node = item.result !== undefined ? item.node : at(item.outputs, o);
        list.forEach((l, place) => {
          if (storages.includes(l.storage)) moved.push({ list, place, size: sizeOf(node.shape) });
        });
      });
    });
    const length = moved.reduce((n, m) => n + m.size, 0);
    const shared = this.emitter.separate(
      { dtype: type, shape: [length] },
      `${this.emitter.label}_outputs`,
      block,
    );
    let offset = 0;
    return moved.map(({ list, place, size }) => {
      const from = { ...shared, offset: constantOffset(offset) };
      const copy = { from, to: at(list, place), size };
      list[place] = from;
      offset += size;
      return copy;
    });
  }

  /** Takes arrays as long as all together fit into one binding. */
  private spanned(size: (storage: Storage) => number, type: BufferType): (storage: Storage) => boolean {
    let left = this.emitter.options.maxBinding / BYTES[type];
    return (storage) => {
      left -= size(storage);
      return left >= 0;
    };
  }

  private dispatchMap(
    unit: MapUnit,
    key: Unit,
    reads: ReadonlyMap<Node, Location | Counter>,
    stores: readonly (readonly (readonly Location[])[])[],
    block: Step[],
  ): void {
    const apart = this.places(unit, reads, stores, true);
    const { locals, uniforms, signature, readPlaces, counters, storePlaces } =
      apart.uniforms.length <= MOST_UNIFORMS ? apart : this.places(unit, reads, stores, false);
    let known = this.patterns.get(key);
    if (known === undefined) {
      known = new Map();
      this.patterns.set(key, known);
    }
    let pattern = known.get(signature);
    if (pattern === undefined) {
      pattern = this.lower(unit, readPlaces, counters, storePlaces, locals, uniforms.length);
      known.set(signature, pattern);
    }
    const buffers = pattern.buffers.map((b) => {
      if ('local' in b) return at(locals, b.local).id;
      if ('storage' in b) return b.storage.id;
      return this.emitter.storage('slot', `${this.emitter.label}_scratch`, b.scratch, b.length, block).id;
    });
    block.push({
      kind: 'dispatch',
      kernel: pattern.kernel,
      buffers,
      uniforms: pattern.uniforms.map((u) => at(uniforms, u)),
    });
  }

  /** Where a unit reads and stores, with buffers and run-time offsets numbered. `apart`: that small values of two arrays lie at the same offset is chance, and no reason for another kernel. */
  private places(
    unit: MapUnit,
    reads: ReadonlyMap<Node, Location | Counter>,
    stores: readonly (readonly (readonly Location[])[])[],
    apart: boolean,
  ): Placed {
    const locals: Storage[] = [];
    const uniforms: Affine[] = [];
    const uniformTexts = new Map<string, number>();
    let signature = unit.items.map((i) => i.id).join();
    const uniformOf = (affine: Affine, of = ''): number => {
      const text = `${of}${affineKey(affine)}`;
      const known = uniformTexts.get(text) ?? uniforms.push(affine) - 1;
      uniformTexts.set(text, known);
      return known;
    };
    const place = (location: Location): Place => {
      let local = locals.indexOf(location.storage);
      if (local < 0) local = locals.push(location.storage) - 1;
      const { offset } = location;
      // Small values of loops lie elsewhere in every instance of the loop; its kernels are the same.
      const moves =
        location.dynamic || offset.terms.length > 0 || (this.emitter.depth > 0 && location.storage.packed);
      const own = apart && location.storage.packed && offset.terms.length === 0 ? `${local}:` : '';
      const uniform = moves ? uniformOf(offset, own) : undefined;
      const at_ = uniform === undefined ? offset.constant : 0;
      signature += `|${local}:${location.storage.length}:${uniform === undefined ? at_ : `u${uniform}`}`;
      return { buffer: local, type: location.storage.type, base: at_, uniform };
    };
    const readPlaces = new Map<Node, Place>();
    const counters = new Map<Node, number>();
    for (const [node, location] of reads)
      if (isCounter(location)) {
        const u = uniformOf(location.counter);
        counters.set(node, u);
        signature += `|#${u}`;
      } else readPlaces.set(node, place(location));
    signature += '>';
    const storePlaces = new Map(
      unit.items.map((item, i) => [
        item,
        at(stores, i).map((list) => {
          signature += ';';
          return list.map(place);
        }),
      ]),
    );
    return { locals, uniforms, signature, readPlaces, counters, storePlaces };
  }

  private lower(
    unit: MapUnit,
    reads: ReadonlyMap<Node, Place>,
    counters: ReadonlyMap<Node, number>,
    stores: ReadonlyMap<Item, readonly (readonly Place[])[]>,
    locals: readonly Storage[],
    uniformCount: number,
  ): Pattern {
    const buffers: BoundBuffer[] = locals.map((s, i) => ({ name: `b${i}`, type: s.type, length: s.length }));
    const fixed = new Map<number, Storage>();
    const writer = new Writer(buffers);
    const constantPlace = (location: Location): Place => {
      const local = locals.indexOf(location.storage);
      let index = local >= 0 ? local : [...fixed].find(([, storage]) => storage === location.storage)?.[0];
      if (index === undefined) {
        index = buffers.length;
        fixed.set(index, location.storage);
        buffers.push({
          name: `constants${index}`,
          type: location.storage.type,
          length: location.storage.length,
        });
      }
      return {
        buffer: index,
        type: location.storage.type,
        base: location.offset.constant,
        uniform: undefined,
      };
    };
    const lowered = lowerMapUnit(unit, writer, {
      reads,
      counters,
      stores,
      literal: (node) => constantPlace(this.emitter.literalNode(node)),
      table: (data) => constantPlace(this.emitter.literal(data, 'i32')),
      ownBytes: this.emitter.options.ownBytes,
      decides: (product) => this.emitter.decisions.has(product),
      rows: (node) => {
        const rows = this.emitter.scatters.rows(node);
        if (rows === undefined) return undefined;
        const place = (data: Int32Array): Place => constantPlace(this.emitter.literal(data, 'i32'));
        return { start: place(rows.start), list: place(rows.list), length: rows.list.length };
      },
    });
    const whole = { space: unit.space, axes: lowered.axes, body: lowered.body };
    const places = unit.serial ? undefined : narrowed(whole);
    const { space, axes, body } = places ?? whole;
    if (places === undefined && updatesPoints(unit) && isInPlace(reads, stores) && readsElsewhere(whole))
      throw new NotNarrow();
    const used = usage(body);
    const kept = range(buffers.length).filter((b) => used.buffers.has(b));
    const keptUniforms = range(uniformCount).filter((u) => used.uniforms.has(u));
    const kernelBuffers = kept.map((b, i): KernelBuffer => {
      const { type, length } = at(buffers, b);
      const access = used.access(b);
      // What is not written stays as it is.
      return { name: `b${i}`, type, length, access: places && access === 'write' ? 'read_write' : access };
    });
    const origins: Span[] = [];
    for (const item of unit.items) if (item.node.origin !== undefined) origins.push(item.node.origin);
    const kernel = this.emitter.library.add(
      {
        kind: 'map',
        buffers: kernelBuffers,
        uniforms: keptUniforms.map((_, i) => `u${i}`),
        space,
        axes,
        body: renumber(body, kept, keptUniforms),
      },
      this.emitter.label,
      origins,
    );
    return {
      kernel,
      buffers: kept.map((b) => {
        const storage = fixed.get(b);
        if (storage !== undefined) return { storage };
        if (b < locals.length) return { local: b };
        const { type, length } = at(buffers, b);
        return { scratch: type, length };
      }),
      uniforms: keptUniforms,
    };
  }
}

/**
 * Of new elements for several arrays, the items that write to other places than they read, and those that write where they read, which come behind them: only together, as single elements, are these right when they
 * read elsewhere in their arrays. Undefined where there is only one kind, or one needs what the other computes.
 */
function apartInPlace(
  unit: MapUnit,
  reads: Reads,
  stores: readonly (readonly (readonly Location[])[])[],
): readonly (readonly Item[])[] | undefined {
  if (unit.items.length < 2 || !updatesPoints(unit)) return undefined;
  const staying = unit.items.filter((item, i) => {
    const param = updatedAtPoints(item.node, item.reads.keys());
    const from = param === undefined ? undefined : reads.get(param);
    const to = at(stores, i).flat();
    return from !== undefined && !isCounter(from) && to.length > 0 && to.every((l) => sameLocation(l, from));
  });
  const moving = unit.items.filter((item) => !staying.includes(item));
  if (staying.length === 0 || moving.length === 0) return undefined;
  const needs = (some: readonly Item[], others: readonly Item[]): boolean =>
    some.some((item) => others.some((other) => other.outputs.some((o) => item.reads.has(o))));
  return needs(moving, staying) || needs(staying, moving) ? undefined : [moving, staying];
}

/** Whether something is stored where something is read. */
function isInPlace(
  reads: ReadonlyMap<Node, Place>,
  stores: ReadonlyMap<Item, readonly (readonly Place[])[]>,
): boolean {
  const written = [...stores.values()].flat(2);
  return [...reads.values()].some((r) =>
    written.some((w) => w.buffer === r.buffer && w.base === r.base && w.uniform === r.uniform),
  );
}

/** The number that all elements are. */
function splat(node: Node): number | undefined {
  const b = base(node);
  if (b.op === 'const') return b.attrs.value;
  return b.op === 'broadcast' ? splat(at(b.args, 0)) : undefined;
}

function isReadWithin(unit: MapUnit, item: Item): boolean {
  return unit.items.some((other) => other !== item && item.outputs.some((o) => other.reads.has(o)));
}
