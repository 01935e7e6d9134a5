// The .safetensors format of Hugging Face: named tensors, little endian, nothing executable. In: named arrays, or bytes. Out: bytes, or the named arrays. Layout: the length of the header
// (8 bytes), a header of JSON { name: { dtype, shape, data_offsets: [begin, end] } }, the data without gaps, row-major. Written: F32 or F64, I32 or I64, BOOL, in the order given, the header
// padded with blanks to a multiple of 8. Read as well: F16, BF16, integers of 1 to 8 bytes. Source: the format section of github.com/huggingface/safetensors.
//
// Errors: R105 not such a file, R104 an element type that cannot be read, R112 values it cannot hold.

import { fail } from '../../compiler/support/diagnostic.ts';
import type { Span } from '../../compiler/support/span.ts';
import type { NamedArray, ValueKind } from './array.ts';
import { namedArray, sizeOf } from './array.ts';

/** Longer headers are refused by other readers. */
const longestHeader = 100_000_000;

interface Element {
  readonly bytes: number;
  readonly kind: ValueKind;
  readonly read: (view: DataView, offset: number) => number;
}

const elements: Readonly<Record<string, Element>> = {
  F64: { bytes: 8, kind: 'real', read: (v, o) => v.getFloat64(o, true) },
  F32: { bytes: 4, kind: 'real', read: (v, o) => v.getFloat32(o, true) },
  F16: { bytes: 2, kind: 'real', read: (v, o) => half(v.getUint16(o, true)) },
  BF16: { bytes: 2, kind: 'real', read: (v, o) => upperHalf(v.getUint16(o, true)) },
  I64: { bytes: 8, kind: 'int', read: (v, o) => Number(v.getBigInt64(o, true)) },
  I32: { bytes: 4, kind: 'int', read: (v, o) => v.getInt32(o, true) },
  I16: { bytes: 2, kind: 'int', read: (v, o) => v.getInt16(o, true) },
  I8: { bytes: 1, kind: 'int', read: (v, o) => v.getInt8(o) },
  U64: { bytes: 8, kind: 'int', read: (v, o) => Number(v.getBigUint64(o, true)) },
  U32: { bytes: 4, kind: 'int', read: (v, o) => v.getUint32(o, true) },
  U16: { bytes: 2, kind: 'int', read: (v, o) => v.getUint16(o, true) },
  U8: { bytes: 1, kind: 'int', read: (v, o) => v.getUint8(o) },
  BOOL: { bytes: 1, kind: 'bool', read: (v, o) => (v.getUint8(o) === 0 ? 0 : 1) },
};

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** bfloat16: the upper half of a binary32. */
function upperHalf(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(2, bits, true);
  return view.getFloat32(0, true);
}

interface Entry {
  readonly array: NamedArray;
  readonly dtype: 'F64' | 'F32' | 'I64' | 'I32' | 'BOOL';
  readonly bytes: number;
}

/** Bytes of a .safetensors file; reals as `real`. */
export function encode_safetensors(
  arrays: readonly NamedArray[],
  real: 'f4' | 'f8' = 'f8',
  span?: Span,
): Uint8Array {
  const entries = arrays.map((array): Entry => {
    const dtype = elementType(array, real, span);
    return { array, dtype, bytes: array.data.length * (elements[dtype]?.bytes ?? 8) };
  });
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const { array, dtype, bytes } of entries) {
    header[array.name] = { dtype, shape: array.shape, data_offsets: [end, end + bytes] };
    end += bytes;
  }
  const unpadded = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(unpadded.length / 8) * 8;
  const out = new Uint8Array(8 + length + end);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(length), true);
  out.fill(0x20, 8, 8 + length);
  out.set(unpadded, 8);
  let offset = 8 + length;
  for (const { array, dtype, bytes } of entries) {
    array.data.forEach((x, i) =>
      write(view, offset + (i * bytes) / Math.max(1, array.data.length), dtype, x),
    );
    offset += bytes;
  }
  return out;
}

function elementType(array: NamedArray, real: 'f4' | 'f8', span: Span | undefined): Entry['dtype'] {
  switch (array.kind ?? 'real') {
    case 'real':
      return real === 'f4' ? 'F32' : 'F64';
    case 'int':
      return array.data.every((x) => Math.abs(x) < 2 ** 31) ? 'I32' : 'I64';
    case 'bool':
      return 'BOOL';
    default:
      return fail(
        'R112',
        `"${array.name}" is complex, which a .safetensors file cannot hold`,
        span,
        'save its parts: { re: re(z), im: im(z) }',
      );
  }
}

function write(view: DataView, offset: number, dtype: Entry['dtype'], x: number): void {
  switch (dtype) {
    case 'F64':
      return view.setFloat64(offset, x, true);
    case 'F32':
      return view.setFloat32(offset, x, true);
    case 'I32':
      return view.setInt32(offset, x, true);
    case 'I64':
      return view.setBigInt64(offset, BigInt(x), true);
    case 'BOOL':
      return view.setUint8(offset, x);
  }
}

/** The tensors of a .safetensors file, in the order of their data. Throws R105, R104. */
export function decode_safetensors(bytes: Uint8Array, path: string, span?: Span): readonly NamedArray[] {
  const broken = (why: string): never =>
    fail('R105', `"${path}" cannot be read as .safetensors: ${why}`, span);
  if (bytes.length < 8) return broken('it is shorter than a header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > longestHeader || 8 + length > bytes.length) return broken('its header does not fit into it');
  const header =
    parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) ?? broken('its header is no JSON');
  const data = new DataView(bytes.buffer, bytes.byteOffset + 8 + length, bytes.length - 8 - length);
  return Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => {
      const tensor = describe(entry) ?? broken(`"${name}" is not described as a tensor`);
      const { dtype, shape, begin, end } = tensor;
      const element = elements[dtype];
      if (element === undefined)
        return fail(
          'R104',
          `"${name}" of "${path}" has elements of type ${dtype}`,
          span,
          `types that can be read: ${Object.keys(elements).join(' ')}`,
        );
      const count = sizeOf(shape);
      if (end - begin !== count * element.bytes || begin < 0 || end > data.byteLength)
        return broken(`the data of "${name}" do not fill its shape`);
      const numbers = Float64Array.from({ length: count }, (_, i) =>
        element.read(data, begin + i * element.bytes),
      );
      return { begin, array: namedArray(name, shape, numbers, element.kind) };
    })
    .sort((a, b) => a.begin - b.begin)
    .map(({ array }) => array);
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** An entry of the header, if it is one. */
function describe(
  entry: unknown,
): { dtype: string; shape: readonly number[]; begin: number; end: number } | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  if (!('dtype' in entry) || !('shape' in entry) || !('data_offsets' in entry)) return undefined;
  const { dtype } = entry;
  const shape = wholeNumbers(entry.shape);
  const [begin, end, more] = wholeNumbers(entry.data_offsets) ?? [];
  if (
    typeof dtype !== 'string' ||
    shape === undefined ||
    begin === undefined ||
    end === undefined ||
    more !== undefined
  )
    return undefined;
  return { dtype, shape, begin, end };
}

function wholeNumbers(value: unknown): readonly number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const numbers = value.filter((x: unknown): x is number => Number.isSafeInteger(x));
  return numbers.length === value.length && numbers.every((x) => x >= 0) ? numbers : undefined;
}
