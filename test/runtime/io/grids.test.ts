// Formats that know where the values of a field lie: NetCDF, Zarr, VTK. Bytes by the formats' specifications, written out by hand; scipy.io.netcdf_file reads what is written here.

import { describe, expect, test } from 'vitest';
import { namedArray } from '../../../runtime/io/array.ts';
import type { NamedArray } from '../../../runtime/io/array.ts';
import { decode_value, decode_values, encode_store, encode_values } from '../../../runtime/io/formats.ts';

const field: NamedArray = {
  ...namedArray('T', [2, 3], Float64Array.of(1, 2, 3, 4, 5, 6)),
  axes: [
    { name: 'x', from: 0, to: 1 },
    { name: 'y', from: 0, to: 4, nodes: true },
  ],
};
const bytesOf = (path: string, arrays: readonly NamedArray[]): Uint8Array => {
  const content = encode_values(path, arrays);
  return typeof content === 'string' ? new TextEncoder().encode(content) : content;
};

describe('.nc', () => {
  test('one variable, byte by byte', () => {
    const bytes = bytesOf('a.nc', [namedArray('k', [2], Float64Array.of(1, -2), 'int')]);
    const words = [
      0x43444602, 0, 10, 1, 2, 0x6e320000, 2, 0, 0, 11, 1, 1, 0x6b000000, 1, 0, 0, 0, 4, 8, 0, 84, 1,
      0xfffffffe,
    ];
    const view = new DataView(bytes.buffer);
    expect(bytes.length).toBe(4 * words.length);
    expect(words.map((_, i) => view.getUint32(4 * i))).toEqual(words);
  });

  test('fields with their coordinates, numbers, truth values and complex numbers come back', () => {
    const z = namedArray('z', [2, 2], Float64Array.of(0, 1, 2, 0), 'complex');
    const n = namedArray('n', [], Float64Array.of(3), 'int');
    const bytes = bytesOf('a.nc', [field, n, z]);
    const found = new Map(decode_values('a.nc', bytes).map((a) => [a.name, a]));
    expect([...found.keys()]).toEqual(['x', 'y', 'T', 'n', 'z']);
    expect(found.get('T')).toEqual(namedArray('T', [2, 3], field.data));
    expect([...(found.get('x')?.data ?? [])]).toEqual([0.25, 0.75]);
    expect([...(found.get('y')?.data ?? [])]).toEqual([0, 2, 4]);
    expect(found.get('n')).toEqual(n);
    expect(found.get('z')?.shape).toEqual([2, 2]);
    expect(decode_value('a.nc', bytes, { column: 'T' }).data[5]).toBe(6);
  });

  test('in f32', () => {
    const content = encode_values('a.nc', [field], { real: 'f4' });
    if (typeof content === 'string') throw new Error('text');
    expect(decode_value('a.nc', content, { column: 'T' }).data).toEqual(field.data);
  });

  test('what is none, or cut short, is refused', () => {
    expect(() => decode_value('a.nc', new Uint8Array(16))).toThrow(/no NetCDF 3 file/);
    expect(() => decode_value('a.nc', bytesOf('a.nc', [field]).slice(0, 150))).toThrow(/cut short/);
  });
});

describe('.vtk', () => {
  const textOf = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);

  test('cells, the first axis fastest', () => {
    const cells: NamedArray = {
      ...field,
      axes: [
        { name: 'x', from: 0, to: 1 },
        { name: 'y', from: -1, to: 2 },
      ],
    };
    const bytes = bytesOf('a.vtk', [cells, { ...cells, name: 'two' }]);
    const text = textOf(bytes);
    expect(text).toContain(
      'DIMENSIONS 3 4 1\nORIGIN 0 -1 0\nSPACING 0.5 1 1\nCELL_DATA 6\nSCALARS T double 1\nLOOKUP_TABLE default\n',
    );
    const start = text.indexOf('default\n') + 8;
    const view = new DataView(bytes.buffer, start);
    expect([0, 1, 2, 3, 4, 5].map((i) => view.getFloat64(8 * i))).toEqual([1, 4, 2, 5, 3, 6]);
    expect(text.slice(start + 48)).toMatch(/^\nSCALARS two double 1\n/);
  });

  test('cells along one axis and nodes along another are points', () => {
    const text = textOf(bytesOf('a.vtk', [field]));
    expect(text).toContain('DIMENSIONS 2 3 1\nORIGIN 0.25 0 0\nSPACING 0.5 2 1\nPOINT_DATA 6\n');
  });

  test('what lies on no common grid is refused; it is not read', () => {
    expect(() => bytesOf('a.vtk', [field, namedArray('k', [2], Float64Array.of(1, 2))])).toThrow(
      /on one grid/,
    );
    expect(() => bytesOf('a.vtk', [namedArray('k', [], Float64Array.of(1))])).toThrow(/one to three axes/);
    expect(() => decode_value('a.vtk', new Uint8Array(4))).toThrow(/cannot read "a\.vtk"/);
  });
});

test('.zarr: a folder with an array a folder, the whole a store when all is there', () => {
  const files = encode_store('out.zarr', [field, namedArray('on', [2], Float64Array.of(1, 0), 'bool')]) ?? [];
  expect(files.map((f) => f.path).filter((p) => /\/\d|\.zgroup/.test(p))).toEqual([
    'out.zarr/T/0.0',
    'out.zarr/on/0',
    'out.zarr/x/0',
    'out.zarr/y/0',
    'out.zarr/.zgroup',
  ]);
  const content = (path: string): Uint8Array | string => files.find((f) => f.path === path)?.content ?? '';
  expect(JSON.parse(String(content('out.zarr/T/.zarray')))).toMatchObject({
    shape: [2, 3],
    chunks: [2, 3],
    dtype: '<f8',
    order: 'C',
    compressor: null,
  });
  expect(JSON.parse(String(content('out.zarr/T/.zattrs')))).toEqual({ _ARRAY_DIMENSIONS: ['x', 'y'] });
  const data = content('out.zarr/T/0.0');
  if (typeof data === 'string') throw new Error('text');
  expect([...new Float64Array(data.slice().buffer)]).toEqual([1, 2, 3, 4, 5, 6]);
  expect(content('out.zarr/on/0')).toEqual(Uint8Array.of(1, 0));
  expect(encode_store('a.npz', [field])).toBeUndefined();
});
