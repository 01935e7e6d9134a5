// A model made ready to be stepped: its states with their initial values and boundary conditions, its equations solved for the rates, its monitors and filters. Everything is a
// function of (t, y) with y the record of states; a field state is its values at the unknowns, carrying its boundary conditions.

import { boundaryConditions } from './boundaries.ts';
import { isPart } from '../values/complex_parts.ts';
import { conform } from '../values/conform.ts';
import type { Context } from '../context.ts';
import { failAt, notYet, onModelGrid, withCallChain } from '../context.ts';
import { contextOf } from '../fields/grids.ts';
import { flatten } from '../values/leaves.ts';
import { bindPattern } from '../names/patterns.ts';
import type { Scope } from '../names/scope.ts';
import { isDifferentialOf, rateCalls } from './equations.ts';
import { assignEquations, ofTerms, standsAlone } from './model_equations.ts';
import { driversOf, hasDifferentials } from './drivers.ts';
import { eventRecord } from './events.ts';
import type { FractionalOrders } from './fractional_orders.ts';
import { fractionalOrders } from './fractional_orders.ts';
import type { Noise } from './noise.ts';
import { incrementName, noisesOf } from './noise.ts';
import { operators } from '../values/operators.ts';
import type { Increment, StochasticParts } from './stochastic.ts';
import { stochasticParts } from './stochastic.ts';
import type { Terms } from './term_labels.ts';
import { partsOf, terms, withLabel } from './term_labels.ts';
import { complexOnGrid, onGrid } from '../fields/on_grid.ts';
import { rateFromEquation, rateOperator, velocityName } from './rates.ts';
import { withTransport } from './transported.ts';
import { SteadyLets } from './steady_lets.ts';
import { bindType } from '../values/types.ts';
import type { ComplexPart, FieldValue, InstanceValue, RecordValue, Value } from '../values/values.ts';
import { array, complex, describe, record } from '../values/values.ts';
import { constrained, freeRate } from '../../field/condition.ts';
import { coordinate, leaf } from '../../field/expression.ts';
import type { AxisGhosts, Grid, Leaf } from '../../field/types.ts';
import * as b from '../../ir/build.ts';
import type { Node } from '../../ir/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

/** One unknown function of the model. A second-order equation has two: `u` and its rate, named `dt(u)`. */
export interface ModelState {
  readonly name: string;
  readonly shape: 'scalar field' | 'vector field' | 'array';
  /** A complex field: its parts are two real ones. */
  readonly complex?: boolean;
  /** Set for the rate of a second-order equation: the state it is the rate of. */
  readonly rateOf?: string;
  readonly type?: ast.TypeExpression;
  readonly initial?: ast.Expression;
  readonly span: Span;
}

export type Calculus = 'ito' | 'stratonovich';

export interface PreparedModel {
  readonly name: string;
  readonly grid?: Grid;
  readonly states: readonly ModelState[];
  readonly initial: (t: Node, given: Value | undefined, span: Span) => RecordValue;
  /** dy/dt, a record like y. */
  readonly rhs: (t: Node, y: RecordValue) => RecordValue;
  /** Of a stochastic model: its drift (which is `rhs` too) and its diffusion applied to increments of the noises. */
  readonly stochastic?: StochasticParts;
  /** The labels of terms, in the order they appear; "rest" is the part of those without. */
  readonly parts: readonly string[];
  /** Of states whose equation is one for `caputo(u, alpha)`. */
  readonly fractional: FractionalOrders;
  readonly partOf: (part: string, t: Node, y: RecordValue) => RecordValue;
  /** The terms of all right sides; undefined where a rate does not stand alone on its left side. */
  readonly terms: readonly ast.Expression[] | undefined;
  /** What some of the terms contribute to dy/dt, before it is brought to the structure of the states (fields are expressions still), and the states it is made of. */
  readonly termsAt: (
    chosen: Terms,
    t: Node,
    y: RecordValue,
  ) => { readonly rates: RecordValue; readonly present: RecordValue };
  /** The same as dy/dt. */
  readonly ratesOf: (chosen: Terms, t: Node, y: RecordValue) => RecordValue;
  /** Events as records for the library (events.ts). */
  readonly events: readonly RecordValue[];
  /** The arguments of the model by name. */
  readonly args: RecordValue;
  readonly noises: readonly Noise[];
  /** The process behind a noise that is none of Wiener, at (t, y). */
  readonly sourceOf?: (noise: Noise, t: Node, y: RecordValue) => Value;
  /** How the products of states and increments are meant. */
  readonly calculus: Calculus;
  readonly monitors: (t: Node, y: RecordValue) => ReadonlyMap<string, Value>;
  readonly monitorNames: readonly string[];
  /** Filters after a step; undefined when there are none. */
  readonly afterStep: ((t: Node, y: RecordValue) => RecordValue) | undefined;
  /** y with its boundary conditions attached and fixed unknowns set: what a user sees of a state. */
  readonly present: (t: Node, y: RecordValue) => RecordValue;
}

