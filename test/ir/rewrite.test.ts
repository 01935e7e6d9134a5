import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { interpretFunction } from '../../compiler/ir/interpret.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import { optimize } from '../../compiler/ir/passes.ts';
import { printFunction } from '../../compiler/ir/print.ts';
import { makeCond, makeScan, makeWhile } from '../../compiler/ir/region.ts';
import type { DType, Node } from '../../compiler/ir/types.ts';
import { verifyFunction } from '../../compiler/ir/verify.ts';
import { at, range } from '../../compiler/support/lists.ts';
import { plain, randomFunction, randomInputs } from './random_program.ts';

const programs = fc.array(fc.nat(999), { minLength: 20, maxLength: 160 });

describe('random programs', () => {
  test('have the same values with and without rewrites', () => {
    fc.assert(
      fc.property(programs, fc.nat(), (numbers, seed) => {
        const inputs = randomInputs(seed);
        const rewritten = randomFunction(new Graph(), numbers);
        const asWritten = randomFunction(new Graph({ rewrite: false }), numbers);
        verifyFunction(rewritten);
        verifyFunction(asWritten);
        expect(plain(interpretFunction(rewritten, inputs))).toEqual(
          plain(interpretFunction(asWritten, inputs)),
        );
      }),
      { numRuns: 500 },
    );
  });
  test('are made of the same nodes when made again', () => {
    fc.assert(
      fc.property(programs, (numbers) => {
        const first = printFunction(randomFunction(new Graph(), numbers));
        expect(printFunction(randomFunction(new Graph(), numbers))).toBe(first);
      }),
      { numRuns: 50 },
    );
  });
});

// ---- each rewrite by itself: `from` and `to` are built by the same graph, and must be the same node; their values must agree, too

interface Case {
  readonly name: string;
  readonly from: (g: Graph, x: Node, y: Node) => Node;
  readonly to: (g: Graph, x: Node, y: Node) => Node;
  readonly dtype?: DType;
}

const M: readonly number[] = [3, 4];
const row = (g: Graph, x: Node): Node => b.indexAxis(g, x, 0, 0);
const s0 = (g: Graph, x: Node): Node => b.indexAxis(g, row(g, x), 0, 0);
const all = (g: Graph, value: number, dtype: DType = 'f64'): Node => b.full(g, M, value, dtype);
const less = (g: Graph, x: Node, y: Node): Node => b.lt(g, x, y);

