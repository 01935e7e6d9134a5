// Names and tuples on the left of `let`, in parameters and generators.

import { complexNodes, shapeOfComplex } from '../values/complex_parts.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import * as b from '../../ir/build.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';
import type { Scope } from './scope.ts';
import type { Value } from '../values/values.ts';
import { array, complex, describe } from '../values/values.ts';

export function bindPattern(
  ctx: Context,
  pattern: ast.Pattern,
  value: Value,
  scope: Scope,
  span: Span,
  mutable: boolean,
): void {
  if (pattern.kind === 'name-pattern') {
    scope.define(pattern.name, value, pattern.span, mutable, ctx.regions.length);
    return;
  }
  const parts = partsOf(ctx, value, pattern.elements.length, span);
  if (parts === undefined)
    failAt(
      ctx,
      'E180',
      `a tuple of ${pattern.elements.length} is wanted here, but this is ${describe(value)}`,
      span,
    );
  pattern.elements.forEach((p, i) => {
    const part = parts[i];
    if (part !== undefined) bindPattern(ctx, p, part, scope, span, mutable);
  });
}

function partsOf(ctx: Context, value: Value, count: number, span: Span): readonly Value[] | undefined {
  if (value.kind === 'tuple' || value.kind === 'list')
    return value.elements.length === count ? value.elements : undefined;
  if (value.kind === 'complex' && shapeOfComplex(value)[0] === count) {
    const [re, im] = complexNodes(ctx, value, span);
    return Array.from({ length: count }, (_, i) =>
      complex(array(b.indexAxis(ctx.graph, re, 0, i)), array(b.indexAxis(ctx.graph, im, 0, i))),
    );
  }
  if (value.kind === 'array' && value.node.shape[0] === count)
    return Array.from({ length: count }, (_, i) => array(b.indexAxis(ctx.graph, value.node, 0, i)));
  return undefined;
}

export const LAMBDA = 'the function';

/** A lambda bound to a name has that name in messages. */
export function named(pattern: ast.Pattern, value: Value): Value {
  return pattern.kind === 'name-pattern' ? nameFunction(value, pattern.name) : value;
}

export function nameFunction(value: Value, name: string): Value {
  return value.kind === 'function' && value.name === LAMBDA ? { ...value, name } : value;
}

/** Names a pattern binds. */
export function namesOf(pattern: ast.Pattern): string[] {
  return pattern.kind === 'name-pattern' ? [pattern.name] : pattern.elements.flatMap(namesOf);
}
