// Random numbers without keys. A draw is named by (seed, run step, item, chain of calls with their ordinals inside the item, turns of the loops and comprehensions around it); the
// name becomes the key and counter of Threefry-4x32-20, so a draw does not change when the file is reformatted and the same name gives the same bits on every target.
//   key     = (seed word 0, seed word 1, hash of the name, second hash)
//   counter = (number of the block, turns of the outer loops, run step, more turns)
//
// A block gives four words. Draws with neighbouring numbers share one: the number of a draw is its place in the array drawn or, for a single value, the turn of the innermost loop. A few numbers drawn in every
// turn of a counted loop, which would leave words of their last block unused, are numbered by the turn as well, each of them as if it were drawn alone. Which words and which of the variables made together a
// draw takes follows from the number alone, so that the draw is the same wherever, whenever and with whatever else it is computed; kernels that run neighbours together (schedule/neighbours.ts) compute a
// block once.

import type { Context, DrawContext } from '../context.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { sizeOf } from '../../ir/types.ts';
import { at, range } from '../../support/lists.ts';

/** FNV-1a over the UTF-16 units of a name, from a given start. */
export function hashName(name: string, start: number): number {
  let h = start >>> 0;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193) >>> 0;
  return h >>> 0;
}

export function freshDraws(item: string, step?: Node): DrawContext {
  return { item, path: '', ordinal: 0, turns: [], step };
}

/** The draws of an item. Those that change from step to step (`perStep`) have the step's number in their names, and that of the sample where one is asked for. */
export function itemDraws(ctx: Context, item: string, perStep: boolean): DrawContext {
  const fixed = ctx.draws.fixed === true;
  const fresh = {
    ...freshDraws(item, perStep && !fixed ? ctx.iteration : undefined),
    ...(perStep && fixed ? { fixed } : {}),
  };
  if (!perStep || ctx.sample === undefined) return fresh;
  const index = b.cast(ctx.graph, ctx.sample, 'u32');
  return { ...fresh, path: '@', turns: [{ index, extent: SAMPLES }] };
}

/** More samples than anybody asks for. */
const SAMPLES = 2 ** 24;

/** The context inside a loop or comprehension of `extent` turns, at `index` (i32 scalar). `counted` where the turns are made one after the other and their number is known. */
export function enterLoop(ctx: Context, index: Node, extent: number, counted = false): DrawContext {
  ctx.extents.set(index, extent);
  const turn = { index: b.cast(ctx.graph, index, 'u32'), extent: Math.max(1, extent), counted };
  return {
    ...ctx.draws,
    path: `${ctx.draws.path}.${ctx.draws.ordinal++}`,
    ordinal: 0,
    turns: [...ctx.draws.turns, turn],
  };
}

/** Words of a block. */
const WORDS = 4;

/** A loop around a draw, or the places in an array drawn: u32, below `extent`. */
interface Turn {
  readonly index: Node;
  readonly extent: number;
}

/** The number of every element of a draw of `shape` (u32), of which `together` share a block, and what is not in it. */
function numbers(
  ctx: Context,
  shape: readonly number[],
  together: number,
): { readonly number: Node; readonly outer: readonly Turn[] } {
  const g = ctx.graph;
  const { turns } = ctx.draws;
  const inner = turns.at(-1);
  if (shape.length === 0) return { number: inner?.index ?? g.constant(0, 'u32'), outer: turns.slice(0, -1) };
  const size = sizeOf(shape);
  const places = b.reshape(g, g.iota([size], 0, 'u32'), shape);
  if (inner?.counted === true && size < 2 * together && size % together !== 0)
    return {
      number: b.broadcastTo(g, inner.index, shape),
      outer: [...turns.slice(0, -1), { index: places, extent: size }],
    };
  return { number: places, outer: turns };
}

/** How many draws of `count` uniforms each share a block, when `variables` are made of the same uniforms. */
function blockDraws(ctx: Context, count: number, variables: number): number {
  const words = count * (ctx.real === 'f64' ? 2 : 1);
  return variables * (words > WORDS ? 1 : 2 ** Math.floor(Math.log2(WORDS / Math.max(1, words))));
}

/** Turns of loops as words, row-major, as many loops in a word as fit into 2^32. */
function turnWords(ctx: Context, turns: readonly Turn[]): readonly Node[] {
  const g = ctx.graph;
  const words: Node[] = [];
  let room = 0;
  for (const { index, extent } of turns) {
    const before = words.at(-1);
    // Three words would be more turns than can ever be run.
    if (before === undefined || (room * extent > 2 ** 32 && words.length < 2)) {
      words.push(index);
      room = extent;
    } else {
      const scaled = b.mul(g, before, extent >>> 0);
      words[words.length - 1] = b.add(g, b.broadcastTo(g, scaled, index.shape), index);
      room *= extent;
    }
  }
  return words;
}

