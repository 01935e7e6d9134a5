// Indexed losses, `loss fit(i in 0..n, j in 0..m) = …`: as a value the mean of their terms; where only a batch is seen (batches.ts), of the terms in it. In: the item and where its
// body is evaluated. Out: an array with one entry a term. Terms are numbered with the last index running fastest.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { comprehend, comprehendElements } from '../expressions/comprehension.ts';
import { flatten, toNode } from '../values/leaves.ts';
import { bindPattern } from '../names/patterns.ts';
import { Scope } from '../names/scope.ts';
import type { Module } from '../names/scope.ts';
import { sourceOf } from '../expressions/sources.ts';
import type { Value } from '../values/values.ts';
import { array, record } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { at, range } from '../../support/lists.ts';
import type * as ast from '../../syntax/ast.ts';

interface Index {
  readonly generator: ast.Generator;
  readonly from: number;
  readonly count: number;
}

/** The mean over the terms that are seen, of the loss and of what it monitors. */
export function indexedLoss(
  ctx: Context,
  item: ast.LossItem,
  generators: readonly ast.Generator[],
  scope: Scope,
  term: (s: Scope) => { readonly value: Value; readonly monitors: ReadonlyMap<string, Value> },
): { readonly value: Value; readonly monitors: ReadonlyMap<string, Value> } {
  const g = ctx.graph;
  const terms = overTerms(ctx, item, generators, scope, (s) => {
    const { value, monitors } = term(s);
    return monitors.size === 0 ? value : record([[VALUE, value], ...monitors]);
  });
  const axes = range(ctx.batch === undefined ? generators.length : 1);
  const flat = flatten(ctx, terms, item.body.span);
  const mean = flat.rebuild(
    flat.leaves.map(({ node }) => {
      const count = axes.reduce((n, axis) => n * at(node.shape, axis), 1);
      return b.mul(g, b.reduceSum(g, b.cast(g, node, ctx.real), axes), 1 / Math.max(1, count));
    }),
  );
  if (mean.kind !== 'record') return { value: mean, monitors: new Map() };
  return {
    value: mean.entries.get(VALUE) ?? mean,
    monitors: new Map([...mean.entries].filter(([name]) => name !== VALUE)),
  };
}

/** No name of a monitor. */
const VALUE = '#value';

/** What `term` gives for every term that is seen, as one array: [terms, …] in a batch, [n, m, …] otherwise. */
export function termsOfLoss(
  ctx: Context,
  item: ast.LossItem,
  generators: readonly ast.Generator[],
  scope: Scope,
  term: (s: Scope) => Value,
): Node {
  return toNode(ctx, overTerms(ctx, item, generators, scope, term), item.body.span, 'a loss');
}

function overTerms(
  ctx: Context,
  item: ast.LossItem,
  generators: readonly ast.Generator[],
  scope: Scope,
  term: (s: Scope) => Value,
): Value {
  const span = item.body.span;
  const indices = indicesOf(ctx, item, generators, scope);
  const total = indices.reduce((n, i) => n * i.count, 1);
  const { batch } = ctx;
  if (batch === undefined) return comprehend(ctx, term, generators, scope, span);
  if (batch.size > total)
    failAt(
      ctx,
      'E454',
      `a batch of ${batch.size} is larger than the ${total} terms of ${item.name.name}`,
      at(generators, 0).source.span,
    );
  const positions = array(batch.indices(item, total));
  const name = '#term';
  return comprehendElements(
    ctx,
    (s) => {
      const position = s.find(name)?.value;
      const inner = s.child();
      bindIndices(ctx, indices, position?.kind === 'array' ? position.node : positions.node, inner);
      return term(inner);
    },
    { kind: 'name-pattern', name, span },
    positions,
    scope,
    span,
  );
}

/** The indices of the term at this position. */
function bindIndices(ctx: Context, indices: readonly Index[], position: Node, scope: Scope): void {
  const g = ctx.graph;
  let rest = position;
  [...indices].reverse().forEach(({ generator, from, count }, k) => {
    const last = k === indices.length - 1;
    const index = last ? rest : b.rem(g, rest, count);
    if (!last) rest = b.idiv(g, rest, count);
    bindPattern(
      ctx,
      generator.pattern,
      array(from === 0 ? index : b.add(g, index, from)),
      scope,
      generator.span,
      false,
    );
  });
}

/** Ranges known at compile time. */
function indicesOf(
  ctx: Context,
  item: ast.LossItem,
  generators: readonly ast.Generator[],
  scope: Scope,
): readonly Index[] {
  return generators.map((generator) => {
    const source = sourceOf(ctx, ctx.evaluate(generator.source, scope), generator.source, false);
    if (source.kind !== 'range' || source.from.kind !== 'number')
      return failAt(
        ctx,
        'E110',
        'an indexed loss runs over a range known at compile time',
        generator.source.span,
        'write loss l(i in 0..n) = …',
      );
    if (source.length === 0)
      failAt(ctx, 'E262', `the loss ${item.name.name} has no terms`, generator.source.span);
    return { generator, from: source.from.value, count: source.length };
  });
}

/** The number of terms of an indexed loss. */
export function termCount(
  ctx: Context,
  item: ast.LossItem,
  generators: readonly ast.Generator[],
  module: Module,
): number {
  return indicesOf(ctx, item, generators, new Scope(module, undefined)).reduce((n, i) => n * i.count, 1);
}

/** The indexed losses that an expression mentions, itself or through other losses and `let`s of the file. */
export function indexedLossesIn(e: ast.Expression, scope: Scope): readonly ast.LossItem[] {
  const found = new Set<ast.LossItem>();
  const seen = new Set<string>();
  const visit = (x: unknown): void => {
    if (Array.isArray(x)) {
      x.forEach(visit);
      return;
    }
    if (typeof x !== 'object' || x === null) return;
    if ('kind' in x && x.kind === 'name' && 'name' in x && typeof x.name === 'string') {
      if (seen.has(x.name) || scope.find(x.name) !== undefined) return;
      seen.add(x.name);
      const item = scope.module.items.get(x.name);
      if (item?.kind === 'loss' && item.generators !== undefined) found.add(item);
      else if (item?.kind === 'loss') visit(item.body);
      else if (item?.kind === 'let') visit(item.value);
      return;
    }
    for (const [key, part] of Object.entries(x)) if (key !== 'span') visit(part);
  };
  visit(e);
  return [...found];
}
