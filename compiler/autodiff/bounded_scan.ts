// A `while` as scans, the form that can be run backwards. In: a `while`. Out: nodes with the same values (carries, then the number of turns).
//
// A step whose condition fails stands still. So that what is left of the limit costs next to nothing, in the reverse sweep as well, steps come in blocks: a block runs where the condition holds at its start, else its
// branch hands the carries on. Of n turns under a limit of L that makes n steps, the rest of a block of about sqrt(L), and sqrt(L) questions; the sweep keeps the carries at the starts of blocks, and those
// of one block (Griewank & Walther 2008, section 12.2: checkpoints in two levels). Under a budget each level has half of it and a binomial schedule of its own: blocks that are not reached cost a question whenever the
// schedule passes them, so the time follows the turns taken, as with the schedules of Stumm & Walther (2010) for numbers of steps that are not known ahead. The levels stay the same, and with them the order in
// which contributions to a gradient are summed: the same bits under every policy.

import { add, and, broadcastTo, lt, mul, projections, select } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import { inlineRegion } from '../ir/region.ts';
import type { AdjointPolicy, Node, NodeOf } from '../ir/types.ts';
import { at } from '../support/lists.ts';
import { checksUnder } from './checks.ts';
import { whileParts } from './loops.ts';

/** Loops of fewer turns have no blocks. */
const FEW = 64;

export function boundedScan(g: Graph, node: NodeOf<'while'>): Node[] {
  const { limit } = node.attrs;
  const s = whileParts(node);
  const start = [...s.init, g.constant(0, 'i32')];
  if (limit < FEW) return block(g, node, limit, start, s.consts, g.constant(0, 'i32'));
  const length = Math.ceil(Math.sqrt(limit));
  const blocks = Math.ceil(limit / length);

  const number = g.param('block', { dtype: 'i32', shape: [] });
  const carries = start.map((n, i) => g.param(`carry${i}`, n));
  const consts = s.consts.map((n, i) => g.param(`const${i}`, n));
  return projections(
    g,
    g.node('scan', [...start, ...s.consts], {
      length: blocks,
      carries: carries.length,
      xs: 0,
      body: {
        params: [number, ...carries, ...consts],
        results: block(g, node, length, carries, consts, mul(g, number, length)),
      },
      reverse: false,
      snapshots: 0,
      adjoint: policyOfALevel(node),
    }),
  );
}

/** `length` steps from number `first` on, if the condition holds before them. */
function block(
  g: Graph,
  node: NodeOf<'while'>,
  length: number,
  start: readonly Node[],
  consts: readonly Node[],
  first: Node,
): Node[] {
  const C = start.length;
  const operands = [...start, ...consts, first];
  return branch(g, node, [...start.slice(0, -1), ...consts], operands, C, (params) =>
    steps(g, node, length, params.slice(0, C), params.slice(C, -1), at(params, -1)),
  );
}

/** What `then` makes of the operands where the condition holds, given what it is asked of; the first `count` operands where it does not. */
function branch(
  g: Graph,
  node: NodeOf<'while'>,
  asked: readonly Node[],
  operands: readonly Node[],
  count: number,
  then: (params: readonly Node[]) => readonly Node[],
): Node[] {
  const { condition, lanes = 0 } = node.attrs;
  const goesOn = at(inlineRegion(g, condition, asked), 0);
  const params = operands.map((n, i) => g.param(`x${i}`, n));
  return projections(
    g,
    g.node('cond', [goesOn, ...operands], {
      lanes,
      then: { params, results: then(params) },
      else: { params, results: params.slice(0, count) },
    }),
  );
}

/** Each of the two levels has half of a budget. */
function policyOfALevel(node: NodeOf<'while'>): AdjointPolicy {
  const { adjoint = { kind: 'auto' } } = node.attrs;
  return adjoint.kind === 'checkpoint' ? { kind: 'checkpoint', bytes: adjoint.bytes / 2 } : adjoint;
}

/** `length` steps from number `first` on; those whose condition fails stand still. */
function steps(
  g: Graph,
  node: NodeOf<'while'>,
  length: number,
  start: readonly Node[],
  consts: readonly Node[],
  first: Node,
): Node[] {
  const s = whileParts(node);
  const { carries: C, condition, limit, lanes = 0 } = node.attrs;
  const turns = g.param('turns', { dtype: 'i32', shape: [] });
  const from = g.param('first', { dtype: 'i32', shape: [] });
  const step = g.param('step', { dtype: 'i32', shape: [] });
  const number = add(g, from, step);
  const partial = length < limit && limit % length !== 0;
  const body = { params: [s.index, ...s.carryParams, ...s.constParams], results: s.results };
  const { carryParams, constParams } = s;
  /** The carries and the count after a step, those before it where the mask does not hold. */
  const moved = (mask: Node, before: readonly Node[], given: readonly Node[], n: Node): Node[] => {
    const after = inlineRegion(g, body, [n, ...before.slice(0, C), ...given]);
    const next = checksUnder(g, after, mask, new Set([...before, ...given]));
    return [...next, add(g, at(before, C), 1)].map((r, i) =>
      select(g, broadcastTo(g, mask, r.shape), r, at(before, i)),
    );
  };
  const before = [...carryParams, turns];
  const operands = [...before, ...constParams, number];
  const next = branch(g, node, [...carryParams, ...constParams], operands, C + 1, (x) => {
    const [carries, given, turn] = [x.slice(0, C + 1), x.slice(C + 1, -1), at(x, -1)];
    const within = partial ? lt(g, turn, limit) : g.constant(1, 'bool');
    // Elements of a batch stand still by themselves, and nobody asks how many turns all together took.
    if (lanes > 0) return moved(within, carries, given, turn);
    const tested = at(inlineRegion(g, condition, [...carries.slice(0, C), ...given]), 0);
    return moved(and(g, tested, within), carries, given, turn);
  });
  const scan = g.node('scan', [...start, ...consts, first], {
    length,
    carries: C + 1,
    xs: 0,
    body: {
      params: [step, ...s.carryParams, turns, ...s.constParams, from],
      results: next,
    },
    reverse: false,
    snapshots: 0,
    adjoint: policyOfALevel(node),
  });
  return projections(g, scan);
}
