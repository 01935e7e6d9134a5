// The kernel IR: what one dispatch does. A `map` kernel runs its body once for every point of a rectangular iteration space; the points are independent of each other (no
// point reads what another writes in the same dispatch), so a target may run them in any order and on any number of threads. Whole time loops of small systems live inside a
// body (`for`, `while`, local variables). A `matmul` kernel is a batched matrix product that a target tiles as it likes.
//
// Invariants: expressions are trees (what is used twice has been bound by `let`); every variable is bound before use; indices are flat element indices, i32, row-major.
// A load outside 0..length-1 gives an unspecified value but never a fault (targets clamp, or prove that it cannot happen); a store outside never happens.
// `select` may evaluate both sides. Buffers hold no bool: a stored bool is a u32 of 0 or 1.

import type { BinaryOp, CompareOp, DType, UnaryOp } from '../ir/types.ts';
import type { Span } from '../support/span.ts';

export type BufferType = Exclude<DType, 'bool'>;

export type Expr =
  | { readonly kind: 'const'; readonly type: DType; readonly value: number }
  /** A bound variable: an axis of the space, a `let`, a `var`, a loop counter. */
  | { readonly kind: 'var'; readonly type: DType; readonly name: string }
  /** A run-time integer of the dispatch (i32): counters of the loops around it. */
  | { readonly kind: 'uniform'; readonly type: 'i32'; readonly index: number }
  | { readonly kind: 'load'; readonly type: BufferType; readonly buffer: number; readonly index: Expr }
  /** Element of a local array (registers). */
  | { readonly kind: 'local'; readonly type: DType; readonly array: string; readonly index: Expr }
  | { readonly kind: 'unary'; readonly type: DType; readonly op: UnaryOp; readonly a: Expr }
  | {
      readonly kind: 'binary';
      readonly type: DType;
      readonly op: BinaryOp;
      readonly a: Expr;
      readonly b: Expr;
      /** Of a float product: it is rounded before anything is added to it, and no target may contract it into a multiply-add (schedule/decisions.ts). */
      readonly rounded?: true;
    }
  | {
      readonly kind: 'compare';
      readonly type: 'bool';
      readonly op: CompareOp;
      readonly a: Expr;
      readonly b: Expr;
    }
  | {
      readonly kind: 'select';
      readonly type: DType;
      readonly condition: Expr;
      readonly then: Expr;
      readonly else: Expr;
    }
  /** float -> int truncates towards zero (values out of range: unspecified); bool -> number 0/1; number -> bool `!= 0`. */
  | { readonly kind: 'cast'; readonly type: DType; readonly a: Expr }
  | { readonly kind: 'bitcast'; readonly type: DType; readonly a: Expr }
  /** Word of Threefry-4x32-20 (support/threefry.ts): four key words, four counter words. */
  | {
      readonly kind: 'random';
      readonly type: 'u32';
      readonly word: 0 | 1 | 2 | 3;
      readonly key: readonly Expr[];
      readonly counter: readonly Expr[];
    };

export type Statement =
  | { readonly kind: 'let'; readonly name: string; readonly value: Expr }
  /** All four words of one Threefry block at once, bound to four u32 names. */
  | {
      readonly kind: 'random_block';
      readonly names: readonly [string, string, string, string];
      readonly key: readonly Expr[];
      readonly counter: readonly Expr[];
    }
  | { readonly kind: 'var'; readonly name: string; readonly value: Expr }
  | { readonly kind: 'assign'; readonly name: string; readonly value: Expr }
  /** A local array of `length` elements, zero at the start; `unset`: every element is written before it is read, so that nothing need be cleared. */
  | {
      readonly kind: 'array';
      readonly name: string;
      readonly type: DType;
      readonly length: number;
      readonly unset?: boolean;
    }
  | { readonly kind: 'assign_local'; readonly array: string; readonly index: Expr; readonly value: Expr }
  | { readonly kind: 'store'; readonly buffer: number; readonly index: Expr; readonly value: Expr }
  /** name runs from `from` to `to`-1 (or from `to`-1 down to `from` when `down`). */
  | {
      readonly kind: 'for';
      readonly name: string;
      readonly from: Expr;
      readonly to: Expr;
      readonly down: boolean;
      readonly body: readonly Statement[];
    }
  /** At most `limit` turns; `counter` counts them; `condition` is computed by `before` each turn. */
  | {
      readonly kind: 'while';
      readonly counter: string;
      readonly limit: number;
      readonly before: readonly Statement[];
      readonly condition: Expr;
      readonly body: readonly Statement[];
    }
  /** `together`: where the condition does not hold both branches give the same, so that points computed together may all take `then` when one of them does. */
  | {
      readonly kind: 'if';
      readonly condition: Expr;
      readonly then: readonly Statement[];
      readonly else: readonly Statement[];
      readonly together?: true;
    }
  /**
   * name = combine of `value` over a loop nest; the order is the target's choice but fixed (same bits on every run and any number of threads). `body` is evaluated at each
   * point before `value`. Empty extents give the neutral element.
   */
  | {
      readonly kind: 'reduce';
      readonly name: string;
      readonly type: DType;
      readonly combine: 'sum' | 'prod' | 'max' | 'min' | 'any' | 'all';
      readonly loops: readonly { readonly name: string; readonly extent: number }[];
      readonly body: readonly Statement[];
      readonly value: Expr;
    };

export interface KernelBuffer {
  readonly name: string;
  readonly type: BufferType;
  /** Elements. */
  readonly length: number;
  readonly access: 'read' | 'write' | 'read_write';
}

interface KernelCommon {
  /** Unique in its plan, an identifier: `heat_stage2`. */
  readonly name: string;
  readonly buffers: readonly KernelBuffer[];
  /** Names of the run-time integers, e.g. `step`. */
  readonly uniforms: readonly string[];
  /** Places in the `.flow` text, for comments in the emitted code. */
  readonly origins: readonly Span[];
}

export interface MapKernel extends KernelCommon {
  readonly kind: 'map';
  /** Row-major; the last axis is the contiguous one. May be [] (one point). */
  readonly space: readonly number[];
  /** Name of the i32 variable of each axis. */
  readonly axes: readonly string[];
  readonly body: readonly Statement[];
}

/** c[b, i, j] (+)= sum_k a[b, i, k] * b[b, k, j]. Element [b, i, k] of `a` lies at offset + b*batchStride + i*rowStride + k*columnStride. */
export interface MatmulKernel extends KernelCommon {
  readonly kind: 'matmul';
  readonly type: 'f32' | 'f64';
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: MatrixView;
  readonly b: MatrixView;
  readonly c: MatrixView;
}

export interface MatrixView {
  readonly buffer: number;
  readonly offset: number;
  readonly batchStride: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

export type Kernel = MapKernel | MatmulKernel;

export const BYTES: { readonly [T in BufferType]: number } = { f32: 4, f64: 8, i32: 4, u32: 4 };
