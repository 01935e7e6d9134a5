// Sums, products and extrema over a loop nest. In: a `reduce` statement where its surroundings are scalar or vectors. Out: its value.
//
// Where the surroundings are scalar, the innermost loop is spread over lanes and several vectors; the order of combination depends on the extents alone, so reruns and any number of threads give
// the same bits. Float sums of many terms are added up in blocks, which keeps the rounding error near that of a block.

import type { DType } from '../../ir/types.ts';
import type { Statement } from '../../kernel/types.ts';
import { assertNever } from '../../support/diagnostic.ts';
import { at, range } from '../../support/lists.ts';
import { constantAffine } from './affine.ts';
import type { Body, Cell } from './body.ts';
import { Ops, type Num } from './ops.ts';
import { assignedNames, variationOf } from './variation.ts';
import type { Reg, Variable } from './writer.ts';

type Reduce = Extract<Statement, { kind: 'reduce' }>;

/** Terms in a block of a float sum, for a vector lane each. */
const blockTerms = 256;
/** Nests of at most so many points are written out. */
const unrolledPoints = 8;

export function lowerReduction(body: Body, s: Reduce): Num {
  const points = s.loops.reduce((n, loop) => n * loop.extent, 1);
  if (points === 0) return neutral(body.ops, s);
  const writes = assignedNames(s.body).size > 0;
  if (writes) body.touch();
  const result = reduced(body, s, points);
  if (writes) body.touch();
  return result;
}

function reduced(body: Body, s: Reduce, points: number): Num {
  const inner = s.loops.at(-1);
  const scalar = body.ops.setup.width === 1 && body.groups.length === 1 && body.mask === undefined;
  if (scalar && inner !== undefined && inner.extent >= 8) return inLanes(body, s, inner.extent);
  const total = body.cell(s.name, s.type, body.variation.varies(s.value), neutral(body.ops, s));
  new Nest(body, s, 1).run(total, points <= unrolledPoints);
  return body.readCell(total);
}

function inLanes(body: Body, s: Reduce, extent: number): Num {
  const { ops: outerOps, groups: outerGroups, variation: outerVariation, f } = body;
  const loop = at(s.loops, -1);
  const variation = variationOf([s], loop.name);
  const width = variation.types.has('f64') || s.type === 'f64' ? 2 : 4;
  const columns = Math.max(1, Math.min(4, Math.floor(extent / width)));
  body.ops = new Ops(f, { width, groups: columns, fused: outerOps.setup.fused });
  body.groups = range(columns).map((c) => ({ row: 0, column: c * width }));
  body.variation = variation;
  // The lanes are those of the loop now: the axes around it, whose one lane this is, stand still.
  const around = [...body.atoms].filter(([, atom]) => atom.kind === 'lane' || atom.kind === 'row');
  for (const [key, atom] of around)
    if (atom.kind !== 'num') body.atoms.set(key, { kind: 'scalar', reg: atom.reg, range: atom.range });
  const total = body.cell(s.name, s.type, true, neutral(body.ops, s));
  new Nest(body, s, width).run(total, false);
  for (const [key, atom] of around) body.atoms.set(key, atom);
  let parts = body.readCell(total).regs.map((reg) => body.ops.vector(s.type, reg));
  body.groups = [{ row: 0, column: 0 }];
  body.ops = new Ops(f, { width, groups: 1, fused: outerOps.setup.fused });
  while (parts.length > 1) parts = halved(body.ops, s, parts);
  let lanes = range(width).map((lane) => body.ops.extract(at(parts, 0), 0, lane));
  while (lanes.length > 1) lanes = halved(body.ops, s, lanes);
  body.ops = outerOps;
  body.groups = outerGroups;
  body.variation = outerVariation;
  return at(lanes, 0);
}

/** Combines the second half of a list into the first. */
function halved(ops: Ops, s: Reduce, parts: readonly Num[]): Num[] {
  const half = Math.ceil(parts.length / 2);
  return range(half).map((i) => {
    const other = parts[i + half];
    return other === undefined ? at(parts, i) : combine(ops, s, at(parts, i), other);
  });
}

export function combine(ops: Ops, s: { readonly combine: Reduce['combine'] }, a: Num, b: Num): Num {
  switch (s.combine) {
    case 'sum':
      return ops.add(a, b);
    case 'prod':
      return ops.mul(a, b);
    case 'max':
      return ops.max(a, b);
    case 'min':
      return ops.min(a, b);
    case 'any':
      return ops.or(a, b);
    case 'all':
      return ops.and(a, b);
    default:
      return assertNever(s.combine);
  }
}

export function neutral(ops: Ops, s: { readonly combine: Reduce['combine']; readonly type: DType }): Num {
  const bounds =
    s.type === 'i32' ? [-2147483648, 2147483647] : s.type === 'u32' ? [0, -1] : [-Infinity, Infinity];
  const values = { sum: 0, prod: 1, max: at(bounds, 0), min: at(bounds, 1), any: 0, all: 1 };
  return ops.constant(s.type, values[s.combine]);
}

class Nest {
  constructor(
    private readonly body: Body,
    private readonly s: Reduce,
    /** Lanes of the innermost loop; 1: it is an ordinary loop. */
    private readonly width: number,
  ) {}

