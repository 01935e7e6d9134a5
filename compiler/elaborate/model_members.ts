// `m.initial`, `m.rhs(t, y)`, `m.states`: a model applied to its arguments is a record of functions.

import type { Context } from './context.ts';
import { failAt, notYet } from './context.ts';
import { toReal } from './leaves.ts';
import { prepareModel } from './model.ts';
import type { Value } from './values.ts';
import { describe, list, text } from './values.ts';
import { define } from './builtins/registry.ts';
import type { Span } from '../support/span.ts';

const LATER = ['residual', 'parts', 'linear', 'drift', 'diffuse', 'noise_class', 'boundary'];

export function modelMember(ctx: Context, model: Value, name: string, span: Span): Value {
  const instance = model.kind === 'model' ? ctx.call(model, [], span) : model;
  if (instance.kind !== 'instance')
    return failAt(ctx, 'E371', `a model is wanted here, but this is ${describe(model)}`, span);
  if (LATER.includes(name)) return notYet(ctx, `\`.${name}\` of a model`, span);
  const prepared = prepareModel(ctx, instance, span);
  switch (name) {
    case 'rhs':
      return define(ctx, 'rhs', ['t', 'y'], (a) => {
        const y = a.need('y');
        if (y.kind !== 'record')
          return failAt(ctx, 'E370', `rhs wants the record of states, but is given ${describe(y)}`, a.span);
        const t = toReal(ctx, a.need('t'), a.span, 'a time');
        return prepared.rhs(t, prepared.initial(t, y, a.span));
      });
    case 'initial':
      return prepared.initial(ctx.graph.constant(0, ctx.real), undefined, span);
    case 'states':
      return list(prepared.states.map((s) => text(s.name)));
    default:
      return failAt(
        ctx,
        'E240',
        `the model ${instance.item.name.name} has no part \`${name}\``,
        span,
        'a model has initial, rhs and states',
      );
  }
}
