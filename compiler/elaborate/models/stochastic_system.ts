// What a method for stochastic equations finds in `sys` beside `rhs` (which is the drift, in the calculus of the method):
//   drift(t, y), diffuse(t, y, w)   the drift, and the diffusion applied to increments w of the noises (a record of them)
//   noise(k, y)                     the increments of the noises over the step k = { i, t, h }; y is needed by processes that depend on the states
//   noise_mean(k, y)                what those increments are on average: the rates of jumps times the step
//   noise_integral(k, w)            the integrals of W(s) - W(t) over the step, given its increments w
//   path, has_path                  the record of Brownian paths given as `noise:`, for Levy areas; { } when there are none
//   none                            increments that are all zero: the shape of the noise
//   noise_class                     "additive" … "general" (noise_class.ts)
//   jumps(x)                        where a noise is drawn that is no Wiener process: x, the place of an event, which has no derivative then
// The Wiener process itself and the conversion between the calculus of Ito and that of Stratonovich are Flow (`wiener_increments`, `noise_drift` in the prelude).

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { conform } from '../values/conform.ts';
import { toReal } from '../values/leaves.ts';
import type { Calculus, PreparedModel } from './model.ts';
import { noiseVariances, zeroNoise } from './noise.ts';
import type { NoiseClass } from './noise_class.ts';
import { noiseClassOf } from './noise_class.ts';
import type { Clock } from './noise_processes.ts';
import { pathsOfProcesses, processAt, withNoises } from './noise_processes.ts';
import { positional } from '../solve/solve_parts.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array, bool, describe, record, text } from '../values/values.ts';
import type { Given } from '../builtins/registry.ts';
import { define } from '../builtins/registry.ts';
import { operators } from '../values/operators.ts';
import * as b from '../../ir/build.ts';
import type { Span } from '../../support/span.ts';

export interface NoiseOptions {
  /** The calculus that the method is made for; undefined for a method of ordinary equations. */
  readonly calculus: Calculus | undefined;
  /** Brownian paths given to the solve: one for the only noise, or a record of them. */
  readonly paths: Value | undefined;
  readonly pathsSpan: Span;
  readonly methodSpan: Span;
  /** The steps, where they are known before the solve: what processes with a memory are drawn for. */
  readonly clock?: Clock;
}

const ORDERED: readonly NoiseClass[] = ['none', 'additive', 'scalar', 'diagonal', 'commutative', 'general'];

