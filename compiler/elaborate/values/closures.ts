// Functions as elements of arrays: `[brownian([2], t: 0 .. 1) for p in 0..n]` is a record whose functions stand for n functions each, one an element. In: what the body of a comprehension gives for one element. Out: the same,
// its functions with `captured`: the values that they see around them and that differ from element to element. `flatten` takes those apart like any others, so that they are batched, kept by `data` and indexed. `rows` are their
// leading axes; a function that has some is called after an index.

import type { Context } from '../context.ts';
import { namesIn } from '../expressions/function_rules.ts';
import { flatten } from './leaves.ts';
import type { FunctionValue, Value } from './values.ts';
import * as b from '../../ir/build.ts';
import { reachable } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';

/** The value with every function in it replaced. */
function overFunctions(value: Value, of: (f: FunctionValue) => Value): Value {
  switch (value.kind) {
    case 'function':
      return of(value);
    case 'tuple':
    case 'list':
      return { ...value, elements: value.elements.map((e) => overFunctions(e, of)) };
    case 'record':
      return { ...value, entries: new Map([...value.entries].map(([k, e]) => [k, overFunctions(e, of)])) };
    default:
      return value;
  }
}

/** Its functions hold what they see of `params`, or all that they see that is computed. */
export function capturing(ctx: Context, value: Value, params: Iterable<Node> | 'all', span: Span): Value {
  const inside = params === 'all' ? undefined : new Set(params);
  const depends = (node: Node): boolean =>
    inside === undefined || reachable([node]).some((n) => inside.has(n));
  const done = new Map<FunctionValue, FunctionValue>();
  const closed = (f: FunctionValue): FunctionValue => {
    const before = done.get(f);
    if (before !== undefined) return before;
    done.set(f, f);
    const { rows, values } = f.captured ?? { rows: [], values: new Map<string, Value>() };
    const captured = new Map<string, Value>();
    for (const name of new Set(namesIn([f.body, f.params, f.derivative, f.tangent]))) {
      const held = values.get(name);
      const seen = held ?? f.scope.find(name)?.value;
      if (seen === undefined) continue;
      const whole = overFunctions(seen, closed);
      const { leaves, rebuild } = flatten(ctx, whole, span, { keepStatic: true });
      if (held !== undefined) captured.set(name, whole);
      else if (leaves.some((l) => depends(l.node)))
        captured.set(
          name,
          rebuild(
            leaves.map(({ node }) =>
              b.broadcastAxes(
                ctx.graph,
                node,
                [...rows, ...node.shape],
                node.shape.map((_, i) => rows.length + i),
              ),
            ),
          ),
        );
    }
    const made = captured.size === 0 ? f : { ...f, captured: { rows, values: captured } };
    done.set(f, made);
    return made;
  };
  return overFunctions(value, closed);
}

/** The same functions with other leading axes. */
function withRows(value: Value, change: (rows: readonly number[]) => readonly number[]): Value {
  return overFunctions(value, (f) =>
    f.captured === undefined
      ? f
      : {
          ...f,
          captured: {
            rows: change(f.captured.rows),
            values: new Map([...f.captured.values].map(([name, v]) => [name, withRows(v, change)])),
          },
        },
  );
}

/** After a batch over `length` elements. */
export const inRow = (value: Value, length: number): Value => withRows(value, (rows) => [length, ...rows]);

/** One element of those in a row. */
export const outOfRow = (value: Value): Value => withRows(value, (rows) => rows.slice(1));

/** Functions in rows with their values read by an index into the rows. */
export function indexedFunction(
  ctx: Context,
  f: FunctionValue,
  rows: readonly number[],
  read: (node: Node) => Node,
  span: Span,
): Value {
  const { leaves, rebuild } = flatten(ctx, f, span, { keepStatic: true });
  return withRows(rebuild(leaves.map((l) => read(l.node))), () => rows);
}
