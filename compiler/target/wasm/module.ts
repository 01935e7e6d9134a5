// What the functions of one module share while they are lowered: vector constants, helper functions that some kernel calls, how far loads reach outside their buffers, scratch memory.

import type { Span } from '../../support/span.ts';
import { lineColumn } from '../../support/span.ts';
import { ConstantPool } from './constants.ts';

/** Loads may reach this far outside their buffer without a clamp; the memory layout keeps as much free at both ends. */
export const MARGIN_LIMIT = 4 << 20;

export class ModuleContext {
  readonly constants = new ConstantPool();
  /** Helper functions that are called, by name without `$`. */
  readonly helpers = new Set<string>();
  /** Bytes that loads reach below and above their buffers. */
  margin = 64;
  /** Bytes of scratch memory a thread needs. */
  scratch = 0;
  /** Bytes below it, for values between phases of long code (phases.ts). */
  phases = 0;
  /** Bytes of it behind the kernels', for the checkpoint schedules of procedures. */
  driverScratch = 0;

  constructor(
    /** Whether relaxed SIMD is available: multiply and add in one operation. */
    readonly fused: boolean,
    /** Whether sums may be reordered for speed (means.ts). */
    readonly fast = false,
  ) {}

  helper(name: string): string {
    this.helpers.add(name);
    return `$${name}`;
  }
}

/** `heat.flow:12: u' = lap(u)`, one line an origin. */
export function originComments(origins: readonly Span[]): readonly string[] {
  const seen = new Set<string>();
  for (const span of origins) {
    const { line } = lineColumn(span.file, span.start);
    const source = span.file.text.split('\n')[line - 1] ?? '';
    seen.add(`${span.file.path}:${line}: ${source.trim()}`);
    if (seen.size === 8) break;
  }
  return [...seen];
}