export function prepareModel(ctx: Context, instance: InstanceValue, span: Span): PreparedModel {
  const { item } = instance;
  ctx.models.add(item);
  const grid = instance.grid;
  const drivers = driversOf(ctx, item, instance.scope);
  const noises = [...noisesOf(ctx, item, grid, instance.scope), ...drivers.flatMap((d) => d.noise ?? [])];
  const calculus = calculusOf(ctx, item);
  const states = statesOf(ctx, item, grid);
  const equations = item.clauses.filter((c) => c.kind === 'equation');
  checkNames(ctx, item, states);
  const owners = assignEquations(ctx, item, states, equations);
  const conditions = boundaryConditions(ctx, item, grid, states, instance.scope);

  const lets = new SteadyLets(item.clauses, [
    ...['t', 'dt', 'normal'],
    ...(grid?.axes ?? []).map((axis) => axis.name),
    ...states.map((s) => s.name),
    ...[...noises, ...drivers].flatMap((n) => [n.name, incrementName(n.name)]),
  ]);

  /** The names of the model at (t, y). */
  const scopeAt = (
    t: Node,
    y: RecordValue,
    step?: { readonly dt: Node; readonly w: RecordValue },
  ): { scope: Scope; present: RecordValue } => {
    const scope = instance.scope.child();
    const holder: { scope: Scope } = { scope };
    scope.define('t', array(t), item.span);
    for (const axis of grid?.axes ?? [])
      if (scope.find(axis.name) === undefined && grid !== undefined)
        scope.define(axis.name, { kind: 'field', expr: coordinate(axis.name), grid }, item.span);
    const present = new Map<string, Value>();
    for (const s of states) {
      const value = presentState(
        ctx,
        s,
        y.entries.get(s.name) ?? missing(ctx, s, span),
        grid,
        conditions.rules(s.name, () => holder.scope),
        span,
      );
      present.set(s.name, value);
      if (s.rateOf === undefined) scope.define(s.name, value, s.span);
    }
    scope.define(
      'dt',
      step === undefined ? rateOperator(ctx, item.name.name, states, present) : array(step.dt),
      item.span,
    );
    for (const [name, w] of step?.w.entries ?? []) scope.define(incrementName(name), w, item.span);
    for (const d of drivers) {
      scope.define(d.name, d.valueAt(t), d.span);
      if (step !== undefined && d.increment !== undefined)
        scope.define(incrementName(d.name), d.increment(t, step.dt), d.span);
    }
    for (const c of item.clauses)
      if (c.kind === 'let') bindPattern(ctx, c.pattern, lets.value(ctx, c, scope), scope, c.span, false);
    return { scope, present: record(present) };
  };

  // The equations are seen as part of the call that wants them, whatever method evaluates them.
  const calls = [...ctx.frames];
  const inModel = <T>(work: () => T): T => {
    const before = ctx.frames.splice(0, ctx.frames.length, ...calls);
    try {
      return onModelGrid(ctx, grid, () => withCallChain(ctx, work));
    } finally {
      ctx.frames.splice(0, ctx.frames.length, ...before);
    }
  };

  const increment: Increment = (t, y, dt, w) =>
    inModel(() => {
      const { scope, present } = scopeAt(t, y, { dt, w });
      conditions.check(() => scope);
      return record(
        states.map((s) => {
          const own = present.entries.get(s.name) ?? missing(ctx, s, span);
          const owner = owners.get(s.name) ?? missing(ctx, s, span);
          const value = ctx.graph.withOrigin(owner.span, () => {
            const right = ctx.evaluate(owner.right, scope);
            return isDifferentialOf(owner.left, s.name)
              ? right
              : ctx.elementwise(operators.mul, [right, array(dt)], owner.span);
          });
          const given = conform(ctx, value, own, owner.span, `the change of \`${s.name}\``);
          return [s.name, freeRates(ctx, given, own, grid)] as const;
        }),
      );
    });
  /** dy/dt, or what some of the terms contribute to it, as the equations give it. The rate that a second-order equation makes a state of its own is a term without a label. */
  const given = (
    t: Node,
    y: RecordValue,
    chosen?: Terms,
  ): { readonly rates: RecordValue; readonly present: RecordValue } => {
    const { scope, present } = scopeAt(t, y);
    conditions.check(() => scope);
    const rates = record(
      states.map((s) => {
        const own = present.entries.get(s.name) ?? missing(ctx, s, span);
        const owner = owners.get(s.name);
        const rate = ((): Value | undefined => {
          if (owner === undefined)
            return chosen === undefined || chosen(automatic(s)) ? rateByName(present, s) : zeroOf(own);
          const equation = chosen === undefined ? owner : ofTerms(ctx, owner, s, chosen);
          return equation === undefined
            ? zeroOf(own)
            : rateFromEquation(ctx, item.name.name, equation, s, states, present, scope, grid);
        })();
        return [s.name, rate ?? missing(ctx, s, span)] as const;
      }),
    );
    return { rates, present };
  };
  const rates = (t: Node, y: RecordValue, chosen?: Terms): RecordValue => {
    const made = given(t, y, chosen);
    return record(
      states.map((s) => {
        const own = made.present.entries.get(s.name) ?? missing(ctx, s, span);
        const conformed = conform(
          ctx,
          withTransport(ctx, made.rates.entries.get(s.name) ?? missing(ctx, s, span), own, grid),
          own,
          owners.get(s.name)?.span ?? s.span,
          `the rate of \`${s.name}\``,
        );
        return [s.name, freeRates(ctx, conformed, own, grid)] as const;
      }),
    );
  };
  /** Stands for the equation `d/dt u = dt(u)` of a second-order state among the terms. */
  const stand = new Map<string, ast.Expression>();
  const automatic = (s: ModelState): ast.Expression => {
    const known = stand.get(s.name);
    const made = known ?? ({ kind: 'name', name: velocityName(s.name), span: s.span } as const);
    stand.set(s.name, made);
    return made;
  };
  const zeroOf = (v: Value): Value => {
    const flat = flatten(ctx, v, span);
    return flat.rebuild(flat.leaves.map((l) => b.zerosLike(ctx.graph, l.node)));
  };
  // Differentials in an ordinary model are those of drivers with a derivative: all there is is a drift.
  const inDifferentials =
    item.what === 'sde' || hasDifferentials(item)
      ? stochasticParts(
          ctx,
          item.name.name,
          noises,
          increment,
          (state) => owners.get(state)?.span ?? item.span,
          span,
        )
      : undefined;
  const stochastic = item.what === 'sde' ? inDifferentials : undefined;

  return {
    name: item.name.name,
    ...(grid ? { grid } : {}),
    states,
    noises,
    fractional: fractionalOrders(ctx, item, instance.scope),
    sourceOf: (noise, t, y) =>
      inModel(() =>
        noise.source === undefined
          ? failAt(ctx, 'E488', `the noise \`${noise.name}\` is a Wiener process`, span)
          : ctx.evaluate(noise.source, scopeAt(t, y).scope),
      ),
    calculus,
    ...(stochastic ? { stochastic } : {}),
    monitorNames: item.clauses.filter((c) => c.kind === 'monitor').map((c) => c.name.name),
    initial: (t, given, where) => inModel(() => initialState(ctx, instance, states, grid, t, given, where)),
    present: (t, y) => inModel(() => fixWalls(ctx, scopeAt(t, y).present, grid)),
    rhs: (t, y) => inDifferentials?.drift(t, y) ?? inModel(() => rates(t, y)),
    parts: [...new Set([...owners.values()].flatMap((e) => partsOf(e.right)))],
    partOf: (part, t, y) => inModel(() => rates(t, y, withLabel(part))),
    terms: [...owners].every(([name, e]) => {
      const s = states.find((x) => x.name === name);
      return s !== undefined && standsAlone(e, s);
    })
      ? states.flatMap((s) => {
          const owner = owners.get(s.name);
          return owner === undefined ? [automatic(s)] : terms(owner.right);
        })
      : undefined,
    termsAt: (chosen, t, y) => inModel(() => given(t, y, chosen)),
    ratesOf: (chosen, t, y) => inModel(() => rates(t, y, chosen)),
    events: item.clauses.flatMap((c) =>
      c.kind === 'event'
        ? [eventRecord(ctx, c, { states, at: scopeAt, inModel, outer: instance.scope })]
        : [],
    ),
    args: record(item.params.flatMap((p) => argumentOf(instance, p))),
    monitors: (t, y) =>
      inModel(() => {
        const { scope } = scopeAt(t, y);
        const out = new Map<string, Value>();
        for (const c of item.clauses)
          if (c.kind === 'monitor') out.set(c.name.name, ctx.evaluate(c.value, scope));
        return out;
      }),
    afterStep: item.clauses.some((c) => c.kind === 'after-step')
      ? (t, y) =>
          inModel(() => {
            const { scope, present } = scopeAt(t, y);
            const inner = scope.child();
            for (const s of states)
              inner.define(s.name, present.entries.get(s.name) ?? missing(ctx, s, span), s.span, true);
            for (const c of item.clauses) if (c.kind === 'after-step') ctx.block(c.body, inner);
            return record(
              states.map((s) => {
                const value = inner.find(s.name)?.value ?? missing(ctx, s, span);
                return [
                  s.name,
                  conform(
                    ctx,
                    value,
                    present.entries.get(s.name) ?? value,
                    s.span,
                    `\`${s.name}\` after the step`,
                  ),
                ] as const;
              }),
            );
          })
      : undefined,
  };
}

