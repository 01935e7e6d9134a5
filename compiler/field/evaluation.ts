// The state of one demand: the context, and when a boundary condition or a trace is evaluated, at which wall. Passed down through demand.ts and ghost.ts,
// which call each other through `demand`.
//
// A boundary condition is evaluated in a mirror: a view of the two or three positions next to a wall in which the ghost value is a given node. Layer 1 is
// the grid itself; layer k >= 2 pairs the k-th ghost with the k-th unknown before the wall, which is the condition on a grid k times (nodes) or 2k-1 times
// (cells) coarser. Positions along the wall's axis keep the numbers of layer 1, so that everything else works unchanged.

import type { Node } from '../ir/types.ts';
import { at } from '../support/lists.ts';
import { spacing } from './grid.ts';
import type { FieldContext, FieldExpr, GridAxis, Leaf, Location, Wall } from './types.ts';

export interface Mirror {
  readonly wall: Wall;
  readonly layer: number;
  /** The fields whose ghosts are sought: their values at the positions of the mirror, each of extent 1 along the wall's axis. */
  readonly states: ReadonlyMap<Leaf, ReadonlyMap<number, Node>>;
  /** The ranges of the other axes (the entry of the wall's own axis means nothing). */
  readonly across: Location;
}

/** A ghost being solved for, to notice conditions that need each other. */
export interface Pending {
  readonly leaf: Leaf;
  readonly wall: Wall;
  readonly key: string;
}

/** A derivative that transports a state: the parameter that stands for it, its value, and what a unit of its weight in the rate dissipates. */
export interface TransportTerm {
  readonly stand: Node;
  readonly mean: Node;
  readonly jump: Node;
}

export interface Evaluation {
  readonly context: FieldContext;
  readonly memo: Map<FieldExpr, Map<string, Node>>;
  /** The wall at which `dn` and `normal` have a meaning. */
  readonly wall: Wall | undefined;
  readonly mirror: Mirror | undefined;
  readonly pending: readonly Pending[];
  /** Set while the rate of `own` is evaluated under a scheme with one-sided values: transport.ts. */
  readonly transport?: { readonly own: Leaf; readonly terms: TransportTerm[] } | undefined;
  /** Values of a leaf at one location (its key), in the place of those between its unknowns. */
  readonly given?: { readonly leaf: Leaf; readonly node: Node; readonly place: string } | undefined;
  /** Derivatives are zero. */
  readonly still?: boolean;
  readonly demand: (ev: Evaluation, e: FieldExpr, location: Location) => Node;
}

/** The evaluation on the grid itself, for reading fields other than the one in the mirror. */
export function plain(ev: Evaluation): Evaluation {
  return ev.wall === undefined && ev.mirror === undefined
    ? ev
    : {
        ...ev,
        memo: ev.context.memo,
        wall: undefined,
        mirror: undefined,
        transport: undefined,
        given: undefined,
        still: false,
      };
}

/** The axis as the evaluation sees it: coarser along the normal of a mirror of layer 2 and beyond. */
export function axisSeen(ev: Evaluation, index: number): GridAxis {
  const axis = at(ev.context.grid.axes, index);
  const { mirror } = ev;
  if (mirror === undefined || mirror.layer === 1 || mirror.wall.axis !== index) return axis;
  const cells = axis.kind === 'cells';
  const h = spacing(axis) * (cells ? 2 * mirror.layer - 1 : mirror.layer);
  const length = h * (cells ? axis.count : axis.count - 1);
  return mirror.wall.side === 'min'
    ? { ...axis, to: axis.from + length }
    : { ...axis, from: axis.to - length };
}

/** The position on the grid that a position of a mirror stands for. */
export function mirrored(
  axis: GridAxis,
  { wall: { side }, layer }: Pick<Mirror, 'wall' | 'layer'>,
  position: number,
): number {
  const low = side === 'min';
  if (axis.kind === 'nodes') {
    const wall = low ? 0 : axis.count - 1;
    return wall + (position - wall) * layer;
  }
  const inside = low ? position >= 0 : position < axis.count;
  const inwards = low ? layer - 1 : 1 - layer;
  return position + (inside ? inwards : -inwards);
}
