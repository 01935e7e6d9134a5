// Views on the operands, parameters and results of loops, so that nobody else counts positions; and how many carried states a reverse sweep may keep.

import { at, range } from '../support/lists.ts';
import type { AdjointPolicy, ArrayType, DType, Node, NodeOf } from '../ir/types.ts';
import { sizeOf } from '../ir/types.ts';

export interface ScanParts {
  readonly index: Node;
  /** Operands. */
  readonly init: readonly Node[];
  readonly xs: readonly Node[];
  readonly consts: readonly Node[];
  /** Body parameters. */
  readonly carryParams: readonly Node[];
  readonly xParams: readonly Node[];
  readonly constParams: readonly Node[];
  /** Body results. */
  readonly carryResults: readonly Node[];
  readonly yResults: readonly Node[];
}

export function scanParts(node: NodeOf<'scan'>): ScanParts {
  const { carries: c, xs: x, body } = node.attrs;
  return {
    index: at(body.params, 0),
    init: node.args.slice(0, c),
    xs: node.args.slice(c, c + x),
    consts: node.args.slice(c + x),
    carryParams: body.params.slice(1, 1 + c),
    xParams: body.params.slice(1 + c, 1 + c + x),
    constParams: body.params.slice(1 + c + x),
    carryResults: body.results.slice(0, c),
    yResults: body.results.slice(c),
  };
}

export interface AdjointScanParts {
  /** Operands. */
  readonly snapshots: readonly Node[];
  readonly cotangents: readonly Node[];
  readonly xs: readonly Node[];
  readonly consts: readonly Node[];
  readonly forward: {
    readonly index: Node;
    readonly carryParams: readonly Node[];
    readonly xParams: readonly Node[];
    readonly constParams: readonly Node[];
    readonly results: readonly Node[];
  };
  readonly backward: {
    readonly index: Node;
    readonly carryParams: readonly Node[];
    readonly ctParams: readonly Node[];
    readonly xParams: readonly Node[];
    readonly constParams: readonly Node[];
    readonly ctResults: readonly Node[];
    readonly yResults: readonly Node[];
  };
}

export function adjointScanParts(node: NodeOf<'adjoint_scan'>): AdjointScanParts {
  const { carries: c, cotangents: m, xs: x, forward, backward } = node.attrs;
  return {
    snapshots: node.args.slice(0, c),
    cotangents: node.args.slice(c, c + m),
    xs: node.args.slice(c + m, c + m + x),
    consts: node.args.slice(c + m + x),
    forward: {
      index: at(forward.params, 0),
      carryParams: forward.params.slice(1, 1 + c),
      xParams: forward.params.slice(1 + c, 1 + c + x),
      constParams: forward.params.slice(1 + c + x),
      results: forward.results,
    },
    backward: {
      index: at(backward.params, 0),
      carryParams: backward.params.slice(1, 1 + c),
      ctParams: backward.params.slice(1 + c, 1 + c + m),
      xParams: backward.params.slice(1 + c + m, 1 + c + m + x),
      constParams: backward.params.slice(1 + c + m + x),
      ctResults: backward.results.slice(0, m),
      yResults: backward.results.slice(m),
    },
  };
}

export interface WhileParts {
  readonly index: Node;
  readonly init: readonly Node[];
  readonly consts: readonly Node[];
  readonly carryParams: readonly Node[];
  readonly constParams: readonly Node[];
  readonly results: readonly Node[];
}

/** The condition has the parameters [carries, constants] of its own; these are the body's. */
export function whileParts(node: NodeOf<'while'>): WhileParts {
  const { carries: c, body } = node.attrs;
  return {
    index: at(body.params, 0),
    init: node.args.slice(0, c),
    consts: node.args.slice(c),
    carryParams: body.params.slice(1, 1 + c),
    constParams: body.params.slice(1 + c),
    results: body.results,
  };
}

/** The elements whose flag is set. */
export function pick<T>(list: readonly T[], flags: readonly boolean[]): T[] {
  return list.filter((_, i) => flags[i] === true);
}

/** Positions whose flag is set. */
export function positions(flags: readonly boolean[]): number[] {
  return range(flags.length).filter((i) => flags[i] === true);
}

// ---- memory of a reverse sweep

const MEGABYTE = 1e6;
const STORE_UP_TO = 16 * MEGABYTE;
const AUTO_BUDGET = 256 * MEGABYTE;

/** Bytes of one element in device memory. */
export function bytesOf(dtype: DType): number {
  return dtype === 'f64' ? 8 : 4;
}

export function bytesOfTypes(types: readonly ArrayType[]): number {
  return types.reduce((sum, { dtype, shape }) => sum + bytesOf(dtype) * sizeOf(shape), 0);
}

/** How many of `length` carried states, `bytes` each, a reverse sweep keeps: 1 .. length (spec/derivatives.md, "Loops"). */
export function snapshotSlots(policy: AdjointPolicy, length: number, bytes: number): number {
  const within = (budget: number): number =>
    bytes === 0 ? length : Math.min(length, Math.max(1, Math.floor(budget / bytes)));
  switch (policy.kind) {
    case 'store':
      return length;
    case 'recompute':
      return sqrtSlots(length);
    case 'checkpoint':
      return within(policy.bytes);
    case 'auto':
    case 'reversible':
      return Math.max(within(STORE_UP_TO), Math.min(sqrtSlots(length), within(AUTO_BUDGET)));
  }
}

/** So many that no step is recomputed more than about once. */
function sqrtSlots(length: number): number {
  return Math.min(length, Math.ceil(2 * Math.sqrt(length)));
}
