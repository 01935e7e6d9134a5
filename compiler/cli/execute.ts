// Executing on this machine's console, for `run`, `exec` and `test`. In: the options of the command line. Out: hosts and executors. The one line that says what runs where, and why, goes
// to standard error.

import { createNodeHost } from '../../runtime/run/node_host.ts';
import type { RunHost } from '../../runtime/run/host.ts';
import type { ChosenTarget } from '../../runtime/target.ts';
import type { Executor } from '../plan/types.ts';
import { binaryBytes } from './doctor.ts';
import { interruptible } from './interrupt.ts';
import type { RunOptions } from './options.ts';

export function consoleHost(program: string, options: RunOptions): RunHost {
  const { out, json, quiet } = options;
  return createNodeHost({ out, program, json, quiet, output: process.stdout, progress: process.stderr });
}

/** Says where it runs, does the work, which Ctrl-C stops, and frees the executor whatever happens. */
export async function onExecutor<T>(
  opened: Promise<Executor>,
  chosen: ChosenTarget,
  options: RunOptions,
  work: (executor: Executor, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const executor = await opened;
  try {
    if (!options.quiet && !options.json)
      process.stderr.write(
        `running on ${executor.description}, ${binaryBytes(executor.bytes)} (${chosen.why})\n`,
      );
    // Until here Ctrl-C ends the process at once: nothing has been made that would be lost.
    return await interruptible(executor, work);
  } finally {
    await executor.dispose();
  }
}
