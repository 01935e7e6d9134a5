// Geometry of grids: spacings, positions, walls, measures, coordinates as array nodes. Everything is arithmetic on the index (`iota`), so that neither the
// size of the program nor the time to make it grows with the number of cells.

import { add, broadcastAxes, concat, full, mul } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import type { FloatType, Node } from '../ir/types.ts';
import { didYouMean } from '../support/did_you_mean.ts';
import { fail } from '../support/diagnostic.ts';
import { at, spoken } from '../support/lists.ts';
import type { Span } from '../support/span.ts';
import type { AxisRange, FieldContext, Grid, GridAxis, Location, Side, Wall } from './types.ts';

/** Distance between neighbouring unknowns. */
export function spacing(axis: GridAxis): number {
  const length = axis.to - axis.from;
  return axis.kind === 'nodes' && !axis.periodic ? length / (axis.count - 1) : length / axis.count;
}

/** Offset of position 0 from `from`, in spacings. */
export function firstOffset(axis: GridAxis, kind: AxisRange['kind']): number {
  if (axis.kind === 'cells') return kind === 'centre' ? 0.5 : 0;
  return kind === 'centre' ? 0 : -0.5;
}

export function countsOf(grid: Grid): number[] {
  return grid.axes.map((axis) => axis.count);
}

/** The product of the spacings: the measure of a cell, without the halves and quarters of nodes at walls. */
export function cellMeasure(grid: Grid, skip?: number): number {
  return grid.axes.reduce((product, axis, i) => (i === skip ? product : product * spacing(axis)), 1);
}

/** The index of an axis by name; a name the grid does not have is the user's error. */
export function axisIndex(grid: Grid, name: string, span?: Span): number {
  const index = grid.axes.findIndex((axis) => axis.name === name);
  if (index >= 0) return index;
  const names = grid.axes.map((axis) => axis.name);
  const close = didYouMean(name, names);
  return fail(
    'E305',
    `${grid.arguments === undefined ? grid.name : 'this function'} has no coordinate \`${name}\``,
    span,
    close === undefined
      ? `its coordinates are ${spoken(names.map((n) => `\`${n}\``))}`
      : `did you mean \`${close}\`?`,
  );
}

/** Refuses grids on which nothing can be computed: no or fractional counts, empty or infinite intervals, a single node between two walls. */
export function checkGrid(grid: Grid, span?: Span): void {
  for (const axis of grid.axes) {
    const { name, from, to, count } = axis;
    const least = axis.kind === 'nodes' && !axis.periodic ? 2 : 1;
    if (!Number.isInteger(count) || count < least)
      fail(
        'E313',
        `axis \`${name}\` of ${grid.name} has ${count} ${axis.kind}`,
        span,
        `give a whole number of ${axis.kind}, at least ${least}`,
      );
    if (!(Number.isFinite(from) && Number.isFinite(to) && from < to))
      fail(
        'E314',
        `axis \`${name}\` of ${grid.name} goes from ${from} to ${to}`,
        span,
        'the interval of a coordinate is written `low .. high` with low < high, both finite',
      );
  }
}

/** Whether two grids have the same unknowns: the same axes in the same order. */
export function sameGrid(a: Grid, b: Grid): boolean {
  return (
    a === b ||
    (a.axes.length === b.axes.length &&
      a.axes.every((x, i) => {
        const y = at(b.axes, i);
        return (
          x.name === y.name &&
          x.from === y.from &&
          x.to === y.to &&
          x.count === y.count &&
          x.kind === y.kind &&
          x.periodic === y.periodic
        );
      }))
  );
}

// ---- locations

/** All unknowns. */
export function unknowns(grid: Grid): Location {
  return grid.axes.map((axis) => ({ kind: 'centre', lo: 0, hi: axis.count }));
}

