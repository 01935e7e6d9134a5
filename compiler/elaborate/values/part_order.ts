// Parts of records have names, and no order: where values are taken apart into leaves that are matched one by one, they are brought into one order first.

import type { Value } from './values.ts';

/** `value` with the parts of its records in the order of those of `like`, parts that `like` does not have behind; the very same value where they stand so already. */
export function inOrderOf(value: Value, like: Value): Value {
  if (value.kind === 'record' && like.kind === 'record') {
    const names = [...value.entries.keys()];
    const wanted = [
      ...[...like.entries.keys()].filter((k) => value.entries.has(k)),
      ...names.filter((k) => !like.entries.has(k)),
    ];
    let same = names.every((k, i) => k === wanted[i]);
    const entries = new Map(
      wanted.flatMap((k) => {
        const [part, other] = [value.entries.get(k), like.entries.get(k)];
        if (part === undefined) return [];
        const ordered = other === undefined ? part : inOrderOf(part, other);
        same &&= ordered === part;
        return [[k, ordered] as const];
      }),
    );
    return same ? value : { ...value, entries };
  }
  if ((value.kind === 'tuple' || value.kind === 'list') && (like.kind === 'tuple' || like.kind === 'list')) {
    const elements = value.elements.map((v, i) => inOrderOf(v, like.elements[i] ?? v));
    return elements.every((e, i) => e === value.elements[i]) ? value : { ...value, elements };
  }
  return value;
}

/** Whether two values have the same names at the same places, as far as both are records. */
export function sameNames(one: Value, other: Value): boolean {
  if (one.kind === 'record' && other.kind === 'record')
    return (
      one.entries.size === other.entries.size &&
      [...one.entries].every(([k, part]) => {
        const counterpart = other.entries.get(k);
        return counterpart !== undefined && sameNames(part, counterpart);
      })
    );
  if ((one.kind === 'tuple' || one.kind === 'list') && (other.kind === 'tuple' || other.kind === 'list'))
    return one.elements.every((e, i) => sameNames(e, other.elements[i] ?? e));
  return true;
}
