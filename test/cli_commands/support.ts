// Command lines run in this process, in a scratch directory: what they print, what they leave behind, their exit status.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { vi } from 'vitest';
import { runProgram } from '../../compiler/cli/program.ts';

export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export async function flowc(...commandArguments: readonly string[]): Promise<Outcome> {
  const out: string[] = [];
  const err: string[] = [];
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0),
  ];
  try {
    const status = await runProgram(commandArguments);
    return { status, out: out.join(''), err: err.join('') };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

export interface Scratch {
  /** Writes a file, and gives its path. */
  readonly file: (name: string, text: string | Uint8Array) => string;
  readonly path: (name: string) => string;
  /** Every file below a directory, sorted; hidden ones too. */
  readonly listing: (name: string) => readonly string[];
  readonly remove: () => void;
}

export function scratchDirectory(parent = tmpdir()): Scratch {
  const directory = mkdtempSync(join(parent, 'flowc-commands-'));
  const path = (name: string): string => join(directory, name);
  return {
    path,
    file(name, text) {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), text);
      return path(name);
    },
    listing(name) {
      try {
        return readdirSync(path(name), { recursive: true }).map(String).sort();
      } catch {
        return [];
      }
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** A decay whose rate is fitted to data made with a known one. Everything a run can do, in a blink. */
export const decay = `## Radioactive decay, and its rate found again.
use std.ode { rk4 }
use std.optim { lbfgs }
input start: real = 1.0
const N = 40
param rate: real = 0.5 in 0.1 .. 5
ode fall(r) { state u = start
  dt(u) = -r*u }
fn path(r) = solve(fall(r), t: 0 .. 2, steps: N, method: rk4, save: every(steps: 10))
data seen = path(1.5).u
let now = path(rate)
loss misfit = mean((now.u - seen)^2)
test "it falls" { assert now.u[1] < now.u[0] }
test "it falls by half" { assert now.u[1] < 0.5*now.u[0], "too slow" }
run {
  check gradient misfit over rate
  minimize misfit over rate using lbfgs() steps 12 { log misfit every 4 }
  print "rate {rate} of {N} steps"
  assert abs(rate - 1.5) < 1e-3
  save "out/decay.json" { rate, u: now.u }
  plot "out/decay.png": (now.t, now.u) as line
}
run show { print "start {start}" }
`;
