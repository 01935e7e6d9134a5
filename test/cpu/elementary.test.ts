import { describe, expect, it } from 'vitest';
import * as k from '../../compiler/kernel/build.ts';
import type { Expr } from '../../compiler/kernel/types.ts';
import type { BinaryOp, UnaryOp } from '../../compiler/ir/types.ts';
import { axis, buffer, kernelPlan, mapKernel, onCpu } from '../wasm/support.ts';
import { exactBinary, exactUnary, ulpError } from './exact.ts';
import { samples, pairs } from './samples.ts';

type Float = 'f32' | 'f64';

async function evaluate(
  op: string,
  type: Float,
  x: Float64Array,
  y: Float64Array | undefined,
  strict: boolean,
): Promise<Float64Array> {
  const n = x.length;
  const load = (b: number) => k.load(type, b, axis(0));
  const value: Expr =
    y === undefined
      ? { kind: 'unary', type, op: op as UnaryOp, a: load(0) }
      : { kind: 'binary', type, op: op as BinaryOp, a: load(0), b: load(1) };
  const buffers = [buffer('x', type, n), buffer('y', type, n), buffer('out', type, n, 'write')];
  const plan = kernelPlan(mapKernel([n], buffers, [k.store(2, axis(0), value)]));
  const result = await onCpu(plan, { x, y: y ?? new Float64Array(n) }, { strict });
  return result.out ?? new Float64Array();
}

function worst(
  result: Float64Array,
  error: (i: number) => number,
): { readonly error: number; readonly i: number } {
  let [largest, i] = [0, 0];
  for (let j = 0; j < result.length; j++) {
    const e = error(j);
    if (!(e <= largest)) [largest, i] = [e, j];
  }
  return { error: largest, i };
}

describe.each(['f64', 'f32'] as const)('elementary functions of one argument, %s', (type) => {
  it.each(Object.keys(exactUnary))('%s', async (op) => {
    const x = samples(op, type, 2000);
    const exact = exactUnary[op];
    if (exact === undefined) throw new Error(op);
    const references = [...x].map((v) => exact(v));
    for (const strict of [true, false]) {
      const result = await evaluate(op, type, x, undefined, strict);
      const { error, i } = worst(result, (j) =>
        ulpError(result[j] ?? NaN, references[j] ?? { m: 0n, p: 0 }, type),
      );
      if (process.env.SHOW_ULP) console.log(op, type, strict, error.toFixed(3), 'at', x[i], result[i]);
      expect(error, `${op} of ${x[i]} gives ${result[i]}`).toBeLessThanOrEqual(2);
    }
  });
});

describe.each(['f64', 'f32'] as const)('elementary functions of two arguments, %s', (type) => {
  it.each(Object.keys(exactBinary))('%s', async (op) => {
    const { x, y } = pairs(op, type, 1500);
    const exact = exactBinary[op];
    if (exact === undefined) throw new Error(op);
    const references = [...x].map((v, i) => exact(v, y[i] ?? 0));
    for (const strict of [true, false]) {
      const result = await evaluate(op, type, x, y, strict);
      const { error, i } = worst(result, (j) =>
        ulpError(result[j] ?? NaN, references[j] ?? { m: 0n, p: 0 }, type),
      );
      if (process.env.SHOW_ULP) console.log(op, type, strict, error.toFixed(3), 'at', x[i], y[i], result[i]);
      expect(error, `${op} of ${x[i]}, ${y[i]} gives ${result[i]}`).toBeLessThanOrEqual(2);
    }
  });
});
