// Common subexpressions that hash-consing cannot see: region operations whose bodies are equal up to the names of their parameters, and loops that compute
// the same carries and differ in what they record on the way.
//
// Bodies are compared by putting one on the parameters of the other: equal bodies then are the same nodes. Two scans over the same number of steps
// merge when the carries of one are among the carries of the other (same start, same step); the merged loop records the outputs of both and the
// snapshots of either. So a loop and the same loop with its states saved for a reverse sweep run once.

import { at } from '../support/lists.ts';
import { projections } from './build.ts';
import type { CompoundNode } from './classes.ts';
import { isCompound, regionsOf } from './classes.ts';
import type { Graph } from './graph.ts';
import { reachable, substitute } from './region.ts';
import type { AdjointPolicy, Node, NodeOf, Region } from './types.ts';

/** What replaces the outputs of two region operations. */
interface Merge {
  readonly a: readonly Node[];
  readonly b: readonly Node[];
}

/** Merges equal region operations of this region (not of the regions inside). */
export function mergeRegionNodes(g: Graph, region: Region): Region {
  let { results } = region;
  const own = new Set(region.params);
  // Each round merges one pair, so it ends after as many rounds as there are region operations.
  for (;;) {
    const order = reachable(results, own);
    const merged = firstMerge(g, order);
    if (merged === undefined) break;
    results = substitute(g, results, merged);
  }
  return results === region.results ? region : { params: region.params, results };
}

/** Replacements for the projections of the first pair that merges. */
function firstMerge(g: Graph, order: readonly Node[]): Map<Node, Node> | undefined {
  const nodes = order.filter(isCompound);
  for (const [i, a] of nodes.entries())
    for (const b of nodes.slice(i + 1)) {
      const merge = tryMerge(g, a, b);
      if (merge === undefined) continue;
      const map = new Map<Node, Node>();
      for (const node of order) {
        if (node.op !== 'project') continue;
        if (node.args[0] === a) map.set(node, at(merge.a, node.attrs.index));
        if (node.args[0] === b) map.set(node, at(merge.b, node.attrs.index));
      }
      // A merge that gives back the nodes there were would repeat for ever.
      if ([...map].some(([from, to]) => from !== to)) return map;
    }
  return undefined;
}

function tryMerge(g: Graph, a: CompoundNode, b: CompoundNode): Merge | undefined {
  if (a.op === 'scan' && b.op === 'scan') return mergeScans(g, a, b);
  if (a.op !== b.op || !equalOperations(g, a, b)) return undefined;
  const outputs = projections(g, a);
  return { a: outputs, b: outputs };
}

/** Same operands, same numbers, same bodies up to parameter names. */
function equalOperations(g: Graph, a: CompoundNode, b: CompoundNode): boolean {
  if (a.args.length !== b.args.length || a.args.some((x, i) => x !== b.args[i])) return false;
  if (numbersOf(a) !== numbersOf(b)) return false;
  const others = regionsOf(b);
  return regionsOf(a).every(([, region], i) => sameRegion(g, region, at(others, i)[1]));
}

/** The attributes of an operation but for its regions, as text. */
function numbersOf(node: CompoundNode): string {
  const regions = regionsOf(node).map(([role]) => role);
  return JSON.stringify(node.attrs, (key, value: unknown) => (regions.includes(key) ? undefined : value));
}

function sameRegion(g: Graph, a: Region, b: Region): boolean {
  if (a.params.length !== b.params.length || a.results.length !== b.results.length) return false;
  const map = new Map(b.params.map((p, i) => [p, at(a.params, i)]));
  return substitute(g, b.results, map).every((r, i) => r === a.results[i]);
}

/** Position in `list` for each of `wanted`, no position twice; the same position is preferred. */
function matchCarries(wanted: readonly Node[], list: readonly Node[]): number[] | undefined {
  const taken = new Set<number>();
  const found: number[] = [];
  for (const [i, x] of wanted.entries()) {
    const j = list[i] === x && !taken.has(i) ? i : list.findIndex((y, k) => y === x && !taken.has(k));
    if (j < 0) return undefined;
    taken.add(j);
    found.push(j);
  }
  return found;
}

