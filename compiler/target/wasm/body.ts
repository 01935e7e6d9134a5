// Statements and expressions of a map kernel as instructions, for a block of points advanced together (ops.ts). In: a body whose guards have been simplified, the registers of its axes. Out: calls
// on the function writer, in the order of the program.
//
// i32 values are kept as affine forms over registers until an address or a number is needed; everything else is a Num. Where a condition differs between lanes, both sides run under masks:
// assignments select, stores go lane by lane.

import type { DType } from '../../ir/types.ts';
import type { Expr, MapKernel, Statement } from '../../kernel/types.ts';
import { assertNever, InternalError } from '../../support/diagnostic.ts';
import { at, range } from '../../support/lists.ts';
import { constantAffine, everything, variableAffine, type Affine, type Interval } from './affine.ts';
import { planArrays, turnsOf, type ArrayPlan } from './arrays.ts';
import { elementaryBinary, elementaryUnary } from './elementary.ts';
import { FloatRanges } from './float_ranges.ts';
import { IndexForms } from './index_forms.ts';
import { LocalArrays, type LocalArray } from './local_arrays.ts';
import { Memory, type Atom, type Group, type Region } from './memory.ts';
import type { ModuleContext } from './module.ts';
import { groupReg, Ops, scalarTypeOf, type LaneSetup, type Num } from './ops.ts';
import { lowerReduction } from './reduction.ts';
import { emitThreefry } from './threefry.ts';
import { assignedNames, variationOf, type Variation } from './variation.ts';
import type { FunctionWriter, Reg, Variable } from './writer.ts';

export type Binding =
  | { readonly kind: 'num'; readonly num: Num }
  | { readonly kind: 'affine'; readonly affine: Affine }
  | Cell
  | LocalArray;

/** A mutable value: a variable a group. */
export interface Cell {
  readonly kind: 'cell';
  readonly type: DType;
  readonly vector: boolean;
  readonly variables: readonly Variable[];
}

export interface BodyOptions {
  readonly f: FunctionWriter;
  readonly context: ModuleContext;
  readonly kernel: MapKernel;
  readonly body: readonly Statement[];
  readonly setup: LaneSetup;
  /** Base address of each buffer. */
  readonly bases: readonly Reg[];
  readonly uniforms: readonly Reg[];
  readonly uniformRanges: readonly Interval[];
  /** Address of the thread's scratch memory. */
  readonly scratch: Reg;
  readonly atoms: ReadonlyMap<string, Atom>;
  /** Smallest offsets from pointers, shared by all bodies in a function. */
  readonly pointers: Map<string, number>;
  /** One a group. */
  readonly groups: readonly Group[];
  /** The axis along which lanes lie. */
  readonly lane: string | undefined;
  /** Only the first lanes hold points. */
  readonly count: Reg | undefined;
}

export class Body {
  readonly f: FunctionWriter;
  readonly context: ModuleContext;
  ops: Ops;
  groups: readonly Group[];
  variation: Variation;
  readonly atoms: Map<string, Atom>;
  readonly memory: Memory;
  readonly regions: readonly Region[];
  readonly env = new Map<string, Binding>();
  readonly arrays: ArrayPlan;
  private readonly floats = new FloatRanges();
  /** Lanes in which statements have effect; undefined: all. */
  mask: Num | undefined;
  /** Lanes that hold points. */
  private valid: Num | undefined;
  private readonly locals: LocalArrays;
  private readonly indices: IndexForms;

  constructor(readonly options: BodyOptions) {
    const { f, context, kernel, body, lane } = options;
    this.f = f;
    this.context = context;
    this.ops = new Ops(f, options.setup);
    this.groups = options.groups;
    this.atoms = new Map(options.atoms);
    this.memory = new Memory(f, context, this.atoms, options.pointers);
    this.variation = variationOf(body, lane ?? '');
    this.arrays = planArrays(body);
    this.locals = new LocalArrays(this);
    this.indices = new IndexForms(this);
    this.regions = kernel.buffers.map((buffer, i) => ({
      name: buffer.name,
      base: at(options.bases, i),
      type: buffer.type,
      length: buffer.length,
      written: buffer.access !== 'read',
    }));
    for (const axis of kernel.axes) this.env.set(axis, { kind: 'affine', affine: variableAffine(axis) });
  }

