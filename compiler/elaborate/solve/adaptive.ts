// A solve that finds its steps while it runs: by the method's estimate of the error (without `dt:`, `steps:` or `times:`), by a controller given as `dt: cfl(0.4)`, or equal ones whose length or number is known at run time
// only. Attempts, controllers and values between the ends of steps are Flow (stdlib/step_control.flow); here they become a `while` towards the next time that is to be saved, inside a loop over those times.
//
// Steps are not cut where a time is saved, unless `times(…, hit: true)` asks for it: the states there come from the step around it. Only the last step is cut, to end at the end; the result is differentiable in it.

import { stoppedSteps } from './adaptive_failure.ts';
import { adaptiveTimes } from './adaptive_times.ts';
import type { AdjointChoice } from './adjoint_choice.ts';
import { lessWorkingSpace, shared } from './adjoint_choice.ts';
import { mustHold } from '../expressions/checked.ts';
import { chosen, denseOf, filteredStates, statesAtEnd, statesWithin } from './between_steps.ts';
import { conform } from '../values/conform.ts';
import { withCarries } from './continued_steps.ts';
import type { Context } from '../context.ts';
import { failAt } from '../context.ts';
import { flatten, staticInteger, staticNumber, toReal } from '../values/leaves.ts';
import { chosenSolver } from './linear_solvers.ts';
import type { PreparedModel } from '../models/model.ts';
import type { Given } from '../builtins/registry.ts';
import type { Method } from './solve_parts.ts';
import { asRecord, eventsLogged, plainArrays, positional } from './solve_parts.ts';
import { countedSystem, nodesOf, untoldEvaluations } from './evaluations.ts';
import { stepSums } from './step_sums.ts';
import type { RecordValue, Value } from '../values/values.ts';
import { array, bool, describe, int, number, real, record } from '../values/values.ts';
import { timeInterval } from './time_grid.ts';
import { belowRounding, tolerances } from './tolerances.ts';
import * as b from '../../ir/build.ts';
import { makeScan, makeWhile } from '../../ir/region.ts';
import type { AdjointPolicy, Node } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';

/** No fixed steps: nothing says how many there are, or something that is known at run time only. */
export function isAdaptive(a: Given): boolean {
  const [dt, steps] = [a.get('dt'), a.get('steps')];
  if (a.get('times') !== undefined) return false;
  if (dt !== undefined) return dt.kind === 'record' || equalSteps(a);
  return steps === undefined || (steps.kind === 'array' && staticNumber(steps) === undefined);
}

/** Equal steps whose number or length is known at run time only: `dt:` divides the time evenly, which its ends have to be known for. */
export function equalSteps(a: Given): boolean {
  const [t, dt, steps] = [a.get('t'), a.get('dt'), a.get('steps')];
  const later = (v: Value | undefined): boolean => v?.kind === 'array' && staticNumber(v) === undefined;
  return (
    later(steps) ||
    later(dt) ||
    (dt?.kind === 'number' && t?.kind === 'range' && (later(t.from) || later(t.to)))
  );
}

const DEFAULT_LIMIT = 10_000;
/** What may be missing to a whole number of steps. */
const SHORTER = 1e-4;

export interface AdaptiveSolve {
  readonly a: Given;
  readonly model: PreparedModel;
  readonly method: Method;
  readonly choice: AdjointChoice;
  /** `sys`, once the start of the solve is known. */
  readonly system: (y0: RecordValue, start: Node, end: Node) => RecordValue;
}

