// Which loops run inside one kernel, one thread a member: a region operation whose values, apart from some leading axes on which everything is elementwise, are few. The leading axes
// become the iteration space, carried values become registers, and no step costs a dispatch.
//
// Found by walking the bodies with the relations of `reads.ts`: a batched carry may be read at the thread's own leading indices only, an unbatched one not by them; what the region is
// given from outside (stepped and constant operands) lies in memory and may be read anywhere.

import { at, range } from '../support/lists.ts';
import type { RegionNode } from '../ir/classes.ts';
import { flopsPerElement, isRegionNode } from '../ir/classes.ts';
import { reachable } from '../ir/region.ts';
import type { Node, NodeOf, Region } from '../ir/types.ts';
import { sameShape, sizeOf } from '../ir/types.ts';
import { repetitionOf } from './repeats.ts';
import { CONSTANT, LEAD, STEP, UNIFORM, walkReads } from './reads.ts';

export interface ThreadShape {
  /** One thread for every point; [] for a single thread. */
  readonly space: readonly number[];
  /** Carried parameters that are read at indices known at run time only: local arrays, not registers. */
  readonly arrays: ReadonlySet<Node>;
  /** How each operand is read, as relation bits. */
  readonly operandBits: readonly number[];
  /** Operations of one thread, every loop counted as one turn. */
  readonly work: number;
}

/** Elements that one thread rather than several takes; registers a thread, unrolled operations a kernel, operations of a kernel with few threads (loops counted as one turn). */
const FEW = 16;
const MAX_CARRIED = 32;
const MAX_CODE = 2000;
/** Of an ensemble, a thread for each of so many members, more: outside of a kernel all members would pass through memory in every step. */
const MANY = 64;
const MAX_CARRIED_OF_MANY = 64;
const MAX_CODE_OF_MANY = 8000;
const MAX_LONE_WORK = 20_000;
/** Operations of a step beyond which a thread must not compute things again and again, and how much more than once through. */
const MAX_REPEATED_WORK = 20_000;
const MAX_REPEATS = 4;
/** Elements that one thread sorts, by counting. */
const SORTED = 64;

/** The relation of an operand that no result needs. */
const ANYHOW = LEAD | UNIFORM | CONSTANT | STEP;

/** Whether an array of this shape has the leading axes of the space. */
export function isBatched(shape: readonly number[], space: readonly number[]): boolean {
  return shape.length >= space.length && space.every((extent, axis) => shape[axis] === extent);
}

export function restShape(shape: readonly number[], space: readonly number[]): readonly number[] {
  return isBatched(shape, space) ? shape.slice(space.length) : shape;
}

/** A body of a region operation: its parameters by role, in the order of the operation's operands. */
export interface BodyRole {
  readonly region: Region;
  /** For each parameter after the step index (if any): the operand it comes from, and how. */
  readonly params: readonly {
    readonly param: Node;
    readonly operand: number;
    readonly role: 'carry' | 'step' | 'constant' | 'state';
  }[];
  readonly index: Node | undefined;
}