  run(total: Cell, unrolled: boolean): void {
    if (unrolled) this.unrolled(0, total);
    else this.level(0, total, this.s.combine !== 'sum' || (this.s.type !== 'f32' && this.s.type !== 'f64'));
  }

  private accumulate(into: Cell, keep?: Num): void {
    const { body, s } = this;
    const { ops } = body;
    body.statements(s.body);
    const sum = body.readCell(into);
    const { value } = s;
    const product = value.kind === 'binary' && value.op === 'mul' && value.rounded !== true;
    if (s.combine === 'sum' && keep === undefined && product) {
      this.put(into, ops.fma(body.num(value.a), body.num(value.b), sum));
      return;
    }
    const term = body.num(value);
    const kept = keep === undefined ? term : ops.select(keep, term, ops.splat(neutral(ops, s)));
    this.put(into, combine(ops, s, sum, kept));
  }

  private put(into: Cell, value: Num): void {
    const { body } = this;
    const fit = into.vector ? body.ops.splat(value) : value;
    into.variables.forEach((v, g) => body.f.set(v, at(fit.regs, fit.regs.length === 1 ? 0 : g)));
  }

  private unrolled(level: number, into: Cell): void {
    const loop = this.s.loops[level];
    if (loop === undefined) {
      this.accumulate(into);
      return;
    }
    for (let i = 0; i < loop.extent; i++) {
      this.body.env.set(loop.name, { kind: 'affine', affine: constantAffine(i) });
      this.unrolled(level + 1, into);
    }
  }

  private assigned(into: Cell): readonly Variable[] {
    return [...this.body.variablesOf([this.s]), ...into.variables];
  }

  /** A partial sum of its own for what `fill` adds up, then added to `into`. */
  private block(into: Cell, fill: (partial: Cell) => void): void {
    const { body, s } = this;
    const partial = body.cell(`${s.name}_part`, s.type, into.vector, neutral(body.ops, s));
    fill(partial);
    this.put(into, combine(body.ops, s, body.readCell(into), body.readCell(partial)));
  }

  /** Terms that one lane adds up in the loops from `level` on. */
  private terms(level: number): number {
    const extents = this.s.loops.slice(level).map((loop) => loop.extent);
    return (
      extents.reduce((n, extent) => n * extent, 1) /
      (this.width * (this.width > 1 ? this.body.groups.length : 1))
    );
  }

  /** `blocked`: a block has been begun, or none is wanted. */
  private level(level: number, into: Cell, blocked: boolean): void {
    const { body, s } = this;
    const { f } = body;
    const loop = s.loops[level];
    if (loop === undefined) {
      this.accumulate(into);
      return;
    }
    if (level === s.loops.length - 1) {
      this.innermost(loop.name, loop.extent, into, blocked);
      return;
    }
    const begin =
      !blocked && this.terms(level + 1) >= blockTerms / 4 && this.terms(level + 1) <= blockTerms * 4;
    f.count(f.i32(0), f.i32(loop.extent), 1, loop.name, this.assigned(into), (counter) => {
      body.bindCounter(loop.name, counter, { lo: 0, hi: loop.extent - 1 });
      if (begin) this.block(into, (partial) => this.level(level + 1, partial, true));
      else this.level(level + 1, into, blocked);
    });
  }

  private innermost(name: string, extent: number, into: Cell, blocked: boolean): void {
    const { body, width } = this;
    const { f } = body;
    const step = width === 1 ? 1 : width * body.groups.length;
    const main = Math.floor(extent / step) * step;
    const interval = { lo: 0, hi: extent - 1 };
    const sweep = (from: Reg, to: Reg, acc: Cell): void =>
      f.count(from, to, step, name, this.assigned(acc), (counter) => {
        body.bindCounter(name, counter, interval, width === 1 ? 0 : step);
        this.accumulate(acc);
      });
    const chunk = blockTerms * step;
    if (!blocked && main > 2 * chunk)
      f.count(f.i32(0), f.i32(main), chunk, `${name}_block`, this.assigned(into), (start) => {
        const end = f.pure('i32.add', 'i32', [start, f.i32(chunk)]);
        const over = f.pure('i32.gt_s', 'i32', [end, f.i32(main)]);
        const stop = main % chunk === 0 ? end : f.pure('select', 'i32', [f.i32(main), end, over]);
        this.block(into, (partial) => sweep(start, stop, partial));
      });
    else sweep(f.i32(0), f.i32(main), into);
    if (width > 1) this.rest(name, main, extent, into);
  }

  /** The terms behind the last whole block of vectors, a vector at a time. */
  private rest(name: string, main: number, extent: number, into: Cell): void {
    const { body, width } = this;
    const { groups, f, ops } = body;
    const [first] = into.variables;
    if (first === undefined) return;
    const single: Cell = { ...into, variables: [first] };
    body.groups = [{ row: 0, column: 0 }];
    body.ops = new Ops(f, { ...ops.setup, groups: 1 });
    for (let start = main; start < extent; start += width) {
      const left = extent - start;
      body.bindCounter(name, f.i32(start), { lo: 0, hi: extent - 1 }, width);
      const mask = range(4).map((part) => (Math.floor((part * width) / 4) < left ? -1 : 0));
      const keep = left >= width ? undefined : body.ops.vector('bool', f.vectorOfIntegers(mask));
      this.accumulate(single, keep);
    }
    body.groups = groups;
    body.ops = ops;
  }
}
