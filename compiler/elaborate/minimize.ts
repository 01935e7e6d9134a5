// `minimize loss over k using adam(lr: 1e-2) steps 300 { … }`: a start procedure, a step procedure that the host repeats, and what is logged, stopped and done in between. The optimiser is
// a record of Flow, { init(p), step(problem, p, s) }; its memory lives in variables, and the iteration number is a variable that the step itself advances.

import type { Context } from './context.ts';
import { failAt, notYet } from './context.ts';
import { conform } from './conform.ts';
import { checkInfluence, objectiveAt, targetsOf } from './goals.ts';
import type { Targets } from './goals.ts';
import { labelOf } from './expression.ts';
import { scalarOf } from './derivatives.ts';
import { flatten, staticInteger, staticNumber } from './leaves.ts';
import type { Flattened } from './leaves.ts';
import { outputOf, placeOf, textParts } from './outputs.ts';
import { problemRecord } from './problem.ts';
import type { ScriptWriter } from './runs.ts';
import { Scope } from './scope.ts';
import { replaced } from './worlds.ts';
import type { Value } from './values.ts';
import { describe } from './values.ts';
import * as b from '../ir/build.ts';
import type { Node } from '../ir/types.ts';
import { isFloat } from '../ir/types.ts';
import type { LogPlan, MinimizeStatement, OutputValue, ScriptStatement } from '../plan/script.ts';
import { at } from '../support/lists.ts';
import type { Span } from '../support/span.ts';
import type * as ast from '../syntax/ast.ts';

