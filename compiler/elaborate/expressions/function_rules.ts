// `fn f(w, x) = … derivative (w, x, y, ybar) => (wbar, xbar)` and `… tangent (w, x, wdot, xdot) => …`: a call becomes one operation of the array IR that holds the body and the rule, both
// elaborated for the real leaves of the arguments. Ints and functions among the arguments pass through; what the body sees beside its arguments must not be differentiated.

import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt, withoutAsserts } from '../context.ts';
import { flatten } from '../values/leaves.ts';
import { inOrderOf } from '../values/part_order.ts';
import type { Flattened } from '../values/leaves.ts';
import type { Elaborated } from './known_rules.ts';
import { ruleNameOf } from './known_rules.ts';
import { find } from '../names/names.ts';
import type { Scope } from '../names/scope.ts';
import type { FunctionValue, Value } from '../values/values.ts';
import { array, describe, number } from '../values/values.ts';
import { constantValue } from '../../autodiff/mask.ts';
import * as b from '../../ir/build.ts';
import { makeCustom } from '../../ir/make_rules.ts';
import { reachable } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat, sameShape } from '../../ir/types.ts';
import { FlowError } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** Derivatives of a function whose rule calls the function itself: its rule is written out so many times inside itself. */
const ORDERS = 3;

/** `scope` holds the arguments; `evaluateBody` gives the function's value in a scope. */
export function callWithRule(
  ctx: Context,
  f: FunctionValue,
  scope: Scope,
  span: Span,
  evaluateBody: (scope: Scope) => Value,
): Value {
  const rule = f.tangent ?? f.derivative;
  if (rule === undefined) return evaluateBody(scope);
  const ruleName = ruleNameOf(f);
  if (ctx.frames.filter((frame) => frame.name === ruleName).length >= ORDERS)
    return undifferentiable(ctx, evaluateBody(scope), span, {
      code: 'E516',
      message: `the rule of ${f.name} calls ${f.name}: its derivatives are there up to order ${ORDERS}`,
      help: 'for higher ones, write the rule without the function itself, by another function or by the result y of the rule',
    });
  const mode = f.tangent === undefined ? 'cotangent' : 'tangent';
  const names = f.params.map((p) =>
    p.pattern.kind === 'name-pattern'
      ? p.pattern.name
      : failAt(ctx, 'E512', `an argument of ${f.name}, which has a rule, is no plain name`, p.span),
  );
  const withResult = checkRule(ctx, f, rule, mode, names);
  const values = names.map((n) => scope.find(n)?.value ?? number(0));
  const flats = values.map((v) => argumentLeaves(ctx, v, span));
  const leaves = flats.flatMap((x) => x.leaves);
  if (!leaves.some((n) => isFloat(n.dtype)))
    return undifferentiable(ctx, evaluateBody(scope), span, {
      code: 'E510',
      message: `the derivative is taken with respect to something that ${f.name} uses without taking it as an argument: its rule has nothing to say of it`,
      help: `make it an argument of ${f.name}, so that the rule covers it, or write stop_gradient(…) where it is a constant`,
    });

  const key = ctx.knownRules.keyOf(ctx, f, values);
  const known = key === undefined ? undefined : ctx.knownRules.find(ctx, f, key, leaves);
  if (known !== undefined) return known;

  const split = (nodes: readonly Node[]): Value[] => {
    let next = 0;
    return flats.map((x) => {
      const own = nodes.slice(next, next + x.leaves.length);
      next += own.length;
      return x.rebuild(own);
    });
  };
  let made: Flattened | undefined;
  const callRule = (given: readonly Value[]): Value =>
    ctx.call(
      {
        kind: 'function',
        name: ruleName,
        params: rule.params,
        body: rule.body,
        scope,
        span: rule.span,
      },
      given.map((value) => ({ value, span: rule.span })),
      span,
    );
  const make = (): readonly Node[] =>
    makeCustom(ctx.graph, {
      name: f.name,
      args: leaves,
      mode,
      primal: (params) => {
        const inside = scope.child();
        split(params).forEach((v, i) => inside.define(at(names, i), v, span));
        made = flatten(ctx, evaluateBody(inside), span);
        return made.leaves.map((l) => l.node);
      },
      rule: (params, outputs, moves) => {
        const result = made ?? failAt(ctx, 'E512', 'a rule without a body', span);
        const given = split(params);
        const y = result.rebuild(outputs);
        if (mode === 'tangent') {
          const next = moves.values();
          const dots = split(
            leaves.map((l) => (isFloat(l.dtype) ? (next.next().value ?? l) : b.zerosLike(ctx.graph, l))),
          ).map((v) => withoutNumbers(v));
          const tangent = callRule([...given, ...(withResult ? [y] : []), ...dots]);
          return fitted(ctx, tangent, y, rule.body.span, 'the tangent', f.name);
        }
        const next = moves.values();
        const ybar = result.rebuild(
          outputs.map((o) =>
            isFloat(o.dtype) ? (next.next().value ?? o) : b.zerosLike(ctx.graph, packed(ctx, o)),
          ),
        );
        const found = cotangents(ctx, callRule([...given, y, ybar]), f.name, names, rule.body.span);
        return flats.flatMap((x, i) =>
          x.leaves.some((l) => isFloat(l.dtype))
            ? fitted(
                ctx,
                at(found, i),
                at(given, i),
                rule.body.span,
                `the cotangent of \`${at(names, i)}\``,
                f.name,
              )
            : [],
        );
      },
      nameOf: namesOfCaptured(ctx, f, rule),
    });
  const work = (): Elaborated => {
    const nodes = withoutAsserts(ctx, make);
    return { nodes, made: made ?? failAt(ctx, 'E512', 'a rule without a body', span) };
  };
  return ctx.knownRules.remember(ctx, f, key, leaves, work);
}

