// What a transposition throws when the program is not linear in its parameters. For programs made by differentiation that is a bug of the compiler; for linear
// functions and rules that a user has written it is his mistake, and whoever transposes those says so in his words.

import { InternalError } from '../support/diagnostic.ts';
import type { Span } from '../support/span.ts';

export class NonlinearError extends InternalError {
  /** `place`: of the operation that is not linear, when known. */
  constructor(
    message: string,
    readonly place: Span | undefined,
  ) {
    super('autodiff.transpose', message);
  }
}
