// Reachability, substitution and closure conversion over the array IR, and the makers of the region operations.
//
// Operands have smaller ids than their users, so ids are a topological order: every walk here collects nodes with an explicit stack and sorts them
// (graphs get 1e5 nodes deep). Regions are closed, so a walk never needs to look into them.
//
// Closure conversion decides at the frontier between what depends on a region's parameters and what does not. Constants, small literals, index
// expressions that are cheap, booleans and pure movement are rebuilt inside; any other outer value becomes an operand, computed once outside. So
// loop-invariant arithmetic is hoisted, its slices and broadcasts are not stored, and no boolean array ever is (spec: array IR, "regions").

import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import { cast, ne, projections } from './build.ts';
import { classOf, flopsPerElement, isConstantLeaf } from './classes.ts';
import type { Graph } from './graph.ts';
import type { AdjointPolicy, ArrayType, DType, Node, Region } from './types.ts';

// ---- walks

/**
 * A set of ids up to `top`: bits in small arrays that are made where an id falls (512 ids an array, 32 arrays a part). Walks are asked for very often in graphs of 1e5 nodes, most of them over some dozen nodes: they
 * must not cost what the graph costs, nor memory outside of the engine's own heap.
 */
class Marks {
  private readonly parts: ((number[] | undefined)[] | undefined)[];
  constructor(top: number) {
    this.parts = new Array<(number[] | undefined)[] | undefined>((top >>> 14) + 1).fill(undefined);
  }

  /** Marks an id; whether it was not marked before. */
  add(id: number): boolean {
    let part = this.parts[id >>> 14];
    if (part === undefined) {
      part = new Array<number[] | undefined>(32).fill(undefined);
      this.parts[id >>> 14] = part;
    }
    const place = (id >>> 9) & 31;
    let words = part[place];
    if (words === undefined) {
      words = new Array<number>(32).fill(0);
      part[place] = words;
    }
    const index = (id >>> 4) & 31;
    const bit = 1 << (id & 15);
    const word = words[index] ?? 0;
    if ((word & bit) !== 0) return false;
    words[index] = word | bit;
    return true;
  }
}

/** Every node the results depend on, operands before users; region bodies are not entered. `stop` nodes are included, their operands are not. */
export function reachable(results: readonly Node[], stop?: { has(node: Node): boolean }): Node[] {
  const seen = new Marks(results.reduce((top, node) => Math.max(top, node.id), 0));
  const found: Node[] = [];
  const stack = [...results];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (!seen.add(node.id)) continue;
    found.push(node);
    if (stop?.has(node) === true) continue;
    for (const arg of node.args) stack.push(arg);
  }
  // Users were found before their operands: backwards the list is nearly sorted.
  return found.reverse().sort((a, b) => a.id - b.id);
}

/** Whether the node depends on a parameter; the search ends at the first one. */
export function hasParameters(node: Node): boolean {
  const seen = new Set<Node>();
  const stack = [node];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next.op === 'param') return true;
    if (seen.has(next)) continue;
    seen.add(next);
    for (const arg of next.args) stack.push(arg);
  }
  return false;
}

/**
 * Every node that `start` depends on when each parameter that is a key of `next` also depends on its value there: what a loop needs, when `next` gives
 * for each carry its value after a step.
 */
export function reachThrough(start: readonly Node[], next: ReadonlyMap<Node, Node>): Set<Node> {
  const found = new Set<Node>(start);
  for (const node of found) {
    for (const arg of node.args) found.add(arg);
    const after = next.get(node);
    if (after !== undefined) found.add(after);
  }
  return found;
}

/** The nodes among those the results depend on that depend on one of `sources` (which are included where reached). */
export function dependents(results: readonly Node[], sources: Iterable<Node>): Set<Node> {
  const found = new Set<Node>(sources);
  const inside = new Set<Node>();
  for (const node of reachable(results, found)) {
    if (!found.has(node) && !node.args.some((a) => inside.has(a))) continue;
    inside.add(node);
  }
  return inside;
}