  run(): void {
    const { count } = this.options;
    const { width } = this.ops.setup;
    // Lanes without a point must not keep a loop alive.
    if (count !== undefined && width > 1 && this.hasMaskedLoop(this.options.body))
      this.valid = this.firstLanes(count);
    this.statements(this.options.body);
  }

  /** True in the lanes 0..count-1. */
  firstLanes(count: Reg): Num {
    const { f, ops } = this;
    const { width } = ops.setup;
    const lanes = ops.vector('i32', f.vectorOfIntegers(range(4).map((lane) => (lane < width ? lane : 0))));
    return ops.compare('lt', lanes, ops.scalar('i32', count));
  }

  private hasMaskedLoop(list: readonly Statement[]): boolean {
    return list.some(
      (s) =>
        (s.kind === 'while' && this.variation.varies(s.condition)) ||
        (s.kind === 'for' &&
          (this.variation.varies(s.from) || this.variation.varies(s.to) || this.hasMaskedLoop(s.body))) ||
        (s.kind === 'while' && this.hasMaskedLoop(s.body)) ||
        (s.kind === 'if' && s.together === true && this.variation.varies(s.condition)) ||
        (s.kind === 'if' && (this.hasMaskedLoop(s.then) || this.hasMaskedLoop(s.else))) ||
        (s.kind === 'reduce' && this.hasMaskedLoop(s.body)),
    );
  }

  // ---- statements

  statements(list: readonly Statement[]): void {
    for (const s of list) this.statement(s);
  }

  private statement(s: Statement): void {
    const { env, ops, f } = this;
    switch (s.kind) {
      case 'let':
        if (s.value.type === 'i32') env.set(s.name, { kind: 'affine', affine: this.affine(s.value) });
        else env.set(s.name, { kind: 'num', num: this.num(s.value) });
        this.floats.bind(s.name, s.value);
        return;
      case 'random_block': {
        const words = emitThreefry(
          ops,
          s.key.map((e) => this.num(e)),
          s.counter.map((e) => this.num(e)),
        );
        s.names.forEach((name, i) => env.set(name, { kind: 'num', num: at(words, i) }));
        return;
      }
      case 'var':
        env.set(s.name, this.cell(s.name, s.value.type, this.variation.names.has(s.name), this.num(s.value)));
        return;
      case 'assign':
        this.assign(this.cellOf(s.name), this.num(s.value));
        return;
      case 'array':
        this.locals.declare(s.name, s.type, s.length, s.unset === true);
        return;
      case 'assign_local':
        this.locals.assign(s.array, this.affine(s.index), this.num(s.value));
        return;
      case 'store': {
        const value = this.num(s.value);
        const region = at(this.regions, s.buffer);
        this.memory.store(
          region,
          this.affine(s.index),
          value,
          ops,
          this.groups,
          this.options.count,
          this.mask,
        );
        return;
      }
      case 'for':
        this.forLoop(s);
        return;
      case 'while':
        this.whileLoop(s);
        return;
      case 'if': {
        const condition = this.num(s.condition);
        const one = condition.regs.length === 1 && !condition.vector ? at(condition.regs, 0) : undefined;
        const taken = one ?? (s.together === true ? this.anyOf(condition) : undefined);
        if (taken !== undefined)
          f.if(
            taken,
            () => this.statements(s.then),
            s.else.length === 0 ? undefined : () => this.statements(s.else),
          );
        else {
          this.masked(condition, () => this.statements(s.then));
          if (s.else.length > 0) this.masked(ops.not(condition), () => this.statements(s.else));
        }
        return;
      }
      case 'reduce':
        this.bindNum(s.name, lowerReduction(this, s));
        return;
      default:
        assertNever(s);
    }
  }

  bindNum(name: string, num: Num): void {
    if (num.type === 'i32') this.env.set(name, { kind: 'affine', affine: this.opaque(num, everything) });
    else this.env.set(name, { kind: 'num', num });
  }

  /** A loop counter. `align` > 0: lanes and columns count on from it, and it is a multiple of so many. */
  bindCounter(name: string, reg: Reg, interval: Interval, align = 0): void {
    this.env.set(name, { kind: 'affine', affine: this.counterAffine(name, reg, interval, align) });
  }

