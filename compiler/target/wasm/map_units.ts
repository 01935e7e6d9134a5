// The main function of a map kernel: work units by number. In: the nest (map_nest.ts). Out: code that finds the rows and columns of a unit, and in the interior advances a block of rows x vectors at once; the
// rest goes to the functions of map_pieces.ts.

import { at, range } from '../../support/lists.ts';
import type { Interval } from './affine.ts';
import { nestRows, rangeOf, rowBlocks, type Nest } from './map_nest.ts';
import { writeBlock, type Entry, type PieceName } from './map_pieces.ts';
import type { ModuleContext } from './module.ts';
import type { FunctionWriter, Reg } from './writer.ts';

export class UnitWriter {
  private readonly f: FunctionWriter;

  constructor(
    private readonly nest: Nest,
    private readonly context: ModuleContext,
    private readonly entry: Entry,
    private readonly calls: Set<PieceName>,
  ) {
    this.f = entry.f;
  }

  private quotient(a: Reg, divisor: number): { readonly quotient: Reg; readonly rest: Reg } {
    const { f } = this;
    if (divisor === 1) return { quotient: a, rest: f.i32(0) };
    const quotient = f.pure('i32.div_u', 'i32', [a, f.i32(divisor)]);
    const rest = f.pure('i32.sub', 'i32', [a, f.pure('i32.mul', 'i32', [quotient, f.i32(divisor)])]);
    return { quotient, rest };
  }

  /** Rows first .. last-1 of a plane: those before, in and after the interior. */
  band(first: Reg, last: Reg): void {
    const { nest, f } = this;
    const extent = at(nest.kernel.space, 0);
    const { lo, hi } = nestRows(nest.interior, nest.outer, extent);
    const { rows } = nest.blocking;
    const part = (from: Reg, to: Reg, write: () => void) =>
      f.if(f.pure('i32.lt_s', 'i32', [from, to]), write);
    if (lo > 0) {
      const end = this.smaller(last, f.i32(lo));
      part(first, end, () => this.rowsAtBorder([first], end, f.i32(0)));
    }
    const start = lo > 0 ? this.larger(first, f.i32(lo)) : first;
    const end = hi < extent - 1 ? this.smaller(last, f.i32(hi + 1)) : last;
    const blocks = () => {
      const count = f.pure('i32.sub', 'i32', [end, start]);
      const left = rows === 1 ? f.i32(0) : f.pure('i32.rem_u', 'i32', [count, f.i32(rows)]);
      const whole = f.pure('i32.sub', 'i32', [end, left]);
      const columns = this.columnsOf(f.i32(0), false);
      f.count(start, whole, rows, 'row', [], (row) => this.wholeBlock([row], columns));
      if (rows > 1) part(whole, end, () => this.call('rows', [whole], end, ...columns));
    };
    part(start, end, () => this.rowsInside([start], end, f.i32(0), blocks));
    if (hi < extent - 1) {
      const from = this.larger(first, f.i32(hi + 1));
      part(from, last, () => this.rowsAtBorder([from], last, f.i32(0)));
    }
  }

  private smaller(a: Reg, b: Reg): Reg {
    return this.f.pure('select', 'i32', [a, b, this.f.pure('i32.lt_s', 'i32', [a, b])]);
  }

  private larger(a: Reg, b: Reg): Reg {
    return this.f.pure('select', 'i32', [a, b, this.f.pure('i32.gt_s', 'i32', [a, b])]);
  }

