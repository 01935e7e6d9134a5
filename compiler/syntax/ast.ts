// The syntax tree of a Flow file: what the parser makes, the printer prints and the elaborator reads.
// Everything is readonly plain data, a union discriminated on `kind`; every node has the span of its own source text.
// Brackets that only group are not kept (the printer puts back those that are needed); a bare record entry `{ W }` is already
// `{ W: W }`; `∇ Δ ∂t ∂x` are already `grad lap dt dx`; documentation is attached to its item, comments lie beside the tree.
// A file with syntax errors gives the tree of what is left when the broken statements are taken out.

import type { SourceFile, Span } from '../support/span.ts';

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

// ----------------------------------------------------------------------------------------------------------------- file

export interface FileAst {
  readonly file: SourceFile;
  /** Documentation of the file: the `##` lines at its top, followed by a blank line, a `use` or a `precision`. */
  readonly doc?: string;
  readonly items: readonly Item[];
  readonly comments: readonly Comment[];
  readonly span: Span;
}

export type Item =
  | UseItem
  | DeclarationItem
  | DomainItem
  | RegionItem
  | FieldItem
  | TypeItem
  | PrecisionItem
  | FnItem
  | LayerItem
  | ModelItem
  | LetStatement
  | LossItem
  | TestItem
  | RunItem;

/** `use std.optim { adam, lbfgs as quasi_newton }`, `use "./closure.flow" { stress }`. */
export interface UseItem {
  readonly kind: 'use';
  readonly source:
    | ({ readonly kind: 'module' } & Path)
    | { readonly kind: 'file'; readonly path: StringExpression; readonly span: Span };
  readonly names: readonly UsedName[];
  readonly doc?: string;
  readonly span: Span;
}
export interface UsedName {
  readonly name: Identifier;
  readonly as?: Identifier;
  readonly span: Span;
}

export type DeclarationKind = 'const' | 'input' | 'data' | 'param' | 'state' | 'network' | 'optimizer';

/** `param k: scalar on plate = 1.0 in 0.1 .. 10`, `network net = mlp(…) from "net.safetensors"`. Also `param`/`state` of a layer. */
export interface DeclarationItem {
  readonly kind: 'declaration';
  readonly what: DeclarationKind;
  readonly name: Identifier;
  readonly type?: TypeExpression;
  readonly value: Expression;
  /** Only on `param`. `in a .. b`: a range expression; `via m`: a map record { to, from }. */
  readonly bounds?: { readonly kind: 'in' | 'via'; readonly value: Expression };
  /** A file of saved values. */
  readonly from?: Expression;
  readonly doc?: string;
  readonly span: Span;
}

/** `domain plate(n = 64) { x: 0 .. 1 cells n }` or `domain phase = space * velocity`. */
export interface DomainItem {
  readonly kind: 'domain';
  readonly name: Identifier;
  readonly params: readonly Param[];
  readonly body:
    | { readonly kind: 'axes'; readonly axes: readonly Axis[]; readonly scale?: Expression }
    | { readonly kind: 'alias'; readonly value: Expression };
  readonly doc?: string;
  readonly span: Span;
}
export interface Axis {
  readonly name: Identifier;
  /** `x[10]`: a vector coordinate of that many components. */
  readonly components?: Expression;
  readonly interval: Expression;
  readonly points?: { readonly rule: 'cells' | 'nodes' | 'chebyshev'; readonly count: Expression };
  readonly mapped?: LambdaExpression;
  readonly periodic: boolean;
  readonly span: Span;
}

export interface RegionItem {
  readonly kind: 'region';
  readonly name: Identifier;
  readonly on: Identifier;
  readonly value: Expression;
  readonly doc?: string;
  readonly span: Span;
}

/** A function of coordinates; an item, and a statement inside functions. */
export interface FieldItem {
  readonly kind: 'field';
  readonly name: Identifier;
  readonly params: readonly Param[];
  readonly type?: TypeExpression;
  readonly value: Expression;
  readonly doc?: string;
  readonly span: Span;
}

export interface TypeItem {
  readonly kind: 'type-alias';
  readonly name: Identifier;
  readonly type: TypeExpression;
  readonly doc?: string;
  readonly span: Span;
}

export interface PrecisionItem {
  readonly kind: 'precision';
  readonly name: Identifier;
  readonly doc?: string;
  readonly span: Span;
}

export interface FnItem {
  readonly kind: 'fn';
  readonly name: Identifier;
  readonly params: readonly Param[];
  readonly result?: TypeExpression;
  /** `= e`, or a block whose `return` gives the value. */
  readonly body: Expression;
  readonly derivative?: LambdaExpression;
  readonly tangent?: LambdaExpression;
  readonly doc?: string;
  readonly span: Span;
}

export interface LayerItem {
  readonly kind: 'layer';
  readonly name: Identifier;
  readonly params: readonly Param[];
  readonly members: readonly LayerMember[];
  readonly doc?: string;
  readonly span: Span;
}
export type LayerMember = DeclarationItem | LetStatement | CallMember;
export interface CallMember {
  readonly kind: 'call-member';
  readonly params: readonly Param[];
  readonly body: Expression;
  readonly span: Span;
}