function missing(ctx: Context, s: { readonly name: string; readonly span: Span }, span: Span): never {
  return failAt(ctx, 'E340', `the state \`${s.name}\` has no value here`, span);
}

function argumentOf(instance: InstanceValue, p: ast.Param): readonly (readonly [string, Value])[] {
  if (p.pattern.kind !== 'name-pattern') return [];
  const value = instance.scope.find(p.pattern.name)?.value;
  return value === undefined ? [] : [[p.pattern.name, value]];
}

function calculusOf(ctx: Context, item: ast.ModelItem): Calculus {
  const clause = item.clauses.find((c) => c.kind === 'calculus');
  if (clause === undefined) return 'ito';
  if (item.what !== 'sde')
    failAt(
      ctx,
      'E484',
      '`calculus` belongs to stochastic models',
      clause.span,
      `declare it as sde ${item.name.name}`,
    );
  const { name } = clause.name;
  return name === 'ito' || name === 'stratonovich'
    ? name
    : failAt(
        ctx,
        'E484',
        `\`${name}\` is no calculus`,
        clause.name.span,
        'write calculus ito or calculus stratonovich',
      );
}

// ---- states

function statesOf(ctx: Context, item: ast.ModelItem, grid: Grid | undefined): ModelState[] {
  const entries = item.clauses.flatMap((c) => (c.kind === 'state-clause' ? c.entries : []));
  const rates = new Map(entries.filter((e) => e.rate).map((e) => [e.name.name, e]));
  const order2 = new Set(
    item.clauses.flatMap((c) =>
      c.kind === 'equation'
        ? rateCalls(c)
            .filter((r) => r.order === 2)
            .map((r) => r.state)
        : [],
    ),
  );
  const out: ModelState[] = [];
  for (const e of entries) {
    if (e.rate) continue;
    const name = e.name.name;
    if (out.some((s) => s.name === name))
      failAt(ctx, 'E341', `the state \`${name}\` is declared twice`, e.span);
    const shape = shapeOf(ctx, e, grid);
    const own = { shape, ...(isComplexField(e) ? { complex: true } : {}) };
    out.push({
      name,
      ...own,
      ...(e.type ? { type: e.type } : {}),
      ...(e.initial ? { initial: e.initial } : {}),
      span: e.span,
    });
    if (order2.has(name)) {
      const rate = rates.get(name);
      out.push({
        name: velocityName(name),
        ...own,
        rateOf: name,
        ...(e.type ? { type: e.type } : {}),
        ...(rate?.initial ? { initial: rate.initial } : {}),
        span: rate?.span ?? e.span,
      });
    }
  }
  for (const [name, e] of rates)
    if (!order2.has(name))
      failAt(
        ctx,
        'E342',
        `\`dt(${name})\` gets a value, but no equation has dt(${name}, 2)`,
        e.span,
        `write dt(${name}, 2) = …, or remove the initial rate`,
      );
  if (out.length === 0)
    failAt(
      ctx,
      'E343',
      `the model ${item.name.name} has no state`,
      item.name.span,
      'write state u: scalar = …',
    );
  return out;
}

