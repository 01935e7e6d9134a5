// What a run needs of the world around it: somewhere to say things, somewhere to put files, a clock. A run knows nothing else of the console or the disk, so it works the same on a
// terminal (node_host.ts), in a browser page and in tests (memory_host.ts).

import type { Span } from '../../compiler/support/span.ts';
import type { LoadOptions } from '../io/formats.ts';
import type { NamedArray } from '../io/array.ts';
import type { ProgressReport } from '../progress.ts';
import type { TaylorPoint } from './taylor.ts';

export interface NamedNumber {
  readonly label: string;
  readonly value: number;
}

/** All a run says, in order. With `--json` each is one line. */
export type RunEvent =
  | {
      readonly event: 'start';
      readonly program: string;
      readonly run: string;
      readonly target: string;
      readonly device: string;
      readonly precision: string;
      readonly bytes: number;
    }
  | { readonly event: 'print'; readonly text: string }
  | {
      readonly event: 'warning';
      readonly code: string;
      readonly message: string;
      readonly help?: string;
      readonly file?: string;
      readonly line?: number;
      readonly column?: number;
      /** As a person reads it, with the line of the program. */
      readonly text: string;
    }
  | { readonly event: 'minimize'; readonly label: string; readonly steps: number; readonly start: number }
  | { readonly event: 'log'; readonly step: number; readonly values: readonly NamedNumber[] }
  | {
      readonly event: 'minimized';
      readonly label: string;
      readonly objective: string;
      /** Steps made, of how many; fewer when `stop when` held. */
      readonly steps: number;
      readonly of: number;
      readonly start: number;
      readonly end: number;
      readonly seconds: number;
      /** What was kept best, and its value. */
      readonly best?: NamedNumber;
    }
  | { readonly event: 'save'; readonly path: string; readonly names: readonly string[] }
  | { readonly event: 'plot'; readonly path: string }
  | { readonly event: 'checkpoint'; readonly path: string; readonly step: number }
  | { readonly event: 'resume'; readonly path: string; readonly step: number }
  | ({ readonly event: 'check' } & GradientReport)
  | {
      readonly event: 'test';
      readonly name: string;
      readonly ok: boolean;
      readonly seconds: number;
      /** Of the first error. */
      readonly message?: string;
      readonly code?: string;
      readonly file?: string;
      readonly line?: number;
    }
  | { readonly event: 'end'; readonly status: 'done' | 'interrupted'; readonly seconds: number };

/** Outcome of `check gradient`. */
export interface GradientReport {
  readonly label: string;
  /** `pass`; `linear`: the remainder is zero to rounding; `flat`: the loss does not change; `unclear`: rounding hides the remainder; `fail`. */
  readonly verdict: 'pass' | 'linear' | 'flat' | 'unclear' | 'fail';
  /** Fitted slope of the Taylor remainder, and the steps it was fitted over. */
  readonly slope?: number;
  readonly from?: number;
  readonly to?: number;
  /** Directional derivative by reverse and by forward mode, and how far apart they are, relatively. */
  readonly reverse: number;
  readonly forward: number;
  readonly disagreement: number;
  readonly table: readonly TaylorPoint[];
  /** The verdict as a sentence. */
  readonly text: string;
}

export interface RunHost {
  emit(event: RunEvent): void;
  progress(report: ProgressReport): void;
  /** Takes the progress line away. */
  progressEnds(): void;
  /** Writes a file, whole or not at all, relative to the output directory. Gives the path to be shown. */
  write(path: string, content: Uint8Array | string, span?: Span): string;
  /** The bytes of a file that was written before, relative to the output directory; undefined when there is none. */
  written(path: string, span?: Span): Uint8Array | undefined;
  /** Reads a data file, relative to the program. */
  load(path: string, options: LoadOptions): NamedArray;
  /** Seconds since any fixed time. */
  now(): number;
  /** Lets the event loop turn, so that signals arrive. */
  pause(): Promise<void>;
}
