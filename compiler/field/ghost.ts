// Reading a leaf at unknowns, ghosts and fixed walls.
//
// A range that leaves the grid is read as concat([ghosts, values, ghosts]), axis by axis from the last to the first, so that the ghosts in the corners are the
// ghosts of the later axis beside the ghosts of the earlier ones. A periodic axis is read by rolling.
//
// The ghost of a boundary equation is found by solving the equation for it: the residual is evaluated at the wall with the ghost as an unknown; by cells the
// value at the wall is (ghost + inner)/2 and the outward derivative (ghost - inner)/h, by nodes the unknown at the wall itself and (ghost - inner)/(2h). The
// equation is elementwise in the ghost, so its slope is one tangent; an affine equation takes one Newton step, another one NEWTON_STEPS of them. The result
// is an ordinary expression in the inner values, coordinates, time and parameters: differentiable in all of them.
//
// By nodes, an equation without a normal derivative fixes the unknown at the wall (a Dirichlet condition): the value stored there is never read, it is
// replaced by the solution of the equation; ghosts behind it continue the parabola through it and its two neighbours.

import { jvp } from '../autodiff/jvp.ts';
import { add, concat, div, full, mul, neg, sub } from '../ir/build.ts';
import { dependents, substitute } from '../ir/region.ts';
import type { Node } from '../ir/types.ts';
import { assertNever, fail, InternalError } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import type { Span } from '../support/span.ts';
import { mirrored, plain, type Evaluation, type Mirror } from './evaluation.ts';
import { partsOf } from './expression.ts';
import { locationKey, replaceRange, shapeOf, wallLocation, wallName, wallRange } from './grid.ts';
import { cyclic, section, splatValue } from './stencil.ts';
import type { FieldExpr, GhostRule, GridAxis, Leaf, Location, Wall } from './types.ts';

/** Steps of Newton's method for a boundary condition that is not affine in the ghost; from a start that is off by O(h) four reach rounding. */
const NEWTON_STEPS = 6;

/** The values of a leaf at centres (all ranges are of kind `centre`); ranges may leave the grid. */
export function readLeaf(ev: Evaluation, leaf: Leaf, location: Location): Node {
  const g = ev.context.graph;
  const turned = leaf.grid.axes.findIndex((axis, i) => {
    const { lo, hi } = at(location, i);
    return axis.periodic && (lo !== 0 || hi !== axis.count);
  });
  if (turned >= 0) {
    const { lo, hi } = at(location, turned);
    const whole = { kind: 'centre', lo: 0, hi: at(leaf.grid.axes, turned).count } as const;
    return cyclic(g, readLeaf(ev, leaf, replaceRange(location, turned, whole)), turned, lo, hi);
  }
  for (let axis = leaf.grid.axes.length - 1; axis >= 0; axis--) {
    const own = at(leaf.grid.axes, axis);
    const { lo, hi } = at(location, axis);
    const centres = (from: number, to: number): Location =>
      replaceRange(location, axis, { kind: 'centre', lo: from, hi: to });
    if (own.periodic) continue;
    const first = lo <= 0 && isFixed(leaf, { axis, side: 'min' }) ? 1 : 0;
    const behind = hi >= own.count && isFixed(leaf, { axis, side: 'max' }) ? own.count - 1 : own.count;
    if (lo >= first && hi <= behind) continue;
    const parts: Node[] = [];
    for (let p = lo; p < Math.min(first, hi); p++)
      parts.push(beyond(ev, leaf, { axis, side: 'min' }, p, centres(p, p + 1)));
    const [from, to] = [Math.max(lo, first), Math.min(hi, behind)];
    if (from < to) parts.push(readLeaf(ev, leaf, centres(from, to)));
    for (let p = Math.max(lo, behind); p < hi; p++)
      parts.push(beyond(ev, leaf, { axis, side: 'max' }, p, centres(p, p + 1)));
    return concat(g, parts, axis);
  }
  return location.reduce((x, r, axis) => section(g, x, axis, r.lo, r.hi), leaf.values);
}

