// What one thread of a kernel holds: registers for carried values, and stacks, one entry a step, in its own memory, in a buffer with room for all threads, or where an array of the program lies.
// In: shapes with the leading axes of the kernel's space. Out: statements; a value is addressed by its full index.

import { InternalError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import type { DType } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import * as k from '../kernel/build.ts';
import type { BufferType, Expr } from '../kernel/types.ts';
import { BYTES } from '../kernel/types.ts';
import type { Index } from './index_algebra.ts';
import type { Lowering, Source } from './lower.ts';
import { isBatched, restShape } from './threads.ts';
import type { Place, Value, Writer } from './writer.ts';

/** The registers of one carried array. */
export interface Bank {
  readonly type: DType;
  readonly shape: readonly number[];
  readonly names: readonly string[];
  readonly array: string | undefined;
}

export interface Stack {
  readonly store: (step: Index, tuple: readonly Index[], value: Expr) => void;
  readonly load: (step: Index, tuple: readonly Index[]) => Value;
}

export class ThreadValues {
  /** `ownLeft`: bytes of its own memory that the thread may still use. */
  constructor(
    private readonly space: readonly number[],
    private readonly point: readonly Index[],
    protected ownLeft: number,
  ) {}

  // ---- registers

  protected rest(shape: readonly number[]): readonly number[] {
    return restShape(shape, this.space);
  }

  /** Every element a thread holds of an array of this shape: its full index, constant but for the thread's own. */
  protected elements(writer: Writer, shape: readonly number[]): Index[][] {
    const rest = this.rest(shape);
    const lead = isBatched(shape, this.space) ? this.point : [];
    return range(sizeOf(rest)).map((flat) => [
      ...lead,
      ...writer.index.unflat(writer.index.constant(flat), rest),
    ]);
  }

  protected restIndex(writer: Writer, shape: readonly number[], tuple: readonly Index[]): Index {
    const rest = this.rest(shape);
    return writer.index.flat(tuple.slice(tuple.length - rest.length), rest);
  }

  /** Registers with these start values (zeros when absent). */
  protected bank(
    lowering: Lowering,
    type: DType,
    shape: readonly number[],
    dynamic: boolean,
    start?: (tuple: readonly Index[]) => Expr,
  ): Bank {
    const { writer } = lowering;
    const elements = this.elements(writer, shape);
    if (dynamic && elements.length > 1) {
      const array = writer.fresh('a');
      const values = start === undefined ? [] : elements.map(start);
      writer.append({ kind: 'array', name: array, type, length: elements.length });
      values.forEach((value, e) => {
        writer.append({ kind: 'assign_local', array, index: k.int(e), value });
      });
      return { type, shape, names: [], array };
    }
    const values = elements.map((tuple) => (start === undefined ? k.constant(type, 0) : start(tuple)));
    const names = values.map((value) => {
      const name = writer.fresh('c');
      writer.append({ kind: 'var', name, value });
      return name;
    });
    return { type, shape, names, array: undefined };
  }

  protected source(lowering: Lowering, bank: Bank): Source {
    const { writer } = lowering;
    const depth = writer.depth;
    return (tuple) => {
      const flat = this.restIndex(writer, bank.shape, tuple);
      if (bank.array !== undefined)
        return writer.bind(
          k.local(bank.type, bank.array, writer.index.expr(flat)),
          Math.max(depth, flat.depth),
        );
      if (flat.terms.length > 0)
        throw new InternalError('schedule.lower', 'a register at an index of run time');
      return { expr: k.variable(bank.type, at(bank.names, flat.constant)), depth };
    };
  }

  /** New values for several banks at once: all are computed before any is assigned. */
  protected assign(lowering: Lowering, banks: readonly Bank[], values: readonly (readonly Value[])[]): void {
    const { writer } = lowering;
    const own = (b: number, e: number, { expr }: Value): boolean =>
      expr.kind === 'var' && expr.name === banks[b]?.names[e];
    const frozen = values.map((list, b) => list.map((v, e) => (own(b, e, v) ? v : writer.freeze(v))));
    banks.forEach((bank, b) => {
      at(frozen, b).forEach(({ expr }, e) => {
        if (bank.array !== undefined)
          writer.append({ kind: 'assign_local', array: bank.array, index: k.int(e), value: expr });
        else {
          const name = at(bank.names, e);
          if (expr.kind !== 'var' || expr.name !== name) writer.append({ kind: 'assign', name, value: expr });
        }
      });
    });
  }

  // ---- stacks

  protected placed(lowering: Lowering, place: Place, shape: readonly number[], type: DType): Stack {
    const { writer } = lowering;
    writer.willWrite(place.buffer);
    const ix = writer.index;
    const flat = (step: Index, tuple: readonly Index[]): Index =>
      ix.add(ix.scale(step, sizeOf(shape)), ix.flat(tuple, shape));
    return {
      store: (step, tuple, value) => writer.store(place, flat(step, tuple), value),
      load: (step, tuple) => writer.load(place, flat(step, tuple), type),
    };
  }

  protected scratch(lowering: Lowering, length: number, shape: readonly number[], type: DType): Stack {
    const { writer } = lowering;
    const ix = writer.index;
    const { space, point } = this;
    const rest = sizeOf(this.rest(shape));
    const threads = sizeOf(space);
    const bufferType: BufferType = type === 'bool' ? 'u32' : type;
    const bytes = length * rest * BYTES[bufferType];
    if (bytes <= this.ownLeft) {
      this.ownLeft -= bytes;
      return this.own(writer, length, shape, type);
    }
    const place = writer.scratchPlace(bufferType, length * rest, threads);
    writer.willWrite(place.buffer);
    const thread = ix.flat(point, space);
    const flat = (step: Index, tuple: readonly Index[]): Index =>
      ix.add(ix.scale(ix.add(ix.scale(step, rest), this.restIndex(writer, shape, tuple)), threads), thread);
    return {
      store: (step, tuple, value) => writer.store(place, flat(step, tuple), value),
      load: (step, tuple) => writer.load(place, flat(step, tuple), type),
    };
  }

  /** A stack in the thread's own memory. */
  protected own(writer: Writer, length: number, shape: readonly number[], type: DType): Stack {
    const ix = writer.index;
    const rest = sizeOf(this.rest(shape));
    const array = writer.localArray(type, length * rest);
    const flat = (step: Index, tuple: readonly Index[]): Expr =>
      ix.expr(ix.add(ix.scale(step, rest), this.restIndex(writer, shape, tuple)));
    return {
      store: (step, tuple, value) =>
        writer.append({ kind: 'assign_local', array, index: flat(step, tuple), value }),
      load: (step, tuple) => writer.bind(k.local(type, array, flat(step, tuple)), writer.depth),
    };
  }

  protected stackAll(
    lowering: Lowering,
    stack: Stack | undefined,
    step: Index,
    shape: readonly number[],
    values: readonly Value[],
  ): void {
    if (stack === undefined) return;
    this.elements(lowering.writer, shape).forEach((tuple, e) => stack.store(step, tuple, at(values, e).expr));
  }
}
