// Free functions that make array IR, used by elaboration and differentiation. They add to Graph.node what every caller would otherwise repeat: numbers as
// operands, broadcasting of scalars, NumPy-style `broadcastTo`, matrix products of vectors and batches. All of them end in Graph.node, so what they
// give is checked, simplified and interned.
//
// A number as operand takes the element type of the other operand. A scalar operand (shape []) is broadcast to the shape of the others; any other
// difference of shapes is an InternalError: the elaborator has told the user before it comes to this.

import { InternalError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import type { Graph } from './graph.ts';
import type { BinaryOp, CompareOp, DType, Node, ReduceKind, Refusal, UnaryOp } from './types.ts';
import { sameShape, showType, sizeOf } from './types.ts';

export type Operand = Node | number;

function isNode(x: Operand): x is Node {
  return typeof x !== 'number';
}

/** The operands as nodes of one type and shape: numbers become constants of `dtype`, scalars are broadcast. */
function level(g: Graph, what: string, operands: readonly Operand[], dtype?: DType): Node[] {
  const nodes = operands.filter(isNode);
  const type = dtype ?? nodes[0]?.dtype;
  if (type === undefined) throw new InternalError('ir.build', `${what} of numbers alone`);
  const shape = nodes.find((n) => n.shape.length > 0)?.shape ?? [];
  return operands.map((x) => {
    const node = isNode(x) ? x : g.constant(x, type);
    if (sameShape(node.shape, shape)) return node;
    if (node.shape.length === 0) return broadcastTo(g, node, shape);
    throw new InternalError('ir.build', `${what}: shapes differ: ${nodes.map(showType).join(', ')}`);
  });
}

// ---- leaves

/** An array of one value. */
export function full(g: Graph, shape: readonly number[], value: number, dtype: DType): Node {
  return broadcastTo(g, g.constant(value, dtype), shape);
}

export function zerosLike(g: Graph, x: Node): Node {
  return full(g, x.shape, 0, x.dtype);
}

export function onesLike(g: Graph, x: Node): Node {
  return full(g, x.shape, 1, x.dtype);
}

// ---- elementwise

export function unary(g: Graph, op: UnaryOp, x: Node): Node {
  return g.node(op, [x], {});
}

export function binary(g: Graph, op: BinaryOp, a: Operand, b: Operand): Node {
  return g.node(op, level(g, op, [a, b]), {});
}

export function compare(g: Graph, op: CompareOp, a: Operand, b: Operand): Node {
  return g.node(op, level(g, op, [a, b]), {});
}

export const neg = (g: Graph, x: Node): Node => unary(g, 'neg', x);
export const abs = (g: Graph, x: Node): Node => unary(g, 'abs', x);
export const sign = (g: Graph, x: Node): Node => unary(g, 'sign', x);
export const exp = (g: Graph, x: Node): Node => unary(g, 'exp', x);
export const expm1 = (g: Graph, x: Node): Node => unary(g, 'expm1', x);
export const log = (g: Graph, x: Node): Node => unary(g, 'log', x);
export const log1p = (g: Graph, x: Node): Node => unary(g, 'log1p', x);
export const sin = (g: Graph, x: Node): Node => unary(g, 'sin', x);
export const cos = (g: Graph, x: Node): Node => unary(g, 'cos', x);
export const tan = (g: Graph, x: Node): Node => unary(g, 'tan', x);
export const asin = (g: Graph, x: Node): Node => unary(g, 'asin', x);
export const acos = (g: Graph, x: Node): Node => unary(g, 'acos', x);
export const atan = (g: Graph, x: Node): Node => unary(g, 'atan', x);
export const sinh = (g: Graph, x: Node): Node => unary(g, 'sinh', x);
export const cosh = (g: Graph, x: Node): Node => unary(g, 'cosh', x);
export const tanh = (g: Graph, x: Node): Node => unary(g, 'tanh', x);
export const sqrt = (g: Graph, x: Node): Node => unary(g, 'sqrt', x);
export const floor = (g: Graph, x: Node): Node => unary(g, 'floor', x);
export const ceil = (g: Graph, x: Node): Node => unary(g, 'ceil', x);
export const round = (g: Graph, x: Node): Node => unary(g, 'round', x);
export const not = (g: Graph, x: Node): Node => unary(g, 'not', x);

export const add = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'add', a, b);
export const sub = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'sub', a, b);
export const mul = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'mul', a, b);
export const div = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'div', a, b);
export const pow = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'pow', a, b);
export const atan2 = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'atan2', a, b);
export const max = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'max', a, b);
export const min = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'min', a, b);
export const rem = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'rem', a, b);
export const idiv = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'idiv', a, b);
export const and = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'and', a, b);
export const or = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'or', a, b);
export const xor = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'xor', a, b);
export const shl = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'shl', a, b);
export const shr = (g: Graph, a: Operand, b: Operand): Node => binary(g, 'shr', a, b);

