// Addresses, loads and stores. In: a buffer and an index as an affine form over registers. Out: pointer registers with constant offsets, vector or lane accesses.
//
// A pointer is base + bytes * (sum of coefficient * register), added up from the outermost loop inwards so that every partial sum sits where its last part becomes known. What differs only by
// constants (neighbours of a stencil, rows and columns of a block) shares one pointer; offsets in WebAssembly are unsigned, so the pointer is moved down by the smallest of them, known at the end.
// Loads outside their buffer: within MARGIN_LIMIT bytes they read some other memory, which the layout provides; what may reach further, or is not known, is clamped to element 0.

import type { BufferType } from '../../kernel/types.ts';
import { BYTES } from '../../kernel/types.ts';
import { at, range } from '../../support/lists.ts';
import { everything, inRange, intervalOf, without, type Affine, type Interval } from './affine.ts';
import { MARGIN_LIMIT, type ModuleContext } from './module.ts';
import { groupReg, scalarTypeOf, shapeOf, type Num, type Ops } from './ops.ts';
import type { FunctionWriter, Reg } from './writer.ts';

/** A variable of affine forms. */
export type Atom =
  /** `row`: register + row of the group; `scalar`: the register. */
  | { readonly kind: 'row' | 'scalar'; readonly reg: Reg; readonly range: Interval }
  /** register + column of the group + lane; the register is a multiple of `align`. */
  | { readonly kind: 'lane'; readonly reg: Reg; readonly range: Interval; readonly align: number }
  /** Anything else: scalars that differ between groups, vectors. */
  | { readonly kind: 'num'; readonly num: Num; readonly range: Interval };

/** Place of each group: its row, and its column in lanes. */
export interface Group {
  readonly row: number;
  readonly column: number;
}

/** An address; `key` names those that share a smallest offset. */
interface Pointer {
  readonly reg: Reg;
  readonly key: string | undefined;
}

/** Memory that an index refers to. */
export interface Region {
  readonly name: string;
  readonly base: Reg;
  readonly type: BufferType;
  readonly length: number;
  /** Whether this function writes there. */
  readonly written: boolean;
}

export class Memory {
  /**
   * Stores that this body has made. No point reads what another point writes, so a load that two bodies of a function make before their own stores has one value, whatever the other has stored
   * in between: their loads are shared by the number of their own stores.
   */
  private stores = 0;

  constructor(
    private readonly f: FunctionWriter,
    private readonly context: ModuleContext,
    private readonly atoms: ReadonlyMap<string, Atom>,
    /** Smallest constant offset in bytes from each pointer of the function, by its parts. */
    private readonly lowest: Map<string, number>,
  ) {}

  private atom(name: string): Atom {
    const atom = this.atoms.get(name);
    if (atom === undefined) throw new Error(`no atom ${name}`);
    return atom;
  }

  private byDepth(affine: Affine): readonly (readonly [Atom, number])[] {
    const { terms } = affine;
    const [only] = terms;
    if (only !== undefined && terms.length === 1) return [[this.atom(only[0]), only[1]]];
    const depth = (a: Atom) => (a.kind === 'num' ? at(a.num.regs, 0) : a.reg).block?.depth ?? 0;
    return affine.terms
      .map(([name, c]) => [this.atom(name), c] as const)
      .sort(([a], [b]) => depth(a) - depth(b));
  }

  /** register * c modulo 2^32, by a shift where that is one. */
  private times(reg: Reg, c: number): Reg {
    const { f } = this;
    const shift = Math.log2(c | 0);
    if (Number.isInteger(shift) && shift > 0) return f.pure('i32.shl', 'i32', [reg, f.i32(shift)]);
    return f.pure('i32.mul', 'i32', [reg, f.i32(c)]);
  }

  /** Sum of the registers of an affine form, without its constant; the group's part of rows and columns is in `shift`. */
  private sum(start: Reg | undefined, affine: Affine, scale: number): Reg {
    const { f } = this;
    let sum = start;
    for (const [atom, c] of this.byDepth(affine)) {
      const reg = atom.kind === 'num' ? at(atom.num.regs, 0) : atom.reg;
      const part = this.times(reg, c * scale);
      sum = sum === undefined ? part : f.pure('i32.add', 'i32', [sum, part]);
    }
    return sum ?? f.i32(0);
  }

