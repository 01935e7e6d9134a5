// Writes one WebAssembly function in text form. In: operations in the order of the program, with operands in static single assignment form. Out: lines of WAT.
//
// The writer does what the engines of today do not do reliably: it shares common subexpressions, places a pure operation in the outermost loop in which its operands exist, and
// loads vector constants once at function entry (V8 13 puts a constant back at every use and moves nothing out of loops). Operations keep the order in which they were given, so a caller
// that interleaves independent groups gets interleaved code.
// Invariants: a Reg is defined once, in a block that encloses every use; mutable values are Variables, and a loop names those that its body assigns before the body is written.

import { InternalError } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';
import type { ConstantPool } from './constants.ts';
import { Printer } from './printer.ts';

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/** A value that is known: a constant, a parameter, a loop counter, or the result of an operation. */
export class Reg {
  uses = 0;
  /** The block of the only use so far. */
  usedIn: Block | undefined;

  constructor(
    readonly type: ValueType,
    /** Unique in its function. */
    readonly id: number,
    /** Name of the local without `$`; undefined for a literal. */
    private readonly label: string | undefined,
    /** The block that defines it; undefined for literals, which exist everywhere. */
    readonly block: Block | undefined,
    /** Value of a literal. */
    readonly literal: number | undefined,
    /** How a literal prints: `(i32.const 1)`. */
    private readonly shown: string | (() => string) | undefined,
  ) {}

  /** Name of the local; undefined for a literal. */
  get name(): string | undefined {
    return this.label === undefined ? undefined : `$${this.label}`;
  }

  /** How it is used: `(local.get $x)`, `(i32.const 1)`. */
  get text(): string {
    if (this.shown === undefined) return `(local.get $${this.label ?? ''})`;
    return typeof this.shown === 'string' ? this.shown : this.shown();
  }
}

/** A mutable local. */
export interface Variable {
  readonly name: string;
  readonly type: ValueType;
  /** Variables are numbered in the order of their making. */
  readonly order: number;
}

/** The text of an operation with its immediates; a function where an immediate is known only at the end. */
type Mnemonic = string | (() => string);

export type Node =
  | {
      readonly kind: 'op';
      readonly op: Mnemonic;
      readonly args: readonly Reg[];
      readonly result: Reg | undefined;
      readonly pure: boolean;
      /** No effect but its result. */
      readonly removable: boolean;
    }
  | { readonly kind: 'set'; readonly variable: Variable; readonly value: Reg }
  | { readonly kind: 'get'; readonly variable: Variable; readonly result: Reg }
  | { readonly kind: 'loop' | 'block'; readonly label: string; readonly nodes: readonly Node[] }
  | {
      readonly kind: 'if';
      readonly condition: Reg;
      readonly then: readonly Node[];
      readonly else: readonly Node[];
    }
  | { readonly kind: 'result'; readonly values: readonly Reg[] }
  | { readonly kind: 'branch'; readonly label: string; readonly condition: Reg | undefined }
  | { readonly kind: 'comment'; readonly text: string };

export class Block {
  readonly nodes: Node[] = [];
  /** Pure values computed here, by operation and operands. */
  readonly values = new Map<string, Reg>();
  /** Known contents of variables. */
  readonly contents = new Map<Variable, Reg>();
  /** Variables whose contents outside say nothing here. */
  readonly unknown = new Set<Variable>();
  readonly assigned = new Set<Variable>();
  readonly depth: number;

  constructor(
    readonly parent: Block | undefined,
    /** Whether a pure operation may move out of this block. */
    readonly open: boolean,
    /** Whether the block may assign a variable; undefined: any. */
    readonly mayAssign: ((variable: Variable) => boolean) | undefined,
  ) {
    this.depth = parent === undefined ? 0 : parent.depth + 1;
  }
}

