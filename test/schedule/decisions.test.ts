// Products that a decision depends on are rounded by themselves, the same in every kernel; all others are left to the target.

import { describe, expect, it } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { makeScan } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { printKernel } from '../../compiler/kernel/print.ts';
import { at } from '../../compiler/support/lists.ts';
import { functionOf, scheduleFunction } from './support.ts';

const f32 = (...shape: number[]) => ({ dtype: 'f32' as const, shape });

/** The text of the kernels of a function of three vectors. */
function kernels(
  f: (g: Graph, a: Node, b: Node, c: Node) => readonly Node[],
  threads = false,
): readonly string[] {
  const g = new Graph();
  const params = ['a', 'b', 'c'].map((name) => g.param(name, f32(1000)));
  const fn = functionOf(params, f(g, at(params, 0), at(params, 1), at(params, 2)));
  return scheduleFunction(g, fn, { threads }).kernels.map((kernel) => printKernel(kernel));
}

function text(f: (g: Graph, a: Node, b: Node, c: Node) => Node): string {
  return kernels((g, x, y, z) => [f(g, x, y, z)]).join('\n');
}

describe('products are rounded by themselves', () => {
  it('where a comparison depends on them, also through sums and shifts', () => {
    const sum = text((g, x, y, z) =>
      b.select(g, b.lt(g, b.roll(g, b.add(g, b.mul(g, x, y), z), 0, 1), 0), x, y),
    );
    expect(sum).toMatch(/rounded\(b\d\[n0\] \* b\d\[n0\]\)/);
  });

  it('where they are rounded to whole numbers', () => {
    expect(text((g, x, y, z) => b.floor(g, b.add(g, b.mul(g, x, y), z)))).toContain('rounded(');
    expect(text((g, x, y, z) => b.cast(g, b.cast(g, b.add(g, b.mul(g, x, y), z), 'i32'), 'f32'))).toContain(
      'rounded(',
    );
  });

  it('and nowhere else', () => {
    expect(text((g, x, y, z) => b.add(g, b.mul(g, x, y), z))).not.toContain('rounded(');
    // What is chosen decides nothing.
    expect(text((g, x, y, z) => b.select(g, b.lt(g, x, 0), b.add(g, b.mul(g, x, y), z), z))).not.toContain(
      'rounded(',
    );
    // A product with a power of two is exact.
    expect(text((g, x, y, z) => b.select(g, b.lt(g, b.add(g, b.mul(g, x, 0.25), z), 0), x, y))).not.toContain(
      'rounded(',
    );
    // Whether a number is finite.
    expect(
      text((g, x, y, z) => {
        const sum = b.add(g, b.mul(g, x, y), z);
        return b.select(g, b.le(g, b.abs(g, sum), 3.4e38), sum, z);
      }),
    ).not.toContain('rounded(');
    expect(
      text((g, x, y, z) => {
        const sum = b.add(g, b.mul(g, x, y), z);
        const exponent = b.and(g, b.bitcast(g, sum, 'u32'), 0x7f800000);
        return b.select(g, b.eq(g, exponent, 0x7f800000), z, sum);
      }),
    ).not.toContain('rounded(');
  });

  it('where their bits are wanted', () => {
    const bits = text((g, x, y, z) => {
      const whole = b.bitcast(g, b.add(g, b.mul(g, x, y), z), 'u32');
      return b.select(g, b.eq(g, b.and(g, whole, 1), 0), x, y);
    });
    expect(bits).toContain('rounded(');
  });
});

describe('equal computations are treated alike', () => {
  /** Five steps of y' = a y + b, and how often y is above c, if asked. */
  const loop = (g: Graph, a: Node, shift: Node, bound: Node, counted: boolean): Node => {
    const zero = b.zerosLike(g, a);
    const made = makeScan(g, {
      length: 5,
      init: counted ? [bound, zero] : [bound],
      body: (_, carries) => {
        const next = b.add(g, b.mul(g, a, at(carries, 0)), shift);
        if (!counted) return { carries: [next], ys: [] };
        const count = b.add(g, at(carries, 1), b.cast(g, b.lt(g, bound, next), 'f32'));
        return { carries: [next, count], ys: [] };
      },
    });
    return at(made.carries, counted ? 1 : 0);
  };

  it('in a loop that decides, and where the same steps run again without the decision', () => {
    const both = kernels((g, x, y, z) => [loop(g, x, y, z, true), loop(g, x, y, z, false)]);
    const steps = both.filter((kernel) => kernel.includes('*'));
    expect(steps.length).toBeGreaterThan(1);
    for (const step of steps) expect(step).toContain('rounded(');
    const alone = kernels((g, x, y, z) => [loop(g, x, y, z, false)]);
    expect(alone.join('\n')).not.toContain('rounded(');
  });

  it('a loop inside one kernel, which no sweep runs again, is left as it is', () => {
    const inside = kernels((g, x, y, z) => [loop(g, x, y, z, true)], true);
    expect(inside).toHaveLength(1);
    expect(inside[0]).not.toContain('rounded(');
  });
});
