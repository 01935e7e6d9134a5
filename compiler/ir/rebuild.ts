// The frame of the passes: makes a region anew, operands before users, and lets a handler replace region operations output by output.
//
// Making a node anew applies the local rewrites to what its operands have become; where nothing changed, the same nodes come back, so an unchanged
// region is recognised by identity.

import { at, get } from '../support/lists.ts';
import { projections } from './build.ts';
import type { CompoundNode } from './classes.ts';
import { isCompound } from './classes.ts';
import type { Graph } from './graph.ts';
import { reachable, rebuild } from './region.ts';
import type { ArrayFunction, Attributes, Node, Region } from './types.ts';

/**
 * Replacement for a region operation: one node for each output (undefined for one that nobody reads). `args` are the operands as made anew, `used` the
 * outputs that are read. What the handler makes carries the operation's place of the text.
 */
export type RegionHandler = (
  node: CompoundNode,
  args: readonly Node[],
  used: ReadonlySet<number>,
) => readonly (Node | undefined)[];

/** For every region operation among `order`: which of its outputs are read. */
export function usedOutputs(order: readonly Node[]): Map<Node, Set<number>> {
  const used = new Map<Node, Set<number>>();
  for (const node of order) {
    if (isCompound(node)) used.set(node, new Set());
    if (node.op === 'project') used.get(at(node.args, 0))?.add(node.attrs.index);
  }
  return used;
}

/** The region with its region operations handed to `handle` and everything else made anew. Parameters stay; an unchanged region is returned as it is. */
export function rebuildRegion(g: Graph, region: Region, handle: RegionHandler): Region {
  const own = new Set(region.params);
  const order = reachable(region.results, own);
  const used = usedOutputs(order);
  const outputs = new Map<Node, readonly (Node | undefined)[]>();
  const images = new Map<Node, Node>();
  const image = (node: Node): Node => images.get(node) ?? node;
  for (const node of order) {
    if (own.has(node)) continue;
    if (isCompound(node)) {
      const args = node.args.map(image);
      outputs.set(
        node,
        g.withOrigin(node.origin, () => handle(node, args, get(used, node))),
      );
    } else if (node.op === 'project') {
      images.set(
        node,
        at(
          get(outputs, at(node.args, 0)).map((o) => o ?? node),
          node.attrs.index,
        ),
      );
    } else if (node.args.some((a) => image(a) !== a)) {
      images.set(node, rebuild(g, node, node.args.map(image)));
    }
  }
  const results = region.results.map(image);
  return results.every((r, i) => r === region.results[i]) ? region : { params: region.params, results };
}

export function rebuildFunction(g: Graph, fn: ArrayFunction, handle: RegionHandler): ArrayFunction {
  const region = rebuildRegion(g, fn.region, handle);
  return region === fn.region ? fn : { ...fn, region };
}

type RegionOp = CompoundNode['op'];
/** A region operation without its operands. */
export type RegionOperation = {
  [P in RegionOp]: { readonly op: P; readonly attrs: Attributes[P] };
}[RegionOp];

/** The same region operation with each of its regions mapped. */
export function mapRegions(operation: RegionOperation, map: (region: Region) => Region): RegionOperation {
  switch (operation.op) {
    case 'scan': {
      const { attrs } = operation;
      return { op: 'scan', attrs: { ...attrs, body: map(attrs.body) } };
    }
    case 'adjoint_scan': {
      const { attrs } = operation;
      return {
        op: 'adjoint_scan',
        attrs: { ...attrs, forward: map(attrs.forward), backward: map(attrs.backward) },
      };
    }
    case 'while': {
      const { attrs } = operation;
      return { op: 'while', attrs: { ...attrs, condition: map(attrs.condition), body: map(attrs.body) } };
    }
    case 'cond': {
      const { attrs } = operation;
      return { op: 'cond', attrs: { ...attrs, then: map(attrs.then), else: map(attrs.else) } };
    }
    case 'custom': {
      const { attrs } = operation;
      return { op: 'custom', attrs: { ...attrs, primal: map(attrs.primal), rule: map(attrs.rule) } };
    }
    case 'transposed': {
      const { attrs } = operation;
      return { op: 'transposed', attrs: { ...attrs, map: map(attrs.map) } };
    }
    case 'check':
      return operation;
    case 'linear_solve': {
      const { attrs } = operation;
      return {
        op: 'linear_solve',
        attrs: {
          unknowns: attrs.unknowns,
          operator: map(attrs.operator),
          adjoint: map(attrs.adjoint),
          solve: map(attrs.solve),
          adjointSolve: map(attrs.adjointSolve),
        },
      };
    }
  }
}

/** Whether mapping has left every region of the operation as it was. */
export function sameRegions(operation: RegionOperation, mapped: RegionOperation): boolean {
  const before: Region[] = [];
  mapRegions(operation, (region) => {
    before.push(region);
    return region;
  });
  let same = true;
  mapRegions(mapped, (region) => {
    same &&= region === before.shift();
    return region;
  });
  return same;
}

/** All outputs of a region operation on these operands. */
export function applyRegionOperation(g: Graph, operation: RegionOperation, args: readonly Node[]): Node[] {
  return projections(g, g.node<RegionOp>(operation.op, args, operation.attrs));
}
