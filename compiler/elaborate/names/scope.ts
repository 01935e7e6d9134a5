// Names while a program is elaborated. A Scope is a chain of blocks that ends at the module its text stands in; what a module defines is not in the chain but looked up in the
// World, because the value of an item may be replaced for a while (`with k = v { … }`, the trial points of an optimiser).

import type { Span } from '../../support/span.ts';
import type * as ast from '../../syntax/ast.ts';
import type { Value } from '../values/values.ts';

export interface Binding {
  value: Value;
  readonly mutable: boolean;
  readonly span: Span;
  /** How many regions there were around the declaration (context.ts, `regions`); absent where assignments are the elaborator's own business. */
  readonly depth?: number;
}

/** What the loop being elaborated has yielded in this turn. */
export type Yields = { readonly value: Value; readonly span: Span }[];

export class Scope {
  private readonly names = new Map<string, Binding>();

  /** Set on the scope of a loop body that collects. */
  yields: Yields | undefined;

  /** Set on the scope of a branch that is chosen at run time: what it yields has no place to go. */
  chosen = false;

  constructor(
    readonly module: Module,
    readonly parent: Scope | undefined,
  ) {}

  child(): Scope {
    return new Scope(this.module, this);
  }

  define(name: string, value: Value, span: Span, mutable = false, depth?: number): void {
    this.names.set(name, { value, mutable, span, ...(depth === undefined ? {} : { depth }) });
  }

  /** The binding of a local name, through the enclosing blocks; not the module's items. */
  find(name: string): Binding | undefined {
    return this.names.get(name) ?? this.parent?.find(name);
  }

  /** The value of a name defined in this very block. */
  own(name: string): Value | undefined {
    return this.names.get(name)?.value;
  }

  findYields(): Yields | 'chosen' | undefined {
    return this.yields ?? (this.chosen ? 'chosen' : this.parent?.findYields());
  }

  /** Whether it is that of a module: no names of its own, none around it. */
  isModule(): boolean {
    return this.parent === undefined && this.names.size === 0;
  }

  /** Every name visible here, for "did you mean". */
  visible(): string[] {
    return [...this.names.keys(), ...(this.parent?.visible() ?? [...this.module.items.keys()])];
  }
}

export type NamedItem =
  | Exclude<ast.Item, ast.UseItem | ast.PrecisionItem | ast.TestItem | ast.RunItem | ast.LetStatement>
  | ast.LetStatement;

/** A file of Flow after its names were collected. */
export interface Module {
  /** `std.ode`, or the path as given. */
  readonly path: string;
  /** The same wherever the program lies and whatever its file is called: empty for the program itself, `std.ode`, other files as seen from its folder. Names of draws have it. */
  readonly name: string;
  readonly ast: ast.FileAst;
  /** What the file defines, by name. A `let (a, b) = …` stands under both names. */
  readonly items: ReadonlyMap<string, NamedItem>;
  /** What it takes from other modules: local name -> (module, name there). */
  readonly uses: Map<string, { readonly module: Module; readonly name: string; readonly span: Span }>;
  /** True of the prelude and everything below `std`. */
  readonly standard: boolean;
}

/**
 * Values of items. Items that depend on parameters, states or inputs are evaluated once a World; `replaced` holds what `with` or an optimiser puts in the place of an item.
 */
export interface World {
  readonly replaced: ReadonlyMap<NamedItem, Value>;
  readonly values: Map<NamedItem, Value>;
  /** What losses monitored when they were evaluated. */
  readonly monitors: Map<NamedItem, ReadonlyMap<string, Value>>;
}
