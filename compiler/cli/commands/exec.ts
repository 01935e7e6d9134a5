// `flowc exec`. In: the file and the options. Out: the exit status.

import { InternalError } from '../../support/diagnostic.ts';
import type { RunOptions } from '../options.ts';

export async function runExec(
  request: { readonly file: string; readonly name?: string },
  _options: RunOptions,
): Promise<number> {
  throw new InternalError('cli', `"flowc exec ${request.file}" is not linked to the compiler yet`);
}
