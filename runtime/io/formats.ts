// Formats by extension, on bytes alone: what a browser page can use as well. In: a path (only its name counts) and values, or
// bytes. Out: bytes, or a value. This is the one table of formats; a new format is a file of its own and a line here.
// Errors: R102 unknown extension, R112 values the format cannot hold, R114 not finite, and those of the formats.

import { fail } from '../../compiler/support/diagnostic.ts';
import { didYouMean } from '../../compiler/support/did_you_mean.ts';
import type { Span } from '../../compiler/support/span.ts';
import type { NamedArray, SaveEntry } from './array.ts';
import { firstNotFinite, indexOf, isText, shapeText } from './array.ts';
import type { CsvOptions } from './csv.ts';
import { decode_csv, encode_csv } from './csv.ts';
import { decode_json, encode_json } from './json.ts';
import type { NpyType } from './npy.ts';
import { decode_npy, decode_npy_header, encode_npy, lossless_npy_type } from './npy.ts';
import { decode_netcdf, encode_netcdf } from './netcdf.ts';
import { decode_npz, encode_npz } from './npz.ts';
import { decode_safetensors, encode_safetensors } from './safetensors.ts';
import { encode_vtk } from './vtk.ts';
import type { StoreFile } from './zarr.ts';
import { encode_zarr } from './zarr.ts';

export interface SaveOptions {
  /** Element type of reals in .npy and .npz: f8 (default) or f4. */
  readonly real?: 'f4' | 'f8';
  readonly span?: Span;
}

/** `column` names a column of a .csv file or a member of an .npz or .json file. */
export type LoadOptions = CsvOptions;

interface Format {
  readonly encode: (entries: readonly SaveEntry[], options: SaveOptions) => Uint8Array | string;
  /** Missing where files are written only. */
  readonly decode?: (bytes: Uint8Array, path: string, options: LoadOptions) => NamedArray;
}

const formats: Readonly<Record<string, Format>> = {
  '.npy': {
    encode: (entries, options) => {
      const arrays = arraysOnly(entries, '.npy', options);
      const [only] = arrays;
      if (arrays.length !== 1 || !only) {
        return fail(
          'R112',
          `a .npy file holds one array, not ${arrays.length}`,
          options.span,
          'save them in an .npz file',
        );
      }
      return encode_npy(only, elementType(only, options));
    },
    decode: (bytes, path, options) => {
      if (options.column !== undefined)
        fail('R108', `a .npy file has no columns: "${options.column}"`, options.span);
      return decode_npy(bytes, stem(path), path, options.span);
    },
  },
  '.npz': {
    encode: (entries, options) =>
      encode_npz(arraysOnly(entries, '.npz', options), (array) => elementType(array, options), options.span),
    decode: (bytes, path, options) => chooseArray(decode_npz(bytes, path, options.span), path, options),
  },
  '.csv': {
    encode: (entries, options) => encode_csv(arraysOnly(entries, '.csv', options), options.span),
    decode: (bytes, path, options) => decode_csv(bytes, stem(path), path, options),
  },
  '.json': {
    encode: (entries) => encode_json(entries),
    decode: (bytes, path, options) => decode_json(bytes, stem(path), path, options.column, options.span),
  },
  '.safetensors': {
    encode: (entries, options) =>
      encode_safetensors(arraysOnly(entries, '.safetensors', options), options.real, options.span),
    decode: (bytes, path, options) =>
      chooseArray(decode_safetensors(bytes, path, options.span), path, options),
  },
  '.nc': {
    encode: (entries, options) =>
      encode_netcdf(arraysOnly(entries, '.nc', options), options.real, options.span),
    decode: (bytes, path, options) => chooseArray(decode_netcdf(bytes, path, options.span), path, options),
  },
  '.vtk': {
    encode: (entries, options) =>
      encode_vtk(arraysOnly(entries, '.vtk', options), options.real, options.span),
  },
};

/** Formats whose files are folders. */
const stores: Readonly<
  Record<string, (entries: readonly SaveEntry[], options: SaveOptions) => readonly StoreFile[]>
> = {
  '.zarr': (entries, options) =>
    encode_zarr(arraysOnly(entries, '.zarr', options), options.real, options.span),
};

/** The files of a store, in the order to be written; undefined where the format is one file. */
export function encode_store(
  path: string,
  entries: readonly SaveEntry[],
  options: SaveOptions = {},
): readonly StoreFile[] | undefined {
  const store = stores[extensionOf(path)];
  if (store === undefined) return undefined;
  namesOnce(path, entries, options.span);
  return store(entries, options).map((file) => ({ ...file, path: `${path}/${file.path}` }));
}

/** Formats whose files hold several arrays by name. */
const containers: Readonly<
  Record<string, (bytes: Uint8Array, path: string, span?: Span) => readonly NamedArray[]>
> = {
  '.npz': decode_npz,
  '.safetensors': decode_safetensors,
  '.nc': decode_netcdf,
};

/** Extensions of files that `save` and `load` know. */
export const knownExtensions: readonly string[] = Object.entries(formats)
  .filter(([, format]) => format.decode !== undefined)
  .map(([extension]) => extension);
