// NetCDF 3 files (the classic format with 64-bit offsets, CDF-2), which xarray, ncview and Panoply read. In: named arrays, or bytes. Out: bytes, or the named arrays. Axes of a field are dimensions of its domain's names, with
// the coordinates of its unknowns as variables; other axes are called after their length. Complex numbers are pairs along a last dimension `re_im`. Read: versions 1, 2 and 5 without growing dimensions.
// Source: "The NetCDF Classic Format Specification" (docs.unidata.ucar.edu/netcdf-c). Errors: R104 an element type that is not read, R105 not such a file, R112 values it cannot hold.

import { fail } from '../../compiler/support/diagnostic.ts';
import type { Span } from '../../compiler/support/span.ts';
import type { NamedArray } from './array.ts';
import { namedArray, sizeOf } from './array.ts';
import { firstOf, spacingOf } from './axes.ts';

const DIMENSIONS = 10;
const VARIABLES = 11;
const ATTRIBUTES = 12;
const INT = 4;
const FLOAT = 5;
const DOUBLE = 6;
const widths: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4 };

interface Dimension {
  readonly name: string;
  readonly size: number;
}
interface Variable {
  readonly array: NamedArray;
  readonly dimensions: readonly number[];
  readonly type: number;
}

export function encode_netcdf(
  arrays: readonly NamedArray[],
  real: 'f4' | 'f8' = 'f8',
  span?: Span,
): Uint8Array {
  for (const { name } of arrays)
    if (name.includes('/'))
      fail('R112', `a name in a .nc file has no "/": "${name}"`, span, `give it another name: { name: … }`);
  const dimensions: Dimension[] = [];
  const coordinates = new Map<string, NamedArray>();
  const dimension = (name: string, size: number): number => {
    const found = dimensions.findIndex((d) => d.name === name && d.size === size);
    if (found >= 0) return found;
    const free = dimensions.some((d) => d.name === name) ? `${name}_${size}` : name;
    const again = dimensions.findIndex((d) => d.name === free && d.size === size);
    return again >= 0 ? again : dimensions.push({ name: free, size }) - 1;
  };
  const variables = arrays.map((array): Variable => {
    const pair = array.kind === 'complex' ? 1 : 0;
    const axes = array.axes ?? [];
    const before = array.shape.length - pair - axes.length;
    const ids = array.shape.map((size, i) => {
      const axis = axes[i - before];
      if (i >= array.shape.length - pair) return dimension('re_im', size);
      if (axis === undefined) return dimension(`n${size}`, size);
      const id = dimension(axis.name, size);
      const { name } = dimensions[id] ?? axis;
      const [first, step] = [firstOf(axis, size), spacingOf(axis, size)];
      coordinates.set(
        name,
        namedArray(
          name,
          [size],
          Float64Array.from({ length: size }, (_, k) => first + k * step),
        ),
      );
      return id;
    });
    const integer = array.kind === 'int' || array.kind === 'bool';
    return { array, dimensions: ids, type: integer ? INT : real === 'f4' ? FLOAT : DOUBLE };
  });
  const beside = [...coordinates.values()]
    .filter((c) => !arrays.some((a) => a.name === c.name))
    .map((array): Variable => ({
      array,
      dimensions: [dimensions.findIndex((d) => d.name === array.name)],
      type: DOUBLE,
    }));
  return written(dimensions, [...beside, ...variables]);
}

const padded = (n: number): number => Math.ceil(n / 4) * 4;

