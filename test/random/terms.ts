// What generated text is made of: expressions with their meaning, names, environments; and how texts are put together.

import { at } from '../../compiler/support/lists.ts';
import type { Machine, Value } from './reference.ts';
import { build, scalar } from './reference.ts';

export type Kind = 'real' | 'int' | 'bool';

export interface Env {
  readonly m: Machine;
  readonly values: Map<string, Value>;
  /** Set by `break` until the loop around has ended. */
  broken: boolean;
}

export interface Expr {
  readonly text: string;
  readonly run: (e: Env) => Value;
}

export interface Named {
  readonly name: string;
  readonly kind: Kind;
  readonly shape: readonly number[];
}

export interface Callable {
  readonly name: string;
  readonly params: readonly Named[];
  readonly result: Omit<Named, 'name'>;
  readonly call: (m: Machine, env: Env, args: readonly Value[]) => Value;
}

export interface Scope {
  readonly names: readonly Named[];
  readonly functions: readonly Callable[];
}

export const EXTENTS = [3, 2, 4, 1, 5, 7, 8];
export const same = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();

/** A name of a value for as long as `f` runs. */
export function bound<T>(e: Env, name: string, value: Value, f: () => T): T {
  const before = e.values.get(name);
  e.values.set(name, value);
  try {
    return f();
  } finally {
    if (before === undefined) e.values.delete(name);
    else e.values.set(name, before);
  }
}

export const numberText = (x: number): string =>
  x < 0 || Object.is(x, -0) ? `(-${realText(-x)})` : realText(x);
export const realText = (x: number): string => (Number.isInteger(x) ? x.toFixed(1) : String(x));
export const intText = (x: number): string => (x < 0 ? `(-${-x})` : String(x));

/** `%` and `$` are the arguments, `~` the remainder. */
export function fill(text: string, x: string, y = ''): string {
  return [...text].map((c) => (c === '%' ? x : c === '$' ? y : c === '~' ? '%' : c)).join('');
}

export function read(e: Env, name: string): Value {
  const value = e.values.get(name);
  if (value === undefined) throw new Error(`the oracle has no ${name}`);
  return value;
}

/** The values of `f` at all places, the names being the indices. */
export function over(e: Env, names: readonly string[], extents: readonly number[], f: () => number): Value {
  return build(extents, (p) => {
    const before = names.map((n) => e.values.get(n));
    names.forEach((n, a) => e.values.set(n, scalar(at(p, a))));
    const x = f();
    names.forEach((n, a) => {
      const old = before[a];
      if (old === undefined) e.values.delete(n);
      else e.values.set(n, old);
    });
    return x;
  });
}

/** Safe to stand in any operator. */
export function parenthesised(text: string): string {
  return /^[A-Za-z_][A-Za-z_0-9.]*$|^\d+(\.\d+)?$/.test(text) || balanced(text) ? text : `(${text})`;
}

/** One pair of round brackets or square ones round everything, perhaps behind a name. */
function balanced(text: string): boolean {
  const opened = /^[a-z_0-9]*\(/.test(text) || text.startsWith('[');
  if (!opened) return false;
  let depth = 0;
  for (const [i, c] of [...text].entries()) {
    if (c === '(' || c === '[' || c === '{') depth++;
    if (c === ')' || c === ']' || c === '}') depth--;
    if (depth === 0 && (c === ')' || c === ']') && i < text.length - 1) return false;
  }
  return true;
}
