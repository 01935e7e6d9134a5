// Programs as text in, numbers out: a program is elaborated and its array functions are interpreted in float64. A test states expressions of a program and what they should be,
// or a program whose own `test` blocks must hold, or one that must be refused with a certain message.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { compile } from '../../compiler/driver/compile.ts';
import { createInterpreterExecutor } from '../../compiler/driver/interpreter_executor.ts';
import type { CompileHost, ModuleText } from '../../compiler/elaborate/context.ts';
import type { ElaboratedProgram } from '../../compiler/elaborate/program.ts';
import type { OutputValue, ScriptStatement } from '../../compiler/plan/script.ts';
import type { Executor } from '../../compiler/plan/types.ts';
import type { Diagnostic } from '../../compiler/support/diagnostic.ts';
import { fail } from '../../compiler/support/diagnostic.ts';
import { renderDiagnostics } from '../../compiler/support/render.ts';
import { createMemoryHost, runScript, runTests } from '../../runtime/run/index.ts';
import type { Span } from '../../compiler/support/span.ts';
import { parseFile } from '../../compiler/syntax/parse.ts';
import { writeTree } from '../../compiler/syntax/tree_text.ts';
import { decode_value, decode_values } from '../../runtime/io/formats.ts';

/** A number, or nested lists of such by axis. Truth values are 0 and 1. */
export type Numbers = number | readonly Numbers[];

export interface ProgramOptions {
  readonly settings?: Readonly<Record<string, string>>;
  /** Other `.flow` files and data files by name. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly seed?: number;
  readonly verify?: boolean;
}

const library = join(import.meta.dirname, '../../stdlib');

/** Modules of the library, read and parsed once a process. */
const libraryModules = new Map<string, ModuleText | undefined>();

function libraryModule(path: string): ModuleText | undefined {
  if (libraryModules.has(path)) return libraryModules.get(path);
  const file = join(library, `${path.slice(4)}.flow`);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  const parsed = text === undefined ? undefined : parseFile({ path, text });
  const tree = parsed?.diagnostics.length === 0 ? { tree: writeTree(parsed.ast) } : {};
  libraryModules.set(path, text === undefined ? undefined : { path, text, ...tree });
  return libraryModules.get(path);
}

/** A host without a disk: the standard library from its folder, everything else from the files given. */
export function memoryCompileHost(files: ProgramOptions['files'] = {}): CompileHost {
  const plain = (path: string): string => path.replace(/^\.\//, '');
  const bytesOf = (path: string, span: Span): Uint8Array => {
    const content = files[plain(path)];
    if (content === undefined) return fail('R100', `there is no file "${path}"`, span);
    return typeof content === 'string' ? new TextEncoder().encode(content) : content;
  };
  return {
    readModule: (path) => {
      if (path.startsWith('std.')) {
        return libraryModule(path);
      }
      const text = files[plain(path)];
      return typeof text !== 'string' ? undefined : { path: plain(path), text };
    },
    readArrays: (path, span) => decode_values(path, bytesOf(path, span), span),
    readData: (path, options, span) => decode_value(path, bytesOf(path, span), { ...options, span }),
  };
}

export interface Elaborated {
  readonly program?: ElaboratedProgram;
  readonly diagnostics: readonly Diagnostic[];
}

export function elaborate(text: string, options: ProgramOptions = {}): Elaborated {
  return compile({ path: 'program.flow', text }, memoryCompileHost(options.files), {
    settings: new Map(Object.entries(options.settings ?? {})),
    stopAfter: 'elaborate',
    verify: options.verify ?? true,
  });
}

/** The program, which must be right. */
export function elaborated(text: string, options: ProgramOptions = {}): ElaboratedProgram {
  const { program, diagnostics } = elaborate(text, options);
  if (program === undefined) throw new Error(`the program is refused:\n${renderDiagnostics(diagnostics)}`);
  return program;
}

/** All messages about a program, rendered. */
export function messages(text: string, options: ProgramOptions = {}): string {
  return renderDiagnostics(elaborate(text, options).diagnostics);
}

function nested(data: Float64Array, shape: readonly number[]): Numbers {
  const [extent, ...rest] = shape;
  if (extent === undefined) return data[0] ?? NaN;
  const size = rest.reduce((n, e) => n * e, 1);
  return Array.from({ length: extent }, (_, i) => nested(data.subarray(i * size, (i + 1) * size), rest));
}

/**
 * The values of expressions in the scope of a program, after its setup; `before` are statements of a run in front of them. A record gives one entry a leaf, `label.part`, a tuple `label[0]`.
 */
export async function evaluate(
  text: string,
  expressions: Readonly<Record<string, string>>,
  options: ProgramOptions & { readonly before?: string } = {},
): Promise<Record<string, Numbers>> {
  const entries = Object.entries(expressions).map(([name, e]) => `${name}: ${e}`);
  const run = `\nrun values {\n${options.before ?? ''}\nsave "values.json" { ${entries.join(', ')} } }\n`;
  const program = elaborated(text + run, options);
  const executor = createInterpreterExecutor(program);
  const host = createMemoryHost();
  const { script } = program;
  const body = script.runs['values'] ?? [];
  const save = body.filter((s): s is Extract<ScriptStatement, { kind: 'save' }> => s.kind === 'save').at(-1);
  const withoutSave = body.filter((s) => s !== save);
  await runScript(
    {
      name: program.name,
      precision: program.precision,
      script: { ...script, runs: { values: withoutSave } },
    },
    executor,
    { host, seed: options.seed ?? 0 },
  );
  const out: Record<string, Numbers> = {};
  for (const entry of save?.entries ?? []) out[entry.label] = await readOutput(executor, entry);
  return out;
}

async function readOutput(executor: Executor, value: OutputValue): Promise<Numbers> {
  return nested(await executor.read(value.variable), value.shape);
}

/** One expression. */
export async function value(
  text: string,
  expression: string,
  options: ProgramOptions & { readonly before?: string } = {},
): Promise<Numbers> {
  const out = await evaluate(text, { e: expression }, options);
  const [only] = Object.values(out);
  if (only === undefined) throw new Error(`${expression} has no value`);
  return only;
}

/** One expression that is one number. */
export async function number(
  text: string,
  expression: string,
  options: ProgramOptions & { readonly before?: string } = {},
): Promise<number> {
  const v = await value(text, expression, options);
  if (typeof v !== 'number') throw new Error(`${expression} is no number`);
  return v;
}

export function flat(v: Numbers): number[] {
  return typeof v === 'number' ? [v] : v.flatMap(flat);
}

/** Equal structure, numbers equal to a relative 1e-12 (or what is given). */
export function expectClose(actual: Numbers, expected: Numbers, tolerance = 1e-12, what = ''): void {
  if (typeof expected === 'number' || typeof actual === 'number') {
    if (typeof actual !== 'number' || typeof expected !== 'number')
      expect(actual, what).toEqual(expected); // differs in structure
    else if (Number.isNaN(expected)) expect(actual, what).toBeNaN();
    else if (!(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected))))
      expect(actual, what).toBe(expected);
    return;
  }
  expect(actual.length, what).toBe(expected.length);
  expected.forEach((e, i) => expectClose(actual[i] ?? NaN, e, tolerance, `${what}[${i}]`));
}

