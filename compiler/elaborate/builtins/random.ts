// `draw(dist, shape)`: a distribution is a record of Flow, { uniforms, sample, log_prob }: `sample` makes the variable from that many independent uniforms in (0, 1). With { uniforms, variables,
// standard, sample, log_prob } `standard` makes several independent variables from them, which neighbouring draws share, and `sample` makes the variable from one of these.

import { shapeOf } from './arrays.ts';
import { define } from './registry.ts';
import type { Context } from '../context.ts';
import { failAt, notYet } from '../context.ts';
import { ownVariable, uniforms } from '../draws.ts';
import { cellValues, leafOnGrid } from '../grids.ts';
import { flatten, staticInteger } from '../leaves.ts';
import type { BuiltinValue, Value } from '../values.ts';
import { array, describe } from '../values.ts';
import type { Span } from '../../support/span.ts';

export function random(ctx: Context): BuiltinValue[] {
  const sample = (dist: Value, shape: readonly number[], span: Span): Value => {
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
    return ctx.call(f, [{ value: array(ownVariable(ctx, shape, nodes)), span }], span);
  };
  return [
    define(ctx, 'draw', ['dist', 'shape?', 'like?', 'at?', 'estimator?'], (a) => {
      for (const later of ['at', 'estimator'])
        if (a.get(later) !== undefined) notYet(ctx, `\`${later}:\` of draw`, a.spanOf(later));
      const dist = a.need('dist');
      const like = a.get('like');
      if (like === undefined) {
        const shape = a.get('shape');
        return sample(dist, shape === undefined ? [] : shapeOf(ctx, shape, a.spanOf('shape')), a.span);
      }
      if (like.kind === 'field' && like.grid !== undefined) {
        const grid = like.grid;
        const drawn = sample(dist, cellValues(ctx, like, a.span).shape, a.span);
        return drawn.kind === 'array' ? leafOnGrid(ctx, drawn.node, grid) : drawn;
      }
      const flat = flatten(ctx, like, a.span);
      return flat.rebuild(
        flat.leaves.map((l) => {
          const drawn = sample(dist, l.node.shape, a.span);
          return drawn.kind === 'array' ? drawn.node : l.node;
        }),
      );
    }),
  ];
}
