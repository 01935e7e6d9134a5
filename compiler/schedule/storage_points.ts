// Which values are stored. Results, operands of loops that are sequences of kernels, reductions, products and other contractions, tables, the `keep` nodes that survive thinning, and
// values whose recomputation would cost much; everything else is computed where it is used.
//
// Storage points are never chosen inside clusters of cheap elementwise work: only where a value of some cost is read through several shifts (a stencil over computed values), or where a
// chain of dependent operations gets longer than compilers like.

import { at } from '../support/lists.ts';
import { classOf, flopsPerElement, isRegionNode } from '../ir/classes.ts';
import { reachable } from '../ir/region.ts';
import type { Node, NodeOf } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import type { PartitionOptions } from './partition.ts';
import { CONSTANT, LEAD, UNIFORM } from './reads.ts';
import type { Strategies } from './strategies.ts';

/** Reductions of at most this many terms are part of the expressions that use them. */
const INLINE_TERMS = 8;
/** Longest chain of dependent operations in one kernel. */
const MAX_CHAIN = 300;
/** Matrix products with fewer multiplications than this are sums inside a map kernel. */
const PRODUCT_WORK = 4096;
/** `keep` is not followed where the value costs at most this many operations on at most so many arrays. */
const THIN_FLOPS = 8;
const THIN_ARRAYS = 3;

/** The node whose elements, in the same order, are those of `node`. */
export function base(node: Node): Node {
  let b = node;
  while (b.op === 'keep' || b.op === 'stop_gradient' || b.op === 'reshape') b = at(b.args, 0);
  return b;
}

function isLeaf(node: Node): boolean {
  return node.op === 'param' || node.op === 'const' || node.op === 'literal';
}

/** Products over so few terms are sums inside the expressions that use them, however many there are. */
const FEW_TERMS = 4;

function isSmallProduct(node: NodeOf<'dot'>): boolean {
  return at(at(node.args, 0).shape, -1) <= FEW_TERMS;
}

export function isProduct(node: Node): boolean {
  if (node.op !== 'dot') return false;
  const [a, b] = node.args;
  if (a === undefined || b === undefined) return false;
  return (
    !isSmallProduct(node) &&
    sizeOf(node.shape) * at(a.shape, a.shape.length - 1) >= PRODUCT_WORK &&
    node.dtype !== 'i32' &&
    node.dtype !== 'u32'
  );
}

export function termsOf(node: Node): number {
  const a = node.args[0];
  if (a === undefined) return 1;
  switch (node.op) {
    case 'reduce':
      return sizeOf(node.attrs.axes.map((axis) => at(a.shape, axis)));
    case 'dot':
      return at(a.shape, a.shape.length - 1);
    case 'arg_reduce':
    case 'cumsum':
      return at(a.shape, node.attrs.axis);
    case 'argsort':
      return at(a.shape, a.shape.length - 1);
    case 'scatter_add': {
      const updates = sizeOf(a.shape.slice(node.attrs.batch));
      return node.args.length > 2 ? Math.ceil(updates / Math.max(1, node.attrs.size)) : updates;
    }
    default:
      return 1;
  }
}

/** Decides for the nodes under some results. */
export class StoragePoints {
  readonly stored = new Set<Node>();
  /** Values that a kernel with too many buffers is cut at. */
  readonly cuts = new Set<Node>();
  /** Operations that an element of each value takes, from what is stored. */
  readonly costs = new Map<Node, number>();

  constructor(
    private readonly strategies: Strategies,
    private readonly options: PartitionOptions,
    private readonly params: ReadonlySet<Node>,
  ) {}

