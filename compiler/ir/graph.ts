// The builder of the array IR. Nodes are hash-consed: asking twice for the same operation on the same operands gives the same node, so common
// subexpressions never exist twice, and asking again costs one look-up. One Graph lives for one compilation; every stage that makes nodes gets it passed.
// `node` applies the local rewrites of rewrite.ts (constant folding, identities with 0 and 1, movement of movement) before it interns.

import { InternalError } from '../support/diagnostic.ts';
import type { Span } from '../support/span.ts';
import { AttributeTexts } from './attribute_text.ts';
import { isCompound } from './classes.ts';
import { EqualRegions } from './equal_regions.ts';
import { inferTypes } from './infer.ts';
import { rewriteNode } from './rewrite.ts';
import type { ArrayType, Attributes, DType, Node, NodeOf, OpName, Region } from './types.ts';

/** A region on parameters some of which have a batch axis, and which of its results have it. */
export interface BatchedRegion {
  readonly params: readonly Node[];
  readonly images: readonly { readonly value: Node; readonly batched: boolean }[];
}

export class Graph {
  /** The node given for each request, whether made for it or found simpler by a rewrite. */
  private readonly answers = new Map<string, Node>();
  /** The same for operations of one or two operands without attributes, by operation and `pairKey`: most of the nodes there are. */
  private readonly pairAnswers = new Map<OpName, Map<number, Node>>();
  private nextId = 0;
  private nextSerial = 0;
  private readonly regionKeys = new Map<string, number>();
  private readonly attributes = new AttributeTexts((region) => this.regionKey(region));
  /** Regions that have been closed, each for all that are equal to it. */
  readonly regions = new EqualRegions();
  /** Place given to nodes made while it is set; see `withOrigin`. */
  private origin: Span | undefined;
  /** What the elements of the batch in the making are called; see `withMember`. */
  private member = '';
  /** What takes the answers given since the innermost `scope` began out of their tables. */
  private forget: (() => void)[] | undefined;
  /** Where the ids of the innermost `scope` begin. */
  private mark = 0;

  /** What regions have become in batches, by region, length of the batch and what differs in it: regions of rules are shared by many operations (autodiff/custom.ts). */
  readonly batches = new WeakMap<Region, Map<string, BatchedRegion>>();

  /** `rewrite: false` leaves every node as it is asked for: for tests of the rewrites. */
  constructor(private readonly options: { readonly rewrite: boolean } = { rewrite: true }) {}

  /** A fresh parameter: never equal to any other. */
  param(name: string, type: ArrayType): Node {
    return this.make(
      'param',
      [],
      { name, serial: this.nextSerial++ },
      [{ dtype: type.dtype, shape: [...type.shape] }],
      undefined,
    );
  }

  constant(value: number, dtype: DType): Node {
    return this.node('const', [], { value: normalise(value, dtype) }, dtype);
  }

  literal(data: Float64Array, shape: readonly number[], dtype: DType): Node {
    return this.node(
      'literal',
      [],
      { data: dtype === 'f32' ? this.roundedLiteral(data) : data, shape },
      dtype,
    );
  }

  iota(shape: readonly number[], axis: number, dtype: DType): Node {
    return this.node('iota', [], { shape, axis }, dtype);
  }

  /** The node of this operation: checked, simplified, interned. `dtype` is for the leaves const, literal and iota only. */
  node<P extends OpName>(op: P, args: readonly Node[], attrs: Attributes[P], dtype?: DType): Node {
    const [a, b] = args;
    if (a !== undefined && args.length <= 2 && isEmpty(attrs)) {
      let table = this.pairAnswers.get(op);
      if (table === undefined) {
        table = new Map();
        this.pairAnswers.set(op, table);
      }
      return this.answer(table, pairKey(a, b), op, args, attrs, undefined);
    }
    const leafType = args.length === 0 ? dtype : undefined;
    const key = `${op}|${leafType ?? ''}|${idsOf(args)}|${this.attributes.of(op, attrs)}`;
    return this.answer(this.answers, key, op, args, attrs, dtype);
  }

  private answer<P extends OpName, K>(
    table: Map<K, Node>,
    key: K,
    op: P,
    args: readonly Node[],
    attrs: Attributes[P],
    dtype: DType | undefined,
  ): Node {
    const known = table.get(key);
    if (known !== undefined && !this.isElsewhere(known, attrs)) return known;
    const outputs = inferTypes(op, args, attrs, dtype);
    const simpler = this.options.rewrite ? rewriteNode(this, op, args, attrs, outputs) : undefined;
    const answer = simpler ?? this.make(op, args, attrs, outputs, this.origin);
    table.set(key, answer);
    this.forget?.push(() => (known === undefined ? table.delete(key) : table.set(key, known)));
    return answer;
  }

