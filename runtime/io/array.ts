// The value every file format reads and writes: a named array of numbers with a shape, row-major, held in float64 whatever
// the file stores. Invariant: data.length is the product of the shape (1 for a single number, shape []).

import type { SavedAxis } from './axes.ts';
import { InternalError } from '../../compiler/support/diagnostic.ts';

/** Complex numbers are pairs: the last axis of their shape is 2, the real part first. */
export type ValueKind = 'real' | 'int' | 'bool' | 'complex';

export interface NamedArray {
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major; bools are 0 and 1. */
  readonly data: Float64Array;
  /** What the numbers mean; `real` when absent. */
  readonly kind?: ValueKind;
  /** Of a field: the axes that its last axes lie along (before the pair of a complex number). */
  readonly axes?: readonly SavedAxis[];
}

/** Text in a `save` record; only JSON can hold it. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

export type SaveEntry = NamedArray | NamedText;

export function isText(entry: SaveEntry): entry is NamedText {
  return 'text' in entry;
}

/** Number of elements of a shape; 1 for []. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Makes an array value; throws InternalError when data and shape disagree. */
export function namedArray(
  name: string,
  shape: readonly number[],
  data: Float64Array,
  kind: ValueKind = 'real',
): NamedArray {
  if (data.length !== sizeOf(shape)) {
    throw new InternalError(
      'io',
      `${name}: ${data.length} numbers do not fill the shape ${shapeText(shape)}`,
    );
  }
  return { name, shape, data, kind };
}

/** `real[3, 4]` without the word: `[3, 4]`; `[]` for a single number. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** Index list of a flat row-major position. */
export function indexOf(position: number, shape: readonly number[]): readonly number[] {
  const index: number[] = [];
  let rest = position;
  for (const extent of [...shape].reverse()) {
    index.unshift(rest % extent);
    rest = Math.floor(rest / extent);
  }
  return index;
}

/** First element that is NaN or infinite, as a position, or -1. */
export function firstNotFinite(data: Float64Array): number {
  for (let i = 0; i < data.length; i += 1) {
    if (!Number.isFinite(data[i])) return i;
  }
  return -1;
}
