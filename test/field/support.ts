// Tools for tests of the discretisation: grids in short, numbers out of nodes, and the exact value of a field expression on functions, with derivatives by
// automatic differentiation, against which the stencils are measured.

import { jvp } from '../../compiler/autodiff/jvp.ts';
import { broadcastTo, full, mul, neg, sub } from '../../compiler/ir/build.ts';
import { add } from '../../compiler/ir/build.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { interpret } from '../../compiler/ir/interpret.ts';
import { ndarray, type NdArray } from '../../compiler/ir/ndarray.ts';
import { makeScan, reachable, substitute } from '../../compiler/ir/region.ts';
import type { Node } from '../../compiler/ir/types.ts';
import { at, range, zip } from '../../compiler/support/lists.ts';
import { analytic, equation, leaf, minus } from '../../compiler/field/expression.ts';
import { axisIndex, coordinatesAt, fieldContext, spacing } from '../../compiler/field/grid.ts';
import { demand, demandCells } from '../../compiler/field/demand.ts';
import { freeRate } from '../../compiler/field/condition.ts';
import type {
  AxisGhosts,
  FieldContext,
  FieldExpr,
  GhostRule,
  Grid,
  GridAxis,
  Leaf,
  Location,
  Wall,
} from '../../compiler/field/types.ts';

export type AxisKind = 'cells' | 'nodes' | 'periodic' | 'periodic nodes';

export function axis(name: string, count: number, kind: AxisKind = 'cells', from = 0, to = 1): GridAxis {
  return {
    name,
    from,
    to,
    count,
    kind: kind.endsWith('nodes') ? 'nodes' : 'cells',
    periodic: kind.startsWith('periodic'),
  };
}

export function grid(...axes: readonly GridAxis[]): Grid {
  return { name: 'plate', axes };
}

export function contextOn(where: Grid, graph = new Graph()): FieldContext {
  return fieldContext(graph, where, 'f64');
}

/** A function of the coordinates as nodes. */
export type Smooth = (g: Graph, c: Readonly<Record<string, Node>>) => Node;

/** A leaf with the values of a function at the unknowns. */
export function sampled(
  context: FieldContext,
  name: string,
  f: Smooth,
  ghosts: readonly AxisGhosts[] | GhostRule = { kind: 'extrapolate' },
): Leaf {
  return leaf(context.grid, name, demandCells(context, analytic(name, f)), ghosts);
}

export function numbers(node: Node, bindings: ReadonlyMap<Node, NdArray> = new Map()): number[] {
  const [result] = interpret([node], bindings);
  return result === undefined ? [] : [...result.data];
}

export function number(node: Node, bindings: ReadonlyMap<Node, NdArray> = new Map()): number {
  return at(numbers(node, bindings), 0);
}

export function array(shape: readonly number[], values: ArrayLike<number>): NdArray {
  return ndarray('f64', shape, values);
}

/** Numbers in (-1, 1) that look random and are always the same. */
export function noise(count: number, seed = 1): number[] {
  return range(count).map((i) => {
    const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453;
    return 2 * (x - Math.floor(x)) - 1;
  });
}

export function largest(values: readonly number[]): number {
  return values.reduce((m, v) => Math.max(m, Number.isNaN(v) ? Infinity : Math.abs(v)), 0);
}

export function largestDifference(a: readonly number[], b: readonly number[]): number {
  return largest(zip(a, b).map(([x, y]) => x - y));
}

/** log2 of the ratios of successive errors. */
export function orders(errors: readonly number[]): number[] {
  return range(errors.length - 1).map((i) => Math.log2(at(errors, i) / at(errors, i + 1)));
}

/** The nodes an array function takes, constants and index vectors not counted. */
export function operations(results: readonly Node[]): number {
  return reachable(results).filter((n) => n.op !== 'const' && n.op !== 'param' && n.op !== 'iota').length;
}

// ---- exact values

/**
 * An expression on functions: leaves are replaced by `functions` (by name), derivatives are exact. `normal` is the sign and axis that dn means.
 */
export function exact(
  where: Grid,
  e: FieldExpr,
  functions: Readonly<Record<string, Smooth>>,
  normal?: { readonly axis: string; readonly sign: number },
): Smooth {
  return (g, c) => {
    const names = Object.keys(c);
    const params = names.map((name) => g.param(name, at(Object.values(c), names.indexOf(name))));
    const own: Record<string, Node> = Object.fromEntries(zip(names, params));
    const shape = at(params, 0).shape;
    const along = (x: FieldExpr, name: string): Node => {
      const p = own[name];
      const value = visit(x);
      const slope = p && jvp(g, [value], [p], [full(g, shape, 1, 'f64')])[0];
      return slope ?? full(g, shape, 0, 'f64');
    };
    const visit = (x: FieldExpr): Node => {
      switch (x.kind) {
        case 'leaf': {
          const f = functions[x.name];
          if (f === undefined) throw new Error(`no function for ${x.name}`);
          return broadcastTo(g, f(g, own), shape);
        }
        case 'scalar':
          return broadcastTo(g, x.node, shape);
        case 'coordinate':
          return own[x.axis] ?? full(g, shape, NaN, 'f64');
        case 'analytic':
          return broadcastTo(g, x.apply(g, own), shape);
        case 'map':
          return broadcastTo(g, x.apply(g, x.args.map(visit)), shape);
        case 'diff':
          return along(x.arg, where.axes[axisIndex(where, x.axis)]?.name ?? '');
        case 'at':
        case 'harmonic':
          return visit(x.arg);
        case 'dn': {
          if (normal === undefined) throw new Error('dn without a normal');
          const d = along(x.arg, normal.axis);
          return normal.sign < 0 ? neg(g, d) : d;
        }
        case 'normal':
          return full(g, shape, x.axis === normal?.axis ? normal.sign : 0, 'f64');
      }
    };
    const value = visit(e);
    return at(substitute(g, [value], new Map(zip(params, Object.values(c)))), 0);
  };
}

