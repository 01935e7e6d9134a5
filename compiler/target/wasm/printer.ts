// A written function as lines of text. In: the tree of its operations (writer.ts). Out: WAT. Values nobody wants are left out; pure values used once in the block that computes them are printed inside their
// user, as long as the text stays short: integers always, others where the order of operations does not matter (`nested`).

import { at } from '../../support/lists.ts';
import { balance } from './balance.ts';
import { inPhases, PHASE_BYTES } from './phases.ts';
import { withShifts } from './shifts.ts';
import type { Block, FunctionOptions, Node, Reg, ValueType, Variable } from './writer.ts';

/** Takes back the uses made by values that nobody wants; last first, so that whole chains go. */
function sweep(nodes: readonly Node[]): void {
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = at(nodes, i);
    if (node.kind === 'loop' || node.kind === 'block') sweep(node.nodes);
    else if (node.kind === 'if') {
      sweep(node.else);
      sweep(node.then);
    } else if (node.kind === 'op' && node.removable && node.result?.uses === 0)
      for (const a of node.args) a.uses--;
  }
}

/** From so many locals on (an engine takes 50,000), those of a block that has ended are used again by later ones. */
const manyLocals = 8_000;

/** Longest text of a value that is printed inside its user. */
const widest = 110;

export class Printer {
  private readonly locals = new Map<ValueType, string[]>();
  private readonly pending = new Map<Reg, string>();
  private readonly ones = new Map<'f32' | 'f64', Reg>();
  /** Lines before everything else. */
  private readonly entry: string[] = [];
  private readonly out: string[] = [];
  /** Locals of blocks that have ended, by type; undefined as long as every value has one of its own. */
  private free: Map<ValueType, string[]> | undefined;
  /** Locals of the blocks that are open, innermost last. */
  private readonly scopes: (readonly [ValueType, string])[][] = [];
  /** Values that lie in a local with another value's name. */
  private readonly lent = new Map<Reg, string>();

  constructor(
    private readonly root: Block,
    private readonly options: FunctionOptions,
    private readonly variables: readonly Variable[],
    /** A new name. */
    private readonly local: (type: ValueType, label: string) => Reg,
  ) {}

  lines(): string[] {
    const { name, exported, params = [], results = [], comment = [] } = this.options;
    for (const v of this.variables) this.declare(v.type, v.name);
    sweep(this.root.nodes);
    const nodes = withShifts(this.root.nodes);
    const written = this.options.fused === true ? balance(nodes, (type) => this.one(type)) : nodes;
    const phased = this.options.phases === undefined ? written : this.inPhases(written, this.options.phases);
    const before = new Map([...this.locals].map(([type, names]) => [type, [...names]]));
    this.nodes(phased, '    ');
    if (this.localCount() > manyLocals) {
      this.locals.clear();
      for (const [type, names] of before) this.locals.set(type, names);
      this.pending.clear();
      this.out.length = 0;
      this.free = new Map();
      this.nodes(phased, '    ');
    }
    const head = [
      `  (func $${name}`,
      ...(exported === undefined ? [] : [`(export "${exported}")`]),
      ...params.map((p) => `(param $${p.name} ${p.type})`),
      ...(results.length === 0 ? [] : [`(result ${results.join(' ')})`]),
    ].join(' ');
    const declarations = [...this.locals].map(
      ([type, names]) => `    ${names.map((n) => `(local ${n} ${type})`).join(' ')}`,
    );
    return [...comment.map((c) => `  ;; ${c}`), head, ...declarations, ...this.entry, ...this.out, '  )'];
  }

  /** A vector of ones, loaded at function entry. */
  private one(type: 'f32' | 'f64'): Reg {
    let reg = this.ones.get(type);
    if (reg === undefined) {
      reg = this.local('v128', `one_${type}`);
      this.ones.set(type, reg);
      const place = this.options.constants.splat(`(${type}.const 1)`);
      this.declare('v128', reg.name ?? '');
      this.entry.push(`    (local.set ${reg.name ?? ''} (v128.load offset=${place} (i32.const 0)))`);
    }
    return reg;
  }

