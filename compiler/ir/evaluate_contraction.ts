// Kernels of the interpreter for reductions, running sums, matrix products and indexing. Sums run in row-major order of the operand; products run
// i-k-j, so that the innermost loop is contiguous in both. Integer sums wrap in 32 bits.

import { InternalError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import type { Kernel } from './evaluate_elementwise.ts';
import { operand } from './evaluate_elementwise.ts';
import { mergeAxes } from './evaluate_movement.ts';
import type { Data } from './ndarray.ts';
import { stridesOf } from './ndarray.ts';
import type { Scalar2 } from './scalar.ts';
import { binaryFunction } from './scalar.ts';
import type { DType, NodeOf, ReduceKind } from './types.ts';
import { isFloat, sizeOf } from './types.ts';

/** First value and combination of a reduction; max and min begin with the type's lowest and highest value. */
function monoid(kind: ReduceKind, dtype: DType): { readonly start: number; readonly combine: Scalar2 } {
  switch (kind) {
    case 'sum':
      return { start: 0, combine: binaryFunction('add', dtype) };
    case 'prod':
      return { start: 1, combine: binaryFunction('mul', dtype) };
    case 'max':
      return {
        start: isFloat(dtype) ? -Infinity : dtype === 'i32' ? -2147483648 : 0,
        combine: binaryFunction('max', dtype),
      };
    case 'min':
      return {
        start: isFloat(dtype) ? Infinity : dtype === 'i32' ? 2147483647 : 4294967295,
        combine: binaryFunction('min', dtype),
      };
    case 'any':
      return { start: 0, combine: (x, y) => x | y };
    case 'all':
      return { start: 1, combine: (x, y) => x & y };
  }
}

export function reduceKernel(node: NodeOf<'reduce'>): Kernel {
  const { kind, axes } = node.attrs;
  const shape = at(node.args, 0).shape;
  const reduced = axes.map((axis) => at(shape, axis));
  if ((kind === 'max' || kind === 'min') && sizeOf(reduced) === 0 && sizeOf(node.shape) > 0)
    throw new InternalError('ir.interpret', `${kind} over an empty extent`);
  const source = stridesOf(shape);
  const target = stridesOf(node.shape);
  let kept = 0;
  const merged = mergeAxes(
    shape.map((extent, axis) => ({
      extent,
      source: at(source, axis),
      target: axes.includes(axis) ? 0 : at(target, kept++),
    })),
  );
  const inner = at(merged, merged.length - 1);
  const outer = merged.slice(0, -1);
  const { start, combine } = monoid(kind, node.dtype);
  const floatSum = kind === 'sum' && isFloat(node.dtype);
  const line = (out: Data, a: Data, s: number, t: number): void => {
    if (inner.target !== 0) {
      for (let i = 0; i < inner.extent; i++) {
        const o = t + i * inner.target;
        out[o] = combine(out[o] ?? 0, a[s + i * inner.source] ?? 0);
      }
      return;
    }
    let sum = start;
    if (floatSum) for (let i = 0; i < inner.extent; i++) sum += a[s + i * inner.source] ?? 0;
    else for (let i = 0; i < inner.extent; i++) sum = combine(sum, a[s + i * inner.source] ?? 0);
    out[t] = combine(out[t] ?? 0, sum);
  };
  const walk = (out: Data, a: Data, depth: number, s: number, t: number): void => {
    const axis = outer[depth];
    if (axis === undefined) return line(out, a, s, t);
    for (let i = 0; i < axis.extent; i++) walk(out, a, depth + 1, s + i * axis.source, t + i * axis.target);
  };
  const empty = sizeOf(shape) === 0;
  return (out, args) => {
    out.fill(start);
    if (!empty) walk(out, operand(args, 0), 0, 0, 0);
  };
}

/** Sizes of what lies before, on and after an axis. */
function around(shape: readonly number[], axis: number): { before: number; n: number; after: number } {
  return { before: sizeOf(shape.slice(0, axis)), n: at(shape, axis), after: sizeOf(shape.slice(axis + 1)) };
}

export function argReduceKernel(node: NodeOf<'arg_reduce'>): Kernel {
  const { before, n, after } = around(at(node.args, 0).shape, node.attrs.axis);
  const larger = node.attrs.kind === 'max';
  return (out, args) => {
    const a = operand(args, 0);
    for (let b = 0; b < before; b++)
      for (let c = 0; c < after; c++) {
        let best = 0;
        let value = a[b * n * after + c] ?? 0;
        for (let i = 1; i < n; i++) {
          const x = a[(b * n + i) * after + c] ?? 0;
          if (larger ? x > value : x < value) {
            best = i;
            value = x;
          }
        }
        out[b * after + c] = best;
      }
  };
}

/** NaN comes after everything; equal elements keep their order. */
export function argsortKernel(node: NodeOf<'argsort'>): Kernel {
  const n = at(node.shape, -1);
  return (out, args) => {
    const a = operand(args, 0);
    for (let start = 0; start < out.length; start += n) {
      const value = (i: number): number => a[start + i] ?? 0;
      const order = range(n).sort((i, j) => {
        const [x, y] = [value(i), value(j)];
        if (x < y) return -1;
        if (x > y) return 1;
        return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || i - j;
      });
      out.set(order, start);
    }
  };
}

export function cumsumKernel(node: NodeOf<'cumsum'>): Kernel {
  const { before, n, after } = around(node.shape, node.attrs.axis);
  const add = binaryFunction('add', node.dtype);
  const backwards = node.attrs.reverse;
  return (out, args) => {
    const a = operand(args, 0);
    for (let b = 0; b < before; b++)
      for (let c = 0; c < after; c++) {
        let sum = 0;
        for (let k = 0; k < n; k++) {
          const at = (b * n + (backwards ? n - 1 - k : k)) * after + c;
          sum = add(sum, a[at] ?? 0);
          out[at] = sum;
        }
      }
  };
}

export function dotKernel(node: NodeOf<'dot'>): Kernel {
  const shape = at(node.args, 0).shape;
  const r = shape.length;
  const batch = sizeOf(shape.slice(0, -2));
  const [m, k, n] = [at(shape, r - 2), at(shape, r - 1), at(node.shape, r - 1)];
  const float = isFloat(node.dtype);
  return (out, args) => {
    const a = operand(args, 0);
    const b = operand(args, 1);
    out.fill(0);
    for (let batchIndex = 0; batchIndex < batch; batchIndex++)
      for (let i = 0; i < m; i++) {
        const row = (batchIndex * m + i) * n;
        for (let l = 0; l < k; l++) {
          const x = a[(batchIndex * m + i) * k + l] ?? 0;
          const column = (batchIndex * k + l) * n;
          if (float)
            for (let j = 0; j < n; j++) out[row + j] = (out[row + j] ?? 0) + x * (b[column + j] ?? 0);
          else
            for (let j = 0; j < n; j++)
              out[row + j] = ((out[row + j] ?? 0) + Math.imul(x, b[column + j] ?? 0)) | 0;
        }
      }
  };
}

/** Sizes of batch, table axis, indices and rows of a gather from `table` (or of the scatter_add that transposes it). */
function indexing(
  table: readonly number[],
  index: readonly number[],
  batch: number,
): readonly [number, number, number, number] {
  return [
    sizeOf(table.slice(0, batch)),
    at(table, batch),
    sizeOf(index.slice(batch)),
    sizeOf(table.slice(batch + 1)),
  ];
}

function clamp(i: number, n: number): number {
  return i < 0 ? 0 : i >= n ? n - 1 : i;
}

export function gatherKernel(node: NodeOf<'gather'>): Kernel {
  const index = at(node.args, 1);
  const [batch, n, count, rows] = indexing(at(node.args, 0).shape, index.shape, node.attrs.batch);
  if (n === 0 && sizeOf(node.shape) > 0) throw new InternalError('ir.interpret', 'gather from an empty axis');
  return (out, args) => {
    const table = operand(args, 0);
    const indices = operand(args, 1);
    for (let b = 0; b < batch; b++)
      for (let i = 0; i < count; i++) {
        const from = (b * n + clamp(indices[b * count + i] ?? 0, n)) * rows;
        const to = (b * count + i) * rows;
        for (let r = 0; r < rows; r++) out[to + r] = table[from + r] ?? 0;
      }
  };
}

export function scatterAddKernel(node: NodeOf<'scatter_add'>): Kernel {
  const index = at(node.args, 0);
  const [batch, n, count, rows] = indexing(node.shape, index.shape, node.attrs.batch);
  const add = binaryFunction('add', node.dtype);
  return (out, args) => {
    const indices = operand(args, 0);
    const update = operand(args, 1);
    out.fill(0);
    if (n === 0) return;
    for (let b = 0; b < batch; b++)
      for (let i = 0; i < count; i++) {
        const to = (b * n + clamp(indices[b * count + i] ?? 0, n)) * rows;
        const from = (b * count + i) * rows;
        for (let r = 0; r < rows; r++) out[to + r] = add(out[to + r] ?? 0, update[from + r] ?? 0);
      }
  };
}

export function rowsOfKernel(node: NodeOf<'rows_of'>): Kernel {
  const index = at(node.args, 0);
  const { batch, size } = node.attrs;
  const [count, inner] = [sizeOf(index.shape), sizeOf(index.shape.slice(batch))];
  const rows = at(node.shape, 0) - 1 - count;
  return (out, args) => {
    const indices = operand(args, 0);
    const rowOf = (i: number): number => Math.floor(i / inner) * size + clamp(indices[i] ?? 0, size);
    out.fill(0);
    for (let i = 0; i < count; i++) out[rowOf(i) + 1] = (out[rowOf(i) + 1] ?? 0) + 1;
    for (let r = 0; r < rows; r++) out[r + 1] = (out[r + 1] ?? 0) + (out[r] ?? 0);
    const next = out.slice(0, rows);
    for (let i = 0; i < count; i++) {
      const place = next[rowOf(i)] ?? 0;
      next[rowOf(i)] = place + 1;
      out[rows + 1 + place] = i;
    }
  };
}
