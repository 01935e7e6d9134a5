// For every operation with one output: how to make a random instance of it. A missing operation does not compile.

import { at, range } from '../../compiler/support/lists.ts';
import * as b from '../../compiler/ir/build.ts';
import type { Graph } from '../../compiler/ir/graph.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import type { ArrayType, DType, Node } from '../../compiler/ir/types.ts';
import type { SimpleOp } from '../../compiler/autodiff/jvp_rules.ts';
import type { Case } from './checks.ts';
import { array, f64 } from './checks.ts';

/** A random instance: a case whose inputs lie away from kinks and poles. `shape` is a random shape of rank 0 to 3, `random` uniform in [0, 1). */
export type MakeCase = (shape: readonly number[], random: () => number) => Case;

const typed = (dtype: DType, shape: readonly number[]): ArrayType => ({ dtype, shape });
const uniform = (shape: readonly number[], random: () => number, low = -1.5, high = 1.5): NdArray =>
  array(f64(...shape), () => low + (high - low) * random());
const integers = (shape: readonly number[], random: () => number, low: number, high: number): NdArray =>
  array(typed('i32', shape), () => Math.floor(low + (high - low) * random()));
const whole = (random: () => number, low: number, high: number): number =>
  Math.floor(low + (high - low) * random());
/** Distinct values with gaps of 0.1: no ties within reach of a difference quotient. `offset` keeps two such arrays apart. */
const apart = (shape: readonly number[], random: () => number, offset = 0): NdArray => {
  const n = shape.reduce((s, e) => s * e, 1);
  const order = shuffled(range(n), random);
  return array(f64(...shape), (i) => 0.1 * (at(order, i) - n / 2) + 0.033 + offset);
};
function shuffled(list: number[], random: () => number): number[] {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const [a, c] = [at(list, i), at(list, j)];
    list[i] = c;
    list[j] = a;
  }
  return list;
}
/** At least one axis. */
const withAxis = (shape: readonly number[]): readonly number[] => (shape.length === 0 ? [3] : shape);
const someAxes = (shape: readonly number[], random: () => number): number[] =>
  range(shape.length).filter(() => random() < 0.6);

type Unary = Parameters<typeof b.unary>[1];
type Binary = Parameters<typeof b.binary>[1];

const unary =
  (op: Unary, low: number, high: number): MakeCase =>
  (shape, random) => ({
    inputs: [uniform(shape, random, low, high)],
    build: (g, [x]) => [b.unary(g, op, given(x))],
  });
const kinked =
  (op: Unary): MakeCase =>
  (shape, random) => ({ inputs: [apart(shape, random)], build: (g, [x]) => [b.unary(g, op, given(x))] });
const binary =
  (op: Binary, low: readonly [number, number], high: readonly [number, number]): MakeCase =>
  (shape, random) => ({
    inputs: [uniform(shape, random, low[0], low[1]), uniform(shape, random, high[0], high[1])],
    build: (g, [x, y]) => [b.binary(g, op, given(x), given(y))],
  });
const kinked2 =
  (op: Binary): MakeCase =>
  (shape, random) => ({
    inputs: [apart(shape, random), apart(shape, random, 0.05)],
    build: (g, [x, y]) => [b.binary(g, op, given(x), given(y))],
  });
const integerBinary =
  (op: Binary): MakeCase =>
  (shape, random) => ({
    inputs: [integers(shape, random, 0, 9), integers(shape, random, 1, 5)],
    build: (g, [x, y]) => [b.binary(g, op, given(x), given(y))],
  });
const comparison =
  (op: 'eq' | 'ne' | 'lt' | 'le'): MakeCase =>
  (shape, random) => ({
    inputs: [apart(shape, random), apart(shape, random, 0.05)],
    build: (g, [x, y]) => [b.select(g, b.compare(g, op, given(x), given(y)), given(x), b.neg(g, given(y)))],
  });
const movement =
  (make: (g: Graph, x: Node, random: () => number) => Node): MakeCase =>
  (shape0, random) => {
    const shape = withAxis(shape0);
    const draws = range(40).map(() => random());
    return {
      inputs: [uniform(shape, random)],
      build: (g, [x]) => {
        let k = 0;
        return [make(g, given(x), () => at(draws, k++))];
      },
    };
  };

export function given(x: Node | undefined): Node {
  if (x === undefined) throw new Error('an input is missing');
  return x;
}

const square = (g: Graph, x: Node): Node => b.mul(g, x, x);

