// Loops. A loop over a range or an array is rolled: its body is elaborated once, as the step of a `scan` that carries the `var`s assigned in it. A loop over a static list is unrolled.
// Loops with an unknown number of turns are in while_loops.ts. Used as an expression a loop collects what it yields, stacked (`yield e every k` keeps iterations k-1, 2k-1, …: an outer loop over an inner one).

import {
  carriedLeaves,
  carriedVariables,
  inTurn,
  noReturn,
  Promotion,
  promoting,
  restore,
  widen,
} from './carried.ts';
import { capturing, inRow } from '../values/closures.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { hasBreak } from './early_end.ts';
import { flatten, staticInteger } from '../values/leaves.ts';
import { bindPattern } from '../names/patterns.ts';
import type { Scope, Yields } from '../names/scope.ts';
import { elementAt, sourceOf } from './sources.ts';
import type { LoopSource } from './sources.ts';
import { stackValues } from '../values/stacking.ts';
import { forWithUnknownEnd, unrolledWithBreaks } from './while_loops.ts';
import type { Value } from '../values/values.ts';
import { describe } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import { makeScan } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

export function forStatement(ctx: Context, s: ast.ForStatement, scope: Scope): Value | undefined {
  return runLoop(ctx, s.generators, s.body, scope, s.span, undefined);
}

export function forExpression(ctx: Context, e: ast.ForExpression, scope: Scope): Value {
  const collected: Yields = [];
  const every = findEvery(e.body);
  const k =
    every?.every === undefined
      ? 1
      : staticInteger(
          ctx,
          ctx.evaluate(every.every, scope),
          every.every.span,
          'the interval of `yield … every`',
        );
  if (every === undefined)
    return failAt(ctx, 'E196', 'a loop used as a value has to yield', e.span, 'write `yield x` in its body');
  const holder: { result: Value | undefined } = { result: undefined };
  runLoop(ctx, e.generators, e.body, scope, e.span, {
    every: k,
    collected,
    deliver: (v) => (holder.result = v),
  });
  return holder.result ?? failAt(ctx, 'E196', 'a loop used as a value has to yield', e.span);
}

interface Collect {
  readonly every: number;
  readonly collected: Yields;
  readonly deliver: (stacked: Value) => void;
}

