// Numbers that expressions take when everything they depend on is drawn at random (by a fixed generator): for questions that an identity answers, such as whether two expressions are the same
// function. What holds at a random point holds everywhere with probability one, for the piecewise analytic functions that programs are made of.

import { interpret } from '../../ir/interpret.ts';
import type { NdArray } from '../../ir/ndarray.ts';
import { ndarray } from '../../ir/ndarray.ts';
import { reachable } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { sizeOf } from '../../ir/types.ts';

/** The numbers of `nodes`, with all parameters below them in 0.5 .. 1.5 (integers: 0 .. 3), but for those `given`. */
export function valuesAtRandom(
  nodes: readonly Node[],
  given: ReadonlyMap<Node, readonly number[]> = new Map(),
  seed = 1,
): (readonly number[])[] {
  const next = generator(seed);
  const bindings = new Map<Node, NdArray>();
  for (const n of reachable(nodes)) {
    if (n.op !== 'param') continue;
    const own = given.get(n);
    const values = own ?? Array.from({ length: sizeOf(n.shape) }, () => drawn(n.dtype, next()));
    bindings.set(n, ndarray(n.dtype, n.shape, values));
  }
  return interpret(nodes, bindings).map((a) => [...a.data]);
}

function drawn(dtype: Node['dtype'], u: number): number {
  switch (dtype) {
    case 'f32':
    case 'f64':
      return 0.5 + u;
    case 'i32':
    case 'u32':
      return Math.floor(4 * u);
    case 'bool':
      return u < 0.5 ? 0 : 1;
  }
}

/** Numbers in 0 .. 1 by a linear congruence modulo 2^31 (Park & Miller 1988). */
function generator(seed: number): () => number {
  let state = (seed * 7919) % 2147483647;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}
