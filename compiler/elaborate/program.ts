// A whole program elaborated: variables, procedures and the script. Item by item, so that several errors are reported at once; every item is visited, used or not.

import { libraryModules } from './names/library_modules.ts';
import type { CompileHost } from './context.ts';
import { makeContext } from './elaborator.ts';
import { guard } from './names/guard.ts';
import { warnOfHiddenNames } from './names/hidden_names.ts';
import { checkModel } from './models/model_check.ts';
import { ModuleLoader } from './names/modules.ts';
import { elaborateRun, elaborateTest } from './runs/runs.ts';
import { outputOf, placeOf } from './runs/outputs.ts';
import type { Module } from './names/scope.ts';
import type { ProcedureInfo, VariableInfo } from './variables.ts';
import type { Variables } from './variables.ts';
import { itemLabel } from './names/labels.ts';
import type { DiagnosedSolves } from './runs/diagnosis.ts';
import { diagnosisOf } from './runs/diagnosis.ts';
import { ruleExpander } from '../autodiff/expand_rules.ts';
import { reachable } from '../ir/region.ts';
import type { ArrayFunction, FloatType, Node } from '../ir/types.ts';
import type { Graph } from '../ir/graph.ts';
import type { CheckSite, Diagnosis, OutputValue, Script, ScriptStatement } from '../plan/script.ts';
import type { Diagnostic } from '../support/diagnostic.ts';
import { FlowError, InternalError } from '../support/diagnostic.ts';
import { didYouMean } from '../support/did_you_mean.ts';
import type { SourceFile } from '../support/span.ts';

export interface ProcedureSource {
  readonly name: string;
  readonly fn: ArrayFunction;
  /** Input of the function -> variable. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
}

export interface ElaboratedProgram {
  readonly name: string;
  readonly precision: FloatType;
  readonly graph: Graph;
  readonly variables: readonly VariableInfo[];
  readonly procedures: readonly ProcedureSource[];
  readonly script: Script;
  /** Places that check something, by their number in the graph. */
  readonly checkSites: readonly CheckSite[];
}

/** The stages of a compilation; `parse` reads all modules. */
export type CompileStage = 'parse' | 'elaborate' | 'optimize' | 'schedule';

export interface ElaborateOptions {
  /** Called when a stage has ended: for measurements. */
  readonly onStage?: (stage: CompileStage) => void;
  readonly settings: ReadonlyMap<string, string>;
  /** Procedures that find out where a run became non-finite are made too. */
  readonly diagnose?: boolean;
  /** Elaborate this run only (and no tests); all of them when absent. */
  readonly only?: { readonly run?: string; readonly tests?: boolean };
}

