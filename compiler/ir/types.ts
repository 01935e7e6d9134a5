// The array IR: a hash-consed directed acyclic graph of pure array operations with static shapes.
//
// Values are arrays of one element type. A node has one output, except the region operations (`scan`, `adjoint_scan`, `while`, `cond`) and the
// operations with a rule of their own for their derivative (`custom`, `transposed`, `linear_solve`, `check`), which have several and are read through `project` only. A region (the body of a loop, a branch) is CLOSED: its nodes depend on its own
// parameters and on constants only; whatever it captures is passed in as a constant operand. Nodes carry no scope: where a node belongs follows
// from the parameters it depends on, and what does not depend on a region's parameters is outside it by construction (loop-invariant work is
// hoisted for free).
//
// Elementwise operations demand operands of equal shape; broadcasting is explicit (`broadcast`). Float arithmetic is f32 or f64 by element type;
// the interpreter evaluates both in float64. Complex values do not exist here (pairs, made by the elaborator).
//
// Row-major order everywhere. Shapes may contain 0. A scalar has shape [].

import type { Span } from '../support/span.ts';

export type FloatType = 'f32' | 'f64';
export type DType = FloatType | 'i32' | 'u32' | 'bool';

export interface ArrayType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Elementwise functions of one argument; result type = argument type. `round` is half-to-even. `sign(0) = 0`. */
export type UnaryOp =
  | 'neg'
  | 'abs'
  | 'sign'
  | 'exp'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'tanh'
  | 'sqrt'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'not';

/**
 * Elementwise functions of two arguments of one type; result of that type. `rem` is floored (`a - b*floor(a/b)`), `idiv` the floored quotient of ints; both
 * are 0 for ints divided by 0. Integers wrap in 32 bits, shift distances count modulo 32, `shr` keeps the sign of an i32 (scalar.ts has it all).
 */
export type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'pow'
  | 'atan2'
  | 'max'
  | 'min'
  | 'rem'
  | 'idiv'
  | 'and'
  | 'or'
  | 'xor'
  | 'shl'
  | 'shr';

/** Elementwise comparisons, result bool. */
export type CompareOp = 'eq' | 'ne' | 'lt' | 'le';

type Empty = Readonly<Record<never, never>>;

export type ReduceKind = 'sum' | 'prod' | 'max' | 'min' | 'any' | 'all';

