// Symbolic element indices inside one kernel: affine combinations of atoms (axes of the space, loop counters, wrapped or divided indices, indices found at run time), each with
// the range it stays in. Movement operations rewrite them; guards of pads and concatenations are decided or dropped by their ranges.
//
// Invariants: equal combinations are one object (interned), so tuples of indices compare by number; an atom's range holds wherever the atom is bound; `depth` is that of the
// innermost scope an index depends on. A remainder is a - n * floor(a / n), never an atom of its own, so that a flat index which is split and joined again cancels.

import { InternalError } from '../support/diagnostic.ts';
import { add, binary, int, lessThan, mul, select, sub } from '../kernel/build.ts';
import type { Expr } from '../kernel/types.ts';

interface Atom {
  readonly id: number;
  readonly expr: Expr;
  readonly depth: number;
  readonly low: number;
  readonly high: number;
}

interface Term {
  readonly atom: Atom;
  readonly scale: number;
}

/** Results of operations on an index, so that asking again costs no text. */
interface Remembered {
  readonly shifts: Map<number, Index>;
  readonly scales: Map<number, Index>;
  readonly sums: Map<Index, Index>;
}

export interface Index {
  readonly id: number;
  readonly constant: number;
  readonly terms: readonly Term[];
  readonly low: number;
  readonly high: number;
  readonly depth: number;
  readonly known: Remembered;
}

/** `true` and `false` when the ranges decide it. */
export type Guard = Expr | boolean;

/** Extents beyond this are no ranges worth knowing (offsets given at run time). */
const UNBOUNDED = 2 ** 31;

export class IndexAlgebra {
  private readonly indices = new Map<string, Index & { low: number; high: number }>();
  private readonly exprs = new Map<Index, Expr>();
  private readonly derived = new Map<string, Index>();
  private readonly tuples = new Map<string, number>();
  private atoms = 0;

  /** `bind` gives an expression a name in the scope of that depth. */
  constructor(private readonly bind: (value: Expr, depth: number) => Expr) {}

  private readonly constants = new Map<number, Index>();

  constant(value: number): Index {
    let index = this.constants.get(value);
    if (index === undefined) {
      index = this.intern(value, []);
      this.constants.set(value, index);
    }
    return index;
  }

  /** A value that runs over low..high; a constant when there is only one. */
  variable(expr: Expr, low: number, high: number, depth: number): Index {
    if (low >= high) return this.constant(low);
    return this.intern(0, [{ atom: { id: this.atoms++, expr, depth, low, high }, scale: 1 }]);
  }

  /** An offset known at run time only, the same for all points. */
  offset(expr: Expr): Index {
    return this.variable(expr, -UNBOUNDED, UNBOUNDED, 0);
  }

  add(a: Index, b: Index): Index {
    if (b.terms.length === 0) return this.shift(a, b.constant);
    if (a.terms.length === 0) return this.shift(b, a.constant);
    let sum = a.known.sums.get(b);
    if (sum === undefined) {
      sum = this.sum(a, b);
      a.known.sums.set(b, sum);
    }
    return sum;
  }

  private sum(a: Index, b: Index): Index {
    const terms: Term[] = [];
    let i = 0;
    let j = 0;
    for (;;) {
      const x = a.terms[i];
      const y = b.terms[j];
      if (x === undefined && y === undefined) break;
      if (y === undefined || (x !== undefined && x.atom.id < y.atom.id)) {
        if (x !== undefined) terms.push(x);
        i++;
      } else if (x === undefined || y.atom.id < x.atom.id) {
        terms.push(y);
        j++;
      } else {
        const scale = x.scale + y.scale;
        if (scale !== 0) terms.push({ atom: x.atom, scale });
        i++;
        j++;
      }
    }
    return this.intern(a.constant + b.constant, terms);
  }

  shift(a: Index, by: number): Index {
    if (by === 0) return a;
    let shifted = a.known.shifts.get(by);
    if (shifted === undefined) {
      shifted = this.intern(a.constant + by, a.terms);
      a.known.shifts.set(by, shifted);
    }
    return shifted;
  }

  scale(a: Index, by: number): Index {
    if (by === 1) return a;
    if (by === 0) return this.constant(0);
    let scaled = a.known.scales.get(by);
    if (scaled === undefined) {
      scaled = this.intern(
        a.constant * by,
        a.terms.map(({ atom, scale }) => ({ atom, scale: scale * by })),
      );
      a.known.scales.set(by, scaled);
    }
    return scaled;
  }

  /** floor(a / n), n >= 1. */
  quotient(a: Index, n: number): Index {
    if (n === 1) return a;
    if (a.low >= 0 && a.high < n) return this.constant(0);
    const whole = a.terms.filter(({ scale }) => scale % n === 0);
    const rest = a.terms.filter(({ scale }) => scale % n !== 0);
    const carried = Math.floor(a.constant / n);
    const part = this.intern(a.constant - carried * n, rest);
    const known = this.intern(
      carried,
      whole.map(({ atom, scale }) => ({ atom, scale: scale / n })),
    );
    if (part.low >= 0 && part.high < n) return known;
    const key = `${part.id}/${n}`;
    let divided = this.derived.get(key);
    if (divided === undefined) {
      divided = this.variable(
        this.bind(binary('idiv', this.expr(part), int(n)), part.depth),
        Math.floor(part.low / n),
        Math.floor(part.high / n),
        part.depth,
      );
      this.derived.set(key, divided);
    }
    return this.add(known, divided);
  }

  /** a mod n, in 0..n-1. */
  remainder(a: Index, n: number): Index {
    const rest = this.add(a, this.scale(this.quotient(a, n), -n));
    return this.within(rest, 0, n - 1);
  }

