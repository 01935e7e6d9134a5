// Guards and index arithmetic of a kernel body under known ranges of its axes. In: a map kernel and an interval for each axis. Out: the body with every comparison, selection, clamp,
// remainder and quotient folded that these intervals decide, and for each axis the break points at which an undecided one would change.
//
// `interiorOf` uses it to find the box in which a kernel has no guards: per axis the longest interval between break points, found again under the narrowed ranges until nothing changes (a
// guard may hide behind another). Loads keep their indices: what lies outside a buffer there is unspecified, and the lowering sees to it that it cannot fault.

import * as k from '../../kernel/build.ts';
import type { Expr, MapKernel, Statement } from '../../kernel/types.ts';
import { assertNever } from '../../support/diagnostic.ts';
import { at } from '../../support/lists.ts';
import {
  addScaled,
  constantAffine,
  dividedBy,
  everything,
  inRange,
  intervalOf,
  isExact,
  scaled,
  variableAffine,
  type Affine,
  type Interval,
} from './affine.ts';
import { foldFloats, scaledOf, type Scaled } from './float_scaling.ts';

export type AxisRanges = ReadonlyMap<string, Interval>;

export interface Simplified {
  readonly body: readonly Statement[];
  /** Places of an axis at which an undecided guard changes: it is one thing below, another from there on. */
  readonly breaks: ReadonlyMap<string, ReadonlySet<number>>;
}

/** The box without guards: per axis its first and last point, and the body there. */
export interface Interior {
  readonly ranges: AxisRanges;
  readonly body: readonly Statement[];
  /** The body with the guards that the whole space needs. */
  readonly guarded: readonly Statement[];
  /** Guards that depend on the axes but on no single one, or on loops inside. */
  readonly clean: boolean;
}

export function fullRanges(kernel: MapKernel): AxisRanges {
  return new Map(kernel.axes.map((axis, i) => [axis, { lo: 0, hi: at(kernel.space, i) - 1 }]));
}

export function simplifyBody(
  kernel: MapKernel,
  ranges: AxisRanges,
  uniforms: readonly Interval[] = [],
): Simplified {
  const simplifier = new Simplifier(ranges, uniforms);
  const body = simplifier.statements(kernel.body, new Map());
  return { body, breaks: simplifier.breaks };
}

export function interiorOf(kernel: MapKernel, uniforms: readonly Interval[] = []): Interior {
  let ranges = fullRanges(kernel);
  const whole = simplifyBody(kernel, ranges, uniforms);
  for (let turn = 0; ; turn++) {
    const { body, breaks } = turn === 0 ? whole : simplifyBody(kernel, ranges, uniforms);
    const narrowed = new Map([...ranges].map(([axis, range]) => [axis, longest(range, breaks.get(axis))]));
    const same = [...ranges].every(([axis, { lo, hi }]) => {
      const now = narrowed.get(axis);
      return now?.lo === lo && now.hi === hi;
    });
    if (same || turn === 4) return { ranges, body, guarded: whole.body, clean: breaks.size === 0 };
    ranges = narrowed;
  }
}

/** The longest part of an interval between break points; the first of several. */
function longest(range: Interval, breaks: ReadonlySet<number> | undefined): Interval {
  if (breaks === undefined || breaks.size === 0) return range;
  const inside = [...breaks].filter((b) => b > range.lo && b <= range.hi).sort((a, b) => a - b);
  const ends = [range.lo, ...inside, range.hi + 1];
  let best = { lo: range.lo, hi: range.lo - 1 };
  for (let i = 0; i + 1 < ends.length; i++) {
    const part = { lo: at(ends, i), hi: at(ends, i + 1) - 1 };
    if (part.hi - part.lo > best.hi - best.lo) best = part;
  }
  return best;
}

interface Known {
  /** Undefined for a `var`, whose value changes. */
  readonly affine: Affine | undefined;
  readonly constant: Expr | undefined;
  /** A float that is another name times a constant. */
  readonly scaled?: Scaled | undefined;
  /** Bound by `let`. */
  readonly fixed?: boolean;
}

type Scope = Map<string, Known>;

/** An expression with its value as an affine form, for i32. */
interface Result {
  readonly e: Expr;
  readonly affine: Affine | undefined;
}

class Simplifier {
  readonly breaks = new Map<string, Set<number>>();
  private readonly ranges = new Map<string, Interval>();
  private readonly expressions = new Map<string, Expr>();
  private serial = 0;

  constructor(
    private readonly axes: AxisRanges,
    uniforms: readonly Interval[],
  ) {
    for (const [axis, range] of axes) this.ranges.set(axis, range);
    uniforms.forEach((range, i) => this.ranges.set(`@${i}`, range));
  }

