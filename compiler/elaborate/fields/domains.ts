// Domains: the grid that a declaration gives for some numbers of cells.

import type { Context } from '../context.ts';
import { failAt, inCall, notYet } from '../context.ts';
import { staticInteger, staticNumber } from '../values/leaves.ts';
import type { CallArguments, DomainValue } from '../values/values.ts';
import type { Grid, GridAxis } from '../../field/types.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';
import type { Scope } from '../names/scope.ts';

export function gridOf(ctx: Context, domain: DomainValue, args: CallArguments, span: Span): Grid {
  const item = domain.item;
  const scope = domain.scope.child();
  ctx.bindArguments(item.name.name, item.params, args, scope, span);
  if (item.body.kind === 'alias') return notYet(ctx, 'a product of domains', item.body.value.span);
  if (item.body.scale !== undefined) notYet(ctx, '`scale` on a domain', item.body.scale.span);
  const twice = item.body.axes.find((x, i, all) => all.findIndex((y) => y.name.name === x.name.name) < i);
  if (twice !== undefined)
    failAt(
      ctx,
      'E324',
      `${item.name.name} has two axes called \`${twice.name.name}\``,
      twice.name.span,
      'every coordinate needs a name of its own',
    );
  const body = item.body;
  const axes = inCall(ctx, { name: item.name.name, span }, () =>
    body.axes.map((axis) => gridAxis(ctx, axis, scope)),
  );
  if (axes.length > 3)
    failAt(
      ctx,
      'E320',
      `a grid has one, two or three axes, but ${item.name.name} has ${axes.length}`,
      item.name.span,
    );
  const bare = body.axes.filter((axis) => axis.points === undefined);
  const [first] = bare;
  if (first !== undefined && bare.length < axes.length)
    failAt(
      ctx,
      'E326',
      `\`${first.name.name}\` has no cells, but other axes of ${item.name.name} have`,
      first.span,
      'give every axis its `cells n`, or none',
    );
  return { name: item.name.name, axes, ...(first === undefined ? {} : { exact: true }) };
}

function gridAxis(ctx: Context, axis: ast.Axis, scope: Scope): GridAxis {
  if (axis.components !== undefined) notYet(ctx, 'a vector coordinate', axis.components.span);
  if (axis.mapped !== undefined) notYet(ctx, '`mapped`', axis.mapped.span);
  const interval = ctx.evaluate(axis.interval, scope);
  if (interval.kind !== 'range')
    return failAt(
      ctx,
      'E321',
      `the axis ${axis.name.name} needs an interval`,
      axis.interval.span,
      `write ${axis.name.name}: 0 .. 1 cells 64`,
    );
  const bound = (v: typeof interval.from): number =>
    staticNumber(v) ??
    failAt(
      ctx,
      'E110',
      `the ends of the axis ${axis.name.name} must be known at compile time`,
      axis.interval.span,
    );
  const [from, to] = [bound(interval.from), bound(interval.to)];
  if (!(to > from))
    failAt(
      ctx,
      'E322',
      `the axis ${axis.name.name} runs from ${from} to ${to}: its end must be greater than its start`,
      axis.interval.span,
    );
  if (axis.points === undefined)
    return { name: axis.name.name, from, to, count: 0, kind: 'cells', periodic: axis.periodic };
  if (axis.points.rule === 'chebyshev') notYet(ctx, 'an axis of `chebyshev` points', axis.points.count.span);
  const count = staticInteger(
    ctx,
    ctx.evaluate(axis.points.count, scope),
    axis.points.count.span,
    `the number of ${axis.points.rule} of ${axis.name.name}`,
  );
  const least = axis.points.rule === 'nodes' && !axis.periodic ? 2 : 1;
  if (count < least)
    failAt(
      ctx,
      'E323',
      `the axis ${axis.name.name} has ${count} ${axis.points.rule}; it needs at least ${least}`,
      axis.points.count.span,
    );
  return {
    name: axis.name.name,
    from,
    to,
    count,
    kind: axis.points.rule === 'nodes' ? 'nodes' : 'cells',
    periodic: axis.periodic,
  };
}