const CASES: readonly Case[] = [
  { name: 'x + 0', from: (g, x) => b.add(g, x, 0), to: (_g, x) => x },
  { name: '0 + x', from: (g, x) => b.add(g, 0, x), to: (_g, x) => x },
  { name: 'x - 0', from: (g, x) => b.sub(g, x, 0), to: (_g, x) => x },
  { name: '0 - x', from: (g, x) => b.sub(g, 0, x), to: (g, x) => b.neg(g, x) },
  { name: 'x * 1', from: (g, x) => b.mul(g, x, 1), to: (_g, x) => x },
  { name: '1 * x, as array', from: (g, x) => b.mul(g, all(g, 1), x), to: (_g, x) => x },
  { name: 'x * 0', from: (g, x) => b.mul(g, x, 0), to: (g) => all(g, 0) },
  { name: 'x * -1', from: (g, x) => b.mul(g, x, -1), to: (g, x) => b.neg(g, x) },
  { name: 'x / 1', from: (g, x) => b.div(g, x, 1), to: (_g, x) => x },
  { name: '0 / x', from: (g, x) => b.div(g, 0, b.add(g, b.abs(g, x), 1)), to: (g) => all(g, 0) },
  { name: 'x / 8', from: (g, x) => b.div(g, x, 8), to: (g, x) => b.mul(g, x, 0.125) },
  { name: 'x + -y', from: (g, x, y) => b.add(g, x, b.neg(g, y)), to: (g, x, y) => b.sub(g, x, y) },
  { name: '-x + y', from: (g, x, y) => b.add(g, b.neg(g, x), y), to: (g, x, y) => b.sub(g, y, x) },
  { name: 'x - -y', from: (g, x, y) => b.sub(g, x, b.neg(g, y)), to: (g, x, y) => b.add(g, x, y) },
  { name: '-(x - y)', from: (g, x, y) => b.neg(g, b.sub(g, x, y)), to: (g, x, y) => b.sub(g, y, x) },
  { name: '-(x * 3)', from: (g, x) => b.neg(g, b.mul(g, x, 3)), to: (g, x) => b.mul(g, x, -3) },
  { name: '-x * 3', from: (g, x) => b.mul(g, b.neg(g, x), 3), to: (g, x) => b.mul(g, x, -3) },
  { name: '-x * -y', from: (g, x, y) => b.mul(g, b.neg(g, x), b.neg(g, y)), to: (g, x, y) => b.mul(g, x, y) },
  { name: '--x', from: (g, x) => b.neg(g, b.neg(g, x)), to: (_g, x) => x },
  { name: 'x ^ 0', from: (g, x) => b.pow(g, x, 0), to: (g) => all(g, 1) },
  { name: 'x ^ 1', from: (g, x) => b.pow(g, x, 1), to: (_g, x) => x },
  { name: 'x ^ 2', from: (g, x) => b.pow(g, x, 2), to: (g, x) => b.mul(g, x, x) },
  { name: 'x ^ 3', from: (g, x) => b.pow(g, x, 3), to: (g, x) => b.mul(g, b.mul(g, x, x), x) },
  { name: 'x ^ 0.5', from: (g, x) => b.pow(g, b.abs(g, x), 0.5), to: (g, x) => b.sqrt(g, b.abs(g, x)) },
  { name: 'y + x', from: (g, x, y) => b.add(g, y, x), to: (g, x, y) => b.add(g, x, y) },
  { name: '2 * x', from: (g, x) => b.mul(g, 2, x), to: (g, x) => b.mul(g, x, 2) },
  { name: 'max(x, x)', from: (g, x) => b.max(g, x, x), to: (_g, x) => x },
  { name: 'abs(-x)', from: (g, x) => b.abs(g, b.neg(g, x)), to: (g, x) => b.abs(g, x) },
  { name: 'select true', from: (g, x, y) => b.select(g, all(g, 1, 'bool'), x, y), to: (_g, x) => x },
  { name: 'select false', from: (g, x, y) => b.select(g, all(g, 0, 'bool'), x, y), to: (_g, _x, y) => y },
  { name: 'select of equals', from: (g, x, y) => b.select(g, less(g, x, y), x, x), to: (_g, x) => x },
  {
    name: 'select by not',
    from: (g, x, y) => b.select(g, b.not(g, less(g, x, y)), x, y),
    to: (g, x, y) => b.select(g, less(g, x, y), y, x),
  },
  {
    name: 'select in select',
    from: (g, x, y) => b.select(g, less(g, x, y), b.select(g, less(g, x, y), x, b.sin(g, y)), y),
    to: (g, x, y) => b.select(g, less(g, x, y), x, y),
  },
  {
    name: 'cast there and back',
    from: (g, x) => b.cast(g, b.cast(g, x, 'f64'), 'i32'),
    to: (_g, x) => x,
    dtype: 'i32',
  },
  {
    name: 'bool through i32',
    from: (g, x, y) => b.cast(g, b.ne(g, b.cast(g, less(g, x, y), 'i32'), 0), 'f64'),
    to: (g, x, y) => b.cast(g, less(g, x, y), 'f64'),
  },
  {
    name: 'and true',
    from: (g, x, y) => b.cast(g, b.and(g, less(g, x, y), all(g, 1, 'bool')), 'f64'),
    to: (g, x, y) => b.cast(g, less(g, x, y), 'f64'),
  },
  {
    name: 'or true',
    from: (g, x, y) => b.cast(g, b.or(g, less(g, x, y), all(g, 1, 'bool')), 'f64'),
    to: (g) => all(g, 1),
  },
  {
    name: 'not equal',
    from: (g, x, y) => b.cast(g, b.not(g, b.eq(g, x, y)), 'f64'),
    to: (g, x, y) => b.cast(g, b.ne(g, x, y), 'f64'),
  },
  { name: 'x - x of integers', from: (g, x) => b.sub(g, x, x), to: (g) => all(g, 0, 'i32'), dtype: 'i32' },
  { name: 'x & 0', from: (g, x) => b.and(g, x, 0), to: (g) => all(g, 0, 'i32'), dtype: 'i32' },
  { name: 'x xor -1', from: (g, x) => b.xor(g, x, -1), to: (g, x) => b.not(g, x), dtype: 'i32' },
  { name: 'keep twice', from: (g, x) => b.keep(g, b.keep(g, x)), to: (g, x) => b.keep(g, x) },
  { name: 'stop_gradient of a constant', from: (g) => b.stopGradient(g, all(g, 2)), to: (g) => all(g, 2) },
  {
    name: 'constants fold',
    from: (g) => b.broadcastTo(g, b.mul(g, b.add(g, g.constant(2, 'f64'), 3), 4), M),
    to: (g) => all(g, 20),
  },
  { name: 'arrays of constants fold', from: (g) => b.add(g, all(g, 2), all(g, 3)), to: (g) => all(g, 5) },
  {
    name: 'operations of broadcast scalars',
    from: (g, x, y) => b.mul(g, b.broadcastTo(g, s0(g, x), M), b.broadcastTo(g, s0(g, y), M)),
    to: (g, x, y) => b.broadcastTo(g, b.mul(g, s0(g, x), s0(g, y)), M),
  },
  {
    name: 'operations of broadcast rows',
    from: (g, x, y) => b.add(g, b.broadcastTo(g, row(g, x), M), b.broadcastTo(g, s0(g, y), M)),
    to: (g, x, y) => b.broadcastTo(g, b.add(g, row(g, x), s0(g, y)), M),
  },
  {
    name: 'literals fold',
    from: (g) => b.add(g, g.literal(Float64Array.of(1, 2, 3), [3], 'f64'), 1),
    to: (g) => g.literal(Float64Array.of(2, 3, 4), [3], 'f64'),
  },
  {
    name: 'literal of one value',
    from: (g) => g.literal(Float64Array.of(2, 2, 2), [3], 'f64'),
    to: (g) => b.full(g, [3], 2, 'f64'),
  },
  // ---- movement
  {
    name: 'reshape of reshape',
    from: (g, x) => b.reshape(g, b.reshape(g, x, [12]), [2, 6]),
    to: (g, x) => b.reshape(g, x, [2, 6]),
  },
  { name: 'reshape and back', from: (g, x) => b.reshape(g, b.reshape(g, x, [12]), M), to: (_g, x) => x },
  {
    name: 'transpose twice',
    from: (g, x) => b.matrixTranspose(g, b.matrixTranspose(g, x)),
    to: (_g, x) => x,
  },
  {
    name: 'transpose of a constant',
    from: (g) => b.matrixTranspose(g, all(g, 2)),
    to: (g) => b.full(g, [4, 3], 2, 'f64'),
  },
  {
    name: 'transpose of broadcast',
    from: (g, x) => b.matrixTranspose(g, b.broadcastTo(g, row(g, x), M)),
    to: (g, x) => b.broadcastAxes(g, row(g, x), [4, 3], [0]),
  },
  {
    name: 'broadcast of broadcast',
    from: (g, x) => b.broadcastTo(g, b.broadcastTo(g, row(g, x), M), [2, 3, 4]),
    to: (g, x) => b.broadcastAxes(g, row(g, x), [2, 3, 4], [2]),
  },
  {
    name: 'slice of slice',
    from: (g, x) => b.sliceAxis(g, b.sliceAxis(g, x, 1, 1, 4), 1, 1, 2),
    to: (g, x) => b.sliceAxis(g, x, 1, 2, 3),
  },
  { name: 'slice of nothing', from: (g, x) => b.sliceAxis(g, x, 1, 0, 4), to: (_g, x) => x },
  {
    name: 'slice of concat: one part',
    from: (g, x, y) => b.sliceAxis(g, b.concat(g, [x, y], 0), 0, 3, 6),
    to: (_g, _x, y) => y,
  },
  {
    name: 'slice of concat: ghosts cut off',
    from: (g, x, y) => b.sliceAxis(g, b.concat(g, [row1(g, y), x, row1(g, y)], 0), 0, 1, 4),
    to: (_g, x) => x,
  },
  {
    name: 'slice of concat: across',
    from: (g, x, y) => b.sliceAxis(g, b.concat(g, [x, y], 0), 0, 2, 5),
    to: (g, x, y) => b.concat(g, [b.sliceAxis(g, x, 0, 2, 3), b.sliceAxis(g, y, 0, 0, 2)], 0),
  },
  {
    name: 'slice of pad: the operand',
    from: (g, x) => b.sliceAxis(g, b.padAxis(g, x, 0, 2, 1), 0, 2, 5),
    to: (_g, x) => x,
  },
  {
    name: 'slice of pad: zeros',
    from: (g, x) => b.sliceAxis(g, b.padAxis(g, x, 0, 2, 1), 0, 0, 2),
    to: (g) => b.full(g, [2, 4], 0, 'f64'),
  },
  {
    name: 'slice of pad: part',
    from: (g, x) => b.sliceAxis(g, b.padAxis(g, x, 0, 2, 1), 0, 1, 4),
    to: (g, x) => b.padAxis(g, b.sliceAxis(g, x, 0, 0, 2), 0, 1, 0),
  },
  {
    name: 'slice of interior pad',
    from: (g, x) => b.sliceAxis(g, b.padAxis(g, x, 0, 1, 0, 1), 0, 1, 6, 2),
    to: (_g, x) => x,
  },
  {
    name: 'slice between the elements',
    from: (g, x) => b.sliceAxis(g, b.padAxis(g, x, 0, 1, 1, 1), 0, 0, 6, 2),
    to: (g) => all(g, 0),
  },
  {
    name: 'slice of broadcast',
    from: (g, x) => b.slice(g, b.broadcastTo(g, row(g, x), M), [1, 1], [3, 3]),
    to: (g, x) => b.broadcastTo(g, b.sliceAxis(g, row(g, x), 0, 1, 3), [2, 2]),
  },
  {
    name: 'slice of transpose',
    from: (g, x) => b.sliceAxis(g, b.matrixTranspose(g, x), 0, 1, 3),
    to: (g, x) => b.matrixTranspose(g, b.sliceAxis(g, x, 1, 1, 3)),
  },
  {
    name: 'slice of roll',
    from: (g, x) => b.sliceAxis(g, b.roll(g, x, 1, 1), 1, 0, 3),
    to: (g, x) => b.sliceAxis(g, x, 1, 1, 4),
  },
  {
    name: 'slice of roll, wrapped',
    from: (g, x) => b.sliceAxis(g, b.roll(g, x, 1, 1), 1, 3, 4),
    to: (g, x) => b.sliceAxis(g, x, 1, 0, 1),
  },
  {
    name: 'pad of pad',
    from: (g, x) => b.padAxis(g, b.padAxis(g, x, 0, 1, 0, 1), 0, 2, 1),
    to: (g, x) => b.padAxis(g, x, 0, 3, 1, 1),
  },
  {
    name: 'pad of zeros',
    from: (g) => b.padAxis(g, all(g, 0), 0, 1, 1),
    to: (g) => b.full(g, [5, 4], 0, 'f64'),
  },
  {
    name: 'concat of concat',
    from: (g, x, y) => b.concat(g, [x, b.concat(g, [y, x], 0)], 0),
    to: (g, x, y) => b.concat(g, [x, y, x], 0),
  },
  {
    name: 'concat of neighbours',
    from: (g, x) => b.concat(g, [b.sliceAxis(g, x, 1, 0, 1), b.sliceAxis(g, x, 1, 1, 4)], 1),
    to: (_g, x) => x,
  },
  {
    name: 'concat of constants',
    from: (g) => b.concat(g, [all(g, 2), all(g, 2)], 0),
    to: (g) => b.full(g, [6, 4], 2, 'f64'),
  },
  {
    name: 'reverse twice',
    from: (g, x) => b.reverse(g, b.reverse(g, x, [0, 1]), [1]),
    to: (g, x) => b.reverse(g, x, [0]),
  },
  { name: 'roll of roll', from: (g, x) => b.roll(g, b.roll(g, x, 1, 3), 1, 1), to: (_g, x) => x },
  { name: 'roll back', from: (g, x) => b.roll(g, x, 1, -1), to: (g, x) => b.roll(g, x, 1, 3) },
  {
    name: 'rolls of two axes',
    from: (g, x) => b.roll(g, b.roll(g, x, 1, 2), 0, 1),
    to: (g, x) => b.roll(g, b.roll(g, x, 0, 1), 1, 2),
  },
  // ---- reductions and the rest
  { name: 'sum of a constant', from: (g) => b.sumAll(g, all(g, 2)), to: (g) => g.constant(24, 'f64') },
  {
    name: 'sum of a broadcast',
    from: (g, x) => b.reduceSum(g, b.broadcastTo(g, row(g, x), M), [0]),
    to: (g, x) => b.mul(g, row(g, x), 3),
  },
  {
    name: 'max of a broadcast',
    from: (g, x) => b.reduce(g, 'max', b.broadcastTo(g, row(g, x), M), [0]),
    to: (g, x) => row(g, x),
  },
  {
    name: 'sum over an axis of one element',
    from: (g, x) => b.reduceSum(g, b.reshape(g, x, [3, 1, 4]), [1]),
    to: (_g, x) => x,
  },
  {
    name: 'sum of sum',
    from: (g, x) => b.reduceSum(g, b.reduceSum(g, x, [0]), [0]),
    to: (g, x) => b.sumAll(g, x),
  },
  {
    name: 'sum of pad',
    from: (g, x) => b.sumAll(g, b.padAxis(g, x, 0, 1, 2, 1)),
    to: (g, x) => b.sumAll(g, x),
  },
  { name: 'sum of roll', from: (g, x) => b.sumAll(g, b.roll(g, x, 0, 1)), to: (g, x) => b.sumAll(g, x) },
  {
    name: 'sum of transpose',
    from: (g, x) => b.reduceSum(g, b.matrixTranspose(g, x), [0]),
    to: (g, x) => b.reduceSum(g, x, [1]),
  },
  {
    name: 'dot with zeros',
    from: (g, x) => b.matmul(g, x, b.full(g, [4, 2], 0, 'f64')),
    to: (g) => b.full(g, [3, 2], 0, 'f64'),
  },
  {
    name: 'gather of a constant',
    from: (g, x) => b.gather(g, all(g, 2), b.cast(g, row(g, x), 'i32')),
    to: (g) => b.full(g, [4, 4], 2, 'f64'),
  },
  {
    name: 'scatter of zeros',
    from: (g) => b.scatterAdd(g, g.iota([3], 0, 'i32'), all(g, 0), 5),
    to: (g) => b.full(g, [5, 4], 0, 'f64'),
  },
];

