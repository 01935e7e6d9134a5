// The checks every derivative must pass, in the float64 interpreter: adjoint dot product, central differences, Taylor remainder, batch against a loop.

import { expect } from 'vitest';
import { at } from '../../compiler/support/lists.ts';
import { Graph } from '../../compiler/ir/graph.ts';
import { interpret } from '../../compiler/ir/interpret.ts';
import type { NdArray } from '../../compiler/ir/ndarray.ts';
import { ndarray } from '../../compiler/ir/ndarray.ts';
import { reachable } from '../../compiler/ir/region.ts';
import type { ArrayType, Node } from '../../compiler/ir/types.ts';
import { isFloat, sizeOf } from '../../compiler/ir/types.ts';
import { verifyFunction } from '../../compiler/ir/verify.ts';
import { batch } from '../../compiler/autodiff/batch.ts';
import { expandValues } from '../../compiler/autodiff/expand_rules.ts';
import { jvp } from '../../compiler/autodiff/jvp.ts';
import type { Tangent } from '../../compiler/autodiff/tangent.ts';
import { materialize } from '../../compiler/autodiff/tangent.ts';
import { vjp } from '../../compiler/autodiff/vjp.ts';

/** Uniform numbers in [0, 1), reproducible (mulberry32). */
export function generator(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function array(type: ArrayType, value: (i: number) => number): NdArray {
  return ndarray(
    type.dtype,
    type.shape,
    Array.from({ length: sizeOf(type.shape) }, (_, i) => value(i)),
  );
}

export const f64 = (...shape: number[]): ArrayType => ({ dtype: 'f64', shape });
export const f32 = (...shape: number[]): ArrayType => ({ dtype: 'f32', shape });

/** A function of arrays and a point. */
export interface Case {
  readonly inputs: readonly NdArray[];
  readonly build: (g: Graph, x: readonly Node[]) => readonly Node[];
}

export interface Program {
  readonly g: Graph;
  readonly params: readonly Node[];
  readonly outputs: readonly Node[];
}

export function programOf(c: Case): Program {
  const g = new Graph();
  const params = c.inputs.map((x, i) => g.param(`x${i}`, x));
  return { g, params, outputs: c.build(g, params) };
}

/** Verifies and evaluates; what has rules of its own is expanded first, in `g`. */
export function evaluate(
  results: readonly Node[],
  params: readonly Node[],
  values: readonly NdArray[],
  g?: Graph,
): NdArray[] {
  verifyFunction({
    name: 'test',
    inputs: params.map((_, i) => `i${i}`),
    outputs: results.map((_, i) => `o${i}`),
    region: { params, results },
  });
  const plain = g === undefined ? results : expandValues(g, results);
  return interpret(plain, new Map(params.map((p, i) => [p, at(values, i)])));
}

const inner = (a: NdArray, b: NdArray): number => {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i] ?? NaN) * (b.data[i] ?? NaN);
  return sum;
};
const size1 = (a: NdArray, b: NdArray): number => {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += Math.abs((a.data[i] ?? NaN) * (b.data[i] ?? NaN));
  return sum;
};

function directions(types: readonly ArrayType[], random: () => number): NdArray[] {
  return types.map((t) => array(t, () => 2 * random() - 1));
}

