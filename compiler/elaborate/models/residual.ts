// `residual(m, { u: f })` and `rhs(m, { u: f })`: the equations of a model with functions of coordinates (formulas, networks) in place of its states. Derivatives are exact. What comes back are functions of
// the coordinates and the time again, so that one `pde` serves the solver and a physics-informed loss:
//
//   r.u(x, t)              left side minus right side of the equation of u
//   r.initial.u(x)         u at time 0 minus its initial value
//   r.boundary[0].u(y, t)  the same for the conditions at each wall, in the order written, without the coordinate that is fixed there
//   rhs(m, …).u(x)         the rate of u

import { define } from '../builtins/registry.ts';
import type { Context } from '../context.ts';
import { failAt, onModelGrid, withCallChain } from '../context.ts';
import { equationStates, isRateOf } from './equations.ts';
import { functionOf } from '../fields/exact_fields.ts';
import { asField } from '../fields/field_maps.ts';
import { modelMember } from './model_members.ts';
import { operators } from '../values/operators.ts';
import { bindPattern } from '../names/patterns.ts';
import type { Scope } from '../names/scope.ts';
import type { BuiltinValue, FieldValue, InstanceValue, RecordValue, Value } from '../values/values.ts';
import { array, describe, list, record, tuple } from '../values/values.ts';
import { coordinate, diff } from '../../field/expression.ts';
import type { Grid } from '../../field/types.ts';
import type { Node } from '../../ir/types.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

const TIME = 't';

export function residualBuiltins(ctx: Context): BuiltinValue[] {
  const instanceOf = (v: Value, span: Span): InstanceValue => {
    const instance = v.kind === 'model' ? ctx.call(v, [], span) : v;
    return instance.kind === 'instance'
      ? instance
      : failAt(ctx, 'E371', `a model is wanted here, but this is ${describe(v)}`, span);
  };
  const statesOf = (v: Value, span: Span): RecordValue =>
    v.kind === 'record'
      ? v
      : failAt(
          ctx,
          'E370',
          `the states are given as a record, but this is ${describe(v)}`,
          span,
          'write { u: u_net }',
        );
  return [
    define(ctx, 'residual', ['model', 'states'], (a) =>
      new Functions(
        ctx,
        instanceOf(a.need('model'), a.spanOf('model')),
        statesOf(a.need('states'), a.spanOf('states')),
        a.span,
      ).residual(),
    ),
    define(ctx, 'rhs', ['model', 'states', 't?'], (a) => {
      const model = instanceOf(a.need('model'), a.spanOf('model'));
      const states = statesOf(a.need('states'), a.spanOf('states'));
      const time = a.get('t');
      if (![...states.entries.values()].every(isFunction)) {
        const t: Value = time ?? { kind: 'number', value: 0, integer: false };
        return ctx.call(
          modelMember(ctx, model, 'rhs', a.span),
          [t, states].map((value) => ({ value, span: a.span })),
          a.span,
        );
      }
      const fixed = time?.kind === 'array' ? time.node : undefined;
      return new Functions(ctx, model, states, a.span).rates(
        fixed ?? ctx.graph.constant(time?.kind === 'number' ? time.value : 0, ctx.real),
      );
    }),
  ];
}

function isFunction(v: Value): boolean {
  if (v.kind === 'tuple') return v.elements.every(isFunction);
  return v.kind === 'field' && v.grid === undefined;
}

class Functions {
  private readonly item: ast.ModelItem;
  private readonly grid: Grid;
  private readonly coordinates: readonly string[];
  private readonly declared: readonly ast.StateEntry[];
  private readonly equations: ReadonlyMap<string, ast.Equation>;

  constructor(
    private readonly ctx: Context,
    private readonly instance: InstanceValue,
    private readonly given: RecordValue,
    private readonly span: Span,
  ) {
    const { item } = instance;
    this.item = item;
    ctx.models.add(item);
    if (item.what === 'sde')
      failAt(ctx, 'E318', `${item.name.name} is stochastic: its residual is no function`, span);
    this.grid = { name: item.name.name, axes: instance.grid?.axes ?? [], exact: true };
    this.coordinates = this.grid.axes.map((a) => a.name);
    this.declared = item.clauses
      .flatMap((c) => (c.kind === 'state-clause' ? c.entries : []))
      .filter((e) => !e.rate);
    for (const name of given.entries.keys())
      if (!this.declared.some((e) => e.name.name === name))
        failAt(
          ctx,
          'E346',
          `the model ${item.name.name} has no state \`${name}\``,
          span,
          `its states are ${this.declared.map((e) => e.name.name).join(', ')}`,
        );
    this.equations = this.owners();
  }

