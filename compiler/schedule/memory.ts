// The memory plan: temporaries whose lifetimes do not meet share a slot. In: storages and the steps of all procedures. Out: the buffers of the plan, and a map from storages to them.
//
// A temporary lives in one run of the step list it belongs to, from the first of that list's steps that touches it to the last; steps are numbered in the order of the text, loops
// span their bodies. Procedures run one after another, so their temporaries never meet. Larger ones are placed first, each in the fullest slot that is free for its lifetime.

import { InternalError, assertNever } from '../support/diagnostic.ts';
import { get } from '../support/lists.ts';
import { BYTES } from '../kernel/types.ts';
import type { BufferRange, PlanBuffer, Step } from '../plan/types.ts';
import type { Storage } from './storage.ts';

interface Lifetime {
  first: number;
  last: number;
}

export interface MemoryPlan {
  readonly buffers: readonly PlanBuffer[];
  readonly bufferOf: ReadonlyMap<number, number>;
  readonly bytes: number;
}

/** What is known of variables and constants beside their storage. */
export interface Contents {
  readonly shape: readonly number[];
  readonly initial?: Float64Array;
}

export function planMemory(
  storages: readonly Storage[],
  procedures: readonly (readonly Step[])[],
  contents: ReadonlyMap<Storage, Contents>,
): MemoryPlan {
  const lifetimes = new Lifetimes(storages);
  for (const steps of procedures) lifetimes.procedure(steps);
  const buffers: PlanBuffer[] = [];
  const bufferOf = new Map<number, number>();
  const add = (storage: Storage, bytes: number, name: string): void => {
    bufferOf.set(storage.id, buffers.length);
    const known = contents.get(storage);
    buffers.push({
      id: buffers.length,
      role: storage.role,
      name,
      bytes,
      ...(known === undefined
        ? {}
        : {
            type: storage.type,
            shape: known.shape,
            ...(known.initial === undefined ? {} : { initial: known.initial }),
          }),
    });
  };
  for (const storage of storages)
    if (storage.role === 'variable') add(storage, bytesOf(storage), storage.name);
  for (const storage of storages)
    if (storage.role !== 'variable' && storage.home === undefined && lifetimes.of.has(storage.id))
      add(storage, bytesOf(storage), storage.name);

  const temporaries = storages
    .filter((s) => s.home !== undefined && lifetimes.of.has(s.id))
    .sort((a, b) => bytesOf(b) - bytesOf(a) || a.id - b.id);
  const slots: { readonly bytes: number; readonly taken: Lifetime[]; readonly first: Storage }[] = [];
  const slotOf = new Map<Storage, number>();
  for (const storage of temporaries) {
    const life = get(lifetimes.of, storage.id);
    let chosen = -1;
    // Slots were opened by larger storages, so all of them are large enough; the smallest fits best.
    for (let s = slots.length - 1; s >= 0 && chosen < 0; s--)
      if (slots[s]?.taken.every((other) => other.last < life.first || life.last < other.first) === true)
        chosen = s;
    if (chosen < 0) chosen = slots.push({ bytes: bytesOf(storage), taken: [], first: storage }) - 1;
    slots[chosen]?.taken.push(life);
    slotOf.set(storage, chosen);
  }
  const start = buffers.length;
  slots.forEach((slot, s) => {
    buffers.push({ id: start + s, role: 'slot', name: `slot${s}`, bytes: slot.bytes });
  });
  for (const [storage, slot] of slotOf) bufferOf.set(storage.id, start + slot);
  return { buffers, bufferOf, bytes: buffers.reduce((n, b) => n + b.bytes, 0) };
}

function bytesOf(storage: Storage): number {
  return Math.max(16, Math.ceil((storage.length * BYTES[storage.type]) / 16) * 16);
}

class Lifetimes {
  readonly of = new Map<number, Lifetime>();
  private readonly homes = new Map<number, readonly Step[] | undefined>();
  private time = 0;

