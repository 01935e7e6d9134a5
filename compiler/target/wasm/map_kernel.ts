// A map kernel as functions. In: the kernel. Out: `$name`, which advances the work units `from` .. `to`-1 of the space, and the functions it calls for borders and ends of rows (map_pieces.ts).
//
// The space is cut into units that threads share: blocks of rows (a row is the innermost axis), and where rows are few and long, columns of them. Inside the box without guards (simplify.ts) the
// main function advances a block of rows x vectors at once; everything else goes a vector at a time. Which code a point goes through follows from its place in the space, never from the number of
// threads or the unit it is in: the same bits for any of them.

import type { KernelBuffer, MapKernel } from '../../kernel/types.ts';
import { at } from '../../support/lists.ts';
import type { Interval } from './affine.ts';
import { chooseBlocking } from './blocking.ts';
import { collapseRows } from './collapse.ts';
import { costOf } from './cost.ts';
import { filledBy } from './exchange.ts';
import { planNest, type Nest } from './map_nest.ts';
import { emptyFunction, openFunction, pieceFunctions, type PieceName } from './map_pieces.ts';
import { UnitWriter } from './map_units.ts';
import { withMeans } from './means.ts';
import { originComments, type ModuleContext } from './module.ts';
import { RowAccess } from './row_access.ts';
import { interiorOf } from './simplify.ts';
import type { Reg } from './writer.ts';

export interface LoweredKernel {
  readonly name: string;
  /** Work units that threads share. */
  readonly units: number;
  /** Estimated scalar operations of a whole dispatch. */
  readonly cost: number;
  readonly buffers: readonly KernelBuffer[];
  /** What it does with each of its buffers. */
  readonly access: readonly KernelBuffer['access'][];
  /** How many elements of a buffer, from the first on, it certainly writes. */
  readonly filled: (buffer: number) => number;
  /** How to run some of its rows; undefined where it has none. */
  readonly rows?: KernelRows | undefined;
  readonly lines: readonly string[];
}

/** Rows: all points with one index along the outermost axis. */
export interface KernelRows {
  readonly extent: number;
  readonly points: number;
  /** Units of a row; undefined: the function `$name_band` takes rows. */
  readonly units: number | undefined;
  readonly access: () => RowAccess;
}

export function lowerMapKernel(
  given: MapKernel,
  context: ModuleContext,
  uniformRanges: readonly Interval[] = [],
): LoweredKernel {
  const kernel = collapseRows(given);
  const found = interiorOf(kernel, uniformRanges);
  const interior = context.fast ? { ...found, body: withMeans(found.body, kernel.buffers) } : found;
  const points = kernel.space.reduce((n, extent) => n * extent, 1);
  const cost = points * costOf(interior.body);
  const access = kernel.buffers.map((b) => b.access);
  if (points === 0)
    return {
      name: kernel.name,
      units: 0,
      cost: 0,
      buffers: kernel.buffers,
      access,
      filled: () => 0,
      lines: emptyFunction(kernel, context),
    };
  const nest = planNest(kernel, uniformRanges, interior, chooseBlocking(kernel, interior));
  const calls = new Set<PieceName>();
  const main = mainFunction(nest, context, calls);
  const lines = [...pieceFunctions(nest, context, calls), ...main];
  const units = nest.rowUnits * nest.chunks;
  const rows = rowsOf(nest, points, units);
  const filled = (buffer: number) => filledBy(kernel, buffer);
  return { name: kernel.name, units, cost, buffers: kernel.buffers, access, filled, rows, lines };
}

function rowsOf(nest: Nest, points: number, units: number): KernelRows | undefined {
  const { kernel, byRow } = nest;
  if (kernel.space.length < 2 || (kernel.space.length === 2 && !byRow)) return undefined;
  const extent = at(kernel.space, 0);
  let access: RowAccess | undefined;
  return {
    extent,
    points,
    units: byRow ? undefined : units / extent,
    access: () => (access ??= new RowAccess(kernel, nest.uniformRanges)),
  };
}

/** Rows first .. last-1, and the work units from .. to-1 as rows. */
function bandFunctions(nest: Nest, context: ModuleContext, calls: Set<PieceName>): readonly string[] {
  const { kernel } = nest;
  const { rows, columns } = nest.blocking;
  const nested = rows * columns === 1;
  const band = openFunction(kernel, context, {
    name: `${kernel.name}_band`,
    more: ['first', 'last'],
    comment: commentOf(nest),
    nested,
  });
  new UnitWriter(nest, context, band, calls).band(at(band.rest, 0), at(band.rest, 1));
  const main = openFunction(kernel, context, {
    name: kernel.name,
    more: ['from', 'to'],
    comment: [],
    nested: true,
  });
  const { f, rest } = main;
  const rowOf = (unit: Reg): Reg => {
    const row = f.pure('i32.mul', 'i32', [unit, f.i32(rows)]);
    const extent = f.i32(at(kernel.space, 0));
    return f.pure('select', 'i32', [row, extent, f.pure('i32.lt_s', 'i32', [row, extent])]);
  };
  f.effect(`call $${kernel.name}_band`, [
    ...main.bases,
    ...main.uniforms,
    main.scratch,
    rowOf(at(rest, 0)),
    rowOf(at(rest, 1)),
  ]);
  return [...band.f.print(), ...f.print()];
}

function commentOf(nest: Nest): readonly string[] {
  const { kernel, chunks, rowUnits } = nest;
  const { rows, columns, width } = nest.blocking;
  const size = width > 1 ? `, blocks of ${rows} x ${columns} vectors of ${width}` : '';
  return [
    ...originComments(kernel.origins),
    `${kernel.name}: [${kernel.space.join(', ')}] points in ${rowUnits * chunks} units${size}`,
  ];
}

/** The work units from .. to-1. */
function mainFunction(nest: Nest, context: ModuleContext, calls: Set<PieceName>): readonly string[] {
  if (nest.byRow) return bandFunctions(nest, context, calls);
  const { kernel } = nest;
  const { rows, columns } = nest.blocking;
  const entry = openFunction(kernel, context, {
    name: kernel.name,
    more: ['from', 'to'],
    comment: commentOf(nest),
    nested: rows * columns === 1,
  });
  const { f, rest } = entry;
  const [from, to] = [at(rest, 0), at(rest, 1)];
  f.count(from, to, 1, 'unit', [], (unit) => new UnitWriter(nest, context, entry, calls).write(unit));
  return f.print();
}
