// `flowc run`. In: the file and the options. Out: the exit status. Compiles, chooses a target, emits its code, executes the run.

import type { ChosenTarget } from '../../../runtime/target.ts';
import { chooseTarget, likelyTarget, openExecutor } from '../../../runtime/target.ts';
import { chooseRun, runScript } from '../../../runtime/run/run_script.ts';
import { createInterpreterExecutor } from '../../driver/interpreter_executor.ts';
import type { Script } from '../../plan/script.ts';
import type { Executor } from '../../plan/types.ts';
import { elaborateFile, planFile, withCode } from '../compiled.ts';
import { consoleHost, onExecutor } from '../execute.ts';
import { interruptedStatus } from '../interrupt.ts';
import { writeDump } from '../dump.ts';
import type { RunOptions } from '../options.ts';
import { cpuOptions } from '../options.ts';
import { inputsOf } from '../settings.ts';

export async function runRun(
  request: { readonly file: string; readonly name?: string },
  options: RunOptions,
): Promise<number> {
  const { file, name } = request;
  if (options.dump !== undefined) return writeDump(file, options.dump, options);
  // What the run does not need is not compiled.
  const only = { tests: false, ...(name === undefined ? {} : { run: name }) };
  const compileOptions = { only, diagnose: true };
  const execute = async (
    program: Parameters<typeof runScript>[0],
    opened: Promise<Executor>,
    chosen: ChosenTarget,
  ): Promise<number> =>
    onExecutor(opened, chosen, options, async (executor, signal) => {
      const host = consoleHost(file, options);
      const inputs = inputsOf(options.set, program.script);
      const run = name === undefined ? {} : { run: name };
      const { seed, resume } = options;
      const { status } = await runScript(program, executor, {
        host,
        seed,
        inputs,
        signal,
        ...run,
        ...(resume === undefined ? {} : { resume }),
      });
      return status === 'interrupted' ? interruptedStatus : 0;
    });

  if (options.target === 'interpreter') {
    const { program } = elaborateFile(file, options, compileOptions);
    requireRun(program.script, request, options);
    const chosen = await chooseTarget('interpreter', program.precision);
    return execute(program, Promise.resolve(createInterpreterExecutor(program)), chosen);
  }
  const likely = await likelyTarget(options.target);
  const { plan } = planFile(file, options, {
    ...compileOptions,
    ...(likely === undefined ? {} : { target: likely }),
  });
  requireRun(plan.script, request, options);
  const chosen = await chooseTarget(options.target, plan.precision);
  return execute(
    plan,
    openExecutor(await withCode(plan, chosen.target, options), chosen.target, cpuOptions(options)),
    chosen,
  );
}

/** Before anything is opened. A name that does not exist is told with all that do, which were not compiled. */
function requireRun(
  script: Script,
  { file, name }: { readonly file: string; readonly name?: string },
  options: RunOptions,
): void {
  const all =
    name === undefined || name in script.runs
      ? script
      : elaborateFile(file, options, { only: { tests: false } }).program.script;
  chooseRun(all, name);
}
