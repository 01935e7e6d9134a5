// Comments keep their places through the printer: on their own lines, behind braces, at the ends of statements and blocks.

import { describe, expect, it } from 'vitest';
import { parseFile } from '../../compiler/syntax/parse.ts';
import { printFile } from '../../compiler/syntax/print.ts';

function formatted(text: string): string {
  const { ast, diagnostics } = parseFile({ path: 'c.flow', text });
  expect(diagnostics).toEqual([]);
  return printFile(ast);
}

describe('comments', () => {
  it('stay where they are in formatted text', () => {
    const text = [
      '## About',
      '',
      'const N = 3  # three',
      '',
      '# before f',
      'fn f(x) {  # open',
      '  # a',
      '  let y = 2  # two',
      '',
      '  # b',
      '  return y',
      '  # end',
      '}',
      'run {',
      '  # only',
      '}',
      'run go {',
      '  minimize f over x using g() steps 3 {  # options',
      '    log a every 3  # l',
      '    # last',
      '  }',
      '}',
      'pde p on d { state u = 0; u = 1 }  # tail',
      '# very last',
      '',
    ].join('\n');
    expect(formatted(text)).toBe(text);
    expect(formatted(text.replaceAll('\n', '\r\n'))).toBe(text);
  });

  it('inside an expression move above its statement', () => {
    expect(formatted('let y = [1,  # one\n  2]  # two\n')).toBe('# one\nlet y = [1, 2]  # two\n');
  });

  it('alone make a file', () => {
    expect(formatted('# nothing else')).toBe('# nothing else\n');
    expect(formatted('')).toBe('');
  });

  it('of several blank lines keep one', () => {
    expect(formatted('let a = 1\n\n\n\nlet b = 2\n')).toBe('let a = 1\n\nlet b = 2\n');
  });
});
