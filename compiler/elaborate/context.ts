// What every part of the elaborator gets passed: the graph, the program's settings, and the evaluator itself as a record of functions (so that the parts need not import each other
// in a circle). One Context lives for one compilation.

import type { Batch } from './runs/batches.ts';
import type { Elementwise } from './values/elementwise.ts';
import type { KnownRules } from './expressions/known_rules.ts';
import type { Monitoring } from './runs/loss_monitors.ts';
import type { FieldContext, Grid, Scheme } from '../field/types.ts';
import type { Graph } from '../ir/graph.ts';
import type { FloatType, Node } from '../ir/types.ts';
import type { Diagnostic } from '../support/diagnostic.ts';
import { FlowError } from '../support/diagnostic.ts';
import type { CheckSite } from '../plan/script.ts';
import type { Span } from '../support/span.ts';
import type * as ast from '../syntax/ast.ts';
import type { Binding, Module, NamedItem, Scope, World } from './names/scope.ts';
import type { CallArguments, Value } from './values/values.ts';

export interface ModuleText {
  readonly path: string;
  readonly text: string;
  /** Its tree, when that was written down for just this text (syntax/tree_text.ts); else the text is parsed. */
  readonly tree?: string;
}

/** The outside world as the compiler sees it; everything it needs of files comes through here. */
export interface CompileHost {
  /** Another `.flow` file or module of the standard library; undefined when there is none. */
  readonly readModule: (path: string, from: string) => ModuleText | undefined;
  /** All the arrays of a data file by name; errors like those of `readData`. */
  readonly readArrays: (
    path: string,
    span: Span,
  ) => readonly { readonly name: string; readonly shape: readonly number[]; readonly data: Float64Array }[];
  /** A data file, relative to the `.flow` file of `span`. Throws FlowError, placed at `span`, when it cannot be read. */
  readonly readData: (
    path: string,
    options: { readonly column?: string },
    span: Span,
  ) => {
    readonly shape: readonly number[];
    readonly data: Float64Array;
    /** `complex`: the last axis, of 2, is that of the parts. */
    readonly kind?: 'real' | 'int' | 'bool' | 'complex';
  };
}

/** One call in progress, for the chain shown in messages. */
export interface Frame {
  readonly name: string;
  readonly span: Span;
}

/** Where draws get their names from: see draws.ts. */
export interface DrawContext {
  readonly item: string;
  readonly path: string;
  ordinal: number;
  /** Turns of the loops and comprehensions around, outermost first: u32 scalars below `extent`; `counted` where they are made one after the other and their number is known. */
  readonly turns: readonly { readonly index: Node; readonly extent: number; readonly counted?: boolean }[];
  /** Run step for draws in losses; undefined in data, parameters and states. */
  readonly step: Node | undefined;
  /** Inside `with fixed`: no item evaluated from here has the step in the names of its draws. */
  readonly fixed?: boolean;
  /** Inside a solve with `paths:`: what `expect` is the mean over (expectations.ts). */
  readonly ensemble?: Ensemble;
}

export interface Ensemble {
  /** The number of the path, a u32 scalar. */
  readonly path: Node;
  /** Derivatives along a path move all paths. */
  readonly moves: boolean;
}

export interface Evaluator {
  readonly evaluate: (e: ast.Expression, scope: Scope) => Value;
  readonly call: (callee: Value, args: CallArguments, span: Span) => Value;
  /** Defines every parameter in `scope`, from arguments and defaults (call.ts). `name` is how messages call what is called. */
  readonly bindArguments: (
    name: string,
    params: readonly ast.Param[],
    args: CallArguments,
    scope: Scope,
    span: Span,
  ) => void;
  /** Runs statements; the value of `return`, or undefined when the block ends without one. */
  readonly block: (b: ast.BlockExpression, scope: Scope) => Value | undefined;
  /** The value of an item in the current world. */
  readonly item: (module: Module, item: NamedItem, name: string) => Value;
  /** A builtin or prelude name; undefined when there is none. */
  readonly prelude: (name: string) => Value | undefined;
  /** An item of a library module that the language itself stands on (elementary functions of complex numbers). */
  readonly library: (module: string, name: string) => Value;
  readonly preludeNames: () => readonly string[];
  /** `m.initial`, `m.rhs`, … of a model (model_members.ts). */
  readonly modelMember: (model: Value, name: string, span: Span) => Value;
  /** The library module that defines a name, for "use … { name }". */
  readonly moduleThatHas: (name: string) => string | undefined;
}

