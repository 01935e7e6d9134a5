// Giving a value the structure, element types and shapes of another: what stands in for a parameter, what a loop carries, the two results of a run-time choice.

import { asComplex, paired } from './complex.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { cellValues, gridShape, leafOnGrid } from '../fields/grids.ts';
import { toNode } from './leaves.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat, sameShape } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';
import type { ComplexPart, Value } from './values.ts';
import { array, describe, describeNode } from './values.ts';

/** `value` as something of the structure of `like`; scalars spread, ints become real, function fields are evaluated on the grid of `like`. */
export function conform(ctx: Context, value: Value, like: Value, span: Span, what: string): Value {
  switch (like.kind) {
    case 'number':
    case 'array': {
      const node = toNode(ctx, value, span, what);
      return array(conformNode(ctx, node, like.kind === 'array' ? like.node : undefined, span, what));
    }
    case 'complex': {
      const parts = asComplex(ctx, value, span);
      if (parts === undefined)
        return failAt(ctx, 'E160', `${what} wants ${describe(like)}, but this is ${describe(value)}`, span);
      const [re, im] = [parts.re, parts.im].map((p, i) =>
        conform(ctx, p, i === 0 ? partLike(like.re, like.im) : partLike(like.im, like.re), span, what),
      );
      return re === undefined || im === undefined ? value : paired(ctx, re, im, span);
    }
    case 'field': {
      if (like.grid === undefined) return value;
      if (value.kind === 'field')
        return leafOnGrid(ctx, cellValues(ctx, value, span, like.grid), like.grid, like);
      return leafOnGrid(
        ctx,
        toShape(ctx, toNode(ctx, value, span, what), gridShape(like.grid), span, what),
        like.grid,
        like,
      );
    }
    case 'record': {
      if (value.kind !== 'record')
        return failAt(ctx, 'E160', `${what} wants ${describe(like)}, but this is ${describe(value)}`, span);
      return {
        ...like,
        entries: new Map(
          [...like.entries].map(([k, l]) => {
            const v = value.entries.get(k);
            return [
              k,
              v === undefined
                ? failAt(ctx, 'E160', `${what} wants ${describe(like)}, but \`${k}\` is missing`, span)
                : conform(ctx, v, l, span, `${what}.${k}`),
            ];
          }),
        ),
      };
    }
    case 'tuple':
    case 'list': {
      const elements = value.kind === 'tuple' || value.kind === 'list' ? value.elements : undefined;
      if (elements === undefined || elements.length !== like.elements.length)
        return failAt(ctx, 'E160', `${what} wants ${describe(like)}, but this is ${describe(value)}`, span);
      return {
        ...like,
        elements: like.elements.map((l, i) => conform(ctx, elements[i] ?? l, l, span, what)),
      };
    }
    default:
      return value;
  }
}

/** A part that is known at compile time lies where the other one does. */
const partLike = (part: ComplexPart, other: ComplexPart): ComplexPart =>
  part.kind === 'number' ? other : part;

function conformNode(ctx: Context, node: Node, like: Node | undefined, span: Span, what: string): Node {
  if (like === undefined) return node;
  const g = ctx.graph;
  if (node.dtype === 'bool' && like.dtype !== 'bool')
    return failAt(
      ctx,
      'E161',
      `${what} wants ${describeNode(like)}, but this is ${describeNode(node)}`,
      span,
    );
  if (isFloat(node.dtype) && !isFloat(like.dtype))
    return failAt(
      ctx,
      'E161',
      `${what} wants ${describeNode(like)}, but this is ${describeNode(node)}`,
      span,
      'int(…), round(…) or floor(…) make whole numbers',
    );
  return toShape(ctx, b.cast(g, node, like.dtype), like.shape, span, what);
}

function toShape(ctx: Context, node: Node, shape: readonly number[], span: Span, what: string): Node {
  if (sameShape(node.shape, shape)) return node;
  if (node.shape.length === 0) return b.broadcastTo(ctx.graph, node, shape);
  return failAt(
    ctx,
    'E162',
    `${what} has shape [${shape.join(', ')}], but this has [${node.shape.join(', ')}]`,
    span,
  );
}
