// Comma-separated values: what is accepted, what is refused, and where the error points.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FlowError } from '../../../compiler/support/diagnostic.ts';
import type { Diagnostic } from '../../../compiler/support/diagnostic.ts';
import type { NamedArray } from '../../../runtime/io/array.ts';
import { namedArray } from '../../../runtime/io/array.ts';
import type { CsvOptions } from '../../../runtime/io/csv.ts';
import { decode_csv, encode_csv } from '../../../runtime/io/csv.ts';

function read(text: string, options: CsvOptions = {}): NamedArray {
  return decode_csv(new TextEncoder().encode(text), 'data', 'data.csv', options);
}

function troubleOf(action: () => unknown): Diagnostic {
  try {
    action();
  } catch (trouble) {
    if (trouble instanceof FlowError && trouble.diagnostics[0]) return trouble.diagnostics[0];
    throw trouble;
  }
  throw new Error('no error was raised');
}

/** The text an error points at. */
function pointedAt(diagnostic: Diagnostic): string | undefined {
  return diagnostic.span?.file.text.slice(diagnostic.span.start, diagnostic.span.end);
}

describe('reading', () => {
  test('a file without header is a matrix', () => {
    const matrix = read('1,2,3\n4,5,6\n');
    expect(matrix.shape).toEqual([2, 3]);
    expect([...matrix.data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('a column of a file with header is a vector', () => {
    const column = read('year,lynx,hare\n1900,4.0,30.0\n1901,6.1,47.2\n', { column: 'hare' });
    expect(column).toEqual(namedArray('hare', [2], Float64Array.of(30, 47.2)));
  });

  test('a header without a column asked gives the matrix below it', () => {
    expect(read('a,b\n1,2\n').shape).toEqual([1, 2]);
  });

  test('a header of numbers is one if a column is asked or it is said', () => {
    expect([...read('2000,2010\n1,2\n', { column: '2010' }).data]).toEqual([2]);
    expect(read('2000,2010\n1,2\n').shape).toEqual([2, 2]);
    expect(read('2000,2010\n1,2\n', { header: true }).shape).toEqual([1, 2]);
  });

  test('byte-order mark, CRLF, blank lines, comments, quotes, semicolons, tabs', () => {
    expect([
      ...read('\uFEFF# made by hand\r\nx,"the ""y"", in m"\r\n\r\n1,"2.5"\r\n', { column: 'the "y", in m' })
        .data,
    ]).toEqual([2.5]);
    expect([...read('1;2\n3;4\n').data]).toEqual([1, 2, 3, 4]);
    expect([...read('1\t2\n').data]).toEqual([1, 2]);
    expect([...read(' 1 ,  +2e-3 \n').data]).toEqual([1, 0.002]);
  });

  test('a quoted header may hold a line break, and lines below keep their numbers', () => {
    const trouble = troubleOf(() => read('"a\nb",c\n1,2\n3,x\n'));
    expect(trouble.message).toContain('line 4, column 2 ("c")');
  });

  test('nan and inf are numbers, as NumPy writes them', () => {
    expect([...read('nan,inf,-inf,Infinity\n').data]).toEqual([NaN, Infinity, -Infinity, Infinity]);
  });

  test('dates are numbers only if asked', () => {
    const text = 'date,close\n1970-01-11,1\n2000-07-02,2\n';
    expect(troubleOf(() => read(text, { column: 'date' })).help).toContain('column: "close"');
    expect(read(text, { column: 'date', dates: 'days' }).data[0]).toBe(10);
    expect(read(text, { column: 'date', dates: 'years' }).data[1]).toBeCloseTo(2000.5, 3);
    expect([...read(text, { column: 'close' }).data]).toEqual([1, 2]);
  });
});

describe('errors', () => {
  const cases: readonly (readonly [string, string, CsvOptions, string, RegExp, string | undefined])[] = [
    [
      'not a number',
      'a,b\n1,2\n3,wet\n',
      {},
      'R106',
      /line 3, column 2 \("b"\) of "data\.csv" is "wet"/,
      'wet',
    ],
    ['empty cell', '1,2\n3,\n', {}, 'R106', /line 2, column 2 of "data\.csv" is empty/, ''],
    [
      'ragged row',
      '1,2\n3,4\n5\n',
      {},
      'R107',
      /line 3 of "data\.csv" has 1 cell where the first row has 2/,
      '5',
    ],
    ['missing column', 'hare,lynx\n1,2\n', { column: 'hares' }, 'R108', /has no column "hares"/, undefined],
    ['column twice', 'a,a\n1,2\n', { column: 'a' }, 'R108', /two columns "a" \(1 and 2\)/, undefined],
    ['empty file', '\n# nothing\n', {}, 'R109', /holds no rows/, undefined],
    ['header only', 'a,b\n', {}, 'R109', /a header and no rows/, undefined],
    ['open quote', 'a\n"1\n', {}, 'R106', /a quote opens here and never closes/, '"1'],
  ];
  test.each(cases)('%s', (_, text, options, code, message, place) => {
    const trouble = troubleOf(() => read(text, options));
    expect(trouble.code).toBe(code);
    expect(trouble.message).toMatch(message);
    if (place !== undefined) expect(pointedAt(trouble)).toBe(place);
  });

  const advice: readonly (readonly [string, string, RegExp])[] = [
    ['1,2\n3,"4,5"\n', 'decimal comma', /decimal point/],
    ['1,2\n3,12 %\n', 'percent', /percent/],
    ['1,2\n3,12.5 km\n', 'unit', /without its unit/],
    ['1,2\n3,NA\n', 'gap', /remove the row/],
  ];
  test.each(advice)('%j has help about the %s', (text, _, help) => {
    expect(troubleOf(() => read(text, { header: false })).help).toMatch(help);
  });

  test('a misspelt column is guessed, another one gets the list', () => {
    const text = 'year,lynx,hare\n1,2,3\n';
    expect(troubleOf(() => read(text, { column: 'hsre' })).help).toBe('did you mean "hare"?');
    expect(troubleOf(() => read(text, { column: 'temperature' })).help).toContain('"year", "lynx", "hare"');
  });

  test('the place of the program is the other half', () => {
    const file = { path: 'a.flow', text: 'data a = load("data.csv")' };
    const span = { file, start: 9, end: 25 };
    expect(troubleOf(() => read('1,x\n', { span, header: false })).related?.[0]?.span).toBe(span);
  });
});

describe('writing', () => {
  test('columns of equal length, with a header', () => {
    const t = namedArray('t', [2], Float64Array.of(0, 0.5));
    const u = namedArray('u, m/s', [2], Float64Array.of(1e-300, -0));
    expect(encode_csv([t, u])).toBe('t,"u, m/s"\n0,1e-300\n0.5,-0\n');
  });

  test('one matrix, without a header', () => {
    expect(encode_csv([namedArray('m', [2, 2], Float64Array.of(1, NaN, Infinity, -Infinity))])).toBe(
      '1,nan\ninf,-inf\n',
    );
  });

  test('what does not fit one table is an error', () => {
    const v = (name: string, n: number): NamedArray => namedArray(name, [n], new Float64Array(n));
    const m = namedArray('m', [2, 2], new Float64Array(4));
    expect(() => encode_csv([v('a', 2), v('b', 3)])).toThrow(/"a" has 2 and "b" has 3/);
    expect(() => encode_csv([v('a', 2), m])).toThrow(/"m" has shape \[2, 2\]/);
  });

  test('reading gives back every double', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { minLength: 1, maxLength: 20 }), (numbers) => {
        const data = Float64Array.from(numbers);
        const back = read(encode_csv([namedArray('x y', [data.length], data)]), { column: 'x y' });
        expect(back.data).toEqual(data);
      }),
      { numRuns: 100 },
    );
  });

  test('reading gives back every matrix', () => {
    const matrices = fc.tuple(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      fc.infiniteStream(fc.double()),
    );
    fc.assert(
      fc.property(matrices, ([rows, columns, numbers]) => {
        const data = Float64Array.from(numbers.take(rows * columns));
        const back = read(encode_csv([namedArray('m', [rows, columns], data)]));
        expect(back).toEqual(namedArray('data', [rows, columns], data));
      }),
      { numRuns: 60 },
    );
  });
});
