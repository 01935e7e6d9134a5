// Neighbouring turns of a loop that share blocks of random words run together: two or four turns become one, in which a block (and what follows from it alone) is computed once. In: a body as the
// writer leaves it, every value bound by `let`. Out: the same values; and the names that must stay values of their own.
//
// The number of a draw is the turn t; its block is t >> s, its words and its variable depend on the lowest bits of t (elaborate/random/draws.ts). With t = 4q + c these become q and constants. Loops with bounds
// known at run time only (the segments of a checkpointed sweep) run the turns before the first whole group and behind the last one by one. So that all give the same bits, what a choice by the lowest bits
// resolves to keeps its name: it is not joined with the operations around it into other roundings.

import { assertNever } from '../support/diagnostic.ts';
import { at, range } from '../support/lists.ts';
import * as k from '../kernel/build.ts';
import { everyExpr, everyStatement, mapBlocks, mapExpr } from '../kernel/walk.ts';
import type { Expr, Statement } from '../kernel/types.ts';
import type { DType } from '../ir/types.ts';

/** Statements of all copies of a body, at most. */
const LARGEST = 800;
/** Fewer turns are not worth the text. */
const FEWEST = 8;

type For = Extract<Statement, { kind: 'for' }>;

export interface Neighbours {
  readonly body: readonly Statement[];
  /** Names whose values are not to become parts of other expressions. */
  readonly whole: ReadonlySet<string>;
}

/** `fresh` gives a name that nothing has. */
export function shareBlocks(body: readonly Statement[], fresh: (prefix: string) => string): Neighbours {
  const sharing = new Sharing(fresh);
  return { body: sharing.block(body), whole: sharing.whole };
}

class Sharing {
  readonly whole = new Set<string>();

  constructor(private readonly fresh: (prefix: string) => string) {}

  block(list: readonly Statement[]): Statement[] {
    return list.flatMap((s) =>
      s.kind === 'for' ? this.loop(s) : [mapBlocks(s, (inner) => this.block(inner))],
    );
  }

  private loop(s: For): Statement[] {
    const inside: For = { ...s, body: this.block(s.body) };
    const { from, to } = s;
    const bits = sharedBits(s);
    if (bits === 0) return [inside];
    return from.kind === 'const' && to.kind === 'const'
      ? this.counted(inside, from.value, to.value, bits)
      : this.uncounted(inside, bits);
  }

  /** Groups of 2^bits turns, of fewer where the text would be too long. */
  private counted(s: For, from: number, to: number, bits: number): Statement[] {
    const together = groupOf(bits, LARGEST / sizeOf(s.body));
    const first = Math.ceil(from / together);
    const end = Math.floor(to / together);
    if (together === 1 || to - from < FEWEST) return [s];
    const turns = (a: number, b: number): Statement[] => {
      const order = range(b - a).map((i) => (s.down ? b - 1 - i : a + i));
      return order.flatMap((t) => this.copies(s, [k.int(t)]));
    };
    const main = this.groups(s, k.int(first), k.int(end), together);
    const [before, after] = [turns(from, first * together), turns(end * together, to)];
    return s.down ? [...after, main, ...before] : [...before, main, ...after];
  }

  /** The same between bounds known at run time: the turns before the first whole group and behind the last in loops of their own, most often empty. */
  private uncounted(s: For, bits: number): Statement[] {
    const together = groupOf(bits, LARGEST / sizeOf(s.body) - 2);
    if (together === 1) return [s];
    const bound = (prefix: string, value: Expr): [Statement, Expr] => {
      const name = this.fresh(prefix);
      return [{ kind: 'let', name, value }, k.variable('i32', name)];
    };
    const size = k.int(together);
    const [firstGroup, first] = bound('first', k.binary('idiv', k.add(s.from, k.int(together - 1)), size));
    const [lastGroup, end] = bound('end', k.binary('idiv', s.to, size));
    const [head, headEnd] = bound('head', k.binary('min', k.mul(first, size), s.to));
    const [tail, tailStart] = bound('tail', k.binary('max', k.mul(end, size), headEnd));
    const oneByOne = (from: Expr, to: Expr): Statement => {
      const name = this.fresh(prefixOf(s.name));
      return { ...s, name, from, to, body: this.copies(s, [k.variable('i32', name)]) };
    };
    const parts = [
      oneByOne(s.from, headEnd),
      this.groups(s, first, end, together),
      oneByOne(tailStart, s.to),
    ];
    return [firstGroup, lastGroup, head, tail, ...(s.down ? parts.reverse() : parts)];
  }

  /** Turns together * first to together * end, so many at a time. */
  private groups(s: For, first: Expr, end: Expr, together: number): Statement {
    const q = this.fresh('q');
    const turns = range(together).map((c) => k.add(k.mul(k.variable('i32', q), k.int(together)), k.int(c)));
    const body = this.copies(s, s.down ? turns.reverse() : turns);
    return { kind: 'for', name: q, from: first, to: end, down: s.down, body };
  }