/** Attributes by operation: everything about a node that is neither an operand nor its type. */
export interface Attributes extends Record<UnaryOp | BinaryOp | CompareOp, Empty> {
  // ---- leaves
  /** A region's parameter or a program's input. Each has an identity of its own (never merged by interning). */
  param: { readonly name: string; readonly serial: number };
  /** A scalar constant (shape []); bool as 0/1. */
  const: { readonly value: number };
  /** A dense constant array in row-major order. */
  literal: { readonly data: Float64Array; readonly shape: readonly number[] };
  /** The index along `axis`, as dtype. */
  iota: { readonly shape: readonly number[]; readonly axis: number };
  // ---- elementwise, beyond unary, binary and comparisons
  /** (mask, a, b): a where mask else b. */
  select: Empty;
  /** Float to integer truncates and saturates, NaN gives 0; i32 and u32 wrap into each other; to bool is `!= 0`. */
  cast: { readonly dtype: DType };
  /** Reinterpret the bits: u32 <-> f32, u32 <-> i32. */
  bitcast: { readonly dtype: DType };
  /** Identity, "candidate for storage" (stage values, face fluxes, shifted reads); self-dual under differentiation. */
  keep: Empty;
  /** Identity with derivative zero; with a `refusal`, what it stands on may not be differentiated: activity.ts says so. */
  stop_gradient: { readonly refusal?: Refusal };
  /**
   * (x, the number of the path: u32, of the shape of x): the mean of x over the paths of an ensemble. It is made when the paths are batched, and is x for one path alone. Derivatives along one path: zero where the law
   * stands still, else the mean of the derivatives, all paths moving together.
   */
  path_mean: { readonly moves: boolean };
  /** Word 0..3 of Threefry-4x32-20. Operands: four key words, four counter words, all u32 of one shape. Derivative zero. */
  random_bits: { readonly word: 0 | 1 | 2 | 3 };
  // ---- movement
  reshape: { readonly shape: readonly number[] };
  /** result axis i is operand axis perm[i]. */
  transpose: { readonly perm: readonly number[] };
  /** Operand axis i becomes result axis axes[i] (strictly increasing, equal size); all other result axes repeat. */
  broadcast: { readonly shape: readonly number[]; readonly axes: readonly number[] };
  /** Per axis start (inclusive), limit (exclusive), stride >= 1. */
  slice: {
    readonly start: readonly number[];
    readonly limit: readonly number[];
    readonly stride: readonly number[];
  };
  /** Zeros around (low, high >= 0) and between (interior >= 0) the elements: the dual of slice. */
  pad: {
    readonly low: readonly number[];
    readonly high: readonly number[];
    readonly interior: readonly number[];
  };
  concat: { readonly axis: number };
  reverse: { readonly axes: readonly number[] };
  /** result[i] = operand[(i + shift) mod n] along axis. */
  roll: { readonly axis: number; readonly shift: number };
  // ---- reductions, contractions, indexing
  /** Removes the axes. max/min over an empty extent is an error. */
  reduce: { readonly kind: ReduceKind; readonly axes: readonly number[] };
  /** Index (i32) of the first largest/smallest element along axis; removes the axis. */
  arg_reduce: { readonly kind: 'max' | 'min'; readonly axis: number };
  /** Positions (i32) of the elements of each row along the last axis in ascending order: stable, NaN last. Not for bool. */
  argsort: Empty;
  /** Inclusive running sum along axis, from the end when reverse. */
  cumsum: { readonly axis: number; readonly reverse: boolean };
  /** [...B, m, k] @ [...B, k, n] -> [...B, m, n]. */
  dot: Empty;
  /** (table [...B, n, ...R], index i32 [...B, ...I]) -> [...B, ...I, ...R]; `batch` = rank of B; indices are clamped to 0..n-1. */
  gather: { readonly batch: number };
  /**
   * (index i32 [...B, ...I], update [...B, ...I, ...R]) -> [...B, size, ...R]: sums the updates; transposes gather (indices clamped as there). `indexRank` = rank of I. The scheduler gives
   * a third operand, rows_of the index.
   */
  scatter_add: { readonly batch: number; readonly indexRank: number; readonly size: number };
  /**
   * index i32 [...B, ...I] -> i32 [rows + 1 + n], n the number of indices, rows = size for every element of B: where the list of each row begins, then the lists: the positions of the indices
   * that are that row (clamped), in order. Made by the scheduler for scatters.
   */
  rows_of: { readonly batch: number; readonly size: number };
  // ---- regions
  scan: ScanAttributes;
  adjoint_scan: AdjointScanAttributes;
  while: WhileAttributes;
  cond: CondAttributes;
  // ---- computations with a derivative of their own; expanded into ordinary operations when all derivatives are taken
  custom: CustomAttributes;
  transposed: TransposedAttributes;
  linear_solve: LinearSolveAttributes;
  check: CheckAttributes;
  /** Output `index` of a region operation. */
  project: { readonly index: number };
}

/** What the user is told when a derivative would have to pass. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly help: string;
}

export type OpName = keyof Attributes;

export interface NodeOf<P extends OpName> {
  readonly op: P;
  /** Unique in its graph; operands have smaller ids than their users. */
  readonly id: number;
  readonly args: readonly Node[];
  readonly attrs: Attributes[P];
  /** Types of all outputs; one but for region operations. */
  readonly outputs: readonly ArrayType[];
  /** Of output 0. */
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The place in the `.flow` text this came from, when known. Not part of the node's identity. */
  readonly origin: Span | undefined;
}

