// Elementwise functions of complex values. The four operations, comparisons, choices and whole powers are here, as operations on the parts; the elementary functions are written in Flow
// (stdlib/complex.flow) and found by name. What has no complex meaning (order, rounding, remainders) is refused by name with what to write instead.

import { asComplex, bilinear, paired, partOf, partwise, spread } from './complex.ts';
import { isPart, isZero } from './complex_parts.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { Elementwise } from './elementwise.ts';
import { operators } from './operators.ts';
import type { ComplexValue, Value } from './values.ts';
import { complex, describe, real } from './values.ts';
import { InternalError } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

/** Functions of stdlib/complex.flow, by the operation they extend; `complex_NAME` there. */
const IN_FLOW: Readonly<Record<string, string>> = {
  abs: 'abs',
  sign: 'sign',
  exp: 'exp',
  expm1: 'expm1',
  log: 'log',
  log1p: 'log1p',
  sin: 'sin',
  cos: 'cos',
  tan: 'tan',
  asin: 'asin',
  acos: 'acos',
  atan: 'atan',
  sinh: 'sinh',
  cosh: 'cosh',
  tanh: 'tanh',
  sqrt: 'sqrt',
  '^': 'pow',
};

const NO_ORDER = 'complex numbers have no order: compare abs(z), re(z) or im(z)';
const OF_PARTS = 'take it of a part: re(z), im(z), or of abs(z)';

/** What to write instead of functions that have no complex meaning. */
const INSTEAD: Readonly<Record<string, string>> = {
  '<': NO_ORDER,
  '<=': NO_ORDER,
  '>': NO_ORDER,
  '>=': NO_ORDER,
  max: NO_ORDER,
  min: NO_ORDER,
  real: 'the real part is re(z)',
  atan2: 'the argument of z is arg(z)',
};

export function applyComplex(ctx: Context, op: Elementwise, args: readonly Value[], span: Span): Value {
  const parts = args.map((a) =>
    op.operands === 'mask' && a === args[0] ? undefined : asComplex(ctx, a, span),
  );
  const part = (i: number): ComplexValue => {
    const given = at(args, i);
    return (
      parts[i] ??
      failAt(ctx, 'E120', `\`${op.name}\` cannot take ${describe(given)} together with a complex value`, span)
    );
  };
  const z = op.operands === 'mask' ? undefined : part(0);
  if (z === undefined) return choose(ctx, op, at(args, 0), part(1), part(2), span);
  switch (op) {
    case operators.add:
    case operators.sub: {
      const w = part(1);
      return complexOf(ctx, op, [z.re, w.re], [z.im, w.im], span);
    }
    case operators.neg:
    case operators.stop_gradient:
      return complexOf(ctx, op, [z.re], [z.im], span);
    case operators.mul:
      return bilinear(ctx, z, part(1), span, (x, y) => ctx.elementwise(operators.mul, [x, y], span));
    case operators.div:
      return quotient(ctx, z, part(1), span);
    case operators.eq:
    case operators.ne: {
      const w = part(1);
      return ctx.elementwise(
        op === operators.eq ? operators.and : operators.or,
        [ctx.elementwise(op, [z.re, w.re], span), ctx.elementwise(op, [z.im, w.im], span)],
        span,
      );
    }
    default:
      break;
  }
  if (op.exponent !== undefined) return wholePower(ctx, z, op.exponent, span);
  const name = IN_FLOW[op.name];
  const f = name === undefined ? undefined : ctx.library('std.complex', `complex_${name}`);
  if (f !== undefined)
    return ctx.call(
      f,
      args.map((_, i) => ({ value: part(i), span })),
      span,
    );
  if (op.operands === 'any' || op.name === 'a constant')
    return partwise(ctx, z, span, (x) => ctx.elementwise(op, [x], span));
  return failAt(
    ctx,
    'E126',
    `\`${op.name}\` takes ${op.operands === 'bool' ? 'truth values' : 'real numbers'}, but is given ${args
      .filter((a) => a.kind === 'complex')
      .map(describe)
      .join(' and ')}`,
    span,
    op.operands === 'bool' ? 'compare it with something: z != 0' : (INSTEAD[op.name] ?? OF_PARTS),
  );
}

function complexOf(
  ctx: Context,
  op: Elementwise,
  re: readonly Value[],
  im: readonly Value[],
  span: Span,
): Value {
  const [x, y] = [ctx.elementwise(op, re, span), ctx.elementwise(op, im, span)];
  if (isPart(x) && isPart(y)) return complex(x, y);
  throw new InternalError('elaborate.complex', `${op.name} of parts gives no parts`);
}

function choose(
  ctx: Context,
  op: Elementwise,
  mask: Value,
  z: ComplexValue,
  w: ComplexValue,
  span: Span,
): Value {
  return complexOf(ctx, op, [mask, z.re, w.re], [mask, z.im, w.im], span);
}

/** Smith's quotient (1962): without overflow where the result has none. By a real number, part by part. */
function quotient(ctx: Context, z: ComplexValue, w: ComplexValue, span: Span): Value {
  const { add, sub, mul, div, abs, ge, where, neg } = operators;
  const e = (op: Elementwise, ...args: readonly Value[]): Value => ctx.elementwise(op, args, span);
  if (isZero(w.im)) return complexOf(ctx, div, [z.re, w.re], [z.im, w.re], span);
  if (isZero(w.re)) {
    const [x, y] = [e(div, z.im, w.im), e(neg, e(div, z.re, w.im))];
    return isPart(x) && isPart(y) ? complex(x, y) : z;
  }
  const [c, d] = [w.re, w.im];
  const big = e(ge, e(abs, c), e(abs, d));
  const [p, q] = [e(where, big, c, d), e(where, big, d, c)];
  const ratio = e(div, q, p);
  const size = e(add, p, e(mul, q, ratio));
  const [a, b] = [partOf(ctx, 're', z, span), partOf(ctx, 'im', z, span)];
  const [first, second] = [e(where, big, a, b), e(where, big, b, a)];
  const re = e(div, e(add, first, e(mul, second, ratio)), size);
  const turned = e(div, e(sub, second, e(mul, first, ratio)), size);
  const im = e(where, big, turned, e(neg, turned));
  return isPart(re) && isPart(im) ? complex(re, im) : z;
}

/** z^n by squaring. */
function wholePower(ctx: Context, z: ComplexValue, n: number, span: Span): Value {
  const times = (x: Value, y: Value): Value => ctx.elementwise(operators.mul, [x, y], span);
  const positive = (k: number): Value => {
    if (k === 1) return z;
    const half = positive(k >> 1);
    const square = times(half, half);
    return k % 2 === 1 ? times(square, z) : square;
  };
  if (n === 0) return paired(ctx, spread(ctx, 1, partOf(ctx, 're', z, span), span), real(0), span);
  const power = positive(Math.abs(n));
  return n > 0 ? power : ctx.elementwise(operators.div, [real(1), power], span);
}
