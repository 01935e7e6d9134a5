// The right side of a model, elaborated once. A step of a Runge-Kutta method asks for it several times; what changes is where: time and states. So the equations are discretised for parameters in
// their place, and every question is answered by the same graph with its own time and states put in. Done only where that cannot show: time and states are not known at compile time (a condition on
// them could be decided), and the equations leave nothing behind but their nodes (no draws, no assertions, no solves of their own).

import type { Context } from './context.ts';
import { flatten } from './leaves.ts';
import type { Flattened } from './leaves.ts';
import type { PreparedModel } from './model.ts';
import type { FieldValue, RecordValue, Value } from './values.ts';
import { record } from './values.ts';
import type { AxisGhosts } from '../field/types.ts';
import * as b from '../ir/build.ts';
import { hasParameters, substitute } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { at } from '../support/lists.ts';
import type { Span } from '../support/span.ts';

interface Template {
  /** What time and states look like: kinds, shapes, names. */
  readonly form: string;
  readonly params: readonly Node[];
  readonly rates: Flattened;
}

/** dy/dt at (t, y), with y and the rates as candidates for storage. */
export type Rates = (t: Node, y: RecordValue) => RecordValue;

export function rightSide(ctx: Context, model: PreparedModel, span: Span): Rates {
  const direct: Rates = (t, y) => kept(ctx, model.rhs(t, kept(ctx, y, span)), span);
  let template: Template | undefined;
  let unfit = false;
  return (t, y) => {
    const form = formOf(y);
    const states = flatten(ctx, y, span);
    const given = [t, ...states.leaves.map((l) => l.node)];
    if (unfit || form === undefined || !given.every(hasParameters)) return direct(t, y);
    if (template === undefined) {
      const params = given.map((n, i) => ctx.graph.param(i === 0 ? 't' : at(states.leaves, i - 1).path, n));
      const before = [ctx.asserts.length, ctx.solves.length, ctx.diagnostics.length, ctx.draws.ordinal];
      const made = direct(at(params, 0), asRecord(states.rebuild(params.slice(1)), y));
      const after = [ctx.asserts.length, ctx.solves.length, ctx.diagnostics.length, ctx.draws.ordinal];
      if (after.some((n, i) => n !== before[i])) {
        unfit = true;
        ctx.asserts.length = before[0] ?? 0;
        ctx.solves.length = before[1] ?? 0;
        ctx.diagnostics.length = before[2] ?? 0;
        ctx.draws.ordinal = before[3] ?? 0;
        return direct(t, y);
      }
      template = { form: `${form}|${typesOf(params)}`, params, rates: flatten(ctx, made, span) };
    }
    const { params, rates } = template;
    if (template.form !== `${form}|${typesOf(given)}`) return direct(t, y);
    const nodes = substitute(
      ctx.graph,
      rates.leaves.map((l) => l.node),
      new Map(params.map((p, i) => [p, at(given, i)])),
    );
    return withConditions(asRecord(rates.rebuild(nodes), y), model, t, y);
  };
}

export function kept(ctx: Context, v: RecordValue, span: Span): RecordValue {
  const flat = flatten(ctx, v, span);
  return asRecord(flat.rebuild(flat.leaves.map((l) => b.keep(ctx.graph, l.node))), v);
}

function asRecord(v: Value, otherwise: RecordValue): RecordValue {
  return v.kind === 'record' ? v : otherwise;
}

function typesOf(nodes: readonly Node[]): string {
  return nodes.map((n) => `${n.dtype}[${n.shape.join()}]`).join();
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
