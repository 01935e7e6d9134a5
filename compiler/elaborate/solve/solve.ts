// `solve(model, t: a .. b, dt: h, method: m, save: …)`: a loop over fixed steps of a method written in Flow. The method is a record { order, step, init?, stability? }; its `step`
// gets `sys` (the model's functions), `k = { i, t, h }`, the states `y` and its memory, and gives { y, mem }.
//
// What is saved decides the loop: every m-th state comes out of an outer loop over blocks of m steps, so that nothing else is ever stored. The result is a record of the saved states
// (times first), their times, the monitors at those times, and `final`.

import { conform } from '../values/conform.ts';
import type { Context, SolveRecord } from '../context.ts';
import { failAt, inCall, withDraws, withoutAsserts } from '../context.ts';
import { gridOf } from '../fields/domains.ts';
import { enterLoop } from '../random/draws.ts';
import { flatten, staticInteger, staticNumber } from '../values/leaves.ts';
import type { Flattened } from '../values/leaves.ts';
import type { PreparedModel } from '../models/model.ts';
import { prepareModel } from '../models/model.ts';
import { isFunctionModel, prepareFunctions } from '../models/function_models.ts';
import { define } from '../builtins/registry.ts';
import type { Given } from '../builtins/registry.ts';
import type { Method } from './solve_parts.ts';
import { asRecord, eventsLogged, memoryLeaves, plainArrays, positional } from './solve_parts.ts';
import { adaptiveSolve, equalSteps, isAdaptive } from './adaptive.ts';
import { adjointChoice, lessWorkingSpace, refuseAdjoint, shared } from './adjoint_choice.ts';
import type { StepEnd } from './between_steps.ts';
import { denseOf, statesNearby, statesWithin } from './between_steps.ts';
import { reversibleLoop, replayedNoise } from './reversible_loop.ts';
import { withCarries } from './continued_steps.ts';
import { continuousSolve } from './continuous_solve.ts';
import { refuseFractional } from '../models/fractional_orders.ts';
import { withKnownStep } from './known_steps.ts';
import { chosenSolver } from './linear_solvers.ts';
import { methodSystem } from '../models/method_system.ts';
import { plannedSaves, systemWithin } from './noise_within_steps.ts';
import type { TimeGrid } from './time_grid.ts';
import { timeGrid } from './time_grid.ts';
import { clockOf } from '../models/noise_processes.ts';
import { noisyEntries, pathwiseEntries } from '../models/pathwise.ts';
import {
  countedMethod,
  countedSystem,
  evaluationCounter,
  nodesOf,
  untoldEvaluations,
} from './evaluations.ts';
import type { SavedBetween, SavedBlocks } from './save_plan.ts';
import { stepsOnTheWayBack } from './save_plan.ts';
import { savedRows } from './saved_rows.ts';
import { stepSums, stepTally } from './step_sums.ts';
import { atPrecision, precisionNamed } from '../values/precision.ts';
import { withSpace } from '../models/space.ts';
import { staticText } from '../values/strings.ts';
import { operators } from '../values/operators.ts';
import { templated } from '../values/template.ts';
import type { InstanceValue, RecordValue, Value } from '../values/values.ts';
import { array, bool, describe, int, list, record } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import { makeScan } from '../../ir/region.ts';
import type { AdjointPolicy, Node } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';

const ARGUMENTS = [
  'model',
  't?',
  'dt?',
  'steps?',
  'times?',
  'method?',
  'space?',
  'save?',
  'from?',
  'on?',
  'solver?',
  'noise?',
  'paths?',
  'adjoint?',
  'rtol?',
  'atol?',
  'limit?',
  'precision?',
  'sum?',
  'controller?',
];
const ADAPTIVE = ['rtol', 'atol', 'controller'];

