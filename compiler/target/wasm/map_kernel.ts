// A map kernel as functions. In: the kernel. Out: `$name`, which advances the work units `from` .. `to`-1 of the space, and `$name_part`, which does a piece of one row with all guards.
//
// The space is cut into units that threads share: blocks of rows (a row is the innermost axis), and where rows are few and long, columns of them. Inside the box without guards (simplify.ts) the
// main function advances a block of rows x vectors at once; the pieces at the border, ends of rows and rows left over go through the part function, a vector at a time, its last
// vector partly filled. Which point goes which way depends on the kernel alone, never on the number of threads: the same bits for any of them.

import type { KernelBuffer, MapKernel } from '../../kernel/types.ts';
import { at, range } from '../../support/lists.ts';
import { chooseBlocking, type Blocking } from './blocking.ts';
import { Body } from './body.ts';
import { collapseRows } from './collapse.ts';
import { costOf } from './cost.ts';
import type { Atom } from './memory.ts';
import { originComments, type ModuleContext } from './module.ts';
import type { LaneSetup } from './ops.ts';
import { fullRanges, interiorOf, simplifyBody, type Interior } from './simplify.ts';
import { FunctionWriter, type Reg } from './writer.ts';
import type { Interval } from './affine.ts';

export interface LoweredKernel {
  readonly name: string;
  /** Work units that threads share. */
  readonly units: number;
  /** Estimated scalar operations of a whole dispatch. */
  readonly cost: number;
  /** What it does with each of its buffers. */
  readonly access: readonly KernelBuffer['access'][];
  readonly lines: readonly string[];
}

/** Whether the main function calls the part function at all. */
interface PartCalls {
  made: boolean;
}

interface Nest {
  readonly kernel: MapKernel;
  readonly uniformRanges: readonly Interval[];
  readonly blocking: Blocking;
  readonly interior: Interior;
  /** Axes but the innermost. */
  readonly outer: readonly string[];
  readonly inner: string | undefined;
  readonly extent: number;
  /** Columns start .. end-1 of a row are done by the main loop, a multiple of the block. */
  readonly start: number;
  readonly end: number;
  /** Row blocks, and column chunks of each. */
  readonly rowUnits: number;
  readonly chunks: number;
  readonly chunk: number;
  /** Whether the interior is worth code of its own: vectors, or scalars that lose guards. */
  readonly splits: boolean;
}

export function lowerMapKernel(
  given: MapKernel,
  context: ModuleContext,
  uniformRanges: readonly Interval[] = [],
): LoweredKernel {
  const kernel = collapseRows(given);
  const interior = interiorOf(kernel, uniformRanges);
  const points = kernel.space.reduce((n, extent) => n * extent, 1);
  const cost = points * costOf(interior.body);
  const access = kernel.buffers.map((b) => b.access);
  if (points === 0)
    return { name: kernel.name, units: 0, cost: 0, access, lines: emptyFunction(kernel, context) };
  const nest = planNest(kernel, uniformRanges, interior, chooseBlocking(kernel, interior));
  const calls: PartCalls = { made: false };
  const main = mainFunction(nest, context, calls);
  const lines = calls.made ? [...partFunction(nest, context), ...main] : main;
  return { name: kernel.name, units: nest.rowUnits * nest.chunks, cost, access, lines };
}

// ---- choices

/** Points of a unit below which more columns are put together. */
const unitPoints = 1024;

function planNest(
  kernel: MapKernel,
  uniformRanges: readonly Interval[],
  interior: Interior,
  blocking: Blocking,
): Nest {
  const inner = kernel.axes.at(-1);
  const outer = kernel.axes.slice(0, -1);
  const extent = kernel.space.at(-1) ?? 1;
  const step = blocking.width * blocking.columns;
  const bounds = inner === undefined ? { lo: 0, hi: 0 } : rangeOf(interior, inner);
  const { start, end } = mainColumns(bounds, blocking.width, step);
  const rowExtent = kernel.space.at(-2) ?? 1;
  const outerRows = kernel.space.slice(0, -2).reduce((n, e) => n * e, 1);
  const [before, inside, after] = rowBlocks(nestRows(interior, outer, rowExtent), rowExtent, blocking.rows);
  const rowUnits = outerRows * (before + inside + after);
  const main = end - start;
  const chunk = Math.max(step, Math.ceil(unitPoints / step) * step);
  const chunks = rowUnits >= 64 || main <= chunk ? 1 : Math.ceil(main / chunk);
  const guarded = [...fullRanges(kernel)].some(([axis, full]) => {
    const range = rangeOf(interior, axis);
    return range.lo !== full.lo || range.hi !== full.hi;
  });
  return {
    splits: step > 1 || guarded,
    kernel,
    uniformRanges,
    blocking,
    interior,
    outer,
    inner,
    extent,
    start,
    end,
    rowUnits,
    chunks,
    chunk,
  };
}