/** Parts that every solve gives beside states and monitors. */
const RESULTS = ['t', 'final', 'steps', 'rejected', 'evals', 'events', 'sum'];

function checkNames(ctx: Context, item: ast.ModelItem, states: readonly ModelState[]): void {
  const taken = new Map(states.map((s) => [s.name, `a state of ${item.name.name}`]));
  for (const r of RESULTS) {
    const state = states.find((s) => s.name === r);
    if (state !== undefined)
      failAt(ctx, 'E357', `\`${r}\` is a part of every solve, so a state cannot have that name`, state.span);
    taken.set(r, 'a part of every solve');
  }
  for (const c of item.clauses) {
    if (c.kind !== 'monitor') continue;
    const name = c.name.name;
    const other = taken.get(name);
    if (other !== undefined)
      failAt(
        ctx,
        'E357',
        `the monitor \`${name}\` has the name of ${other}`,
        c.name.span,
        'give it another name',
      );
    taken.set(name, `another monitor of ${item.name.name}`);
  }
}

function shapeOf(ctx: Context, e: ast.StateEntry, grid: Grid | undefined): ModelState['shape'] {
  const type = e.type?.kind === 'located-type' ? e.type.type : e.type;
  if (e.type?.kind === 'located-type' && e.type.at !== undefined && e.type.at.name !== 'cells')
    notYet(ctx, `a state \`at ${e.type.at.name}\``, e.type.at.span);
  if (type?.kind === 'named-type') {
    if (type.name.name === 'tensor') notYet(ctx, 'a tensor state', type.span);
    if (type.name.name === 'scalar' || type.name.name === 'vector') {
      if (grid === undefined)
        failAt(
          ctx,
          'E344',
          `a ${type.name.name} state needs a domain`,
          type.span,
          'write `pde m on plate { … }`',
        );
      return type.name.name === 'scalar' ? 'scalar field' : 'vector field';
    }
    return 'array';
  }
  if (type !== undefined) return 'array';
  return grid === undefined ? 'array' : 'scalar field';
}

