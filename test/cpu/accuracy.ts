// Largest errors of the elementary functions in units in the last place, against integer arithmetic, without and with fused multiply-add, and whether a number alone has the bits it has in a
// vector. In: samples a function. Out: rows for spec/elementary_functions.md.

import * as k from '../../compiler/kernel/build.ts';
import type { BinaryOp, UnaryOp } from '../../compiler/ir/types.ts';
import type { Expr } from '../../compiler/kernel/types.ts';
import { axis, buffer, kernelPlan, mapKernel, onCpu } from '../wasm/support.ts';
import { exactBinary, exactUnary, ulpError, type Real } from './exact.ts';
import { pairs, samples } from './samples.ts';

export type Float = 'f32' | 'f64';

/** How a function is computed. */
export interface Way {
  readonly name: string;
  readonly strict: boolean;
}

export const ways: readonly Way[] = [
  { name: 'strict', strict: true },
  { name: 'fused', strict: false },
];

export async function evaluate(
  op: string,
  type: Float,
  x: Float64Array,
  y: Float64Array | undefined,
  way: Way,
  /** One point at a time instead of in vectors. */
  alone = false,
): Promise<Float64Array> {
  const n = x.length;
  const load = (b: number) => k.load(type, b, axis(0));
  const value: Expr =
    y === undefined
      ? { kind: 'unary', type, op: op as UnaryOp, a: load(0) }
      : { kind: 'binary', type, op: op as BinaryOp, a: load(0), b: load(1) };
  const buffers = [buffer('x', type, n), buffer('y', type, n), buffer('out', type, n, 'write')];
  const space = alone ? [n, 1] : [n];
  const plan = kernelPlan(mapKernel(space, buffers, [k.store(2, axis(0), value)]));
  const result = await onCpu(plan, { x, y: y ?? new Float64Array(n) }, { strict: way.strict });
  return result.out ?? new Float64Array();
}

export interface Worst {
  readonly error: number;
  /** Arguments and result, for a message. */
  readonly where: string;
  /** Arguments for which the function alone gives another number. */
  readonly differing: readonly string[];
}

function worst(
  result: Float64Array,
  alone: Float64Array,
  references: readonly Real[],
  type: Float,
  where: (i: number) => string,
): Worst {
  let [largest, place] = [0, 0];
  references.forEach((reference, i) => {
    const error = ulpError(result[i] ?? NaN, reference, type);
    if (!(error <= largest)) [largest, place] = [error, i];
  });
  const differing = [...result].flatMap((value, i) => (Object.is(value, alone[i]) ? [] : [where(i)]));
  return { error: largest, where: `${where(place)} = ${result[place]}`, differing };
}

/** The largest errors of a function, one a way. */
export async function worstErrors(op: string, type: Float, count: number): Promise<readonly Worst[]> {
  const list: Worst[] = [];
  const unary = exactUnary[op];
  const binary = exactBinary[op];
  if (unary !== undefined) {
    const x = samples(op, type, count);
    const references = [...x].map((v) => unary(v));
    for (const way of ways) {
      const [result, alone] = [
        await evaluate(op, type, x, undefined, way),
        await evaluate(op, type, x, undefined, way, true),
      ];
      list.push(worst(result, alone, references, type, (i) => `${op}(${x[i]})`));
    }
  } else if (binary !== undefined) {
    const { x, y } = pairs(op, type, count);
    const references = [...x].map((v, i) => binary(v, y[i] ?? 0));
    for (const way of ways) {
      const [result, alone] = [
        await evaluate(op, type, x, y, way),
        await evaluate(op, type, x, y, way, true),
      ];
      list.push(worst(result, alone, references, type, (i) => `${op}(${x[i]}, ${y[i]})`));
    }
  }
  return list;
}

/** The table of spec/elementary_functions.md. */
export async function accuracyTable(count: number): Promise<readonly string[]> {
  const lines = [
    `| function | f32 ${ways.map((w) => w.name).join(' | f32 ')} | f64 ${ways.map((w) => w.name).join(' | f64 ')} |`,
    `|---|${ways.map(() => '---|').join('')}${ways.map(() => '---|').join('')}`,
  ];
  for (const op of [...Object.keys(exactUnary), ...Object.keys(exactBinary)]) {
    const errors = [...(await worstErrors(op, 'f32', count)), ...(await worstErrors(op, 'f64', count))];
    lines.push(`| ${op} | ${errors.map((w) => w.error.toFixed(2)).join(' | ')} |`);
  }
  return lines;
}
