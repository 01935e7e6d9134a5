// The oracle of the kernel IR: a kernel becomes one JavaScript function over typed arrays. In: a kernel. Out: a function that runs one dispatch, point after point in
// row-major order. Arithmetic is float64, or rounded to float32 after every operation (`rounding: 'f32'`), so that the code of a target can be compared with it.
// Used by tests and by the reference executor, never by a run of a program. Stores outside a buffer throw (the scheduler's bug); loads outside give NaN or 0.
// Invariant: names of the kernel get the prefix `v_`, so that no reserved word of JavaScript can meet them.

import type { BinaryOp, CompareOp, DType, UnaryOp } from '../ir/types.ts';
import { assertNever, InternalError } from '../support/diagnostic.ts';
import { at } from '../support/lists.ts';
import { threefry4x32 } from '../support/threefry.ts';
import type { BufferType, Expr, Kernel, MapKernel, MatmulKernel, Statement } from './types.ts';

/** How float arithmetic is done: in float64 throughout, or rounded to float32 after every operation on f32 values. */
export type Rounding = 'f64' | 'f32';

/** f32 buffers are Float64Array under rounding `f64`, Float32Array under `f32`; i32 and u32 buffers are Int32Array and Uint32Array. */
export type KernelArray = Float64Array | Float32Array | Int32Array | Uint32Array;

/** Runs one dispatch: `buffers[i]` is the kernel's buffer i (at least its length), `uniforms[i]` its run-time integer i. */
export type KernelFunction = (buffers: readonly KernelArray[], uniforms: readonly number[]) => void;

export function compileKernel(kernel: Kernel, rounding: Rounding = 'f64'): KernelFunction {
  return kernel.kind === 'map' ? compileMap(kernel, rounding) : compileMatmul(kernel, rounding);
}

function compileMatmul(kernel: MatmulKernel, rounding: Rounding): KernelFunction {
  const { batch, m, n, k, a, b, c } = kernel;
  const round = rounding === 'f32' && kernel.type === 'f32' ? Math.fround : (x: number) => x;
  return (buffers) => {
    const A = at(buffers, a.buffer);
    const B = at(buffers, b.buffer);
    const C = at(buffers, c.buffer);
    for (let q = 0; q < batch; q++)
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          let sum = 0;
          const row = a.offset + q * a.batchStride + i * a.rowStride;
          const column = b.offset + q * b.batchStride + j * b.columnStride;
          for (let l = 0; l < k; l++) {
            const x = A[row + l * a.columnStride] ?? NaN;
            const y = B[column + l * b.rowStride] ?? NaN;
            sum = round(sum + round(x * y));
          }
          const place = c.offset + q * c.batchStride + i * c.rowStride + j * c.columnStride;
          if (place < 0 || place >= C.length) storeOutside(kernel.name, 'c', place, C.length);
          C[place] = sum;
        }
  };
}

/** Functions that generated code calls; bound as `h`. */
const helpers = {
  threefry: threefryBlock,
  storeOutside,
  roundEven,
  remainder: (a: number, b: number) => a - b * Math.floor(a / b),
  toI32: (a: number) => Math.max(-2147483648, Math.min(2147483647, a)) | 0,
  toU32: (a: number) => Math.max(0, Math.min(4294967295, a)) >>> 0,
  bitsOfF32,
  f32OfBits,
};

function threefryBlock(
  k0: number,
  k1: number,
  k2: number,
  k3: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
): Uint32Array {
  const out = new Uint32Array(4);
  threefry4x32(k0, k1, k2, k3, c0, c1, c2, c3, out);
  return out;
}

function storeOutside(kernel: string, buffer: string, place: number, length: number): never {
  throw new InternalError(
    'kernel.evaluate',
    `${kernel} stores element ${place} of ${buffer}, which has ${length}`,
  );
}

/** To the nearest integer, halves to even. */
export function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

export function bitsOfF32(x: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, x);
  return view.getUint32(0);
}

export function f32OfBits(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits >>> 0);
  return view.getFloat32(0);
}

