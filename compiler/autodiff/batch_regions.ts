// The batched form of loops and branches. Only the carries, outputs and constants that differ between elements get the batch axis (a fixpoint, activity.ts);
// it stands behind the axis a loop steps along.

import { at } from '../support/lists.ts';
import { add, broadcastAxes, full, not, projections, reduceAll, select, transposePerm } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import { inlineRegion } from '../ir/region.ts';
import type { Node, NodeOf } from '../ir/types.ts';
import { checksUnder } from './checks.ts';
import { adjointScanActivity, scanActivity, whileActivity } from './activity.ts';
import type { Image } from './batch_rules.ts';
import { lift } from './batch_rules.ts';
import { adjointScanParts, scanParts, whileParts } from './loops.ts';

type Vectorizer = (
  g: Graph,
  results: readonly Node[],
  mapping: ReadonlyMap<Node, Node>,
  n: number,
) => Image[];

const isBatched = (x: Image): boolean => x.batched;
const same = (value: Node): Image => ({ value, batched: false });
const differing = (value: Node): Image => ({ value, batched: true });

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

/** The values, with the batch axis where flagged. */
function operands(g: Graph, images: readonly Image[], flags: readonly boolean[], n: number): Node[] {
  return images.map((x, i) => (flags[i] === true ? lift(g, x, n) : x.value));
}

/** Arrays to step through: a batch axis goes behind the leading one. */
function steppedOperands(g: Graph, images: readonly Image[]): Node[] {
  return images.map((x) => (x.batched ? swapLeading(g, x.value) : x.value));
}

/** Stacked outputs, with the batch axis first again. */
function stackedOutputs(g: Graph, outputs: readonly Node[], flags: readonly boolean[]): Image[] {
  return outputs.map((o, i) => (flags[i] === true ? differing(swapLeading(g, o)) : same(o)));
}

function plainOutputs(outputs: readonly Node[], flags: readonly boolean[]): Image[] {
  return outputs.map((o, i) => (flags[i] === true ? differing(o) : same(o)));
}

export function batchScan(
  g: Graph,
  node: NodeOf<'scan'>,
  args: readonly Image[],
  n: number,
  vectorize: Vectorizer,
): Image[] {
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
      ...operands(g, args.slice(0, C), carries, n),
      ...steppedOperands(g, args.slice(C, C + X)),
      ...args.slice(C + X).map((x) => x.value),
    ],
    {
      ...node.attrs,
      body: {
        params: [s.index, ...carry.all, ...x.all, ...constant.all],
        results: operands(g, images, [...carries, ...ys], n),
      },
    },
  );
  const out = projections(g, made);
  return [
    ...plainOutputs(out.slice(0, C), carries),
    ...stackedOutputs(g, out.slice(C, C + ys.length), ys),
    ...stackedOutputs(g, out.slice(C + ys.length), carries),
  ];
}

