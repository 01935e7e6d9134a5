// Local rewrites applied when a node is made: constant folding, identities with 0 and 1, movement of movement, slice of concat and pad, outputs of
// regions that are known without running them.
//
// `rewriteNode` gives the simpler node, or undefined when the node stands as asked for. Every rule makes the expression smaller or moves it towards one
// normal form, so rewriting terminates:
//   broadcasts are outermost (an elementwise operation, slice, transpose … of broadcasts is the broadcast of one), slices are innermost (below concat,
//   pad, transpose), one value everywhere is `broadcast(const)`, the constant of a commutative operation comes second.
// Arithmetic is never reassociated. What is given up: the sign of zero, and NaN or infinity times 0 (0 is a symbolic zero here).

import { classOf } from './classes.ts';
import type { Graph } from './graph.ts';
import { foldConstants, literalRule } from './rewrite_constant.ts';
import { contractionRules } from './rewrite_contraction.ts';
import { elementwiseRules, hoistBroadcast } from './rewrite_elementwise.ts';
import { movementRules } from './rewrite_movement.ts';
import { projectRule } from './rewrite_project.ts';
import type { RewriteRule, RewriteRules } from './rewrite_rule.ts';
import type { ArrayType, Attributes, Node, OpName } from './types.ts';

const rules: RewriteRules = {
  literal: literalRule,
  ...elementwiseRules,
  ...movementRules,
  ...contractionRules,
  project: projectRule,
};

export function rewriteNode<P extends OpName>(
  g: Graph,
  op: P,
  args: readonly Node[],
  attrs: Attributes[P],
  outputs: readonly ArrayType[],
): Node | undefined {
  const type = outputs[0];
  if (type === undefined) return undefined;
  const folded = foldConstants(g, op, args, attrs, type);
  if (folded !== undefined) return folded;
  if (classOf(op) === 'elementwise') {
    const hoisted = hoistBroadcast(g, op, args, attrs, type);
    if (hoisted !== undefined) return hoisted;
  }
  const rule: RewriteRule<P> | undefined = rules[op];
  return rule?.(g, args, attrs, type);
}
