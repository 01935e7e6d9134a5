// Random programs of the array IR for property tests: a list of natural numbers is read as a sequence of decisions. The same numbers make the same program
// on any Graph (choices depend on types only, which rewrites never change), so a program can be built with and without rewrites and compared.
//
// All values are small integers (or dyadic fractions): every operation used is exact in float64, so results must agree exactly, not only to rounding.

import * as b from '../../compiler/ir/build.ts';
import type { Graph } from '../../compiler/ir/graph.ts';
import type { NdArray } from '../../compiler/ir/interpret.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import { makeCond, makeScan, makeWhile } from '../../compiler/ir/region.ts';
import type { ArrayFunction, ArrayType, Node } from '../../compiler/ir/types.ts';
import { isFloat, sizeOf } from '../../compiler/ir/types.ts';
import { at, range } from '../../compiler/support/lists.ts';

/** Reads decisions off a list, then zeros. */
export class Decisions {
  private position = 0;
  constructor(private readonly numbers: readonly number[]) {}

  get done(): boolean {
    return this.position >= this.numbers.length;
  }

  /** A number below n. */
  below(n: number): number {
    const value = this.numbers[this.position++] ?? 0;
    return n <= 0 ? 0 : value % n;
  }

  pick<T>(list: readonly T[]): T {
    return at(list, this.below(list.length));
  }
}

export const INPUT_TYPES: readonly ArrayType[] = [
  { dtype: 'f64', shape: [] },
  { dtype: 'f64', shape: [4] },
  { dtype: 'f64', shape: [3, 4] },
  { dtype: 'f64', shape: [2, 1, 3] },
  { dtype: 'i32', shape: [3, 4] },
  { dtype: 'i32', shape: [] },
];

const CONSTANTS = [0, 1, -1, 2, 3];

function clamp(g: Graph, x: Node): Node {
  return b.max(g, b.min(g, x, 500), -500);
}

/** Another value of x's type and shape: one of the pool, or broadcast, or a constant. */
function partner(g: Graph, pool: readonly Node[], x: Node, d: Decisions): Node {
  const same = pool.filter((n) => n.dtype === x.dtype && n.shape.join() === x.shape.join());
  const scalars = pool.filter((n) => n.dtype === x.dtype && n.shape.length === 0);
  switch (d.below(4)) {
    case 0:
      return b.full(g, x.shape, d.pick(CONSTANTS), x.dtype);
    case 1:
      return scalars.length > 0 ? b.broadcastTo(g, d.pick(scalars), x.shape) : x;
    default:
      return same.length > 0 ? d.pick(same) : x;
  }
}

function arithmetic(g: Graph, pool: readonly Node[], x: Node, d: Decisions): Node {
  const y = partner(g, pool, x, d);
  const [p, q] = d.below(2) === 0 ? [x, y] : [y, x];
  switch (d.below(12)) {
    case 0:
      return clamp(g, b.add(g, p, q));
    case 1:
      return clamp(g, b.sub(g, p, q));
    case 2:
      return clamp(g, b.mul(g, p, q));
    case 3:
      return b.max(g, p, q);
    case 4:
      return b.min(g, p, q);
    case 5:
      return b.neg(g, x);
    case 6:
      return d.below(2) === 0 ? b.abs(g, x) : b.sign(g, x);
    case 7:
      return isFloat(x.dtype) ? b.floor(g, x) : b.and(g, p, q);
    case 8:
      return isFloat(x.dtype)
        ? clamp(g, b.pow(g, b.max(g, b.min(g, b.round(g, x), 4), -4), d.below(5)))
        : b.xor(g, p, q);
    case 9:
      return isFloat(x.dtype) ? b.div(g, b.round(g, x), d.pick([1, 2, -2, -1, 4])) : b.rem(g, p, 3);
    case 10:
      return b.keep(g, x);
    default:
      return isFloat(x.dtype) ? b.stopGradient(g, x) : b.idiv(g, x, d.pick([1, 2, 3]));
  }
}

function mask(g: Graph, pool: readonly Node[], x: Node, d: Decisions): Node {
  const y = partner(g, pool, x, d);
  const compare = d.pick([b.lt, b.le, b.gt, b.ge, b.eq, b.ne]);
  const one = compare(g, x, y);
  switch (d.below(4)) {
    case 0:
      return b.not(g, one);
    case 1:
      return b.and(g, one, compare(g, y, x));
    case 2:
      return b.or(g, one, b.full(g, x.shape, d.below(2), 'bool'));
    default:
      return one;
  }
}

function masked(g: Graph, pool: readonly Node[], x: Node, d: Decisions): Node {
  const m = mask(g, pool, x, d);
  switch (d.below(6)) {
    case 4:
    case 5:
      return place(g, pool, x, d);
    case 0:
      return b.cast(g, m, x.dtype);
    case 1:
      return b.cast(g, b.cast(g, x, x.dtype === 'i32' ? 'f64' : 'i32'), x.dtype === 'i32' ? 'u32' : 'f64')
        .dtype === x.dtype
        ? b.cast(g, b.cast(g, b.round(g, b.cast(g, x, 'f64')), 'i32'), x.dtype)
        : x;
    default:
      return b.select(g, m, x, partner(g, pool, x, d));
  }
}