export function batchAdjointScan(
  g: Graph,
  node: NodeOf<'adjoint_scan'>,
  args: readonly Image[],
  n: number,
  vectorize: Vectorizer,
): Image[] {
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
  const snapshots = args
    .slice(0, C)
    .map((x, i) => (carries[i] === true ? swapLeading(g, lift(g, x, n)) : x.value));
  const made = g.node(
    'adjoint_scan',
    [
      ...snapshots,
      ...operands(g, args.slice(C, C + M), cotangents, n),
      ...steppedOperands(g, args.slice(C + M, C + M + X)),
      ...args.slice(C + M + X).map((x) => x.value),
    ],
    {
      ...node.attrs,
      forward: {
        params: [s.forward.index, ...fCarry.all, ...fX.all, ...fConst.all],
        results: operands(g, forward, carries, n),
      },
      backward: {
        params: [s.backward.index, ...bCarry.all, ...bCt.all, ...bX.all, ...bConst.all],
        results: operands(g, backward, [...cotangents, ...ys], n),
      },
    },
  );
  const out = projections(g, made);
  return [...plainOutputs(out.slice(0, M), cotangents), ...stackedOutputs(g, out.slice(M), ys)];
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
  args: readonly Image[],
  n: number,
  vectorize: Vectorizer,
): Image[] {
  const s = whileParts(node);
  const { carries: C, condition } = node.attrs;
  const flags = args.map(isBatched);
  const { carries, turns: masked } = whileActivity(node, flags, 'value');
  const constFlags = flags.slice(C);

  const tested = batchedParams(g, condition.params, [...carries, ...constFlags], n);
  const goesOn = at(vectorize(g, condition.results, new Map(tested.mapping), n), 0);
  const carry = batchedParams(g, s.carryParams, carries, n);
  const constant = batchedParams(g, s.constParams, constFlags, n);
  const mapping = new Map([...carry.mapping, ...constant.mapping]);
  const images = operands(g, vectorize(g, s.results, mapping, n), carries, n);
  const init = operands(g, args.slice(0, C), carries, n);
  const consts = args.slice(C).map((x) => x.value);

  if (!masked) {
    // Elements that went their own ways inside do not lead any more.
    const made = g.node('while', [...init, ...consts], {
      ...node.attrs,
      carries: C,
      condition: { params: tested.all, results: [goesOn.value] },
      body: { params: [s.index, ...carry.all, ...constant.all], results: images },
    });
    return plainOutputs(projections(g, made), [...carries, false]);
  }

  const { lanes = 0 } = node.attrs;
  const anyOf = [reduceAll(g, 'any', lift(g, goesOn, n))];
  if (lanes > 0) {
    // Every element inside stands still by itself, and nobody asks how many turns all of them together took.
    const made = g.node('while', [...init, ...consts], {
      ...node.attrs,
      lanes: lanes + 1,
      condition: { params: tested.all, results: anyOf },
      body: { params: [s.index, ...carry.all, ...constant.all], results: images },
    });
    return plainOutputs(projections(g, made), [...carries, false]);
  }
  const runs = inlineRegion(g, condition, [...s.carryParams, ...s.constParams]);
  const mask = lift(g, at(vectorize(g, runs, mapping, n), 0), n);
  const turns = g.param('turns', { dtype: 'i32', shape: [n] });
  const turnsTested = g.param('turns', { dtype: 'i32', shape: [n] });
  const next = checksUnder(g, images, mask, new Set([...carry.all, ...constant.all])).map((image, i) =>
    carries[i] === true ? selectElements(g, mask, image, at(carry.all, i)) : image,
  );
  const made = g.node('while', [...init, full(g, [n], 0, 'i32'), ...consts], {
    ...node.attrs,
    carries: C + 1,
    lanes: 1,
    condition: {
      params: [...tested.all.slice(0, C), turnsTested, ...tested.all.slice(C)],
      results: anyOf,
    },
    body: {
      params: [s.index, ...carry.all, turns, ...constant.all],
      results: [...next, select(g, mask, add(g, turns, 1), turns)],
    },
  });
  return plainOutputs(projections(g, made).slice(0, C + 1), [...carries, true]);
}

export function batchCond(
  g: Graph,
  node: NodeOf<'cond'>,
  args: readonly Image[],
  n: number,
  vectorize: Vectorizer,
): Image[] {
  const [predicate, ...given] = args;
  if (predicate === undefined) return [];
  const flags = given.map(isBatched);
  const branches = [node.attrs.then, node.attrs.else].map((region) => {
    const params = batchedParams(g, region.params, flags, n);
    return { params, images: vectorize(g, region.results, new Map(params.mapping), n) };
  });
  const { lanes } = node.attrs;
  if (predicate.batched && lanes === undefined) {
    // Both sides, for all elements.
    const [yes, no] = branches.map(({ params, images }, k) => {
      const needed = g.param('needed', { dtype: 'bool', shape: [n] });
      const all = images.map((image) => lift(g, image, n));
      const results = checksUnder(g, all, needed, new Set(params.all));
      const taken = k === 0 ? predicate.value : not(g, predicate.value);
      return inlineRegion(g, { params: [...params.all, needed], results }, [
        ...given.map((x) => x.value),
        taken,
      ]);
    });
    return (yes ?? []).map((a, i) => differing(selectElements(g, predicate.value, a, at(no ?? [], i))));
  }
  const moved = node.outputs.map((_, i) => branches.some(({ images }) => images[i]?.batched === true));
  const [yes, no] = branches.map(({ params, images }) => ({
    params: params.all,
    results: operands(g, images, moved, n),
  }));
  if (yes === undefined || no === undefined) return [];
  // Elements that stand still lose nothing by a branch that others take.
  const taken = predicate.batched ? reduceAll(g, 'any', predicate.value) : predicate.value;
  const both = g.node('cond', [taken, ...given.map((x) => x.value)], {
    then: yes,
    else: no,
    ...(lanes === undefined ? {} : { lanes: lanes + (predicate.batched ? 1 : 0) }),
  });
  return plainOutputs(projections(g, both), moved);
}
