// Random numbers without keys. A draw is named by (seed, run step, item, chain of calls with their ordinals inside the item, indices of the loops and comprehensions around it); the
// name becomes the key and counter of Threefry-4x32-20, so a draw does not change when the file is reformatted and the same name gives the same bits on every target.
//   key     = (seed word 0, seed word 1, hash of the name, second hash)
//   counter = (element of the array, block of four words, run step, row-major index of the loops around)

import type { Context, DrawContext } from './context.ts';
import * as b from '../ir/build.ts';
import type { Node } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';

/** FNV-1a over the UTF-16 units of a name, from a given start. */
export function hashName(name: string, start: number): number {
  let h = start >>> 0;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193) >>> 0;
  return h >>> 0;
}

export function freshDraws(item: string, step?: Node): DrawContext {
  return { item, path: '', ordinal: 0, index: undefined, step };
}

/** The context inside a loop or comprehension of `extent` turns, at `index` (i32 scalar). */
export function enterLoop(ctx: Context, index: Node, extent: number): DrawContext {
  ctx.extents.set(index, extent);
  return {
    ...ctx.draws,
    path: `${ctx.draws.path}.${ctx.draws.ordinal++}`,
    ordinal: 0,
    index: before === undefined ? i : b.add(g, b.mul(g, before, Math.max(1, extent) >>> 0), i),
  };
}

/** `count` arrays of uniforms in (0, 1), of `shape`: the centres of 2^24 (f32) or 2^32 (f64) equal cells, so neither 0 nor 1 ever appears. */
export function uniforms(ctx: Context, shape: readonly number[], count: number): Node[] {
  const g = ctx.graph;
  const d = ctx.draws;
  const name = `${d.item}${d.path}!${d.ordinal++}`;
  const [s0, s1] = ctx.seed();
  const n = sizeOf(shape);
  const spread = (x: Node): Node => b.broadcastTo(g, x, shape);
  const u32 = (x: number): Node => spread(g.constant(x, 'u32'));
  const element = shape.length === 0 ? g.constant(0, 'u32') : b.reshape(g, g.iota([n], 0, 'u32'), shape);
  const step = d.step === undefined ? u32(0) : spread(b.add(g, b.cast(g, d.step, 'u32'), 1));
  const index = d.index === undefined ? u32(0) : spread(d.index);
  const out: Node[] = [];
  for (let k = 0; k < count; k++) {
    const bits = g.node(
      'random_bits',
      [
        spread(s0),
        spread(s1),
        u32(hashName(name, 0x811c9dc5)),
        u32(hashName(name, 0x9747b28c)),
        element,
        u32(k >> 2),
        step,
        index,
      ],
      {
        word: wordOf(k),
      },
    );
    out.push(toUniform(ctx, bits));
  }
  return out;
}

function wordOf(k: number): 0 | 1 | 2 | 3 {
  const w = k & 3;
  return w === 0 ? 0 : w === 1 ? 1 : w === 2 ? 2 : 3;
}

function toUniform(ctx: Context, bits: Node): Node {
  const g = ctx.graph;
  if (ctx.real === 'f64') return b.mul(g, b.add(g, b.cast(g, bits, 'f64'), 0.5), 2 ** -32);
  return b.mul(g, b.add(g, b.cast(g, b.shr(g, bits, 9), 'f32'), 0.5), 2 ** -23);
}