  /** Every equation belongs to the state whose rate it contains; those without a rate to the states left over, in order. */
  private owners(): Map<string, ast.Equation> {
    const found = new Map<string, ast.Equation>();
    const stationary: ast.Equation[] = [];
    for (const c of this.item.clauses) {
      if (c.kind !== 'equation') continue;
      const name = equationStates(c)[0]?.state;
      if (name === undefined) stationary.push(c);
      else found.set(name, c);
    }
    for (const e of this.declared) {
      if (found.has(e.name.name)) continue;
      const equation = stationary.shift();
      if (equation !== undefined) found.set(e.name.name, equation);
    }
    return found;
  }

  /** A state as a field on the coordinates, which may be a function of some of them and of the time. */
  private state(e: ast.StateEntry): Value {
    const name = e.name.name;
    const value =
      this.given.entries.get(name) ??
      failAt(
        this.ctx,
        'E319',
        `the state \`${name}\` is missing`,
        this.span,
        `write residual(${this.item.name.name}, { ${this.declared.map((s) => `${s.name.name}: …`).join(', ')} })`,
      );
    const one = (v: Value): Value => {
      if (v.kind === 'number' || (v.kind === 'array' && v.node.shape.length === 0)) return v;
      if (v.kind !== 'field' || v.grid !== undefined)
        return failAt(
          this.ctx,
          'E319',
          `the state \`${name}\` is wanted as a function of coordinates, but this is ${describe(v)}`,
          this.span,
          `write field ${name}_of(${[...this.coordinates, TIME].join(', ')}) = … and { ${name}: ${name}_of }`,
        );
      const all = [...this.coordinates, TIME];
      const strange = v.coordinates?.find((c) => !all.includes(c));
      if (strange !== undefined)
        failAt(
          this.ctx,
          'E338',
          `the function for \`${name}\` has the argument \`${strange}\`, but ${this.item.name.name} has ${all.join(', ')}`,
          this.span,
          'name its arguments after the coordinates of the domain and the time',
        );
      return { kind: 'field', expr: v.expr, grid: this.grid };
    };
    if (value.kind !== 'tuple') return one(value);
    return tuple(value.elements.map(one), this.coordinates);
  }

  private scope(): Scope {
    const { ctx, item, grid } = this;
    const scope = this.instance.scope.child();
    scope.define(TIME, { kind: 'field', expr: coordinate(TIME), grid }, item.span);
    for (const axis of this.coordinates)
      if (scope.find(axis) === undefined)
        scope.define(axis, { kind: 'field', expr: coordinate(axis), grid }, item.span);
    for (const e of this.declared) scope.define(e.name.name, this.state(e), e.span);
    scope.define(
      'dt',
      define(ctx, 'dt', ['u', 'order?'], (a) => {
        const order = a.get('order');
        const n = order?.kind === 'number' ? order.value : 1;
        const one = (u: Value): Value =>
          u.kind === 'tuple'
            ? { ...u, elements: u.elements.map(one) }
            : { kind: 'field', expr: diff(asField(ctx, u, a.span, 'dt', grid), TIME, n, a.span), grid };
        return one(a.need('u'));
      }),
      item.span,
    );
    for (const c of item.clauses)
      if (c.kind === 'let') bindPattern(ctx, c.pattern, ctx.evaluate(c.value, scope), scope, c.span, false);
    return scope;
  }

  private inModel<T>(work: () => T): T {
    return onModelGrid(this.ctx, this.grid, () => withCallChain(this.ctx, work));
  }

  /** A value of the model as functions of the coordinates. */
  private functions(
    v: Value,
    name: string,
    coordinates: readonly string[],
    span: Span,
    fixed: Readonly<Record<string, Node>> = {},
    wall?: { readonly axis: string; readonly sign: 1 | -1 },
  ): Value {
    if (v.kind === 'tuple')
      return {
        ...v,
        elements: v.elements.map((e) => this.functions(e, name, coordinates, span, fixed, wall)),
      };
    const expr = asField(this.ctx, v, span, name, this.grid);
    return functionOf(this.ctx, name, expr, coordinates, span, fixed, wall);
  }

  private difference(e: ast.Equation, scope: Scope): Value {
    return this.ctx.elementwise(
      operators.sub,
      [this.ctx.evaluate(e.left, scope), this.ctx.evaluate(e.right, scope)],
      e.span,
    );
  }

  residual(): RecordValue {
    return this.inModel(() => {
      const scope = this.scope();
      const all = [...this.coordinates, TIME];
      const parts = new Map<string, Value>();
      for (const [name, e] of this.equations)
        parts.set(name, this.functions(this.difference(e, scope), `the residual of ${name}`, all, e.span));
      parts.set('initial', this.initial());
      parts.set('boundary', list(this.boundary(scope)));
      return record(parts);
    });
  }

