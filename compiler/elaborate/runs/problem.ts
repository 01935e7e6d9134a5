// The record an optimiser gets: the problem as functions of a point p, the record of everything that is optimised (unbounded).
//   value gradient value_and_gradient hvp(p, v) jvp(p, v)      of the objective, or of the sum of a record of losses
//   losses                                                     a record with the value of each part, or of each player's objective
//   field players                                              by each variable the derivative of its own player's objective; for each player 1 in his variables, 0 elsewhere
//   outputs cost                                               the vector whose sum of squares is the objective, and that sum
//   eq ineq                                                    what shall be 0, and what shall not be positive
//   batch at(batch) term(i) all fresh(j)                       the terms that this step sees; the same problem on other terms or with other draws
//   step count                                                 the number of the step; how many constraints, terms and losses there are
// What is maximised enters with its sign changed: an optimiser descends.

import type { Batch } from './batches.ts';
import type { Constrained } from './constraints.ts';
import { constraintsAt } from './constraints.ts';
import type { Context } from '../context.ts';
import { failAt, withDraws } from '../context.ts';
import { forwardDerivative, valueAndGradient } from '../expressions/derivatives.ts';
import type { Targets, View } from './goals.ts';
import { drawsOfGoal, objectiveAt, residualsOf } from './goals.ts';
import { flatten, toNode } from '../values/leaves.ts';
import type { Scope } from '../names/scope.ts';
import type { BuiltinValue, Value } from '../values/values.ts';
import { array, int, list, record } from '../values/values.ts';
import type { Given } from '../builtins/registry.ts';
import { define } from '../builtins/registry.ts';
import { operators } from '../values/operators.ts';
import * as b from '../../ir/build.ts';
import { makeScan } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** One loss of the objective, or the objective of one player. */
export interface Part {
  readonly name: string;
  readonly direction: 'minimize' | 'maximize';
  readonly goal: ast.Expression;
  /** In a game: the variables this player moves. */
  readonly variables: readonly string[] | undefined;
}

/** What a step sees: a view and, where the means of several batches are accumulated, the view of each. */
export interface Seen {
  readonly view: View;
  readonly accumulated?: { readonly count: number; readonly at: (turn: Node) => View };
}

export interface Problem {
  readonly targets: Targets;
  readonly parts: readonly Part[];
  readonly game: boolean;
  readonly constraints: Constrained;
  readonly scope: Scope;
  readonly span: Span;
  /** Number of the step. */
  readonly step: Node;
  /** The indexed losses in it and how many terms each has. */
  readonly indexed: readonly { readonly loss: ast.LossItem; readonly terms: number }[];
  /** Which of its functions have been called. */
  readonly used: Set<string>;
}

export function problemRecord(ctx: Context, problem: Problem, seen: Seen): Value {
  const top = functionsOf(ctx, problem, seen);
  return {
    ...top,
    entries: new Map([
      ...top.entries,
      ['all', functionsOf(ctx, problem, { view: without(seen.view, 'batch') })],
    ]),
  };
}

