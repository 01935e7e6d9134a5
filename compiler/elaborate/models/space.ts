// `space:` of a solve: how derivatives along the axes of the model's domain are approximated. A space scheme is a record of Flow (std.space), of one of two kinds:
//   { face, slope, derivatives }   rows of weights of neighbours, for unit spacing; with `biased` and `reach` transport takes one-sided values
//   { whole: (u, k) => … }         a linear map of the values along a whole periodic axis; k = { axis, order, shift, length }
// or a record of schemes by axes, { x: spectral, y: central(4) }. What comes out is the model's grid with schemes on its axes; the compiler knows no scheme by name.

import type { Context } from '../context.ts';
import { failAt, inCall } from '../context.ts';
import { staticInteger, staticList, toReal } from '../values/leaves.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array, describe, int, list, number, record } from '../values/values.ts';
import type { Grid, GridAxis, Scheme, StencilScheme } from '../../field/types.ts';
import type { Node } from '../../ir/types.ts';
import { sameShape } from '../../ir/types.ts';
import { at, spoken } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

const KINDS = ['face', 'slope', 'derivatives', 'whole'];

/** The grid with the schemes of `space:` on its axes. */
export function withSpace(ctx: Context, grid: Grid, space: Value, span: Span): Grid {
  const given = schemeValue(ctx, space, span);
  if (given.kind !== 'record') return noScheme(ctx, given, span);
  const names = [...given.entries.keys()];
  if (names.some((n) => KINDS.includes(n))) {
    const scheme = schemeOf(ctx, given, span);
    return { ...grid, axes: grid.axes.map((axis) => fitting(ctx, grid, axis, scheme, span)) };
  }
  const stranger = names.find((n) => !grid.axes.some((axis) => axis.name === n));
  if (stranger !== undefined)
    failAt(
      ctx,
      'E387',
      `\`space:\` has a part \`${stranger}\`, which is neither a coordinate of ${grid.name} nor part of a scheme`,
      span,
      `its coordinates are ${spoken(grid.axes.map((axis) => `\`${axis.name}\``))}: space: { ${grid.axes[0]?.name ?? 'x'}: central(4) }`,
    );
  return {
    ...grid,
    axes: grid.axes.map((axis) => {
      const own = given.entries.get(axis.name);
      if (own === undefined) return axis;
      const one = schemeValue(ctx, own, span);
      return fitting(
        ctx,
        grid,
        axis,
        one.kind === 'record' ? schemeOf(ctx, one, span) : noScheme(ctx, one, span),
        span,
      );
    }),
  };
}

/** A function all of whose arguments may be left out stands for what it gives. */
function schemeValue(ctx: Context, v: Value, span: Span): Value {
  return v.kind === 'function' ? ctx.call(v, [], span) : v;
}

function noScheme(ctx: Context, v: Value, span: Span): never {
  return failAt(
    ctx,
    'E387',
    `\`space:\` is a scheme of std.space, or a record of schemes by coordinates, but this is ${describe(v)}`,
    span,
    'use std.space { central, spectral } and write space: spectral, space: central(4) or space: { x: spectral, y: central(4) }',
  );
}

function schemeOf(ctx: Context, v: RecordValue, span: Span): Scheme {
  const known = ctx.schemes.get(v);
  if (known !== undefined) return known;
  const key = `scheme ${ctx.schemes.size}`;
  const whole = v.entries.get('whole');
  const made: Scheme = whole === undefined ? stencil(ctx, v, key, span) : wholeOf(ctx, whole, key, span);
  ctx.schemes.set(v, made);
  return made;
}

function stencil(ctx: Context, v: RecordValue, key: string, span: Span): Scheme {
  const row = (x: Value | undefined, what: string, even: boolean): readonly number[] => {
    const weights = x === undefined ? undefined : staticList(x);
    if (
      weights === undefined ||
      weights.length < 2 ||
      (weights.length % 2 === 0) !== even ||
      !weights.every(Number.isFinite)
    )
      return failAt(
        ctx,
        'E388',
        `\`${what}\` of a space scheme is a list of an ${even ? 'even' : 'odd'} number of weights known at compile time, but this is ${x === undefined ? 'missing' : describe(x)}`,
        span,
        'a scheme is { face, slope, derivatives }: 2m weights each of unknowns around a face, and for each derivative 2m + 1 of those around an unknown',
      );
    return weights;
  };
  const rows = v.entries.get('derivatives');
  const lists =
    rows === undefined ? [] : rows.kind === 'list' || rows.kind === 'tuple' ? rows.elements : [rows];
  const biased = v.entries.get('biased');
  return {
    kind: 'stencil',
    key,
    ...(biased === undefined ? {} : { biased: sidesOf(ctx, biased, v.entries.get('reach'), span) }),
    face: row(v.entries.get('face'), 'face', true),
    slope: row(v.entries.get('slope'), 'slope', true),
    derivatives: lists.map((x) => row(x, 'derivatives', false)),
  };
}

function sidesOf(
  ctx: Context,
  f: Value,
  reach: Value | undefined,
  span: Span,
): NonNullable<StencilScheme['biased']> {
  const r =
    reach === undefined
      ? 0
      : staticInteger(ctx, reach, span, '`reach` of a space scheme, the unknowns on either side,');
  return {
    reach: r,
    apply: (values) =>
      called(ctx, '`biased` of a space scheme', f, [list(values.map((x) => array(x)))], at(values, 0), span),
  };
}

/** What a function of a scheme gives for arrays: one number for every one of `like`. */
function called(ctx: Context, name: string, f: Value, args: readonly Value[], like: Node, span: Span): Node {
  const made = inCall(ctx, { name, span }, () =>
    toReal(
      ctx,
      ctx.call(
        f,
        args.map((value) => ({ value, span })),
        span,
      ),
      span,
      `what ${name} gives`,
    ),
  );
  return sameShape(made.shape, like.shape)
    ? made
    : failAt(
        ctx,
        'E388',
        `${name} gives ${describe(array(made))} for values that are ${describe(array(like))}`,
        span,
        'it gives one number for every one it gets',
      );
}

function wholeOf(ctx: Context, f: Value, key: string, span: Span): Scheme {
  return {
    kind: 'whole',
    key,
    apply: (x, axis, along, order, shift) => {
      const k = record([
        ['axis', int(axis)],
        ['order', int(order)],
        ['shift', number(shift, false)],
        ['length', number(along.to - along.from, false)],
      ]);
      return called(ctx, '`whole` of a space scheme', f, [array(x), k], x, span);
    },
  };
}

function fitting(ctx: Context, grid: Grid, axis: GridAxis, scheme: Scheme, span: Span): GridAxis {
  if (scheme.kind === 'whole' && !axis.periodic)
    return failAt(
      ctx,
      'E389',
      `this scheme needs periodic axes, but \`${axis.name}\` of ${grid.name} has walls`,
      span,
      `give the axes their own: space: { ${axis.name}: central(4) }, or declare \`${axis.name}\` periodic`,
    );
  return { ...axis, scheme };
}
