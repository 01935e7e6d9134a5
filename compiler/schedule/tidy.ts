// Makes a written body readable and small: lets that nothing uses go, lets that are used once in the block they stand in become part of the expression that uses them.
// In: statements in which every value is bound. Out: the same computation. A value that reads a variable, local array or buffer is never moved past a statement that changes it.
// Trees stay at most MAX_DEPTH deep (emitters and shader compilers recurse over them).

import { assertNever } from '../support/diagnostic.ts';
import type { Expr, Statement } from '../kernel/types.ts';
import { blocksOf, mapBlocks, mapOperands, operandsOf } from '../kernel/walk.ts';

const MAX_DEPTH = 24;

interface Use {
  count: number;
  block: readonly Statement[];
}

/** Values called in `whole` keep their names. */
export function tidy(body: readonly Statement[], whole: ReadonlySet<string> = new Set()): Statement[] {
  const all = new Map<string, Use>();
  countUses(body, all);
  // Removing a dead let frees what it used: from the last statement to the first.
  const live = dropDead(body, all);
  const uses = new Map<string, Use>();
  const defined = new Map<string, readonly Statement[]>();
  const mutable = new Set<string>();
  scan(live, defined, mutable);
  countUses(live, uses);
  return new Inliner(uses, defined, mutable, whole).block(live);
}

/** Where each let stands and what is ever changed: `v:name`, `a:array`, `b:buffer`. */
function scan(
  block: readonly Statement[],
  defined: Map<string, readonly Statement[]>,
  mutable: Set<string>,
): void {
  for (const s of block) {
    if (s.kind === 'let') defined.set(s.name, block);
    for (const effect of ownEffects(s)) mutable.add(effect);
    for (const inner of blocksOf(s)) scan(inner, defined, mutable);
  }
}

function ownEffects(s: Statement): string[] {
  switch (s.kind) {
    case 'var':
    case 'assign':
      return [`v:${s.name}`];
    case 'array':
      return [`a:${s.name}`];
    case 'assign_local':
      return [`a:${s.array}`];
    case 'store':
      return [`b:${s.buffer}`];
    default:
      return [];
  }
}

function effects(s: Statement, into: Set<string>): void {
  for (const effect of ownEffects(s)) into.add(effect);
  for (const block of blocksOf(s)) for (const inner of block) effects(inner, into);
}

/** The expressions of a statement that are evaluated in the block it stands in. */
function ownExprs(s: Statement): readonly Expr[] {
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'assign':
      return [s.value];
    case 'random_block':
      return [...s.key, ...s.counter];
    case 'array':
      return [];
    case 'assign_local':
    case 'store':
      return [s.index, s.value];
    case 'for':
      return [s.from, s.to];
    case 'while':
    case 'reduce':
      return [];
    case 'if':
      return [s.condition];
    default:
      return assertNever(s);
  }
}

/** Expressions evaluated at the end of an inner block: condition of `while` after `before`, value of `reduce` after its body. */
function endExprs(s: Statement): readonly (readonly [Expr, readonly Statement[]])[] {
  if (s.kind === 'while') return [[s.condition, s.before]];
  if (s.kind === 'reduce') return [[s.value, s.body]];
  return [];
}

function countIn(e: Expr, block: readonly Statement[], uses: Map<string, Use>): void {
  if (e.kind === 'var') {
    const use = uses.get(e.name);
    if (use === undefined) uses.set(e.name, { count: 1, block });
    else {
      use.count++;
      use.block = block;
    }
    return;
  }
  for (const child of operandsOf(e)) countIn(child, block, uses);
}

function countUses(block: readonly Statement[], uses: Map<string, Use>): void {
  for (const s of block) {
    for (const e of ownExprs(s)) countIn(e, block, uses);
    for (const inner of blocksOf(s)) countUses(inner, uses);
    for (const [e, inner] of endExprs(s)) countIn(e, inner, uses);
  }
}

function release(e: Expr, uses: Map<string, Use>): void {
  if (e.kind === 'var') {
    const use = uses.get(e.name);
    if (use !== undefined) use.count--;
    return;
  }
  for (const child of operandsOf(e)) release(child, uses);
}

function dropDead(block: readonly Statement[], uses: Map<string, Use>): Statement[] {
  const kept: Statement[] = [];
  const dead = (name: string): boolean => (uses.get(name)?.count ?? 0) === 0;
  for (let i = block.length - 1; i >= 0; i--) {
    const s = block[i];
    if (s === undefined) continue;
    if (s.kind === 'let' && dead(s.name)) {
      release(s.value, uses);
      continue;
    }
    if (s.kind === 'random_block' && s.names.every(dead)) {
      for (const e of ownExprs(s)) release(e, uses);
      continue;
    }
    if (s.kind === 'reduce' && dead(s.name)) {
      release(s.value, uses);
      dropAll(s.body, uses);
      continue;
    }
    kept.push(mapBlocks(s, (inner) => dropDead(inner, uses)));
  }
  return kept.reverse();
}

