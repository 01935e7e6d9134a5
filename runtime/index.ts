// The runtime as a library: executes packages and plans, without the compiler. `import { readPackage, openExecutor, runScript, createMemoryHost } from 'flowc/runtime'`.

export type { Executor, Plan } from '../compiler/plan/types.ts';
export { FlowError, type Diagnostic } from '../compiler/support/diagnostic.ts';
export { renderDiagnostics, renderError } from '../compiler/support/render.ts';
export * from './io/index.ts';
export { PACKAGE_VERSION, readPackage, writePackage, type FlowPackage } from './package.ts';
export type { PlotAxis, PlotKind, PlotSeries, PlotSpec } from './picture/index.ts';
export { create_progress, type Progress, type ProgressReport } from './progress.ts';
export * from './run/index.ts';
export { chooseTarget, openExecutor, type ChosenTarget, type Target, type TargetChoice } from './target.ts';
