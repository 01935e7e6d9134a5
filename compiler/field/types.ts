// Fields as the discretisation sees them: grids, places on a grid, and symbolic field expressions. Plain data; `demand.ts` turns an expression into array
// nodes at the places asked for, and nothing here knows of the syntax tree or of the elaborator's values.
//
// A grid is a product of axes. An axis has `count` unknowns, at the centres of its cells (`cells`) or at its nodes (`nodes`):
//   cells: h = (to - from)/count,                                    unknown i at from + (i + 1/2) h, face i at from + i h
//   nodes: h = (to - from)/(count - 1), periodic (to - from)/count,  unknown i at from + i h,         face i at from + (i - 1/2) h
// Face i is the low face of unknown i on either kind. A non-periodic axis has a wall at either end: face 0 and face `count` of cells, node 0 and node
// `count - 1` of nodes. Positions before 0 and from `count` on are the halo, filled by the ghost rules of the leaves.

import type { Graph } from '../ir/graph.ts';
import type { FloatType, Node } from '../ir/types.ts';
import type { Span } from '../support/span.ts';

export interface GridAxis {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Number of unknowns. */
  readonly count: number;
  readonly kind: 'cells' | 'nodes';
  readonly periodic: boolean;
  /** How fields are approximated along this axis; without one by central differences and means of second order. */
  readonly scheme?: Scheme;
}

/**
 * A space scheme (schemes.ts). Weights of stencils are those of unit spacing.
 * `stencil`: `face` and `slope` give a value and a derivative at face i from unknowns i - m .. i + m - 1 (2m weights), and as well at unknown i from faces
 * i - m + 1 .. i + m; `derivatives[k - 1]` the k-th derivative at unknown i from i - m .. i + m (2m + 1 weights).
 * `whole`: a linear map of the values at all unknowns of a periodic axis to the derivative of an order (0: the value) at places `shift` spacings further.
 */
export type Scheme = StencilScheme | WholeScheme;

export interface StencilScheme {
  readonly kind: 'stencil';
  /** Equal for equal schemes, different for different ones. */
  readonly key: string;
  readonly face: readonly number[];
  readonly slope: readonly number[];
  readonly derivatives: readonly (readonly number[])[];
  /** The value at a face seen from one side, of 2 reach + 1 unknowns in order towards the face and beyond, the nearest on that side in the middle. Transport (transport.ts) takes it. */
  readonly biased?: { readonly reach: number; readonly apply: (values: readonly Node[]) => Node };
}

export interface WholeScheme {
  readonly kind: 'whole';
  readonly key: string;
  readonly apply: (x: Node, axis: number, along: GridAxis, order: number, shift: number) => Node;
}

export interface Grid {
  readonly name: string;
  readonly axes: readonly GridAxis[];
  /** Set on domains of coordinates only: fields on them are functions, evaluated exactly at points (exact.ts), and have no values at unknowns. */
  readonly exact?: true;
  /** Set on the coordinates of a function outside of any domain: all its arguments, the time among them. */
  readonly arguments?: readonly string[];
}

export type Side = 'min' | 'max';

/** One end of a non-periodic axis. `axis` is an index into the grid's axes. */
export interface Wall {
  readonly axis: number;
  readonly side: Side;
}

/** Positions `lo` .. `hi - 1` of one axis; they may lie in the halo. */
export interface AxisRange {
  readonly kind: 'centre' | 'face';
  readonly lo: number;
  readonly hi: number;
}

/** One range an axis, in the order of the grid. The array demanded there has shape `hi - lo`. */
export type Location = readonly AxisRange[];

/**
 * How the values of a leaf go on beyond a wall.
 * `even`: mirrored (parameters inside a model). `extrapolate`: by the parabola through the three last unknowns (outside models: one-sided differences of
 * second order at the ends). `equation`: such that `residual`, an expression in the leaf itself, `dn(leaf)`, coordinates, time, parameters and other fields,
 * vanishes at the wall; a function of the leaf that carries the rule, which it mentions. Where it mentions another leaf of the same name instead (rules
 * handed on to new values: a stage, a saved state), the condition is applied to the leaf that carries the rule. `missing`: no condition was given; needing one is an error.
 * A periodic axis wraps and asks for no rule.
 */
