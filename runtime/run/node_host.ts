// A run on a console: what it says goes to standard output, its progress to standard error, its files below the output directory. In: streams and options. Out: a RunHost.

import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { load_value } from '../io/save.ts';
import { read_file, write_file } from '../io/write_file.ts';
import type { ProgressStream } from '../progress.ts';
import { create_progress } from '../progress.ts';
import type { RunHost } from './host.ts';
import { eventJson, eventText } from './report_text.ts';

export interface NodeHostOptions {
  /** Directory that saved files are relative to. */
  readonly out: string;
  /** The program's own file: what data files are relative to. */
  readonly program: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly output: { write(text: string): unknown };
  readonly progress: ProgressStream;
}

export function createNodeHost(options: NodeHostOptions): RunHost {
  const { json, quiet, output } = options;
  const progress = create_progress({ stream: options.progress, quiet: quiet || json });
  return {
    emit(event) {
      if (event.event === 'warning' && !json) {
        progress.interrupt(() => options.progress.write(`${event.text}\n`));
        return;
      }
      const hidden = quiet && event.event !== 'print' && event.event !== 'test';
      const line = json ? eventJson(event) : hidden ? undefined : eventText(event);
      if (line !== undefined) progress.interrupt(() => output.write(`${line}\n`));
    },
    progress: (report) => progress.update(report),
    progressEnds: () => progress.finish(),
    write(path, content, span) {
      // An absolute path stays where it points.
      const target = resolve(options.out, path);
      write_file(target, content, span);
      return path.startsWith('/') ? path : join(options.out, path);
    },
    written(path, span) {
      const target = resolve(options.out, path);
      return existsSync(target) ? read_file(target, span) : undefined;
    },
    load: (path, loadOptions) => load_value(resolve(dirname(options.program), path), loadOptions),
    now: () => performance.now() / 1000,
    pause: () => new Promise((done) => setImmediate(done)),
  };
}