export interface SolveRecord {
  readonly model: string;
  /** The precision of the solve. */
  readonly real: FloatType;
  readonly span: Span;
  readonly states: readonly string[];
  /** Rebuilds the carried states step by step: initial leaves, step function, count, for diagnosis. */
  readonly initial: readonly Node[];
  readonly leafNames: readonly string[];
  readonly advance: (index: Node, leaves: readonly Node[]) => readonly Node[];
  readonly steps: number;
  readonly startTime: Node;
  readonly stepSize: Node;
  /** When a step begins (its index an i32 scalar). */
  readonly timeAt: (index: Node) => Node;
  /** Rate of the states at the start, for the estimate of the stable step; and the method's stability interval on the negative real axis. */
  readonly rate: (leaves: readonly Node[]) => readonly Node[];
  readonly stability: number | undefined;
  /** The comprehensions and `paths:` around the solve, innermost first. */
  readonly within?: readonly Members[];
}

/** Solves made together: what stands for one of them, with what it is for all. Or one of them, the number `only`, where they are written out one by one. */
export interface Members {
  readonly mapping: ReadonlyMap<Node, Node>;
  readonly count: number;
  readonly word: 'element' | 'path';
  readonly only?: number;
}

export interface AssertRecord {
  readonly condition: Value;
  readonly message: Value | undefined;
  readonly sides: readonly { readonly label: string; readonly value: Value }[];
  readonly span: Span;
}

export interface Context extends Evaluator {
  /** Elementwise functions on any values (arithmetic.ts). */
  readonly elementwise: (op: Elementwise, args: readonly Value[], span: Span) => Value;
  /** One field context a grid: grids.ts. */
  readonly grids: Map<string, FieldContext>;
  /** Space schemes by the records that describe them: space.ts. */
  readonly schemes: Map<Value, Scheme>;
  readonly graph: Graph;
  /** Element type of `real`: the program's, or that of the `with precision` around. */
  real: FloatType;
  /** Element type of the program's variables. */
  readonly programReal: FloatType;
  readonly host: CompileHost;
  readonly diagnostics: Diagnostic[];
  /** Functions with rules that have been elaborated before. */
  readonly knownRules: KnownRules;
  /** Models that have been made ready to be solved. */
  readonly models: Set<ast.ModelItem>;
  readonly frames: Frame[];
  world: World;
  /** Nothing replaced: where data, parameters and fields get their values. */
  readonly baseWorld: World;
  draws: DrawContext;
  /** How many draws have been made. */
  drawn: number;
  /** The indices of loops and comprehensions (i32 scalars), with the number of their turns. */
  readonly extents: WeakMap<Node, number>;
  /** The seed as two u32 scalars. */
  readonly seed: () => readonly [Node, Node];
  /** Solves elaborated since the list was last emptied: what may have to be diagnosed. */
  readonly solves: SolveRecord[];
  /** The places that check something while the program runs (`checked`). */
  readonly checkSites: CheckSite[];
  /** Which elements of comprehensions that are written out one by one are being elaborated: the ends of messages of checks, `, in element 2`. */
  elements: readonly string[];
  /** How many checks have been made. */
  checkCount: number;
  /** Assertions met while a statement is elaborated. */
  /** Where assertions on run-time values go; undefined where they have no place to be checked: inside loops, choices, derivatives, solves, and in the values of items. */
  asserts: AssertRecord[] | undefined;
  /** Assertions met that wait for a value to go with: where `asserts` has no place. */
  readonly pending: AssertRecord[];
  /** The parts being elaborated that run at another time, several times or perhaps not: turns of loops, branches, elements, functions that are differentiated. Of each the variables from outside that it may assign. */
  readonly regions: (readonly Binding[])[];
  /** Iteration number of the `minimize` around, for schedules and draws. */
  iteration: Node | undefined;
  /** Set where an indexed loss is seen in part only: by the step of a minibatch. */
  batch: Batch | undefined;
  /** The loss that is being evaluated, whose `monitor`s are collected. */
  monitoring: Monitoring | undefined;
  /** Which sample of the draws in `let`s and losses is meant (i32 scalar), where it is not the usual one. */
  sample: Node | undefined;
  /** The grid of the model whose equations are being evaluated: what numbers and functions of coordinates in a derivative refer to. */
  modelGrid: Grid | undefined;
  /** Values given on the command line for `const` and `input`. */
  readonly settings: ReadonlyMap<string, string>;
}

