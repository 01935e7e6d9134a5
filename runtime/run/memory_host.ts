// A run without console and disk: events in a list, files in a map. For tests and for pages in a browser. In: data files by path. Out: a RunHost and what it received.

import { fail } from '../../compiler/support/diagnostic.ts';
import { decode_value } from '../io/formats.ts';
import type { ProgressReport } from '../progress.ts';
import type { RunEvent, RunHost } from './host.ts';
import { eventText } from './report_text.ts';

export interface MemoryHost extends RunHost {
  readonly events: readonly RunEvent[];
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly reports: readonly ProgressReport[];
  /** What a person would have read. */
  readonly text: () => string;
}

export interface MemoryHostOptions {
  readonly data?: ReadonlyMap<string, Uint8Array>;
  /** Files that an earlier run wrote. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
  /** Seconds; the real clock by default. */
  readonly now?: () => number;
  readonly onEvent?: (event: RunEvent) => void;
}

export function createMemoryHost(options: MemoryHostOptions = {}): MemoryHost {
  const events: RunEvent[] = [];
  const files = new Map<string, Uint8Array>(options.files ?? []);
  const reports: ProgressReport[] = [];
  return {
    events,
    files,
    reports,
    text: () =>
      events
        .map(eventText)
        .filter((line) => line !== undefined)
        .join('\n'),
    emit(event) {
      events.push(event);
      options.onEvent?.(event);
    },
    progress: (report) => void reports.push(report),
    progressEnds: () => undefined,
    write(path, content) {
      files.set(path, typeof content === 'string' ? new TextEncoder().encode(content) : content);
      return path;
    },
    written: (path) => files.get(path),
    load(path, loadOptions) {
      const bytes = options.data?.get(path);
      if (bytes === undefined) return fail('R100', `there is no file "${path}"`, loadOptions.span);
      return decode_value(path, bytes, loadOptions);
    },
    now: options.now ?? (() => performance.now() / 1000),
    pause: () => new Promise((done) => setTimeout(done, 0)),
  };
}