/** `loss fit(i in 0..500) = …`, `loss l { …; return e }`. */
export interface LossItem {
  readonly kind: 'loss';
  readonly name: Identifier;
  readonly generators?: readonly Generator[];
  readonly body: Expression;
  readonly doc?: string;
  readonly span: Span;
}

export interface TestItem {
  readonly kind: 'test';
  readonly name: StringExpression;
  readonly body: BlockExpression;
  readonly doc?: string;
  readonly span: Span;
}

export interface RunItem {
  readonly kind: 'run';
  readonly name?: Identifier;
  readonly body: RunBlock;
  readonly doc?: string;
  readonly span: Span;
}

// --------------------------------------------------------------------------------------------------------------- models

export interface ModelItem {
  readonly kind: 'model';
  readonly what: 'pde' | 'ode' | 'sde';
  readonly name: Identifier;
  readonly params: readonly Param[];
  readonly on?: Place;
  readonly clauses: readonly ModelClause[];
  readonly doc?: string;
  readonly span: Span;
}

export type ModelClause =
  | StateClause
  | NoiseClause
  | BoundaryClause
  | MonitorStatement
  | CalculusClause
  | AfterStepClause
  | EventClause
  | LetStatement
  | Equation;

/** `state u: vector at faces = (1, 0), dt(w) = v0`. */
export interface StateClause {
  readonly kind: 'state-clause';
  readonly entries: readonly StateEntry[];
  readonly span: Span;
}
export interface StateEntry {
  readonly name: Identifier;
  /** True for `dt(u) = v0`: the initial rate of `u` (a second-order equation). */
  readonly rate: boolean;
  readonly type?: TypeExpression;
  readonly initial?: Expression;
  readonly span: Span;
}

/** `noise W: real[2]`, `noise W on plate`, `noise N = poisson(rate)`, `driver X = cubic(ts, xs)`. */
export interface NoiseClause {
  readonly kind: 'noise-clause';
  readonly what: 'noise' | 'driver';
  readonly entries: readonly NoiseEntry[];
  readonly span: Span;
}
export interface NoiseEntry {
  readonly name: Identifier;
  readonly type?: TypeExpression;
  readonly on?: Place;
  readonly process?: Expression;
  readonly span: Span;
}

export interface BoundaryClause {
  readonly kind: 'boundary';
  readonly places: readonly Path[];
  readonly equations: readonly Equation[];
  readonly span: Span;
}

/** In a model and in a loss. */
export interface MonitorStatement {
  readonly kind: 'monitor';
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}

export interface CalculusClause {
  readonly kind: 'calculus';
  readonly name: Identifier;
  readonly span: Span;
}

export interface AfterStepClause {
  readonly kind: 'after-step';
  readonly body: BlockExpression;
  readonly span: Span;
}

export interface EventClause {
  readonly kind: 'event';
  readonly trigger:
    | { readonly kind: 'timetable'; readonly times: Expression; readonly as?: Identifier }
    | { readonly kind: 'crossing'; readonly equation: Equation; readonly direction?: 'rising' | 'falling' };
  readonly body: BlockExpression;
  readonly span: Span;
}

/** `dt(T) = diffusion: div(k*grad(T)) + source: q`; the operands of + and - may be `labelled` expressions, only here. */
export interface Equation {
  readonly kind: 'equation';
  readonly left: Expression;
  readonly right: Expression;
  readonly span: Span;
}

// ----------------------------------------------------------------------------------------------------------- statements

export type Statement =
  | LetStatement
  | ForStatement
  | WhileStatement
  | IfStatement
  | ReturnStatement
  | YieldStatement
  | AssertStatement
  | BreakStatement
  | StopStatement
  | FieldItem
  | MonitorStatement
  | AssignStatement;

/** `let (q, p) = f(x)`, `var x: real = 0`. As an item `binding` is `let`, and it may carry documentation. */
export interface LetStatement {
  readonly kind: 'let';
  readonly binding: 'let' | 'var';
  readonly pattern: Pattern;
  readonly type?: TypeExpression;
  readonly value: Expression;
  readonly doc?: string;
  readonly span: Span;
}

export interface ForStatement {
  readonly kind: 'for';
  readonly generators: readonly Generator[];
  readonly body: BlockExpression;
  readonly span: Span;
}

export interface WhileStatement {
  readonly kind: 'while';
  readonly condition: Expression;
  readonly limit?: Expression;
  readonly body: BlockExpression;
  readonly span: Span;
}

export interface IfStatement {
  readonly kind: 'if-statement';
  readonly condition: Expression;
  readonly then: BlockExpression;
  readonly else?: BlockExpression | IfStatement;
  readonly span: Span;
}

export interface ReturnStatement {
  readonly kind: 'return';
  readonly value: Expression;
  readonly span: Span;
}

export interface YieldStatement {
  readonly kind: 'yield';
  readonly value: Expression;
  readonly every?: Expression;
  readonly span: Span;
}