  private counterAffine(name: string, reg: Reg, interval: Interval, align: number): Affine {
    if (reg.literal !== undefined && align === 0) return constantAffine(reg.literal);
    const key = `${name} ${reg.id}`;
    this.atoms.set(
      key,
      align === 0 ? { kind: 'scalar', reg, range: interval } : { kind: 'lane', reg, range: interval, align },
    );
    return variableAffine(key);
  }

  /** Whether the condition holds in a lane that has a point and still runs. */
  private anyOf(condition: Num): Reg {
    const { ops } = this;
    const spread = condition.vector || ops.setup.width === 1 ? condition : ops.splat(condition);
    return ops.any(
      [this.mask, this.valid].reduce<Num>((a, b) => (b === undefined ? a : ops.and(a, b)), spread),
    );
  }

  private masked(condition: Num, body: () => void): void {
    const outer = this.mask;
    this.mask = outer === undefined ? condition : this.ops.and(outer, condition);
    body();
    this.mask = outer;
  }

  // ---- variables and local arrays

  cell(name: string, type: DType, vector: boolean, initial: Num): Cell {
    const { f, ops } = this;
    const spread = vector && ops.setup.width > 1;
    const value = spread ? ops.splat(initial) : initial;
    const count = vector || initial.regs.length > 1 || ops.setup.width === 1 ? this.groups.length : 1;
    const variables = range(count).map((g) =>
      f.variable(spread ? 'v128' : scalarTypeOf(type), name, groupReg(value, g)),
    );
    return { kind: 'cell', type, vector: spread, variables };
  }

  private cellOf(name: string): Cell {
    const binding = this.env.get(name);
    if (binding?.kind !== 'cell') throw new InternalError('wasm.body', `${name} is no variable`);
    return binding;
  }

  readCell(cell: Cell): Num {
    return { type: cell.type, vector: cell.vector, regs: cell.variables.map((v) => this.f.get(v)) };
  }

  assign(cell: Cell, value: Num): void {
    const { ops, f } = this;
    const masked = this.mask === undefined ? value : ops.select(this.mask, value, this.readCell(cell));
    const fit = cell.vector ? ops.splat(masked) : masked;
    if (fit.vector !== cell.vector) throw new InternalError('wasm.body', 'a vector assigned to a scalar');
    cell.variables.forEach((v, g) => f.set(v, groupReg(fit, g)));
  }

  /** The variables behind names that statements assign. */
  variablesOf(list: readonly Statement[]): readonly Variable[] {
    return [...assignedNames(list)].flatMap((name) => {
      const binding = this.env.get(name);
      if (binding?.kind === 'cell') return binding.variables;
      if (binding?.kind === 'registers') return binding.elements.flatMap((e) => e.variables);
      return [];
    });
  }

  // ---- loops

  /** Memory may change in what follows, again and again. */
  touch(): void {
    this.f.touch();
    this.memory.touch();
  }

  private forLoop(s: Extract<Statement, { kind: 'for' }>): void {
    const { f } = this;
    const turns = turnsOf(s);
    if (this.arrays.unroll.has(s) && turns !== undefined && s.from.kind === 'const') {
      for (let i = 0; i < turns; i++) {
        const value = s.from.value + (s.down ? turns - 1 - i : i);
        this.env.set(s.name, { kind: 'affine', affine: constantAffine(value) });
        this.statements(s.body);
      }
      return;
    }
    const from = this.affine(s.from);
    const to = this.affine(s.to);
    const [first, end] = [this.materialise(from), this.materialise(to)];
    if (first.vector || end.vector || first.regs.length > 1 || end.regs.length > 1) {
      this.divergentFor(s, first, end);
      return;
    }
    const interval = { lo: this.memory.intervalOf(from).lo, hi: this.memory.intervalOf(to).hi - 1 };
    const [a, b] = [at(first.regs, 0), at(end.regs, 0)];
    this.touch();
    f.count(a, b, 1, s.name, this.variablesOf(s.body), (counter) => {
      const down = () =>
        f.pure('i32.sub', 'i32', [
          f.pure('i32.add', 'i32', [a, f.pure('i32.sub', 'i32', [b, f.i32(1)])]),
          counter,
        ]);
      this.bindCounter(s.name, s.down ? down() : counter, interval);
      this.statements(s.body);
    });
    this.touch();
  }

