// `draw(dist, shape)`: a distribution is a record of Flow, { uniforms, sample, log_prob }: `sample` makes the variable from that many independent uniforms in (0, 1).

import { shapeOf } from './arrays.ts';
import { define } from './registry.ts';
import type { Context } from '../context.ts';
import { failAt, notYet } from '../context.ts';
import { uniforms } from '../draws.ts';
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
    return ctx.call(
      f,
      uniforms(ctx, shape, n).map((u) => ({ value: array(u), span })),
      span,
    );
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
