// A loop whose steps can be undone has the cotangents of one whose states are stored, with arrays to step through and outputs of every step, forwards and in reverse; its sweep keeps no states.

import { describe, expect, it } from 'vitest';
import { vjp } from '../../compiler/autodiff/vjp.ts';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { interpret } from '../../compiler/ir/interpret.ts';
import { reachable } from '../../compiler/ir/region.ts';
import type { AdjointPolicy, Node, Region } from '../../compiler/ir/types.ts';
import { at } from '../../compiler/support/lists.ts';
import { array, f64, generator } from './checks.ts';

const LENGTH = 7;

describe.each([false, true])('a loop that runs in reverse: %s', (reverse) => {
  const g = new Graph();
  const i32 = { dtype: 'i32', shape: [] } as const;
  // Kick and push: v += x sin(c q), q += v.
  const body = (): Region => {
    const [i, q, v] = [g.param('i', i32), g.param('q', f64(3)), g.param('v', f64(3))];
    const [x, c] = [g.param('x', f64(3)), g.param('c', f64(3))];
    const kicked = b.add(g, v, b.mul(g, x, b.sin(g, b.mul(g, c, q))));
    return { params: [i, q, v, x, c], results: [b.add(g, q, kicked), kicked, b.mul(g, q, kicked)] };
  };
  const back = (): Region => {
    const [i, q, v] = [g.param('i', i32), g.param('q', f64(3)), g.param('v', f64(3))];
    const [x, c] = [g.param('x', f64(3)), g.param('c', f64(3))];
    const before = b.sub(g, q, v);
    const rest = b.sub(g, v, b.mul(g, x, b.sin(g, b.mul(g, c, before))));
    return { params: [i, q, v, x, c], results: [before, rest] };
  };
  const inputs = [
    g.param('q0', f64(3)),
    g.param('v0', f64(3)),
    g.param('xs', f64(LENGTH, 3)),
    g.param('c', f64(3)),
  ];
  const cotangentsUnder = (adjoint: AdjointPolicy): Node[] => {
    const loop = g.node('scan', inputs, {
      length: LENGTH,
      carries: 2,
      xs: 1,
      body: body(),
      reverse,
      snapshots: 0,
      adjoint,
    });
    const outputs = b.projections(g, loop);
    const cts = outputs.map((o) => b.full(g, o.shape, 0.7, 'f64'));
    return vjp(g, outputs, inputs, cts).map((ct, i) => ct ?? b.zerosLike(g, at(inputs, i)));
  };
  const random = generator(reverse ? 3 : 2);
  const point = new Map(inputs.map((p) => [p, array(p, () => random())]));

  it('has the cotangents of the stored states', () => {
    const [stored, found] = [{ kind: 'store' } as const, { kind: 'reversible', back: back() } as const].map(
      (policy) => interpret(cotangentsUnder(policy), point),
    );
    stored?.forEach((s, i) => {
      const other = found?.[i]?.data ?? [];
      s.data.forEach((x, k) => expect(Number(other[k])).toBeCloseTo(Number(x), 11));
    });
    expect(stored?.length).toBe(4);
  });

  it('keeps none', () => {
    const nodes = reachable(cotangentsUnder({ kind: 'reversible', back: back() }));
    expect(nodes.some((n) => n.op === 'adjoint_scan')).toBe(false);
    expect(nodes.every((n) => n.op !== 'scan' || n.attrs.snapshots === 0)).toBe(true);
  });
});