  /** Bounds that differ between lanes: every lane counts for itself. */
  private divergentFor(s: Extract<Statement, { kind: 'for' }>, first: Num, end: Num): void {
    const { ops } = this;
    const one = ops.constant('i32', 1);
    const start = s.down ? ops.sub(end, one) : first;
    const counter = this.cell(s.name, 'i32', true, start);
    this.divergentTurns(
      [...this.variablesOf([s]), ...counter.variables],
      [
        () => {
          const i = this.readCell(counter);
          this.bindNum(s.name, i);
          return s.down ? ops.compare('le', first, i) : ops.compare('lt', i, end);
        },
      ],
      () => {
        this.statements(s.body);
        const i = this.readCell(counter);
        this.assign(counter, s.down ? ops.sub(i, one) : ops.add(i, one));
      },
    );
  }

  private whileLoop(s: Extract<Statement, { kind: 'while' }>): void {
    const { ops } = this;
    const divergent = this.variation.varies(s.condition) || this.mask !== undefined;
    const counter = this.cell(s.counter, 'i32', divergent, ops.constant('i32', 0));
    this.env.set(s.counter, counter);
    const assigned = [...this.variablesOf([s]), ...counter.variables];
    const more = (): Num => ops.compare('lt', this.readCell(counter), ops.constant('i32', s.limit));
    const test = (): Num => {
      this.statements(s.before);
      return this.num(s.condition);
    };
    const turn = (): void => {
      this.statements(s.body);
      this.assign(counter, ops.add(this.readCell(counter), ops.constant('i32', 1)));
    };
    if (divergent) this.divergentTurns(assigned, [more, test], turn);
    else this.uniformTurns(assigned, [more, test], turn);
  }

  private uniformTurns(assigned: readonly Variable[], tests: readonly (() => Num)[], turn: () => void): void {
    const { f } = this;
    this.touch();
    f.block(true, (leave) => {
      f.loop(assigned, (again) => {
        for (const test of tests) f.branch(leave, f.pure('i32.eqz', 'i32', [at(test().regs, 0)]));
        turn();
        f.branch(again);
      });
    });
    this.touch();
  }

  /** Repeats while the tests hold in some lane, under a mask of the lanes in which they have always held. */
  private divergentTurns(
    assigned: readonly Variable[],
    tests: readonly (() => Num)[],
    turn: () => void,
  ): void {
    const { f, ops } = this;
    const outer = this.mask;
    const start = [outer, this.valid].reduce((a, b) =>
      a === undefined ? b : b === undefined ? a : ops.and(a, b),
    );
    const active = this.cell('active', 'bool', true, start ?? ops.constant('bool', 1));
    this.touch();
    f.block(true, (leave) => {
      f.loop([...assigned, ...active.variables], (again) => {
        let mask = this.readCell(active);
        for (const test of tests) {
          this.mask = mask;
          const now = ops.and(test(), mask);
          mask = active.vector ? ops.splat(now) : now;
          f.branch(leave, f.pure('i32.eqz', 'i32', [ops.any(mask)]));
        }
        this.mask = mask;
        active.variables.forEach((v, g) => f.set(v, groupReg(mask, g)));
        turn();
        f.branch(again);
      });
    });
    this.mask = outer;
    this.touch();
  }

  // ---- integers

  materialise(affine: Affine): Num {
    return this.memory.materialise(affine, this.ops, this.groups);
  }

  /** A value that is no sum of others. */
  opaque(num: Num, interval: Interval): Affine {
    return this.indices.opaque(num, interval);
  }

  /** An i32 expression. */
  affine(e: Expr): Affine {
    return this.indices.affine(e);
  }

  // ---- expressions

  num(e: Expr): Num {
    if (e.type === 'i32' && e.kind !== 'load' && e.kind !== 'local') {
      const binding = e.kind === 'var' ? this.env.get(e.name) : undefined;
      if (binding?.kind === 'cell') return this.readCell(binding);
      return this.materialise(this.affine(e));
    }
    return this.direct(e);
  }

