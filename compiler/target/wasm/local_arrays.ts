// Local arrays of a kernel: in registers, where every index is known (arrays.ts), else in the thread's scratch memory. In: declarations, reads and assignments with indices as affine forms. Out: code.
//
// An element in scratch memory holds a vector, or a scalar, for each group of points; an index that differs between lanes goes lane by lane. Indices outside are clamped.

import type { DType } from '../../ir/types.ts';
import type { BufferType } from '../../kernel/types.ts';
import { BYTES } from '../../kernel/types.ts';
import { InternalError } from '../../support/diagnostic.ts';
import { at, range } from '../../support/lists.ts';
import type { Affine } from './affine.ts';
import type { Body, Cell } from './body.ts';
import { groupReg, scalarTypeOf, type Num } from './ops.ts';
import type { Reg } from './writer.ts';

interface Scratch {
  readonly kind: 'scratch';
  readonly type: DType;
  readonly vector: boolean;
  readonly offset: number;
  readonly length: number;
  /** Groups of points that have elements of their own; with one, all groups inside (those of a sum in vectors) share it. */
  readonly groups: number;
}

export type LocalArray = { readonly kind: 'registers'; readonly elements: readonly Cell[] } | Scratch;

export class LocalArrays {
  /** Bytes of scratch memory given out so far. */
  private scratchTop = 0;

  constructor(private readonly body: Body) {}

  /** `unset`: its elements are written before they are read. */
  declare(name: string, type: DType, length: number, unset: boolean): void {
    const vector = this.body.variation.names.has(name);
    const zero = this.body.ops.constant(type, 0);
    if (this.body.arrays.registers.has(name)) {
      const elements = range(length).map((i) => this.body.cell(`${name}${i}`, type, vector, zero));
      this.body.env.set(name, { kind: 'registers', elements });
      return;
    }
    const binding = this.scratchArray(name, type, vector, length);
    if (unset) return;
    const bytes = this.elementBytes(binding) * length;
    const start = this.body.f.pure('i32.add', 'i32', [
      this.body.options.scratch,
      this.body.f.i32(binding.offset),
    ]);
    this.body.f.effect('memory.fill', [start, this.body.f.i32(0), this.body.f.i32(bytes)]);
    this.body.f.touch();
  }

  /** Scratch memory for an array; an element holds a vector, or a scalar, for each group. */
  private scratchArray(name: string, type: DType, vector: boolean, length: number): Scratch {
    const groups = this.body.groups.length;
    const binding = { kind: 'scratch' as const, type, vector, offset: this.scratchTop, length, groups };
    this.scratchTop += Math.ceil((this.elementBytes(binding) * length) / 16) * 16;
    this.body.context.scratch = Math.max(this.body.context.scratch, this.scratchTop);
    this.body.env.set(name, binding);
    return binding;
  }

  private elementBytes(binding: Scratch): number {
    const one = binding.vector && this.body.ops.setup.width > 1 ? 16 : BYTES[storedAs(binding.type)];
    return one * binding.groups;
  }

  /** Distance of the lanes of a stored vector. */
  private laneBytes(type: DType): number {
    if (type === 'f64') return 8;
    return type === 'bool' ? 16 / this.body.ops.setup.width : 4;
  }

  private arrayOf(name: string): LocalArray {
    const binding = this.body.env.get(name);
    if (binding?.kind !== 'registers' && binding?.kind !== 'scratch')
      throw new InternalError('wasm.body', `${name} is no local array`);
    return binding;
  }

  /** Address of an element of a scratch array in each group, and lane if the index differs between lanes. */
  private elementAddress(binding: Scratch, index: Num, group: number, lane: number): Reg {
    const { f, ops } = this.body;
    const vector = binding.vector && ops.setup.width > 1;
    const size = this.elementBytes(binding);
    const i = at(ops.extract(index, group, lane).regs, 0);
    const unit = size / binding.groups;
    const within =
      (binding.groups === 1 ? 0 : unit * group) + (vector ? lane * this.laneBytes(binding.type) : 0);
    const start = f.pure('i32.add', 'i32', [this.body.options.scratch, f.i32(binding.offset + within)]);
    return f.pure('i32.add', 'i32', [start, f.pure('i32.mul', 'i32', [i, f.i32(size)])]);
  }

  read(name: string, index: Affine): Num {
    const { ops, f } = this.body;
    const binding = this.arrayOf(name);
    if (binding.kind === 'registers')
      return this.body.readCell(at(binding.elements, knownIndex(name, index)));
    const i = this.body.memory.clamp(this.body.materialise(index), binding.length, ops);
    const vector = binding.vector && ops.setup.width > 1;
    const { type } = binding;
    const { epoch } = f;
    if (vector && !i.vector) {
      const regs = this.body.groups.map((_, g) =>
        f.load('v128.load', 'v128', [this.elementAddress(binding, i, g, 0)], 'local', false, epoch),
      );
      return ops.vector(type, ...regs);
    }
    const scalar = (g: number, lane: number): Num => {
      const address = this.elementAddress(binding, i, g, lane);
      // A bool in a vector is a mask, of which any bit will do.
      const reg = f.load(`${scalarTypeOf(type)}.load`, scalarTypeOf(type), [address], 'local', false, epoch);
      return ops.scalar(type, vector && type === 'bool' ? f.pure('i32.and', 'i32', [reg, f.i32(1)]) : reg);
    };
    if (!i.vector) return ops.scalar(type, ...this.body.groups.map((_, g) => at(scalar(g, 0).regs, 0)));
    const regs = this.body.groups.map((_, g) =>
      ops.assemble(
        type,
        range(ops.setup.width).map((lane) => scalar(g, lane)),
      ),
    );
    return ops.vector(type, ...regs);
  }

  assign(name: string, index: Affine, value: Num): void {
    const { ops, f } = this.body;
    const binding = this.arrayOf(name);
    if (binding.kind === 'registers') {
      this.body.assign(at(binding.elements, knownIndex(name, index)), value);
      return;
    }
    const i = this.body.memory.clamp(this.body.materialise(index), binding.length, ops);
    const vector = binding.vector && ops.setup.width > 1;
    const { type } = binding;
    const mixed =
      this.body.mask === undefined ? value : ops.select(this.body.mask, value, this.read(name, index));
    f.touch();
    if (vector && !i.vector) {
      const wide = ops.splat(mixed);
      this.body.groups.forEach((_, g) =>
        f.effect('v128.store', [this.elementAddress(binding, i, g, 0), groupReg(wide, g)]),
      );
      return;
    }
    const lanes = i.vector ? ops.setup.width : 1;
    this.body.groups.forEach((_, g) => {
      for (let lane = 0; lane < lanes; lane++) {
        const reg = at(ops.extract(mixed, g, lane).regs, 0);
        const stored = vector && type === 'bool' ? f.pure('i32.sub', 'i32', [f.i32(0), reg]) : reg;
        const address = this.elementAddress(binding, i, g, lane);
        f.effect(`${scalarTypeOf(type)}.store`, [address, stored]);
        if (vector && type === 'bool' && ops.setup.width === 2)
          f.effect('i32.store offset=4', [address, stored]);
      }
    });
  }
}

function storedAs(type: DType): BufferType {
  return type === 'bool' ? 'u32' : type;
}

function knownIndex(name: string, index: Affine): number {
  if (index.terms.length > 0)
    throw new InternalError('wasm.body', `an index of ${name} in registers is not known`);
  return index.constant;
}
