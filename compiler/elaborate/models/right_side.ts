// The right side of a model, elaborated once (template.ts): a step of a Runge-Kutta method asks for it several times, with other times and states.

import { isPart } from '../values/complex_parts.ts';
import type { Context } from '../context.ts';
import { flatten } from '../values/leaves.ts';
import type { Flattened } from '../values/leaves.ts';
import type { PreparedModel } from './model.ts';
import type { FieldValue, RecordValue, Value } from '../values/values.ts';
import { complex, record } from '../values/values.ts';
import { templated } from '../values/template.ts';
import type { AxisGhosts } from '../../field/types.ts';
import * as b from '../../ir/build.ts';
import { hasParameters } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { InternalError } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

/** dy/dt at (t, y), with y and the rates as candidates for storage. */
export type Rates = (t: Node, y: RecordValue) => RecordValue;

export function rightSide(ctx: Context, model: PreparedModel, span: Span): Rates {
  const direct: Rates = (t, y) => kept(ctx, model.rhs(t, kept(ctx, y, span)), span);
  /** How to make states of their leaves: that of the first question, which the template is elaborated for. */
  let likeFirst: Flattened | undefined;
  const rates = templated(ctx, ([t, ...leaves]) => {
    if (t === undefined || likeFirst === undefined) throw new InternalError('elaborate.rates', 'no states');
    const y = likeFirst.rebuild(leaves);
    if (y.kind !== 'record') throw new InternalError('elaborate.rates', 'states that are no record');
    return flatten(ctx, direct(t, y), span);
  });
  return (t, y) => {
    const form = formOf(y);
    const states = flatten(ctx, y, span);
    const given = [t, ...states.leaves.map((l) => l.node)];
    if (form === undefined || !given.every(hasParameters)) return direct(t, y);
    likeFirst ??= states;
    const made = rates(given, form);
    return withConditions(asRecord(made.rebuild(made.leaves.map((l) => l.node)), y), model, t, y);
  };
}

export function kept(ctx: Context, v: RecordValue, span: Span): RecordValue {
  const flat = flatten(ctx, v, span);
  return asRecord(flat.rebuild(flat.leaves.map((l) => b.keep(ctx.graph, l.node))), v);
}

function asRecord(v: Value, otherwise: RecordValue): RecordValue {
  return v.kind === 'record' ? v : otherwise;
}

/** What a value is made of, but for its numbers; undefined when it holds anything else than arrays and fields. */
function formOf(v: Value): string | undefined {
  switch (v.kind) {
    case 'array':
      return 'a';
    case 'field':
      return v.grid === undefined
        ? undefined
        : `f${v.grid.name}(${v.grid.axes.map((a) => `${a.kind}${a.count}`).join()})`;
    case 'complex':
      return listed([formOf(v.re), formOf(v.im)])?.replace('(', 'c(');
    case 'tuple':
      return listed(v.elements.map((e) => formOf(e)));
    case 'record':
      return listed([...v.entries].map(([name, e]) => prefixed(name, formOf(e))));
    default:
      return undefined;
  }
}

function prefixed(name: string, form: string | undefined): string | undefined {
  return form === undefined ? undefined : `${name}:${form}`;
}

function listed(forms: readonly (string | undefined)[]): string | undefined {
  return forms.includes(undefined) ? undefined : `(${forms.join()})`;
}

/** Rates that are fields go on beyond the walls as their states do at (t, y): asked for when somebody differentiates a rate. */
function withConditions(rates: RecordValue, model: PreparedModel, t: Node, y: RecordValue): RecordValue {
  let known: RecordValue | undefined;
  const present = (): RecordValue => (known ??= model.present(t, y));
  return record(
    [...rates.entries].map(
      ([name, rate]) => [name, fieldsOf(rate, () => present().entries.get(name))] as const,
    ),
  );
}

function fieldsOf(rate: Value, state: () => Value | undefined): Value {
  if (rate.kind === 'tuple')
    return {
      ...rate,
      elements: rate.elements.map((e, i) =>
        fieldsOf(e, () => {
          const s = state();
          return s?.kind === 'tuple' ? s.elements[i] : undefined;
        }),
      ),
    };
  if (rate.kind === 'complex') {
    const side = (which: 're' | 'im'): Value =>
      fieldsOf(rate[which], () => {
        const s = state();
        return s?.kind === 'complex' ? s[which] : undefined;
      });
    const [re, im] = [side('re'), side('im')];
    return isPart(re) && isPart(im) ? complex(re, im) : rate;
  }
  if (rate.kind !== 'field' || rate.expr.kind !== 'leaf') return rate;
  const own = rate.expr;
  const rule = (axis: number): AxisGhosts => {
    const s: Value | undefined = state();
    const ghosts = s?.kind === 'field' && s.expr.kind === 'leaf' ? s.expr.ghosts : own.ghosts;
    return at(ghosts, axis);
  };
  const field: FieldValue = {
    ...rate,
    expr: {
      ...own,
      ghosts: own.ghosts.map((_, axis) => ({
        get min() {
          return rule(axis).min;
        },
        get max() {
          return rule(axis).max;
        },
      })),
    },
  };
  return field;
}
