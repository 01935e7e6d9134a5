// The text form of array IR, for `--dump array` and for tests. Stable: nodes are numbered in order of appearance, so the text depends on the program and not
// on what else its graph has seen.
//
//   function heat(%0 u0: f64[64], %1 k: f64) {
//     %2: (f64[64]) = scan(%0; const %1) length 100 {
//       body(%3 step: i32, %4 carry0: f64[64], %5 k: f64) {
//         %6: f64[64] = mul %4, %5   # heat.flow:12
//         yield %6
//       }
//     }
//     %7: f64[64] = project %2, 0
//     return u: %7
//   }
//
// Scalar constants are written where they are used. Regions are closed, so each numbers its nodes anew from where the count stands.

import { assertNever } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import { lineColumn } from '../support/span.ts';
import { regionsOf } from './classes.ts';
import { reachable } from './region.ts';
import type { AdjointPolicy, ArrayFunction, ArrayType, DType, Node, Region } from './types.ts';
import { isFloat, showType } from './types.ts';

export interface PrintOptions {
  /** Append the place in the `.flow` text each node came from, as `# file:line`. */
  readonly origins?: boolean;
}

/** Literals longer than this are abbreviated. */
const SHOWN_ELEMENTS = 8;

interface Printer {
  readonly lines: string[];
  readonly options: PrintOptions;
  count: number;
}

type Names = Map<Node, string>;

export function printFunction(fn: ArrayFunction, options: PrintOptions = {}): string {
  const printer: Printer = { lines: [], options, count: 0 };
  const names: Names = new Map();
  const params = fn.region.params.map((p, i) => declare(printer, names, p, fn.inputs[i]));
  printer.lines.push(`function ${fn.name}(${params.join(', ')}) {`);
  printBody(printer, names, fn.region, '  ');
  const outputs = fn.region.results.map((r, i) => `${fn.outputs[i] ?? '?'}: ${refer(names, r)}`);
  printer.lines.push(`  return ${outputs.join(', ')}`, '}');
  return printer.lines.join('\n') + '\n';
}

/** A region by itself, in the form it has inside a function. */
export function printRegion(region: Region, options: PrintOptions = {}): string {
  const printer: Printer = { lines: [], options, count: 0 };
  printNested(printer, 'region', region, '');
  return printer.lines.join('\n') + '\n';
}

function declare(printer: Printer, names: Names, param: Node, name?: string): string {
  const id = `%${printer.count++}`;
  names.set(param, id);
  const shown = name ?? (param.op === 'param' ? param.attrs.name : '');
  return `${id} ${shown}: ${showType(param)}`;
}

function refer(names: Names, node: Node): string {
  if (node.op === 'const') return showNumber(node.attrs.value, node.dtype);
  return names.get(node) ?? `?${node.id}`;
}

/** The shortest text that reads back as the number; floats show a point or exponent. */
function showNumber(value: number, dtype: DType): string {
  if (dtype === 'bool') return value === 0 ? 'false' : 'true';
  const text = Object.is(value, -0) ? '-0' : String(dtype === 'f32' ? shortest(value) : value);
  if (isFloat(dtype)) return /[.e]|Infinity|NaN/.test(text) ? text : `${text}.0`;
  return dtype === 'u32' ? `${text}u` : text;
}

/** The fewest digits that still round to this f32 value. */
function shortest(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Object.is(Math.fround(short), value)) return short;
  }
  return value;
}

function printBody(printer: Printer, names: Names, region: Region, indent: string): void {
  for (const node of reachable(region.results, new Set(region.params))) {
    if (node.op === 'const' || names.has(node)) continue;
    const id = `%${printer.count++}`;
    names.set(node, id);
    const text = `${indent}${id}: ${showOutputs(node)} = ${showOperation(names, node)}`;
    const nested = regionsOf(node);
    printer.lines.push(`${text}${nested.length > 0 ? ' {' : ''}${showOrigin(printer, node)}`);
    for (const [role, inner] of nested) printNested(printer, role, inner, `${indent}  `);
    if (nested.length > 0) printer.lines.push(`${indent}}`);
  }
}

function printNested(printer: Printer, role: string, region: Region, indent: string): void {
  const names: Names = new Map();
  const params = region.params.map((p) => declare(printer, names, p));
  printer.lines.push(`${indent}${role}(${params.join(', ')}) {`);
  printBody(printer, names, region, `${indent}  `);
  printer.lines.push(
    `${indent}  yield ${region.results.map((r) => refer(names, r)).join(', ')}`,
    `${indent}}`,
  );
}

function showOrigin(printer: Printer, node: Node): string {
  if (printer.options.origins !== true || node.origin === undefined) return '';
  const { file, start } = node.origin;
  return `   # ${file.path}:${lineColumn(file, start).line}`;
}

function showOutputs(node: Node): string {
  if (regionsOf(node).length === 0) return showType(node);
  return `(${node.outputs.map((t: ArrayType) => showType(t)).join(', ')})`;
}

const list = (numbers: readonly number[]): string => `[${numbers.join(', ')}]`;

/** `a, b; xs c; const d`: the operands of a loop in their groups. */
function groups(refs: readonly string[], sizes: readonly (readonly [string, number])[]): string {
  let start = 0;
  const parts: string[] = [];
  for (const [word, size] of sizes) {
    const group = refs.slice(start, start + size).join(', ');
    if (size > 0) parts.push(word === '' ? group : `${word} ${group}`);
    start += size;
  }
  return `(${parts.join('; ')})`;
}

