// Derivatives of functions of nodes: gradients, Hessian-vector products, Jacobians. Conveniences over jvp, vjp and batch; all of them nest, since what they
// give is array IR again.

import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import { cast, eq, full, onesLike, reshape, transposePerm } from '../ir/build.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/types.ts';
import { isFloat, showType, sizeOf } from '../ir/types.ts';
import { batch } from './batch.ts';
import { jvp } from './jvp.ts';
import { absorbLoops } from './absorb_loops.ts';
import type { Tangent } from './tangent.ts';
import { materialize } from './tangent.ts';
import { valueAndVjp, vjp } from './vjp.ts';

/** The gradient of a float scalar by each input, zeros where it does not depend on it. */
export function gradientOf(g: Graph, scalar: Node, inputs: readonly Node[]): Node[] {
  return [...valueAndGradientOf(g, scalar, inputs).gradient];
}

/** The scalar, from the loops that the gradient runs anyway, and its gradient. */
export function valueAndGradientOf(
  g: Graph,
  scalar: Node,
  inputs: readonly Node[],
): { readonly value: Node; readonly gradient: readonly Node[] } {
  if (scalar.shape.length !== 0 || !isFloat(scalar.dtype))
    throw new InternalError('autodiff', `the gradient of ${showType(scalar)}`);
  const { values, cotangents } = valueAndVjp(g, [scalar], inputs, [onesLike(g, scalar)]);
  return {
    value: at(values, 0),
    gradient: inputs.map((x, i) => materialize(g, cotangents[i], x)),
  };
}

/** Outputs and their tangents together, so that a loop computes both in one sweep. */
export function valueAndJvp(
  g: Graph,
  outputs: readonly Node[],
  inputs: readonly Node[],
  tangents: readonly Tangent[],
): { readonly values: readonly Node[]; readonly tangents: Tangent[] } {
  const pushed = jvp(g, outputs, inputs, tangents);
  const merged = absorbLoops(g, [...outputs, ...pushed.filter((t) => t !== undefined)]);
  let next = outputs.length;
  return {
    values: merged.slice(0, outputs.length),
    tangents: pushed.map((t): Tangent => (t === undefined ? undefined : at(merged, next++))),
  };
}

/** The second derivative of a scalar in the directions given: forward mode over reverse mode, H v by input. */
export function hvp(g: Graph, scalar: Node, inputs: readonly Node[], directions: readonly Tangent[]): Node[] {
  const gradient = gradientOf(g, scalar, inputs);
  const { tangents } = valueAndJvp(g, gradient, inputs, directions);
  return inputs.map((x, i) => materialize(g, tangents[i], x));
}

/** The unit arrays of a type, stacked: [size, ...shape]. */
function basis(g: Graph, like: Node): Node {
  const size = sizeOf(like.shape);
  const row = g.iota([size, size], 0, 'i32');
  const column = g.iota([size, size], 1, 'i32');
  return reshape(g, cast(g, eq(g, row, column), like.dtype), [size, ...like.shape]);
}

/** Jacobian [...output, ...input] by one forward sweep a column, all columns as one batch. Cheap when the input is small. */
export function jacobianForward(g: Graph, output: Node, input: Node): Node {
  const size = sizeOf(input.shape);
  const direction = g.param('direction', input);
  const [tangent] = jvp(g, [output], [input], [direction]);
  if (tangent === undefined) return full(g, [...output.shape, ...input.shape], 0, output.dtype);
  const columns = at(batch(g, [tangent], new Map([[direction, basis(g, input)]]), size), 0);
  const rank = output.shape.length;
  const turned = transposePerm(g, columns, [...columns.shape.map((_, axis) => axis).slice(1), 0]);
  return reshape(g, turned, [...turned.shape.slice(0, rank), ...input.shape]);
}

/** Jacobian [...output, ...input] by one reverse sweep a row, all rows as one batch. Cheap when the output is small. */
export function jacobianReverse(g: Graph, output: Node, input: Node): Node {
  const size = sizeOf(output.shape);
  const weight = g.param('weight', output);
  const [ct] = vjp(g, [output], [input], [weight]);
  if (ct === undefined) return full(g, [...output.shape, ...input.shape], 0, output.dtype);
  const rows = at(batch(g, [ct], new Map([[weight, basis(g, output)]]), size), 0);
  return reshape(g, rows, [...output.shape, ...input.shape]);
}
