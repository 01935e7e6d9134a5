// `flowc check`. In: the file and the options. Out: the exit status: 0 when there are no errors. Nothing of kernels, targets or the runtime's rooms is loaded: it answers while one types.

import { elaborateProgram } from '../../elaborate/program.ts';
import type { Diagnostic } from '../../support/diagnostic.ts';
import { FlowError } from '../../support/diagnostic.ts';
import { byPlace } from '../../support/render.ts';
import { settingsOf } from '../settings.ts';
import { createDiskHost } from '../host.ts';
import type { ProgramOptions } from '../options.ts';
import { diagnosticsJson, reportDiagnostics } from '../report.ts';
import { readSource } from '../source_text.ts';

export async function runCheck(request: { readonly file: string }, options: ProgramOptions): Promise<number> {
  const { file } = request;
  if (options.dump !== undefined) {
    const { writeDump } = await import('../dump.ts');
    return writeDump(file, options.dump, options);
  }
  const diagnostics = checkFile(file, options);
  const errors = diagnostics.filter((d) => d.severity === 'error').length;
  if (options.json) {
    const report = { ok: errors === 0, diagnostics: diagnosticsJson(diagnostics) };
    process.stdout.write(`${JSON.stringify(report)}\n`);
  } else {
    reportDiagnostics(diagnostics);
    const warnings = diagnostics.filter((d) => d.severity === 'warning').length;
    if (errors === 0) process.stdout.write(`${file}: no errors${counted(warnings)}\n`);
  }
  return errors === 0 ? 0 : 1;
}

/** Everything the compiler has to say about a file, in its order. Throws FlowError when it cannot be read. */
export function checkFile(file: string, options: ProgramOptions): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const source = readSource(file);
  try {
    elaborateProgram(source, createDiskHost(), { settings: settingsOf(options.set) }, diagnostics);
  } catch (trouble) {
    if (!(trouble instanceof FlowError)) throw trouble;
    diagnostics.push(...trouble.diagnostics);
  }
  return diagnostics.sort(byPlace);
}

function counted(warnings: number): string {
  return warnings === 0 ? '' : `, ${warnings} warning${warnings === 1 ? '' : 's'}`;
}
