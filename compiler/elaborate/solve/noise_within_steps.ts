// States of stochastic models between the ends of fixed steps. The noise of a solve without `noise:` is drawn step by step; a state inside a step is that of the method's own step, shortened, with the noise that a path which
// moves by just this increment over the whole step has up to there (stdlib/brownian.flow). So a saved time is looked at and changes nothing: the states at the ends of steps keep their bits, and a state inside is
// the same whatever other times are saved.
//
// That wants a step which asks for its noise once, for the whole step, and draws nothing else: this is tried on one step, which is forgotten. Wiener processes and jumps know what they are within a step; a process
// with a memory is drawn for the times of all steps at once. Where it cannot be done, steps end at saved times.

import type { Context, DrawContext } from '../context.ts';
import { withDraws } from '../context.ts';
import type { Given } from '../builtins/registry.ts';
import { define } from '../builtins/registry.ts';
import type { PreparedModel } from '../models/model.ts';
import type { Noise } from '../models/noise.ts';
import { noiseVariances } from '../models/noise.ts';
import { noisyEntries } from '../models/pathwise.ts';
import { clockOf, processAt } from '../models/noise_processes.ts';
import { methodSystem } from '../models/method_system.ts';
import { enterLoop } from '../random/draws.ts';
import { conform } from '../values/conform.ts';
import { flatten, toReal } from '../values/leaves.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array, record } from '../values/values.ts';
import type { TimeGrid } from './time_grid.ts';
import type { Method } from './solve_parts.ts';
import { asRecord, positional } from './solve_parts.ts';
import { denseOf } from './between_steps.ts';
import { nodesOf } from './evaluations.ts';
import { savePlan } from './save_plan.ts';
import type { ReplayedNoise } from './reversible_loop.ts';
import { replayedNoise } from './reversible_loop.ts';
import * as b from '../../ir/build.ts';
import { isCompound, regionsOf } from '../../ir/classes.ts';
import { reachable } from '../../ir/region.ts';
import type { Node, Region } from '../../ir/types.ts';

/** Where the increments of a noise come from: a path that is there, or draws of every step. */
type Origin = 'path' | 'wiener' | 'jumps';

/** By the names of the noises. */
export type Origins = ReadonlyMap<string, Origin>;

/** More numbers than are drawn for one step. */
const NUMBERS = 2 ** 24;

/** Undefined for what is known at the ends of steps only. */
function originOf(
  ctx: Context,
  a: Given,
  model: PreparedModel,
  n: Noise,
  t: Node,
  y: RecordValue,
): Origin | undefined {
  if (n.path !== undefined) return 'path';
  const given = a.get('noise');
  const wieners = model.noises.filter((x) => x.source === undefined);
  if (given !== undefined) {
    if (n.source === undefined || wieners.length === 0) return 'path';
    const paths = given.kind === 'record' && !given.entries.has('increment') ? given.entries : undefined;
    if (paths?.has(n.name) === true) return 'path';
  }
  if (n.source === undefined) return 'wiener';
  return processAt(ctx, model, n, t, y, a.span).entries.has('within') ? 'jumps' : undefined;
}

/** What is known of a solve before its saved times: its steps, the states it begins with, and what a method finds in `sys` beside the model. */
export interface BegunSolve {
  readonly grid: TimeGrid;
  readonly y0: RecordValue;
  readonly more: readonly (readonly [string, Value])[];
}

/** What is saved, and the steps of the solve, which end at saved times too where nothing is known of them between. */
export function plannedSaves(
  ctx: Context,
  a: Given,
  model: PreparedModel,
  method: Method,
  begun: BegunSolve,
): { readonly plan: ReturnType<typeof savePlan>; readonly origins: Origins | undefined } {
  // Whatever is saved, the draws behind this have the same names.
  const ordinal = ctx.draws.ordinal;
  try {
    const { grid } = begun;
    const plan = savePlan(ctx, a, grid, false);
    const { save } = plan;
    if (save.kind !== 'between' || save.onSteps || denseOf(method) !== undefined)
      return { plan, origins: undefined };
    const origins = originsWithinSteps(ctx, a, model, method, begun);
    return { plan: origins === undefined ? savePlan(ctx, a, grid, true) : plan, origins };
  } finally {
    ctx.draws.ordinal = ordinal;
  }
}