function functionsOf(ctx: Context, problem: Problem, seen: Seen): Value & { readonly kind: 'record' } {
  const { parts, span, game } = problem;
  const fn = (name: string, params: readonly string[], work: (a: Given) => Value): BuiltinValue =>
    define(ctx, `problem.${name}`, params, (a) => {
      problem.used.add(name);
      return work(a);
    });
  const oneObjective = (name: string): void => {
    if (game)
      failAt(
        ctx,
        'E427',
        `a game has no \`problem.${name}\`: every player has an objective of its own`,
        span,
        'an optimiser of games works on problem.field and problem.losses: extragradient, competitive, or one that takes gradients only, such as adam',
      );
  };
  const objectives = parts.map((part) =>
    fn('losses', ['p'], (a) =>
      averaged(ctx, seen, span, (view) => signedValue(ctx, problem, part, a.need('p'), view)),
    ),
  );
  const value = fn('value', ['p'], (a) => {
    oneObjective('value');
    return averaged(ctx, seen, span, (view) => totalAt(ctx, problem, a.need('p'), view));
  });
  const both = (p: Value): { value: Value; gradient: Value } => {
    const r = averaged(ctx, seen, span, (view) => {
      const f = define(ctx, 'problem.value', ['p'], (a) => totalAt(ctx, problem, a.need('p'), view));
      const { value: y, gradient } = valueAndGradient(ctx, f, p, span);
      return record([
        ['value', y],
        ['gradient', gradient],
      ]);
    });
    return {
      value: partOf(r, 'value'),
      gradient: partOf(r, 'gradient'),
    };
  };
  const gradient = fn('gradient', ['p'], (a) =>
    game ? fieldAt(ctx, problem, seen, a.need('p')) : both(a.need('p')).gradient,
  );
  const entries: (readonly [string, Value])[] = [
    ['value', value],
    ['gradient', gradient],
    [
      'value_and_gradient',
      fn('value_and_gradient', ['p'], (a) => {
        oneObjective('value_and_gradient');
        const r = both(a.need('p'));
        return record([
          ['value', r.value],
          ['gradient', r.gradient],
        ]);
      }),
    ],
    ['hvp', fn('hvp', ['p', 'v'], (a) => forwardDerivative(ctx, gradient, a.need('p'), a.need('v'), span))],
    ['jvp', fn('jvp', ['p', 'v'], (a) => forwardDerivative(ctx, value, a.need('p'), a.need('v'), span))],
    ['losses', record(parts.map((part, i) => [part.name, at(objectives, i)] as const))],
    [
      'field',
      fn('field', ['p'], (a) =>
        game ? fieldAt(ctx, problem, seen, a.need('p')) : both(a.need('p')).gradient,
      ),
    ],
    ['outputs', fn('outputs', ['p'], (a) => array(outputsAt(ctx, problem, a.need('p'), seen.view)))],
    [
      'cost',
      fn('cost', ['outputs'], (a) => {
        const r = toNode(ctx, a.need('outputs'), a.spanOf('outputs'), 'problem.cost');
        return array(b.sumAll(ctx.graph, b.mul(ctx.graph, r, r)));
      }),
    ],
    ['eq', fn('eq', ['p'], (a) => constraintsAt(ctx, problem, 'eq', a.need('p'), seen.view))],
    ['ineq', fn('ineq', ['p'], (a) => constraintsAt(ctx, problem, 'ineq', a.need('p'), seen.view))],
    ['players', list(playersOf(ctx, problem))],
    ['step', array(problem.step)],
    [
      'count',
      record([
        ['eq', int(problem.constraints.eq.width)],
        ['ineq', int(problem.constraints.ineq.width)],
        ['terms', int(problem.indexed[0]?.terms ?? 0)],
        ['losses', int(parts.length)],
      ]),
    ],
    [
      'fresh',
      fn('fresh', ['j'], (a) =>
        functionsOf(
          ctx,
          problem,
          sampled(seen, b.cast(ctx.graph, toNode(ctx, a.need('j'), a.spanOf('j'), 'a sample'), 'i32')),
        ),
      ),
    ],
    ...batchEntries(ctx, problem, seen, fn),
  ];
  return {
    kind: 'record',
    entries: new Map(entries),
    hint: (name) =>
      name === 'batch' || name === 'at' || name === 'term'
        ? 'the objective has no indexed loss, of which single terms could be taken: loss l(i in 0..n) = …'
        : name === 'all'
          ? 'problem.all has no `all`'
          : undefined,
  };
}

const without = (view: View, part: 'batch'): View =>
  Object.fromEntries(Object.entries(view).filter(([key]) => key !== part));

function sampled(seen: Seen, sample: Node): Seen {
  const { accumulated } = seen;
  return {
    view: { ...seen.view, sample },
    ...(accumulated
      ? { accumulated: { count: accumulated.count, at: (turn) => ({ ...accumulated.at(turn), sample }) } }
      : {}),
  };
}

const partOf = (r: Value, name: string): Value => (r.kind === 'record' ? (r.entries.get(name) ?? r) : r);

/** The mean of what is seen: of one view, or of those accumulated, one after the other. */
function averaged(ctx: Context, seen: Seen, span: Span, work: (view: View) => Value): Value {
  const { accumulated } = seen;
  if (accumulated === undefined) return work(seen.view);
  const g = ctx.graph;
  const like = flatten(
    ctx,
    g.scope(() => work(accumulated.at(g.param('probe', { dtype: 'i32', shape: [] })))).value,
    span,
  );
  const sums = makeScan(g, {
    length: accumulated.count,
    init: like.leaves.map(({ node }) => b.zerosLike(g, node)),
    body: (turn, carries) => ({
      carries: flatten(ctx, work(accumulated.at(turn)), span).leaves.map(({ node }, i) =>
        b.add(g, at(carries, i), node),
      ),
      ys: [],
    }),
  }).carries;
  return like.rebuild(sums.map((x) => b.mul(g, x, 1 / accumulated.count)));
}

function signedValue(ctx: Context, problem: Problem, part: Part, p: Value, view: View): Value {
  const v = objectiveAt(ctx, problem.targets, part.goal, p, problem.scope, view);
  return part.direction === 'maximize' ? ctx.elementwise(operators.neg, [v], part.goal.span) : v;
}

function totalAt(ctx: Context, problem: Problem, p: Value, view: View): Value {
  return problem.parts
    .map((part) => signedValue(ctx, problem, part, p, view))
    .reduce((x, y) => ctx.elementwise(operators.add, [x, y], problem.span));
}

