// `--dump STAGE`: one stage of the compiler as text. In: a file and a stage. Out: its text on standard output; the exit status. Each stage loads only what it needs.
//
//   tokens    one a line: place, kind, text          array     procedures as elaborated and simplified         wgsl, wat   code for the targets
//   ast       the tree, indented                     adjoint   those of them that differentiate                plan        buffers, kernels, steps
//                                                    kernels   after fusion

import { regionsOf } from '../ir/classes.ts';
import { printFunction } from '../ir/print.ts';
import { reachable } from '../ir/region.ts';
import type { ArrayFunction, Node } from '../ir/types.ts';
import { FlowError, assertNever } from '../support/diagnostic.ts';
import type { SourceFile } from '../support/span.ts';
import { lineColumn } from '../support/span.ts';
import { elaborateFile, planFile } from './compiled.ts';
import type { DumpStage, ProgramOptions } from './options.ts';
import { readSource } from './source_text.ts';

export async function writeDump(file: string, stage: DumpStage, options: ProgramOptions): Promise<number> {
  process.stdout.write(await dumpText(file, stage, options));
  return 0;
}

/** Throws FlowError when the program has errors before that stage. */
export async function dumpText(file: string, stage: DumpStage, options: ProgramOptions): Promise<string> {
  switch (stage) {
    case 'tokens':
      return tokensText(readSource(file));
    case 'ast':
      return astText(readSource(file));
    case 'array':
      return functionsText(elaborateFile(file, options).program.procedures.map((p) => p.fn));
    case 'adjoint':
      return functionsText(
        elaborateFile(file, options)
          .program.procedures.map((p) => p.fn)
          .filter(differentiates),
      );
    case 'kernels': {
      const { printKernels } = await import('../kernel/print.ts');
      return printKernels(planFile(file, options).plan.kernels);
    }
    case 'wgsl': {
      const { emitWgsl } = await import('../target/wgsl/emit.ts');
      return planFile(file, options)
        .plan.kernels.map((kernel) => `// ---- ${kernel.name}\n${emitWgsl(kernel)}`)
        .join('\n');
    }
    case 'wat': {
      const { printWat } = await import('../target/wasm/emit.ts');
      return printWat(planFile(file, options).plan, false).text;
    }
    case 'plan': {
      const { printPlan } = await import('../plan/print.ts');
      return printPlan(planFile(file, options).plan);
    }
    default:
      return assertNever(stage);
  }
}

async function tokensText(source: SourceFile): Promise<string> {
  const { scan } = await import('../syntax/scan.ts');
  const { tokens, diagnostics } = scan(source);
  requireNone(diagnostics);
  const lines = tokens.map((token) => {
    const { line, column } = lineColumn(source, token.startOffset);
    return `${`${line}:${column}`.padEnd(8)} ${token.tokenType.name.padEnd(12)} ${JSON.stringify(token.image)}`;
  });
  return `${lines.join('\n')}\n`;
}

async function astText(source: SourceFile): Promise<string> {
  const { parseFile } = await import('../syntax/parse.ts');
  const { ast, diagnostics } = parseFile(source);
  requireNone(diagnostics);
  // Spans would be nine tenths of the text; of them only the lines of items are kept.
  const items = ast.items.map((item) => ({ line: lineColumn(source, item.span.start).line, ...item }));
  return `${JSON.stringify(items, (key, value: unknown) => (key === 'span' ? undefined : value), 2)}\n`;
}

function requireNone(diagnostics: ConstructorParameters<typeof FlowError>[0]): void {
  if (diagnostics.length > 0) throw new FlowError(diagnostics);
}

function functionsText(functions: readonly ArrayFunction[]): string {
  return functions.map((fn) => printFunction(fn, { origins: true })).join('\n');
}

/** Whether a reverse sweep is in it, or it is a step or a slope, whose derivatives need no sweep. */
function differentiates(fn: ArrayFunction): boolean {
  return /\.(step|slope|start)$/.test(fn.name) || holdsAdjoint(fn.region.results);
}

function holdsAdjoint(results: readonly Node[]): boolean {
  return reachable(results).some(
    (node) =>
      node.op === 'adjoint_scan' || regionsOf(node).some(([, region]) => holdsAdjoint(region.results)),
  );
}
