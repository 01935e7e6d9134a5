// The passes over whole functions of array IR. Each takes a function and gives an equivalent one over the same parameters; an unchanged function is returned
// as it is, so `optimize` runs them until nothing changes.
//
//   simplify   makes every node anew, inside regions too, so that local rewrites see what their operands have become
//   dce        drops what nobody reads, makes constants of carries that do not change, hoists loop-invariant work (reduce_loops.ts)
//   cse        merges equal regions and loops that compute the same states (merge_loops.ts)

import { regionsOf } from './classes.ts';
import type { Graph } from './graph.ts';
import { mergeRegionNodes } from './merge_loops.ts';
import type { RegionHandler } from './rebuild.ts';
import { applyRegionOperation, mapRegions, rebuildFunction, rebuildRegion } from './rebuild.ts';
import { reduceRegionOperation } from './reduce_loops.ts';
import { reachable } from './region.ts';
import type { ArrayFunction, Node, Region } from './types.ts';

export function simplify(g: Graph, fn: ArrayFunction): ArrayFunction {
  const handle: RegionHandler = (node, args) =>
    applyRegionOperation(
      g,
      mapRegions(node, (region) => rebuildRegion(g, region, handle)),
      args,
    );
  return rebuildFunction(g, fn, handle);
}

export function dce(g: Graph, fn: ArrayFunction): ArrayFunction {
  return rebuildFunction(g, fn, reducer(g, new Set()));
}

/** `settled` remembers the operations (with the outputs read) that came out as they went in. */
function reducer(g: Graph, settled: Set<string>): RegionHandler {
  const handle: RegionHandler = (node, args, used) => {
    const key = `${node.id}:${[...used].sort((a, b) => a - b).join(',')}`;
    const untouched = args.every((a, i) => a === node.args[i]);
    if (untouched && settled.has(key)) return applyRegionOperation(g, node, args);
    const operation = mapRegions(node, (region) => rebuildRegion(g, region, handle));
    const outputs = reduceRegionOperation(g, operation, args, used);
    if (outputs.some((o) => o?.op === 'project' && o.args[0] === node)) settled.add(key);
    return outputs;
  };
  return handle;
}

export function cse(g: Graph, fn: ArrayFunction): ArrayFunction {
  const merge = (region: Region): Region => mergeRegionNodes(g, rebuildRegion(g, region, handle));
  const handle: RegionHandler = (node, args) => applyRegionOperation(g, mapRegions(node, merge), args);
  const region = merge(fn.region);
  return region === fn.region ? fn : { ...fn, region };
}

/** More rounds than any program has needed; each round that changes something makes the program smaller, so this only guards against a bug. */
const ROUNDS = 12;

/** All passes until nothing changes. */
export function optimize(g: Graph, fn: ArrayFunction): ArrayFunction {
  const reduce = reducer(g, new Set());
  let now = fn;
  for (let round = 0; round < ROUNDS; round++) {
    const next = cse(g, rebuildFunction(g, now, reduce));
    if (next === now) break;
    now = next;
  }
  return now;
}

/** The number of nodes that results take, those of regions included. */
export function countNodes(results: readonly Node[]): number {
  let count = 0;
  for (const node of reachable(results)) {
    count++;
    for (const [, region] of regionsOf(node)) count += countNodes(region.results);
  }
  return count;
}
