// A function of numbers evaluated at arrays of numbers. What is elementwise is evaluated on the arrays as they are; anything else (a sum, a network) is traced once for one point and
// batched over the points.

import type { Context } from '../context.ts';
import { withoutAsserts } from '../context.ts';
import { batch } from '../../autodiff/batch.ts';
import * as b from '../../ir/build.ts';
import { reachable } from '../../ir/region.ts';
import type { Node, OpName } from '../../ir/types.ts';
import { sizeOf } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';

const NOT_ELEMENTWISE: ReadonlySet<OpName> = new Set<OpName>([
  'iota',
  'literal',
  'reshape',
  'transpose',
  'broadcast',
  'slice',
  'pad',
  'concat',
  'reverse',
  'roll',
  'reduce',
  'arg_reduce',
  'argsort',
  'cumsum',
  'dot',
  'gather',
  'scatter_add',
  'scan',
  'adjoint_scan',
  'while',
  'cond',
  'project',
]);

/** Whether results depend on parameters element by element only. */
export function dependsElementwise(results: readonly Node[], params: readonly Node[]): boolean {
  const depends = new Set<Node>(params);
  for (const n of reachable(results)) {
    if (!n.args.some((a) => depends.has(a))) continue;
    if (NOT_ELEMENTWISE.has(n.op)) return false;
    depends.add(n);
  }
  return true;
}

export function comprehendNodes(
  ctx: Context,
  nodes: readonly Node[],
  evaluate: (points: readonly Node[]) => Node,
  /** The function takes numbers only, no arrays of them. */
  numbersOnly = false,
): Node {
  const g = ctx.graph;
  const shape = nodes[0]?.shape ?? [];
  if (shape.length === 0) return evaluate(nodes);
  const params = nodes.map((n, i) => g.param(`p${i}`, { dtype: n.dtype, shape: [] }));
  const one = withoutAsserts(ctx, () => evaluate(params));
  const depends = new Set<Node>(params);
  let simple = true;
  for (const n of reachable([one])) {
    if (!n.args.some((a) => depends.has(a))) continue;
    depends.add(n);
    if (NOT_ELEMENTWISE.has(n.op)) simple = false;
  }
  if (!depends.has(one)) return b.broadcastTo(g, one, [...shape, ...one.shape]);
  if (simple && !numbersOnly && one.shape.length === 0) return evaluate(nodes);
  const count = sizeOf(shape);
  const mapping = new Map(params.map((p, i) => [p, b.reshape(g, at(nodes, i), [count])] as const));
  const [result] = batch(g, [one], mapping, count);
  return b.reshape(g, result ?? one, [...shape, ...one.shape]);
}