function row1(g: Graph, x: Node): Node {
  return b.sliceAxis(g, x, 0, 0, 1);
}

describe('a rewrite gives the simpler node, of the same value', () => {
  test.each(CASES)('$name', ({ from, to, dtype = 'f64' }) => {
    const build = (g: Graph, make: Case['from']): { node: Node; params: Node[] } => {
      const params = ['x', 'y'].map((name) => g.param(name, { dtype, shape: M }));
      return { node: make(g, at(params, 0), at(params, 1)), params };
    };
    const g = new Graph();
    const params = ['x', 'y'].map((name) => g.param(name, { dtype, shape: M }));
    const [x, y] = [at(params, 0), at(params, 1)];
    expect(from(g, x, y)).toBe(to(g, x, y));

    const inputs = {
      x: ndarray(
        dtype,
        M,
        range(12).map((i) => ((i * 5) % 7) - 3),
      ),
      y: ndarray(
        dtype,
        M,
        range(12).map((i) => ((i * 3) % 5) - 1),
      ),
    };
    const run = (graph: Graph, make: Case['from']): unknown => {
      const { node, params: inner } = build(graph, make);
      const fn = {
        name: 'f',
        inputs: ['x', 'y'],
        outputs: ['z'],
        region: { params: inner, results: [node] },
      };
      return plain(interpretFunction(fn, inputs));
    };
    const asWritten = run(new Graph({ rewrite: false }), from);
    expect(run(new Graph(), from)).toEqual(asWritten);
  });
});

