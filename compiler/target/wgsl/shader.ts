// The shader text under construction: lines with their indentation, the namer, the expression writer, and what must be declared at module level. Kernel bodies are written through it by
// statements.ts, matrix products by matmul.ts.

import type { Kernel } from '../../kernel/types.ts';
import { ExpressionWriter } from './expressions.ts';
import { namesOf, Namer } from './names.ts';

export class Shader {
  readonly names: Namer;
  readonly expressions: ExpressionWriter;
  /** Module-scope declarations beside bindings and library. */
  readonly declarations: string[] = [];
  private readonly lines: string[] = [];
  private depth = 1;

  constructor(readonly kernel: Kernel) {
    this.names = new Namer(namesOf(kernel));
    this.expressions = new ExpressionWriter(kernel, this.names, (line) => this.line(line));
  }

  line(text: string): void {
    this.lines.push(text === '' ? '' : `${'  '.repeat(this.depth)}${text}`);
  }

  /** `head {`, the lines of `body`, `}`. */
  block(head: string, body: () => void): void {
    this.line(head === '' ? '{' : `${head} {`);
    this.depth++;
    body();
    this.depth--;
    this.line('}');
  }

  /** if / else with both sides. */
  branch(condition: string, then: () => void, otherwise: (() => void) | undefined): void {
    this.line(`if (${condition}) {`);
    this.depth++;
    then();
    this.depth--;
    if (otherwise !== undefined) {
      this.line('} else {');
      this.depth++;
      otherwise();
      this.depth--;
    }
    this.line('}');
  }

  body(): string {
    return this.lines.join('\n');
  }
}