/** Undefined where steps have to end at a time for the states there to be known. */
function originsWithinSteps(
  ctx: Context,
  a: Given,
  model: PreparedModel,
  method: Method,
  { grid: time, y0, more }: BegunSolve,
): Origins | undefined {
  const g = ctx.graph;
  const found = new Map<string, Origin>();
  for (const n of model.noises) {
    const origin = originOf(ctx, a, model, n, time.start, y0);
    if (origin === undefined) return undefined;
    found.set(n.name, origin);
  }
  const { value: fits } = g.scope(() => {
    const real = (name: string): Node => g.param(name, { dtype: ctx.real, shape: [] });
    const [t, h] = [real('t'), real('h')];
    const clock = clockOf(ctx, time, time.equalStep !== undefined);
    const entries = noisyEntries(ctx, a, model, method, y0, { clock });
    const sys = record([...methodSystem(ctx, model, a.span, entries).entries, ...more]);
    const replayed = replayedNoise(ctx, sys, a.spanOf('method'));
    const shape = flatten(ctx, y0, a.span);
    const y = shape.rebuild(shape.leaves.map((l, i) => g.param(`y${i}`, l.node)));
    const mem =
      method.init === undefined
        ? record([])
        : ctx.call(method.init, positional(a.span, replayed.sys, array(t), y), a.span);
    const k = record([
      ['i', array(g.param('i', { dtype: 'i32', shape: [] }))],
      ['t', array(t)],
      ['h', array(h)],
    ]);
    const made = replayed.forwards(() =>
      ctx.call(method.step, positional(a.span, replayed.sys, k, y, mem), a.span),
    );
    const parts = asRecord(ctx, made, a.spanOf('method')).entries;
    const results = ['y', 'mem'].flatMap((name) => nodesOf(ctx, parts.get(name) ?? record([]), a.span));
    const known = randomBits(replayed.drawn());
    // Draws of the method's own, or of the right side.
    if ([...randomBits(results)].some((n) => !known.has(n))) return false;
    if ([...found.values()].every((o) => o === 'path')) return true;
    const calls = replayed.calls();
    const once = (name: string): boolean => calls.filter((c) => c.name === name).length <= 1;
    const whole = calls.every((c) => c.loops <= ctx.draws.turns.length && c.k.includes(t) && c.k.includes(h));
    return whole && once('noise') && once('noise_integral');
  });
  return fits ? found : undefined;
}

/** All random bits that the values come from, inside loops too. */
function randomBits(nodes: readonly Node[], found = new Set<Node>(), seen = new Set<Region>()): Set<Node> {
  for (const n of reachable(nodes)) {
    if (n.op === 'random_bits') found.add(n);
    if (!isCompound(n)) continue;
    for (const [, region] of regionsOf(n)) {
      if (seen.has(region)) continue;
      seen.add(region);
      randomBits(region.results, found, seen);
    }
  }
  return found;
}

export interface WithinStep {
  readonly a: Given;
  readonly model: PreparedModel;
  readonly origins: Origins;
  /** `sys` of the solve, which gives what comes from paths. */
  readonly sys: RecordValue;
  readonly replayed: ReplayedNoise;
  /** Makes the whole step once more, in the place where states within it are wanted: what it draws is wanted, not where it leads to. */
  readonly whole: () => void;
  /** The step: its number, its start, its length, the states there. */
  readonly i: Node;
  readonly t: Node;
  readonly h: Node;
  readonly y: RecordValue;
  readonly steps: number;
  /** Where the draws of all steps get their names from. */
  readonly draws: DrawContext;
}

