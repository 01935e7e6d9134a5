// `draw(dist, shape)`: a distribution is a record of Flow, { uniforms, sample, log_prob }: `sample` makes the variable from that many independent uniforms in (0, 1). With { uniforms, variables,
// standard, sample, log_prob } `standard` makes several independent variables from them, which neighbouring draws share, and `sample` makes the variable from one of these. Those without
// `uniforms` make one variable at a time: distributions.ts.

import { shapeOf } from './arrays.ts';
import type { Given } from './registry.ts';
import { define } from './registry.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { Estimator } from '../random/distributions.ts';
import { estimatorGiven, makesOne, refuseShape, sampleEach } from '../random/distributions.ts';
import { ownVariable, uniforms } from '../random/draws.ts';
import { cellValues, leafOnGrid } from '../fields/grids.ts';
import { flatten, staticInteger } from '../values/leaves.ts';
import { atAddress, withSameDraws } from '../random/samples.ts';
import type { BuiltinValue, Value } from '../values/values.ts';
import { array, describe } from '../values/values.ts';
import { sameShape } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';

export function random(ctx: Context): BuiltinValue[] {
  /** The variables of a distribution that makes them from uniforms have the shape of the draw. */
  const checked = (drawn: Value, shape: readonly number[], span: Span): Value =>
    drawn.kind === 'array' && !sameShape(drawn.node.shape, shape)
      ? refuseShape(ctx, drawn.node.shape, shape, span)
      : drawn;
  const sample = (dist: Value, shape: readonly number[], span: Span, estimator?: Estimator): Value => {
    if (dist.kind === 'record' && (makesOne(dist) || estimator !== undefined))
      return sampleEach(ctx, dist, shape, span, estimator);
    return checked(fromUniforms(dist, shape, span), shape, span);
  };
  const fromUniforms = (dist: Value, shape: readonly number[], span: Span): Value => {
    const part = (name: string): Value | undefined =>
      dist.kind === 'record' ? dist.entries.get(name) : undefined;
    const [count, f] = [part('uniforms'), part('sample')];
    if (count === undefined || f === undefined)
      return failAt(
        ctx,
        'E280',
        `draw wants a distribution, but this is ${describe(dist)}`,
        span,
        dist.kind === 'function'
          ? `give it its arguments: draw(${dist.name}(…), [n])`
          : 'use std.random { normal } and write draw(normal(0, 1), [n])',
      );
    const n = staticInteger(ctx, count, span, 'the number of uniforms of a distribution');
    const standard = part('standard');
    if (standard === undefined)
      return ctx.call(
        f,
        uniforms(ctx, shape, n).map((u) => ({ value: array(u), span })),
        span,
      );
    const several = part('variables');
    const m =
      several === undefined
        ? 1
        : staticInteger(ctx, several, span, 'the number of variables of a distribution');
    const made = ctx.call(
      standard,
      uniforms(ctx, shape, n, m === 2 || m === 4 ? m : 1).map((u) => ({ value: array(u), span })),
      span,
    );
    const elements = m === 1 ? [made] : made.kind === 'tuple' ? made.elements : [];
    const nodes = elements.flatMap((v) => (v.kind === 'array' ? [v.node] : []));
    if (nodes.length !== m || ![1, 2, 4].includes(m))
      return failAt(
        ctx,
        'E281',
        `\`standard\` of a distribution with variables: ${m} gives ${describe(made)}`,
        span,
        'it gives one number for variables: 1, a pair (a, b) for 2, four numbers (a, b, c, d) for 4, each of the shape of the uniforms',
      );
    return ctx.call(f, [{ value: array(ownVariable(ctx, shape, n, nodes)), span }], span);
  };
  const drawn = (a: Given): Value => {
    const [dist, like, word] = [a.need('dist'), a.get('like'), a.get('estimator')];
    const estimator = word === undefined ? undefined : estimatorGiven(ctx, word, a.spanOf('estimator'));
    const ofShape = (shape: readonly number[]): Value => sample(dist, shape, a.span, estimator);
    if (like === undefined) {
      const shape = a.get('shape');
      return ofShape(shape === undefined ? [] : shapeOf(ctx, shape, a.spanOf('shape')));
    }
    if (like.kind === 'field' && like.grid !== undefined) {
      const value = ofShape(cellValues(ctx, like, a.span).shape);
      return value.kind === 'array' ? leafOnGrid(ctx, value.node, like.grid) : value;
    }
    const flat = flatten(ctx, like, a.span);
    return flat.rebuild(
      flat.leaves.map((l) => {
        const value = ofShape(l.node.shape);
        return value.kind === 'array' ? value.node : l.node;
      }),
    );
  };
  return [
    define(ctx, 'draw', ['dist', 'shape?', 'like?', 'at?', 'estimator?'], (a) => {
      const address = a.get('at');
      return address === undefined ? drawn(a) : atAddress(ctx, address, a.spanOf('at'), () => drawn(a));
    }),
    define(ctx, 'same_draws', ['f'], (a) => withSameDraws(ctx, a.need('f'), a.spanOf('f'))),
  ];
}
