// Reverse mode: transpose of the linearisation. The function is pushed forward with fresh tangent parameters (jvp.ts); what depends on them is its
// derivative as a linear program; transposing it (transpose.ts) gives the pullback. The tangent parameters vanish on the way.

import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/types.ts';
import { isFloat, sameShape, showType } from '../ir/types.ts';
import { push } from './jvp.ts';
import { absorbLoops } from './absorb_loops.ts';
import type { Tangent } from './tangent.ts';
import { transposeLinear } from './transpose.ts';

/** A function's derivative at a point, as a program: `results` are linear in `params`, one for each float input. */
export interface LinearProgram {
  readonly params: readonly Tangent[];
  readonly results: readonly Tangent[];
}

/** The derivative of `outputs` with respect to `inputs`, in a form that can be transposed. */
export function linearize(g: Graph, outputs: readonly Node[], inputs: readonly Node[]): LinearProgram {
  const params = inputs.map((x, i) => (isFloat(x.dtype) ? g.param(`t${i}`, x) : undefined));
  const seeds = new Map<Node, Node>();
  inputs.forEach((x, i) => {
    const param = params[i];
    if (param === undefined) return;
    if (seeds.has(x)) throw new InternalError('autodiff.vjp', 'one input given twice');
    seeds.set(x, param);
  });
  return { params, results: push(g, outputs, seeds, { linearize: true }) };
}

/**
 * Cotangents of `inputs` (any nodes, mostly parameters) for cotangents of `outputs`; undefined stands for zero on both sides. The gradient of a scalar is
 * its vjp at 1.
 */
export function vjp(
  g: Graph,
  outputs: readonly Node[],
  inputs: readonly Node[],
  cotangents: readonly Tangent[],
): Tangent[] {
  return valueAndVjp(g, outputs, inputs, cotangents).cotangents;
}

export interface ValueAndVjp {
  /** The outputs, from the loops that the reverse sweep needs anyway. */
  readonly values: readonly Node[];
  readonly cotangents: Tangent[];
}

export function valueAndVjp(
  g: Graph,
  outputs: readonly Node[],
  inputs: readonly Node[],
  cotangents: readonly Tangent[],
): ValueAndVjp {
  if (outputs.length !== cotangents.length)
    throw new InternalError('autodiff.vjp', `${outputs.length} outputs, ${cotangents.length} cotangents`);
  outputs.forEach((y, i) => {
    const ct = cotangents[i];
    if (ct !== undefined && (ct.dtype !== y.dtype || !sameShape(ct.shape, y.shape)))
      throw new InternalError('autodiff.vjp', `cotangent ${showType(ct)} of ${showType(y)}`);
  });
  const { params, results } = linearize(g, outputs, inputs);
  const moving = results.flatMap((r, i) => (r === undefined || cotangents[i] === undefined ? [] : [i]));
  const sources = params.filter((p) => p !== undefined);
  const pulled = transposeLinear(
    g,
    moving.map((i) => required(results[i])),
    moving.map((i) => cotangents[i]),
    sources,
  );
  const byInput = params.map((p): Tangent => (p === undefined ? undefined : pulled[sources.indexOf(p)]));
  const merged = absorbLoops(g, [...outputs, ...byInput.filter((ct) => ct !== undefined)]);
  let next = outputs.length;
  return {
    values: merged.slice(0, outputs.length),
    cotangents: byInput.map((ct): Tangent => (ct === undefined ? undefined : at(merged, next++))),
  };
}

function required(t: Tangent): Node {
  if (t === undefined) throw new InternalError('autodiff.vjp', 'a result without tangent');
  return t;
}
