// What kind of noise a stochastic model has: it decides which methods keep their order (Kloeden & Platen 1992, sections 10.3 and 11).
//   additive     the diffusion does not depend on the states
//   scalar       one Wiener process
//   diagonal     as many processes as driven components; each drives one component, by a coefficient that depends on this component alone
//   commutative  D b_j [b_k] = D b_k [b_j] for all columns b_j, b_k of the diffusion: no Levy areas are needed
//   general      none of these
// The first two are read off the expression. The others are identities in the states, tested at random points: a false one shows with probability one.

import type { Context } from '../context.ts';
import { flatten } from '../values/leaves.ts';
import type { PreparedModel } from './model.ts';
import { zeroNoise } from './noise.ts';
import { valuesAtRandom } from '../random/random_values.ts';
import type { RecordValue } from '../values/values.ts';
import { record } from '../values/values.ts';
import { jvp } from '../../autodiff/jvp.ts';
import * as b from '../../ir/build.ts';
import { reachable } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { sizeOf } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

export type NoiseClass = 'none' | 'additive' | 'scalar' | 'diagonal' | 'commutative' | 'general';

/** How many columns of the diffusion are tried; of a noise on a large domain not all. */
const PROBES = 24;
const SAME = 1e-9;

export function noiseClassOf(ctx: Context, model: PreparedModel, y0: RecordValue, span: Span): NoiseClass {
  const parts = model.stochastic;
  if (parts === undefined || model.noises.length === 0) return 'none';
  const g = ctx.graph;
  const shape = flatten(ctx, model.present(g.constant(0, ctx.real), y0), span);
  const y = shape.leaves.map((l) => g.param(l.path, l.node));
  const states = recordOf(shape.rebuild(y));
  const noise = flatten(ctx, zeroNoise(model.noises), span);
  const t = g.param('t', { dtype: ctx.real, shape: [] });
  const diffuse = (w: readonly Node[]): Node[] =>
    flatten(ctx, parts.diffuse(t, states, recordOf(noise.rebuild(w))), span).leaves.map((l) => l.node);
  const symbols = (name: string): Node[] => noise.leaves.map((l) => g.param(`${name}.${l.path}`, l.node));

  const w = symbols('w');
  const column = diffuse(w);
  const dependsOnStates = reachable(column).some((n) => y.includes(n));
  if (!dependsOnStates) return 'additive';
  const sizes = noise.leaves.map((l) => sizeOf(l.node.shape));
  const count = sizes.reduce((a, c) => a + c, 0);
  if (count === 1) return 'scalar';

  const along = (direction: readonly Node[]): Node[] =>
    jvp(g, column, y, direction).map((n, i) => n ?? b.zerosLike(g, at(column, i)));
  /** Column j of the diffusion as values of w. */
  const unit = (names: readonly Node[], j: number): Map<Node, readonly number[]> => {
    let from = 0;
    return new Map(
      names.map((p, k) => {
        const n = at(sizes, k);
        const values = new Array<number>(n).fill(0);
        if (j >= from && j < from + n) values[j - from] = 1;
        from += n;
        return [p, values] as const;
      }),
    );
  };
  const probes = Array.from({ length: Math.min(count, PROBES) }, (_, k) =>
    Math.floor((k * count) / Math.min(count, PROBES)),
  );

  // Diagonal: column j lives in one component, another one for each j, and does not change with the other components.
  const others = y.map((p) => g.param(`u.${p.id}`, p));
  const moved = along(others);
  const owners = new Set<number>();
  const diagonal = probes.every((j) => {
    const values = valuesAtRandom(column, unit(w, j)).flat();
    const lives = values.flatMap((x, i) => (x === 0 ? [] : [i]));
    const own = lives[0];
    if (lives.length !== 1 || own === undefined || owners.has(own)) return false;
    owners.add(own);
    let from = 0;
    const away = new Map(unit(w, j));
    for (const u of others) {
      const n = sizeOf(u.shape);
      away.set(
        u,
        Array.from({ length: n }, (_, i) => (from + i === own ? 0 : 1 + (i % 7) / 8)),
      );
      from += n;
    }
    return valuesAtRandom(moved, away).every((part) => part.every((x) => Math.abs(x) < SAME));
  });
  if (diagonal) return 'diagonal';

  const v = symbols('v');
  const bracket = along(diffuse(v));
  const commute = [1, 2, 3].every((seed) => {
    const [first, second] = [randomOf(sizes, seed), randomOf(sizes, seed + 10)];
    const given = (
      a: readonly (readonly number[])[],
      c: readonly (readonly number[])[],
    ): Map<Node, readonly number[]> =>
      new Map([...w.map((p, k) => [p, at(a, k)] as const), ...v.map((p, k) => [p, at(c, k)] as const)]);
    const there = valuesAtRandom(bracket, given(first, second), seed).flat();
    const back = valuesAtRandom(bracket, given(second, first), seed).flat();
    return there.every((x, i) => Math.abs(x - at(back, i)) <= SAME * Math.max(1, Math.abs(x)));
  });
  return commute ? 'commutative' : 'general';
}

function randomOf(sizes: readonly number[], seed: number): number[][] {
  let state = seed * 104729;
  return sizes.map((n) =>
    Array.from({ length: n }, () => {
      state = (state * 48271) % 2147483647;
      return (2 * state) / 2147483647 - 1;
    }),
  );
}

function recordOf(v: ReturnType<ReturnType<typeof flatten>['rebuild']>): RecordValue {
  return v.kind === 'record' ? v : record([]);
}
