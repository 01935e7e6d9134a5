// `flowc fmt`. In: files. Out: each rewritten in the canonical layout, or with `--check` the names of those that would change
// and status 1. A file with syntax errors is reported and left as it is; so is every file that follows well or ill.
// Before a file is written, its new text is parsed and printed once more: it must come out the same.

import { write_file } from '../../../runtime/io/write_file.ts';
import { FlowError, InternalError } from '../../support/diagnostic.ts';
import type { SourceFile } from '../../support/span.ts';
import { parseFile } from '../../syntax/parse.ts';
import { printFile } from '../../syntax/print.ts';
import type { FormatOptions } from '../options.ts';
import { reportTrouble } from '../report.ts';
import { readSource } from '../source_text.ts';

export async function runFormat(
  request: { readonly files: readonly string[] },
  options: FormatOptions,
): Promise<number> {
  let status = 0;
  for (const path of request.files) {
    try {
      if (formatFile(path, options)) status = options.check ? 1 : status;
    } catch (trouble) {
      status = reportTrouble(trouble, { json: false });
    }
  }
  return status;
}

/** Formats one file; true when its text changes. */
function formatFile(path: string, options: FormatOptions): boolean {
  const source = readSource(path);
  const formatted = formattedText(source);
  if (formatted === source.text) return false;
  if (!options.check) write_file(path, formatted);
  process.stdout.write(`${options.check ? 'would change' : 'formatted'} ${path}\n`);
  return true;
}

/** The canonical text of a program. Throws FlowError for one with syntax errors. */
export function formattedText(source: SourceFile): string {
  const once = printed(source);
  const again = printed({ path: source.path, text: once });
  if (again !== once) throw new InternalError('fmt', `${source.path} does not come out the same twice`);
  return once;
}

function printed(source: SourceFile): string {
  const { ast, diagnostics } = parseFile(source);
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
  if (errors.length > 0) throw new FlowError(errors);
  return printFile(ast);
}