/** The field in the mirror, at the positions that its boundary condition may speak of. */
export function readMirror(ev: Evaluation, mirror: Mirror, location: Location): Node {
  const { grid, graph } = ev.context;
  const { wall, state, values } = mirror;
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
  const parts = range(hi - lo).map((i) => {
    const value = values.get(lo + i);
    return (
      value ??
      fail(
        'E308',
        `the boundary condition of ${state.name} at ${name} holds a second derivative of ${state.name}`,
        span,
        `a condition relates ${state.name} and its first derivative, dn(${state.name})`,
      )
    );
  });
  return concat(graph, parts, wall.axis);
}

// ---- beyond the unknowns

export function ruleAt(leaf: Leaf, wall: Wall): GhostRule {
  return at(leaf.ghosts, wall.axis)[wall.side];
}

/** The ghost at `position` of the wall's axis, or the unknown fixed at a wall; `location` has that position along the axis. */
function beyond(ev: Evaluation, leaf: Leaf, wall: Wall, position: number, location: Location): Node {
  const base = plain(ev);
  const key = `${wall.axis}${wall.side}|${locationKey(location)}`;
  const entries = base.memo.get(leaf) ?? new Map<string, Node>();
  base.memo.set(leaf, entries);
  const known = entries.get(key);
  if (known !== undefined) return known;
  if (ev.pending.some((p) => p.leaf === leaf && p.key === key)) circular(ev, leaf, wall);
  const inner = { ...base, pending: [...ev.pending, { leaf, wall, key }] };
  const node = made(inner, leaf, wall, position, location);
  entries.set(key, node);
  return node;
}

function made(ev: Evaluation, leaf: Leaf, wall: Wall, position: number, location: Location): Node {
  const g = ev.context.graph;
  const axis = at(leaf.grid.axes, wall.axis);
  const rule = ruleAt(leaf, wall);
  const low = wall.side === 'min';
  /** Layer 0 is the unknown on the wall of a nodes axis; layer k the k-th ghost. */
  const layer = low ? -position : position - (axis.count - 1);
  const inside = (depth: number): Node => {
    const p = low ? depth : axis.count - 1 - depth;
    if (p < 0 || p >= axis.count) tooFew(leaf, axis, layer);
    return readLeaf(ev, leaf, replaceRange(location, wall.axis, { kind: 'centre', lo: p, hi: p + 1 }));
  };
  switch (rule.kind) {
    case 'even':
      return inside(axis.kind === 'cells' ? layer - 1 : layer);
    case 'extrapolate':
      return extrapolated(ev, axis, layer, inside);
    case 'missing':
      return fail(
        'E301',
        `${leaf.name} needs a boundary condition at ${wallName(leaf.grid, wall)}`,
        rule.span ?? leaf.span,
        `add \`boundary ${wallName(leaf.grid, wall)} { ${leaf.name} = … }\` or \`{ dn(${leaf.name}) = … }\` to the model, or declare \`${axis.name}\` periodic`,
      );
    case 'equation':
      return g.withOrigin(rule.span, () =>
        layer === 0
          ? fixedValue(ev, leaf, wall, location, rule)
          : isFixed(leaf, wall)
            ? extrapolated(ev, axis, layer, inside)
            : solvedGhost(ev, leaf, wall, layer, location, rule),
      );
    default:
      return assertNever(rule);
  }
}

/** The parabola through the three last unknowns (a line or a constant where there are fewer), `layer` spacings further. */
function extrapolated(ev: Evaluation, axis: GridAxis, layer: number, inside: (depth: number) => Node): Node {
  const g = ev.context.graph;
  const points = range(Math.min(3, axis.count));
  const terms = points.map((i) => {
    const weight = points.reduce((w, j) => (j === i ? w : (w * (-layer - j)) / (i - j)), 1);
    return weight === 1 ? inside(i) : mul(g, inside(i), weight);
  });
  return terms.reduce((a, b) => add(g, a, b));
}

