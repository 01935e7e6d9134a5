// Rewrites of movement: an operation that moves nothing vanishes, two of a kind become one, what is one value everywhere is a broadcast scalar, slices
// move towards the leaves (below concat, pad, transpose, broadcast), broadcasts outwards.

import { at, range } from '../support/lists.ts';
import { broadcastAxes, concat, full, pad, reshape, reverse, roll, slice, transposePerm } from './build.ts';
import type { Graph } from './graph.ts';
import { asOp, isZero, uniformOf } from './pattern.ts';
import type { RewriteRule, RewriteRules } from './rewrite_rule.ts';
import type { ArrayType, Attributes, Node, NodeOf } from './types.ts';
import { sameShape, sizeOf } from './types.ts';

/** One scalar everywhere stays that, in the new shape. */
function uniform(g: Graph, x: Node, type: ArrayType): Node | undefined {
  if (x.shape.length === 0) return undefined;
  const scalar = uniformOf(x);
  return scalar === undefined ? undefined : spread(g, scalar, type.shape);
}

function spread(g: Graph, scalar: Node, shape: readonly number[]): Node {
  return shape.length === 0 ? scalar : broadcastAxes(g, scalar, shape, []);
}

const zeros = (g: Graph, type: ArrayType): Node => full(g, type.shape, 0, type.dtype);

const reshapeRule: RewriteRule<'reshape'> = (g, args, { shape }, type) => {
  const x = at(args, 0);
  if (sameShape(x.shape, shape)) return x;
  if (x.op === 'reshape') return reshape(g, at(x.args, 0), shape);
  if (x.op === 'literal') return g.literal(x.attrs.data, shape, x.dtype);
  if (x.shape.length === 0) return broadcastAxes(g, x, shape, []);
  return uniform(g, x, type);
};

const transposeRule: RewriteRule<'transpose'> = (g, args, { perm }, type) => {
  const x = at(args, 0);
  if (perm.every((p, i) => p === i)) return x;
  const same = uniform(g, x, type);
  if (same !== undefined) return same;
  if (x.op === 'transpose')
    return transposePerm(
      g,
      at(x.args, 0),
      perm.map((p) => at(x.attrs.perm, p)),
    );
  if (x.op === 'broadcast') {
    // Operand axis i of the broadcast lands on result axis landing[i]; sorted, these are the axes of the broadcast of the transposed operand.
    const landing = x.attrs.axes.map((axis) => perm.indexOf(axis));
    const order = range(landing.length).sort((i, j) => at(landing, i) - at(landing, j));
    const inner = transposePerm(g, at(x.args, 0), order);
    return broadcastAxes(
      g,
      inner,
      type.shape,
      order.map((i) => at(landing, i)),
    );
  }
  return undefined;
};

const broadcastRule: RewriteRule<'broadcast'> = (g, args, { shape, axes }) => {
  const x = at(args, 0);
  if (sameShape(x.shape, shape)) return x;
  if (x.op !== 'broadcast') return undefined;
  return broadcastAxes(
    g,
    at(x.args, 0),
    shape,
    x.attrs.axes.map((axis) => at(axes, axis)),
  );
};

// ---- slice

type Slice = Attributes['slice'];

function sliceOfConcat(g: Graph, x: NodeOf<'concat'>, s: Slice): Node | undefined {
  const { axis } = x.attrs;
  const [start, limit, stride] = [at(s.start, axis), at(s.limit, axis), at(s.stride, axis)];
  const last = start + Math.floor((limit - 1 - start) / stride) * stride;
  const parts: Node[] = [];
  let offset = 0;
  let touched = 0;
  for (const part of x.args) {
    const extent = at(part.shape, axis);
    const from = Math.max(start - offset, 0);
    const to = Math.min(last + 1 - offset, extent);
    if (from < to) {
      touched++;
      const set = (list: readonly number[], value: number): number[] =>
        list.map((v, i) => (i === axis ? value : v));
      parts.push(slice(g, part, set(s.start, from), set(s.limit, to), s.stride));
    }
    offset += extent;
  }
  if (touched === 0 || (touched > 1 && stride > 1)) return undefined;
  return concat(g, parts, axis);
}

interface AxisCut {
  /** Slice of the operand. */
  readonly start: number;
  readonly limit: number;
  readonly stride: number;
  /** Padding around it. */
  readonly low: number;
  readonly high: number;
}