export type GhostRule =
  | { readonly kind: 'even' }
  | { readonly kind: 'extrapolate' }
  | {
      readonly kind: 'equation';
      readonly residual: (self: Leaf) => FieldExpr;
      readonly span?: Span | undefined;
    }
  | { readonly kind: 'missing'; readonly span?: Span | undefined };

export interface AxisGhosts {
  readonly min: GhostRule;
  readonly max: GhostRule;
}

interface Placed {
  /** Where it stands in the source, for messages and the origin of nodes. */
  readonly span?: Span | undefined;
}

/** A state, a parameter or data: values at the unknowns of `grid` (shape = counts), with a rule for every wall. Compared by identity. */
export interface Leaf extends Placed {
  readonly kind: 'leaf';
  readonly name: string;
  readonly grid: Grid;
  readonly values: Node;
  /** One entry an axis. */
  readonly ghosts: readonly AxisGhosts[];
}

/** A number without a place (shape []). */
export interface Scalar extends Placed {
  readonly kind: 'scalar';
  readonly node: Node;
}

/** The coordinate of axis `axis` (a name), exact wherever it is demanded. */
export interface Coordinate extends Placed {
  readonly kind: 'coordinate';
  readonly axis: string;
}

/** A function of the coordinates (by axis name, each of the demanded shape), evaluated wherever it is demanded. May give bool: a region. */
export interface Analytic extends Placed {
  readonly kind: 'analytic';
  readonly name: string;
  readonly apply: (g: Graph, coordinates: Readonly<Record<string, Node>>) => Node;
}

/** An elementwise function: all arguments come at one location and in its shape, the result has that shape. */
export interface MapExpr extends Placed {
  readonly kind: 'map';
  readonly name: string;
  readonly args: readonly FieldExpr[];
  readonly apply: (g: Graph, args: readonly Node[]) => Node;
}

/** The first derivative along axis `axis` (a name). Higher ones are nested. */
export interface Diff extends Placed {
  readonly kind: 'diff';
  readonly arg: FieldExpr;
  readonly axis: string;
}

/** `at cells(e)`, `at faces(e)`: e is evaluated there, and the result, not the leaves, is averaged when demanded elsewhere. */
export interface At extends Placed {
  readonly kind: 'at';
  readonly arg: FieldExpr;
  readonly where: 'cells' | 'faces';
}

/** e at the unknowns; between two unknowns the harmonic mean 2ab/(a + b). */
export interface Harmonic extends Placed {
  readonly kind: 'harmonic';
  readonly arg: FieldExpr;
}

/** dn(e): the derivative along the outward normal; has a meaning at a wall only (boundary equations, traces and integrals over a wall). */
export interface WallDerivative extends Placed {
  readonly kind: 'dn';
  readonly arg: FieldExpr;
}

/** Component `axis` of the outward normal: -1, 0 or 1; at a wall only. */
export interface Normal extends Placed {
  readonly kind: 'normal';
  readonly axis: string;
}

export type FieldExpr =
  Leaf | Scalar | Coordinate | Analytic | MapExpr | Diff | At | Harmonic | WallDerivative | Normal;

/**
 * What was demanded before: the same expression (by identity) at the same location is the same node. Valid for one graph, grid and time, and for leaf values
 * that do not change (they are part of the leaf's identity).
 */
export type DemandMemo = Map<FieldExpr, Map<string, Node>>;

/** Everything a demand depends on beside the expression and the place. */
export interface FieldContext {
  readonly graph: Graph;
  readonly grid: Grid;
  readonly dtype: FloatType;
  /** Time as a scalar: analytic functions get it as the coordinate `t` (unless an axis has that name). */
  readonly time?: Node | undefined;
  readonly memo: DemandMemo;
  /** Mark face fluxes as candidates for storage (`keep`). */
  readonly keepFaces?: boolean | undefined;
}
