// One loop instead of two that compute the same states.
//
// Differentiation issues loops again: with snapshots for a reverse sweep, with tangents carried beside the states. Such a loop keeps the parameters of the
// loop it was made from, as the very same nodes; so "everything loop A computes, loop B computes too" is a comparison of nodes, and A's outputs can be
// read from B: B absorbs A. Done inside regions as well. Values and bits do not change. Run after every derivative, so that derivatives of derivatives do not
// multiply loops. (ir/merge_loops.ts, a pass over finished programs, merges scans that are equal up to the names of their parameters.)

import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import { project } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import type { RegionHandler } from '../ir/rebuild.ts';
import { applyRegionOperation, mapRegions, rebuildRegion } from '../ir/rebuild.ts';
import { reachable, rebuild } from '../ir/region.ts';
import type { Node, NodeOf, Region } from '../ir/types.ts';
import { adjointScanParts, scanParts, whileParts } from './loops.ts';

/** The results, with every loop whose outputs another one gives replaced by that one. */
export function absorbLoops(g: Graph, results: readonly Node[]): readonly Node[] {
  return absorbIn(g, { params: [], results }, new Map()).results;
}

/** `known`: what regions have become. */
function absorbIn(g: Graph, region: Region, known: Map<Region, Region>): Region {
  const before = known.get(region);
  if (before !== undefined) return before;
  const inside: RegionHandler = (node, args) =>
    applyRegionOperation(
      g,
      mapRegions(node, (inner) => absorbIn(g, inner, known)),
      args,
    );
  let { results } = rebuildRegion(g, region, inside);
  for (let found = findPair(results); found !== undefined; found = findPair(results))
    results = replaceLoop(g, results, found);
  const made = results.every((r, i) => r === region.results[i]) ? region : { params: region.params, results };
  known.set(region, made);
  return made;
}

// ---- finding

interface Pair {
  readonly from: Node;
  readonly to: Node;
  /** Output i of `from` is output outputs[i] of `to`. */
  readonly outputs: readonly number[];
}

function findPair(results: readonly Node[]): Pair | undefined {
  const groups = new Map<string, Node[]>();
  for (const node of reachable(results)) {
    const key = groupKey(node);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [node]);
    else group.push(node);
  }
  for (const group of groups.values())
    for (const from of group)
      for (const to of group) {
        if (from === to) continue;
        const outputs = covers(to, from);
        if (outputs !== undefined && !reachable(to.args, laterThan(from)).includes(from))
          return { from, to, outputs };
      }
  return undefined;
}

/** Nodes older than `node` cannot depend on it: the walk need not pass them. */
function laterThan(node: Node): { has(other: Node): boolean } {
  return { has: (other) => other.id <= node.id };
}

/** Loops of different groups have nothing in common. */
function groupKey(node: Node): string | undefined {
  switch (node.op) {
    case 'scan':
      return `scan ${node.attrs.length} ${node.attrs.reverse} ${at(node.attrs.body.params, 0).id}`;
    case 'adjoint_scan':
      return `adjoint ${node.attrs.length} ${node.attrs.slots} ${at(node.attrs.backward.params, 0).id}`;
    case 'while':
      return `while ${node.attrs.limit} ${at(node.attrs.body.params, 0).id}`;
    default:
      return undefined;
  }
}

/** Where the outputs of `small` are found among those of `big`, if they all are. */
function covers(big: Node, small: Node): readonly number[] | undefined {
  if (big.op === 'scan' && small.op === 'scan') return scanCovers(big, small);
  if (big.op === 'adjoint_scan' && small.op === 'adjoint_scan') return adjointCovers(big, small);
  if (big.op === 'while' && small.op === 'while') return whileCovers(big, small);
  return undefined;
}

/** Does each of `params` occur among `others` with the same operand? */
function sameOperands(
  params: readonly Node[],
  operands: readonly Node[],
  others: readonly Node[],
  otherOperands: readonly Node[],
): boolean {
  return params.every((p, i) => {
    const place = others.indexOf(p);
    return place >= 0 && otherOperands[place] === operands[i];
  });
}

/** The places of `wanted` in `list`; undefined when one is missing. */
function placesOf(wanted: readonly Node[], list: readonly Node[]): number[] | undefined {
  const places = wanted.map((w) => list.indexOf(w));
  return places.every((p) => p >= 0) ? places : undefined;
}