/** A table of expressions and their values in one program of float64. */
export async function expectValues(
  text: string,
  table: readonly (readonly [string, Numbers])[],
  options: ProgramOptions & { readonly tolerance?: number; readonly before?: string } = {},
): Promise<void> {
  const out = await evaluate(
    `precision f64\n${text}`,
    Object.fromEntries(table.map(([e], i) => [`e${i}`, e])),
    options,
  );
  table.forEach(([e, expected], i) => {
    const parts = Object.entries(out).flatMap(([k, v]) =>
      k.startsWith(`e${i}.`) || k.startsWith(`e${i}[`) ? [v] : [],
    );
    const actual = out[`e${i}`] ?? (parts.length > 0 ? parts : undefined);
    if (actual === undefined) throw new Error(`${e} is no single value`);
    expectClose(actual, expected, options.tolerance ?? 1e-12, e);
  });
}

/** Runs the `test` blocks of a program; every one must hold. */
export async function expectTestsPass(text: string, options: ProgramOptions = {}): Promise<void> {
  const program = elaborated(text, options);
  expect(program.script.tests.length).toBeGreaterThan(0);
  const report = await runTests(
    { name: program.name, precision: program.precision, script: program.script },
    createInterpreterExecutor(program),
    { host: createMemoryHost(), seed: options.seed ?? 0 },
  );
  const failed = report.results.filter((r) => !r.ok);
  expect(
    failed.map((r) => `${r.name}: ${r.error === undefined ? '' : renderDiagnostics(r.error.diagnostics)}`),
  ).toEqual([]);
}

/** Runs a run of a program; gives what it prints. */
export async function printed(
  text: string,
  options: ProgramOptions & { readonly run?: string } = {},
): Promise<string[]> {
  const program = elaborated(text, options);
  const host = createMemoryHost();
  await runScript(
    { name: program.name, precision: program.precision, script: program.script },
    createInterpreterExecutor(program),
    { host, seed: options.seed ?? 0, ...(options.run === undefined ? {} : { run: options.run }) },
  );
  return host.events.flatMap((e) => (e.event === 'print' ? [e.text] : []));
}

/** The codes of the messages about a program, in order. */
export function codes(text: string, options: ProgramOptions = {}): string[] {
  return elaborate(text, options).diagnostics.map((d) => d.code);
}
