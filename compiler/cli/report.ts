// The last line of defence: turns whatever a command threw into text on standard error (or JSON on standard output) and an
// exit status. A FlowError is the user's to mend; anything else is a bug of flowc, says so and asks for a report.

import type { Diagnostic } from '../support/diagnostic.ts';
import { FlowError, InternalError } from '../support/diagnostic.ts';
import { lineColumn } from '../support/span.ts';

const troubleStatus = 1;

export function reportTrouble(trouble: unknown, options: { readonly json: boolean }): number {
  if (trouble instanceof FlowError) {
    if (options.json)
      process.stdout.write(
        `${JSON.stringify({ ok: false, diagnostics: diagnosticsJson(trouble.diagnostics) })}\n`,
      );
    else process.stderr.write(`${diagnosticsText(trouble.diagnostics)}\n`);
    return troubleStatus;
  }
  process.stderr.write(`${bugText(trouble)}\n`);
  return troubleStatus;
}

/** Diagnostics as plain data for `--json`: one-based line and column instead of offsets. */
export function diagnosticsJson(diagnostics: readonly Diagnostic[]): readonly object[] {
  return diagnostics.map(({ severity, code, message, span, help }) => ({
    severity,
    code,
    message,
    ...(span
      ? { file: span.file.path, ...lineColumn(span.file, span.start), length: span.end - span.start }
      : {}),
    ...(help ? { help } : {}),
  }));
}

export function diagnosticsText(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map(diagnosticText).join('\n\n');
}

function diagnosticText({ severity, code, message, span, help }: Diagnostic): string {
  const lines = [`${severity} ${code}: ${message}`];
  if (span) {
    const { line, column } = lineColumn(span.file, span.start);
    lines.push(`  at ${span.file.path}:${line}:${column}`);
  }
  if (help) lines.push(`  help: ${help}`);
  return lines.join('\n');
}

function bugText(trouble: unknown): string {
  const what = trouble instanceof Error ? trouble : new Error(String(trouble));
  const place = trouble instanceof InternalError ? ` in ${trouble.pass}` : '';
  return [
    `flowc has a bug${place}: ${what.message}`,
    what.stack?.split('\n').slice(1, 6).join('\n') ?? '',
    'This is not a mistake of your program. Please report it with the program and the lines above.',
  ].join('\n');
}
