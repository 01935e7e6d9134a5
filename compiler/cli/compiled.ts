// A file compiled for a command. In: a path and the options of the command line. Out: program and plan, warnings on standard error; errors are thrown, all of them, in the order of the file.
// And target code for a plan. The rooms of the targets are loaded when they are needed.

import { compile } from '../driver/compile.ts';
import type { CompileOptions, CompileResult } from '../driver/compile.ts';
import type { ElaboratedProgram } from '../elaborate/program.ts';
import type { Plan } from '../plan/types.ts';
import { validatePlan } from '../plan/validate.ts';
import type { ScheduleReport } from '../schedule/schedule.ts';
import { FlowError, InternalError, assertNever } from '../support/diagnostic.ts';
import type { SourceFile } from '../support/span.ts';
import { byPlace } from '../support/render.ts';
import type { Executor } from '../plan/types.ts';
import type { DiskHost } from './host.ts';
import { createDiskHost } from './host.ts';
import type { ProgramOptions } from './options.ts';
import { reportDiagnostics } from './report.ts';
import { settingsOf } from './settings.ts';
import { readSource } from './source_text.ts';

export interface CompiledFile {
  readonly source: SourceFile;
  readonly host: DiskHost;
  readonly program: ElaboratedProgram;
}

export interface PlannedFile extends CompiledFile {
  readonly plan: Plan;
  readonly report: ScheduleReport;
}

/** Up to the array IR. Throws FlowError. */
export function elaborateFile(
  file: string | SourceFile,
  options: ProgramOptions,
  more: Partial<CompileOptions> = {},
): CompiledFile {
  const { source, host, result } = compiled(file, options, { ...more, stopAfter: 'elaborate' });
  if (result.program === undefined) throw new InternalError('driver', 'no program, and no error');
  return { source, host, program: result.program };
}

/** Up to the plan, without target code. Throws FlowError. */
export function planFile(
  file: string | SourceFile,
  options: ProgramOptions,
  more: Partial<CompileOptions> = {},
): PlannedFile {
  const { source, host, result } = compiled(file, options, more);
  const { program, plan, report } = result;
  if (program === undefined || plan === undefined || report === undefined)
    throw new InternalError('driver', 'no plan, and no error');
  if (options.verify) validatePlan(plan);
  return { source, host, program, plan, report };
}

function compiled(
  file: string | SourceFile,
  options: ProgramOptions,
  more: Partial<CompileOptions>,
): { source: SourceFile; host: DiskHost; result: CompileResult } {
  const source = typeof file === 'string' ? readSource(file) : file;
  const host = createDiskHost();
  const result = compile(source, host, {
    settings: settingsOf(options.set),
    verify: options.verify,
    ...more,
  });
  const diagnostics = [...result.diagnostics].sort(byPlace);
  if (diagnostics.some((d) => d.severity === 'error')) throw new FlowError(diagnostics);
  if (!options.json) reportDiagnostics(diagnostics);
  return { source, host, result };
}

/** What the code of a plan is to be like. */
export interface CodeOptions {
  /** For any machine, not only this one. */
  readonly portable?: boolean;
  /** No fused multiply-adds. */
  readonly strict?: boolean;
  /** Sums may be reordered. */
  readonly fast?: boolean;
}

/** The plan with code for a target. */
export async function withCode(
  plan: Plan,
  target: Executor['target'],
  { portable = false, strict = false, fast = false }: CodeOptions = {},
): Promise<Plan> {
  switch (target) {
    case 'gpu': {
      const { emitWgsl } = await import('../target/wgsl/emit.ts');
      return { ...plan, code: { ...plan.code, wgsl: plan.kernels.map((kernel) => emitWgsl(kernel)) } };
    }
    case 'cpu': {
      const [{ emitWasm }, { engineFeatures }] = await Promise.all([
        import('../target/wasm/emit.ts'),
        import('../../runtime/cpu/engine.ts'),
      ]);
      const { relaxed } = await engineFeatures();
      const variants = portable ? 'both' : relaxed && !strict ? 'relaxed' : 'strict';
      return { ...plan, code: { ...plan.code, wasm: await emitWasm(plan, { variants, fast }) } };
    }
    case 'interpreter':
      return plan;
    default:
      return assertNever(target);
  }
}
