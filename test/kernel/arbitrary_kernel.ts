// Random map kernels for property tests. In: a list of numbers (choices; what is missing counts as 0, so shorter lists mean simpler kernels and fast-check can shrink). Out: a verified kernel
// over the buffers `testBuffers`, whose result is the same on every correct target, to the bit: integer arithmetic is total (no division by zero), floats are small whole numbers.

import * as k from '../../compiler/kernel/build.ts';
import type { BinaryOp, DType } from '../../compiler/ir/types.ts';
import type { Expr, KernelBuffer, MapKernel, Statement } from '../../compiler/kernel/types.ts';
import { verifyKernel } from '../../compiler/kernel/verify.ts';
import { at } from '../../compiler/support/lists.ts';

type Type = Extract<DType, 'i32' | 'u32' | 'f32' | 'bool'>;

export const mostPoints = 600;

/** Buffers of every random kernel: three to read, three to write, one to read and write at the own point. */
export const testBuffers: readonly KernelBuffer[] = [
  { name: 'ints', type: 'i32', length: 37, access: 'read' },
  { name: 'words', type: 'u32', length: 23, access: 'read' },
  { name: 'reals', type: 'f32', length: 41, access: 'read' },
  { name: 'int_result', type: 'i32', length: mostPoints, access: 'write' },
  { name: 'word_result', type: 'u32', length: mostPoints, access: 'write' },
  { name: 'real_result', type: 'f32', length: mostPoints, access: 'write' },
  { name: 'state', type: 'i32', length: mostPoints, access: 'read_write' },
];

interface Scope {
  readonly values: readonly { readonly name: string; readonly type: Type }[];
  readonly variables: readonly { readonly name: string; readonly type: Type }[];
  readonly arrays: readonly { readonly name: string; readonly length: number }[];
  /** Whether stores or loops may still be nested here. */
  readonly depth: number;
}

class Generator {
  private position = 0;
  private names = 0;

  constructor(private readonly choices: readonly number[]) {}

  private pick(n: number): number {
    const choice = this.choices[this.position] ?? 0;
    this.position++;
    return choice % n;
  }

  private name(stem: string): string {
    this.names++;
    return `${stem}${this.names}`;
  }

  kernel(): MapKernel {
    const spaces = [[1], [7], [64], [65], [], [3, 5], [2, 3, 4], [1, 9], [600], [4, 128], [2, 3, 60]];
    const space = at(spaces, this.pick(spaces.length));
    const axes = space.map((_, i) => at(['i', 'j', 'l'], i));
    const point = k.flatIndex(
      axes.map((axis) => k.variable('i32', axis)),
      space,
    );
    const scope: Scope = {
      values: axes.map((name) => ({ name, type: 'i32' })),
      variables: [],
      arrays: [],
      depth: 2,
    };
    const { statements, scope: end } = this.statements(scope, 2 + this.pick(6));
    const body: Statement[] = [
      ...statements,
      k.store(3, point, this.expr('i32', end, 3)),
      k.store(4, point, this.expr('u32', end, 3)),
      k.store(5, point, this.expr('f32', end, 3)),
      k.store(6, point, k.add(k.load('i32', 6, point), this.expr('i32', end, 2))),
    ];
    const kernel: MapKernel = {
      kind: 'map',
      name: 'random_kernel',
      buffers: testBuffers,
      uniforms: ['step', 'turn'],
      origins: [],
      space,
      axes,
      body,
    };
    verifyKernel(kernel);
    return kernel;
  }

  private statements(
    scope: Scope,
    count: number,
  ): { readonly statements: readonly Statement[]; readonly scope: Scope } {
    const statements: Statement[] = [];
    let current = scope;
    for (let i = 0; i < count; i++) {
      const made = this.statement(current);
      statements.push(...made.statements);
      current = made.scope;
    }
    return { statements, scope: current };
  }

  private type(): Type {
    return at(['i32', 'u32', 'f32', 'bool'] as const, this.pick(4));
  }

