// Reverse sweeps of ensembles keep their states in the thread's own memory. In: an adjoint loop that runs inside one kernel, one thread a member, and reads snapshots which a scan left in memory. Out: the
// same loop, given the states that the scan began with (one slot): it runs the steps forwards itself. What is kept then takes the memory of the threads at work, not of all members, and where scan and
// adjoint share a kernel the steps run forwards once (lower_region.ts).
//
// Also: which values of a forward step the backward step needs again and are dear to compute (draws above all), found by numbering the nodes of both bodies.
// Why: spec/decisions/0033-ensembles-keep-their-states.md.
// Invariant: the same computations on the same numbers; a value is kept only where it stands by itself, never as a factor or term that a target might contract with its neighbours.

import { at } from '../support/lists.ts';
import { reshape } from '../ir/build.ts';
import { flopsPerElement, isCompound } from '../ir/classes.ts';
import type { Graph } from '../ir/graph.ts';
import { reachable } from '../ir/region.ts';
import type { Node, NodeOf, Region } from '../ir/types.ts';
import { isFloat, sizeOf } from '../ir/types.ts';
import { BYTES } from '../kernel/types.ts';
import { bufferType } from './storage.ts';
import type { Strategies } from './strategies.ts';
import { restShape } from './threads.ts';

/** Fewer members than this are no ensemble: their states may lie in memory. */
export const ENSEMBLE = 64;
/** Operations of an element from which on keeping it is cheaper than computing it again. */
const DEAR = 24;

/** How an adjoint loop keeps its states: `slots` of the whole loop, then all of a segment of `longest` steps. With one slot there is one segment. */
export interface TapeLevels {
  readonly slots: number;
  readonly longest: number;
}

/** The levels that fit into `bytes` of a thread's memory, when one state takes `state` bytes. */
export function tapeLevels(length: number, state: number, bytes: number): TapeLevels | undefined {
  if (length * state <= bytes) return { slots: 1, longest: length };
  const longest = Math.ceil(Math.sqrt(length));
  const slots = Math.ceil(length / longest);
  return (slots + longest) * state <= bytes ? { slots, longest } : undefined;
}

/** Bytes of the states that one member of the space carries. */
export function stateBytes(params: readonly Node[], space: readonly number[]): number {
  return params.reduce((sum, p) => sum + sizeOf(restShape(p.shape, space)) * BYTES[bufferType(p.dtype)], 0);
}

/** The adjoint loop with states of its own, or undefined where it has to read snapshots. */
export function withOwnTape(
  g: Graph,
  node: NodeOf<'adjoint_scan'>,
  args: readonly Node[],
  strategies: Strategies,
  bytes: number,
): NodeOf<'adjoint_scan'> | undefined {
  const space = strategies.thread(node)?.space;
  const { length, carries, forward, slots } = node.attrs;
  if (space === undefined || sizeOf(space) < ENSEMBLE || length < 2) return undefined;
  const params = forward.params.slice(1, 1 + carries);
  if (tapeLevels(length, stateBytes(params, space), bytes) === undefined) return undefined;
  const initial: Node[] = [];
  for (const snapshot of args.slice(0, carries)) {
    const scan = snapshot.op === 'project' ? snapshot.args[0] : undefined;
    if (snapshot.op !== 'project' || scan?.op !== 'scan' || scan.attrs.snapshots !== slots) return undefined;
    const first = scan.attrs.body.results.length;
    const start = scan.args[snapshot.attrs.index - first];
    if (snapshot.attrs.index < first || start === undefined) return undefined;
    initial.push(reshape(g, start, [1, ...start.shape]));
  }
  const made = g.node('adjoint_scan', [...initial, ...args.slice(carries)], { ...node.attrs, slots: 1 });
  if (made.op !== 'adjoint_scan' || strategies.thread(made) === undefined) return undefined;
  return made;
}

// ---- equal values of two bodies

/** Gives nodes of several regions numbers: equal ones for equal computations on parameters of equal names. */
export class Numbering {
  private readonly numbers = new Map<string, number>();

  of(results: readonly Node[], names: ReadonlyMap<Node, string>): ReadonlyMap<Node, number> {
    const own = new Map<Node, number>();
    for (const node of reachable(results)) {
      const name = names.get(node);
      const args = node.args.map((a) => own.get(a) ?? -1).join();
      const key = name ?? `${node.op}|${node.dtype}|${node.shape.join()}|${attributes(node)}|${args}`;
      const number = this.numbers.get(key) ?? this.numbers.size;
      this.numbers.set(key, number);
      own.set(node, number);
    }
    return own;
  }
}

function attributes(node: Node): string {
  if (node.op === 'const') return Object.is(node.attrs.value, -0) ? '-0' : String(node.attrs.value);
  // What holds data or regions is equal only to itself.
  if (node.op === 'param' || node.op === 'literal' || isCompound(node)) return `#${node.id}`;
  return JSON.stringify(node.attrs);
}

