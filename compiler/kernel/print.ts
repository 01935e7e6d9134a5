// The kernel IR as text, for `flowc build --dump kernels`, tests and error messages. In: kernels. Out: stable text, one statement a line:
//
//   kernel heat_stage1: map (i: 0..64, j: 0..64)                 # heat.flow:12
//     read u: f32[4096], write k1: f32[4096]
//     let a = u[i * 64 + j]
//     k1[i * 64 + j] = a * 4096
//
// Parentheses only where precedence asks for them; casts are written as calls of the type.

import type { BinaryOp, CompareOp } from '../ir/types.ts';
import { assertNever } from '../support/diagnostic.ts';
import { lineColumn, type Span } from '../support/span.ts';
import type { Expr, Kernel, KernelBuffer, MatrixView, Statement } from './types.ts';

type Names = Pick<Kernel, 'buffers' | 'uniforms'>;

/** Binding strengths, as in most languages; 9 is an atom. */
const strength = { or: 1, and: 2, compare: 3, bits: 4, shift: 5, sum: 6, product: 7, prefix: 8, atom: 9 };

const infix: { readonly [P in BinaryOp]?: readonly [sign: string, strength: number] } = {
  add: ['+', strength.sum],
  sub: ['-', strength.sum],
  mul: ['*', strength.product],
  div: ['/', strength.product],
  and: ['&', strength.bits],
  or: ['|', strength.bits],
  xor: ['^', strength.bits],
  shl: ['<<', strength.shift],
  shr: ['>>', strength.shift],
};

const compareSign: { readonly [P in CompareOp]: string } = { eq: '==', ne: '!=', lt: '<', le: '<=' };

export function printKernels(kernels: readonly Kernel[]): string {
  return kernels.map(printKernel).join('\n');
}