  constructor(storages: readonly Storage[]) {
    for (const s of storages) this.homes.set(s.id, s.home);
  }

  procedure(steps: readonly Step[]): void {
    this.block(steps, []);
  }

  /** `open`: the lists around, outermost first, each with the time when its present step began. Returns what was touched in the block but belongs further out. */
  private block(steps: readonly Step[], open: readonly (readonly Step[])[]): Set<number> {
    const outer = new Set<number>();
    for (const step of steps) {
      const first = this.time++;
      const touched = new Set<number>();
      for (const id of buffersOf(step)) touched.add(id);
      for (const inner of innerBlocks(step))
        for (const id of this.block(inner, [...open, steps])) touched.add(id);
      const last = this.time++;
      for (const id of touched) {
        const home = this.homes.get(id);
        if (home !== undefined && home !== steps && open.includes(home)) outer.add(id);
        else if (home === undefined || home === steps) this.extend(id, first, last);
        else
          throw new InternalError('schedule.memory', `a temporary is used outside the steps it belongs to`);
      }
    }
    return outer;
  }

  private extend(id: number, first: number, last: number): void {
    const known = this.of.get(id);
    if (known === undefined) this.of.set(id, { first, last });
    else {
      known.first = Math.min(known.first, first);
      known.last = Math.max(known.last, last);
    }
  }
}

function buffersOf(step: Step): readonly number[] {
  switch (step.kind) {
    case 'dispatch':
      return step.buffers;
    case 'copy':
      return [step.from.buffer, step.to.buffer];
    case 'fill':
      return [step.to.buffer];
    case 'loop':
      return [];
    case 'while':
      return [step.condition, ...(step.turns === undefined ? [] : [step.turns])];
    case 'if':
      return [step.condition];
    case 'snapshot':
    case 'reverse':
      return [...step.state.map((r) => r.buffer), ...step.snapshots];
    default:
      return assertNever(step);
  }
}

export function innerBlocks(step: Step): readonly (readonly Step[])[] {
  switch (step.kind) {
    case 'loop':
      return [step.body];
    case 'while':
      return [step.test, step.body];
    case 'if':
      return [step.then, step.else];
    case 'reverse':
      return [step.forward, step.backward];
    default:
      return [];
  }
}

/** The steps with storages replaced by the buffers they got, and kernels by their numbers. */
export function assignBuffers(
  steps: readonly Step[],
  bufferOf: ReadonlyMap<number, number>,
  kernelOf: (kernel: number) => number,
): Step[] {
  const id = (storage: number): number => get(bufferOf, storage);
  const range = (r: BufferRange): BufferRange => ({ ...r, buffer: id(r.buffer) });
  const block = (list: readonly Step[]): Step[] => list.map(one);
  const one = (step: Step): Step => {
    switch (step.kind) {
      case 'dispatch':
        return { ...step, kernel: kernelOf(step.kernel), buffers: step.buffers.map(id) };
      case 'copy':
        return { ...step, from: range(step.from), to: range(step.to) };
      case 'fill':
        return { ...step, to: range(step.to) };
      case 'loop':
        return { ...step, body: block(step.body) };
      case 'while':
        return {
          ...step,
          test: block(step.test),
          condition: id(step.condition),
          body: block(step.body),
          ...(step.turns === undefined ? {} : { turns: id(step.turns) }),
        };
      case 'if':
        return { ...step, condition: id(step.condition), then: block(step.then), else: block(step.else) };
      case 'snapshot':
        return { ...step, state: step.state.map(range), snapshots: step.snapshots.map(id) };
      case 'reverse':
        return {
          ...step,
          state: step.state.map(range),
          snapshots: step.snapshots.map(id),
          forward: block(step.forward),
          backward: block(step.backward),
        };
      default:
        return assertNever(step);
    }
  };
  return block(steps);
}