function scanCovers(big: NodeOf<'scan'>, small: NodeOf<'scan'>): readonly number[] | undefined {
  const [b, s] = [scanParts(big), scanParts(small)];
  if (small.attrs.snapshots > 0 && small.attrs.snapshots !== big.attrs.snapshots) return undefined;
  const carries = placesOf(s.carryParams, b.carryParams);
  const ys = placesOf(s.yResults, b.yResults);
  if (carries === undefined || ys === undefined) return undefined;
  const same =
    carries.every((place, i) => b.init[place] === s.init[i] && b.carryResults[place] === s.carryResults[i]) &&
    sameOperands(s.xParams, s.xs, b.xParams, b.xs) &&
    sameOperands(s.constParams, s.consts, b.constParams, b.consts);
  if (!same) return undefined;
  const first = b.carryParams.length;
  const snapshots = small.attrs.snapshots > 0 ? carries : [];
  return [
    ...carries,
    ...ys.map((y) => first + y),
    ...snapshots.map((place) => first + b.yResults.length + place),
  ];
}

function adjointCovers(
  big: NodeOf<'adjoint_scan'>,
  small: NodeOf<'adjoint_scan'>,
): readonly number[] | undefined {
  const [b, s] = [adjointScanParts(big), adjointScanParts(small)];
  const carries = placesOf(s.backward.carryParams, b.backward.carryParams);
  const cts = placesOf(s.backward.ctParams, b.backward.ctParams);
  const ys = placesOf(s.backward.yResults, b.backward.yResults);
  if (carries === undefined || cts === undefined || ys === undefined) return undefined;
  const same =
    carries.every(
      (place, i) =>
        b.snapshots[place] === s.snapshots[i] &&
        b.forward.carryParams[place] === s.forward.carryParams[i] &&
        b.forward.results[place] === s.forward.results[i],
    ) &&
    cts.every(
      (place, i) =>
        b.cotangents[place] === s.cotangents[i] && b.backward.ctResults[place] === s.backward.ctResults[i],
    ) &&
    [s.forward, s.backward].every((side, k) => {
      const other = k === 0 ? b.forward : b.backward;
      return (
        sameOperands(side.xParams, s.xs, other.xParams, b.xs) &&
        sameOperands(side.constParams, s.consts, other.constParams, b.consts)
      );
    });
  return same ? [...cts, ...ys.map((y) => b.backward.ctParams.length + y)] : undefined;
}

function whileCovers(big: NodeOf<'while'>, small: NodeOf<'while'>): readonly number[] | undefined {
  const [b, s] = [whileParts(big), whileParts(small)];
  const carries = placesOf(s.carryParams, b.carryParams);
  if (carries === undefined || big.attrs.condition.results[0] !== small.attrs.condition.results[0])
    return undefined;
  const [B, S] = [big.attrs.condition.params, small.attrs.condition.params];
  const same =
    carries.every(
      (place, i) => b.init[place] === s.init[i] && b.results[place] === s.results[i] && B[place] === S[i],
    ) &&
    sameOperands(s.constParams, s.consts, b.constParams, b.consts) &&
    sameOperands(S.slice(carries.length), s.consts, B.slice(b.init.length), b.consts);
  return same ? [...carries, b.init.length] : undefined;
}

// ---- replacing

/** `to` may be younger than users of `from`, so this walk follows operands instead of ids. */
function replaceLoop(g: Graph, results: readonly Node[], { from, to, outputs }: Pair): Node[] {
  const images = new Map<Node, Node>();
  const open = new Set<Node>();
  const stack = [...results].reverse();
  const operandsOf = (node: Node): readonly Node[] =>
    node.op === 'project' && node.args[0] === from ? [to] : node.args;
  for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
    if (images.has(node)) {
      stack.pop();
      continue;
    }
    const operands = operandsOf(node);
    const missing = operands.filter((a) => !images.has(a));
    if (missing.length > 0) {
      if (open.has(node)) throw new InternalError('autodiff.absorb_loops', 'a loop depends on itself');
      open.add(node);
      stack.push(...missing);
      continue;
    }
    stack.pop();
    open.delete(node);
    images.set(
      node,
      imageOf(
        node,
        operands.map((a) => images.get(a) ?? a),
      ),
    );
  }
  return results.map((r) => images.get(r) ?? r);

  function imageOf(node: Node, operands: readonly Node[]): Node {
    if (node.op === 'project' && node.args[0] === from)
      return project(g, at(operands, 0), at(outputs, node.attrs.index));
    return operands.every((a, i) => a === node.args[i]) ? node : rebuild(g, node, operands);
  }
}
