// NumPy's .npy format, version 1.0 written, 1.0 to 3.0 read. In: bytes. Out: an array in float64, and back.
// Written: little endian f4, f8, c8, c16, i4, i8, u4, b1, C order, the header padded to a multiple of 64 bytes, no pickles.
// Read as well: either byte order, Fortran order, integers of 1 to 8 bytes, f2; an 8-byte integer beyond 2^53 is an error
// because it would not survive. Source: NumPy Enhancement Proposal 1 and numpy/lib/format.

import { fail } from '../../compiler/support/diagnostic.ts';
import type { Span } from '../../compiler/support/span.ts';
import type { NamedArray, ValueKind } from './array.ts';
import { namedArray, sizeOf } from './array.ts';

/** Element types that can be written. */
export type NpyType = 'f4' | 'f8' | 'c8' | 'c16' | 'i4' | 'i8' | 'u4' | 'b1';

export interface NpyHeader {
  readonly shape: readonly number[];
  /** Type letter and byte count as NumPy writes them, without the byte order: `f8`, `i4`, `b1`. */
  readonly type: string;
  readonly littleEndian: boolean;
  readonly fortranOrder: boolean;
  /** Offset of the first element. */
  readonly start: number;
  readonly kind: ValueKind;
}

const magic: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const headerAlignment = 64;

interface ElementReader {
  readonly bytes: number;
  readonly kind: ValueKind;
  readonly read: (view: DataView, offset: number, littleEndian: boolean) => number;
}

/** Elements that can be read. Bigints become NaN when they do not survive; the caller turns that into an error. */
const readers: Readonly<Record<string, ElementReader>> = {
  f2: { bytes: 2, kind: 'real', read: (v, o, le) => halfToNumber(v.getUint16(o, le)) },
  f4: { bytes: 4, kind: 'real', read: (v, o, le) => v.getFloat32(o, le) },
  f8: { bytes: 8, kind: 'real', read: (v, o, le) => v.getFloat64(o, le) },
  // Pairs of reals: `bytes` is that of one part.
  c8: { bytes: 4, kind: 'complex', read: (v, o, le) => v.getFloat32(o, le) },
  c16: { bytes: 8, kind: 'complex', read: (v, o, le) => v.getFloat64(o, le) },
  i1: { bytes: 1, kind: 'int', read: (v, o) => v.getInt8(o) },
  i2: { bytes: 2, kind: 'int', read: (v, o, le) => v.getInt16(o, le) },
  i4: { bytes: 4, kind: 'int', read: (v, o, le) => v.getInt32(o, le) },
  i8: { bytes: 8, kind: 'int', read: (v, o, le) => safeInteger(v.getBigInt64(o, le)) },
  u1: { bytes: 1, kind: 'int', read: (v, o) => v.getUint8(o) },
  u2: { bytes: 2, kind: 'int', read: (v, o, le) => v.getUint16(o, le) },
  u4: { bytes: 4, kind: 'int', read: (v, o, le) => v.getUint32(o, le) },
  u8: { bytes: 8, kind: 'int', read: (v, o, le) => safeInteger(v.getBigUint64(o, le)) },
  b1: { bytes: 1, kind: 'bool', read: (v, o) => (v.getUint8(o) === 0 ? 0 : 1) },
};

function safeInteger(value: bigint): number {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : NaN;
}

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The type that loses nothing: f8 for reals, b1 for bools, i4 or i8 for ints by their size. */
export function lossless_npy_type(array: NamedArray): NpyType {
  if (array.kind === 'bool') return 'b1';
  if (array.kind === 'complex') return 'c16';
  if (array.kind !== 'int' || !array.data.every(Number.isSafeInteger)) return 'f8';
  return array.data.every((value) => value >= -(2 ** 31) && value < 2 ** 31) ? 'i4' : 'i8';
}

/** Bytes of a .npy file. */
export function encode_npy(array: NamedArray, type: NpyType = lossless_npy_type(array)): Uint8Array {
  const order = type === 'b1' ? '|' : '<';
  const shape = array.kind === 'complex' ? array.shape.slice(0, -1) : array.shape;
  const inner = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dictionary = `{'descr': '${order}${type}', 'fortran_order': False, 'shape': (${inner}), }`;
  const before = magic.length + 4;
  const padding = headerAlignment - ((before + dictionary.length + 1) % headerAlignment);
  const header = `${dictionary}${' '.repeat(padding % headerAlignment)}\n`;
  const start = before + header.length;
  const bytes = new Uint8Array(start + array.data.length * elementBytes(type));
  bytes.set([...magic, 1, 0, header.length & 0xff, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), before);
  writeElements(new DataView(bytes.buffer, start), array.data, type);
  return bytes;
}

/** Bytes of one number in the data; of one part of a complex one. */
const elementBytes = (type: NpyType): number => Number(type.slice(1)) / (type.startsWith('c') ? 2 : 1);