function rangeOf(interior: Interior, axis: string): Interval {
  return interior.ranges.get(axis) ?? { lo: 0, hi: 0 };
}

/** Columns of the main loop: from the first multiple of the vector width inside the interior, a whole number of blocks. */
function mainColumns({ lo, hi }: Interval, width: number, step: number): { start: number; end: number } {
  const start = Math.ceil(lo / width) * width;
  const blocks = Math.max(0, Math.floor((hi + 1 - start) / step));
  return { start, end: start + blocks * step };
}

/** Interior of the innermost outer axis. */
function nestRows(interior: Interior, outer: readonly string[], extent: number): Interval {
  const axis = outer.at(-1);
  return axis === undefined ? { lo: 0, hi: extent - 1 } : rangeOf(interior, axis);
}

/** Blocks of rows before, inside and after the interior. */
function rowBlocks({ lo, hi }: Interval, extent: number, rows: number): readonly [number, number, number] {
  return [Math.ceil(lo / rows), Math.ceil((hi + 1 - lo) / rows), Math.ceil((extent - hi - 1) / rows)];
}

// ---- functions

function commonParams(kernel: MapKernel): { readonly name: string; readonly type: 'i32' }[] {
  return [
    ...kernel.buffers.map((b) => ({ name: `at_${b.name}`, type: 'i32' as const })),
    ...kernel.uniforms.map((name) => ({ name: `run_${name}`, type: 'i32' as const })),
    { name: 'scratch', type: 'i32' as const },
  ];
}

function emptyFunction(kernel: MapKernel, context: ModuleContext): readonly string[] {
  const params = [
    ...commonParams(kernel),
    { name: 'from', type: 'i32' as const },
    { name: 'to', type: 'i32' as const },
  ];
  return new FunctionWriter({ name: kernel.name, params, constants: context.constants }).print();
}

interface Entry {
  readonly f: FunctionWriter;
  readonly bases: readonly Reg[];
  readonly uniforms: readonly Reg[];
  readonly scratch: Reg;
  /** Parameters behind the common ones. */
  readonly rest: readonly Reg[];
  readonly pointers: Map<string, number>;
}

function openFunction(
  kernel: MapKernel,
  context: ModuleContext,
  name: string,
  more: readonly string[],
  comment: readonly string[],
  nested: boolean,
): Entry {
  const params = [...commonParams(kernel), ...more.map((m) => ({ name: m, type: 'i32' as const }))];
  const f = new FunctionWriter({ name, params, comment, nested, constants: context.constants });
  const regs = params.map((_, i) => f.param(i));
  const buffers = kernel.buffers.length;
  const common = buffers + kernel.uniforms.length;
  return {
    f,
    bases: regs.slice(0, buffers),
    uniforms: regs.slice(buffers, common),
    scratch: at(regs, common),
    rest: regs.slice(common + 1),
    pointers: new Map(),
  };
}

