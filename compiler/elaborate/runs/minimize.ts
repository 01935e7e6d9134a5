// `minimize loss over k using adam(lr: 1e-2) steps 300 { … }` and `play { minimize f over x; maximize g over y } using …`: a start procedure, a step procedure that the host repeats, and
// what is logged, stopped, kept and done in between. The optimiser is a record of Flow, { init(p), step(problem, p, s) } (optimiser_memory.ts); the iteration number is a variable that the
// step itself advances.

import { drawnBatch } from './batches.ts';
import { constraintsOf, unconstrained } from './constraints.ts';
import type { Context } from '../context.ts';
import { failAt, inWorld, withDraws } from '../context.ts';
import { checkInfluence, inView, objectiveAt, targetsOf } from './goals.ts';
import type { Targets, View } from './goals.ts';
import { labelOf } from '../expressions/expression.ts';
import { scalarOf } from '../expressions/derivatives.ts';
import { indexedLossesIn, termCount } from './indexed_losses.ts';
import { staticInteger } from '../values/leaves.ts';
import { memoryOf, optimiserPart, stepWithMemory } from './optimiser_memory.ts';
import { outputOf, placeOf, textParts } from './outputs.ts';
import { problemRecord } from './problem.ts';
import type { Part, Problem, Seen } from './problem.ts';
import type { ScriptWriter } from './runs.ts';
import type { Scope } from '../names/scope.ts';
import { replaced } from '../names/worlds.ts';
import type { Value } from '../values/values.ts';
import { array, describe } from '../values/values.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import type {
  KeepPlan,
  LogPlan,
  MinimizeStatement,
  OutputValue,
  ScriptStatement,
} from '../../plan/script.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

type Nested = (block: ast.RunBlock, scope: Scope, name: string) => ScriptStatement[];

export function minimize(
  w: ScriptWriter,
  s: ast.MinimizeStatement,
  scope: Scope,
  nested: Nested,
): MinimizeStatement {
  const { ctx } = w;
  const targets = targetsOf(ctx, w.variables, s.goal.over, s.goal.except, scope);
  const parts = partsOf(ctx, s.goal);
  const label = parts.map((p) => p.name).join(' + ');
  return descend(w, s, nested, {
    label,
    targets,
    parts,
    game: false,
    scope,
    constraints: constraintsOf(ctx, targets, s.constraints, scope),
  });
}

/** Players who move their own variables to their own ends. */
export function play(w: ScriptWriter, s: ast.PlayStatement, scope: Scope, nested: Nested): MinimizeStatement {
  const { ctx } = w;
  const targets = targetsOf(
    ctx,
    w.variables,
    s.goals.flatMap((g) => g.over),
    s.goals.flatMap((g) => g.except),
    scope,
  );
  const names: string[] = [];
  const parts = s.goals.map((goal): Part => {
    const own = targetsOf(ctx, w.variables, goal.over, goal.except, scope);
    const label = labelOf(goal.value);
    const taken = names.filter((n) => n === label).length;
    names.push(label);
    if (goal.value.kind === 'record')
      failAt(
        ctx,
        'E271',
        'the objective of a player is one number',
        goal.value.span,
        'add the parts of the record',
      );
    return {
      name: taken === 0 ? label : `${label}_${taken + 1}`,
      direction: goal.direction,
      goal: goal.value,
      variables: own.variables,
    };
  });
  s.goals.forEach((goal) => {
    const own = targetsOf(ctx, w.variables, goal.over, goal.except, scope);
    checkInfluence(
      ctx,
      own,
      w.variables,
      objectiveAt(ctx, own, goal.value, own.now, scope),
      goal.value,
      goal.over,
    );
  });
  return descend(w, s, nested, {
    label: at(names, 0),
    targets,
    parts,
    game: true,
    scope,
    constraints: unconstrained,
  });
}

/** `{ pde: l1, ic: l2 }` has several parts, everything else is one. */
function partsOf(ctx: Context, goal: ast.Goal): readonly Part[] {
  const { direction, value } = goal;
  const one = { direction, variables: undefined };
  if (value.kind !== 'record') return [{ ...one, name: labelOf(value), goal: value }];
  if (value.entries.length === 0) failAt(ctx, 'E271', 'there is no loss in this record', value.span);
  return value.entries.map((e) =>
    e.kind === 'entry'
      ? { ...one, name: e.name.name, goal: e.value }
      : failAt(
          ctx,
          'E271',
          'the losses of a record are named one by one',
          e.span,
          'write minimize { data: misfit, prior: rough } over …',
        ),
  );
}

