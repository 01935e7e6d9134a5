// Complex values. The array IR is real: a complex number, array or field is a pair of parts, each a number known at compile time, an array or a field, so that whatever works element by element on
// reals works on the pair, and kernels stay fused. In: values; out: values. Invariants: the parts are real; they have one shape, or one of them is a number known at compile time and
// stands everywhere. A part that is exactly the number 0 costs nothing: products with imaginary units and reals are not multiplied by it.

import { hasComplex, isPart, isZero } from './complex_parts.ts';
import type { Context } from '../context.ts';
import type { Elementwise } from './elementwise.ts';
import { joined, toReal } from './leaves.ts';
import { operators } from './operators.ts';
import { inOrderOf } from './part_order.ts';
import type { ComplexPart, ComplexValue, Value } from './values.ts';
import { array, complex, describe, real, record } from './values.ts';
import * as b from '../../ir/build.ts';
import { InternalError } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

/** A pair of real values as a complex one: part by part over tuples, records and lists of equal structure. */
export function paired(ctx: Context, re: Value, im: Value, span: Span): Value {
  const [x, y] = [re, im].map((v) => (v.kind === 'list' ? joined(ctx, v, span) : v));
  if (x === undefined || y === undefined) return re;
  if (isPart(x) && isPart(y)) return complex(realPart(ctx, x, span), realPart(ctx, y, span));
  if ((x.kind === 'tuple' || x.kind === 'list') && (y.kind === 'tuple' || y.kind === 'list'))
    return { ...x, elements: x.elements.map((e, i) => paired(ctx, e, at(y.elements, i), span)) };
  if (x.kind === 'record' && y.kind === 'record')
    return record(
      [...x.entries].map(([k, e]) => [k, paired(ctx, e, y.entries.get(k) ?? real(0), span)] as const),
    );
  throw new InternalError('elaborate.complex', `${describe(re)} and ${describe(im)} make no complex value`);
}

/** What stands in a part: reals, never ints. */
function realPart(ctx: Context, v: ComplexPart, span: Span): ComplexPart {
  switch (v.kind) {
    case 'number':
      return real(v.value);
    case 'array':
      return array(toReal(ctx, v, span, 'a part of a complex value'));
    case 'field':
      return v;
  }
}

/** Any numeric value as a complex one; undefined for what holds no numbers of its own (records, functions, strings). */
export function asComplex(ctx: Context, v: Value, span: Span): ComplexValue | undefined {
  const x = v.kind === 'list' ? joined(ctx, v, span) : v;
  if (x.kind === 'complex') return x;
  if (!isPart(x) || (x.kind === 'array' && x.node.dtype === 'bool')) return undefined;
  return complex(realPart(ctx, x, span), real(0));
}

/** `given` with its reals complex where `like` is, and its parts in the order of `like`; the very same value when nothing changes. */
export function complexAs(ctx: Context, given: Value, like: Value, span: Span): Value {
  const v = inOrderOf(given, like);
  if (v.kind === 'complex') return v;
  if (like.kind === 'complex') return asComplex(ctx, v, span) ?? v;
  if (!hasComplex(like)) return v;
  if (like.kind === 'list' && joined(ctx, like, span).kind === 'complex') return asComplex(ctx, v, span) ?? v;
  if ((v.kind === 'tuple' || v.kind === 'list') && (like.kind === 'tuple' || like.kind === 'list')) {
    if (v.elements.length !== like.elements.length) return v;
    const elements = v.elements.map((e, i) => complexAs(ctx, e, at(like.elements, i), span));
    return elements.every((e, i) => e === v.elements[i]) ? v : { ...v, elements };
  }
  if (v.kind === 'record' && like.kind === 'record') {
    let same = true;
    const entries = new Map(
      [...v.entries].map(([k, e]) => {
        const other = like.entries.get(k);
        const changed = other === undefined ? e : complexAs(ctx, e, other, span);
        same &&= changed === e;
        return [k, changed] as const;
      }),
    );
    return same ? v : { ...v, entries };
  }
  return v;
}