/** The same operation on other operands, at the same place of the text. */
export function rebuild(g: Graph, node: Node, args: readonly Node[]): Node {
  return g.withOrigin(node.origin, () => g.node(node.op, args, node.attrs, node.dtype));
}

/** The results with the mapped nodes replaced. Only what depends on a mapped node is made anew. */
export function substitute(g: Graph, results: readonly Node[], map: ReadonlyMap<Node, Node>): Node[] {
  if (map.size === 0) return [...results];
  const now = new Map<Node, Node>(map);
  const image = (node: Node): Node => now.get(node) ?? node;
  for (const node of reachable(results, map)) {
    if (map.has(node) || !node.args.some((a) => now.has(a))) continue;
    const made = rebuild(g, node, node.args.map(image));
    if (made !== node) now.set(node, made);
  }
  return results.map(image);
}

/** The results made anew from `params` on, so that nodes made in a `Graph.scope` become the known answers for what they compute. */
function remake(g: Graph, results: readonly Node[], params: readonly Node[]): Node[] {
  const now = new Map<Node, Node>();
  const image = (node: Node): Node => now.get(node) ?? node;
  for (const node of reachable(results, new Set(params)))
    if (node.op !== 'param') now.set(node, rebuild(g, node, node.args.map(image)));
  return results.map(image);
}

/** The results of a region for these operands in place of its parameters. */
export function inlineRegion(g: Graph, region: Region, args: readonly Node[]): Node[] {
  if (args.length !== region.params.length)
    throw new InternalError('ir.region', `region of ${region.params.length} parameters given ${args.length}`);
  return substitute(g, region.results, new Map(region.params.map((p, i) => [p, at(args, i)])));
}

// ---- closure conversion

/** Index expressions up to this many operations an element are computed where they are used; dearer ones are operands. */
const CHEAP_INDEX_FLOPS = 40;

/**
 * For every node that is made of constants alone by elementwise operations and movement: the operations an element takes. The sum over operands
 * counts shared parts twice, which only makes the estimate more careful.
 */
function indexCosts(order: readonly Node[]): Map<Node, number> {
  const costs = new Map<Node, number>();
  for (const node of order) {
    if (isConstantLeaf(node)) costs.set(node, 0);
    const kind = classOf(node.op);
    if (kind !== 'elementwise' && kind !== 'movement') continue;
    let cost = flopsPerElement(node);
    for (const arg of node.args) cost += costs.get(arg) ?? Infinity;
    if (Number.isFinite(cost)) costs.set(node, cost);
  }
  return costs;
}

export interface ClosedRegion {
  readonly region: Region;
  /** The outer values the region needs, in the order of the parameters appended for them. Never bool. */
  readonly captured: readonly Node[];
}

/**
 * Closure conversion: the region of `params` (then one parameter for each captured value) that computes `results`. Values that do not depend on
 * `params` are captured at the frontier, but for what is cheaper rebuilt inside (see the top of the file). A captured bool travels as i32.
 */
export function closeRegion(g: Graph, params: readonly Node[], results: readonly Node[]): ClosedRegion {
  const { regions, captured } = closeRegions(g, [{ params, results }]);
  return { region: at(regions, 0), captured };
}

/**
 * Several regions over one list of captured values (for operations with two regions); each gets parameters of its own for them. Nodes with ids from
 * `mark` on count as inside even when they depend on no parameter: what was made for a branch is computed in the branch.
 */
export function closeRegions(
  g: Graph,
  regions: readonly Region[],
  mark = Infinity,
): { readonly regions: readonly Region[]; readonly captured: readonly Node[] } {
  const outer = outerValues(regions, mark);
  const captured = outer.map((node) => packBool(g, node));
  const closed = regions.map(({ params, results }) => {
    const extra = captured.map((value, i) => g.param(captureName(at(outer, i), i), value));
    const map = new Map(outer.map((node, i) => [node, unpackBool(g, at(extra, i), node.dtype)]));
    const inside = substitute(g, results, map);
    const all = [...params, ...extra];
    return g.regions.of({ params: all, results: mark === Infinity ? inside : remake(g, inside, all) });
  });
  return { regions: closed, captured };
}

