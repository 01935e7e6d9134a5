// Linear equations and implicit functions as values: the transpose of a linear function, the one operation that all linear solves stand on, and `implicit(F, z)`. Everything else about them
// (which solver, Newton's method, fixed points, minimisers) is Flow: stdlib/linalg.flow.

import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { withoutAsserts } from '../context.ts';
import { failAtOwn } from '../names/own_place.ts';
import { define } from '../builtins/registry.ts';
import { movesLaw } from '../models/expectations.ts';
import { flatten } from '../values/leaves.ts';
import { inOrderOf } from '../values/part_order.ts';
import type { Value } from '../values/values.ts';
import { array, describe, number } from '../values/values.ts';
import { activityOf } from '../../autodiff/activity.ts';
import { jvp } from '../../autodiff/jvp.ts';
import { constantValue } from '../../autodiff/mask.ts';
import { NonlinearError } from '../../autodiff/nonlinear.ts';
import { transposeLinear } from '../../autodiff/transpose.ts';
import { vjp } from '../../autodiff/vjp.ts';
import * as b from '../../ir/build.ts';
import { makeCustom, makeLinearSolve } from '../../ir/make_rules.ts';
import { closeRegion, inlineRegion, reachable } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat, sameShape } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

/** A value all of whose run-time numbers are real, taken apart. */
interface Vector {
  readonly nodes: readonly Node[];
  readonly rebuild: (nodes: readonly Node[]) => Value;
}

function vectorOf(ctx: Context, v: Value, span: Span, what: string): Vector {
  const flat = flatten(ctx, v.kind === 'number' ? number(v.value, false) : v, span);
  const nodes = flat.leaves.map(({ node }) =>
    node.dtype === 'bool'
      ? failAtOwn(ctx, 'E270', `${what} is made of real numbers, but there are truth values in it`, span)
      : b.cast(ctx.graph, node, isFloat(node.dtype) ? node.dtype : ctx.real),
  );
  if (nodes.length === 0)
    return failAtOwn(ctx, 'E270', `${what} is made of real numbers, but this is ${describe(v)}`, span);
  return { nodes, rebuild: flat.rebuild };
}

const callOne = (ctx: Context, f: Value, x: Value, span: Span): Value =>
  withoutAsserts(ctx, () => ctx.call(f, [{ value: x, span }], span));

/** The leaves of f(x), which has the structure and shapes of `like`. */
function imageOf(ctx: Context, f: Value, x: Value, like: Vector, span: Span, what: string): Node[] {
  const made = inOrderOf(callOne(ctx, f, x, span), like.rebuild(like.nodes));
  const given = flatten(ctx, made, span).leaves.map((l) => l.node);
  const fits =
    given.length === like.nodes.length &&
    given.every((n, i) => sameShape(n.shape, at(like.nodes, i).shape) || constantValue(n) === 0);
  if (!fits) {
    const show = (nodes: readonly Node[]): string =>
      nodes.length === 1 ? describe(array(at(nodes, 0))) : describe(made);
    return failAtOwn(
      ctx,
      'E514',
      `${what} has ${show(given)} for a value where the unknown is ${describe(like.rebuild(like.nodes))}: there are as many equations as unknowns`,
      span,
      'unknown and value have one structure and the same shapes',
    );
  }
  return flatten(ctx, conform(ctx, made, like.rebuild(like.nodes), span, what), span).leaves.map(
    (l) => l.node,
  );
}

