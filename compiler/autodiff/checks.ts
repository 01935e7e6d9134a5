// Checks in batches. A check of n elements holds for each by itself. Where a batch computes what some elements do not need (the branch not taken, turns of a loop after an element's last), the
// checks in there count only for the elements that do: `checksUnder` puts that into their conditions, in regions at any depth.

import { at } from '../support/lists.ts';
import { broadcastAxes, cast, ne, not, or, projections } from '../ir/build.ts';
import type { CompoundNode } from '../ir/classes.ts';
import { isCompound, regionsOf } from '../ir/classes.ts';
import type { Graph } from '../ir/graph.ts';
import { applyRegionOperation } from '../ir/rebuild.ts';
import { reachable, rebuild } from '../ir/region.ts';
import type { Node, NodeOf, Region } from '../ir/types.ts';
import type { Image } from './batch_rules.ts';
import { lift } from './batch_rules.ts';

/** All outputs differ between elements when anything does. */
export function batchCheck(g: Graph, node: NodeOf<'check'>, args: readonly Image[], n: number): Image[] {
  const made = g.node(
    'check',
    args.map((a) => lift(g, a, n)),
    { ...node.attrs, members: [g.memberWord(), ...(node.attrs.members ?? [])] },
  );
  return projections(g, made).map((value): Image => ({ value, batched: true }));
}

export function hasChecks(results: readonly Node[]): boolean {
  return reachable(results).some(
    (n) =>
      isCompound(n) && (n.op === 'check' || regionsOf(n).some(([, region]) => hasChecks(region.results))),
  );
}

/** The results, with checks that count only where `needed` (bool [] or, with a leading axis, as the checks have it) holds. Walks end at `stop`. */
export function checksUnder(
  g: Graph,
  results: readonly Node[],
  needed: Node,
  stop: { has(node: Node): boolean } = new Set(),
): Node[] {
  if (!hasChecks(results)) return [...results];
  const images = new Map<Node, Node>();
  const image = (node: Node): Node => images.get(node) ?? node;
  for (const node of reachable(results, stop)) {
    if (stop.has(node)) continue;
    const args = node.args.map(image);
    if (isCompound(node) && (node.op === 'check' || regionsOf(node).some(([, r]) => hasChecks(r.results))))
      images.set(
        node,
        g.withOrigin(node.origin, () => under(g, node, args, needed)),
      );
    else if (args.some((a, i) => a !== node.args[i])) images.set(node, rebuild(g, node, args));
  }
  return results.map(image);
}

function under(g: Graph, node: CompoundNode, args: readonly Node[], needed: Node): Node {
  if (node.op === 'check') return checkUnder(g, node, args, needed);
  const flag = cast(g, needed, 'i32');
  /** The region with one parameter more, behind the first `position`. */
  const inside = ({ params, results }: Region, position = params.length): Region => {
    const param = g.param('needed', flag);
    return {
      params: [...params.slice(0, position), param, ...params.slice(position)],
      results: checksUnder(g, results, ne(g, param, 0), new Set(params)),
    };
  };
  const more = [...args, flag];
  const made = (operands: readonly Node[], operation: Parameters<typeof applyRegionOperation>[1]): Node =>
    at(at(applyRegionOperation(g, operation, operands), 0).args, 0);
  switch (node.op) {
    case 'scan':
      return made(more, { op: 'scan', attrs: { ...node.attrs, body: inside(node.attrs.body) } });
    case 'adjoint_scan': {
      const { forward, backward } = node.attrs;
      return made(more, {
        op: 'adjoint_scan',
        attrs: { ...node.attrs, forward: inside(forward), backward: inside(backward) },
      });
    }
    case 'while': {
      const { condition, body } = node.attrs;
      return made(more, {
        op: 'while',
        attrs: { ...node.attrs, condition: inside(condition), body: inside(body) },
      });
    }
    case 'cond':
      return made(more, {
        op: 'cond',
        attrs: { ...node.attrs, then: inside(node.attrs.then), else: inside(node.attrs.else) },
      });
    case 'custom': {
      const { primal, rule, captured } = node.attrs;
      return made(more, {
        op: 'custom',
        attrs: {
          ...node.attrs,
          captured: [...captured, 'a choice'],
          primal: inside(primal),
          rule: inside(rule, args.length),
        },
      });
    }
    case 'transposed': {
      const { residuals, map } = node.attrs;
      return made([...args.slice(0, residuals), flag, ...args.slice(residuals)], {
        op: 'transposed',
        attrs: { ...node.attrs, residuals: residuals + 1, map: inside(map, residuals) },
      });
    }
    case 'linear_solve': {
      const { operator, adjoint, solve, adjointSolve, unknowns } = node.attrs;
      return made(more, {
        op: 'linear_solve',
        attrs: {
          unknowns,
          operator: inside(operator),
          adjoint: inside(adjoint),
          solve: inside(solve),
          adjointSolve: inside(adjointSolve),
        },
      });
    }
  }
}

function checkUnder(g: Graph, node: NodeOf<'check'>, args: readonly Node[], needed: Node): Node {
  const { values } = node.attrs;
  const [ok, ...shown] = args.slice(values);
  if (ok === undefined) return node;
  const shape = ok.shape.length >= needed.shape.length ? ok.shape : needed.shape;
  const spread = (x: Node): Node =>
    broadcastAxes(
      g,
      x,
      shape,
      x.shape.map((_, axis) => axis),
    );
  const holds = or(g, spread(ok), not(g, spread(needed)));
  const members = shape.map((_, axis) => node.attrs.members?.[axis] ?? '');
  return g.node('check', [...args.slice(0, values), holds, ...shown.map(spread)], { ...node.attrs, members });
}
