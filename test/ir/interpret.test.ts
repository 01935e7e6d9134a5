import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { interpret, interpretFunction, prepareFunction } from '../../compiler/ir/interpret.ts';
import type { NdArray } from '../../compiler/ir/interpret.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import type { ArrayType, DType, Node } from '../../compiler/ir/types.ts';
import { sizeOf } from '../../compiler/ir/types.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { naive } from './naive.ts';

// ---- each operation against its definition, element by element

const shapes = fc.array(fc.nat(4), { minLength: 1, maxLength: 4 });
const filledShapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });

const EDGES: { readonly [T in DType]: readonly number[] } = {
  f64: [0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3, 1e-3, 700, Infinity, -Infinity, NaN],
  f32: [0, 1, -1, 0.5, 2.5, 1024, -0.125],
  i32: [0, 1, -1, 2, -3, 7, 31, 33, 2147483647, -2147483648, 65537],
  u32: [0, 1, 2, 3, 7, 31, 32, 4294967295, 2147483648, 65537],
  bool: [0, 1],
};

/** Values of a type, seeded: special ones and ordinary ones mixed. */
function values(type: ArrayType, seed: number, edges = true): NdArray {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const one = (): number => {
    if (type.dtype === 'bool') return next() < 0.5 ? 0 : 1;
    if (edges && next() < 0.3) return at(EDGES[type.dtype], Math.floor(next() * EDGES[type.dtype].length));
    const x = next() * 12 - 4;
    return type.dtype === 'f64' || type.dtype === 'f32'
      ? x
      : type.dtype === 'u32'
        ? Math.floor(next() * 40)
        : Math.floor(x);
  };
  return ndarray(type.dtype, type.shape, Array.from({ length: sizeOf(type.shape) }, one));
}

/** The node that `make` gives on fresh parameters, interpreted, must be what its definition says. */
function agrees(
  types: readonly ArrayType[],
  seed: number,
  make: (g: Graph, args: Node[]) => Node,
  given?: readonly NdArray[],
): void {
  const g = new Graph({ rewrite: false });
  const params = types.map((type, i) => g.param(`p${i}`, type));
  const node = make(g, params);
  const args = given ?? types.map((type, i) => values(type, seed + i * 977));
  const [got] = interpret([node], new Map(params.map((p, i) => [p, at(args, i)])));
  expect(got).toEqual(naive(node, args));
}

/** Runs the property on random shapes and seeds. */
function forShapes(
  check: (shape: number[], seed: number, choose: (n: number) => number) => void,
  only = shapes,
): void {
  fc.assert(
    fc.property(
      only,
      fc.nat(),
      fc.array(fc.nat(1000), { minLength: 24, maxLength: 24 }),
      (shape, seed, numbers) => {
        let k = 0;
        check(shape, seed, (n) => at(numbers, k++ % numbers.length) % n);
      },
    ),
    { numRuns: 60 },
  );
}

