// Values at neighbouring points by shuffles. In: the operations of a written function. Out: the same, where a value of a sweep is another one some lanes further on: its lanes are taken from the two vectors that
// hold them.
//
// A stencil takes differences (fluxes, products) to both sides of a point: u[j+1] - u[j] and u[j] - u[j-1] are one sequence of numbers. Where a sweep advances several vectors of a row, the second side of
// all but the first vector is there already: one shuffle instead of an operation, or many, and of loads that cross cache lines. The same operation on the same numbers, so the same bits.
//
// Where loads are what a sweep waits for (two a cycle, and four operations), loads of which both vectors have been loaded become shuffles too.

import { at } from '../../support/lists.ts';
import { isSweep } from './balance.ts';
import type { Node, Reg } from './writer.ts';

type Op = Extract<Node, { kind: 'op' }>;

/** Operations whose lanes do not know of each other. */
const floats = 'add sub mul div sqrt abs neg min max pmin pmax relaxed_madd relaxed_nmadd'.split(' ');
const lanewise = new Map<string, 4 | 8>([
  ...floats.map((op) => [`f32x4.${op}`, 4] as const),
  ...floats.map((op) => [`f64x2.${op}`, 8] as const),
]);

/** A value as a formula of loads at a place: equal formulas at two places are one sequence of numbers. */
interface Form {
  /** A number for each formula. */
  readonly formula: number;
  /** Bytes from the address of its first load. */
  readonly place: number;
}

export function withShifts(nodes: readonly Node[], inLoop = false): readonly Node[] {
  if (inLoop && isSweep(nodes)) {
    const sweep = new Sweep(nodes);
    return sweep.loaded(sweep.shifted());
  }
  return nodes.map((node) => {
    switch (node.kind) {
      case 'if':
        return { ...node, then: withShifts(node.then), else: withShifts(node.else) };
      case 'loop':
      case 'block':
        return { ...node, nodes: withShifts(node.nodes, node.kind === 'loop') };
      default:
        return node;
    }
  });
}

function isLoad(node: Op): boolean {
  return (
    node.result?.type === 'v128' &&
    /^v128\.load(?: |$)/.test(typeof node.op === 'string' ? node.op : node.op())
  );
}

class Sweep {
  private readonly definitions = new Map<Reg, Op>();
  private readonly forms = new Map<Reg, Form>();
  private readonly formulas = new Map<string, number>();
  /** Computed values by formula and place. */
  private readonly known = new Map<string, Reg>();

  constructor(private readonly nodes: readonly Node[]) {
    for (const node of nodes)
      if (node.kind === 'op' && node.result !== undefined) this.definitions.set(node.result, node);
  }

  shifted(): readonly Node[] {
    return this.nodes.map((node) => {
      if (node.kind !== 'op' || node.result?.type !== 'v128' || node.result.uses === 0) return node;
      const form = this.formOf(node);
      if (form === undefined) return node;
      this.forms.set(node.result, form);
      const lane = lanewise.get(String(node.op));
      if (lane === undefined) return node;
      const parts = this.parts(form, lane);
      if (parts !== undefined && this.saved(node) >= 2)
        return this.shuffle({ ...node, result: node.result }, parts);
      this.known.set(`${form.formula} ${form.place}`, node.result);
      return node;
    });
  }

  /** The sweep with fewer loads, where these are more than half of the operations. */
  loaded(nodes: readonly Node[]): readonly Node[] {
    const wanted = nodes.filter(
      (node) => node.kind === 'op' && node.result?.type === 'v128' && node.result.uses > 0,
    );
    const loads = wanted.filter((node) => node.kind === 'op' && isLoad(node)).length;
    if (3 * loads <= wanted.length) return nodes;
    this.known.clear();
    return nodes.map((node) => {
      if (node.kind !== 'op' || !isLoad(node) || node.result === undefined || node.result.uses === 0)
        return node;
      const form = this.forms.get(node.result);
      if (form === undefined) return node;
      const parts = this.parts(form, 4);
      if (parts !== undefined) return this.shuffle({ ...node, result: node.result }, parts);
      this.known.set(`${form.formula} ${form.place}`, node.result);
      return node;
    });
  }

  private formOf(node: Op): Form | undefined {
    const op = typeof node.op === 'string' ? node.op : node.op();
    const load = /^v128\.load(?: offset=(\d+))?$/.exec(op);
    if (load !== null)
      return { formula: this.formula(`at ${at(node.args, 0).id}`), place: Number(load[1] ?? 0) };
    if (!node.pure || !lanewise.has(op)) return undefined;
    let place: number | undefined;
    const parts: string[] = [op];
    for (const arg of node.args) {
      const form = this.forms.get(arg);
      // What is defined outside the sweep is the same in all its turns.
      if (form === undefined && this.definitions.has(arg)) return undefined;
      if (form !== undefined) place ??= form.place;
      parts.push(form === undefined ? `${arg.id}` : `(${form.formula} ${form.place - (place ?? 0)})`);
    }
    return place === undefined ? undefined : { formula: this.formula(parts.join(' ')), place };
  }

  private formula(text: string): number {
    const known = this.formulas.get(text) ?? this.formulas.size;
    this.formulas.set(text, known);
    return known;
  }

  /** The two vectors that hold the lanes, and how many bytes into the first they begin. */
  private parts(form: Form, lane: number): { low: Reg; high: Reg; from: number } | undefined {
    for (let from = lane; from < 16; from += lane) {
      const low = this.wanted(`${form.formula} ${form.place - from}`);
      const high = this.wanted(`${form.formula} ${form.place - from + 16}`);
      if (low !== undefined && high !== undefined) return { low, high, from };
    }
    return undefined;
  }

  /** A computed value, unless a shuffle has taken its place since: then what it was made of may be gone. */
  private wanted(name: string): Reg | undefined {
    const value = this.known.get(name);
    return value === undefined || value.uses === 0 ? undefined : value;
  }

  /** Operations and loads that only this value needs, itself included. */
  private saved(node: Op): number {
    return node.args.reduce((sum, arg) => {
      const own = this.definitions.get(arg);
      return own === undefined || arg.uses > 1 ? sum : sum + this.saved(own);
    }, 1);
  }

  private shuffle(
    node: Op & { readonly result: Reg },
    { low, high, from }: { low: Reg; high: Reg; from: number },
  ): Node {
    low.uses++;
    high.uses++;
    this.drop(node);
    const bytes = Array.from({ length: 16 }, (_, i) => from + i);
    const shuffled = { ...node, op: `i8x16.shuffle ${bytes.join(' ')}`, args: [low, high] };
    // What it was made of has been given back: whoever drops it later takes back the two vectors.
    this.definitions.set(node.result, shuffled);
    return shuffled;
  }

  /** Takes the uses of its operands back, and theirs where nobody wants them any more. */
  private drop(node: Op): void {
    for (const arg of node.args) {
      arg.uses--;
      const own = this.definitions.get(arg);
      if (arg.uses === 0 && own?.removable === true) this.drop(own);
    }
  }
}
