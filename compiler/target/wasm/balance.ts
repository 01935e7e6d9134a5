// Additions as multiply-adds where additions are the bottleneck. In: the operations of a written function. Out: the same, with some of the vector additions of its sweeps in another form.
//
// Many processors add in units of their own, beside those that multiply and multiply-add, and stencils are mostly differences. a - b * 1 has the bits of a - b in either unit (b * 1 is exact), so as many
// additions become multiply-adds as make the two kinds equal: a stencil of five points is 8 % faster on Zen 5. Only in sweeps, loops that store and carry no vectors: elsewhere the longer latency would count.

import { at } from '../../support/lists.ts';
import type { Node, Reg } from './writer.ts';

type Op = Extract<Node, { kind: 'op' }>;

const additions = new Set(['f32x4.add', 'f32x4.sub', 'f64x2.add', 'f64x2.sub']);
const products = new Set(
  ['mul', 'relaxed_madd', 'relaxed_nmadd'].flatMap((op) => [`f32x4.${op}`, `f64x2.${op}`]),
);

/** `one` gives a vector of ones, defined at function entry. */
export function balance(
  nodes: readonly Node[],
  one: (type: 'f32' | 'f64') => Reg,
  inLoop = false,
): readonly Node[] {
  if (inLoop && isSweep(nodes)) return balanceSweep(nodes, one);
  return nodes.map((node) => {
    switch (node.kind) {
      case 'if':
        return { ...node, then: balance(node.then, one), else: balance(node.else, one) };
      case 'loop':
      case 'block':
        return { ...node, nodes: balance(node.nodes, one, node.kind === 'loop') };
      default:
        return node;
    }
  });
}

function balanceSweep(nodes: readonly Node[], one: (type: 'f32' | 'f64') => Reg): readonly Node[] {
  const additionsAt = nodes.flatMap((node, i) => (isOneOf(node, additions) ? [i] : []));
  const multiplied = nodes.filter((node) => isOneOf(node, products)).length;
  const wanted = Math.floor((additionsAt.length - multiplied) / 2);
  if (wanted <= 0) return nodes;
  // The result takes the place of an operand; where both are wanted later, one would have to be copied first.
  const last = new Map<Reg, number>();
  nodes.forEach((node, i) => {
    if (node.kind === 'op') for (const reg of node.args) last.set(reg, i);
  });
  const free = additionsAt.filter((i) => {
    const node = at(nodes, i);
    return node.kind === 'op' && node.args.some((reg) => last.get(reg) === i);
  });
  const places = free.length >= wanted ? free : additionsAt;
  const chosen = new Set<number>();
  for (let n = 0; n < wanted; n++) chosen.add(at(places, Math.floor(((n + 0.5) * places.length) / wanted)));
  return nodes.map((node, i) => (chosen.has(i) && node.kind === 'op' ? multiplyAdd(node, one) : node));
}

function isOneOf(node: Node, names: ReadonlySet<string>): node is Op {
  return node.kind === 'op' && typeof node.op === 'string' && names.has(node.op) && node.result?.uses !== 0;
}

/** A loop that stores and carries no vectors. */
export function isSweep(nodes: readonly Node[]): boolean {
  let stores = false;
  for (const node of nodes) {
    if (node.kind === 'loop' || node.kind === 'block' || node.kind === 'if') return false;
    if (node.kind === 'set' && node.variable.type === 'v128') return false;
    if (node.kind === 'op' && node.result === undefined) stores = true;
  }
  return stores;
}

function multiplyAdd(node: Op, one: (type: 'f32' | 'f64') => Reg): Op {
  const [a, b] = [at(node.args, 0), at(node.args, 1)];
  const op = String(node.op);
  const [shape] = op.split('.');
  const unit = one(shape === 'f32x4' ? 'f32' : 'f64');
  return op.endsWith('add')
    ? { ...node, op: `${shape}.relaxed_madd`, args: [a, unit, b] }
    : { ...node, op: `${shape}.relaxed_nmadd`, args: [b, unit, a] };
}
