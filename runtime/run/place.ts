// The place of a statement, from a plan that has forgotten the program's text but for that line, as a span that messages can show.

import type { Place } from '../../compiler/plan/script.ts';
import type { Span } from '../../compiler/support/span.ts';

/** A span in a file of which only this line is known. It reaches to the end of the line's code. */
export function spanOfPlace(place: Place): Span {
  const before = '\n'.repeat(Math.max(0, place.line - 1));
  const line = place.source.split('\n', 1)[0] ?? '';
  const start = before.length + Math.min(line.length, Math.max(0, place.column - 1));
  const end = before.length + endOfCode(line);
  return { file: { path: place.file, text: before + line }, start, end: Math.max(start, end) };
}

export function spanOfOptional(place: Place | undefined): Span | undefined {
  return place === undefined ? undefined : spanOfPlace(place);
}

/** Where the line ends without its comment and blanks; `#` inside a string is no comment. */
function endOfCode(line: string): number {
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const character = line[i];
    if (character === '\\') i++;
    else if (character === '"') quoted = !quoted;
    else if (character === '#' && !quoted) return line.slice(0, i).trimEnd().length;
  }
  return line.trimEnd().length;
}
