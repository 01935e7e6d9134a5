// The makers of computations with a derivative of their own: `custom` and `linear_solve` (types.ts). What a callback uses from outside is captured, once for all
// regions of an operation; no bool crosses their borders.

import { InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import { cast, ne, projections } from './build.ts';
import type { Graph } from './graph.ts';
import { closeRegions } from './region.ts';
import type { Node, Region } from './types.ts';
import { isFloat } from './types.ts';

export interface CustomRequest {
  /** Of the function, for messages. */
  readonly name: string;
  /** What the rule differentiates in; never bool. */
  readonly args: readonly Node[];
  readonly primal: (args: readonly Node[]) => readonly Node[];
  readonly mode: 'tangent' | 'cotangent';
  /** `moves`: tangents of the float arguments, or cotangents of the float outputs. */
  readonly rule: (args: readonly Node[], outputs: readonly Node[], moves: readonly Node[]) => readonly Node[];
  /** A cotangent rule that is exact. */
  readonly exact?: boolean;
  /** What messages call a captured value. */
  readonly nameOf: (node: Node) => string;
}

const isFloatNode = (node: Node): boolean => isFloat(node.dtype);

/** The outputs of a computation with a rule. */
export function makeCustom(g: Graph, request: CustomRequest): Node[] {
  const { args, name, mode } = request;
  if (args.some((a) => a.dtype === 'bool')) throw new InternalError('ir.make_rules', 'a bool argument');
  const params = args.map((a, i) => g.param(`a${i}`, a));
  const outputs = request.primal(params);
  const packed = outputs.map((y) => (y.dtype === 'bool' ? cast(g, y, 'i32') : y));
  const again = args.map((a, i) => g.param(`a${i}`, a));
  const given = packed.map((y, i) => g.param(`y${i}`, y));
  const moving = mode === 'tangent' ? args.filter(isFloatNode) : packed.filter(isFloatNode);
  const moves = moving.map((x, i) => g.param(`d${i}`, x));
  const unpack = (nodes: readonly Node[]): Node[] =>
    nodes.map((y, i) => (at(outputs, i).dtype === 'bool' ? ne(g, y, 0) : y));
  const results = request.rule(again, unpack(given), moves);
  const { regions, captured } = closeRegions(g, [
    { params, results: packed },
    { params: [...again, ...given, ...moves], results },
  ]);
  const [primal, rule] = [at(regions, 0), at(regions, 1)];
  const own = again.length + given.length + moves.length;
  const n = args.length;
  const node = g.node('custom', [...args, ...captured], {
    name,
    args: n,
    captured: captured.map(request.nameOf),
    primal,
    mode,
    rule: {
      params: [...rule.params.slice(0, n), ...rule.params.slice(own), ...rule.params.slice(n, own)],
      results: rule.results,
    },
    ...(request.exact === true ? { exact: true } : {}),
  });
  return unpack(projections(g, node));
}

/** What `build` gives, computed again by reverse mode instead of kept. Nothing that was there before is computed inside. */
export function makeRecompute(g: Graph, build: () => readonly Node[]): Node[] {
  const { value: results, mark } = g.scope(build);
  const packed = results.map((y) => (y.dtype === 'bool' ? cast(g, y, 'i32') : y));
  const { regions, captured } = closeRegions(g, [{ params: [], results: packed }], mark);
  const node = g.node('custom', captured, {
    name: 'recompute',
    args: captured.length,
    captured: [],
    primal: at(regions, 0),
    mode: 'recompute',
    rule: { params: [], results: [] },
  });
  return projections(g, node).map((y, i) => (at(results, i).dtype === 'bool' ? ne(g, y, 0) : y));
}

type Map = (x: readonly Node[]) => readonly Node[];

export interface LinearSolveRequest {
  readonly right: readonly Node[];
  readonly operator: Map;
  readonly adjoint: Map;
  readonly solve: Map;
  readonly adjointSolve: Map;
}

/** x with A x = right: each function takes and gives arrays of the types of the right-hand side. */
export function makeLinearSolve(g: Graph, request: LinearSolveRequest): Node[] {
  const { right } = request;
  const region = (f: Map): Region => {
    const params = right.map((b, i) => g.param(`x${i}`, b));
    return { params, results: f(params) };
  };
  const { regions, captured } = closeRegions(
    g,
    [request.operator, request.adjoint, request.solve, request.adjointSolve].map(region),
  );
  const node = g.node('linear_solve', [...right, ...captured], {
    unknowns: right.length,
    operator: at(regions, 0),
    adjoint: at(regions, 1),
    solve: at(regions, 2),
    adjointSolve: at(regions, 3),
  });
  return projections(g, node);
}
