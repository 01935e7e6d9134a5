// Where arrays lie while a plan is made: storages (future buffers) and locations in them. A temporary knows the block of steps it belongs to, from which its lifetime follows.

import type { Affine, Step } from '../plan/types.ts';
import type { BufferType } from '../kernel/types.ts';
import type { DType, Node } from '../ir/types.ts';

export interface Storage {
  readonly id: number;
  readonly role: 'variable' | 'constant' | 'slot';
  readonly name: string;
  readonly type: BufferType;
  /** Elements. */
  length: number;
  /** Temporaries: the list of steps in one run of which it is written and read; it is dead outside. */
  readonly home: readonly Step[] | undefined;
  /** The packed small values of a type: never shared with temporaries. */
  readonly packed: boolean;
}

export interface Location {
  readonly storage: Storage;
  /** First element. */
  readonly offset: Affine;
  /** The offset is given at run time even where it is a number, so that kernels are shared. */
  readonly dynamic: boolean;
}

/** The index of a step: no array, but a run-time integer of every kernel that asks for it. */
export interface Counter {
  readonly counter: Affine;
}

/** Locations of the parameters and stored values of one instance of a region. */
export type Environment = Map<Node, Location | Counter>;

export function isCounter(x: Location | Counter): x is Counter {
  return 'counter' in x;
}

export const zero: Affine = { constant: 0, terms: [] };

export function constantOffset(constant: number): Affine {
  return { constant, terms: [] };
}

export function whole(storage: Storage): Location {
  return { storage, offset: zero, dynamic: false };
}

export function addAffine(a: Affine, b: Affine): Affine {
  const terms = [...a.terms];
  for (const term of b.terms) {
    const i = terms.findIndex((t) => t.loop === term.loop);
    const known = terms[i];
    if (known === undefined) terms.push(term);
    else terms[i] = { loop: term.loop, scale: known.scale + term.scale };
  }
  return { constant: a.constant + b.constant, terms: terms.filter((t) => t.scale !== 0) };
}

export function scaleAffine(a: Affine, by: number): Affine {
  return {
    constant: a.constant * by,
    terms: a.terms.map(({ loop, scale }) => ({ loop, scale: scale * by })),
  };
}

export function shiftLocation(location: Location, by: Affine): Location {
  return { ...location, offset: addAffine(location.offset, by) };
}

export function affineKey(a: Affine): string {
  return `${a.constant}${a.terms.map((t) => `,${t.loop}*${t.scale}`).join('')}`;
}

export function sameLocation(a: Location, b: Location): boolean {
  return a.storage === b.storage && affineKey(a.offset) === affineKey(b.offset);
}

export function bufferType(dtype: DType): BufferType {
  return dtype === 'bool' ? 'u32' : dtype;
}
