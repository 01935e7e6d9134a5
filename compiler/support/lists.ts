// Access to lists under `noUncheckedIndexedAccess`: a place that must exist is asked for with `at` or `last`, and its absence is
// a bug of the compiler, never a silent `undefined`.

import { InternalError } from './diagnostic.ts';

/** The element at `index`; negative indices count from the end, -1 is the last. Throws InternalError outside the list. */
export function at<T>(list: readonly T[], index: number): T {
  const place = index < 0 ? list.length + index : index;
  if (!Number.isInteger(place) || place < 0 || place >= list.length) {
    throw new InternalError('lists', `index ${index} of a list of ${list.length}`);
  }
  // A checked index: the list holds a T there, and `undefined` only where T admits it.
  return list[place] as T;
}

export function last<T>(list: readonly T[]): T {
  return at(list, -1);
}

/** The value of `key`, which must be there. */
export function get<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined && !map.has(key)) throw new InternalError('lists', `no entry for ${String(key)}`);
  return value as V;
}

/** `[0, 1, …, n - 1]`. */
export function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** Pairs of equal position; the lists must be equally long. */
export function zip<A, B>(a: readonly A[], b: readonly B[]): [A, B][] {
  if (a.length !== b.length) throw new InternalError('lists', `zip of lists of ${a.length} and ${b.length}`);
  return a.map((x, i) => [x, at(b, i)]);
}

/** `a, b and c`, for messages. */
export function spoken(words: readonly string[], joint = 'and'): string {
  if (words.length <= 1) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${joint} ${last(words)}`;
}