/** What `closeRegions` would capture. */
export function captureOf(g: Graph, regions: readonly Region[]): Node[] {
  return outerValues(regions, Infinity).map((node) => packBool(g, node));
}

function outerValues(regions: readonly Region[], mark: number): Node[] {
  const values = new Set<Node>();
  for (const region of regions) for (const node of frontier(region, mark)) values.add(node);
  return [...values].sort((a, b) => a.id - b.id);
}

function captureName(node: Node, i: number): string {
  return node.op === 'param' ? node.attrs.name : `c${i}`;
}

/** The outer values that a region with these parameters and results must be given. */
function frontier({ params, results }: Region, mark: number): Node[] {
  const own = new Set(params);
  const order = reachable(results, own);
  const costs = indexCosts(order);
  const inner = new Set<Node>(params);
  for (const node of order)
    if ((node.id >= mark && node.op !== 'param') || node.args.some((a) => inner.has(a))) inner.add(node);
  const needed = new Set<Node>(results);
  const captured: Node[] = [];
  for (const node of order.toReversed()) {
    if (!needed.has(node) || own.has(node)) continue;
    const kind = classOf(node.op);
    const inside =
      inner.has(node) ||
      isConstantLeaf(node) ||
      (costs.get(node) ?? Infinity) <= CHEAP_INDEX_FLOPS ||
      kind === 'movement' ||
      (node.dtype === 'bool' && kind === 'elementwise');
    if (inside) node.args.forEach((a) => needed.add(a));
    else captured.push(node);
  }
  return captured;
}

// ---- booleans at the border of a region: no bool is ever an operand, a carry or a stacked output; they travel as i32 0/1

function packBool(g: Graph, node: Node): Node {
  return node.dtype === 'bool' ? cast(g, node, 'i32') : node;
}

function unpackBool(g: Graph, node: Node, dtype: DType): Node {
  return dtype === 'bool' ? ne(g, node, 0) : node;
}

const packed = (type: ArrayType): ArrayType => ({
  dtype: type.dtype === 'bool' ? 'i32' : type.dtype,
  shape: type.shape,
});

// ---- makers

const INDEX: ArrayType = { dtype: 'i32', shape: [] };

export interface ScanRequest {
  readonly length: number;
  readonly init: readonly Node[];
  /** Stepped through along their leading axis (= length). */
  readonly xs?: readonly Node[];
  readonly reverse?: boolean;
  /** How many carry-ins to keep for a reverse sweep (`snapshotPositions`). */
  readonly snapshots?: number;
  readonly adjoint?: AdjointPolicy;
  /** The step, on fresh parameters; everything else it uses is captured. */
  readonly body: (
    index: Node,
    carries: readonly Node[],
    xs: readonly Node[],
  ) => { readonly carries: readonly Node[]; readonly ys: readonly Node[] };
}

export interface ScanResult {
  readonly carries: readonly Node[];
  /** Per-step outputs, leading axis = length. */
  readonly ys: readonly Node[];
  /** For every carry [snapshots, ...carry]; empty when none were asked for. */
  readonly snapshots: readonly Node[];
}