  /** What rows and columns add to an affine form in a group. */
  private shift(affine: Affine, group: Group): number {
    let shift = affine.constant;
    for (const [name, c] of affine.terms) {
      const atom = this.atom(name);
      if (atom.kind === 'row') shift += c * group.row;
      if (atom.kind === 'lane') shift += c * group.column;
    }
    return shift;
  }

  /** Coefficient of the lane axis; undefined when other parts of the index differ between lanes or groups. */
  private laneStride(affine: Affine): number | undefined {
    let stride = 0;
    for (const [name, c] of affine.terms) {
      const atom = this.atom(name);
      if (atom.kind === 'num' && (atom.num.vector || atom.num.regs.length > 1)) return undefined;
      if (atom.kind === 'lane') stride += c;
    }
    return stride;
  }

  /** The value of an affine form. */
  materialise(affine: Affine, ops: Ops, groups: readonly Group[]): Num {
    const { f } = this;
    let plain: Affine = affine;
    const parts: Num[] = [];
    let stride = 0;
    for (const [name, c] of affine.terms) {
      const atom = this.atom(name);
      if (atom.kind === 'lane') stride += c;
      if (atom.kind !== 'num' || (!atom.num.vector && atom.num.regs.length === 1)) continue;
      plain = without(plain, name);
      parts.push(c === 1 ? atom.num : ops.mul(atom.num, ops.constant('i32', c)));
    }
    const shifts = groups.map((g) => this.shift(plain, g));
    const same = shifts.every((s) => s === shifts[0]);
    const sum = plain.terms.length === 0 ? undefined : this.sum(undefined, plain, 1);
    const regs = (same ? shifts.slice(0, 1) : shifts).map((s) =>
      sum === undefined ? f.i32(s) : f.pure('i32.add', 'i32', [sum, f.i32(s)]),
    );
    let value = ops.scalar('i32', ...regs);
    const { width } = ops.setup;
    if (stride !== 0 && width > 1) {
      const lanes = f.vectorOfIntegers(range(4).map((lane) => (lane < width ? lane * stride : 0)));
      value = ops.add(value, ops.vector('i32', lanes));
    }
    for (const part of parts) value = isZero(value) ? part : ops.add(value, part);
    return value;
  }

  /** Everything where the sum may wrap. */
  intervalOf(affine: Affine): Interval {
    const interval = intervalOf(affine, (name) => this.atom(name).range);
    return inRange(interval) ? interval : everything;
  }

  /** Loads after this do not have the values of loads before. */
  touch(): void {
    this.stores++;
  }

  // ---- loads

  load(region: Region, index: Affine, ops: Ops, groups: readonly Group[]): Num {
    const stride = this.laneStride(index);
    if (stride === undefined || !this.near(region, index, stride * ops.setup.width))
      return this.gather(region, this.materialise(index, ops, groups), ops);
    const { width } = ops.setup;
    const pointer = this.pointer(region, index);
    const shifts = groups.map((g) => this.shift(index, g));
    if (stride === 0 || width === 1) {
      const same = shifts.every((s) => s === shifts[0]);
      const regs = (same ? shifts.slice(0, 1) : shifts).map((s) => this.scalarLoad(region, pointer, s));
      return ops.scalar(region.type, ...regs);
    }
    const regs = shifts.map((s) => this.vectorLoad(region, pointer, s, stride, width));
    return ops.vector(region.type, ...regs);
  }

  /** Whether every lane of every point stays near enough to the buffer to be read without a clamp. */
  private near(region: Region, index: Affine, beyond: number): boolean {
    const { lo, hi } = this.intervalOf(index);
    const bytes = BYTES[region.type];
    const below = -(lo + Math.min(0, beyond)) * bytes;
    const above = (hi + Math.max(0, beyond) + 1 - region.length) * bytes;
    if (!(below <= MARGIN_LIMIT && above <= MARGIN_LIMIT)) return false;
    this.context.margin = Math.max(this.context.margin, below, above);
    return true;
  }

