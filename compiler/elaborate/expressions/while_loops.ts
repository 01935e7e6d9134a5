// Loops whose number of turns is known at run time only: `while c limit n`, a range that ends at a run-time number, and loops that `break`. All are the operation `while`, with a bound on
// its turns: the limit said, the number of elements, or the largest value that the end of the range can have (int_bounds.ts).

import type { Carried } from './carried.ts';
import { carriedLeaves, carriedVariables, inTurn, noReturn, Promotion, promoting, widen } from './carried.ts';
import { mustBeTold, mustHold } from './checked.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { GOING, goingOn, hasBreak, withoutBreaks } from './early_end.ts';
import { boundsOf } from '../values/int_bounds.ts';
import { flatten, staticNumber, toNode } from '../values/leaves.ts';
import { bindPattern } from '../names/patterns.ts';
import type { Scope } from '../names/scope.ts';
import { inLibrary } from '../names/own_place.ts';
import { elementAt } from './sources.ts';
import type { LoopSource } from './sources.ts';
import type { Value } from '../values/values.ts';
import { array, bool, describe, int, tuple } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import { isCompound } from '../../ir/classes.ts';
import { makeCond, makeWhile, reachable } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

const DEFAULT_LIMIT = 10_000;
/** The bound of a range of which nothing is known: as many turns as an int can count. Such a loop has no reverse mode. */
export const UNBOUNDED = 2 ** 31 - 1;

interface ConditionalLoop {
  readonly carried: readonly Carried[];
  readonly limit: number;
  /** Whether there is another turn, from what is carried. */
  readonly condition: () => Node;
  readonly turn: (index: Node) => void;
  readonly span: Span;
}

interface WhileLoop extends ConditionalLoop {
  /** The condition behind the loop, with the draws that it has in the loop. */
  readonly afterwards: () => Node;
}

/** Runs the loop and binds its variables to what they are after it; gives the number of its turns. */
function runWhile(ctx: Context, loop: ConditionalLoop): Node {
  const { carried, limit, span } = loop;
  const start = carried.map((c) => c.binding.value);
  let turns = ctx.graph.constant(0, 'i32');
  const attempt = (initial: readonly Value[]): void => {
    const flats = initial.map((v) => flatten(ctx, v, span));
    const bindAll = (nodes: readonly Node[]): void => {
      let next = 0;
      carried.forEach((c, i) => {
        const f = at(flats, i);
        c.binding.value = f.rebuild(nodes.slice(next, next + f.leaves.length));
        next += f.leaves.length;
      });
    };
    const init = flats.flatMap((f) => f.leaves.map((l) => l.node));
    let promoted: Value[] | undefined;
    const result = ctx.graph.withOrigin(span, () =>
      makeWhile(ctx.graph, {
        init,
        limit,
        condition: (nodes) => {
          bindAll(nodes);
          return loop.condition();
        },
        body: (index, nodes) => {
          bindAll(nodes);
          inTurn(ctx, index, limit, carried, () => {
            loop.turn(index);
          });
          const after = carried.flatMap((c, i) => {
            const w = widen(ctx, c.binding.value, at(initial, i), c.place);
            if (w.promote !== undefined) {
              promoted ??= [...initial];
              promoted[i] = w.promote;
              return [];
            }
            if (promoted !== undefined) return [];
            return carriedLeaves(ctx, c, w.value, at(flats, i));
          });
          if (promoted !== undefined) throw new Promotion(promoted);
          return after;
        },
      }),
    );
    bindAll(result.carries);
    turns = result.turns;
  };
  promoting(carried, start, attempt);
  return turns;
}

function truth(ctx: Context, c: Value, span: Span): Node {
  if (c.kind === 'bool') return ctx.graph.constant(c.value ? 1 : 0, 'bool');
  if (c.kind !== 'array' || c.node.dtype !== 'bool' || c.node.shape.length > 0)
    return failAt(
      ctx,
      'E192',
      `the condition of \`while\` is one truth value, but this is ${describe(c)}`,
      span,
      c.kind === 'array' && c.node.dtype === 'bool'
        ? 'any(…) or all(…) make one of many'
        : 'compare it with something: while x > 0 { … }',
    );
  return c.node;
}

