// Local precision: `with precision f64 { … }`, `solve(…, precision: f64)`. Inside, `real` is of that type: what is looked up is converted on the way in, the result on the way out, so that
// types never mix. Items that depend on parameters are evaluated anew inside; data, parameters and states stay what they are.

import { isPart } from './complex_parts.ts';
import type { Context } from '../context.ts';
import { failAt, inWorld } from '../context.ts';
import { flatten } from './leaves.ts';
import type { Value } from './values.ts';
import { complex } from './values.ts';
import { replaced } from '../names/worlds.ts';
import * as b from '../../ir/build.ts';
import type { FloatType } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';

export function precisionNamed(ctx: Context, name: string, span: Span): FloatType {
  if (name === 'f32' || name === 'f64') return name;
  return failAt(ctx, 'E441', `there is no precision \`${name}\``, span, 'write f32 or f64');
}

/** Evaluates `work` with `real` of another type; the result has the type of the place around. */
export function atPrecision(ctx: Context, real: FloatType, work: () => Value, span: Span): Value {
  return real === ctx.real ? work() : converted(ctx, inPrecision(ctx, real, work), span);
}

/** `work` with `real` of another type, its result as it is. */
export function inPrecision<T>(ctx: Context, real: FloatType, work: () => T): T {
  const before = ctx.real;
  if (real === before) return work();
  ctx.real = real;
  try {
    return inWorld(ctx, replaced(ctx, []), work);
  } finally {
    ctx.real = before;
  }
}

/** The value with its real leaves of the type that `real` has here. */
export function converted(ctx: Context, value: Value, span: Span): Value {
  switch (value.kind) {
    case 'array':
      return isFloat(value.node.dtype) && value.node.dtype !== ctx.real
        ? { kind: 'array', node: b.cast(ctx.graph, value.node, ctx.real) }
        : value;
    case 'complex': {
      const part = (p: Value): Value => converted(ctx, p, span);
      const [re, im] = [part(value.re), part(value.im)];
      return isPart(re) && isPart(im) ? complex(re, im) : value;
    }
    case 'tuple':
    case 'list':
      return { ...value, elements: value.elements.map((e) => converted(ctx, e, span)) };
    case 'record':
      return { ...value, entries: new Map([...value.entries].map(([k, e]) => [k, converted(ctx, e, span)])) };
    case 'field': {
      if (value.expr.kind !== 'leaf') return value;
      const flat = flatten(ctx, value, span);
      return value.expr.values.dtype === ctx.real
        ? value
        : flat.rebuild(flat.leaves.map((l) => b.cast(ctx.graph, l.node, ctx.real)));
    }
    default:
      return value;
  }
}