  /** The body at these turns, one behind the other. */
  private copies(s: For, turns: readonly Expr[]): Statement[] {
    const known = new Map<string, Expr>();
    const changing = new Set<string>();
    collectChanges(s.body, changing);
    return turns.flatMap((turn) =>
      new Copy(this, this.fresh, known, changing, new Map([[s.name, turn]])).block(s.body),
    );
  }
}

/** One turn: names bound in it are new ones, choices by the number of the turn are made, values that an earlier turn has are not computed again. */
class Copy {
  constructor(
    private readonly sharing: Sharing,
    private readonly fresh: (prefix: string) => string,
    /** Values of this block and of those around it, by their text. */
    private readonly known: Map<string, Expr>,
    /** What some statement changes: variables, local arrays, buffers. */
    private readonly changing: ReadonlySet<string>,
    private readonly names: Map<string, Expr>,
  ) {}

  block(list: readonly Statement[]): Statement[] {
    return list.flatMap((s) => this.statement(s));
  }

  private inner(list: readonly Statement[]): Statement[] {
    return new Copy(this.sharing, this.fresh, new Map(this.known), this.changing, this.names).block(list);
  }

  private expr(e: Expr): Expr {
    return mapExpr(e, (x) => folded(x.kind === 'var' ? (this.names.get(x.name) ?? x) : x));
  }

  private rename(name: string, type: DType): string {
    const renamed = this.fresh(prefixOf(name));
    this.names.set(name, k.variable(type, renamed));
    return renamed;
  }

  private nameOf(name: string): string {
    const own = this.names.get(name);
    return own?.kind === 'var' ? own.name : name;
  }

  private steady(e: Expr): boolean {
    let steady = true;
    everyExpr(e, (x) => {
      if (x.kind === 'var' && this.changing.has(`v:${x.name}`)) steady = false;
      if (x.kind === 'local') steady = false;
      if (x.kind === 'load' && this.changing.has(`b:${x.buffer}`)) steady = false;
    });
    return steady;
  }

  private statement(s: Statement): Statement[] {
    switch (s.kind) {
      case 'let': {
        const value = this.expr(s.value);
        const { type } = value;
        if (s.value.kind === 'select' && value.kind === 'var') this.sharing.whole.add(value.name);
        // Numbers of turns are worked out where they are used.
        if (value.kind === 'const' || isTurn(value) || (value.kind === 'var' && this.steady(value))) {
          this.names.set(s.name, value);
          return [];
        }
        if (this.steady(value)) {
          const text = JSON.stringify(value);
          const same = this.known.get(text);
          if (same !== undefined) {
            this.names.set(s.name, same);
            return [];
          }
          const name = this.rename(s.name, type);
          this.known.set(text, k.variable(type, name));
          return [{ kind: 'let', name, value }];
        }
        return [{ kind: 'let', name: this.rename(s.name, type), value }];
      }
      case 'random_block': {
        const [key, counter] = [s.key.map((e) => this.expr(e)), s.counter.map((e) => this.expr(e))];
        const text = JSON.stringify([key, counter]);
        const words = s.names.map((_, w) => this.known.get(`${w} of ${text}`));
        if (words.every((w) => w !== undefined)) {
          s.names.forEach((name, w) => this.names.set(name, at(words, w) ?? k.variable('u32', name)));
          return [];
        }
        const names = s.names.map((name) => this.rename(name, 'u32'));
        if ([...key, ...counter].every((e) => this.steady(e)))
          names.forEach((name, w) => this.known.set(`${w} of ${text}`, k.variable('u32', name)));
        return [
          {
            kind: 'random_block',
            names: [at(names, 0), at(names, 1), at(names, 2), at(names, 3)],
            key,
            counter,
          },
        ];
      }
      case 'var': {
        const value = this.expr(s.value);
        return [{ kind: 'var', name: this.rename(s.name, value.type), value }];
      }
      case 'assign':
        return [{ ...s, name: this.nameOf(s.name), value: this.expr(s.value) }];
      case 'array':
        return [{ ...s, name: this.rename(s.name, s.type) }];
      case 'assign_local':
        return [{ ...s, array: this.nameOf(s.array), index: this.expr(s.index), value: this.expr(s.value) }];
      case 'store':
        return [{ ...s, index: this.expr(s.index), value: this.expr(s.value) }];
      case 'for': {
        const [from, to] = [this.expr(s.from), this.expr(s.to)];
        return [{ ...s, name: this.rename(s.name, 'i32'), from, to, body: this.inner(s.body) }];
      }
      case 'while': {
        const counter = this.rename(s.counter, 'i32');
        const before = this.inner(s.before);
        return [{ ...s, counter, before, condition: this.expr(s.condition), body: this.inner(s.body) }];
      }
      case 'if':
        return [
          { ...s, condition: this.expr(s.condition), then: this.inner(s.then), else: this.inner(s.else) },
        ];
      case 'reduce': {
        const loops = s.loops.map((loop) => ({ ...loop, name: this.rename(loop.name, 'i32') }));
        const body = this.inner(s.body);
        const value = this.expr(s.value);
        return [{ ...s, loops, body, value, name: this.rename(s.name, s.type) }];
      }
      default:
        return assertNever(s);
    }
  }
}

