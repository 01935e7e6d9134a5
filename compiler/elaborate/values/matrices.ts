// The matrix product `@` and what goes with it.

import { bilinear } from './complex.ts';
import { hasComplex } from './complex_parts.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { toReal } from './leaves.ts';
import type { Value } from './values.ts';
import { array, describe, describeNode } from './values.ts';
import type { Node } from '../../ir/types.ts';
import * as b from '../../ir/build.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

const shown = (v: Value, node: Node): string => (v.kind === 'number' ? describe(v) : describeNode(node));

export function matrixProduct(ctx: Context, left: Value, right: Value, span: Span): Value {
  if (hasComplex(left) || hasComplex(right))
    return bilinear(ctx, left, right, span, (x, y) => matrixProduct(ctx, x, y, span));
  const [x, y] = [toReal(ctx, left, span, '`@`'), toReal(ctx, right, span, '`@`')];
  const wrong = (why: string, help?: string): never =>
    failAt(ctx, 'E210', `\`@\` cannot multiply ${shown(left, x)} by ${shown(right, y)}: ${why}`, span, help);
  if (x.shape.length === 0 || y.shape.length === 0)
    wrong('a number is no matrix', 'a product with a number is written with `*`');
  const inner = at(x.shape, x.shape.length - 1);
  const other = y.shape.length === 1 ? at(y.shape, 0) : at(y.shape, y.shape.length - 2);
  if (inner !== other)
    wrong(
      `the inner sizes are ${inner} and ${other}`,
      x.shape.length === 2 && at(x.shape, 0) === other ? 'transpose(a) @ b would fit' : undefined,
    );
  if (x.shape.length > 2 || y.shape.length > 2)
    wrong('these are no matrices or vectors', 'batch with a comprehension: [a[i] @ b for i in 0..n]');
  return array(b.matmul(ctx.graph, x, y));
}