/** `complex scalar`, `complex vector`. */
function isComplexField(e: ast.StateEntry): boolean {
  const type = e.type?.kind === 'located-type' ? e.type.type : e.type;
  return type?.kind === 'named-type' && type.complex;
}

function presentState(
  ctx: Context,
  s: ModelState,
  value: Value,
  grid: Grid | undefined,
  rules: (component: number) => readonly AxisGhosts[],
  span: Span,
): Value {
  if (grid === undefined || s.shape === 'array') return value;
  const parts = s.complex === true ? ['.re', '.im'] : [''];
  const leafOf = (v: Value, component: number, part = 0): FieldValue => {
    if (v.kind !== 'field')
      return failAt(ctx, 'E345', `the state \`${s.name}\` is a field, but this is ${describe(v)}`, span);
    const nodes = flatten(ctx, v, span).leaves;
    return {
      kind: 'field',
      expr: leaf(
        grid,
        `${s.name}${s.shape === 'vector field' ? `.${at(grid.axes, component).name}` : ''}${at(parts, part)}`,
        at(nodes, 0).node,
        rules(component * parts.length + part),
        s.span,
      ),
      grid,
    };
  };
  const one = (v: Value, component: number): Value =>
    v.kind === 'complex'
      ? complex(leafOf(v.re, component), leafOf(v.im, component, 1))
      : leafOf(v, component);
  if (value.kind === 'tuple') return { ...value, elements: value.elements.map(one) };
  return one(value, 0);
}

function leafOfValue(v: Value): Leaf | undefined {
  return v.kind === 'field' && v.expr.kind === 'leaf' ? v.expr : undefined;
}

/** Unknowns on walls that a condition fixes get their values. */
function fixWalls(ctx: Context, y: RecordValue, grid: Grid | undefined): RecordValue {
  if (grid === undefined) return y;
  const context = contextOf(ctx, grid);
  const fix = (v: Value): Value => {
    if (v.kind === 'tuple') return { ...v, elements: v.elements.map(fix) };
    if (v.kind === 'complex') return complex(fixPart(v.re), fixPart(v.im));
    return isPart(v) ? fixPart(v) : v;
  };
  const fixPart = (v: ComplexPart): ComplexPart => {
    const l = leafOfValue(v);
    if (l === undefined) return v;
    const values = constrained(context, l);
    return values === l.values ? v : { kind: 'field', expr: { ...l, values }, grid };
  };
  return record([...y.entries].map(([k, v]) => [k, fix(v)] as const));
}