export function bodiesOf(node: RegionNode, space: readonly number[] = []): readonly BodyRole[] {
  switch (node.op) {
    case 'scan': {
      const { carries, xs, body } = node.attrs;
      const role = (i: number): 'carry' | 'step' | 'constant' =>
        i < carries ? 'carry' : i < carries + xs ? 'step' : 'constant';
      return [
        {
          region: body,
          index: at(body.params, 0),
          params: body.params.slice(1).map((param, i) => ({ param, operand: i, role: role(i) })),
        },
      ];
    }
    case 'adjoint_scan': {
      const { carries, cotangents, xs, forward, backward } = node.attrs;
      const first = carries + cotangents;
      return [
        {
          region: forward,
          index: at(forward.params, 0),
          params: forward.params.slice(1).map((param, i) => ({
            param,
            operand: i < carries ? i : i + cotangents,
            role: i < carries ? 'state' : i < carries + xs ? 'step' : 'constant',
          })),
        },
        {
          region: backward,
          index: at(backward.params, 0),
          params: backward.params.slice(1).map((param, i) => ({
            param,
            operand: i,
            role: i < carries ? 'state' : i < first ? 'carry' : i < first + xs ? 'step' : 'constant',
          })),
        },
      ];
    }
    case 'while': {
      const { carries, body } = node.attrs;
      const condition = laneCondition(node, space);
      const role = (i: number): 'carry' | 'constant' => (i < carries ? 'carry' : 'constant');
      return [
        {
          region: condition,
          index: undefined,
          params: condition.params.map((param, i) => ({ param, operand: i, role: role(i) })),
        },
        {
          region: body,
          index: at(body.params, 0),
          params: body.params.slice(1).map((param, i) => ({ param, operand: i, role: role(i) })),
        },
      ];
    }
    case 'cond':
      return [node.attrs.then, node.attrs.else].map((region) => ({
        region,
        index: undefined,
        params: region.params.map((param, i) => ({ param, operand: i + 1, role: 'constant' as const })),
      }));
  }
}

/** The condition of a `while` as one thread of the space sees it: where the elements of a batch go their own ways, that of its own element, without the `any` over all. */
export function laneCondition(node: NodeOf<'while'>, space: readonly number[]): Region {
  const { condition, lanes } = node.attrs;
  const own = ownOf(at(condition.results, 0), lanes, space);
  return own === undefined ? condition : { params: condition.params, results: [own] };
}

/** The predicate of a branch inside a body as one thread of the space sees it: that of its own element, where the elements of a batch go their own ways. */
export function lanePredicate(node: NodeOf<'cond'>, space: readonly number[]): Node {
  const predicate = at(node.args, 0);
  return ownOf(predicate, node.attrs.lanes, space) ?? predicate;
}

/** What the `any` of a predicate is taken of, over as many leading axes as there are lanes; undefined where that is not one element for every point of the space. */
function ownOf(predicate: Node, lanes: number | undefined, space: readonly number[]): Node | undefined {
  let own = predicate;
  let stripped = 0;
  while (own.op === 'reduce' && own.attrs.kind === 'any' && stripped < (lanes ?? 0)) {
    stripped += own.attrs.axes.length;
    own = at(own.args, 0);
  }
  const each = stripped > 0 && stripped === lanes && sameShape(own.shape, space);
  return each ? own : undefined;
}

/** Shape of the values a thread holds in registers for this operation. */
function heldShapes(node: RegionNode): readonly (readonly number[])[] {
  switch (node.op) {
    case 'scan':
    case 'while':
      return node.args.slice(0, node.attrs.carries).map((a) => a.shape);
    case 'adjoint_scan': {
      const { carries, cotangents } = node.attrs;
      return [
        ...node.args.slice(0, carries).map((a) => a.shape.slice(1)),
        ...node.args.slice(carries, carries + cotangents).map((a) => a.shape),
      ];
    }
    case 'cond':
      return node.outputs.map((o) => o.shape);
  }
}

class Analysis {
  readonly arrays = new Set<Node>();
  private readonly visited = new Map<Node, readonly number[] | undefined>();
  code = 0;
  work = 0;
  /** Some step computes far more than there is to compute, since nothing inside it is stored. */
  repeats = false;

  private readonly mostCarried: number;
  private readonly mostCode: number;

  constructor(private readonly space: readonly number[]) {
    const many = sizeOf(space) >= MANY;
    this.mostCarried = many ? MAX_CARRIED_OF_MANY : MAX_CARRIED;
    this.mostCode = many ? MAX_CODE_OF_MANY : MAX_CODE;
  }

  private bitsFor(shape: readonly number[]): number {
    return (
      CONSTANT | (this.space.length === 0 ? LEAD | UNIFORM : isBatched(shape, this.space) ? LEAD : UNIFORM)
    );
  }

  private fits(shape: readonly number[], bits: number): boolean {
    // A single thread may read everything it holds.
    if (this.space.length === 0) return true;
    return (bits & (isBatched(shape, this.space) ? LEAD : UNIFORM)) !== 0;
  }