  private statement(scope: Scope): { readonly statements: readonly Statement[]; readonly scope: Scope } {
    const withValue = (name: string, type: Type): Scope => ({
      ...scope,
      values: [...scope.values, { name, type }],
    });
    const inner = (names: readonly string[]): Scope => ({
      ...scope,
      depth: scope.depth - 1,
      values: [...scope.values, ...names.map((name) => ({ name, type: 'i32' as const }))],
    });
    switch (this.pick(scope.depth > 0 ? 9 : 5)) {
      case 0: {
        const type = this.type();
        const name = this.name('x');
        return { statements: [k.let_(name, this.expr(type, scope, 3))], scope: withValue(name, type) };
      }
      case 1: {
        const type = this.type();
        const name = this.name('v');
        return {
          statements: [{ kind: 'var', name, value: this.expr(type, scope, 2) }],
          scope: { ...scope, variables: [...scope.variables, { name, type }] },
        };
      }
      case 2: {
        const target = scope.variables[this.pick(Math.max(1, scope.variables.length))];
        if (target === undefined) return { statements: [], scope };
        return {
          statements: [{ kind: 'assign', name: target.name, value: this.expr(target.type, scope, 3) }],
          scope,
        };
      }
      case 3: {
        const name = this.name('a');
        const length = 1 + this.pick(5);
        const made: Scope = { ...scope, arrays: [...scope.arrays, { name, length }] };
        return {
          statements: [
            { kind: 'array', name, type: 'i32', length },
            {
              kind: 'assign_local',
              array: name,
              index: this.index(made, length),
              value: this.expr('i32', made, 2),
            },
          ],
          scope: made,
        };
      }
      case 4: {
        const names = [this.name('w'), this.name('w'), this.name('w'), this.name('w')] as const;
        const word = () => this.expr('u32', scope, 1);
        return {
          statements: [
            {
              kind: 'random_block',
              names,
              key: [word(), word(), k.constant('u32', 7), k.constant('u32', 0xffffffff)],
              counter: [word(), word(), word(), word()],
            },
          ],
          scope: {
            ...scope,
            values: [...scope.values, ...names.map((name) => ({ name, type: 'u32' as const }))],
          },
        };
      }
      case 5: {
        const condition = this.expr('bool', scope, 2);
        return {
          statements: [
            {
              kind: 'if',
              condition,
              then: this.statements(inner([]), 1 + this.pick(2)).statements,
              else: this.statements(inner([]), this.pick(2)).statements,
            },
          ],
          scope,
        };
      }
      case 6: {
        const name = this.name('n');
        const to = this.pick(2) === 0 ? k.int(this.pick(5)) : this.index(scope, 5);
        return {
          statements: [
            {
              kind: 'for',
              name,
              from: k.int(this.pick(3)),
              to,
              down: this.pick(2) === 1,
              body: this.statements(inner([name]), 1 + this.pick(2)).statements,
            },
          ],
          scope,
        };
      }
      case 7: {
        const counter = this.name('c');
        const loop = inner([counter]);
        return {
          statements: [
            {
              kind: 'while',
              counter,
              limit: this.pick(6),
              before: [],
              condition: this.expr('bool', loop, 2),
              body: this.statements(loop, 1 + this.pick(2)).statements,
            },
          ],
          scope: withValue(counter, 'i32'),
        };
      }
      default: {
        const name = this.name('r');
        const loops = [0, 1].slice(0, 1 + this.pick(2)).map(() => ({
          name: this.name('m'),
          extent: at([0, 1, 4, 11, 140], this.pick(5)),
        }));
        const loop = inner(loops.map((l) => l.name));
        const type = this.type();
        const bound = this.name('y');
        const combine = at(
          type === 'bool' ? (['any', 'all'] as const) : (['sum', 'max', 'min', 'prod'] as const),
          this.pick(type === 'bool' ? 2 : type === 'f32' ? 3 : 4),
        );
        // An empty maximum is infinite in the oracle only.
        const empty = loops.some((l) => l.extent === 0);
        const used = empty && type !== 'bool' ? 'sum' : combine;
        return {
          statements: [
            {
              kind: 'reduce',
              name,
              type,
              combine: used,
              loops,
              body: [k.let_(bound, this.expr(type, loop, 2))],
              value: k.variable(type, bound),
            },
          ],
          scope: withValue(name, type),
        };
      }
    }
  }

  /** Some i32 between 0 and length - 1. */
  private index(scope: Scope, length: number): Expr {
    return k.binary('rem', this.expr('i32', scope, 1), k.int(length));
  }

  private expr(type: Type, scope: Scope, depth: number): Expr {
    if (depth === 0) return this.leaf(type, scope);
    switch (type) {
      case 'i32':
        return this.integer('i32', scope, depth);
      case 'u32':
        return this.integer('u32', scope, depth);
      case 'f32':
        return this.real(scope, depth);
      case 'bool':
        return this.truth(scope, depth);
    }
  }

  private leaf(type: Type, scope: Scope): Expr {
    const known = [...scope.values, ...scope.variables].filter((v) => v.type === type);
    const choice = this.pick(known.length + 3);
    const variable = known[choice - 3];
    if (variable !== undefined) return k.variable(type, variable.name);
    const value = this.pick(9);
    switch (type) {
      case 'i32':
        if (choice === 0) return k.int(at([0, 1, -1, 2, 17, -2147483648, 2147483647, -300, 64], value));
        if (choice === 1) return k.uniform(value % 2);
        return k.load('i32', 0, k.int(value * 4));
      case 'u32':
        if (choice < 2) return k.constant('u32', at([0, 1, 2, 31, 4294967295, 2147483648, 77, 5, 9], value));
        return k.load('u32', 1, k.int(value * 2));
      case 'f32':
        if (choice < 2) return k.constant('f32', value - 4);
        return k.load('f32', 2, k.int(value * 5));
      case 'bool':
        return k.bool(value % 2 === 1);
    }
  }

