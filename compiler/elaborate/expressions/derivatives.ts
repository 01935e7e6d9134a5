// Derivatives as functions of values: a function is called once on fresh parameters, the graph is differentiated in them, and the parameters are replaced by the point. Values are
// differentiated in their real leaves; ints, truth values and functions in them are constants.

import { computedWith } from './checked.ts';
import { complexAs } from '../values/complex.ts';
import type { Context } from '../context.ts';
import { failAt, withoutAsserts } from '../context.ts';
import { flatten } from '../values/leaves.ts';
import { sameNames } from '../values/part_order.ts';
import type { Value } from '../values/values.ts';
import { array, describe, number } from '../values/values.ts';
import { hasChecks } from '../../autodiff/checks.ts';
import { jvp } from '../../autodiff/jvp.ts';
import { valueAndVjp } from '../../autodiff/vjp.ts';
import * as b from '../../ir/build.ts';
import { isCompound, regionsOf } from '../../ir/classes.ts';
import { reachable, substitute } from '../../ir/region.ts';
import type { Node, NodeOf } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

/** A point to differentiate at: its real leaves, their fresh parameters, and the value rebuilt from those. */
export interface Point {
  readonly leaves: readonly Node[];
  readonly params: readonly Node[];
  readonly value: Value;
  /** A value of the point's structure from one node for every real leaf. */
  readonly rebuild: (reals: readonly Node[], zeroOthers: boolean) => Value;
}

export function pointAt(ctx: Context, x: Value, span: Span): Point {
  const real = x.kind === 'number' ? number(x.value, false) : x;
  const flat = flatten(ctx, real, span);
  const nodes = flat.leaves.map((l) => l.node);
  const params = nodes.map((n, i) => (isFloat(n.dtype) ? ctx.graph.param(`q${i}`, n) : undefined));
  const merge = (reals: readonly Node[], zeroOthers: boolean): Value => {
    let next = 0;
    return flat.rebuild(
      nodes.map((n, i) =>
        params[i] === undefined
          ? zeroOthers && n.dtype !== 'bool'
            ? b.zerosLike(ctx.graph, n)
            : n
          : at(reals, next++),
      ),
    );
  };
  const fresh = params.filter((p) => p !== undefined);
  if (fresh.length === 0)
    return failAt(
      ctx,
      'E270',
      `a derivative is taken in real numbers, but there are none in ${describe(x)}`,
      span,
    );
  return {
    leaves: nodes.filter((n) => isFloat(n.dtype)),
    params: fresh,
    value: merge(fresh, false),
    rebuild: merge,
  };
}

export function back(ctx: Context, point: Point, nodes: readonly Node[]): Node[] {
  return substitute(ctx.graph, nodes, new Map(point.params.map((p, i) => [p, at(point.leaves, i)])));
}

/** Derivatives of `outputs`, which go with the conditions that these go with. `from`: parameters made just before them. */
export function warned(
  ctx: Context,
  outputs: readonly Node[],
  derivatives: readonly Node[],
  from: readonly Node[] = [],
): readonly Node[] {
  if (derivatives.length === 0) return [];
  const first = from.reduce((least, p) => Math.min(least, p.id), from.length === 0 ? 0 : Infinity);
  const checks = reachable(outputs, { has: (n) => n.id < first }).filter(
    (n): n is NodeOf<'check'> => n.op === 'check',
  );
  return checks.reduce<readonly Node[]>(
    (values, { args, attrs }) =>
      b.projections(
        ctx.graph,
        ctx.graph.node('check', [...values, ...args.slice(attrs.values)], {
          ...attrs,
          values: values.length,
        }),
      ),
    derivatives,
  );
}

/**
 * A gradient that goes with the values whose derivative it is, where these check something inside loops and choices: of what is linear the gradient alone would not compute them. `values` are the outputs from the
 * loops of the reverse sweep.
 */
function withValues(
  ctx: Context,
  outputs: readonly Node[],
  values: readonly Node[],
  gradient: readonly Node[],
  span: Span,
  from: readonly Node[] = [],
): readonly Node[] {
  const first = from.reduce((least, p) => Math.min(least, p.id), from.length === 0 ? 0 : Infinity);
  const inside = reachable(outputs, { has: (n) => n.id < first }).some(
    (n) => isCompound(n) && n.op !== 'check' && regionsOf(n).some(([, { results }]) => hasChecks(results)),
  );
  return inside && gradient.length > 0 ? computedWith(ctx, gradient, values, span) : gradient;
}

const DIFFERENTIATED = 'what is differentiated';

export function scalarOf(ctx: Context, v: Value, span: Span, what: string): Node {
  const node =
    v.kind === 'number' ? ctx.graph.constant(v.value, ctx.real) : v.kind === 'array' ? v.node : undefined;
  if (node === undefined || node.shape.length > 0)
    return failAt(
      ctx,
      'E271',
      `${what} must be one number, but this is ${describe(v)}`,
      span,
      v.kind === 'complex'
        ? `take re(…), abs(…) or abs2(…)${what === DIFFERENTIATED ? '; the derivative of a holomorphic f is jvp(f, z, 1)' : ''}`
        : 'reduce it: sum(…), mean(…), norm(…), integral(…); or take jacobian(f)',
    );
  return isFloat(node.dtype) ? node : b.cast(ctx.graph, node, ctx.real);
}

export const callOne = (ctx: Context, f: Value, x: Value, span: Span): Value =>
  withoutAsserts(ctx, () => ctx.call(f, [{ value: x, span }], span));