/**
 * `count` arrays of uniforms in (0, 1), of `shape`, that neighbours make `variables` variables of (1, 2 or 4): draws number 0 .. variables-1 have the same, and so on. Neither 0 nor 1 ever appears.
 */
export function uniforms(ctx: Context, shape: readonly number[], count: number, variables = 1): Node[] {
  const g = ctx.graph;
  const d = ctx.draws;
  const name = `${d.item}${d.path}!${d.ordinal++}`;
  ctx.drawn++;
  const [s0, s1] = ctx.seed();
  const spread = (x: Node): Node => b.broadcastTo(g, x, shape);
  const u32 = (x: number): Node => spread(g.constant(x, 'u32'));
  const together = blockDraws(ctx, count, variables);
  const { number, outer } = numbers(ctx, shape, together);
  const perUniform = ctx.real === 'f64' ? 2 : 1;
  const words = count * perUniform;
  const groups = together / variables;
  const [turns = g.constant(0, 'u32'), more = g.constant(0, 'u32')] = turnWords(ctx, outer);
  const step = d.step === undefined ? u32(0) : spread(b.add(g, b.cast(g, d.step, 'u32'), 1));
  const block = b.shr(g, number, Math.log2(together));
  const word = (i: number): Node => {
    // Variables of more than four words have blocks of their own.
    const label = i < WORDS ? name : `${name}+${i >> 2}`;
    const key = [spread(s0), spread(s1), u32(hashName(label, 0x811c9dc5)), u32(hashName(label, 0x9747b28c))];
    return g.node('random_bits', [...key, block, spread(turns), step, spread(more)], { word: wordOf(i) });
  };
  /** Word `i` of the group that a number belongs to. */
  const own = (i: number): Node =>
    oneOf(
      ctx,
      number,
      variables,
      range(groups).map((group) => word(group * words + i)),
    );
  return range(count).map((i) =>
    toUniform(
      ctx,
      range(perUniform).map((part) => own(i * perUniform + part)),
    ),
  );
}

/** Of 1, 2 or 4 values the one for a number: number/unit modulo how many there are. */
function oneOf(ctx: Context, number: Node, unit: number, values: readonly Node[]): Node {
  const g = ctx.graph;
  if (values.length === 1) return at(values, 0);
  const half = values.length / 2;
  const bit = b.and(g, number, unit * half);
  return b.select(
    g,
    b.ne(g, bit, 0),
    oneOf(ctx, number, unit, values.slice(half)),
    oneOf(ctx, number, unit, values.slice(0, half)),
  );
}

/** Of the variables made together of `count` uniforms (arrays of `shape`, or all of one shape that begins with it) those of a draw's own numbers. */
export function ownVariable(
  ctx: Context,
  shape: readonly number[],
  count: number,
  variables: readonly Node[],
): Node {
  const { number } = numbers(ctx, shape, blockDraws(ctx, count, variables.length));
  return oneOf(ctx, number, 1, variables);
}

function wordOf(i: number): 0 | 1 | 2 | 3 {
  const w = i & 3;
  return w === 0 ? 0 : w === 1 ? 1 : w === 2 ? 2 : 3;
}

/**
 * The centre of one of many cells of (0, 1). float32: 2^-23 wide, below 2^-9 only 2^-30, so that what is made of the logarithm has its tail (6.5 standard deviations); float64: 2^-52, from two words.
 * Every operation is exact, the bits therefore the same on every target.
 */
function toUniform(ctx: Context, words: readonly Node[]): Node {
  const g = ctx.graph;
  const high = at(words, 0);
  const low = words[1];
  if (low !== undefined) {
    const whole = b.add(g, b.mul(g, b.cast(g, high, 'f64'), 2 ** 20), b.cast(g, b.shr(g, low, 12), 'f64'));
    return b.mul(g, b.add(g, whole, 0.5), 2 ** -52);
  }
  const half = b.shr(g, high, 1);
  const small = b.lt(g, b.cast(g, half, 'i32'), 2 ** 22);
  const fine = b.or(g, half, 1);
  const coarse = b.or(g, b.and(g, half, 0xffffff00), 128);
  const centre = b.cast(g, b.select(g, small, fine, coarse), 'i32');
  return b.mul(g, b.cast(g, centre, 'f32'), 2 ** -31);
}
