// Makes region operations smaller: dead carries, inputs, outputs and snapshots go; a carry that keeps its initial value becomes a constant, so do inputs
// that are the same at every step; loop-invariant work moves out; a loop of one step is its body. (dce of loops, and hoisting.)
//
// How: the constant parameters of the body are replaced by the outer values themselves, then the body is closed again. Closing again captures exactly
// what is needed, at the frontier of what varies (region.ts), so dead and doubled constants vanish and invariant work ends up outside.
//
// Which carries are constant is found optimistically: assume that the candidates keep their initial values, drop those whose next value then differs,
// repeat. That finds dead accumulators (zero stays zero) that depend on one another.

import { at, range } from '../support/lists.ts';
import { broadcastAxes, full, indexAxis, projections, reshape } from './build.ts';
import type { Dependence } from './dependence.ts';
import { following } from './dependence.ts';
import type { Graph } from './graph.ts';
import { splatOf } from './pattern.ts';
import type { RegionOperation } from './rebuild.ts';
import { applyRegionOperation } from './rebuild.ts';
import { captureOf, closeRegions, inlineRegion, reachThrough, substitute } from './region.ts';
import type { Attributes, Node, Region } from './types.ts';

/** One node for each output; undefined for those that are not read. */
type Outputs = readonly (Node | undefined)[];

/** The smaller equivalent of a region operation with these operands, of which the `used` outputs are read. */
export function reduceRegionOperation(
  g: Graph,
  node: RegionOperation,
  args: readonly Node[],
  used: ReadonlySet<number>,
  dependence: Dependence,
): Outputs {
  switch (node.op) {
    case 'scan':
      return reduceScan(g, node.attrs, args, used, dependence);
    case 'adjoint_scan':
      return reduceAdjointScan(g, node.attrs, args, used, dependence);
    case 'while':
      return reduceWhile(g, node.attrs, args, used, dependence);
    case 'cond':
      return reduceCond(g, node.attrs, args, used);
    case 'custom':
    case 'transposed':
    case 'linear_solve':
    case 'check':
      return applyRegionOperation(g, node, args);
  }
}

// ---- what the loops have in common

/** The value that a stepped operand has at every step, when it repeats along its leading axis. */
function invariantSlice(g: Graph, x: Node): Node | undefined {
  if (x.op !== 'broadcast' || x.attrs.axes.includes(0)) return undefined;
  const inner = at(x.args, 0);
  return broadcastAxes(
    g,
    inner,
    x.shape.slice(1),
    x.attrs.axes.map((axis) => axis - 1),
  );
}

/** `value` at every index of a new leading axis of `count`. */
function repeated(g: Graph, value: Node, count: number): Node {
  return broadcastAxes(
    g,
    value,
    [count, ...value.shape],
    value.shape.map((_, axis) => axis + 1),
  );
}

/**
 * The largest set of carries that provably keep their values: `values[i]` is what carry i is assumed to be (undefined: no candidate), `next(assumed)` the
 * results of a step under the assumption.
 */
function steadyCarries(
  values: readonly (Node | undefined)[],
  next: (assumed: readonly (Node | undefined)[]) => readonly Node[],
): { readonly steady: readonly (Node | undefined)[]; readonly results: readonly Node[] } {
  let steady = values;
  for (;;) {
    const results = next(steady);
    const still = steady.map((value, i) => (value !== undefined && results[i] === value ? value : undefined));
    if (still.every((value, i) => value === steady[i])) return { steady, results };
    steady = still;
  }
}

/** Parameters that only an output nobody reads depends on (`needed` without `read`), as zeros: what comes of them is trimmed where it is made. */
function unread(
  g: Graph,
  params: readonly Node[],
  needed: ReadonlySet<Node>,
  read: ReadonlySet<Node>,
): Map<Node, Node> {
  const dead = params.filter((p) => needed.has(p) && !read.has(p));
  return new Map(dead.map((p) => [p, full(g, p.shape, 0, p.dtype)]));
}

