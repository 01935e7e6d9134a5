// What of a value exists at compile time only: names of parts, functions, strings, option words. A choice made at run time and a rolled loop can change numbers, never these.

import { hasComplex } from './complex_parts.ts';
import type { Context } from '../context.ts';
import { arrayOfList } from './leaves.ts';
import type { Value } from './values.ts';

export interface StaticDifference {
  readonly one: Value;
  readonly other: Value;
}

/** The first place where two values differ in something static; undefined where they differ in numbers at the most. */
export function staticDifference(ctx: Context, one: Value, other: Value): StaticDifference | undefined {
  const [x, y] = [one, other].map((v) => (isNumeric(ctx, v) ? undefined : v));
  if (x === undefined && y === undefined) return undefined;
  const differs: StaticDifference = { one, other };
  if (x === undefined || y === undefined) {
    // A number may spread over the leaves of nothing but arrays and fields.
    return differs;
  }
  if (x.kind === 'record' && y.kind === 'record') {
    if (x.entries.size !== y.entries.size) return differs;
    for (const [name, part] of x.entries) {
      const counterpart = y.entries.get(name);
      if (counterpart === undefined) return differs;
      const found = staticDifference(ctx, part, counterpart);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if ((x.kind === 'tuple' || x.kind === 'list') && (y.kind === 'tuple' || y.kind === 'list')) {
    if (x.elements.length !== y.elements.length) return differs;
    for (const [i, part] of x.elements.entries()) {
      const counterpart = y.elements[i];
      const found = counterpart === undefined ? differs : staticDifference(ctx, part, counterpart);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return same(x, y) ? undefined : differs;
}

function isNumeric(ctx: Context, v: Value): boolean {
  switch (v.kind) {
    case 'number':
    case 'bool':
    case 'array':
    case 'complex':
      return true;
    case 'field':
      return v.grid !== undefined;
    case 'list':
      return arrayOfList(ctx, v) !== undefined || hasComplex(v);
    default:
      return false;
  }
}

function same(x: Value, y: Value): boolean {
  if (x === y) return true;
  if (x.kind === 'string' && y.kind === 'string')
    return (
      x.parts.length === y.parts.length && x.parts.every((p, i) => typeof p === 'string' && p === y.parts[i])
    );
  if (x.kind === 'option' && y.kind === 'option')
    return x.name === y.name && x.args.size === 0 && y.args.size === 0;
  if (x.kind === 'function' && y.kind === 'function')
    return x.body === y.body && x.scope === y.scope && x.captured === y.captured;
  return false;
}
