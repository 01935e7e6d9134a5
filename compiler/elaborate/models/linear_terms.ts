// `sys.linear(labels)`: the linear part of a model, for methods that treat it exactly. L y are the terms with these labels, which must be linear in the states, with coefficients that do not
// change in time; without labels all terms that are. The rest are all others.
//
// Whether L commutes with translations is seen from the fields it is made of: derivatives of the states with the same coefficients everywhere, on a domain all of whose axes are periodic. Then
// it is diagonal (a small matrix for several states) in Fourier space, and its response to a unit in one cell says everything about it.

import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { define } from '../builtins/registry.ts';
import { flatten, toReal } from '../values/leaves.ts';
import type { PreparedModel } from './model.ts';
import { staticText } from '../values/strings.ts';
import { labelOf } from './term_labels.ts';
import type { Terms } from './term_labels.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { bool, int, list, record } from '../values/values.ts';
import { activityOf } from '../../autodiff/activity.ts';
import { jvp } from '../../autodiff/jvp.ts';
import { constantValue } from '../../autodiff/mask.ts';
import { leavesOf, partsOf } from '../../field/expression.ts';
import type { FieldExpr } from '../../field/types.ts';
import { reachable } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** The entry `linear` of what a method finds in `sys`. */
export function linearEntry(ctx: Context, model: PreparedModel, span: Span): Value {
  return define(ctx, 'linear', ['labels', 'y'], (a) => {
    const y = a.need('y');
    if (y.kind !== 'record') return failAt(ctx, 'E370', 'the states are a record', a.spanOf('y'));
    const given = a.need('labels');
    const labels = (given.kind === 'list' ? given.elements : [given]).map((v) =>
      staticText(ctx, v, a.spanOf('labels'), 'the label of a part'),
    );
    const chosen = chosenTerms(ctx, model, labels, y, span);
    const among: Terms = (term) => chosen.has(term);
    const rates = (which: Terms): Value =>
      define(ctx, 'the terms', ['t', 'y'], (inner) => {
        const at = inner.need('y');
        return at.kind === 'record'
          ? model.ratesOf(which, toReal(ctx, inner.need('t'), inner.span, 'a time'), at)
          : failAt(ctx, 'E370', 'the states are a record', inner.span);
      });
    const { t, probe } = probed(ctx, model, y, span);
    const { rates: values, present } = model.termsAt(among, t, probe.y);
    return record([
      ['rates', rates(among)],
      ['rest', rates((term) => !chosen.has(term))],
      ['invariant', bool(translates(model, values, present, probe.params))],
      ['shape', list((model.grid?.axes ?? []).map((axis) => int(axis.count)))],
    ]);
  });
}

function chosenTerms(
  ctx: Context,
  model: PreparedModel,
  labels: readonly string[],
  y: RecordValue,
  span: Span,
): ReadonlySet<ast.Expression> {
  const { terms } = model;
  if (terms === undefined)
    return failAt(
      ctx,
      'E491',
      `the equations of ${model.name} have no terms to choose from: a rate does not stand alone on its left side`,
      span,
      'write dt(u) = …',
    );
  if (labels.length === 0) {
    const linear = terms.filter((term) => isLinear(ctx, model, (x) => x === term, y, span));
    if (linear.length === 0)
      failAt(
        ctx,
        'E492',
        `no term of ${model.name} is linear in the states with coefficients that do not change in time`,
        span,
        'a method that treats the linear terms exactly has nothing to do here: use std.ode { rk4 }',
      );
    return new Set(linear);
  }
  for (const label of labels) needLabel(ctx, model, label, span);
  for (const label of labels)
    if (!isLinear(ctx, model, (x) => labelOf(x) === label, y, span))
      failAt(
        ctx,
        'E496',
        `the terms \`${label}\` of ${model.name} are not linear in the states, with coefficients that do not change in time`,
        span,
        `give the linear terms a label of their own, or leave the labels out: then all terms that are linear are taken`,
      );
  return new Set(terms.filter((term) => labels.includes(labelOf(term))));
}