export type Node = { [P in OpName]: NodeOf<P> }[OpName];

/**
 * A closed computation: `results` depend on `params` and constants only. In a region operation no parameter and no result is bool, but for that of a `while`
 * condition: booleans cross the border as i32 0/1 (region.ts packs and unpacks them).
 */
export interface Region {
  readonly params: readonly Node[];
  readonly results: readonly Node[];
}

/**
 * A loop of a fixed number of steps.
 *
 * operands: initial carries (`carries`), then arrays to step through (`xs`, leading axis = length), then constants.
 * body parameters: the step index (i32 scalar), carries, one slice of each xs, constants.
 * body results: new carries, then per-step outputs ys.
 * outputs: final carries, stacked ys (leading axis = length), then, when `snapshots > 0`, for every carry an array [snapshots, ...carry] that holds the
 * carry-in of the steps `snapshotPositions(length, snapshots)` (support/revolve.ts), steps counted in the order they run, also when `reverse`;
 * snapshots = length keeps every carry-in.
 * `reverse`: the index runs length-1 .. 0; xs and ys are addressed by the index.
 */
export interface ScanAttributes {
  readonly length: number;
  readonly carries: number;
  readonly xs: number;
  readonly body: Region;
  readonly reverse: boolean;
  readonly snapshots: number;
  /** How a reverse sweep through this loop gets its carried states; chosen by `adjoint:`. Carried along by differentiation. A loop of one step stays one under `recompute`. */
  readonly adjoint: AdjointPolicy;
}

/**
 * `store`: every carry-in is kept; `checkpoint`: as many as fit the budget in bytes (binomial schedule), `recompute`: a budget of ~2 sqrt(n) of them; `auto`: store up to a
 * fixed size, else a budget. All give the same bits: the same step computations run, only their order and number differ.
 */
export type AdjointPolicy =
  | { readonly kind: 'auto' | 'store' | 'recompute' }
  | { readonly kind: 'checkpoint'; readonly bytes: number }
  | ReversiblePolicy;

/**
 * Nothing is kept: `back`, with the parameters and carry results of the loop's body, takes what a step leaves behind to its carry-in. Only inside a derivative rule, for a loop that is
 * differentiated there and then (elaborate/solve/reversible_loop.ts): passes that change a loop's operands know nothing of `back`.
 */
export interface ReversiblePolicy {
  readonly kind: 'reversible';
  readonly back: Region;
}

/**
 * The reverse sweep of a `scan` of `length` steps whose carried states are known at `slots` snapshots: a binomial checkpoint schedule (slots = length: plain storage).
 *
 * operands: snapshots (`carries` of them, [slots, ...carry]; slot 0 holds the initial carry), initial cotangent carries (`cotangents`), xs (`xs`, leading axis length), constants.
 * forward parameters: index, carries, slices of xs, constants; results: new carries.
 * backward parameters: index, carry-in of that step (`carries`), cotangent carries, slices of xs, constants; results: new cotangent carries, then ys.
 * For index = length-1 .. 0: backward runs with the carry-in of step `index`.
 * outputs: final cotangent carries, stacked ys addressed by the index.
 */
export interface AdjointScanAttributes {
  readonly length: number;
  readonly slots: number;
  readonly carries: number;
  readonly cotangents: number;
  readonly xs: number;
  readonly forward: Region;
  readonly backward: Region;
}

/**
 * operands: carries, constants. `condition` (parameters: carries, constants; result: bool scalar) is tested before each turn; `body` has parameters index, carries,
 * constants and results carries. Ends after `limit` turns at the latest. outputs: final carries, number of turns (i32).
 *
 * `lanes`: so many leading axes hold elements that go their own ways (a batch): the condition is `any` over them, and an element for which it fails stands still, so
 * that it may as well end its own loop; the number of turns is then not asked for.
 */
export interface WhileAttributes {
  readonly carries: number;
  readonly condition: Region;
  readonly body: Region;
  readonly limit: number;
  readonly lanes?: number;
  /** How much of it a reverse sweep may keep: a budget, or about sqrt(limit) states (autodiff/bounded_scan.ts). */
  readonly adjoint?: AdjointPolicy;
}

