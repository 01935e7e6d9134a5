// Reverse mode, second half: from a program that is linear in some parameters and cotangents of its results to the cotangents of those parameters.
//
// What depends on the parameters is the linear program, everything else is a residual and shared with the primal program. Nodes are visited in descending
// order of their ids, and a node's cotangent is the sum of its users' contributions in that order: the same sum on every run.

import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import type { Graph } from '../ir/graph.ts';
import { reachable } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { sameShape, showType } from '../ir/types.ts';
import { activityOf } from './activity.ts';
import { applyTransposeRule } from './transpose_rules.ts';
import { transposeCond, transposeScan } from './transpose_regions.ts';
import { transposeTransposed } from './custom.ts';
import { transposeLinearSolve } from './linear_solve.ts';
import { NonlinearError } from './nonlinear.ts';
import type { Tangent } from './tangent.ts';
import { plus } from './tangent.ts';

/**
 * Cotangents of `params` for cotangents of `results`, which are linear in `params` (all float). Undefined is a zero. Throws InternalError when
 * an operation on the way is not linear.
 */
export function transposeLinear(
  g: Graph,
  results: readonly Node[],
  cotangents: readonly Tangent[],
  params: readonly Node[],
): Tangent[] {
  const sources = new Set(params);
  const activity = activityOf(results, sources);
  /** By node, for each of its outputs. */
  const sums = new Map<Node, Tangent[]>();
  const contribute = (node: Node, output: number, ct: Tangent): void => {
    if (ct === undefined || !activity.has(node)) return;
    const type = at(node.outputs, output);
    if (ct.dtype !== type.dtype || !sameShape(ct.shape, type.shape))
      throw new InternalError(
        'autodiff.transpose',
        `cotangent ${showType(ct)} of %${node.id} = ${node.op}: ${showType(type)}`,
      );
    let slots = sums.get(node);
    if (slots === undefined) {
      slots = node.outputs.map(() => undefined);
      sums.set(node, slots);
    }
    slots[output] = plus(g, slots[output], ct);
  };
  results.forEach((r, i) => contribute(r, 0, cotangents[i]));

  for (const node of reachable(results, sources).reverse()) {
    const slots = sums.get(node);
    if (slots === undefined || sources.has(node)) continue;
    if (node.op === 'project') {
      contribute(at(node.args, 0), node.attrs.index, slots[0]);
      continue;
    }
    const active = node.args.map((a) => activity.has(a));
    const given = g.withOrigin(node.origin, () => cotangentsOfOperands(g, node, slots, active));
    node.args.forEach((a, i) => {
      if (active[i] === true) contribute(a, 0, given[i]);
    });
  }
  return params.map((p) => sums.get(p)?.[0]);
}

function cotangentsOfOperands(
  g: Graph,
  node: Node,
  cts: readonly Tangent[],
  active: readonly boolean[],
): readonly Tangent[] {
  switch (node.op) {
    case 'scan':
      return transposeScan(g, node, cts, active, transposeLinear);
    case 'cond':
      return transposeCond(g, node, cts, active, transposeLinear);
    case 'transposed':
      return transposeTransposed(g, node, cts, active, transposeLinear);
    case 'linear_solve':
      return transposeLinearSolve(g, node, cts, active);
    case 'check':
      return cts;
    case 'adjoint_scan':
    case 'while':
    case 'custom':
      throw new NonlinearError(`${node.op} in a tangent program`, node.origin);
    case 'project':
      throw new InternalError('autodiff.transpose', 'projection of a projection');
    default: {
      const ct = cts[0];
      return ct === undefined ? [] : applyTransposeRule(g, node, ct, active);
    }
  }
}