  private rangeOf(affine: Affine): Interval {
    return intervalOf(affine, (v) => this.ranges.get(v) ?? everything);
  }

  /** A value that is no sum of others, known by its interval. */
  private opaque(e: Expr, range: Interval): Result {
    if (range.lo === range.hi) return { e: k.int(range.lo), affine: constantAffine(range.lo) };
    const name = `#${this.serial++}`;
    this.ranges.set(name, range);
    this.expressions.set(name, e);
    return { e, affine: variableAffine(name) };
  }

  private fromAffine(affine: Affine): Expr {
    let sum: Expr = k.int(0);
    for (const [variable, c] of affine.terms) {
      const e = this.expressions.get(variable) ?? k.variable('i32', variable);
      sum = k.add(sum, k.mul(e, k.int(c)));
    }
    return k.add(sum, k.int(affine.constant));
  }

  private exact(affine: Affine): Result {
    return { e: this.fromAffine(affine), affine };
  }

  // ---- statements

  statements(list: readonly Statement[], outer: Scope): readonly Statement[] {
    return list.flatMap((s) => this.statement(s, outer));
  }

  private bindInteger(name: string, range: Interval, scope: Scope): void {
    this.ranges.set(name, range);
    this.expressions.delete(name);
    scope.set(name, { affine: variableAffine(name), constant: undefined });
  }

  private statement(s: Statement, scope: Scope): readonly Statement[] {
    switch (s.kind) {
      case 'let': {
        const { e, affine } = this.expr(s.value, scope);
        const constant = e.kind === 'const' ? e : undefined;
        if (affine?.terms.some(([v]) => v.startsWith('#')) === true)
          this.bindInteger(s.name, this.rangeOf(affine), scope);
        else scope.set(s.name, { affine, constant, scaled: this.scaledName(e, scope), fixed: true });
        return [{ ...s, value: e }];
      }
      case 'var': {
        const value = this.value(s.value, scope);
        scope.set(s.name, { affine: undefined, constant: undefined });
        return [{ ...s, value }];
      }
      case 'random_block':
        return [{ ...s, key: this.values(s.key, scope), counter: this.values(s.counter, scope) }];
      case 'assign':
        return [{ ...s, value: this.value(s.value, scope) }];
      case 'array':
        return [s];
      case 'assign_local':
      case 'store':
        return [{ ...s, index: this.value(s.index, scope), value: this.value(s.value, scope) }];
      case 'for': {
        const from = this.expr(s.from, scope);
        const to = this.expr(s.to, scope);
        const lo = from.affine === undefined ? -Infinity : this.rangeOf(from.affine).lo;
        const hi = to.affine === undefined ? Infinity : this.rangeOf(to.affine).hi - 1;
        if (hi < lo) return [];
        const inner: Scope = new Map(scope);
        this.bindInteger(s.name, { lo, hi }, inner);
        return [{ ...s, from: from.e, to: to.e, body: this.statements(s.body, inner) }];
      }
      case 'while': {
        this.bindInteger(s.counter, { lo: 0, hi: s.limit }, scope);
        const inner: Scope = new Map(scope);
        const before = this.statements(s.before, inner);
        const condition = this.value(s.condition, inner);
        return [{ ...s, before, condition, body: this.statements(s.body, inner) }];
      }
      case 'if': {
        const condition = this.value(s.condition, scope);
        if (condition.kind === 'const')
          return this.statements(condition.value !== 0 ? s.then : s.else, new Map(scope));
        const then = this.statements(s.then, new Map(scope));
        const otherwise = this.statements(s.else, new Map(scope));
        return [{ ...s, condition, then, else: otherwise }];
      }
      case 'reduce': {
        const inner: Scope = new Map(scope);
        for (const loop of s.loops) this.bindInteger(loop.name, { lo: 0, hi: loop.extent - 1 }, inner);
        const body = this.statements(s.body, inner);
        const value = this.value(s.value, inner);
        if (s.type === 'i32') this.bindInteger(s.name, everything, scope);
        return [{ ...s, body, value }];
      }
      default:
        return assertNever(s);
    }
  }

  /** A product of a bound name and a constant, to be seen through the name it gets. */
  private scaledName(e: Expr, scope: Scope): Scaled | undefined {
    if (e.type !== 'f32' && e.type !== 'f64') return undefined;
    const scaled = scaledOf(e, (name) => scope.get(name)?.scaled);
    // A `var` may have another value where the name is used.
    const known = scaled?.x.kind === 'var' && scope.get(scaled.x.name)?.fixed === true;
    return known ? scaled : undefined;
  }

