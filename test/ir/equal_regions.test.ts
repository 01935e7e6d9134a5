// Equal closed regions are one: loops over equal bodies are one node as soon as they are made, in branches as well; what differs in a name, a place, a number or a type stays apart.

import { describe, expect, test } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { EqualRegions } from '../../compiler/ir/equal_regions.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { makeCond, makeScan, reachable } from '../../compiler/ir/region.ts';
import type { Node, Region } from '../../compiler/ir/types.ts';
import { at } from '../../compiler/support/lists.ts';

const number = { dtype: 'f64', shape: [] } as const;

/** x <- x*k + c, three times. */
const loop = (g: Graph, x: Node, k: Node, c = 1): Node =>
  at(
    makeScan(g, {
      length: 3,
      init: [x],
      body: (_, [p = x]) => ({ carries: [b.add(g, b.mul(g, p, k), c)], ys: [] }),
    }).carries,
    0,
  );

const loopsIn = (results: readonly Node[]): Node[] => reachable(results).filter((n) => n.op === 'scan');

describe('closed regions', () => {
  test('loops over equal bodies are one node', () => {
    const g = new Graph();
    const [x, k, l] = [g.param('x', number), g.param('k', number), g.param('l', number)];
    expect(loop(g, x, k)).toBe(loop(g, x, k));
    expect(loop(g, x, k)).not.toBe(loop(g, x, k, 2));
    expect(loop(g, x, k)).not.toBe(loop(g, x, l));
  });

  test('with the same parameters in another order they stay apart', () => {
    const g = new Graph();
    const [p, q] = [g.param('p', number), g.param('p', number)];
    const regions = new EqualRegions();
    const first = { params: [p, q], results: [b.sub(g, p, q)] };
    const second = { params: [q, p], results: [b.sub(g, p, q)] };
    expect(regions.of(first)).toBe(first);
    expect(regions.of(second)).toBe(second);
    expect(regions.of({ params: [q, p], results: [b.sub(g, q, p)] })).toBe(first);
  });

  test('on other operands they share their body where its parameters have the same names', () => {
    const g = new Graph();
    const [x, y, k] = [g.param('x', number), g.param('y', number), g.param('k', number)];
    const [first, second] = loopsIn([loop(g, x, k), loop(g, y, k)]);
    expect(first?.op === 'scan' && second?.op === 'scan' && first.attrs.body === second.attrs.body).toBe(
      true,
    );
  });

  test('loops inside loops, and in branches, whose nodes are made apart', () => {
    const g = new Graph();
    const [x, y, k] = [g.param('x', number), g.param('y', number), g.param('k', number)];
    const nested = (start: Node): Node =>
      at(
        makeScan(g, {
          length: 2,
          init: [start],
          body: (_, [p = start]) => ({ carries: [loop(g, p, k)], ys: [] }),
        }).carries,
        0,
      );
    expect(nested(x)).toBe(nested(x));
    const chosen = (sign: number): Node =>
      at(
        makeCond(g, {
          predicate: b.lt(g, b.mul(g, x, sign), 0),
          then: () => [b.add(g, nested(y), b.sub(g, nested(y), k))],
          otherwise: () => [x],
        }),
        0,
      );
    const [one, other] = reachable([chosen(1), chosen(-1)]).filter((n) => n.op === 'cond');
    if (one?.op !== 'cond' || other?.op !== 'cond') throw new Error('no branches');
    expect(loopsIn(one.attrs.then.results).length).toBe(1);
    expect(one.attrs.then).toBe(other.attrs.then);
  });

  test('a loop in a branch is not one that stands outside, which would then run whatever branch is taken', () => {
    const g = new Graph();
    const [x, k] = [g.param('x', number), g.param('k', number)];
    const outside = loop(g, x, k);
    const [result] = makeCond(g, {
      predicate: b.lt(g, x, 0),
      then: () => [loop(g, x, k)],
      otherwise: () => [x],
    });
    const cond = reachable(result === undefined ? [] : [result]).find((n) => n.op === 'cond');
    expect(cond?.op === 'cond' && loopsIn(cond.attrs.then.results).length).toBe(1);
    expect(cond?.args).not.toContain(outside);
    expect(loop(g, x, k)).toBe(outside);
  });

  test('types, names, places, numbers and signs of zero tell regions apart', () => {
    const g = new Graph();
    const file = { path: 'a.flow', text: '' };
    const region = (name: string, dtype: 'f32' | 'f64', value: number, start = 0): Region => {
      const p = g.param(name, { dtype, shape: [] });
      return { params: [p], results: [g.withOrigin({ file, start, end: start }, () => b.mul(g, p, value))] };
    };
    const first = g.regions.of(region('x', 'f64', 2));
    expect(g.regions.of(region('x', 'f64', 2))).toBe(first);
    for (const other of [
      region('y', 'f64', 2),
      region('x', 'f32', 2),
      region('x', 'f64', 3),
      region('x', 'f64', 2, 7),
    ])
      expect(g.regions.of(other)).toBe(other);
    const zero = (value: number): Region => {
      const p = g.param('x', number);
      return { params: [p], results: [b.div(g, p, value)] };
    };
    expect(g.regions.of(zero(0))).not.toBe(g.regions.of(zero(-0)));
  });

  test('parameters in another order, and results in another order, are other regions', () => {
    const g = new Graph();
    const make = (swapped: boolean, results: boolean): Region => {
      const [p, q] = [g.param('p', number), g.param('p', number)];
      const made = [b.sub(g, p, q), b.sin(g, p)];
      return { params: swapped ? [q, p] : [p, q], results: results ? made : made.toReversed() };
    };
    const first = g.regions.of(make(false, true));
    expect(g.regions.of(make(false, true))).toBe(first);
    expect(g.regions.of(make(true, true))).not.toBe(first);
    expect(g.regions.of(make(false, false))).not.toBe(first);
  });
});