  /** A work unit. */
  write(unit: Reg): void {
    const { nest, f } = this;
    const { kernel, outer, chunks } = nest;
    const { quotient: rowUnit, rest: chunk } = this.quotient(unit, chunks);
    if (outer.length === 0) {
      this.rowsInside([], undefined, chunk);
      return;
    }
    const rowExtent = at(kernel.space, outer.length - 1);
    const interior = nestRows(nest.interior, outer, rowExtent);
    const { rows } = nest.blocking;
    const blocks = rowBlocks(interior, rowExtent, rows);
    const perPlane = blocks[0] + blocks[1] + blocks[2];
    // Outer axes, last first.
    let rest = rowUnit;
    const planes: Reg[] = [];
    let block = rowUnit;
    if (outer.length > 1) {
      const split = this.quotient(rowUnit, perPlane);
      block = split.rest;
      rest = split.quotient;
      for (let axis = outer.length - 2; axis > 0; axis--) {
        const part = this.quotient(rest, at(kernel.space, axis));
        planes.unshift(part.rest);
        rest = part.quotient;
      }
      planes.unshift(rest);
    }
    const { first, last, inside } = this.rowsOf(block, blocks, interior, rowExtent);
    const conditions: Reg[] = inside === undefined ? [] : [inside];
    planes.forEach((reg, axis) => {
      const range = rangeOf(nest.interior, at(outer, axis));
      if (range.lo === 0 && range.hi === at(kernel.space, axis) - 1) return;
      const offset = f.pure('i32.sub', 'i32', [reg, f.i32(range.lo)]);
      conditions.push(f.pure('i32.le_u', 'i32', [offset, f.i32(range.hi - range.lo)]));
    });
    const [start, ...others] = conditions;
    const within = others.reduce((a, b) => f.pure('i32.and', 'i32', [a, b]), start ?? f.i32(1));
    f.if(
      within,
      () => this.rowsInside([...planes, first], last, chunk),
      () => this.rowsAtBorder([...planes, first], last, chunk),
    );
  }

  /** First and last row of a block, and whether it lies in the interior. */
  private rowsOf(
    block: Reg,
    [before, inside, after]: readonly [number, number, number],
    { lo, hi }: Interval,
    extent: number,
  ): {
    readonly first: Reg;
    readonly last: Reg;
    readonly inside: Reg | undefined;
  } {
    const { f } = this;
    const { rows } = this.nest.blocking;
    const start = f.pure('i32.mul', 'i32', [block, f.i32(rows)]);
    const end = f.pure('i32.add', 'i32', [start, f.i32(rows)]);
    if (before === 0 && after === 0)
      return {
        first: start,
        last: this.smaller(end, f.i32(extent)),
        inside: undefined,
      };
    // Blocks count from 0 before the interior, then from its first row, then from its end.
    const isBefore = f.pure('i32.lt_s', 'i32', [block, f.i32(before)]);
    const isInside = f.pure('i32.lt_s', 'i32', [block, f.i32(before + inside)]);
    const choose = (a: Reg, b: Reg, c: Reg) =>
      f.pure('select', 'i32', [a, f.pure('select', 'i32', [b, c, isInside]), isBefore]);
    const shift = choose(f.i32(0), f.i32(lo - before * rows), f.i32(hi + 1 - (before + inside) * rows));
    const limit = choose(f.i32(lo), f.i32(hi + 1), f.i32(extent));
    const first = f.pure('i32.add', 'i32', [start, shift]);
    const last = this.smaller(f.pure('i32.add', 'i32', [end, shift]), limit);
    const within = f.pure('i32.and', 'i32', [f.pure('i32.eqz', 'i32', [isBefore]), isInside]);
    return { first, last, inside: within };
  }

  /** First and last column of a chunk: of the main loop, or with the border. */
  private columnsOf(chunk: Reg, border: boolean): readonly [Reg, Reg] {
    const { f } = this;
    const { start, end, extent, chunks, chunk: size } = this.nest;
    if (chunks === 1) return border ? [f.i32(0), f.i32(extent)] : [f.i32(start), f.i32(end)];
    const from = f.pure('i32.add', 'i32', [f.pure('i32.mul', 'i32', [chunk, f.i32(size)]), f.i32(start)]);
    const next = f.pure('i32.add', 'i32', [from, f.i32(size)]);
    const isLast = f.pure('i32.eq', 'i32', [chunk, f.i32(chunks - 1)]);
    const to = f.pure('select', 'i32', [f.i32(border ? extent : end), next, isLast]);
    if (!border) return [from, to];
    return [f.pure('select', 'i32', [f.i32(0), from, f.pure('i32.eqz', 'i32', [chunk])]), to];
  }

