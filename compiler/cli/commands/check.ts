// `flowc check`. In: the file and the options. Out: the exit status.

import { InternalError } from '../../support/diagnostic.ts';
import type { ProgramOptions } from '../options.ts';

export async function runCheck(
  request: { readonly file: string },
  _options: ProgramOptions,
): Promise<number> {
  throw new InternalError('cli', `"flowc check ${request.file}" is not linked to the compiler yet`);
}
