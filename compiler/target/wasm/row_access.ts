// Which rows of its buffers a map kernel touches, seen from the row it is at (a row: all points with one index along the outermost axis). In: a kernel, and the elements from one row of a buffer to the
// next. Out: the interval of distances in rows, over all guards that can hold; undefined where it is not known.

import type { Expr, MapKernel, Statement } from '../../kernel/types.ts';
import { blocksOf, operandsOf } from '../../kernel/walk.ts';
import { at } from '../../support/lists.ts';
import {
  addScaled,
  coefficient,
  constantAffine,
  everything,
  intervalOf,
  scaled,
  variableAffine,
  type Affine,
  type Interval,
} from './affine.ts';
import { fullRanges, interiorOf, simplifyBody, type AxisRanges } from './simplify.ts';

interface Access {
  readonly buffer: number;
  readonly store: boolean;
  readonly index: Affine | undefined;
  /** Ranges of the variables of the index. */
  readonly ranges: ReadonlyMap<string, Interval>;
}

/** Rows at the border of a kernel that are looked at one by one. */
const borderRows = 16;

/** Every access of a kernel, rows of one kind after another: those of the interior, and each row outside of it. */
export class RowAccess {
  private readonly accesses: readonly Access[];
  private readonly axis: string;

  constructor(kernel: MapKernel, uniforms: readonly Interval[]) {
    this.axis = at(kernel.axes, 0);
    this.accesses = rowKinds(kernel, uniforms).flatMap((ranges) => {
      const { body } = simplifyBody(kernel, ranges, uniforms);
      const collector = new Collector(ranges);
      collector.statements(body);
      return collector.accesses;
    });
  }

  /** Elements from one row to the next, as the stores to a buffer show it. */
  pitch(buffer: number): number | undefined {
    const store = this.accesses.find((a) => a.store && a.buffer === buffer);
    return store?.index === undefined ? undefined : coefficient(store.index, this.axis);
  }

  /** Distances in rows of `pitch` elements from the row at hand to those that loads (or stores) of a buffer touch; in a ring of `ring` rows the short way round. */
  distances(buffer: number, store: boolean, pitch: number, ring: number): Distances | undefined {
    let found: Distances = { lo: Infinity, hi: -Infinity, round: false };
    for (const access of this.accesses) {
      if (access.buffer !== buffer || access.store !== store) continue;
      if (access.index === undefined) return undefined;
      const rest = addScaled(access.index, variableAffine(this.axis), -pitch);
      const { lo, hi } = intervalOf(rest, (name) => access.ranges.get(name) ?? everything);
      if (!Number.isFinite(lo) || !Number.isFinite(hi)) return undefined;
      const [first, last] = [Math.floor(lo / pitch), Math.floor(hi / pitch)];
      const turn = first > ring / 2 ? -ring : last < -ring / 2 ? ring : 0;
      found = {
        lo: Math.min(found.lo, first + turn),
        hi: Math.max(found.hi, last + turn),
        round: found.round || turn !== 0,
      };
    }
    return found;
  }
}

export interface Distances {
  readonly lo: number;
  readonly hi: number;
  /** Whether some of them go round the ring. */
  readonly round: boolean;
}

/** Ranges of the axes with rows in the interior, and with each row outside. */
function rowKinds(kernel: MapKernel, uniforms: readonly Interval[]): readonly AxisRanges[] {
  const axis = at(kernel.axes, 0);
  const extent = at(kernel.space, 0);
  const inside = interiorOf(kernel, uniforms).ranges.get(axis) ?? { lo: 0, hi: extent - 1 };
  const full = fullRanges(kernel);
  const kinds: AxisRanges[] = [new Map([...full, [axis, inside] as const])];
  if (inside.lo + (extent - 1 - inside.hi) > borderRows) return [full];
  for (let row = 0; row < extent; row++) {
    if (row === inside.lo) row = inside.hi + 1;
    if (row < extent) kinds.push(new Map([...full, [axis, { lo: row, hi: row }] as const]));
  }
  return kinds;
}

class Collector {
  readonly accesses: Access[] = [];
  private readonly ranges: Map<string, Interval>;
  private readonly names = new Map<string, Affine | undefined>();
  private serial = 0;

  constructor(axes: AxisRanges) {
    this.ranges = new Map(axes);
  }

  statements(list: readonly Statement[]): void {
    for (const s of list) this.statement(s);
  }

