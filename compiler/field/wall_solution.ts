// The unknowns that boundary equations determine: ghosts, and by nodes the values at walls with a Dirichlet condition.
//
// A boundary equation is evaluated at its wall in a mirror (evaluation.ts) with the ghost as an unknown; by cells the value at the wall is (ghost + inner)/2 and
// the outward derivative (ghost - inner)/h, by nodes the unknown at the wall itself and (ghost - inner)/(2h). The equation is elementwise along the wall, so its
// slope is one tangent; an affine equation takes one Newton step, another one NEWTON_STEPS of them. The result is an ordinary expression in the inner values,
// coordinates, time and parameters: differentiable in all of them.
//
// Conditions that need each other (a surface reaction: dn(u) = -u*v, dn(v) = u*v) are solved together, by Cramer's rule at every point of the wall.

import { jvp } from '../autodiff/jvp.ts';
import { add, concat, div, full, mul, neg, sub } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import { dependents, substitute } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { fail } from '../support/diagnostic.ts';
import { at, get, range, zip } from '../support/lists.ts';
import type { Span } from '../support/span.ts';
import { mirrored, type Evaluation, type Mirror } from './evaluation.ts';
import { leavesOf, partsOf } from './expression.ts';
import { replaceRange, shapeOf, wallLocation, wallName, wallRange } from './grid.ts';
import { section, splatValue } from './stencil.ts';
import type { FieldExpr, GhostRule, GridAxis, Leaf, Location, Wall } from './types.ts';

/** Steps of Newton's method for a boundary condition that is not affine in the ghost; from a start that is off by O(h) four reach rounding. */
const NEWTON_STEPS = 6;

// ---- conditions

export function ruleAt(leaf: Leaf, wall: Wall): GhostRule {
  return at(leaf.ghosts, wall.axis)[wall.side];
}

interface WallCondition {
  readonly residual: FieldExpr;
  /** The ghost, or, by nodes without a normal derivative, the unknown at the wall. */
  readonly determines: 'ghost' | 'unknown';
  readonly span: Span | undefined;
}

/** The condition of a leaf at a wall, if its rule is an equation. */
function conditionAt(leaf: Leaf, wall: Wall): WallCondition | undefined {
  const rule = ruleAt(leaf, wall);
  if (rule.kind !== 'equation') return undefined;
  const residual = rule.residual(leaf);
  if (!partsOf(residual).includes(leaf)) undetermined(leaf, wall, rule.span);
  const axis = at(leaf.grid.axes, wall.axis);
  const ghost = axis.kind === 'cells' || hasDerivative(residual, leaf, axis.name);
  return { residual, determines: ghost ? 'ghost' : 'unknown', span: rule.span };
}

/** Whether the condition of a leaf at a wall fixes the unknown there: by nodes, a condition without a normal derivative. */
export function isFixed(leaf: Leaf, wall: Wall): boolean {
  const axis = at(leaf.grid.axes, wall.axis);
  if (axis.periodic || axis.kind === 'cells') return false;
  return conditionAt(leaf, wall)?.determines === 'unknown';
}

/** Whether a derivative of `state` along `axis` occurs in it. */
function hasDerivative(e: FieldExpr, state: Leaf, axis: string): boolean {
  return partsOf(e).some(
    (part) =>
      (part.kind === 'dn' || (part.kind === 'diff' && part.axis === axis)) &&
      partsOf(part.arg).includes(state),
  );
}

/** Whether a residual at a wall depends on a field there, and not only mentions it (0*u does not). */
export function influences(ev: Evaluation, leaf: Leaf, wall: Wall, residual: FieldExpr): boolean {
  const { graph, grid, dtype } = ev.context;
  const there = wallLocation(grid, wall);
  const axis = at(grid.axes, wall.axis);
  const positions = wall.side === 'min' ? [-1, 0, 1] : [axis.count, axis.count - 1, axis.count - 2];
  const values = new Map(positions.map((p) => [p, graph.param(leaf.name, { dtype, shape: shapeOf(there) })]));
  const value = residualIn(ev, wall, 1, there, residual, new Map([[leaf, values]]));
  return dependents([value], values.values()).has(value);
}

/**
 * The leaf and the others whose conditions at the wall need its unknown while it needs theirs. A ghost is needed wherever a leaf is mentioned by cells,
 * where its normal derivative is by nodes.
 */
function coupled(leaf: Leaf, wall: Wall): readonly Leaf[] {
  const axis = at(leaf.grid.axes, wall.axis);
  const kind = conditionAt(leaf, wall)?.determines;
  const needs = (one: Leaf): Leaf[] => {
    const residual = conditionAt(one, wall)?.residual;
    if (residual === undefined) return [];
    return leavesOf(residual).filter(
      (other) =>
        ruleAt(other, wall).kind === 'equation' &&
        conditionAt(other, wall)?.determines === kind &&
        (axis.kind === 'cells' || kind === 'unknown' || hasDerivative(residual, other, axis.name)),
    );
  };
  const reached = (from: Leaf): Set<Leaf> => {
    const found = new Set(needs(from));
    for (const one of found) needs(one).forEach((other) => found.add(other));
    return found;
  };
  return [leaf, ...[...reached(leaf)].filter((other) => other !== leaf && reached(other).has(leaf))];
}