describe('elementwise operations are what their definition says', () => {
  test.each([
    'neg',
    'abs',
    'sign',
    'exp',
    'expm1',
    'log',
    'log1p',
    'sin',
    'cos',
    'tan',
    'asin',
    'acos',
    'atan',
    'sinh',
    'cosh',
    'tanh',
    'sqrt',
    'floor',
    'ceil',
    'round',
  ] as const)('%s', (op) => {
    forShapes((shape, seed) =>
      agrees([{ dtype: 'f64', shape }], seed, (g, [x]) => b.unary(g, op, x ?? g.constant(0, 'f64'))),
    );
  });
  test.each(['neg', 'abs', 'sign', 'not'] as const)('%s of integers', (op) => {
    for (const dtype of ['i32', 'u32'] as const)
      forShapes((shape, seed) => agrees([{ dtype, shape }], seed, (g, args) => b.unary(g, op, at(args, 0))));
  });
  test('not of bool', () => {
    forShapes((shape, seed) => agrees([{ dtype: 'bool', shape }], seed, (g, args) => b.not(g, at(args, 0))));
  });
  test.each(['add', 'sub', 'mul', 'div', 'pow', 'atan2', 'rem'] as const)('%s of floats', (op) => {
    forShapes((shape, seed) =>
      agrees(
        [
          { dtype: 'f64', shape },
          { dtype: 'f64', shape },
        ],
        seed,
        (g, args) => b.binary(g, op, at(args, 0), at(args, 1)),
      ),
    );
  });
  test.each(['max', 'min'] as const)('%s of floats, NaN apart', (op) => {
    forShapes((shape, seed) => {
      const type: ArrayType = { dtype: 'f64', shape };
      const given = [values(type, seed, false), values(type, seed + 1, false)];
      agrees([type, type], seed, (g, args) => b.binary(g, op, at(args, 0), at(args, 1)), given);
    });
  });
  test.each(['add', 'sub', 'mul', 'max', 'min', 'rem', 'idiv', 'and', 'or', 'xor', 'shl', 'shr'] as const)(
    '%s of integers',
    (op) => {
      for (const dtype of ['i32', 'u32'] as const)
        forShapes((shape, seed) =>
          agrees(
            [
              { dtype, shape },
              { dtype, shape },
            ],
            seed,
            (g, args) => b.binary(g, op, at(args, 0), at(args, 1)),
          ),
        );
    },
  );
  test.each(['and', 'or', 'xor'] as const)('%s of bool', (op) => {
    forShapes((shape, seed) =>
      agrees(
        [
          { dtype: 'bool', shape },
          { dtype: 'bool', shape },
        ],
        seed,
        (g, args) => b.binary(g, op, at(args, 0), at(args, 1)),
      ),
    );
  });
  test.each(['eq', 'ne', 'lt', 'le'] as const)('%s', (op) => {
    for (const dtype of ['f64', 'i32', 'u32', 'bool'] as const)
      forShapes((shape, seed) =>
        agrees(
          [
            { dtype, shape },
            { dtype, shape },
          ],
          seed,
          (g, args) => b.compare(g, op, at(args, 0), at(args, 1)),
        ),
      );
  });
  test('select', () => {
    for (const dtype of ['f64', 'i32', 'bool'] as const)
      forShapes((shape, seed) =>
        agrees(
          [
            { dtype: 'bool', shape },
            { dtype, shape },
            { dtype, shape },
          ],
          seed,
          (g, args) => b.select(g, at(args, 0), at(args, 1), at(args, 2)),
        ),
      );
  });
  test('cast between all types', () => {
    const types = ['f32', 'f64', 'i32', 'u32', 'bool'] as const;
    for (const from of types)
      for (const to of types)
        agrees([{ dtype: from, shape: [40] }], 7, (g, args) => g.node('cast', args, { dtype: to }));
  });
  test('bitcast between 32-bit types', () => {
    const types = ['f32', 'i32', 'u32'] as const;
    for (const from of types)
      for (const to of types) {
        const g = new Graph({ rewrite: false });
        const p = g.param('p', { dtype: from, shape: [5] });
        const given = ndarray(
          from,
          [5],
          from === 'u32' ? [0, 1, 1065353216, 3212836864, 7] : [0, 1, 1065353216, -1082130432, -7],
        );
        const node = g.node('bitcast', [p], { dtype: to });
        expect(interpret([node], new Map([[p, given]]))[0]).toEqual(naive(node, [given]));
      }
  });
  test('keep, stop_gradient', () => {
    forShapes((shape, seed) => {
      agrees([{ dtype: 'f64', shape }], seed, (g, args) => b.keep(g, at(args, 0)));
      agrees([{ dtype: 'f64', shape }], seed, (g, args) => b.stopGradient(g, at(args, 0)));
    });
  });
  test('random_bits', () => {
    const words = range(8).map((): ArrayType => ({ dtype: 'u32', shape: [3, 2] }));
    for (const word of [0, 1, 2, 3] as const)
      agrees(words, word, (g, args) => g.node('random_bits', args, { word }));
  });
});

