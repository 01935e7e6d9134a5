// The tangent of loops and branches.
//
// A loop gets its tangents carried beside its states (a doubled carry, no tape): [c, dc] steps through the body and the body's own jvp, which share all primal
// nodes. Which carries have a tangent is the fixpoint of activity.ts. The parameters of the primal body are the very same nodes in the doubled body,
// so that loops which compute the same states are recognised and merged afterwards (absorb_loops.ts).
// A branch gives the tangents alone, from a branch on the same predicate.

import { fail } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import { indexAxis, projections, sliceAxis } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node, NodeOf, Region } from '../ir/types.ts';
import { adjointScanActivity, scanActivity, whileActivity } from './activity.ts';
import { boundedScan } from './bounded_scan.ts';
import { adjointScanParts, pick, scanParts, whileParts } from './loops.ts';
import { maskedResults } from './mask.ts';
import type { Tangent } from './tangent.ts';
import { materialize } from './tangent.ts';

export interface RegionContext {
  readonly g: Graph;
  readonly linearize: boolean;
  /** Whether the region operation at hand is masked outside. */
  readonly masked: boolean;
  readonly mayBeNonFinite: (x: Node) => boolean;
  readonly mayBeDiscarded: (x: Node) => boolean;
  /** Tangents of a region's results when its parameters move. */
  readonly push: (results: readonly Node[], seeds: ReadonlyMap<Node, Node>, inside?: Inside) => Tangent[];
}

export interface Inside {
  /** Which results are masked outside. */
  readonly masked: readonly boolean[];
  /** Nodes whose values may not be finite. */
  readonly suspects: readonly Node[];
  /** Nodes whose values may be zeros of a branch that was not taken. */
  readonly discards: readonly Node[];
  /** Nodes that do not move unless they are seeds. */
  readonly ends?: ReadonlySet<Node>;
}

/** A tangent parameter beside every parameter whose flag is set. */
function tangentParams(g: Graph, params: readonly Node[], flags: readonly boolean[]): Node[] {
  return pick(params, flags).map((p) => g.param(`d_${p.op === 'param' ? p.attrs.name : 'x'}`, p));
}

function seedsFor(
  params: readonly Node[],
  flags: readonly boolean[],
  tangents: readonly Node[],
): [Node, Node][] {
  return pick(params, flags).map((p, i) => [p, at(tangents, i)]);
}

const isThere = (t: Tangent): boolean => t !== undefined;
const present = (tangents: readonly Tangent[]): Node[] => tangents.filter((t) => t !== undefined);

/** The tangents of the flagged values, as arrays. */
function arrays(
  g: Graph,
  values: readonly Node[],
  flags: readonly boolean[],
  tangents: readonly Tangent[],
): Node[] {
  return values.flatMap((v, i) => (flags[i] === true ? [materialize(g, tangents[i], v)] : []));
}

/** Parameters that stand for operands which may not be finite; where what the loop gives is masked outside, its states as well. */
function suspectsOf(
  c: RegionContext,
  params: readonly Node[],
  operands: readonly Node[],
  states: readonly Node[] = [],
): Node[] {
  return [...params.filter((_, i) => c.mayBeNonFinite(at(operands, i))), ...(c.masked ? states : [])];
}

/** Parameters that stand for operands which may be zeros of a branch that was not taken. */
function discardsOf(c: RegionContext, params: readonly Node[], operands: readonly Node[]): Node[] {
  return params.filter((_, i) => c.mayBeDiscarded(at(operands, i)));
}

/** For each flag set the next of `outputs`, else undefined. */
function spread(flags: readonly boolean[], outputs: Iterator<Node>): Tangent[] {
  return flags.map((f): Tangent => {
    if (!f) return undefined;
    const next = outputs.next();
    return next.done === true ? undefined : next.value;
  });
}