/** `sys` for the part of a step up to the fraction x of it. */
export function systemWithin(ctx: Context, s: WithinStep, x: Node): RecordValue {
  const { a, model, sys, origins } = s;
  const followsPaths = [...origins.values()].includes('path');
  if ([...origins.values()].every((o) => o === 'path')) return sys;
  s.replayed.forwards(s.whole);
  const calls = s.replayed.calls();
  const made = (name: string): RecordValue | undefined => {
    const v = calls.find((c) => c.name === name)?.value;
    return v?.kind === 'record' ? v : undefined;
  };
  const [increments, integrals] = [made('noise'), made('noise_integral')];
  const variances = noiseVariances(ctx, model.noises, a.span);
  const library = (name: string, ...args: readonly Value[]): Value =>
    ctx.call(ctx.library('std.brownian', name), positional(a.span, ...args), a.span);
  /** Draws with numbers of their own inside the step, shaped like `zero`. */
  const numbered = (n: Noise, index: number, draw: string): Value =>
    define(ctx, 'numbers', ['number'], (given) => {
      const number = toReal(ctx, given.need('number'), given.span, 'the number of a draw');
      const place = b.cast(ctx.graph, number, 'i32');
      const step = withDraws(ctx, { ...s.draws }, () => enterLoop(ctx, s.i, s.steps, true));
      const here = { ...step, path: `${step.path}within${index}` };
      return withDraws(
        ctx,
        withDraws(ctx, here, () => enterLoop(ctx, place, NUMBERS)),
        () => library(draw, n.zero),
      );
    });
  const parts = new Map(
    model.noises.flatMap((n, index): (readonly [string, RecordValue])[] => {
      const w = increments?.entries.get(n.name);
      if (w === undefined || origins.get(n.name) === 'path') return [];
      if (origins.get(n.name) === 'jumps')
        return [
          [n.name, record([['increment', jumpsWithin(ctx, s, n, w, x, numbered(n, index, 'one_uniform'))]])],
        ];
      const variance = variances.entries.get(n.name) ?? n.zero;
      const u = integrals?.entries.get(n.name);
      const found = library(
        u === undefined ? 'part_of_step' : 'part_with_integral',
        ...[numbered(n, index, 'two_normals'), w, ...(u === undefined ? [] : [u])],
        ...[variance, array(s.h), array(x)],
      );
      return [[n.name, asRecord(ctx, found, a.span)]];
    }),
  );
  const wrapped = (name: string, quantity: string, original: Value): Value =>
    define(ctx, name, name === 'noise' ? ['k', 'y?'] : ['k', 'w'], (given) => {
      const more = name === 'noise' ? given.get('y') : given.need('w');
      const passed = positional(given.span, given.need('k'), ...(more === undefined ? [] : [more]));
      const followed = followsPaths
        ? asRecord(ctx, ctx.call(original, passed, given.span), given.span)
        : record([]);
      return record(
        model.noises.map((n) => {
          const own = parts.get(n.name)?.entries.get(quantity) ?? followed.entries.get(n.name) ?? n.zero;
          return [n.name, conform(ctx, own, n.zero, given.span, `the noise \`${n.name}\``)] as const;
        }),
      );
    });
  return record(
    [...sys.entries].map(([name, v]) => [
      name,
      name === 'noise'
        ? wrapped(name, 'increment', v)
        : name === 'noise_integral'
          ? wrapped(name, 'integral', v)
          : v,
    ]),
  );
}

/** Of the jumps of a whole step those up to the fraction x: each of them happens at any time of the step (stdlib/sde.flow). */
function jumpsWithin(ctx: Context, s: WithinStep, n: Noise, w: Value, x: Node, uniforms: Value): Value {
  const { a, model } = s;
  const within = processAt(ctx, model, n, s.t, s.y, a.span).entries.get('within') ?? record([]);
  return ctx.call(within, positional(a.span, w, array(x), uniforms), a.span);
}
