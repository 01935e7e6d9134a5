// The verifier of array IR: everything that must be true of a function between two passes. Throws InternalError naming the pass that broke it.
//
//   · operands are older than their users; types are what inference gives for the operands and attributes
//   · a region depends on no parameter but its own; its parameters are distinct `param` nodes
//   · region operations are read through `project` only
//   · no bool crosses the border of a loop or branch, but for the predicate and the condition
//   · constants are values of their type; steps, slots, snapshots and limits are in range
//   · inputs and outputs of the function have one name each

import { InternalError } from '../support/diagnostic.ts';
import { isCompound, regionsOf } from './classes.ts';
import { inferTypes } from './infer.ts';
import { reachable } from './region.ts';
import type { ArrayFunction, ArrayType, Node, Region } from './types.ts';
import { sameShape, showType } from './types.ts';

/** Checks a function; `pass` is the pass that made it. */
export function verifyFunction(fn: ArrayFunction, pass = 'ir.verify'): void {
  const say = failIn(pass, fn.name);
  if (fn.inputs.length !== fn.region.params.length)
    say(`${fn.inputs.length} input names for ${fn.region.params.length} parameters`);
  if (fn.outputs.length !== fn.region.results.length)
    say(`${fn.outputs.length} output names for ${fn.region.results.length} results`);
  for (const names of [fn.inputs, fn.outputs]) {
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) say(`the name ${twice} is given twice`);
  }
  verifyRegion(fn.region, say, fn.name, new Set());
}

type Say = (message: string) => never;

function failIn(pass: string, name: string): Say {
  return (message) => {
    throw new InternalError(pass, `invalid IR in ${name}: ${message}`);
  };
}

const show = (node: Node): string =>
  `%${node.id} = ${node.op}(${node.args.map((a) => `%${a.id}`).join(', ')})`;

function verifyRegion(region: Region, say: Say, where: string, done: Set<Region>): void {
  if (done.has(region)) return;
  done.add(region);
  const own = new Set(region.params);
  if (own.size !== region.params.length) say(`${where}: a parameter is listed twice`);
  for (const param of region.params)
    if (param.op !== 'param') say(`${where}: ${show(param)} is listed as a parameter`);
  for (const node of reachable(region.results)) {
    if (node.op === 'param') {
      if (!own.has(node))
        say(`${where}: depends on parameter ${node.attrs.name} (%${node.id}) of another region`);
      continue;
    }
    verifyNode(node, say, where);
    for (const [role, inner] of regionsOf(node))
      verifyRegion(inner, say, `${where} › ${role} of %${node.id}`, done);
  }
  for (const result of region.results)
    if (isCompound(result)) say(`${where}: ${show(result)} is a result, without project`);
}

function verifyNode(node: Node, say: Say, where: string): void {
  for (const arg of node.args) {
    if (arg.id >= node.id) say(`${where}: ${show(node)} is older than its operand %${arg.id}`);
    if (isCompound(arg) && node.op !== 'project')
      say(`${where}: ${show(node)} uses ${arg.op} without project`);
  }
  if (node.op === 'project' && !node.args.every(isCompound))
    say(`${where}: ${show(node)} projects no region`);
  const types = inferTypes<typeof node.op>(node.op, node.args, node.attrs, node.dtype);
  if (types.length !== node.outputs.length || !types.every((t, i) => sameType(t, node.outputs[i])))
    say(`${where}: ${show(node)} is declared ${showAll(node.outputs)}, inferred ${showAll(types)}`);
  const first = node.outputs[0];
  if (first !== undefined && !sameType(first, node))
    say(`${where}: ${show(node)} has outputs ${showAll(node.outputs)} but type ${showType(node)}`);
  verifyAttributes(node, say, where);
}

function sameType(a: ArrayType, b: ArrayType | undefined): boolean {
  return b !== undefined && a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

const showAll = (types: readonly ArrayType[]): string => `(${types.map(showType).join(', ')})`;

function representable(value: number, node: Node): boolean {
  switch (node.dtype) {
    case 'f64':
      return true;
    case 'f32':
      return Object.is(Math.fround(value), value);
    case 'i32':
      return (value | 0) === value;
    case 'u32':
      return value >>> 0 === value;
    case 'bool':
      return value === 0 || value === 1;
  }
}

const isCount = (n: number): boolean => Number.isInteger(n) && n >= 0;

function verifyAttributes(node: Node, say: Say, where: string): void {
  switch (node.op) {
    case 'const':
      if (!representable(node.attrs.value, node)) say(`${where}: ${node.attrs.value} is no ${node.dtype}`);
      break;
    case 'literal':
      if (!node.attrs.data.every((x) => representable(x, node)))
        say(`${where}: ${show(node)} holds a value that is no ${node.dtype}`);
      break;
    case 'iota':
      if (node.dtype === 'bool') say(`${where}: ${show(node)} of bool`);
      break;
    case 'scan': {
      const { length, snapshots } = node.attrs;
      if (!isCount(length)) say(`${where}: ${show(node)} of ${length} steps`);
      if (!isCount(snapshots) || snapshots > Math.max(1, length))
        say(`${where}: ${show(node)} keeps ${snapshots} of ${length} states`);
      break;
    }
    case 'adjoint_scan': {
      const { length, slots } = node.attrs;
      if (!isCount(length) || !isCount(slots) || slots < 1 || slots > Math.max(1, length))
        say(`${where}: ${show(node)} of ${length} steps with ${slots} slots`);
      break;
    }
    case 'while':
      if (!isCount(node.attrs.limit)) say(`${where}: ${show(node)} limited to ${node.attrs.limit} turns`);
      break;
    default:
      break;
  }
  for (const [role, region] of regionsOf(node)) {
    const results = role === 'condition' ? [] : region.results;
    if ([...region.params, ...results].some((n) => n.dtype === 'bool'))
      say(`${where}: a bool crosses the border of ${role} of ${show(node)}`);
  }
}