/** Points first .. last-1 of the rows row .. end-1, with all guards. */
function partFunction(nest: Nest, context: ModuleContext): readonly string[] {
  const { kernel, outer, inner, extent, blocking } = nest;
  const rowAxis = outer.at(-1);
  const entry = openFunction(
    kernel,
    context,
    `${kernel.name}_part`,
    [...outer.map((axis) => `axis_${axis}`), ...(rowAxis === undefined ? [] : ['end']), 'first', 'last'],
    [`${kernel.name}: points first .. last-1 of some rows, with every guard`],
    true,
  );
  const { f, rest } = entry;
  const { width } = blocking;
  const setup: LaneSetup = { width, groups: 1, fused: context.fused };
  const body = simplifyBody(kernel, fullRanges(kernel), nest.uniformRanges).body;
  const atoms = new Map<string, Atom>();
  const bind = (axis: string, reg: Reg, kind: 'scalar' | 'lane') => {
    const place = kernel.axes.indexOf(axis);
    const range = { lo: 0, hi: at(kernel.space, place) - 1 };
    atoms.set(axis, kind === 'lane' ? { kind, reg, range, align: width } : { kind, reg, range });
  };
  outer.forEach((axis, i) => bind(axis, at(rest, i), 'scalar'));
  const groups = [{ row: 0, column: 0 }];
  const lane = width > 1 ? inner : undefined;
  const run = (count: Reg | undefined) =>
    new Body({
      ...entry,
      uniformRanges: nest.uniformRanges,
      context,
      kernel,
      body,
      setup,
      atoms,
      groups,
      lane,
      count,
    }).run();
  const columns = () => {
    if (inner === undefined) {
      run(undefined);
      return;
    }
    const [first, last] = [at(rest, -2), at(rest, -1)];
    f.count(first, last, width, inner, [], (column) => {
      bind(inner, column, 'lane');
      run(width === 1 || extent % width === 0 ? undefined : f.pure('i32.sub', 'i32', [last, column]));
    });
  };
  if (rowAxis === undefined) columns();
  else
    f.count(at(rest, outer.length - 1), at(rest, outer.length), 1, 'row', [], (row) => {
      bind(rowAxis, row, 'scalar');
      columns();
    });
  return f.print();
}

/** The work units from .. to-1. */
function mainFunction(nest: Nest, context: ModuleContext, calls: PartCalls): readonly string[] {
  const { kernel, blocking, chunks, rowUnits } = nest;
  const { rows, columns, width } = blocking;
  const size = width > 1 ? `, blocks of ${rows} x ${columns} vectors of ${width}` : '';
  const entry = openFunction(
    kernel,
    context,
    kernel.name,
    ['from', 'to'],
    [
      ...originComments(kernel.origins),
      `${kernel.name}: [${kernel.space.join(', ')}] points in ${rowUnits * chunks} units${size}`,
    ],
    rows * columns === 1,
  );
  const { f, rest } = entry;
  const [from, to] = [at(rest, 0), at(rest, 1)];
  f.count(from, to, 1, 'unit', [], (unit) => new UnitWriter(nest, context, entry, unit, calls).write());
  return f.print();
}

class UnitWriter {
  private readonly f: FunctionWriter;

