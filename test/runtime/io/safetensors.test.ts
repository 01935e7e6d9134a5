// .safetensors: what is written is what the format's own description says, byte for byte in a small case; everything comes back; broken files say why.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FlowError } from '../../../compiler/support/diagnostic.ts';
import { namedArray } from '../../../runtime/io/array.ts';
import { decode_value, decode_values, encode_values } from '../../../runtime/io/formats.ts';
import { decode_safetensors, encode_safetensors } from '../../../runtime/io/safetensors.ts';

function file(header: string, data: readonly number[] = []): Uint8Array {
  const text = new TextEncoder().encode(header);
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out;
}

describe('.safetensors', () => {
  test('a small file, byte for byte', () => {
    const bytes = encode_safetensors([namedArray('a', [2], Float64Array.of(1, -2))], 'f4');
    const header = '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    expect([...bytes]).toEqual([...file(padded, [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0])]);
  });

  test('comes back: names, shapes, kinds and bits', () => {
    const array = fc
      .record({
        name: fc.stringMatching(/^[a-zü.[\]0-9]{1,12}$/),
        shape: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
        seed: fc.integer({ min: 1, max: 1e6 }),
        kind: fc.constantFrom('real', 'int', 'bool' as const),
      })
      .map(({ name, shape, seed, kind }) => {
        const size = shape.reduce((n, e) => n * e, 1);
        const value = (i: number): number =>
          kind === 'real'
            ? Math.sin(seed + i)
            : kind === 'int'
              ? (seed * (i + 1)) % (i % 2 ? 2 ** 40 : 100)
              : i % 2;
        return namedArray(
          name,
          shape,
          Float64Array.from({ length: size }, (_, i) => value(i)),
          kind,
        );
      });
    fc.assert(
      fc.property(fc.uniqueArray(array, { maxLength: 5, selector: (a) => a.name }), (arrays) => {
        const bytes = encode_values('x.safetensors', arrays);
        if (typeof bytes === 'string') throw new Error('text');
        expect(new Set(decode_values('x.safetensors', bytes))).toEqual(new Set(arrays));
      }),
      { numRuns: 40 },
    );
  });

  test('halves, brain floats and small integers of other writers are read; metadata are not', () => {
    const header = JSON.stringify({
      __metadata__: { format: 'pt' },
      b: { dtype: 'BF16', shape: [2], data_offsets: [4, 8] },
      h: { dtype: 'F16', shape: [2], data_offsets: [0, 4] },
      i: { dtype: 'I8', shape: [], data_offsets: [8, 9] },
      u: { dtype: 'U64', shape: [1], data_offsets: [9, 17] },
    });
    const bytes = file(
      header,
      [0x00, 0x3c, 0x01, 0x80, 0xc0, 0x3f, 0x00, 0xc0, 0xff, 5, 0, 0, 0, 1, 0, 0, 0],
    );
    const read = decode_safetensors(bytes, 'x.safetensors');
    expect(read.map((a) => [a.name, a.kind, ...a.data])).toEqual([
      ['h', 'real', 1, -(2 ** -24)],
      ['b', 'real', 1.5, -2],
      ['i', 'int', -1],
      ['u', 'int', 5 + 2 ** 32],
    ]);
    expect(decode_value('x.safetensors', bytes, { column: 'b' }).data[1]).toBe(-2);
  });

  const wrong: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['too short', new Uint8Array(5), /shorter than a header/],
    ['a header that does not fit', file('{}').subarray(0, 9), /does not fit/],
    ['no JSON', file('{]'), /is no JSON/],
    ['no tensor', file('{"a":{"dtype":"F32"}}'), /"a" is not described as a tensor/],
    [
      'missing data',
      file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', [0, 0]),
      /do not fill its shape/,
    ],
    [
      'another size',
      file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', [0, 0, 0, 0]),
      /do not fill its shape/,
    ],
    [
      'an unknown type',
      file('{"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}}', [0]),
      /elements of type F8/,
    ],
  ];
  test.each(wrong)('%s is an error that says so', (_, bytes, message) => {
    expect(() => decode_safetensors(bytes, 'x.safetensors')).toThrow(FlowError);
    expect(() => decode_safetensors(bytes, 'x.safetensors')).toThrow(message);
  });

  test('texts and complex numbers do not go in', () => {
    expect(() => encode_values('x.safetensors', [{ name: 't', text: 'a' }])).toThrow(/is a text/);
    const z = namedArray('z', [1, 2], Float64Array.of(1, 2), 'complex');
    expect(() => encode_values('x.safetensors', [z])).toThrow(/is complex/);
  });
});
