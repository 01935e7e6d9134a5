// Constructors of field expressions, and the differential operators of vector calculus made of first derivatives. Vectors and tensors are tuples of scalar
// expressions. Cartesian coordinates. Conventions: grad(u)[i][j] = d_i u_j, div(S)[j] = sum_i d_i S[i][j], advect(v, u) = sum_i v_i d_i u.

import { add, mul, neg, sub } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/types.ts';
import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import type { Span } from '../support/span.ts';
import type {
  Analytic,
  At,
  AxisGhosts,
  Coordinate,
  Diff,
  FieldExpr,
  GhostRule,
  Grid,
  Harmonic,
  Leaf,
  MapExpr,
  Normal,
  Scalar,
  WallDerivative,
} from './types.ts';

// ---- leaves

/** The same rule at every wall of a grid. */
export function uniformGhosts(grid: Grid, rule: GhostRule): readonly AxisGhosts[] {
  return grid.axes.map(() => ({ min: rule, max: rule }));
}

/** A field given by its values at the unknowns of `grid` (shape = counts). */
export function leaf(
  grid: Grid,
  name: string,
  values: Node,
  ghosts: readonly AxisGhosts[] | GhostRule,
  span?: Span,
): Leaf {
  const rules = 'kind' in ghosts ? uniformGhosts(grid, ghosts) : ghosts;
  if (
    values.shape.length !== grid.axes.length ||
    grid.axes.some((axis, i) => axis.count !== values.shape[i]) ||
    rules.length !== grid.axes.length
  )
    throw new InternalError(
      'field.expression',
      `field ${name} on ${grid.name}: values [${values.shape.join(', ')}], ${rules.length} ghost rules`,
    );
  return { kind: 'leaf', name, grid, values, ghosts: rules.map(remembered), span };
}

/** Rules may be made when they are asked for (a condition is elaborated with the states it mentions): once a leaf, side and condition. */
function remembered(ghosts: AxisGhosts): AxisGhosts {
  const known: { min?: GhostRule; max?: GhostRule } = {};
  const once = (side: 'min' | 'max'): GhostRule => {
    const before = known[side];
    if (before !== undefined) return before;
    const rule = ghosts[side];
    const made = rule.kind === 'equation' ? equation(rule.residual, rule.span) : rule;
    known[side] = made;
    return made;
  };
  return {
    get min() {
      return once('min');
    },
    get max() {
      return once('max');
    },
  };
}

export function scalar(node: Node, span?: Span): Scalar {
  return { kind: 'scalar', node, span };
}

export function coordinate(axis: string, span?: Span): Coordinate {
  return { kind: 'coordinate', axis, span };
}

export function analytic(name: string, apply: Analytic['apply'], span?: Span): Analytic {
  return { kind: 'analytic', name, apply, span };
}

/** A boundary condition as a ghost rule: `residual` (left side minus right side) mentions the leaf that carries the rule; it is made once a leaf, when needed. */
export function equation(residual: (self: Leaf) => FieldExpr, span?: Span): GhostRule {
  const made = new WeakMap<Leaf, FieldExpr>();
  const once = (self: Leaf): FieldExpr => {
    const before = made.get(self);
    if (before !== undefined) return before;
    const e = speakingOf(self, residual(self));
    made.set(self, e);
    return e;
  };
  return { kind: 'equation', residual: once, span };
}

/** An expression that mentions `self`; where it mentions one other leaf of that name in its place, that one is replaced. */
function speakingOf(self: Leaf, e: FieldExpr): FieldExpr {
  const leaves = leavesOf(e);
  const others = leaves.filter((x) => x.name === self.name);
  const [other] = others;
  return leaves.includes(self) || other === undefined || others.length > 1 ? e : replaced(e, other, self);
}

/** The expression with one part in place of another. */
export function replaced(e: FieldExpr, part: FieldExpr, by: FieldExpr): FieldExpr {
  const known = new Map<FieldExpr, FieldExpr>([[part, by]]);
  const visit = (x: FieldExpr): FieldExpr => {
    const before = known.get(x);
    if (before !== undefined) return before;
    const made = rebuilt(x, visit);
    known.set(x, made);
    return made;
  };
  return visit(e);
}

function rebuilt(e: FieldExpr, visit: (x: FieldExpr) => FieldExpr): FieldExpr {
  switch (e.kind) {
    case 'leaf':
    case 'scalar':
    case 'coordinate':
    case 'analytic':
    case 'normal':
      return e;
    case 'map':
      return { ...e, args: e.args.map(visit) };
    case 'diff':
    case 'at':
    case 'harmonic':
    case 'dn':
      return { ...e, arg: visit(e.arg) };
  }
}

// ---- elementwise functions

export function map(
  name: string,
  args: readonly FieldExpr[],
  apply: (g: Graph, args: readonly Node[]) => Node,
  span?: Span,
): MapExpr {
  return { kind: 'map', name, args, apply, span };
}

export const plus = (a: FieldExpr, b: FieldExpr): FieldExpr =>
  map('add', [a, b], (g, [x, y]) => add(g, some(x), some(y)));
export const minus = (a: FieldExpr, b: FieldExpr): FieldExpr =>
  map('sub', [a, b], (g, [x, y]) => sub(g, some(x), some(y)));
export const times = (a: FieldExpr, b: FieldExpr): FieldExpr =>
  map('mul', [a, b], (g, [x, y]) => mul(g, some(x), some(y)));