  /** a mod n for an index that leaves 0..n-1 by less than n: a comparison instead of a division. */
  wrap(a: Index, n: number): Index {
    const turns = Math.floor(a.low / n);
    const start = this.shift(a, -turns * n);
    if (start.high < n) return start;
    if (start.high >= 2 * n) return this.remainder(a, n);
    const key = `${start.id}%${n}`;
    let wrapped = this.derived.get(key);
    if (wrapped === undefined) {
      const inside = lessThan(this.expr(this.shift(start, -start.constant)), int(n - start.constant));
      wrapped = this.variable(
        this.bind(select(inside, this.expr(start), this.expr(this.shift(start, -n))), start.depth),
        0,
        n - 1,
        start.depth,
      );
      this.derived.set(key, wrapped);
    }
    return wrapped;
  }

  /** The same index, known to lie in low..high. */
  private within(a: Index, low: number, high: number): Index {
    const known = this.indices.get(keyOf(a.constant, a.terms));
    if (known !== undefined) {
      known.low = Math.max(known.low, low);
      known.high = Math.min(known.high, high);
    }
    return a;
  }

  /** Whether a < n. */
  below(a: Index, n: number): Guard {
    if (a.high < n) return true;
    if (a.low >= n) return false;
    return lessThan(this.expr(this.shift(a, -a.constant)), int(n - a.constant));
  }

  /** Whether a >= n. */
  atLeast(a: Index, n: number): Guard {
    if (a.low >= n) return true;
    if (a.high < n) return false;
    return lessThan(int(n - 1 - a.constant), this.expr(this.shift(a, -a.constant)));
  }

  expr(a: Index): Expr {
    let e = this.exprs.get(a);
    if (e === undefined) {
      e = int(a.constant);
      if (a.terms.length > 0) {
        let sum: Expr | undefined;
        for (const { atom, scale } of a.terms) {
          const size = mul(atom.expr, int(Math.abs(scale)));
          if (sum === undefined) sum = scale < 0 ? sub(int(0), size) : size;
          else sum = scale < 0 ? sub(sum, size) : add(sum, size);
        }
        e = add(sum ?? int(0), e);
      }
      this.exprs.set(a, e);
    }
    return e;
  }

  /** The number of a tuple of indices. */
  tupleId(tuple: readonly Index[]): number {
    if (tuple.length === 0) return -1;
    const [first] = tuple;
    if (tuple.length === 1 && first !== undefined) return -2 - first.id;
    let key = '';
    for (const index of tuple) key += `${index.id},`;
    let id = this.tuples.get(key);
    if (id === undefined) {
      id = this.tuples.size;
      this.tuples.set(key, id);
    }
    return id;
  }

  /** The row-major flat index of a point of `shape`. */
  flat(tuple: readonly Index[], shape: readonly number[]): Index {
    if (tuple.length !== shape.length)
      throw new InternalError('schedule.index', `${tuple.length} indices for rank ${shape.length}`);
    let flat = this.constant(0);
    tuple.forEach((index, axis) => {
      flat = this.add(this.scale(flat, shape[axis] ?? 0), index);
    });
    return flat;
  }

  /** The point of `shape` with this flat index. */
  unflat(flat: Index, shape: readonly number[]): Index[] {
    const point: Index[] = [];
    let rest = flat;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const extent = shape[axis] ?? 0;
      if (extent <= 1) point.unshift(this.constant(0));
      else if (shape.slice(0, axis).every((e) => e === 1)) {
        // The outermost axis that counts takes what is left.
        point.unshift(rest);
        rest = this.constant(0);
      } else {
        point.unshift(this.remainder(rest, extent));
        rest = this.quotient(rest, extent);
      }
    }
    return point;
  }

  /** The point of shape `to` that holds the element at `tuple` of shape `from`, both row-major. Axes are grouped where the shapes agree, so that splits and merges stay local. */
  reshape(tuple: readonly Index[], from: readonly number[], to: readonly number[]): Index[] {
    const out: Index[] = [];
    let [i, j] = [0, 0];
    while (i < from.length || j < to.length) {
      let [iEnd, jEnd] = [i, j];
      let [a, b] = [1, 1];
      do {
        if (a <= b && iEnd < from.length) a *= from[iEnd++] ?? 1;
        else if (jEnd < to.length) b *= to[jEnd++] ?? 1;
        else a *= from[iEnd++] ?? 1;
      } while (a !== b && (iEnd < from.length || jEnd < to.length));
      const flat = this.flat(tuple.slice(i, iEnd), from.slice(i, iEnd));
      out.push(...this.unflat(flat, to.slice(j, jEnd)));
      [i, j] = [iEnd, jEnd];
    }
    return out;
  }

  private intern(constant: number, terms: readonly Term[]): Index {
    const key = keyOf(constant, terms);
    const known = this.indices.get(key);
    if (known !== undefined) return known;
    let [low, high, depth] = [constant, constant, 0];
    for (const { atom, scale } of terms) {
      low += scale * (scale > 0 ? atom.low : atom.high);
      high += scale * (scale > 0 ? atom.high : atom.low);
      depth = Math.max(depth, atom.depth);
    }
    const known_ = { shifts: new Map(), scales: new Map(), sums: new Map() };
    const made = { id: this.indices.size, constant, terms, low, high, depth, known: known_ };
    this.indices.set(key, made);
    return made;
  }
}

function keyOf(constant: number, terms: readonly Term[]): string {
  let key = String(constant);
  for (const { atom, scale } of terms) key += `+${atom.id}*${scale}`;
  return key;
}
