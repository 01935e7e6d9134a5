// A tree without its places: what the printer has to bring back.

import type { FileAst } from '../../compiler/syntax/ast.ts';

export function withoutSpans(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSpans);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== 'span' && key !== 'file');
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutSpans(inner)]));
}

/** Items and documentation without places; the texts of the comments. */
export function essence(ast: FileAst): unknown {
  return { doc: ast.doc, items: withoutSpans(ast.items), comments: ast.comments.map((c) => c.text) };
}
