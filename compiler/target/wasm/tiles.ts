// Which loops of stencils advance in tiles of space and time, and how. In: a loop of a plan whose body is map kernels only. Out: the kernel calls of a tile, each with the rows by which it lies behind;
// undefined where a tile is not allowed, or not worth it.
//
// Fields larger than the caches come from memory in every step. A band of rows is therefore advanced several steps while it is in the cache. Call l of a tile does the rows a - s(l) .. b - s(l) - 1 of its
// band: so far behind that what it reads is done, and that what it overwrites nobody reads any more. s(l) follows from the rows that kernels read around their own (row_access.ts), for any chain
// of kernels over any buffers. Every point is computed once, by the code that computes it without tiles: the same bits.
//
// Threads have chunks of rows. A chunk leaves out the rows within s(l) of a neighbour's; when all have met, these triangles are filled in, and a ring (a periodic axis) is closed in the same way.

import type { Step } from '../../plan/types.ts';
import { BYTES } from '../../kernel/types.ts';
import { at, range } from '../../support/lists.ts';
import type { Distances } from './row_access.ts';
import type { LoweredKernel } from './map_kernel.ts';

type Loop = Extract<Step, { kind: 'loop' }>;
export type Dispatch = Extract<Step, { kind: 'dispatch' }>;

/** A call of a kernel in a tile: the dispatch of the body, the turn, and how many rows it lies behind. */
export interface Level {
  readonly dispatch: Dispatch;
  readonly turn: number;
  readonly behind: number;
}

export interface Tiling {
  /** Turns of the loop in a tile. */
  readonly turns: number;
  readonly levels: readonly Level[];
  /** Rows of the smallest and largest kernel. */
  readonly rows: number;
  readonly most: number;
  /** Rows that a tile advances by. */
  readonly band: number;
  /** The largest distance behind. */
  readonly behind: number;
  /** The rows are a ring. */
  readonly ring: boolean;
  /** Bytes of the arrays. */
  readonly bytes: number;
}

export interface TileSizes {
  /** Bytes of arrays a thread from which on tiles are worth it: what its caches do not hold. */
  readonly least: number;
  /** Bytes of cache that a band and its triangle may take: wanted, and at most. */
  readonly cache: number;
  readonly most: number;
}

export const tileSizes: TileSizes = { least: 1 << 20, cache: 3 << 18, most: 3 << 20 };

/** Rows of a tile from which on fewer would do as well: then it leaves more of the cache to what passes through. */
const manyRows = 96;

/** Distances in rows that are worth following. */
const farthest = 8;
/** Calls of kernels in a tile. */
const mostCalls = 32;

/** What a kernel does with a buffer of the plan that the loop writes. */
interface Touch {
  readonly buffer: number;
  readonly reads: boolean;
  readonly writes: boolean;
  readonly reach: number;
}

export function planTiles(
  loop: Loop,
  kernels: readonly LoweredKernel[],
  sizes: TileSizes,
): Tiling | undefined {
  const body: Dispatch[] = [];
  for (const step of loop.body) {
    if (step.kind !== 'dispatch') return undefined;
    body.push(step);
  }
  if (loop.count < 2 || body.length === 0 || body.length > mostCalls) return undefined;
  const own = body.map((step) => at(kernels, step.kernel));
  const extents = own.map((kernel) => kernel.rows?.extent ?? 0);
  const [rows, most] = [Math.min(...extents), Math.max(...extents)];
  if (rows < 32 || most - rows > 2) return undefined;
  const bytes = bytesOf(body, own);
  if (bytes < sizes.least) return undefined;
  const touched = touches(body, own, rows);
  if (touched === undefined || (touched.ring && most !== rows)) return undefined;
  const perRow = bytes / rows;
  const holds = (cache: number) => Math.floor(cache / perRow);
  const small = holds((2 / 3) * sizes.cache);
  const room = small >= manyRows ? small : holds(holds(sizes.cache) >= 12 ? sizes.cache : sizes.most);
  if (room < 12) return undefined;
  // As many turns as lie behind by two fifths of the room.
  const chain = (turns: number) => behindOf(touched.list, turns);
  const longest = Math.min(loop.count, Math.floor(mostCalls / body.length));
  let turns = Math.max(1, longest);
  while (turns > 1 && Math.max(...chain(turns)) > 0.4 * room) turns--;
  // Tiles of nearly the same number of turns.
  turns = Math.ceil(loop.count / Math.ceil(loop.count / turns));
  if (turns * body.length < 2) return undefined;
  const behind = chain(turns);
  const largest = Math.max(...behind);
  const band = Math.max(4, Math.floor((room - largest) / 4) * 4);
  if (largest > room / 2) return undefined;
  const levels = range(turns).flatMap((turn) =>
    body.map((dispatch, d) => ({ dispatch, turn, behind: at(behind, turn * body.length + d) })),
  );
  return { turns, levels, rows, most, band, behind: largest, ring: touched.ring, bytes };
}