function compileMap(kernel: MapKernel, rounding: Rounding): KernelFunction {
  const lines: string[] = [];
  const printer = new BodyPrinter(kernel, rounding, lines);
  kernel.buffers.forEach((_, i) => lines.push(`const b${i} = buffers[${i}];`));
  kernel.uniforms.forEach((_, i) => lines.push(`const u${i} = uniforms[${i}];`));
  const head = lines.length;
  kernel.space.forEach((extent, axis) => {
    const name = `v_${at(kernel.axes, axis)}`;
    lines.push(`for (let ${name} = 0; ${name} < ${extent}; ${name}++) {`);
  });
  printer.statements(kernel.body);
  kernel.space.forEach(() => lines.push('}'));
  lines.splice(head, 0, ...printer.arrays);
  const make = new Function(
    'h',
    `'use strict'; const fround = Math.fround; return (buffers, uniforms) => {\n${lines.join('\n')}\n};`,
  ) as (h: typeof helpers) => KernelFunction;
  return make(helpers);
}

class BodyPrinter {
  /** Declarations of local arrays, made once a dispatch and cleared where the kernel declares them. */
  readonly arrays: string[] = [];
  private readonly arrayTypes = new Map<string, { type: DType; variable: string }>();

  constructor(
    private readonly kernel: MapKernel,
    private readonly rounding: Rounding,
    private readonly lines: string[],
  ) {}

  statements(list: readonly Statement[]): void {
    for (const s of list) this.statement(s);
  }

  private block(head: string, list: readonly Statement[]): void {
    this.lines.push(`${head} {`);
    this.statements(list);
    this.lines.push('}');
  }

  private words(key: readonly Expr[], counter: readonly Expr[]): string {
    return `h.threefry(${[...key, ...counter].map((w) => this.expr(w)).join(', ')})`;
  }

  private localArray(name: string): { type: DType; variable: string } {
    const array = this.arrayTypes.get(name);
    if (array === undefined)
      throw new InternalError('kernel.evaluate', `${this.kernel.name}: no local array ${name}`);
    return array;
  }

  private statement(s: Statement): void {
    const { lines } = this;
    switch (s.kind) {
      case 'let':
        lines.push(`const v_${s.name} = ${this.expr(s.value)};`);
        return;
      case 'random_block':
        lines.push(`const [${s.names.map((n) => `v_${n}`).join(', ')}] = ${this.words(s.key, s.counter)};`);
        return;
      case 'var':
        lines.push(`let v_${s.name} = ${this.expr(s.value)};`);
        return;
      case 'assign':
        lines.push(`v_${s.name} = ${this.expr(s.value)};`);
        return;
      case 'array': {
        const variable = `a${this.arrays.length}_${s.name}`;
        this.arrays.push(`const ${variable} = new ${this.arrayClass(s.type)}(${s.length});`);
        this.arrayTypes.set(s.name, { type: s.type, variable });
        lines.push(`${variable}.fill(0);`);
        return;
      }
      case 'assign_local': {
        const { variable } = this.localArray(s.array);
        lines.push(`${variable}[${this.expr(s.index)}] = ${this.expr(s.value)};`);
        return;
      }
      case 'store': {
        const buffer = at(this.kernel.buffers, s.buffer);
        const names = `${JSON.stringify(this.kernel.name)}, ${JSON.stringify(buffer.name)}`;
        lines.push(
          `{ const i = ${this.expr(s.index)}; if (!(i >= 0 && i < ${buffer.length})) h.storeOutside(${names}, i, ${buffer.length}); b${s.buffer}[i] = ${this.expr(s.value)}; }`,
        );
        return;
      }
      case 'for': {
        const v = `v_${s.name}`;
        const [from, to] = [this.expr(s.from), this.expr(s.to)];
        this.block(
          s.down
            ? `for (let ${v} = ${to} - 1, ${v}_end = ${from}; ${v} >= ${v}_end; ${v}--)`
            : `for (let ${v} = ${from}, ${v}_end = ${to}; ${v} < ${v}_end; ${v}++)`,
          s.body,
        );
        return;
      }
      case 'while': {
        const v = `v_${s.counter}`;
        lines.push(`let ${v} = 0;`, `for (; ${v} < ${s.limit}; ${v}++) {`);
        this.statements(s.before);
        lines.push(`if (!${this.expr(s.condition)}) break;`);
        this.statements(s.body);
        lines.push('}');
        return;
      }
      case 'if':
        this.block(`if (${this.expr(s.condition)})`, s.then);
        if (s.else.length > 0) this.block('else', s.else);
        return;
      case 'reduce': {
        const v = `v_${s.name}`;
        lines.push(`let ${v} = ${neutral[s.combine]};`);
        for (const loop of s.loops)
          lines.push(`for (let v_${loop.name} = 0; v_${loop.name} < ${loop.extent}; v_${loop.name}++) {`);
        if (s.loops.length === 0) lines.push('{');
        this.statements(s.body);
        lines.push(`${v} = ${this.combine(s.combine, s.type, v, this.expr(s.value))};`);
        for (let i = 0; i < Math.max(1, s.loops.length); i++) lines.push('}');
        return;
      }
      default:
        assertNever(s);
    }
  }