  /**
   * The address of an index without its constant, moved by the smallest constant with which it is used, up or down: so it is the address of some access, which lies near the buffer, and never one
   * below 0 (an index that counts down from the end has a large constant). The move is part of the start, which loops leave alone.
   */
  private pointer(region: Region, index: Affine): Pointer {
    const { f, lowest } = this;
    let key = String(region.base.id);
    for (const [name, c] of index.terms) {
      const atom = this.atom(name);
      key += ` ${c}*${(atom.kind === 'num' ? at(atom.num.regs, 0) : atom.reg).id}`;
    }
    const bias = f.late(`bias ${key}`, () => lowest.get(key) ?? 0);
    const start = f.pure('i32.add', 'i32', [region.base, bias]);
    return { reg: this.sum(start, index, BYTES[region.type]), key };
  }

  /** The address of one element, computed. */
  private element(region: Region, index: Reg): Pointer {
    const reg = this.f.pure('i32.add', 'i32', [region.base, this.times(index, BYTES[region.type])]);
    return { reg, key: undefined };
  }

  /** The offset of an access from its pointer, as text. */
  private offset(pointer: Pointer, bytes: number): () => string {
    const { lowest } = this;
    const { key } = pointer;
    if (key === undefined) return () => offsetText(bytes);
    lowest.set(key, Math.min(lowest.get(key) ?? bytes, bytes));
    return () => offsetText(bytes - (lowest.get(key) ?? 0));
  }

  private read(
    region: Region,
    op: string,
    pointer: Pointer,
    element: number,
    suffix = '',
    more: readonly Reg[] = [],
  ): Reg {
    const bytes = element * BYTES[region.type];
    const offset = this.offset(pointer, bytes);
    const vector = op.startsWith('v128');
    return this.f.load(
      () => `${op}${offset()}${suffix}`,
      vector ? 'v128' : scalarTypeOf(region.type),
      [pointer.reg, ...more],
      `${op}${suffix} ${bytes}`,
      !region.written,
      this.stores,
      'x',
    );
  }

  private scalarLoad(region: Region, pointer: Pointer, element: number): Reg {
    return this.read(region, `${scalarTypeOf(region.type)}.load`, pointer, element);
  }

  private vectorLoad(region: Region, pointer: Pointer, element: number, stride: number, width: number): Reg {
    const wide = region.type === 'f64';
    const whole = wide || width === 4;
    if (stride === 1) return this.read(region, whole ? 'v128.load' : 'v128.load64_zero', pointer, element);
    if (stride === -1 && width === 4) {
      const v = this.read(region, 'v128.load', pointer, element - 3);
      return this.f.pure('i8x16.shuffle 12 13 14 15 8 9 10 11 4 5 6 7 0 1 2 3', 'v128', [v, v]);
    }
    const bits = wide ? 64 : 32;
    let v = this.read(region, `v128.load${bits}_zero`, pointer, element);
    for (let lane = 1; lane < width; lane++)
      v = this.read(region, `v128.load${bits}_lane`, pointer, element + lane * stride, ` ${lane}`, [v]);
    return v;
  }

  /** Element by element, each index clamped. */
  private gather(region: Region, index: Num, ops: Ops): Num {
    const clamped = this.clamp(index, region.length, ops);
    return ops.lanes(region.type, [clamped], (i) => {
      return ops.scalar(region.type, this.scalarLoad(region, this.element(region, at(i.regs, 0)), 0));
    });
  }

  /** Indices outside 0..length-1 become 0. */
  clamp(index: Num, length: number, ops: Ops): Num {
    const limit = ops.constant('u32', Math.max(1, length));
    const inside = ops.compare('lt', ops.as('u32', index), limit);
    return ops.select(inside, index, ops.constant('i32', 0));
  }

  // ---- stores

