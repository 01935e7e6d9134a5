// Rewrites of reductions, running sums, products and indexing: over axes of one element, over repeated axes, of padding, of zeros.

import { at, range } from '../support/lists.ts';
import { binary, broadcastAxes, full, reduce, reshape, sliceAxis, transposePerm } from './build.ts';
import type { Graph } from './graph.ts';
import { isZero, splatOf, uniformOf } from './pattern.ts';
import { sumOfPicked } from './rewrite_places.ts';
import type { RewriteRule, RewriteRules } from './rewrite_rule.ts';
import type { ArrayType, Node, NodeOf, ReduceKind } from './types.ts';
import { isFloat, sameShape, sizeOf } from './types.ts';

const zeros = (g: Graph, type: ArrayType): Node => full(g, type.shape, 0, type.dtype);

/** The largest count that both float types hold exactly. */
const EXACT_COUNT = 2 ** 24;

/** Reduction of a broadcast: the repeated axes count (sum) or do nothing, the others are reduced in the operand. */
function reduceBroadcast(
  g: Graph,
  kind: ReduceKind,
  x: NodeOf<'broadcast'>,
  axes: readonly number[],
  type: ArrayType,
): Node | undefined {
  const inner = at(x.args, 0);
  const repeated = axes.filter((axis) => !x.attrs.axes.includes(axis));
  const count = sizeOf(repeated.map((axis) => at(x.shape, axis)));
  if (repeated.length === 0 || count === 0 || count > EXACT_COUNT || kind === 'prod') return undefined;
  const innerAxes = range(inner.shape.length).filter((i) => axes.includes(at(x.attrs.axes, i)));
  const rest = reduce(g, kind, inner, innerAxes);
  const value = kind === 'sum' && count > 1 ? binary(g, 'mul', rest, count) : rest;
  const kept = range(x.shape.length).filter((axis) => !axes.includes(axis));
  const landing = x.attrs.axes.filter((axis) => !axes.includes(axis)).map((axis) => kept.indexOf(axis));
  return broadcastAxes(g, value, type.shape, landing);
}

const reduceRule: RewriteRule<'reduce'> = (g, args, { kind, axes }, type) => {
  const x = at(args, 0);
  if (axes.length === 0) return x;
  const sorted = [...axes].sort((a, b) => a - b);
  if (!sameShape(sorted, axes)) return reduce(g, kind, x, sorted);
  const units = axes.filter((axis) => x.shape[axis] === 1);
  if (units.length > 0) {
    const kept = range(x.shape.length).filter((axis) => !units.includes(axis));
    const core = reshape(
      g,
      x,
      kept.map((axis) => at(x.shape, axis)),
    );
    return reduce(
      g,
      kind,
      core,
      axes.filter((axis) => !units.includes(axis)).map((axis) => kept.indexOf(axis)),
    );
  }
  // The derivative of max and min belongs to the first of equal elements: what reorders elements would move it.
  const ordered = (kind === 'max' || kind === 'min') && isFloat(x.dtype);
  if (sizeOf(x.shape) === 0) return kind === 'sum' || kind === 'any' ? zeros(g, type) : undefined;
  switch (x.op) {
    case 'select':
      return kind === 'sum' ? sumOfPicked(g, x, axes) : undefined;
    case 'broadcast':
      return reduceBroadcast(g, kind, x, axes, type);
    case 'reduce': {
      if (x.attrs.kind !== kind || ordered) return undefined;
      const inner = at(x.args, 0);
      const kept = range(inner.shape.length).filter((axis) => !x.attrs.axes.includes(axis));
      return reduce(g, kind, inner, [...x.attrs.axes, ...axes.map((axis) => at(kept, axis))]);
    }
    case 'pad': {
      const inner = at(x.args, 0);
      const padded = range(inner.shape.length).filter((axis) => inner.shape[axis] !== x.shape[axis]);
      return kind === 'sum' && padded.every((axis) => axes.includes(axis))
        ? reduce(g, kind, inner, axes)
        : undefined;
    }
    case 'transpose': {
      if (ordered) return undefined;
      const { perm } = x.attrs;
      const inner = at(x.args, 0);
      const innerAxes = axes.map((axis) => at(perm, axis));
      // Result axes in the order of the transposed array, as positions in the operand's order.
      const kept = perm.filter((p) => !innerAxes.includes(p));
      const order = [...kept].sort((a, b) => a - b);
      return transposePerm(
        g,
        reduce(g, kind, inner, innerAxes),
        kept.map((p) => order.indexOf(p)),
      );
    }
    case 'reverse':
    case 'roll': {
      const moved = x.op === 'roll' ? [x.attrs.axis] : x.attrs.axes;
      return !ordered && moved.every((axis) => axes.includes(axis))
        ? reduce(g, kind, at(x.args, 0), axes)
        : undefined;
    }
    default:
      return undefined;
  }
};