export function stochasticEntries(
  ctx: Context,
  model: PreparedModel,
  y0: RecordValue,
  options: NoiseOptions,
  span: Span,
): readonly (readonly [string, Value])[] {
  const parts = model.stochastic;
  if (parts === undefined) return [];
  const { calculus } = options;
  if (calculus === undefined)
    return failAt(
      ctx,
      'E487',
      `${model.name} is a stochastic model, but this method knows nothing of noise`,
      options.methodSpan,
      'use std.sde { euler_maruyama } and write method: euler_maruyama',
    );
  const zero = zeroNoise(model.noises);
  const variances = noiseVariances(ctx, model.noises, span);
  let known: NoiseClass | undefined;
  const noiseClass = (): NoiseClass => (known ??= noiseClassOf(ctx, model, y0, span));
  const paths = pathsOf(ctx, model, options);
  const processes = pathsOfProcesses(
    ctx,
    paths === undefined
      ? model
      : { ...model, noises: model.noises.filter((n) => !paths.entries.has(n.name)) },
    y0,
    options.clock,
    span,
  );
  const followed = (name: string): boolean => processes.has(name) || paths?.entries.has(name) === true;
  const diffuse = define(ctx, 'diffuse', ['t', 'y', 'w'], (a) =>
    parts.diffuse(
      toReal(ctx, a.need('t'), a.span, 'a time'),
      states(ctx, a.need('y'), a.span),
      states(ctx, conform(ctx, a.need('w'), zero, a.span, 'the increments of the noise'), a.span),
    ),
  );
  const own = define(ctx, 'drift', ['t', 'y'], (a) =>
    parts.drift(toReal(ctx, a.need('t'), a.span, 'a time'), states(ctx, a.need('y'), a.span)),
  );
  const classEntry = (): readonly [string, Value] => ['noise_class', text(noiseClass())];
  const helper = (name: string): Value =>
    ctx.prelude(name) ?? failAt(ctx, 'E150', `the prelude has no \`${name}\``, span);
  /** The Wiener processes: only their products have a mean, which the two calculi count differently. */
  const wieners = withNoises(
    model,
    model.noises.filter((n) => n.source === undefined),
  );
  const wienerClass = (): NoiseClass =>
    wieners === model ? noiseClass() : noiseClassOf(ctx, wieners, y0, span);
  /** The drift in the calculus of the method. */
  const drift =
    calculus === model.calculus || ['additive', 'none'].includes(wienerClass())
      ? own
      : define(ctx, 'drift', ['t', 'y'], (a) => {
          const [t, y] = [a.need('t'), a.need('y')];
          const shares = define(ctx, 'diffuse', ['t', 'y', 'w'], (inner) =>
            parts.diffuse(
              toReal(ctx, inner.need('t'), inner.span, 'a time'),
              states(ctx, inner.need('y'), inner.span),
              record([...zero.entries, ...states(ctx, inner.need('w'), inner.span).entries]),
            ),
          );
          const parts_ = record([
            ['diffuse', wieners === model ? diffuse : shares],
            ['none', zeroNoise(wieners.noises)],
            ['noise_class', text(wienerClass())],
          ]);
          const half = ctx.call(helper('noise_drift'), positional(a.span, parts_, t, y), a.span);
          const plain = ctx.call(own, positional(a.span, t, y), a.span);
          return ctx.elementwise(calculus === 'ito' ? operators.add : operators.sub, [plain, half], a.span);
        });
  /** Increments over a step, or their integrals in time, by name: of the paths given, of a process, or drawn anew. */
  const overStep = (a: Given, quantity: 'increment' | 'integral', drawn: () => Value): Value => {
    const k = states(ctx, a.need('k'), a.span);
    const [t, h] = ['t', 'h'].map((name) => stepPart(ctx, k, name, a.span));
    if (t === undefined || h === undefined) return zero;
    const fresh = states(ctx, drawn(), a.span);
    const later = ctx.elementwise(operators.add, [t, h], a.span);
    return record(
      model.noises.map((n) => {
        const path = processes.get(n.name) ?? paths?.entries.get(n.name);
        const conformed = (v: Value, span_: Span): readonly [string, Value] => [
          n.name,
          conform(ctx, v, n.zero, span_, `the ${quantity} of the noise \`${n.name}\``),
        ];
        if (n.source !== undefined && path === undefined) {
          const y = a.get('y');
          if (quantity === 'integral' || y === undefined)
            return failAt(
              ctx,
              'E489',
              `the noise \`${n.name}\` of ${model.name} is a process with jumps, which this method does not take`,
              options.methodSpan,
              'use euler_maruyama',
            );
          const source = processAt(
            ctx,
            model,
            n,
            toReal(ctx, t, a.span, 'a time'),
            states(ctx, y, a.span),
            a.span,
          );
          const increment =
            source.entries.get('increment') ??
            failAt(ctx, 'E488', 'a process without increments', n.source.span);
          return conformed(ctx.call(increment, positional(a.span, h), n.source.span), n.source.span);
        }
        if (paths === undefined && path === undefined)
          return [n.name, fresh.entries.get(n.name) ?? n.zero] as const;
        const given = path?.kind === 'record' ? path.entries.get(quantity) : undefined;
        if (given === undefined)
          return failAt(
            ctx,
            'E488',
            `the noise \`${n.name}\` of ${model.name} is given no Brownian path`,
            options.pathsSpan,
            'write let W = brownian([2], t: 0 .. 1, depth: 12) and noise: W',
          );
        return conformed(ctx.call(given, positional(a.span, t, later), options.pathsSpan), options.pathsSpan);
      }),
    );
  };
  const noise = define(ctx, 'noise', ['k', 'y?'], (a) =>
    overStep(a, 'increment', () =>
      paths === undefined ? wiener(a, 'wiener_increments', [variances, heightOf(a)]) : zero,
    ),
  );
  /** What the increments over a step are on average: of jumps their rate times the step, of all others nothing. */
  const mean = define(ctx, 'noise_mean', ['k', 'y'], (a) => {
    const k = states(ctx, a.need('k'), a.span);
    const t = toReal(ctx, stepPart(ctx, k, 't', a.span), a.span, 'a time');
    const y = states(ctx, a.need('y'), a.span);
    return record(
      model.noises.map((n) => {
        if (n.source === undefined || n.path !== undefined) return [n.name, n.zero] as const;
        const f = processAt(ctx, model, n, t, y, a.span).entries.get('mean');
        if (f === undefined) return [n.name, n.zero] as const;
        const made = ctx.call(f, positional(a.span, heightOf(a)), n.source.span);
        return [n.name, conform(ctx, made, n.zero, n.source.span, `the mean of \`${n.name}\``)] as const;
      }),
    );
  });
  const integral = define(ctx, 'noise_integral', ['k', 'w'], (a) =>
    overStep(a, 'integral', () =>
      paths === undefined ? wiener(a, 'wiener_integrals', [variances, heightOf(a), a.need('w')]) : zero,
    ),
  );
  const wiener = (a: Given, name: string, args: readonly Value[]): Value =>
    ctx.call(helper(name), positional(a.span, ...args), a.span);
  const heightOf = (a: Given): Value => stepPart(ctx, states(ctx, a.need('k'), a.span), 'h', a.span);
  return [
    ['rhs', drift],
    ['drift', drift],
    ['diffuse', diffuse],
    ['noise', noise],
    ['noise_integral', integral],
    ['noise_mean', mean],
    ['path', paths ?? record([])],
    ['has_path', bool(paths !== undefined)],
    ['none', zero],
    classEntry(),
    ...(model.noises.some((n) => n.source !== undefined && !followed(n.name))
      ? [['jumps', timeWithJumps(ctx, model.name)] as const]
      : []),
  ];
}

