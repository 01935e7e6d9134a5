// Assignments to elements touch the elements assigned. In: the body of a map kernel over a whole array that keeps what is there, but for some places,
//
//     b[i] = select(i == p, v, b[i])        b[i, j] = select(i == p and 2 <= j - q < 5, v, select(i == r …, w, b[i, j]))
//
// Out: a kernel over the places alone, where what is left of the space is: all values are computed first, then stored, the outer ones last. An axis may be held at one place, or in a window of constant
// length; the places may be known at run time only, and are left out where they lie outside the array.
//
// Invariant: the same stores of the same values. A point of the old kernel read of `b` what it wrote and nothing else (points are independent), so a point of the new one, which stands for a whole line of
// old points, reads nothing that another writes.

import * as k from '../kernel/build.ts';
import type { Expr, Statement } from '../kernel/types.ts';
import { everyExpr, expressionsOf, mapExpr, operandsOf } from '../kernel/walk.ts';
import { uniformOf } from '../ir/pattern.ts';
import type { Node } from '../ir/types.ts';
import { at, range } from '../support/lists.ts';
import { isMixed } from './fuse.ts';
import type { MapUnit } from './lower_map.ts';

export interface MapBody {
  readonly space: readonly number[];
  readonly axes: readonly string[];
  readonly body: readonly Statement[];
}

type Store = Extract<Statement, { kind: 'store' }>;

/** Where an axis is held: `count` places from `start` on. */
interface Hold {
  readonly axis: number;
  readonly start: Expr;
  readonly count: number;
}

/** One of the nested choices: the places, what must hold there beside, the value. */
interface Link {
  readonly store: Store;
  readonly holds: readonly Hold[];
  readonly conditions: readonly Expr[];
  readonly value: Expr;
}

/** Windows up to this part of an axis are worth a kernel of their own. */
const WORTH = 0.5;

/**
 * Whether the value is the parameter with new elements at single places, as `narrowed` can do: what the kernel reads of the parameter may then be anywhere, since one thread reads before it
 * stores. The same forms are recognised here in the array IR, because a carried value is given its place before its kernel is written.
 */
function isPointUpdate(value: Node, param: Node): boolean {
  const { shape } = value;
  if (shape.length === 0 || shape.includes(1)) return false;
  let rest = value;
  while (rest.op === 'select') {
    const held = new Set(conjunctsOf(at(rest.args, 0)).flatMap(heldAxis));
    if (held.size !== shape.length) return false;
    rest = at(rest.args, 2);
  }
  return rest === param && rest !== value;
}

/** Whether the unit does nothing but give parameters new elements. */
export function updatesPoints(unit: MapUnit): boolean {
  return (
    !unit.serial &&
    !isMixed(unit.items) &&
    unit.items.every(
      (item) => item.kind === 'value' && updatedAtPoints(item.node, item.reads.keys()) !== undefined,
    )
  );
}

/** The one of the values that gets new elements at single places, and is the node then. */
export function updatedAtPoints(node: Node, values: Iterable<Node>): Node | undefined {
  return [...values].find((value) => isPointUpdate(node, value));
}

function conjunctsOf(mask: Node): Node[] {
  return mask.op === 'and' ? mask.args.flatMap(conjunctsOf) : [mask];
}

/** The axis that a condition `position == p` holds at one place p. */
function heldAxis(condition: Node): number[] {
  if (condition.op !== 'eq') return [];
  const [a, b] = [at(condition.args, 0), at(condition.args, 1)];
  if (a.op === 'iota' && uniformOf(b) !== undefined) return [a.attrs.axis];
  if (b.op === 'iota' && uniformOf(a) !== undefined) return [b.attrs.axis];
  return [];
}

/** Whether a body reads of a buffer that it writes anything but what it writes over. */
export function readsElsewhere({ body }: MapBody): boolean {
  const indices = new Map<number, Expr>();
  for (const s of body) if (s.kind === 'store') indices.set(s.buffer, s.index);
  return body.some((s) =>
    expressionsOf(s).some((e) => {
      let found = false;
      everyExpr(e, (part) => {
        const own = part.kind === 'load' ? indices.get(part.buffer) : undefined;
        if (part.kind === 'load' && own !== undefined && !k.sameExpr(part.index, own)) found = true;
      });
      return found;
    }),
  );
}