interface Task extends Omit<Problem, 'step' | 'indexed' | 'used' | 'span'> {
  readonly label: string;
}

function descend(
  w: ScriptWriter,
  s: ast.MinimizeStatement | ast.PlayStatement,
  nested: Nested,
  task: Task,
): MinimizeStatement {
  const { ctx, variables } = w;
  const { method } = s;
  const { targets, parts, scope, label } = task;
  const g = ctx.graph;
  const goalSpan = at(parts, 0).goal.span;
  const positive = (e: ast.Expression, what: string): number => {
    const n = staticInteger(ctx, ctx.evaluate(e, scope), e.span, what);
    return n >= 1 ? n : failAt(ctx, 'E111', `${what} is at least 1, but this is ${n}`, e.span);
  };
  const count = staticInteger(
    ctx,
    ctx.evaluate(method.count, scope),
    method.count.span,
    `the number of ${method.unit}`,
  );
  if (count < 0) failAt(ctx, 'E111', `the number of ${method.unit} is ${count}`, method.count.span);
  const accumulate =
    method.accumulate === undefined ? 1 : positive(method.accumulate, 'the number of batches to accumulate');
  const indexed = parts
    .flatMap((p) => indexedLossesIn(p.goal, scope))
    .filter((loss, i, all) => all.indexOf(loss) === i)
    .map((loss) => ({ loss, terms: termCount(ctx, loss, loss.generators ?? [], scope.module) }));
  const batch = batchOf(ctx, method, indexed, scope);
  const steps = method.unit === 'steps' ? count : Math.floor((count * batch.perEpoch) / accumulate);

  const objective = array(
    parts
      .slice(0, task.game ? 1 : undefined)
      .map((p) => nodeOf(ctx, objectiveAt(ctx, targets, p.goal, targets.now, scope)))
      .reduce((x, y) => b.add(g, x, y)),
  );
  if (s.kind === 'minimize') checkInfluence(ctx, targets, variables, objective, s.goal.value, s.goal.over);
  const name = variables.fresh('minimize');
  const iteration = variables.declare(ctx, `${name}.iteration`, { dtype: 'i32', shape: [] });
  const done = variables.declare(ctx, `${name}.done`, { dtype: 'bool', shape: [] });
  const optimiser = ctx.evaluate(method.using, scope);
  const memory = memoryOf(ctx, variables, method.using, scope, name, targets, iteration);
  // The step of an optimiser that is declared outside goes on from one statement to the next, and with it draws and batches.
  const viewAt = (turn: Node | number): View => {
    const i = accumulate === 1 ? memory.step : b.add(g, b.mul(g, memory.step, accumulate), turn);
    return { iteration: i, ...(batch.size === undefined ? {} : { batch: drawnBatch(ctx, batch.size, [i]) }) };
  };
  const seen: Seen =
    accumulate === 1
      ? { view: viewAt(0) }
      : {
          view: { ...viewAt(0), ...wholeBatch(ctx, batch.size, accumulate, memory.step) },
          accumulated: { count: accumulate, at: viewAt },
        };
  const problem: Problem = { ...task, step: memory.step, indexed, used: new Set(), span: goalSpan };
  const span = method.using.span;
  const world = inWorld(ctx, ctx.world, () => replaced(ctx, []));
  // What the optimiser itself draws differs from step to step.
  const draws = {
    ...ctx.draws,
    path: `${ctx.draws.path}.${ctx.draws.ordinal++}`,
    ordinal: 0,
    step: memory.step,
  };
  const elaborateStep = (): { start: string; step: string } => {
    const memory0 = ctx.call(
      optimiserPart(ctx, optimiser, 'init', method.using),
      [{ value: targets.now, span }],
      span,
    );
    const stepped = stepWithMemory(
      ctx,
      problemRecord(ctx, problem, seen),
      optimiserPart(ctx, optimiser, 'step', method.using),
      targets,
      memory0,
      memory,
      span,
    );
    for (const kind of ['eq', 'ineq'] as const)
      if (task.constraints[kind].width > 0 && !problem.used.has(kind))
        failAt(
          ctx,
          'E437',
          `this optimiser does not look at the ${kind === 'eq' ? 'equations' : 'inequalities'} of \`subject to\``,
          span,
          'use std.optim { sqp } and write `using sqp()`',
        );
    const stop = stopCondition(ctx, method, scope);
    const finished = stop === undefined ? done : b.or(g, done, stop);
    const frozen = (now: Node, later: Node): Node =>
      stop === undefined ? later : b.select(g, b.broadcastTo(g, finished, now.shape), now, later);
    const outputs = new Map<string, Node>();
    targets.variables.forEach((v, i) =>
      outputs.set(v, frozen(variables.nodeOf(v), at(stepped.newLeaves, i))),
    );
    for (const { variable, now, later } of stepped.memory) outputs.set(variable, frozen(now, later));
    outputs.set(`${name}.iteration`, frozen(iteration, b.add(g, iteration, 1)));
    if (stop !== undefined) outputs.set(`${name}.done`, finished);
    return {
      start: variables.procedure(
        `${name}.start`,
        new Map<string, Node>([
          [`${name}.iteration`, g.constant(0, 'i32')],
          [`${name}.done`, g.constant(0, 'bool')],
          ...stepped.start,
        ]),
      ),
      step: variables.procedure(`${name}.step`, outputs),
    };
  };
  const { start, step } = inView(ctx, seen.view, world, () => withDraws(ctx, draws, elaborateStep));
  variables.keep([`${name}.iteration`, `${name}.done`]);

  const objectiveVariable = variables.result(ctx, nodeOf(ctx, objective), 'objective');
  const objectiveProcedure = variables.procedure(
    `${name}.objective`,
    new Map([[objectiveVariable, nodeOf(ctx, objective)]]),
  );
  const logs: LogPlan[] = [];
  const every: { interval: number; body: ScriptStatement[] }[] = [];
  const checkpoints: { path: ReturnType<typeof textParts>; every: number }[] = [];
  const keeps: KeepPlan[] = [];
  const interval = (e: ast.Expression): number => positive(e, 'an interval of steps');
  // What stands in `every n { … }` sees the draws and the batch of the step just made.
  const last = b.sub(g, memory.step, 1);
  const justMade: View = {
    iteration: last,
    ...(batch.size === undefined ? {} : wholeBatch(ctx, batch.size, accumulate, last)),
  };
  for (const option of method.options) {
    switch (option.kind) {
      case 'log': {
        const outputs = new Map<string, Node>();
        const entries = option.values.map((e) => {
          const node = scalarOf(ctx, ctx.evaluate(e, scope), e.span, 'what is logged');
          const own = variables.nameOf(node);
          if (own !== undefined) return { label: labelOf(e), variable: own };
          const variable = variables.result(ctx, node, 'log');
          outputs.set(variable, node);
          return { label: labelOf(e), variable };
        });
        logs.push({
          every: interval(option.every),
          procedure: variables.procedure(`${name}.log`, outputs),
          entries,
        });
        break;
      }
      case 'every': {
        const draws = {
          ...ctx.draws,
          path: `${ctx.draws.path}.${ctx.draws.ordinal++}`,
          ordinal: 0,
          step: last,
        };
        every.push({
          interval: interval(option.period),
          body: inView(
            ctx,
            justMade,
            inWorld(ctx, ctx.world, () => replaced(ctx, [])),
            () => withDraws(ctx, draws, () => nested(option.body, scope.child(), 'every')),
          ),
        });
        break;
      }
      case 'checkpoint':
        checkpoints.push({
          path: textParts(w, ctx.evaluate(option.path, scope), option.path),
          every: interval(option.every),
        });
        break;
      case 'keep-best':
        keeps.push(
          keepBest(
            w,
            `${name}.best${keeps.length === 0 ? '' : keeps.length}`,
            option,
            targets,
            scope,
            interval,
          ),
        );
        break;
      case 'stop-when':
        break;
    }
  }
  if (keeps.length > 1)
    failAt(
      ctx,
      'E439',
      'the best parameters by one measure are kept, and this is a second one',
      method.options.filter((o) => o.kind === 'keep-best')[1]?.span ?? s.span,
    );
  const diagnose = w.diagnosis();
  return {
    kind: 'minimize',
    label,
    start,
    step,
    steps,
    iteration: `${name}.iteration`,
    done: `${name}.done`,
    stops: method.options.some((o) => o.kind === 'stop-when'),
    objective: { label, procedure: objectiveProcedure, variable: objectiveVariable },
    logs,
    every,
    params: targets.infos.flatMap((info): OutputValue[] => parameterOutputs(w, info, s)),
    checkpoints,
    ...(keeps[0] === undefined ? {} : { keep: keeps[0] }),
    place: placeOf(s.span),
    ...(diagnose ? { diagnose } : {}),
  };
}

