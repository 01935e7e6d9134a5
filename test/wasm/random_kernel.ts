// Random map kernels for comparison with the evaluator: every expression and statement, in well-typed combinations whose results do not depend on the order of float sums. In: a seed. Out: a kernel
// that stores one value a point, and the inputs it reads. Indices are kept inside their buffers by clamps, remainders or guards.

import * as k from '../../compiler/kernel/build.ts';
import type { DType } from '../../compiler/ir/types.ts';
import type { BufferType, Expr, KernelBuffer, MapKernel, Statement } from '../../compiler/kernel/types.ts';
import { verifyKernel } from '../../compiler/kernel/verify.ts';
import { at } from '../../compiler/support/lists.ts';

export interface RandomKernel {
  readonly kernel: MapKernel;
  readonly inputs: Readonly<Record<string, Float64Array>>;
  readonly uniforms: readonly number[];
}

export interface RandomOptions {
  readonly float: 'f32' | 'f64';
  readonly space: readonly number[];
}

type Numeric = 'f32' | 'f64' | 'i32' | 'u32';

class Generator {
  private serial = 0;
  /** Names in scope by type; variables may be assigned. */
  private names: { readonly name: string; readonly type: DType; readonly variable: boolean }[] = [];
  private arrays: { readonly name: string; readonly type: DType; readonly length: number }[] = [];
  private depth = 0;

  constructor(
    private state: number,
    private readonly options: RandomOptions,
    private readonly inputs: readonly KernelBuffer[],
  ) {}

