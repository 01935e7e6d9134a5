// `adjoint: continuous`: a solve whose derivative is that of the continuous problem, by the adjoint equation (stdlib/adjoints.flow), and not that of the steps taken. Nothing of the steps is kept; the derivative
// is as near to that of the discrete program as the solution is to the exact one.
//
// The solve is an ordinary one. What it found goes, as a constant, through a Flow function with a derivative rule, together with what the derivative is taken by: the start, the values from outside that the right side
// uses (found here, since a rule sees its arguments only), and the times. States are handed over as records of plain arrays, one a leaf.

import type { Context } from './context.ts';
import { failAt } from './context.ts';
import type { Given } from './builtins/registry.ts';
import { define } from './builtins/registry.ts';
import { conform } from './conform.ts';
import { flatten, toReal } from './leaves.ts';
import type { PreparedModel } from './model.ts';
import type { Method } from './solve_parts.ts';
import { asRecord, plainArrays, positional } from './solve_parts.ts';
import type { RecordValue, Value } from './values.ts';
import { array, int, real, record } from './values.ts';
import { batch } from '../autodiff/batch.ts';
import * as b from '../ir/build.ts';
import { closeRegion, inlineRegion } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { isFloat } from '../ir/types.ts';
import { FlowError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';

export interface ContinuousSolve {
  readonly a: Given;
  readonly model: PreparedModel;
  readonly method: Method;
  /** For the way back; that of the solve when undefined. */
  readonly backMethod: Value | undefined;
  readonly adaptive: boolean;
  /** The solve itself, differentiable or not. */
  readonly run: (a: Given) => RecordValue;
  /** The most steps between two saved states, of a solve with fixed steps. */
  readonly most: () => number;
}

const named = (letter: string, nodes: readonly Node[]): RecordValue =>
  record(nodes.map((n, i) => [`${letter}${i}`, array(n)] as const));

export function continuousSolve(ctx: Context, solve: ContinuousSolve): RecordValue {
  const g = ctx.graph;
  const { a, model } = solve;
  const leavesOf = (v: Value): Node[] => flatten(ctx, v, a.span).leaves.map((l) => l.node);
  const [start, end] = endsOf(ctx, a);
  const initial = model.initial(start, a.get('from'), a.spanOf('from'));
  const shape = flatten(ctx, model.present(start, initial), a.span);
  const y0 = shape.leaves.map((l) => l.node);
  const found = solve.run({
    ...a,
    get: (name) => (name === 'adjoint' ? undefined : name === 'from' ? initial : a.get(name)),
  });

  // ---- what was found, with the end as the last row
  const part = (name: string): RecordValue => asRecord(ctx, found.entries.get(name) ?? record([]), a.span);
  const ends = leavesOf(record(model.states.map((s) => [s.name, finalOf(part('final'), s.name)] as const)));
  const t = found.entries.get('t');
  const saved = t !== undefined;
  const savedTimes = t === undefined ? undefined : toReal(ctx, t, a.span, 'the times saved');
  const columns = saved
    ? leavesOf(record(model.states.map((s) => [s.name, finalOf(found, s.name)] as const)))
    : [];
  const times = b.concat(
    g,
    [b.stack(g, [start]), ...(savedTimes === undefined ? [] : [savedTimes]), b.stack(g, [end])],
    0,
  );
  const rows = ends.map((last, i) =>
    b.concat(g, [...(saved ? [at(columns, i)] : []), b.stack(g, [last])], 0),
  );

  // ---- the rule
  const { rate, uses } = closedRate(ctx, model, shape, a);
  const task = record([
    ['rate', rate],
    ['method', solve.backMethod ?? solve.method.record],
    ...(solve.adaptive
      ? ([
          ['rtol', a.get('rtol') ?? real(1e-4)],
          ['atol', a.get('atol') ?? real(1e-6)],
          ['limit', a.get('limit') ?? int(10_000)],
        ] as const)
      : ([['steps', int(solve.most())]] as const)),
  ]);
  const stopped = named(
    's',
    rows.map((n) => b.stopGradient(g, n)),
  );
  const given = positional(a.span, stopped, named('s', y0), named('c', uses), array(times), task);
  const ruled = leavesOf(
    explained(ctx, solve, () => ctx.call(ctx.library('std.adjoints', 'adjoint_equation'), given, a.span)),
  );

  // ---- the result of the solve, made of what the rule stands for
  const count = times.shape[0] ?? 0;
  const final = asRecord(ctx, shape.rebuild(ruled.map((n) => b.indexAxis(g, n, 0, count - 2))), a.span);
  const entries = new Map(found.entries);
  if (saved) {
    const kept = ruled.map((n) => b.sliceAxis(g, n, 0, 0, count - 2));
    for (const [name, v] of seenRows(ctx, solve, shape, kept, b.sliceAxis(g, times, 0, 1, count - 1)))
      entries.set(name, v);
  }
  entries.set(
    'final',
    record([...model.present(end, final).entries, ...model.monitors(end, model.present(end, final))]),
  );
  return { ...found, entries };
}

function finalOf(r: RecordValue, name: string): Value {
  return r.entries.get(name) ?? record([]);
}

function endsOf(ctx: Context, a: Given): readonly [Node, Node] {
  const times = a.get('times');
  if (times !== undefined) {
    const list = toReal(ctx, times, a.spanOf('times'), '`times:`');
    const n = list.shape[0] ?? 1;
    return [b.indexAxis(ctx.graph, list, 0, 0), b.indexAxis(ctx.graph, list, 0, n - 1)];
  }
  const t = a.need('t');
  if (t.kind !== 'range')
    return failAt(ctx, 'E372', '`t:` is an interval of time', a.spanOf('t'), 'write t: 0 .. 1');
  return [
    toReal(ctx, t.from, a.spanOf('t'), 'the start of time'),
    toReal(ctx, t.to, a.spanOf('t'), 'the end of time'),
  ];
}

/** The right side as a function (t, y, c) of everything it can be differentiated by, and what c is. */
function closedRate(
  ctx: Context,
  model: PreparedModel,
  shape: ReturnType<typeof flatten>,
  a: Given,
): { readonly rate: Value; readonly uses: readonly Node[] } {
  const g = ctx.graph;
  const time = g.param('t', { dtype: ctx.real, shape: [] });
  const states = shape.leaves.map((l, i) => g.param(`s${i}`, l.node));
  const like = shape.rebuild(states);
  const rates = model.rhs(time, model.present(time, asRecord(ctx, like, a.span)));
  const results = flatten(ctx, conform(ctx, rates, like, a.span, 'the rates'), a.span).leaves.map(
    (l) => l.node,
  );
  const { region, captured } = closeRegion(g, [time, ...states], results);
  const uses = captured.filter((n) => isFloat(n.dtype));
  const rate = define(ctx, 'rate', ['t', 'y', 'c'], (given) => {
    const leaves = (name: string): Node[] => flatten(ctx, given.need(name), a.span).leaves.map((l) => l.node);
    const next = leaves('c').values();
    const others = captured.map((n) => (isFloat(n.dtype) ? (next.next().value ?? n) : n));
    const t = toReal(ctx, given.need('t'), a.span, 'a time');
    return named('s', inlineRegion(g, region, [t, ...leaves('y'), ...others]));
  });
  return { rate, uses };
}

/** States and monitors at all saved times, from the rows of the leaves. */
function seenRows(
  ctx: Context,
  { model, a }: ContinuousSolve,
  shape: ReturnType<typeof flatten>,
  rows: readonly Node[],
  times: Node,
): (readonly [string, Value])[] {
  const g = ctx.graph;
  const time = g.param('t', { dtype: times.dtype, shape: [] });
  const states = shape.leaves.map((l, i) => g.param(`s${i}`, l.node));
  const y = model.present(time, asRecord(ctx, shape.rebuild(states), a.span));
  const seen = flatten(
    ctx,
    plainArrays(ctx, record([...y.entries, ...model.monitors(time, y)]), a.span),
    a.span,
  );
  const each = new Map([[time, times] as const, ...states.map((s, i) => [s, at(rows, i)] as const)]);
  const all = batch(
    g,
    seen.leaves.map((l) => l.node),
    each,
    times.shape[0] ?? 0,
  );
  return [...asRecord(ctx, seen.rebuild(all), a.span).entries];
}

/** Methods for models with labels, or with positions and velocities, do not fit the adjoint equation. */
function explained<T>(ctx: Context, { a, backMethod }: ContinuousSolve, work: () => T): T {
  try {
    return work();
  } catch (e) {
    const unfit = e instanceof FlowError && e.diagnostics.some((d) => d.code === 'E383' || d.code === 'E492');
    if (!unfit) throw e;
    const place = a.spanOf(backMethod === undefined ? 'method' : 'adjoint');
    return failAt(
      ctx,
      'E497',
      'this method does not fit the adjoint equation, whose states are no positions and velocities and whose terms have no labels',
      place,
      'use std.ode { rk4 } and write adjoint: continuous(method: rk4)',
    );
  }
}
