// What the command line can say, as plain data. `program.ts` makes these values from the arguments, `commands/*` read them.

import { InvalidArgumentError } from 'commander';

export type TargetChoice = 'auto' | 'gpu' | 'cpu' | 'interpreter';
export const targetChoices: readonly TargetChoice[] = ['auto', 'gpu', 'cpu', 'interpreter'];

/** The stages `--dump` can print, in the order of processing. */
export type DumpStage = 'tokens' | 'ast' | 'array' | 'adjoint' | 'kernels' | 'wgsl' | 'wat' | 'plan';
export const dumpStages: readonly DumpStage[] = [
  'tokens',
  'ast',
  'array',
  'adjoint',
  'kernels',
  'wgsl',
  'wat',
  'plan',
];

/** One `--set name=value`; the text is read by whoever knows the type of the `const` or `input` called `name`. */
export interface Setting {
  readonly name: string;
  readonly text: string;
}

/** Options of every command that reads a program. */
export interface ProgramOptions {
  readonly set: readonly Setting[];
  /** A JSON document on standard output instead of sentences. */
  readonly json: boolean;
  /** Verify the intermediate representation after every pass. */
  readonly verify: boolean;
  readonly dump?: DumpStage;
}

/** Options of the commands that run something: `run`, `exec`, `test`. */
export interface RunOptions extends ProgramOptions {
  readonly seed: number;
  readonly target: TargetChoice;
  /** Directory that `save` and `plot` write to. */
  readonly out: string;
  readonly quiet: boolean;
  /** Threads of the CPU target; all cores when absent. */
  readonly threads?: number;
  /** No fused multiply-adds on the CPU target: the same bits on every machine. */
  readonly strict: boolean;
  /** Of `run` and `test`: sums may be reordered for speed on the CPU target. */
  readonly fast?: boolean;
  /** Of `run` and `exec`: go on from the latest checkpoint, or from this one. */
  readonly resume?: true | string;
}

/** Options of the CPU target as the runtime takes them. */
export function cpuOptions(options: RunOptions): { readonly threads?: number; readonly strict: boolean } {
  return { ...(options.threads === undefined ? {} : { threads: options.threads }), strict: options.strict };
}

/** A number of threads, at least 1. */
export function readThreads(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1 || n > 1024)
    throw new InvalidArgumentError('a number of threads is a whole number from 1 on');
  return n;
}

export interface BuildOptions extends ProgramOptions {
  /** The `.flowpkg` to write; absent only with `--dump`. */
  readonly output?: string;
  readonly target: TargetChoice;
  /** Sums may be reordered for speed on the CPU target. */
  readonly fast: boolean;
}

export interface ExplainOptions extends ProgramOptions {
  /** Every buffer of weight, not only sums. */
  readonly memory: boolean;
}

export interface FormatOptions {
  /** Change nothing; exit with 1 if a file is not formatted. */
  readonly check: boolean;
}

export interface DoctorOptions {
  readonly json: boolean;
}

/** Reads `name=value`; names may be dotted (`net.W`) and hold any letters. */
export function readSetting(text: string, before: readonly Setting[]): readonly Setting[] {
  const cut = text.indexOf('=');
  const name = text.slice(0, Math.max(cut, 0)).trim();
  const value = text.slice(cut + 1).trim();
  if (cut < 0 || name === '' || value === '') {
    throw new InvalidArgumentError(`Write it as --set name=value, for example --set N=256.`);
  }
  if (before.some((setting) => setting.name === name)) {
    throw new InvalidArgumentError(`"${name}" is set twice.`);
  }
  return [...before, { name, text: value }];
}

/** Seeds are unsigned 32-bit integers. */
export function readSeed(text: string): number {
  const seed = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(seed <= 0xffffffff)) throw new InvalidArgumentError('A seed is a whole number from 0 to 4294967295.');
  return seed;
}