export function solveBuiltin(ctx: Context): Value {
  return define(ctx, 'solve', ARGUMENTS, (a) => {
    const wanted = a.get('precision');
    const solved = (): Value =>
      withoutAsserts(ctx, () => inCall(ctx, { name: 'solve', span: a.span }, () => solve(ctx, a)));
    if (wanted === undefined) return solved();
    const name = wanted.kind === 'option' ? wanted.name : '';
    return atPrecision(ctx, precisionNamed(ctx, name, a.spanOf('precision')), solved, a.span);
  });
}

function solve(ctx: Context, a: Given): Value {
  const model = modelOf(ctx, a.need('model'), a);
  const method = methodOf(ctx, a, model);
  const choice = adjointChoice(ctx, a);
  const interruptions = { adaptive: isAdaptive(a), events: model.events.length > 0 };
  refuseFractional(ctx, model.name, model.fractional, method.record, interruptions, a.spanOf('method'));
  refuseAdjoint(ctx, a, choice, model, method, isAdaptive(a));
  if (choice.kind === 'continuous')
    return continuousSolve(ctx, {
      a,
      model,
      method,
      backMethod: choice.method,
      adaptive: isAdaptive(a),
      run: (plain) => asRecord(ctx, solve(ctx, plain), a.span),
      wayBack: () => stepsOnTheWayBack(ctx, a),
    });
  if (isAdaptive(a))
    return adaptiveSolve(ctx, {
      a,
      model,
      method,
      choice,
      system: (y, start, end) =>
        methodSystem(
          ctx,
          model,
          a.span,
          pathwiseEntries(ctx, a, model, method, { y0: y, start, end, given: equalSteps(a) }),
        ),
    });
  for (const name of ADAPTIVE)
    if (a.get(name) !== undefined)
      failAt(
        ctx,
        'E384',
        `\`${name}:\` belongs to adaptive steps, but this solve has fixed ones`,
        a.spanOf(name),
        'leave out `dt:` and `steps:`, or leave out the tolerance',
      );
  const grid = timeGrid(ctx, a);
  const y0 = model.initial(grid.start, a.get('from'), a.spanOf('from'));
  const solver = chosenSolver(ctx, a);
  const aboutSteps = ({ steps, even }: TimeGrid): readonly (readonly [string, Value])[] => [
    ['steps', int(steps)],
    ...solver.entries,
    ...(even ? [] : [['uneven', bool(true)] as const]),
  ];
  const {
    plan: { save, grid: time },
    origins,
  } = plannedSaves(ctx, a, model, method, { grid, y0, more: aboutSteps(grid) });
  const limit = a.get('limit');
  if (limit !== undefined) {
    const most = staticInteger(ctx, limit, a.spanOf('limit'), 'the limit of steps');
    if (time.steps > most)
      failAt(
        ctx,
        'E384',
        `this solve takes ${time.steps} steps, and \`limit:\` allows ${most}`,
        a.spanOf('limit'),
        'leave it out: the number of steps is fixed',
      );
  }
  if (save.kind === 'between') {
    refuseFractional(
      ctx,
      model.name,
      model.fractional,
      method.record,
      { ...interruptions, between: true },
      a.spanOf('save'),
    );
    if (choice.kind === 'reversible')
      failAt(
        ctx,
        'E497',
        '`adjoint: reversible` undoes the steps between two saved states one by one, but these times do not end steps, or are known at run time only',
        a.spanOf('save'),
        'save every(steps: 10), or times at which steps end; or write adjoint: checkpoint(memory: "16 MB")',
      );
  }
  const replayed = replayedNoise(
    ctx,
    methodSystem(
      ctx,
      model,
      a.span,
      noisyEntries(ctx, a, model, method, y0, { clock: clockOf(ctx, time, time.equalStep !== undefined) }),
    ),
    a.spanOf('method'),
  );
  const plainSystem = record([
    ...countedSystem(ctx, replayed.sys, method.counter).entries,
    ...aboutSteps(time),
  ]);
  // Only steps that are asked between their ends remember what they know of them.
  const takesStep = save.kind === 'between' && !save.onSteps && denseOf(method) !== undefined;
  const sys = takesStep
    ? withCarries(ctx, {
        model,
        method: method.plain,
        sys: record([...plainSystem.entries, ['between', bool(true)]]),
        y0: model.present(time.start, y0),
        span: a.span,
      })
    : plainSystem;
  const shape = flatten(ctx, model.present(time.start, y0), a.span);
  const initialStates = shape.leaves.map((l) => l.node);
  const timeAt = time.at;

  const { made: memory0, evaluations: before0 } = method.counter.during(
    () =>
      method.init === undefined
        ? record([])
        : ctx.call(
            method.init,
            positional(a.span, sys, array(time.start), shape.rebuild(initialStates)),
            a.span,
          ),
    (made) => nodesOf(ctx, made, a.span),
  );
  const memoryShape = flatten(ctx, memory0, a.span);
  const firstStep = record([
    ['i', int(0)],
    ['t', array(time.start)],
    ['h', array(time.stepAt(ctx.graph.constant(0, 'i32')))],
  ]);
  // Behind the memory stands what is added up over the steps.
  const tally = stepTally(ctx, a, method, () =>
    replayed.forwards(() =>
      asRecord(
        ctx,
        ctx.call(
          method.step,
          positional(a.span, sys, firstStep, shape.rebuild(initialStates), memory0),
          a.span,
        ),
        a.span,
      ),
    ),
  );
  const init = [...initialStates, ...memoryShape.leaves.map((l) => l.node), ...tally.init];
  // The draws of a step have the same names wherever the step is made, whatever is saved.
  const stepDraws = { ...ctx.draws };
  const n = initialStates.length;
  const tallied = n + memoryShape.leaves.length;
  let evaluations: number | undefined;

  const stateOf = (leaves: readonly Node[]): RecordValue =>
    asRecord(ctx, shape.rebuild(leaves.slice(0, n)), a.span);
  /** The states behind step i, or, by `back`, before it. */
  const advance = (way: 'step' | 'back', i: Node, leaves: readonly Node[]): Node[] => {
    const [t, later] = [timeAt(i), timeAt(b.add(ctx.graph, i, 1))];
    const k = record([
      ['i', array(i)],
      ['t', array(t)],
      ['h', array(time.stepAt(i))],
    ]);
    const memory = memoryShape.rebuild(leaves.slice(n, tallied));
    const called = way === 'step' ? method.step : (method.back ?? method.step);
    const draws = withDraws(ctx, { ...stepDraws }, () => enterLoop(ctx, i, time.steps, true));
    const made = withDraws(ctx, draws, () =>
      ctx.call(called, positional(a.span, sys, k, stateOf(leaves), memory), a.span),
    );
    const parts = asRecord(ctx, made, a.spanOf('method'));
    const told = parts.entries.get('evals');
    if (way === 'step') evaluations = told === undefined ? undefined : staticNumber(told);
    const y =
      parts.entries.get('y') ??
      failAt(
        ctx,
        'E370',
        `the \`${way}\` of a method gives a record { y, mem }, but there is no \`y\``,
        a.spanOf('method'),
      );
    const what = `the state ${way === 'step' ? 'after' : 'before'} a step`;
    let next = asRecord(ctx, conform(ctx, y, stateOf(leaves), a.spanOf('method'), what), a.span);
    const after = way === 'step' ? later : t;
    next = model.present(after, next);
    if (model.afterStep !== undefined) next = model.present(after, model.afterStep(after, next));
    const mem = parts.entries.get('mem') ?? memory;
    const stateLeaves = flatten(ctx, next, a.span).leaves.map((l) => b.keep(ctx.graph, l.node));
    const counts = leaves.slice(tallied);
    return [
      ...stateLeaves,
      ...memoryLeaves(ctx, mem, memoryShape, a.span),
      ...(way === 'step' ? tally.plus(counts, parts, k, stateOf(leaves)) : counts),
    ];
  };
  const step = (i: Node, leaves: readonly Node[]): Node[] =>
    replayed.forwards(() => advance('step', i, leaves));
  const policy: AdjointPolicy =
    choice.kind === 'discrete' ? lessWorkingSpace(choice.policy, init) : { kind: 'store' };
  const loop: StepLoop = ({ length, init: from, index, policy: own }) =>
    choice.kind === 'discrete'
      ? makeScan(ctx.graph, {
          length,
          init: from,
          adjoint: own,
          body: (j, leaves) => ({ carries: step(index(j), leaves), ys: [] }),
        }).carries
      : reversibleLoop(ctx, {
          length,
          init: from,
          step: (j, leaves) => step(index(j), leaves),
          back: (j, leaves) => replayed.backwards(() => advance('back', index(j), leaves)),
          drawn: replayed.drawn,
          span: a.spanOf('method'),
        });

  const seenAt = templated(ctx, ([t, ...leaves]) => {
    const y = stateOf(leaves);
    const now = t ?? time.start;
    const monitors = record(model.monitors(now, y));
    const value = record([['states', model.present(now, y)] as const, ['monitors', monitors] as const]);
    return flatten(ctx, plainArrays(ctx, value, a.span), a.span);
  });
  const seen = (i: Node, leaves: readonly Node[]): { nodes: Node[]; shape: Flattened } => {
    const flat = seenAt([timeAt(i), ...leaves.slice(0, n)], '');
    return { nodes: flat.leaves.map((l) => l.node), shape: flat };
  };
  const g = ctx.graph;
  const zero = g.constant(0, 'i32');
  let savedEvaluations: 'none' | 'told' | 'untold' = 'none';
  const endOf = (leaves: readonly Node[]): StepEnd => ({
    y: stateOf(leaves),
    mem: memoryShape.rebuild(leaves.slice(n, tallied)),
  });
  const rowsBetween = (between: SavedBetween): Blocks => {
    const { mayBeStart } = between;
    const made = savedRows(ctx, {
      ...{ init, step, policy, save: between },
      steps: time.steps,
      takesStep,
      row: ({ time: now, i, before: earlier, after }) => {
        const place = { a, model, method, sys, i, mayBeStart, start: time.start };
        const part = { t: timeAt(i), h: time.stepAt(i), y0: stateOf(init) };
        const noise =
          origins === undefined
            ? undefined
            : {
                ...{ a, model, origins, sys, replayed, i, ...part, steps: time.steps },
                y: stateOf(earlier),
                draws: stepDraws,
                whole: () => advance('step', i, earlier),
              };
        if (between.onSteps && !between.nearly)
          return seenAt([now, ...earlier.slice(0, n)], '').leaves.map((l) => l.node);
        const found = between.onSteps
          ? statesNearby(ctx, place, timeAt(i), stateOf(earlier), now)
          : statesWithin(
              ctx,
              {
                ...place,
                ...part,
                sysUpTo: (x) => (noise === undefined ? sys : systemWithin(ctx, noise, x)),
                from: endOf(earlier),
                reached: after === undefined ? undefined : endOf(after),
              },
              now,
            );
        savedEvaluations = found.evals === undefined ? 'untold' : 'told';
        const nodes = flatten(ctx, found.y, a.span).leaves.map((l) => l.node);
        const counted = found.evals ?? int(0);
        return [
          ...seenAt([now, ...nodes], '').leaves.map((l) => l.node),
          ...flatten(ctx, counted, a.span).leaves.map((l) => l.node),
        ];
      },
    });
    return { final: made.final, saved: [made.rows] };
  };
  const before = { ...ctx.draws };
  const blocks =
    save.kind === 'between'
      ? rowsBetween(save)
      : runBlocks(ctx, init, step, loop, save, policy, (i, leaves) => seen(i, leaves).nodes);

  solver.check();

  const again = solveRecord(
    ctx,
    model,
    a.span,
    initialStates,
    init,
    step,
    time,
    method.stability,
    stateOf,
    shape,
  );
  // Later on the same steps with the same draws.
  const asNow = <T>(work: () => T): T => withDraws(ctx, { ...before }, work);
  ctx.solves.push({
    ...again,
    advance: (i, leaves) => asNow(() => again.advance(i, leaves)),
    rate: (leaves) => asNow(() => again.rate(leaves)),
  });

  const entries: (readonly [string, Value])[] = [];
  if (save.kind !== 'none') {
    const end = seen(g.constant(time.steps, 'i32'), blocks.final);
    const inBlocks = save.kind === 'some' ? save : undefined;
    const first = inBlocks?.includesStart === true ? seen(zero, init).nodes : undefined;
    const columns = end.nodes.map((last, i) => {
      const rows: Node[] = [];
      if (first !== undefined) rows.push(b.stack(g, [at(first, i)]));
      for (const ys of blocks.saved) rows.push(at(ys, i));
      if (inBlocks?.endsApart === true) rows.push(b.stack(g, [last]));
      return b.concat(g, rows, 0);
    });
    const saved = asRecord(ctx, end.shape.rebuild(columns), a.span);
    for (const part of ['states', 'monitors'])
      for (const [k, v] of asRecord(ctx, saved.entries.get(part) ?? record([]), a.span).entries)
        entries.push([k, v]);
    entries.push(['t', array(save.kind === 'between' ? save.times : time.at(stepIndices(ctx, save)))]);
  }
  const finalStates = model.present(time.end, stateOf(blocks.final));
  const finalMonitors = model.monitors(time.end, stateOf(blocks.final));
  entries.push(['final', record([...finalStates.entries, ...finalMonitors])]);
  entries.push(['steps', int(time.steps)], ['rejected', int(0)]);
  const tallies = tally.entries(blocks.final.slice(tallied), before0, evaluations, time.steps);
  entries.push(...withEvaluations(ctx, tallies, savedEvaluations, blocks.saved[0] ?? [], a.span));
  if (model.events.length > 0) entries.push(...eventsLogged(memoryShape.rebuild(blocks.final.slice(n))));
  const names = [...model.states.map((s) => s.name), ...model.monitorNames, 't'];
  return record(entries, (name) =>
    save.kind === 'none' && names.includes(name)
      ? `this solve keeps only the end, \`.final.${name}\`; ask for more with \`save: every(steps: 10)\``
      : name === 'evals'
        ? untoldEvaluations
        : `there are ${[...entries.map(([k]) => k)].join(', ')}`,
  );
}