/** Positions of the parameters that are in `needed`. */
function positionsIn(needed: ReadonlySet<Node>, params: readonly Node[]): number[] {
  return range(params.length).filter((i) => needed.has(at(params, i)));
}

const pick = <T>(list: readonly T[], positions: readonly number[]): T[] => positions.map((i) => at(list, i));

const isAll = (positions: readonly number[], n: number): boolean => positions.length === n;

/** True when closing these regions would capture exactly `consts`: then nothing can be hoisted or dropped. */
function capturesExactly(g: Graph, regions: readonly Region[], consts: readonly Node[]): boolean {
  const captured = captureOf(g, regions);
  const before = new Set(consts);
  return (
    captured.length === before.size && before.size === consts.length && captured.every((c) => before.has(c))
  );
}

/** Positions of the first of equal entries, for each entry. */
function firstPositions(list: readonly Node[]): number[] {
  return list.map((x) => list.indexOf(x));
}

// ---- scan

function reduceScan(
  g: Graph,
  s: Attributes['scan'],
  args: readonly Node[],
  used: ReadonlySet<number>,
  dependence: Dependence,
): Outputs {
  const { carries: n, xs: stepped, length } = s;
  const { params, results: before } = s.body;
  const [init, xs, consts] = [args.slice(0, n), args.slice(n, n + stepped), args.slice(n + stepped)];
  const carryParams = params.slice(1, 1 + n);
  const xParams = params.slice(1 + n, 1 + n + stepped);
  if (length === 0) return unrollNever(g, s, init);
  if (length === 1 && s.adjoint.kind !== 'recompute') return unrollOnce(g, s, args);

  const outer = new Map<Node, Node>();
  consts.forEach((c, i) => outer.set(at(params, 1 + n + stepped + i), c));
  const firstX = firstPositions(xs);
  xs.forEach((x, i) => {
    const value = invariantSlice(g, x) ?? (firstX[i] === i ? undefined : at(xParams, at(firstX, i)));
    if (value !== undefined) outer.set(at(xParams, i), value);
  });
  const candidates = init.map((value, i) => {
    const next = at(before, i);
    const passed = next === carryParams[i] || outer.get(next) === value;
    return passed || splatOf(value) !== undefined ? value : undefined;
  });
  const { steady, results } = steadyCarries(candidates, (assumed) => {
    const map = new Map(outer);
    assumed.forEach((value, i) => {
      if (value !== undefined) map.set(at(carryParams, i), value);
    });
    return substitute(g, before, map);
  });

  // Outputs of one value are one.
  const outputs = results.slice(n);
  const firstY = firstPositions(outputs);
  const asked = range(outputs.length).flatMap((j) => (used.has(n + j) ? [at(firstY, j)] : []));
  const ys = [...new Set(asked)].sort((a, b) => a - b);
  const snapshots = range(n).some((i) => used.has(before.length + i)) ? s.snapshots : 0;
  const wanted = range(n).filter((i) => used.has(i) || (snapshots > 0 && used.has(before.length + i)));
  const yResults = pick(outputs, ys);
  const start = [...pick(carryParams, wanted), ...yResults];
  const needed = reachThrough(start, following(carryParams, results));
  const read = dependence.reach(start, following(carryParams, results));
  const live = positionsIn(read, carryParams).filter((i) => steady[i] === undefined);
  const liveXs = positionsIn(needed, xParams);
  const body = substitute(g, [...pick(results, live), ...yResults], unread(g, carryParams, needed, read));

  const varying = [at(params, 0), ...pick(carryParams, live), ...pick(xParams, liveXs)];
  const region = { params: varying, results: body };
  const unchanged =
    isAll(live, n) &&
    isAll(ys, before.length - n) &&
    isAll(liveXs, stepped) &&
    snapshots === s.snapshots &&
    capturesExactly(g, [region], consts);
  const made = unchanged
    ? projections(g, g.node('scan', args, s))
    : closeScan(g, s, region, pick(init, live), pick(xs, liveXs), snapshots);

  const count = live.length + ys.length;
  const output = (k: number): Node | undefined => {
    if (!used.has(k)) return undefined;
    if (k < n) return steady[k] ?? at(made, live.indexOf(k));
    if (k < before.length) return at(made, live.length + ys.indexOf(at(firstY, k - n)));
    const value = steady[k - before.length];
    return value === undefined
      ? at(made, count + live.indexOf(k - before.length))
      : repeated(g, value, s.snapshots);
  };
  return range(before.length + (s.snapshots > 0 ? n : 0)).map(output);
}

