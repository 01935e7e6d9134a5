// JSON. Writing: one object, each entry a number, an array nested by its shape, a bool or a text. Reading: a number, nested
// arrays, or an object of them (one member is then chosen by name). JSON has no NaN and no infinities: they are written as the
// strings "NaN", "Infinity" and "-Infinity" and read back from them. Errors: R110 not JSON, R111 not an array of numbers.

import { fail } from '../../compiler/support/diagnostic.ts';
import type { Span } from '../../compiler/support/span.ts';
import { didYouMean } from '../../compiler/support/did_you_mean.ts';
import type { NamedArray, SaveEntry, ValueKind } from './array.ts';
import { isText, namedArray } from './array.ts';

/** A whole .json file, two blanks an indent, one line for each innermost row. */
export function encode_json(entries: readonly SaveEntry[]): string {
  const members = entries.map((entry) => {
    const value = isText(entry) ? JSON.stringify(entry.text) : arrayText(entry, 0, entry.data.length, 0);
    return `  ${JSON.stringify(entry.name)}: ${value}`;
  });
  return members.length === 0 ? '{}\n' : `{\n${members.join(',\n')}\n}\n`;
}

/** Elements [start, end) of an array, which are what axis `axis` and those behind it span. */
function arrayText(array: NamedArray, start: number, end: number, axis: number): string {
  if (axis === array.shape.length) return scalarText(array.data[start] ?? NaN, array.kind ?? 'real');
  const count = array.shape[axis] ?? 0;
  const stride = count === 0 ? 0 : (end - start) / count;
  const parts = Array.from({ length: count }, (_, i) =>
    arrayText(array, start + i * stride, start + (i + 1) * stride, axis + 1),
  );
  if (axis === array.shape.length - 1 || count === 0) return `[${parts.join(', ')}]`;
  const indent = '  '.repeat(axis + 2);
  return `[\n${parts.map((part) => indent + part).join(',\n')}\n${'  '.repeat(axis + 1)}]`;
}

function scalarText(value: number, kind: ValueKind): string {
  if (kind === 'bool') return value === 0 ? 'false' : 'true';
  if (!Number.isFinite(value)) return JSON.stringify(String(value));
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Decodes a .json file; of an object, `column` names the member (which may be left out when there is only one). */
export function decode_json(
  bytes: Uint8Array,
  name: string,
  path: string,
  column?: string,
  span?: Span,
): NamedArray {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (trouble) {
    const reason = trouble instanceof Error ? trouble.message : String(trouble);
    return fail('R110', `"${path}" is not JSON: ${reason}`, span);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const members = Object.entries(value);
    const [chosen, content] = chooseMember(members, path, column, span);
    return arrayOf(content, chosen, `"${chosen}" of "${path}"`, span);
  }
  if (column !== undefined) fail('R108', `"${path}" has no names, so there is no "${column}" in it`, span);
  return arrayOf(value, name, `"${path}"`, span);
}

function chooseMember(
  members: readonly [string, unknown][],
  path: string,
  column: string | undefined,
  span?: Span,
): [string, unknown] {
  const [only] = members;
  if (column === undefined && members.length === 1 && only) return only;
  const names = members.map(([known]) => known);
  const list = names.map((known) => `"${known}"`).join(', ');
  if (column === undefined) {
    return fail(
      'R108',
      `"${path}" holds ${members.length} values: say which`,
      span,
      `write column: with one of ${list}`,
    );
  }
  const found = members.find(([known]) => known === column);
  const near = didYouMean(column, names);
  return (
    found ??
    fail(
      'R108',
      `"${path}" has no value "${column}"`,
      span,
      near ? `did you mean "${near}"?` : `it holds ${list}`,
    )
  );
}

function arrayOf(value: unknown, name: string, what: string, span?: Span): NamedArray {
  const shape: number[] = [];
  for (let inner = value; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  const data: number[] = [];
  const bools = collect(value, shape, 0, [], data, what, span);
  return namedArray(name, shape, Float64Array.from(data), bools ? 'bool' : 'real');
}

/** Appends the numbers below `value`; true when all of them are bools. */
function collect(
  value: unknown,
  shape: readonly number[],
  axis: number,
  place: readonly number[],
  data: number[],
  what: string,
  span?: Span,
): boolean {
  const where = place.length === 0 ? what : `element [${place.join(', ')}] of ${what}`;
  if (axis < shape.length) {
    if (!Array.isArray(value)) return fail('R111', `${where} is not an array, its neighbours are`, span);
    if (value.length !== shape[axis]) {
      return fail('R111', `${where} has ${value.length} elements, its neighbours have ${shape[axis]}`, span);
    }
    const parts = value.map((part, i) => collect(part, shape, axis + 1, [...place, i], data, what, span));
    return parts.length > 0 && parts.every(Boolean);
  }
  const number = scalarOf(value);
  if (number === undefined) {
    return fail('R111', `${where} is ${describe(value)} where a number is needed`, span);
  }
  data.push(number);
  return typeof value === 'boolean';
}

function scalarOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === 'NaN') return NaN;
  if (value === 'Infinity' || value === '-Infinity') return Number(value);
  return undefined;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'string' ? `the text ${JSON.stringify(value)}` : `an ${typeof value}`;
}
