// Forward mode: the tangents of nodes, given tangents of the nodes they depend on (jvp: Jacobian-vector product).
//
// Primal nodes are shared, never copied: hash-consing makes the tangent program an extension of the primal one. In `linearize` mode what is made is
// to be transposed afterwards: `while` becomes a masked scan and `adjoint_scan` ordinary scans, because only those can be run backwards.
//
// Invariant: the tangents are linear in the tangents given; a result that cannot move has tangent undefined.

import { ne, select } from '../ir/build.ts';
import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import type { Graph } from '../ir/graph.ts';
import { reachable, substitute } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { isFloat, sameShape, showType } from '../ir/types.ts';
import { activityOf } from './activity.ts';
import type { RuleContext } from './jvp_rules.ts';
import { applyJvpRule } from './jvp_rules.ts';
import { pushAdjointScan, pushCond, pushScan, pushWhile } from './jvp_regions.ts';
import { pushCustom, pushTransposed } from './push_custom.ts';
import { pushLinearSolve } from './linear_solve.ts';
import type { Inside, RegionContext } from './jvp_regions.ts';
import { Discards, Finiteness, finiteOrZero, maskedNodes } from './mask.ts';
import type { Tangent } from './tangent.ts';

export interface PushOptions extends Partial<Inside> {
  readonly linearize: boolean;
}

/**
 * Tangents of `outputs` when `inputs` (any nodes, mostly parameters) move by `tangents`. Undefined stands for zero, on both sides. Tangents of nodes that
 * are not floats must be undefined.
 */
export function jvp(
  g: Graph,
  outputs: readonly Node[],
  inputs: readonly Node[],
  tangents: readonly Tangent[],
): Tangent[] {
  return push(g, outputs, seedsOf(inputs, tangents), { linearize: false });
}

/** The tangents given, by node; checked. */
export function seedsOf(inputs: readonly Node[], tangents: readonly Tangent[]): Map<Node, Node> {
  if (inputs.length !== tangents.length)
    throw new InternalError('autodiff.jvp', `${inputs.length} inputs, ${tangents.length} tangents`);
  const seeds = new Map<Node, Node>();
  inputs.forEach((input, i) => {
    const t = tangents[i];
    if (t === undefined) return;
    if (!isFloat(input.dtype) || t.dtype !== input.dtype || !sameShape(t.shape, input.shape))
      throw new InternalError('autodiff.jvp', `tangent ${showType(t)} of ${showType(input)}`);
    if (seeds.has(input)) throw new InternalError('autodiff.jvp', 'one input given twice');
    seeds.set(input, t);
  });
  return seeds;
}

/** jvp with options, on seeds by node. Walks end at the seeds. */
export function push(
  g: Graph,
  results: readonly Node[],
  seeds: ReadonlyMap<Node, Node>,
  options: PushOptions,
): Tangent[] {
  const ends = new Set([...seeds.keys(), ...(options.ends ?? [])]);
  const activity = activityOf(results, seeds.keys(), ends);
  if (!results.some((r) => activity.has(r))) return results.map(() => undefined);
  const masked = maskedNodes(results, options.masked ?? [], ends);
  const finiteness = new Finiteness(options.suspects);
  const discards = new Discards(options.discards);
  const risky = results.some((r) => finiteness.mayBeNonFinite(r));
  const tangents = new Map<Node, readonly Tangent[]>();
  for (const [node, t] of seeds) tangents.set(node, [t]);

  const contextOf = (node: Node): RuleContext & RegionContext => ({
    g,
    self: node,
    linearize: options.linearize,
    masked: masked.has(node),
    factor: (f) => (masked.has(node) && finiteness.mayBeNonFinite(f) ? finiteOrZero(g, f) : f),
    kept: (t, f) => (risky && discards.mayBeDiscarded(f) ? select(g, ne(g, f, 0), t, 0) : t),
    mayBeNonFinite: (x) => finiteness.mayBeNonFinite(x),
    mayBeDiscarded: (x) => discards.mayBeDiscarded(x),
    expand: (make, t) => {
      const params = node.args.map((a, i) => g.param(`operand${i}`, a));
      const of = (is: (a: Node) => boolean): Node[] => params.filter((_, i) => is(at(node.args, i)));
      const made = push(
        g,
        [make(params)],
        new Map(
          params.flatMap((p, i) => {
            const moved = t[i];
            return moved === undefined ? [] : [[p, moved] as const];
          }),
        ),
        {
          linearize: options.linearize,
          masked: [masked.has(node)],
          suspects: of((a) => finiteness.mayBeNonFinite(a)),
          discards: of((a) => discards.mayBeDiscarded(a)),
          ends: new Set(params),
        },
      )[0];
      const operands = new Map(params.map((p, i) => [p, at(node.args, i)] as const));
      return made && substitute(g, [made], operands)[0];
    },
    push: (inner, given, inside) => push(g, inner, given, { linearize: options.linearize, ...inside }),
  });

  for (const node of reachable(results, ends)) {
    if (seeds.has(node) || !activity.has(node)) continue;
    const made = g.withOrigin(node.origin, () => tangentsOfNode(contextOf(node), node, tangents));
    if (made.some((t) => t !== undefined)) tangents.set(node, made);
  }
  return results.map((r) => tangents.get(r)?.[0]);
}

function tangentsOfNode(
  c: RuleContext & RegionContext,
  node: Node,
  tangents: ReadonlyMap<Node, readonly Tangent[]>,
): readonly Tangent[] {
  if (node.op === 'project') return [tangents.get(at(node.args, 0))?.[node.attrs.index]];
  const t = node.args.map((a) => tangents.get(a)?.[0]);
  if (t.every((x) => x === undefined)) return [];
  switch (node.op) {
    case 'scan':
      return pushScan(c, node, t);
    case 'adjoint_scan':
      return pushAdjointScan(c, node, t);
    case 'while':
      return pushWhile(c, node, t);
    case 'cond':
      return pushCond(c, node, t);
    case 'custom':
      return pushCustom(c, node, t);
    case 'transposed':
      return pushTransposed(c, node, t);
    case 'linear_solve':
      return pushLinearSolve(c, node, t);
    case 'check':
      return t.slice(0, node.attrs.values);
    default:
      return [applyJvpRule(c, node, t)];
  }
}
