// Elementwise kernels of the interpreter: chosen once per node, then run on typed arrays. The frequent float operations have loops of their own, so that
// the engine compiles each to machine code; the rest go through one loop that calls the scalar definition (scalar.ts).

import { threefry4x32 } from '../support/threefry.ts';
import type { Data } from './ndarray.ts';
import { floats } from './ndarray.ts';
import { binaryFunction, bitcastFunction, castFunction, compareFunctions, unaryFunction } from './scalar.ts';
import type { Scalar1, Scalar2 } from './scalar.ts';
import { InternalError } from '../support/diagnostic.ts';
import type { BinaryOp, CompareOp, DType, UnaryOp } from './types.ts';
import { isFloat } from './types.ts';

/** Computes a node: writes every element of `out` (whose old contents are arbitrary) from the operands. */
export type Kernel = (out: Data, args: readonly Data[]) => void;

export function operand(args: readonly Data[], i: number): Data {
  const data = args[i];
  if (data === undefined) throw new InternalError('ir.interpret', `no operand ${i}`);
  return data;
}

type FloatLoop1 = (out: Float64Array, a: Float64Array) => void;
type FloatLoop2 = (out: Float64Array, a: Float64Array, b: Float64Array) => void;

// In-range reads of a typed array are never undefined: `?? 0` satisfies the checker and vanishes in compiled code.
const floatLoops1: { readonly [P in UnaryOp]?: FloatLoop1 } = {
  neg: (out, a) => {
    for (let i = 0; i < out.length; i++) out[i] = -(a[i] ?? 0);
  },
  abs: (out, a) => {
    for (let i = 0; i < out.length; i++) out[i] = Math.abs(a[i] ?? 0);
  },
  sqrt: (out, a) => {
    for (let i = 0; i < out.length; i++) out[i] = Math.sqrt(a[i] ?? 0);
  },
};

const floatLoops2: { readonly [P in BinaryOp]?: FloatLoop2 } = {
  add: (out, a, b) => {
    for (let i = 0; i < out.length; i++) out[i] = (a[i] ?? 0) + (b[i] ?? 0);
  },
  sub: (out, a, b) => {
    for (let i = 0; i < out.length; i++) out[i] = (a[i] ?? 0) - (b[i] ?? 0);
  },
  mul: (out, a, b) => {
    for (let i = 0; i < out.length; i++) out[i] = (a[i] ?? 0) * (b[i] ?? 0);
  },
  div: (out, a, b) => {
    for (let i = 0; i < out.length; i++) out[i] = (a[i] ?? 0) / (b[i] ?? 0);
  },
  max: (out, a, b) => {
    for (let i = 0; i < out.length; i++) out[i] = Math.max(a[i] ?? 0, b[i] ?? 0);
  },
  min: (out, a, b) => {
    for (let i = 0; i < out.length; i++) out[i] = Math.min(a[i] ?? 0, b[i] ?? 0);
  },
};

function map1(f: Scalar1): Kernel {
  return (out, args) => {
    const a = operand(args, 0);
    for (let i = 0; i < out.length; i++) out[i] = f(a[i] ?? 0);
  };
}

function map2(f: Scalar2): Kernel {
  return (out, args) => {
    const a = operand(args, 0);
    const b = operand(args, 1);
    for (let i = 0; i < out.length; i++) out[i] = f(a[i] ?? 0, b[i] ?? 0);
  };
}

export function unaryKernel(op: UnaryOp, dtype: DType): Kernel {
  const loop = isFloat(dtype) ? floatLoops1[op] : undefined;
  if (loop !== undefined) return (out, args) => loop(floats(out), floats(operand(args, 0)));
  return map1(unaryFunction(op, dtype));
}

export function binaryKernel(op: BinaryOp, dtype: DType): Kernel {
  const loop = isFloat(dtype) ? floatLoops2[op] : undefined;
  if (loop !== undefined)
    return (out, args) => loop(floats(out), floats(operand(args, 0)), floats(operand(args, 1)));
  return map2(binaryFunction(op, dtype));
}

export function compareKernel(op: CompareOp): Kernel {
  return map2(compareFunctions[op]);
}

export function castKernel(from: DType, to: DType): Kernel {
  if (to === 'f32' || to === 'f64') return (out, args) => out.set(operand(args, 0));
  return map1(castFunction(from, to));
}

export function bitcastKernel(from: DType, to: DType): Kernel {
  return map1(bitcastFunction(from, to));
}

export const copyKernel: Kernel = (out, args) => out.set(operand(args, 0));

export const selectKernel: Kernel = (out, args) => {
  const mask = operand(args, 0);
  const a = operand(args, 1);
  const b = operand(args, 2);
  for (let i = 0; i < out.length; i++) out[i] = (mask[i] === 0 ? b[i] : a[i]) ?? 0;
};

/** Word `word` of the block for every element. */
export function randomBitsKernel(word: 0 | 1 | 2 | 3): Kernel {
  return (out, args) => {
    const block = new Uint32Array(4);
    const read = (i: number, k: number): number => operand(args, k)[i] ?? 0;
    for (let i = 0; i < out.length; i++) {
      threefry4x32(
        read(i, 0),
        read(i, 1),
        read(i, 2),
        read(i, 3),
        read(i, 4),
        read(i, 5),
        read(i, 6),
        read(i, 7),
        block,
      );
      out[i] = block[word] ?? 0;
    }
  };
}
