// The body of one kernel while it is written: nested scopes of statements, names, and the buffers and run-time integers it uses.
//
// Every computed value is bound by `let` in the outermost scope that its operands allow (loop-invariant work leaves the loops by itself); `tidy.ts` puts single uses back into
// trees. Inside a branch nothing that costs is moved out of it.

import { InternalError } from '../support/diagnostic.ts';
import { at, last } from '../support/lists.ts';
import { cast, compare, constant, load, store, uniform, variable } from '../kernel/build.ts';
import type { BufferType, Expr, KernelBuffer, Statement } from '../kernel/types.ts';
import type { DType } from '../ir/types.ts';
import type { Index } from './index_algebra.ts';
import { IndexAlgebra } from './index_algebra.ts';

/** A value of one element, and the depth of the innermost scope it depends on. */
export interface Value {
  readonly expr: Expr;
  readonly depth: number;
}

/** Where an array lies, as a kernel sees it: in its buffer `buffer`, from element `base` (plus the run-time integer `uniform`). */
export interface Place {
  readonly buffer: number;
  readonly type: BufferType;
  readonly base: number;
  readonly uniform: number | undefined;
}

interface Scope {
  readonly statements: Statement[];
  /** What to forget when the scope closes. */
  readonly undo: (() => void)[];
  readonly branch: boolean;
}

/** A buffer as given to the writer; `access` is found out. */
export interface BoundBuffer {
  readonly name: string;
  readonly type: BufferType;
  readonly length: number;
}

export class Writer {
  readonly index: IndexAlgebra = new IndexAlgebra((value, depth) => this.name(value, depth, 'n'));
  private readonly scopes: Scope[] = [{ statements: [], undo: [], branch: false }];
  private readonly counts = new Map<string, number>();
  private readonly reads = new Set<number>();
  private readonly writes = new Set<number>();
  private readonly offsets = new Map<number, Index>();
  /** Scratch memory of all threads, by element type: its buffer and elements so far. */
  readonly scratch = new Map<BufferType, { readonly buffer: number; elements: number }>();

  constructor(readonly buffers: BoundBuffer[]) {}

  get depth(): number {
    return this.scopes.length - 1;
  }

  fresh(prefix: string): string {
    const n = this.counts.get(prefix) ?? 0;
    this.counts.set(prefix, n + 1);
    return `${prefix}${n}`;
  }

  append(statement: Statement): void {
    last(this.scopes).statements.push(statement);
  }

  /** Appends in the scope of that depth, or of the innermost open branch; returns the depth. */
  appendAt(depth: number, statement: Statement): number {
    const target = Math.max(depth, this.floor());
    at(this.scopes, target).statements.push(statement);
    return target;
  }

  /** Opens a scope one deeper than the present; returns its depth. */
  open(branch = false): number {
    this.scopes.push({ statements: [], undo: [], branch });
    return this.depth;
  }

  close(): Statement[] {
    const scope = this.scopes.pop();
    if (scope === undefined || this.scopes.length === 0)
      throw new InternalError('schedule.writer', 'no scope to close');
    for (const undo of scope.undo) undo();
    return scope.statements;
  }

  whenClosed(depth: number, undo: () => void): void {
    if (depth > 0) at(this.scopes, depth).undo.push(undo);
  }

  /** The depth of the innermost branch that is open. */
  private floor(): number {
    for (let depth = this.depth; depth > 0; depth--) if (at(this.scopes, depth).branch) return depth;
    return 0;
  }

  private name(value: Expr, depth: number, prefix: string): Expr {
    if (value.kind === 'const' || value.kind === 'var') return value;
    const name = this.fresh(prefix);
    at(this.scopes, depth).statements.push({ kind: 'let', name, value });
    return variable(value.type, name);
  }

  /** Gives the value a name in the outermost scope allowed. */
  bind(expr: Expr, depth: number): Value {
    if (expr.kind === 'const') return { expr, depth: 0 };
    if (expr.kind === 'var') return { expr, depth };
    const target = Math.max(depth, this.floor());
    return { expr: this.name(expr, target, 'v'), depth: target };
  }

  /** A name of its own, for a value that must not change with the variable it is read from. */
  freeze(value: Value): Value {
    if (value.expr.kind !== 'var') return value;
    const name = this.fresh('v');
    this.append({ kind: 'let', name, value: value.expr });
    return { expr: variable(value.expr.type, name), depth: this.depth };
  }

  private address(place: Place, flat: Index): Index {
    const shifted = this.index.shift(flat, place.base);
    if (place.uniform === undefined) return shifted;
    let offset = this.offsets.get(place.uniform);
    if (offset === undefined) {
      offset = this.index.offset(uniform(place.uniform));
      this.offsets.set(place.uniform, offset);
    }
    return this.index.add(shifted, offset);
  }

  /** Element `flat` of an array of element type `dtype` at `place`. */
  load(place: Place, flat: Index, dtype: DType): Value {
    this.reads.add(place.buffer);
    const address = this.address(place, flat);
    // A constant address outside the array can only stand behind a guard that is never passed.
    const length = at(this.buffers, place.buffer).length;
    if (address.terms.length === 0 && (address.constant < 0 || address.constant >= length))
      return { expr: constant(dtype, 0), depth: 0 };
    const element = load(place.type, place.buffer, this.index.expr(address));
    const value = dtype === 'bool' ? compare('ne', element, constant(place.type, 0)) : element;
    // What this kernel also writes is read where it stands, not before.
    const depth = this.writes.has(place.buffer) ? this.depth : address.depth;
    return this.bind(value, depth);
  }

  store(place: Place, flat: Index, value: Expr): void {
    this.writes.add(place.buffer);
    const address = this.index.expr(this.address(place, flat));
    this.append(store(place.buffer, address, value.type === 'bool' ? cast(place.type, value) : value));
  }

  /** Declares that the kernel will write the buffer. */
  willWrite(buffer: number): void {
    this.writes.add(buffer);
  }

  /** Scratch memory of `elements` elements for each of `threads` threads; the elements of the threads are interleaved. */
  scratchPlace(type: BufferType, elements: number, threads: number): Place {
    let block = this.scratch.get(type);
    if (block === undefined) {
      block = { buffer: this.buffers.length, elements: 0 };
      this.buffers.push({ name: `scratch_${type}`, type, length: 0 });
      this.scratch.set(type, block);
    }
    const base = block.elements;
    block.elements += elements * threads;
    this.buffers[block.buffer] = { name: `scratch_${type}`, type, length: block.elements };
    return { buffer: block.buffer, type, base, uniform: undefined };
  }

  /** A local array for the whole kernel, to be written before it is read. */
  localArray(type: DType, length: number): string {
    const name = this.fresh('own');
    this.appendAt(0, { kind: 'array', name, type, length, unset: true });
    return name;
  }

  access(buffer: number): KernelBuffer['access'] | undefined {
    const read = this.reads.has(buffer);
    const write = this.writes.has(buffer);
    if (read && write) return 'read_write';
    return read ? 'read' : write ? 'write' : undefined;
  }

  finish(): Statement[] {
    if (this.scopes.length !== 1) throw new InternalError('schedule.writer', 'a scope is open');
    return at(this.scopes, 0).statements;
  }
}
