// Kernel expressions as WGSL. In: an expression and the state of the shader being written. Out: its text; library functions used are noted, and subexpressions nested too deeply for WGSL parsers
// are bound by `let` statements written before the current one.
//
// Points where WGSL differs from the kernel IR and what is done: constant expressions must not overflow (operations on constants are computed here); constant indices must lie inside (clamped);
// `select` takes the condition last; shifts want u32 amounts; integer division rounds towards zero; unary minus does not exist for u32.

import { sameExpr } from '../../kernel/build.ts';
import { compileKernel } from '../../kernel/evaluate.ts';
import type { Expr, Kernel } from '../../kernel/types.ts';
import { mapOperands, operandsOf } from '../../kernel/walk.ts';
import type { BinaryOp, CompareOp, DType, UnaryOp } from '../../ir/types.ts';
import { assertNever, InternalError } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';
import { f32Literal, integerLiteral } from './literals.ts';
import type { Namer } from './names.ts';

/** Binding strengths. Operators of strength `bits` and `shift` mix with nothing without parentheses. */
const strength = { bits: 1, shift: 1, compare: 2, sum: 3, product: 4, prefix: 5, atom: 6 } as const;

/** Deepest nesting of expressions that is written; WGSL implementations stop at some hundreds. */
const deepest = 40;

type Text = readonly [text: string, strength: number];

export class ExpressionWriter {
  /** Library functions called so far. */
  readonly used = new Set<string>();

  constructor(
    private readonly kernel: Kernel,
    private readonly names: Namer,
    /** Takes a statement that must come before the one being written. */
    private readonly before: (line: string) => void,
  ) {}

  /** Text without outer parentheses. */
  text(e: Expr): string {
    return this.show(this.shallow(e), 0);
  }

  call(name: string, ...args: readonly string[]): string {
    this.used.add(name);
    return `${name}(${args.join(', ')})`;
  }

  /** Words of a Threefry block as a vector. */
  randomBlock(key: readonly Expr[], counter: readonly Expr[]): string {
    const vector = (words: readonly Expr[]) => `vec4<u32>(${words.map((w) => this.text(w)).join(', ')})`;
    return this.call('flow_threefry', vector(key), vector(counter));
  }

  /** An equal expression no deeper than `deepest`: what lies deeper has been bound before. */
  private shallow(e: Expr): Expr {
    return this.cut(e).expr;
  }

  private cut(e: Expr): { readonly expr: Expr; readonly depth: number } {
    let depth = 1;
    const expr = foldConstants(
      mapOperands(e, (operand) => {
        const part = this.cut(operand);
        depth = Math.max(depth, 1 + part.depth);
        return part.expr;
      }),
    );
    if (expr.kind === 'const') return { expr, depth: 1 };
    if (depth < deepest) return { expr, depth };
    const name = this.names.fresh('part');
    this.before(`let ${name} = ${this.show(expr, 0)};`);
    return { expr: { kind: 'var', type: e.type, name }, depth: 1 };
  }

  private show(e: Expr, outer: number): string {
    const [text, own] = this.describe(e);
    return own < outer ? `(${text})` : text;
  }

  private atom(text: string): Text {
    return [text, strength.atom];
  }

  private describe(e: Expr): Text {
    switch (e.kind) {
      case 'const':
        return this.literal(e.type, e.value);
      case 'var':
        return this.atom(this.names.of(e.name));
      case 'uniform':
        return this.atom(`uniforms.${this.names.of(at(this.kernel.uniforms, e.index))}`);
      case 'load': {
        const buffer = at(this.kernel.buffers, e.buffer);
        return this.atom(`${this.names.of(buffer.name)}[${this.index(e.index, buffer.length)}]`);
      }
      case 'local':
        return this.atom(`${this.names.of(e.array)}[${this.index(e.index, undefined)}]`);
      case 'unary':
        return this.unary(e.op, e.type, e.a);
      case 'binary':
        if (e.rounded === true)
          return this.atom(this.call('flow_rounded', this.show({ ...e, rounded: undefined }, 0)));
        return this.binary(e.op, e.type, e.a, e.b);
      case 'compare':
        return this.compare(e.op, e.a, e.b);
      case 'select':
        return this.atom(
          `select(${this.show(e.else, 0)}, ${this.show(e.then, 0)}, ${this.show(e.condition, 0)})`,
        );
      case 'cast':
        return this.cast(e.type, e.a);
      case 'bitcast':
        return this.atom(`bitcast<${e.type}>(${this.show(e.a, 0)})`);
      case 'random':
        return this.atom(`${this.randomBlock(e.key, e.counter)}.${'xyzw'.charAt(e.word)}`);
      default:
        return assertNever(e);
    }
  }