type Equation = Extract<GhostRule, { kind: 'equation' }>;

/** The residual of a condition at its wall, given values at the positions of the mirror. */
function residualIn(
  ev: Evaluation,
  leaf: Leaf,
  wall: Wall,
  layer: number,
  across: Location,
  residual: FieldExpr,
  values: ReadonlyMap<number, Node>,
): Node {
  const axis = at(leaf.grid.axes, wall.axis);
  const mirror: Mirror = { wall, layer, state: leaf, values, across };
  const view: Evaluation = { ...ev, memo: new Map(), wall, mirror };
  return view.demand(view, residual, replaceRange(across, wall.axis, wallRange(axis, wall.side)));
}

function solvedGhost(
  ev: Evaluation,
  leaf: Leaf,
  wall: Wall,
  layer: number,
  location: Location,
  rule: Equation,
): Node {
  const { graph: g, dtype } = ev.context;
  const axis = at(leaf.grid.axes, wall.axis);
  const low = wall.side === 'min';
  const { residual } = conditionAt(leaf, wall, rule);
  const read = (p: number): Node =>
    readLeaf(ev, leaf, replaceRange(location, wall.axis, { kind: 'centre', lo: p, hi: p + 1 }));
  // Positions of the mirror: the ghost, (by nodes) the wall, and the unknown opposite the ghost.
  const ghost = low ? -1 : axis.count;
  const wallNode = low ? 0 : axis.count - 1;
  const opposite = axis.kind === 'cells' ? wallNode : low ? 1 : axis.count - 2;
  const place = mirrored(axis, { wall, layer, state: leaf, values: new Map(), across: location }, opposite);
  if (place < 0 || place >= axis.count) tooFew(leaf, axis, layer);
  const inner = read(place);
  const around = new Map([[opposite, inner]]);
  if (axis.kind === 'nodes') around.set(wallNode, read(wallNode));
  const evaluated = (x: Node): Node =>
    residualIn(ev, leaf, wall, layer, location, residual, new Map([...around, [ghost, x]]));
  // From here an affine condition is solved with the fewest operations: dn(u) = 0 gives u, u = 0 gives -u.
  const start = hasDerivative(residual, leaf, axis.name) ? inner : neg(g, inner);
  const unknown = g.param(`ghost of ${leaf.name}`, { dtype, shape: shapeOf(location) });
  return solved(ev, leaf, wall, rule, unknown, evaluated, start, inner);
}

function fixedValue(ev: Evaluation, leaf: Leaf, wall: Wall, location: Location, rule: Equation): Node {
  const { graph: g, dtype } = ev.context;
  const axis = at(leaf.grid.axes, wall.axis);
  const { residual } = conditionAt(leaf, wall, rule);
  const place = wall.side === 'min' ? 0 : axis.count - 1;
  const evaluated = (x: Node): Node =>
    residualIn(ev, leaf, wall, 1, location, residual, new Map([[place, x]]));
  const unknown = g.param(`wall value of ${leaf.name}`, { dtype, shape: shapeOf(location) });
  const stored = location.reduce(
    (x, r, i) => (r.lo < 0 || r.hi > at(x.shape, i) ? x : section(g, x, i, r.lo, r.hi)),
    leaf.values,
  );
  const zero = full(g, shapeOf(location), 0, dtype);
  // Beside another wall the stored value may not exist; zero is a worse start, not a wrong one.
  const guess = stored.shape.every((n, i) => n === at(shapeOf(location), i)) ? stored : zero;
  return solved(ev, leaf, wall, rule, unknown, evaluated, zero, guess);
}

