// Elementwise functions on records and tuples: leaf by leaf over values of one structure. A plain number goes to every leaf. Functions, strings and truth values inside a structure
// pass through arithmetic unchanged, and so do ints under a name (counters, sizes: parts of a record), so that `state + h*rate` works on whatever a state is made of. Ints in a
// tuple are numbers like any other: `(1, 0)*T` is a vector field. A list of numbers or of equal arrays is one leaf, an array.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { joined } from './leaves.ts';
import type { Span } from '../../support/span.ts';
import type { Value } from './values.ts';
import { describe } from './values.ts';

export function isStructured(v: Value): boolean {
  return v.kind === 'record' || v.kind === 'tuple' || v.kind === 'list';
}

const asLeaf = (ctx: Context, v: Value, span: Span): Value => (v.kind === 'list' ? joined(ctx, v, span) : v);

/** Combines the leaves of several values of one structure. `arithmetic`: what is no real number passes through from the first structured value. */
export function lift(
  ctx: Context,
  name: string,
  given: readonly Value[],
  span: Span,
  combine: (leaves: readonly Value[]) => Value,
  arithmetic: boolean,
): Value {
  const args = given.map((v) => asLeaf(ctx, v, span));
  const model = args.find(isStructured);
  if (model === undefined) return combine(args);
  const part = (v: Value, key: string | number, what: string): Value => {
    if (!isStructured(v)) return v;
    const found =
      v.kind === 'record' && typeof key === 'string'
        ? v.entries.get(key)
        : (v.kind === 'tuple' || v.kind === 'list') && typeof key === 'number'
          ? v.elements[key]
          : undefined;
    return (
      found ??
      failAt(
        ctx,
        'E123',
        `\`${name}\` wants values of one structure: ${describe(v)} has no ${what}, but ${describe(model)} has`,
        span,
      )
    );
  };
  const recur = (values: readonly Value[]): Value => {
    const leading = values[args.indexOf(model)] ?? values[0];
    if (arithmetic && leading !== undefined && passesThrough(leading, model.kind === 'record'))
      return leading;
    return lift(ctx, name, values, span, combine, arithmetic);
  };
  switch (model.kind) {
    case 'record': {
      for (const v of args) {
        if (v.kind !== 'record') continue;
        for (const key of v.entries.keys())
          if (!model.entries.has(key))
            failAt(
              ctx,
              'E123',
              `\`${name}\` wants values of one structure: ${describe(model)} has no \`${key}\`, but ${describe(v)} has`,
              span,
            );
      }
      return {
        ...model,
        entries: new Map(
          [...model.entries.keys()].map((key) => [key, recur(args.map((a) => part(a, key, `\`${key}\``)))]),
        ),
      };
    }
    case 'tuple':
    case 'list': {
      for (const v of args)
        if ((v.kind === 'tuple' || v.kind === 'list') && v.elements.length !== model.elements.length)
          failAt(
            ctx,
            'E123',
            `\`${name}\` wants values of one structure, but is given ${describe(model)} and ${describe(v)}`,
            span,
          );
      return {
        ...model,
        elements: model.elements.map((_, i) => recur(args.map((a) => part(a, i, `element ${i}`)))),
      };
    }
    default:
      return combine(args);
  }
}

function passesThrough(v: Value, named: boolean): boolean {
  switch (v.kind) {
    case 'function':
    case 'builtin':
    case 'string':
    case 'bool':
    case 'option':
    case 'model':
    case 'instance':
    case 'domain':
    case 'grid':
      return true;
    case 'number':
      return named && v.integer;
    case 'array':
      return v.node.dtype === 'bool' || (named && (v.node.dtype === 'i32' || v.node.dtype === 'u32'));
    default:
      return false;
  }
}