/** The body over the places assigned; undefined where the body does something else. */
export function narrowed(whole: MapBody): MapBody | undefined {
  return new Narrowing(whole).result();
}

class Narrowing {
  private readonly lets = new Map<string, Expr>();
  /** Names whose value differs along each axis. */
  private readonly varying: readonly ReadonlySet<string>[];

  constructor(private readonly whole: MapBody) {
    for (const s of whole.body) if (s.kind === 'let') this.lets.set(s.name, s.value);
    this.varying = whole.axes.map((axis) => {
      const names = new Set([axis]);
      for (const [name, value] of this.lets) if (mentions(value, names)) names.add(name);
      return names;
    });
  }

  result(): MapBody | undefined {
    const { body, space } = this.whole;
    if (space.length === 0) return undefined;
    const stores = body.filter((s) => s.kind === 'store');
    if (!body.slice(0, body.length - stores.length).every((s) => s.kind === 'let')) return undefined;
    const links: Link[] = [];
    const stored = new Set<number>();
    for (const store of stores) {
      if (loads(store.value, stored)) return undefined;
      stored.add(store.buffer);
      let rest = this.resolved(store.value);
      while (rest.kind === 'select') {
        links.push(this.link(store, rest.condition, rest.then));
        rest = this.resolved(rest.else);
      }
      if (rest.kind !== 'load' || rest.buffer !== store.buffer || !this.same(rest.index, store.index))
        return undefined;
    }
    const [first] = links;
    if (first === undefined || first.holds.length === 0) return undefined;
    const held = first.holds.map((h) => h.axis);
    const alike = (link: Link): boolean =>
      link.holds.length === first.holds.length &&
      link.holds.every(
        (h, i) =>
          h.axis === at(first.holds, i).axis &&
          h.count === at(first.holds, i).count &&
          !held.some((axis) => this.varies(h.start, axis)),
      );
    return links.every(alike) ? this.emit(links, first.holds) : undefined;
  }

  private link(store: Store, condition: Expr, value: Expr): Link {
    let conditions = this.conjuncts(condition);
    const holds: Hold[] = [];
    for (const axis of range(this.whole.axes.length)) {
      const point = conditions.findIndex((c) => this.place(c, axis) !== undefined);
      const start = point < 0 ? undefined : this.place(at(conditions, point), axis);
      if (start !== undefined) {
        holds.push({ axis, start, count: 1 });
        conditions = conditions.filter((_, i) => i !== point);
        continue;
      }
      const bounds = conditions.flatMap((c, i) => {
        const bound = this.bound(c, axis);
        return bound === undefined ? [] : [{ ...bound, i }];
      });
      const low = bounds.find((x) => x.side === 'low');
      const high = bounds.find((x) => x.side === 'high' && low !== undefined && this.same(x.from, low.from));
      if (low === undefined || high === undefined) continue;
      const count = high.value - low.value;
      if (count < 1 || count > WORTH * at(this.whole.space, axis)) continue;
      holds.push({ axis, start: k.add(low.from, k.int(low.value)), count });
      conditions = conditions.filter((_, i) => i !== low.i && i !== high.i);
    }
    return { store, holds, conditions, value };
  }

  /** The parts of a conjunction, their names resolved. */
  private conjuncts(e: Expr): Expr[] {
    const condition = this.resolved(e);
    return condition.kind === 'binary' && condition.op === 'and'
      ? [...this.conjuncts(condition.a), ...this.conjuncts(condition.b)]
      : [condition];
  }

  /** p of a condition `axis == p`. */
  private place(c: Expr, axis: number): Expr | undefined {
    if (c.kind !== 'compare' || c.op !== 'eq') return undefined;
    for (const [x, y] of [
      [c.a, c.b],
      [c.b, c.a],
    ] as const)
      if (this.isAxis(x, axis) && !this.varies(y, axis)) return y;
    return undefined;
  }

