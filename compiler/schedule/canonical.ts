// Regions that are equal up to the names of their nodes, found by a canonical text: the step of a solver occurs in every procedure of a program, each time made anew. One of them
// stands for all, so it is partitioned and lowered once.
//
// The text numbers nodes in depth-first order from the results, so the order in which they were made does not matter. Places in the `.flow` text are not part of it.

import { AttributeTexts } from '../ir/attribute_text.ts';
import type { Node, Region } from '../ir/types.ts';

export class CanonicalRegions {
  private readonly known = new Map<Region, Region>();
  private readonly numbers = new Map<Region, number>();
  private readonly byText = new Map<string, Region>();
  private readonly attributes = new AttributeTexts((region) => this.number(region));

  /** The region that stands for all that are equal to this one. */
  of(region: Region): Region {
    const found = this.known.get(region);
    if (found !== undefined) return found;
    const text = this.text(region);
    const first = this.byText.get(text) ?? region;
    this.byText.set(text, first);
    this.known.set(region, first);
    return first;
  }

  private number(region: Region): number {
    const first = this.of(region);
    const known = this.numbers.get(first) ?? this.numbers.size;
    this.numbers.set(first, known);
    return known;
  }

  private text(region: Region): string {
    const numbers = new Map<Node, number>();
    const lines: string[] = [];
    for (const param of region.params) {
      numbers.set(param, numbers.size);
      lines.push(`${param.dtype}[${param.shape.join()}]`);
    }
    const stack: Node[] = [];
    for (const result of region.results) {
      stack.push(result);
      for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
        if (numbers.has(node)) {
          stack.pop();
          continue;
        }
        const waiting = stack.length;
        for (let i = node.args.length - 1; i >= 0; i--) {
          const arg = node.args[i];
          if (arg !== undefined && !numbers.has(arg)) stack.push(arg);
        }
        if (stack.length > waiting) continue;
        stack.pop();
        const args = node.args.map((a) => numbers.get(a)).join();
        numbers.set(node, numbers.size);
        const attributes = node.op === 'param' ? `outer ${node.id}` : this.attributes.of(node.op, node.attrs);
        lines.push(`${node.op} ${node.dtype} ${attributes} ${args}`);
      }
    }
    lines.push(region.results.map((r) => numbers.get(r)).join());
    return lines.join('\n');
  }
}
