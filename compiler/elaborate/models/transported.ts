// Rates where a space scheme takes values against the wind: state by state, component by component.

import { isPart } from '../values/complex_parts.ts';
import type { Context } from '../context.ts';
import { contextOf, leafOnGrid } from '../fields/grids.ts';
import type { ComplexPart, Value } from '../values/values.ts';
import { complex } from '../values/values.ts';
import type { Grid } from '../../field/types.ts';
import { takesSides, transportedRate } from '../../field/upwind.ts';
import { at } from '../../support/lists.ts';

/** The rate of a state; fields are brought to the unknowns where the scheme asks for it. */
export function withTransport(ctx: Context, rate: Value, own: Value, grid: Grid | undefined): Value {
  if (grid === undefined || !takesSides(grid)) return rate;
  const one = (r: ComplexPart, s: ComplexPart): ComplexPart =>
    r.kind === 'field' && s.kind === 'field' && s.expr.kind === 'leaf'
      ? leafOnGrid(ctx, transportedRate(contextOf(ctx, grid), r.expr, s.expr), grid, s)
      : r;
  if ((rate.kind === 'tuple' || rate.kind === 'list') && own.kind === 'tuple')
    return rate.elements.length === own.elements.length
      ? { ...rate, elements: rate.elements.map((r, i) => withTransport(ctx, r, at(own.elements, i), grid)) }
      : rate;
  if (rate.kind === 'complex' && own.kind === 'complex')
    return complex(one(rate.re, own.re), one(rate.im, own.im));
  return isPart(rate) && isPart(own) ? one(rate, own) : rate;
}
