// Comma-separated text to rows of fields and back (RFC 4180). In: the text of a file. Out: rows whose fields know their
// place, so that an error can point at them. Taken as they come: a byte-order mark, CRLF, quoted fields with doubled quotes and
// line breaks, blank lines (skipped), lines that begin with `#` (comments), a semicolon or a tab in place of the comma when the
// first row has no comma outside quotes.

import type { SourceFile, Span } from '../../compiler/support/span.ts';

export interface CsvField {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface CsvRow {
  /** Counted from one, in the file. */
  readonly line: number;
  readonly fields: readonly CsvField[];
}

export interface CsvTable {
  readonly file: SourceFile;
  readonly delimiter: string;
  readonly rows: readonly CsvRow[];
}

/** What went wrong in the text itself: a quote that is not closed. */
export interface CsvTrouble {
  readonly message: string;
  readonly span: Span;
}

export function parse_csv(
  text: string,
  path: string,
): { readonly table: CsvTable; readonly trouble?: CsvTrouble } {
  const file: SourceFile = { path, text };
  const delimiter = detectDelimiter(text);
  const rows: CsvRow[] = [];
  let position = text.startsWith('\uFEFF') ? 1 : 0;
  let line = 1;
  while (position < text.length) {
    const lineEnd = endOfLine(text, position);
    const whole = text.slice(position, lineEnd).trim();
    if (whole === '' || whole.startsWith('#')) {
      position = afterLineBreak(text, lineEnd);
      line += 1;
      continue;
    }
    const fields: CsvField[] = [];
    const rowLine = line;
    for (;;) {
      const field = readField(text, position, delimiter);
      if (field === undefined) {
        const span = { file, start: position, end: endOfLine(text, position) };
        return {
          table: { file, delimiter, rows },
          trouble: { message: 'a quote opens here and never closes', span },
        };
      }
      fields.push(field);
      line += countLineBreaks(text, position, field.end);
      position = field.end;
      if (text.startsWith(delimiter, position)) position += 1;
      else break;
    }
    position = afterLineBreak(text, position);
    line += 1;
    rows.push({ line: rowLine, fields });
  }
  return { table: { file, delimiter, rows } };
}

/** One field from `start`; its `end` is where the delimiter, the line break or the file's end stands. */
function readField(text: string, start: number, delimiter: string): CsvField | undefined {
  let open = start;
  while (text.charAt(open) === ' ') open += 1;
  if (text.charAt(open) !== '"') {
    let end = start;
    while (
      end < text.length &&
      !text.startsWith(delimiter, end) &&
      text.charAt(end) !== '\n' &&
      text.charAt(end) !== '\r'
    )
      end += 1;
    return { text: text.slice(start, end).trim(), start, end };
  }
  let content = '';
  for (let i = open + 1; i < text.length; i += 1) {
    const letter = text.charAt(i);
    if (letter !== '"') {
      content += letter;
    } else if (text.charAt(i + 1) === '"') {
      content += '"';
      i += 1;
    } else {
      // Blanks between the closing quote and the delimiter belong to nobody; other text is kept, so that it shows up in errors.
      const rest = readField(text, i + 1, delimiter);
      return rest === undefined ? undefined : { text: content + rest.text, start, end: rest.end };
    }
  }
  return undefined;
}

function detectDelimiter(text: string): string {
  const firstRow =
    text.split(/\r?\n/, 50).find((line) => line.trim() !== '' && !line.trim().startsWith('#')) ?? '';
  const outsideQuotes = firstRow.replace(/"[^"]*"/g, '');
  return [',', ';', '\t'].find((delimiter) => outsideQuotes.includes(delimiter)) ?? ',';
}

function endOfLine(text: string, position: number): number {
  const end = text.indexOf('\n', position);
  return end < 0 ? text.length : end;
}

function afterLineBreak(text: string, position: number): number {
  let next = position;
  if (text.charAt(next) === '\r') next += 1;
  if (text.charAt(next) === '\n') next += 1;
  return next;
}

function countLineBreaks(text: string, start: number, end: number): number {
  let count = 0;
  for (let i = text.indexOf('\n', start); i >= 0 && i < end; i = text.indexOf('\n', i + 1)) count += 1;
  return count;
}

/** A field for writing: quoted only when it must be. */
export function quote_csv(field: string): string {
  return /[",\r\n]|^#|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
