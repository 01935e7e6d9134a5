// Programs with loops and branches, each over any maker of scans, so that a loop can be compared with its unrolled code and with itself under another
// checkpoint policy.

import { at, range } from '../../compiler/support/lists.ts';
import * as b from '../../compiler/ir/build.ts';
import type { Graph } from '../../compiler/ir/graph.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import type { ScanRequest, ScanResult } from '../../compiler/ir/region.ts';
import { makeCond, makeScan, makeWhile } from '../../compiler/ir/region.ts';
import type { AdjointPolicy, Node } from '../../compiler/ir/types.ts';
import { given } from './cases.ts';
import type { Case } from './checks.ts';
import { array, f64, generator } from './checks.ts';

export type MakeScan = (g: Graph, request: ScanRequest) => ScanResult;
export type LoopCase = (scan: MakeScan) => Case;

export const withPolicy =
  (adjoint: AdjointPolicy): MakeScan =>
  (g, request) =>
    makeScan(g, { ...request, adjoint });

/** The loop's steps one after the other, without a loop. */
export const unrolled: MakeScan = (g, { length, init, xs = [], reverse = false, body }) => {
  let carries: readonly Node[] = init;
  const ys = new Map<number, readonly Node[]>();
  for (const step of range(length)) {
    const index = reverse ? length - 1 - step : step;
    const made = body(
      g.constant(index, 'i32'),
      carries,
      xs.map((x) => b.indexAxis(g, x, 0, index)),
    );
    carries = made.carries;
    ys.set(index, made.ys);
  }
  const count = ys.get(0)?.length ?? 0;
  const stacked = range(count).map((j) =>
    b.stack(
      g,
      range(length).map((i) => at(ys.get(i) ?? [], j)),
    ),
  );
  return { carries, ys: stacked, snapshots: [] };
};

const numbers = (seed: number, ...shape: number[]): NdArray => {
  const random = generator(seed);
  return array(f64(...shape), () => 0.2 + 0.8 * random());
};

/** u + dt·(k·lap(u) + f) on a periodic line: linear in u and f, not in (k, u). */
function heatStep(g: Graph, u: Node, k: Node): Node {
  const flux = b.mul(g, k, b.sub(g, b.roll(g, u, 0, 1), u));
  return b.add(g, u, b.mul(g, b.sub(g, flux, b.roll(g, flux, 0, -1)), 0.1));
}