  /** Whether a region operation stands outside the branch that asks for an equal one of its own: only the branch taken runs. */
  private isElsewhere(known: Node, attrs: object): boolean {
    return known.id < this.mark && isCompound(known) && known.attrs !== attrs;
  }

  /** The place in the source that nodes made now come from. */
  place(): Span | undefined {
    return this.origin;
  }

  /** Nodes made by `build` carry `origin` unless an inner call sets another. */
  withOrigin<T>(origin: Span | undefined, build: () => T): T {
    const before = this.origin;
    this.origin = origin ?? before;
    try {
      return build();
    } finally {
      this.origin = before;
    }
  }

  /** What the elements are called that are batched now: 'element', 'path'; '' when the program does not show them. */
  memberWord(): string {
    return this.member;
  }

  /** Checks batched by `build` tell the number of the element with this word. */
  withMember<T>(word: string, build: () => T): T {
    const before = this.member;
    this.member = word;
    try {
      return build();
    } finally {
      this.member = before;
    }
  }

  /**
   * Runs `build` and forgets, for interning, the nodes it made: the same expression asked for later is a new node. `mark`: the made nodes have ids
   * from here on. For the branches of a `cond`, whose work must stay in the branch.
   */
  scope<T>(build: () => T): { readonly value: T; readonly mark: number } {
    const mark = this.nextId;
    const [before, markBefore] = [this.forget, this.mark];
    const forget: (() => void)[] = [];
    this.forget = forget;
    this.mark = mark;
    try {
      return { value: build(), mark };
    } finally {
      this.forget = before;
      this.mark = markBefore;
      for (const remove of forget) remove();
    }
  }

  private make<P extends OpName>(
    op: P,
    args: readonly Node[],
    attrs: Attributes[P],
    outputs: readonly ArrayType[],
    origin: Span | undefined,
  ): Node {
    const type = outputs[0] ?? { dtype: 'f64' as const, shape: [] };
    const made: NodeOf<P> = {
      op,
      id: this.nextId++,
      args,
      attrs,
      outputs,
      dtype: type.dtype,
      shape: type.shape,
      origin,
    };
    return asNode(made);
  }

  /** Regions are equal when parameters and results are the same nodes: alpha-equivalent bodies are merged by cse, not here. */
  private regionKey(region: Region): number {
    const text = `${idsOf(region.params)}>${idsOf(region.results)}`;
    let key = this.regionKeys.get(text);
    if (key === undefined) {
      key = this.regionKeys.size;
      this.regionKeys.set(text, key);
    }
    return key;
  }

  /** The same numbers rounded to f32; the same array for the same array, since large literals are interned by identity. */
  private roundedLiteral(data: Float64Array): Float64Array {
    if (data.every((x) => Object.is(x, Math.fround(x)))) return data;
    let rounded = this.roundedLiterals.get(data);
    if (rounded === undefined) {
      rounded = data.map(Math.fround);
      this.roundedLiterals.set(data, rounded);
    }
    return rounded;
  }

  private readonly roundedLiterals = new WeakMap<Float64Array, Float64Array>();
}

/** One number for one or two operands: ids stay far below 2^26. */
function pairKey(a: Node, b: Node | undefined): number {
  return a.id * 2 ** 26 + (b === undefined ? 0 : b.id + 1);
}

function isEmpty(attrs: object): boolean {
  for (const _key in attrs) return false;
  return true;
}

function idsOf(nodes: readonly Node[]): string {
  let text = '';
  for (const node of nodes) text += `${node.id},`;
  return text;
}

// The one place where the correlated union is asserted: NodeOf<P> for a P in OpName is a member of Node by definition.
function asNode<P extends OpName>(node: NodeOf<P>): Node {
  return node as unknown as Node;
}

function normalise(value: number, dtype: DType): number {
  switch (dtype) {
    case 'f64':
      return value;
    case 'f32':
      return Math.fround(value);
    case 'i32':
      return Number.isInteger(value) ? value | 0 : unrepresentable(value, dtype);
    case 'u32':
      return Number.isInteger(value) ? value >>> 0 : unrepresentable(value, dtype);
    case 'bool':
      return value === 0 ? 0 : 1;
  }
}

function unrepresentable(value: number, dtype: DType): never {
  throw new InternalError('ir.graph', `constant ${value} is not of type ${dtype}`);
}