function prefixOf(name: string): string {
  return name.replace(/\d+$/, '');
}

/** a*x + c with numbers a and c: a = 0 for a number alone. */
function linear(
  e: Expr,
): { readonly x: Expr | undefined; readonly scale: number; readonly shift: number } | undefined {
  if (e.kind === 'const') return { x: undefined, scale: 0, shift: e.value };
  if (e.kind !== 'binary' || e.b.kind !== 'const') return undefined;
  if (e.op === 'mul') return { x: e.a, scale: e.b.value, shift: 0 };
  if (e.op !== 'add') return undefined;
  const product = linear(e.a);
  return product === undefined ? undefined : { ...product, shift: product.shift + e.b.value };
}

function isCounter(e: Expr): boolean {
  return e.kind === 'var' && e.type === 'i32' && /^q\d+$/.test(e.name);
}

/** Whether an expression is 4q + c, q or the like. */
function isTurn(e: Expr): boolean {
  if (e.kind === 'cast' && e.a.type === 'i32' && e.type === 'u32') return isCounter(e.a);
  const form = linear(e);
  return (
    (e.type === 'i32' || e.type === 'u32') &&
    form?.x !== undefined &&
    form.scale <= 4 &&
    (isCounter(form.x) || isTurn(form.x))
  );
}

/** Choices by the lowest bits of 4q + c, and its higher bits. Turns are never negative, and fewer than 2^31. */
function folded(e: Expr): Expr {
  if (e.kind === 'cast' && e.type === 'u32' && e.a.type === 'i32') {
    const form = linear(e.a);
    if (form?.x !== undefined && form.shift >= 0)
      return k.add(
        k.mul(k.cast('u32', form.x), k.constant('u32', form.scale)),
        k.constant('u32', form.shift),
      );
  }
  if (e.kind === 'binary' && e.type === 'u32' && e.b.kind === 'const') {
    const form = linear(e.a);
    const { value } = e.b;
    if (form?.x !== undefined && e.op === 'shr' && value < 31 && form.scale % 2 ** value === 0 && isTurn(e.a))
      return k.add(
        k.mul(form.x, k.constant('u32', form.scale / 2 ** value)),
        k.constant('u32', Math.floor(form.shift / 2 ** value)),
      );
    if (
      form?.x !== undefined &&
      e.op === 'and' &&
      value > 0 &&
      form.scale % 2 ** Math.ceil(Math.log2(value + 1)) === 0
    )
      return k.constant('u32', form.shift & value);
  }
  return rebuilt(e);
}

/** Constants folded. */
function rebuilt(e: Expr): Expr {
  switch (e.kind) {
    case 'unary':
      return e.a.kind === 'const' ? k.unary(e.op, e.a) : e;
    case 'binary':
      return e.type === 'i32' || e.type === 'u32' || e.type === 'bool' ? k.binary(e.op, e.a, e.b) : e;
    case 'compare':
      return k.compare(e.op, e.a, e.b);
    case 'select':
      return e.condition.kind === 'const' ? k.select(e.condition, e.then, e.else) : e;
    case 'cast':
      return k.cast(e.type, e.a);
    default:
      return e;
  }
}

/** 2^bits, or the largest smaller power of two of which no more copies than `most` are made. */
function groupOf(bits: number, most: number): number {
  let together = 2 ** bits;
  while (together > 1 && together > most) together /= 2;
  return together;
}

/** By how many bits the turn of a loop is shifted to number its blocks. */
function sharedBits(s: For): number {
  const values = new Map<string, Expr>();
  let bits = 0;
  const resolve = (e: Expr): Expr => (e.kind === 'var' ? (values.get(e.name) ?? e) : e);
  const visit = (list: readonly Statement[]): void => {
    for (const x of list) {
      if (x.kind === 'let') values.set(x.name, x.value);
      if (x.kind === 'random_block') {
        const number = resolve(at(x.counter, 0));
        if (number.kind !== 'binary' || number.op !== 'shr' || number.b.kind !== 'const') continue;
        const turn = resolve(number.a);
        if (turn.kind === 'cast' && turn.a.kind === 'var' && turn.a.name === s.name)
          bits = Math.max(bits, number.b.value);
      }
      if (x.kind === 'if') {
        visit(x.then);
        visit(x.else);
      }
    }
  };
  visit(s.body);
  return Math.min(bits, 2);
}

function sizeOf(list: readonly Statement[]): number {
  let size = 0;
  everyStatement(list, () => size++);
  return size;
}

function collectChanges(list: readonly Statement[], into: Set<string>): void {
  everyStatement(list, (s) => {
    if (s.kind === 'var' || s.kind === 'assign') into.add(`v:${s.name}`);
    if (s.kind === 'while') into.add(`v:${s.counter}`);
    if (s.kind === 'store') into.add(`b:${s.buffer}`);
  });
}