export interface FunctionOptions {
  readonly name: string;
  readonly exported?: string;
  readonly params?: readonly { readonly name: string; readonly type: ValueType }[];
  readonly results?: readonly ValueType[];
  /** Lines of comment above the function. */
  readonly comment?: readonly string[];
  /** Whether values used once are printed inside their user; false keeps the given order of operations exactly. */
  readonly nested?: boolean;
  /** Whether additions may be written as multiply-adds (balance.ts). */
  readonly fused?: boolean;
  /** Where vector constants go. */
  readonly constants: ConstantPool;
  /** Present where the function has a parameter `scratch` with room for long code's phases (phases.ts) below it; called when they are used. */
  readonly phases?: () => void;
}

export class FunctionWriter {
  private readonly root = new Block(undefined, false, undefined);
  private current = this.root;
  private serial = 0;
  /** Loads of memory that this function writes are shared within an epoch only. */
  epoch = 0;
  private readonly variables: Variable[] = [];
  private readonly params: readonly Reg[];
  private readonly literals = new Map<string, Reg>();

  constructor(readonly options: FunctionOptions) {
    this.params = (options.params ?? []).map(({ name, type }) => {
      return new Reg(type, this.serial++, name, this.root, undefined, undefined);
    });
  }

  param(index: number): Reg {
    return at(this.params, index);
  }

  // ---- values

  i32(value: number): Reg {
    return this.literal('i32', value | 0, String(value | 0));
  }

  i64(value: bigint): Reg {
    return this.literal('i64', Number(value), String(value));
  }

  f32(value: number): Reg {
    const x = Math.fround(value);
    return this.literal('f32', x, floatText(x));
  }

  f64(value: number): Reg {
    return this.literal('f64', value, floatText(value));
  }

  private literal(type: ValueType, value: number, text: string): Reg {
    const key = `${type}.${text}`;
    let reg = this.literals.get(key);
    if (reg === undefined) {
      reg = new Reg(type, this.serial++, undefined, undefined, value, `(${type}.const ${text})`);
      this.literals.set(key, reg);
    }
    return reg;
  }

  /** An i32 constant whose value is known when the function is printed; `key` makes it unique. */
  late(key: string, value: () => number): Reg {
    const known = this.literals.get(key);
    if (known !== undefined) return known;
    const shown = () => `(i32.const ${value()})`;
    const reg = new Reg('i32', this.serial++, undefined, undefined, undefined, shown);
    this.literals.set(key, reg);
    return reg;
  }

  /** A vector that holds a literal in every lane. */
  vectorConstant(literal: Reg): Reg {
    return this.constantAt(this.options.constants.splat(literal.text));
  }

  /** A vector of i32 lanes. */
  vectorOfIntegers(lanes: readonly number[]): Reg {
    return this.constantAt(this.options.constants.integers(lanes));
  }

  /** Loaded once at function entry: in a register or spilled, cheaper than made again at each use. */
  private constantAt(offset: number): Reg {
    return this.load(`v128.load offset=${offset}`, 'v128', [this.i32(0)], `constant ${offset}`, true, 0, 'c');
  }

  private fresh(type: ValueType, hint: string, block: Block): Reg {
    const id = this.serial++;
    return new Reg(type, id, `${hint}${id}`, block, undefined, undefined);
  }

  /** A pure operation: shared, and placed as far out as its operands allow. */
  pure(op: string, type: ValueType, args: readonly Reg[], hint = hintOf[type]): Reg {
    const folded = this.fold(op, args);
    if (folded !== undefined) return folded;
    const key = keyOf(op, args);
    for (let block: Block | undefined = this.current; block; block = block.parent) {
      const known = block.values.get(key);
      if (known !== undefined) return known;
    }
    return this.place(this.home(args), op, type, args, hint, key);
  }

  /** A pure operation with a mnemonic known only at the end. */
  private place(
    home: Block,
    op: Mnemonic,
    type: ValueType,
    args: readonly Reg[],
    hint: string,
    key: string | undefined,
  ): Reg {
    const result = this.fresh(type, hint, home);
    this.use(args, home);
    home.nodes.push({ kind: 'op', op, args, result, pure: true, removable: true });
    if (key !== undefined) home.values.set(key, result);
    return result;
  }

  /** The outermost block in which all operands exist and to which the current block is open. */
  private home(args: readonly Reg[]): Block {
    let depth = 0;
    for (const a of args) if (a.block !== undefined && a.block.depth > depth) depth = a.block.depth;
    let block = this.current;
    while (block.parent !== undefined && block.open && block.parent.depth >= depth) block = block.parent;
    return block;
  }