  /** The rates at one time, as functions of the coordinates: of equations that are written dt(u) = e. */
  rates(time: Node): RecordValue {
    return this.inModel(() => {
      const scope = this.scope();
      return record(
        [...this.equations].map(([name, e]) => {
          if (!isRateOf(e.left, name, 1))
            failAt(
              this.ctx,
              'E312',
              `this equation does not give dt(${name}) as it stands`,
              e.span,
              `solve it for dt(${name}) by hand, or take the residual`,
            );
          const rate = this.ctx.evaluate(e.right, scope);
          return [
            name,
            this.functions(rate, `the rate of ${name}`, this.coordinates, e.span, { [TIME]: time }),
          ] as const;
        }),
      );
    });
  }

  /** The states at time 0 minus their initial values, and rates that are given a start minus that. */
  private initial(): RecordValue {
    const { ctx, grid } = this;
    const start = ctx.graph.constant(0, ctx.real);
    const scope = this.instance.scope.child();
    scope.define(TIME, array(start), this.item.span);
    for (const axis of this.coordinates)
      if (scope.find(axis) === undefined)
        scope.define(axis, { kind: 'field', expr: coordinate(axis), grid }, this.item.span);
    const out = new Map<string, Value>();
    const entries = this.item.clauses.flatMap((c) => (c.kind === 'state-clause' ? c.entries : []));
    for (const e of entries) {
      const declared = this.declared.find((d) => d.name.name === e.name.name);
      if (e.initial === undefined || declared === undefined) continue;
      const value = ctx.evaluate(e.initial, scope);
      if (e.rate !== true) scope.define(e.name.name, value, e.span);
      const own = this.state(declared);
      const state = e.rate === true ? this.inTime(own) : own;
      const difference = ctx.elementwise(operators.sub, [state, this.onPoints(value)], e.span);
      out.set(
        e.rate === true ? `dt(${e.name.name})` : e.name.name,
        this.functions(difference, `the initial residual of ${e.name.name}`, this.coordinates, e.span, {
          [TIME]: start,
        }),
      );
    }
    return record(out);
  }

  private inTime(v: Value): Value {
    if (v.kind === 'tuple') return { ...v, elements: v.elements.map((e) => this.inTime(e)) };
    const expr = diff(asField(this.ctx, v, this.span, 'dt', this.grid), TIME, 1, this.span);
    return { kind: 'field', expr, grid: this.grid };
  }

  /** A function of coordinates as a field of the model. */
  private onPoints(v: Value): Value {
    if (v.kind === 'tuple') return { ...v, elements: v.elements.map((e) => this.onPoints(e)) };
    if (v.kind !== 'field' || v.grid !== undefined) return v;
    const field: FieldValue = { kind: 'field', expr: v.expr, grid: this.grid };
    return field;
  }

  private boundary(scope: Scope): Value[] {
    const { ctx, grid } = this;
    return this.item.clauses.flatMap((clause) => {
      if (clause.kind !== 'boundary') return [];
      return clause.places.map((place) => {
        const [axisName, side] = place.parts;
        const axis = grid.axes.find((x) => x.name === axisName?.name);
        if (axis === undefined || (side?.name !== 'min' && side?.name !== 'max'))
          return failAt(
            ctx,
            'E361',
            `\`${place.parts.map((p) => p.name).join('.')}\` is no wall of ${this.item.name.name}`,
            place.span,
          );
        const lower = side.name === 'min';
        const rest = [...this.coordinates.filter((c) => c !== axis.name), TIME];
        const fixed = { [axis.name]: ctx.graph.constant(lower ? axis.from : axis.to, ctx.real) };
        return record(
          clause.equations.map((e, i) => [
            mentioned(e, this.declared) ?? `equation_${i}`,
            this.functions(this.difference(e, scope), 'a boundary residual', rest, e.span, fixed, {
              axis: axis.name,
              sign: lower ? -1 : 1,
            }),
          ]),
        );
      });
    });
  }
}

/** The state that a condition belongs to: the one under dn, or the first. */
function mentioned(e: ast.Equation, states: readonly ast.StateEntry[]): string | undefined {
  const found: { readonly name: string; readonly under: boolean }[] = [];
  const visit = (x: unknown, under: boolean): void => {
    if (Array.isArray(x)) {
      for (const part of x) visit(part, under);
      return;
    }
    if (typeof x !== 'object' || x === null) return;
    if ('kind' in x && x.kind === 'name' && 'name' in x) {
      const state = states.find((s) => s.name.name === x.name);
      if (state !== undefined) found.push({ name: state.name.name, under });
      return;
    }
    const normal =
      'kind' in x &&
      x.kind === 'call' &&
      'callee' in x &&
      typeof x.callee === 'object' &&
      x.callee !== null &&
      'name' in x.callee &&
      x.callee.name === 'dn';
    for (const [key, part] of Object.entries(x)) if (key !== 'span') visit(part, under || normal);
  };
  visit([e.left, e.right], false);
  return (found.find((f) => f.under) ?? found[0])?.name;
}