  /**
   * Stores a value a group. `count`: only the first lanes of the only group hold points; `mask`: only lanes where it is true. Indices are known to be inside.
   */
  store(
    region: Region,
    index: Affine,
    value: Num,
    ops: Ops,
    groups: readonly Group[],
    count: Reg | undefined,
    mask: Num | undefined,
  ): void {
    const { f } = this;
    const { width } = ops.setup;
    const stride = this.laneStride(index);
    const bytes = BYTES[region.type];
    const spread = stride !== undefined && stride !== 0 && width > 1;
    if (spread && mask === undefined) {
      const pointer = this.pointer(region, index);
      const vector = ops.splat(value);
      groups.forEach((group, g) => {
        const element = this.shift(index, group);
        const reg = groupReg(vector, g);
        const whole = () => {
          if (stride === 1)
            this.write(
              region.type === 'f64' || width === 4 ? 'v128.store' : 'v128.store64_lane',
              pointer,
              element * bytes,
              reg,
              region.type === 'f64' || width === 4 ? '' : ' 0',
            );
          else
            range(width).forEach((lane) =>
              this.writeLane(region, pointer, element + lane * stride, reg, lane),
            );
        };
        if (count === undefined) whole();
        else
          f.if(f.pure('i32.ge_s', 'i32', [count, f.i32(width)]), whole, () => {
            for (let lane = 0; lane + 1 < width; lane++)
              f.if(f.pure('i32.gt_s', 'i32', [count, f.i32(lane)]), () =>
                this.writeLane(region, pointer, element + lane * stride, reg, lane),
              );
          });
      });
    } else if (width === 1 || (!value.vector && mask === undefined && stride === 0)) {
      const pointers = this.pointersOf(region, index, ops, groups);
      groups.forEach((_, g) => {
        const { pointer, element } = at(pointers, g);
        const put = () =>
          this.write(`${scalarTypeOf(region.type)}.store`, pointer, element * bytes, groupReg(value, g), '');
        if (mask === undefined) put();
        else f.if(groupReg(mask, g), put);
      });
    } else {
      this.scatter(region, this.materialise(index, ops, groups), value, ops, groups, count, mask);
    }
    this.touch();
  }

  private pointersOf(
    region: Region,
    index: Affine,
    ops: Ops,
    groups: readonly Group[],
  ): readonly { readonly pointer: Pointer; readonly element: number }[] {
    if (this.laneStride(index) !== undefined) {
      const pointer = this.pointer(region, index);
      return groups.map((g) => ({ pointer, element: this.shift(index, g) }));
    }
    const places = this.materialise(index, ops, groups);
    return groups.map((_, g) => ({ pointer: this.element(region, groupReg(places, g)), element: 0 }));
  }

  private scatter(
    region: Region,
    index: Num,
    value: Num,
    ops: Ops,
    groups: readonly Group[],
    count: Reg | undefined,
    mask: Num | undefined,
  ): void {
    const { f } = this;
    groups.forEach((_, g) => {
      for (let lane = 0; lane < ops.setup.width; lane++) {
        const put = () => {
          const place = at(ops.extract(index, g, lane).regs, 0);
          this.write(
            `${scalarTypeOf(region.type)}.store`,
            this.element(region, place),
            0,
            at(ops.extract(value, g, lane).regs, 0),
            '',
          );
        };
        const conditions: Reg[] = [];
        if (count !== undefined && lane > 0) conditions.push(f.pure('i32.gt_s', 'i32', [count, f.i32(lane)]));
        if (mask !== undefined) conditions.push(at(ops.extract(mask, g, lane).regs, 0));
        const [first, second] = conditions;
        if (first === undefined) put();
        else f.if(second === undefined ? first : f.pure('i32.and', 'i32', [first, second]), put);
      }
    });
  }

  private write(op: string, pointer: Pointer, bytes: number, value: Reg, suffix: string): void {
    const offset = this.offset(pointer, bytes);
    this.f.effect(() => `${op}${offset()}${suffix}`, [pointer.reg, value]);
  }

  private writeLane(region: Region, pointer: Pointer, element: number, reg: Reg, lane: number): void {
    const bits = shapeOf(region.type) === 'f64x2' ? 64 : 32;
    this.write(`v128.store${bits}_lane`, pointer, element * BYTES[region.type], reg, ` ${lane}`);
  }
}

function offsetText(bytes: number): string {
  return bytes === 0 ? '' : ` offset=${bytes}`;
}

function isZero(a: Num): boolean {
  return !a.vector && a.regs.every((reg) => reg.literal === 0);
}