function findEvery(body: ast.BlockExpression): ast.YieldStatement | undefined {
  for (const s of body.statements) {
    if (s.kind === 'yield') return s;
    if (s.kind === 'if-statement') {
      const inner = findEvery(s.then) ?? (s.else?.kind === 'block' ? findEvery(s.else) : undefined);
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}

function runLoop(
  ctx: Context,
  generators: readonly ast.Generator[],
  body: ast.BlockExpression,
  scope: Scope,
  span: Span,
  collect: Collect | undefined,
): Value | undefined {
  const [first, ...rest] = generators;
  if (first === undefined) return ctx.block(body, scope.child());
  const breaks = hasBreak(body);
  if (breaks && rest.length > 0)
    failAt(
      ctx,
      'E187',
      'a `break` in a loop with two indices does not say which of them it ends',
      span,
      'write two loops, one in the other; a break ends the inner one',
    );
  if (rest.length > 0 && (collect?.every ?? 1) > 1)
    failAt(
      ctx,
      'E186',
      '`yield … every k` counts the turns of a loop with one index',
      span,
      'write two loops, one in the other, or thin out afterwards: xs[k - 1 .. len(xs) by k]',
    );
  const source = sourceOf(ctx, ctx.evaluate(first.source, scope), first.source, true);
  if (collect !== undefined && (breaks || source.kind === 'dynamic'))
    failAt(
      ctx,
      'E188',
      'this loop has a number of turns known at run time only, so what it yields makes no array',
      span,
      'make an array of the largest length before the loop, assign to its elements, and count the turns in a `var`',
    );
  // With several indices the inner loops stack what they yield, and the outer one stacks that.
  const inner = (s: Scope, text: ast.BlockExpression = body): Value | undefined =>
    rest.length === 0
      ? ctx.block(text, s)
      : runLoop(
          ctx,
          rest,
          text,
          s,
          span,
          collect === undefined
            ? undefined
            : { ...collect, deliver: (value) => s.yields?.push({ value, span }) },
        );
  if (source.kind === 'static' && breaks)
    return unrolledWithBreaks(ctx, first, source.elements, body, scope, span);
  if (source.kind === 'dynamic' || (breaks && source.kind !== 'static')) {
    forWithUnknownEnd(ctx, first, source, body, (text, s) => inner(s, text), scope, span);
    return undefined;
  }
  if (source.kind === 'static') {
    const collected: Value[] = [];
    for (const element of source.elements) {
      const child = scope.child();
      bindPattern(ctx, first.pattern, element, child, first.span, false);
      const yields: Yields = [];
      if (collect !== undefined) child.yields = yields;
      const returned = inner(child);
      if (returned !== undefined) return returned;
      for (const y of yields) collected.push(y.value);
    }
    if (collect !== undefined)
      collect.deliver(
        stackValues(
          ctx,
          collected.filter((_, i) => (i + 1) % collect.every === 0),
          span,
        ),
      );
    return undefined;
  }
  rolled(ctx, first, source, inner, body, scope, span, collect);
  return undefined;
}

/** The variables a rolled body carries, with ints turned into reals where the body makes them real. */
function rolled(
  ctx: Context,
  generator: ast.Generator,
  source: Exclude<LoopSource, { kind: 'static' | 'dynamic' }>,
  body: (s: Scope) => Value | undefined,
  text: ast.BlockExpression,
  scope: Scope,
  span: Span,
  collect: Collect | undefined,
): void {
  const carried = carriedVariables(scope, text);
  const start = carried.map((c) => c.binding.value);
  const length = source.length;
  const every = collect?.every ?? 1;
  const turns = Math.floor(length / every);
  if (length === 0 && collect === undefined) return;

  const attempt = (initial: readonly Value[]): void => {
    let promoted: Value[] | undefined;
    const flats = initial.map((v) => flatten(ctx, v, span));
    const counts = flats.map((f) => f.leaves.length);
    let yieldShape: ReturnType<typeof flatten> | undefined;
    const bindAll = (nodes: readonly Node[]): void => {
      let next = 0;
      carried.forEach((c, i) => {
        const n = at(counts, i);
        c.binding.value = at(flats, i).rebuild(nodes.slice(next, next + n));
        next += n;
      });
    };
    /** One turn at `index`: carried leaves after it, and the yielded leaves. */
    const turn = (index: Node, carries: readonly Node[]): { carries: Node[]; yielded: Value | undefined } => {
      bindAll(carries);
      const child = scope.child();
      const yields: Yields = [];
      if (collect !== undefined) child.yields = yields;
      return inTurn(
        ctx,
        index,
        length,
        carried,
        () => {
          bindPattern(ctx, generator.pattern, elementAt(ctx, source, index), child, generator.span, false);
          noReturn(ctx, body(child), span);
          const after: Node[] = [];
          carried.forEach((c, i) => {
            const like = at(initial, i);
            const value = widen(ctx, c.binding.value, like, c.place);
            if (value.promote !== undefined) {
              promoted ??= [...initial];
              promoted[i] = value.promote;
            }
            const flat = flatten(ctx, value.value, span);
            if (promoted === undefined) {
              after.push(...carriedLeaves(ctx, c, value.value, at(flats, i)));
            } else after.push(...flat.leaves.map((l) => l.node));
          });
          if (promoted !== undefined) throw new Promotion(promoted);
          if (yields.length > 1)
            failAt(
              ctx,
              'E198',
              'a loop yields once a turn',
              at(yields, 1).span,
              'yield one value with several parts: yield { a, b }',
            );
          const first = yields[0];
          const given = first && capturing(ctx, first.value, [index, ...carries], first.span);
          if (
            first !== undefined &&
            given !== undefined &&
            flatten(ctx, given, first.span).leaves.length === 0
          )
            failAt(
              ctx,
              'E203',
              `a rolled loop yields numbers, arrays, or records of such, but this is ${describe(first.value)}`,
              first.span,
              'a static list may hold it: list(f(i) for i in 0..n)',
            );
          return { carries: after, yielded: given };
        },
        true,
      );
    };
    const init = flats.flatMap((f) => f.leaves.map((l) => l.node));
    // With `yield … every k` an inner loop carries what is yielded: a dry turn finds its structure. So it does where there are no turns.
    if (every > 1 || length === 0) {
      const probe = ctx.graph.scope(() =>
        turn(ctx.graph.param('probe', { dtype: 'i32', shape: [] }), init),
      ).value;
      if (probe.yielded !== undefined) yieldShape = flatten(ctx, probe.yielded, span);
    }
    if (length === 0) {
      restore(carried, initial);
      const empty = yieldShape?.leaves.map((l) => b.full(ctx.graph, [0, ...l.node.shape], 0, l.node.dtype));
      if (empty !== undefined && yieldShape !== undefined)
        collect?.deliver(inRow(yieldShape.rebuild(empty), 0));
      return;
    }
    const yieldLeaves = yieldShape?.leaves.map((l) => l.node) ?? [];
    let result: { carries: readonly Node[]; ys: readonly Node[] };
    const leavesYielded = (v: Value | undefined): Node[] =>
      v === undefined ? [] : flatten(ctx, v, span).leaves.map((l) => l.node);
    if (every === 1) {
      result = makeScan(ctx.graph, {
        length,
        init,
        body: (index, carries) => {
          const r = turn(index, carries);
          if (r.yielded !== undefined) yieldShape = flatten(ctx, r.yielded, span);
          return { carries: r.carries, ys: yieldShape?.leaves.map((l) => l.node) ?? [] };
        },
      });
    } else {
      const outer = makeScan(ctx.graph, {
        length: turns,
        init,
        body: (block, carries) => {
          const inner = makeScan(ctx.graph, {
            length: every,
            init: [...carries, ...yieldLeaves.map((n) => b.zerosLike(ctx.graph, n))],
            body: (j, state) => {
              const r = turn(
                b.add(ctx.graph, b.mul(ctx.graph, block, every), j),
                state.slice(0, carries.length),
              );
              return { carries: [...r.carries, ...leavesYielded(r.yielded)], ys: [] };
            },
          });
          return { carries: inner.carries.slice(0, carries.length), ys: inner.carries.slice(carries.length) };
        },
      });
      const left = length - turns * every;
      const tail =
        left === 0
          ? outer.carries
          : makeScan(ctx.graph, {
              length: left,
              init: outer.carries,
              body: (j, state) => ({
                carries: turn(b.add(ctx.graph, j, turns * every), state).carries,
                ys: [],
              }),
            }).carries;
      result = { carries: tail, ys: outer.ys };
    }
    bindAll(result.carries);
    if (collect !== undefined && yieldShape !== undefined)
      collect.deliver(inRow(yieldShape.rebuild(result.ys), turns));
  };
  promoting(carried, start, attempt);
}
