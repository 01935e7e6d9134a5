// Threads of the CPU target: workers that hold an instance of the same module over the same shared memory, and run procedures in step. In: a module and a memory. Out: `run`, which resolves when
// all threads have finished. The host is told once a call, never between steps; its own thread stays free, so that an interrupt is seen at once.
//
// A thread that dies would leave the others waiting at a barrier for ever: then all are ended and the call fails. Idle workers do not keep the process alive.

import type { Worker } from 'node:worker_threads';
import { FlowError } from '../../compiler/support/diagnostic.ts';

export interface ThreadPool {
  run(procedure: string, times: number): Promise<void>;
  dispose(): Promise<void>;
}

/** The program of a worker: instantiates, then runs what it is told. Text, so that no bundler and no path comes between. */
const program = `
const { parentPort, workerData } = require('node:worker_threads');
const { module, memory, thread, threads } = workerData;
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
parentPort.on('message', ({ procedure, times }) => {
  try {
    const run = exports['run ' + procedure];
    for (let i = 0; i < times; i++) run(thread, threads);
    parentPort.postMessage('done');
  } catch (error) {
    parentPort.postMessage(String(error));
  }
});
parentPort.postMessage('ready');
`;

export async function startThreads(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  threads: number,
): Promise<ThreadPool> {
  const { Worker: NodeWorker } = await import('node:worker_threads');
  const workers: Worker[] = [];
  let waiting: { left: number; resolve: () => void; reject: (error: unknown) => void } | undefined;
  let broken: FlowError | undefined;

  const breakDown = (reason: string): void => {
    broken ??= threadError(reason);
    for (const worker of workers) void worker.terminate();
    waiting?.reject(broken);
    waiting = undefined;
  };
  const all = (start: () => void): Promise<void> => {
    if (broken !== undefined) return Promise.reject(broken);
    return new Promise((resolve, reject) => {
      for (const worker of workers) worker.ref();
      const rest = () => {
        for (const worker of workers) worker.unref();
      };
      waiting = {
        left: threads,
        resolve: () => {
          rest();
          resolve();
        },
        reject: (error) => {
          rest();
          reject(error instanceof Error ? error : threadError(String(error)));
        },
      };
      start();
    });
  };
  const onMessage = (message: unknown): void => {
    if (message !== 'done' && message !== 'ready') {
      breakDown(String(message));
      return;
    }
    if (waiting === undefined || --waiting.left > 0) return;
    const { resolve } = waiting;
    waiting = undefined;
    resolve();
  };

  await all(() => {
    for (let thread = 0; thread < threads; thread++) {
      const worker = new NodeWorker(program, {
        eval: true,
        workerData: { module, memory, thread, threads },
      });
      worker.on('message', onMessage);
      worker.on('error', (error) => breakDown(error instanceof Error ? error.message : String(error)));
      worker.on('exit', () => breakDown('it ended'));
      workers.push(worker);
    }
  });
  return {
    run: (procedure, times) =>
      all(() => {
        for (const worker of workers) worker.postMessage({ procedure, times });
      }),
    dispose: async () => {
      for (const worker of workers) worker.removeAllListeners('exit');
      breakDown('it was ended');
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function threadError(reason: string): FlowError {
  return new FlowError([
    {
      severity: 'error',
      code: 'R053',
      message: `a thread of the CPU target failed: ${reason}`,
      help: 'run again; if it happens again, try `--threads 1` and report it',
    },
  ]);
}
