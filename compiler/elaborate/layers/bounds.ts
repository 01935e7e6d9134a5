// Bounds of parameters and weights: `in a .. b` and `via m`. In: the declaration and its start. Out: the map between the value and the free numbers it is kept as; a start outside of bounds
// that is known now is an error.

import { hasComplex } from '../values/complex_parts.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { flatten, staticNumber, staticNumbers } from '../values/leaves.ts';
import type { Scope } from '../names/scope.ts';
import type { FreeMap, Value } from '../values/values.ts';
import { describe } from '../values/values.ts';
import type { Node } from '../../ir/types.ts';
import { sizeOf } from '../../ir/types.ts';
import type * as ast from '../../syntax/ast.ts';

export function boundsOf(
  ctx: Context,
  item: ast.DeclarationItem,
  scope: Scope,
  initial: Value,
): FreeMap | undefined {
  const bounds = item.bounds;
  if (bounds === undefined) return undefined;
  let map = ctx.evaluate(bounds.value, scope);
  if (bounds.kind === 'in') {
    if (hasComplex(initial))
      failAt(
        ctx,
        'E126',
        `bounds are for real numbers, but \`${item.name.name}\` is ${describe(initial)}`,
        bounds.value.span,
        'make it of real parameters, a + 1i*b, or say `via` a map { to, from }',
      );
    if (map.kind !== 'range')
      return failAt(ctx, 'E407', 'bounds are an interval', bounds.value.span, 'write `in 0.1 .. 10`');
    checkInside(ctx, item, initial, staticNumber(map.from), staticNumber(map.to));
    const interval =
      ctx.prelude('interval') ?? failAt(ctx, 'E150', 'the prelude has no `interval`', bounds.value.span);
    map = ctx.call(
      interval,
      [map.from, map.to].map((value) => ({ value, span: bounds.value.span })),
      bounds.value.span,
    );
  }
  const [to, from] = map.kind === 'record' ? [map.entries.get('to'), map.entries.get('from')] : [];
  if (to === undefined || from === undefined)
    return failAt(
      ctx,
      'E408',
      `\`via\` wants a map { to, from }, but this is ${describe(map)}`,
      bounds.value.span,
    );
  const made: FreeMap = {
    to: (v, span) => ctx.call(to, [{ value: v, span }], span),
    from: (v, span) => ctx.call(from, [{ value: v, span }], span),
  };
  if (bounds.kind === 'via') checkReached(ctx, item, initial, made);
  return made;
}

/** A start that the map does not make of any free number would begin somewhere else: `[1, 2, 3] via increasing(0, 10)` as [0, 5, 10]. Looked at where it is known at compile time. */
function checkReached(ctx: Context, item: ast.DeclarationItem, initial: Value, map: FreeMap): void {
  const { span } = item.value;
  const numbersOf = (v: Value): readonly (Float64Array | undefined)[] =>
    flatten(ctx, v, span).leaves.map(({ node }) =>
      sizeOf(node.shape) <= 1024 ? staticNumbers(node) : undefined,
    );
  const start = numbersOf(initial);
  if (start.some((numbers) => numbers === undefined)) return;
  const begins = numbersOf(map.to(map.from(initial, span), span));
  start.forEach((numbers, leaf) =>
    numbers?.forEach((x, i) => {
      const y = begins[leaf]?.[i];
      if (y === undefined || Math.abs(x - y) <= 1e-4 * (1 + Math.abs(x))) return;
      failAt(
        ctx,
        'E411',
        `\`${item.name.name}\` starts where its map does not reach: ${Number(x.toPrecision(6))} would become ${Number(y.toPrecision(6))}`,
        span,
        'start with a value that `via` allows: what m.to makes of what m.from makes of it is the same',
      );
    }),
  );
}

/** What is known at compile time of the values of a node: all of a small array, the one number that a large one is full of. */
function valuesOf(node: Node): readonly number[] {
  let x = node;
  while ((x.op === 'broadcast' || x.op === 'reshape') && x.args[0] !== undefined) x = x.args[0];
  if (x.op === 'const') return [x.attrs.value];
  return sizeOf(node.shape) <= 1024 ? [...(staticNumbers(node) ?? [])] : [];
}

function checkInside(
  ctx: Context,
  item: ast.DeclarationItem,
  initial: Value,
  lo: number | undefined,
  hi: number | undefined,
): void {
  if (lo !== undefined && hi !== undefined && !(lo < hi))
    failAt(
      ctx,
      'E409',
      `the bounds of \`${item.name.name}\` are ${lo} .. ${hi}: the first must be smaller`,
      item.bounds?.value.span ?? item.span,
    );
  const x = flatten(ctx, initial, item.value.span)
    .leaves.flatMap(({ node }) => valuesOf(node))
    .find((v) => (lo !== undefined && v <= lo) || (hi !== undefined && v >= hi));
  if (x !== undefined)
    failAt(
      ctx,
      'E410',
      `\`${item.name.name}\` starts at ${x}, which does not lie inside ${lo ?? '-inf'} .. ${hi ?? 'inf'}`,
      item.value.span,
      'start strictly between the bounds, or move them',
    );
}
