// Documentation lines (`##`) find their item; all other comments stay a list beside the tree.
// The first lines of a file document the file when a blank line, a `use` or a `precision` follows them (trap T19); otherwise
// lines of documentation document the item that begins behind them. Inside an item they are plain comments.

import type { SourceFile } from '../support/span.ts';
import type { Comment, Item } from './ast.ts';
import type { ScannedComment } from './scan.ts';

export interface Documented {
  readonly doc: string | undefined;
  readonly documented: Item[];
  readonly comments: Comment[];
}

/** Lines of documentation that follow each other without a blank line. */
interface Paragraph {
  readonly lines: ScannedComment[];
  readonly start: number;
  end: number;
}

export function attachDocumentation(
  file: SourceFile,
  items: readonly Item[],
  scanned: readonly ScannedComment[],
): Documented {
  const paragraphs: Paragraph[] = [];
  const plain: ScannedComment[] = [];
  for (const comment of scanned) {
    if (!comment.documentation) {
      plain.push(comment);
      continue;
    }
    const open = paragraphs[paragraphs.length - 1];
    if (open && adjacent(file, open.end, comment.start)) {
      open.lines.push(comment);
      open.end = comment.end;
    } else {
      paragraphs.push({ lines: [comment], start: comment.start, end: comment.end });
    }
  }
  const docs = new Map<Item, string>();
  let doc: string | undefined;
  for (const [place, paragraph] of paragraphs.entries()) {
    const text = paragraph.lines.map((line) => line.text).join('\n');
    const next = items.findIndex((item) => item.span.end > paragraph.end);
    const item = items[next];
    const first = place === 0 && (next === 0 || items.length === 0);
    const ofFile =
      !item ||
      item.kind === 'use' ||
      item.kind === 'precision' ||
      !adjacent(file, paragraph.end, item.span.start);
    if (first && ofFile && (!item || item.span.start > paragraph.start)) {
      doc = text;
    } else if (item && item.span.start > paragraph.start) {
      const before = docs.get(item);
      docs.set(item, before === undefined ? text : `${before}\n\n${text}`);
    } else {
      plain.push(...paragraph.lines);
    }
  }
  return {
    doc,
    documented: items.map((item) => {
      const text = docs.get(item);
      return text === undefined ? item : { ...item, doc: text };
    }),
    comments: plain
      .sort((a, b) => a.start - b.start)
      .map(({ text, ownLine, start, end }) => ({ text: text.trim(), ownLine, span: { file, start, end } })),
  };
}

/** Between the two places there is one line break and nothing else. */
function adjacent(file: SourceFile, end: number, start: number): boolean {
  const between = file.text.slice(end, start);
  return between.trim() === '' && between.split('\n').length === 2;
}
