// The type of a local rewrite and of a table of them.

import type { Graph } from './graph.ts';
import type { ArrayType, Attributes, Node, OpName } from './types.ts';

/** Gives the simpler node, or undefined when the node stands as asked for. `type` is the type of its (first) output. */
export type RewriteRule<P extends OpName> = (
  g: Graph,
  args: readonly Node[],
  attrs: Attributes[P],
  type: ArrayType,
) => Node | undefined;

export type RewriteRules = { readonly [P in OpName]?: RewriteRule<P> };