  /** Of a condition `low <= axis - from` or `axis - from < high`, with numbers for low and high: the number and `from`. */
  private bound(
    c: Expr,
    axis: number,
  ): { readonly side: 'low' | 'high'; readonly from: Expr; readonly value: number } | undefined {
    if (c.kind !== 'compare') return undefined;
    if (c.op === 'le' && c.a.kind === 'const') {
      const from = this.distance(c.b, axis);
      return from && { side: 'low', from, value: c.a.value };
    }
    if (c.op === 'lt' && c.b.kind === 'const') {
      const from = this.distance(c.a, axis);
      return from && { side: 'high', from, value: c.b.value };
    }
    return undefined;
  }

  /** p of `axis - p`. */
  private distance(e: Expr, axis: number): Expr | undefined {
    const value = this.resolved(e);
    if (value.kind !== 'binary' || value.op !== 'sub') return undefined;
    return this.isAxis(value.a, axis) && !this.varies(value.b, axis) ? value.b : undefined;
  }

  private isAxis(e: Expr, axis: number): boolean {
    return e.kind === 'var' && e.name === this.whole.axes[axis];
  }

  private varies(e: Expr, axis: number): boolean {
    return mentions(e, at(this.varying, axis));
  }

  private resolved(e: Expr): Expr {
    if (e.kind !== 'var') return e;
    const value = this.lets.get(e.name);
    return value === undefined ? e : this.resolved(value);
  }

  private same(a: Expr, b: Expr): boolean {
    return k.sameExpr(this.resolved(a), this.resolved(b));
  }

  private emit(links: readonly Link[], holds: readonly Hold[]): MapBody {
    const { axes, space } = this.whole;
    const held = new Map(holds.map((h) => [h.axis, h]));
    const kept = range(axes.length).filter((axis) => (held.get(axis)?.count ?? 2) > 1);
    const moved = new Set<string>();
    for (const { axis } of holds) for (const name of at(this.varying, axis)) moved.add(name);
    const body: Statement[] = [];
    const stores: Statement[] = [];
    for (const [name, value] of this.lets) if (!moved.has(name)) body.push(k.let_(name, value));
    links.forEach((link, l) => {
      const own = (name: string): string => `${name}_${l}`;
      const renamed = (e: Expr): Expr =>
        mapExpr(e, (part) =>
          part.kind === 'var' && moved.has(part.name) ? k.variable(part.type, own(part.name)) : part,
        );
      for (const { axis, start, count } of link.holds) {
        const name = at(axes, axis);
        body.push(k.let_(own(name), count === 1 ? start : k.add(start, k.variable('i32', name))));
      }
      for (const [name, value] of this.lets)
        if (moved.has(name) && !axes.includes(name)) body.push(k.let_(own(name), renamed(value)));
      const inside = link.holds.map(({ axis }) => {
        const place = k.variable('i32', own(at(axes, axis)));
        return k.and(k.atMost(k.int(0), place), k.lessThan(place, k.int(at(space, axis))));
      });
      const condition = [...inside, ...link.conditions.map(renamed)].reduce((a, c) => k.and(a, c));
      body.push(k.let_(`here_${l}`, condition), k.let_(`value_${l}`, renamed(link.value)));
      stores.unshift({
        kind: 'if',
        condition: k.variable('bool', `here_${l}`),
        then: [
          {
            ...link.store,
            index: renamed(link.store.index),
            value: k.variable(link.value.type, `value_${l}`),
          },
        ],
        else: [],
      });
    });
    return {
      space: kept.map((axis) => held.get(axis)?.count ?? at(space, axis)),
      axes: kept.map((axis) => at(axes, axis)),
      body: [...body, ...stores],
    };
  }
}

function mentions(e: Expr, names: ReadonlySet<string>): boolean {
  return e.kind === 'var' ? names.has(e.name) : operandsOf(e).some((child) => mentions(child, names));
}

/** Whether an expression itself, not the names in it, reads one of the buffers. */
function loads(e: Expr, buffers: ReadonlySet<number>): boolean {
  let found = false;
  everyExpr(e, (part) => {
    if (part.kind === 'load' && buffers.has(part.buffer)) found = true;
  });
  return found;
}
