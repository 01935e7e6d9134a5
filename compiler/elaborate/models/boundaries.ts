// Boundary conditions of a model: every equation of every `boundary` clause becomes the residual of one state at one wall, read by the field's ghost rules when it is needed.

import type { Context } from '../context.ts';
import { failAt, notYet, onModelGrid } from '../context.ts';
import { asField } from '../fields/field_maps.ts';
import type { ModelState } from './model.ts';
import { contextOf } from '../fields/grids.ts';
import { operators } from '../values/operators.ts';
import { find } from '../names/names.ts';
import { bindPattern } from '../names/patterns.ts';
import { rateOperator } from './rates.ts';
import type { Scope } from '../names/scope.ts';
import type { FieldValue, Value } from '../values/values.ts';
import { array, complex } from '../values/values.ts';
import type { Condition } from '../../field/condition.ts';
import { assignConditions } from '../../field/condition.ts';
import { coordinate, leaf } from '../../field/expression.ts';
import type { AxisGhosts, FieldExpr, GhostRule, Grid, Leaf, Wall } from '../../field/types.ts';
import { at } from '../../support/lists.ts';
import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';

export interface BoundaryRules {
  /** Ghost rules of a state (and component of a vector), its conditions evaluated in the model's scope of the moment. */
  readonly rules: (state: string, scope: () => Scope) => (component: number) => readonly AxisGhosts[];
  /** Assigns every condition to a state, needed or not; an error where one is given twice or belongs to none. */
  readonly check: (scope: () => Scope) => void;
}

interface Placed {
  readonly wall: Wall;
  readonly equation: ast.Equation;
  /** Component of a vector equation; of a complex one the parts, one after the other. */
  readonly component: number;
}

export function boundaryConditions(
  ctx: Context,
  item: ast.ModelItem,
  grid: Grid | undefined,
  states: readonly ModelState[],
  around: Scope,
): BoundaryRules {
  const clauses = item.clauses.filter((c) => c.kind === 'boundary');
  if (grid === undefined) {
    const first = clauses[0];
    if (first !== undefined)
      failAt(
        ctx,
        'E360',
        `the model ${item.name.name} has no domain, so it has no boundary`,
        first.span,
        'write `pde m on plate { … }`',
      );
    return { rules: () => () => [], check: () => undefined };
  }
  const walls = new Map(
    clauses.flatMap((c) => c.places.map((p) => [p, wallOf(ctx, grid, p, around)] as const)),
  );
  const all: Placed[] = [];
  const owner: { state: string; component: number }[] = [];
  let assigned = false;

  /** Which condition belongs to which state: found once, with prototypes in place of the states. */
  const assignOnce = (scope: Scope, around: Scope): void => {
    if (assigned) return;
    assigned = true;
    const prototypes: { leaf: Leaf; state: string; component: number }[] = [];
    const inner = scope.child();
    const standIns = new Map<string, Value>();
    const zero = ctx.graph.param('prototype', { dtype: ctx.real, shape: grid.axes.map((a) => a.count) });
    for (const s of states) {
      if (s.shape === 'array') {
        const value = around.find(s.name)?.value;
        if (value !== undefined) inner.define(s.name, value, s.span);
        continue;
      }
      const parts = s.complex === true ? ['.re', '.im'] : [''];
      const prototype = (axis: number, part: number): FieldValue => {
        const of = s.shape === 'vector field' ? `.${at(grid.axes, axis).name}` : '';
        const l = leaf(grid, `${s.name}${of}${at(parts, part)}`, zero, { kind: 'even' });
        prototypes.push({ leaf: l, state: s.name, component: axis * parts.length + part });
        return { kind: 'field', expr: l, grid };
      };
      const one = (axis: number): Value =>
        s.complex === true ? complex(prototype(axis, 0), prototype(axis, 1)) : prototype(axis, 0);
      const value: Value =
        s.shape === 'vector field'
          ? { kind: 'tuple', elements: grid.axes.map((_, i) => one(i)), axes: grid.axes.map((a) => a.name) }
          : one(0);
      if (s.rateOf === undefined) inner.define(s.name, value, s.span);
      standIns.set(s.name, value);
    }
    inner.define('dt', rateOperator(ctx, item.name.name, states, standIns), item.span);
    const conditions: Condition[] = [];
    for (const clause of clauses) {
      for (const place of clause.places) {
        const wall = walls.get(place) ?? wallOf(ctx, grid, place, around);
        for (const equation of clause.equations) {
          const residual = residualValue(ctx, equation, modelLets(ctx, item, inner));
          componentsOf(residual).forEach((part, component) => {
            conditions.push({
              wall,
              residual: asField(ctx, part, equation.span, 'a boundary condition', grid),
              span: equation.span,
            });
            all.push({ wall, equation, component });
          });
        }
      }
    }
    for (const index of assignConditions(
      contextOf(ctx, grid),
      prototypes.map((p) => p.leaf),
      conditions,
    ))
      owner.push(at(prototypes, index));
  };

  return {
    check: (scope) => {
      if (clauses.length > 0) assignOnce(scopeForPrototypes(ctx, item, grid, scope()), scope());
    },
    rules: (state, scope) => (component) => {
      const rule = (axis: number, side: 'min' | 'max'): GhostRule => {
        if (grid.axes[axis]?.periodic === true) return { kind: 'even' };
        assignOnce(scopeForPrototypes(ctx, item, grid, scope()), scope());
        const index = owner.findIndex(
          (o, i) =>
            o.state === state &&
            o.component === component &&
            at(all, i).wall.axis === axis &&
            at(all, i).wall.side === side,
        );
        const s = states.find((x) => x.name === state);
        if (index < 0)
          return s?.rateOf !== undefined
            ? { kind: 'extrapolate' }
            : { kind: 'missing', span: s?.span ?? item.name.span };
        const { equation, component: part } = at(all, index);
        return {
          kind: 'equation',
          residual: () =>
            onModelGrid(ctx, grid, () =>
              componentOf(ctx, residualValue(ctx, equation, scope()), part, grid, equation.span),
            ),
          span: equation.span,
        };
      };
      return grid.axes.map((_, axis) => ({
        get min() {
          return rule(axis, 'min');
        },
        get max() {
          return rule(axis, 'max');
        },
      }));
    },
  };
}