  private combine(kind: keyof typeof neutral, type: DType, a: string, b: string): string {
    switch (kind) {
      case 'sum':
        return this.binary('add', type, a, b);
      case 'prod':
        return this.binary('mul', type, a, b);
      case 'max':
      case 'min':
        return `Math.${kind}(${a}, ${b})`;
      case 'any':
        return `(${a} || ${b})`;
      case 'all':
        return `(${a} && ${b})`;
      default:
        return assertNever(kind);
    }
  }

  private arrayClass(type: DType): string {
    if (type === 'f32' && this.rounding === 'f32') return 'Float32Array';
    if (type === 'f32' || type === 'f64') return 'Float64Array';
    if (type === 'bool') return 'Uint8Array';
    return type === 'i32' ? 'Int32Array' : 'Uint32Array';
  }

  /** Float arithmetic on `type`, rounded as asked for. */
  private rounded(type: DType, text: string): string {
    return type === 'f32' && this.rounding === 'f32' ? `fround(${text})` : `(${text})`;
  }

  private expr(e: Expr): string {
    switch (e.kind) {
      case 'const':
        return this.constant(e.type, e.value);
      case 'var':
        return `v_${e.name}`;
      case 'uniform':
        return `u${e.index}`;
      case 'load':
        return `b${e.buffer}[${this.expr(e.index)}]`;
      case 'local': {
        const { type, variable } = this.localArray(e.array);
        const element = `${variable}[${this.expr(e.index)}]`;
        return type === 'bool' ? `(${element} !== 0)` : element;
      }
      case 'unary':
        return this.unary(e.op, e.type, this.expr(e.a));
      case 'binary':
        return this.binary(e.op, e.type, this.expr(e.a), this.expr(e.b));
      case 'compare':
        return `(${this.expr(e.a)} ${compareSign[e.op]} ${this.expr(e.b)})`;
      case 'select':
        return `(${this.expr(e.condition)} ? ${this.expr(e.then)} : ${this.expr(e.else)})`;
      case 'cast':
        return this.cast(e.a.type, e.type, this.expr(e.a));
      case 'bitcast':
        return bitcast(e.a.type, e.type, this.expr(e.a));
      case 'random':
        return `${this.words(e.key, e.counter)}[${e.word}]`;
      default:
        return assertNever(e);
    }
  }

  private constant(type: DType, value: number): string {
    if (type === 'bool') return value === 0 ? 'false' : 'true';
    const x = type === 'f32' && this.rounding === 'f32' ? Math.fround(value) : value;
    return Object.is(x, -0) || x < 0 ? `(-${-x})` : String(x);
  }