export const eq = (g: Graph, a: Operand, b: Operand): Node => compare(g, 'eq', a, b);
export const ne = (g: Graph, a: Operand, b: Operand): Node => compare(g, 'ne', a, b);
export const lt = (g: Graph, a: Operand, b: Operand): Node => compare(g, 'lt', a, b);
export const le = (g: Graph, a: Operand, b: Operand): Node => compare(g, 'le', a, b);
/** a > b, as b < a: false when either is NaN, like `lt`. */
export const gt = (g: Graph, a: Operand, b: Operand): Node => compare(g, 'lt', b, a);
export const ge = (g: Graph, a: Operand, b: Operand): Node => compare(g, 'le', b, a);

/** a where mask else b; numbers take the element type of the other branch. */
export function select(g: Graph, mask: Node, a: Operand, b: Operand): Node {
  const branch = isNode(a) ? a : isNode(b) ? b : undefined;
  if (branch === undefined) throw new InternalError('ir.build', 'select between two numbers has no type');
  const value = (x: Operand): Node => (isNode(x) ? x : g.constant(x, branch.dtype));
  return g.node('select', level(g, 'select', [mask, value(a), value(b)]), {});
}

export function cast(g: Graph, x: Node, dtype: DType): Node {
  return x.dtype === dtype ? x : g.node('cast', [x], { dtype });
}

export function bitcast(g: Graph, x: Node, dtype: DType): Node {
  return x.dtype === dtype ? x : g.node('bitcast', [x], { dtype });
}

export function keep(g: Graph, x: Node): Node {
  return g.node('keep', [x], {});
}

export function stopGradient(g: Graph, x: Node, refusal?: Refusal): Node {
  return g.node('stop_gradient', [x], refusal === undefined ? {} : { refusal });
}

/** The mean of x over the paths of the ensemble that `path` counts (a u32 scalar that differs between them). */
export function pathMean(g: Graph, x: Node, path: Node, moves = false): Node {
  return g.node('path_mean', [x, broadcastTo(g, path, x.shape)], { moves });
}

// ---- movement

export function reshape(g: Graph, x: Node, shape: readonly number[]): Node {
  return sameShape(x.shape, shape) ? x : g.node('reshape', [x], { shape });
}

/** Result axis i is operand axis perm[i]. */
export function transposePerm(g: Graph, x: Node, perm: readonly number[]): Node {
  return g.node('transpose', [x], { perm });
}

/** Swaps the last two axes. */
export function matrixTranspose(g: Graph, x: Node): Node {
  const r = x.shape.length;
  if (r < 2) throw new InternalError('ir.build', `matrix transpose of ${showType(x)}`);
  return transposePerm(g, x, [...range(r - 2), r - 1, r - 2]);
}

/** Operand axis i becomes result axis axes[i]; the other result axes repeat. */
export function broadcastAxes(g: Graph, x: Node, shape: readonly number[], axes: readonly number[]): Node {
  return g.node('broadcast', [x], { shape, axes });
}

/** NumPy's rule: aligned at the last axis, extents of 1 repeat. */
export function broadcastTo(g: Graph, x: Node, shape: readonly number[]): Node {
  if (sameShape(x.shape, shape)) return x;
  const lead = shape.length - x.shape.length;
  const kept: number[] = [];
  x.shape.forEach((extent, axis) => {
    if (extent === shape[lead + axis]) kept.push(axis);
    else if (extent !== 1 || lead < 0)
      throw new InternalError('ir.build', `broadcast of ${showType(x)} to [${shape.join(', ')}]`);
  });
  if (lead < 0) throw new InternalError('ir.build', `broadcast of ${showType(x)} to [${shape.join(', ')}]`);
  const core = reshape(
    g,
    x,
    kept.map((axis) => at(x.shape, axis)),
  );
  return broadcastAxes(
    g,
    core,
    shape,
    kept.map((axis) => lead + axis),
  );
}

export function slice(
  g: Graph,
  x: Node,
  start: readonly number[],
  limit: readonly number[],
  stride: readonly number[] = start.map(() => 1),
): Node {
  return g.node('slice', [x], { start, limit, stride });
}

/** Elements start, start+stride, … below limit of one axis. */
export function sliceAxis(g: Graph, x: Node, axis: number, start: number, limit: number, stride = 1): Node {
  return slice(
    g,
    x,
    x.shape.map((_, i) => (i === axis ? start : 0)),
    x.shape.map((extent, i) => (i === axis ? limit : extent)),
    x.shape.map((_, i) => (i === axis ? stride : 1)),
  );
}

/** The subarray at `position` of an axis, without that axis. */
export function indexAxis(g: Graph, x: Node, axis: number, position: number): Node {
  return reshape(
    g,
    sliceAxis(g, x, axis, position, position + 1),
    x.shape.filter((_, i) => i !== axis),
  );
}