/** The value of a function where its rule does not reach: to differentiate it is refused. */
function undifferentiable(
  ctx: Context,
  value: Value,
  span: Span,
  refusal: { readonly code: string; readonly message: string; readonly help: string },
): Value {
  const flat = flatten(ctx, value, span, { keepStatic: true });
  return flat.rebuild(
    flat.leaves.map(({ node }) => (isFloat(node.dtype) ? b.stopGradient(ctx.graph, node, refusal) : node)),
  );
}

const packed = (ctx: Context, node: Node): Node =>
  node.dtype === 'bool' ? b.cast(ctx.graph, node, 'i32') : node;

/** Whether a tangent rule also takes the result. */
function checkRule(
  ctx: Context,
  f: FunctionValue,
  rule: ast.LambdaExpression,
  mode: 'tangent' | 'cotangent',
  names: readonly string[],
): boolean {
  const n = names.length;
  const count = rule.params.length;
  const word = mode === 'tangent' ? 'tangent' : 'derivative';
  if (mode === 'tangent' ? count === 2 * n || count === 2 * n + 1 : count === n + 2)
    return mode === 'tangent' && count === 2 * n + 1;
  const list = names.join(', ');
  return failAt(
    ctx,
    'E512',
    `the \`${word}\` rule of ${f.name} has ${count} ${count === 1 ? 'argument' : 'arguments'}`,
    rule.span,
    mode === 'tangent'
      ? `it takes the arguments and a tangent of each, (${list}, ${names.map((x) => `${x}dot`).join(', ')}) => …, and may take the result between them`
      : `it takes the arguments, the result and the cotangent of the result: (${list}, y, ybar) => …`,
  );
}

interface ArgumentLeaves {
  readonly leaves: readonly Node[];
  readonly rebuild: (nodes: readonly Node[]) => Value;
}

/** The run-time numbers of an argument; what is known at compile time stays, truth values are captured. */
function argumentLeaves(ctx: Context, value: Value, span: Span): ArgumentLeaves {
  const flat = flatten(ctx, value, span, { keepStatic: true });
  const all = flat.leaves.map((l) => l.node);
  return {
    leaves: all.filter((n) => n.dtype !== 'bool'),
    rebuild: (nodes) => {
      const next = nodes.values();
      return flat.rebuild(all.map((n) => (n.dtype === 'bool' ? n : (next.next().value ?? n))));
    },
  };
}

/** Numbers known at compile time do not move. */
function withoutNumbers(v: Value): Value {
  switch (v.kind) {
    case 'number':
      return number(0, v.integer);
    case 'tuple':
    case 'list':
      return { ...v, elements: v.elements.map(withoutNumbers) };
    case 'record':
      return { ...v, entries: new Map([...v.entries].map(([k, e]) => [k, withoutNumbers(e)])) };
    default:
      return v;
  }
}