/** Values of one structure, with reals complex where any of them is, and their parts in the order of the first. */
export function levelComplex(ctx: Context, values: readonly Value[], span: Span): readonly Value[] {
  const ordered = values.map((v) => inOrderOf(v, values[0] ?? v));
  if (!values.some(hasComplex)) return ordered;
  const like = ordered.reduce((x, y) => complexAs(ctx, x, y, span));
  return ordered.map((v) => complexAs(ctx, v, like, span));
}

/** A number everywhere where `like` lies; complex where `kind` is. */
export function spread(ctx: Context, value: number, like: Value, span: Span, kind?: Value): Value {
  if (kind?.kind === 'complex') return paired(ctx, spread(ctx, value, like, span), real(0), span);
  const op: Elementwise = {
    name: 'a constant',
    operands: 'real',
    compute: () => value,
    build: (g, nodes) => b.full(g, at(nodes, 0).shape, value, at(nodes, 0).dtype),
  };
  return ctx.elementwise(op, [like], span);
}

/** The real or the imaginary parts of a value, leaf by leaf. The imaginary part of what is real is 0. Functions, strings and truth values stay. */
export function partOf(ctx: Context, which: 're' | 'im', given: Value, span: Span): Value {
  const v = given.kind === 'list' ? joined(ctx, given, span) : given;
  switch (v.kind) {
    case 'complex': {
      const [here, other] = which === 're' ? [v.re, v.im] : [v.im, v.re];
      return here.kind === 'number' && other.kind !== 'number' ? spread(ctx, here.value, other, span) : here;
    }
    case 'tuple':
    case 'list':
      return { ...v, elements: v.elements.map((e) => partOf(ctx, which, e, span)) };
    case 'record':
      return { ...v, entries: new Map([...v.entries].map(([k, e]) => [k, partOf(ctx, which, e, span)])) };
    case 'array':
      if (v.node.dtype === 'bool') return v;
      return which === 're' ? v : spread(ctx, 0, v, span);
    case 'number':
    case 'field':
      return which === 're' ? v : spread(ctx, 0, v, span);
    default:
      return v;
  }
}

/** f of the parts, for an f that is linear: what moves, selects, adds up or differentiates. */
export function partwise(ctx: Context, v: ComplexValue, span: Span, f: (part: Value) => Value): Value {
  return paired(ctx, f(partOf(ctx, 're', v, span)), f(partOf(ctx, 'im', v, span)), span);
}

/** A product that is linear in both: (a + ib)(c + id) = ac - bd + i(ad + bc). A part that is exactly 0 takes no part. */
export function bilinear(
  ctx: Context,
  x: Value,
  y: Value,
  span: Span,
  product: (x: Value, y: Value) => Value,
): Value {
  const [p, q] = [asComplex(ctx, x, span), asComplex(ctx, y, span)];
  if (p === undefined || q === undefined) return product(x, y);
  const times = (a: ComplexPart, c: ComplexPart): Value | undefined =>
    isZero(a) || isZero(c) ? undefined : product(a, c);
  const combine = (op: Elementwise, a: Value | undefined, c: Value | undefined): Value => {
    if (a !== undefined && c !== undefined) return ctx.elementwise(op, [a, c], span);
    if (c !== undefined) return op === operators.sub ? ctx.elementwise(operators.neg, [c], span) : c;
    return a ?? real(0);
  };
  const [real_, imaginary] = [
    [times(p.re, q.re), times(p.im, q.im)],
    [times(p.re, q.im), times(p.im, q.re)],
  ] as const;
  // Nothing at all is left of 0*z: a zero of the shape of the product.
  const nothing = [...real_, ...imaginary].every((part) => part === undefined);
  return paired(
    ctx,
    nothing
      ? product(partOf(ctx, 're', p, span), partOf(ctx, 're', q, span))
      : combine(operators.sub, ...real_),
    combine(operators.add, ...imaginary),
    span,
  );
}