/** Those of files that `save` writes, pictures among them. */
const writtenExtensions: readonly string[] = [...Object.keys(formats), ...Object.keys(stores), '.png'];

/** The content of a file: every error of shapes and names is found here, before a file is touched. */
export function encode_values(
  path: string,
  entries: readonly SaveEntry[],
  options: SaveOptions = {},
): Uint8Array | string {
  const format = formatOf(path, 'write', options.span);
  namesOnce(path, entries, options.span);
  return format.encode(entries, options);
}

function namesOnce(path: string, entries: readonly SaveEntry[], span?: Span): void {
  const names = entries.map((entry) => entry.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    fail(
      'R112',
      `"${twice}" is saved twice in "${path}"`,
      span,
      `give one of them another name: { ${twice}_2: … }`,
    );
  }
}

/** The value that a file's bytes hold. */
export function decode_value(path: string, bytes: Uint8Array, options: LoadOptions = {}): NamedArray {
  const { decode } = formatOf(path, 'read', options.span);
  return decode === undefined ? unknownExtension(path, 'read', options.span) : decode(bytes, path, options);
}

/** All the arrays of a file by name; of a file that holds one, that one. */
export function decode_values(path: string, bytes: Uint8Array, span?: Span): readonly NamedArray[] {
  const container = containers[extensionOf(path)];
  const options = span === undefined ? {} : { span };
  return container?.(bytes, path, span) ?? [decode_value(path, bytes, options)];
}

/** The shape of what `decode_value` would give, from the header alone where the format has one. */
export function decode_shape(path: string, bytes: Uint8Array, options: LoadOptions = {}): readonly number[] {
  if (extensionOf(path) === '.npy') return decode_npy_header(bytes, path, options.span).shape;
  return decode_value(path, bytes, options).shape;
}

/** Throws R114 when a value holds NaN or an infinity, naming the first. */
export function require_finite(array: NamedArray, path: string, span?: Span): void {
  const position = firstNotFinite(array.data);
  if (position < 0) return;
  const place = array.shape.length === 0 ? '' : ` at index ${shapeText(indexOf(position, array.shape))}`;
  const value = String(array.data[position]);
  fail(
    'R114',
    `"${array.name}" of "${path}" is ${value}${place}`,
    span,
    'data must be finite numbers; remove or fill the gaps',
  );
}

/** Throws R102 for a file that cannot be read because of its extension. */
export function requireKnown(path: string, span?: Span): void {
  if (formatOf(path, 'read', span).decode === undefined) unknownExtension(path, 'read', span);
}

function formatOf(path: string, verb: 'read' | 'write', span?: Span): Format {
  return formats[extensionOf(path)] ?? unknownExtension(path, verb, span);
}

function unknownExtension(path: string, verb: 'read' | 'write', span?: Span): never {
  const extension = extensionOf(path);
  const known = verb === 'read' ? knownExtensions : writtenExtensions;
  const list = known.join(' ');
  const near = didYouMean(extension, known);
  const what =
    extension === ''
      ? `"${path}" has no extension`
      : `cannot ${verb} "${path}": unknown extension ${extension}`;
  return fail(
    'R102',
    what,
    span,
    near ? `did you mean ${near}? Known: ${list}` : `known extensions: ${list}`,
  );
}

function elementType(array: NamedArray, options: SaveOptions): NpyType {
  const lossless = lossless_npy_type(array);
  if (lossless === 'c16') return options.real === 'f4' ? 'c8' : 'c16';
  return lossless === 'f8' ? (options.real ?? 'f8') : lossless;
}

function arraysOnly(
  entries: readonly SaveEntry[],
  extension: string,
  options: SaveOptions,
): readonly NamedArray[] {
  return entries.map((entry) =>
    isText(entry)
      ? fail(
          'R112',
          `"${entry.name}" is a text, which a ${extension} file cannot hold`,
          options.span,
          'save it in a .json file',
        )
      : entry,
  );
}

function chooseArray(arrays: readonly NamedArray[], path: string, options: LoadOptions): NamedArray {
  const [only] = arrays;
  if (!only) return fail('R109', `"${path}" holds no arrays`, options.span);
  const names = arrays.map((array) => array.name);
  const list = names.map((name) => `"${name}"`).join(', ');
  if (options.column === undefined) {
    if (arrays.length === 1) return only;
    return fail(
      'R108',
      `"${path}" holds ${arrays.length} arrays: say which`,
      options.span,
      `write column: with one of ${list}`,
    );
  }
  const wanted = options.column;
  const near = didYouMean(wanted, names);
  return (
    arrays.find((array) => array.name === wanted) ??
    fail(
      'R108',
      `"${path}" has no array "${wanted}"`,
      options.span,
      near ? `did you mean "${near}"?` : `it holds ${list}`,
    )
  );
}

/** `.npy` of `out/a.NPY`; empty when the name has none. */
function extensionOf(path: string): string {
  return /[^/\\](\.[^./\\]+)$/.exec(path)?.[1]?.toLowerCase() ?? '';
}

/** File name without directory and extension: the name of a value that has no other. */
function stem(path: string): string {
  const name = path.split(/[/\\]/).at(-1) ?? path;
  return name.replace(/(?<=.)\.[^.]+$/, '');
}
