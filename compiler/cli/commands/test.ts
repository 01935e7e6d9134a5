// `flowc test`. In: a file, or `std` for the standard library. Out: one line a test with its time, the reason below those that fail; the exit status. Runs on the CPU unless told otherwise.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestResult } from '../../../runtime/run/run_script.ts';
import { runTests } from '../../../runtime/run/run_script.ts';
import { openExecutor } from '../../../runtime/target.ts';
import { createInterpreterExecutor } from '../../driver/interpreter_executor.ts';
import type { Executor } from '../../plan/types.ts';
import { renderDiagnostics } from '../../support/render.ts';
import type { SourceFile } from '../../support/span.ts';
import { elaborateFile, planFile, withCode } from '../compiled.ts';
import { writeDump } from '../dump.ts';
import { consoleHost } from '../execute.ts';
import { interruptedStatus, interruptible } from '../interrupt.ts';
import type { RunOptions } from '../options.ts';
import { cpuOptions } from '../options.ts';
import { reportTrouble, wantsColor } from '../report.ts';
import { inputsOf } from '../settings.ts';
import { readSource } from '../source_text.ts';
import { stdlibDirectory } from '../stdlib_files.ts';

export async function runTest(
  request: { readonly file: string; readonly name?: string },
  options: RunOptions,
): Promise<number> {
  const { file, name } = request;
  if (options.dump !== undefined) return writeDump(file, options.dump, options);
  const files = file === 'std' ? libraryFiles() : [readSource(file)];
  const results: TestResult[] = [];
  let broken = 0;
  for (const source of files) {
    try {
      const report = await testFile(source, name, options);
      if (report === undefined) return interruptedStatus;
      results.push(...report);
    } catch (trouble) {
      // The other modules are tested all the same.
      reportTrouble(trouble, options);
      broken++;
    }
  }
  const failed = results.filter((result) => !result.ok).length;
  if (!options.json && broken < files.length)
    process.stdout.write(`${summary(results.length, failed, file)}\n`);
  return failed + broken === 0 ? 0 : 1;
}

function summary(all: number, failed: number, file: string): string {
  if (all === 0) return `no tests in ${file}`;
  const noun = all === 1 ? 'test' : 'tests';
  return failed === 0 ? `${all} ${noun} passed` : `${failed} of ${all} ${noun} failed`;
}

/** Modules of the library, under the names programs use. */
function libraryFiles(): readonly SourceFile[] {
  const directory = stdlibDirectory();
  return readdirSync(directory)
    .filter((name) => name.endsWith('.flow'))
    .sort()
    .map((name) => ({
      path: `std.${name.slice(0, -'.flow'.length)}`,
      text: readSource(join(directory, name)).text,
    }))
    .filter(({ text }) => /^test\b/m.test(text));
}

/** Undefined when interrupted. */
async function testFile(
  source: SourceFile,
  filter: string | undefined,
  options: RunOptions,
): Promise<readonly TestResult[] | undefined> {
  // No run is called this: only tests are compiled.
  const only = { run: '', tests: true };
  const target = options.target === 'auto' ? 'cpu' : options.target;
  const opened = async (): Promise<[Parameters<typeof runTests>[0], Executor]> => {
    if (target === 'interpreter') {
      const { program } = elaborateFile(source, options, { only, diagnose: true });
      return [program, createInterpreterExecutor(program)];
    }
    const { plan } = planFile(source, options, { only, diagnose: true, target });
    return [plan, await openExecutor(await withCode(plan, target, options), target, cpuOptions(options))];
  };
  const [plan, executor] = await opened();
  try {
    const host = consoleHost(source.path, options);
    const report = await interruptible(executor, (watched, signal) =>
      runTests(plan, watched, {
        host,
        seed: options.seed,
        inputs: inputsOf(options.set, plan.script),
        signal,
        ...(filter === undefined ? {} : { filter }),
      }),
    );
    for (const { error } of report.results)
      if (error !== undefined && !options.json)
        process.stderr.write(`\n${renderDiagnostics(error.diagnostics, { color: wantsColor() })}\n`);
    return report.status === 'interrupted' ? undefined : report.results;
  } finally {
    await executor.dispose();
  }
}