/** A declared model with its arguments, or one made of functions. */
export function modelOf(ctx: Context, v: Value, a: Given): PreparedModel {
  if (!isFunctionModel(v)) return prepareModel(ctx, instanceOf(ctx, v, a), a.span);
  for (const name of ['on', 'space'])
    if (a.get(name) !== undefined)
      failAt(ctx, 'E332', 'a model of functions lies on no domain', a.spanOf(name), `leave out \`${name}:\``);
  return prepareFunctions(ctx, v, a.span);
}

function instanceOf(ctx: Context, v: Value, a: Given): InstanceValue {
  const [on, space] = [a.get('on'), a.get('space')];
  const applied = v.kind === 'model' ? ctx.call(v, [], a.span) : v;
  if (applied.kind !== 'instance')
    return failAt(ctx, 'E371', `solve wants a model, but this is ${describe(v)}`, a.spanOf('model'));
  const grid =
    on === undefined
      ? applied.grid
      : on.kind === 'grid'
        ? on.grid
        : on.kind === 'domain'
          ? gridOf(ctx, on, [], a.spanOf('on'))
          : failAt(ctx, 'E332', `\`on:\` takes a domain, but this is ${describe(on)}`, a.spanOf('on'));
  if (grid === undefined)
    return space === undefined
      ? applied
      : failAt(
          ctx,
          'E332',
          `${applied.item.name.name} lies on no domain, so there is no space to discretise`,
          a.spanOf('space'),
          'leave out `space:`',
        );
  return { ...applied, grid: space === undefined ? grid : withSpace(ctx, grid, space, a.spanOf('space')) };
}

