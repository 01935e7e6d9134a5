// The syntax tree, first half: names, patterns, parameters, expressions and types. Items, models, statements and runs are in
// ast.ts, which re-exports everything here: import from there.

import type { Span } from '../support/span.ts';
import type { Statement } from './ast.ts';

// ---------------------------------------------------------------------------------------------------------------- parts

/** A name where it is declared or referred to by a clause (not a value): `name` after the operator signs are mapped. */
export interface Identifier {
  readonly name: string;
  readonly span: Span;
}

/** `x`, or `(q, p)` to take a tuple apart; nests. */
export type Pattern = NamePattern | TuplePattern;
export interface NamePattern {
  readonly kind: 'name-pattern';
  readonly name: string;
  readonly span: Span;
}
export interface TuplePattern {
  readonly kind: 'tuple-pattern';
  readonly elements: readonly Pattern[];
  readonly span: Span;
}

/** A parameter of a function, field, layer, model, domain or lambda: `x: real[n] = 3`. */
export interface Param {
  readonly pattern: Pattern;
  readonly type?: TypeExpression;
  readonly default?: Expression;
  readonly span: Span;
}

/** `f(a, b: 2)`; `generators` for `sum(f(i) for i in 0..n)`. */
export interface Argument {
  readonly name?: Identifier;
  readonly value: Expression;
  readonly generators?: readonly Generator[];
  readonly span: Span;
}

/** `i in 0..n` of a loop, a comprehension, an indexed loss or a scatter. */
export interface Generator {
  readonly pattern: Pattern;
  readonly source: Expression;
  readonly span: Span;
}

/** What stands after `on`: `plate`, `plate(128)`. */
export interface Place {
  readonly name: Identifier;
  readonly args?: readonly Argument[];
  readonly span: Span;
}

/** `x.min`, `disc.edge`, `std.ode`: at least one part. */
export interface Path {
  readonly parts: readonly Identifier[];
  readonly span: Span;
}

/** A comment `# …` (documentation is in `doc` of its item). `text` is what follows the `#`, blanks trimmed. */
export interface Comment {
  readonly text: string;
  /** True when nothing but blanks stands before it on its line. */
  readonly ownLine: boolean;
  readonly span: Span;
}

// ---------------------------------------------------------------------------------------------------------- expressions

export type Expression =
  | NumberExpression
  | StringExpression
  | BooleanExpression
  | NameExpression
  | UnaryExpression
  | NotExpression
  | BinaryExpression
  | CompareExpression
  | LogicalExpression
  | RangeExpression
  | LambdaExpression
  | IfExpression
  | WithExpression
  | ForExpression
  | ComprehensionExpression
  | CallExpression
  | IndexExpression
  | MemberExpression
  | ListExpression
  | TupleExpression
  | RecordExpression
  | BlockExpression
  | RecomputeExpression
  | LabelledExpression;

export interface NumberExpression {
  readonly kind: 'number';
  readonly value: number;
  /** No point and no exponent: `128`, not `1e3`. */
  readonly isInteger: boolean;
  /** `3i`: the value is the imaginary part. */
  readonly imaginary: boolean;
  /** As written: `1_000`, `1e-3`. */
  readonly text: string;
  readonly span: Span;
}

export interface StringExpression {
  readonly kind: 'string';
  readonly parts: readonly StringPart[];
  readonly span: Span;
}
export type StringPart =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'hole';
      readonly value: Expression;
      readonly options: readonly Argument[];
      readonly span: Span;
    };

export interface BooleanExpression {
  readonly kind: 'boolean';
  readonly value: boolean;
  readonly span: Span;
}

export interface NameExpression {
  readonly kind: 'name';
  readonly name: string;
  readonly span: Span;
}

export interface UnaryExpression {
  readonly kind: 'unary';
  readonly op: '-' | '+';
  readonly operand: Expression;
  readonly span: Span;
}

export interface NotExpression {
  readonly kind: 'not';
  readonly operand: Expression;
  readonly span: Span;
}

export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '@' | '^';

export interface BinaryExpression {
  readonly kind: 'binary';
  readonly op: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly span: Span;
}

export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** A chain: `0.1 < x < 0.2` has three operands and two operators. */
export interface CompareExpression {
  readonly kind: 'compare';
  readonly operands: readonly Expression[];
  readonly ops: readonly CompareOperator[];
  readonly span: Span;
}

export interface LogicalExpression {
  readonly kind: 'logical';
  readonly op: 'and' | 'or';
  readonly left: Expression;
  readonly right: Expression;
  readonly span: Span;
}

/** `a .. b` outside an index, both ends present. Counting ranges leave `to` out, intervals of reals include it. */
export interface RangeExpression {
  readonly kind: 'range';
  readonly from: Expression;
  readonly to: Expression;
  readonly span: Span;
}

export interface LambdaExpression {
  readonly kind: 'lambda';
  readonly params: readonly Param[];
  readonly body: Expression;
  readonly span: Span;
}

export interface IfExpression {
  readonly kind: 'if';
  readonly condition: Expression;
  readonly then: Expression;
  readonly else: Expression;
  readonly span: Span;
}