  /** Relation bits of the operands, or undefined when the operation cannot run in a thread. */
  region(node: RegionNode): readonly number[] | undefined {
    if (this.visited.has(node)) return this.visited.get(node);
    const bits = this.analyse(node);
    this.visited.set(node, bits);
    return bits;
  }

  private analyse(node: RegionNode): readonly number[] | undefined {
    const held = heldShapes(node);
    const carried = held.reduce((n, shape) => n + sizeOf(restShape(shape, this.space)), 0);
    if (carried > this.mostCarried) return undefined;
    const operandBits = node.args.map(() => ANYHOW);
    for (const body of bodiesOf(node, this.space)) {
      const roles = new Map(body.params.map((p) => [p.param, p]));
      const bits = this.walk(body.region, (param, found) => {
        const role = roles.get(param);
        if (role === undefined) return param === body.index;
        if (role.role === 'carry' || role.role === 'state') {
          if (!this.fits(param.shape, found)) return false;
          if ((found & CONSTANT) === 0 && sizeOf(restShape(param.shape, this.space)) > 1)
            this.arrays.add(param);
          return true;
        }
        operandBits[role.operand] = at(operandBits, role.operand) & found;
        return true;
      });
      if (!bits) return undefined;
      const { once, repeated } = repetitionOf(
        body.region,
        (shape) => sizeOf(restShape(shape, this.space)),
        (inner) => operandsOfThread(inner, this.space),
      );
      this.repeats ||= repeated > MAX_REPEATED_WORK && repeated > MAX_REPEATS * once;
      for (const { operand, role } of body.params) {
        const shape = at(node.args, operand).shape;
        if (role === 'carry') operandBits[operand] = this.bitsFor(shape);
        else if (role === 'state') operandBits[operand] = STEP | CONSTANT;
        else if (role === 'step') operandBits[operand] = (at(operandBits, operand) & LEAD) !== 0 ? STEP : 0;
      }
    }
    if (node.op === 'cond') operandBits[0] = UNIFORM | CONSTANT | (this.space.length === 0 ? LEAD : 0);
    return operandBits;
  }

  private walk(region: Region, param: (node: Node, bits: number) => boolean): boolean {
    let ok = true;
    const count = Math.max(1, sizeOf(this.space));
    walkReads(
      region.results.map((r) => [r, this.bitsFor(r.shape)] as const),
      this.space.length,
      (node) => node.op === 'param',
      (node, bits) => {
        ok &&= param(node, bits);
      },
      (node, bits, push) => {
        if (!ok) return false;
        if (node.op === 'project') {
          ok = this.projected(node.attrs.index, at(node.args, 0), node.shape, bits, push);
          return false;
        }
        const elements = isBatched(node.shape, this.space) ? sizeOf(node.shape) / count : sizeOf(node.shape);
        const flops = flopsPerElement(node);
        if (node.op === 'argsort' && at(node.shape, -1) > SORTED) ok = false;
        const terms =
          node.op === 'reduce' || node.op === 'dot' || node.op === 'arg_reduce' || node.op === 'cumsum'
            ? sizeOf(at(node.args, 0).shape) / Math.max(1, sizeOf(node.shape))
            : node.op === 'scatter_add'
              ? sizeOf(at(node.args, 0).shape)
              : node.op === 'argsort'
                ? at(node.shape, -1)
                : 1;
        const own = Number.isFinite(flops) ? flops : terms;
        this.work += own * elements;
        if (flops > 0) this.code += (bits & CONSTANT) !== 0 ? elements : 1;
        ok &&= this.code <= this.mostCode;
        return ok;
      },
    );
    return ok;
  }