export function minimize(
  w: ScriptWriter,
  s: ast.MinimizeStatement,
  scope: Scope,
  nested: (block: ast.RunBlock, scope: Scope, name: string) => ScriptStatement[],
): MinimizeStatement {
  const { ctx, variables } = w;
  const { goal, method } = s;
  if (s.constraints.length > 0) notYet(ctx, '`subject to`', s.span);
  if (method.accumulate !== undefined) notYet(ctx, '`accumulate`', method.accumulate.span);
  if (goal.value.kind === 'record') notYet(ctx, 'a record of losses as the goal', goal.value.span);
  const count = staticInteger(
    ctx,
    ctx.evaluate(method.count, scope),
    method.count.span,
    `the number of ${method.unit}`,
  );
  if (count < 0) failAt(ctx, 'E111', `the number of ${method.unit} is ${count}`, method.count.span);
  const batch = batchOf(ctx, method, goal.value, scope);
  const steps = method.unit === 'steps' ? count : count * batch.perEpoch;

  const targets = targetsOf(ctx, variables, goal.over, goal.except, scope);
  const label = labelOf(goal.value);
  const objective = objectiveAt(ctx, targets, goal.value, targets.now, scope);
  checkInfluence(ctx, targets, variables, objective, goal.value, goal.over);
  const name = variables.fresh('minimize');
  const g = ctx.graph;
  const iteration = variables.declare(ctx, `${name}.iteration`, { dtype: 'i32', shape: [] });
  const done = variables.declare(ctx, `${name}.done`, { dtype: 'bool', shape: [] });

  const optimiser = ctx.evaluate(method.using, scope);
  const part = (key: string): Value => {
    const v = optimiser.kind === 'record' ? optimiser.entries.get(key) : undefined;
    return (
      v ??
      failAt(
        ctx,
        'E433',
        `an optimiser is a record { init, step }, but this is ${describe(optimiser)}`,
        method.using.span,
        optimiser.kind === 'function'
          ? `give it its arguments: using ${optimiser.name}(…)`
          : 'use std.optim { adam } and write `using adam(lr: 1e-2)`',
      )
    );
  };
  const span = method.using.span;
  const arg = (value: Value): { value: Value; span: typeof span } => ({ value, span });
  const before = { iteration: ctx.iteration, batch: ctx.batch, world: ctx.world };
  ctx.iteration = iteration;
  ctx.batch = batch.size;
  // Losses of a step have draws and a batch of their own.
  ctx.world = replaced(ctx, []);
  let start: string;
  let step: string;
  try {
    const memory0 = ctx.call(part('init'), [arg(targets.now)], span);
    const problem = problemRecord(ctx, targets, goal, iteration, scope, span);
    const stepped = stepWithMemory(ctx, problem, part('step'), targets, memory0, span);
    const { shape, memoryNodes, newLeaves, newMemory } = stepped;
    const memoryVariables = shape.leaves.map((l, i) => `${name}.memory.${l.path === '' ? i : l.path}`);
    memoryVariables.forEach((v, i) => variables.adopt(v, at(memoryNodes, i)));
    start = variables.procedure(
      `${name}.start`,
      new Map<string, Node>([
        [`${name}.iteration`, g.constant(0, 'i32')],
        [`${name}.done`, g.constant(0, 'bool')],
        ...shape.leaves.map((l, i): [string, Node] => [at(memoryVariables, i), l.node]),
      ]),
    );
    const stop = stopCondition(ctx, method, scope);
    const finished = stop === undefined ? done : b.or(g, done, stop);
    const frozen = (now: Node, later: Node): Node =>
      stop === undefined ? later : b.select(g, b.broadcastTo(g, finished, now.shape), now, later);
    const outputs = new Map<string, Node>();
    targets.variables.forEach((v, i) => outputs.set(v, frozen(variables.nodeOf(v), at(newLeaves, i))));
    memoryVariables.forEach((v, i) => outputs.set(v, frozen(at(memoryNodes, i), at(newMemory, i))));
    outputs.set(`${name}.iteration`, frozen(iteration, b.add(g, iteration, 1)));
    if (stop !== undefined) outputs.set(`${name}.done`, finished);
    step = variables.procedure(`${name}.step`, outputs);
  } finally {
    ctx.iteration = before.iteration;
    ctx.batch = before.batch;
    ctx.world = before.world;
  }

  const objectiveVariable = variables.result(
    ctx,
    objective.kind === 'array' ? objective.node : g.constant(0, ctx.real),
    'objective',
  );
  const objectiveProcedure = variables.procedure(
    `${name}.objective`,
    new Map([[objectiveVariable, objective.kind === 'array' ? objective.node : g.constant(0, ctx.real)]]),
  );
  const logs: LogPlan[] = [];
  const every: { interval: number; body: ScriptStatement[] }[] = [];
  const checkpoints: { path: ReturnType<typeof textParts>; every: number }[] = [];
  const interval = (e: ast.Expression): number => {
    const n = staticInteger(ctx, ctx.evaluate(e, scope), e.span, 'an interval of steps');
    return n >= 1 ? n : failAt(ctx, 'E111', `an interval of steps is at least 1, but this is ${n}`, e.span);
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
      case 'every':
        every.push({ interval: interval(option.period), body: nested(option.body, scope.child(), 'every') });
        break;
      case 'checkpoint':
        checkpoints.push({
          path: textParts(w, ctx.evaluate(option.path, scope), option.path),
          every: interval(option.every),
        });
        break;
      case 'stop-when':
        break;
      case 'keep-best':
        return notYet(ctx, '`keep best`', option.span);
    }
  }
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
    place: placeOf(s.span),
    ...(diagnose ? { diagnose } : {}),
  };
}

/** The size of a minibatch (undefined: all terms) and the steps of an epoch. */
function batchOf(
  ctx: Context,
  method: ast.Method,
  goal: ast.Expression,
  scope: Scope,
): { size: number | undefined; perEpoch: number } {
  const lengths = namesIn(goal).flatMap((name) => {
    const item = scope.find(name) === undefined ? scope.module.items.get(name) : undefined;
    const first = item?.kind === 'loss' ? item.generators?.[0] : undefined;
    if (item?.kind !== 'loss' || first === undefined) return [];
    const range = ctx.evaluate(first.source, new Scope(scope.module, undefined));
    return range.kind === 'range' ? [(staticNumber(range.to) ?? 0) - (staticNumber(range.from) ?? 0)] : [];
  });
  const where = method.batch?.span ?? method.count.span;
  if (method.batch === undefined) {
    if (method.unit === 'epochs' && lengths.length === 0)
      failAt(
        ctx,
        'E455',
        '`epochs` counts passes through an indexed loss, and there is none here',
        where,
        'write loss l(i in 0..n) = …, or count `steps`',
      );
    return { size: undefined, perEpoch: 1 };
  }
  if (lengths.length === 0)
    return failAt(
      ctx,
      'E455',
      '`batch` takes terms of an indexed loss, and there is none here',
      where,
      'write loss l(i in 0..n) = …',
    );
  const size = staticInteger(ctx, ctx.evaluate(method.batch, scope), where, 'the size of a batch');
  if (size < 1) failAt(ctx, 'E111', `the size of a batch is at least 1, but this is ${size}`, where);
  return { size, perEpoch: Math.max(1, Math.floor(Math.min(...lengths) / size)) };
}

