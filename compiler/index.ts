// The compiler as a library: text in, plan out, without files, console or process. See driver/compile.ts for the pipeline.

export { compile, planOf } from './driver/compile.ts';
export type { CompileOptions, CompileResult } from './driver/compile.ts';
export type { CompileHost, ModuleText } from './elaborate/context.ts';
export type { CompileStage, ElaboratedProgram, ProcedureSource } from './elaborate/program.ts';
export { createInterpreterExecutor } from './driver/interpreter_executor.ts';
export type { Plan, Executor, Procedure, Step } from './plan/types.ts';
export type { Script, ScriptStatement } from './plan/script.ts';
export { renderDiagnostics } from './support/render.ts';
export { FlowError, InternalError } from './support/diagnostic.ts';
export type { Diagnostic } from './support/diagnostic.ts';
export { parseFile } from './syntax/parse.ts';
export { printFile } from './syntax/print.ts';
export { readTree, writeTree } from './syntax/tree_text.ts';
export { forwardSteps } from './support/revolve.ts';
export { emitWasm } from './target/wasm/emit.ts';
export { emitWgsl } from './target/wgsl/emit.ts';