/** One element or line of x: read, replaced, or added to, at a place that may lie outside. */
function place(g: Graph, pool: readonly Node[], x: Node, d: Decisions): Node {
  const axis = d.below(x.shape.length);
  const extent = x.shape[axis];
  if (extent === undefined || extent === 0) return x;
  const indices = pool.filter((n) => n.dtype === 'i32' && n.shape.length === 0);
  const p = d.below(3) === 0 ? g.constant(d.below(extent + 2) - 1, 'i32') : d.pick(indices);
  const here = b.eq(g, g.iota(x.shape, axis, 'i32'), b.broadcastTo(g, p, x.shape));
  const other = d.below(2) === 0 ? here : b.and(g, here, mask(g, pool, x, d));
  switch (d.below(5)) {
    case 0:
      return clamp(
        g,
        b.reduceSum(g, b.select(g, here, x, 0), d.below(2) === 0 ? [axis] : range(x.shape.length)),
      );
    case 1: {
      if (axis > 0 || d.below(2) === 0) return b.select(g, other, partner(g, pool, x, d), x);
      const first = b.gather(g, x, p);
      return clamp(g, b.add(g, x, b.scatterAdd(g, p, first, extent)));
    }
    case 2:
      return b.select(g, m2(g, x, here, d), b.select(g, other, partner(g, pool, x, d), x), x);
    default:
      return b.select(
        g,
        other,
        partner(g, pool, x, d),
        b.select(g, m2(g, x, here, d), partner(g, pool, x, d), x),
      );
  }
}

/** Another place along the last axis. */
function m2(g: Graph, x: Node, here: Node, d: Decisions): Node {
  const last = x.shape.length - 1;
  const q = b.full(g, x.shape, d.below(5), 'i32');
  return d.below(2) === 0 ? b.eq(g, g.iota(x.shape, last, 'i32'), q) : here;
}

function movement(g: Graph, pool: readonly Node[], x: Node, d: Decisions): Node {
  const rank = x.shape.length;
  if (rank === 0) return b.broadcastTo(g, x, d.pick([[4], [3, 4], [2, 1, 3], [1]]));
  const axis = d.below(rank);
  const n = at(x.shape, axis);
  switch (d.below(10)) {
    case 0: {
      const perm = range(rank);
      const other = d.below(rank);
      [perm[axis], perm[other]] = [other, axis];
      return b.transposePerm(g, x, perm);
    }
    case 1:
      return b.reshape(
        g,
        x,
        d.pick([[sizeOf(x.shape)], [...x.shape, 1], [1, ...x.shape], x.shape.toReversed()]),
      );
    case 2:
    case 3: {
      const start = d.below(n + 1);
      return b.sliceAxis(g, x, axis, start, start + d.below(n - start + 1), 1 + d.below(3));
    }
    case 4:
    case 5:
      return b.padAxis(g, x, axis, d.below(3), d.below(3), d.below(3));
    case 6: {
      const y = partner(g, pool, x, d);
      const parts = d.pick([
        [x, y],
        [y, x],
        [y, x, y],
        [x, x],
      ]);
      return b.concat(g, parts, axis);
    }
    case 7:
      return b.reverse(g, x, d.below(2) === 0 ? [axis] : range(rank));
    case 8:
      return b.roll(g, x, axis, d.below(9) - 4);
    default:
      return b.broadcastTo(g, x, [2, ...x.shape]);
  }
}

function contraction(g: Graph, x: Node, d: Decisions): Node {
  const rank = x.shape.length;
  if (rank === 0) return x;
  const axis = d.below(rank);
  const n = at(x.shape, axis);
  switch (d.below(7)) {
    case 0:
    case 1:
      return clamp(g, b.reduceSum(g, x, d.below(2) === 0 ? [axis] : range(rank)));
    case 2:
      return sizeOf(x.shape) > 0 ? b.reduce(g, d.pick(['max', 'min'] as const), x, [axis]) : x;
    case 3:
      return clamp(g, b.cumsum(g, x, axis, d.below(2) === 1));
    case 4:
      return rank >= 2 ? clamp(g, b.dot(g, x, b.matrixTranspose(g, x))) : x;
    case 5: {
      if (at(x.shape, 0) === 0) return x;
      const index = g.literal(Float64Array.of(1, 0, d.below(5)), [3], 'i32');
      return b.gather(g, x, index);
    }
    default: {
      const index = b.sub(g, g.iota([at(x.shape, 0)], 0, 'i32'), d.below(3) - 1);
      return n > 0 ? clamp(g, b.scatterAdd(g, index, x, 1 + d.below(4))) : x;
    }
  }
}

