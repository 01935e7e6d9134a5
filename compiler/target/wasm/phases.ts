// Long straight code in phases. In: the operations of a written function that advances several vectors. Out: the same; where a stretch without branches has more vector operations than an engine keeps apart, values that
// live from one phase to the next pass through the thread's scratch memory. It is cut where few do.
//
// V8 11 (Node 20) orders a stretch of pure operations by their distance from its end, whatever their order in the text: what is independent is computed side by side, and of some 800 operations
// (a block of random words and the normal numbers made of it) half of the registers' contents go to the stack and back. It never moves an operation across a store that it depends on, so the phases stay as
// they were written: a path of geometric Brownian motion takes 0.85 of the time. Values keep their bits.

import { at } from '../../support/lists.ts';
import type { Node, Reg } from './writer.ts';

/** Bytes at the start of a thread's scratch memory for values between phases. */
export const PHASE_BYTES = 1024;

/** A stretch with fewer vector operations stays whole. */
const longStretch = 400;
/** Vector operations of a phase: the end is where, between these, the fewest vectors are wanted behind it. */
const shortest = 128;
const longest = 700;
/** A phase may hand on so many vectors. */
const mostCrossing = 40;

export interface PhaseArea {
  /** Address of the memory between phases; called where it is used. */
  readonly address: () => Reg;
  /** A new vector value. */
  readonly vector: () => Reg;
}

export function inPhases(nodes: readonly Node[], area: PhaseArea): readonly Node[] {
  const out: Node[] = [];
  let stretch: Node[] = [];
  const flush = (): void => {
    out.push(...cut(stretch, area));
    stretch = [];
  };
  for (const node of nodes) {
    if (node.kind === 'op' || node.kind === 'set' || node.kind === 'get') {
      stretch.push(node);
      continue;
    }
    flush();
    out.push(inside(node, area));
  }
  flush();
  return out;
}

function inside(node: Node, area: PhaseArea): Node {
  if (node.kind === 'loop' || node.kind === 'block') return { ...node, nodes: inPhases(node.nodes, area) };
  if (node.kind === 'if')
    return { ...node, then: inPhases(node.then, area), else: inPhases(node.else, area) };
  return node;
}

function isVectorOp(node: Node): boolean {
  return node.kind === 'op' && node.result?.type === 'v128';
}

function operandsOf(node: Node): readonly Reg[] {
  if (node.kind === 'op') return node.args;
  return node.kind === 'set' ? [node.value] : [];
}

/** How many vectors that the stretch makes are wanted behind each of its places. */
function crossings(stretch: readonly Node[]): readonly number[] {
  const last = new Map<Reg, number>();
  stretch.forEach((node, i) => {
    for (const reg of operandsOf(node)) last.set(reg, i);
  });
  const counts: number[] = [];
  const ended = stretch.map(() => 0);
  let live = 0;
  stretch.forEach((node, i) => {
    const made = node.kind === 'op' || node.kind === 'get' ? node.result : undefined;
    const end = made?.type === 'v128' ? last.get(made) : undefined;
    if (end !== undefined) {
      live++;
      ended[end] = at(ended, end) + 1;
    }
    live -= at(ended, i);
    counts.push(live);
  });
  return counts;
}

/** Places behind which the stretch is cut. */
function places(stretch: readonly Node[]): readonly number[] {
  // Vector operations up to each place.
  let made = 0;
  const upTo = stretch.map((node) => (isVectorOp(node) ? ++made : made));
  if (made < longStretch) return [];
  const live = crossings(stretch);
  const found: number[] = [];
  let before = 0;
  let best: number | undefined;
  for (let i = 0; i < stretch.length && made - at(upTo, i) >= shortest; i++) {
    const size = at(upTo, i) - before;
    const count = at(live, i);
    if (size >= shortest && count <= mostCrossing && (best === undefined || count <= at(live, best)))
      best = i;
    if (size < longest || best === undefined) continue;
    found.push(best);
    before = at(upTo, best);
    i = best;
    best = undefined;
  }
  return best === undefined ? found : [...found, best];
}

function cut(all: readonly Node[], area: PhaseArea): readonly Node[] {
  // Uses by values that nobody wants are not counted any more.
  const stretch = all.filter((node) => !(node.kind === 'op' && node.removable && node.result?.uses === 0));
  const cuts = places(stretch);
  if (cuts.length === 0) return all;
  const phaseOf = new Map<Reg, number>();
  const wanted = new Map<Reg, Set<number>>();
  const phases: Node[][] = [];
  let start = 0;
  for (const end of [...cuts, stretch.length - 1]) {
    phases.push(stretch.slice(start, end + 1));
    start = end + 1;
  }
  phases.forEach((phase, p) => {
    for (const node of phase) {
      for (const reg of operandsOf(node)) {
        const made = phaseOf.get(reg);
        if (made === undefined || made === p) continue;
        const users = wanted.get(reg);
        if (users === undefined) wanted.set(reg, new Set([p]));
        else users.add(p);
      }
      const made = node.kind === 'op' || node.kind === 'get' ? node.result : undefined;
      if (made?.type === 'v128') phaseOf.set(made, p);
    }
  });
  const slots = [...wanted.keys()].slice(0, PHASE_BYTES / 16);
  const placeOf = new Map(slots.map((reg, i) => [reg, 16 * i]));
  const address = area.address();
  return phases.flatMap((phase, p) => {
    const renamed = new Map<Reg, Reg>();
    const loads: Node[] = [];
    for (const [reg, place] of placeOf) {
      if (wanted.get(reg)?.has(p) !== true) continue;
      const result = area.vector();
      renamed.set(reg, result);
      address.uses++;
      const op = `v128.load offset=${place}`;
      loads.push({ kind: 'op', op, args: [address], result, pure: false, removable: true });
    }
    const body = phase.map((node) => withOperands(node, renamed));
    const stores: Node[] = [];
    for (const [reg, place] of placeOf) {
      if (phaseOf.get(reg) !== p) continue;
      address.uses++;
      reg.uses++;
      const op = `v128.store offset=${place}`;
      stores.push({ kind: 'op', op, args: [address, reg], result: undefined, pure: false, removable: false });
    }
    return [...loads, ...body, ...stores];
  });
}

/** Uses of values of earlier phases become uses of what was loaded. */
function withOperands(node: Node, renamed: ReadonlyMap<Reg, Reg>): Node {
  const change = (reg: Reg): Reg => {
    const now = renamed.get(reg);
    if (now === undefined) return reg;
    reg.uses--;
    now.uses++;
    return now;
  };
  if (node.kind === 'op') return { ...node, args: node.args.map(change) };
  if (node.kind === 'set') return { ...node, value: change(node.value) };
  return node;
}
