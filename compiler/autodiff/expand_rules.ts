// The end of rules: when all derivatives are taken, `custom` becomes its primal computation, `linear_solve` its solver, and `transposed` the transpose of its map.
// Optimisation, the schedule and the interpreter see ordinary operations only.
//
// In: a function of array IR. Out: an equivalent one without rule operations, at any depth. A map that turns out not to be linear is the mistake of whoever wrote
// the rule, and is reported where the rule is used.

import { FlowError } from '../support/diagnostic.ts';
import { isCompound, regionsOf } from '../ir/classes.ts';
import type { Graph } from '../ir/graph.ts';
import type { RegionHandler } from '../ir/rebuild.ts';
import { applyRegionOperation, mapRegions, rebuildRegion } from '../ir/rebuild.ts';
import { inlineRegion, reachable } from '../ir/region.ts';
import type { ArrayFunction, Node, Region } from '../ir/types.ts';
import { expandTransposed } from './custom.ts';
import { NonlinearError } from './nonlinear.ts';
import { transposeLinear } from './transpose.ts';

/** Expands the functions of one program; what was found for one serves the others. */
export function ruleExpander(g: Graph): (fn: ArrayFunction) => ArrayFunction {
  const expand = regionExpander(g);
  return (fn) => {
    const region = expand(fn.region);
    return region === fn.region ? fn : { ...fn, region };
  };
}

/** The values without rule operations. */
export function expandValues(g: Graph, values: readonly Node[]): readonly Node[] {
  return regionExpander(g)({ params: [], results: values }).results;
}

function regionExpander(g: Graph): (region: Region) => Region {
  const known = new Map<Region, Region>();
  const free = new Map<Region, boolean>();
  /** Whether a region holds no rules; bodies of loops are shared between many. */
  const isFree = (region: Region): boolean => {
    let answer = free.get(region);
    if (answer === undefined) {
      answer = reachable(region.results).every(
        (node) => !isCompound(node) || (!isRule(node) && regionsOf(node).every(([, inner]) => isFree(inner))),
      );
      free.set(region, answer);
    }
    return answer;
  };
  const expand = (region: Region): Region => {
    if (isFree(region)) return region;
    let made = known.get(region);
    if (made === undefined) {
      made = rebuildRegion(g, region, handle);
      known.set(region, made);
    }
    return made;
  };
  const handle: RegionHandler = (node, args) => {
    switch (node.op) {
      case 'custom':
        return inlineRegion(g, expand(node.attrs.primal), args);
      case 'linear_solve':
        return inlineRegion(g, expand(node.attrs.solve), args);
      case 'transposed': {
        const { residuals, map, name } = node.attrs;
        const made = linearly(node, name, () =>
          expandTransposed(g, map, args.slice(0, residuals), args.slice(residuals), transposeLinear),
        );
        return expand({ params: [], results: made }).results;
      }
      default:
        return applyRegionOperation(g, mapRegions(node, expand), args);
    }
  };
  return expand;
}

function isRule(node: Node): boolean {
  return node.op === 'custom' || node.op === 'transposed' || node.op === 'linear_solve';
}

function linearly<T>(node: Node, name: string, work: () => T): T {
  try {
    return work();
  } catch (e) {
    if (!(e instanceof NonlinearError)) throw e;
    const span = node.origin ?? e.place;
    throw new FlowError([
      {
        severity: 'error',
        code: 'E511',
        message: `forward mode needs the transpose of the \`derivative\` rule of ${name}, and the rule is not linear in the cotangent`,
        ...(span === undefined ? {} : { span }),
        help: 'a rule that clips or bends the cotangent works in gradients alone: not in jvp, hvp, jacobian of tall functions or `check gradient`',
      },
    ]);
  }
}
