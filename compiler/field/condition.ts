// Boundary conditions of a model: which equation belongs to which state, and how the unknowns that a condition fixes (Dirichlet by nodes) are kept.
//
// `boundary x.min { … }` is a list of equations; each determines one state at that wall. The assignment is a matching between equations and the states they
// mention, preferring the state whose normal derivative stands in the equation, then the one mentioned first.

import { pad } from '../ir/build.ts';
import type { Node } from '../ir/types.ts';
import { fail, FlowError } from '../support/diagnostic.ts';
import { at, range, spoken } from '../support/lists.ts';
import type { Span } from '../support/span.ts';
import { demandCells, evaluation } from './demand.ts';
import { leavesOf, partsOf } from './expression.ts';
import { influences, isFixed } from './wall_solution.ts';
import { wallName } from './grid.ts';
import { section } from './stencil.ts';
import type { FieldContext, FieldExpr, Grid, Leaf, Wall } from './types.ts';

/** One equation at one wall: `residual` = left side minus right side, in terms of leaves that stand for the states. */
export interface Condition {
  readonly wall: Wall;
  readonly residual: FieldExpr;
  readonly span?: Span | undefined;
}

/**
 * For every condition the index of the state it determines. `states` are the leaves that the residuals mention, with ghosts that can be read
 * (`even`, say). A state that a residual mentions without depending on it (0*v, as in dot(u, normal) = 0) is not taken. Errors: a condition at a wall of a periodic
 * axis (E303), more conditions at a wall than states in them (E302), a condition without a state (E304).
 */
export function assignConditions(
  context: FieldContext,
  states: readonly Leaf[],
  conditions: readonly Condition[],
): readonly number[] {
  const { grid } = context;
  const candidates = conditions.map((condition) => {
    const axis = at(grid.axes, condition.wall.axis);
    const name = wallName(grid, condition.wall);
    if (axis.periodic)
      fail(
        'E303',
        `\`${axis.name}\` is periodic and has no boundary`,
        condition.span,
        `remove the condition at ${name}, or \`periodic\` from the axis`,
      );
    const found = mentioned(context, condition, states);
    if (found.length === 0)
      fail(
        'E304',
        `the boundary condition at ${name} contains no state of the model`,
        condition.span,
        `it must contain one of ${spoken(
          states.map((s) => s.name),
          'or',
        )}, or its normal derivative dn(…)`,
      );
    return found;
  });
  const owner = new Map<string, number>();
  const place = (condition: number, state: number): string => {
    const { wall } = at(conditions, condition);
    return `${state}|${wall.axis}${wall.side}`;
  };
  const assign = (condition: number, tried: Set<string>): boolean => {
    for (const state of at(candidates, condition)) {
      const key = place(condition, state);
      if (tried.has(key)) continue;
      tried.add(key);
      const holder = owner.get(key);
      if (holder === undefined || assign(holder, tried)) {
        owner.set(key, condition);
        return true;
      }
    }
    return false;
  };
  range(conditions.length).forEach((i) => {
    if (!assign(i, new Set())) twice(grid, states, conditions, candidates, i);
  });
  const result = new Map<number, number>();
  for (const [key, condition] of owner) result.set(condition, Number(key.slice(0, key.indexOf('|'))));
  return conditions.map((_, i) => result.get(i) ?? 0);
}

/** Indices of the states that a residual depends on: those under a derivative first. */
function mentioned(context: FieldContext, { residual, wall }: Condition, states: readonly Leaf[]): number[] {
  const differentiated = partsOf(residual)
    .filter((part) => part.kind === 'dn' || part.kind === 'diff')
    .flatMap((part) => leavesOf(part));
  const all = new Set([...differentiated, ...leavesOf(residual)]);
  const found = [...all].map((leaf) => states.indexOf(leaf)).filter((i) => i >= 0);
  if (found.length < 2) return found;
  const ev = evaluation(context);
  return found.filter((i) => influences(ev, at(states, i), wall, residual));
}

function twice(
  grid: Grid,
  states: readonly Leaf[],
  conditions: readonly Condition[],
  candidates: readonly (readonly number[])[],
  index: number,
): never {
  const { wall, span } = at(conditions, index);
  const own = at(candidates, index);
  const names = spoken(own.map((i) => at(states, i).name));
  const first = conditions.find(
    (other, i) =>
      i < index &&
      other.wall.axis === wall.axis &&
      other.wall.side === wall.side &&
      at(candidates, i).some((state) => own.includes(state)),
  );
  throw new FlowError([
    {
      severity: 'error',
      code: 'E302',
      message: `${names} ${own.length === 1 ? 'has' : 'have'} a second boundary condition at ${wallName(grid, wall)}`,
      ...(span ? { span } : {}),
      ...(first?.span ? { related: [{ message: 'the first one is here', span: first.span }] } : {}),
      help: 'a state takes one condition a wall: remove one of them',
    },
  ]);
}

// ---- unknowns fixed by a condition

/** The walls of a nodes axis at which a condition fixes the unknown: there the state has no equation of its own. */
export function fixedWalls(context: FieldContext, state: Leaf): readonly Wall[] {
  return context.grid.axes.flatMap((_, axis) =>
    (['min', 'max'] as const).map((side): Wall => ({ axis, side })).filter((wall) => isFixed(state, wall)),
  );
}

/** The values of a state with the unknowns at fixed walls as their conditions want them at the context's time. The same node where there are none. */
export function constrained(context: FieldContext, state: Leaf): Node {
  return demandCells(context, state);
}

/** A rate of change (shape = counts) with zero at the fixed walls of its state: what stands there follows the condition, not an equation. */
export function freeRate(context: FieldContext, state: Leaf, rate: Node): Node {
  const g = context.graph;
  let x = rate;
  const low = rate.shape.map(() => 0);
  const high = rate.shape.map(() => 0);
  for (const { axis, side } of fixedWalls(context, state)) {
    const n = at(x.shape, axis);
    x = side === 'min' ? section(g, x, axis, 1, n) : section(g, x, axis, 0, n - 1);
    const ends = side === 'min' ? low : high;
    ends[axis] = 1;
  }
  return x === rate ? rate : pad(g, x, low, high);
}
