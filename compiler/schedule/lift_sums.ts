// Sums that a loop adds to a carry at every step leave the loop: they are added element by element to a carried array, and reduced once after it. In: the array IR of a function, before anything is
// partitioned. Out: the same values, their terms added in another order. Loops that run inside one kernel as they are stay as they are.
//
// From the inside out, so that what an inner loop has given up leaves the outer one as well, also through a branch whose elements go their own ways (a block of steps of an adaptive ensemble): in the
// end no step of an ensemble's adjoint reads what another member has, and the whole sweep is one kernel, one thread a member.
//
// Invariant: the order of additions follows from shapes alone.

import { at, range } from '../support/lists.ts';
import * as b from '../ir/build.ts';
import { isRegionNode, regionsOf } from '../ir/classes.ts';
import type { RegionNode } from '../ir/classes.ts';
import type { Graph } from '../ir/graph.ts';
import type { RegionOperation } from '../ir/rebuild.ts';
import { applyRegionOperation, mapRegions, rebuildRegion, sameRegions } from '../ir/rebuild.ts';
import { reachable, rebuild } from '../ir/region.ts';
import { splatOf } from '../ir/pattern.ts';
import type { ArrayFunction, ArrayType, Node, NodeOf, Region } from '../ir/types.ts';
import { isFloat, sameShape, sizeOf } from '../ir/types.ts';
import type { Strategies } from './strategies.ts';

/** Sums of more terms than this leave the loop that accumulates them. */
const ACCUMULATED = 64;
/** Terms that a member sums by itself. */
const OF_A_MEMBER = 256;

export function liftSums(g: Graph, fn: ArrayFunction, strategies: Strategies): ArrayFunction {
  const region = new Lifting(g, strategies).region(fn.region);
  return region === fn.region ? fn : { ...fn, region };
}

class Lifting {
  private readonly regions = new Map<Region, Region>();

  constructor(
    private readonly g: Graph,
    private readonly strategies: Strategies,
  ) {}

  region(region: Region): Region {
    const known = this.regions.get(region);
    if (known !== undefined) return known;
    const made = rebuildRegion(this.g, region, (node, args, used) =>
      isRegionNode(node) ? this.operation(node, args, used) : applyRegionOperation(this.g, node, args),
    );
    this.regions.set(region, made);
    return made;
  }

  /** The outputs of the operation made anew. */
  private operation(node: RegionNode, args: readonly Node[], used: ReadonlySet<number>): readonly Node[] {
    const { g } = this;
    const moved = args.some((a, i) => a !== node.args[i]);
    if (this.staysInside(node)) return b.projections(g, moved ? rebuild(g, node, args) : node);
    const mapped = mapRegions(node, (region) => this.region(region));
    const inside = sameRegions(node, mapped) && !moved ? node : g.node(mapped.op, args, mapped.attrs);
    if (inside.op === 'cond') return branchSums(g, inside) ?? b.projections(g, inside);
    const loop = inside.op === 'scan' || inside.op === 'adjoint_scan' ? inside : undefined;
    if (loop === undefined || (loop !== node && this.staysInside(loop))) return b.projections(g, inside);
    const sums = accumulate(g, loop, used);
    if (sums === undefined) return b.projections(g, loop);
    const { args: operands } = loop;
    const summed = g.node(
      sums.operation.op,
      [...operands.slice(0, sums.split), ...sums.zeros, ...operands.slice(sums.split)],
      sums.operation.attrs,
    );
    return sums.outputs((index) => b.project(g, summed, index));
  }

  /**
   * Whether the operation runs inside one kernel as it is. One thread for a whole ensemble is no reason to leave it so, nor is a branch by itself in which every member sums over all: the loop around it would
   * go from one member to the others in every step.
   */
  private staysInside(node: RegionNode): boolean {
    if (node.op === 'cond' && (node.attrs.lanes ?? 0) > 0) return false;
    const shape = this.strategies.thread(node);
    return shape !== undefined && (shape.space.length > 0 || !this.hasOwnWays(node));
  }

  private readonly ownWays = new Map<Region, boolean>();

  /** Whether there is a branch whose elements go their own ways. */
  private hasOwnWays(node: RegionNode): boolean {
    if (node.op === 'cond' && (node.attrs.lanes ?? 0) > 0) return true;
    return regionsOf(node).some(([, region]) => {
      let found = this.ownWays.get(region);
      if (found === undefined) {
        found = reachable(region.results).some((n) => isRegionNode(n) && this.hasOwnWays(n));
        this.ownWays.set(region, found);
      }
      return found;
    });
  }
}

// ---- terms

