// Constant folding: an operation on scalar constants and small literals becomes a constant or a literal, by running the interpreter's own kernel.
// Results of type f32 are rounded to it. A result that is not finite is left as the operation: shader languages have no literal for it.

import { SMALL_LITERAL } from './classes.ts';
import { broadcastAxes } from './build.ts';
import { isEvaluated, kernelOf } from './evaluate.ts';
import type { Graph } from './graph.ts';
import { allocate } from './ndarray.ts';
import type { Data } from './ndarray.ts';
import { splatOf } from './pattern.ts';
import type { RewriteRule } from './rewrite_rule.ts';
import type { ArrayType, Attributes, Node, OpName } from './types.ts';
import { isFloat, sizeOf } from './types.ts';

/** The values of a constant, a small literal, or a small array of one constant. */
function valuesOf(node: Node): Data | undefined {
  if (node.op !== 'const' && node.op !== 'literal' && node.op !== 'broadcast') return undefined;
  const size = sizeOf(node.shape);
  if (size > SMALL_LITERAL) return undefined;
  const data = allocate(node.dtype, size);
  if (node.op === 'literal') {
    data.set(node.attrs.data);
    return data;
  }
  const value = splatOf(node);
  return value === undefined ? undefined : data.fill(value);
}

export function foldConstants<P extends OpName>(
  g: Graph,
  op: P,
  args: readonly Node[],
  attrs: Attributes[P],
  type: ArrayType,
): Node | undefined {
  if (args.length === 0 || sizeOf(type.shape) > SMALL_LITERAL || !isEvaluated(op)) return undefined;
  // Arrays of one value are the business of the rules for uniform operands; a broadcast constant is their normal form.
  if (type.shape.length > 0 && args.every((a) => splatOf(a) !== undefined)) return undefined;
  const inputs: Data[] = [];
  for (const arg of args) {
    const values = valuesOf(arg);
    if (values === undefined) return undefined;
    inputs.push(values);
  }
  const out = allocate(type.dtype, sizeOf(type.shape));
  kernelOf(op, { op, id: -1, args, attrs, outputs: [type], ...type, origin: undefined })(out, inputs);
  const rounded = Float64Array.from(out, (x) => (type.dtype === 'f32' ? Math.fround(x) : x));
  if (isFloat(type.dtype) && !rounded.every(Number.isFinite)) return undefined;
  return type.shape.length === 0
    ? g.constant(rounded[0] ?? 0, type.dtype)
    : g.literal(rounded, type.shape, type.dtype);
}

/** A literal of one value everywhere is a broadcast constant. */
export const literalRule: RewriteRule<'literal'> = (g, _args, { data, shape }, type) => {
  const value = data[0] ?? 0;
  if (!data.every((x) => Object.is(x, value))) return undefined;
  const scalar = g.constant(value, type.dtype);
  return shape.length === 0 ? scalar : broadcastAxes(g, scalar, shape, []);
};
