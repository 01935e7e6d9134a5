// Movement kernels of the interpreter. Each is one or a few strided copies: per axis an extent, a stride in the source and a stride in the target.
// Axes that run on contiguously in both are merged beforehand, so that most copies become one or two loops.

import type { Kernel } from './evaluate_elementwise.ts';
import { operand } from './evaluate_elementwise.ts';
import type { Data } from './ndarray.ts';
import { stridesOf } from './ndarray.ts';
import type { NodeOf } from './types.ts';
import { sizeOf } from './types.ts';
import { at } from '../support/lists.ts';

export interface LoopAxis {
  readonly extent: number;
  readonly source: number;
  readonly target: number;
}

/** Without extents of 1, and with neighbours merged where the outer stride is the inner one times the inner extent, on both sides. */
export function mergeAxes(axes: readonly LoopAxis[]): LoopAxis[] {
  const merged: LoopAxis[] = [];
  for (const axis of axes) {
    if (axis.extent === 1) continue;
    const outer = merged[merged.length - 1];
    if (
      outer !== undefined &&
      outer.source === axis.source * axis.extent &&
      outer.target === axis.target * axis.extent
    )
      merged[merged.length - 1] = { ...axis, extent: outer.extent * axis.extent };
    else merged.push(axis);
  }
  return merged.length === 0 ? [{ extent: 1, source: 0, target: 0 }] : merged;
}

type Copy = (out: Data, source: Data) => void;

/** A copy along `axes` (outermost first) between these first elements. */
export function stridedCopy(axes: readonly LoopAxis[], sourceBase: number, targetBase: number): Copy {
  if (axes.some((a) => a.extent === 0)) return () => undefined;
  const merged = mergeAxes(axes);
  const inner = at(merged, merged.length - 1);
  const middle = merged[merged.length - 2] ?? { extent: 1, source: 0, target: 0 };
  const outer = merged.slice(0, -2);
  const plane = (out: Data, source: Data, s0: number, t0: number): void => {
    const { extent, source: ss, target: ts } = inner;
    for (let j = 0; j < middle.extent; j++) {
      let s = s0 + j * middle.source;
      let t = t0 + j * middle.target;
      for (let i = 0; i < extent; i++) {
        out[t] = source[s] ?? 0;
        s += ss;
        t += ts;
      }
    }
  };
  const walk = (out: Data, source: Data, depth: number, s: number, t: number): void => {
    const axis = outer[depth];
    if (axis === undefined) return plane(out, source, s, t);
    for (let i = 0; i < axis.extent; i++)
      walk(out, source, depth + 1, s + i * axis.source, t + i * axis.target);
  };
  return (out, source) => walk(out, source, 0, sourceBase, targetBase);
}

function gatherAxes(shape: readonly number[], sourceStrides: readonly number[]): LoopAxis[] {
  const target = stridesOf(shape);
  return shape.map((extent, i) => ({ extent, source: at(sourceStrides, i), target: at(target, i) }));
}

function fromOne(copy: Copy): Kernel {
  return (out, args) => copy(out, operand(args, 0));
}

const shapeOfFirst = (node: {
  readonly args: readonly { readonly shape: readonly number[] }[];
}): readonly number[] => at(node.args, 0).shape;

export function transposeKernel(node: NodeOf<'transpose'>): Kernel {
  const strides = stridesOf(shapeOfFirst(node));
  return fromOne(
    stridedCopy(
      gatherAxes(
        node.shape,
        node.attrs.perm.map((p) => at(strides, p)),
      ),
      0,
      0,
    ),
  );
}

export function broadcastKernel(node: NodeOf<'broadcast'>): Kernel {
  if (shapeOfFirst(node).length === 0)
    return (out, args) => {
      out.fill(operand(args, 0)[0] ?? 0);
    };
  const strides = stridesOf(shapeOfFirst(node));
  const source = node.shape.map((_, axis) => {
    const i = node.attrs.axes.indexOf(axis);
    return i < 0 ? 0 : at(strides, i);
  });
  return fromOne(stridedCopy(gatherAxes(node.shape, source), 0, 0));
}

export function sliceKernel(node: NodeOf<'slice'>): Kernel {
  const strides = stridesOf(shapeOfFirst(node));
  const { start, stride } = node.attrs;
  const base = start.reduce((sum, s, i) => sum + s * at(strides, i), 0);
  return fromOne(
    stridedCopy(
      gatherAxes(
        node.shape,
        strides.map((s, i) => s * at(stride, i)),
      ),
      base,
      0,
    ),
  );
}

export function padKernel(node: NodeOf<'pad'>): Kernel {
  const shape = shapeOfFirst(node);
  const source = stridesOf(shape);
  const target = stridesOf(node.shape);
  const { low, interior } = node.attrs;
  const base = low.reduce((sum, l, i) => sum + l * at(target, i), 0);
  const axes = shape.map((extent, i) => ({
    extent,
    source: at(source, i),
    target: at(target, i) * (at(interior, i) + 1),
  }));
  const copy = stridedCopy(axes, 0, base);
  return (out, args) => {
    out.fill(0);
    copy(out, operand(args, 0));
  };
}

export function concatKernel(node: NodeOf<'concat'>): Kernel {
  const target = stridesOf(node.shape);
  const step = at(target, node.attrs.axis);
  let offset = 0;
  const copies = node.args.map((part) => {
    const source = stridesOf(part.shape);
    const axes = part.shape.map((extent, i) => ({ extent, source: at(source, i), target: at(target, i) }));
    const copy = stridedCopy(axes, 0, offset * step);
    offset += at(part.shape, node.attrs.axis);
    return copy;
  });
  return (out, args) => copies.forEach((copy, i) => copy(out, operand(args, i)));
}

export function reverseKernel(node: NodeOf<'reverse'>): Kernel {
  const strides = stridesOf(node.shape);
  let base = 0;
  const source = strides.map((s, axis) => {
    if (!node.attrs.axes.includes(axis)) return s;
    base += (at(node.shape, axis) - 1) * s;
    return -s;
  });
  return fromOne(stridedCopy(gatherAxes(node.shape, source), sizeOf(node.shape) === 0 ? 0 : base, 0));
}

export function rollKernel(node: NodeOf<'roll'>): Kernel {
  const { axis, shift } = node.attrs;
  const n = at(node.shape, axis);
  if (n === 0) return () => undefined;
  const k = ((shift % n) + n) % n;
  const strides = stridesOf(node.shape);
  const part = (count: number): LoopAxis[] =>
    node.shape.map((extent, i) => ({
      extent: i === axis ? count : extent,
      source: at(strides, i),
      target: at(strides, i),
    }));
  const head = stridedCopy(part(n - k), k * at(strides, axis), 0);
  const tail = stridedCopy(part(k), 0, (n - k) * at(strides, axis));
  return (out, args) => {
    head(out, operand(args, 0));
    tail(out, operand(args, 0));
  };
}