  literal(type: DType, value: number): Text {
    switch (type) {
      case 'bool':
        return this.atom(value === 0 ? 'false' : 'true');
      case 'f32': {
        if (Number.isNaN(value)) return this.atom(this.call('flow_nan'));
        const text = f32Literal(value);
        return [text, text.startsWith('-') ? strength.prefix : strength.atom];
      }
      case 'i32':
      case 'u32': {
        const text = integerLiteral(type, value);
        return [text, text.startsWith('-') ? strength.prefix : strength.atom];
      }
      case 'f64':
        throw new InternalError('wgsl', `${this.kernel.name} computes in f64, which WGSL does not have`);
      default:
        return assertNever(type);
    }
  }

  /** An index; a constant one outside 0..length-1 (of a load that a `select` guards) would be refused by WGSL. */
  index(e: Expr, length: number | undefined): string {
    if (e.kind === 'const' && length !== undefined) return String(Math.max(0, Math.min(length - 1, e.value)));
    return this.show(e, 0);
  }

  private unary(op: UnaryOp, type: DType, a: Expr): Text {
    const x = this.show(a, 0);
    switch (op) {
      case 'neg':
        if (type === 'u32') return [`0u - ${this.show(a, strength.product)}`, strength.sum];
        return [`-${this.show(a, strength.atom)}`, strength.prefix];
      case 'not':
        return [`${type === 'bool' ? '!' : '~'}${this.show(a, strength.atom)}`, strength.prefix];
      case 'abs':
        return this.atom(`abs(${x})`);
      case 'sign':
        return this.atom(type === 'u32' ? `min(${x}, 1u)` : `sign(${x})`);
      case 'sqrt':
      case 'floor':
      case 'ceil':
      case 'round':
        return this.atom(`${op}(${x})`);
      case 'exp':
      case 'expm1':
      case 'log':
      case 'log1p':
      case 'sin':
      case 'cos':
      case 'tan':
      case 'asin':
      case 'acos':
      case 'atan':
      case 'sinh':
      case 'cosh':
      case 'tanh':
        return this.atom(this.call(`flow_${op}`, x));
      default:
        return assertNever(op);
    }
  }

  private infix(sign: string, own: number, a: Expr, b: Expr): Text {
    return [`${this.show(a, own)} ${sign} ${this.show(b, own + 1)}`, own];
  }

  /** `&`, `|`, `^`: operands are atoms, or the same operator on the left. */
  private bits(sign: string, op: BinaryOp, a: Expr, b: Expr): Text {
    const same = a.kind === 'binary' && a.op === op;
    const left = this.show(a, same ? strength.bits : strength.prefix);
    return [`${left} ${sign} ${this.show(b, strength.prefix)}`, strength.bits];
  }

  private binary(op: BinaryOp, type: DType, a: Expr, b: Expr): Text {
    switch (op) {
      case 'add':
        return this.infix('+', strength.sum, a, b);
      case 'sub':
        return this.infix('-', strength.sum, a, b);
      case 'mul':
        return this.infix('*', strength.product, a, b);
      case 'div':
        return this.infix('/', strength.product, a, b);
      case 'max':
      case 'min':
        return this.atom(`${op}(${this.show(a, 0)}, ${this.show(b, 0)})`);
      case 'pow':
      case 'atan2':
        return this.atom(this.call(`flow_${op}`, this.show(a, 0), this.show(b, 0)));
      case 'idiv':
      case 'rem':
        return this.division(op, type, a, b);
      case 'and':
        return this.bits('&', op, a, b);
      case 'or':
        return this.bits('|', op, a, b);
      case 'xor':
        if (type === 'bool') return this.compare('ne', a, b);
        return this.bits('^', op, a, b);
      case 'shl':
      case 'shr': {
        const amount =
          b.kind === 'const'
            ? `${b.value & 31}u`
            : type === 'u32'
              ? this.show(b, strength.atom)
              : `u32(${this.show(b, 0)})`;
        return [`${this.show(a, strength.prefix)} ${op === 'shl' ? '<<' : '>>'} ${amount}`, strength.shift];
      }
      default:
        return assertNever(op);
    }
  }

