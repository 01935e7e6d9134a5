// What the outputs of region operations depend on, output by output: a value that a loop or a branch hands on beside others is not needed by these. With it a carry that only feeds itself is found
// dead where it passes through branches and inner loops (the count of turns of a batch that nobody asks for, in blocks of steps).

import { at, range } from '../support/lists.ts';
import type { CompoundNode } from './classes.ts';
import { isCompound } from './classes.ts';
import type { Node } from './types.ts';

export class Dependence {
  private readonly known = new Map<Node, Map<number, readonly number[]>>();

  /**
   * Every node that `start` depends on when each parameter that is a key of `next` also depends on its value there. Region operations themselves are not among them, only those of their operands
   * that the outputs read depend on.
   */
  reach(start: readonly Node[], next: ReadonlyMap<Node, Node>): Set<Node> {
    const found = new Set<Node>(start);
    for (const node of found) {
      const [first] = node.args;
      if (node.op === 'project' && first !== undefined && isCompound(first))
        for (const i of this.operands(first, node.attrs.index)) found.add(at(first.args, i));
      else for (const arg of node.args) found.add(arg);
      const after = next.get(node);
      if (after !== undefined) found.add(after);
    }
    return found;
  }

  /** Positions of the operands that an output depends on. */
  private operands(node: CompoundNode, index: number): readonly number[] {
    let outputs = this.known.get(node);
    if (outputs === undefined) {
      outputs = new Map();
      this.known.set(node, outputs);
    }
    let positions = outputs.get(index);
    if (positions === undefined) {
      positions = this.find(node, index);
      outputs.set(index, positions);
    }
    return positions;
  }

  private find(node: CompoundNode, index: number): readonly number[] {
    switch (node.op) {
      case 'cond': {
        const branches = [node.attrs.then, node.attrs.else];
        const found = branches.map(({ results }) => this.reach([at(results, index)], new Map()));
        return range(node.args.length).filter(
          (i) => i === 0 || branches.some(({ params }, b) => at(found, b).has(at(params, i - 1))),
        );
      }
      case 'scan': {
        const { carries, body } = node.attrs;
        const params = body.params.slice(1);
        const stacked = index >= carries && index < body.results.length;
        const carry = index < carries ? index : index - body.results.length;
        const start = stacked ? at(body.results, index) : at(params, carry);
        const found = this.reach([start], following(params.slice(0, carries), body.results));
        return range(node.args.length).filter((i) => found.has(at(params, i)));
      }
      case 'while': {
        const { carries, condition, body } = node.attrs;
        const params = body.params.slice(1);
        const tested = this.reach(condition.results, new Map());
        const asked = range(params.length).filter(
          (i) => tested.has(at(condition.params, i)) || (i === index && i < carries),
        );
        const found = this.reach(
          asked.map((i) => at(params, i)),
          following(params.slice(0, carries), body.results),
        );
        return range(node.args.length).filter((i) => found.has(at(params, i)));
      }
      case 'adjoint_scan': {
        const { carries: n, cotangents: m, forward, backward } = node.attrs;
        const params = backward.params.slice(1);
        const cotangents = params.slice(n, n + m);
        const start = index < m ? at(cotangents, index) : at(backward.results, index);
        const back = this.reach([start], following(cotangents, backward.results));
        const states = forward.params.slice(1, 1 + n);
        const forth = this.reach(
          states.filter((_, i) => back.has(at(params, i))),
          following(states, forward.results),
        );
        return range(node.args.length).filter((i) => {
          if (back.has(at(params, i))) return true;
          if (i < n) return forth.has(at(states, i));
          return i >= n + m && forth.has(at(forward.params, 1 + i - m));
        });
      }
      default:
        return range(node.args.length);
    }
  }
}

/** The parameters and what they are after a step. */
export function following(params: readonly Node[], results: readonly Node[]): Map<Node, Node> {
  return new Map(params.map((p, i) => [p, at(results, i)]));
}
