// `flowc build`. In: the file and the options. Out: the exit status.

import { InternalError } from '../../support/diagnostic.ts';
import type { BuildOptions } from '../options.ts';

export async function runBuild(request: { readonly file: string }, _options: BuildOptions): Promise<number> {
  throw new InternalError('cli', `"flowc build ${request.file}" is not linked to the compiler yet`);
}