/** The method of a solve; of a model with events, one whose steps they interrupt (stdlib/events.flow). */
export function methodOf(ctx: Context, a: Given, model: PreparedModel): Method {
  const named = a.get('method');
  // A function all of whose arguments may be left out stands for what it gives: method: etdrk4.
  const given = named?.kind === 'function' ? ctx.call(named, [], a.spanOf('method')) : named;
  const counter = evaluationCounter(ctx);
  const sums = stepSums(ctx, a);
  const counted =
    given?.kind === 'record'
      ? countedMethod(ctx, given, counter, (made, k, from) => {
          if (sums === undefined) return [];
          const ordinal = ctx.draws.ordinal;
          const whole = made.entries.has('evals') ? made : record([...made.entries, ['evals', int(0)]]);
          const nodes = nodesOf(ctx, sums.terms(whole, k, from), a.span);
          ctx.draws.ordinal = ordinal;
          return nodes;
        })
      : undefined;
  const plain =
    counted !== undefined && model.events.length > 0 && model.stochastic === undefined
      ? withKnownStep(ctx, counted)
      : counted;
  const m = plain === undefined ? given : model.events.length > 0 ? interrupted(ctx, a, plain, model) : plain;
  if (m === undefined)
    return failAt(ctx, 'E376', 'a solve needs a method', a.span, 'use std.ode { rk4 } and write method: rk4');
  const step = m.kind === 'record' ? m.entries.get('step') : undefined;
  if (m.kind !== 'record' || step === undefined || plain === undefined)
    return failAt(
      ctx,
      'E376',
      `a method is a record { order, step }, but this is ${describe(m)}`,
      a.spanOf('method'),
      'the methods of std.ode are such records: use std.ode { rk4 }',
    );
  const [order, stability] = [m.entries.get('order'), m.entries.get('stability')];
  const word = (name: string): string | undefined => {
    const v = m.entries.get(name);
    return v === undefined ? undefined : staticText(ctx, v, a.spanOf('method'), `\`${name}\` of a method`);
  };
  const calculus = word('calculus');
  const back = m.entries.get('back');
  const numberIn = (name: string): number | undefined => {
    const v = m.entries.get(name);
    return v === undefined ? undefined : staticNumber(v);
  };
  return {
    calculus: calculus === 'ito' || calculus === 'stratonovich' ? calculus : undefined,
    needs: word('needs'),
    order: order === undefined ? undefined : staticNumber(order),
    step,
    record: m,
    plain,
    counter,
    errorOrder: numberIn('error_order'),
    controller: m.entries.get('controller'),
    init: m.entries.get('init'),
    back: back?.kind === 'function' || back?.kind === 'builtin' ? back : undefined,
    stability: stability === undefined ? undefined : staticNumber(stability),
  };
}