function commonPolicy(a: AdjointPolicy, b: AdjointPolicy): AdjointPolicy | undefined {
  if (a.kind === 'auto') return b;
  if (b.kind === 'auto') return a;
  if (a.kind === 'checkpoint' && b.kind === 'checkpoint') return a.bytes === b.bytes ? a : undefined;
  return a.kind === b.kind && a.kind !== 'reversible' ? a : undefined;
}

function mergeScans(g: Graph, a: NodeOf<'scan'>, b: NodeOf<'scan'>): Merge | undefined {
  if (b.attrs.carries > a.attrs.carries) {
    const merge = mergeInto(g, b, a);
    return merge === undefined ? undefined : { a: merge.b, b: merge.a };
  }
  return mergeInto(g, a, b);
}

/** Merges `small`, whose carries are among those of `big`, into it. */
function mergeInto(g: Graph, big: NodeOf<'scan'>, small: NodeOf<'scan'>): Merge | undefined {
  const [s, t] = [big.attrs, small.attrs];
  if (s.length !== t.length || s.reverse !== t.reverse || t.carries === 0) return undefined;
  if (s.snapshots > 0 && t.snapshots > 0 && s.snapshots !== t.snapshots) return undefined;
  const adjoint = commonPolicy(s.adjoint, t.adjoint);
  const match = matchCarries(small.args.slice(0, t.carries), big.args.slice(0, s.carries));
  if (adjoint === undefined || match === undefined) return undefined;

  const bigXs = big.args.slice(s.carries, s.carries + s.xs);
  const bigConsts = big.args.slice(s.carries + s.xs);
  const newXs: { param: Node; value: Node }[] = [];
  const newConsts: { param: Node; value: Node }[] = [];
  const map = new Map<Node, Node>([[at(t.body.params, 0), at(s.body.params, 0)]]);
  match.forEach((j, i) => map.set(at(t.body.params, 1 + i), at(s.body.params, 1 + j)));
  for (let i = t.carries; i < small.args.length; i++) {
    const param = at(t.body.params, 1 + i);
    const value = at(small.args, i);
    const stepped = i < t.carries + t.xs;
    const j = (stepped ? bigXs : bigConsts).indexOf(value);
    if (j >= 0) map.set(param, at(s.body.params, 1 + s.carries + j + (stepped ? 0 : s.xs)));
    else {
      const own = g.param(param.op === 'param' ? param.attrs.name : 'c', param);
      map.set(param, own);
      (stepped ? newXs : newConsts).push({ param: own, value });
    }
  }
  const results = substitute(g, t.body.results, map);
  if (match.some((j, i) => results[i] !== s.body.results[j])) return undefined;
  // What the two add to one another must not lie downstream of either.
  const added = reachable([...newXs, ...newConsts].map((x) => x.value));
  if (added.includes(big)) return undefined;
  if (reachable(big.args).includes(small)) return undefined;

  const bigYs = s.body.results.slice(s.carries);
  const extraYs = [...new Set(results.slice(t.carries).filter((y) => !bigYs.includes(y)))];
  const ys = [...bigYs, ...extraYs];
  const split = 1 + s.carries + s.xs;
  const body: Region = {
    params: [
      ...s.body.params.slice(0, split),
      ...newXs.map((x) => x.param),
      ...s.body.params.slice(split),
      ...newConsts.map((x) => x.param),
    ],
    results: [...s.body.results.slice(0, s.carries), ...ys],
  };
  const snapshots = Math.max(s.snapshots, t.snapshots);
  const args = [
    ...big.args.slice(0, s.carries + s.xs),
    ...newXs.map((x) => x.value),
    ...bigConsts,
    ...newConsts.map((x) => x.value),
  ];
  const attrs = { ...s, xs: s.xs + newXs.length, body, snapshots, adjoint };
  const outputs = g.withOrigin(big.origin, () => projections(g, g.node('scan', args, attrs)));
  const snapshotsFrom = s.carries + ys.length;
  const yOf = (y: Node): Node => at(outputs, s.carries + ys.indexOf(y));
  return {
    a: [
      ...outputs.slice(0, s.carries),
      ...bigYs.map(yOf),
      ...(s.snapshots > 0 ? outputs.slice(snapshotsFrom, snapshotsFrom + s.carries) : []),
    ],
    b: [
      ...match.map((j) => at(outputs, j)),
      ...results.slice(t.carries).map(yOf),
      ...(t.snapshots > 0 ? match.map((j) => at(outputs, snapshotsFrom + j)) : []),
    ],
  };
}