function written(dimensions: readonly Dimension[], variables: readonly Variable[]): Uint8Array {
  const text = new TextEncoder();
  const nameBytes = (name: string): number => 4 + padded(text.encode(name).length);
  const list = (n: number, bytes: number): number => 8 + (n === 0 ? 0 : bytes);
  const header =
    8 +
    list(
      dimensions.length,
      dimensions.reduce((n, d) => n + nameBytes(d.name) + 4, 0),
    ) +
    8 +
    list(
      variables.length,
      variables.reduce(
        (n, v) => n + nameBytes(v.array.name) + 4 + 4 * v.dimensions.length + 8 + 4 + 4 + 8,
        0,
      ),
    );
  const sizes = variables.map((v) => padded(v.array.data.length * (widths[v.type] ?? 8)));
  const bytes = new Uint8Array(header + sizes.reduce((n, s) => n + s, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  const word = (n: number): void => {
    view.setUint32(at, n);
    at += 4;
  };
  const name = (s: string): void => {
    const coded = text.encode(s);
    word(coded.length);
    bytes.set(coded, at);
    at += padded(coded.length);
  };
  const head = (tag: number, n: number): void => {
    word(n === 0 ? 0 : tag);
    word(n);
  };
  bytes.set([0x43, 0x44, 0x46, 2]);
  at = 4;
  word(0);
  head(DIMENSIONS, dimensions.length);
  for (const d of dimensions) {
    name(d.name);
    word(d.size);
  }
  head(ATTRIBUTES, 0);
  head(VARIABLES, variables.length);
  let begin = header;
  variables.forEach((v, i) => {
    name(v.array.name);
    word(v.dimensions.length);
    v.dimensions.forEach(word);
    head(ATTRIBUTES, 0);
    word(v.type);
    word(Math.min(sizes[i] ?? 0, 0xffff_ffff));
    view.setBigUint64(at, BigInt(begin));
    at += 8;
    begin += sizes[i] ?? 0;
  });
  variables.forEach((v, i) => {
    const start = at;
    v.array.data.forEach((x, k) => {
      if (v.type === INT) view.setInt32(start + 4 * k, x);
      else if (v.type === FLOAT) view.setFloat32(start + 4 * k, x);
      else view.setFloat64(start + 8 * k, x);
    });
    at = start + (sizes[i] ?? 0);
  });
  return bytes;
}

export function decode_netcdf(bytes: Uint8Array, path: string, span?: Span): readonly NamedArray[] {
  const broken = (): never =>
    fail(
      'R105',
      `"${path}" is no NetCDF 3 file, or is cut short`,
      span,
      'NetCDF 4 files are HDF5 files: convert them with nccopy -k classic',
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[3] ?? 0;
  if (bytes[0] !== 0x43 || bytes[1] !== 0x44 || bytes[2] !== 0x46 || ![1, 2, 5].includes(version)) broken();
  let at = 4;
  try {
    const word = (): number => {
      at += 4;
      return view.getUint32(at - 4);
    };
    const long = (): number => {
      at += 8;
      return Number(view.getBigUint64(at - 8));
    };
    const count = version === 5 ? long : word;
    const name = (): string => {
      const n = count();
      at += padded(n);
      return new TextDecoder().decode(bytes.subarray(at - padded(n), at - padded(n) + n));
    };
    const skipAttributes = (): void => {
      word();
      for (let n = count(); n > 0; n--) {
        name();
        const type = word();
        at += padded(count() * (widths[type] ?? 8));
      }
    };
    count();
    word();
    const dimensions = Array.from({ length: count() }, () => ({ name: name(), size: count() }));
    skipAttributes();
    word();
    return Array.from({ length: count() }, () => {
      const label = name();
      const shape = Array.from({ length: count() }, () => {
        const d = dimensions[count()];
        if (d === undefined) return broken();
        if (d.size === 0)
          return fail(
            'R104',
            `"${path}": the dimension \`${d.name}\` grows, which is not read`,
            span,
            'make it fixed: ncks --fix_rec_dmn',
          );
        return d.size;
      });
      skipAttributes();
      const type = word();
      count();
      const begin = version === 1 ? word() : long();
      const width = widths[type];
      if (type === 2 || width === undefined)
        return fail(
          'R104',
          `"${path}": the elements of "${label}" are of type ${type}, which is not read`,
          span,
          'numbers of up to 4 bytes and reals are',
        );
      const one = [
        (o: number) => view.getInt8(o),
        undefined,
        (o: number) => view.getInt16(o),
        (o: number) => view.getInt32(o),
        (o: number) => view.getFloat32(o),
        (o: number) => view.getFloat64(o),
        (o: number) => view.getUint8(o),
        (o: number) => view.getUint16(o),
        (o: number) => view.getUint32(o),
      ][type - 1];
      const data = Float64Array.from({ length: sizeOf(shape) }, (_, k) => one?.(begin + k * width) ?? NaN);
      return namedArray(label, shape, data, type === FLOAT || type === DOUBLE ? 'real' : 'int');
    });
  } catch (e) {
    if (e instanceof RangeError) return broken();
    throw e;
  }
}
