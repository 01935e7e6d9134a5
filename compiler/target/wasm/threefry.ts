// Threefry-4x32-20 in instructions, for scalars and vectors alike; the algorithm and its source are in support/threefry.ts. Key words that do not change in a loop leave it with everything
// that depends on them alone.

import { THREEFRY_PARITY, THREEFRY_ROTATIONS } from '../../support/threefry.ts';
import { at, range } from '../../support/lists.ts';
import type { Num, Ops } from './ops.ts';

/** The four words of a block for four key words and four counter words, all u32. */
export function emitThreefry(ops: Ops, key: readonly Num[], counter: readonly Num[]): readonly Num[] {
  const parity = key.reduce((a, b) => ops.xor(a, b), ops.constant('u32', THREEFRY_PARITY));
  const words = [...key, parity];
  const x = range(4).map((i) => ops.add(at(counter, i), at(words, i)));
  const mix = (a: number, b: number, c: number, d: number, left: number, right: number): void => {
    x[a] = ops.add(at(x, a), at(x, b));
    x[c] = ops.add(at(x, c), at(x, d));
    x[b] = ops.xor(rotate(ops, at(x, b), left), at(x, a));
    x[d] = ops.xor(rotate(ops, at(x, d), right), at(x, c));
  };
  for (let round = 0; round < 20; round++) {
    const [left, right] = at(THREEFRY_ROTATIONS, round % 8);
    if (round % 2 === 0) mix(0, 1, 2, 3, left, right);
    else mix(0, 3, 2, 1, left, right);
    if (round % 4 !== 3) continue;
    const s = (round + 1) / 4;
    for (let i = 0; i < 4; i++) {
      const word = at(words, (s + i) % 5);
      const injected = i === 3 ? ops.add(word, ops.constant('u32', s)) : word;
      x[i] = ops.add(at(x, i), injected);
    }
  }
  return x.map((word) => ops.as('u32', word));
}

function rotate(ops: Ops, a: Num, distance: number): Num {
  if (!a.vector) {
    const regs = a.regs.map((r) => ops.f.pure('i32.rotl', 'i32', [r, ops.f.i32(distance)]));
    return ops.scalar('u32', ...regs);
  }
  return ops.or(ops.shiftBy('shl', a, distance), ops.shiftBy('shr_u', a, 32 - distance));
}