function interrupted(ctx: Context, a: Given, method: Value, model: PreparedModel): Value {
  const wrap = ctx.library('std.events', 'with_events');
  return ctx.call(wrap, positional(a.spanOf('method'), method, list(model.events)), a.spanOf('method'));
}

function stepIndices(ctx: Context, { indices }: SavedBlocks): Node {
  return ctx.graph.literal(Float64Array.from(indices), [indices.length], 'i32');
}

/** The evaluations of the steps and those for states between them, which stand in the last of the saved columns. */
function withEvaluations(
  ctx: Context,
  entries: readonly (readonly [string, Value])[],
  saved: 'none' | 'told' | 'untold',
  columns: readonly Node[],
  span: Span,
): readonly (readonly [string, Value])[] {
  if (saved === 'none') return entries;
  if (saved === 'untold') return entries.filter(([name]) => name !== 'evals');
  const more = array(b.reduceSum(ctx.graph, at(columns, columns.length - 1), [0]));
  return entries.map(([name, v]) => [
    name,
    name === 'evals' ? ctx.elementwise(operators.add, [v, more], span) : v,
  ]);
}

/** Runs `length` steps, the j-th of which has the number `index(j)`. */
type StepLoop = (run: {
  readonly length: number;
  readonly init: readonly Node[];
  readonly index: (j: Node) => Node;
  readonly policy: AdjointPolicy;
}) => readonly Node[];

