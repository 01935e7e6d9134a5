// Trees of well-formed files as text, so that the standard library is parsed when the package is built and not in every process. In: a tree; out: JSON in which a place is one number. Reading gives the
// same tree again, with places in the file that it is told. The text is ours and of the same version; whoever keeps it compares the source it was made from.

import { InternalError } from '../support/diagnostic.ts';
import type { SourceFile } from '../support/span.ts';
import type { FileAst } from './ast.ts';

/** A place start..end is start * LONGEST + (end - start): exact for files and items below 2^26 characters. */
const LONGEST = 2 ** 26;

/** Every place in a tree is called `span`, and lies in the tree's own file. */
export function writeTree(tree: FileAst): string {
  return JSON.stringify(tree, (key, value: unknown) => {
    if (key === 'file') return undefined;
    if (key === 'span') return placeNumber(value);
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new InternalError('syntax.tree', `the number ${value} has no text`);
    return value;
  });
}

function placeNumber(span: unknown): number {
  if (!isPlace(span)) throw new InternalError('syntax.tree', 'a span that is no place');
  return span.start * LONGEST + (span.end - span.start);
}

function isPlace(x: unknown): x is { start: number; end: number } {
  return typeof x === 'object' && x !== null && 'start' in x && 'end' in x;
}

/** What `writeTree` wrote, as the tree of `file`. */
export function readTree(file: SourceFile, text: string): FileAst {
  const tree: FileAst = JSON.parse(text);
  putPlaces(tree, file);
  return { ...tree, file };
}

function putPlaces(node: { span?: unknown }, file: SourceFile): void {
  const { span } = node;
  if (typeof span === 'number') {
    const start = Math.floor(span / LONGEST);
    node.span = { file, start, end: start + (span - start * LONGEST) };
  }
  for (const value of Object.values(node))
    if (typeof value === 'object' && value !== null && value !== node.span) putPlaces(value, file);
}
