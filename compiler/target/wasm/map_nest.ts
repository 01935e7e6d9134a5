// How the space of a map kernel is cut. In: the kernel, its interior (simplify.ts), the block of points advanced together. Out: units of work, and of each row the columns of the main loop
// and the pieces at its ends.

import type { MapKernel, Statement } from '../../kernel/types.ts';
import type { Interval } from './affine.ts';
import type { Blocking } from './blocking.ts';
import { costOf } from './cost.ts';
import { fullRanges, simplifyBody, type Interior } from './simplify.ts';

export interface Nest {
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
  /** Two axes, whole rows: a function takes any of them. */
  readonly byRow: boolean;
  /** Whether the interior is worth code of its own: vectors, or scalars that lose guards. */
  readonly splits: boolean;
  /** The columns outside the main loop of a row in the interior, a piece of code each; undefined: the function with all guards does them. */
  readonly ends: readonly EndPiece[] | undefined;
  /** The body on the columns of the main loop with the guards of the other axes; undefined: not worth it. */
  readonly edge: readonly Statement[] | undefined;
}

/** `width` points from a known column on. */
export interface EndPiece {
  readonly column: number;
  readonly width: Blocking['width'];
  readonly body: readonly Statement[];
}

/** Points of a unit below which more columns are put together. */
const unitPoints = 1024;

/** Estimated operations up to which a body is worth code of its own at the borders, all its copies together. */
const borderCode = 1500;

export function planNest(
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
  const blocks = outerRows * (before + inside + after);
  const main = end - start;
  const chunk = Math.max(step, Math.ceil(unitPoints / step) * step);
  const chunks = blocks >= 64 || main <= chunk ? 1 : Math.ceil(main / chunk);
  // Whole rows of a plane go by their numbers, wherever the interior begins.
  const byRow = outer.length === 1 && chunks === 1;
  const rowUnits = byRow ? Math.ceil(rowExtent / blocking.rows) : blocks;
  const guarded = [...fullRanges(kernel)].some(([axis, full]) => {
    const inside = rangeOf(interior, axis);
    return inside.lo !== full.lo || inside.hi !== full.hi;
  });
  const plain = {
    kernel,
    uniformRanges,
    blocking,
    interior,
    outer,
    inner,
    extent,
    start,
    end,
  };
  const splits = step > 1 || guarded;
  const own = splits && outer.length > 0 && main > 0 && interior.body.every(isStraight);
  return {
    ...plain,
    rowUnits,
    chunks,
    chunk,
    byRow,
    splits,
    ends: own && chunks === 1 ? endPieces(plain) : undefined,
    edge: own && guarded ? edgeBody(plain) : undefined,
  };
}

type Plain = Omit<Nest, 'rowUnits' | 'chunks' | 'chunk' | 'byRow' | 'splits' | 'ends' | 'edge'>;

function isStraight(s: Statement): boolean {
  if (s.kind === 'if') return s.then.every(isStraight) && s.else.every(isStraight);
  return s.kind === 'let' || s.kind === 'store';
}

function endPieces(nest: Plain): readonly EndPiece[] | undefined {
  const { kernel, interior, extent, start, end, inner } = nest;
  const { width } = nest.blocking;
  if (inner === undefined) return undefined;
  const places: { column: number; width: Blocking['width'] }[] = [];
  for (let column = 0; column < start; column += width) places.push({ column, width });
  let column = end;
  for (; column + width <= extent; column += width) places.push({ column, width });
  if (column < extent) {
    // A vector may do points a second time unless they add to what they find.
    const again = kernel.buffers.every((b) => b.access !== 'read_write');
    if (again) places.push({ column: extent - width, width });
    else for (; column < extent; column++) places.push({ column, width: 1 });
  }
  if (places.length * costOf(interior.body) > borderCode) return undefined;
  return places.map((place) => {
    const points = { lo: place.column, hi: place.column + place.width - 1 };
    const ranges = new Map([...interior.ranges, [inner, points] as const]);
    return {
      ...place,
      body: simplifyBody(kernel, ranges, nest.uniformRanges).body,
    };
  });
}

/** The body on the main columns of rows outside the interior. */
function edgeBody(nest: Plain): readonly Statement[] | undefined {
  const { kernel, interior, inner } = nest;
  if (inner === undefined) return undefined;
  const full = fullRanges(kernel);
  const inside = rangeOf(interior, inner);
  const whole = full.get(inner);
  if (whole?.lo === inside.lo && whole.hi === inside.hi) return undefined;
  const { body } = simplifyBody(kernel, new Map([...full, [inner, inside] as const]), nest.uniformRanges);
  return costOf(body) > borderCode / 2 ? undefined : body;
}

export function rangeOf(interior: Interior, axis: string): Interval {
  return interior.ranges.get(axis) ?? { lo: 0, hi: 0 };
}

/** Columns of the main loop: from the first multiple of the vector width inside the interior, a whole number of blocks. */
function mainColumns({ lo, hi }: Interval, width: number, step: number): { start: number; end: number } {
  const start = Math.ceil(lo / width) * width;
  const blocks = Math.max(0, Math.floor((hi + 1 - start) / step));
  return { start, end: start + blocks * step };
}

/** Interior of the innermost outer axis. */
export function nestRows(interior: Interior, outer: readonly string[], extent: number): Interval {
  const axis = outer.at(-1);
  return axis === undefined ? { lo: 0, hi: extent - 1 } : rangeOf(interior, axis);
}

/** Blocks of rows before, inside and after the interior. */
export function rowBlocks(
  { lo, hi }: Interval,
  extent: number,
  rows: number,
): readonly [number, number, number] {
  return [Math.ceil(lo / rows), Math.ceil((hi + 1 - lo) / rows), Math.ceil((extent - hi - 1) / rows)];
}
