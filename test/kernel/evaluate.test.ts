import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import { compileKernel, roundEven } from '../../compiler/kernel/evaluate.ts';
import type { Expr, KernelBuffer, MapKernel, Statement } from '../../compiler/kernel/types.ts';
import { verifyKernel } from '../../compiler/kernel/verify.ts';

function kernelOf(
  space: readonly number[],
  buffers: readonly KernelBuffer[],
  body: readonly Statement[],
  uniforms: readonly string[] = [],
): MapKernel {
  const axes = space.map((_, i) => `i${i}`);
  const kernel: MapKernel = { kind: 'map', name: 'test', space, axes, buffers, uniforms, origins: [], body };
  verifyKernel(kernel);
  return kernel;
}

const i0 = k.variable('i32', 'i0');
const i1 = k.variable('i32', 'i1');
const out = (length: number, type: KernelBuffer['type'] = 'f32'): KernelBuffer => ({
  name: 'out',
  type,
  length,
  access: 'write',
});
const input = (length: number, type: KernelBuffer['type'] = 'f32'): KernelBuffer => ({
  name: 'input',
  type,
  length,
  access: 'read',
});

describe('evaluate', () => {
  it('runs a two-dimensional transpose', () => {
    const body = [k.store(1, k.flatIndex([i1, i0], [3, 2]), k.load('f32', 0, k.flatIndex([i0, i1], [2, 3])))];
    const run = compileKernel(kernelOf([2, 3], [input(6), out(6)], body));
    const result = new Float64Array(6);
    run([Float64Array.of(1, 2, 3, 4, 5, 6), result], []);
    expect([...result]).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it('rounds to float32 only when asked', () => {
    const third = k.div(k.constant('f32', 1), k.load('f32', 0, k.int(0)));
    const kernel = kernelOf([], [input(1), out(1)], [k.store(1, k.int(0), third)]);
    const [wide, narrow] = [new Float64Array(1), new Float32Array(1)];
    compileKernel(kernel, 'f64')([Float64Array.of(3), wide], []);
    compileKernel(kernel, 'f32')([Float32Array.of(3), narrow], []);
    expect(wide[0]).toBe(1 / 3);
    expect(narrow[0]).toBe(Math.fround(1 / 3));
  });

  it('has floored remainders and quotients, wrapping sums and logical shifts', () => {
    const x = k.load('i32', 0, i0);
    const cases: readonly (readonly [Expr, (a: number) => number])[] = [
      [k.binary('rem', x, k.int(3)), (a) => a - 3 * Math.floor(a / 3)],
      [k.binary('idiv', x, k.int(3)), (a) => Math.floor(a / 3)],
      [k.mul(x, k.int(1103515245)), (a) => Math.imul(a, 1103515245)],
      [k.bitcast('i32', k.binary('shr', k.bitcast('u32', x), k.constant('u32', 3))), (a) => (a >>> 3) | 0],
      [k.binary('shr', x, k.int(3)), (a) => a >> 3],
    ];
    const values = Int32Array.of(-7, -3, -1, 0, 1, 5, 2147483647, -2147483648);
    for (const [e, reference] of cases) {
      const result = new Int32Array(values.length);
      compileKernel(kernelOf([8], [input(8, 'i32'), out(8, 'i32')], [k.store(1, i0, e)]))(
        [values, result],
        [],
      );
      expect([...result]).toEqual([...values].map(reference));
    }
  });

  it('runs loops, whiles with a visible counter, local arrays and uniforms', () => {
    const n = k.variable('i32', 'n');
    const total = k.variable('i32', 'total');
    const body: Statement[] = [
      { kind: 'array', name: 'square', type: 'i32', length: 4 },
      {
        kind: 'for',
        name: 'j',
        from: k.int(0),
        to: k.int(4),
        down: false,
        body: [
          {
            kind: 'assign_local',
            array: 'square',
            index: k.variable('i32', 'j'),
            value: k.mul(k.variable('i32', 'j'), k.variable('i32', 'j')),
          },
        ],
      },
      { kind: 'var', name: 'total', value: k.int(0) },
      {
        kind: 'while',
        counter: 'n',
        limit: 100,
        before: [k.let_('next', k.add(total, k.local('i32', 'square', k.binary('rem', n, k.int(4)))))],
        condition: k.lessThan(total, k.uniform(0)),
        body: [{ kind: 'assign', name: 'total', value: k.variable('i32', 'next') }],
      },
      k.store(0, k.int(0), total),
      k.store(0, k.int(1), n),
    ];
    const result = new Int32Array(2);
    compileKernel(kernelOf([], [out(2, 'i32')], body, ['bound']))([result], [20]);
    // 0 + 1 + 4 + 9 = 14 a round of four: 14, 14, 15, 19, 28 after 4, 5, 6, 7, 8 turns.
    expect([...result]).toEqual([28, 8]);
  });

  it('reduces; an empty extent gives the neutral element', () => {
    const reduce = (combine: 'sum' | 'max', extent: number): number => {
      const body: Statement[] = [
        {
          kind: 'reduce',
          name: 'r',
          type: 'f32',
          combine,
          loops: [{ name: 'j', extent }],
          body: [k.let_('x', k.load('f32', 0, k.variable('i32', 'j')))],
          value: k.variable('f32', 'x'),
        },
        k.store(1, k.int(0), k.variable('f32', 'r')),
      ];
      const result = new Float64Array(1);
      compileKernel(kernelOf([], [input(4), out(1)], body))([Float64Array.of(3, -1, 4, 1), result], []);
      return result[0] ?? NaN;
    };
    expect(reduce('sum', 4)).toBe(7);
    expect(reduce('max', 3)).toBe(4);
    expect(reduce('sum', 0)).toBe(0);
    expect(reduce('max', 0)).toBe(-Infinity);
  });

  it('gives the published Threefry words', () => {
    const words = (...w: number[]) => w.map((x) => k.constant('u32', x));
    const body: Statement[] = [
      {
        kind: 'random_block',
        names: ['a', 'b', 'c', 'd'],
        key: words(0xa4093822, 0x299f31d0, 0x082efa98, 0xec4e6c89),
        counter: words(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344),
      },
      ...['a', 'b', 'c', 'd'].map((name, i) => k.store(0, k.int(i), k.variable('u32', name))),
    ];
    const result = new Uint32Array(4);
    compileKernel(kernelOf([], [out(4, 'u32')], body))([result], []);
    // Random123 kat_vectors, threefry4x32 20.
    expect([...result]).toEqual([0x59cd1dbb, 0xb8879579, 0x86b5d00c, 0xac8b6d84]);
  });

  it('refuses a store outside', () => {
    const kernel = kernelOf([3], [out(2)], [k.store(0, i0, k.constant('f32', 1))]);
    expect(() => compileKernel(kernel)([new Float64Array(2)], [])).toThrow(/stores element 2 of out/);
  });

  it('multiplies matrices through strides', () => {
    const view = (buffer: number, rowStride: number, columnStride: number) => ({
      buffer,
      offset: 0,
      batchStride: 6,
      rowStride,
      columnStride,
    });
    const run = compileKernel({
      kind: 'matmul',
      name: 'product',
      buffers: [
        { name: 'a', type: 'f32', length: 6, access: 'read' },
        { name: 'b', type: 'f32', length: 6, access: 'read' },
        { name: 'c', type: 'f32', length: 4, access: 'write' },
      ],
      uniforms: [],
      origins: [],
      type: 'f32',
      batch: 1,
      m: 2,
      n: 2,
      k: 3,
      a: view(0, 3, 1),
      // b transposed: [2, 3] read as [3, 2]
      b: view(1, 1, 3),
      c: view(2, 2, 1),
    });
    const c = new Float64Array(4);
    run([Float64Array.of(1, 2, 3, 4, 5, 6), Float64Array.of(1, 0, 1, 0, 1, 0), c], []);
    expect([...c]).toEqual([4, 2, 10, 5]);
  });

  it('rounds halves to even', () => {
    expect([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4, 2.6].map((x) => roundEven(x) + 0)).toEqual([
      -2, -2, 0, 0, 2, 2, 2, 3,
    ]);
  });
});
