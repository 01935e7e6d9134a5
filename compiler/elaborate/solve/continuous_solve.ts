// `adjoint: continuous`: a solve whose derivative is that of the continuous problem, by the adjoint equation (stdlib/adjoints.flow), and not that of the steps taken. Nothing of the steps is kept; the derivative
// is as near to that of the discrete program as the solution is to the exact one.
//
// The solve is an ordinary one. What it found goes, as a constant, through a Flow function with a derivative rule, together with what the derivative is taken by: the start, the values from outside that the right side
// uses (found here, since a rule sees its arguments only), and the times. States are handed over as records of plain arrays, one a leaf.
//
// Of a stochastic model the adjoint equation is solved in Stratonovich's calculus along the same Brownian path, which is given or a virtual tree of the solve's own. There the times are constants: to differentiate by
// them is an error.

import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import type { Given } from '../builtins/registry.ts';
import { define } from '../builtins/registry.ts';
import { constantPath } from './constant_path.ts';
import { conform } from '../values/conform.ts';
import { flatten, toReal } from '../values/leaves.ts';
import type { PreparedModel } from '../models/model.ts';
import type { Method } from './solve_parts.ts';
import { hasMeans } from '../models/expectations.ts';
import { ownPaths } from '../models/pathwise.ts';
import { asRecord, plainArrays, positional } from './solve_parts.ts';
import { stochasticEntries } from '../models/stochastic_system.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array, int, real, record } from '../values/values.ts';
import { batch } from '../../autodiff/batch.ts';
import * as b from '../../ir/build.ts';
import { closeRegion, inlineRegion } from '../../ir/region.ts';
import type { Node } from '../../ir/types.ts';
import { isFloat } from '../../ir/types.ts';
import { FlowError } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';