/** Refuses a label that no term of the model has. */
export function needLabel(ctx: Context, model: PreparedModel, label: string, span: Span): void {
  if (model.parts.includes(label)) return;
  failAt(
    ctx,
    'E492',
    `no term of ${model.name} has the label \`${label}\``,
    span,
    model.parts.every((p) => p === 'rest')
      ? `write dt(u) = ${label}: … + …`
      : `its labels are ${model.parts.filter((p) => p !== 'rest').join(', ')}`,
  );
}

interface Probe {
  readonly t: Node;
  readonly probe: { readonly y: RecordValue; readonly params: readonly Node[] };
}

/** States and a time about which nothing is known. */
function probed(ctx: Context, model: PreparedModel, y: RecordValue, span: Span): Probe {
  const flat = flatten(ctx, y, span);
  const params = flat.leaves.map((l) => ctx.graph.param(l.path, l.node));
  const made = conform(ctx, flat.rebuild(params), y, span, 'the states');
  return {
    t: ctx.graph.param('t', { dtype: ctx.real, shape: [] }),
    probe: {
      y: made.kind === 'record' ? made : failAt(ctx, 'E340', `${model.name} has no states`, span),
      params,
    },
  };
}

function isLinear(ctx: Context, model: PreparedModel, which: Terms, y: RecordValue, span: Span): boolean {
  const g = ctx.graph;
  const { t, probe } = probed(ctx, model, y, span);
  const rates = flatten(ctx, model.ratesOf(which, t, probe.y), span).leaves.map((l) => l.node);
  if (reachable(rates).includes(t)) return false;
  const moves = probe.params.map((p) => g.param('v', p));
  const pushed = jvp(g, rates, probe.params, moves);
  // What a rate is made of besides products with the states: a constant in a sum, or all of it.
  const active = activityOf(rates, probe.params);
  const zero = (n: Node): boolean => constantValue(n) === 0;
  if (rates.some((r) => !active.has(r) && !zero(r))) return false;
  const shifted = reachable(rates, new Set(probe.params)).some(
    (n) =>
      (n.op === 'add' || n.op === 'sub' || n.op === 'concat' || n.op === 'select') &&
      active.has(n) &&
      n.args.some((x, i) => !(n.op === 'select' && i === 0) && !active.has(x) && !zero(x)),
  );
  if (shifted) return false;
  const seen = new Set(reachable(pushed.filter((p) => p !== undefined)));
  return !probe.params.some((p) => seen.has(p));
}

/** Whether the rates are derivatives of the states with coefficients that are the same everywhere, on a domain without walls. */
function translates(
  model: PreparedModel,
  rates: RecordValue,
  present: RecordValue,
  params: readonly Node[],
): boolean {
  const { grid } = model;
  if (grid === undefined || grid.axes.some((axis) => !axis.periodic)) return false;
  if (model.states.some((s) => s.shape === 'array')) return false;
  const own = new Set<FieldExpr>();
  eachField(present, (e) => own.add(e));
  let even = true;
  const known = eachField(rates, (e) => {
    if (leavesOf(e).some((leaf) => !own.has(leaf))) even = false;
    for (const part of partsOf(e)) {
      if (
        part.kind === 'coordinate' ||
        part.kind === 'analytic' ||
        part.kind === 'dn' ||
        part.kind === 'normal'
      )
        even = false;
      if (part.kind === 'scalar' && reachable([part.node]).some((n) => params.includes(n))) even = false;
    }
  });
  return known && even;
}

/** Visits the expressions of all fields; false where something else than fields and zeros is found. */
function eachField(v: Value, visit: (e: FieldExpr) => void): boolean {
  switch (v.kind) {
    case 'field':
      visit(v.expr);
      return true;
    case 'number':
      return v.value === 0;
    case 'array':
      return constantValue(v.node) === 0;
    case 'complex':
      return eachField(v.re, visit) && eachField(v.im, visit);
    case 'tuple':
    case 'list':
      return v.elements.every((e) => eachField(e, visit));
    case 'record':
      return [...v.entries.values()].every((e) => eachField(e, visit));
    default:
      return false;
  }
}