  /** Adds what the results need; nodes in `settled` keep the decision they have. */
  decide(results: readonly Node[], settled: ReadonlySet<Node>): Node[] {
    const order = reachable(results, this.params);
    const { costs } = this;
    const chains = new Map<Node, number>();
    const must = (node: Node): void => {
      const b = base(node);
      if (isLeaf(b) || this.params.has(b)) return;
      this.stored.add(b);
      costs.set(b, 0);
      chains.set(b, 0);
    };
    const wanted = new Set(results.map(base));
    const shifts = this.shiftUses(order, settled);
    for (const node of order) {
      if (this.params.has(node)) continue;
      if (isRegionNode(node)) {
        const thread = this.strategies.thread(node);
        node.args.forEach((arg, i) => {
          if (thread === undefined) must(arg);
          else if (this.dear(arg, at(thread.operandBits, i), costs)) must(arg);
        });
        continue;
      }
      if (node.op === 'project') {
        this.stored.add(node);
        continue;
      }
      if (!settled.has(node)) this.contraction(node, must, costs);
      if (
        !settled.has(node) &&
        (node.op === 'keep' || wanted.has(node)) &&
        this.survives(node, wanted.has(node))
      )
        must(node);
      const cost = this.stored.has(node) ? 0 : this.costOf(node, costs);
      costs.set(node, cost);
      const chain = this.stored.has(node)
        ? 0
        : 1 + node.args.reduce((most, a) => Math.max(most, chains.get(a) ?? 0), 0);
      chains.set(node, chain);
      if (settled.has(node) || this.stored.has(node) || isLeaf(node)) continue;
      if (this.cuts.has(node)) must(node);
      const repeated = shifts.get(node) ?? 0;
      if (chain > MAX_CHAIN || (repeated > 0 && cost * repeated > this.options.storeCost)) {
        if (node.dtype === 'bool' || (classOf(node.op) === 'movement' && node.op !== 'concat')) continue;
        must(node);
      }
    }
    return order;
  }

  private costOf(node: Node, costs: ReadonlyMap<Node, number>): number {
    const flops = flopsPerElement(node);
    let cost = Number.isFinite(flops) ? flops : 1;
    const terms = termsOf(node);
    for (const arg of node.args) cost += (costs.get(arg) ?? 0) * terms;
    return Math.min(cost, 1e6);
  }

  /** How often an element of the value is computed again because it is read through different shifts; another shape or order of the same elements is no shift. */
  private shiftUses(order: readonly Node[], settled: ReadonlySet<Node>): Map<Node, number> {
    const uses = new Map<Node, { moved: number; direct: number; copies: number }>();
    for (const user of [...order].reverse()) {
      if (settled.has(user)) continue;
      const kind = classOf(user.op);
      const onward = uses.get(user);
      user.args.forEach((arg) => {
        if (isLeaf(arg)) return;
        const use = uses.get(arg) ?? { moved: 0, direct: 0, copies: 0 };
        if ((user.op === 'reshape' || user.op === 'transpose') && onward !== undefined) {
          use.moved += onward.moved;
          use.direct = Math.max(use.direct, onward.direct);
          use.copies = Math.max(use.copies, onward.copies);
        } else if (user.op === 'broadcast') {
          const factor = sizeOf(user.shape) / Math.max(1, sizeOf(arg.shape));
          if (factor > 1) use.copies = Math.max(use.copies, factor - 1);
          else use.direct = 1;
        } else if (kind === 'movement' && user.op !== 'reshape' && user.op !== 'transpose') use.moved++;
        else if (user.op === 'reduce' || user.op === 'dot') use.copies += user.op === 'dot' ? 4 : 0;
        else use.direct = 1;
        uses.set(arg, use);
      });
    }
    return new Map(
      [...uses].map(([node, u]) => [node, Math.max(0, u.moved + u.direct - 1) + Math.min(u.copies, 16)]),
    );
  }