/** Cotangents of the parameters of a linear function; a constant in it, or what is not linear, is the user's mistake. */
function transposed(
  ctx: Context,
  results: readonly Node[],
  params: readonly Node[],
  given: readonly Node[],
  span: Span,
  what: string,
): Node[] {
  const place = notLinear(results, params);
  const help = 'a linear function has only sums of its argument and products with what does not depend on it';
  if (place !== undefined)
    return failAtOwn(ctx, 'E511', `${what} is not linear: it adds a constant`, span, help);
  try {
    return transposeLinear(ctx.graph, results, given, params).map(
      (ct, i) => ct ?? b.zerosLike(ctx.graph, at(params, i)),
    );
  } catch (e) {
    if (!(e instanceof NonlinearError)) throw e;
    // Loops that forward mode made have no transpose as they stand: the derivative of a linear function is the function itself, in a form that has one.
    const cts = linearly(() => vjp(ctx.graph, results, params, given));
    if (cts !== undefined && !reachable(present(cts)).some((n) => params.includes(n)))
      return cts.map((ct, i) => ct ?? b.zerosLike(ctx.graph, at(params, i)));
    return failAtOwn(ctx, 'E511', `${what} is not linear`, e.place ?? span, help);
  }
}

const present = (cts: readonly (Node | undefined)[]): Node[] => cts.filter((ct) => ct !== undefined);

function linearly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (e) {
    if (e instanceof NonlinearError) return undefined;
    throw e;
  }
}

/** A sum of what depends on the parameters and of a constant that does not. */
function notLinear(results: readonly Node[], params: readonly Node[]): Node | undefined {
  const active = activityOf(results, params);
  const fixed = (n: Node): boolean => !active.has(n) && constantValue(n) !== 0;
  return reachable(results, new Set(params)).find(
    (n) => (n.op === 'add' || n.op === 'sub') && active.has(n) && n.args.some(fixed),
  );
}

/** y → Lᵀ y for a linear L, whose argument looks like `like`, or like y. */
export function adjointOf(ctx: Context, L: Value, like: Value | undefined, span: Span): Value {
  return define(ctx, 'the adjoint', ['y'], (a) => {
    const y = vectorOf(ctx, a.need('y'), a.span, 'what an adjoint is applied to');
    const x = like === undefined ? y : vectorOf(ctx, like, span, '`like`');
    const params = x.nodes.map((n, i) => ctx.graph.param(`x${i}`, n));
    const results = imageOf(ctx, L, x.rebuild(params), y, a.span, 'the linear function');
    return x.rebuild(transposed(ctx, results, params, y.nodes, span, 'what `adjoint` is taken of'));
  });
}

export interface LinearSolve {
  /** A linear function, its right-hand side, and functions (A, b) => x that solve with it and with its transpose; with `prepare`, what that makes of A stands in place of A. */
  readonly operator: Value;
  readonly right: Value;
  readonly prepare: Value | undefined;
  readonly solve: Value;
  readonly adjointSolve: Value;
  /** The operator is its own transpose. */
  readonly symmetric: boolean;
}

export function linearSolve(ctx: Context, request: LinearSolve, span: Span): Value {
  const g = ctx.graph;
  const right = vectorOf(ctx, request.right, span, 'the right-hand side');
  const what = 'the linear function';
  const apply = (x: readonly Node[]): Node[] =>
    imageOf(ctx, request.operator, right.rebuild(x), right, span, what);
  const flip = (x: readonly Node[]): Node[] => {
    const params = right.nodes.map((n, i) => g.param(`u${i}`, n));
    return transposed(ctx, apply(params), params, x, span, what);
  };
  const asFunction = (map: (x: readonly Node[]) => Node[]): Value =>
    define(ctx, what, ['x'], (a) => {
      const x = a.need('x');
      const fit = conform(ctx, x, right.rebuild(right.nodes), a.span, `the argument of ${what}`);
      return right.rebuild(map(flatten(ctx, fit, a.span).leaves.map((l) => l.node)));
    });
  imageOf(ctx, request.operator, right.rebuild(right.nodes), right, span, what);
  const { prepare } = request;
  const prepared = prepare && callOne(ctx, prepare, request.operator, span);
  const solveWith = (solver: Value, map: (x: readonly Node[]) => Node[]) => {
    const A = prepared ?? (map === apply ? request.operator : asFunction(map));
    return (x: readonly Node[]): Node[] => {
      const made = withoutAsserts(ctx, () =>
        ctx.call(
          solver,
          [
            { value: A, span },
            { value: right.rebuild(x), span },
          ],
          span,
        ),
      );
      const fit = conform(ctx, made, right.rebuild(right.nodes), span, 'what a solver gives');
      return flatten(ctx, fit, span).leaves.map((l) => l.node);
    };
  };
  const { symmetric } = request;
  const solution = g.withOrigin(span, () =>
    makeLinearSolve(g, {
      right: right.nodes,
      operator: apply,
      adjoint: symmetric ? apply : flip,
      solve: solveWith(request.solve, apply),
      adjointSolve: symmetric ? solveWith(request.solve, apply) : solveWith(request.adjointSolve, flip),
    }),
  );
  return right.rebuild(solution);
}

