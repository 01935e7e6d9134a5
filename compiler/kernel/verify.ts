// Checks what types.ts promises about a kernel and the TypeScript types cannot say. In: a kernel. Out: nothing, or an InternalError that names kernel, statement and reason.
// Runs after every pass that makes kernels, in tests; a target may rely on all of it.
//
// Checked: types of operands and results; variables bound before use and never shadowed; assignments only to `var`s and local arrays of the right type; loads only from readable
// buffers, stores only to writable ones; constant indices in range; uniforms in range; no bool in memory; identifiers; extents and strides of matrix products.

import { isFloat, type DType } from '../ir/types.ts';
import { assertNever, InternalError } from '../support/diagnostic.ts';
import { printExpr, printStatements } from './print.ts';
import type { Expr, Kernel, MapKernel, MatmulKernel, MatrixView, Statement } from './types.ts';

type Binding =
  | { readonly kind: 'value'; readonly type: DType }
  | { readonly kind: 'variable'; readonly type: DType }
  | { readonly kind: 'array'; readonly type: DType; readonly length: number };

type Scope = Map<string, Binding>;

/** Largest element index that an i32 reaches. */
const lastIndex = 2147483647;

export function verifyKernel(kernel: Kernel): void {
  const report = (why: string): never => {
    throw new InternalError('kernel.verify', `${kernel.name}: ${why}`);
  };
  if (!isIdentifier(kernel.name)) report('the name is not an identifier');
  const names = new Set<string>();
  for (const name of [...kernel.buffers.map((b) => b.name), ...kernel.uniforms]) {
    if (!isIdentifier(name)) report(`the name ${JSON.stringify(name)} is not an identifier`);
    if (names.has(name)) report(`two buffers or uniforms are called ${name}`);
    names.add(name);
  }
  for (const b of kernel.buffers)
    if (!isCount(b.length) || b.length - 1 > lastIndex) report(`buffer ${b.name} has ${b.length} elements`);
  if (kernel.kind === 'map') new MapVerifier(kernel, names, report).kernel();
  else verifyMatmul(kernel, report);
}

/** All kernels of a plan, and that their names differ. */
export function verifyKernels(kernels: readonly Kernel[]): void {
  const names = new Set<string>();
  for (const kernel of kernels) {
    if (names.has(kernel.name))
      throw new InternalError('kernel.verify', `two kernels are called ${kernel.name}`);
    names.add(kernel.name);
    verifyKernel(kernel);
  }
}