/** <w, J v> = <Jᵀ w, v> to 1e-12, for random v and w; J v in forward mode, Jᵀ w in reverse mode. Gives the tangents. */
export function checkDotProduct(c: Case, seed: number, tolerance = 1e-12): void {
  const random = generator(seed);
  const { g, params, outputs } = programOf(c);
  const floats = params.filter((p) => isFloat(p.dtype));
  const floatOutputs = outputs.filter((y) => isFloat(y.dtype));
  const v = floats.map((p) => g.param('v', p));
  const w = floatOutputs.map((y) => g.param('w', y));
  const tangents = jvp(g, floatOutputs, floats, v).map((t, i) => materialize(g, t, at(floatOutputs, i)));
  const cotangents = vjp(g, floatOutputs, floats, w).map((t, i) => materialize(g, t, at(floats, i)));
  const vs = directions(floats, random);
  const ws = directions(floatOutputs, random);
  const out = evaluate([...tangents, ...cotangents], [...params, ...v, ...w], [...c.inputs, ...vs, ...ws], g);
  const [forth, back] = [out.slice(0, w.length), out.slice(w.length)];
  const sum = (a: readonly NdArray[], b: readonly NdArray[], f: typeof inner): number =>
    a.reduce((s, x, i) => s + f(x, at(b, i)), 0);
  const left = sum(forth, ws, inner);
  const right = sum(back, vs, inner);
  const scale = sum(forth, ws, size1) + sum(back, vs, size1);
  expect(Number.isFinite(left) && Number.isFinite(right), `${left} ${right}`).toBe(true);
  expect(Math.abs(left - right) / (scale || 1), `<w, Jv> = ${left}, <Jᵀw, v> = ${right}`).toBeLessThanOrEqual(
    tolerance,
  );
}

/** J v in forward mode against a central difference of sixth order: products of many numbers bend too much for lower ones. */
export function checkDifferences(c: Case, seed: number, tolerance = 1e-7): void {
  const random = generator(seed);
  const { g, params, outputs } = programOf(c);
  const moving = params.flatMap((p, i) => (isFloat(p.dtype) ? [i] : []));
  const floatOutputs = outputs.filter((y) => isFloat(y.dtype));
  const floats = moving.map((i) => at(params, i));
  const v = floats.map((p) => g.param('v', p));
  const tangents = jvp(g, floatOutputs, floats, v).map((t, i) => materialize(g, t, at(floatOutputs, i)));
  const vs = directions(floats, random);
  const exact = evaluate(tangents, [...params, ...v], [...c.inputs, ...vs], g);
  const h = 1e-3;
  const moved = (step: number): NdArray[] =>
    evaluate(floatOutputs, params, shifted(c.inputs, moving, vs, step), g);
  const behind = [moved(-h), moved(-2 * h), moved(-3 * h)];
  const ahead = [moved(h), moved(2 * h), moved(3 * h)];
  exact.forEach((t, k) => {
    const size = Math.max(1, ...t.data.map((x) => Math.abs(x)));
    t.data.forEach((x, i) => {
      const value = (list: readonly NdArray[]): number => at(list, k).data[i] ?? NaN;
      const difference = [45, -9, 1].reduce(
        (sum, weight, n) => sum + (weight * (value(at(ahead, n)) - value(at(behind, n)))) / (60 * h),
        0,
      );
      expect(
        Math.abs(x - difference) / size,
        `output ${k}[${i}]: ${x} against ${difference}`,
      ).toBeLessThanOrEqual(tolerance);
    });
  });
}

/** The float inputs (at positions `moving`) moved by step·v. */
function shifted(
  inputs: readonly NdArray[],
  moving: readonly number[],
  v: readonly NdArray[],
  step: number,
): NdArray[] {
  return inputs.map((x, i) => {
    const k = moving.indexOf(i);
    if (k < 0) return x;
    const direction = at(v, k);
    return array(x, (j) => (x.data[j] ?? NaN) + step * (direction.data[j] ?? NaN));
  });
}

/**
 * |w·f(x + hv) - w·f(x) - h w·J v| against h: the slope of a straight line through a sweep of steps must be 2 within 0.1, the gradient taken in reverse
 * mode. A remainder below rounding (a linear function) passes. In a direction in which the curvature happens to vanish the slope says nothing; a wrong
 * gradient has slope 1 in all directions, so one of three must do.
 */
export function checkTaylor(c: Case, seed: number): void {
  const slopes = [0, 1, 2].map((k) => () => taylorSlope(c, seed + 1000 * k));
  const seen: number[] = [];
  for (const slope of slopes) {
    const value = slope();
    if (Math.abs(value - 2) <= 0.1) return;
    seen.push(value);
  }
  expect(seen, 'Taylor slopes').toEqual([2, 2, 2]);
}