// ---- the mirror

/** A field in the mirror, at the positions that its boundary condition may speak of. */
export function readMirror(ev: Evaluation, mirror: Mirror, state: Leaf, location: Location): Node {
  const { grid, graph } = ev.context;
  const { wall } = mirror;
  const rule = ruleAt(state, wall);
  const span = rule.kind === 'equation' ? rule.span : undefined;
  const name = wallName(grid, wall);
  location.forEach((r, axis) => {
    const across = at(mirror.across, axis);
    if (axis !== wall.axis && (r.kind !== across.kind || r.lo !== across.lo || r.hi !== across.hi))
      fail(
        'E307',
        `the boundary condition of ${state.name} at ${name} holds a derivative of ${state.name} along the wall`,
        span,
        `a condition relates ${state.name} and dn(${state.name}); derivatives along the wall are possible of other fields only`,
      );
  });
  const { lo, hi } = at(location, wall.axis);
  const values = get(mirror.states, state);
  const parts = range(hi - lo).map(
    (i) =>
      values.get(lo + i) ??
      fail(
        'E308',
        `the boundary condition of ${state.name} at ${name} holds a second derivative of ${state.name}`,
        span,
        `a condition relates ${state.name} and its first derivative, dn(${state.name})`,
      ),
  );
  return concat(graph, parts, wall.axis);
}

/** A residual at its wall, given values of the states at the positions of the mirror. */
function residualIn(
  ev: Evaluation,
  wall: Wall,
  layer: number,
  across: Location,
  residual: FieldExpr,
  states: Mirror['states'],
): Node {
  const axis = at(ev.context.grid.axes, wall.axis);
  const view: Evaluation = { ...ev, memo: new Map(), wall, mirror: { wall, layer, states, across } };
  return view.demand(view, residual, replaceRange(across, wall.axis, wallRange(axis, wall.side)));
}

// ---- solving

/** One unknown of the equations at a wall. */
interface Unknown {
  readonly leaf: Leaf;
  readonly condition: WallCondition;
  /** Its position in the mirror, and the known values around it. */
  readonly position: number;
  readonly around: ReadonlyMap<number, Node>;
  /** From here an affine condition is solved with the fewest operations: dn(u) = 0 gives u, u = 0 gives -u. */
  readonly start: Node;
  /** From here Newton's method converges for a nonlinear one: the nearest value of the field. */
  readonly guess: Node;
}

/**
 * The ghost of layer `layer` >= 1, or (layer 0) the unknown fixed at a wall of a nodes axis; `location` has its position along the wall's axis. The condition
 * of the leaf there is an equation.
 */
export function solvedAtWall(
  ev: Evaluation,
  leaf: Leaf,
  wall: Wall,
  layer: number,
  location: Location,
): Node {
  const { graph: g, dtype } = ev.context;
  const unknowns = coupled(leaf, wall).map((one) =>
    layer === 0 ? fixedUnknown(ev, one, wall, location) : ghostUnknown(ev, one, wall, layer, location),
  );
  const evaluated = (values: readonly Node[]): Node[] => {
    const states = new Map(
      zip(unknowns, values).map(([u, x]) => [u.leaf, new Map([...u.around, [u.position, x]])]),
    );
    return unknowns.map((u) =>
      residualIn(ev, wall, Math.max(layer, 1), location, u.condition.residual, states),
    );
  };
  const shape = shapeOf(location);
  const params = unknowns.map((u) =>
    g.param(`${u.leaf.name} at ${wallName(leaf.grid, wall)}`, { dtype, shape }),
  );
  const residuals = evaluated(params);
  const one = full(g, shape, 1, dtype);
  // rows: equations, columns: unknowns
  const columns = params.map((p) => jvp(g, residuals, [p], [one]).map(nonzero));
  const slopes = unknowns.map((_, i) => columns.map((column) => column[i]));
  const flat = slopes.flat().filter((x) => x !== undefined);
  const step = (xs: readonly Node[], fs: readonly Node[], jacobian: Matrix): Node[] => {
    const change = cramer(g, jacobian, fs);
    if (change === undefined) return undetermined(leaf, wall, at(unknowns, 0).condition.span);
    return zip(xs, change).map(([x, d]) => (d === undefined ? x : sub(g, x, d)));
  };
  const moving = dependents(flat, params);
  if (!flat.some((x) => moving.has(x))) {
    const starts = unknowns.map((u) => u.start);
    return at(step(starts, evaluated(starts), slopes), 0);
  }
  let xs = unknowns.map((u) => u.guess);
  for (let i = 0; i < NEWTON_STEPS; i++) {
    const now = new Map(zip(params, xs));
    const value = (x: Node): Node => at(substitute(g, [x], now), 0);
    xs = step(
      xs,
      residuals.map(value),
      slopes.map((row) => row.map((x) => (x === undefined ? undefined : value(x)))),
    );
  }
  return at(xs, 0);
}

