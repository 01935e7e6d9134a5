// Computations whose derivative is given by a rule (`custom`), and the transposed map that forward mode makes of a cotangent rule (`transposed`).
//
// A tangent rule is inlined where forward mode asks for it: what it computes is ordinary array IR, linear in the tangents, so reverse mode transposes it and
// further derivatives differentiate it. A cotangent rule R(residuals, u) becomes `transposed`, the map Rᵀ: reverse mode transposes that into R exactly as it was
// written, and forward mode alone has it expanded (expand_rules.ts). With L(r) = R(r, ·)ᵀ, the tangent of L(r) x is L(r) x' + L'(r, r') x, where L' is the
// transpose of R's own tangent: so rules differentiate to every order.
//
// Captured values have no part in the rule. One that moves would be a silent zero: it is an error that names it.

import { FlowError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import { add, projections, reduceSum } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import { inlineRegion } from '../ir/region.ts';
import type { Node, NodeOf, Region } from '../ir/types.ts';
import { isFloat } from '../ir/types.ts';
import { activityOf, regionActivity } from './activity.ts';
import type { RegionContext } from './jvp_regions.ts';
import type { Image } from './batch_rules.ts';
import { lift } from './batch_rules.ts';
import { pick } from './loops.ts';
import { NonlinearError } from './nonlinear.ts';
import type { Tangent } from './tangent.ts';
import { materialize } from './tangent.ts';

type Transposer = (
  g: Graph,
  results: readonly Node[],
  cotangents: readonly Tangent[],
  params: readonly Node[],
) => Tangent[];

type Vectorizer = (
  g: Graph,
  results: readonly Node[],
  mapping: ReadonlyMap<Node, Node>,
  n: number,
) => Image[];

const isMoving = (t: Tangent): t is Node => t !== undefined;

// ---- forward mode

export function pushCustom(c: RegionContext, node: NodeOf<'custom'>, t: readonly Tangent[]): Tangent[] {
  const { g } = c;
  const { args: count, mode, rule, name } = node.attrs;
  refuseCaptured(node, t);
  const args = node.args.slice(0, count);
  const outputs = projections(g, node);
  const floats = outputs.filter((y) => isFloat(y.dtype));
  const residuals = [...node.args, ...outputs];
  const spread = (tangents: readonly Node[]): Tangent[] => {
    const next = tangents.values();
    return outputs.map((y) => (isFloat(y.dtype) ? next.next().value : undefined));
  };
  if (mode === 'tangent') {
    const tangents = args.flatMap((x, i) => (isFloat(x.dtype) ? [materialize(g, t[i], x)] : []));
    return spread(inlineRegion(g, rule, [...residuals, ...tangents]));
  }
  const floatArgs = range(count).filter((i) => isFloat(at(args, i).dtype));
  const moving = floatArgs.map((i) => isMoving(t[i]));
  const map: Region = { params: rule.params, results: pick(rule.results, moving) };
  const given = t.slice(0, count).filter(isMoving);
  if (floats.length === 0) return [];
  return spread(
    projections(
      g,
      g.node('transposed', [...residuals, ...given], { name, residuals: residuals.length, map }),
    ),
  );
}

/** A captured value matters when the primal computation or the rule depends on it; a solver's own data (a preconditioner, a first guess) does not. */
function refuseCaptured(node: NodeOf<'custom'>, t: readonly Tangent[]): void {
  const { args, captured, name, primal, rule } = node.attrs;
  const matters = (i: number): boolean =>
    [primal, rule].some((region) =>
      regionActivity(
        region,
        region.params.map((_, k) => k === args + i),
      ).some((a) => a),
    );
  const moving = [...new Set(captured.filter((_, i) => t[args + i] !== undefined && matters(i)))];
  if (moving.length === 0) return;
  const names = moving.map((m) => `\`${m}\``).join(' and ');
  throw new FlowError([
    {
      severity: 'error',
      code: 'E510',
      message: `the derivative is taken with respect to ${names}, which ${name} uses without taking it as an argument: its rule has nothing to say of it`,
      ...(node.origin === undefined ? {} : { span: node.origin }),
      help: `make ${names} an argument of ${name}, so that the rule covers it, or write stop_gradient(…) where it is a constant`,
    },
  ]);
}

export function pushTransposed(
  c: RegionContext,
  node: NodeOf<'transposed'>,
  t: readonly Tangent[],
): Tangent[] {
  const { g } = c;
  const { residuals: count, map, name } = node.attrs;
  const residuals = node.args.slice(0, count);
  const x = node.args.slice(count);
  const sums: Tangent[] = node.outputs.map(() => undefined);
  const contribute = (made: Node): void =>
    projections(g, made).forEach((y, i) => {
      const before = sums[i];
      sums[i] = before === undefined ? y : add(g, before, y);
    });

  const moved = x.map((_, i) => t[count + i] !== undefined);
  if (moved.some((m) => m))
    contribute(
      g.node('transposed', [...residuals, ...t.slice(count).filter(isMoving)], {
        name,
        residuals: count,
        map: { params: map.params, results: pick(map.results, moved) },
      }),
    );

  const params = map.params.slice(0, count);
  const seeds = params.flatMap((p, i): [Node, Node][] =>
    t[i] === undefined ? [] : [[p, g.param(`d_${nameOf(p)}`, p)]],
  );
  if (seeds.length > 0) {
    const pushed = c.push(map.results, new Map(seeds));
    const there = pushed.map(isMoving);
    if (there.some((m) => m))
      contribute(
        g.node('transposed', [...residuals, ...t.slice(0, count).filter(isMoving), ...pick(x, there)], {
          name,
          residuals: count + seeds.length,
          map: {
            params: [...params, ...seeds.map(([, d]) => d), ...map.params.slice(count)],
            results: pushed.filter(isMoving),
          },
        }),
      );
  }
  return sums;
}

const nameOf = (node: Node): string => (node.op === 'param' ? node.attrs.name : 'x');

// ---- reverse mode

/** Linear in x, or, as the tangent of a map in its residuals, linear in some of those. */
export function transposeTransposed(
  g: Graph,
  node: NodeOf<'transposed'>,
  cts: readonly Tangent[],
  active: readonly boolean[],
  transpose: Transposer,
): Tangent[] {
  const { residuals: count, map } = node.attrs;
  const residuals = node.args.slice(0, count);
  const given = node.outputs.map((type, i) => materialize(g, cts[i], type));
  const linear = active.slice(0, count);
  const all: Tangent[] = node.args.map(() => undefined);
  if (active.slice(count).some((a) => a)) {
    if (linear.some((l) => l))
      throw new NonlinearError('a transposed map of tangents in x and in its residuals', node.origin);
    inlineRegion(g, map, [...residuals, ...given]).forEach((ct, i) => (all[count + i] = ct));
    return all;
  }
  // <u, M(r)ᵀ x> = <M(r) u, x>: the cotangent of r is that of M(r) u, which is linear in r, at x.
  const params = pick(map.params.slice(0, count), linear);
  const xs = map.results.map((r, i) => g.param(`x${i}`, r));
  const pulled = transpose(g, map.results, xs, params);
  const rest = map.params.filter((p) => !params.includes(p));
  const region = {
    params: [...rest, ...xs],
    results: pulled.map((ct, k) => materialize(g, ct, at(params, k))),
  };
  const kept = residuals.filter((_, i) => linear[i] !== true);
  const made = inlineRegion(g, region, [...kept, ...given, ...node.args.slice(count)]).values();
  linear.forEach((l, i) => {
    if (l) all[i] = made.next().value;
  });
  return all;
}

/** The value of a transposed map as ordinary operations. */
export function expandTransposed(
  g: Graph,
  map: Region,
  residuals: readonly Node[],
  x: readonly Node[],
  transpose: Transposer,
): Node[] {
  const u = map.params.slice(residuals.length);
  const xs = map.results.map((r, i) => g.param(`x${i}`, r));
  const pulled = transpose(g, map.results, xs, u);
  const region = {
    params: [...map.params.slice(0, residuals.length), ...xs],
    results: pulled.map((ct, k) => materialize(g, ct, at(u, k))),
  };
  const inside = activityOf(region.results, u);
  if (region.results.some((r) => inside.has(r)))
    throw new NonlinearError('a map is not linear in its argument', undefined);
  return inlineRegion(g, region, [...residuals, ...x]);
}

// ---- batches

/** A region on parameters with a batch axis where flagged, its results not yet lifted. */
export function batchRegion(
  g: Graph,
  region: Region,
  flags: readonly boolean[],
  n: number,
  vectorize: Vectorizer,
): { readonly params: readonly Node[]; readonly images: readonly Image[] } {
  const params = region.params.map((p, i) =>
    flags[i] === true ? g.param(nameOf(p), { dtype: p.dtype, shape: [n, ...p.shape] }) : p,
  );
  const mapping = new Map(
    region.params.flatMap((p, i): [Node, Node][] => (flags[i] === true ? [[p, at(params, i)]] : [])),
  );
  return { params, images: vectorize(g, region.results, mapping, n) };
}

const differing = (value: Node): Image => ({ value, batched: true });

/** All outputs get the axis. What a rule gives for an argument that is the same for all elements is the sum over them. */
export function batchCustom(
  g: Graph,
  node: NodeOf<'custom'>,
  args: readonly Image[],
  n: number,
  vectorize: Vectorizer,
): Image[] {
  const { args: count, mode, primal, rule } = node.attrs;
  const flags = args.map((a) => a.batched);
  const inside = batchRegion(g, primal, flags, n, vectorize);
  const floatArgs = range(count).filter((i) => isFloat(at(node.args, i).dtype));
  const floatOutputs = node.outputs.filter((o) => isFloat(o.dtype));
  const outputs = node.outputs.map(() => true);
  const forwards = mode === 'tangent';
  const made = batchRegion(
    g,
    rule,
    [
      ...flags,
      ...outputs,
      ...(forwards ? floatArgs.map((i) => flags[i] === true) : floatOutputs.map(() => true)),
    ],
    n,
    vectorize,
  );
  const results = made.images.map((image, k) => {
    const all = lift(g, image, n);
    return forwards || flags[at(floatArgs, k)] === true ? all : reduceSum(g, all, [0]);
  });
  const batched = g.node(
    'custom',
    args.map((a) => a.value),
    {
      ...node.attrs,
      primal: { params: inside.params, results: inside.images.map((x) => lift(g, x, n)) },
      rule: { params: made.params, results },
    },
  );
  return projections(g, batched).map(differing);
}

export function batchTransposed(
  g: Graph,
  node: NodeOf<'transposed'>,
  args: readonly Image[],
  n: number,
  vectorize: Vectorizer,
): Image[] {
  const { residuals: count, map } = node.attrs;
  const residuals = args.slice(0, count);
  const flags = [...residuals.map((a) => a.batched), ...node.outputs.map(() => true)];
  const made = batchRegion(g, map, flags, n, vectorize);
  const batched = g.node(
    'transposed',
    [...residuals.map((a) => a.value), ...args.slice(count).map((a) => lift(g, a, n))],
    { ...node.attrs, map: { params: made.params, results: made.images.map((x) => lift(g, x, n)) } },
  );
  return projections(g, batched).map(differing);
}
