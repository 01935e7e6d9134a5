import { expect, test } from 'vitest';
import * as b from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { printFunction, printRegion } from '../../compiler/ir/print.ts';
import { closeRegions, makeCond, makeScan, makeWhile } from '../../compiler/ir/region.ts';
import type { ArrayFunction, Node } from '../../compiler/ir/types.ts';
import { at } from '../../compiler/support/lists.ts';

function functionOf(
  name: string,
  params: readonly Node[],
  results: Readonly<Record<string, Node>>,
): ArrayFunction {
  return {
    name,
    inputs: params.map((p) => (p.op === 'param' ? p.attrs.name : '?')),
    outputs: Object.keys(results),
    region: { params, results: Object.values(results) },
  };
}

test('operations and their attributes', () => {
  const g = new Graph();
  const x = g.param('x', { dtype: 'f32', shape: [4, 6] });
  const i = g.param('i', { dtype: 'i32', shape: [4] });
  const rolled = b.roll(g, b.mul(g, x, 0.1), 1, -2);
  const cut = b.slice(g, rolled, [0, 1], [4, 6], [1, 2]);
  const padded = b.padAxis(g, cut, 1, 1, 2, 1);
  const picked = b.gather(g, x, i);
  const results = {
    padded,
    joined: b.concat(g, [x, b.reverse(g, x, [1])], 0),
    chosen: b.select(g, b.gt(g, x, 1e-7), x, 0),
    total: b.reduce(g, 'max', picked, [0, 1]),
    moved: b.matrixTranspose(g, b.cumsum(g, x, 0, true)),
    table: g.literal(
      Float64Array.from({ length: 12 }, (_, k) => k / 2),
      [12],
      'f64',
    ),
    grid: b.scatterAdd(g, i, b.cast(g, g.iota([4], 0, 'i32'), 'f32'), 9),
    first: g.node('arg_reduce', [x], { kind: 'max', axis: 1 }),
    same: b.keep(g, b.dot(g, x, b.matrixTranspose(g, x))),
    flag: b.cast(g, b.not(g, b.eq(g, i, 3)), 'u32'),
  };
  expect(printFunction(functionOf('everything', [x, i], results))).toMatchInlineSnapshot(`
    "function everything(%0 x: f32[4, 6], %1 i: i32[4]) {
      %2: f32[4, 6] = broadcast 0.1 axes []
      %3: f32[4, 6] = mul %0, %2
      %4: f32[4, 6] = roll %3 axis 1 by 4
      %5: f32[4, 3] = slice %4 [0:4, 1:6:2]
      %6: f32[4, 8] = pad %5 [0+0, 1+2/1]
      %7: f32[4, 6] = gather %0, %1
      %8: f32[4, 6] = reverse %0 axes [1]
      %9: f32[8, 6] = concat %0, %8 axis 0
      %10: f32[4, 6] = broadcast 1e-7 axes []
      %11: bool[4, 6] = lt %10, %0
      %12: f32[4, 6] = broadcast 0.0 axes []
      %13: f32[4, 6] = select %11, %0, %12
      %14: f32 = max %7 axes [0, 1]
      %15: f32[4, 6] = cumsum %0 axis 0 reverse
      %16: f32[6, 4] = transpose %15 perm [1, 0]
      %17: f64[12] = literal [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, … 12]
      %18: i32[4] = iota axis 0
      %19: f32[4] = cast %18
      %20: f32[9] = scatter_add %1, %19 size 9
      %21: i32[4] = arg_max %0 axis 1
      %22: f32[6, 4] = transpose %0 perm [1, 0]
      %23: f32[4, 4] = dot %0, %22
      %24: f32[4, 4] = keep %23
      %25: i32[4] = broadcast 3 axes []
      %26: bool[4] = ne %1, %25
      %27: u32[4] = cast %26
      return padded: %6, joined: %9, chosen: %13, total: %14, moved: %16, table: %17, grid: %20, first: %21, same: %24, flag: %27
    }
    "
  `);
});