/** All faces along one axis, at the centres of the others: count + 1 of cells, count - 1 of nodes (between them), count on a periodic axis. */
export function facesAlong(grid: Grid, axis: number): Location {
  return grid.axes.map((a, i) => {
    if (i !== axis) return { kind: 'centre', lo: 0, hi: a.count };
    if (a.periodic) return { kind: 'face', lo: 0, hi: a.count };
    return a.kind === 'cells'
      ? { kind: 'face', lo: 0, hi: a.count + 1 }
      : { kind: 'face', lo: 1, hi: a.count };
  });
}

/** The place of a wall along its axis. On a periodic axis, where there is no wall, the seam. */
export function wallRange(axis: GridAxis, side: Side): AxisRange {
  if (axis.kind === 'cells') {
    const face = side === 'min' ? 0 : axis.count;
    return { kind: 'face', lo: face, hi: face + 1 };
  }
  const node = side === 'min' ? 0 : axis.periodic ? axis.count : axis.count - 1;
  return { kind: 'centre', lo: node, hi: node + 1 };
}

/** A wall, at the centres of the other axes. */
export function wallLocation(grid: Grid, wall: Wall): Location {
  return replaceRange(unknowns(grid), wall.axis, wallRange(at(grid.axes, wall.axis), wall.side));
}

export function replaceRange(location: Location, axis: number, range: AxisRange): Location {
  return location.map((r, i) => (i === axis ? range : r));
}

export function shapeOf(location: Location): number[] {
  return location.map((r) => r.hi - r.lo);
}

export function locationKey(location: Location): string {
  return location.map((r) => `${r.kind === 'centre' ? 'c' : 'f'}${r.lo}:${r.hi}`).join(',');
}

/** `x.min`, as the user writes it. */
export function wallName(grid: Grid, wall: Wall): string {
  return `${at(grid.axes, wall.axis).name}.${wall.side}`;
}

// ---- coordinates

/** first + step*i for i = 0 .. count - 1. */
export function ramp(g: Graph, first: number, step: number, count: number, dtype: FloatType): Node {
  if (count === 1) return full(g, [1], first, dtype);
  return add(g, mul(g, g.iota([count], 0, dtype), step), first);
}

/** The coordinates of an axis at positions lo .. hi - 1, shape [hi - lo]. */
export function coordinatesAt(g: Graph, axis: GridAxis, range: AxisRange, dtype: FloatType): Node {
  const h = spacing(axis);
  const first = axis.from + (range.lo + firstOffset(axis, range.kind)) * h;
  return ramp(g, first, h, range.hi - range.lo, dtype);
}

/** The coordinates of the unknowns of one axis, shape [count]. */
export function coordinateValues(g: Graph, grid: Grid, axis: number, dtype: FloatType): Node {
  const a = at(grid.axes, axis);
  return coordinatesAt(g, a, { kind: 'centre', lo: 0, hi: a.count }, dtype);
}

/** A vector along one axis repeated over a shape. */
export function alongAxis(g: Graph, vector: Node, shape: readonly number[], axis: number): Node {
  return shape.length === 1 ? vector : broadcastAxes(g, vector, shape, [axis]);
}

// ---- measures

/** The weights of the trapezoid rule in spacings, shape [count]: 1, and a half at a wall. Undefined where all are 1. */
export function endWeights(g: Graph, axis: GridAxis, dtype: FloatType): Node | undefined {
  if (axis.kind === 'cells' || axis.periodic) return undefined;
  const half = full(g, [1], 0.5, dtype);
  const inside = axis.count - 2;
  return inside === 0 ? full(g, [2], 0.5, dtype) : concat(g, [half, full(g, [inside], 1, dtype), half], 0);
}

// ---- contexts

/** A context with an empty memo. */
export function fieldContext(
  graph: Graph,
  grid: Grid,
  dtype: FloatType,
  options: { readonly time?: Node | undefined; readonly keepFaces?: boolean | undefined } = {},
): FieldContext {
  return { graph, grid, dtype, memo: new Map(), time: options.time, keepFaces: options.keepFaces };
}