function namesIn(e: ast.Expression): string[] {
  switch (e.kind) {
    case 'name':
      return [e.name];
    case 'binary':
      return [...namesIn(e.left), ...namesIn(e.right)];
    case 'unary':
      return namesIn(e.operand);
    case 'call':
      return e.args.flatMap((a) => namesIn(a.value));
    default:
      return [];
  }
}

function parameterOutputs(
  w: ScriptWriter,
  info: { readonly name: string; readonly variables: readonly string[] },
  s: ast.MinimizeStatement,
): OutputValue[] {
  return info.variables.map((v) => outputOf(w, { kind: 'array', node: w.variables.nodeOf(v) }, v, s.span));
}

function stepOnce(
  ctx: Context,
  problem: Value,
  step: Value,
  p: Value,
  memory: Value,
  span: ast.Expression['span'],
): { p: Value; memory: Value } {
  const result = ctx.call(
    step,
    [problem, p, memory].map((value) => ({ value, span })),
    span,
  );
  const parts = result.kind === 'tuple' || result.kind === 'list' ? result.elements : undefined;
  if (parts?.length !== 2) return failAt(ctx, 'E434', 'the `step` of an optimiser gives a pair (p, s)', span);
  return { p: at(parts, 0), memory: at(parts, 1) };
}

interface Stepped {
  /** The memory at the start, with the element types that a step gives it. */
  readonly shape: Flattened;
  readonly memoryNodes: readonly Node[];
  readonly newLeaves: readonly Node[];
  readonly newMemory: readonly Node[];
}

/** One step on fresh parameters for the memory. Where a step makes an int real or a number an array, the memory starts that way and the step is elaborated again. */
function stepWithMemory(
  ctx: Context,
  problem: Value,
  step: Value,
  targets: Targets,
  memory0: Value,
  span: Span,
): Stepped {
  const g = ctx.graph;
  let memory = memory0;
  for (;;) {
    const shape = flatten(ctx, memory, span);
    const memoryNodes = shape.leaves.map((l) => g.param(`memory.${l.path}`, l.node));
    const result = stepOnce(ctx, problem, step, targets.now, shape.rebuild(memoryNodes), span);
    const after = flatten(ctx, result.memory, span);
    if (after.leaves.length !== shape.leaves.length)
      failAt(
        ctx,
        'E435',
        `the optimiser's memory changes its structure: ${shape.leaves.map((l) => l.path).join(', ')} becomes ${after.leaves.map((l) => l.path).join(', ')}`,
        span,
      );
    let widened = false;
    const wider = shape.leaves.map((l, i) => {
      const now = at(after.leaves, i).node;
      const toReal = l.node.dtype === 'i32' && isFloat(now.dtype);
      const toArray = l.node.shape.length === 0 && now.shape.length > 0;
      if (!toReal && !toArray) return l.node;
      widened = true;
      const real = toReal ? b.cast(g, l.node, now.dtype) : l.node;
      return toArray ? b.broadcastTo(g, real, now.shape) : real;
    });
    if (widened) {
      memory = shape.rebuild(wider);
      continue;
    }
    const like = shape.rebuild(memoryNodes);
    return {
      shape,
      memoryNodes,
      newLeaves: targets.leaves(result.p, span),
      newMemory: flatten(
        ctx,
        conform(ctx, result.memory, like, span, "the optimiser's memory"),
        span,
      ).leaves.map((l) => l.node),
    };
  }
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