function ghostUnknown(ev: Evaluation, leaf: Leaf, wall: Wall, layer: number, location: Location): Unknown {
  const g = ev.context.graph;
  const axis = at(leaf.grid.axes, wall.axis);
  const low = wall.side === 'min';
  const condition = conditionAt(leaf, wall) ?? undetermined(leaf, wall, undefined);
  const read = (p: number): Node =>
    ev.demand(ev, leaf, replaceRange(location, wall.axis, { kind: 'centre', lo: p, hi: p + 1 }));
  const edge = low ? 0 : axis.count - 1;
  const opposite = axis.kind === 'cells' ? edge : low ? 1 : axis.count - 2;
  const place = mirrored(axis, { wall, layer }, opposite);
  if (place < 0 || place >= axis.count) tooFew(leaf, axis, layer);
  const inner = read(place);
  const around = new Map([[opposite, inner]]);
  if (axis.kind === 'nodes') around.set(edge, read(edge));
  const start = hasDerivative(condition.residual, leaf, axis.name) ? inner : neg(g, inner);
  return { leaf, condition, position: low ? -1 : axis.count, around, start, guess: inner };
}

function fixedUnknown(ev: Evaluation, leaf: Leaf, wall: Wall, location: Location): Unknown {
  const { graph: g, dtype } = ev.context;
  const condition = conditionAt(leaf, wall) ?? undetermined(leaf, wall, undefined);
  const zero = full(g, shapeOf(location), 0, dtype);
  const stands = location.every((r, i) => r.lo >= 0 && r.hi <= at(leaf.values.shape, i));
  // In the halo of another axis nothing is stored: zero is a worse guess there, not a wrong one.
  const guess = stands ? location.reduce((x, r, i) => section(g, x, i, r.lo, r.hi), leaf.values) : zero;
  const position = wall.side === 'min' ? 0 : at(leaf.grid.axes, wall.axis).count - 1;
  return { leaf, condition, position, around: new Map(), start: zero, guess };
}

// ---- small linear systems, elementwise; undefined is zero

type Matrix = readonly (readonly (Node | undefined)[])[];

const nonzero = (x: Node | undefined): Node | undefined =>
  x === undefined || splatValue(x) === 0 ? undefined : x;

/** The solution of matrix·x = right, or undefined where the determinant vanishes identically. */
function cramer(g: Graph, matrix: Matrix, right: readonly Node[]): (Node | undefined)[] | undefined {
  const whole = determinant(g, matrix);
  if (whole === undefined) return undefined;
  return right.map((_, j) => {
    const above = determinant(
      g,
      matrix.map((row, i) => row.map((x, k) => (k === j ? nonzero(at(right, i)) : x))),
    );
    return above === undefined ? undefined : quotient(g, above, whole);
  });
}

/** By expansion along the first row. */
function determinant(g: Graph, matrix: Matrix): Node | undefined {
  const [first, ...rest] = matrix;
  if (first === undefined) return undefined;
  if (rest.length === 0) return first[0];
  let sum: Node | undefined;
  first.forEach((x, j) => {
    if (x === undefined) return;
    const minor = determinant(
      g,
      rest.map((row) => row.filter((_, k) => k !== j)),
    );
    if (minor === undefined) return;
    const term = mul(g, x, minor);
    const signed = j % 2 === 0 ? term : neg(g, term);
    sum = sum === undefined ? signed : add(g, sum, signed);
  });
  return nonzero(sum);
}

function quotient(g: Graph, a: Node, b: Node): Node {
  const known = splatValue(b);
  return known === undefined ? div(g, a, b) : known === 1 ? a : mul(g, a, 1 / known);
}

// ---- errors

function undetermined(leaf: Leaf, wall: Wall, span: Span | undefined): never {
  const name = wallName(leaf.grid, wall);
  return fail(
    'E304',
    `the boundary condition at ${name} does not determine ${leaf.name}`,
    span,
    `it must contain ${leaf.name} or dn(${leaf.name}): \`${leaf.name} = …\`, \`dn(${leaf.name}) = …\` or a relation of both`,
  );
}

/** A stencil that reaches `layer` positions beyond a wall needs as many unknowns before it. */
export function tooFew(leaf: Leaf, axis: GridAxis, layer: number): never {
  return fail(
    'E310',
    `axis \`${axis.name}\` of ${leaf.grid.name} has too few ${axis.kind} (${axis.count}) for a stencil that reaches ${layer} beyond the wall`,
    leaf.span,
    `use more ${axis.kind} along \`${axis.name}\``,
  );
}
