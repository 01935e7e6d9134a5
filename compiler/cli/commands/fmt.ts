// `flowc fmt`. In: files. Out: each rewritten in the canonical layout, or with `--check` the names of those that would change.

import { InternalError } from '../../support/diagnostic.ts';
import type { FormatOptions } from '../options.ts';

export async function runFormat(
  request: { readonly files: readonly string[] },
  _options: FormatOptions,
): Promise<number> {
  throw new InternalError('cli', `"flowc fmt ${request.files.join(' ')}" is not linked to the compiler yet`);
}