const nodeOf = (ctx: Context, v: Value): Node =>
  v.kind === 'array' ? v.node : ctx.graph.constant(0, ctx.real);

/** All the batches that one step accumulates. */
function wholeBatch(
  ctx: Context,
  size: number | undefined,
  accumulate: number,
  step: Node,
): Pick<View, 'batch'> {
  if (size === undefined) return {};
  const g = ctx.graph;
  const iterations =
    accumulate === 1
      ? [step]
      : Array.from({ length: accumulate }, (_, k) => b.add(g, b.mul(g, step, accumulate), k));
  return { batch: drawnBatch(ctx, size, iterations) };
}

/** `keep best validation every 50`: the parameters at which it was lowest are put back at the end. */
function keepBest(
  w: ScriptWriter,
  name: string,
  option: ast.MinimizeOption & { readonly kind: 'keep-best' },
  targets: Targets,
  scope: Scope,
  interval: (e: ast.Expression) => number,
): KeepPlan {
  const { ctx, variables } = w;
  const g = ctx.graph;
  const node = scalarOf(ctx, ctx.evaluate(option.value, scope), option.value.span, 'what is kept best');
  const now = targets.variables.map((v) => variables.nodeOf(v));
  const value = variables.declare(ctx, `${name}.value`, node);
  const kept = now.map((n, i) => variables.declare(ctx, `${name}.${at(targets.variables, i)}`, n));
  const names = targets.variables.map((v) => `${name}.${v}`);
  const better = b.lt(g, node, value);
  variables.keep([`${name}.value`, ...names]);
  const outputs = (list: readonly Node[], keys: readonly string[]): [string, Node][] =>
    list.map((n, i) => [at(keys, i), n]);
  return {
    label: labelOf(option.value),
    every: interval(option.every),
    start: variables.procedure(
      `${name}.start`,
      new Map([[`${name}.value`, g.constant(Infinity, node.dtype)], ...outputs(now, names)]),
    ),
    look: variables.procedure(
      `${name}.look`,
      new Map([
        [`${name}.value`, b.select(g, better, node, value)],
        ...outputs(
          now.map((n, i) => b.select(g, b.broadcastTo(g, better, n.shape), n, at(kept, i))),
          names,
        ),
      ]),
    ),
    restore: variables.procedure(`${name}.restore`, new Map(outputs(kept, targets.variables))),
    value: `${name}.value`,
  };
}