function closeScan(
  g: Graph,
  s: Attributes['scan'],
  region: Region,
  init: readonly Node[],
  xs: readonly Node[],
  snapshots: number,
): Node[] {
  const { regions, captured } = closeRegions(g, [region]);
  const attrs = { ...s, carries: init.length, xs: xs.length, body: at(regions, 0), snapshots };
  return projections(g, g.node('scan', [...init, ...xs, ...captured], attrs));
}

/** A loop of no steps ends where it begins. */
function unrollNever(g: Graph, s: Attributes['scan'], init: readonly Node[]): Outputs {
  const ys = s.body.results.slice(s.carries).map((y) => full(g, [0, ...y.shape], 0, y.dtype));
  return [...init, ...ys, ...(s.snapshots > 0 ? init.map((c) => repeated(g, c, s.snapshots)) : [])];
}

/** A loop of one step is its body at index 0. */
function unrollOnce(g: Graph, s: Attributes['scan'], args: readonly Node[]): Outputs {
  const { carries: n, xs: stepped } = s;
  const xs = args.slice(n, n + stepped).map((x) => indexAxis(g, x, 0, 0));
  const values = inlineRegion(g, s.body, [
    g.constant(0, 'i32'),
    ...args.slice(0, n),
    ...xs,
    ...args.slice(n + stepped),
  ]);
  const stack = (x: Node): Node => reshape(g, x, [1, ...x.shape]);
  const snapshots = s.snapshots > 0 ? args.slice(0, n).map((c) => repeated(g, c, s.snapshots)) : [];
  return [...values.slice(0, n), ...values.slice(n).map(stack), ...snapshots];
}

// ---- adjoint_scan

