// Loops. A loop over a range or an array is rolled: its body is elaborated once, as the step of a `scan` that carries the `var`s assigned in it. A loop over a static list is unrolled.
// `while` becomes the operation of that name. Used as an expression a loop collects what it yields, stacked (`yield e every k` keeps iterations k-1, 2k-1, …: an outer loop over an inner one).

import { assignedNames, assignmentOf } from './assigned.ts';
import { conform } from './conform.ts';
import type { Context } from './context.ts';
import { failAt, notYet, withDraws, withoutAsserts } from './context.ts';
import { enterLoop } from './draws.ts';
import { flatten, staticInteger, staticNumber } from './leaves.ts';
import type { Flattened } from './leaves.ts';
import { bindPattern } from './patterns.ts';
import type { Binding, Scope, Yields } from './scope.ts';
import { elementAt, sourceOf } from './sources.ts';
import { staticDifference } from './static_parts.ts';
import type { LoopSource } from './sources.ts';
import { stackValues } from './stacking.ts';
import type { Value } from './values.ts';
import { describe } from './values.ts';
import * as b from '../ir/build.ts';
import { makeScan, makeWhile } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { isFloat, sameShape } from '../ir/types.ts';
import { at } from '../support/lists.ts';
import type { Span } from '../support/span.ts';
import type * as ast from '../syntax/ast.ts';

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
  const source = sourceOf(ctx, ctx.evaluate(first.source, scope), first.source, true);
  const inner = (s: Scope): Value | undefined =>
    rest.length === 0 ? ctx.block(body, s) : runLoop(ctx, rest, body, s, span, undefined);
  if (rest.length > 0 && collect !== undefined) notYet(ctx, 'a loop with two indices that yields', span);
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

/** One turn of a rolled loop: with draws of its own, and no place for assertions. */
function inTurn<T>(ctx: Context, index: Node, extent: number, work: () => T): T {
  return withoutAsserts(ctx, () => withDraws(ctx, enterLoop(ctx, index, extent), work));
}

interface Carried {
  readonly name: string;
  readonly binding: Binding;
  /** The expression assigned to it last. */
  readonly place: Span;
}

/** The variables a rolled body carries, with ints turned into reals where the body makes them real. */
function rolled(
  ctx: Context,
  generator: ast.Generator,
  source: Exclude<LoopSource, { kind: 'static' }>,
  body: (s: Scope) => Value | undefined,
  text: ast.BlockExpression,
  scope: Scope,
  span: Span,
  collect: Collect | undefined,
): void {
  const carried = carriedVariables(scope, text);
  const start = carried.map((c) => c.binding.value);
  if (source.kind === 'dynamic') notYet(ctx, 'a loop whose number of turns is known at run time only', span);
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
      return inTurn(ctx, index, length, () => {
        bindPattern(ctx, generator.pattern, elementAt(ctx, source, index), child, generator.span, false);
        const returned = body(child);
        if (returned !== undefined)
          failAt(
            ctx,
            'E197',
            'a `return` inside a rolled loop would end it at a turn known at run time only',
            span,
            'assign to a `var` and return it after the loop',
          );
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
        if (yields.length > 1) failAt(ctx, 'E198', 'a loop yields once a turn', at(yields, 1).span);
        const first = yields[0];
        if (first !== undefined && flatten(ctx, first.value, first.span).leaves.length === 0)
          failAt(
            ctx,
            'E203',
            `a rolled loop yields numbers, arrays, or records of such, but this is ${describe(first.value)}`,
            first.span,
            'a static list may hold it: list(f(i) for i in 0..n)',
          );
        return { carries: after, yielded: first?.value };
      });
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
      if (empty !== undefined && yieldShape !== undefined) collect?.deliver(yieldShape.rebuild(empty));
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
    if (collect !== undefined && yieldShape !== undefined) collect.deliver(yieldShape.rebuild(result.ys));
  };
  promoting(carried, start, attempt);
}

/** Thrown in the middle of a turn when what is carried has to be real (or an array) from the start. */
class Promotion extends Error {
  constructor(readonly initial: readonly Value[]) {
    super('a carried variable is promoted');
  }
}

/** Tries with the values as they are, and again with those that a turn asked for. */
function promoting(
  carried: readonly Carried[],
  start: readonly Value[],
  attempt: (initial: readonly Value[]) => void,
): void {
  let initial = start;
  for (;;) {
    try {
      attempt(initial);
      return;
    } catch (e) {
      if (!(e instanceof Promotion)) throw e;
      restore(carried, start);
      initial = e.initial;
    }
  }
}

function restore(carried: readonly Carried[], values: readonly Value[]): void {
  carried.forEach((c, i) => (c.binding.value = at(values, i)));
}

