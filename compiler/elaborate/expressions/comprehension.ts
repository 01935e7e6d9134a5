// Comprehensions: the one way to batch. `[f(x) for x in xs]` elaborates its body once, for a fresh element, and batches the result over the elements; over a list whose elements are
// known one by one it is unrolled.

import { capturing, inRow } from '../values/closures.ts';
import type { Context, Members } from '../context.ts';
import { failAt, notYet, withDraws, withoutAsserts } from '../context.ts';
import { enterLoop } from '../random/draws.ts';
import { flatten } from '../values/leaves.ts';
import { inLibrary } from '../names/own_place.ts';
import { bindPattern } from '../names/patterns.ts';
import type { Scope } from '../names/scope.ts';
import { plainArrays } from '../solve/solve_parts.ts';
import type { LoopSource } from './sources.ts';
import { sourceOf } from './sources.ts';
import { stackValues } from '../values/stacking.ts';
import type { ArrayValue, Value } from '../values/values.ts';
import { array, list } from '../values/values.ts';
import { batch } from '../../autodiff/batch.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { FlowError } from '../../support/diagnostic.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

export function comprehension(
  ctx: Context,
  body: ast.Expression,
  generators: readonly ast.Generator[],
  scope: Scope,
  span: Span,
): Value {
  return comprehend(ctx, (s) => ctx.evaluate(body, s), generators, scope, span);
}

/** The same with any way to evaluate the body. `word` is what an element is called in messages. */
export function comprehend(
  ctx: Context,
  body: (s: Scope) => Value,
  generators: readonly ast.Generator[],
  scope: Scope,
  span: Span,
  word: Members['word'] = 'element',
): Value {
  const [first, ...rest] = generators;
  if (first === undefined) return body(scope);
  const inner = (s: Scope): Value =>
    rest.length === 0 ? body(s) : comprehend(ctx, body, rest, s, span, word);
  const literal = first.source.kind === 'list' || first.source.kind === 'tuple';
  const given = ctx.evaluate(first.source, scope);
  const over = (unrolled: boolean): Value =>
    comprehendOver(ctx, inner, first, sourceOf(ctx, given, first.source, unrolled), scope, span, word);
  // Numbers of a list that are known one by one are known to the body too where it needs that: [zeros([n]) for n in sizes].
  if (literal || given.kind !== 'list' || !given.elements.every(isKnown)) return over(literal);
  try {
    return over(false);
  } catch (rolled) {
    if (!(rolled instanceof FlowError)) throw rolled;
    try {
      return over(true);
    } catch (unrolled) {
      throw unrolled instanceof FlowError && rolled.diagnostics.every((d) => d.code !== 'E110')
        ? rolled
        : unrolled;
    }
  }
}

/** A number known at compile time, or a list of such. */
const isKnown = (v: Value): boolean =>
  v.kind === 'number' || (v.kind === 'list' && v.elements.every(isKnown));

