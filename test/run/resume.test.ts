// A run that is stopped anywhere and goes on from its checkpoint ends in the same bits as one that was not stopped: loops, branches, blocks between steps, optimisers with and without names,
// draws, batches, the best kept.

import { describe, expect, test } from 'vitest';
import { createInterpreterExecutor } from '../../compiler/driver/interpreter_executor.ts';
import type { Executor } from '../../compiler/plan/types.ts';
import { FlowError } from '../../compiler/support/diagnostic.ts';
import { createMemoryHost, runScript } from '../../runtime/run/index.ts';
import type { MemoryHost, RunOptions } from '../../runtime/run/index.ts';
import { elaborated } from '../elaborate/support.ts';

const program = elaborated(`
use std.optim { adam, gd }
use std.random { uniform }
data X = draw(uniform(-1, 1), [40, 2])
data Y = X @ [1.0, -2.0] + 0.1*draw(uniform(-1, 1), [40])
input lift: real = 0.0
param w: real[2] = 0
param b = 0.5 in 0.1 .. 2
state seen = 0.0
optimizer opt = adam(lr: 0.05)
loss fit(i in 0..40) = (dot(X[i], w) + b + lift + 0.05*draw(uniform(-1, 1)) - Y[i])^2
run {
  let w0 = norm(w) + 1
  var total = 0.0
  for k in 0..4 {
    minimize fit over w, b using opt batch 5 accumulate 2 epochs 2 {
      every 2 { seen = seen + fit; total += 1.0 }
      every 3 { if seen > 0.5 { minimize fit over b using gd(lr: 0.01) steps 2 { save "inner" every 1 } } else { seen = seen + 0.1 } }
      save "ckpt" every 2
      keep best fit every 3
    }
    if seen > 2 { seen = 0.0 } else { total = total + w0 }
  }
  minimize fit over w using adam(lr: k => 0.1/(1 + k)) steps 9 { save "late" every 4 }
  save "out.json" { w, b, seen, total, fit }
}`);
const plan = { name: program.name, precision: program.precision, script: program.script };

/** Runs until a procedure has been called `calls` times, and is stopped then. */
async function run(
  host: MemoryHost,
  options: Partial<RunOptions>,
  calls = Infinity,
): Promise<{ status: string; calls: number }> {
  const executor = createInterpreterExecutor(program);
  const controller = new AbortController();
  let made = 0;
  const counting: Executor = {
    ...executor,
    run: async (name, times) => {
      // The setup is not to be stopped.
      if (++made >= calls) controller.abort();
      await executor.run(name, times);
    },
  };
  const { status } = await runScript(plan, counting, { host, signal: controller.signal, ...options });
  return { status, calls: made };
}

const result = (host: MemoryHost): string => new TextDecoder().decode(host.files.get('out.json'));

describe('a run goes on where it was', () => {
  test('stopped anywhere, again and again', async () => {
    const whole = createMemoryHost();
    const { calls } = await run(whole, {});
    expect(result(whole)).toContain('total');
    for (const every of [23, 57, Math.floor(calls / 2)]) {
      let host = createMemoryHost();
      let { status } = await run(host, {}, every);
      let stops = 0;
      while (status === 'interrupted') {
        host = createMemoryHost({ files: host.files });
        ({ status } = await run(host, { resume: true }, every + 5 + stops++));
        expect(stops).toBeLessThan(200);
      }
      expect(stops).toBeGreaterThan(0);
      expect(result(host), `stopped every ${every} calls`).toBe(result(whole));
    }
  });

  test('from any checkpoint that its statements wrote', async () => {
    const whole = createMemoryHost();
    await run(whole, {});
    for (const name of ['ckpt', 'inner.npz', 'late']) {
      const host = createMemoryHost({ files: whole.files });
      await run(host, { resume: name });
      expect(host.text()).toContain(`resumed from ${name.replace('.npz', '')}.npz`);
      expect(result(host), name).toBe(result(whole));
    }
    // The latest is taken when none is named: of these the last statement's.
    const host = createMemoryHost({ files: whole.files });
    await run(host, { resume: true });
    expect(host.text()).toContain('resumed from late.npz');
  });

  const refused = async (
    options: Partial<RunOptions>,
    files?: ReadonlyMap<string, Uint8Array>,
  ): Promise<string> => {
    try {
      await run(createMemoryHost(files ? { files } : {}), options);
    } catch (trouble) {
      if (trouble instanceof FlowError) return `${trouble.message} / ${trouble.diagnostics[0]?.help}`;
      throw trouble;
    }
    return 'not refused';
  };

  test('and is told why it cannot', async () => {
    const whole = createMemoryHost();
    await run(whole, {});
    expect(await refused({ resume: true })).toMatch(
      /^R212: there is no checkpoint to resume from.*Looked for: ckpt.npz, inner.npz, late.npz, program.interrupted.npz/,
    );
    expect(await refused({ resume: 'nowhere' })).toMatch(/^R212: there is no checkpoint "nowhere.npz"/);
    expect(await refused({ resume: true, seed: 3 }, whole.files)).toMatch(
      /^R213: .* it was written with the seed 0 .*--seed 0/,
    );
    expect(await refused({ resume: true, inputs: new Map([['lift', 1]]) }, whole.files)).toMatch(
      /R213: .* lift = 0/,
    );
    const other = elaborated(
      `param w: real[3] = 0\nuse std.optim { gd }\nrun { minimize sum(w^2) over w using gd(0.1) steps 3 { save "ckpt" every 1 } }`,
    );
    const foreign = createMemoryHost({ files: whole.files });
    await expect(
      runScript({ name: 'a', precision: 'f32', script: other.script }, createInterpreterExecutor(other), {
        host: foreign,
        resume: true,
      }),
    ).rejects.toThrow(
      /is no checkpoint of this run: `param.w` has shape \[2\] in it, and \[3\] in the program/,
    );
  });
});