/** Bytes of the arrays that a turn goes through. */
function bytesOf(body: readonly Dispatch[], kernels: readonly LoweredKernel[]): number {
  const sizes = new Map<number, number>();
  body.forEach((step, d) => {
    const { buffers, rows } = at(kernels, d);
    const points = rows?.points ?? 0;
    step.buffers.forEach((id, b) => {
      const { type, length } = at(buffers, b);
      // Of a tape a step sees one state.
      const bytes = BYTES[type] * Math.min(length, points);
      sizes.set(id, Math.max(sizes.get(id) ?? 0, bytes));
    });
  });
  return [...sizes.values()].reduce((sum, n) => sum + n, 0);
}

/** For each dispatch what it does with the buffers that the loop writes. */
function touches(
  body: readonly Dispatch[],
  kernels: readonly LoweredKernel[],
  rows: number,
): { readonly list: readonly (readonly Touch[])[]; readonly ring: boolean } | undefined {
  const written = new Map<number, number | undefined>();
  body.forEach((step, d) => {
    const { access, rows: own } = at(kernels, d);
    step.buffers.forEach((id, b) => {
      if (at(access, b) === 'read') return;
      const pitch = own?.access().pitch(b);
      const known = written.has(id) ? written.get(id) : pitch;
      written.set(id, known === pitch ? pitch : undefined);
    });
  });
  let ring = false;
  const list: Touch[][] = [];
  for (const [d, step] of body.entries()) {
    const { access, rows: own } = at(kernels, d);
    const mine: Touch[] = [];
    for (const [b, id] of step.buffers.entries()) {
      if (!written.has(id)) continue;
      const pitch = written.get(id);
      if (own === undefined || pitch === undefined || pitch <= 0) return undefined;
      const [reads, writes] = [at(access, b) !== 'write', at(access, b) !== 'read'];
      const none: Distances = { lo: 0, hi: 0, round: false };
      const seen = reads ? own.access().distances(b, false, pitch, rows) : none;
      const stored = writes ? own.access().distances(b, true, pitch, rows) : none;
      if (seen === undefined || stored === undefined || stored.lo !== 0 || stored.hi !== 0) return undefined;
      const reach = Math.max(0, -seen.lo, seen.hi);
      if (reach > farthest || (reads && writes && reach > 0)) return undefined;
      ring ||= seen.round;
      mine.push({ buffer: id, reads, writes, reach });
    }
    list.push(mine);
  }
  return { list, ring };
}

/** How far each call of so many turns has to lie behind. */
function behindOf(body: readonly (readonly Touch[])[], turns: number): readonly number[] {
  /** By buffer: how far its last writer lies behind, and how far what has been read since reaches. */
  const state = new Map<number, { written: number; read: number }>();
  const result: number[] = [];
  for (let turn = 0; turn < turns; turn++)
    for (const touched of body) {
      let behind = 0;
      for (const { buffer, reads, writes, reach } of touched) {
        const known = state.get(buffer);
        if (known === undefined) continue;
        if (reads && known.written >= 0) behind = Math.max(behind, known.written + reach);
        if (writes) behind = Math.max(behind, known.written, known.read);
      }
      for (const { buffer, reads, writes, reach } of touched) {
        const known = state.get(buffer) ?? { written: -1, read: 0 };
        if (reads) known.read = Math.max(known.read, behind + reach);
        if (writes) {
          known.written = behind;
          known.read = 0;
        }
        state.set(buffer, known);
      }
      result.push(behind);
    }
  return result;
}
