// What a generator `x in e` runs over: a counting range, an array or a record of arrays (rolled), or a list whose elements are known one by one (unrolled).

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { outOfRow } from '../values/closures.ts';
import { flatten, joined, staticInteger, staticNumber, toNode } from '../values/leaves.ts';
import type { Value } from '../values/values.ts';
import { array, describe, int } from '../values/values.ts';
import { plainArrays } from '../solve/solve_parts.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import type * as ast from '../../syntax/ast.ts';

export type LoopSource =
  | { readonly kind: 'static'; readonly elements: readonly Value[] }
  /** from, from + 1, … ; `length` turns. */
  | { readonly kind: 'range'; readonly from: Value; readonly length: number }
  | { readonly kind: 'dynamic'; readonly from: Value; readonly to: Value }
  /** Along the leading axis of every leaf. */
  | {
      readonly kind: 'array';
      readonly value: Value;
      readonly length: number;
      readonly element: (slices: readonly Node[]) => Value;
      readonly leaves: readonly Node[];
    };

/** `literal`: the source stands in the text as a list (or is a `const` list), so the loop is unrolled; other lists of numbers are arrays to a comprehension. */
export function sourceOf(ctx: Context, value: Value, e: ast.Expression, unrollLists: boolean): LoopSource {
  switch (value.kind) {
    case 'range': {
      const [from, to] = [staticNumber(value.from), staticNumber(value.to)];
      if (to !== undefined && from !== undefined) {
        const [lo, hi] = [
          staticInteger(ctx, value.from, e.span, 'the start of a counting range'),
          staticInteger(ctx, value.to, e.span, 'the end of a counting range'),
        ];
        return { kind: 'range', from: int(lo), length: Math.max(0, hi - lo) };
      }
      const difference = sameNodeDifference(value.from, value.to);
      if (difference !== undefined) return { kind: 'range', from: value.from, length: difference };
      return { kind: 'dynamic', from: value.from, to: value.to };
    }
    case 'list':
      if (!unrollLists) {
        const whole = joined(ctx, value, e.span);
        if (whole.kind !== 'list') return arraySource(ctx, whole, e);
      }
      return { kind: 'static', elements: value.elements };
    case 'tuple':
      return { kind: 'static', elements: value.elements };
    case 'record':
    case 'complex':
    case 'array':
    case 'field':
    case 'function':
      return arraySource(ctx, value, e);
    default:
      return failAt(
        ctx,
        'E200',
        `a loop runs over a range, an array or a list, but this is ${describe(value)}`,
        e.span,
        'write `0..n` to count',
      );
  }
}

function arraySource(ctx: Context, value: Value, e: ast.Expression): LoopSource {
  const whole =
    value.kind === 'field'
      ? array(toNode(ctx, value, e.span, 'the loop'))
      : value.kind === 'complex'
        ? plainArrays(ctx, value, e.span)
        : value;
  const flat = flatten(ctx, whole, e.span);
  const leaves = flat.leaves.map((l) => l.node);
  const length = leaves[0]?.shape[0];
  if (length === undefined || leaves.some((n) => n.shape[0] !== length)) {
    if (value.kind === 'record') return { kind: 'static', elements: [...value.entries.values()] };
    return failAt(
      ctx,
      'E200',
      `a loop runs over a range, an array or a list, but this is ${describe(value)}`,
      e.span,
      'write `0..n` to count',
    );
  }
  return { kind: 'array', value, length, element: (slices) => outOfRow(flat.rebuild(slices)), leaves };
}

/** `a .. a + 5` with a run-time `a`. */
function sameNodeDifference(from: Value, to: Value): number | undefined {
  if (from.kind !== 'array' || to.kind !== 'array' || to.node.op !== 'add') return undefined;
  const [x, y] = to.node.args;
  if (x === undefined || y === undefined) return undefined;
  const rest = x === from.node ? y : y === from.node ? x : undefined;
  return rest !== undefined && rest.op === 'const' ? rest.attrs.value : undefined;
}

/** The element of a rolled source at a run-time index. */
export function elementAt(ctx: Context, source: Exclude<LoopSource, { kind: 'static' }>, index: Node): Value {
  switch (source.kind) {
    case 'range': {
      const from = staticNumber(source.from);
      if (from === 0) return array(index);
      return array(
        b.add(
          ctx.graph,
          index,
          from !== undefined
            ? from
            : toNode(
                ctx,
                source.from,
                source.from.kind === 'array' && source.from.node.origin ? source.from.node.origin : noSpan(),
                'the range',
              ),
        ),
      );
    }
    case 'dynamic':
      return array(index);
    case 'array':
      return source.element(source.leaves.map((n) => b.gather(ctx.graph, n, index)));
  }
}

const noSpan = (): { file: { path: string; text: string }; start: number; end: number } => ({
  file: { path: '', text: '' },
  start: 0,
  end: 0,
});
