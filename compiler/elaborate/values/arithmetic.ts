// Elementwise functions on values. One rule serves numbers known at compile time (computed now), arrays (a node), fields (a symbolic field), and records and tuples (leaf by leaf).

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { applyComplex } from './complex_arithmetic.ts';
import type { Elementwise } from './elementwise.ts';
import { mapFields } from '../fields/field_maps.ts';
import { joined, numberNode } from './leaves.ts';
import { buildElementwise, quoted } from './levelling.ts';
import { isStructured, lift } from './lifting.ts';
import type { Node } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';
import type { Value } from './values.ts';
import { array, bool, describe, number } from './values.ts';

export function applyElementwise(ctx: Context, op: Elementwise, args: readonly Value[], span: Span): Value {
  const ready = args.map((a) => (a.kind === 'list' ? joined(ctx, a, span) : a));
  if (ready.some(isStructured))
    return lift(
      ctx,
      op.name,
      ready,
      span,
      (leaves) => applyElementwise(ctx, op, leaves, span),
      op.operands === 'real' || op.operands === 'number',
    );
  if (ready.some((a) => a.kind === 'complex')) return applyComplex(ctx, op, ready, span);
  if (ready.some((a) => a.kind === 'field')) return mapFields(ctx, op, ready, span);
  const now = op.compute === undefined ? undefined : atCompileTime(op, op.compute, ready);
  if (now !== undefined) return now;
  const nodes = ready.map((a) => leafNode(ctx, op, a, span));
  return array(buildElementwise(ctx, op, nodes, span));
}

/** Whether static operands are of the kind that the function takes; where they are not, the way through nodes says so. */
function kindsFit(op: Elementwise, args: readonly Value[]): boolean {
  const truths = args.filter((a) => a.kind === 'bool').length;
  switch (op.operands) {
    case 'bool':
      return truths === args.length;
    case 'mask':
      return args[0]?.kind === 'bool' && (truths === 1 || truths === args.length);
    case 'compare':
      return truths === 0 || truths === args.length;
    case 'integer':
      return args.every((a) => a.kind === 'number' && a.integer);
    default:
      return truths === 0;
  }
}

function atCompileTime(
  op: Elementwise,
  compute: (...x: readonly number[]) => number,
  args: readonly Value[],
): Value | undefined {
  const numbers: number[] = [];
  let integers = true;
  for (const a of args) {
    if (a.kind === 'number') {
      numbers.push(a.value);
      integers = integers && a.integer;
    } else if (a.kind === 'bool') numbers.push(a.value ? 1 : 0);
    else return undefined;
  }
  if (!kindsFit(op, args)) return undefined;
  const result = compute(...numbers);
  if (op.truth === true) return bool(result !== 0);
  const integer =
    op.toInt === true ||
    ((op.operands === 'number' || op.operands === 'integer' || op.operands === 'mask') &&
      integers &&
      Number.isSafeInteger(result));
  return number(result, integer);
}

function leafNode(ctx: Context, op: Elementwise, v: Value, span: Span): Node {
  if (v.kind === 'array') return v.node;
  if (v.kind === 'number') return numberNode(ctx, v);
  if (v.kind === 'bool') return ctx.graph.constant(v.value ? 1 : 0, 'bool');
  return failAt(
    ctx,
    'E120',
    `${quoted(op.name)} cannot take ${describe(v)}`,
    span,
    v.kind === 'function'
      ? `call it: ${v.name === 'the function' ? 'f' : v.name}(…)`
      : v.kind === 'string'
        ? 'values stand in the holes of a string: "run {3}"'
        : undefined,
  );
}