/** `with k = v, net.head = w, s[0] = 1 { return e }`, `with fresh j { … }`, `with precision f64 { … }`, `with fixed { … }`. */
export interface WithExpression {
  readonly kind: 'with';
  readonly clause:
    | { readonly kind: 'bindings'; readonly bindings: readonly WithBinding[] }
    | { readonly kind: 'fresh'; readonly value: Expression }
    | { readonly kind: 'precision'; readonly name: Identifier }
    | { readonly kind: 'fixed' };
  readonly body: BlockExpression;
  readonly span: Span;
}
export interface WithBinding {
  /** A name, or a part or elements of one. */
  readonly target: Expression;
  readonly value: Expression;
  readonly span: Span;
}

/** A loop as a value: its `yield`s, stacked. */
export interface ForExpression {
  readonly kind: 'for-expression';
  readonly generators: readonly Generator[];
  readonly body: BlockExpression;
  readonly span: Span;
}

/** `[f(i, j) for i in 0..n, j in 0..m]`. */
export interface ComprehensionExpression {
  readonly kind: 'comprehension';
  readonly body: Expression;
  readonly generators: readonly Generator[];
  readonly span: Span;
}

export interface CallExpression {
  readonly kind: 'call';
  readonly callee: Expression;
  readonly args: readonly Argument[];
  readonly span: Span;
}

/** `a[i, 1..n-1, .., idx, i-1 wrap]`. An index that is a tuple, `a[(i, j)]`, is one entry. */
export interface IndexExpression {
  readonly kind: 'index';
  readonly target: Expression;
  readonly entries: readonly IndexEntry[];
  readonly span: Span;
}
export type IndexEntry =
  | { readonly kind: 'at'; readonly value: Expression; readonly outside?: OutsideMode; readonly span: Span }
  | {
      readonly kind: 'slice';
      readonly from?: Expression;
      readonly to?: Expression;
      readonly by?: Expression;
      readonly outside?: OutsideMode;
      readonly span: Span;
    };
/** What an index beyond the ends reads. */
export type OutsideMode =
  | { readonly kind: 'wrap' }
  | { readonly kind: 'clamp' }
  | { readonly kind: 'else'; readonly value: Expression };

export interface MemberExpression {
  readonly kind: 'member';
  readonly target: Expression;
  readonly name: Identifier;
  readonly span: Span;
}

export interface ListExpression {
  readonly kind: 'list';
  readonly elements: readonly Expression[];
  readonly span: Span;
}

/** Two elements or more, or none. */
export interface TupleExpression {
  readonly kind: 'tuple';
  readonly elements: readonly Expression[];
  readonly span: Span;
}

export interface RecordExpression {
  readonly kind: 'record';
  readonly entries: readonly RecordEntry[];
  readonly span: Span;
}
export type RecordEntry =
  | { readonly kind: 'entry'; readonly name: Identifier; readonly value: Expression; readonly span: Span }
  | { readonly kind: 'spread'; readonly value: Expression; readonly span: Span };

/** `{ let a = x; return a*y }` as a value, and the body of every function, loop, branch, test and event. */
export interface BlockExpression {
  readonly kind: 'block';
  readonly statements: readonly Statement[];
  readonly span: Span;
}

export interface RecomputeExpression {
  readonly kind: 'recompute';
  readonly body: BlockExpression;
  readonly span: Span;
}

/** `diffusion: div(k*grad(T))`: one term of an equation of a model; nowhere else. */
export interface LabelledExpression {
  readonly kind: 'labelled';
  readonly label: Identifier;
  readonly term: Expression;
  readonly span: Span;
}

// ---------------------------------------------------------------------------------------------------------------- types

export type TypeExpression = NamedType | RecordType | TupleType | FunctionType | ArrayType | LocatedType;

/** `real`, `scalar`, `Particles`, `complex scalar` (`complex: true`, name `scalar`); `complex` alone is a plain name. */
export interface NamedType {
  readonly kind: 'named-type';
  readonly name: Identifier;
  readonly complex: boolean;
  readonly span: Span;
}
export interface RecordType {
  readonly kind: 'record-type';
  readonly fields: readonly {
    readonly name: Identifier;
    readonly type: TypeExpression;
    readonly span: Span;
  }[];
  readonly span: Span;
}
export interface TupleType {
  readonly kind: 'tuple-type';
  readonly elements: readonly TypeExpression[];
  readonly span: Span;
}
export interface FunctionType {
  readonly kind: 'function-type';
  readonly params: readonly TypeExpression[];
  readonly result: TypeExpression;
  readonly span: Span;
}
/** `real[n, m]`; a plain name in the shape of a parameter's type is bound there. */
export interface ArrayType {
  readonly kind: 'array-type';
  readonly element: TypeExpression;
  readonly shape: readonly Expression[];
  readonly span: Span;
}
/** `scalar on plate`, `vector at faces`. */
export interface LocatedType {
  readonly kind: 'located-type';
  readonly type: TypeExpression;
  readonly on?: Place;
  readonly at?: Identifier;
  readonly span: Span;
}