/** The size of a minibatch (undefined: all terms) and the steps of an epoch. */
function batchOf(
  ctx: Context,
  method: ast.Method,
  indexed: Problem['indexed'],
  scope: Scope,
): { size: number | undefined; perEpoch: number } {
  const where = method.batch?.span ?? method.count.span;
  if (method.batch === undefined) {
    if (method.unit === 'epochs' && indexed.length === 0)
      failAt(
        ctx,
        'E455',
        '`epochs` counts passes through an indexed loss, and there is none here',
        where,
        'write loss l(i in 0..n) = …, or count `steps`',
      );
    return { size: undefined, perEpoch: 1 };
  }
  if (indexed.length === 0)
    return failAt(
      ctx,
      'E455',
      '`batch` takes terms of an indexed loss, and there is none here',
      where,
      'write loss l(i in 0..n) = …',
    );
  const size = staticInteger(ctx, ctx.evaluate(method.batch, scope), where, 'the size of a batch');
  if (size < 1) failAt(ctx, 'E111', `the size of a batch is at least 1, but this is ${size}`, where);
  return { size, perEpoch: Math.max(1, Math.floor(Math.min(...indexed.map((x) => x.terms)) / size)) };
}

function parameterOutputs(
  w: ScriptWriter,
  info: { readonly name: string; readonly variables: readonly string[] },
  s: { readonly span: Span },
): OutputValue[] {
  return info.variables.map((v) => outputOf(w, { kind: 'array', node: w.variables.nodeOf(v) }, v, s.span));
}

function stopCondition(ctx: Context, method: ast.Method, scope: Scope): Node | undefined {
  const conditions = method.options.flatMap((o) => (o.kind === 'stop-when' ? [o.condition] : []));
  if (conditions.length === 0) return undefined;
  return conditions
    .map((e) => {
      const v = ctx.evaluate(e, scope);
      if (v.kind === 'bool') return ctx.graph.constant(v.value ? 1 : 0, 'bool');
      if (v.kind !== 'array' || v.node.dtype !== 'bool' || v.node.shape.length > 0)
        return failAt(ctx, 'E192', `a condition is one truth value, but this is ${describe(v)}`, e.span);
      return v.node;
    })
    .reduce((x, y) => b.or(ctx.graph, x, y));
}