export const cases: { readonly [P in SimpleOp]: MakeCase } = {
  param: (shape, random) => ({ inputs: [uniform(shape, random)], build: (_g, x) => x }),
  const: (shape, random) => ({
    inputs: [uniform(shape, random)],
    build: (g, [x]) => [b.mul(g, given(x), g.constant(1.7, 'f64'))],
  }),
  literal: (shape, random) => {
    const data = uniform(shape, random);
    return {
      inputs: [uniform(shape, random)],
      build: (g, [x]) => [b.mul(g, given(x), g.literal(Float64Array.from(data.data), shape, 'f64'))],
    };
  },
  iota: (shape0, random) => {
    const shape = withAxis(shape0);
    return {
      inputs: [uniform(shape, random)],
      build: (g, [x]) => [b.mul(g, given(x), g.iota(shape, shape.length - 1, 'f64'))],
    };
  },
  neg: unary('neg', -2, 2),
  abs: kinked('abs'),
  sign: kinked('sign'),
  exp: unary('exp', -2, 2),
  expm1: unary('expm1', -2, 2),
  log: unary('log', 0.3, 3),
  log1p: unary('log1p', -0.6, 2),
  sin: unary('sin', -3, 3),
  cos: unary('cos', -3, 3),
  tan: unary('tan', -1, 1),
  asin: unary('asin', -0.8, 0.8),
  acos: unary('acos', -0.8, 0.8),
  atan: unary('atan', -3, 3),
  sinh: unary('sinh', -2, 2),
  cosh: unary('cosh', -2, 2),
  tanh: unary('tanh', -2, 2),
  sqrt: unary('sqrt', 0.3, 3),
  floor: kinked('floor'),
  ceil: kinked('ceil'),
  round: kinked('round'),
  not: (shape, random) => ({
    inputs: [apart(shape, random), uniform(shape, random)],
    build: (g, [x, y]) => [b.select(g, b.not(g, b.lt(g, given(x), 0)), given(y), given(x))],
  }),
  add: binary('add', [-1, 1], [-1, 1]),
  sub: binary('sub', [-1, 1], [-1, 1]),
  mul: binary('mul', [-1, 1], [-1, 1]),
  div: binary('div', [-1, 1], [0.5, 2]),
  pow: binary('pow', [0.4, 2], [-2, 3]),
  atan2: binary('atan2', [0.3, 1], [-1, 1]),
  max: kinked2('max'),
  min: kinked2('min'),
  rem: (shape, random) => {
    // x = (k + fraction)·y stays between two multiples of y.
    const y = uniform(shape, random, 0.9, 1.1);
    const x = array(y, (i) => (whole(random, -3, 3) + 0.3 + 0.4 * random()) * (y.data[i] ?? 1));
    return { inputs: [x, y], build: (g, [p, q]) => [b.rem(g, given(p), given(q))] };
  },
  idiv: integerBinary('idiv'),
  and: integerBinary('and'),
  or: integerBinary('or'),
  xor: integerBinary('xor'),
  shl: integerBinary('shl'),
  shr: integerBinary('shr'),
  eq: comparison('eq'),
  ne: comparison('ne'),
  lt: comparison('lt'),
  le: comparison('le'),
  select: (shape, random) => ({
    inputs: [
      array(typed('i32', shape), () => whole(random, 0, 2)),
      uniform(shape, random),
      uniform(shape, random),
    ],
    build: (g, [m, x, y]) => [b.select(g, b.ne(g, given(m), 0), square(g, given(x)), b.sin(g, given(y)))],
  }),
  cast: (shape, random) => ({
    inputs: [array(typed('f32', shape), () => random()), integers(shape, random, -4, 5)],
    build: (g, [x, k]) => [b.mul(g, b.cast(g, given(x), 'f64'), b.cast(g, given(k), 'f64'))],
  }),
  bitcast: (shape, random) => ({
    inputs: [integers(shape, random, 0, 1000)],
    build: (g, [x]) => [b.bitcast(g, given(x), 'u32')],
  }),
  keep: (shape, random) => ({
    inputs: [uniform(shape, random)],
    build: (g, [x]) => [square(g, b.keep(g, b.sin(g, given(x))))],
  }),
  stop_gradient: (shape, random) => ({
    inputs: [array(typed('i32', shape), () => whole(random, 1, 9)), uniform(shape, random)],
    build: (g, [k, x]) => [b.mul(g, given(x), b.stopGradient(g, b.sqrt(g, b.cast(g, given(k), 'f64'))))],
  }),
  path_mean: (shape, random) => ({
    inputs: [array(typed('i32', shape), () => whole(random, 1, 9)), uniform(shape, random)],
    build: (g, [k, x]) => [
      b.mul(g, given(x), b.pathMean(g, b.sqrt(g, b.cast(g, given(k), 'f64')), g.constant(0, 'u32'))),
      square(g, b.pathMean(g, b.sin(g, given(x)), g.constant(0, 'u32'), true)),
    ],
  }),
  random_bits: (shape, random) => ({
    inputs: [array(typed('u32', shape), () => whole(random, 0, 100)), uniform(shape, random)],
    build: (g, [k, x]) => {
      const words = range(8).map((i) => b.add(g, given(k), i));
      return [b.mul(g, given(x), b.cast(g, b.shr(g, g.node('random_bits', words, { word: 2 }), 20), 'f64'))];
    },
  }),
  reshape: movement((g, x, random) => {
    const n = x.shape.reduce((s, e) => s * e, 1);
    return b.reshape(g, square(g, x), random() < 0.5 ? [n] : [1, ...x.shape, 1]);
  }),
  transpose: movement((g, x, random) =>
    b.transposePerm(g, square(g, x), shuffled(range(x.shape.length), random)),
  ),
  broadcast: movement((g, x, random) => {
    const at0 = whole(random, 0, x.shape.length + 1);
    const shape = [...x.shape.slice(0, at0), 3, ...x.shape.slice(at0)];
    return b.broadcastAxes(
      g,
      square(g, x),
      shape,
      range(shape.length).filter((axis) => axis !== at0),
    );
  }),
  slice: movement((g, x, random) => {
    const start = x.shape.map((e) => whole(random, 0, Math.ceil(e / 2)));
    const limit = x.shape.map((e, i) => whole(random, at(start, i), e + 1));
    return b.slice(
      g,
      square(g, x),
      start,
      limit,
      x.shape.map(() => whole(random, 1, 4)),
    );
  }),
  pad: movement((g, x, random) =>
    b.pad(
      g,
      square(g, x),
      x.shape.map(() => whole(random, 0, 3)),
      x.shape.map(() => whole(random, 0, 3)),
      x.shape.map(() => whole(random, 0, 3)),
    ),
  ),
  concat: (shape0, random) => {
    const shape = withAxis(shape0);
    const axis = whole(random, 0, shape.length);
    const other = shape.map((e, i) => (i === axis ? e + 1 : e));
    return {
      inputs: [uniform(shape, random), uniform(other, random)],
      build: (g, [x, y]) => [b.concat(g, [square(g, given(x)), given(y), given(x)], axis)],
    };
  },
  reverse: movement((g, x, random) => b.reverse(g, square(g, x), someAxes(x.shape, random))),
  roll: movement((g, x, random) =>
    b.roll(g, square(g, x), whole(random, 0, x.shape.length), whole(random, -7, 8)),
  ),
  reduce: (shape0, random) => {
    const shape = withAxis(shape0);
    const axes = someAxes(shape, random);
    return {
      inputs: [apart(shape, random, 0.5)],
      build: (g, [x]) => [
        b.reduce(g, 'sum', square(g, given(x)), axes),
        b.reduce(g, 'prod', given(x), axes),
        b.reduce(g, 'max', given(x), axes),
        b.reduce(g, 'min', given(x), axes),
      ],
    };
  },
  arg_reduce: (shape0, random) => {
    const shape = withAxis(shape0);
    const axis = whole(random, 0, shape.length);
    return {
      inputs: [apart(shape, random)],
      build: (g, [x]) => {
        const index = g.node('arg_reduce', [given(x)], { kind: 'max', axis });
        return [b.mul(g, b.cast(g, index, 'f64'), b.reduce(g, 'min', given(x), [axis])), index];
      },
    };
  },
  argsort: (shape0, random) => {
    const shape = withAxis(shape0);
    return {
      inputs: [apart(shape, random)],
      build: (g, [x]) => {
        const order = b.argsort(g, given(x));
        return [b.gather(g, square(g, given(x)), order, shape.length - 1), order];
      },
    };
  },
  cumsum: movement((g, x, random) =>
    b.cumsum(g, square(g, x), whole(random, 0, x.shape.length), random() < 0.5),
  ),
  dot: (shape, random) => {
    const groups = shape.slice(0, 2);
    const [m, k, p] = [whole(random, 1, 4), whole(random, 1, 5), whole(random, 1, 4)];
    return {
      inputs: [uniform([...groups, m, k], random), uniform([...groups, k, p], random)],
      build: (g, [x, y]) => [b.dot(g, given(x), given(y))],
    };
  },
  gather: (shape, random) => {
    const groups = shape.slice(0, whole(random, 0, 3));
    const n = whole(random, 1, 5);
    const rest = range(whole(random, 0, 2)).map(() => whole(random, 1, 3));
    const places = range(whole(random, 0, 3)).map(() => whole(random, 1, 4));
    return {
      inputs: [uniform([...groups, n, ...rest], random), integers([...groups, ...places], random, -1, n + 1)],
      build: (g, [x, i]) => [b.gather(g, square(g, given(x)), given(i), groups.length)],
    };
  },
  rows_of: (shape, random) => {
    const [groups, n] = [shape.slice(0, whole(random, 0, 2)), whole(random, 1, 6)];
    const places = range(whole(random, 0, 3)).map(() => whole(random, 1, 4));
    return {
      inputs: [uniform([], random), integers([...groups, ...places], random, -1, n + 1)],
      build: (g, [x, i]) => {
        const lists = b.rowsOf(g, given(i), n, groups.length);
        return [b.mul(g, b.broadcastTo(g, square(g, given(x)), lists.shape), b.cast(g, lists, 'f64')), lists];
      },
    };
  },
  scatter_add: (shape, random) => {
    const groups = shape.slice(0, whole(random, 0, 3));
    const size = whole(random, 1, 5);
    const rest = range(whole(random, 0, 2)).map(() => whole(random, 1, 3));
    const places = range(whole(random, 0, 3)).map(() => whole(random, 1, 4));
    return {
      inputs: [
        integers([...groups, ...places], random, -1, size + 1),
        uniform([...groups, ...places, ...rest], random),
      ],
      build: (g, [i, u]) => [b.scatterAdd(g, given(i), square(g, given(u)), size, groups.length)],
    };
  },
};
