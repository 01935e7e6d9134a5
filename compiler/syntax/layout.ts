// A small pretty printer in the manner of Wadler ("A prettier printer", 2003): documents with groups that are laid out on one line
// when they fit and broken at all their lines when they do not. Linear in the size of the document.

import { assertNever } from '../support/diagnostic.ts';

export type Doc =
  | string
  | readonly Doc[]
  | { readonly kind: 'line'; readonly flat: string }
  | { readonly kind: 'suffix'; readonly text: string }
  | { readonly kind: 'hard'; readonly blank: boolean }
  | { readonly kind: 'group'; readonly content: Doc; readonly broken: boolean }
  | { readonly kind: 'indent'; readonly content: Doc };

/** A blank, or a line break when its group is broken. */
export const line: Doc = { kind: 'line', flat: ' ' };
/** Nothing, or a line break. */
export const softline: Doc = { kind: 'line', flat: '' };
/** `; `, or a line break. */
export const semicolon: Doc = { kind: 'line', flat: '; ' };
/** Always a line break; breaks the groups around it. */
export const hardline: Doc = { kind: 'hard', blank: false };
/** A line break and a blank line. */
export const blankLine: Doc = { kind: 'hard', blank: true };

export function group(content: Doc): Doc {
  return { kind: 'group', content, broken: hasHard(content) };
}

export function indent(content: Doc): Doc {
  return { kind: 'indent', content };
}

/** A comment at the end of a line: takes no room. */
export function suffix(text: string): Doc {
  return { kind: 'suffix', text };
}

/** `items` with `between` between two. */
export function join(items: readonly Doc[], between: Doc): Doc {
  return items.flatMap((item, i) => (i === 0 ? [item] : [between, item]));
}

function isList(doc: Doc): doc is readonly Doc[] {
  return Array.isArray(doc);
}

function hasHard(doc: Doc): boolean {
  if (typeof doc === 'string') return false;
  if (isList(doc)) return doc.some(hasHard);
  if (doc.kind === 'hard') return true;
  if (doc.kind === 'line' || doc.kind === 'suffix') return false;
  return doc.kind === 'group' ? doc.broken : hasHard(doc.content);
}

interface Command {
  readonly indent: number;
  readonly flat: boolean;
  readonly doc: Doc;
}

/** Lays a document out in lines of at most `width` columns where its lines allow it. */
export function layout(root: Doc, width: number): string {
  let out = '';
  let column = 0;
  const stack: Command[] = [{ indent: 0, flat: false, doc: root }];
  const breakLine = (depth: number, blank: boolean) => {
    out = `${out.trimEnd()}\n${blank ? '\n' : ''}${' '.repeat(depth)}`;
    column = depth;
  };
  for (let command = stack.pop(); command; command = stack.pop()) {
    const { indent: depth, flat, doc } = command;
    if (typeof doc === 'string') {
      out += doc;
      column += doc.length;
    } else if (isList(doc)) {
      for (const part of doc.toReversed()) stack.push({ indent: depth, flat, doc: part });
    } else if (doc.kind === 'line') {
      if (flat) {
        out += doc.flat;
        column += doc.flat.length;
      } else {
        breakLine(depth, false);
      }
    } else if (doc.kind === 'suffix') {
      out += doc.text;
    } else if (doc.kind === 'hard') {
      breakLine(depth, doc.blank);
    } else if (doc.kind === 'indent') {
      stack.push({ indent: depth + 2, flat, doc: doc.content });
    } else if (doc.kind === 'group') {
      const fits =
        !doc.broken &&
        (flat || fitsIn(width - column, [...stack, { indent: depth, flat: true, doc: doc.content }]));
      stack.push({ indent: depth, flat: fits, doc: doc.content });
    } else {
      assertNever(doc);
    }
  }
  return out;
}

/** Whether what comes next fits up to its first line break. */
function fitsIn(room: number, stack: Command[]): boolean {
  let left = room;
  for (let command = stack.pop(); command && left >= 0; command = stack.pop()) {
    const { indent: depth, flat, doc } = command;
    if (typeof doc === 'string') left -= doc.length;
    else if (isList(doc)) for (const part of doc.toReversed()) stack.push({ indent: depth, flat, doc: part });
    else if (doc.kind === 'line') {
      if (!flat) return true;
      left -= doc.flat.length;
    } else if (doc.kind === 'suffix') continue;
    else if (doc.kind === 'hard') return true;
    else if (doc.kind === 'group') stack.push({ indent: depth, flat: flat && !doc.broken, doc: doc.content });
    else stack.push({ indent: depth, flat, doc: doc.content });
  }
  return left >= 0;
}

/** On one line whatever the width; hard lines become `; `. */
export function onOneLine(doc: Doc): string {
  if (typeof doc === 'string') return doc;
  if (isList(doc)) return doc.map(onOneLine).join('');
  if (doc.kind === 'line') return doc.flat;
  if (doc.kind === 'suffix') return '';
  if (doc.kind === 'hard') return '; ';
  return onOneLine(doc.content);
}
