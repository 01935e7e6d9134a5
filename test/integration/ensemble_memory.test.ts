// Gradients of ensembles keep their states in the threads' own memory: all of them, those that begin segments, or, without such memory, snapshots in buffers. The same bits whatever there is room for, and the
// values of the interpreter; and the memory is that of the threads, not of the members.

import { beforeAll, describe, expect, test } from 'vitest';
import { schedule } from '../../compiler/schedule/schedule.ts';
import { printKernel } from '../../compiler/kernel/print.ts';
import {
  arrayNamed,
  compiled,
  noGpu,
  onTarget,
  run,
  sameBits,
  savedArrays,
  type Arrays,
  type Compiled,
  type TargetName,
} from './support.ts';

/** `whole` can be done in the kernel of the paths; `gap` needs all paths before any goes back. */
const text = `
use std.random { normal }
const n = 71
const count = 90
param rate = 1.5
param sigma = 0.4
param start = 0.7
fn path(p) {
  var x = start
  var v = 0.1
  for k in 0..count {
    let z = draw(normal(0, 1))
    v = v + rate*(0.3 - v)/count + 0.2*sqrt(abs(v)/count)*z
    x = x + x*(0.01*rate - v/count + sigma*z/sqrt(count)) + exp(-x)/count
  }
  return x
}
let ends = [path(p) for p in 0..n]
loss whole = mean(ends)
loss gap = (mean(ends) - 1)^2
run { save "out.npz" { whole, gap, a: gradient(whole, over: { rate, sigma, start }), b: gradient(gap, over: { rate, sigma, start }) } }
`;

function withMemory(ownBytes: number): Compiled {
  const { program, plan } = compiled({ path: 'ensemble.flow', text });
  const made = schedule(program.graph, program.variables, program.procedures, { ownBytes });
  return {
    program,
    plan: {
      ...plan,
      buffers: made.buffers,
      kernels: made.kernels,
      procedures: made.procedures,
      bytes: made.bytes,
    },
  };
}

const saved = (made: Compiled, target: TargetName): Promise<Arrays> =>
  onTarget(made, target, async (executor) => savedArrays(await run(made, executor, 'run'), 'out.npz'));

function expectNear(actual: Arrays, expected: Arrays): void {
  for (const [name, { data }] of expected)
    for (const [i, x] of data.entries())
      expect(Math.abs((arrayNamed(actual, name).data[i] ?? NaN) - x), `${name} ${i}`).toBeLessThan(
        2e-4 * Math.max(Math.abs(x), 0.01),
      );
}

/** 90 steps of two states: 720 bytes, and 360 for the draws; 19 states of the two levels are 152 bytes. */
const room = { everything: 4096, states: 1000, levels: 400, nothing: 0 };

describe('the gradient of an ensemble', () => {
  let expected: Arrays;
  beforeAll(async () => {
    expected = await saved(withMemory(0), 'interpreter');
  });

  test('has the same bits with any memory of the threads, and any number of them', async () => {
    const reference = await saved(withMemory(room.nothing), 'cpu');
    expectNear(reference, expected);
    for (const bytes of [room.levels, room.states, room.everything])
      for (const target of bytes === room.levels ? (['cpu', 'cpu3'] as const) : (['cpu'] as const))
        expect(sameBits(reference, await saved(withMemory(bytes), target)), `${bytes} ${target}`).toBe(true);
  });

  test('on a GPU', async ({ skip }) => {
    if ((await noGpu()) !== undefined) skip();
    expectNear(await saved(withMemory(room.levels), 'gpu'), expected);
  });

  test('keeps in buffers what grows with the paths alone', () => {
    const longest = (bytes: number): number =>
      Math.max(...withMemory(bytes).plan.kernels.flatMap((k) => k.buffers.map((b) => b.length)));
    expect(longest(room.nothing)).toBeGreaterThan(71 * 18);
    // A few numbers a path, in a buffer that temporaries share.
    for (const bytes of [room.levels, room.states, room.everything])
      expect(longest(bytes)).toBeLessThan(71 * 12);
  });

  test('draws once where there is room for the draws', () => {
    const blocks = (bytes: number): number =>
      withMemory(bytes).plan.kernels.reduce((n, k) => n + printKernel(k).split('random(').length - 1, 0);
    expect(blocks(room.everything)).toBeLessThan(blocks(room.states));
    // Forwards, forwards again, backwards: of two levels the last can have the draws of its segment.
    expect(blocks(room.levels)).toBeGreaterThan(blocks(room.everything));
  });
});
