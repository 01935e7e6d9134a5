// A unit of the partition to the body of one map kernel. Values of the unit's space are computed at the thread's own point and stored at the end; a serial unit (one thread) runs
// its items one after another, small values in registers, larger ones by a loop over their elements.
//
// Invariant: stores of values held in registers come after every load of the kernel, so that a kernel may overwrite what only its own point reads.

import { InternalError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import type { Node, NodeOf } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import * as k from '../kernel/build.ts';
import type { Statement } from '../kernel/types.ts';
import type { Index } from './index_algebra.ts';
import type { Rows, Source } from './lower.ts';
import { Frame, Lowering } from './lower.ts';
import { regionRunner } from './lower_region.ts';
import { shareBlocks } from './neighbours.ts';
import { withoutOnes } from './fuse.ts';
import type { Twin } from './own_tapes.ts';
import { twinOf } from './own_tapes.ts';
import type { Item } from './items.ts';
import type { Unit } from './partition.ts';
import { isBatched, isStacked, restShape } from './threads.ts';
import { tidy } from './tidy.ts';
import type { Place, Value } from './writer.ts';
import { Writer } from './writer.ts';

export type MapUnit = Extract<Unit, { kind: 'map' }>;

export interface MapPlaces {
  /** Where leaves and values of other units lie. */
  readonly reads: ReadonlyMap<Node, Place>;
  /** Scalars that are run-time integers of the kernel. */
  readonly counters: ReadonlyMap<Node, number>;
  /** Where the outputs of each item go (in the order of `item.outputs`; one list for a copy). */
  readonly stores: ReadonlyMap<Item, readonly (readonly Place[])[]>;
  readonly literal: (node: NodeOf<'literal'>) => Place;
  readonly table: (data: readonly number[]) => Place;
  /** Bytes of memory of its own that a thread may use. */
  readonly ownBytes: number;
  /** Whether a decision depends on the last bits of this product. */
  readonly decides: (product: Node) => boolean;
  /** The rows of a scatter whose index is known. */
  readonly rows: (node: NodeOf<'scatter_add'>) => Rows | undefined;
}

export interface LoweredMap {
  readonly axes: readonly string[];
  readonly body: readonly Statement[];
  readonly writer: Writer;
}

/** Values of at most this many elements are held in registers by a serial unit. */
export const UNROLL = 8;

export function lowerMapUnit(unit: MapUnit, writer: Writer, places: MapPlaces): LoweredMap {
  const ix = writer.index;
  const axes = unit.space.map((_, axis) => `i${axis}`);
  const point = unit.space.map((extent, axis) =>
    ix.variable(k.variable('i32', at(axes, axis)), 0, extent - 1, 0),
  );
  const arrays = new Set<Node>();
  const outputPlaces = new Map<Node, (Place | undefined)[]>();
  for (const item of unit.items) {
    for (const node of item.thread?.arrays ?? []) arrays.add(node);
    if (item.kind === 'thread') {
      const list: (Place | undefined)[] = item.node.outputs.map(() => undefined);
      item.outputs.forEach((output, i) => {
        if (output.op === 'project') list[output.attrs.index] = places.stores.get(item)?.[i]?.[0];
      });
      outputPlaces.set(item.node, list);
    }
  }
  const lowering = new Lowering(
    writer,
    places.literal,
    places.rows,
    regionRunner({
      space: unit.space,
      point,
      arrays,
      places: (node) => outputPlaces.get(node),
      table: places.table,
      ownBytes: places.ownBytes,
      twins: twinsOf(unit),
    }),
    places.decides,
  );
  for (const lists of places.stores.values())
    for (const list of lists) for (const place of list) writer.willWrite(place.buffer);

  const own = new Set(unit.items.flatMap((item) => item.outputs));
  const sources = new Map<Node, Source>();
  for (const [node, place] of places.reads)
    if (!own.has(node))
      sources.set(node, (tuple) => writer.load(place, ix.flat(tuple, node.shape), node.dtype));
  for (const [node, uniform] of places.counters)
    sources.set(node, () => ({ expr: k.uniform(uniform), depth: 0 }));
  const frame = new Frame(sources);
  const body = new UnitWriter(unit, writer, places, lowering, frame, point);
  for (const item of unit.items) body.item(item);
  body.finish();
  const { body: written, whole } = shareBlocks(writer.finish(), (prefix) => writer.fresh(prefix));
  return { axes, body: tidy(written, whole), writer };
}

/** Scans whose steps an adjoint loop of the unit would run again. */
function twinsOf(unit: MapUnit): ReadonlyMap<Node, Twin> {
  const twins = new Map<Node, Twin>();
  unit.items.forEach(({ node: adjoint }, i) => {
    if (adjoint.op !== 'adjoint_scan') return;
    for (const { node } of unit.items.slice(0, i)) {
      const twin = node.op === 'scan' && !twins.has(node) ? twinOf(adjoint, node) : undefined;
      if (twin === undefined) continue;
      twins.set(node, twin);
      return;
    }
  });
  return twins;
}

class UnitWriter {
  private readonly late: (() => void)[] = [];
  /** Axes of the spaces that do not fill the unit's, by axis and extent. */
  private readonly shorter = new Map<string, Index>();

  constructor(
    private readonly unit: MapUnit,
    private readonly writer: Writer,
    private readonly places: MapPlaces,
    private readonly lowering: Lowering,
    private readonly frame: Frame,
    private readonly point: readonly Index[],
  ) {}

  finish(): void {
    for (const store of this.late) store();
  }

  item(item: Item): void {
    const stores = this.places.stores.get(item) ?? [];
    switch (item.kind) {
      case 'thread':
        this.thread(item, stores);
        return;
      case 'line':
        this.line(item, stores[0] ?? []);
        return;
      case 'value':
      case 'copy':
        if (this.unit.serial) this.serial(item, stores[0] ?? []);
        else this.parallel(item, stores[0] ?? []);
        return;
      default:
        throw new InternalError('schedule.lower', `${item.kind} in a map kernel`);
    }
  }

  /** The point as an index of an array whose axes, but for those of extent 1, are the space's. */
  private ownTuple(shape: readonly number[]): Index[] {
    const point = this.pointOf(withoutOnes(shape));
    let axis = 0;
    return shape.map((extent) => (extent === 1 ? this.writer.index.constant(0) : at(point, axis++)));
  }

  /** The points of a kernel of several spaces that belong to one of them; each axis is one variable for each of its extents. */
  private pointOf(space: readonly number[]): readonly Index[] {
    return space.map((extent, axis) => {
      if (extent === this.unit.space[axis]) return at(this.point, axis);
      const name = `${axis} ${extent}`;
      let index = this.shorter.get(name);
      if (index === undefined) {
        index = this.writer.index.variable(k.variable('i32', `i${axis}`), 0, extent - 1, 0);
        this.shorter.set(name, index);
      }
      return index;
    });
  }

  /** Writes statements that have effect at the points of a space only. */
  private inside(space: readonly number[], write: () => void): void {
    const guards = space.flatMap((extent, axis) =>
      extent === this.unit.space[axis] ? [] : [k.lessThan(k.variable('i32', `i${axis}`), k.int(extent))],
    );
    const [first, ...others] = guards;
    if (first === undefined) {
      write();
      return;
    }
    this.writer.open();
    write();
    const then = this.writer.close();
    this.writer.append({ kind: 'if', condition: others.reduce(k.and, first), then, else: [] });
  }

  private put(places: readonly Place[], flat: Index, value: Value): void {
    for (const place of places) this.writer.store(place, flat, value.expr);
  }

  private parallel(item: Item, places: readonly Place[]): void {
    const { node } = item;
    const tuple = this.ownTuple(node.shape);
    const value = this.lowering.value(this.frame, node, tuple);
    const store = () => this.put(places, this.writer.index.flat(tuple, node.shape), value);
    this.late.push(() => this.inside(item.space, store));
  }

  private serial(item: Item, places: readonly Place[]): void {
    const { node } = item;
    const ix = this.writer.index;
    const size = sizeOf(node.shape);
    if (size <= UNROLL) {
      const values = range(size).map((e) =>
        this.writer.freeze(this.lowering.value(this.frame, node, ix.unflat(ix.constant(e), node.shape))),
      );
      this.late.push(() => values.forEach((value, e) => this.put(places, ix.constant(e), value)));
      if (item.kind === 'value') this.hold(node, values);
      return;
    }
    const name = this.writer.fresh('e');
    const depth = this.writer.open();
    const flat = ix.variable(k.variable('i32', name), 0, size - 1, depth);
    const value = this.lowering.value(this.frame, node, ix.unflat(flat, node.shape));
    this.put(places, flat, value);
    const body = this.writer.close();
    this.writer.append({ kind: 'for', name, from: k.int(0), to: k.int(size), down: false, body });
    if (item.kind === 'value') this.reload(node, places);
  }

  /** Later items find the values in registers. */
  private hold(node: Node, values: readonly Value[]): void {
    this.frame.memo.delete(node);
    this.frame.sources.set(node, (tuple) => this.chosen(values, this.writer.index.flat(tuple, node.shape)));
  }

  /** Later items find the values in memory. */
  private reload(node: Node, places: readonly Place[]): void {
    const place = places[0];
    this.frame.memo.delete(node);
    if (place === undefined) return;
    const { writer } = this;
    this.frame.sources.set(node, (tuple) =>
      writer.load(place, writer.index.flat(tuple, node.shape), node.dtype),
    );
  }

  private line(item: Item, places: readonly Place[]): void {
    const { node } = item;
    if (node.op !== 'cumsum') throw new InternalError('schedule.lower', `${node.op} is no running sum`);
    const { writer } = this;
    const ix = writer.index;
    const { axis, reverse } = node.attrs;
    const rest = node.shape.filter((_, i) => i !== axis);
    const along = (others: readonly Index[]): void => {
      const sum = writer.fresh('c');
      writer.append({ kind: 'var', name: sum, value: k.constant(node.dtype, 0) });
      const name = writer.fresh('k');
      const extent = at(node.shape, axis);
      const depth = writer.open();
      const j = ix.variable(k.variable('i32', name), 0, extent - 1, depth);
      const tuple = [...others.slice(0, axis), j, ...others.slice(axis)];
      const term = this.lowering.expr(this.frame, at(node.args, 0), tuple);
      const total = k.variable(node.dtype, sum);
      writer.append({ kind: 'assign', name: sum, value: k.add(total, term) });
      this.put(places, ix.flat(tuple, node.shape), { expr: total, depth });
      const body = writer.close();
      writer.append({ kind: 'for', name, from: k.int(0), to: k.int(extent), down: reverse, body });
    };
    if (!this.unit.serial) along(this.point);
    else if (sizeOf(rest) === 1) along(rest.map(() => ix.constant(0)));
    else {
      const name = writer.fresh('e');
      const depth = writer.open();
      along(ix.unflat(ix.variable(k.variable('i32', name), 0, sizeOf(rest) - 1, depth), rest));
      const body = writer.close();
      writer.append({ kind: 'for', name, from: k.int(0), to: k.int(sizeOf(rest)), down: false, body });
    }
    this.reload(node, places);
  }

  private thread(item: Item, stores: readonly (readonly Place[])[]): void {
    const results = this.lowering.region(this.frame, item.node);
    item.outputs.forEach((output, i) => {
      if (output.op !== 'project') return;
      const source = at(results, output.attrs.index);
      this.frame.sources.set(output, source);
      if (!isStacked(item.node, output.attrs.index)) this.finalValue(output, source, stores[i] ?? []);
    });
  }

  /** The value that a loop inside the kernel ends with: few elements stay in registers and are stored at the end, more are stored at once. */
  private finalValue(output: Node, source: Source, places: readonly Place[]): void {
    const { writer, unit, point } = this;
    const ix = writer.index;
    const batched = isBatched(output.shape, unit.space);
    const rest = restShape(output.shape, unit.space);
    const lead = batched ? point : [];
    const tuples = range(sizeOf(rest)).map((flat) => [...lead, ...ix.unflat(ix.constant(flat), rest)]);
    const values = tuples.map((tuple) => writer.freeze(source(tuple)));
    const write = (): void => {
      tuples.forEach((tuple, e) => this.put(places, ix.flat(tuple, output.shape), at(values, e)));
    };
    const store = (): void => {
      if (places.length === 0) return;
      if (batched || unit.space.length === 0) {
        write();
        return;
      }
      // The same for all threads: the first one writes it.
      writer.open();
      write();
      const first = point.reduce<ReturnType<typeof k.and>>(
        (all, index) => k.and(all, k.compare('eq', ix.expr(index), k.int(0))),
        k.bool(true),
      );
      const then = writer.close();
      if (first.kind === 'const') for (const s of then) writer.append(s);
      else writer.append({ kind: 'if', condition: first, then, else: [] });
    };
    if (values.length <= UNROLL) {
      this.late.push(store);
      this.frame.memo.delete(output);
      this.frame.sources.set(output, (tuple) =>
        this.chosen(values, ix.flat(tuple.slice(tuple.length - rest.length), rest)),
      );
    } else {
      store();
      if (batched || unit.space.length === 0) this.reload(output, places);
    }
  }

  /** One of several values in registers, by an index that may be known at run time only. */
  private chosen(values: readonly Value[], flat: Index): Value {
    if (flat.terms.length === 0) return at(values, flat.constant);
    const index = this.writer.index.expr(flat);
    const expr = values
      .slice(0, -1)
      .reduceRight(
        (rest, value, e) => k.select(k.compare('eq', index, k.int(e)), value.expr, rest),
        at(values, -1).expr,
      );
    return this.writer.bind(expr, Math.max(flat.depth, ...values.map((v) => v.depth)));
  }
}
