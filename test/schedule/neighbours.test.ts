// Turns of a loop that share blocks of random words run together (schedule/neighbours.ts): between any bounds, known or not, forwards and backwards, the values are those of the loop as it was written.

import { describe, expect, test } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { Expr, Statement } from '../../compiler/kernel/types.ts';
import { printKernel } from '../../compiler/kernel/print.ts';
import { shareBlocks } from '../../compiler/schedule/neighbours.ts';
import { axis, buffer, kernelPlan, mapKernel, onCpu, onReference } from '../wasm/support.ts';

const points = 5;
const u32 = (x: number): Expr => k.constant('u32', x);

/** x <- x/2 + (a word of block t/4, by the lowest bits of the turn t), which depends on the order of the turns. */
function walk(from: Expr, to: Expr, down: boolean): readonly Statement[] {
  const turn = k.cast('u32', k.variable('i32', 't'));
  const key = [u32(1), u32(2), u32(3), u32(4)] as const;
  const counter = [k.binary('shr', turn, u32(2)), k.cast('u32', axis(0)), u32(0), u32(0)] as const;
  const word = (i: number): Expr => k.variable('u32', `r${i}`);
  const bit = (n: number): Expr => k.compare('ne', k.binary('and', turn, u32(n)), u32(0));
  const own = k.select(bit(2), k.select(bit(1), word(3), word(2)), k.select(bit(1), word(1), word(0)));
  const unit = k.binary('mul', k.cast('f32', k.binary('shr', own, u32(8))), k.constant('f32', 2 ** -24));
  const x = k.variable('f32', 'x');
  const body: Statement[] = [
    { kind: 'random_block', names: ['r0', 'r1', 'r2', 'r3'], key, counter },
    { kind: 'assign', name: 'x', value: k.add(k.mul(x, k.constant('f32', 0.5)), unit) },
  ];
  return [
    { kind: 'var', name: 'x', value: k.constant('f32', 0) },
    { kind: 'for', name: 't', from, to, down, body },
    k.store(0, axis(0), x),
  ];
}

function shared(body: readonly Statement[]): readonly Statement[] {
  let next = 100;
  return shareBlocks(body, (prefix) => `${prefix}${next++}`).body;
}

const out = buffer('out', 'f32', points, 'write');
const ends = buffer('ends', 'i32', 2);
const bound = (i: number): Expr => k.load('i32', 1, k.int(i));

describe('turns that share blocks', () => {
  const known = [
    [0, 40],
    [0, 9],
    [3, 17],
    [5, 38],
  ] as const;
  for (const down of [false, true])
    test(`between known bounds, ${down ? 'downwards' : 'upwards'}`, async () => {
      for (const [from, to] of known) {
        const body = walk(k.int(from), k.int(to), down);
        const own = mapKernel([points], [out], shared(body));
        expect(printKernel(own)).toMatch(/for q\d+ in/);
        const expected = await onReference(kernelPlan(mapKernel([points], [out], body)), {});
        expect(await onReference(kernelPlan(own), {}), `${from}..${to}`).toEqual(expected);
        expect(await onCpu(kernelPlan(own), {}), `${from}..${to}`).toEqual(expected);
      }
    });

  for (const down of [false, true])
    test(`between bounds that the run knows, ${down ? 'downwards' : 'upwards'}`, async () => {
      const body = walk(bound(0), bound(1), down);
      const own = mapKernel([points], [out, ends], shared(body));
      expect(printKernel(own)).toMatch(/for q\d+ in first\d+\.\.end\d+/);
      const plain = kernelPlan(mapKernel([points], [out, ends], body));
      const grouped = kernelPlan(own);
      for (let from = 0; from < 6; from++)
        for (const length of [-3, 0, 1, 2, 3, 4, 5, 8, 11]) {
          const inputs = { ends: Float64Array.of(from, from + length) };
          const expected = await onReference(plain, inputs);
          expect(await onReference(grouped, inputs), `${from}, ${length} turns`).toEqual(expected);
        }
      const inputs = { ends: Float64Array.of(3, 26) };
      expect(await onCpu(grouped, inputs)).toEqual(await onReference(plain, inputs));
    });
});
