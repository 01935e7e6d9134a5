// Regions that are equal up to the names of their nodes: one of them stands for all. The step of a method occurs several times in one loop body (whole, in a search, behind an event), and a linear system is factored for every right-hand side; as
// one region such a computation is one node wherever its operands are the same, and is differentiated, batched and simplified once.
//
// Regions with the same sum over their nodes are compared pair by pair, from the results down. Names of parameters and places of the text count, since messages speak of them.

import { at } from '../support/lists.ts';
import { AttributeTexts } from './attribute_text.ts';
import type { Node, Region } from './types.ts';
import { sameShape } from './types.ts';

export class EqualRegions {
  /** The different regions with the same sum. */
  private readonly first = new Map<number, Region[]>();
  private readonly operations = new Map<string, number>();
  private readonly attributes = new AttributeTexts((region) => this.place(this.of(region)));
  private readonly places = new Map<Region, number>();

  /** The region that stands for all that are equal to this closed one. */
  of(region: Region): Region {
    const sum = this.sum(region);
    const known = this.first.get(sum);
    if (known === undefined) {
      this.first.set(sum, [region]);
      return region;
    }
    const equal = known.find((other) => other === region || this.equal(other, region));
    if (equal === undefined) known.push(region);
    return equal ?? region;
  }

  private place(region: Region): number {
    let place = this.places.get(region);
    if (place === undefined) {
      place = this.places.size;
      this.places.set(region, place);
    }
    return place;
  }

  /** A number that differs for most regions that differ, whatever the order of their nodes. */
  private sum({ params, results }: Region): number {
    const seen = new Set<Node>();
    const stack = [...results];
    let sum = 31 * params.length + results.length;
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      // Leaves that are equal may be one node or several.
      if (node.args.length === 0 || seen.has(node)) continue;
      seen.add(node);
      let term = this.operation(node.op) + 64 * (node.origin?.start ?? 0);
      for (const extent of node.shape) term = Math.imul(term, 37) + extent;
      for (const arg of node.args) {
        stack.push(arg);
        const value = arg.op === 'const' ? arg.attrs.value * 1021 : 0;
        term = Math.imul(term, 41) + this.operation(arg.op) + (Number.isFinite(value) ? value | 0 : 0);
      }
      sum = (sum + Math.imul(term ^ (term >>> 15), 0x2c1b3c6d)) | 0;
    }
    return sum;
  }

  private operation(op: string): number {
    let number = this.operations.get(op);
    if (number === undefined) {
      number = this.operations.size + 1;
      this.operations.set(op, number);
    }
    return number;
  }

  private equal(a: Region, b: Region): boolean {
    if (a.params.length !== b.params.length || a.results.length !== b.results.length) return false;
    const pairs = new Map<Node, Node>();
    for (const [i, p] of a.params.entries()) {
      const q = at(b.params, i);
      if (!sameParameter(p, q)) return false;
      pairs.set(p, q);
    }
    const [left, right] = [[...a.results], [...b.results]];
    for (
      let x = left.pop(), y = right.pop();
      x !== undefined && y !== undefined;
      x = left.pop(), y = right.pop()
    ) {
      const known = pairs.get(x);
      if (known === y) continue;
      // A parameter has one partner, also where both regions have the same ones in another order. One value may be several nodes, but for those that have operands this is rare.
      if (known !== undefined && (x.args.length > 0 || x.op === 'param')) return false;
      if (!this.sameOperation(x, y)) return false;
      pairs.set(x, y);
      for (const arg of x.args) left.push(arg);
      for (const arg of y.args) right.push(arg);
    }
    return true;
  }

  private sameOperation(x: Node, y: Node): boolean {
    if (x.op !== y.op || x.dtype !== y.dtype || x.args.length !== y.args.length) return false;
    if (x.op === 'param') return x === y;
    if (x.args.length > 0 && !samePlace(x, y)) return false;
    if (x.attrs === y.attrs || !(hasFields(x.attrs) || hasFields(y.attrs))) return true;
    return this.attributes.of(x.op, x.attrs) === this.attributes.of(y.op, y.attrs);
  }
}

function hasFields(attrs: object): boolean {
  for (const _name in attrs) return true;
  return false;
}

function sameParameter(p: Node, q: Node): boolean {
  const [one, other] = [p, q].map((x) => (x.op === 'param' ? x.attrs.name : ''));
  return one === other && p.dtype === q.dtype && sameShape(p.shape, q.shape);
}

function samePlace({ origin: p }: Node, { origin: q }: Node): boolean {
  return (
    p === q || (p !== undefined && q !== undefined && p.start === q.start && p.file.path === q.file.path)
  );
}
