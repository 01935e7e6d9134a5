// The kernels of a plan, each once: kernels that are the same up to their names are shared between procedures, loops and steps.

import type { Span } from '../support/span.ts';
import { get } from '../support/lists.ts';
import { sameStructure, structureHash } from '../support/same_structure.ts';
import type { Kernel } from '../kernel/types.ts';
import type { Step } from '../plan/types.ts';
import { innerBlocks } from './memory.ts';

/** A kernel without its name and places. */
export type Unnamed<K = Kernel> = K extends Kernel ? Omit<K, 'name' | 'origins'> : never;

export class KernelLibrary {
  readonly kernels: Kernel[] = [];
  /** Numbers of kernels by the hash of their structure. */
  private readonly known = new Map<number, number[]>();
  private readonly unnamed: Unnamed[] = [];
  private readonly names = new Map<string, number>();
  private readonly taken = new Set<string>();

  /** The number of the kernel with this structure; a new one is called after `label`. */
  add(kernel: Unnamed, label: string, origins: readonly Span[]): number {
    const hash = structureHash(kernel);
    let candidates = this.known.get(hash);
    if (candidates === undefined) {
      candidates = [];
      this.known.set(hash, candidates);
    }
    const found = candidates.find((id) => sameStructure(this.unnamed[id], kernel));
    if (found !== undefined) return found;
    const id = this.kernels.length;
    candidates.push(id);
    this.unnamed.push(kernel);
    this.kernels.push({ ...kernel, name: this.name(label), origins });
    return id;
  }

  /** The kernels that the steps dispatch, and their new numbers. */
  keepUsed(procedures: readonly (readonly Step[])[]): {
    readonly kernels: readonly Kernel[];
    readonly numberOf: (kernel: number) => number;
  } {
    const used = new Set<number>();
    const visit = (steps: readonly Step[]): void => {
      for (const step of steps) {
        if (step.kind === 'dispatch') used.add(step.kernel);
        innerBlocks(step).forEach(visit);
      }
    };
    procedures.forEach(visit);
    const numbers = new Map([...used].sort((a, b) => a - b).map((old, i) => [old, i]));
    return {
      kernels: this.kernels.filter((_, i) => used.has(i)),
      numberOf: (kernel) => get(numbers, kernel),
    };
  }

  private name(label: string): string {
    const clean = label
      .replace(/[^A-Za-z0-9_]+/g, '_')
      .replace(/^(?=[0-9])/, '_')
      .replace(/^$/, 'kernel');
    // A label may end like a numbered name: `look` the 14th and `look.14`.
    let n = this.names.get(clean) ?? 0;
    let name: string;
    do {
      n++;
      name = n === 1 ? clean : `${clean}_${n}`;
    } while (this.taken.has(name));
    this.names.set(clean, n);
    this.taken.add(name);
    return name;
  }
}
