// The syntax tree of a Flow file: what the parser makes, the printer prints and the elaborator reads.
// Everything is readonly plain data, a union discriminated on `kind`; every node has the span of its own source text.
// Brackets that only group are not kept (the printer puts back those that are needed); a bare record entry `{ W }` is already
// `{ W: W }`; `∇ Δ ∂t ∂x` are already `grad lap dt dx`; documentation is attached to its item, comments lie beside the tree.
// A file with syntax errors gives the tree of what is left when the broken statements are taken out.

import type { SourceFile, Span } from '../support/span.ts';
import type {
  BlockExpression,
  Comment,
  Expression,
  Generator,
  Identifier,
  LambdaExpression,
  Param,
  Path,
  Pattern,
  Place,
  RecordExpression,
  StringExpression,
  TypeExpression,
} from './ast_expression.ts';

export type * from './ast_expression.ts';

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
  /** To reach the limit is meant. */
  readonly quietly?: boolean;
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