export const loopCases: { readonly [name: string]: LoopCase } = {
  'nonlinear step with a constant': (scan) => ({
    inputs: [numbers(1, 3), numbers(2, 3)],
    build: (g, [u0, k]) =>
      scan(g, {
        length: 7,
        init: [given(u0)],
        body: (_i, [u]) => ({
          carries: [b.add(g, given(u), b.mul(g, given(k), b.sin(g, given(u))))],
          ys: [],
        }),
      }).carries,
  }),

  'stepped inputs, outputs and the index': (scan) => ({
    inputs: [numbers(3, 2), numbers(4, 6, 2), numbers(5, 2)],
    build: (g, [u0, forcing, k]) => {
      const { carries, ys } = scan(g, {
        length: 6,
        init: [given(u0)],
        xs: [given(forcing)],
        body: (i, [u], [f]) => {
          const time = b.cast(g, i, 'f64');
          const next = b.add(g, b.tanh(g, b.mul(g, given(u), given(k))), b.mul(g, given(f), b.cos(g, time)));
          return { carries: [next], ys: [b.mul(g, given(u), given(f)), b.exp(g, b.neg(g, next))] };
        },
      });
      return [...carries, ...ys];
    },
  }),

  'run from the end': (scan) => ({
    inputs: [numbers(6, 2), numbers(7, 5, 2), numbers(8, 2)],
    build: (g, [u0, forcing, k]) => {
      const { carries, ys } = scan(g, {
        length: 5,
        init: [given(u0)],
        xs: [given(forcing)],
        reverse: true,
        body: (i, [u], [f]) => {
          const weight = b.add(g, b.cast(g, i, 'f64'), 1);
          const next = b.add(g, b.mul(g, b.sin(g, given(u)), given(k)), b.mul(g, given(f), weight));
          return { carries: [next], ys: [b.mul(g, next, next)] };
        },
      });
      return [...carries, ...ys];
    },
  }),

  'a linear loop': (scan) => ({
    inputs: [numbers(9, 6)],
    build: (g, [u0]) => {
      const k = g.literal(Float64Array.from([0.3, 0.5, 0.2, 0.7, 0.9, 0.4]), [6], 'f64');
      const { carries, ys } = scan(g, {
        length: 8,
        init: [given(u0)],
        body: (_i, [u]) => ({ carries: [heatStep(g, given(u), k)], ys: [b.sumAll(g, given(u))] }),
      });
      return [...carries, ...ys];
    },
  }),

  'a diffusion coefficient': (scan) => ({
    inputs: [numbers(10, 6), numbers(11, 6)],
    build: (g, [u0, k]) =>
      scan(g, {
        length: 8,
        init: [given(u0)],
        body: (_i, [u]) => ({ carries: [heatStep(g, given(u), given(k))], ys: [] }),
      }).carries,
  }),

  'two states of which one is needed': (scan) => ({
    inputs: [numbers(12, 4), numbers(13, 4), numbers(14, 4)],
    build: (g, [u0, v0, c]) =>
      scan(g, {
        length: 6,
        init: [given(u0), given(v0)],
        body: (_i, [u, v]) => {
          const force = b.mul(g, given(c), b.sub(g, b.roll(g, given(u), 0, 1), given(u)));
          const next = b.add(g, given(v), b.mul(g, force, 0.1));
          return { carries: [b.add(g, given(u), b.mul(g, next, 0.1)), next], ys: [] };
        },
      }).carries,
  }),

  'carries passed through, counted and ignored': (scan) => ({
    inputs: [numbers(15, 2), numbers(16, 2)],
    build: (g, [u0, k]) => {
      const zero = g.constant(0, 'i32');
      const { carries, ys } = scan(g, {
        length: 5,
        init: [given(u0), given(k), zero, given(u0)],
        body: (_i, [u, p, n, waste]) => {
          const weight = b.cast(g, given(n), 'f64');
          return {
            carries: [
              b.add(g, b.mul(g, given(u), given(p)), weight),
              given(p),
              b.add(g, given(n), 2),
              b.exp(g, b.neg(g, given(waste))),
            ],
            ys: [b.floor(g, given(u)), b.mul(g, given(u), weight)],
          };
        },
      });
      return [at(carries, 0), at(carries, 2), ...ys];
    },
  }),

  'a loop in a loop': (scan) => ({
    inputs: [numbers(17, 3), numbers(18, 3), numbers(19, 4, 3)],
    build: (g, [u0, k, forcing]) => {
      const { carries, ys } = scan(g, {
        length: 4,
        init: [given(u0)],
        xs: [given(forcing)],
        body: (_i, [u], [f]) => {
          const inner = scan(g, {
            length: 3,
            init: [given(u)],
            body: (_j, [w]) => {
              const next = b.add(g, b.mul(g, b.sin(g, given(w)), given(k)), b.mul(g, given(f), 0.3));
              return { carries: [next], ys: [b.mul(g, given(w), given(u))] };
            },
          });
          return { carries: inner.carries, ys: [b.reduceSum(g, at(inner.ys, 0), [0])] };
        },
      });
      return [...carries, ...ys];
    },
  }),

  'arrays read element by element': (scan) => ({
    inputs: [numbers(35, 3), numbers(36, 6, 3), numbers(37, 3, 8), numbers(38, 7)],
    build: (g, [u0, a, columns, c]) => {
      const { carries, ys } = scan(g, {
        length: 6,
        init: [given(u0)],
        body: (i, [u]) => {
          const row = b.gather(g, given(a), i);
          const next = b.gather(g, given(c), b.add(g, i, 1));
          const clamped = b.gather(g, given(c), b.sub(g, b.mul(g, i, 2), 1));
          // A column: the axis read is not the first.
          const column = b.gather(g, b.transposePerm(g, given(columns), [1, 0]), b.add(g, i, 2));
          const both = b.add(g, b.mul(g, next, clamped), b.gather(g, given(c), i));
          const pair = b.gather(
            g,
            given(c),
            b.concat(g, [b.reshape(g, i, [1]), b.reshape(g, b.rem(g, i, 3), [1])], 0),
          );
          const x = b.sub(
            g,
            b.mul(g, b.sin(g, given(u)), row),
            b.mul(g, column, b.broadcastTo(g, both, [3])),
          );
          return {
            carries: [b.add(g, x, b.broadcastTo(g, b.sumAll(g, pair), [3]))],
            ys: [b.mul(g, column, row)],
          };
        },
      });
      return [...carries, ...ys];
    },
  }),

  'an array read at places that depend on the state': (scan) => ({
    inputs: [numbers(39), numbers(40, 9)],
    build: (g, [u0, table]) =>
      scan(g, {
        length: 5,
        init: [given(u0), b.cast(g, b.floor(g, b.mul(g, given(u0), 3)), 'i32')],
        reverse: true,
        body: (i, [u, place]) => {
          const value = b.gather(g, given(table), given(place));
          return {
            carries: [
              b.add(g, b.mul(g, b.cos(g, given(u)), value), 0.1),
              b.rem(g, b.add(g, b.mul(g, given(place), 4), i), 9),
            ],
            ys: [],
          };
        },
      }).carries,
  }),

  'products with a matrix': (scan) => ({
    inputs: [numbers(20, 3), numbers(21, 3, 3), numbers(22, 3)],
    build: (g, [x0, W, bias]) =>
      scan(g, {
        length: 4,
        init: [given(x0)],
        body: (_i, [x]) => ({
          carries: [b.tanh(g, b.add(g, b.matmul(g, given(W), given(x)), given(bias)))],
          ys: [],
        }),
      }).carries,
  }),

  'a branch in a loop': (scan) => ({
    inputs: [numbers(23, 2), numbers(24, 2)],
    build: (g, [u0, k]) =>
      scan(g, {
        length: 6,
        init: [given(u0)],
        body: (i, [u]) => ({
          carries: makeCond(g, {
            predicate: b.eq(g, b.rem(g, i, 2), 0),
            then: () => [b.mul(g, b.sin(g, given(u)), given(k))],
            otherwise: () => [b.add(g, given(u), b.sqrt(g, b.add(g, b.mul(g, given(u), given(u)), 1)))],
          }),
          ys: [],
        }),
      }).carries,
  }),

  'a loop in a branch': (scan) => ({
    inputs: [numbers(25, 2), numbers(26, 2)],
    build: (g, [u0, k]) =>
      makeCond(g, {
        predicate: b.lt(g, b.sumAll(g, given(u0)), 100),
        then: () =>
          scan(g, {
            length: 4,
            init: [given(u0)],
            body: (_i, [u]) => ({ carries: [b.mul(g, b.cos(g, given(u)), given(k))], ys: [] }),
          }).carries,
        otherwise: () => [given(k)],
      }),
  }),

  'while, the number of turns known at run time': () => ({
    inputs: [numbers(27, 2), numbers(28, 2)],
    build: (g, [u0, k]) => {
      const { carries, turns } = makeWhile(g, {
        init: [given(u0)],
        limit: 20,
        condition: ([u]) => b.lt(g, b.sumAll(g, given(u)), 8),
        body: (_i, [u]) => [b.add(g, given(u), b.mul(g, given(k), b.sqrt(g, given(u))))],
      });
      return [...carries, turns];
    },
  }),

  'while with a state of its own pace': () => ({
    inputs: [numbers(33, 2), numbers(34, 2)],
    build: (g, [u0, k]) =>
      makeWhile(g, {
        init: [given(u0), given(k), g.constant(1, 'f64')],
        limit: 15,
        condition: ([u]) => b.lt(g, b.sumAll(g, given(u)), 5),
        // The last two do not depend on u, but on how often the loop turns.
        body: (i, [u, w, decay]) => [
          b.add(g, b.mul(g, given(u), 1.3), given(w)),
          b.mul(g, b.sin(g, given(w)), given(k)),
          b.mul(g, given(decay), b.div(g, 1, b.add(g, b.cast(g, i, 'f64'), 2))),
        ],
      }).carries,
  }),

  'while in a loop': (scan) => ({
    inputs: [numbers(29, 2), numbers(30, 2)],
    build: (g, [u0, k]) =>
      scan(g, {
        length: 3,
        init: [given(u0)],
        body: (_i, [u]) => {
          const { carries } = makeWhile(g, {
            init: [given(u)],
            limit: 6,
            condition: ([w]) => b.lt(g, b.sumAll(g, given(w)), 2.5),
            body: (_j, [w]) => [b.mul(g, given(w), b.add(g, given(k), 1))],
          });
          return { carries: [b.sin(g, at(carries, 0))], ys: [] };
        },
      }).carries,
  }),

  'values behind a choice': (scan) => ({
    inputs: [numbers(31, 3), numbers(32, 3)],
    build: (g, [u0, k]) =>
      scan(g, {
        length: 5,
        init: [given(u0)],
        body: (i, [u]) => {
          const x = b.sub(g, given(u), b.mul(g, given(k), b.cast(g, i, 'f64')));
          const inside = b.lt(g, g.constant(0, 'f64'), x);
          return {
            carries: [b.select(g, inside, b.mul(g, x, b.log(g, x)), b.add(g, given(u), given(k)))],
            ys: [],
          };
        },
      }).carries,
  }),
};
