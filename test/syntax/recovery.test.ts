// What is left of a file with mistakes, and that nothing a user can type makes the parser fail.

import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { at } from '../../compiler/support/lists.ts';
import { renderDiagnostics } from '../../compiler/support/render.ts';
import { FlowParser } from '../../compiler/syntax/grammar_item.ts';
import { mostErrors, parseFile } from '../../compiler/syntax/parse.ts';
import { printFile } from '../../compiler/syntax/print.ts';
import { scan } from '../../compiler/syntax/scan.ts';

const folder = join(import.meta.dirname, '../programs/good');
const programs = readdirSync(folder).map((name) => ({
  path: name,
  text: readFileSync(join(folder, name), 'utf8'),
}));

describe('the grammar', () => {
  it('passes all validations of the parser generator', () => {
    expect(() => new FlowParser(true)).not.toThrow();
  });
});

describe('a broken statement', () => {
  it('leaves the other items and statements whole', () => {
    const { ast, diagnostics } = parseFile({
      path: 'a.flow',
      text: 'const N = 3\nfn f(x) = x +\nfn g(x) {\n  let a = 1 2\n  let b = 2\n  return b\n}\nlet z = 4',
    });
    expect(diagnostics.map((d) => d.code)).toEqual(['S060', 'S061']);
    expect(ast.items.map((i) => i.kind)).toEqual(['declaration', 'fn', 'let']);
    const fn = ast.items[1];
    const body = fn?.kind === 'fn' && fn.body.kind === 'block' ? fn.body.statements : [];
    expect(body.map((s) => s.kind)).toEqual(['let', 'return']);
  });

  it('does not hide those in the block behind its header', () => {
    const text = 'fn f(n) {\n  for i = 0..n {\n    let a = 2 i\n  }\n  return n\n}';
    expect(parseFile({ path: 'a.flow', text }).diagnostics.map((d) => d.code)).toEqual(['S036', 'S061']);
  });

  it('with an open bracket does not hide the rest of its item', () => {
    const text = 'run {\n  let a = f(1, 2\n  print "a" "b"\n}\nlet z = 1 2';
    expect(parseFile({ path: 'a.flow', text }).diagnostics.map((d) => d.code)).toEqual([
      'S020',
      'S061',
      'S061',
    ]);
  });

  it('is one of at most so many', () => {
    const text = Array.from({ length: 60 }, (_, i) => `let a${i} = 1 2`).join('\n');
    const { diagnostics } = parseFile({ path: 'a.flow', text });
    expect(diagnostics).toHaveLength(mostErrors + 1);
    expect(at(diagnostics, -1)).toMatchObject({
      severity: 'note',
      message: '40 more syntax errors are not shown',
    });
  });
});

describe('anything a user types', () => {
  it('gets an answer with places inside the file', () => {
    const word = fc.constantFrom(
      ...[
        'let',
        'fn',
        'pde',
        'run',
        '{',
        '}',
        '(',
        ')',
        '[',
        ']',
        '=',
        '=>',
        ',',
        ';',
        ':',
        '.',
        '..',
        '...',
        '"',
        "'",
        '#',
      ],
      ...[
        'x',
        'dt',
        'if',
        'then',
        'else',
        'for',
        'in',
        'minimize',
        'over',
        'using',
        'steps',
        '1',
        '2.5',
        '-',
        '*',
        '^',
        '\n',
        '  ',
      ],
      ...[
        'state',
        'boundary',
        'use',
        'std',
        'with',
        'return',
        '//',
        '²',
        '∇',
        'µ',
        '\\',
        '\u200b',
        '\ud800',
        '\r\n',
        '\t',
      ],
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), fc.constantFrom('', ' '), (words, glue) => {
        const text = words.join(glue);
        const { ast, diagnostics } = parseFile({ path: 'any.flow', text });
        for (const { span } of diagnostics) {
          if (!span) continue;
          expect(span.start).toBeGreaterThanOrEqual(0);
          expect(span.start).toBeLessThanOrEqual(span.end);
          expect(span.end).toBeLessThanOrEqual(text.length);
        }
        renderDiagnostics(diagnostics);
        printFile(ast);
      }),
      { numRuns: 300 },
    );
  });

  it('with one token changed gets few messages, and one at least where it is wrong', () => {
    let single = 0;
    let wrong = 0;
    const mutation = fc.record({
      file: fc.nat(),
      token: fc.nat(),
      other: fc.nat(),
      kind: fc.constantFrom('delete', 'double', 'replace'),
    });
    fc.assert(
      fc.property(mutation, ({ file, token, other, kind }) => {
        const source = at(programs, file % programs.length);
        const tokens = scan(source).tokens;
        const changed = at(tokens, token % tokens.length);
        const second = at(tokens, other % tokens.length);
        const image = (t: typeof changed) => source.text.slice(t.startOffset, t.endOffset + 1);
        const instead =
          kind === 'delete' ? '' : kind === 'double' ? `${image(changed)} ${image(changed)}` : image(second);
        const text =
          source.text.slice(0, changed.startOffset) + instead + source.text.slice(changed.endOffset + 1);
        const { diagnostics } = parseFile({ path: source.path, text });
        if (diagnostics.length > 0) wrong += 1;
        if (diagnostics.length === 1) single += 1;
        expect(diagnostics.length).toBeLessThanOrEqual(8);
      }),
      { numRuns: 200, seed: 1 },
    );
    expect(single / wrong).toBeGreaterThan(0.9);
  });

  it.each([
    ['brackets', `let x = ${'('.repeat(5000)}1${')'.repeat(5000)}`],
    ['lambdas', `let x = ${'x => '.repeat(20000)}1`],
    ['conditions', `let x = ${'if a then 1 else '.repeat(20000)}1`],
  ])('nested far too deep in %s is refused, not a crash', (_, text) => {
    const { diagnostics } = parseFile({ path: 'deep.flow', text });
    expect(diagnostics.map((d) => d.code)).toContain('S023');
  });

  it('in a long sum is no nesting', () => {
    const { diagnostics } = parseFile({ path: 'long.flow', text: `let x = ${'a + '.repeat(5000)}1` });
    expect(diagnostics).toEqual([]);
  });
});
