// JSON: numbers, nested arrays, texts, and the three values JSON does not have.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NamedArray } from '../../../runtime/io/array.ts';
import { namedArray } from '../../../runtime/io/array.ts';
import { decode_json, encode_json } from '../../../runtime/io/json.ts';

function read(text: string, column?: string): NamedArray {
  return decode_json(new TextEncoder().encode(text), 'data', 'data.json', column);
}

describe('writing', () => {
  test('numbers, vectors, matrices, bools and texts', () => {
    const text = encode_json([
      namedArray('alpha', [], Float64Array.of(0.5)),
      namedArray('v', [3], Float64Array.of(1, 2, 3)),
      namedArray('m', [2, 2], Float64Array.of(1, 2, 3, 4)),
      namedArray('ok', [2], Float64Array.of(0, 1), 'bool'),
      { name: 'note', text: 'a "quoted" ν' },
    ]);
    expect(JSON.parse(text)).toEqual({
      alpha: 0.5,
      v: [1, 2, 3],
      m: [
        [1, 2],
        [3, 4],
      ],
      ok: [false, true],
      note: 'a "quoted" ν',
    });
    expect(text).toContain('  "v": [1, 2, 3],\n');
    expect(text.endsWith('}\n')).toBe(true);
  });

  test('NaN and infinities are strings, and are read back', () => {
    const data = Float64Array.of(NaN, Infinity, -Infinity, -0);
    const text = encode_json([namedArray('x', [4], data)]);
    expect(JSON.parse(text)).toEqual({ x: ['NaN', 'Infinity', '-Infinity', -0] });
    expect(read(text).data).toEqual(data);
  });

  test('empty arrays keep their outer shape', () => {
    expect(JSON.parse(encode_json([namedArray('e', [2, 0], new Float64Array(0))]))).toEqual({ e: [[], []] });
    expect(encode_json([])).toBe('{}\n');
  });
});

describe('reading', () => {
  test('a number, nested arrays, one member, a chosen member', () => {
    expect(read('2.5')).toEqual(namedArray('data', [], Float64Array.of(2.5)));
    expect(read('[[1, 2, 3], [4, 5, 6]]').shape).toEqual([2, 3]);
    expect(read('{"x": [1, 2]}')).toEqual(namedArray('x', [2], Float64Array.of(1, 2)));
    expect(read('{"x": 1, "y": [true, false]}', 'y')).toEqual(
      namedArray('y', [2], Float64Array.of(1, 0), 'bool'),
    );
  });

  const wrong: readonly (readonly [string, string | undefined, RegExp])[] = [
    ['{"x": ', undefined, /R110.*is not JSON/],
    ['{"x": 1, "y": 2}', undefined, /holds 2 values: say which/],
    ['{"xs": 1, "y": 2}', 'xz', /has no value "xz"/],
    ['[1]', 'x', /has no names/],
    ['[[1, 2], [3]]', undefined, /element \[1\] of "data\.json" has 1 elements, its neighbours have 2/],
    ['[[1, 2], 3]', undefined, /element \[1\] .* is not an array/],
    ['[1, null]', undefined, /element \[1\] .* is null/],
    ['[1, [2]]', undefined, /element \[1\] .* is an array where a number is needed/],
    ['{"x": "wet"}', undefined, /is the text "wet"/],
  ];
  test.each(wrong)('%s is an error', (text, column, message) => {
    expect(() => read(text, column)).toThrow(message);
  });

  test('reading gives back what was written', () => {
    const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
    fc.assert(
      fc.property(shapes, fc.infiniteStream(fc.double()), (shape, numbers) => {
        const size = shape.reduce((product, extent) => product * extent, 1);
        const array = namedArray('a', shape, Float64Array.from(numbers.take(size)));
        expect(read(encode_json([array]))).toEqual(array);
      }),
      { numRuns: 60 },
    );
  });
});
