// Rewrites on the array IR that only a scheduler wants, done once before anything is partitioned:
//
//   large reductions become trees of a fixed shape: sums of many terms by few threads are first summed by thousands of threads, each over a strided part of the terms, then by fewer
//   running sums along long lines are done in blocks, and so is the search for the first of a long list
//   scatters at places found at run time get the lists of their rows, made once for all scatters with the same index
//   adjoint loops of ensembles keep their states themselves
//
// The order of additions follows from shapes alone, so results are the same on every run and target. Loops that run inside one kernel are left as they are.

import { at, range } from '../support/lists.ts';
import * as b from '../ir/build.ts';
import { isRegionNode } from '../ir/classes.ts';
import type { RegionNode } from '../ir/classes.ts';
import type { Graph } from '../ir/graph.ts';
import { mapRegions, sameRegions } from '../ir/rebuild.ts';
import { reachable, rebuild } from '../ir/region.ts';
import type { ArrayFunction, Node, NodeOf, ReduceKind, Region } from '../ir/types.ts';
import { isFloat, sizeOf } from '../ir/types.ts';
import { withOwnTape } from './own_tapes.ts';
import { needsLists } from './scatters.ts';
import type { Strategies } from './strategies.ts';

/** Sums of at most this many terms are one loop. */
const SHORT = 512;
/** Results of at least this many elements keep enough threads busy. */
const MANY = 4096;
/** Partial results that the first stage of a tree aims at, and the least number of terms of one of them. */
const PARTIALS = 8192;
const LEAST_TERMS = 32;
/** Running sums along more elements than this are done in blocks, unless there are as many lines. */
const LONG_LINE = 1024;

export function prepareFunction(
  g: Graph,
  fn: ArrayFunction,
  strategies: Strategies,
  ownBytes: number,
): ArrayFunction {
  const region = new Preparation(g, strategies, ownBytes).region(fn.region);
  return region === fn.region ? fn : { ...fn, region };
}

class Preparation {
  private readonly regions = new Map<Region, Region>();

  constructor(
    private readonly g: Graph,
    private readonly strategies: Strategies,
    private readonly ownBytes: number,
  ) {}

  region(region: Region): Region {
    const known = this.regions.get(region);
    if (known !== undefined) return known;
    const own = new Set(region.params);
    const order = reachable(region.results, own);
    const images = new Map<Node, Node>();
    const outputs = new Map<Node, readonly Node[]>();
    const image = (node: Node): Node => images.get(node) ?? node;
    for (const node of order) {
      if (own.has(node)) continue;
      this.g.withOrigin(node.origin, () => {
        if (isRegionNode(node)) {
          const made = this.operation(node, node.args.map(image));
          if (made !== undefined) outputs.set(node, made);
          return;
        }
        if (node.op === 'project') {
          const made = outputs.get(at(node.args, 0))?.[node.attrs.index];
          if (made !== undefined && made !== node) images.set(node, made);
          return;
        }
        const changed = node.args.some((a) => image(a) !== a);
        const again = changed ? rebuild(this.g, node, node.args.map(image)) : node;
        const tree =
          again.op === 'reduce'
            ? this.tree(again)
            : again.op === 'cumsum'
              ? this.blocks(again)
              : again.op === 'arg_reduce'
                ? this.firstOf(again)
                : again.op === 'scatter_add'
                  ? this.listed(again)
                  : again;
        if (tree !== node) images.set(node, tree);
      });
    }
    const results = region.results.map(image);
    const made = results.every((r, i) => r === region.results[i])
      ? region
      : { params: region.params, results };
    this.regions.set(region, made);
    return made;
  }

  private ownTape(node: Node, args: readonly Node[]): Node | undefined {
    if (node.op !== 'adjoint_scan') return undefined;
    return withOwnTape(this.g, node, args, this.strategies, this.ownBytes);
  }

  /** The outputs of the operation made anew; undefined when it stays. */
  private operation(node: RegionNode, args: readonly Node[]): readonly Node[] | undefined {
    const moved = args.some((a, i) => a !== node.args[i]);
    if (this.strategies.thread(node) !== undefined) {
      const own = this.ownTape(node, args);
      if (own !== undefined) return b.projections(this.g, own);
      return moved ? b.projections(this.g, rebuild(this.g, node, args)) : undefined;
    }
    const mapped = mapRegions(node, (region) => this.region(region));
    if (sameRegions(node, mapped) && !moved) return undefined;
    return b.projections(this.g, this.g.node(mapped.op, args, mapped.attrs));
  }

  private tree(node: NodeOf<'reduce'>): Node {
    const { g } = this;
    const { kind, axes } = node.attrs;
    const x = at(node.args, 0);
    const terms = sizeOf(axes.map((axis) => at(x.shape, axis)));
    const outputs = sizeOf(node.shape);
    if (terms <= SHORT || outputs >= MANY || outputs === 0) return node;
    const kept = range(x.shape.length).filter((axis) => !axes.includes(axis));
    const last = axes.includes(x.shape.length - 1);
    // The axis that is contiguous in memory stays last: neighbouring threads read neighbouring elements.
    const ordered = b.transposePerm(g, x, last ? [...kept, ...axes] : [...axes, ...kept]);
    const flat = b.reshape(g, ordered, last ? [outputs, terms] : [terms, outputs]);
    const along = last ? 1 : 0;
    let level = flat;
    let left = terms;
    while (left > SHORT / 2) {
      const parts = partials(left, outputs, level === flat && last ? at(x.shape, x.shape.length - 1) : 1);
      const each = Math.ceil(left / parts);
      const full = extended(g, level, along, each * parts, kind);
      const split = b.reshape(g, full, last ? [outputs, each, parts] : [each, parts, outputs]);
      // `keep` holds the levels apart: without it they would be one reduction again.
      level = b.keep(g, b.reduce(g, kind, split, [along]));
      left = parts;
    }
    return b.reshape(g, b.reduce(g, kind, level, [along]), node.shape);
  }