describe('movement is what its definition says', () => {
  const one =
    (dtype: DType, make: (g: Graph, x: Node, choose: (n: number) => number) => Node) => (): void => {
      forShapes((shape, seed, choose) =>
        agrees([{ dtype, shape }], seed, (g, args) => make(g, at(args, 0), choose)),
      );
    };
  const axisOf = (x: Node, choose: (n: number) => number): number => choose(x.shape.length);
  test(
    'reshape',
    one('i32', (g, x) => b.reshape(g, x, [1, ...x.shape.toReversed()])),
  );
  test(
    'transpose',
    one('f64', (g, x, choose) => {
      const rest = range(x.shape.length);
      const perm = x.shape.map(() => at(rest.splice(choose(rest.length), 1), 0));
      return b.transposePerm(g, x, perm);
    }),
  );
  test(
    'broadcast',
    one('bool', (g, x, choose) => {
      const shape: number[] = [];
      const axes = x.shape.map((extent) => {
        if (choose(2) === 0) shape.push(choose(3));
        return shape.push(extent) - 1;
      });
      return b.broadcastAxes(g, x, [...shape, 2], axes);
    }),
  );
  test(
    'slice',
    one('f64', (g, x, choose) => {
      const start = x.shape.map((n) => choose(n + 1));
      const limit = x.shape.map((n, i) => at(start, i) + choose(n - at(start, i) + 1));
      return b.slice(
        g,
        x,
        start,
        limit,
        x.shape.map(() => 1 + choose(3)),
      );
    }),
  );
  test(
    'pad',
    one('u32', (g, x, choose) => {
      const numbers = (): number[] => x.shape.map(() => choose(3));
      return b.pad(g, x, numbers(), numbers(), numbers());
    }),
  );
  test(
    'reverse',
    one('f64', (g, x, choose) =>
      b.reverse(
        g,
        x,
        range(x.shape.length).filter(() => choose(2) === 0),
      ),
    ),
  );
  test(
    'roll',
    one('i32', (g, x, choose) => b.roll(g, x, axisOf(x, choose), choose(11) - 5)),
  );
  test('concat', () => {
    forShapes((shape, seed, choose) => {
      const axis = choose(shape.length);
      const types = range(1 + choose(4)).map((): ArrayType => ({
        dtype: 'f64',
        shape: shape.with(axis, choose(4)),
      }));
      agrees(types, seed, (g, args) => g.node('concat', args, { axis }));
    });
  });
  test('const, literal, iota', () => {
    const g = new Graph({ rewrite: false });
    const nodes = [
      g.constant(2.5, 'f64'),
      g.constant(1e-7, 'f32'),
      g.constant(-3, 'i32'),
      g.literal(Float64Array.of(1, 2, 3, 4, 5, 6), [2, 3], 'f64'),
      g.literal(Float64Array.of(1, 0, 1), [3], 'bool'),
      g.iota([2, 3, 4], 1, 'i32'),
      g.iota([3, 2], 0, 'f64'),
    ];
    interpret(nodes, new Map()).forEach((value, i) => expect(value).toEqual(naive(at(nodes, i), [])));
  });
});

describe('reductions, products and indexing are what their definition says', () => {
  test.each(['sum', 'prod', 'max', 'min'] as const)('reduce %s', (kind) => {
    for (const dtype of ['f64', 'i32', 'u32'] as const)
      forShapes(
        (shape, seed, choose) => {
          const axes = range(shape.length).filter(() => choose(2) === 0);
          const given = values({ dtype, shape }, seed, dtype !== 'f64');
          // Whole numbers: the order of the terms of a sum is not part of the definition.
          if (dtype === 'f64') given.data.set(given.data.map((x) => Math.round(x) + 0));
          agrees(
            [{ dtype, shape }],
            seed,
            (g, [x]) => g.node('reduce', x === undefined ? [] : [x], { kind, axes }),
            [given],
          );
        },
        kind === 'sum' || kind === 'prod' ? shapes : filledShapes,
      );
  });
  test.each(['any', 'all'] as const)('reduce %s', (kind) => {
    forShapes((shape, seed, choose) => {
      const axes = range(shape.length).filter(() => choose(2) === 0);
      agrees([{ dtype: 'bool', shape }], seed, (g, args) => g.node('reduce', args, { kind, axes }));
    });
  });
  test('max over an empty extent is an error', () => {
    const g = new Graph({ rewrite: false });
    const x = g.param('x', { dtype: 'f64', shape: [2, 0] });
    expect(() => interpret([b.reduce(g, 'max', x, [1])], new Map([[x, ndarray('f64', [2, 0], [])]]))).toThrow(
      /empty extent/,
    );
  });
  test.each(['max', 'min'] as const)('arg_reduce %s', (kind) => {
    for (const dtype of ['f64', 'i32'] as const)
      forShapes((shape, seed, choose) => {
        const axis = choose(shape.length);
        const given = values({ dtype, shape }, seed, false);
        given.data.set(given.data.map((x) => Math.round(x / 2) + 0));
        agrees([{ dtype, shape }], seed, (g, args) => g.node('arg_reduce', args, { kind, axis }), [given]);
      }, filledShapes);
  });
  test('argsort: stable, NaN last', () => {
    for (const dtype of ['f64', 'i32'] as const)
      forShapes((shape, seed) => {
        const given = values({ dtype, shape }, seed, false);
        given.data.set(
          given.data.map((x, i) => (dtype === 'f64' && i % 7 === 3 ? NaN : Math.round(x / 2) + 0)),
        );
        agrees([{ dtype, shape }], seed, (g, args) => b.argsort(g, at(args, 0)), [given]);
      }, filledShapes);
  });
  test('cumsum', () => {
    for (const dtype of ['f64', 'i32'] as const)
      forShapes((shape, seed, choose) => {
        const type: ArrayType = { dtype, shape };
        agrees([type], seed, (g, args) => b.cumsum(g, at(args, 0), choose(shape.length), choose(2) === 1), [
          values(type, seed, false),
        ]);
      });
  });
  test('dot', () => {
    for (const dtype of ['f64', 'i32', 'u32'] as const)
      forShapes((batch, seed, choose) => {
        const [m, k, n] = [choose(4), choose(5), choose(4)];
        const lead = batch.slice(0, choose(3));
        const types: ArrayType[] = [
          { dtype, shape: [...lead, m, k] },
          { dtype, shape: [...lead, k, n] },
        ];
        const given = types.map((type, i) => values(type, seed + i, dtype !== 'f64'));
        agrees(types, seed, (g, args) => b.dot(g, at(args, 0), at(args, 1)), given);
      });
  });
  test('gather clamps its indices', () => {
    forShapes((shape, seed, choose) => {
      const batch = choose(shape.length);
      const index: ArrayType = {
        dtype: 'i32',
        shape: [...shape.slice(0, batch), ...[2, 3].slice(0, choose(3))],
      };
      agrees(
        [{ dtype: 'f64', shape }, index],
        seed,
        (g, args) => b.gather(g, at(args, 0), at(args, 1), batch),
        [values({ dtype: 'f64', shape }, seed), values(index, seed + 1)],
      );
    }, filledShapes);
  });
  test('rows_of lists the places of every index', () => {
    forShapes((shape, seed, choose) => {
      const type: ArrayType = { dtype: 'i32', shape };
      const batch = choose(shape.length + 1);
      agrees([type], seed, (g, args) => b.rowsOf(g, at(args, 0), 3, batch), [values(type, seed, false)]);
    }, filledShapes);
  });
  test('scatter_add sums and clamps', () => {
    for (const dtype of ['f64', 'i32'] as const)
      forShapes((shape, seed, choose) => {
        const batch = choose(shape.length + 1);
        const index: ArrayType = {
          dtype: 'i32',
          shape: shape.slice(0, batch + choose(shape.length - batch + 1)),
        };
        const update: ArrayType = { dtype, shape };
        agrees(
          [index, update],
          seed,
          (g, args) => b.scatterAdd(g, at(args, 0), at(args, 1), 1 + choose(4), batch),
          [values(index, seed), values(update, seed + 1, dtype === 'i32')],
        );
      });
  });
});