  // ---- expressions

  private value(e: Expr, scope: Scope): Expr {
    return this.expr(e, scope).e;
  }

  private values(list: readonly Expr[], scope: Scope): readonly Expr[] {
    return list.map((e) => this.value(e, scope));
  }

  private plain(e: Expr): Result {
    if (e.type !== 'i32') return { e, affine: undefined };
    if (e.kind === 'const') return { e, affine: constantAffine(e.value) };
    return this.opaque(e, everything);
  }

  private expr(e: Expr, scope: Scope): Result {
    switch (e.kind) {
      case 'const':
        return this.plain(e);
      case 'uniform': {
        const name = `@${e.index}`;
        this.expressions.set(name, e);
        return { e, affine: variableAffine(name) };
      }
      case 'var': {
        const known = scope.get(e.name);
        if (known?.constant !== undefined) return { e: known.constant, affine: known.affine };
        if (e.type !== 'i32') return { e, affine: undefined };
        if (known !== undefined)
          return known.affine === undefined ? this.opaque(e, everything) : { e, affine: known.affine };
        return { e, affine: variableAffine(e.name) };
      }
      case 'load':
      case 'local':
        return this.plain({ ...e, index: this.value(e.index, scope) });
      case 'unary': {
        const a = this.expr(e.a, scope);
        const simple = k.unary(e.op, a.e);
        if (e.type !== 'i32' || a.affine === undefined) return this.plain(simple);
        if (e.op === 'neg') return { e: simple, affine: scaled(a.affine, -1) };
        if (e.op === 'abs' && this.rangeOf(a.affine).lo >= 0) return a;
        return this.plain(simple);
      }
      case 'binary': {
        const a = this.expr(e.a, scope);
        const b = this.expr(e.b, scope);
        if (e.type === 'i32' && a.affine !== undefined && b.affine !== undefined)
          return this.integer(e, a.e, b.e, a.affine, b.affine);
        const times = e.rounded === true ? k.roundedProduct : k.mul;
        return this.plain(
          foldFloats(e.op, a.e, b.e, (name) => scope.get(name)?.scaled, times) ??
            (e.rounded === true ? times(a.e, b.e) : k.binary(e.op, a.e, b.e)),
        );
      }
      case 'compare': {
        const a = this.expr(e.a, scope);
        const b = this.expr(e.b, scope);
        const decided =
          a.affine !== undefined && b.affine !== undefined && e.a.type === 'i32'
            ? this.decide(e.op, a.affine, b.affine)
            : undefined;
        return this.plain(decided === undefined ? k.compare(e.op, a.e, b.e) : k.bool(decided));
      }
      case 'select': {
        const condition = this.value(e.condition, scope);
        if (condition.kind === 'const') return this.expr(condition.value !== 0 ? e.then : e.else, scope);
        const a = this.expr(e.then, scope);
        const b = this.expr(e.else, scope);
        const simple = k.select(condition, a.e, b.e);
        if (e.type !== 'i32' || a.affine === undefined || b.affine === undefined) return this.plain(simple);
        const [x, y] = [this.rangeOf(a.affine), this.rangeOf(b.affine)];
        return this.opaque(simple, { lo: Math.min(x.lo, y.lo), hi: Math.max(x.hi, y.hi) });
      }
      case 'cast': {
        const simple = k.cast(e.type, this.value(e.a, scope));
        if (e.type === 'i32' && e.a.type === 'bool' && simple.kind !== 'const')
          return this.opaque(simple, { lo: 0, hi: 1 });
        return this.plain(simple);
      }
      case 'bitcast':
        return this.plain(k.bitcast(e.type, this.value(e.a, scope)));
      case 'random':
        return this.plain({ ...e, key: this.values(e.key, scope), counter: this.values(e.counter, scope) });
      default:
        return assertNever(e);
    }
  }

  private integer(e: Extract<Expr, { kind: 'binary' }>, x: Expr, y: Expr, a: Affine, b: Affine): Result {
    const simple = k.binary(e.op, x, y);
    if (simple.kind === 'const') return { e: simple, affine: constantAffine(simple.value) };
    const result = this.integerOperation(e, simple, x, y, a, b);
    return result.affine === undefined || isExact(result.affine) ? result : this.plain(simple);
  }

