// The noises of a stochastic model: `noise W`, `noise W: real[3]`, `noise W on plate`. Each has increments `dW`, of its shape, that are independent normal numbers of variance h over a step of
// length h; on a domain, h over the volume of a cell (space-time white noise: its integral over a region has the variance of the region's volume, whatever the grid).

import type { Context } from '../context.ts';
import { failAt, notYet } from '../context.ts';
import { flatten } from '../values/leaves.ts';
import { onGrid } from '../fields/on_grid.ts';
import { placeGrid } from '../fields/places.ts';
import type { Scope } from '../names/scope.ts';
import { bindType } from '../values/types.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array, number, record } from '../values/values.ts';
import type { Grid } from '../../field/types.ts';
import * as b from '../../ir/build.ts';
import type * as ast from '../../syntax/ast.ts';

export interface Noise {
  readonly name: string;
  /** Increments that are all zero: the shape of the noise. */
  readonly zero: Value;
  /** The variance of an increment over a unit of time: 1, or one over the volume of a cell. */
  readonly variance: number;
  /** `noise N = jumps(rate)`: a process (noise_processes.ts), which may depend on time and states. */
  readonly source?: ast.Expression;
  /** Of a driver: its path, which is given. */
  readonly path?: RecordValue;
}

export function noisesOf(
  ctx: Context,
  item: ast.ModelItem,
  grid: Grid | undefined,
  scope: Scope,
): readonly Noise[] {
  const out: Noise[] = [];
  for (const clause of item.clauses) {
    if (clause.kind !== 'noise-clause') continue;
    if (clause.what === 'driver') continue;
    for (const entry of clause.entries) out.push(noise(ctx, item, entry, grid, scope));
  }
  return out;
}

function noise(
  ctx: Context,
  item: ast.ModelItem,
  entry: ast.NoiseEntry,
  grid: Grid | undefined,
  scope: Scope,
): Noise {
  const name = entry.name.name;
  if (item.what !== 'sde')
    failAt(
      ctx,
      'E480',
      `\`noise\` belongs to stochastic models, but ${item.name.name} is declared as ${item.what === 'pde' ? 'a pde' : 'an ode'}`,
      entry.span,
      `write sde ${item.name.name} { … d(u) = … *dt + … *d${name} }`,
    );
  const zero = number(0);
  if (entry.process !== undefined) {
    if (entry.on !== undefined || entry.type?.kind === 'located-type')
      notYet(ctx, 'a process on a domain that is no Wiener process', entry.span);
    const value =
      entry.type === undefined
        ? array(ctx.graph.constant(0, ctx.real))
        : bindType(ctx, entry.type, zero, scope, entry.span, `the noise \`${name}\``);
    return { name, zero: zerosLike(ctx, value, entry), variance: 1, source: entry.process };
  }
  if (entry.on === undefined && entry.type?.kind !== 'located-type') {
    const value =
      entry.type === undefined
        ? array(ctx.graph.constant(0, ctx.real))
        : bindType(ctx, entry.type, zero, scope, entry.span, `the noise \`${name}\``);
    return { name, zero: zerosLike(ctx, value, entry), variance: 1 };
  }
  const located = entry.type?.kind === 'located-type' ? entry.type : undefined;
  const place = entry.on ?? located?.on;
  if (located?.at !== undefined && located.at.name !== 'cells')
    notYet(ctx, `a noise \`at ${located.at.name}\``, located.at.span);
  const own = place === undefined ? grid : placeGrid(ctx, place, scope);
  if (own === undefined)
    return failAt(
      ctx,
      'E481',
      `the noise \`${name}\` stands on no domain`,
      entry.span,
      `write noise ${name} on plate`,
    );
  const type = located?.type ?? entry.type;
  const vector = type?.kind === 'named-type' && type.name.name === 'vector';
  if (own.axes.some((axis) => axis.kind !== 'cells' && !axis.periodic))
    notYet(ctx, 'a noise on an axis of nodes that ends at walls', entry.span);
  const volume = own.axes.reduce((v, axis) => v * ((axis.to - axis.from) / axis.count), 1);
  const start: Value = vector ? { kind: 'tuple', elements: own.axes.map(() => zero) } : zero;
  return {
    name,
    zero: onGrid(ctx, start, own, vector ? 'vector' : 'scalar', entry.span, `the noise \`${name}\``),
    variance: 1 / volume,
  };
}

function zerosLike(ctx: Context, value: Value, entry: ast.NoiseEntry): Value {
  const flat = flatten(ctx, value, entry.span);
  return flat.rebuild(flat.leaves.map((l) => b.cast(ctx.graph, b.zerosLike(ctx.graph, l.node), ctx.real)));
}

/** The record { W: 0, … } of all noises. */
export function zeroNoise(noises: readonly Noise[]): RecordValue {
  return record(noises.map((n) => [n.name, n.zero] as const));
}

/** The record { W: 1/volume, … }: variances per unit of time, of the shape of the noise. */
export function noiseVariances(
  ctx: Context,
  noises: readonly Noise[],
  span: ast.NoiseEntry['span'],
): RecordValue {
  return record(
    noises.map((n) => {
      const flat = flatten(ctx, n.zero, span);
      return [
        n.name,
        flat.rebuild(
          flat.leaves.map((l) =>
            b.broadcastTo(ctx.graph, ctx.graph.constant(n.variance, ctx.real), l.node.shape),
          ),
        ),
      ] as const;
    }),
  );
}

/** `dW`: the increment of the noise `W`. */
export const incrementName = (noise: string): string => `d${noise}`;
