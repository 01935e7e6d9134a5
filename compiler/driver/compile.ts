// The pipeline: text in, plan out. Pure: files and console come through the host.
//   [text] -parse-> [AST] -elaborate-> [array functions + script] -optimize-> [array functions] -schedule-> [kernels, buffers, procedures] -> [plan]

import type { CompileHost } from '../elaborate/context.ts';
import type { ElaborateOptions, ElaboratedProgram } from '../elaborate/program.ts';
import { elaborateProgram } from '../elaborate/program.ts';
import { checkPlan } from '../elaborate/expressions/checked.ts';
import { collectChecks } from '../ir/checks.ts';
import { optimizer } from '../ir/passes.ts';
import type { CheckPlan } from '../plan/script.ts';
import { at } from '../support/lists.ts';
import { verifyFunction } from '../ir/verify.ts';
import type { Executor, Plan } from '../plan/types.ts';
import { PLAN_VERSION } from '../plan/types.ts';
import { schedule } from '../schedule/schedule.ts';
import type { ScheduleReport } from '../schedule/schedule.ts';
import type { Diagnostic } from '../support/diagnostic.ts';
import { FlowError } from '../support/diagnostic.ts';
import type { SourceFile } from '../support/span.ts';

export interface CompileOptions extends ElaborateOptions {
  /** Verify the IR after every pass. */
  readonly verify?: boolean;
  readonly stopAfter?: 'elaborate' | 'schedule';
  /** Where the plan will run, if that is known: it runs anywhere, but a thread of the CPU has more memory of its own. */
  readonly target?: Executor['target'];
}

/** Bytes of its own for a thread of the CPU: several side by side in a vector stay within the second cache. */
const CPU_OWN_BYTES = 2 ** 15;

export interface CompileResult {
  readonly diagnostics: readonly Diagnostic[];
  readonly program?: ElaboratedProgram;
  readonly plan?: Plan;
  readonly report?: ScheduleReport;
}

/** Compiles a program. With errors among the diagnostics there is no program and no plan. */
export function compile(source: SourceFile, host: CompileHost, options: CompileOptions): CompileResult {
  const diagnostics: Diagnostic[] = [];
  let program: ElaboratedProgram | undefined;
  try {
    program = elaborateProgram(source, host, options, diagnostics);
  } catch (e) {
    if (!(e instanceof FlowError)) throw e;
    diagnostics.push(...e.diagnostics);
  }
  if (program === undefined || diagnostics.some((d) => d.severity === 'error')) return { diagnostics };
  options.onStage?.('elaborate');
  const optimized = optimizeProcedures(program, options.verify === true);
  options.onStage?.('optimize');
  if (options.stopAfter === 'elaborate') return { diagnostics, program: optimized };
  const { plan, report } = planOf(optimized, options.target);
  options.onStage?.('schedule');
  return { diagnostics, program: optimized, plan, report };
}

/** Checks made outputs, everything simplified. */
function optimizeProcedures(program: ElaboratedProgram, verify: boolean): ElaboratedProgram {
  const { graph } = program;
  const optimize = optimizer(graph);
  const variables = [...program.variables];
  const checks: CheckPlan[] = [];
  const procedures = program.procedures.map((p) => {
    if (verify) verifyFunction(p.fn);
    const checked = collectChecks(graph, p.fn);
    const fn = optimize(checked?.fn ?? p.fn);
    if (verify) verifyFunction(fn);
    if (checked === undefined) return { ...p, fn };
    const name = `checks.${p.name}`;
    const node = at(checked.fn.region.params, checked.fn.region.params.length - 1);
    variables.push({ name, type: { dtype: node.dtype, shape: node.shape }, node });
    checks.push(checkPlan(p.name, name, checked, program.checkSites));
    return {
      ...p,
      fn,
      inputs: { ...p.inputs, [checked.vector]: name },
      outputs: { ...p.outputs, [checked.vector]: name },
    };
  });
  const script = checks.length === 0 ? program.script : { ...program.script, checks };
  return { ...program, variables, procedures, script };
}

export function planOf(
  program: ElaboratedProgram,
  target?: Executor['target'],
): { plan: Plan; report: ScheduleReport } {
  const { buffers, kernels, procedures, bytes, report } = schedule(
    program.graph,
    program.variables,
    program.procedures,
    target === 'cpu' ? { ownBytes: CPU_OWN_BYTES } : {},
  );
  const plan: Plan = {
    version: PLAN_VERSION,
    name: program.name,
    precision: program.precision,
    buffers,
    kernels,
    procedures,
    script: program.script,
    code: {},
    bytes,
  };
  return { plan, report };
}