function isIdentifier(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

function isCount(n: number): boolean {
  return Number.isInteger(n) && n >= 0;
}

type Report = (why: string) => never;

function verifyMatmul(kernel: MatmulKernel, report: Report): void {
  const { batch, m, n, k } = kernel;
  for (const extent of [batch, m, n, k]) if (!isCount(extent)) report(`extent ${extent}`);
  const empty = batch * m * n === 0;
  const check = (what: string, view: MatrixView, rows: number, columns: number, write: boolean): void => {
    const buffer = kernel.buffers[view.buffer];
    if (buffer === undefined) return report(`${what} is in buffer ${view.buffer}, which does not exist`);
    if (buffer.type !== kernel.type) report(`${what} is ${buffer.type}, the product ${kernel.type}`);
    if (buffer.access === (write ? 'read' : 'write')) report(`${what} is in a buffer for ${buffer.access}`);
    if (empty || rows * columns === 0) return;
    const ends = [
      view.batchStride * (batch - 1),
      view.rowStride * (rows - 1),
      view.columnStride * (columns - 1),
    ];
    const low = view.offset + ends.reduce((sum, end) => sum + Math.min(0, end), 0);
    const high = view.offset + ends.reduce((sum, end) => sum + Math.max(0, end), 0);
    if (!Number.isInteger(low) || !Number.isInteger(high) || low < 0 || high >= buffer.length)
      report(`${what} covers elements ${low}..${high} of ${buffer.name}, which has ${buffer.length}`);
  };
  check('a', kernel.a, m, k, false);
  check('b', kernel.b, k, n, false);
  check('c', kernel.c, m, n, true);
}

class MapVerifier {
  constructor(
    private readonly map: MapKernel,
    private readonly outer: ReadonlySet<string>,
    private readonly report: Report,
  ) {}

  kernel(): void {
    const { space, axes } = this.map;
    if (space.length !== axes.length) this.report(`${space.length} extents, ${axes.length} axes`);
    const scope: Scope = new Map();
    axes.forEach((axis, i) => {
      const extent = space[i] ?? -1;
      if (!isCount(extent)) this.report(`axis ${axis} has extent ${extent}`);
      this.bind(scope, axis, { kind: 'value', type: 'i32' });
    });
    if (space.reduce((n, extent) => n * extent, 1) - 1 > lastIndex)
      this.report('the space has more than 2^31 points');
    this.statements(this.map.body, scope);
  }

  private bind(scope: Scope, name: string, binding: Binding): void {
    if (!isIdentifier(name)) this.report(`the name ${JSON.stringify(name)} is not an identifier`);
    if (scope.has(name) || this.outer.has(name)) this.report(`${name} is bound twice`);
    scope.set(name, binding);
  }

  private statements(list: readonly Statement[], scope: Scope): void {
    for (const s of list) {
      try {
        this.statement(s, scope);
      } catch (error) {
        if (!(error instanceof InternalError) || error.message.includes('\n')) throw error;
        const lines: string[] = [];
        printStatements([s], this.map, '  ', lines);
        throw new InternalError(
          'kernel.verify',
          `${error.message.slice('kernel.verify: '.length)}, in\n${lines[0] ?? ''}`,
        );
      }
    }
  }

  private statement(s: Statement, scope: Scope): void {
    switch (s.kind) {
      case 'let':
        this.bind(scope, s.name, { kind: 'value', type: this.expr(s.value, scope) });
        return;
      case 'random_block':
        this.words(s.key, s.counter, scope);
        for (const name of s.names) this.bind(scope, name, { kind: 'value', type: 'u32' });
        return;
      case 'var':
        this.bind(scope, s.name, { kind: 'variable', type: this.expr(s.value, scope) });
        return;
      case 'assign': {
        const target = scope.get(s.name);
        if (target?.kind !== 'variable') return this.report(`${s.name} is no var`);
        this.want(this.expr(s.value, scope), target.type, `value of ${s.name}`);
        return;
      }
      case 'array':
        if (!isCount(s.length) || s.length === 0) this.report(`array ${s.name} has length ${s.length}`);
        this.bind(scope, s.name, { kind: 'array', type: s.type, length: s.length });
        return;
      case 'assign_local': {
        const type = this.localArray(s.array, s.index, scope);
        this.want(this.expr(s.value, scope), type, `value of ${s.array}`);
        return;
      }
      case 'store': {
        const buffer = this.map.buffers[s.buffer];
        if (buffer === undefined) return this.report(`no buffer ${s.buffer}`);
        if (buffer.access === 'read') this.report(`${buffer.name} is for reading`);
        this.index(s.index, buffer.length, buffer.name, scope);
        this.want(this.expr(s.value, scope), buffer.type, `value stored to ${buffer.name}`);
        return;
      }
      case 'for': {
        this.want(this.expr(s.from, scope), 'i32', 'lower bound');
        this.want(this.expr(s.to, scope), 'i32', 'upper bound');
        const inner: Scope = new Map(scope);
        this.bind(inner, s.name, { kind: 'value', type: 'i32' });
        this.statements(s.body, inner);
        return;
      }
      case 'while': {
        if (!isCount(s.limit) || s.limit > lastIndex) this.report(`limit ${s.limit}`);
        // The counter stays visible after the loop: the number of turns done.
        this.bind(scope, s.counter, { kind: 'value', type: 'i32' });
        const inner: Scope = new Map(scope);
        this.statements(s.before, inner);
        this.want(this.expr(s.condition, inner), 'bool', 'condition');
        this.statements(s.body, inner);
        return;
      }
      case 'if':
        this.want(this.expr(s.condition, scope), 'bool', 'condition');
        this.statements(s.then, new Map(scope));
        this.statements(s.else, new Map(scope));
        return;
      case 'reduce': {
        const logical = s.combine === 'any' || s.combine === 'all';
        if (logical !== (s.type === 'bool')) this.report(`${s.combine} of ${s.type}`);
        const inner: Scope = new Map(scope);
        for (const loop of s.loops) {
          if (!isCount(loop.extent)) this.report(`loop ${loop.name} has extent ${loop.extent}`);
          this.bind(inner, loop.name, { kind: 'value', type: 'i32' });
        }
        this.statements(s.body, inner);
        this.want(this.expr(s.value, inner), s.type, `value of ${s.name}`);
        this.bind(scope, s.name, { kind: 'value', type: s.type });
        return;
      }
      default:
        assertNever(s);
    }
  }

  private want(type: DType, wanted: DType, what: string): void {
    if (type !== wanted) this.report(`${what} is ${type}, must be ${wanted}`);
  }

  private words(key: readonly Expr[], counter: readonly Expr[], scope: Scope): void {
    if (key.length !== 4 || counter.length !== 4) this.report('random wants four key and four counter words');
    for (const word of [...key, ...counter]) this.want(this.expr(word, scope), 'u32', 'word of random');
  }

  private index(e: Expr, length: number, what: string, scope: Scope): void {
    this.want(this.expr(e, scope), 'i32', `index of ${what}`);
    if (e.kind === 'const' && (e.value < 0 || e.value >= length))
      this.report(`index ${e.value} of ${what}, which has ${length} elements`);
  }

  private localArray(name: string, index: Expr, scope: Scope): DType {
    const array = scope.get(name);
    if (array?.kind !== 'array') return this.report(`${name} is no local array`);
    this.index(index, array.length, name, scope);
    return array.type;
  }

  /** The type found from the operands, which must be the one the node states. */
  private expr(e: Expr, scope: Scope): DType {
    const type = this.infer(e, scope);
    if (type !== e.type) this.report(`${printExpr(e, this.map)} says ${e.type}, is ${type}`);
    return type;
  }

  private infer(e: Expr, scope: Scope): DType {
    switch (e.kind) {
      case 'const':
        return this.constant(e.type, e.value);
      case 'var': {
        const binding = scope.get(e.name);
        if (binding === undefined) return this.report(`${e.name} is not bound`);
        if (binding.kind === 'array') return this.report(`${e.name} is an array`);
        return binding.type;
      }
      case 'uniform':
        if (this.map.uniforms[e.index] === undefined) this.report(`no uniform ${e.index}`);
        return 'i32';
      case 'load': {
        const buffer = this.map.buffers[e.buffer];
        if (buffer === undefined) return this.report(`no buffer ${e.buffer}`);
        if (buffer.access === 'write') this.report(`${buffer.name} is for writing`);
        this.index(e.index, Infinity, buffer.name, scope);
        return buffer.type;
      }
      case 'local':
        return this.localArray(e.array, e.index, scope);
      case 'unary': {
        const a = this.expr(e.a, scope);
        const fits =
          e.op === 'not'
            ? !isFloat(a)
            : e.op === 'neg' || e.op === 'abs' || e.op === 'sign'
              ? a !== 'bool'
              : isFloat(a);
        if (!fits) this.report(`${e.op} of ${a}`);
        return a;
      }
      case 'binary': {
        const a = this.expr(e.a, scope);
        const b = this.expr(e.b, scope);
        if (a !== b || !this.allowed(e.op, a)) this.report(`${e.op} of ${a} and ${b}`);
        return a;
      }
      case 'compare': {
        const a = this.expr(e.a, scope);
        const b = this.expr(e.b, scope);
        const ordered = e.op === 'lt' || e.op === 'le';
        if (a !== b || (ordered && a === 'bool')) this.report(`${e.op} of ${a} and ${b}`);
        return 'bool';
      }
      case 'select': {
        this.want(this.expr(e.condition, scope), 'bool', 'condition of select');
        const a = this.expr(e.then, scope);
        this.want(this.expr(e.else, scope), a, 'second choice of select');
        return a;
      }
      case 'cast':
        this.expr(e.a, scope);
        return e.type;
      case 'bitcast': {
        const a = this.expr(e.a, scope);
        for (const type of [a, e.type])
          if (type === 'bool' || type === 'f64') this.report(`bitcast from ${a} to ${e.type}`);
        return e.type;
      }
      case 'random':
        this.words(e.key, e.counter, scope);
        return 'u32';
      default:
        return assertNever(e);
    }
  }

  private constant(type: DType, value: number): DType {
    const [low, high] =
      type === 'bool'
        ? [0, 1]
        : type === 'i32'
          ? [-2147483648, lastIndex]
          : type === 'u32'
            ? [0, 4294967295]
            : [-Infinity, Infinity];
    const whole = isFloat(type) || Number.isInteger(value);
    if (!whole || value < low || value > high) this.report(`${value} is no ${type}`);
    return type;
  }

  private allowed(op: Extract<Expr, { kind: 'binary' }>['op'], type: DType): boolean {
    switch (op) {
      case 'and':
      case 'or':
      case 'xor':
        return !isFloat(type);
      case 'pow':
      case 'atan2':
      case 'div':
        return isFloat(type);
      case 'idiv':
      case 'shl':
      case 'shr':
        return type === 'i32' || type === 'u32';
      case 'add':
      case 'sub':
      case 'mul':
      case 'max':
      case 'min':
      case 'rem':
        return type !== 'bool';
      default:
        return assertNever(op);
    }
  }
}