function showPolicy(policy: AdjointPolicy): string {
  switch (policy.kind) {
    case 'auto':
      return '';
    case 'store':
    case 'recompute':
    case 'reversible':
      return ` adjoint ${policy.kind}`;
    case 'checkpoint':
      return ` adjoint checkpoint ${policy.bytes} bytes`;
    default:
      return assertNever(policy);
  }
}

function showOperation(names: Names, node: Node): string {
  const refs = node.args.map((a) => refer(names, a));
  const plain = refs.length > 0 ? `${node.op} ${refs.join(', ')}` : node.op;
  const all = refs.length;
  switch (node.op) {
    case 'literal': {
      const { data } = node.attrs;
      const shown = Array.from(data.subarray(0, SHOWN_ELEMENTS), (x) => showNumber(x, node.dtype));
      return `literal [${shown.join(', ')}${data.length > SHOWN_ELEMENTS ? `, … ${data.length}` : ''}]`;
    }
    case 'param':
      return `free parameter ${node.attrs.name}`;
    case 'iota':
      return `iota axis ${node.attrs.axis}`;
    case 'random_bits':
      return `${plain} word ${node.attrs.word}`;
    case 'transpose':
      return `${plain} perm ${list(node.attrs.perm)}`;
    case 'broadcast':
      return `${plain} axes ${list(node.attrs.axes)}`;
    case 'slice': {
      const { start, limit, stride } = node.attrs;
      const axis = (s: number, i: number): string => {
        const d = at(stride, i);
        return `${s}:${at(limit, i)}${d === 1 ? '' : `:${d}`}`;
      };
      return `${plain} [${start.map(axis).join(', ')}]`;
    }
    case 'pad': {
      const { low, high, interior } = node.attrs;
      const axis = (l: number, i: number): string => {
        const n = at(interior, i);
        return `${l}+${at(high, i)}${n === 0 ? '' : `/${n}`}`;
      };
      return `${plain} [${low.map(axis).join(', ')}]`;
    }
    case 'concat':
      return `${plain} axis ${node.attrs.axis}`;
    case 'reverse':
      return `${plain} axes ${list(node.attrs.axes)}`;
    case 'roll':
      return `${plain} axis ${node.attrs.axis} by ${node.attrs.shift}`;
    case 'reduce':
      return `${node.attrs.kind} ${refs.join(', ')} axes ${list(node.attrs.axes)}`;
    case 'arg_reduce':
      return `arg_${node.attrs.kind} ${refs.join(', ')} axis ${node.attrs.axis}`;
    case 'cumsum':
      return `${plain} axis ${node.attrs.axis}${node.attrs.reverse ? ' reverse' : ''}`;
    case 'gather':
      return `${plain}${node.attrs.batch > 0 ? ` batch ${node.attrs.batch}` : ''}`;
    case 'scatter_add':
      return `${plain} size ${node.attrs.size}${node.attrs.batch > 0 ? ` batch ${node.attrs.batch}` : ''}`;
    case 'rows_of':
      return `${plain} size ${node.attrs.size}${node.attrs.batch > 0 ? ` batch ${node.attrs.batch}` : ''}`;
    case 'project':
      return `${plain}, ${node.attrs.index}`;
    case 'scan': {
      const s = node.attrs;
      const operands = groups(refs, [
        ['', s.carries],
        ['xs', s.xs],
        ['const', all - s.carries - s.xs],
      ]);
      const snapshots = s.snapshots > 0 ? ` snapshots ${s.snapshots}` : '';
      return `scan${operands} length ${s.length}${s.reverse ? ' reverse' : ''}${snapshots}${showPolicy(s.adjoint)}`;
    }
    case 'adjoint_scan': {
      const s = node.attrs;
      const operands = groups(refs, [
        ['snapshots', s.carries],
        ['cotangents', s.cotangents],
        ['xs', s.xs],
        ['const', all - s.carries - s.cotangents - s.xs],
      ]);
      return `adjoint_scan${operands} length ${s.length} slots ${s.slots}`;
    }
    case 'while': {
      const { carries, limit, lanes = 0 } = node.attrs;
      return `while${groups(refs, [
        ['', carries],
        ['const', all - carries],
      ])} limit ${limit}${lanes > 0 ? ` lanes ${lanes}` : ''}`;
    }
    case 'cond': {
      const { lanes = 0 } = node.attrs;
      return `cond${groups(refs, [
        ['', 1],
        ['given', all - 1],
      ])}${lanes > 0 ? ` lanes ${lanes}` : ''}`;
    }
    case 'custom':
      return `custom ${node.attrs.name}${groups(refs, [
        ['', node.attrs.args],
        ['const', all - node.attrs.args],
      ])} ${node.attrs.mode}`;
    case 'transposed':
      return `transposed ${node.attrs.name}${groups(refs, [
        ['residuals', node.attrs.residuals],
        ['of', all - node.attrs.residuals],
      ])}`;
    case 'check':
      return `check ${node.attrs.site}${groups(refs, [
        ['', node.attrs.values],
        ['holds', 1],
        ['shows', all - node.attrs.values - 1],
      ])}`;
    case 'linear_solve':
      return `linear_solve${groups(refs, [
        ['', node.attrs.unknowns],
        ['const', all - node.attrs.unknowns],
      ])}`;
    default:
      // The remaining operations have no attributes, or only what the result type shows.
      return plain;
  }
}
