// What the parts of a run get passed: the script, the executor, the host, and the state of the run. One RunContext lives for one run.

import type { Diagnosis, OutputValue, Script, ScriptStatement } from '../../compiler/plan/script.ts';
import type { NamedArray } from '../io/array.ts';
import { namedArray } from '../io/array.ts';
import type { CheckedExecutor } from './checked_executor.ts';
import type { GradientReport, RunHost } from './host.ts';

/** The part of a plan that a run needs. */
export interface RunPlan {
  readonly name: string;
  readonly precision: 'f32' | 'f64';
  readonly script: Script;
}

/** What has happened so far. */
export interface RunState {
  /** Iterations made by the `minimize` at hand, while there is one. */
  step: number | undefined;
  /** Parameters differ from their start. */
  trained: boolean;
  /** Of the procedure that computed what is looked at now. */
  diagnosis: Diagnosis | undefined;
  /** Where in the script the run is: statements, turns of loops, iterations of `minimize`, from the outside in (position.ts). */
  readonly position: number[];
  /** What is left of the place to go on from, while a resumed run is on its way there. */
  readonly resume: number[];
  /** When the event loop last turned, in the host's seconds. */
  lastPause: number;
  readonly files: string[];
  readonly checks: GradientReport[];
}

export interface RunContext {
  readonly seed: number;
  /** Variables of inputs and their values. */
  readonly inputs: ReadonlyMap<string, number>;
  readonly plan: RunPlan;
  readonly executor: CheckedExecutor;
  readonly host: RunHost;
  readonly signal: AbortSignal | undefined;
  /** The first diagnosis of the run, for statements without one of their own. */
  readonly anyDiagnosis: Diagnosis | undefined;
  readonly state: RunState;
  readonly statements: (list: readonly ScriptStatement[]) => Promise<void>;
}

/** Thrown to unwind a run that was asked to stop; never seen outside this room. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}

/** Seconds between two turns of the event loop. */
const pauseInterval = 0.05;

/** A place where a run may stop: lets signals arrive, and unwinds when one asks for it. */
export async function mayStop(run: RunContext): Promise<void> {
  // On its way to where it goes on from it has no place of its own yet.
  if (run.state.resume.length > 0) return;
  const now = run.host.now();
  if (now - run.state.lastPause >= pauseInterval) {
    await run.host.pause();
    run.state.lastPause = run.host.now();
  }
  if (run.signal?.aborted === true) throw new Interrupted();
}

/** The precision that results really have. */
export function workingPrecision(run: RunContext): 'f32' | 'f64' {
  return run.executor.target === 'interpreter' ? 'f64' : run.plan.precision;
}

export async function readScalar(run: RunContext, variable: string): Promise<number> {
  return (await run.executor.read(variable))[0] ?? NaN;
}

export async function readOutput(run: RunContext, value: OutputValue): Promise<NamedArray> {
  const made = namedArray(value.label, value.shape, await run.executor.read(value.variable), value.kind);
  return value.axes === undefined ? made : { ...made, axes: value.axes };
}

export async function callOptional(run: RunContext, procedure: string | undefined): Promise<void> {
  if (procedure !== undefined) await run.executor.run(procedure);
}
