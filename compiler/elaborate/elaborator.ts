// The elaborator put together: one Context with all its parts wired to each other.

import { applyElementwise } from './values/arithmetic.ts';
import { block } from './expressions/block.ts';
import { arrays } from './builtins/arrays.ts';
import { complexFunctions } from './builtins/complex.ts';
import { differentiation } from './builtins/differentiation.ts';
import { linear } from './builtins/linear.ts';
import { elementary } from './builtins/elementary.ts';
import { fields } from './builtins/fields.ts';
import { files } from './builtins/files.ts';
import { optionWords } from './builtins/option_words.ts';
import { random } from './builtins/random.ts';
import { reductions } from './builtins/reductions.ts';
import { sorting } from './builtins/sorting.ts';
import { call } from './expressions/call.ts';
import { bindArguments } from './expressions/call_arguments.ts';
import { overParts } from './values/complex_lifting.ts';
import { checkedBuiltin } from './expressions/checked.ts';
import type { CompileHost, Context } from './context.ts';
import { freshDraws } from './random/draws.ts';
import { evaluate } from './expressions/expression.ts';
import { itemValue } from './items.ts';
import { KnownRules } from './expressions/known_rules.ts';
import { modelMember } from './models/model_members.ts';
import { namesTaken } from './names/modules.ts';
import type { Module, NamedItem, World } from './names/scope.ts';
import { modelsOfFunctions } from './models/function_models.ts';
import { residualBuiltins } from './models/residual.ts';
import { solveBuiltin } from './solve/solve.ts';
import { expectBuiltin } from './models/expectations.ts';
import { caputoBuiltin } from './models/fractional_orders.ts';
import { stepBuiltin } from './solve/step_builtin.ts';
import type { Value } from './values/values.ts';
import { Variables } from './variables.ts';
import { Graph } from '../ir/graph.ts';
import type { FloatType } from '../ir/types.ts';
import { InternalError } from '../support/diagnostic.ts';
import type { Diagnostic } from '../support/diagnostic.ts';

export interface ElaboratorParts {
  readonly ctx: Context;
  readonly variables: Variables;
}

/** Library modules by the names they define, for "use std.x { name }". */
export type LibraryIndex = ReadonlyMap<string, string>;

export function makeContext(options: {
  readonly host: CompileHost;
  readonly real: FloatType;
  readonly settings: ReadonlyMap<string, string>;
  readonly diagnostics: Diagnostic[];
  readonly prelude: Module | undefined;
  /** Says which modules of the library hold further names of every program. */
  readonly names: Module | undefined;
  readonly library: (name: string) => string | undefined;
  /** A module of the library. */
  readonly loadModule: (path: string) => Module | undefined;
}): ElaboratorParts {
  const graph = new Graph();
  const variables = new Variables();
  const inProgress = new Set<NamedItem>();
  const builtins = new Map<string, Value>();
  const fromLibrary = namesTaken(options.names);
  const baseWorld: World = { replaced: new Map(), values: new Map(), monitors: new Map() };
  const ctx: Context = {
    graph,
    real: options.real,
    programReal: options.real,
    host: options.host,
    diagnostics: options.diagnostics,
    settings: options.settings,
    frames: [],
    world: baseWorld,
    baseWorld,
    draws: freshDraws('program'),
    drawn: 0,
    extents: new WeakMap(),
    grids: new Map(),
    schemes: new Map(),
    solves: [],
    checkSites: [],
    elements: [],
    checkCount: 0,
    knownRules: new KnownRules(),
    models: new Set(),
    asserts: undefined,
    pending: [],
    regions: [],
    iteration: undefined,
    modelGrid: undefined,
    batch: undefined,
    sample: undefined,
    monitoring: undefined,
    evaluate: (e, scope) => evaluate(ctx, e, scope),
    elementwise: (op, args, span) => applyElementwise(ctx, op, args, span),
    call: (callee, args, span) => call(ctx, callee, args, span),
    bindArguments: (name, params, args, scope, span) => bindArguments(ctx, name, params, args, scope, span),
    block: (body, scope) => block(ctx, body, scope),
    item: (module, item, name) => itemValue(ctx, variables, inProgress, module, item, name),
    prelude: (name) => {
      const builtin = builtins.get(name);
      if (builtin !== undefined) return builtin;
      const item = options.prelude?.items.get(name);
      if (item !== undefined && options.prelude !== undefined) return ctx.item(options.prelude, item, name);
      // Modules that are read when a program needs them.
      const taken = fromLibrary.get(name);
      return taken === undefined ? undefined : ctx.library(taken.path, taken.name);
    },
    library: (path, name) => {
      const module = options.loadModule(path);
      const item = module?.items.get(name);
      if (module === undefined || item === undefined)
        throw new InternalError('elaborate', `the library has no ${path} with ${name}`);
      return ctx.item(module, item, name);
    },
    preludeNames: () => [...builtins.keys(), ...(options.prelude?.items.keys() ?? []), ...fromLibrary.keys()],
    moduleThatHas: options.library,
    modelMember: (model, name, span) => modelMember(ctx, model, name, span),
    seed: () => variables.seed(ctx),
  };
  for (const [name, value] of optionWords(ctx)) builtins.set(name, value);
  for (const value of [
    ...elementary(ctx),
    ...complexFunctions(ctx),
    ...reductions(ctx),
    ...arrays(ctx),
    ...sorting(ctx),
    ...differentiation(ctx),
    ...linear(ctx),
    checkedBuiltin(ctx),
    ...random(ctx),
    ...fields(ctx),
    ...files(ctx),
    ...residualBuiltins(ctx),
  ])
    builtins.set(value.name, overParts(ctx, value));
  builtins.set('solve', solveBuiltin(ctx));
  builtins.set('step', stepBuiltin(ctx));
  builtins.set('caputo', caputoBuiltin(ctx));
  builtins.set('expect', overParts(ctx, expectBuiltin(ctx)));
  for (const builtin of modelsOfFunctions(ctx)) builtins.set(builtin.name, builtin);
  return { ctx, variables };
}