/** A slice of a padded axis as padding of a slice; 'zeros' when it sees no element, undefined when it has no such form. */
function cutPaddedAxis(
  extent: number,
  padding: { readonly low: number; readonly interior: number },
  cut: { readonly start: number; readonly limit: number; readonly stride: number },
): AxisCut | 'zeros' | undefined {
  const { low, interior } = padding;
  const { start, limit, stride } = cut;
  const count = Math.ceil((limit - start) / stride);
  if (count === 0 || extent === 0) return 'zeros';
  const last = start + (count - 1) * stride;
  const end = low + (extent - 1) * (interior + 1);
  if (last < low || start > end) return 'zeros';
  if (interior === 0 && stride === 1) {
    const from = Math.max(0, start - low);
    const to = Math.min(extent, limit - low);
    return {
      start: from,
      limit: to,
      stride: 1,
      low: Math.max(0, low - start),
      high: Math.max(0, limit - low - extent),
    };
  }
  if (interior === 0)
    return start >= low && last <= end
      ? { start: start - low, limit: last - low + 1, stride, low: 0, high: 0 }
      : undefined;
  if (interior + 1 !== stride) return undefined;
  if ((start - low) % stride !== 0) return 'zeros';
  const first = (start - low) / stride;
  const from = Math.max(0, first);
  const to = Math.min(extent, first + count);
  return {
    start: from,
    limit: to,
    stride: 1,
    low: Math.max(0, -first),
    high: Math.max(0, first + count - extent),
  };
}

function sliceOfPad(g: Graph, x: NodeOf<'pad'>, s: Slice, type: ArrayType): Node | undefined {
  const inner = at(x.args, 0);
  const cuts: AxisCut[] = [];
  let known = true;
  for (const [axis, extent] of inner.shape.entries()) {
    const cut = cutPaddedAxis(
      extent,
      { low: at(x.attrs.low, axis), interior: at(x.attrs.interior, axis) },
      { start: at(s.start, axis), limit: at(s.limit, axis), stride: at(s.stride, axis) },
    );
    if (cut === 'zeros') return zeros(g, type);
    if (cut === undefined) known = false;
    else cuts.push(cut);
  }
  if (!known) return undefined;
  const core = slice(
    g,
    inner,
    cuts.map((c) => c.start),
    cuts.map((c) => c.limit),
    cuts.map((c) => c.stride),
  );
  return pad(
    g,
    core,
    cuts.map((c) => c.low),
    cuts.map((c) => c.high),
  );
}

function sliceOfBroadcast(g: Graph, x: NodeOf<'broadcast'>, s: Slice, type: ArrayType): Node {
  const { axes } = x.attrs;
  const pick = (list: readonly number[]): number[] => axes.map((axis) => at(list, axis));
  return broadcastAxes(
    g,
    slice(g, at(x.args, 0), pick(s.start), pick(s.limit), pick(s.stride)),
    type.shape,
    axes,
  );
}

const sliceRule: RewriteRule<'slice'> = (g, args, s, type) => {
  const x = at(args, 0);
  if (sameShape(x.shape, type.shape)) return x;
  const same = uniform(g, x, type);
  if (same !== undefined) return same;
  if (sizeOf(type.shape) === 0) return zeros(g, type);
  // One normal form of the numbers: the limit is just behind the last element, an axis of one element has stride 1.
  const limit = s.start.map((from, i) => from + (at(type.shape, i) - 1) * at(s.stride, i) + 1);
  const stride = s.stride.map((d, i) => (type.shape[i] === 1 ? 1 : d));
  if (!sameShape(limit, s.limit) || !sameShape(stride, s.stride)) return slice(g, x, s.start, limit, stride);
  switch (x.op) {
    case 'slice': {
      const inner = x.attrs;
      const from = inner.start.map((i, axis) => i + at(s.start, axis) * at(inner.stride, axis));
      const step = inner.stride.map((d, axis) => d * at(s.stride, axis));
      const to = from.map((i, axis) => i + (at(type.shape, axis) - 1) * at(step, axis) + 1);
      return slice(g, at(x.args, 0), from, to, step);
    }
    case 'concat':
      return sliceOfConcat(g, x, s);
    case 'pad':
      return sliceOfPad(g, x, s, type);
    case 'broadcast':
      return sliceOfBroadcast(g, x, s, type);
    case 'transpose': {
      const back = (list: readonly number[]): number[] =>
        x.attrs.perm.map((_, axis) => at(list, x.attrs.perm.indexOf(axis)));
      return transposePerm(
        g,
        slice(g, at(x.args, 0), back(s.start), back(s.limit), back(s.stride)),
        x.attrs.perm,
      );
    }
    case 'roll': {
      // The part that does not wrap around is a slice of the operand.
      const { axis, shift } = x.attrs;
      const n = at(x.shape, axis);
      const from = at(s.start, axis) + shift;
      const to = at(s.limit, axis) + shift;
      const wrapped = from >= n ? n : 0;
      if (from < n && to > n) return undefined;
      const move = (list: readonly number[], value: number): number[] =>
        list.map((v, i) => (i === axis ? value - wrapped : v));
      return slice(g, at(x.args, 0), move(s.start, from), move(s.limit, to), s.stride);
    }
    default:
      return undefined;
  }
};

// ---- pad, concat

