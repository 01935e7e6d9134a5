// Models made of functions: `ode_of({ initial: …, rhs: (t, y) => … })` and `sde_of({ initial: …, drift: …, diffuse: (t, y, w) => …, noise: … })` give a record that `solve` takes like a declared model.
// `initial` is the record of states, `noise` the record of increments that are all zero (`m.noise` of another model). What a declared model offers (`m.drift`, `m.initial`) this record has too.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { conform } from '../values/conform.ts';
import { flatten } from '../values/leaves.ts';
import type { Calculus, PreparedModel } from './model.ts';
import type { Noise } from './noise.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array, describe, record } from '../values/values.ts';
import { define } from '../builtins/registry.ts';
import type { BuiltinValue } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import type { Terms } from './term_labels.ts';
import type { Span } from '../../support/span.ts';

/** `ode_of`, `sde_of`: check that the functions are there. */
export function modelsOfFunctions(ctx: Context): BuiltinValue[] {
  const made = (name: string, wanted: readonly string[], example: string): BuiltinValue =>
    define(ctx, name, ['parts'], (a) => {
      const parts = a.need('parts');
      if (parts.kind !== 'record')
        return failAt(
          ctx,
          'E490',
          `${name} takes a record of functions, but this is ${describe(parts)}`,
          a.spanOf('parts'),
          example,
        );
      const missing = wanted.find((w) => !parts.entries.has(w));
      if (missing !== undefined)
        failAt(ctx, 'E490', `the record of ${name} has no \`${missing}\``, a.spanOf('parts'), example);
      return parts;
    });
  return [
    made('ode_of', ['initial', 'rhs'], 'write ode_of({ initial: { x: 1.0 }, rhs: (t, y) => { x: -y.x } })'),
    made(
      'sde_of',
      ['initial', 'drift', 'diffuse', 'noise'],
      'write sde_of({ initial: { x: 1.0 }, drift: (t, y) => { x: -y.x }, diffuse: (t, y, w) => { x: 0.1*w.W }, noise: { W: 0.0 } })',
    ),
  ];
}

/** Whether a value is such a record. */
export const isFunctionModel = (v: Value): v is RecordValue =>
  v.kind === 'record' && v.entries.has('initial') && (v.entries.has('rhs') || v.entries.has('drift'));

export function prepareFunctions(ctx: Context, model: RecordValue, span: Span): PreparedModel {
  const g = ctx.graph;
  const part = (name: string): Value =>
    model.entries.get(name) ?? failAt(ctx, 'E490', `this model of functions has no \`${name}\``, span);
  const recordOf = (v: Value, what: string): RecordValue =>
    v.kind === 'record'
      ? v
      : failAt(ctx, 'E490', `${what} of a model of functions is a record, but this is ${describe(v)}`, span);
  const floating = (v: Value): Value => {
    const flat = flatten(ctx, v, span);
    return flat.rebuild(flat.leaves.map((l) => b.cast(g, l.node, ctx.real)));
  };
  const initial = recordOf(floating(part('initial')), 'the start');
  const like = (v: Value, y: RecordValue, what: string): RecordValue =>
    recordOf(conform(ctx, v, y, span, what), what);
  const called = (f: Value, values: readonly Value[]): Value =>
    ctx.call(
      f,
      values.map((value) => ({ value, span })),
      span,
    );
  const stochastic = model.entries.has('diffuse');
  const rate = stochastic ? part('drift') : part('rhs');
  const rhs = (t: Node, y: RecordValue): RecordValue => like(called(rate, [array(t), y]), y, 'the rates');
  /** The right side is one term. */
  const whole = { kind: 'name', name: 'rhs', span } as const;
  const some = (chosen: Terms, t: Node, y: RecordValue): RecordValue => {
    if (chosen(whole)) return rhs(t, y);
    const flat = flatten(ctx, y, span);
    return recordOf(flat.rebuild(flat.leaves.map((l) => b.zerosLike(g, l.node))), 'the rates');
  };
  const noises: Noise[] = stochastic
    ? [...recordOf(floating(part('noise')), 'the noise').entries].map(([name, zero]) => ({
        name,
        zero,
        variance: cellDensity(zero),
      }))
    : [];
  const calculus = model.entries.get('calculus');
  const stratonovich =
    calculus?.kind === 'string' && calculus.parts.length === 1 && calculus.parts[0] === 'stratonovich';
  const meaning: Calculus = stratonovich ? 'stratonovich' : 'ito';
  return {
    name: 'this model',
    states: [...initial.entries.keys()].map((name) => ({ name, shape: 'array', span })),
    noises,
    calculus: meaning,
    ...(stochastic
      ? {
          stochastic: {
            drift: rhs,
            diffuse: (t, y, w) => like(called(part('diffuse'), [array(t), y, w]), y, 'the diffusion'),
          },
        }
      : {}),
    initial: (_t, given, where) => {
      if (given === undefined) return initial;
      if (given.kind !== 'record')
        return failAt(ctx, 'E346', `\`from:\` is a record of states, but this is ${describe(given)}`, where);
      for (const k of given.entries.keys())
        if (!initial.entries.has(k))
          failAt(
            ctx,
            'E346',
            `the model has no state \`${k}\``,
            where,
            `its states are ${[...initial.entries.keys()].join(', ')}`,
          );
      return like(record([...initial.entries, ...given.entries]), initial, 'the start');
    },
    rhs,
    parts: ['rest'],
    fractional: new Map(),
    partOf: (_part, t, y) => rhs(t, y),
    terms: [whole],
    termsAt: (chosen, t, y) => ({ rates: some(chosen, t, y), present: y }),
    ratesOf: some,
    events: [],
    args: record([]),
    monitors: () => new Map(),
    monitorNames: [],
    afterStep: undefined,
    present: (_t, y) => y,
  };
}

/** One over the volume of a cell for increments on a domain, 1 for numbers. */
function cellDensity(zero: Value): number {
  const field = zero.kind === 'tuple' ? zero.elements[0] : zero;
  if (field?.kind !== 'field' || field.grid === undefined) return 1;
  return field.grid.axes.reduce((v, axis) => v / ((axis.to - axis.from) / axis.count), 1);
}