  private contraction(node: Node, must: (node: Node) => void, costs: ReadonlyMap<Node, number>): void {
    switch (node.op) {
      case 'reduce':
      case 'arg_reduce': {
        const inner = at(node.args, 0);
        if (termsOf(node) > INLINE_TERMS || (costs.get(inner) ?? 0) * termsOf(node) > this.options.storeCost)
          must(node);
        return;
      }
      case 'dot':
        if (isSmallProduct(node)) {
          const operands = node.args.reduce((sum, arg) => sum + (costs.get(arg) ?? 0), 0);
          if (operands * termsOf(node) > this.options.storeCost) must(node);
          return;
        }
        must(node);
        if (isProduct(node)) node.args.forEach((arg) => must(movedFrom(arg)));
        return;
      case 'cumsum':
        must(node);
        return;
      case 'argsort':
        must(node);
        must(at(node.args, 0));
        return;
      case 'scatter_add':
        must(node);
        node.args.forEach((arg, i) => {
          const unread = node.args.length > 2 && i === 0;
          if (i === 2 || (!unread && (costs.get(arg) ?? 0) > 2)) must(arg);
        });
        return;
      case 'rows_of':
        must(node);
        must(at(node.args, 0));
        return;
      case 'gather':
        if ((costs.get(at(node.args, 0)) ?? 0) > 0) must(at(node.args, 0));
        return;
      default:
        return;
    }
  }

  /** An operand of a loop inside a kernel that is read in other places than the thread's own, and costs something. */
  private dear(arg: Node, bits: number, costs: ReadonlyMap<Node, number>): boolean {
    const b = base(arg);
    if (isLeaf(b) || this.params.has(b)) return false;
    if ((bits & CONSTANT) !== 0 && (bits & (LEAD | UNIFORM)) !== 0) return false;
    return (costs.get(b) ?? 0) > 4;
  }

  /**
   * Whether a candidate or result is worth reading from memory: not when it is little work on few arrays, all at the same index. A result, which is stored anyway, is computed again
   * only where that saves waiting for another kernel: when those arrays are the region's own parameters.
   */
  private survives(node: Node, result: boolean): boolean {
    const b = base(node);
    if (this.stored.has(b) || isLeaf(b) || this.params.has(b)) return false;
    const seen = new Set<Node>();
    const arrays = new Set<Node>();
    let flops = 0;
    const stack = [b];
    for (let part = stack.pop(); part !== undefined; part = stack.pop()) {
      if (seen.has(part)) continue;
      seen.add(part);
      if (this.params.has(part) || this.stored.has(part)) {
        if (sizeOf(part.shape) > 1) arrays.add(part);
        if (result && !this.params.has(part)) return true;
        continue;
      }
      const kind = classOf(part.op);
      if (kind === 'leaf') continue;
      const scalarBroadcast = part.op === 'broadcast' && sizeOf(at(part.args, 0).shape) === 1;
      const flat = part.op === 'reshape' || scalarBroadcast;
      if (kind !== 'elementwise' && !flat) return true;
      flops += flopsPerElement(part);
      if (flops > THIN_FLOPS || arrays.size > THIN_ARRAYS) return true;
      if (!scalarBroadcast || !this.params.has(at(part.args, 0))) stack.push(...part.args);
    }
    return arrays.size > THIN_ARRAYS;
  }
}

/** The value that a matrix product reads through strides: under an exchange of the last two axes, and under the repetition of one matrix for a batch. */
export function movedFrom(node: Node): Node {
  const b = base(node);
  const rank = b.shape.length;
  if (b.op === 'broadcast' && b === stripped(node) && b.attrs.axes.join() === `${rank - 2},${rank - 1}`)
    return movedFrom(at(b.args, 0));
  if (b.op !== 'transpose' || b !== stripped(node)) return b;
  const swaps = b.attrs.perm.every((p, i) => p === (i < rank - 2 ? i : i === rank - 2 ? rank - 1 : rank - 2));
  return swaps ? base(at(b.args, 0)) : b;
}

function stripped(node: Node): Node {
  let b = node;
  while (b.op === 'keep' || b.op === 'stop_gradient') b = at(b.args, 0);
  return b;
}
