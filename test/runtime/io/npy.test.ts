// .npy and .npz: what is written is what NumPy documents, what NumPy writes is read.

import fc from 'fast-check';
import { unzipSync, zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { FlowError } from '../../../compiler/support/diagnostic.ts';
import { namedArray } from '../../../runtime/io/array.ts';
import { decode_npy, decode_npy_header, encode_npy } from '../../../runtime/io/npy.ts';
import { decode_npz, encode_npz } from '../../../runtime/io/npz.ts';

/** A .npy file made by hand from its header dictionary and its data bytes. */
function npyFile(dictionary: string, data: Uint8Array, version = 1): Uint8Array {
  const header = new TextEncoder().encode(`${dictionary}\n`);
  const length =
    version === 1
      ? [header.length & 255, header.length >> 8]
      : [header.length & 255, header.length >> 8, 0, 0];
  return Uint8Array.from([
    0x93,
    ...new TextEncoder().encode('NUMPY'),
    version,
    0,
    ...length,
    ...header,
    ...data,
  ]);
}

function bytesOf(count: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(count);
  write(new DataView(bytes.buffer));
  return bytes;
}

describe('encode_npy', () => {
  test('the bytes of a small array are those of the format', () => {
    const bytes = encode_npy(namedArray('a', [2, 3], Float64Array.from([1, 2, 3, 4, 5, 6])));
    expect([...bytes.subarray(0, 8)]).toEqual([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
    const headerLength = (bytes[8] ?? 0) + 256 * (bytes[9] ?? 0);
    expect((10 + headerLength) % 64).toBe(0);
    const header = new TextDecoder().decode(bytes.subarray(10, 10 + headerLength));
    expect(header).toMatch(/^\{'descr': '<f8', 'fortran_order': False, 'shape': \(2, 3\), \} *\n$/);
    expect(new DataView(bytes.buffer).getFloat64(10 + headerLength + 8, true)).toBe(2);
    expect(bytes.length).toBe(10 + headerLength + 48);
  });

  test('ranks 0 and 1 have the tuples Python prints', () => {
    const headerOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes.subarray(10, 74));
    expect(headerOf(encode_npy(namedArray('s', [], Float64Array.of(7))))).toContain("'shape': (),");
    expect(headerOf(encode_npy(namedArray('v', [3], Float64Array.of(1, 2, 3))))).toContain("'shape': (3,),");
  });

  test('the element type follows the kind and loses nothing', () => {
    const typeOf = (data: Float64Array, kind: 'real' | 'int' | 'bool'): string =>
      decode_npy_header(encode_npy(namedArray('a', [data.length], data, kind)), 'a.npy').type;
    expect(typeOf(Float64Array.of(0.5), 'real')).toBe('f8');
    expect(typeOf(Float64Array.of(5, -7), 'int')).toBe('i4');
    expect(typeOf(Float64Array.of(2 ** 40), 'int')).toBe('i8');
    expect(typeOf(Float64Array.of(NaN), 'int')).toBe('f8');
    expect(typeOf(Float64Array.of(0, 1), 'bool')).toBe('b1');
  });

  test('reading gives back what was written, for any rank and values', () => {
    const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
    fc.assert(
      fc.property(shapes, fc.infiniteStream(fc.double()), (shape, numbers) => {
        const size = shape.reduce((product, extent) => product * extent, 1);
        const data = Float64Array.from(numbers.take(size));
        const back = decode_npy(encode_npy(namedArray('a', shape, data)), 'a', 'a.npy');
        expect(back.shape).toEqual(shape);
        expect(back.data).toEqual(data);
      }),
      { numRuns: 60 },
    );
  });

  test('complex numbers are pairs along a last axis', () => {
    const z = namedArray(
      'z',
      [2, 3, 2],
      Float64Array.from({ length: 12 }, (_, i) => i / 4),
      'complex',
    );
    const bytes = encode_npy(z);
    const text = new TextDecoder().decode(bytes.subarray(10, 74));
    expect(text).toContain("'descr': '<c16', 'fortran_order': False, 'shape': (2, 3), ");
    expect(decode_npy(bytes, 'z', 'z.npy')).toEqual(z);
    expect(decode_npy(encode_npy(z, 'c8'), 'z', 'z.npy')).toEqual(z);
    expect(encode_npy(z, 'c8').length).toBe(encode_npy(z).length - 48);
    // One number; and the columns of a Fortran array, whose parts stay together.
    const one = namedArray('z', [2], Float64Array.of(1, -2), 'complex');
    expect(decode_npy(encode_npy(one), 'z', 'z.npy')).toEqual(one);
    const columns = npyFile(
      "{'descr': '<c16', 'fortran_order': True, 'shape': (2, 2), }",
      bytesOf(64, (view) => [1, 2, 3, 4, 5, 6, 7, 8].forEach((x, i) => view.setFloat64(8 * i, x, true))),
    );
    expect([...decode_npy(columns, 'z', 'z.npy').data]).toEqual([1, 2, 5, 6, 3, 4, 7, 8]);
  });

  test('narrow types keep what they can hold', () => {
    const data = Float64Array.of(0, 1, 4e9);
    expect(decode_npy(encode_npy(namedArray('a', [3], data), 'u4'), 'a', 'a.npy').data).toEqual(data);
    const third = decode_npy(
      encode_npy(namedArray('a', [1], Float64Array.of(1 / 3)), 'f4'),
      'a',
      'a.npy',
    ).data;
    expect(third[0]).toBe(Math.fround(1 / 3));
  });
});

describe('decode_npy', () => {
  test('Fortran order is turned into C order', () => {
    // numpy.asfortranarray([[1, 2, 3], [4, 5, 6]]) stores 1 4 2 5 3 6.
    const data = bytesOf(6, (view) => [1, 4, 2, 5, 3, 6].forEach((value, i) => view.setUint8(i, value)));
    const file = npyFile("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", data);
    expect([...decode_npy(file, 'a', 'a.npy').data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('Fortran order of rank 3 agrees with the index formula', () => {
    const data = Uint8Array.from({ length: 24 }, (_, i) => i);
    const file = npyFile("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }", data);
    const back = decode_npy(file, 'a', 'a.npy').data;
    for (let i = 0; i < 2; i += 1)
      for (let j = 0; j < 3; j += 1)
        for (let k = 0; k < 4; k += 1) expect(back[(i * 3 + j) * 4 + k]).toBe(i + 2 * j + 6 * k);
  });

  test('big endian, half precision, 8-byte integers and bools', () => {
    const read = (descr: string, bytes: Uint8Array): readonly number[] => [
      ...decode_npy(
        npyFile(`{'descr': '${descr}', 'fortran_order': False, 'shape': (1,), }`, bytes),
        'a',
        'a.npy',
      ).data,
    ];
    expect(
      read(
        '>f8',
        bytesOf(8, (view) => view.setFloat64(0, -1.5, false)),
      ),
    ).toEqual([-1.5]);
    expect(
      read(
        '>i4',
        bytesOf(4, (view) => view.setInt32(0, -123456, false)),
      ),
    ).toEqual([-123456]);
    expect(read('<f2', Uint8Array.of(0x00, 0x3c))).toEqual([1]);
    expect(read('<f2', Uint8Array.of(0x01, 0x00))).toEqual([2 ** -24]);
    expect(read('<f2', Uint8Array.of(0x00, 0xfc))).toEqual([-Infinity]);
    expect(
      read(
        '<i8',
        bytesOf(8, (view) => view.setBigInt64(0, -(2n ** 40n), true)),
      ),
    ).toEqual([-(2 ** 40)]);
    expect(read('|b1', Uint8Array.of(1))).toEqual([1]);
  });

  test('version 2 has a longer header field', () => {
    const file = npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", Uint8Array.of(8, 9), 2);
    expect([...decode_npy(file, 'a', 'a.npy').data]).toEqual([8, 9]);
  });

  const wrong: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['no magic', Uint8Array.of(1, 2, 3), /does not begin/],
    [
      'cut header',
      encode_npy(namedArray('a', [1], Float64Array.of(1))).subarray(0, 40),
      /ends inside its header/,
    ],
    [
      'cut data',
      encode_npy(namedArray('a', [4], new Float64Array(4))).subarray(0, 150),
      /22 bytes of data where its shape needs 32/,
    ],
    [
      'objects',
      npyFile("{'descr': '|O8', 'fortran_order': False, 'shape': (1,), }", new Uint8Array(8)),
      /not real numbers/,
    ],
    [
      'records',
      npyFile("{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (1,), }", new Uint8Array(8)),
      /not plain numbers/,
    ],
    [
      'integers beyond 2^53',
      npyFile(
        "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }",
        bytesOf(8, (view) => view.setBigInt64(0, 2n ** 60n, true)),
      ),
      /beyond 2\^53/,
    ],
  ];
  test.each(wrong)('%s is an error that says so', (_, bytes, message) => {
    expect(() => decode_npy(bytes, 'a', 'a.npy')).toThrow(FlowError);
    expect(() => decode_npy(bytes, 'a', 'a.npy')).toThrow(message);
  });
});

describe('npz', () => {
  const k = namedArray('k', [2, 2], Float64Array.of(1, 2, 3, 4));
  const t = namedArray('t', [3], Float64Array.of(0, 0.5, 1));

  test('members are name.npy, and reading gives the arrays in order', () => {
    const bytes = encode_npz([k, t]);
    expect(Object.keys(unzipSync(bytes))).toEqual(['k.npy', 't.npy']);
    expect(decode_npz(bytes, 'a.npz')).toEqual([k, t]);
  });

  test('the same values give the same bytes', () => {
    expect(encode_npz([k, t])).toEqual(encode_npz([k, t]));
  });

  test('compressed archives are read, other members left out', () => {
    const zipped = zipSync({ 'k.npy': [encode_npy(k), { level: 9 }], 'readme.txt': new Uint8Array(3) });
    expect(decode_npz(zipped, 'a.npz')).toEqual([k]);
  });

  test('something else is an error', () => {
    expect(() => decode_npz(Uint8Array.of(1, 2, 3, 4), 'a.npz')).toThrow(/R105.*cannot be read as \.npz/);
  });
});
