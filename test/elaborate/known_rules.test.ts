// A function with a rule is elaborated once for arguments of the same types, where nothing but those matters; values and derivatives are as if every call stood for itself.

import { describe, expect, it } from 'vitest';
import { reachable } from '../../compiler/ir/region.ts';
import type { Region } from '../../compiler/ir/types.ts';
import { elaborated, expectValues } from './support.ts';

/** A module of functions alone. */
const functions = `
const SHIFT = 0.5
fn square(x) = x*x + SHIFT tangent (x, xdot) => 2*x*xdot
fn power(x, n) = x^n tangent (x, n, xdot, ndot) => n*x^(n - 1)*xdot
fn nested(x) = square(square(x)) tangent (x, xdot) => 4*x*square(x)*xdot
fn again(x) = x^3 tangent (x, xdot) => 3*again(x)/x*xdot`;

describe('functions with rules', () => {
  it('have values and derivatives of their own arguments', async () => {
    await expectValues(
      `
use "./f.flow" { square, power, nested, again }
param k = 3.0
let v = [1.0, 2.0]
`,
      [
        ['square(2.0*k) + square(k)', 36.5 + 9.5],
        ['square(v)', [1.5, 4.5]],
        ['gradient(x => square(x)*square(2*x) + sum(square([x, x])))(1.0)', 2 * 4.5 + 1.5 * 8 + 4],
        ['power(k, 2) + power(k, 3)', 36],
        ['gradient(x => power(x, 2) + power(x, 3) + power(2*x, 2))(3.0)', 6 + 27 + 24],
        ['gradient(x => nested(x))(2.0)', 36],
        ['gradient(gradient(x => nested(x)))(2.0)', 4 * (3 * 4 + 0.5)],
        ['gradient(gradient(x => again(x) + again(2*x)))(2.0)', 6 * 2 + 8 * 12],
        ['[gradient(x => square(x)*t)(t) for t in v]', [2, 8]],
        ['[square(t) for t in [1.0, 2.0, 3.0]]', [1.5, 4.5, 9.5]],
        ['(with precision f32 { return square(k) }) + square(k)', 19],
      ],
      { files: { 'f.flow': functions } },
    );
  });

  it('see parameters that are replaced, and constants of the program', async () => {
    await expectValues(
      `
param k = 3.0
fn scaled(x) = k*x^2 tangent (x, xdot) => 2*stop_gradient(k)*x*xdot
`,
      [
        ['scaled(2.0) + (with k = 5.0 { return scaled(2.0) })', 32],
        ['(with k = 2.0 { return gradient(x => scaled(x))(1.5) }) + gradient(x => scaled(x))(1.5)', 6 + 9],
      ],
    );
  });

  it('do not make a program longer with every call', () => {
    const nodes = (calls: number): number => {
      const arguments_ = Array.from({ length: calls }, (_, i) => `${i + 1}*x`);
      const { procedures } = elaborated(
        `use std.special { gammainc }
param k = 3.0
fn f(x) = ${arguments_.map((a) => `gammainc(2.5, ${a})`).join(' + ')}
run { print(f(k)) }`,
        { verify: false },
      );
      let largest = 0;
      const visit = (region: Region): void => {
        for (const node of reachable(region.results)) largest = Math.max(largest, node.id);
      };
      for (const { fn } of procedures) visit(fn.region);
      return largest;
    };
    const [one, four] = [nodes(1), nodes(4)];
    // Four calls are four times the sums and products of one once rules are expanded; the rules with their derivatives, most of the nodes, are there once.
    expect(four).toBeLessThan(2.5 * one);
  });
});