/** The number of jumps until an event jumps with the time of the event, and everything that is behind it. */
function timeWithJumps(ctx: Context, model: string): Value {
  return define(ctx, 'jumps', ['x'], (a) =>
    array(
      b.stopGradient(ctx.graph, toReal(ctx, a.need('x'), a.span, 'the place of an event'), {
        code: 'E283',
        message: `the time of an event of ${model} has no derivative, since the number of jumps until then jumps with it, but it depends on what is differentiated`,
        help: 'stop_gradient(…) around the parameters ignores this dependence; score_function of std.random estimates derivatives of means',
      }),
    ),
  );
}

function stepPart(ctx: Context, k: RecordValue, name: string, span: Span): Value {
  return k.entries.get(name) ?? failAt(ctx, 'E370', `a step { i, t, h } has no \`${name}\``, span);
}

function states(ctx: Context, v: Value, span: Span): RecordValue {
  return v.kind === 'record'
    ? v
    : failAt(ctx, 'E370', `a record is wanted here, but this is ${describe(v)}`, span);
}

/** `noise: W` for the only noise of a model, `noise: { W: …, V: … }` for several. */
function pathsOf(ctx: Context, model: PreparedModel, options: NoiseOptions): RecordValue | undefined {
  const given = options.paths;
  if (given === undefined) return undefined;
  const wieners = model.noises.filter((n) => n.source === undefined).map((n) => n.name);
  const all = model.noises.map((n) => n.name);
  const names = wieners.length === 0 ? all : wieners;
  if (given.kind === 'record' && names.length > 0 && names.every((n) => given.entries.has(n))) return given;
  const [only] = names;
  if (names.length === 1 && only !== undefined) return record([[only, given]]);
  return failAt(
    ctx,
    'E488',
    names.length === 0
      ? `${model.name} has no noise`
      : `${model.name} has the noises ${names.join(', ')}, so \`noise:\` is a record of their paths`,
    options.pathsSpan,
    names.length === 0 ? 'leave out `noise:`' : `write noise: { ${names.map((n) => `${n}: …`).join(', ')} }`,
  );
}

/** A method that asks for more structure than the noise of this model has. */
export function refuseUnfit(
  ctx: Context,
  model: PreparedModel,
  needs: string | undefined,
  y0: RecordValue,
  span: Span,
): void {
  if (needs === undefined || model.stochastic === undefined) return;
  const limit = ORDERED.findIndex((c) => c === needs);
  if (limit < 0)
    failAt(
      ctx,
      'E489',
      `a method \`needs\` additive, scalar, diagonal, commutative or general noise, not "${needs}"`,
      span,
    );
  const found = noiseClassOf(ctx, model, y0, span);
  if (ORDERED.indexOf(found) <= limit) return;
  failAt(
    ctx,
    'E489',
    `the noise of ${model.name} is ${found}, but this method keeps its order for ${needs} noise only`,
    span,
    found === 'general'
      ? 'use milstein(area: true), which takes Levy areas, or euler_maruyama, whose strong order is 0.5'
      : 'use milstein, or euler_maruyama, whose strong order is 0.5',
  );
}
