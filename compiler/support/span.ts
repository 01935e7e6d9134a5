// A place in a source file. Offsets are UTF-16 code units from the start of the file; a span is half open.
// Invariant: 0 <= start <= end <= text.length. Line and column are computed only when a message is rendered.

export interface SourceFile {
  /** Path as the user gave it, or `std.ode` for a module of the standard library. */
  readonly path: string;
  readonly text: string;
}

export interface Span {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}

export function spanning(a: Span, b: Span): Span {
  return { file: a.file, start: Math.min(a.start, b.start), end: Math.max(a.end, b.end) };
}

/** Line and column of an offset, both counted from one; columns count UTF-16 units. */
export function lineColumn(file: SourceFile, offset: number): { line: number; column: number } {
  const before = file.text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - (before.lastIndexOf('\n') + 1) + 1 };
}