describe('the machine', () => {
  test('reuses buffers without mixing values up', () => {
    const g = new Graph({ rewrite: false });
    const x = g.param('x', { dtype: 'f64', shape: [3] });
    let y: Node = x;
    for (let i = 0; i < 50; i++) y = b.add(g, b.mul(g, y, 0.5), b.reverse(g, x, [0]));
    let expected = [1, 2, 4];
    for (let i = 0; i < 50; i++) expected = expected.map((v, k) => v * 0.5 + at([4, 2, 1], k));
    expect(
      interpret([y, x], new Map([[x, ndarray('f64', [3], [1, 2, 4])]])).map((v) => Array.from(v.data)),
    ).toEqual([expected, [1, 2, 4]]);
  });
  test('does not hand out the arrays it was given', () => {
    const g = new Graph();
    const x = g.param('x', { dtype: 'f64', shape: [2] });
    const given = ndarray('f64', [2], [1, 2]);
    const [same, flat] = interpret([x, b.reshape(g, x, [1, 2])], new Map([[x, given]]));
    expect([same?.data === given.data, flat?.data === given.data]).toEqual([false, false]);
  });
  test('a prepared function may be called again and again, its results stay', () => {
    const g = new Graph();
    const x = g.param('x', { dtype: 'f64', shape: [2] });
    const grid = b.exp(g, g.iota([2], 0, 'f64'));
    const results = [b.sin(g, b.add(g, x, grid)), grid, x];
    const fn = { name: 'f', inputs: ['x'], outputs: ['y', 'grid', 'x'], region: { params: [x], results } };
    const run = prepareFunction(fn);
    const given = [1, 2, 3].map((k) => ({ x: ndarray('f64', [2], [k, -k]) }));
    const answers = given.map(run);
    expect(answers).toEqual(given.map((inputs) => interpretFunction(fn, inputs)));
  });
  test('rejects a missing or ill-typed input', () => {
    const g = new Graph();
    const x = g.param('x', { dtype: 'f64', shape: [2] });
    const fn = { name: 'f', inputs: ['x'], outputs: ['y'], region: { params: [x], results: [b.neg(g, x)] } };
    expect(() => interpretFunction(fn, {})).toThrow(/input x of f is missing/);
    expect(() => interpretFunction(fn, { x: ndarray('i32', [2], [1, 2]) })).toThrow(
      /x is f64\[2\], given i32\[2\]/,
    );
    expect(() => interpret([b.neg(g, x)], new Map())).toThrow(/parameter x .* is not bound/);
    expect(interpretFunction(fn, { x: ndarray('f64', [2], [1, 2]) })['y']?.data).toEqual(
      Float64Array.of(-1, -2),
    );
  });
});
