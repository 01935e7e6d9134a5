// The batched form of loops and branches. Only the carries, outputs and constants that differ between elements get the batch axis (a fixpoint, activity.ts);
// it stands behind the axis a loop steps along.

import { at } from '../support/lists.ts';
import { add, broadcastAxes, full, projections, reduceAll, select, transposePerm } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import { inlineRegion } from '../ir/region.ts';
import type { Node, NodeOf } from '../ir/types.ts';
import { adjointScanActivity, scanActivity, whileActivity } from './activity.ts';
import type { Batched } from './batch_rules.ts';
import { lift } from './batch_rules.ts';
import { adjointScanParts, scanParts, whileParts } from './loops.ts';

type Vectorizer = (
  g: Graph,
  results: readonly Node[],
  mapping: ReadonlyMap<Node, Node>,
  n: number,
) => Batched[];

const isBatched = (x: Batched): boolean => x !== undefined;

/** Parameters with a batch axis where flagged, and the mapping from the old ones to them. */
function batchedParams(
  g: Graph,
  params: readonly Node[],
  flags: readonly boolean[],
  n: number,
): { readonly all: readonly Node[]; readonly mapping: readonly [Node, Node][] } {
  const all = params.map((p, i) =>
    flags[i] === true
      ? g.param(p.op === 'param' ? p.attrs.name : 'x', { dtype: p.dtype, shape: [n, ...p.shape] })
      : p,
  );
  return {
    all,
    mapping: params.flatMap((p, i): [Node, Node][] => (flags[i] === true ? [[p, at(all, i)]] : [])),
  };
}

/** [n, length, …] and [length, n, …] into each other. */
function swapLeading(g: Graph, x: Node): Node {
  return transposePerm(g, x, [1, 0, ...x.shape.map((_, axis) => axis).slice(2)]);
}

/** The images where flagged, the plain nodes elsewhere. */
function operands(
  g: Graph,
  nodes: readonly Node[],
  images: readonly Batched[],
  flags: readonly boolean[],
  n: number,
): Node[] {
  return nodes.map((x, i) => (flags[i] === true ? lift(g, x, images[i], n) : x));
}

/** Arrays to step through: their batch axis goes behind the leading one. */
function steppedOperands(g: Graph, nodes: readonly Node[], images: readonly Batched[]): Node[] {
  return nodes.map((x, i) => {
    const image = images[i];
    return image === undefined ? x : swapLeading(g, image);
  });
}

export function batchScan(
  g: Graph,
  node: NodeOf<'scan'>,
  args: readonly Batched[],
  n: number,
  vectorize: Vectorizer,
): Batched[] {
  const s = scanParts(node);
  const { carries: C, xs: X } = node.attrs;
  const flags = args.map(isBatched);
  const { carries, ys } = scanActivity(node, flags, 'value');
  const carry = batchedParams(g, s.carryParams, carries, n);
  const x = batchedParams(g, s.xParams, flags.slice(C, C + X), n);
  const constant = batchedParams(g, s.constParams, flags.slice(C + X), n);
  const images = vectorize(
    g,
    node.attrs.body.results,
    new Map([...carry.mapping, ...x.mapping, ...constant.mapping]),
    n,
  );
  const made = g.node(
    'scan',
    [
      ...operands(g, s.init, args, carries, n),
      ...steppedOperands(g, s.xs, args.slice(C, C + X)),
      ...operands(g, s.consts, args.slice(C + X), flags.slice(C + X), n),
    ],
    {
      ...node.attrs,
      body: {
        params: [s.index, ...carry.all, ...x.all, ...constant.all],
        results: operands(g, node.attrs.body.results, images, [...carries, ...ys], n),
      },
    },
  );
  const out = projections(g, made);
  const stacked = (o: Node, flag: boolean | undefined): Batched =>
    flag === true ? swapLeading(g, o) : undefined;
  return [
    ...out.slice(0, C).map((o, i): Batched => (carries[i] === true ? o : undefined)),
    ...out.slice(C, C + ys.length).map((o, i) => stacked(o, ys[i])),
    ...out.slice(C + ys.length).map((o, i) => stacked(o, carries[i])),
  ];
}

export function batchAdjointScan(
  g: Graph,
  node: NodeOf<'adjoint_scan'>,
  args: readonly Batched[],
  n: number,
  vectorize: Vectorizer,
): Batched[] {
  const s = adjointScanParts(node);
  const { carries: C, cotangents: M, xs: X } = node.attrs;
  const flags = args.map(isBatched);
  const { carries, cotangents, ys } = adjointScanActivity(node, flags, 'value');
  const [xFlags, constFlags] = [flags.slice(C + M, C + M + X), flags.slice(C + M + X)];

  const fCarry = batchedParams(g, s.forward.carryParams, carries, n);
  const fX = batchedParams(g, s.forward.xParams, xFlags, n);
  const fConst = batchedParams(g, s.forward.constParams, constFlags, n);
  const forward = vectorize(
    g,
    s.forward.results,
    new Map([...fCarry.mapping, ...fX.mapping, ...fConst.mapping]),
    n,
  );
  const bCarry = batchedParams(g, s.backward.carryParams, carries, n);
  const bCt = batchedParams(g, s.backward.ctParams, cotangents, n);
  const bX = batchedParams(g, s.backward.xParams, xFlags, n);
  const bConst = batchedParams(g, s.backward.constParams, constFlags, n);
  const backward = vectorize(
    g,
    node.attrs.backward.results,
    new Map([...bCarry.mapping, ...bCt.mapping, ...bX.mapping, ...bConst.mapping]),
    n,
  );
  const snapshots = s.snapshots.map((x, i) =>
    carries[i] === true ? swapLeading(g, lift(g, x, args[i], n)) : x,
  );
  const made = g.node(
    'adjoint_scan',
    [
      ...snapshots,
      ...operands(g, s.cotangents, args.slice(C), cotangents, n),
      ...steppedOperands(g, s.xs, args.slice(C + M, C + M + X)),
      ...operands(g, s.consts, args.slice(C + M + X), constFlags, n),
    ],
    {
      ...node.attrs,
      forward: {
        params: [s.forward.index, ...fCarry.all, ...fX.all, ...fConst.all],
        results: operands(g, s.forward.results, forward, carries, n),
      },
      backward: {
        params: [s.backward.index, ...bCarry.all, ...bCt.all, ...bX.all, ...bConst.all],
        results: operands(g, node.attrs.backward.results, backward, [...cotangents, ...ys], n),
      },
    },
  );
  const out = projections(g, made);
  return [
    ...out.slice(0, M).map((o, i): Batched => (cotangents[i] === true ? o : undefined)),
    ...out.slice(M).map((o, i): Batched => (ys[i] === true ? swapLeading(g, o) : undefined)),
  ];
}