  private projected(
    index: number,
    region: Node,
    shape: readonly number[],
    bits: number,
    push: (node: Node, bits: number) => void,
  ): boolean {
    if (!isRegionNode(region)) return false;
    const known = this.visited.has(region);
    const operands = this.region(region);
    if (operands === undefined) return false;
    if (!known)
      operandsOfThread(region, this.space).forEach((arg, i) => {
        if (i === 0 && arg !== region.args[0]) push(arg, this.bitsFor(arg.shape));
        else if (at(operands, i) !== ANYHOW) push(arg, at(operands, i));
      });
    const carried = carriedParams(region, index);
    if (carried.length === 0)
      // Stacked over the steps: kept in the thread's own scratch memory.
      return this.space.length === 0 || (bits & STEP) !== 0;
    if (!this.fits(shape, bits)) return false;
    if ((bits & CONSTANT) === 0 && sizeOf(restShape(shape, this.space)) > 1)
      for (const param of carried) this.arrays.add(param);
    return true;
  }
}

/** What a thread takes from its surroundings for an operation inside a body. */
function operandsOfThread(node: RegionNode, space: readonly number[]): readonly Node[] {
  return node.op === 'cond' ? [lanePredicate(node, space), ...node.args.slice(1)] : node.args;
}

/** The parameters whose registers hold output `index` when the operation is done; none for stacked outputs. */
export function carriedParams(node: RegionNode, index: number): readonly Node[] {
  switch (node.op) {
    case 'scan':
      return index < node.attrs.carries ? [at(node.attrs.body.params, 1 + index)] : [];
    case 'adjoint_scan': {
      const { carries, cotangents, backward } = node.attrs;
      return index < cotangents ? [at(backward.params, 1 + carries + index)] : [];
    }
    case 'while':
      return index < node.attrs.carries
        ? [at(node.attrs.body.params, 1 + index)]
        : [at(node.attrs.body.params, 0)];
    case 'cond':
      return [node];
  }
}

function tryShape(node: RegionNode, space: readonly number[]): ThreadShape | undefined {
  const analysis = new Analysis(space);
  const operandBits = analysis.region(node);
  if (operandBits === undefined) return undefined;
  if (sizeOf(space) < 64 && analysis.work > MAX_LONE_WORK) return undefined;
  if (analysis.repeats) return undefined;
  return { space, arrays: analysis.arrays, operandBits, work: analysis.work };
}

/** How the operation runs inside one kernel, or undefined when it must be a sequence of kernels. */
export function threadShape(node: RegionNode): ThreadShape | undefined {
  const shapes = heldShapes(node);
  let largest: readonly number[] = [];
  for (const shape of shapes) if (sizeOf(shape) > sizeOf(largest) || largest.length === 0) largest = shape;
  // Few members are cheaper one after another, and what surrounds them joins their kernel.
  const few = sizeOf(largest) <= FEW ? tryShape(node, []) : undefined;
  if (few !== undefined) return few;
  for (const rank of range(largest.length).map((r) => largest.length - r)) {
    const space = largest.slice(0, rank);
    if (sizeOf(space) <= 4) continue;
    const shape = tryShape(node, space);
    if (shape !== undefined) return shape;
  }
  return sizeOf(largest) <= FEW ? undefined : tryShape(node, []);
}

/** Which outputs of each region operation some result needs. */
export function neededOutputs(results: readonly Node[]): Map<Node, Set<number>> {
  const needed = new Map<Node, Set<number>>();
  for (const node of reachable(results)) {
    if (node.op !== 'project') continue;
    const region = at(node.args, 0);
    const known = needed.get(region);
    if (known === undefined) needed.set(region, new Set([node.attrs.index]));
    else known.add(node.attrs.index);
  }
  return needed;
}

/** Whether an output of a loop has one entry for each step or snapshot, and is stored while the loop runs. */
export function isStacked(node: Node, index: number): boolean {
  switch (node.op) {
    case 'scan':
      return index >= node.attrs.carries;
    case 'adjoint_scan':
      return index >= node.attrs.cotangents;
    default:
      return false;
  }
}

export function isStackedOutput(node: Node): boolean {
  return node.op === 'project' && isStacked(at(node.args, 0), node.attrs.index);
}
