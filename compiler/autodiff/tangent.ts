// Tangents and cotangents: a node, or undefined for a zero that is known to be one and is never made into an array unless an operation has no other form.

import { add, full, mul, neg } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import type { ArrayType, Node } from '../ir/types.ts';
import { constantValue } from './mask.ts';

export type Tangent = Node | undefined;

export function plus(g: Graph, a: Tangent, b: Tangent): Tangent {
  if (a === undefined) return b;
  return b === undefined ? a : add(g, a, b);
}

export function negated(g: Graph, a: Tangent): Tangent {
  return a === undefined ? undefined : neg(g, a);
}

export function times(g: Graph, t: Tangent, factor: Node): Tangent {
  return t === undefined ? undefined : mul(g, t, factor);
}

/** The tangent as an array, zeros where it is a symbolic zero. */
export function materialize(g: Graph, t: Tangent, like: ArrayType): Node {
  return t ?? full(g, like.shape, 0, like.dtype);
}

/** A node known to be zero everywhere. */
export function isZero(node: Node): boolean {
  return constantValue(node) === 0;
}
