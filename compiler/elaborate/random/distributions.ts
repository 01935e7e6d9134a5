// Distributions whose `sample` makes one variable with draws of its own (rejection, gathers, several uniforms as they come):
//   { each: p, sample: p => x }     called for every element of the draw; the arrays in p go element by element
//   { given: p, sample: p => x }    p is handed over whole, as for a vector of probabilities;  { sample: () => x } without either
// `discrete: "name"` says that x jumps: what it depends on may not be differentiated, unless the draw says how to estimate the derivative, `estimator: name` or `name(…)`, by a function of the record
// `estimators`; it takes what `sample` takes, and its own arguments. The compiler knows no distribution and no estimator by name.

import type { Context } from '../context.ts';
import { failAt, withDraws } from '../context.ts';
import { enterLoop } from './draws.ts';
import { arrayOfList, flatten } from '../values/leaves.ts';
import { optionNamed } from '../names/options.ts';
import { LAMBDA } from '../names/patterns.ts';
import type { Scope } from '../names/scope.ts';
import type { CallArgument, OptionValue, RecordValue, Value } from '../values/values.ts';
import { array, describe } from '../values/values.ts';
import { batch } from '../../autodiff/batch.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat, sizeOf } from '../../ir/types.ts';
import { InternalError } from '../../support/diagnostic.ts';
import { didYouMean } from '../../support/did_you_mean.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** An estimator of a derivative as it was asked for. */
export interface Estimator {
  readonly word: OptionValue;
  readonly span: Span;
}

/** `estimator: straight_through`, `estimator: gumbel(0.5)`: words of the distribution, whatever else has that name; a local variable may hold one. */
export function estimatorWord(ctx: Context, e: ast.Expression, scope: Scope): Value {
  const name = e.kind === 'call' ? e.callee : e;
  if (name.kind !== 'name' || scope.find(name.name) !== undefined) return ctx.evaluate(e, scope);
  if (e.kind !== 'call') return optionNamed(name.name);
  const args = e.args.map((a, i) => [a.name?.name ?? `#${i}`, ctx.evaluate(a.value, scope)] as const);
  return optionNamed(name.name, new Map(args));
}

/** Whether the record has a `sample` of this kind. */
export const makesOne = (dist: RecordValue): boolean =>
  !dist.entries.has('uniforms') && dist.entries.has('sample');

/** `shape` variables of a distribution of the kind above. */
export function sampleEach(
  ctx: Context,
  dist: RecordValue,
  shape: readonly number[],
  span: Span,
  estimator: Estimator | undefined,
): Value {
  const whole = dist.entries.get('each');
  const each = whole === undefined ? undefined : withArrays(ctx, whole);
  const given = dist.entries.get('given');
  const discrete = dist.entries.get('discrete');
  const parameters = each ?? given;
  const sample = estimator === undefined ? dist.entries.get('sample') : estimatorOf(ctx, dist, estimator);
  if (sample === undefined)
    throw new InternalError('elaborate.distributions', 'a distribution without `sample`');
  const own: readonly CallArgument[] = estimator === undefined ? [] : argumentsOf(estimator);
  const marked =
    parameters !== undefined && discrete !== undefined && estimator === undefined
      ? refusingDerivatives(ctx, dist, discrete, parameters, span)
      : parameters;
  const one = (p: Value | undefined): Value =>
    ctx.call(sample, [...(p === undefined ? [] : [{ value: p, span }]), ...own], span);
  if (shape.length === 0) {
    if (each !== undefined) parameterShapes(ctx, each, shape, span);
    return one(marked);
  }

  const g = ctx.graph;
  const count = sizeOf(shape);
  const index = g.param('i', { dtype: 'i32', shape: [] });
  const mapping = new Map<Node, Node>([[index, g.iota([count], 0, 'i32')]]);
  const element =
    each === undefined || marked === undefined ? marked : elementOf(ctx, marked, shape, mapping, span);
  const value = withDraws(ctx, enterLoop(ctx, index, count), () => one(element));
  const flat = flatten(ctx, value, span);
  const nodes = flat.leaves.map((l) => l.node);
  const all = g.withOrigin(span, () => batch(g, nodes, mapping, count));
  return flat.rebuild(all.map((n) => b.reshape(g, n, [...shape, ...n.shape.slice(1)])));
}

/** Lists of numbers as the arrays they stand for. */
function withArrays(ctx: Context, v: Value): Value {
  switch (v.kind) {
    case 'list': {
      const node = arrayOfList(ctx, v);
      return node === undefined ? v : array(node);
    }
    case 'tuple':
      return { ...v, elements: v.elements.map((e) => withArrays(ctx, e)) };
    case 'record':
      return { ...v, entries: new Map([...v.entries].map(([k, e]) => [k, withArrays(ctx, e)])) };
    default:
      return v;
  }
}

