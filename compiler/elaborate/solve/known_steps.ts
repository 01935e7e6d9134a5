// A step of a method as it is taken several times in one solve, with other times, lengths and states: elaborated once for each form of what it is given (values/template.ts). Events take a step whole, in the search for their
// times, up to them and behind them.
//
// What is known at compile time (the number of a step that begins anew, a memory made of constants) is part of the form, and so are the functions of the system.

import type { Context } from '../context.ts';
import { define } from '../builtins/registry.ts';
import { flatten } from '../values/leaves.ts';
import type { Flattened } from '../values/leaves.ts';
import type { Templated } from '../values/template.ts';
import { templated } from '../values/template.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { record } from '../values/values.ts';
import { hasParameters } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { assertNever } from '../../support/diagnostic.ts';
import type { Span } from '../../support/span.ts';
import { at } from '../../support/lists.ts';
import { positional } from './solve_parts.ts';

/** More forms than one solve asks for. */
const FORMS = 16;

/** The method with a step that is elaborated once. */
export function withKnownStep(ctx: Context, method: RecordValue): RecordValue {
  const step = method.entries.get('step');
  if (step === undefined) return method;
  const numbers = new Map<unknown, number>();
  const numberOf = (x: unknown): number => {
    const known = numbers.get(x) ?? numbers.size;
    numbers.set(x, known);
    return known;
  };
  const templates = new Map<string, Templated>();
  const known = define(ctx, 'step', ['sys', 'k', 'y', 'mem'], (a) => {
    const given = [a.need('sys'), a.need('k'), a.need('y'), a.need('mem')];
    const [sys, ...moving] = given;
    const forms = moving.map((v) => formOf(v, numberOf));
    if (sys === undefined || forms.includes(undefined))
      return ctx.call(step, positional(a.span, ...given), a.span);
    const flats = moving.map((v) => flatten(ctx, v, a.span, { keepStatic: true }));
    const nodes = flats.flatMap((f) => f.leaves.map((l) => l.node));
    const free = nodes.filter(hasParameters);
    const fixed = nodes.map((n) => (hasParameters(n) ? '' : n.id)).join();
    const form = `${numberOf(sys)}(${forms.join()})${fixed}`;
    let template = templates.get(form);
    if (template === undefined) {
      template = templated(
        ctx,
        (leaves) =>
          flatten(ctx, takeStep(ctx, step, sys, flats, nodes, leaves, a.span), a.span, { keepStatic: true }),
        {
          fit: (made) => formOf(made.rebuild(made.leaves.map((l) => l.node)), () => undefined) !== undefined,
        },
      );
      if (templates.size < FORMS) templates.set(form, template);
    }
    const made = template(free, form);
    return made.rebuild(made.leaves.map((l) => l.node));
  });
  return record([...method.entries, ['step', known]]);
}

/** The step from values with other leaves in place of those that depend on parameters. */
function takeStep(
  ctx: Context,
  step: Value,
  sys: Value,
  flats: readonly Flattened[],
  nodes: readonly Node[],
  leaves: readonly Node[],
  span: Span,
): Value {
  let next = 0;
  const all = nodes.map((n) => (hasParameters(n) ? at(leaves, next++) : n));
  let taken = 0;
  const values = flats.map((f) => f.rebuild(all.slice(taken, (taken += f.leaves.length))));
  return ctx.call(step, positional(span, sys, ...values), span);
}

/** What a value is made of, but for its arrays; `numberOf` tells things apart that are the same or not. Undefined when it holds what may hold nodes that are no leaves. */
function formOf(v: Value, numberOf: (x: unknown) => number | undefined): string | undefined {
  const all = (values: Iterable<readonly [string, Value]>): string | undefined => {
    let text = '';
    for (const [name, value] of values) {
      const form = formOf(value, numberOf);
      if (form === undefined) return undefined;
      text += `${name}:${form},`;
    }
    return `(${text})`;
  };
  const same = (x: unknown): string | undefined => {
    const number = numberOf(x);
    return number === undefined ? undefined : `=${number}`;
  };
  switch (v.kind) {
    case 'array':
      return 'a';
    case 'number':
      return `${Object.is(v.value, -0) ? '-0' : v.value}${v.integer ? 'i' : 'r'}`;
    case 'bool':
      return String(v.value);
    case 'complex':
      return all([
        ['re', v.re],
        ['im', v.im],
      ]);
    case 'tuple':
      return v.axes === undefined ? all(v.elements.map((e) => ['t', e])) : undefined;
    case 'list':
      return all(v.elements.map((e) => ['', e]));
    case 'record':
      return v.call === undefined && v.parts === undefined ? all(v.entries) : undefined;
    case 'function':
      return v.captured === undefined ? same(v) : undefined;
    case 'string':
    case 'builtin':
    case 'layer':
    case 'domain':
    case 'grid':
    case 'model':
    case 'instance':
    case 'option':
      return same(v);
    case 'field':
    case 'range':
      return undefined;
    default:
      return assertNever(v);
  }
}