export function adaptiveSolve(ctx: Context, solve: AdaptiveSolve): Value {
  const g = ctx.graph;
  const { a, model, method, choice } = solve;
  const wanted: AdjointPolicy = choice.kind === 'discrete' ? choice.policy : { kind: 'auto' };
  const t = timeInterval(ctx, a);
  const [start, end] = [
    toReal(ctx, t.from, a.spanOf('t'), 'the start of time'),
    toReal(ctx, t.to, a.spanOf('t'), 'the end of time'),
  ];
  const [s0, s1] = [staticNumber(t.from), staticNumber(t.to)];
  const way: Value =
    s0 !== undefined && s1 !== undefined
      ? number(s1 < s0 ? -1 : 1)
      : array(
          b.stopGradient(
            g,
            b.select(g, b.lt(g, end, start), g.constant(-1, ctx.real), g.constant(1, ctx.real)),
          ),
        );
  const controller = controllerOf(ctx, solve, start, end);
  if (controller.judges && method.order === undefined)
    return failAt(ctx, 'E385', 'adaptive steps need a method that declares its `order`', a.spanOf('method'));
  const { rtol, atol } = tolerances(ctx, a);
  const goal = record([
    ['rtol', rtol],
    ['atol', atol],
    ['order', number(method.errorOrder ?? method.order ?? 1)],
    ['way', way],
  ]);
  const limitValue = a.get('limit');
  const limit =
    limitValue === undefined
      ? DEFAULT_LIMIT
      : staticInteger(ctx, limitValue, a.spanOf('limit'), 'the limit of steps');
  const { counter } = method;
  const y0 = model.present(start, model.initial(start, a.get('from'), a.spanOf('from')));
  const solver = chosenSolver(ctx, a);
  const times = adaptiveTimes(ctx, a, { s0, s1, start, end });
  const found = record([
    ...countedSystem(ctx, solve.system(y0, start, end), counter).entries,
    ...solver.entries,
    ...(controller.value.entries.has('given') && times?.hit !== true
      ? []
      : [['uneven', bool(true)] as const]),
  ]);
  const sums = stepSums(ctx, a);
  const tried = controller.judges ? record([...found.entries, ['tries', bool(true)]]) : found;
  const between = times !== undefined && !times.hit;
  const interpolated = between && denseOf(method) !== undefined;
  // A method that only takes shorter steps for saved times would carry what it remembers of two steps, for one evaluation in seven.
  const sys =
    interpolated || (controller.judges && !between)
      ? withCarries(ctx, {
          model,
          method: method.plain,
          sys: interpolated ? record([...tried.entries, ['between', bool(true)]]) : tried,
          y0,
          span: a.span,
        })
      : tried;
  const attempt = ctx.library('std.step_control', 'attempt');

  const memoryAtStart = (): Value =>
    method.init === undefined
      ? record([])
      : ctx.call(method.init, positional(a.span, sys, array(start), y0), a.span);
  const beginning = (): RecordValue =>
    asRecord(
      ctx,
      ctx.call(controller.part('start'), positional(a.span, sys, array(start), y0, goal), a.span),
      a.span,
    );
  const used = (values: readonly Value[]): Node[] => values.flatMap((v) => nodesOf(ctx, v, a.span));
  // What a controller that does not look at errors evaluates is its own affair.
  const { made: before0, evaluations: first } = counter.during(
    () => ({ memory: memoryAtStart(), begun: controller.judges ? beginning() : undefined }),
    ({ memory, begun }) => used(begun === undefined ? [memory] : [memory, begun]),
  );
  const [memory0, begun] = [before0.memory, before0.begun ?? beginning()];
  // What is added up is told by a step that is tried for it; what that made is forgotten.
  const zeroSums =
    sums &&
    g.scope(() => {
      const ordinal = ctx.draws.ordinal;
      const k = record([
        ['i', int(0)],
        ['t', array(start)],
        ['h', array(b.cast(g, g.constant(1, ctx.real), ctx.real))],
      ]);
      const made = ctx.call(method.step, positional(a.span, sys, k, y0, memory0), a.span);
      const whole = record([
        ...asRecord(ctx, made, a.spanOf('method')).entries,
        ...beside(array(start), real(1), y0),
      ]);
      const zero = sums.zeros(whole);
      ctx.draws.ordinal = ordinal;
      return zero;
    }).value;
  const part = (s: RecordValue, name: string): Value =>
    s.entries.get(name) ??
    failAt(
      ctx,
      'E502',
      `the controller gives no \`${name}\``,
      a.span,
      'a controller is a record { start, after }',
    );
  const firstLength = toReal(ctx, part(begun, 'h'), a.span, 'the length of a step');
  const last = record([
    ['t', array(start)],
    ['h', array(b.mul(g, toReal(ctx, way, a.span, 'the direction of time'), firstLength))],
    ['y', y0],
    ['mem', memory0],
  ]);
  const state0 = record([
    ['t', array(start)],
    ['h', array(firstLength)],
    ['y', y0],
    ['mem', memory0],
    ['control', part(begun, 'mem')],
    ['i', int(0)],
    ['tries', int(0)],
    ['stuck', bool(false)],
    ['last', between ? last : record([])],
    ['sums', zeroSums ?? record([])],
    ['evals', int(0)],
  ]);
  const shape = flatten(ctx, state0, a.span);
  const init = shape.leaves.map((l) => l.node);
  const stateOf = (leaves: readonly Node[]): RecordValue => asRecord(ctx, shape.rebuild(leaves), a.span);
  const timeOf = (s: RecordValue): Node => toReal(ctx, part(s, 't'), a.span, 'time');
  const statesOf = (s: RecordValue): RecordValue => asRecord(ctx, part(s, 'y'), a.span);
  const nodeOf = (s: RecordValue, name: string): Node =>
    at(flatten(ctx, part(s, name), a.span).leaves, 0).node;
  const before = (time: Node, stop: Node): Node => {
    if (way.kind === 'number') return way.value > 0 ? b.lt(g, time, stop) : b.gt(g, time, stop);
    const sign = toReal(ctx, way, a.span, 'the direction of time');
    return b.lt(g, b.mul(g, sign, b.sub(g, time, stop)), 0);
  };
  let evaluated = false;
  const policy = lessWorkingSpace(wanted, init);
  const share =
    times === undefined ? { outer: policy, inner: policy } : shared(policy, times.node.shape[0] ?? 1, init);

  /** Attempts until `stop`, none of them beyond `cutAt`. */
  const advance = (leaves: readonly Node[], stop: Node, cutAt: Node): readonly Node[] =>
    makeWhile(g, {
      init: leaves,
      limit,
      adjoint: share.inner,
      condition: (now) => {
        const s = stateOf(now);
        const goesOn = b.and(g, before(timeOf(s), stop), b.not(g, nodeOf(s, 'stuck')));
        return b.and(g, goesOn, b.lt(g, nodeOf(s, 'tries'), limit));
      },
      body: (_turn, now) => {
        const s = stateOf(now);
        const tried = asRecord(
          ctx,
          ctx.call(
            attempt,
            positional(a.span, sys, method.record, controller.value, goal, s, array(cutAt)),
            a.span,
          ),
          a.span,
        );
        const after = asRecord(ctx, part(tried, 'state'), a.span);
        const made = asRecord(ctx, part(tried, 'made'), a.span);
        if (controller.judges && !made.entries.has('error'))
          return failAt(
            ctx,
            'E386',
            'adaptive steps need a method that estimates its error, and this one does not',
            a.spanOf('method'),
            model.stochastic === undefined
              ? 'use std.ode { tsit5 } and write method: tsit5, or step_doubling(m) around the method; or give the solve fixed steps, `dt:` or `steps:`'
              : 'use std.sde { heun, srk, sra1 }, or step_doubling(m) of std.ode around the method; or give the solve fixed steps, `dt:` or `steps:`',
          );

        const accepted = nodeOf(tried, 'accepted');
        const time = timeOf(after);
        const y = filteredStates(
          model,
          time,
          asRecord(
            ctx,
            conform(ctx, part(after, 'y'), part(s, 'y'), a.span, 'the state after a step'),
            a.span,
          ),
        );
        const evals = made.entries.get('evals');
        evaluated = evals !== undefined;
        const summed = asRecord(ctx, part(s, 'sums'), a.span);
        const more = sums === undefined ? summed : chosen(ctx, accepted, sums.plus(summed, made), summed, a);
        const next = record([
          ...after.entries,
          ['y', y],
          ['sums', more],
          [
            'evals',
            array(
              b.add(
                g,
                nodeOf(s, 'evals'),
                evals === undefined ? 0 : at(flatten(ctx, evals, a.span).leaves, 0).node,
              ),
            ),
          ],
        ]);
        return flatten(ctx, conform(ctx, next, s, a.span, 'the state after a step'), a.span).leaves.map(
          (l) => l.node,
        );
      },
    }).carries;
  /** What was reached, when it is the time asked for; else the run ends and says where the steps ended. */
  const arrived = (leaves: readonly Node[], stop: Node): RecordValue => {
    const s = stateOf(leaves);
    const checked = (states: RecordValue): RecordValue =>
      stoppedSteps(ctx, {
        y: states,
        reached: statesOf(s),
        time: timeOf(s),
        step: nodeOf(s, 'h'),
        stuck: nodeOf(s, 'stuck'),
        ended: b.not(g, before(timeOf(s), stop)),
        stop,
        limit,
        belowRounding: belowRounding(ctx, rtol, atol),
        model: model.name,
        span: a.span,
      });
    const end = [...s.entries, ['y', checked(statesOf(s))] as const];
    if (!between || denseOf(method) !== undefined) return record(end);
    // States within the last step are made of those that it began with.
    const last = asRecord(ctx, part(s, 'last'), a.span);
    return record([...end, ['last', record([...last.entries, ['y', checked(statesOf(last))]])]]);
  };
  const mayBeStart = times?.known === false;
  /** States at a time within the last step, and how often the right side is evaluated for them. */
  const within = (
    s: RecordValue,
    time: Node,
  ): { readonly y: RecordValue; readonly evals: Value | undefined } => {
    const place = { a, model, method, sys, start, y0, mayBeStart };
    if (!between) return { y: statesAtEnd(ctx, place, time, statesOf(s)), evals: int(0) };
    const from = asRecord(ctx, part(s, 'last'), a.span);
    return statesWithin(
      ctx,
      {
        ...place,
        i: b.max(g, b.sub(g, nodeOf(s, 'i'), 1), 0),
        t: timeOf(from),
        h: toReal(ctx, part(from, 'h'), a.span, 'the length of a step'),
        from: { y: statesOf(from), mem: part(from, 'mem') },
        reached: { y: statesOf(s), mem: part(s, 'mem') },
      },
      time,
    );
  };
  const seen = (time: Node, y: RecordValue): Value =>
    plainArrays(
      ctx,
      record([
        ['states', model.present(time, y)] as const,
        ['monitors', record(model.monitors(time, y))] as const,
      ]),
      a.span,
    );

  let leaves: readonly Node[] = init;
  let extra = g.constant(0, 'i32');
  const entries: (readonly [string, Value])[] = [];
  if (times !== undefined) {
    const first = flatten(ctx, seen(start, y0), a.span);
    const rows = makeScan(g, {
      length: times.later.shape[0] ?? 0,
      init,
      xs: [times.later],
      adjoint: share.outer,
      body: (_i, carries, [stop = end]) => {
        const next = advance(carries, stop, times.hit ? stop : end);
        const states = within(arrived(next, stop), stop);
        evaluated &&= states.evals !== undefined;
        return {
          carries: next,
          ys: [
            ...nodesOf(ctx, seen(stop, states.y), a.span),
            at(nodesOf(ctx, states.evals ?? int(0), a.span), 0),
          ],
        };
      },
    });
    leaves = rows.carries;
    const counts = at(rows.ys, rows.ys.length - 1);
    extra = b.reduceSum(g, counts, [0]);
    const columns = first.leaves.map((l, i) =>
      times.includesStart ? b.concat(g, [b.stack(g, [l.node]), at(rows.ys, i)], 0) : at(rows.ys, i),
    );
    const saved = asRecord(ctx, first.rebuild(columns), a.span);
    for (const name of ['states', 'monitors'])
      for (const [k, v] of asRecord(ctx, saved.entries.get(name) ?? record([]), a.span).entries)
        entries.push([k, v]);
    entries.push(['t', array(times.node)]);
  }
  if (times?.endsAtEnd !== true) leaves = advance(leaves, end, end);
  solver.check();
  const ended = arrived(leaves, end);
  const finalStates = model.present(end, statesOf(ended));
  entries.push(['final', record([...finalStates.entries, ...model.monitors(end, statesOf(ended))])]);
  entries.push(['steps', part(ended, 'i')]);
  entries.push(['rejected', array(b.sub(g, nodeOf(ended, 'tries'), nodeOf(ended, 'i')))]);
  if (evaluated && first !== undefined)
    entries.push(['evals', array(b.add(g, b.add(g, nodeOf(ended, 'evals'), extra), first))]);
  if (sums !== undefined) entries.push(['sum', part(ended, 'sums')]);
  if (model.events.length > 0) entries.push(...eventsLogged(part(ended, 'mem')));
  const names = [...model.states.map((s) => s.name), ...model.monitorNames, 't'];
  return record(entries, (name) =>
    times === undefined && names.includes(name)
      ? `this solve keeps only the end, \`.final.${name}\`; ask for more with \`save: times([…])\` or \`save: every(time: 0.1)\``
      : name === 'evals'
        ? untoldEvaluations
        : `there are ${[...entries.map(([k]) => k)].join(', ')}`,
  );
}