interface Sum {
  readonly operand: Node;
  readonly axes: readonly number[];
}

interface Terms {
  readonly sums: readonly Sum[];
  readonly others: readonly Node[];
}

/** The terms of a sum: long reductions, and others. */
function termsOf(g: Graph, result: Node): Terms {
  const sums: Sum[] = [];
  const others: Node[] = [];
  const visit = (node: Node, negative: boolean): void => {
    const signed = (x: Node): Node => (negative ? b.neg(g, x) : x);
    if (node.op === 'keep') visit(at(node.args, 0), negative);
    else if (node.op === 'neg') visit(at(node.args, 0), !negative);
    else if (node.op === 'add' || node.op === 'sub')
      node.args.forEach((arg, i) => visit(arg, (node.op === 'sub' && i === 1) !== negative));
    else if (node.op === 'reduce' && node.attrs.kind === 'sum' && termCount(node) > ACCUMULATED)
      sums.push({ operand: signed(at(node.args, 0)), axes: node.attrs.axes });
    else others.push(signed(node));
  };
  visit(result, false);
  return { sums, others };
}

/** The terms beside `carry` of a sum that contains it once; undefined when it is no such sum. */
function termsBeside(g: Graph, result: Node, carry: Node, smaller: (sum: Sum) => Sum): Terms | undefined {
  const { sums: found, others: all } = termsOf(g, result);
  const sums = found.map(smaller);
  const others = all.filter((node) => node !== carry);
  if (sums.length === 0 || all.length !== others.length + 1) return undefined;
  if (reachable(others).includes(carry) || reachable(sums.map((s) => s.operand)).includes(carry))
    return undefined;
  return { sums, others };
}

/** What each member of an ensemble sums by itself is summed in the step, so that it carries one number: the axes behind those that some carried array has alone. */
function withinMembers(g: Graph, sum: Sum, params: readonly Node[]): Sum {
  const { operand, axes } = sum;
  const { shape } = operand;
  const members = range(shape.length)
    .slice(1)
    .find((rank) => {
      const [count, each] = [sizeOf(shape.slice(0, rank)), sizeOf(shape.slice(rank))];
      const alone = params.some((p) => sameShape(p.shape, shape.slice(0, rank)));
      return alone && count > ACCUMULATED && each <= OF_A_MEMBER;
    });
  const own = axes.filter((axis) => members !== undefined && axis >= members);
  const others = axes.filter((axis) => !own.includes(axis));
  if (own.length === 0 || others.length === 0) return sum;
  return { operand: b.reduceSum(g, operand, own), axes: others };
}

function termCount(node: NodeOf<'reduce'>): number {
  return sizeOf(node.attrs.axes.map((axis) => at(at(node.args, 0).shape, axis)));
}

/** Operands of one shape that are summed along the same axes. */
interface Group {
  readonly shape: readonly number[];
  readonly axes: readonly number[];
  readonly operands: readonly Node[];
}

function groupsOf(sums: readonly Sum[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const { operand, axes } of sums) {
    const key = `${operand.shape.join()}|${axes.join()}`;
    const known = groups.get(key);
    groups.set(key, { shape: operand.shape, axes, operands: [...(known?.operands ?? []), operand] });
  }
  return groups;
}

// ---- loops

interface Accumulation {
  readonly operation: RegionOperation;
  /** Operands to be inserted before operand `split`: the accumulated arrays start at zero. */
  readonly split: number;
  readonly zeros: readonly Node[];
  /** The outputs of the first loop from those of the new one. */
  readonly outputs: (project: (index: number) => Node) => readonly Node[];
}

