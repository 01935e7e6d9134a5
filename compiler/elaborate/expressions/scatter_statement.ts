// `a[i(p), j(p)] += w(p) for p in 0..n`: adds at places that may repeat, as one scatter-add per array with one linear index. Behind the indices given, whole slices are added. A record of
// arrays takes records. Places outside are left out, or counted round or held at the ends where the index says `wrap` or `clamp`.

import { complexAs } from '../values/complex.ts';
import { comprehend } from './comprehension.ts';
import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { insideMask, linearIndex } from '../values/gathers.ts';
import type { PositionsIndex } from '../values/indexing.ts';
import { evaluateEntries } from '../values/indexing.ts';
import { flatten } from '../values/leaves.ts';
import { inOrderOf } from '../values/part_order.ts';
import type { Scope } from '../names/scope.ts';
import type { Value } from '../values/values.ts';
import { array, describe, record } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat, sizeOf } from '../../ir/types.ts';
import { at, range } from '../../support/lists.ts';
import type * as ast from '../../syntax/ast.ts';

/** The target with everything added. */
export function scattered(
  ctx: Context,
  s: ast.AssignStatement,
  target: ast.IndexExpression,
  generators: readonly ast.Generator[],
  scope: Scope,
): Value {
  const whole = ctx.evaluate(target.target, scope);
  const tables = flatten(ctx, whole, target.span);
  const first = tables.leaves[0]?.node;
  if (first === undefined)
    return failAt(ctx, 'E101', `${describe(whole)} holds no arrays to add to`, target.span);
  const depth = target.entries.length;
  const lead = first.shape.slice(0, depth);
  for (const { node, path } of tables.leaves)
    if (node.shape.length < depth || node.shape.slice(0, depth).some((n, k) => n !== at(lead, k)))
      failAt(
        ctx,
        'E257',
        `the arrays of ${describe(whole)} differ in ${depth === 1 ? 'their first axis' : `their first ${depth} axes`}: ${path} has the shape [${node.shape.join(', ')}]`,
        target.span,
        'add to one part at a time: r.a[i(p)] += v for p in 0..n',
      );
  const gathered = comprehend(
    ctx,
    (inner) => {
      const positions = places(ctx, evaluateEntries(ctx, lead, target.entries, inner, target.span));
      const inside = insideMask(ctx, lead, positions, (p) => p.outside === undefined && !surelyInside(p));
      return record([
        ['index', array(linearIndex(ctx, lead, positions))],
        ...(inside === undefined ? [] : [['inside', array(inside)] as const]),
        ['value', ctx.evaluate(s.value, inner)],
      ]);
    },
    generators,
    scope,
    s.span,
  );
  const parts = gathered.kind === 'record' ? gathered.entries : new Map<string, Value>();
  const nodeOf = (name: string): Node | undefined => {
    const value = parts.get(name);
    return value?.kind === 'array' ? value.node : undefined;
  };
  const index = nodeOf('index') ?? first;
  const inside = nodeOf('inside');
  // Complex numbers added to reals make the sum complex.
  const given = inOrderOf(parts.get('value') ?? record([]), whole);
  const sum = flatten(ctx, complexAs(ctx, whole, given, s.span), target.span);
  const added = flatten(ctx, complexAs(ctx, given, whole, s.span), s.value.span).leaves;
  if (added.length !== sum.leaves.length)
    return failAt(
      ctx,
      'E160',
      `${describe(whole)} is added to with values of the same structure`,
      s.value.span,
    );
  return sum.rebuild(
    sum.leaves.map((leaf, i) =>
      addTo(ctx, leaf.node, index, inside, at(added, i).node, depth, s.op === '-=', s),
    ),
  );
}

/** One table with its updates added. */
function addTo(
  ctx: Context,
  whole: Node,
  index: Node,
  inside: Node | undefined,
  update: Node,
  depth: number,
  negative: boolean,
  s: ast.AssignStatement,
): Node {
  const g = ctx.graph;
  const table = isFloat(update.dtype) && !isFloat(whole.dtype) ? b.cast(g, whole, update.dtype) : whole;
  const updates = b.cast(g, update, table.dtype);
  const fitted = conform(
    ctx,
    array(updates),
    array(b.full(g, [...index.shape, ...table.shape.slice(depth)], 0, table.dtype)),
    s.span,
    'what is added here',
  );
  let terms = fitted.kind === 'array' ? fitted.node : updates;
  if (inside !== undefined)
    terms = b.select(
      g,
      b.broadcastAxes(g, inside, terms.shape, range(index.shape.length)),
      terms,
      b.zerosLike(g, terms),
    );
  const sums = b.reshape(g, b.scatterAdd(g, index, terms, sizeOf(table.shape.slice(0, depth))), table.shape);
  return negative ? b.sub(g, table, sums) : b.add(g, table, sums);
}

function places(ctx: Context, entries: ReturnType<typeof evaluateEntries>): PositionsIndex[] {
  return entries.map((e) => {
    if (e.kind === 'slice' || (e.kind === 'positions' && e.node.shape.length > 0))
      return failAt(
        ctx,
        'E256',
        'a scatter names single elements',
        e.span,
        'write an index for every leading axis; the axes behind are added whole',
      );
    return e.kind === 'positions'
      ? e
      : { kind: 'positions', node: ctx.graph.constant(e.value, 'i32'), outside: undefined, span: e.span };
  });
}

const surelyInside = (p: PositionsIndex): boolean => p.node.op === 'const';