/** The root of `evaluated` in its argument: one Newton step from `start` when it is affine, NEWTON_STEPS from `guess` otherwise. */
function solved(
  ev: Evaluation,
  leaf: Leaf,
  wall: Wall,
  rule: Equation,
  unknown: Node,
  evaluated: (x: Node) => Node,
  start: Node,
  guess: Node,
): Node {
  const g = ev.context.graph;
  const value = evaluated(unknown);
  const one = full(g, unknown.shape, 1, unknown.dtype);
  const slope = jvp(g, [value], [unknown], [one])[0];
  if (slope === undefined || splatValue(slope) === 0) return undetermined(leaf, wall, rule.span);
  const newton = (x: Node, f: Node, df: Node): Node => {
    const known = splatValue(df);
    return sub(g, x, known === undefined ? div(g, f, df) : known === 1 ? f : mul(g, f, 1 / known));
  };
  if (!dependents([slope], [unknown]).has(slope)) return newton(start, evaluated(start), slope);
  let x = guess;
  for (let i = 0; i < NEWTON_STEPS; i++) {
    const [f, df] = substitute(g, [value, slope], new Map([[unknown, x]]));
    if (f === undefined || df === undefined)
      throw new InternalError('field.ghost', 'substitution lost a result');
    x = newton(x, f, df);
  }
  return x;
}

// ---- conditions

/** Whether the condition of a leaf at a wall fixes the unknown there: by nodes, a condition without a normal derivative. */
export function isFixed(leaf: Leaf, wall: Wall): boolean {
  const axis = at(leaf.grid.axes, wall.axis);
  const rule = ruleAt(leaf, wall);
  if (axis.periodic || axis.kind === 'cells' || rule.kind !== 'equation') return false;
  return conditionAt(leaf, wall, rule).determines === 'unknown';
}

interface WallCondition {
  readonly residual: FieldExpr;
  readonly determines: 'ghost' | 'unknown';
}

function conditionAt(leaf: Leaf, wall: Wall, rule: Equation): WallCondition {
  const residual = rule.residual();
  if (!partsOf(residual).includes(leaf)) undetermined(leaf, wall, rule.span);
  const axis = at(leaf.grid.axes, wall.axis);
  const ghost = axis.kind === 'cells' || hasDerivative(residual, leaf, axis.name);
  return { residual, determines: ghost ? 'ghost' : 'unknown' };
}

/** Whether a residual at a wall depends on a field there, and not only mentions it (0*u does not). */
export function influences(ev: Evaluation, leaf: Leaf, wall: Wall, residual: FieldExpr): boolean {
  const { graph, grid, dtype } = ev.context;
  const there = wallLocation(grid, wall);
  const axis = at(grid.axes, wall.axis);
  const low = wall.side === 'min';
  const positions = low ? [-1, 0, 1] : [axis.count, axis.count - 1, axis.count - 2];
  const values = new Map(positions.map((p) => [p, graph.param(leaf.name, { dtype, shape: shapeOf(there) })]));
  const value = residualIn(ev, leaf, wall, 1, there, residual, values);
  return dependents([value], values.values()).has(value);
}

/** Whether a derivative of `state` along `axis` occurs in it. */
function hasDerivative(e: FieldExpr, state: Leaf, axis: string): boolean {
  return partsOf(e).some(
    (part) =>
      (part.kind === 'dn' || (part.kind === 'diff' && part.axis === axis)) &&
      partsOf(part.arg).includes(state),
  );
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

function circular(ev: Evaluation, leaf: Leaf, wall: Wall): never {
  const names = [...new Set(ev.pending.map((p) => p.leaf.name))];
  const rule = ruleAt(leaf, wall);
  return fail(
    'E309',
    `the boundary conditions of ${names.join(' and ')} at ${wallName(leaf.grid, wall)} need each other`,
    rule.kind === 'equation' ? rule.span : undefined,
    'solve them for one state each, so that at most one of the conditions contains another state',
  );
}

function tooFew(leaf: Leaf, axis: GridAxis, layer: number): never {
  return fail(
    'E310',
    `axis \`${axis.name}\` of ${leaf.grid.name} has too few ${axis.kind} (${axis.count}) for a stencil that reaches ${layer} beyond the wall`,
    leaf.span,
    `use more ${axis.kind} along \`${axis.name}\``,
  );
}