export function pushScan(c: RegionContext, node: NodeOf<'scan'>, t: readonly Tangent[]): Tangent[] {
  const { g } = c;
  const s = scanParts(node);
  const { carries: C, xs: X, body } = node.attrs;
  const flags = t.map(isThere);
  const carryFlags = scanActivity(node, flags).carries;
  const [xFlags, constFlags] = [flags.slice(C, C + X), flags.slice(C + X)];
  const dCarry = tangentParams(g, s.carryParams, carryFlags);
  const dXs = tangentParams(g, s.xParams, xFlags);
  const dConsts = tangentParams(g, s.constParams, constFlags);
  const pushed = c.push(
    body.results,
    new Map([
      ...seedsFor(s.carryParams, carryFlags, dCarry),
      ...seedsFor(s.xParams, xFlags, dXs),
      ...seedsFor(s.constParams, constFlags, dConsts),
    ]),
    {
      masked: maskedResults(body, C, c.masked),
      suspects: suspectsOf(c, [...s.xParams, ...s.constParams], [...s.xs, ...s.consts], s.carryParams),
      discards: discardsOf(c, [...s.carryParams, ...s.xParams, ...s.constParams], node.args),
    },
  );
  const dYs = pushed.slice(C);
  const doubled = g.node(
    'scan',
    [
      ...s.init,
      ...arrays(g, s.init, carryFlags, t),
      ...s.xs,
      ...present(t.slice(C, C + X)),
      ...s.consts,
      ...present(t.slice(C + X)),
    ],
    {
      ...node.attrs,
      carries: C + dCarry.length,
      xs: X + dXs.length,
      body: {
        params: [s.index, ...s.carryParams, ...dCarry, ...s.xParams, ...dXs, ...s.constParams, ...dConsts],
        results: [
          ...s.carryResults,
          ...arrays(g, s.carryResults, carryFlags, pushed),
          ...s.yResults,
          ...present(dYs),
        ],
      },
    },
  );
  // Outputs: carries, their tangents, ys, their tangents, snapshots, their tangents.
  const out = projections(g, doubled);
  const [K, Y] = [dCarry.length, s.yResults.length];
  const yEnd = C + K + Y + present(dYs).length;
  const carryOut = spread(carryFlags, out.slice(C, C + K).values());
  const yOut = spread(dYs.map(isThere), out.slice(C + K + Y, yEnd).values());
  const snapOut =
    node.attrs.snapshots > 0 ? spread(carryFlags, out.slice(yEnd + C, yEnd + C + K).values()) : [];
  return [...carryOut, ...yOut, ...snapOut];
}

interface LoopParams {
  readonly carryParams: readonly Node[];
  readonly xParams: readonly Node[];
  readonly constParams: readonly Node[];
}