/** Releases everything in a block that goes away with its statement. */
function dropAll(block: readonly Statement[], uses: Map<string, Use>): void {
  for (const s of block) {
    for (const e of ownExprs(s)) release(e, uses);
    for (const [e] of endExprs(s)) release(e, uses);
    for (const inner of blocksOf(s)) dropAll(inner, uses);
  }
}

interface Pending {
  readonly name: string;
  readonly expr: Expr;
  /** What it reads that some statement changes. */
  readonly reads: ReadonlySet<string>;
}

class Inliner {
  constructor(
    private readonly uses: ReadonlyMap<string, Use>,
    private readonly defined: ReadonlyMap<string, readonly Statement[]>,
    private readonly mutable: ReadonlySet<string>,
    private readonly whole: ReadonlySet<string>,
  ) {}

  private readonly depths = new Map<Expr, number>();
  private readonly aliases = new Map<string, Expr>();

  block(list: readonly Statement[]): Statement[] {
    return this.run(list).statements;
  }

  private run(
    list: readonly Statement[],
    end?: Expr,
  ): { readonly statements: Statement[]; readonly end: Expr | undefined } {
    const out: Statement[] = [];
    const pending = new Map<string, Pending>();
    const put = (e: Expr): Expr => this.substitute(e, pending);
    for (const s of list) {
      if (s.kind === 'let') {
        const value = put(s.value);
        if (value.kind === 'var' && !this.mutable.has(`v:${value.name}`)) {
          // Another name for what never changes.
          this.aliases.set(s.name, value);
          continue;
        }
        const use = this.uses.get(s.name);
        const single = use?.count === 1 && use.block === this.defined.get(s.name);
        if (single && !this.whole.has(s.name) && this.depthOf(value) < MAX_DEPTH)
          pending.set(s.name, { name: s.name, expr: value, reads: this.readsOf(value) });
        else out.push({ ...s, value });
        continue;
      }
      const done = this.own(s, put);
      const changed = new Set<string>();
      if (pending.size > 0) effects(s, changed);
      if (changed.size > 0)
        for (const p of pending.values())
          if ([...p.reads].some((read) => changed.has(read))) {
            out.push({ kind: 'let', name: p.name, value: p.expr });
            pending.delete(p.name);
          }
      out.push(this.inner(done));
    }
    return { statements: out, end: end === undefined ? undefined : put(end) };
  }

  private depthOf(e: Expr): number {
    const known = this.depths.get(e);
    if (known !== undefined) return known;
    let depth = 0;
    for (const child of operandsOf(e)) depth = Math.max(depth, this.depthOf(child));
    this.depths.set(e, depth + 1);
    return depth + 1;
  }

  private own(s: Statement, put: (e: Expr) => Expr): Statement {
    switch (s.kind) {
      case 'let':
      case 'var':
      case 'assign':
        return { ...s, value: put(s.value) };
      case 'random_block':
        return { ...s, key: s.key.map(put), counter: s.counter.map(put) };
      case 'assign_local':
      case 'store':
        return { ...s, index: put(s.index), value: put(s.value) };
      case 'for':
        return { ...s, from: put(s.from), to: put(s.to) };
      case 'if':
        return { ...s, condition: put(s.condition) };
      default:
        return s;
    }
  }

  private inner(s: Statement): Statement {
    switch (s.kind) {
      case 'for':
        return { ...s, body: this.block(s.body) };
      case 'reduce': {
        const { statements, end } = this.run(s.body, s.value);
        return { ...s, body: statements, value: end ?? s.value };
      }
      case 'while': {
        const { statements, end } = this.run(s.before, s.condition);
        return { ...s, before: statements, condition: end ?? s.condition, body: this.block(s.body) };
      }
      case 'if':
        return { ...s, then: this.block(s.then), else: this.block(s.else) };
      default:
        return s;
    }
  }

  private substitute(e: Expr, pending: Map<string, Pending>): Expr {
    switch (e.kind) {
      case 'var': {
        const p = pending.get(e.name);
        if (p === undefined) return this.aliases.get(e.name) ?? e;
        pending.delete(e.name);
        return p.expr;
      }
      case 'const':
      case 'uniform':
        return e;
      default:
        return mapOperands(e, (child) => this.substitute(child, pending));
    }
  }

  /** What the expression reads that some statement changes; found once for each expression, since large ones are made of those before. */
  private readonly reads = new Map<Expr, ReadonlySet<string>>();

  private readsOf(e: Expr): ReadonlySet<string> {
    const known = this.reads.get(e);
    if (known !== undefined) return known;
    const token =
      e.kind === 'var'
        ? `v:${e.name}`
        : e.kind === 'local'
          ? `a:${e.array}`
          : e.kind === 'load'
            ? `b:${e.buffer}`
            : undefined;
    let reads: ReadonlySet<string> =
      token !== undefined && this.mutable.has(token) ? new Set([token]) : nothing;
    for (const child of operandsOf(e)) {
      const more = this.readsOf(child);
      if (more.size > 0 && more !== reads) reads = reads.size === 0 ? more : new Set([...reads, ...more]);
    }
    this.reads.set(e, reads);
    return reads;
  }
}

const nothing: ReadonlySet<string> = new Set();
