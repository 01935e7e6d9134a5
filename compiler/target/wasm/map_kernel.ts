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
import { planNest, type Nest } from './map_nest.ts';
import { emptyFunction, openFunction, pieceFunctions, type PieceName } from './map_pieces.ts';
import { UnitWriter } from './map_units.ts';
import { originComments, type ModuleContext } from './module.ts';
import { interiorOf } from './simplify.ts';

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
    return {
      name: kernel.name,
      units: 0,
      cost: 0,
      access,
      lines: emptyFunction(kernel, context),
    };
  const nest = planNest(kernel, uniformRanges, interior, chooseBlocking(kernel, interior));
  const calls = new Set<PieceName>();
  const main = mainFunction(nest, context, calls);
  const lines = [...pieceFunctions(nest, context, calls), ...main];
  return {
    name: kernel.name,
    units: nest.rowUnits * nest.chunks,
    cost,
    access,
    lines,
  };
}

/** The work units from .. to-1. */
function mainFunction(nest: Nest, context: ModuleContext, calls: Set<PieceName>): readonly string[] {
  const { kernel, blocking, chunks, rowUnits } = nest;
  const { rows, columns, width } = blocking;
  const size = width > 1 ? `, blocks of ${rows} x ${columns} vectors of ${width}` : '';
  const entry = openFunction(kernel, context, {
    name: kernel.name,
    more: ['from', 'to'],
    comment: [
      ...originComments(kernel.origins),
      `${kernel.name}: [${kernel.space.join(', ')}] points in ${rowUnits * chunks} units${size}`,
    ],
    nested: rows * columns === 1,
  });
  const { f, rest } = entry;
  const [from, to] = [at(rest, 0), at(rest, 1)];
  f.count(from, to, 1, 'unit', [], (unit) => new UnitWriter(nest, context, entry, unit, calls).write());
  return f.print();
}