/** The coordinates of a location as nodes of its shape, and t. */
export function coordinatesOf(context: FieldContext, location: Location, t?: Node): Record<string, Node> {
  const { graph: g, grid: where, dtype } = context;
  const shape = location.map((r) => r.hi - r.lo);
  const c: Record<string, Node> = {};
  where.axes.forEach((a, i) => {
    const vector = coordinatesAt(g, a, at(location, i), dtype);
    c[a.name] = shape.length === 1 ? vector : g.node('broadcast', [vector], { shape, axes: [i] });
  });
  if (t !== undefined) c['t'] = broadcastTo(g, t, shape);
  return c;
}

/** The largest error of the stencil of `e` over its demanded location, for leaves sampled from `functions`. */
export function truncation(
  where: Grid,
  build: (context: FieldContext, u: (name: string) => Leaf) => FieldExpr,
  functions: Readonly<Record<string, Smooth>>,
  location: Location = where.axes.map((a) => ({ kind: 'centre', lo: 0, hi: a.count })),
  ghosts: GhostRule = { kind: 'extrapolate' },
): number {
  const context = contextOn(where);
  const leaves = new Map<string, Leaf>();
  const e = build(context, (name) => {
    const made =
      leaves.get(name) ??
      sampled(context, name, functions[name] ?? (() => context.graph.constant(NaN, 'f64')), ghosts);
    leaves.set(name, made);
    return made;
  });
  const g = context.graph;
  const stencil = demand(context, e, location);
  const truth = exact(where, e, functions)(g, coordinatesOf(context, location));
  return largest(numbers(sub(g, stencil, broadcastTo(g, truth, stencil.shape))));
}

// ---- manufactured solutions

export interface Problem {
  readonly grid: (n: number) => Grid;
  /** The solution, of the coordinates and t. */
  readonly solution: Smooth;
  /** dt(u) = rate + source, the source such that `solution` solves it. */
  readonly rate: (u: FieldExpr, where: Grid) => FieldExpr;
  /** Left side of the condition at a wall; its right side is made from the solution. Undefined: no wall (periodic). */
  readonly condition?: (u: FieldExpr, wall: Wall) => FieldExpr;
  readonly end: number;
  /** dt = step*h^2. */
  readonly step: number;
}

/** A leaf `u` whose conditions hold for the solution. */
export function stateOf(problem: Problem, context: FieldContext, values: Node): Leaf {
  const where = context.grid;
  const { condition } = problem;
  const rule = (a: number, side: 'min' | 'max'): GhostRule => {
    if (condition === undefined || at(where.axes, a).periodic) return { kind: 'missing' };
    const wall = { axis: a, side };
    const normal = { axis: at(where.axes, a).name, sign: side === 'min' ? -1 : 1 };
    return equation(() => {
      const left = condition(state, wall);
      return minus(left, analytic('given', exact(where, left, { u: problem.solution }, normal)));
    });
  };
  const state: Leaf = leaf(
    where,
    'u',
    values,
    where.axes.map((_, a) => ({ min: rule(a, 'min'), max: rule(a, 'max') })),
  );
  return state;
}

/** The largest error at the end, forward Euler with dt proportional to h^2 (so of second order altogether exactly when space is). */
export function solutionError(problem: Problem, n: number): number {
  const g = new Graph();
  const where = problem.grid(n);
  const h = Math.min(...where.axes.map(spacing));
  const steps = Math.ceil(problem.end / (problem.step * h * h));
  const dt = problem.end / steps;
  const shape = where.axes.map((a) => a.count);
  const everywhere: Location = where.axes.map((a) => ({ kind: 'centre', lo: 0, hi: a.count }));
  const truth = (context: FieldContext, t: Node): Node =>
    broadcastTo(g, problem.solution(g, coordinatesOf(context, everywhere, t)), shape);
  const start = fieldContext(g, where, 'f64');
  const { carries } = makeScan(g, {
    length: steps,
    init: [truth(start, g.constant(0, 'f64'))],
    body: (index, [u]) => {
      const t = mul(g, g.node('cast', [index], { dtype: 'f64' }), dt);
      const context = fieldContext(g, where, 'f64', { time: t });
      const state = stateOf(problem, context, u ?? index);
      const rate = problem.rate(state, where);
      const c = coordinatesOf(context, everywhere, t);
      const source = sub(
        g,
        exact(
          where,
          analytic('dt', (gg, cc) => timeDerivative(gg, cc, problem.solution)),
          {},
        )(g, c),
        exact(where, rate, { u: problem.solution })(g, c),
      );
      const free = freeRate(context, state, add(g, demandCells(context, rate), source));
      const next = add(g, state.values, mul(g, free, dt));
      return { carries: [next], ys: [] };
    },
  });
  const finish = fieldContext(g, where, 'f64', { time: g.constant(problem.end, 'f64') });
  const last = demandCells(finish, stateOf(problem, finish, at(carries, 0)));
  return largest(numbers(sub(g, last, truth(finish, g.constant(problem.end, 'f64')))));
}

function timeDerivative(g: Graph, c: Readonly<Record<string, Node>>, f: Smooth): Node {
  const { t } = c;
  if (t === undefined) throw new Error('no time');
  const fresh = g.param('t', t);
  const value = f(g, { ...c, t: fresh });
  const slope = jvp(g, [value], [fresh], [full(g, t.shape, 1, 'f64')])[0] ?? full(g, t.shape, 0, 'f64');
  return at(substitute(g, [slope], new Map([[fresh, t]])), 0);
}