describe('what must not be rewritten', () => {
  const g = new Graph();
  const x = g.param('x', { dtype: 'f64', shape: [4] });
  const y = g.param('y', { dtype: 'f64', shape: [4] });
  test('arithmetic is not reassociated', () => {
    const sum = b.add(g, b.add(g, x, 1), 2);
    expect([sum.op, at(sum.args, 0).op]).toEqual(['add', 'add']);
    expect(b.mul(g, b.mul(g, x, 3), 5).args[0]?.op).toBe('mul');
  });
  test('x - x, x / x and x = x may be NaN', () => {
    expect([b.sub(g, x, x).op, b.div(g, x, x).op, b.eq(g, x, x).op, b.le(g, x, x).op]).toEqual([
      'sub',
      'div',
      'eq',
      'le',
    ]);
  });
  test('the operands of max and min keep their order: ties belong to the first', () => {
    expect(b.max(g, y, x).args).toEqual([y, x]);
  });
  test('a maximum keeps the order of its elements, which decides between equal ones', () => {
    const m = g.param('m', { dtype: 'f64', shape: [2, 3] });
    expect(b.reduce(g, 'max', b.reverse(g, x, [0]), [0]).args[0]?.op).toBe('reverse');
    expect(b.reduce(g, 'min', b.roll(g, x, 0, 1), [0]).args[0]?.op).toBe('roll');
    expect(b.reduce(g, 'max', b.matrixTranspose(g, m), [0, 1]).args[0]?.op).toBe('transpose');
    expect(b.reduce(g, 'max', b.reduce(g, 'max', m, [1]), [0]).args[0]?.op).toBe('reduce');
  });
  test('nothing folds to a value that is not finite', () => {
    const one = g.constant(1, 'f32');
    expect(b.div(g, one, 0).op).toBe('div');
    expect(b.exp(g, g.constant(100, 'f32')).op).toBe('exp');
    expect(b.log(g, g.constant(-1, 'f64')).op).toBe('log');
  });
  test('a cast that loses something stays', () => {
    expect(b.cast(g, b.cast(g, x, 'f32'), 'f64').op).toBe('cast');
    const i = g.param('i', { dtype: 'i32', shape: [] });
    expect(b.cast(g, b.cast(g, i, 'f64'), 'u32').args[0]?.op).toBe('cast');
  });
  test('keep of an array stays', () => {
    expect(b.add(g, b.keep(g, x), 0)).toBe(b.keep(g, x));
  });
});

