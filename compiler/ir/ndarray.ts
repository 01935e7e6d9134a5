// Dense arrays on the host: what the interpreter takes and gives. Row-major. f32 and f64 are both held in float64 and not rounded: the interpreter is an
// oracle, its arithmetic is that of float64 whatever the program's precision.

import { InternalError } from '../support/diagnostic.ts';
import type { ArrayType, DType } from './types.ts';
import { showType, sizeOf } from './types.ts';

/** f32, f64: Float64Array · i32: Int32Array · u32: Uint32Array · bool: Uint8Array of 0 and 1. */
export type Data = Float64Array | Int32Array | Uint32Array | Uint8Array;

export interface NdArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Data;
}

/** Zeros. */
export function allocate(dtype: DType, size: number): Data {
  switch (dtype) {
    case 'f32':
    case 'f64':
      return new Float64Array(size);
    case 'i32':
      return new Int32Array(size);
    case 'u32':
      return new Uint32Array(size);
    case 'bool':
      return new Uint8Array(size);
  }
}

/** An array of this type with these values in row-major order. */
export function ndarray(dtype: DType, shape: readonly number[], values: ArrayLike<number>): NdArray {
  if (values.length !== sizeOf(shape))
    throw new InternalError('ir.ndarray', `${values.length} values for ${showType({ dtype, shape })}`);
  const data = allocate(dtype, values.length);
  data.set(values);
  return { dtype, shape, data };
}

/** Throws InternalError unless `array` is of this type and its data of the class that goes with it. */
export function checkArray(what: string, array: NdArray, type: ArrayType): void {
  const fits =
    array.dtype === type.dtype &&
    array.shape.length === type.shape.length &&
    array.shape.every((extent, axis) => extent === type.shape[axis]) &&
    array.data.length === sizeOf(type.shape) &&
    array.data.constructor === allocate(type.dtype, 0).constructor;
  if (!fits)
    throw new InternalError(
      'ir.interpret',
      `${what} is ${showType(type)}, given ${showType(array)} (${array.data.constructor.name} of ${array.data.length})`,
    );
}

/** Row-major strides in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return strides;
}

export function floats(data: Data): Float64Array {
  if (data instanceof Float64Array) return data;
  throw new InternalError('ir.interpret', 'float data expected');
}
