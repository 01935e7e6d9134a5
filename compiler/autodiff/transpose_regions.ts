// The transpose of a linear loop or branch: reverse sweeps.
//
// A tangent scan (jvp_regions.ts) carries primal states and tangents. The tangents' part is linear, given the states. Its transpose runs backwards and carries
// cotangents: of the tangent carries, and an accumulator for each linear constant; cotangents of linear xs are stacked. What the transposed body needs of a
// step is rebuilt from the step's carry-in:
//   · nothing: the loop is linear in what is differentiated; an ordinary reversed scan, no memory;
//   · some states: the primal scan is issued again with snapshots (it replaces the plain one: absorb_loops.ts), and an adjoint scan goes backwards, recomputing
//     those states alone between snapshots.
// The sweep's arithmetic does not depend on the number of snapshots.

import { InternalError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import { snapshotPositions } from '../support/revolve.ts';
import {
  add,
  concat,
  full,
  indexAxis,
  project,
  projections,
  reverse,
  scatterAdd,
  sliceAxis,
  sub,
} from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import { reachable, substitute } from '../ir/region.ts';
import type { Node, NodeOf, Region } from '../ir/types.ts';
import { activityOf, scanActivity } from './activity.ts';
import type { ScanParts } from './loops.ts';
import { bytesOfTypes, pick, positions, scanParts, snapshotSlots } from './loops.ts';
import type { Tangent } from './tangent.ts';
import { isZero, materialize, plus } from './tangent.ts';

type Transposer = (
  g: Graph,
  results: readonly Node[],
  cotangents: readonly Tangent[],
  params: readonly Node[],
) => Tangent[];

/** Beyond this many steps the f32 sum of a constant's cotangents is compensated. */
const COMPENSATE_BEYOND = 1000;

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
  const sums = s.constParams.flatMap((p, i) => {
    const ct = pulledOf.get(p);
    return ct === undefined ? [] : [{ operand: C + X + i, ...accumulator(g, ct, length) }];
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
    ys: stackedXs.map(({ ct }) => ct),
    linearParams: new Set(linearParams),
  });

  const found: [number, Tangent][] = [];
  live.forEach((i, k) => found.push([i, plus(g, at(sweep.cotangents, k), ctInitial[i])]));
  let place = live.length;
  for (const sum of sums) {
    found.push([sum.operand, at(sweep.cotangents, place)]);
    place += sum.cells.length;
  }
  stackedXs.forEach(({ operand }, k) => found.push([operand, at(sweep.ys, k)]));
  return operandCotangents(ctInitial, found);

  function operandCotangents(initial: readonly Tangent[], entries: readonly [number, Tangent][]): Tangent[] {
    const all: Tangent[] = node.args.map((_, i) => initial[i]);
    for (const [operand, ct] of entries) all[operand] = ct;
    return all;
  }
}

function stepped(param: Tangent, value: Tangent): { readonly param: Node; readonly value: Node }[] {
  return param === undefined || value === undefined ? [] : [{ param, value }];
}

