import { describe, expect, it } from 'vitest';
import { FlowError, InternalError } from '../../compiler/support/diagnostic.ts';
import { byPlace, renderDiagnostic, renderDiagnostics, renderError } from '../../compiler/support/render.ts';

const file = { path: 'heat.flow', text: 'fn f(x) {\n\tif x = 1 { return 2 }\n}\nlet 温度 = "熱" b\r\n' };

function spanOf(part: string, from = 0) {
  const start = file.text.indexOf(part, from);
  return { file, start, end: start + part.length };
}

describe('a diagnostic', () => {
  it('has code, place, source line, caret and help', () => {
    const text = renderDiagnostic({
      severity: 'error',
      code: 'S034',
      message: '`=` defines or assigns',
      span: spanOf('= 1'),
      help: 'write `x == 1`\nor rename',
    });
    expect(text).toBe(
      [
        'error[S034]: `=` defines or assigns',
        '  --> heat.flow:2:7',
        '   |',
        ' 2 |     if x = 1 { return 2 }',
        '   |          ^^^',
        '   = help: write `x == 1`',
        '           or rename',
      ].join('\n'),
    );
  });

  it('counts terminal cells under the caret, and leaves carriage returns out', () => {
    const lines = renderDiagnostic({
      severity: 'warning',
      code: 'E001',
      message: 'm',
      span: spanOf('b\r'),
    }).split('\n');
    expect(lines[3]).toBe(' 4 | let 温度 = "熱" b');
    expect(lines[4]).toBe('   |                 ^');
  });

  it('shows the other half of the story', () => {
    const text = renderDiagnostic({
      severity: 'error',
      code: 'E002',
      message: '`f` is declared twice',
      span: spanOf('温度'),
      related: [{ message: 'first here', span: spanOf('f(x)') }],
    });
    expect(text).toContain('  --> heat.flow:1:4: first here\n   |\n 1 | fn f(x) {\n   |    ^^^^');
  });

  it('needs no place', () => {
    expect(renderDiagnostic({ severity: 'note', code: 'R001', message: 'no adapter' })).toBe(
      'note[R001]: no adapter',
    );
  });

  it('cuts long lines around the caret', () => {
    const long = { path: 'a.flow', text: `${'x'.repeat(500)}?${'y'.repeat(500)}` };
    const [, , , source = '', caret = ''] = renderDiagnostic({
      severity: 'error',
      code: 'S001',
      message: 'm',
      span: { file: long, start: 500, end: 501 },
    }).split('\n');
    expect(source.length).toBeLessThan(180);
    expect(source.charAt(caret.indexOf('^'))).toBe('?');
  });

  it('survives an empty file and a span at its end', () => {
    const empty = { path: 'e.flow', text: '' };
    expect(
      renderDiagnostic({
        severity: 'error',
        code: 'S001',
        message: 'm',
        span: { file: empty, start: 0, end: 0 },
      }),
    ).toContain('e.flow:1:1');
  });

  it('is coloured on demand only', () => {
    const d = { severity: 'error', code: 'S001', message: 'm', span: spanOf('if') } as const;
    expect(renderDiagnostic(d)).not.toContain('\u001b');
    expect(renderDiagnostic(d, { color: true })).toContain('\u001b[1;31m');
  });
});

describe('several', () => {
  it('sort by place and stand apart', () => {
    const late = { severity: 'error', code: 'S001', message: 'late', span: spanOf('return') } as const;
    const early = { severity: 'error', code: 'S002', message: 'early', span: spanOf('fn') } as const;
    const nowhere = { severity: 'error', code: 'S003', message: 'nowhere' } as const;
    const sorted = [nowhere, late, early].sort(byPlace);
    expect(sorted.map((d) => d.message)).toEqual(['early', 'late', 'nowhere']);
    expect(renderDiagnostics(sorted).split('\n\n')).toHaveLength(3);
  });

  it('come out of what was thrown', () => {
    expect(renderError(new FlowError([{ severity: 'error', code: 'S001', message: 'm' }]))).toBe(
      'error[S001]: m',
    );
    expect(renderError(new InternalError('fuse', 'odd'))).toContain('bug of flowc');
  });
});