/** Value and gradient of a scalar function at x. */
export function valueAndGradient(
  ctx: Context,
  f: Value,
  x: Value,
  span: Span,
): { value: Value; gradient: Value } {
  const point = pointAt(ctx, x, span);
  const y = scalarOf(ctx, callOne(ctx, f, point.value, span), span, DIFFERENTIATED);
  const { values, cotangents } = valueAndVjp(ctx.graph, [y], point.params, [ctx.graph.constant(1, y.dtype)]);
  const made = warned(
    ctx,
    [y],
    point.params.map((p, i) => cotangents[i] ?? b.zerosLike(ctx.graph, p)),
    point.params,
  );
  const gradient = withValues(ctx, [y], values, made, span, point.params);
  const [value, ...g] = back(ctx, point, [values[0] ?? y, ...gradient]);
  return { value: array(value ?? y), gradient: point.rebuild(g, true) };
}

/** The gradient of a number in the value of a parameter (or any value whose nodes it was computed from). */
export function gradientOver(ctx: Context, y: Value, over: Value, span: Span): Value {
  const node = scalarOf(ctx, y, span, DIFFERENTIATED);
  const flat = flatten(ctx, over, span);
  const reals = flat.leaves.map((l) => l.node).filter((n) => isFloat(n.dtype));
  const { values, cotangents } = valueAndVjp(ctx.graph, [node], reals, [ctx.graph.constant(1, node.dtype)]);
  const derivatives = warned(
    ctx,
    [node],
    reals.map((x, i) => cotangents[i] ?? b.zerosLike(ctx.graph, x)),
  );
  const made = withValues(ctx, [node], values, derivatives, span);
  let next = 0;
  return flat.rebuild(flat.leaves.map((l) => (isFloat(l.node.dtype) ? at(made, next++) : l.node)));
}

function tangentLeaves(ctx: Context, point: Point, v: Value, span: Span): Node[] {
  if (!sameNames(v, point.value))
    failAt(ctx, 'E272', `the direction is ${describe(v)}, the point ${describe(point.value)}`, span);
  const nodes = flatten(ctx, v.kind === 'number' ? number(v.value, false) : v, span)
    .leaves.map((l) => l.node)
    .filter((n) => isFloat(n.dtype));
  if (nodes.length !== point.leaves.length)
    failAt(ctx, 'E272', 'the direction has another structure than the point', span);
  return nodes.map((n, i) => {
    const like = at(point.leaves, i);
    if (n.shape.length === 0 && like.shape.length > 0) return b.broadcastTo(ctx.graph, n, like.shape);
    if (n.shape.join() !== like.shape.join())
      failAt(
        ctx,
        'E272',
        `the direction has shape [${n.shape.join(', ')}], the point [${like.shape.join(', ')}]`,
        span,
      );
    return n;
  });
}

/** Directional derivative of f at x along v: a value of the structure of f(x). */
export function forwardDerivative(
  ctx: Context,
  f: Value,
  x: Value,
  v: Value,
  span: Span,
  direction: Span = span,
): Value {
  // A complex direction makes a real point complex: f has to take it there.
  const at_ = complexAs(ctx, x, v, span);
  const point = pointAt(ctx, at_, span);
  const out = flatten(ctx, callOne(ctx, f, point.value, span), span);
  const nodes = out.leaves.map((l) => l.node);
  const along = complexAs(ctx, v, at_, direction);
  const tangents = jvp(ctx.graph, nodes, point.params, tangentLeaves(ctx, point, along, direction));
  return out.rebuild(
    back(
      ctx,
      point,
      warned(
        ctx,
        nodes,
        nodes.map((n, i) => tangents[i] ?? b.zerosLike(ctx.graph, n)),
        point.params,
      ),
    ),
  );
}

/** { value, pull }: pull maps a cotangent of f(x) to one of x. */
export function reverseDerivative(
  ctx: Context,
  f: Value,
  x: Value,
  span: Span,
): { value: Value; pull: (ct: Value, where: Span) => Value } {
  const point = pointAt(ctx, x, span);
  const made = callOne(ctx, f, point.value, span);
  const out = flatten(ctx, made, span);
  const nodes = out.leaves.map((l) => l.node);
  const pull = (ct: Value, where: Span): Value => {
    const given = flatten(
      ctx,
      complexAs(ctx, ct.kind === 'number' ? number(ct.value, false) : ct, made, where),
      where,
    ).leaves.map((l) => l.node);
    if (given.length !== nodes.length || !sameNames(ct, made))
      failAt(ctx, 'E272', 'the cotangent has another structure than the value', where);
    const cts = given.map((n, i) => {
      const like = at(nodes, i);
      if (n.shape.length > 0 && n.shape.join() !== like.shape.join())
        failAt(
          ctx,
          'E272',
          `the cotangent has shape [${n.shape.join(', ')}], the value [${like.shape.join(', ')}]`,
          where,
        );
      return isFloat(like.dtype) ? b.broadcastTo(ctx.graph, n, like.shape) : undefined;
    });
    const { values, cotangents } = valueAndVjp(ctx.graph, nodes, point.params, cts);
    const pulled = warned(
      ctx,
      nodes,
      point.params.map((p, i) => cotangents[i] ?? b.zerosLike(ctx.graph, p)),
      point.params,
    );
    return point.rebuild(back(ctx, point, withValues(ctx, nodes, values, pulled, span, point.params)), true);
  };
  return { value: out.rebuild(back(ctx, point, nodes)), pull };
}
