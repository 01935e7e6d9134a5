// One diagnostic type for all stages (lexer to runtime). A stage collects diagnostics; it does not throw at the first.
// `FlowError` carries one diagnostic through code that cannot go on; `InternalError` is a bug of the compiler, names its pass.

import type { Span } from './span.ts';

export type Severity = 'error' | 'warning' | 'note';

export interface Diagnostic {
  readonly severity: Severity;
  /** Stable code: a letter for the stage and three digits, e.g. `S014` (syntax), `E102` (elaboration), `R003` (run time). */
  readonly code: string;
  /** One sentence in the user's words, without a final full stop. */
  readonly message: string;
  /** Where; absent for trouble without a place (no GPU, a wrong command-line option). */
  readonly span?: Span;
  /** The other half of the story: "first defined here", "called from here"; the call chain, innermost first. */
  readonly related?: readonly { readonly message: string; readonly span: Span }[];
  /** What to write instead. */
  readonly help?: string;
}

export class FlowError extends Error {
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'));
    this.name = 'FlowError';
  }
}

/** A failure that is the compiler's own fault; `pass` names where. Asks for a report when rendered. */
export class InternalError extends Error {
  constructor(
    readonly pass: string,
    message: string,
  ) {
    super(`${pass}: ${message}`);
    this.name = 'InternalError';
  }
}

export function fail(code: string, message: string, span?: Span, help?: string): never {
  throw new FlowError([
    { severity: 'error', code, message, ...(span ? { span } : {}), ...(help ? { help } : {}) },
  ]);
}

export function assertNever(value: never): never {
  throw new InternalError('assertNever', `unexpected ${JSON.stringify(value)}`);
}
