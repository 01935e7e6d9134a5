// What elements are compared by when they are sorted. Floats of 32 bits become integers of the same order (WGSL promises nothing about comparisons with NaN), with one value for all NaN, the
// largest, and one for both zeros; other elements are compared as they are.

import { InternalError } from '../support/diagnostic.ts';
import * as k from '../kernel/build.ts';
import type { BufferType, Expr, Statement } from '../kernel/types.ts';
import type { DType } from '../ir/types.ts';

/** The type of the keys that elements of this type are compared by. */
export function keyType(dtype: DType): BufferType {
  if (dtype === 'bool') throw new InternalError('schedule.sort', 'truth values have no order');
  return dtype === 'f32' ? 'i32' : dtype;
}

/** Statements that bind `name` to the key of an element; elements of equal keys are equal. */
export function bindKey(name: string, dtype: DType, value: Expr): Statement[] {
  if (dtype !== 'f32') return [k.let_(name, value)];
  const [plain, bits] = [`${name}_plain`, `${name}_bits`];
  const loaded = k.variable('f32', plain);
  const magnitude = k.binary('and', k.variable('i32', bits), k.int(0x7fffffff));
  return [
    k.let_(plain, value),
    // Zeros of both signs are equal.
    k.let_(
      bits,
      k.bitcast('i32', k.select(k.compare('eq', loaded, k.constant('f32', 0)), k.constant('f32', 0), loaded)),
    ),
    k.let_(
      name,
      k.select(
        k.lessThan(k.int(0x7f800000), magnitude),
        k.int(0x7fffffff),
        k.binary(
          'xor',
          k.variable('i32', bits),
          k.binary('and', k.binary('shr', k.variable('i32', bits), k.int(31)), k.int(0x7fffffff)),
        ),
      ),
    ),
  ];
}

/** Whether key a comes strictly before key b: NaN after everything. */
export function keyBefore(a: Expr, b: Expr): Expr {
  const less = k.lessThan(a, b);
  if (a.type !== 'f64') return less;
  return k.or(less, k.and(k.compare('eq', a, a), k.compare('ne', b, b)));
}
