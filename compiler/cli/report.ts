// The last line of defence: turns whatever a command threw into text on standard error (or JSON on standard output) and an
// exit status. A FlowError is the user's to mend; anything else is a bug of flowc and asks for a report.

import type { Diagnostic } from '../support/diagnostic.ts';
import { FlowError } from '../support/diagnostic.ts';
import { renderDiagnostics, renderError } from '../support/render.ts';
import { lineColumn } from '../support/span.ts';

const troubleStatus = 1;

/** Reports anything thrown; the status is 1. */
export function reportTrouble(trouble: unknown, options: { readonly json: boolean }): number {
  if (trouble instanceof FlowError && options.json) {
    process.stdout.write(
      `${JSON.stringify({ ok: false, diagnostics: diagnosticsJson(trouble.diagnostics) })}\n`,
    );
  } else {
    process.stderr.write(`${renderError(trouble, { color: wantsColor() })}\n`);
  }
  return troubleStatus;
}

/** Writes diagnostics that end nothing (warnings, notes) to standard error. */
export function reportDiagnostics(diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.length > 0)
    process.stderr.write(`${renderDiagnostics(diagnostics, { color: wantsColor() })}\n`);
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

/** Colour on a terminal that wants it (no-color.org). */
export function wantsColor(): boolean {
  return (
    process.stderr.isTTY === true && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb'
  );
}