/** The axis along which an index counts 0, 1, 2, …, and what is added to it. */
function countsAlong(index: Node): { readonly axis: number; readonly shift: number } | undefined {
  if (index.op === 'iota') return { axis: index.attrs.axis, shift: 0 };
  if (index.op !== 'add') return undefined;
  const counter = index.args.find((a) => a.op === 'iota');
  const other = index.args.find((a) => a !== counter);
  const shift = other === undefined ? undefined : splatOf(other);
  return counter?.op === 'iota' && shift !== undefined ? { axis: counter.attrs.axis, shift } : undefined;
}

/** Elements at places that count up are a slice, repeated along the other axes of the index. */
function gatherInOrder(g: Graph, table: Node, index: Node, batch: number, type: ArrayType): Node | undefined {
  const counts = countsAlong(index);
  if (counts === undefined || counts.axis < batch) return undefined;
  const { axis, shift } = counts;
  const extent = at(index.shape, axis);
  if (shift < 0 || shift + extent > at(table.shape, batch)) return undefined;
  const part = sliceAxis(g, table, batch, shift, shift + extent);
  const behind = index.shape.length - batch - 1;
  const places = range(table.shape.length).map((a) => (a < batch ? a : a === batch ? axis : a + behind));
  return broadcastAxes(g, part, type.shape, places);
}

export const contractionRules: RewriteRules = {
  reduce: reduceRule,
  arg_reduce: (g, args, { axis }, type) => {
    const x = at(args, 0);
    return at(x.shape, axis) === 1 || (uniformOf(x) !== undefined && !isFloat(x.dtype))
      ? zeros(g, type)
      : undefined;
  },
  argsort: (g, args, _attrs, type) => {
    const x = at(args, 0);
    if (at(x.shape, x.shape.length - 1) === 1) return zeros(g, type);
    return uniformOf(x) === undefined ? undefined : g.iota(type.shape, type.shape.length - 1, 'i32');
  },
  cumsum: (_g, args, { axis }) => {
    const x = at(args, 0);
    return at(x.shape, axis) <= 1 || isZero(x) ? x : undefined;
  },
  dot: (g, args, _attrs, type) => {
    const [a, b] = [at(args, 0), at(args, 1)];
    const k = at(a.shape, a.shape.length - 1);
    return k === 0 || isZero(a) || isZero(b) ? zeros(g, type) : undefined;
  },
  gather: (g, args, { batch }, type) => {
    const table = at(args, 0);
    const inOrder = gatherInOrder(g, table, at(args, 1), batch, type);
    if (inOrder !== undefined) return inOrder;
    const scalar = table.shape.length > 0 && sizeOf(table.shape) > 0 ? uniformOf(table) : undefined;
    if (scalar === undefined) return undefined;
    return type.shape.length === 0 ? scalar : broadcastAxes(g, scalar, type.shape, []);
  },
  rows_of: () => undefined,
  scatter_add: (g, args, _attrs, type) => {
    const update = at(args, 1);
    return sizeOf(update.shape) === 0 || splatOf(update) === 0 ? zeros(g, type) : undefined;
  },
};
