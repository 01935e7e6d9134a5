// Comma-separated values. Reading: a file without header is a matrix; with a header, `column: "x"` is a vector and no column
// asked is the matrix of all columns. Writing: named columns of equal length, or one matrix without header.
// A cell must be a number: dates, units and gaps are errors that point at the cell (R106), unless dates are asked for.
// Other errors: R107 ragged row, R108 no such column, R109 nothing to read, R113 columns that do not fit one table.

import type { Diagnostic } from '../../compiler/support/diagnostic.ts';
import { FlowError, fail } from '../../compiler/support/diagnostic.ts';
import { didYouMean } from '../../compiler/support/did_you_mean.ts';
import type { Span } from '../../compiler/support/span.ts';
import type { NamedArray } from './array.ts';
import { namedArray, shapeText } from './array.ts';
import type { CsvField, CsvRow, CsvTable } from './csv_text.ts';
import { parse_csv, quote_csv } from './csv_text.ts';

export interface CsvOptions {
  /** Name of the wanted column; the first row is then the header. */
  readonly column?: string;
  /** Whether the first row is a header; found out when absent: it is one if one of its cells is not a number. */
  readonly header?: boolean;
  /** Read ISO dates (`2000-01-31`) as days since 1970-01-01 or as years (`2000.0820`); an error when absent. */
  readonly dates?: 'days' | 'years';
  /** Where the program asks for the file. */
  readonly span?: Span;
}

/** Decodes a whole file. The result is named after the column, or `name`. */
export function decode_csv(
  bytes: Uint8Array,
  name: string,
  path: string,
  options: CsvOptions = {},
): NamedArray {
  const { table, trouble } = parse_csv(new TextDecoder().decode(bytes), path);
  if (trouble) raise('R106', `${trouble.message} in "${path}"`, trouble.span, options);
  const [first] = table.rows;
  if (!first) return fail('R109', `"${path}" holds no rows`, options.span);
  const hasHeader =
    options.header ??
    (options.column !== undefined || first.fields.some((field) => !isNumberText(field.text, options)));
  const header = hasHeader ? first : undefined;
  const rows = hasHeader ? table.rows.slice(1) : table.rows;
  if (rows.length === 0) return fail('R109', `"${path}" holds a header and no rows`, options.span);
  checkWidths(table, rows, first.fields.length, options);
  return options.column === undefined
    ? readMatrix(table, header, rows, name, options)
    : readColumn(table, header, rows, options.column, options);
}

function readMatrix(
  table: CsvTable,
  header: CsvRow | undefined,
  rows: readonly CsvRow[],
  name: string,
  options: CsvOptions,
): NamedArray {
  const width = rows[0]?.fields.length ?? 0;
  const data = new Float64Array(rows.length * width);
  rows.forEach((row, i) => {
    row.fields.forEach((field, j) => {
      data[i * width + j] = readCell(table, header, row, field, j, options);
    });
  });
  return namedArray(name, [rows.length, width], data);
}

function readColumn(
  table: CsvTable,
  header: CsvRow | undefined,
  rows: readonly CsvRow[],
  column: string,
  options: CsvOptions,
): NamedArray {
  const names = header?.fields.map((field) => field.text) ?? [];
  const index = names.indexOf(column);
  if (index < 0) {
    const near = didYouMean(column, names);
    const help = near
      ? `did you mean "${near}"?`
      : `its columns are ${names.map((known) => `"${known}"`).join(', ')}`;
    return fail(
      'R108',
      `"${table.file.path}" has no column "${column}"`,
      options.span,
      header ? help : 'it has no header',
    );
  }
  const again = names.indexOf(column, index + 1);
  if (again >= 0) {
    return fail(
      'R108',
      `"${table.file.path}" has two columns "${column}" (${index + 1} and ${again + 1})`,
      options.span,
    );
  }
  const data = Float64Array.from(rows, (row) => {
    const field = row.fields[index];
    return field ? readCell(table, header, row, field, index, options) : NaN;
  });
  return namedArray(column, [rows.length], data);
}

function checkWidths(table: CsvTable, rows: readonly CsvRow[], width: number, options: CsvOptions): void {
  const ragged = rows.find((row) => row.fields.length !== width);
  if (!ragged) return;
  const start = ragged.fields[0]?.start ?? 0;
  const end = ragged.fields.at(-1)?.end ?? start;
  raise(
    'R107',
    `line ${ragged.line} of "${table.file.path}" has ${cells(ragged.fields.length)} where the first row has ${width}`,
    { file: table.file, start, end },
    options,
    'every row needs the same number of cells; a cell that holds a comma needs quotes',
  );
}

function cells(count: number): string {
  return count === 1 ? '1 cell' : `${count} cells`;
}

function readCell(
  table: CsvTable,
  header: CsvRow | undefined,
  row: CsvRow,
  field: CsvField,
  index: number,
  options: CsvOptions,
): number {
  const number = cellNumber(field.text, options);
  if (number !== undefined) return number;
  const title = header?.fields[index]?.text;
  const place = `line ${row.line}, column ${index + 1}${title ? ` ("${title}")` : ''} of "${table.file.path}"`;
  const message =
    field.text === ''
      ? `${place} is empty where a number is needed`
      : `${place} is "${field.text}", which is not a number`;
  return raise(
    'R106',
    message,
    { file: table.file, start: field.start, end: field.end },
    options,
    cellHelp(field.text, title, header, index),
  );
}