function writeElements(view: DataView, data: Float64Array, type: NpyType): void {
  const writers: Readonly<Record<NpyType, (offset: number, value: number) => void>> = {
    f4: (i, value) => view.setFloat32(4 * i, value, true),
    f8: (i, value) => view.setFloat64(8 * i, value, true),
    c8: (i, value) => view.setFloat32(4 * i, value, true),
    c16: (i, value) => view.setFloat64(8 * i, value, true),
    i4: (i, value) => view.setInt32(4 * i, value, true),
    u4: (i, value) => view.setUint32(4 * i, value, true),
    i8: (i, value) => view.setBigInt64(8 * i, BigInt(Math.trunc(value)), true),
    b1: (i, value) => view.setUint8(i, value === 0 ? 0 : 1),
  };
  const write = writers[type];
  data.forEach((value, i) => write(i, value));
}

/** Reads only the header: what a shape check at compile time needs. Throws R104. */
export function decode_npy_header(bytes: Uint8Array, path: string, span?: Span): NpyHeader {
  if (magic.some((byte, i) => bytes[i] !== byte)) bad(path, 'it does not begin as a .npy file does', span);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const major = bytes[6] ?? 0;
  if (major < 1 || major > 3) bad(path, `it has the unknown version ${major}.${bytes[7] ?? 0}`, span);
  const before = major === 1 ? 10 : 12;
  if (bytes.length < before) bad(path, 'it ends inside its header', span);
  const start = before + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (bytes.length < start) bad(path, 'it ends inside its header', span);
  const header = new TextDecoder().decode(bytes.subarray(before, start));

  const descr = /'descr'\s*:\s*'([<>|=])([a-zA-Z])(\d+)'/.exec(header);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header);
  const shapeMatch = /'shape'\s*:\s*\(([^)]*)\)/.exec(header);
  if (!descr || !order || !shapeMatch) {
    return bad(path, `its elements are not plain numbers (${header.trim()})`, span);
  }
  const type = `${descr[2] ?? ''}${descr[3] ?? ''}`;
  const reader = readers[type];
  if (!reader) {
    const help = 'convert it first: numpy.save(path, array.astype("float64"))';
    return fail('R104', `"${path}" holds elements of type ${type}, which are not real numbers`, span, help);
  }
  const shape = (shapeMatch[1] ?? '')
    .split(',')
    .map((extent) => extent.trim())
    .filter((extent) => extent !== '')
    .map(Number);
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0))
    bad(path, 'its shape is not readable', span);
  return {
    shape: reader.kind === 'complex' ? [...shape, 2] : shape,
    type,
    littleEndian: descr[1] !== '>',
    fortranOrder: order[1] === 'True',
    start,
    kind: reader.kind,
  };
}

/** Reads a whole .npy file. Throws R104. */
export function decode_npy(bytes: Uint8Array, name: string, path: string, span?: Span): NamedArray {
  const header = decode_npy_header(bytes, path, span);
  const reader = readers[header.type];
  if (!reader) return bad(path, `elements of type ${header.type}`, span);
  const size = sizeOf(header.shape);
  if (bytes.length < header.start + size * reader.bytes) {
    bad(
      path,
      `it has ${bytes.length - header.start} bytes of data where its shape needs ${size * reader.bytes}`,
      span,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + header.start);
  const data = new Float64Array(size);
  for (let i = 0; i < size; i += 1) data[i] = reader.read(view, i * reader.bytes, header.littleEndian);
  if (reader.bytes === 8 && reader.kind === 'int' && data.some(Number.isNaN)) {
    bad(path, 'it holds whole numbers beyond 2^53, which no real number here can keep', span);
  }
  return namedArray(name, header.shape, header.fortranOrder ? fromFortran(data, header) : data, header.kind);
}

/** Column-major data in rows; of complex numbers both parts move together. */
function fromFortran(data: Float64Array, header: NpyHeader): Float64Array {
  if (header.kind !== 'complex') return rowMajor(data, header.shape);
  const shape = header.shape.slice(0, -1);
  const [re, im] = [0, 1].map((part) =>
    rowMajor(
      data.filter((_, i) => i % 2 === part),
      shape,
    ),
  );
  return data.map((_, i) => (i % 2 === 0 ? re : im)?.[i >> 1] ?? NaN);
}

/** Reorders column-major data. */
function rowMajor(data: Float64Array, shape: readonly number[]): Float64Array {
  const result = new Float64Array(data.length);
  const index = shape.map(() => 0);
  for (let target = 0; target < data.length; target += 1) {
    let source = 0;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1)
      source = source * (shape[axis] ?? 1) + (index[axis] ?? 0);
    result[target] = data[source] ?? NaN;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const next = (index[axis] ?? 0) + 1;
      index[axis] = next === shape[axis] ? 0 : next;
      if (next !== shape[axis]) break;
    }
  }
  return result;
}

function bad(path: string, reason: string, span?: Span): never {
  return fail('R104', `"${path}" cannot be read as .npy: ${reason}`, span);
}