  private inPhases(nodes: readonly Node[], reserve: () => void): readonly Node[] {
    let address: Reg | undefined;
    let vectors = 0;
    return inPhases(nodes, {
      address: () => {
        if (address !== undefined) return address;
        address = this.local('i32', 'phases');
        this.declare('i32', '$phases');
        this.entry.push(`    (local.set $phases (i32.sub (local.get $scratch) (i32.const ${PHASE_BYTES})))`);
        reserve();
        return address;
      },
      vector: () => this.local('v128', `kept${vectors++}`),
    });
  }

  private declare(type: ValueType, name: string): void {
    const names = this.locals.get(type);
    if (names === undefined) this.locals.set(type, [name]);
    else names.push(name);
  }

  private localCount(): number {
    return [...this.locals.values()].reduce((sum, names) => sum + names.length, 0);
  }

  /** The local of a value that is defined here. */
  private define(reg: Reg): string {
    const own = reg.name ?? '';
    const scope = this.scopes.at(-1);
    const used = scope === undefined ? undefined : this.free?.get(reg.type)?.pop();
    if (used === undefined) this.declare(reg.type, own);
    else this.lent.set(reg, used);
    scope?.push([reg.type, used ?? own]);
    return used ?? own;
  }

  /** The nodes of a block of their own. */
  private inside(nodes: readonly Node[], indent: string): void {
    const { free } = this;
    if (free === undefined) {
      this.nodes(nodes, indent);
      return;
    }
    this.scopes.push([]);
    this.nodes(nodes, indent);
    for (const [type, name] of this.scopes.pop() ?? []) {
      const names = free.get(type);
      if (names === undefined) free.set(type, [name]);
      else names.push(name);
    }
  }

  private value(reg: Reg): string {
    const inline = this.pending.get(reg);
    const lent = this.lent.get(reg);
    if (inline === undefined) return lent === undefined ? reg.text : `(local.get ${lent})`;
    this.pending.delete(reg);
    return inline;
  }

  private nodes(nodes: readonly Node[], indent: string): void {
    for (const node of nodes) this.node(node, indent);
  }

  private node(node: Node, indent: string): void {
    const { out } = this;
    switch (node.kind) {
      case 'comment':
        out.push(`${indent};; ${node.text}`);
        return;
      case 'set':
        out.push(`${indent}(local.set ${node.variable.name} ${this.value(node.value)})`);
        return;
      case 'get':
        out.push(`${indent}(local.set ${this.define(node.result)} (local.get ${node.variable.name}))`);
        return;
      case 'op':
        this.operation(node, indent);
        return;
      case 'loop':
      case 'block':
        out.push(`${indent}(${node.kind} ${node.label}`);
        this.inside(node.nodes, `${indent}  `);
        out.push(`${indent})`);
        return;
      case 'if':
        out.push(`${indent}(if ${this.value(node.condition)}`, `${indent}  (then`);
        this.inside(node.then, `${indent}    `);
        out.push(`${indent}  )`);
        if (node.else.length > 0) {
          out.push(`${indent}  (else`);
          this.inside(node.else, `${indent}    `);
          out.push(`${indent}  )`);
        }
        out.push(`${indent})`);
        return;
      case 'result':
        for (const value of node.values) out.push(`${indent}${this.value(value)}`);
        return;
      case 'branch':
        if (node.condition === undefined) out.push(`${indent}(br ${node.label})`);
        else out.push(`${indent}(br_if ${node.label} ${this.value(node.condition)})`);
    }
  }

  private operation(node: Extract<Node, { kind: 'op' }>, indent: string): void {
    const { result } = node;
    const mnemonic = typeof node.op === 'string' ? node.op : node.op();
    if (result?.uses === 0 && node.removable) return;
    const text = `(${[mnemonic, ...node.args.map((a) => this.value(a))].join(' ')})`;
    if (result === undefined) {
      this.out.push(`${indent}${text}`);
      return;
    }
    const inline =
      node.pure &&
      result.uses === 1 &&
      result.usedIn === result.block &&
      text.length <= widest &&
      (this.options.nested === true || result.type === 'i32');
    if (inline) {
      this.pending.set(result, text);
      return;
    }
    this.out.push(`${indent}(local.set ${this.define(result)} ${text})`);
  }
}
