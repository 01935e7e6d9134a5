// Reading a leaf at unknowns, ghosts and fixed walls.
//
// A range that leaves the grid is read as concat([ghosts, values, ghosts]), axis by axis from the last to the first, so that the ghosts in the corners are the
// ghosts of the later axis beside the ghosts of the earlier ones. A periodic axis is read by rolling.
//
// Ghosts of boundary equations are solved for in wall_solution.ts. By nodes, an equation without a normal derivative fixes the unknown at the wall (a
// Dirichlet condition): the value stored there is never read, it is replaced by the solution of the equation; ghosts behind it continue the parabola through it
// and its two neighbours.

import { add, concat, mul } from '../ir/build.ts';
import type { Node } from '../ir/types.ts';
import { assertNever, fail } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import { plain, type Evaluation } from './evaluation.ts';
import { locationKey, replaceRange, wallName } from './grid.ts';
import { cyclic, section } from './stencil.ts';
import { isFixed, ruleAt, solvedAtWall, tooFew } from './wall_solution.ts';
import type { GridAxis, Leaf, Location, Wall } from './types.ts';

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

// ---- beyond the unknowns

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
      if (layer > 0 && isFixed(leaf, wall)) return extrapolated(ev, axis, layer, inside);
      return g.withOrigin(rule.span, () => solvedAtWall(ev, leaf, wall, layer, location));
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

// ---- errors

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