/** Names of the parameters of the bodies of an adjoint loop: by role, and by operand where that comes from outside. */
export function adjointNames(
  node: NodeOf<'adjoint_scan'>,
  body: 'forward' | 'backward',
): ReadonlyMap<Node, string> {
  const { carries, cotangents } = node.attrs;
  const first = carries + cotangents;
  const names = new Map<Node, string>();
  node.attrs[body].params.forEach((param, i) => {
    if (i === 0) names.set(param, 'index');
    else if (i <= carries) names.set(param, `carry ${i - 1}`);
    else if (body === 'backward' && i <= first) names.set(param, `cotangent ${i}`);
    else {
      const operand = body === 'backward' ? i - 1 : i - 1 + cotangents;
      names.set(param, outsideName(node, operand, first, node.attrs.xs));
    }
  });
  return names;
}

function outsideName(node: Node, operand: number, first: number, xs: number): string {
  return `${operand - first < xs ? 'slice' : 'constant'} ${at(node.args, operand).id}`;
}

/** The same for the body of a scan; `carryOf`: which state of the adjoint loop each carried value is, if any. */
export function scanNames(
  node: NodeOf<'scan'>,
  carryOf: (carry: number) => number | undefined,
): ReadonlyMap<Node, string> {
  const { carries, xs, body } = node.attrs;
  const names = new Map<Node, string>();
  body.params.forEach((param, i) => {
    if (i === 0) names.set(param, 'index');
    else if (i <= carries) {
      const state = carryOf(i - 1);
      names.set(param, state === undefined ? `other ${i - 1}` : `carry ${state}`);
    } else names.set(param, outsideName(node, i - 1, carries, xs));
  });
  return names;
}

/** A scan in the kernel of an adjoint loop, whose steps are the adjoint's forward steps. */
export interface Twin {
  readonly adjoint: NodeOf<'adjoint_scan'>;
  /** For each state of the adjoint loop the carried value of the scan. */
  readonly carries: readonly number[];
}

/** Whether the scan runs the forward steps of the adjoint loop from the same start. */
export function twinOf(adjoint: NodeOf<'adjoint_scan'>, scan: NodeOf<'scan'>): Twin | undefined {
  const { length, slots, carries, forward } = adjoint.attrs;
  if (slots !== 1 || length < 2 || scan.attrs.length !== length || scan.attrs.reverse) return undefined;
  const starts = scan.args.slice(0, scan.attrs.carries);
  const found: number[] = [];
  for (const arg of adjoint.args.slice(0, carries)) {
    // Several carried values may begin alike: the steps decide.
    const candidates = starts.flatMap((s, i) => (isStart(arg, s) && !found.includes(i) ? [i] : []));
    const chosen = candidates.length > 1 ? candidates.find((i) => i === found.length) : candidates[0];
    if (chosen === undefined) return undefined;
    found.push(chosen);
  }
  const numbering = new Numbering();
  const steps = numbering.of(forward.results, adjointNames(adjoint, 'forward'));
  const results = found.map((i) => at(scan.attrs.body.results, i));
  const others = numbering.of(
    results,
    scanNames(scan, (carry) => (found.includes(carry) ? found.indexOf(carry) : undefined)),
  );
  const same = forward.results.every((r, c) => steps.get(r) === others.get(at(results, c)));
  return same ? { adjoint, carries: found } : undefined;
}

/** Whether the operand is this array with an axis of one element in front. */
function isStart(operand: Node, start: Node): boolean {
  if (operand.op === 'reshape') return operand.args[0] === start;
  if (operand.op !== 'broadcast' || start.op !== 'broadcast' || operand.args[0] !== start.args[0])
    return false;
  return operand.attrs.axes.join() === start.attrs.axes.map((axis) => axis + 1).join();
}

/** A value that a backward step needs and the forward step has computed. */
export interface KeptValue {
  readonly forward: Node;
  readonly backward: Node;
}

/** The dear ones, those nearest to the results of the backward step. */
export function keptValues(
  adjoint: NodeOf<'adjoint_scan'>,
  region: Region,
  names: ReadonlyMap<Node, string>,
  space: readonly number[],
): readonly KeptValue[] {
  const { backward } = adjoint.attrs;
  const numbering = new Numbering();
  const byNumber = new Map<number, Node>();
  for (const [node, number] of numbering.of(region.results, names))
    if (!byNumber.has(number)) byNumber.set(number, node);
  const numbers = numbering.of(backward.results, adjointNames(adjoint, 'backward'));
  const params = new Set(backward.params);
  const found: KeptValue[] = [];
  const seen = new Set<Node>();
  const stack = [...backward.results].reverse();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node) || params.has(node)) continue;
    seen.add(node);
    const forward = byNumber.get(numbers.get(node) ?? -1);
    if (forward !== undefined && standsAlone(node) && isDear(node, params)) {
      if (sizeOf(restShape(node.shape, space)) <= DEAR) found.push({ forward, backward: node });
      continue;
    }
    stack.push(...[...node.args].reverse());
  }
  return found;
}

/** A choice, or a function that costs as much as a division: what a tape would rather hold than take again. */
function standsAlone(node: Node): boolean {
  return isFloat(node.dtype) && (node.op === 'select' || flopsPerElement(node) >= 4);
}

function isDear(node: Node, params: ReadonlySet<Node>): boolean {
  let cost = 0;
  for (const part of reachable([node], params)) {
    if (params.has(part)) continue;
    const flops = flopsPerElement(part);
    // Loops and sums inside: not judged here.
    if (!Number.isFinite(flops)) return false;
    cost += flops;
  }
  return cost >= DEAR;
}