/** What a derivative rule gives, argument by argument. */
function cotangents(
  ctx: Context,
  given: Value,
  name: string,
  names: readonly string[],
  span: Span,
): readonly Value[] {
  if (names.length === 1) return [given];
  const parts = given.kind === 'tuple' || given.kind === 'list' ? given.elements : undefined;
  if (parts === undefined || parts.length !== names.length)
    return failAt(
      ctx,
      'E513',
      `the \`derivative\` rule of ${name} gives a cotangent for each of its ${names.length} arguments, but this is ${describe(given)}`,
      span,
      `write (${names.map((n) => `${n}bar`).join(', ')}); for an argument without real numbers any value will do, such as 0`,
    );
  return parts;
}

/** The real leaves of `value` in the order of those of `like`, which it must fit. */
function fitted(ctx: Context, value: Value, like: Value, span: Span, what: string, name: string): Node[] {
  const keep = { keepStatic: true } as const;
  const wanted = flatten(ctx, like, span, keep);
  // Ints have no derivative: whatever is given for them will do.
  const real = wanted.rebuild(
    wanted.leaves.map(({ node }) =>
      isFloat(node.dtype) ? node : b.full(ctx.graph, node.shape, 0, ctx.real),
    ),
  );
  const reals = flatten(ctx, real, span, keep).leaves.map((l) => l.node);
  const given = flatten(ctx, inOrderOf(value, real), span).leaves.map((l) => l.node);
  const wrong = reals.findIndex((n, i) => {
    const g = given[i];
    return g !== undefined && !sameShape(g.shape, n.shape) && constantValue(g) !== 0;
  });
  if (given.length === reals.length && wrong >= 0)
    return failAt(
      ctx,
      'E513',
      `${what} has the shape of ${what === 'the tangent' ? 'the result' : 'the argument'}, ${describe(array(at(reals, wrong)))}, but the rule of ${name} gives ${describe(array(at(given, wrong)))}`,
      span,
      at(reals, wrong).shape.length === 0
        ? 'the cotangent of a number that acts on an array is a sum over it: sum(…)'
        : undefined,
    );
  const fit = flatten(ctx, conform(ctx, value, real, span, what), span, keep).leaves.map((l) => l.node);
  return fit.filter((_, i) => isFloat(wanted.leaves[i]?.node.dtype ?? 'i32'));
}

/** What a captured value is called: the name in the function or its rule whose value it is part of. */
function namesOfCaptured(ctx: Context, f: FunctionValue, rule: ast.LambdaExpression): (node: Node) => string {
  let known: (readonly [string, readonly Node[]])[] | undefined;
  return (node) => {
    known ??= [...new Set([...namesIn(f.body), ...namesIn(rule.body)])].flatMap((name) => {
      const leaves = leavesNamed(ctx, name, f.scope, f.span);
      return leaves.length === 0 ? [] : [[name, leaves] as const];
    });
    const exact = known.find(([, leaves]) => leaves.includes(node));
    const above = known.find(([, leaves]) => reachable(leaves).includes(node));
    const below = known.find(([, leaves]) => {
      const sources = new Set(reachable([node]));
      return leaves.some((l) => l.op === 'param' && sources.has(l));
    });
    return (exact ?? above ?? below)?.[0] ?? (node.op === 'param' ? node.attrs.name : 'a value from outside');
  };
}

function leavesNamed(ctx: Context, name: string, scope: Scope, span: Span): readonly Node[] {
  try {
    const value = find(ctx, name, scope);
    return value === undefined
      ? []
      : flatten(ctx, value, span, { keepStatic: true }).leaves.map((l) => l.node);
  } catch (e) {
    if (e instanceof FlowError) return [];
    throw e;
  }
}

/** Every plain name in a tree. */
export function namesIn(tree: unknown): string[] {
  if (Array.isArray(tree)) return tree.flatMap(namesIn);
  if (typeof tree !== 'object' || tree === null) return [];
  if ('kind' in tree && tree.kind === 'name' && 'name' in tree && typeof tree.name === 'string')
    return [tree.name];
  return Object.entries(tree).flatMap(([key, part]) => (key === 'span' ? [] : namesIn(part)));
}