/** The calls in progress, innermost first; without the one whose own text holds the place. */
function callChain(ctx: Context, place: Span): { message: string; span: Span }[] {
  const calls = ctx.frames.slice().reverse();
  const around = (f: Frame): boolean =>
    f.span.file === place.file && f.span.start <= place.start && place.end <= f.span.end;
  const outside = calls.filter((f, i) => !around(f) && (i === 0 || calls[i - 1]?.span !== f.span));
  const shown =
    outside.length <= MOST_CALLS ? outside : [...outside.slice(0, MOST_CALLS - 1), ...outside.slice(-1)];
  return shown.map((f) => ({ message: `in the call of ${f.name}`, span: f.span }));
}

const MOST_CALLS = 5;

/** Errors of rooms that know nothing of calls get the chain of calls. */
export function withCallChain<T>(ctx: Context, work: () => T): T {
  try {
    return work();
  } catch (e) {
    if (!(e instanceof FlowError)) throw e;
    throw new FlowError(
      e.diagnostics.map((d) =>
        d.span === undefined ||
        d.related?.length === 0 ||
        d.related?.some((r) => r.message.startsWith('in the call of ')) === true
          ? d
          : { ...d, related: [...(d.related ?? []), ...callChain(ctx, d.span)] },
      ),
    );
  }
}

/** Runs `work` as part of a call that is shown in the chain. */
export function inCall<T>(ctx: Context, frame: Frame, work: () => T): T {
  ctx.frames.push(frame);
  try {
    return withCallChain(ctx, work);
  } finally {
    ctx.frames.pop();
  }
}

/** Ends with a FlowError that carries the chain of calls. */
export function failAt(ctx: Context, code: string, message: string, span: Span, help?: string): never {
  const related = callChain(ctx, span);
  throw new FlowError([
    {
      severity: 'error',
      code,
      message,
      span,
      ...(related.length > 0 ? { related } : {}),
      ...(help === undefined ? {} : { help }),
    },
  ]);
}

export function notYet(ctx: Context, form: string, span: Span): never {
  return failAt(ctx, 'E090', `${form} is part of the language, but not available yet`, span);
}

export function warn(
  ctx: Pick<Context, 'diagnostics'>,
  code: string,
  message: string,
  span: Span,
  help?: string,
): void {
  ctx.diagnostics.push({ severity: 'warning', code, message, span, ...(help === undefined ? {} : { help }) });
}

/** Runs `work` in another world, and comes back. */
export function inWorld<T>(ctx: Context, world: World, work: () => T): T {
  const before = ctx.world;
  ctx.world = world;
  try {
    return work();
  } finally {
    ctx.world = before;
  }
}

/** Runs `work` as part of a model on this grid. */
export function onModelGrid<T>(ctx: Context, grid: Grid | undefined, work: () => T): T {
  const before = ctx.modelGrid;
  ctx.modelGrid = grid;
  try {
    return work();
  } finally {
    ctx.modelGrid = before;
  }
}

/** Runs `work` where assertions on run-time values are not looked at there and then: they go with the values that it gives. `assigned`: the variables from outside that it hands on. */
export function withoutAsserts<T>(ctx: Context, work: () => T, assigned: readonly Binding[] = []): T {
  const before = ctx.asserts;
  const waiting = ctx.pending.length;
  ctx.asserts = undefined;
  ctx.regions.push(assigned);
  try {
    const made = work();
    const left = ctx.pending[waiting];
    if (left !== undefined)
      failAt(
        ctx,
        'E515',
        'nothing that is computed here goes with this assertion, so that it would never be looked at',
        left.span,
        'it goes with what its block returns, yields or assigns, and that is known at compile time here: say it where the block is used, of an array at once: assert min(v) > 0',
      );
    return made;
  } finally {
    ctx.regions.pop();
    ctx.pending.length = waiting;
    ctx.asserts = before;
  }
}

/** Runs `work` and gives the assertions on run-time values that it made. */
export function assertsOf(ctx: Context, work: () => void): readonly AssertRecord[] {
  const before = ctx.asserts;
  const made: AssertRecord[] = [];
  ctx.asserts = made;
  try {
    work();
    return made;
  } finally {
    ctx.asserts = before;
  }
}

export function withDraws<T>(ctx: Context, draws: DrawContext, work: () => T): T {
  const before = ctx.draws;
  ctx.draws = draws;
  try {
    return work();
  } finally {
    ctx.draws = before;
  }
}