/**
 * operands: predicate (bool scalar), then the operands of both branches. Only the branch taken runs.
 *
 * `lanes`: where the predicate does not hold, both branches give the same (a block of steps that stands still). With n > 0, so many leading axes hold elements that go their own ways (a
 * batch): the predicate is `any` over them, and an element for which its own does not hold gets the same from both branches, so that it may as well take its own.
 */
export interface CondAttributes {
  readonly then: Region;
  readonly else: Region;
  readonly lanes?: number;
}

/**
 * A computation whose derivative is given. operands: arguments (`args`), then captured values, which must not be differentiated (`captured` says how messages call them).
 * primal parameters: the operands; results: the outputs.
 * rule parameters: the operands, the outputs, then
 *   `tangent`: tangents of the float arguments; results: tangents of the float outputs, linear in them;
 *   `cotangent`: cotangents of the float outputs; results: cotangents of the float arguments.
 * `recompute` has no rule (an empty region): the derivative is that of the primal computation, which reverse mode runs again instead of keeping what is inside.
 */
export interface CustomAttributes {
  /** The function's name, for messages. */
  readonly name: string;
  readonly args: number;
  readonly captured: readonly string[];
  readonly primal: Region;
  readonly mode: 'tangent' | 'cotangent' | 'recompute';
  readonly rule: Region;
  /** A cotangent rule that is the exact derivative of the primal computation: forward mode is that of the computation. */
  readonly exact?: boolean;
}

/**
 * The transpose of a linear map that is given by its region: what forward mode makes of a cotangent rule. operands: residuals (`residuals`), then x.
 * map parameters: the residuals, then u; results: M u, of the types of x, linear in u. outputs: Mᵀ x, of the types of u.
 * `name`: the function whose rule it is, for messages.
 */
export interface TransposedAttributes {
  readonly name: string;
  readonly residuals: number;
  readonly map: Region;
}

/**
 * The solution of A x = b for a linear A, differentiated by the implicit-function theorem and never through the solver. operands: b (`unknowns` arrays), captured values.
 * Every region has the parameters of the operands, with x or b in front: `operator` gives A x, `adjoint` Aᵀ x, `solve` the solution of A x = b and
 * `adjointSolve` that of Aᵀ x = b. outputs: x.
 */
export interface LinearSolveAttributes {
  readonly unknowns: number;
  readonly operator: Region;
  readonly adjoint: Region;
  readonly solve: Region;
  readonly adjointSolve: Region;
}

/**
 * Values that go with a condition: when it does not hold somewhere, the run ends and says so (ir/checks.ts). operands: the values (`values`), the condition (bool of any shape), numbers to
 * be shown (floats of that shape). outputs: the values, unchanged. `site` tells apart the places of the program, `serial` the times it was met: a check in a branch is never the same node as
 * one that stands elsewhere.
 */
export interface CheckAttributes {
  readonly site: number;
  readonly serial: number;
  readonly values: number;
  /** The run goes on, and is told how often the condition did not hold. */
  readonly warns?: true;
  /** What an entry along each axis of the condition is called in messages, outermost first; '' for axes that no text of the program shows. None where the condition is one. */
  readonly members?: readonly string[];
}

/** A closed computation with named inputs and outputs: the unit that autodiff, schedule and interpreter take. `inputs[i]` names `region.params[i]`. */
export interface ArrayFunction {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly region: Region;
}

export function sizeOf(shape: readonly number[]): number {
  let n = 1;
  for (const extent of shape) n *= extent;
  return n;
}

export function isFloat(dtype: DType): dtype is FloatType {
  return dtype === 'f32' || dtype === 'f64';
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

export function showType(type: ArrayType): string {
  return type.shape.length === 0 ? type.dtype : `${type.dtype}[${type.shape.join(', ')}]`;
}