export function makeScan(g: Graph, request: ScanRequest): ScanResult {
  const { length, init, xs = [], reverse = false, snapshots = 0, adjoint = { kind: 'auto' } } = request;
  const index = g.param('step', INDEX);
  const carryParams = init.map((c, i) => g.param(`carry${i}`, packed(c)));
  const xParams = xs.map((x, i) => g.param(`x${i}`, packed({ dtype: x.dtype, shape: x.shape.slice(1) })));
  const step = request.body(
    index,
    carryParams.map((p, i) => unpackBool(g, p, at(init, i).dtype)),
    xParams.map((p, i) => unpackBool(g, p, at(xs, i).dtype)),
  );
  const { region, captured } = closeRegion(
    g,
    [index, ...carryParams, ...xParams],
    [...step.carries, ...step.ys].map((r) => packBool(g, r)),
  );
  const operands = [...init, ...xs].map((x) => packBool(g, x));
  const node = g.node('scan', [...operands, ...captured], {
    length,
    carries: init.length,
    xs: xs.length,
    body: region,
    reverse,
    snapshots,
    adjoint,
  });
  const outputs = projections(g, node);
  const n = init.length;
  const m = step.ys.length;
  return {
    carries: outputs.slice(0, n).map((c, i) => unpackBool(g, c, at(init, i).dtype)),
    ys: outputs.slice(n, n + m).map((y, i) => unpackBool(g, y, at(step.ys, i).dtype)),
    snapshots: outputs.slice(n + m),
  };
}

export interface WhileRequest {
  readonly init: readonly Node[];
  /** Ends after this many turns at the latest. */
  readonly limit: number;
  readonly adjoint?: AdjointPolicy;
  readonly condition: (carries: readonly Node[]) => Node;
  readonly body: (index: Node, carries: readonly Node[]) => readonly Node[];
}

export interface WhileResult {
  readonly carries: readonly Node[];
  /** Number of turns taken, i32. */
  readonly turns: Node;
}

export function makeWhile(g: Graph, request: WhileRequest): WhileResult {
  const { init, limit } = request;
  const fresh = (): Node[] => init.map((c, i) => g.param(`carry${i}`, packed(c)));
  const values = (params: readonly Node[]): Node[] =>
    params.map((p, i) => unpackBool(g, p, at(init, i).dtype));
  const tested = fresh();
  const index = g.param('turn', INDEX);
  const stepped = fresh();
  const condition = { params: tested, results: [request.condition(values(tested))] };
  const next = request.body(index, values(stepped)).map((r) => packBool(g, r));
  const { regions, captured } = closeRegions(g, [condition, { params: [index, ...stepped], results: next }]);
  const node = g.node('while', [...init.map((c) => packBool(g, c)), ...captured], {
    carries: init.length,
    condition: at(regions, 0),
    body: at(regions, 1),
    limit,
    ...(request.adjoint === undefined ? {} : { adjoint: request.adjoint }),
  });
  const outputs = projections(g, node);
  return {
    carries: outputs.slice(0, init.length).map((c, i) => unpackBool(g, c, at(init, i).dtype)),
    turns: at(outputs, init.length),
  };
}

export interface CondRequest {
  readonly predicate: Node;
  /** Optional: values handed to the branches as parameters. Without them the branches use outer nodes directly. */
  readonly operands?: readonly Node[];
  readonly then: (operands: readonly Node[]) => readonly Node[];
  readonly otherwise: (operands: readonly Node[]) => readonly Node[];
}

/** Only the branch taken runs: what a callback makes is computed in its branch, what existed before is computed outside and captured. */
export function makeCond(g: Graph, request: CondRequest): readonly Node[] {
  const { predicate, operands = [] } = request;
  const branch = (build: CondRequest['then']): { region: Region; types: DType[]; mark: number } => {
    const params = operands.map((x, i) => g.param(captureName(x, i), packed(x)));
    const given = params.map((p, i) => unpackBool(g, p, at(operands, i).dtype));
    const { value, mark } = g.scope(() => build(given));
    return {
      region: { params, results: value.map((r) => packBool(g, r)) },
      types: value.map((r) => r.dtype),
      mark,
    };
  };
  const yes = branch(request.then);
  const no = branch(request.otherwise);
  const { regions, captured } = closeRegions(g, [yes.region, no.region], Math.min(yes.mark, no.mark));
  const node = g.node('cond', [predicate, ...operands.map((x) => packBool(g, x)), ...captured], {
    then: at(regions, 0),
    else: at(regions, 1),
  });
  return projections(g, node).map((r, i) => unpackBool(g, r, at(yes.types, i)));
}
