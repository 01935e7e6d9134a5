// Vectorisation: n evaluations of a function as one evaluation on arrays with a leading axis of n.
//
// What does not depend on a mapped node is computed once and stays without the axis; `[net(x) for x in xs]` becomes one matrix product a layer. A loop
// whose number of turns differs between elements runs until all have stopped, and those that have stopped stand still; a branch on a batched predicate
// runs both sides and chooses.

import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import type { Graph } from '../ir/graph.ts';
import { reachable } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { sameShape, showType } from '../ir/types.ts';
import { activityOf } from './activity.ts';
import { batchAdjointScan, batchCond, batchScan, batchWhile } from './batch_regions.ts';
import type { Batched } from './batch_rules.ts';
import { applyBatchRule, lift } from './batch_rules.ts';

/**
 * The outputs for n elements at once, each with a leading axis of n. `mapping`: nodes (mostly parameters) that differ between elements, with their values
 * [n, ...shape].
 */
export function batch(
  g: Graph,
  outputs: readonly Node[],
  mapping: ReadonlyMap<Node, Node>,
  n: number,
): Node[] {
  for (const [node, image] of mapping)
    if (image.dtype !== node.dtype || !sameShape(image.shape, [n, ...node.shape]))
      throw new InternalError('autodiff.batch', `${showType(image)} for ${n} of ${showType(node)}`);
  const images = vectorize(g, outputs, mapping, n);
  return outputs.map((y, i) => lift(g, y, images[i], n));
}

/** As `batch`, but an output that is the same for all elements is undefined. */
export function vectorize(
  g: Graph,
  results: readonly Node[],
  mapping: ReadonlyMap<Node, Node>,
  n: number,
): Batched[] {
  const differs = activityOf(results, mapping.keys(), [], 'value');
  /** By node, for each of its outputs. */
  const images = new Map<Node, readonly Batched[]>();
  for (const [node, image] of mapping) images.set(node, [image]);
  for (const node of reachable(results, mapping)) {
    if (mapping.has(node) || !differs.has(node)) continue;
    images.set(
      node,
      g.withOrigin(node.origin, () => batchNode(g, node, images, n)),
    );
  }
  return results.map((r) => images.get(r)?.[0]);
}

function batchNode(
  g: Graph,
  node: Node,
  images: ReadonlyMap<Node, readonly Batched[]>,
  n: number,
): readonly Batched[] {
  if (node.op === 'project') return [images.get(at(node.args, 0))?.[node.attrs.index]];
  const args = node.args.map((a) => images.get(a)?.[0]);
  switch (node.op) {
    case 'scan':
      return batchScan(g, node, args, n, vectorize);
    case 'adjoint_scan':
      return batchAdjointScan(g, node, args, n, vectorize);
    case 'while':
      return batchWhile(g, node, args, n, vectorize);
    case 'cond':
      return batchCond(g, node, args, n, vectorize);
    default:
      return [applyBatchRule(g, node, args, n)];
  }
}