/** The parameters of one element: parameters of the region that `mapping` fills with those of all elements. */
function elementOf(
  ctx: Context,
  parameters: Value,
  shape: readonly number[],
  mapping: Map<Node, Node>,
  span: Span,
): Value {
  const g = ctx.graph;
  parameterShapes(ctx, parameters, shape, span);
  const flat = flatten(ctx, parameters, span, { keepStatic: true });
  return flat.rebuild(
    flat.leaves.map(({ node, path }) => {
      if (node.shape.length === 0) return node;
      const p = g.param(path === '' ? 'p' : path, { dtype: node.dtype, shape: [] });
      mapping.set(p, b.reshape(g, b.broadcastTo(g, node, shape), [sizeOf(shape)]));
      return p;
    }),
  );
}

/** Parameters that go element by element have the shape of the draw, sizes 1 left out. */
function parameterShapes(ctx: Context, parameters: Value, shape: readonly number[], span: Span): void {
  for (const { node } of flatten(ctx, parameters, span, { keepStatic: true }).leaves) {
    const own = node.shape;
    const fits =
      own.length === 0 || (own.length === shape.length && own.every((n, i) => n === 1 || n === shape[i]));
    if (!fits) refuseShape(ctx, own, shape, span);
  }
}

/** A draw of one shape by parameters of another. */
export function refuseShape(
  ctx: Context,
  own: readonly number[],
  shape: readonly number[],
  span: Span,
): never {
  return failAt(
    ctx,
    'E286',
    shape.length === 0
      ? `the distribution has parameters of shape [${own.join(', ')}], but this draws one number`
      : `the distribution has parameters of shape [${own.join(', ')}], but the draw has shape [${shape.join(', ')}]`,
    span,
    `one number for every parameter: draw(…, [${own.join(', ')}]); several for each: [draw(…, [${own.join(', ')}]) for k in 0..n]`,
  );
}

/** The parameters, whose derivatives are refused with what to write instead. */
function refusingDerivatives(
  ctx: Context,
  dist: RecordValue,
  discrete: Value,
  parameters: Value,
  span: Span,
): Value {
  const name = discrete.kind === 'string' ? discrete.parts.join('') : 'this distribution';
  const known = estimatorNames(dist);
  // The derivative is taken later, when the calls around the draw are over.
  const calls = ctx.frames.flatMap(({ name }) => (name === LAMBDA ? [] : [name])).reverse();
  const where = calls.length === 0 ? '' : ` (drawn in ${calls.join(', called by ')})`;
  const refusal = {
    code: 'E283',
    message: `a draw of ${name} jumps, so it has no derivative, but its distribution depends on what is differentiated${where}`,
    help:
      known.length === 0
        ? 'stop_gradient(…) around the parameters ignores this dependence'
        : `say how to estimate the derivative: draw(…, estimator: ${known[0] ?? ''}) gives a value that carries it; there are ${known.join(', ')}. stop_gradient(…) around the draw ignores the dependence`,
  };
  const flat = flatten(ctx, parameters, span, { keepStatic: true });
  return ctx.graph.withOrigin(span, () =>
    flat.rebuild(
      flat.leaves.map(({ node }) => (isFloat(node.dtype) ? b.stopGradient(ctx.graph, node, refusal) : node)),
    ),
  );
}

function estimatorNames(dist: RecordValue): readonly string[] {
  const estimators = dist.entries.get('estimators');
  return estimators?.kind === 'record' ? [...estimators.entries.keys()] : [];
}

function estimatorOf(ctx: Context, dist: RecordValue, { word, span }: Estimator): Value {
  const estimators = dist.entries.get('estimators');
  const known = estimatorNames(dist);
  const found = estimators?.kind === 'record' ? estimators.entries.get(word.name) : undefined;
  if (found !== undefined) return found;
  const guess = didYouMean(word.name, known);
  const byScore = word.name === 'score';
  return failAt(
    ctx,
    'E287',
    known.length === 0
      ? 'this distribution has no estimators'
      : `this distribution has no estimator \`${word.name}\``,
    span,
    byScore
      ? 'the score multiplies what is made of the draw, so it needs that: use std.random { score_function } and write score_function(d, x => …)'
      : known.length === 0
        ? dist.entries.has('discrete')
          ? 'it jumps, and nothing is known that estimates its derivative; where its distribution does not depend on what is differentiated, leave out `estimator:`'
          : 'what it draws is differentiated as it stands; leave out `estimator:`'
        : guess === undefined
          ? `there are ${known.join(', ')}`
          : `did you mean \`${guess}\`? There are ${known.join(', ')}`,
  );
}

/** The arguments of `gumbel(0.5)`. */
function argumentsOf({ word, span }: Estimator): readonly CallArgument[] {
  return [...word.args].map(([name, value]) =>
    name.startsWith('#') ? { value, span } : { name, value, span },
  );
}

/** What `estimator:` was given. */
export function estimatorGiven(ctx: Context, value: Value, span: Span): Estimator {
  if (value.kind === 'option') return { word: value, span };
  return failAt(
    ctx,
    'E287',
    `\`estimator:\` takes the name of an estimator, but this is ${describe(value)}`,
    span,
    'write estimator: straight_through',
  );
}
