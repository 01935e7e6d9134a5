// Long code in phases: values pass through scratch memory, and nothing else changes.

import { expect, test } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { Expr, Statement } from '../../compiler/kernel/types.ts';
import { printWat } from '../../compiler/target/wasm/emit.ts';
import { axis, buffer, kernelPlan, mapKernel, onCpu, onReference } from './support.ts';

const points = 37;
const f32 = (x: number): Expr => k.constant('f32', x);
const u32 = (x: number): Expr => k.constant('u32', x);

/** x <- x + w/2^32 (1 + x), once for each of the words w of two blocks of random words a turn, five turns. */
function walk(): readonly Statement[] {
  const x = k.variable('f32', 'x');
  const key = [u32(1), u32(2), u32(3), u32(4)];
  const places = ([0, 1] as const).flatMap((half) => ([0, 1, 2, 3] as const).map((word) => ({ half, word })));
  const steps = places.map(({ half, word }): Statement => {
    const turn = k.variable('i32', 'turn');
    const counter = [k.cast('u32', axis(0)), k.cast('u32', turn), u32(half), u32(4)];
    const random: Expr = { kind: 'random', type: 'u32', word, key, counter };
    const unit = k.binary('mul', k.cast('f32', random), f32(2 ** -32));
    const value = k.binary('add', x, k.binary('mul', unit, k.binary('add', f32(1), x)));
    return { kind: 'assign', name: 'x', value };
  });
  return [
    { kind: 'var', name: 'x', value: f32(0.25) },
    { kind: 'for', name: 'turn', from: k.int(0), to: k.int(5), down: false, body: steps },
    k.store(0, axis(0), x),
  ];
}

test('a loop with a block of random words is cut, and gives the bits of the evaluator', async () => {
  const plan = kernelPlan(mapKernel([points], [buffer('out', 'f32', points, 'write')], walk()));
  expect(printWat(plan, false).text).toContain('(local.get $phases)');
  const [one, reference] = [await onCpu(plan, {}), await onReference(plan, {})];
  expect(one['out']).toEqual(reference['out']);
  expect(new Set(one['out']).size).toBe(points);
  const several = await onCpu(plan, {}, { inline: false, threads: 3 });
  expect(several['out']).toEqual(one['out']);
});
