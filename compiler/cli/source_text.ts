// A source file from the disk. In: a path as the user gave it. Out: its text, or a FlowError: R100 there is none, R101 it cannot
// be read, R115 it is not text.

import { fail } from '../support/diagnostic.ts';
import type { SourceFile } from '../support/span.ts';
import { read_file } from '../../runtime/io/write_file.ts';

export function readSource(path: string): SourceFile {
  const bytes = read_file(path);
  try {
    return { path, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return fail('R115', `"${path}" is not UTF-8 text`, undefined, 'a .flow file is plain text in UTF-8');
  }
}