function carriedVariables(scope: Scope, body: ast.BlockExpression): Carried[] {
  const out: Carried[] = [];
  for (const name of new Set(assignedNames(body))) {
    const binding = scope.find(name);
    if (binding !== undefined && binding.mutable)
      out.push({ name, binding, place: assignmentOf(body, name)?.value.span ?? body.span });
  }
  return out;
}

/** What is carried to the next turn: of the structure, types and shapes it began with. */
function carriedLeaves(ctx: Context, c: Carried, value: Value, like: Flattened): readonly Node[] {
  const found = staticDifference(ctx, like.rebuild(like.leaves.map((l) => l.node)), value);
  if (found !== undefined)
    failAt(
      ctx,
      'E199',
      `the loop changes \`${c.name}\` from ${describe(found.one)} to ${describe(found.other)}`,
      c.place,
      'a rolled loop carries numbers; functions, strings and names of parts stay as they are',
    );
  const now = flatten(ctx, value, c.place).leaves;
  like.leaves.forEach((l, i) => {
    const shape = now[i]?.node.shape ?? [];
    if (shape.length > 0 && !sameShape(shape, l.node.shape))
      failAt(
        ctx,
        'E162',
        `the loop changes the shape of \`${c.name}\` from [${l.node.shape.join(', ')}] to [${shape.join(', ')}]`,
        c.place,
        'shapes are static: make the array large enough before the loop and assign to its elements, or collect with `yield`',
      );
  });
  const fitted = conform(ctx, value, like.rebuild(like.leaves.map((l) => l.node)), c.place, `\`${c.name}\``);
  return flatten(ctx, fitted, c.place).leaves.map((l) => l.node);
}

/** The value after a turn; `promote` when the start has to be real because the turn makes it real. */
function widen(ctx: Context, after: Value, before: Value, span: Span): { value: Value; promote?: Value } {
  const [x, y] = [flatten(ctx, after, span), flatten(ctx, before, span)];
  if (x.leaves.length !== y.leaves.length)
    failAt(
      ctx,
      'E199',
      `the loop changes the structure of what it carries, from ${describe(before)} to ${describe(after)}`,
      span,
    );
  let differs = false;
  const nodes = y.leaves.map(({ node }, i) => {
    const now = at(x.leaves, i).node;
    if (isFloat(now.dtype) && !isFloat(node.dtype) && node.dtype !== 'bool') {
      differs = true;
      return b.cast(ctx.graph, spread(ctx, node, now), now.dtype);
    }
    if (node.shape.length === 0 && now.shape.length > 0) {
      differs = true;
      return spread(ctx, node, now);
    }
    return node;
  });
  return differs ? { value: after, promote: y.rebuild(nodes) } : { value: after };
}

const spread = (ctx: Context, node: Node, like: Node): Node =>
  node.shape.length === 0 && like.shape.length > 0 ? b.broadcastTo(ctx.graph, node, like.shape) : node;

const DEFAULT_LIMIT = 10_000;

export function whileStatement(ctx: Context, s: ast.WhileStatement, scope: Scope): void {
  const limit =
    s.limit === undefined
      ? DEFAULT_LIMIT
      : (staticNumber(ctx.evaluate(s.limit, scope)) ??
        failAt(ctx, 'E110', 'the limit of a `while` must be known at compile time', s.limit.span));
  const carried = carriedVariables(scope, s.body);
  const start = carried.map((c) => c.binding.value);
  const conditionIn = (): Node => {
    const c = ctx.evaluate(s.condition, scope);
    if (c.kind === 'bool') return ctx.graph.constant(c.value ? 1 : 0, 'bool');
    if (c.kind !== 'array' || c.node.dtype !== 'bool' || c.node.shape.length > 0)
      return failAt(
        ctx,
        'E192',
        `the condition of \`while\` is one truth value, but this is ${describe(c)}`,
        s.condition.span,
      );
    return c.node;
  };
  const attempt = (initial: readonly Value[]): void => {
    const flats = initial.map((v) => flatten(ctx, v, s.span));
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
    const step = (index: Node, nodes: readonly Node[]): Node[] => {
      bindAll(nodes);
      inTurn(ctx, index, limit, () => {
        if (ctx.block(s.body, scope.child()) !== undefined)
          failAt(
            ctx,
            'E197',
            'a `return` inside a `while` would end it at a turn known at run time only',
            s.span,
            'assign to a `var` and return it after the loop',
          );
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
    };
    const result = makeWhile(ctx.graph, {
      init,
      limit,
      condition: (nodes) => {
        bindAll(nodes);
        return conditionIn();
      },
      body: step,
    });
    bindAll(result.carries);
  };
  promoting(carried, start, attempt);
}