function reduceAdjointScan(
  g: Graph,
  s: Attributes['adjoint_scan'],
  args: readonly Node[],
  used: ReadonlySet<number>,
  dependence: Dependence,
): Outputs {
  const { carries: n, cotangents: m, xs: stepped, forward, backward } = s;
  const snapshots = args.slice(0, n);
  const init = args.slice(n, n + m);
  if (s.length === 0) {
    const ys = backward.results.slice(m).map((y) => full(g, [0, ...y.shape], 0, y.dtype));
    return [...init, ...ys];
  }
  const xs = args.slice(n + m, n + m + stepped);
  const consts = args.slice(n + m + stepped);
  const [fCarries, bCarries] = [forward.params.slice(1, 1 + n), backward.params.slice(1, 1 + n)];
  const bCotangents = backward.params.slice(1 + n, 1 + n + m);
  const [fXs, bXs] = [
    forward.params.slice(1 + n, 1 + n + stepped),
    backward.params.slice(1 + n + m, 1 + n + m + stepped),
  ];

  const fOuter = new Map<Node, Node>();
  const bOuter = new Map<Node, Node>();
  consts.forEach((c, i) => {
    fOuter.set(at(forward.params, 1 + n + stepped + i), c);
    bOuter.set(at(backward.params, 1 + n + m + stepped + i), c);
  });
  const firstX = firstPositions(xs);
  xs.forEach((x, i) => {
    const j = at(firstX, i);
    const value = invariantSlice(g, x);
    if (value === undefined && j === i) return;
    fOuter.set(at(fXs, i), value ?? at(fXs, j));
    bOuter.set(at(bXs, i), value ?? at(bXs, j));
  });

  // A state that the forward step passes through, or whose snapshots are all one value that the step keeps.
  const states = snapshots.map((snapshot, i) => {
    if (forward.results[i] === fCarries[i]) return indexAxis(g, snapshot, 0, 0);
    return invariantSlice(g, snapshot);
  });
  const { steady: fixed, results: fResults } = steadyCarries(states, (assumed) => {
    const map = new Map(fOuter);
    assumed.forEach((value, i) => {
      if (value !== undefined) map.set(at(fCarries, i), value);
    });
    return substitute(g, forward.results, map);
  });
  fixed.forEach((value, i) => {
    if (value !== undefined) bOuter.set(at(bCarries, i), value);
  });
  const candidates = init.map((value, i) => {
    const passed = backward.results[i] === bCotangents[i];
    return passed || splatOf(value) !== undefined ? value : undefined;
  });
  const { steady, results } = steadyCarries(candidates, (assumed) => {
    const map = new Map(bOuter);
    assumed.forEach((value, i) => {
      if (value !== undefined) map.set(at(bCotangents, i), value);
    });
    return substitute(g, backward.results, map);
  });

  const ys = range(backward.results.length - m).filter((j) => used.has(m + j));
  const yResults = ys.map((j) => at(results, m + j));
  const wanted = range(m).filter((i) => used.has(i) && steady[i] === undefined);
  const startBack = [...pick(bCotangents, wanted), ...yResults];
  const neededBack = reachThrough(startBack, following(bCotangents, results));
  const readBack = dependence.reach(startBack, following(bCotangents, results));
  const liveCts = positionsIn(readBack, bCotangents).filter((i) => steady[i] === undefined);
  const startForth = (found: ReadonlySet<Node>): Node[] => pick(fCarries, positionsIn(found, bCarries));
  const neededForth = reachThrough(startForth(neededBack), following(fCarries, fResults));
  const readForth = dependence.reach(startForth(readBack), following(fCarries, fResults));
  const liveStates = positionsIn(readForth, fCarries).filter((i) => fixed[i] === undefined);
  const back = substitute(
    g,
    [...pick(results, liveCts), ...yResults],
    unread(g, [...bCarries, ...bCotangents], neededBack, readBack),
  );
  const forth = substitute(g, pick(fResults, liveStates), unread(g, fCarries, neededForth, readForth));
  const liveXs = range(stepped).filter((i) => neededBack.has(at(bXs, i)) || neededForth.has(at(fXs, i)));

  const regions: readonly [Region, Region] = [
    { params: [at(forward.params, 0), ...pick(fCarries, liveStates), ...pick(fXs, liveXs)], results: forth },
    {
      params: [
        at(backward.params, 0),
        ...pick(bCarries, liveStates),
        ...pick(bCotangents, liveCts),
        ...pick(bXs, liveXs),
      ],
      results: back,
    },
  ];
  const unchanged =
    isAll(liveStates, n) &&
    isAll(liveCts, m) &&
    isAll(ys, backward.results.length - m) &&
    isAll(liveXs, stepped) &&
    capturesExactly(g, regions, consts);
  const made = unchanged ? projections(g, g.node('adjoint_scan', args, s)) : close();

  function close(): Node[] {
    const { regions: closed, captured } = closeRegions(g, regions);
    return projections(
      g,
      g.node(
        'adjoint_scan',
        [...pick(snapshots, liveStates), ...pick(init, liveCts), ...pick(xs, liveXs), ...captured],
        {
          ...s,
          carries: liveStates.length,
          cotangents: liveCts.length,
          xs: liveXs.length,
          forward: at(closed, 0),
          backward: at(closed, 1),
        },
      ),
    );
  }
  return range(backward.results.length).map((k) => {
    if (!used.has(k)) return undefined;
    if (k < m) return steady[k] ?? at(made, liveCts.indexOf(k));
    return at(made, liveCts.length + ys.indexOf(k - m));
  });
}

// ---- while