export function printKernel(kernel: Kernel): string {
  const lines: string[] = [];
  const places = kernel.origins.map(printPlace).join(', ');
  const comment = places === '' ? '' : `   # ${places}`;
  if (kernel.kind === 'map') {
    const space = kernel.space.map((extent, axis) => `${kernel.axes[axis] ?? '?'}: 0..${extent}`).join(', ');
    lines.push(`kernel ${kernel.name}: map (${space})${comment}`);
  } else {
    const { batch, m, n, k, type } = kernel;
    lines.push(`kernel ${kernel.name}: matmul ${type} batch ${batch}, m ${m}, n ${n}, k ${k}${comment}`);
  }
  lines.push(`  ${kernel.buffers.map(printBuffer).join(', ')}`);
  if (kernel.uniforms.length > 0) lines.push(`  uniform ${kernel.uniforms.join(', ')}`);
  if (kernel.kind === 'map') printStatements(kernel.body, kernel, '  ', lines);
  else {
    lines.push(
      `  ${printView(kernel.c, kernel)} = ${printView(kernel.a, kernel)} @ ${printView(kernel.b, kernel)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** `heat.flow:12` */
export function printPlace(span: Span): string {
  return `${span.file.path}:${lineColumn(span.file, span.start).line}`;
}

function printBuffer(b: KernelBuffer): string {
  return `${b.access} ${b.name}: ${b.type}[${b.length}]`;
}

function printView(view: MatrixView, names: Names): string {
  const { offset, batchStride, rowStride, columnStride } = view;
  return `${bufferName(names, view.buffer)}[${offset} + b*${batchStride} + row*${rowStride} + column*${columnStride}]`;
}

function bufferName(names: Names, index: number): string {
  return names.buffers[index]?.name ?? `buffer${index}`;
}

export function printStatements(
  list: readonly Statement[],
  names: Names,
  indent: string,
  lines: string[],
): void {
  const inner = `${indent}  `;
  const show = (e: Expr) => printExpr(e, names);
  for (const s of list) {
    switch (s.kind) {
      case 'let':
        lines.push(`${indent}let ${s.name} = ${show(s.value)}`);
        break;
      case 'random_block':
        lines.push(
          `${indent}let ${s.names.join(', ')} = random(${s.key.map(show).join(', ')}; ${s.counter.map(show).join(', ')})`,
        );
        break;
      case 'var':
        lines.push(`${indent}var ${s.name}: ${s.value.type} = ${show(s.value)}`);
        break;
      case 'assign':
        lines.push(`${indent}${s.name} = ${show(s.value)}`);
        break;
      case 'array':
        lines.push(`${indent}array ${s.name}: ${s.type}[${s.length}]`);
        break;
      case 'assign_local':
        lines.push(`${indent}${s.array}[${show(s.index)}] = ${show(s.value)}`);
        break;
      case 'store':
        lines.push(`${indent}${bufferName(names, s.buffer)}[${show(s.index)}] = ${show(s.value)}`);
        break;
      case 'for':
        lines.push(`${indent}for ${s.name} in ${show(s.from)}..${show(s.to)}${s.down ? ' downwards' : ''} {`);
        printStatements(s.body, names, inner, lines);
        lines.push(`${indent}}`);
        break;
      case 'while':
        lines.push(`${indent}while ${s.counter} < ${s.limit} {`);
        printStatements(s.before, names, inner, lines);
        lines.push(`${inner}stop unless ${show(s.condition)}`);
        printStatements(s.body, names, inner, lines);
        lines.push(`${indent}}`);
        break;
      case 'if':
        lines.push(`${indent}if ${s.together === true ? 'any ' : ''}${show(s.condition)} {`);
        printStatements(s.then, names, inner, lines);
        if (s.else.length > 0) {
          lines.push(`${indent}} else {`);
          printStatements(s.else, names, inner, lines);
        }
        lines.push(`${indent}}`);
        break;
      case 'reduce': {
        const loops = s.loops.map((l) => `${l.name}: 0..${l.extent}`).join(', ');
        lines.push(`${indent}let ${s.name} = ${s.combine} over (${loops}) {`);
        printStatements(s.body, names, inner, lines);
        lines.push(`${inner}${show(s.value)}`, `${indent}}`);
        break;
      }
      default:
        assertNever(s);
    }
  }
}

/** An expression as text; `names` gives buffers and uniforms their names. */
export function printExpr(e: Expr, names: Names = { buffers: [], uniforms: [] }): string {
  return show(e, names, 0);
}

function show(e: Expr, names: Names, outer: number): string {
  const [text, own] = describe(e, names);
  return own < outer ? `(${text})` : text;
}

/** Text and binding strength. */
function describe(e: Expr, names: Names): readonly [string, number] {
  const plain = (x: Expr) => show(x, names, 0);
  const call = (name: string, ...args: readonly Expr[]): readonly [string, number] => [
    `${name}(${args.map(plain).join(', ')})`,
    strength.atom,
  ];
  switch (e.kind) {
    case 'const': {
      if (e.type === 'bool') return [e.value === 0 ? 'false' : 'true', strength.atom];
      const text = Object.is(e.value, -0) ? '-0' : String(e.value);
      return [e.type === 'u32' ? `${text}u` : text, text.startsWith('-') ? strength.prefix : strength.atom];
    }
    case 'var':
      return [e.name, strength.atom];
    case 'uniform':
      return [names.uniforms[e.index] ?? `uniform${e.index}`, strength.atom];
    case 'load':
      return [`${bufferName(names, e.buffer)}[${plain(e.index)}]`, strength.atom];
    case 'local':
      return [`${e.array}[${plain(e.index)}]`, strength.atom];
    case 'unary':
      if (e.op === 'neg' || e.op === 'not') {
        const sign = e.op === 'neg' ? '-' : e.type === 'bool' ? '!' : '~';
        return [`${sign}${show(e.a, names, strength.prefix + 1)}`, strength.prefix];
      }
      return call(e.op, e.a);
    case 'binary': {
      const logical = e.type === 'bool' ? { and: '&&', or: '||', xor: '!=' } : undefined;
      if (logical !== undefined && (e.op === 'and' || e.op === 'or' || e.op === 'xor')) {
        const own = e.op === 'xor' ? strength.compare : strength[e.op];
        const side = e.op === 'xor' ? own + 1 : own;
        return [`${show(e.a, names, side)} ${logical[e.op]} ${show(e.b, names, own + 1)}`, own];
      }
      const entry = infix[e.op];
      if (entry === undefined) return call(e.op, e.a, e.b);
      const [sign, own] = entry;
      if (e.rounded === true)
        return [`rounded(${show(e.a, names, own)} ${sign} ${show(e.b, names, own + 1)})`, strength.atom];
      return [`${show(e.a, names, own)} ${sign} ${show(e.b, names, own + 1)}`, own];
    }
    case 'compare': {
      const side = strength.compare + 1;
      return [`${show(e.a, names, side)} ${compareSign[e.op]} ${show(e.b, names, side)}`, strength.compare];
    }
    case 'select':
      return call('select', e.condition, e.then, e.else);
    case 'cast':
      return call(e.type, e.a);
    case 'bitcast':
      return call(`bits_as_${e.type}`, e.a);
    case 'random':
      return [
        `random(${e.key.map(plain).join(', ')}; ${e.counter.map(plain).join(', ')})[${e.word}]`,
        strength.atom,
      ];
    default:
      return assertNever(e);
  }
}