/** A scope in which the hidden variable of breaks is true, when the body has any; and the body without them. */
function endable(
  ctx: Context,
  body: ast.BlockExpression,
  scope: Scope,
): { readonly scope: Scope; readonly body: ast.BlockExpression; readonly breaks: boolean } {
  if (!hasBreak(body)) return { scope, body, breaks: false };
  const outer = scope.child();
  outer.define(GOING, bool(true), body.span, true, ctx.regions.length);
  return { scope: outer, body: withoutBreaks(body), breaks: true };
}

/** What is carried, as something that goes with a condition. */
function follow(carried: readonly Carried[], guard: (values: Value) => Value): void {
  const values = guard(tuple(carried.map((c) => c.binding.value)));
  if (values.kind === 'tuple')
    carried.forEach((c, i) => {
      c.binding.value = at(values.elements, i);
    });
}

/** A loop that nobody gave a limit has to end by its condition. */
function unfinished(ctx: Context, { carried, afterwards, span }: WhileLoop): void {
  const goesOn = afterwards();
  follow(carried, (values) =>
    mustHold(
      ctx,
      values,
      b.not(ctx.graph, goesOn),
      `this \`while\` has not ended after ${DEFAULT_LIMIT.toLocaleString('en-US')} turns`,
      span,
      'give it the limit it may need: while c limit 100_000 { … }; with a limit the loop ends there, and goes on with what there is',
    ),
  );
}

/** A loop that says so when its limit has ended it while its condition still holds. */
function reported(ctx: Context, { carried, limit, afterwards, span }: WhileLoop, turns: Node): void {
  const g = ctx.graph;
  const { value, mark } = g.scope(afterwards);
  // Behind a loop that has ended before, a condition that takes work is not worth it.
  const goesOn = costly(value, mark)
    ? at(
        makeCond(g, {
          predicate: b.ge(g, turns, limit),
          then: () => [afterwards()],
          otherwise: () => [g.constant(0, 'bool')],
        }),
        0,
      )
    : afterwards();
  const stopped = b.not(g, goesOn);
  const most = `${limit.toLocaleString('en-US')} turn${limit === 1 ? '' : 's'}`;
  const [message, cure] = inLibrary(span)
    ? [
        `a loop of ${span.file.path} has reached its limit of ${most} here, and what comes of it may be wrong`,
        'look at what it is given: numbers that are not finite, or that it is not made for',
      ]
    : [
        `this \`while\` has reached its limit of ${most} while its condition still holds`,
        'raise the limit or, where it is meant to end the loop, say so: while c limit n quietly { … }',
      ];
  follow(carried, (values) => mustBeTold(ctx, values, stopped, 'R215', message, span, cure));
}

/** Whether what is made behind the mark, which depends on what a loop leaves behind, is more than a few operations on numbers and sums over arrays. */
function costly(node: Node, mark: number): boolean {
  const made = reachable([node], { has: (n) => n.id < mark }).filter((n) => n.id >= mark);
  return made.length >= 48 || made.some((n) => isCompound(n) || n.op === 'dot');
}

export function whileStatement(ctx: Context, s: ast.WhileStatement, scope: Scope): void {
  const limit =
    s.limit === undefined
      ? DEFAULT_LIMIT
      : (staticNumber(ctx.evaluate(s.limit, scope)) ??
        failAt(
          ctx,
          'E110',
          'the limit of a `while` must be known at compile time',
          s.limit.span,
          'take the largest that may be needed: while c and k < n limit 1000 { … }',
        ));
  const loop = endable(ctx, s.body, scope);
  const carried = carriedVariables(loop.scope, loop.body);
  let first = ctx.draws.ordinal;
  const condition = (): Node => {
    first = ctx.draws.ordinal;
    const c = truth(ctx, ctx.evaluate(s.condition, loop.scope), s.condition.span);
    return loop.breaks
      ? b.and(ctx.graph, truth(ctx, ctx.evaluate(goingOn(s.span), loop.scope), s.span), c)
      : c;
  };
  const conditional: WhileLoop = {
    carried,
    limit,
    span: s.span,
    condition,
    afterwards: () => {
      const before = ctx.draws.ordinal;
      ctx.draws.ordinal = first;
      const c = condition();
      ctx.draws.ordinal = before;
      return c;
    },
    turn: () => {
      noReturn(ctx, ctx.block(loop.body, loop.scope.child()), s.span);
    },
  };
  const turns = runWhile(ctx, conditional);
  if (carried.length === 0) return;
  if (s.limit === undefined) unfinished(ctx, conditional);
  else if (s.quietly !== true) reported(ctx, conditional, turns);
}