  private unary(op: UnaryOp, type: DType, a: string): string {
    const wrap = (text: string) =>
      type === 'i32' ? `(${text} | 0)` : type === 'u32' ? `(${text} >>> 0)` : `(${text})`;
    switch (op) {
      case 'neg':
        return wrap(`-${a}`);
      case 'not':
        return type === 'bool' ? `(!${a})` : wrap(`~${a}`);
      case 'abs':
        return wrap(`Math.abs(${a})`);
      case 'sign':
      case 'floor':
      case 'ceil':
        return `Math.${op}(${a})`;
      case 'round':
        return `h.roundEven(${a})`;
      default:
        return this.rounded(type, `Math.${op}(${a})`);
    }
  }

  private binary(op: BinaryOp, type: DType, a: string, b: string): string {
    const int = type === 'i32' || type === 'u32';
    const wrap = (text: string) =>
      type === 'i32' ? `(${text} | 0)` : type === 'u32' ? `(${text} >>> 0)` : this.rounded(type, text);
    switch (op) {
      case 'add':
        return wrap(`${int ? '(' : ''}${a} + ${b}${int ? ')' : ''}`);
      case 'sub':
        return wrap(`${int ? '(' : ''}${a} - ${b}${int ? ')' : ''}`);
      case 'mul':
        return int ? wrap(`Math.imul(${a}, ${b})`) : wrap(`${a} * ${b}`);
      case 'div':
        return wrap(`${a} / ${b}`);
      case 'pow':
        return wrap(`Math.pow(${a}, ${b})`);
      case 'atan2':
        return wrap(`Math.atan2(${a}, ${b})`);
      case 'max':
      case 'min':
        return `Math.${op}(${a}, ${b})`;
      case 'rem':
        return wrap(`h.remainder(${a}, ${b})`);
      case 'idiv':
        return wrap(`Math.floor(${a} / ${b})`);
      case 'and':
        return type === 'bool' ? `(${a} && ${b})` : wrap(`(${a} & ${b})`);
      case 'or':
        return type === 'bool' ? `(${a} || ${b})` : wrap(`(${a} | ${b})`);
      case 'xor':
        return type === 'bool' ? `(${a} !== ${b})` : wrap(`(${a} ^ ${b})`);
      case 'shl':
        return wrap(`(${a} << ${b})`);
      case 'shr':
        return type === 'u32' ? `(${a} >>> ${b})` : `(${a} >> ${b})`;
      default:
        return assertNever(op);
    }
  }

  private cast(from: DType, to: DType, a: string): string {
    if (from === to) return a;
    if (to === 'bool') return `(${a} !== 0)`;
    if (from === 'bool') return `(${a} ? 1 : 0)`;
    const fromFloat = from === 'f32' || from === 'f64';
    if (to === 'i32') return fromFloat ? `h.toI32(${a})` : `(${a} | 0)`;
    if (to === 'u32') return fromFloat ? `h.toU32(${a})` : `(${a} >>> 0)`;
    return this.rounded(to, a);
  }
}

const compareSign: { readonly [P in CompareOp]: string } = { eq: '===', ne: '!==', lt: '<', le: '<=' };

/** Start values of `reduce`, as JavaScript. */
const neutral = {
  sum: '0',
  prod: '1',
  max: '-Infinity',
  min: 'Infinity',
  any: 'false',
  all: 'true',
} as const;

function bitcast(from: DType, to: DType, a: string): string {
  if (from === to) return a;
  if (from === 'f32') return to === 'u32' ? `h.bitsOfF32(${a})` : `(h.bitsOfF32(${a}) | 0)`;
  if (to === 'f32') return `h.f32OfBits(${a})`;
  return to === 'u32' ? `(${a} >>> 0)` : `(${a} | 0)`;
}

/** The array class of a buffer of `type` under a rounding. */
export function kernelArray(type: BufferType, rounding: Rounding, length: number): KernelArray {
  switch (type) {
    case 'f32':
      return rounding === 'f32' ? new Float32Array(length) : new Float64Array(length);
    case 'f64':
      return new Float64Array(length);
    case 'i32':
      return new Int32Array(length);
    case 'u32':
      return new Uint32Array(length);
    default:
      return assertNever(type);
  }
}