export function pad(
  g: Graph,
  x: Node,
  low: readonly number[],
  high: readonly number[],
  interior: readonly number[] = low.map(() => 0),
): Node {
  return g.node('pad', [x], { low, high, interior });
}

export function padAxis(g: Graph, x: Node, axis: number, low: number, high: number, interior = 0): Node {
  const on = (value: number): number[] => x.shape.map((_, i) => (i === axis ? value : 0));
  return pad(g, x, on(low), on(high), on(interior));
}

export function concat(g: Graph, parts: readonly Node[], axis: number): Node {
  return parts.length === 1 ? at(parts, 0) : g.node('concat', parts, { axis });
}

/** Joins arrays of one shape along a new axis. */
export function stack(g: Graph, parts: readonly Node[], axis = 0): Node {
  const one = (x: Node): Node => reshape(g, x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)]);
  return concat(g, parts.map(one), axis);
}

export function reverse(g: Graph, x: Node, axes: readonly number[]): Node {
  return g.node('reverse', [x], { axes });
}

/** result[i] = x[(i + shift) mod n] along axis. */
export function roll(g: Graph, x: Node, axis: number, shift: number): Node {
  return g.node('roll', [x], { axis, shift });
}

// ---- reductions, contractions, indexing

export function reduce(g: Graph, kind: ReduceKind, x: Node, axes: readonly number[]): Node {
  return axes.length === 0 ? x : g.node('reduce', [x], { kind, axes });
}

export function reduceSum(g: Graph, x: Node, axes: readonly number[]): Node {
  return reduce(g, 'sum', x, axes);
}

export function reduceAll(g: Graph, kind: ReduceKind, x: Node): Node {
  return reduce(g, kind, x, range(x.shape.length));
}

export function sumAll(g: Graph, x: Node): Node {
  return reduceAll(g, 'sum', x);
}

export function cumsum(g: Graph, x: Node, axis: number, backwards = false): Node {
  return g.node('cumsum', [x], { axis, reverse: backwards });
}

/** Positions of the elements along the last axis in ascending order. */
export function argsort(g: Graph, x: Node): Node {
  return g.node('argsort', [x], {});
}

/** [...B, m, k] @ [...B, k, n], as the operation. */
export function dot(g: Graph, a: Node, b: Node): Node {
  return g.node('dot', [a, b], {});
}

/**
 * NumPy's `@`: a vector on the left is a row, on the right a column (and vanishes from the result); leading axes are a batch, equal on both sides or
 * absent on one. A batch against one matrix becomes one product with more rows.
 */
export function matmul(g: Graph, a: Node, b: Node): Node {
  const [ra, rb] = [a.shape.length, b.shape.length];
  if (ra === 0 || rb === 0)
    throw new InternalError('ir.build', `matmul of ${showType(a)} and ${showType(b)}`);
  if (ra === 1 && rb === 1) return sumAll(g, mul(g, a, b));
  if (ra === 1) {
    const row = matmul(g, reshape(g, a, [1, at(a.shape, 0)]), b);
    return reshape(g, row, [...row.shape.slice(0, -2), at(row.shape, row.shape.length - 1)]);
  }
  if (rb === 1) {
    const column = matmul(g, a, reshape(g, b, [at(b.shape, 0), 1]));
    return reshape(g, column, column.shape.slice(0, -1));
  }
  if (ra === rb) return dot(g, a, b);
  if (rb === 2) {
    const rows = sizeOf(a.shape.slice(0, -1));
    const k = at(a.shape, ra - 1);
    const product = dot(g, reshape(g, a, [rows, k]), b);
    return reshape(g, product, [...a.shape.slice(0, -1), at(b.shape, 1)]);
  }
  if (ra === 2) return dot(g, broadcastTo(g, a, [...b.shape.slice(0, -2), ...a.shape]), b);
  throw new InternalError('ir.build', `matmul of ${showType(a)} and ${showType(b)}`);
}

/** (table [...B, n, ...R], index i32 [...B, ...I]) -> [...B, ...I, ...R]; indices are clamped. */
export function gather(g: Graph, table: Node, index: Node, batch = 0): Node {
  return g.node('gather', [table, index], { batch });
}

/** Sums `update` [...B, ...I, ...R] into [...B, size, ...R] at `index` [...B, ...I]. */
export function scatterAdd(g: Graph, index: Node, update: Node, size: number, batch = 0): Node {
  return g.node('scatter_add', [index, update], { batch, indexRank: index.shape.length - batch, size });
}

/** The lists of indices by row, for a scatter_add of the same index (types.ts). */
export function rowsOf(g: Graph, index: Node, size: number, batch: number): Node {
  return g.node('rows_of', [index], { batch, size });
}

// ---- regions

/** Output `index` of a region operation. */
export function project(g: Graph, region: Node, index: number): Node {
  return g.node('project', [region], { index });
}

/** All outputs of a region operation, also when there is only one. */
export function projections(g: Graph, region: Node): Node[] {
  return region.outputs.map((_, index) => project(g, region, index));
}