  direct(e: Expr): Num {
    const { ops } = this;
    switch (e.kind) {
      case 'const':
        return ops.constant(e.type, e.value);
      case 'uniform':
        return ops.scalar('i32', at(this.options.uniforms, e.index));
      case 'var': {
        const binding = this.env.get(e.name);
        if (binding?.kind === 'num') return binding.num;
        if (binding?.kind === 'cell') return this.readCell(binding);
        if (binding?.kind === 'affine') return this.materialise(binding.affine);
        throw new InternalError('wasm.body', `${e.name} is not bound`);
      }
      case 'load':
        return this.memory.load(at(this.regions, e.buffer), this.affine(e.index), ops, this.groups);
      case 'local':
        return this.locals.read(e.array, this.affine(e.index));
      case 'unary':
        return this.unary(e);
      case 'binary':
        return this.contracted(e) ?? this.binary(e, this.num(e.a), this.num(e.b));
      case 'compare':
        return ops.compare(e.op, this.num(e.a), this.num(e.b));
      case 'select':
        return ops.select(this.num(e.condition), this.num(e.then), this.num(e.else));
      case 'cast':
        return ops.cast(e.type, this.num(e.a));
      case 'bitcast':
        return ops.bitcast(e.type, this.num(e.a));
      case 'random':
        return at(
          emitThreefry(
            ops,
            e.key.map((x) => this.num(x)),
            e.counter.map((x) => this.num(x)),
          ),
          e.word,
        );
      default:
        return assertNever(e);
    }
  }

  /** a*b + c, c + a*b and c - a*b as one operation, unless the product is to be rounded by itself. */
  private contracted(e: Extract<Expr, { kind: 'binary' }>): Num | undefined {
    const { ops } = this;
    if (!ops.setup.fused || (e.type !== 'f32' && e.type !== 'f64')) return undefined;
    if (e.op !== 'add' && e.op !== 'sub') return undefined;
    const product = (x: Expr) =>
      x.kind === 'binary' && x.op === 'mul' && x.rounded !== true ? x : undefined;
    const [left, right] = [product(e.a), product(e.b)];
    if (right !== undefined) {
      const c = this.num(e.a);
      const [x, y] = [this.num(right.a), this.num(right.b)];
      return e.op === 'add' ? ops.fma(x, y, c) : ops.fnma(x, y, c);
    }
    if (left === undefined) return undefined;
    const [x, y] = [this.num(left.a), this.num(left.b)];
    const c = this.num(e.b);
    return ops.fma(x, y, e.op === 'add' ? c : ops.neg(c));
  }

  private unary(e: Extract<Expr, { kind: 'unary' }>): Num {
    const { ops } = this;
    const a = this.num(e.a);
    switch (e.op) {
      case 'neg':
        return ops.neg(a);
      case 'abs':
        return ops.abs(a);
      case 'not':
        return ops.not(a);
      case 'sqrt':
      case 'floor':
      case 'ceil':
        return ops.float(e.op, a);
      case 'round':
        return ops.float('nearest', a);
      case 'sign': {
        const [zero, one] = [ops.constant(a.type, 0), ops.constant(a.type, 1)];
        if (a.type === 'u32') return ops.min(a, one);
        const positive = ops.compare('lt', zero, a);
        const negative = ops.compare('lt', a, zero);
        return ops.select(positive, one, ops.select(negative, ops.constant(a.type, -1), a));
      }
      default:
        return elementaryUnary(this.context, ops, e.op, a, this.floats.of(e.a));
    }
  }

  binary(e: Extract<Expr, { kind: 'binary' }>, a: Num, b: Num): Num {
    const { ops } = this;
    const float = e.type === 'f32' || e.type === 'f64';
    switch (e.op) {
      case 'add':
      case 'sub':
      case 'mul':
        return ops[e.op](a, b);
      case 'div':
        return float ? ops.div(a, b) : this.division('div', a, b);
      case 'max':
      case 'min':
        return ops[e.op](a, b);
      case 'idiv':
        return float ? ops.float('floor', ops.div(a, b)) : this.division('idiv', a, b);
      case 'rem':
        return float ? ops.sub(a, ops.mul(b, ops.float('floor', ops.div(a, b)))) : this.division('rem', a, b);
      case 'and':
      case 'or':
      case 'xor':
        return ops[e.op](a, b);
      case 'shl':
      case 'shr':
        return ops.shift(e.op, a, b);
      case 'pow':
      case 'atan2':
        return elementaryBinary(this.context, ops, e.op, a, b, e.b);
      default:
        return assertNever(e.op);
    }
  }

  division(op: 'div' | 'idiv' | 'rem', a: Num, b: Num): Num {
    this.context.helper(`${a.type}_${op}`);
    return this.ops.integerDivision(op, a, b);
  }
}