  private integerOperation(
    e: Extract<Expr, { kind: 'binary' }>,
    simple: Expr,
    x: Expr,
    y: Expr,
    a: Affine,
    b: Affine,
  ): Result {
    const constant = b.terms.length === 0 ? b.constant : undefined;
    switch (e.op) {
      case 'add':
        return { e: simple, affine: addScaled(a, b, 1) };
      case 'sub':
        return { e: simple, affine: addScaled(a, b, -1) };
      case 'mul':
        if (constant !== undefined) return { e: simple, affine: scaled(a, constant) };
        if (a.terms.length === 0) return { e: simple, affine: scaled(b, a.constant) };
        return this.plain(simple);
      case 'shl':
        if (constant !== undefined && constant >= 0 && constant < 31)
          return { e: simple, affine: scaled(a, 2 ** constant) };
        return this.plain(simple);
      case 'max':
      case 'min':
        return this.extremum(e.op, x, y, a, b);
      case 'idiv':
      case 'rem':
        return constant !== undefined && constant > 0
          ? this.division(e.op, simple, a, constant)
          : this.plain(simple);
      case 'and': {
        if (constant === undefined || constant < 0) return this.plain(simple);
        return this.opaque(simple, { lo: 0, hi: constant });
      }
      default:
        return this.plain(simple);
    }
  }

  private extremum(op: 'max' | 'min', x: Expr, y: Expr, a: Affine, b: Affine): Result {
    const [p, q] = [this.rangeOf(a), this.rangeOf(b)];
    if (!inRange(p) || !inRange(q)) return this.plain(k.binary(op, x, y));
    const difference = addScaled(a, b, -1);
    const { lo, hi } = this.rangeOf(difference);
    const first = { e: x, affine: a };
    const second = { e: y, affine: b };
    if (lo >= 0) return op === 'max' ? first : second;
    if (hi <= 0) return op === 'max' ? second : first;
    this.noteThreshold(difference, 0);
    return this.opaque(k.binary(op, x, y), { lo: Math[op](p.lo, q.lo), hi: Math[op](p.hi, q.hi) });
  }

  /** Floored quotient or remainder by a positive constant. */
  private division(op: 'idiv' | 'rem', simple: Expr, a: Affine, divisor: number): Result {
    const whole = this.rangeOf(a);
    if (!inRange(whole))
      return op === 'rem' ? this.opaque(simple, { lo: 0, hi: divisor - 1 }) : this.plain(simple);
    const { quotient, rest } = dividedBy(a, divisor);
    const { lo, hi } = this.rangeOf(rest);
    const [first, last] = [Math.floor(lo / divisor), Math.floor(hi / divisor)];
    if (first === last) {
      if (op === 'idiv') return this.exact(addScaled(quotient, constantAffine(first), 1));
      return this.exact(addScaled(rest, constantAffine(first * divisor), -1));
    }
    if (last - first <= 4)
      for (let turn = first + 1; turn <= last; turn++) this.noteThreshold(rest, turn * divisor);
    if (op === 'rem') return this.opaque(simple, { lo: 0, hi: divisor - 1 });
    return this.opaque(simple, { lo: Math.floor(whole.lo / divisor), hi: Math.floor(whole.hi / divisor) });
  }

  /** The truth of `a op b`, when the ranges decide it. */
  private decide(op: 'eq' | 'ne' | 'lt' | 'le', a: Affine, b: Affine): boolean | undefined {
    if (!inRange(this.rangeOf(a)) || !inRange(this.rangeOf(b))) return undefined;
    const difference = addScaled(a, b, -1);
    const { lo, hi } = this.rangeOf(difference);
    switch (op) {
      case 'lt':
        if (hi < 0) return true;
        if (lo >= 0) return false;
        this.noteThreshold(difference, 0);
        return undefined;
      case 'le':
        if (hi <= 0) return true;
        if (lo > 0) return false;
        this.noteThreshold(difference, 1);
        return undefined;
      case 'eq':
      case 'ne':
        if (lo > 0 || hi < 0) return op === 'ne';
        if (lo === 0 && hi === 0) return op === 'eq';
        this.noteThreshold(difference, 0);
        this.noteThreshold(difference, 1);
        return undefined;
      default:
        return assertNever(op);
    }
  }

  /** `a >= bound` is undecided: where it changes along an axis, when it depends on one axis alone. */
  private noteThreshold(a: Affine, bound: number): void {
    const [term, ...others] = a.terms;
    if (term === undefined || others.length > 0) return;
    const [axis, c] = term;
    const range = this.axes.get(axis);
    if (range === undefined) return;
    const place = c > 0 ? Math.ceil((bound - a.constant) / c) : Math.floor((a.constant - bound) / -c) + 1;
    if (place <= range.lo || place > range.hi) return;
    const places = this.breaks.get(axis);
    if (places === undefined) this.breaks.set(axis, new Set([place]));
    else places.add(place);
  }
}