  private use(args: readonly Reg[], block: Block): void {
    for (const a of args) {
      a.uses++;
      a.usedIn = block;
    }
  }

  private fold(op: string, args: readonly Reg[]): Reg | undefined {
    const [a, b] = args;
    if (a === undefined || b === undefined) return undefined;
    const [x, y] = [a.literal, b.literal];
    switch (op) {
      case 'i32.add':
        if (x !== undefined && y !== undefined) return this.i32(x + y);
        return x === 0 ? b : y === 0 ? a : undefined;
      case 'i32.sub':
        if (x !== undefined && y !== undefined) return this.i32(x - y);
        return y === 0 ? a : undefined;
      case 'i32.mul':
        if (x !== undefined && y !== undefined) return this.i32(Math.imul(x, y));
        return x === 1 ? b : y === 1 ? a : undefined;
      case 'i32.shl':
        if (x !== undefined && y !== undefined) return this.i32(x << y);
        return y === 0 ? a : undefined;
      default:
        return undefined;
    }
  }

  /**
   * A load. `movable`: nothing in this function writes there, so it is shared and placed like a pure operation; else it stays where it is and is shared within its block as long as
   * `epoch` is the same.
   */
  load(
    op: Mnemonic,
    type: ValueType,
    args: readonly Reg[],
    key: string,
    movable: boolean,
    epoch = this.epoch,
    hint = 'x',
  ): Reg {
    if (movable) {
      const full = keyOf(key, args);
      for (let block: Block | undefined = this.current; block; block = block.parent) {
        const known = block.values.get(full);
        if (known !== undefined) return known;
      }
      return this.placeLoad(this.home(args), op, type, args, hint, full);
    }
    const full = keyOf(`${key}@${epoch}`, args);
    return this.current.values.get(full) ?? this.placeLoad(this.current, op, type, args, hint, full);
  }

  private placeLoad(
    home: Block,
    op: Mnemonic,
    type: ValueType,
    args: readonly Reg[],
    hint: string,
    key: string,
  ): Reg {
    const result = this.fresh(type, hint, home);
    this.use(args, home);
    home.nodes.push({ kind: 'op', op, args, result, pure: false, removable: true });
    home.values.set(key, result);
    return result;
  }

  /** Memory may have changed. */
  touch(): void {
    this.epoch++;
  }

  /** An operation without result: a store, a call. */
  effect(op: Mnemonic, args: readonly Reg[]): void {
    this.use(args, this.current);
    this.current.nodes.push({ kind: 'op', op, args, result: undefined, pure: false, removable: false });
  }

  /** An operation with a result that must happen here: a call, an atomic. */
  action(op: string, type: ValueType, args: readonly Reg[], hint = 'r'): Reg {
    const result = this.fresh(type, hint, this.current);
    this.use(args, this.current);
    this.current.nodes.push({ kind: 'op', op, args, result, pure: false, removable: false });
    return result;
  }

  // ---- variables

  variable(type: ValueType, hint: string, initial: Reg): Variable {
    const variable = { name: `$${hint}_${this.serial++}`, type, order: this.variables.length };
    this.variables.push(variable);
    this.set(variable, initial);
    return variable;
  }

  get(variable: Variable): Reg {
    for (let block: Block | undefined = this.current; block; block = block.parent) {
      const known = block.contents.get(variable);
      if (known !== undefined) return known;
      if (block.unknown.has(variable)) break;
    }
    const result = this.fresh(variable.type, `${variable.name.slice(1)}_`, this.current);
    this.current.nodes.push({ kind: 'get', variable, result });
    this.current.contents.set(variable, result);
    return result;
  }

  set(variable: Variable, value: Reg): void {
    this.use([value], this.current);
    this.current.nodes.push({ kind: 'set', variable, value });
    this.current.contents.set(variable, value);
    for (let block: Block | undefined = this.current; block; block = block.parent) {
      if (block.assigned.has(variable)) break;
      if (block.mayAssign !== undefined && !block.mayAssign(variable))
        throw new InternalError('wasm.writer', `a loop assigns ${variable.name} without having said so`);
      block.assigned.add(variable);
    }
  }

