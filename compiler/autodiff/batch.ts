// Vectorisation: n evaluations of a function as one evaluation on arrays with a leading axis of n.
//
// What does not depend on a mapped node is computed once and stays without the axis; `[net(x) for x in xs]` becomes one matrix product a layer. A loop
// whose number of turns differs between elements runs until all have stopped, and those that have stopped stand still; a branch on a batched predicate
// runs both sides and chooses.
//
// Every node has an image: itself where nothing mapped is behind it, an array with the batch axis where its value differs between elements, and, behind a loop
// of which only some outputs differ, a node without the axis that reads the batched loop.

import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import type { Graph } from '../ir/graph.ts';
import { reachable, rebuild } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { sameShape, showType } from '../ir/types.ts';
import { activityOf } from './activity.ts';
import { batchAdjointScan, batchCond, batchScan, batchWhile } from './batch_regions.ts';
import { batchCustom, batchTransposed } from './custom.ts';
import { batchLinearSolve } from './linear_solve.ts';
import { batchCheck } from './checks.ts';
import type { Image } from './batch_rules.ts';
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
  return vectorize(g, outputs, mapping, n).map((image) => lift(g, image, n));
}

/** The images of the results; those that are the same for all elements have no batch axis. */
export function vectorize(
  g: Graph,
  results: readonly Node[],
  mapping: ReadonlyMap<Node, Node>,
  n: number,
): Image[] {
  const differs = activityOf(results, mapping.keys(), [], 'value');
  /** By node, for each of its outputs; absent where a node is its own image. */
  const images = new Map<Node, readonly Image[]>();
  for (const [node, value] of mapping) images.set(node, [{ value, batched: true }]);
  const imageOf = (node: Node): Image => images.get(node)?.[0] ?? { value: node, batched: false };
  for (const node of reachable(results, mapping)) {
    if (mapping.has(node)) continue;
    if (node.op === 'project') {
      const outputs = images.get(at(node.args, 0));
      if (outputs !== undefined) images.set(node, [at(outputs, node.attrs.index)]);
    } else if (differs.has(node) || node.args.some((a) => imageOf(a).batched)) {
      const args = node.args.map(imageOf);
      images.set(
        node,
        g.withOrigin(node.origin, () => imagesOf(g, node, args, n)),
      );
    } else if (node.args.some((a) => images.has(a))) {
      const value = rebuild(
        g,
        node,
        node.args.map((a) => imageOf(a).value),
      );
      const same = node.outputs.map((_, k): Image => ({ value: output(g, value, k), batched: false }));
      images.set(node, same);
    }
  }
  return results.map(imageOf);
}

function output(g: Graph, node: Node, index: number): Node {
  switch (node.op) {
    case 'scan':
    case 'adjoint_scan':
    case 'while':
    case 'cond':
    case 'custom':
    case 'transposed':
    case 'linear_solve':
    case 'check':
      return g.node('project', [node], { index });
    default:
      return node;
  }
}

function imagesOf(g: Graph, node: Node, args: readonly Image[], n: number): readonly Image[] {
  switch (node.op) {
    case 'scan':
      return batchScan(g, node, args, n, vectorize);
    case 'adjoint_scan':
      return batchAdjointScan(g, node, args, n, vectorize);
    case 'while':
      return batchWhile(g, node, args, n, vectorize);
    case 'cond':
      return batchCond(g, node, args, n, vectorize);
    case 'custom':
      return batchCustom(g, node, args, n, vectorize);
    case 'transposed':
      return batchTransposed(g, node, args, n, vectorize);
    case 'linear_solve':
      return batchLinearSolve(g, node, args, n, vectorize);
    case 'check':
      return batchCheck(g, node, args, n);
    case 'project':
      throw new InternalError('autodiff.batch', 'projection of a projection');
    default:
      return [{ value: applyBatchRule(g, node, args, n), batched: true }];
  }
}
