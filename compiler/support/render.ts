// A diagnostic as text for a terminal or a log:
//
//   error[S034]: `=` defines or assigns; to compare write `==`
//     --> heat.flow:2:8
//      |
//    2 |   if x = 1 { return 2 }
//      |        ^
//      = help: write `x == 1`
//
// Every related place gets its own line of source and caret. Columns count UTF-16 units in the numbers, and terminal cells under
// the caret (tabs are expanded, wide characters take two). No colour unless asked for.

import type { Diagnostic } from './diagnostic.ts';
import { FlowError, InternalError } from './diagnostic.ts';
import { lineColumn, type SourceFile, type Span } from './span.ts';

export interface RenderOptions {
  /** ANSI colours. */
  readonly color?: boolean;
  /** How a path is shown (relative to the working directory, say). */
  readonly path?: (file: SourceFile) => string;
}

const tabWidth = 4;
/** A line longer than this is shown as a window around the caret. */
const widest = 160;

interface Paint {
  readonly strong: (text: string) => string;
  readonly severity: (text: string) => string;
  readonly faint: (text: string) => string;
}

function paint(severity: Diagnostic['severity'], color: boolean): Paint {
  const wrap = (code: string) => (text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const codes = { error: '1;31', warning: '1;33', note: '1;36' } as const;
  return { strong: wrap('1'), severity: wrap(codes[severity]), faint: wrap('34') };
}

/** Width of one code point in terminal cells. */
function cells(codePoint: number): number {
  if (codePoint >= 0x300 && codePoint <= 0x36f) return 0;
  const wide =
    (codePoint >= 0x1100 && codePoint <= 0x115f) ||
    (codePoint >= 0x2e80 && codePoint <= 0xa4cf) ||
    (codePoint >= 0xac00 && codePoint <= 0xd7a3) ||
    (codePoint >= 0xf900 && codePoint <= 0xfaff) ||
    (codePoint >= 0xfe30 && codePoint <= 0xfe6f) ||
    (codePoint >= 0xff00 && codePoint <= 0xff60) ||
    (codePoint >= 0x1f300 && codePoint <= 0x1faff);
  return wide ? 2 : 1;
}

/** The text with tabs expanded, control characters made visible, and its width in terminal cells. */
function shown(text: string, startCell = 0): { text: string; width: number } {
  let out = '';
  let width = startCell;
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    if (character === '\t') {
      const step = tabWidth - (width % tabWidth);
      out += ' '.repeat(step);
      width += step;
    } else if (
      codePoint < 0x20 ||
      codePoint === 0x7f ||
      (codePoint >= 0x200b && codePoint <= 0x200f) ||
      codePoint === 0xfeff
    ) {
      out += '·';
      width += 1;
    } else {
      out += character;
      width += cells(codePoint);
    }
  }
  return { text: out, width: width - startCell };
}

/** The source line of a span with its caret, each line after a gutter of the given width. */
function excerpt(span: Span, gutter: number, mark: Paint, faint: (text: string) => string): string[] {
  const { line } = lineColumn(span.file, span.start);
  const text = span.file.text;
  let lineStart = text.lastIndexOf('\n', span.start - 1) + 1;
  let lineEnd = text.indexOf('\n', span.start);
  if (lineEnd < 0) lineEnd = text.length;
  if (text[lineEnd - 1] === '\r' && lineEnd - 1 >= span.start) lineEnd -= 1;
  let lead = '';
  let trail = '';
  if (lineEnd - lineStart > widest) {
    const from = Math.max(lineStart, Math.min(span.start - widest / 2, lineEnd - widest));
    const to = Math.min(lineEnd, from + widest);
    if (from > lineStart) lead = '…';
    if (to < lineEnd) trail = '…';
    lineStart = from;
    lineEnd = to;
  }
  const before = shown(lead + text.slice(lineStart, span.start));
  const stop = Math.max(span.start, Math.min(span.end, lineEnd));
  const marked = shown(text.slice(span.start, stop), before.width);
  const after = shown(text.slice(stop, lineEnd) + trail, before.width + marked.width);
  const blank = faint(`${' '.repeat(gutter)} |`);
  const carets = '^'.repeat(Math.max(1, marked.width));
  return [
    blank,
    `${faint(`${String(line).padStart(gutter)} |`)} ${before.text}${marked.text}${after.text}`.trimEnd(),
    `${blank} ${' '.repeat(before.width)}${mark.severity(carets)}`,
  ];
}

function place(span: Span, options: RenderOptions): string {
  const { line, column } = lineColumn(span.file, span.start);
  return `${options.path ? options.path(span.file) : span.file.path}:${line}:${column}`;
}

/** One diagnostic as text of several lines, without a final line break. */
export function renderDiagnostic(diagnostic: Diagnostic, options: RenderOptions = {}): string {
  const mark = paint(diagnostic.severity, options.color === true);
  const related = diagnostic.related ?? [];
  const spans = [...(diagnostic.span ? [diagnostic.span] : []), ...related.map((r) => r.span)];
  const gutter = Math.max(
    2,
    ...spans.map((span) => String(lineColumn(span.file, span.start).line).length + 1),
  );
  const lines = [
    `${mark.severity(`${diagnostic.severity}[${diagnostic.code}]`)}${mark.strong(`: ${diagnostic.message}`)}`,
  ];
  const arrow = mark.faint(`${' '.repeat(gutter)}-->`);
  if (diagnostic.span) {
    lines.push(
      `${arrow} ${place(diagnostic.span, options)}`,
      ...excerpt(diagnostic.span, gutter, mark, mark.faint),
    );
  }
  for (const other of related) {
    lines.push(`${arrow} ${place(other.span, options)}: ${other.message}`);
    lines.push(...excerpt(other.span, gutter, mark, mark.faint));
  }
  if (diagnostic.help !== undefined) {
    const [first = '', ...rest] = diagnostic.help.split('\n');
    lines.push(`${' '.repeat(gutter)} ${mark.faint('=')} ${mark.strong('help')}: ${first}`);
    for (const line of rest) lines.push(`${' '.repeat(gutter + 9)}${line}`.trimEnd());
  }
  return lines.join('\n');
}

/** Where a diagnostic sorts: by file, then place; those without a place last. */
export function byPlace(a: Diagnostic, b: Diagnostic): number {
  if (!a.span || !b.span) return (a.span ? 0 : 1) - (b.span ? 0 : 1);
  if (a.span.file !== b.span.file) return a.span.file.path < b.span.file.path ? -1 : 1;
  return a.span.start - b.span.start || a.span.end - b.span.end;
}

/** All diagnostics, a blank line between two, in the order given. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], options: RenderOptions = {}): string {
  return diagnostics.map((d) => renderDiagnostic(d, options)).join('\n\n');
}

/** Anything thrown, as text for the user: diagnostics, a bug of the compiler with a request to report it, or a plain error. */
export function renderError(error: unknown, options: RenderOptions = {}): string {
  if (error instanceof FlowError) return renderDiagnostics(error.diagnostics, options);
  if (error instanceof InternalError) {
    return [
      `internal error in ${error.message}`,
      'This is a bug of flowc, not of your program. Please report it with the program and this trace:',
      error.stack ?? '',
    ].join('\n');
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
