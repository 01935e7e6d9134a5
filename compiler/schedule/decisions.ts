// Which products decide something. In: the functions of a program. Out: for a product, whether a comparison, a rounding to a whole number or an order may depend on its last bits.
//
// A value that decides is often computed more than once: by the kernel of a value and those of its derivatives, by a step and by the backward step that runs it again, for a face by the cells on its two
// sides. A target may contract a*b + c into one operation here and, where a*b has another use, not there; the results differ in the last bit, and where they stand at a choice one kernel takes one side
// and another the other. So products that a decision depends on are rounded by themselves everywhere (`rounded` in kernel/types.ts), and all kernels find the same bits.
// Why this and no other way: spec/decisions/0082-one-value-in-every-kernel.md.
//
// Invariant: what is decided about a product follows from its structure alone, up to parameters and results of loops, of which only types count. The same computation is treated alike in a loop, in the
// sweeps that run it again and in every procedure, also where only some of its results are wanted.

import { at } from '../support/lists.ts';
import { isCompound, isRegionNode, regionsOf } from '../ir/classes.ts';
import { reachable } from '../ir/region.ts';
import type { ArrayFunction, Node, OpName, Region } from '../ir/types.ts';
import { isFloat } from '../ir/types.ts';
import type { Strategies } from './strategies.ts';

const commutative: ReadonlySet<OpName> = new Set<OpName>([
  'add',
  'mul',
  'max',
  'min',
  'eq',
  'ne',
  'and',
  'or',
  'xor',
]);

/** A bound beyond which a comparison asks whether a number is finite. */
const HUGE = 1e30;

export class Decisions {
  /** Numbers of the products that decide. */
  private readonly deciding = new Set<number>();
  private readonly numbers = new Map<Node, number>();
  private readonly known = new Map<string, number>();
  private readonly seen = new Set<Region>();

  constructor(private readonly strategies: Strategies) {}

  /** To be told of all functions before the first of them is lowered: kernels are shared between them. */
  add({ region }: ArrayFunction): void {
    // A loop inside a kernel is in one kernel only, unless a sweep backwards runs it again.
    this.region(region, goesBack(region, new Set()));
  }

  /** Whether this product (`mul`, or the terms of `dot`) is to be rounded before anything is added to it. */
  has(node: Node): boolean {
    return this.deciding.size > 0 && this.deciding.has(this.number(node));
  }

  private region(region: Region, again: boolean): void {
    if (this.seen.has(region)) return;
    this.seen.add(region);
    const order = reachable(region.results);
    const found = new Set<Node>();
    const bits = bitsWanted(region, order);
    for (let i = order.length - 1; i >= 0; i--) {
      const node = at(order, i);
      if (isRegionNode(node)) {
        if (again || this.strategies.thread(node) === undefined)
          for (const [, body] of regionsOf(node)) this.region(body, again);
        continue;
      }
      const decides = node.op === 'bitcast' ? bits.has(node) : isDecision(node);
      if (!decides && !found.has(node)) continue;
      if ((node.op === 'mul' || node.op === 'dot') && !isExact(node)) this.deciding.add(this.number(node));
      if (node.op !== 'project') for (const arg of node.args) if (isFloat(arg.dtype)) found.add(arg);
    }
  }

  /** Equal for equal computations. */
  private number(root: Node): number {
    const stack = [root];
    for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
      if (this.numbers.has(node)) {
        stack.pop();
        continue;
      }
      const waiting = isCut(node) ? [] : node.args.filter((arg) => !this.numbers.has(arg));
      if (waiting.length > 0) {
        stack.push(...waiting);
        continue;
      }
      stack.pop();
      const parts = isCut(node) ? 'given' : `${attributes(node)}|${this.argumentsOf(node)}`;
      const key = `${node.op}|${node.dtype}|${node.shape.join()}|${parts}`;
      const number = this.known.get(key) ?? this.known.size;
      this.known.set(key, number);
      this.numbers.set(node, number);
    }
    return this.numbers.get(root) ?? -1;
  }

  private argumentsOf(node: Node): string {
    const numbers = node.args.map((arg) => this.numbers.get(arg) ?? -1);
    // Which of two operands comes first follows from the order in which nodes were made.
    if (commutative.has(node.op)) numbers.sort((a, b) => a - b);
    return numbers.join();
  }
}

function isCut(node: Node): boolean {
  return node.op === 'param' || node.op === 'project' || isCompound(node);
}

function attributes(node: Node): string {
  if (node.op === 'const') return Object.is(node.attrs.value, -0) ? '-0' : String(node.attrs.value);
  // Data are equal only to themselves.
  if (node.op === 'literal') return `#${node.id}`;
  // Most operations have none.
  for (const _ in node.attrs) return JSON.stringify(node.attrs);
  return '';
}

/** Whether the last bits of an operand may change the result by more than their size. */
function isDecision(node: Node): boolean {
  switch (node.op) {
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
      // A number that is compared with itself or with infinity is asked whether it is one.
      return isFloat(at(node.args, 0).dtype) && node.args[0] !== node.args[1] && !node.args.some(isHuge);
    case 'sign':
    case 'floor':
    case 'ceil':
    case 'round':
    case 'rem':
      return isFloat(node.dtype);
    case 'cast':
      return isFloat(at(node.args, 0).dtype) && !isFloat(node.dtype);
    case 'arg_reduce':
    case 'argsort':
      return isFloat(at(node.args, 0).dtype);
    default:
      return false;
  }
}

/** The bits of a float's exponent: all of them are set where it is no number. */
const EXPONENT = 0x7f800000;

/** Floats as integers, but for those of which nothing is wanted but the exponent. */
function bitsWanted({ results }: Region, order: readonly Node[]): ReadonlySet<Node> {
  const wanted = new Set(results);
  for (const node of order) {
    if (node.op === 'and' && node.args.some((arg) => constantOf(arg) === EXPONENT)) continue;
    for (const arg of node.args) if (arg.op === 'bitcast' && isFloat(at(arg.args, 0).dtype)) wanted.add(arg);
  }
  return wanted;
}

function constantOf(node: Node): number | undefined {
  if (node.op === 'const') return node.attrs.value;
  return node.op === 'broadcast' ? constantOf(at(node.args, 0)) : undefined;
}

function isHuge(node: Node): boolean {
  return Math.abs(constantOf(node) ?? 0) >= HUGE;
}

/** Products with powers of two have no rounding of their own. */
function isExact(node: Node): boolean {
  return (
    node.op === 'mul' &&
    node.args.some((arg) => {
      const factor = Math.abs(constantOf(arg) ?? 0);
      return factor > 0 && Number.isInteger(Math.log2(factor));
    })
  );
}

/** Whether there are sweeps backwards: adjoint loops, and loops in reverse, as those that find states by undoing steps. */
function goesBack(region: Region, seen: Set<Region>): boolean {
  if (seen.has(region)) return false;
  seen.add(region);
  return reachable(region.results).some(
    (node) =>
      node.op === 'adjoint_scan' ||
      (node.op === 'scan' && node.attrs.reverse) ||
      regionsOf(node).some(([, body]) => goesBack(body, seen)),
  );
}