test('regions are nested, numbered from where the count stands', () => {
  const g = new Graph();
  const u = g.param('u', { dtype: 'f64', shape: [8] });
  const k = g.param('k', { dtype: 'f64', shape: [] });
  const w = g.param('w', { dtype: 'f64', shape: [3] });
  const { carries, ys, snapshots } = makeScan(g, {
    length: 3,
    init: [u],
    xs: [w],
    reverse: true,
    snapshots: 2,
    adjoint: { kind: 'checkpoint', bytes: 4096 },
    body: (_i, [p], [s]) => {
      const step = makeCond(g, {
        predicate: b.lt(g, s ?? k, 0),
        then: () => [b.mul(g, p ?? u, k)],
        otherwise: () => [p ?? u],
      });
      return { carries: [...step], ys: [b.sumAll(g, p ?? u)] };
    },
  });
  const { turns } = makeWhile(g, {
    init: [k],
    limit: 50,
    condition: ([c]) => b.lt(g, c ?? k, 10),
    body: (_i, [c]) => [b.mul(g, c ?? k, 2)],
  });
  const fn = functionOf('loops', [u, k, w], {
    u: at(carries, 0),
    sums: at(ys, 0),
    saved: at(snapshots, 0),
    turns,
  });
  expect(printFunction(fn)).toMatchInlineSnapshot(`
    "function loops(%0 u: f64[8], %1 k: f64, %2 w: f64[3]) {
      %3: (f64[8], f64[3], f64[2, 8]) = scan(%0; xs %2; const %1) length 3 reverse snapshots 2 adjoint checkpoint 4096 bytes {
        body(%4 step: i32, %5 carry0: f64[8], %6 x0: f64, %7 k: f64) {
          %8: bool = lt %6, 0.0
          %9: f64 = sum %5 axes [0]
          %10: (f64[8]) = cond(%8; given %7, %5) {
            then(%11 k: f64, %12 carry0: f64[8]) {
              %13: f64[8] = broadcast %11 axes []
              %14: f64[8] = mul %12, %13
              yield %14
            }
            else(%15 k: f64, %16 carry0: f64[8]) {
              yield %16
            }
          }
          %17: f64[8] = project %10, 0
          yield %17, %9
        }
      }
      %18: f64[8] = project %3, 0
      %19: f64[3] = project %3, 1
      %20: f64[2, 8] = project %3, 2
      %21: (f64, i32) = while(%1) limit 50 {
        condition(%22 carry0: f64) {
          %23: bool = lt %22, 10.0
          yield %23
        }
        body(%24 turn: i32, %25 carry0: f64) {
          %26: f64 = mul %25, 2.0
          yield %26
        }
      }
      %27: i32 = project %21, 1
      return u: %18, sums: %19, saved: %20, turns: %27
    }
    "
  `);
});

test('adjoint_scan, places in the text, a region alone', () => {
  const g = new Graph();
  const file = { path: 'heat.flow', text: 'one\ntwo\nthree\n' };
  const scalar = (name: string): Node => g.param(name, { dtype: 'f64', shape: [] });
  const [tape, ct] = [g.param('tape', { dtype: 'f64', shape: [2] }), scalar('ct')];
  const [i, x, j, y, c] = [
    g.param('i', { dtype: 'i32', shape: [] }),
    scalar('x'),
    g.param('j', { dtype: 'i32', shape: [] }),
    scalar('y'),
    scalar('c'),
  ];
  const { regions } = closeRegions(g, [
    { params: [i, x], results: [g.withOrigin({ file, start: 5, end: 6 }, () => b.sin(g, x))] },
    { params: [j, y, c], results: [b.mul(g, c, b.cos(g, y))] },
  ]);
  const node = g.withOrigin({ file, start: 9, end: 10 }, () =>
    g.node('adjoint_scan', [tape, ct], {
      length: 9,
      slots: 2,
      carries: 1,
      cotangents: 1,
      xs: 0,
      forward: at(regions, 0),
      backward: at(regions, 1),
    }),
  );
  const fn = functionOf('reverse', [tape, ct], { ct: b.project(g, node, 0) });
  expect(printFunction(fn, { origins: true })).toMatchInlineSnapshot(`
    "function reverse(%0 tape: f64[2], %1 ct: f64) {
      %2: (f64) = adjoint_scan(snapshots %0; cotangents %1) length 9 slots 2 {   # heat.flow:3
        forward(%3 i: i32, %4 x: f64) {
          %5: f64 = sin %4   # heat.flow:2
          yield %5
        }
        backward(%6 j: i32, %7 y: f64, %8 c: f64) {
          %9: f64 = cos %7
          %10: f64 = mul %8, %9
          yield %10
        }
      }
      %11: f64 = project %2, 0
      return ct: %11
    }
    "
  `);
  expect(printRegion(at(regions, 1))).toMatchInlineSnapshot(`
    "region(%0 j: i32, %1 y: f64, %2 c: f64) {
      %3: f64 = cos %1
      %4: f64 = mul %2, %3
      yield %4
    }
    "
  `);
});

test('the text does not depend on what else the graph has seen', () => {
  const text = (busy: boolean): string => {
    const g = new Graph();
    if (busy) b.sin(g, g.param('other', { dtype: 'f64', shape: [2] }));
    const x = g.param('x', { dtype: 'f64', shape: [2] });
    return printFunction(functionOf('f', [x], { y: b.add(g, b.exp(g, x), 1) }));
  };
  expect(text(true)).toBe(text(false));
});
