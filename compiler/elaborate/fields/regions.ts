// `region disc on plate = …`: a truth value in the coordinates, a bool field.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { toNode } from '../values/leaves.ts';
import { placeGrid } from './places.ts';
import { comprehendNodes } from '../values/pointwise.ts';
import type { Scope } from '../names/scope.ts';
import type { FieldValue } from '../values/values.ts';
import { array } from '../values/values.ts';
import { analytic } from '../../field/expression.ts';
import type { Node } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type * as ast from '../../syntax/ast.ts';

export function analyticRegion(ctx: Context, item: ast.RegionItem, scope: Scope): FieldValue {
  const place = { name: item.on, span: item.on.span };
  const home = placeGrid(ctx, place, scope);
  const names = home.axes.map((a) => a.name);
  const apply = (_g: unknown, coordinates: Readonly<Record<string, Node>>): Node => {
    const nodes = names.map(
      (n) =>
        coordinates[n] ??
        failAt(
          ctx,
          'E338',
          `the region ${item.name.name} lies on ${item.on.name}, which has the coordinates ${names.join(', ')}`,
          item.span,
        ),
    );
    return comprehendNodes(ctx, nodes, (points) => {
      const inner = scope.child();
      names.forEach((n, i) => inner.define(n, array(at(points, i)), item.span));
      const mask = toNode(ctx, ctx.evaluate(item.value, inner), item.value.span, 'a region');
      if (mask.dtype !== 'bool')
        failAt(
          ctx,
          'E336',
          'a region is a truth value in the coordinates',
          item.value.span,
          'write a comparison: x^2 + y^2 < 0.1',
        );
      return mask;
    });
  };
  // A region follows its domain to other numbers of cells, so it is tied to no grid.
  return {
    kind: 'field',
    expr: analytic(item.name.name, apply, item.span),
    coordinates: names,
    home,
    at: (points) => {
      const inner = scope.child();
      names.forEach((n, i) => inner.define(n, at(points, i), item.span));
      return ctx.evaluate(item.value, inner);
    },
  };
}