test('folding rounds to f32', () => {
  const g = new Graph();
  const sum = b.add(g, g.constant(0.1, 'f32'), g.constant(0.2, 'f32'));
  expect(sum.op === 'const' && sum.attrs.value).toBe(Math.fround(Math.fround(0.1) + Math.fround(0.2)));
});

test('a rewritten node carries the place of the request', () => {
  const g = new Graph();
  const x = g.param('x', { dtype: 'f64', shape: [] });
  const span = { file: { path: 'a.flow', text: 'abc' }, start: 0, end: 1 };
  expect(g.withOrigin(span, () => b.sub(g, 0, x)).origin).toBe(span);
});

describe('outputs of regions known without running them', () => {
  const setting = (): { g: Graph; x: Node; c: Node } => {
    const g = new Graph();
    return { g, x: g.param('x', { dtype: 'f64', shape: [3] }), c: g.param('c', { dtype: 'f64', shape: [] }) };
  };
  test('a carry passed through, a constant output, an input handed on', () => {
    const { g, x, c } = setting();
    const big = b.exp(g, x);
    const { carries, ys, snapshots } = makeScan(g, {
      length: 3,
      init: [x, c],
      xs: [x],
      snapshots: 2,
      body: (_i, [p, q], [slice]) => ({
        carries: [p ?? x, b.add(g, q ?? c, slice ?? c)],
        ys: [slice ?? c, big, g.constant(2, 'f64'), p ?? x],
      }),
    });
    expect(carries[0]).toBe(x);
    expect(carries[1]?.op).toBe('project');
    expect(ys[0]).toBe(x);
    expect(ys[1]).toBe(b.broadcastAxes(g, big, [3, 3], [1]));
    expect(ys[2]).toBe(b.full(g, [3], 2, 'f64'));
    expect(ys[3]).toBe(b.broadcastAxes(g, x, [3, 3], [1]));
    expect(snapshots[0]).toBe(b.broadcastAxes(g, x, [2, 3], [1]));
  });
  test('a decided branch is its body', () => {
    const { g, x } = setting();
    const branch = (value: number): Node =>
      at(
        makeCond(g, {
          predicate: g.constant(value, 'bool'),
          operands: [x],
          then: ([p]) => [b.sin(g, p ?? x)],
          otherwise: ([p]) => [b.cos(g, p ?? x)],
        }),
        0,
      );
    expect(branch(1)).toBe(b.sin(g, x));
    expect(branch(0)).toBe(b.cos(g, x));
  });
  test('a loop of no turns', () => {
    const { g, x } = setting();
    const { carries, turns } = makeWhile(g, {
      init: [x],
      limit: 0,
      condition: () => g.constant(1, 'bool'),
      body: (_i, [p]) => [b.sin(g, p ?? x)],
    });
    expect(carries[0]).toBe(x);
    expect(turns).toBe(g.constant(0, 'i32'));
  });
});

test('optimised random programs have the same values and pass the verifier', () => {
  fc.assert(
    fc.property(programs, fc.nat(), (numbers, seed) => {
      const inputs = randomInputs(seed);
      const g = new Graph({ rewrite: seed % 3 !== 0 });
      const fn = randomFunction(g, numbers);
      const better = optimize(g, fn);
      verifyFunction(better, 'optimize');
      expect(plain(interpretFunction(better, inputs))).toEqual(plain(interpretFunction(fn, inputs)));
    }),
    { numRuns: 400 },
  );
});
