// Cotangents of arrays that a loop reads element by element: `for i in 0..n { … a[i] … }`.
//
// The transpose of reading a[i] adds one element to the cotangent of a. A carried sum would be a whole array touched every step, n² in all. Instead the
// steps' contributions are stacked and put in their places once, after the loop: a plain array when the index is the step itself, else one scatter-add.
// A contribution counts as one element (or few) when all steps' contributions together are not much larger than the array.

import { at, range } from '../support/lists.ts';
import { cast, keep, neg, pad, scatterAdd } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import { reachable, substitute } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';
import { batch } from './batch.ts';
import type { ScanParts } from './loops.ts';
import type { Tangent } from './tangent.ts';
import { plus } from './tangent.ts';

/** Stacking may take this many times the memory of the array. */
const ROOM = 4;

/** A contribution `around(scatter_add(index, update))`, with `around` linear and the same at every step. */
export interface IndexedTerm {
  readonly index: Node;
  readonly update: Node;
  readonly size: number;
  readonly around: (g: Graph, x: Node) => Node;
}

export interface SplitTerms {
  readonly indexed: readonly IndexedTerm[];
  /** The sum of the others. */
  readonly rest: Tangent;
}

/** The contributions of a step to a constant's cotangent, those of single elements apart. */
export function splitIndexedTerms(g: Graph, ct: Node, length: number): SplitTerms {
  const indexed: IndexedTerm[] = [];
  let rest: Tangent;
  for (const term of termsOf(ct)) {
    const found = indexedTerm(term, length, sizeOf(ct.shape));
    if (found === undefined) rest = plus(g, rest, term.sign < 0 ? neg(g, term.node) : term.node);
    else indexed.push(found);
  }
  return indexed.length === 0 ? { indexed, rest: ct } : { indexed, rest };
}

interface Term {
  readonly node: Node;
  readonly sign: 1 | -1;
}

/** The terms of a sum, in order. */
function termsOf(sum: Node): Term[] {
  const terms: Term[] = [];
  const stack: Term[] = [{ node: sum, sign: 1 }];
  for (let term = stack.pop(); term !== undefined; term = stack.pop()) {
    const { node, sign } = term;
    if (node.op === 'add' || node.op === 'sub') {
      const second = node.op === 'sub' ? (sign > 0 ? -1 : 1) : sign;
      stack.push({ node: at(node.args, 1), sign: second }, { node: at(node.args, 0), sign });
    } else terms.push(term);
  }
  return terms;
}

function indexedTerm({ node, sign }: Term, length: number, size: number): IndexedTerm | undefined {
  const around: Node[] = [];
  let inner = node;
  while (isLinearMap(inner)) {
    around.push(inner);
    inner = at(inner.args, 0);
  }
  if (inner.op !== 'scatter_add' || inner.attrs.batch > 0) return undefined;
  const update = at(inner.args, 1);
  if (length * sizeOf(update.shape) > ROOM * size) return undefined;
  return {
    index: at(inner.args, 0),
    update,
    size: inner.attrs.size,
    around: (g, x) => {
      const y = around.reduceRight((value, map) => again(g, map, value), x);
      return sign < 0 ? neg(g, y) : y;
    },
  };
}

/** Operations on one array that commute with sums. */
function isLinearMap(node: Node): boolean {
  switch (node.op) {
    case 'neg':
    case 'keep':
    case 'cast':
    case 'reshape':
    case 'transpose':
    case 'slice':
    case 'pad':
    case 'reverse':
    case 'roll':
      return true;
    default:
      return false;
  }
}

function again(g: Graph, map: Node, x: Node): Node {
  switch (map.op) {
    case 'neg':
      return neg(g, x);
    case 'keep':
      return keep(g, x);
    case 'cast':
      return cast(g, x, map.attrs.dtype);
    default:
      return g.withOrigin(map.origin, () => g.node(map.op, [x], map.attrs));
  }
}

/**
 * The indices of all steps [length, ...I], computed outside the loop; undefined when they depend on its states. `s` are the parts of the loop that the term
 * belongs to.
 */
export function indexOutside(g: Graph, s: ScanParts, index: Node, length: number): Node | undefined {
  const constants = new Map(s.constParams.map((p, i) => [p, at(s.consts, i)]));
  const known = reachable([index]).every(
    (node) => node.op !== 'param' || node === s.index || constants.has(node),
  );
  if (!known) return undefined;
  const outer = substitute(g, [index], constants);
  return batch(g, outer, new Map([[s.index, g.iota([length], 0, 'i32')]]), length)[0];
}

/** The sum over the steps of an indexed term: `indices` [length, ...I] and `updates` [length, ...I, ...R], row by row those of step 0, 1, … */
export function sumIndexedTerms(g: Graph, term: IndexedTerm, indices: Node, updates: Node, step: Node): Node {
  const length = at(updates.shape, 0);
  // One row a step, in order: no scatter at all.
  const shift = term.index === step ? 0 : shiftOf(term.index, step);
  if (shift !== undefined && shift >= 0 && shift + length <= term.size) {
    const around = (n: number): number[] => range(updates.shape.length).map((axis) => (axis === 0 ? n : 0));
    return term.around(g, pad(g, updates, around(shift), around(term.size - length - shift)));
  }
  return term.around(g, scatterAdd(g, indices, updates, term.size));
}

/** c when `index` is step + c. */
function shiftOf(index: Node, step: Node): number | undefined {
  if (index.op !== 'add' || !index.args.includes(step)) return undefined;
  const other = index.args.find((a) => a !== step);
  return other?.op === 'const' ? other.attrs.value : undefined;
}