/**
 * z forwards, and as the solution of F(z) = 0 to derivatives: z' = -(dF/dz)⁻¹ dF/dc c' for everything c that F uses. The rule sees z as its own result, so it differentiates again.
 * `solve(A, b)` solves the linear equation for z'.
 */
export function implicitValue(ctx: Context, F: Value, z: Value, solve: Value, span: Span): Value {
  const g = ctx.graph;
  const point = vectorOf(ctx, z, span, 'the solution');
  const params = point.nodes.map((n, i) => g.param(`z${i}`, n));
  const results = imageOf(ctx, F, point.rebuild(params), point, span, 'the equation');
  refuseMovingLaw(ctx, results, params, span);
  const { region, captured } = closeRegion(g, params, results);
  const count = params.length;
  const nodes = g.withOrigin(span, () =>
    makeCustom(g, {
      name: 'implicit',
      args: [...point.nodes.map((n) => b.stopGradient(g, n)), ...captured],
      mode: 'tangent',
      primal: (args) => args.slice(0, count),
      rule: (args, solution, moves) => {
        const others = args.slice(count);
        const value = inlineRegion(g, region, [...solution, ...others]);
        const floats = others.filter((n) => isFloat(n.dtype));
        const pushed = jvp(g, value, floats, moves.slice(count));
        const right = pushed.map((t, i) => (t === undefined ? b.zerosLike(g, at(value, i)) : b.neg(g, t)));
        const A = define(ctx, 'the derivative of the equation', ['v'], (a) => {
          const v = flatten(
            ctx,
            conform(ctx, a.need('v'), point.rebuild(params), a.span, 'the direction'),
            a.span,
          ).leaves.map((l) => l.node);
          const moved = jvp(g, value, solution, v);
          return point.rebuild(moved.map((t, i) => t ?? b.zerosLike(g, at(value, i))));
        });
        const made = withoutAsserts(ctx, () =>
          ctx.call(
            solve,
            [
              { value: A, span },
              { value: point.rebuild(right), span },
            ],
            span,
          ),
        );
        const fit = conform(ctx, made, point.rebuild(params), span, 'what a solver gives');
        return flatten(ctx, fit, span).leaves.map((l) => l.node);
      },
      nameOf: (node) => (node.op === 'param' ? node.attrs.name : 'what the solver uses'),
    }),
  );
  return point.rebuild(nodes);
}

/** The law of an ensemble may stand in an equation that is solved for one path, but not move with what is solved for: the derivatives of the solution would not know of the other paths. */
function refuseMovingLaw(ctx: Context, results: readonly Node[], params: readonly Node[], span: Span): void {
  if (!movesLaw(results, new Set(params))) return;
  failAtOwn(
    ctx,
    'E462',
    'what is to be solved for here, for one path, also moves an `expect(…)` over all paths',
    span,
    'a method with one stage, euler_maruyama, takes the law at the start of its steps; times of a timetable, `event at times[i] as i`, are not solved for',
  );
}
