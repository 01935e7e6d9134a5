// `save` and `load` on the disk. In: a path and values, or a path. Out: a file, or a value. The format is the extension; the
// formats themselves know nothing of files (formats.ts).

import type { NamedArray, SaveEntry } from './array.ts';
import type { LoadOptions, SaveOptions } from './formats.ts';
import { decode_shape, decode_value, decode_values, encode_values, requireKnown } from './formats.ts';
import { read_file, write_file } from './write_file.ts';
import type { Span } from '../../compiler/support/span.ts';

/** Writes values into one file whose format is its extension. The file appears whole or not at all. */
export function save_values(path: string, entries: readonly SaveEntry[], options: SaveOptions = {}): void {
  write_file(path, encode_values(path, entries, options), options.span);
}

/** Reads a value. Throws R100 when there is no such file. */
export function load_value(path: string, options: LoadOptions = {}): NamedArray {
  requireKnown(path, options.span);
  return decode_value(path, read_file(path, options.span), options);
}

/** All the arrays of a file by name. */
export function load_values(path: string, span?: Span): readonly NamedArray[] {
  requireKnown(path, span);
  return decode_values(path, read_file(path, span), span);
}

/** The shape of what `load_value` would give. */
export function load_shape(path: string, options: LoadOptions = {}): readonly number[] {
  requireKnown(path, options.span);
  return decode_shape(path, read_file(path, options.span), options);
}