export function pushAdjointScan(
  c: RegionContext,
  node: NodeOf<'adjoint_scan'>,
  t: readonly Tangent[],
): Tangent[] {
  if (c.linearize) return pushExpanded(c, expandAdjointScan(c.g, node), node.args, t);
  const { g } = c;
  const s = adjointScanParts(node);
  const { carries: C, cotangents: M, xs: X } = node.attrs;
  const flags = t.map(isThere);
  const activity = adjointScanActivity(node, flags);
  const [xFlags, constFlags] = [flags.slice(C + M, C + M + X), flags.slice(C + M + X)];
  const suspects = ({ carryParams, xParams, constParams }: LoopParams): Node[] =>
    suspectsOf(c, [...xParams, ...constParams], [...s.xs, ...s.consts], carryParams);

  const fCarry = tangentParams(g, s.forward.carryParams, activity.carries);
  const fXs = tangentParams(g, s.forward.xParams, xFlags);
  const fConsts = tangentParams(g, s.forward.constParams, constFlags);
  const forward = c.push(
    s.forward.results,
    new Map([
      ...seedsFor(s.forward.carryParams, activity.carries, fCarry),
      ...seedsFor(s.forward.xParams, xFlags, fXs),
      ...seedsFor(s.forward.constParams, constFlags, fConsts),
    ]),
    {
      masked: maskedResults(node.attrs.forward, C, c.masked),
      suspects: suspects(s.forward),
      discards: discardsOf(
        c,
        [...s.forward.carryParams, ...s.forward.xParams, ...s.forward.constParams],
        [...s.snapshots, ...s.xs, ...s.consts],
      ),
    },
  );

  const bCarry = tangentParams(g, s.backward.carryParams, activity.carries);
  const bCts = tangentParams(g, s.backward.ctParams, activity.cotangents);
  const bXs = tangentParams(g, s.backward.xParams, xFlags);
  const bConsts = tangentParams(g, s.backward.constParams, constFlags);
  const backward = c.push(
    node.attrs.backward.results,
    new Map([
      ...seedsFor(s.backward.carryParams, activity.carries, bCarry),
      ...seedsFor(s.backward.ctParams, activity.cotangents, bCts),
      ...seedsFor(s.backward.xParams, xFlags, bXs),
      ...seedsFor(s.backward.constParams, constFlags, bConsts),
    ]),
    {
      masked: node.attrs.backward.results.map(() => c.masked),
      suspects: suspects(s.backward),
      discards: discardsOf(
        c,
        [...s.backward.carryParams, ...s.backward.ctParams, ...s.backward.xParams, ...s.backward.constParams],
        node.args,
      ),
    },
  );
  const dYs = backward.slice(M);
  const doubled = g.node(
    'adjoint_scan',
    [
      ...s.snapshots,
      ...arrays(g, s.snapshots, activity.carries, t),
      ...s.cotangents,
      ...arrays(g, s.cotangents, activity.cotangents, t.slice(C)),
      ...s.xs,
      ...present(t.slice(C + M, C + M + X)),
      ...s.consts,
      ...present(t.slice(C + M + X)),
    ],
    {
      ...node.attrs,
      carries: C + fCarry.length,
      cotangents: M + bCts.length,
      xs: X + fXs.length,
      forward: {
        params: [
          s.forward.index,
          ...s.forward.carryParams,
          ...fCarry,
          ...s.forward.xParams,
          ...fXs,
          ...s.forward.constParams,
          ...fConsts,
        ],
        results: [...s.forward.results, ...arrays(g, s.forward.results, activity.carries, forward)],
      },
      backward: {
        params: [
          s.backward.index,
          ...s.backward.carryParams,
          ...bCarry,
          ...s.backward.ctParams,
          ...bCts,
          ...s.backward.xParams,
          ...bXs,
          ...s.backward.constParams,
          ...bConsts,
        ],
        results: [
          ...s.backward.ctResults,
          ...arrays(g, s.backward.ctResults, activity.cotangents, backward),
          ...s.backward.yResults,
          ...present(dYs),
        ],
      },
    },
  );
  const out = projections(g, doubled);
  const [K, Y] = [bCts.length, s.backward.yResults.length];
  return [
    ...spread(activity.cotangents, out.slice(M, M + K).values()),
    ...spread(dYs.map(isThere), out.slice(M + K + Y).values()),
  ];
}

/** The tangents of an expansion of the node at hand into other nodes over the same operands. */
function pushExpanded(
  c: RegionContext,
  outputs: readonly Node[],
  operands: readonly Node[],
  t: readonly Tangent[],
): Tangent[] {
  const seeds = new Map<Node, Node>();
  operands.forEach((operand, i) => {
    const tangent = t[i];
    if (tangent !== undefined) seeds.set(operand, tangent);
  });
  return c.push(outputs, seeds, {
    masked: outputs.map(() => c.masked),
    suspects: operands.filter((x) => c.mayBeNonFinite(x)),
    discards: operands.filter((x) => c.mayBeDiscarded(x)),
    ends: new Set(operands),
  });
}

/**
 * An adjoint scan as ordinary scans, giving the same values: the carry-ins of all steps (the snapshots themselves when there is one a step, else a scan
 * from the first), then a reversed scan over them. For reverse mode over reverse mode; takes memory for all steps.
 */
export function expandAdjointScan(g: Graph, node: NodeOf<'adjoint_scan'>): Node[] {
  const s = adjointScanParts(node);
  const { length, slots, carries: C, cotangents: M, xs: X } = node.attrs;
  const carryIns = slots >= length ? s.snapshots.map((x) => sliceAxis(g, x, 0, 0, length)) : allCarryIns();
  const back = g.node('scan', [...s.cotangents, ...carryIns, ...s.xs, ...s.consts], {
    length,
    carries: M,
    xs: C + X,
    body: {
      params: [
        s.backward.index,
        ...s.backward.ctParams,
        ...s.backward.carryParams,
        ...s.backward.xParams,
        ...s.backward.constParams,
      ],
      results: node.attrs.backward.results,
    },
    reverse: true,
    snapshots: 0,
    adjoint: { kind: 'auto' },
  });
  return projections(g, back);

  function allCarryIns(): Node[] {
    const sweep = g.node('scan', [...s.snapshots.map((x) => indexAxis(g, x, 0, 0)), ...s.xs, ...s.consts], {
      length,
      carries: C,
      xs: X,
      body: {
        params: node.attrs.forward.params,
        results: [...s.forward.results, ...s.forward.carryParams],
      },
      reverse: false,
      snapshots: 0,
      adjoint: { kind: 'auto' },
    });
    return projections(g, sweep).slice(C);
  }
}

