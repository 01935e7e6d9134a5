// Reverse mode and batches of computations whose derivative is given by a rule (`custom`), and of the transposed map that forward mode makes of a cotangent rule (`transposed`; forward mode
// itself: push_custom.ts).

import { at, range } from '../support/lists.ts';
import { projections, reduceSum } from '../ir/build.ts';
import type { BatchedRegion, Graph } from '../ir/graph.ts';
import { inlineRegion } from '../ir/region.ts';
import type { Node, NodeOf, Region } from '../ir/types.ts';
import { isFloat } from '../ir/types.ts';
import { activityOf } from './activity.ts';
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

/** A region on parameters with a batch axis where flagged, its results not yet lifted; the same for the same region. */
export function batchRegion(
  g: Graph,
  region: Region,
  flags: readonly boolean[],
  n: number,
  vectorize: Vectorizer,
): BatchedRegion {
  let known = g.batches.get(region);
  if (known === undefined) {
    known = new Map();
    g.batches.set(region, known);
  }
  const key = `${n} ${g.memberWord()} ${flags.map(Number).join('')}`;
  let made = known.get(key);
  if (made === undefined) {
    made = batchedRegion(g, region, flags, n, vectorize);
    known.set(key, made);
  }
  return made;
}

function batchedRegion(
  g: Graph,
  region: Region,
  flags: readonly boolean[],
  n: number,
  vectorize: Vectorizer,
): BatchedRegion {
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
  const lifted = { params: inside.params, results: inside.images.map((x) => lift(g, x, n)) };
  const values = args.map((a) => a.value);
  if (mode === 'recompute')
    return projections(g, g.node('custom', values, { ...node.attrs, primal: lifted })).map(differing);
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
  const batched = g.node('custom', values, {
    ...node.attrs,
    primal: lifted,
    rule: { params: made.params, results },
  });
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