function reduceWhile(
  g: Graph,
  w: Attributes['while'],
  args: readonly Node[],
  used: ReadonlySet<number>,
  dependence: Dependence,
): Outputs {
  const { carries: n, condition, body } = w;
  const [init, consts] = [args.slice(0, n), args.slice(n)];
  const cCarries = condition.params.slice(0, n);
  const bCarries = body.params.slice(1, 1 + n);
  const cOuter = new Map(consts.map((c, i) => [at(condition.params, n + i), c]));
  const bOuter = new Map(consts.map((c, i) => [at(body.params, 1 + n + i), c]));
  const candidates = init.map((value, i) =>
    body.results[i] === bCarries[i] || splatOf(value) !== undefined ? value : undefined,
  );
  const { steady, results } = steadyCarries(candidates, (assumed) => {
    const map = new Map(bOuter);
    assumed.forEach((value, i) => {
      if (value !== undefined) map.set(at(bCarries, i), value);
    });
    return substitute(g, body.results, map);
  });
  steady.forEach((value, i) => {
    if (value !== undefined) cOuter.set(at(cCarries, i), value);
  });
  const tested = substitute(g, condition.results, cOuter);
  const forCondition = reachThrough(tested, new Map());
  const wanted = range(n).filter((i) => used.has(i) || forCondition.has(at(cCarries, i)));
  const needed = reachThrough(pick(bCarries, wanted), following(bCarries, results));
  const read = dependence.reach(pick(bCarries, wanted), following(bCarries, results));
  const live = positionsIn(read, bCarries).filter((i) => steady[i] === undefined);
  const turn = substitute(g, pick(results, live), unread(g, bCarries, needed, read));
  const regions = [
    { params: pick(cCarries, live), results: tested },
    { params: [at(body.params, 0), ...pick(bCarries, live)], results: turn },
  ];
  const unchanged = isAll(live, n) && capturesExactly(g, regions, consts);
  const made = unchanged ? projections(g, g.node('while', args, w)) : close();

  function close(): Node[] {
    const { regions: closed, captured } = closeRegions(g, regions);
    return projections(
      g,
      g.node('while', [...pick(init, live), ...captured], {
        ...w,
        carries: live.length,
        condition: at(closed, 0),
        body: at(closed, 1),
      }),
    );
  }
  return range(n + 1).map((k) => {
    if (!used.has(k)) return undefined;
    return k === n ? at(made, live.length) : (steady[k] ?? at(made, live.indexOf(k)));
  });
}

// ---- cond

/** Results nobody reads and operands no branch needs go, equal operands are one, constant ones move into the branches. Nothing is hoisted out. */
function reduceCond(
  g: Graph,
  c: Attributes['cond'],
  args: readonly Node[],
  used: ReadonlySet<number>,
): Outputs {
  const predicate = at(args, 0);
  const operands = args.slice(1);
  const known = splatOf(predicate);
  const live = range(c.then.results.length).filter((k) => used.has(k));
  if (known !== undefined) {
    const { params, results } = known === 0 ? c.else : c.then;
    const values = inlineRegion(g, { params, results: pick(results, live) }, operands);
    return range(c.then.results.length).map((k) => (used.has(k) ? at(values, live.indexOf(k)) : undefined));
  }
  const firsts = firstPositions(operands);
  const branch = ({ params, results }: Region): Region => {
    const map = new Map<Node, Node>();
    operands.forEach((x, i) => {
      if (splatOf(x) !== undefined) map.set(at(params, i), x);
      else if (firsts[i] !== i) map.set(at(params, i), at(params, at(firsts, i)));
    });
    return { params, results: substitute(g, pick(results, live), map) };
  };
  const [yes, no] = [branch(c.then), branch(c.else)];
  const [forYes, forNo] = [reachThrough(yes.results, new Map()), reachThrough(no.results, new Map())];
  const needed = range(operands.length).filter(
    (i) => forYes.has(at(yes.params, i)) || forNo.has(at(no.params, i)),
  );
  const trim = ({ params, results }: Region): Region => ({ params: pick(params, needed), results });
  const made = projections(
    g,
    g.node('cond', [predicate, ...pick(operands, needed)], { ...c, then: trim(yes), else: trim(no) }),
  );
  return range(c.then.results.length).map((k) => (used.has(k) ? at(made, live.indexOf(k)) : undefined));
}
