// The loop that runs backwards over the steps of a linear loop, given what one step does (transpose_regions.ts).
//
// It carries cells (cotangents, sums) and stacks outputs. What a step needs of the primal loop is rebuilt from the step's carry-in:
//   · nothing: an ordinary scan in the other direction, no memory;
//   · some states: the primal scan is issued again with snapshots (it absorbs the plain one: absorb_loops.ts), and an adjoint scan goes backwards, recomputing
//     those states alone between snapshots; or, where the steps can be undone, a scan carries the states back with them (reversible_sweep.ts).
// The sweep's arithmetic does not depend on the number of snapshots, so neither do its bits.

import { InternalError } from '../support/diagnostic.ts';
import { add, full, project, projections, reverse, sub } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import { reachable, substitute } from '../ir/region.ts';
import type { Node, NodeOf } from '../ir/types.ts';
import { reversibleSweep } from './reversible_sweep.ts';
import type { ScanParts } from './loops.ts';
import { bytesOfTypes, pick, positions, snapshotSlots } from './loops.ts';

/** Beyond this many steps the f32 sum of a constant's cotangents is compensated. */
const COMPENSATE_BEYOND = 1000;

/** One carried value of the sweep. */
export interface Cell {
  readonly initial: Node;
  readonly param: Node;
  readonly result: Node;
}

/** A carried sum of `term` over the steps; the first cell holds it. Compensated (Kahan 1965) where f32 would lose digits. */
export function accumulator(g: Graph, term: Node, length: number): readonly Cell[] {
  const zero = full(g, term.shape, 0, term.dtype);
  const sum = g.param('sum', term);
  if (term.dtype !== 'f32' || length <= COMPENSATE_BEYOND)
    return [{ initial: zero, param: sum, result: add(g, sum, term) }];
  const lost = g.param('lost', term);
  const corrected = sub(g, term, lost);
  const next = add(g, sum, corrected);
  return [
    { initial: zero, param: sum, result: next },
    { initial: zero, param: lost, result: sub(g, sub(g, next, sum), corrected) },
  ];
}

/** Which carries, outputs and operands of a loop are linear in the tangents. */
export interface LinearParts {
  readonly carries: readonly boolean[];
  readonly ys: readonly boolean[];
  readonly xs: readonly boolean[];
  readonly consts: readonly boolean[];
}

export interface Sweep {
  readonly cotangents: readonly Cell[];
  /** Arrays to step through beside the loop's own. */
  readonly xs: readonly { readonly param: Node; readonly value: Node }[];
  /** Per-step results. */
  readonly ys: readonly Node[];
  /** What the transposed body must not depend on any more. */
  readonly linearParams: ReadonlySet<Node>;
}

/** Runs the sweep backwards over the steps of `node`; gives the final cotangents and the stacked ys, addressed by the index. */
export function reverseSweep(
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

  if (adjoint.kind === 'reversible') return reversibleSweep(g, node, s, linear, sweep, adjoint.back);
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
