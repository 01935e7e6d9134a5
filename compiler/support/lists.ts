// Small total accessors over readonly lists, so that no code has to assert that an index is in range.

import { InternalError } from './diagnostic.ts';

/** Element `index` of `list`; a missing one is a bug of the compiler. */
export function at<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new InternalError('lists', `no element ${index} of ${list.length}`);
  return value;
}

/** Value of `key` in `map`; a missing one is a bug of the compiler. */
export function get<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw new InternalError('lists', 'no such key');
  return value;
}

/** 0, 1, … n-1. */
export function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
