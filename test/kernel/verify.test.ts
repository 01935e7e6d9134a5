import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import { printKernel } from '../../compiler/kernel/print.ts';
import type { MapKernel, Statement } from '../../compiler/kernel/types.ts';
import { verifyKernel, verifyKernels } from '../../compiler/kernel/verify.ts';

const i = k.variable('i32', 'i');
const u = k.load('f32', 0, i);

function kernelOf(body: readonly Statement[], changes: Partial<MapKernel> = {}): MapKernel {
  return {
    kind: 'map',
    name: 'example',
    buffers: [
      { name: 'u', type: 'f32', length: 10, access: 'read' },
      { name: 'v', type: 'f32', length: 10, access: 'write' },
      { name: 'mask', type: 'u32', length: 10, access: 'read_write' },
    ],
    uniforms: ['step'],
    origins: [],
    space: [10],
    axes: ['i'],
    body,
    ...changes,
  };
}

describe('verify kernels', () => {
  const wrong: readonly (readonly [string, MapKernel, RegExp])[] = [
    ['an unbound variable', kernelOf([k.store(1, i, k.variable('f32', 'x'))]), /x is not bound/],
    ['a variable of another type', kernelOf([k.store(1, k.variable('u32', 'i'), u)]), /i says u32, is i32/],
    ['shadowing', kernelOf([k.let_('i', u)]), /i is bound twice/],
    ['the name of a buffer', kernelOf([k.let_('u', u)]), /u is bound twice/],
    [
      'assignment to a let',
      kernelOf([k.let_('x', u), { kind: 'assign', name: 'x', value: u }]),
      /x is no var/,
    ],
    ['a store to what is read', kernelOf([k.store(0, i, u)]), /u is for reading/],
    ['a load of what is written', kernelOf([k.store(1, i, k.load('f32', 1, i))]), /v is for writing/],
    ['a constant store outside', kernelOf([k.store(1, k.int(10), u)]), /index 10 of v, which has 10/],
    ['bool in memory', kernelOf([k.store(2, i, k.lessThan(i, k.int(3)))]), /is bool, must be u32/],
    ['a float index', kernelOf([k.store(1, u, u)]), /index of v is f32, must be i32/],
    ['an unknown uniform', kernelOf([k.store(1, k.uniform(1), u)]), /no uniform 1/],
    [
      'mixed operands',
      kernelOf([k.store(1, i, { kind: 'binary', type: 'f32', op: 'add', a: u, b: i })]),
      /add of f32 and i32/,
    ],
    [
      'a float shift',
      kernelOf([k.store(1, i, { kind: 'binary', type: 'f32', op: 'shl', a: u, b: u })]),
      /shl of f32/,
    ],
    ['a fractional integer', kernelOf([k.store(1, k.constant('i32', 0.5), u)]), /0.5 is no i32/],
    [
      'three words of a key',
      kernelOf([
        {
          kind: 'random_block',
          names: ['a', 'b', 'c', 'd'],
          key: [k.constant('u32', 1)],
          counter: [],
        },
      ]),
      /four key and four counter words/,
    ],
    [
      'any of floats',
      kernelOf([{ kind: 'reduce', name: 'r', type: 'f32', combine: 'any', loops: [], body: [], value: u }]),
      /any of f32/,
    ],
    ['axes without extents', kernelOf([], { space: [] }), /0 extents, 1 axes/],
    ['a name that is no identifier', kernelOf([], { name: 'a b' }), /not an identifier/],
    [
      'a name used outside its block',
      kernelOf([
        { kind: 'if', condition: k.lessThan(i, k.int(1)), then: [k.let_('x', u)], else: [] },
        k.store(1, i, k.variable('f32', 'x')),
      ]),
      /x is not bound/,
    ],
  ];

  it.each(wrong)('refuse %s', (_, kernel, message) => {
    expect(() => verifyKernel(kernel)).toThrow(message);
  });

  it('show the statement', () => {
    expect(() => verifyKernel(kernelOf([k.store(1, i, k.variable('f32', 'x'))]))).toThrow(
      'kernel.verify: example: x is not bound, in\n  v[i] = x',
    );
  });

  it('refuse two kernels of one name', () => {
    expect(() => verifyKernels([kernelOf([]), kernelOf([])])).toThrow(/two kernels are called example/);
  });

  it('let branches use a name again', () => {
    const branch = (value: number) => [
      k.let_('x', k.constant('f32', value)),
      k.store(1, i, k.variable('f32', 'x')),
    ];
    verifyKernel(
      kernelOf([{ kind: 'if', condition: k.lessThan(i, k.int(1)), then: branch(1), else: branch(2) }]),
    );
  });

  it('check the reach of matrix products', () => {
    const view = { buffer: 0, offset: 0, batchStride: 0, rowStride: 3, columnStride: 1 };
    expect(() =>
      verifyKernel({
        kind: 'matmul',
        name: 'product',
        buffers: [
          { name: 'a', type: 'f32', length: 6, access: 'read' },
          { name: 'c', type: 'f32', length: 6, access: 'write' },
        ],
        uniforms: [],
        origins: [],
        type: 'f32',
        batch: 1,
        m: 2,
        n: 3,
        k: 3,
        a: view,
        b: { ...view, rowStride: 3 },
        c: { ...view, buffer: 1 },
      }),
    ).toThrow(/b covers elements 0..8 of a, which has 6/);
  });
});

describe('print kernels', () => {
  it('shows every kind of statement', () => {
    const file = { path: 'a.flow', text: 'x = 1\ny = 2' };
    const kernel = kernelOf(
      [
        { kind: 'var', name: 'total', value: k.constant('f32', 0) },
        {
          kind: 'for',
          name: 'n',
          from: k.int(0),
          to: k.uniform(0),
          down: true,
          body: [
            {
              kind: 'assign',
              name: 'total',
              value: k.mul(k.add(k.variable('f32', 'total'), u), k.constant('f32', 0.5)),
            },
          ],
        },
        {
          kind: 'reduce',
          name: 'largest',
          type: 'f32',
          combine: 'max',
          loops: [{ name: 'm', extent: 10 }],
          body: [],
          value: k.load('f32', 0, k.variable('i32', 'm')),
        },
        {
          kind: 'if',
          condition: k.or(k.lessThan(i, k.int(3)), k.not(k.lessThan(i, k.int(9)))),
          then: [k.store(1, i, k.unary('sqrt', k.variable('f32', 'largest')))],
          else: [k.store(1, i, k.variable('f32', 'total'))],
        },
      ],
      { origins: [{ file, start: 6, end: 7 }] },
    );
    verifyKernel(kernel);
    expect(printKernel(kernel)).toBe(`kernel example: map (i: 0..10)   # a.flow:2
  read u: f32[10], write v: f32[10], read_write mask: u32[10]
  uniform step
  var total: f32 = 0
  for n in 0..step downwards {
    total = (total + u[i]) * 0.5
  }
  let largest = max over (m: 0..10) {
    u[m]
  }
  if i < 3 || !(i < 9) {
    v[i] = sqrt(largest)
  } else {
    v[i] = total
  }
`);
  });
});
