// Which names of a kernel body differ between the lanes of a vector, which mutable variables and local arrays among them, and which element widths the differing values have. In: the body and
// the lane axis. Out: the names. A name assigned under a condition that differs between lanes differs itself.

import type { DType } from '../../ir/types.ts';
import type { Expr, Statement } from '../../kernel/types.ts';
import { assertNever } from '../../support/diagnostic.ts';

export interface Variation {
  readonly names: ReadonlySet<string>;
  varies(e: Expr): boolean;
  /** Element types of values that differ between lanes. */
  readonly types: ReadonlySet<DType>;
}

export function variationOf(body: readonly Statement[], lane: string): Variation {
  const walker = new Walker(lane);
  for (let before = -1; before !== walker.names.size;) {
    before = walker.names.size;
    walker.statements(body, false);
  }
  return walker;
}

class Walker implements Variation {
  readonly names: Set<string>;
  readonly types = new Set<DType>();

  constructor(lane: string) {
    this.names = new Set([lane]);
  }

  varies(e: Expr): boolean {
    const result = this.look(e);
    if (result) this.types.add(e.type);
    return result;
  }

  private all(list: readonly Expr[]): boolean {
    // Every operand is looked at, for its type.
    return list.map((e) => this.varies(e)).includes(true);
  }

  private look(e: Expr): boolean {
    switch (e.kind) {
      case 'const':
      case 'uniform':
        return false;
      case 'var':
        return this.names.has(e.name);
      case 'load':
        return this.varies(e.index);
      case 'local': {
        const index = this.varies(e.index);
        return this.names.has(e.array) || index;
      }
      case 'unary':
      case 'cast':
      case 'bitcast':
        return this.varies(e.a);
      case 'binary':
      case 'compare':
        return this.all([e.a, e.b]);
      case 'select':
        return this.all([e.condition, e.then, e.else]);
      case 'random':
        return this.all([...e.key, ...e.counter]);
      default:
        return assertNever(e);
    }
  }

  private mark(name: string, varies: boolean): void {
    if (varies) this.names.add(name);
  }

  statements(list: readonly Statement[], masked: boolean): void {
    for (const s of list) this.statement(s, masked);
  }

  private statement(s: Statement, masked: boolean): void {
    switch (s.kind) {
      case 'let':
      case 'var':
        this.mark(s.name, this.varies(s.value));
        return;
      case 'assign':
        this.mark(s.name, this.varies(s.value) || masked);
        // Under a mask even a value that is the same everywhere becomes a vector.
        if (masked) this.types.add(s.value.type);
        return;
      case 'random_block': {
        const varies = this.all([...s.key, ...s.counter]);
        for (const name of s.names) this.mark(name, varies);
        if (varies) this.types.add('u32');
        return;
      }
      case 'array':
        return;
      case 'assign_local': {
        const varies = this.all([s.index, s.value]);
        this.mark(s.array, varies || masked);
        if (masked) this.types.add(s.value.type);
        return;
      }
      case 'store':
        this.varies(s.value);
        if (this.varies(s.index)) this.types.add(s.value.type);
        return;
      case 'for': {
        const varies = this.all([s.from, s.to]);
        this.mark(s.name, varies);
        this.statements(s.body, masked || varies);
        return;
      }
      case 'while': {
        const varies = this.varies(s.condition) || masked;
        this.mark(s.counter, varies);
        this.statements(s.before, varies);
        this.statements(s.body, varies);
        return;
      }
      case 'if': {
        const varies = (this.varies(s.condition) && s.together !== true) || masked;
        this.statements(s.then, varies);
        this.statements(s.else, varies);
        return;
      }
      case 'reduce':
        this.statements(s.body, masked);
        this.mark(s.name, this.varies(s.value));
        return;
      default:
        assertNever(s);
    }
  }
}

/** Names that statements assign: variables and local arrays, at any depth. */
export function assignedNames(list: readonly Statement[], names = new Set<string>()): ReadonlySet<string> {
  for (const s of list) {
    switch (s.kind) {
      case 'assign':
        names.add(s.name);
        break;
      case 'assign_local':
        names.add(s.array);
        break;
      case 'for':
      case 'reduce':
        assignedNames(s.body, names);
        break;
      case 'while':
        assignedNames(s.before, names);
        assignedNames(s.body, names);
        break;
      case 'if':
        assignedNames(s.then, names);
        assignedNames(s.else, names);
        break;
      default:
    }
  }
  return names;
}
