// Equal values side by side: a new leading axis. Records give records of arrays, numbers an array.

import { levelComplex } from './complex.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { flatten } from './leaves.ts';
import { staticDifference } from './static_parts.ts';
import type { ListValue, Value } from './values.ts';
import { describe, list } from './values.ts';
import * as b from '../../ir/build.ts';
import type { DType, Node } from '../../ir/types.ts';
import { isFloat, sameShape } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

/** Stacks values of one structure; a list of what cannot be stacked (functions, different shapes) when `loose`. */
export function stackValues(ctx: Context, values: readonly Value[], span: Span, loose = false): Value {
  const first = values[0];
  if (first === undefined) return list([]);
  const flats = levelComplex(ctx, values, span).map((v) => flatten(ctx, v, span));
  const model = at(flats, 0);
  const same = flats.every(
    (f) =>
      f.leaves.length === model.leaves.length &&
      f.leaves.every((l, i) => sameShape(l.node.shape, at(model.leaves, i).node.shape)),
  );
  const varies = values.map((v) => staticDifference(ctx, first, v)).find((d) => d !== undefined);
  if (!same || varies !== undefined || model.leaves.length === 0) {
    if (loose) return list(values);
    return failAt(
      ctx,
      'E201',
      same && varies !== undefined
        ? `the elements differ in what exists at compile time, ${describe(varies.one)} and ${describe(varies.other)}, so they make no array`
        : 'the elements differ in shape or structure, so they make no array',
      span,
      'a static list may hold them: list(f(i) for i in …)',
    );
  }
  const columns = model.leaves.map((_, i) => flats.map((f) => at(f.leaves, i).node));
  return flats[0] === undefined
    ? list([])
    : model.rebuild(columns.map((c) => b.stack(ctx.graph, level(ctx, c))));
}

/** The record of arrays that a list of records stands for: `[{ x: 0.0 }, { x: 1.0 }]`. */
export function recordOfArrays(ctx: Context, v: ListValue, span: Span): Value | undefined {
  if (!v.elements.every((e) => e.kind === 'record')) return undefined;
  const stacked = stackValues(ctx, v.elements, span, true);
  return stacked.kind === 'record' ? stacked : undefined;
}

function level(ctx: Context, nodes: readonly Node[]): readonly Node[] {
  const dtype: DType = nodes.find((n) => isFloat(n.dtype))?.dtype ?? at(nodes, 0).dtype;
  return nodes.map((n) => b.cast(ctx.graph, n, dtype));
}
