// Regions that are equal up to the names of their nodes: one of them stands for all. The step of a method occurs several times in one loop body (whole, in a search, behind an event), and a linear system is factored for every right-hand side; as
// one region such a computation is one node wherever its operands are the same, and is differentiated, batched and simplified once.
//
// Every value in a region gets a number that depends on what it is made of and on nothing else: parameters by their position, operations by the numbers of their operands (hash consing over all regions at
// once). Names of parameters and places of the text count, since messages speak of them.

import { AttributeTexts } from './attribute_text.ts';
import type { Node, Region } from './types.ts';

export class EqualRegions {
  private readonly values = new Map<string, number>();
  private readonly numbers = new WeakMap<Region, number>();
  private readonly first = new Map<number, Region>();
  private readonly files = new Map<string, number>();

  private readonly attributes = new AttributeTexts((region) => this.number(region));

  /** The region that stands for all that are equal to this closed one. */
  of(region: Region): Region {
    return this.first.get(this.number(region)) ?? region;
  }

  /** Equal for equal regions. */
  number(region: Region): number {
    const known = this.numbers.get(region);
    if (known !== undefined) return known;
    const numbers = new Map<Node, number>();
    region.params.forEach((p, i) => numbers.set(p, this.value(`${parameterText(p)}${i}`)));
    // Operands before users.
    const stack: Node[] = [];
    for (const result of region.results) {
      stack.push(result);
      for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
        const waiting = stack.length;
        if (!numbers.has(node)) for (const arg of node.args) if (!numbers.has(arg)) stack.push(arg);
        if (stack.length > waiting) continue;
        stack.pop();
        if (!numbers.has(node)) numbers.set(node, this.value(this.nodeText(node, numbers)));
      }
    }
    const numberOf = (node: Node): number => numbers.get(node) ?? -1;
    const number = this.value(
      `region ${region.params.map(numberOf).join()}>${region.results.map(numberOf).join()}`,
    );
    this.numbers.set(region, number);
    if (!this.first.has(number)) this.first.set(number, region);
    return number;
  }

  private nodeText(node: Node, numbers: ReadonlyMap<Node, number>): string {
    // A parameter of no region here: another one is another value.
    if (node.op === 'param') return `free ${node.id}`;
    let text = node.op;
    if (node.args.length === 0) return `${text} ${node.dtype} ${this.attributes.of(node.op, node.attrs)}`;
    for (const arg of node.args) text += ` ${numbers.get(arg) ?? -1}`;
    return `${text} ${this.attributes.of(node.op, node.attrs)}${this.place(node)}`;
  }

  private place({ origin }: Node): string {
    if (origin === undefined) return '';
    const { path } = origin.file;
    let file = this.files.get(path);
    if (file === undefined) {
      file = this.files.size;
      this.files.set(path, file);
    }
    return `@${file}:${origin.start}`;
  }

  private value(text: string): number {
    let number = this.values.get(text);
    if (number === undefined) {
      number = this.values.size;
      this.values.set(text, number);
    }
    return number;
  }
}

function parameterText(param: Node): string {
  return `${param.op === 'param' ? param.attrs.name : ''} ${param.dtype}[${param.shape.join()}]`;
}
