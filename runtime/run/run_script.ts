// Executes the script of a plan: setup, then one of its runs, or its tests. In: a plan's script, an executor that holds its variables, a host. Out: a report; what goes wrong in the
// program is a FlowError. An interrupted run writes its parameters and reports so.
//
// Errors: R206 no such run, R207 an input that does not exist or is no number, R208 a data file of another shape than the program was compiled for, R210 no such test; those of the
// statements (R201 .. R205).

import type { Script, ScriptStatement } from '../../compiler/plan/script.ts';
import type { Executor } from '../../compiler/plan/types.ts';
import type { Diagnostic } from '../../compiler/support/diagnostic.ts';
import { FlowError, fail } from '../../compiler/support/diagnostic.ts';
import { renderDiagnostics } from '../../compiler/support/render.ts';
import { didYouMean } from '../../compiler/support/did_you_mean.ts';
import { lineColumn } from '../../compiler/support/span.ts';
import { at, spoken } from '../../compiler/support/lists.ts';
import { require_finite } from '../io/formats.ts';
import { shapeText } from '../io/array.ts';
import { checkedExecutor } from './checked_executor.ts';
import type { RunContext, RunPlan } from './context.ts';
import { Interrupted } from './context.ts';
import { firstDiagnosis } from './diagnose.ts';
import type { GradientReport, RunHost } from './host.ts';
import { interruptedPath, resumeRun, writeCheckpoint } from './checkpoints.ts';
import { runBlock } from './position.ts';
import { spanOfOptional } from './place.ts';
import { runStatement } from './statements.ts';

export interface RunOptions {
  readonly host: RunHost;
  /** Name of the run; not needed when there is only one. */
  readonly run?: string;
  /** Values of `input`s. */
  readonly inputs?: ReadonlyMap<string, number>;
  /** Seed of every draw, 0 .. 2^53 - 1; default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  /** Go on from the latest checkpoint of the run, or from this one. */
  readonly resume?: true | string;
}

export interface RunReport {
  readonly status: 'done' | 'interrupted';
  readonly seconds: number;
  /** Files written, as shown. */
  readonly files: readonly string[];
  readonly checks: readonly GradientReport[];
}

/** Executes a run. Throws FlowError. */
export async function runScript(plan: RunPlan, executor: Executor, options: RunOptions): Promise<RunReport> {
  const { host } = options;
  const name = chooseRun(plan.script, options.run);
  const inputs = inputValues(plan.script, options.inputs ?? new Map());
  const run = createContext(plan, executor, options, inputs, plan.script.runs[name] ?? []);
  const started = host.now();
  host.emit({
    event: 'start',
    program: plan.name,
    run: name,
    target: executor.target,
    device: executor.description,
    precision: plan.precision,
    bytes: executor.bytes,
  });
  const status = await interruptible(run, async () => {
    const body = plan.script.runs[name] ?? [];
    await setUp(run);
    const { resume } = options;
    if (resume !== undefined) await resumeRun(run, body, resume === true ? undefined : resume);
    await run.statements(body);
  }).catch(async (trouble: unknown) => {
    // What went wrong may follow from it. The device may be what is broken.
    await tell(run).catch(() => undefined);
    throw trouble;
  });
  await tell(run);
  const seconds = host.now() - started;
  host.emit({ event: 'end', status, seconds });
  return { status, seconds, files: run.state.files, checks: run.state.checks };
}

export interface TestResult {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly error?: FlowError;
}

export interface TestReport {
  readonly status: 'done' | 'interrupted';
  readonly results: readonly TestResult[];
}

/** Executes the tests whose title holds `filter`, each from a fresh setup. A failing test does not end the others. */
export async function runTests(
  plan: RunPlan,
  executor: Executor,
  options: RunOptions & { readonly filter?: string },
): Promise<TestReport> {
  const { host, filter = '' } = options;
  const inputs = inputValues(plan.script, options.inputs ?? new Map());
  const chosen = plan.script.tests.filter((test) => test.name.includes(filter));
  if (chosen.length === 0 && filter !== '')
    fail(
      'R210',
      `no test of ${plan.name} has "${filter}" in its title`,
      undefined,
      `its tests: ${plan.script.tests.map((test) => `"${test.name}"`).join(', ') || 'none'}`,
    );
  const results: TestResult[] = [];
  for (const test of chosen) {
    const run = createContext(plan, executor, options, inputs, test.body);
    const started = host.now();
    let error: FlowError | undefined;
    const status = await interruptible(run, async () => {
      try {
        await setUp(run);
        await run.statements(test.body);
      } catch (trouble) {
        if (!(trouble instanceof FlowError)) throw trouble;
        error = trouble;
      }
    });
    await tell(run);
    if (status === 'interrupted') return { status, results };
    const seconds = host.now() - started;
    results.push({ name: test.name, ok: error === undefined, seconds, ...(error ? { error } : {}) });
    host.emit({
      event: 'test',
      name: test.name,
      ok: error === undefined,
      seconds,
      ...(error === undefined ? {} : trouble(at(error.diagnostics, 0))),
    });
  }
  return { status: 'done', results };
}