export const negative = (a: FieldExpr): FieldExpr => map('neg', [a], (g, [x]) => neg(g, some(x)));
/** c·e for a number c. */
export const scaled = (c: number, e: FieldExpr): FieldExpr =>
  c === 1 ? e : map('scale', [e], (g, [x]) => mul(g, some(x), c));

function some<T>(x: T | undefined): T {
  if (x === undefined) throw new InternalError('field.expression', 'an argument is absent');
  return x;
}

function total(terms: readonly FieldExpr[]): FieldExpr {
  return terms.reduce(plus);
}

// ---- derivatives and places

export function diff(arg: FieldExpr, axis: string, order = 1, span?: Span): FieldExpr {
  let e = arg;
  for (let i = 0; i < order; i++) e = { kind: 'diff', arg: e, axis, span } satisfies Diff;
  return e;
}

export function atPlace(where: At['where'], arg: FieldExpr, span?: Span): At {
  return { kind: 'at', arg, where, span };
}

export function harmonic(arg: FieldExpr, span?: Span): Harmonic {
  return { kind: 'harmonic', arg, span };
}

export function wallDerivative(arg: FieldExpr, span?: Span): WallDerivative {
  return { kind: 'dn', arg, span };
}

export function normal(axis: string, span?: Span): Normal {
  return { kind: 'normal', axis, span };
}

// ---- vector calculus

/** grad(e)[i] = d_i e. */
export function gradient(e: FieldExpr, grid: Grid, span?: Span): FieldExpr[] {
  return grid.axes.map((axis) => diff(e, axis.name, 1, span));
}

/** grad(u)[i][j] = d_i u_j. */
export function vectorGradient(u: readonly FieldExpr[], grid: Grid, span?: Span): FieldExpr[][] {
  return grid.axes.map((axis) => u.map((e) => diff(e, axis.name, 1, span)));
}

/** sum_i d_i v_i; one component an axis. */
export function divergence(v: readonly FieldExpr[], grid: Grid, span?: Span): FieldExpr {
  components('divergence', v, grid);
  return total(grid.axes.map((axis, i) => diff(at(v, i), axis.name, 1, span)));
}

/** div(S)[j] = sum_i d_i S[i][j]. */
export function tensorDivergence(s: readonly (readonly FieldExpr[])[], grid: Grid, span?: Span): FieldExpr[] {
  if (s.length !== grid.axes.length)
    throw new InternalError('field.expression', `divergence of a tensor of ${s.length} rows on ${grid.name}`);
  return at(s, 0).map((_, j) =>
    divergence(
      s.map((row) => at(row, j)),
      grid,
      span,
    ),
  );
}

/** sum_i d_i d_i e, compact. */
export function laplacian(e: FieldExpr, grid: Grid, span?: Span): FieldExpr {
  return total(grid.axes.map((axis) => diff(e, axis.name, 2, span)));
}

/** Of a vector in the plane: d_0 v_1 - d_1 v_0. */
export function curl2(v: readonly FieldExpr[], grid: Grid, span?: Span): FieldExpr {
  components('curl', v, grid);
  const [x, y] = [at(grid.axes, 0).name, at(grid.axes, 1).name];
  return minus(diff(at(v, 1), x, 1, span), diff(at(v, 0), y, 1, span));
}

/** Of a vector in space: component i is d_j v_k - d_k v_j, (i, j, k) cyclic. */
export function curl3(v: readonly FieldExpr[], grid: Grid, span?: Span): FieldExpr[] {
  components('curl', v, grid);
  const d = (component: number, along: number): FieldExpr =>
    diff(at(v, component), at(grid.axes, along).name, 1, span);
  return [0, 1, 2].map((i) => {
    const [j, k] = [(i + 1) % 3, (i + 2) % 3];
    return minus(d(k, j), d(j, k));
  });
}

/** sum_i v_i d_i e; for a vector apply it to every component. */
export function advect(v: readonly FieldExpr[], e: FieldExpr, grid: Grid, span?: Span): FieldExpr {
  components('advect', v, grid);
  return total(grid.axes.map((axis, i) => times(at(v, i), diff(e, axis.name, 1, span))));
}

function components(what: string, v: readonly FieldExpr[], grid: Grid): void {
  if (v.length !== grid.axes.length)
    throw new InternalError(
      'field.expression',
      `${what} of ${v.length} components on ${grid.name}, which has ${grid.axes.length} axes`,
    );
}

// ---- inspection

/** The parts of an expression one level down; boundary conditions of leaves are not among them. */
export function childrenOf(e: FieldExpr): readonly FieldExpr[] {
  switch (e.kind) {
    case 'leaf':
    case 'scalar':
    case 'coordinate':
    case 'analytic':
    case 'normal':
      return [];
    case 'map':
      return e.args;
    case 'diff':
    case 'at':
    case 'harmonic':
    case 'dn':
      return [e.arg];
  }
}

/** An expression and everything in it, each part once (expressions are graphs, not trees). */
export function partsOf(e: FieldExpr): FieldExpr[] {
  const found = new Set<FieldExpr>([e]);
  for (const part of found) for (const child of childrenOf(part)) found.add(child);
  return [...found];
}

/** All leaves of an expression, each once. */
export function leavesOf(e: FieldExpr): Leaf[] {
  return partsOf(e).filter((part) => part.kind === 'leaf');
}
