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
  private zeroName: string | undefined;
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

  /**
   * A bound for loop counters that drivers do not see through: `count`, written so that the loop is not unrolled. Unrolled loops of a few dozen turns take some compilers seconds, and gain
   * nothing where the body reads memory.
   */
  hiddenBound(count: number | string): string {
    this.zeroName ??= this.names.fresh('zero');
    return `${count} + ${this.zeroName}`;
  }

  /** Lines of the entry point; `builtin` is the vector whose z is always 0. */
  body(builtin: 'global_id' | 'workgroup_id'): string {
    const zero =
      this.zeroName === undefined
        ? []
        : [
            `  // Always 0, which drivers do not know: loops bounded with it are not unrolled.`,
            `  let ${this.zeroName} = i32(${builtin}.z);`,
          ];
    return [...zero, ...this.lines].join('\n');
  }
}
