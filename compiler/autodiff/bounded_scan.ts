// A `while` as scans, the form that can be run backwards. In: a `while`. Out: nodes with the same values (carries, then the number of turns).
//
// A step whose condition fails stands still. So that what is left of the limit costs next to nothing, in the reverse sweep as well, steps come in blocks of blocks: a block runs where the condition holds at its start,
// else its branch hands the carries on. The sweep keeps the carries at the starts of the blocks it is in, on every level, and runs a block again when it comes to it: with d levels of b blocks it holds d*b states
// for b^d steps, whatever number of them are taken, and takes each of those d times again. Two levels of sqrt(limit) are usual; under a budget there are as few levels as fit it.
// (Griewank & Walther 2008, section 12.2: checkpoints in several levels. The number of steps need not be known, as in Stumm & Walther 2010: schedules for it fill from the front.)

import { add, and, broadcastTo, lt, mul, projections, select } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import { inlineRegion } from '../ir/region.ts';
import type { AdjointPolicy, Node, NodeOf } from '../ir/types.ts';
import { at } from '../support/lists.ts';
import { checksUnder } from './checks.ts';
import { bytesOfTypes, whileParts } from './loops.ts';

/** Loops of fewer turns have no blocks. */
const FEW = 64;

export function boundedScan(g: Graph, node: NodeOf<'while'>): Node[] {
  const { limit, adjoint } = node.attrs;
  const s = whileParts(node);
  const start = [...s.init, g.constant(0, 'i32')];
  const first = g.constant(0, 'i32');
  if (limit < FEW) return steps(g, node, limit, start, s.consts, first);
  const levels = levelsFor(limit, bytesOfTypes(start), adjoint);
  const length = blockLength(limit, levels);
  return level(g, node, length, levels, start, s.consts, first);
}

/** The least b with b^levels >= limit. */
function blockLength(limit: number, levels: number): number {
  let b = Math.max(1, Math.floor(limit ** (1 / levels)));
  while (b ** levels < limit) b++;
  return b;
}

/** Two levels, or under a budget the fewest whose states fit it; the most frugal number where none do. */
export function levelsFor(limit: number, bytes: number, policy: AdjointPolicy | undefined): number {
  if (policy?.kind !== 'checkpoint') return 2;
  const slots = policy.bytes / Math.max(1, bytes);
  const held = (levels: number): number => levels * blockLength(limit, levels);
  let best = 2;
  for (let levels = 2; 2 ** (levels - 1) < limit; levels++) {
    if (held(levels) < held(best)) best = levels;
    if (held(best) <= slots) break;
  }
  return best;
}

/** Blocks of `length` blocks of …, down to steps: `levels` of them, from step `first` on. */
function level(
  g: Graph,
  node: NodeOf<'while'>,
  length: number,
  levels: number,
  start: readonly Node[],
  given: readonly Node[],
  first: Node,
): Node[] {
  if (levels === 1) return steps(g, node, length, start, given, first);
  const within = length ** (levels - 1);
  const blocks = first.op === 'const' ? Math.ceil(node.attrs.limit / within) : length;
  const block = g.param('block', { dtype: 'i32', shape: [] });
  const like = (n: Node, name: string): Node => g.param(name, n);
  const carries = start.map((n, i) => like(n, `carry${i}`));
  const consts = given.map((n, i) => like(n, `const${i}`));
  const from = like(first, 'first');
  const goesOn = at(inlineRegion(g, node.attrs.condition, [...carries.slice(0, -1), ...consts]), 0);
  const operands = [...carries, ...consts, add(g, from, mul(g, block, within))];
  const params = operands.map((n, i) => like(n, `x${i}`));
  const C = carries.length;
  const branch = g.node('cond', [goesOn, ...operands], {
    then: {
      params,
      results: level(g, node, length, levels - 1, params.slice(0, C), params.slice(C, -1), at(params, -1)),
    },
    else: { params, results: params.slice(0, C) },
  });
  return projections(
    g,
    g.node('scan', [...start, ...given, first], {
      length: blocks,
      carries: C,
      xs: 0,
      body: { params: [block, ...carries, ...consts, from], results: projections(g, branch) },
      reverse: false,
      snapshots: 0,
      adjoint: policyWithin(node),
    }),
  );
}

/** A budget has been spent on the number of levels. */
const policyWithin = (node: NodeOf<'while'>): AdjointPolicy =>
  node.attrs.adjoint?.kind === 'checkpoint' ? { kind: 'store' } : { kind: 'auto' };

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
    adjoint: policyWithin(node),
  });
  return projections(g, scan);
}
