// Constructors fold without changing a value: random kernels are built with them, so here the folding is compared with plain trees.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BinaryOp } from '../../compiler/ir/types.ts';
import * as k from '../../compiler/kernel/build.ts';
import { compileKernel } from '../../compiler/kernel/evaluate.ts';
import { printExpr } from '../../compiler/kernel/print.ts';
import type { Expr } from '../../compiler/kernel/types.ts';

const i = k.variable('i32', 'i');
const j = k.variable('i32', 'j');
const text = (e: Expr) => printExpr(e);

function evaluate(e: Expr, x: number, y: number): number {
  const result = new Int32Array(1);
  compileKernel({
    kind: 'map',
    name: 'value',
    buffers: [{ name: 'result', type: 'i32', length: 1, access: 'write' }],
    uniforms: ['x', 'y'],
    origins: [],
    space: [],
    axes: [],
    body: [k.let_('i', k.uniform(0)), k.let_('j', k.uniform(1)), k.store(0, k.int(0), e)],
  })([result], [x, y]);
  return result[0] ?? NaN;
}

describe('constructors of kernel expressions', () => {
  it('fold index arithmetic', () => {
    expect(text(k.sub(k.add(i, k.int(1)), k.int(1)))).toBe('i');
    expect(text(k.add(k.int(2), k.sub(i, k.int(5))))).toBe('i - 3');
    expect(text(k.mul(k.mul(i, k.int(4)), k.int(16)))).toBe('i * 64');
    expect(text(k.flatIndex([k.int(0), i, j], [7, 5, 3]))).toBe('i * 3 + j');
    expect(text(k.binary('idiv', i, k.int(1)))).toBe('i');
    expect(text(k.select(k.lessThan(k.int(3), k.int(2)), i, j))).toBe('j');
    expect(text(k.not(k.not(k.lessThan(i, j))))).toBe('i < j');
    expect(text(k.and(k.bool(true), k.lessThan(i, j)))).toBe('i < j');
  });

  it('keep what floats need: x + 0 for -0, x * 0 for NaN', () => {
    const x = k.variable('f32', 'x');
    expect(text(k.add(x, k.constant('f32', 0)))).toBe('x + 0');
    expect(text(k.mul(x, k.constant('f32', 0)))).toBe('x * 0');
    expect(text(k.sub(x, k.constant('f32', 0)))).toBe('x');
    expect(text(k.mul(k.constant('f32', 1), x))).toBe('x');
  });

  it('refuse operands of two types', () => {
    expect(() => k.add(i, k.constant('f32', 1))).toThrow(/add of i32 and f32/);
  });

  it('give the value of the plain tree', () => {
    const ops: readonly BinaryOp[] = ['add', 'sub', 'mul', 'max', 'min', 'and', 'or', 'xor'];
    const leaf = fc.oneof(
      fc.constantFrom<Expr>(i, j),
      fc.constantFrom(0, 1, -1, 2, 5, -7, 2147483647, -2147483648).map((value) => k.int(value)),
    );
    type Pair = { readonly plain: Expr; readonly built: Expr };
    const pair = (e: Expr): Pair => ({ plain: e, built: e });
    const { tree } = fc.letrec<{ tree: Pair }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5, withCrossShrink: true },
        leaf.map(pair),
        fc.tuple(fc.constantFrom(...ops), tie('tree'), tie('tree')).map(([op, a, b]): Pair => ({
          plain: { kind: 'binary', type: 'i32', op, a: a.plain, b: b.plain },
          built: k.binary(op, a.built, b.built),
        })),
      ),
    }));
    fc.assert(
      fc.property(tree, fc.integer(), fc.integer(), (t, x, y) => {
        expect(evaluate(t.built, x, y)).toBe(evaluate(t.plain, x, y));
      }),
      { numRuns: 300 },
    );
  });
});
