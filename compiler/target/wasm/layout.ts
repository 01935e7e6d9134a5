// Where everything lies in linear memory. In: the buffers of a plan, the size of the constant area, how far loads reach outside buffers, scratch bytes of a thread. Out: an address for each buffer.
//
//   0     barrier words          1024  constants          then  margin · buffers · margin · scratch of thread 0, 1, …
//
// Buffers of more than a page are staggered modulo 4096: on the processors at hand, stores and loads a multiple of 4096 bytes apart delay each other (measured: half the speed of a stencil when source
// and destination meet). Every buffer starts on a 64-byte line.

import type { PlanBuffer } from '../../plan/types.ts';
import { fail } from '../../support/diagnostic.ts';
import { CONSTANTS_START } from './constants.ts';

export interface Layout {
  readonly buffers: ReadonlyMap<number, number>;
  /** First byte of the threads' scratch memories, and bytes of each. */
  readonly scratch: number;
  readonly scratchBytes: number;
}

const page = 4096;
/** Distance modulo 4096 from one buffer to the next: no two of the first 30 lie within 64 bytes of each other. */
const stagger = 1088;
/** What a 32-bit memory can address. */
const addressable = 2 ** 32;

export function planLayout(
  buffers: readonly PlanBuffer[],
  constantBytes: number,
  margin: number,
  scratchBytes: number,
): Layout {
  const places = new Map<number, number>();
  let top = aligned(CONSTANTS_START + constantBytes, 64) + aligned(margin, 64);
  let turn = 0;
  for (const buffer of buffers) {
    if (buffer.bytes >= page) {
      const offset = (turn++ * stagger) % page;
      top += (((offset - top) % page) + page) % page;
    }
    places.set(buffer.id, top);
    top = aligned(top + buffer.bytes, 64);
  }
  const scratch = aligned(top + margin, 64);
  const perThread = aligned(scratchBytes, 64) + 64;
  if (scratch + 256 * perThread > addressable) tooLarge(buffers, scratch);
  return { buffers: places, scratch, scratchBytes: perThread };
}

function tooLarge(buffers: readonly PlanBuffer[], bytes: number): never {
  const largest = [...buffers].sort((a, b) => b.bytes - a.bytes).slice(0, 3);
  const list = largest.map((b) => `${b.name} (${gigabytes(b.bytes)})`).join(', ');
  fail(
    'R055',
    `this program needs ${gigabytes(bytes)} of memory; the CPU target can address 4 GB. The largest arrays are ${list}`,
    undefined,
    'use fewer cells or steps, `precision f32`, or keep fewer states for the gradient: `adjoint: checkpoint(memory: "1 GB")`',
  );
}

function gigabytes(bytes: number): string {
  return bytes >= 1e8 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function aligned(bytes: number, to: number): number {
  return Math.ceil(bytes / to) * to;
}