function freeRates(ctx: Context, rate: Value, state: Value, grid: Grid | undefined): Value {
  if (grid === undefined) return rate;
  if (rate.kind === 'tuple' && state.kind === 'tuple')
    return { ...rate, elements: rate.elements.map((r, i) => freeRates(ctx, r, at(state.elements, i), grid)) };
  const free = (one: ComplexPart, own: ComplexPart): ComplexPart => {
    const [r, s] = [leafOfValue(one), leafOfValue(own)];
    if (r === undefined || s === undefined) return one;
    return {
      kind: 'field',
      expr: { ...r, ghosts: s.ghosts, values: freeRate(contextOf(ctx, grid), s, r.values) },
      grid,
    };
  };
  if (rate.kind === 'complex' && state.kind === 'complex')
    return complex(free(rate.re, state.re), free(rate.im, state.im));
  return isPart(rate) && isPart(state) ? free(rate, state) : rate;
}

function initialState(
  ctx: Context,
  instance: InstanceValue,
  states: readonly ModelState[],
  grid: Grid | undefined,
  t: Node,
  given: Value | undefined,
  span: Span,
): RecordValue {
  if (given !== undefined && given.kind !== 'record')
    failAt(
      ctx,
      'E346',
      `\`from:\` is a record of states, but this is ${describe(given)}`,
      span,
      `write from: { ${states[0]?.name ?? 'u'}: … }`,
    );
  if (given?.kind === 'record')
    for (const k of given.entries.keys())
      if (!states.some((s) => s.name === k))
        failAt(
          ctx,
          'E346',
          `the model ${instance.item.name.name} has no state \`${k}\``,
          span,
          `its states are ${states.map((s) => s.name).join(', ')}`,
        );
  const scope = instance.scope.child();
  scope.define('t', array(t), span);
  for (const axis of grid?.axes ?? [])
    if (scope.find(axis.name) === undefined && grid !== undefined)
      scope.define(axis.name, { kind: 'field', expr: coordinate(axis.name), grid }, span);
  const out = new Map<string, Value>();
  for (const s of states) {
    const own = given?.kind === 'record' ? given.entries.get(s.name) : undefined;
    const value = own ?? (s.initial === undefined ? undefined : ctx.evaluate(s.initial, scope));
    if (value === undefined && s.rateOf === undefined)
      failAt(
        ctx,
        'E347',
        `the state \`${s.name}\` has no initial value`,
        s.span,
        `write state ${s.name} = …, or give it to the solve: from: { ${s.name}: … }`,
      );
    const start: Value = value ?? { kind: 'number', value: 0, integer: false };
    const where = own !== undefined ? span : (s.initial?.span ?? s.span);
    out.set(s.name, typedState(ctx, s, start, scope, grid, where));
    if (s.rateOf === undefined) scope.define(s.name, out.get(s.name) ?? start, s.span);
  }
  return record(out);
}

function typedState(
  ctx: Context,
  s: ModelState,
  value: Value,
  scope: Scope,
  grid: Grid | undefined,
  span: Span,
): Value {
  if (grid !== undefined && s.shape !== 'array')
    return (s.complex === true ? complexOnGrid : onGrid)(
      ctx,
      value,
      grid,
      s.shape === 'vector field' ? 'vector' : 'scalar',
      span,
      `the state \`${s.name}\``,
    );
  if (s.type !== undefined) {
    const typed = bindType(ctx, s.type, value, scope, span, `the state \`${s.name}\``);
    return floating(ctx, typed, span);
  }
  return floating(ctx, value, span);
}

/** States are real: numbers and ints become real arrays. */
function floating(ctx: Context, value: Value, span: Span): Value {
  const flat = flatten(ctx, value, span);
  return flat.rebuild(
    flat.leaves.map((l) => (l.node.dtype === 'i32' ? b.cast(ctx.graph, l.node, ctx.real) : l.node)),
  );
}

/** The rate of `u` in a second-order equation is the state that stands for dt(u). */
function rateByName(present: RecordValue, s: ModelState): Value | undefined {
  return present.entries.get(velocityName(s.name));
}
