// Ctrl-C. In: work that watches a signal, and an executor that it uses. Out: its result. The first interrupt asks the work to stop, which writes what was learnt and ends with status 130. A procedure
// on threads may take minutes and cannot be asked; when one is still running after a grace period, the process ends, and what earlier checkpoints hold is kept. So it does at the second interrupt.

import type { Executor } from '../plan/types.ts';

export const interruptedStatus = 130;

/** How long a procedure that is running when the interrupt comes may take to its end, in milliseconds. */
const grace = 800;

export async function interruptible<T>(
  executor: Executor,
  work: (executor: Executor, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let running = 0;
  const watched: Executor = {
    description: executor.description,
    target: executor.target,
    bytes: executor.bytes,
    run: async (procedure, times) => {
      running++;
      try {
        await executor.run(procedure, times);
      } finally {
        running--;
      }
    },
    read: (variable) => executor.read(variable),
    write: (variable, data) => executor.write(variable, data),
    dispose: () => executor.dispose(),
  };
  let timer: NodeJS.Timeout | undefined;
  const leave = (): void => process.exit(interruptedStatus);
  const onSignal = (): void => {
    if (controller.signal.aborted) leave();
    controller.abort();
    timer = setTimeout(() => {
      if (running === 0) return;
      process.stderr.write('stopped inside a computation; files and checkpoints written before are kept\n');
      leave();
    }, grace);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    return await work(watched, controller.signal);
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}
