// Outputs of region operations that are known without running the region: a carry that every step passes through, an output that is the same at every
// step, the branch of a decided `cond`.

import { at } from '../support/lists.ts';
import { broadcastAxes, full } from './build.ts';
import type { Graph } from './graph.ts';
import { splatOf } from './pattern.ts';
import { inlineRegion } from './region.ts';
import type { RewriteRule } from './rewrite_rule.ts';
import type { ArrayType, Node, NodeOf } from './types.ts';
import { sizeOf } from './types.ts';

/** A result of a region that is the same at every step: one of its constant operands, a carry passed through, or a constant. */
function invariant(result: Node, steady: ReadonlyMap<Node, Node>): Node | undefined {
  return steady.get(result) ?? (splatOf(result) === undefined ? undefined : result);
}

/** `value` at every index of a new leading axis. */
function repeated(g: Graph, value: Node, type: ArrayType): Node {
  return broadcastAxes(
    g,
    value,
    type.shape,
    value.shape.map((_, axis) => axis + 1),
  );
}

function scanOutput(g: Graph, scan: NodeOf<'scan'>, index: number, type: ArrayType): Node | undefined {
  const { carries: n, xs, body, length, snapshots } = scan.attrs;
  const operand = (i: number): Node => at(scan.args, i);
  // Parameters that hold one value throughout the loop, with that value.
  const steady = new Map<Node, Node>();
  for (let i = 0; i < n; i++) {
    const param = at(body.params, 1 + i);
    if (body.results[i] === param) steady.set(param, operand(i));
  }
  for (let i = n + xs; i < scan.args.length; i++) steady.set(at(body.params, 1 + i), operand(i));
  if (index < n) {
    if (length === 0) return operand(index);
    return invariant(at(body.results, index), steady);
  }
  if (index < body.results.length) {
    const result = at(body.results, index);
    const x = body.params.indexOf(result) - 1 - n;
    if (x >= 0 && x < xs) return operand(n + x);
    const value = invariant(result, steady);
    return value === undefined ? undefined : repeated(g, value, type);
  }
  const carry = index - body.results.length;
  const value = steady.get(at(body.params, 1 + carry));
  return value === undefined || snapshots > length ? undefined : repeated(g, value, type);
}

function adjointOutput(
  g: Graph,
  scan: NodeOf<'adjoint_scan'>,
  index: number,
  type: ArrayType,
): Node | undefined {
  const { carries: n, cotangents: m, xs, backward, length } = scan.attrs;
  const steady = new Map<Node, Node>();
  for (let i = 0; i < m; i++) {
    const param = at(backward.params, 1 + n + i);
    if (backward.results[i] === param) steady.set(param, at(scan.args, n + i));
  }
  for (let i = n + m + xs; i < scan.args.length; i++)
    steady.set(at(backward.params, 1 + i), at(scan.args, i));
  if (index < m) {
    if (length === 0) return at(scan.args, n + index);
    return invariant(at(backward.results, index), steady);
  }
  const result = at(backward.results, index);
  const x = backward.params.indexOf(result) - 1 - n - m;
  if (x >= 0 && x < xs) return at(scan.args, n + m + x);
  const value = invariant(result, steady);
  return value === undefined ? undefined : repeated(g, value, type);
}

function whileOutput(g: Graph, loop: NodeOf<'while'>, index: number): Node | undefined {
  const { carries, body, limit } = loop.attrs;
  if (index === carries) return limit === 0 ? g.constant(0, 'i32') : undefined;
  const passed = body.results[index] === body.params[1 + index];
  return passed || limit === 0 ? at(loop.args, index) : undefined;
}

function condOutput(g: Graph, node: NodeOf<'cond'>, index: number): Node | undefined {
  const [predicate, ...operands] = node.args;
  const known = predicate === undefined ? undefined : splatOf(predicate);
  const { then: yes, else: no } = node.attrs;
  if (known !== undefined) {
    const { params, results } = known === 0 ? no : yes;
    return at(inlineRegion(g, { params, results: [at(results, index)] }, operands), 0);
  }
  const [a, b] = [at(yes.results, index), at(no.results, index)];
  const i = yes.params.indexOf(a);
  if (i >= 0 && i === no.params.indexOf(b)) return at(operands, i);
  return a === b && splatOf(a) !== undefined ? a : undefined;
}

export const projectRule: RewriteRule<'project'> = (g, args, { index }, type) => {
  const node = at(args, 0);
  if (sizeOf(type.shape) === 0) return full(g, type.shape, 0, type.dtype);
  switch (node.op) {
    case 'scan':
      return scanOutput(g, node, index, type);
    case 'adjoint_scan':
      return adjointOutput(g, node, index, type);
    case 'while':
      return whileOutput(g, node, index);
    case 'cond':
      return condOutput(g, node, index);
    default:
      return undefined;
  }
};