  // ---- control

  private inside(block: Block, body: () => void): readonly Node[] {
    const outer = this.current;
    this.current = block;
    body();
    this.current = outer;
    for (const variable of block.assigned) {
      outer.contents.delete(variable);
      outer.unknown.add(variable);
    }
    return block.nodes;
  }

  /** A loop that repeats while `again` is branched to; `assigned` are the variables that its body sets. */
  loop(assigned: Iterable<Variable>, body: (again: string) => void): void {
    const declared = new Set(assigned);
    const made = this.variables.length;
    const block = new Block(this.current, true, (v) => v.order >= made || declared.has(v));
    for (const variable of declared) block.unknown.add(variable);
    const label = `$loop${this.serial++}`;
    const nodes = this.inside(block, () => body(label));
    this.current.nodes.push({ kind: 'loop', label, nodes });
  }

  /** `leave` may be branched to from inside. Pure operations may move out when `open`. */
  block(open: boolean, body: (leave: string) => void): void {
    const label = `$block${this.serial++}`;
    const nodes = this.inside(new Block(this.current, open, undefined), () => body(label));
    this.current.nodes.push({ kind: 'block', label, nodes });
  }

  /** `open`: pure operations may move out of the arms (a guard that is nearly always true). */
  if(condition: Reg, then: () => void, otherwise?: () => void, open = false): void {
    if (condition.literal !== undefined) {
      if (condition.literal !== 0) then();
      else otherwise?.();
      return;
    }
    this.use([condition], this.current);
    const first = new Block(this.current, open, undefined);
    const thenNodes = this.inside(first, then);
    let elseNodes: readonly Node[] = [];
    if (otherwise !== undefined) elseNodes = this.inside(new Block(this.current, open, undefined), otherwise);
    this.current.nodes.push({ kind: 'if', condition, then: thenNodes, else: elseNodes });
  }

  branch(label: string, condition?: Reg): void {
    if (condition !== undefined) this.use([condition], this.current);
    this.current.nodes.push({ kind: 'branch', label, condition });
  }

  /** Counts from `from` up to `to` (exclusive) by `step`; the body gets the counter. `certain`: at least one turn is known to happen. */
  count(
    from: Reg,
    to: Reg,
    step: number,
    hint: string,
    assigned: Iterable<Variable>,
    body: (counter: Reg) => void,
  ): void {
    if (from.literal !== undefined && to.literal !== undefined && from.literal >= to.literal) return;
    const certain = from.literal !== undefined && to.literal !== undefined;
    const counter = this.variable('i32', hint, from);
    const run = () => {
      this.loop([...assigned, counter], (again) => {
        const now = this.get(counter);
        body(now);
        const next = this.pure('i32.add', 'i32', [now, this.i32(step)]);
        this.set(counter, next);
        this.branch(again, this.pure('i32.lt_s', 'i32', [next, to]));
      });
    };
    if (certain) run();
    else this.if(this.pure('i32.lt_s', 'i32', [from, to]), run, undefined, true);
  }

  /** The function's results; nothing may follow. */
  result(...values: readonly Reg[]): void {
    this.use(values, this.current);
    this.current.nodes.push({ kind: 'result', values });
  }

  comment(text: string): void {
    this.current.nodes.push({ kind: 'comment', text });
  }

  // ---- text

  print(): string[] {
    const local = (type: ValueType, label: string) =>
      new Reg(type, this.serial++, label, this.root, undefined, undefined);
    return new Printer(this.root, this.options, this.variables, local).lines();
  }
}

/** An operation and its operands as one string. */
function keyOf(op: string, args: readonly Reg[]): string {
  let key = op;
  for (const a of args) key += ` ${a.id}`;
  return key;
}

const hintOf: { readonly [T in ValueType]: string } = { i32: 'i', i64: 'l', f32: 'f', f64: 'd', v128: 'v' };

function floatText(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (x === Infinity) return 'inf';
  if (x === -Infinity) return '-inf';
  return Object.is(x, -0) ? '-0' : String(x);
}