  constructor(
    private readonly nest: Nest,
    private readonly context: ModuleContext,
    private readonly entry: Entry,
    private readonly unit: Reg,
    private readonly calls: PartCalls,
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

  write(): void {
    const { nest, f } = this;
    const { kernel, outer, chunks } = nest;
    const { quotient: rowUnit, rest: chunk } = this.quotient(this.unit, chunks);
    if (outer.length === 0) {
      this.rowsInside([], chunk);
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
    if (rows > 1)
      conditions.push(f.pure('i32.eq', 'i32', [f.pure('i32.sub', 'i32', [last, first]), f.i32(rows)]));
    planes.forEach((reg, axis) => {
      const range = rangeOf(nest.interior, at(outer, axis));
      if (range.lo === 0 && range.hi === at(kernel.space, axis) - 1) return;
      const offset = f.pure('i32.sub', 'i32', [reg, f.i32(range.lo)]);
      conditions.push(f.pure('i32.le_u', 'i32', [offset, f.i32(range.hi - range.lo)]));
    });
    const [start, ...others] = conditions;
    const main = others.reduce((a, b) => f.pure('i32.and', 'i32', [a, b]), start ?? f.i32(1));
    f.if(
      main,
      () => this.rowsInside([...planes, first], chunk),
      () => {
        const [a, b] = this.columnsOf(chunk, true);
        this.part([...planes, first], last, a, b);
      },
    );
  }

  /** First and last row of a block, and whether it lies in the interior. */
  private rowsOf(
    block: Reg,
    [before, inside, after]: readonly [number, number, number],
    { lo, hi }: Interval,
    extent: number,
  ): { readonly first: Reg; readonly last: Reg; readonly inside: Reg | undefined } {
    const { f } = this;
    const { rows } = this.nest.blocking;
    const start = f.pure('i32.mul', 'i32', [block, f.i32(rows)]);
    const end = f.pure('i32.add', 'i32', [start, f.i32(rows)]);
    const smaller = (a: Reg, b: Reg) => f.pure('select', 'i32', [a, b, f.pure('i32.lt_s', 'i32', [a, b])]);
    if (before === 0 && after === 0)
      return { first: start, last: smaller(end, f.i32(extent)), inside: undefined };
    // Blocks count from 0 before the interior, then from its first row, then from its end.
    const isBefore = f.pure('i32.lt_s', 'i32', [block, f.i32(before)]);
    const isInside = f.pure('i32.lt_s', 'i32', [block, f.i32(before + inside)]);
    const choose = (a: Reg, b: Reg, c: Reg) =>
      f.pure('select', 'i32', [a, f.pure('select', 'i32', [b, c, isInside]), isBefore]);
    const shift = choose(f.i32(0), f.i32(lo - before * rows), f.i32(hi + 1 - (before + inside) * rows));
    const limit = choose(f.i32(lo), f.i32(hi + 1), f.i32(extent));
    const first = f.pure('i32.add', 'i32', [start, shift]);
    const last = smaller(f.pure('i32.add', 'i32', [end, shift]), limit);
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

  /** Columns first .. last-1 of the rows from the last of `outer` to `end`-1. */
  private part(outer: readonly Reg[], end: Reg | undefined, first: Reg, last: Reg): void {
    const { kernel, inner } = this.nest;
    const { bases, uniforms, scratch } = this.entry;
    this.calls.made = true;
    const columns = inner === undefined ? [this.f.i32(0), this.f.i32(1)] : [first, last];
    const rows = end === undefined ? [] : [end];
    this.f.effect(`call $${kernel.name}_part`, [
      ...bases,
      ...uniforms,
      scratch,
      ...outer,
      ...rows,
      ...columns,
    ]);
    this.f.touch();
  }

  /** A block of rows in the interior: the main columns at once, their ends apart. */
  private rowsInside(outer: readonly Reg[], chunk: Reg): void {
    const { nest, f } = this;
    const { start, end, extent, blocking, inner, chunks } = nest;
    const row = outer.at(-1);
    const rowEnd = row === undefined ? undefined : f.pure('i32.add', 'i32', [row, f.i32(blocking.rows)]);
    if (inner === undefined || end === start || !nest.splits) {
      const [a, b] = this.columnsOf(chunk, true);
      this.part(outer, rowEnd, a, b);
      return;
    }
    const ends = (condition: Reg | undefined, first: number, last: number): void => {
      if (first === last) return;
      const call = () => this.part(outer, rowEnd, f.i32(first), f.i32(last));
      if (condition === undefined) call();
      else f.if(condition, call);
    };
    const atEnd = (n: number) => (chunks === 1 ? undefined : f.pure('i32.eq', 'i32', [chunk, f.i32(n)]));
    ends(atEnd(0), 0, start);
    const [a, b] = this.columnsOf(chunk, false);
    const { width, columns } = blocking;
    f.count(a, b, width * columns, inner, [], (column) => this.block(outer, inner, column));
    ends(atEnd(chunks - 1), end, extent);
  }

  private block(outer: readonly Reg[], inner: string, column: Reg): void {
    const { nest, context, entry } = this;
    const { kernel, blocking, interior } = nest;
    const { width, rows, columns } = blocking;
    const atoms = new Map<string, Atom>();
    outer.forEach((reg, i) => {
      const axis = at(nest.outer, i);
      const kind = rows > 1 && i === outer.length - 1 ? 'row' : 'scalar';
      atoms.set(axis, { kind, reg, range: rangeOf(interior, axis) });
    });
    const step = width * columns;
    const align = nest.start % step === 0 ? step : width;
    atoms.set(inner, { kind: 'lane', reg: column, range: rangeOf(interior, inner), align });
    const groups = range(rows).flatMap((row) => range(columns).map((c) => ({ row, column: c * width })));
    const lane = width > 1 || columns > 1 ? inner : undefined;
    // Rows one after another: what they share stays in registers, what they do not leaves them early.
    const together = blocking.byRow ? columns : groups.length;
    for (let first = 0; first < groups.length; first += together) {
      const part = groups.slice(first, first + together);
      const setup: LaneSetup = { width, groups: part.length, fused: context.fused };
      const { body } = interior;
      new Body({
        ...entry,
        uniformRanges: nest.uniformRanges,
        context,
        kernel,
        body,
        setup,
        atoms,
        groups: part,
        lane,
        count: undefined,
      }).run();
    }
  }
}
