// Derivatives of `linear_solve`, the solution x of A x = b: x' = A⁻¹ (b' - A' x) and b̄ = A⁻ᵀ x̄, each a `linear_solve` again, so that solves differentiate to every
// order and nothing of the solver's iteration is ever differentiated or stored (after Blondel et al. 2022; Griewank & Walther 2008, ch. 15).
//
// Captured values matter through the operator alone; what only the solver uses (a first guess, a factorisation, a preconditioner) has no derivative.

import { at } from '../support/lists.ts';
import { neg, projections, sub } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import { inlineRegion } from '../ir/region.ts';
import type { LinearSolveAttributes, Node, NodeOf, Region } from '../ir/types.ts';
import { regionActivity } from './activity.ts';
import type { Image } from './batch_rules.ts';
import { lift } from './batch_rules.ts';
import { batchRegion } from './custom.ts';
import type { RegionContext } from './jvp_regions.ts';
import { NonlinearError } from './nonlinear.ts';
import type { Tangent } from './tangent.ts';
import { materialize } from './tangent.ts';

type Vectorizer = (
  g: Graph,
  results: readonly Node[],
  mapping: ReadonlyMap<Node, Node>,
  n: number,
) => Image[];

export function pushLinearSolve(
  c: RegionContext,
  node: NodeOf<'linear_solve'>,
  t: readonly Tangent[],
): Tangent[] {
  const { g } = c;
  const { unknowns, operator } = node.attrs;
  const captured = node.args.slice(unknowns);
  const solution = projections(g, node);
  let right: readonly Tangent[] = t.slice(0, unknowns);
  const seeds = operator.params
    .slice(unknowns)
    .flatMap((p, i): [Node, Node][] => (t[unknowns + i] === undefined ? [] : [[p, g.param(`d_c${i}`, p)]]));
  if (seeds.length > 0) {
    const pushed = c.push(operator.results, new Map(seeds));
    const there = pushed.flatMap((p, i) => (p === undefined ? [] : [i]));
    const region: Region = {
      params: [...operator.params, ...seeds.map(([, d]) => d)],
      results: pushed.filter((p) => p !== undefined),
    };
    const moved = inlineRegion(g, region, [
      ...solution,
      ...captured,
      ...t.slice(unknowns).filter((d) => d !== undefined),
    ]);
    right = right.map((b, i): Tangent => {
      const place = there.indexOf(i);
      if (place < 0) return b;
      const change = at(moved, place);
      return b === undefined ? neg(g, change) : sub(g, b, change);
    });
  }
  if (right.every((b) => b === undefined)) return [];
  const operands = right.map((b, i) => materialize(g, b, at(node.args, i)));
  return projections(g, g.node('linear_solve', [...operands, ...captured], node.attrs));
}

/** The same system transposed. */
export function adjointSystem(s: LinearSolveAttributes): LinearSolveAttributes {
  return {
    unknowns: s.unknowns,
    operator: s.adjoint,
    adjoint: s.operator,
    solve: s.adjointSolve,
    adjointSolve: s.solve,
  };
}

export function transposeLinearSolve(
  g: Graph,
  node: NodeOf<'linear_solve'>,
  cts: readonly Tangent[],
  active: readonly boolean[],
): Tangent[] {
  const { unknowns, operator } = node.attrs;
  const moved = [...node.outputs.map(() => false), ...active.slice(unknowns)];
  if (regionActivity(operator, moved).some((a) => a))
    throw new NonlinearError('a linear solve is not linear in its operator', node.origin);
  const given = node.outputs.map((type, i) => materialize(g, cts[i], type));
  return projections(
    g,
    g.node('linear_solve', [...given, ...node.args.slice(unknowns)], adjointSystem(node.attrs)),
  );
}

/** n systems at once: operators and solvers run on all of them, a solver until the last has converged. */
export function batchLinearSolve(
  g: Graph,
  node: NodeOf<'linear_solve'>,
  args: readonly Image[],
  n: number,
  vectorize: Vectorizer,
): Image[] {
  const { unknowns, operator, adjoint, solve, adjointSolve } = node.attrs;
  const flags = args.map((a, i) => i < unknowns || a.batched);
  const batched = (region: Region): Region => {
    const { params, images } = batchRegion(g, region, flags, n, vectorize);
    return { params, results: images.map((x) => lift(g, x, n)) };
  };
  const made = g.node(
    'linear_solve',
    args.map((a, i) => (i < unknowns ? lift(g, a, n) : a.value)),
    {
      unknowns,
      operator: batched(operator),
      adjoint: batched(adjoint),
      solve: batched(solve),
      adjointSolve: batched(adjointSolve),
    },
  );
  return projections(g, made).map((value): Image => ({ value, batched: true }));
}
