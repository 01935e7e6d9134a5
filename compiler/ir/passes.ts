// The passes over whole functions of array IR. Each takes a function and gives an equivalent one over the same parameters; an unchanged function is returned
// as it is, so `optimize` runs them until nothing changes.
//
//   simplify   makes every node anew, inside regions too, so that local rewrites see what their operands have become
//   dce        drops what nobody reads, makes constants of carries that do not change, hoists loop-invariant work (reduce_loops.ts)
//   cse        merges equal regions and loops that compute the same states (merge_loops.ts)

import { regionsOf } from './classes.ts';
import { Dependence } from './dependence.ts';
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
  return rebuildFunction(g, fn, reducer(g));
}

/** Remembers what became of an operation with these operands and these outputs read: functions of one program share loops, and a pass comes back to them in every round. */
function reducer(g: Graph): RegionHandler {
  const known = new Map<string, readonly (Node | undefined)[]>();
  const dependence = new Dependence();
  const handle: RegionHandler = (node, args, used) => {
    const read = [...used].sort((a, b) => a - b).join();
    const key = `${node.id}:${read}:${args.map((a) => a.id).join()}`;
    let outputs = known.get(key);
    if (outputs === undefined) {
      const operation = mapRegions(node, (region) => rebuildRegion(g, region, handle));
      outputs = reduceRegionOperation(g, operation, args, used, dependence);
      known.set(key, outputs);
    }
    return outputs;
  };
  return handle;
}

export function cse(g: Graph, fn: ArrayFunction): ArrayFunction {
  return mergeFunction(merger(g), fn);
}

function mergeFunction(merge: (region: Region) => Region, fn: ArrayFunction): ArrayFunction {
  const region = merge(fn.region);
  return region === fn.region ? fn : { ...fn, region };
}

/** Merges the operations of a region and of the regions inside; each region once. */
function merger(g: Graph): (region: Region) => Region {
  const known = new Map<Region, Region>();
  const merge = (region: Region): Region => {
    let merged = known.get(region);
    if (merged === undefined) {
      merged = mergeRegionNodes(g, rebuildRegion(g, region, handle));
      known.set(region, merged);
    }
    return merged;
  };
  const handle: RegionHandler = (node, args) => {
    const regions = regionsOf(node);
    const same = regions.every(([, region]) => merge(region) === region);
    return applyRegionOperation(g, same ? node : mapRegions(node, merge), args);
  };
  return merge;
}

/** More rounds than any program has needed; each round that changes something makes the program smaller, so this only guards against a bug. */
const ROUNDS = 12;

/** All passes until nothing changes. */
export function optimize(g: Graph, fn: ArrayFunction): ArrayFunction {
  return optimizer(g)(fn);
}

/** `optimize` for the functions of one program, which have much in common: what was found for one serves the others. */
export function optimizer(g: Graph): (fn: ArrayFunction) => ArrayFunction {
  const reduce = reducer(g);
  const merge = merger(g);
  return (fn) => {
    let now = fn;
    for (let round = 0; round < ROUNDS; round++) {
      const next = mergeFunction(merge, rebuildFunction(g, now, reduce));
      if (next === now) break;
      now = next;
    }
    return now;
  };
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