/** What to write instead, by what the cell looks like. */
function cellHelp(
  text: string,
  title: string | undefined,
  header: CsvRow | undefined,
  index: number,
): string {
  if (isoDate(text) !== undefined) {
    const other = header?.fields.find((_, other) => other !== index)?.text;
    const choose = other ? `choose a column of numbers, for example column: "${other}", or ` : '';
    return `a date is not a number: ${choose}read it with dates: "days" (since 1970-01-01) or dates: "years"`;
  }
  if (text === '' || /^(na|n\/a|null|none|missing|-|\?)$/i.test(text)) {
    return 'fill the gap or remove the row; a value that is meant to be missing is written nan';
  }
  if (/^[-+]?\d+,\d+$/.test(text)) return 'write a decimal point, not a decimal comma';
  if (/^[-+]?[\d.]+\s*%$/.test(text)) return 'write the number without the percent sign';
  if (/^[-+]?[\d.]+(e[-+]?\d+)?\s*[a-zA-Zµ°/^]+/.test(text)) return 'write the number without its unit';
  const other = header?.fields.find((field) => field.text !== title)?.text;
  return other
    ? `choose a column of numbers, for example column: "${other}"`
    : 'every cell of a matrix must be a number';
}

const numberPattern = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const notFinitePattern = /^[-+]?(nan|inf|infinity)$/i;

function isNumberText(text: string, options: CsvOptions): boolean {
  return cellNumber(text, options) !== undefined;
}

/** A decimal number, `nan`, `inf` (as NumPy writes them), or a date if asked. */
function cellNumber(text: string, options: CsvOptions): number | undefined {
  if (numberPattern.test(text)) return Number(text);
  if (notFinitePattern.test(text)) {
    if (/nan/i.test(text)) return NaN;
    return text.startsWith('-') ? -Infinity : Infinity;
  }
  if (options.dates === undefined) return undefined;
  const date = isoDate(text);
  if (date === undefined) return undefined;
  return options.dates === 'days' ? date.days : date.years;
}

const millisecondsADay = 86_400_000;

/** Days since 1970-01-01 and decimal year of `2000-01-31`, `2000-01` or either with a time of day. */
function isoDate(text: string): { readonly days: number; readonly years: number } | undefined {
  const match = /^(\d{4})-(\d{2})(?:-(\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?)?$/.exec(text);
  if (!match) return undefined;
  const time = Date.parse(text.length <= 10 ? text : `${text.replace(' ', 'T').replace(/Z$/, '')}Z`);
  if (Number.isNaN(time)) return undefined;
  const year = Number(match[1]);
  const start = Date.UTC(year, 0, 1);
  return { days: time / millisecondsADay, years: year + (time - start) / (Date.UTC(year + 1, 0, 1) - start) };
}

/** A diagnostic at a place of the data file, with the place of the program as the other half. */
function raise(code: string, message: string, span: Span, options: CsvOptions, help?: string): never {
  const diagnostic: Diagnostic = {
    severity: 'error',
    code,
    message,
    span,
    ...(help ? { help } : {}),
    ...(options.span ? { related: [{ message: 'the file is read here', span: options.span }] } : {}),
  };
  throw new FlowError([diagnostic]);
}

/**
 * Text of a .csv file. One array of rank 2 is a matrix without header; anything else is a table: every entry of rank 1 a
 * column, every entry of rank 0 a column of one row, all of one length. Throws R113.
 */
export function encode_csv(arrays: readonly NamedArray[], span?: Span): string {
  const complex = arrays.find((array) => array.kind === 'complex');
  if (complex)
    return fail(
      'R113',
      `"${complex.name}" is complex, which a .csv file cannot hold`,
      span,
      'save re(z) and im(z), or write an .npz',
    );
  const [only] = arrays;
  if (!only) return fail('R113', 'there is nothing to write', span);
  if (arrays.length === 1 && only.shape.length === 2) {
    const [rows = 0, columns = 0] = only.shape;
    return lines(rows, (i) => Array.from({ length: columns }, (_, j) => numberText(only, i * columns + j)));
  }
  const deep = arrays.find((array) => array.shape.length > 1);
  if (deep) {
    const help = 'write a matrix into a .csv file of its own, or all of them into one .npz';
    return fail(
      'R113',
      `"${deep.name}" has shape ${shapeText(deep.shape)} and is no column of a table`,
      span,
      help,
    );
  }
  const length = only.data.length;
  const other = arrays.find((array) => array.data.length !== length);
  if (other) {
    const sizes = `"${only.name}" has ${length} and "${other.name}" has ${other.data.length}`;
    return fail(
      'R113',
      `the columns of a .csv file need one length: ${sizes}`,
      span,
      'write them into separate files or into an .npz',
    );
  }
  const header = `${arrays.map((array) => quote_csv(array.name)).join(',')}\n`;
  return header + lines(length, (i) => arrays.map((array) => numberText(array, i)));
}

function lines(count: number, row: (index: number) => readonly string[]): string {
  let text = '';
  for (let i = 0; i < count; i += 1) text += `${row(i).join(',')}\n`;
  return text;
}

/** Shortest text that reads back as the same number. */
function numberText(array: NamedArray, index: number): string {
  const value = array.data[index] ?? NaN;
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Object.is(value, -0) ? '-0' : String(value);
}
