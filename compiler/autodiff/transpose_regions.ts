// The transpose of a linear loop or branch.
//
// A tangent scan (jvp_regions.ts) carries primal states and tangents; the tangents' part is linear, given the states. Its transpose runs backwards
// (reverse_sweep.ts) and carries cotangents: of the tangent carries, and a sum for each linear constant. Cotangents of linear xs are stacked, and so are those
// of constants read element by element (indexed_sums.ts). Carries whose cotangent is zero throughout do not exist.
// The transpose of a branch is a branch.

import { InternalError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import { snapshotPositions } from '../support/revolve.ts';
import { Dependence } from '../ir/dependence.ts';
import { concat, full, indexAxis, projections, reverse, scatterAdd, sliceAxis } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import { reachable } from '../ir/region.ts';
import type { Node, NodeOf, Region } from '../ir/types.ts';
import { activityOf, scanActivity } from './activity.ts';
import { indexOutside, splitIndexedTerms, sumIndexedTerms } from './indexed_sums.ts';
import type { ScanParts } from './loops.ts';
import { pick, positions, scanParts } from './loops.ts';
import { accumulator, reverseSweep } from './reverse_sweep.ts';
import type { Tangent } from './tangent.ts';
import { isZero, materialize, plus } from './tangent.ts';

type Transposer = (
  g: Graph,
  results: readonly Node[],
  cotangents: readonly Tangent[],
  params: readonly Node[],
) => Tangent[];

export function transposeScan(
  g: Graph,
  node: NodeOf<'scan'>,
  cts: readonly Tangent[],
  active: readonly boolean[],
  transpose: Transposer,
): Tangent[] {
  const s = scanParts(node);
  const { carries: C, xs: X, length } = node.attrs;
  const { carries: linearCarry, ys: linearY } = scanActivity(node, active);
  const linearX = active.slice(C, C + X);
  const linearConst = active.slice(C + X);
  const linear = { carries: linearCarry, ys: linearY, xs: linearX, consts: linearConst };
  const linearParams = [
    ...pick(s.carryParams, linearCarry),
    ...pick(s.xParams, linearX),
    ...pick(s.constParams, linearConst),
  ];

  // ---- cotangents that come in
  const Y = s.yResults.length;
  const ctFinal = range(C).map((i): Tangent => (linearCarry[i] === true ? cts[i] : undefined));
  const ctYs = range(Y).map((j): Tangent => (linearY[j] === true ? cts[C + j] : undefined));
  const ctSnapshots = range(C).map((i): Tangent => (linearCarry[i] === true ? cts[C + Y + i] : undefined));
  const ctInitial = ctSnapshots.map((ct) => ct && indexAxis(g, ct, 0, 0));
  const ctCarryIns = ctSnapshots.map((ct) => ct && carryInCotangents(g, node, ct));

  // ---- which carries have a cotangent at all
  const influence = influences(linearParams);
  const carried = carriedCotangents(s, linearCarry, influence, ctFinal, ctYs, ctCarryIns);
  const live = positions(carried);
  const sources = [
    ...live.map((i) => at(s.carryResults, i)),
    ...s.yResults.filter((_, j) => ctYs[j] !== undefined),
  ];
  if (sources.length === 0) return operandCotangents(ctInitial, []);

  // ---- the transposed body
  const ctParams = live.map((i) => g.param(`ct_carry${i}`, at(s.carryParams, i)));
  const yParams = s.yResults.map((y, j) => (ctYs[j] === undefined ? undefined : g.param(`ct_y${j}`, y)));
  const inParams = live.map((i) => {
    const p = at(s.carryParams, i);
    return ctCarryIns[i] === undefined ? undefined : g.param(`ct_in${i}`, p);
  });
  const given = [...range(C).map((i): Tangent => ctParams[live.indexOf(i)]), ...yParams];
  const pulled = transpose(g, node.attrs.body.results, given, linearParams);
  const pulledOf = new Map(linearParams.map((p, k): [Node, Tangent] => [p, pulled[k]]));

  const ctNext = live.map((i, k) =>
    materialize(g, plus(g, pulledOf.get(at(s.carryParams, i)), inParams[k]), at(s.carryParams, i)),
  );
  // A constant's cotangent: a carried sum, and stacked contributions to single elements.
  const sums = s.constParams.flatMap((p, i) => {
    const ct = pulledOf.get(p);
    if (ct === undefined) return [];
    const { indexed, rest } = splitIndexedTerms(g, ct, length);
    const cells = rest === undefined ? [] : accumulator(g, rest, length);
    const terms = indexed.map((term) => ({ term, indices: indexOutside(g, s, term.index, length) }));
    return [{ operand: C + X + i, cells, terms }];
  });
  const stackedXs = s.xParams.flatMap((p, i) => {
    const ct = pulledOf.get(p);
    return ct === undefined ? [] : [{ operand: C + i, ct }];
  });

  // ---- the sweep
  const sweep = reverseSweep(g, node, s, linear, {
    cotangents: [
      ...live.map((i, k) => ({
        initial: materialize(g, ctFinal[i], at(s.carryParams, i)),
        param: at(ctParams, k),
        result: at(ctNext, k),
      })),
      ...sums.flatMap((sum) => sum.cells),
    ],
    xs: [
      ...s.yResults.flatMap((_, j) => stepped(yParams[j], ctYs[j])),
      ...live.flatMap((i, k) => stepped(inParams[k], ctCarryIns[i])),
    ],
    ys: [
      ...stackedXs.map(({ ct }) => ct),
      ...sums.flatMap(({ terms }) =>
        terms.flatMap(({ term, indices }) =>
          indices === undefined ? [term.update, term.index] : [term.update],
        ),
      ),
    ],
    linearParams: new Set(linearParams),
  });

  const found: [number, Tangent][] = [];
  live.forEach((i, k) => found.push([i, plus(g, at(sweep.cotangents, k), ctInitial[i])]));
  const [carriedOut, stackedOut] = [
    sweep.cotangents.slice(live.length).values(),
    sweep.ys.slice(stackedXs.length).values(),
  ];
  for (const { operand, cells, terms } of sums) {
    const held = cells.map(() => taken(carriedOut));
    let ct: Tangent = held[0];
    for (const { term, indices } of terms) {
      const updates = taken(stackedOut);
      ct = plus(g, ct, sumIndexedTerms(g, term, indices ?? taken(stackedOut), updates, s.index));
    }
    found.push([operand, ct]);
  }
  stackedXs.forEach(({ operand }, k) => found.push([operand, at(sweep.ys, k)]));
  return operandCotangents(ctInitial, found);

  function operandCotangents(initial: readonly Tangent[], entries: readonly [number, Tangent][]): Tangent[] {
    const all: Tangent[] = node.args.map((_, i) => initial[i]);
    for (const [operand, ct] of entries) all[operand] = ct;
    return all;
  }
}

function taken(list: Iterator<Node>): Node {
  const next = list.next();
  if (next.done === true)
    throw new InternalError('autodiff.transpose', 'a reverse sweep with too few outputs');
  return next.value;
}

function stepped(param: Tangent, value: Tangent): { readonly param: Node; readonly value: Node }[] {
  return param === undefined || value === undefined ? [] : [{ param, value }];
}

/** For every result of a region the linear parameters it depends on. */
function influences(linearParams: readonly Node[]): (result: Node) => ReadonlySet<Node> {
  const known = new Map<Node, ReadonlySet<Node>>();
  const dependence = new Dependence();
  return (result) => {
    let found = known.get(result);
    if (found === undefined) {
      const activity = activityOf([result], linearParams);
      const reached = activity.has(result) ? dependence.reach([result], new Map()) : new Set<Node>();
      found = new Set(linearParams.filter((n) => reached.has(n) && activity.has(n)));
      known.set(result, found);
    }
    return found;
  };
}

/** The carries whose cotangent is not zero throughout: those with one from outside and those that influence such a carry or y. */
function carriedCotangents(
  s: ScanParts,
  linearCarry: readonly boolean[],
  influence: (result: Node) => ReadonlySet<Node>,
  ctFinal: readonly Tangent[],
  ctYs: readonly Tangent[],
  ctCarryIns: readonly Tangent[],
): readonly boolean[] {
  let carried: readonly boolean[] = s.carryParams.map(
    (_, i) => ctFinal[i] !== undefined || ctCarryIns[i] !== undefined,
  );
  for (;;) {
    const sources = [...pick(s.carryResults, carried), ...s.yResults.filter((_, j) => ctYs[j] !== undefined)];
    const grown = s.carryParams.map(
      (p, i) => carried[i] === true || (linearCarry[i] === true && sources.some((r) => influence(r).has(p))),
    );
    if (grown.every((c, i) => c === carried[i])) return carried;
    carried = grown;
  }
}

/**
 * Cotangents of the carry-ins from those of the snapshots, as an array to step through; those of the first snapshot are left out, they belong to the initial
 * carry. Undefined when there are no others.
 */
function carryInCotangents(g: Graph, node: NodeOf<'scan'>, ct: Node): Tangent {
  const { length, snapshots, reverse: backwards } = node.attrs;
  const places = snapshotPositions(length, snapshots);
  if (places.length < 2) return undefined;
  const others = sliceAxis(g, ct, 0, 1, places.length);
  if (isZero(others)) return undefined;
  if (places.length === length) {
    const all = concat(g, [full(g, [1, ...ct.shape.slice(1)], 0, ct.dtype), others], 0);
    return backwards ? reverse(g, all, [0]) : all;
  }
  const targets = places.slice(1).map((step) => (backwards ? length - 1 - step : step));
  const index = g.literal(Float64Array.from(targets), [targets.length], 'i32');
  return scatterAdd(g, index, others, length);
}

/** A cond of the transposed branches, each of which recomputes its residuals from the branch's operands. */
export function transposeCond(
  g: Graph,
  node: NodeOf<'cond'>,
  cts: readonly Tangent[],
  active: readonly boolean[],
  transpose: Transposer,
): Tangent[] {
  const [predicate, ...operands] = node.args;
  if (predicate === undefined) return [];
  const linear = active.slice(1);
  const branches = [node.attrs.then, node.attrs.else].map((region) => {
    const params = pick(region.params, linear);
    const ctParams = region.results.map((r, i) => (cts[i] === undefined ? undefined : g.param(`ct${i}`, r)));
    return { region, params, ctParams, pulled: transpose(g, region.results, ctParams, params) };
  });
  const linearOperands = pick(operands, linear);
  const moved = linearOperands.map((_, k) => branches.some(({ pulled }) => pulled[k] !== undefined));
  if (!moved.some((m) => m)) return [];
  const residual = linear.map((l) => !l);
  const used = operands.map((_, i) => {
    if (residual[i] !== true) return false;
    return branches.some(({ region, pulled }) =>
      reachable(pulled.filter((p) => p !== undefined)).includes(at(region.params, i)),
    );
  });
  const [yes, no] = branches.map(({ region, ctParams, pulled }): Region => ({
    params: [...pick(region.params, used), ...ctParams.filter((p) => p !== undefined)],
    results: pick(
      pulled.map((ct, k) => materialize(g, ct, at(linearOperands, k))),
      moved,
    ),
  }));
  if (yes === undefined || no === undefined) return [];
  const given = [predicate, ...pick(operands, used), ...cts.filter((ct) => ct !== undefined)];
  const out = projections(g, g.node('cond', given, { ...node.attrs, then: yes, else: no }));
  const all: Tangent[] = node.args.map(() => undefined);
  const targets = pick(positions(linear), moved);
  targets.forEach((operand, k) => {
    all[1 + operand] = at(out, k);
  });
  return all;
}
