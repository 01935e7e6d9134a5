// Float arithmetic with constants that keeps every bit but the sign of a zero: what guards leave behind (x + 0), and factors that are powers of two, which go outwards through sums and products until they
// meet another constant: (x * 256 - y * 256) * c = (x - y) * (256 * c). Exact as long as nothing overflows or loses digits near zero; factors beyond 1e6, products beyond 1e12 are left alone.

import type { BinaryOp } from '../../ir/types.ts';
import * as k from '../../kernel/build.ts';
import type { Expr } from '../../kernel/types.ts';

type Times = (a: Expr, b: Expr) => Expr;

/** x * factor. */
export interface Scaled {
  readonly x: Expr;
  readonly factor: number;
}

/** An expression as a product with a constant, as far as it or the binding of its name shows one. */
export function scaledOf(e: Expr, bound: (name: string) => Scaled | undefined): Scaled | undefined {
  if (e.kind === 'var') return bound(e.name);
  if (e.kind !== 'binary' || e.op !== 'mul') return undefined;
  if (e.b.kind === 'const') return { x: e.a, factor: e.b.value };
  return e.a.kind === 'const' ? { x: e.b, factor: e.a.value } : undefined;
}

/** The operation without needless parts; undefined when there is nothing to do. `times` makes the products that take the place of one: rounded by themselves where that was. */
export function foldFloats(
  op: BinaryOp,
  a: Expr,
  b: Expr,
  bound: (name: string) => Scaled | undefined,
  times: Times = k.mul,
): Expr | undefined {
  if (a.type !== 'f32' && a.type !== 'f64') return undefined;
  switch (op) {
    case 'add':
      if (isZero(a)) return b;
      return isZero(b) ? a : commonFactor(op, scaledOf(a, bound), scaledOf(b, bound));
    case 'sub':
      return isZero(b) ? a : commonFactor(op, scaledOf(a, bound), scaledOf(b, bound));
    case 'mul':
      if (b.kind === 'const') return factors(a, b.value, scaledOf(a, bound), times);
      if (a.kind === 'const') return factors(b, a.value, scaledOf(b, bound), times);
      return product(a, b, scaledOf(a, bound), scaledOf(b, bound), times);
    default:
      return undefined;
  }
}

/** x * c + y * c and its kin with the same power of two. */
function commonFactor(op: 'add' | 'sub', a: Scaled | undefined, b: Scaled | undefined): Expr | undefined {
  if (a === undefined || b === undefined || !isPowerOfTwo(a.factor)) return undefined;
  if (Math.abs(a.factor) !== Math.abs(b.factor)) return undefined;
  const same = a.factor === b.factor;
  const sum = (op === 'add') === same ? k.add(a.x, b.x) : k.sub(a.x, b.x);
  return k.mul(sum, k.constant(sum.type, a.factor));
}

/** (x * d) * c. */
function factors(a: Expr, c: number, scaled: Scaled | undefined, times: Times): Expr | undefined {
  if (scaled === undefined || !(isPowerOfTwo(c) || isPowerOfTwo(scaled.factor))) return undefined;
  const factor = c * scaled.factor;
  return Math.abs(factor) > 1e-12 && Math.abs(factor) < 1e12
    ? times(scaled.x, k.constant(a.type, factor))
    : undefined;
}

/** (x * c) * y with a power of two. */
function product(
  a: Expr,
  b: Expr,
  x: Scaled | undefined,
  y: Scaled | undefined,
  times: Times,
): Expr | undefined {
  if (x !== undefined && isPowerOfTwo(x.factor)) {
    const rest = product(x.x, b, undefined, y, times) ?? times(x.x, b);
    return (
      factors(
        rest,
        x.factor,
        scaledOf(rest, () => undefined),
        times,
      ) ?? times(rest, k.constant(a.type, x.factor))
    );
  }
  if (y !== undefined && isPowerOfTwo(y.factor)) return times(times(a, y.x), k.constant(a.type, y.factor));
  return undefined;
}

function isZero(e: Expr): boolean {
  return e.kind === 'const' && e.value === 0;
}

function isPowerOfTwo(x: number): boolean {
  return x !== 0 && Math.abs(x) > 1e-6 && Math.abs(x) < 1e6 && Number.isInteger(Math.log2(Math.abs(x)));
}