  private integer(type: 'i32' | 'u32', scope: Scope, depth: number): Expr {
    const a = () => this.expr(type, scope, depth - 1);
    const plain: readonly BinaryOp[] = ['add', 'sub', 'mul', 'and', 'or', 'xor', 'max', 'min'];
    const other = type === 'i32' ? 'u32' : 'i32';
    switch (this.pick(15)) {
      case 0:
        return this.leaf(type, scope);
      case 1: {
        const divisor = at([1, 2, 3, 8, 7, 64, 1000], this.pick(7));
        const signed = type === 'i32' && this.pick(2) === 1 ? -divisor : divisor;
        return k.binary(this.pick(2) === 0 ? 'idiv' : 'rem', a(), k.constant(type, signed));
      }
      case 2: {
        const divisor = k.add(k.binary('and', a(), k.constant(type, 7)), k.constant(type, 1));
        return k.binary(this.pick(2) === 0 ? 'idiv' : 'rem', a(), divisor);
      }
      case 3: {
        const amount = k.binary('and', a(), k.constant(type, 31));
        return k.binary(this.pick(2) === 0 ? 'shl' : 'shr', a(), amount);
      }
      case 4:
        return k.unary(at(['neg', 'abs', 'sign', 'not'] as const, this.pick(4)), a());
      case 5:
        return k.select(this.expr('bool', scope, depth - 1), a(), a());
      case 6:
        return k.cast(type, this.expr(other, scope, depth - 1));
      case 7:
        return k.bitcast(type, this.expr(other, scope, depth - 1));
      case 8:
        return k.cast(type, this.expr('bool', scope, depth - 1));
      case 9: {
        const real = this.expr('f32', scope, depth - 1);
        return k.cast(type, type === 'u32' ? k.unary('abs', real) : real);
      }
      case 10: {
        // Guarded: outside, the load gives anything but does no harm.
        if (type === 'u32') return k.load('u32', 1, this.index(scope, 23));
        const index = this.expr('i32', scope, depth - 1);
        const inside = k.and(k.atMost(k.int(0), index), k.lessThan(index, k.int(37)));
        return k.select(inside, k.load('i32', 0, index), k.int(-5));
      }
      case 11: {
        const array = scope.arrays[this.pick(Math.max(1, scope.arrays.length))];
        if (array === undefined || type === 'u32') return this.leaf(type, scope);
        return k.local('i32', array.name, this.index(scope, array.length));
      }
      default:
        return k.binary(at(plain, this.pick(plain.length)), a(), a());
    }
  }

  /** Whole numbers between -64 and 64: exact whatever a target does with products and sums. */
  private real(scope: Scope, depth: number): Expr {
    const a = () => this.expr('f32', scope, depth - 1);
    const small = (e: Expr) =>
      k.binary('max', k.constant('f32', -64), k.binary('min', k.constant('f32', 64), e));
    switch (this.pick(9)) {
      case 0:
        return this.leaf('f32', scope);
      case 1:
        return small(k.add(a(), a()));
      case 2:
        return small(k.sub(a(), a()));
      case 3:
        return small(k.mul(a(), a()));
      case 4:
        return k.unary(at(['abs', 'floor', 'ceil', 'round', 'sign'] as const, this.pick(5)), a());
      case 5:
        return k.select(this.expr('bool', scope, depth - 1), a(), a());
      case 6:
        return k.cast('f32', k.binary('rem', this.expr('i32', scope, depth - 1), k.int(64)));
      case 7:
        return small(k.unary('round', k.mul(a(), k.constant('f32', 0.5))));
      default:
        return k.load('f32', 2, this.index(scope, 41));
    }
  }

  private truth(scope: Scope, depth: number): Expr {
    const a = () => this.expr('bool', scope, depth - 1);
    switch (this.pick(5)) {
      case 0:
        return this.leaf('bool', scope);
      case 1:
        return k.binary(at(['and', 'or', 'xor'] as const, this.pick(3)), a(), a());
      case 2:
        return k.not(a());
      default: {
        const type = at(['i32', 'u32', 'f32'] as const, this.pick(3));
        const op = at(['lt', 'le', 'eq', 'ne'] as const, this.pick(4));
        return k.compare(op, this.expr(type, scope, depth - 1), this.expr(type, scope, depth - 1));
      }
    }
  }
}

export function kernelFromChoices(choices: readonly number[]): MapKernel {
  return new Generator(choices).kernel();
}

/** Contents of the three buffers that are read. */
export const testInputs = {
  ints: Int32Array.from({ length: 37 }, (_, i) => ((i * 2654435761) | 0) >> (i % 29)),
  words: Uint32Array.from({ length: 23 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> (i % 31)),
  reals: Float32Array.from({ length: 41 }, (_, i) => ((i * 37) % 129) - 64),
} as const;