function createContext(
  plan: RunPlan,
  executor: Executor,
  options: RunOptions,
  inputs: ReadonlyMap<string, number>,
  body: readonly ScriptStatement[],
): RunContext {
  const run: RunContext = {
    plan,
    executor: checkedExecutor(executor, plan.script),
    host: options.host,
    seed: options.seed ?? 0,
    inputs,
    signal: options.signal,
    anyDiagnosis: firstDiagnosis(body),
    state: {
      step: undefined,
      trained: false,
      diagnosis: undefined,
      position: [],
      resume: [],
      lastPause: options.host.now(),
      files: [],
      checks: [],
    },
    statements: (list: readonly ScriptStatement[]) =>
      runBlock(run, list, async (s) => {
        await runStatement(run, s);
        // Not within loops: each turn would wait for the device.
        if (s.kind !== 'call' && run.state.position.length === 1) await tell(run);
      }),
  };
  return run;
}

/** Says what the procedures run so far warn of. */
async function tell(run: RunContext): Promise<void> {
  for (const warning of await run.executor.tell()) {
    const { code, message, span, help } = warning;
    run.host.emit({
      event: 'warning',
      code,
      message,
      ...(help === undefined ? {} : { help }),
      ...(span === undefined ? {} : { file: span.file.path, ...lineColumn(span.file, span.start) }),
      text: renderDiagnostics([warning]),
    });
  }
}

function trouble({ code, message, span }: Diagnostic): {
  readonly message: string;
  readonly code: string;
  readonly file?: string;
  readonly line?: number;
} {
  return {
    message,
    code,
    ...(span ? { file: span.file.path, line: lineColumn(span.file, span.start).line } : {}),
  };
}

/** Does the work; when it is interrupted, keeps what was learnt. Whatever happens, the progress line is taken away. */
async function interruptible(run: RunContext, work: () => Promise<void>): Promise<'done' | 'interrupted'> {
  try {
    await work();
    return 'done';
  } catch (trouble) {
    if (!(trouble instanceof Interrupted)) throw trouble;
    run.host.progressEnds();
    if (run.state.trained && run.plan.script.params.length > 0)
      await writeCheckpoint(run, interruptedPath(run.plan.name), run.plan.script.params);
    return 'interrupted';
  } finally {
    run.host.progressEnds();
  }
}

async function setUp(run: RunContext): Promise<void> {
  const { seed, inputs } = run;
  const { script } = run.plan;
  for (const [variable, value] of inputs) await run.executor.write(variable, Float64Array.of(value));
  for (const file of script.files) await loadFile(run, file);
  if (script.seed !== undefined)
    await run.executor.write(script.seed, Float64Array.of(seed % 2 ** 32, Math.floor(seed / 2 ** 32)));
  for (const s of script.setup) await runStatement(run, s);
}

async function loadFile(run: RunContext, file: Script['files'][number]): Promise<void> {
  const span = spanOfOptional(file.place);
  const column = file.column === undefined ? {} : { column: file.column };
  const loaded = run.host.load(file.path, { ...column, ...(span ? { span } : {}) });
  require_finite(loaded, file.path, span);
  const same =
    loaded.shape.length === file.shape.length &&
    loaded.shape.every((extent, axis) => extent === file.shape[axis]);
  if (!same)
    fail(
      'R208',
      `"${file.path}" holds an array of shape ${shapeText(loaded.shape)}, but the program was compiled for ${shapeText(file.shape)}`,
      span,
      'compile it again with this file',
    );
  await run.executor.write(file.variable, loaded.data);
}

/** The name of the run that is meant. Throws R206. */
export function chooseRun(script: Script, wanted: string | undefined): string {
  const names = Object.keys(script.runs);
  if (wanted !== undefined) {
    if (names.includes(wanted)) return wanted;
    const near = didYouMean(wanted, names);
    return fail(
      'R206',
      `there is no run "${wanted}"`,
      undefined,
      near ? `did you mean "${near}"?` : `there is ${listOfRuns(names)}`,
    );
  }
  const [only] = names;
  if (only === undefined)
    return fail('R206', 'the program has no run block', undefined, 'write `run { print "…" }`');
  if (names.length === 1 || names.includes('run')) return names.length === 1 ? only : 'run';
  return fail(
    'R206',
    `the program has ${names.length} runs: say which`,
    undefined,
    `there is ${listOfRuns(names)}`,
  );
}

function listOfRuns(names: readonly string[]): string {
  return names.length === 0 ? 'none: write `run { print "…" }`' : spoken(names.map((name) => `"${name}"`));
}

/** Every input's variable with its value, given or by default. */
function inputValues(script: Script, given: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const names = script.inputs.map((input) => input.name);
  for (const [name, value] of given) {
    if (!names.includes(name)) {
      const near = didYouMean(name, names);
      const known = names.length === 0 ? 'the program has no inputs' : `inputs: ${names.join(', ')}`;
      fail(
        'R207',
        `there is no input \`${name}\` to be set`,
        undefined,
        near ? `did you mean \`${near}\`?` : known,
      );
    }
    if (script.inputs.some((i) => i.name === name && i.integer === true) && !Number.isInteger(value))
      fail('R207', `the input \`${name}\` is a whole number, but is set to ${value}`);
    if (!Number.isFinite(value))
      fail('R207', `the input \`${name}\` is set to ${value}`, undefined, 'give a number');
  }
  return new Map(script.inputs.map((input) => [input.variable, given.get(input.name) ?? input.value]));
}
