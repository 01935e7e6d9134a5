// How a computation reads the arrays it is made of, found by walking down from its result, without building any index. Used to decide what may be computed together and which loops
// run inside one kernel.
//
// A point of the iteration space of rank `lead` computes the elements of its result whose first `lead` indices are its own. The relation of such an element to the elements of
// another array that it needs is a set of bits; a smaller set claims less, so meeting a node in two ways leaves both visits to be judged.

import { at } from '../support/lists.ts';
import { classOf } from '../ir/classes.ts';
import type { Node } from '../ir/types.ts';
import { sameShape, sizeOf } from '../ir/types.ts';

/** The same flat index. */
export const SAME = 1;
/** The first `lead` indices are those of the point. */
export const LEAD = 2;
/** No index depends on the point. */
export const UNIFORM = 4;
/** Apart from the point's own, all indices are known when the kernel is written. */
export const CONSTANT = 8;
/** The index along the first axis is a step of a loop, the `lead` next ones are those of the point. Kept by few operations. */
export const STEP = 16;

/** Sums of at most this many terms are written out. */
export const CHAIN = 16;

const unit = (shape: readonly number[]): number[] => shape.filter((extent) => extent !== 1);

/** Whether operand `arg` of a node that is needed with relation `bits` is needed, and how. Not for regions and projections. */
export function operandBits(node: Node, arg: number, bits: number, lead: number): number {
  const a = at(node.args, arg);
  /** `stepped`: the axes after the first keep the indices that belong to the point. */
  const keepIf = (leading: boolean, same: boolean, constant = true, stepped = false): number =>
    bits &
    ((leading ? LEAD : 0) | (same ? SAME : 0) | UNIFORM | (constant ? CONSTANT : 0) | (stepped ? STEP : 0));
  /** Whether the axes 1 .. lead are untouched, given which axes are. */
  const stepAxes = (untouched: (axis: number) => boolean): boolean =>
    a.shape.length > lead && a.shape.slice(1, lead + 1).every((_, i) => untouched(i + 1));
  switch (node.op) {
    case 'reshape': {
      const kept = sameShape(a.shape.slice(0, lead), node.shape.slice(0, lead));
      // An array with an axis of one step in front.
      if ((bits & STEP) !== 0 && node.shape[0] === 1 && sameShape(a.shape, node.shape.slice(1)))
        return (bits & CONSTANT) | LEAD;
      return keepIf(kept, true, true, sameShape(a.shape.slice(0, lead + 1), node.shape.slice(0, lead + 1)));
    }
    case 'transpose': {
      const { perm } = node.attrs;
      const order = perm.filter((p) => a.shape[p] !== 1);
      const same = order.every((p, i) => i === 0 || p > at(order, i - 1));
      return keepIf(
        perm.slice(0, lead).every((p, i) => p === i),
        same,
      );
    }
    case 'broadcast': {
      const { axes } = node.attrs;
      const kept = axes.length >= lead && axes.slice(0, lead).every((axis, i) => axis === i);
      const isStep = (bits & STEP) !== 0;
      if (isStep) {
        const own = axes.slice(0, lead).every((axis, i) => axis === i + 1) && axes.length >= lead;
        const stepped = axes.slice(0, lead + 1).every((axis, i) => axis === i) && axes.length > lead;
        const outside = axes.every((axis) => axis === 0 || axis > lead);
        return (bits & CONSTANT) | (stepped ? STEP : own ? LEAD : outside ? UNIFORM : 0);
      }
      const free =
        (bits & LEAD) !== 0 && axes.every((axis) => axis >= lead || a.shape[axes.indexOf(axis)] === 1);
      return keepIf(kept, sizeOf(a.shape) === sizeOf(node.shape)) | (free ? UNIFORM : 0);
    }
    case 'slice': {
      const { start, stride } = node.attrs;
      const untouched = a.shape.map(
        (extent, i) => start[i] === 0 && stride[i] === 1 && node.shape[i] === extent,
      );
      return keepIf(
        untouched.slice(0, lead).every(Boolean),
        untouched.every(Boolean),
        true,
        stepAxes((axis) => untouched[axis] === true),
      );
    }
    case 'pad':
      return keepIf(
        sameShape(a.shape.slice(0, lead), node.shape.slice(0, lead)),
        sameShape(a.shape, node.shape),
        true,
        stepAxes((axis) => a.shape[axis] === node.shape[axis]),
      );
    case 'concat':
      return keepIf(
        node.attrs.axis >= lead,
        sameShape(unit(a.shape), unit(node.shape)),
        true,
        stepAxes((axis) => axis !== node.attrs.axis),
      );
    case 'reverse':
      return keepIf(
        node.attrs.axes.every((axis) => axis >= lead || a.shape[axis] === 1),
        node.attrs.axes.every((axis) => a.shape[axis] === 1),
        true,
        stepAxes((axis) => !node.attrs.axes.includes(axis)),
      );
    case 'roll':
      return keepIf(node.attrs.axis >= lead, a.shape[node.attrs.axis] === 1);
    case 'reduce': {
      const { axes } = node.attrs;
      const terms = sizeOf(axes.map((axis) => at(a.shape, axis)));
      return keepIf(
        axes.every((axis) => axis >= lead),
        terms === 1,
        terms <= CHAIN,
      );
    }
    case 'arg_reduce':
      return keepIf(node.attrs.axis >= lead, false, false);
    case 'argsort':
      return keepIf(lead < a.shape.length, false, false);
    case 'cumsum':
      return keepIf(node.attrs.axis >= lead, false, false);
    case 'dot': {
      const batch = a.shape.length - 2;
      const terms = arg === 0 ? at(a.shape, batch + 1) : at(a.shape, batch);
      const constant = terms <= CHAIN;
      if (lead <= batch) return keepIf(true, false, constant);
      // The rows are the last of the leading axes: `a` keeps them, `b` does not have them.
      if (arg === 0) return keepIf(lead === batch + 1, false, constant);
      return (
        keepIf(false, false, constant) | (batch === 0 && lead === 1 && (bits & LEAD) !== 0 ? UNIFORM : 0)
      );
    }
    case 'gather': {
      const { batch } = node.attrs;
      const index = at(node.args, 1);
      if (arg === 1) return keepIf(lead <= index.shape.length, sizeOf(index.shape) === sizeOf(node.shape));
      return keepIf(lead <= batch, false, false);
    }
    case 'scatter_add':
      return keepIf(arg < 2 && lead <= node.attrs.batch, false, false);
    case 'rows_of':
      return keepIf(false, false, false);
    default:
      return classOf(node.op) === 'elementwise' ? bits : 0;
  }
}

/**
 * Calls `onLeaf` for every leaf reached from the roots, once for every relation in which it is needed, and `onNode` for every other node, likewise. Operands of nodes on which
 * `onNode` gives false are not visited (regions and their projections are the caller's affair: it pushes what it wants visited).
 */
export function walkReads(
  roots: readonly (readonly [Node, number])[],
  lead: number,
  isLeaf: (node: Node) => boolean,
  onLeaf: (node: Node, bits: number) => void,
  onNode: (node: Node, bits: number, push: (node: Node, bits: number) => void) => boolean,
): void {
  const seen = new Map<Node, number[]>();
  const stack: [Node, number][] = [];
  const push = (node: Node, bits: number): void => {
    const known = seen.get(node);
    if (known?.includes(bits) === true) return;
    if (known === undefined) seen.set(node, [bits]);
    else known.push(bits);
    stack.push([node, bits]);
  };
  for (const [node, bits] of roots) push(node, bits);
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const [node, bits] = next;
    if (isLeaf(node)) {
      onLeaf(node, bits);
      continue;
    }
    if (!onNode(node, bits, push)) continue;
    for (let i = 0; i < node.args.length; i++) push(at(node.args, i), operandBits(node, i, bits, lead));
  }
}