  private bind(name: string, interval: Interval): void {
    this.ranges.set(name, interval);
    this.names.set(name, variableAffine(name));
  }

  private statement(s: Statement): void {
    switch (s.kind) {
      case 'let':
        this.loads(s.value);
        if (s.value.type === 'i32') this.names.set(s.name, this.affine(s.value));
        return;
      case 'store':
        this.loads(s.value);
        this.loads(s.index);
        this.access(s.buffer, true, s.index);
        return;
      case 'reduce':
        for (const loop of s.loops) this.bind(loop.name, { lo: 0, hi: loop.extent - 1 });
        this.statements(s.body);
        this.loads(s.value);
        return;
      case 'for': {
        this.loads(s.from);
        this.loads(s.to);
        const from = this.rangeOf(this.affine(s.from));
        const to = this.rangeOf(this.affine(s.to));
        this.bind(s.name, { lo: from.lo, hi: to.hi - 1 });
        this.statements(s.body);
        return;
      }
      case 'if':
        this.loads(s.condition);
        break;
      case 'while':
        this.bind(s.counter, { lo: 0, hi: s.limit });
        this.statements(s.before);
        this.loads(s.condition);
        this.statements(s.body);
        return;
      case 'var':
      case 'assign':
        this.loads(s.value);
        return;
      case 'assign_local':
        this.loads(s.index);
        this.loads(s.value);
        return;
      case 'random_block':
        for (const e of [...s.key, ...s.counter]) this.loads(e);
        return;
      default:
    }
    for (const block of blocksOf(s)) this.statements(block);
  }

  private loads(e: Expr): void {
    if (e.kind === 'load') this.access(e.buffer, false, e.index);
    for (const operand of operandsOf(e)) this.loads(operand);
  }

  private access(buffer: number, store: boolean, index: Expr): void {
    this.accesses.push({ buffer, store, index: this.affine(index), ranges: this.ranges });
  }

  private rangeOf(a: Affine | undefined): Interval {
    return a === undefined ? everything : intervalOf(a, (name) => this.ranges.get(name) ?? everything);
  }

  private opaque(interval: Interval): Affine | undefined {
    if (!Number.isFinite(interval.lo) || !Number.isFinite(interval.hi)) return undefined;
    const name = `?${this.serial++}`;
    this.ranges.set(name, interval);
    return variableAffine(name);
  }

  private affine(e: Expr): Affine | undefined {
    switch (e.kind) {
      case 'const':
        return constantAffine(e.value);
      case 'var':
        return this.names.has(e.name)
          ? this.names.get(e.name)
          : this.ranges.has(e.name)
            ? variableAffine(e.name)
            : undefined;
      case 'unary': {
        const a = e.op === 'neg' ? this.affine(e.a) : undefined;
        return a === undefined ? undefined : scaled(a, -1);
      }
      case 'select': {
        const [x, y] = [this.rangeOf(this.affine(e.then)), this.rangeOf(this.affine(e.else))];
        return this.opaque({ lo: Math.min(x.lo, y.lo), hi: Math.max(x.hi, y.hi) });
      }
      case 'binary': {
        const [a, b] = [this.affine(e.a), this.affine(e.b)];
        return a === undefined || b === undefined ? undefined : this.binary(e.op, a, b);
      }
      default:
        return undefined;
    }
  }

  private binary(op: string, a: Affine, b: Affine): Affine | undefined {
    const constant = b.terms.length === 0 ? b.constant : undefined;
    const [x, y] = [this.rangeOf(a), this.rangeOf(b)];
    switch (op) {
      case 'add':
        return addScaled(a, b, 1);
      case 'sub':
        return addScaled(a, b, -1);
      case 'mul':
        if (constant !== undefined) return scaled(a, constant);
        return a.terms.length === 0 ? scaled(b, a.constant) : undefined;
      case 'max':
      case 'min':
        return this.opaque({ lo: Math[op](x.lo, y.lo), hi: Math[op](x.hi, y.hi) });
      case 'idiv':
      case 'rem':
        if (constant === undefined || constant <= 0) return undefined;
        if (op === 'rem') return this.opaque({ lo: 0, hi: constant - 1 });
        return this.opaque({ lo: Math.floor(x.lo / constant), hi: Math.floor(x.hi / constant) });
      default:
        return undefined;
    }
  }
}