const padRule: RewriteRule<'pad'> = (g, args, p, type) => {
  const x = at(args, 0);
  if (sameShape(x.shape, type.shape)) return x;
  if (isZero(x) || sizeOf(x.shape) === 0) return zeros(g, type);
  const interior = p.interior.map((n, axis) => (at(x.shape, axis) <= 1 ? 0 : n));
  if (!sameShape(interior, p.interior)) return pad(g, x, p.low, p.high, interior);
  if (x.op !== 'pad' || interior.some((n) => n > 0)) return undefined;
  const sum = (a: readonly number[], b: readonly number[]): number[] => a.map((v, i) => v + at(b, i));
  return pad(g, at(x.args, 0), sum(p.low, x.attrs.low), sum(p.high, x.attrs.high), x.attrs.interior);
};

/** Two neighbours that are adjacent parts of one array along `axis`, and whole in common otherwise: the part that covers both. */
function joined(g: Graph, a: Node, b: Node, axis: number): Node | undefined {
  const [left, right] = [asOp(a, 'slice'), asOp(b, 'slice')];
  const source = left?.args[0];
  if (left === undefined || right === undefined || source === undefined || right.args[0] !== source)
    return undefined;
  const fits = source.shape.every((_, i) => {
    const [l, r] = [left.attrs, right.attrs];
    return i === axis
      ? l.stride[i] === 1 && r.stride[i] === 1 && l.limit[i] === r.start[i]
      : l.start[i] === r.start[i] && l.limit[i] === r.limit[i] && l.stride[i] === r.stride[i];
  });
  if (!fits) return undefined;
  const limit = left.attrs.limit.map((l, i) => (i === axis ? at(right.attrs.limit, i) : l));
  return slice(g, source, left.attrs.start, limit, left.attrs.stride);
}

const concatRule: RewriteRule<'concat'> = (g, args, { axis }, type) => {
  const parts: Node[] = [];
  for (const arg of args.flatMap((a) => (a.op === 'concat' && a.attrs.axis === axis ? a.args : [a]))) {
    if (arg.shape[axis] === 0) continue;
    const before = parts[parts.length - 1];
    const both = before === undefined ? undefined : joined(g, before, arg, axis);
    if (both === undefined) parts.push(arg);
    else parts[parts.length - 1] = both;
  }
  const first = parts[0];
  if (first === undefined) return zeros(g, type);
  if (parts.length === 1) return first;
  const scalar = first.shape.length > 0 ? uniformOf(first) : undefined;
  if (scalar !== undefined && parts.every((p) => uniformOf(p) === scalar))
    return spread(g, scalar, type.shape);
  return parts.length < args.length || parts.some((p, i) => p !== args[i])
    ? concat(g, parts, axis)
    : undefined;
};

// ---- reverse, roll

const reverseRule: RewriteRule<'reverse'> = (g, args, { axes }, type) => {
  const x = at(args, 0);
  const moving = range(x.shape.length).filter((i) => axes.includes(i) && at(x.shape, i) > 1);
  if (moving.length === 0) return x;
  if (!sameShape(moving, axes)) return reverse(g, x, moving);
  const same = uniform(g, x, type);
  if (same !== undefined) return same;
  if (x.op === 'reverse') {
    const other = x.attrs.axes;
    const once = [...moving.filter((i) => !other.includes(i)), ...other.filter((i) => !moving.includes(i))];
    return reverse(g, at(x.args, 0), once);
  }
  if (x.op === 'broadcast') {
    const inner = range(x.attrs.axes.length).filter((i) => moving.includes(at(x.attrs.axes, i)));
    return broadcastAxes(g, reverse(g, at(x.args, 0), inner), type.shape, x.attrs.axes);
  }
  return undefined;
};

const rollRule: RewriteRule<'roll'> = (g, args, { axis, shift }, type) => {
  const x = at(args, 0);
  const n = at(x.shape, axis);
  const least = n === 0 ? 0 : ((shift % n) + n) % n;
  if (least === 0) return x;
  if (least !== shift) return roll(g, x, axis, least);
  const same = uniform(g, x, type);
  if (same !== undefined) return same;
  if (x.op === 'roll') {
    const inner = at(x.args, 0);
    if (x.attrs.axis === axis) return roll(g, inner, axis, x.attrs.shift + shift);
    // Rolls of different axes commute: the higher axis is the outer one.
    return x.attrs.axis > axis
      ? roll(g, roll(g, inner, axis, shift), x.attrs.axis, x.attrs.shift)
      : undefined;
  }
  if (x.op === 'broadcast') {
    const inner = x.attrs.axes.indexOf(axis);
    if (inner < 0) return x;
    return broadcastAxes(g, roll(g, at(x.args, 0), inner, shift), type.shape, x.attrs.axes);
  }
  return undefined;
};

export const movementRules: RewriteRules = {
  reshape: reshapeRule,
  transpose: transposeRule,
  broadcast: broadcastRule,
  slice: sliceRule,
  pad: padRule,
  concat: concatRule,
  reverse: reverseRule,
  roll: rollRule,
};
