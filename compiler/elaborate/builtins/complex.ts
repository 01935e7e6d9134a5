// Functions of complex values that are no arithmetic: making one of its parts, taking it apart, the conjugate. They go leaf by leaf over records and tuples.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { hasComplex } from '../values/complex_parts.ts';
import { asComplex, paired, partOf, spread } from '../values/complex.ts';
import { conjugate } from '../values/complex_lifting.ts';
import { lift } from '../values/lifting.ts';
import { operators } from '../values/operators.ts';
import type { BuiltinValue, Value } from '../values/values.ts';
import { describe } from '../values/values.ts';
import { define } from './registry.ts';
import type { Given } from './registry.ts';

export function complexFunctions(ctx: Context): BuiltinValue[] {
  const part = (which: 're' | 'im') =>
    define(ctx, which, ['z'], (a) => partOf(ctx, which, numeric(ctx, a.need('z'), a), a.span));
  return [
    part('re'),
    part('im'),
    define(ctx, 'conj', ['z'], (a) => conjugate(ctx, numeric(ctx, a.need('z'), a), a.span)),
    define(ctx, 'complex', ['re', 'im?'], (a) => {
      const im = a.get('im');
      const x = a.need('re');
      if (im === undefined) return lift(ctx, 'complex', [x], a.span, ([v]) => whole(ctx, v ?? x, a), true);
      if (hasComplex(x) || hasComplex(im))
        return failAt(
          ctx,
          'E126',
          `the parts of a complex value are real, but this is ${describe(hasComplex(x) ? x : im)}`,
          a.spanOf(hasComplex(x) ? 're' : 'im'),
          'a sum is written z + 1i*w',
        );
      return lift(
        ctx,
        'complex',
        [x, im],
        a.span,
        ([p, q]) => {
          // Both are levelled by adding them, so that shapes go together as in arithmetic.
          const [u, v] = [p ?? x, q ?? im];
          const zero = (like: Value): Value => spread(ctx, 0, like, a.span);
          const level = (one: Value, other: Value): Value =>
            one.kind === 'number' ? one : ctx.elementwise(operators.add, [one, zero(other)], a.span);
          return paired(ctx, level(u, v), level(v, u), a.span);
        },
        true,
      );
    }),
  ];
}

function numeric(ctx: Context, v: Value, a: Given): Value {
  switch (v.kind) {
    case 'number':
    case 'array':
    case 'complex':
    case 'field':
    case 'tuple':
    case 'list':
    case 'record':
      return v;
    default:
      return failAt(ctx, 'E120', `\`${a.name}\` cannot take ${describe(v)}`, a.span);
  }
}

/** A real as a complex value with a part of its own for the imaginary side. */
function whole(ctx: Context, v: Value, a: Given): Value {
  return asComplex(ctx, v, a.span) ?? failAt(ctx, 'E120', `\`complex\` cannot take ${describe(v)}`, a.span);
}
