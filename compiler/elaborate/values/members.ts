// `value.name`: parts of records, components of vectors, first and last elements, coordinates of domains, the functions of a model.

import { partwise } from './complex.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { gridOf } from '../fields/domains.ts';
import { toNode } from './leaves.ts';
import { optionNamed } from '../names/options.ts';
import { recordOfArrays } from './stacking.ts';
import type { Value } from './values.ts';
import { array, describe, text } from './values.ts';
import { coordinate } from '../../field/expression.ts';
import type { Grid } from '../../field/types.ts';
import * as b from '../../ir/build.ts';
import { didYouMean } from '../../support/did_you_mean.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

export function member(ctx: Context, target: Value, name: string, span: Span): Value {
  const end = name === 'first' || name === 'last';
  switch (target.kind) {
    case 'record': {
      const found = target.entries.get(name);
      if (found !== undefined) return found;
      if (end && target.entries.size > 0)
        return {
          kind: 'record',
          entries: new Map([...target.entries].map(([k, v]) => [k, member(ctx, v, name, span)])),
        };
      const hint = target.hint?.(name);
      const guess = didYouMean(name, target.entries.keys());
      return failAt(
        ctx,
        'E240',
        `${describe(target)} has no part \`${name}\``,
        span,
        hint ?? (guess ? `did you mean \`${guess}\`?` : undefined),
      );
    }
    case 'tuple': {
      const component = target.axes?.indexOf(name) ?? -1;
      if (component >= 0) return at(target.elements, component);
      if (end && target.elements.length > 0)
        return at(target.elements, name === 'first' ? 0 : target.elements.length - 1);
      break;
    }
    case 'list':
      if (end && target.elements.length > 0)
        return at(target.elements, name === 'first' ? 0 : target.elements.length - 1);
      {
        const whole = recordOfArrays(ctx, target, span);
        if (whole !== undefined) return member(ctx, whole, name, span);
      }
      break;
    case 'complex':
      if (end) return partwise(ctx, target, span, (part) => member(ctx, part, name, span));
      return failAt(
        ctx,
        'E240',
        `${describe(target)} has no part \`${name}\``,
        span,
        name === 're' || name === 'im' || name === 'real' || name === 'imag' || name === 'conj'
          ? `these are functions: ${name.slice(0, 2) === 'co' ? 'conj' : name.slice(0, 2)}(z)`
          : undefined,
      );
    case 'array': {
      const extent = target.node.shape[0];
      if (end && extent !== undefined && extent > 0)
        return array(b.indexAxis(ctx.graph, target.node, 0, name === 'first' ? 0 : extent - 1));
      break;
    }
    case 'field':
      if (target.expr.kind === 'coordinate' && (name === 'min' || name === 'max'))
        return optionNamed(
          'wall',
          new Map([
            ['axis', text(target.expr.axis)],
            ['side', text(name)],
          ]),
        );
      if (end && target.grid !== undefined)
        return member(ctx, array(toNode(ctx, target, span, 'this')), name, span);
      break;
    case 'range':
      if (name === 'from') return target.from;
      if (name === 'to') return target.to;
      break;
    case 'domain':
      return coordinateOf(ctx, gridOf(ctx, target, [], span), name, span);
    case 'grid':
      return coordinateOf(ctx, target.grid, name, span);
    case 'model':
    case 'instance':
      return ctx.modelMember(target, name, span);
    default:
      break;
  }
  return failAt(ctx, 'E240', `${describe(target)} has no part \`${name}\``, span);
}

/** `plate.x`: the coordinate as a field on the domain. */
function coordinateOf(ctx: Context, grid: Grid, name: string, span: Span): Value {
  if (!grid.axes.some((a) => a.name === name))
    failAt(
      ctx,
      'E241',
      `the domain ${grid.name} has no coordinate \`${name}\`; it has ${grid.axes.map((a) => a.name).join(', ')}`,
      span,
    );
  return { kind: 'field', expr: coordinate(name, span), grid };
}