  /** The first place of the largest (or smallest) of a long list: of each of its parts, then of these. Not of floats, where what is no number is never found but where it comes first. */
  private firstOf(node: NodeOf<'arg_reduce'>): Node {
    const { g } = this;
    const { kind } = node.attrs;
    const x = at(node.args, 0);
    const n = sizeOf(x.shape);
    if (x.shape.length !== 1 || n <= SHORT || isFloat(x.dtype)) return node;
    const each = Math.ceil(Math.sqrt(n));
    const parts = Math.ceil(n / each);
    const numbers = x.dtype === 'bool' ? b.cast(g, x, 'i32') : x;
    // What fills up the last part comes behind its equal.
    const split = b.reshape(g, extended(g, numbers, 0, each * parts, kind), [parts, each]);
    const first = b.keep(g, g.node('arg_reduce', [split], { kind, axis: 1 }));
    const best = b.keep(g, b.reduce(g, kind, split, [1]));
    const part = b.keep(g, g.node('arg_reduce', [best], { kind, axis: 0 }));
    const here = b.eq(g, g.iota([parts], 0, 'i32'), b.broadcastTo(g, part, [parts]));
    return b.add(g, b.mul(g, part, each), b.sumAll(g, b.select(g, here, first, 0)));
  }

  /** A scatter at places found at run time: the lists of its rows are a value of their own, which scatters with the same index share. */
  private listed(node: NodeOf<'scatter_add'>): Node {
    if (!needsLists(node)) return node;
    const [index, update] = [at(node.args, 0), at(node.args, 1)];
    const { batch, size } = node.attrs;
    return this.g.node('scatter_add', [index, update, b.rowsOf(this.g, index, size, batch)], node.attrs);
  }

  /** A running sum along a long line: within blocks, over the blocks' totals, and both added. */
  private blocks(node: NodeOf<'cumsum'>): Node {
    const { g } = this;
    const { axis, reverse } = node.attrs;
    const x = at(node.args, 0);
    const n = at(x.shape, axis);
    const lines = sizeOf(x.shape) / Math.max(1, n);
    if (n <= LONG_LINE || lines >= LONG_LINE) return node;
    const each = Math.ceil(Math.sqrt(n));
    const count = Math.ceil(n / each);
    const shape = [...x.shape.slice(0, axis), count, each, ...x.shape.slice(axis + 1)];
    const blocks = b.reshape(g, b.padAxis(g, x, axis, 0, count * each - n), shape);
    const within = b.cumsum(g, blocks, axis + 1, reverse);
    const last = reverse ? 0 : each - 1;
    const totals = b.indexAxis(g, within, axis + 1, last);
    const sums = b.cumsum(g, totals, axis, reverse);
    // What lies before each block (behind it, from the end).
    const moved = reverse
      ? b.padAxis(g, b.sliceAxis(g, sums, axis, 1, count), axis, 0, 1)
      : b.padAxis(g, b.sliceAxis(g, sums, axis, 0, count - 1), axis, 1, 0);
    const axes = range(shape.length).filter((i) => i !== axis + 1);
    const sum = b.add(g, within, b.broadcastAxes(g, moved, shape, axes));
    const joined = b.reshape(
      g,
      sum,
      x.shape.map((e, i) => (i === axis ? count * each : e)),
    );
    return b.sliceAxis(g, joined, axis, 0, n);
  }
}

/** How many partial results a level of a tree has for each result; rows of `row` terms are not cut where it can be helped. */
function partials(terms: number, outputs: number, row: number): number {
  const most = Math.max(1, Math.floor(PARTIALS / outputs));
  const parts = Math.max(1, Math.min(most, Math.ceil(terms / LEAST_TERMS)));
  if (row > 1 && row <= parts) return Math.floor(parts / row) * row;
  for (let d = 1; row > 1 && row / d > parts / 4 && d <= row; d++)
    if (row % d === 0 && row / d <= parts) return row / d;
  return parts;
}

/** The array with its axis filled up with the reduction's neutral element. */
function extended(g: Graph, x: Node, axis: number, extent: number, kind: ReduceKind): Node {
  const missing = extent - at(x.shape, axis);
  if (missing === 0) return x;
  if (kind === 'sum' || kind === 'any') return b.padAxis(g, x, axis, 0, missing);
  const shape = x.shape.map((e, i) => (i === axis ? missing : e));
  // Any element repeats without changing a maximum or minimum.
  const filler =
    kind === 'max' || kind === 'min'
      ? b.broadcastTo(g, b.sliceAxis(g, x, axis, 0, 1), shape)
      : b.full(g, shape, 1, x.dtype);
  return b.concat(g, [x, filler], axis);
}