export interface ContinuousSolve {
  readonly a: Given;
  readonly model: PreparedModel;
  readonly method: Method;
  /** For the way back; that of the solve when undefined. */
  readonly backMethod: Value | undefined;
  readonly adaptive: boolean;
  /** The solve itself, differentiable or not. */
  readonly run: (a: Given) => RecordValue;
  /** The steps of the way back, of a solve with fixed steps: as many as between two saved states, or as long ones. */
  readonly wayBack: () => readonly (readonly [string, Value])[];
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
  /** Along a Brownian path there is no derivative by time. */
  const constant = (n: Node): Node =>
    b.stopGradient(g, n, {
      code: 'E497',
      message: `\`adjoint: continuous\` of a stochastic model has no derivative by the times of the solve`,
      help: 'write adjoint: checkpoint(memory: "16 MB"), or stop_gradient(…) where a time is a constant',
    });
  const given = a.get('noise');
  const path =
    model.stochastic === undefined
      ? undefined
      : given === undefined
        ? ownPaths(ctx, a, model, { start: constant(start), end: constant(end) })
        : constantPath(
            ctx,
            given,
            {
              code: 'E497',
              message:
                '`adjoint: continuous` follows the paths given as `noise:` and has no derivative by them',
              help: 'write adjoint: checkpoint(memory: "16 MB"), which is exact; or stop_gradient(…) around the values of a path that is a constant',
            },
            a.spanOf('noise'),
          );
  const found = solve.run({
    ...a,
    get: (name) =>
      name === 'adjoint' ? undefined : name === 'from' ? initial : name === 'noise' ? path : a.get(name),
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
  const { functions, uses } = closedModel(ctx, solve, shape, initial, path);
  const task = record([
    ...functions,
    ['method', solve.backMethod ?? solve.method.record],
    ...(solve.adaptive
      ? ([
          ['rtol', a.get('rtol') ?? real(1e-4)],
          ['atol', a.get('atol') ?? real(1e-6)],
          ['limit', a.get('limit') ?? int(10_000)],
        ] as const)
      : solve.wayBack()),
  ]);
  const stopped = named(
    's',
    rows.map((n) => b.stopGradient(g, n)),
  );
  const [name, moments] =
    path === undefined
      ? ['adjoint_equation', array(times)]
      : ['adjoint_along_path', define(ctx, 'times', [], () => array(constant(times)))];
  const passed = positional(a.span, stopped, named('s', y0), named('c', uses), moments, task);
  const ruled = leavesOf(
    explained(ctx, solve, () => ctx.call(ctx.library('std.adjoints', name), passed, a.span)),
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

/**
 * The right side as a function (t, y, c) of everything it can be differentiated by, and what c is. Of a stochastic model `drift`, in Stratonovich's calculus, and `diffuse` (t, y, c, w), with `none` for increments that
 * are zero and the path.
 */
function closedModel(
  ctx: Context,
  { a, model }: ContinuousSolve,
  shape: ReturnType<typeof flatten>,
  initial: RecordValue,
  path: Value | undefined,
): { readonly functions: readonly (readonly [string, Value])[]; readonly uses: readonly Node[] } {
  const g = ctx.graph;
  const leavesOf = (v: Value): Node[] => flatten(ctx, v, a.span).leaves.map((l) => l.node);
  const time = g.param('t', { dtype: ctx.real, shape: [] });
  const states = shape.leaves.map((l, i) => g.param(`s${i}`, l.node));
  const like = shape.rebuild(states);
  const y = model.present(time, asRecord(ctx, like, a.span));
  const rates = (v: Value): Node[] => leavesOf(conform(ctx, v, like, a.span, 'the rates'));
  if (path === undefined) {
    const { uses, at: rateAt } = closed(ctx, [time, ...states], rates(model.rhs(time, y)));
    const rate = define(ctx, 'rate', ['t', 'y', 'c'], (given) =>
      named('s', rateAt([timeOf(ctx, given), ...leavesOf(given.need('y'))], leavesOf(given.need('c')))),
    );
    return { functions: [['rate', rate]], uses };
  }
  const options = {
    calculus: 'stratonovich',
    paths: path,
    pathsSpan: a.spanOf('noise'),
    methodSpan: a.spanOf('method'),
  } as const;
  const entries = new Map(stochasticEntries(ctx, model, initial, options, a.span));
  const call = (name: string, ...args: readonly Value[]): Value => {
    const f = entries.get(name);
    return f === undefined ? record([]) : ctx.call(f, positional(a.span, ...args), a.span);
  };
  const none = entries.get('none') ?? record([]);
  const noise = flatten(ctx, none, a.span);
  const increments = noise.leaves.map((l, i) => g.param(`w${i}`, l.node));
  const drift = rates(call('drift', array(time), y));
  const diffusion = rates(call('diffuse', array(time), y, noise.rebuild(increments)));
  if (hasMeans([...drift, ...diffusion]))
    failAt(
      ctx,
      'E497',
      `\`adjoint: continuous\` follows one path, but ${model.name} depends on means over all`,
      a.spanOf('adjoint'),
      'write adjoint: checkpoint(memory: "16 MB"), or leave it out',
    );
  const both = closed(ctx, [time, ...states, ...increments], [...drift, ...diffusion]);
  const half = (name: string, from: number): Value =>
    define(ctx, name, ['t', 'y', 'c', 'w?'], (given) => {
      const w = given.get('w');
      const given_ = leavesOf(w === undefined ? none : conform(ctx, w, none, a.span, 'the increments'));
      const now = [timeOf(ctx, given), ...leavesOf(given.need('y')), ...given_];
      return named('s', both.at(now, leavesOf(given.need('c'))).slice(from, from + drift.length));
    });
  return {
    functions: [
      ['drift', half('drift', 0)],
      ['diffuse', half('diffuse', drift.length)],
      // Functions: what they give is no argument that a derivative could be taken by.
      ['none', define(ctx, 'none', [], () => none)],
      ['noise', define(ctx, 'noise', [], () => path)],
    ],
    uses: both.uses,
  };
}

const timeOf = (ctx: Context, given: Given): Node => toReal(ctx, given.need('t'), given.span, 'a time');

/** What is computed of the parameters, as a function of them and of the real values from outside, `uses`. */
function closed(
  ctx: Context,
  params: readonly Node[],
  results: readonly Node[],
): {
  readonly uses: readonly Node[];
  readonly at: (params: readonly Node[], uses: readonly Node[]) => Node[];
} {
  const { region, captured } = closeRegion(ctx.graph, params, results);
  return {
    uses: captured.filter((n) => isFloat(n.dtype)),
    at: (now, uses) => {
      const next = uses.values();
      const others = captured.map((n) => (isFloat(n.dtype) ? (next.next().value ?? n) : n));
      return inlineRegion(ctx.graph, region, [...now, ...others]);
    },
  };
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