/** The limit of a loop over a range that ends at a run-time number of which nothing is known. */
const UNBOUNDED_TURNS = 2 ** 31 - 1;

export function pushWhile(c: RegionContext, node: NodeOf<'while'>, t: readonly Tangent[]): Tangent[] {
  if (c.linearize) {
    if (node.attrs.limit >= UNBOUNDED_TURNS)
      fail(
        'E275',
        'the gradient of a loop needs a bound on its number of turns, and nothing is known of this one',
        node.origin,
        'write 0..min(n, 1000); or take derivatives forwards, with jvp',
      );
    return pushExpanded(c, boundedScan(c.g, node), node.args, t);
  }
  const { g } = c;
  const s = whileParts(node);
  const C = node.attrs.carries;
  const { condition } = node.attrs;
  const flags = t.map(isThere);
  const carryFlags = whileActivity(node, flags).carries;
  const constFlags = flags.slice(C);
  const dCarry = tangentParams(g, s.carryParams, carryFlags);
  const dConsts = tangentParams(g, s.constParams, constFlags);
  const pushed = c.push(
    s.results,
    new Map([
      ...seedsFor(s.carryParams, carryFlags, dCarry),
      ...seedsFor(s.constParams, constFlags, dConsts),
    ]),
    {
      masked: maskedResults(node.attrs.body, C, c.masked),
      suspects: suspectsOf(c, s.constParams, s.consts, s.carryParams),
      discards: discardsOf(c, [...s.carryParams, ...s.constParams], node.args),
    },
  );
  const tested = condition.params.slice(0, C);
  const testedConsts = condition.params.slice(C);
  const doubled = g.node(
    'while',
    [...s.init, ...arrays(g, s.init, carryFlags, t), ...s.consts, ...present(t.slice(C))],
    {
      ...node.attrs,
      carries: C + dCarry.length,
      condition: {
        params: [
          ...tested,
          ...tangentParams(g, tested, carryFlags),
          ...testedConsts,
          ...tangentParams(g, testedConsts, constFlags),
        ],
        results: condition.results,
      },
      body: {
        params: [s.index, ...s.carryParams, ...dCarry, ...s.constParams, ...dConsts],
        results: [...s.results, ...arrays(g, s.results, carryFlags, pushed)],
      },
    },
  );
  const out = projections(g, doubled).slice(C, C + dCarry.length);
  return [...spread(carryFlags, out.values()), undefined];
}

export function pushCond(c: RegionContext, node: NodeOf<'cond'>, t: readonly Tangent[]): Tangent[] {
  const { g } = c;
  const [predicate, ...operands] = node.args;
  if (predicate === undefined) return [];
  const flags = t.slice(1).map(isThere);
  const branches = [node.attrs.then, node.attrs.else].map((region) => {
    const tangents = tangentParams(g, region.params, flags);
    const pushed = c.push(region.results, new Map(seedsFor(region.params, flags, tangents)), {
      masked: region.results.map(() => c.masked),
      suspects: suspectsOf(c, region.params, operands),
      discards: discardsOf(c, region.params, operands),
    });
    return { region, tangents, pushed };
  });
  const moved = node.outputs.map((_, i) => branches.some(({ pushed }) => pushed[i] !== undefined));
  if (!moved.some((m) => m)) return [];
  const [yes, no] = branches.map(({ region, tangents, pushed }): Region => ({
    params: [...region.params, ...tangents],
    results: arrays(g, region.results, moved, pushed),
  }));
  if (yes === undefined || no === undefined) return [];
  const given = [predicate, ...operands, ...present(t.slice(1))];
  const made = g.node('cond', given, { ...node.attrs, then: yes, else: no });
  return spread(moved, projections(g, made).values());
}
