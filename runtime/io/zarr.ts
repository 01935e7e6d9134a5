// Zarr stores, version 2: a folder with an array a folder, each one chunk without compression, and `.zmetadata`, so that xarray and zarr open it at once. In: named arrays. Out: the files by path, the one that makes the folder
// a store last. Axes of fields are named (`_ARRAY_DIMENSIONS`), with coordinates beside them. Source: zarr-specs.readthedocs.io, v2. Errors: R112 values it cannot hold.

import { fail } from '../../compiler/support/diagnostic.ts';
import type { Span } from '../../compiler/support/span.ts';
import type { NamedArray } from './array.ts';
import { namedArray } from './array.ts';
import { firstOf, spacingOf } from './axes.ts';

export interface StoreFile {
  readonly path: string;
  readonly content: Uint8Array | string;
}

export function encode_zarr(
  arrays: readonly NamedArray[],
  real: 'f4' | 'f8' = 'f8',
  span?: Span,
): readonly StoreFile[] {
  const odd = arrays.find(({ name }) => /[/\\]|^\./.test(name));
  if (odd !== undefined)
    fail(
      'R112',
      `"${odd.name}" cannot be a folder of a .zarr store`,
      span,
      'give it another name: { name: … }',
    );
  const coordinates = new Map<string, NamedArray>();
  const files: StoreFile[] = [];
  const metadata: Record<string, unknown> = { '.zgroup': { zarr_format: 2 } };
  const put = (array: NamedArray, type: 'f4' | 'f8'): void => {
    const pair = array.kind === 'complex' ? 1 : 0;
    const shape = array.shape.slice(0, array.shape.length - pair);
    const dtype =
      array.kind === 'complex'
        ? type === 'f4'
          ? '<c8'
          : '<c16'
        : array.kind === 'int'
          ? '<i4'
          : array.kind === 'bool'
            ? '|b1'
            : `<${type}`;
    const before = shape.length - (array.axes ?? []).length;
    const dimensions = shape.map((size, i) => array.axes?.[i - before]?.name ?? `n${size}`);
    const about = {
      zarr_format: 2,
      shape,
      chunks: shape.map((n) => Math.max(n, 1)),
      dtype,
      compressor: null,
      fill_value: null,
      order: 'C',
      filters: null,
    };
    const attributes = { _ARRAY_DIMENSIONS: dimensions };
    metadata[`${array.name}/.zarray`] = about;
    metadata[`${array.name}/.zattrs`] = attributes;
    const chunk = shape.length === 0 ? '0' : shape.map(() => '0').join('.');
    files.push(
      { path: `${array.name}/.zarray`, content: JSON.stringify(about) },
      { path: `${array.name}/.zattrs`, content: JSON.stringify(attributes) },
      { path: `${array.name}/${chunk}`, content: numbers(array, type) },
    );
    array.axes?.forEach((axis, i) => {
      const size = shape[before + i] ?? 0;
      const [first, step] = [firstOf(axis, size), spacingOf(axis, size)];
      coordinates.set(axis.name, {
        ...namedArray(
          axis.name,
          [size],
          Float64Array.from({ length: size }, (_, k) => first + k * step),
        ),
        axes: [axis],
      });
    });
  };
  for (const array of arrays) put(array, real);
  for (const c of coordinates.values()) if (!arrays.some((a) => a.name === c.name)) put(c, 'f8');
  return [
    ...files,
    { path: '.zmetadata', content: JSON.stringify({ zarr_consolidated_format: 1, metadata }) },
    { path: '.zgroup', content: JSON.stringify({ zarr_format: 2 }) },
  ];
}

function numbers({ data, kind }: NamedArray, type: 'f4' | 'f8'): Uint8Array {
  if (kind === 'bool') return Uint8Array.from(data);
  const typed = kind === 'int' ? Int32Array.from(data) : type === 'f4' ? Float32Array.from(data) : data;
  const bytes = new Uint8Array(data.length * typed.BYTES_PER_ELEMENT);
  const view = new DataView(bytes.buffer);
  const width = typed.BYTES_PER_ELEMENT;
  data.forEach((x, i) => {
    if (kind === 'int') view.setInt32(i * width, x, true);
    else if (type === 'f4') view.setFloat32(i * width, x, true);
    else view.setFloat64(i * width, x, true);
  });
  return bytes;
}
