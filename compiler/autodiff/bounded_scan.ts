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
  if (limit < FEW) return steps(g, node, limit, start, s.consts, g.constant(0, 'i32'));
  const length = Math.ceil(Math.sqrt(limit));
  const blocks = Math.ceil(limit / length);

  const block = g.param('block', { dtype: 'i32', shape: [] });
  const like = (n: Node, name: string): Node => g.param(name, n);
  const carries = start.map((n, i) => like(n, `carry${i}`));
  const consts = s.consts.map((n, i) => like(n, `const${i}`));
  const goesOn = at(inlineRegion(g, node.attrs.condition, [...carries.slice(0, -1), ...consts]), 0);
  const operands = [...carries, ...consts, mul(g, block, length)];
  const params = operands.map((n, i) => like(n, `x${i}`));
  const C = carries.length;
  const branch = g.node('cond', [goesOn, ...operands], {
    then: {
      params,
      results: steps(g, node, length, params.slice(0, C), params.slice(C, -1), at(params, -1)),
    },
    else: { params, results: params.slice(0, C) },
  });
  return projections(
    g,
    g.node('scan', [...start, ...s.consts], {
      length: blocks,
      carries: C,
      xs: 0,
      body: { params: [block, ...carries, ...consts], results: projections(g, branch) },
      reverse: false,
      snapshots: 0,
      adjoint: policyOfALevel(node),
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
  const { carries: C, condition, limit } = node.attrs;
  const turns = g.param('turns', { dtype: 'i32', shape: [] });
  const from = g.param('first', { dtype: 'i32', shape: [] });
  const step = g.param('step', { dtype: 'i32', shape: [] });
  const number = add(g, from, step);
  const tested = at(inlineRegion(g, condition, [...s.carryParams, ...s.constParams]), 0);
  const goesOn = length < limit && limit % length !== 0 ? and(g, tested, lt(g, number, limit)) : tested;
  const body = { params: [s.index, ...s.carryParams, ...s.constParams], results: s.results };
  const moved = inlineRegion(g, body, [number, ...s.carryParams, ...s.constParams]);
  const ends = new Set([...s.carryParams, ...s.constParams]);
  const next = checksUnder(g, moved, goesOn, ends).map((r, i) =>
    select(g, broadcastTo(g, goesOn, r.shape), r, at(s.carryParams, i)),
  );
  const scan = g.node('scan', [...start, ...consts, first], {
    length,
    carries: C + 1,
    xs: 0,
    body: {
      params: [step, ...s.carryParams, turns, ...s.constParams, from],
      results: [...next, select(g, goesOn, add(g, turns, 1), turns)],
    },
    reverse: false,
    snapshots: 0,
    adjoint: policyOfALevel(node),
  });
  return projections(g, scan);
}
