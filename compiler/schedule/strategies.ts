// How the region operations of a compilation run: inside one kernel, or as a sequence of kernels. Decided once for each body.

import { isRegionNode } from '../ir/classes.ts';
import type { Node } from '../ir/types.ts';
import type { ThreadShape } from './threads.ts';
import { bodiesOf, threadShape } from './threads.ts';

function ids(nodes: readonly Node[]): string {
  return nodes.map((n) => n.id).join();
}

/** How the region operations of a compilation run; looked up once for each. */
export class Strategies {
  private readonly known = new Map<string, ThreadShape | undefined>();

  constructor(private readonly allowed: boolean) {}

  thread(node: Node): ThreadShape | undefined {
    if (!this.allowed || !isRegionNode(node)) return undefined;
    // The bodies decide, with the shapes of what they are given.
    const bodies = bodiesOf(node).map(({ region }) => `${ids(region.params)}>${ids(region.results)}`);
    const key = `${node.op}|${bodies.join('|')}|${node.args.map((a) => a.shape.join()).join(';')}`;
    if (!this.known.has(key)) this.known.set(key, threadShape(node));
    return this.known.get(key);
  }
}
