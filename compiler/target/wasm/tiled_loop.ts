// A loop of stencils in tiles of space and time (tiles.ts) as code: a function that advances one tile, and in the procedure the bands of a thread's rows, then the triangles between threads.

import { at, get } from '../../support/lists.ts';
import type { Affine } from '../../plan/types.ts';
import type { LoweredKernel } from './map_kernel.ts';
import type { DriverContext } from './step_writer.ts';
import type { Level, Tiling } from './tiles.ts';
import { FunctionWriter, type Reg } from './writer.ts';

export interface TileFunction {
  readonly name: string;
  /** What it is to be given, at the first turn of a tile. */
  readonly uniforms: readonly Affine[];
  readonly print: () => readonly string[];
}

/**
 * `$name(scratch, uniforms of the first turn …, turns, a, b, left, right)`: call l does the rows a + left * s(l) .. b + right * s(l) - 1, for the calls of so many turns. Rows beyond a kernel's last are
 * left out, or in a ring begin again at 0.
 */
export function tileFunction(
  name: string,
  tiling: Tiling,
  loop: number,
  driver: DriverContext,
): TileFunction {
  const uniforms: Affine[] = [];
  const places = new Map<string, number>();
  for (const { dispatch } of tiling.levels)
    for (const u of dispatch.uniforms) {
      const key = JSON.stringify(u);
      if (!places.has(key)) places.set(key, uniforms.push(u) - 1);
    }
  const names = ['scratch', ...uniforms.map((_, i) => `run_${i}`), 'turns', 'a', 'b', 'left', 'right'];
  const f = new FunctionWriter({
    name,
    params: names.map((n) => ({ name: n, type: 'i32' as const })),
    comment: [`${name}: ${tiling.turns} turns, bands of ${tiling.band} rows`],
    constants: driver.context.constants,
  });
  const param = (n: string) => f.param(names.indexOf(n));
  const base = (buffer: number) => f.late(`buffer ${buffer}`, () => get(driver.layout().buffers, buffer));
  const [a, b, left, right] = [param('a'), param('b'), param('left'), param('right')];
  const away = (from: Reg, way: Reg, rows: number) =>
    f.pure('i32.add', 'i32', [from, f.pure('i32.mul', 'i32', [way, f.i32(rows)])]);
  const level = ({ dispatch, turn, behind }: Level): void => {
    const kernel = at(driver.kernels, dispatch.kernel);
    const operands = [
      ...dispatch.buffers.map(base),
      ...dispatch.uniforms.map((u) => {
        const start = param(`run_${get(places, JSON.stringify(u))}`);
        const scale = u.terms.find((t) => t.loop === loop)?.scale ?? 0;
        return f.pure('i32.add', 'i32', [start, f.i32(scale * turn)]);
      }),
      param('scratch'),
    ];
    const [first, last] = [away(a, left, behind), away(b, right, behind)];
    const extent = f.i32(kernel.rows?.extent ?? 0);
    const end = f.pure('select', 'i32', [last, extent, f.pure('i32.lt_s', 'i32', [last, extent])]);
    callRows(f, kernel, operands, first, end);
    if (tiling.ring) callRows(f, kernel, operands, f.i32(0), f.pure('i32.sub', 'i32', [last, extent]));
  };
  f.block(false, (leave) => {
    tiling.levels.forEach((entry, i) => {
      const isFirst = i > 0 && entry.turn !== at(tiling.levels, i - 1).turn;
      if (isFirst) f.branch(leave, f.pure('i32.le_s', 'i32', [param('turns'), f.i32(entry.turn)]));
      level(entry);
    });
  });
  return { name, uniforms, print: () => f.print() };
}

/** Rows first .. last-1 of a kernel; none when there are none. */
function callRows(
  f: FunctionWriter,
  kernel: LoweredKernel,
  operands: readonly Reg[],
  first: Reg,
  last: Reg,
): void {
  const units = kernel.rows?.units;
  const times = (row: Reg) => (units === undefined ? row : f.pure('i32.mul', 'i32', [row, f.i32(units)]));
  const name = units === undefined ? `${kernel.name}_band` : kernel.name;
  f.effect(`call $${name}`, [...operands, times(first), times(last)]);
}

/** The rows of a thread: bands one after another, so that each finds the rows of the one before in the cache. */
export function chunkOfThread(
  f: FunctionWriter,
  tiling: Tiling,
  chunk: readonly [Reg, Reg],
  ends: { readonly first: Reg; readonly last: Reg },
  call: (a: Reg, b: Reg, left: Reg, right: Reg) => void,
): void {
  const [start, end] = chunk;
  const { band, behind, ring, most } = tiling;
  const edge = (isEdge: Reg, atEdge: Reg, inside: Reg) =>
    ring ? inside : f.pure('select', 'i32', [atEdge, inside, isEdge]);
  const lastRow = edge(ends.last, f.i32(most), end);
  const a = f.variable('i32', 'band', start);
  const left = f.variable('i32', 'left', edge(ends.first, f.i32(0), f.i32(1)));
  const size = f.variable('i32', 'size', f.i32(2 * behind + band));
  f.loop([a, left, size], (again) => {
    const from = f.get(a);
    const to = f.pure('i32.add', 'i32', [from, f.get(size)]);
    const last = f.pure('i32.lt_s', 'i32', [f.pure('i32.sub', 'i32', [end, to]), f.i32(band)]);
    const right = f.pure('select', 'i32', [edge(ends.last, f.i32(0), f.i32(-1)), f.i32(-1), last]);
    call(from, f.pure('select', 'i32', [lastRow, to, last]), f.get(left), right);
    f.set(a, to);
    f.set(left, f.i32(-1));
    f.set(size, f.i32(band));
    f.branch(again, f.pure('i32.eqz', 'i32', [last]));
  });
}

/** Rows that the chunk of a thread needs for tiles. */
export function leastChunk(tiling: Tiling): number {
  return 2 * tiling.behind + tiling.band;
}

/** The part of a chunk that may be left to be filled in when all have met, which is a thread's work for two chunks. */
const filledIn = 32;

/** Turns of a tile: of several threads fewer, where the triangles between short chunks would be a good part of the work. */
export function turnsAtOnce(f: FunctionWriter, tiling: Tiling, threads: Reg): Reg {
  const { turns, behind, rows } = tiling;
  const one = f.pure('i32.eq', 'i32', [threads, f.i32(1)]);
  const perTurn = Math.max(1, Math.ceil(behind / turns));
  const fitting = f.pure('i32.div_u', 'i32', [f.i32(Math.floor(rows / (filledIn * perTurn))), threads]);
  const few = f.pure('i32.lt_u', 'i32', [fitting, f.i32(turns)]);
  const least = f.i32(Math.min(2, turns));
  const some = f.pure('select', 'i32', [least, fitting, f.pure('i32.lt_u', 'i32', [fitting, least])]);
  return f.pure('select', 'i32', [f.i32(turns), f.pure('select', 'i32', [some, f.i32(turns), few]), one]);
}
