import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sameStructure, structureHash } from '../../compiler/support/same_structure.ts';

/** Plain data as kernels are made of it. */
const data = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.double(),
    fc.integer(),
    fc.constantFrom('add', 'mul', 'f32', ''),
    fc.boolean(),
    fc.constantFrom(0, -0, NaN, Infinity),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('kind', 'a', 'b', 'op'), tie('value'), { maxKeys: 4 }),
  ),
})).value;

/** As text that tells all numbers apart: an independent way to compare. */
function text(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (Array.isArray(value)) return `[${value.map(text).join()}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => `${k}:${text(v)}`)
      .join()}}`;
  return JSON.stringify(value);
}

describe('sameStructure', () => {
  it('is equality of what is held', () => {
    fc.assert(fc.property(data, data, (a, b) => sameStructure(a, b) === (text(a) === text(b))));
    fc.assert(fc.property(data, (a) => sameStructure(a, structuredClone(a))));
  });

  it('tells apart what JSON does not', () => {
    expect(sameStructure({ value: 0 }, { value: -0 })).toBe(false);
    expect(sameStructure({ value: NaN }, { value: NaN })).toBe(true);
    expect(sameStructure({ value: NaN }, { value: Infinity })).toBe(false);
    expect(sameStructure({ a: 1 }, { a: 1, b: 2 })).toBe(false);
    expect(sameStructure([], {})).toBe(false);
  });
});

describe('structureHash', () => {
  it('is equal for equal data', () => {
    fc.assert(fc.property(data, (a) => structureHash(a) === structureHash(structuredClone(a))));
  });

  it('spreads expressions that differ in one place', () => {
    const expression = (name: string, value: number) => ({
      kind: 'binary',
      op: 'add',
      a: { kind: 'var', name },
      b: { kind: 'const', value },
    });
    const hashes = new Set(
      Array.from({ length: 400 }, (_, i) => structureHash(expression(`v${i % 20}`, Math.floor(i / 20)))),
    );
    expect(hashes.size).toBeGreaterThan(390);
  });
});