  private division(op: 'idiv' | 'rem', type: DType, a: Expr, b: Expr): Text {
    const sign = op === 'idiv' ? '/' : '%';
    if (type === 'f32') return this.atom(this.call('flow_rem_f32', this.show(a, 0), this.show(b, 0)));
    const divisor = b.kind === 'const' ? b.value : undefined;
    if (type === 'u32' && divisor !== 0) return this.infix(sign, strength.product, a, b);
    if (divisor !== undefined && divisor > 0 && (divisor & (divisor - 1)) === 0) {
      // A power of two: the arithmetic shift and the mask round down.
      if (op === 'rem') return [`${this.show(a, strength.prefix)} & ${divisor - 1}`, strength.bits];
      return [`${this.show(a, strength.prefix)} >> ${31 - Math.clz32(divisor)}u`, strength.shift];
    }
    const [x, y] = [this.show(a, 0), this.show(b, 0)];
    return this.atom(this.call(op === 'idiv' ? 'flow_idiv' : 'flow_rem_i32', x, y));
  }

  private compare(op: CompareOp, a: Expr, b: Expr): Text {
    if (a.type === 'f32' && (op === 'eq' || op === 'ne') && sameExpr(a, b)) {
      const isNaN = this.call('flow_is_nan', this.show(a, 0));
      return op === 'ne' ? this.atom(isNaN) : [`!${isNaN}`, strength.prefix];
    }
    const sign = { eq: '==', ne: '!=', lt: '<', le: '<=' }[op];
    const side = strength.compare + 1;
    return [`${this.show(a, side)} ${sign} ${this.show(b, side)}`, strength.compare];
  }

  private cast(type: DType, a: Expr): Text {
    if (type === a.type) return this.describe(a);
    if (type === 'f64' || a.type === 'f64')
      throw new InternalError('wgsl', `${this.kernel.name} computes in f64, which WGSL does not have`);
    if (type === 'bool') {
      const zero: Expr = { kind: 'const', type: a.type, value: 0 };
      return this.compare('ne', a, zero);
    }
    return this.atom(`${type}(${this.show(a, 0)})`);
  }
}

/** An operation whose operands are all constants, computed here in the precision of its type. */
function foldConstants(e: Expr): Expr {
  switch (e.kind) {
    case 'unary':
    case 'binary':
    case 'compare':
    case 'cast':
    case 'bitcast': {
      const operands = operandsOf(e);
      const constant = operands.every((x) => x.kind === 'const' && x.type !== 'f64') && e.type !== 'f64';
      return constant ? { kind: 'const', type: e.type, value: evaluateConstant(e) } : e;
    }
    default:
      return e;
  }
}

function evaluateConstant(e: Expr): number {
  const type = e.type === 'bool' ? 'u32' : e.type;
  const value: Expr = e.type === 'bool' ? { kind: 'cast', type: 'u32', a: e } : e;
  const result =
    type === 'u32' ? new Uint32Array(1) : type === 'i32' ? new Int32Array(1) : new Float32Array(1);
  compileKernel(
    {
      kind: 'map',
      name: 'constant',
      buffers: [{ name: 'result', type, length: 1, access: 'write' }],
      uniforms: [],
      origins: [],
      space: [],
      axes: [],
      body: [{ kind: 'store', buffer: 0, index: { kind: 'const', type: 'i32', value: 0 }, value }],
    },
    'f32',
  )([result], []);
  return result[0] ?? NaN;
}