  random(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(n: number): number {
    return Math.floor(this.random() * n);
  }

  pick<T>(list: readonly T[]): T {
    return at(list, this.below(list.length));
  }

  private name(hint: string): string {
    return `${hint}${this.serial++}`;
  }

  private isFloat(type: DType): boolean {
    return type === 'f32' || type === 'f64';
  }

  constantOf(type: DType): Expr {
    if (type === 'bool') return k.bool(this.random() < 0.5);
    if (type === 'i32') return k.int(this.below(21) - 10);
    if (type === 'u32') return k.constant('u32', this.below(1000));
    const value = this.pick([0, 1, -1, 0.5, 2, -0.25, this.random() * 4 - 2]);
    return k.constant(type, type === 'f32' ? Math.fround(value) : value);
  }

  /** An index of 0..length-1. */
  index(length: number, size: number): Expr {
    const { space } = this.options;
    const points = space.reduce((n, e) => n * e, 1);
    const flat = k.flatIndex(
      space.map((_, i) => k.variable('i32', `i${i}`)),
      space,
    );
    const wild = (): Expr => this.expr('i32', size);
    switch (this.below(5)) {
      case 0:
        return length >= points ? flat : k.binary('rem', flat, k.int(length));
      case 1:
        return k.binary('rem', k.add(flat, k.int(this.below(7) - 3)), k.int(length));
      case 2: {
        const moved = k.add(flat, k.int(this.below(5) - 2));
        return k.binary('min', k.binary('max', moved, k.int(0)), k.int(length - 1));
      }
      case 3: {
        const moved = k.add(flat, k.int(this.below(3) - 1));
        const inside = k.and(k.atMost(k.int(0), moved), k.lessThan(moved, k.int(length)));
        return k.select(inside, moved, k.int(0));
      }
      default:
        return k.binary('rem', wild(), k.int(length));
    }
  }

  expr(type: DType, size: number): Expr {
    const known = this.names.filter((n) => n.type === type);
    if (size <= 0) {
      if (known.length > 0 && this.random() < 0.7) return k.variable(type, this.pick(known).name);
      return this.constantOf(type);
    }
    const half = () => this.expr(type, Math.floor(size / 2));
    const choice = this.below(10);
    if (choice === 0 && known.length > 0) return k.variable(type, this.pick(known).name);
    if (choice === 1) return k.select(this.expr('bool', Math.floor(size / 3)), half(), half());
    if (choice === 2) {
      const arrays = this.arrays.filter((a) => a.type === type);
      if (arrays.length > 0) {
        const array = this.pick(arrays);
        return k.local(type, array.name, this.index(array.length, 1));
      }
    }
    if (choice === 3 && type !== 'bool') {
      const readable = this.inputs.map((b, i) => [b, i] as const).filter(([b]) => b.type === type);
      if (readable.length > 0) {
        const [b, i] = this.pick(readable);
        return k.load(b.type, i, this.index(b.length, Math.floor(size / 2)));
      }
    }
    if (type === 'bool') return this.logical(size);
    return this.isFloat(type)
      ? this.floating(type as 'f32' | 'f64', size)
      : this.integer(type as 'i32' | 'u32', size);
  }

  private logical(size: number): Expr {
    const half = Math.floor(size / 2);
    switch (this.below(5)) {
      case 0:
        return k.not(this.expr('bool', size - 1));
      case 1:
        return k.binary(
          this.pick(['and', 'or', 'xor'] as const),
          this.expr('bool', half),
          this.expr('bool', half),
        );
      case 2:
        return k.cast('bool', this.expr(this.pick(['i32', 'u32', this.options.float] as const), half));
      default: {
        const type = this.pick(['i32', 'u32', this.options.float, 'bool'] as const);
        const op =
          type === 'bool' ? this.pick(['eq', 'ne'] as const) : this.pick(['eq', 'ne', 'lt', 'le'] as const);
        return k.compare(op, this.expr(type, half), this.expr(type, half));
      }
    }
  }

  private floating(type: 'f32' | 'f64', size: number): Expr {
    const half = () => this.expr(type, Math.floor(size / 2));
    switch (this.below(7)) {
      case 0:
        return k.unary(
          this.pick(['neg', 'abs', 'sign', 'floor', 'ceil', 'round'] as const),
          this.expr(type, size - 1),
        );
      case 1:
        return k.unary('sqrt', k.unary('abs', this.expr(type, size - 1)));
      case 2:
        return k.cast(type, this.expr(this.pick(['i32', 'u32', 'bool'] as const), Math.floor(size / 2)));
      case 3:
        return k.div(half(), k.add(k.unary('abs', half()), k.constant(type, 1)));
      default:
        return k.binary(this.pick(['add', 'sub', 'mul', 'max', 'min'] as const), half(), half());
    }
  }

  private integer(type: 'i32' | 'u32', size: number): Expr {
    const half = () => this.expr(type, Math.floor(size / 2));
    const positive = () => k.add(k.binary('and', half(), k.constant(type, 7)), k.constant(type, 1));
    switch (this.below(9)) {
      case 0:
        return k.unary(
          type === 'i32' ? this.pick(['neg', 'abs', 'not', 'sign'] as const) : 'not',
          this.expr(type, size - 1),
        );
      case 1:
        return k.binary(this.pick(['rem', 'idiv'] as const), half(), positive());
      case 2:
        return k.binary(this.pick(['shl', 'shr'] as const), half(), k.constant(type, this.below(31)));
      case 3: {
        const bounded = k.binary(
          'min',
          k.unary('abs', this.expr(this.options.float, Math.floor(size / 2))),
          k.constant(this.options.float, 1000),
        );
        return k.cast(type, bounded);
      }
      case 4:
        return type === 'i32'
          ? k.cast('i32', this.expr('bool', Math.floor(size / 2)))
          : k.bitcast('u32', this.expr('i32', Math.floor(size / 2)));
      case 5:
        if (type === 'u32') {
          const word = () => this.expr('u32', 1);
          return {
            kind: 'random',
            type: 'u32',
            word: this.pick([0, 1, 2, 3] as const),
            key: [word(), word(), word(), word()],
            counter: [word(), word(), word(), word()],
          };
        }
        return k.cast('i32', this.expr('u32', Math.floor(size / 2)));
      default:
        return k.binary(
          this.pick(['add', 'sub', 'mul', 'max', 'min', 'and', 'or', 'xor'] as const),
          half(),
          half(),
        );
    }
  }

  private anyType(): DType {
    return this.pick([this.options.float, this.options.float, 'i32', 'u32', 'bool'] as const);
  }

  private scoped(body: () => Statement[]): Statement[] {
    const [names, arrays] = [this.names, this.arrays];
    this.names = [...names];
    this.arrays = [...arrays];
    this.depth++;
    const result = body();
    this.depth--;
    this.names = names;
    this.arrays = arrays;
    return result;
  }

  statements(count: number): Statement[] {
    const list: Statement[] = [];
    for (let i = 0; i < count; i++) list.push(...this.statement());
    return list;
  }

  private statement(): Statement[] {
    const type = this.anyType();
    const variables = this.names.filter((n) => n.variable);
    switch (this.below(this.depth > 1 ? 5 : 10)) {
      case 0: {
        const name = this.name('v');
        const value = this.expr(type, 5);
        this.names.push({ name, type, variable: true });
        return [{ kind: 'var', name, value }];
      }
      case 1:
      case 2: {
        if (variables.length === 0) break;
        const target = this.pick(variables);
        return [{ kind: 'assign', name: target.name, value: this.expr(target.type, 6) }];
      }
      case 3: {
        const length = 1 + this.below(5);
        const name = this.name('a');
        this.arrays.push({ name, type, length });
        return [{ kind: 'array', name, type, length }];
      }
      case 4: {
        if (this.arrays.length === 0) break;
        const array = this.pick(this.arrays);
        return [
          {
            kind: 'assign_local',
            array: array.name,
            index: this.index(array.length, 2),
            value: this.expr(array.type, 5),
          },
        ];
      }
      case 5: {
        const name = this.name('j');
        const varying = this.random() < 0.3;
        const to = varying ? k.binary('rem', this.expr('i32', 3), k.int(6)) : k.int(this.below(5));
        const body = this.scoped(() => {
          this.names.push({ name, type: 'i32', variable: false });
          return this.statements(3);
        });
        return [{ kind: 'for', name, from: k.int(this.below(3) - 1), to, down: this.random() < 0.4, body }];
      }
      case 6: {
        const counter = this.name('turn');
        let condition: Expr = k.bool(true);
        let before: Statement[] = [];
        const body = this.scoped(() => {
          this.names.push({ name: counter, type: 'i32', variable: false });
          before = this.statements(1);
          condition = this.expr('bool', 4);
          return this.statements(2);
        });
        this.names.push({ name: counter, type: 'i32', variable: false });
        return [{ kind: 'while', counter, limit: this.below(6), before, condition, body }];
      }
      case 7:
        return [
          {
            kind: 'if',
            condition: this.expr('bool', 4),
            then: this.scoped(() => this.statements(2)),
            else: this.scoped(() => this.statements(this.below(3))),
          },
        ];
      case 8: {
        const combine = this.pick(['sum', 'max', 'min', 'any', 'all', 'prod'] as const);
        const logical = combine === 'any' || combine === 'all';
        // Float sums and products depend on their order.
        const numeric =
          combine === 'sum' || combine === 'prod'
            ? (['i32', 'u32'] as const)
            : (['i32', 'u32', this.options.float] as const);
        const reduced: Numeric | 'bool' = logical ? 'bool' : this.pick(numeric);
        const name = this.name('r');
        const loops = Array.from({ length: 1 + this.below(2) }, () => ({
          name: this.name('l'),
          extent: 1 + this.below(13),
        }));
        let value: Expr = k.bool(true);
        const body = this.scoped(() => {
          for (const loop of loops) this.names.push({ name: loop.name, type: 'i32', variable: false });
          const inner = [k.let_(this.name('t'), this.expr(reduced, 4))];
          value = this.expr(reduced, 5);
          return inner;
        });
        this.names.push({ name, type: reduced, variable: false });
        return [{ kind: 'reduce', name, type: reduced, combine, loops, body, value }];
      }
      default:
    }
    const name = this.name('t');
    const value = this.expr(type, 7);
    this.names.push({ name, type, variable: false });
    return [k.let_(name, value)];
  }
}

export function randomKernel(seed: number, options: RandomOptions): RandomKernel {
  const points = options.space.reduce((n, e) => n * e, 1);
  const b = (
    name: string,
    type: BufferType,
    length: number,
    access: KernelBuffer['access'] = 'read',
  ): KernelBuffer => ({
    name,
    type,
    length,
    access,
  });
  const inputs = [
    b('x', options.float, Math.max(1, points)),
    b('y', options.float, 11),
    b('m', 'i32', Math.max(1, points + 3)),
    b('w', 'u32', 9),
  ];
  const g = new Generator(seed, options, inputs);
  const contents: Record<string, Float64Array> = {};
  for (const { name, type, length } of inputs) {
    contents[name] = Float64Array.from({ length }, () => {
      const value = g.random() * 8 - 4;
      if (type === 'f32') return Math.fround(value);
      if (type === 'f64') return value;
      return type === 'i32' ? g.below(40) - 20 : g.below(2 ** 31);
    });
  }
  const outputs = [
    b('p', options.float, Math.max(1, points), 'write'),
    b('q', 'i32', Math.max(1, points), 'write'),
  ];
  const flat = k.flatIndex(
    options.space.map((_, i) => k.variable('i32', `i${i}`)),
    options.space,
  );
  const axes = options.space.map((_, i) => `i${i}`);
  const list = g.statements(3 + g.below(8));
  const body = [
    ...list,
    k.store(4, flat, g.expr(options.float, 12)),
    k.store(5, flat, k.add(g.expr('i32', 10), k.cast('i32', g.expr('bool', 6)))),
  ];
  const kernel: MapKernel = {
    kind: 'map',
    name: 'random',
    space: options.space,
    axes,
    buffers: [...inputs, ...outputs],
    uniforms: ['step'],
    origins: [],
    body,
  };
  verifyKernel(kernel);
  return { kernel, inputs: contents, uniforms: [g.below(5)] };
}