function comprehendOver(
  ctx: Context,
  inner: (s: Scope) => Value,
  first: ast.Generator,
  source: LoopSource,
  scope: Scope,
  span: Span,
  word: Members['word'],
): Value {
  if (source.kind === 'dynamic')
    return failAt(
      ctx,
      'E202',
      'the length of an array must be known at compile time, but this range ends at a run-time number',
      first.source.span,
      'take the longest range and mask with where(i < n, …, 0)',
    );
  if (source.kind === 'static') {
    const values = source.elements.map((element, only) => {
      const child = scope.child();
      bindPattern(ctx, first.pattern, element, child, first.span, false);
      return solvedWithin(ctx, { mapping: new Map(), count: 1, word, only }, () => inner(child));
    });
    if (values.every((v) => v.kind === 'number')) return list(values);
    return stackValues(ctx, values, span, true);
  }
  const g = ctx.graph;
  const length = source.length;
  const index = g.param('i', { dtype: 'i32', shape: [] });
  const mapping = new Map<Node, Node>([[index, g.iota([length], 0, 'i32')]]);
  let element: Value;
  if (source.kind === 'array') {
    const slices = source.leaves.map((n, k) => {
      const p = g.param(`x${k}`, { dtype: n.dtype, shape: n.shape.slice(1) });
      mapping.set(p, n);
      return p;
    });
    element = source.element(slices);
  } else {
    const from =
      source.from.kind === 'number'
        ? source.from.value
        : source.from.kind === 'array'
          ? source.from.node
          : notYet(ctx, 'this range', span);
    element = from === 0 ? array(index) : array(b.add(g, index, from));
  }
  const child = scope.child();
  const value = solvedWithin(ctx, { mapping, count: length, word }, () =>
    withoutAsserts(ctx, () =>
      withDraws(ctx, enterLoop(ctx, index, length), () => {
        bindPattern(ctx, first.pattern, element, child, first.span, false);
        return inner(child);
      }),
    ),
  );
  // Elements in a row lie on no grid any more.
  const flat = flatten(ctx, capturing(ctx, plainArrays(ctx, value, span), mapping.keys(), span), span);
  if (flat.leaves.length === 0)
    return failAt(
      ctx,
      'E203',
      'the elements of a comprehension are numbers, arrays, or records of such',
      span,
      'a static list may hold functions: list(f(i) for i in 0..n)',
    );
  const batched = g.withMember(inLibrary(span) ? '' : word, () =>
    g.withOrigin(span, () =>
      batch(
        g,
        flat.leaves.map((l) => l.node),
        mapping,
        length,
      ),
    ),
  );
  return inRow(flat.rebuild(batched), length);
}

/** The work; solves and checks in it are known to belong to these members. */
function solvedWithin<T>(ctx: Context, members: Members, work: () => T): T {
  const before = ctx.solves.length;
  const { elements } = ctx;
  if (members.only !== undefined) ctx.elements = [...elements, `, in ${members.word} ${members.only}`];
  let made: T;
  try {
    made = work();
  } finally {
    ctx.elements = elements;
  }
  for (const [k, solve] of ctx.solves.entries())
    if (k >= before) ctx.solves[k] = { ...solve, within: [...(solve.within ?? []), members] };
  return made;
}

/** The body batched over the elements of an array value. */
export function comprehendElements(
  ctx: Context,
  body: (s: Scope) => Value,
  pattern: ast.Pattern,
  elements: ArrayValue,
  scope: Scope,
  span: Span,
): Value {
  const g = ctx.graph;
  const length = elements.node.shape[0] ?? 0;
  const index = g.param('i', { dtype: 'i32', shape: [] });
  const x = g.param('x', { dtype: elements.node.dtype, shape: elements.node.shape.slice(1) });
  const child = scope.child();
  const value = withDraws(ctx, enterLoop(ctx, index, length), () => {
    bindPattern(ctx, pattern, array(x), child, span, false);
    return body(child);
  });
  // Elements in a row lie on no grid any more.
  const flat = flatten(ctx, plainArrays(ctx, value, span), span);
  const mapping = new Map([
    [index, g.iota([length], 0, 'i32')],
    [x, elements.node],
  ]);
  return flat.rebuild(
    batch(
      g,
      flat.leaves.map((l) => l.node),
      mapping,
      length,
    ),
  );
}

/** `list(f(i) for i in 0..n)`: elements one by one, each with its static index. */
export function staticListOf(
  ctx: Context,
  body: ast.Expression,
  generators: readonly ast.Generator[],
  scope: Scope,
  span: Span,
): Value {
  const [first, ...rest] = generators;
  if (first === undefined) return ctx.evaluate(body, scope);
  const source = sourceOf(ctx, ctx.evaluate(first.source, scope), first.source, true);
  const elements: readonly Value[] =
    source.kind === 'static'
      ? source.elements
      : source.kind === 'range' && source.from.kind === 'number'
        ? Array.from({ length: source.length }, (_, i): Value => ({
            kind: 'number',
            value: (source.from.kind === 'number' ? source.from.value : 0) + i,
            integer: true,
          }))
        : failAt(
            ctx,
            'E204',
            'a static list runs over a range or a list known at compile time',
            first.source.span,
          );
  return list(
    elements.map((element) => {
      const child = scope.child();
      bindPattern(ctx, first.pattern, element, child, first.span, false);
      return rest.length === 0 ? ctx.evaluate(body, child) : staticListOf(ctx, body, rest, child, span);
    }),
  );
}
