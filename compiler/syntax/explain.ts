import type { IRecognitionException } from 'chevrotain';
import type { Diagnostic } from '../support/diagnostic.ts';
import type { SourceFile } from '../support/span.ts';
import type { Site } from './recover.ts';
import type { Token } from './tokens.ts';

export interface Explanation {
  readonly diagnostic: Diagnostic;
  readonly indented: boolean;
}

export function explain(
  file: SourceFile,
  tokens: readonly Token[],
  site: Site,
  error: IRecognitionException,
): Explanation {
  const token = tokens[site.index] ?? tokens[tokens.length - 1];
  const start = token?.startOffset ?? 0;
  return {
    diagnostic: {
      severity: 'error',
      code: 'S079',
      message: `${error.name} ${error.message.replaceAll('\0', '|')} in ${error.context.ruleStack.join('>')}`,
      span: { file, start, end: (token?.endOffset ?? 0) + 1 },
    },
    indented: false,
  };
}
