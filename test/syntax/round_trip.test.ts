// Printing and parsing are inverse: any tree, printed, parses without a message to the same tree but for spans.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderDiagnostics } from '../../compiler/support/render.ts';
import type { FileAst, Item } from '../../compiler/syntax/ast.ts';
import { parseFile } from '../../compiler/syntax/parse.ts';
import { printExpression, printFile, printItem, printType } from '../../compiler/syntax/print.ts';
import { expression, file, item, type } from './arbitrary.ts';
import { withoutSpans } from './strip.ts';

const span = { file, start: 0, end: 0 };

function reparse(text: string): readonly Item[] {
  const { ast, diagnostics } = parseFile({ path: 'printed.flow', text });
  if (diagnostics.length > 0) throw new Error(`${text}\n${renderDiagnostics(diagnostics)}`);
  return ast.items;
}

describe('print, then parse', () => {
  it('gives any expression back', () => {
    fc.assert(
      fc.property(expression, (value) => {
        const [back] = reparse(`let z = ${printExpression(value)}`);
        expect(back?.kind === 'let' ? withoutSpans(back.value) : undefined).toEqual(withoutSpans(value));
      }),
      { numRuns: 250 },
    );
  });

  it('gives any type back', () => {
    fc.assert(
      fc.property(type, (value) => {
        const [back] = reparse(`type z = ${printType(value)}`);
        expect(back?.kind === 'type-alias' ? withoutSpans(back.type) : undefined).toEqual(
          withoutSpans(value),
        );
      }),
      { numRuns: 80 },
    );
  });

  it('gives any file back, broken into lines', () => {
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 3 }), (items) => {
        const tree: FileAst = { file, doc: 'What the file\nis about.', items, comments: [], span };
        const text = printFile(tree);
        const { ast, diagnostics } = parseFile({ path: 'printed.flow', text });
        if (diagnostics.length > 0) throw new Error(`${text}\n${renderDiagnostics(diagnostics)}`);
        expect(withoutSpans(ast.items)).toEqual(withoutSpans(items));
        expect(ast.doc).toBe(tree.doc);
      }),
      { numRuns: 100 },
    );
  });

  it('is the same text the second time', () => {
    fc.assert(
      fc.property(item, (made) => {
        const { doc: _doc, ...plain } = made;
        const once = printItem(plain);
        const [back] = reparse(once);
        expect(back === undefined ? '' : printItem({ ...back, span })).toBe(once);
      }),
      { numRuns: 80 },
    );
  });
});
