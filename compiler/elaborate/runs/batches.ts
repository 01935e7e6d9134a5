// Minibatches. `minimize fit over w using m batch 16 …`: every step sees 16 terms of an indexed loss, drawn without replacement within an epoch; a last partial batch is dropped.
//
// The order of an epoch is a keyed permutation computed where it is needed, not a shuffled array: a Feistel network of six rounds on pairs (l, r) of Z_m x Z_m with m^2 >= n, its round
// function Threefry; values of n and above are permuted again until they fall below n (cycle walking: Black & Rogaway 2002), which keeps it a permutation of 0 .. n-1.

import type { Context } from '../context.ts';
import { hashName } from '../random/draws.ts';
import { batch } from '../../autodiff/batch.ts';
import * as b from '../../ir/build.ts';
import { makeWhile } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import type * as ast from '../../syntax/ast.ts';

/** Which terms of indexed losses are seen. */
export interface Batch {
  readonly size: number;
  /** i32[size]: positions among the `total` terms of a loss. */
  readonly indices: (loss: ast.LossItem, total: number) => Node;
}

/** The minibatches of these iterations (i32 scalars), one behind the other. */
export function drawnBatch(ctx: Context, size: number, iterations: readonly Node[]): Batch {
  return {
    size: size * iterations.length,
    indices: (loss, total) =>
      b.concat(
        ctx.graph,
        iterations.map((i) => batchIndices(ctx, loss.name.name, total, size, i)),
        0,
      ),
  };
}

const ROUNDS = 6;
const WALKS = 1000;

/** i32[size]: the terms of step `iteration` (i32 scalar) out of `total`. */
function batchIndices(ctx: Context, name: string, total: number, size: number, iteration: Node): Node {
  const g = ctx.graph;
  const perEpoch = Math.max(1, Math.floor(total / size));
  const epoch = b.idiv(g, iteration, perEpoch);
  const start = b.mul(g, b.rem(g, iteration, perEpoch), size);
  const j = g.param('j', { dtype: 'i32', shape: [] });
  const one = permuted(ctx, name, total, epoch, b.add(g, start, j));
  const [indices] = batch(g, [one], new Map([[j, g.iota([size], 0, 'i32')]]), size);
  return indices ?? one;
}

function permuted(ctx: Context, name: string, total: number, epoch: Node, position: Node): Node {
  const g = ctx.graph;
  const side = Math.ceil(Math.sqrt(total));
  const [s0, s1] = ctx.seed();
  const u32 = (x: number): Node => g.constant(x, 'u32');
  const once = (x: Node): Node => {
    let left = b.idiv(g, x, side);
    let right = b.rem(g, x, side);
    for (let round = 0; round < ROUNDS; round++) {
      const bits = g.node(
        'random_bits',
        [
          s0,
          s1,
          u32(hashName(`batch ${name}`, 0x811c9dc5)),
          u32(hashName(`batch ${name}`, 0x9747b28c)),
          b.cast(g, right, 'u32'),
          u32(round),
          b.cast(g, epoch, 'u32'),
          u32(0),
        ],
        { word: 0 },
      );
      // 31 bits, so that the remainder is that of a non-negative int.
      const mixed = b.rem(g, b.cast(g, b.shr(g, bits, 1), 'i32'), side);
      [left, right] = [right, b.rem(g, b.add(g, left, mixed), side)];
    }
    return b.add(g, b.mul(g, left, side), right);
  };
  const walked = makeWhile(g, {
    init: [once(position)],
    limit: WALKS,
    condition: ([x]) => b.ge(g, x ?? position, total),
    body: (_turn, [x]) => [once(x ?? position)],
  });
  return walked.carries[0] ?? position;
}