export interface AssertStatement {
  readonly kind: 'assert';
  readonly condition: Expression;
  readonly message?: Expression;
  readonly span: Span;
}

export interface BreakStatement {
  readonly kind: 'break';
  readonly when?: Expression;
  readonly span: Span;
}

/** `stop` in an event: the solve ends there. */
export interface StopStatement {
  readonly kind: 'stop';
  readonly span: Span;
}

export type AssignOperator = '=' | '+=' | '-=' | '*=' | '/=';

/** `a[b[p] + j] += w[p, j] for p in 0..n, j in 0..3`. `target`: a name, a member or an index of one, or a tuple of those. */
export interface AssignStatement {
  readonly kind: 'assign';
  readonly target: Expression;
  readonly op: AssignOperator;
  readonly value: Expression;
  readonly generators?: readonly Generator[];
  readonly span: Span;
}

// ----------------------------------------------------------------------------------------------------------------- runs

export interface RunBlock {
  readonly kind: 'run-block';
  readonly statements: readonly RunStatement[];
  readonly span: Span;
}

export type RunStatement =
  | LetStatement
  | AssertStatement
  | AssignStatement
  | RunFor
  | RunIf
  | MinimizeStatement
  | PlayStatement
  | ResetStatement
  | PrintStatement
  | SaveStatement
  | PlotStatement
  | CheckGradientStatement
  | CheckOrderStatement;

export interface RunFor {
  readonly kind: 'run-for';
  readonly generators: readonly Generator[];
  readonly body: RunBlock;
  readonly span: Span;
}

export interface RunIf {
  readonly kind: 'run-if';
  readonly condition: Expression;
  readonly then: RunBlock;
  readonly else?: RunBlock | RunIf;
  readonly span: Span;
}

/** `minimize misfit + prior over k, net except net.head`. Targets are names or paths. */
export interface Goal {
  readonly direction: 'minimize' | 'maximize';
  readonly value: Expression;
  readonly over: readonly Expression[];
  readonly except: readonly Expression[];
  readonly span: Span;
}

/** `c(x) = 0` has `right`; `d(x) <= 0` is a comparison in `left`. */
export interface Constraint {
  readonly left: Expression;
  readonly right?: Expression;
  readonly span: Span;
}

/** `using adam(lr: 1e-2) batch 16 accumulate 4 epochs 20 { … }`. */
export interface Method {
  readonly using: Expression;
  readonly batch?: Expression;
  readonly accumulate?: Expression;
  readonly unit: 'steps' | 'epochs';
  readonly count: Expression;
  readonly options: readonly MinimizeOption[];
  readonly span: Span;
}

/** One goal, minimised or maximised. */
export interface MinimizeStatement {
  readonly kind: 'minimize';
  readonly goal: Goal;
  readonly constraints: readonly Constraint[];
  readonly method: Method;
  readonly span: Span;
}

/** `play { minimize f over x; maximize g over y } using …`. */
export interface PlayStatement {
  readonly kind: 'play';
  readonly goals: readonly Goal[];
  readonly method: Method;
  readonly span: Span;
}

export type MinimizeOption =
  | {
      readonly kind: 'log';
      readonly values: readonly Expression[];
      readonly every: Expression;
      readonly span: Span;
    }
  | {
      readonly kind: 'checkpoint';
      readonly path: StringExpression;
      readonly every: Expression;
      readonly span: Span;
    }
  | { readonly kind: 'stop-when'; readonly condition: Expression; readonly span: Span }
  | {
      readonly kind: 'keep-best';
      readonly value: Expression;
      readonly every: Expression;
      readonly span: Span;
    }
  | { readonly kind: 'every'; readonly period: Expression; readonly body: RunBlock; readonly span: Span };

export interface ResetStatement {
  readonly kind: 'reset';
  readonly targets: readonly Expression[];
  readonly span: Span;
}

export interface PrintStatement {
  readonly kind: 'print';
  readonly values: readonly Expression[];
  readonly span: Span;
}

export interface SaveStatement {
  readonly kind: 'save';
  readonly path: StringExpression;
  readonly record: RecordExpression;
  readonly span: Span;
}

export interface PlotStatement {
  readonly kind: 'plot';
  readonly what: 'plot' | 'animate';
  readonly path: StringExpression;
  readonly values: readonly Expression[];
  readonly as?: Identifier;
  readonly span: Span;
}

export interface CheckGradientStatement {
  readonly kind: 'check-gradient';
  readonly value: Expression;
  readonly over: readonly Expression[];
  readonly span: Span;
}

/** `check order strong of heston using milstein over [16, 32, 64] on 0 .. 2`. */
export interface CheckOrderStatement {
  readonly kind: 'check-order';
  readonly sense?: Identifier;
  readonly model: Expression;
  readonly using: Expression;
  readonly over: Expression;
  readonly on?: Expression;
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

/** `with k = v, net = w { return e }`, `with fresh j { … }`, `with precision f64 { … }`, `with fixed { … }`. */
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
  readonly target: Path;
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