/** By each variable the derivative of the objective of the player who moves it. */
function fieldAt(ctx: Context, problem: Problem, seen: Seen, p: Value): Value {
  const { targets, parts, span } = problem;
  return averaged(ctx, seen, span, (view) => {
    const like = flatten(ctx, p, span);
    const leaves: Node[] = [];
    for (const part of parts) {
      const f = define(ctx, 'problem.losses', ['p'], (a) =>
        signedValue(ctx, problem, part, a.need('p'), view),
      );
      const own = flatten(ctx, valueAndGradient(ctx, f, p, part.goal.span).gradient, span).leaves;
      targets.variables.forEach((v, i) => {
        if (part.variables?.includes(v) === true) leaves[i] = at(own, i).node;
      });
    }
    return like.rebuild(leaves);
  });
}

function outputsAt(ctx: Context, problem: Problem, p: Value, view: View): Node {
  const { targets, parts, scope, span, game } = problem;
  const r = game
    ? undefined
    : targets.nodeAt(view, 'residuals', p, span, () => {
        const vectors = parts.map((part) =>
          part.direction === 'maximize'
            ? undefined
            : withDraws(ctx, drawsOfGoal(ctx, part.goal), () => residualsOf(ctx, part.goal, scope)),
        );
        const known = vectors.filter((x) => x !== undefined);
        if (known.length < vectors.length) return undefined;
        return known.length === 1 ? known[0] : b.concat(ctx.graph, known, 0);
      });
  return (
    r ??
    failAt(
      ctx,
      'E424',
      'this optimiser works on a sum of squares, and the objective does not have that form',
      span,
      'write it as sum(e^2), mean(e^2), or a sum of such; or use lbfgs',
    )
  );
}

/** For every player a point that is 1 in his own variables and 0 elsewhere. */
function playersOf(ctx: Context, problem: Problem): readonly Value[] {
  const { targets, parts, span, game } = problem;
  const like = flatten(ctx, targets.now, span);
  return (game ? parts : parts.slice(0, 1)).map((part) =>
    like.rebuild(
      targets.variables.map((v) =>
        ctx.graph.constant(part.variables === undefined || part.variables.includes(v) ? 1 : 0, ctx.real),
      ),
    ),
  );
}

/** What exists where an indexed loss is in the objective. */
function batchEntries(
  ctx: Context,
  problem: Problem,
  seen: Seen,
  fn: (name: string, params: readonly string[], work: (a: Given) => Value) => BuiltinValue,
): (readonly [string, Value])[] {
  const { indexed } = problem;
  const [first] = indexed;
  if (first === undefined) return [];
  const g = ctx.graph;
  const onTerms = (batch: Batch): Value => functionsOf(ctx, problem, { view: { ...seen.view, batch } });
  const { batch } = seen.view;
  const everything = (terms: number): Node => g.iota([terms], 0, 'i32');
  const chosen = indexed.map(
    ({ loss, terms }) => [loss.name.name, array(batch?.indices(loss, terms) ?? everything(terms))] as const,
  );
  const ints = (v: Value, span: Span): Node => b.cast(g, toNode(ctx, v, span, 'the terms of a batch'), 'i32');
  return [
    ['batch', indexed.length === 1 ? at(chosen, 0)[1] : record(chosen)],
    [
      'at',
      fn('at', ['batch'], (a) => {
        const given = a.need('batch');
        const of = (loss: ast.LossItem): Value =>
          given.kind === 'record'
            ? (given.entries.get(loss.name.name) ??
              failAt(
                ctx,
                'E428',
                `there are no terms of \`${loss.name.name}\` in this batch`,
                a.spanOf('batch'),
              ))
            : given;
        const nodes = new Map(indexed.map(({ loss }) => [loss, ints(of(loss), a.spanOf('batch'))]));
        const own = (loss: ast.LossItem): Node => nodes.get(loss) ?? at([...nodes.values()], 0);
        if ([...nodes.values()].some((n) => n.shape.length !== 1))
          failAt(
            ctx,
            'E428',
            'a batch is an array of numbers of terms',
            a.spanOf('batch'),
            'write problem.at(problem.batch)',
          );
        return onTerms({ size: own(first.loss).shape[0] ?? 0, indices: own });
      }),
    ],
    [
      'term',
      fn('term', ['i'], (a) => {
        const i = ints(a.need('i'), a.spanOf('i'));
        if (i.shape.length > 0) failAt(ctx, 'E428', 'a term has one number', a.spanOf('i'));
        return onTerms({ size: 1, indices: () => b.reshape(g, i, [1]) });
      }),
    ],
  ];
}