/** The mask [n] at every element of an array with a leading axis of n. */
function selectElements(g: Graph, mask: Node, a: Node, b: Node): Node {
  return select(g, broadcastAxes(g, mask, a.shape, [0]), a, b);
}

/**
 * When the condition differs between elements, the loop goes on while any element does; an element that has stopped keeps its carries, so its condition stays
 * false, and its number of turns is carried. `index` is right for all that still run.
 */
export function batchWhile(
  g: Graph,
  node: NodeOf<'while'>,
  args: readonly Batched[],
  n: number,
  vectorize: Vectorizer,
): Batched[] {
  const s = whileParts(node);
  const { carries: C, condition } = node.attrs;
  const flags = args.map(isBatched);
  const { carries, turns: masked } = whileActivity(node, flags, 'value');
  const constFlags = flags.slice(C);

  const tested = batchedParams(g, condition.params, [...carries, ...constFlags], n);
  const goesOn = vectorize(g, condition.results, new Map(tested.mapping), n)[0];
  const carry = batchedParams(g, s.carryParams, carries, n);
  const constant = batchedParams(g, s.constParams, constFlags, n);
  const mapping = new Map([...carry.mapping, ...constant.mapping]);
  const images = operands(g, s.results, vectorize(g, s.results, mapping, n), carries, n);
  const init = operands(g, s.init, args, carries, n);
  const consts = operands(g, s.consts, args.slice(C), constFlags, n);

  if (!masked || goesOn === undefined) {
    const made = g.node('while', [...init, ...consts], {
      ...node.attrs,
      condition: { params: tested.all, results: condition.results },
      body: { params: [s.index, ...carry.all, ...constant.all], results: images },
    });
    const out = projections(g, made);
    return [...out.slice(0, C).map((o, i): Batched => (carries[i] === true ? o : undefined)), undefined];
  }

  const runs = inlineRegion(g, condition, [...s.carryParams, ...s.constParams]);
  const mask = lift(g, at(runs, 0), vectorize(g, runs, mapping, n)[0], n);
  const turns = g.param('turns', { dtype: 'i32', shape: [n] });
  const turnsTested = g.param('turns', { dtype: 'i32', shape: [n] });
  const next = images.map((image, i) =>
    carries[i] === true ? selectElements(g, mask, image, at(carry.all, i)) : image,
  );
  const made = g.node('while', [...init, full(g, [n], 0, 'i32'), ...consts], {
    carries: C + 1,
    limit: node.attrs.limit,
    condition: {
      params: [...tested.all.slice(0, C), turnsTested, ...tested.all.slice(C)],
      results: [reduceAll(g, 'any', goesOn)],
    },
    body: {
      params: [s.index, ...carry.all, turns, ...constant.all],
      results: [...next, select(g, mask, add(g, turns, 1), turns)],
    },
  });
  const out = projections(g, made);
  return [...out.slice(0, C).map((o, i): Batched => (carries[i] === true ? o : undefined)), at(out, C)];
}

export function batchCond(
  g: Graph,
  node: NodeOf<'cond'>,
  args: readonly Batched[],
  n: number,
  vectorize: Vectorizer,
): Batched[] {
  const [predicate, ...given] = node.args;
  if (predicate === undefined) return [];
  const [mask, ...images] = args;
  const branches = [node.attrs.then, node.attrs.else];
  if (mask !== undefined) {
    const mapping = new Map<Node, Node>();
    given.forEach((x, i) => {
      const image = images[i];
      if (image !== undefined) mapping.set(x, image);
    });
    const [yes, no] = branches.map((region) => {
      const results = inlineRegion(g, region, given);
      const made = vectorize(g, results, mapping, n);
      return results.map((r, i) => lift(g, r, made[i], n));
    });
    return (yes ?? []).map((a, i) => selectElements(g, mask, a, at(no ?? [], i)));
  }
  const flags = images.map(isBatched);
  const made = branches.map((region) => {
    const params = batchedParams(g, region.params, flags, n);
    return { region, params, images: vectorize(g, region.results, new Map(params.mapping), n) };
  });
  const moved = node.outputs.map((_, i) => made.some((branch) => branch.images[i] !== undefined));
  const [yes, no] = made.map((branch) => ({
    params: branch.params.all,
    results: operands(g, branch.region.results, branch.images, moved, n),
  }));
  if (yes === undefined || no === undefined) return [];
  const both = g.node('cond', [predicate, ...operands(g, given, images, flags, n)], { then: yes, else: no });
  return projections(g, both).map((o, i): Batched => (moved[i] === true ? o : undefined));
}
