// The items of a partition: each stored value, each region operation, each result that is no stored value itself, with what it reads and how.

import { at } from '../support/lists.ts';
import { classOf, flopsPerElement, isRegionNode, regionsOf } from '../ir/classes.ts';
import { reachable } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import type { PartitionOptions } from './partition.ts';
import { CONSTANT, LEAD, SAME, UNIFORM, walkReads } from './reads.ts';
import { base, isProduct, termsOf } from './storage_points.ts';
import type { Strategies } from './strategies.ts';
import type { ThreadShape } from './threads.ts';
import { restShape } from './threads.ts';

/** value, copy, line (a running sum) and thread (a loop inside a kernel) are computed by map kernels; sequence, product, rows and sort by steps of their own. */
export type ItemKind = 'value' | 'copy' | 'line' | 'thread' | 'sequence' | 'product' | 'rows' | 'sort';

export function isMapKind(kind: ItemKind): boolean {
  return kind !== 'sequence' && kind !== 'product' && kind !== 'rows' && kind !== 'sort';
}

/** One stored value, or one region operation with all its outputs. */
export interface Item {
  readonly id: number;
  readonly kind: ItemKind;
  /** The node computed; for `copy` the result that is stored without being a stored value itself. */
  readonly node: Node;
  /** Stored nodes this defines. */
  readonly outputs: readonly Node[];
  /** For `copy`: which result. */
  readonly result: number | undefined;
  readonly space: readonly number[];
  readonly serial: boolean;
  readonly core: boolean;
  readonly thread: ThreadShape | undefined;
  /** Leaves read, with the relation that holds for every read. */
  readonly reads: ReadonlyMap<Node, number>;
  /** Constant arrays used that do not fit into the text. */
  readonly literals: ReadonlySet<Node>;
  /** Values computed on the way that cost much: worth storing when another kernel needs them too. */
  readonly dear: ReadonlySet<Node>;
  readonly flops: number;
  /** About how many operations its text has: what a target compiles, once for all points. */
  readonly text: number;
}

/** Operations an element from which on a value that several kernels need is stored. */
const DEAR = 200;
/** Single threads run no sums of more terms than this. */
const SERIAL_TERMS = 256;

export class ItemMaker {
  readonly items: Item[] = [];

  constructor(
    private readonly params: ReadonlySet<Node>,
    private readonly coreNodes: ReadonlySet<Node>,
    private readonly coreStored: ReadonlySet<Node>,
    private readonly stored: ReadonlySet<Node>,
    private readonly strategies: Strategies,
    private readonly options: PartitionOptions,
    private readonly costs: ReadonlyMap<Node, number>,
  ) {}

  copy(result: Node, index: number, core: boolean): void {
    this.add('copy', result, [], index, core);
  }

  define(node: Node): void {
    if (this.params.has(node)) return;
    if (isRegionNode(node)) {
      this.add(
        this.strategies.thread(node) === undefined ? 'sequence' : 'thread',
        node,
        this.projections(node),
        undefined,
        this.coreNodes.has(node),
      );
      return;
    }
    if (!this.stored.has(node) || node.op === 'project') return;
    const kind = isProduct(node)
      ? 'product'
      : node.op === 'rows_of'
        ? 'rows'
        : node.op === 'argsort'
          ? 'sort'
          : node.op === 'cumsum'
            ? 'line'
            : 'value';
    if (this.coreNodes.has(node) && !this.coreStored.has(node)) {
      // Computed inside the core's kernels, stored for others by a kernel of its own.
      this.add(kind, node, [node], undefined, false);
      return;
    }
    this.add(kind, node, [node], undefined, this.coreNodes.has(node));
  }

  private readonly projected = new Map<Node, Node[]>();
  private projections(node: Node): Node[] {
    if (this.projected.size === 0)
      for (const s of this.stored)
        if (s.op === 'project') {
          const of = at(s.args, 0);
          const known = this.projected.get(of);
          if (known === undefined) this.projected.set(of, [s]);
          else known.push(s);
        }
    return this.projected.get(node) ?? [];
  }

  private add(
    kind: Item['kind'],
    node: Node,
    outputs: readonly Node[],
    result: number | undefined,
    core: boolean,
  ): void {
    const thread = kind === 'thread' ? this.strategies.thread(node) : undefined;
    const space =
      thread !== undefined
        ? thread.space
        : kind === 'line' && node.op === 'cumsum'
          ? node.shape.filter((_, axis) => axis !== node.attrs.axis)
          : node.shape.filter((extent) => extent !== 1);
    const leaf = core ? this.coreStored : this.stored;
    const reads = new Map<Node, number>();
    const lead = space.length;
    const start = SAME | LEAD | CONSTANT | (lead === 0 ? UNIFORM : 0);
    let flops = 0;
    let terms = 1;
    let text = 0;
    const literals = new Set<Node>();
    const dear = new Set<Node>();
    // The item's own node is computed even where it is stored.
    const roots: (readonly [Node, number])[] = [];
    if (isRegionNode(node)) {
      node.args.forEach((arg, i) => {
        const bits = thread?.operandBits[i] ?? 0;
        roots.push([arg, bits]);
      });
    } else roots.push([kind === 'copy' ? node : base(node), start]);
    const isRead = (n: Node): boolean =>
      this.params.has(n) || (leaf.has(n) && (kind === 'copy' || n !== node));
    walkReads(
      roots,
      lead,
      (n) => isRead(n),
      (n, bits) => {
        reads.set(n, (reads.get(n) ?? ~0) & bits);
      },
      (n) => {
        const own = flopsPerElement(n);
        text++;
        if (Number.isFinite(own)) flops += own;
        terms = Math.max(terms, termsOf(n));
        if (n !== node && (this.costs.get(n) ?? 0) > DEAR && isStorable(n)) dear.add(n);
        if (n.op === 'literal' && sizeOf(n.shape) > 1) literals.add(n);
        return true;
      },
    );
    const small =
      isMapKind(kind) &&
      (thread !== undefined
        ? lead === 0
        : sizeOf(node.shape) <= this.options.serial && sizeOf(node.shape) * terms <= SERIAL_TERMS);
    this.items.push({
      id: this.items.length,
      kind,
      node,
      outputs,
      result,
      space: small ? [] : space,
      serial: small,
      core,
      thread,
      reads,
      literals,
      dear,
      flops: flops * terms,
      text:
        thread !== undefined
          ? text + textOf(node, thread.space)
          : small && sizeOf(node.shape) <= WRITTEN_OUT
            ? text * sizeOf(node.shape)
            : text,
    });
  }
}

/** Values of so many elements are written out one by one by a kernel of one thread (lower_map.ts). */
const WRITTEN_OUT = 8;

/** Operations in the text of a loop that runs inside a kernel: its arrays are registers, written out one by one up to some number. */
function textOf(loop: Node, space: readonly number[]): number {
  let text = 0;
  for (const [, region] of regionsOf(loop))
    for (const n of reachable(region.results))
      text += isRegionNode(n) ? textOf(n, space) : Math.min(WRITTEN_OUT, sizeOf(restShape(n.shape, space)));
  return text;
}

function isStorable(node: Node): boolean {
  return (
    node.dtype !== 'bool' &&
    sizeOf(node.shape) > 1 &&
    classOf(node.op) === 'elementwise' &&
    base(node) === node
  );
}