/** What is known of a step beside what the method gives. */
export const beside = (t: Value, h: Value, from: Value): readonly (readonly [string, Value])[] => [
  ['t', t],
  ['h', h],
  ['from', from],
];

interface Controller {
  readonly value: RecordValue;
  readonly judges: boolean;
  readonly part: (name: string) => Value;
}

/** The controller: of the solve, of its `dt:`, of its method, or proportional-integral control of the error. */
function controllerOf(ctx: Context, solve: AdaptiveSolve, start: Node, end: Node): Controller {
  const { a, method } = solve;
  const g = ctx.graph;
  const [dt, steps, given] = [a.get('dt'), a.get('steps'), a.get('controller')];
  if (dt !== undefined && steps !== undefined)
    failAt(ctx, 'E373', '`dt:` and `steps:` are both given; one of them decides', a.spanOf('steps'));
  if ((dt !== undefined || steps !== undefined) && given !== undefined)
    failAt(
      ctx,
      'E384',
      '`controller:` chooses the steps by the error, but this solve has `dt:` or `steps:`',
      a.spanOf('controller'),
      'leave out one of them',
    );
  const whole = b.sub(g, end, start);
  const inSteps = (count: Node): Value =>
    ctx.call(
      ctx.library('std.step_control', 'equal_steps'),
      positional(a.span, array(b.div(g, whole, count))),
      a.span,
    );
  const atLeastOne = (count: Node): Node => {
    const message = ['a solve takes at least one step, but ', { value: array(count) }, ' are asked for'];
    const held = mustHold(
      ctx,
      array(count),
      b.ge(g, count, 1),
      message,
      a.spanOf('steps'),
      'give `steps:` a whole number from 1 on',
    );
    return held.kind === 'array' ? held.node : count;
  };
  const fitting = (length: Node): Node =>
    b.ceil(g, b.sub(g, b.div(g, b.abs(g, whole), b.abs(g, length)), SHORTER));
  const value =
    steps !== undefined
      ? inSteps(atLeastOne(toReal(ctx, steps, a.spanOf('steps'), 'the number of steps')))
      : dt === undefined
        ? (given ?? method.controller ?? ctx.library('std.step_control', 'pi_control'))
        : dt.kind === 'record'
          ? dt
          : inSteps(b.max(g, fitting(toReal(ctx, dt, a.spanOf('dt'), 'the time step')), 1));
  const place = dt === undefined ? a.spanOf('controller') : a.spanOf('dt');
  const wrong = (): never =>
    failAt(
      ctx,
      'E502',
      `a controller of steps is a record { start, after }, but this is ${describe(value)}`,
      place,
      'use std.ode { cfl } and write dt: cfl(0.4); use std.ode { pi_control } and write controller: pi_control',
    );
  if (value.kind !== 'record') return wrong();
  const part = (name: string): Value => value.entries.get(name) ?? wrong();
  part('start');
  part('after');
  const judges = value.entries.get('judges');
  const byError = !(judges?.kind === 'bool' && !judges.value);
  if (!byError)
    for (const name of ['rtol', 'atol'])
      if (a.get(name) !== undefined)
        failAt(
          ctx,
          'E384',
          `\`${name}:\` belongs to steps chosen by the error, but \`dt:\` or \`steps:\` choose those of this solve`,
          a.spanOf(name),
          'leave out one of them',
        );
  return { value, judges: byError, part };
}
