// The rate of a state from its equation. `dt(u) = e` gives it as it stands; any other equation that is linear in dt(u), element by element, is solved for it: the rate is where
// left - right vanishes. `dt` itself is an operator with a meaning inside a model only: the rate sought, or one that is a state of its own.

import { isPart } from '../values/complex_parts.ts';
import type { Context } from '../context.ts';
import { failAt, notYet } from '../context.ts';
import { define } from '../builtins/registry.ts';
import { isRateOf } from './equations.ts';
import { flatten, staticNumbers } from '../values/leaves.ts';
import type { ModelState } from './model.ts';
import { operators } from '../values/operators.ts';
import { dependsElementwise } from '../values/pointwise.ts';
import type { Scope } from '../names/scope.ts';
import type { FieldValue, RecordValue, Value } from '../values/values.ts';
import { complex, describe, describeNode } from '../values/values.ts';
import { jvp } from '../../autodiff/jvp.ts';
import { leaf, uniformGhosts } from '../../field/expression.ts';
import type { Grid } from '../../field/types.ts';
import * as b from '../../ir/build.ts';
import { reachable, substitute } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { sizeOf } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type * as ast from '../../syntax/ast.ts';

/** The state that stands for the rate of `name` in an equation of second order. */
export const velocityName = (name: string): string => `dt(${name})`;

/** The rate that an equation is to be solved for. */
interface Sought {
  readonly state: string;
  readonly order: number;
  readonly value: Value;
}

/** `dt(u)`, `dt(u, 2)` inside a model, with the states as they are presented there. */
export function rateOperator(
  ctx: Context,
  model: string,
  states: readonly ModelState[],
  present: ReadonlyMap<string, Value>,
  sought?: Sought,
): Value {
  return define(ctx, 'dt', ['u', 'order?'], (a) => {
    const u = a.need('u');
    const order = a.get('order');
    const n = order?.kind === 'number' ? order.value : 1;
    const state = states.find((s) => present.get(s.name) === u);
    if (state === undefined)
      return failAt(
        ctx,
        'E352',
        `dt(…) takes a state of ${model}, but this is ${describe(u)}`,
        a.spanOf('u'),
        'write the rate of an expression out by the chain rule',
      );
    if (sought !== undefined && sought.state === state.name && sought.order === n) return sought.value;
    const velocity = present.get(velocityName(state.name));
    if (n === 1 && velocity !== undefined) return velocity;
    return failAt(
      ctx,
      'E353',
      `dt(${state.name}${n === 1 ? '' : `, ${n}`}) is not known here`,
      a.span,
      'it may stand in the equation that determines it; elsewhere write the right side of that equation',
    );
  });
}

/** dy/dt of one state, of the structure of the state, by its equation. */
export function rateFromEquation(
  ctx: Context,
  model: string,
  e: ast.Equation,
  s: ModelState,
  states: readonly ModelState[],
  present: RecordValue,
  scope: Scope,
  grid: Grid | undefined,
): Value {
  const name = s.rateOf ?? s.name;
  const order = s.rateOf === undefined ? 1 : 2;
  if (isRateOf(e.left, name, order)) return ctx.graph.withOrigin(e.span, () => ctx.evaluate(e.right, scope));
  const g = ctx.graph;
  const own = present.entries.get(s.name) ?? failAt(ctx, 'E340', `\`${s.name}\` has no value here`, e.span);
  const flat = flatten(ctx, own, e.span);
  const unknowns = flat.leaves.map((l) => g.param(velocityName(name), l.node));
  const value = withoutWalls(flat.rebuild(unknowns), grid);
  const inner = scope.child();
  inner.define(
    'dt',
    rateOperator(ctx, model, states, present.entries, { state: name, order, value }),
    e.span,
  );
  const residual = g.withOrigin(e.span, () =>
    ctx.elementwise(operators.sub, [ctx.evaluate(e.left, inner), ctx.evaluate(e.right, inner)], e.span),
  );
  const parts = flatten(ctx, residual, e.span).leaves;
  if (parts.length !== unknowns.length)
    failAt(
      ctx,
      'E355',
      `the two sides of this equation make ${describe(residual)}, but \`${name}\` is ${describe(own)}`,
      e.span,
    );
  const residuals = parts.map((p) => p.node);
  const pairs = complexPairs(own);
  const rates = new Map<number, Node>();
  pairs.forEach(([i, j]) => {
    const pair = solvedPair(ctx, e, name, residuals, unknowns, i, j);
    if (pair === undefined) return;
    rates.set(i, pair[0]);
    rates.set(j, pair[1]);
  });
  return flat.rebuild(residuals.map((r, i) => rates.get(i) ?? solved(ctx, e, name, r, unknowns, i)));
}

/** The leaves of a state that are the two parts of one complex number. */
function complexPairs(state: Value): (readonly [number, number])[] {
  const pairs: (readonly [number, number])[] = [];
  let next = 0;
  const walk = (v: Value): void => {
    if (v.kind === 'tuple' || v.kind === 'list') v.elements.forEach(walk);
    else if (v.kind === 'record') [...v.entries.values()].forEach(walk);
    else if (v.kind === 'complex') {
      pairs.push([next, next + 1]);
      next += 2;
    } else if (v.kind === 'number' || v.kind === 'array' || v.kind === 'field' || v.kind === 'bool') next++;
  };
  walk(state);
  return pairs;
}