/** Time and coordinates, without the states. */
function scopeForPrototypes(ctx: Context, item: ast.ModelItem, grid: Grid, around: Scope): Scope {
  const scope = (around.parent ?? around).child();
  scope.define('t', around.find('t')?.value ?? array(ctx.graph.constant(0, ctx.real)), item.span);
  for (const axis of grid.axes)
    if (scope.find(axis.name) === undefined)
      scope.define(axis.name, { kind: 'field', expr: coordinate(axis.name), grid }, item.span);
  return scope;
}

function modelLets(ctx: Context, item: ast.ModelItem, scope: Scope): Scope {
  const inner = scope.child();
  for (const c of item.clauses)
    if (c.kind === 'let') bindPattern(ctx, c.pattern, ctx.evaluate(c.value, inner), inner, c.span, false);
  return inner;
}

function residualValue(ctx: Context, equation: ast.Equation, scope: Scope): Value {
  return ctx.elementwise(
    operators.sub,
    [ctx.evaluate(equation.left, scope), ctx.evaluate(equation.right, scope)],
    equation.span,
  );
}

function componentOf(ctx: Context, residual: Value, component: number, grid: Grid, span: Span): FieldExpr {
  return asField(ctx, at(componentsOf(residual), component), span, 'a boundary condition', grid);
}

/** The real equations that one of vectors or complex numbers stands for. */
function componentsOf(residual: Value): readonly Value[] {
  if (residual.kind === 'tuple' || residual.kind === 'list') return residual.elements.flatMap(componentsOf);
  return residual.kind === 'complex' ? [residual.re, residual.im] : [residual];
}

function wallOf(ctx: Context, grid: Grid, place: ast.Path, scope: Scope): Wall {
  const [name, side] = place.parts;
  const axis = grid.axes.findIndex((a) => a.name === name?.name);
  if (axis < 0) {
    if (place.parts.length === 1 && find(ctx, name?.name ?? '', scope)?.kind === 'field')
      return notYet(ctx, 'a boundary of a region', place.span);
    return failAt(
      ctx,
      'E361',
      `\`${place.parts.map((p) => p.name).join('.')}\` is no wall of ${grid.name}`,
      place.span,
      `its walls are ${grid.axes
        .filter((a) => !a.periodic)
        .flatMap((a) => [`${a.name}.min`, `${a.name}.max`])
        .join(', ')}`,
    );
  }
  if (side?.name !== 'min' && side?.name !== 'max')
    return failAt(
      ctx,
      'E361',
      `a wall is written ${name?.name ?? 'x'}.min or ${name?.name ?? 'x'}.max`,
      place.span,
    );
  return { axis, side: side.name };
}