interface Blocks {
  readonly final: readonly Node[];
  /** One entry a run: the saved leaves, stacked. */
  readonly saved: readonly (readonly Node[])[];
}

function runBlocks(
  ctx: Context,
  init: readonly Node[],
  step: (i: Node, leaves: readonly Node[]) => Node[],
  loop: StepLoop,
  save: SavedBlocks,
  policy: AdjointPolicy,
  seen: (i: Node, leaves: readonly Node[]) => Node[],
): Blocks {
  const g = ctx.graph;
  let carries = init;
  let offset = 0;
  const saved: (readonly Node[])[] = [];
  for (const run of save.runs) {
    const from = offset;
    const shift = (i: Node): Node => (from === 0 ? i : b.add(g, i, from));
    if (run.length === 1 && run.saved) {
      const result = makeScan(g, {
        length: run.count,
        init: carries,
        adjoint: policy,
        body: (i, leaves) => {
          const next = step(shift(i), leaves);
          return { carries: next, ys: seen(b.add(g, shift(i), 1), next) };
        },
      });
      carries = result.carries;
      saved.push(result.ys);
    } else if (run.length === 1 || run.count === 1) {
      carries = loop({ length: run.length * run.count, init: carries, index: shift, policy });
      if (run.saved)
        saved.push(seen(g.constant(from + run.length, 'i32'), carries).map((x) => b.stack(g, [x])));
    } else {
      const share = shared(policy, run.count, init);
      const result = makeScan(g, {
        length: run.count,
        init: carries,
        adjoint: share.outer,
        body: (block, leaves) => {
          const first = shift(b.mul(g, block, run.length));
          const inner = loop({
            length: run.length,
            init: leaves,
            index: (j) => b.add(g, first, j),
            policy: share.inner,
          });
          return {
            carries: inner,
            ys: run.saved ? seen(b.add(g, first, run.length), inner) : [],
          };
        },
      });
      carries = result.carries;
      if (run.saved) saved.push(result.ys);
    }
    offset += run.length * run.count;
  }
  return { final: carries, saved };
}

function solveRecord(
  ctx: Context,
  model: PreparedModel,
  span: Span,
  initialStates: readonly Node[],
  init: readonly Node[],
  step: (i: Node, leaves: readonly Node[]) => Node[],
  time: TimeGrid,
  stability: number | undefined,
  stateOf: (leaves: readonly Node[]) => RecordValue,
  shape: Flattened,
): SolveRecord {
  return {
    model: model.name,
    real: ctx.real,
    span,
    states: shape.leaves.map((l) => l.path),
    initial: init,
    leafNames: shape.leaves.map((l) => l.path),
    advance: step,
    steps: time.steps,
    startTime: time.start,
    stepSize: time.stepAt(ctx.graph.constant(0, 'i32')),
    timeAt: time.at,
    rate: (leaves) =>
      flatten(ctx, model.rhs(time.start, stateOf(leaves)), span)
        .leaves.map((l) => l.node)
        .slice(0, initialStates.length),
    stability,
  };
}
