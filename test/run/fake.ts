// An executor whose procedures are functions of TypeScript, a clock that procedures move, and shorthands for scripts.

import type { MinimizeStatement, Place, Script, ScriptStatement } from '../../compiler/plan/script.ts';
import type { Executor } from '../../compiler/plan/types.ts';
import { FlowError } from '../../compiler/support/diagnostic.ts';
import { createMemoryHost } from '../../runtime/run/memory_host.ts';
import type { MemoryHost, MemoryHostOptions } from '../../runtime/run/memory_host.ts';
import type { RunEvent } from '../../runtime/run/host.ts';
import type { RunOptions } from '../../runtime/run/run_script.ts';
import { runScript } from '../../runtime/run/run_script.ts';

export type Memory = Record<string, number[]>;
export type Procedures = Readonly<Record<string, (memory: Memory) => void>>;

export interface Fake {
  readonly executor: Executor;
  readonly memory: Memory;
  /** Every call: `step x3`. */
  readonly calls: string[];
}

export function fakeExecutor(
  memory: Memory,
  procedures: Procedures,
  target: Executor['target'] = 'cpu',
): Fake {
  const calls: string[] = [];
  const known = (name: string): number[] => {
    const value = memory[name];
    if (value === undefined) throw new Error(`no variable ${name}`);
    return value;
  };
  const executor: Executor = {
    description: 'fake',
    target,
    bytes: 0,
    async run(name, times = 1) {
      const procedure = procedures[name];
      if (procedure === undefined) throw new Error(`no procedure ${name}`);
      calls.push(times === 1 ? name : `${name} x${times}`);
      for (let i = 0; i < times; i++) procedure(memory);
    },
    async read(name) {
      return Float64Array.from(known(name));
    },
    async write(name, data) {
      known(name);
      memory[name] = [...data];
    },
    async dispose() {},
  };
  return { executor, memory, calls };
}

/** The first number of a variable. */
export function first(memory: Memory, name: string): number {
  return memory[name]?.[0] ?? NaN;
}

export const place: Place = { file: 'a.flow', line: 3, column: 3, source: '  assert x < 1  # why' };

export function script(run: readonly ScriptStatement[], more: Partial<Script> = {}): Script {
  return { inputs: [], files: [], setup: [], runs: { run }, tests: [], params: [], kept: [], ...more };
}

export interface Ran {
  readonly host: MemoryHost;
  readonly status?: 'done' | 'interrupted';
  readonly error?: FlowError;
  readonly calls: readonly string[];
  readonly events: (name: RunEvent['event']) => readonly RunEvent[];
}

/** Runs a script on a fake; a FlowError becomes part of the result. */
export async function ran(
  fake: Fake,
  list: Script,
  options: Partial<RunOptions> & { readonly hostOptions?: MemoryHostOptions } = {},
): Promise<Ran> {
  const host = createMemoryHost(options.hostOptions);
  const result = {
    host,
    calls: fake.calls,
    events: (name: RunEvent['event']) => host.events.filter((event) => event.event === name),
  };
  try {
    const plan = { name: 'a', precision: 'f64', script: list } as const;
    const { status } = await runScript(plan, fake.executor, { host, ...options });
    return { ...result, status };
  } catch (trouble) {
    if (!(trouble instanceof FlowError)) throw trouble;
    return { ...result, error: trouble };
  }
}

/** A minimisation of `loss` by halving `p`, one iteration a call of `step`. */
export function halving(more: Partial<MinimizeStatement> = {}): {
  readonly memory: Memory;
  readonly procedures: Procedures;
  readonly statement: MinimizeStatement;
} {
  return {
    memory: { p: [1], loss: [0], iteration: [0], done: [0], logged: [0] },
    procedures: {
      start: (m) => {
        m['iteration'] = [0];
        m['done'] = [0];
      },
      step: (m) => {
        if (first(m, 'done') !== 0) return;
        m['p'] = [first(m, 'p') / 2];
        m['iteration'] = [first(m, 'iteration') + 1];
      },
      objective: (m) => {
        m['loss'] = [first(m, 'p') ** 2];
      },
      log: (m) => {
        m['logged'] = [first(m, 'p') ** 2];
      },
    },
    statement: {
      kind: 'minimize',
      label: 'loss',
      start: 'start',
      step: 'step',
      steps: 10,
      iteration: 'iteration',
      done: 'done',
      stops: false,
      objective: { label: 'loss', procedure: 'objective', variable: 'loss' },
      logs: [],
      every: [],
      params: [{ label: 'param.p', variable: 'p', shape: [], kind: 'real' }],
      checkpoints: [],
      place,
      ...more,
    },
  };
}