/** Both parts of a complex rate where the equation mixes them, as `1i*dt(u) = …` does: two linear equations, solved by Cramer's rule. Undefined where each part has an equation of its own. */
function solvedPair(
  ctx: Context,
  e: ast.Equation,
  name: string,
  residuals: readonly Node[],
  unknowns: readonly Node[],
  i: number,
  j: number,
): readonly [Node, Node] | undefined {
  const g = ctx.graph;
  const [x, y] = [at(unknowns, i), at(unknowns, j)];
  const spread = (r: Node): Node => (r.shape.length === 0 ? b.broadcastTo(g, r, x.shape) : r);
  const [p, q] = [spread(at(residuals, i)), spread(at(residuals, j))];
  const mixed = reachable([p]).includes(y) || reachable([q]).includes(x);
  if (!mixed || p.shape.join() !== x.shape.join() || q.shape.join() !== y.shape.join()) return undefined;
  const others = unknowns.filter((_, k) => k !== i && k !== j);
  if (reachable([p, q]).some((n) => others.includes(n)))
    notYet(ctx, `an equation that couples the rates of several components of \`${name}\``, e.span);
  if (!dependsElementwise([p, q], [x, y]))
    notYet(ctx, `an equation with dt(${name}) inside a derivative, a sum or a product of matrices`, e.span);
  const zero = new Map([
    [x, b.zerosLike(g, x)],
    [y, b.zerosLike(g, y)],
  ]);
  const slopes = (along: Node): Node[] =>
    jvp(
      g,
      [p, q],
      [x, y],
      [x, y].map((n) => (n === along ? b.onesLike(g, n) : b.zerosLike(g, n))),
    ).map((t, k) => t ?? b.zerosLike(g, k === 0 ? p : q));
  const [px, qx] = slopes(x);
  const [py, qy] = slopes(y);
  const [p0, q0] = substitute(g, [p, q], zero);
  if (
    px === undefined ||
    qx === undefined ||
    py === undefined ||
    qy === undefined ||
    p0 === undefined ||
    q0 === undefined
  )
    return undefined;
  if (reachable([px, qx, py, qy]).some((n) => n === x || n === y))
    failAt(
      ctx,
      'E356',
      `this equation is not linear in dt(${name})`,
      e.span,
      `solve it for dt(${name}) by hand`,
    );
  const det = b.sub(g, b.mul(g, px, qy), b.mul(g, py, qx));
  const known = sizeOf(det.shape) > 4096 ? undefined : staticNumbers(det);
  if (known?.every((d) => d === 0) === true)
    return failAt(ctx, 'E354', `dt(${name}) cannot be found from this equation`, e.span);
  return [
    b.div(g, b.sub(g, b.mul(g, py, q0), b.mul(g, qy, p0)), det),
    b.div(g, b.sub(g, b.mul(g, qx, p0), b.mul(g, px, q0)), det),
  ];
}

/** Component i of the rate, from component i of left - right. */
function solved(
  ctx: Context,
  e: ast.Equation,
  name: string,
  residual: Node,
  unknowns: readonly Node[],
  i: number,
): Node {
  const g = ctx.graph;
  const d = at(unknowns, i);
  const r = residual.shape.length === 0 ? b.broadcastTo(g, residual, d.shape) : residual;
  if (r.shape.join() !== d.shape.join())
    failAt(
      ctx,
      'E355',
      `the two sides of this equation make ${describeNode(r)}, but the rate of \`${name}\` is ${describeNode(d)}`,
      e.span,
    );
  const seen = new Set(reachable([r]));
  if (unknowns.some((x) => x !== d && seen.has(x)))
    notYet(ctx, `an equation that couples the rates of several components of \`${name}\``, e.span);
  if (!dependsElementwise([r], [d]))
    notYet(ctx, `an equation with dt(${name}) inside a derivative, a sum or a product of matrices`, e.span);
  const [slope] = jvp(g, [r], [d], [b.onesLike(g, d)]);
  const zero = new Map([[d, b.zerosLike(g, d)]]);
  if (slope !== undefined && reachable([slope]).includes(d))
    failAt(
      ctx,
      'E356',
      `this equation is not linear in dt(${name})`,
      e.span,
      `solve it for dt(${name}) by hand`,
    );
  const known = slope === undefined || sizeOf(slope.shape) > 4096 ? undefined : staticNumbers(slope);
  if (slope === undefined || known?.every((x) => x === 0) === true)
    return failAt(ctx, 'E354', `dt(${name}) cancels out of this equation`, e.span);
  const [r0] = substitute(g, [r], zero);
  return b.neg(g, b.div(g, r0 ?? r, slope));
}

/** A rate carries no boundary condition. */
function withoutWalls(v: Value, grid: Grid | undefined): Value {
  if (grid === undefined) return v;
  if (v.kind === 'tuple') return { ...v, elements: v.elements.map((x) => withoutWalls(x, grid)) };
  if (v.kind === 'complex') {
    const [re, im] = [withoutWalls(v.re, grid), withoutWalls(v.im, grid)];
    return isPart(re) && isPart(im) ? complex(re, im) : v;
  }
  if (v.kind !== 'field' || v.expr.kind !== 'leaf') return v;
  const free: FieldValue = {
    kind: 'field',
    expr: leaf(grid, v.expr.name, v.expr.values, uniformGhosts(grid, { kind: 'extrapolate' })),
    grid,
  };
  return free;
}