/** The slope of the Taylor remainder in a random direction; 2 when the remainder is rounding. */
function taylorSlope(c: Case, seed: number): number {
  const random = generator(seed);
  const { g, params, outputs } = programOf(c);
  const moving = params.flatMap((p, i) => (isFloat(p.dtype) ? [i] : []));
  const floatOutputs = outputs.filter((y) => isFloat(y.dtype));
  const floats = moving.map((i) => at(params, i));
  const ws = directions(floatOutputs, random);
  const vs = directions(floats, random);
  const w = floatOutputs.map((y) => g.param('w', y));
  const cts = vjp(g, floatOutputs, floats, w).map((t, i) => materialize(g, t, at(floats, i)));
  const slope = evaluate(cts, [...params, ...w], [...c.inputs, ...ws], g).reduce(
    (s, ct, i) => s + inner(ct, at(vs, i)),
    0,
  );
  const f = (step: number): number =>
    evaluate(floatOutputs, params, shifted(c.inputs, moving, vs, step), g).reduce(
      (s, y, i) => s + inner(y, at(ws, i)),
      0,
    );
  const base = f(0);
  const steps = [1e-3, 5e-4, 2.5e-4, 1.25e-4];
  const remainders = steps.map((h) => Math.abs(f(h) - base - h * slope));
  if (Math.max(...remainders) < 1e-11 * Math.max(1, Math.abs(base))) return 2;
  const x = steps.map((h) => Math.log(h));
  const y = remainders.map((r) => Math.log(r));
  const mean = (list: readonly number[]): number => list.reduce((s, a) => s + a, 0) / list.length;
  const [mx, my] = [mean(x), mean(y)];
  return x.reduce((s, a, i) => s + (a - mx) * (at(y, i) - my), 0) / x.reduce((s, a) => s + (a - mx) ** 2, 0);
}

/** Element i of a stack. */
function element(x: NdArray, i: number): NdArray {
  const shape = x.shape.slice(1);
  const size = sizeOf(shape);
  return ndarray(x.dtype, shape, [...x.data.slice(i * size, (i + 1) * size)]);
}

/**
 * `batch` over some inputs (mapped[i]: input i is a stack [n, ...]) against n evaluations, to the bit or, where sums are ordered differently,
 * to `tolerance`.
 */
export function checkBatch(
  build: Case['build'],
  inputs: readonly NdArray[],
  mapped: readonly boolean[],
  n: number,
  tolerance = 0,
): void {
  const g = new Graph();
  const single = inputs.map((x, i) => (mapped[i] === true ? element(x, 0) : x));
  const params = single.map((x, i) => g.param(`x${i}`, x));
  const outputs = build(g, params);
  const stacks = inputs.map((x, i) => g.param(`b${i}`, x));
  const mapping = new Map<Node, Node>();
  params.forEach((p, i) => {
    if (mapped[i] === true) mapping.set(p, at(stacks, i));
  });
  const batched = batch(g, outputs, mapping, n);
  const free = params.map((p, i) => (mapped[i] === true ? at(stacks, i) : p));
  const all = evaluate(batched, free, inputs, g);
  for (let e = 0; e < n; e++) {
    const one = evaluate(
      outputs,
      params,
      inputs.map((x, i) => (mapped[i] === true ? element(x, e) : x)),
      g,
    );
    one.forEach((y, k) => {
      const got = element(at(all, k), e);
      expect(got.shape).toEqual(y.shape);
      y.data.forEach((value, i) => {
        const error = Math.abs((got.data[i] ?? NaN) - value);
        const same =
          Object.is(got.data[i], value) ||
          got.data[i] === value ||
          error <= tolerance * Math.max(1, Math.abs(value));
        expect(same, `element ${e}, output ${k}[${i}]: ${got.data[i]} against ${value}`).toBe(true);
      });
    });
  }
}

/** Values of nodes of a program, for float scalars mostly. */
export function numbers(
  results: readonly Node[],
  params: readonly Node[],
  values: readonly NdArray[],
): number[][] {
  return evaluate(results, params, values).map((x) => [...x.data]);
}

export function countNodes(results: readonly Node[]): number {
  return reachable(results).length;
}

export function present(t: Tangent): Node {
  if (t === undefined) throw new Error('a symbolic zero where a derivative was expected');
  return t;
}
