// What the steps of a procedure share: where buffers lie, which part of the work falls to a thread, copies, and barriers. In: the driver of a module, the function that is written. `unsynced` says what has been
// written since the last barrier: nothing, by thread 0, or by all; what one thread wrote is read by others only after one.

import type { Affine, BufferRange, PlanBuffer } from '../../plan/types.ts';
import { BYTES } from '../../kernel/types.ts';
import { get } from '../../support/lists.ts';
import type { Layout } from './layout.ts';
import type { LoweredKernel } from './map_kernel.ts';
import type { ModuleContext } from './module.ts';
import type { TileSizes } from './tiles.ts';
import type { FunctionWriter, Reg, Variable } from './writer.ts';

/** Scalar operations (and bytes moved) below which a step runs on one thread. */
export interface Alone {
  readonly cost: number;
  readonly bytes: number;
}

export const defaultAlone: Alone = { cost: 16384, bytes: 65536 };

export interface DriverContext {
  readonly context: ModuleContext;
  readonly kernels: readonly LoweredKernel[];
  /** Addresses are read when the text is printed: the layout follows from the code. */
  readonly layout: () => Layout;
  readonly alone: Alone;
  readonly tiles: TileSizes;
  readonly planned: (buffer: number) => PlanBuffer;
}

/** Of the loops around, by number. */
export type Counters = ReadonlyMap<number, Reg>;
type Unsynced = 'nothing' | 'first thread' | 'all';

export class StepWriter {
  protected unsynced: Unsynced = 'nothing';
  /** Where buffers lie that change places. */
  protected readonly moved = new Map<number, Variable>();
  /** Where states are read that may lie among snapshots. */
  protected readonly viewed = new Map<number, Variable>();
  /** Inside steps that only thread 0 runs. */
  protected alone = false;
  protected readonly thread: Reg;
  protected readonly threads: Reg;
  protected readonly scratch: Reg;

  constructor(
    protected readonly f: FunctionWriter,
    protected readonly driver: DriverContext,
  ) {
    this.thread = f.param(0);
    this.threads = f.param(1);
    const start = f.late('scratch start', () => driver.layout().scratch + driver.context.phases);
    const size = f.late('scratch size', () => driver.layout().scratchBytes);
    this.scratch = f.pure('i32.add', 'i32', [f.pure('i32.mul', 'i32', [this.thread, size]), start]);
  }

  /** All threads meet, when any of them has written. */
  flush(): void {
    if (this.alone || this.unsynced === 'nothing') return;
    this.f.effect(`call ${this.driver.context.helper('barrier')}`, [this.threads]);
    this.f.touch();
    this.unsynced = 'nothing';
  }

  protected onFirstThread(body: () => void): void {
    this.f.if(this.f.pure('i32.eqz', 'i32', [this.thread]), () => {
      this.alone = true;
      body();
      this.alone = false;
    });
  }

  protected base(buffer: number): Reg {
    const moved = this.viewed.get(buffer) ?? this.moved.get(buffer);
    return moved === undefined ? this.home(buffer) : this.f.get(moved);
  }

  /** Where the layout puts a buffer. */
  protected home(buffer: number): Reg {
    return this.f.late(`buffer ${buffer}`, () => get(this.driver.layout().buffers, buffer));
  }

  /** The first word of a buffer is not 0. All threads read it, then meet before anybody may write it again. */
  protected flag(buffer: number): Reg {
    const { f } = this;
    return f.load('i32.load', 'i32', [this.base(buffer)], 'flag', false);
  }

  protected affine(affine: Affine, counters: Counters): Reg {
    const { f } = this;
    let sum = f.i32(affine.constant);
    for (const { loop, scale } of affine.terms)
      sum = f.pure('i32.add', 'i32', [f.pure('i32.mul', 'i32', [get(counters, loop), f.i32(scale)]), sum]);
    return sum;
  }

  protected address(range: BufferRange, counters: Counters): Reg {
    const { f } = this;
    const offset = this.affine(range.offset, counters);
    const bytes = f.pure('i32.mul', 'i32', [offset, f.i32(BYTES[range.type])]);
    return f.pure('i32.add', 'i32', [bytes, this.base(range.buffer)]);
  }

  /** The part of 0 .. total-1 that falls to this thread. */
  protected share(total: number): readonly [Reg, Reg] {
    const { f, thread, threads } = this;
    const wide = (reg: Reg) => f.pure('i64.extend_i32_u', 'i64', [reg]);
    const part = (reg: Reg) => {
      const product = f.pure('i64.mul', 'i64', [f.i64(BigInt(total)), wide(reg)]);
      return f.pure('i32.wrap_i64', 'i32', [f.pure('i64.div_u', 'i64', [product, wide(threads)])]);
    };
    return [part(thread), part(f.pure('i32.add', 'i32', [thread, f.i32(1)]))];
  }

  protected wrote(): void {
    this.f.touch();
    if (!this.alone) this.unsynced = 'all';
  }

  protected copy(from: Reg, to: Reg, bytes: number): void {
    const { f } = this;
    this.flush();
    if (this.alone) f.effect('memory.copy', [to, from, f.i32(bytes)]);
    else {
      const [first, last] = this.share(Math.ceil(bytes / 64));
      const start = f.pure('i32.shl', 'i32', [first, f.i32(6)]);
      const end = f.pure('i32.shl', 'i32', [last, f.i32(6)]);
      const stop = f.pure('select', 'i32', [
        end,
        f.i32(bytes),
        f.pure('i32.lt_u', 'i32', [end, f.i32(bytes)]),
      ]);
      const moved = (reg: Reg) => f.pure('i32.add', 'i32', [reg, start]);
      f.effect('memory.copy', [moved(to), moved(from), f.pure('i32.sub', 'i32', [stop, start])]);
    }
    this.wrote();
  }

  protected fill(to: BufferRange, value: number, counters: Counters): void {
    const { f } = this;
    this.flush();
    const [first, last] = this.alone ? [f.i32(0), f.i32(to.length)] : this.share(to.length);
    const size = BYTES[to.type];
    const start = f.pure('i32.add', 'i32', [
      this.address(to, counters),
      f.pure('i32.mul', 'i32', [first, f.i32(size)]),
    ]);
    const count = f.pure('i32.sub', 'i32', [last, first]);
    if (Object.is(value, 0)) {
      f.effect('memory.fill', [start, f.i32(0), f.pure('i32.mul', 'i32', [count, f.i32(size)])]);
    } else {
      const bits =
        to.type === 'f64'
          ? f.pure('i64.reinterpret_f64', 'i64', [f.f64(value)])
          : to.type === 'f32'
            ? f.pure('i32.reinterpret_f32', 'i32', [f.f32(value)])
            : f.i32(value);
      f.effect(`call ${this.driver.context.helper(size === 8 ? 'fill64' : 'fill32')}`, [start, count, bits]);
    }
    this.wrote();
  }

  /** A barrier, whatever has been written. */
  protected meet(): void {
    if (this.alone) return;
    this.unsynced = 'all';
    this.flush();
  }
}

export function bytesOf(range: BufferRange): number {
  return range.length * BYTES[range.type];
}