export function elaborateProgram(
  source: SourceFile,
  host: CompileHost,
  options: ElaborateOptions,
  diagnostics: Diagnostic[],
): ElaboratedProgram | undefined {
  const loader = new ModuleLoader(host, diagnostics);
  const prelude = host.readModule('std.prelude', source.path);
  const preludeModule =
    prelude === undefined
      ? undefined
      : loader.load({ path: prelude.path, text: prelude.text }, true, prelude.tree);
  const names = host.readModule('std.names', source.path);
  const module = loader.load(source, source.path.startsWith('std.'));
  options.onStage?.('parse');
  if (diagnostics.some((d) => d.severity === 'error')) return undefined;
  const real = precisionOf(module, diagnostics);
  const { ctx, variables } = makeContext({
    host,
    real,
    settings: options.settings,
    diagnostics,
    prelude: preludeModule,
    names: names && loader.load({ path: names.path, text: names.text }, true, names.tree, true),
    library: (name) => libraryModule(host, source, name),
    loadModule: (path) => {
      const found = host.readModule(path, source.path);
      return found && loader.load({ path: found.path, text: found.text }, true, found.tree);
    },
  });
  checkSettings(module, options.settings, diagnostics);
  if (!module.standard) warnOfHiddenNames(ctx, module);

  const runs: Record<string, readonly ScriptStatement[]> = {};
  const tests: Script['tests'][number][] = [];
  for (const item of module.ast.items) {
    if (
      item.kind === 'use' ||
      item.kind === 'precision' ||
      item.kind === 'run' ||
      item.kind === 'test' ||
      item.kind === 'type-alias'
    )
      continue;
    guard(ctx, () => ctx.item(module, item, itemLabel(item)));
  }
  if (diagnostics.some((d) => d.severity === 'error')) return undefined;
  const diagnosed: DiagnosedSolves = { open: new Map(), byRecord: new Map(), byNodes: new Map() };
  const diagnosis =
    options.diagnose === true
      ? (): Diagnosis | undefined => diagnosisOf(ctx, variables, diagnosed)
      : (): undefined => undefined;
  for (const item of module.ast.items) {
    if (
      item.kind === 'run' &&
      (options.only?.run === undefined || options.only.run === (item.name?.name ?? 'run'))
    ) {
      const name = item.name?.name ?? 'run';
      guard(ctx, () => {
        if (name in runs)
          throw new FlowError([
            {
              severity: 'error',
              code: 'E440',
              message: `there are two runs called \`${name}\``,
              span: item.name?.span ?? item.span,
              help: 'give them names: run train { … }',
            },
          ]);
        runs[name] = elaborateRun(ctx, variables, module, item, diagnosis);
      });
    }
    if (item.kind === 'test' && options.only?.tests !== false) {
      guard(ctx, () => {
        tests.push({ ...elaborateTest(ctx, variables, module, item, diagnosis), place: placeOf(item.span) });
      });
    }
  }
  for (const item of module.ast.items)
    if (item.kind === 'model' && !ctx.models.has(item)) guard(ctx, () => checkModel(ctx, module, item));
  if (diagnostics.some((d) => d.severity === 'error')) return undefined;
  const sink = {
    ctx,
    output: (node: Node): string => variables.nameOf(node) ?? internal('a parameter is no variable'),
  };
  const params = [...variables.parameters.values()].flatMap((info): OutputValue[] =>
    info.variables.map((v) =>
      outputOf(sink, { kind: 'array', node: variables.nodeOf(v) }, v, info.item.span),
    ),
  );
  const script: Script = {
    inputs: variables.inputs,
    files: [],
    ...(variables.usesSeed ? { seed: 'seed' } : {}),
    setup: variables.setup.map((procedure) => ({ kind: 'call', procedure }) as const),
    runs,
    tests,
    params,
    kept: [...variables.lasting].map((v) =>
      outputOf(sink, { kind: 'array', node: variables.nodeOf(v) }, v, module.ast.span),
    ),
  };
  const expand = ruleExpander(ctx.graph);
  const procedures: ProcedureSource[] = [];
  guard(ctx, () => {
    for (const p of variables.procedures) {
      const made = procedureSource(variables, p);
      procedures.push({ ...made, fn: expand(made.fn) });
    }
  });
  if (diagnostics.some((d) => d.severity === 'error')) return undefined;
  return {
    name: source.path.replace(/^.*\//, '').replace(/\.flow$/, ''),
    precision: real,
    graph: ctx.graph,
    variables: [...variables.all.values()],
    procedures,
    script,
    checkSites: ctx.checkSites,
  };
}

function internal(message: string): never {
  throw new InternalError('elaborate.program', message);
}

function precisionOf(module: Module, diagnostics: Diagnostic[]): FloatType {
  for (const item of module.ast.items) {
    if (item.kind !== 'precision') continue;
    if (item.name.name === 'f32' || item.name.name === 'f64') return item.name.name;
    diagnostics.push({
      severity: 'error',
      code: 'E441',
      message: `there is no precision \`${item.name.name}\``,
      span: item.name.span,
      help: 'write `precision f32` or `precision f64`',
    });
  }
  return 'f32';
}

function checkSettings(
  module: Module,
  settings: ReadonlyMap<string, string>,
  diagnostics: Diagnostic[],
): void {
  const settable = module.ast.items.flatMap((i) =>
    i.kind === 'declaration' && (i.what === 'const' || i.what === 'input') ? [i.name.name] : [],
  );
  for (const name of settings.keys()) {
    if (settable.includes(name)) continue;
    const guess = didYouMean(name, settable);
    diagnostics.push({
      severity: 'error',
      code: 'E442',
      message: `--set ${name}: the program has no const or input \`${name}\``,
      help:
        guess !== undefined
          ? `did you mean \`${guess}\`?`
          : settable.length > 0
            ? `it has ${settable.join(', ')}`
            : 'it has none',
    });
  }
}

/** What passes names on comes before the modules behind it. */
const SEARCHED = [
  ...libraryModules,
  'std.factorisations',
  'std.eigen',
  'std.eigen_general',
  'std.matrix_functions',
  'std.segments',
];

/** Which module of the library defines a name, or passes it on; looked up only when a name is unknown. */
function libraryModule(host: CompileHost, source: SourceFile, name: string): string | undefined {
  const word = name.replace(/[^\p{L}\p{N}_]/gu, '');
  const moduleWith = (pattern: RegExp): string | undefined =>
    SEARCHED.find((path) => pattern.test(host.readModule(path, source.path)?.text ?? ''));
  return (
    moduleWith(new RegExp(`^(fn|let|layer|const)\\s+${word}\\b`, 'mu')) ??
    moduleWith(new RegExp(`^use\\s[^{\\n]*\\{[^}]*\\b${word}\\b`, 'mu'))
  );
}

/** Its outputs as a closed function of the variables they depend on. */
function procedureSource(variables: Variables, p: ProcedureInfo): ProcedureSource {
  const results = [...p.outputs.values()];
  const params = reachable(results).filter((n) => n.op === 'param');
  const names = params.map(
    (n) =>
      variables.nameOf(n) ??
      internal(
        `procedure ${p.name} depends on ${n.op === 'param' ? n.attrs.name : n.op}, which is no variable`,
      ),
  );
  const outputs = [...p.outputs.keys()];
  return {
    name: p.name,
    fn: { name: p.name, inputs: names, outputs, region: { params, results } },
    inputs: Object.fromEntries(names.map((n) => [n, n])),
    outputs: Object.fromEntries(outputs.map((n) => [n, n])),
  };
}