/** The loop with its sums accumulated element by element, or undefined when it has none. */
function accumulate(
  g: Graph,
  node: NodeOf<'scan'> | NodeOf<'adjoint_scan'>,
  used: ReadonlySet<number>,
): Accumulation | undefined {
  const isScan = node.op === 'scan';
  const region = isScan ? node.attrs.body : node.attrs.backward;
  const carries = isScan ? node.attrs.carries : node.attrs.cotangents;
  const before = isScan ? 1 : 1 + node.attrs.carries;
  const operandsBefore = isScan ? 0 : node.attrs.carries;
  const ys = region.results.length - carries;
  const largest = Math.max(...region.params.map((p) => sizeOf(p.shape)));
  const found = range(carries).flatMap((c) => {
    const carry = at(region.params, before + c);
    const result = at(region.results, c);
    if (!isFloat(carry.dtype) || (isScan && used.has(carries + ys + c))) return [];
    const terms = termsBeside(g, result, carry, (sum) => withinMembers(g, sum, region.params));
    if (terms === undefined || terms.sums.some((s) => sizeOf(s.operand.shape) > largest)) return [];
    const elsewhere = region.results.filter((_, i) => i !== c);
    return reachable(elsewhere).includes(carry) ? [] : [{ c, carry, ...terms }];
  });
  if (found.length === 0) return undefined;

  const results = [...region.results];
  const fresh: {
    readonly param: Node;
    readonly result: Node;
    readonly c: number;
    readonly axes: readonly number[];
  }[] = [];
  for (const { c, carry, sums, others } of found) {
    results[c] = others.reduce<Node>((sum, x) => b.add(g, sum, x), carry);
    for (const { shape, axes, operands } of groupsOf(sums).values()) {
      const param = g.param('sum', { dtype: carry.dtype, shape });
      fresh.push({ param, result: operands.reduce<Node>((sum, x) => b.add(g, sum, x), param), c, axes });
    }
  }
  const params = [
    ...region.params.slice(0, before + carries),
    ...fresh.map((f) => f.param),
    ...region.params.slice(before + carries),
  ];
  const body: Region = {
    params,
    results: [...results.slice(0, carries), ...fresh.map((f) => f.result), ...results.slice(carries)],
  };
  const extra = fresh.length;
  const { snapshots } = isScan ? node.attrs : { snapshots: 0 };
  return {
    operation: isScan
      ? { op: 'scan', attrs: { ...node.attrs, carries: carries + extra, body } }
      : { op: 'adjoint_scan', attrs: { ...node.attrs, cotangents: carries + extra, backward: body } },
    split: operandsBefore + carries,
    zeros: fresh.map((f) => b.zerosLike(g, f.param)),
    outputs: (project) => [
      ...range(carries).map((c) =>
        fresh.reduce<Node>(
          (total, f, i) =>
            f.c === c ? b.add(g, total, b.reduceSum(g, project(carries + i), f.axes)) : total,
          project(c),
        ),
      ),
      ...range(ys).map((y) => project(carries + extra + y)),
      ...(snapshots > 0 ? range(carries).map((c) => project(carries + extra + ys + c)) : []),
    ],
  };
}

// ---- branches

/** The outputs of a branch whose elements go their own ways, with long sums in its results made behind it; undefined when it has none. */
function branchSums(g: Graph, node: NodeOf<'cond'>): readonly Node[] | undefined {
  const { then: yes, else: no, lanes = 0 } = node.attrs;
  if (lanes === 0) return undefined;
  const results: [Node, Node][] = [];
  /** For each old output: the new ones that are added up, with the axes they are summed along first. */
  const parts = node.outputs.map((output, i) => {
    const [a, c] = [at(yes.results, i), at(no.results, i)];
    const terms = isFloat(output.dtype) ? [termsOf(g, a), termsOf(g, c)] : [];
    if (!terms.some(({ sums }) => sums.length > 0)) return [{ index: results.push([a, c]) - 1, axes: [] }];
    const [first, second] = terms.map(({ sums, others }) => ({
      groups: groupsOf(sums),
      rest: total(g, others, output),
    }));
    if (first === undefined || second === undefined) return [];
    const rest = [first.rest, second.rest];
    const keys = new Map([...first.groups, ...second.groups]);
    return [
      ...(rest.every((r) => splatOf(r) === 0)
        ? []
        : [{ index: results.push([first.rest, second.rest]) - 1, axes: [] }]),
      ...[...keys].map(([key, { shape, axes }]) => {
        const type = { dtype: output.dtype, shape };
        const sum = (groups: Map<string, Group>): Node => total(g, groups.get(key)?.operands ?? [], type);
        return { index: results.push([sum(first.groups), sum(second.groups)]) - 1, axes };
      }),
    ];
  });
  if (results.length === node.outputs.length && parts.every((p) => p.every(({ axes }) => axes.length === 0)))
    return undefined;
  const made = g.node('cond', node.args, {
    ...node.attrs,
    then: { params: yes.params, results: results.map(([a]) => a) },
    else: { params: no.params, results: results.map(([, c]) => c) },
  });
  return parts.map((list, i) =>
    total(
      g,
      list.map(({ index, axes }) => {
        const value = b.project(g, made, index);
        return axes.length === 0 ? value : b.reduceSum(g, value, axes);
      }),
      at(node.outputs, i),
    ),
  );
}

function total(g: Graph, terms: readonly Node[], type: ArrayType): Node {
  const [first, ...rest] = terms;
  return first === undefined
    ? b.full(g, type.shape, 0, type.dtype)
    : rest.reduce<Node>((sum, x) => b.add(g, sum, x), first);
}
