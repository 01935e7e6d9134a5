// `m.initial`, `m.rhs(t, y)`, `m.states`: a model applied to its arguments is a record of functions.

import type { Context } from '../context.ts';
import { failAt, notYet } from '../context.ts';
import { toReal } from '../values/leaves.ts';
import { prepareModel } from './model.ts';
import { conform } from '../values/conform.ts';
import { zeroNoise } from './noise.ts';
import { noiseClassOf } from './noise_class.ts';
import type { InstanceValue, RecordValue, Value } from '../values/values.ts';
import { describe, list, record, text } from '../values/values.ts';
import { define } from '../builtins/registry.ts';
import type { Span } from '../../support/span.ts';

const LATER = ['linear', 'boundary'];

/** Increments of the only noise may be given as they are. */
function namedNoise(w: Value, zero: RecordValue): Value {
  const [only] = zero.entries.keys();
  return w.kind !== 'record' && zero.entries.size === 1 && only !== undefined ? record([[only, w]]) : w;
}

function noNoise(ctx: Context, instance: InstanceValue, name: string, span: Span): never {
  return failAt(
    ctx,
    'E240',
    `the model ${instance.item.name.name} has no part \`${name}\`: it is not stochastic`,
    span,
    'models declared as `sde` have it',
  );
}

export function modelMember(ctx: Context, model: Value, name: string, span: Span): Value {
  const instance = model.kind === 'model' ? ctx.call(model, [], span) : model;
  if (instance.kind !== 'instance')
    return failAt(ctx, 'E371', `a model is wanted here, but this is ${describe(model)}`, span);
  if (name === 'residual') {
    const whole = ctx.prelude('residual');
    return define(ctx, name, ['states'], (a) =>
      ctx.call(
        whole ?? failAt(ctx, 'E150', '`residual` is not known here', span),
        [instance, a.need('states')].map((value) => ({ value, span: a.span })),
        a.span,
      ),
    );
  }
  if (LATER.includes(name)) return notYet(ctx, `\`.${name}\` of a model`, span);
  const prepared = prepareModel(ctx, instance, span);
  const initial = (): RecordValue => prepared.initial(ctx.graph.constant(0, ctx.real), undefined, span);
  switch (name) {
    case 'drift':
    case 'rhs':
      return define(ctx, name, ['t', 'y'], (a) => {
        const y = a.need('y');
        if (y.kind !== 'record')
          return failAt(
            ctx,
            'E370',
            `${name} wants the record of states, but is given ${describe(y)}`,
            a.span,
          );
        const t = toReal(ctx, a.need('t'), a.span, 'a time');
        return prepared.rhs(t, prepared.initial(t, y, a.span));
      });
    case 'diffuse': {
      const parts = prepared.stochastic;
      if (parts === undefined) return noNoise(ctx, instance, name, span);
      return define(ctx, name, ['t', 'y', 'w'], (a) => {
        const y = a.need('y');
        const zero = zeroNoise(prepared.noises);
        const w = conform(ctx, namedNoise(a.need('w'), zero), zero, a.span, 'the increments of the noise');
        if (y.kind !== 'record' || w.kind !== 'record')
          return failAt(
            ctx,
            'E370',
            `diffuse wants the record of states, but is given ${describe(y)}`,
            a.span,
          );
        const t = toReal(ctx, a.need('t'), a.span, 'a time');
        return parts.diffuse(t, prepared.initial(t, y, a.span), w);
      });
    }
    case 'noise_class':
      return prepared.stochastic === undefined
        ? noNoise(ctx, instance, name, span)
        : text(noiseClassOf(ctx, prepared, initial(), span));
    case 'parts':
      return record(
        prepared.parts.map((part) => [
          part,
          define(ctx, part, ['t', 'y'], (a) => {
            const y = a.need('y');
            if (y.kind !== 'record')
              return failAt(
                ctx,
                'E370',
                `a part of a model wants the record of states, but is given ${describe(y)}`,
                a.span,
              );
            const t = toReal(ctx, a.need('t'), a.span, 'a time');
            return prepared.partOf(part, t, prepared.initial(t, y, a.span));
          }),
        ]),
      );
    case 'noise':
      return zeroNoise(prepared.noises);
    case 'initial':
      return initial();
    case 'states':
      return list(prepared.states.map((s) => text(s.name)));
    default:
      return failAt(
        ctx,
        'E240',
        `the model ${instance.item.name.name} has no part \`${name}\``,
        span,
        'a model has initial, rhs, parts and states; a stochastic one has drift, diffuse, noise and noise_class too',
      );
  }
}