/** `for` over elements that are found one by one, with a number of turns known at run time only. */
export function forWithUnknownEnd(
  ctx: Context,
  generator: ast.Generator,
  source: Exclude<LoopSource, { kind: 'static' }>,
  text: ast.BlockExpression,
  body: (text: ast.BlockExpression, s: Scope) => Value | undefined,
  scope: Scope,
  span: Span,
): void {
  const loop = endable(ctx, text, scope);
  const turns = source.kind === 'dynamic' ? rangeOf(ctx, source, generator.source.span) : undefined;
  const limit = turns === undefined ? (source.kind === 'dynamic' ? 0 : source.length) : turns.limit;
  if (limit === 0) return;
  const counter: Carried = {
    name: 'turn',
    binding: { value: int(0), mutable: true, span },
    place: span,
  };
  const counted = turns !== undefined;
  const element = (index: Node): Value =>
    turns === undefined ? elementAt(ctx, source, index) : array(b.add(ctx.graph, turns.from, index));
  runWhile(ctx, {
    carried: [...carriedVariables(loop.scope, loop.body), ...(counted ? [counter] : [])],
    limit,
    span,
    condition: () => {
      const goes = loop.breaks
        ? truth(ctx, ctx.evaluate(goingOn(span), loop.scope), span)
        : ctx.graph.constant(1, 'bool');
      if (turns === undefined) return goes;
      return b.and(ctx.graph, goes, b.lt(ctx.graph, turnOf(ctx, counter), turns.count));
    },
    turn: (index) => {
      const child = loop.scope.child();
      bindPattern(ctx, generator.pattern, element(index), child, generator.span, false);
      noReturn(ctx, body(loop.body, child), span);
      counter.binding.value = array(b.add(ctx.graph, turnOf(ctx, counter), 1));
    },
  });
}

const turnOf = (ctx: Context, counter: Carried): Node =>
  toNode(ctx, counter.binding.value, counter.place, 'the number of the turn');

interface RunTimeRange {
  readonly from: Node;
  readonly count: Node;
  readonly limit: number;
}

function rangeOf(ctx: Context, source: Extract<LoopSource, { kind: 'dynamic' }>, span: Span): RunTimeRange {
  const whole = (v: Value): Node => {
    const node = toNode(ctx, v, span, 'a counting range');
    if (isFloat(node.dtype) || node.dtype === 'bool' || node.shape.length > 0)
      failAt(
        ctx,
        'E111',
        `a counting range runs between whole numbers, but this is ${describe(v)}`,
        span,
        'int(…), round(…) or floor(…) make whole numbers',
      );
    return b.cast(ctx.graph, node, 'i32');
  };
  const [from, to] = [whole(source.from), whole(source.to)];
  const { least } = boundsOf(ctx, from);
  const { largest } = boundsOf(ctx, to);
  const most = largest - least;
  return {
    from,
    count: b.sub(ctx.graph, to, from),
    limit: Number.isFinite(most) ? Math.max(0, Math.min(UNBOUNDED, most)) : UNBOUNDED,
  };
}

/** A loop over a static list that breaks: the elements behind one at which it may have ended are in a branch. */
export function unrolledWithBreaks(
  ctx: Context,
  generator: ast.Generator,
  elements: readonly Value[],
  text: ast.BlockExpression,
  scope: Scope,
  span: Span,
): Value | undefined {
  const loop = endable(ctx, text, scope);
  for (const element of elements) {
    const going = loop.scope.find(GOING)?.value;
    if (going?.kind === 'bool' && !going.value) return undefined;
    const child = loop.scope.child();
    bindPattern(ctx, generator.pattern, element, child, generator.span, false);
    const body: ast.BlockExpression =
      going?.kind === 'bool'
        ? loop.body
        : {
            kind: 'block',
            statements: [{ kind: 'if-statement', condition: goingOn(span), then: loop.body, span }],
            span,
          };
    const returned = ctx.block(body, child);
    if (returned !== undefined) return returned;
  }
  return undefined;
}