/** A loop or branch over values of the pool, with a random body that also uses outer values. */
function region(g: Graph, pool: readonly Node[], x: Node, d: Decisions, depth: number): Node[] {
  const y = partner(g, pool, x, d);
  const body = (local: readonly Node[]): Node[] => grow(g, [...local, ...pool], d, 1 + d.below(4), depth - 1);
  /** A value of x's type made of the body's. */
  const like = (values: readonly Node[], fallback: Node): Node =>
    values.findLast((v) => v.dtype === x.dtype && v.shape.join() === x.shape.join()) ?? fallback;
  switch (d.below(5)) {
    case 0: {
      const predicate = b.lt(
        g,
        at(
          pool.filter((n) => n.dtype === 'i32' && n.shape.length === 0),
          0,
        ),
        d.below(3),
      );
      return [
        ...makeCond(g, {
          predicate,
          operands: d.below(2) === 0 ? [x, y] : [],
          then: (given) => [like(body(given.length > 0 ? given : [x, y]), x)],
          otherwise: (given) => [given[1] ?? y],
        }),
      ];
    }
    case 1: {
      const { carries, turns } = makeWhile(g, {
        init: [x, b.full(g, [], 0, 'i32')],
        limit: 4,
        condition: ([, i]) => b.lt(g, i ?? x, 1 + d.below(3)),
        body: (index, [c, i]) => [like(body([c ?? x, index]), c ?? x), b.add(g, i ?? index, 1)],
      });
      return [at(carries, 0), turns];
    }
    default: {
      const xs = x.shape.length > 0 && d.below(2) === 0 ? [x] : [];
      const length = xs.length > 0 ? at(x.shape, 0) : d.below(4);
      const { carries, ys, snapshots } = makeScan(g, {
        length,
        init: [x, y, b.lt(g, b.full(g, [], 0, 'f64'), 1)],
        xs,
        reverse: d.below(2) === 1,
        snapshots: length > 0 ? d.below(length + 1) : 0,
        body: (index, [c, e, flag], slices) => {
          const values = body([c ?? x, e ?? y, index, ...slices]);
          const next = like(values, c ?? x);
          const stack = d.pick([next, e ?? y, at(values, values.length - 1), y]);
          return {
            carries: [next, d.pick([e ?? y, c ?? x, next]), b.not(g, flag ?? index)],
            ys: [stack],
          };
        },
      });
      return [...carries.slice(0, 2), b.cast(g, at(carries, 2), 'i32'), ...ys, ...snapshots.slice(0, 2)];
    }
  }
}

/** The pool with `steps` values added; bools never stay in it. */
export function grow(g: Graph, start: readonly Node[], d: Decisions, steps: number, depth = 2): Node[] {
  const pool = [...start];
  const made: Node[] = [];
  for (let step = 0; step < steps && !d.done; step++) {
    // Later values are more likely: programs get deep, not only wide.
    const x = d.below(3) === 0 ? d.pick(pool) : at(pool, Math.max(0, pool.length - 1 - d.below(4)));
    let values: Node[];
    switch (d.below(10)) {
      case 0:
      case 1:
      case 2:
        values = [arithmetic(g, pool, x, d)];
        break;
      case 3:
        values = [masked(g, pool, x, d)];
        break;
      case 4:
      case 5:
      case 6:
        values = [movement(g, pool, x, d)];
        break;
      case 7:
        values = [contraction(g, x, d)];
        break;
      case 8:
        values = [
          g.literal(
            Float64Array.from(range(sizeOf(x.shape)), (i) => (i * 7) % 5),
            x.shape,
            x.dtype,
          ),
        ];
        break;
      default:
        values = depth > 0 ? region(g, pool, x, d, depth) : [arithmetic(g, pool, x, d)];
    }
    values = values.filter((v) => sizeOf(v.shape) <= 200 && v.shape.length <= 4);
    pool.push(...values);
    made.push(...values);
  }
  return made.length > 0 ? made : [at(pool, 0)];
}

/** A program of about `steps` values over INPUT_TYPES; its outputs are the last values made. */
export function randomFunction(g: Graph, numbers: readonly number[], steps = 24): ArrayFunction {
  const params = INPUT_TYPES.map((type, i) => g.param(`in${i}`, type));
  const made = grow(g, params, new Decisions(numbers), steps);
  const results = made.slice(-4);
  return {
    name: 'random',
    inputs: params.map((_, i) => `in${i}`),
    outputs: results.map((_, i) => `out${i}`),
    region: { params, results },
  };
}

/** Integers from -3 to 3 for every input. */
export function randomInputs(seed: number): Record<string, NdArray> {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * 7) - 3;
  };
  return Object.fromEntries(
    INPUT_TYPES.map(({ dtype, shape }, i) => [
      `in${i}`,
      ndarray(dtype, shape, Array.from({ length: sizeOf(shape) }, next)),
    ]),
  );
}

/** Values as plain numbers, zeros without sign (the rewrites do not keep it). */
export function plain(values: Readonly<Record<string, NdArray>>): unknown {
  return Object.fromEntries(
    Object.entries(values).map(([name, { dtype, shape, data }]) => [
      name,
      { dtype, shape: [...shape], data: Array.from(data, (x) => x + 0) },
    ]),
  );
}
