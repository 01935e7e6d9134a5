// Array arithmetic of stencils: reading a range of positions of one axis, averages and differences of neighbours. The shortcuts for equal and opposite
// operands keep boundary conditions exact: a mirrored ghost gives a wall flux of zero, an odd one a wall value of zero, whatever the rounding.

import { add, concat, mul, roll, sliceAxis, sub, zerosLike } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/types.ts';
import { at } from '../support/lists.ts';

/** Positions lo .. hi - 1 of an axis, all inside. */
export function section(g: Graph, x: Node, axis: number, lo: number, hi: number): Node {
  return lo === 0 && hi === at(x.shape, axis) ? x : sliceAxis(g, x, axis, lo, hi);
}

/** Positions lo .. hi - 1 of an axis that wraps; as many as there are make a roll. */
export function cyclic(g: Graph, x: Node, axis: number, lo: number, hi: number): Node {
  const n = at(x.shape, axis);
  const start = ((lo % n) + n) % n;
  if (hi - lo === n) return start === 0 ? x : roll(g, x, axis, start);
  const parts: Node[] = [];
  for (let from = start, left = hi - lo; left > 0; from = 0) {
    const length = Math.min(left, n - from);
    parts.push(section(g, x, axis, from, from + length));
    left -= length;
  }
  return concat(g, parts, axis);
}

function opposite(a: Node, b: Node): boolean {
  return (a.op === 'neg' && a.args[0] === b) || (b.op === 'neg' && b.args[0] === a);
}

/** (a + b)/2. */
export function average(g: Graph, a: Node, b: Node): Node {
  if (a === b) return a;
  if (opposite(a, b)) return zerosLike(g, a);
  return mul(g, add(g, a, b), 0.5);
}

/** 2ab/(a + b). */
export function harmonicMean(g: Graph, a: Node, b: Node): Node {
  if (a === b) return a;
  return g.node('div', [mul(g, mul(g, a, b), 2), add(g, a, b)], {});
}

/** a - b. */
export function difference(g: Graph, a: Node, b: Node): Node {
  return a === b ? zerosLike(g, a) : sub(g, a, b);
}

/** x*c. */
export function timesNumber(g: Graph, x: Node, c: number): Node {
  return c === 1 ? x : mul(g, x, c);
}

/** The value of an array whose elements are one known constant. */
export function splatValue(x: Node): number | undefined {
  if (x.op === 'const') return x.attrs.value;
  const [arg] = x.args;
  return (x.op === 'broadcast' || x.op === 'reshape') && arg !== undefined ? splatValue(arg) : undefined;
}
