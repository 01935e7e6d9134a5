// Small questions about nodes that the rewrites and passes ask: is this one value everywhere, is this zero, which operation is it.

import type { Node, NodeOf, OpName } from './types.ts';

/** The scalar that a node repeats everywhere: the node itself when scalar, the operand of a broadcast of a scalar. */
export function uniformOf(node: Node): Node | undefined {
  if (node.shape.length === 0) return node;
  if (node.op !== 'broadcast') return undefined;
  const operand = node.args[0];
  return operand !== undefined && operand.shape.length === 0 ? operand : undefined;
}

/** The number that a node is everywhere, when it is a constant or a broadcast one. */
export function splatOf(node: Node): number | undefined {
  const scalar = uniformOf(node);
  return scalar?.op === 'const' ? scalar.attrs.value : undefined;
}

export function isSplat(node: Node, value: number): boolean {
  return splatOf(node) === value;
}

export function isZero(node: Node): boolean {
  return isSplat(node, 0);
}

function hasOp<P extends OpName>(node: NodeOf<OpName>, op: P): node is NodeOf<P> {
  return node.op === op;
}

/** The node, if it is of this operation. */
export function asOp<P extends OpName>(node: Node | undefined, op: P): NodeOf<P> | undefined {
  return node !== undefined && hasOp(node, op) ? node : undefined;
}

/** The operand of a node of this one-operand operation. */
export function under(node: Node | undefined, op: OpName): Node | undefined {
  return node?.op === op ? node.args[0] : undefined;
}