/** For every result of a region the linear parameters it depends on. */
function influences(linearParams: readonly Node[]): (result: Node) => ReadonlySet<Node> {
  const known = new Map<Node, ReadonlySet<Node>>();
  return (result) => {
    let found = known.get(result);
    if (found === undefined) {
      const activity = activityOf([result], linearParams);
      found = new Set(
        activity.has(result)
          ? reachable([result]).filter((n) => linearParams.includes(n) && activity.has(n))
          : [],
      );
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

interface Cell {
  readonly initial: Node;
  readonly param: Node;
  readonly result: Node;
}

/** A carried sum of `term` over the steps; the first cell holds it. Compensated (Kahan 1965) where f32 would lose digits. */
function accumulator(g: Graph, term: Node, length: number): { readonly cells: readonly Cell[] } {
  const zero = full(g, term.shape, 0, term.dtype);
  const sum = g.param('sum', term);
  if (term.dtype !== 'f32' || length <= COMPENSATE_BEYOND)
    return { cells: [{ initial: zero, param: sum, result: add(g, sum, term) }] };
  const lost = g.param('lost', term);
  const corrected = sub(g, term, lost);
  const next = add(g, sum, corrected);
  return {
    cells: [
      { initial: zero, param: sum, result: next },
      { initial: zero, param: lost, result: sub(g, sub(g, next, sum), corrected) },
    ],
  };
}

/** Which carries, outputs and operands of a loop are linear in the tangents. */
interface LinearParts {
  readonly carries: readonly boolean[];
  readonly ys: readonly boolean[];
  readonly xs: readonly boolean[];
  readonly consts: readonly boolean[];
}

interface Sweep {
  readonly cotangents: readonly Cell[];
  /** Arrays to step through beside the loop's own. */
  readonly xs: readonly { readonly param: Node; readonly value: Node }[];
  /** Per-step results. */
  readonly ys: readonly Node[];
  /** What the transposed body must not depend on any more. */
  readonly linearParams: ReadonlySet<Node>;
}

/** Runs the sweep backwards over the steps of `node`; gives the final cotangents and the stacked ys, addressed by the index. */
function reverseSweep(
  g: Graph,
  node: NodeOf<'scan'>,
  s: ScanParts,
  linear: LinearParts,
  sweep: Sweep,
): { readonly cotangents: readonly Node[]; readonly ys: readonly Node[] } {
  const { length, adjoint } = node.attrs;
  const results = [...sweep.cotangents.map((c) => c.result), ...sweep.ys];
  const needed = new Set(reachable(results));
  // A carry that never changes is a constant.
  const fixed = s.carryParams.map((p, i) => s.carryResults[i] === p);
  const restore = s.carryParams.map(
    (p, i) => linear.carries[i] !== true && fixed[i] !== true && needed.has(p),
  );
  for (let size = -1; size !== needed.size;) {
    size = needed.size;
    for (const n of reachable(pick(s.carryResults, restore))) needed.add(n);
    s.carryParams.forEach((p, i) => {
      if (linear.carries[i] !== true && fixed[i] !== true && needed.has(p)) restore[i] = true;
    });
  }
  for (const p of sweep.linearParams)
    if (needed.has(p))
      throw new InternalError('autodiff.transpose', `a reverse sweep depends on the tangent ${nameOf(p)}`);

  const xUsed = s.xParams.map((p) => needed.has(p));
  const constUsed = s.constParams.map((p) => needed.has(p));
  const fixedUsed = s.carryParams.map((p, i) => fixed[i] === true && needed.has(p));
  const constParams = [...pick(s.constParams, constUsed), ...pick(s.carryParams, fixedUsed)];
  const consts = [...pick(s.consts, constUsed), ...pick(s.init, fixedUsed)];
  const xParams = [...sweep.xs.map((x) => x.param), ...pick(s.xParams, xUsed)];
  const xs = [...sweep.xs.map((x) => x.value), ...pick(s.xs, xUsed)];
  const initial = sweep.cotangents.map((c) => c.initial);
  const ctParams = sweep.cotangents.map((c) => c.param);
  const M = initial.length;

  if (!restore.some((r) => r)) {
    const back = g.node('scan', [...initial, ...xs, ...consts], {
      length,
      carries: M,
      xs: xs.length,
      body: { params: [s.index, ...ctParams, ...xParams, ...constParams], results },
      reverse: !node.attrs.reverse,
      snapshots: 0,
      adjoint,
    });
    const out = projections(g, back);
    return { cotangents: out.slice(0, M), ys: out.slice(M) };
  }

  const carryParams = pick(s.carryParams, restore);
  const { primal, firstSnapshot, slots } = withSnapshots(g, node, s, linear, restore);
  const states = positions(linear.carries.map((l) => !l));
  const snapshots = positions(restore).map((i) => project(g, primal, firstSnapshot + states.indexOf(i)));
  // An adjoint scan runs its index downwards. Steps that ran downwards are renumbered by their order of execution.
  const turned = node.attrs.reverse;
  const index = turned ? g.param('step', s.index) : s.index;
  const renumbered = (list: readonly Node[]): Node[] =>
    turned ? substitute(g, list, new Map([[s.index, sub(g, length - 1, index)]])) : [...list];
  const turn = (x: Node): Node => (turned ? reverse(g, x, [0]) : x);
  const back = g.node('adjoint_scan', [...snapshots, ...initial, ...xs.map(turn), ...consts], {
    length,
    slots,
    carries: carryParams.length,
    cotangents: M,
    xs: xs.length,
    forward: {
      params: [index, ...carryParams, ...xParams, ...constParams],
      results: renumbered(pick(s.carryResults, restore)),
    },
    backward: {
      params: [index, ...carryParams, ...ctParams, ...xParams, ...constParams],
      results: renumbered(results),
    },
  });
  const out = projections(g, back);
  return { cotangents: out.slice(0, M), ys: out.slice(M).map(turn) };
}

function nameOf(node: Node): string {
  return node.op === 'param' ? node.attrs.name : `%${node.id}`;
}

/**
 * The primal part of a tangent scan, all its states and outputs, with snapshots for the states to restore: the scan that the tangent scan was made from, so
 * that the two can become one.
 */
function withSnapshots(
  g: Graph,
  node: NodeOf<'scan'>,
  s: ScanParts,
  linear: LinearParts,
  restore: readonly boolean[],
): { readonly primal: Node; readonly firstSnapshot: number; readonly slots: number } {
  const { length, adjoint, snapshots } = node.attrs;
  const primalPart = <T>(list: readonly T[], flags: readonly boolean[]): T[] =>
    list.filter((_, i) => flags[i] !== true);
  const states = primalPart(s.carryResults, linear.carries);
  const ys = primalPart(s.yResults, linear.ys);
  const xs = primalPart(s.xs, linear.xs);
  const slots =
    snapshots > 0 ? snapshots : snapshotSlots(adjoint, length, bytesOfTypes(pick(s.carryParams, restore)));
  const primal = g.node(
    'scan',
    [...primalPart(s.init, linear.carries), ...xs, ...primalPart(s.consts, linear.consts)],
    {
      length,
      carries: states.length,
      xs: xs.length,
      body: {
        params: [
          s.index,
          ...primalPart(s.carryParams, linear.carries),
          ...primalPart(s.xParams, linear.xs),
          ...primalPart(s.constParams, linear.consts),
        ],
        results: [...states, ...ys],
      },
      reverse: node.attrs.reverse,
      snapshots: slots,
      adjoint,
    },
  );
  return { primal, firstSnapshot: states.length + ys.length, slots };
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
  const out = projections(g, g.node('cond', given, { then: yes, else: no }));
  const all: Tangent[] = node.args.map(() => undefined);
  const targets = pick(positions(linear), moved);
  targets.forEach((operand, k) => {
    all[1 + operand] = at(out, k);
  });
  return all;
}