  /** Calls one of the kernel's other functions for the rows from the last of `outer` to `end`-1. */
  private call(
    name: PieceName,
    outer: readonly Reg[],
    end: Reg | undefined,
    ...columns: readonly Reg[]
  ): void {
    const { kernel } = this.nest;
    const { bases, uniforms, scratch } = this.entry;
    this.calls.add(name);
    const rows = end === undefined ? [] : [end];
    this.f.effect(`call $${kernel.name}_${name}`, [
      ...bases,
      ...uniforms,
      scratch,
      ...outer,
      ...rows,
      ...columns,
    ]);
    this.f.touch();
  }

  /** Whole rows of a chunk with every guard. */
  private guarded(outer: readonly Reg[], end: Reg | undefined, chunk: Reg): void {
    const columns =
      this.nest.inner === undefined ? [this.f.i32(0), this.f.i32(1)] : this.columnsOf(chunk, true);
    this.call('part', outer, end, ...columns);
  }

  /** The columns outside the main loop, where the chunk has them. */
  private guardedEnds(outer: readonly Reg[], end: Reg | undefined, chunk: Reg, side: 'first' | 'last'): void {
    const { nest, f } = this;
    const [first, last] = side === 'first' ? [0, nest.start] : [nest.end, nest.extent];
    if (first === last) return;
    const call = () => this.call('part', outer, end, f.i32(first), f.i32(last));
    if (nest.chunks === 1) call();
    else f.if(f.pure('i32.eq', 'i32', [chunk, f.i32(side === 'first' ? 0 : nest.chunks - 1)]), call);
  }

  private rowsAtBorder(outer: readonly Reg[], end: Reg, chunk: Reg): void {
    if (this.nest.edge === undefined) {
      this.guarded(outer, end, chunk);
      return;
    }
    this.guardedEnds(outer, end, chunk, 'first');
    this.call('edge', outer, end, ...this.columnsOf(chunk, false));
    this.guardedEnds(outer, end, chunk, 'last');
  }

  /** Rows in the interior: the main columns at once, their ends apart. */
  private rowsInside(
    outer: readonly Reg[],
    last: Reg | undefined,
    chunk: Reg,
    main = () => this.mainColumns(outer, last, chunk),
  ): void {
    const { nest } = this;
    const { start, end, inner } = nest;
    if (inner === undefined || end === start || !nest.splits) {
      this.guarded(outer, last, chunk);
      return;
    }
    if (nest.ends === undefined) this.guardedEnds(outer, last, chunk, 'first');
    main();
    if (nest.ends === undefined) this.guardedEnds(outer, last, chunk, 'last');
    else if (nest.ends.length > 0) this.call('ends', outer, last);
  }

  private mainColumns(outer: readonly Reg[], last: Reg | undefined, chunk: Reg): void {
    const { f } = this;
    const { rows } = this.nest.blocking;
    const columns = this.columnsOf(chunk, false);
    const block = () => this.wholeBlock(outer, columns);
    if (last === undefined || rows === 1) block();
    else {
      const count = f.pure('i32.sub', 'i32', [last, at(outer, -1)]);
      f.if(f.pure('i32.eq', 'i32', [count, f.i32(rows)]), block, () =>
        this.call('rows', outer, last, ...columns),
      );
    }
  }

  /** As many rows as a block has, or one where there is none. */
  private wholeBlock(outer: readonly Reg[], [first, last]: readonly [Reg, Reg]): void {
    const { blocking, inner } = this.nest;
    const step = blocking.width * blocking.columns;
    this.f.count(first, last, step, inner ?? '', [], (column) => this.block(outer, column));
  }

  private block(outer: readonly Reg[], column: Reg): void {
    const { nest } = this;
    const { blocking, interior } = nest;
    const { width, rows, columns } = blocking;
    const step = width * columns;
    const align = nest.start % step === 0 ? step : width;
    const groups = range(rows).flatMap((row) => range(columns).map((c) => ({ row, column: c * width })));
    // Rows one after another: what they share stays in registers, what they do not leaves them early.
    const together = blocking.byRow ? columns : groups.length;
    for (let first = 0; first < groups.length; first += together) {
      const points = {
        body: interior.body,
        column,
        align,
        width,
        anywhere: false,
      };
      const part = groups.slice(first, first + together);
      writeBlock(nest, this.context, this.entry, outer, {
        ...points,
        groups: part,
        rows: rows > 1,
      });
    }
  }
}
